"""The page holds what the rows hold, the same each time, and nothing of a corpus becomes markup."""

import base64
import html
import io
import re
import subprocess
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from hmer_tasks import reports as pages
from hmer_tasks.exceptions import BuildError, LabelError
from hmer_tasks.latex.normalize import normalize
from hmer_tasks.latex.parser import parse
from hmer_tasks.reports.build_page import write_report
from hmer_tasks.reports.samples import _around
from tests.pipeline.conftest import command, noise, one_line, rows_of, run_command
from tests.reports.conftest import HOSTILE, elements, sample_of, symbols_of, write_build


def test_the_page_holds_every_row_as_it_is(built, page):
    seen = elements(page)
    texts = seen.blocks["index"]["texts"]
    passages = []
    for sample in seen.samples:
        for task, before, own, after, answer, ends in sample["rows"]:
            whole = answer + sample["label"] if ends else answer
            passages.append((sample["id"], sample["source"], task, texts[before] + own + texts[after], whole))
    rows = [
        (row["id"], row["source"], row["task"], row["prompt"][0]["content"], row["completion"][0]["content"])
        for row in rows_of(built)
    ]
    assert passages == rows and len(rows) == 200


def test_each_sample_is_drawn_and_told(built, page):
    rows = {row["id"]: row for row in rows_of(built) if row["task"] == "error_correction"}
    for sample in elements(page).samples:
        assert sample["picture"].startswith("data:image/") and sample["formula"].startswith("<math")
        (candidate,) = sample["candidates"][:1]
        row = rows[sample["id"]]
        marks = {"bad": "<error_start> {} <error_end>", "gap": "<deleted>", "": "{}"}
        assert " ".join(marks[kind].format(text) for kind, text in candidate["marked"]) == row["marked"]
        log = "\n".join(":".join(operation) for operation in candidate["log"])
        assert f"{log}\n{row['label']}" == row["completion"][0]["content"]
        assert dict(sample["counts"])[sample["label"].split()[0]] >= 1
        symbols = [symbol for _, symbol in parse(sample["label"]).to_networkx().nodes(data="symbol")]
        assert sorted(symbols_of(sample["tree"])) == sorted(symbols)


def test_the_same_build_gives_the_same_page(built, page, tmp_path):
    write_report(built, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == page.read_bytes()


def test_a_limit_takes_some_and_says_so(built, page, tmp_path):
    every = [sample["id"] for sample in elements(page).samples]
    taken = {}
    for limit in (5, 20):
        report = write_report(built, tmp_path / "some.html", limit)
        assert (report.shown, report.samples) == (limit, 40)
        taken[limit] = [sample["id"] for sample in elements(tmp_path / "some.html").samples]
        assert taken[limit] == [id for id in every if id in taken[limit]]
        text = (tmp_path / "some.html").read_text(encoding="utf-8")
        assert f"This page holds {limit} of the 40 samples" in text
    assert set(taken[5]) < set(taken[20]) and taken[5] != every[:5]
    assert "This page holds" not in page.read_text(encoding="utf-8")


def test_statistics_are_of_every_sample(built, tmp_path):
    write_report(built, tmp_path / "few.html", 5)
    text = (tmp_path / "few.html").read_text(encoding="utf-8")
    labels = {row["id"]: row["label"] for row in rows_of(built)}
    twos = sum(label.split().count("2") for label in labels.values())
    assert f"<title>2: {twos:,}</title>" in text
    lengths = re.search(r"<title>Length of a label[^<]*</title><desc>([^<]*)</desc>", text)[1]
    assert sum(int(part.split(": ")[1]) for part in lengths.split(", ")) == 40


def test_nothing_of_a_corpus_becomes_markup(hostile):
    seen = elements(hostile)
    assert seen.scripts == seen.names.count("style") == 1
    assert not {"img", "iframe", "object", "link", "base", "a", "template", "textarea"} & set(seen.names)
    assert not any(
        name.startswith("on") or name in ("src", "srcdoc", "formaction") for name in seen.attributes
    )
    assert [sample["label"] for sample in seen.samples[: len(HOSTILE)]] == HOSTILE
    assert [refusal["reason"] for refusal in seen.blocks["refusals"]] == HOSTILE
    for sample in seen.samples:  # the only markup that the script takes from a block
        drawn = re.findall(r"<(/?[a-z]+)[\s>/]", sample["tree"])
        assert set(drawn) <= {"svg", "/svg", "use", "rect", "path", "text", "/text"}, sample["tree"]
        assert sample["tree"].count("<") == len(drawn)
        assert not sample["formula"] or ElementTree.fromstring(sample["formula"]).tag == "math"


def test_the_page_loads_nothing(page, hostile):
    for path in (page, hostile):
        text = path.read_text(encoding="utf-8")
        policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1])
        assert policy.startswith("default-src 'none'; img-src data:;") and "script-src 'sha256-" in policy
        assert "@import" not in text and not re.search(r"<(link|iframe|object|base)\b", text)
        assert not re.search(r'<[a-z]+ [^>]*\b(src|href)="(?!#)', text)


