"""Break packages in every way that packages get broken, and read what is left.

A run must end in a result, with its warnings, or in an `EdocError`, within its limits; what is refused leaves
nothing behind, what is read can be told as JSON and read again, and it makes no difference whether a content
went past the parser of XML or through it.
"""

import base64
import io
import json
import random
import re
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from dialectmaking import FLAT, NET, PDF, STATUS, home_made, mail_part, mime, soap
from mutating import Outcome, TimeIsUp, begin, describe, mutate, ran_out, share, spread, timed

from edoc.core.dispatch import Dispatch, StatusUpdate
from edoc.edxml import tree
from edoc.errors import EdocError, InputError
from edoc.packing import Unpacked, pack, pack_status, unpack

GROWTH: Final = 256 << 20
"""Bytes by which a process may grow."""
_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of random names is made in it
_UUID: Final = "86f1a175-9517-4f8b-9e8e-6058fc0c4689"
_TAG: Final = re.compile(rb"<[^<>]{1,300}>")
_ELEMENT: Final = re.compile(rb"<((?:\w+:)?\w+)(?:\s[^<>]*)?(?<!/)>([^<]{0,400})</\1>")
_BLOCK: Final = re.compile(rb"<((?:\w+:)?\w+)(?:\s[^<>]*)?(?<!/)>.{0,2000}?</\1>", re.DOTALL)
_BASE64: Final = re.compile(rb">([A-Za-z0-9+/]{40,}={0,2})<")
_ENCODINGS: Final = ("utf-16", "utf-16-le", "utf-32", "cp1258", "gb18030", "latin-1")
_NAMES: Final = (
    *(
        b"edXML",
        b"edXMLEnvelope",
        b"Envelope",
        b"Header",
        b"MessageHeader",
        b"Status",
        b"StatusCode",
        b"From",
    ),
    *(
        b"To",
        b"OrganId",
        b"Attachment",
        b"AttachmentEncoded",
        b"ContentTransferEncoded",
        b"Content",
        b"value",
    ),
    *(
        b"ContentId",
        b"Reference",
        b"TraceHeaderList",
        b"Bussiness",
        b"Business",
        b"Signature",
        b"AllDocument",
    ),
    *(b"DocumentType", b"Path", b"Appendix", b"edXMLAttachments", b"AttachmentName", b"SteeringType"),
)
_TEXTS: Final = (
    *(b"", b" ", b"0", b"-1", b" 1 ", b"99999999999999999999", b"1.5", b"true", b"yes"),
    *(
        b"30/10/2020",
        b"2024/13/45",
        b"2024-05-17T25:61:00+99:99",
        b"0000/00/00",
        b"999999999/9/9",
        b"9999/12/31",
    ),
    *(
        b"../../etc/passwd",
        b"CON",
        b"a.exe",
        b"a.pdf\xe2\x80\xae",
        b"x" * 5000,
        b"cid:cid:att-1",
        b"application/zip",
    ),
    *(
        b"&amp;&lt;&#x10ffff;",
        b"&#0;",
        b"&nbsp;",
        b"]]>",
        b"<![CDATA[<x>]]>",
        b"<!-- c -->",
        b"\x00",
        b"\xff",
    ),
)
_PIECES: Final = (
    *(b"<!DOCTYPE edXML>", b'<!DOCTYPE x [<!ENTITY e "e">]>', b"<?xml version='1.0'?>", b"<?pi?>", b"&e;"),
    *(b"<x/>", b"<x>", b"</x>", b"<u:x/>", b'<x a="1" a="2"/>', b"<" + b"a" * 300 + b"/>", b"<x>" * 40),
    *(
        b"<Attachment><value>QUJD</value></Attachment>",
        b"\r\n--Boundary\r\n",
        b"\r\n--Boundary--\r\n",
        b"\xef\xbb\xbf",
    ),
)
_ATTRIBUTES: Final = (
    *(
        b' xmlns=""',
        b' xmlns:edXML="urn:x"',
        b' Id="x"',
        b' xlink:href="cid:x"',
        b" a",
        b' b="<"',
        b' version="9"',
    ),
    b' Content-Type="text/plain"',
)


