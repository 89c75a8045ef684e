"""Tokens: laws on any text, agreement with the parser's tree, and a table of what has which colour."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from strategies import examples, mutated_texts, search_texts, texts, tree_texts

import pqlang
from pqlang import Span, Token, TokenKind, ast, tokens
from pqlang.parser import parse_source
from pqlang.source import Source

BLANKS = frozenset(" \t\r\n\xa0")
VALUES = frozenset(
    {
        TokenKind.STRING,
        TokenKind.NUMBER,
        TokenKind.TIME,
        TokenKind.CONSTANT,
        TokenKind.VARIABLE,
        TokenKind.WORD,
    }
)
KEYWORDS = {"and", "or", "not", "order by", "asc", "desc"}
WORDS = ("not", "in", "is", "null", "and", "between", "like", "ilike", "contains", "starts", "ends", "with", "on")
SIGNS = ("=", "==", ":", "!=", "<>", "<", "<=", ">", ">=", "~", "!~", "~*", "!~*", "-")
OPERATORS = {*WORDS, *SIGNS}


def nodes(node: object) -> Iterator[ast.Node]:
    """A node and all below it."""
    if isinstance(node, tuple):
        for each in node:
            yield from nodes(each)
    elif isinstance(node, ast.Node):
        yield node
        for name in type(node).__match_args__:
            yield from nodes(getattr(node, name))


def read(text: str) -> ast.Query | None:
    """The tree of a text without mistakes."""
    try:
        return pqlang.parse(text, mode="search")
    except pqlang.PqlError:
        return None


def shown(text: str) -> list[str]:
    return [f"{kind} {span.of(text)}" for kind, span in tokens(text)]


# Laws


def hold_together(text: str, found: list[Token]) -> None:
    at = 0
    for kind, span in found:
        assert isinstance(kind, TokenKind)
        assert at <= span.start < span.end <= len(text)
        assert BLANKS.issuperset(text[at : span.start])
        assert text[span.start] not in BLANKS
        assert text[span.end - 1] not in BLANKS
        at = span.end
    assert BLANKS.issuperset(text[at:])


@examples(2500)
@given(texts)
@example('"\0\ud800')
@example("x = \u3000")
@example("- - ! && ' and")
def test_tokens_are_the_whole_text_in_order(text: str) -> None:
    hold_together(text, tokens(text))


@examples(1500)
@given(tree_texts | search_texts)
def test_colours_are_what_the_parser_reads(text: str) -> None:
    tree = read(text)
    if tree is None:
        return
    found = tokens(text)
    fields, words, quoted, variables = set(), set(), set(), set()
    for node in nodes(tree):
        match node:
            case ast.Path():
                fields.add(node.span)
            case ast.Literal():
                (quoted if node.quoted else words).add(node.span)
            case ast.Variable():
                variables.add(node.span)
    assert {span for kind, span in found if kind is TokenKind.FIELD} == fields
    assert {span for kind, span in found if kind is TokenKind.STRING} == quoted
    assert {span for kind, span in found if kind is TokenKind.VARIABLE} == variables
    bare = VALUES - {TokenKind.STRING, TokenKind.VARIABLE}
    assert {span for kind, span in found if kind in bare} == words
    for kind, span in found:
        written = " ".join(span.of(text).lower().split())
        assert kind is not TokenKind.ERROR
        assert kind is not TokenKind.KEYWORD or written in KEYWORDS
        assert kind is not TokenKind.OPERATOR or written in OPERATORS
        assert kind is not TokenKind.PUNCTUATION or written in {"(", ")", ","}


@examples(1500)
@given(mutated_texts())
@example("x = ) and y = 2")
@example("a && b, c = 1 or [x] and d")
def test_after_a_mistake_colours_are_what_the_parser_reads_on(text: str) -> None:
    tree, _ = parse_source(Source(text), search=True)
    if tree is None:
        return
    fields = {span for kind, span in tokens(text) if kind is TokenKind.FIELD}
    for node in nodes(tree):
        assert not isinstance(node, ast.Path) or node.span in fields


@examples(600)
@given(tree_texts | search_texts)
def test_what_is_typed_later_changes_at_most_the_last_token(text: str) -> None:
    if read(text) is None:
        return
    whole = tokens(text)
    for at, token in enumerate(whole):
        assert tokens(text[: token.span.end])[:at] == whole[:at]


def test_a_text_of_any_length_has_tokens() -> None:
    for text in ("(" * 20_000, "a and " * 20_000, "'" * 20_001, '"' + "x" * 100_000, "not " * 2_000, "\0" * 50_000):
        hold_together(text, tokens(text))
    assert shown("a = 1 " * 5_000)[:3] == ["word a", "operator =", "number 1"]  # too long to be a query: by looks


def test_more_mistakes_than_are_reported() -> None:
    text = "a ! = ] and " * 40
    hold_together(text, tokens(text))


# What has which colour


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \t\n", []),
        ("status = draft", ["field status", "operator =", "word draft"]),
        ("title = and_more", ["field title", "operator =", "word and_more"]),
        ("status = asc", ["field status", "operator =", "word asc"]),
        ("notes = 1", ["field notes", "operator =", "number 1"]),
        ("order_id = 2", ["field order_id", "operator =", "number 2"]),
        ("null_count > 3", ["field null_count", "operator >", "number 3"]),
        ("in in (in)", ["field in", "operator in", "punctuation (", "word in", "punctuation )"]),
        ("archived AND Not x", ["field archived", "keyword AND", "keyword Not", "field x"]),
        ("-archived", ["operator -", "field archived"]),
        ("x is not null", ["field x", "operator is", "operator not", "operator null"]),
        ("x is null", ["field x", "operator is", "operator null"]),
        ("x = NULL", ["field x", "operator =", "constant NULL"]),
        ('x = "null"', ["field x", "operator =", 'string "null"']),
        ("x = True", ["field x", "operator =", "constant True"]),
        ("x not in $them", ["field x", "operator not", "operator in", "variable $them"]),
        ("x starts with a", ["field x", "operator starts", "operator with", "word a"]),
        ("x between 1 and 2 and y", [
            "field x", "operator between", "number 1", "operator and", "number 2", "keyword and", "field y",
        ]),
        ("x not between now-7d and today", [
            "field x", "operator not", "operator between", "time now-7d", "operator and", "time today",
        ]),
        ("x on 2024", ["field x", "operator on", "time 2024"]),
        ("x = 2024", ["field x", "operator =", "number 2024"]),
        ("x >= 2024-01", ["field x", "operator >=", "time 2024-01"]),
        ("x > 2024-01-15T09:30:00+02:00", ["field x", "operator >", "time 2024-01-15T09:30:00+02:00"]),
        ("x > now - 7 days", ["field x", "operator >", "time now - 7 days"]),
        ("x > now-7d-report", ["field x", "operator >", "word now-7d-report"]),
        ("x = 2024-01-15-draft", ["field x", "operator =", "word 2024-01-15-draft"]),
        ("x = -1.5e3", ["field x", "operator =", "number -1.5e3"]),
        ("x = 00123", ["field x", "operator =", "number 00123"]),
        ("x = 1_000", ["field x", "operator =", "word 1_000"]),
        ("x ~ %@acme%", ["field x", "operator ~", "word %@acme%"]),
        ("owner[ email ] = a", ["field owner[ email ]", "operator =", "word a"]),
        ("`a b`.c:x", ["field `a b`.c", "operator :", "word x"]),
        ("order  by x desc", ["keyword order  by", "field x", "keyword desc"]),
        ("x ORDER BY order asc", ["field x", "keyword ORDER BY", "field order", "keyword asc"]),
        ('"free text" word', ['string "free text"', "field word"]),
    ],
)  # fmt: skip
def test_right(text: str, expected: list[str]) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = ", ["field x", "operator ="]),
        ('x = "abc and y', ["field x", "operator =", 'error "abc', "keyword and", "field y"]),
        ("a && b || !c", ["field a", "error &&", "field b", "error ||", "error !", "field c"]),
        ("x => 3 and y", ["field x", "error =>", "number 3", "keyword and", "field y"]),
        ("x = “My case” and y", ["field x", "operator =", "error “My case”", "keyword and", "field y"]),
        ("x\u3000= draft", ["field x", "error \u3000", "operator =", "word draft"]),
        ("x = \0\ud800 or y", ["field x", "operator =", "error \0\ud800", "keyword or", "field y"]),
        ("x in (a b, 1) and y", [
            "field x", "operator in", "punctuation (", "word a", "error b", "punctuation ,", "number 1",
            "punctuation )", "keyword and", "field y",
        ]),
        ("x in [a, b] or y", ["field x", "operator in", "error [a, b]", "keyword or", "field y"]),
        ("x between > 1 and 5 and y", [
            "field x", "operator between", "error >", "number 1", "operator and", "number 5", "keyword and", "field y",
        ]),
        ("a)", ["field a", "error )"]),
        ("(a", ["punctuation (", "field a"]),
        ("a order by x down", ["field a", "keyword order by", "field x", "error down"]),
        ("and = 1 and y", ["keyword and", "error =", "number 1", "keyword and", "field y"]),
    ],
)  # fmt: skip
def test_wrong(text: str, expected: list[str]) -> None:
    assert shown(text) == expected


def test_the_values_of_kinds_are_written_into_style_sheets() -> None:
    assert [str(kind) for kind in TokenKind] == [
        "field", "operator", "keyword", "string", "number", "time", "constant", "variable", "word", "punctuation",
        "error",
    ]  # fmt: skip


def test_a_token_is_a_value() -> None:
    token = tokens("archived")[0]
    assert token == Token(TokenKind.FIELD, Span(0, 8))
    assert pickle.loads(pickle.dumps(token)) == token
    assert hash(token) == hash(Token(TokenKind.FIELD, Span(0, 8)))
    assert (token.kind, token.span.start, token.span.end) == ("field", 0, 8)


def test_a_tree_has_the_tokens_of_its_text() -> None:
    tree = pqlang.parse("status == draft")
    assert tokens(tree) == tokens("status = draft")


def test_what_is_no_query_is_refused() -> None:
    with pytest.raises(pqlang.PqlError, match="query"):
        tokens(7)
