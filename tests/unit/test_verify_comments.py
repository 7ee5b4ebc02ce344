"""Comments on signed documents are told as what they are, and allowed only where nobody forbids them."""

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pdfmaking import LETTER
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.sign.fields import MDPPerm
from verifying import add_note, certify, draw_on_page, make_dictionary, make_number, update

from edoc.core.policy import Policy
from edoc.core.report import Changes, Indication
from edoc.devpki.hierarchy import DevPki
from edoc.pdf.objects import look as find_entry
from edoc.verification import verify

COMMENTS = Policy(name="comments", trust_required=False, allowed_changes=Changes.ANNOTATION)


def judge(data: bytes, policy: str | Policy = COMMENTS) -> tuple[Changes, bool, Indication]:
    (signature,) = verify(io.BytesIO(data), policy=policy, offline=True).files[0].signatures
    return signature.changes_after, signature.changes_allowed, signature.indication


def comment(kind: str, box: tuple[int, int, int, int], look: bytes | None = None) -> Callable[[Any], None]:
    """Add a comment to the first page, with looks of its own if given."""

    def edit(writer: Any) -> None:
        page = writer.root["/Pages"]["/Kids"][0]
        entries = {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name(kind),
            pdf_name("/Rect"): generic.ArrayObject(map(generic.FloatObject, box)),
            pdf_name("/C"): generic.ArrayObject(map(generic.FloatObject, (1, 1, 0))),
            pdf_name("/F"): make_number(4),
        }
        if look is not None:
            stream = generic.StreamObject(stream_data=look)
            stream[pdf_name("/Type")] = pdf_name("/XObject")
            stream[pdf_name("/Subtype")] = pdf_name("/Form")
            stream[pdf_name("/BBox")] = generic.ArrayObject(map(generic.FloatObject, box))
            entries[pdf_name("/AP")] = make_dictionary({pdf_name("/N"): writer.add_object(stream)})
        others = find_entry(page, "/Annots", [])
        page[pdf_name("/Annots")] = generic.ArrayObject(
            [*others, writer.add_object(make_dictionary(entries))]
        )
        writer.update_container(page)

    return edit


NOTE = comment("/Text", (10, 800, 30, 820))
MARK = comment("/Highlight", (60, 690, 500, 790), b"0.9 1 0.9 rg /GS gs 60 690 440 5 re f")
COVER = comment("/Highlight", (60, 600, 500, 790), b"1 1 1 rg 60 600 440 190 re f")
WORDS = comment("/FreeText", (60, 20, 500, 60), b"0 0 1 rg 60 20 200 20 re f")
LARGE = comment("/Text", (60, 600, 500, 790), b"1 1 1 rg 60 600 440 190 re f")
WRITTEN = comment("/Highlight", (60, 20, 500, 60), b"BT /F1 12 Tf (more) Tj ET 60 20 9 9 re f")


@pytest.mark.parametrize("edit", [NOTE, MARK], ids=["note", "mark"])
@pytest.mark.parametrize("permission", [None, MDPPerm.ANNOTATE], ids=["approved", "certified for comments"])
def test_a_comment_that_hides_nothing_is_allowed(
    pki: DevPki, permission: MDPPerm | None, edit: Callable[[Any], None]
) -> None:
    noted = update(certify(pki, LETTER, permission), edit)
    assert judge(noted) == (Changes.ANNOTATION, True, Indication.TOTAL_PASSED)


@pytest.mark.parametrize("permission", [None, MDPPerm.ANNOTATE], ids=["approved", "certified for comments"])
@pytest.mark.parametrize(
    "edit",
    [COVER, WORDS, LARGE, WRITTEN, add_note],
    ids=["mark that covers", "free text", "large note", "mark that writes", "box"],
)
def test_a_comment_that_hides_or_writes_changes_the_page(
    pki: DevPki, edit: Callable[[Any], None], permission: MDPPerm | None
) -> None:
    noted = update(certify(pki, LETTER, permission), edit)
    assert judge(noted) == (Changes.ANNOTATION, False, Indication.TOTAL_FAILED)


@pytest.mark.parametrize("permission", [MDPPerm.NO_CHANGES, MDPPerm.FILL_FORMS])
def test_a_certified_document_permits_no_more_than_it_says(pki: DevPki, permission: MDPPerm) -> None:
    noted = update(certify(pki, LETTER, permission), NOTE)
    assert judge(noted) == (Changes.ANNOTATION, False, Indication.TOTAL_FAILED)


def test_a_strict_policy_permits_comments_only_where_the_signature_asks_for_them(pki: DevPki) -> None:
    strict = replace(COMMENTS, name="no comments", allowed_changes=Changes.FORM_FILLING)
    asked = update(certify(pki, LETTER, MDPPerm.ANNOTATE), NOTE)
    unasked = update(certify(pki, LETTER, None), NOTE)
    assert judge(asked, strict) == (Changes.ANNOTATION, True, Indication.TOTAL_PASSED)
    assert judge(unasked, strict) == (Changes.ANNOTATION, False, Indication.TOTAL_FAILED)


def test_nothing_else_passes_for_a_comment(pki: DevPki) -> None:
    signed = certify(pki, LETTER, MDPPerm.ANNOTATE)
    assert judge(update(update(signed, NOTE), draw_on_page))[1] is False


def test_the_comment_is_named_with_its_page(pki: DevPki) -> None:
    noted = update(certify(pki, LETTER, MDPPerm.ANNOTATE), NOTE)
    (signature,) = verify(io.BytesIO(noted), policy=COMMENTS, offline=True).files[0].to_dict()["signatures"]
    (change,) = [change for change in signature["changes"] if change["kind"] == "annotation"]
    assert change["text"].startswith("an annotation was added: Text")
    assert change["page"] == 1
