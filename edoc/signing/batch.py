"""Work through many files: one failure does not stop the rest, only whole files stand in the target folder.

errands = list_errands([Path("letters")], Path("signed"))
for outcome in sign_all(errands, key=key, role="person", trust=trust):
    print(outcome.errand.source, outcome.error or "signed")
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, NoReturn, TypeVar

from edoc.core.ports import SigningKey
from edoc.errors import EdocError, InputError
from edoc.pdf.files import Written
from edoc.pdf.pictures import load_picture
from edoc.roles.role import Role, load_role
from edoc.signing.finishing import Signed
from edoc.signing.levels import list_tsas
from edoc.signing.online import Online
from edoc.signing.signature import sign
from edoc.trust.timestamps import Tsa

W_co = TypeVar("W_co", bound=Written, covariant=True)


@dataclass(frozen=True, slots=True)
class Errand:
    """One file to work on, and what it becomes."""

    source: Path
    target: Path


@dataclass(frozen=True, slots=True)
class Outcome(Generic[W_co]):
    """What became of one file: written, failed, or passed over because its target was there."""

    errand: Errand
    written: W_co | None = None
    error: EdocError | OSError | None = None

    @property
    def passed_over(self) -> bool:
        """Whether nothing was done."""
        return self.written is None and self.error is None


def list_errands(sources: Iterable[Path], out_dir: Path) -> tuple[Errand, ...]:
    """List the work: files as they are, folders with every PDF below them, their tree kept.

    What a folder holds inside `out_dir` is not taken; links to folders are not followed. Raises `InputError`
    if there is nothing, if two files would have one target, or for a file that would be replaced or that lies
    in `out_dir`; `OSError` for a folder that cannot be read.
    """
    if out_dir.exists() and not out_dir.is_dir():
        raise InputError("this is no folder.", where=str(out_dir), advice="Name a folder to write to.")
    home = out_dir.resolve()
    taken: dict[str, Errand] = {}
    for source in sources:
        for errand in _list_below(source, out_dir, home):
            before = taken.setdefault(os.path.normcase(errand.target), errand)
            if before.source.resolve() != errand.source.resolve():
                raise InputError(
                    f"{before.source} and {errand.source} would both become {errand.target}.",
                    advice="Write them to different folders.",
                )
    if not taken:
        raise InputError(
            "there is no PDF to work on.",
            advice=f"Name PDF files, or folders that hold some outside {out_dir}.",
        )
    return tuple(taken.values())


def _list_below(source: Path, out_dir: Path, home: Path) -> Iterator[Errand]:
    if not source.is_dir():
        _require_outside(source, out_dir / source.name, home)
        yield Errand(source, out_dir / source.name)
        return
    for folder, subfolders, names in os.walk(source, onerror=_stop):
        here = Path(folder)
        if here.resolve().is_relative_to(home):
            subfolders.clear()
            continue
        subfolders.sort()
        for name in sorted(names):
            path = here / name
            if path.suffix.lower() == ".pdf" and not path.resolve().is_relative_to(home):
                yield Errand(path, out_dir / here.relative_to(source) / name)


def _require_outside(source: Path, target: Path, home: Path) -> None:
    if source.resolve() == target.resolve():
        what = "this file would be replaced by what it becomes."
    elif source.resolve().is_relative_to(home):
        what = "this file lies in the folder that is written to."
    else:
        return
    raise InputError(what, where=str(source), advice="Choose another folder to write to.")


def _stop(error: OSError) -> NoReturn:
    # A folder that cannot be read must not look like one without PDFs.
    raise error


def sign_all(
    errands: Iterable[Errand],
    *,
    key: SigningKey,
    role: str | os.PathLike[str] | Role,
    image: str | os.PathLike[str] | None = None,
    tsa: str | Tsa | Iterable[str | Tsa] | None = None,
    online: Online | None = None,
    resume: bool = False,
    make_folders: bool = True,
    **options: Any,
) -> Iterator[Outcome[Signed]]:
    """Sign file after file with the options of `sign`, and say after each what became of it.

    One role, image and way to the outside serve all. With `resume`, a file whose target is there is passed
    over. Raises, before the first file, `InputError` or `OSError` for a role or image that cannot be used.
    """
    chosen = role if isinstance(role, Role) else load_role(role)
    if image is not None:
        load_picture(image)  # decoded once; a bad one is one error, not one for each file
    with ExitStack() as stack:
        reached = online or stack.enter_context(Online(tsas=list_tsas(tsa)))
        act = partial(sign, key=key, role=chosen, image=image, online=reached, **options)
        yield from act_on_all(errands, act, resume=resume, make_folders=make_folders)


def act_on_all(
    errands: Iterable[Errand],
    act: Callable[[Path, Path], W_co],
    *,
    resume: bool = False,
    make_folders: bool = True,
) -> Iterator[Outcome[W_co]]:
    """Act on file after file; with `resume`, not where a target is.

    With `make_folders` the folder of a target is made, and removed again if it stays empty.
    """
    for errand in errands:
        if resume and errand.target.exists():
            yield Outcome(errand)
            continue
        made: list[Path] = []
        try:
            if make_folders:
                made = _make_folders(errand.target.parent)
            outcome = Outcome(errand, written=act(errand.source, errand.target))
        except (EdocError, OSError) as error:
            _remove_empty(made)
            outcome = Outcome(errand, error=error)
        yield outcome


def _make_folders(folder: Path) -> list[Path]:
    """Make a folder and those above it; give the ones that were not there, the innermost first."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:  # another process writes there too
            return
