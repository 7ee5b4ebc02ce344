"""Sign many files: one failure does not stop the rest, and only whole files stand in the target folder."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edoc.errors import EdocError, InputError
from edoc.signing.finishing import Signed
from edoc.signing.signature import sign


@dataclass(frozen=True, slots=True)
class Errand:
    """One file to sign."""

    source: Path
    target: Path


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file: signed, failed, or passed over because its target was there."""

    errand: Errand
    signed: Signed | None = None
    error: EdocError | OSError | None = None

    @property
    def passed_over(self) -> bool:
        """Whether nothing was done."""
        return self.signed is None and self.error is None


def list_errands(sources: Iterable[Path], out_dir: Path) -> tuple[Errand, ...]:
    """List what is to be signed: files as they are, folders with every PDF below them, their tree kept.

    Raises `InputError` if there is nothing, if two files would have one target, or a file its own.
    """
    found = tuple(errand for source in sources for errand in _list_below(source, out_dir))
    if not found:
        raise InputError("there is no PDF to sign.", advice="Name PDF files, or folders that hold some.")
    targets: dict[Path, Path] = {}
    for errand in found:
        target = Path(os.path.normcase(errand.target))
        if errand.source.resolve() == errand.target.resolve():
            raise InputError(
                "this file would be replaced by its signed copy.",
                where=str(errand.source),
                advice="Choose another folder for what is signed.",
            )
        if target in targets and targets[target] != errand.source:
            raise InputError(
                f"{targets[target]} and {errand.source} would both become {errand.target}.",
                advice="Sign them into different folders.",
            )
        targets[target] = errand.source
    return tuple({errand.target: errand for errand in found}.values())


def _list_below(source: Path, out_dir: Path) -> Iterator[Errand]:
    if not source.is_dir():
        yield Errand(source, out_dir / source.name)
        return
    for folder, subfolders, names in os.walk(source):
        here = Path(folder)
        subfolders[:] = sorted(each for each in subfolders if (here / each).resolve() != out_dir.resolve())
        for name in sorted(names):
            if Path(name).suffix.lower() == ".pdf":
                yield Errand(here / name, out_dir / here.relative_to(source) / name)


def sign_all(errands: Iterable[Errand], *, resume: bool = False, **options: Any) -> Iterator[Outcome]:
    """Sign file after file with the options of `sign`, and say after each what became of it.

    With `resume`, a file whose target is there is passed over.
    """
    for errand in errands:
        if resume and errand.target.exists():
            yield Outcome(errand)
            continue
        try:
            errand.target.parent.mkdir(parents=True, exist_ok=True)
            signed = sign(errand.source, errand.target, **options)
        except (EdocError, OSError) as error:
            yield Outcome(errand, error=error)
        else:
            yield Outcome(errand, signed=signed)
