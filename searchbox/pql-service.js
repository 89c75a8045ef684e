// What <pql-search> asks of the service: a transport that a page may replace, and one that asks with care.

import { READERS } from "./pql-answers.js";

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
    const root = new URL(`${base}`.replace(/\/?$/, "/"), document.baseURI);
    const answer = await fetch(new URL(path, root), { ...post, headers: { ...type, ...headers }, signal });
    if (!answer.ok) throw answer;
    return answer.json();
  };
  const ask = name => [name, (body, signal) => call(name, body, signal)];
  return {
    ...Object.fromEntries(["check", "plan", "complete", "decompile"].map(ask)),
    schema: (endpoint, signal) =>
      call(`schema/${encodeURIComponent(endpoint)}`, null, signal).catch(async answer => {
        // the service's own word that there is none, not that of whatever else stands at this address
        if (answer.status === 404 && (await answer.json()).error.code === "not-found") return null;
        throw answer;
      }),
  };
}

/**
 * Asks a provider. A newer question of a kind ends the older one; answers are read and remembered for a while; a slow
 * one is given up; and after a failure it is left in peace for a time, which doubles with each.
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

  /** Milliseconds for which nothing is asked, after a failure; below zero when they are over. */
  get wait() { return this.#quietUntil - Date.now(); }

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

  /**
   * The answer; undefined where there is none, or a newer question has made it stale. Never rejects. Who insists asks
   * so soon after a failure too.
   */
  async ask(what, question, insists) {
    this.#asking[what]?.abort();
    const known = this.known(what, question);
    if (known !== undefined) return known;
    if (!this.can(what) || (this.wait > 0 && !insists)) return undefined;
    const control = (this.#asking[what] = new AbortController());
    const { signal } = control;
    let late = false;
    const timer = setTimeout(() => control.abort((late = true)), PATIENCE);
    try {
      const answer = READERS[what](await Promise.race([this.#provider[what](question, signal), givenUp(signal)]));
      this.#failures = 0;
      this.#keep(key(what, question), { answer, at: Date.now() });
      return answer;
    } catch {
      if (late || !signal.aborted) this.#quietUntil = Date.now() + 1_000 * 2 ** Math.min(this.#failures++, 6);
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

/** Rejects when nobody waits any longer, which a provider may not heed. */
const givenUp = signal => new Promise((_, reject) => signal.addEventListener("abort", reject));

const key = (what, question) => `${what} ${JSON.stringify(question)}`;
