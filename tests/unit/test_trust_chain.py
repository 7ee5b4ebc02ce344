"""What is found out about a certificate's path at an instant: period, revocation, usage, forgeries."""

import asyncio
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from edoc.core.chain import ChainFacts, ChainStatus
from edoc.devpki.hierarchy import DevPki, make, revoke
from edoc.errors import InputError
from edoc.trust.chain import Usage, examine
from edoc.trust.store import Trust

NOW = datetime(2026, 3, 5, 3, 20, 30, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> DevPki:
    """A PKI made at `NOW`; nobody revokes in it."""
    return make(tmp_path_factory.mktemp("old") / "pki", now=NOW)


@pytest.fixture
def own(tmp_path: Path, old: DevPki) -> DevPki:
    """The same PKI in a folder of its own, to revoke in."""
    shutil.copytree(old.folder, tmp_path / "own")
    return replace(old, folder=tmp_path / "own")


def look(
    pki: DevPki, name: str = "a-person1", *, at: datetime = NOW, usage: Usage = Usage.SIGNING
) -> ChainFacts:
    return examine(pki.certificate(name), trust=Trust.load(pki.trust_path), at=at, usage=usage)


def without_crls(pki: DevPki) -> Trust:
    return replace(Trust.load(pki.trust_path), crls=())


# Paths


@pytest.mark.parametrize("name", ["a-person1", "a-person2", "a-seal", "b-seal", "system"])
def test_a_sound_certificate_is_ok_and_the_evidence_is_kept(old: DevPki, name: str) -> None:
    facts = look(old, name)
    issuer = "services" if name == "system" else "agencies"
    assert facts.status is ChainStatus.OK
    assert facts.detail == ""
    assert facts.path == tuple(map(old.certificate, (name, issuer, "root")))
    assert facts.evidence == (old.crl("root"), old.crl(issuer))
    assert facts.revocation_source == "crl"
    assert facts.development
    assert facts.at == NOW


def test_issuers_may_come_with_the_document(old: DevPki) -> None:
    trust = replace(Trust.load(old.trust_path), intermediates=())
    leaf = old.certificate("a-seal")
    assert examine(leaf, trust=trust, at=NOW).status is ChainStatus.NO_PATH
    assert examine(leaf, trust=trust, at=NOW, others=[old.certificate("agencies")]).status is ChainStatus.OK


def test_revocation_data_may_come_with_the_document(old: DevPki) -> None:
    crls = [old.crl("agencies"), old.crl("root"), b"junk"]
    facts = examine(old.certificate("a-seal"), trust=without_crls(old), at=NOW, crls=crls, ocsps=[b"junk"])
    assert facts.status is ChainStatus.OK


def test_without_a_trusted_root_there_is_no_path_even_if_the_document_brings_one(old: DevPki) -> None:
    others = [old.certificate("agencies"), old.certificate("root")]
    facts = examine(old.certificate("a-seal"), trust=Trust.empty(), at=NOW, others=others)
    assert facts.status is ChainStatus.NO_PATH
    assert facts.path == (old.certificate("a-seal"),)
    assert "DEV CA phuc vu cac co quan nha nuoc" in facts.detail
    assert not facts.development


def test_another_pki_of_the_same_names_is_not_trusted(pki: DevPki, old: DevPki) -> None:
    now = datetime.now(UTC)
    facts = examine(pki.certificate("a-seal"), trust=Trust.load(old.trust_path), at=now)
    assert facts.status is ChainStatus.NO_PATH


# Periods


def test_before_and_after_its_period_a_certificate_is_not_valid(old: DevPki) -> None:
    assert look(old, at=NOW - DAY).status is ChainStatus.NOT_YET_VALID
    expired = look(old, at=NOW + 5 * 365 * DAY)
    assert expired.status is ChainStatus.EXPIRED
    assert "expired" in expired.detail


def test_an_expired_ca_and_root_spoil_the_path(old: DevPki) -> None:
    assert look(old, "root", at=NOW + 21 * 365 * DAY).status is ChainStatus.EXPIRED
    assert look(old, "agencies", at=NOW + 21 * 365 * DAY).status is ChainStatus.EXPIRED


def test_a_naive_time_is_refused(old: DevPki) -> None:
    with pytest.raises(InputError, match="without its zone"):
        look(old, at=NOW.replace(tzinfo=None))


# Revocation


@pytest.mark.parametrize("given", [(), ("root",), ("agencies",)])
def test_silence_is_not_innocence(old: DevPki, given: tuple[str, ...]) -> None:
    crls = [old.crl(name) for name in given]
    facts = examine(old.certificate("a-seal"), trust=without_crls(old), at=NOW, crls=crls)
    assert facts.status is ChainStatus.REVOCATION_UNKNOWN
    assert facts.evidence == ()
    # From the root downwards: the CA first.
    missing = "DEV Ủy ban nhân dân tỉnh An Bình" if given == ("root",) else "DEV CA phuc vu"
    assert missing in facts.detail


def test_a_crl_counts_until_its_next_update(old: DevPki) -> None:
    assert look(old, at=NOW + 365 * DAY).status is ChainStatus.OK
    assert look(old, at=NOW + 365 * DAY + timedelta(seconds=1)).status is ChainStatus.REVOCATION_UNKNOWN


def test_a_crl_that_was_issued_later_counts(own: DevPki) -> None:
    # Issued anew a year later; by then the first ones are gone.
    make(own.folder, now=NOW + 400 * DAY)
    assert look(own, at=NOW + DAY).status is ChainStatus.OK


def test_revoked_before_is_revoked_and_after_is_not(own: DevPki) -> None:
    revoke(own, "a-person1", at=NOW + 10 * DAY, now=NOW + 10 * DAY)
    before = look(own, at=NOW + 10 * DAY - timedelta(seconds=1))
    assert before.status is ChainStatus.OK
    assert before.revoked_at is None
    for moment in (NOW + 10 * DAY, NOW + 20 * DAY):
        after = look(own, at=moment)
        assert after.status is ChainStatus.REVOKED
        assert after.revoked_at == NOW + 10 * DAY
        assert after.revocation_source == "crl"
        assert after.evidence == (own.crl("agencies"),)
    assert look(own, "a-person2", at=NOW + 20 * DAY).status is ChainStatus.OK


def test_an_older_crl_that_knows_nothing_does_not_help_the_revoked(own: DevPki) -> None:
    stale = own.crl("agencies")
    revoke(own, "a-person1", at=NOW + DAY, now=NOW + DAY)
    trust = Trust.load(own.trust_path)
    leaf = own.certificate("a-person1")
    facts = examine(leaf, trust=trust, at=NOW + 2 * DAY, crls=[stale])
    assert facts.status is ChainStatus.REVOKED


def test_a_revoked_ca_spoils_what_it_issued(own: DevPki) -> None:
    revoke(own, "agencies", at=NOW + DAY, now=NOW + DAY)
    facts = look(own, at=NOW + 2 * DAY)
    assert facts.status is ChainStatus.REVOKED
    assert "DEV CA phuc vu" in facts.detail
    assert look(own, "system", at=NOW + 2 * DAY).status is ChainStatus.OK


def test_a_hold_can_be_lifted_and_a_revocation_cannot(own: DevPki) -> None:
    blank = own.crl("agencies")
    hold = x509.ReasonFlags.certificate_hold
    revoke(own, "a-person1", at=NOW + DAY, now=NOW + DAY, reason=hold)
    held = own.crl("agencies")
    lifted = own.load_authority("agencies").issue_crl([], now=NOW + 5 * DAY, number=9)
    crls = [blank, held, lifted.public_bytes(Encoding.DER), own.crl("root")]
    statuses = {
        day: examine(
            own.certificate("a-person1"), trust=without_crls(own), at=NOW + day * DAY, crls=crls
        ).status
        for day in (0, 2, 6)
    }
    assert statuses == {0: ChainStatus.OK, 2: ChainStatus.REVOKED, 6: ChainStatus.OK}


# Usage


def test_usage_must_fit(old: DevPki) -> None:
    assert look(old, "tsa", usage=Usage.TIMESTAMPING).status is ChainStatus.OK
    wrong = {
        (name, usage): look(old, name, usage=usage).status
        for name, usage in (
            ("tsa", Usage.SIGNING),
            ("ocsp-agencies", Usage.SIGNING),
            ("agencies", Usage.SIGNING),
            ("a-seal", Usage.TIMESTAMPING),
        )
    }
    assert set(wrong.values()) == {ChainStatus.BAD_USAGE}
    assert "time stamping" in look(old, "tsa").detail


def test_it_works_inside_an_event_loop(old: DevPki) -> None:
    async def inside() -> ChainFacts:
        return look(old)

    assert asyncio.run(inside()).status is ChainStatus.OK


def test_the_same_inputs_give_the_same_facts(old: DevPki) -> None:
    assert look(old) == look(old)
