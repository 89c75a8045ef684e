"""A body's bytes as plain data, or what keeps them from being any.

The standard library reads what is right, and most of what is wrong is found while it does. Where it gives up, the text
is read again by the reader that knows places, for a message.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from pqlang import json_text
from pqlang.searchbox import problems as say
from pqlang.searchbox.problems import MOST_TOLD, Keys, Malformed, Problem
from pqlang.source import DEFAULT_LIMITS
from pqlang.views import plain

MOST_DIGITS = 4_000  # of a number: Python gives up at 4,300


def read(body: bytes) -> Any:
    """The JSON value of a body. Raises Malformed.

    Stricter than the standard library: a key stands once, numbers are finite, and texts are Unicode.

    >>> read(b'{"query": "a"}')
    {'query': 'a'}
    """
    try:
        text = body.decode("utf-8-sig")  # a byte order mark may be ignored: RFC 8259, section 8.1
    except UnicodeDecodeError as error:
        raise Malformed(say.not_utf8(error.start)) from None
    if not text.strip(" \t\r\n"):
        raise Malformed(say.empty())
    return _Reading().read(text)


class _Repeated(dict[str, Any]):
    """An object in which a key stands twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        counted = Counter(key for key, _ in pairs)
        self.keys_twice = [key for key, count in counted.items() if count > 1]


class _Reading:
    """One body: its value, and whether anything in it has to be looked for."""

    def __init__(self) -> None:
        self.odd = False

    def read(self, text: str) -> Any:
        try:
            value = json.loads(
                text,
                object_pairs_hook=self.object,
                parse_int=self.integer,
                parse_float=self.number,
                parse_constant=self.number,
            )
        except (ValueError, RecursionError):
            raise Malformed(_why(text)) from None
        if self.odd or "\\u" in text:  # as bytes, half a pair of surrogates is no UTF-8
            found = list(islice(_oddities(value), MOST_TOLD))
            if found:
                raise Malformed(*found)
        return value

    def object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) == len(pairs):
            return made
        self.odd = True
        return _Repeated(pairs)

    def integer(self, digits: str) -> int | float:
        if len(digits) <= MOST_DIGITS:
            return int(digits)
        self.odd = True
        return math.inf

    def number(self, digits: str) -> float:
        value = float(digits)  # takes JSON's numbers, and `NaN` and the like, which JSON does not have
        self.odd = self.odd or not math.isfinite(value)
        return value


def _oddities(whole: Any) -> Iterator[Problem]:
    """What no JSON has, or no Unicode, wherever it is; without recursion, since the depth is anyone's."""
    left: list[tuple[Keys, Any]] = [((), whole)]
    while left:
        at, value = left.pop()
        if isinstance(value, float) and not math.isfinite(value):
            yield say.not_finite(at)
        elif isinstance(value, str) and not _is_unicode(value):
            yield say.half_a_pair(at)
        elif isinstance(value, list):
            left += [((*at, index), each) for index, each in reversed(list(enumerate(value)))]
        elif isinstance(value, dict):
            right = {key: each for key, each in value.items() if _is_unicode(key)}
            if len(right) < len(value):
                yield say.half_a_key(at)
            if isinstance(value, _Repeated):
                yield from (say.given_twice((*at, key)) for key in value.keys_twice if key in right)
            left += [((*at, key), each) for key, each in reversed(right.items())]


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _why(text: str) -> Problem:
    """The first thing in a text that keeps it from being JSON."""
    _, (*_, problem) = json_text.read(plain(text, 0, len(text)), DEFAULT_LIMITS)
    before = text[: problem.span.start]
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    help = f"; {problem.help}" if problem.help and problem.code == "bad-json" else ""
    return say.not_json(line, column, problem.message + help)
