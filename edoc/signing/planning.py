"""Decide what a signature shows, where it stands and what it locks: from wishes, the role and the file."""

import datetime as dt
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from edoc.core.chain import ChainFacts
from edoc.core.evidence import Lock
from edoc.core.ids import display_date_vi
from edoc.core.policy import Policy
from edoc.core.ports import Holder
from edoc.core.zone import VIETNAM
from edoc.errors import InputError
from edoc.pdf import fields, placing, signer
from edoc.pdf.appearance import Look
from edoc.pdf.cades import require_digest
from edoc.pdf.document import Document, guarded
from edoc.pdf.fields import spell_number
from edoc.pdf.layout import MM, Place, Rect
from edoc.pdf.pictures import Picture
from edoc.policies import load_policy
from edoc.roles.role import Role, load_role
from edoc.signing.checks import SKIPPED, Check, check_certificate, check_person
from edoc.signing.levels import LEVELS
from edoc.signing.online import Online
from edoc.trust.certificates import read_certificate
from edoc.trust.fetch import Fetcher
from edoc.trust.revocation import Freshness
from edoc.trust.store import Trust

Checks = Literal["nd68", "none"]
"""What is checked before a key is used; `none` is for tests and benchmarks."""
LockName = Literal["none", "form", "all"]
"""What a new field locks: nothing; nothing yet, but only form filling may follow; everything."""

