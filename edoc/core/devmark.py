"""The mark by which a development root is known, whoever made it and wherever it turns up.

A development root carries a private extension of this OID; that alone decides. The `DEV ` before every common
name is for people. Nothing that rests on such a root is evidence of anything in the real world.
"""

from typing import Final

DEV_ROOT_OID: Final = "2.25.320018873041638654348241708027619213768"
"""Object identifier of the extension (ITU-T X.667: 2.25 followed by a UUID, so nobody else has it)."""

DEV_PREFIX: Final = "DEV "
"""What every common name of the development hierarchy starts with."""
