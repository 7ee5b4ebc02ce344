"""All classes of attacks."""

from collections.abc import Iterator

from . import (
    annotating,
    awaiting,
    burying,
    dating,
    disagreeing,
    edging,
    evading,
    filling,
    forging,
    numbering,
    painting,
    preparing,
    replacing,
    shadowing,
    sneaking,
    storing,
    swapping,
    switching,
    wrapping,
)
from .catalogue import Attack

_MODULES = (
    forging,
    wrapping,
    edging,
    swapping,
    dating,
    shadowing,
    replacing,
    burying,
    annotating,
    sneaking,
    painting,
    filling,
    switching,
    numbering,
    disagreeing,
    awaiting,
    storing,
    evading,
    preparing,
)


def list_all() -> Iterator[Attack]:
    """Give every variant of every class, in the same order each time."""
    for module in _MODULES:
        yield from module.list_attacks()
