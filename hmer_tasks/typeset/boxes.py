"""What a layout is made of: a box for every glyph and bar, and the outlines of the glyphs."""

from dataclasses import dataclass

BAR, UPRIGHT, FRAME, STROKE, RING = "―", "│", "□", "╱", "◯"


@dataclass(frozen=True, slots=True)
class Box:
    """A glyph or bar: its symbol (a character, with its alphabet's name where a hand shows it; or one of
    BAR …), edges, baseline and letter size, in em of the main line. x grows to the right from the line's
    start, y downwards from its baseline; a bar has size 0. `glyph` names the outline in `outlines`.
    `level`: the baseline that a script or accent would have on an ordinary letter, where it has another."""

    symbol: str
    left: float
    top: float
    right: float
    bottom: float
    baseline: float
    size: float
    glyph: str = ""
    level: float | None = None

    @property
    def line_level(self) -> float:
        """Where the box's line stands, whatever it hangs on: a script's is that of a script on an ordinary
        letter, an accent's that of one on an ordinary letter. The baseline for all that is neither."""
        return self.baseline if self.level is None else self.level


outlines: dict[str, str] = {}
"""SVG path data of every glyph laid out so far, by `Box.glyph`: y downwards, in thousandths of the letter
size, the glyph's left edge at 0 and its baseline too."""
