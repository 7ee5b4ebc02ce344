"""The long jobs behind `./dev fuzz`: broken files, and lives of documents, by the ten thousand."""

import datetime as dt
import io
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # what all tests share
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit"))  # the lives of documents

import doubting
import living
import mutating
import spoiling

from edoc.devpki.hierarchy import DevPki, make
from edoc.keys.loading import load_key
from edoc.signing import sign

ROOT: Final = Path(__file__).resolve().parents[2]
RUNS: Final = {"sign": 20_000, "verify": 50_000, "edxml": 50_000, "lifecycle": 10_000}


def main() -> int:
    """Run, count, keep every input that led to a finding."""
    words = sys.argv[1:]
    jobs = [words.pop(0)] if words and words[0] in RUNS else list(RUNS)
    runs, seed = (int(word) for word in (*words, *("0", "1")[len(words) :]))
    with tempfile.TemporaryDirectory() as folder:
        return max([_run(job, Path(folder), runs or RUNS[job], seed) for job in jobs])


def _run(job: str, folder: Path, runs: int, seed: int) -> int:
    if job == "lifecycle":
        living.walk(runs)
        sys.stdout.write(f"lifecycle: {runs} lives of a document, and both sides agreed in the end\n")
        return 0
    files = [
        *sorted((ROOT / "../shared/corpus/pdf").glob("*.pdf")),
        *sorted((ROOT / "samples").glob("*.pdf")),
    ]
    outcomes: Iterable[Any]
    if job == "edxml":
        files = [*sorted((ROOT / "../shared/corpus/edxml").glob("*.edxml")), *spoiling.make_packages(folder)]
        outcomes = spoiling.run_many(files, seed=seed, runs=runs)
    else:
        pki = make(folder / job / "pki", now=dt.datetime.now(dt.UTC))
        if job == "sign":
            outcomes = mutating.run_many(pki.folder, files, seed=seed, runs=runs)
        else:
            files += make_signed(pki, folder)
            outcomes = doubting.run_many(pki.trust_path, files, seed=seed, runs=runs)
    kept = Path(tempfile.mkdtemp(prefix="edoc-findings-"))
    counts: Counter[str] = Counter()
    for outcome in outcomes:
        counts += outcome.counts
        for number, (finding, data) in enumerate(outcome.findings, start=counts["finding"]):
            path = kept / f"{number}{files[0].suffix}"
            path.write_bytes(data)
            sys.stderr.write(f"{path}: {finding}\n")
    told = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    sys.stdout.write(f"{job}: {counts.total()} runs on {len(files)} files: {told}\n")
    if not counts["finding"]:
        kept.rmdir()
    return 1 if counts["finding"] else 0


def make_signed(pki: DevPki, folder: Path) -> list[Path]:
    """Sign the samples, once and twice."""
    made = []
    for sample in sorted((ROOT / "samples").glob("*.pdf")):
        source: Any = sample
        for name, role in (("a-person1", "person"), ("a-seal", "agency")):
            key = load_key(pki.key_path(name), passphrase=pki.passphrase)
            signed = io.BytesIO()
            sign(source, signed, key=key, role=role, checks="none")
            made.append(folder / f"{sample.stem}-{name}.pdf")
            made[-1].write_bytes(signed.getvalue())
            source = made[-1]
    return made


if __name__ == "__main__":
    sys.exit(main())
