"""A share of the attacks: some variants of every class, each on every kind of signed document."""

from collections import Counter
from typing import Final

import pytest

from edoc.core.report import TimeSource

from .catalogue import LEAST, Attack, attempt, is_sound, judge, pick, proves_time
from .dating import attach
from .families import list_all
from .looks import looks_different
from .makers import KINDS, Maker
from .sealing import stamp_truly

_FEW: Final = 3
_CLASSES: Final = tuple(dict.fromkeys(attack.family for attack in list_all()))
_SEEN: Final = ("evil-annotation", "page", "shadow-replace", "universal-forgery")
"""Classes whose every kind of attack is there to be seen at once."""


def _share(family: str) -> list[Attack]:
    return pick((attack for attack in list_all() if attack.family == family), _FEW)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", _CLASSES)
def test_no_attack_is_accepted(maker: Maker, family: str, kind: str) -> None:
    outcomes = [attempt(attack, maker, kind) for attack in _share(family)]
    made = [outcome for outcome in outcomes if outcome is not None]
    assert [outcome.title for outcome in made if outcome.accepted] == []
    assert made


def test_there_are_enough_variants_of_every_class() -> None:
    counts = Counter(attack.family for attack in list_all())
    assert len(counts) >= 12
    assert {family for family, count in counts.items() if count < LEAST} == set()


def test_no_two_variants_share_a_name() -> None:
    names = Counter((attack.family, attack.name) for attack in list_all())
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_attacked_is_accepted_before(maker: Maker, kind: str) -> None:
    assert is_sound(maker.base(kind))


@pytest.mark.parametrize("family", _SEEN)
def test_the_attacks_are_seen(maker: Maker, family: str) -> None:
    """An attack that changes nothing would be refused for no reason."""
    outcomes = [attempt(attack, maker, "B-B") for attack in _share(family)]
    assert all(
        looks_different(outcome.base.data, outcome.data) for outcome in outcomes if outcome is not None
    )


def test_a_true_time_stamp_of_the_past_does_prove_it(maker: Maker) -> None:
    """The forged ones are refused for what is false about them, not because none is ever believed."""
    base = maker.base("B-B")
    stamped = attach(stamp_truly, base)
    assert stamped is not None
    report = judge(stamped, maker)
    (signature,) = report.files[0].signatures
    assert signature.time_source is TimeSource.SIGNATURE_TIMESTAMP
    assert proves_time(report, base)
