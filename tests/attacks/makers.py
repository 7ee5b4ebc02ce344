"""Sign documents, for their authors and for their attackers: B-B, B-LTA, certified, locked, stamped."""

import dataclasses
import datetime as dt
import functools
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pikepdf
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner

from edoc import signing
from edoc.devpki.hierarchy import DevPki, make
from edoc.devpki.server import serving
from edoc.keys.loading import load_key
from edoc.pdf.layout import Place, Rect
from edoc.trust.store import Trust

from .drafts import draft

KINDS: Final = ("B-B", "B-LTA", "certified 1", "certified 2", "certified 3")
"""The kinds of signed documents that are attacked; a number is a DocMDP permission."""
SIGNER: Final = "a-person1"
OTHER_SIGNER: Final = "a-person2"
CERTIFIER_BOX: Final = (300, 300, 450, 340)


@dataclass(frozen=True)
class Base:
    """A soundly signed document."""

    kind: str
    data: bytes
    fields: frozenset[str]
    """Its signatures."""
    maker: "Maker" = dataclasses.field(repr=False)
    password: str | None = None
    """Opens it, if it is encrypted."""

    @property
    def permission(self) -> int | None:
        """Its DocMDP permission; None if it is not certified."""
        return int(self.kind.split()[1]) if self.kind.startswith("certified") else None


class Maker:
    """Makes signed documents with a development PKI whose TSA answers at `url`."""

    def __init__(self, pki: DevPki, url: str) -> None:
        self.pki = pki
        self.tsa = f"{url}/tsa"
        self.trust = Trust.load(pki.trust_path)
        self.born = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(minutes=5)
        """No document of this maker existed then."""
        self.kept: dict[str, Base] = {}
        """Further bases, by the names that their makers give them."""
        self.sound: dict[bytes, bool] = {}
        """Which documents are accepted as they stand."""
        self._bases: dict[tuple[str, bytes], Base] = {}

    def base(self, kind: str, unsigned: bytes | None = None) -> Base:
        """Give a signed document of a kind; the same one each time."""
        unsigned = draft() if unsigned is None else unsigned
        key = kind, unsigned
        if key not in self._bases:
            prepared = self.prepare(unsigned)
            match kind.split():
                case ["certified", permission]:
                    data = self.certify(prepared, "Certifier", MDPPerm(int(permission)), box=CERTIFIER_BOX)
                case [level]:
                    data = self.sign(prepared, field="Person", level=level)
                case _:
                    raise ValueError(kind)
            self._bases[key] = Base(kind, data, list_signatures(data), self)
        return self._bases[key]

    def prepare(self, unsigned: bytes, *, password: str | None = None) -> bytes:
        """Add the fields for number, date, person and seal, in fixed places."""
        return write(
            lambda out: signing.prepare(
                io.BytesIO(unsigned),
                out,
                number_rect=Place(1, Rect(72, 490, 170, 510)),
                date_rect=Place(1, Rect(300, 490, 500, 510)),
                person_rect=Place(1, Rect(300, 400, 450, 470)),
                seal_rect=Place(1, Rect(200, 360, 305, 465)),
                password=password,
            )
        )

    def sign(self, data: bytes, name: str = SIGNER, **options: Any) -> bytes:
        """Sign with edoc; nobody checks what was signed before."""
        settings: dict[str, Any] = {"role": "person", "checks": "none", "trust": self.trust} | options
        if settings.get("level", "B-B") != "B-B":
            settings["tsa"] = self.tsa
        return write(lambda out: signing.sign(io.BytesIO(data), out, key=self.key(name), **settings))

    def stamp(self, data: bytes) -> bytes:
        """Add a document time-stamp."""
        return write(lambda out: signing.timestamp(io.BytesIO(data), out, tsa=self.tsa))

    def extend(self, data: bytes, level: str) -> bytes:
        """Raise the level of every signature."""
        return write(
            lambda out: signing.extend(io.BytesIO(data), out, level=level, trust=self.trust, tsa=self.tsa)
        )

    def certify(
        self,
        data: bytes,
        field: str,
        permission: MDPPerm | None,
        *,
        name: str = SIGNER,
        box: tuple[int, int, int, int] | None = None,
        page: int = 0,
        lock: FieldMDPSpec | None = None,
    ) -> bytes:
        """Sign with pyHanko, certifying the document if a permission is given; the field may be a new one."""
        writer: Any = IncrementalPdfFileWriter(io.BytesIO(data), strict=False)
        metadata = PdfSignatureMetadata(
            field_name=field,
            certify=permission is not None,
            docmdp_permissions=permission or MDPPerm.FILL_FORMS,
            subfilter=SigSeedSubFilter.PADES,
            md_algorithm="sha256",
        )
        spec = SigFieldSpec(field, box=box, on_page=page, field_mdp_spec=lock)
        new = None if field in _list_fields(data) else spec
        signer = PdfSigner(metadata, self.signer(name), new_field_spec=new)
        return write(lambda out: signer.sign_pdf(writer, output=out))

    def locked(self, kind: str, action: str, names: tuple[str, ...]) -> Base:
        """Give a certified document whose only signature locks fields."""
        key = f"{kind} {action} {names}"
        if key not in self.kept:
            spec = FieldMDPSpec(FieldMDPAction(f"/{action}"), fields=list(names) or None)
            permission = MDPPerm(int(kind.split()[1]))
            data = self.certify(self.prepare(draft()), "Certifier", permission, box=CERTIFIER_BOX, lock=spec)
            self.kept[key] = Base(kind, data, list_signatures(data), self)
        return self.kept[key]

    def lock(self, data: bytes, field: str, action: str, names: list[str]) -> bytes:
        """Sign in a new field that locks others."""
        spec = FieldMDPSpec(FieldMDPAction(f"/{action}"), fields=names or None)
        return self.certify(data, field, None, lock=spec)

    @functools.cache  # noqa: B019 - a maker lives as long as its tests
    def signer(self, name: str) -> Any:
        """Give pyHanko's signer for a key of the PKI."""
        load: Any = SimpleSigner.load_pkcs12
        return load(str(self.pki.key_path(name)), passphrase=self.pki.passphrase.encode())

    @functools.cache  # noqa: B019 - a maker lives as long as its tests
    def key(self, name: str) -> Any:
        """Give edoc's signing key of the PKI."""
        return load_key(str(self.pki.key_path(name)), passphrase=lambda: self.pki.passphrase)


