// What a keystroke costs in the browser's engine: tokens, mistakes and completion of a query of two hundred characters.
//
//     pql schema cases --json | node tests/bench/engine.mjs
//
// Each is timed at every cursor, as if the query were typed; the figures are milliseconds on this machine.

import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";

const folder = new URL("../../pqlang/searchbox/static/", import.meta.url);
const read = name => JSON.parse(readFileSync(new URL(name, folder), "utf8"));
const { createEngine } = await import(new URL("engine.js", folder));
const { createCompleter } = await import(new URL("completer.js", folder));

const ROUNDS = 30;
const TEXT =
  "parent_status in (in_progress, pending) and owner.email ~ '%@acme.com' and created_at > now-7d and not archived " +
  "and (title contains onboarding or reference starts with A-12) and updated_at on 2024 order by created_at";

const schema = JSON.parse(readFileSync(0, "utf8"));
const begun = performance.now();
const engine = createEngine(read("tables.json"));
Object.assign(engine, createCompleter(engine, read("words.json")));
const made = (performance.now() - begun).toFixed(1);
console.log(`made in ${made} ms; ${TEXT.length} characters, ${schema.fields.length} fields`);

function report(name, run) {
  const times = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (let cursor = 1; cursor <= TEXT.length; cursor++) {
      const start = performance.now();
      run(cursor);
      if (round) times.push(performance.now() - start); // the first round warms up
    }
  }
  times.sort((a, b) => a - b);
  const at = share => times[Math.floor(share * (times.length - 1))].toFixed(3).padStart(8);
  console.log(`${name.padEnd(28)} p50 ${at(0.5)}   p95 ${at(0.95)}   most ${at(1)}`);
}

report("tokens, typed so far", cursor => engine.tokens(TEXT.slice(0, cursor)));
report("check, typed so far", cursor => engine.check(TEXT.slice(0, cursor)));
report("complete, typed so far", cursor => engine.complete(TEXT.slice(0, cursor), cursor, schema));
report("complete, inside the query", cursor => engine.complete(TEXT, cursor, schema));
report("all three, inside the query", cursor => {
  engine.tokens(TEXT);
  engine.check(TEXT);
  engine.complete(TEXT, cursor, schema);
});
