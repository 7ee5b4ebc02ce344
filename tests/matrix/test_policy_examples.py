"""The policies in the documentation are policies."""

import re
from pathlib import Path
from typing import Final

import pytest

from edoc.core.policy import Policy
from edoc.policies import NAMES, load_policy

_DOCUMENT: Final = (Path(__file__).resolve().parents[2] / "docs" / "policies.md").read_text()
_EXAMPLES: Final = re.findall(r"^```toml\n(.*?)^```", _DOCUMENT, re.MULTILINE | re.DOTALL)


def load(text: str, folder: Path) -> Policy:
    file = folder / "policy.toml"
    file.write_text(text)
    return load_policy(file)


@pytest.mark.parametrize("example", _EXAMPLES)
def test_every_example_is_a_policy(example: str, tmp_path: Path) -> None:
    assert load(example, tmp_path).sha256 != load_policy("nd68").sha256


def test_the_examples_say_what_they_are_for(tmp_path: Path) -> None:
    province, archive, old = (load(example, tmp_path) for example in _EXAMPLES)
    assert (province.minimal_rsa_bits, province.trust) == (3072, (str(tmp_path / "roots"),))
    assert archive.strict
    assert [each.name for each in archive.retired] == ["sha1", "rsa"]
    assert old.missing_revocation == "ignore"
    assert [name for name, _ in old.historic_digests] == ["sha1"]


def test_every_key_and_every_policy_is_explained() -> None:
    explained = set(re.findall(r"`\[*(\w[\w-]*)\]*`", _DOCUMENT))
    assert set(Policy.__dataclass_fields__) | set(NAMES) <= explained
