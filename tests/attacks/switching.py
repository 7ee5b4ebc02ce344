"""What hangs on the catalogue: actions, scripts, and switches that change what a viewer shows."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from pikepdf import Array, Dictionary, Name, String

from .catalogue import Attack, spread
from .filling import fill, write_text
from .increments import Edit, Update

_SCRIPT: Final = "this.getField('Note').value = '900';"
_XFA: Final = (
    b"<xdp:xdp xmlns:xdp='http://ns.adobe.com/xdp/'>"
    b"<template xmlns='http://www.xfa.org/schema/xfa-template/2.8/'><subform name='form'><field name='Note'>"
    b"<value><text>900</text></value></field></subform></template></xdp:xdp>"
)


def list_attacks() -> Iterator[Attack]:
    """Give all attacks of this module."""
    yield from spread("action", _list_actions())
    yield from spread("catalogue", _SWITCHES)


def _script() -> Any:
    return Dictionary(S=Name.JavaScript, JS=String(_SCRIPT))


def _make_actions() -> dict[str, Any]:
    elsewhere = Dictionary(F=String("other.pdf"), UF=String("other.pdf"), Type=Name.Filespec)
    return {
        "script": _script(),
        "address": Dictionary(S=Name.URI, URI=String("http://127.0.0.1/")),
        "launch": Dictionary(S=Name.Launch, F=elsewhere),
        "elsewhere": Dictionary(S=Name.GoToR, F=elsewhere, D=Array([0, Name.Fit])),
        "submit": Dictionary(S=Name.SubmitForm, F=String("http://127.0.0.1/")),
        "import": Dictionary(S=Name.ImportData, F=elsewhere),
        "reset": Dictionary(S=Name.ResetForm),
        "hide": Dictionary(S=Name.Hide, T=String("Amount"), H=True),
        "named": Dictionary(S=Name.Named, N=Name.Print),
    }


def _open(name: str, update: Update) -> None:
    update.root.OpenAction = update.add(_make_actions()[name])
    update.put(update.root)


def _layer_action(update: Update) -> None:
    layers = update.root.OCProperties.OCGs
    state = Array([Name.OFF, layers[0], Name.ON, layers[1]])
    update.root.OpenAction = Dictionary(S=Name.SetOCGState, State=state)
    update.put(update.root)


def _on_document(event: str, update: Update) -> None:
    update.root.AA = Dictionary(**{event: _script()})
    update.put(update.root)


def _on_page(event: str, update: Update) -> None:
    update.page().AA = Dictionary(**{event: _script()})
    update.put(update.page())


def _on_field(event: str, update: Update) -> None:
    field = update.field("Note")
    field.AA = Dictionary(**{event: _script()})
    update.put(field)


def _on_widget(update: Update) -> None:
    field = update.field("Note")
    field.A = _script()
    update.put(field)


def _on_filled_field(update: Update) -> None:
    """A rightly filled field that brings a script."""
    fill(update, "Note", "100", write_text("100"), AA=Dictionary(F=_script()))


def _on_link(update: Update) -> None:
    link = update.page(1).Annots[0]
    del link["/Dest"]
    link.A = Dictionary(S=Name.URI, URI=String("http://127.0.0.1/"))
    update.put(link)


def _on_outline(update: Update) -> None:
    item = update.root.Outlines.First
    del item["/Dest"]
    item.A = _script()
    update.put(item)


def _on_signature(update: Update) -> None:
    """A new, empty, invisible signature field that brings a script."""
    field = Dictionary(Type=Name.Annot, Subtype=Name.Widget, FT=Name.Sig, T=String("Scripted"), F=132)
    field.Rect, field.P = Array([0, 0, 0, 0]), update.page()
    field.AA = Dictionary(PV=_script(), F=_script())
    made = update.add(field)
    update.annotate(update.page(), made)
    update.enlist(made)


def _named_script(update: Update) -> None:
    names = update.root.Names
    names.JavaScript = Dictionary(Names=Array([String("start"), _script()]))
    update.put(names)


def _new_names(update: Update) -> None:
    update.root.Names = Dictionary(JavaScript=Dictionary(Names=Array([String("start"), _script()])))
    update.put(update.root)


def _calculate(update: Update) -> None:
    field = update.field("Note")
    field.AA = Dictionary(C=_script())
    update.form.CO = Array([field])
    update.put(field, update.form)


def _form_from_xml(update: Update) -> None:
    update.form.XFA = Array([String("template"), update.stream(_XFA)])
    update.put(update.form)


def _list_actions() -> dict[str, Edit]:
    return {
        **{f"on opening: {name}": partial(_open, name) for name in _make_actions()},
        "on opening: layers": _layer_action,
        "on printing": partial(_on_document, "WP"),
        "on closing": partial(_on_document, "WC"),
        "on turning to the page": partial(_on_page, "O"),
        "on formatting": partial(_on_field, "F"),
        "on keys": partial(_on_field, "K"),
        "on a click": _on_widget,
        "in a filled field": _on_filled_field,
        "in a link": _on_link,
        "in the outline": _on_outline,
        "in a signature field": _on_signature,
        "by name": _named_script,
        "by new names": _new_names,
        "calculated": _calculate,
        "form from XML": _form_from_xml,
    }


def _set(key: str, value: Any, update: Update) -> None:
    update.root[Name(f"/{key}")] = value
    update.put(update.root)


def _remove(key: str, update: Update) -> None:
    if f"/{key}" in update.root:
        del update.root[f"/{key}"]
    else:
        update.root[Name(f"/{key}")] = Dictionary()
    update.put(update.root)


def _form_set(key: str, value: Any, update: Update) -> None:
    update.form[Name(f"/{key}")] = value
    update.put(update.form)


def _attach(update: Update) -> None:
    held = update.stream(b"another agreement", {"Type": Name.EmbeddedFile})
    file = Dictionary(Type=Name.Filespec, F=String("a.txt"), UF=String("a.txt"), EF=Dictionary(F=held))
    update.root.Names.EmbeddedFiles = Dictionary(Names=Array([String("a.txt"), update.add(file)]))
    update.put(update.root.Names)


def _collect(update: Update) -> None:
    """A portfolio that opens another document first."""
    held = update.stream(b"%PDF-1.4 another agreement", {"Type": Name.EmbeddedFile})
    file = Dictionary(Type=Name.Filespec, F=String("a.pdf"), EF=Dictionary(F=held))
    names = Dictionary(EmbeddedFiles=Dictionary(Names=Array([String("a.pdf"), update.add(file)])))
    update.root.Names = names
    update.root.Collection = Dictionary(Type=Name.Collection, D=String("a.pdf"), View=Name.D)
    update.put(update.root)


def _redraw_by_resources(update: Update) -> None:
    """The form's own Helvetica becomes a symbol font."""
    font = update.form.DR.Font.Helv
    font.BaseFont = Name.ZapfDingbats
    update.put(font)


