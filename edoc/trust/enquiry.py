"""Ask the addresses that certificates name: missing issuers (AIA), OCSP answers, CRLs.

Whoever made a certificate chose its addresses, so one examination asks a limited number of times. What comes
back is untrusted like anything that came with a document; `revocation` and `paths` decide what it is worth.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from edoc.errors import EdocError
from edoc.trust.certificates import MALFORMED
from edoc.trust.fetch import OCSP_REQUEST, OCSP_RESPONSE, AnsweredBadly, Fetcher, Rejecting, is_followed
from edoc.trust.memory import remembered
from edoc.trust.paths import may_have_issued
from edoc.trust.records import Certificate, load_record, load_records
from edoc.trust.statements import Source, find_extension
from edoc.trust.store import decode, list_certificates

MAX_ADDRESSES: Final = 3
"""Addresses of one kind that are tried per certificate."""
MAX_REQUESTS: Final = 24
"""Requests of one examination."""
MAX_ISSUERS: Final = 8
"""Certificates that one answer may bring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A CRL or OCSP answer from the network, with what it answered."""

    source: Source
    der: bytes
    url: str
    request: bytes = b""
    """The OCSP request; empty for a CRL."""


class Enquiry:
    """The questions of one examination."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._left = MAX_REQUESTS
        self._trouble = ""

    def describe_trouble(self) -> str:
        """Say what went wrong last, with a blank before it; empty if nothing did."""
        return self._trouble and f" {self._trouble}"

    def find_issuers(self, certificate: Certificate) -> list[Certificate]:
        """Fetch certificates that may have issued `certificate` (RFC 5280 section 4.2.2.1)."""
        for url in _list_access(certificate, AuthorityInformationAccessOID.CA_ISSUERS):
            try:
                content = self._fetch(url)
            except EdocError as error:
                self._trouble = str(error)
                continue
            found = load_records(list_certificates(content)[:MAX_ISSUERS])
            fitting = [issuer for issuer in found if may_have_issued(issuer, certificate)]
            if fitting:
                return fitting
        return []

    def find_revocation(self, certificate: Certificate, issuer: Certificate) -> Iterator[Found]:
        """Give OCSP answers, then CRLs, one by one for as long as they are asked for."""
        for url in _list_access(certificate, AuthorityInformationAccessOID.OCSP):
            yield from self._ask_responder(url, certificate, issuer)
        for url in _list_crl_addresses(certificate):
            try:
                content = self._fetch(url)
            except EdocError as error:
                self._trouble = str(error)
                continue
            yield from (
                Found(source=Source.CRL, der=der, url=url) for der, is_crl in decode(content) if is_crl
            )

    def reject(self, found: Found) -> None:
        """Say that an answer proved nothing, so that no cache keeps it for long."""
        if isinstance(self._fetcher, Rejecting):
            self._fetcher.reject(found.url, found.request)

    def _ask_responder(self, url: str, certificate: Certificate, issuer: Certificate) -> Iterator[Found]:
        # SHA-256 first; responders of RFC 5019's profile know certificates by SHA-1 only, which is no
        # signature here: it names what is asked.
        for strong in (True, False):
            request = _build_request(certificate.der, issuer.der, strong)
            if request is None:
                return
            try:
                self._spend(url)
                answer = self._fetcher.post(url, request, content_type=OCSP_REQUEST, accept=OCSP_RESPONSE)
            except AnsweredBadly as error:
                self._trouble = str(error)
                continue
            except EdocError as error:
                self._trouble = str(error)
                return
            yield Found(source=Source.OCSP, der=answer, url=url, request=request)

    def _fetch(self, url: str) -> bytes:
        self._spend(url)
        return self._fetcher.fetch(url)

    def _spend(self, url: str) -> None:
        if not self._left:
            raise AnsweredBadly(f"no more than {MAX_REQUESTS} requests are made for one path.", where=url)
        self._left -= 1


@remembered(entries=1024, total_bytes=8 << 20)
def _build_request(certificate: bytes, issuer: bytes, strong: bool) -> bytes | None:
    # No nonce: the answer may then come from a cache, and its dates say for how long it is good.
    digest: HashAlgorithm = SHA256() if strong else SHA1()  # noqa: S303
    try:
        asked = load_record(certificate).x509, load_record(issuer).x509
        request = ocsp.OCSPRequestBuilder().add_certificate(*asked, digest).build()
        return request.public_bytes(Encoding.DER)
    except MALFORMED:
        return None


def _list_access(certificate: Certificate, method: x509.ObjectIdentifier) -> list[str]:
    access = find_extension(certificate.x509, x509.AuthorityInformationAccess) or ()
    return _select(found.access_location for found in access if found.access_method == method)


def _list_crl_addresses(certificate: Certificate) -> list[str]:
    points = find_extension(certificate.x509, x509.CRLDistributionPoints) or ()
    return _select(name for point in points for name in point.full_name or ())


def _select(names: Iterator[x509.GeneralName]) -> list[str]:
    found = [name.value for name in names if isinstance(name, x509.UniformResourceIdentifier)]
    return [url for url in dict.fromkeys(found) if is_followed(url)][:MAX_ADDRESSES]
