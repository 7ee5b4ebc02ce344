"""edXML packages: building and reading one large attachment, a small package, many attachments.

Everything that is compared runs in turns in one process. What a content costs at the least is to encode or
decode it, and to hash it, in memory; a small package is compared with reading it whole into a DOM of lxml.
"""

import base64
import gc
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from lxml import etree

from benchmarks.measure import MIB, Row, read_peak, reset_peak, time_in_turns
from edoc.core.dispatch import Dispatch
from edoc.packing import pack, unpack

LARGE_BYTES: Final = 100 << 20
SMALL_BYTES: Final = 100_000
"""Of a small package."""
FEW: Final = 1_000
MANY: Final = 10_000
LINEAR: Final = 1.3
"""How much more than linear the time may grow, for machines are noisy."""
PER_SECOND: Final = 2_000
TIMES_LXML: Final = 3
_PDF: Final = b"%PDF-1.7\n"
_NAMESPACE: Final = "{http://www.mic.gov.vn/TBT/QCVN_102_2016}"


def run() -> Iterator[Row]:
    """Measure every row."""
    yield from _measure_large()
    yield _measure_small()
    yield from _measure_many()


def describe(attachments: int) -> Dispatch:
    """A dispatch whose header is as full as they are in practice."""
    agency = {
        "organization_in_charge": "Ủy ban nhân dân tỉnh A",
        "organ_name": "Sở Y tế tỉnh A",
        "organ_add": "Số 1, đường Trần Phú",
        "email": "vanthu@example.vn",
        "telephone": "024 1234 5678",
    }
    return Dispatch.from_dict(
        {
            "from": {"organ_id": "H99.01", **agency},
            "to": [{"organ_id": "H99.02", **agency}],
            "document_id": "H99.01,2026/02/05,05/UBND-VP",
            "code": {"code_number": "05", "code_notation": "UBND-VP"},
            "promulgation_info": {"place": "Hà Nội", "promulgation_date": "2026-02-05"},
            "document_type": {"type": 2, "type_detail": 18, "type_name": "Công văn"},
            "subject": "Về việc tăng cường phòng, chống dịch bệnh",
            "signer_info": {"competence": "TM.", "position": "Chủ tịch", "full_name": "Nguyễn Văn A"},
            "other_info": {"priority": 0, "page_amount": 3, "promulgation_amount": 1},
            "steering_type": 1,
            "trace_headers": [{"organ_id": "H99.01", "timestamp": "2026-02-05T08:09:10+07:00"}],
            "business": {"business_doc_type": "0", "paper": "0"},
            "attachments": [{"name": f"van-ban-{number}.pdf"} for number in range(attachments)],
        }
    )


def build(contents: list[bytes]) -> bytes:
    """A package with these PDFs."""
    out = io.BytesIO()
    pack(describe(len(contents)), attach=[io.BytesIO(content) for content in contents], out=out)
    return out.getvalue()


def _make_pdf(size: int) -> bytes:
    """What begins like a PDF and cannot be compressed."""
    return _PDF + os.urandom(size - len(_PDF))


# One large attachment


def _measure_large() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        pdf, package = Path(name) / "large.pdf", Path(name) / "large.edxml"
        pdf.write_bytes(_make_pdf(LARGE_BYTES))
        asked = [sys.executable, "-m", "benchmarks.edxml", str(pdf), str(package)]
        found = json.loads(subprocess.run(asked, check=True, capture_output=True, text=True).stdout)
    for work, other, target in (
        ("build", "encoding and hashing it", 2.0),
        ("parse", "decoding and hashing it", 2.5),
    ):
        ours, limit, memory = (found[f"{work}_{what}"] for what in ("ours", "limit", "memory"))
        yield Row(
            work=f"{work} with a PDF of 100 MB: {other}",
            figure=ours / limit,
            target=target,
            sense="<=",
            detail=f"{ours * 1000:.0f} ms against {limit * 1000:.0f} ms",
        )
        yield Row(
            work=f"{work} with a PDF of 100 MB: peak memory over idle",
            figure=memory / MIB,
            target=16,
            sense="<=",
            unit="MiB",
        )


