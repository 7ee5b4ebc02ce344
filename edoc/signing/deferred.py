"""Two-phase signing, for keys at a clerk's desk or behind a remote service.

    state = begin_signing("ready.pdf", certificate=certificate, chain=chain, role="person", trust=trust)
    value = desk.sign(state.attributes)             # or of their digest: state.attributes_digest
    complete_signing(state, value, "signed.pdf")

A state is plain data (`to_json`, `from_json`) and holds no secret. It is bound to the bytes of the file and
to everything the signature says: a value completes it only if it verifies over exactly these.
"""

import base64
import datetime as dt
import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, Self

from edoc.core.policy import Policy
from edoc.core.ports import Scheme
from edoc.errors import InputError, Refused
from edoc.keys.algorithms import require_certificate, verify_value
from edoc.pdf import signer
from edoc.pdf.cades import Identity, signed_attributes, signed_data
from edoc.pdf.document import guarded, open_pdf
from edoc.pdf.files import Growing, Source, Target, written_to
from edoc.pdf.pictures import load_picture
from edoc.roles.role import Role
from edoc.signing.checks import Check
from edoc.signing.finishing import Finish, Signed
from edoc.signing.levels import LEVELS, list_tsas
from edoc.signing.online import Online
from edoc.signing.planning import (
    Checks,
    LockName,
    Wish,
    plan,
    read_place,
    require_arguments,
    require_means,
    run_checks,
)
from edoc.trust.store import Trust
from edoc.trust.timestamps import Tsa

