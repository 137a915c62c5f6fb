"""The command line as scripts use it: what it prints where, and its exit codes."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from hmer_tasks import __version__
from hmer_tasks._compiled import is_compiled
from tests.pipeline.conftest import command, make_hme100k, one_line, run_command

FRACTION = "\\frac { a ^ { 2 } } { b }"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    make_hme100k(folder / "HME100K", 12)
    out = folder / "out"
    words = ("--dataset", "hme100k", "--root", folder / "HME100K", "--out", out)
    assert run_command("build", *words).returncode == 0
    return out


@pytest.fixture
def labels(tmp_path):
    path = tmp_path / "labels.tsv"
    path.write_bytes(
        b"\xef\xbb\xbfa\tx ^ { 2 }\r\nb\tx ^ 2\nc\t\\frac { 1 }\nno tab\nd\t\\frac { 1\ne\tx \\foo\nf\t\xe9\ng\t"
    )
    return path


def test_help():
    done = run_command("--help")
    assert done.returncode == 0
    for name in ("build", "check", "parse", "normalize", "show", "datasets", "verify"):
        assert f"│ {name} " in done.stdout
    done = run_command("build", "--help")
    assert done.returncode == 0
    options = "dataset root split out tasks errors tree-format prompts normalize valid-share seed workers limit overwrite"
    for option in options.split():
        assert f"--{option} " in done.stdout


@pytest.mark.parametrize(
    ("words", "what"),
    (
        (("biuld",), "biuld"),
        (("build",), "--dataset"),
        (("build", "--dataset", "sample", "--limit", "x"), "--limit"),
        (("build", "--dataset", "sample", "--nosuch"), "--nosuch"),
        (("parse",), "label"),
        (("parse", "x", "--as", "poem"), "poem"),
        (("show", "out", "-n", "0"), "-n"),
        (("check",), "name label files"),
        (("check", "x.tsv", "--dataset", "sample"), "one of the two"),
    ),
)
def test_wrong_usage(words, what):
    assert what in one_line(run_command(*words), 2)


def test_no_command():
    done = run_command()
    assert done.returncode == 2
    assert "Usage: " in done.stdout


def test_version():
    runs = "compiled" if is_compiled() else "pure Python"
    assert run_command("--version").stdout == f"hmer-tasks {__version__} ({runs})\n"


def test_a_traceback_is_shown_where_it_is_asked_for(monkeypatch):
    assert "Traceback" not in run_command("parse", "{").stderr
    monkeypatch.setenv("HMER_DEBUG", "1")
    done = subprocess.run(command("parse", "{"), capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "Traceback" in done.stderr, "LabelError" in done.stderr) == (1, True, True)


def test_check_as_json(labels, tmp_path):
    done = run_command("check", labels, "--json", "--rejects", tmp_path / "rejects.jsonl")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == [
        {
            "name": str(labels),
            "labels": 8,
            "accepted": 3,
            "explicit": 2,
            "refused": {
                "missing_argument": 1,
                "malformed_line": 1,
                "unbalanced_brace": 1,
                "not_utf8": 1,
                "empty_label": 1,
            },
            "unknown_commands": {"\\foo": 1},
        }
    ]
    rejects = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_text().splitlines()]
    assert [(reject["id"], reject["reason"]) for reject in rejects] == [
        ("c", "missing_argument"),
        ("", "malformed_line"),
        ("d", "unbalanced_brace"),
        ("f", "not_utf8"),
        ("g", "empty_label"),
    ]
    assert rejects[0]["label"] == "\\frac { 1 }"
    assert rejects[1]["where"] == "labels.tsv:4: not id<TAB>label"


def test_check_as_a_table(labels, tmp_path):
    second = tmp_path / "caption.txt"
    second.write_text("a x + y\nb\tz\n")
    done = run_command("check", labels, second, env={"COLUMNS": "80"})
    assert done.returncode == 0
    for text in ("37.500 %", "100.000 %", "refused: 1 missing_argument", "unknown commands: 1 \\foo"):
        assert text in done.stdout
    assert f"{second}:" not in done.stdout  # nothing of it to tell


def test_check_by_several_processes(tmp_path):
    """What is told, and in which order, does not depend on how many there are."""
    path = tmp_path / "labels.tsv"
    path.write_text(
        "".join(f"{n}\t{'x ^' if n % 7 == 0 else 'x'}{' { }' * (n % 3)}\n" for n in range(25_000))
    )
    lines = []
    for workers in (1, 3):
        rejects = tmp_path / "rejects.jsonl"
        done = run_command("check", path, "--json", "--rejects", rejects, "--workers", workers)
        assert (done.returncode, done.stderr) == (0, "")
        lines.append((json.loads(done.stdout), rejects.read_text()))
    assert lines[0] == lines[1]
    assert lines[0][0][0]["labels"] == 25_000
    refused = [json.loads(line)["id"] for line in lines[0][1].splitlines()]
    assert len(refused) == lines[0][0][0]["refused"]["missing_argument"]
    assert refused == sorted(refused, key=int)
    assert set(tmp_path.iterdir()) == {path, rejects}


def test_check_a_corpus(built, tmp_path):
    done = run_command(
        "check", "--dataset", "hme100k", "--root", built.parent / "HME100K", "--json", "--no-images"
    )
    (entry,) = json.loads(done.stdout)
    assert (entry["name"], entry["labels"], entry["accepted"]) == ("hme100k/train", 12, 12)
    assert "train_labels.txt" in one_line(run_command("check", "--dataset", "hme100k", "--root", tmp_path))
    assert "did you mean hme100k" in one_line(run_command("check", "--dataset", "hme10k"), 2)
    assert "gone.tsv" in one_line(run_command("check", tmp_path / "gone.tsv"))


def parsed(label, kind, *more):
    done = run_command("parse", label, "--as", kind, *more)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_two_outputs_in_one_file_and_outputs_without_use(tmp_path):
    out = tmp_path / "out"
    answers = tmp_path / "answers.jsonl"
    answers.write_text('{"img_id": "a", "gt": "x", "pred": "x"}\n')
    for words, message in (
        (("parse", "x", "--out", out), "--out is for the picture: add --as png"),
        (("parse", "x", "--as", "png", "--out", f"{out}.jpg"), "what is written is PNG: name it so (*.png)"),
        (("check", answers, "--root", tmp_path), "--root goes with --dataset"),
        (("audit", "--labels", answers, "--threshold", 2), "--threshold goes with --predictions"),
        (("build", "--dataset", "sample", "--errors", "none.jsonl"), "--errors none.jsonl: no such file"),
        (("build", "--dataset", "sample", "--noise", "none.toml"), "--noise none.toml: no such file"),
        (
            ("build", "--dataset", "sample", "--noise", answers, "--tasks", "recognition"),
            "--noise is for the candidates of error tasks, and --tasks names none",
        ),
        (("push", "build/x", "name", "--dry-run"), "write OWNER/name"),
        (
            ("build", "--dataset", "sample", "--look", "foo"),
            "Invalid value for '--look': 'foo' is not one of",
        ),
        (("build", "--dataset", "sample", "--rank", 0, "--world-size", 0), "--world-size must be at least 1"),
        (("draw", "x", "-o", out, "--boxes", out), f"{out} is given for two outputs"),
        (("evaluate", answers, "--html", out, "--cdm-json", out), f"{out} is given for two outputs"),
        (
            ("audit", "--predictions", answers, "--labels", answers, "-o", out, "--weights", out),
            f"{out} is given for two outputs",
        ),
    ):
        assert message in one_line(run_command(*words), code=2)
    assert not out.exists()


def test_parse_in_every_form(tmp_path):
    assert "above" in parsed(FRACTION, "tree")
    assert parsed(FRACTION, "text") == "\\frac\n\ta (above)\n\t\t2 (sup)\n\tb (below)\n"
    assert parsed(FRACTION, "counts") == "\\frac: 1, a: 1, ^: 1, 2: 1, b: 1\n"
    (node,) = json.loads(parsed(FRACTION, "json"))
    assert node["symbol"] == "\\frac"
    assert [child["relation"] for child in node["children"]] == ["above", "below"]
    dot = parsed(FRACTION, "dot")
    assert dot.startswith("digraph expression {")
    assert 'label="\\\\frac"' in dot
    assert parsed(FRACTION, "png", "--out", tmp_path / "x.png") == f"picture: {tmp_path / 'x.png'}\n"
    with Image.open(tmp_path / "x.png") as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 50


def test_parse_puts_the_picture_where_a_person_finds_it(tmp_path):
    done = run_command("parse", "x", "--as", "png", env={"TMPDIR": str(tmp_path)})
    kind, _, path = done.stdout.strip().partition(": ")
    assert kind == "picture"
    with Image.open(path) as picture:
        assert picture.format == "PNG"


@pytest.mark.parametrize("label", ("- x + 1", "-", "- - 1", "-- h e l p = 1"))
def test_a_label_may_begin_with_a_minus(label):
    assert parsed(label, "counts").startswith("-: ")


def test_parse_shows_the_place_of_a_fault():
    done = run_command("parse", "x + \\frac } y")
    assert (done.returncode, done.stdout) == (1, "")
    message, line, caret = done.stderr.splitlines()
    assert message.startswith("hmer-tasks: ")
    assert line == "x + \\frac } y"
    assert caret.strip("^ ") == ""
    assert line[caret.index("^")] in ("}", "\\")
    assert "empty_label" in one_line(run_command("parse", ""))
    assert "too_deep" in run_command("parse", "x ^ { " * 2000 + "y" + " }" * 2000).stderr


def test_normalize():
    lines = "$x^2$\n\\frac12 \\le 3\n\\frac{1}\n\nab\n"
    done = run_command("normalize", input=lines)
    assert done.returncode == 1
    assert done.stdout.split("\n")[:5] == ["x ^ { 2 }", "\\frac { 1 } { 2 } \\le 3", "", "", "a b"]
    first, second = done.stderr.splitlines()
    assert first.startswith("hmer-tasks: line 3: missing_argument")
    assert second.startswith("hmer-tasks: line 4: empty_label")
    done = run_command("normalize", "--spelling", input="\\frac12 \\le 3")
    assert (done.returncode, done.stdout) == (0, "\\frac { 1 } { 2 } \\leq 3\n")


def test_normalize_bytes_that_are_not_text():
    done = run_command("normalize", input="x\n\xe9\ny\n", encoding="latin-1")
    assert (done.returncode, done.stdout) == (1, "x\n\ny\n")
    assert done.stderr == "hmer-tasks: line 2: not_utf8 at byte 0\n"


def test_normalize_with_an_unknown_profile():
    for text in ("x\n", ""):
        assert "crohme" in one_line(run_command("normalize", "--profile", "chrome", input=text), 2)


def test_show(built, tmp_path):
    done = run_command("show", built, "-n", "2", env={"TMPDIR": str(tmp_path)})
    assert done.returncode == 0
    assert "train_0.jpg" in done.stdout
    assert "train_1.jpg" in done.stdout
    assert "train_2.jpg" not in done.stdout
    for task in ("recognition", "tree_cot", "counting", "error_detection", "error_correction"):
        assert done.stdout.count(f"─ {task} ─") == 2
    [folder] = tmp_path.iterdir()  # of this command alone: nobody can have put it there before
    assert folder.stat().st_mode & 0o777 == 0o700
    assert len(list(folder.iterdir())) == 2
    assert run_command("show", built, env={"TMPDIR": str(tmp_path)}).returncode == 0
    assert len(list(tmp_path.iterdir())) == 2
    done = run_command("show", built, "-n", "3", "--task", "counting")
    assert done.stdout.count("─ counting ─") == 3
    assert "recognition" not in done.stdout


def test_show_what_is_not_there(built, tmp_path):
    assert "did you mean counting?" in one_line(run_command("show", built, "--task", "count"), 2)
    assert "no build.json" in one_line(run_command("show", tmp_path))
    (tmp_path / "build.json").write_bytes((built / "build.json").read_bytes())
    assert "verify" in one_line(run_command("show", tmp_path))
    (tmp_path / "data").mkdir()
    (tmp_path / "data/train-00000-of-00001.parquet").write_bytes(b"damaged")
    assert "verify" in one_line(run_command("show", tmp_path))


def test_datasets():
    done = run_command("datasets", env={"COLUMNS": "300"})
    assert done.returncode == 0
    cells = "".join(character for character in done.stdout if character not in "│ \n")
    for text in (
        "hme100k",
        "crohme",
        "folder",
        "sample",
        "https://ai.100tal.com/dataset",
        "CROHME/**/*.inkml",
    ):
        assert text in cells


def test_a_reader_that_goes_away(built):
    """`hmer-tasks … | head -1` ends without a word."""
    command = f"{sys.executable} -m hmer_tasks show {built} -n 12 | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""


def test_a_terminal_that_knows_ascii_alone(built):
    done = run_command("show", built, env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0


def test_no_torch(tmp_path):
    """Neither the library's face, nor the command, nor a whole build imports it."""
    code = (
        "import sys, pathlib, hmer_tasks, hmer_tasks.cli.app\n"
        "from hmer_tasks.pipeline import BuildOptions, build\n"
        "from hmer_tasks.shards import verify\n"
        "for name in hmer_tasks.__all__: getattr(hmer_tasks, name)\n"
        "out = pathlib.Path(sys.argv[1]) / 'out'\n"
        "build(BuildOptions('sample', out=out, limit=5)); verify(out)\n"
        "heavy = {'torch', 'transformers', 'trl', 'datasets', 'accelerate'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    words = [sys.executable, "-c", code, tmp_path]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def test_a_command_starts_without_what_reads_pictures():
    """`--version`, `--help` and commands about labels do not wait for it: it takes most of a start."""
    code = (
        "import sys, hmer_tasks.cli.app\n"
        "heavy = {'numpy', 'pyarrow', 'PIL.Image', 'hmer_tasks.corpora'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("early", (True, False))
def test_ctrl_c_is_a_line(early):
    """While Python still reads its libraries, and while a command waits for its input."""
    words = [sys.executable, "-m", "hmer_tasks", "normalize"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        if early:
            while "rapidfuzz" not in Path(f"/proc/{process.pid}/maps").read_text():
                time.sleep(0.005)
        else:
            process.stdin.write("x\n" * 5000)  # more than a pipe holds back
            process.stdin.flush()
            assert process.stdout.readline() == "x\n"
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == "hmer-tasks: stopped\n"
        assert process.wait() == 130
