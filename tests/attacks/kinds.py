"""Documents of many kinds: turned, cropped, packed, encrypted, with forms and trees of other shapes."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pikepdf
from pikepdf import Array, Dictionary, Name, String

from .drafts import draft
from .increments import copy
from .makers import Base, Maker, list_signatures

PASSWORD: Final = "open sesame"

Change = Callable[[pikepdf.Pdf], None]


@dataclass(frozen=True)
class Document:
    """A kind of document."""

    name: str
    make: Callable[[], bytes]
    password: str | None = None

    def sign(self, maker: Maker, kind: str) -> Base | None:
        """Give it signed; None if it cannot be certified because it is encrypted."""
        if self.password is None:
            return maker.base(kind, self.make())
        if kind.startswith("certified"):
            return None
        key = f"{self.name} {kind}"
        if key not in maker.kept:
            prepared = maker.prepare(self.make(), password=self.password)
            data = maker.sign(prepared, field="Person", level=kind, password=self.password)
            fields = list_signatures(data, password=self.password)
            maker.kept[key] = Base(kind, data, fields, maker, password=self.password)
        return maker.kept[key]


def _turned(angle: int, pdf: pikepdf.Pdf) -> None:
    for page in pdf.pages:
        page.obj.Rotate = angle


def _cropped(pdf: pikepdf.Pdf) -> None:
    for page in pdf.pages:
        page.obj.MediaBox = Array([-50, -50, 645, 892])
        page.obj.CropBox = Array([0, 0, 595, 842])


def _inherited(pdf: pikepdf.Pdf) -> None:
    """Boxes and resources come from the tree."""
    tree = pdf.Root.Pages
    tree.MediaBox, tree.Resources = pdf.pages[0].obj.MediaBox, pdf.pages[0].obj.Resources
    for page in pdf.pages:
        del page.obj["/MediaBox"]
        del page.obj["/Resources"]


def _direct_annotations(pdf: pikepdf.Pdf) -> None:
    page = pdf.pages[0].obj
    page.Annots = Array(list(page.Annots))


def _direct_form(pdf: pikepdf.Pdf) -> None:
    pdf.Root.AcroForm = copy(pdf.Root.AcroForm)


def _indirect_fields(pdf: pikepdf.Pdf) -> None:
    pdf.Root.AcroForm.Fields = pdf.make_indirect(Array(list(pdf.Root.AcroForm.Fields)))


def _nested_tree(pdf: pikepdf.Pdf) -> None:
    tree = pdf.Root.Pages
    for index, page in enumerate(list(tree.Kids)):
        node = pdf.make_indirect(Dictionary(Type=Name.Pages, Kids=Array([page]), Count=1, Parent=tree))
        page.Parent = node
        tree.Kids[index] = node


def _inherited_fields(pdf: pikepdf.Pdf) -> None:
    """A field whose kind comes from its parent, with a widget of its own."""
    page = pdf.pages[0].obj
    parent = pdf.make_indirect(Dictionary(T=String("Nhóm"), FT=Name.Tx, DA=String("/Helv 10 Tf 0 g")))
    child = pdf.make_indirect(Dictionary(T=String("Ghi chú"), Parent=parent))
    widget = Dictionary(Type=Name.Annot, Subtype=Name.Widget, Rect=Array([72, 230, 240, 250]), F=4, P=page)
    widget.Parent = child
    made = pdf.make_indirect(widget)
    child.Kids, parent.Kids = Array([made]), Array([child])
    page.Annots.append(made)
    pdf.Root.AcroForm.Fields.append(parent)


def _no_form(pdf: pikepdf.Pdf) -> None:
    del pdf.Root["/AcroForm"]
    del pdf.pages[0].obj["/Annots"]


def _many_pages(pdf: pikepdf.Pdf) -> None:
    for _ in range(20):
        pdf.add_blank_page(page_size=(595, 842))


def _save(change: Change, **options: Any) -> bytes:
    output = io.BytesIO()
    with pikepdf.open(io.BytesIO(draft())) as pdf:
        change(pdf)
        pdf.save(output, **options)
    return output.getvalue()


def _as_it_is(pdf: pikepdf.Pdf) -> None:
    del pdf


def _made(change: Change) -> Callable[[], bytes]:
    return lambda: draft(change)


def _turn(angle: int) -> Callable[[], bytes]:
    return lambda: _save(lambda pdf: _turned(angle, pdf), deterministic_id=True)


DOCUMENTS: Final = (
    Document("packed", lambda: draft(packed=True)),
    Document("linearised", lambda: _save(_as_it_is, linearize=True, deterministic_id=True)),
    Document("turned by 90", _turn(90)),
    Document("turned by 180", _turn(180)),
    Document("turned by 270", _turn(270)),
    Document("cropped", _made(_cropped)),
    Document("inherited boxes", _made(_inherited)),
    Document("nested tree", _made(_nested_tree)),
    Document("many pages", _made(_many_pages)),
    Document("no form", _made(_no_form)),
    Document("direct annotations", _made(_direct_annotations)),
    Document("direct form", _made(_direct_form)),
    Document("indirect fields", _made(_indirect_fields)),
    Document("inherited fields", _made(_inherited_fields)),
    Document(
        "encrypted",
        lambda: _save(_as_it_is, encryption=pikepdf.Encryption(owner="owner", user=PASSWORD)),
        PASSWORD,
    ),
)
