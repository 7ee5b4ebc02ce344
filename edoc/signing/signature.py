"""Sign a PDF as PAdES, at any level, once the law's checks have passed (NĐ 68/2024/NĐ-CP Art 29)."""

import datetime as dt
import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import BinaryIO

from edoc.core.policy import Policy
from edoc.core.ports import SigningKey
from edoc.pdf import signer
from edoc.pdf.document import guarded, open_pdf
from edoc.pdf.files import Growing, Source, Target, written_to
from edoc.pdf.pictures import load_picture
from edoc.roles.role import Role
from edoc.signing.finishing import Finish, Signed
from edoc.signing.levels import LEVELS, list_tsas, reopen
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


def sign(
    src: Source,
    dst: Target,
    *,
    key: SigningKey,
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
    tsa: str | Tsa | Iterable[str | Tsa] | None = None,
    online: Online | None = None,
    or_lower: bool = False,
    checks: Checks = "nd68",
    trust: Trust | None = None,
    offline: bool = False,
    policy: str | Policy = "nd68",
    password: str | None = None,
    at: dt.datetime | None = None,
) -> Signed:
    """Sign `src` as PAdES B-B, B-T, B-LT or B-LTA and write the signed file to `dst`.

    `role` is a preset (`person`, `agency`, `system`, `annex`, `sao-y`, …), the path of an own one, or a
    `Role`. The signature goes into `field`; or into a new field on `page` (the first is 1) at `rect` (x1, y1,
    x2, y2 in points from the displayed page's lower left corner); or into the role's first empty prepared
    field; or, if it shows something, where `anchor` or the role says; or into a new invisible one. `image` is
    a transparent PNG; `number`, `notation`, `date` and `agency` (default: the certificate's) are for roles
    that print them, and a seal fills the first three into the fields that were prepared for them, in the
    same update. `lock` overrules what a new field locks: `none`, `form` or `all`.

    `tsa` and `online` say where time-stamps and revocation data come from; `offline` forbids the latter. With
    `or_lower`, a lower level is made when they cannot be had now. `policy` judges the person's signature
    under a seal; `at` is the claimed time (default: now); `password` opens an encrypted file.

    Raises `PdfError` if the file cannot be read, `Refused` if a check or an earlier signature forbids it,
    `InputError` for arguments that do not fit, `Unavailable` if no TSA answers. Then `dst` is untouched.
    """
    chosen, moment = require_arguments(role=role, level=level, checks=checks, at=at, digest=digest)
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
        reached = online or stack.enter_context(Online(tsas=list_tsas(tsa)))
        require_means(level, reached, trust)
        document = stack.enter_context(open_pdf(src, password=password))
        order = plan(document, wish, key)
        fetcher = None if offline else reached.fetcher
        chain, done = run_checks(
            document,
            key,
            chosen,
            checks=checks,
            trust=trust,
            at=moment,
            fetcher=fetcher,
            freshness=reached.freshness,
            policy=policy,
        )
        output = stack.enter_context(written_to(dst))
        growing = Growing(output, digests=(digest, reached.digest))
        with guarded(document.where):
            growing.copy(document.stream)
            finish = Finish(
                document=document,
                output=output,
                growing=growing,
                holder=key,
                at=moment,
                online=reached,
                trust=trust,
                fetcher=fetcher,
                chain=chain,
            )

            def make(stamp: signer.Stamper | None) -> None:
                # Without a stamp although one was wanted: the attempt with it left its traces in `document`.
                again = stamp is None and level != LEVELS[0]
                extended = reopen(document, output) if again else document
                signer.sign_onto(growing, extended, order, key, stamp=stamp)

            made = finish.reach(make, level, or_lower=or_lower)
        return Signed(
            sha256=growing.sha256,
            size=growing.size,
            field=order.field,
            level=made,
            signing_time=moment,
            checks=done,
            chain=chain,
        )