_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningState:
    """A signature that lacks only its value."""

    attributes: bytes
    """What is to be signed, DER. A key that hashes by itself gets these bytes."""
    digest: str
    """`sha256`, `sha384` or `sha512`."""
    scheme: Scheme
    certificate: bytes
    chain: tuple[bytes, ...]
    field: str
    level: str
    signing_time: dt.datetime
    source: str
    """The file's path; empty if it was a file object, which is then handed in again."""
    source_sha256: str
    tail: bytes
    hole: int
    room: int
    checks: tuple[Check, ...]

    @property
    def attributes_digest(self) -> bytes:
        """What a key that does not hash by itself gets (a desktop tool, a remote signing service)."""
        return hashlib.new(self.digest, self.attributes).digest()

    def to_json(self) -> str:
        """Write the state down."""
        plain = {name: _to_plain(getattr(self, name)) for name in self.__slots__}
        return json.dumps({"version": _VERSION, **plain}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a state. Raises `InputError` if it is none."""
        try:
            plain = json.loads(text)
            if plain.pop("version") != _VERSION or set(plain) != set(cls.__slots__):
                raise ValueError("unknown version or fields")  # noqa: TRY301 - one way out
            return cls(
                **{
                    **plain,
                    **{name: base64.b64decode(plain[name]) for name in ("attributes", "certificate", "tail")},
                    "chain": tuple(map(base64.b64decode, plain["chain"])),
                    "signing_time": dt.datetime.fromisoformat(plain["signing_time"]),
                    "checks": tuple(Check(**check) for check in plain["checks"]),
                }
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InputError(
                "this is no state of a signature that was begun.", advice="Begin the signature anew."
            ) from error


def _to_plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, Check):
        return {"name": value.name, "outcome": value.outcome, "detail": value.detail}
    if isinstance(value, tuple):
        return [_to_plain(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class _Absent:
    certificate: bytes
    chain: tuple[bytes, ...]


def begin_signing(
    src: Source,
    *,
    certificate: bytes,
    chain: tuple[bytes, ...] = (),
    scheme: Scheme | None = None,
    role: str | os.PathLike[str] | Role,
    level: str = "B-B",
    field: str | None = None,
    page: int | None = None,
    rect: Sequence[float] | None = None,
    anchor: str | None = None,
    image: str | os.PathLike[str] | BinaryIO | None = None,
    number: int | None = None,
    notation: str | None = None,
    date: dt.date | None = None,
    agency: str | None = None,
    lock: LockName | None = None,
    digest: str = "sha256",
    online: Online | None = None,
    checks: Checks = "nd68",
    trust: Trust | None = None,
    offline: bool = False,
    policy: str | Policy = "nd68",
    password: str | None = None,
    at: dt.datetime | None = None,
) -> SigningState:
    """Begin a signature whose key is elsewhere; the arguments are those of `sign`.

    `certificate` and `chain` are DER; `scheme` is how the key signs (for RSA `pkcs1v15` unless told
    otherwise). `level` is the one that `complete_signing` is to reach. Raises as `sign` does.
    """
    chosen, moment = require_arguments(role=role, level=level, checks=checks, at=at, digest=digest)
    holder = _Absent(certificate, chain)
    identity = Identity.of(certificate, chain, require_certificate(certificate, scheme=scheme))
    wish = Wish(
        role=chosen,
        field=field,
        place=read_place(page, rect),
        anchor=anchor,
        picture=None if image is None else load_picture(image),
        number=number,
        notation=notation,
        date=date,
        agency=agency,
        lock=lock,
        digest=digest,
        at=moment,
    )
    with ExitStack() as stack:
        reached = online or stack.enter_context(Online())
        document = stack.enter_context(open_pdf(src, password=password))
        order = plan(document, wish, holder)
        fetcher = None if offline else reached.fetcher
        _, done = run_checks(
            document,
            holder,
            chosen,
            checks=checks,
            trust=trust,
            at=moment,
            fetcher=fetcher,
            freshness=reached.freshness,
            policy=policy,
        )
        growing = Growing(None, digests=(digest,))
        with guarded(document.where):
            growing.copy(document.stream)
            draft = signer.begin(growing, document, order, holder, timestamp=level != LEVELS[0])
    return SigningState(
        attributes=signed_attributes(identity, digest, draft.digest),
        digest=digest,
        scheme=identity.scheme,
        certificate=certificate,
        chain=chain,
        field=order.field,
        level=level,
        signing_time=moment,
        source=os.fspath(src) if isinstance(src, str | os.PathLike) else "",
        source_sha256=growing.sha256,
        tail=draft.tail,
        hole=draft.hole,
        room=draft.room,
        checks=done,
    )


def complete_signing(
    state: SigningState,
    signature: bytes,
    dst: Target,
    *,
    src: Source | None = None,
    tsa: str | Tsa | Iterable[str | Tsa] | None = None,
    online: Online | None = None,
    or_lower: bool = False,
    trust: Trust | None = None,
    offline: bool = False,
    password: str | None = None,
) -> Signed:
    """Complete a signature with its value: RSA's as it is, ECDSA's in DER.

    `src` is the file that was begun with; it may be left out if that was a path. Raises `Refused` if the file
    is another one or the value does not verify, else as `sign` does; then `dst` is untouched, and the same
    state and value may be tried again.
    """
    if not verify_value(
        state.certificate, state.attributes, signature, digest=state.digest, scheme=state.scheme
    ):
        raise Refused(
            "this signature does not verify: it was made over other bytes, or with another key.",
            advice="Sign the attributes of this very state with the key of its certificate.",
        )
    identity = Identity.of(state.certificate, state.chain, state.scheme)
    holder = _Absent(state.certificate, state.chain)
    with ExitStack() as stack:
        reached = online or stack.enter_context(Online(tsas=list_tsas(tsa)))
        require_means(state.level, reached, trust)
        document = stack.enter_context(open_pdf(_find_source(state, src), password=password))
        output = stack.enter_context(written_to(dst))
        growing = Growing(output, digests=(state.digest, reached.digest))
        growing.copy(document.stream)
        draft = _redraw(state, growing, identity, document.where)

        def make(stamp: signer.Stamper | None) -> None:
            token = None if stamp is None else stamp.get(signer.hash_value(stamp.digest, signature))
            growing.append(
                draft.fill(signed_data(identity, state.digest, state.attributes, signature, token=token))
            )

        finish = Finish(
            document=document,
            output=output,
            growing=growing,
            holder=holder,
            at=state.signing_time,
            online=reached,
            trust=trust,
            fetcher=None if offline else reached.fetcher,
            chain=None,
        )
        with guarded(document.where):
            made = finish.reach(make, state.level, or_lower=or_lower)
        return Signed(
            sha256=growing.sha256,
            size=growing.size,
            field=state.field,
            level=made,
            signing_time=state.signing_time,
            checks=state.checks,
            chain=None,
        )


def _find_source(state: SigningState, src: Source | None) -> Source:
    if src is not None:
        return src
    if not state.source:
        raise InputError("the file to sign is missing.", advice="Give the one that was begun with (src).")
    return state.source


def _redraw(state: SigningState, growing: Growing, identity: Identity, where: str) -> signer.Draft:
    if growing.sha256 != state.source_sha256:
        raise Refused(
            "this is not the file that the signature was begun with.",
            where=where,
            advice="Give that file, or begin the signature anew.",
        )
    # Everything the signature says is computed anew: a changed state would put other bytes under it.
    view = memoryview(state.tail)
    end = state.hole + 2 * state.room
    digest = growing.digest_with(state.digest, view[: state.hole - 1], view[end + 1 :])
    if signed_attributes(identity, state.digest, digest) != state.attributes:
        raise Refused("the state of this signature was changed.", advice="Begin the signature anew.")
    return signer.Draft(state.tail, state.hole, state.room, digest)
