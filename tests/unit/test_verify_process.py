"""Each file is judged in a process of its own: what it does to that process concerns no other file."""

import ctypes
import hashlib
import io
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import verifying

from edoc.core.evidence import Fault
from edoc.core.report import EXIT_UNREADABLE, FileReport
from edoc.devpki.hierarchy import DevPki
from edoc.errors import InputError, Unavailable
from edoc.policies import load_policy
from edoc.trust.store import Trust
from edoc.verification import verify, verify_many
from edoc.verification.channel import RESULT, send_frame
from edoc.verification.confinement import Limits
from edoc.verification.crew import Outcome, is_alone, run_apart
from edoc.verification.process import Order, gather_guarded, verify_guarded
from edoc.verification.reading import Source

NOW = datetime.now(UTC).replace(microsecond=0)


def list_open() -> list[int]:
    """What this process has open, and the listing itself."""
    return sorted(int(path.name) for path in Path("/proc/self/fd").iterdir())


@pytest.fixture
def letters(pki: DevPki, tmp_path: Path) -> list[Path]:
    """A letter at three steps of its way."""
    journey = verifying.travel(pki)
    steps = {"sealed": journey.sealed, "unsigned": journey.unsigned, "signed": journey.signed}
    for name, content in steps.items():
        (tmp_path / f"{name}.pdf").write_bytes(content)
    return [tmp_path / f"{name}.pdf" for name in steps]


