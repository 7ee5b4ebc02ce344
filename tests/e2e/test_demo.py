"""The demo as a new user sees it: what it leaves behind, judged by tools that are not ours."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from acting import Played, Run
from killing import enlarge_disk, on_a_small_disk

from edoc.devpki.hierarchy import DevPki


def judged(run: Run, file: Path, *options: str | Path) -> tuple[int, dict[str, Any]]:
    done = run("verify", "--json", "--offline", *options, file)
    return done.returncode, json.loads(done.stdout)["files"][0]


def tool(*command: str | Path) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def paths_in(value: Any) -> Iterator[Path]:
    if isinstance(value, str) and value.startswith("/"):
        yield Path(value)
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from paths_in(item)


def test_every_path_it_names_is_there(played: Played) -> None:
    paths = list(paths_in(played.result))
    assert len(paths) >= 16
    assert [path for path in paths if not path.exists()] == []


def test_the_demo_takes_less_than_ten_seconds(played: Played) -> None:
    assert played.result["elapsed_seconds"] < 10


def test_pdfsig_calls_both_signatures_valid(played: Played) -> None:
    words = tool("pdfsig", "-nocert", played.received)
    assert words.count("Signature is Valid.") == 2
    assert "Invalid" not in words


def test_mutool_finds_no_digest_error_and_qpdf_finds_nothing(played: Played) -> None:
    words = tool("mutool", "sign", "-v", played.received)
    assert words.count("Verifying signature") == 2
    assert "The signature is valid but there have been edits since signing." in words  # the person's
    assert "The document is unchanged since signing." in words  # the seal
    assert "digest" not in words.lower()
    checked = tool("qpdf", "--check", played.received)
    assert "No syntax or stream encoding errors found" in checked
    assert "WARNING" not in checked


def test_verify_passes_with_the_trust_store_and_names_what_came_after(
    run: Run, played: Played, pki: DevPki
) -> None:
    code, file = judged(run, played.received, "--trust", pki.trust_path, "--rule", "nd30")
    assert code == 0
    person, seal = file["signatures"]
    assert (person["signer"]["kind"], seal["signer"]["kind"]) == ("person", "agency")
    assert (person["changes_after"], person["changes_allowed"]) == ("form_filling", True)
    assert (seal["changes_after"], seal["coverage"]) == ("none", "whole_file")
    assert {signature["level"] for signature in (person, seal)} == {"PAdES-B-T"}
    assert file["document_rule"] == {"name": "nd30", "passed": True, "reasons": []}
    assert any(message["code"].startswith("DEV") for message in file["messages"])


def test_without_trust_it_is_indeterminate_yet_intact(run: Run, played: Played) -> None:
    code, file = judged(run, played.received)
    assert code == 3
    assert file["sub_indication"] == "NO_CERTIFICATE_CHAIN_FOUND"
    assert all(signature["intact"] for signature in file["signatures"])


def test_one_flipped_byte_in_the_page_fails(run: Run, played: Played, pki: DevPki, tmp_path: Path) -> None:
    content = bytearray(played.received.read_bytes())
    content[content.index(b"stream", content.index(b"/Contents")) + 40] ^= 1
    forged = tmp_path / "forged.pdf"
    forged.write_bytes(content)
    code, _ = judged(run, forged, "--trust", pki.trust_path)
    assert code == 1


def test_the_statuses_are_01_03_06_and_say_which_document(run: Run, played: Played) -> None:
    told = [json.loads(run("unpack", path, "--json").stdout) for path in played.result["statuses"]]
    assert sorted(status["status_code"] for status in told) == ["01", "03", "06"]
    assert {
        status["response_for"][0]["document_id"]
        if isinstance(status["response_for"], list)
        else status["response_for"]["document_id"]
        for status in told
    } == {played.result["document_id"]}


def test_the_archive_packages_pass_sha256sum(played: Played) -> None:
    for package in played.result["archive_packages"]:
        done = subprocess.run(
            ["sha256sum", "--check", "--strict", "--quiet", "manifest-sha256.txt"],
            cwd=package,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_both_registers_hold_the_document_under_number_one(played: Played) -> None:
    number = played.result["document_id"].split(",")[2]
    outgoing = (
        Path(played.result["registers"]["outgoing"]["csv"]).read_text(encoding="utf-8-sig").splitlines()
    )
    incoming = (
        Path(played.result["registers"]["incoming"]["csv"]).read_text(encoding="utf-8-sig").splitlines()
    )
    assert number.startswith("01/")
    assert sum(number in line for line in outgoing) == 1
    assert sum(number in line for line in incoming) == 1


def test_the_nodes_commands_tell_the_same_story(run: Run, played: Played) -> None:
    node = played.result["nodes"]["b"]
    assert run("audit-log", "verify", "--node", node).returncode == 0
    assert run("archive", "audit", "--node", node).returncode == 0
    told = json.loads(run("show", played.result["document_id"], "--node", node, "--json").stdout)
    events = [event["event"] for event in told["events"]]
    assert events[0] == "receive"
    assert events[-1] == "archive"
    assert {"answer-01", "verify", "register", "answer-03", "complete", "answer-06"} <= set(events)
    assert told["trouble"] == []


def test_running_it_again_resumes_and_changes_nothing(run: Run, played: Played, pki: DevPki) -> None:
    before = played.received.read_bytes()
    again = run("demo", played.folder, "--pki", pki.folder, "--json")
    assert again.returncode == 0, again.stderr
    assert {**json.loads(again.stdout), "elapsed_seconds": 0} == {**played.result, "elapsed_seconds": 0}
    assert played.received.read_bytes() == before


def test_another_pdf_in_the_same_folder_is_refused_and_nothing_is_touched(
    run: Run, played: Played, pki: DevPki, tmp_path: Path
) -> None:
    other = tmp_path / "other.pdf"
    subprocess.run(
        ["qpdf", "--empty", "--pages", played.folder / "desk" / "prepared-cong-van.pdf", "1", "--", other],
        check=True,
    )
    done = run("demo", played.folder, "--pki", pki.folder, "--pdf", other)
    assert done.returncode == 1
    assert "--start-over" in done.stderr


def test_a_folder_with_other_things_is_refused(run: Run, tmp_path: Path, pki: DevPki) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    done = run("demo", tmp_path, "--pki", pki.folder)
    assert done.returncode == 1
    assert "holds something that is no demo" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["letter.txt"]


@pytest.mark.parametrize("kind", ["empty", "text", "missing", "encrypted", "signed"])
def test_a_pdf_that_cannot_be_used_is_one_clear_sentence(
    run: Run, played: Played, pki: DevPki, tmp_path: Path, kind: str
) -> None:
    file = tmp_path / f"{kind}.pdf"
    expected = {
        "empty": "empty",
        "text": "PDF",
        "missing": "no such file",
        "encrypted": "encrypted",
        "signed": "already signed by",
    }[kind]
    if kind in {"empty", "text"}:
        file.write_bytes(b"" if kind == "empty" else b"no pdf at all")
    elif kind == "encrypted":
        plain = played.folder / "desk" / "prepared-cong-van.pdf"
        subprocess.run(["qpdf", "--encrypt", "secret", "owner", "256", "--", plain, file], check=True)
    elif kind == "signed":
        file.write_bytes(played.received.read_bytes())
    done = run("demo", tmp_path / "demo", "--pki", pki.folder, "--pdf", file)
    assert done.returncode == 1
    assert expected in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize("kilobytes", [600, 750, 900])
def test_a_full_disk_is_one_clear_sentence_and_with_more_room_the_journey_goes_on(
    run: Run, pki: DevPki, tmp_path: Path, kilobytes: int
) -> None:
    def travel() -> None:
        full = run("demo", tmp_path / "demo", "--pki", pki.folder)
        assert full.returncode == 1, full.stderr
        assert "full" in full.stderr.splitlines()[-1]
        enlarge_disk(tmp_path, 64 << 20)
        done = run("demo", tmp_path / "demo", "--pki", pki.folder, "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["document_id"].split(",")[2].startswith("01/")

    assert on_a_small_disk(tmp_path, kilobytes << 10, travel) == 0
