"""The specification, second part: time-stamps, algorithms, clocks, and whom one trusts."""

from dataclasses import replace
from typing import Final

from hierarchies import ARCHIVE_TSA, ROOT, SERVICES, SERVICES_ROOT, SIGNER, TSA
from rows import (
    AHEAD,
    CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
    EXPIRED,
    FIRST_HIERARCHY,
    NO_CERTIFICATE_CHAIN_FOUND,
    OLD,
    OUT_OF_BOUNDS_NO_POE,
    PASSED,
    SHA384,
    SIG_CONSTRAINTS_FAILURE,
    TIMESTAMP_ORDER_FAILURE,
    TRY_LATER,
    Row,
    always,
    retire,
    revoke,
    sign_in,
)
from stories import GOOD

TIMES: Final[dict[str, Row]] = {
    # The time-stamping authority; the signer has expired since, unless the story says otherwise
    "TSA expired after its stamp": Row(
        story=replace(EXPIRED, tsa=replace(TSA, ends="2025-01-01")),
        nd68=(OUT_OF_BOUNDS_NO_POE, OUT_OF_BOUNDS_NO_POE, PASSED),
        etsi=(OUT_OF_BOUNDS_NO_POE, OUT_OF_BOUNDS_NO_POE, PASSED),
    ),
    "TSA expired after its stamp, the signer did not": Row(
        story=replace(GOOD, tsa=replace(TSA, ends="2025-01-01")),
        nd68=always(PASSED),
        etsi=(SIG_CONSTRAINTS_FAILURE, SIG_CONSTRAINTS_FAILURE, PASSED),
    ),
    "every TSA expired after its stamp": Row(
        story=replace(
            EXPIRED,
            tsa=replace(TSA, ends="2025-01-01"),
            archive_tsa=replace(ARCHIVE_TSA, ends="2025-01-01"),
        ),
        nd68=always(OUT_OF_BOUNDS_NO_POE),
        etsi=always(OUT_OF_BOUNDS_NO_POE),
    ),
    "TSA's CA expired after its stamp": Row(
        story=replace(EXPIRED, services=replace(SERVICES, ends="2025-01-01")),
        nd68=always(OUT_OF_BOUNDS_NO_POE),
        etsi=always(OUT_OF_BOUNDS_NO_POE),
    ),
    "TSA expired before its stamp": Row(
        story=replace(EXPIRED, tsa=replace(TSA, ends="2024-03-01")),
        nd68=(OUT_OF_BOUNDS_NO_POE, OUT_OF_BOUNDS_NO_POE, PASSED),  # the archive's stamp is a proof as well
        etsi=(OUT_OF_BOUNDS_NO_POE, OUT_OF_BOUNDS_NO_POE, PASSED),
    ),
    "TSA revoked after its stamp": Row(
        story=revoke(TSA, "2025-01-01", EXPIRED),
        nd68=(OUT_OF_BOUNDS_NO_POE, OUT_OF_BOUNDS_NO_POE, PASSED),
        etsi=(OUT_OF_BOUNDS_NO_POE, OUT_OF_BOUNDS_NO_POE, PASSED),
    ),
    "TSA revoked before its stamp": Row(
        story=revoke(TSA, "2024-02-01", EXPIRED),
        nd68=(OUT_OF_BOUNDS_NO_POE, OUT_OF_BOUNDS_NO_POE, PASSED),
        etsi=(OUT_OF_BOUNDS_NO_POE, OUT_OF_BOUNDS_NO_POE, PASSED),
    ),
    "TSA of a stranger": Row(
        story=replace(EXPIRED, tsa=replace(TSA, name="Stranger's TSA", issuer="Stranger")),
        nd68=(OUT_OF_BOUNDS_NO_POE, OUT_OF_BOUNDS_NO_POE, PASSED),
        etsi=(OUT_OF_BOUNDS_NO_POE, OUT_OF_BOUNDS_NO_POE, PASSED),
    ),
    "no TSA trusted": Row(
        story=replace(EXPIRED, trusted=(ROOT,)),
        nd68=always(OUT_OF_BOUNDS_NO_POE),
        etsi=always(OUT_OF_BOUNDS_NO_POE),
    ),
    "no TSA trusted, the signer did not expire": Row(
        story=replace(GOOD, trusted=(ROOT,)),
        nd68=always(PASSED),
        etsi=always(SIG_CONSTRAINTS_FAILURE),
    ),
    "TSA's certificate is for documents": Row(
        story=replace(EXPIRED, tsa=replace(TSA, purpose=None)),
        nd68=(OUT_OF_BOUNDS_NO_POE, OUT_OF_BOUNDS_NO_POE, PASSED),
        etsi=(OUT_OF_BOUNDS_NO_POE, OUT_OF_BOUNDS_NO_POE, PASSED),
    ),
    "nothing known about the TSA": Row(
        story=replace(EXPIRED, silent=frozenset({"CA of services"})),
        nd68=always(OUT_OF_BOUNDS_NO_POE),
        etsi=always(OUT_OF_BOUNDS_NO_POE),
    ),
    "time-stamp's digest retired since": Row(
        story=replace(
            OLD,
            stamp_digest="sha1",
            signer=replace(OLD.signer, ends="2018-01-01"),
            at_hand=("2017-06-01",),
        ),
        nd68=(OUT_OF_BOUNDS_NO_POE, OUT_OF_BOUNDS_NO_POE, PASSED),
        etsi=(OUT_OF_BOUNDS_NO_POE, OUT_OF_BOUNDS_NO_POE, PASSED),
    ),
    # Algorithms
    "digest retired before signing": Row(
        story=SHA384,
        change=retire("sha384", "2024-01-01"),
        nd68=always(CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
        etsi=always(CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
    ),
    "digest retired on the day of signing": Row(
        story=SHA384,
        change=retire("sha384", "2024-03-05"),
        nd68=always(CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
        etsi=always(CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
    ),
    "digest retired on the day after": Row(
        story=SHA384,
        change=retire("sha384", "2024-03-06"),
        nd68=(CRYPTO_CONSTRAINTS_FAILURE_NO_POE, PASSED, PASSED),
        etsi=(CRYPTO_CONSTRAINTS_FAILURE_NO_POE, PASSED, PASSED),
    ),
    "digest broken": Row(
        story=SHA384,
        change={"weak_digests": ("sha384",)},
        nd68=always(CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
        etsi=always(CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
    ),
    "SHA-1 in 2016": Row(
        story=replace(OLD, digest="sha1"),
        nd68=(CRYPTO_CONSTRAINTS_FAILURE_NO_POE, PASSED, PASSED),
        etsi=(CRYPTO_CONSTRAINTS_FAILURE_NO_POE, PASSED, PASSED),
    ),
    "SHA-1 in 2018": Row(
        story=replace(sign_in(OLD, 2018), digest="sha1"),
        nd68=always(CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
        etsi=always(CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
    ),
    "key length retired before signing": Row(
        story=GOOD,
        change=retire("ec", "2024-01-01", below=384),
        nd68=always(CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
        etsi=always(CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
    ),
    "key length retired after signing": Row(
        story=GOOD,
        change=retire("ec", "2025-01-01", below=384),
        nd68=(CRYPTO_CONSTRAINTS_FAILURE_NO_POE, PASSED, PASSED),
        etsi=(CRYPTO_CONSTRAINTS_FAILURE_NO_POE, PASSED, PASSED),
    ),
    "key too short": Row(
        story=GOOD,
        change={"minimal_ec_bits": 384},
        nd68=always(CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
        etsi=always(CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
    ),
    "RSA-2048 of 2029, judged in 2032": Row(
        story=replace(
            sign_in(GOOD, 2029),
            signer=replace(SIGNER, name="Signer (RSA)", begins="2028-01-01", ends="2033-01-01"),
            tsa=replace(TSA, ends="2033-01-01"),
            archive_tsa=replace(ARCHIVE_TSA, ends="2033-01-01"),
            judged="2032-02-05T01:00:00",
            at_hand=("2032-02-04",),
            services_at_hand=("2032-02-04",),
        ),
        nd68=(CRYPTO_CONSTRAINTS_FAILURE_NO_POE, PASSED, PASSED),
        etsi=(CRYPTO_CONSTRAINTS_FAILURE_NO_POE, PASSED, PASSED),
    ),
    "SHA-1 hierarchy, signed in 2016": Row(
        story=FIRST_HIERARCHY,
        nd68=(CRYPTO_CONSTRAINTS_FAILURE_NO_POE, PASSED, PASSED),
        etsi=always(CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
        public=always(CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
    ),
    "SHA-1 hierarchy, its SHA-1 CRLs only in the document": Row(
        story=replace(FIRST_HIERARCHY, at_hand=()),
        nd68=(CRYPTO_CONSTRAINTS_FAILURE_NO_POE, TRY_LATER, PASSED),
        etsi=always(CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
        public=always(CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
    ),
    "SHA-1 hierarchy, signed in 2020": Row(
        story=sign_in(FIRST_HIERARCHY, 2020),
        nd68=(CRYPTO_CONSTRAINTS_FAILURE_NO_POE, PASSED, PASSED),
        etsi=always(CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
        public=always(CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
    ),
    "SHA-1 hierarchy, signed in 2021": Row(
        story=sign_in(FIRST_HIERARCHY, 2021),
        nd68=always(CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
        etsi=always(CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
    ),
    # Clocks
    "time-stamps ahead of the clock, within the tolerance": Row(
        story=replace(AHEAD, judged="2024-03-05T00:59:30"),
        nd68=always(PASSED),
        etsi=(SIG_CONSTRAINTS_FAILURE, PASSED, PASSED),
    ),
    "time-stamps ahead of the clock, beyond the tolerance": Row(
        story=replace(AHEAD, judged="2024-03-05T00:58:30", claimed="2024-03-05T00:58:00"),
        nd68=always(PASSED),  # at the time of the judgement
        etsi=always(SIG_CONSTRAINTS_FAILURE),
    ),
    "claimed time ahead of the proof, within the tolerance": Row(
        story=replace(GOOD, claimed="2024-03-05T01:01:05"),
        nd68=always(PASSED),
        etsi=(SIG_CONSTRAINTS_FAILURE, PASSED, PASSED),
    ),
    "claimed time ahead of the proof": Row(
        story=replace(GOOD, claimed="2024-03-05T01:01:06"),
        nd68=always(PASSED),  # and says so
        etsi=always(SIG_CONSTRAINTS_FAILURE),
    ),
    "claimed time ahead of the judgement": Row(
        story=replace(GOOD, claimed="2026-02-05T01:01:01"),
        nd68=always(PASSED),
        etsi=always(SIG_CONSTRAINTS_FAILURE),
    ),
    "document stamped before its signature was": Row(
        story=replace(GOOD, archived="2024-03-05T00:59:04", embedded=("2024-03-04",)),
        nd68=(PASSED, PASSED, TIMESTAMP_ORDER_FAILURE),
        etsi=(SIG_CONSTRAINTS_FAILURE, PASSED, TIMESTAMP_ORDER_FAILURE),
        integrity=(PASSED, PASSED, TIMESTAMP_ORDER_FAILURE),
    ),
    "document stamped before its signature was, within the tolerance": Row(
        story=replace(GOOD, archived="2024-03-05T00:59:05", embedded=("2024-03-04",)),
        nd68=always(PASSED),
        etsi=(SIG_CONSTRAINTS_FAILURE, PASSED, PASSED),
    ),
    # Trust
    "nobody trusted": Row(
        story=replace(GOOD, trusted=()),
        nd68=always(NO_CERTIFICATE_CHAIN_FOUND),
        etsi=always(NO_CERTIFICATE_CHAIN_FOUND),
    ),
    "somebody else trusted": Row(
        story=replace(GOOD, trusted=(replace(ROOT, name="Other root", issuer="Other root"),)),
        nd68=always(NO_CERTIFICATE_CHAIN_FOUND),
        etsi=always(NO_CERTIFICATE_CHAIN_FOUND),
    ),
    "only the time-stamps' root trusted": Row(
        story=replace(GOOD, trusted=(SERVICES_ROOT,)),
        nd68=always(NO_CERTIFICATE_CHAIN_FOUND),
        etsi=always(NO_CERTIFICATE_CHAIN_FOUND),
    ),
}