def list_children() -> set[str]:
    """Processes that this one started and nobody has taken leave of; other tests keep some."""
    return {
        child for file in Path("/proc/self/task").glob("*/children") for child in file.read_text().split()
    }


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No process and no open file outlives a batch."""
    before = list_open(), list_children()
    yield
    assert (list_open(), list_children()) == before


def judge(sources: list[Any], **options: Any) -> dict[str, str]:
    """The first message of every file, by its name."""
    report = verify_guarded(sources, offline=True, at=NOW, **options)
    assert [file.path for file in report.files] == [str(source) for source in sources]
    return {Path(file.path).name: file.messages[0].code if file.messages else "" for file in report.files}


# What is judged


@pytest.mark.parametrize("jobs", [1, 2, 8])
def test_the_report_is_the_one_of_verify_many(pki: DevPki, letters: list[Path], jobs: int) -> None:
    options: dict[str, Any] = {"trust": Trust.load(pki.trust_path), "at": NOW, "rule": "nd30"}
    expected = verify_many(letters, offline=True, **options)
    assert verify_guarded(letters, offline=True, jobs=jobs, **options) == expected


def test_verify_with_limits_judges_apart(letters: list[Path]) -> None:
    assert verify(letters[0], offline=True, at=NOW, limits=Limits()) == verify(
        letters[0], offline=True, at=NOW
    )


def test_each_judgement_is_told_as_it_comes(letters: list[Path]) -> None:
    told: dict[int, FileReport] = {}
    report = verify_guarded(letters, offline=True, jobs=2, on_file=told.__setitem__)
    assert tuple(told[position] for position in range(3)) == report.files


def test_file_objects_are_judged_too(letters: list[Path]) -> None:
    with letters[0].open("rb") as stream:
        report = verify_guarded([stream, io.BytesIO(letters[2].read_bytes())], offline=True, at=NOW)
    assert report.files[0] == verify(letters[0], offline=True, at=NOW).files[0]
    assert (report.files[1].path, len(report.files[1].signatures)) == ("-", 1)


def test_evidence_is_gathered_apart(letters: list[Path]) -> None:
    order = Order(trust=Trust.empty(), policy=load_policy("nd68"), at=NOW, offline=True)
    facts = gather_guarded(letters[0], order)
    assert [found.end for found in facts.signatures] == [
        letters[2].stat().st_size,
        letters[0].stat().st_size,
    ]


@pytest.mark.parametrize(
    "wrong", [{"policy": "none-such"}, {"rule": "none-such"}, {"at": NOW.replace(tzinfo=None)}]
)
def test_wrong_terms_are_refused_before_anything_is_judged(
    letters: list[Path], wrong: dict[str, Any]
) -> None:
    with pytest.raises(InputError):
        verify_guarded(letters, offline=True, **wrong)


def test_a_limit_is_positive() -> None:
    with pytest.raises(InputError):
        Limits(seconds=0)


# Limits


def write_pdf(path: Path, objects: list[bytes]) -> Path:
    """Write a sound PDF of these objects, the first of which is the catalogue."""
    content, offsets = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
    for number, text in enumerate(objects, 1):
        offsets.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, text)
    start = len(content)
    content += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    content += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    content += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    path.write_bytes(content)
    return path


def write_form(path: Path, fields: list[bytes], *others: bytes) -> Path:
    references = b" ".join(b"%d 0 R" % (number + 5) for number in range(len(fields)))
    form = b"<</SigFlags 3/Fields[%s]>>" % references
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>"
    catalogue = b"<</Type/Catalog/Pages 2 0 R/AcroForm 4 0 R>>"
    pages = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
    return write_pdf(path, [catalogue, pages, page, form, *fields, *others])


@pytest.fixture
def slow(pki: DevPki, tmp_path: Path) -> Path:
    """A thousand signatures, each over another part of the file: seconds of work."""
    signed = verifying.travel(pki).signed
    found = re.search(rb"/Contents\s*<((?:[0-9A-Fa-f]{2})+?)(?:00)*>", signed)
    assert found is not None
    count, padding = 1000, 1 << 20
    fields = [b"<</FT/Sig/T(s%d)/V %d 0 R>>" % (place, 5 + count + place) for place in range(count)]
    values = [
        b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/adbe.pkcs7.detached/ByteRange[0 %d %d %d]/Contents<%s>>>"
        % (1000 + place, 2000 + place, padding, found[1])
        for place in range(count)
    ]
    stream = b"<</Length %d>>stream\n%s\nendstream" % (padding, b"x" * padding)
    return write_form(tmp_path / "slow.pdf", fields, *values, stream)


def test_a_slow_file_ends_at_the_limit_of_time(slow: Path, letters: list[Path]) -> None:
    told = judge([letters[0], slow, letters[1]], limits=Limits(seconds=0.4), jobs=2)
    assert told == {"sealed.pdf": "", "slow.pdf": "LIMIT_TIME", "unsigned.pdf": "UNSIGNED"}


def test_a_large_file_ends_at_the_limit_of_memory(letters: list[Path], tmp_path: Path) -> None:
    fields = [b"<</FT/Tx/T(f%d)/V(%d)>>" % (place, place) for place in range(150_000)]
    large = write_form(tmp_path / "large.pdf", fields)
    told = judge([large, letters[1]], limits=Limits(memory_bytes=40 << 20, seconds=5))
    assert told == {"large.pdf": "LIMIT_MEMORY", "unsigned.pdf": "UNSIGNED"}


def test_a_pipe_that_nobody_writes_ends_at_the_limit_of_time(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pdf")
    assert judge([tmp_path / "pipe.pdf"], limits=Limits(seconds=0.2)) == {"pipe.pdf": "LIMIT_TIME"}


def test_whoever_hits_a_limit_is_unreadable_in_both_languages(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pdf")
    report = verify_guarded([tmp_path / "pipe.pdf"], offline=True, limits=Limits(seconds=0.2))
    (file,) = report.files
    assert (report.exit_code, file.indication, file.signatures) == (EXIT_UNREADABLE, None, ())
    assert "0.2 s" in file.messages[0].text
    assert "giới hạn thời gian" in file.messages[0].text_vi


def test_a_file_that_could_not_be_judged_is_still_named_by_its_hash(slow: Path) -> None:
    (file,) = verify_guarded([slow], offline=True, limits=Limits(seconds=0.1)).files
    assert (file.sha256, file.size) == (hashlib.sha256(slow.read_bytes()).hexdigest(), slow.stat().st_size)


# What no file does today, and may do tomorrow


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a judging process saw."""

    text: str = ""
    descriptors: int = 0


def run(work: Callable[[Source], object], sources: list[Any], **options: Any) -> list[Outcome[Note]]:
    terms: dict[str, Any] = {"jobs": 1, "limits": Limits(seconds=5)} | options
    found = run_apart(sources, lambda source, _: work(source), Note, **terms)
    return sorted(found, key=lambda outcome: outcome.position)


def crash(_: Source) -> object:
    return ctypes.string_at(0)


def kill(_: Source) -> object:
    os.kill(os.getpid(), signal.SIGKILL)
    return Note()


