"""`edoc sign … --out-dir`: many files, one result table."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from acting import Run
from pdfmaking import LETTER, encrypt

from edoc.cli._batch import Job, finish
from edoc.devpki.hierarchy import DevPki
from edoc.devpki.server import serving
from edoc.errors import InputError
from edoc.keys.loading import load_key
from edoc.pdf.files import Written
from edoc.signing.batch import Errand, Outcome, list_errands, sign_all
from edoc.trust.store import Trust
from edoc.verification import verify


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    folder = tmp_path / "công văn"
    (folder / "2026").mkdir(parents=True)
    (folder / "Số 1.pdf").write_bytes(LETTER)
    (folder / "2026" / "số 2.PDF").write_bytes(LETTER)
    (folder / "hỏng.pdf").write_text("không phải PDF")
    (folder / "ghi chú.txt").write_text("not a PDF, not taken")
    return folder


def options(pki: DevPki, *more: object) -> list[object]:
    key = ["--key", pki.key_path("a-person1"), "--passphrase-file", pki.passphrase_path]
    return [*key, "--role", "person", "--trust", pki.trust_path, "--offline", *more]


def test_one_failure_does_not_stop_the_rest(letters: Path, tmp_path: Path, pki: DevPki, run: Run) -> None:
    out = tmp_path / "ra"
    done = run("sign", letters, "--out-dir", out, *options(pki))
    assert done.returncode == 1
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*.*")) == ["2026/số 2.PDF", "Số 1.pdf"]
    assert "2 signed, 1 failed" in done.stdout
    assert "hỏng.pdf" in done.stdout
    assert "not a PDF" in done.stdout
    assert verify(out / "Số 1.pdf", policy="integrity").files[0].signatures[0].intact


def test_the_table_as_json(letters: Path, tmp_path: Path, pki: DevPki, run: Run) -> None:
    done = run("sign", letters, "--out-dir", tmp_path / "ra", *options(pki, "--json"))
    told = {Path(each["path"]).name: each for each in json.loads(done.stdout)["files"]}
    assert told["hỏng.pdf"]["error"]["code"] == "PDF_UNREADABLE"
    assert told["Số 1.pdf"]["level"] == "B-B"
    assert told["Số 1.pdf"]["checks"][0] == {
        "name": "validity_period",
        "outcome": "passed",
        "detail": told["Số 1.pdf"]["checks"][0]["detail"],
    }
    assert set(told) == {"hỏng.pdf", "Số 1.pdf", "số 2.PDF"}


def test_what_is_signed_already_is_passed_over_on_demand(
    letters: Path, tmp_path: Path, pki: DevPki, run: Run
) -> None:
    out = tmp_path / "ra"
    (letters / "hỏng.pdf").unlink()
    run("sign", letters, "--out-dir", out, *options(pki))
    before = (out / "Số 1.pdf").read_bytes()
    (letters / "ba.pdf").write_bytes(LETTER)
    done = run("sign", letters, "--out-dir", out, *options(pki, "--resume"))
    assert "1 signed, 0 failed, 2 passed over" in done.stdout
    assert done.returncode == 0
    assert (out / "Số 1.pdf").read_bytes() == before


def test_a_list_of_paths(letters: Path, tmp_path: Path, pki: DevPki, run: Run) -> None:
    (tmp_path / "list").write_text(f"{letters / 'Số 1.pdf'}\n\n{letters / '2026' / 'số 2.PDF'}\n")
    done = run("sign", "--list", tmp_path / "list", "--out-dir", tmp_path / "ra", *options(pki))
    assert done.returncode == 0
    assert {path.name for path in (tmp_path / "ra").iterdir()} == {"Số 1.pdf", "số 2.PDF"}


def test_two_files_with_one_target_are_refused_before_anything_is_signed(
    letters: Path, tmp_path: Path, pki: DevPki, run: Run
) -> None:
    (letters / "2026" / "Số 1.pdf").write_bytes(LETTER)
    files = letters / "Số 1.pdf", letters / "2026" / "Số 1.pdf"
    done = run("sign", *files, "--out-dir", tmp_path / "ra", *options(pki))
    assert done.returncode == 2
    assert "would both become" in done.stderr
    assert not (tmp_path / "ra").exists()


def test_a_file_is_never_replaced_by_its_signed_copy(letters: Path, pki: DevPki, run: Run) -> None:
    done = run("sign", letters / "Số 1.pdf", "--out-dir", letters, *options(pki))
    assert done.returncode == 2
    assert (letters / "Số 1.pdf").read_bytes() == LETTER


def test_the_target_folder_below_the_source_is_not_signed_again(letters: Path, pki: DevPki, run: Run) -> None:
    (letters / "hỏng.pdf").unlink()
    for _ in range(2):
        done = run("sign", letters, "--out-dir", letters / "ra", *options(pki))
        assert "2 signed, 0 failed" in done.stdout


def test_interrupted_it_ends_after_the_current_file_and_says_what_is_left(
    tmp_path: Path, pki: DevPki
) -> None:
    folder, out = tmp_path / "in", tmp_path / "ra"
    folder.mkdir()
    for number in range(600):
        (folder / f"{number:03}.pdf").write_bytes(LETTER)
    asked = [sys.executable, "-m", "edoc.cli.main", "sign", folder, "--out-dir", out, *options(pki)]
    process = subprocess.Popen(
        list(map(str, asked)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not list(out.glob("*.pdf"))[:1] and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    told, said = process.communicate(timeout=60)
    made = sorted(out.glob("*.pdf"))
    assert process.returncode == 130
    assert f"{len(made)} signed, 0 failed" in told
    assert f"interrupted: {600 - len(made)} files" in said
    assert all(path.suffix == ".pdf" for path in out.iterdir())
    assert verify(made[-1], policy="integrity").files[0].signatures[0].intact


def test_interrupted_twice_it_ends_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    errands = tuple(Errand(Path(f"{name}.pdf"), Path(f"ra/{name}.pdf")) for name in "abc")
    ended = []

    def work() -> Iterator[Outcome[Written]]:
        yield Outcome(errands[0], written=Written(sha256="00", size=1))
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
        ended.append(errands[1])

    before = signal.getsignal(signal.SIGINT)
    job = Job(errands=errands, many=True, as_json=True, doing="Signing", done="signed")
    with pytest.raises(SystemExit) as caught:
        finish(job, work(), lambda _: {})
    assert caught.value.code == 130
    assert ended == []
    told = capsys.readouterr()
    document = json.loads(told.out)
    assert ([each["path"] for each in document["files"]], document["untouched"]) == (["a.pdf"], 2)
    assert "1 signed, 0 failed" in told.err
    assert signal.getsignal(signal.SIGINT) is before


def test_piped_the_table_has_one_aligned_line_for_each_file_and_no_colour(
    letters: Path, tmp_path: Path, pki: DevPki, run: Run
) -> None:
    (letters / f"{'Về việc ' * 15}.pdf").write_bytes(LETTER)
    done = run("sign", letters, "--out-dir", tmp_path / "ra", *options(pki))
    heading, *rows, count = done.stdout.splitlines()
    assert count == "3 signed, 1 failed"
    assert len(rows) == 4
    start = heading.index("File")
    assert all(row[start:].startswith(str(letters)) and row[start - 1] == " " for row in rows)
    assert "\x1b" not in done.stdout + done.stderr
    assert done.stderr == ""


def on_a_terminal(*arguments: object, columns: int = 80) -> str:
    """What a person sees on a terminal, with its control sequences."""
    command = [sys.executable, "-m", "edoc.cli.main", *map(str, arguments)]
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm"}
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    seen = b""
    while True:
        try:
            seen += os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
    process.wait(timeout=60)
    os.close(ours)
    return seen.decode()


def test_on_a_terminal_there_is_a_bar_and_the_table_fits(letters: Path, tmp_path: Path, pki: DevPki) -> None:
    (letters / f"{'Về việc ' * 15}.pdf").write_bytes(LETTER)
    seen = on_a_terminal("sign", letters, "--out-dir", tmp_path / "ra", *options(pki))
    assert "Signing" in seen
    assert "4/4" in seen
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)
    table = plain[plain.rindex("Result") :].splitlines()
    assert "3 signed, 1 failed" in table
    assert max(map(len, table)) <= 80


def test_names_that_are_no_text_or_move_the_cursor_do_no_harm(
    tmp_path: Path, pki: DevPki, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = tmp_path / "in", tmp_path / "ra"
    folder.mkdir()
    names = {b"x\xff.pdf", b"esc\x1b[2Jape.pdf", b"two\nlines.pdf"}
    for name in names:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(LETTER)
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8:strict")
    done = run("sign", folder, "--out-dir", out, *options(pki))
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 5
    assert "\x1b" not in done.stdout
    again = run("sign", folder, "--out-dir", tmp_path / "lại", *options(pki, "--json"))
    told = json.loads(again.stdout)["files"]
    assert {os.fsencode(Path(each["path"]).name) for each in told} == names
    assert "\x1b" not in again.stderr
    assert {os.fsencode(path.name) for path in out.iterdir()} == names


def test_a_terminal_without_vietnamese_letters_shows_escapes(
    letters: Path, tmp_path: Path, pki: DevPki, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = run("sign", letters, "--out-dir", tmp_path / "ra", *options(pki))
    assert "2 signed, 1 failed" in done.stdout
    again = run("sign", letters, "--out-dir", tmp_path / "lại", *options(pki, "--json"))
    assert "Số 1.pdf" in {Path(each["path"]).name for each in json.loads(again.stdout)["files"]}


def test_a_list_comes_from_stdin_too(letters: Path, tmp_path: Path, pki: DevPki) -> None:
    command = [sys.executable, "-m", "edoc.cli.main", "sign", "--list", "-", "--out-dir", tmp_path / "ra"]
    given = f"{letters / 'Số 1.pdf'}\r\n{letters / '2026'}\n".encode()
    done = subprocess.run(
        [*map(str, command), *map(str, options(pki))], input=given, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "ra").iterdir()} == {"Số 1.pdf", "số 2.PDF"}


@pytest.mark.parametrize("option", ["--list", "--resume"])
def test_without_a_folder_to_write_to_a_list_never_becomes_in_and_out(
    option: str, letters: Path, tmp_path: Path, pki: DevPki, run: Run
) -> None:
    first, second = letters / "Số 1.pdf", letters / "2026" / "số 2.PDF"
    (tmp_path / "list").write_text(f"{first}\n{second}\n")
    more = [option, tmp_path / "list"] if option == "--list" else [first, second, option]
    done = run("sign", *more, *options(pki))
    assert done.returncode == 2
    assert "--out-dir" in done.stderr
    assert second.read_bytes() == LETTER


@pytest.mark.parametrize("command", ["sign", "prepare", "number", "timestamp", "extend"])
def test_no_command_writes_over_what_it_reads(command: str, tmp_path: Path, pki: DevPki, run: Run) -> None:
    path, link = tmp_path / "letter.pdf", tmp_path / "link.pdf"
    path.write_bytes(LETTER)
    link.symlink_to(path)
    more: dict[str, list[object]] = {
        "sign": options(pki),
        "number": ["--number", "5", "--notation", "S", "--date", "2026-02-05"],
        "timestamp": ["--tsa", "http://tsa.vn"],
        "extend": ["--level", "B-LT"],
    }
    for target in (path, link):
        done = run(command, path, target, *more.get(command, []))
        assert done.returncode == 2
        assert "would be replaced" in done.stderr
    assert path.read_bytes() == LETTER


def test_what_fails_leaves_no_empty_folder(letters: Path, tmp_path: Path, pki: DevPki, run: Run) -> None:
    (letters / "2026" / "số 2.PDF").write_text("hỏng")
    run("sign", letters, "--out-dir", tmp_path / "ra", *options(pki))
    assert [path.name for path in (tmp_path / "ra").iterdir()] == ["Số 1.pdf"]


def test_a_single_file_goes_into_a_folder_that_is_there(
    letters: Path, tmp_path: Path, pki: DevPki, run: Run
) -> None:
    done = run("sign", letters / "Số 1.pdf", tmp_path / "nhầm" / "ra.pdf", *options(pki))
    assert done.returncode == 1
    assert "no such file or directory" in done.stderr
    assert not (tmp_path / "nhầm").exists()


def test_what_concerns_all_files_is_told_of_each_as_json(
    letters: Path, tmp_path: Path, pki: DevPki, run: Run
) -> None:
    (tmp_path / "wrong").write_text("sesame")
    key = ["--key", pki.key_path("a-person1"), "--passphrase-file", tmp_path / "wrong", "--role", "person"]
    done = run("sign", letters, "--out-dir", tmp_path / "ra", *key, "--checks", "none", "--json")
    assert done.returncode == 1
    files = json.loads(done.stdout)["files"]
    assert len(files) == 3
    assert {each["error"]["code"] for each in files} == {"KEY_UNUSABLE"}
    assert len(done.stderr.splitlines()) == 1
    assert "sesame" not in done.stdout + done.stderr


def test_what_can_be_tried_again_is_told_as_json(
    letters: Path, pki: DevPki, tmp_path: Path, run: Run
) -> None:
    more = ["--level", "B-T", "--tsa", "http://127.0.0.1:1", "--json"]
    done = run("sign", letters / "Số 1.pdf", tmp_path / "ra.pdf", *options(pki, *more))
    assert done.returncode == 1
    (told,) = json.loads(done.stdout)["files"]
    assert (told["error"]["code"], told["error"]["retryable"]) == ("UNAVAILABLE", True)
    missing = run("sign", letters / "không có.pdf", tmp_path / "ra.pdf", *options(pki, "--json"))
    (told,) = json.loads(missing.stdout)["files"]
    assert (told["error"]["code"], told["error"]["retryable"]) == ("IO", False)


def test_encrypted_files_are_signed_with_their_password(
    letters: Path, tmp_path: Path, pki: DevPki, run: Run
) -> None:
    (letters / "mật.pdf").write_bytes(encrypt("sesame"))
    (tmp_path / "password").write_text("sesame\n")
    more = ["--password-file", tmp_path / "password"]
    done = run("sign", letters / "mật.pdf", "--out-dir", tmp_path / "ra", *options(pki, *more))
    assert done.returncode == 0, done.stdout
    assert b"/Encrypt" in (tmp_path / "ra" / "mật.pdf").read_bytes()


def test_a_glob_may_name_the_target_folder_too(letters: Path, pki: DevPki, run: Run) -> None:
    (letters / "hỏng.pdf").unlink()
    out = letters / "ra"
    for _ in range(2):
        done = run("sign", *sorted(letters.glob("*[!t]")), "--out-dir", out, *options(pki))
        assert done.returncode == 0, done.stderr
        assert "2 signed, 0 failed" in done.stdout


def errands(*sources: Path, out: Path) -> set[tuple[str, str]]:
    return {
        (each.source.name, str(each.target.relative_to(out)))
        for each in list_errands(map(Path, sources), out)
    }


def test_a_folder_is_taken_with_its_tree_and_a_file_once(letters: Path, tmp_path: Path) -> None:
    (letters / "liên kết").symlink_to(letters / "2026")
    found = errands(letters, letters / "Số 1.pdf", out=tmp_path / "ra")
    assert found == {("Số 1.pdf", "Số 1.pdf"), ("số 2.PDF", "2026/số 2.PDF"), ("hỏng.pdf", "hỏng.pdf")}


def test_a_file_that_lies_in_the_target_folder_is_refused(letters: Path) -> None:
    with pytest.raises(InputError, match="lies in the folder that is written to"):
        list_errands([letters / "2026" / "số 2.PDF"], letters)
    with pytest.raises(InputError, match="would be replaced"):
        list_errands([letters / "Số 1.pdf"], letters)
    with pytest.raises(InputError, match="there is no PDF to work on"):
        list_errands([letters / "2026"], letters)


def test_a_target_that_is_a_file_is_wrong_usage(letters: Path, pki: DevPki, run: Run) -> None:
    done = run("sign", letters / "2026", "--out-dir", letters / "Số 1.pdf", *options(pki))
    assert done.returncode == 2
    assert "this is no folder" in done.stderr


def test_many_files_share_one_way_to_the_outside(letters: Path, tmp_path: Path, pki: DevPki) -> None:
    key = load_key(pki.key_path("a-person1"), passphrase=pki.passphrase)
    said: dict[str, Any] = {"key": key, "role": "person", "level": "B-T", "trust": Trust.load(pki.trust_path)}
    with serving(pki) as url:
        told = {
            outcome.errand.source.name: outcome
            for outcome in sign_all(
                list_errands([letters], tmp_path / "ra"), tsa=f"{url}/tsa", offline=True, **said
            )
        }
    levels = {name: outcome.written and outcome.written.level for name, outcome in told.items()}
    assert levels == {"Số 1.pdf": "B-T", "số 2.PDF": "B-T", "hỏng.pdf": None}


def test_a_picture_that_is_none_is_one_error_before_any_file(
    letters: Path, tmp_path: Path, pki: DevPki, run: Run
) -> None:
    done = run("sign", letters, "--out-dir", tmp_path / "ra", *options(pki, "--image", letters / "hỏng.pdf"))
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "ra").exists()
