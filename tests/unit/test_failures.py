"""The catalogue of failures: every error has its entry, and the page in docs/ is written from it."""

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import edoc
from edoc.core.failures import CATALOGUE, Actor, document, failure_of
from edoc.errors import EdocError, InputError, PackageError, Unavailable

PAGE = Path(__file__).resolve().parents[2] / "docs/errors.md"


def every_kind(kind: type[EdocError] = EdocError) -> Iterator[type[EdocError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from every_kind(child)


@pytest.fixture(scope="module", autouse=True)
def _all_imported() -> None:
    for module in pkgutil.walk_packages(edoc.__path__, "edoc."):
        if "migrations" not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def test_every_error_of_a_step_has_an_entry_that_agrees_on_whether_it_is_tried_again() -> None:
    kinds = [kind for kind in every_kind() if not kind.__module__.startswith(("edoc.hub", "test"))]
    assert len(kinds) > 12
    for kind in kinds:
        error = kind.__new__(kind)
        entry = failure_of(error)
        assert entry.retryable is kind.retryable, f"{kind.__name__} → {entry.code}"
        if "code" in vars(kind):
            assert entry.code == kind.code, f"{kind.__name__} has no entry of its own"


def test_a_code_of_its_own_without_an_entry_falls_back_on_its_kind() -> None:
    assert failure_of(PackageError("too deep.", code="XML_TOO_DEEP")).code == "PACKAGE_UNREADABLE"
    assert failure_of(InputError("no.")).code == "INPUT"


@pytest.mark.parametrize(
    ("error", "code"),
    [(OSError(28, "full"), "MACHINE"), (MemoryError(), "MACHINE"), (ValueError("what?"), "DEFECT")],
)
def test_what_is_not_ours_is_the_machines_or_a_defect(error: Exception, code: str) -> None:
    assert failure_of(error).code == code


def test_every_entry_says_in_both_languages_what_it_means_and_who_acts() -> None:
    for code, entry in CATALOGUE.items():
        assert code == entry.code == code.upper()
        assert entry.english.endswith(".")
        assert entry.vietnamese.endswith(".")
        assert any(not letter.isascii() for letter in entry.vietnamese), code
        assert isinstance(entry.acts, Actor)
        assert len(code) <= 32, "the table's column"
    assert failure_of(Unavailable("away.")).retryable


def test_the_page_is_written_from_the_catalogue() -> None:
    assert PAGE.read_text(encoding="utf-8") == "\n".join(document()) + "\n", (
        "write it anew: python -m edoc.core.failures > docs/errors.md"
    )
