"""What an attack is, how it is made on a signed document, and what it means that one is accepted."""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from edoc.core.report import Coverage, Indication, Report, SignatureReport, SignatureType, TimeSource
from edoc.verification import verify

from .increments import FORMS, Edit, Form, apply
from .makers import Base, Maker

LEAST: Final = 20
"""Variants of each class on each base."""

FORGED_STAMP: Final = "Earlier"
"""The field of a document time-stamp that is itself forged."""

Ground = Callable[[Maker, str], Base | None]
"""Makes the signed document that is attacked, of one of `makers.KINDS`; None where it cannot be made."""
Forge = Callable[[Base], bytes | None]
"""Attacks a document; None where this attack makes no sense on it."""


def take_base(maker: Maker, kind: str) -> Base:
    """Attack the plain document of a kind."""
    return maker.base(kind)


@dataclass(frozen=True)
class Attack:
    """One variant of a class."""

    family: str
    name: str
    forge: Forge
    ground: Ground = take_base
    on_time: bool = False
    """It forges a proof of time and not what is shown."""


@dataclass(frozen=True)
class Outcome:
    """What came of one attack on one base."""

    attack: Attack
    base: Base
    data: bytes
    report: Report | None
    trouble: str = ""
    """What verification raised; it must raise nothing."""

    @property
    def accepted(self) -> bool:
        """The verification fell for it."""
        if self.report is None:
            return bool(self.trouble)
        if self.attack.on_time:
            return proves_time(self.report, self.base)
        return accepts(self.report, self.base)

    @property
    def title(self) -> str:
        """Class, variant and base in one word each."""
        return f"{self.attack.family}--{self.attack.name}--{self.base.kind}".replace(" ", "-")


def accepts(report: Report, base: Base) -> bool:
    """Tell whether a report says that a signature of the base still stands over what is shown."""
    (file,) = report.files
    return report.exit_code == 0 or any(
        passes(signature) for signature in file.signatures if signature.field in base.fields
    )


def passes(signature: SignatureReport) -> bool:
    """Tell whether nothing at all is held against a signature."""
    return (
        signature.intact
        and signature.changes_allowed
        and signature.coverage is not Coverage.PARTIAL
        and signature.indication is Indication.TOTAL_PASSED
    )


def proves_time(report: Report, base: Base) -> bool:
    """Tell whether a signature has a proven time that lies before the document existed."""
    (file,) = report.files
    return any(
        signature.indication is Indication.TOTAL_PASSED
        and signature.time_source is not TimeSource.VALIDATION_TIME
        and signature.best_time is not None
        and signature.best_time < base.maker.born
        for signature in file.signatures
        if signature.type is SignatureType.SIGNATURE or signature.field == FORGED_STAMP
    )


def attempt(attack: Attack, maker: Maker, kind: str) -> Outcome | None:
    """Make an attack on a base of a kind and judge it; None where it makes no sense.

    A base that is refused as it stands proves nothing, so there is no attack on it.
    """
    base = attack.ground(maker, kind)
    data = attack.forge(base) if base is not None and is_sound(base) else None
    if base is None or data is None or data == base.data:
        return None
    try:
        return Outcome(attack, base, data, judge(data, maker))
    except Exception as error:  # noqa: BLE001 - that nothing is raised is a part of what is tested
        return Outcome(attack, base, data, None, trouble=repr(error))


def is_sound(base: Base) -> bool:
    """Tell whether every signature of a base is accepted before anybody attacks it."""
    known = base.maker.sound
    if base.data not in known:
        known[base.data] = judge(base.data, base.maker).exit_code == 0
    return known[base.data]


def judge(data: bytes, maker: Maker, **options: Any) -> Report:
    """Verify offline under the development trust."""
    return verify(io.BytesIO(data), trust=maker.trust, offline=True, **options)


def spread(
    family: str,
    edits: Mapping[str, Edit],
    *,
    ground: Ground = take_base,
    forms: Sequence[Form] = FORMS,
    least: int = LEAST,
) -> Iterator[Attack]:
    """Give each edit as an incremental update in one form, and again in others until they are enough."""
    rounds = max(1, -(-least // len(edits)))
    for turn in range(min(rounds, len(forms))):
        for index, (name, edit) in enumerate(edits.items()):
            form = forms[(index + turn) % len(forms)]
            yield Attack(family, f"{name}, {form}", _deliver(edit, form), ground)


def _deliver(edit: Edit, form: Form) -> Forge:
    return lambda base: apply(base.data, edit, form)


def pick(attacks: Iterable[Attack], few: int) -> list[Attack]:
    """Choose a few variants of each class, evenly."""
    families: dict[str, list[Attack]] = {}
    for attack in attacks:
        families.setdefault(attack.family, []).append(attack)
    chosen: list[Attack] = []
    for members in families.values():
        step = max(1, len(members) // few)
        chosen += members[::step][:few]
    return chosen
