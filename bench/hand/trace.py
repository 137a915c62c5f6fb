"""Trace the stroke table of hmer_tasks/corpora/hand/table from OFL-1.1 fonts of Debian and npm.

    apt-get install fonts-seto fonts-nanum fonts-nanum-extra fonts-klee fonts-dkg-handwriting \
        fonts-yozvox-yozfont-standard-kana fonts-yusei-magic fonts-bwht fonts-kristi \
        fonts-tomsontalks fonts-dancingscript
    npm pack @fontsource/caveat …      # and the others under "npm/" below; unpack each to FOLDER/<name>
    python -m venv T && T/bin/pip install fonttools brotli scikit-image scipy pillow
    NPM_FONTS=FOLDER T/bin/python -m bench.hand.trace hmer_tasks/corpora/hand/table

A hand's unit is the height of its digits; y runs down from the baseline. Coordinates are in
hundredths. A line is `character TAB stroke;stroke`, a stroke `x,y x,y …`.
"""

import os
import statistics
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw, ImageFont

from bench.hand.skeleton import Path as Stroke
from bench.hand.skeleton import strokes_of

FONTS = Path("/usr/share/fonts")
DIGITS = "0123456789"
UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LOWER = "abcdefghijklmnopqrstuvwxyz"
GREEK = "αβγδεζηθικλμνξπρςστυφχψωΓΔΘΛΞΠΣΥΦΨΩ"
MARKS = '+=<>()[]{}/!%,:;?*"#&@~×÷±∓≤≥≠≡∈∋∪∩⊂⊃⊆⊇∞∫∮∑∂∇⇒⇔∴∵∠⊥∀∃∧∨∽⊕⊗∅ℏℓ△√∝≪≫≈≅♭♯♮ℵ§¶†‡£€¥℃Å∬'
TEXT = DIGITS + UPPER + LOWER + "+=()[]/!"
ALL = DIGITS + UPPER + LOWER + GREEK + MARKS

# A table of its own must not bear a font's reserved name: hands are letters. Which font made which:
HANDS = {
    "a": ("truetype/seto/setofont.ttf", ALL),
    "b": ("truetype/nanum/NanumPen.ttf", ALL),
    "c": ("truetype/klee/KleeOne-Regular.ttf", ALL),
    "d": ("truetype/fifthhorseman/dkg.ttf", DIGITS + "abcdehiklmnorstuvwxz+=<>()[],;"),
    "e": ("truetype/yozvox-yozfont/YOzRSP.ttf", ALL),
    "f": ("truetype/nanum/NanumBarunpenR.ttf", ALL),
    "g": ("truetype/yusei-magic/YuseiMagic-Regular.ttf", DIGITS + UPPER + LOWER + MARKS),
    "h": ("truetype/kristi/Kristi.ttf", DIGITS + "ABCDEFJLORSUVWXYZbcdegjqtuvwyz+=()[]/!%"),
    "i": ("truetype/tomsontalks/TomsonTalks.ttf", DIGITS + UPPER),
    "j": ("opentype/bwht/BecauseWeOrganize-Regular.otf", DIGITS + UPPER + "+=()[]!%?"),
    "k": ("opentype/bwht/BecauseWeMentor-Regular.otf", DIGITS + UPPER + "+=()[]!%?"),
    "l": ("opentype/bwht/BecauseWeLearn-Regular.otf", DIGITS + UPPER + "+=()[]!%?"),
    "m": ("opentype/bwht/BecauseWeBuild-Regular.otf", DIGITS + UPPER + "+=()[]!%?"),
    "n": ("npm/annie-use-your-telescope", TEXT),
    "o": ("npm/bad-script", TEXT),
    "p": ("npm/caveat", TEXT),
    "q": ("npm/cedarville-cursive", LOWER + "24679ABCEFKPRTUXZ"),
    "r": ("npm/gochi-hand", TEXT),
    "s": ("npm/indie-flower", TEXT),
    "t": ("npm/mansalva", TEXT),
    "u": ("npm/reenie-beanie", TEXT),
    "v": ("npm/shadows-into-light", TEXT),
    "w": ("npm/kalam", TEXT),
    "script": ("opentype/dancingscript/DancingScript-Regular.otf", UPPER + LOWER),
}
# Looked at one by one and left out: what thinning spoilt, or what reads as another symbol in mathematics.
LEFT_OUT = {
    "a": "0", "d": "0a", "g": "{}", "h": "()41", "i": "01", "j": "%", "k": "%", "l": "14%", "m": "%",
    "n": "1a", "o": "1wW", "p": "1", "q": "s", "r": "1z", "s": "a", "t": "1a", "u": "8U", "w": "b",
}  # fmt: skip
STANDING = DIGITS + UPPER + "acemnorsuvwxz"  # these stand on the line; some fonts' own line lies elsewhere
EM = 320  # pixels that an em is drawn at before thinning


