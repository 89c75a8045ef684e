"""Records in a database: SQLite in memory or in a file, or PostgreSQL. Written once, then only read.

Each endpoint has a table of its own fields, a table for each relation, and in them one column a field, those that
responses lack included, so that they can be asked for. A record that is read back is the one that was written.
"""

from __future__ import annotations

import hashlib
import json
import re
from array import array
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from threading import Lock
from typing import Any, Generic, TypeAlias, TypeVar

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from pqlang import diagnostics as say
from pqlang.condition import Condition
from pqlang.diagnostics import PqlError
from pqlang.emitters.sql import emit
from pqlang.emitters.sql_columns import Columns
from pqlang.emitters.sql_types import Expression, Instant, install_folding
from pqlang.sandbox.records import Record, extra, key_of, relations, stored
from pqlang.schema import Endpoint, Extra, Field, FieldType, Schema
from pqlang.source import Source

Order: TypeAlias = "tuple[Field, bool] | None"  # a field, and whether the highest comes first
Progress: TypeAlias = Callable[[int], None]  # how many records there are so far
Found = TypeVar("Found")

BATCH = 2_000  # records written at once
_ABOUT = ("fingerprint", "tables")  # what the database was filled with; which tables are the sandbox's
_DATABASES = "`sqlite:///FILE` or a file's name, `postgresql://USER@HOST/DATABASE`; without, records are kept in memory"
DEEP = 2_000  # rows after which a page is cut out of a list of all of them: an offset reads whatever it skips
KEPT_LISTS, KEPT_TOTALS, KEPT_RELATED = 4, 512, 10_000
_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")  # sorted by code points everywhere
_TYPES: Mapping[FieldType, sa.types.TypeEngine[Any]] = {
    FieldType.BOOLEAN: sa.Boolean(),
    FieldType.INTEGER: sa.BigInteger(),
    FieldType.NUMBER: sa.Double(),
    FieldType.DATETIME: Instant(),
    FieldType.DATE: sa.Date(),
}


@dataclass(frozen=True, slots=True)
class _Tables:
    """The tables of an endpoint."""

    endpoint: Endpoint
    own: sa.Table
    related: Mapping[str, sa.Table]
    columns: Columns
    links: Mapping[str, str]  # to-one relation -> the column that has the number of its row
    extras: Mapping[str, str]  # what responses carry beside the fields -> its column

    def name(self, field: Field) -> str:
        """The name of a field's column."""
        place = self.columns.place(field)
        assert place is not None
        return str(place.column.key)


