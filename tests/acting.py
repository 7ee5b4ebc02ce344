"""How the end-to-end tests act: through the command line, as a user would."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True)
class Played:
    """A finished demo: its folder and what it said on stdout."""

    folder: Path
    result: dict[str, Any]

    @property
    def received(self) -> Path:
        """The PDF as agency B received it."""
        return Path(self.result["pdfs"]["received"])


def edoc(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run the command line as a user would."""
    command = [sys.executable, "-m", "edoc.cli.main", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)
