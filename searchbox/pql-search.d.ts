/** A problem of a query: where it stands in the text (UTF-16 units), and the edits that mend it. */
export interface Problem {
  readonly code: string;
  readonly severity: "error" | "warning" | "hint";
  readonly message: string;
  readonly label?: string;
  readonly help?: string;
  readonly start: number;
  readonly end: number;
  readonly suggestions: readonly Suggestion[];
}

export interface Suggestion {
  readonly message: string;
  readonly replacement: string;
  readonly safe?: boolean;
  readonly start: number;
  readonly end: number;
}

/** A place in a text: in code points, and as JavaScript counts. */
export interface Places {
  readonly span?: { readonly start: number; readonly end: number };
  readonly utf16?: { readonly start: number; readonly end: number };
}

export interface Answer {
  readonly ok: boolean;
  readonly diagnostics?: readonly (Omit<Problem, "start" | "end" | "suggestions"> &
    Places & { readonly suggestions?: readonly (Omit<Suggestion, "start" | "end"> & Places)[] })[];
}

export interface Request {
  readonly url: string;
  readonly target: "params" | "json";
  readonly params: Readonly<Record<string, unknown>>;
  readonly filter: Readonly<Record<string, unknown>> | null;
  readonly reason: string;
  readonly exact: boolean;
  readonly residual: string | null;
  readonly curl: string;
}

/** What a query asks: the answer of `/plan`, which has the requests where `ok` is true. */
export interface Plan extends Answer {
  readonly query?: string;
  readonly requests?: readonly Request[];
  readonly explain?: string;
}

export interface Question {
  readonly query: string;
  readonly endpoint: string;
  readonly mode: "search";
  readonly scope?: string;
}

export interface Field {
  readonly name: string;
  readonly type: string;
  readonly description: string;
  readonly nullable: boolean;
  readonly values: readonly string[];
  readonly meanings: readonly string[];
  readonly sortable: boolean;
  readonly many: boolean;
}

export interface Endpoint {
  readonly name: string;
  readonly description: string;
  readonly search: string | null;
  readonly examples: readonly string[];
  readonly fields: readonly Field[];
}

export interface Completion extends Places {
  readonly label: string;
  readonly kind: "field" | "operator" | "value" | "keyword" | "snippet";
  readonly insert: string;
  readonly detail: string;
}

/**
 * Who answers instead of the service. Each method may be missing, may reject, and may be too late; an answer of another
 * shape counts as none.
 */
export interface Provider {
  /** Null where there is no such endpoint. */
  schema?(endpoint: string, signal: AbortSignal): Promise<Endpoint | null>;
  plan?(question: Question, signal: AbortSignal): Promise<Plan>;
  check?(question: Question, signal: AbortSignal): Promise<Answer>;
  complete?(
    question: Question & { readonly utf16_cursor: number },
    signal: AbortSignal,
  ): Promise<{ readonly completions: readonly Completion[] }>;
  decompile?(
    question: { readonly target: string; readonly endpoint?: string },
    signal: AbortSignal,
  ): Promise<Answer & { readonly query?: string; readonly endpoint?: string }>;
}

/** The service at an address, which may be relative to the page; `headers` go with every request. */
export function createProvider(base: string | URL, headers?: Record<string, string>): Required<Provider>;

/** What the box itself says; assign to translate. */
export const words: {
  search: string;
  clear: string;
  suggestions: string;
  required: string;
  keys: string;
  toFix: string;
  asking: string;
  found: (count: number) => string;
  more: (count: number) => string;
  unknown: (endpoint: string) => string;
  plan: (plan: { readonly requests: readonly Request[] }) => string;
};

export interface PqlSearchEventMap {
  "change": Event;
  "pql-input": CustomEvent<{ readonly value: string }>;
  "pql-diagnostics": CustomEvent<{ readonly value: string; readonly diagnostics: readonly Problem[] }>;
  "pql-request": CustomEvent<Plan>;
  "pql-submit": CustomEvent<{ readonly value: string; readonly endpoint: string | null; readonly plan: Plan | null }>;
}

/** `<pql-search>`: a search box for PQL. */
export class PqlSearch extends HTMLElement {
  static readonly formAssociated: true;
  value: string;
  /** The attributes of these names, `value` for `defaultValue`; null takes one away. */
  get name(): string;
  set name(value: string | null);
  get label(): string;
  set label(value: string | null);
  get endpoint(): string;
  set endpoint(value: string | null);
  get src(): string;
  set src(value: string | null);
  get scope(): string;
  set scope(value: string | null);
  get placeholder(): string;
  set placeholder(value: string | null);
  get defaultValue(): string;
  set defaultValue(value: string | null);
  disabled: boolean;
  required: boolean;
  readOnly: boolean;
  provider: Provider | null;
  readonly type: "pql-search";
  readonly diagnostics: readonly Problem[];
  readonly form: HTMLFormElement | null;
  readonly labels: NodeList;
  readonly validity: ValidityState;
  readonly validationMessage: string;
  readonly willValidate: boolean;
  checkValidity(): boolean;
  reportValidity(): boolean;
  addEventListener<K extends keyof PqlSearchEventMap>(
    type: K,
    listener: (this: PqlSearch, event: PqlSearchEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "pql-search": PqlSearch;
  }
  interface GlobalEventHandlersEventMap extends PqlSearchEventMap {}
}
