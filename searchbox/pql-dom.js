// Making the element's parts. The page is written to by text nodes alone.

/** An element of the box; its class and its part, by which a page may style it, are the same. */
export function make(name, part, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries({ class: part, part, ...attributes })) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** A text with `names` in it, as nodes. */
export const prose = text => text.split("`").map((part, at) => (at % 2 ? make("code", "code", {}, part) : part));

/** A text without line breaks: those at its end are dropped, the others are blanks. */
export const oneLine = text => text.replace(/[\r\n]+$/, "").replace(/\r\n?|\n/g, " ");

/** Style a shadow root, in whatever document it stands: each takes none but its own style sheets. */
export function dress(root, style) {
  const view = root.ownerDocument.defaultView;
  if (!view) return; // where nothing is seen
  const sheet = new view.CSSStyleSheet();
  sheet.replaceSync(style);
  root.adoptedStyleSheets.push(sheet);
}
