"""When deadlines fall, and from when they are at risk: QĐ 28/2018 Art 6.2, NĐ 30/2020 Art 4, 18, 21."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edoc.core.deadlines import Limit, Span, span
from edoc.core.zone import VIETNAM
from edoc.errors import InputError
from edoc.policies.schedules import load_schedule

SHIPPED = load_schedule()
START = datetime.fromisoformat("2025-01-01")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM)


def fall(limit: Limit, start: str, *, priority: int = 0, due: date | None = None) -> Span | None:
    return span(limit, at(start), priority=priority, due_date=due, schedule=SHIPPED)


@pytest.mark.parametrize(
    ("limit", "start", "due"),
    [
        pytest.param(Limit.SEND, "2026-11-25T15:00", "2026-11-26T11:30", id="tomorrow morning"),
        pytest.param(Limit.SEND, "2026-11-27T15:00", "2026-11-30T11:30", id="over a weekend"),
        pytest.param(Limit.WITHIN_DAY, "2026-11-24T09:00", "2026-11-25T17:00", id="Culture Day"),
        pytest.param(Limit.SEND, "2026-08-31T15:00", "2026-09-03T11:30", id="over National Day"),
        pytest.param(Limit.REGISTER, "2026-11-25T08:00", "2026-11-26T17:00", id="next working day"),
        pytest.param(Limit.WITHIN_DAY, "2026-11-25T16:59", "2026-11-25T17:00", id="today"),
        pytest.param(Limit.WITHIN_DAY, "2026-11-25T17:00", "2026-11-26T17:00", id="came after hours"),
        pytest.param(Limit.WITHIN_DAY, "2026-11-28T09:00", "2026-11-30T17:00", id="came on a Saturday"),
    ],
)
def test_the_law_counts_working_days(limit: Limit, start: str, due: str) -> None:
    found = fall(limit, start)
    assert found is not None
    assert found.due_at == at(due)


@pytest.mark.parametrize(("priority", "minutes"), [(1, 60), (2, 30), (3, 15), (4, 15), (9, 15)])
def test_what_is_urgent_is_counted_in_minutes_at_any_hour(priority: int, minutes: int) -> None:
    found = fall(Limit.SEND, "2026-11-28T23:30", priority=priority)
    assert found is not None
    assert found.due_at - at("2026-11-28T23:30") == timedelta(minutes=minutes)


def test_a_date_that_the_document_sets_lasts_until_its_midnight() -> None:
    found = fall(Limit.DUE_DATE, "2026-11-24T08:00", due=date(2026, 12, 1))
    assert found is not None
    assert found.due_at == at("2026-12-02T00:00")
    assert fall(Limit.DUE_DATE, "2026-11-24T08:00") is None


@given(
    limit=st.sampled_from(Limit),
    start=st.datetimes(START, START.replace(year=2035)),
    priority=st.none() | st.integers(-1, 9),
    days=st.integers(-5, 400),
)
def test_no_deadline_is_at_risk_before_it_begins_or_after_it_falls(
    limit: Limit, start: datetime, priority: int | None, days: int
) -> None:
    begun = start.replace(tzinfo=VIETNAM)
    due = begun.date() + timedelta(days=days)
    found = span(limit, begun, priority=priority, due_date=due, schedule=SHIPPED)
    assert found is not None
    assert found.warn_at <= found.due_at
    assert found.warn_at >= begun or found.warn_at == found.due_at


def test_a_node_has_hours_and_holidays_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "deadlines.toml").write_text("morning_ends = 10:00:00\n", encoding="utf-8")
    (tmp_path / "workdays.toml").write_text("[2026]\nholidays = [2026-11-25]\n", encoding="utf-8")
    schedule = load_schedule(tmp_path)
    found = span(Limit.SEND, at("2026-11-24T15:00"), priority=0, due_date=None, schedule=schedule)
    assert found is not None
    assert found.due_at == at("2026-11-26T10:00")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("workdays.toml", "[2026]\nholidays = [2026-11-28]", "is a weekend day"),
        ("workdays.toml", "[2026]\nholidays = [2027-11-26]", "is no day of 2026"),
        ("deadlines.toml", "warn_share = 2.0", "warn_share lies from 0 to 1"),
        ("deadlines.toml", "morning_ends = 11", "are times"),
        ("deadlines.toml", "this is no TOML", "cannot be read as TOML"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words) as caught:
        load_schedule(tmp_path)
    assert name in str(caught.value)
