/**
 * `<pql-search>`: a search box for PQL. A native input with a coloured layer above it, a list of what may be written
 * next, mistakes underlined with their fixes, and what the query will ask.
 *
 *     a key -> read -> engine: tokens, syntax, completion -> painted at once
 *                  \-> service, when the typing rests: types, host values, the plan -> painted when it answers
 *
 * Without service it knows the language but not the fields; without engine, it is a plain text field.
 * docs/reference/search-box.md says what a page may set, hear and style.
 */

import { dress, make, oneLine, prose } from "./pql-dom.js";
import { Layer } from "./pql-layer.js";
import { isError, join, moved, touches } from "./pql-problems.js";
import { Asker, createProvider } from "./pql-service.js";
import { words } from "./pql-words.js";
import style from "./pql-search.css";

export { createProvider, words };

const REST = 150; // milliseconds without a key, after which the service is asked
const PAUSE = 400; // ... after which a mistake under the caret is shown too
const SILENCE = 700; // ... after which something is said to who listens
const FIXES = 3; // of a problem, that are shown
const DRAWN = 50; // problems
const SEARCH = { mode: "search" };

const TEXTS = ["name", "label", "endpoint", "src", "scope", "placeholder", "defaultValue"]; // attributes as properties
const FLAGS = ["disabled", "required", "readOnly"];
const attributeOf = property => (property === "defaultValue" ? "value" : property.toLowerCase());

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
  load("completer", () => import("./completer.js"), "./words.json", ([part, all]) => ({
    ...part,
    ...part.createCompleter(engine, all),
  }));

export class PqlSearch extends (globalThis.HTMLElement ?? class {}) {
  static formAssociated = true;
  static observedAttributes = [...[...TEXTS, ...FLAGS].map(attributeOf), "aria-label", "aria-labelledby", "aria-describedby"];

  #internals = this.attachInternals();
  #provider = null;
  #asker = null;
  #engine = null; // what reads the text
  #offers = null; // what knows how it may go on
  #learning; // the promise of
  #schema; // what is known of the endpoint; null where there is no such endpoint
  #dirty = false; // whether the value has been set, so that the attribute no longer counts
  #text = "";
  #told = ""; // the text as of the last `change`
  #syntax = []; // problems that the engine sees
  #answered = []; // problems that the service sees, moved along with the text
  #problems = []; // both
  #shown; // the one that is explained
  #rested = true; // whether nobody has typed for a while
  #composing = false; // whether an input method is at work
  #attempted = false; // whether somebody has tried to send it as it is
  #wanted = false; // whether a list is wanted, though there may be nothing to offer yet
  #pending = null; // the promise of what the service says of this text
  #sending = null; // the Enter that waits for it
  #foreign = null; // a pasted request that was not read back, and why
  #plan = null;
  #timers = {};
  #watch = globalThis.MutationObserver && new MutationObserver(() => this.#name());

