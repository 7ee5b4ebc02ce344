"""Files made to mislead a reader or to exhaust it: each is signed rightly, or refused, and quickly."""

import io
import re
import time
import tracemalloc
import zlib
from typing import Any

import pikepdf
import pytest
from composing import CATALOG, CONTAINERS, PAGE, SIMPLE, TREE, compose, find_start, make_stream
from pyhanko.pdf_utils.reader import PdfFileReader

from edoc.core.ports import SigningKey
from edoc.devpki.hierarchy import DevPki
from edoc.errors import EdocError, PdfError
from edoc.keys.loading import load_key
from edoc.pdf.document import open_pdf
from edoc.pdf.ordinary import MAX_SECTIONS, OrdinaryReader, Unordinary
from edoc.signing import sign
from edoc.verification import verify


@pytest.fixture(scope="module")
def key(pki: DevPki) -> SigningKey:
    return load_key(pki.key_path("a-person1"), passphrase=pki.passphrase)


def put(data: bytes, key: SigningKey) -> bytes:
    output = io.BytesIO()
    sign(io.BytesIO(data), output, key=key, role="system", checks="none")
    return output.getvalue()


def catalog(entries: bytes) -> dict[int, bytes]:
    return {**SIMPLE, 1: CATALOG[:-2] + entries + b">>"}


def list_again(data: bytes, rows: bytes, size: int) -> bytes:
    """Give the file a revision whose table adds `rows`."""
    at = len(data)
    entries = b"trailer\n<</Root 1 0 R/Size %d/Prev %d>>\n" % (size, find_start(data))
    return data + b"xref\n" + rows + entries + b"startxref\n%d\n%%%%EOF\n" % at


@pytest.mark.parametrize("number", [8_388_607, 2_147_483_647, 4_294_967_290])
def test_numbers_that_other_programs_cannot_read_are_refused(number: int, key: SigningKey) -> None:
    row = b"%d 1\n0000000000 00000 f \n" % number
    with pytest.raises(PdfError, match="numbers its objects higher"):
        put(list_again(compose(SIMPLE), row, number + 1), key)


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_field_whose_value_stands_nowhere_does_not_get_the_next_signature(
    container: Any, key: SigningKey
) -> None:
    for dangling in range(6, 16):
        bodies = {
            1: b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[4 0 R]>>>>",
            2: TREE,
            3: PAGE[:-2] + b"/Annots[4 0 R]>>",
            4: b"<</FT/Sig/T(Minister)/Type/Annot/Subtype/Widget/Rect[0 0 9 9]/V %d 0 R>>" % dangling,
        }
        data = compose(bodies, container)
        with pikepdf.open(io.BytesIO(data)) as pdf:
            if "/V" in pdf.Root.AcroForm.Fields[0]:
                continue  # something stands there
        with pikepdf.open(io.BytesIO(put(data, key))) as pdf:
            minister, mine = pdf.Root.AcroForm.Fields
            assert "/V" not in minister
            assert "/V" in mine


def test_more_revisions_than_anybody_saves_are_refused_at_once() -> None:
    data = compose(catalog(b"/AcroForm<</Fields[%b]>>" % b" ".join(b"%d 0 R" % n for n in range(9, 5000))))
    for _ in range(MAX_SECTIONS + 1):
        data = list_again(data, b"0 0\n", 6000)
    start = time.monotonic()
    with pytest.raises(PdfError, match="revisions"), open_pdf(io.BytesIO(data)):
        pass
    assert time.monotonic() - start < 5


def test_thousands_of_subsections_cost_no_more_than_one() -> None:
    data = compose(catalog(b"/AcroForm<</Fields[%b]>>" % b" ".join(b"%d 0 R" % n for n in range(9, 5000))))
    rows = b"".join(b"%d 1\n0000000000 00000 f \n" % (6000 + 2 * number) for number in range(20_000))
    start = time.monotonic()
    with open_pdf(io.BytesIO(list_again(data, rows, 99_999))) as document:
        assert isinstance(document.reader, OrdinaryReader)
    assert time.monotonic() - start < 3


@pytest.mark.parametrize(
    "entry",
    [b"/X(%b)" % (b"a" * (1 << 20)), b"/X" + b" " * (1 << 20) + b"1", b"%x\n" * (1 << 18) + b"/X 1"],
    ids=["string", "white space", "comments"],
)
def test_a_megabyte_in_one_object_costs_a_few(entry: bytes) -> None:
    data = compose(catalog(entry))
    tracemalloc.start()
    OrdinaryReader(io.BytesIO(data)).root  # noqa: B018 - reads it
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


def test_an_object_stream_that_inflates_to_much_is_not_inflated(key: SigningKey) -> None:
    data, rows = b"%PDF-1.7\n", []
    packed = zlib.compress(b"4 0 <<>>" + b" " * (100 << 20), 9)
    bodies = {
        **catalog(b"/AcroForm 5 0 R"),
        4: make_stream(b"/Type/ObjStm/N 1/First 4/Filter/FlateDecode", packed),
    }
    for number, body in bodies.items():
        rows.append(b"\x01" + len(data).to_bytes(4) + b"\x00")
        data += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    rows += [b"\x02" + (4).to_bytes(4) + b"\x00", b"\x01" + len(data).to_bytes(4) + b"\x00"]
    section = make_stream(b"/Type/XRef/W[1 4 1]/Index[1 6]/Size 7/Root 1 0 R", b"".join(rows))
    whole = data + b"6 0 obj\n%b\nendobj\nstartxref\n%d\n%%%%EOF\n" % (section, len(data))
    with pytest.raises(PdfError, match="exceeds the limit"):
        put(whole, key)


