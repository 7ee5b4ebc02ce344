"""What the reference library makes of a date: Java's lenient `SimpleDateFormat`, and its two calendars.

It takes digits as they come and lets months and days run over: `30/10/2020` is the 2,020th day of October of
the year 30. Here only to tell people what others will see.
"""

import re
from typing import Final

_DATE: Final = re.compile(r"([0-9]{1,9})/([0-9]{1,9})/([0-9]{1,9})")
_TIME: Final = re.compile(r" ([0-9]{1,9}):([0-9]{1,9}):([0-9]{1,9})")
_NOTHING: Final = "nothing"
_GREGORIAN_FROM: Final = 2_299_161
"""The Julian day number of 15 October 1582."""
_DAY: Final = 86_400


def date_in_reference(text: str) -> str:
    """What `yyyy/MM/dd` makes of a text, `2025-02-14`; "nothing" if it makes nothing of it."""
    found = _DATE.match(text)
    return _NOTHING if found is None else _spell(_day_number(*map(int, found.groups())))


def moment_in_reference(text: str) -> str:
    """What `yyyy/MM/dd HH:mm:ss` makes of a text, `2025-02-14 01:00:00`; "nothing" if nothing."""
    found = _DATE.match(text)
    time = None if found is None else _TIME.match(text, found.end())
    if found is None or time is None:
        return _NOTHING
    hours, minutes, seconds = map(int, time.groups())
    days, rest = divmod(hours * 3600 + minutes * 60 + seconds, _DAY)
    day = _spell(_day_number(*map(int, found.groups())) + days)
    return f"{day} {rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"


def _day_number(year: int, month: int, day: int) -> int:
    """The Julian day number, by the calendar that was in force."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    shift = (14 - month) // 12
    years, months = year + 4800 - shift, month + 12 * shift - 3
    count = day + (153 * months + 2) // 5 + 365 * years + years // 4
    gregorian = count - years // 100 + years // 400 - 32_045
    return gregorian if gregorian >= _GREGORIAN_FROM else count - 32_083


def _spell(number: int) -> str:
    """The date of a Julian day number."""
    if number >= _GREGORIAN_FROM:
        a = number + 32_044
        b = (4 * a + 3) // 146_097
        c = a - 146_097 * b // 4
    else:
        b, c = 0, number + 32_082
    d = (4 * c + 3) // 1461
    e = c - 1461 * d // 4
    m = (5 * e + 2) // 153
    year, month, day = 100 * b + d - 4800 + m // 10, m + 3 - 12 * (m // 10), e - (153 * m + 2) // 5 + 1
    return f"{year:04d}-{month:02d}-{day:02d}"
