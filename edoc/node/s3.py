"""Objects in a bucket of an S3 server, addressed by the SHA-256 of their content and never overwritten.

    objects = S3Objects(endpoint="s3.example.vn", bucket="edoc", access_key="…", secret_key="…")
    stored = objects.put(stream)

An object's key is `objects/ab/abcdef…`. A PUT is atomic by S3's own rules, so nothing half written is ever
seen. The content is hashed before it is sent; an ETag is no hash, so what came of an upload is checked by its
size, and by its content wherever an object of that name already stood. Calls end within a finite time; only
connecting and reading are repeated here, anything else is the caller's to repeat. Secrets stand in no text.
"""

import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import SpooledTemporaryFile, gettempdir
from typing import TYPE_CHECKING, BinaryIO, Final, cast
from xml.etree.ElementTree import ParseError

import urllib3
from minio import Minio
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from minio.helpers import check_bucket_name

from edoc.core.ports import Stored
from edoc.errors import SettingsError, Unavailable
from edoc.node.durable import disk_errors
from edoc.node.objects import (
    CHUNK,
    PROMISES,
    copy_hashing,
    is_sha256,
    missing,
    require_intact,
    require_name,
    require_sha256,
)

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_PREFIX: Final = "objects/"
_SPOOL: Final = 4 * CHUNK  # bytes kept in memory before the disk is used
_PART: Final = 8 * CHUNK  # bytes a part of an upload; the client keeps one in memory
_SMALL: Final = 64 << 10  # bytes of a promise
_NOT_FOUND: Final = 404
_TROUBLE: Final = (MinioException, urllib3.exceptions.HTTPError, OSError, ParseError, UnicodeDecodeError)
_CODE: Final = re.compile(r"<Code>(\w{1,64})</Code>")
_BUCKET_STANDS: Final = frozenset({"BucketAlreadyExists", "BucketAlreadyOwnedByYou"})
_ADVICE: Final = {
    "AccessDenied": "Check the access key's rights: it must list, read and write this bucket.",
    "InvalidAccessKeyId": "Check objects.access_key.",
    "NoSuchBucket": "Create the bucket, or correct objects.bucket.",
    "RequestTimeTooSkewed": "Set this machine's clock right.",
    "SignatureDoesNotMatch": "Check objects.secret_key.",
}


class S3Objects:
    """The production object store. Safe to share between threads, not between processes.

    Raises `SettingsError` if the endpoint, the bucket's name or the keys cannot be right. Connects to nothing
    before it is used.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        bucket: str,
        access_key: str,
        secret_key: str,
        secure: bool = True,
        connect_seconds: float = 5,
        read_seconds: float = 30,
    ) -> None:
        if not (access_key and secret_key):
            raise SettingsError("an S3 store needs an access key and a secret key.", where=endpoint)
        self._bucket = bucket
        self._where = f"{endpoint}/{bucket}"
        try:
            check_bucket_name(bucket, strict=True)
            self._client = Minio(
                endpoint=endpoint,
                access_key=access_key,
                secret_key=secret_key,
                secure=secure,
                http_client=_http(connect_seconds, read_seconds),
            )
        except ValueError as error:
            raise SettingsError(
                f"the S3 store cannot be used: {error}.",
                where=self._where,
                advice="Write the endpoint as host:port, and the bucket's name by the rules of S3.",
            ) from None

    def __repr__(self) -> str:
        return f"S3Objects({self._where!r})"

    def create_bucket(self) -> None:
        """Create the bucket unless we have it already. Raises `Unavailable`."""
        try:
            with self._errors():
                self._client.make_bucket(bucket_name=self._bucket)
        except Unavailable as error:
            if error.__cause__ is None or _code(error.__cause__) not in _BUCKET_STANDS:
                raise
        any(self.hashes())  # it may be somebody else's: then this is refused

    def put(self, source: BinaryIO) -> Stored:
        """Store the stream to its end and return only when the server has it. Idempotent.

        Raises `Unavailable` if the server does not take it, and `DamagedObjectError` if other bytes stand
        under the content's name: they stay as they are.
        """
        with SpooledTemporaryFile(max_size=_SPOOL) as spool:
            content = cast("BinaryIO", spool)
            with disk_errors(Path(gettempdir())):
                stored = copy_hashing(source, content)
                content.seek(0)
            if self._size(stored.sha256) is None:
                self._upload(stored, content)
            else:
                require_intact(self, stored.sha256)
        return stored

    @contextmanager
    def open(self, sha256: str) -> Iterator[BinaryIO]:
        """Open the object for reading, front to back; raises `Unavailable` if it is not there.

        Verifies nothing. Reading raises `Unavailable` if the connection breaks.
        """
        key = _key(sha256)
        try:
            with self._errors():
                response = self._client.get_object(bucket_name=self._bucket, object_name=key)
        except Unavailable as error:
            if _is_missing(error.__cause__):
                raise missing(sha256, self._where) from None
            raise
        try:
            with io.BufferedReader(_Body(self, response), CHUNK) as body:
                yield body
        finally:
            response.close()
            response.release_conn()

    def holds(self, sha256: str) -> bool:
        """Tell whether the object is there."""
        return self._size(sha256) is not None

    def hashes(self) -> Iterator[str]:
        """All stored hashes, in no particular order."""
        with self._errors():
            for found in self._client.list_objects(bucket_name=self._bucket, prefix=_PREFIX, recursive=True):
                name = found.object_name.rpartition("/")[2]
                if is_sha256(name) and found.object_name == _key(name):
                    yield name

    def promise(self, name: str, text: str) -> str:
        """Put a small text under a name, unless one stands there; return the one that stands.

        S3 servers differ in what they do with two writers at once, so let there be one. Raises `InputError`
        for what is no such name, and `Unavailable`.
        """
        key, content = f"{PROMISES}/{require_name(name)}", text.encode()
        earlier = self._read_small(key)
        if earlier is not None:
            return earlier.decode()
        with self._errors():
            self._client.put_object(
                bucket_name=self._bucket, object_name=key, data=io.BytesIO(content), length=len(content)
            )
        return text

    def promised(self, name: str) -> str | None:
        """The text that stands under a name, if one does; raises what `promise` raises."""
        content = self._read_small(f"{PROMISES}/{require_name(name)}")
        return None if content is None else content.decode()

    def promises(self, prefix: str, *, after: str = "") -> Iterator[str]:
        """All names that begin with `prefix` and come after the name `after`, in order."""
        start = f"{PROMISES}/"
        with self._errors():
            found = self._client.list_objects(
                bucket_name=self._bucket,
                prefix=start + prefix,
                recursive=True,
                start_after=start + after if after else None,
            )
            names = (str(each.object_name).removeprefix(start) for each in found)
            yield from sorted(name for name in names if name > after)

    def _read_small(self, key: str) -> bytes | None:
        try:
            with self._errors():
                response = self._client.get_object(bucket_name=self._bucket, object_name=key)
        except Unavailable as error:
            if _is_missing(error.__cause__):
                return None
            raise
        try:
            with self._errors():
                return bytes(response.read(_SMALL))
        finally:
            response.close()
            response.release_conn()

    def _upload(self, stored: Stored, content: BinaryIO) -> None:
        with self._errors():
            sent = self._client.put_object(
                bucket_name=self._bucket,
                object_name=_key(stored.sha256),
                data=content,
                length=stored.size,
                part_size=_PART,
                num_parallel_uploads=1,
            )
        if sent.etag and sent.etag.strip('"') == _md5(content, stored.size):
            return  # the server counted every byte
        kept = self._size(stored.sha256)
        if kept != stored.size:
            raise Unavailable(
                f"the S3 server took {stored.size} bytes but keeps {kept or 0} of {stored.sha256}.",
                where=self._where,
                advice="Look at the server's own log and disk.",
            )

    def _size(self, sha256: str) -> int | None:
        """Bytes of the stored object, or None if it is not there."""
        key = _key(sha256)
        try:
            with self._errors():
                return self._client.stat_object(bucket_name=self._bucket, object_name=key).size or 0
        except Unavailable as error:
            if _is_missing(error.__cause__):
                return None
            raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn trouble with the server into `Unavailable`, whose cause is the client's own error."""
        try:
            yield
        except _TROUBLE as error:
            code = _code(error)
            raise Unavailable(
                f"the S3 server cannot be used now: {code}.",
                where=self._where,
                advice=_ADVICE.get(code, "Check that it is running and reachable."),
            ) from error


