// Request: the story of one decision, and the same auction run again with other numbers.
import {ask, path} from "../api.js";
import {bar, card, choice, field, fill, h, table} from "../dom.js";
import {chance, count, lasting, money, percent, value, when} from "../tell.js";

const SOURCES = {labelled: "by feedback on such answers", agreement: "by who agrees with whom; not verified", prior: "by assumption; not verified"};
const named = action => action.length ? action.join(" and ") : "nothing: the market settled";

export async function render(made, {id, signal, again}) {
  const at = `/requests/${encodeURIComponent(id)}`;
  const told = await ask(path(`${at}/explain`, {bodies: true}), {signal})
    .catch(error => { if (error.status !== 403) throw error; return ask(`${at}/explain`, {signal}); });
  fill(made, head(told), told.rounds.map(one => round(one, at, told, signal)), story(told), feedback(told, at, again), input(told));
}

function head(told) {
  const {asked, outcome} = told;
  const told_at = `${asked.task}, ${when(asked.time_ns)}`;
  if (!outcome) return h("div", {class: "card"}, h("h1", {}, "Still open"), h("p", {class: "muted"}, told_at));
  return h("div", {class: "card"},
    h("p", {class: "muted"}, told_at, " · ", h("code", {}, asked.request_id)),
    h("h1", {}, outcome.status === "refused" ? `Refused: ${outcome.why}` : "Answered"),
    outcome.status === "answered" && h("p", {class: "answer"}, body(outcome.answer_state, outcome.answer)),
    h("dl", {},
      outcome.winner && [h("dt", {}, "From"), h("dd", {}, outcome.winner)],
      h("dt", {}, "Right"), h("dd", {}, `with probability ${chance(outcome.probability)}, ${SOURCES[outcome.probability_source]}`),
      h("dt", {}, "Cost"), h("dd", {}, `${money(outcome.cost)}, in ${count(outcome.rounds)} round${outcome.rounds === 1 ? "" : "s"} and ${lasting(outcome.latency_ns)}`),
      h("dt", {}, "Worth"), h("dd", {}, `${money(asked.worth)} if right${asked.objective ? `, steered for the ${asked.objective}` : ""}; at most ${money(asked.max_price)}; a second of waiting costs ${money(asked.latency_price)}`),
      h("dt", {}, "Data"), h("dd", {}, asked.label),
      asked.assigned && [h("dt", {}, "Mode"), h("dd", {}, asked.assigned)]));
}

function body(state, content) {
  return state === "shown" ? value(content) : state === "erased" ? "(erased)" : "(not shown)";
}

function round(one, at, told, signal) {
  const most = Math.max(1e-9, ...one.bids.map(bid => bid.probability));
  return card(`Round ${one.number}`,
    h("p", {}, one.standing_group === null ? "No answer in hand. " : `An answer in hand, right with ${chance(one.standing)}. `,
      h("strong", {}, one.chosen.length ? `Bought: ${named(one.chosen)}. ` : "Nothing more was worth its price. "),
      one.explored && one.chosen.length > 0 && String(one.chosen) !== String(one.best) ? `Drawn to learn, with a chance of ${percent(one.propensity)}; best by gain: ${named(one.best)}.` : "",
      one.margin !== null && one.margin > 0 && one.runner_up ? `Ahead of ${named(one.runner_up)} by ${money(one.margin)}.` : ""),
    one.expected && h("p", {class: "muted"}, one.expected),
    table("Bids", [
      {title: "Bid", cell: bid => [bid.key, bid.bought && [" ", h("span", {class: "tag good"}, "bought")]]},
      {title: "Right", cell: bid => bar(bid.probability / most, chance(bid.probability))},
      {title: "Chance", number: true, cell: bid => `${chance(bid.probability)} ± ${chance(bid.spread)}`},
      {title: "Price", number: true, cell: bid => money(bid.price)},
      {title: "Time", number: true, cell: bid => lasting(bid.latency_ns)},
      {title: "Gain", number: true, cell: bid => bid.score === null ? h("span", {class: "muted"}, "not weighed alone") : money(bid.score)},
      {title: "Evidence", cell: bid => evidence(bid)},
    ], one.bids, {won: bid => bid.bought, empty: "Nobody could bid."}),
    one.no_bids.length > 0 && h("details", {}, h("summary", {}, `${count(one.no_bids.length)} did not bid`),
      table("Who did not bid, and why", [
        {title: "Bid", cell: bid => bid.key}, {title: "Why", cell: bid => [bid.words, bid.detail && `: ${bid.detail}`]},
      ], one.no_bids)),
    one.attempts.length > 0 && table("What they did", [
      {title: "Attempt", cell: two => two.key},
      {title: "Said", cell: two => two.status === "answered" ? body(two.answer_state, two.answer) : h("span", {class: "bad"}, two.status === "failed" ? `${two.words}${two.detail ? `: ${two.detail}` : ""}` : "not finished")},
      {title: "Agrees", cell: two => two.group === null ? "–" : `answer ${two.group + 1}`},
      {title: "Price", number: true, cell: two => money(two.price)},
      {title: "Time", number: true, cell: two => lasting(two.latency_ns)},
      {title: "In hand then", number: true, cell: two => chance(two.hand)},
    ], one.attempts),
    one.unproven ? h("p", {class: "warn"}, one.unproven) : sliders(one, at, told, signal));
}

function evidence(bid) {
  const seen = bid.grounds;
  if (!seen.task_count) return h("span", {class: "muted"}, `assumed ${chance(seen.prior)}`);
  return `${seen.task_count.toFixed(0)} outcome${seen.task_count.toFixed(0) === "1" ? "" : "s"} here, ${percent(seen.task_share)} right`;
}

