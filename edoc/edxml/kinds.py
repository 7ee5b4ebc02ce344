"""What kind of file a content is, judged by its bytes alone; names and labels are only compared with it.

A small table of signatures; office files are told from other zips by the entries inside, installers from
other OLE files by the class of their root. Whatever is not in the table has no kind.
"""

import re
from dataclasses import dataclass
from typing import BinaryIO, Final

from edoc.edxml.archives import Entry, list_entries
from edoc.edxml.limits import Limits
from edoc.edxml.staging import Content

# Kind, where its signature stands, the signature; the first that fits wins.
_SIGNATURES: Final[tuple[tuple[str, int, bytes], ...]] = (
    ("zip", 0, b"PK\x03\x04"),
    ("zip", 0, b"PK\x05\x06"),
    ("ole", 0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    ("rtf", 0, b"{\\rtf"),
    ("png", 0, b"\x89PNG\r\n\x1a\n"),
    ("jpeg", 0, b"\xff\xd8\xff"),
    ("gif", 0, b"GIF8"),
    ("tiff", 0, b"II*\x00"),
    ("tiff", 0, b"MM\x00*"),
    ("bmp", 0, b"BM"),
    ("rar", 0, b"Rar!\x1a\x07"),
    ("7z", 0, b"7z\xbc\xaf\x27\x1c"),
    ("gzip", 0, b"\x1f\x8b\x08"),
    ("elf", 0, b"\x7fELF"),
    ("java-class", 0, b"\xca\xfe\xba\xbe\x00\x00\x00"),
    ("macho", 0, b"\xca\xfe\xba\xbe"),
    ("macho", 0, b"\xfe\xed\xfa\xce"),
    ("macho", 0, b"\xfe\xed\xfa\xcf"),
    ("macho", 0, b"\xce\xfa\xed\xfe"),
    ("macho", 0, b"\xcf\xfa\xed\xfe"),
    ("dex", 0, b"dex\n0"),
    ("wasm", 0, b"\x00asm\x01"),
    ("chm", 0, b"ITSF\x03\x00"),
    ("lnk", 0, b"\x4c\x00\x00\x00\x01\x14\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00\x46"),
    ("tar", 257, b"ustar"),
)
_JAVA_CLASS: Final = 30
"""The byte behind says: major versions of Java begin at 45, a Mach-O file has fewer architectures."""
_PDF: Final = b"%PDF-"
_PDF_WITHIN: Final = 1024
_PE: Final = 0x3C
_PE_WITHIN: Final = 1 << 16
_DOS_HEADER: Final = 64
_SHEBANG: Final = re.compile(rb"(?:\xef\xbb\xbf)?#![ \t]*/")
_HTML: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<!--.{0,400}?-->\s*)?<(?:!doctype\s+html|html|head|body|script|iframe|meta)\b",
    re.IGNORECASE | re.DOTALL,
)
_SVG: Final = re.compile(rb"<(?:\w+:)?svg\b", re.IGNORECASE)
_XML: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml|!--|!DOCTYPE|\w)")
# Kind, and the beginning of an entry's name that tells it from other zips.
_IN_ZIP: Final = (
    ("docx", "word/"),
    ("xlsx", "xl/"),
    ("pptx", "ppt/"),
    ("apk", "AndroidManifest.xml"),
    ("jar", "META-INF/MANIFEST.MF"),
)
_ODF: Final = re.compile(rb"mimetypeapplication/vnd\.oasis\.opendocument\.(text|spreadsheet|presentation)")
_ODF_KINDS: Final = {b"text": "odt", b"spreadsheet": "ods", b"presentation": "odp"}
_MSI_CLASSES: Final = frozenset(
    bytes((part, 0x10, 0x0C, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46)) for part in (0x82, 0x84, 0x86)
)
_OLE_FIRST_DIRECTORY: Final = slice(0x30, 0x34)
_OLE_SHIFT: Final = slice(0x1E, 0x20)
_OLE_CLASS: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Nature:
    """What a content is."""

    kind: str
    """Empty if it is not in the table."""
    entries: tuple[Entry, ...] | None = None
    """Those of a zip whose directory could be read."""


