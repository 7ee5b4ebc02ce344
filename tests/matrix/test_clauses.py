"""The list of clauses names what there is."""

import re
from pathlib import Path
from typing import Final

from cells import MATRIX

_ROOT: Final = Path(__file__).resolve().parents[2]
_DOCUMENT: Final = (_ROOT / "docs" / "clauses.md").read_text()
_ROWS: Final = [
    line.split("|") for line in _DOCUMENT.splitlines() if line.startswith("|") and "---" not in line
]


def test_every_test_that_it_names_exists() -> None:
    files = {path.name: path.read_text() for path in (_ROOT / "tests").rglob("test_*.py")}
    defined = {name for text in files.values() for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE)}
    named = set(re.findall(r"`(test_\w+(?:\.py)?)`", _DOCUMENT))
    assert named
    assert named - defined - set(files) == set()


def test_every_situation_that_it_names_is_in_the_matrix() -> None:
    named = {name for *_, tests, _ in _ROWS for name in re.findall(r"\*([^*`]+)\*", tests)}
    assert named
    assert named - set(MATRIX) == set()


def test_every_module_that_it_names_exists() -> None:
    named = {name for _, _, _, where, *_ in _ROWS for name in re.findall(r"`(\w+/[\w./-]*)`", where)}
    assert named
    missing = {name for name in named if not (_ROOT / "edoc" / name).exists() and not (_ROOT / name).exists()}
    assert missing == set()


def test_every_clause_has_a_test() -> None:
    met = [(where, tests) for _, _, _, where, tests, _ in _ROWS if where.strip() not in ("", "Where")]
    assert len(met) > 30
    assert all(re.search(r"`test_|\*", tests) for _, tests in met)
