"""Objects are read strictly and written as they were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic

from edoc.pdf.syntax import MAX_DEPTH, SyntaxFault, parse_object, write_object


def parse(text: bytes) -> object:
    return parse_object(text + b" ", 0, None, None)[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"12", 12),
        (b"-0", 0),
        (b"+7", 7),
        (b"/Na#6de", "/Name"),
        (b"/", "/"),
        (b"(a(b)c)", "a(b)c"),
        (b"(a\\(b\\\\)", "a(b\\"),
        (b"(\\101\\53)", "A+"),
        (b"(a\\\nb\r\nc)", b"ab\nc"),
        (b"<48 65 6>", "He`"),
        (b"% comment ) >>\n 5", 5),
        (b"<FEFF1EE6>", "Ủ"),
    ],
)
def test_each_kind_of_object_is_understood(text: bytes, value: object) -> None:
    assert parse(text) == value


def test_references_know_where_they_lead() -> None:
    found = parse(b"[1 0 R 2 0 3 0 R]")
    assert isinstance(found, generic.ArrayObject)
    kinds = [type(found.raw_get(index)).__name__ for index in range(len(found))]
    assert kinds == ["IndirectObject", "NumberObject", "NumberObject", "IndirectObject"]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"]",
        b"[1",
        b"<</A>>",
        b"<</A 1 /A 2>>",
        b"<<1 2>>",
        b"<</A 1]",
        b"(open",
        b"<4x>",
        b"1.2.3",
        b"--5",
        b"nul",
        b"endobj",
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
    ],
)
def test_what_is_not_to_the_letter_is_refused(text: bytes) -> None:
    with pytest.raises(SyntaxFault):
        parse(text)


PIECES = st.recursive(
    st.sampled_from(
        [
            b"null",
            b"true",
            b"-12",
            b"+.50",
            b"4.",
            b"/A#20b",
            b"(x\\)y\\\r\n)",
            b"(\\7(z))",
            b"<0aF>",
            b"3 0 R",
        ]
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: b"[ " + b"".join(item + b" " for item in items) + b"]"),
        st.lists(inner, max_size=3).map(
            lambda items: (
                b"<<"
                + b"".join(b"/K#%02d %b\n" % (41 + number, item) for number, item in enumerate(items))
                + b">>"
            )
        ),
    ),
    max_leaves=20,
)


@given(PIECES)
def test_what_is_read_and_written_again_means_the_same_and_keeps_its_spelling(text: bytes) -> None:
    once = write_object(parse(text))
    assert write_object(parse(once)) == once
    for leaf in (b"+.50", b"(x\\)y\\\r\n)", b"/A#20b", b"<0aF>"):
        assert once.count(leaf) == text.count(leaf)
