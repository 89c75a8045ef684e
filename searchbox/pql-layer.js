/**
 * The coloured layer above the input: its text once more, in as few nodes as can be. The colours are the browser's own
 * highlights, which leave each letter where it is; an element for each word would widen it by a part of a pixel, and
 * the end of a long query would stand beside its caret. Only a problem has an element, to underline.
 */

import { make } from "./pql-dom.js";

/** The highlight for all tokens of a kind, of all boxes of the page. */
function highlightOf(kind) {
  const name = `pql-${kind}`;
  const { highlights } = CSS;
  if (!highlights.has(name)) highlights.set(name, new Highlight());
  return highlights.get(name);
}

export class Layer {
  #run = make("span", "run");
  #drawn;
  #coloured = []; // each range, with its highlight
  element = make("div", "highlight", { "aria-hidden": "true" }, this.#run);

  /** Draw a text, the colours of its tokens and the lines under its problems. */
  draw(text, tokens, problems) {
    const drawn = JSON.stringify([text, problems.map(({ start, end, severity }) => [start, end, severity])]);
    if (drawn === this.#drawn) return;
    this.wipe();
    this.#drawn = drawn;
    const cuts = [0, text.length, ...problems.flatMap(({ start, end }) => [start, end])];
    const places = [...new Set(cuts.map(at => Math.min(at, text.length)))].sort((a, b) => a - b);
    const pieces = places.map((start, at) => {
      const atEnd = start === text.length; // where something is missing
      const problem = problems.find(each => each.start <= start && (start < each.end || (atEnd && each.start === start)));
      const part = atEnd && problem ? "\xa0" : text.slice(start, places[at + 1]);
      const node = document.createTextNode(part);
      const drawn = problem ? make("span", `problem ${problem.severity}`, { "data-text": part }, node) : node;
      return { start, node, drawn };
    });
    this.#run.replaceChildren(...pieces.map(({ drawn }) => drawn));
    if (!CSS.highlights) return; // an older browser: all in one colour
    for (const { kind, start, end } of tokens) {
      const first = pieces.findLast(each => each.start <= start);
      const last = pieces.findLast(each => each.start < end);
      const highlight = highlightOf(kind);
      const range = new StaticRange({
        startContainer: first.node,
        startOffset: start - first.start,
        endContainer: last.node,
        endOffset: end - last.start,
      });
      highlight.add(range);
      this.#coloured.push([highlight, range]);
    }
  }

  /** Take the colours away, which the page would keep for ever. */
  wipe() {
    for (const [highlight, range] of this.#coloured) highlight.delete(range);
    this.#coloured = [];
    this.#drawn = undefined;
  }

  /** Stand where the input has scrolled to. */
  align(left) {
    this.#run.style.transform = `translateX(${-left}px)`;
  }
}
