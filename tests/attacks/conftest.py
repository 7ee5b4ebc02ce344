"""What the attacks' tests share: a maker of signed documents, with a development PKI that has a past."""

import logging
from collections.abc import Iterator

import pytest

from .makers import Maker, make_pki, making


@pytest.fixture(scope="session")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Maker]:
    """Makes every signed document once."""
    logging.getLogger("pyhanko").setLevel(logging.CRITICAL)  # the report says what is wrong with a file
    with making(make_pki(tmp_path_factory.mktemp("attacks") / "pki")) as made:
        yield made
