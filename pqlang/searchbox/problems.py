"""What can be wrong with a body: each problem is a value at a place, and each message one small function."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from pqlang.diagnostics import listing, shorten
from pqlang.names import close_matches

Keys: TypeAlias = tuple[str | int, ...]

MOST_TOLD = 20  # problems of one body
LONGEST_KEY = 100  # characters of a key that an answer repeats
LONGEST_NUMBER = 20  # digits


class Problem(NamedTuple):
    """What is wrong with the value at the end of these keys and indices; without any, with the body."""

    at: Keys
    message: str


class Malformed(Exception):
    """A body that is not what it has to be: every problem that was found."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = problems


# Bytes that are no JSON


def empty() -> Problem:
    return Problem((), "the body is empty: it must be a JSON object")


def not_utf8(offset: int) -> Problem:
    return Problem((), f"the body is not UTF-8: byte {offset + 1:,} is in no character")


def not_json(line: int, column: int, message: str) -> Problem:
    return Problem((), f"line {line}, column {column} of the body: {message}")


def given_twice(at: Keys) -> Problem:
    return _problem(at, "stands twice")


def half_a_pair(at: Keys) -> Problem:
    return _problem(at, "holds half a pair of surrogates, which is no Unicode text")


def half_a_key(at: Keys) -> Problem:
    return _problem(at, "has a key that holds half a pair of surrogates, which is no Unicode text")


def not_finite(at: Keys) -> Problem:
    return _problem(
        at, "is no number that can be sent: JSON has no `NaN` and no `Infinity`, and a number goes up to 1e308"
    )


# JSON that is no question


def unfit(at: Keys, wanted: str, given: object) -> Problem:
    """
    >>> unfit(("variables", "a", 0), "a text", {}).message
    '`variables.a[0]` must be a text, not an object'
    """
    return _problem(at, f"must be {wanted}, not {_in_words(given)}")


def missing(at: Keys, what: str) -> Problem:
    return _problem(at, f"is missing: {what}")


def unknown(at: Keys, known: Iterable[str]) -> Problem:
    """
    >>> unknown(("querry",), ["query", "endpoint"]).message
    '`querry` is no key of this question; the closest is `query`'
    """
    names = list(known)
    close = close_matches(str(at[-1]), names, 1)
    help = (
        f"the closest is `{close[0]}`" if close else f"its keys are {listing([f'`{each}`' for each in names], 'and')}"
    )
    return _problem(at, f"is no key of this question; {help}")


def clash(at: Keys, message: str) -> Problem:
    return Problem(at, message)


# Their words


def _problem(at: Keys, what: str) -> Problem:
    short = tuple(each if isinstance(each, int) else each[:LONGEST_KEY] for each in at)
    return Problem(short, f"{_place(at)} {what}")


def _place(at: Keys) -> str:
    """The place as JavaScript has it, in backticks; keys that are no names in quotes.

    >>> _place(("variables", "a", 0)), _place(("a b",)), _place(())
    ('`variables.a[0]`', '`["a b"]`', 'the body')
    """
    if not at:
        return "the body"
    parts = []
    for each in at:
        if isinstance(each, str) and each.isidentifier():
            parts.append(f".{shorten(each)}")
        else:
            parts.append(f"[{json.dumps(shorten(each)) if isinstance(each, str) else each}]")
    return f"`{''.join(parts).removeprefix('.')}`"


def _in_words(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.12g}"
        case int():
            return str(value) if abs(value) < 10**LONGEST_NUMBER else f"a number of over {LONGEST_NUMBER} digits"
        case str():
            return "an empty text" if not value else f"the text {json.dumps(shorten(value), ensure_ascii=False)}"
        case list():
            return "a list"
    return "an object"
