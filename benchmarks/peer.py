"""The peer: pyHanko, used as well as its documentation allows, with its private key parsed once."""

import asyncio
import io
import time
from pathlib import Path
from typing import Any

import httpx
from asn1crypto import tsp, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from PIL import Image
from pyhanko.pdf_utils.font.opentype import GlyphAccumulatorFactory
from pyhanko.pdf_utils.images import PdfImage
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.text import TextBoxStyle
from pyhanko.sign import fields, signers
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.stamp import TextStampStyle
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

FONT = Path(__file__).resolve().parents[1] / "edoc/fonts/LiberationSerif-Regular.ttf"


class Signer(signers.Signer):
    """Signs with a private key that was parsed once."""

    def __init__(self, key: Any, certificate: bytes, chain: tuple[bytes, ...]) -> None:
        make: Any = SimpleCertificateStore
        store = make()
        store.register_multiple(map(x509.Certificate.load, chain))
        super().__init__(signing_cert=x509.Certificate.load(certificate), cert_registry=store)
        self._key = key

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        """Sign with the kept key."""
        del digest_algorithm, dry_run
        return bytes(self._key.sign(data, padding.PKCS1v15(), hashes.SHA256()))


class Stamper(TimeStamper):
    """Asks a TSA over a kept connection, and knows how long that took."""

    def __init__(self, url: str) -> None:
        base: Any = super()
        base.__init__()
        self._url = url
        self._client = httpx.Client()
        self.waited = 0.0

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """Ask, and note how long it took."""
        body = req.dump()
        start = time.perf_counter()
        headers = {"Content-Type": "application/timestamp-query"}
        answer = self._client.post(self._url, content=body, headers=headers).content
        self.waited += time.perf_counter() - start
        response: tsp.TimeStampResp = tsp.TimeStampResp.load(answer)
        return response


def sign(
    pdf: bytes,
    signer: Signer,
    *,
    stamper: Stamper | None = None,
    context: ValidationContext | None = None,
    style: TextStampStyle | None = None,
    box: tuple[int, int, int, int] | None = None,
) -> bytes:
    """Sign as PAdES in a new field."""
    make: Any = IncrementalPdfFileWriter
    writer = make(io.BytesIO(pdf))
    metadata = signers.PdfSignatureMetadata(
        field_name="Sig1",
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        embed_validation_info=context is not None,
        validation_context=context,
    )
    field = fields.SigFieldSpec("Sig1", on_page=0, box=box)
    worker = signers.PdfSigner(metadata, signer, timestamper=stamper, stamp_style=style, new_field_spec=field)
    output = io.BytesIO()
    asyncio.run(worker.async_sign_pdf(writer, output=output))
    return output.getvalue()


def make_style(image: Path, text: str) -> TextStampStyle:
    """What the visible signature shows; made once."""
    with Image.open(image) as picture:
        loaded = picture.convert("RGBA")
    make: Any = PdfImage
    font: Any = GlyphAccumulatorFactory
    return TextStampStyle(
        stamp_text=text,
        background=make(loaded),
        border_width=0,
        text_box_style=TextBoxStyle(font=font(str(FONT)), font_size=10),
    )


def make_context(roots: tuple[bytes, ...], others: tuple[bytes, ...], crls: tuple[bytes, ...]) -> Any:
    """A validation context that fetches nothing and is shared by all signatures."""
    load = x509.Certificate.load
    return ValidationContext(
        trust_roots=list(map(load, roots)),
        other_certs=list(map(load, others)),
        crls=list(crls),
        allow_fetching=False,
        revocation_mode="hard-fail",
    )
