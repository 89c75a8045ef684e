export interface Token {
  readonly kind: string;
  readonly start: number;
  readonly end: number;
}

/** A mistake of syntax, in UTF-16 units. */
export interface Mistake {
  readonly code: string;
  readonly severity: "error";
  readonly message: string;
  readonly start: number;
  readonly end: number;
  readonly expected: readonly string[];
  readonly suggestions: readonly [];
}

export interface Engine {
  tokens(text: string): Token[];
  check(text: string, options?: { mode?: "search" | "strict" }): Mistake[];
}

/** What reads a query; `tables` is the content of `tables.json`. */
export function createEngine(tables: unknown): Engine;
