"""Where in a query something is being typed: what would be replaced, and the parser's stack before it.

The parser's own tables are walked up to the cursor, mistakes on the way included, so that what may come next is what
the parser takes next. Nothing here knows an endpoint.
"""

from __future__ import annotations

import re
from collections import deque
from functools import lru_cache
from typing import Any, TypeAlias

from pqlang._tables import ACCEPT, ACTIONS, DEFAULTS, GOTOS, KINDS, NONTERMINALS, RULES
from pqlang.ast import Hole
from pqlang.parser import BUILDERS, END, FIELD, LPAR, ORDER_BY, RPAR, Reading, Token, accepts, next_token, recover
from pqlang.source import DEFAULT_LIMITS, Span
from pqlang.valueclass import frozen, replace

Stack: TypeAlias = "tuple[int, ...]"
Read: TypeAlias = "tuple[Token, Stack]"  # a token, and the parser's stack before it

AND, COMMA, MINUS, OP, RELATIVE, STRING, VARIABLE, WORD = (
    KINDS.index(kind) for kind in ("AND", "COMMA", "MINUS", "OP", "RELATIVE", "STRING", "VARIABLE", "WORD")
)
_PRIMARY = NONTERMINALS.index("primary")
_CONNECTIVES = frozenset(KINDS.index(kind) for kind in ("AND", "OR", "NOT", "ORDER_BY", "ASC", "DESC"))
_CLOSED = frozenset({LPAR, RPAR, COMMA, MINUS})  # whoever stands behind one of these has left it
_WORDS = frozenset(
    KINDS.index(kind)
    for kind in ("BETWEEN", "ENDS", "IN", "IS", "MATCH", "NOT", "NOT_OP", "NULL", "ON", "STARTS", "WITH")
)
OPERATORS = _WORDS | {OP}
_BEGINNERS = frozenset(KINDS.index(kind) for kind in ("FIELD", "STRING", "NOT", "MINUS", "LPAR"))
_LONGEST_PHRASE = 3  # `is not null`, `not starts with`

_RUN = r"[^\s()\[\],\"'=<>!~:]*"  # what a person takes for one word
_RUN_AHEAD = re.compile(_RUN)
_RUN_BEHIND = re.compile(rf"{_RUN}\Z")
_PHRASE = re.compile(r"[A-Za-z]+(?:[ \t\r\n\xa0]+[A-Za-z]+)*[ \t\r\n\xa0]*")
_ROUGH = re.compile(  # a mistake as it looks to who is still typing it: an open quote or backtick, signs, a word
    r"\"[^\"\\]*(?:\\[\s\S][^\"\\]*)*\\?|'[^'\\]*(?:\\[\s\S][^'\\]*)*\\?|`[^`\s]*|[=!<>~:&|]+\*?"
    rf"|[^\s()\[\],\"'=<>!~:]{_RUN}|[\s\S]"
)
_ORDER_BY = re.compile(r"order[ \t\r\n\xa0]+by(?![A-Za-z0-9_.-])", re.IGNORECASE)
_BRACKET = re.compile(r"\[[ \t\r\n\xa0]*`?[^\s()\[\],\"'=<>!~:`]*`?[ \t\r\n\xa0]*\]?")


@frozen
class Place:
    """Where something may be written."""

    span: Span  # what is replaced
    typed: str  # the part of it that stands before the cursor, blanks in it single, an opening quote aside
    states: Stack  # the parser's stack before the span
    before: tuple[Token, ...] = ()  # the tokens of the condition being written: `(`, a field, its operator, values
    token: Token | None = None  # the token that is replaced, None between two
    quote: str = ""  # the quote that is open around the cursor
    closed: bool = False  # whether it is closed behind the cursor
    apart: bool = True  # whether a blank or a bracket stands before the span, or nothing
    phrase: bool = False  # whether several words are typed that together can only become an operator

    @property
    def accepted(self) -> frozenset[int]:
        """The kinds of token that the parser takes here."""
        return acceptable(self.states)

    @property
    def compared(self) -> Token | None:
        """The field that is compared, None where there is none."""
        return next((token for token in reversed(self.before) if token[3] == FIELD), None)

    @property
    def operator(self) -> tuple[str, ...]:
        """The words written since that field, in lower case: `("not", "in", "(")`."""
        words: list[str] = []
        for token in reversed(self.before):
            if token[3] == FIELD:
                break
            words.insert(0, token[2].lower())
        return tuple(words)


