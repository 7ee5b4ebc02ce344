"""Later changes that are no attacks: validation data, time-stamps, signatures, fields filled, comments.

Nobody is to be alarmed by any of them, whoever wrote them and however they are spelt.
"""

import datetime as dt
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from edoc import signing

from .catalogue import Ground, judge, passes, take_base
from .harmless import COMMENTS, FILLS, SEAL_IMAGE, SIGNING, VALIDATION, describe, inform, write_store
from .increments import FORMS, Edit, Form, apply
from .kinds import DOCUMENTS, Document
from .makers import KINDS, Base, Maker, write

_ALWAYS: Final = 1
_FILLING: Final = 2
_COMMENTING: Final = 3

Step = Callable[[Base], bytes]


@dataclass(frozen=True)
class LaterChange:
    """A change that a document permits."""

    name: str
    make: Step
    needs: int
    """The least DocMDP permission under which it may happen; approval signatures permit filling."""
    ground: Ground = take_base
    certifiable: bool = True
    """Its document can be certified."""

    def suits(self, kind: str) -> bool:
        """Tell whether documents of a kind permit this."""
        if kind.startswith("certified") and not self.certifiable:
            return False
        granted = int(kind.split()[1]) if kind.startswith("certified") else _FILLING
        return granted >= self.needs


def list_changes() -> Iterator[LaterChange]:
    """Give every later change, in the same order each time."""
    for name, step in VALIDATION.items():
        yield LaterChange(name, step, _ALWAYS)
    for form in FORMS:
        yield LaterChange(f"store written by hand, {form}", partial(_edit, write_store, form), _ALWAYS)
        yield LaterChange(f"information, {form}", partial(_edit, inform, form), _ALWAYS)
        yield LaterChange(f"metadata, {form}", partial(_edit, describe, form), _ALWAYS)
        for name, edit in FILLS.items():
            yield LaterChange(f"{name}, {form}", partial(_edit, edit, form), _FILLING)
        for name, edit in COMMENTS.items():
            yield LaterChange(f"{name}, {form}", partial(_edit, edit, form), _COMMENTING)
    for name, step in SIGNING.items():
        yield LaterChange(name, step, _FILLING)
    for document in DOCUMENTS:
        for name, (step, needs) in _EVERYWHERE.items():
            ground = partial(_take, document)
            yield LaterChange(f"{document.name}: {name}", step, needs, ground, document.password is None)


def _take(document: Document, maker: Maker, kind: str) -> Base | None:
    return document.sign(maker, kind)


@dataclass(frozen=True)
class Alarm:
    """A change that was taken for an attack."""

    change: LaterChange
    base: Base
    data: bytes
    reasons: tuple[str, ...]


def check(change: LaterChange, maker: Maker, kind: str) -> Alarm | None:
    """Make a change on a document of a kind; give the alarm if there is one."""
    base = change.ground(maker, kind)
    if base is None:
        return None
    data = change.make(base)
    options = {} if base.password is None else {"password": base.password}
    report = judge(data, maker, **options)
    (file,) = report.files
    stand = {signature.field for signature in file.signatures if passes(signature)}
    if report.exit_code == 0 and base.fields <= stand:
        return None
    return Alarm(change, base, data, tuple(report.reasons()))


def list_cases() -> Iterator[tuple[LaterChange, str]]:
    """Give every change with every kind of document that permits it."""
    return ((change, kind) for change in list_changes() for kind in KINDS if change.suits(kind))


def _edit(edit: Edit, form: Form, base: Base) -> bytes:
    return apply(base.data, edit, form)


# --- on documents of every kind


def _password(base: Base) -> dict[str, Any]:
    return {} if base.password is None else {"password": base.password}


def _stamp_any(base: Base) -> bytes:
    return write(
        lambda out: signing.timestamp(io.BytesIO(base.data), out, tsa=base.maker.tsa, **_password(base))
    )


def _raise_any(base: Base) -> bytes:
    maker = base.maker
    return write(
        lambda out: signing.extend(
            io.BytesIO(base.data), out, level="B-LTA", trust=maker.trust, tsa=maker.tsa, **_password(base)
        )
    )


def _number_any(base: Base) -> bytes:
    return write(
        lambda out: signing.number(
            io.BytesIO(base.data),
            out,
            number=5,
            notation="UBND-VP",
            date=dt.date(2026, 2, 5),
            **_password(base),
        )
    )


def _seal_any(base: Base) -> bytes:
    numbered = _number_any(base)
    return base.maker.sign(
        numbered, "a-seal", role="agency", field="Seal", image=SEAL_IMAGE, **_password(base)
    )


_EVERYWHERE: Final[dict[str, tuple[Step, int]]] = {
    "stamped": (_stamp_any, _ALWAYS),
    "raised": (_raise_any, _ALWAYS),
    "numbered": (_number_any, _FILLING),
    "numbered and sealed": (_seal_any, _FILLING),
}
