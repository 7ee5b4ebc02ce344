"""`edoc hub …`, as an operator uses it."""

import json
import signal
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from acting import Run
from hubpeers import document, join, send

from edoc.axis.wire import Transfer
from edoc.demo.hub import HubServer

OLD = "000.00.01.G22"


@pytest.fixture
def folder(run: Run, tmp_path: Path) -> Path:
    assert run("hub", "init", tmp_path / "hub").returncode == 0
    return tmp_path / "hub"


def test_init_writes_settings_that_work_as_they_are_and_keeps_those_that_stand(
    run: Run, folder: Path
) -> None:
    settings = folder / "hub.toml"
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600
    settings.write_text(settings.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    assert run("hub", "init", folder).returncode == 0
    assert settings.read_text(encoding="utf-8").endswith("# mine\n")
    assert run("hub", "agencies", folder, "--json").stdout.strip() == "[]"


def test_an_agency_is_entered_with_a_secret_in_a_file_of_its_own(run: Run, folder: Path) -> None:
    done = run("hub", "add-agency", folder, "H99.01", "--name", "UBND tỉnh A", "--json")
    added = json.loads(done.stdout)
    file = Path(added["secret_file"])
    assert (added["code"], added["system_id"]) == ("H99.01", "H99.01")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    secret = file.read_text(encoding="utf-8")
    assert len(secret) > 40
    assert secret.strip() not in done.stdout + done.stderr
    again = run("hub", "add-agency", folder, "H99.01", "--name", "UBND tỉnh A'")
    assert again.returncode == 0
    assert file.read_text(encoding="utf-8") == secret
    (row,) = json.loads(run("hub", "agencies", folder, "--json").stdout)
    assert row["name"] == "UBND tỉnh A'"


def test_an_agency_may_share_a_system_and_a_secret_may_be_brought_along(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "given").write_text("a secret that a province gave\n", encoding="utf-8")
    run("hub", "add-agency", folder, "H99.01", "--name", "A", "--secret-file", tmp_path / "given")
    assert (folder / "secrets" / "H99.01").read_text(encoding="utf-8") == "a secret that a province gave\n"
    run(
        "hub",
        "add-agency",
        folder,
        "G22.1",
        "--name",
        "B",
        "--system",
        "H99.01",
        "--old-code",
        OLD,
    )
    assert sorted(path.name for path in (folder / "secrets").iterdir()) == ["H99.01"]
    rows = json.loads(run("hub", "agencies", folder, "--json").stdout)
    assert {row["code"]: row["system"] for row in rows} == {"H99.01": "H99.01", "G22.1": "H99.01"}
    taken = run("hub", "add-agency", folder, OLD, "--name", "C")
    assert taken.returncode == 1
    assert "G22.1" in taken.stderr
    assert run("hub", "remove-agency", folder, OLD).returncode == 0
    assert run("hub", "remove-agency", folder, OLD).returncode == 1


@pytest.mark.parametrize("code", ["../H99", "", "x" * 36])
def test_what_cannot_be_a_code_is_refused(run: Run, folder: Path, code: str) -> None:
    assert run("hub", "add-agency", folder, code, "--name", "A").returncode == 1
    assert not (folder / "secrets").exists()


def test_packages_are_listed_and_shown_with_their_story(run: Run, hub: HubServer) -> None:
    a, b = join(hub), join(hub)
    doc_id = send(a, document(a, b, subject="Về việc báo cáo"), b)
    waiting = json.loads(run("hub", "list", hub.data, "--open", "--json").stdout)
    assert doc_id in {row["doc_id"] for row in waiting}
    with b.client() as client:
        client.update_status(doc_id, Transfer.DONE)
    assert doc_id not in run("hub", "list", hub.data, "--open").stdout
    assert doc_id in run("hub", "list", hub.data).stdout
    shown = json.loads(run("hub", "show", hub.data, doc_id, "--json").stdout)
    (delivery,) = shown["deliveries"]
    assert (delivery["from"], delivery["to"], delivery["status"]) == (a.code, b.code, "done")
    assert delivery["title"] == "Về việc báo cáo"
    told = [(event["system_id"], event["operation"]) for event in shown["events"]]
    assert told == [(a.code, "sendEdoc"), (b.code, "updateStatus")]
    assert "Về việc báo cáo" in run("hub", "show", hub.data, doc_id).stdout
    assert run("hub", "show", hub.data, "nothing").returncode == 1


def test_serving_says_where_and_ends_in_good_order(run: Run, folder: Path) -> None:
    server = HubServer(folder.parent / "served")
    with server:
        taken = run("hub", "serve", folder, "--port", server.port)
        assert taken.returncode == 1
        assert "address already in use" in taken.stderr
    command = [sys.executable, "-m", "edoc.cli.main", "hub", "serve", str(folder), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = "".join(iter(process.stdout.readline, "}\n")) + "}"
        assert httpx.get(f"{json.loads(said)['url']}/livez", timeout=10).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert process.stdout.read() == ""


def test_each_command_has_help_with_an_example(run: Run) -> None:
    for command in ("init", "serve", "add-agency", "remove-agency", "agencies", "list", "show"):
        done = run("hub", command, "--help")
        assert done.returncode == 0
        assert f"Example: edoc hub {command}" in done.stdout
