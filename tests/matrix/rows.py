"""What a row of the specification says, and the stories that several rows tell."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final

from hierarchies import (
    ARCHIVE_TSA,
    CA,
    ROOT,
    SIGNER,
    TSA,
    Holder,
    Revocation,
)
from stories import GOOD, Story

from edoc.core.policy import Retired
from edoc.core.verdicts import Indication, SubIndication

Verdict = tuple[Indication, SubIndication | None]
Three = tuple[Verdict, Verdict, Verdict]


def _doubt(sub: SubIndication) -> Verdict:
    return Indication.INDETERMINATE, sub


PASSED: Final[Verdict] = (Indication.TOTAL_PASSED, None)
FAILED_NOT_YET_VALID: Final[Verdict] = (Indication.TOTAL_FAILED, SubIndication.NOT_YET_VALID)
CERTIFICATE_CHAIN_GENERAL_FAILURE: Final = _doubt(SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE)
CHAIN_CONSTRAINTS_FAILURE: Final = _doubt(SubIndication.CHAIN_CONSTRAINTS_FAILURE)
CRYPTO_CONSTRAINTS_FAILURE_NO_POE: Final = _doubt(SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE)
NO_CERTIFICATE_CHAIN_FOUND: Final = _doubt(SubIndication.NO_CERTIFICATE_CHAIN_FOUND)
OUT_OF_BOUNDS_NOT_REVOKED: Final = _doubt(SubIndication.OUT_OF_BOUNDS_NOT_REVOKED)
OUT_OF_BOUNDS_NO_POE: Final = _doubt(SubIndication.OUT_OF_BOUNDS_NO_POE)
REVOCATION_OUT_OF_BOUNDS_NO_POE: Final = _doubt(SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE)
REVOKED_CA_NO_POE: Final = _doubt(SubIndication.REVOKED_CA_NO_POE)
REVOKED_NO_POE: Final = _doubt(SubIndication.REVOKED_NO_POE)
SIG_CONSTRAINTS_FAILURE: Final = _doubt(SubIndication.SIG_CONSTRAINTS_FAILURE)
TIMESTAMP_ORDER_FAILURE: Final = _doubt(SubIndication.TIMESTAMP_ORDER_FAILURE)
TRY_LATER: Final = _doubt(SubIndication.TRY_LATER)


def always(verdict: Verdict) -> Three:
    """The proof makes no difference."""
    return (verdict, verdict, verdict)


@dataclass(frozen=True, kw_only=True)
class Row:
    """What a story means: without proof, with a time-stamp, archived."""

    story: Story
    nd68: Three
    etsi: Three
    public: Three | None = None
    """Under `public-tt15`; None: as under `nd68`."""
    integrity: Three = (PASSED, PASSED, PASSED)
    change: Mapping[str, Any] = field(default_factory=dict)
    """What the policies say otherwise; `integrity` says the same."""


EXPIRED: Final = replace(GOOD, signer=replace(SIGNER, ends="2025-01-01"), at_hand=("2024-06-01",))
"""The signer has expired since, so that everything depends on the proof of time."""
OLD: Final = replace(
    GOOD,
    signer=replace(SIGNER, begins="2015-06-01"),
    tsa=replace(TSA, begins="2015-06-01"),
    archive_tsa=replace(ARCHIVE_TSA, begins="2015-06-01"),
    claimed="2016-03-05T01:00:00",
    stamped="2016-03-05T01:00:05",
    archived="2016-03-07T01:00:00",
    embedded=("2016-03-06",),
)
"""The same eight years earlier."""
FIRST_HIERARCHY: Final = replace(
    OLD,
    root=replace(ROOT, name="Root (RSA)", issuer="Root (RSA)", digest="sha1"),
    ca=replace(CA, name="CA (RSA)", issuer="Root (RSA)", digest="sha1"),
    signer=replace(OLD.signer, name="Signer (RSA)", issuer="CA (RSA)", digest="sha1"),
)
"""RSA and SHA-1, as the first dedicated hierarchy was; its CRLs too until 2017."""


def sign_in(story: Story, year: int) -> Story:
    """The same story in another year."""
    return replace(
        story,
        claimed=f"{year}-03-05T01:00:00",
        stamped=f"{year}-03-05T01:00:05",
        archived=f"{year}-03-07T01:00:00",
        embedded=(f"{year}-03-06",),
    )


def retire(name: str, since: str, *, below: int = 0) -> dict[str, Any]:
    """A policy's change: an algorithm, or keys below so many bits, do not count from a day on."""
    return {"retired": (Retired(name, below, date.fromisoformat(since)),)}


def revoke(holder: Holder, since: str, story: Story = GOOD, **more: Any) -> Story:
    """The same story with one revocation."""
    return replace(story, revoked=(Revocation(holder=holder, since=since, **more),))


SHA384: Final = replace(GOOD, digest="sha384")
AHEAD: Final = replace(
    GOOD,
    archived="2024-03-05T01:00:10",
    embedded=("2024-03-05",),
    at_hand=("2024-03-04", "2024-03-06"),
    services_at_hand=("2024-03-04", "2024-03-06"),
)
"""Judged while it is being signed, by another clock."""
