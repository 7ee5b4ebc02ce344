"""Read a `pkcs11:` URI (RFC 7512).

parse_uri("pkcs11:token=Van%20thu;object=seal?pin-source=file:/etc/edoc/pin")
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from edoc.errors import KeyLoadError

_PATH: Final = frozenset(
    {
        *("token", "manufacturer", "serial", "model", "object", "type", "id"),
        *("library-manufacturer", "library-version", "library-description"),
        *("slot-manufacturer", "slot-description", "slot-id"),
    }
)
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUri:
    """Which key on which token; None where anything will do."""

    token: str | None = None
    manufacturer: str | None = None
    serial: str | None = None
    model: str | None = None
    slot_id: int | None = None
    object: str | None = None
    id: bytes | None = None
    module_path: str | None = None
    module_name: str | None = None
    pin_source: str | None = None


def parse_uri(text: str) -> TokenUri:
    """Read a URI. Raises `KeyLoadError` for one that is malformed, carries a PIN, or names no private key."""
    path, _, query = text.partition(":")[2].partition("?")
    given = _split(path, ";")
    asked = _split(query, "&")
    # RFC 7512, 2.3: an unknown path attribute matches nothing; an unknown query attribute is passed over.
    for name in given:
        if name not in _PATH and not name.startswith("x-"):
            raise KeyLoadError(f"a pkcs11: URI has no attribute {name}.", advice="See RFC 7512.")
    if "pin-value" in asked:
        raise KeyLoadError(
            "a PIN does not belong in a URI, where others can read it.",
            advice="Use --passphrase-file, --passphrase-env, or pin-source=file:… in the URI.",
        )
    if given.get("type", b"private") != b"private":
        raise KeyLoadError("this pkcs11: URI does not name a private key.", advice="Leave type= out.")
    words = {name: _decode(value, name) for name, value in {**given, **asked}.items() if name != "id"}
    slot = words.get("slot-id")
    if slot is not None and not slot.isdecimal():
        raise KeyLoadError("the slot-id of a pkcs11: URI is a number.")
    return TokenUri(
        token=words.get("token"),
        manufacturer=words.get("manufacturer"),
        serial=words.get("serial"),
        model=words.get("model"),
        slot_id=None if slot is None else int(slot),
        object=words.get("object"),
        id=given.get("id"),
        module_path=words.get("module-path"),
        module_name=words.get("module-name"),
        pin_source=words.get("pin-source"),
    )


def _split(text: str, separator: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for part in filter(None, text.split(separator)):
        name, equals, value = part.partition("=")
        if not equals or _BAD_ESCAPE.search(value):
            raise KeyLoadError(
                f"the part {name!r} of this pkcs11: URI is no attribute with a value.",
                advice="Write attributes as name=value, special characters as %20.",
            )
        if name in found:
            raise KeyLoadError(f"this pkcs11: URI names {name} twice.")
        found[name] = unquote_to_bytes(value)
    return found


def _decode(value: bytes, name: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise KeyLoadError(f"{name} in this pkcs11: URI is no UTF-8.") from error
