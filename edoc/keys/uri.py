"""Read a `pkcs11:` URI (RFC 7512).

parse_uri("pkcs11:token=Van%20thu;object=seal?pin-source=file:/etc/edoc/pin")

A URI that names something more than this reader knows matches nothing, so it is refused (2.4, 2.5); one that
carries a PIN is refused, and the PIN is not repeated.
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
_QUERY: Final = frozenset({"pin-source", "module-path", "module-name"})
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NUMBER: Final = re.compile(r"[0-9]{1,20}")
_VERSION: Final = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,3}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenUri:
    """Which key on which token; None where anything will do."""

    token: str | None = None
    manufacturer: str | None = None
    serial: str | None = None
    model: str | None = None
    slot_id: int | None = None
    slot_manufacturer: str | None = None
    slot_description: str | None = None
    library_manufacturer: str | None = None
    library_description: str | None = None
    library_version: tuple[int, int] | None = None
    object: str | None = None
    id: bytes | None = None
    module_path: str | None = None
    module_name: str | None = None
    pin_source: str | None = None


def parse_uri(text: str) -> TokenUri:
    """Read a URI. Raises `KeyLoadError` for one that is malformed, carries a PIN, or names no private key."""
    if "pin-value" in text.lower():  # wherever it stands, for what is misplaced would be shown in an error
        raise KeyLoadError(
            "a PIN does not belong in a URI, where others can read it.",
            advice="Use --passphrase-file, --passphrase-env, or pin-source=file:… in the URI.",
        )
    path, _, query = text.partition(":")[2].partition("?")
    given = _split(path, ";", _PATH)
    asked = _split(query, "&", _QUERY)
    if given.pop("type", b"private") != b"private":
        raise KeyLoadError("this pkcs11: URI does not name a private key.", advice="Leave type= out.")
    number = given.pop("id", None)
    words = {name.replace("-", "_"): _decode(value, name) for name, value in {**given, **asked}.items()}
    slot = words.pop("slot_id", None)
    version = words.pop("library_version", None)
    return TokenUri(
        **words,
        id=number,
        slot_id=None if slot is None else _read_slot(slot),
        library_version=None if version is None else _read_version(version),
    )


def _split(text: str, separator: str, known: frozenset[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for part in filter(None, text.split(separator)):
        name, equals, value = part.partition("=")
        if not equals or not _NAME.fullmatch(name) or _BAD_ESCAPE.search(value):
            raise KeyLoadError(
                f"an attribute of this pkcs11: URI is malformed ({_shorten(name)}).",
                advice="Write attributes as name=value, special characters as %20.",
            )
        if name not in known:
            if known is _QUERY:
                continue  # RFC 7512, 2.4: passed over, even where a vendor's stands there twice
            raise KeyLoadError(
                f"a pkcs11: URI has no attribute {name} that is known.", advice="Leave it out."
            )
        if name in found:
            raise KeyLoadError(f"this pkcs11: URI names {name} twice.")
        found[name] = unquote_to_bytes(value.encode(errors="surrogateescape"))
    return found


def _shorten(name: str) -> str:
    return ascii(name[:32])


def _decode(value: bytes, name: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise KeyLoadError(f"{name} in this pkcs11: URI is no UTF-8.") from error


def _read_slot(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise KeyLoadError("the slot-id of a pkcs11: URI is a number.")
    return int(text)


def _read_version(text: str) -> tuple[int, int]:
    found = _VERSION.fullmatch(text)
    if found is None:
        raise KeyLoadError("the library-version of a pkcs11: URI is a number like 2.6.")
    return int(found[1]), int(found[2] or 0)
