"""The demo over a hub: the same paths and the same story as over the mailbox, and what the hub saw."""

import json
from pathlib import Path
from typing import Any

import pytest
from acting import Run

from edoc.devpki.hierarchy import DevPki


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("axis") / "demo"


@pytest.fixture(scope="module")
def result(run: Run, pki: DevPki, folder: Path) -> dict[str, Any]:
    done = run("demo", folder, "--pki", pki.folder, "--transport", "axis", "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_it_says_the_same_as_over_the_mailbox(result: dict[str, Any]) -> None:
    assert list(result) == [
        *("nodes", "documents", "document_id", "statuses", "packages", "pdfs", "reports", "registers"),
        *("archive_packages", "elapsed_seconds"),
    ]
    assert all(Path(path).is_file() for path in (*result["statuses"], *result["packages"]))
    assert not (Path(result["nodes"]["a"]).parent / "mailbox").exists()


def test_what_arrived_is_signed_and_sealed(run: Run, pki: DevPki, result: dict[str, Any]) -> None:
    received = result["pdfs"]["received"]
    done = run("verify", "--offline", "--trust", pki.trust_path, "--rule", "nd30", received)
    assert done.returncode == 0, done.stdout
    assert Path(received).read_bytes() == Path(result["pdfs"]["sealed"]).read_bytes()


def test_document_and_statuses_went_through_the_hub_and_are_done(
    run: Run, folder: Path, result: dict[str, Any]
) -> None:
    rows = json.loads(run("hub", "list", folder / "hub" / "data", "--json").stdout)
    assert sorted(row["kind"] for row in rows) == ["edoc", "status", "status", "status"]
    assert {row["status"] for row in rows} == {"done"}
    (document,) = (row for row in rows if row["kind"] == "edoc")
    shown = json.loads(run("hub", "show", folder / "hub" / "data", document["doc_id"], "--json").stdout)
    told = [event["operation"] for event in shown["events"]]
    assert told[0] == "sendEdoc"
    assert told[-2:] == ["updateStatus", "updateStatus"]
    assert result["document_id"].endswith(document["notation"])


def test_running_it_again_resumes_on_whatever_port_the_hub_gets(
    run: Run, pki: DevPki, folder: Path, result: dict[str, Any]
) -> None:
    again = run("demo", folder, "--pki", pki.folder, "--transport", "axis", "--json")
    assert again.returncode == 0, again.stderr
    assert {**json.loads(again.stdout), "elapsed_seconds": 0} == {**result, "elapsed_seconds": 0}
    other = run("demo", folder, "--pki", pki.folder)
    assert other.returncode == 1
    assert "--start-over" in other.stderr
