"""Real documents and their reports, for the tests of everything that shows or keeps a report."""

import functools
import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import verifying

from edoc.core.report import Report
from edoc.devpki.hierarchy import DevPki, open_pki
from edoc.devpki.server import serving
from edoc.trust.store import Trust
from edoc.verification import verify


@functools.cache
def _archive(folder: Path) -> bytes:
    pki = open_pki(folder)
    journey = verifying.travel(pki)
    with serving(pki) as url:
        return verifying.sign(
            pki,
            journey.numbered,
            "a-seal",
            role="agency",
            level="B-LTA",
            tsa=f"{url}/tsa",
            trust=journey.trust,
        )


def archive(pki: DevPki) -> bytes:
    """The sample letter, signed by a person, numbered, and sealed at level B-LTA."""
    return _archive(pki.folder)


def judge_archive(pki: DevPki, **options: Any) -> Report:
    """Judge it under the development trust, offline."""
    settings: dict[str, Any] = {"trust": Trust.load(pki.trust_path), "offline": True} | options
    return verify(io.BytesIO(archive(pki)), **settings)


def validate(report: Report) -> None:
    """Fail unless the report's JSON agrees with the published schema."""
    schema = json.loads(verifying.SCHEMA.read_text(encoding="utf-8"))
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(schema, format_checker=checker).validate(
        json.loads(json.dumps(report.to_dict()))
    )
