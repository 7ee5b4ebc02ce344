"""Comments on signed documents are told as what they are, and allowed only where nobody forbids them."""

import io
from dataclasses import replace

import pytest
from pdfmaking import LETTER
from pyhanko.sign.fields import MDPPerm
from verifying import add_note, certify, draw_on_page, update

from edoc.core.policy import Policy
from edoc.core.report import Changes, Indication
from edoc.devpki.hierarchy import DevPki
from edoc.verification import verify

COMMENTS = Policy(name="comments", trust_required=False, allowed_changes=Changes.ANNOTATION)


def judge(data: bytes, policy: str | Policy = COMMENTS) -> tuple[Changes, bool, Indication]:
    (signature,) = verify(io.BytesIO(data), policy=policy, offline=True).files[0].signatures
    return signature.changes_after, signature.changes_allowed, signature.indication


@pytest.mark.parametrize("permission", [None, MDPPerm.ANNOTATE], ids=["approved", "certified for comments"])
def test_a_comment_is_allowed_where_nobody_forbids_it(pki: DevPki, permission: MDPPerm | None) -> None:
    noted = update(certify(pki, LETTER, permission), add_note)
    assert judge(noted) == (Changes.ANNOTATION, True, Indication.TOTAL_PASSED)


@pytest.mark.parametrize("permission", [MDPPerm.NO_CHANGES, MDPPerm.FILL_FORMS])
def test_a_certified_document_permits_no_more_than_it_says(pki: DevPki, permission: MDPPerm) -> None:
    noted = update(certify(pki, LETTER, permission), add_note)
    assert judge(noted) == (Changes.ANNOTATION, False, Indication.TOTAL_FAILED)


def test_a_policy_may_forbid_what_the_signature_permits(pki: DevPki) -> None:
    noted = update(certify(pki, LETTER, MDPPerm.ANNOTATE), add_note)
    strict = replace(COMMENTS, name="no comments", allowed_changes=Changes.FORM_FILLING)
    assert judge(noted, strict) == (Changes.ANNOTATION, False, Indication.TOTAL_FAILED)


def test_nothing_else_passes_for_a_comment(pki: DevPki) -> None:
    signed = certify(pki, LETTER, MDPPerm.ANNOTATE)
    assert judge(update(update(signed, add_note), draw_on_page))[1] is False


def test_the_comment_is_named_with_its_page(pki: DevPki) -> None:
    noted = update(certify(pki, LETTER, MDPPerm.ANNOTATE), add_note)
    (signature,) = verify(io.BytesIO(noted), policy=COMMENTS, offline=True).files[0].to_dict()["signatures"]
    (change,) = [change for change in signature["changes"] if change["kind"] == "annotation"]
    assert change["text"].startswith("an annotation was added: Square")
    assert change["page"] == 1
