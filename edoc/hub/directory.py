"""The agencies that a hub knows, by their codes in both forms, and the systems that answer for them.

A system is what calls: it has a secret and an agency of its own. On the axis it may register agencies that
lie below its own, and answers for those too; everything else the operator enters. A code once given stays:
an agency that was deleted keeps its row, and its packages.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, func, insert, or_, select, update

from edoc.axis.replies import AgencyRow, Registration, UnitRow
from edoc.axis.wire import ErrorCode
from edoc.core.agencies import is_below
from edoc.core.ids import AgencyCode, agency_level, parse_agency_code
from edoc.hub import tables as t
from edoc.hub.moments import show_time
from edoc.hub.refusals import BAD_CALL, CallRefusedError
from edoc.hub.words import tame
from edoc.node.tables import instant

_MOST: Final = 500
"""Characters of a name or an address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An agency as it is to stand in the list."""

    code: str
    old_code: str = ""
    """The same agency's code in the other form."""
    parent_code: str = ""
    name: str
    mail: str = ""
    mobile: str = ""
    fax: str = ""


def find_agency(connection: Connection, code: str) -> Row[Any] | None:
    """Give the agency of a code in either form, unless it was deleted."""
    wanted = code.strip()
    query = select(t.agencies).where(_has_code(wanted) & t.agencies.c.deleted_at.is_(None))
    return connection.execute(query).first() if wanted.isprintable() else None


def resolve_receivers(connection: Connection, codes: Iterable[str]) -> tuple[str, ...]:
    """Give the receivers' codes as they stand in the list, each once, in order.

    Raises `CallRefusedError` that names all who are unknown, or says that there is none.
    """
    found, unknown = set(), []
    for code in codes:
        row = find_agency(connection, code)
        if row is None:
            unknown.append(code[:35])
        else:
            found.add(row.code)
    if unknown or not found:
        raise CallRefusedError(
            ErrorCode.UNKNOWN_RECEIVER,
            f"not registered here: {', '.join(unknown)}." if unknown else "the package has no receiver.",
            advice="Nothing was sent to anybody. Compare the codes with the list of agencies.",
        )
    return tuple(sorted(found))


def require_system(connection: Connection, system: str) -> Row[Any]:
    """Give the agency that is a system's own. Raises `CallRefusedError`."""
    query = select(t.agencies).join(t.systems, t.systems.c.agency == t.agencies.c.code)
    row = connection.execute(
        query.where(
            (t.systems.c.id == system)
            & (t.agencies.c.system == system)  # the operator may have given it to another system since
            & t.agencies.c.deleted_at.is_(None)
        )
    ).first()
    if row is None:
        raise CallRefusedError(
            ErrorCode.SENDER_NOT_REGISTERED,
            "no agency is registered for this system.",
            advice="Have the hub's operator register it.",
        )
    return row


def require_sender(connection: Connection, system: str, code: str) -> str:
    """Give the sender's code as it stands in the list; raises `CallRefusedError` for another's."""
    row = find_agency(connection, code) if code.strip() else None
    if row is None or row.system != system:
        raise CallRefusedError(
            ErrorCode.SENDER_NOT_REGISTERED,
            f"the sender {code.strip()[:35] or '(none)'} is not registered for this system.",
            advice="A system sends for its own agency and for those that it registered.",
        )
    return str(row.code)


def select_codes(system: str) -> Select[tuple[str]]:
    """All agencies for which a system answers, deleted ones included: their packages still wait."""
    return select(t.agencies.c.code).where(t.agencies.c.system == system)


def list_agencies(connection: Connection, *, level: int | None = None) -> tuple[AgencyRow, ...]:
    """All agencies, or those of one level (1 for ministries and provinces)."""
    rows = [row for row in _all(connection) if row.deleted_at is None]
    ids = {row.code: str(row.id) for row in rows}
    return tuple(
        AgencyRow(
            id=ids[row.code],
            pid=ids.get(row.parent_code, ""),
            code=row.code,
            name=row.name,
            mail=row.mail,
            old_code=row.old_code or "",
            code102=row.old_code or "",
        )
        for row in rows
        if level is None or agency_level(AgencyCode(row.code)) == level
    )


def list_units(connection: Connection, *, center_code: str) -> tuple[UnitRow, ...]:
    """All agencies with what a copy of the list needs to stay up to date; deleted ones are marked."""
    rows = _all(connection)
    ids = {row.code: str(row.id) for row in rows}
    return tuple(
        UnitRow(
            id=ids[row.code],
            pid=ids.get(row.parent_code, ""),
            code=row.code,
            name=row.name,
            mail=row.mail,
            version=row.version,
            center_code=center_code,
            deleted=row.deleted_at is not None,
            modify_date=show_time(row.changed_at),
            is_agency=True,
        )
        for row in rows
    )