# What a file of that extension may be; others are not compared.
_BY_NAME: Final[dict[str, frozenset[str]]] = {
    name: frozenset(kinds.split())
    for name, kinds in {
        "pdf": "pdf",
        "doc": "ole rtf",
        "xls": "ole",
        "ppt": "ole",
        "docx": "docx",
        "docm": "docx",
        "xlsx": "xlsx",
        "xlsm": "xlsx",
        "pptx": "pptx",
        "odt": "odt",
        "ods": "ods",
        "odp": "odp",
        "rtf": "rtf",
        "zip": "zip docx xlsx pptx odt ods odp jar apk",
        "rar": "rar",
        "7z": "7z",
        "gz": "gzip",
        "png": "png",
        "jpg": "jpeg",
        "jpeg": "jpeg",
        "gif": "gif",
        "bmp": "bmp",
        "tif": "tiff",
        "tiff": "tiff",
    }.items()
}
_ZIPS: Final = frozenset({"docx", "xlsx", "pptx", "odt", "ods", "odp", "zip", "jar", "apk"})
# Labels of IANA beside those that the reference makes of extensions, `application/docx`.
_BY_LABEL: Final[dict[str, str]] = {
    "application/msword": "doc",
    "application/rtf": "rtf",
    "text/rtf": "rtf",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-powerpoint": "ppt",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.presentation": "odp",
    "application/x-zip-compressed": "zip",
    "image/jpeg": "jpg",
}


def tell_nature(content: Content, limits: Limits) -> Nature:
    """Tell what a content is; zips and OLE files are looked into if they were kept."""
    kind = _tell_kind(content.head)
    if kind == "zip" and content.kept:
        with content.open() as file:
            return _tell_zip(content.head, list_entries(file, directory=limits.zip_directory))
    if kind == "ole" and content.kept:
        with content.open() as file:
            return Nature(kind="msi" if _read_ole_class(file) in _MSI_CLASSES else "ole")
    return Nature(kind=kind)


def fits_name(nature: Nature, extension: str) -> bool:
    """Tell whether such a content may bear a name with that extension; names that nobody knows fit all."""
    kinds = _BY_NAME.get(extension.lower())
    if kinds is None or nature.kind in kinds:
        return True
    # a zip that could not be looked into may be any of those that are zips
    return nature.kind == "zip" and nature.entries is None and not _ZIPS.isdisjoint(kinds)


def fits_label(nature: Nature, label: str) -> bool:
    """Tell whether such a content may bear that content type; types that nobody knows fit all."""
    plain = label.lower().partition(";")[0].strip()
    extension = _BY_LABEL.get(plain) or plain.removeprefix("application/").removeprefix("image/")
    return fits_name(nature, extension)


def _tell_kind(head: bytes) -> str:
    if head.startswith(_PDF):
        return "pdf"
    for kind, at, signature in _SIGNATURES:
        if head.startswith(signature, at):
            if kind == "java-class" and not head[7:8] > bytes((_JAVA_CLASS,)):
                continue
            return kind
    if head.startswith(b"MZ"):
        return _tell_program(head)
    if _PDF in head[:_PDF_WITHIN]:
        return "pdf"
    return _tell_text(head)


def _tell_program(head: bytes) -> str:
    """PE, or a program for DOS; a text that begins with MZ is none."""
    if len(head) < _DOS_HEADER or b"\x00" not in head[:_DOS_HEADER]:
        return ""
    at = int.from_bytes(head[_PE : _PE + 4], "little")
    if at + 2 > len(head):
        return "pe" if at < _PE_WITHIN else "dos"
    return "pe" if head[at : at + 2] in {b"PE", b"NE", b"LE", b"LX"} else "dos"


def _tell_text(head: bytes) -> str:
    if _SHEBANG.match(head):
        return "shebang"
    if _HTML.match(head):
        return "html"
    if _XML.match(head):
        return "svg" if _SVG.search(head) else "xml"
    return ""


def _tell_zip(head: bytes, entries: tuple[Entry, ...] | None) -> Nature:
    if entries is None:
        return Nature(kind="zip")
    odf = _ODF.search(head[:200])
    if odf is not None:
        return Nature(kind=_ODF_KINDS[odf[1]], entries=entries)
    names = [entry.name for entry in entries]
    found = (kind for kind, begin in _IN_ZIP if any(name.startswith(begin) for name in names))
    return Nature(kind=next(found, "zip"), entries=entries)


def _read_ole_class(file: BinaryIO) -> bytes:
    """The class of an OLE file's root; MS-CFB 2.2 and 2.6.1."""
    file.seek(0)
    header = file.read(512)
    shift = int.from_bytes(header[_OLE_SHIFT], "little")
    sector = int.from_bytes(header[_OLE_FIRST_DIRECTORY], "little")
    if shift not in {9, 12}:
        return b""
    file.seek(((sector + 1) << shift) + _OLE_CLASS)
    return file.read(16)
