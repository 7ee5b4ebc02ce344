"""Which days are working days in Vietnam: weekends, public holidays, and days that were swapped.

Rules: a day that the calendar names decides for itself; otherwise Saturday and Sunday are free (working week
of five days). For a year that the calendar does not know, the holidays with a fixed date still count. The
days stand in `edoc/policies/workdays.toml` (Labour Code 45/2019/QH14 Art 112 and the yearly announcements).
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

_SATURDAY: Final = 5
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Working days as data."""

    years: AbstractSet[int]
    """Years whose days are all known."""
    holidays: AbstractSet[date]
    """Free days of those years that are no weekend."""
    working: AbstractSet[date]
    """Weekend days that are worked in exchange for others."""
    every_year: AbstractSet[tuple[int, int]]
    """(month, day) of holidays with a fixed date, for all other years."""

    def is_working(self, day: date) -> bool:
        """Tell whether offices are open on that day."""
        if day in self.working:
            return True
        if day.weekday() >= _SATURDAY or day in self.holidays:
            return False
        return day.year in self.years or (day.month, day.day) not in self.every_year

    def next_working(self, day: date) -> date:
        """Return the first working day after `day`."""
        day += _DAY
        while not self.is_working(day):
            day += _DAY
        return day

    def this_or_next_working(self, day: date) -> date:
        """Return `day` if it is a working day, else the first one after it."""
        return day if self.is_working(day) else self.next_working(day)
