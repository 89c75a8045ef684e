"""The engine in the browser against pqlang: the same tokens, mistakes, derivations and completions of any text.

The scripts run under Node as they are served. They count UTF-16 units where Python counts code points; here everything
is said in units. What Python says of a text beyond its grammar (a list behind `=`, words in the place of an operator)
the engine leaves to the service, and nothing else.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from strategies import EXAMPLES, INSERTIONS, LETTERS, RELATIVE_TIMES, WORDS, texts
from test_completion import CURSORS, blocks, corpus_texts
from test_grammar import by_driver
from test_grammar import corpus_texts as all_corpus_texts

from pqlang import PENBOX, Span, complete, load_schema, tokens
from pqlang._tables import KINDS, RULES
from pqlang.cursor import places
from pqlang.highlighter import _BUILDERS
from pqlang.parser import Reading, drive, parse_source
from pqlang.schema import Endpoint
from pqlang.source import DEFAULT_LIMITS, Source

HERE = Path(__file__).parent
SOURCES = HERE.parent / "searchbox"
STATIC = HERE.parent / "pqlang" / "searchbox" / "static"
NODE = shutil.which("node")
NOW = "2024-01-15T12:00:00Z"  # the month before is another year's
SCHEMAS = {"penbox": PENBOX, **{name: load_schema(HERE / "corpus" / f"{name}.toml") for name in ("shop", "small")}}
ENDPOINTS = {f"{name}/{each.name}": each for name, schema in SCHEMAS.items() for each in schema.endpoints}

needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed: nothing to run the engine with")

Answer: TypeAlias = "dict[str, Any]"


# Asking Node


def ask(questions: Sequence[Answer]) -> list[Answer]:
    """The engine's answers, one for each question; nothing it runs may make code from text."""
    head = {"schemas": {name: schema_json(each) for name, each in ENDPOINTS.items()}, "rules": [r[2] for r in RULES]}
    asked = "".join(f"{json.dumps(each)}\n" for each in [head, *questions])
    command = [str(NODE), "--disallow-code-generation-from-strings", str(HERE / "searchbox" / "engine_runner.mjs")]
    run = subprocess.run([*command, str(STATIC)], input=asked, capture_output=True, encoding="utf-8")
    assert run.returncode == 0, run.stderr[-3000:]
    answers = [json.loads(line) for line in run.stdout.split("\n")[:-1]]
    assert len(answers) == len(questions)
    return answers


def schema_json(endpoint: Endpoint) -> Answer:
    """An endpoint as the service gives it to a browser, as far as the engine looks at it."""
    return {
        "examples": list(endpoint.examples),
        "fields": [
            {
                "name": field.name,
                "type": field.type,
                "description": field.description,
                "nullable": field.nullable,
                "values": list(field.values),
                "meanings": list(field.meanings),
                "sortable": field.sort is not None,
            }
            for field in endpoint.fields
        ],
    }


def in_browser(text: str) -> str:
    """The text as JavaScript can hold it: two halves of a surrogate pair side by side are one character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def units(text: str) -> list[int]:
    """The UTF-16 offset of each offset in code points, the end included."""
    found = [0]
    for char in text:
        found.append(found[-1] + (2 if ord(char) > 0xFFFF else 1))
    return found


# What Python says, in units


def python_tokens(text: str, at: Sequence[int]) -> list[list[Any]]:
    return [[str(kind), at[span.start], at[span.end]] for kind, span in tokens(text)]


def python_mistakes(text: str, at: Sequence[int]) -> list[list[int]]:
    """The spans of what the grammar cannot read: the driver's problems when builders build nothing."""
    reading = Reading(text, True, DEFAULT_LIMITS)
    drive(reading, _BUILDERS)
    return [[at[start], at[end]] for start, end in (problem.span for problem in reading.problems)]


def python_derivation(text: str, at: Sequence[int]) -> Any:
    def in_units(part: Any) -> Any:
        if part[0] in KINDS:  # a token
            return [KINDS.index(part[0]), at[part[2]], at[part[3]]]
        return [part[0], *map(in_units, part[1:])]

    found = by_driver(text)
    return None if found is None else in_units(found)


def python_accepts(text: str, cursor: int) -> list[str]:
    return [KINDS[kind] for kind in sorted(places(text, cursor)[0].accepted)]


def python_completions(text: str, cursor: int, at: Sequence[int], endpoint: Endpoint, mode: str) -> list[Answer]:
    return [
        {
            "label": each.label,
            "kind": each.kind,
            "insert": each.insert,
            "start": at[each.span.start],
            "end": at[each.span.end],
            "detail": each.detail,
        }
        for each in complete(text, cursor, endpoint, mode=mode, now=NOW)
    ]


