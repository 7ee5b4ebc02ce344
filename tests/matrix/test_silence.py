"""What the silence of revocation data is worth of what has expired (RFC 5280, 3.3; RFC 6960, 4.4.4)."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from asn1crypto import ocsp as asn1
from authorities import CA, ROOT, SIGNER, day, make_crl, make_key
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from edoc.core.chain import Algorithm, ChainFacts, ChainStatus
from edoc.trust.chain import examine
from edoc.trust.store import Trust

EXPIRED = replace(SIGNER, ends=650)
ROOT_CRL = make_crl("Root", 700)


def answer(at: int, *, cutoff: int | None = None, revoked: int | None = None) -> bytes:
    """What the CA itself says about the signer on the day `at`; it remembers since the day `cutoff`."""
    status = ocsp.OCSPCertStatus.GOOD if revoked is None else ocsp.OCSPCertStatus.REVOKED
    made = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=x509.load_der_x509_certificate(EXPIRED.certificate),
            issuer=x509.load_der_x509_certificate(CA.certificate),
            algorithm=hashes.SHA256(),
            cert_status=status,
            this_update=day(at),
            next_update=day(5000),
            revocation_time=None if revoked is None else day(revoked),
            revocation_reason=None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, x509.load_der_x509_certificate(CA.certificate))
        .sign(make_key("CA"), hashes.SHA256())
        .public_bytes(Encoding.DER)
    )
    return made if cutoff is None else _remember(made, day(cutoff))


def _remember(made: bytes, since: dt.datetime) -> bytes:
    """Add an archive cutoff, which cryptography cannot, and sign anew."""
    response: Any = asn1.OCSPResponse.load(made)
    basic = response["response_bytes"]["response"].parsed
    single = basic["tbs_response_data"]["responses"][0]
    single["single_extensions"] = [{"extn_id": "archive_cutoff", "extn_value": asn1.GeneralizedTime(since)}]
    signed = basic["tbs_response_data"].dump(force=True)
    basic["signature"] = make_key("CA").sign(signed, ec.ECDSA(hashes.SHA256()))
    response["response_bytes"]["response"] = asn1.ParsableOctetString(basic.dump(force=True))
    return bytes(response.dump(force=True))


def look(
    at: float,
    *,
    crls: tuple[bytes, ...] = (),
    ocsps: tuple[bytes, ...] = (),
    root_crl: bytes = ROOT_CRL,
    remembering: bool = True,
) -> ChainFacts:
    """Examine the signer, usually as a policy does that wants data that remember."""
    return examine(
        EXPIRED.certificate,
        trust=Trust(roots=(ROOT.certificate,), intermediates=(CA.certificate,)),
        at=day(at),
        crls=(root_crl, *crls),
        ocsps=ocsps,
        remembering=remembering,
    )


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (answer(650), ChainStatus.OK),
        (answer(651), ChainStatus.REVOCATION_UNKNOWN),
        (answer(651, cutoff=0), ChainStatus.OK),
        (answer(651, cutoff=650), ChainStatus.OK),
        (answer(651, cutoff=651), ChainStatus.REVOCATION_UNKNOWN),
        (answer(651, revoked=400), ChainStatus.REVOKED),
    ],
    ids=["while it lasted", "afterwards", "remembers", "just", "not so long", "still says revoked"],
)
def test_an_answer_about_the_expired_counts_if_it_remembers(said: bytes, status: ChainStatus) -> None:
    assert look(500, ocsps=(said,)).status is status


@pytest.mark.parametrize(
    ("at", "remembers", "status"),
    [
        (650, None, ChainStatus.OK),
        (651, None, ChainStatus.REVOCATION_UNKNOWN),
        (651, 650, ChainStatus.OK),
        (651, 651, ChainStatus.REVOCATION_UNKNOWN),
    ],
)
def test_so_does_a_crl(at: int, remembers: int | None, status: ChainStatus) -> None:
    assert look(500, crls=(make_crl("CA", at, remembers=remembers),)).status is status


def test_what_is_known_of_the_expired_is_told() -> None:
    for said, known in ((answer(640), True), (answer(660), False), (answer(660, cutoff=0), True)):
        facts = look(1000, ocsps=(said,))
        assert (facts.status, facts.not_revoked) == (ChainStatus.EXPIRED, known)
    revoked = look(1000, ocsps=(answer(640, revoked=600),))
    assert (revoked.status, revoked.revoked_at) == (ChainStatus.REVOKED, day(600))


def test_who_vouches_and_with_what_is_part_of_the_facts() -> None:
    said = answer(640)
    facts = look(500, ocsps=(said,))
    assert facts.vouched == ((ROOT_CRL, day(ROOT.ends)), (said, day(CA.ends)))
    assert facts.revocation_algorithms == (Algorithm("sha256", "ec", 256),)


@pytest.mark.parametrize(("at", "forgets"), [(650, False), (651, True)])
def test_where_its_silence_counts_nevertheless_that_is_told(at: int, forgets: bool) -> None:
    """As under the policies that ask for no more than data that were issued later."""
    facts = look(500, crls=(make_crl("CA", at),), remembering=False)
    assert (facts.status, facts.forgets) == (ChainStatus.OK, forgets)
    facts = look(500, crls=(make_crl("CA", at), make_crl("CA", 640)), remembering=False)
    assert not facts.forgets


@pytest.mark.parametrize(
    ("at", "status"), [(640, ChainStatus.OK), (645, ChainStatus.REVOCATION_UNKNOWN)], ids=["before", "after"]
)
def test_what_a_ca_says_after_its_own_revocation_clears_nobody(at: int, status: ChainStatus) -> None:
    revoked = make_crl("Root", 700, revoked={CA.serial: 645})
    assert look(500, root_crl=revoked, crls=(make_crl("CA", at),)).status is status


def test_what_a_ca_says_after_its_own_revocation_still_accuses() -> None:
    revoked = make_crl("Root", 700, revoked={CA.serial: 645})
    accusing = make_crl("CA", 649, revoked={EXPIRED.serial: 400})
    assert look(500, root_crl=revoked, crls=(accusing,)).status is ChainStatus.REVOKED