def make_pki(folder: Path) -> DevPki:
    """Make a development PKI that is two days old, so that there is a past to forge."""
    return make(folder, now=dt.datetime.now(dt.UTC) - dt.timedelta(days=2))


@contextmanager
def making(pki: DevPki) -> Iterator[Maker]:
    """Make documents while the development TSA is served."""
    with serving(pki) as url:
        yield Maker(pki, url)


def write(step: Callable[[io.BytesIO], object]) -> bytes:
    """Give what a step writes."""
    output = io.BytesIO()
    step(output)
    return output.getvalue()


def list_signatures(data: bytes, *, password: str = "") -> frozenset[str]:
    """Names of the signed fields of a sound file."""
    with pikepdf.open(io.BytesIO(data), password=password) as pdf:
        return frozenset(
            str(field.T)
            for field in pdf.Root.AcroForm.Fields
            if isinstance(field, pikepdf.Dictionary)
            and field.get("/FT") == pikepdf.Name.Sig
            and "/V" in field
        )


def _list_fields(data: bytes) -> set[str]:
    with pikepdf.open(io.BytesIO(data)) as pdf:
        if "/AcroForm" not in pdf.Root:
            return set()
        return {
            str(field.T)
            for field in pdf.Root.AcroForm.Fields
            if isinstance(field, pikepdf.Dictionary) and "/T" in field
        }
