/**
 * What may be written at the caret: offered in a list, and put into the text when it is chosen. It comes with the
 * completer, when somebody comes to type.
 *
 * `box` is what it may see and do of its box: `input`, `words`, the `asker` and the `schema` there are, `question` with
 * the text and more, `replace` a part of the text, `show` what is seen anew.
 */

import { List } from "./pql-list.js";

const SEARCH = { mode: "search" };

export class Offers {
  #box;
  #completer;
  #wanted = false; // whether a list is wanted, though there may be nothing to offer yet
  #list;

  constructor(box, completer) {
    this.#box = box;
    this.#completer = completer;
    this.#list = new List(box.input, box.words, at => this.#accept(at));
    this.element = this.#list.element;
  }

  get open() { return this.#list.open; }

  /** In another document. */
  dress() {
    this.#list.dress();
  }

  /** How many there are to choose from, while nobody does. */
  get count() { return this.open && this.#list.active < 0 ? this.#list.options.length : 0; }

  /** Offer what may be written at the caret: what the service has said of it before, or what the engine knows. */
  complete() {
    const { input, asker, schema, question } = this.#box;
    this.#wanted = true;
    if (!schema) return this.#hide();
    const caret = input.selectionStart;
    const known = asker.known("complete", question({ utf16_cursor: caret }));
    this.#offer(known ?? this.#completer.complete(input.value, caret, schema, SEARCH));
  }

  /** Ask for the values that only the host knows, where a value is being typed. */
  async ask() {
    const { input, asker, question } = this.#box;
    const { value, selectionStart } = input;
    if (!this.#wanted || !this.#completer.accepts(value, selectionStart).includes("WORD")) return;
    const found = await asker.ask("complete", question({ utf16_cursor: selectionStart }));
    if (!found || !this.#wanted || value !== input.value || selectionStart !== input.selectionStart) return;
    const { active, options } = this.#list;
    if (active < 0) return this.#offer(found);
    const known = options.map(({ insert }) => insert); // what somebody chooses from keeps its order
    this.#offer([...options, ...found.filter(({ insert }) => !known.includes(insert))], active);
  }

  /** Do what a key is for; whether it was for the list. */
  react({ key, altKey, shiftKey }) {
    const list = this.#list;
    if (key === "ArrowDown" || key === "ArrowUp") {
      const down = key === "ArrowDown";
      if (altKey) return down ? this.complete() : this.close(), true;
      if (!list.open) this.complete();
      if (list.open) list.move(down ? 1 : -1);
      return list.open;
    }
    if (!list.open) return false; // Escape may be for a dialog around the box
    if (key === "Escape") return this.close(), true;
    const takes = (key === "Enter" || key === "Tab") && !shiftKey && list.active >= 0;
    if (takes) this.#accept(list.active);
    return takes;
  }

  close() {
    this.#wanted = false;
    this.#hide();
  }

  #accept(at) {
    const { start, end, insert } = this.#list.options[at];
    this.#box.replace(start, end, insert);
    if (!/[ (]$/.test(insert)) this.close(); // else something is due behind it
  }

  #offer(options, active = -1) {
    if (!options.length) return this.#hide();
    const { open } = this.#list;
    this.#list.show(options, active);
    if (!open) this.#box.show();
  }

  #hide() {
    if (!this.#list.open) return;
    this.#list.hide();
    this.#box.show();
  }
}
