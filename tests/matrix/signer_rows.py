"""The specification, first part: the signer, its CA, and what is known of them."""

from dataclasses import replace
from typing import Final

from hierarchies import CA, OCSP_ONLY, PERSON, ROOT, SIGNER, TSA_ONLY
from rows import (
    CERTIFICATE_CHAIN_GENERAL_FAILURE,
    CHAIN_CONSTRAINTS_FAILURE,
    EXPIRED,
    FAILED_NOT_YET_VALID,
    OUT_OF_BOUNDS_NO_POE,
    OUT_OF_BOUNDS_NOT_REVOKED,
    PASSED,
    REVOCATION_OUT_OF_BOUNDS_NO_POE,
    REVOKED_CA_NO_POE,
    REVOKED_NO_POE,
    SIG_CONSTRAINTS_FAILURE,
    TRY_LATER,
    Row,
    always,
    revoke,
)
from stories import GOOD

from edoc.core.chain import CertificateKind

SIGNERS: Final[dict[str, Row]] = {
    "everything in order": Row(
        story=GOOD,
        nd68=(PASSED, PASSED, PASSED),
        etsi=(SIG_CONSTRAINTS_FAILURE, PASSED, PASSED),
    ),
    # The signer's period
    "signer expired before signing": Row(
        story=replace(GOOD, signer=replace(SIGNER, ends="2024-03-01")),
        nd68=always(OUT_OF_BOUNDS_NOT_REVOKED),
        etsi=always(OUT_OF_BOUNDS_NO_POE),  # the CRLs are of after that
    ),
    "signer expired after signing": Row(
        story=EXPIRED,
        nd68=(OUT_OF_BOUNDS_NO_POE, PASSED, PASSED),
        etsi=(OUT_OF_BOUNDS_NO_POE, PASSED, PASSED),
    ),
    "signer expired after signing, CRLs from after that only": Row(
        story=replace(EXPIRED, at_hand=("2026-02-04",)),
        nd68=(OUT_OF_BOUNDS_NOT_REVOKED, PASSED, PASSED),
        # A CRL need not list what has expired (RFC 5280, 3.3): its silence says nothing any more.
        etsi=(OUT_OF_BOUNDS_NO_POE, TRY_LATER, PASSED),
    ),
    "signer expired after signing, nothing known of revocation": Row(
        story=replace(EXPIRED, silent=frozenset({"CA"})),
        nd68=(OUT_OF_BOUNDS_NO_POE, TRY_LATER, TRY_LATER),
        etsi=(OUT_OF_BOUNDS_NO_POE, TRY_LATER, TRY_LATER),
    ),
    "signer revoked after signing, then expired": Row(
        story=revoke(SIGNER, "2024-09-01", replace(EXPIRED, at_hand=("2024-12-30",))),
        nd68=(REVOKED_NO_POE, PASSED, PASSED),
        etsi=(REVOKED_NO_POE, PASSED, PASSED),
    ),
    "certificate began after signing": Row(
        story=replace(GOOD, signer=replace(SIGNER, begins="2024-06-01")),
        nd68=(PASSED, FAILED_NOT_YET_VALID, FAILED_NOT_YET_VALID),
        etsi=(SIG_CONSTRAINTS_FAILURE, FAILED_NOT_YET_VALID, FAILED_NOT_YET_VALID),
    ),
    "certificate begins after the judgement": Row(
        story=replace(
            GOOD,
            signer=replace(SIGNER, begins="2024-06-01"),
            judged="2024-04-01T01:00:00",
            at_hand=("2024-03-31",),
            services_at_hand=("2024-03-31",),
        ),
        nd68=(OUT_OF_BOUNDS_NO_POE, FAILED_NOT_YET_VALID, FAILED_NOT_YET_VALID),
        etsi=(OUT_OF_BOUNDS_NO_POE, FAILED_NOT_YET_VALID, FAILED_NOT_YET_VALID),
    ),
    # Revocation of the signer
    "revoked before signing": Row(
        story=revoke(SIGNER, "2024-02-01"),
        nd68=always(REVOKED_NO_POE),
        etsi=always(REVOKED_NO_POE),
    ),
    "revoked between the claimed time and the time-stamp": Row(
        story=revoke(SIGNER, "2024-03-05T01:00:03"),
        nd68=always(REVOKED_NO_POE),
        etsi=always(REVOKED_NO_POE),
    ),
    "revoked in the second of the time-stamp": Row(
        story=revoke(SIGNER, "2024-03-05T01:00:05"),
        nd68=always(REVOKED_NO_POE),
        etsi=always(REVOKED_NO_POE),
    ),
    "revoked a second after the time-stamp": Row(
        story=revoke(SIGNER, "2024-03-05T01:00:06"),
        nd68=(REVOKED_NO_POE, PASSED, PASSED),
        etsi=(REVOKED_NO_POE, PASSED, PASSED),
    ),
    "revoked after signing": Row(
        story=revoke(SIGNER, "2025-01-01"),
        nd68=(REVOKED_NO_POE, PASSED, PASSED),
        etsi=(REVOKED_NO_POE, PASSED, PASSED),
    ),
    "on hold when signing, and still": Row(
        story=revoke(SIGNER, "2024-02-01", hold=True),
        nd68=always(TRY_LATER),
        etsi=always(TRY_LATER),
    ),
    "on hold since after signing": Row(
        story=revoke(SIGNER, "2025-01-01", hold=True),
        nd68=(TRY_LATER, PASSED, PASSED),
        etsi=(TRY_LATER, PASSED, PASSED),
    ),
    "on hold when signing, lifted since": Row(
        story=revoke(SIGNER, "2024-02-01", hold=True, lifted="2024-04-01"),
        nd68=(PASSED, PASSED, TRY_LATER),  # only the archived document remembers
        etsi=(SIG_CONSTRAINTS_FAILURE, PASSED, TRY_LATER),
    ),
    # What is known about revocation
    "nothing known about the signer": Row(
        story=replace(GOOD, silent=frozenset({"CA"})),
        nd68=always(TRY_LATER),
        etsi=always(TRY_LATER),
    ),
    "nothing known about the CA": Row(
        story=replace(GOOD, silent=frozenset({"Root"})),
        nd68=always(TRY_LATER),
        etsi=always(TRY_LATER),
    ),
    "nothing known, and the policy lives with it": Row(
        story=replace(GOOD, silent=frozenset({"CA"})),
        change={"missing_revocation": "ignore"},
        nd68=always(PASSED),
        etsi=(SIG_CONSTRAINTS_FAILURE, PASSED, PASSED),
    ),
    "revoked, and the policy lives without knowing": Row(
        story=revoke(SIGNER, "2024-02-01"),
        change={"missing_revocation": "ignore"},
        nd68=always(REVOKED_NO_POE),
        etsi=always(REVOKED_NO_POE),
    ),
    "CRLs ended before signing": Row(
        story=replace(GOOD, at_hand=("2024-01-10",), embedded=("2024-01-10",)),
        nd68=always(TRY_LATER),
        etsi=always(TRY_LATER),
    ),
    "CRLs of the day before signing": Row(
        story=replace(GOOD, at_hand=("2024-03-04",), embedded=("2024-03-04",)),
        nd68=(TRY_LATER, PASSED, PASSED),
        etsi=always(TRY_LATER),
    ),
    "CRLs of the day after signing": Row(
        story=replace(GOOD, at_hand=("2024-03-06",)),
        nd68=(TRY_LATER, PASSED, PASSED),
        etsi=(TRY_LATER, PASSED, PASSED),
    ),
    "CRLs only in the document": Row(
        story=replace(GOOD, at_hand=()),
        nd68=(TRY_LATER, TRY_LATER, PASSED),
        etsi=(TRY_LATER, TRY_LATER, PASSED),
    ),
    # Kinds and usages
    "an agency's certificate where persons sign": Row(
        story=GOOD,
        change={"kinds": (CertificateKind.PERSON,)},
        nd68=always(CHAIN_CONSTRAINTS_FAILURE),
        etsi=always(CHAIN_CONSTRAINTS_FAILURE),
    ),
    "a person's certificate where persons sign": Row(
        story=replace(GOOD, signer=PERSON),
        change={"kinds": (CertificateKind.PERSON,)},
        nd68=always(PASSED),
        etsi=(SIG_CONSTRAINTS_FAILURE, PASSED, PASSED),
    ),
    "key usage is encryption": Row(
        story=replace(GOOD, signer=replace(SIGNER, usages=frozenset({"key_encipherment"}))),
        nd68=always(CHAIN_CONSTRAINTS_FAILURE),
        etsi=always(CHAIN_CONSTRAINTS_FAILURE),
    ),
    "extended key usage is time-stamping": Row(
        story=replace(GOOD, signer=replace(SIGNER, purpose=TSA_ONLY)),
        nd68=always(CHAIN_CONSTRAINTS_FAILURE),
        etsi=always(CHAIN_CONSTRAINTS_FAILURE),
    ),
    "extended key usage is OCSP": Row(
        story=replace(GOOD, signer=replace(SIGNER, purpose=OCSP_ONLY)),
        nd68=always(CHAIN_CONSTRAINTS_FAILURE),
        etsi=always(CHAIN_CONSTRAINTS_FAILURE),
    ),
    "a CA signs documents": Row(
        story=replace(GOOD, signer=replace(SIGNER, name="Signer CA", ca=True)),
        nd68=always(CHAIN_CONSTRAINTS_FAILURE),
        etsi=always(CHAIN_CONSTRAINTS_FAILURE),
    ),
    "a certificate that its CA did not sign": Row(
        story=replace(GOOD, signer=replace(SIGNER, issuer_key="Stranger")),
        nd68=always(CERTIFICATE_CHAIN_GENERAL_FAILURE),
        etsi=always(CERTIFICATE_CHAIN_GENERAL_FAILURE),
    ),
    "issued by who is no CA": Row(
        story=replace(GOOD, ca=replace(CA, ca=False)),
        nd68=always(CERTIFICATE_CHAIN_GENERAL_FAILURE),
        etsi=always(CERTIFICATE_CHAIN_GENERAL_FAILURE),
    ),
    # The CA and the root
    "CA expired before signing": Row(
        story=replace(GOOD, ca=replace(CA, ends="2024-03-01")),
        nd68=always(OUT_OF_BOUNDS_NO_POE),
        etsi=always(OUT_OF_BOUNDS_NO_POE),
    ),
    "CA expired after signing": Row(
        story=replace(GOOD, ca=replace(CA, ends="2025-01-01"), at_hand=("2024-03-06",)),
        nd68=(OUT_OF_BOUNDS_NO_POE, PASSED, PASSED),
        etsi=(OUT_OF_BOUNDS_NO_POE, REVOCATION_OUT_OF_BOUNDS_NO_POE, PASSED),
    ),
    "CA expired after signing, the root's CRLs are of today": Row(
        story=replace(
            GOOD,
            ca=replace(CA, ends="2025-01-01"),
            at_hand=("2024-03-06",),
            root_at_hand=("2026-02-04",),
        ),
        nd68=(OUT_OF_BOUNDS_NO_POE, PASSED, PASSED),
        etsi=(OUT_OF_BOUNDS_NO_POE, TRY_LATER, PASSED),  # they need not list an expired CA
    ),
    "CA expired before archiving": Row(
        story=replace(
            GOOD,
            ca=replace(CA, ends="2025-01-01"),
            at_hand=("2024-03-06",),
            archived="2025-06-01T01:00:00",
        ),
        nd68=(OUT_OF_BOUNDS_NO_POE, PASSED, PASSED),
        etsi=(OUT_OF_BOUNDS_NO_POE, REVOCATION_OUT_OF_BOUNDS_NO_POE, REVOCATION_OUT_OF_BOUNDS_NO_POE),
    ),
    "root expired after signing": Row(
        story=replace(GOOD, root=replace(ROOT, ends="2025-01-01"), at_hand=("2024-03-06",)),
        nd68=(OUT_OF_BOUNDS_NO_POE, PASSED, PASSED),
        etsi=(OUT_OF_BOUNDS_NO_POE, REVOCATION_OUT_OF_BOUNDS_NO_POE, PASSED),
    ),
    "CA revoked before signing": Row(
        story=revoke(CA, "2024-02-01"),
        nd68=always(REVOKED_CA_NO_POE),
        etsi=always(REVOKED_CA_NO_POE),
    ),
    "CA revoked after signing": Row(
        story=revoke(CA, "2025-01-01", replace(GOOD, at_hand=("2024-06-01",), root_at_hand=("2026-02-04",))),
        nd68=(REVOKED_CA_NO_POE, PASSED, PASSED),
        etsi=(REVOKED_CA_NO_POE, PASSED, PASSED),
    ),
}
