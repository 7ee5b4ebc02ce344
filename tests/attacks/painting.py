"""Pages changed and layers switched after signing."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from pikepdf import Array, Dictionary, Name, String

from .catalogue import Attack, spread
from .drafts import HEIGHT, TEXT_BOX, WIDTH
from .increments import FONTS, Edit, Update, copy

LIE: Final = b"q 1 1 1 rg 70 600 330 160 re f Q BT /Helv 14 Tf 72 740 Td (We agree to pay 900 dong) Tj ET"
"""Covers what page 1 says and says something else, on the page's own scale."""
LIE_CONTENT: Final = LIE.replace(b"/Helv", b"/F1")
"""The same with the page's own font."""
LIE_STREAM: Final = b"<< /Length %d >>\nstream\n%s\nendstream" % (len(LIE_CONTENT), LIE_CONTENT)
"""That as the body of an object."""
PAGE_BOX: Final = (0.0, 0.0, float(WIDTH), float(HEIGHT))


def list_attacks() -> Iterator[Attack]:
    """Give all attacks of this module."""
    yield from spread("page", PAGES)
    yield from spread("layer", LAYERS)


def cover(update: Update, subtype: str, **entries: Any) -> Any:
    """Add an annotation with an appearance that covers the text of page 1."""
    shape = Dictionary(Type=Name.Annot, Subtype=Name(f"/{subtype}"), Rect=Array(TEXT_BOX), F=4)
    shape.AP = Dictionary(N=update.drawing(LIE, TEXT_BOX))
    for key, value in entries.items():
        shape[Name(f"/{key}")] = value
    return update.add(shape)


def _overwrite_content(update: Update) -> None:
    update.page().Contents.write(LIE)
    update.put(update.page().Contents)


def _extend_content(update: Update) -> None:
    page = update.page()
    page.Contents = Array([page.Contents, update.stream(LIE.replace(b"/Helv", b"/F1"))])
    update.put(page)


def _set(key: str, value: Any, update: Update) -> None:
    page = update.page()
    page[Name(f"/{key}")] = value
    update.put(page)


def _remove_content(update: Update) -> None:
    del update.page()["/Contents"]
    update.put(update.page())


def _new_content(update: Update) -> None:
    _set("Contents", update.stream(LIE.replace(b"/Helv", b"/F1")), update)


def _inherit(key: str, value: Any, update: Update) -> None:
    pages = update.root.Pages
    pages[Name(f"/{key}")] = value
    update.put(pages)


def _redefine(kind: str, name: str, content: bytes, update: Update) -> None:
    target = update.page().Resources[f"/{kind}"][f"/{name}"]
    target.write(content)
    update.put(target)


def _repaint_picture(update: Update) -> None:
    picture = update.page().Resources.XObject.Picture
    picture.write(bytes(36))
    update.put(picture)


def _swap_resources(update: Update) -> None:
    page = update.page()
    shown = page.Resources.XObject
    shown.Picture, shown.Shape = shown.Shape, shown.Picture
    update.put(page.Resources)


def _own_resources(update: Update) -> None:
    _set("Resources", Dictionary(Font=Dictionary(F1=FONTS().Font.Helv)), update)


def _reorder(update: Update) -> None:
    pages = update.root.Pages
    pages.Kids = Array(reversed(list(pages.Kids)))
    update.put(pages)


def _remove_page(update: Update) -> None:
    pages = update.root.Pages
    pages.Kids, pages.Count = Array([pages.Kids[0]]), 1
    update.put(pages)


def _make_page(update: Update) -> Any:
    page = Dictionary(Type=Name.Page, MediaBox=Array(PAGE_BOX), Parent=update.root.Pages)
    page.Resources, page.Contents = FONTS(), update.stream(LIE)
    return update.add(page)


def _add_page(place: int, update: Update) -> None:
    pages = update.root.Pages
    kids = list(pages.Kids)
    kids.insert(place, _make_page(update))
    pages.Kids, pages.Count = Array(kids), len(kids)
    update.put(pages)


def _replace_page(update: Update) -> None:
    pages = update.root.Pages
    pages.Kids[0] = _make_page(update)
    update.put(pages)


def _replace_tree(update: Update) -> None:
    tree = update.add(Dictionary(Type=Name.Pages, Kids=Array([_make_page(update)]), Count=1))
    update.root.Pages = tree
    update.put(update.root)


def _nest_page(update: Update) -> None:
    """A node between the tree and the first page that turns it."""
    pages = update.root.Pages
    node = Dictionary(Type=Name.Pages, Kids=Array([pages.Kids[0]]), Count=1, Parent=pages, Rotate=180)
    pages.Kids[0] = update.add(node)
    update.put(pages)


def _count_one(update: Update) -> None:
    update.root.Pages.Count = 1
    update.put(update.root.Pages)


def _page_for_widget(update: Update) -> None:
    """The first page's object becomes a tree node that holds another page."""
    page = update.page()
    number = page.objgen[0]
    other = _make_page(update)
    parent = update.root.Pages.objgen[0]
    update.raw(
        number, b"<< /Type /Pages /Parent %d 0 R /Kids [%d 0 R] /Count 1 >>" % (parent, other.objgen[0])
    )


