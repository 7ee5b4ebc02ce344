"""Ask a time-stamping authority (RFC 3161) over HTTP, under limits; believe only an answer to our question.

Whoever verifies the document judges the token; here it must be granted, carry our nonce and our digest.
"""

from typing import Any, Final

import httpx
from asn1crypto import cms, tsp
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.timestamps.common_utils import TimestampRequestError, handle_tsp_response

from edoc.errors import InputError, Unavailable

MAX_ANSWER_BYTES: Final = 256 << 10
TIMEOUT_SECONDS: Final = 10.0
_QUERY: Final = "application/timestamp-query"
_REPLY: Final = "application/timestamp-reply"


class HttpTimeStamper(TimeStamper):
    """A TSA at one address. Raises `InputError` for an address that is not http or https."""

    def __init__(self, url: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        base: Any = super()  # pyHanko's client carries no types
        base.__init__()
        if not url.lower().startswith(("http://", "https://")):
            raise InputError("this is no http address of a time-stamping authority.", where=url)
        self._url = url
        self._timeout = timeout_seconds

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        """Get a token for a digest. Raises `Unavailable` if the TSA does not give a good one."""
        client: Any = self
        nonce, request = client.request_cms(message_digest, md_algorithm)
        body = self._post(request.dump())
        try:
            token = handle_tsp_response(tsp.TimeStampResp.load(body, strict=True), nonce)
            stamped = _read_imprint(token)
        except TimestampRequestError as error:
            raise self._fail("refuses the request or answers another one") from error
        except Exception as error:
            raise self._fail("answers with something that is no time-stamp") from error
        if stamped != (md_algorithm, message_digest):
            raise self._fail("stamped another digest than the one it was given")
        return token

    def _post(self, body: bytes) -> bytes:
        headers = {"Content-Type": _QUERY, "Accept": _REPLY, "Accept-Encoding": "identity"}
        answer = bytearray()
        try:
            with httpx.stream("POST", self._url, content=body, headers=headers, timeout=self._timeout) as got:
                if got.status_code != httpx.codes.OK:
                    raise self._fail(f"answers with status {got.status_code}")
                for chunk in got.iter_bytes():
                    answer += chunk
                    if len(answer) > MAX_ANSWER_BYTES:
                        raise self._fail(f"answers with more than {MAX_ANSWER_BYTES} bytes")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise self._fail(f"does not answer ({type(error).__name__})") from error
        return bytes(answer)

    def _fail(self, what: str) -> Unavailable:
        return Unavailable(
            f"the time-stamping authority {what}.",
            where=self._url,
            advice="Check its address or try again later; nothing was signed.",
        )


def _read_imprint(token: Any) -> tuple[str, bytes]:
    imprint = token["content"]["encap_content_info"]["content"].parsed["message_imprint"]
    return imprint["hash_algorithm"]["algorithm"].native, imprint["hashed_message"].native
