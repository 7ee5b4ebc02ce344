"""The demo's time line: on a terminal a table that grows, elsewhere one line a step."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text


@dataclass(slots=True)
class Screen:
    """Shows each step as it happens; `show` may be called from one thread only."""

    console: Console
    names: tuple[str, str]
    _started: float = field(default_factory=time.monotonic)
    _rows: list[tuple[float, str, Text]] = field(default_factory=list)
    _live: Live | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Keep the time line on the terminal while the demo runs."""
        if not self.console.is_terminal:
            yield
            return
        try:
            with Live(self, console=self.console, refresh_per_second=8, transient=True) as self._live:
                yield
        finally:
            self._live = None
            self.console.print(self)

    @property
    def elapsed(self) -> float:
        """Seconds since the demo began."""
        return time.monotonic() - self._started

    def show(self, side: str, vietnamese: str, english: str, detail: str = "") -> None:
        """Add a step at `side` (`a`, `b` or empty for both)."""
        text = Text.assemble((vietnamese, "bold"), "  ", (english, "dim"))
        if detail:
            text.append(f"\n{detail}", style="cyan")
        self._rows.append((self.elapsed, side, text))
        if not self.console.is_terminal:
            words = " · ".join(filter(None, (vietnamese, english, detail)))
            self.console.print(
                f"{self._rows[-1][0]:6.2f} s  {side.upper() or '·':2} {words}",
                soft_wrap=True,
                highlight=False,
            )

    def __rich__(self) -> Panel:
        """Draw the time line with one column for each agency."""
        table = Table(expand=True, show_edge=False, pad_edge=False)
        table.add_column("giây (s)", justify="right", style="green", width=8, no_wrap=True)
        for name in self.names:
            table.add_column(name, ratio=1, overflow="fold")
        # while it runs, the newest steps that fit the terminal; at the end all of them
        rows = self._rows if self._live is None else self._rows[-max(3, self.console.height // 4) :]
        for at, side, text in rows:
            left, right = (Text(), text) if side == "b" else (text, Text())
            table.add_row(f"{at:.2f}", left, right)
        return Panel(table, title="edoc · hành trình của một văn bản", subtitle=f"{self.elapsed:.1f} s")
