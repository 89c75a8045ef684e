// Answers one line of JSON with one line of JSON: what the engine says of a text. `tests/test_engine.py` asks.
//
//     node engine_runner.mjs FOLDER < questions > answers        the folder holds the scripts and their data
//
// {"text", "ask": ["tokens", "check", "strict", "derive"], "cursors": [...], "schema": name, "now", "mode"}; before
// them, {"schemas": {name: schema}}. Lone surrogates come and go as escapes, as JSON has them.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const folder = pathToFileURL(`${process.argv[2]}/`);
const read = name => JSON.parse(readFileSync(new URL(name, folder), "utf8"));
const { createEngine } = await import(new URL("engine.js", folder));
const { createCompleter } = await import(new URL("completer.js", folder));
const engine = createEngine(read("tables.json"));
Object.assign(engine, createCompleter(engine, read("words.json")));
let schemas = {};

// A derivation: [rule, ...parts] or, for a token, [kind, start, end]; what a repetition gathers is put in its place.
class Gathered extends Array {}

function answer({ text, ask = [], cursors = [], schema, now, mode }) {
  const rules = answer.rules;
  const build = (rule, parts) => {
    const flat = parts.flatMap(part =>
      part instanceof Gathered ? [...part] : [Array.isArray(part) ? part : [part.kind, part.start, part.end]],
    );
    const name = rules[rule];
    return name === "more" ? Gathered.from(flat) : name === "same" ? flat[0] : [name, ...flat];
  };
  const said = {};
  if (ask.includes("tokens")) said.tokens = engine.tokens(text).map(({ kind, start, end }) => [kind, start, end]);
  if (ask.includes("check")) said.check = engine.check(text);
  if (ask.includes("strict")) said.strict = engine.check(text, { mode: "strict" });
  if (ask.includes("derive")) said.derive = engine.derive(text, build);
  if (ask.includes("accepts")) said.accepts = cursors.map(cursor => engine.accepts(text, cursor));
  if (ask.includes("complete"))
    said.complete = cursors.map(cursor => engine.complete(text, cursor, schemas[schema], { mode, now }));
  return said;
}

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  if (question.schemas) {
    schemas = question.schemas;
    answer.rules = question.rules;
  } else {
    process.stdout.write(`${JSON.stringify(answer(question))}\n`);
  }
}
