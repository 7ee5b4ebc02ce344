"""Show a verification report on a terminal: a table of the signatures, then every reason and what to do.

Rules: Vietnamese first; nothing from a document or certificate reaches the terminal as a control character
or as markup; nothing is cut off, it is folded.
"""

from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from edoc.core.chain import CertificateKind
from edoc.core.particulars import ChangeReport
from edoc.core.report import FileReport, Report, SignatureReport, SignatureType, TimeSource
from edoc.render.meanings import Meaning, explain_file, explain_signature
from edoc.render.taming import tame
from edoc.render.words import (
    CHANGES,
    INDICATIONS,
    KINDS,
    Words,
    count_evidence,
    judge_file,
    list_objects,
    say_change,
    say_message,
    say_time,
)

_COLOURS: Final = {"passed": "green", "failed": "red", "unsure": "yellow"}
_HEADINGS: Final = ("", "Người ký\nSigner", "Thời điểm\nTime", "Mức\nLevel", "Kết luận\nVerdict")
_MAX_CHANGES: Final = 20


def to_text(report: Report, console: Console) -> None:
    """Print the report on a terminal."""
    for file in report.files:
        _print_file(file, console, 0)
    policy, time = tame(report.policy_name), say_time(report.validation_time)
    console.print(
        f"[dim]Chính sách (policy): {escape(policy)} {report.policy_sha256[:16]}…; "
        f"thời điểm kiểm tra (verified at): {time}[/]"
    )


def _print_file(file: FileReport, console: Console, depth: int) -> None:
    verdict = judge_file(file)
    style = _COLOURS[verdict.colour]

    def put(text: str, indent: int = 2) -> None:
        console.print(Padding(text, (0, 0, 0, indent + 4 * depth), expand=False))

    put(f"[bold {style}]{verdict.vi} – {verdict.en}[/]  {escape(tame(file.path))}", 0)
    if file.development and not depth:
        banner = " CHỨNG THƯ THỬ NGHIỆM – KHÔNG CÓ GIÁ TRỊ PHÁP LÝ – DEVELOPMENT CERTIFICATES "
        put(f"[bold white on red]{banner}[/]", 0)
    if file.signatures:
        console.print(Padding(_tabulate(file), (0, 0, 0, 4 * depth), expand=False))
    for line in _list_lines(file, style):
        put(line)
    for inner in file.inside:
        _print_file(inner, console, depth + 1)


def _tabulate(file: FileReport) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1), collapse_padding=False)
    for heading in _HEADINGS:
        table.add_column(heading, overflow="fold", no_wrap=False, header_style="dim")
    for number, signature in enumerate(file.signatures, 1):
        verdict = INDICATIONS[signature.indication]
        style = _COLOURS[verdict.colour]
        sub = f"\n{signature.sub_indication}" if signature.sub_indication else ""
        table.add_row(
            str(number),
            _say_signer(signature),
            _say_times(signature),
            str(signature.level),
            f"[{style}]{verdict.vi}\n{verdict.en}[/]{sub}",
        )
    return table


def _say_signer(signature: SignatureReport) -> str:
    owner = tame(signature.signer.common_name) if signature.signer else "–"
    kind = KINDS[signature.signer.kind if signature.signer else CertificateKind.UNKNOWN][0]
    field = f" · {escape(tame(signature.field))}" if signature.field else ""
    return f"{escape(owner)}\n[dim]{kind}{field}[/]"


def _say_times(signature: SignatureReport) -> str:
    claimed = say_time(signature.claimed_time).removesuffix(" +07:00")
    if signature.type is SignatureType.DOCUMENT_TIMESTAMP:
        return f"{claimed}\n[dim]dấu thời gian (stamped)[/]"
    if signature.time_source is TimeSource.VALIDATION_TIME:
        return f"{claimed}\n[dim]tự khai (claimed)[/]"
    proven = say_time(signature.best_time).removesuffix(" +07:00")
    return f"{proven}\n[dim]có chứng cứ (proven)[/]"


def _list_lines(file: FileReport, style: str) -> Iterator[str]:
    """Everything below the table."""
    told: set[ChangeReport] = set()
    for number, signature in enumerate(file.signatures, 1):
        yield from _list_changes(number, signature, told)
        told |= set(signature.changes)
    for words in _list_reasons(file):
        yield f"[{style}]{escape(words[0])}[/]\n[dim]{escape(words[1])}[/]"
    for words in _list_advice(file):
        yield f"[bold]→ {escape(words[0])}[/]\n[dim]  {escape(words[1])}[/]"
    if file.evidence:
        vietnamese, english = count_evidence(file.evidence)
        yield f"[dim]Chứng cứ: {vietnamese} (evidence: {english})[/]"


def _list_changes(number: int, signature: SignatureReport, told: set[ChangeReport]) -> Iterator[str]:
    """What came after a signature; what was told of an earlier one is not told again."""
    if not signature.changes_allowed or signature.changes:
        kind = CHANGES[signature.changes_after]
        allowed = "được phép (permitted)" if signature.changes_allowed else "[red]TRÁI PHÉP (forbidden)[/]"
        yield f"Sau chữ ký {number} (after signature {number}): {kind[0]} ({kind[1]}), {allowed}"
    fresh = [change for change in signature.changes if change not in told]
    for change in fresh[:_MAX_CHANGES]:
        vietnamese, english = say_change(change)
        objects = f" · obj {list_objects(change)}" if change.objects else ""
        yield f"[dim]  - {escape(vietnamese)} ({escape(english)}){objects}[/]"
    if (more := len(fresh) - _MAX_CHANGES) > 0:
        yield f"[dim]  - … +{more}[/]"


def _list_reasons(file: FileReport) -> list[Words]:
    """Every reason against the file, then what the file itself has to remark; each once."""
    reasons = [say_message(message) for message in file.reasons]
    remarks = [say_message(message) for message in file.messages if message.code != "DEV_TRUST"]
    return list(dict.fromkeys((*reasons, *remarks)))


def _list_advice(file: FileReport) -> list[Words]:
    found: list[Meaning | None] = [explain_signature(signature) for signature in file.signatures]
    found.append(explain_file(file))
    return list(dict.fromkeys((each.advice_vi, each.advice) for each in found if each))
