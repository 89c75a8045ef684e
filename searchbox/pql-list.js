// The list of what may be written next: it says to the input, and so to a screen reader, what is open and what is active.

import { dress, make } from "./pql-dom.js";
import style from "./pql-list.css";

export class List {
  #input;
  #list = make("ul", "listbox", { role: "listbox", id: "list", tabindex: "-1" });
  element = make("div", "popup", { hidden: "" }, this.#list);
  options = [];
  active = -1; // the option that Enter takes

  /** The list of an input, which says `words`; `take` is called with the number of an option that is clicked at. */
  constructor(input, words, take) {
    this.#input = input;
    this.#list.ariaLabel = words.suggestions;
    this.element.append(make("div", "keys", { "aria-hidden": "true" }, words.keys));
    this.dress();
    input.setAttribute("aria-controls", "list");
    // a list that finds its place by itself stands above everything, clipped by nothing; any other below the box
    if (globalThis.CSS?.supports("position-area: end")) this.element.popover = "manual";
    this.element.addEventListener("mousedown", event => event.preventDefault()); // the input keeps the focus
    this.#list.addEventListener("click", ({ target }) => {
      const option = target.closest("li");
      if (option) take(+option.id.slice(1));
    });
  }

  get open() { return !this.element.hidden; }

  dress() {
    dress(this.#input.getRootNode(), style);
  }

  show(options, active) {
    this.options = options;
    this.#list.replaceChildren(
      ...options.map(({ label, kind, detail }, at) =>
        make("li", "option", { role: "option", id: `o${at}`, "aria-selected": "false" },
          make("span", `option-label ${kind}`, {}, label), " ", make("span", "option-detail", {}, detail))));
    this.#toggle(true);
    this.activate(active);
  }

  hide() {
    this.#toggle(false);
    this.activate(-1);
  }

  #toggle(open) {
    this.element.hidden = !open;
    if (this.element.popover) this.element.togglePopover(open);
    this.#input.ariaExpanded = open;
  }

  /** Make the next option active, or with -1 the one before, round and round. */
  move(by) {
    const count = this.options.length;
    this.activate(this.active < 0 && by < 0 ? count - 1 : (this.active + by + count) % count);
  }

  activate(at) {
    this.#list.children[this.active]?.setAttribute("aria-selected", "false");
    this.active = at;
    const option = this.#list.children[at];
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) this.#input.setAttribute("aria-activedescendant", option.id);
    else this.#input.removeAttribute("aria-activedescendant");
  }
}
