// Review: a person's queue. Every step has a key; every button is large enough for a thumb.
import {ask, path} from "../api.js";
import {card, field, fill, h} from "../dom.js";
import {money, value, when} from "../tell.js";

export async function render(made, {query, signal, go, again}) {
  const name = localStorage.getItem("reviewer") || "";
  const [{questions}, me] = await Promise.all([ask("/review", {signal}), ask("/access/me", {signal})]);
  const own = me.name && !(me.kind === "Key" && me.roles.includes("admin")) ? me.name : ""; // the server takes no other
  const which = Math.min(Math.max(0, Number(query.get("at")) || 0), Math.max(0, questions.length - 1));
  const reviewer = h("input", {value: own || name, readonly: Boolean(own), autocomplete: "name", oninput: event => own || localStorage.setItem("reviewer", event.target.value.trim())});
  fill(made, h("h1", {}, "Review"),
    h("div", {class: "row"}, field("Your name, as it will stand in the ledger", reviewer),
      h("p", {class: "muted", role: "status"}, questions.length ? `${which + 1} of ${questions.length} that wait` : "")));
  if (!questions.length) return made.append(card("Nothing waits", h("p", {}, "Nobody needs an answer from a person now. This page asks again when you open it.")));
  const one = await ask(`/review/${encodeURIComponent(questions[which].question)}`, {signal});
  const said = h("p", {role: "status"});
  const turn = step => go(path("/review", {at: (which + step + questions.length) % questions.length}));
  const say = async given => {
    const who = reviewer.value.trim();
    if (!who) { reviewer.focus(); return fill(said, h("span", {class: "bad"}, "Write your name first.")); }
    try {
      await ask(`/review/${encodeURIComponent(one.question)}/answer`, {method: "POST", body: {reviewer: who, value: given}});
      again();
    } catch (error) {
      fill(said, h("span", {class: "bad"}, `${error.message} ${error.hint}`));
    }
  };
  const keys = new Map([["j", () => turn(1)], ["k", () => turn(-1)], ["d", () => say(null)]]);
  made.append(question(one), answers(one, say, keys), h("div", {class: "row"},
    h("button", {type: "button", class: "quiet", onclick: () => turn(-1)}, "Before ", h("kbd", {}, "k")),
    h("button", {type: "button", class: "quiet", onclick: () => turn(1)}, "Next ", h("kbd", {}, "j"))), said);
  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || /INPUT|TEXTAREA|SELECT/.test(event.target.tagName)) return;
    const act = keys.get(event.key);
    if (act) { event.preventDefault(); act(); }
  }, {signal});
}

function question(one) {
  return card(one.kind === "approval" ? "May this be done?" : one.task,
    one.instruction && h("p", {}, one.instruction),
    h("pre", {tabindex: "0", "aria-label": "What it is about"}, one.text),
    one.said.length > 0 && h("p", {class: "muted"}, "Said so far: ", one.said.map(two => `${two.reviewer}: ${two.declined ? "declined" : value(two.value)}`).join("; ")),
    h("p", {class: "small muted"}, `Until ${when(one.until_ns)}. `, one.price ? `An answer earns ${money(one.price)}. ` : "",
      one.works_on_it.length ? `${one.works_on_it.join(", ")} works on it. ` : "",
      h("a", {href: `/request/${encodeURIComponent(one.request_id)}`}, "Its request")));
}

function answers(one, say, keys) {
  const decline = h("button", {type: "button", class: "quiet", onclick: () => say(null)}, one.kind === "approval" ? "Refuse " : "I cannot say ", h("kbd", {}, "d"));
  if (one.kind === "approval") {
    keys.set("y", () => say(true));
    keys.set("n", () => say(false));
    return card("Your word", h("div", {class: "answers"}, h("button", {type: "button", onclick: () => say(true)}, "Let it be done ", h("kbd", {}, "y")),
      h("button", {type: "button", class: "quiet", onclick: () => say(false)}, "Refuse ", h("kbd", {}, "n"))));
  }
  if (one.labels.length) {
    one.labels.slice(0, 9).forEach((label, index) => keys.set(String(index + 1), () => say(label)));
    return card("Your answer", h("div", {class: "answers"}, one.labels.map((label, index) =>
      h("button", {type: "button", onclick: () => say(label)}, label, " ", index < 9 && h("kbd", {}, String(index + 1)))), decline));
  }
  const text = h("textarea", {rows: 5, cols: 60, "aria-describedby": "answer-form"});
  const send = event => {
    event.preventDefault();
    let given = text.value;
    try { given = JSON.parse(given); } catch { /* it is a text */ }
    say(given);
  };
  return card("Your answer", h("form", {onsubmit: send}, field("Answer", text),
    h("p", {class: "small muted", id: "answer-form"}, `Of the form ${JSON.stringify(one.answer.type || one.answer.title || "text")}; an object is written as JSON.`),
    h("div", {class: "answers"}, h("button", {type: "submit"}, "Send"), decline)));
}
