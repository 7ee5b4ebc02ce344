"""What is read of a package outside the contents of its attachments: a small tree, by local names."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, Optional

if TYPE_CHECKING:
    from edoc.edxml.staging import Content

XML_SPACE: Final = " \t\r\n"
NO_CHILDREN: Final[list["Element"]] = []
NO_ATTRIBUTES: Final[dict[str, str]] = {}
"""What every element without any shares, and nobody adds to: there are many, and most are leaves."""


class Element:
    """One element; `taken` once somebody has used it, so that nothing is lost in silence."""

    __slots__ = (
        "attributes",
        "children",
        "content",
        "line",
        "name",
        "parent",
        "place",
        "prefix",
        "raw",
        "taken",
    )

    def __init__(
        self,
        name: str,
        prefix: str,
        line: int,
        attributes: dict[str, str],
        parent: Optional["Element"],
        place: int = 0,
    ) -> None:
        self.name = name
        """Without prefix."""
        self.prefix = prefix
        self.line = line
        self.attributes = attributes
        self.parent = parent
        self.place = place
        """Its place in document order; the root is 1."""
        self.raw = ""
        """The text as it stands; between elements there is none if it is mere white space."""
        self.children = NO_CHILDREN
        self.content: Content | None = None
        """The decoded content, of an attachment's element alone."""
        self.taken = False

    @property
    def text(self) -> str:
        """The text without white space at its ends, as the reference library reads it."""
        return self.raw.strip(XML_SPACE)

    @property
    def written(self) -> str:
        """What it is called in the package."""
        return self.name

    @property
    def path(self) -> str:
        """Where it stands: its names from the root, and its line."""
        names: list[str] = []
        element: Element | None = self
        while element is not None:
            names.append(element.written)
            element = element.parent
        return f"{'/'.join(reversed(names))}, line {self.line}"

    def find(self, name: str) -> Optional["Element"]:
        """Take the first child of that name."""
        for child in self.children:
            if child.name == name:
                child.taken = True
                return child
        return None

    def find_any(self, names: Iterable[str]) -> Optional["Element"]:
        """Take the first child of the first of these names that there is."""
        return next(filter(None, map(self.find, names)), None)

    def find_all(self, *names: str) -> list["Element"]:
        """Take all children of these names."""
        found = [child for child in self.children if child.name in names]
        for child in found:
            child.taken = True
        return found

    def find_text(self, name: str) -> str:
        """Take the text of the first child of that name; empty if there is none."""
        child = self.find(name)
        return "" if child is None else child.text

    def find_any_text(self, names: Iterable[str]) -> str:
        """Take the text of the first child of the first of these names that there is; empty if none."""
        child = self.find_any(names)
        return "" if child is None else child.text

    def take_all(self) -> None:
        """Take everything below."""
        waiting = [self]
        while waiting:
            for child in waiting.pop().children:
                child.taken = True
                waiting.append(child)

    def left_over(self) -> Iterator["Element"]:
        """Go through the elements that nobody has taken, in document order; not into them."""
        waiting = list(reversed(self.children))
        while waiting:
            element = waiting.pop()
            if element.taken:
                waiting += reversed(element.children)
            else:
                yield element


class RenamedElement(Element):
    """An element that is called otherwise in the package than in the regulation."""

    __slots__ = ("_written",)

    def __init__(self, name: str, like: Element, parent: Element | None) -> None:
        super().__init__(name, like.prefix, like.line, like.attributes, parent, like.place)
        self._written = like.name

    @property
    def written(self) -> str:
        """What it is called in the package."""
        return self._written
