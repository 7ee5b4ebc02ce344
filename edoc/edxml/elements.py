"""What is read of a package outside the contents of its attachments: a small tree, by local names."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from edoc.edxml.staging import Content

XML_SPACE = " \t\r\n"


@dataclass(slots=True, eq=False)
class Element:
    """One element; `taken` once somebody has used it, so that nothing is lost in silence."""

    name: str
    """Without prefix."""
    prefix: str
    line: int
    attributes: dict[str, str]
    parent: Optional["Element"]
    place: int = 0
    """Its place in document order; the root is 1."""
    parts: list[str] = field(default_factory=list)
    children: list["Element"] = field(default_factory=list)
    content: Optional["Content"] = None
    """The decoded content, of `ContentTransferEncoded` alone."""
    taken: bool = False

    @property
    def raw(self) -> str:
        """The text as it stands."""
        return "".join(self.parts)

    @property
    def text(self) -> str:
        """The text without white space at its ends, as the reference library reads it."""
        return self.raw.strip(XML_SPACE)

    @property
    def path(self) -> str:
        """Where it stands: its names from the root, and its line."""
        names, element = [self.name], self.parent
        while element is not None:
            names.append(element.name)
            element = element.parent
        return f"{'/'.join(reversed(names))}, line {self.line}"

    def find(self, name: str) -> Optional["Element"]:
        """Take the first child of that name."""
        for child in self.children:
            if child.name == name:
                child.taken = True
                return child
        return None

    def find_all(self, name: str) -> list["Element"]:
        """Take all children of that name."""
        found = [child for child in self.children if child.name == name]
        for child in found:
            child.taken = True
        return found

    def find_text(self, name: str) -> str:
        """Take the text of the first child of that name; empty if there is none."""
        child = self.find(name)
        return "" if child is None else child.text

    def take_all(self) -> None:
        """Take everything below."""
        for child in self.children:
            child.taken = True
            child.take_all()

    def left_over(self) -> Iterator["Element"]:
        """Go through the elements that nobody has taken; not into them."""
        for child in self.children:
            if child.taken:
                yield from child.left_over()
            else:
                yield child
