"""Everything a path needs from the network, from the live services of the development PKI."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from answering import Asked, answering
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from edoc.core.chain import ChainFacts, ChainStatus
from edoc.devpki.hierarchy import DevPki, make, revoke
from edoc.devpki.server import Services, serving
from edoc.errors import InputError, Refused, Unavailable
from edoc.trust.chain import MAX_CLIMBS, Usage, examine
from edoc.trust.fetch import HttpFetcher
from edoc.trust.hosts import check_hosts, remap
from edoc.trust.material import collect_material
from edoc.trust.store import Trust

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
HOST = "pki.agency.invalid"
"""What the certificates of these tests name: a host that no resolver knows."""


class Counting:
    """A fetcher that reaches the services of these tests, and remembers what it was asked."""

    def __init__(self, url: str) -> None:
        self._hosts = {HOST: url}
        self.asked: list[str] = []

    def fetch(self, url: str) -> bytes:
        self.asked.append(url.removeprefix(f"http://{HOST}"))
        with HttpFetcher(hosts=self._hosts, timeout_seconds=5) as inner:
            return inner.fetch(url)

    def post(self, url: str, body: bytes, *, content_type: str, accept: str) -> bytes:
        self.asked.append(url.removeprefix(f"http://{HOST}"))
        with HttpFetcher(hosts=self._hosts, timeout_seconds=5) as inner:
            return inner.post(url, body, content_type=content_type, accept=accept)


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> DevPki:
    """A PKI whose certificates name `HOST`; nobody revokes in it."""
    return make(tmp_path_factory.mktemp("named") / "pki", now=NOW - DAY, base_url=f"http://{HOST}")


@pytest.fixture
def own(tmp_path: Path, named: DevPki) -> DevPki:
    """The same PKI in a folder of its own, to revoke in."""
    shutil.copytree(named.folder, tmp_path / "own")
    return replace(named, folder=tmp_path / "own")


@pytest.fixture(scope="module")
def services(named: DevPki) -> Iterator[str]:
    with serving(named) as url:
        yield url


def root_only(pki: DevPki) -> Trust:
    return Trust(roots=(pki.certificate("root"),))


def look(pki: DevPki, fetcher: Counting, name: str = "a-person1", usage: Usage = Usage.SIGNING) -> ChainFacts:
    return examine(
        pki.certificate(name), trust=root_only(pki), at=datetime.now(UTC), usage=usage, fetcher=fetcher
    )


# What is asked for


def test_with_nothing_but_the_root_everything_is_fetched_from_where_the_hosts_lead(
    named: DevPki, services: str
) -> None:
    fetcher = Counting(services)
    facts = look(named, fetcher)
    assert facts.status is ChainStatus.OK, facts.detail
    assert fetcher.asked == ["/ca/agencies.cer", "/crl/root.crl", "/ocsp/agencies"]
    assert facts.path == tuple(map(named.certificate, ("a-person1", "agencies", "root")))
    assert facts.crls == (named.crl("root"),)
    assert len(facts.ocsps) == 1
    assert facts.evidence == (*facts.crls, *facts.ocsps)
    assert facts.revocation_source == "ocsp"


def test_without_the_hosts_nobody_answers(named: DevPki) -> None:
    with HttpFetcher(timeout_seconds=5) as fetcher:
        leaf = named.certificate("a-person1")
        facts = examine(leaf, trust=root_only(named), at=NOW, fetcher=fetcher)
        assert facts.status is ChainStatus.NO_PATH
        assert f"http://{HOST}/ca/agencies.cer: this address does not answer" in facts.detail
        trust = replace(Trust.load(named.trust_path), crls=())
        assert examine(leaf, trust=trust, at=NOW, fetcher=fetcher).status is ChainStatus.REVOCATION_UNKNOWN


def test_what_counts_at_hand_is_not_asked_for(named: DevPki, services: str) -> None:
    fetcher = Counting(services)
    facts = examine(named.certificate("a-seal"), trust=Trust.load(named.trust_path), at=NOW, fetcher=fetcher)
    assert facts.status is ChainStatus.OK
    assert fetcher.asked == []


def test_the_evidence_of_signer_and_time_stamp_makes_a_dss(named: DevPki, services: str) -> None:
    fetcher = Counting(services)
    signer, tsa = look(named, fetcher), look(named, fetcher, "tsa", Usage.TIMESTAMPING)
    material = collect_material(signer, tsa)
    names = ("a-person1", "agencies", "root", "tsa", "services", "ocsp-agencies", "ocsp-services")
    assert set(material.certificates) == set(map(named.certificate, names))
    assert material.crls == (named.crl("root"),)
    assert len(material.ocsps) == 2
    # And with it, nothing else is needed.
    for name, usage in (("a-person1", Usage.SIGNING), ("tsa", Usage.TIMESTAMPING)):
        offline = examine(
            named.certificate(name),
            trust=root_only(named),
            at=signer.at,
            usage=usage,
            others=material.certificates,
            crls=material.crls,
            ocsps=material.ocsps,
        )
        assert offline.status is ChainStatus.OK


def test_incomplete_evidence_is_an_error(own: DevPki) -> None:
    trust = replace(Trust.load(own.trust_path), crls=())
    silent = examine(own.certificate("a-seal"), trust=trust, at=NOW)
    with pytest.raises(Unavailable, match="no CRL or OCSP answer"):
        collect_material(silent)
    revoke(own, "a-seal", at=NOW - DAY, now=NOW)
    revoked = examine(own.certificate("a-seal"), trust=Trust.load(own.trust_path), at=NOW)
    with pytest.raises(Refused, match="was revoked at"):
        collect_material(revoked)


# OCSP


def test_ocsp_says_revoked_and_since_when(own: DevPki) -> None:
    revoke(own, "a-person1", at=NOW - timedelta(minutes=5), now=NOW)
    with serving(own) as url:
        facts = look(own, Counting(url))
        other = look(own, Counting(url), "a-person2")
    assert facts.status is ChainStatus.REVOKED
    assert facts.revoked_at == NOW - timedelta(minutes=5)
    assert facts.revocation_source == "ocsp"
    assert (facts.crls, facts.ocsps) == ((), facts.evidence)
    assert other.status is ChainStatus.OK


def test_where_ocsp_does_not_know_the_certificate_the_crl_decides(named: DevPki, services: str) -> None:
    stranger = issue(named, lambda builder: builder)
    fetcher = Counting(services)
    facts = examine(stranger, trust=root_only(named), at=NOW, fetcher=fetcher)
    assert facts.status is ChainStatus.OK
    assert facts.revocation_source == "crl"
    assert fetcher.asked[-1] == "/crl/agencies.crl"


def test_an_expired_ocsp_answer_does_not_count(named: DevPki) -> None:
    with serving(named, clock=lambda: NOW - timedelta(hours=20)) as url:
        fetcher = Counting(url)
        facts = look(named, fetcher)
    assert facts.status is ChainStatus.OK
    assert facts.ocsps == ()
    assert fetcher.asked[-1] == "/crl/agencies.crl"


def test_a_responder_that_knows_sha1_only_is_asked_again(named: DevPki) -> None:
    live = Services(named, clock=lambda: NOW)

    def handle(asked: Asked) -> bytes | int:
        if asked.method == "GET":
            return live.get(asked.path)[1]
        if not isinstance(ocsp.load_der_ocsp_request(asked.body).hash_algorithm, SHA1):
            refusal = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.UNAUTHORIZED)
            return 500 if asked.path.endswith("services") else refusal.public_bytes(Encoding.DER)
        return live.post(asked.path, asked.headers["Content-Type"], asked.body)[1]

    with answering(handle) as server:
        agencies = Counting(server.url)
        facts = look(named, agencies)
        assert facts.status is ChainStatus.OK
        assert facts.revocation_source == "ocsp"
        assert agencies.asked.count("/ocsp/agencies") == 2
        by_status = look(named, Counting(server.url), "tsa", Usage.TIMESTAMPING)
        assert by_status.revocation_source == "ocsp"


def test_a_dead_responder_is_not_asked_twice_and_the_crl_decides(named: DevPki, services: str) -> None:
    leaf = issue(named, lambda builder: builder, responder="http://127.0.0.1:9/ocsp")
    fetcher = Counting(services)
    facts = examine(leaf, trust=root_only(named), at=NOW, fetcher=fetcher)
    assert facts.status is ChainStatus.OK
    assert fetcher.asked.count("http://127.0.0.1:9/ocsp") == 1


def test_lies_on_the_wire_are_not_believed(own: DevPki) -> None:
    """A good answer on somebody else, and a good one by a made-up responder, do not hide a revocation."""
    revoke(own, "a-person1", at=NOW - DAY / 2, now=NOW)
    live = Services(own, clock=lambda: NOW)
    other = x509.load_der_x509_certificate(own.certificate("a-person2"))
    issuer = x509.load_der_x509_certificate(own.certificate("agencies"))
    swapped = ocsp.OCSPRequestBuilder().add_certificate(other, issuer, SHA256()).build()

    def handle(asked: Asked) -> bytes | int:
        if asked.method == "GET":
            return live.get(asked.path)[1]
        return live.post(asked.path, asked.headers["Content-Type"], swapped.public_bytes(Encoding.DER))[1]

    with answering(handle) as server:
        assert look(own, Counting(server.url)).status is ChainStatus.REVOKED


# Issuers


def issue(
    pki: DevPki,
    change: Callable[[x509.CertificateBuilder], x509.CertificateBuilder],
    *,
    responder: str = f"http://{HOST}/ocsp/agencies",
    issuers: str = f"http://{HOST}/ca/agencies.cer",
) -> bytes:
    """A certificate of the agencies CA that its responder never heard of."""
    authority = pki.load_authority("agencies")
    access = [
        x509.AccessDescription(method, x509.UniformResourceIdentifier(url))
        for method, url in (
            (AuthorityInformationAccessOID.OCSP, responder),
            (AuthorityInformationAccessOID.CA_ISSUERS, "ldap://directory.invalid/ca"),
            (AuthorityInformationAccessOID.CA_ISSUERS, issuers),
        )
    ]
    points = x509.load_der_x509_certificate(pki.certificate("a-seal")).extensions.get_extension_for_class(
        x509.CRLDistributionPoints
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "DEV mới")]))
        .issuer_name(authority.certificate.subject)
        .public_key(ec.generate_private_key(ec.SECP256R1()).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .add_extension(x509.AuthorityInformationAccess(access), critical=False)
        .add_extension(points.value, critical=False)
    )
    return change(builder).sign(authority.key, SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize("form", ["der", "pem", "cms"])
def test_an_issuer_is_understood_in_every_usual_form(named: DevPki, form: str) -> None:
    live = Services(named, clock=lambda: NOW)
    wanted = [x509.load_der_x509_certificate(named.certificate(name)) for name in ("services", "agencies")]
    content = {
        "der": wanted[1].public_bytes(Encoding.DER),
        "pem": b"".join(found.public_bytes(Encoding.PEM) for found in wanted),
        "cms": pkcs7.serialize_certificates(wanted, Encoding.DER),
    }[form]

    def handle(asked: Asked) -> bytes | int:
        if asked.path.startswith("/ca/"):
            return content
        if asked.method == "GET":
            return live.get(asked.path)[1]
        return live.post(asked.path, asked.headers["Content-Type"], asked.body)[1]

    with answering(handle) as server:
        assert look(named, Counting(server.url)).status is ChainStatus.OK


@pytest.mark.parametrize("content", [b"", b"no certificate", b"\x30\x03\x02\x01\x05", "services"])
def test_an_address_that_gives_no_issuer_leads_nowhere(named: DevPki, content: bytes | str) -> None:
    answer = content if isinstance(content, bytes) else named.certificate(content)
    with answering(lambda _: answer) as server:
        facts = look(named, Counting(server.url))
    assert facts.status is ChainStatus.NO_PATH
    assert len(server.requests) == 1


def test_issuers_without_end_are_not_followed_without_end() -> None:
    """Each certificate names one above it that the server makes when asked."""
    key = ec.generate_private_key(ec.SECP256R1())

    def build(level: int) -> bytes:
        access = x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS,
            x509.UniformResourceIdentifier(f"http://{HOST}/{level + 1}"),
        )
        names = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{n}")]) for n in (level, level + 1))
        builder = x509.CertificateBuilder().subject_name(next(names)).issuer_name(next(names))
        return (
            builder.public_key(key.public_key())
            .serial_number(level + 1)
            .not_valid_before(NOW - DAY)
            .not_valid_after(NOW + DAY)
            .add_extension(x509.AuthorityInformationAccess([access]), critical=False)
            .sign(key, SHA256())
            .public_bytes(Encoding.DER)
        )

    with answering(lambda asked: build(int(asked.path[1:]))) as server:
        facts = examine(build(0), trust=Trust.empty(), at=NOW, fetcher=Counting(server.url))
    assert facts.status is ChainStatus.NO_PATH
    assert [asked.path for asked in server.requests] == [f"/{n + 1}" for n in range(MAX_CLIMBS)]


# Hosts


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("http://ocsp.ca.ptc/a?b=c", "http://127.0.0.1:8080/a?b=c"),
        ("http://OCSP.ca.ptc:80/a", "http://127.0.0.1:8080/a"),
        ("https://crl.ca.gov.vn/x.crl", "https://crl.proxy.local/x.crl"),
        ("http://crl.ca.gov.vn:8081/x.crl", "http://special:1/x.crl"),
        ("http://aia.ca/deep/x.cer", "https://gate/prefix/deep/x.cer"),
        ("http://other/x", "http://other/x"),
        ("http://[::1]:5/x", "http://six/x"),
        ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x"),
    ],
)
def test_hosts_are_replaced_and_paths_kept(url: str, wanted: str) -> None:
    hosts = {
        "ocsp.ca.ptc": "http://127.0.0.1:8080",
        "CRL.ca.gov.vn": "crl.proxy.local",
        "crl.ca.gov.vn:8081": "special:1",
        "aia.ca": "https://gate/prefix/",
        "[::1]:5": "six",
    }
    assert remap(url, check_hosts(hosts)) == wanted


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("http://a", "b"),
        ("a/b", "c"),
        ("", "b"),
        ("a:x", "b"),
        ("a", ""),
        ("a", "ftp://b"),
        ("a", "b/c"),
        ("a", "http://u:p@b"),
        ("a", "http://b?c"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused(source: str, target: str) -> None:
    with pytest.raises(InputError, match=r"host"):
        HttpFetcher(hosts={source: target})


# Connections


def test_a_connection_is_used_again_by_one_thread_and_shared_by_many() -> None:
    with answering(lambda asked: asked.path.encode()) as server, HttpFetcher() as fetcher:
        for number in range(5):
            assert fetcher.fetch(f"{server.url}/{number}?a=b") == f"/{number}?a=b".encode()
        assert server.connections == 1
        with ThreadPoolExecutor(4) as pool:
            urls = [f"{server.url}/{number}" for number in range(40)]
            found = list(pool.map(fetcher.fetch, urls))
        assert found == [f"/{number}".encode() for number in range(40)]
        assert server.connections <= 5


def test_a_connection_that_the_server_closed_is_replaced_silently() -> None:
    with answering(lambda asked: asked.body, hangs_up=True) as server, HttpFetcher() as fetcher:
        for number in range(4):
            body = b"%d" % number
            assert fetcher.post(f"{server.url}/x", body, content_type="a/b", accept="c/d") == body
        assert server.connections == 4
    assert [asked.headers["Content-Type"] for asked in server.requests] == ["a/b"] * 4
    assert server.requests[0].headers["Accept"] == "c/d"


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(lambda asked: asked.path.encode()) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("//", "//user:pass@"))
        monkeypatch.setenv("no_proxy", "near.invalid")
        with HttpFetcher(timeout_seconds=5) as fetcher:
            assert fetcher.fetch(f"http://{HOST}/x?y") == f"http://{HOST}/x?y".encode()
            with pytest.raises(Unavailable):
                fetcher.fetch("http://near.invalid/")
    assert proxy.requests[0].headers["Proxy-Authorization"] == "Basic dXNlcjpwYXNz"


def test_an_error_shows_neither_login_nor_query() -> None:
    with HttpFetcher(timeout_seconds=5) as fetcher, pytest.raises(Unavailable) as caught:
        fetcher.fetch("http://user:secret@127.0.0.1:9/x?key=secret")
    assert "secret" not in str(caught.value)
    assert "http://127.0.0.1:9/x" in str(caught.value)
