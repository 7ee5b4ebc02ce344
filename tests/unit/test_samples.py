import importlib.util
import io
import unicodedata
from pathlib import Path
from types import ModuleType

import pytest
from pdfmaking import SAMPLES, ask
from PIL import Image, ImageChops

MM = 72 / 25.4


@pytest.fixture(scope="module")
def source() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_samples", SAMPLES / "make_samples.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_samples_are_what_their_source_makes(source: ModuleType, tmp_path: Path) -> None:
    source.main(tmp_path)
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {"cong-van.pdf", "signature-a.png", "seal-a.png"}
    assert (tmp_path / "cong-van.pdf").read_bytes() == (SAMPLES / "cong-van.pdf").read_bytes()
    for name in ("signature-a.png", "seal-a.png"):
        # Pixels, not bytes: how a PNG is packed, and the last bit of an edge, depend on the machine.
        assert _greatest_difference(tmp_path / name, SAMPLES / name) <= 1


def _greatest_difference(one: Path, other: Path) -> int:
    with Image.open(one) as first, Image.open(other) as second:
        return max(ImageChops.difference(first.convert("RGBA"), second.convert("RGBA")).tobytes())


def test_the_letter_embeds_every_font_and_says_what_it_shows() -> None:
    fonts = ask("pdffonts", SAMPLES / "cong-van.pdf").splitlines()[2:]
    assert len(fonts) == 3
    assert all("LiberationSerif" in font and " yes yes yes " in font for font in fonts)
    text = ask("pdftotext", "-layout", SAMPLES / "cong-van.pdf", "-")
    assert unicodedata.is_normalized("NFC", text)
    for words in (
        "ỦY BAN NHÂN DÂN",
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Số:",
        "Kính gửi:",
        "./.",
        "PHÓ CHỦ TỊCH",
    ):
        assert words in text


def test_the_images_are_transparent_and_of_actual_size() -> None:
    for name, millimetres in (("signature-a.png", 50), ("seal-a.png", 36)):
        with Image.open(io.BytesIO((SAMPLES / name).read_bytes())) as image:
            assert image.mode == "RGBA"
            assert image.getchannel("A").getextrema() == (0, 255)
            assert image.width / image.info["dpi"][0] * 25.4 == pytest.approx(millimetres, abs=0.1)
            assert image.info["dpi"][0] >= 299
