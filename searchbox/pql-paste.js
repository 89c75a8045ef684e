// Texts that come from elsewhere, pasted or dropped: their line breaks become blanks, which the browser would leave out,
// and a request becomes the query that means it. It comes with the completer; before that, the browser does it its way.

import { oneLine } from "./pql-dom.js";

const REQUEST = /^\s*(https?:\/\/|\{)/i; // how a text looks that may be read back into a query

/** Take in what is pasted and dropped: `box` has the `input`, and may `replace` a part of its text and have it `readBack`. */
export function receive({ input, replace, readBack }) {
  input.addEventListener("paste", event => {
    const pasted = oneLine(event.clipboardData.getData("text/plain"));
    if (!pasted || input.readOnly) return;
    event.preventDefault();
    replace(input.selectionStart, input.selectionEnd, pasted);
    if (REQUEST.test(input.value)) readBack(input.value);
  });
  input.addEventListener("drop", event => {
    const dropped = event.dataTransfer.getData("text/plain");
    if (dropped === oneLine(dropped) || input.readOnly) return; // the browser does it well
    event.preventDefault();
    const shadowRoots = [input.getRootNode()];
    const place = document.caretPositionFromPoint?.(event.clientX, event.clientY, { shadowRoots });
    const at = place?.offset ?? input.value.length;
    replace(at, at, oneLine(dropped));
  });
}
