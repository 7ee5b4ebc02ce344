"""CMS that stands in a file of its own: as DER, as PEM, or in the answer of a time-stamp authority.

facts = read_detached(contents, digest)      # .p7s beside its file; is_token for .tst and .tsr
"""

import binascii
import re
from typing import Final

from edoc.pdf.cms import read_cms
from edoc.pdf.cmsder import INTEGER, OID, SEQUENCE, Malformed, read_first
from edoc.pdf.cmsfacts import CmsFacts, Digest
from edoc.pdf.cmsnames import SIGNED_DATA

MAX_LOOSE: Final = 16 << 20
"""Bytes: a signature with all its evidence is a hundredth of it."""

_PEM: Final = re.compile(rb"-----BEGIN ([A-Z0-9 #]{1,40})-----\s([A-Za-z0-9+/=\s]+)-----END \1-----")
_ARMOUR: Final = b"-----BEGIN "
_GRANTED: Final = (b"\x00", b"\x01")
_WHITE: Final = b" \t\r\n"
_SNIFFED: Final = 64


def is_loose(start: bytes) -> bool:
    """Whether a file that starts like this (64 bytes or more) is a CMS or a time-stamp answer."""
    if start.lstrip(_WHITE).startswith(_ARMOUR):
        label = start.lstrip(_WHITE)[len(_ARMOUR) : _SNIFFED]
        return label.startswith((b"CMS", b"PKCS7", b"PKCS #7", b"TIMESTAMP", b"TIME STAMP"))
    head = start[:_SNIFFED]
    return head[:1] == b"\x30" and SIGNED_DATA in head


def open_loose(contents: bytes) -> bytes:
    """Give the CMS (DER or BER) in the contents of such a file. Raises `ValueError` if there is none."""
    if len(contents) > MAX_LOOSE:
        raise Malformed("the signature is too large")
    text = contents.lstrip(_WHITE)
    if text.startswith(_ARMOUR):
        found = _PEM.match(text)
        if found is None:
            raise Malformed("the PEM is cut off")
        try:
            contents = binascii.a2b_base64(found[2])
        except binascii.Error as error:
            raise Malformed("the PEM holds no base64") from error
    whole = read_first(contents, SEQUENCE)
    if whole.first.tag == OID:
        return contents
    first, *rest = whole.parts
    # RFC 3161, 2.4.2: TimeStampResp
    status = first.expect(SEQUENCE).parts
    if not status or status[0].expect(INTEGER).content not in _GRANTED or len(rest) != 1:
        raise Malformed("the time-stamp was not granted")
    return rest[0].expect(SEQUENCE).raw


def read_detached(contents: bytes, digest: Digest | None) -> CmsFacts:
    """Read a detached CMS or a time-stamp token (DER, PEM, TimeStampResp) and check it against the file.

    `digest` digests the signed or stamped file; None if that is not at hand. Raises `ValueError` on bytes
    that are neither.
    """
    return read_cms(open_loose(contents), digest)
