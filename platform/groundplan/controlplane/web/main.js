// Which view the address names, keys, and who is signed in.

import { Refused, SignInNeeded } from "./api.js";
import { NoAnswer, SignInError, person, resume, signIn, signOut } from "./auth.js";
import { h, problem, say } from "./dom.js";
import { list } from "./list.js";
import { model } from "./model.js";

const main = document.getElementById("main");
let shown = 0;
/** The address of what is shown, without its fragment. */
let at = "";

/** Show what the address says. A view that was left before it came is not shown. */
async function show(focus = false) {
  const mine = ++shown;
  at = location.pathname + location.search;
  const query = new URLSearchParams(location.search);
  main.setAttribute("aria-busy", "true");
  let content;
  try {
    content = query.has("model") ? await model(query.get("model"), refresh) : await list(query, refresh);
  } catch (error) {
    content = wrong(error);
  }
  if (mine !== shown) return;
  main.replaceChildren(content);
  main.removeAttribute("aria-busy");
  document.title = `${(main.querySelector("h1") || main).textContent.trim() || "Models"} · Groundplan`;
  who();
  if (focus) arrive();
}

function arrive() {
  const wanted = location.hash && document.getElementById(location.hash.slice(1));
  (wanted || main).focus({ preventScroll: Boolean(wanted) });
  if (wanted) wanted.scrollIntoView();
  else scrollTo(0, 0);
  say(document.title);
}

const refresh = () => show(false);

/** Go to another view; `replace` writes no step back. */
function go(address, replace = false) {
  history[replace ? "replaceState" : "pushState"](null, "", address);
  return show(!replace);
}

function wrong(error) {
  if (error instanceof SignInNeeded) return door(null);
  if (error instanceof SignInError) return door(error.message);
  if (!(error instanceof Refused || error instanceof NoAnswer)) throw error;
  return h("div", {}, h("h1", {}, error.status === 404 ? "Not found" : "This did not work"), problem(error.parts),
    h("p", {}, error instanceof NoAnswer ? h("button", { on: { click: () => location.reload() } }, "Try again")
      : h("a", { href: "./", "data-view": true }, "All models")));
}

function door(problem) {
  const button = h("button", { class: "main", on: { click: () => attempt(signIn) } }, "Sign in");
  return h("div", { class: "door" }, h("h1", {}, "Models"),
    h("p", {}, "Every model of this platform: what it is, what it reads, how good it is, where it answers."),
    problem && h("p", { class: "notice bad", role: "alert" }, problem), button);
}

/** Sign in or out; where that cannot be done, say why. */
async function attempt(step) {
  try {
    await step();
  } catch (error) {
    main.replaceChildren(wrong(error));
    main.querySelector("button")?.focus();
  }
}

function who() {
  const me = person();
  const out = me && h("button", { on: { click: () => attempt(signOut) } }, "Sign out");
  document.getElementById("who").replaceChildren(...(me ? [h("span", { title: me.email }, me.name || me.sub), out] : []));
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-view]");
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(link.href);
});

document.addEventListener("keydown", (event) => {
  if (event.metaKey || event.ctrlKey || event.altKey || document.querySelector("dialog[open]")) return;
  const writing = event.target.matches("input, select, textarea");
  if (event.key === "/" && !writing) {
    event.preventDefault();
    const search = document.getElementById("q");
    if (search) search.focus();
    else go("./").then(() => document.getElementById("q")?.focus());
  } else if (event.key === "Escape" && writing) {
    event.target.blur();
    main.focus();
  } else if (event.key === "Escape" && location.search.includes("model=")) {
    go(sessionStorage.getItem("groundplan-list") || "./");
  }
});

// Within a view only the place changes: it is not asked for again, under the hands of who goes on in it.
addEventListener("popstate", () => location.pathname + location.search === at ? arrive() : show(true));

try {
  await resume();
  await show();
} catch (error) {
  main.replaceChildren(wrong(error));
}
