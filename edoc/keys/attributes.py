"""What objects on a token say of themselves, read from tokens that say it loosely.

Labels that are no UTF-8 or padded with NULs, truth values of four bytes, attributes that are sensitive,
unknown or absent: none of that may hide a key that can sign.
"""

import unicodedata
from contextlib import closing
from itertools import islice
from struct import error as StructError  # noqa: N812 - its name says nothing
from typing import Any, Final

from pkcs11 import Attribute, ObjectClass
from pkcs11 import exceptions as p11
from pkcs11.attributes import AttributeMapper

MAX_OBJECTS: Final = 1000
"""Objects of one class read from a token; some tokens list the same ones without end."""

_UNREADABLE: Final = (
    p11.AttributeTypeInvalid,
    p11.AttributeSensitive,
    p11.AttributeValueInvalid,
    p11.ArgumentsBad,
    p11.FunctionFailed,
    p11.FunctionNotSupported,
    IndexError,
)


class LooseMapper(AttributeMapper):
    """Python values of attributes; None for what is malformed."""

    def unpack_attributes(self, key: Attribute, value: bytes) -> Any:
        """Read one value."""
        if int(key) == Attribute.LABEL:
            return value.decode(errors="replace")
        try:
            return super().unpack_attributes(key, value)
        except StructError:
            return any(value)  # a truth value of another length
        except (ValueError, NotImplementedError):
            return None


def read(item: Any, attribute: Attribute) -> Any:
    """Read an attribute; None where the token does not give it."""
    try:
        return item[attribute]
    except _UNREADABLE:
        return None


def list_objects(session: Any, kind: ObjectClass) -> list[Any]:
    """List the objects of a class, each once."""
    with closing(session.get_objects({Attribute.CLASS: kind})) as found:
        return list({item.handle: item for item in islice(found, MAX_OBJECTS)}.values())


def clean(text: str | None) -> str:
    """Give a token's text in one form (NFC), without the padding that some leave in."""
    return unicodedata.normalize("NFC", (text or "").strip("\x00 \t\r\n"))


def label_of(item: Any) -> str:
    """Give an object's label, or nothing."""
    return clean(read(item, Attribute.LABEL))


def id_of(item: Any) -> bytes:
    """Give an object's CKA_ID, or nothing."""
    return bytes(read(item, Attribute.ID) or b"")


def describe(item: Any) -> str:
    """Name an object to people."""
    label = "".join(letter for letter in label_of(item) if letter.isprintable())
    return f"{label or '(no label)'} (id {id_of(item).hex() or 'none'})"
