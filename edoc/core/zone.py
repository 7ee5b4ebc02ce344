"""Official time: documents, packages and reports count in Vietnam's zone (QĐ 28/2018 Art 14)."""

from datetime import timedelta, timezone
from typing import Final

VIETNAM: Final = timezone(timedelta(hours=7))