@lru_cache(256)
def acceptable(states: Stack) -> frozenset[int]:
    """The kinds of token that may stand next."""
    stack = list(states)
    return frozenset(kind for kind in range(len(KINDS)) if accepts(stack, kind))


def places(text: str, cursor: int) -> list[Place]:
    """The token that the cursor touches from behind or stands in, else the gap it stands in; the gap beside that token
    where the cursor stands at its start or end; and the words of an operator that is being written.

    >>> [(place.span, place.typed) for place in places("status = dr and", 11)]
    [(Span(start=9, end=11), 'dr'), (Span(start=11, end=11), '')]
    >>> [(place.span, place.typed) for place in places("title not st", 12)]
    [(Span(start=10, end=12), 'st'), (Span(start=12, end=12), ''), (Span(start=6, end=12), 'not st')]
    """
    here, recent = _walk(text, cursor)
    found = [_whole_phrase(text, here)]
    if here.token is not None and here.span.start == cursor and not here.quote:
        found.append(replace(here, span=Span(cursor, cursor), token=None))
    if here.token is not None and here.token[1] == cursor and here.token[3] >= 0:
        behind = _behind(text, here)
        found += [behind] if behind is not None else []
    return found + _phrases(text, cursor, recent)


def _behind(text: str, here: Place) -> Place | None:
    """The place behind a token, or the value that begins there; None where that token may not stand where it does."""
    assert here.token is not None
    states = list(here.states)
    if not _shift(states, here.token[3]):
        return None
    at, stack, before = here.token[1], tuple(states), (*here.before, here.token)
    if DEFAULTS[states[-1]] < 0 and accepts(states, WORD):
        token = next_token(text, at, states[-1])
        if token[0] == at and _is_entered(text, token, stack):
            return Place(Span(at, token[1]), "", stack, before, token, apart=False)
    return Place(Span(at, at), "", stack, before, apart=False)


def _shift(states: list[int], kind: int) -> bool:
    """Read a token of this kind, unless it may not stand here."""
    if not accepts(states, kind):
        return False
    while True:
        rule = DEFAULTS[states[-1]]
        action = ACTIONS[states[-1]][kind] if rule < 0 else ~rule
        if action >= 0:
            states.append(action)
            return True
        _reduce(states, ~action)
        if states[-1] == ACCEPT:
            return False


def _reduce(states: list[int], rule: int) -> None:
    lhs, length, _ = RULES[rule]
    if length:
        del states[-length:]
    states.append(GOTOS[states[-1]][lhs])


# Up to the cursor


def _walk(text: str, cursor: int) -> tuple[Place, list[Read]]:
    """The place of the cursor, and the tokens read just before it."""
    reading = Reading(text, True, DEFAULT_LIMITS)
    states: list[int] = [0]
    values: list[Any] = []
    recent: deque[Read] = deque(maxlen=_LONGEST_PHRASE)
    stack: Stack = ()  # as it was before the reductions that the token brings
    token: Token | None = None
    at = 0
    while True:
        rule = DEFAULTS[states[-1]]
        if rule < 0:
            if token is None:
                token, stack = next_token(text, at, states[-1]), tuple(states)
                if token[1] >= cursor and not (token[1] == cursor and token[3] in _CLOSED):
                    before = tuple(value for value in values if type(value) is tuple)
                    return _place(text, cursor, token, stack, before), list(recent)
            action = ACTIONS[states[-1]].get(token[3])
            if action is None:
                before = tuple(value for value in values if type(value) is tuple)
                half = _half_typed(text, cursor, token, stack, before, recent)
                if half is not None:
                    return half, list(recent)
                resumed = recover(reading, BUILDERS, states, values, token, at)
                if resumed is None or resumed >= cursor:
                    return _in_a_mistake(text, cursor, states[:-1]), []
                at, token = resumed, None
                recent.clear()
                continue
            if action >= 0:
                recent.append((token, stack))
                states.append(action)
                values.append(token)
                at, token = token[1], None
                continue
            rule = ~action
        length = RULES[rule][1]
        start = _start(values[-length]) if length else at
        if length:
            del values[-length:]
        values.append(Hole(span=Span(start, at)))
        _reduce(states, rule)


