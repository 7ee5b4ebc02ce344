"""Load a role: a preset by its name, or an own one from a TOML file.

    load_role("sao-y")
    load_role("roles/van-thu.toml")

A role is data: the kind of certificate it takes, the fields it may fill, what it shows, where, and what it
locks. Serves NĐ 30/2020/NĐ-CP Art 32 and Annex I.
"""

import os
import re
import tomllib
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, get_args

from edoc.core.chain import CertificateKind
from edoc.errors import InputError

Spot = Literal["person", "seal", "top-right", "number-and-date", "none"]
"""Where a role without a prepared field stands: between position and name; over a third of the person's
signature at its left; in the top right corner of page 1; where number and date belong; nowhere visible."""

MAX_FILE_BYTES: Final = 64 << 10
_FOLDER: Final = Path(__file__).resolve().parent
_BLANK: Final = re.compile(r"\{(\w+)\}")
_KNOWN: Final = ("number", "date", "time", "agency")
_KINDS: Final = {
    "person": CertificateKind.PERSON,
    "agency": CertificateKind.AGENCY,
    "system": CertificateKind.SYSTEM,
}
_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "kind": tuple(_KINDS),
    "lock": ("none", "form", "all"),
    "place": get_args(Spot),
    "image": ("optional", "required", "forbidden"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """Who signs as what."""

    name: str
    title: str
    """In Vietnamese, for texts that people read."""
    kind: CertificateKind
    """The kind of certificate that may sign so."""
    fields: tuple[str, ...] = ()
    """Prepared fields that it may fill, the first choice first."""
    new_field: str
    """What a new field is called; a number follows."""
    lock: Literal["none", "form", "all"] = "none"
    """What a new field locks: nothing; nothing yet, but only form filling may follow; everything."""
    place: Spot = "none"
    image: Literal["optional", "required", "forbidden"] = "optional"
    width_mm: float = 0
    height_mm: float = 0
    """Of what is shown, in millimetres; 0 leaves it to the picture or the text."""
    lines: tuple[str, ...] = ()
    """What is printed, with {number}, {date}, {time} and {agency} to fill in."""
    text_size: float = 10
    """In points: Annex I wants 10."""
    time_format: str = "%Y-%m-%dT%H:%M:%S%:z"
    """As of `strftime`; `%:z` is the offset with a colon (ISO 8601)."""
    requires_person: bool = False
    """It goes only on what a competent person validly signed (NĐ 30/2020 Art 32)."""

    def compose(
        self, *, number: str | None, date: str | None, time: datetime, agency: str
    ) -> tuple[str, ...]:
        """Fill in the lines. Raises `InputError` if a line needs something that is not given."""
        given = {"number": number, "date": date, "time": self._spell(time), "agency": agency}

        def fill(found: re.Match[str]) -> str:
            value = given[found[1]]
            if not value:
                raise InputError(
                    f"the role {self.name} prints the {found[1]}, and none is given.",
                    advice=f"Give it (--{'notation and --number' if found[1] == 'number' else found[1]}).",
                )
            return value

        return tuple(_BLANK.sub(fill, line) for line in self.lines)

    def _spell(self, time: datetime) -> str:
        offset = f"{time:%z}"
        return time.strftime(self.time_format.replace("%:z", f"{offset[:3]}:{offset[3:5]}"))


def list_presets() -> tuple[str, ...]:
    """Names of the roles that edoc knows."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def load_role(role: str | os.PathLike[str]) -> Role:
    """Load a preset by its name, or a role from a file that ends in `.toml`.

    Raises `InputError` if there is none, or if the file says something that a role cannot be.
    """
    name = os.fspath(role)
    if not name.endswith(".toml"):
        return _load_preset(name)
    try:
        with Path(name).open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"this role file cannot be read ({(error.strerror or 'input error').lower()}).", where=name
        ) from error
    if len(content) > MAX_FILE_BYTES:
        raise InputError("this is too long for a role file.", where=name)
    return _parse(content, where=name, stem=Path(name).stem)


@lru_cache(maxsize=32)
def _load_preset(name: str) -> Role:
    if name not in list_presets():
        raise InputError(
            f"{name!r} is no role.",
            advice=f"Roles are {', '.join(list_presets())}, or the path of a .toml file.",
        )
    path = _FOLDER / f"{name}.toml"
    return _parse(path.read_bytes(), where=str(path), stem=name)


def _parse(content: bytes, *, where: str, stem: str) -> Role:
    try:
        values: dict[str, Any] = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"this role file is no TOML: {error}.", where=where) from error
    values.setdefault("name", stem)
    values.setdefault("title", values["name"])
    for key, value in values.items():
        _require(key, value, where)
    for key in ("kind", "new_field"):
        if key not in values:
            raise InputError(f"a role needs {key}.", where=where, advice="See docs/roles.md.")
    if values.get("image") == "required" and values.get("place") == "none":
        raise InputError("a role that shows an image needs a place.", where=where)
    made: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
    }
    made["kind"] = _KINDS[made["kind"]]
    return Role(**made)


_TYPES: Final = {
    **dict.fromkeys(("name", "title", "new_field", "time_format", *_CHOICES), str),
    **dict.fromkeys(("fields", "lines"), list),
    **dict.fromkeys(("width_mm", "height_mm", "text_size"), (int, float)),
    "requires_person": bool,
}


def _require(key: str, value: Any, where: str) -> None:
    if key not in _TYPES:
        known = ", ".join(field.name for field in fields(Role))
        raise InputError(f"a role has no {key}.", where=where, advice=f"It has {known}.")
    kinds: Any = _TYPES[key]
    if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
        raise InputError(f"{key} has the wrong type in this role file.", where=where)
    if key in _CHOICES and value not in _CHOICES[key]:
        raise InputError(
            f"{key} cannot be {value!r}.", where=where, advice=f"Use {', '.join(_CHOICES[key])}."
        )
    if isinstance(value, list) and not all(isinstance(item, str) for item in value):
        raise InputError(f"{key} is a list of texts.", where=where)
    if isinstance(value, int | float) and not isinstance(value, bool) and not 0 <= value <= 1000:  # noqa: PLR2004
        raise InputError(f"{key} must be between 0 and 1000.", where=where)
    for line in value if key == "lines" else ():
        for blank in _BLANK.findall(line):
            if blank not in _KNOWN:
                known = ", ".join(f"{{{name}}}" for name in _KNOWN)
                raise InputError(
                    f"a line cannot say {{{blank}}}.", where=where, advice=f"It can say {known}."
                )
