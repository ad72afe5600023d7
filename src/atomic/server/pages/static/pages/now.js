// Now: what flows, what it costs, how right it is, and what the market saves.
import {ask, path} from "../api.js";
import {chart} from "../charts.js";
import {bar, card, choice, field, fill, h, table} from "../dom.js";
import {at, chance, count, lasting, money, percent, short, zone} from "../tell.js";

const HOUR = 3600e9, DAY = 24 * HOUR;
const SPANS = [["hour", "The last hour"], ["day", "The last 24 hours"], ["week", "The last 7 days"], ["month", "The last 30 days"], ["all", "All"], ["date", "One day…"]];

function bounds(span, date) {
  const now = Date.now() * 1e6;
  if (span === "date" && date) {
    const begin = new Date(`${date}T00:00`), end = new Date(begin);
    end.setDate(end.getDate() + 1);
    return {since_ns: begin.getTime() * 1e6, until_ns: end.getTime() * 1e6};
  }
  const length = {hour: 0, day: DAY, week: 7 * DAY, month: 30 * DAY}[span];
  return length === undefined ? {} : {since_ns: Math.max(0, Math.floor((now - length) / HOUR) * HOUR)};
}

export async function render(made, {query, signal, go}) {
  const span = query.get("date") ? "date" : query.get("span") || "day", date = query.get("date") || "";
  const [told, bidders] = await Promise.all([
    ask(path("/overview", bounds(span, date)), {signal}), ask("/bidders", {signal}),
  ]);
  const names = bidders.rows.map(one => one.name), against = localStorage.getItem("against") || "";
  const tiles = h("ul", {class: "tiles"});
  const day = h("input", {type: "date", value: date, onchange: event => event.target.value && go(`/?date=${event.target.value}`)});
  fill(made,
    h("h1", {}, "Now"),
    h("div", {class: "row"},
      field("Time", choice(SPANS, span, one => one === "date" ? day.focus() : go(`/?span=${one}`))),
      field("A day", day),
      h("p", {class: "muted small"}, `Times are in ${zone}.`)),
    tiles,
    h("div", {class: "two unequal"}, flow(told, made), winners(told)),
    recent(signal),
  );
  drawTiles(tiles, told);
  tiles.append(savings(names, against, signal));
  addEventListener("live", event => { if (span !== "date") now(tiles, event.detail); }, {signal});
}

function tile(name, big, ...small) {
  return h("li", {}, h("p", {class: "muted"}, name), h("p", {class: "big"}, big), small.map(one => h("p", {class: "small muted"}, one)));
}

function drawTiles(tiles, told) {
  const all = told.whole, answered = all.requests - all.refused;
  fill(tiles,
    tile("Requests", h("span", {id: "flowing"}, count(all.requests)), `${count(answered)} answered, ${count(all.refused)} refused`, h("span", {id: "underway"}, `${count(told.open)} under way`)),
    tile("Spent", money(all.cost), all.requests ? `${money(all.cost / all.requests * 1000)} a thousand requests` : "nothing was asked"),
    tile("Right", all.judged ? percent(all.right) : "not judged",
      all.judged ? `between ${percent(all.right_low)} and ${percent(all.right_high)} of the ${count(all.judged)} that were judged; who judges what is no random sample` : "nobody said of any answer how right it was",
      `the market expects ${percent(all.probability)}`),
    tile("Time", lasting(all.latency_ns), `half were faster; 95 % within ${lasting(all.latency_high_ns)}`));
}

function now(tiles, told) {
  const place = tiles.querySelector("#underway");
  if (place) place.textContent = `${count(told.open)} under way`;
}

