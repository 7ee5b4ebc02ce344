"""Download a package over as many connections as it takes.

A server that names a version of the content (`ETag`) and takes ranges is asked only for what is missing; from
any other the download begins anew.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from http import HTTPStatus
from typing import BinaryIO, Final, NoReturn

from edoc.axis.connection import Answer, BadReplyError
from edoc.axis.content import Kind, judge
from edoc.errors import Unavailable

ATTEMPTS: Final = 8
"""How often a download is taken up again; each time it must have come further."""

_RANGE: Final = re.compile(r"bytes (\d{1,18})-\d{1,18}/(?:\d{1,18}|\*)")


@dataclass(slots=True)
class _Progress:
    version: str = ""
    """The strong ETag of what was received so far."""

    def headers(self, offset: int) -> dict[str, str]:
        if not offset or not self.version:
            return {}
        return {"Range": f"bytes={offset}-", "If-Range": self.version}

    def note(self, answer: Answer) -> None:
        tag = answer.headers.get("etag", "")
        ranges = answer.headers.get("accept-ranges", "").strip().lower() == "bytes"
        self.version = tag if ranges and tag.startswith('"') else ""


def download(
    ask: Callable[[Mapping[str, str]], AbstractContextManager[Answer]],
    target: BinaryIO,
    refuse: Callable[[Answer], NoReturn],
) -> Kind:
    """Write what `ask` gives into an empty file and say what it is; `refuse` raises for a wrong status.

    Raises `Unavailable` if the connection breaks without having brought anything.
    """
    progress = _Progress()
    for attempt in range(ATTEMPTS):
        before = target.tell()
        try:
            with ask(progress.headers(before)) as answer:
                _receive(answer, target, progress, refuse)
        except BadReplyError:
            raise
        except Unavailable:
            if target.tell() <= before or attempt + 1 == ATTEMPTS:
                raise
            if not progress.version:
                _restart(target)
        else:
            return judge(target)
    raise AssertionError  # the last attempt ends in one of the ways above


def _receive(
    answer: Answer, target: BinaryIO, progress: _Progress, refuse: Callable[[Answer], NoReturn]
) -> None:
    if answer.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        _restart(target)
        raise BadReplyError("the hub does not have what is missing of the package.", where=answer.what)
    if not answer.is_good:
        refuse(answer)
    if answer.status == HTTPStatus.PARTIAL_CONTENT:
        found = _RANGE.fullmatch(answer.headers.get("content-range", "").strip())
        if found is None or int(found[1]) != target.tell():
            raise BadReplyError("the hub goes on at another place than was asked for.", where=answer.what)
        answer.got = target.tell()
    else:
        _restart(target)
        progress.note(answer)
    target.writelines(answer)


def _restart(target: BinaryIO) -> None:
    target.seek(0)
    target.truncate()
