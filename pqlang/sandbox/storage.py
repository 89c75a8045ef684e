"""Records in a database: SQLite in memory or in a file, or PostgreSQL. Written once, then only read.

Fields that responses lack are written too, so that they can be asked for. A record that is read back is the one that
was written.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
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
from pqlang.emitters.sql_types import Expression
from pqlang.sandbox.records import Record, extra, relations
from pqlang.sandbox.tables import Writer, among, indexes, make_tables, read, with_related
from pqlang.schema import Endpoint, Field, Schema
from pqlang.source import Source

Order: TypeAlias = "tuple[Field, bool] | None"  # a field, and whether the highest comes first
Progress: TypeAlias = Callable[[int], None]  # how many records there are so far
Found = TypeVar("Found")

BATCH = 2_000  # records written at once
_ABOUT = ("fingerprint", "tables")  # what the database was filled with; which tables are the sandbox's
_DATABASES = "`sqlite:///FILE` or a file's name, `postgresql://USER@HOST/DATABASE`; without, records are kept in memory"
DEEP = 2_000  # rows after which a page is cut out of a list of all of them: an offset reads whatever it skips
KEPT_LISTS, KEPT_TOTALS = 4, 512


class Storage:
    """The records of every endpoint of a schema. Safe to share between threads, as long as nothing is written."""

    def __init__(self, schema: Schema, url: str = "sqlite://") -> None:
        """Raises PqlError where there is no such database, or one of another engine."""
        self.schema = schema
        self.engine = _engine(url)
        self.in_memory = isinstance(self.engine.pool, StaticPool)
        self._metadata = sa.MetaData()
        self._about = sa.Table("sandbox_about", self._metadata, *(sa.Column(name, sa.Text) for name in _ABOUT))
        self._tables = {each.name: make_tables(each, at, self._metadata) for at, each in enumerate(schema.endpoints)}
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
        """Another schema, other tables or other records are another one."""
        tables = {name: [repr(column) for column in table.columns] for name, table in self._metadata.tables.items()}
        return hashlib.sha256(repr((self.schema, tables, what)).encode()).hexdigest()

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
        writer = Writer(tables)
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
                for index in indexes(tables):
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
        asked = sa.select(column.column, sa.func.count()).select_from(with_related(tables, field.relation))
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
        tables = self._tables[endpoint.name]
        return emit(condition, tables.columns, tables.folded.__getitem__)

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
            own = {row["_row"]: row for row in connection.execute(among(tables.own, "_row", rows)).mappings()}
            for name in many:
                table = tables.related[name]
                for row in connection.execute(among(table, "_of", rows).order_by(table.c["_row"])).mappings():
                    related[name].setdefault(row["_of"], []).append(read(row, tables, name))
            for name in one:
                wanted = sorted({row[tables.links[name]] for row in own.values()} - {None})
                found = connection.execute(among(tables.related[name], "_row", wanted)).mappings()
                single[name] = {row["_row"]: read(row, tables, name) for row in found}
        made = []
        for number in rows:
            row = own[number]
            record = read(row, tables, None)
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
        sa.inspect(engine).get_table_names()  # a file is looked into only now
    except sa.exc.SQLAlchemyError as error:
        raise _refused(f"the database does not answer: {_first_line(error)}", _DATABASES) from None
    return engine


def _first_line(error: Exception) -> str:
    """What is wrong, without what SQLAlchemy adds to it."""
    return str(getattr(error, "orig", None) or error).strip().partition("\n")[0]


def _refused(message: str, help: str) -> PqlError:
    return PqlError(Source("", "--db"), [say.bad_database(message, help)])
