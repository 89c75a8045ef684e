"""Texts that were written encoded, and where each of their characters stands in the text as given.

A request's JSON filter is percent-encoded in a URL, and in a mapping of parameters it is a JSON string. A `View` holds
what such a piece says beside the places it was read from, so that a message can point into what the person wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from json import dumps, loads
from urllib.parse import quote

from pqlang import diagnostics as say
from pqlang.diagnostics import Diagnostic
from pqlang.source import Span
from pqlang.valueclass import frozen

ENOUGH = 50  # mistakes of one kind or in one request, past which no more are looked for


@frozen
class View:
    """A decoded text; `starts[i]` is where its character `i` starts in the source, the last where it ends.

    `spell` writes another text the way this one was written, for edits.
    """

    text: str
    starts: Sequence[int]
    spell: Callable[[str], str] = str

    @property
    def whole(self) -> Span:
        """Where all of it stands."""
        return Span(self.starts[0], self.starts[-1])

    def span(self, start: int, end: int) -> Span:
        """Where a part of it stands.

        >>> percent("title=a%20b", 6, 11, []).span(1, 2)
        Span(start=7, end=10)
        """
        return Span(self.starts[start], self.starts[end])


def plain(text: str, start: int, end: int) -> View:
    """A part of the source that is written as it is."""
    return View(text[start:end], range(start, end + 1))


# Percent-encoding

_PIECE = re.compile("(?:%[0-9A-Fa-f]{2})+|%|[^%]+")


def percent(text: str, start: int, end: int, problems: list[Diagnostic], *, plus: bool = True) -> View:
    """A percent-encoded part of the source, with `plus` also `+` for a blank.

    What is wrong with it is added to the problems: a `%` that starts no escape, escapes that are not UTF-8.
    """
    raw = text[start:end]
    if "%" not in raw:
        return View(raw.replace("+", " ") if plus else raw, range(start, end + 1), _spell_where_needed)
    decoded: list[str] = []
    starts: list[int] = []
    for piece in _PIECE.finditer(raw):
        at = start + piece.start()
        if piece[0] == "%":
            _note(say.bad_percent(Span(at, at + 1)), problems)
        elif piece[0][0] == "%":
            _decode(piece[0], at, decoded, starts, problems)
        else:
            decoded.append(piece[0].replace("+", " ") if plus else piece[0])
            starts += range(at, start + piece.end())
    return View("".join(decoded), [*starts, end], _spell_all)


def _note(problem: Diagnostic, problems: list[Diagnostic]) -> None:
    if len(problems) <= ENOUGH:
        problems.append(problem)


def _decode(escapes: str, at: int, decoded: list[str], starts: list[int], problems: list[Diagnostic]) -> None:
    """A run of escapes: its characters, and for each the place of its first escape."""
    try:
        text = bytes.fromhex(escapes.replace("%", "")).decode()
    except UnicodeDecodeError as error:
        span = Span(at + 3 * error.start, at + 3 * error.end)
        _note(say.bad_utf8(span, escapes[3 * error.start : 3 * error.end]), problems)
        return
    decoded.append(text)
    for char in text:
        starts.append(at)
        at += 3 * len(char.encode())


def _spell_all(text: str) -> str:
    return quote(text, safe="", errors="replace")


def _spell_where_needed(text: str) -> str:
    """As people type a URL: only what would be read otherwise is encoded."""
    return quote(text, safe="!$'()*,/:;@[]{}\" ", errors="replace")


# JSON strings

_CHARACTER = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.|[^\\]", re.DOTALL)


def json_string(view: View, start: int, end: int) -> View:
    """The text of the JSON string that stands in a view from its opening quote to behind its closing one."""
    starts = view.starts[start + 1 : end]
    if "\\" in view.text[start:end]:
        characters = _CHARACTER.finditer(view.text, start + 1, end - 1)
        starts = [*(view.starts[each.start()] for each in characters), view.starts[end - 1]]
    return View(loads(view.text[start:end]), starts, lambda text: view.spell(dumps(text, ensure_ascii=False)[1:-1]))
