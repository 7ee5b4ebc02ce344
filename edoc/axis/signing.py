"""The signature of a call on the axis, as the SDK makes it: an HMAC over parameters that travel as headers.

    headers = sign_call(parameters, system_id="H99.01", secret=secret, at=now)     # the client
    call = read_call(request.headers)                                             # the server
    if not call.is_signed_with(secret): …

Every parameter is a header `XroadVnpt-NAME`. All of them form one JSON object, in the order in which a Java
`HashMap` gives them; `XroadVnpt-sign-header` carries that text, `-sign-header-key` the bare names and
`-hash-header` the HMAC-SHA256 of the text. A server never rebuilds the text: it counts as it came. The body
is not covered, except through the parameter `hash-file`.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from edoc.core.zone import VIETNAM
from edoc.errors import InputError, Refused

PREFIX: Final = "XroadVnpt-"
"""Before the name of each parameter that travels as a header."""
VERSION: Final = "3.0.201608"
USER_AGENT: Final = "JAVASDKAgent/1.0.0 XRoad/VPCP"
SIGNED_TEXT: Final = PREFIX + "sign-header"
SIGNED_NAMES: Final = PREFIX + "sign-header-key"
SIGNATURE: Final = PREFIX + "hash-header"
MAX_TEXT: Final = 64 << 10
"""Characters of the signed text that are looked at."""
MAX_PARAMETERS: Final = 64

_CONTENT_TYPE: Final = "Content-Type"
# Some digits more or less are Java's affair; years that no clock shows would break the arithmetic of times.
_TIMESTAMP: Final = re.compile(r"(\d{2})(\d{2})([12]\d{3})T(\d{2})(\d{2})(\d{2})\+(\d{1,6})", re.ASCII)
_NAME: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}", re.ASCII)
# `HashMap` starts with 16 buckets and doubles them when they are three quarters full.
_BUCKETS: Final = 16
_INT: Final = 0xFFFF_FFFF


class CallNotSignedError(Refused):
    """The headers of a call are not what was signed, or no signature at all."""

    code = "AXIS_SIGNATURE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a call claims about itself; true only if `is_signed_with` says so."""

    system_id: str
    timestamp: datetime
    """When the caller's SDK was started, which may be long ago; with zone."""
    parameters: Mapping[str, str]
    """The signed parameters by their names as they came, without prefix and without the three of above."""
    text: str = field(repr=False)
    signature: str

    def is_signed_with(self, secret: str) -> bool:
        """Tell whether the signature is the one of the text as it came."""
        return hmac.compare_digest(_sign(self.text, secret).encode(), self.signature.lower().encode())


def sign_call(
    parameters: Mapping[str, str],
    *,
    system_id: str,
    secret: str,
    at: datetime,
    content_type: str = "application/json",
) -> dict[str, str]:
    """Make all headers of a call. `at` is written in Vietnam's time, as machines there do.

    Raises `InputError` for a name or a value that cannot travel as a header: such a value would arrive
    changed, and the signature would not hold.
    """
    values = {"timestamp": format_timestamp(at), "systemid": system_id, _CONTENT_TYPE: content_type}
    values.update(parameters)
    for name, value in values.items():
        _check(name, value)
    names = order_as_java(values)
    text = json.dumps({PREFIX + name: values[name] for name in names}, separators=(",", ":"))
    return {
        _CONTENT_TYPE: content_type,
        **{PREFIX + name: values[name] for name in names},
        SIGNED_NAMES: ";".join(names),
        SIGNED_TEXT: text,
        SIGNATURE: _sign(text, secret),
        PREFIX + "version": VERSION,
        "User-Agent": USER_AGENT,
    }


def read_call(headers: Iterable[tuple[str, str]]) -> Call:
    """Read what a call's headers claim; a name may come more than once, and in any case.

    Each name that was signed must also stand among the headers with the same value; only what was signed is
    given back. Raises `CallNotSignedError`.
    """
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name.lower(), []).append(value.strip())
    text, signature = _take_one(found, SIGNED_TEXT), _take_one(found, SIGNATURE)
    values = _parse(text)
    names = {_bare(name) for name in _take_one(found, SIGNED_NAMES).split(";")}
    if names != {name.lower() for name in values}:
        raise CallNotSignedError("the signed names are not those of the signed text.", where=SIGNED_NAMES)
    for name, value in values.items():
        # An SDK that met both `docId` and `docid` sends both; a relay may join the two.
        came = found.get((PREFIX + name).lower(), [])
        if value.strip() not in (*came, *", ".join(came).split(", ")):
            raise CallNotSignedError("a header is not what was signed.", where=PREFIX + name)
    own = {name: values.pop(name, "") for name in ("systemid", "timestamp", _CONTENT_TYPE)}
    if not own["systemid"]:
        raise CallNotSignedError("the call does not say who made it.", where=SIGNED_TEXT)
    return Call(
        system_id=own["systemid"],
        timestamp=parse_timestamp(own["timestamp"]),
        parameters=values,
        text=text,
        signature=signature,
    )


