"""A query's text as the tokens that a screen colours, made by the parser's own tables: a colour is what is read.

The driver of `parser` runs with builders that build nothing and keeps a trace of what it shifts. Where it meets a
mistake it goes on at the next connective; what lies before that is read by its looks alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

from pqlang import arguments
from pqlang._tables import KEYWORDS, KINDS, PATTERNS, RULES
from pqlang.ast import is_relative_time
from pqlang.literals import NUMBER
from pqlang.moments import DATE_TIME, PERIOD
from pqlang.parser import Reading, drive
from pqlang.source import DEFAULT_LIMITS, Limits, Span


class TokenKind(StrEnum):
    """What a token is to somebody who looks at it. The values stay as they are: style sheets are written for them.

    - `field`: a name where a field stands; in search mode it may turn out to be a word of free text
    - `operator`: a sign, and every word of `not in`, `is not null`, `starts with`, `between` … `and`
    - `keyword`: `and`, `or`, `not`, `order by`, `asc`, `desc`
    - `string`: a text in quotes
    - `number`: a bare value that looks like a number, even where its field will read it as text
    - `time`: a bare date or date-time, a relative time, and the day, month or year that follows `on`
    - `constant`: `true`, `false` and `null` as bare values
    - `variable`: `$name`
    - `word`: any other bare value
    - `punctuation`: parentheses, and the commas of a list
    - `error`: what cannot be read
    """

    FIELD = "field"
    OPERATOR = "operator"
    KEYWORD = "keyword"
    STRING = "string"
    NUMBER = "number"
    TIME = "time"
    CONSTANT = "constant"
    VARIABLE = "variable"
    WORD = "word"
    PUNCTUATION = "punctuation"
    ERROR = "error"


class Token(NamedTuple):
    """A piece of a query's text: what it is, and where it stands (`span.start` and `span.end`, in code points)."""

    kind: TokenKind
    span: Span


_OF_KIND = {
    "AND": TokenKind.KEYWORD,
    "OR": TokenKind.KEYWORD,
    "NOT": TokenKind.KEYWORD,
    "ORDER_BY": TokenKind.KEYWORD,
    "ASC": TokenKind.KEYWORD,
    "DESC": TokenKind.KEYWORD,
    "FIELD": TokenKind.FIELD,
    "STRING": TokenKind.STRING,
    "RELATIVE": TokenKind.TIME,
    "VARIABLE": TokenKind.VARIABLE,
    "WORD": TokenKind.WORD,  # `by_looks` says more
    "LPAR": TokenKind.PUNCTUATION,
    "RPAR": TokenKind.PUNCTUATION,
    "COMMA": TokenKind.PUNCTUATION,
}
COLOURS = tuple(_OF_KIND.get(kind, TokenKind.OPERATOR) for kind in KINDS)  # every other kind is part of an operator
AND, BETWEEN, IS, NOT, ON, WORD = (KINDS.index(kind) for kind in ("AND", "BETWEEN", "IS", "NOT", "ON", "WORD"))
UNREAD = -1
CONSTANTS = frozenset({"true", "false", "null"})
MOST_LOOKED_AT = DEFAULT_LIMITS.length  # a longer text is no query: it is coloured by its looks alone
_UNBOUNDED = Limits(length=10**9, depth=10**9, values=10**9)


def tokens(query: object) -> list[Token]:
    """The tokens of a query, in the order of its text; blanks alone lie between them.

    Works on any text, right or wrong: what cannot be read is of kind `error`, and reading goes on after it as the
    parser does. No schema takes part, so a word is a `field` where a field stands, known or not, and what a bare value
    looks like need not be how its field reads it. Raises PqlError only where `query` is neither text nor a tree.

    >>> text = "status = draft and created_at > now-7d"
    >>> for kind, span in tokens(text):
    ...     print(f"{kind:9} {span.of(text)}")
    field     status
    operator  =
    word      draft
    keyword   and
    field     created_at
    operator  >
    time      now-7d
    """
    source, _ = arguments.source(query, None, DEFAULT_LIMITS)
    text = source.text
    if len(text) > MOST_LOOKED_AT:
        return list(_pieces(text, 0, len(text), between=False))
    reading = Reading(text, True, _UNBOUNDED, trace=[])
    drive(reading, _BUILDERS)
    problems = iter(reading.problems)
    found: list[Token] = []
    last = UNREAD
    between = False
    assert reading.trace is not None
    for start, end, word, kind in reading.trace:
        if kind == UNREAD:
            _unread(found, text, start, end, next(problems).span, between)
        elif kind == WORD:
            found.append(Token(by_looks(word, period=last == ON), Span(start, end)))
        elif (kind == AND and between) or (kind == NOT and last == IS):
            found.append(Token(TokenKind.OPERATOR, Span(start, end)))
        else:
            found.append(Token(COLOURS[kind], Span(start, end)))
        between = kind == BETWEEN or (between and kind not in (AND, UNREAD))
        last = kind
    return found


