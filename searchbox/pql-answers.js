// Answers as they come, made what the box works with. An answer of another shape throws, and so counts as none: what
// answers may be another service, an older one, or a proxy with a page of its own.

import { RANK } from "./pql-problems.js";

function need(fact) {
  if (!fact) throw new TypeError("not an answer");
}

const isText = value => typeof value === "string";
const needTexts = (...values) => need(values.every(isText));

/** What is said of a place in the text, as JavaScript counts it. */
function readPlace({ span, utf16, ...rest }) {
  const { start, end } = utf16 ?? span;
  need(start >>> 0 === start && end >>> 0 === end && start <= end);
  return { ...rest, start, end };
}

function readSuggestion(said) {
  needTexts(said.message, said.replacement);
  return readPlace(said);
}

function readProblem({ suggestions = [], ...said }) {
  needTexts(said.message);
  need(Object.hasOwn(RANK, said.severity));
  return { ...readPlace(said), suggestions: suggestions.map(readSuggestion) };
}

function readOption({ detail = "", ...said }) {
  needTexts(said.label, said.insert, said.kind, detail);
  return { ...readPlace(said), detail };
}

function readField(field) {
  const { name, type, values = [], meanings = [] } = field;
  needTexts(name, type);
  need(values.every(isText) && meanings.every(isText));
  return field;
}

/** An answer and its problems, of which there is one where it is not `ok`. */
function readVerdict(answer) {
  const { ok, diagnostics = [] } = answer;
  const problems = diagnostics.map(readProblem);
  need(ok === true || (ok === false && problems.length));
  return { answer, problems };
}

/** How the answer to each question is read. */
export const READERS = {
  check: readVerdict,
  plan(answer) {
    if (answer.ok) answer.requests.forEach(({ residual }) => residual); // each is one
    return readVerdict(answer);
  },
  decompile(answer) {
    if (answer.ok) needTexts(answer.query);
    return readVerdict(answer);
  },
  complete: ({ completions }) => completions.map(readOption),
  /** Of an endpoint; null where there is none of that name. */
  schema(answer) {
    if (answer === null) return null;
    const { fields, examples = [] } = answer;
    need(examples.every(isText));
    return { ...answer, fields: fields.map(readField), examples };
  },
};
