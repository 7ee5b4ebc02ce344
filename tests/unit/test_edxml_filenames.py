"""Names of attachments come from strangers."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edoc.edxml.filenames import numbered_name, safe_name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Công văn số 05.pdf", "Công văn số 05.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\system32\\a.dll", "a.dll"),
        ("/", "fallback"),
        ("..", "fallback"),
        ("", "fallback"),
        (".bashrc", "bashrc"),
        ("a\x00b\x1b[31m.pdf", "ab[31m.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("CON.pdf", "_CON.pdf"),
        ("com1", "_com1"),
        ("CONIN$.txt", "_CONIN$.txt"),
        ('a<b>:"|?*.pdf', "a_b______.pdf"),
        ("name. . ", "name"),
        (unicodedata.normalize("NFD", "Quyết định.pdf"), "Quyết định.pdf"),
    ],
)
def test_a_name_is_made_safe(name: str, safe: str) -> None:
    assert safe_name(name, "fallback") == safe


@given(st.text(max_size=300))
def test_whatever_comes_the_name_stays_in_its_folder(name: str) -> None:
    safe = safe_name(name, "fallback")
    assert safe
    assert len(safe.encode()) <= 200
    assert not set(safe) & set('/\\<>:"|?*\0')
    assert safe not in {".", ".."}
    assert safe_name(safe, "fallback") == safe


def test_a_long_name_keeps_its_extension() -> None:
    safe = safe_name("ộ" * 300 + ".pdf", "fallback")
    assert safe.endswith("ộ.pdf")
    assert len(safe.encode()) <= 200


def test_the_second_of_a_name_gets_a_number() -> None:
    assert [numbered_name("a.b.pdf", n) for n in (1, 2, 3)] == ["a.b.pdf", "a.b (2).pdf", "a.b (3).pdf"]
    assert numbered_name("README", 2) == "README (2)"
