"""What a time-stamp token says (RFC 3161, 2.4.2), and times as ASN.1 writes them."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, NamedTuple

from edoc.pdf.cmsder import (
    GENERALIZED_TIME,
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    UTC_TIME,
    Malformed,
    Part,
    read_whole,
)
from edoc.pdf.cmsnames import name_digest

_TIME: Final = re.compile(
    rb"(\d{4})(\d\d)(\d\d)(\d\d)(?:(\d\d)(?:(\d\d)(?:[.,](\d{1,9}))?)?)?(?:Z|([+-])(\d\d)(\d\d))?"
)
_MAX_TIME: Final = 32
_PIVOT: Final = b"50"
"""RFC 5280, 4.1.2.5.1: years of two digits from 50 are 19xx."""


class Stamp(NamedTuple):
    """What was stamped, and when."""

    digest: str
    imprint: bytes
    time: datetime


def read_stamp(content: bytes) -> Stamp:
    """Read a TSTInfo. Raises `Malformed`."""
    parts = read_whole(content, SEQUENCE).parts
    if len(parts) < 5:  # noqa: PLR2004 - version, policy, imprint, serial number, time
        raise Malformed("a TSTInfo of too few elements")
    parts[0].expect(INTEGER)
    algorithm, value, *more = parts[2].expect(SEQUENCE).parts
    oid, *parameters = algorithm.expect(SEQUENCE).parts
    if more:
        raise Malformed("an imprint of too many elements")
    digest = name_digest(oid.expect(OID).content, parameters[0] if parameters else None)
    time = read_time(parts[4].expect(GENERALIZED_TIME))
    return Stamp(digest, value.expect(OCTET_STRING).content, time)


def read_time(part: Part) -> datetime:
    """Read a UTCTime or a GeneralizedTime; one without zone counts as UTC. Raises `Malformed`."""
    text = part.content[:_MAX_TIME]
    if part.tag == UTC_TIME:
        text = (b"19" if text[:2] >= _PIVOT else b"20") + text
    elif part.tag != GENERALIZED_TIME:
        raise Malformed("no time")
    found = _TIME.fullmatch(text)
    if found is None:
        raise Malformed("no time")
    year, month, day, hour, minute, second = (int(group or 0) for group in found.groups()[:6])
    microsecond = int((found[7] or b"0")[:6].ljust(6, b"0"))
    try:
        time = datetime(year, month, day, hour, minute, second, microsecond, _read_zone(found))
        return time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Malformed("no time") from error


def _read_zone(found: re.Match[bytes]) -> timezone:
    if found[8] is None:
        return UTC
    offset = timedelta(hours=int(found[9]), minutes=int(found[10]))
    return timezone(offset if found[8] == b"+" else -offset)
