"""The fault suite behind `./dev faults [DOCUMENTS] [--only a,b,…] [--seed N] [--brief]`.

Sends documents in both directions between two nodes on real Redis, PostgreSQL and S3 while it injects every
fault it knows, then asks both nodes for each document. Prints a table of faults and losses; exits 0 only if
there was no loss. Each trial has its share of the documents.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # what all tests share
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "malformed"))  # how packages are broken

import hardships
import trials
from grounds import Grounds, opened
from hardships import SkipError
from reckoning import (
    KINDS,
    Loss,
    check_orphans,
    check_times,
    explain_bad,
    explain_document,
    list_orphans,
    reckon,
)
from rounds import Outcome, Terms, is_done

DOCUMENTS: Final = 500
"""In all trials together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One trial: what it does, and how many of a hundred documents are its share."""

    words: str
    act: Callable[[Grounds, Terms], Outcome]
    share: int


TRIALS: Final[Mapping[str, Trial]] = {
    "a1": Trial(words="kill -9 at every commit", act=trials.kill_at_commits, share=16),
    "a2": Trial(words="kill -9 at random", act=trials.kill_at_random, share=12),
    "b": Trial(words="Redis stopped and wiped", act=trials.wipe_redis, share=10),
    "c": Trial(words="PostgreSQL restarted", act=trials.restart_postgres, share=10),
    "d": Trial(words="S3 fails, is silent, drops", act=trials.trouble_s3, share=12),
    "e": Trial(words="all twice, in disorder", act=trials.deliver_twice, share=10),
    "f": Trial(words="clock off by 2 min, 1 day", act=hardships.skew_clock, share=8),
    "g": Trial(words="disk full", act=hardships.fill_disk, share=6),
    "h": Trial(words="poison", act=hardships.feed_poison, share=6),
    "i": Trial(words="certificates, TSA, OCSP", act=hardships.trouble_certificates, share=10),
}


@dataclass(slots=True)
class Ran:
    """How a trial went."""

    name: str
    documents: int
    seconds: float
    outcome: Outcome
    skipped: str = ""
    losses: tuple[Loss, ...] = ()


def main() -> int:
    """Run the trials; returns the exit code."""
    options = _parse()
    folder = Path(tempfile.mkdtemp(prefix="edoc-faults-"))
    folder.chmod(0o755)  # PostgreSQL's own account passes through
    sys.stderr.write(f"{options.documents} documents, seed {options.seed}, in {folder}\n")
    with opened(folder) as grounds:
        ran = [_run(grounds, name, options) for name in options.only]
        _settle(grounds, ran)
    _show(ran)
    good = not any(each.losses or each.outcome.wrong for each in ran)
    if good:
        shutil.rmtree(folder)
    else:
        sys.stdout.write(f"Kept for a look, without the S3 server's data: {folder}\n")
    return 0 if good else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev faults", description=(__doc__ or "").splitlines()[2])
    parser.add_argument("documents", nargs="?", type=int, default=DOCUMENTS)
    parser.add_argument("--only", type=lambda text: _choose(text.split(",")), default=list(TRIALS))
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--brief", action="store_true", help="fewer faults and shorter pauses")
    return parser.parse_args()


def _choose(names: list[str]) -> list[str]:
    chosen = [name for name in TRIALS if name in names or name[0] in names]
    unknown = [name for name in names if not any(name in {each, each[0]} for each in TRIALS)]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no trial {unknown[0]}; there is: {', '.join(TRIALS)}")
    return chosen


def _run(grounds: Grounds, name: str, options: argparse.Namespace) -> Ran:
    trial = TRIALS[name]
    every = sum(TRIALS[each].share for each in options.only)
    terms = Terms(
        name=name,
        count=max(3, round(options.documents * trial.share / every)),
        dice=random.Random(f"{options.seed} {name}"),  # so that a trial can be repeated by itself
        brief=options.brief,
    )
    began = time.monotonic()
    try:
        outcome, skipped = trial.act(grounds, terms), ""
    except SkipError as error:
        outcome, skipped = Outcome(), str(error)
    sent = sum(sent_in == name for side in grounds.sides for sent_in in side.sent.values())
    ran = Ran(
        name=name,
        documents=sent,
        seconds=time.monotonic() - began,
        outcome=outcome,
        skipped=skipped,
    )
    if not skipped and not is_done(grounds, name):
        outcome.wrong.append("not everything arrived")
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(outcome.faults.items()))
    sys.stderr.write(f"{name:2} {trial.words}: {sent} documents, {ran.seconds:.0f} s; {skipped or told}\n")
    for words in outcome.wrong:
        sys.stderr.write(f"   WRONG: {words}\n")
    return ran


def _settle(grounds: Grounds, ran: list[Ran]) -> None:
    """Ask both nodes for everything; each loss goes to its trial, or to the last one if it has none."""
    reported = {side.agency.key: list_orphans(side) for side in grounds.sides}
    found = [*reckon(grounds), *check_orphans(grounds, reported)]
    for each in ran:
        for side in grounds.sides:
            found += check_times(grounds, side, each.name)
        found += [
            Loss(kind="unexplained", trial=each.name, words=f"{side.agency.key}: {bad.kind}")
            for side, bad in each.outcome.bad
            if not explain_bad(side, bad)
        ]
        found += [
            Loss(kind="unexplained", trial=each.name, words=f"{side.agency.key}: {document}")
            for side, document in each.outcome.refused
            if not explain_document(side, document)
        ]
    names = {each.name for each in ran}
    for each in ran:
        last = each is ran[-1]
        each.losses = tuple(
            loss for loss in found if loss.trial == each.name or (last and loss.trial not in names)
        )
    orphans = sum(map(len, reported.values()))
    words = "objects that nothing names are left, all reported by 'edoc archive orphans'"
    sys.stderr.write(f"{orphans} {words}\n")


def _show(ran: list[Ran]) -> None:
    """Print the table."""
    out = sys.stdout
    out.write(f"\n{'':3}{'Trial':28}{'Docs':>5}{'Bad':>5}{'Faults':>8}{'Time':>7}  Losses\n")
    for each in ran:
        bad = len(each.outcome.bad) + len(each.outcome.refused)
        faults = each.outcome.faults.total()
        told = f"skipped: {each.skipped}" if each.skipped else _count(each.losses)
        out.write(
            f"{each.name:3}{TRIALS[each.name].words:28}{each.documents:5}{bad:5}{faults:8}"
            f"{each.seconds:6.0f}s  {told}\n"
        )
    total = [loss for each in ran for loss in each.losses]
    sums = sum(each.documents for each in ran), sum(each.outcome.faults.total() for each in ran)
    out.write(f"   {'all':28}{sums[0]:5}{'':5}{sums[1]:8}{'':7}  {_count(total)}\n\n")
    for each in ran:
        for kind, count in sorted(each.outcome.faults.items()):
            out.write(f"{each.name:3}{count:6}  {kind}\n")
    for each in ran:
        for words in each.outcome.wrong:
            out.write(f"{each.name:3} wrong: {words}\n")
        for loss in each.losses:
            out.write(f"{each.name:3} {loss.kind}: {loss.words}\n")


def _count(losses: "list[Loss] | tuple[Loss, ...]") -> str:
    """Count losses by kind, every kind."""
    return "  ".join(f"{kind} {sum(loss.kind == kind for loss in losses)}" for kind in KINDS)


if __name__ == "__main__":
    sys.exit(main())
