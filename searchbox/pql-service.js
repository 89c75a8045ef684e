// What <pql-search> asks of the service: a transport that a page may replace, and one that asks with care.

const PATIENCE = 4_000; // milliseconds: a later answer helps nobody who types
const REMEMBERED = 100; // answers
const FRESH = 60_000; // milliseconds, after which `now-7d` may mean another day

/**
 * The service at an address. Each method takes the body that the service documents and an AbortSignal, answers with
 * its JSON, and rejects where there is none.
 */
export function createProvider(base, headers = {}) {
  const call = async (path, body, signal) => {
    const post = body && { method: "POST", body: JSON.stringify(body) };
    const type = body && { "content-type": "application/json" };
    const answer = await fetch(new URL(path, base), { ...post, headers: { ...type, ...headers }, signal });
    if (!answer.ok) throw answer;
    return answer.json();
  };
  const ask = name => [name, (body, signal) => call(name, body, signal)];
  return {
    ...Object.fromEntries(["check", "plan", "complete", "decompile"].map(ask)),
    schema: (endpoint, signal) => call(`schema/${encodeURIComponent(endpoint)}`, null, signal),
  };
}

/**
 * Asks a provider. A newer question of a kind ends the older one; answers are remembered for a while; a slow one is
 * given up; and after a failure it is left in peace for a time, which doubles with each.
 */
export class Asker {
  #provider;
  #answers = new Map();
  #asking = {};
  #failures = 0;
  #quietUntil = 0;

  constructor(provider) {
    this.#provider = provider;
  }

  can(what) {
    return typeof this.#provider?.[what] === "function";
  }

  /** The answer, if it is remembered. */
  known(what, question) {
    const name = key(what, question);
    const known = this.#answers.get(name);
    if (!known || Date.now() - known.at > FRESH) return undefined;
    this.#keep(name, known); // what was asked for last is forgotten last
    return known.answer;
  }

  /** The answer; null where there is none, or a newer question has made it stale. Never rejects. */
  async ask(what, question) {
    this.#asking[what]?.abort();
    const known = this.known(what, question);
    if (known !== undefined) return known;
    if (!this.can(what) || Date.now() < this.#quietUntil) return null;
    const control = (this.#asking[what] = new AbortController());
    let late = false;
    const timer = setTimeout(() => control.abort((late = true)), PATIENCE);
    try {
      const answer = await this.#provider[what](question, control.signal);
      if (control.signal.aborted) return null;
      this.#failures = 0;
      this.#keep(key(what, question), { answer, at: Date.now() });
      return answer;
    } catch {
      if (late || !control.signal.aborted) this.#quietUntil = Date.now() + 1_000 * 2 ** Math.min(this.#failures++, 6);
      return null;
    } finally {
      clearTimeout(timer);
    }
  }

  stop() {
    for (const control of Object.values(this.#asking)) control.abort();
  }

  #keep(name, known) {
    this.#answers.delete(name);
    this.#answers.set(name, known);
    if (this.#answers.size > REMEMBERED) this.#answers.delete(this.#answers.keys().next().value);
  }
}

const key = (what, question) => `${what} ${JSON.stringify(question)}`;
