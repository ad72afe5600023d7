// Requests: a list to page through, filtered and searched by the server.
import {ask, path} from "../api.js";
import {choice, field, fill, h, table} from "../dom.js";
import {chance, count, lasting, money, short, when} from "../tell.js";

export async function render(made, {query, signal, go}) {
  const asked = Object.fromEntries(["search", "task", "status", "bidder", "before"].map(one => [one, query.get(one) || ""]));
  const [page, seen] = await Promise.all([
    ask(path("/requests", {...asked, limit: 50}), {signal}), ask("/overview", {signal}),
  ]);
  const turn = changes => go(path("/requests", {...asked, before: "", ...changes}));
  const search = h("input", {type: "search", value: asked.search});
  const tasks = seen.tasks.map(one => one.of), winners = seen.winners.map(one => one.of).filter(Boolean);
  fill(made,
    h("h1", {}, "Requests"),
    h("form", {class: "row", onsubmit: event => { event.preventDefault(); turn({search: search.value.trim()}); }},
      field("A part of the id", search),
      field("Task", choice([["", "all"], ...tasks.map(one => [one, one])], asked.task, one => turn({task: one}))),
      field("Status", choice([["", "all"], ["answered", "answered"], ["refused", "refused"], ["open", "open"]], asked.status, one => turn({status: one}))),
      field("Won by", choice([["", "anybody"], ...winners.map(one => [one, one])], asked.bidder, one => turn({bidder: one}))),
      h("button", {type: "submit"}, "Search")),
    h("div", {class: "card"}, table(`Requests, the newest first; ${count(seen.whole.requests)} in all`, [
      {title: "When", cell: one => when(one.time_ns)},
      {title: "Request", cell: one => h("a", {href: `/request/${encodeURIComponent(one.request_id)}`}, short(one.request_id))},
      {title: "Task", cell: one => one.task},
      {title: "Status", cell: one => h("span", {class: `tag ${one.status === "answered" ? "good" : one.status === "refused" ? "warn" : ""}`}, one.status)},
      {title: "From", cell: one => one.winner || one.why || "–"},
      {title: "Right", number: true, cell: one => chance(one.probability)},
      {title: "Price", number: true, cell: one => money(one.cost)},
      {title: "Time", number: true, cell: one => one.status === "open" ? "–" : lasting(one.latency_ns)},
      {title: "Rounds", number: true, cell: one => one.rounds || "–"},
    ], page.requests, {empty: "No request fits. Take a shorter part of the id, or other filters."})),
    h("div", {class: "row"},
      asked.before && h("button", {type: "button", class: "quiet", onclick: () => turn({})}, "The newest"),
      page.next && h("button", {type: "button", onclick: () => turn({before: page.next})}, "Older")));
}
