import io
import re
from datetime import date
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pdfmaking import LETTER, LOOKS_THE_SAME, add_form, ask, change, count_differences, encrypt, render

from edoc.errors import InputError, PdfError, Refused
from edoc.pdf.document import inspect, open_pdf
from edoc.pdf.fields import spell_number
from edoc.pdf.layout import Place, Rect
from edoc.signing import number, prepare

NAMES = ("Number", "Date", "Person", "Seal")


def opened(pdf: bytes) -> Any:
    return pikepdf.open(io.BytesIO(pdf))


def prepared(pdf: bytes = LETTER, **options: object) -> bytes:
    output = io.BytesIO()
    prepare(io.BytesIO(pdf), output, **options)  # type: ignore[arg-type]
    return output.getvalue()


def numbered(pdf: bytes, *, given: int = 5, on: date = date(2026, 2, 5), notation: str = "UBND-VP") -> bytes:
    output = io.BytesIO()
    number(io.BytesIO(pdf), output, number=given, notation=notation, date=on)
    return output.getvalue()


def test_prepare_appends_and_touches_nothing() -> None:
    done = prepared()
    assert done.startswith(LETTER)
    assert render(done).tobytes() == render(LETTER).tobytes()


def test_where_the_form_and_the_page_share_one_list_each_field_stands_in_it_once() -> None:
    def share(pdf: pikepdf.Pdf) -> None:
        shared = pdf.make_indirect(pikepdf.Array())
        pdf.pages[0].Annots = shared
        pdf.Root.AcroForm = pikepdf.Dictionary(Fields=shared)

    with opened(prepared(change(share))) as pdf:
        assert [str(field.T) for field in pdf.Root.AcroForm.Fields] == list(NAMES)


def test_preparing_twice_gives_the_same_bytes() -> None:
    assert prepared() == prepared()


def test_the_fields_are_there_with_their_locks() -> None:
    with opened(prepared()) as pdf:
        fields = {str(field.T): field for field in pdf.Root.AcroForm.Fields}
        assert tuple(fields) == NAMES
        assert [str(fields[name].FT) for name in NAMES] == ["/Tx", "/Tx", "/Sig", "/Sig"]
        assert "/V" not in fields["Number"]
        assert "/V" not in fields["Person"]
        person, seal = fields["Person"].Lock, fields["Seal"].Lock
        assert (person.Action, list(person.Fields), person.P) == ("/Include", [], 2)
        assert (seal.Action, seal.P) == ("/All", 1)
        assert all(int(field.F) & 4 for field in fields.values())


def test_every_seal_but_the_last_lets_the_following_be_put() -> None:
    with opened(prepared(seals=3)) as pdf:
        locks = {str(f.T): f.Lock for f in pdf.Root.AcroForm.Fields if "/Lock" in f}
        assert (locks["Seal"].Action, [str(n) for n in locks["Seal"].Fields]) == (
            "/Exclude",
            ["Seal2", "Seal3"],
        )
        assert [str(n) for n in locks["Seal2"].Fields] == ["Seal3"]
        assert (locks["Seal3"].Action, locks["Seal3"].P) == ("/All", 1)
        assert locks["Seal"].P == locks["Seal2"].P == 2


def test_a_text_field_offers_every_vietnamese_letter_in_an_embedded_font() -> None:
    with opened(prepared()) as pdf:
        form = pdf.Root.AcroForm
        fonts = form.DR.Font
        size = re.search(r"/(\w+) ([\d.]+) Tf", str(form.Fields[1].DA))
        assert size is not None
        assert size[1] == "EdocSerifItalic"
        assert 13 <= float(size[2]) <= 14
        map_to_unicode = fonts[f"/{size[1]}"].ToUnicode.read_bytes().decode("ascii")
        for letter in "ăâđêôơưĂÂĐÊÔƠƯếềểễệứừửữựỳỵỷỹ0123456789":
            assert f"<{ord(letter):04X}>" in map_to_unicode
        assert "/FontFile2" in fonts[f"/{size[1]}"].DescendantFonts[0].FontDescriptor


