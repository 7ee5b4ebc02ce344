"""Objects freed, redefined, renumbered."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from .catalogue import Attack, spread
from .increments import Edit, Update, spell
from .painting import LIE_CONTENT, LIE_STREAM


def list_attacks() -> Iterator[Attack]:
    """Give all attacks of this module."""
    yield from spread("freed-and-redefined", _FREED)


def _free(path: Callable[[Update], Any], update: Update) -> None:
    update.free(path(update).objgen[0])


def _redefine(generation: int, update: Update) -> None:
    update.raw(update.content, LIE_STREAM, generation)


def _free_and_reuse(update: Update) -> None:
    """The content's number is freed, and used again in the next generation that the page then names."""
    number = update.content
    update.raw(number, LIE_STREAM, 1)
    page = spell(update.page()).replace(b"%d 0 R" % number, b"%d 1 R" % number)
    update.raw(update.page().objgen[0], page)


def _as(body: bytes, path: Callable[[Update], Any], update: Update) -> None:
    update.raw(path(update).objgen[0], body)


def _refer(update: Update) -> None:
    """The content becomes a reference to another."""
    made = update.stream(LIE_CONTENT)
    update.raw(update.content, b"%d 0 R" % made.objgen[0])


def _shared_number(update: Update) -> None:
    """The page's number, in another generation, holds another page."""
    page = update.page()
    page.Contents = update.stream(LIE_CONTENT)
    update.raw(page.objgen[0], spell(page), 1)
    pages = spell(update.root.Pages).replace(b"%d 0 R" % page.objgen[0], b"%d 1 R" % page.objgen[0])
    update.raw(update.root.Pages.objgen[0], pages)


def _font(update: Update) -> Any:
    return update.page().Resources.Font.F1


def _encoding(update: Update) -> Any:
    return _font(update).Encoding


def _resources(update: Update) -> Any:
    return update.page().Resources


def _page(update: Update) -> Any:
    return update.page()


def _picture(update: Update) -> Any:
    return update.page().Resources.XObject.Picture


def _shape(update: Update) -> Any:
    return update.page().Resources.XObject.Shape


def _form(update: Update) -> Any:
    return update.form


def _field(update: Update) -> Any:
    return update.field("Amount")


def _look(update: Update) -> Any:
    return update.field("Amount").AP.N


def _annotations(update: Update) -> Any:
    return update.page().Annots


def _signature(update: Update) -> Any:
    return update.signature


_FREED: Final[dict[str, Edit]] = {
    "content freed": partial(_free, lambda update: update.page().Contents),
    "font freed": partial(_free, _font),
    "resources freed": partial(_free, _resources),
    "picture freed": partial(_free, _picture),
    "shape freed": partial(_free, _shape),
    "page freed": partial(_free, _page),
    "form freed": partial(_free, _form),
    "field freed": partial(_free, _field),
    "looks freed": partial(_free, _look),
    "annotations freed": partial(_free, _annotations),
    "signature freed": partial(_free, _signature),
    "content again": partial(_redefine, 0),
    "content in generation 1": partial(_redefine, 1),
    "content in generation 65535": partial(_redefine, 65535),
    "freed and reused": _free_and_reuse,
    "page in generation 1": _shared_number,
    "content made null": partial(_as, b"null", lambda update: update.page().Contents),
    "content made an array": partial(_as, b"[]", lambda update: update.page().Contents),
    "content made a reference": _refer,
    "font made null": partial(_as, b"null", _font),
    "encoding made a name": partial(_as, b"/MacExpertEncoding", _encoding),
    "shape made null": partial(_as, b"null", _shape),
    "picture made a dictionary": partial(_as, b"<< /Type /XObject >>", _picture),
    "annotations made null": partial(_as, b"null", _annotations),
    "form made null": partial(_as, b"null", _form),
    "page made null": partial(_as, b"null", _page),
    "signature made null": partial(_as, b"null", _signature),
}
