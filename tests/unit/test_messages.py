"""The catalogue: every code has both languages, and every code that is used exists."""

import re
import unicodedata
from pathlib import Path

import pytest

from edoc.core.messages import CATALOGUE, say
from edoc.core.report import Changes, Severity

SOURCES = Path(__file__).resolve().parents[2] / "edoc"
USED = re.compile(r'(?:say|good|bad|_weigh|Rejected)\(\s*"([A-Z_]+)"|Fault\(\s*code="([A-Z_]+)"')
VIETNAMESE = re.compile(
    "[àáảãạăâđèéẻẽẹêìíỉĩịòóỏõọôơùúủũụưỳýỷỹỵấầẩẫậắằẳẵặếềểễệốồổỗộớờởỡợứừửữự]", re.IGNORECASE
)


def used_codes() -> set[str]:
    rooms = ("core", "edxml", "pdf", "render", "verification")
    files = [path for room in rooms for path in (SOURCES / room).glob("*.py")]
    texts = [path.read_text(encoding="utf-8") for path in files]
    found = {code for text in texts for pair in USED.findall(text) for code in pair if code}
    judge = (SOURCES / "core" / "judge.py").read_text(encoding="utf-8")
    found |= set(re.findall(r'ChainStatus\.[A-Z_]+: "([A-Z_]+)"', judge))
    found |= {f"CHANGES_{kind.name}" for kind in Changes if kind is not Changes.OTHER}
    conditional = {"PASSWORD_NEEDED", "PASSWORD_WRONG", "TIME_PROVEN", "TIME_NOT_PROVEN"}
    return found | conditional


def test_every_code_that_is_used_is_in_the_catalogue_and_every_entry_is_used() -> None:
    assert used_codes() == set(CATALOGUE)


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_each_message_says_itself_in_both_languages(code: str) -> None:
    entry = CATALOGUE[code]
    assert re.fullmatch(r"[A-Z][A-Z0-9_]*", code)
    assert entry.text.isascii()
    assert VIETNAMESE.search(entry.text_vi)
    assert entry.text_vi == unicodedata.normalize("NFC", entry.text_vi)
    for text in (entry.text, entry.text_vi):
        assert text[0].isupper()
        assert text.endswith((".", "{detail}"))
        assert set(re.findall(r"{(.*?)}", text)) <= {"detail"}
    if "{detail}" in entry.text_vi:
        assert "{detail}" in entry.text


def test_a_detail_fills_the_gap_without_a_second_stop() -> None:
    message = say("PDF_BROKEN", "no cross-reference.")
    assert message.text == "The PDF is damaged and cannot be read (no cross-reference)."
    assert message.severity is Severity.ERROR


def test_objects_are_named_by_number_and_the_analyser_keeps_its_insides() -> None:
    message = say("CHANGES_FORBIDDEN", "Update of Reference(idnum=9, generation=0): {Relative(…)}")
    assert message.text.endswith("not permitted: Update of object 9.")


def test_an_unknown_code_is_a_defect() -> None:
    with pytest.raises(KeyError):
        say("NO_SUCH_CODE")
