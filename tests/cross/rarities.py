"""PDFs of kinds that are rare and legal, each by hand, in every kind of cross-reference section."""

import io
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, Final

import pikepdf
from composing import CATALOG, CONTAINERS, PAGE, SIMPLE, TREE, compose, make_stream
from varieties import PASSWORD, Variety

_FORM: Final = b"<</Type/Catalog/Pages 2 0 R/AcroForm 4 0 R>>"
_WIDGET: Final = b"/Type/Annot/Subtype/Widget/Rect[0 0 9 9]/P 3 0 R"
_WITH_WIDGET: Final = PAGE[:-2] + b"/Annots[5 0 R]>>"
_MANY: Final = 2000


def _add(entries: bytes) -> dict[int, bytes]:
    return {**SIMPLE, 1: CATALOG[:-2] + entries + b">>"}


def _add_form(field: bytes, more: Mapping[int, bytes] | None = None) -> dict[int, bytes]:
    own = {1: _FORM, 2: TREE, 3: _WITH_WIDGET, 4: b"<</Fields[5 0 R]>>"}
    return {**own, 5: b"<<%b%b>>" % (field, _WIDGET), **(more or {})}


KINDS: Final[Mapping[str, Mapping[int, bytes]]] = {
    "one empty page": SIMPLE,
    "nothing under the form": _add(b"/AcroForm null"),
    "a form that stands nowhere": _add(b"/AcroForm 9 0 R"),
    "a direct form without fields": _add(b"/AcroForm<</DA(/Helv 0 Tf)/NeedAppearances true>>"),
    "fields that stand nowhere": _add(b"/AcroForm<</Fields[null 9 0 R]>>"),
    "a text field": _add_form(b"/FT/Tx/T(a)/V(x)"),
    "an unsigned field whose value is null": _add_form(b"/FT/Sig/T(a)/V null/Lock null/SV null"),
    "an indirect array of fields": {**_add_form(b"/FT/Tx/T(a)"), 4: b"<</Fields 6 0 R>>", 6: b"[5 0 R]"},
    "an indirect array of annotations": {
        **_add_form(b"/FT/Tx/T(a)"),
        3: PAGE[:-2] + b"/Annots 6 0 R>>",
        6: b"[5 0 R]",
    },
    "a kind that is inherited": _add_form(
        b"/T(b)/Parent 6 0 R", {4: b"<</Fields[6 0 R]>>", 6: b"<</T(a)/FT/Tx/V(x)/Kids[5 0 R]>>"}
    ),
    "radio buttons": _add_form(
        b"/Parent 6 0 R/AS/A/AP<</N<</A 7 0 R/Off 7 0 R>>>>",
        {
            4: b"<</Fields[6 0 R]>>",
            6: b"<</T(radio)/FT/Btn/Ff 49152/V/A/Kids[5 0 R]>>",
            7: make_stream(b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]", b"0 0 9 9 re f"),
        },
    ),
    "names in no code": {
        **SIMPLE,
        3: PAGE[:-4] + b"/Font<</F#e9 4 0 R/G#C3#A9 4 0 R/H#20#23 4 0 R>>>>/Contents 5 0 R>>",
        4: b"<</Type/Font/Subtype/Type1/BaseFont/Times-Roman>>",
        5: make_stream(b"", b"BT /F#e9 12 Tf 72 700 Td (x) Tj ET"),
    },
    "strings and numbers of every spelling": _add(
        b"/A(\\376\\377\\036\\346)/B<feff1ee6d800>/C(a(b\\)c)\\\r\nd\\53)/D<4>/E -.0/F +5./H()/I<4 8>"
    ),
    "a box from far above, a turned page": {
        1: CATALOG,
        2: b"<</Type/Pages/Count 1/Kids[4 0 R]/MediaBox 5 0 R/Rotate 90>>",
        4: b"<</Type/Pages/Count 1/Parent 2 0 R/Kids[3 0 R]/CropBox[10 10 300 300]>>",
        3: b"<</Type/Page/Parent 4 0 R/Rotate -90>>",
        5: b"[595 842 0 0]",
    },
    "two thousand pages": {
        1: CATALOG,
        2: b"<</Type/Pages/Count %d/Kids[%b]>>"
        % (_MANY, b" ".join(b"%d 0 R" % (3 + number) for number in range(_MANY))),
        **{3 + number: PAGE for number in range(_MANY)},
    },
    "gaps between the numbers": {
        70: b"<</Type/Catalog/Pages 2000 0 R>>",
        2000: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        3: PAGE.replace(b"2 0 R", b"2000 0 R"),
    },
}


def make_rarities() -> Iterator[Variety]:
    """Make each kind in each container, and what needs other programs."""
    for (name, bodies), container in product(KINDS.items(), CONTAINERS):
        root = next(number for number, body in bodies.items() if b"/Catalog" in body)
        trailer = b"/Root %d 0 R" % root
        yield Variety(f"{name}, {container}", compose(bodies, container, trailer=trailer))
    for name in ("a text field", "an indirect array of fields", "an indirect array of annotations"):
        data = compose(KINDS[name], "hybrid", hidden=frozenset((4, 5, 6)))
        yield Variety(f"{name}, hidden", data)
    for ending in (b"", b"\r\n", b"\r", b" \n"):
        yield Variety(f"ends with {ending!r}", compose(SIMPLE).rstrip() + ending)
    yield from _encrypt_all()


def _encrypt_all() -> Iterator[Variety]:
    ciphers: tuple[dict[str, Any], ...] = (
        {"R": 2, "aes": False, "metadata": False},
        {"R": 3, "aes": False, "metadata": False},
        {"R": 4, "aes": True, "metadata": False},
        {"R": 4, "aes": True},
        {"R": 6, "aes": True, "metadata": False},
        {"R": 6, "aes": True},
    )
    modes = (pikepdf.ObjectStreamMode.disable, pikepdf.ObjectStreamMode.generate)
    for cipher, mode, password in product(ciphers, modes, (PASSWORD, "")):
        output = io.BytesIO()
        with pikepdf.open(io.BytesIO(compose(KINDS["a text field"]))) as pdf:
            encryption = pikepdf.Encryption(user=password, owner="owner", **cipher)
            pdf.save(output, encryption=encryption, object_stream_mode=mode, min_version="1.7")
        yield Variety(f"{cipher}, {mode.name}, {password!r}", output.getvalue(), password or None)
