"""However a package arrives, in large pieces or small, the same is read; large contents pass the parser."""

import base64
import io
import random
from collections.abc import Iterator
from hashlib import sha256
from unittest.mock import patch

import pytest
from edxmlmaking import ENDS, TYPES, UUID, foreign, zipped

from edoc.edxml import tree
from edoc.packing import Unpacked, unpack

BEGIN = 64 << 10
"""Bytes that are waited for before anything is parsed."""
NOISE = random.Random(5).randbytes(300_000)
CONTENTS = (
    NOISE[:200_000],
    b"",
    b"short",
    NOISE[:1500],
    zipped({f"{UUID}.bin": NOISE[:50_000]}),
    NOISE[200_000:],
)
TAGS = (
    ("<ContentTransferEncoded>", "</ContentTransferEncoded>"),
    ("<x:Content a='>' b=\"x>\">", "</x:Content>"),
    ("<ContentTransferEncoded><!-- a > b -->", "</ContentTransferEncoded>"),
    ("<ContentTransferEncoded\n>\n", "\n</ContentTransferEncoded>"),
    ("<ContentTransferEncoded><![CDATA[", "]]></ContentTransferEncoded>"),
)


def holder(number: int, content: bytes, opening: str, closing: str) -> str:
    encoded = base64.b64encode(content).decode()
    name = f"<ContentId>cid:{number}</ContentId><AttachmentName>{number}.bin</AttachmentName>"
    return f"<Attachment>{name}{opening}{encoded}{closing}</Attachment>"


PACKAGES = [
    foreign(
        f"{ENDS}{TYPES}<Subject>{'a > b ' * 900}</Subject>",
        attachments="".join(holder(number, each, *tags) for number, each in enumerate(CONTENTS)),
    )
    for tags in TAGS
]


class Pieces(io.RawIOBase):
    """A stream that hands out pieces of these sizes in turns, after one that is large enough to begin."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._pieces = self._cut(data, sizes)

    @staticmethod
    def _cut(data: bytes, sizes: list[int]) -> Iterator[bytes]:
        at, turn = min(BEGIN + 1, len(data)), 0
        yield data[:at]
        while at < len(data):
            yield data[at : at + sizes[turn % len(sizes)]]
            at, turn = at + sizes[turn % len(sizes)], turn + 1

    def read(self, _size: int = -1) -> bytes:
        return next(self._pieces, b"")


def told(found: Unpacked) -> object:
    assert found.dispatch is not None
    return found.dispatch, [(warning.code, warning.where) for warning in found.warnings], found.sha256


@pytest.mark.parametrize("package", PACKAGES, ids=[opening for opening, _ in TAGS])
@pytest.mark.parametrize("sizes", [[997], [64, 4096, 11], [30_011], [513, 1023]], ids=str)
def test_the_same_is_read_from_pieces_of_any_size(package: bytes, sizes: list[int]) -> None:
    whole = unpack(io.BytesIO(package))
    assert whole.dispatch is not None
    expected = [*CONTENTS[:4], NOISE[:50_000], CONTENTS[5]]
    assert [each.sha256 for each in whole.dispatch.attachments] == [
        sha256(content).hexdigest() for content in expected
    ]
    assert told(unpack(Pieces(package, sizes))) == told(whole)  # type: ignore[arg-type]


@pytest.mark.parametrize("package", PACKAGES, ids=[opening for opening, _ in TAGS])
def test_the_same_is_read_with_every_byte_going_through_the_parser(package: bytes) -> None:
    whole = told(unpack(io.BytesIO(package)))
    with patch.object(tree, "_LONG", 1 << 40):
        assert told(unpack(io.BytesIO(package))) == whole


def test_lines_behind_a_content_that_passed_the_parser_by_are_right() -> None:
    lines = "\n".join(base64.b64encode(NOISE[at : at + 57]).decode() for at in range(0, 5700, 57))
    content = f"<ContentTransferEncoded>{lines}</ContentTransferEncoded>"
    package = foreign(ENDS + TYPES, attachments=f"<Attachment>{content}\n<Odd/></Attachment>")
    (odd,) = [each for each in unpack(io.BytesIO(package)).warnings if each.code == "ELEMENT_KEPT"]
    line = package[: package.index(b"<Odd")].count(b"\n") + 1
    assert odd.where.endswith(f"line {line}")
