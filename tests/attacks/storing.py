"""The validation store as a way to the page: who lets it change must see who else uses its objects."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import pikepdf
from pikepdf import Array, Dictionary, Name

from .catalogue import Attack, Ground, spread
from .drafts import draft
from .increments import Edit, Update
from .painting import LIE, LIE_CONTENT, PAGE_BOX, cover


def list_attacks() -> Iterator[Attack]:
    """Give all attacks of this module."""
    for name, (share, edit) in _SHARED.items():
        ground: Ground = _ground(share)
        yield from spread("validation-store", {name: edit}, ground=ground, least=1)
    yield from spread("validation-store", _NAMED, least=1)


def _ground(share: Callable[[pikepdf.Pdf], None]) -> Ground:
    return lambda maker, kind: maker.base(kind, draft(share))


def _store(pdf: pikepdf.Pdf) -> Any:
    if "/DSS" not in pdf.Root:
        pdf.Root.DSS = pdf.make_indirect(Dictionary(Type=Name.DSS))
    return pdf.Root.DSS


def _share_as_store(path: Callable[[pikepdf.Pdf], Any], pdf: pikepdf.Pdf) -> None:
    """One dictionary is the store and something else."""
    pdf.Root.DSS = path(pdf)


def _share_under(key: str, path: Callable[[pikepdf.Pdf], Any], pdf: pikepdf.Pdf) -> None:
    """An object of the page stands in the store under a key."""
    _store(pdf)[Name(f"/{key}")] = path(pdf)


def _share_in_list(key: str, path: Callable[[pikepdf.Pdf], Any], pdf: pikepdf.Pdf) -> None:
    _store(pdf)[Name(f"/{key}")] = pdf.make_indirect(Array([path(pdf)]))


def _share_as_entry(path: Callable[[pikepdf.Pdf], Any], pdf: pikepdf.Pdf) -> None:
    """An object of the page is what is known of one signature."""
    _store(pdf).VRI = pdf.make_indirect(Dictionary({f"/{'A' * 40}": path(pdf)}))


def _page(pdf: pikepdf.Pdf) -> Any:
    return pdf.pages[0].obj


def _resources(pdf: pikepdf.Pdf) -> Any:
    return _page(pdf).Resources


def _own(holder: Callable[[pikepdf.Pdf], Any], key: str) -> Callable[[pikepdf.Pdf], Any]:
    """Make what stands under a key an object of its own."""

    def path(pdf: pikepdf.Pdf) -> Any:
        found = holder(pdf)
        name = Name(f"/{key}")
        if not found[name].is_indirect:
            found[name] = pdf.make_indirect(found[name])
        return found[name]

    return path


def _contents(pdf: pikepdf.Pdf) -> Any:
    page = _page(pdf)
    if not isinstance(page.Contents, Array):
        page.Contents = pdf.make_indirect(Array([page.Contents]))
    return page.Contents


def _amount(pdf: pikepdf.Pdf) -> Any:
    return next(each for each in pdf.Root.AcroForm.Fields if str(each.T) == "Amount")


# What the attacker does to the shared object:


def _write(path: Callable[[Update], Any], content: bytes, update: Update) -> None:
    target = path(update)
    target.write(content)
    update.put(target)


def _set(path: Callable[[Update], Any], key: str, value: Callable[[Update], Any], update: Update) -> None:
    target = path(update)
    target[Name(f"/{key}")] = value(update)
    update.put(target)


def _append(path: Callable[[Update], Any], value: Callable[[Update], Any], update: Update) -> None:
    target = path(update)
    target.append(value(update))
    update.put(target)


def _lie(update: Update) -> Any:
    return update.stream(LIE_CONTENT)


def _lie_drawn(update: Update) -> Any:
    return update.drawing(LIE, PAGE_BOX)


def _at(update: Update, *keys: str) -> Any:
    value = update.root.DSS
    for key in keys:
        value = value[f"/{key}"]
    return value


def _dss(*keys: str) -> Callable[[Update], Any]:
    return lambda update: _at(update, *keys)


def _symbols(update: Update) -> Any:
    return update.add(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.ZapfDingbats))


_ENTRY: Final = "A" * 40
_SHARED: Final[dict[str, tuple[Callable[[pikepdf.Pdf], None], Edit]]] = {
    "store is resources": (
        partial(_share_as_store, _resources),
        lambda update: _set(
            lambda one: one.root.DSS, "XObject", lambda one: Dictionary(Shape=_lie_drawn(one)), update
        ),
    ),
    "store is a page": (partial(_share_as_store, _page), partial(_set, _dss(), "Contents", _lie)),
    "store is a field": (
        partial(_share_as_store, _amount),
        partial(_set, _dss(), "AP", lambda update: Dictionary(N=_lie_drawn(update))),
    ),
    "store is the form": (
        partial(_share_as_store, lambda pdf: pdf.Root.AcroForm),
        partial(_set, _dss(), "NeedAppearances", lambda _: True),
    ),
    "store is the layers": (
        partial(_share_as_store, lambda pdf: pdf.Root.OCProperties),
        partial(_set, _dss(), "D", lambda _: Dictionary(BaseState=Name.OFF)),
    ),
    "store is the page tree": (
        partial(_share_as_store, lambda pdf: pdf.Root.Pages),
        partial(_set, _dss(), "Rotate", lambda _: 90),
    ),
    "store is a font": (
        partial(_share_as_store, lambda pdf: _resources(pdf).Font.F1),
        partial(_set, _dss(), "BaseFont", lambda _: Name.ZapfDingbats),
    ),
    "certificates are contents": (
        partial(_share_under, "Certs", _contents),
        partial(_append, _dss("Certs"), _lie),
    ),
    "certificates are annotations": (
        partial(_share_under, "Certs", lambda pdf: _page(pdf).Annots),
        partial(_append, _dss("Certs"), lambda update: cover(update, "Stamp")),
    ),
    "lists are pages": (
        partial(_share_under, "CRLs", _own(lambda pdf: pdf.Root.Pages, "Kids")),
        lambda update: _rearrange(update, "CRLs"),
    ),
    "answers are fields": (
        partial(_share_under, "OCSPs", _own(lambda pdf: pdf.Root.AcroForm, "Fields")),
        partial(_append, _dss("OCSPs"), lambda update: cover(update, "Widget", FT=Name.Tx, T=Name.X)),
    ),
    "a certificate is content": (
        partial(_share_in_list, "Certs", lambda pdf: _page(pdf).Contents),
        lambda update: _write(lambda one: one.root.DSS.Certs[0], LIE_CONTENT, update),
    ),
    "a list is a picture": (
        partial(_share_in_list, "CRLs", lambda pdf: _resources(pdf).XObject.Picture),
        lambda update: _write(lambda one: one.root.DSS.CRLs[0], bytes(36), update),
    ),
    "an answer is a shape": (
        partial(_share_in_list, "OCSPs", lambda pdf: _resources(pdf).XObject.Shape),
        lambda update: _write(lambda one: one.root.DSS.OCSPs[0], b"1 0 0 rg 0 0 500 800 re f", update),
    ),
    "a certificate is a font program": (
        partial(_share_in_list, "Certs", lambda pdf: _resources(pdf).Font.F3.FontDescriptor.FontFile2),
        lambda update: _write(lambda one: one.root.DSS.Certs[0], b"", update),
    ),
    "a certificate is a field's looks": (
        partial(_share_in_list, "Certs", lambda pdf: _amount(pdf).AP.N),
        lambda update: _write(lambda one: one.root.DSS.Certs[0], b"0 0 100 20 re f", update),
    ),
    "entries are fonts": (
        partial(_share_under, "VRI", _own(_resources, "Font")),
        partial(_set, _dss("VRI"), "F1", _symbols),
    ),
    "entries are shapes": (
        partial(_share_under, "VRI", _own(_resources, "XObject")),
        partial(_set, _dss("VRI"), "Shape", _lie_drawn),
    ),
    "entries are glyphs": (
        partial(_share_under, "VRI", lambda pdf: _resources(pdf).Font.F2.CharProcs),
        partial(
            _set, _dss("VRI"), "a", lambda update: update.stream(b"800 0 0 0 700 700 d1 0 0 700 700 re f")
        ),
    ),
    "entry is an encoding": (
        partial(_share_as_entry, lambda pdf: _resources(pdf).Font.F1.Encoding),
        lambda update: _set(
            lambda one: one.root.DSS.VRI[f"/{_ENTRY}"],
            "Differences",
            lambda _: Array([49, Name.nine]),
            update,
        ),
    ),
    "entry is a layer": (
        partial(_share_as_entry, lambda pdf: pdf.Root.OCProperties.OCGs[0]),
        lambda update: _set(lambda one: one.root.DSS.VRI[f"/{_ENTRY}"], "Type", lambda _: Name.OCMD, update),
    ),
    "entry is a state of looks": (
        partial(_share_as_entry, _own(_amount, "AP")),
        lambda update: _set(lambda one: one.root.DSS.VRI[f"/{_ENTRY}"], "N", _lie_drawn, update),
    ),
}


def _rearrange(update: Update, key: str) -> None:
    target = _at(update, key)
    first, second = target[0], target[1]
    target[0], target[1] = second, first
    update.put(target)


# Without preparation: the update names objects of the page in a new store, and writes them again.


def _name(path: Callable[[Update], Any], change: Edit, update: Update) -> None:
    target = path(update)
    store = update.root.get("/DSS", Dictionary(Type=Name.DSS))
    store.Certs = Array([*store.get("/Certs", Array()), target])
    update.root.DSS = store
    change(update)
    update.put(update.root)
    if store.is_indirect:
        update.put(store)


def _name_in_entry(path: Callable[[Update], Any], change: Edit, update: Update) -> None:
    """As what is known of one signature."""
    target = path(update)
    store = update.root.get("/DSS", Dictionary(Type=Name.DSS))
    store.VRI = Dictionary({f"/{_ENTRY}": Dictionary(Cert=Array([target]))})
    update.root.DSS = store
    change(update)
    update.put(update.root)
    if store.is_indirect:
        update.put(store)


def _picture(update: Update) -> Any:
    return update.page().Resources.XObject.Picture


def _encoding(update: Update) -> Any:
    return _font(update).Encoding


def _glyphs(update: Update) -> Any:
    return update.page().Resources.Font.F2.CharProcs


def _layers(update: Update) -> Any:
    return update.root.OCProperties


def _annotations(update: Update) -> Any:
    return update.page().Annots


def _content(update: Update) -> Any:
    return update.page().Contents


def _shape(update: Update) -> Any:
    return update.page().Resources.XObject.Shape


def _font(update: Update) -> Any:
    return update.page().Resources.Font.F1


def _null(path: Callable[[Update], Any], update: Update) -> None:
    update.raw(path(update).objgen[0], b"null")


_NAMED: Final[dict[str, Edit]] = {
    "content named": partial(_name, _content, partial(_write, _content, LIE_CONTENT)),
    "shape named": partial(_name, _shape, partial(_write, _shape, b"1 0 0 rg 0 0 500 800 re f")),
    "font named": partial(_name, _font, partial(_set, _font, "BaseFont", lambda _: Name.ZapfDingbats)),
    "page named": partial(
        _name,
        lambda update: update.page(),
        partial(_set, lambda update: update.page(), "Rotate", lambda _: 180),
    ),
    "form named": partial(
        _name,
        lambda update: update.form,
        partial(_set, lambda update: update.form, "NeedAppearances", lambda _: True),
    ),
    "resources named": partial(
        _name, lambda update: update.page().Resources, partial(_null, lambda update: update.page().Resources)
    ),
    "picture named": partial(_name, _picture, partial(_write, _picture, bytes(36))),
    "encoding named": partial(
        _name, _encoding, partial(_set, _encoding, "Differences", lambda _: Array([49, Name.nine]))
    ),
    "glyphs named": partial(_name, _glyphs, partial(_set, _glyphs, "a", _lie)),
    "layers named": partial(
        _name, _layers, partial(_set, _layers, "D", lambda _: Dictionary(BaseState=Name.OFF))
    ),
    "annotations named": partial(
        _name, _annotations, partial(_append, _annotations, lambda update: cover(update, "Stamp"))
    ),
    "content named in an entry": partial(_name_in_entry, _content, partial(_write, _content, LIE_CONTENT)),
    "picture named in an entry": partial(_name_in_entry, _picture, partial(_write, _picture, bytes(36))),
    "font named in an entry": partial(
        _name_in_entry, _font, partial(_set, _font, "BaseFont", lambda _: Name.ZapfDingbats)
    ),
    "encoding named in an entry": partial(
        _name_in_entry, _encoding, partial(_set, _encoding, "Differences", lambda _: Array([49, Name.nine]))
    ),
    "looks named": partial(
        _name,
        lambda update: update.field("Amount").AP.N,
        partial(_write, lambda update: update.field("Amount").AP.N, b"0 0 100 20 re f"),
    ),
}