def register(connection: Connection, wanted: Registration, *, system: str, at: datetime) -> str:
    """Enter or change an agency below the system's own; returns its code. Raises `CallRefusedError`."""
    own = require_system(connection, system)
    code = parse_agency_code(wanted.code)
    if not is_below(code, AgencyCode(own.code)):
        raise CallRefusedError(
            BAD_CALL,
            f"{code} does not lie below {own.code}.",
            advice="Agencies elsewhere are entered by the hub's operator.",
        )
    parent = find_agency(connection, wanted.parent_code or own.code)
    if parent is None or parent.system != system or parent.code == code:
        raise CallRefusedError(BAD_CALL, "the agency above it is not one of this system's: pcode.")
    standing = _standing(connection, code)
    if standing is not None and standing.system != system:
        raise CallRefusedError(BAD_CALL, f"{code} is registered by another system.")
    entry = Entry(
        code=code,
        old_code=(standing.old_code or "") if standing is not None else "",
        parent_code=parent.code,
        name=wanted.name or code,
        mail=wanted.mail,
        mobile=wanted.mobile,
        fax=wanted.fax,
    )
    return enter(connection, entry, system=system, at=at)


def enter(connection: Connection, entry: Entry, *, system: str, at: datetime) -> str:
    """Write an agency into the list, whoever it was registered by before; returns its code.

    Raises `CallRefusedError` if one of its codes is another agency's.
    """
    code = parse_agency_code(entry.code)
    old_code = parse_agency_code(entry.old_code) if entry.old_code else None
    values = {
        "old_code": old_code,
        "parent_code": parse_agency_code(entry.parent_code) if entry.parent_code else "",
        "system": system,
        "name": tame(entry.name, _MOST),
        "mail": tame(entry.mail, _MOST),
        "mobile": tame(entry.mobile, _MOST),
        "fax": tame(entry.fax, _MOST),
        "changed_at": instant(at),
        "deleted_at": None,
    }
    taken = select(t.agencies.c.code).where(or_(_has_code(code), _has_code(old_code or code)))
    others = set(connection.execute(taken).scalars()) - {code}
    if others:
        raise CallRefusedError(BAD_CALL, f"one of its codes is that of {', '.join(sorted(others))}.")
    standing = _standing(connection, code)
    if standing is None:
        connection.execute(insert(t.agencies).values(code=code, version=1, created_at=instant(at), **values))
    else:
        changed = update(t.agencies).where(t.agencies.c.code == code)
        connection.execute(changed.values(version=standing.version + 1, **values))
    return code


def enter_system(connection: Connection, system: str, agency: str, *, at: datetime) -> None:
    """Make a system whose own agency this is, unless it stands there already with another one."""
    standing = connection.execute(select(t.systems.c.agency).where(t.systems.c.id == system)).first()
    if standing is None:
        connection.execute(insert(t.systems).values(id=system, agency=agency, created_at=instant(at)))


def delete(connection: Connection, code: str, *, system: str, at: datetime) -> str:
    """Take an agency that the system registered off the list; returns its code. Raises `CallRefusedError`."""
    own = require_system(connection, system)
    row = find_agency(connection, code)
    if row is None or row.system != system or row.code == own.code:
        raise CallRefusedError(
            BAD_CALL,
            f"{code.strip()[:35] or '(none)'} is none of the agencies that this system registered.",
            advice="A system's own agency is taken off the list by the hub's operator.",
        )
    strike(connection, row, at=at)
    return str(row.code)


def strike(connection: Connection, agency: Row[Any], *, at: datetime) -> None:
    """Take an agency off the list; its packages stay."""
    changed = update(t.agencies).where(t.agencies.c.code == agency.code)
    connection.execute(
        changed.values(version=agency.version + 1, changed_at=instant(at), deleted_at=instant(at))
    )


def count_systems(connection: Connection) -> int:
    """How many systems may call."""
    return connection.execute(select(func.count()).select_from(t.systems)).scalar_one()


def _standing(connection: Connection, code: str) -> Row[Any] | None:
    return connection.execute(select(t.agencies).where(t.agencies.c.code == code).with_for_update()).first()


def _all(connection: Connection) -> list[Row[Any]]:
    return list(connection.execute(select(t.agencies).order_by(t.agencies.c.id)))


def _has_code(code: str) -> Any:
    return or_(t.agencies.c.code == code, t.agencies.c.old_code == code)
