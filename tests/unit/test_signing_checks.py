import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pdfmaking import LETTER

from edoc.core.ports import SigningKey
from edoc.devpki.hierarchy import DevPki, make, revoke
from edoc.errors import InputError, Refused, Unavailable
from edoc.keys.loading import load_key
from edoc.signing import Online, Signed, number, prepare, sign
from edoc.trust.store import Trust


def key(pki: DevPki, name: str) -> SigningKey:
    return load_key(pki.key_path(name), passphrase=pki.passphrase)


@pytest.fixture(scope="module")
def trust(pki: DevPki) -> Trust:
    return Trust.load(pki.trust_path)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ready") / "ready.pdf"
    prepare(io.BytesIO(LETTER), path)
    return path


def attempt(source: Path, target: Path, **options: Any) -> Signed:
    return sign(source, target, **{"role": "person", "offline": True, **options})


def test_what_was_checked_is_kept_with_the_result(
    ready: Path, tmp_path: Path, pki: DevPki, trust: Trust
) -> None:
    done = attempt(ready, tmp_path / "out.pdf", key=key(pki, "a-person2"), trust=trust)
    assert [(check.name, check.outcome) for check in done.checks] == [
        ("validity_period", "passed"),
        ("certification_path", "passed"),
        ("revocation", "passed"),
        ("key_usage", "passed"),
        ("kind", "passed"),
    ]
    assert done.chain is not None
    assert len(done.chain.path) == 3
    assert done.chain.evidence


def test_skipped_checks_say_so(ready: Path, tmp_path: Path, pki: DevPki) -> None:
    done = attempt(ready, tmp_path / "out.pdf", key=key(pki, "a-person2"), checks="none")
    assert [check.outcome for check in done.checks] == ["skipped"]
    assert done.chain is None


@pytest.mark.parametrize("nothing", [None, Trust.empty()])
def test_without_trust_nothing_is_signed(
    nothing: Trust | None, ready: Path, tmp_path: Path, pki: DevPki
) -> None:
    with pytest.raises(Refused, match="no trusted root was given"):
        attempt(ready, tmp_path / "out.pdf", key=key(pki, "a-person2"), trust=nothing)
    assert not list(tmp_path.iterdir())


def test_a_foreign_root_leads_nowhere(ready: Path, tmp_path: Path, trust: Trust) -> None:
    other = make(tmp_path / "other", now=datetime.now(UTC))
    with pytest.raises(Refused, match="leads to no trusted root"):
        attempt(ready, tmp_path / "out.pdf", key=key(other, "a-person2"), trust=trust)


@pytest.mark.parametrize(
    ("role", "name", "kind"),
    [("person", "a-seal", "agency"), ("agency", "a-person1", "person"), ("system", "a-person1", "person")],
)
def test_the_certificates_kind_must_fit_the_role(
    role: str, name: str, kind: str, ready: Path, tmp_path: Path, pki: DevPki, trust: Trust
) -> None:
    with pytest.raises(Refused, match=f"is of the kind {kind}, which does not sign as {role}"):
        attempt(ready, tmp_path / "out.pdf", key=key(pki, name), role=role, trust=trust)


def test_a_system_signs_as_a_system(tmp_path: Path, pki: DevPki, trust: Trust, ready: Path) -> None:
    done = attempt(ready, tmp_path / "out.pdf", key=key(pki, "system"), role="system", trust=trust)
    assert done.field == "System1"


def test_an_expired_certificate_is_named_with_its_day(ready: Path, tmp_path: Path) -> None:
    old = make(tmp_path / "old", now=datetime.now(UTC) - timedelta(days=6 * 365))
    with pytest.raises(
        Refused, match=r"the certificate of DEV Nguyễn Hoàng Ân expired on \d{4}-\d\d-\d\d"
    ) as caught:
        attempt(ready, tmp_path / "out.pdf", key=key(old, "a-person2"), trust=Trust.load(old.trust_path))
    assert "renewed certificate" in str(caught.value)
    assert not (tmp_path / "out.pdf").exists()


