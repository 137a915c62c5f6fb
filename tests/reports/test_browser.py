"""The page in a browser, from disk: it leafs, filters, fits a phone, and runs nothing but its own script."""

import re

import pytest

from tests.reports.conftest import HOSTILE, elements

WHERE = "document.getElementById('where').textContent"


def shown_id(browser):
    return browser.value("document.querySelector('#sample article header b')?.textContent")


def choose(browser, **values):
    for id, value in values.items():
        browser.value(
            f"(() => {{ const field = document.getElementById('{id}'); field.value = {value!r};"
            "field.dispatchEvent(new Event('input')); })()"
        )


def complaints(browser):
    return [e for e in browser.events if e.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown")]


@pytest.fixture
def opened(browser, page):
    browser.size(1280, 900)
    browser.open(page)
    return browser


def test_arrow_keys_leaf(opened, page):
    ids = [sample["id"] for sample in elements(page).samples]
    assert opened.value(WHERE) == "1 of 40" and shown_id(opened) == ids[0]
    opened.press("ArrowRight")
    opened.press("ArrowRight")
    assert shown_id(opened) == ids[2]
    opened.press("ArrowLeft")
    assert (opened.value(WHERE), shown_id(opened)) == ("2 of 40", ids[1])
    opened.press("End")
    opened.press("ArrowRight")  # there is nothing beyond
    assert (opened.value(WHERE), shown_id(opened)) == ("40 of 40", ids[-1])
    opened.press("Home")
    assert shown_id(opened) == ids[0]
    opened.press("/")
    opened.press("ArrowRight")  # in the field it moves the cursor
    assert opened.value("document.activeElement.id") == "text" and shown_id(opened) == ids[0]
    assert complaints(opened) == []


def test_a_sample_is_all_there(opened, page):
    sample = elements(page).samples[0]
    said = opened.value("document.querySelector('#sample').innerText")
    for text in (
        sample["id"],
        sample["label"],
        "tree",
        "count",
        "wrong candidate",
        "correction log",
        "tree_cot",
    ):
        assert text in said
    assert opened.value("document.querySelector('#sample img').naturalWidth") > 50
    assert opened.value("document.querySelectorAll('#sample math *').length") > 3
    assert opened.value("document.querySelector('#sample math').getBoundingClientRect().width") > 3
    marks = sum(len(candidate["log"]) for candidate in sample["candidates"])
    assert opened.value("document.querySelectorAll('#sample .marked :is(del, ins)').length") == marks > 0


@pytest.mark.parametrize(
    ("field", "key", "many"),
    [
        ("task", "tasks", True),
        ("length", "length", False),
        ("construct", "constructs", True),
        ("kind", "kinds", True),
    ],
)
def test_filters(opened, page, field, key, many):
    samples = elements(page).samples
    values = {value for sample in samples for value in (sample[key] if many else [sample[key]])}
    assert len(values) > 1
    for value in values:
        choose(opened, **{field: value})
        fits = [entry["id"] for entry in samples if (value in entry[key] if many else entry[key] == value)]
        assert opened.value(WHERE) == f"1 of {len(fits)}" and shown_id(opened) == fits[0]


def test_the_text_is_sought_in_id_label_and_candidate(opened, page):
    samples = elements(page).samples
    for text in ("TEXT-0", "\\frac", samples[3]["candidates"][0]["log"][0][1].split(" ")[0]):
        choose(opened, text=text)
        entries = elements(page).blocks["index"]["samples"]
        fits = [
            entry
            for entry in entries
            if text.lower() in "\n".join([entry["id"], entry["label"], *entry["candidates"]]).lower()
        ]
        assert opened.value(WHERE) == f"1 of {len(fits)}"
    choose(opened, text="no such thing")
    assert opened.value(WHERE) == "none"
    assert "no sample is like that" in opened.value("document.getElementById('sample').innerText")
    opened.value("document.getElementById('clear').click()")
    assert opened.value(WHERE) == "1 of 40"


def test_a_task_opens_its_row(opened):
    choose(opened, task="counting")
    assert opened.value(
        "Array.from(document.querySelectorAll('details.row[open] summary'), (e) => e.textContent)"
    ) == ["counting"]
    assert "count each distinct visible" in opened.value(
        "document.querySelector('details.row[open]').innerText"
    )


def test_the_address_keeps_the_view(browser, page):
    samples = elements(page).samples
    fits = [entry["id"] for entry in samples if "fraction" in entry["constructs"]]
    browser.open(page, "#construct=fraction&at=2")
    assert (browser.value(WHERE), shown_id(browser)) == (f"3 of {len(fits)}", fits[2])
    browser.press("ArrowRight")
    kept = browser.value("new Promise((done) => setTimeout(() => done(location.hash), 400))")
    assert kept == "#at=3&construct=fraction"
    browser.open(page, "#tab=statistics")
    assert browser.value("document.querySelectorAll('#statistics svg.plot').length") >= 6
    assert browser.value("document.getElementById('samples').hidden") is True
    browser.open(page, "#tab=%3Cscript%3E&at=-7e9&view=x&construct=none")
    assert browser.value(WHERE) == "1 of 40"


def test_a_sheet_shows_many_and_a_click_opens_one(browser, page):
    ids = [sample["id"] for sample in elements(page).samples]
    browser.open(page, "#view=sheet")
    assert browser.value(WHERE) == "1–24 of 40"
    browser.press("ArrowRight")
    assert browser.value("document.querySelectorAll('.sheet img').length") == 16
    browser.value("document.querySelectorAll('.sheet button')[5].click()")
    assert (browser.value(WHERE), shown_id(browser)) == ("30 of 40", ids[29])


def test_nothing_hostile_runs(browser, hostile):
    browser.size(1280, 900)
    browser.open(hostile)
    title = browser.value("document.title")
    count = len(elements(hostile).samples)
    for place in range(count):
        assert browser.value(WHERE) == f"{place + 1} of {count}"
        label = browser.value("document.querySelector('.two section:nth-of-type(2) .text').textContent")
        if place < len(HOSTILE):
            assert label == HOSTILE[place] and shown_id(browser) == f"{place}{HOSTILE[place]}"
        inside = browser.value("Array.from(document.querySelectorAll('#sample *'), (each) => each.localName)")
        assert not set(inside) & {"a", "script", "iframe", "style", "template", "textarea", "title"}
        assert inside.count("img") <= 1
        browser.value("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        browser.press("ArrowRight")
    for fragment in ("#view=sheet", "#tab=refused", "#tab=statistics", "#tab=about"):
        browser.open(hostile, fragment)
        assert (
            browser.value("typeof window.owned") == "undefined" and browser.value("document.title") == title
        )
        assert browser.value("document.querySelectorAll('body script:not([type])').length") == 1
        assert (
            browser.value("document.querySelectorAll('a, iframe, object, [onerror], [onload]').length") == 0
        )
    browser.open(hostile, "#tab=refused")
    assert browser.value("document.querySelectorAll('#list article').length") == len(HOSTILE)
    reasons = browser.value(
        "Array.from(document.querySelectorAll('#list .reason'), (each) => each.textContent)"
    )
    assert reasons == HOSTILE
    choose(browser, reason=HOSTILE[1])
    assert browser.value("document.getElementById('which').textContent") == "1–1 of 1"
    assert [entry for entry in complaints(browser) if "Content Security" in str(entry)] == []


def test_it_asks_for_nothing_but_itself(browser, page):
    browser.open(page)
    browser.press("ArrowRight")
    browser.value(WHERE)
    asked = [
        e["params"]["request"]["url"]
        for e in browser.events
        if e.get("method") == "Network.requestWillBeSent"
    ]
    assert [url for url in asked if not url.startswith(("data:", page.as_uri(), "about:"))] == []


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_sticks_out(browser, page, hostile, width):
    browser.size(width, 844)
    for path in (page, hostile):
        for fragment in ("#at=3", "#view=sheet", "#tab=refused", "#tab=statistics", "#tab=about"):
            browser.open(path, fragment)
            assert browser.value("document.documentElement.scrollWidth") <= width, (path, fragment)


def test_plots_tell_their_numbers(opened):
    titles = opened.value(
        "Array.from(document.querySelectorAll('svg.plot > title'), (each) => each.textContent)"
    )
    assert any(title.startswith("Length of a label") for title in titles)
    assert any(re.match("Mistakes by kind", title) for title in titles)
    said = opened.value(
        "Array.from(document.querySelectorAll('svg.plot'), (e) => e.getAttribute('role') + !!e.querySelector('desc').textContent)"
    )
    assert set(said) == {"imgtrue"}
