// Write the scripts that browsers load: each with the modules and styles it imports, without comments and long names.
//
//     npm ci                   once: esbuild and terser, in the versions that package.json names
//     node build.mjs           write pqlang/searchbox/static/*.js
//     node build.mjs --check   write nothing; fail when one of them is not what its source says
//     node build.mjs --dist    gather in dist/ what the npm package holds

import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build, transformSync } from "esbuild";
import { minify } from "terser"; // two hundred bytes better at it than esbuild

const SCRIPTS = ["engine.js", "completer.js", "pql-search.js"];
const check = process.argv.includes("--check");
const STATIC = new URL("../pqlang/searchbox/static/", import.meta.url);

// The members that the engine and its completer share with nobody else: they get short names, the same in both.
const SHARED =
  /^(tables|driver|SPACE|BLANK|BEGINNERS|START|RELATIVE_TIME|(kinds?|pattern|last)Of|make(Token|Reading)|nextToken|recover|reduce|shift|acceptable|sticky|whole|alphanumeric|edgeBehind|(match|character)At|tooLong|stack|below|trace|build|problems?|strict|deepest|resumed|connective)$/;
const nameCache = {};

async function write(name, source, shared) {
  const { code } = await minify(source, {
    module: true,
    ecma: 2020,
    compress: { passes: 3 },
    mangle: shared ? { properties: { regex: shared } } : true,
    nameCache: shared ? nameCache : {},
    format: { preamble: "/* pqlang, MIT */" },
  });
  const made = `${code}\n`;
  const path = new URL(name, STATIC);
  if (existsSync(path) && readFileSync(path, "utf8") === made) return;
  console.log(`${check ? "stale" : "wrote"} pqlang/searchbox/static/${name}`);
  if (check) process.exitCode = 1;
  else writeFileSync(path, made);
}

const styles = {
  name: "styles",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.css$/ }, ({ path }) => ({
      contents: transformSync(readFileSync(path, "utf8"), { loader: "css", minify: true })
        .code.trim()
        .replace(/(--[\w-]+): /g, "$1:"),
      loader: "text",
    })),
};

// the engine stays apart from the element, so that neither can break the other
for (const name of SCRIPTS) {
  const { outputFiles } = await build({
    absWorkingDir: fileURLToPath(new URL(".", import.meta.url)),
    entryPoints: [name],
    bundle: true,
    external: SCRIPTS.map(each => `./${each}`),
    format: "esm",
    target: "es2022",
    charset: "utf8",
    plugins: [styles],
    write: false,
  });
  await write(name, outputFiles[0].text, name !== "pql-search.js" && SHARED);
}

if (process.argv.includes("--dist")) {
  const dist = new URL("dist/", import.meta.url);
  mkdirSync(dist, { recursive: true });
  for (const name of [...SCRIPTS, "tables.json", "words.json"]) {
    copyFileSync(new URL(name, STATIC), new URL(name, dist));
  }
  copyFileSync(new URL("../LICENSE", import.meta.url), new URL("LICENSE", import.meta.url));
}
