"""Prepare, number and sign a PDF, in the order of NĐ 30/2020/NĐ-CP Art 14; raise the level of what is signed.

    prepare("draft.pdf", "ready.pdf")
    sign("ready.pdf", "signed.pdf", key=person, role="person", trust=trust)
    number("signed.pdf", "numbered.pdf", number=5, notation="UBND-VP", date=date(2026, 2, 5))
    sign("numbered.pdf", "sealed.pdf", key=seal, role="agency", level="B-LTA", trust=trust, tsa=tsa)

Before a key is used its certificate is checked as NĐ 68/2024 Arts 29 to 32 demand, and what was checked is
kept with the result. A seal is put only on what a person validly signed (NĐ 30 Art 32). A target is written
whole or not at all.
"""

from edoc.signing.checks import Check as Check
from edoc.signing.checks import check_certificate as check_certificate
from edoc.signing.checks import require_person_signed as require_person_signed
from edoc.signing.deferred import SigningState as SigningState
from edoc.signing.deferred import begin_signing as begin_signing
from edoc.signing.deferred import complete_signing as complete_signing
from edoc.signing.finishing import Signed as Signed
from edoc.signing.levels import LEVELS as LEVELS
from edoc.signing.levels import extend as extend
from edoc.signing.levels import timestamp as timestamp
from edoc.signing.online import Online as Online
from edoc.signing.preparation import number as number
from edoc.signing.preparation import prepare as prepare
from edoc.signing.signature import sign as sign
from edoc.trust.timestamps import Tsa as Tsa