class Storage:
    """The records of every endpoint of a schema. Safe to share between threads, as long as nothing is written."""

    def __init__(self, schema: Schema, url: str = "sqlite://") -> None:
        """Raises PqlError where there is no such database, or one of another engine."""
        self.schema = schema
        self.engine = _engine(url)
        self.in_memory = isinstance(self.engine.pool, StaticPool)
        self._fold = install_folding(self.engine)
        self._metadata = sa.MetaData()
        self._about = sa.Table("sandbox_about", self._metadata, *(sa.Column(name, sa.Text) for name in _ABOUT))
        self._tables = {each.name: _tables(each, at, self._metadata) for at, each in enumerate(schema.endpoints)}
        self._alone = Lock()  # one connection in memory is one for all threads
        self._lists: _Kept[array[int]] = _Kept(KEPT_LISTS)
        self._totals: _Kept[int] = _Kept(KEPT_TOTALS)

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        if self.in_memory:
            with self._alone, self.engine.connect() as connection:
                yield connection
        else:
            with self.engine.connect() as connection:
                yield connection

    # Writing

    def holds(self, what: object) -> bool:
        """Whether the database was filled to the end with records of this schema and `what` says of them."""
        with self.engine.connect() as connection:
            if not sa.inspect(connection).has_table(self._about.name):
                return False
            return connection.scalar(sa.select(self._about.c.fingerprint)) == self._fingerprint(what)

    def _fingerprint(self, what: object) -> str:
        return hashlib.sha256(repr((self.schema, what)).encode()).hexdigest()

    def create(self) -> None:
        """Make the tables anew. Only tables that a sandbox made are dropped; where others are in the way, PqlError."""
        with self.engine.begin() as connection:
            there = set(sa.inspect(connection).get_table_names())
            mine = set()
            if self._about.name in there:
                mine = {self._about.name, *json.loads(connection.scalar(sa.select(self._about.c.tables)) or "[]")}
            if taken := sorted(there & self._metadata.tables.keys() - mine):
                raise _refused(f"the database has a table `{taken[0]}` that no sandbox made", "name another database")
            old = sa.MetaData()
            old.reflect(connection, only=sorted(there & mine))
            old.drop_all(connection)
            self._metadata.create_all(connection)
            made = json.dumps(sorted(self._metadata.tables))
            connection.execute(self._about.insert(), {"fingerprint": "", "tables": made})

    def load(self, endpoint: Endpoint, records: Iterable[Record], progress: Progress | None = None) -> int:
        """Write records, however many, a batch at a time; how many there were."""
        tables, rows = self._tables[endpoint.name], iter(enumerate(records, 1))
        writer = _Writer(tables)
        count = 0
        with self.engine.begin() as connection:
            while batch := list(islice(rows, BATCH)):
                for table, values in writer.rows(batch):
                    connection.execute(table.insert(), values)
                count = batch[-1][0]
                if progress is not None:
                    progress(count)
        self._lists.clear()
        self._totals.clear()
        return count

    def finish(self, what: object) -> None:
        """Make the indexes, and note that all records are there."""
        with self.engine.begin() as connection:
            for tables in self._tables.values():
                for index in _indexes(tables):
                    index.create(connection)
            connection.execute(self._about.update().values(fingerprint=self._fingerprint(what)))
            connection.exec_driver_sql("ANALYZE")

    # Reading

    def total(self, endpoint: Endpoint, condition: Condition) -> int:
        """How many records the condition is true of. Nothing is written any more, so what was counted is kept."""

        def count() -> int:
            own = self._tables[endpoint.name].own
            asked = sa.select(sa.func.count()).select_from(own).where(self._where(endpoint, condition))
            with self._reading() as connection:
                return connection.scalar(asked) or 0

        return self._totals.get((endpoint.name, condition), count)

    def page(self, endpoint: Endpoint, condition: Condition, order: Order, offset: int, limit: int) -> list[Record]:
        """The records of one page."""
        if offset < DEEP:
            rows = self._rows(endpoint, condition, order, offset, limit)
        else:

            def every() -> array[int]:
                return array("q", self._rows(endpoint, condition, order))

            rows = self._lists.get((endpoint.name, condition, order), every)[offset : offset + limit].tolist()
        return self._records(endpoint, rows)

    def groups(self, endpoint: Endpoint, condition: Condition, field: Field) -> Iterator[tuple[Any, int]]:
        """How many records there are of each value of a field, null included."""
        tables = self._tables[endpoint.name]
        column = tables.columns.place(field)
        assert column is not None
        asked = sa.select(column.column, sa.func.count()).select_from(_with_related(tables, field.relation))
        asked = asked.where(self._where(endpoint, condition)).group_by(column.column)
        with self._reading() as connection:
            counted = [(value, count) for value, count in connection.execute(asked)]
        yield from counted

    def extra_groups(
        self, endpoint: Endpoint, condition: Condition, key: str, inside: Sequence[str]
    ) -> Iterator[tuple[Any, int]]:
        """The same for what stands in a free-form object, which no table has a column for."""
        tables = self._tables[endpoint.name]
        asked = sa.select(tables.own.c[tables.extras[key]]).where(self._where(endpoint, condition))
        counted: Counter[str] = Counter()
        with self._reading() as connection:
            for held in connection.execution_options(yield_per=BATCH).scalars(asked):
                for name in inside:
                    held = held.get(name) if isinstance(held, dict) else None
                counted[json.dumps(held, sort_keys=True)] += 1
        for text, count in counted.items():
            yield json.loads(text), count

    def _where(self, endpoint: Endpoint, condition: Condition) -> Expression:
        return emit(condition, self._tables[endpoint.name].columns, self._fold)

    def _rows(
        self, endpoint: Endpoint, condition: Condition, order: Order, offset: int = 0, limit: int | None = None
    ) -> list[int]:
        """The numbers of the rows, in order. Equal ones by id; nulls last, or first where the highest comes first."""
        tables = self._tables[endpoint.name]
        own = tables.own
        asked = sa.select(own.c["_row"]).where(self._where(endpoint, condition))
        if order is not None:
            place = tables.columns.place(order[0])
            assert place is not None
            column = place.column
            sorted_by = column.desc() if order[1] else column.asc()
            if not place.certain:
                sorted_by = sorted_by.nulls_first() if order[1] else sorted_by.nulls_last()
            asked = asked.order_by(sorted_by)
        identity = endpoint.by_name.get(endpoint.api.id_key)
        if identity is not None and identity.derived is None and identity.relation is None:
            asked = asked.order_by(own.c[tables.name(identity)])
        asked = asked.order_by(own.c["_row"]).offset(offset or None).limit(limit)
        with self._reading() as connection:
            return list(connection.scalars(asked))

    def _records(self, endpoint: Endpoint, rows: Sequence[int]) -> list[Record]:
        """The records of these rows, in this order."""
        tables = self._tables[endpoint.name]
        one, many = relations(endpoint)
        related: dict[str, dict[int, list[Record]]] = {name: {} for name in many}
        single: dict[str, dict[int, Record]] = {}
        with self._reading() as connection:
            own = {row["_row"]: row for row in connection.execute(_among(tables.own, "_row", rows)).mappings()}
            for name in many:
                table = tables.related[name]
                for row in connection.execute(_among(table, "_of", rows).order_by(table.c["_row"])).mappings():
                    related[name].setdefault(row["_of"], []).append(_read(row, tables, name))
            for name in one:
                wanted = sorted({row[tables.links[name]] for row in own.values()} - {None})
                found = connection.execute(_among(tables.related[name], "_row", wanted)).mappings()
                single[name] = {row["_row"]: _read(row, tables, name) for row in found}
        made = []
        for number in rows:
            row = own[number]
            record = _read(row, tables, None)
            record |= {name: single[name].get(row[tables.links[name]]) for name in one}
            record |= {name: related[name].get(number, []) for name in many}
            record |= {extra(key): row[column] for key, column in tables.extras.items()}
            made.append(record)
        return made


