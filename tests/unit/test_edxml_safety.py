"""Packages of somebody who means harm: refused, or read within limits; never anything else."""

import io
import random
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from edxmlmaking import ENDS, PDF, TYPES, UUID, attachment, foreign, packed, read, values, zipped
from hypothesis import given
from hypothesis import strategies as st

from edoc.edxml.limits import Limits
from edoc.errors import EdocError, PackageError
from edoc.packing import unpack

GOOD = foreign(ENDS + TYPES, attachments=attachment("a.pdf", PDF))


def refusal(package: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(PackageError) as raised:
        unpack(io.BytesIO(package), limits=limits or Limits())
    return str(raised.value)


def with_doctype(doctype: str, text: str) -> bytes:
    package = foreign(f"{ENDS}{TYPES}<Subject>{text}</Subject>").decode()
    return package.replace("<edXML ", f"{doctype}<edXML ", 1).encode()


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE edXML>",
        '<!DOCTYPE edXML [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE edXML SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE edXML [<!ENTITY a "ha"><!ENTITY x "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE edXML [<!ENTITY % p SYSTEM "file:///etc/passwd">%p;]>',
    ],
    ids=["bare", "xxe", "remote dtd", "billion laughs", "parameter entity"],
)
def test_a_dtd_is_refused_before_anything_of_it_is_used(doctype: str) -> None:
    said = refusal(with_doctype(doctype, "&x;"))
    assert "carries a DTD" in said
    assert "root:" not in said


