"""What a file claims to be for archives: PDF/A (ISO 19005), its part, and whether it says its colours."""

import re
from dataclasses import dataclass
from typing import Any, Final

from pyhanko.pdf_utils import generic

from edoc.pdf.objects import items, look

_PART: Final = re.compile(rb"""pdfaid:part(?:\s*=\s*["']|(?:\s[^>]*)?>)\s*([1-9])""")
_INTENT: Final = "/GTS_PDFA1"


@dataclass(frozen=True, slots=True)
class Archival:
    """The claim of a file; what is added to the file must keep it true."""

    part: int = 0
    """Of ISO 19005, 1 to 4; 0 if the file claims nothing."""
    has_intent: bool = False
    """It has an output intent, so colours of devices mean something."""

    @property
    def allows_soft_masks(self) -> bool:
        """Part 1 knows no transparency (6.4); the others want to know in which colours to blend (6.2.10)."""
        return self.part == 0 or (self.part > 1 and self.has_intent)


def read_archival(view: Any) -> Archival:
    """Read the claim of a reader or an update."""
    metadata = look(view.root, "/Metadata")
    if not isinstance(metadata, generic.StreamObject):
        return Archival()
    found = _PART.search(metadata.data.replace(b"\0", b""))  # UTF-16 is allowed too
    if found is None:
        return Archival()
    intents = items(look(view.root, "/OutputIntents"))
    return Archival(int(found[1]), any(look(intent, "/S") == _INTENT for intent in intents))
