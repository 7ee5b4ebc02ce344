"""Write packages byte for byte as the reference library does; attachments stream through.

The same values and contents always give the same bytes: entry names of zips, random in the reference, follow
from the content here.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import BinaryIO, Final, Protocol, cast

from edoc.core.dispatch import Attachment, Dispatch, StatusUpdate
from edoc.edxml import wrapping
from edoc.edxml.base64text import Base64Encoder
from edoc.edxml.files import Source, pieces, read_from, rewindable
from edoc.edxml.headers import dispatch_header, manifest, status_header
from edoc.edxml.mapping import NAMESPACE
from edoc.edxml.markup import EOL, Node, lines, text_node
from edoc.errors import InputError

_PREFIX: Final = "edXML:"
_HEAD: Final = (
    f'<?xml version="1.0" encoding="UTF-8"?>{EOL}'
    f'<edXML xmlns="{NAMESPACE}">{EOL}'
    f'  <edXML:edXMLEnvelope xmlns:edXML="{NAMESPACE}">{EOL}'
)
_CONTENT: Final = f'      <edXML:ContentTransferEncoded xmlns:edXML="{NAMESPACE}"'


class Output(Protocol):
    """Anything that takes bytes."""

    def write(self, data: bytes, /) -> object:
        """Take bytes."""


def write_dispatch(dispatch: Dispatch, contents: Sequence[Source], out: Output) -> None:
    """Write a document; `contents` are those of its attachments, in their order.

    Raises `InputError` if it has no recipient, or if a content is not the one whose SHA-256 the attachment
    names.
    """
    if not dispatch.to:
        raise InputError("there is no recipient.", where="to")
    _write_envelope((dispatch_header(dispatch), manifest(dispatch.attachments)), out)
    if not dispatch.attachments:
        _write(out, f"  <AttachmentEncoded />{EOL}</edXML>{EOL}")
        return
    _write(out, f"  <AttachmentEncoded>{EOL}")
    for index, (attachment, source) in enumerate(zip(dispatch.attachments, contents, strict=True)):
        with read_from(source) as stream, rewindable(stream) as content:
            sha256 = _write_attachment(attachment, content, out)
        if attachment.sha256 not in ("", sha256):
            raise InputError(
                f"the file for {attachment.name!r} is not the one that the dispatch describes.",
                where=f"attachments[{index}].sha256",
                advice="Attach that file, or take 'size' and 'sha256' out of the dispatch.",
            )
    _write(out, f"  </AttachmentEncoded>{EOL}</edXML>{EOL}")


def write_status(status: StatusUpdate, out: Output) -> None:
    """Write a status."""
    _write_envelope((status_header(status),), out)
    _write(out, f"</edXML>{EOL}")


def _write(out: Output, text: str) -> None:
    out.write(text.encode())


def _write_envelope(parts: Iterable[Node], out: Output) -> None:
    _write(out, _HEAD)
    for part in parts:
        _write(out, "".join(lines(part, 2, _PREFIX)))
    _write(out, f"  </edXML:edXMLEnvelope>{EOL}")


def _write_attachment(attachment: Attachment, content: BinaryIO, out: Output) -> str:
    """Write one attachment; returns the SHA-256 of its content."""
    _write(out, f"    <Attachment>{EOL}")
    head = (
        Node("ContentId", f"cid:{attachment.content_id}"),
        *text_node("AttachmentName", attachment.name),
        *text_node("Description", attachment.description),
        *text_node("FieldName", attachment.field_name),
        *text_node("MimeType", attachment.mime_type),
        Node("ContentType", wrapping.content_type(attachment.name)),
    )
    for node in head:
        _write(out, "".join(lines(node, 3, "")))
    line = _ContentLine(out)
    if wrapping.is_sent_plain(attachment.name):
        sha256 = _write_plain(content, line)
    else:
        sha256 = _write_wrapped(attachment, content, line)
    line.finish()
    _write(out, f"    </Attachment>{EOL}")
    return sha256


class _ContentLine:
    """The line of one encoded content; its tags depend on whether anything comes."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._encoder = Base64Encoder(out.write)
        self._begun = False

    def write(self, data: bytes) -> int:
        if data and not self._begun:
            _write(self._out, f"{_CONTENT}>")
            self._begun = True
        self._encoder.feed(data)
        return len(data)

    def flush(self) -> None:
        """Nothing waits here but what Base64 must hold back."""

    def finish(self) -> None:
        self._encoder.finish()
        _write(self._out, f"</edXML:ContentTransferEncoded>{EOL}" if self._begun else f"{_CONTENT} />{EOL}")


def _write_plain(content: BinaryIO, line: _ContentLine) -> str:
    digest = hashlib.sha256()
    for piece in pieces(content):
        digest.update(piece)
        line.write(piece)
    return digest.hexdigest()


def _write_wrapped(attachment: Attachment, content: BinaryIO, line: _ContentLine) -> str:
    begin, digest, size = content.tell(), hashlib.sha256(), 0
    for piece in pieces(content):
        digest.update(piece)
        size += len(piece)
    content.seek(begin)
    sha256 = digest.hexdigest()
    # zipfile asks only for write and flush of a target that it cannot seek in
    wrapping.write_wrapped(content, cast("BinaryIO", line), name=attachment.name, sha256=sha256, size=size)
    return sha256
