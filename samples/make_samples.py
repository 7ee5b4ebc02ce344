"""Make the sample công văn and the two images that stand for a signature and a seal.

    .venv/bin/python samples/make_samples.py [FOLDER]

The layout follows Decree 30/2020/NĐ-CP, Annex I. Agencies, places and persons are fictitious. The same source
makes the same bytes, so the files beside this script can be checked against it.
"""

import io
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

FONTS: Final = Path(__file__).resolve().parent.parent / "edoc" / "fonts"
REGULAR, BOLD, ITALIC = "Serif", "Serif-Bold", "Serif-Italic"

LEFT, RIGHT, TOP = 30 * mm, 190 * mm, 277 * mm
"""Margins by Annex I: left 30, right 20, top 20 mm."""
LEFT_COLUMN, RIGHT_COLUMN, SIGNER_COLUMN = 61 * mm, 144 * mm, 150 * mm
"""Centres of the issuing agency, of the national name, and of the signer, from the left edge of the page."""
BODY_SIZE: Final = 14
LEADING: Final = 19
INDENT: Final = 12.7 * mm

DPI: Final = 300
PIXELS_PER_MM: Final = DPI / 25.4
OVERSAMPLING: Final = 4

SUBJECT: Final = ("V/v phối hợp chuẩn bị Hội nghị", "công tác văn thư, lưu trữ năm 2026")
BODY: Final = """
Thực hiện Kế hoạch phối hợp công tác năm 2026 giữa hai tỉnh, Ủy ban nhân dân tỉnh An Bình dự kiến tổ
chức Hội nghị trao đổi kinh nghiệm về công tác văn thư, lưu trữ điện tử và gửi, nhận văn bản điện tử
có ký số giữa các cơ quan nhà nước.

Để Hội nghị được chuẩn bị chu đáo, Ủy ban nhân dân tỉnh An Bình đề nghị Sở Nội vụ tỉnh Bình An cử 02
(hai) công chức phụ trách công tác văn thư tham dự, đồng thời chuẩn bị một tham luận về việc lập hồ
sơ và nộp lưu hồ sơ điện tử vào Lưu trữ cơ quan.

Thời gian, địa điểm: 01 (một) ngày, dự kiến trong tháng 3 năm 2026, tại Trung tâm Hội nghị tỉnh An
Bình. Danh sách công chức tham dự và tham luận đề nghị gửi qua Hệ thống quản lý văn bản và điều hành
trước ngày 20 tháng 02 năm 2026 để tổng hợp.

Rất mong nhận được sự quan tâm, phối hợp của Quý Sở./.
"""
RECIPIENTS: Final = ("- Như trên;", "- Chủ tịch, các Phó Chủ tịch UBND tỉnh;", "- Lưu: VT, NV.")


def main(folder: Path) -> None:
    """Write the three files into `folder`."""
    for name, content in make().items():
        (folder / name).write_bytes(content)


def make() -> dict[str, bytes]:
    """File name → bytes, always the same."""
    return {
        "cong-van.pdf": draw_letter(),
        "signature-a.png": draw_signature(),
        "seal-a.png": draw_seal("ỦY BAN NHÂN DÂN TỈNH AN BÌNH", " * DEV * "),
    }


def draw_letter() -> bytes:
    """Draw the công văn, with room for number, date, signature and seal."""
    for name, file in (
        (REGULAR, "LiberationSerif-Regular"),
        (BOLD, "LiberationSerif-Bold"),
        (ITALIC, "LiberationSerif-Italic"),
    ):
        pdfmetrics.registerFont(TTFont(name, str(FONTS / f"{file}.ttf")))
    output = io.BytesIO()
    # Without a first font of ours an unused Helvetica would stand in the file.
    options: dict[str, Any] = {"initialFontName": REGULAR}
    canvas = Canvas(output, pagesize=A4, invariant=1, pageCompression=1, lang="vi-VN", **options)
    canvas.setTitle("Công văn mẫu của edoc")
    canvas.setAuthor("edoc")
    canvas.setSubject(" ".join(SUBJECT))
    _draw_head(canvas)
    bottom = _draw_body(canvas, TOP - 45 * mm)
    _draw_foot(canvas, bottom - 14 * mm)
    canvas.showPage()
    canvas.save()
    return output.getvalue()


