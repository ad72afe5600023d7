// Inbox: each mail with all that was decided of it, and what was done.
import {ask, path} from "../api.js";
import {fill, h, table} from "../dom.js";
import {chance, count, day, money, value, when} from "../tell.js";

export async function render(made, {query, signal, go}) {
  const page = await ask(path("/inbox", {before: query.get("before") || "", limit: 30}), {signal});
  fill(made, h("h1", {}, "Inbox"),
    h("div", {class: "card"}, table("Mails, the newest first", [
      {title: "When", cell: one => h("span", {class: "still", title: when(one.time_ns)}, day(one.time_ns))},
      {title: "From", cell: one => from(one.sender)},
      {title: "Subject", cell: one => one.subject || h("span", {class: "muted"}, one.mail)},
      {title: "Decided, with which chance of being right", roomy: true, cell: one => h("div", {class: "decided"}, one.decisions.map(two => h("span", {}, h("a", {href: `/request/${encodeURIComponent(two.request_id)}`}, two.task), " ",
        two.status === "refused" ? h("span", {class: "warn"}, "refused") : brief(two.answer), h("span", {class: "muted"}, ` ${chance(two.probability)}${two.cost ? `, ${money(two.cost)}` : ""}`))))},
      {title: "Done", cell: one => one.actions.map(two => h("div", {}, h("span", {class: `tag ${two.status === "done" ? "good" : two.status === "failed" ? "bad" : ""}`}, `${two.action}: ${two.status}`)))},
    ], page.mails, {empty: page.ready ? "No mail was handled yet. Begin with: atomic inbox serve PATH" : "The past is being read; look again in a moment."})),
    h("div", {class: "row"},
      query.get("before") && h("button", {type: "button", class: "quiet", onclick: () => go("/inbox")}, "The newest"),
      page.next && h("button", {type: "button", onclick: () => go(path("/inbox", {before: page.next}))}, "Older")),
    h("p", {class: "muted small"}, `${count(page.mails.length)} mails on this page.`));
}

/** An answer in a word or two. */
function brief(answer) {
  if (typeof answer === "boolean") return answer ? "yes" : "no";
  const text = value(answer).replace(/\s+/g, " ");
  return text.length <= 24 ? text : `${text.slice(0, 22)}…`;
}

/** A sender: the name, and below it the address. */
function from(sender) {
  const [, name, address] = /^(.*?)\s*<([^<>]*)>$/.exec(sender) || [null, sender, ""];
  return name && address ? [name, h("div", {class: "small muted"}, address)] : sender || "–";
}