class _Kept(Generic[Found]):
    """The last answers, which stay right as long as nothing is written."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._found: dict[Hashable, Found] = {}

    def get(self, key: Hashable, find: Callable[[], Found]) -> Found:
        """The answer, found anew where it is not at hand. Two threads may both find it: it is the same."""
        found = self._found.pop(key, None)
        if found is None:
            found = find()
        self._found[key] = found
        while len(self._found) > self._most:
            self._found.pop(next(iter(self._found)), None)
        return found

    def clear(self) -> None:
        """Forget them."""
        self._found.clear()


# Databases


def _engine(url: str) -> sa.Engine:
    """The engine of a URL; a plain path is a file of SQLite's."""
    try:
        at = sa.make_url(url if "://" in url else f"sqlite:///{url}")
        if at.drivername == "postgresql" and find_spec("psycopg"):
            at = at.set(drivername="postgresql+psycopg")
        if at.get_backend_name() == "sqlite" and at.database in (None, "", ":memory:"):
            return sa.create_engine(at, poolclass=StaticPool, connect_args={"check_same_thread": False})
        engine = sa.create_engine(at)
    except (sa.exc.SQLAlchemyError, ModuleNotFoundError, ValueError) as error:
        raise _refused(f"no database is opened by `--db`: {_first_line(error)}", _DATABASES) from None
    if engine.dialect.name not in ("sqlite", "postgresql"):
        raise _refused(f"the sandbox does not use {engine.dialect.name}", _DATABASES)
    try:
        engine.connect().close()
    except sa.exc.SQLAlchemyError as error:
        raise _refused(f"the database does not answer: {_first_line(error)}", _DATABASES) from None
    return engine


