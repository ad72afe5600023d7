// Ledger: is it intact, what happened, and all of it to take away.
import {ask, path} from "../api.js";
import {card, choice, field, fill, h, table} from "../dom.js";
import {count, short, when} from "../tell.js";

const KINDS = ["", "request", "award", "started", "finished", "outcome", "feedback", "lessons", "action", "intended", "asked", "answered", "erased", "prices", "mode", "moved", "changed", "market", "key", "revoked"];

export async function render(made, {query, signal, go}) {
  const head = await ask("/ledger/head", {signal});
  const kind = query.get("kind") || "", id = query.get("request_id") || "";
  const after = query.get("after") ?? (kind || id ? "0" : String(Math.max(0, head.seq - 50)));
  const page = await ask(path("/ledger/events", {after, kind, request_id: id, limit: 50}), {signal});
  const turn = changes => go(path("/ledger", {kind, request_id: id, after, ...changes}));
  const number = h("input", {type: "number", min: 1, max: Math.max(1, head.seq), value: Number(after) + 1});
  const request = h("input", {type: "search", value: id});
  fill(made, h("h1", {}, "Ledger"), integrity(head, signal),
    h("form", {class: "row", onsubmit: event => { event.preventDefault(); turn({after: String(Math.max(0, number.value - 1)), request_id: request.value.trim()}); }},
      field("From event", number), field("Of request", request),
      field("Kind", choice(KINDS.map(one => [one, one || "all"]), kind, one => turn({kind: one, after: "0"}))),
      h("button", {type: "submit"}, "Show")),
    h("div", {class: "card"}, table(`Events after ${after}; the last is ${count(head.seq)}`, [
      {title: "Event", number: true, cell: one => `#${one.seq}`},
      {title: "When", cell: one => when(one.time_ns)},
      {title: "Kind", cell: one => h("span", {class: "tag"}, one.kind)},
      {title: "Request", cell: one => one.request_id ? h("a", {href: `/request/${encodeURIComponent(one.request_id)}`}, short(one.request_id)) : "–"},
      {title: "Data", cell: one => one.label},
      {title: "What", cell: one => h("details", {}, h("summary", {}, `${one.kind} ${one.seq}`), h("pre", {tabindex: "0", "aria-label": `Event ${one.seq}`}, JSON.stringify(one.payload, null, 1)))},
    ], page.events, {empty: "No event fits."})),
    h("div", {class: "row"},
      Number(after) > 0 && h("button", {type: "button", class: "quiet", onclick: () => turn({after: String(Math.max(0, after - 50))})}, "Earlier"),
      page.next !== null && h("button", {type: "button", onclick: () => turn({after: String(page.next)})}, "Later")),
    card("Take it away", h("p", {}, h("a", {href: "/api/v1/ledger/export", download: "ledger.jsonl"}, "All events with signed heads, as lines of JSON"), ", without inputs and answers."),
      h("p", {class: "muted small"}, "For an auditor, with a program that checks it offline: ", h("code", {}, "atomic audit FOLDER --since 7d"))));
}

function integrity(head, signal) {
  const said = h("div", {role: "status"}, h("p", {class: "muted"}, `${count(head.seq)} events, the last on ${when(head.time_ns)}.`));
  const check = async event => {
    event.target.disabled = true;
    fill(said, h("p", {class: "muted"}, "Checking every event, head and body…"));
    try {
      const found = await ask("/ledger/verify", {method: "POST", signal});
      fill(said, h("p", {class: found.ok ? "good" : "bad"}, h("strong", {}, found.ok ? "Intact: all is as it was written." : "NOT as it was written.")),
        h("p", {class: "muted"}, `${count(found.events)} events, ${count(found.bodies)} bodies and ${count(found.blobs)} contents compared, ${count(found.erased)} erased; sealed up to #${count(found.sealed_to)}, ${count(found.unsealed)} after it.`),
        found.problems.length > 0 && h("ul", {}, found.problems.map(([seq, what]) => h("li", {class: "bad"}, `#${seq}: ${what}`))));
    } catch (error) {
      if (!signal.aborted) fill(said, h("p", {class: "bad"}, error.message), h("p", {class: "muted"}, error.hint));
    }
    event.target.disabled = false;
  };
  return card("Is it intact?", said, h("button", {type: "button", onclick: check}, "Verify"));
}