_LOCKS: Final[dict[str, Lock | None]] = {
    "none": None,
    "form": fields.PERSON_LOCK,
    "all": fields.LAST_SEAL_LOCK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the caller asks for; None leaves it to the role and the document."""

    role: Role
    at: dt.datetime
    digest: str
    field: str | None = None
    place: Place | None = None
    anchor: str | None = None
    picture: Picture | None = None
    number: int | None = None
    notation: str | None = None
    date: dt.date | None = None
    agency: str | None = None
    lock: LockName | None = None


def require_arguments(
    *, role: str | os.PathLike[str] | Role, level: str, checks: str, at: dt.datetime | None, digest: str
) -> tuple[Role, dt.datetime]:
    """Check what can be checked before any file is opened; give the role, and the claimed time.

    Raises `InputError`.
    """
    if checks not in get_args(Checks):
        raise InputError(f"{checks!r} are no checks.", advice=f"Checks are {', '.join(get_args(Checks))}.")
    if level not in LEVELS:
        raise InputError(f"there is no level {level!r}.", advice=f"Use {', '.join(LEVELS)}.")
    require_digest(digest)
    if at is not None and at.tzinfo is None:
        raise InputError("a signing time without its zone says nothing.", advice="Give its offset.")
    moment = (dt.datetime.now(VIETNAM) if at is None else at).replace(microsecond=0)
    return role if isinstance(role, Role) else load_role(role), moment


def require_means(level: str, online: Online, trust: Trust | None) -> None:
    """Raise `InputError` if a level is asked for that cannot be made with what is given."""
    if level != LEVELS[0] and not online.has_tsa:
        raise InputError(
            f"the level {level} needs a time-stamping authority.", advice="Name its address (tsa)."
        )
    if LEVELS.index(level) >= LEVELS.index("B-LT") and trust is None:
        raise InputError(f"the level {level} needs trusted roots.", advice="Give a trust store (--trust).")


def read_place(page: int | None, rect: Sequence[float] | None) -> Place | None:
    """Make a place from its page and corners. Raises `InputError` if one is missing."""
    if page is None and rect is None:
        return None
    if page is None or rect is None or len(rect) != 4:  # noqa: PLR2004 - two corners
        raise InputError("a new field needs its page and its rectangle x1, y1, x2, y2.")
    return Place(page, Rect(*rect))


def plan(document: Document, wish: Wish, holder: Holder) -> signer.Order:
    """Decide everything about a signature. Raises `InputError` or `Refused` if it cannot stand so."""
    with guarded(document.where):
        look = _compose(wish, holder)
        order = replace(_locate(document, wish, look), texts=_plan_texts(document, wish))
        signer.require_signable(document, order)
    return order


def run_checks(
    document: Document,
    holder: Holder,
    role: Role,
    *,
    checks: str,
    trust: Trust | None,
    at: dt.datetime,
    fetcher: Fetcher | None,
    freshness: Freshness | None,
    policy: str | Policy,
) -> tuple[ChainFacts | None, tuple[Check, ...]]:
    """Run the checks before signing; give the signer's path and what was checked. Raises `Refused`."""
    judged_by = load_policy(policy)
    if checks == "none":
        return None, SKIPPED
    chain, done = check_certificate(
        holder, kind=role.kind, trust=trust, at=at, fetcher=fetcher, freshness=freshness
    )
    if role.requires_person and trust is not None:
        done = (*done, check_person(document, trust=trust, policy=judged_by, at=at, fetcher=fetcher))
    return chain, done


def _plan_texts(document: Document, wish: Wish) -> dict[str, str]:
    """Number and date that a seal brings along for fields that were prepared for them."""
    is_seal = wish.role.requires_person and wish.role.fields  # the role `number` draws them itself
    if not is_seal or wish.number is None or wish.notation is None or wish.date is None:
        return {}
    values = fields.spell_texts(wish.number, wish.notation, wish.date)
    prepared = {field.name for field in document.fields}.issuperset(values)
    return values if prepared and fields.require_fillable(document, values) else {}


def _compose(wish: Wish, holder: Holder) -> Look | None:
    role = wish.role
    if role.image == "forbidden" and wish.picture is not None:
        raise InputError(f"the role {role.name} shows no image.", advice="Leave the image out (Annex I).")
    if role.image == "required" and wish.picture is None:
        raise InputError(f"the role {role.name} shows an image.", advice="Give one (--image).")
    if role.place == "number-and-date" and wish.place is None and wish.field is None:
        return Look()  # its words depend on the page
    lines = role.compose(
        number=None if wish.number is None else spell_number(wish.number, wish.notation or ""),
        date=None if wish.date is None else display_date_vi(wish.date),
        time=wish.at.astimezone(VIETNAM),
        agency=wish.agency or (read_certificate(holder.certificate).organization if role.lines else ""),
    )
    if wish.picture is None and not lines:
        return None
    return Look(
        picture=wish.picture,
        picture_mm=role.width_mm if role.actual_size else None,
        lines=lines,
        size=role.text_size,
    )


def _locate(document: Document, wish: Wish, look: Look | None) -> signer.Order:
    order = signer.Order(at=wish.at, field="", look=look, digest=wish.digest)
    if wish.field is not None and any(field.name == wish.field for field in document.fields):
        return replace(order, field=wish.field, place=wish.place)
    if wish.field is not None and wish.place is None and wish.anchor is None:
        raise InputError(
            f"this PDF has no field {wish.field}.",
            where=document.where,
            advice="Name another, or give the page and rectangle of a new one.",
        )
    free = wish.field is None and wish.place is None and wish.anchor is None
    ready = signer.choose_field(document, wish.role.fields) if free else None
    if ready is not None:
        return replace(order, field=ready)
    place = wish.place
    if place is None and (look is not None or wish.anchor is not None):
        place, look = _find_place(document, wish, look)
    name = wish.field or signer.invent_name(document, wish.role.new_field)
    return replace(order, field=name, place=place, look=look, lock=_LOCKS[wish.lock or wish.role.lock])


def _find_place(document: Document, wish: Wish, look: Look | None) -> tuple[Place, Look | None]:
    role, picture = wish.role, wish.picture
    width, height = role.width_mm * MM, role.height_mm * MM
    match role.place:
        case "person":
            return placing.place_person(document, anchor=wish.anchor, width=width, height=height), look
        case "seal":
            if picture is not None and role.actual_size:
                width, height = picture.measure(role.width_mm)
            return placing.place_seal(document, anchor=wish.anchor, width=width, height=height), look
        case "top-right" if look is not None:
            return placing.place_top_right(document, look, anchor=wish.anchor), look
        case "number-and-date":
            return _write_number_and_date(document, wish)
        case _:
            raise InputError(
                f"where the role {role.name} shows something is not known.",
                advice="Give the page and rectangle of the signature.",
            )


def _write_number_and_date(document: Document, wish: Wish) -> tuple[Place, Look]:
    if wish.number is None or wish.notation is None or wish.date is None:
        raise InputError(
            f"the role {wish.role.name} prints number, symbol and date.",
            advice="Give all three (--number, --notation, --date).",
        )
    number, _, notation = spell_number(wish.number, wish.notation).partition("/")
    place, words = placing.place_number_and_date(document, number=number, notation=notation, date=wish.date)
    return place, Look(words=words)
