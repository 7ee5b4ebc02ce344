"""`edoc sign … --out-dir`: many files, one result table."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from acting import Run
from pdfmaking import LETTER

from edoc.devpki.hierarchy import DevPki
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
