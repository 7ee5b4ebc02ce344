"""The report as HTML and on the terminal: words, colours, and nothing that runs."""

import dataclasses
import io
import re
from typing import Any

import pytest
from lxml import html as lxml_html
from rich.console import Console
from test_judge import AT, GOOD, ND68, chain
from test_report import FAILED, FINE, UNREADABLE, UNSIGNED, UNSURE

from edoc.core.evidence import FileEvidence
from edoc.core.judge import judge
from edoc.render.report import to_html, to_text

VERDICTS = [
    (FINE, "passed", "Hợp lệ"),
    (FAILED, "failed", "Không hợp lệ"),
    (UNSURE, "unsure", "Chưa đủ căn cứ kết luận"),
    (UNSIGNED, "unsure", "Không có chữ ký số"),
    (UNREADABLE, "failed", "Không đọc được tệp"),
]


def find(page: str, name: str) -> list[Any]:
    """Elements of one class."""
    tree: Any = lxml_html.fromstring(page)
    return list(tree.find_class(name))


def page_of(*files: FileEvidence, rule: str = "none") -> str:
    return to_html(judge(files, ND68, AT, rule=rule))


@pytest.mark.parametrize(("file", "colour", "words"), VERDICTS)
def test_the_verdict_stands_first_in_words_and_colour(file: FileEvidence, colour: str, words: str) -> None:
    (verdict,) = find(page_of(file), "verdict")
    assert verdict.get("class") == f"verdict {colour}"
    assert verdict.findtext("strong") == words


def test_each_signature_has_its_card() -> None:
    page = page_of(FAILED)
    assert [card.get("class") for card in find(page, "card")] == ["card passed", "card failed"]
    for text in (
        "Trần Thị Bích Hằng",
        "Ủy ban nhân dân tỉnh An Bình",
        "HASH_FAILURE",
        "05/02/2026 15:00:00 +07:00",
    ):
        assert text in page


def test_development_certificates_are_shouted() -> None:
    assert not find(page_of(FINE), "dev")
    shaky = dataclasses.replace(FINE, signatures=(dataclasses.replace(GOOD, chain=chain(development=True)),))
    (banner,) = find(page_of(shaky), "dev")
    assert "KHÔNG CÓ GIÁ TRỊ PHÁP LÝ" in banner.text_content()


def test_a_failed_rule_is_the_verdict() -> None:
    page = page_of(FINE, rule="nd30")
    assert "Không đạt quy tắc văn bản" in page
    assert "Văn bản không có chữ ký số của cơ quan, tổ chức ban hành." in page


def test_names_cannot_bring_markup_along() -> None:
    assert GOOD.signer is not None
    evil = dataclasses.replace(GOOD.signer, common_name="<script>alert(1)</script>[red]x[/]")
    page = page_of(
        dataclasses.replace(FINE, path="<b>x.pdf", signatures=(dataclasses.replace(GOOD, signer=evil),))
    )
    assert "<script" not in page
    assert "<b>x.pdf" not in page


def test_the_page_needs_nothing_else() -> None:
    page = page_of(FINE, FAILED, rule="nd30")
    assert not re.search(r"(src|href)=|url\(|@import|http", page)
    assert '<html lang="vi">' in page


@pytest.mark.parametrize(("file", "colour", "words"), VERDICTS)
def test_the_terminal_says_the_same(file: FileEvidence, colour: str, words: str) -> None:
    assert colour
    output = io.StringIO()
    to_text(judge((file,), ND68, AT), Console(file=output, width=120))
    assert output.getvalue().startswith(words)


def test_markup_in_names_is_shown_as_it_is_on_the_terminal() -> None:
    output = io.StringIO()
    to_text(
        judge((dataclasses.replace(FINE, path="[bold]x.pdf"),), ND68, AT), Console(file=output, width=120)
    )
    assert "[bold]x.pdf" in output.getvalue()