class _Body(io.RawIOBase):
    """An answer's body whose broken connection is `Unavailable`."""

    def __init__(self, store: S3Objects, response: urllib3.BaseHTTPResponse) -> None:
        self._store = store
        self._response = response

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        with self._store._errors():  # noqa: SLF001 - one module, one subject
            chunk = self._response.read(len(view))
        view[: len(chunk)] = chunk
        return len(chunk)


def _http(connect_seconds: float, read_seconds: float) -> urllib3.PoolManager:
    # minio's own client waits 5 minutes and repeats a PUT up to 5 times: a repeated PUT whose first answer
    # was lost can leave a second, locked version.
    return urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=connect_seconds, read=read_seconds),
        maxsize=10,
        retries=urllib3.Retry(
            total=2,
            redirect=0,
            other=0,
            allowed_methods=frozenset({"GET", "HEAD"}),
            status_forcelist=(500, 502, 503, 504),
            backoff_factor=0.2,
            respect_retry_after_header=False,
            raise_on_status=False,
        ),
    )


def _md5(content: BinaryIO, size: int) -> str | None:
    """What a server that keeps MD5 as ETag says of an upload in one part."""
    if size > _SPOOL:
        return None
    content.seek(0)
    return hashlib.md5(content.read(), usedforsecurity=False).hexdigest()


def _key(sha256: str) -> str:
    require_sha256(sha256)
    return f"{_PREFIX}{sha256[:2]}/{sha256}"


def _is_missing(error: BaseException | None) -> bool:
    """Tell whether the server said that the object, and not its bucket, is absent."""
    return (
        isinstance(error, MinioException) and _status(error) == _NOT_FOUND and _code(error) != "NoSuchBucket"
    )


def _status(error: MinioException) -> int:
    if isinstance(error, S3Error):
        return int(error.response.status)
    if isinstance(error, ServerError):
        return int(error.status_code)
    return int(error._code) if isinstance(error, InvalidResponseError) else 0  # noqa: SLF001


def _code(error: BaseException) -> str:
    """The server's word for what is wrong, or the kind of error; never a text that could hold a secret."""
    if isinstance(error, S3Error):
        return str(error.code)
    if isinstance(error, InvalidResponseError):
        named = _CODE.search(error._body or "")  # noqa: SLF001 - a body of type text/xml is left unparsed
        return named[1] if named else f"HTTP status {_status(error)}"
    if isinstance(error, ServerError):
        return f"HTTP status {error.status_code}"
    reason = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) else error
    return type(reason or error).__name__
