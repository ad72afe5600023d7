// What if: other terms on recorded traffic; what nobody knows is said, never guessed.
import {ask} from "../api.js";
import {card, choice, field, fill, h, table} from "../dom.js";
import {count, money, percent, short} from "../tell.js";

export async function render(made, {signal}) {
  const [bidders, seen] = await Promise.all([ask("/bidders", {signal}), ask("/overview", {signal})]);
  const names = bidders.rows.map(one => one.name), tasks = seen.tasks.map(one => one.of);
  const asked = {task: "", worth: "", whose: names[0] || "", times: "", last: "200"}, without = new Set();
  const said = h("div", {"aria-live": "polite"});
  const text = (name, placeholder) => h("input", {placeholder, value: asked[name], oninput: event => { asked[name] = event.target.value.trim(); }});
  const run = async event => {
    event.preventDefault();
    const body = {task: asked.task, last: Number(asked.last) || 200, without: [...without]};
    if (asked.worth) body.worth = asked.worth;
    if (asked.times && asked.whose) body.prices = {[asked.whose]: asked.times};
    fill(said, h("p", {class: "muted", "aria-busy": "true"}, "Running the auctions again…"));
    try {
      const found = await ask("/what-if", {method: "POST", body, signal});
      fill(said, told(found));
    } catch (error) {
      if (!signal.aborted) fill(said, h("div", {class: "card error", role: "alert"}, h("p", {}, error.message), h("p", {class: "muted"}, error.hint)));
    }
  };
  fill(made,
    h("h1", {}, "What if"),
    h("p", {class: "muted"}, "The recorded first rounds are auctioned again with what you change. Who could bid at all, what was believed and the draw stay as they were."),
    h("form", {class: "card", onsubmit: run},
      h("div", {class: "row"},
        field("Task", choice([["", "all"], ...tasks.map(one => [one, one])], "", one => { asked.task = one; })),
        field("Worth of a right answer", text("worth", "2x or $0.01")),
        field("Price of", choice(names.map(one => [one, one]), asked.whose, one => { asked.whose = one; })),
        field("becomes", text("times", "0.5x or $0.001")),
        field("Newest requests", h("input", {type: "number", min: 1, max: 100000, value: asked.last, oninput: event => { asked.last = event.target.value; }}))),
      h("fieldset", {}, h("legend", {}, "Without"), h("div", {class: "row"}, names.map(one =>
        h("label", {}, h("input", {type: "checkbox", onchange: event => event.target.checked ? without.add(one) : without.delete(one)}), " ", one)))),
      h("button", {type: "submit"}, "Run them again")),
    said);
}

function told(found) {
  const totals = Object.entries(found.totals);
  return [
    card("What would have come of it", h("dl", {}, totals.flatMap(([name, one]) =>
      [h("dt", {}, name.replaceAll("_", " ")), h("dd", {}, one === null ? h("span", {class: "tag warn"}, "not known") : plain(name, one))]))),
    found.requests.length > 0 && card(`${count(found.requests.length)} awards would have been others`, table("Other awards", [
      {title: "Request", cell: one => h("a", {href: `/request/${encodeURIComponent(one.request_id)}`}, short(one.request_id))},
      {title: "Task", cell: one => one.task},
      {title: "Bought", cell: one => (one.was || []).join(" and ") || "nothing"},
      {title: "Would have bought", cell: one => (one.chosen || one.would || []).join(" and ") || "nothing"},
    ], found.requests.slice(0, 200))),
  ];
}

function plain(name, one) {
  if (typeof one !== "number") return JSON.stringify(one);
  if (/cost|price|spent|worth|saved/.test(name)) return money(one);
  return Number.isInteger(one) ? count(one) : percent(one, 1);
}
