// Bidders: who takes part, how each does, how its probabilities came true, and who agrees with whom.
import {ask, path} from "../api.js";
import {chart} from "../charts.js";
import {card, choice, field, fill, h, table} from "../dom.js";
import {chance, count, lasting, money, percent} from "../tell.js";

export async function render(made, {query, signal, go}) {
  const task = query.get("task") || "", bid = query.get("bid") || "";
  const [known, told, seen] = await Promise.all([
    ask("/bidders", {signal}), ask(path("/overview/bidders", {task}), {signal}), ask("/overview", {signal}),
  ]);
  const turn = changes => go(path("/bidders", {task, bid, ...changes}));
  const tasks = seen.tasks.map(one => one.of);
  fill(made,
    h("h1", {}, "Bidders"),
    h("div", {class: "row"}, field("Task", choice([["", "all"], ...tasks.map(one => [one, one])], task, one => turn({task: one})))),
    h("div", {class: "card"}, table("What each bid did; prices as billed", [
      {title: "Bid", cell: one => h("a", {href: path("/bidders", {task, bid: one.of}), "aria-current": one.of === bid ? "true" : null}, one.of)},
      {title: "Asked", number: true, cell: one => count(one.attempts)},
      {title: "Won", number: true, cell: one => count(one.won)},
      {title: "Failed", number: true, cell: one => one.failed ? h("span", {class: "bad"}, `${count(one.failed)} (${percent(one.failed / one.attempts, 1)})`) : "0"},
      {title: "Price", number: true, cell: one => money(one.attempts ? one.price / one.attempts : null)},
      {title: "Expected", number: true, cell: one => money(one.attempts ? one.expected_price / one.attempts : null)},
      {title: "Time", number: true, cell: one => lasting(one.latency_ns)},
      {title: "95 % within", number: true, cell: one => lasting(one.latency_high_ns)},
      {title: "Right, of judged", number: true, cell: one => right(one.curve)},
    ], told.bids, {won: one => one.of === bid, empty: "Nobody was asked yet."})),
    bid && calibration(told.bids.find(one => one.of === bid), bid, made),
    agreement(told.agreement),
    declared(known.rows));
}

function right(curve) {
  const judged = curve.reduce((sum, one) => sum + one.judged, 0);
  return judged ? `${percent(curve.reduce((sum, one) => sum + one.right * one.judged, 0) / judged)} of ${judged}` : "–";
}

function calibration(one, name, made) {
  if (!one || !one.curve.length) return card(`How ${name}'s probabilities came true`, h("p", {class: "muted"}, "Nothing that it won was judged yet."));
  const place = h("div", {class: "chart"}), points = [...one.curve].sort((two, three) => two.probability - three.probability);
  made.addEventListener("shown", () => chart(place, points.map(two => two.probability), [
    {label: "right", values: points.map(two => two.right), tell: percent},
    {label: "as expected", values: points.map(two => two.probability), line: true, tell: percent},
  ], {time: false, dots: true, y: {x: "expected", tell: percent}, range: {x: [0, 1], y: [0, 1]}}));
  return card(`How ${name}'s probabilities came true`, place, table("The same as a table", [
    {title: "Expected", number: true, cell: two => percent(two.probability)},
    {title: "Right", number: true, cell: two => percent(two.right)},
    {title: "Judged", number: true, cell: two => count(two.judged)},
  ], points));
}

function agreement(tasks) {
  const shown = Object.entries(tasks).filter(([, pairs]) => pairs.length);
  if (!shown.length) return null;
  return card("Who agrees with whom",
    h("p", {class: "muted small"}, "The share of answers that are but copies of the other's: two that copy are one opinion. Darker is more."),
    shown.map(([task, pairs]) => h("details", {}, h("summary", {}, task), map(task, pairs))));
}

function map(task, pairs) {
  const names = [...new Set(pairs.flatMap(one => one.pair))].sort();
  const of = (one, two) => pairs.find(three => three.pair.includes(one) && three.pair.includes(two));
  return table(`Agreement in ${task}`, [
    {title: "Bid", cell: one => one},
    ...names.map(two => ({title: two, cell: one => {
      const found = one === two ? null : of(one, two);
      return found ? h("span", {class: "tag heat", heat: found.copies}, `${percent(found.copies)}${found.agree === null ? "" : `, agree ${percent(found.agree)}`}`) : "–";
    }})),
  ], names);
}

function declared(rows) {
  return card("As they declare themselves", table("Bidders", [
    {title: "Bidder", cell: one => one.name},
    {title: "Kind", cell: one => one.kind},
    {title: "State", cell: one => one.missing ? h("span", {class: "tag warn"}, one.missing) : one.health === "ok" ? h("span", {class: "tag good"}, "ok") : h("span", {class: "tag bad"}, one.health)},
    {title: "May see", cell: one => `up to ${one.accepts}`},
    {title: "Works in", cell: one => one.jurisdictions.join(", ")},
    {title: "Family", cell: one => one.family || "–"},
    {title: "Assumed right", number: true, cell: one => chance(one.right)},
    {title: "At once", number: true, cell: one => count(one.concurrency)},
  ], rows));
}