@pytest.mark.parametrize("cut", [1, 60, 300, len(GOOD) // 2, len(GOOD) - 1])
def test_a_truncated_package_leaves_nothing_in_the_folder(cut: int, tmp_path: Path) -> None:
    package = packed(values(), ("a.pdf", PDF), ("b.txt", b"text"))
    cut = cut * len(package) // len(GOOD)
    with pytest.raises(PackageError):
        unpack(io.BytesIO(package[:cut]), into=tmp_path / "new" / "inbox")
    assert list(tmp_path.iterdir()) == []


def test_a_refused_package_leaves_what_was_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_text("mine")
    with pytest.raises(PackageError):
        unpack(io.BytesIO(GOOD[:-1]), into=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.pdf"]
    assert (tmp_path / "a.pdf").read_text() == "mine"


def test_a_name_that_climbs_out_of_the_folder_stays_in_it(tmp_path: Path) -> None:
    names = ("../../evil.pdf", "/etc/evil2.pdf", "..\\evil3.pdf", "a/b/c.pdf", "..", "x\x7f\u202e.pdf")
    attachments = "".join(attachment(name, PDF, cid=f"a{n}") for n, name in enumerate(names))
    unpacked = unpack(
        io.BytesIO(foreign(ENDS + TYPES, attachments=attachments)), into=tmp_path / "in" / "box"
    )
    assert unpacked.dispatch is not None
    paths = [attachment.path for attachment in unpacked.dispatch.attachments]
    assert paths == ["evil.pdf", "evil2.pdf", "evil3.pdf", "c.pdf", "attachment-5", "x.pdf"]
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {f"in/box/{path}" for path in paths}
    assert [attachment.name for attachment in unpacked.dispatch.attachments] == list(names)
    assert [warning.code for warning in unpacked.warnings].count("NAME_MADE_SAFE") == len(names)


def test_the_name_inside_a_zip_is_never_used(tmp_path: Path) -> None:
    evil = zipped({f"../../{UUID}.txt": b"evil"})
    package = foreign(ENDS + TYPES, attachments=attachment("a.txt", evil, label="application/zip"))
    unpack(io.BytesIO(package), into=tmp_path / "box")
    assert [path.name for path in tmp_path.rglob("*")] == ["box", "a.txt"]
    assert (tmp_path / "box/a.txt").read_bytes() == evil


def test_a_zip_bomb_is_refused() -> None:
    bomb = zipped({f"{UUID}.txt": bytes(64 << 20)})
    package = foreign(ENDS + TYPES, attachments=attachment("a.txt", bomb, label="application/zip"))
    assert "more than 200 times" in refusal(package)


def test_a_zip_whose_directory_claims_too_much_is_content() -> None:
    content = bytearray(zipped({f"{UUID}.txt": b"x"}))
    content[-10:-6] = (1 << 30).to_bytes(4, "little")
    package = foreign(ENDS + TYPES, attachments=attachment("a.txt", bytes(content)))
    found = read(package).dispatch
    assert found is not None
    assert found.attachments[0].size == len(content)


@pytest.mark.parametrize(
    ("package", "limits", "said"),
    [
        (GOOD, Limits(package=100), "larger than the limit of 100 bytes"),
        (GOOD, Limits(attachment=10), "attachment is larger than the limit of 10"),
        (GOOD, Limits(unpacked=10), "limit of 10 bytes together"),
        (GOOD, Limits(attachments=0), "more than 0 attachments"),
        (GOOD, Limits(elements=10), "more than 10 elements"),
        (GOOD, Limits(text=100), "more than 100 bytes outside"),
        (foreign("<a>" * 50 + "</a>" * 50), Limits(), "nested deeper than 32"),
        (foreign("<a/>" * 300_001), Limits(), "more than 300000 elements"),
        (foreign(f"<a b='{'x' * 100_000}'/>" * 180), Limits(), "bytes outside attachments"),
    ],
)
def test_what_breaks_a_limit_is_refused(package: bytes, limits: Limits, said: str) -> None:
    assert said in refusal(package, limits)


def refused_as(package: bytes, code: str, limits: Limits | None = None) -> None:
    with pytest.raises(PackageError) as raised:
        unpack(io.BytesIO(package), limits=limits or Limits())
    assert raised.value.code == code


def within(seconds: float, read_it: Callable[[], object]) -> None:
    begin = time.process_time()
    read_it()
    assert time.process_time() - begin < seconds


def test_quadratic_blow_up_by_an_entity_is_refused_with_its_dtd() -> None:
    doctype = f'<!DOCTYPE edXML [<!ENTITY x "{"a" * 50_000}">]>'
    refused_as(with_doctype(doctype, "&x;" * 50_000), "XML_DTD")


@pytest.mark.parametrize(
    "inside",
    [
        "<!-- " + "<Attachment><value>" * 50_000 + " -->",  # what looks like contents, in one comment
        "<a " + " ".join(f'b{n}="1"' for n in range(200)) + "/>",
        "".join(f'<p{n}:a xmlns:p{n}="u"/>' for n in range(50_000)),
        "<a>" * 25 + "".join(f'<b xmlns:q{n}="u"/>' for n in range(50_000)) + "</a>" * 25,
        "<a/>x" * 50_000,
        "<u:a/>" * 50_000,
    ],
    ids=["contents in a comment", "attributes", "prefixes", "nested prefixes", "mixed texts", "unbound"],
)
def test_nothing_takes_more_than_linear_time(inside: str) -> None:
    within(4, lambda: read(foreign(ENDS + TYPES + inside)))


def test_base64_that_is_broken_all_over_takes_linear_time() -> None:
    broken = "Q$=<!-- -->" * 40_000
    holder = f"<Attachment><ContentTransferEncoded>{broken}</ContentTransferEncoded></Attachment>"
    within(4, lambda: read(foreign(ENDS + TYPES, attachments=holder)))


def test_too_many_attributes_are_refused() -> None:
    many = " ".join(f'b{n}="1"' for n in range(300))
    refused_as(foreign(f"<a {many}/>"), "XML_TOO_MANY_ATTRIBUTES")


def test_deep_nesting_is_refused() -> None:
    refused_as(foreign("<a>" * 100_000), "XML_TOO_DEEP")
    refused_as(foreign(ENDS, attachments="<Attachment>" + "<a>" * 100), "XML_TOO_DEEP")


def test_zips_in_zips_are_refused() -> None:
    content = PDF
    for _ in range(5):
        content = zipped({f"{UUID}.pdf": content})
    refused_as(foreign(ENDS + TYPES, attachments=attachment("a.pdf", content)), "ZIP_NESTED")


def test_a_claim_of_10_gb_is_not_believed(tmp_path: Path) -> None:
    claim = (10 << 30) & 0xFFFFFFFF
    content = bytearray(zipped({f"{UUID}.txt": b"x" * 1000}))
    for magic, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = content.index(magic) + at
        content[place : place + 4] = claim.to_bytes(4, "little")
    package = foreign(ENDS + TYPES, attachments=attachment("a.txt", bytes(content), label="application/zip"))
    tracemalloc.start()
    found = unpack(io.BytesIO(package), into=tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
    assert found.dispatch is not None
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 4000


def test_a_zip64_claim_is_not_believed() -> None:
    end = b"PK\x06\x06" + (44).to_bytes(8, "little") + bytes(4) + bytes(8) + (1).to_bytes(8, "little") * 2
    end += (10 << 30).to_bytes(8, "little") + bytes(8)
    locator = b"PK\x06\x07" + bytes(4) + bytes(8) + (1).to_bytes(4, "little")
    content = b"PK\x03\x04" + end + locator + b"PK\x05\x06" + b"\xff" * 16 + bytes(2)
    found = read(foreign(ENDS + TYPES, attachments=attachment("a.zip", content)))
    assert "ARCHIVE_UNREAD" in [warning.code for warning in found.warnings]


def test_duplicate_ids_are_said_and_no_content_is_lost(tmp_path: Path) -> None:
    twice = attachment("a.pdf", PDF) + attachment("a.pdf", PDF + b"2")
    reference = "<Reference><ContentId>cid:att-1</ContentId></Reference>"
    package = foreign(ENDS + TYPES, attachments=twice, manifest=reference * 2)
    found = unpack(io.BytesIO(package), into=tmp_path)
    assert [warning.code for warning in found.warnings] == ["CONTENT_ID_TWICE", "CONTENT_ID_TWICE"]
    assert (tmp_path / "a.pdf").read_bytes() == PDF
    assert (tmp_path / "a (2).pdf").read_bytes() == PDF + b"2"


def test_a_thousand_attachments_of_one_name_take_linear_time(tmp_path: Path) -> None:
    many = "".join(attachment("a.txt", b"x", cid=str(n)) for n in range(1000))
    package = foreign(ENDS + TYPES, attachments=many)
    within(4, lambda: unpack(io.BytesIO(package), into=tmp_path))
    assert len(list(tmp_path.iterdir())) == 1000


def test_what_cannot_be_seen_in_a_name_is_shown() -> None:
    package = foreign(ENDS + TYPES, attachments=attachment("hoadon\u202efdp.txt\u200b", b"x"))
    (hidden,) = [warning for warning in read(package).warnings if warning.code == "NAME_HIDES"]
    assert "hoadon⟨U+202E⟩fdp.txt⟨U+200B⟩" in hidden.text


class Endless(io.RawIOBase):
    """A stream of the same bytes for as long as somebody reads."""

    def __init__(self, head: bytes, pattern: bytes) -> None:
        self._pieces = self._flow(head, pattern)

    @staticmethod
    def _flow(head: bytes, pattern: bytes) -> Iterator[bytes]:
        yield head
        while True:
            yield pattern * 1000

    def read(self, _size: int = -1) -> bytes:
        return next(self._pieces)


@pytest.mark.parametrize(
    ("head", "pattern"),
    [
        (b"<edXML><!-- ", b"comment "),
        (b'<edXML a="', b"attribute "),
        (b"<edXML><", b"tag"),
        (b"<edXML><?pi ", b"instruction "),
        (b"<edXML>", b"<a>"),
        (b"<edXML>", b"text "),
        (b"<edXML>", b"<a b='c'/>"),
        (b"", b"junk "),
        (b"--B\r\n", b"X: y\r\n"),
        (b"--B\r\nContent-Type: text/xml\r\n\r\n", b"<edXML>"),
        (b"--B\r\nContent-Type: text/xml\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", b"=3C="),
        (b"--B", b"\r\nContent-Type: text/plain\r\n\r\nx\r\n--B"),
    ],
)
def test_an_endless_package_ends_in_bounded_memory(head: bytes, pattern: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(PackageError):
        unpack(Endless(head, pattern))  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200 << 20


@given(st.data())
def test_any_change_of_bytes_is_read_or_refused(data: st.DataObject) -> None:
    package = bytearray(packed(values(), ("a.pdf", PDF), ("b.xlsx", b"PK\x03\x04sheet")))
    seed = data.draw(st.integers(0, 1 << 32))
    chance = random.Random(seed)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(package))
        match chance.randrange(3):
            case 0:
                package[at] = chance.randrange(256)
            case 1:
                del package[at : at + chance.randint(1, 40)]
            case _:
                package[at:at] = package[chance.randrange(len(package)) :][: chance.randint(1, 40)]
    try:
        found = read(bytes(package))
    except EdocError:
        return
    assert found.to_dict()["kind"] == found.kind
