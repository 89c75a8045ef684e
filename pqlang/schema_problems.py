"""What is wrong with a schema file: each problem is a value at a key, and each message one small function."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TypeAlias

from pqlang.diagnostics import Diagnostic, PqlError, listing, shorten
from pqlang.source import NOWHERE, Source, Span
from pqlang.valueclass import frozen

KeyPath: TypeAlias = tuple[str, ...]
BARE_KEY = re.compile("[A-Za-z0-9_-]+")  # the keys that need no quotes


@frozen
class Problem:
    """What is wrong at one key; perhaps only because of another problem at a key among `causes`."""

    path: KeyPath
    message: str
    help: str = ""
    causes: tuple[KeyPath, ...] = ()

    def placed(self, places: Mapping[KeyPath, Span]) -> Diagnostic:
        """The diagnostic, at the key in the text or at the nearest above it that stands there."""
        above = (self.path[:end] for end in range(len(self.path), 0, -1))
        span = next((places[path] for path in above if path in places), NOWHERE)
        return Diagnostic("bad-schema", span, f"{_key(self.path)}: {self.message}", help=self.help)


# Each message is one small function


def unreadable(source: Source, reason: str, span: Span = NOWHERE) -> PqlError:
    message = f"`{shorten(source.name)}` cannot be read: {reason}"
    return PqlError(source, [Diagnostic("bad-schema", span, message)])


def given_twice(path: KeyPath) -> Problem:
    return Problem(path, "stands twice in one table")


def too_deep(path: KeyPath) -> Problem:
    return Problem(path, "is nested deeper than anything in a schema")


def unspellable(path: KeyPath) -> Problem:
    return Problem(path, "holds NUL or half of a surrogate pair, which no text can spell")


def key_not_text(path: KeyPath, key: object) -> Problem:
    return Problem(path, f"has a key that is not a text but {_in_words(key)}")


def wrong_kind(path: KeyPath, value: object, needed: str, *causes: KeyPath) -> Problem:
    return Problem(path, f"needs {needed}, and is {_in_words(value)}", causes=causes)


def foreign_value(path: KeyPath, value: object) -> Problem:
    help = "leave the key out" if value is None else "write it as a text, in quotes"
    return Problem(path, f"is {_in_words(value)}, which no key takes", help)


def unknown_key(path: KeyPath, known: Iterable[str]) -> Problem:
    return Problem(path, "there is no such key", _closest(path[-1], known, "the keys here are"))


def missing_key(path: KeyPath) -> Problem:
    return Problem(path, "is missing")


def unknown_choice(path: KeyPath, value: object, choices: Iterable[str], *causes: KeyPath) -> Problem:
    choices = list(choices)
    if not isinstance(value, str):
        return wrong_kind(path, value, listing([_code(each) for each in choices], "or"), *causes)
    return Problem(path, f"{_code(value)} is none of its choices", _closest(value, choices, "they are"), causes)


def repeated_value(path: KeyPath, value: str) -> Problem:
    return Problem(path, f"names {_code(value)} twice")


def nothing_in(path: KeyPath, what: str, example: str) -> Problem:
    return Problem(path, f"there is no {what}", f"at least one is needed, such as {_code(example)}")


def unknown_name(path: KeyPath, what: str, name: str, known: Iterable[str], *causes: KeyPath) -> Problem:
    return Problem(path, f"there is no {what} {_code(name)}", _closest(name, known, f"the {what}s are"), causes)


def unknown_relation(path: KeyPath, name: str, known: Iterable[str], home: KeyPath) -> Problem:
    help = _closest(name, known, "") or f"`[{_key(home)[1:-1]}]` declares it"
    return Problem(path, f"there is no relation {_code(name)}", help, (home,))


def unfit_field(path: KeyPath, name: str, needed: str, cause: KeyPath) -> Problem:
    return Problem(path, f"{_code(name)} is not {needed}", causes=(cause,))


def not_one_value(path: KeyPath, name: str, type: str, *causes: KeyPath) -> Problem:
    why = f"{_code(name)} is of type `{type}`, and only a boolean, an enum or a text has one value here"
    return Problem(path, why, causes=causes)


def same_as(path: KeyPath, what: str, other: KeyPath) -> Problem:
    return Problem(path, f"has the same {what} as {_key(other)}", causes=(other,))


def bad_name(path: KeyPath) -> Problem:
    return Problem(path, "no query can spell this name", "a name is made of parts joined by dots, without a backtick")


def bad_form(path: KeyPath, value: str, needed: str) -> Problem:
    return Problem(path, f"{_code(value)} is not {needed}")


def clash(path: KeyPath, why: str, *causes: KeyPath) -> Problem:
    return Problem(path, why, causes=causes)


# Their words


def _key(path: KeyPath) -> str:
    """The path as a file has it: `endpoints.orders.fields."customer.email"`."""

    def spelt(part: str) -> str:
        part = shorten(part)
        return part if BARE_KEY.fullmatch(part) else json.dumps(part, ensure_ascii=not part.isprintable())

    return f"`{'.'.join(map(spelt, path))}`" if path else "the schema"


def _code(text: str) -> str:
    return f"`{shorten(text)}`"


def _closest(name: str, known: Iterable[str], otherwise: str) -> str:
    """The known name that is most like it; otherwise all of them, after the words for that, where there are both."""
    known = list(known)
    if close := get_close_matches(name, known, n=1):
        return f"the closest is {_code(close[0])}"
    return f"{otherwise} {listing([_code(each) for each in known], 'and')}" if otherwise and known else ""


def _in_words(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return f"`{str(value).lower()}`"
        case float():
            return f"the number `{value}`"
        case int():
            return f"the number `{value}`" if abs(value) < 10**15 else "a large number"
        case str():
            return f"the text {_code(value)}" if value else "empty"
        case list():
            return "a list"
        case dict():
            return "a table"
    return f"a value of type `{type(value).__name__}`"
