"""How records stand in tables: one of an endpoint's own fields, one for each of its relations, a column for each field.

A text that can be asked for whatever its case has a second column, folded as pqlang folds: what an engine makes of `É`
or of `İ` is its own matter, and other engines make something else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from pqlang.emitters.sql_columns import Column, Columns
from pqlang.emitters.sql_types import Instant
from pqlang.evaluator import fold_case
from pqlang.sandbox.records import Record, extra, key_of, relations, stored
from pqlang.schema import TEXTS, Endpoint, Extra, Field, FieldType, Match

KEPT_RELATED = 10_000  # rows of to-one relations whose numbers are remembered while records are written
_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")  # sorted by code points everywhere
_TYPES: Mapping[FieldType, sa.types.TypeEngine[Any]] = {
    FieldType.BOOLEAN: sa.Boolean(),
    FieldType.INTEGER: sa.BigInteger(),
    FieldType.NUMBER: sa.Double(),
    FieldType.DATETIME: Instant(),
    FieldType.DATE: sa.Date(),
}


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of an endpoint."""

    endpoint: Endpoint
    own: sa.Table
    related: Mapping[str, sa.Table]
    columns: Columns
    fields: Mapping[str | None, Sequence[tuple[str, str]]]  # of the record and of each relation: its key, its column
    folded: Mapping[Column, Column]  # texts, and the same with case folded
    links: Mapping[str, str]  # to-one relation -> the column that has the number of its row
    extras: Mapping[str, str]  # what responses carry beside the fields -> its column

    def name(self, field: Field) -> str:
        """The name of a field's column."""
        place = self.columns.place(field)
        assert place is not None
        return str(place.column.key)


def make_tables(endpoint: Endpoint, at: int, metadata: sa.MetaData) -> Tables:
    one, many = relations(endpoint)
    base = f"sandbox_{_safe(endpoint.name, f'endpoint_{at}')}"
    links = {name: f"_one_{number}" for number, name in enumerate(one)}
    extras = {key: f"_extra_{number}" for number, (key, _) in enumerate(endpoint.extras)}
    own = sa.Table(
        base,
        metadata,
        _row(),
        *_columns(endpoint, None),
        *(sa.Column(each, sa.BigInteger) for each in links.values()),
        *(sa.Column(extras[key], _TEXT if kind is Extra.TEXT else sa.JSON) for key, kind in endpoint.extras),
    )
    related: dict[str, sa.Table] = {}
    known: dict[str, object] = {endpoint.name: own}
    for number, name in enumerate([*one, *many]):
        link = [sa.Column("_of", sa.BigInteger, nullable=False)] if name in many else []
        table = sa.Table(
            f"{base}_{_safe(name, f'relation_{number}')}", metadata, _row(), *link, *_columns(endpoint, name)
        )
        related[name] = table
        known[name] = (
            table,
            table.c["_of"] == own.c["_row"] if name in many else table.c["_row"] == own.c[links[name]],
        )
    fields: dict[str | None, Sequence[tuple[str, str]]] = {}
    folded: dict[Column, Column] = {}
    for relation, table in ((None, own), *related.items()):
        held = stored(endpoint, relation)
        fields[relation] = [(key_of(field), _name(field, at)) for at, field in enumerate(held)]
        for at, field in enumerate(held):
            known[field.name] = table.c[_name(field, at)]
            if _folds(field):
                folded[table.c[_name(field, at)]] = table.c[f"_folded_{at}"]
    return Tables(endpoint, own, related, Columns(endpoint, known), fields, folded, links, extras)


def _row() -> sa.Column[Any]:
    return sa.Column("_row", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False)


def _columns(endpoint: Endpoint, relation: str | None) -> Iterator[sa.Column[Any]]:
    """A column for each field, and a second one for each text that may be asked for whatever its case."""
    for at, field in enumerate(stored(endpoint, relation)):
        yield sa.Column(_name(field, at), _TYPES.get(field.type, _TEXT), nullable=field.nullable)
        if _folds(field):
            yield sa.Column(f"_folded_{at}", _TEXT)