@pytest.mark.parametrize(
    "entry",
    [
        b"/X(\\8)",
        b"/X(\\777)",
        b"/X(\\q)",
        b"/X/a#zz",
        b"/X/a#",
        b"/X/a#00",
        b"/X/caf\xe9",
        b"/X 0 0 R",
        b"/X 9999999999999999999",
    ],
)
def test_what_the_verifier_cannot_read_is_out_of_the_ordinary(entry: bytes, key: SigningKey) -> None:
    data = compose(catalog(entry))
    with pytest.raises(Unordinary):
        OrdinaryReader(io.BytesIO(data)).root  # noqa: B018 - reads it
    try:
        signed = put(data, key)
    except EdocError:
        return
    (file,) = verify(io.BytesIO(signed), policy="integrity").files
    assert [each.intact for each in file.signatures] == [True]


def test_an_entry_that_nobody_needs_must_be_in_order_too() -> None:
    data = list_again(compose(SIMPLE), b"7 2\n0000000000 00000 f \n00000?0000 00000 f \n", 9)
    with pytest.raises(Unordinary, match="20 bytes"):
        OrdinaryReader(io.BytesIO(data))


def test_an_object_that_is_listed_twice_is_out_of_the_ordinary() -> None:
    data = list_again(
        compose(SIMPLE), b"7 2\n" + b"0000000000 00000 f \n" * 2 + b"8 1\n0000000000 00000 f \n", 9
    )
    with pytest.raises(Unordinary, match="twice"):
        OrdinaryReader(io.BytesIO(data))


def test_what_follows_a_trailer_must_be_the_end() -> None:
    data = compose(SIMPLE)
    at = data.rindex(b"startxref")
    with pytest.raises(Unordinary, match="no trailer"):
        OrdinaryReader(io.BytesIO(data[:at] + b"stream\n" + data[at:]))


def test_names_in_no_code_keep_their_bytes_or_are_not_written_again(key: SigningKey) -> None:
    bodies = {**SIMPLE, 3: PAGE[:-4] + b"/Font<</F#e9 4 0 R>>>>>>", 4: b"<</Type/Font>>"}
    data = compose(bodies)
    assert b"/F#e9" in put(data, key)[len(data) :]
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as pdf:
        pdf.save(buffer, encryption=pikepdf.Encryption(user="", owner="o"))
    with pytest.raises(PdfError, match="spelt in an unknown code"):
        put(buffer.getvalue(), key)


@pytest.mark.parametrize(
    "broken",
    [
        make_stream(b"/Filter/FlateDecode", zlib.compress(b"x" * 99)[:-4] + b"\x00" * 4),
        make_stream(b"/Filter/Unheard", b"x"),
        make_stream(b"/Filter 3", b"x"),
    ],
    ids=["checksum", "unknown filter", "no filter"],
)
def test_a_broken_stream_of_revocation_data_hides_no_signature(broken: bytes, key: SigningKey) -> None:
    data = compose({**catalog(b"/DSS<</CRLs[4 0 R]/Certs[4 0 R]>>"), 4: broken})
    (file,) = verify(io.BytesIO(put(data, key)), policy="integrity").files
    assert [each.intact for each in file.signatures] == [True]


@pytest.mark.parametrize("container", CONTAINERS)
def test_both_readers_see_the_same(container: Any) -> None:
    fonts = b"/Font<</F#20a 4 0 R/G 5 0 R>>"
    bodies = {
        **catalog(b"/A[1 -2.50 true null(x\\(y)<00ff>/N#20m]/B<</C[[]<<>>]>>/Names 9 0 R"),
        3: PAGE[:-4] + fonts + b">>>>",
        4: b"<</Type/Font/Subtype/Type1/BaseFont/Times-Roman>>",
        5: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    }
    data = compose(bodies, container, hidden=frozenset((4, 5)))
    make: Any = PdfFileReader
    own: Any = OrdinaryReader(io.BytesIO(data))
    other = make(io.BytesIO(data), strict=False)
    for number in (1, 2, 3, 4, 5, 9):
        one, two = (reader.get_object(spot(number, reader)) for reader in (own, other))
        assert spell(one) == spell(two)


def spell(value: Any) -> str:
    return re.sub(r"0x[0-9a-f]+", "", repr(value))  # where null lies in memory


def spot(number: int, reader: Any) -> Any:
    from pyhanko.pdf_utils import generic

    make: Any = generic.Reference
    return make(number, 0, reader)


@pytest.mark.parametrize("cut", [1, 2, 5, 6])
def test_a_cut_end_does_not_bring_an_older_revision_back(cut: int, key: SigningKey) -> None:
    data = compose(SIMPLE)
    at = len(data)
    newer = b"1 0 obj\n%b/Note(newer)>>\nendobj\n" % CATALOG[:-2]
    data = list_again(data + newer, b"1 1\n%010d 00000 n \n" % at, 4)
    assert b"(newer)" in put(data, key)[len(data) :]
    with pytest.raises(PdfError):
        put(data[:-cut] + b"\n" if cut > 1 else data[:-2], key)


def test_permissions_that_are_none_hide_no_signature(key: SigningKey) -> None:
    (file,) = verify(io.BytesIO(put(compose(catalog(b"/Perms(x)")), key)), policy="integrity").files
    assert [each.intact for each in file.signatures] == [True]
