"""The one door: what `edoc` names is there, and a short command imports no room it does not need."""

import subprocess
import sys

import pytest

import edoc


@pytest.mark.parametrize("name", edoc.__all__)
def test_every_promised_name_is_there_and_documented(name: str) -> None:
    assert getattr(edoc, name).__doc__


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        edoc.nothing  # noqa: B018


def test_importing_the_door_or_the_command_line_loads_no_heavy_library() -> None:
    heavy = "{'pyhanko', 'sqlalchemy', 'lxml', 'dramatiq', 'httpx', 'reportlab'}"
    code = f"import sys, edoc, edoc.cli.main; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("command", [[], ["demo"], ["verify"], ["sign"], ["pack"], ["submit"], ["init"]])
def test_help_ends_with_an_example(command: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "edoc.cli.main", *command, "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Usage: " in done.stdout
    assert not command or "Example" in done.stdout