def test_a_refusal_is_shown_at_its_place(tmp_path):
    labels = {"x ^ { 2": "", "\\frac { a }": "", "$x^2^3$": "crohme"}
    rejects = []
    for label, profile in labels.items():
        with pytest.raises(LabelError) as caught:
            parse(normalize(label, profile) if profile else label)
        where = f"token {caught.value.position}: {caught.value.detail}"
        rejects.append(
            {"id": label, "source": "c", "reason": str(caught.value.reason), "where": where, "label": label}
        )
    rejects.append({"id": "i", "source": "c", "reason": "image_missing", "where": "a.png", "label": "x"})
    out = write_build(tmp_path / "build", [], rejects)
    report = write_report(out, tmp_path / "p.html")
    shown = elements(tmp_path / "p.html").blocks["refusals"]
    assert (report.shown, report.refused) == (0, 4)
    assert [sample["place"] for sample in shown] == [
        ["x ^", "{", "2"],
        ["\\frac { a }", "", ""],
        ["x ^ 2", "^", "3"],
        None,
    ]


def test_a_large_picture_is_made_smaller_and_a_small_one_is_as_it_was(tmp_path):
    small, large, ink = noise(3), noise(4, (1400, 700)), io.BytesIO()
    Image.new("1", (3000, 500), 1).save(ink, "BMP")
    out = write_build(
        tmp_path / "build",
        [sample_of(str(i), "x", "y", data) for i, data in enumerate((small, large, ink.getvalue(), b"none"))],
        [],
    )
    write_report(out, tmp_path / "p.html")
    shown = [sample["picture"] for sample in elements(tmp_path / "p.html").samples]
    read = [None if picture is None else base64.b64decode(picture.partition(",")[2]) for picture in shown]
    assert read[0] == small and read[3] is None
    photograph, drawing = (Image.open(io.BytesIO(data)) for data in read[1:3])
    assert (photograph.format, photograph.size) == ("JPEG", (900, 450))
    assert (drawing.format, drawing.size, drawing.mode) == ("PNG", (900, 150), "L")