/** The auction is run again by the server at each move; nothing is worked out here. */
function sliders(one, at, told, signal) {
  if (!one.bids.length) return null;
  const said = h("p", {role: "status", class: "muted"}, "Move a slider: the auction is run again with that number and nothing else changed.");
  const keys = one.bids.map(bid => bid.key), changes = {worth: 0, price: 0, probability: null};
  let key = one.chosen[0] || keys[0], waiting = null;
  const bid = () => one.bids.find(two => two.key === key);
  const worth = () => Math.max(1, Math.round(told.asked.worth * 10 ** changes.worth));
  const price = () => changes.price <= -3 ? 0 : Math.round((bid().price || 1000) * 10 ** changes.price);
  const tell = () => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const asked = {round: one.number};
      if (changes.worth !== 0) asked.worth = worth();
      if (changes.price !== 0) asked.prices = {[key]: price()};
      if (changes.probability !== null) asked.probabilities = {[key]: changes.probability};
      try {
        const found = await ask(`${at}/again`, {method: "POST", body: asked, signal});
        fill(said, found.changes ? h("strong", {class: "warn"}, `Then it would have been: ${named(found.chosen)}`) : `Still ${named(found.chosen)}`,
          `. Best by gain: ${named(found.best)}${found.candidates.length ? `, ${money(found.candidates[0].score)} over settling` : ""}.`);
      } catch (error) {
        if (!signal.aborted) fill(said, h("span", {class: "bad"}, error.message));
      }
    }, 120);
  };
  const slide = (label, {min, max, step, value: begin}, change, name) => {
    const output = h("output", {}, name());
    const control = h("input", {type: "range", min, max, step, value: begin, oninput: event => { change(Number(event.target.value)); output.textContent = name(); control.setAttribute("aria-valuetext", name()); tell(); }});
    control.id = `${label}-${one.number}`.toLowerCase().replace(/[^a-z0-9]+/g, "-");
    control.setAttribute("aria-valuetext", name());
    return h("div", {}, h("label", {for: control.id}, label, ": ", output), control);
  };
  const place = h("div", {class: "two"});
  const draw = () => fill(place,
    slide("Worth of a right answer", {min: -3, max: 3, step: 0.05, value: changes.worth}, two => { changes.worth = two; }, () => `${money(worth())}`),
    slide(`Price of ${key}`, {min: -3, max: 3, step: 0.05, value: changes.price}, two => { changes.price = two; }, () => changes.price === 0 ? money(bid().price) : money(price())),
    slide(`Chance that ${key} is right`, {min: 0.01, max: 0.99, step: 0.01, value: bid().probability}, two => { changes.probability = two; }, () => chance(changes.probability ?? bid().probability)));
  draw();
  const who = choice(keys.map(two => [two, two]), key, two => { key = two; changes.price = 0; changes.probability = null; draw(); tell(); });
  who.id = `whose-${one.number}`;
  return h("details", {}, h("summary", {}, "What would it have taken?"), h("div", {class: "row"}, field("Whose numbers", who)), place, said,
    worths(one));
}

function worths(one) {
  const rows = one.worths.filter(two => two.changes);
  return table("The award at other worths, each run again", [
    {title: "If a right answer were worth", cell: two => money(two.worth)}, {title: "Bought", cell: two => named(two.chosen)},
  ], rows, {empty: "At a hundredth to a hundred times the worth, the award stays the same."});
}

function story(told) {
  return told.words.length > 0 && card("What was said of it since", table("Feedback", [
    {title: "When", cell: one => when(one.time_ns)},
    {title: "Who", cell: one => [one.source, one.author && ` (${one.author})`]},
    {title: "Right", number: true, cell: one => chance(one.value)},
    {title: "What is right", cell: one => one.truth === null ? "–" : body(one.truth_state, one.truth)},
    {title: "Learned", cell: one => `${count(one.lessons.length)} lessons`},
  ], told.words));
}

function feedback(told, at, again) {
  if (!told.outcome || told.outcome.status !== "answered") return null;
  const said = h("p", {role: "status"});
  const labels = told.asked.labels || [];
  const say = async what => {
    try {
      await ask(`${at}/feedback`, {method: "POST", body: {source: "person", ...what}});
      again();
    } catch (error) {
      fill(said, h("span", {class: "bad"}, `${error.message} ${error.hint}`));
    }
  };
  return card("Was it right?",
    h("div", {class: "answers"},
      h("button", {type: "button", onclick: () => say({value: 1})}, "Right"),
      h("button", {type: "button", class: "quiet", onclick: () => say({value: 0})}, "Wrong"),
      labels.map(one => h("button", {type: "button", class: "quiet", onclick: () => say({truth: one})}, `It is ${one}`))),
    said);
}

function input(told) {
  return card("What was asked", fields(told.asked.input_state === "shown" && told.asked.input)
    || h("pre", {tabindex: "0", "aria-label": "Input"}, body(told.asked.input_state, told.asked.input)),
    h("p", {class: "small muted"}, `Microtask version ${told.asked.task_version}. On the command line: `, h("code", {}, `atomic explain ${told.asked.request_id}`)));
}

/** An object of texts and numbers as its fields, those that are empty left out; null for anything else. */
function fields(one) {
  if (!one || typeof one !== "object" || Array.isArray(one)) return null;
  const inner = Object.values(one);
  if (inner.length === 1 && typeof inner[0] === "object") return fields(inner[0]);
  if (inner.some(two => two && typeof two === "object")) return null;
  return h("dl", {class: "fields"}, Object.entries(one).filter(([, two]) => two !== "" && two !== null)
    .flatMap(([name, two]) => [h("dt", {}, name), h("dd", {}, value(two))]));
}
