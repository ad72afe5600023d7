// Budgets: what a day has cost, of what it may, and how tasks with a budget keep to it.
import {ask, path} from "../api.js";
import {card, field, fill, h, table} from "../dom.js";
import {count, money, percent} from "../tell.js";

export async function render(made, {query, signal, go}) {
  const day = query.get("day") || "";
  const [told, objectives] = await Promise.all([
    ask(path("/budgets", {day}), {signal}), ask("/objectives", {signal}).catch(() => ({rows: []})),
  ]);
  const spent = rows => rows.filter(one => one.spent || one.per_day !== null);
  fill(made,
    h("h1", {}, "Budgets"),
    h("div", {class: "row"},
      field("Day (UTC, as money is counted)", h("input", {type: "date", value: told.day, onchange: event => event.target.value && go(path("/budgets", {day: event.target.value}))}))),
    h("ul", {class: "tiles"}, h("li", {}, h("p", {class: "muted"}, `Spent on ${told.day}`), h("p", {class: "big"}, money(told.spent)), h("p", {class: "small muted"}, told.per_day === null ? "without a cap" : `of ${money(told.per_day)}, reservations included`), of(told.spent, told.per_day, "of the day"), pace(told))),
    card("By task", table("What each task has cost", columns("Task", "task", told.tasks), spent(told.tasks), {empty: "Nothing was spent."})),
    told.keys.length > 0 && card("By key", table("What was spent with each key", columns("Key", "name", told.keys), told.keys)),
    told.teams.length > 0 && card("By team", table("What each team with a cap has spent", columns("Team", "team", told.teams), told.teams)),
    told.tenants.length > 0 && card("By tenant", table("What each tenant with a cap has spent", columns("Tenant", "tenant", told.tenants), told.tenants)),
    card("Tasks under a budget or a target", table("How they keep to it", [
      {title: "Task", cell: one => one.task},
      {title: "Objective", cell: one => one.objective},
      {title: "Settled", number: true, cell: one => count(one.settled)},
      {title: "Right", number: true, cell: one => `${percent(one.mean, 1)} ${one.verified ? "(by labels)" : "(estimated)"}`},
      {title: "Shadow price: a right answer is bought at", number: true, cell: one => money(one.worth)},
      {title: "Left in this window", number: true, cell: one => money(one.left)},
      {title: "State", cell: one => one.attainable ? h("span", {class: "tag good"}, "attainable") : h("span", {class: "tag bad"}, "not attainable")},
    ], objectives.rows, {empty: "Every task is bought at its worth. Give one a budget or a target in its declaration."})));
}

function of(spent, cap, what) {
  return cap ? h("meter", {min: 0, max: cap, high: cap * 0.9, value: spent, "aria-label": `${percent(spent / cap)} ${what}`}) : null;
}

/** Of a day that is not over: how much of it has passed, and what it comes to at this pace. */
function pace(told) {
  const begun = Date.parse(`${told.day}T00:00Z`), passed = (Date.now() - begun) / 864e5;
  if (!(passed > 0 && passed < 1) || !told.spent) return null;
  const end = told.spent / passed;
  return h("p", {class: told.per_day && end > told.per_day ? "small warn" : "small muted"},
    `${percent(passed)} of the day has passed; at this pace it comes to ${money(end)}${told.per_day && end > told.per_day ? ", which is more than it may" : ""}.`);
}

function columns(title, name, rows) {
  return [
    {title, cell: one => one[name] || one.key},
    {title: "Spent", number: true, cell: one => money(one.spent)},
    rows.some(one => one.per_day !== null) && {title: "May cost", number: true, cell: one => one.per_day === null ? "–" : money(one.per_day)},
    rows.some(one => one.per_day !== null) && {title: "Of its cap", cell: one => of(one.spent, one.per_day, `of ${one[name] || one.key}`)},
  ].filter(Boolean);
}
