"""The driver against Lark, the reference: same texts accepted, same derivation, before limits, escapes and recovery."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias
from unittest.mock import patch

import pytest
from hypothesis import example, given
from lark import Token, Tree
from lark.exceptions import UnexpectedInput
from strategies import (
    BLANKS,
    INSERTIONS,
    KEYWORDS,
    RELATIVE_TIMES,
    WORDS,
    examples,
    mutated_texts,
    texts,
    tree_texts,
)

from pqlang import _tables, parser
from pqlang.source import Limits

ROOT = Path(__file__).parent.parent
CORPUS = Path(__file__).parent / "corpus"
Derivation: TypeAlias = "tuple[Any, ...]"  # (rule, *children) or, for a token, (kind, text, start, end)


def load(path: Path) -> ModuleType:
    """A script as a module."""
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


build = load(ROOT / "grammar" / "build.py")
LARK, TERMINALS = build.make_lark()


# Two ways to read a text


def by_lark(text: str) -> Derivation | None:
    """The derivation as Lark finds it, None where it rejects the text."""
    try:
        return from_lark(LARK.parse(text))
    except UnexpectedInput:
        return None


def from_lark(part: Tree[Token] | Token) -> Derivation:
    if isinstance(part, Token):
        return part.type, str(part), part.start_pos, part.end_pos
    return part.data, *map(from_lark, part.children)


class Rejected(Exception):
    """The driver met an error and would go on with recovery."""


def reject(*args: object) -> None:
    raise Rejected


class Gathered(list[Any]):
    """What a repetition has gathered: it is inlined where it is used."""


def builder(name: str) -> Any:
    def build_node(reading: parser.Reading, kids: list[Any]) -> Any:
        flat: list[Any] = []
        for kid in kids:
            flat += kid if isinstance(kid, Gathered) else [from_driver(kid)]
        return Gathered(flat) if name == "more" else flat[0] if name == "same" else (name, *flat)

    return build_node


def from_driver(part: Any) -> Derivation:
    if type(part) is tuple and isinstance(part[0], int):  # a token: start, end, text, kind
        start, end, text, kind = part
        return _tables.KINDS[kind], text, start, end
    return part


BUILDERS = tuple(builder(name) for _, _, name in _tables.RULES)


def by_driver(text: str) -> Derivation | None:
    """The derivation as the tables give it, None where the driver meets an error."""
    reading = parser.Reading(text, True, Limits(10**9, 10**9, 10**9))
    with patch.object(parser, "recover", reject):
        try:
            return parser.drive(reading, BUILDERS)
        except Rejected:
            return None


def agree(text: str) -> None:
    assert by_driver(text) == by_lark(text)


# The same language, the same derivations


def corpus_texts() -> Iterator[str]:
    """The query of every block in the corpus: the lines after its title and options, up to the first section."""
    for path in sorted(CORPUS.glob("*.txt")):
        for block in re.split(r"^===.*\n", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
            lines = re.split(r"^---", block, maxsplit=1, flags=re.MULTILINE)[0].splitlines()
            while lines and lines[0].startswith(":"):
                del lines[0]
            yield "\n".join(lines)


def test_corpus() -> None:
    for text in corpus_texts():
        agree(text)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "a", "not not a", "-a", "- a", "--a", "-(a)", "a -b", "a - b", "not in", "not in = 1",
        "a not in (b)", "a not b", "not not in (a)", "in in (in)", "is is null", "is is not null", "order",
        "order by", "order by order", "by order by by", "order order by order desc", "order = by",
        "desc order by desc desc", "asc = asc order by asc asc", "starts starts with x", "ends not ends with with",
        "between between and1 and b", "a between b and c and d", "on on on", "a on now - 7 days", "null", "a = null",
        "a = nullx", "a in null", "a = in", "a = not", "a = and", "a = \"and\"", "a=not_", "notes=1", "not(a)",
        "nota", "not.a", "a.not", "a.and.b", "a[b]", "a[ b ]", "a[b].c", "a.[b]", ".a", "a.", "a..b", "a.b.",
        "`a b`.c[`d.e`]", "``", "a:b", "a::b", "a:(b,c)", "a=(b,)", "a=(,)", "a=()", "a = now-7d", "a = now - 7 d",
        "a = now-7d-report", "a = now-7 parsecs", "a = today +1 mo b", "a=\"x\"and b", "(a)and(b)", "a and", "or a",
        "a or or b", "a \u00a0= b", "a\u3000= b", "a = \u212aelvin", "a \u212aike b", "a i\u017f null",
        "a L\u0130KE b", "$x", "a = $x", "a = $x.y", "a in $x", "a in $x,", "a in ($x, 1,)", "a ~*b", "a ~* b",
        "a !~*b", "a !b", "a = *b", "a=:b", "a = -1", "a - 1", "a > b desc", "x order by a asc desc", "a b c",
        "\"a\" 'b' c", "a \"b\"", "a = \"b\" \"c\"", "a = 'b", "a = \"\\\"", "a = '\\''", "a\nnot\nin\n(b)",
        "a not\u2003in (b)", "a NOT IN (b)", "a = b not in c", "nOt In", "a = (b) or", "((a)", "(a))", "()",
        "a in (b c)", "a in (b,,c)", "a = \0", "a = \ud800",
    ],
)  # fmt: skip
def test_corners(text: str) -> None:
    agree(text)


@examples(2500)
@given(texts)
@example("-" * 50 + "a")
def test_any_text(text: str) -> None:
    agree(text)


@examples(1000)
@given(tree_texts)
def test_texts_of_trees_are_read(text: str) -> None:
    read = by_driver(text)
    assert read is not None
    assert read == by_lark(text)


@examples(1500)
@given(mutated_texts())
def test_mutated_texts(text: str) -> None:
    agree(text)


def test_short_texts() -> None:
    """Every pair of signs and words, side by side and apart, alone and after a name."""
    pieces = (*KEYWORDS, *INSERTIONS, "a", "1", "NULL", *BLANKS)
    for left in dict.fromkeys(pieces):
        for right in dict.fromkeys(pieces):
            for text in (left + right, f"a {left} {right}", f"{left} {right} b"):
                agree(text)


# Token by token


def feed(states: list[int], kind: int) -> None:
    """Shift one token, after the reductions that it causes."""
    while True:
        rule = _tables.DEFAULTS[states[-1]]
        action = _tables.ACTIONS[states[-1]][kind] if rule < 0 else ~rule
        if action >= 0:
            states.append(action)
            return
        lhs, length, _ = _tables.RULES[~action]
        del states[len(states) - length :]
        states.append(_tables.GOTOS[states[-1]][lhs])


def settled(states: list[int]) -> int:
    """The state in which the next token is read: after the reductions that look at none."""
    while (rule := _tables.DEFAULTS[states[-1]]) >= 0:
        lhs, length, _ = _tables.RULES[rule]
        del states[len(states) - length :]
        states.append(_tables.GOTOS[states[-1]][lhs])
    return states[-1]


@examples(600)
@given(texts)
def test_tokens_and_what_may_follow(text: str) -> None:
    lark = LARK.parse_interactive(text)
    tokens = lark.lexer_thread.lex(lark.parser_state)
    states, at = [0], 0
    while True:
        accepted = {kind for number, kind in enumerate(_tables.KINDS) if parser.accepts(states, number)}
        assert accepted == lark.accepts()
        start, end, word, kind = parser.next_token(text, at, settled(states))
        try:
            expected = next(tokens, None)
            if expected is not None:
                lark.feed_token(expected)
        except UnexpectedInput:
            assert kind < 0 or not parser.accepts(states, kind)
            return
        if expected is None:
            assert (start, _tables.KINDS[kind]) == (len(text), build.END)
            return
        assert (_tables.KINDS[kind], word, start, end) == from_lark(expected)
        feed(states, kind)
        at = end


# The tables


def test_every_generated_file_is_what_its_source_says() -> None:
    for path, made in build.outputs().items():
        assert path.read_text("utf-8") == made, f"{path.name} is stale: run grammar/build.py"


def test_browsers_get_the_same_tables() -> None:
    """What the engine in the browser leaves out can be made from the rest, or is never read."""
    tables = json.loads(build.BROWSER_TABLES.read_text("utf-8"))
    kinds = tables.pop("KINDS").split(" ")
    assert kinds == list(_tables.KINDS)
    short = tables.pop("PATTERNS")
    patterns = [unfold(pattern, tables) for pattern in short]
    keywords = {kinds[kind] for kind in _tables.KEYWORDS.values()}
    for kind, pattern, known in zip(kinds, patterns, _tables.PATTERNS, strict=False):
        assert pattern == known.replace(r"\x00-\x20\x7f-\u00a0", r"\x00- \x7f-\xa0"), kind
        assert (short[kinds.index(kind)][0] == "<") == (kind in keywords)
    for (pattern, tried), numbers in zip(_tables.MODES, tables.pop("MODES"), strict=True):
        assert numbers == list(tried)
        alternatives = "|".join(f"({patterns[kind]})" for kind in tried)
        whole = f"[ \\x09\\x0d\\x0a\\xa0]*(?:{alternatives})"
        assert whole == pattern.replace(r"\x00-\x20\x7f-\u00a0", r"\x00- \x7f-\xa0")
    for row, rule, known in zip(tables.pop("ACTIONS"), _tables.DEFAULTS, _tables.ACTIONS, strict=True):
        assert row == ({str(kind): action for kind, action in known.items()} if rule < 0 else {})
    assert [rule[:2] for rule in tables.pop("RULES")] == [[lhs, length] for lhs, length, _ in _tables.RULES]
    for name in ("PRIMARY", "ORDER"):
        assert _tables.NONTERMINALS[tables.pop(name)] == name.lower()
    for name in tables.keys() - {"NAME_END", "SEPARATORS", "WORDS"}:
        assert tables[name] == json.loads(json.dumps(getattr(_tables, name))), name


def unfold(pattern: str, tables: dict[str, str]) -> str:
    """A pattern of the browser's tables as `searchbox/engine.js` makes it whole."""
    words = pattern.split("|")
    if all(re.fullmatch(r"<\w+>", word) for word in words):
        pattern = f"(?:{pattern}){tables['NAME_END']}"
    whole = re.sub(r"<(\w+)>", lambda word: "".join(f"[{each.upper()}{each}]" for each in word[1]), pattern)
    return whole.replace("%", tables["SEPARATORS"])


