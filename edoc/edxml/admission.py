"""Which attachments are let in: the policy, as data that a node's settings may replace.

Kinds are those of `edoc.edxml.kinds`; extensions are lower-case and without a dot.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

PROGRAM_KINDS: Final = frozenset(
    {"pe", "dos", "elf", "macho", "java-class", "jar", "apk", "dex", "wasm", "msi", "lnk", "shebang", "chm"}
)
PROGRAM_EXTENSIONS: Final = frozenset(
    (
        *("exe", "com", "scr", "pif", "dll", "sys", "ocx", "cpl", "drv", "efi", "msi", "msp", "msu", "msix"),
        *("msc", "xll", "wll", "gadget", "application", "appref-ms", "jnlp"),
        *("appx", "lnk", "jar", "class", "apk", "dex", "so", "dylib", "elf", "deb", "rpm", "appimage"),
        *("dmg", "chm"),
    )
)
_SCRIPT_EXTENSIONS: Final = frozenset(
    (
        *("js", "jse", "mjs", "vbs", "vbe", "wsf", "wsh", "wsc", "sct", "hta", "ps1", "psm1", "psd1", "bat"),
        *("cmd", "sh", "bash", "py", "pyw", "php", "pl", "rb", "reg", "inf", "scf", "url", "htm", "html"),
        *("xhtml", "mht", "mhtml", "svg", "svgz", "swf", "iqy", "slk", "vb", "ps1xml", "settingcontent-ms"),
        *("library-ms", "search-ms", "website", "desktop", "csh", "ksh"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What is refused and what is let in but pointed out."""

    refused_kinds: frozenset[str] = PROGRAM_KINDS
    """Kinds of content for which a package is refused."""
    refused_extensions: frozenset[str] = PROGRAM_EXTENSIONS
    """Extensions of attachment names for which a package is refused, whatever the content is."""
    flagged_extensions: frozenset[str] = _SCRIPT_EXTENSIONS
    """Extensions that are let in and pointed out as scripts."""
    refused_findings: frozenset[str] = frozenset()
    """Codes of warnings about an attachment (`edoc.edxml.findings`) for which a package is refused."""


DEFAULT_ADMISSION: Final = Admission()
EVERYTHING: Final = Admission(refused_kinds=frozenset(), refused_extensions=frozenset())
"""Refuses nothing; what is dangerous is pointed out all the same. For looking into what was refused."""

PROGRAMS: Final = "programs"
REFUSABLE: Final[dict[str, str]] = {
    "archived-programs": "ARCHIVE_HOLDS_PROGRAM",
    "bombs": "ARCHIVE_EXPANDS",
    "encrypted": "CONTENT_ENCRYPTED",
    "macros": "MACROS_FOUND",
    "scripts": "SCRIPT_FOUND",
}
"""What else a node may refuse, in the words of its settings, and the warning that tells of it."""


def make_admission(refuse: Collection[str], extensions: Collection[str] = ()) -> Admission:
    """The policy that refuses these, `programs` or keys of `REFUSABLE`, and names with these extensions."""
    programs = PROGRAMS in refuse
    more = frozenset(extension.lower().lstrip(".") for extension in extensions)
    return Admission(
        refused_kinds=PROGRAM_KINDS if programs else frozenset(),
        refused_extensions=(PROGRAM_EXTENSIONS if programs else frozenset()) | more,
        refused_findings=frozenset(REFUSABLE[word] for word in refuse if word != PROGRAMS),
    )
