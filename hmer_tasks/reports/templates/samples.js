"use strict";
// Leafs through the samples and refusals that stand in the page's blocks of JSON. What a corpus wrote
// becomes text, never markup; the only markup taken from a block is an SVG that the page's maker drew.
// The address keeps tab, filters and place (#tab=…&task=…&at=…), so that a view can be passed on.

const byId = (id) => document.getElementById(id);
const read = (id) => JSON.parse(byId(id).textContent);
const { samples, texts } = read("index");
const refusals = read("refusals");
const SHEET = 24; // samples on a sheet
const LIST = 50; // refusals on a page
const FILTERS = ["text", "split", "task", "length", "construct", "kind", "reason", "sought"];
const tabs = Array.from(document.querySelectorAll(".tabs button"));
const state = { tab: "samples", view: "one", at: 0, first: 0 };
let found = [];
let foundRefusals = [];

for (const one of samples) {
  one.search = [one.id, one.label, ...one.candidates].join("\n").toLowerCase();
}
for (const one of refusals) one.search = [one.id, one.where, one.label].join("\n").toLowerCase();

// ------------------------------------------------------------------ building elements

function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function drawn(markup) {
  return document.adoptNode(new DOMParser().parseFromString(markup, "text/html").body.firstElementChild);
}

function picture(data) {
  return data.picture
    ? make("img", { alt: "the handwriting", src: data.picture })
    : make("p", { class: "dim" }, data.about);
}

function section(title, ...children) {
  return make("section", {}, make("h4", {}, title), ...children);
}

// ------------------------------------------------------------------ one sample

function card(place) {
  const about = samples[place];
  const data = read(`sample-${place}`);
  const tag = (text) => make("span", { class: "tag" }, text);
  const head = make("header", {}, make("b", { class: "text" }, about.id), tag(about.source));
  if (!about.source.endsWith(`/${about.split}`)) head.append(tag(`split ${about.split}`));
  head.append(tag(about.tokens === 1 ? "1 token" : `${about.tokens} tokens`), tag(about.depth < 0 ? "no tree" : `depth ${about.depth}`));
  for (const name of about.constructs) head.append(tag(name));
  const article = make("article", {}, head);
  const seen = section(`picture, ${data.about}`, picture(data));
  const label = section("label", make("div", { class: "text" }, about.label));
  if (data.formula) label.prepend(make("h4", {}, "in print"), make("div", { class: "scroll" }, drawn(data.formula)));
  else label.append(make("p", { class: "dim" }, `formula: ${data.why}`));
  if (data.gt) label.append(make("h4", {}, "as its owners wrote it"), make("div", { class: "text" }, data.gt));
  article.append(make("div", { class: "two" }, seen, label));
  const tree = data.tree
    ? make("div", { class: "scroll tall", tabindex: "0" }, drawn(data.tree))
    : make("pre", {}, data.outline);
  const beside = make("div", {}, section("count", counts(data.counts)), ...data.candidates.map(mistakes));
  article.append(make("div", { class: "beside" }, section("tree", tree), beside));
  const rows = section("rows, as a model is trained on them");
  for (const row of data.rows) rows.append(trained(row, about.label));
  article.append(rows);
  return article;
}

function counts(pairs) {
  const all = make("div", { class: "counts text" });
  for (const [token, count] of pairs) all.append(make("span", { class: "tag" }, `${token} `, make("b", {}, `× ${count}`)));
  return all;
}

function mistakes(candidate) {
  const marked = make("div", { class: "text marked" });
  let number = 0;
  for (const [kind, text] of candidate.marked) {
    if (!kind) marked.append(text);
    else {
      number += 1;
      const mark = kind === "bad" ? make("del", { title: "wrong" }, text) : make("ins", {}, "missing");
      mark.append(make("sup", {}, String(number)));
      marked.append(mark);
    }
    marked.append(" ");
  }
  if (!candidate.marked.length) marked.append(make("span", { class: "dim" }, "the candidate is empty"));
  const log = make("ol", { class: "log text" });
  for (const [name, rest] of candidate.log) {
    const known = ["REPLACE", "INSERT", "DELETE"].includes(name) ? name : "other";
    log.append(make("li", {}, make("span", { class: `op ${known}` }, name), " ", rest));
  }
  const all = section(`wrong candidate: ${candidate.kinds}`, marked);
  if (candidate.log.length) all.append(make("h4", {}, "correction log"), log);
  else all.append(make("p", { class: "dim" }, "nothing to correct"));
  return all;
}