def test_given_places_are_taken() -> None:
    place = Place(1, Rect(100, 200, 180, 220))
    with opened(prepared(number_rect=place)) as pdf:
        assert [float(x) for x in pdf.Root.AcroForm.Fields[0].Rect] == [100, 200, 180, 220]


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (Place(1, Rect(500, 100, 700, 200)), "does not lie on page 1"),
        (Place(1, Rect(200, 100, 100, 200)), "does not lie on page 1"),
        (Place(2, Rect(100, 100, 200, 200)), "there is no page 2"),
    ],
)
def test_a_place_off_the_page_is_refused(place: Place, words: str) -> None:
    with pytest.raises(InputError, match=words):
        prepared(person_rect=place)


def test_an_anchor_that_stands_nowhere_is_refused() -> None:
    with pytest.raises(Refused, match="stand on no page"):
        prepared(anchor="BỘ TRƯỞNG BỘ MẪU")


def test_the_anchors_page_is_found_behind_which_annexes_follow() -> None:
    with pikepdf.open(
        io.BytesIO(prepared(LOOKS_THE_SAME["blank last page"](), anchor="KT. CHỦ TỊCH"))
    ) as pdf:
        widgets = [str(annotation.T) for annotation in pdf.pages[0].Annots]
        assert "Person" in widgets
        assert "/Annots" not in pdf.pages[1]


def test_a_form_with_a_date_of_its_own_is_refused() -> None:
    own = change(add_form(indirect=False, name="Date"))
    with pytest.raises(Refused, match=r"already has the fields Date\. Rename them"):
        prepared(own)


def test_a_prepared_file_is_not_prepared_again() -> None:
    with pytest.raises(Refused, match="already has the fields Date, Number, Person, Seal"):
        prepared(prepared())


