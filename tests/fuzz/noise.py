"""Noise files (`errors fit`, grammar/confusables.toml): one is refused in a line, or candidates can be drawn from it."""

from hmer_tasks.errors.noise.model import model_of
from hmer_tasks.errors.noise.noise_file import noise_text, read_noise
from hmer_tasks.errors.noise.synthesize import synthesize
from hmer_tasks.exceptions import NoiseError
from hmer_tasks.utils.keyed_random import keyed_random
from tests.fuzz.common import check_line, written

WORDS = [word.encode() for word in (
    "[number]\n", "counts = [1]\n", "[shape]\n", "broken = 0.1\n", "repeated = 0.1\n", "gaps = [1]\n", "run_share = 0.1\n",
    "runs = [[1, 2, 3]]\n", "[sorts]\n", "lower = 0.1\n", "[context]\n", "[patterns]\n", "'x' = { rate = 1.0, as = { 'y' = 1 } }\n",
    "'<start>' = { rate = 1.0, as = { '<start> x' = 1 } }\n", "'{ … }' = { rate = 0.1, as = { '…' = 2 } }\n", "'…'", "'{'", "''", "' '",
    "inf", "nan", "-1", "1e308", "1e-320", "true", "0", "9" * 400, "[" * 700, "{ a = " * 700, "\\u0000", "\\n", '"', " = ", ", ", "[", "]",
    "_ ^ { }", "\\\\frac { … } { … }", "x _ { … }", "1979-05-27", "'shape x' = 2.0\n",
)]  # fmt: skip
LABELS = (
    "x",
    "\\frac { a ^ { 2 } } { \\sqrt [ 3 ] { x _ { 1 } + 1 } }",
    "y = \\begin {cases} 1 & x < 0 \\\\ 2 \\end {cases}",
)


def run(data: bytes) -> None:
    try:
        noise = read_noise(written(data, "noise.toml"))
        model = model_of(noise)
    except NoiseError as error:
        check_line(error)
        return
    for label in LABELS:
        synthesize(label, keyed_random(0, label), model).encode()
    read_noise(written(noise_text(noise, {"fitted_by": "a fuzzer"}).encode(), "again.toml"))
