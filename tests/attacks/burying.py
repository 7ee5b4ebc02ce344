"""Shadow attacks that hide and replace: the other document was signed as well, and nobody saw it."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from pikepdf import Array, Dictionary, Name, String

from .catalogue import Attack
from .drafts import draft
from .increments import FORMS, Edit, Form, Update, append, apply, copy, spell
from .makers import Base, Maker
from .painting import LAYERS, LIE, PAGES


def list_attacks() -> Iterator[Attack]:
    """Give all attacks of this module: buried versions of objects, and stashed objects that nothing used."""
    edits = {**PAGES, **LAYERS}
    chosen = (
        *(
            "content overwritten",
            "content replaced",
            "box shrunk",
            "turned",
            "shape redrawn",
            "picture repainted",
        ),
        *("resources swapped", "pages reordered", "page removed", "page put first", "page replaced"),
        *("tree replaced", "page nested", "page made a node", "switched", "picture hidden", "names swapped"),
    )
    for index, name in enumerate(chosen):
        form: Form = FORMS[index % len(FORMS)]
        dig = partial(_dig_up, edits[name], form)
        yield Attack("shadow-hide-and-replace", f"{name}, {form}", dig, partial(_bury, edits[name]))
    for index, (name, edit) in enumerate(_STASHED.items()):
        form = FORMS[index % len(FORMS)]
        yield Attack(
            "shadow-hide-and-replace",
            f"{name}, {form}",
            partial(_apply, edit, form),
            lambda maker, kind: maker.base(kind, _stash(draft())),
        )


def _apply(edit: Edit, form: Form, base: Base) -> bytes:
    return apply(base.data, edit, form)


def _bury(edit: Edit, maker: Maker, kind: str) -> Base:
    first, update = draft(), Update(draft())
    edit(update)
    second = update.render()
    original = Update(first)
    objects = {key: spell(original.pdf.get_object(key)) for key in update.written if key[0] < original.size}
    return maker.base(kind, append(second, objects))


def _dig_up(edit: Edit, form: Form, base: Base) -> bytes:
    start = len(draft())
    update = Update(draft())
    edit(update)
    places = {
        number: (base.data.index(b"\n%d %d obj" % (number, generation), start) + 1, generation)
        for number, generation in update.written
    }
    return append(base.data, {}, form, extra=places)


def _stash(unsigned: bytes) -> bytes:
    """Put another page, tree and catalogue into a document that nothing leads to."""
    update = Update(unsigned)
    root, page = update.root, copy(update.page())
    page.Contents = update.stream(LIE.replace(b"/Helv", b"/F1"))
    made = update.add(page)
    tree = update.add(Dictionary(Type=Name.Pages, Kids=Array([made]), Count=1))
    made.Parent = tree
    other = copy(root)
    other.Pages, other.Stashed = tree, True
    catalogue = update.add(other)
    update.put(made, catalogue)
    return update.render()


def _find_stashed(update: Update) -> Any:
    return next(each for each in update.pdf.objects if isinstance(each, Dictionary) and "/Stashed" in each)


def _use_tree(update: Update) -> None:
    update.root.Pages = _find_stashed(update).Pages
    update.put(update.root)


def _use_page(update: Update) -> None:
    tree = update.root.Pages
    tree.Kids = Array([_find_stashed(update).Pages.Kids[0], tree.Kids[1]])
    update.put(tree)


def _use_content(update: Update) -> None:
    update.page().Contents = _find_stashed(update).Pages.Kids[0].Contents
    update.put(update.page())


def _use_both(update: Update) -> None:
    page = update.page()
    page.Contents = Array([_find_stashed(update).Pages.Kids[0].Contents, page.Contents])
    update.put(page)


def _use_as_template(update: Update) -> None:
    update.root.Names.Templates = Dictionary(
        Names=Array([String("other"), _find_stashed(update).Pages.Kids[0]])
    )
    update.put(update.root.Names)


def _use_as_picture(update: Update) -> None:
    update.page().Resources.XObject.Shape = _find_stashed(update).Pages.Kids[0].Contents
    update.put(update.page().Resources)


def _use_as_looks(update: Update) -> None:
    field = update.field("Note")
    field.AP = Dictionary(N=_find_stashed(update).Pages.Kids[0].Contents)
    field.V = String("900")
    update.put(field)


_STASHED: Final[dict[str, Edit]] = {
    "another tree": _use_tree,
    "another page": _use_page,
    "another content": _use_content,
    "both contents": _use_both,
    "another page as a template": _use_as_template,
    "another content as a picture": _use_as_picture,
    "another content as a field's looks": _use_as_looks,
}
