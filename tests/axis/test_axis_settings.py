"""A node's settings name exactly one transport, and the axis with all it needs; no secret shows."""

from pathlib import Path
from typing import Any

import pytest

from edoc.axis.client import AxisClient
from edoc.axis.provincial import ProvincialClient
from edoc.errors import SettingsError
from edoc.node import database
from edoc.node.journal import Journal
from edoc.node.mailbox import Mailbox
from edoc.node.node import system_clock
from edoc.node.settings import AxisSettings, Settings
from edoc.node.transports import make_axis, opening_transport

REST = """
[agency]
organ_id = "H99.01"
organ_name = "Sở Nội vụ"
[seal]
key = "seal.p12"
passphrase_file = "passphrase.txt"
level = "B-B"
[trust]
paths = ["trust"]
"""
AXIS = '[axis]\nurl = "https://hub.example/axis"\nsystem_id = "H99.01"\n'
SECRET = "s3cret of the agency"


def load(folder: Path, text: str) -> Settings:
    (folder / "edoc.toml").write_text(text + REST, encoding="utf-8")
    return Settings.load(folder)


def journal(folder: Path) -> Journal:
    return Journal(database.connect("sqlite:///node.db", folder), system_clock)


def axis_of(settings: Settings) -> AxisSettings:
    assert settings.axis is not None
    return settings.axis


@pytest.mark.parametrize("text", ["", '[mailbox]\npath = "m"\n' + AXIS + f'secret = "{SECRET}"\n'])
def test_a_node_has_exactly_one_transport(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"either \[mailbox\] or \[axis\]") as caught:
        load(tmp_path, text)
    assert SECRET not in str(caught.value)


def test_the_mailbox_is_opened_as_before(tmp_path: Path) -> None:
    settings = load(tmp_path, '[mailbox]\npath = "m"\n')
    with opening_transport(settings, tmp_path, journal(tmp_path)) as transport:
        assert isinstance(transport, Mailbox)


def test_the_national_axis_is_opened_without_being_asked(tmp_path: Path) -> None:
    (tmp_path / "axis.secret").write_text(f"{SECRET}\n", encoding="utf-8")
    settings = load(tmp_path, AXIS + 'secret_file = "axis.secret"\n')
    with opening_transport(settings, tmp_path, journal(tmp_path)) as transport:
        assert repr(transport) == "AxisBox(AxisClient('https://hub.example/axis', 'H99.01'))"
    made = make_axis(axis_of(settings), tmp_path, journal(tmp_path))
    assert isinstance(made, AxisClient)
    assert made._access.secret.get_secret_value() == SECRET


def test_secrets_can_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDOC_AXIS__SECRET", SECRET)
    settings = load(tmp_path, AXIS)
    assert axis_of(settings).secret.get_secret_value() == SECRET
    assert SECRET not in repr(settings)


def test_a_province_needs_an_account_besides(tmp_path: Path) -> None:
    text = AXIS + f'secret = "{SECRET}"\nprofile = "provincial"\n'
    settings = load(tmp_path, text + 'username = "ubnd"\npassword = "word"\napplication_code = "QLVB"\n')
    made = make_axis(axis_of(settings), tmp_path, journal(tmp_path))
    assert isinstance(made, ProvincialClient)
    assert made._login.application_code == "QLVB"
    made.close()


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ("", "needs secret_file, or EDOC_AXIS__SECRET"),
        (f'secret = "{SECRET}"\nsecret_file = "x"\n', "two places for one secret"),
        (f'secret = "{SECRET}"\nprofile = "provincial"\n', "logs in with a username"),
        (f'secret = "{SECRET}"\nusername = "ubnd"\n', "username and password go together"),
        (f'secret = "{SECRET}"\nusername = "ubnd"\npassword = "word"\n', "national one does not"),
        (f'secret = "{SECRET}"\nprofile = "wso2"\n', "axis.profile"),
        (f'secret = "{SECRET}"\nurl = "ftp://hub/"\n', "axis.url: write http"),
        (f'secret = "{SECRET}"\nurl = "CHANGEME"\n', "placeholder"),
        (f'secret = "{SECRET}"\ncall_seconds = 0\n', "axis.call_seconds"),
        (f'secret = "{SECRET}"\nsurprise = 1\n', "axis.surprise: there is no such setting"),
    ],
)
def test_what_is_wrong_is_named_and_no_secret_shown(tmp_path: Path, more: str, complaint: str) -> None:
    lines = [line for line in AXIS.splitlines() if "url" not in more or not line.startswith("url")]
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, "\n".join([*lines, more]))
    assert complaint in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"", b"\n"])
def test_a_secret_that_cannot_be_read_is_a_wrong_setting(tmp_path: Path, content: Any) -> None:
    if content is not None:
        (tmp_path / "axis.secret").write_bytes(content)
    settings = load(tmp_path, AXIS + 'secret_file = "axis.secret"\n')
    with pytest.raises(SettingsError, match="secret of the axis"):
        make_axis(axis_of(settings), tmp_path, journal(tmp_path))
