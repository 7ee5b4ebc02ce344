"""Keep everything that a judgement rests on besides the files, and judge again from it alone.

    report = judge_and_save(verify_many, [path], "letter.evidence", trust=trust)
    report = judge_again(verify_many, [path], load("letter.evidence"))     # equal, offline, years later

Rules: what is kept was shown to give the same report before it is written; roots are never taken on the
word of a stranger: where a trust is given, only those roots of the dossier count that it has too. Serves
NĐ 68/2024 Arts 31 and 32: a judgement that can be repeated.
"""

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from edoc.core.messages import say
from edoc.core.policy import Policy
from edoc.core.report import FileReport, Report
from edoc.core.rule import Expected
from edoc.core.verdicts import EvidenceKind, Origin
from edoc.errors import InputError, Refused
from edoc.policies import load_policy
from edoc.trust.fetch import Fetcher
from edoc.trust.store import Trust
from edoc.trust.words import put_into_words
from edoc.verification.means import choose_trust, open_fetcher
from edoc.verification.reading import Source
from edoc.verification.recording import Exchange, Recorder, Replay

Verify = Callable[..., Report]
"""`verify_many`, or a function that takes the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """Everything that a judgement rests on besides the files."""

    at: datetime
    """The instant judged at, with its offset."""
    policy: Policy
    rule: str
    expected: Expected | None
    trust: Trust
    """Every root; of the other certificates and CRLs those that were used."""
    online: bool
    """The network was asked where something was missing."""
    exchanges: tuple[Exchange, ...] = ()
    """What the network answered."""
    files: tuple[str, ...] = ()
    """SHA-256 of the files that were judged, those inside packages too."""


def draw_up(
    report: Report,
    *,
    policy: Policy,
    trust: Trust,
    expected: Expected | None = None,
    recorder: Recorder | None = None,
    whole: bool = False,
) -> Dossier:
    """Put together what a report rests on; `whole` keeps all of the trust store.

    `policy`, `trust` and `expected` are those that it was judged with, `recorder` the fetcher, if any.
    """
    return Dossier(
        at=report.validation_time,
        policy=policy,
        rule=report.rule,
        expected=expected,
        trust=trust if whole else _narrow(trust, report),
        online=recorder is not None,
        exchanges=() if recorder is None else recorder.exchanges,
        files=tuple(dict.fromkeys(file.sha256 for file in _list_files(report.files) if file.sha256)),
    )


def judge_and_save(
    verify: Verify,
    sources: Iterable[Source],
    target: str | Path,
    *,
    trust: Trust | None = None,
    policy: str | Policy = "nd68",
    expected: Expected | None = None,
    offline: bool = False,
    fetcher: Fetcher | None = None,
    **options: Any,
) -> Report:
    """Judge by `verify`, with its options, and write what the judgement rests on to `target`.

    The judgement is repeated from what is to be written. Raises as `verify` does, `OSError` if the file
    cannot be written, and `Refused` if the second judgement is another: the files changed meanwhile.
    """
    from edoc.verification.dossierfile import save

    chosen = load_policy(policy)
    trusted = choose_trust(trust, chosen)
    repeatable = [_hold(source) for source in sources]
    with open_fetcher(fetcher, trusted, offline=offline) as asked:
        recorder = None if asked is None else Recorder(asked)
        report = verify(
            repeatable,
            trust=trusted,
            policy=chosen,
            expected=expected,
            offline=offline,
            fetcher=recorder,
            **options,
        )
    again = {key: value for key, value in options.items() if key not in {"at", "rule", "now", "on_file"}}
    for whole in (False, True):
        dossier = draw_up(
            report, policy=chosen, trust=trusted, expected=expected, recorder=recorder, whole=whole
        )
        if judge_again(verify, repeatable, dossier, **again).to_dict() == report.to_dict():
            save(dossier, Path(target))
            return report
    raise Refused(
        "the judgement could not be repeated from its evidence, so that was not saved.",
        where=str(target),
        advice="See that nobody changes the files meanwhile, then verify them again.",
    )


def judge_again(
    verify: Verify,
    sources: Iterable[Source],
    evidence: Dossier | str | Path,
    *,
    trust: Trust | None = None,
    **options: Any,
) -> Report:
    """Judge by `verify` from a dossier, or the file of one, alone: its time, policy, rule and trust.

    Nothing is fetched. With `trust`, only those of its roots count that are trusted there too. A file that
    the dossier was not drawn up for is judged all the same, and its report says so. Raises `InputError` if
    the file is no dossier, and as `verify` does.
    """
    from edoc.verification.dossierfile import load

    dossier = evidence if isinstance(evidence, Dossier) else load(evidence)
    report = verify(
        sources,
        trust=_confirm(dossier.trust, trust),
        policy=dossier.policy,
        at=dossier.at,
        rule=dossier.rule,
        expected=dossier.expected,
        offline=not dossier.online,
        fetcher=Replay(dossier.exchanges) if dossier.online else None,
        **options,
    )
    return replace(report, files=tuple(_remark(file, dossier) for file in report.files))


def require_unset(**given: object) -> None:
    """Raise `InputError` for whatever is given besides a dossier, which decides it."""
    for name, value in given.items():
        if value is not None:
            raise InputError(
                f"saved evidence decides {name}; it cannot be given besides.",
                where=name,
                advice="Leave it out, or judge without saved evidence.",
            )


def _hold(source: Source) -> Source:
    """A source that can be read twice."""
    if isinstance(source, str | Path) or source.seekable():
        return source
    held = io.BytesIO(source.read())
    held.name = getattr(source, "name", "")
    return held


def _narrow(trust: Trust, report: Report) -> Trust:
    used = {
        piece.sha256
        for file in _list_files(report.files)
        for piece in file.evidence
        if piece.origin is Origin.TRUST_STORE
    }

    def select(kind: EvidenceKind, ders: tuple[bytes, ...]) -> tuple[bytes, ...]:
        return tuple(der for der in ders if put_into_words(kind, der).sha256 in used)

    return Trust(
        roots=trust.roots,
        intermediates=select(EvidenceKind.CERTIFICATE, trust.intermediates),
        crls=select(EvidenceKind.CRL, trust.crls),
    )


def _confirm(kept: Trust, trust: Trust | None) -> Trust:
    if trust is None:
        return kept
    confirmed = tuple(root for root in kept.roots if root in trust.roots)
    return replace(kept, roots=confirmed)


def _remark(file: FileReport, dossier: Dossier) -> FileReport:
    if file.sha256 is None or file.sha256 in dossier.files:
        return file
    return replace(file, messages=(say("EVIDENCE_OF_OTHERS"), *file.messages))


def _list_files(files: Iterable[FileReport]) -> Iterable[FileReport]:
    for file in files:
        yield file
        yield from _list_files(file.inside)
