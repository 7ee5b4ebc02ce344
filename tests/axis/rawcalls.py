"""Calls to a hub as bytes on a socket, written from what was measured on the SDK, without our own client."""

import hashlib
import hmac
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from hubpeers import Member

VIETNAM = timedelta(hours=7)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    before: bytes = b""
    """What came before the answer's own status line, such as `100 Continue`."""

    @property
    def reply(self) -> dict[str, Any]:
        """The reply, which must be JSON in ASCII with its three words, whatever happened."""
        assert self.headers["content-type"] == "application/json"
        assert self.body.isascii()
        reply: dict[str, Any] = json.loads(self.body)
        assert {"status", "ErrorCode", "ErrorDesc"} <= reply.keys()
        assert (reply["status"], reply["ErrorCode"] == "0") in {("OK", True), ("FAIL", False)}
        return reply


@dataclass(frozen=True)
class RawCall:
    """A call with its parameters in the order in which they are signed."""

    member: Member
    operation: str
    parameters: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    method: str = "POST"
    content_type: str = "application/json"
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    stamp: str = ""
    """The time as text, instead of `at`."""
    more: Mapping[str, str] = field(default_factory=dict)
    """Headers that are not signed."""
    changed: Mapping[str, str] = field(default_factory=dict)
    """Parameters that arrive otherwise than they were signed."""
    length: bool = True

    def head(self) -> bytes:
        """Request line and headers."""
        stamp = self.stamp or f"{self.at + VIETNAM:%d%m%YT%H%M%S}+0{self.at.microsecond // 1000:03d}"
        own = (("timestamp", stamp), ("systemid", self.member.code), ("Content-Type", self.content_type))
        values = {f"XroadVnpt-{name}": value for name, value in (*self.parameters, *own)}
        text = (
            "{" + ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in values.items()) + "}"
        )
        secret = self.member.secret.get_secret_value().encode()
        headers = {
            "Content-Type": self.content_type,
            **values,
            "XroadVnpt-sign-header-key": ";".join(name.removeprefix("XroadVnpt-") for name in values),
            "XroadVnpt-sign-header": text,
            "XroadVnpt-hash-header": hmac.new(secret, text.encode(), hashlib.sha256).hexdigest(),
            "XroadVnpt-version": "3.0.201608",
            "User-Agent": "JAVASDKAgent/1.0.0 XRoad/VPCP",
            "Host": "hub",
            **({"Content-Length": str(len(self.body))} if self.length else {}),
            **self.changed,
            **self.more,
        }
        lines = [f"{self.method} /{self.operation} HTTP/1.1", *(f"{n}: {v}" for n, v in headers.items())]
        return "\r\n".join((*lines, "", "")).encode("latin-1")

    def make(self) -> Answer:
        """Make the call."""
        return exchange(self.member.url, self.head() + self.body)

    def make_asking_first(self) -> Answer:
        """Make the call as `Expect: 100-continue` wants it: the body goes only after an interim answer."""
        with connect(self.member.url) as line:
            line.sendall(self.head())
            interim = read_head(line)
            if not interim.startswith(b"HTTP/1.1 100 "):
                return _finish(line, interim)
            line.sendall(self.body)
            answer = read_answer(line)
        return Answer(answer.status, answer.headers, answer.body, interim)


def connect(url: str) -> socket.socket:
    """A line to the hub."""
    parts = urlsplit(url)
    assert parts.hostname
    return socket.create_connection((parts.hostname, parts.port or 80), timeout=20)


def exchange(url: str, request: bytes) -> Answer:
    """Send bytes and read one answer."""
    with connect(url) as line:
        line.sendall(request)
        return read_answer(line)


def read_answer(line: socket.socket) -> Answer:
    """Read one answer."""
    return _finish(line, read_head(line))


def read_head(line: socket.socket) -> bytes:
    """Read a status line and headers."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = line.recv(1)
        if not byte:
            break
        head += byte
    return head


def _finish(line: socket.socket, head: bytes) -> Answer:
    status, *lines = head.decode("latin-1").strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
    body, length = b"", headers.get("content-length")
    while length is None or len(body) < int(length):
        piece = line.recv(1 << 16)
        if not piece:
            break
        body += piece
    return Answer(int(status.split()[1]), headers, body)


def unpadded(content: bytes) -> str:
    """The SDK's `hash-file`: each byte of the SHA-256 by itself, in hex."""
    return "".join(format(byte, "x") for byte in hashlib.sha256(content).digest())


def sending(
    sender: Member, package: bytes, *receivers: str, claimed: str = "", trailer: bytes = b"\r\n", **more: Any
) -> RawCall:
    """`sendEdoc`, as the SDK makes it."""
    return RawCall(
        sender,
        "sendEdoc",
        (
            ("hash-file", claimed or unpadded(package)),
            ("servicetype", "eDoc"),
            ("messagetype", "edoc"),
            ("from", sender.code),
            ("to", json.dumps(receivers)),
        ),
        package + trailer,
        content_type="application/octet-stream",
        **more,
    )
