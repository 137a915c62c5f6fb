"""The page: nothing of a prediction gets into it but as text, and it works in a browser, from disk."""

import html
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from hmer_tasks.evaluation.compare import compare_systems
from hmer_tasks.evaluation.metrics import evaluate
from hmer_tasks.predictions import Prediction
from hmer_tasks.reports.evaluation_page import page, worst

HOSTILE = [
    "<script>document.title = 'owned'</script>", "</script><script>document.title = 'owned'</script>",
    "\"><img src=x onerror=document.title='owned'>", "</style><svg onload=document.title='owned'>", "{{ 7 * 7 }}",
    "javascript:document.title='owned'", "-->]]><!--", r"\text { <b onclick=alert(1)> }", r"\href { javascript:x } { y }",
]  # fmt: skip


def hostile_pairs():
    pairs = [Prediction(text, text, text, f"{other} {text}") for text in HOSTILE for other in ("x", "<i>")]
    return [
        *pairs,
        Prediction("s", "fine", r"\frac { a } { b }", r"\frac { a } { d }"),
        Prediction("s", "long", "3", "3 " * 1027),
    ]


def page_of(pairs, **options):
    return page(evaluate(pairs, resamples=20), "a <b>title</b>", **options)


class Elements(HTMLParser):
    """The elements of a page, as a browser's parser sees them."""

    def __init__(self, text):
        super().__init__()
        self.names, self.attributes = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.attributes |= {name for name, _ in attrs}


def test_nothing_of_a_prediction_becomes_markup():
    seen = Elements(page_of(hostile_pairs()))
    assert seen.names.count("script") == seen.names.count("style") == 1
    assert not {"img", "i", "iframe", "object", "link", "base"} & set(seen.names)
    assert not any(
        name.startswith("on") or name in ("src", "srcdoc", "formaction") for name in seen.attributes
    )


def test_the_page_loads_nothing():
    text = page_of(hostile_pairs())
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1])
    assert policy.startswith("default-src 'none'; img-src data:;") and "script-src 'sha256-" in policy
    assert "url(" not in text and "@import" not in text
    hrefs = re.findall(r'<[a-z]+ [^>]*href="([^"]*)"', text)
    assert hrefs and all(href.startswith("#g-") for href in hrefs)


def test_every_outline_that_is_used_is_there():
    text = page_of(hostile_pairs())
    used, defined = set(re.findall(r'href="#([^"]+)"', text)), set(re.findall(r'<path id="([^"]+)"', text))
    assert used == defined


def test_the_worst_come_first_and_fifty_at_most():
    pairs = (
        [("a b c d", "a b c d")] * 5 + [("a b c d", "a b c e")] * 60 + [("a", "b"), (r"a \le b", r"a \leq b")]
    )
    metrics = evaluate(pairs, resamples=0)
    places = worst(metrics)
    assert len(places) == 50 and places[0] == 65
    assert page(metrics, "t").count("<article") == 50


def test_a_comparison_is_shown():
    first, other = (
        evaluate([("a", "a"), ("b", "c")], resamples=0),
        evaluate([("a", "b"), ("b", "b")], resamples=0),
    )
    text = page(first, "t", comparison=compare_systems(first, other), other="the <other> one")
    assert "McNemar" in text and "the &lt;other&gt; one" in text


@pytest.fixture(scope="module")
def browser():
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium: apt-get install chromium to run this")
    return program


def opened(browser, path, tmp_path, fragment=""):
    """The page's document after its script has run."""
    profile = tmp_path / "profile"
    shutil.rmtree(profile, ignore_errors=True)
    run = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={profile}", "--dump-dom", f"{path.as_uri()}{fragment}",
    ]  # fmt: skip
    return subprocess.run(run, capture_output=True, text=True, timeout=60, check=True).stdout


def test_in_a_browser_its_own_script_runs_and_no_other(browser, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(page_of(hostile_pairs()), encoding="utf-8")
    count = len(worst(evaluate(hostile_pairs())))
    dom = opened(browser, path, tmp_path)
    assert f"{count} of {count} shown" in dom
    assert "<title>a &lt;b&gt;title&lt;/b&gt;</title>" in dom
    assert not re.search(r"<(img|b onclick|svg onload)", dom)


def test_in_a_browser_the_filter_filters(browser, tmp_path):
    path = tmp_path / "page.html"
    pairs = [
        Prediction("s", "one", "x ^ { 2 }", "x ^ { 3 }"),
        Prediction("s", "two", "x ^ { 2 }", "x _ { 2 }"),
        Prediction("s", "three", "x", "x ^ {"),
    ]
    path.write_text(page_of(pairs), encoding="utf-8")
    hidden = lambda dom: len(re.findall(r"<article[^>]* hidden", dom))  # noqa: E731
    dom = opened(browser, path, tmp_path, "#outcome=symbols%20right%2C%20structure%20wrong")
    assert "1 of 3 shown" in dom and hidden(dom) == 2
    both = opened(browser, path, tmp_path, "#text=x%20%5E&kind=misread")
    assert "1 of 3 shown" in both and hidden(both) == 2
