"""PDFs with damaged cross-references are read from the objects in their bytes, and the report says so."""

import io
import re

import pytest
from composing import SIMPLE, append, compose, make_stream
from verifying import Journey, sign, travel

from edoc.core.report import Coverage, Indication
from edoc.devpki.hierarchy import DevPki
from edoc.pdf.reader import read_pdf
from edoc.pdf.repaired import RepairedReader

DAMAGED = append(
    compose({**SIMPLE, 5: make_stream(b"", b"9 0 obj fake endobj")}), {3: SIMPLE[3], 6: b"(new)"}
)


@pytest.fixture(scope="module")
def journey(pki: DevPki) -> Journey:
    return travel(pki)


def ruin(data: bytes) -> bytes:
    """Make every cross-reference lead nowhere, and leave all lengths."""
    return re.sub(rb"startxref\n\d+", lambda found: b"startxref\n" + b"9" * (len(found[0]) - 10), data)


def test_objects_are_found_revision_by_revision() -> None:
    reader = RepairedReader(io.BytesIO(ruin(DAMAGED)))
    assert [sorted(update.list_all()) for update in reader.updates] == [[1, 2, 3, 5], [3, 6]]
    assert reader.root["/Type"] == "/Catalog"
    assert reader.rewind(1).find(6) is None


def test_a_signed_file_that_lost_its_references_afterwards_shows_its_signatures(journey: Journey) -> None:
    # The references themselves are signed, so ruining them breaks what was signed; they are still shown.
    found = read_pdf(ruin(journey.sealed), path="ruined.pdf")
    assert [fault.code for fault in found.faults] == ["READ_REPAIRED"]
    assert [facts.field for facts in found.signatures] == ["Person", "Seal"]
    assert not any(facts.intact for facts in found.signatures)


def test_a_signature_over_damaged_references_covers_what_it_covers(pki: DevPki, journey: Journey) -> None:
    signed = sign(pki, journey.unsigned, "a-person1", role="person")
    damaged = signed + b"\n%%EOF\n"
    report = journey.judge(damaged).files[0]
    assert report.signatures[0].coverage is not Coverage.WHOLE_FILE
    assert report.indication is not Indication.TOTAL_PASSED


def test_what_cannot_even_be_repaired_still_shows_that_something_was_signed(journey: Journey) -> None:
    cut = journey.signed[:-200].replace(b"/Root", b"/Toor").replace(b"/Catalog", b"/Gatalog")
    report = journey.judge(cut).files[0]
    assert [signature.indication for signature in report.signatures] == [Indication.TOTAL_FAILED]
    assert "PDF_BROKEN" in [message.code for message in report.messages]


def test_an_unreadable_file_without_signatures_is_unreadable() -> None:
    found = read_pdf(b"%PDF-1.7\nnothing", path="x.pdf")
    assert found.unreadable is not None
    assert found.unreadable.code == "PDF_BROKEN"


def test_a_revision_whose_references_lead_nowhere_is_not_covered(journey: Journey) -> None:
    found = read_pdf(ruin(journey.sealed), path="ruined.pdf")
    assert [facts.coverage for facts in found.signatures] == [Coverage.PARTIAL, Coverage.WHOLE_FILE]
