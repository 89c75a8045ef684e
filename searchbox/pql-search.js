/**
 * `<pql-search>`: a search box for PQL. A native input with a coloured layer above it, a list of what may be written
 * next, mistakes underlined with their fixes, and what the query will ask.
 *
 *     a key -> read -> engine: tokens, syntax, completion -> painted at once
 *                  \-> service, when the typing rests: types, host values, the plan -> painted when it answers
 *
 * It writes to the page by text nodes alone. Without service it knows the language but not the fields; without engine,
 * it is a plain text field. docs/reference/search-box.md says what a page may set, hear and style.
 */

import { Asker, createProvider } from "./pql-service.js";
import style from "./pql-search.css";

export { createProvider };

const REST = 150; // milliseconds without a key, after which the service is asked
const PAUSE = 400; // ... after which a mistake under the caret is shown too
const SILENCE = 700; // ... after which something is said to who listens
const FIXES = 3; // of a problem, that are shown
const DRAWN = 50; // problems
const RANK = { error: 0, warning: 1, hint: 2 };
const SEARCH = { mode: "search" };
const REQUEST = /^\s*(https?:\/\/|\{)/i; // how a text looks that may be read back into a query

/** What the box itself says; assign to translate. */
export const words = {
  search: "Search",
  clear: "Clear",
  suggestions: "Suggestions",
  required: "Fill in this field",
  keys: "↑ ↓ choose · Enter take · Esc close",
  toFix: "Alt+Enter to fix",
  found: count => `${count} suggestion${count === 1 ? "" : "s"}`,
  more: count => `+${count} more`,
  plan: ({ requests }) => {
    const tested = requests.some(each => each.residual) ? ", then tests each record" : "";
    const count = requests.length;
    return count ? `makes ${count} request${count === 1 ? "" : "s"}${tested}` : "makes no request: nothing can match";
  },
};

const parts = {};

/** What reads the text, or what completes it: one for all boxes of a page; null where it cannot be had, for now. */
function load(name, script, data, start) {
  const fetched = async () => (await fetch(new URL(data, import.meta.url))).json();
  parts[name] ??= Promise.all([script(), fetched()]).then(start).catch(() => (parts[name] = null));
  return parts[name];
}

const loadEngine = () =>
  load("engine", () => import("./engine.js"), "./tables.json", ([part, tables]) => part.createEngine(tables));

const loadCompleter = engine =>
  load("completer", () => import("./completer.js"), "./words.json", ([part, all]) => part.createCompleter(engine, all));

let sheet;

export class PqlSearch extends (globalThis.HTMLElement ?? class {}) {
  static formAssociated = true;
  static observedAttributes = ["value", "label", "placeholder", "required", "readonly", "endpoint", "src", "scope"];

  #internals = this.attachInternals();
  #provider = null;
  #asker = null;
  #engine = null; // what reads the text
  #completer = null; // what knows how it may go on
  #schema = null; // what is known of the endpoint
  #dirty = false; // whether the value has been set, so that the attribute no longer counts
  #text = "";
  #painted = []; // pieces, as `paint` has drawn them
  #syntax = []; // problems that the engine sees
  #answered = []; // problems that the service sees, moved along with the text
  #problems = []; // both
  #shown; // the one that is explained
  #rested = true; // whether nobody has typed for a while
  #wanted = false; // whether a list is wanted, though there may be nothing to offer yet
  #options = [];
  #active = -1; // the option that Enter takes
  #plan = null;
  #timers = {};

  #input = make("input", "input", {
    type: "text", role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": "list",
    "aria-describedby": "message", autocomplete: "off", autocapitalize: "none", autocorrect: "off",
    spellcheck: "false", enterkeyhint: "search",
  });
  #run = make("span", "run");
  #layer = make("div", "highlight", { "aria-hidden": "true" }, this.#run);
  #clear = make("button", "clear", { type: "button", tabindex: "-1" }, "×");
  #box = make("div", "box", {}, make("div", "edit", {}, this.#input, this.#layer), this.#clear);
  #message = make("div", "message", { id: "message" });
  #preview = make("div", "preview");
  #list = make("ul", "listbox", { role: "listbox", id: "list", tabindex: "-1" });
  #popup = make("div", "popup", { hidden: "" }, this.#list, make("div", "keys", { "aria-hidden": "true" }, words.keys));
  #status = make("div", "status", { role: "status" });

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open", delegatesFocus: true });
    if (!sheet) (sheet = new CSSStyleSheet()).replaceSync(style);
    root.adoptedStyleSheets = [sheet];
    const slot = make("slot", "slot", { hidden: "" });
    // a list that finds its place by itself stands above everything, clipped by nothing; any other below the box
    if (globalThis.CSS?.supports("position-area: end")) this.#popup.popover = "manual";
    root.append(this.#box, this.#popup, make("div", "foot", {}, this.#message, this.#preview), this.#status, slot);
    this.#listen(root, slot);
  }

  // Properties, as those of a native input

  get value() { return this.#input.value; }
  set value(text) {
    this.#dirty = true;
    this.#set(text ?? "");
  }
  get form() { return this.#internals.form; }
  get labels() { return this.#internals.labels; }
  get validity() { return this.#internals.validity; }
  get validationMessage() { return this.#internals.validationMessage; }
  get willValidate() { return this.#internals.willValidate; }
  checkValidity() { return this.#internals.checkValidity(); }
  reportValidity() { return this.#internals.reportValidity(); }

  /** What is wrong with the text, as far as is known: the worst first. */
  get diagnostics() { return this.#problems; }

  /** Who answers instead of the service at `src`; null for that. */
  get provider() { return this.#provider; }
  set provider(provider) {
    this.#provider = provider;
    this.#connect();
  }

  // What the browser calls

  connectedCallback() {
    for (const name of ["value", "provider"]) {
      if (!Object.hasOwn(this, name)) continue; // set before the element was known
      const early = this[name];
      delete this[name];
      this[name] = early;
    }
    this.#name();
    this.#connect();
  }

  disconnectedCallback() {
    Object.values(this.#timers).forEach(clearTimeout);
    this.#asker?.stop();
    this.#close();
  }

  attributeChangedCallback(name) {
    const value = this.getAttribute(name);
    this.#input.readOnly = this.readOnly;
    this.#input.placeholder = this.getAttribute("placeholder") ?? "";
    this.#name();
    if (name === "value") this.#dirty || this.#set(value ?? "");
    else if (name === "required") this.#validate();
    else if (/^(endpoint|src|scope)$/.test(name)) this.#connect();
  }

  formResetCallback() {
    this.#dirty = false;
    this.#set(this.getAttribute("value") ?? "");
  }

  formDisabledCallback(disabled) {
    this.#input.disabled = disabled;
    this.#close();
    this.#show();
  }

  formStateRestoreCallback(text) {
    this.value = text;
  }

  // Around the text

  #listen(root, slot) {
    const input = this.#input;
    const on = (target, type, react) => target.addEventListener(type, react);
    on(input, "input", event => this.#typed(event));
    on(input, "keydown", event => this.#key(event));
    on(input, "keyup", ({ key }) => /Left|Right|Home|End/.test(key) && this.#moved());
    on(input, "click", () => (this.#text ? this.#moved() : this.#complete(true)));
    on(input, "scroll", () => this.#align());
    on(input, "paste", event => this.#paste(event));
    on(input, "change", () => this.dispatchEvent(new Event("change", { bubbles: true }))); // it stays in the root
    on(input, "compositionstart", () => this.#box.classList.remove("live")); // the browser draws what is composed
    on(input, "compositionend", () => this.#typed({}));
    on(input, "focus", () => (this.#name(), this.#learn()));
    on(root, "focusout", ({ relatedTarget }) => root.contains(relatedTarget) || this.#rest(this.#close()));
    on(this.#clear, "click", () => this.#replace(0, this.#text.length, ""));
    on(this.#popup, "mousedown", event => event.preventDefault()); // the input keeps the focus
    on(this.#list, "click", ({ target }) => {
      const option = target.closest("li");
      if (option) this.#accept(+option.id.slice(1));
    });
    on(slot, "slotchange", () => this.#adopt(slot.assignedElements().find(each => each.matches("input:enabled"))));
  }

  /** Take the place of a plain `<input>` inside the element, which serves where scripts do not run. */
  #adopt(plain) {
    if (!plain) return;
    const focused = plain === document.activeElement;
    for (const name of ["name", "placeholder", "required", "readonly", "id", "value"]) {
      if (plain.hasAttribute(name) && !this.hasAttribute(name)) this.setAttribute(name, plain.getAttribute(name));
    }
    if (plain.value !== plain.defaultValue) this.value = plain.value; // it has been typed in already
    plain.removeAttribute("id"); // its label is the element's now
    plain.disabled = true; // so that it is not sent
    this.#name();
    if (focused) this.#input.focus();
  }

  /** Name the parts for who cannot see them: labels do not reach into a shadow root. */
  #name() {
    const labels = [...this.getRootNode().querySelectorAll("label")].filter(({ control }) => control === this);
    const text = labels.map(each => each.textContent.trim()).join(" ");
    this.#input.ariaLabel = this.getAttribute("label") || text || words.search;
    this.#list.ariaLabel = words.suggestions;
    this.#clear.ariaLabel = words.clear;
  }

  get readOnly() { return this.hasAttribute("readonly"); }

  // The service

  /** Begin with a service: at `src`, or where this script came from. */
  #connect() {
    if (!this.isConnected) return;
    this.#asker?.stop();
    const src = this.getAttribute("src");
    const base = src === null ? new URL("..", import.meta.url) : new URL(src.replace(/\/?$/, "/"), document.baseURI);
    this.#asker = new Asker(this.#provider ?? createProvider(base));
    this.#schema = null;
    this.#answered = [];
    this.#learn();
    this.#read();
  }

  /** Fetch what the box needs to know: what is missing, again on every focus. */
  async #learn() {
    const asker = this.#asker;
    const endpoint = this.getAttribute("endpoint");
    const facts = this.#schema ?? (endpoint && asker.ask("schema", endpoint));
    if (!this.#engine) {
      this.#engine = await loadEngine();
      if (this.#engine) this.#read();
    }
    if (this.#engine && this.matches(":focus-within")) this.#completer ??= await loadCompleter(this.#engine);
    const schema = await facts;
    if (asker !== this.#asker) return;
    this.#schema = schema;
    if (this.#wanted) this.#complete(true);
  }

  #question(more) {
    return { query: this.#text, endpoint: this.getAttribute("endpoint"), ...SEARCH, ...more };
  }

  #planned() {
    const scope = this.getAttribute("scope");
    return this.#question(scope && { scope });
  }

  /** Ask for what only the service knows of the text. */
  async #ask() {
    const text = this.#text;
    const idle = !text && !this.#dirty; // nobody has touched it
    if (!this.getAttribute("endpoint") || this.#input.disabled || idle) return;
    this.#askValues();
    const what = this.#asker.can("plan") ? "plan" : "check";
    const answer = await this.#asker.ask(what, this.#planned());
    if (answer && text === this.#text) this.#take(what, answer);
  }

  #take(what, answer) {
    const planned = what === "plan";
    this.#answered = (answer.diagnostics ?? []).map(readProblem);
    this.#syntax = [];
    this.#plan = planned && answer.ok ? answer : null;
    this.#judge();
    this.#show();
    if (planned) this.#tell("pql-request", answer);
  }

  // The text

  #set(text) {
    this.#input.value = oneLine(String(text));
    this.#rested = true;
    this.#close();
    this.#read();
  }

  #typed({ isComposing, inputType = "insert" }) {
    this.#dirty = true;
    this.#rested = false;
    if (isComposing) return;
    this.#read();
    this.#complete(/^(insert|delete)/.test(inputType) && this.shadowRoot.activeElement === this.#input);
    this.#tell("pql-input", { value: this.#text });
  }

  /** Read the text as it is now: what the engine knows of it at once, the rest when the typing rests. */
  #read() {
    const before = this.#text;
    const text = (this.#text = this.#input.value);
    const judged = this.#syntax;
    this.#internals.setFormValue(text);
    this.#syntax = this.#engine?.check(text, SEARCH) ?? [];
    if (text !== before) {
      this.#plan = null;
      this.#answered = moved(this.#answered, before, text, judged);
    }
    const known = this.#asker?.known("plan", this.#planned());
    clearTimeout(this.#timers.ask);
    clearTimeout(this.#timers.rest);
    if (!this.#rested) this.#timers.rest = setTimeout(() => this.#rest(), PAUSE);
    if (known) return this.#take("plan", known);
    if (this.#asker) this.#timers.ask = setTimeout(() => this.#ask(), REST);
    this.#judge();
    this.#show();
  }

  #rest() {
    this.#rested = true;
    this.#show();
  }

  /** What is wrong, by all that is known. */
  #judge() {
    const before = JSON.stringify(this.#problems);
    const seen = this.#answered.map(({ start }) => start);
    this.#problems = [...this.#answered, ...this.#syntax.filter(({ start }) => !seen.includes(start))];
    this.#problems.sort((a, b) => RANK[a.severity] - RANK[b.severity] || a.start - b.start);
    this.#validate();
    const detail = { value: this.#text, diagnostics: this.#problems };
    if (JSON.stringify(this.#problems) !== before) this.#tell("pql-diagnostics", detail);
  }

  #validate() {
    const wrong = this.#problems.find(isError)?.message;
    const valueMissing = !this.#text && this.hasAttribute("required");
    const message = wrong ?? (valueMissing ? words.required : "");
    this.#internals.setValidity({ customError: wrong !== undefined, valueMissing }, message, this.#input);
  }

  #tell(type, detail, cancelable = false) {
    return this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true, cancelable }));
  }

  // What is seen

  get #open() { return !this.#popup.hidden; }

  /** The problems to show: while somebody types or chooses, none that the next key may mend. */
  #visible() {
    if (this.#rested && !this.#open) return this.#problems;
    const caret = this.#input.selectionStart;
    const isOpening = ({ start, end }) => start < caret && end === start + 1 && `("'`.includes(this.#text[start]);
    return this.#problems.filter(each => !touches(each, caret) && !isOpening(each));
  }

  #show() {
    const problems = this.#visible();
    const wrong = problems.some(isError);
    this.#paint(problems);
    this.#explain(problems);
    this.#preview.textContent = this.#plan ? words.plan(this.#plan) : "";
    this.#clear.hidden = !this.#text || this.#input.disabled || this.readOnly;
    this.#box.classList.toggle("wrong", wrong);
    this.#input.ariaInvalid = wrong;
    clearTimeout(this.#timers.say);
    this.#timers.say = setTimeout(() => this.#say(), SILENCE);
  }

  /** Draw the layer: of its pieces, those alone that are not drawn already. */
  #paint(problems) {
    const text = this.#text;
    const wanted = this.#engine ? pieces(text, this.#engine.tokens(text), problems.slice(0, DRAWN)) : [];
    const [head, tail] = shared(this.#painted, wanted);
    const drawn = [...this.#run.childNodes];
    drawn.slice(head, drawn.length - tail).forEach(each => each.remove());
    const made = wanted.slice(head, wanted.length - tail).map(piece => {
      const [look, part] = piece.split("\n");
      return look ? make("span", look, {}, part) : part;
    });
    if (tail) drawn[drawn.length - tail].before(...made);
    else this.#run.append(...made);
    this.#painted = wanted;
    this.#layer.dir = this.#input.dir = text.trim() && "auto";
    this.#box.classList.toggle("live", Boolean(this.#engine));
    requestAnimationFrame(() => this.#align()); // before it is painted, when the input has scrolled to its caret
  }

  #align() {
    this.#run.style.transform = `translateX(${-this.#input.scrollLeft}px)`;
  }

  /** The problem at the caret, or else the worst, and its fixes. */
  #explain(problems) {
    const problem = problems.find(each => touches(each, this.#input.selectionStart)) ?? problems[0];
    this.#shown = problem;
    if (!problem) return this.#message.replaceChildren();
    const fixes = problem.suggestions.slice(0, FIXES).map((each, at) => {
      const key = at ? {} : { "aria-keyshortcuts": "Alt+Enter" };
      const fix = make("button", "fix", { type: "button", ...key }, ...prose(each.message));
      fix.addEventListener("click", () => this.#fix(each));
      return fix;
    });
    fixes[0]?.append(make("kbd", "key", { "aria-hidden": "true" }, "Alt+Enter"));
    const more = problems.length > 1 ? [make("span", "more", {}, words.more(problems.length - 1))] : [];
    this.#message.replaceChildren(
      make("span", `problem-text ${problem.severity}`, {}, ...prose(problem.message)), ...fixes, ...more);
  }

  /** Tell who listens how many suggestions there are, what is wrong, or else what the query asks. */
  #say() {
    const parts = [];
    if (this.#open && this.#active < 0) parts.push(words.found(this.#options.length));
    if (this.#shown) parts.push(this.#shown.message, this.#shown.suggestions.length ? words.toFix : "");
    else if (this.#plan) parts.push(words.plan(this.#plan));
    const said = parts.filter(Boolean).join(". ").replace(/`/g, "");
    if (this.shadowRoot.activeElement && said !== this.#status.textContent) this.#status.textContent = said;
  }

  // The list

  #moved() {
    this.#explain(this.#visible());
    if (this.#open) this.#complete(true);
  }

  /** Offer what may be written at the caret: what the service has said of it before, or what the engine knows. */
  #complete(wanted) {
    this.#wanted = wanted && !this.readOnly;
    if (!this.#wanted || !this.#completer || !this.#schema) return this.#hide();
    const caret = this.#input.selectionStart;
    const known = this.#asker.known("complete", this.#question({ utf16_cursor: caret }));
    this.#offer(known?.completions.map(readPlace) ?? this.#completer.complete(this.#text, caret, this.#schema, SEARCH));
  }

  /** Ask for the values that only the host knows, where a value is being typed. */
  async #askValues() {
    const text = this.#text;
    const caret = this.#input.selectionStart;
    if (!this.#wanted || !this.#completer?.accepts(text, caret).includes("WORD")) return;
    const answer = await this.#asker.ask("complete", this.#question({ utf16_cursor: caret }));
    if (!answer || !this.#wanted || text !== this.#text || caret !== this.#input.selectionStart) return;
    const found = answer.completions.map(readPlace);
    if (this.#active < 0) return this.#offer(found);
    const known = this.#options.map(({ insert }) => insert); // what somebody chooses from keeps its order
    this.#offer([...this.#options, ...found.filter(({ insert }) => !known.includes(insert))], this.#active);
  }

  #offer(options, active = -1) {
    if (!options.length) return this.#hide();
    this.#options = options;
    this.#list.replaceChildren(
      ...options.map(({ label, kind, detail }, at) =>
        make("li", "option", { role: "option", id: `o${at}`, "aria-selected": "false" },
          make("span", `option-label ${kind}`, {}, label), " ", make("span", "option-detail", {}, detail))));
    if (!this.#open) {
      this.#popup.hidden = false;
      if (this.#popup.popover) this.#popup.showPopover();
      this.#input.ariaExpanded = "true";
      this.#show();
    }
    this.#activate(active);
  }

  #close() {
    this.#wanted = false;
    this.#hide();
  }

  #hide() {
    if (!this.#open) return;
    this.#popup.hidden = true;
    if (this.#popup.matches(":popover-open")) this.#popup.hidePopover();
    this.#input.ariaExpanded = "false";
    this.#activate(-1);
    this.#show();
  }

  #activate(at) {
    this.#list.children[this.#active]?.setAttribute("aria-selected", "false");
    this.#active = at;
    const option = this.#list.children[at];
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) this.#input.setAttribute("aria-activedescendant", option.id);
    else this.#input.removeAttribute("aria-activedescendant");
  }

  // What hands do

  #key(event) {
    if (event.isComposing || event.keyCode === 229) return; // for the input method
    if (this.#react(event)) event.preventDefault();
  }

  /** Do what a key is for; whether it was for the box. */
  #react({ key, altKey, ctrlKey, metaKey, shiftKey }) {
    const open = this.#open;
    if (key === "Enter" && altKey) return this.#fix(this.#shown?.suggestions[0]);
    if (key === " " && ctrlKey) return this.#complete(true), true;
    if (ctrlKey || metaKey) return false;
    if (key === "ArrowDown" || key === "ArrowUp") {
      const down = key === "ArrowDown";
      if (altKey) return this.#complete(down), true;
      if (!open) this.#complete(true);
      if (!this.#open) return false;
      const last = this.#options.length - 1;
      if (down) this.#activate(this.#active < last ? this.#active + 1 : 0);
      else this.#activate(this.#active > 0 ? this.#active - 1 : last);
      return true;
    }
    if (open && this.#active >= 0 && !shiftKey && (key === "Enter" || key === "Tab")) {
      return this.#accept(this.#active), true;
    }
    if (key === "Enter") return this.#submit(), true;
    if (key !== "Escape" || !(open || this.#text)) return false;
    if (open) this.#close();
    else this.#replace(0, this.#text.length, "");
    return true;
  }

  #accept(at) {
    const { start, end, insert } = this.#options[at];
    this.#replace(start, end, insert);
    if (!/[ (]$/.test(insert)) this.#close(); // else something is due behind it
  }

  #fix(suggestion) {
    if (!suggestion) return false;
    this.#replace(suggestion.start, suggestion.end, suggestion.replacement);
    this.#close();
    this.#rest();
    return true;
  }

  /** Put a text in place of a part as a hand would: one undo brings the old text back. */
  #replace(start, end, text) {
    const input = this.#input;
    if (this.readOnly || input.disabled) return;
    input.focus();
    input.setSelectionRange(start, end);
    // deprecated, and still the only way that undo knows of
    if (document.execCommand(text ? "insertText" : "delete", false, text)) return;
    input.setRangeText(text, start, end, "end");
    this.#typed({});
  }

  #paste(event) {
    const pasted = oneLine(event.clipboardData.getData("text/plain"));
    if (!pasted) return;
    event.preventDefault();
    this.#replace(this.#input.selectionStart, this.#input.selectionEnd, pasted);
    if (REQUEST.test(this.#text)) this.#readBack(this.#text);
  }

  /** Make a pasted request the query that means it; undo brings the request back. */
  async #readBack(target) {
    this.#close();
    const endpoint = this.getAttribute("endpoint");
    const answer = await this.#asker.ask("decompile", { target, ...(endpoint && { endpoint }) });
    if (!answer || target !== this.#text) return;
    if (answer.ok) this.#replace(0, target.length, answer.query);
    else this.#take("decompile", answer);
    this.#close();
    this.#rest();
  }

  /** Enter: send the form, unless the query is wrong or the page has something else in mind. */
  #submit() {
    const { form } = this;
    this.#close();
    this.#rest();
    if (!form?.noValidate && !this.reportValidity()) return;
    const button = form && [...form.elements].find(each => each.type === "submit");
    const detail = { value: this.#text, endpoint: this.getAttribute("endpoint"), plan: this.#plan };
    if (this.#tell("pql-submit", detail, true) && !button?.disabled) form?.requestSubmit(button);
  }
}

const isError = ({ severity }) => severity === "error";
const touches = ({ start, end }, caret) => start <= caret && caret <= end;
const oneLine = text => text.replace(/[\r\n]+$/, "").replace(/\r\n?|\n/g, " ");

/** A text with `names` in it, as nodes. */
const prose = text => text.split("`").map((part, at) => (at % 2 ? make("code", "code", {}, part) : part));

/** What the service says of a place in the text, as JavaScript counts it. */
const readPlace = ({ span, utf16, ...rest }) => ({ ...rest, ...(utf16 ?? span) });
const readProblem = problem => ({ ...readPlace(problem), suggestions: (problem.suggestions ?? []).map(readPlace) });

/** An element of the box; its class and its part, by which a page may style it, are the same. */
function make(name, part, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries({ class: part, part, ...attributes })) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** How many items two sequences share at their start, and of the rest at their end. */
function shared(a, b) {
  const least = Math.min(a.length, b.length);
  let head = 0;
  let tail = 0;
  while (head < least && a[head] === b[head]) head++;
  while (tail < least - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  return [head, tail];
}

/** The problems that a change of the text has not touched, at their new places; none that the engine judges anew. */
function moved(problems, before, after, judged) {
  const [head, tail] = shared(before, after);
  const stays = ({ start, end }) => end < head || start > before.length - tail;
  const move = each => {
    const shift = each.end < head ? 0 : after.length - before.length;
    return { ...each, start: each.start + shift, end: each.end + shift };
  };
  return problems
    .filter(each => [each, ...each.suggestions].every(stays) && !judged.some(({ start }) => start === each.start))
    .map(each => ({ ...move(each), suggestions: each.suggestions.map(move) }));
}

/** The text cut where a token or a problem begins or ends: for each piece, how it looks, a line's end, and its text. */
function pieces(text, tokens, problems) {
  const cuts = new Set([0, text.length]);
  for (const { start, end } of [...tokens, ...problems]) cuts.add(start).add(end);
  const places = [...cuts].sort((a, b) => a - b);
  let next = 0;
  const made = places.slice(1).map((end, at) => {
    const start = places[at];
    while (next < tokens.length && tokens[next].end <= start) next++;
    const problem = problems.find(each => each.start <= start && end <= each.end);
    const kind = tokens[next]?.start <= start ? tokens[next].kind : "";
    return `${kind}${problem ? ` problem ${problem.severity}` : ""}\n${text.slice(start, end)}`;
  });
  const atEnd = problems.find(({ start }) => start >= text.length);
  return atEnd ? [...made, `problem ${atEnd.severity}\n\xa0`] : made; // where something is missing
}

if (globalThis.customElements && !customElements.get("pql-search")) customElements.define("pql-search", PqlSearch);
