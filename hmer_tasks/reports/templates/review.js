"use strict";
// One suspicious label at a time. Decisions are kept in the browser's storage under the page's digest, so that a page
// that is closed can be gone on with, and are saved as JSON lines' worth of objects: {source, id, decision, label}.
const cards = Array.from(document.querySelectorAll("article"));
const state = document.getElementById("state");
const store = `hmer-tasks review ${document.body.dataset.digest}`;
const decisions = new Map();
const order = [];
let at = 0;

function remember() {
  try {
    localStorage.setItem(store, JSON.stringify(Array.from(decisions)));
  } catch {
    // without storage the decisions last as long as the page
  }
}

function recall() {
  try {
    for (const [place, decision] of JSON.parse(localStorage.getItem(store) ?? "[]"))
      if (place < cards.length) decisions.set(place, decision);
  } catch {
    // what is stored is not ours
  }
}

function show(place) {
  at = Math.max(0, Math.min(cards.length - 1, place));
  cards.forEach((card, i) => { card.hidden = i !== at; });
  const tag = cards[at].querySelector(".decided");
  const decision = decisions.get(at);
  tag.className = `decided tag ${decision ? decision.decision : ""}`;
  tag.textContent = decision ? (decision.decision === "mend" ? `mend: ${decision.label}` : decision.decision) : "";
  cards[at].querySelector(".edit").hidden = true;
  state.textContent = `${at + 1} of ${cards.length}, ${decisions.size} decided`;
}

function decide(decision, label) {
  const { source, id, label: old } = cards[at].dataset;
  decisions.set(at, { source, id, decision, label: label ?? old });
  order.push(at);
  remember();
  if (at + 1 < cards.length) show(at + 1);
  else show(at);
}

function edit() {
  const line = cards[at].querySelector(".edit");
  line.hidden = false;
  line.querySelector("input").focus();
}

function undo() {
  const place = order.pop() ?? at;
  decisions.delete(place);
  remember();
  show(place);
}

function save() {
  const all = Array.from(decisions).sort((a, b) => a[0] - b[0]).map(([, decision]) => decision);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(all, null, 1) + "\n"], { type: "application/json" }));
  link.download = "decisions.json";
  link.click();
  state.textContent = `${all.length} decisions saved as decisions.json`;
}

function reading(number) {
  const text = cards[at].querySelectorAll(".reading")[number - 1];
  if (text) decide("mend", text.dataset.plain);
}

const actions = { k: () => decide("keep"), d: () => decide("drop"), m: edit, u: undo, s: save };
if (cards.length) {
  recall();
  const first = cards.findIndex((_, i) => !decisions.has(i));
  show(first < 0 ? 0 : first);
  for (const name of ["keep", "drop", "mend", "undo", "save"])
    document.getElementById(name).addEventListener("click", actions[name[0]]);
  document.getElementById("back").addEventListener("click", () => show(at - 1));
  document.getElementById("next").addEventListener("click", () => show(at + 1));
  for (const card of cards)
    card.querySelector(".edit input").addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter" && event.target.value.trim()) {
        decide("mend", event.target.value.trim().split(/\s+/).join(" "));
      } else if (event.key === "Escape") {
        show(at);
      }
    });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowRight") show(at + 1);
    else if (event.key === "ArrowLeft") show(at - 1);
    else if (event.key >= "1" && event.key <= "9") reading(Number(event.key));
    else if (event.key in actions) actions[event.key]();
    else return;
    event.preventDefault();
  });
} else {
  state.textContent = "nothing suspicious";
}
