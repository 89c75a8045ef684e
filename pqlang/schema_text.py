"""The text of a schema file: read, parsed and made of plain data alone; and where in it each key stands."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pqlang import schema_problems as say
from pqlang.schema_problems import BARE_KEY, KeyPath, Problem
from pqlang.source import NOWHERE, Source, Span


def read(path: Path) -> Source:
    """The file's text; PqlError where there is none."""
    name = str(path)
    unread = Source("", name)
    if path.suffix.lower() not in _SIGNS:
        raise say.unreadable(unread, "its name ends in neither `.toml` nor `.json`")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise say.unreadable(unread, (error.strerror or str(error)).lower()) from None
    except ValueError:  # there is NUL in it
        raise say.unreadable(unread, "no file can have this name") from None
    try:
        return Source(content.decode("utf-8-sig"), name)
    except UnicodeDecodeError as error:
        start = len(content[: error.start].decode())
        source = Source(content.decode(errors="replace"), name)
        raise say.unreadable(source, "it is not UTF-8", Span(start, start + 1)) from None


def parse(source: Source) -> object:
    """What the text says in the language of its file; PqlError where it says nothing."""
    language, loads = ("JSON", json.loads) if _sign(source) == ":" else ("TOML", tomllib.loads)
    try:
        return loads(source.text)
    except RecursionError:
        raise say.unreadable(source, "it is nested too deep") from None
    except ValueError as error:
        reason, span = _syntax_error(str(error), source.text)
        raise say.unreadable(source, f"it is not {language}: {reason}", span) from None


def _syntax_error(message: str, text: str) -> tuple[str, Span]:
    """The reason and the place in what TOML's reader or JSON's says: `Invalid value (at line 2, column 5)`."""
    place = _PLACE.search(message)
    if place is None:
        return "a number in it has too many digits", NOWHERE
    start = len(text)
    if place["line"]:
        lines = text.split("\n")[: int(place["line"]) - 1]
        start = sum(len(each) + 1 for each in lines) + int(place["column"]) - 1
    reason = message[: place.start()]
    return reason[:1].lower() + reason[1:], Span(start, min(start + 1, len(text)))


def plain(value: object, path: KeyPath, problems: list[Problem]) -> Any:
    """The value made of dict, list, str, bool, int and float alone; None for what is none of these."""
    if len(path) > _DEEPEST:
        problems.append(say.too_deep(path))
    elif isinstance(value, Mapping):
        table = {}
        for key, each in value.items():
            if not isinstance(key, str):
                problems.append(say.key_not_text(path, key))
            elif _UNSPELLABLE.search(key):
                problems.append(say.unspellable((*path, key)))
            elif (known := plain(each, (*path, key), problems)) is not None:
                table[key] = known
        return table
    elif isinstance(value, list | tuple):
        items = (plain(each, (*path, str(at)), problems) for at, each in enumerate(value))
        return [each for each in items if each is not None]
    elif isinstance(value, str) and _UNSPELLABLE.search(value):
        problems.append(say.unspellable(path))
    elif isinstance(value, str | bool | int | float):
        return value
    else:
        problems.append(say.foreign_value(path, value))
    return None


def key_places(source: Source) -> tuple[dict[KeyPath, Span], list[Problem]]:
    """Where each key first stands in a text that parses, tables by their headers; and what JSON has twice.

    Both languages at once: strings, braces and keys are enough alike. What stands in a list has no place.
    """
    places: dict[KeyPath, Span] = {}
    repeated = []
    sign = _sign(source)
    table: KeyPath | None = ()  # the table at hand, None in a list
    last: KeyPath = ()  # the last key there, which a brace may follow
    around: list[tuple[KeyPath | None, KeyPath]] = []
    for token in _TOKENS[sign].finditer(source.text):
        kind = token.lastgroup
        if kind == "header" and not around:
            table = last = _parts(token["header"], sign)
        elif kind == "key" and table is not None:
            last = (*table, *_parts(token["key"], sign))
            if sign == ":" and last in places:
                repeated.append(say.given_twice(last))
        elif token[0] in ("{", "["):
            around.append((table, last))
            table = last if token[0] == "{" and table is not None else None
        elif token[0] in ("}", "]") and around:
            table, last = around.pop()
        if kind and table is not None:
            for end in range(1, len(last) + 1):
                places.setdefault(last[:end], Span(*token.span(kind)))
    return places, repeated


def _parts(key: str, sign: str) -> KeyPath:
    """The key's parts, quotes and escapes undone: `fields."customer.email"` has two."""
    parts: tuple[str, ...] = ()
    table: Any = {json.loads(key): 0} if sign == ":" else tomllib.loads(f"{key} = 0")
    while isinstance(table, dict):
        [(part, table)] = table.items()
        parts += (part,)
    return parts


_SIGNS = {".toml": "=", ".json": ":"}  # by the file's ending, the sign after a key


def _sign(source: Source) -> str:
    return _SIGNS.get(Path(source.name).suffix.lower(), "=")


_STRING = r""" "[^"\\\n]*(?:\\.[^"\\\n]*)*" | '[^'\n]*' """
_KEY = rf"(?:{BARE_KEY.pattern}|{_STRING}) (?:[ \t]*\.[ \t]*(?:{BARE_KEY.pattern}|{_STRING}))*"
_TOKENS = {
    sign: re.compile(
        rf'''
          """ (?s:\\.|(?!""").)* """+ | \'\'\' (?s:(?!\'\'\').)* \'\'\'+ | \#.*
        | ^[ \t]*\[ (?P<list>\[)? [ \t]* (?P<header>{_KEY}) [ \t]*\] (?(list)\])
        | (?P<key>{_KEY}) (?=[ \t\r\n]*{sign})
        | {_STRING} | [\[\]{{}}]
        ''',
        re.MULTILINE | re.VERBOSE,
    )
    for sign in _SIGNS.values()
}
_PLACE = re.compile(r":? \(?(at )?(end of document|line (?P<line>\d+),? column (?P<column>\d+))( \(char \d+)?\)?$")
_UNSPELLABLE = re.compile("[\0\ud800-\udfff]")
_DEEPEST = 10  # keys; the deepest that a schema has is an enum's value, the sixth