function savings(names, against, signal) {
  const place = h("div", {});
  const draw = async bidder => {
    localStorage.setItem("against", bidder);
    if (!bidder) return fill(place, h("p", {class: "muted small"}, "Choose whom to compare with: a bidder that would otherwise answer everything."));
    try {
      const {rows} = await ask(path("/savings", {against: bidder}), {signal});
      fill(place, rows.length ? rows.map(one => h("p", {class: "small"}, h("strong", {}, `${one.task}: `),
        one.verdict === "not enough evidence yet" ? `not enough evidence yet: ${count(one.more)} more pairs`
          : `${one.verdict}; ${money(one.saved.mean)} saved a request [${money(one.saved.low)}, ${money(one.saved.high)}], ${percent(one.gained.mean, 1)} more right [${percent(one.gained.low, 1)}, ${percent(one.gained.high, 1)}]`))
        : h("p", {class: "small muted"}, "Not enough evidence yet: no request was answered by both, drawn at random. A mode with a shadow budget buys such pairs."));
    } catch (error) {
      if (!signal.aborted) fill(place, h("p", {class: "small muted"}, error.message));
    }
  };
  draw(names.includes(against) ? against : "");
  return h("li", {}, field("Saved against", choice([["", "nobody chosen"], ...names.map(one => [one, one])], names.includes(against) ? against : "", draw)), place);
}

function flow(told, made) {
  const place = h("div", {class: "chart"});
  made.addEventListener("shown", () => {
    if (told.hours.length > 1) chart(place, told.hours.map(one => one.hour_ns / 1e9), [{label: "requests", values: told.hours.map(one => one.requests)}], {y: {tell: count}});
  });
  return card("Hour by hour",
    told.hours.length > 1 ? place : h("p", {class: "muted"}, told.hours.length ? "One hour so far." : "Nothing in that time."),
    h("details", {}, h("summary", {}, "As a table"), table("Hour by hour", [
      {title: "Hour", cell: one => new Date(one.hour_ns / 1e6).toLocaleString()},
      {title: "Requests", number: true, cell: one => count(one.requests)},
      {title: "Spent", number: true, cell: one => money(one.cost)},
      {title: "Right, of judged", number: true, cell: one => one.judged ? `${percent(one.right)} of ${one.judged}` : "–"},
    ], told.hours)));
}

function winners(told) {
  const most = Math.max(1, ...told.winners.map(one => one.requests));
  const rows = [...told.winners].sort((one, other) => other.requests - one.requests);
  return card("Who won", table("Who won, and for how much", [
    {title: "Bid", cell: one => one.of || h("span", {class: "muted"}, "nobody (refused)")},
    {title: "Share", cell: one => bar(one.requests / most, percent(one.requests / told.whole.requests))},
    {title: "Won", number: true, cell: one => count(one.requests)},
    {title: "Spent", number: true, cell: one => money(one.cost)},
    {title: "Right, of", number: true, cell: one => one.judged ? `${percent(one.right)} of ${one.judged}` : "–"},
  ], rows, {empty: "Nothing was asked in that time."}));
}

function recent(signal) {
  const place = h("div", {}, h("p", {class: "muted"}, "Waiting for the first…"));
  let shown = 0;
  addEventListener("live", event => {
    const rows = event.detail.recent;
    if (!rows.length || rows[0].seq === shown) return;
    const before = shown;
    shown = rows[0].seq;
    fill(place, table("The newest, as they come", [
      {title: "At", cell: one => h("span", {class: before && one.seq > before ? "fresh" : null}, at(one.time_ns))},
      {title: "Request", cell: one => h("a", {href: `/request/${encodeURIComponent(one.request_id)}`}, short(one.request_id))},
      {title: "Task", cell: one => one.task},
      {title: "From", cell: one => one.status === "refused" ? h("span", {class: "tag warn"}, "refused") : one.winner},
      {title: "Right", number: true, cell: one => chance(one.probability)},
      {title: "Price", number: true, cell: one => money(one.cost)},
      {title: "Time", number: true, cell: one => lasting(one.latency_ns)},
    ], rows));
  }, {signal});
  return card("As it happens", place);
}
