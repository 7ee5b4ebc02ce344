"""Run the attacks and the legitimate changes, and print a table; keep every file that was judged wrongly."""

import argparse
import logging
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from edoc.devpki.hierarchy import open_pki
from edoc.devpki.server import serving

from .catalogue import LEAST, Outcome, attempt
from .families import list_all
from .legitimate import Alarm, check, list_cases
from .looks import looks_different
from .makers import KINDS, Maker, make_pki

_LEGITIMATE = "legitimate"
_Counts = Counter[tuple[str, str]]


def _run(family: str, folder: Path, url: str, keep: Path, look: bool) -> _Counts:
    """Try a class on every base, in a process of its own; count by base and outcome."""
    logging.getLogger("pyhanko").setLevel(logging.CRITICAL)  # the report says what is wrong with a file
    maker = Maker(open_pki(folder), url)
    return _count_alarms(maker, keep) if family == _LEGITIMATE else _count_accepted(family, maker, keep, look)


def _count_accepted(family: str, maker: Maker, keep: Path, look: bool) -> _Counts:
    counts: _Counts = Counter()
    for outcome in _attack(family, maker):
        kind = outcome.base.kind
        counts[kind, "made"] += 1
        if look and looks_different(outcome.base.data, outcome.data):
            counts["all", "seen"] += 1
        if outcome.accepted:
            counts[kind, "wrong"] += 1
            _keep(keep / outcome.title, outcome.base.data, outcome.data, outcome.trouble)
    return counts


def _attack(family: str, maker: Maker) -> Iterator[Outcome]:
    members = [attack for attack in list_all() if attack.family == family]
    outcomes = (attempt(attack, maker, kind) for attack in members for kind in KINDS)
    return (outcome for outcome in outcomes if outcome is not None)


def _count_alarms(maker: Maker, keep: Path) -> _Counts:
    counts: _Counts = Counter()
    for change, kind in list_cases():
        alarm = check(change, maker, kind)
        counts[kind, "made"] += 1
        if isinstance(alarm, Alarm):
            counts[kind, "wrong"] += 1
            title = f"{_LEGITIMATE}--{change.name}--{kind}".replace(" ", "-")
            _keep(keep / title, alarm.base.data, alarm.data, "\n".join(alarm.reasons))
    return counts


def _keep(path: Path, base: bytes, data: bytes, said: str) -> None:
    Path(f"{path}.pdf").write_bytes(data)
    Path(f"{path}.base.pdf").write_bytes(base)
    if said:
        Path(f"{path}.txt").write_text(said, encoding="utf-8")


def say(line: str) -> None:
    """Print a line at once: the next one takes its time."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _print(family: str, counts: _Counts, *, look: bool) -> bool:
    """Print a line; tell whether it is as it must be."""
    cells = [(counts[kind, "made"], counts[kind, "wrong"]) for kind in KINDS]
    seen = f"{counts['all', 'seen']:>8}" if look else ""
    say(f"{family:24}" + "".join(f"{made:>8} /{wrong:>5}" for made, wrong in cells) + seen)
    return all(made >= LEAST and not wrong for made, wrong in cells)


def main() -> int:
    """Print one line for each class; return 1 if anything was judged wrongly or too little was made."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description=__doc__)
    parser.add_argument("classes", nargs="*", metavar="CLASS", help="the classes to try; default: all")
    parser.add_argument("--keep", type=Path, help="folder for files judged wrongly; default: a new one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--look", action="store_true", help="count how many attacks PDFium shows")
    options = parser.parse_args()
    known = [*dict.fromkeys(attack.family for attack in list_all()), _LEGITIMATE]
    if unknown := set(options.classes) - set(known):
        parser.error(f"there is no class {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    keep = options.keep or Path(tempfile.mkdtemp(prefix="edoc-attacks-"))
    keep.mkdir(parents=True, exist_ok=True)
    say(f"{'made / accepted, alarms':24}" + "".join(f"{kind:>15}" for kind in KINDS))
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(options.jobs) as pool:
        pki = make_pki(Path(folder) / "pki")
        with serving(pki) as url:
            runs = [
                (family, pool.submit(_run, family, pki.folder, url, keep, options.look))
                for family in options.classes or known
            ]
            sound = [_print(family, run.result(), look=options.look) for family, run in runs]
    say(f"files judged wrongly, if any, are in {keep}")
    return 0 if all(sound) else 1


if __name__ == "__main__":
    sys.exit(main())
