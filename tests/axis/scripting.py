"""A hub that does what a script says, byte by byte, and keeps what it was asked."""

import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr

from edoc.axis.client import AxisClient
from edoc.axis.connection import Access, Limits

NOW = datetime(2026, 2, 5, 1, 15, 30, tzinfo=UTC)
SECRET = "s3cret of the agency"
GOOD = {"status": "OK", "ErrorCode": "0", "ErrorDesc": "Success"}
QUICK = Limits(
    connect_seconds=2,
    silence_seconds=0.4,
    call_seconds=1,
    transfer_seconds=1.5,
    reply_bytes=1 << 20,
    package_bytes=4 << 20,
)
PACKAGE = '<?xml version="1.0"?>\r\n<edXML><a>Về việc</a></edXML>\r\n'.encode()


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(found) < 2, found
        return found[0] if found else None

    @property
    def parameters(self) -> dict[str, str]:
        """Everything that travels as a parameter, by its bare name."""
        skipped = ("sign-header", "sign-header-key", "hash-header", "version", "systemid", "timestamp")
        found = {key[10:]: value for key, value in self.headers if key.startswith("XroadVnpt-")}
        return {key: value for key, value in found.items() if key not in (*skipped, "Content-Type")}


@dataclass
class Peer:
    """The other end of one connection."""

    socket: socket.socket
    hub: "ScriptedHub"
    rest: bytes = b""

    def read_until(self, end: bytes) -> bytes:
        while end not in self.rest:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError
            self.rest += more
        head, _, self.rest = self.rest.partition(end)
        return head

    def read_bytes(self, count: int) -> bytes:
        while len(self.rest) < count:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError
            self.rest += more
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def read_head(self) -> Asked:
        lines = self.read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        pairs = (line.partition(":") for line in lines[1:])
        return Asked(method, target, tuple((name, value.strip()) for name, _, value in pairs), b"")

    def read(self) -> Asked:
        head = self.read_head()
        asked = Asked(
            head.method, head.target, head.headers, self.read_bytes(int(head.header("content-length") or 0))
        )
        self.hub.asked.append(asked)
        return asked

    def send(self, content: bytes) -> None:
        self.socket.sendall(content)

    def drip(self, content: bytes, pause: float = 0.05) -> None:
        """Send one byte at a time, for as long as anybody listens."""
        for place in range(len(content)):
            self.send(content[place : place + 1])
            time.sleep(pause)


Act = Callable[[Peer], None]


def http(body: bytes, *, status: int = 200, headers: Iterable[str] = (), length: int | None = None) -> bytes:
    """An answer as bytes."""
    lines = [
        f"HTTP/1.1 {status} Said",
        f"Content-Length: {len(body) if length is None else length}",
        "Connection: close",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def answer(body: bytes | dict[str, Any], **options: Any) -> Act:
    """Read a request and answer it."""
    content = body if isinstance(body, bytes) else json.dumps({**GOOD, **body}).encode()

    def act(peer: Peer) -> None:
        peer.read()
        peer.send(http(content, **options))

    return act


@dataclass
class ScriptedHub:
    """Serves one act per connection, in order; after the last it hangs up."""

    acts: list[Act]
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/axis"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                connection.settimeout(5)
                if self.acts:
                    with suppress(OSError):
                        self.acts.pop(0)(Peer(connection, self))


def client(hub: ScriptedHub, *, limits: Limits = QUICK, url: str = "") -> AxisClient:
    """A client of the scripted hub."""
    access = Access(url=url or hub.url, system_id="H99.01", secret=SecretStr(SECRET))
    return AxisClient(access, clock=lambda: NOW, limits=limits)


def make_tls(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS, and its certificate, which nobody but itself vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hub")])
    place = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(place, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "hub.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "hub.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "hub.pem", folder / "hub.key")
    return context, folder / "hub.pem"
