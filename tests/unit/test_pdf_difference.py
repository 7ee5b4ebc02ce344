"""What an update did, explained object by object; whatever is not plain is left to a slower analysis."""

import io
from collections.abc import Mapping

import pytest
from composing import SIMPLE, append, compose, make_stream

from edoc.core.report import Changes
from edoc.pdf.comparing import Mentions
from edoc.pdf.difference import Explanation, explain
from edoc.pdf.fieldlist import list_fields
from edoc.pdf.ordinary import OrdinaryReader, Unordinary

FIELD = b"<</FT/Sig/T(Seal)/Type/Annot/Subtype/Widget/Rect[10 10 60 60]/P 3 0 R%b>>"
TEXT = b"<</FT/Tx/T(Number)/Type/Annot/Subtype/Widget/Rect[70 10 99 60]/P 3 0 R%b>>"
FORM = {
    **SIMPLE,
    1: b"<</Type/Catalog/Pages 2 0 R/AcroForm 4 0 R>>",
    3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 7 0 R/Annots[5 0 R 6 0 R]>>",
    4: b"<</Fields[5 0 R 6 0 R]>>",
    5: FIELD % b"",
    6: TEXT % b"",
    7: make_stream(b"", b"0 0 9 9 re f"),
}
SIGNATURE = b"<</Type/Sig/Contents<30>>>"
STAMP = b"<</Type/DocTimeStamp/Contents<30>>>"
HIDDEN = b"<</FT/Sig/T(Stamp)/Type/Annot/Subtype/Widget/Rect[0 0 0 0]/V 21 0 R/P 3 0 R>>"
STORE = FORM | {
    1: b"<</Type/Catalog/Pages 2 0 R/AcroForm 4 0 R/DSS 8 0 R>>",
    8: b"<</Certs 9 0 R/VRI 10 0 R>>",
    9: b"[11 0 R]",
    10: b"<</AA 12 0 R>>",
    11: make_stream(b"", b"certificate"),
    12: b"<</Cert[11 0 R]>>",
}


def update(before: Mapping[int, bytes], after: Mapping[int, bytes], **more: frozenset[int]) -> Explanation:
    """Explain an update to a file of these objects."""
    reader = OrdinaryReader(io.BytesIO(append(compose(before), after, **more)))
    old = reader.rewind(1)
    fields = {key[0]: field for field in list_fields(reader) for key, _ in field.widgets if key}
    return explain(old, reader, Mentions(old), fields)


def annotated(*more: bytes) -> bytes:
    return FORM[3].replace(b"6 0 R]", b"6 0 R " + b" ".join(more) + b"]")


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (FORM, {1: STORE[1], **{n: STORE[n] for n in range(8, 13)}}, Changes.LTV_UPDATE),
        (STORE, {8: b"<</Certs 9 0 R/VRI 10 0 R/CRLs[13 0 R]>>", 13: STORE[11]}, Changes.LTV_UPDATE),
        (STORE, {9: b"[11 0 R 13 0 R]", 13: STORE[11]}, Changes.LTV_UPDATE),
        (STORE, {10: b"<</AA 12 0 R/BB 13 0 R>>", 13: b"<</Cert[11 0 R]>>"}, Changes.LTV_UPDATE),
        (FORM, {5: FIELD % b"/V 20 0 R/F 132", 20: SIGNATURE}, Changes.FORM_FILLING),
        (FORM, {6: TEXT % b"/V(05)/AP<</N 20 0 R>>", 20: make_stream(b"", b"")}, Changes.FORM_FILLING),
        (
            FORM,
            {4: b"<</Fields[5 0 R 6 0 R 20 0 R]>>", 3: annotated(b"20 0 R"), 20: HIDDEN, 21: STAMP},
            Changes.LTV_UPDATE,
        ),
        (
            FORM,
            {4: b"<</Fields[5 0 R 6 0 R 20 0 R]>>", 3: annotated(b"20 0 R"), 20: HIDDEN, 21: SIGNATURE},
            Changes.FORM_FILLING,
        ),
        (
            FORM,
            {3: annotated(b"20 0 R"), 20: b"<</Type/Annot/Subtype/Text/Rect[9 9 20 20]>>"},
            Changes.ANNOTATION,
        ),
    ],
    ids=[
        *("validation data", "more of them", "an array of them", "an entry of them", "signature", "text"),
        *("time-stamp", "new signature", "comment"),
    ],
)
def test_what_is_plain_is_explained(
    before: Mapping[int, bytes], after: Mapping[int, bytes], kind: Changes
) -> None:
    explained = update(before, after)
    assert max((change.kind for change in explained.changes), key=lambda kind: kind.rank) is kind


def test_each_change_names_its_field_and_its_object() -> None:
    (change,) = update(FORM, {6: TEXT % b"/V(05)"}).changes
    assert (change.field, change.objects, change.text) == ("Number", (6,), "the field Number was filled")


def test_nothing_is_told_of_objects_that_are_written_again_as_they_were() -> None:
    assert update(FORM, {3: FORM[3], 5: FORM[5]}).changes == ()


FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Courier>>"
AWAITED = FORM | {3: FORM[3].replace(b"/Contents 7 0 R", b"/Contents[7 0 R 20 0 R]")}
SHARED_ARRAY = STORE | {3: FORM[3].replace(b"/Contents 7 0 R", b"/Contents 9 0 R")}
SHARED_NAMES = STORE | {3: FORM[3].replace(b"/Annots", b"/Resources<</XObject 10 0 R>>/Annots")}
SHARED_STORE = STORE | {3: FORM[3].replace(b"/Annots", b"/Resources 8 0 R/Annots")}
PAGE_AS_DATA = STORE | {10: b"<</AA 12 0 R/BB 3 0 R/CC 2 0 R>>"}
LISTED = FORM | {3: b"<</Type/Page/Parent 2 0 R/Contents 13 0 R/Annots 13 0 R>>", 13: b"[5 0 R 6 0 R]"}
TWICE = FORM | {
    2: b"<</Type/Pages/Count 2/Kids[3 0 R 13 0 R]>>",
    13: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Annots[6 0 R]>>",
}
SIGNED = FORM | {5: FIELD % b"/V 13 0 R", 13: SIGNATURE}
APPEARANCE = FORM | {6: TEXT % b"/AP 13 0 R", 13: b"<</N 7 0 R>>", 14: b"[13 0 R]"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (FORM, {7: make_stream(b"", b"1 1 5 5 re f")}),
        (FORM, {3: FORM[3].replace(b"7 0 R", b"20 0 R"), 20: make_stream(b"", b"")}),
        (FORM, {3: FORM[3].replace(b"842", b"800")}),
        (FORM, {2: b"<</Type/Pages/Count 2/Kids[3 0 R 20 0 R]>>", 20: SIMPLE[3]}),
        (FORM, {1: FORM[1].replace(b">>", b"/OpenAction 20 0 R>>"), 20: b"<</S/JavaScript/JS(x)>>"}),
        (AWAITED, {20: make_stream(b"", b"1 1 5 5 re f")}),
        (SHARED_ARRAY, {9: b"[11 0 R 20 0 R]", 20: make_stream(b"", b"1 1 5 5 re f")}),
        (SHARED_NAMES, {10: b"<</AA 12 0 R/X 20 0 R>>", 20: make_stream(b"/Subtype/Form", b"")}),
        (SHARED_STORE, {8: b"<</Certs 9 0 R/VRI 10 0 R/Font<</F 20 0 R>>>>", 20: FONT}),
        (PAGE_AS_DATA, {3: FORM[3].replace(b"7 0 R", b"20 0 R"), 20: make_stream(b"", b"")}),
        (LISTED, {13: b"[5 0 R 6 0 R 20 0 R]", 20: make_stream(b"/Subtype/Text", b"1 1 5 5 re f")}),
        (TWICE, {6: TEXT % b"/V(05)"}),
        (SIGNED, {5: FIELD % b"/V 20 0 R", 20: SIGNATURE}),
        (SIGNED, {13: b"<</Type/Sig/Contents<31>>>"}),
        (APPEARANCE, {6: TEXT % b"/AP<</N 20 0 R>>", 20: make_stream(b"", b"")}),
        (FORM, {4: b"<</Fields[5 0 R]>>"}),
        (FORM, {4: b"<</Fields[6 0 R 5 0 R]>>"}),
        (FORM, {4: FORM[4].replace(b">>", b"/NeedAppearances true>>")}),
        (FORM, {4: b"<</Fields[5 0 R 6 0 R 20 0 R]>>", 20: TEXT.replace(b"Number", b"New") % b""}),
        (FORM, {4: b"<</Fields[5 0 R 6 0 R 20 0 R]>>", 20: FIELD % b""}),
        (FORM, {4: b"<</Fields[5 0 R 6 0 R 7 0 R]>>"}),
        (FORM, {6: TEXT.replace(b"[70", b"[20") % b"/V(05)"}),
        (FORM, {6: make_stream((TEXT % b"/V(05)")[2:-2], b"")}),
        (FORM, {3: annotated(b"20 0 R"), 20: b"<</Type/Annot/Subtype/Link/A<</S/URI>>>>"}),
        (FORM, {3: annotated(b"7 0 R")}),
    ],
    ids=[
        *("page content", "content replaced", "page size", "page added", "action", "awaited object"),
        *("data that a page draws", "data that a page names", "store that a page uses", "page as data"),
        *("comments that a page draws", "field on two pages", "signature replaced", "signature rewritten"),
        *("looks used elsewhere", "field removed", "fields in another order", "looks to be made anew"),
        *("new text field", "second field of a name", "old object as field", "field moved"),
        *("field as stream", "link", "old object as comment"),
    ],
)
def test_what_is_not_plain_is_not_explained(before: Mapping[int, bytes], after: Mapping[int, bytes]) -> None:
    with pytest.raises(Unordinary):
        update(before, after)


def test_a_freed_object_is_not_explained() -> None:
    with pytest.raises(Unordinary, match="freed"):
        update(FORM, {5: FORM[5]}, freed=frozenset({7}))


def test_an_object_that_ends_behind_the_signed_revision_is_not_explained() -> None:
    grown = FORM | {7: b"<</Length 4000>>\nstream\n0 0 9 9 re f"}
    reader = OrdinaryReader(io.BytesIO(append(compose(grown), {6: TEXT % b"/V(05)"})))
    old = reader.rewind(1)
    old.size = reader.updates[0].end
    with pytest.raises(Unordinary, match="longer"):
        Mentions(old)