def differences(found: Iterable[tuple[str, object, object, object]]) -> str:
    """The shortest texts on which the two disagree, with what each says."""
    wrong = [(text, where, python, js) for text, where, python, js in found if python != js]
    wrong.sort(key=lambda each: len(each[0]))
    shown = (f"{text!a} {where}\n  Python {python!a}\n  JS     {js!a}" for text, where, python, js in wrong[:5])
    return f"{len(wrong)} differ:\n" + "\n".join(shown) if wrong else ""


# Texts


ACCIDENTS = (*INSERTIONS, *WORDS, *RELATIVE_TIMES, "😀", "👩🏽", "日本語", "한", "𝒳 = ", "é", "\ud83d", "''", "x in (")


def drawn(count: int) -> list[str]:
    """Texts as Hypothesis draws them."""
    found: list[str] = []

    @settings(
        max_examples=count, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=[*HealthCheck]
    )
    @given(texts)
    def draw(text: str) -> None:
        found.append(text)

    draw()
    return found


def generated(count: int, random: Random) -> list[str]:
    """So many different texts: one in eight drawn by Hypothesis, the others made of those by accidents."""
    base = drawn(count // 8)
    found = dict.fromkeys(map(in_browser, base))
    while len(found) < count:
        text = random.choice(base)
        for _ in range(random.randint(1, 3)):
            start = random.randrange(len(text) + 1)
            end = start + random.choice((0, 0, 1, 3, 8))
            kept = random.choice(("", text[start:end], random.choice(LETTERS), random.choice(base)[:20]))
            text = text[:start] + random.choice(("", *ACCIDENTS)) + kept + text[end:]
        found[in_browser(text)] = None
    return list(found)[:count]


HOSTILE = (
    "", " ", "\0", "\ud800", "\udc00\ud800", '"\ud800', '"\\', '"\\\ud83d', "a" * 20_000, "😀" * 8_193, "(" * 5_000,
    "not " * 3_000, "not " * 5_000, '"' + "\\" * 4_001, "'" * 9_999, "`" * 999, "status = " * 1_500, "] and " * 40,
    "x in (" + "a, " * 5_000, '"' + "x" * 100_000, "a ! = ] and " * 40, "((((((((a = ) or b" * 200, "-" * 3_000,
    "order by order by order by", "constructor = __proto__", "__proto__", "toString(", "x\u2028= 1", "`a[b]` = 1",
    "a = " + "(" * 64 + "b" + ")" * 64, "(" * 64 + "a" + ")" * 64, "(" * 65 + "a" + ")" * 65, " " * 16_385,
)  # fmt: skip


# The laws


def disagreements(found: Sequence[str], random: Random) -> Iterator[tuple[str, object, object, object]]:
    """What the two say of each text: as a whole, and of what may stand at its end and at some cursor."""
    cursors = [[random.randrange(len(text) + 1), len(text)] for text in found]
    offsets = [units(text) for text in found]
    wanted = ["tokens", "check", "strict", "derive", "accepts"]
    answers = ask(
        [
            {"text": text, "ask": wanted, "cursors": [at[cursor] for cursor in each]}
            for text, each, at in zip(found, cursors, offsets, strict=True)
        ]
    )
    for text, each, at, answer in zip(found, cursors, offsets, answers, strict=True):
        yield text, "tokens", python_tokens(text, at), answer["tokens"]
        if len(text) > DEFAULT_LIMITS.length:
            assert [problem["message"] for problem in answer["check"]] == ["the query has more than 16384 characters"]
            continue
        mistakes = [[problem["start"], problem["end"]] for problem in answer["check"]]
        yield text, "mistakes", python_mistakes(text, at), mistakes
        yield text, "derivation", python_derivation(text, at), answer["derive"]
        yield text, each, [python_accepts(text, cursor) for cursor in each], answer["accepts"]
        for mode in ("search", "strict"):  # no false alarm
            wrong = bool(parse_source(Source(text), search=mode == "search")[1])
            yield text, mode, True, wrong or not answer["check" if mode == "search" else "strict"]


@needs_node
def test_the_corpus_is_read_the_same() -> None:
    found = list(dict.fromkeys(map(in_browser, [*all_corpus_texts(), *HOSTILE])))
    assert len(found) > 500
    assert not differences(disagreements([each for each in found if len(each) < 10**4], Random(1)))


@needs_node
def test_twenty_thousand_texts_are_read_the_same() -> None:
    random = Random()
    found = generated(20_000 * EXAMPLES, random)
    assert any(ord(char) > 0xFFFF for text in found for char in text)
    assert not differences(disagreements(found, random))


@needs_node
def test_hostile_texts_are_coloured_the_same() -> None:
    answers = ask([{"text": text, "ask": ["tokens", "check"]} for text in map(in_browser, HOSTILE)])
    found = zip(map(in_browser, HOSTILE), answers, strict=True)
    assert not differences((text[:99], len(text), python_tokens(text, units(text)), a["tokens"]) for text, a in found)


@needs_node
def test_nothing_throws_at_any_cursor() -> None:
    where = [-5, 0, 1, 2, 2.5, 4_000, 10**9, None]
    question = {"ask": ["accepts", "complete"], "cursors": where, "schema": "penbox/cases"}
    answers = ask([{"text": in_browser(text), **question} for text in HOSTILE])
    assert all(len(answer["complete"]) == len(where) for answer in answers)
    (middle,) = ask([{"text": "😀", "ask": ["accepts"], "cursors": [0, 1]}])  # a cursor inside of a character
    assert middle["accepts"][0] == middle["accepts"][1]
    (without,) = ask([{"text": "a ", "ask": ["complete"], "cursors": [0, 2], "schema": "nothing yet", "now": "later"}])
    assert [offer["label"] for offer in without["complete"][1]][:3] == ["and", "or", "order by"]


# Completion


def completes_the_same(cases: Sequence[tuple[str, Sequence[int], str, str]]) -> None:
    offsets = [units(text) for text, *_ in cases]
    asked = [
        {
            "text": text,
            "ask": ["complete"],
            "cursors": [at[c] for c in cursors],
            "schema": name,
            "mode": mode,
            "now": NOW,
        }
        for (text, cursors, name, mode), at in zip(cases, offsets, strict=True)
    ]

    def compared() -> Iterator[tuple[str, object, object, object]]:
        for (text, cursors, name, mode), at, answer in zip(cases, offsets, ask(asked), strict=True):
            for cursor, offers in zip(cursors, answer["complete"], strict=True):
                python = python_completions(text, cursor, at, ENDPOINTS[name], mode)
                yield text, (cursor, name, mode), python, offers

    assert not differences(compared())


def golden_cursors() -> Iterator[tuple[str, Sequence[int], str, str]]:
    """Every case of `cursors/*.txt`, at its cursor."""
    for path in sorted(CURSORS.glob("*.txt")):
        for case in blocks(path):
            options = dict(line[1:].split(" ", 1) for line in case if line.startswith(":"))
            schema = options.get("schema", "penbox").removesuffix(".toml")
            name = f"{schema}/{options.get('endpoint', 'cases')}"
            yield case[-1].replace("|", "", 1), [case[-1].index("|")], name, options.get("mode", "search")


@needs_node
def test_every_golden_cursor_is_completed_the_same() -> None:
    cases = list(golden_cursors())
    assert len(cases) > 50
    completes_the_same(cases)


@needs_node
def test_every_cursor_of_the_corpus_is_completed_the_same() -> None:
    names = list(ENDPOINTS)
    cases = [(text, range(len(text) + 1), "penbox/cases", "search") for text in corpus_texts()]
    for number, text in enumerate(corpus_texts()):
        cases.append((text, range(0, len(text) + 1, 7), names[number % len(names)], ("search", "strict")[number % 2]))
    completes_the_same(cases)


@needs_node
def test_generated_texts_are_completed_the_same() -> None:
    random = Random()
    cases = []
    for text in generated(4_000 * EXAMPLES, random):
        cursors = [random.randrange(len(text) + 1), len(text)]
        cases.append((text, cursors, random.choice(list(ENDPOINTS)), random.choice(("search", "strict"))))
    completes_the_same(cases)


@needs_node
def test_half_typed_words_are_completed_the_same() -> None:
    """Beginnings, last parts, letters in order and typing errors of each field, and counted relative times."""
    random = Random(1)
    cases = []
    for name, endpoint in ENDPOINTS.items():
        for field in endpoint.fields:
            for _ in range(6):
                typed = list(field.name if random.random() < 0.8 else field.name.rpartition(".")[2])
                for _ in range(random.randrange(3)):
                    typed[random.randrange(len(typed))] = random.choice(("", "s", "e", "_", "É", "😀"))
                whole = "".join(typed)
                text = random.choice(("", "(", "not ", "x = 1 and ")) + whole[: random.randint(1, len(whole) or 1)]
                cases.append((text, [len(text)], name, "search"))
            for value in ("", "now-3", "today + 1", "NOW-1", "t", "'", *[value[:3] for value in field.values]):
                text = f"{field.name} {random.choice(('=', '>', 'on', 'in (', 'not in (a, ', '~'))} {value}"
                cases.append((text, [len(text)], name, "search"))
    completes_the_same(cases)


# What is said of a mistake


def said(text: str, mode: str = "search") -> list[tuple[Span, str]]:
    asked = "check" if mode == "search" else "strict"
    (answer,) = ask([{"text": text, "ask": [asked]}])
    return [(Span(each["start"], each["end"]), each["message"]) for each in answer[asked]]


@needs_node
@pytest.mark.parametrize(
    ("text", "span", "message"),
    [
        ("status = ", (9, 9), "after `=`, expected a value"),
        ("st and ", (7, 7), "after `and`, expected a condition"),
        ("not", (3, 3), "after `not`, expected a condition"),
        ("a starts x", (9, 10), "after `starts`, expected `with`"),
        ("a between 1", (11, 11), "after `1`, expected `and`"),
        ("status is draft", (7, 15), "after `is`, expected `null`"),
        ("status is empty", (10, 15), "after `is`, expected `null`"),
        ("status in draft", (10, 15), "after `in`, expected a list in parentheses"),
        ("status not = 1", (7, 12), "`not =` is written `!=`"),
        ("a && b", (2, 4), "`&&` is written `and`"),
        ("a = 1 | b", (6, 7), "`|` is written `or`"),
        ("!a", (0, 1), "`!` is written `not`"),
        ("x => 3", (2, 4), "`=>` is no operator"),
        ("a.b[", (3, 4), "after `a.b`, expected `=`, `!=`, `~`, `contains`, `in` …, `and` or `or`"),
        ("title = 'Ann", (8, 9), "the quoted text is not closed"),
        ("`title = 1", (0, 1), "the quoted name is not closed"),
        ("title = “Ann”", (8, 13), 'text is quoted with straight quotes: `"`'),
        ("(a = 1", (0, 1), "the parenthesis is not closed"),
        ("a = 1)", (5, 6), "no parenthesis is open here"),
        ("()", (0, 2), "after `(`, expected a condition"),
        ("a = 1 order by", (14, 14), "after `order by`, expected a field"),
        ("a = 1 order by b c", (17, 18), "after `b`, expected `asc`, `desc` or the end"),
        ("a = 1, b = 2", (5, 6), "after `1`, expected `and` or `or`"),
        ("a in (b c)", (7, 8), "after `b`, expected `,` or `)`"),
        ("a\u3000= 1", (1, 2), "the character U+3000 cannot stand here"),
        ("😀 = ", (5, 5), "after `=`, expected a value"),
        ("not " * 65 + "a", (256, 257), "conditions are nested more than 64 deep"),
    ],
)
def test_a_mistake_is_told_in_words_of_the_language(text: str, span: tuple[int, int], message: str) -> None:
    assert said(text) == [(span, message)]


@needs_node
def test_no_message_speaks_of_tokens() -> None:
    answers = ask([{"text": text, "ask": ["check", "strict"]} for text in map(in_browser, all_corpus_texts())])
    problems = [problem for answer in answers for problem in (*answer["check"], *answer["strict"])]
    assert len(problems) > 200
    names = re.compile(rf"\b({'|'.join(kind for kind in KINDS if len(kind) > 2 and kind != '$END')})\b")
    for problem in problems:
        assert problem.keys() == {"code", "severity", "message", "start", "end", "expected", "suggestions"}
        outside = re.sub("`[^`]*`", "", problem["message"])
        assert not names.search(outside)
        assert 10 < len(problem["message"]) < 220


@needs_node
def test_strict_mode_wants_a_connective() -> None:
    assert said("a = 1 b = 2") == []
    assert said("a = 1 b = 2", "strict") == [((6, 7), "expected `and` or `or`")]


# What is served


def test_the_engine_and_its_data_are_small() -> None:
    """As they are sent, compressed: what colours a text and finds its mistakes; what completes it, with the list."""
    size = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in STATIC.iterdir()}
    assert size["engine.js"] + size["tables.json"] <= 8 * 1024
    assert size["completer.js"] + size["words.json"] <= 9_500


@pytest.mark.parametrize(
    "path",
    [SOURCES / "engine.js", STATIC / "engine.js", SOURCES / "completer.js"],
    ids=lambda path: f"{path.parent.name}-{path.name}",
)
def test_nothing_that_a_strict_content_policy_minds(path: Path) -> None:
    """Nor anything of the page: what draws the list, which is served with the completer, is tried in browsers."""
    text = _code(path.read_text("utf-8"))
    assert not re.search(r"\beval\b|\bFunction\(|innerHTML|document\b|window\b|\bimport\(|fetch\(", text)


def _code(text: str) -> str:
    """A script without its comments."""
    return re.sub(r"/\*[\s\S]*?\*/|(?<!:)//[^\n]*", "", text)


@needs_node
@pytest.mark.skipif(not (SOURCES / "node_modules").exists(), reason="esbuild is not installed: npm ci in searchbox/")
def test_the_served_scripts_are_what_their_sources_say() -> None:
    run = subprocess.run([str(NODE), "build.mjs", "--check"], cwd=SOURCES, capture_output=True, encoding="utf-8")
    assert (run.stdout, run.returncode) == ("", 0), "run `node build.mjs` in searchbox/"