def test_a_revoked_certificate_does_not_sign(ready: Path, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    mine = make(tmp_path / "mine", now=now)
    revoke(mine, "a-person2", at=now, now=now)
    with pytest.raises(Refused, match="is revoked"):
        attempt(
            ready,
            tmp_path / "out.pdf",
            key=key(mine, "a-person2"),
            trust=Trust.load(mine.trust_path),
            at=now + timedelta(hours=1),
        )


def test_silence_about_revocation_is_not_innocence(
    ready: Path, tmp_path: Path, pki: DevPki, trust: Trust
) -> None:
    silent = Trust(roots=trust.roots, intermediates=trust.intermediates)
    with pytest.raises(Refused, match="cannot be found out now"):
        attempt(ready, tmp_path / "out.pdf", key=key(pki, "a-person2"), trust=silent)


def test_the_seal_goes_only_on_what_a_person_validly_signed(
    ready: Path, tmp_path: Path, pki: DevPki, trust: Trust
) -> None:
    signed, filled, sealed = (tmp_path / name for name in ("signed.pdf", "filled.pdf", "sealed.pdf"))
    with pytest.raises(Refused, match="only on a document that a competent person validly signed"):
        attempt(ready, sealed, key=key(pki, "a-seal"), role="agency", trust=trust)
    attempt(ready, signed, key=key(pki, "a-person2"), trust=trust)
    number(signed, filled, number=5, notation="UBND-VP", date=date(2026, 2, 5))
    done = attempt(filled, sealed, key=key(pki, "a-seal"), role="agency", trust=trust)
    assert done.checks[-1].name == "person_signature"
    assert done.checks[-1].detail == "DEV Nguyễn Hoàng Ân"


def test_no_seal_on_a_persons_signature_that_was_broken(
    ready: Path, tmp_path: Path, pki: DevPki, trust: Trust
) -> None:
    signed = tmp_path / "signed.pdf"
    attempt(ready, signed, key=key(pki, "a-person2"), trust=trust)
    content = bytearray(signed.read_bytes())
    place = content.index(b"/Author")
    content[place + 10] ^= 1
    signed.write_bytes(content)
    with pytest.raises(Refused, match="only on a document that a competent person validly signed"):
        attempt(signed, tmp_path / "sealed.pdf", key=key(pki, "a-seal"), role="agency", trust=trust)
    assert not (tmp_path / "sealed.pdf").exists()


def test_no_seal_on_a_stranger_whom_nobody_trusts(
    ready: Path, tmp_path: Path, pki: DevPki, trust: Trust
) -> None:
    signed = tmp_path / "signed.pdf"
    other = make(tmp_path / "other", now=datetime.now(UTC))
    attempt(ready, signed, key=key(other, "a-person2"), checks="none")
    with pytest.raises(Refused, match="only on a document that a competent person validly signed"):
        attempt(signed, tmp_path / "sealed.pdf", key=key(pki, "a-seal"), role="agency", trust=trust)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"level": "B-LTB"}, "no level 'B-LTB'. Use B-B, B-T, B-LT, B-LTA"),
        ({"digest": "sha1"}, "'sha1' is not for signing"),
        ({"level": "B-T"}, "needs a time-stamping authority"),
        ({"level": "B-T", "tsa": "ftp://tsa"}, "no http address"),
        ({"role": "clerk"}, "'clerk' is no role"),
        ({"checks": "some"}, "'some' are no checks"),
        ({"policy": "mine"}, "no policy named 'mine'"),
        ({"at": datetime(2026, 2, 5)}, "without its zone"),  # noqa: DTZ001 - that is the mistake
        ({"page": 1}, "needs its page and its rectangle"),
        ({"page": 1, "rect": (1, 2, 3)}, "needs its page and its rectangle"),
        ({"page": 3, "rect": (1, 2, 30, 40)}, "there is no page 3"),
        ({"page": 1, "rect": (1, 2, 30, 9000)}, "does not lie on page 1"),
    ],
)
def test_arguments_that_do_not_fit_are_named(
    options: dict[str, Any], words: str, ready: Path, tmp_path: Path, pki: DevPki
) -> None:
    with pytest.raises(InputError, match=words):
        attempt(ready, tmp_path / "out.pdf", **{"key": key(pki, "a-person2"), "checks": "none", **options})
    assert not list(tmp_path.iterdir())


def test_if_nobody_says_now_whether_it_is_revoked_it_may_be_tried_again(
    ready: Path, tmp_path: Path, pki: DevPki, trust: Trust
) -> None:
    bare = Trust(roots=trust.roots, intermediates=trust.intermediates)
    away = Online(hosts={"127.0.0.1:8900": "127.0.0.1:1"})
    options: dict[str, Any] = {"key": key(pki, "a-person2"), "trust": bare, "online": away}
    with pytest.raises(Unavailable, match="cannot be found out now") as caught:
        attempt(ready, tmp_path / "out.pdf", **options, offline=False)
    assert caught.value.retryable
    with pytest.raises(Refused, match="cannot be found out now"):
        attempt(ready, tmp_path / "out.pdf", **options)
    assert not (tmp_path / "out.pdf").exists()
