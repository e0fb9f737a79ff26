// Asks the control plane, at this page's own address, with the token of who is signed in.

import { NoAnswer, patiently, renew, token } from "./auth.js";

/** Nobody is signed in, or the session is over. */
export class SignInNeeded extends Error {}

/** The control plane refuses: one clear line in parts, as it says them. */
export class Refused extends Error {
  constructor(status, parts) {
    super(parts.what);
    Object.assign(this, { status, parts });
  }
}

/** Answer to a GET below /v1; a service that was restarted is waited for. */
export const get = (path, seconds) => patiently(() => ask("GET", path), seconds);

/** Answer to a POST below /v1. */
export const post = (path, body) => ask("POST", path, body);

async function ask(method, path, body, again = true) {
  const bearer = await token();
  const headers = { ...(bearer ? { Authorization: `Bearer ${bearer}` } : {}), "Content-Type": "application/json" };
  const answer = await fetch(`/v1${path}`, { method, headers, body: body && JSON.stringify(body) }).catch(() => {
    throw new NoAnswer(FIXES[503]);
  });
  if (answer.status === 401 && bearer && again) {
    await renew();
    return ask(method, path, body, false);
  }
  if (answer.status === 401) throw new SignInNeeded();
  const said = await answer.json().catch(() => ({}));
  if (answer.status >= 502) throw new NoAnswer(said.error || FIXES[503]);
  if (!answer.ok) throw new Refused(answer.status, said.error || { what: `refused (${answer.status})`, ...FIXES[answer.status] });
  return said;
}

const RESTART = 90; // seconds in which the platform is at work again, all of it

// What the gateway refuses by itself says no more than its status.
const FIXES = {
  403: { what: "your role does not allow this", fix: "ask an owner of the project for the role" },
  429: { what: "too many requests", fix: "wait a moment, then try again" },
  503: { what: "the platform does not answer", fix: "groundplan status" },
};

/** Follow an operation to its end; `told` gets each line of its progress. Refused when it fails.
 * The work goes on where it was when a service is restarted: so does this. */
export async function follow(operation, told) {
  for (let after = 0; ;) {
    const found = await get(`/operations/${encodeURIComponent(operation)}?after=${after}&wait=20`, RESTART);
    for (const message of found.messages) {
      after = Math.max(after, message.seq);
      told(message.text);
    }
    if (found.status === "succeeded") return found.resource;
    if (found.status !== "running") throw new Refused(409, found.error || { what: `it was ${found.status}`, fix: "try again" });
  }
}
