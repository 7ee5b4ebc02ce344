"""Speed buys no trust: what edoc explains itself, pyHanko's analysis finds the same, on varied files."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from varieties import make_all

from edoc.devpki.hierarchy import DevPki
from edoc.devpki.server import serving
from edoc.keys.loading import load_key
from edoc.pdf.filebytes import FileBytes
from edoc.pdf.ordinary import OrdinaryReader, Unordinary
from edoc.pdf.revisions import OrdinaryRevisions, Step
from edoc.pdf.tolerant import TolerantRevisions
from edoc.signing import extend, prepare, sign
from edoc.trust.store import Trust

GENERATED: Final = 35
_WIDER: Final = ("the logical structure was extended", "an annotation was", "time-stamped")
"""What pyHanko cannot explain, or calls worse than it is."""


def compare(data: bytes) -> Iterator[tuple[Step, Step]]:
    """Each step by both analyses, as far back as edoc's own goes and pyHanko comes to an end."""
    file = FileBytes(io.BytesIO(data))
    first, steps = _explain(file)
    if not steps:
        return
    theirs = TolerantRevisions(file, password=None, strict=False)
    assert first + len(steps) == theirs.newest + 1
    for number, step in enumerate(steps, first):
        other = theirs.step(number, first=first, certified=False)
        if not other.undecided and "/SigFlags" not in other.reason:  # a flag shows nothing
            yield step, other


def _explain(file: FileBytes) -> tuple[int, list[Step]]:
    """The newest steps that edoc explains, and the number of their first."""
    try:
        newest = OrdinaryRevisions(file, OrdinaryReader(file.stream)).newest
    except Unordinary:
        return 0, []
    for first in range(1, newest + 1):
        ours = OrdinaryRevisions(file, OrdinaryReader(file.stream))
        try:
            found = [ours.step(number, first=first, certified=False) for number in range(first, newest + 1)]
        except Unordinary:
            continue
        return first, found
    return 0, []


def check(data: bytes) -> int:
    """Count the steps that both explain; fails where they differ."""
    count = 0
    for ours, theirs in compare(data):
        wider = any(words in change.text for change in ours.details for words in _WIDER)
        assert ours.kind is theirs.kind or wider, (ours, theirs)
        count += 1
    return count


def work(pki: DevPki, data: bytes, tsa: str) -> list[bytes]:
    """What becomes of a file in an agency: signed, numbered, sealed, raised to each level."""
    trust = Trust.load(pki.trust_path)
    keys = [load_key(pki.key_path(name), passphrase=pki.passphrase) for name in ("a-person1", "a-seal")]
    made = [data]
    for key, role in zip(keys, ("person", "agency"), strict=True):
        output = io.BytesIO()
        sign(io.BytesIO(made[-1]), output, key=key, role=role, checks="none")
        made.append(output.getvalue())
    for level in ("B-T", "B-LT", "B-LTA"):
        output = io.BytesIO()
        extend(io.BytesIO(made[-1]), output, level=level, trust=trust, tsa=tsa, offline=True)
        made.append(output.getvalue())
    return made


@pytest.fixture(scope="module")
def tsa(pki: DevPki) -> Iterator[str]:
    with serving(pki) as url:
        yield f"{url}/tsa"


def test_each_step_of_a_document_s_way_is_explained_as_pyhanko_explains_it(pki: DevPki, tsa: str) -> None:
    counts = []
    for variety in make_all(GENERATED):
        if variety.password is None:
            drafted = io.BytesIO()
            prepare(io.BytesIO(variety.data), drafted)
            counts.append(check(work(pki, drafted.getvalue(), tsa)[-1]))
    assert sum(counts) > 3 * len(counts)


@pytest.mark.shared
def test_files_of_others_are_explained_as_pyhanko_explains_them(shared_corpus: Path) -> None:
    explained = sum(check(path.read_bytes()) for path in sorted((shared_corpus / "pdf").glob("*.pdf")))
    assert explained > 10