@pytest.mark.parametrize(
    ("pdf", "words"),
    [
        (b"", "is empty"),
        (b"hello, this is text", "is not a PDF"),
        (b"%PDF-1.7\nnothing follows", "damaged"),
        (LETTER[: len(LETTER) // 2], "damaged"),
        (encrypt(user="secret"), "is encrypted"),
    ],
    ids=["empty", "text", "header only", "cut off", "user password"],
)
def test_what_cannot_be_worked_on_is_named_in_one_sentence(pdf: bytes, words: str, tmp_path: Path) -> None:
    source, target = tmp_path / "in.pdf", tmp_path / "out.pdf"
    source.write_bytes(pdf)
    with pytest.raises(PdfError, match=words) as caught:
        prepare(source, target)
    assert str(source) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["in.pdf"]


def test_inspect_says_what_a_pdf_is() -> None:
    facts = inspect(io.BytesIO(prepared()))
    assert facts.fields == NAMES
    assert facts.prepared
    assert facts.signatures == ()
    assert not inspect(io.BytesIO(LETTER)).prepared


def test_a_turned_page_is_as_large_as_it_looks() -> None:
    with open_pdf(io.BytesIO(LOOKS_THE_SAME["turned by 90"]())) as document:
        page = document.read_frame(0).page
    assert (round(page.width), round(page.height)) == (595, 842)


def test_number_and_date_are_filled_in_vietnamese() -> None:
    done = numbered(prepared())
    with opened(done) as pdf:
        number_field, date_field, *_ = pdf.Root.AcroForm.Fields
        assert str(number_field.V) == "05/UBND-VP"
        assert str(date_field.V) == "ngày 05 tháng 02 năm 2026"


def test_other_programs_read_the_filled_words_off_the_page(tmp_path: Path) -> None:
    path = tmp_path / "numbered.pdf"
    path.write_bytes(numbered(prepared()))
    shown = ask("mutool", "draw", "-F", "txt", path, "1")
    assert "05/UBND-VP" in shown
    assert "ngày 05 tháng 02 năm 2026" in shown
    assert "No syntax or stream encoding errors found" in ask("qpdf", "--check", path)


def test_numbering_changes_only_value_and_appearance() -> None:
    before = prepared()
    done = numbered(before)
    assert done.startswith(before)
    with opened(before) as old, opened(done) as new:
        changed = [
            item.objgen for item in old.objects if _content(item) != _content(new.get_object(item.objgen))
        ]
        fields = [field.objgen for field in old.Root.AcroForm.Fields][:2]
        assert changed == sorted(fields)
        for objgen in fields:
            one, other = _entries(old.get_object(objgen)), _entries(new.get_object(objgen))
            assert {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)} == {
                "/V",
                "/AP",
            }


def _entries(field: Any) -> dict[str, bytes]:
    return {key: pikepdf.Array([value]).unparse() for key, value in field.items()}


def _content(item: pikepdf.Object) -> bytes:
    data = item.read_raw_bytes() if isinstance(item, pikepdf.Stream) else b""
    return item.unparse(resolved=not data) + data


def test_numbering_is_deterministic_and_numbering_again_changes_nothing() -> None:
    before = prepared()
    done = numbered(before)
    assert numbered(before) == done
    assert numbered(done) == done


@pytest.mark.parametrize(("given", "on"), [(6, date(2026, 2, 5)), (5, date(2026, 2, 6))])
def test_a_number_is_given_once(given: int, on: date) -> None:
    done = numbered(prepared())
    with pytest.raises(Refused, match="already says"):
        numbered(done, given=given, on=on)


def test_without_fields_there_is_nothing_to_number() -> None:
    with pytest.raises(Refused, match="no text field Number"):
        numbered(LETTER)


def test_a_long_number_is_set_smaller_and_one_too_long_is_refused() -> None:
    narrow = prepared(number_rect=Place(1, Rect(100, 700, 170, 717)))
    assert numbered(narrow, given=1234, notation="UBND-VP") != narrow
    with pytest.raises(Refused, match="no room"):
        numbered(narrow, given=1234, notation="UBND-VP-KTTH-NC-KGVX")


@pytest.mark.parametrize(
    ("given", "notation", "spelt"),
    [
        (1, "QĐ-UBND", "01/QĐ-UBND"),
        (9, "UBND-VP", "09/UBND-VP"),
        (10, "BC-SNV", "10/BC-SNV"),
        (1234, "KH", "1234/KH"),
    ],
)
def test_numbers_below_ten_get_a_zero(given: int, notation: str, spelt: str) -> None:
    assert spell_number(given, notation) == spelt


@pytest.mark.parametrize("notation", ["", " ", "a\nb", "x" * 31, "/A", "A//B", "<script>"])
def test_what_is_no_symbol_is_refused(notation: str) -> None:
    with pytest.raises(InputError, match="no document symbol"):
        spell_number(1, notation)


def test_zero_is_no_number() -> None:
    with pytest.raises(InputError, match="one or more"):
        spell_number(0, "UBND-VP")


@pytest.mark.parametrize("kind", LOOKS_THE_SAME)
def test_number_and_date_look_the_same_on_every_kind_of_file(kind: str) -> None:
    expected = render(numbered(prepared()), dpi=100)
    found = render(numbered(prepared(LOOKS_THE_SAME[kind]())), dpi=100)
    assert found.size == expected.size
    assert count_differences(found, expected, top=1 / 3) < 40  # rounding of edges, no moved word


def test_a_wrong_size_in_the_trailer_does_not_replace_objects() -> None:
    lying = re.sub(rb"/Size (\d+)", lambda found: b"/Size " + b"5".zfill(len(found[1])), LETTER)
    assert lying != LETTER
    assert render(prepared(lying)).tobytes() == render(LETTER).tobytes()


def test_a_page_without_words_gets_the_places_of_annex_1() -> None:
    blank = change(lambda pdf: setattr(pdf.pages[0], "Contents", pdf.make_stream(b"")))
    with opened(prepared(blank)) as pdf:
        rects = {str(f.T): [float(x) for x in f.Rect] for f in pdf.Root.AcroForm.Fields}
    assert rects["Number"][2] < 297 < rects["Date"][0]
    assert rects["Person"][3] < 421 < rects["Number"][1]


def test_text_out_of_reach_of_the_font_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be shown"):
        numbered(prepared(), notation="公文")
