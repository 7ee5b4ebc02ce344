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
from edoc.edxml.misreading import date_in_reference, moment_in_reference

Reader = Callable[[Element, Findings], Any]
"""Reads the value of an element; None if there is none."""

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,10}")
_MOST: Final = 2**31 - 1
"""Of a whole number, as in the reference library."""
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
    if not _INTEGER.fullmatch(text) or abs(int(text)) > _MOST:
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
    """Read a date: `yyyy/MM/dd`; `dd/MM/yyyy`, other separators and text after it are reported."""
    text = element.text
    if not text:
        return None
    found = _split_date(text)
    if found is None:
        findings.add("DATE_UNREADABLE", element.path, text, date_in_reference(text))
        return None
    day, after = found
    if _has_offset(after):  # midnight in Vietnam is another day in Greenwich
        moment = _moment(text)
        day = day if moment is None else moment.date()
    if not _GOOD_DATE.fullmatch(text):
        _report(element, findings, day.isoformat(), date_in_reference(text))
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
        findings.add("DATE_UNREADABLE", element.path, text, moment_in_reference(text))
    elif not _GOOD_MOMENT.fullmatch(text):
        _report(element, findings, moment.isoformat(" "), moment_in_reference(text))
    return moment


def _report(element: Element, findings: Findings, ours: str, theirs: str) -> None:
    """Report another form of a date or time, and what the reference library makes of it if it differs."""
    code = "DATE_FORM" if ours.startswith(theirs) else "DATE_MISREAD"
    findings.add(code, element.path, ours, theirs)


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


def _has_offset(after: str) -> bool:
    time = _TIME.fullmatch(after)
    return time is not None and time[4] is not None


def _zone(offset: str | None) -> timezone:
    if offset is None:
        return VIETNAM
    digits = offset.replace(":", "").replace("Z", "+0000")
    return timezone(timedelta(hours=int(digits[:3]), minutes=int(digits[0] + digits[3:])))


READERS: Final[dict[Kind, Reader]] = {
    Kind.TEXT: read_text,
    Kind.INTEGER: read_integer,
    Kind.BOOLEAN: read_boolean,
    Kind.DATE: read_date,
    Kind.MOMENT: read_moment,
}
