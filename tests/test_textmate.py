"""The TextMate grammar in VS Code's own engine: it colours right texts as `tokens` does, but for what is listed here.

The engine is two packages of npm's, put into pytest's cache the first time; without node or npm the tests are skipped.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples, search_texts, texts, tree_texts, trees
from test_grammar import corpus_texts, load

import pqlang
from pqlang import tokens

ROOT = Path(__file__).parent.parent
TEXTMATE = load(ROOT / "grammar" / "textmate.py")
FILE = ROOT / "grammar" / "pql.tmLanguage.json"
KINDS = {scope: kind for kind, scope in TEXTMATE.SCOPES.items()} | {"source.pql": ""}
PACKAGES = ("vscode-textmate@9.3.2", "vscode-oniguruma@2.0.1")
BLANKS = " \t\r\n\xa0"
SIGNS = frozenset({"=", "==", ":", "!=", "<>", "<", "<=", ">", ">=", "~", "!~", "~*", "!~*"})
Colours: TypeAlias = "list[tuple[str, str]]"  # runs of characters of one kind, blanks left out
Engine: TypeAlias = Callable[[str], Colours]


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """How TextMate colours a text."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node or npm is not installed: nothing to run a TextMate grammar with")
    place = Path(request.config.cache.mkdir("textmate"))
    if not all((place / "node_modules" / each.rpartition("@")[0]).exists() for each in PACKAGES):
        command = [npm, "install", "--prefix", str(place), "--no-audit", "--no-fund", *PACKAGES]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"npm could not install a TextMate engine: {done.stderr.strip()[-200:]}")
    with subprocess.Popen(
        [node, str(ROOT / "tests" / "textmate.mjs"), str(place)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        bufsize=1,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(FILE.read_text("utf-8")) + "\n")

        def colours(text: str) -> Colours:
            process.stdin.write(json.dumps(text) + "\n")
            lines = json.loads(process.stdout.readline())
            kinds: list[str] = []
            for line, found in zip(text.split("\n"), lines, strict=True):
                before = len(kinds)
                units = line.encode("utf-16-le")
                for start, end, scope in found:
                    piece = units[2 * start : 2 * end].decode("utf-16-le")
                    kinds += [KINDS[scope]] * len(piece)
                kinds = [*kinds[: before + len(line)], ""]  # the engine puts an end of the line behind it
            return runs(text, kinds)

        yield colours
        process.stdin.close()


def runs(text: str, kinds: list[str]) -> Colours:
    found: Colours = []
    before = ""
    for char, kind in zip(text, kinds, strict=False):
        if char in BLANKS:
            continue
        if found and kind == before:
            found[-1] = (kind, found[-1][1] + char)
        else:
            found.append((kind, char))
        before = kind
    return found


def expected(text: str) -> Colours:
    kinds = [""] * len(text)
    for kind, (start, end) in tokens(text):
        kinds[start:end] = [str(kind)] * (end - start)
    return runs(text, kinds)


def right(text: str) -> bool:
    try:
        pqlang.parse(text, mode="search")
    except pqlang.PqlError:
        return False
    return True


# What patterns cannot tell: TextMate sees one line at a time, and knows no states

KNOWN = (
    ("title\n= draft", [("field", "title"), ("error", "="), ("field", "draft")]),
    ("status is\nnull", [("field", "statusisnull")]),
    ("status not\nin (a)", [
        ("field", "status"), ("keyword", "not"), ("field", "in"), ("punctuation", "("), ("field", "a"),
        ("punctuation", ")"),
    ]),
    ("status:\n(a)", [
        ("field", "status"), ("operator", ":"), ("punctuation", "("), ("field", "a"), ("punctuation", ")"),
    ]),
    ("x between 1 and\n2", [
        ("field", "x"), ("operator", "between"), ("number", "1"), ("keyword", "and"), ("field", "2"),
    ]),
    ("x > now\n- 7 days", [
        ("field", "x"), ("operator", ">"), ("time", "now"), ("error", "-"), ("field", "7days"),
    ]),
    ('title = "two\nlines"', [
        ("field", "title"), ("operator", "="), ("error", '"two'), ("field", "lines"), ("error", '"'),
    ]),
    ("order\nby title", [("field", "orderbytitle")]),
    ("order by title\ndesc", [("keyword", "orderby"), ("field", "titledesc")]),
    ("not order by = 1", [("keyword", "notorderby"), ("error", "="), ("field", "1")]),
)  # fmt: skip


def fields_named_order_by(text: str) -> bool:
    """Whether a field `order` stands before a field `by`."""
    fields = [span.of(text).lower() if kind == "field" else "" for kind, span in tokens(text)]
    return ("order", "by") in pairwise(fields)


def beyond(text: str) -> bool:
    """Whether a right text has something that patterns cannot tell."""
    found = [(str(kind), span.of(text).lower(), span) for kind, span in tokens(text)]
    if any("\n" in word for _, word, _ in found):
        return True
    if fields_named_order_by(text):
        return True
    for (kind, word, span), (next_kind, next_word, next_span) in pairwise(found):
        if "\n" not in text[span.end : next_span.start]:
            continue
        if kind in ("field", "operator") and next_kind == "operator" and next_word != "-":
            return True  # a condition's field and its operator stand on one line
        if (kind, word) == ("operator", "and") or (word in SIGNS and next_word == "("):
            return True
        if kind == "field" and next_word in ("asc", "desc") and next_kind == "keyword":
            return True
    return False


@pytest.mark.parametrize(("text", "shown"), KNOWN)
def test_what_it_cannot_tell(engine: Engine, text: str, shown: Colours) -> None:
    assert right(text)
    assert beyond(text)
    assert engine(text) == shown
    assert engine(text) != expected(text)


# What it can


def test_scopes_are_those_of_the_kinds() -> None:
    assert list(TEXTMATE.SCOPES) == [str(kind) for kind in pqlang.TokenKind]
    assert len(set(TEXTMATE.SCOPES.values())) == len(TEXTMATE.SCOPES)


def test_corpus(engine: Engine) -> None:
    tried = [text for text in dict.fromkeys(corpus_texts()) if right(text) and not beyond(text)]
    assert len(tried) > 500
    for text in tried:
        assert engine(text) == expected(text), text


@examples(1000)
@given(tree_texts | search_texts)
def test_right_texts(engine: Engine, text: str) -> None:
    if right(text) and not beyond(text):
        assert engine(text) == expected(text)


@examples(300)
@given(trees, st.integers(1, 60))
def test_lines_as_format_breaks_them(engine: Engine, tree: pqlang.ast.Query, width: int) -> None:
    text = pqlang.format(tree, width=width, mode="search")
    if not fields_named_order_by(text) and not any("\n" in span.of(text) for _, span in tokens(text)):
        assert not beyond(text)
        assert engine(text) == expected(text)


@examples(300)
@given(texts)
def test_no_text_stops_it(engine: Engine, text: str) -> None:
    text = text.encode("utf-16", "replace").decode("utf-16")
    assert "".join(word for _, word in engine(text)) == "".join(char for char in text if char not in BLANKS)


def test_a_wrong_text_is_wrong_here_too(engine: Engine) -> None:
    assert engine('x = "abc') == [("field", "x"), ("operator", "="), ("error", '"abc')]
    assert engine("x = and y") == [("field", "x"), ("operator", "="), ("keyword", "and"), ("field", "y")]
    assert engine("x in (a and y")[-1] == ("field", "y")
    assert engine("a ] b")[1] == ("error", "]")
