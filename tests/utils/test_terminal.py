"""What a stranger wrote is shown on the terminal and never obeyed by it."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from rich.table import Table
from rich.text import Text

from hmer_tasks.utils.terminal import plain_console, printable, printable_json
from tests.pipeline.conftest import run_command

NASTY = "a\x1b[31m\u202e\u2066\x9b\x7f[red]:smile:"
SHOWN = r"a\x1b[31m\u202e\u2066\x9b\x7f[red]:smile:"


@given(st.text())
def test_nothing_hidden_is_left_and_nothing_else_changes(text):
    out = printable(text)
    for char in out:
        assert unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp"), ascii(char)
        assert unicodedata.bidirectional(char) not in (
            "LRE",
            "RLE",
            "LRO",
            "RLO",
            "PDF",
            "LRI",
            "RLI",
            "FSI",
            "PDI",
        )
    assert printable(out) == out
    if text.isprintable():
        assert out == text
    out.encode("utf-8")  # raises on a surrogate


@given(st.text())
def test_json_is_exact(text):
    out = printable_json({text: [text]})
    assert json.loads(out) == {text: [text]}
    assert printable(out) == out


def test_which_are_escaped():
    hidden = [*range(0x20), *range(0x7F, 0xA0), 0x61C, *range(0x200B, 0x2010), *range(0x2028, 0x202F),
              *range(0x2066, 0x206A), 0xFEFF, 0xD800, 0xDFFF]  # fmt: skip
    for code in hidden:
        assert printable(chr(code)) == chr(code).encode("unicode_escape").decode(), hex(code)
    assert printable("\x1b\u202e") == r"\x1b\u202e"
    assert printable("a\nb", lines=True) == "a\nb"
    assert printable("a\r\nb", lines=True) == "a\\r\nb"
    assert printable("\\frac é 漢 😀 ≤ שלום") == "\\frac é 漢 😀 ≤ שלום"


def test_a_console_keeps_its_columns(capsys):
    table = Table("id", "n")
    table.add_row(NASTY, "1")
    table.add_row(Text(NASTY), "2")
    plain_console().print(table, NASTY)
    out = capsys.readouterr().out
    assert printable(out, lines=True) == out
    assert SHOWN in out
    rows = out.split("\n")
    assert len(rows[0]) == len(rows[3])  # the border and the row of the plain string


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """A folder whose ids, label file's name and own name hold escapes, bidi marks and markup."""
    root = tmp_path_factory.mktemp("t") / "in\x1b[31m\u202e[red]"
    root.mkdir()
    names = [f"x\x1b[31m\u202e[red]{number}.png" for number in range(3)]
    picture = Image.new("L", (40, 40), 255)
    picture.paste(0, (10, 10, 30, 14))
    for name in names[:2]:
        picture.save(root / name, "PNG")
    labels = [r"x + \farc", "x", "y"]  # an unknown command; sound; a picture that is missing
    lines = [f"{name}\t{label}\n" for name, label in zip(names, labels, strict=True)]
    (root / "labels.tsv").write_text("".join(lines), encoding="utf-8")
    return root


def shown(done, code=0):
    """What both streams hold, which is nothing hidden."""
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    out = done.stdout + done.stderr
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert printable(out, lines=True) == out
    return out


@pytest.fixture(scope="module")
def built(mine):
    out = mine.parent / "out\x1b[31m\u202e[red]"
    done = run_command("build", "--dataset", "folder", "--root", mine, "--out", out, "--workers", 1)
    return out, done


FLAT = r"\x1b[31m\u202e[red]"


def test_build(built):
    text = shown(built[1])
    assert rf"\farc in 1 label, first x{FLAT}0" in text  # the sample's id
    assert f"out{FLAT}" in text


def test_show_and_verify(built):
    out, _ = built
    text = shown(run_command("show", out, "-n", 2))
    assert f"x{FLAT}0" in text
    assert "every row is proven" in shown(run_command("verify", out))
    shard = next((out / "data").glob("*.parquet"))
    data = shard.read_bytes()
    shard.write_bytes(data[:100] + b"0" + data[101:])
    try:
        assert "hmer-tasks: " in shown(run_command("verify", out), 1)
    finally:
        shard.write_bytes(data)


def test_check(mine):
    text = shown(run_command("check", mine / "labels.tsv"))
    assert f"in{FLAT}/labels.tsv: unknown commands" in text.replace("\n", "")
    assert f"first x{FLAT}0" in text
    (mine.parent / "bad\u202e.tsv").write_text(f"{NASTY}\t{{ x\u202e\n", encoding="utf-8")
    text = shown(run_command("check", mine.parent / "bad\u202e.tsv", "--rejects", "/dev/stdout"))
    assert json.loads(next(line for line in text.split("\n") if line.startswith("{")))["id"] == NASTY
    assert json.loads(run_command("check", mine.parent / "bad\u202e.tsv", "--json").stdout)[0]["name"] == str(
        mine.parent / "bad\u202e.tsv"
    )


def test_evaluate(mine):
    first, other = mine.parent / "one\u202e.jsonl", mine.parent / "other.jsonl"
    for path, preds in ((first, "xz"), (other, "zy")):
        lines = [
            {
                "img_id": f"{NASTY}{number}",
                "source": f"{NASTY}{number}",
                "gt": "xy"[number],
                "pred": preds[number],
            }
            for number in range(2)
        ]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    text = shown(run_command("evaluate", first, "--compare", other))
    assert f"only here: {SHOWN}0" in text
    json.loads(shown(run_command("evaluate", first, "--json")))


def test_audit_and_folds(mine):
    assert FLAT in shown(run_command("audit", "--labels", mine / "labels.tsv"))
    folds = mine.parent / f"folds{NASTY}.jsonl"
    text = shown(
        run_command(
            "folds", "--dataset", "folder", "--root", mine, "-k", 2, "-o", folds, "--profile", "latex"
        )
    )
    assert f"folds{SHOWN}.jsonl" in text


@pytest.mark.parametrize(
    "words",
    (
        ("show", NASTY),
        ("verify", NASTY),
        ("check", NASTY),
        ("build", "--dataset", NASTY),
        ("evaluate", NASTY),
        ("parse", "{ " + NASTY, "--as", NASTY),
        ("datasets", NASTY),
        (NASTY,),
    ),
)
def test_error_lines(words):
    done = run_command(*words)
    assert done.returncode in (1, 2)
    shown(done, done.returncode)
    assert r"\x1b[31m" in done.stderr
