"""A command that reads its own words: paths, numbers and texts, and tuples and lists of them.

Typer has every value read by Pydantic, whose import alone takes as long as judging several files. Only how a
word becomes a value is different here; should a later Typer not ask any more, it reads them itself again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

import typer
from typer.core import TyperCommand


class PlainCommand(TyperCommand):
    """Use it as `app.command(cls=PlainCommand)`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words after the command."""
        read_plainly(self.get_params(ctx))
        return super().parse_args(ctx, args)


def read_plainly(params: Iterable[Any]) -> None:
    """Have the words of these parameters read here."""
    for param in params:
        if hasattr(param, "type_descriptor"):
            param._runtime_param = _Reader(param.type_descriptor)  # noqa: SLF001 - see above


@dataclass(frozen=True, slots=True)
class _Reader:
    """Makes values of one parameter from words."""

    described: Any

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Make the value; raises `BadParameter`."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        try:
            return self._read(self.described.annotation, value)
        except ValueError as error:
            raise typer.BadParameter(f"{error}.", ctx=ctx, param=param) from error
        except TypeError:  # a kind that is not read here
            param._runtime_param = None  # noqa: SLF001
            return param.get_runtime_param().coerce(value, param=param, ctx=ctx)

    def _read(self, kind: Any, value: Any) -> Any:
        kinds = get_args(kind)
        if get_origin(kind) is list:
            return [self._read(kinds[0], each) for each in value]
        if get_origin(kind) is tuple:
            return tuple(self._read(one, each) for one, each in zip(kinds, value, strict=True))
        if kind is int:
            return self._read_number(value)
        if kind in (str, Path, bool):
            return kind(value)
        raise TypeError(f"a {kind} is not read here")

    def _read_number(self, word: Any) -> int:
        try:
            number = int(word)
        except ValueError:
            raise ValueError(f"{word!r} is not a whole number") from None
        least = self.described.parameter_info.min
        if least is not None and number < least:
            raise ValueError(f"{number} is less than {least}")
        return number