def by_looks(word: str, *, period: bool = False) -> TokenKind:
    """What a bare value looks like; with `period`, where a day, a month or a year has to stand.

    >>> str(by_looks("2024")), str(by_looks("2024", period=True)), str(by_looks("now-7d")), str(by_looks("acme"))
    ('number', 'time', 'time', 'word')
    """
    if word[0] in "+-.0123456789":
        if period and PERIOD.fullmatch(word):
            return TokenKind.TIME
        if NUMBER.fullmatch(word):
            return TokenKind.NUMBER
        return TokenKind.TIME if DATE_TIME.fullmatch(word) or PERIOD.fullmatch(word) else TokenKind.WORD
    if word.lower() in CONSTANTS:
        return TokenKind.CONSTANT
    return TokenKind.TIME if is_relative_time(word) else TokenKind.WORD


def _first_token(reading: Reading, kids: list[Any]) -> Any:
    """What a rule is worth to a reader that builds nothing: a list of its first token, which says where it began."""
    return kids[0] if kids and type(kids[0]) is list else kids[:1]


_BUILDERS = (_first_token,) * len(RULES)


# What a mistake left unread


def _unread(found: list[Token], text: str, start: int, end: int, problem: Span, between: bool) -> None:
    """Add what stands from a mistake to where reading goes on: the mistake itself, then the rest by its looks."""
    pieces = list(_pieces(text, start, end, between=between))
    if not pieces:
        return
    wrong = pieces[0].span.end
    if problem.start <= start:
        wrong = max(wrong, problem.end)
        while found and found[-1].kind is TokenKind.OPERATOR and found[-1].span.end == start > problem.start:
            start = found.pop().span.start  # the `=` of `=>`
    part_of_it = [piece for piece in pieces if piece.span.start < wrong]
    found.append(Token(TokenKind.ERROR, Span(start, part_of_it[-1].span.end)))
    found += pieces[len(part_of_it) :]


def _pieces(text: str, start: int, end: int, *, between: bool) -> Iterator[Token]:
    """The tokens of a part of the text that nobody reads, by their looks; errors that touch are one."""
    match = _scanner().match
    wrong = -1  # where an error began that may go on
    while start < end:
        found = match(text, start, end)
        after = start + 1 if found is None else found.end()
        looked_for = None if found is None else _LOOKED_FOR[found.lastindex or 0]
        if looked_for is None:
            wrong = start if wrong < 0 else wrong
        elif wrong >= 0:
            yield Token(TokenKind.ERROR, Span(wrong, start))
            wrong = -1
        if found is not None and looked_for is not None and looked_for != "BLANKS":
            yield _piece(found[0], looked_for, start, between)
            between = between and looked_for != "AND"
        start = after
    if wrong >= 0:
        yield Token(TokenKind.ERROR, Span(wrong, len(text[:end].rstrip(BLANKS))))


def _piece(word: str, looked_for: str, start: int, between: bool) -> Token:
    """A token by what it was found as; a word may be an operator, or `asc`."""
    kind = KINDS.index(looked_for)
    if looked_for == "WORD":
        kind = KEYWORDS.get(word.lower(), kind)
    colour = by_looks(word) if kind == WORD else COLOURS[kind]
    if kind == AND and between:
        colour = TokenKind.OPERATOR
    return Token(colour, Span(start, start + len(word)))


BLANKS = " \t\r\n\xa0"
_LOOKED_FOR = (
    None, "BLANKS", "AND", "OR", "NOT", "ORDER_BY", "RELATIVE", "STRING", None, "VARIABLE", "LPAR", "RPAR", "COMMA",
    "OP", "WORD",
)  # fmt: skip  # by the number of its group; None is what cannot be read


@cache
def _scanner() -> re.Pattern[str]:
    """One pattern for all that can be told without a state; a quote that does not close takes all that follows."""
    own = {"BLANKS": f"[{BLANKS}]+", None: "[\"'][\\s\\S]*"}
    patterns = (own.get(name) or PATTERNS[KINDS.index(str(name))] for name in _LOOKED_FOR[1:])
    return re.compile("|".join(f"({pattern})" for pattern in patterns))
