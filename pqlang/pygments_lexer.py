"""Queries for Pygments, and so for Sphinx, MkDocs, IPython and Rich, which find it by its entry point, alias `pql`.

Pygments itself imports this module; pqlang never does, and needs no Pygments.
"""

from __future__ import annotations

from collections.abc import Iterator

from pygments.lexer import Lexer
from pygments.token import (
    Error,
    Keyword,
    Literal,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
    _TokenType,
)

from pqlang.highlighter import Token, TokenKind, tokens
from pqlang.source import Span

STYLES = {
    TokenKind.FIELD: Name.Attribute,
    TokenKind.OPERATOR: Operator,
    TokenKind.KEYWORD: Keyword,
    TokenKind.STRING: String,
    TokenKind.NUMBER: Number,
    TokenKind.TIME: Literal.Date,
    TokenKind.CONSTANT: Keyword.Constant,
    TokenKind.VARIABLE: Name.Variable,
    TokenKind.WORD: String.Other,  # a text without quotes
    TokenKind.PUNCTUATION: Punctuation,
    TokenKind.ERROR: Error,
}


class PqlLexer(Lexer):
    """Queries of PQL: one, on one line or several, or one a line.

    >>> from pygments import highlight, lexers
    >>> from pygments.formatters import RawTokenFormatter
    >>> print(highlight("archived = false", PqlLexer(), RawTokenFormatter()).decode().rstrip())
    Token.Name.Attribute	'archived'
    Token.Text.Whitespace	' '
    Token.Operator	'='
    Token.Text.Whitespace	' '
    Token.Keyword.Constant	'false'
    Token.Text.Whitespace	'\\n'
    """

    name = "PQL"
    aliases = ["pql"]  # noqa: RUF012  (Pygments reads plain class attributes)
    filenames = ["*.pql"]  # noqa: RUF012

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, _TokenType, str]]:
        """Every character of the text, in order: offset, style and text of each piece."""
        at = 0
        for kind, (start, end) in _read(text):
            if at < start:
                yield at, Whitespace, text[at:start]
            word = text[start:end]
            is_word = kind is TokenKind.OPERATOR and word[0].isalpha()
            yield start, Operator.Word if is_word else STYLES[kind], word
            at = end
        if at < len(text):
            yield at, Whitespace, text[at:]


def _read(text: str) -> list[Token]:
    """The tokens of one query, or where less of it could be read so, of one query a line."""
    whole = tokens(text)
    wrong = _mistakes(whole)
    if not wrong or "\n" not in text:
        return whole
    by_line: list[Token] = []
    start = 0
    for line in text.split("\n"):
        by_line += (Token(kind, Span(start + span.start, start + span.end)) for kind, span in tokens(line))
        start += len(line) + 1
    return by_line if _mistakes(by_line) < wrong else whole


def _mistakes(found: list[Token]) -> int:
    return sum(token.kind is TokenKind.ERROR for token in found)