def test_no_build_is_one_line(tmp_path):
    printed = one_line(run_command("report", "nowhere", "-o", tmp_path / "p.html", cwd=tmp_path))
    assert "nowhere has no build.json" in printed
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_cannot_be_written_is_one_line(built, tmp_path):
    for place, why in (
        (tmp_path, "not a file"), (tmp_path / "no" / "p.html", "not a folder"), (Path("/dev/null"), "not a file"),
    ):  # fmt: skip
        with pytest.raises(BuildError, match=why):
            write_report(built, place)
    one_line(run_command("report", built, "-o", tmp_path / "p.html", "--limit", 0), 2)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_page_that_was_there(built, tmp_path):
    (tmp_path / "p.html").write_text("before")
    words = [
        "bash",
        "-c",
        'ulimit -f 100; exec "$@"',
        "bash",
        *command("report", built, "-o", tmp_path / "p.html"),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    last = done.stderr.strip().split("\n")[-1]  # before it there may be lines of progress
    assert done.returncode == 1 and last == f"hmer-tasks: {tmp_path / 'p.html'}: File too large", done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["p.html"]
    assert (tmp_path / "p.html").read_text() == "before"


def test_ctrl_c_leaves_nothing(built, tmp_path):
    words = command("report", built, "-o", tmp_path / "p.html")
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    for _ in range(600):
        if list(tmp_path.iterdir()):
            break
        time.sleep(0.05)
    process.send_signal(2)
    _, printed = process.communicate(timeout=60)
    assert (
        process.returncode == 130 and printed.endswith("hmer-tasks: stopped\n") and "Traceback" not in printed
    )
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_build_is_one_line(built, tmp_path):
    sample = write_build(tmp_path / "build", [sample_of("a", "x", "y")], [])
    (sample / "rejects.jsonl").write_text("{}\n")
    with pytest.raises(BuildError, match=r"rejects\.jsonl is damaged"):
        write_report(sample, tmp_path / "p.html")
    (sample / "rejects.jsonl").write_text("")
    (shard,) = (sample / "data").iterdir()
    whole = shard.read_bytes()
    shard.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BuildError, match="cannot be read"):
        write_report(sample, tmp_path / "p.html")
    shard.write_bytes(whole.replace(b"\x28\xb5\x2f\xfd", b"\x28\xb5\x2f\xfe"))  # the zstd frames' magic
    with pytest.raises(BuildError, match="cannot be read"):
        write_report(sample, tmp_path / "p.html")
    shard.unlink()
    with pytest.raises(BuildError, match="cannot be read"):
        write_report(sample, tmp_path / "p.html")
    assert not (tmp_path / "p.html").exists()


def test_a_label_beyond_drawing_stands_as_text(tmp_path):
    long = " ".join(["x"] * 2_000)
    out = write_build(
        tmp_path / "build", [sample_of("long", long, "x"), sample_of("no tree", "} {", "x")], []
    )
    report = write_report(out, tmp_path / "p.html")
    first, other = elements(tmp_path / "p.html").samples
    assert report.not_drawn == 2 and not first["formula"] and not first["tree"]
    assert first["outline"].count("\n") == 1_999 and first["why"]
    assert other["outline"].startswith("no tree: unbalanced_brace") and other["depth"] == -1


def test_an_empty_build_has_a_page(tmp_path):
    write_report(write_build(tmp_path / "build", [], []), tmp_path / "p.html")
    assert elements(tmp_path / "p.html").samples == []


def test_colours_can_be_read_by_day_and_by_night():
    style = (Path(pages.__file__).parent / "templates" / "base.css").read_text(encoding="utf-8")
    day, night = (
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6})", part)) for part in style.split("@media", 1)
    )
    pairs = [("ink", ground) for ground in ("paper", "ground", "chip")]
    pairs += [("dim", ground) for ground in ("paper", "ground", "chip")]
    pairs += [
        (name, ground) for name in ("bad", "good", "warn", "mark") for ground in ("paper", f"{name}-ground")
    ]
    for colours in (day, day | night):
        for name, ground in pairs:
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground, colours[name])


def contrast(first: str, other: str) -> float:
    """WCAG's contrast ratio of two colours."""

    def luminance(colour):
        digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
        parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        r, g, b = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    light, dark = sorted((luminance(first), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_command_says_what_it_wrote(built, tmp_path):
    done = run_command("report", built, "-o", tmp_path / "p.html", "--limit", 7)
    assert done.returncode == 0 and "(7 of 40 samples, " in done.stdout
    assert len(elements(tmp_path / "p.html").samples) == 7


@pytest.mark.parametrize(
    ("prompt", "own", "before"),
    (
        ("Correction log: …\nMarked formula: C\nGive the log.", "C", "Correction log: …\nMarked formula: "),
        ("Marked formula: M", "M", "Marked formula: "),
        ("Mark what is wrong in a + b , please", "a + b", "Mark what is wrong in "),
        ("no slot", "x", ""),
        ("Mark it.", "", "Mark it."),
    ),
)
def test_the_expression_in_a_prompt_is_found(prompt, own, before):
    parts = _around(prompt, own)
    assert parts[0] == before and "".join(parts) == prompt
