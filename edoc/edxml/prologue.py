"""Where the XML of a package begins and how its text is encoded, told from its first bytes.

Rules: what is UTF-8 reaches the parser untouched; anything else is decoded first. An encoding is believed if
it is declared or begins with its mark; one that contradicts the bytes is reported, and the bytes win. What
stands before the XML is passed over up to a limit.
"""

import codecs
import re
from dataclasses import dataclass
from typing import Final

from edoc.edxml.findings import Findings
from edoc.edxml.limits import Limits
from edoc.errors import PackageError

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UNMARKED: Final = ((b"<\x00", "utf-16-le"), (b"\x00<", "utf-16-be"))
_WIDE: Final = re.compile(r"utf[-_]?(16|32)|ucs[-_]?[24]|iso-10646", re.IGNORECASE)
_DECLARED: Final = re.compile(rb"<\?xml\s[^>]*?\sencoding\s*=\s*[\"']([A-Za-z][A-Za-z0-9._:-]{0,40})[\"']")
# Legacy encodings in which ASCII means ASCII; nothing else is believed, however it is declared.
_LEGACY: Final = re.compile(
    r"ascii|iso8859-\d+|cp125\d|cp874|cp932|cp949|koi8-[rut]|tis-620|gb2312|gbk|gb18030|big5|euc_(jp|kr)|shift_jis"
)
_XML: Final = re.compile(rb"<\?xml\s|<(?:[\w.-]+:)?(?:edXML|edXMLEnvelope|Envelope)[\s>/]", re.IGNORECASE)
_START: Final = re.compile(rb"<[A-Za-z_]")
_SPACE: Final = b" \t\r\n"
_LEAD: Final = b"\xef\xbb\xbf\xff\xfe\x00" + _SPACE
"""Byte order marks, white space and half a character."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prologue:
    """How to read a package."""

    skip: int = 0
    """Bytes to pass over."""
    lines: int = 0
    """Line ends among them."""
    encoding: str = "utf-8"
    """How Python calls the encoding of what follows."""


def read_prologue(head: bytes, limits: Limits, findings: Findings) -> Prologue:
    """Look at the first bytes of a package. Raises `PackageError` if its encoding is unknown."""
    skip, encoding = _read_mark(head)
    if encoding == "utf-8":
        body = head[skip:]
        junk = _measure_junk(body, limits)
        encoding = _read_declaration(body[junk : junk + limits.junk], findings)
        skip += junk
    else:
        text = head[skip : skip + 4 * limits.junk].decode(encoding, "ignore").encode("utf-8", "ignore")
        junk = len(text[: _measure_junk(text, limits)].decode().encode(encoding))
        _compare(_find_declared(text), encoding, findings)
        skip += junk
    if junk:
        findings.add("LEADING_JUNK", "line 1", str(junk))
    return Prologue(skip=skip, lines=head[:skip].count(b"\n"), encoding=encoding)


def starts_message(data: bytes) -> bool:
    """Tell whether these bytes begin a message, in XML that says so at once."""
    return _XML.match(data.lstrip(codecs.BOM_UTF8 + _SPACE)) is not None


def starts_tag(data: bytes) -> bool:
    """Tell whether a tag stands first, in whatever encoding of Unicode."""
    return data.lstrip(_LEAD).startswith(b"<")


def holds_message(data: bytes) -> bool:
    """Tell whether a message, in XML that says so, begins anywhere in these bytes."""
    return _XML.search(data) is not None


def _read_mark(head: bytes) -> tuple[int, str]:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return len(mark), encoding
    for begin, encoding in _UNMARKED:
        if head.startswith(begin):
            return 0, encoding
    return 0, "utf-8"


def _measure_junk(body: bytes, limits: Limits) -> int:
    """How many bytes stand before the XML; 0 if it begins where it should, or nowhere."""
    found = _XML.search(body, 0, limits.junk)
    if found is None or found.start() == 0:
        return 0
    before = body[: found.start()]
    declaration = found[0].startswith(b"<?")
    if not declaration and not before.strip(_SPACE):
        return 0  # white space before a root without declaration is no fault
    if not declaration and before.lstrip(_SPACE).startswith((b"<?", b"<!")):
        return 0  # comments and instructions may stand before a root
    # what another element holds is its own affair
    return 0 if _START.search(before) else found.start()


def _find_declared(body: bytes) -> str:
    found = _DECLARED.match(body)
    return "" if found is None else found[1].decode()


def _read_declaration(body: bytes, findings: Findings) -> str:
    """The encoding of bytes that are neither UTF-16 nor UTF-32."""
    declared = _find_declared(body)
    if not declared or declared.lower() in {"utf-8", "utf8"}:
        return "utf-8"
    if _WIDE.match(declared):  # .NET declares what its strings are, not what it writes
        findings.add("ENCODING_MISDECLARED", "line 1", declared, "UTF-8")
        return "utf-8"
    try:
        encoding = codecs.lookup(declared).name
    except LookupError:
        encoding = ""
    if not _LEGACY.fullmatch(encoding):
        raise PackageError(
            f"the text cannot be decoded (unknown encoding: {declared}).", where="line 1", code="XML_ENCODING"
        )
    if encoding == "ascii":
        return "utf-8"
    findings.add("ENCODING_OTHER", "line 1", declared)
    return encoding


def _compare(declared: str, encoding: str, findings: Findings) -> None:
    findings.add("ENCODING_OTHER", "line 1", encoding.upper())
    if declared and not _WIDE.match(declared):
        findings.add("ENCODING_MISDECLARED", "line 1", declared, encoding.upper())
