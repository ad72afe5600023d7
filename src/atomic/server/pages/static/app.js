// Which page is shown, and what all pages share: search, theme, the live line, and what happens when something fails.
import {live} from "./api.js";
import {fill, h} from "./dom.js";
import {count} from "./tell.js";

const PAGES = [
  ["/", "Now", "now"], ["/requests", "Requests", "requests"], ["/bidders", "Bidders", "bidders"], ["/tasks", "Tasks", "tasks"],
  ["/budgets", "Budgets", "budgets"], ["/what-if", "What if", "whatif"], ["/review", "Review", "review"],
  ["/inbox", "Inbox", "inbox"], ["/ledger", "Ledger", "ledger"], ["/access", "Access", "access"],
];
const page = document.getElementById("page");
const offline = document.getElementById("offline");
const status = document.getElementById("status");
let leaving = null;
let newest = null; // summary

function found(path) {
  if (path.startsWith("/request/")) return {module: "request", title: "Request", id: decodeURIComponent(path.slice(9))};
  const known = PAGES.find(([at]) => at === path);
  return known ? {module: known[2], title: known[1]} : null;
}

async function show() {
  leaving?.abort();
  leaving = new AbortController();
  const {signal} = leaving, here = found(location.pathname);
  fill(document.getElementById("nav"), PAGES.map(([at, title]) =>
    h("a", {href: at, "aria-current": at === location.pathname || (at === "/requests" && here?.module === "request") ? "page" : null}, title)));
  document.title = here ? `${here.title} · Atomic` : "Atomic";
  page.setAttribute("aria-busy", "true");
  if (!here) {
    fill(page, h("h1", {}, "There is no such page"), h("p", {}, h("a", {href: "/"}, "Go to the first one")));
    return page.setAttribute("aria-busy", "false");
  }
  try {
    const {render} = await import(`./pages/${here.module}.js`);
    const query = new URLSearchParams(location.search);
    const made = h("div", {});
    await render(made, {id: here.id, query, signal, go, again: show});
    if (signal.aborted) return;
    fill(page, made);
    made.dispatchEvent(new Event("shown"));
    if (newest) dispatchEvent(new CustomEvent("live", {detail: newest}));
    offline.hidden = true;
  } catch (error) {
    if (signal.aborted) return;
    failed(error);
  }
  page.setAttribute("aria-busy", "false");
}

function failed(error) {
  if (error instanceof TypeError && !error.status) {
    offline.hidden = false;
    offline.textContent = "The server cannot be reached; this page tries again by itself.";
    setTimeout(() => { if (!offline.hidden) show(); }, 3000);
  }
  fill(page, h("div", {class: "card error", role: "alert"},
    h("h1", {}, "That did not work"), h("p", {}, error.message), error.hint && h("p", {class: "muted"}, error.hint),
    h("button", {type: "button", onclick: show}, "Try again")));
}

function go(path) {
  history.pushState(null, "", path);
  show().then(() => page.focus({preventScroll: true}));
  scrollTo(0, 0);
}

addEventListener("popstate", show);
document.addEventListener("click", event => {
  const link = event.target.closest("a[href]");
  if (!link || link.origin !== location.origin || link.target || link.hasAttribute("download")) return;
  if (event.ctrlKey || event.metaKey || event.shiftKey || !(found(link.pathname)) || link.hash) return;
  event.preventDefault();
  go(link.pathname + link.search);
});
document.getElementById("search").addEventListener("submit", event => {
  event.preventDefault();
  const text = document.getElementById("query").value.trim();
  go(text ? `/requests?search=${encodeURIComponent(text)}` : "/requests");
});

const theme = document.getElementById("theme");
const dark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
const name = () => { theme.textContent = dark() ? "Light" : "Dark"; };
theme.addEventListener("click", () => {
  document.documentElement.dataset.theme = dark() ? "light" : "dark";
  localStorage.setItem("theme", document.documentElement.dataset.theme);
  name();
  show(); // charts take their colours when they are drawn
});
name();

live(told => {
  newest = told;
  status.textContent = told.why ? told.why : told.ready ? `live, ${count(told.open)} under way` : "reading the past…";
  dispatchEvent(new CustomEvent("live", {detail: told}));
}, state => {
  status.className = `status ${state}`;
  if (state === "lost") status.textContent = "not live: connecting again…";
  else if (!status.textContent || status.textContent.startsWith("not live")) status.textContent = "live";
});

show();