def make_packages(folder: Path) -> list[Path]:
    """Packages of our writer, in both profiles, and the same in every dialect."""
    folder.mkdir(parents=True, exist_ok=True)
    sheet = _zip({"xl/workbook.xml": b"<workbook/>" * 9})
    files = {
        "a.pdf": PDF,
        "b.docx": _zip({"word/document.xml": b"<d/>"}),
        "c.xlsx": sheet,
        "d.txt": b"text" * 99,
    }
    wrapped = base64.b64encode(_zip({f"{_UUID}.xlsx": sheet})).decode()
    made = {
        "edoc": _pack(files, profile="edoc"),
        "reference": _pack(files, profile="reference"),
        "bare": _pack({}, profile="reference"),
        "status": _pack_status(),
        "utf-16": _pack(files, profile="edoc").decode().replace("UTF-8", "UTF-16").encode("utf-16"),
        "soap": soap(),
        "mime": mime(soap(), mail_part(base64.encodebytes(PDF)), mail_part(PDF, encoding="binary")),
        "old-status": STATUS.encode(),
        "flat": FLAT.encode(),
        "net": NET.replace("{}", wrapped).encode(),
        "home-made": home_made(),
    }
    for name, data in made.items():
        (folder / f"{name}.edxml").write_bytes(data)
    return sorted(folder.glob("*.edxml"))