def _draw_head(canvas: Canvas) -> None:
    # Boxes 1 to 4: national name, issuing agency, number and symbol, place and date.
    _draw_centred(canvas, LEFT_COLUMN, TOP - 12, "ỦY BAN NHÂN DÂN", BOLD, 13)
    _draw_centred(canvas, LEFT_COLUMN, TOP - 28, "TỈNH AN BÌNH", BOLD, 13)
    _draw_rule(canvas, LEFT_COLUMN, TOP - 34, 22 * mm)
    _draw_centred(canvas, RIGHT_COLUMN, TOP - 12, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", BOLD, 12)
    motto = "Độc lập - Tự do - Hạnh phúc"
    _draw_centred(canvas, RIGHT_COLUMN, TOP - 28, motto, BOLD, 13)
    _draw_rule(canvas, RIGHT_COLUMN, TOP - 34, pdfmetrics.stringWidth(motto, BOLD, 13))
    # The line is centred as it will stand once number and date are filled in.
    _draw_before(canvas, LEFT_COLUMN, TOP - 54, "Số:", " 05/UBND-VP", REGULAR, 13)
    _draw_before(canvas, RIGHT_COLUMN, TOP - 54, "An Bình,", " ngày 05 tháng 02 năm 2026", ITALIC, 13)
    for row, line in enumerate(SUBJECT):
        _draw_centred(canvas, LEFT_COLUMN, TOP - 72 - 14 * row, line, REGULAR, 12)


def _draw_body(canvas: Canvas, top: float) -> float:
    # Boxes 9a and 6; returns the baseline of the last line.
    _draw_centred(canvas, A4[0] / 2, top, "Kính gửi: Sở Nội vụ tỉnh Bình An.", REGULAR, BODY_SIZE)
    baseline = top - LEADING - 14
    for paragraph in BODY.strip().split("\n\n"):
        baseline = _draw_paragraph(canvas, paragraph, baseline) - 6
    return baseline


def _draw_paragraph(canvas: Canvas, text: str, baseline: float) -> float:
    canvas.setFont(REGULAR, BODY_SIZE)
    lines = _break_lines(text)
    for row, words in enumerate(lines):
        left = LEFT + (INDENT if row == 0 else 0)
        spare = RIGHT - left - pdfmetrics.stringWidth(" ".join(words), REGULAR, BODY_SIZE)
        stretch = spare / (len(words) - 1) if row < len(lines) - 1 else 0
        for word in words:
            canvas.drawString(left, baseline, word)
            left += pdfmetrics.stringWidth(f"{word} ", REGULAR, BODY_SIZE) + stretch
        baseline -= LEADING
    return baseline


def _break_lines(text: str) -> list[list[str]]:
    lines: list[list[str]] = [[]]
    room = RIGHT - LEFT - INDENT
    for word in text.split():
        if pdfmetrics.stringWidth(" ".join([*lines[-1], word]), REGULAR, BODY_SIZE) > room:
            lines.append([])
            room = RIGHT - LEFT
        lines[-1].append(word)
    return lines


def _draw_foot(canvas: Canvas, top: float) -> None:
    # Boxes 9b (recipients), 7a (competence and position) and 7b (name); 7c and 8 stay empty between them.
    # No bold italic face is shipped: the italic one is drawn with a thin outline.
    canvas.saveState()
    canvas.setLineWidth(0.35)
    canvas.setFont(ITALIC, 12)
    canvas.drawString(LEFT, top, "Nơi nhận:", mode=2)
    canvas.restoreState()
    canvas.setFont(REGULAR, 11)
    for row, line in enumerate(RECIPIENTS, start=1):
        canvas.drawString(LEFT, top - 14 * row, line)
    _draw_centred(canvas, SIGNER_COLUMN, top, "KT. CHỦ TỊCH", BOLD, BODY_SIZE)
    _draw_centred(canvas, SIGNER_COLUMN, top - 17, "PHÓ CHỦ TỊCH", BOLD, BODY_SIZE)
    _draw_centred(canvas, SIGNER_COLUMN, top - 128, "Nguyễn Hoàng Ân", BOLD, BODY_SIZE)


def _draw_centred(canvas: Canvas, x: float, y: float, text: str, font: str, size: float) -> None:
    canvas.setFont(font, size)
    canvas.drawCentredString(x, y, text)


def _draw_before(canvas: Canvas, x: float, y: float, text: str, later: str, font: str, size: float) -> None:
    canvas.setFont(font, size)
    canvas.drawString(x - pdfmetrics.stringWidth(text + later, font, size) / 2, y, text)


def _draw_rule(canvas: Canvas, x: float, y: float, width: float) -> None:
    canvas.setLineWidth(0.6)
    canvas.line(x - width / 2, y, x + width / 2, y)


@dataclass(frozen=True, slots=True)
class _Drawing:
    """A transparent picture, drawn large and made small, so that edges are smooth."""

    width_mm: float
    height_mm: float
    ink: tuple[int, int, int]

    @property
    def scale(self) -> float:
        return PIXELS_PER_MM * OVERSAMPLING

    def blank(self) -> Image.Image:
        return Image.new("L", (round(self.width_mm * self.scale), round(self.height_mm * self.scale)), 0)

    def finish(self, mask: Image.Image) -> bytes:
        size = (round(self.width_mm * PIXELS_PER_MM), round(self.height_mm * PIXELS_PER_MM))
        picture = Image.new("RGBA", size, (*self.ink, 0))
        picture.putalpha(mask.resize(size, Image.Resampling.LANCZOS))
        output = io.BytesIO()
        picture.save(output, "PNG", dpi=(DPI, DPI), optimize=True)
        return output.getvalue()


STEPS: Final = 600
SIGNATURE: Final = (
    # Bézier strokes on a field of 100 by 45, the pen's way in four points each.
    ((6, 30), (14, 2), (26, 0), (20, 22)),
    ((20, 22), (16, 40), (8, 42), (12, 32)),
    ((12, 32), (20, 16), (28, 18), (27, 27)),
    ((27, 27), (27, 32), (32, 28), (35, 22)),
    ((35, 22), (38, 16), (41, 18), (38, 26)),
    ((38, 26), (37, 31), (43, 27), (46, 21)),
    ((46, 21), (52, 2), (60, 0), (54, 16)),
    ((54, 16), (48, 34), (44, 48), (52, 40)),
    ((52, 40), (62, 30), (60, 18), (68, 20)),
    ((68, 20), (74, 22), (66, 30), (74, 27)),
    ((74, 27), (80, 24), (82, 16), (95, 12)),
    ((14, 37), (40, 31), (66, 33), (92, 34)),
)


def draw_signature() -> bytes:
    """Draw a signature as with a blue pen (Annex I: blue, PNG, transparent)."""
    drawing = _Drawing(50, 22.5, (24, 52, 160))
    mask = drawing.blank()
    draw = ImageDraw.Draw(mask)
    unit = mask.width / 100
    for number, stroke in enumerate(SIGNATURE):
        for step in range(STEPS + 1):
            x, y = _follow_stroke(stroke, step / STEPS)
            pen = unit * (0.48 + 0.2 * math.sin(1.9 * (number + step / STEPS)))
            draw.ellipse((x * unit - pen, y * unit - pen, x * unit + pen, y * unit + pen), fill=255)
    return drawing.finish(mask)


def _follow_stroke(stroke: tuple[tuple[int, int], ...], t: float) -> tuple[float, float]:
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
    x, y = (sum(w * point[axis] for w, point in zip(weights, stroke, strict=True)) for axis in (0, 1))
    return x, y


def draw_seal(name: str, mark: str) -> bytes:
    """Draw a round seal of 36 mm (Annex I: red, actual size, PNG, transparent) that nobody has."""
    drawing = _Drawing(36, 36, (214, 24, 32))
    mask = drawing.blank()
    draw = ImageDraw.Draw(mask)
    centre = mask.width / 2
    for radius_mm, width_mm in ((17.9, 0.9), (11.2, 0.4)):
        radius = radius_mm * drawing.scale
        box = (centre - radius, centre - radius, centre + radius, centre + radius)
        draw.ellipse(box, outline=255, width=round(width_mm * drawing.scale))
    draw.polygon(_find_star(centre, 8.2 * drawing.scale), fill=255)
    _draw_around(mask, name, mark, 14.1 * drawing.scale, 3.5 * drawing.scale)
    return drawing.finish(mask)


def _find_star(centre: float, radius: float) -> list[tuple[float, float]]:
    corners = []
    for corner in range(10):
        reach = radius if corner % 2 == 0 else radius * 0.382
        angle = math.pi * corner / 5
        corners.append((centre + reach * math.sin(angle), centre - reach * math.cos(angle)))
    return corners


def _draw_around(mask: Image.Image, name: str, mark: str, radius: float, size: float) -> None:
    # Clockwise; the name is centred above, the mark below.
    # the basic layout is part of Pillow; the other one depends on what the machine has installed
    basic = ImageFont.Layout.BASIC
    font = ImageFont.truetype(str(FONTS / "LiberationSerif-Bold.ttf"), round(size), layout_engine=basic)
    text = name + mark
    widths = [font.getlength(letter) for letter in text]
    step = (2 * math.pi * radius - sum(widths)) / len(text)
    angle = -(sum(widths[: len(name)]) + step * len(name)) / 2 / radius
    for letter, width in zip(text, widths, strict=True):
        angle += (width + step) / 2 / radius
        tile = Image.new("L", (round(size * 2), round(size * 3)), 0)
        anchor = (tile.width / 2, tile.height / 2 + size * 0.34)
        ImageDraw.Draw(tile).text(anchor, letter, fill=255, font=font, anchor="ms")
        tile = tile.rotate(-math.degrees(angle), Image.Resampling.BICUBIC, expand=True)
        x, y = mask.width / 2 + radius * math.sin(angle), mask.height / 2 - radius * math.cos(angle)
        mask.paste(255, (round(x - tile.width / 2), round(y - tile.height / 2)), tile)
        angle += (width + step) / 2 / radius


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
