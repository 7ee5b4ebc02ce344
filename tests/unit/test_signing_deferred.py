"""Two-phase signing: the key is elsewhere."""

import base64
import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from pdfmaking import LETTER, require_sound

from edoc.core.ports import SigningKey
from edoc.devpki.hierarchy import DevPki
from edoc.devpki.server import serving
from edoc.errors import InputError, Refused, Unavailable
from edoc.keys.loading import load_key
from edoc.signing import SigningState, begin_signing, complete_signing, prepare
from edoc.trust.store import Trust
from edoc.verification import verify


@pytest.fixture(scope="module")
def trust(pki: DevPki) -> Trust:
    return Trust.load(pki.trust_path)


@pytest.fixture(scope="module")
def key(pki: DevPki) -> SigningKey:
    """The clerk's token: only `value` below touches it."""
    return load_key(pki.key_path("a-person1"), passphrase=pki.passphrase)


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    prepare(io.BytesIO(LETTER), tmp_path / "ready.pdf")
    return tmp_path / "ready.pdf"


def begin(source: Any, key: SigningKey, trust: Trust, **more: Any) -> SigningState:
    options: dict[str, Any] = {"role": "person", "trust": trust, "offline": True, **more}
    return begin_signing(source, certificate=key.certificate, chain=key.chain, **options)


def test_the_signature_is_made_elsewhere(ready: Path, tmp_path: Path, key: SigningKey, trust: Trust) -> None:
    state = begin(ready, key, trust)
    value = key.sign(state.attributes, digest=state.digest)
    done = complete_signing(state, value, tmp_path / "out.pdf")
    assert done.field == "Person"
    assert done.checks[0].name == "validity_period"
    verify(tmp_path / "out.pdf", trust=trust, offline=True).require()
    require_sound(tmp_path / "out.pdf", 1)


def test_a_state_survives_as_json_and_holds_no_secret(
    ready: Path, tmp_path: Path, key: SigningKey, trust: Trust
) -> None:
    state = begin(ready, key, trust)
    again = SigningState.from_json(state.to_json())
    assert again == state
    complete_signing(again, key.sign(again.attributes, digest="sha256"), tmp_path / "out.pdf")
    assert "PRIVATE" not in state.to_json()


def test_a_remote_service_gets_only_a_digest(ready: Path, key: SigningKey, trust: Trust) -> None:
    state = begin(ready, key, trust, digest="sha384")
    assert len(state.attributes_digest) == 48


def test_a_higher_level_is_reached_at_the_end(
    ready: Path, tmp_path: Path, key: SigningKey, trust: Trust, pki: DevPki
) -> None:
    state = begin(ready, key, trust, level="B-LTA")
    value = key.sign(state.attributes, digest="sha256")
    with serving(pki) as url:
        done = complete_signing(
            state, value, tmp_path / "out.pdf", tsa=f"{url}/tsa", trust=trust, offline=True
        )
    assert done.level == "B-LTA"


def test_after_a_dead_tsa_the_same_value_completes(
    ready: Path, tmp_path: Path, key: SigningKey, trust: Trust, pki: DevPki
) -> None:
    state = begin(ready, key, trust, level="B-T")
    value = key.sign(state.attributes, digest="sha256")
    with serving(pki) as url:
        address = f"{url}/tsa"
    with pytest.raises(Unavailable):
        complete_signing(state, value, tmp_path / "out.pdf", tsa=address)
    assert not (tmp_path / "out.pdf").exists()
    with serving(pki) as url:
        complete_signing(state, value, tmp_path / "out.pdf", tsa=f"{url}/tsa")
    verify(tmp_path / "out.pdf", trust=trust, offline=True).require()


def test_a_value_over_other_bytes_is_refused(
    ready: Path, tmp_path: Path, key: SigningKey, trust: Trust
) -> None:
    state = begin(ready, key, trust)
    with pytest.raises(Refused, match="does not verify"):
        complete_signing(state, key.sign(b"other bytes", digest="sha256"), tmp_path / "out.pdf")
    assert not (tmp_path / "out.pdf").exists()


def test_a_value_of_another_key_is_refused(
    ready: Path, tmp_path: Path, key: SigningKey, trust: Trust, pki: DevPki
) -> None:
    other = load_key(pki.key_path("a-person2"), passphrase=pki.passphrase)
    state = begin(ready, key, trust)
    with pytest.raises(Refused, match="does not verify"):
        complete_signing(state, other.sign(state.attributes, digest="sha256"), tmp_path / "out.pdf")


def test_a_file_that_was_changed_meanwhile_is_refused(
    ready: Path, tmp_path: Path, key: SigningKey, trust: Trust
) -> None:
    state = begin(ready, key, trust)
    value = key.sign(state.attributes, digest="sha256")
    ready.write_bytes(ready.read_bytes().replace(b"Person", b"Persom"))
    with pytest.raises(Refused, match="not the file"):
        complete_signing(state, value, tmp_path / "out.pdf")


def test_a_changed_state_puts_nothing_else_under_the_signature(
    ready: Path, tmp_path: Path, key: SigningKey, trust: Trust
) -> None:
    state = begin(ready, key, trust)
    value = key.sign(state.attributes, digest="sha256")
    plain = json.loads(state.to_json())
    forged = bytearray(state.tail)
    forged[forged.index(b"/M (") + 8] ^= 1
    plain["tail"] = base64.b64encode(bytes(forged)).decode()
    with pytest.raises(Refused, match="state of this signature was changed"):
        complete_signing(SigningState.from_json(json.dumps(plain)), value, tmp_path / "out.pdf")


def test_a_file_object_is_handed_in_again(tmp_path: Path, key: SigningKey, trust: Trust) -> None:
    state = begin(io.BytesIO(LETTER), key, trust)
    value = key.sign(state.attributes, digest="sha256")
    with pytest.raises(InputError, match="file to sign is missing"):
        complete_signing(state, value, tmp_path / "out.pdf")
    output = io.BytesIO()
    complete_signing(state, value, output, src=io.BytesIO(LETTER))
    assert output.getvalue().startswith(LETTER)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 2}', '{"version": 1, "tail": 3}'])
def test_what_is_no_state_is_said_to_be_none(text: str) -> None:
    with pytest.raises(InputError, match="no state"):
        SigningState.from_json(text)


def test_a_certificate_that_fails_the_checks_begins_nothing(
    ready: Path, key: SigningKey, trust: Trust
) -> None:
    with pytest.raises(Refused, match="does not sign as agency"):
        begin(ready, key, trust, role="agency")


def test_a_certificate_of_a_weak_key_begins_nothing(ready: Path) -> None:
    weak = _make_weak_certificate()
    with pytest.raises(InputError, match="1024"):
        begin_signing(ready, certificate=weak, role="person", checks="none")


def _make_weak_certificate() -> bytes:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding

    private = rsa.generate_private_key(65537, 1024)  # noqa: S505 - the point of the test
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Weak")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(name, name, private.public_key(), 7, now, now + dt.timedelta(days=1))
    return builder.sign(private, hashes.SHA256()).public_bytes(Encoding.DER)
