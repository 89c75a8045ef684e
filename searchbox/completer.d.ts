import type { Engine } from "./engine.js";
import type { Completion, Endpoint } from "./pql-search.js";

export interface Completer {
  complete(
    text: string,
    cursor: number,
    endpoint: Endpoint,
    options?: { mode?: "search" | "strict"; now?: string },
  ): (Omit<Completion, "span" | "utf16"> & { readonly start: number; readonly end: number })[];
  /** The names of the grammar's terminals that may stand at a cursor. */
  accepts(text: string, cursor: number): string[];
}

/** What completes, for an engine; `words` is the content of `words.json`. */
export function createCompleter(engine: Engine, words: unknown): Completer;
