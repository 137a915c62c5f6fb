"""What the tests of the page share: builds, their pages, a browser."""

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from hmer_tasks.errors.markup import mark_errors
from hmer_tasks.reports.build_page import write_report
from hmer_tasks.shards.manifest import Summary
from hmer_tasks.shards.records import SampleRows
from hmer_tasks.shards.writer import ShardWriter
from hmer_tasks.tasks import Row
from tests.pipeline.conftest import noise, run_command
from tests.reports.browser import Browser, find_chromium

HOSTILE = [
    "<script>window.owned=1</script>", "</script><script>window.owned=1</script>",
    "\"><img src=x onerror=window.owned=1>", "'onerror='window.owned=1", "</style><svg/onload=window.owned=1>",
    "{{7*7}}", "javascript:window.owned=1", "-->]]><!--<!--<script>", "</template></textarea></title>",
    "&lt;script&gt;", "\u2028\u2029", "<a/href=http://127.0.0.1:1/>x</a>",
]  # fmt: skip


def rows_for(label: str, candidate: str) -> tuple[Row, ...]:
    """Rows of a label and a candidate that need not parse, as no build would write them."""
    marked, log = mark_errors(candidate, label)
    return (
        Row("recognition", label, f"read {label}", label),
        Row("error_detection", label, f"find the mistakes in {candidate}", marked, candidate, marked),
        Row("error_correction", label, f"mend {marked}", f"{log}\n{label}", candidate, marked),
    )


def write_build(out: Path, samples: list[SampleRows], rejects: list[dict[str, str]]) -> Path:
    """A finished build of one shard with just these samples and refusals."""
    (out / "data").mkdir(parents=True)
    name = "data/train-00000-of-00001.parquet"
    with ShardWriter(out / name) as writer:
        for sample in samples:
            writer.add(sample)
    reasons = [reject["reason"] for reject in rejects]
    rows = sum(len(sample.rows) for sample in samples)
    summary: Summary = {
        "made_by": {"arguments": {"dataset": HOSTILE[0], "tree_format": HOSTILE[1]}, "versions": {}, "inputs": {}},
        "splits": {
            "train": {
                "samples": len(samples), "rejected": len(rejects), "no_candidate": 0, "rows": rows,
                "tasks": {"recognition": len(samples)}, "pictures_sha256": "",
            }
        },
        "rejected": {reason: reasons.count(reason) for reason in sorted(set(reasons))},
        "shards": {name: {"rows": rows, "bytes": 0, "sha256": ""}},
    }  # fmt: skip
    (out / "build.json").write_text(json.dumps(summary), encoding="utf-8")
    lines = (json.dumps(reject, ensure_ascii=False) + "\n" for reject in rejects)
    (out / "rejects.jsonl").write_text("".join(lines), encoding="utf-8")
    return out


def sample_of(id: str, label: str, candidate: str, picture: bytes | None = None) -> SampleRows:
    return SampleRows(
        id,
        f"corpus/{id}",
        f"${label}$",
        noise(1) if picture is None else picture,
        "a.jpg",
        rows_for(label, candidate),
    )


class Elements(HTMLParser):
    """The elements of a page, as a parser sees them, and what its data blocks hold."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: set[str] = set()
        self.blocks: dict[str, object] = {}
        self.scripts = 0
        self._block = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.attributes |= {name for name, _ in attrs}
        given = dict(attrs)
        self.scripts += tag == "script" and "type" not in given
        self._block = given["id"] if given.get("type") == "application/json" else ""

    def handle_data(self, data):
        if self._block:
            self.blocks[self._block] = json.loads(data)
            self._block = ""

    @property
    def samples(self) -> list[dict]:
        """What the page's script knows of each sample: its entry in the index and its block."""
        index = self.blocks["index"]["samples"]
        return [{**entry, **self.blocks[f"sample-{i}"]} for i, entry in enumerate(index)]


def elements(page: Path) -> Elements:
    return Elements(page.read_text(encoding="utf-8"))


def symbols_of(svg: str) -> list[str]:
    """The symbols of a drawn tree, relations' names left out."""
    return [html.unescape(text) for text in re.findall(r"<text x[^>]*>([^<]*)</text>", svg)]


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Path:
    """The first forty pictures of the embedded sample, built; never written to."""
    out = tmp_path_factory.mktemp("report") / "sample"
    assert run_command("build", "--dataset", "sample", "--limit", 40, "--out", out).returncode == 0
    return out


@pytest.fixture(scope="session")
def page(built, tmp_path_factory) -> Path:
    """Its page."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_report(built, path)
    return path


@pytest.fixture(scope="session")
def hostile(tmp_path_factory) -> Path:
    """The page of a build whose every text attacks it; half of the labels parse, and one is empty."""
    out = tmp_path_factory.mktemp("hostile")
    samples = [sample_of(f"{i}{text}", text, f"x {text} y") for i, text in enumerate(HOSTILE)]
    samples += [
        sample_of(f"split {text}", " ".join(text.replace("{", "").replace("}", "")), "x") for text in HOSTILE
    ]
    samples.append(sample_of("no picture", "x", "", b"GIF89a <script>"))
    rejects = [
        {"id": text, "source": text, "reason": text, "where": f"token 1: {text}", "label": f"x {text}"}
        for text in HOSTILE
    ]
    path = out / "report.html"
    write_report(write_build(out / "build", samples, rejects), path)
    return path


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    command = find_chromium()
    if command is None:
        pytest.skip("no Chromium: apt-get install chromium to run this")
    opened_browser = Browser(command, tmp_path_factory.mktemp("browser"))
    yield opened_browser
    opened_browser.close()
