// Elements are made here and nowhere from text: whatever a model is called, it is text.

const SVG = "http://www.w3.org/2000/svg";

/** Make an element. Attributes are set as such, `on` holds listeners; children are nodes or text, null is left out. */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** Make an SVG element. */
export function s(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (value === true) {
      element.setAttribute(name, "");
    } else if (value !== false && value != null) {
      element.setAttribute(name, String(value));
    }
  }
  element.append(...children.flat(9).filter((child) => child != null && child !== false));
  return element;
}

/** Tell assistive technology what has happened. */
export function say(text) {
  document.getElementById("said").textContent = text;
}

/** A number as people read it: four digits that matter. */
export function number(value) {
  if (typeof value !== "number") return "–";
  return Math.abs(value) >= 1e4 ? value.toLocaleString("en", { maximumFractionDigits: 0 }) : String(+value.toPrecision(4));
}

/** A moment in the reader's own time; the exact one is its title. */
export function moment(iso) {
  if (!iso) return "–";
  const at = new Date(iso);
  const shown = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  return h("time", { datetime: iso, title: at.toISOString() }, shown);
}

/** The badge of a stage. */
export function badge(stage) {
  return h("span", { class: `stage ${stage}` }, stage || "no version");
}

/** A link to another view of this page. */
export function view(query, attributes, ...children) {
  const found = new URLSearchParams(query).toString();
  return h("a", { href: found ? `?${found}` : "./", "data-view": true, ...attributes }, ...children);
}

/** What was refused, in the parts the control plane says it in: what, where, what would be right, how to mend it. */
export function problem({ what, path, value, allowed, fix }) {
  const told = [path && `${path}:`, what, value && `(${value})`].filter(Boolean).join(" ");
  return h("div", { class: "notice bad", role: "alert" }, h("p", {}, told),
    allowed && h("p", {}, "Allowed: ", allowed), fix && h("p", {}, "Fix: ", fix));
}

// What validation counts besides a model's own metrics: folds, rows, and the baseline's.
const BESIDE = /^(folds?_|rows_|baseline_)/;

/** Names of metrics, that which a model is validated by first, then its baseline's, then the rest of its own. */
export function metricNames(main, given) {
  return [...new Set([main, `baseline_${main}`, ...given.filter((name) => !BESIDE.test(name)).sort()])].filter((name) => given.includes(name));
}
