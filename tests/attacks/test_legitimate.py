"""Legitimate later changes raise no alarm, on whatever kind of document they happen."""

from itertools import groupby

import pytest

from .catalogue import judge, passes
from .harmless import TOLD
from .increments import FORMS, Form, apply
from .legitimate import LaterChange, check, list_cases, list_changes
from .makers import KINDS, Maker


def _share() -> list[tuple[LaterChange, str]]:
    """Every change once, on the kinds of documents in turn."""
    chosen = []
    for index, (_, cases) in enumerate(groupby(list_cases(), key=lambda case: case[0].name)):
        members = list(cases)
        chosen.append(members[index % len(members)])
    return chosen


@pytest.mark.parametrize(
    ("change", "kind"), [pytest.param(*case, id=f"{case[0].name}-{case[1]}") for case in _share()]
)
def test_a_legitimate_change_raises_no_alarm(maker: Maker, change: LaterChange, kind: str) -> None:
    alarm = check(change, maker, kind)
    assert (alarm.reasons if alarm else ()) == ()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", TOLD)
@pytest.mark.parametrize("kind", ["B-B", "certified 3"])
def test_what_changes_a_page_otherwise_is_told(maker: Maker, name: str, form: Form, kind: str) -> None:
    base = maker.base(kind)
    signed = judge(apply(base.data, TOLD[name], form), maker).files[0].signatures
    assert not all(passes(signature) for signature in signed if signature.field in base.fields)


def test_every_kind_of_document_is_changed() -> None:
    assert {kind for _, kind in list_cases()} == set(KINDS)


def test_no_two_changes_share_a_name() -> None:
    names = [change.name for change in list_changes()]
    assert len(names) == len(set(names))
