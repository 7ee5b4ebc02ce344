"""`edoc verify`: exit codes, one JSON document on stdout, files beside it, batches that go on."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
import verifying
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7, pkcs12
from lxml import etree
from typer.testing import CliRunner

from edoc.cli import _resume
from edoc.cli import verify as command
from edoc.cli._lazy import COMMANDS, load_commands
from edoc.devpki.hierarchy import DevPki, make
from edoc.devpki.server import serving
from edoc.verification.process import verify_guarded


@pytest.fixture
def folder(pki: DevPki, tmp_path: Path) -> Path:
    journey = verifying.travel(pki)
    (tmp_path / "sealed.pdf").write_bytes(journey.sealed)
    (tmp_path / "unsigned.pdf").write_bytes(journey.unsigned)
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\n")
    return tmp_path


def run(*arguments: str | Path) -> tuple[int, str, str]:
    app = typer.Typer()
    app.callback()(lambda: None)
    command.register(app)
    result = CliRunner().invoke(app, ["verify", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_a_trusted_document_exits_0(pki: DevPki, folder: Path) -> None:
    code, out, _ = run("--offline", "--trust", pki.trust_path, "--rule", "nd30", folder / "sealed.pdf")
    assert code == 0
    assert "Hợp lệ" in out
    assert "DEVELOPMENT" in out


def test_without_trust_it_exits_3(folder: Path) -> None:
    assert run("--offline", folder / "sealed.pdf")[0] == 3


def test_an_altered_document_exits_1(pki: DevPki, folder: Path) -> None:
    data = (folder / "sealed.pdf").read_bytes()
    (folder / "altered.pdf").write_bytes(verifying.flip(data, data.index(b"stream") + 20))
    assert run("--offline", "--trust", pki.trust_path, folder / "altered.pdf")[0] == 1


def test_unsigned_exits_4_and_unreadable_5(folder: Path) -> None:
    assert run("--offline", folder / "unsigned.pdf")[0] == 4
    assert run("--offline", folder / "broken.pdf")[0] == 5
    assert run("--offline", folder / "missing.pdf")[0] == 5


def test_json_is_alone_on_stdout(folder: Path) -> None:
    code, out, _ = run("--json", "--offline", folder)
    document = json.loads(out)
    assert code == 5
    assert [Path(file["path"]).name for file in document["files"]] == [
        "broken.pdf",
        "sealed.pdf",
        "unsigned.pdf",
    ]
    assert document["files"][0]["signatures"] == []
    assert document["files"][0]["indication"] is None


def test_html_is_written_whole(pki: DevPki, folder: Path) -> None:
    target = folder / "report.html"
    assert run("--offline", "--trust", pki.trust_path, "--html", target, folder / "sealed.pdf")[0] == 0
    assert target.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert [path.name for path in folder.iterdir() if path.name.endswith(".part")] == []


@pytest.mark.parametrize(
    "options",
    [
        ("--policy", "none-such"),
        ("--rule", "none-such"),
        ("--at", "yesterday"),
        ("--trust", "/no/such/trust"),
        ("--password-file", "/no/such/file"),
        ("--html", "/no/such/folder/out.html"),
        ("--no-such-option",),
    ],
)
def test_wrong_usage_exits_2_with_one_sentence(folder: Path, options: tuple[str, ...]) -> None:
    code, out, err = run("--offline", *options, folder / "sealed.pdf")
    assert code == 2
    assert out == ""
    assert err
    assert "Traceback" not in err


def test_an_empty_folder_is_wrong_usage(tmp_path: Path) -> None:
    assert run("--offline", tmp_path)[0] == 2


def test_a_time_without_offset_is_vietnamese(folder: Path) -> None:
    _, out, _ = run("--json", "--offline", "--at", "2026-02-05T08:00:00", folder / "sealed.pdf")
    assert json.loads(out)["validation_time"] == "2026-02-05T08:00:00+07:00"


def test_help_has_an_example_and_the_exit_codes() -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert "edoc verify --offline" in out
    assert "Exit codes" in out


# What is judged


def test_a_folder_gives_its_pdfs_and_packages_by_name(folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / ".hidden").mkdir()
    for name in ("deep/b.PDF", "a.edxml", "notes.txt", "page.xml", ".c.pdf", ".hidden/d.pdf"):
        shutil.copy(folder / "unsigned.pdf", folder / name)
    os.mkfifo(folder / "pipe.pdf")
    found = [str(path.relative_to(folder)) for path in command.list_files([folder])]
    assert found == ["a.edxml", "broken.pdf", "deep/b.PDF", "sealed.pdf", "unsigned.pdf"]


def test_the_report_has_the_order_of_the_files(folder: Path) -> None:
    names = ["unsigned.pdf", "sealed.pdf", "broken.pdf", "unsigned.pdf"]
    _, out, _ = run("--json", "--offline", "--jobs", "4", *(folder / name for name in names))
    assert [Path(file["path"]).name for file in json.loads(out)["files"]] == names


def test_an_own_policy_is_read_from_its_file(folder: Path) -> None:
    policy = folder / "strict.toml"
    policy.write_text('name = "strict"\nminimal_rsa_bits = 16384\n')
    _, out, _ = run("--json", "--offline", "--policy", policy, folder / "sealed.pdf")
    assert json.loads(out)["policy"]["name"] == "strict"


def test_a_signature_in_a_file_of_its_own(pki: DevPki, tmp_path: Path) -> None:
    document, signature = tmp_path / "data.bin", tmp_path / "data.bin.p7s"
    document.write_bytes(b"some data")
    key, certificate, _ = pkcs12.load_key_and_certificates(
        pki.key_path("a-person1").read_bytes(), pki.passphrase.encode()
    )
    assert isinstance(certificate, x509.Certificate)
    builder = pkcs7.PKCS7SignatureBuilder().set_data(b"some data")
    builder = builder.add_signer(certificate, key, SHA256())  # type: ignore[arg-type]
    options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
    signature.write_bytes(builder.sign(Encoding.DER, options))
    code, out, _ = run("--json", "--offline", "--trust", pki.trust_path, "--detached", signature, document)
    (file,) = json.loads(out)["files"]
    assert (code, file["format"], file["signatures"][0]["intact"]) == (0, "cms", True)
    document.write_bytes(b"other data")
    assert run("--offline", "--trust", pki.trust_path, "--detached", signature, document)[0] == 1
    assert run("--offline", "--detached", tmp_path / "none", document)[0] == 5


def test_what_is_fetched_once_serves_all_files_and_later_runs_offline(tmp_path: Path) -> None:
    made = make(tmp_path / "pki", now=datetime.now(UTC), base_url="http://pki.agency.invalid")
    root, cache, config = made.trust_path / "root.pem", tmp_path / "cache", tmp_path / "edoc.toml"
    files = [tmp_path / f"{name}.pdf" for name in ("one", "two", "three")]
    for file in files:
        file.write_bytes(verifying.travel(made).signed)
    with serving(made) as url:
        config.write_text(f'[online]\ncache = "cache"\nhosts = {{ "pki.agency.invalid" = "{url}" }}\n')
        assert run("--offline", "--config", config, "--trust", root, *files)[0] == 3
        assert run("--config", config, "--trust", root, "--jobs", "3", *files)[0] == 0
    assert sorted(path.suffix for path in cache.iterdir()) == [".answer"] * 2
    assert run("--offline", "--config", config, "--trust", root, *files)[0] == 0
    assert run("--offline", "--trust", root, *files)[0] == 3


# What is written


def test_the_signed_revision_is_written_exactly(pki: DevPki, folder: Path) -> None:
    target = folder / "revision.pdf"
    file = folder / "sealed.pdf"
    assert run("--offline", "--extract-revision", "1", target, file)[0] == 3
    assert target.read_bytes() == verifying.travel(pki).signed
    assert run("--offline", "--extract-revision", "2", target, file)[0] == 3
    assert target.read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    ("number", "name"), [("0", "sealed"), ("3", "sealed"), ("1", "unsigned"), ("1", "loose")]
)
def test_what_is_no_signed_revision_is_not_written(folder: Path, number: str, name: str) -> None:
    sealed = (folder / "sealed.pdf").read_bytes()
    # The first signature's range no longer ends where a revision does.
    place = sealed.index(b"/ByteRange")
    end = sealed.index(b"]", place)
    shorter = sealed[:end].rstrip()[:-1] + b"0" + sealed[len(sealed[:end].rstrip()) :]
    (folder / "loose.pdf").write_bytes(shorter)
    target = folder / "revision.pdf"
    code, _, err = run("--offline", "--extract-revision", number, target, folder / f"{name}.pdf")
    assert (code, target.exists()) == (2, False)
    assert err.startswith("edoc: ")


def test_options_for_one_file_do_not_go_with_many(folder: Path) -> None:
    files = [folder / "sealed.pdf", folder / "unsigned.pdf"]
    for option in (("--extract-revision", "1", folder / "out"), ("--detached", folder / "sig")):
        assert run("--offline", *option, *files)[0] == 2
        assert run("--offline", *option, folder)[0] == 2


def test_xml_is_written_by_the_standard(pki: DevPki, folder: Path) -> None:
    target = folder / "report.xml"
    code, out, _ = run(
        "--json", "--offline", "--trust", pki.trust_path, "--xml", target, folder / "sealed.pdf"
    )
    assert (code, json.loads(out)["files"][0]["indication"]) == (0, "TOTAL_PASSED")
    assert "19102" in str(etree.parse(target).getroot().tag)


def test_saved_evidence_gives_the_same_report_again(pki: DevPki, folder: Path) -> None:
    kept, file = folder / "letter.evidence", folder / "sealed.pdf"
    settings = ("--offline", "--trust", pki.trust_path, "--rule", "nd30")
    code, out, _ = run("--json", *settings, "--save-evidence", kept, file)
    assert run("--json", "--evidence", kept, file)[:2] == (code, out)
    for decided in (
        ("--at", "2026-02-05"),
        ("--policy", "nd68"),
        ("--rule", "none"),
        ("--save-evidence", kept),
    ):
        assert run("--evidence", kept, *decided, file)[0] == 2


# Batches


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where what was judged is kept."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "edoc" / "verify"


def start(*arguments: str | Path) -> "subprocess.Popen[str]":
    command_line = [sys.executable, "-m", "edoc.cli.main", "verify", *map(str, arguments)]
    return subprocess.Popen(command_line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it never came")


def list_children(process: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def is_gone(process: int) -> bool:
    """Whether a process has ended; who adopted it may not have noticed yet."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def interrupt(state: Path, number: int, *arguments: str | Path) -> "tuple[subprocess.Popen[str], str]":
    """Start a batch whose last file is a pipe that nobody writes, and interrupt it there."""
    process = start("--resume", "--jobs", "1", *arguments)
    wait_until(lambda: sum(len(file.read_text().splitlines()) for file in state.glob("*.jsonl")) == 4)
    (child,) = wait_until(lambda: len(found := list_children(process.pid)) == 1 and found)
    process.send_signal(number)
    _, err = process.communicate(timeout=90)
    wait_until(lambda: is_gone(child))
    return process, err


