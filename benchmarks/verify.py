"""Verifying: `edoc.verify` against pyHanko, against hashing the file, and as a whole process.

The files are made here, by edoc, with a development PKI and its live TSA. Both sides must come to the same
verdict, passed, or the benchmark stops: nobody is measured at saying no.
"""

import datetime as dt
import gc
import hashlib
import importlib.util
import io
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import Row, compare_large, read_peak, reset_peak, time_in_turns
from benchmarks.sign import SMALL_BYTES, make_large, make_pdf
from benchmarks.verifypeer import Verifier
from edoc.core.report import Indication
from edoc.devpki.hierarchy import DevPki, make
from edoc.devpki.server import serving
from edoc.keys.loading import load_key
from edoc.signing import Online, Tsa, sign
from edoc.trust.store import Trust
from edoc.verification import verify

ROUNDS: Final = 12
BLOCK: Final = 10
"""Files in a row: a worker verifies one after another."""
FEW: Final = 5
MANY: Final = 25
LINEAR: Final = 1.3
"""How much more than linear the time may grow, for the file grows too and machines are noisy."""


def run() -> Iterator[Row]:
    """Measure every row."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pki = make(folder / "pki", now=dt.datetime.now(dt.UTC))
        bench = _Bench(pki, folder)
        with serving(pki) as url:
            bench.make_files(f"{url}/tsa")
        yield from bench.compare_levels()
        yield from bench.compare_many()
        yield from _measure_large(pki, bench.folder)
        yield from bench.compare_processes()


class _Bench:
    def __init__(self, pki: DevPki, folder: Path) -> None:
        self.folder = folder
        self._pki = pki
        self._trust = Trust.load(pki.trust_path)
        self._peer = Verifier(self._trust)

    def make_files(self, tsa: str) -> None:
        """One signature of each level; few and many signatures of level B-B."""
        key = load_key(self._pki.key_path("a-person1"), passphrase=self._pki.passphrase)
        put = partial(sign, key=key, role="system", checks="none", trust=self._trust, offline=True)
        plain = make_pdf(SMALL_BYTES)
        with Online(tsas=(Tsa(tsa),)) as online:
            for level in ("B-B", "B-LT", "B-LTA"):
                put(io.BytesIO(plain), self._path(level), level=level, online=online)
        signed = plain
        for count in range(1, MANY + 1):
            output = io.BytesIO()
            put(io.BytesIO(signed), output)
            signed = output.getvalue()
            if count in {FEW, MANY}:
                self._path(count).write_bytes(signed)

    def _path(self, name: object) -> Path:
        return self.folder / f"{name}.pdf"

    def _verify(self, path: Path) -> None:
        _require(path, self._trust)

    def compare_levels(self) -> Iterator[Row]:
        """B-B with the CRLs at hand, B-LT and B-LTA with what is in the file."""
        for level, theirs, target in (
            ("B-B", self._peer.verify, 5),
            ("B-LT", self._peer.verify_long_term, 4),
            ("B-LTA", self._peer.verify_archival, 4),
        ):
            yield self._compare(f"{level}, 100 KB", self._path(level), theirs, target=target)

    def compare_many(self) -> Iterator[Row]:
        """Many signatures in one file: against pyHanko, and against few."""
        many, few = self._path(MANY), self._path(FEW)
        yield self._compare(
            f"{MANY} signatures in one file", many, self._peer.verify, target=5, rounds=5, block=1
        )
        for_few, for_many = time_in_turns(
            partial(self._verify, few), partial(self._verify, many), rounds=ROUNDS, block=2
        )
        yield Row(
            work=f"{MANY} signatures: the time of {FEW}, linear is {MANY // FEW}",
            figure=for_many / for_few,
            target=LINEAR * MANY / FEW,
            sense="<=",
            detail=f"{for_many * 1000:.1f} ms against {for_few * 1000:.1f} ms",
        )

    def _compare(
        self,
        work: str,
        path: Path,
        theirs: Callable[[Path], None],
        *,
        target: float,
        rounds: int = ROUNDS,
        block: int = BLOCK,
    ) -> Row:
        mine, other = time_in_turns(
            partial(self._verify, path), partial(theirs, path), rounds=rounds, block=block, warm=2
        )
        return Row(
            work=f"{work}: pyHanko's time",
            figure=other / mine,
            target=target,
            sense=">=",
            detail=f"{mine * 1000:.2f} ms against {other * 1000:.1f} ms",
        )

    def compare_processes(self) -> Iterator[Row]:
        """The command on one small file, and its help, against the command of pyHanko."""
        if importlib.util.find_spec("pyhanko.cli") is None:
            for work, target in ((_COMMAND, 0.7), (_HELP, 0.2)):
                yield Row(
                    work=work, figure=math.inf, target=target, sense="<=", detail="pyhanko-cli is missing"
                )
            return
        path, trust = self._path("B-B"), self._pki.trust_path
        edoc = str(Path(sys.executable).with_name("edoc"))
        mine, helping, other = time_in_turns(
            partial(_start, edoc, "verify", "--offline", "--trust", trust, path),
            partial(_start, edoc, "--help"),
            partial(_start, *_ask_pyhanko(self._trust, self.folder), path),
            rounds=ROUNDS,
            warm=2,
        )
        for work, taken, target in ((_COMMAND, mine, 0.7), (_HELP, helping, 0.2)):
            yield Row(
                work=work,
                figure=taken / other,
                target=target,
                sense="<=",
                detail=f"{taken * 1000:.0f} ms against {other * 1000:.0f} ms",
            )


_COMMAND: Final = "edoc verify --offline as a process: pyHanko's time"
_HELP: Final = "edoc --help as a process: the same time of pyHanko"


def _require(path: Path, trust: Trust) -> None:
    (file,) = verify(path, trust=trust, offline=True).files
    if file.indication is not Indication.TOTAL_PASSED:
        raise RuntimeError(f"edoc does not pass this file: {[reason.text for reason in file.reasons]}")


def _ask_pyhanko(trust: Trust, folder: Path) -> list[str]:
    """The command of pyHanko that judges the same without a network.

    It can take no CRL from a file, so it looks at no revocation at all, which edoc does.
    """
    command = [sys.executable, "-m", "pyhanko", "sign", "validate", "--pretty-print"]
    command += ["--no-revocation-check", "--trust-replace"]
    for option, certificates in (("--trust", trust.roots), ("--other-certs", trust.intermediates)):
        for number, certificate in enumerate(certificates):
            path = folder / f"{option}{number}.cer"
            path.write_bytes(certificate)
            command += [option, str(path)]
    return command


def _start(*command: str | Path) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} ends with {done.returncode}: {done.stdout}{done.stderr}")


def _measure_large(pki: DevPki, folder: Path) -> Iterator[Row]:
    plain, large = folder / "plain.pdf", folder / "large.pdf"
    plain.write_bytes(make_large())
    key = load_key(pki.key_path("a-person1"), passphrase=pki.passphrase)
    sign(plain, large, key=key, role="system", checks="none")
    files = (pki.trust_path, folder / "B-B.pdf", large)
    yield from compare_large("benchmarks.verify", files, "hashing it")


def _verify_large(trusted: str, small: str, large: str) -> None:
    """In a process of its own: the time, and the memory over what it has after a small file."""
    trust = Trust.load(trusted)
    _require(Path(small), trust)
    gc.collect()
    reset_peak()
    idle = read_peak()
    _require(Path(large), trust)
    memory = read_peak() - idle

    def hashing() -> None:
        with Path(large).open("rb") as stream:
            hashlib.file_digest(stream, "sha256")

    mine, other = time_in_turns(partial(_require, Path(large), trust), hashing, rounds=9, warm=1)
    answer: dict[str, Any] = {"ours": mine, "limit": other, "memory": memory}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    _verify_large(*sys.argv[1:])
