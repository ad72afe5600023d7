// Tasks: what each costs and how right it is, bid by bid, and how its objective stands.
import {ask, path} from "../api.js";
import {chart} from "../charts.js";
import {card, fill, h, table} from "../dom.js";
import {chance, count, lasting, money, percent, when} from "../tell.js";

export async function render(made, {query, signal}) {
  const task = query.get("task") || "";
  const [seen, declared, objectives, modes] = await Promise.all([
    ask("/overview", {signal}), ask("/tasks", {signal}),
    ask("/objectives", {signal}).catch(() => ({rows: []})), ask("/modes", {signal}).catch(() => ({rows: []})),
  ]);
  const [tactics, cases] = task ? await Promise.all(["/overview/tactics", "/overview/cases"].map(of => ask(path(of, {task}), {signal}).catch(() => null))) : [];
  const names = [...new Set([...seen.tasks.map(one => one.of), ...declared.map(one => one.name)])].sort();
  const of = Object.fromEntries(seen.tasks.map(one => [one.of, one]));
  fill(made,
    h("h1", {}, "Tasks"),
    h("div", {class: "card"}, table("Microtasks, and what they came to", [
      {title: "Task", cell: one => h("a", {href: path("/tasks", {task: one}), "aria-current": one === task ? "true" : null}, one)},
      {title: "Requests", number: true, cell: one => count(of[one]?.requests ?? 0)},
      {title: "Refused", number: true, cell: one => count(of[one]?.refused ?? 0)},
      {title: "A thousand cost", number: true, cell: one => of[one]?.requests ? money(of[one].cost / of[one].requests * 1000) : "–"},
      {title: "Expected right", number: true, cell: one => percent(of[one]?.probability)},
      {title: "Right, of judged", number: true, cell: one => of[one]?.judged ? `${percent(of[one].right)} of ${of[one].judged}` : "–"},
      {title: "Time", number: true, cell: one => lasting(of[one]?.latency_ns)},
      {title: "Objective", cell: one => objectives.rows.filter(two => two.task === one).map(two => two.objective).join(", ") || "worth"},
      {title: "Mode", cell: one => modes.rows.filter(two => two.task === one).map(two => two.mode || two.now || "").join(", ") || "market"},
    ], names, {won: one => one === task, empty: "No task was declared or asked yet."})),
    task && one(task, seen, declared.find(two => two.name === task), objectives.rows.filter(two => two.task === task), {tactics, cases}, made));
}

function one(task, seen, declared, objectives, {tactics, cases}, made) {
  const rows = seen.task_winners.map(two => ({...two, bid: two.of.split("\n")[1], task: two.of.split("\n")[0]})).filter(two => two.task === task && two.bid);
  const judged = rows.filter(two => two.judged).map(two => ({...two, price: two.cost / two.requests * 1000})).sort((two, three) => two.price - three.price);
  const place = h("div", {class: "chart"});
  made.addEventListener("shown", () => judged.length > 1 && chart(place, judged.map(two => two.price / 1e9),
    [{label: "right", values: judged.map(two => two.right), tell: percent}],
    {time: false, dots: true, y: {x: "$ a thousand", tell: percent}}));
  return [
    card(`Cost and quality of ${task}`,
      judged.length > 1 ? place : h("p", {class: "muted"}, "A picture needs two bids that won requests which were judged."),
      table("Who won it", [
        {title: "Bid", cell: two => two.bid},
        {title: "Won", number: true, cell: two => count(two.requests)},
        {title: "A thousand cost", number: true, cell: two => money(two.cost / two.requests * 1000)},
        {title: "Expected right", number: true, cell: two => percent(two.probability)},
        {title: "Right, of judged", cell: two => two.judged ? `${percent(two.right)} of ${two.judged}, between ${percent(two.right_low)} and ${percent(two.right_high)}` : "–"},
        {title: "Time", number: true, cell: two => lasting(two.latency_ns)},
      ], rows, {empty: "Nobody won it yet."})),
    tactics && tactics.bids.length > 0 && lifts(tactics),
    cases && tested(task, cases),
    objectives.length > 0 && card("How its objective stands", table("Objectives", [
      {title: "Objective", cell: two => two.objective},
      {title: "Settled", number: true, cell: two => count(two.settled)},
      {title: "Right", number: true, cell: two => `${chance(two.mean)} ${two.verified ? "(by labels)" : "(estimated)"}`},
      {title: "A right answer is bought at", number: true, cell: two => money(two.worth)},
      {title: "Left", number: true, cell: two => money(two.left)},
      {title: "State", cell: two => two.attainable ? "" : h("span", {class: "tag bad"}, "not attainable")},
    ], objectives)),
    declared && card("As it is declared", h("pre", {tabindex: "0", "aria-label": "Instruction"}, declared.instruction),
      h("dl", {}, h("dt", {}, "Version"), h("dd", {}, declared.version), h("dt", {}, "Data"), h("dd", {}, declared.label),
        declared.labels.length > 0 && [h("dt", {}, "Answers"), h("dd", {}, declared.labels.join(", "))],
        h("dt", {}, "Worth"), h("dd", {}, money(declared.terms.worth)), h("dt", {}, "At most"), h("dd", {}, money(declared.terms.max_price)))),
  ];
}

