// Access: who you are here, and which keys there are.
import {ask} from "../api.js";
import {card, field, fill, h, table} from "../dom.js";
import {count, money, when} from "../tell.js";

const ROLES = ["viewer", "operator", "reviewer", "auditor", "admin", "bidder"];
const REACH = {requests: "requests and their cost", bidders: "bidders", tasks: "tasks", budgets: "budgets", "what-if": "what if", review: "the review queue", inbox: "inputs, answers and mails", ledger: "the ledger", access: "who has access", bidding: "how one's own bidder did"};

export async function render(made, {signal, again}) {
  const [me, keys] = await Promise.all([ask("/access/me", {signal}), ask("/access/keys", {signal}).catch(error => ({refused: error, keys: []}))]);
  const said = h("div", {role: "status"});
  const change = async (path, body) => {
    try {
      const told = await ask(path, {method: "POST", body});
      if (told?.secret) return fill(said, h("div", {class: "card"}, h("h2", {}, "The new key, shown this once"), h("pre", {tabindex: "0", "aria-label": "Key"}, told.secret), h("button", {type: "button", onclick: again}, "I have kept it")));
      again();
    } catch (error) {
      fill(said, h("p", {class: "bad"}, `${error.message} ${error.hint}`));
    }
  };
  fill(made, h("h1", {}, "Access"),
    card("You", h("dl", {}, h("dt", {}, "Name"), h("dd", {}, me.name || "a program of this machine"), h("dt", {}, "Roles"), h("dd", {}, me.roles.join(", ") || "all: no key was ever issued"), h("dt", {}, "Tenant"), h("dd", {}, me.tenant || "–"), h("dt", {}, "Team"), h("dd", {}, me.team || "–")),
      h("details", {}, h("summary", {}, "What you may do"), table("What you may do, and why not", [
        {title: "Where", cell: one => REACH[one.area] || one.area}, {title: "What", cell: one => one.action},
        {title: "May", cell: one => one.why ? h("span", {class: "tag bad"}, "no") : h("span", {class: "tag good"}, "yes")}, {title: "Why not", cell: one => one.why || "–"},
      ], me.may)), me.kind === "Person" && h("form", {method: "post", action: "/logout"}, h("button", {class: "quiet"}, "Log out"))),
    said,
    keys.refused ? card("Keys", h("p", {class: "muted"}, keys.refused.message)) : card("Keys", table("Keys, with the beginning of each", [
      {title: "Key", cell: one => one.name || one.key}, {title: "Begins", cell: one => h("code", {}, one.prefix)}, {title: "Roles", cell: one => one.roles.join(", ")},
      {title: "Tenant", cell: one => one.tenant || "–"}, {title: "Team", cell: one => one.team || "–"}, {title: "Tasks", cell: one => one.tasks.join(", ") || "all"}, {title: "A day", number: true, cell: one => one.per_day === null ? "–" : money(one.per_day)},
      {title: "A minute", number: true, cell: one => one.rate ? count(one.rate) : "–"}, {title: "Until", cell: one => one.expires_ns ? when(one.expires_ns) : "–"},
      {title: "State", cell: one => one.ended ? h("span", {class: "tag warn"}, one.ended) : h("span", {class: "tag good"}, "taken")},
      {title: "Change", cell: one => !one.ended && h("button", {type: "button", class: "quiet", "aria-label": `Revoke ${one.name || one.key}`, onclick: () => confirm(`Revoke ${one.name || one.key}? Whoever uses it is refused at once.`) && change(`/access/keys/${encodeURIComponent(one.key)}/revoke`, {})}, "Revoke")},
    ], keys.keys, {empty: "No key was issued: only programs of this machine may ask. The first key closes the door to all others."}), create(change)));
}

function create(change) {
  const name = h("input", {required: true}), tenant = h("input", {}), team = h("input", {}), days = h("input", {type: "number", min: 1, max: 3650, value: 90});
  const roles = new Set(["operator"]);
  return h("details", {}, h("summary", {}, "A new key"), h("form", {onsubmit: event => { event.preventDefault(); change("/access/keys", {name: name.value.trim(), tenant: tenant.value.trim(), team: team.value.trim(), days: Number(days.value), roles: [...roles]}); }},
    h("div", {class: "row"}, field("Name", name), field("Tenant", tenant), field("Team", team), field("Days", days)),
    h("fieldset", {}, h("legend", {}, "Roles"), h("div", {class: "row"}, ROLES.map(one => h("label", {}, h("input", {type: "checkbox", checked: roles.has(one), onchange: event => event.target.checked ? roles.add(one) : roles.delete(one)}), " ", one)))),
    h("button", {type: "submit"}, "Create")));
}