def mask(font: ImageFont.FreeTypeFont, character: str) -> np.ndarray:
    page = Image.new("L", (2 * EM, 2 * EM), 0)
    ImageDraw.Draw(page).text((EM // 2, 3 * EM // 2), character, font=font, fill=255, anchor="ls")
    return np.asarray(page) > 127


def font_file(path: str, scratch: Path) -> Path:
    """A font of Debian where it lies, one of npm unpacked from its WOFF2."""
    if not path.startswith("npm/"):
        return FONTS / path
    name = path.removeprefix("npm/")
    font = TTFont(Path(os.environ["NPM_FONTS"]) / name / "files" / f"{name}-latin-400-normal.woff2")
    font.flavor = None
    font.save(scratch / f"{name}.ttf")
    return scratch / f"{name}.ttf"


def trace(path: Path, characters: str) -> dict[str, list[Stroke]]:
    font = ImageFont.truetype(str(path), EM)
    has = TTFont(str(path), fontNumber=0).getBestCmap()
    raw = {c: strokes_of(mask(font, c)) for c in characters if ord(c) in has}
    raw = {c: strokes for c, strokes in raw.items() if strokes}
    heights = []
    for digit in DIGITS:
        ys = [y for stroke in raw.get(digit, raw.get("X", [])) for _, y in stroke]
        if ys:
            heights.append(max(ys) - min(ys))
    unit = statistics.median(heights) if heights else 0.7 * EM
    line = statistics.median(
        max(y for stroke in strokes for _, y in stroke) for c, strokes in raw.items() if c in STANDING
    )
    out = {}
    for character, strokes in raw.items():
        pen = dotted(strokes, unit) if character in "ij" else strokes
        left = min(x for stroke in pen for x, _ in stroke)
        out[character] = [
            [(100 * (x - left) / unit, 100 * (y - line) / unit) for x, y in stroke] for stroke in pen
        ]
    return out


def dotted(strokes: list[Stroke], unit: float) -> list[Stroke]:
    """One font writes a dash over i and j, which reads as a bar: a dot in its middle instead."""
    out = []
    for stroke in strokes:
        xs, ys = [x for x, _ in stroke], [y for _, y in stroke]
        if max(ys) < 1.5 * EM - 0.66 * unit and max(xs) - min(xs) > 0.1 * unit:
            x, y = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
            out.append([(x, y), (x + 0.02 * unit, y + 0.03 * unit)])
        else:
            out.append(stroke)
    return out


def written(table: dict[str, list[Stroke]]) -> str:
    lines = []
    for character, strokes in table.items():
        text = ";".join(" ".join(f"{round(x)},{round(y)}" for x, y in stroke) for stroke in strokes)
        lines.append(f"{character}\t{text}\n")
    return "".join(lines)


def main() -> None:
    out = Path(sys.argv[1])
    only = sys.argv[2:] or list(HANDS)
    for hand in only:
        path, characters = HANDS[hand]
        with TemporaryDirectory() as scratch:
            table = trace(font_file(path, Path(scratch)), characters)
        for character in LEFT_OUT.get(hand, ""):
            table.pop(character, None)
        (out / f"{hand}.tsv").write_text(written(table), encoding="utf-8")
        print(f"{hand}: {len(table)} symbols")


if __name__ == "__main__":
    main()
