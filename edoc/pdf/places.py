"""Places on pages where the looks may change; what draws them is imported only where something is drawn."""

from dataclasses import dataclass

from edoc.pdf.fieldlist import Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """A place where the looks may change."""

    page: int
    """The first page is 0."""
    box: Box
    text: str | None = None
    """What the place must show; None where any picture is allowed."""
    name: str = ""
    only_darker: bool = False
    """What is there may be marked, not covered."""


class CannotDraw(Exception):  # noqa: N818 - reads as what it is
    """PDFium cannot draw this file."""
