"""The lexer for Pygments: found by its entry point, loses no character, colours what `tokens` says."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import find_lexer_class_by_name, get_lexer_by_name, get_lexer_for_filename
from pygments.token import Error, Keyword, Name, Number, Operator, String, Token, Whitespace
from strategies import examples, search_texts, texts, tree_texts

from pqlang import TokenKind, tokens
from pqlang.pygments_lexer import STYLES, PqlLexer


def test_it_is_found() -> None:
    assert find_lexer_class_by_name("pql") is PqlLexer
    assert isinstance(get_lexer_for_filename("cases.pql"), PqlLexer)


def test_every_kind_has_a_style() -> None:
    assert STYLES.keys() == set(TokenKind)
    assert all(style in Token for style in STYLES.values())


@examples(800)
@given(texts)
def test_no_character_is_lost(text: str) -> None:
    at = 0
    for start, style, piece in PqlLexer().get_tokens_unprocessed(text):
        assert (start, piece) == (at, text[at : at + len(piece)])
        assert piece
        assert (style is Whitespace) is (not piece.strip(" \t\r\n\xa0"))
        at += len(piece)
    assert at == len(text)


@examples(300)
@given(tree_texts | search_texts)
def test_styles_are_the_kinds_of_tokens(text: str) -> None:
    styled = [(start, style) for start, style, _ in PqlLexer().get_tokens_unprocessed(text) if style is not Whitespace]
    found = tokens(text)
    assert [start for start, _ in styled] == [token.span.start for token in found]
    for (_, style), token in zip(styled, found, strict=True):
        assert style in STYLES[token.kind]


def styles(text: str) -> list[tuple[object, str]]:
    return [(style, piece) for _, style, piece in PqlLexer().get_tokens_unprocessed(text) if style is not Whitespace]


def test_one_query_on_several_lines() -> None:
    assert styles("(archived\n  or x in (a,\n 1))\norder by title\ndesc") == [
        *[(Token.Punctuation, "("), (Name.Attribute, "archived"), (Keyword, "or"), (Name.Attribute, "x")],
        *[(Operator.Word, "in"), (Token.Punctuation, "("), (String.Other, "a"), (Token.Punctuation, ",")],
        *[(Number, "1"), (Token.Punctuation, ")"), (Token.Punctuation, ")"), (Keyword, "order by")],
        *[(Name.Attribute, "title"), (Keyword, "desc")],
    ]


def test_one_query_a_line() -> None:
    assert styles("order by title\r\nx =\nstatus = draft\n") == [
        *[(Keyword, "order by"), (Name.Attribute, "title"), (Name.Attribute, "x"), (Operator, "=")],
        *[(Name.Attribute, "status"), (Operator, "="), (String.Other, "draft")],
    ]


def test_a_mistake_does_not_make_lines_of_one_query() -> None:
    assert [piece for style, piece in styles("x => 1\nand (y = 2\n)") if style is Error] == ["=>"]


def test_through_pygments() -> None:
    html = highlight("title ~ %a% && x", get_lexer_by_name("pql"), HtmlFormatter(nowrap=True))
    assert html == (
        '<span class="na">title</span><span class="w"> </span><span class="o">~</span><span class="w"> </span>'
        '<span class="sx">%a%</span><span class="w"> </span><span class="err">&amp;&amp;</span>'
        '<span class="w"> </span><span class="na">x</span>\n'
    )


@pytest.mark.parametrize("module", ["pqlang", "pqlang.highlighter", "pqlang.cli"])
def test_nothing_else_imports_pygments(module: str) -> None:
    code = f"import sys, {module}; pqlang.tokens('a'); sys.exit('pygments' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