def _name(field: Field, at: int) -> str:
    """The name of a field's column, which no name of a field can make odd."""
    return _safe(key_of(field), f"field_{at}")


def _folds(field: Field) -> bool:
    by_part = field.param is not None and field.param.match is Match.PART
    return field.type in TEXTS and (field.json is not None or by_part)


def _safe(name: str, otherwise: str) -> str:
    return name if re.fullmatch("[a-z][a-z0-9_]{0,19}", name) else otherwise


def indexes(tables: Tables) -> Iterator[sa.Index]:
    """What every page needs: the default order, and the related records of a row."""
    endpoint, own = tables.endpoint, tables.own
    prefix = endpoint.api.descending_prefix
    sort = endpoint.default_sort or ""
    field = next((each for each in endpoint.fields if each.sort and each.sort == sort.removeprefix(prefix)), None)
    if field is not None and field.relation is None and field.derived is None:
        column = own.c[tables.name(field)]
        identity = endpoint.by_name.get(endpoint.api.id_key)
        then = [own.c[tables.name(identity)]] if identity is not None and identity.derived is None else []
        yield sa.Index(None, column.desc() if sort != field.sort else column, *then, own.c["_row"])
    for table in tables.related.values():
        if "_of" in table.c:
            yield sa.Index(None, table.c["_of"])


def among(table: sa.Table, column: str, rows: Sequence[int]) -> sa.Select[Any]:
    return sa.select(table).where(table.c[column].in_(rows))


def with_related(tables: Tables, relation: str | None) -> sa.FromClause:
    if relation is None:
        return tables.own
    related = tables.columns.relations[relation]
    return tables.own.outerjoin(related.table, related.join)


# Rows


def read(row: sa.RowMapping, tables: Tables, relation: str | None) -> Record:
    return {key: row[column] for key, column in tables.fields[relation]}


class Writer:
    """Records to rows. Related records that are equal share a row where the relation is to-one."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._one, self._many = relations(tables.endpoint)
        self._written: dict[tuple[str, str], int] = {}
        self._next = Counter[str]()
        self._folded = {
            relation: [
                (column, str(tables.folded[table.c[column]].key))
                for _, column in tables.fields[relation]
                if table.c[column] in tables.folded
            ]
            for relation, table in ((None, tables.own), *tables.related.items())
        }

    def rows(self, batch: Sequence[tuple[int, Record]]) -> Iterator[tuple[sa.Table, list[dict[str, Any]]]]:
        """The rows of each table, related ones first."""
        found: dict[str, list[dict[str, Any]]] = {name: [] for name in (*self._one, *self._many)}
        own = [self._own(number, record, found) for number, record in batch]
        for name, values in found.items():
            if values:
                yield self._tables.related[name], values
        yield self._tables.own, own

    def _own(self, number: int, record: Record, found: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
        row = {"_row": number, **self._values(record, None)}
        for name in self._one:
            held = record[name]
            row[self._tables.links[name]] = None if held is None else self._shared(name, held, found[name])
        for name in self._many:
            for each in record[name]:
                found[name].append({"_row": self._number(name), "_of": number, **self._values(each, name)})
        return row | {column: record[extra(key)] for key, column in self._tables.extras.items()}

    def _shared(self, name: str, held: Record, found: list[dict[str, Any]]) -> int:
        key = (name, repr(held))
        if key not in self._written:
            if len(self._written) >= KEPT_RELATED:
                self._written.clear()
            self._written[key] = self._number(name)
            found.append({"_row": self._written[key], **self._values(held, name)})
        return self._written[key]

    def _number(self, name: str) -> int:
        self._next[name] += 1
        return self._next[name]

    def _values(self, holder: Record, relation: str | None) -> dict[str, Any]:
        row = {column: holder[key] for key, column in self._tables.fields[relation]}
        for column, folded in self._folded[relation]:
            text = row[column]
            row[folded] = None if text is None else fold_case(text)
        return row
