"""Write packages byte for byte as the reference library does; attachments stream through.

The same values and contents always give the same bytes: entry names of zips, random in the reference, follow
from the content here. What our own profile adds stands behind all that: the digests of the attachments, and a
signature.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO, Final, Protocol, cast

from edoc.core.dispatch import Attachment, Dispatch, Form, StatusUpdate
from edoc.core.ports import SigningKey
from edoc.edxml import wrapping
from edoc.edxml.base64text import Base64Encoder
from edoc.edxml.digests import PREFIX as DIGESTS_PREFIX
from edoc.edxml.digests import spell_digests
from edoc.edxml.files import Source, pieces, read_from, rewindable
from edoc.edxml.forms import FRESH_TYPE
from edoc.edxml.headers import list_header
from edoc.edxml.mapping import NAMESPACE, may_be_id, strip_id
from edoc.edxml.markup import EOL, Node, lines, text_node
from edoc.edxml.seal import Seal
from edoc.errors import InputError

_PREFIX: Final = "edXML:"
_HEAD: Final = (
    f'<?xml version="1.0" encoding="UTF-8"?>{EOL}'
    f'<edXML xmlns="{NAMESPACE}">{EOL}'
    f'  <edXML:edXMLEnvelope xmlns:edXML="{NAMESPACE}">{EOL}'
    f"    <edXML:edXMLHeader>{EOL}"
)
_CONTENT: Final = f'      <edXML:ContentTransferEncoded xmlns:edXML="{NAMESPACE}"'
_FRESH: Final = Form()


class Output(Protocol):
    """Anything that takes bytes."""

    def write(self, data: bytes, /) -> object:
        """Take bytes."""


def write_dispatch(
    dispatch: Dispatch,
    contents: Sequence[Source],
    out: Output,
    *,
    digests: bool = False,
    key: SigningKey | None = None,
) -> None:
    """Write a document; `contents` are those of its attachments, in their order.

    `digests` tells their SHA-256 with the package, `key` signs it. Raises `InputError` if it has no
    recipient, or if a content is not the one whose SHA-256 the attachment names; `KeyLoadError` if the key
    cannot sign.
    """
    if not dispatch.to:
        raise InputError("there is no recipient.", where="to")
    package = _Package(out, key)
    package.write_envelope(dispatch, _list_manifest(dispatch))
    package.write("  <AttachmentEncoded>" if dispatch.attachments else "  <AttachmentEncoded />", EOL)
    written = [
        package.write_attachment(attachment, content_id, source, where=f"attachments[{index}]")
        for index, (attachment, content_id, source) in enumerate(
            zip(dispatch.attachments, _list_ids(dispatch), contents, strict=True)
        )
    ]
    if written:
        package.write(f"  </AttachmentEncoded>{EOL}")
    if written and digests:
        package.write(*lines(spell_digests(written), 1, DIGESTS_PREFIX))
    package.finish()


def write_status(status: StatusUpdate, out: Output, *, key: SigningKey | None = None) -> None:
    """Write a status; `key` signs it. Raises `KeyLoadError` if it cannot."""
    package = _Package(out, key)
    package.write_envelope(status)
    package.finish()


def _list_ids(dispatch: Dispatch) -> Sequence[str]:
    """Ids of the attachments as they are written."""
    return _choose(dispatch, (dispatch.form or _FRESH).content_ids)


def _choose(dispatch: Dispatch, written: tuple[str, ...]) -> Sequence[str]:
    """Ids as a package was written, if they are still those of its attachments."""
    ids = [attachment.content_id for attachment in dispatch.attachments]
    still = [strip_id(text) for text in written if may_be_id(text)]
    return written if still == ids else [f"cid:{content_id}" for content_id in ids]


def _list_manifest(dispatch: Dispatch) -> Iterator[str]:
    """The `edXMLBody`; the reference library labels every fresh reference `application/zip`."""
    form = dispatch.form or _FRESH
    types: Sequence[str] = form.reference_types
    if len(types) != len(dispatch.attachments):
        types = [FRESH_TYPE] * len(dispatch.attachments)
    references = tuple(
        Node(
            "Reference",
            (
                Node("ContentId", content_id),
                *text_node("ContentType", label),
                *text_node("Description", attachment.description),
                *text_node("AttachmentName", attachment.name),
            ),
        )
        for attachment, content_id, label in zip(
            dispatch.attachments, _choose(dispatch, form.reference_ids), types, strict=True
        )
    )
    body = Node("edXMLBody", (Node("edXMLManifest", references, (("version", "1.0"),)),))
    return lines(body, 2, _PREFIX)


class _Package:
    """A package on its way out, and to the seal if there is one."""

    def __init__(self, out: Output, key: SigningKey | None) -> None:
        self._out = out
        self._seal = None if key is None else Seal(key)

    def write(self, *markup: str) -> None:
        """Write whole lines, or up to the end of a tag."""
        data = "".join(markup).encode()
        self._out.write(data)
        if self._seal is not None:
            self._seal.feed(data)

    def write_plain(self, text: bytes) -> None:
        """Write the next piece of Base64."""
        self._out.write(text)
        if self._seal is not None:
            self._seal.feed_plain(text)

    def write_envelope(self, message: Dispatch | StatusUpdate, body: Iterable[str] = ()) -> None:
        self.write(_HEAD)
        for node, prefix in list_header(message):
            self.write(*lines(node, 3, prefix))
        self.write(f"    </edXML:edXMLHeader>{EOL}", *body, f"  </edXML:edXMLEnvelope>{EOL}")

    def finish(self) -> None:
        """Write the signature and the end."""
        end = f"</edXML>{EOL}".encode()
        if self._seal is not None:
            # what stands before and behind the signature is signed as if it were not there
            self._seal.feed(b"  " + EOL.encode() + end, last=True)
            self._out.write(self._seal.sign().encode())
        self._out.write(end)

    def write_attachment(
        self, attachment: Attachment, content_id: str, source: Source, *, where: str
    ) -> Attachment:
        """Write one attachment; returns it with what its content turned out to be."""
        head = (
            Node("ContentId", content_id),
            *text_node("AttachmentName", attachment.name),
            *text_node("Description", attachment.description),
            *text_node("FieldName", attachment.field_name),
            *text_node("MimeType", attachment.mime_type),
            Node("ContentType", wrapping.content_type(attachment.name)),
        )
        self.write(f"    <Attachment>{EOL}", *(line for node in head for line in lines(node, 3, "")))
        line = _ContentLine(self)
        with read_from(source) as stream, rewindable(stream) as content:
            if wrapping.is_sent_plain(attachment.name):
                found = _digest(content, line.write)
            else:
                found = _write_wrapped(attachment, content, line)
        line.finish()
        self.write(f"    </Attachment>{EOL}")
        sha256, size = found
        if attachment.sha256 not in ("", sha256):
            raise InputError(
                f"the file for {attachment.name!r} is not the one that the dispatch describes.",
                where=f"{where}.sha256",
                advice="Attach that file, or take 'size' and 'sha256' out of the dispatch.",
            )
        return replace(attachment, sha256=sha256, size=size)


class _ContentLine:
    """The line of one encoded content; its tags depend on whether anything comes."""

    def __init__(self, package: _Package) -> None:
        self._package = package
        self._encoder = Base64Encoder(package.write_plain)
        self._begun = False

    def write(self, data: bytes) -> int:
        """Encode the next piece."""
        if data and not self._begun:
            self._package.write(_CONTENT, ">")
            self._begun = True
        self._encoder.feed(data)
        return len(data)

    def flush(self) -> None:
        """Nothing waits here but what Base64 must hold back."""

    def finish(self) -> None:
        """End the line."""
        self._encoder.finish()
        end = "</edXML:ContentTransferEncoded>" if self._begun else f"{_CONTENT} />"
        self._package.write(end, EOL)


def _digest(content: BinaryIO, write: Callable[[bytes], object] | None = None) -> tuple[str, int]:
    """Read a content to its end, and hand it on; returns its SHA-256 and its size in bytes."""
    digest, size = hashlib.sha256(), 0
    for piece in pieces(content):
        digest.update(piece)
        size += len(piece)
        if write is not None:
            write(piece)
    return digest.hexdigest(), size


def _write_wrapped(attachment: Attachment, content: BinaryIO, line: _ContentLine) -> tuple[str, int]:
    begin = content.tell()
    sha256, size = _digest(content)
    content.seek(begin)
    # zipfile asks only for write and flush of a target that it cannot seek in
    wrapping.write_wrapped(content, cast("BinaryIO", line), name=attachment.name, sha256=sha256, size=size)
    return sha256, size
