"use strict";
// Filters the worst pairs by outcome, by kind of mistake and by text. The address keeps the filter
// (#outcome=…&kind=…&text=…), so that a view can be passed on.
const cards = Array.from(document.querySelectorAll("article"));
const outcome = document.getElementById("outcome");
const kind = document.getElementById("kind");
const text = document.getElementById("text");
const shown = document.getElementById("shown");

function filter() {
  const wanted = text.value.trim().toLowerCase();
  let count = 0;
  for (const card of cards) {
    const fits =
      (!outcome.value || card.dataset.outcome === outcome.value) &&
      (!kind.value || card.dataset.kinds.split(" ").includes(kind.value)) &&
      (!wanted || card.dataset.text.toLowerCase().includes(wanted));
    card.hidden = !fits;
    count += fits ? 1 : 0;
  }
  shown.textContent = `${count} of ${cards.length} shown`;
}

const controls = [outcome, kind, text];
for (const control of outcome ? controls : []) {
  control.addEventListener("input", () => {
    const kept = new URLSearchParams();
    for (const each of controls) if (each.value) kept.set(each.id, each.value);
    location.replace(`#${kept}`);
    filter();
  });
}
const asked = new URLSearchParams(location.hash.slice(1));
for (const control of outcome ? controls : []) if (asked.has(control.id)) control.value = asked.get(control.id);
document.getElementById("trees")?.addEventListener("click", () => {
  const all = Array.from(document.querySelectorAll("article details"));
  const open = all.some((each) => !each.open);
  for (const each of all) each.open = open;
});
if (outcome) filter();
