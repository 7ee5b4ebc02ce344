"""A node needs few rights at the object store: those of the policy in `deploy/s3`, and no other."""

import fnmatch
import io
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from edoc.core.ports import Stored
from edoc.errors import Unavailable
from edoc.node.s3 import S3Objects

POLICY = Path(__file__).resolve().parents[2] / "deploy" / "s3" / "node-policy.json"
ABSENT = "0" * 64
LARGE = 9 << 20  # more than one part


class Rights:
    """What the policy allows, and which of it was used."""

    def __init__(self, policy: dict[str, Any]) -> None:
        allowed = [each for each in policy["Statement"] if each["Effect"] == "Allow"]
        self._allowed = {
            (action, resource)
            for each in allowed
            for action in each["Action"]
            for resource in ([each["Resource"]] if isinstance(each["Resource"], str) else each["Resource"])
        }
        self.used: set[str] = set()

    @property
    def actions(self) -> set[str]:
        return {action for action, _ in self._allowed}

    def allows(self, action: str, resource: str) -> bool:
        self.used.add(action)
        return any(each == action and fnmatch.fnmatchcase(resource, where) for each, where in self._allowed)


def needed(method: str, url: str) -> tuple[str, str]:
    """The right that a request needs, and on what; the bucket is called `edoc`, as in the policy."""
    parts = urlsplit(url)
    key = parts.path.partition("/")[2].partition("/")[2]
    asked = parse_qs(parts.query, keep_blank_values=True)
    if not key:
        action = "s3:GetBucketLocation" if "location" in asked else "s3:ListBucket"
        assert method == "GET", f"{method} {url}"
        return action, "arn:aws:s3:::edoc"
    actions = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "PUT": "s3:PutObject", "POST": "s3:PutObject"}
    if method == "DELETE":
        action = "s3:AbortMultipartUpload" if "uploadId" in asked else "s3:DeleteObject"
    else:
        action = actions[method]
    return action, f"arn:aws:s3:::edoc/{key}"


@pytest.fixture
def rights() -> Rights:
    return Rights(json.loads(POLICY.read_text(encoding="utf-8")))


@pytest.fixture
def objects(s3_bucket: dict[str, Any], rights: Rights, monkeypatch: pytest.MonkeyPatch) -> S3Objects:
    """A store on a real server, which sees a request only if the policy allows it."""
    store = S3Objects(**s3_bucket)
    pool = store._client._http
    send: Callable[..., Any] = pool.urlopen

    def check(method: str, url: str, *arguments: Any, **more: Any) -> Any:
        action, resource = needed(method, url)
        assert rights.allows(action, resource), f"the policy lacks {action} on {resource}"
        return send(method, url, *arguments, **more)

    monkeypatch.setattr(pool, "urlopen", check)
    return store


def test_everything_a_node_does_is_allowed_and_everything_allowed_is_needed(
    objects: S3Objects, rights: Rights
) -> None:
    small = objects.put(io.BytesIO(b"content"))
    large = objects.put(io.BytesIO(random.Random(1).randbytes(LARGE)))
    assert objects.put(io.BytesIO(b"content")) == small, "an object that stands is read through"
    with objects.open(large.sha256) as source:
        assert len(source.read()) == LARGE
    assert objects.holds(small.sha256)
    assert not objects.holds(ABSENT)
    with pytest.raises(Unavailable), objects.open(ABSENT):
        pass
    assert set(objects.hashes()) == {small.sha256, large.sha256}
    assert objects.promise("numbers/VB-DI/2026/000001/001", "text") == "text"
    assert objects.promised("numbers/VB-DI/2026/000001/001") == "text"
    assert list(objects.promises("numbers/")) == ["numbers/VB-DI/2026/000001/001"]
    _break_off(objects)
    assert rights.used == rights.actions


def _break_off(objects: S3Objects) -> None:
    """An upload in parts whose source fails: what was sent of it is taken back."""

    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > LARGE // 2:
                raise OSError("the disk cannot be read")
            return super().read(size)

    with pytest.raises(Unavailable):
        objects._upload(Stored(sha256="f" * 64, size=LARGE), Failing(bytes(LARGE)))


def test_nothing_is_ever_deleted_and_nothing_goes_without_tls() -> None:
    text = POLICY.read_text(encoding="utf-8")
    assert not re.search(r"Delete|\"s3:\*\"|PutBucket|PutObjectRetention", text.partition("OnlyByTls")[0])
    deny = json.loads(text)["Statement"][-1]
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
