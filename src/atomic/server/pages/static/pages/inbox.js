// Inbox: each mail with all that was decided of it, and what was done.
import {ask, path} from "../api.js";
import {fill, h, table} from "../dom.js";
import {chance, count, money, value, when} from "../tell.js";

export async function render(made, {query, signal, go}) {
  const page = await ask(path("/inbox", {before: query.get("before") || "", limit: 30}), {signal});
  fill(made, h("h1", {}, "Inbox"),
    h("div", {class: "card"}, table("Mails, the newest first", [
      {title: "When", cell: one => when(one.time_ns)},
      {title: "From", cell: one => one.sender || "–"},
      {title: "Subject", cell: one => one.subject || h("span", {class: "muted"}, one.mail)},
      {title: "Decided", cell: one => one.decisions.map(two => h("div", {}, h("a", {href: `/request/${encodeURIComponent(two.request_id)}`}, two.task), ": ",
        two.status === "refused" ? h("span", {class: "warn"}, "refused") : value(two.answer).slice(0, 40), h("span", {class: "muted"}, ` (${chance(two.probability)}, ${money(two.cost)})`)))},
      {title: "Done", cell: one => one.actions.map(two => h("div", {}, h("span", {class: `tag ${two.status === "done" ? "good" : two.status === "failed" ? "bad" : ""}`}, `${two.action}: ${two.status}`)))},
    ], page.mails, {empty: page.ready ? "No mail was handled yet. Begin with: atomic inbox serve PATH" : "The past is being read; look again in a moment."})),
    h("div", {class: "row"},
      query.get("before") && h("button", {type: "button", class: "quiet", onclick: () => go("/inbox")}, "The newest"),
      page.next && h("button", {type: "button", onclick: () => go(path("/inbox", {before: page.next}))}, "Older")),
    h("p", {class: "muted small"}, `${count(page.mails.length)} mails on this page.`));
}