def spin(_: Source) -> object:
    while True:
        pass


def recur(source: Source) -> object:
    return recur(source)


def swell(_: Source) -> object:
    return bytearray(8 << 30)


def leave(_: Source) -> object:
    os._exit(0)


def fail(_: Source) -> object:
    raise ZeroDivisionError("a secret of the document")


def boast(_: Source) -> object:
    return Note(text="x" * 10_000_000)


@pytest.mark.parametrize(
    ("work", "code", "detail"),
    [
        (crash, "JUDGING_CRASHED", "SIGSEGV"),
        (kill, "JUDGING_CRASHED", "SIGKILL"),
        (leave, "JUDGING_CRASHED", "it ended without a result"),
        (fail, "JUDGING_CRASHED", "ZeroDivisionError at test_verify_process.py"),
        (spin, "LIMIT_TIME", "1 s of processor time"),
        (swell, "LIMIT_MEMORY", "1024"),
        (recur, "LIMIT_DEPTH", "1000"),
        (boast, "LIMIT_RESULT", "bytes"),
    ],
)
def test_a_fall_of_the_process_is_an_outcome(
    work: Callable[[Source], object], code: str, detail: str
) -> None:
    limits = Limits(seconds=5, cpu_seconds=1)
    (outcome,) = run(work, ["x"], limits=limits)
    assert outcome.fault is not None
    assert (outcome.value, outcome.fault.code) == (None, code)
    assert detail in outcome.fault.detail
    assert "secret" not in outcome.fault.detail


@pytest.mark.parametrize("jobs", [1, 3])
def test_poison_in_the_middle_harms_nobody_else(jobs: int) -> None:
    def work(source: Source) -> object:
        return crash(source) if source == "poison" else Note(text=str(source))

    names: list[Any] = [f"file {number}" for number in range(20)]
    names[10] = "poison"
    outcomes = run(work, names, jobs=jobs)
    assert [outcome.value.text if outcome.value else "" for outcome in outcomes] == [
        name if name != "poison" else "" for name in names
    ]
    assert outcomes[10].fault == Fault(code="JUDGING_CRASHED", detail="SIGSEGV")


def find_pipes() -> list[int]:
    """What a process can write to that is not a standard stream."""
    return [number for number in list_open() if number > 2]


def test_a_judging_process_inherits_no_open_files(tmp_path: Path) -> None:
    with (tmp_path / "secret").open("w") as stream:
        (outcome,) = run(lambda _: Note(descriptors=len(list_open())), ["x"])
        assert stream.fileno() > 2
    assert outcome.value is not None
    # Standard streams on the null device, the pipe for the result, the parent's sign of life, the listing.
    assert outcome.value.descriptors <= 7


def test_a_judging_process_says_nothing_on_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    def work(_: Source) -> object:
        os.write(1, b"out")
        os.write(2, b"err")
        return Note(text=os.read(0, 1).decode())

    (outcome,) = run(work, ["x"])
    assert outcome.value == Note()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "content",
    [
        b"cposix\nsystem\n(S'touch owned'\ntR.",
        b"\x80\x04\x8c\x05posix\x8c\x06system\x93.",
        b"R" + (1 << 60).to_bytes(8, "big"),
        b"R" + (0).to_bytes(8, "big"),
        b"Q" + (1 << 40).to_bytes(8, "big"),
        b"A" + (1).to_bytes(8, "big") + b"x",
        b"\xff" * 100_000,
    ],
)
def test_a_process_that_was_taken_over_can_only_fail(content: bytes) -> None:
    def work(_: Source) -> object:
        for pipe in find_pipes():
            with suppress(OSError):
                os.write(pipe, content)
        time.sleep(30)
        return Note()

    (outcome,) = run(work, ["x"])
    assert outcome.fault is not None
    assert outcome.fault.code in {"JUDGING_CRASHED", "LIMIT_RESULT"}


def test_a_result_of_another_type_is_none() -> None:
    def work(_: Source) -> object:
        from edoc.verification.crew import _Result
        from edoc.verification.wire import pack

        forged = pack(_Result(value=pack(Fault(code="x")), imported=("os", "edoc.cli.main", "../evil")))
        for pipe in find_pipes():
            with suppress(OSError):
                send_frame(pipe, RESULT, forged)
        return Note()

    outcomes = run(work, ["x", "y"])
    assert [outcome.fault and outcome.fault.code for outcome in outcomes] == ["JUDGING_CRASHED"] * 2