  #input = make("input", "input", {
    role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false",
    "aria-describedby": "message note", autocomplete: "off", autocapitalize: "none", autocorrect: "off",
    spellcheck: "false", enterkeyhint: "search",
  });
  #layer = new Layer();
  #clear = make("button", "clear", { type: "button", tabindex: "-1" }, "×");
  #box = make("div", "box", {}, make("div", "edit", {}, this.#input, this.#layer.element), this.#clear);
  #message = make("div", "message", { id: "message" });
  #preview = make("div", "preview");
  #status = make("div", "status", { role: "status" });
  #note = make("div", "note", { id: "note", hidden: "" }); // what the page describes the box with

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open", delegatesFocus: true });
    dress(root, style);
    const slot = make("slot", "slot", { hidden: "" });
    const foot = make("div", "foot", {}, this.#message, this.#preview);
    root.append(this.#box, foot, this.#status, this.#note, slot);
    this.#listen(root, slot);
  }

  // Properties, as those of a native input; those that are attributes by another way stand below

  get type() { return "pql-search"; }
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
    for (const name of ["value", "provider", ...TEXTS, ...FLAGS]) {
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
    this.#watch.disconnect();
    this.#sending = null;
    this.#close();
    this.#layer.wipe();
  }

  /** In another document, which has taken the styles of this one away. */
  adoptedCallback() {
    dress(this.shadowRoot, style);
    this.#offers?.dress();
  }

  attributeChangedCallback(name) {
    if ((this.#input.readOnly = this.readOnly)) this.#close();
    this.#input.ariaRequired = this.required;
    this.#input.placeholder = this.placeholder;
    this.#name();
    if (name === "value") this.#dirty || this.#set(this.defaultValue);
    else if (/^(endpoint|src|scope)$/.test(name)) this.#connect();
    else this.#show(this.#validate());
  }

  formResetCallback() {
    this.#dirty = false;
    this.#set(this.defaultValue);
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
    on(input, "compositionstart", () => this.#compose(true));
    on(input, "compositionend", () => this.#composing && this.#typed(this.#compose(false)));
    on(input, "focus", () => (this.#name(), this.#learn()));
    on(root, "focusout", ({ relatedTarget }) => root.contains(relatedTarget) || this.#leave());
    on(this.#clear, "click", () => this.#close(this.#replace(0, this.#text.length, "")));
    on(this, "invalid", () => this.#show((this.#attempted = true)));
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

  /** Name the parts for who cannot see them, now and whenever a name changes: labels do not reach into a shadow root. */
  #name() {
    const root = this.getRootNode();
    const ids = name => this.getAttribute(name)?.match(/\S+/g) ?? [];
    const told = name => ids(name).flatMap(id => root.querySelector(`#${CSS.escape(id)}`) ?? []);
    const textOf = elements => elements.map(each => each.textContent.trim()).join(" ");
    const labels = [...root.querySelectorAll("label")].filter(({ control }) => control === this);
    const [named, described] = [told("aria-labelledby"), told("aria-describedby")];
    this.#input.ariaLabel =
      textOf(named) || this.ariaLabel || this.label || textOf(labels) || words.search;
    this.#note.textContent = textOf(described);
    this.#clear.ariaLabel = words.clear;
    this.#watch.disconnect();
    for (const each of [...named, ...described, ...labels]) {
      this.#watch.observe(each, { childList: true, characterData: true, subtree: true });
    }
  }

  // The service

  /** Begin with a service: at `src`, or where this script came from. */
  #connect() {
    if (!this.isConnected) return;
    this.#asker?.stop();
    const src = this.getAttribute("src") ?? new URL("..", import.meta.url);
    this.#asker = new Asker(this.#provider ?? createProvider(src));
    this.#schema = undefined;
    this.#answered = [];
    this.#plan = this.#pending = this.#learning = null;
    this.#learn();
    this.#read();
  }

  /** Fetch what the box needs to know: what is missing, again on every focus and with every judgement. */
  async #learn() {
    const asker = this.#asker;
    const { endpoint } = this;
    const facts = this.#schema ?? (endpoint && (this.#learning ??= asker.ask("schema", endpoint)));
    if (!this.#engine) {
      this.#engine = await loadEngine();
      if (this.#engine) this.#read();
    }
    if (this.#engine && this.matches(":focus-within")) this.#equip(await loadCompleter(this.#engine));
    const schema = await facts;
    if (asker !== this.#asker) return;
    this.#learning = null;
    const isNew = schema !== this.#schema;
    this.#schema = schema;
    if (isNew && schema === null) console.warn(`pql-search: ${words.unknown(endpoint)}`);
    if (isNew) this.#show();
    if (this.#wanted) this.#complete(true);
  }

  /** From now on there is who makes offers, and who takes in what is pasted. */
  #equip(completer) {
    if (this.#offers || !completer) return;
    const own = this;
    const box = {
      input: this.#input,
      words,
      get asker() { return own.#asker; },
      get schema() { return own.#schema; },
      question: more => this.#question(more),
      replace: (...change) => this.#replace(...change),
      readBack: text => this.#readBack(text),
      show: () => this.#show(),
    };
    this.#offers = new completer.Offers(box, completer);
    completer.receive(box);
    this.#box.after(this.#offers.element);
  }

  #question(more) {
    return { query: this.#text, endpoint: this.endpoint, ...SEARCH, ...more };
  }

  #planned() {
    const { scope } = this;
    return this.#question(scope && { scope });
  }

  get #what() { return this.#asker.can("plan") ? "plan" : "check"; }

  /** Ask for what only the service knows of the text, once; the promise is kept when there is no more to come. */
  #ask(insists) {
    clearTimeout(this.#timers.ask);
    return (this.#pending ??= this.#judged(insists));
  }

  async #judged(insists) {
    const text = this.#text;
    const asker = this.#asker;
    const idle = !text && !this.#dirty; // nobody has touched it
    if (!this.endpoint || this.#schema === null || this.#input.disabled || idle) return;
    if (/\p{Cs}/u.test(text)) return; // half a letter, which no JSON can say
    if (!this.#schema) this.#learn();
    this.#offers?.ask();
    const what = this.#what;
    const verdict = await asker.ask(what, this.#planned(), insists);
    if (text !== this.#text || asker !== this.#asker) return;
    if (verdict) return this.#take(what, verdict);
    this.#pending = null;
    this.#answered = []; // what was said of an older text may not be so of this one
    this.#judge();
    if (asker.wait > 0 && this.matches(":focus-within")) this.#timers.ask = setTimeout(() => this.#ask(), asker.wait + REST);
  }

  #take(what, { answer, problems }) {
    const planned = what === "plan";
    this.#answered = problems;
    this.#syntax = [];
    this.#plan = planned && answer.ok ? answer : null;
    this.#judge();
    if (planned) this.#tell("pql-request", answer);
  }

  // The text

  #set(text) {
    this.#input.value = this.#told = oneLine(`${text}`);
    this.#composing = this.#attempted = false;
    this.#rested = true;
    this.#close();
    this.#read();
  }

  /** While an input method is at work, the browser draws what is composed, and the box keeps quiet. */
  #compose(composing) {
    this.#composing = composing;
    this.#close();
    this.#show();
    return {};
  }

  #typed({ inputType = "insert" }) {
    this.#dirty = true;
    this.#rested = false;
    if (this.#composing) return this.#internals.setFormValue(this.value);
    const before = this.#text;
    this.#read();
    this.#complete(/^(insert|delete)/.test(inputType) && this.shadowRoot.activeElement === this.#input);
    if (this.#text !== before) this.#tell("pql-input", { value: this.#text });
  }

  /** Read the text as it is now: what the engine knows of it at once, the rest when the typing rests. */
  #read() {
    const before = this.#text;
    const text = (this.#text = this.value);
    const judged = this.#syntax;
    const foreign = this.#foreign?.text === text ? this.#foreign : null;
    this.#internals.setFormValue(text);
    this.#syntax = foreign ? [] : (this.#engine?.check(text, SEARCH) ?? []);
    if (text !== before) {
      this.#attempted = false;
      this.#plan = this.#pending = this.#sending = null;
      this.#answered = this.#foreign?.text === before ? [] : moved(this.#answered, before, text, judged);
    }
    clearTimeout(this.#timers.ask);
    clearTimeout(this.#timers.rest);
    if (!this.#rested) this.#timers.rest = setTimeout(() => this.#rest(), PAUSE);
    if (foreign) {
      this.#answered = foreign.problems;
      this.#pending = foreign.reading;
      return this.#judge();
    }
    const known = this.#asker?.known(this.#what, this.#planned());
    if (known) return this.#take(this.#what, known);
    if (this.#asker) this.#timers.ask = setTimeout(() => this.#ask(), REST);
    this.#judge();
  }

  #rest() {
    this.#rested = true;
    this.#show();
  }

  #leave() {
    this.#composing = false;
    this.#close();
    this.#rest();
    this.#commit();
  }

  /** Tell of a changed text as a native input does: when it is left or sent, not by each key. */
  #commit() {
    if (this.#text === this.#told) return;
    this.#told = this.#text;
    this.dispatchEvent(new Event("change", { bubbles: true }));
  }

  /** What is wrong, by all that is known. */
  #judge() {
    const before = JSON.stringify(this.#problems);
    this.#problems = join(this.#answered, this.#syntax);
    this.#validate();
    this.#show();
    const detail = { value: this.#text, diagnostics: this.#problems };
    if (JSON.stringify(this.#problems) !== before) this.#tell("pql-diagnostics", detail);
  }

  #validate() {
    const wrong = this.#problems.find(isError)?.message;
    const valueMissing = !this.#text && this.required;
    const message = wrong ?? (valueMissing ? words.required : "");
    this.#internals.setValidity({ customError: wrong !== undefined, valueMissing }, message, this.#input);
  }

  #tell(type, detail, cancelable = false) {
    return this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true, cancelable }));
  }

  // What is seen

  /** The problems to show: while somebody types or chooses, none that the next key may mend. */
  #visible() {
    if (this.#composing) return [];
    if (this.#rested && !this.#offers?.open) return this.#problems;
    const caret = this.#input.selectionStart;
    const end = this.#text.trimEnd().length; // a blank behind the last word is not the end of typing there
    const at = caret < end ? caret : end;
    const isOpening = ({ start, end }) => start < caret && end === start + 1 && `("'`.includes(this.#text[start]);
    return this.#problems.filter(each => !touches(each, caret) && !touches(each, at) && !isOpening(each));
  }

  /** The worst problem; of several as bad, the one at the caret. */
  #nearest(problems) {
    const [worst] = problems;
    return problems.find(each => each.severity === worst.severity && touches(each, this.#input.selectionStart)) ?? worst;
  }

  /** What is wrong with no place of the text. */
  #general() {
    const say = (severity, message) => ({ severity, message, suggestions: [] });
    if (this.#composing) return;
    if (this.#schema === null) return say("warning", words.unknown(this.endpoint));
    if (this.#attempted && this.validity.valueMissing) return say("error", words.required);
  }

  #show() {
    const live = this.#engine && !this.#composing && !this.#input.disabled;
    const problems = this.#visible();
    const general = this.#general();
    const wrong = [...problems, general ?? []].some(isError);
    if (live) this.#paint(problems);
    this.#box.classList.toggle("live", Boolean(live));
    this.#explain(problems, general);
    this.#preview.textContent = this.#sending ? words.asking : this.#plan && live ? words.plan(this.#plan) : "";
    this.#clear.hidden = !this.#text || this.#input.disabled || this.readOnly;
    this.#box.classList.toggle("wrong", wrong);
    this.#input.ariaInvalid = wrong;
    clearTimeout(this.#timers.say);
    this.#timers.say = setTimeout(() => this.#say(), SILENCE);
  }

  #paint(problems) {
    const text = this.#text;
    this.#layer.draw(text, this.#engine.tokens(text), problems.slice(0, DRAWN));
    this.#layer.element.dir = this.#input.dir = text.trim() && "auto";
    requestAnimationFrame(() => this.#align()); // before it is painted, when the input has scrolled to its caret
  }

  #align() {
    this.#layer.align(this.#input.scrollLeft);
  }

  /** Say what is wrong, and offer its fixes. */
  #explain(problems, general) {
    const problem = (this.#shown = this.#nearest(problems) ?? general);
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
    const said = [];
    if (this.#offers?.count) said.push(words.found(this.#offers.count));
    if (this.#shown) said.push(this.#shown.message, this.#shown.suggestions.length ? words.toFix : "");
    else said.push(this.#preview.textContent);
    const text = said.filter(Boolean).join(". ").replace(/`/g, "");
    if (this.shadowRoot.activeElement && text !== this.#status.textContent) this.#status.textContent = text;
  }

  // The list

  #moved() {
    this.#explain(this.#visible(), this.#general());
    if (this.#offers?.open) this.#complete(true);
  }

  /** Offer what may be written at the caret, or cease to. */
  #complete(wanted) {
    this.#wanted = wanted && !this.readOnly && !this.#composing;
    if (this.#wanted) this.#offers?.complete();
    else this.#close();
  }

  #close() {
    this.#wanted = false;
    this.#offers?.close();
  }

  // What hands do

  #key(event) {
    if (event.isComposing || event.keyCode === 229) return; // for the input method
    if (this.#react(event)) event.preventDefault();
  }

  /** Do what a key is for; whether it was for the box. */
  #react(event) {
    const { key, altKey, ctrlKey, metaKey, repeat } = event;
    if (key === "Enter" && altKey) return this.#fix((this.#shown ?? this.#nearest(this.#problems))?.suggestions[0]);
    if (key === " " && ctrlKey) return this.#complete(true), true;
    if (ctrlKey || metaKey) return false;
    if (!this.readOnly && this.#offers?.react(event)) return true;
    return key === "Enter" && (repeat || this.#submit(), true);
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

  /** Make a pasted request the query that means it; undo brings the request back. */
  #readBack(text) {
    this.#close();
    const { endpoint } = this;
    const reading = this.#asker.ask("decompile", { target: text, ...(endpoint && { endpoint }) }).then(verdict => {
      const stays = verdict?.answer.ok === false;
      this.#foreign = stays ? { text, problems: verdict.problems } : null;
      if (text !== this.#text) return;
      if (verdict?.answer.ok) this.#replace(0, text.length, verdict.answer.query);
      else this.#read();
      this.#close();
      this.#rest();
    });
    this.#foreign = { text, problems: [], reading };
    this.#read();
  }

  /**
   * Enter: send the form, unless the query is wrong or the page has something else in mind. What the service has not
   * judged yet it is asked first; a second Enter waits no longer.
   */
  async #submit() {
    const { form } = this;
    this.#close();
    this.#rest();
    this.#commit();
    if (!this.#sending && !form?.noValidate && this.validity.valid) {
      const turn = (this.#sending = {});
      this.#show();
      await this.#ask(true);
      if (turn !== this.#sending) return; // somebody has typed on, or pressed Enter again
    }
    this.#sending = null;
    this.#show();
    if (!form?.noValidate && !this.reportValidity()) return;
    const button = form && [...form.elements].find(each => each.type === "submit");
    const detail = { value: this.#text, endpoint: this.getAttribute("endpoint"), plan: this.#plan };
    if (this.#tell("pql-submit", detail, true) && !button?.disabled) form?.requestSubmit(button);
  }
}

for (const name of [...TEXTS, ...FLAGS]) {
  const attribute = attributeOf(name);
  const isFlag = FLAGS.includes(name);
  Object.defineProperty(PqlSearch.prototype, name, {
    get() {
      return isFlag ? this.hasAttribute(attribute) : (this.getAttribute(attribute) ?? "");
    },
    /** Null takes the attribute away. */
    set(value) {
      if (isFlag) this.toggleAttribute(attribute, Boolean(value));
      else if (value == null) this.removeAttribute(attribute);
      else this.setAttribute(attribute, value);
    },
  });
}

if (globalThis.customElements && !customElements.get("pql-search")) customElements.define("pql-search", PqlSearch);