def _new_outline(update: Update) -> None:
    item = update.root.Outlines.First
    item.Title = String("We agree to pay 900 dong")
    update.put(item)


def _pages_by_destination(update: Update) -> None:
    names = update.root.Names
    names.Dests = Dictionary(Names=Array([String("start"), Array([update.page(1), Name.Fit])]))
    update.put(names)


def _permit(update: Update) -> None:
    """The permissions that a certificate rests on are taken away, or others are claimed."""
    if "/Perms" in update.root:
        del update.root["/Perms"]
    else:
        update.root.Perms = Dictionary(UR3=Dictionary(Type=Name.Sig, Filter=Name("/Adobe.PPKLite")))
    update.put(update.root)


def _structure(update: Update) -> None:
    """Readers for the blind read another text."""
    element = Dictionary(Type=Name.StructElem, S=Name.P, ActualText=String("pay 900"), Pg=update.page())
    update.root.StructTreeRoot = Dictionary(Type=Name.StructTreeRoot, K=Array([update.add(element)]))
    update.root.MarkInfo = Dictionary(Marked=True)
    update.put(update.root)


def _make_symbols() -> Any:
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.ZapfDingbats)
    return Dictionary(Font=Dictionary(Helv=font))


def _remake_in_white(update: Update) -> None:
    update.form.NeedAppearances, update.form.DA = True, String("1 1 1 rg /Helv 10 Tf")
    update.put(update.form)


_SWITCHES: Final[dict[str, Edit]] = {
    "preferences": partial(_set, "ViewerPreferences", Dictionary(HideMenubar=True, Direction=Name.R2L)),
    "looks made anew": partial(_form_set, "NeedAppearances", True),
    "default looks": partial(_form_set, "DA", String("1 1 1 rg /Helv 1 Tf")),
    "form resources": partial(_form_set, "DR", _make_symbols()),
    "looks made anew in white": _remake_in_white,
    "alignment": partial(_form_set, "Q", 2),
    "no fields": partial(_form_set, "Fields", Array()),
    "signature flags": partial(_form_set, "SigFlags", 0),
    "no form": partial(_remove, "AcroForm"),
    "form font": _redraw_by_resources,
    "file attached": _attach,
    "portfolio": _collect,
    "no outline": partial(_remove, "Outlines"),
    "outline": _new_outline,
    "destinations": _pages_by_destination,
    "page labels": partial(_set, "PageLabels", Dictionary(Nums=Array([0, Dictionary(S=Name.r, St=9)]))),
    "page mode": partial(_set, "PageMode", Name.UseAttachments),
    "page layout": partial(_set, "PageLayout", Name.TwoColumnRight),
    "language": partial(_set, "Lang", String("en")),
    "permissions": _permit,
    "structure": _structure,
    "output": partial(_set, "OutputIntents", Array([Dictionary(S=Name.GTS_PDFX, Info=String("x"))])),
    "requirements": partial(_set, "Requirements", Array([Dictionary(S=Name.EnableJavaScripts)])),
    "base address": partial(_set, "URI", Dictionary(Base=String("http://127.0.0.1/"))),
    "threads": partial(_set, "Threads", Array()),
    "files of the document": partial(_set, "AF", Array([Dictionary(Type=Name.Filespec, F=String("a"))])),
    "piece of a program": partial(_set, "PieceInfo", Dictionary(X=Dictionary(Private=String("x")))),
    "spider": partial(_set, "SpiderInfo", Dictionary(V=1)),
    "legal": partial(_set, "Legal", Dictionary(Attestation=String("all is well"))),
    "rendering": partial(_set, "NeedsRendering", True),
}
