// Ledger: is it intact, what happened, and all of it to take away.
import {ask, path} from "../api.js";
import {card, choice, field, fill, h, table} from "../dom.js";
import {count, short, when} from "../tell.js";

const KINDS = ["", "request", "award", "started", "finished", "outcome", "feedback", "lessons", "action", "intended", "asked", "answered", "erased", "prices", "mode", "moved", "changed", "market", "tested", "key", "revoked"];

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
      {title: "What", cell: one => h("details", {}, h("summary", {}, gist(one.payload) || `${one.kind} ${one.seq}`), h("pre", {tabindex: "0", "aria-label": `Event ${one.seq}`}, JSON.stringify(one.payload, null, 1)))},
    ], page.events, {empty: "No event fits."})),
    h("div", {class: "row"},
      Number(after) > 0 && h("button", {type: "button", class: "quiet", onclick: () => turn({after: String(Math.max(0, after - 50))})}, "Earlier"),
      page.next !== null && h("button", {type: "button", onclick: () => turn({after: String(page.next)})}, "Later")),
    somebody(signal),
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

/** One subject's data: how much there is, all of it as a file, or gone for ever, which takes two steps. */
function somebody(signal) {
  const subject = h("input", {required: true, autocomplete: "off", spellcheck: "false"});
  const said = h("div", {role: "status"});
  const failed = error => signal.aborted || fill(said, h("p", {class: "bad"}, error.message), error.hint && h("p", {class: "muted"}, error.hint));
  const post = (path, body) => ask(`/subjects/${path}`, {method: "POST", body, signal});
  const look = async event => {
    event.preventDefault();
    const name = subject.value.trim();
    try {
      show(name, await post("look", {subject: name}));
    } catch (error) { failed(error); }
  };
  const show = (name, found) => {
    const nothing = !found.events && !found.files;
    fill(said, h("p", {}, nothing ? `Nothing is kept about ${name}.` : `Kept about ${name}: ${count(found.bodies)} inputs, answers and words, in ${count(found.requests)} requests; ${count(found.files)} files of the inbox.`),
      !nothing && h("div", {class: "row"},
        h("button", {type: "button", onclick: () => post("export", {subject: name}).then(all => save(all, "subject.json")).catch(failed)}, "Hand it out (JSON)"),
        found.confirmation ? h("button", {type: "button", class: "quiet", onclick: () => confirm(name, found)}, "Erase it…") : h("p", {class: "muted small"}, `Erasing takes another role: ${found.why_not}.`)));
  };
  const confirm = (name, found) => {
    const again = h("input", {autocomplete: "off", spellcheck: "false"});
    const erase = async event => {
      event.preventDefault();
      if (again.value.trim() !== name) return again.setCustomValidity("Write the same name again."), again.reportValidity();
      fill(said, h("p", {class: "muted", "aria-busy": "true"}, "Erasing; who writes waits meanwhile…"));
      try {
        proven(name, await post("erase", {subject: name, confirmation: found.confirmation}));
      } catch (error) { failed(error); }
    };
    again.addEventListener("input", () => again.setCustomValidity(""));
    fill(said, h("form", {onsubmit: erase},
      h("p", {}, h("strong", {}, `All of it is gone for ever: ${count(found.bodies)} inputs, answers and words, and what was learned from them.`), " The mailbox itself, and backups, are not touched."),
      h("div", {class: "row"}, field("Write the name again to confirm", again), h("button", {type: "submit"}, "Erase for ever"),
        h("button", {type: "button", class: "quiet", onclick: () => show(name, found)}, "Leave it"))));
    again.focus();
  };
  const proven = (name, proof) => fill(said,
    h("p", {class: "good"}, h("strong", {}, `Erased: ${count(proof.bodies)} inputs, answers and words of ${count(proof.requests)} requests, ${count(proof.files)} files.`)),
    h("p", {class: "muted"}, `Event #${proof.event} says so, under the signed head #${proof.head?.seq}; ${count(proof.left.bodies)} are left. The ledger does not say whose it was, so keep the proof.`),
    h("button", {type: "button", onclick: () => save(proof, "erasure.json")}, "Keep the proof (JSON)"));
  return card("Somebody's data", h("form", {class: "row", onsubmit: look},
    field("An address, or the name that the application gave", subject), h("button", {type: "submit", class: "quiet"}, "Look")), said);
}

function save(told, name) {
  const url = URL.createObjectURL(new Blob([JSON.stringify(told, null, 1)], {type: "application/json"}));
  h("a", {href: url, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/** What an event says, in a line: the first of its texts and numbers. */
function gist(payload) {
  const said = Object.entries(payload).filter(([, one]) => (typeof one === "string" && one && one.length < 40) || (typeof one === "number" && one))
    .slice(0, 3).map(([name, one]) => `${name.replaceAll("_", " ")} ${one}`).join(", ");
  return said.length > 70 ? `${said.slice(0, 68)}…` : said;
}
