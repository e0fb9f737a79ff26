// A model's page: what it is, its versions and what may be done with them, what it reads, where it answers, its history.

import { act, actOnAlias } from "./actions.js";
import { get } from "./api.js";
import { badge, h, metricNames, moment, number, s, say, view } from "./dom.js";
import { drawing } from "./lineage.js";
import { tags } from "./list.js";

const SECTIONS = { overview: "Overview", versions: "Versions", gates: "Gates and approvals", features: "Features",
  lineage: "Lineage", endpoints: "Endpoints", history: "History" };
const FEW = 20; // entries of a history, versions with their gates, that are shown at first

/** The page of `<project>/<model>`; `changed` is called when something was done that it shows. */
export async function model(id, changed) {
  const [project, name] = id.split("/", 2).map(encodeURIComponent);
  const path = `/catalogue/models/${project}/${name || ""}`;
  const told = await get(path);
  const parts = { overview: overview(told, changed), versions: versions(told, changed), gates: gates(told),
    features: features(told), lineage: drawing(told.lineage, `${told.project}/model/${told.name}`), endpoints: endpoints(told, path), history: past(told) };
  return h("article", {},
    h("p", { class: "crumbs" }, h("a", { href: sessionStorage.getItem("groundplan-list") || "./", "data-view": true }, "← Models")),
    h("div", { class: "line" }, h("h1", {}, `${told.project}/${told.name}`), badge(told.stage)),
    h("nav", { "aria-label": "Sections" }, Object.entries(SECTIONS).map(([key, title]) => h("a", { href: `#${key}` }, title))),
    Object.entries(parts).map(([key, content]) =>
      h("section", { id: key, tabindex: "-1", "aria-labelledby": `${key}-title` }, h("h2", { id: `${key}-title` }, SECTIONS[key]), content)));
}

function overview(told, changed) {
  const declared = told.declared;
  return [
    told.description ? h("p", { class: "what" }, told.description) : h("p", { class: "quiet" }, "No description: training.",
      h("code", {}, told.name), ".description in the project's YAML is shown here."),
    tags(told.tags),
    told.personal.length > 0 && h("p", {}, h("b", {}, "Personal data"), ", by ", h("code", {}, told.personal.join(", ")),
      ": values are told to who holds personal_data in ", told.project, "."),
    told.message && h("p", { class: "notice" }, told.message),
    told.aliases.map((alias) => waiting(told, alias, changed)),
    facts({ Owner: told.owner, Team: told.team, Kind: declared.kind, Predicts: declared.target, "Data until": moment(declared.as_of),
      Validation: `last ${declared.validation.holdout} held out, ${declared.validation.metric}`, Training: declared.retrain.replace("_", " "),
      "Hyperparameters": Object.entries(declared.hyperparameters || {}).map(([key, value]) => `${key} ${JSON.stringify(value)}`).join(", ") }),
    h("h3", {}, "Aliases"), told.aliases.length ? aliases(told, changed) : h("p", { class: "quiet" }, "None is declared."),
  ];
}

function facts(given) {
  return h("dl", { class: "given" }, Object.entries(given).filter(([, value]) => value)
    .map(([key, value]) => h("div", {}, h("dt", {}, key), h("dd", {}, value))));
}

/** The version that an alias would move to if somebody approved it; one that another gate refuses, too, is none. */
function pending(told, alias) {
  const version = alias.waits && told.versions.find((each) => each.version === alias.waits.version);
  const refused = version && version.gates.some((each) => each.alias === alias.alias && each.passed === false && !each.approval);
  return refused ? null : version;
}

/** Who has to approve what, when an alias waits for that. */
function waiting(told, alias, changed) {
  const [version, waits] = [pending(told, alias), alias.waits];
  if (!version) return null;
  const may = version.actions.approve;
  return h("div", { class: "notice" },
    h("p", {}, h("b", {}, alias.alias), ` waits for an approval of version ${waits.version}, which ${waits.asked_by} asked for`,
      waits.reason && `: ${waits.reason}`, "."),
    may.allowed ? button("approve", told, version, changed, "main") : h("p", {}, `Not by you: ${may.why}.`));
}

