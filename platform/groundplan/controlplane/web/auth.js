// Sign-in: OpenID Connect, authorization code with PKCE (RFC 7636), as the public client `groundplan-web`.
// The access token is only ever in memory; the refresh token, which the issuer rotates, in this tab's session storage.

const ISSUER = "/identity";
const CLIENT = "groundplan-web";
const REFRESH = "groundplan-refresh";
const PENDING = "groundplan-sign-in";
const EARLY = 30; // seconds before its end that a token is renewed
const PATIENCE = 15; // seconds that a service which was restarted is waited for

let tokens = null; // {access, id, claims, until}
let renewing = null;

/** Sign-in cannot be done here: there is no issuer behind this address, or it refuses. */
export class SignInError extends Error {}

/** Nothing answers now: the session is not over for that, and what changes nothing may be asked again. */
export class NoAnswer extends Error {
  constructor(parts = { what: "sign-in does not answer", fix: "groundplan status" }) {
    super(parts.what);
    this.parts = parts;
  }
}

/** Do what may be done twice, again while nothing answers. */
export async function patiently(step, seconds = PATIENCE) {
  for (const end = Date.now() + seconds * 1000; ;) {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof NoAnswer) || Date.now() > end) throw error;
    }
    await new Promise((done) => { setTimeout(done, 500); });
  }
}

/** Who is signed in, as the token says: {sub, name, email, roles}; null for nobody. */
export function person() {
  return tokens ? tokens.claims : null;
}

/** Take up what there is: the answer of a sign-in that was begun, or the session of this tab. */
export async function resume() {
  const query = new URLSearchParams(location.search);
  const pending = JSON.parse(sessionStorage.getItem(PENDING) || "null");
  if (pending && (query.has("code") || query.has("error")) && query.has("state")) {
    sessionStorage.removeItem(PENDING);
    history.replaceState(null, "", pending.back);
    const another = query.has("iss") && query.get("iss") !== pending.issuer; // RFC 9207
    if (another || query.get("state") !== pending.state) throw new SignInError("the answer belongs to another sign-in; sign in again");
    if (query.has("error")) throw new SignInError(query.get("error_description") || query.get("error"));
    const about = { code: query.get("code"), code_verifier: pending.verifier, redirect_uri: home() };
    await ask({ grant_type: "authorization_code", ...about });
  } else if (sessionStorage.getItem(REFRESH)) {
    await renew();
  }
}

/** Leave for the issuer; it comes back here. */
export async function signIn() {
  const { issuer: name, authorization_endpoint: endpoint, scopes_supported: scopes = ["openid"] } = await issuer();
  const verifier = random();
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const pending = { verifier, issuer: name, state: random(), back: location.pathname + location.search + location.hash };
  sessionStorage.setItem(PENDING, JSON.stringify(pending));
  const wanted = ["openid", "profile", "email", "offline_access"].filter((scope) => scopes.includes(scope));
  const query = { response_type: "code", client_id: CLIENT, redirect_uri: home(), scope: wanted.join(" ") };
  const proof = { state: pending.state, code_challenge: text(digest), code_challenge_method: "S256" };
  location.assign(`${endpoint}?${new URLSearchParams({ ...query, ...proof })}`);
}

/** Forget the session, here and at the issuer. */
export async function signOut() {
  const hint = tokens && tokens.id;
  forget();
  const { end_session_endpoint: endpoint } = await issuer();
  const query = { client_id: CLIENT, post_logout_redirect_uri: home(), ...(hint ? { id_token_hint: hint } : {}) };
  location.assign(endpoint ? `${endpoint}?${new URLSearchParams(query)}` : home());
}

/** The access token to ask with, renewed when it is about to end; null when nobody is signed in. */
export async function token() {
  if (tokens && tokens.until - EARLY > Date.now() / 1000) return tokens.access;
  if (sessionStorage.getItem(REFRESH)) await renew();
  return tokens && tokens.access;
}

/** Renew the access token; who cannot has to sign in again. One at a time: a refresh token is good for one use. */
export function renew() {
  const refresh = { grant_type: "refresh_token", refresh_token: sessionStorage.getItem(REFRESH) };
  renewing ||= patiently(() => ask(refresh)).catch((error) => { // an answer that was lost: the issuer knows (RFC 9700)
    if (!(error instanceof SignInError)) throw error;
    forget();
  }).finally(() => { renewing = null; });
  return renewing;
}

async function ask(about) {
  const { token_endpoint: endpoint } = await issuer();
  const answer = await fetch(endpoint, { method: "POST", body: new URLSearchParams({ client_id: CLIENT, ...about }) }).catch(() => null);
  if (!answer || answer.status >= 500) throw new NoAnswer();
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok || !said.access_token) {
    throw new SignInError(said.error_description || said.error || `refused (${answer.status}); sign in again`);
  }
  const claims = read(said.access_token);
  tokens = { access: said.access_token, id: said.id_token || (tokens && tokens.id), claims, until: claims.exp };
  if (said.refresh_token) sessionStorage.setItem(REFRESH, said.refresh_token);
}

async function issuer() {
  const found = await fetch(`${ISSUER}/.well-known/openid-configuration`).catch(() => null);
  if (!found || found.status >= 500) throw new NoAnswer();
  if (!found.ok) {
    throw new SignInError("nobody can sign in at this address; open the catalogue through the gateway (groundplan status)");
  }
  return found.json();
}

function forget() {
  tokens = null;
  sessionStorage.removeItem(REFRESH);
}

// What a token says is only shown; what it allows, the gateway decides.
function read(token) {
  const bytes = Uint8Array.from(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

const home = () => `${location.origin}/catalogue/`;
const random = () => text(crypto.getRandomValues(new Uint8Array(32)));
const text = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)))
  .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
