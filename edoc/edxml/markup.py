r"""XML text as the reference library writes it, byte for byte.

Rules (measured): UTF-8 without BOM, CRLF line ends, two spaces of indent, `<X />` for an empty element; texts
lose white space at their ends, an inner LF becomes CRLF and a CR `&#xD;`; `& < >` are escaped, quotes are
not; characters beyond the BMP become lower-case hex references; nothing is normalised. An empty text makes no
element at all, one of white space an empty element.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from edoc.edxml.elements import XML_SPACE

EOL: Final = "\r\n"

_ESCAPED: Final = re.compile("[&<>\n\r\U00010000-\U0010ffff]")
_ESCAPED_IN_ATTRIBUTE: Final = re.compile('[&<>"\t\n\r\U00010000-\U0010ffff]')
_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;", "\n": EOL}
_ATTRIBUTE_ENTITIES: Final = _ENTITIES | {'"': "&quot;", "\t": "&#x9;", "\n": "&#xA;"}


@dataclass(frozen=True, slots=True)
class Node:
    """An element with a text or with elements; `attributes` stand in order."""

    name: str
    content: "str | tuple[Node, ...]" = ()
    attributes: tuple[tuple[str, str], ...] = ()


def text_node(name: str, text: str) -> tuple[Node, ...]:
    """Return the element of a text; none if the text is empty."""
    return (Node(name, text),) if text else ()


def escape(text: str) -> str:
    """Return a text as it stands between tags."""
    return _ESCAPED.sub(lambda found: _reference(found[0], _ENTITIES), text.strip(XML_SPACE))


def _reference(character: str, entities: dict[str, str]) -> str:
    return entities.get(character) or f"&#x{ord(character):x};"


def start(node: Node, prefix: str) -> str:
    """Return an element's start tag up to its closing bracket."""
    attributes = "".join(f' {name}="{_escape_attribute(value)}"' for name, value in node.attributes)
    return f"<{prefix}{node.name}{attributes}"


def _escape_attribute(value: str) -> str:
    return _ESCAPED_IN_ATTRIBUTE.sub(lambda found: _reference(found[0], _ATTRIBUTE_ENTITIES), value)


def lines(node: Node, depth: int, prefix: str) -> Iterator[str]:
    """Write an element, line by line with their ends."""
    indent, tag = "  " * depth, start(node, prefix)
    if isinstance(node.content, str):
        text = escape(node.content)
        yield f"{indent}{tag}>{text}</{prefix}{node.name}>{EOL}" if text else f"{indent}{tag} />{EOL}"
    elif node.content:
        yield f"{indent}{tag}>{EOL}"
        for child in node.content:
            yield from lines(child, depth + 1, prefix)
        yield f"{indent}</{prefix}{node.name}>{EOL}"
    else:
        yield f"{indent}{tag} />{EOL}"
