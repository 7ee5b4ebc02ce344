"""Prepare a PDF for signatures, and give it its number and date, in the order of NĐ 30/2020/NĐ-CP Art 14."""

import datetime as dt

from edoc.errors import InputError, Refused
from edoc.pdf import fields, placing
from edoc.pdf.document import Document, examine, guarded, open_pdf
from edoc.pdf.files import Growing, Source, Target, Written, written_to
from edoc.pdf.forms import DATE, NUMBER, PERSON
from edoc.pdf.layout import Place


def prepare(
    src: Source,
    dst: Target,
    *,
    number_rect: Place | None = None,
    date_rect: Place | None = None,
    person_rect: Place | None = None,
    seal_rect: Place | None = None,
    seals: int = 1,
    anchor: str | None = None,
    password: str | None = None,
) -> Written:
    """Add the empty fields `Number`, `Date`, `Person` and `Seal` (`Seal2`, … for joint documents).

    A place that is not given is found on the page: after "Số:", after the place's comma, between the signer's
    position (its line starts with `anchor`, if given) and name; else it follows Annex I of NĐ 30/2020. The
    page's own content is not touched. Raises `PdfError` if the file cannot be read, `Refused` if it is
    signed or prepared already or the anchor is nowhere, `InputError` if a rectangle is not on its page.
    """
    if not 1 <= seals <= fields.MAX_SEALS:
        raise InputError(f"a document has 1 to {fields.MAX_SEALS} seals, not {seals}.")
    wishes = placing.Wishes(
        number=number_rect, date=date_rect, person=person_rect, seal=seal_rect, seals=seals, anchor=anchor
    )
    with open_pdf(src, password=password) as document:
        _require_untouched(document)
        revision = fields.add_fields(document, placing.decide_places(document, wishes))
        with written_to(dst) as output, guarded(document.where):
            return revision.save(output)


def _require_untouched(document: Document) -> None:
    facts = examine(document)
    if facts.signatures:
        names = sorted({each.signer or "somebody whose name cannot be read" for each in facts.signatures})
        raise Refused(
            f"this PDF is already signed by {', '.join(names)}; adding fields would break that signature.",
            where=document.where,
            advice="Prepare the document before anybody signs it.",
        )
    taken = {NUMBER, DATE, PERSON, *fields.seal_names(fields.MAX_SEALS)} & set(facts.fields)
    if taken:
        raise Refused(
            f"this PDF already has the fields {', '.join(sorted(taken))}.",
            where=document.where,
            advice="Sign it as it is." if facts.prepared else "Rename them, or print the file to a new PDF.",
        )


def number(
    src: Source,
    dst: Target,
    *,
    number: int,
    notation: str,
    date: dt.date,
    password: str | None = None,
) -> Written:
    """Fill `Number` (as in `05/UBND-VP`) and `Date` (`ngày 05 tháng 02 năm 2026`), once.

    The same inputs give the same bytes; a file that already says the same is copied as it is. Raises
    `PdfError` if the file cannot be read, `Refused` if the fields are missing, locked, too small or say
    something else, `InputError` for an impossible number or symbol.
    """
    values = fields.spell_texts(number, notation, date)
    with open_pdf(src, password=password) as document:
        revision = fields.fill_texts(document, values)
        with written_to(dst) as output:
            if revision is not None:
                with guarded(document.where):
                    return revision.save(output)
            unchanged = Growing(output)
            unchanged.copy(document.stream)
            return unchanged.written