def test_building_twice_gives_the_same() -> None:
    """Lark numbers rules and states by hash; the tables must not depend on it."""
    script = "import build, sys; sys.stdout.write(build.python_tables(build.make_tables()))"
    made = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT / "grammar",
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            encoding="utf-8",
        ).stdout
        for seed in ("1", "2")
    }
    assert made == {build.TABLES.read_text("utf-8")}


PATTERNS = (*_tables.PATTERNS, *(pattern for pattern, _ in _tables.MODES))


@pytest.mark.parametrize("pattern", dict.fromkeys(PATTERNS))
def test_patterns_are_portable(pattern: str) -> None:
    outside = pattern.replace(r"[\s\S]", "")  # any character, in both languages
    assert not re.search(r"\\[bBwWdDsSAZzGpPkUN1-9]", outside), "a class, anchor or reference that differs"
    assert not re.search(r"\(\?(?![:=!])", outside), "an inline flag, a lookbehind, a named or an atomic group"
    assert not re.search(r"[*+?}]\+", re.sub(r"\[(?:[^]\\]|\\.)*\]", "x", outside)), "a possessive repetition"
    assert outside.isascii()
    assert outside.isprintable()


NODE = shutil.which("node")
MATCH_ALL = """
const [patterns, texts] = JSON.parse(require("fs").readFileSync(0, "utf8"));
const found = patterns.map(pattern => {
    const tried = new RegExp(pattern, "uy");
    return texts.map(text => {
        tried.lastIndex = 0;
        const match = tried.exec(text);
        return match && [...match].map(part => part ?? null);
    });
});
console.log(JSON.stringify(found));
"""


@pytest.mark.skipif(NODE is None, reason="node is not installed: nothing to run the patterns in JavaScript with")
def test_patterns_match_the_same_in_javascript() -> None:
    assert NODE is not None
    more = ("a.b[ c ]", "`a b`.c", "NOT in x", "not\u00a0LIKE b", "'a\\'b' c", '"a\\\\"')
    pieces = [each for each in (*KEYWORDS, *INSERTIONS, *WORDS, *RELATIVE_TIMES, *more) if each not in "\ud800\udfff"]
    tried = [text for piece in pieces for text in (piece, f" {piece} x", f"{piece}😀")]
    answer = subprocess.run(
        [NODE, "-e", MATCH_ALL], input=json.dumps([PATTERNS, tried]), capture_output=True, check=True, encoding="utf-8"
    )
    for pattern, matches in zip(PATTERNS, json.loads(answer.stdout), strict=True):
        compiled = re.compile(pattern)
        for text, match in zip(tried, matches, strict=True):
            here = compiled.match(text)
            assert match == (None if here is None else [here[0], *here.groups()]), (pattern, text)