def _zip(entries: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()


def _pack(files: dict[str, bytes], *, profile: str) -> bytes:
    dispatch = Dispatch.from_dict(
        {
            "from": {"organ_id": "H99.01", "organ_name": "Ủy ban nhân dân tỉnh A"},
            "to": [{"organ_id": "H99.02"}, {"organ_id": "H99.03"}],
            "code": {"code_number": "05", "code_notation": "UBND-VP"},
            "promulgation_info": {"place": "Hà Nội", "promulgation_date": "2026-02-05"},
            "document_type": {"type": 2, "type_detail": 18, "type_name": "Công văn"},
            "subject": "Về việc phòng, chống dịch bệnh",
            "signer_info": {"competence": "TM.", "full_name": "Nguyễn Văn A"},
            "due_date": "2026-03-01",
            "other_info": {"priority": 1, "page_amount": 3, "appendixes": ["Phụ lục"]},
            "response_for": [{"organ_id": "H99.02", "code": "1/A", "promulgation_date": "2026-01-05"}],
            "to_places": ["Như trên"],
            "trace_headers": [{"organ_id": "H99.01", "timestamp": "2026-02-05T08:09:10+07:00"}],
            "business": {
                "business_doc_type": "3",
                "replacements": [{"document_id": "x", "organ_ids": ["H99.02"]}],
                "staff_info": [{"department": "VT", "staff": "B"}],
            },
            "attachments": [{"name": name} for name in files],
        }
    )
    out = io.BytesIO()
    pack(dispatch, attach=[io.BytesIO(content) for content in files.values()], out=out, profile=profile)
    return out.getvalue()


def _pack_status() -> bytes:
    values: dict[str, Any] = {
        "from": {"organ_id": "H99.02"},
        "response_for": {"organ_id": "H99.01", "document_id": "x", "promulgation_date": "2026-02-05"},
        "status_code": "03",
        "timestamp": "2026-02-05T08:09:10+07:00",
        "staff_info": {"staff": "C"},
    }
    out = io.BytesIO()
    pack_status(StatusUpdate.from_dict(values), out=out)
    return out.getvalue()


# How a package is broken


def spoil(dice: random.Random, path: Path) -> bytes:
    """Break a package in one place to five: its bytes, its XML, or what its contents hold."""
    data = path.read_bytes()
    for _ in range(dice.choice((1, 1, 2, 3, 5))):
        data = dice.choice(_WAYS)(dice, data)
    return data


def _pick(dice: random.Random, pattern: re.Pattern[bytes], data: bytes) -> re.Match[bytes] | None:
    found = [hit for _, hit in zip(range(400), pattern.finditer(data), strict=False)]
    return dice.choice(found) if found else None


def _mutate(dice: random.Random, data: bytes) -> bytes:
    return mutate(dice, data)


def _change_text(dice: random.Random, data: bytes) -> bytes:
    found = _pick(dice, _ELEMENT, data)
    return data if found is None else data[: found.start(2)] + dice.choice(_TEXTS) + data[found.end(2) :]


def _rename(dice: random.Random, data: bytes) -> bytes:
    found = _pick(dice, _ELEMENT, data)
    if found is None:
        return data
    name = dice.choice((b"", b"edXML:", b"q:")) + dice.choice(_NAMES)
    return data[: found.start()] + b"<" + name + b">" + found[2] + b"</" + name + b">" + data[found.end() :]


def _move_block(dice: random.Random, data: bytes) -> bytes:
    """Take a block out, double it, or put it elsewhere."""
    found, place = _pick(dice, _BLOCK, data), _pick(dice, _TAG, data)
    if found is None or place is None:
        return data
    rest = data if dice.random() < 0.4 else data[: found.start()] + data[found.end() :]
    at = min(place.end(), len(rest))
    return rest if dice.random() < 0.3 else rest[:at] + found[0] * dice.choice((1, 1, 2, 30)) + rest[at:]


def _insert(dice: random.Random, data: bytes) -> bytes:
    found = _pick(dice, _TAG, data)
    at = 0 if found is None else found.end()
    return data[:at] + dice.choice(_PIECES) + data[at:]


def _add_attribute(dice: random.Random, data: bytes) -> bytes:
    found = _pick(dice, _TAG, data)
    if found is None:
        return data
    at = found.end() - (2 if found[0].endswith(b"/>") else 1)
    return data[:at] + dice.choice(_ATTRIBUTES) + data[at:]


def _drop_tag(dice: random.Random, data: bytes) -> bytes:
    found = _pick(dice, _TAG, data)
    return data if found is None else data[: found.start()] + data[found.end() :]


def _change_content(dice: random.Random, data: bytes) -> bytes:
    """Break what is attached, and encode it again."""
    found = _pick(dice, _BASE64, data)
    if found is None:
        return data
    content = mutate(dice, base64.b64decode(found[1][: len(found[1]) & ~3]))
    return data[: found.start(1)] + base64.b64encode(content) + data[found.end(1) :]


def _change_base64(dice: random.Random, data: bytes) -> bytes:
    """Break how it is encoded."""
    found = _pick(dice, _BASE64, data)
    if found is None:
        return data
    text = found[1]
    at = dice.randrange(len(text))
    way = dice.randrange(6)
    if way == 0:
        text = text.replace(b"+", b"-").replace(b"/", b"_")
    elif way == 1:
        text = b"\r\n".join(text[start : start + 76] for start in range(0, len(text), 76))
    elif way == 2:
        text = text[:at]
    else:
        text = (
            text[:at]
            + dice.choice((b"=", b"$", b"&#10;", b"<!--c-->", b"\xc4\x90", b"<![CDATA[QUJD]]>"))
            + text[at:]
        )
    return data[: found.start(1)] + text + data[found.end(1) :]


def _recode(dice: random.Random, data: bytes) -> bytes:
    encoding = dice.choice(_ENCODINGS)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return data
    if dice.random() < 0.7:
        text = text.replace("UTF-8", encoding)
    return text.encode(encoding, "replace")


def _surround(dice: random.Random, data: bytes) -> bytes:
    junk = dice.randbytes(dice.choice((1, 9, 3000))) if dice.random() < 0.5 else b"junk\r\n"
    return junk + data if dice.random() < 0.5 else data + junk


_WAYS: Final[tuple[Callable[[random.Random, bytes], bytes], ...]] = (
    *(_mutate, _change_text, _change_text, _rename, _move_block, _move_block, _insert, _add_attribute),
    *(_drop_tag, _change_content, _change_content, _change_base64, _change_base64, _recode, _surround),
)


# How it is read


def run(task: tuple[None, Sequence[Path], int, int]) -> Outcome:
    """Break and read some packages in a process under limits."""
    _, files, seed, count = task
    begin(_read_size() + GROWTH)
    dice = random.Random(seed)
    outcome = Outcome()
    for _ in range(count):
        data = spoil(dice, dice.choice(files))
        kind, finding = _try(data, dice)
        outcome.counts[kind] += 1
        if finding:
            outcome.findings.append((finding, data))
    return outcome


def _read_size() -> int:
    """Bytes of data that this process has now."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmData:")[2].split()[0]) * 1024


def _try(data: bytes, dice: random.Random) -> tuple[str, str]:
    start = time.monotonic()
    place = _SHARED_MEMORY if _SHARED_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as name:
        folder = Path(name) / "in"
        try:
            with timed():
                found = unpack(io.BytesIO(data), into=folder, strict=dice.random() < 0.1)
        except EdocError as error:
            left = [path.name for path in Path(name).rglob("*")]
            if ran_out(error) or left:
                return "finding", "out of memory" if ran_out(error) else f"left behind: {left}"
            return str(error.code), ""
        except (TimeIsUp, Exception) as error:  # noqa: BLE001 - that is what is looked for
            return "finding", describe(error, start)
        finding = _judge(found, folder) or (_compare(data, found) if dice.random() < 0.2 else "")
    if finding:
        return "finding", finding
    return "repaired" if found.warnings else "read", ""


def _judge(found: Unpacked, folder: Path) -> str:
    """What is wrong with a result."""
    values = json.loads(json.dumps(found.to_dict()))
    kind = StatusUpdate if found.dispatch is None else Dispatch
    try:
        again = kind.from_dict(values)
    except InputError as error:
        # an agency or a code that is missing is said as a warning, and asked for when packing
        missing = {"from.organ_id", "to", "status_code"}
        if not (error.where in missing or re.fullmatch(r"to\[\d+\]\.organ_id", error.where)):
            return f"what was read cannot be read again: {error}"[:200]
    else:
        if again.to_dict() != (found.dispatch or found.status or again).to_dict():
            return "what was read is other when it is read again"
    attachments = found.dispatch.attachments if found.dispatch else ()
    paths = [attachment.path for attachment in attachments if attachment.path is not None]
    written = [path.relative_to(folder).as_posix() for path in folder.rglob("*")] if folder.exists() else []
    return "" if sorted(paths) == sorted(written) else f"{written} is written, and {paths} told"[:200]


def _compare(data: bytes, found: Unpacked) -> str:
    """Read again with every byte going through the parser of XML."""
    with patch.object(tree, "_LONG", 1 << 40):
        try:
            other = unpack(io.BytesIO(data))
        except EdocError as error:
            return f"through the parser alone it is refused: {error}"[:200]
    return "" if _tell(found) == _tell(other) else "through the parser alone it is other"


def _tell(found: Unpacked) -> list[Any]:
    content = found.dispatch or found.status
    values = {} if content is None else content.to_dict()
    for attachment in values.get("attachments", ()):
        attachment.pop("path", None)
    warnings = [(each.code, each.where) for each in found.warnings if each.code != "NAME_MADE_SAFE"]
    return [values, warnings]


def run_many(files: Sequence[Path], *, seed: int, runs: int) -> Iterator[Outcome]:
    """Run on all processors; gives what became of each share."""
    yield from spread(run, share(None, files, seed=seed, runs=runs))
