"""A time-stamping authority: answers RFC 3161 requests, stateless but for its key.

A request that cannot be granted gets a rejection of RFC 3161 section 2.4.2, never an exception.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from asn1crypto import algos, cms, core, parser, tsp, x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from edoc.core.devmark import DEV_ROOT_OID

POLICY: Final = f"{DEV_ROOT_OID}.1"
"""Policy of every token: a stamp of a development TSA."""

_IMPRINTS: Final = {"sha256": 32, "sha384": 48, "sha512": 64, "sha3_256": 32, "sha3_384": 48, "sha3_512": 64}
"""Accepted digests and their lengths in bytes."""
_SIGNATURE: Final = algos.SignedDigestAlgorithm({"algorithm": "sha256_rsa"})


class _Rejected(Exception):  # noqa: N818 - answered, not raised to anybody
    def __init__(self, failure: str, text: str) -> None:
        super().__init__(text)
        self.failure = failure
        self.text = text


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeStamper:
    """The TSA: its key, its certificate and its issuer's, DER."""

    key: rsa.RSAPrivateKey
    certificate: bytes
    issuer: bytes

    def answer(self, request: bytes, *, now: datetime) -> bytes:
        """Answer a DER TimeStampReq with a DER TimeStampResp for the moment `now`."""
        try:
            token = self._stamp(_read(request), now=now)
        except _Rejected as rejected:
            status = {
                "status": "rejection",
                "status_string": [rejected.text],
                "fail_info": {rejected.failure},
            }
            # By hand: `TimeStampResp` of asn1crypto insists on a token.
            return bytes(parser.emit(0, 1, 16, tsp.PKIStatusInfo(status).dump()))
        return bytes(tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token}).dump())

    def _stamp(self, request: Any, *, now: datetime) -> Any:
        info = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": POLICY,
                "message_imprint": request["message_imprint"],
                "serial_number": secrets.randbits(127) + 1,
                "gen_time": now.astimezone(UTC).replace(microsecond=0),
                "accuracy": {"seconds": 1},
                "tsa": x509.GeneralName("directory_name", self._certificate.subject),
            }
        )
        if request["nonce"].native is not None:
            info["nonce"] = request["nonce"]
        return self._sign(info, with_certificates=bool(request["cert_req"].native))

    def _sign(self, info: Any, *, with_certificates: bool) -> Any:
        content = info.dump()
        attributes = self._describe_signature(content)
        signer = {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                "issuer_and_serial_number",
                cms.IssuerAndSerialNumber(
                    {"issuer": self._certificate.issuer, "serial_number": self._certificate.serial_number}
                ),
            ),
            "digest_algorithm": {"algorithm": "sha256"},
            "signed_attrs": attributes,
            "signature_algorithm": _SIGNATURE,
            # Signed as SET OF, carried as [0] IMPLICIT (RFC 5652 section 5.4).
            "signature": self.key.sign(attributes.dump(), padding.PKCS1v15(), SHA256()),
        }
        signed = {
            "version": "v3",
            "digest_algorithms": [{"algorithm": "sha256"}],
            "encap_content_info": {
                "content_type": "tst_info",
                "content": core.ParsableOctetString(content),
            },
            "signer_infos": [signer],
        }
        if with_certificates:
            signed["certificates"] = [self._certificate, x509.Certificate.load(self.issuer)]
        return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)})

    def _describe_signature(self, content: bytes) -> Any:
        certificate_id = tsp.ESSCertIDv2(
            {
                "hash_algorithm": {"algorithm": "sha256"},
                "cert_hash": hashlib.sha256(self.certificate).digest(),
            }
        )
        return cms.CMSAttributes(
            [
                cms.CMSAttribute({"type": "content_type", "values": ["tst_info"]}),
                cms.CMSAttribute({"type": "message_digest", "values": [hashlib.sha256(content).digest()]}),
                cms.CMSAttribute(
                    {
                        "type": "signing_certificate_v2",
                        "values": [tsp.SigningCertificateV2({"certs": [certificate_id]})],
                    }
                ),
            ]
        )

    @property
    def _certificate(self) -> Any:
        return x509.Certificate.load(self.certificate)


def _read(request: bytes) -> Any:
    try:
        parsed = tsp.TimeStampReq.load(request, strict=True)
        version = parsed["version"].native
        imprint = parsed["message_imprint"]
        algorithm = imprint["hash_algorithm"]["algorithm"].native
        digest = imprint["hashed_message"].native
        policy = parsed["req_policy"].native
        extensions = parsed["extensions"].native
        _ = parsed["nonce"].native, parsed["cert_req"].native
    except (ValueError, TypeError, KeyError) as error:
        raise _Rejected("bad_data_format", "this is no RFC 3161 request") from error
    if version != "v1":
        raise _Rejected("bad_request", "only version 1 is known")
    if algorithm not in _IMPRINTS:
        raise _Rejected("bad_alg", f"the digest {algorithm} is not accepted")
    if len(digest) != _IMPRINTS[algorithm]:
        raise _Rejected("bad_data_format", f"this digest is not {_IMPRINTS[algorithm]} bytes long")
    if policy not in (None, POLICY):
        raise _Rejected("unaccepted_policy", f"the only policy is {POLICY}")
    if extensions:
        raise _Rejected("unaccepted_extensions", "no extension is known")
    return parsed