@pytest.fixture
def batch(folder: Path) -> list[Path]:
    os.mkfifo(folder / "pipe.pdf")
    return [folder / "sealed.pdf", folder / "unsigned.pdf", folder / "pipe.pdf"]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_an_interrupted_batch_goes_on(state: Path, batch: list[Path], number: int, code: int) -> None:
    process, err = interrupt(state, number, "--json", "--offline", *batch)
    assert process.returncode == code
    assert "Traceback" not in err
    (kept,) = state.glob("*.jsonl")
    began = json.loads(kept.read_text().splitlines()[0])["at"]
    batch[2].unlink()
    shutil.copy(batch[0], batch[2])
    _, out, _ = run("--json", "--offline", "--resume", *batch)
    document = json.loads(out)
    assert document["validation_time"] == began
    assert [Path(file["path"]).name for file in document["files"]] == [path.name for path in batch]
    assert [len(file["signatures"]) for file in document["files"]] == [2, 0, 2]
    assert list(state.glob("*.jsonl")) == []


def test_only_the_same_bytes_under_the_same_settings_are_taken_again(
    pki: DevPki, state: Path, batch: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(state, signal.SIGTERM, "--offline", *batch)
    batch[2].unlink()
    shutil.copy(batch[0], batch[2])
    judged: list[str] = []

    def count(files: list[Path], **terms: Any) -> Any:
        judged.extend(path.name for path in files)
        return verify_guarded(files, **terms)

    monkeypatch.setattr(_resume, "verify_guarded", count)
    everything = [path.name for path in batch]
    for other in (
        ("--rule", "nd30"),
        ("--policy", "integrity"),
        ("--trust", pki.trust_path),
        ("--at", "2026-02-05"),
    ):
        judged.clear()
        run("--offline", "--resume", *other, *batch)
        assert judged == everything
    judged.clear()
    password = batch[0].with_name("password")
    password.write_text("secret")
    shutil.copytree(state, state.with_name("kept"))
    run("--offline", "--resume", "--password-file", password, *batch)
    assert judged == everything
    shutil.copytree(state.with_name("kept"), state, dirs_exist_ok=True)
    judged.clear()
    status = batch[0].stat()
    batch[0].write_bytes(verifying.flip(batch[0].read_bytes(), 5000))
    os.utime(batch[0], ns=(status.st_atime_ns, status.st_mtime_ns))
    run("--offline", "--resume", *batch)
    assert judged == ["sealed.pdf", "pipe.pdf"]


def test_a_batch_of_yesterday_begins_anew(state: Path, batch: list[Path]) -> None:
    interrupt(state, signal.SIGTERM, "--json", "--offline", *batch)
    (kept,) = state.glob("*.jsonl")
    head, _, rest = kept.read_text().partition("\n")
    old = json.loads(head) | {"begun": "2026-01-01T00:00:00+00:00", "at": "2026-01-01T00:00:00+00:00"}
    kept.write_text(f"{json.dumps(old)}\n{rest}")
    batch[2].unlink()
    shutil.copy(batch[0], batch[2])
    _, out, _ = run("--json", "--offline", "--resume", *batch)
    assert not json.loads(out)["validation_time"].startswith("2026-01-01")


def test_what_others_can_write_is_not_trusted(state: Path, batch: list[Path]) -> None:
    interrupt(state, signal.SIGTERM, "--offline", *batch)
    (kept,) = state.glob("*.jsonl")
    kept.chmod(0o666)
    code, _, err = run("--offline", "--resume", *batch[:2], batch[2])
    assert code == 2
    assert "XDG_STATE_HOME" in err


# How fast it starts


NETWORK = {"httpx", "aiohttp", "requests", "http.client", "urllib.request", "edoc.trust.connections"}
HEAVY = {"sqlalchemy", "pydantic", "fontTools", "reportlab", "rich", "jinja2", "lxml", "pikepdf"}


def list_imported(*arguments: str | Path) -> set[str]:
    command_line = [sys.executable, "-X", "importtime", "-m", "edoc.cli.main", *map(str, arguments)]
    done = subprocess.run(command_line, capture_output=True, text=True, check=False)
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}


def test_help_imports_next_to_nothing() -> None:
    imported = list_imported("--help")
    assert "typer" in imported
    assert (
        imported & (NETWORK | HEAVY | {"pyhanko", "cryptography", "asn1crypto", "edoc.core.report"}) == set()
    )


def test_an_ordinary_file_is_judged_offline_without_a_network_module(pki: DevPki, folder: Path) -> None:
    imported = list_imported(
        "verify", "--json", "--offline", "--trust", pki.trust_path, folder / "sealed.pdf"
    )
    assert "edoc.core.judge" in imported
    assert imported & (NETWORK | HEAVY) == set()


def test_the_help_names_every_command_there_is() -> None:
    modules = dict.fromkeys(module for module, _ in COMMANDS.values())
    there = {name: module for module in modules for name in load_commands(module)}
    assert there == {name: module for name, (module, _) in COMMANDS.items()}
