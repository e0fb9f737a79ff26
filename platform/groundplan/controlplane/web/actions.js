// What people do with a version: asked in a dialog, with a reason, followed to its end, told in words when it is refused.

import { Refused, SignInNeeded, follow, get, post } from "./api.js";
import { NoAnswer } from "./auth.js";
import { h, problem, say } from "./dom.js";

const VERSION = {
  promote: ["Ask for promotion", "The alias's gates decide. It is held there until it is released."],
  approve: ["Approve", "Aliases that wait for this approval move at once."],
  retire: ["Retire", "No alias can come to point to it any more. It can be restored."],
  restore: ["Restore", "It can be promoted again."],
};
const ALIAS = {
  rollback: ["Roll back", "The alias goes back to the version before, at once and past its gates, and is held there."],
  release: ["Release", "The alias follows its rule again."],
};

/** Do something with a version; `changed` is called when it is done. */
export function act(action, told, version, changed) {
  const [title, about] = VERSION[action];
  const path = `${told.project}/${told.name}/versions/${version.version}`;
  const elsewhere = told.aliases.filter((alias) => !version.aliases.includes(alias.alias));
  const alias = action === "promote" && h("select", { id: "alias", name: "alias" }, elsewhere.map((each) => h("option",
    { value: each.alias, selected: each.alias === "production" }, `${each.alias}${each.version ? ` (version ${each.version} now)` : ""}`)));
  const ways = {
    promote: async (reason, line) => {
      const asked = { version: version.version, reason };
      const begun = await post(`/projects/${told.project}/aliases/${told.name}@${alias.value}:move`, asked);
      try {
        const found = await follow(begun.operation, line);
        return `${alias.value} points to version ${found.outputs.points_to}`;
      } catch (error) {
        return await waiting(told, alias.value, version.version) || Promise.reject(error);
      }
    },
    approve: async (reason, line) => {
      const { aliases } = await post(`/registry/models/${path}:approve`, { reason });
      for (const each of aliases) await follow(each.operation, line);
      return aliases.length ? `approved; ${aliases.map((each) => each.alias).join(", ")} went on` : "approved; nothing waited for it";
    },
    retire: (reason) => post(`/catalogue/models/${path}:retire`, { reason }).then(() => "retired"),
    restore: (reason) => post(`/catalogue/models/${path}:restore`, { reason }).then(() => "restored"),
  };
  const fields = alias && [h("label", { for: "alias" }, "Alias"), alias];
  open({ title: `${title}: version ${version.version} of ${told.project}/${told.name}`, about, fields, word: title, run: ways[action] }, changed);
}

/** What a promotion waits for, when all that refuses it is that nobody has approved it yet. */
async function waiting(told, alias, version) {
  const now = await get(`/catalogue/models/${told.project}/${told.name}`);
  const waits = now.aliases.find((each) => each.alias === alias)?.waits;
  const gates = now.versions.find((each) => each.version === version).gates.filter((gate) => gate.alias === alias);
  const others = gates.some((gate) => gate.passed === false && !gate.approval);
  return waits?.version === version && !others && `asked; ${gates.find((gate) => gate.approval).reason}`;
}

/** Roll an alias back, or let it follow its rule again. */
export function actOnAlias(verb, told, alias, changed) {
  const [title, about] = ALIAS[verb];
  const path = `/projects/${told.project}/aliases/${told.name}@${alias.alias}:${verb}`;
  const run = async (reason, line) => {
    const begun = await post(path, verb === "release" ? undefined : { reason });
    const found = await follow(begun.operation, line);
    return `${alias.alias} points to version ${found.outputs.points_to ?? "none"}`;
  };
  const asks = verb !== "release";
  open({ title: `${title}: ${told.project}/${told.name}@${alias.alias}`, about, fields: null, word: title, run, asks }, changed);
}

function open({ title, about, fields, word, run, asks = true }, changed) {
  const reason = h("textarea", { id: "reason", name: "reason", required: true, minlength: "3", maxlength: "500", rows: "3", "aria-describedby": "reason-help" });
  const progress = h("ol", { class: "progress", "aria-live": "polite", "aria-label": "Progress" });
  const outcome = h("div", {});
  const go = h("button", { class: "main" }, word);
  const cancel = h("button", { type: "button", on: { click: () => dialog.close() } }, "Cancel");
  const form = h("form", { on: { submit: start } }, h("h2", { id: "dialog-title" }, title), h("p", { id: "dialog-about" }, about),
    fields, asks && [h("label", { for: "reason" }, "Reason"), reason, h("p", { class: "quiet", id: "reason-help" }, "The history keeps it.")],
    progress, outcome, h("div", { class: "buttons" }, cancel, go));
  const dialog = h("dialog", { "aria-labelledby": "dialog-title", "aria-describedby": "dialog-about", on: { close: () => closed() } }, form);
  const before = document.activeElement;
  let done = false;

  async function start(event) {
    event.preventDefault();
    go.disabled = true;
    progress.replaceChildren();
    outcome.replaceChildren(h("p", { class: "quiet" }, "At work…"));
    try {
      const told = await run(reason.value.trim(), (line) => progress.append(h("li", {}, line)));
      done = true;
      outcome.replaceChildren(h("p", { class: "notice good" }, `Done: ${told}.`));
      go.remove();
      cancel.textContent = "Close";
      cancel.focus();
      say(`Done: ${told}`);
    } catch (error) {
      outcome.replaceChildren(problem(parts(error)));
      go.disabled = false;
      go.textContent = "Try again";
    }
  }

  function closed() {
    dialog.remove();
    if (done) changed().then(() => again(before));
    else before?.focus();
  }

  document.body.append(dialog);
  dialog.showModal();
  (asks ? dialog.querySelector("select, textarea") : go).focus();
}

/** Back to the button that was pressed, or its section when it is gone. */
function again(before) {
  const label = before?.getAttribute("aria-label");
  const same = label && [...document.querySelectorAll("main button")].find((each) => each.getAttribute("aria-label") === label);
  (same || document.getElementById("versions") || document.getElementById("main")).focus();
}

function parts(error) {
  if (error instanceof Refused || error instanceof NoAnswer) return error.parts;
  if (error instanceof SignInNeeded) return { what: "your session is over", fix: "close this, and sign in again" };
  return { what: error.message };
}