PAGES: Final[dict[str, Edit]] = {
    "content overwritten": _overwrite_content,
    "content added": _extend_content,
    "content replaced": _new_content,
    "content removed": _remove_content,
    "box shrunk": partial(_set, "MediaBox", Array([0, 0, 595, 650])),
    "cropped": partial(_set, "CropBox", Array([0, 0, 595, 650])),
    "turned": partial(_set, "Rotate", 180),
    "enlarged": partial(_set, "UserUnit", 2),
    "turned by inheritance": partial(_inherit, "Rotate", 90),
    "cropped by inheritance": partial(_inherit, "CropBox", Array([0, 0, 595, 650])),
    "shape redrawn": partial(_redefine, "XObject", "Shape", b"1 0 0 rg 0 0 400 800 re f"),
    "picture repainted": _repaint_picture,
    "resources swapped": _swap_resources,
    "resources of its own": _own_resources,
    "pages reordered": _reorder,
    "page removed": _remove_page,
    "page added": partial(_add_page, 2),
    "page put first": partial(_add_page, 0),
    "page replaced": _replace_page,
    "tree replaced": _replace_tree,
    "page nested": _nest_page,
    "count lowered": _count_one,
    "page made a node": _page_for_widget,
    "given a group": partial(
        _set, "Group", Dictionary(S=Name.Transparency, CS=Name.DeviceGray, I=True, K=True)
    ),
}


def _turn_layers(update: Update) -> None:
    layers = update.root.OCProperties
    layers.D.ON, layers.D.OFF = layers.D.OFF, layers.D.ON
    update.put(layers)


def _configure(entries: dict[str, Any], update: Update) -> None:
    layers = update.root.OCProperties
    for key, value in entries.items():
        layers.D[Name(f"/{key}")] = value
    update.put(layers)


def _unknown_layers(update: Update) -> None:
    layers = update.root.OCProperties
    layers.OCGs = Array([])
    update.put(layers)


def _no_layers(update: Update) -> None:
    del update.root["/OCProperties"]
    update.put(update.root)


def _other_properties(update: Update) -> None:
    layers = update.root.OCProperties
    turned = copy(layers.D)
    turned.ON, turned.OFF = layers.D.OFF, layers.D.ON
    update.root.OCProperties = update.add(Dictionary(OCGs=layers.OCGs, D=turned))
    update.put(update.root)


def _swap_properties(update: Update) -> None:
    resources = update.page().Resources
    shown = resources.Properties
    shown.Layer, shown.Other = shown.Other, shown.Layer
    update.put(resources)


def _membership(policy: str, update: Update) -> None:
    """A layer's object becomes a rule over layers."""
    first, second = update.root.OCProperties.OCGs
    number = first.objgen[0]
    update.raw(number, b"<< /Type /OCMD /OCGs [%d 0 R] /P /%s >>" % (second.objgen[0], policy.encode()))


def _usage(state: str, update: Update) -> None:
    layers = update.root.OCProperties
    first = layers.OCGs[0]
    first.Usage = Dictionary(View=Dictionary(ViewState=Name(state)), Print=Dictionary(PrintState=Name(state)))
    events = [
        Dictionary(Event=Name(f"/{event}"), OCGs=layers.OCGs, Category=Array([Name(f"/{event}")]))
        for event in ("View", "Print")
    ]
    layers.D.AS = Array(events)
    update.put(first, layers)


def _hide_picture(update: Update) -> None:
    picture = update.page().Resources.XObject.Picture
    picture.OC = update.root.OCProperties.OCGs[1]
    update.put(picture)


def _hide_field(update: Update) -> None:
    field = update.field("Amount")
    field.OC = update.root.OCProperties.OCGs[1]
    update.put(field)


def _null_layer(update: Update) -> None:
    update.raw(update.root.OCProperties.OCGs[1].objgen[0], b"null")


def _free_layer(update: Update) -> None:
    update.free(update.root.OCProperties.OCGs[1].objgen[0])


def _new_layer(update: Update) -> None:
    """A new layer, switched off, for the page's picture."""
    layers = update.root.OCProperties
    layer = update.add(Dictionary(Type=Name.OCG, Name=String("New")))
    layers.OCGs.append(layer)
    layers.D.OFF.append(layer)
    picture = update.page().Resources.XObject.Picture
    picture.OC = layer
    update.put(layers, picture)


LAYERS: Final[dict[str, Edit]] = {
    "switched": _turn_layers,
    "all off": partial(_configure, {"BaseState": Name.OFF, "ON": Array(), "OFF": Array()}),
    "all on": partial(_configure, {"OFF": Array(), "BaseState": Name.ON}),
    "unknown": _unknown_layers,
    "none": _no_layers,
    "other properties": _other_properties,
    "names swapped": _swap_properties,
    "rule all off": partial(_membership, "AllOff"),
    "rule any on": partial(_membership, "AnyOn"),
    "usage off": partial(_usage, "/OFF"),
    "picture hidden": _hide_picture,
    "field hidden": _hide_field,
    "layer made null": _null_layer,
    "layer freed": _free_layer,
    "new layer": _new_layer,
}
