"""Finds the marking of a state secret in a header: such a document has no place here (QĐ 28/2018 Art 1).

Levels: tuyệt mật, tối mật, mật. A marking is looked for where clerks write it: as a part of the symbol
(`12/MẬT-UBND`, `12/UBND(MẬT)`); before the subject, the content, the name or the description of an
attachment (`[MẬT] …`, `Tối mật: …`, `Độ mật: Mật`); and as the value of a field of OtherInfo, an annex's
title or the type's name. Ordinary words that begin alike (`Mật độ xây dựng`) are none. What is inside files
is not read.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from edoc.core.dispatch import Dispatch
from edoc.core.folding import plain

_LEVELS: Final = {
    "tuyet mat": "tuyệt mật",
    "tuyetmat": "tuyệt mật",
    "toi mat": "tối mật",
    "toimat": "tối mật",
    "mat": "mật",
}
_LEVEL: Final = r"(?:tuyet ?mat|toi ?mat|mat)"
_END: Final = r"\s*(?:$|[\])}>:;.!|*\"'”’–—-]|_)"
_MARKED: Final = re.compile(
    rf"\W*(?:(?:muc |cap )?do mat\s*[:=–—-]?\s*\W*(?P<labelled>{_LEVEL}){_END}"
    rf"|(?P<level>{_LEVEL}){_END}"
    r"|(?P<higher>tuyet ?mat|toi ?mat)\b)"
)
_OPENING: Final = re.compile(r"[\W_]*")
_PARTS: Final = re.compile(r"[-/\\()\[\]._,;:+&\s]+")


def explain_marking(where: str) -> str:
    """Tell a sender why a document that is so marked is not taken."""
    return (
        "Văn bản chứa bí mật nhà nước không được gửi qua hệ thống này; gửi theo quy định về bảo vệ bí mật"
        f" nhà nước (state secrets must not travel this way: {where})."
    )


def find_secret_marking(dispatch: Dispatch) -> str | None:
    """Tell where the header marks its document as a state secret, as `subject: mật`; None if nowhere."""
    level = _marked_symbol(dispatch.code.code_notation)
    if level is not None:
        return f"code.code_notation: {level}"
    for where, text in _texts(dispatch):
        level = _marking(text)
        if level is not None:
            return f"{where}: {level}"
    return None


def _texts(dispatch: Dispatch) -> Iterator[tuple[str, str]]:
    yield "subject", dispatch.subject
    yield "content", dispatch.content
    yield "document_type.type_name", dispatch.document_type.type_name
    other = dispatch.other_info
    if other is not None:
        for name in ("sphere_of_promulgation", "typer_notation", "reply_fors", "reference_codes"):
            yield f"other_info.{name}", getattr(other, name)
        for index, text in enumerate(other.appendixes):
            yield f"other_info.appendixes[{index}]", text
    for index, attachment in enumerate(dispatch.attachments):
        yield f"attachments[{index}].name", attachment.name
        yield f"attachments[{index}].description", attachment.description


def _marking(text: str) -> str | None:
    found = _MARKED.match(_fold(text))
    if found is None:
        return None
    level = found["labelled"] or found["level"] or found["higher"]
    # "mat" without diacritics is also "face", "loss": as a lone word it counts as MẬT or MAT only
    if level == "mat" and not found["labelled"] and not _is_shown_as_level(text):
        return None
    return _LEVELS[level]


def _is_shown_as_level(text: str) -> bool:
    word = _OPENING.sub("", _show(text), count=1)[:3]
    return word.casefold() == "mật" or word == "MAT"


def _marked_symbol(notation: str) -> str | None:
    """`MAT` in a symbol may be the letters of a name; `MẬT` and the two higher levels are not."""
    parts = " ".join(_PARTS.split(_fold(notation)))
    for words, level in _LEVELS.items():
        if re.search(rf"\b{words}\b", parts) and (words != "mat" or "mật" in _show(notation).casefold()):
            return level
    return None


def _fold(text: str) -> str:
    """Small letters without diacritics, one blank between words."""
    return " ".join(plain(_show(text)).split())


def _show(text: str) -> str:
    """The text as it is seen: one form of each letter, and none that is invisible."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
