// The list of models: search and filters, all of them in the address.

import { Refused, get } from "./api.js";
import { badge, h, metricNames, moment, number, problem, say, view } from "./dom.js";

const STAGES = ["draft", "validated", "approved", "staging", "production", "retired"];
const FILTERS = {
  owner: ["Owner or team", "core"],
  feature: ["Feature or view", "origin_weather"],
  tag: ["Tag", "domain=punctuality"],
  metric: ["Metric", "mae<20"],
};
const ORDERS = { name: "Name", "-trained": "Newest first", "-stage": "Furthest first", mae: "mae, lowest first", owner: "Owner" };
const PAUSE = 250; // ms without a key before a search is made

/** The list that `query` asks for. `leave` shows the address anew: what an error other than a refusal needs. */
export async function list(query, leave) {
  const results = h("section", { "aria-label": "Models found" });
  let latest = 0;
  async function search(asked) {
    const mine = ++latest;
    try {
      await fill(results, asked, null, () => mine === latest);
    } catch (error) {
      if (mine !== latest) return;
      if (!(error instanceof Refused)) return leave();
      results.replaceChildren(problem(error.parts));
    }
  }
  const form = filters(query, search);
  try {
    await fill(results, query);
  } catch (error) {
    if (error.status !== 422) throw error; // a filter that is none is told beside the filters
    results.replaceChildren(problem(error.parts));
  }
  return h("div", {}, h("h1", {}, "Models"), form, results);
}

async function fill(results, query, cursor = null, wanted = () => true) {
  const asked = new URLSearchParams([...query].filter(([, value]) => value));
  if (cursor) asked.set("cursor", cursor);
  const found = await get(`/catalogue/models?${asked}`);
  if (!wanted()) return;
  sessionStorage.setItem("groundplan-list", location.pathname + location.search);
  const lines = found.models.map(line);
  const rest = found.next && h("button", { class: "more", on: { click: more } }, "Show more");
  async function more() {
    rest.remove();
    const before = results.querySelectorAll("li").length;
    await fill(results, query, found.next);
    results.querySelectorAll("li a")[before]?.focus();
  }
  if (cursor) {
    results.querySelector("ul").append(...lines);
    if (rest) results.append(rest);
    return;
  }
  const count = `${found.count} ${found.count === 1 ? "model" : "models"}`;
  results.replaceChildren(h("p", { class: "quiet" }, count), h("ul", { class: "models" }, lines),
    found.count ? "" : h("p", {}, asked.size ? "No model is like that. Take a filter away." : "No model is declared yet: groundplan up."),
    rest || "");
  say(`${count} found`);
}

function line(model) {
  const id = `${model.project}/${model.name}`;
  const metrics = metricNames(model.metric, Object.keys(model.metrics)).slice(0, 3).map((name) => [name, model.metrics[name]]);
  return h("li", {},
    h("div", { class: "line" }, view({ model: id }, { class: "name" }, id), badge(model.stage)),
    model.description && h("p", { class: "what" }, model.description),
    h("p", { class: "quiet facts" },
      h("span", {}, model.team, " · ", model.owner),
      model.version && h("span", {}, "version ", String(model.version)),
      metrics.map(([name, value]) => h("span", {}, name, " ", h("b", {}, number(value)))),
      model.trained_at && h("span", {}, "trained ", moment(model.trained_at)),
      model.applications.length > 0 && h("span", {}, "serves ", model.applications.join(", "))),
    tags(model.tags));
}

/** Tags, each a link to the models that have it too. */
export function tags(given) {
  const all = Object.entries(given || {});
  if (!all.length) return null;
  return h("p", { class: "tags" }, all.map(([name, value]) => {
    const tag = value ? `${name}=${value}` : name;
    return view({ tag }, { class: "tag", "aria-label": `Models tagged ${tag}` }, tag);
  }));
}

function filters(query, found) {
  const field = (name, label, example, type = "text") => h("div", { class: "field" }, h("label", { for: name }, label),
    h("input", { id: name, name, type, value: query.get(name) || "", placeholder: example, autocomplete: "off", spellcheck: "false" }));
  const choice = (name, label, options) => h("div", { class: "field" }, h("label", { for: name }, label),
    h("select", { id: name, name }, options.map(([value, shown]) =>
      h("option", { value, selected: (query.get(name) || "") === value }, shown))));
  const search = field("q", "Search", "name, description, feature, owner…", "search");
  const more = [
    ...Object.entries(FILTERS).map(([name, [label, example]]) => field(name, label, example)),
    choice("stage", "Stage", [["", "any"], ...STAGES.map((stage) => [stage, stage])]),
    choice("sort", "Order", Object.entries(ORDERS).map(([key, shown]) => [key === "name" ? "" : key, shown])),
  ];
  const used = [...Object.keys(FILTERS), "stage", "sort"].filter((name) => query.get(name)).length;
  const form = h("form", { role: "search", "aria-label": "Models", on: { submit, input, change: submit } },
    h("div", { class: "first" }, search, h("button", { class: "main" }, "Search")),
    h("details", { open: used > 0 }, h("summary", {}, used ? `Filters (${used})` : "Filters"), h("div", { class: "fields" }, more)));
  let timer = 0;
  function input() {
    clearTimeout(timer);
    timer = setTimeout(apply, PAUSE);
  }
  function submit(event) {
    if (event.type === "submit") event.preventDefault();
    clearTimeout(timer);
    apply();
  }
  function apply() {
    const asked = new URLSearchParams([...new FormData(form)].filter(([, value]) => value.trim()));
    const address = location.pathname + (asked.size ? `?${asked}` : "");
    if (address === location.pathname + location.search) return;
    history.replaceState(null, "", address);
    found(asked);
  }
  return form;
}
