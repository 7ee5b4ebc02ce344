"""Why a hub does not do what it is asked, and the code under which it says so."""

from typing import Final

from edoc.axis.replies import FAIL, Head
from edoc.axis.signing import CallNotSignedError
from edoc.axis.wire import ErrorCode
from edoc.errors import EdocError, InputError, PackageError, Refused

BAD_CALL: Final = "40"
"""The call cannot be done as it stands, also not later: an unknown document, a wrong parameter. A code of our
own; those of `edoc.axis.wire` say nothing of this kind."""
MOST_WORDS: Final = 500
"""Characters of a reply's description."""


class CallRefusedError(Refused):
    """The hub refuses a call; `error_code` is what its reply says."""

    def __init__(self, error_code: str, what: str, *, advice: str = "") -> None:
        super().__init__(what, advice=advice)
        self.error_code = str(error_code)
        self.code = f"HUB_{self.error_code}"


def tell(error: Exception) -> Head:
    """Give the head of the reply that tells an error; what is no error of edoc's is not told at all."""
    return Head(status=FAIL, error_code=choose_code(error), error_desc=_describe(error))


def choose_code(error: Exception) -> str:
    """Give the ErrorCode that stands for an error."""
    if isinstance(error, CallRefusedError):
        return error.error_code
    if isinstance(error, CallNotSignedError):
        return ErrorCode.NOT_AUTHENTIC.value
    if isinstance(error, PackageError):
        return ErrorCode.WRONG_EDXML.value
    if isinstance(error, InputError):
        return BAD_CALL
    return ErrorCode.HUB_ERROR.value


def _describe(error: Exception) -> str:
    if isinstance(error, CallRefusedError | CallNotSignedError | InputError):
        return str(error)[:MOST_WORDS]
    # Where and why is the operator's affair and stands in the log: it may name hosts and folders.
    if isinstance(error, EdocError) and error.retryable:
        return "the hub cannot do it now. Try again later."
    return "the hub has trouble of its own; it was noted in its log."
