"""`edoc.toml` as signing reads it, and as a node does for its seal; policies of one's own."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pdfmaking import SAMPLES, SEAL_IMAGE
from softhsm import PIN, SoftHsm

from edoc.core.report import Level, SignatureType
from edoc.demo.nodes import Backing, by_mailbox, make_node
from edoc.devpki.hierarchy import DevPki
from edoc.devpki.profiles import AGENCIES
from edoc.devpki.server import serving
from edoc.errors import InputError, SettingsError
from edoc.keys.loading import load_key
from edoc.node import clerk, node, steps, tasks
from edoc.node.node import Node
from edoc.node.settings import FILE_NAME, Settings
from edoc.policies import load_policy
from edoc.signing import prepare, sign
from edoc.signing.settings import SigningSettings
from edoc.verification import verify

TSA = '[[online.tsa]]\nurl = "http://tsa.vn"\n'


def read(folder: Path, text: str) -> SigningSettings:
    (folder / FILE_NAME).write_text(text)
    return SigningSettings.load(folder / FILE_NAME)


def test_nothing_said_is_nobody_trusted_and_no_tsa(tmp_path: Path) -> None:
    settings = read(tmp_path, "")
    assert settings.load_trust() is None
    with settings.online.make(tmp_path) as online:
        assert not online.has_tsa


def test_relative_paths_count_from_the_file_and_the_command_line_adds_to_it(
    tmp_path: Path, pki: DevPki
) -> None:
    (tmp_path / "gốc").symlink_to(pki.trust_path)
    settings = read(tmp_path, '[trust]\npaths = ["gốc"]\n')
    trust = settings.load_trust()
    assert trust is not None
    assert len(trust.roots) == 1
    (other,) = list((pki.trust_path).rglob("*.crl"))[:1]
    both = settings.load_trust(other)
    assert both is not None
    assert set(both.crls) >= set(trust.crls)


def test_authorities_on_the_command_line_are_asked_first(tmp_path: Path, pki: DevPki) -> None:
    with serving(pki) as url:
        settings = read(tmp_path, f'[[online.tsa]]\nurl = "{url}/tsa"\n')
        with settings.online.make(tmp_path, first=("http://127.0.0.1:1/tsa",)) as online:
            assert online.ask(bytes(32)).url == f"{url}/tsa"
        other = f"{url}/tsa".replace("127.0.0.1", "localhost")
        with settings.online.make(tmp_path, first=(other,)) as online:
            assert online.ask(bytes(32)).url == other


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[online]\ncolour = 1", "online.colour: there is no such setting"),
        ("[trust]\nroots = []", "trust.roots: there is no such setting"),
        ("trust = 3", "trust: "),
        ("[trust]\npaths = 3", "trust.paths"),
        ("[[online.tsa]]\nuser = 'x'", "online.tsa.0.url"),
        ("[[online.tsa]]\nurl = 'tsa.vn'", "online.tsa.0: tsa.vn: this is no http address"),
        (TSA + "timeout_seconds = 0", "online.tsa.0.timeout_seconds"),
        (TSA + "policy = 'gold'", "online.tsa.0"),
        (TSA + "username = 'a'", "username and password go together"),
        (TSA + "password_env = 'A'", "username and password go together"),
        (TSA + "username = 'a'\npassword_env = 'A'\npassword_file = 'b'", "two places for one secret"),
        (TSA + "token_env = 'A'\ntoken_file = 'b'", "two places for one secret"),
        (TSA + "token_env = 'A'\nusername = 'a'\npassword_env = 'A'", "two kinds of login"),
        ("[online.hosts]\n'http://ocsp.vn/x' = 'b'", "online.hosts"),
        ("[online.hosts]\n'ocsp.vn' = 'ftp://b'", "online.hosts"),
        ("[online", "cannot be read as TOML"),
    ],
)
def test_a_wrong_configuration_names_file_and_setting(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, text)
    assert words in str(caught.value)
    assert FILE_NAME in caught.value.where


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, "[trust]\nroots = []\n[online]\ncolour = 1")
    assert {"trust.roots", "online.colour"} <= set(caught.value.what.replace(":", "").split())


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes("# chữ ký số".encode("utf-16"))
    for name, words in (("none.toml", "no such file"), (".", "is a directory"), ("latin.toml", "as TOML")):
        with pytest.raises(SettingsError, match=words):
            SigningSettings.load(tmp_path / name)


def test_secrets_are_read_when_they_are_asked_for_and_shown_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = TSA + "username = 'ubnd'\npassword_file = 'pass'\n" + TSA + "token_env = 'TSA_TOKEN'\n"
    settings = read(tmp_path, text)
    first, second = (each.make(tmp_path) for each in settings.online.tsa)
    assert callable(first.password)
    assert callable(second.token)
    with pytest.raises(SettingsError, match="cannot be read") as caught:
        first.password()
    assert caught.value.where == str(tmp_path / "pass")
    with pytest.raises(SettingsError, match="TSA_TOKEN"):
        second.token()
    (tmp_path / "pass").write_text(" bí mật \n", encoding="utf-8")
    monkeypatch.setenv("TSA_TOKEN", "very secret")
    assert (first.password(), second.token()) == (" bí mật ", "very secret")
    told = repr((settings, first, second))
    assert "very secret" not in told
    assert "bí mật" not in told


def test_a_password_in_the_address_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, '[[online.tsa]]\nurl = "http://ubnd:sesame@tsa.vn"\n')
    assert "holds no user and no password" in str(caught.value)
    assert "sesame" not in str(caught.value)
    assert caught.value.__cause__ is None


def write_node(folder: Path, pki: DevPki, **seal: Any) -> Path:
    """A node of agency A that stamps by `online.tsa`, with other values for its seal."""
    make_node(
        folder,
        agency=AGENCIES[0],
        pki=pki.folder,
        seal_image=SEAL_IMAGE,
        transport=by_mailbox(folder / "mailbox")(AGENCIES[0]),
        tsa="http://127.0.0.1:1/tsa",
        backing=Backing(),
    )
    path = folder / FILE_NAME
    text = path.read_text(encoding="utf-8")
    for name, value in seal.items():
        lines = [line for line in text.splitlines() if not (line.startswith(f"{name} =") and name != "level")]
        given = [] if value is None else [f"{name} = {json.dumps(value)}"]
        lines[lines.index("[seal]") + 1 : lines.index("[seal]") + 1] = given
        text = "\n".join(lines) + "\n"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_nodes_own_file_serves_too(tmp_path: Path, pki: DevPki) -> None:
    settings = SigningSettings.load(write_node(tmp_path / "a", pki))
    trust = settings.load_trust()
    assert trust is not None
    assert trust.is_development


def test_the_template_of_a_node_holds_when_it_is_filled_in(tmp_path: Path) -> None:
    template = Path(node.__file__).with_name("edoc.toml.template").read_text(encoding="utf-8")
    start, end = template.index("[online]"), template.index("[database]")
    online = template[start:end].replace("# cache", "cache").replace("# [", "[")
    online = online.replace('# "', '"').replace("# url", "url")
    (tmp_path / FILE_NAME).write_text(
        (template[:start] + online + template[end:]).replace("CHANGEME", "x"), encoding="utf-8"
    )
    settings = Settings.load(tmp_path)
    assert settings.online.cache == Path("cache")
    assert settings.online.hosts == {"ocsp.ca.ptc": "http://ocsp.ca.gov.vn"}
    assert [tsa.url for tsa in settings.online.tsa] == ["http://tsa.ca.gov.vn"]
    assert SigningSettings.load(tmp_path / FILE_NAME).online == settings.online


def test_what_the_documentation_shows_holds(tmp_path: Path) -> None:
    text = (SAMPLES.parent / "docs" / "signing.md").read_text(encoding="utf-8")
    policy, settings = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    assert [tsa.timeout_seconds for tsa in read(tmp_path, settings).online.tsa] == [10, 5]
    (tmp_path / "policy.toml").write_text(policy, encoding="utf-8")
    assert load_policy(tmp_path / "policy.toml").minimal_rsa_bits == 3072


@pytest.mark.parametrize("level", ["B-T", "B-LT", "B-LTA"])
def test_a_node_that_could_not_reach_its_level_does_not_start(
    level: str, tmp_path: Path, pki: DevPki
) -> None:
    path = write_node(tmp_path / "a", pki, level=level, tsa=None)
    with pytest.raises(SettingsError, match=rf"seal.level {level} needs seal.tsa or online.tsa"):
        Settings.load(path.parent)


def test_a_nodes_tsa_is_an_address(tmp_path: Path, pki: DevPki) -> None:
    path = write_node(tmp_path / "a", pki, tsa="tsa.vn")
    with pytest.raises(SettingsError, match=r"seal.tsa: tsa.vn: this is no http address"):
        Settings.load(path.parent)


@pytest.fixture
def sealing(tmp_path: Path, pki: DevPki, softhsm: SoftHsm) -> Iterator[Node]:
    """A node with its key on a token and a seal of B-LTA; `seal.tsa` is dead, the one in `online` is not."""
    softhsm.make_token("văn thư")
    softhsm.put("văn thư", pki.key_path("a-seal"), pki.passphrase, label="dấu", number="07")
    pin = tmp_path / "pin"
    pin.write_text(f"{PIN}\n")
    path = write_node(
        tmp_path / "a",
        pki,
        level="B-LTA",
        key="pkcs11:token=v%C4%83n%20th%C6%B0;object=d%E1%BA%A5u",
        passphrase_file=str(pin),
    )
    with serving(pki) as url:
        more = f'[[online.tsa]]\nurl = "{url}/tsa"\n'
        path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
        with Node.open(path) as opened:
            yield opened


def test_a_node_seals_with_its_token_at_the_highest_level(sealing: Node, tmp_path: Path, pki: DevPki) -> None:
    ready, signed = tmp_path / "ready.pdf", tmp_path / "signed.pdf"
    prepare(SAMPLES / "cong-van.pdf", ready)
    key = load_key(pki.key_path("a-person2"), passphrase=pki.passphrase)
    sign(ready, signed, key=key, role="person", trust=sealing.trust, offline=True)
    draft = json.loads((SAMPLES / "cong-van.draft.json").read_text(encoding="utf-8"))
    document = clerk.submit(sealing, draft, [signed], actor="clerk")
    while "sealed" not in {file.role for file in clerk.files(sealing, document)}:
        assert sum(steps.run(sealing, task) for task in tasks.due(sealing.journal)), clerk.trouble(
            sealing, document
        )
    stored = next(file for file in clerk.files(sealing, document) if file.role == "sealed")
    with sealing.objects.open(stored.sha256) as stream:
        (file,) = verify(stream, trust=sealing.trust, offline=True).files
    levels = [each.level for each in file.signatures if each.type is SignatureType.SIGNATURE]
    assert levels[-1] is Level.PADES_B_LTA
    assert file.signatures[-1].type is SignatureType.DOCUMENT_TIMESTAMP


def test_a_policy_of_ones_own_is_nd68_but_for_what_it_says(tmp_path: Path) -> None:
    path = tmp_path / "tinh.toml"
    path.write_text('name = "tỉnh"\nminimal_rsa_bits = 3072\nallowed_changes = "ltv_update"\n')
    policy = load_policy(path)
    assert (policy.name, policy.minimal_rsa_bits, policy.allowed_changes) == ("tỉnh", 3072, "ltv_update")
    assert policy.trust_required
    assert policy.weak_digests == load_policy("nd68").weak_digests
    assert policy.sha256 != load_policy("nd68").sha256
    assert load_policy("nd68") is load_policy("nd68")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("minimal_rsa_bits = 3072", "name of its own"),
        ("name = 'nd68'", "name of its own"),
        ("name = 'x'\ncolour = 'red'", "colour"),
        ("name = 'x'\nminimal_rsa_bits = 'many'", "minimal_rsa_bits"),
        ("name = 'x'\nallowed_changes = 'all'", "allowed_changes"),
        ("name = ", "as TOML"),
        ("# " + "x" * (64 << 10), "at most"),
    ],
)
def test_a_policy_that_is_none_is_refused(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        load_policy(path)
    assert caught.value.where == str(path)


def test_an_unknown_policy_is_told_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"public-tt15; or the path of a \.toml file"):
        load_policy(tmp_path / "none.toml")
