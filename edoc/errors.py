"""Everything edoc raises, in one tree.

An error says what is wrong, where, and what to do; `retryable` tells whether trying again later can
help. No error text ever carries a private key, a passphrase or a PIN. Only the command line turns errors
into exit codes.

    EdocError
    ├── InputError          the caller's file or value cannot be used as it is
    │   ├── PdfError            not a PDF that can be read (broken, encrypted, empty)
    │   ├── PackageError        not an edXML package that can be read
    │   └── KeyLoadError        a key or certificate file, or its passphrase
    ├── SettingsError       the node's configuration
    ├── Refused             the law, the policy or the state of a document forbids the act
    │   ├── NotVerified         a report did not pass; carries every reason
    │   ├── Conflict            the same name already stands for other content
    │   └── OvertakenError      another worker took the step over (`edoc.node.tasks`)
    ├── DamagedObjectError  stored bytes no longer have their hash (`edoc.node.objects`)
    └── Unavailable         something outside is missing now (disk, network, database); retryable
"""

from typing import ClassVar


class EdocError(Exception):
    """Root of all errors of edoc.

    `what` is one sentence on what is wrong; `where` the file, field or line it concerns; `advice` one
    sentence on what to do. `code` is stable and names the kind of error for machines.
    """

    code: str = "ERROR"
    retryable: ClassVar[bool] = False

    def __init__(self, what: str, *, where: str = "", advice: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.advice = advice

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return " ".join(filter(None, (f"{place}{self.what}", self.advice)))


class InputError(EdocError):
    """The caller's file or value cannot be used as it is."""

    code = "INPUT"


class PdfError(InputError):
    """Not a PDF that can be read: broken, encrypted or empty."""

    code = "PDF_UNREADABLE"


class PackageError(InputError):
    """Not an edXML package that can be read; `code` names the cause (`edoc.edxml.refusals`).

    `reasons` holds every reason of a strict reading, in the order of the package.
    """

    code = "PACKAGE_UNREADABLE"

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        advice: str = "",
        code: str = "PACKAGE_UNREADABLE",
        reasons: tuple[str, ...] = (),
    ) -> None:
        super().__init__(what, where=where, advice=advice)
        self.code = code
        self.reasons = reasons


class KeyLoadError(InputError):
    """A key, a certificate or a passphrase cannot be used."""

    code = "KEY_UNUSABLE"


class SettingsError(EdocError):
    """The node's configuration is missing or wrong."""

    code = "SETTINGS"


class Refused(EdocError):  # noqa: N818 - reads as what it is
    """The law, the policy or the state of the document forbids the act."""

    code = "REFUSED"


class NotVerified(Refused):
    """A verification report did not pass; `reasons` holds every reason, in the report's order."""

    code = "NOT_VERIFIED"

    def __init__(
        self, what: str, *, reasons: tuple[str, ...] = (), where: str = "", advice: str = ""
    ) -> None:
        super().__init__(what, where=where, advice=advice)
        self.reasons = reasons


class Conflict(Refused):
    """The same name already stands for other content."""

    code = "CONFLICT"


class Unavailable(EdocError):  # noqa: N818
    """Something outside edoc is missing now: disk space, network, database, TSA. Try again later."""

    code = "UNAVAILABLE"
    retryable = True
