"""How Vietnamese text is compared when somebody looks for it."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edoc.core.folding import MAX_WORD, fold, fold_words, is_marked, spell


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Ủy ban nhân dân tỉnh Đắk Lắk", "uy ban nhan dan tinh dak lak"),
        ("SỐ 30/2020/NĐ-CP", "so 30 2020 nd cp"),
        ("  về việc:  (khẩn)!  ", "ve viec khan"),
        ("đường Đỗ Đức Dục", "duong do duc duc"),
        ("ươ ưỡ ẵ ậ ễ ộ ợ ỷ ỵ", "uo uo a a e o o y y"),
        ("ＵＢＮＤ ﬁle", "ubnd file"),
        ("Straße", "strasse"),
        ("văn_bản", "van ban"),
        ("李明 ລາວ", "李明 ລາວ"),
        ("", ""),
        (" ́ -–— ", ""),
    ],
)
def test_a_folded_text_has_small_letters_without_diacritics(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_how_letters_are_composed_does_not_count(form: str) -> None:
    text = "Huỳnh Thị Ngọc Ưỡn Đặng"
    typed = unicodedata.normalize(form, text)  # type: ignore[arg-type]
    assert fold(typed) == "huynh thi ngoc uon dang"
    assert spell(typed) == spell(text)


@pytest.mark.parametrize(("old", "new"), [("hoà", "hòa"), ("thuỷ", "thủy"), ("Khoẻ", "khỏe"), ("quý", "qúy")])
def test_where_the_tone_stands_does_not_count(old: str, new: str) -> None:
    assert spell(old) == spell(new)


@pytest.mark.parametrize(
    ("one", "other"), [("bạn", "bàn"), ("ban", "bán"), ("cô", "co"), ("ơn", "ôn"), ("đi", "di"), ("ăn", "ân")]
)
def test_a_spelt_word_keeps_its_diacritics(one: str, other: str) -> None:
    assert spell(one) != spell(other)
    assert fold_words(one) == fold_words(other)


@pytest.mark.parametrize(
    ("text", "marked"), [("uy ban", False), ("ủy ban", True), ("Đi", True), ("¿ 12", False)]
)
def test_a_question_with_diacritics_is_told_from_one_without(text: str, marked: bool) -> None:
    assert is_marked(text) is marked


def test_a_word_without_end_is_cut() -> None:
    assert fold_words("a" * 500) == ["a" * MAX_WORD]
    assert [len(word) for word in spell("ả" * 500)] == [MAX_WORD + 1]


@settings(deadline=None)
@given(st.text())
def test_any_text_has_as_many_folded_words_as_spelt_ones_and_folding_again_changes_nothing(text: str) -> None:
    words = fold_words(text)
    assert len(words) == len(spell(text))
    assert all(words)
    assert not any(set(word) & set(" _'\"*&|!:()\\") for word in (*words, *spell(text)))
    assert [fold(word) for word in words] == words