def order_as_java(names: Iterable[str]) -> tuple[str, ...]:
    """Give names in the order of a `java.util.HashMap` into which they were put in this one.

    Growing keeps the order within a bucket, so the final number of buckets decides.
    """
    given = tuple(dict.fromkeys(names))
    buckets = _BUCKETS
    while len(given) > buckets * 3 // 4:
        buckets *= 2
    return tuple(sorted(given, key=lambda name: _spread(name) & (buckets - 1)))


def hash_file(digest: bytes) -> str:
    """Write a SHA-256 as the SDK does: in hex byte by byte, a byte below 16 with one digit only."""
    return "".join(f"{byte:x}" for byte in digest)


def hash_bytes(content: bytes) -> str:
    """Give the `hash-file` of a content."""
    return hash_file(hashlib.sha256(content).digest())


def format_timestamp(at: datetime) -> str:
    """Write `ddMMyyyy'T'HHmmss+SSSS`; what follows the plus sign are milliseconds and no zone."""
    local = at.astimezone(VIETNAM)
    return f"{local:%d%m%Y}T{local:%H%M%S}+{local.microsecond // 1000:04d}"


def parse_timestamp(text: str) -> datetime:
    """Read a call's time, which is taken for Vietnam's. Raises `CallNotSignedError`."""
    found = _TIMESTAMP.fullmatch(text)
    try:
        if found is not None:
            day, month, year, hour, minute, second, thousandth = map(int, found.groups())
            return datetime(year, month, day, hour, minute, second, thousandth * 1000, VIETNAM)
    except ValueError:
        pass  # no such day or hour
    raise CallNotSignedError(
        "the call's time cannot be read.",
        where=repr(text[:40]),
        advice="Write it as ddMMyyyy'T'HHmmss+SSSS.",
    )


def _spread(name: str) -> int:
    """`HashMap.hash`: the hash of the text, its upper half mixed into the lower."""
    units = name.encode("utf-16-be", "surrogatepass")
    value = 0
    for place in range(0, len(units), 2):
        value = value * 31 + (units[place] << 8) + units[place + 1] & _INT
    return value ^ value >> 16


def _sign(text: str, secret: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def _check(name: str, value: str) -> None:
    if not _NAME.fullmatch(name):
        raise InputError("this cannot be the name of a parameter.", where=repr(name[:80]))
    if not (value.isascii() and value.isprintable()) or value != value.strip():
        raise InputError(
            "the value cannot travel as a header: on the axis, other letters than ASCII arrive changed.",
            where=PREFIX + name,
            advice="Write it in ASCII, without line breaks and without blanks around it.",
        )


def _take_one(found: Mapping[str, list[str]], name: str) -> str:
    """The one value of a header without which a call is not signed."""
    values = found.get(name.lower(), [])
    if len(values) != 1 or not values[0] or not values[0].isascii():
        raise CallNotSignedError(
            "the call is not signed, or not in ASCII.",
            where=name,
            advice="Other letters than ASCII arrive changed: no parameter may hold one.",
        )
    return values[0]


def _bare(name: str) -> str:
    return name.strip().lower().removeprefix(PREFIX.lower())


def _parse(text: str) -> dict[str, str]:
    try:
        pairs = json.loads(text, object_pairs_hook=tuple) if len(text) <= MAX_TEXT else None
    except (ValueError, RecursionError):
        pairs = None
    if not isinstance(pairs, tuple) or len(pairs) > MAX_PARAMETERS:
        raise CallNotSignedError("the signed text is no small object.", where=SIGNED_TEXT)
    values: dict[str, str] = {}
    for key, value in pairs:
        name = str(key)[len(PREFIX) :]
        fits = key.startswith(PREFIX) and _NAME.fullmatch(name) and name not in values
        if not fits or not isinstance(value, str):
            raise CallNotSignedError("the signed text holds what is no parameter.", where=SIGNED_TEXT)
        values[name] = value
    return values