function trained([task, before, own, after, answer, ends], label) {
  const prompt = texts[before] + own + texts[after];
  const row = make("details", { class: "row" }, make("summary", {}, task));
  row.open = byId("task").value === task;
  row.append(make("h4", {}, "prompt"), make("pre", {}, prompt));
  row.append(make("h4", {}, "answer"), make("pre", {}, ends ? answer + label : answer));
  return row;
}

// ------------------------------------------------------------------ a sheet of samples

function sheet() {
  const all = make("div", { class: "sheet" });
  const start = state.at - (state.at % SHEET);
  found.slice(start, start + SHEET).forEach((place, offset) => {
    const one = samples[place];
    const name = make("span", { class: "dim" }, one.id);
    const button = make("button", { type: "button" }, picture(read(`sample-${place}`)), make("span", { class: "text" }, one.label), name);
    button.addEventListener("click", () => {
      Object.assign(state, { view: "one", at: start + offset });
      show();
    });
    all.append(button);
  });
  return all;
}

// ------------------------------------------------------------------ refusals

function refusal(one) {
  const head = make("header", {}, make("b", { class: "text" }, one.id || "(no id)"), make("span", { class: "tag" }, one.source), make("span", { class: "tag reason" }, one.reason));
  const label = make("div", { class: "text marked" });
  label.append(one.label || make("span", { class: "dim" }, "no label"));
  if (one.place) {
    const [before, at, after] = one.place;
    if (one.label.trim() === [before, at, after].join(" ").trim()) label.replaceChildren();
    else label.append(make("h4", {}, "as it was read"));
    label.append(`${before} `, make("del", { title: "the place" }, at || "(the end)"), ` ${after}`);
  }
  return make("article", {}, head, make("div", { class: "text dim" }, one.where), label);
}

// ------------------------------------------------------------------ filters, tabs, leafing

function filter() {
  const wanted = Object.fromEntries(FILTERS.map((id) => [id, byId(id).value]));
  const text = wanted.text.trim().toLowerCase();
  found = [];
  samples.forEach((one, place) => {
    const fits =
      (!wanted.split || one.split === wanted.split) &&
      (!wanted.task || one.tasks.includes(wanted.task)) &&
      (!wanted.length || one.length === wanted.length) &&
      (!wanted.construct || one.constructs.includes(wanted.construct)) &&
      (!wanted.kind || one.kinds.includes(wanted.kind)) &&
      (!text || one.search.includes(text));
    if (fits) found.push(place);
  });
  const sought = wanted.sought.trim().toLowerCase();
  foundRefusals = refusals.filter((one) => (!wanted.reason || one.reason === wanted.reason) && (!sought || one.search.includes(sought)));
}

const number = (count) => count.toLocaleString("en");

function show() {
  for (const tab of tabs) {
    const mine = tab.dataset.tab === state.tab;
    if (mine) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
    byId(tab.dataset.tab).hidden = !mine;
  }
  if (state.tab === "samples") showSamples();
  if (state.tab === "refused") showRefusals();
  remember();
}

function showSamples() {
  state.at = Math.max(0, Math.min(state.at, found.length - 1));
  const step = state.view === "sheet" ? SHEET : 1;
  const start = state.at - (state.at % step);
  const end = Math.min(start + step, found.length);
  const part = step > 1 && found.length ? `${number(start + 1)}–${number(end)}` : number(end);
  byId("where").textContent = found.length ? `${part} of ${number(found.length)}` : "none";
  enable("samples", start > 0, end < found.length);
  byId("view").textContent = state.view === "sheet" ? "one by one" : "sheet";
  const nothing = make("p", { class: "dim" }, samples.length ? "no sample is like that" : "the build holds no sample");
  byId("sample").replaceChildren(!found.length ? nothing : state.view === "sheet" ? sheet() : card(found[state.at]));
}

