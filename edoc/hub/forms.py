"""Read a multipart form as it comes: one file in constant memory, everything else passed over."""

from collections.abc import Callable
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from edoc.axis.wire import ErrorCode
from edoc.hub.refusals import CallRefusedError

_MOST_PARTS: Final = 16


class FileForm:
    """Passes the content of the file part of one name to `take`."""

    def __init__(self, content_type: str, *, file: str, take: Callable[[bytes], None]) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not boundary:
            raise _broken("it is no multipart/form-data")
        self._name = file.encode()
        self._take = take
        self._field, self._value = bytearray(), bytearray()
        self._parts = self._files = 0
        self._wanted = self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._add_field,
                "on_header_value": self._add_value,
                "on_header_end": self._end_header,
                "on_part_data": self._add_data,
                "on_end": self._end,
            },
        )

    def write(self, data: bytes) -> None:
        """Take the next piece of the body. Raises `CallRefusedError`, and whatever `take` raises."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _broken("it is no form as its header says") from error

    def finish(self) -> None:
        """End the body. Raises `CallRefusedError` unless it was whole and held the file once."""
        if not self._ended:
            raise _broken("it is not whole")
        if self._files != 1:
            raise _broken(f"it has {self._files} parts {self._name.decode()}, not one")

    def _begin(self) -> None:
        self._parts += 1
        self._wanted = False
        if self._parts > _MOST_PARTS:
            raise _broken(f"it has more than {_MOST_PARTS} parts")

    def _add_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._field.lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            self._wanted = options.get(b"name") == self._name
            self._files += self._wanted
        self._field.clear()
        self._value.clear()

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self._wanted:
            self._take(data[start:end])

    def _end(self) -> None:
        self._ended = True


def _broken(reason: str) -> CallRefusedError:
    return CallRefusedError(ErrorCode.INVALID_FILE, f"the body cannot be read: {reason}.")
