"""Loss and ExpRate over the steps as one picture, drawn with Pillow: no plotting library is needed."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

Points = Sequence[tuple[float, float]]
_WIDE, _TALL, _LEFT, _TOP, _BOTTOM = 900, 300, 80, 40, 40
_INK, _GRID, _COLOURS = "#333333", "#dddddd", ("#1f6fb2", "#b2501f")


def plot(path: Path, curves: Mapping[str, Points]) -> None:
    """One panel a curve, the first point to the last, each with its own scale from 0."""
    curves = {name: points for name, points in curves.items() if points}
    if not curves:
        return
    sheet = Image.new("RGB", (_WIDE, _TALL * len(curves)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (name, points) in enumerate(curves.items()):
        _panel(draw, number * _TALL, name, points, _COLOURS[number % len(_COLOURS)])
    sheet.save(path)


def _panel(draw: ImageDraw.ImageDraw, top: int, name: str, points: Points, colour: str) -> None:
    font = ImageFont.load_default(14)
    most = max((value for _, value in points), default=0.0) or 1.0
    last = max((step for step, _ in points), default=0.0) or 1.0
    right, high, low = _WIDE - 20, top + _TOP, top + _TALL - _BOTTOM
    draw.text((_LEFT, top + 12), f"{name}: {points[-1][1]:.4g} at step {points[-1][0]:.0f}", _INK, font)
    for part in range(5):
        y = low + (high - low) * part / 4
        draw.line((_LEFT, y, right, y), _GRID)
        draw.text((_LEFT - 8, y), f"{most * part / 4:.3g}", _INK, font, anchor="rm")
        x = _LEFT + (right - _LEFT) * part / 4
        draw.text((x, low + 8), f"{last * part / 4:.0f}", _INK, font, anchor="mt")
    placed = [
        (_LEFT + (right - _LEFT) * step / last, low + (high - low) * value / most) for step, value in points
    ]
    if len(placed) > 1:
        draw.line(placed, colour, 2)
    for x, y in placed if len(placed) < 60 else placed[-1:]:
        draw.ellipse((x - 3, y - 3, x + 3, y + 3), colour)
