"""The report as HTML and on the terminal: words, colours, and nothing that runs."""

import dataclasses
import io
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from lxml import html as lxml_html
from reporting import judge_archive
from rich.cells import cell_len
from rich.console import Console
from test_judge import AT, GOOD, ND68, STAMP, chain
from test_report import FAILED, FINE, UNREADABLE, UNSIGNED, UNSURE

from edoc.core.evidence import Change, ChangeFacts, Fault, FileEvidence
from edoc.core.judge import judge
from edoc.core.report import Changes, SubIndication
from edoc.devpki.hierarchy import DevPki
from edoc.render.meanings import MEANINGS, explain_file
from edoc.render.report import to_html, to_text
from edoc.render.taming import tame

ROOT = Path(__file__).resolve().parents[2]

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


# What a reader needs


def text_of(*files: FileEvidence, width: int = 120) -> str:
    output = io.StringIO()
    to_text(judge(files, ND68, AT), Console(file=output, width=width))
    return output.getvalue()


def test_everything_that_was_done_after_signing_is_shown(pki: DevPki) -> None:
    report = judge_archive(pki)
    page = " ".join(to_html(report).split())
    output = io.StringIO()
    to_text(report, Console(file=output, width=120))
    for shown in (page, output.getvalue()):
        assert "trường Number, trang 1" in shown
        assert "the field Number was filled" in shown
    for words in ("Trạng thái thu hồi", "Đường dẫn chứng thực", "kho tin cậy", report.policy_sha256):
        assert words in page
    for piece in report.files[0].evidence:
        assert piece.sha256 in page
    assert report.policy_sha256[:16] in output.getvalue()
    assert "2 dấu thời gian" in output.getvalue()


@pytest.mark.parametrize("file", [FAILED, UNSURE, UNSIGNED, UNREADABLE])
def test_whoever_reads_a_bad_result_is_told_what_to_do(file: FileEvidence) -> None:
    (report,) = judge((file,), ND68, AT).files
    meaning = explain_file(report)
    assert meaning is not None
    assert meaning.advice_vi in page_of(file)
    flat = " ".join(text_of(file).split())
    assert f"→ {meaning.advice_vi}" in flat
    assert meaning.advice in flat


def test_nobody_is_told_what_to_do_about_a_good_result() -> None:
    assert explain_file(judge((FINE,), ND68, AT).files[0]) is None
    assert "→" not in text_of(FINE)


def test_a_failed_rule_alone_has_its_advice_too() -> None:
    (file,) = judge((FINE,), ND68, AT, rule="nd30").files
    meaning = explain_file(file)
    assert meaning is not None
    assert "Trả lại nơi gửi" in meaning.advice_vi


def test_every_sub_indication_has_its_words_and_stands_in_the_documentation() -> None:
    assert list(MEANINGS) == list(SubIndication)
    documented = (ROOT / "docs" / "verification.md").read_text(encoding="utf-8")
    for sub, meaning in MEANINGS.items():
        for text in meaning:
            assert f"{text}" in documented, sub
        assert f"`{sub}`" in documented


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_terminal_folds_and_cuts_nothing_off(pki: DevPki, width: int) -> None:
    output = io.StringIO()
    to_text(judge_archive(pki), Console(file=output, width=width))
    lines = output.getvalue().splitlines()
    assert max(cell_len(line) for line in lines) <= width
    flat = "".join(output.getvalue().split())
    assert "DEVTrầnThịBíchHằng" in flat or width < 80
    assert "…" not in output.getvalue().replace(judge_archive(pki).policy_sha256[:16] + "…", "")


def test_what_a_package_carries_stands_below_it() -> None:
    (outer,) = judge((UNSIGNED,), ND68, AT).files
    inside = judge((FINE, FAILED), ND68, AT).files
    report = dataclasses.replace(
        judge((FINE,), ND68, AT), files=(dataclasses.replace(outer, path="goi.edxml", inside=inside),)
    )
    page = to_html(report)
    assert [block.find_class("verdict")[0].get("class") for block in find(page, "inside")] == [
        "verdict passed",
        "verdict failed",
    ]
    output = io.StringIO()
    to_text(report, Console(file=output, width=120))
    assert "    Hợp lệ – Valid  fine.pdf" in output.getvalue()


# Whoever makes a certificate chooses its names

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "[bold red]x[/] [link=http://evil/]y[/link]",
    "\x1b]0;title\x07\x1b[2J\x1b[31mred",
    "abc\u202egnp.fdp",
    "a\u2066b\u2069\u200b\u200f\u061c\ufeffc",
    "line\nnext\r\n\u2028para\x85end",
    "Z" + "\u0335" * 500,
    "A" * 10_000,
    "\ud800lone",
    "\u3164\u115f\u2800",
    "tag\U000e0041\U000e007f",
    "x\x00y",
]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_no_name_does_anything(name: str) -> None:
    assert GOOD.signer is not None
    signer = dataclasses.replace(GOOD.signer, common_name=name, organization=name, issuer=name)
    change = Change(kind=Changes.OTHER, text=name or "x", field=name, page=1)
    broken = dataclasses.replace(STAMP, intact=False, fault=name)
    facts = dataclasses.replace(
        GOOD,
        field=name,
        signer=signer,
        signature_algorithm=name,
        timestamp=broken,
        changes=ChangeFacts(kind=Changes.OTHER, details=(change,), reasons=(name,), locked_fields=(name,)),
        faults=(Fault(code="SIGNATURE_UNREADABLE", detail=name),),
    )
    file = dataclasses.replace(FINE, path=name, signatures=(facts,))
    page = page_of(file)
    page.encode()
    tree: Any = lxml_html.fromstring(page)
    assert not tree.xpath("//script | //img | //a | //@onerror | //@href")
    assert "49" not in "".join(found.text_content() for found in tree.find_class("head"))
    shown = text_of(file, width=100)
    shown.encode()
    assert "\x1b" not in shown
    for text in (page, shown):
        assert not {unicodedata.category(letter) for letter in text} & {"Cf", "Cs", "Co", "Zl", "Zp"}
        assert not {letter for letter in text if unicodedata.category(letter) == "Cc"} - {"\n"}
        assert len(text) < 120_000
        assert not re.search("\u0335{4}", text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Nguyễn Thị Ánh Nguyệt", "Nguyễn Thị Ánh Nguyệt"),
        (unicodedata.normalize("NFD", "Ủy ban nhân dân"), unicodedata.normalize("NFD", "Ủy ban nhân dân")),
        ("fdp.\u202egpj", "fdp.⟨U+202E⟩gpj"),
        ("a\tb\nc", "a b c"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 200 + "… (201)"),
        ("", ""),
    ],
)
def test_taming_shows_what_it_took_out(text: str, shown: str) -> None:
    assert tame(text) == shown
