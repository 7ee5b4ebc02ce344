"""The long job behind `./dev fuzz [RUNS [SEED]]`: mutated files by the ten thousand."""

import datetime as dt
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # what all tests share

from mutating import run_many

from edoc.devpki.hierarchy import make

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Run, count, keep every input that led to a finding."""
    runs, seed = (int(word) for word in (*sys.argv[1:], *("20000", "1")[len(sys.argv) - 1 :]))
    files = [
        *sorted((ROOT / "../shared/corpus/pdf").glob("*.pdf")),
        *sorted((ROOT / "samples").glob("*.pdf")),
    ]
    kept = Path(tempfile.mkdtemp(prefix="edoc-findings-"))
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        pki = make(Path(folder) / "pki", now=dt.datetime.now(dt.UTC))
        for outcome in run_many(pki.folder, files, seed=seed, runs=runs):
            counts += outcome.counts
            for number, (finding, data) in enumerate(outcome.findings, start=counts["finding"]):
                (kept / f"{number}.pdf").write_bytes(data)
                sys.stderr.write(f"{kept / f'{number}.pdf'}: {finding}\n")
    told = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    sys.stdout.write(f"{counts.total()} runs on {len(files)} files: {told}\n")
    if not counts["finding"]:
        kept.rmdir()
    return 1 if counts["finding"] else 0


if __name__ == "__main__":
    sys.exit(main())
