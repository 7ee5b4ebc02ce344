"""The specification: what a signature is worth in each situation, under each policy, by each proof of time.

A row reads: in this situation, under `nd68` the verdict without proof, with the signature's own time-stamp,
archived; the same under `etsi`. Under `public-tt15` it is as under `nd68`, under `integrity` everything
passes, unless the row says otherwise. A bare sub-indication is INDETERMINATE.

Unless the story tells otherwise: signed on 5 March 2024, time-stamped in the same minute, archived two days
later with the CRLs of the day between; judged on 5 February 2026 with CRLs of the day before. Everybody's
certificate is good from before to after.
"""

from typing import Final

from rows import Row
from signer_rows import SIGNERS
from time_rows import TIMES

MATRIX: Final[dict[str, Row]] = {**SIGNERS, **TIMES}
"""By the situation."""