function lifts(tactics) {
  return card("Tactics", h("p", {class: "muted small"}, "Lift is over the same bidder asked plainly; its interval holds however often one looks."),
    table("What came of each tactic", [
      {title: "Tactic", cell: one => one.of},
      {title: "Tried", number: true, cell: one => count(one.tried)},
      {title: "Won", number: true, cell: one => count(one.won)},
      {title: "Right, of judged", number: true, cell: one => one.judged ? `${percent(one.right)} of ${one.judged}` : "–"},
      {title: "Lift", cell: one => one.lift ? `${percent(one.lift.mean, 1)}, between ${percent(one.lift.low, 1)} and ${percent(one.lift.high, 1)}` : "–"},
      {title: "Cost each", number: true, cell: one => money(one.tried ? one.cost / one.tried : null)},
    ], tactics.bids),
    tactics.stopped.length > 0 && h("ul", {}, tactics.stopped.map(one => h("li", {}, `${one.stopped} is asked no more: ${one.by} is right more often by ${percent(one.lead)} (${count(one.pairs)} pairs)`))),
    tactics.retired.length > 0 && h("ul", {}, tactics.retired.map(one => h("li", {}, `example ${one.example} is shown no more: ${one.wrong} of ${one.repeated} answers like it were wrong`))));
}

function tested(task, {runs, cases}) {
  const make = h("p", {class: "muted small"}, "Cases are files of inputs and what is expected (", h("code", {}, "*.cases.yaml"), "). Play them, and put down what came: ", h("code", {}, "atomic test FOLDER --record"), ". Nothing is learned from them.");
  if (!runs.length) return card("Test cases", h("p", {}, "No run of its test cases was put down here yet."), make);
  const [last] = runs, mark = {passed: "good", failed: "bad", skipped: "warn"};
  return card("Test cases",
    h("p", {}, h("strong", {class: last.passed === last.of ? "good" : "bad"}, `${count(last.passed)} of ${count(last.of)} passed`), ` on ${when(last.time_ns)}, answered by ${last.bidder || "the market"}.`,
      runs.length > 1 && h("span", {class: "muted"}, ` Before: ${runs.slice(1).map(two => `${two.passed}/${two.of}`).join(", ")}.`)),
    table("The last run, failures first", [
      {title: "Case", cell: two => two.id},
      {title: "Result", cell: two => h("span", {class: `tag ${mark[two.status]}`}, two.status)},
      {title: "What is wrong", cell: two => two.said.length ? two.said.map(line => h("div", {}, line)) : "–"},
      {title: "Answered by", cell: two => two.winner ? h("a", {href: path("/requests", {task, bidder: two.winner})}, two.winner) : "–"},
      {title: "Chance", number: true, cell: two => two.winner ? chance(two.probability) : "–"},
      {title: "Price", number: true, cell: two => money(two.cost)},
      {title: "Time", number: true, cell: two => two.winner ? lasting(two.latency_ns) : "–"},
    ], [...cases].sort((two, three) => (two.status === "passed") - (three.status === "passed"))),
    h("p", {class: "muted small"}, "They were played on a copy of the ledger: the requests linked are those that the same bid won in earnest."), make);
}