def _first_line(error: Exception) -> str:
    """What is wrong, without what SQLAlchemy adds to it."""
    return str(getattr(error, "orig", None) or error).strip().partition("\n")[0]


def _refused(message: str, help: str) -> PqlError:
    return PqlError(Source("", "--db"), [say.bad_database(message, help)])


# Tables


def _tables(endpoint: Endpoint, at: int, metadata: sa.MetaData) -> _Tables:
    one, many = relations(endpoint)
    base = f"sandbox_{_safe(endpoint.name, f'endpoint_{at}')}"
    links = {name: f"_one_{number}" for number, name in enumerate(one)}
    extras = {key: f"_extra_{number}" for number, (key, _) in enumerate(endpoint.extras)}
    columns, fields = _columns(endpoint, None)
    own = sa.Table(
        base,
        metadata,
        _row(),
        *columns,
        *(sa.Column(each, sa.BigInteger) for each in links.values()),
        *(sa.Column(extras[key], _TEXT if kind is Extra.TEXT else sa.JSON) for key, kind in endpoint.extras),
    )
    related: dict[str, sa.Table] = {}
    known: dict[str, object] = {endpoint.name: own}
    for number, name in enumerate([*one, *many]):
        columns, inside = _columns(endpoint, name)
        link = [sa.Column("_of", sa.BigInteger, nullable=False)] if name in many else []
        table = sa.Table(f"{base}_{_safe(name, f'relation_{number}')}", metadata, _row(), *link, *columns)
        related[name] = table
        join = table.c["_of"] == own.c["_row"] if name in many else table.c["_row"] == own.c[links[name]]
        known[name] = (table, join)
        known |= {field: table.c[column] for field, column in inside.items()}
    known |= {field: own.c[column] for field, column in fields.items()}
    return _Tables(endpoint, own, related, Columns(endpoint, known), links, extras)


def _row() -> sa.Column[Any]:
    return sa.Column("_row", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False)


def _columns(endpoint: Endpoint, relation: str | None) -> tuple[list[sa.Column[Any]], dict[str, str]]:
    """A column for each field, and their names, which no name of a field can make odd."""
    columns, names = [], {}
    for at, field in enumerate(stored(endpoint, relation)):
        names[field.name] = _safe(key_of(field), f"field_{at}")
        columns.append(sa.Column(names[field.name], _TYPES.get(field.type, _TEXT), nullable=field.nullable))
    return columns, names


def _safe(name: str, otherwise: str) -> str:
    return name if re.fullmatch("[a-z][a-z0-9_]{0,19}", name) else otherwise


def _indexes(tables: _Tables) -> Iterator[sa.Index]:
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


def _among(table: sa.Table, column: str, rows: Sequence[int]) -> sa.Select[Any]:
    return sa.select(table).where(table.c[column].in_(rows))


def _with_related(tables: _Tables, relation: str | None) -> sa.FromClause:
    if relation is None:
        return tables.own
    related = tables.columns.relations[relation]
    return tables.own.outerjoin(related.table, related.join)


# Rows


def _read(row: sa.RowMapping, tables: _Tables, relation: str | None) -> Record:
    return {key_of(field): row[tables.name(field)] for field in stored(tables.endpoint, relation)}


class _Writer:
    """Records to rows. Related records that are equal share a row where the relation is to-one."""

    def __init__(self, tables: _Tables) -> None:
        self._tables = tables
        self._one, self._many = relations(tables.endpoint)
        self._written: dict[tuple[str, str], int] = {}
        self._next = Counter[str]()
        self._names = {
            relation: [(key_of(field), tables.name(field)) for field in stored(tables.endpoint, relation)]
            for relation in (None, *self._one, *self._many)
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
        return {column: holder[key] for key, column in self._names[relation]}
