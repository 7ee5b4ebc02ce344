"""Logs: one JSON object a line on standard error; no document content, no secret.

A line bears ids (of documents, tasks, packages, agencies), kinds, times and codes. What a document is about,
who signed it and what its files are called stand in the database, where `edoc show` and `edoc dead-letters`
tell them to who may know. So an error is logged by its code, and in words only if it speaks of our own disks,
servers and networks; an exception by its kind and where it came from, never by its text; of a library that
reads documents only that it said something.
"""

import logging
import sys
import threading
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any, Final

import structlog

from edoc.errors import EdocError, Unavailable

_HEARD: Final = ("dramatiq", "redis", "urllib3", "sqlalchemy", "alembic", "opentelemetry", "uvicorn")
"""Libraries that know servers and no documents: their words are told."""
Line = MutableMapping[str, Any]
_DEEPEST: Final = 20
"""So many frames of an exception are told, the innermost."""


def log_as_json() -> None:
    """Set up this process's logs, those of libraries from WARNING on."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _tell_exception,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_Library()], force=True)
    logging.captureWarnings(capture=True)


def log_what_ends_threads() -> None:
    """Log what no thread caught, instead of letting Python write it with its text."""

    def tell(arguments: threading.ExceptHookArgs) -> None:
        name = arguments.thread.name if arguments.thread else ""
        structlog.get_logger().critical("thread ended by a defect", thread=name, exc_info=arguments.exc_value)

    def tell_last(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, Exception):
            structlog.get_logger().critical("ended by a defect", exc_info=error)
        else:
            sys.__excepthook__(kind, error, trace)

    threading.excepthook, sys.excepthook = tell, tell_last


def facts_of(error: BaseException) -> dict[str, str]:
    """What may be logged of an error: its code, and its words if it speaks of what is outside documents."""
    if isinstance(error, Unavailable):
        return {"code": error.code, "reason": error.what}
    return {"code": error.code if isinstance(error, EdocError) else type(error).__name__}


class _Library(logging.Handler):
    """Passes on what libraries say."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record as a line like ours."""
        heard = record.name.partition(".")[0] in _HEARD
        structlog.get_logger().log(
            record.levelno,
            record.getMessage() if heard else "a library said something that is not told here",
            logger=record.name,
            at=f"{record.module}:{record.lineno}",
            **({"exc_info": record.exc_info} if record.exc_info else {}),
        )


def _tell_exception(
    _logger: object, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace an exception by its kind, those that caused it, and the frames that it came through."""
    given = line.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else sys.exc_info()[1]
    if isinstance(given, tuple):
        error = given[1]
    if given and error is not None:
        line["exception"] = " from ".join(_kinds(error))
        line["frames"] = [
            f"{frame.filename.rpartition('site-packages/')[2]}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)[-_DEEPEST:]
        ]
    return line


def _kinds(error: BaseException) -> list[str]:
    """The kind of an error and of those behind it."""
    kinds, seen, each = [type(error).__name__], {id(error)}, error
    while (each := each.__cause__ or each.__context__) is not None and id(each) not in seen:  # type: ignore[assignment]
        kinds.append(type(each).__name__)
        seen.add(id(each))
    return kinds
