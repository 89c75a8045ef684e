"""Records on a screen or in a pipe: as a table, as JSON lines, as CSV. Each is written as it comes.

A table is for people, so it is cut to the width it has and shows what cannot be seen; JSON lines and CSV are for
programs, so they hold what the API said and nothing else.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TextIO

from pqlang.names import close_matches
from pqlang.rendering import in_columns, visible
from pqlang.schema import Endpoint

WIDEST = 40  # columns of a cell, where there are others
_LEAST, _ASKED_FOR = 14, 3  # columns that a cell keeps, where it could as well fall away and where it could not
_GAP = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """A field by its name, and the keys that lead to it in a record."""

    name: str
    keys: tuple[str, ...]

    def of(self, record: Mapping[str, Any]) -> Any:
        """Its value in a record; of a list the list of its values, null where there is none."""
        return _follow(record, self.keys)


def _follow(value: Any, keys: tuple[str, ...]) -> Any:
    for at, key in enumerate(keys):
        if isinstance(value, list):
            return [_follow(each, keys[at:]) for each in value]
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def columns_of(fields: str | None, endpoint: Endpoint) -> tuple[Column, ...]:
    """The columns of `a,b.c`, each a field of the schema or keys of a response; else the record's own fields.

    >>> import pqlang
    >>> cases = pqlang.PENBOX.endpoint("cases")
    >>> [column.keys for column in columns_of("title, contact.email,template", cases)]
    [('title',), ('contacts', 'email'), ('template',)]
    """
    known = endpoint.by_name
    if fields is None:
        own = (field for field in endpoint.fields if field.record is not None and field.relation is None)
        return tuple(Column(field.name, field.record or ()) for field in own)
    names = [name for each in fields.split(",") if (name := each.strip())]
    return tuple(
        Column(name, (name in known and known[name].record) or tuple(name.split("."))) for name in dict.fromkeys(names)
    )


def unknown_columns(columns: Sequence[Column], endpoint: Endpoint, met: frozenset[str]) -> list[str]:
    """What to say of the columns that no record had: it is no field, or responses do not carry it."""
    said = []
    for column in columns:
        if column.keys[0] in met:
            continue
        field = endpoint.by_name.get(column.name)
        carried = [each.name for each in endpoint.fields if each.record is not None]
        close = [] if field is not None else close_matches(column.name, carried, 1)
        help = f"; the closest field is `{close[0]}`" if close else ""
        said.append(f"no record has `{visible(column.name)}`{help}")
    return said


class Printer(Protocol):
    """Writes records."""

    def write(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Write these after those before."""


class JsonLines:
    """One object a line: the record as it came, or with columns an object of these alone, by their names."""

    def __init__(self, out: TextIO, columns: Sequence[Column] | None) -> None:
        self._out, self._columns = out, columns

    def write(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Write these after those before."""
        for record in records:
            shown = record if self._columns is None else {each.name: each.of(record) for each in self._columns}
            self._out.write(json_line(shown) + "\n")


#: What JSON may hold as it is, but no terminal should: controls, what turns text around, half a character.
_UNPRINTED = re.compile("[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


def json_line(value: object) -> str:
    """Compact JSON on one line, with nothing in it that cannot be seen.

    >>> print(json_line({"title": "Été\\u202e"}))
    {"title": "Été\\u202e"}
    """
    return _UNPRINTED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


class Csv:
    """Rows for programs and spreadsheets: a header, line ends as of the system's tools, lists and objects as JSON.

    Cells are what the API said. `guard` puts a `'` before those that a spreadsheet would run as a formula, which
    others can then no longer read back; `show` keeps what could steer a terminal from it.
    """

    def __init__(self, out: TextIO, columns: Sequence[Column], *, guard: bool, show: bool) -> None:
        self._rows = csv.writer(_LineEnds(out))
        self._columns = columns
        self._guard, self._show = guard, show
        self._begun = False

    def write(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Write these after those before, the header first."""
        if not self._begun:
            self._rows.writerow([self._cell(each.name) for each in self._columns])
            self._begun = True
        self._rows.writerows([self._cell(each.of(record)) for each in self._columns] for record in records)

    def _cell(self, value: Any) -> str:
        text = cell_text(value, json_line)
        if self._guard and isinstance(value, str) and text[:1] in _FORMULAS:
            text = f"'{text}"
        return visible(text) if self._show else text


class _LineEnds:
    """Rows that end as lines do here. A writer told to end them so would leave a lone carriage return unquoted."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, row: str) -> None:
        self._out.write(row.removesuffix("\r\n") + "\n")


_FORMULAS = frozenset({"=", "+", "-", "@", "\t", "\r"})  # OWASP, "CSV Injection"


class Table:
    """Aligned columns, as wide as the first records need and `width` allows; what is longer is cut."""

    def __init__(self, out: TextIO, columns: Sequence[Column], width: int | None, *, all_columns: bool) -> None:
        self._out, self._columns, self._width = out, columns, width
        self._all = all_columns
        self._widths: list[int] = []

    def write(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Write these after those before, the header first."""
        rows = [[cell_text(each.of(record), ", ".join) for each in self._columns] for record in records]
        if not self._widths:
            names = [each.name for each in self._columns]
            self._widths = self._fit([names, *rows])
            self._row(names)
        for row in rows:
            self._row(row)

    def _row(self, cells: Sequence[str]) -> None:
        shown = []
        for cell, width in zip(cells, self._widths, strict=False):
            text, columns = in_columns(cell, width)
            shown.append(text + " " * (width - columns))
        self._out.write(_GAP.join(shown).rstrip() + "\n")

    def _fit(self, rows: Sequence[Sequence[str]]) -> list[int]:
        """A width for each column. The widest give way first; the last fall away where nobody asked for them."""
        most = WIDEST if len(self._columns) > 1 and self._width is not None else 10_000
        natural = [max(1, *(in_columns(row[at], most)[1] for row in rows)) for at in range(len(self._columns))]
        if self._width is None:
            return natural
        counts = [len(natural)] if self._all else range(len(natural), 0, -1)
        fitting = (_narrowed(natural[:count], self._width, _ASKED_FOR if self._all else _LEAST) for count in counts)
        found = next((widths for widths in fitting if widths is not None), None)
        least = [min(each, _ASKED_FOR) for each in natural] if self._all else [min(natural[0], self._width)]
        return least if found is None else found


def _narrowed(widths: list[int], room: int, least: int) -> list[int] | None:
    """The widths within the room, each of `least` at least or as it was; None where that is too much."""
    over = sum(widths) + len(_GAP) * (len(widths) - 1) - room
    for _ in range(over):
        widest = max(widths)
        if widest <= least:
            return None
        widths[widths.index(widest)] -= 1
    return widths


def cell_text(value: Any, join: Callable[[list[str]], str]) -> str:
    """A value in a cell; nothing for null, JSON for an object. `join` makes a text of a list's texts."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and join is not json_line and not any(isinstance(each, list | dict) for each in value):
        return join([cell_text(each, join) for each in value])
    return json_line(value)