def _start(value: Any) -> int:
    start: int = value[0] if type(value) is tuple else value.span.start
    return start


def _place(text: str, cursor: int, token: Token, stack: Stack, before: tuple[Token, ...]) -> Place:
    """The place of a cursor before, in or at the end of a token that could be read."""
    start, end, written, kind = token
    if kind < 0 or kind == END or start > cursor or (start == cursor and not _is_entered(text, token, stack)):
        return Place(Span(cursor, cursor), "", stack, before, apart=_is_apart(text, cursor, before))
    if kind == STRING and start < cursor < end:
        inner = Span(start + 1, end - 1)
        return Place(inner, text[start + 1 : cursor], stack, before, token, written[0], closed=True)
    return Place(Span(start, end), _typed(token, cursor), stack, before, token, apart=_is_apart(text, start, before))


def _typed(token: Token, cursor: int) -> str:
    """What of a token is typed: a name as a path, a time without blanks, other words with single ones."""
    start, _, text, kind = token
    typed = text[: cursor - start]
    if kind == FIELD:
        return _PATH_SIGNS.sub("", typed).replace("[", ".")
    return "".join(typed.split()) if kind == RELATIVE else " ".join(typed.split())


_PATH_SIGNS = re.compile(r"[`\]\s]")


def _is_entered(text: str, token: Token, stack: Stack) -> bool:
    """Whether a cursor just before a token is in it, to replace it: before a name, a value or an operator."""
    if token[3] in _CLOSED or token[3] in _CONNECTIVES or _ORDER_BY.match(text, token[0]):
        return False
    return accepts(list(stack), WORD if token[3] == STRING else token[3])


def _is_apart(text: str, at: int, before: tuple[Token, ...] = ()) -> bool:
    """Whether no blank is due before what is put there: after a blank, a bracket, a minus that denies."""
    if before and before[-1][3] == MINUS and before[-1][1] == at:
        return True
    return at == 0 or text[at - 1] in " \t\r\n\xa0([,"


def _half_typed(
    text: str, cursor: int, token: Token, stack: Stack, before: tuple[Token, ...], recent: deque[Read]
) -> Place | None:
    """The place in something that is not whole yet: `"acm`, `!`, `owner[em`; None where the cursor is past it."""
    start = token[0]
    if text[start : start + 1] == "[" and recent and recent[-1][0][3] == FIELD and recent[-1][0][1] == start:
        (name, stack), match = recent[-1], _BRACKET.match(text, start)
        assert match is not None
        typed = _PATH_SIGNS.sub("", f"{name[2]}.{text[start + 1 : cursor]}")
        whole = Place(Span(name[0], match.end()), typed, stack, before[:-1], (*name[:2], name[2], -1))
        return whole if match.end() >= cursor else None
    rough = _ROUGH.match(text, start)
    if rough is None or rough.end() < cursor:
        return None
    if rough[0][0] == "`" and recent and recent[-1][0][3] == FIELD and recent[-1][0][1] == start:  # `owner`.`em
        name, stack = recent[-1]
        typed = _PATH_SIGNS.sub("", text[name[0] : cursor])
        return Place(Span(name[0], rough.end()), typed, stack, before[:-1], (*name[:2], name[2], -1))
    sign = rough[0][:1]
    if sign in ('"', "'"):  # it reaches to the end, but what stands behind the word was not meant to be in it
        inner = Span(start + 1, _run_end(text, cursor))
        return Place(inner, text[start + 1 : cursor], stack, before, (start, len(text), "", -1), sign)
    return Place(
        Span(start, rough.end()),
        text[start:cursor].lstrip("`"),
        stack,
        before,
        (start, rough.end(), rough[0], -1),
        apart=_is_apart(text, start),
    )


