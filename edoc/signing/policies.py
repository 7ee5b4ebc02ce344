"""Find a policy by its name, or load an own one from a TOML file.

name = "tỉnh"
minimal_rsa_bits = 3072

What the file does not say is as in `nd68`, so that nothing becomes laxer by being left out.
"""

import dataclasses
import os
import tomllib
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from edoc.core.policy import PRESETS, Policy
from edoc.errors import InputError
from edoc.signing.settings import list_mistakes

MAX_FILE_BYTES: Final = 64 << 10


def load_policy(policy: str | os.PathLike[str]) -> Policy:
    """Give the preset of that name, or the policy in that file.

    Raises `InputError` for neither, and for a file that is no policy.
    """
    name = os.fspath(policy)
    if name in PRESETS:
        return PRESETS[name]
    if not Path(name).is_file():
        raise InputError(
            f"there is no policy {name!r}.",
            advice=f"Policies are {', '.join(sorted(PRESETS))}, or the path of a .toml file.",
        )
    said = _read(Path(name))
    try:
        read = TypeAdapter(Policy).validate_python(dataclasses.asdict(PRESETS["nd68"]) | {"name": ""} | said)
    except ValidationError as error:
        raise InputError(f"{list_mistakes(error)}.", where=name, advice="Correct the policy.") from None
    unknown = said.keys() - {field.name for field in dataclasses.fields(Policy)}
    if unknown:
        raise InputError(f"{', '.join(sorted(unknown))}: a policy says no such thing.", where=name)
    if not read.name.strip() or read.name in PRESETS:
        # Nobody judges under one policy and shows another.
        raise InputError("a policy of one's own has a name of its own.", where=name, advice="Set its name.")
    return read


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise InputError(f"a policy has at most {MAX_FILE_BYTES} bytes.", where=str(path))
        return tomllib.loads(content.decode())
    except OSError as error:
        reason = (error.strerror or "input error").lower()
        raise InputError(f"this policy cannot be read: {reason}.", where=str(path)) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"this policy cannot be read as TOML: {error}.", where=str(path)) from error
