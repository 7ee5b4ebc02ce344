"""Values as they are found in the wild: read right, and reported where the reference would misread them."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final

from edoc.core.records import in_vietnam
from edoc.core.zone import VIETNAM
from edoc.edxml.elements import Element
from edoc.edxml.findings import Findings
from edoc.edxml.mapping import Kind

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,9}")
_DATE: Final = re.compile(r"([0-9]{1,4})[/.-]([0-9]{1,2})[/.-]([0-9]{1,4})(?![0-9])(.*)", re.DOTALL)
_TIME: Final = re.compile(
    r"[T ]+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?(?:\.[0-9]+)?\s*(Z|[+-][0-9]{2}:?[0-9]{2})?.*", re.DOTALL
)
_GOOD_DATE: Final = re.compile(r"[0-9]{4}/[0-9]{2}/[0-9]{2}")
_GOOD_MOMENT: Final = re.compile(r"[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
_YEAR: Final = 4


def read_text(element: Element, _findings: Findings) -> str:
    """Read a text; white space at its ends does not belong to it."""
    return element.text


def read_integer(element: Element, findings: Findings) -> int | None:
    """Read a whole number; None if it is empty or none."""
    text = element.text
    if not _INTEGER.fullmatch(text):
        findings.add("INTEGER_UNREADABLE", element.path, text)
        return None
    if text != element.raw:
        findings.add("INTEGER_PADDED", element.path)
    return int(text)


def read_boolean(element: Element, findings: Findings) -> bool:
    """Read `true` or `1`, `false` or `0`."""
    text = element.text.lower()
    if text not in {"true", "1", "false", "0"}:
        findings.add("BOOLEAN_UNREADABLE", element.path, text)
    return text in {"true", "1"}


def read_date(element: Element, findings: Findings) -> date | None:
    """Read a date: `yyyy/MM/dd`; also `dd/MM/yyyy`, other separators and text after it are reported."""
    text = element.text
    if not text:
        return None
    found = _split_date(text)
    if found is None:
        findings.add("DATE_UNREADABLE", element.path, text)
        return None
    day, _ = found
    if not _GOOD_DATE.fullmatch(text):
        findings.add("DATE_FORM", element.path, day.isoformat())
    return day


def read_moment(element: Element, findings: Findings) -> datetime | None:
    """Read a time, `yyyy/MM/dd HH:mm:ss`, as one of Vietnam; other forms are reported.

    An offset that somebody wrote against the rule is believed.
    """
    text = element.text
    if not text:
        return None
    moment = _moment(text)
    if moment is None:
        findings.add("DATE_UNREADABLE", element.path, text)
    elif not _GOOD_MOMENT.fullmatch(text):
        findings.add("DATE_FORM", element.path, moment.isoformat())
    return moment


def _split_date(text: str) -> tuple[date, str] | None:
    found = _DATE.match(text)
    if found is None:
        return None
    first, month, last, after = found.groups()
    year, day = (first, last) if len(first) == _YEAR else (last, first)
    if len(year) != _YEAR:
        return None
    try:
        return date(int(year), int(month), int(day)), after
    except ValueError:
        return None


def _moment(text: str) -> datetime | None:
    found = _split_date(text)
    if found is None:
        return None
    day, after = found
    time = _TIME.fullmatch(after)
    hour, minute, second, offset = time.groups() if time else (0, 0, 0, None)
    try:
        moment = datetime(
            day.year, day.month, day.day, int(hour), int(minute), int(second or 0), tzinfo=_zone(offset)
        )
        return in_vietnam(moment)
    except (ValueError, OverflowError):
        return None


def _zone(offset: str | None) -> timezone:
    if offset is None:
        return VIETNAM
    digits = offset.replace(":", "").replace("Z", "+0000")
    return timezone(timedelta(hours=int(digits[:3]), minutes=int(digits[0] + digits[3:])))


READERS: Final[dict[Kind, Callable[[Element, Findings], Any]]] = {
    Kind.TEXT: read_text,
    Kind.INTEGER: read_integer,
    Kind.BOOLEAN: read_boolean,
    Kind.DATE: read_date,
    Kind.MOMENT: read_moment,
}