function showRefusals() {
  state.first = Math.max(0, Math.min(state.first, foundRefusals.length - 1));
  const start = state.first - (state.first % LIST);
  const end = Math.min(start + LIST, foundRefusals.length);
  byId("which").textContent = foundRefusals.length ? `${number(start + 1)}–${number(end)} of ${number(foundRefusals.length)}` : "none";
  enable("refused", start > 0, end < foundRefusals.length);
  byId("list").replaceChildren(...foundRefusals.slice(start, end).map(refusal));
}

function enable(tab, back, on) {
  document.querySelector(`#${tab} .back`).disabled = !back;
  document.querySelector(`#${tab} .on`).disabled = !on;
}

function leaf(by) {
  if (state.tab === "samples") state.at += by * (state.view === "sheet" ? SHEET : 1);
  if (state.tab === "refused") state.first += by * LIST;
  if (!Number.isFinite(by)) Object.assign(state, { at: by < 0 ? 0 : found.length - 1, first: by < 0 ? 0 : foundRefusals.length - 1 });
  show();
}

// ------------------------------------------------------------------ the address

let waiting = 0;

function remember() {
  clearTimeout(waiting); // browsers allow some hundred changes in half a minute
  waiting = setTimeout(() => {
    const kept = new URLSearchParams();
    for (const [name, usual] of [["tab", "samples"], ["view", "one"], ["at", 0], ["first", 0]]) {
      if (state[name] !== usual) kept.set(name, state[name]);
    }
    for (const id of FILTERS) if (byId(id).value) kept.set(id, byId(id).value);
    history.replaceState(null, "", `#${kept}`);
  }, 250);
}

function recall() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const tab = asked.get("tab");
  state.tab = tabs.some((each) => each.dataset.tab === tab) ? tab : "samples";
  state.view = asked.get("view") === "sheet" ? "sheet" : "one";
  for (const name of ["at", "first"]) state[name] = Number.parseInt(asked.get(name), 10) || 0;
  for (const id of FILTERS) byId(id).value = asked.get(id) || "";
  filter();
  show();
}

// ------------------------------------------------------------------ start

function options(id, values) {
  const select = byId(id);
  const names = Array.from(new Set(values));
  for (const name of names) select.append(make("option", { value: name }, name));
  select.hidden = names.length < 2;
}

const bins = samples.slice().sort((a, b) => a.tokens - b.tokens);
options("split", samples.map((one) => one.split));
options("task", samples.flatMap((one) => one.tasks));
options("length", bins.map((one) => one.length));
options("construct", samples.flatMap((one) => one.constructs).sort());
options("kind", samples.flatMap((one) => one.kinds).sort());
options("reason", refusals.map((one) => one.reason).sort());

for (const id of FILTERS) {
  byId(id).addEventListener("input", () => {
    Object.assign(state, { at: 0, first: 0 });
    filter();
    show();
  });
}
byId("clear").addEventListener("click", () => {
  for (const id of FILTERS.slice(0, 6)) byId(id).value = "";
  state.at = 0;
  filter();
  show();
});
byId("view").addEventListener("click", () => {
  state.view = state.view === "sheet" ? "one" : "sheet";
  show();
});
for (const tab of tabs) {
  tab.addEventListener("click", () => {
    state.tab = tab.dataset.tab;
    show();
  });
}
for (const button of document.querySelectorAll(".back, .on")) {
  button.addEventListener("click", () => leaf(button.classList.contains("on") ? 1 : -1));
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  // an arrow within a field, or a drawing that can be pushed sideways, is its own affair
  const wide = event.target.closest(".scroll");
  if (event.target.closest("input, select") || (wide && wide.scrollWidth > wide.clientWidth)) return;
  const by = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
  const search = { samples: "text", refused: "sought" }[state.tab];
  if (by && search) leaf(by);
  else if (event.key === "/" && search) byId(search).focus();
  else return;
  event.preventDefault();
});
if (matchMedia("(max-width: 600px)").matches) byId("filters").open = false;
addEventListener("hashchange", recall);
recall();
