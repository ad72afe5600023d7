// Elements are made here and nowhere else: text is always text, never markup.

/** An element: h("p", {class: "muted", onclick}, "text", child, [children]). False and null children are left out. */
export function h(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "value") made.value = value;
    else if (key === "width%") made.style.width = `${value}%`;
    else if (key === "heat") made.style.backgroundColor = `color-mix(in srgb, var(--bar) ${Math.round(value * 70)}%, transparent)`;
    else made.setAttribute(key, value === true ? "" : value);
  }
  add(made, children);
  return made;
}

function add(parent, children) {
  for (const child of children.flat(9)) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(child instanceof Node ? child : String(child));
  }
}

/** Put children in the place of what an element holds. */
export function fill(element, ...children) {
  element.replaceChildren();
  add(element, children);
  return element;
}

/**
 * A table. `columns` are {title, cell: row => content, number}, rows whatever the cells read; `won` marks rows.
 * On a narrow screen it scrolls by itself, also by keyboard.
 */
export function table(caption, columns, rows, {won = () => false, empty = "Nothing here yet."} = {}) {
  if (!rows.length) return h("p", {class: "muted"}, empty);
  return h("div", {class: "scroll", tabindex: "0", role: "group", "aria-label": caption},
    h("table", {},
      h("caption", {}, caption),
      h("thead", {}, h("tr", {}, columns.map(one => h("th", {scope: "col", class: one.number && "number"}, one.title)))),
      h("tbody", {}, rows.map(row => h("tr", {class: won(row) && "won"},
        columns.map(one => h("td", {class: one.number ? "number" : one.roomy && "roomy"}, one.cell(row))))))));
}

/** A part of a page with a heading. */
export function card(title, ...children) {
  return h("section", {class: "card", "aria-label": title}, h("h2", {}, title), children);
}

/** A field with its label. */
export function field(label, control) {
  control.id ||= `field-${label.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`;
  return h("div", {}, h("label", {for: control.id}, label), control);
}

/** A choice; `options` are [value, text]. */
export function choice(options, value, onchange) {
  const made = h("select", {onchange: event => onchange(event.target.value)},
    options.map(([one, text]) => h("option", {value: one}, text)));
  made.value = value;
  return made;
}

export function bar(share, label) {
  return h("span", {class: "track"}, h("span", {class: "bar", "width%": Math.max(0, Math.min(1, share)) * 100}),
    label && h("span", {class: "hidden"}, label));
}