function aliases(told, changed) {
  return table("Aliases", ["Alias", "Version", "Rule", "Gates", "Status", "Actions"], told.aliases.map((alias) => {
    const version = told.versions.find((each) => each.version === alias.version);
    const back = version && version.actions.rollback.allowed;
    const step = (verb, label) => h("button", { "aria-label": `${label} ${alias.alias}`,
      on: { click: () => actOnAlias(verb, told, alias, changed) } }, label);
    const free = alias.hold && told.versions.some((each) => each.actions.promote.allowed || each.actions.rollback.allowed);
    return [alias.alias, String(alias.version ?? "–"), alias.rule,
      alias.gates.length ? h("ul", {}, alias.gates.map((gate) => h("li", {}, gate))) : "none",
      alias.hold ? `held by ${alias.hold.actor}: ${alias.hold.reason}`
        : pending(told, alias) ? `version ${alias.waits.version} waits for an approval` : alias.message || alias.status,
      [back && step("rollback", "Roll back"), free && step("release", "Release")]];
  }));
}

function versions(told, changed) {
  if (!told.versions.length) return h("p", {}, "None is trained yet.");
  const names = metricNames(told.metric, told.versions.flatMap((each) => Object.keys(each.metrics))).slice(0, 4);
  const rows = told.versions.map((each) => [String(each.version),
    [badge(each.stage), each.aliases.length > 0 && h("div", { class: "quiet" }, each.aliases.join(", "))],
    ...names.map((name) => number(each.metrics[name])),
    [moment(each.created_at), h("div", { class: "quiet" }, each.trained_by && `by ${each.trained_by}`, each.source && ` in ${each.source.stack} (${each.source.version} there)`, " ",
      h("code", { title: `Run ${each.run_id} in MLflow` }, each.run_id.slice(0, 8)))],
    ["promote", "approve", "retire", "restore"].map((action) => button(action, told, each, changed))]);
  const gone = told.versions.filter((each) => each.retired);
  return [table("Versions", ["Version", "Stage", ...names, "Trained", "Actions"], rows),
    gone.length > 0 && h("ul", { class: "quiet" }, gone.map((each) =>
      h("li", {}, `Version ${each.version} was retired by ${each.retired.actor}: ${each.retired.reason}`)))];
}

const WORDS = { promote: "Promote", approve: "Approve", retire: "Retire", restore: "Restore" };

/** The button of what may be done; where it may not for a reason that helps, it says so. */
function button(action, told, version, changed, kind = null) {
  const { allowed, why } = version.actions[action];
  const useful = action === "retire" && !allowed && version.stage !== "retired" && !why.startsWith("it needs the role");
  if (!allowed && !useful) return null;
  const more = allowed ? {} : { "aria-disabled": "true", title: `Cannot be retired: ${why}` };
  const click = () => allowed ? act(action, told, version, changed) : say(`Version ${version.version} cannot be retired: ${why}`);
  return h("button", { class: kind, "aria-label": `${WORDS[action]} version ${version.version}${allowed ? "" : `, not possible: ${why}`}`, ...more, on: { click } }, WORDS[action]);
}

function gates(told) {
  const judged = told.versions.filter((each) => each.gates.length || each.approvals.length).slice(0, FEW);
  if (!judged.length) return h("p", {}, "No alias of this model has a gate: any version may be promoted. Gates are declared with the alias: docs/promotion.md.");
  return judged.map((each, place) => h("details", { open: place === 0 },
    h("summary", {}, `Version ${each.version}`, " ", badge(each.stage), " ",
      h("span", { class: "quiet" }, each.gates.length && `${each.gates.filter((gate) => gate.passed).length} of ${each.gates.length} passed`)),
    h("ul", { class: "verdicts" },
      each.gates.map((gate) => h("li", { class: verdict(gate) }, h("b", {}, verdict(gate)), ` ${gate.alias}: ${gate.gate}. `, h("span", { class: "quiet" }, gate.reason))),
      each.approvals.map((given) => h("li", { class: "passed" }, h("b", {}, "approved"), ` by ${given.actor}, `, moment(given.at), ". ", h("span", { class: "quiet" }, given.reason))))));
}

const verdict = (gate) => gate.passed === null ? "to be measured" : gate.passed ? "passed" : gate.approval ? "waits" : "refused";

function features(told) {
  const reads = told.reads;
  return [h("p", {}, "Feature service ", h("code", {}, reads.feature_service), `: ${told.features.length} features of ${reads.views.length} views.`),
    reads.views.map((each) => h("details", {}, h("summary", {}, h("b", {}, each.view), " ",
      h("span", { class: "quiet" }, `${Object.keys(each.fields).length} of ${(each.entities || []).join(", ")}`)),
      h("p", {}, each.description, " ", view({ feature: each.view }, {}, `Models that read ${each.view}`)),
      facts({ "Used for": each.ttl, Online: each.online ? "yes" : "no", Tags: Object.entries(each.tags || {}).map((tag) => tag.join("=")).join(", ") }),
      h("ul", { class: "fields" }, Object.entries(each.fields).map(([field, type]) => h("li", {}, h("code", {}, field), " ", h("span", { class: "quiet" }, type)))))),
  ];
}