def test_children_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time, os\n"
        "from edoc.verification.crew import run_apart\n"
        "from edoc.verification.confinement import Limits\n"
        "from edoc.core.evidence import Fault\n"
        "def work(source, fetcher):\n"
        "    open(source, 'w').write(str(os.getpid()))\n"
        "    time.sleep(60)\n"
        "list(run_apart([sys.argv[1], sys.argv[2]], work, Fault, jobs=2, limits=Limits()))\n"
    )
    names = [tmp_path / "one", tmp_path / "two"]
    with subprocess.Popen([sys.executable, "-c", code, *map(str, names)]) as parent:
        children = [int(wait_for(partial(read_if_there, name))) for name in names]
        parent.kill()
    for child in children:
        wait_for(partial(is_gone, child))


def wait_for(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("it never came")


def read_if_there(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def is_gone(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


# Threads, and the network


def test_a_process_with_threads_starts_a_clean_one(letters: list[Path]) -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert not is_alone()
        with letters[2].open("rb") as stream:
            report = verify_guarded(
                [letters[0], stream, io.BytesIO(letters[1].read_bytes())], offline=True, at=NOW, jobs=2
            )
        order = Order(trust=Trust.empty(), policy=load_policy("nd68"), at=NOW, offline=True)
        facts = gather_guarded(letters[0], order)
    finally:
        done.set()
        thread.join()
    assert report.files[0] == verify(letters[0], offline=True, at=NOW).files[0]
    assert report.files[1].path == str(letters[2])
    assert [len(file.signatures) for file in report.files] == [2, 1, 0]
    assert len(facts.signatures) == 2


class Library:
    """A fetcher that knows the CRLs of a PKI, and who asked in which process."""

    def __init__(self, pki: DevPki) -> None:
        self._pki = pki
        self.asked: list[str] = []
        self.process = os.getpid()

    def fetch(self, url: str) -> bytes:
        assert os.getpid() == self.process
        self.asked.append(url)
        return self._pki.crl(Path(url).stem)

    def post(self, url: str, body: bytes, *, content_type: str, accept: str) -> bytes:
        assert (content_type, accept) == ("application/ocsp-request", "application/ocsp-response")
        assert body
        self.asked.append(url)
        raise Unavailable("no responder today.", where=url)


@pytest.mark.parametrize("threads", [0, 1])
def test_judging_processes_fetch_through_the_one_that_waits(
    pki: DevPki, letters: list[Path], threads: int
) -> None:
    whole = Trust.load(pki.trust_path)
    trust = Trust(roots=whole.roots, intermediates=whole.intermediates)
    library, done = Library(pki), threading.Event()
    others = [threading.Thread(target=done.wait) for _ in range(threads)]
    for thread in others:
        thread.start()
    try:
        report = verify_guarded([letters[2]], trust=trust, fetcher=library, at=NOW)
    finally:
        done.set()
        for thread in others:
            thread.join()
    assert report.exit_code == 0
    assert library.asked
    assert verify_guarded([letters[2]], trust=trust, offline=True, at=NOW).exit_code == 3


def test_time_that_the_network_takes_is_not_counted(pki: DevPki, letters: list[Path]) -> None:
    whole = Trust.load(pki.trust_path)
    trust = Trust(roots=whole.roots, intermediates=whole.intermediates)

    class Slow(Library):
        def fetch(self, url: str) -> bytes:
            time.sleep(0.6)
            return super().fetch(url)

    report = verify_guarded([letters[2]], trust=trust, fetcher=Slow(pki), at=NOW, limits=Limits(seconds=0.5))
    assert report.exit_code == 0


def test_a_fetcher_that_breaks_breaks_nothing_else(pki: DevPki, letters: list[Path]) -> None:
    whole = Trust.load(pki.trust_path)
    trust = Trust(roots=whole.roots, intermediates=whole.intermediates)

    class Broken(Library):
        def fetch(self, url: str) -> bytes:
            raise ZeroDivisionError(url)

    assert verify_guarded([letters[2]], trust=trust, fetcher=Broken(pki), at=NOW).exit_code == 3
