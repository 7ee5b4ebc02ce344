"""Load what deadlines are counted by: working days and the hours that the law leaves open.

    schedule = load_schedule()                  # as shipped
    schedule = load_schedule(Path("/srv/edoc/node"))   # with that folder's workdays.toml and deadlines.toml

A year in the folder's `workdays.toml` replaces the shipped year; `deadlines.toml` replaces what it names.
"""

import datetime as dt
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

from edoc.core.calendar import Calendar
from edoc.core.deadlines import Schedule, Timing
from edoc.errors import InputError

WORKDAYS: Final = "workdays.toml"
DEADLINES: Final = "deadlines.toml"
MAX_FILE_BYTES: Final = 64 << 10
_FOLDER: Final = Path(__file__).parent
_YEAR_KEYS: Final = frozenset({"source", "holidays", "working"})
_SATURDAY: Final = 5


def load_schedule(folder: Path | None = None) -> Schedule:
    """Give the shipped schedule, with what the files in `folder` say instead.

    Raises `InputError` that names the file and what is wrong in it.
    """
    if folder is None or not any((folder / name).is_file() for name in (WORKDAYS, DEADLINES)):
        return _load_shipped()
    days, hours = _read(_FOLDER / WORKDAYS), _read(_FOLDER / DEADLINES)
    for name, said in ((WORKDAYS, days), (DEADLINES, hours)):
        if (folder / name).is_file():
            own = _read(folder / name)
            # checked alone first, so that the message names the right file
            _BUILDERS[name]({**said, **own}, folder / name)
            said.update(own)
    return Schedule(
        calendar=_build_calendar(days, folder / WORKDAYS), timing=_build_timing(hours, folder / DEADLINES)
    )


@cache
def _load_shipped() -> Schedule:
    workdays, deadlines = _FOLDER / WORKDAYS, _FOLDER / DEADLINES
    return Schedule(
        calendar=_build_calendar(_read(workdays), workdays),
        timing=_build_timing(_read(deadlines), deadlines),
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise InputError(f"this file has at most {MAX_FILE_BYTES} bytes.", where=str(path))
        return tomllib.loads(content.decode())
    except OSError as error:
        reason = (error.strerror or "input error").lower()
        raise InputError(f"it cannot be read: {reason}.", where=str(path)) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"it cannot be read as TOML: {error}.", where=str(path)) from error


def _build_calendar(said: dict[str, Any], path: Path) -> Calendar:
    try:
        every_year = frozenset(
            (day.month, day.day)
            for day in (dt.date.fromisoformat(f"2000-{text}") for text in said["every_year"])
        )
        years = {int(name): table for name, table in said.items() if name != "every_year"}
        holidays, working = set[dt.date](), set[dt.date]()
        for year, table in years.items():
            if not isinstance(table, dict) or not _YEAR_KEYS.issuperset(table):
                raise ValueError(f"{year} says other than {', '.join(sorted(_YEAR_KEYS))}")  # noqa: TRY301
            holidays |= _days(table.get("holidays", []), year, weekend=False)
            working |= _days(table.get("working", []), year, weekend=True)
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{error}.", where=str(path), advice="See the shipped file's first lines."
        ) from error
    return Calendar(years=frozenset(years), holidays=holidays, working=working, every_year=every_year)


def _days(values: Any, year: int, *, weekend: bool) -> set[dt.date]:
    for day in values:
        if type(day) is not dt.date or day.year != year:
            raise ValueError(f"{day} is no day of {year}")
        if (day.weekday() >= _SATURDAY) is not weekend:
            raise ValueError(
                f"{day} is no weekend day" if weekend else f"{day} is a weekend day and free anyway"
            )
    return set(values)


def _build_timing(said: dict[str, Any], path: Path) -> Timing:
    try:
        timing = Timing(
            **{**said, "urgent_minutes": {int(k): int(v) for k, v in said["urgent_minutes"].items()}}
        )
        if type(timing.morning_ends) is not dt.time or type(timing.day_ends) is not dt.time:
            raise ValueError("morning_ends and day_ends are times, as 11:30:00")  # noqa: TRY301
        if not 0 <= timing.warn_share <= 1 or timing.warn_minutes < 0:
            raise ValueError("warn_share lies from 0 to 1, warn_minutes from 0 on")  # noqa: TRY301
        if any(level < 1 or minutes < 1 for level, minutes in timing.urgent_minutes.items()):
            raise ValueError("urgent_minutes has levels and minutes from 1 on")  # noqa: TRY301
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{error}.", where=str(path), advice="See the shipped file.") from error
    return timing


_BUILDERS: Final = {WORKDAYS: _build_calendar, DEADLINES: _build_timing}