def _measure_in_process(pdf: Path, package: Path) -> dict[str, Any]:
    """In a process of its own: memory over what a small package needed, then times."""
    unpack(io.BytesIO(build([_make_pdf(1000)])))

    def ours_build() -> None:
        with package.open("wb") as out:
            pack(describe(1), attach=[pdf], out=out)

    def ours_parse() -> None:
        unpack(package)

    found: dict[str, Any] = {}
    for work, ours in (("build", ours_build), ("parse", ours_parse)):
        gc.collect()
        reset_peak()
        idle = read_peak()
        ours()
        found[f"{work}_memory"] = read_peak() - idle
    content = pdf.read_bytes()
    encoded = base64.b64encode(content)

    def encode() -> None:
        base64.b64encode(content)
        hashlib.sha256(content).digest()

    def decode() -> None:
        hashlib.sha256(base64.b64decode(encoded)).digest()

    for work, ours, limit in (("build", ours_build, encode), ("parse", ours_parse, decode)):
        found[f"{work}_ours"], found[f"{work}_limit"] = time_in_turns(ours, limit, rounds=7, warm=1)
    return found


# A small package


def _measure_small() -> Row:
    package = build([_make_pdf((SMALL_BYTES - 4500) * 3 // 4)])
    dispatch = unpack(io.BytesIO(package)).dispatch
    assert dispatch is not None  # noqa: S101 - it is one that we made
    (attachment,) = read_with_lxml(package)["attachments"]
    if attachment["sha256"] != dispatch.attachments[0].sha256:
        raise RuntimeError("lxml and edoc do not read the same")

    def ours() -> None:
        unpack(io.BytesIO(package))

    def theirs() -> None:
        read_with_lxml(package)

    mine, other = time_in_turns(ours, theirs, rounds=15, block=100)
    rate, times = 1 / mine, other / mine
    detail = f"{len(package)} bytes, {rate:.0f} packages/s, {times:.2f} × as fast as lxml"
    work = "parse of a package of 100 KB"
    if times >= TIMES_LXML:
        return Row(work=f"{work}: lxml's time", figure=times, target=TIMES_LXML, sense=">=", detail=detail)
    return Row(
        work=f"{work}: per second", figure=rate, target=PER_SECOND, sense=">=", unit="/s", detail=detail
    )


def read_with_lxml(package: bytes) -> dict[str, Any]:
    """The same fields and attachments, from a plain DOM."""
    root = etree.fromstring(package, etree.XMLParser(huge_tree=True, resolve_entities=False, no_network=True))
    header = root.find(f"{_NAMESPACE}edXMLEnvelope/{_NAMESPACE}edXMLHeader")
    attachments = []
    for element in root.iterfind(f"{_NAMESPACE}AttachmentEncoded/{_NAMESPACE}Attachment"):
        found = _read_with_lxml(element)
        content = base64.b64decode(found.pop("ContentTransferEncoded"))
        found |= {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        attachments.append(found)
    manifest = root.find(f"{_NAMESPACE}edXMLEnvelope/{_NAMESPACE}edXMLBody/{_NAMESPACE}edXMLManifest")
    return {
        **_read_with_lxml(header),
        "manifest": [] if manifest is None else [_read_with_lxml(each) for each in manifest],
        "attachments": attachments,
        "sha256": hashlib.sha256(package).hexdigest(),
    }


def _read_with_lxml(element: Any) -> dict[str, Any]:
    """An element's texts and groups by local names; what comes again becomes a list."""
    found: dict[str, Any] = {}
    for child in element:
        name = child.tag.rpartition("}")[2]
        value = _read_with_lxml(child) if len(child) else (child.text or "").strip()
        found[name] = [*found[name], value] if isinstance(found.get(name), list) else value
    return found


# Many attachments


def _measure_many() -> Iterator[Row]:
    contents = [_make_pdf(1000) for _ in range(MANY)]
    packages = {count: build(contents[:count]) for count in (FEW, MANY)}
    for work, few, many in (
        ("build", partial(_build, contents[:FEW]), partial(_build, contents)),
        ("parse", partial(_parse, packages[FEW]), partial(_parse, packages[MANY])),
    ):
        for_few, for_many = time_in_turns(few, many, rounds=5, warm=1)
        yield Row(
            work=f"{work} of {MANY} attachments: the time of {FEW}, linear is {MANY // FEW}",
            figure=for_many / for_few,
            target=LINEAR * MANY / FEW,
            sense="<=",
            detail=f"{for_many * 1000:.0f} ms against {for_few * 1000:.0f} ms",
        )


def _build(contents: list[bytes]) -> None:
    build(contents)


def _parse(package: bytes) -> None:
    unpack(io.BytesIO(package))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measure_in_process(*map(Path, sys.argv[1:]))))
