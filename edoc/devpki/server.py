"""Serve a development PKI over HTTP: TSA, OCSP, CRLs and CA certificates.

    with serving(pki) as url:
        f"{url}/tsa", f"{url}/ocsp/agencies", f"{url}/crl/agencies.crl", f"{url}/ca/agencies.cer"

Listens on 127.0.0.1 only. With `tsa_login` the TSA wants HTTP basic authentication. CRLs are read from the
folder at each request, so a revocation shows at once.
"""

import base64
import binascii
import hmac
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import unquote

from cryptography import x509

from edoc.devpki.folder import SERVICES, SIGNERS
from edoc.devpki.hierarchy import DevPki
from edoc.devpki.ocsp import Responder
from edoc.devpki.profiles import CA_NAMES
from edoc.devpki.tsa import TimeStamper
from edoc.errors import EdocError

HOST: Final = "127.0.0.1"
MAX_REQUEST_BYTES: Final = 64 << 10
"""Longer requests are refused unread."""
TIMEOUT_SECONDS: Final = 10.0
"""A client that is silent for so long is hung up on."""

_LOG: Final = logging.getLogger(__name__)
_TSA_REQUEST: Final = "application/timestamp-query"
_OCSP_REQUEST: Final = "application/ocsp-request"


Login = tuple[str, str]
"""User name and password."""


class _Refused(Exception):  # noqa: N818 - becomes an HTTP status
    def __init__(self, status: HTTPStatus, **headers: str) -> None:
        super().__init__(status.phrase)
        self.status = status
        self.headers = headers


class Services:
    """What the server answers with; each method gives the content type and the body."""

    def __init__(self, pki: DevPki, *, clock: Callable[[], datetime], tsa_login: Login | None = None) -> None:
        self._pki = pki
        self._tsa_login = tsa_login
        self._clock = clock
        self._tsa = TimeStamper(
            key=pki.load_service_key("tsa"),
            certificate=pki.certificate("tsa"),
            issuer=pki.certificate("services"),
        )
        self._responders = {name: _load_responder(pki, name) for name in ("agencies", "services")}

    def get(self, path: str) -> tuple[str, bytes]:
        """Answer a GET; raises for a path that names nothing."""
        match path.lstrip("/").split("/", 2):
            case ["crl", name] if name.removesuffix(".crl") in CA_NAMES:
                return "application/pkix-crl", self._pki.crl(name.removesuffix(".crl"))
            case ["ca", name] if name.removesuffix(".cer") in CA_NAMES:
                return "application/pkix-cert", self._pki.certificate(name.removesuffix(".cer"))
            case ["ocsp", name, encoded] if name in self._responders:
                return self._check_status(name, _decode(encoded))
            case _:
                raise _Refused(HTTPStatus.NOT_FOUND)

    def post(
        self, path: str, content_type: str, body: bytes, *, authorization: str = ""
    ) -> tuple[str, bytes]:
        """Answer a POST; raises for a path that names nothing, another content type or a wrong login."""
        match path.strip("/").split("/"):
            case ["tsa"]:
                _require_login(authorization, self._tsa_login)
                _require_type(content_type, _TSA_REQUEST)
                return "application/timestamp-reply", self._tsa.answer(body, now=self._clock())
            case ["ocsp", name] if name in self._responders:
                _require_type(content_type, _OCSP_REQUEST)
                return self._check_status(name, body)
            case _:
                raise _Refused(HTTPStatus.NOT_FOUND)

    def _check_status(self, name: str, body: bytes) -> tuple[str, bytes]:
        crl = x509.load_der_x509_crl(self._pki.crl(name))
        answer = self._responders[name].answer(body, crl=crl, now=self._clock().replace(microsecond=0))
        return "application/ocsp-response", answer


class _Handler(BaseHTTPRequestHandler):
    timeout = TIMEOUT_SECONDS
    # Head and body leave in one piece: apart, they wait for each other's acknowledgement (Nagle).
    wbufsize = -1
    disable_nagle_algorithm = True
    protocol_version = "HTTP/1.1"
    server_version = "edoc-dev-pki"
    sys_version = ""
    server: "_Server"

    def do_GET(self) -> None:
        self._answer(lambda: self.server.services.get(self.path))

    def do_POST(self) -> None:
        self._answer(
            lambda: self.server.services.post(
                self.path,
                self.headers.get_content_type(),
                self._read(),
                authorization=self.headers.get("Authorization", ""),
            )
        )

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        _LOG.debug(format, *args)

    def _read(self) -> bytes:
        try:
            length = int(self.headers.get("Content-Length", ""))
        except ValueError as error:
            raise _Refused(HTTPStatus.LENGTH_REQUIRED) from error
        if not 0 <= length <= MAX_REQUEST_BYTES:
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return self.rfile.read(length)

    def _answer(self, act: Callable[[], tuple[str, bytes]]) -> None:
        status, headers = HTTPStatus.OK, {}
        try:
            content_type, body = act()
        except _Refused as refused:
            headers = refused.headers
            status, content_type = refused.status, "text/plain; charset=utf-8"
            body = f"{status.phrase}\n".encode()
            self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, services: Services, port: int) -> None:
        self.services = services
        super().__init__((HOST, port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        _LOG.debug("a request from %s ended early", client_address, exc_info=True)


@contextmanager
def serving(
    pki: DevPki,
    *,
    port: int = 0,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    tsa_login: Login | None = None,
) -> Iterator[str]:
    """Serve `pki` in a thread and give the base address; port 0 takes a free one.

    Certificates name `pki.base_url`: to have them agree, make the PKI with the address that will be served.
    `clock` is the time that stamps and OCSP answers carry; with `tsa_login` the TSA stamps for this user
    only. Raises `EdocError` if the port is taken.
    """
    server = _open(Services(pki, clock=clock, tsa_login=tsa_login), port)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="dev-pki", daemon=True
    )
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _open(services: Services, port: int) -> _Server:
    try:
        return _Server(services, port)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise EdocError(
            f"port {port} cannot be listened on ({reason.lower()}).",
            advice="Name a free port, or stop the program that holds it.",
        ) from error


def _load_responder(pki: DevPki, authority: str) -> Responder:
    issued = [pki.certificate(name) for name in (*SIGNERS, *SERVICES)]
    issuer = x509.load_der_x509_certificate(pki.certificate(authority))
    certificates = map(x509.load_der_x509_certificate, issued)
    return Responder(
        key=pki.load_service_key(f"ocsp-{authority}"),
        certificate=x509.load_der_x509_certificate(pki.certificate(f"ocsp-{authority}")),
        issuer=issuer,
        issued=frozenset(found.serial_number for found in certificates if found.issuer == issuer.subject),
    )


def _require_type(found: str, wanted: str) -> None:
    if found != wanted:
        raise _Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)


def _require_login(authorization: str, login: Login | None) -> None:
    if login is None:
        return
    wanted = base64.b64encode(":".join(login).encode()).decode()
    if not hmac.compare_digest(authorization.encode(), f"Basic {wanted}".encode()):
        raise _Refused(HTTPStatus.UNAUTHORIZED, WWW_Authenticate='Basic realm="tsa"')


def _decode(encoded: str) -> bytes:
    # RFC 6960 appendix A.1: base64, then URL-encoded; anything else is a malformed request, answered as such.
    if len(encoded) > MAX_REQUEST_BYTES:
        raise _Refused(HTTPStatus.REQUEST_URI_TOO_LONG)
    try:
        return base64.b64decode(unquote(encoded), validate=True)
    except (binascii.Error, ValueError):
        return b""