def _run_end(text: str, at: int) -> int:
    """Where the word ends that an offset is in."""
    match = _RUN_AHEAD.match(text, at)
    return at if match is None else match.end()


def _in_a_mistake(text: str, cursor: int, states: list[int]) -> Place:
    """The place of a cursor in what could not be read: a new condition may start with the word it is in."""
    start, end = cursor - len(_RUN_BEHIND.findall(text[max(0, cursor - 200) : cursor])[0]), _run_end(text, cursor)
    while len(states) > 1 and _PRIMARY not in GOTOS[states[-1]]:
        states.pop()
    token = (start, end, text[start:end], -1) if end > start else None
    return Place(Span(start, end), text[start:cursor], tuple(states), (), token, apart=_is_apart(text, start))


# Operators of several words


def _phrases(text: str, cursor: int, recent: list[Read]) -> list[Place]:
    """The places of words that began earlier: `is n`, `not starts w`, `order b`."""
    found = []
    for back in range(1, min(len(recent), _LONGEST_PHRASE - 1) + 1):
        token, stack = recent[-back]
        if not _PHRASE.fullmatch(text, token[0], cursor):
            break
        if OP not in acceptable(stack) and token[2].lower() != "order":
            continue
        before = (recent[-back - 1][0],) if back < len(recent) else ()
        typed = text[token[0] : cursor]
        typed = " ".join(typed.split()) + (" " if typed[-1:].isspace() else "")
        place = Place(Span(token[0], cursor), typed, stack, before, token, phrase=True)
        found.append(_whole_phrase(text, place))
    return found


def _whole_phrase(text: str, place: Place) -> Place:
    """The place with all the words of the operator that it is in, those behind the cursor too."""
    if OP not in place.accepted or place.token is None:
        return place
    states, at = list(place.states), place.span.start
    while DEFAULTS[states[-1]] < 0:  # else it is whole
        token = next_token(text, at, states[-1])
        if token[3] not in _WORDS or not _shift(states, token[3]):
            break
        at = token[1]
    if at <= place.span.end:
        at = _run_end(text, place.span.end) if place.phrase else place.span.end  # `is nu|ll` is in a word
    return replace(place, span=Span(place.span.start, at))


# How far a text can be read


def reach(text: str, at: int, stack: Stack, *, strict: bool = False) -> int:
    """How far a text can be read from an offset on: to the first token that may not stand where it does, or to the end,
    and one further where it is whole there.

    `strict` wants an `and` or `or` between any two conditions, and a list behind `in` alone.
    """
    states = list(stack)
    token: Token | None = None
    while True:
        rule = DEFAULTS[states[-1]]
        if rule < 0:
            if token is None:
                token = next_token(text, at, states[-1])
                if token[3] == LPAR and states[-1] == _AFTER_OP and (strict or text[at - 1 : at] != ":"):
                    return token[0]
                if strict and token[3] in _BEGINNERS and accepts(states, AND):
                    return token[0]
            action = ACTIONS[states[-1]].get(token[3])
            if action is None:
                return len(text) if token[3] == END else token[0]
            if action >= 0:
                states.append(action)
                at, token = token[1], None
                continue
            rule = ~action
        _reduce(states, rule)
        if states[-1] == ACCEPT:
            return len(text) + 1


_AFTER_OP = ACTIONS[ACTIONS[0][FIELD]][OP]
AFTER_ORDER_BY = ACTIONS[0][ORDER_BY]