function endpoints(told, path) {
  if (!told.applications.length) return h("p", {}, "Nothing serves this model.");
  const usage = get(`${path}/usage?hours=24`).catch(() => ({ applications: [] }));
  return told.applications.map((each) => {
    const used = h("p", { class: "quiet", "aria-live": "off" }, "Counting predictions…");
    usage.then(({ applications }) => used.replaceChildren(bars(applications.find((one) => one.application === each.name))));
    const command = curl(told, each);
    const copy = h("button", { "aria-label": `Copy the command for ${each.name}`, on: { click: () => navigator.clipboard.writeText(command)
      .then(() => { copy.textContent = "Copied"; say("Copied"); }, () => say("The browser does not allow it: select the text")) } }, "Copy");
    return h("div", { class: "card" }, h("h3", {}, each.name, " ", h("span", { class: "quiet" }, each.status)),
      each.message && h("p", { class: "notice" }, each.message),
      facts({ Answers: Object.entries(each.aliases || {}).map(([alias, version]) => `${alias}: version ${version}`).join(", "),
        Traffic: Object.entries(each.traffic).map(([alias, percent]) => `${alias} ${percent} %`).join(", "),
        Shadow: (each.shadow || []).join(", "), Topology: each.topology }),
      used, h("div", { class: "command" }, h("pre", { tabindex: "0", "aria-label": `Command that asks ${each.name}` }, command), copy));
  });
}

function curl(told, application) {
  const entity = Object.fromEntries(told.reads.join_keys.map(([key, type]) => [key, type === "int64" ? 1 : "…"]));
  const url = `${location.origin}/serve${application.route}/predict/feast/batch`;
  return `curl ${url} \\\n  -H "Authorization: Bearer $(groundplan token)" -H 'Content-Type: application/json' \\\n  -d '${JSON.stringify({ entities: [entity] })}'`;
}

/** Predictions by hour, as bars, and in words. */
function bars(used) {
  if (!used) return "The prediction log does not answer.";
  const rows = used.hours.map((hour) => hour.rows);
  const all = rows.reduce((sum, each) => sum + each, 0);
  const most = Math.max(...rows, 1);
  const marks = rows.map((each, place) => s("rect", { x: place * 6, width: 5, y: 24 - 24 * each / most, height: 24 * each / most }));
  const words = `${all.toLocaleString("en")} predictions in the last ${rows.length} hours`;
  if (!all) return words;
  return h("span", {}, s("svg", { class: "bars", viewBox: `0 0 ${rows.length * 6} 24`, width: rows.length * 6, height: 24, "aria-hidden": "true" }, marks), " ", words);
}

function past(told) {
  const all = told.history.map((event) => h("li", {}, moment(event.at), " ", h("b", {}, happened(event)),
    event.actor && ` by ${event.actor}`, event.reason && h("span", { class: "quiet" }, ` ${event.reason}`)));
  if (!all.length) return h("p", {}, "Nothing has happened yet.");
  const listed = h("ol", { class: "past" }, all.slice(0, FEW));
  const more = all.length > FEW && h("button", { on: { click: () => { listed.append(...all.slice(FEW)); more.remove(); } } }, `Show all ${all.length}`);
  return [listed, more];
}

function happened(event) {
  if (event.what !== "moved") return `version ${event.version} ${event.what}`;
  const cause = { rollback: "rolled back", promote: "promoted", delete: "removed" }[event.cause] || "moved";
  return `${event.alias} ${cause}${event.from ? ` from ${event.from}` : ""}${event.version ? ` to ${event.version}` : ""}`;
}

/** A table; on a narrow screen each row is a card of its own, with its columns' names (hence the roles said here). */
function table(label, names, rows) {
  const cell = (content, place) => h(place ? "td" : "th", { role: place ? "cell" : "rowheader", scope: place ? null : "row",
    class: names[place] === "Actions" ? "do" : null, "data-name": names[place] }, content);
  return h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": `Table of ${label.toLowerCase()}` },
    h("table", { role: "table" },
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, names.map((name) => h("th", { scope: "col", role: "columnheader" }, name)))),
      h("tbody", { role: "rowgroup" }, rows.map((row) => h("tr", { role: "row" }, row.map(cell))))));
}
