"""What an attachment could do to whoever opens it: programs are refused, macros and scripts pointed out.

Rules: the policy decides what is refused (`edoc.edxml.admission`); content and name count alike; what is not
pointed out is not thereby harmless.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from edoc.edxml.admission import PROGRAM_EXTENSIONS, PROGRAM_KINDS, Admission
from edoc.edxml.filenames import safe_name
from edoc.edxml.kinds import Nature
from edoc.edxml.limits import Limits
from edoc.edxml.staging import Content
from edoc.edxml.wrapping import extension_of
from edoc.errors import PackageError

Danger = tuple[str, str]
"""A warning's code, and its detail."""

_HINTS: Final[dict[str, Danger]] = {
    "pdf-javascript": ("SCRIPT_FOUND", "JavaScript in a PDF"),
    "pdf-launch": ("SCRIPT_FOUND", "a PDF that starts programs"),
    "ole-vba": ("MACROS_FOUND", "VBA"),
    "ole-encrypted": ("CONTENT_ENCRYPTED", ""),
}
_SCRIPT_KINDS: Final = {"html": "HTML", "svg": "SVG", "shebang": "a script with #!"}
_WHY: Final = {
    "ARCHIVE_EXPANDS": ("claims to expand too far", "khai báo bung ra quá lớn"),
    "ARCHIVE_HOLDS_PROGRAM": ("holds a program", "có chứa chương trình"),
    "CONTENT_ENCRYPTED": ("is encrypted", "bị mã hóa"),
    "MACROS_FOUND": ("carries macros", "có macro"),
    "SCRIPT_FOUND": ("is or carries a script", "là hoặc có chứa mã kịch bản"),
}
"""What a danger is called where an attachment is refused over it."""
_MOST_TOLD: Final = 20
_MACRO_ENDS: Final = ("vbaproject.bin",)
_MACRO_STARTS: Final = ("xl/macrosheets/", "basic/", "scripts/")
_OFFICE: Final = frozenset({"docx", "xlsx", "pptx", "odt", "ods", "odp"})
_FREE: Final = 10 << 20
"""Bytes to which anything may expand."""


def extension_shown(name: str) -> str:
    """The extension as a system would see it, in lower case, whatever is hidden in the name."""
    return extension_of(safe_name(name, "")).lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an attachment is not let in, in both languages, and where it stands."""

    code: str
    text: str
    text_vi: str
    where: str


def list_refusals(
    name: str, nature: Nature, dangers: Sequence[Danger], admission: Admission, where: str
) -> Iterator[Refusal]:
    """Every reason for which the policy refuses an attachment: by its content, its name, or a danger."""
    extension = extension_shown(name)
    shown = safe_name(name, "?")
    reasons: list[tuple[str, str, str, str]] = []
    if nature.kind in admission.refused_kinds or extension in admission.refused_extensions:
        by_kind = nature.kind in admission.refused_kinds
        found = nature.kind if by_kind else f".{extension}"
        if by_kind or extension in PROGRAM_EXTENSIONS:
            reasons.append(("EXECUTABLE_REFUSED", "is a program", "là chương trình thực thi", found))
        else:
            reasons.append(("ATTACHMENT_REFUSED", "is of a refused kind", "thuộc loại không nhận", found))
    for code, detail in dangers:
        if code in admission.refused_findings:
            reasons.append(("ATTACHMENT_REFUSED", *_WHY[code], detail))
    for code, why, why_vi, detail in reasons:
        more = f" ({detail})" if detail else ""
        yield Refusal(
            code=code,
            text=f"the attachment {shown!r} {why}{more}",
            text_vi=f"Tệp đính kèm '{shown}' {why_vi}{more}",
            where=where,
        )


def refuse(refusals: Sequence[Refusal]) -> PackageError:
    """The error to raise over attachments that are refused; its reasons are in both languages."""
    first, more = refusals[0], len(refusals) - _MOST_TOLD
    rest = (f"… và {more} lý do khác / and {more} more",) if more > 0 else ()
    return PackageError(
        f"{first.text}.",
        where=first.where,
        advice="Such attachments are not taken here; ask the sender what it is.",
        code=first.code,
        reasons=(*(f"{each.text_vi} / {each.text}" for each in refusals[:_MOST_TOLD]), *rest),
    )


def list_dangers(content: Content, extension: str, nature: Nature, limits: Limits) -> Iterator[Danger]:
    """What to point out about an attachment that is let in."""
    admission = limits.admission
    yield from (_HINTS[hint] for hint in sorted(content.hints))
    if nature.kind in _SCRIPT_KINDS:
        yield "SCRIPT_FOUND", _SCRIPT_KINDS[nature.kind]
    elif extension in admission.flagged_extensions:
        yield "SCRIPT_FOUND", f".{extension}"
    if nature.kind in PROGRAM_KINDS or extension in PROGRAM_EXTENSIONS:  # and the policy lets it in
        yield "PROGRAM_FOUND", nature.kind or f".{extension}"
    yield from _list_inside(content, nature, limits)


def _list_inside(content: Content, nature: Nature, limits: Limits) -> Iterator[Danger]:
    entries = nature.entries
    if entries is None:
        if nature.kind == "zip":
            yield "ARCHIVE_UNREAD", ""
        return
    names = [entry.name.lower() for entry in entries]
    if any(name.endswith(_MACRO_ENDS) or name.startswith(_MACRO_STARTS) for name in names):
        yield "MACROS_FOUND", nature.kind
    if any(entry.encrypted for entry in entries):
        yield "CONTENT_ENCRYPTED", ""
    if nature.kind not in _OFFICE:
        program = next((name for name in names if extension_shown(name) in PROGRAM_EXTENSIONS), None)
        if program is not None:
            yield "ARCHIVE_HOLDS_PROGRAM", program
    claimed = sum(entry.size for entry in entries)
    if claimed > max(_FREE, content.size * limits.zip_ratio):
        yield "ARCHIVE_EXPANDS", str(claimed)
