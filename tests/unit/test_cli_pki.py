"""The command dev-pki, as people and programs use it."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest
import typer
from typer.testing import CliRunner

from edoc.cli import pki as commands
from edoc.devpki.hierarchy import open_pki
from edoc.keys.loading import load_key
from edoc.trust.store import Trust

APP = typer.Typer()
APP.callback()(lambda: None)
commands.register(APP)


def run(*arguments: str | Path) -> tuple[int, str, str]:
    done = CliRunner().invoke(APP, ["dev-pki", *map(str, arguments)])
    return done.exit_code, done.stdout, done.stderr


def test_it_makes_a_pki_and_says_what_lies_where(tmp_path: Path) -> None:
    code, said, _ = run(tmp_path / "pki")
    pki = open_pki(tmp_path / "pki")
    assert code == 0
    for text in ("a-person1.p12", "b-seal.p12", "passphrase.txt", "Trần Thị Bích Hằng, Chủ tịch", "H99.02"):
        assert text in said
    assert pki.passphrase not in said
    load_key(pki.key_path("a-person1"), passphrase=pki.passphrase)


def test_the_default_folder_is_certs_dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run()[0] == 0
    assert Trust.load("certs-dev/trust").is_development


def test_json_names_every_path_and_no_secret(tmp_path: Path) -> None:
    code, said, _ = run(tmp_path / "pki", "--json")
    found = json.loads(said)
    assert code == 0
    assert found["made"] is True
    assert [agency["organ_id"] for agency in found["agencies"]] == ["H99.01", "H99.02"]
    paths = [found["trust"], found["passphrase_file"], found["system"], found["agencies"][1]["seal"]]
    paths += [person["key"] for agency in found["agencies"] for person in agency["persons"]]
    assert all(Path(path).exists() for path in paths)
    assert open_pki(tmp_path / "pki").passphrase not in said
    assert json.loads(run(tmp_path / "pki", "--json")[1])["made"] is False


def test_it_keeps_what_stands_there_and_replaces_on_request(tmp_path: Path) -> None:
    run(tmp_path / "pki")
    first = open_pki(tmp_path / "pki").passphrase
    assert "kept" in run(tmp_path / "pki")[1]
    assert open_pki(tmp_path / "pki").passphrase == first
    assert run(tmp_path / "pki", "--replace")[0] == 0
    assert open_pki(tmp_path / "pki").passphrase != first


def test_a_foreign_folder_is_one_sentence_and_exit_1(tmp_path: Path) -> None:
    (tmp_path / "thesis.odt").touch()
    code, said, complained = run(tmp_path)
    assert code == 1
    assert said == ""
    assert "no development PKI" in complained
    assert "Traceback" not in complained


def test_a_busy_port_is_one_sentence_and_exit_1(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        code, _, complained = run(tmp_path / "pki", "--serve", str(other.getsockname()[1]))
    assert code == 1
    assert "cannot be listened on" in complained


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_a_port_that_is_none_is_wrong_usage(tmp_path: Path, port: str) -> None:
    assert run(tmp_path / "pki", "--serve", port)[0] == 2
    assert not (tmp_path / "pki").exists()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_stop(tmp_path: Path, end: signal.Signals) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = "import typer; from edoc.cli import pki; a = typer.Typer(); pki.register(a); a()"
    command = [sys.executable, "-c", program, str(tmp_path / "pki"), "--serve", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            assert f"Serving http://127.0.0.1:{port}/tsa" in process.stderr.readline()
            with urlopen(f"http://127.0.0.1:{port}/crl/agencies.crl", timeout=5) as answer:
                assert answer.read() == open_pki(tmp_path / "pki").crl("agencies")
            started = time.monotonic()
            process.send_signal(end)
            assert process.wait(timeout=5) == 0
            assert time.monotonic() - started < 3
        finally:
            process.kill()
    assert open_pki(tmp_path / "pki").base_url == f"http://127.0.0.1:{port}"


def test_help_ends_with_an_example() -> None:
    code, said, _ = run("--help")
    assert code == 0
    assert re.search(r"Example: edoc dev-pki certs-dev --serve 8900", said)
