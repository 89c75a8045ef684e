// Write the scripts that browsers load: the sources beside this file, one by one, without comments and long names.
//
//     npm ci                   once: esbuild, in the version that package.json names
//     node build.mjs           write pqlang/searchbox/static/*.js
//     node build.mjs --check   write nothing; fail when one of them is not what its source says

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { transformSync } from "esbuild";

const SCRIPTS = ["engine.js", "completer.js"];
const check = process.argv.includes("--check");

for (const name of SCRIPTS) {
  const source = readFileSync(new URL(name, import.meta.url), "utf8");
  const head = `/* pqlang ${name}: made from searchbox/${name} by searchbox/build.mjs. MIT */\n`;
  const made = head + transformSync(source, { format: "esm", target: "es2020", minify: true, charset: "ascii" }).code;
  const path = new URL(`../pqlang/searchbox/static/${name}`, import.meta.url);
  if (existsSync(path) && readFileSync(path, "utf8") === made) continue;
  console.log(`${check ? "stale" : "wrote"} pqlang/searchbox/static/${name}`);
  if (check) process.exitCode = 1;
  else writeFileSync(path, made);
}
