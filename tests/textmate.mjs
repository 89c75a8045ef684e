// What VS Code's TextMate engine makes of texts. The first argument is where the engine is installed. Standard input:
// the grammar's text as JSON on one line, then a text as JSON on each; standard output: for each text a line of JSON,
// its lines, each a list of [start, end, the innermost scope], in UTF-16 units.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const load = createRequire(process.argv[2] + "/");
const oniguruma = load("vscode-oniguruma");
const { INITIAL, Registry, parseRawGrammar } = load("vscode-textmate");

await oniguruma.loadWASM(readFileSync(load.resolve("vscode-oniguruma/release/onig.wasm")));
let pql = null;
for await (const given of createInterface({ input: process.stdin })) {
    const text = JSON.parse(given);
    if (pql === null) {
        const registry = new Registry({
            onigLib: Promise.resolve({
                createOnigScanner: patterns => new oniguruma.OnigScanner(patterns),
                createOnigString: line => new oniguruma.OnigString(line),
            }),
            loadGrammar: async () => parseRawGrammar(text, "pql.json"),
        });
        pql = await registry.loadGrammar("source.pql");
        continue;
    }
    let stack = INITIAL;
    const found = text.split("\n").map(line => {
        const read = pql.tokenizeLine(line, stack);
        stack = read.ruleStack;
        return read.tokens.map(({ startIndex, endIndex, scopes }) => [startIndex, endIndex, scopes.at(-1)]);
    });
    console.log(JSON.stringify(found));
}
