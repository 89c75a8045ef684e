"""How values and patterns reach a database: instants, `like` by what each engine calls it, and case folding.

Every value is bound. What differs between engines is decided when SQLAlchemy compiles for one of them, so that one
expression serves all: SQLite's `LIKE` ignores the case of ASCII letters whatever is asked, so there it is `GLOB`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TypeAlias

from sqlalchemy import Engine, event, func
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import DateTime, NullType, String, TypeDecorator, TypeEngine

from pqlang import diagnostics as say
from pqlang.diagnostics import PqlError
from pqlang.evaluator import fold_case
from pqlang.source import Source

Expression: TypeAlias = ColumnElement[Any]

ESCAPE = "!"  # a backslash is an escape in the string literals of some engines, so it cannot be one here
FOLDING = "pql_fold"  # the function that `install_folding` makes


# Values


class Instant(TypeDecorator[datetime]):
    """A moment as its column holds it: with its zone where there is one, else as the reading of a clock in UTC."""

    impl = DateTime
    cache_ok = True

    def __init__(self, zoned: bool = True) -> None:
        self.zoned = zoned
        super().__init__(timezone=zoned)

    def _keeps_zone(self, dialect: Dialect) -> bool:
        return self.zoned and dialect.name in ("postgresql", "oracle", "mssql")

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(DateTime(timezone=self._keeps_zone(dialect)))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        at = value.astimezone(UTC)
        return at if self._keeps_zone(dialect) else at.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Pattern(TypeDecorator[str]):
    """A pattern of PQL's, spelt as the engine's operator reads it."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return _spell(value, "*", "?", lambda char: f"[{char}]" if char in "*?[" else char)
        special = "%_" + ESCAPE + ("[" if dialect.name == "mssql" else "")  # Oracle refuses to escape anything else
        return _spell(value, "%", "_", lambda char: ESCAPE + char if char in special else char)


_TOKEN = re.compile(r"\\([\s\S])|(%)|(_)|([\s\S])")


def _spell(pattern: str, several: str, one: str, literal: Any) -> str:
    def spelt(found: re.Match[str]) -> str:
        escaped, is_several, is_one, char = found.groups()
        return several if is_several else one if is_one else str(literal(escaped or char))

    return _TOKEN.sub(spelt, pattern)


# Operators. They have no type: as booleans they would be compared with 1 on engines that know no boolean.


class Like(FunctionElement[Any]):
    """`like`, in which case counts."""

    name = "pql_like"
    type = NullType()
    inherit_cache = True


class Ilike(FunctionElement[Any]):
    """`ilike` as the engine folds case by itself."""

    name = "pql_ilike"
    type = NullType()
    inherit_cache = True


class Parentheses(FunctionElement[Any]):
    """A part that stays by itself. SQLAlchemy joins an `or` in an `or` to one long chain, which SQLite refuses."""

    name = "pql_parentheses"
    type = NullType()
    inherit_cache = True


def _operands(element: FunctionElement[Any], compiler: Any, **how: Any) -> list[str]:
    return [compiler.process(each, **how) for each in element.clauses]


@compiles(Like)
def _like(element: Like, compiler: Any, **how: Any) -> str:
    text, pattern = _operands(element, compiler, **how)
    return f"{text} LIKE {pattern} ESCAPE '{ESCAPE}'"


@compiles(Like, "sqlite")
def _like_sqlite(element: Like, compiler: Any, **how: Any) -> str:
    text, pattern = _operands(element, compiler, **how)
    return f"{text} GLOB {pattern}"


@compiles(Ilike)
def _ilike(element: Ilike, compiler: Any, **how: Any) -> str:
    text, pattern = _operands(element, compiler, **how)
    return f"lower({text}) LIKE lower({pattern}) ESCAPE '{ESCAPE}'"


@compiles(Ilike, "postgresql")
def _ilike_postgresql(element: Ilike, compiler: Any, **how: Any) -> str:
    text, pattern = _operands(element, compiler, **how)
    return f"{text} ILIKE {pattern} ESCAPE '{ESCAPE}'"


@compiles(Ilike, "sqlite")
def _ilike_sqlite(element: Ilike, compiler: Any, **how: Any) -> str:
    text, pattern = _operands(element, compiler, **how)
    return f"lower({text}) GLOB lower({pattern})"


@compiles(Parentheses)
def _parentheses(element: Parentheses, compiler: Any, **how: Any) -> str:
    return f"({', '.join(_operands(element, compiler, **how))})"


# Folding


def folded(text: Expression, function: str) -> Expression:
    """A text as a function of the database folds its case."""
    made: Expression = getattr(func, function)(text)
    return made


def install_folding(engine: Engine) -> str:
    """Make the function `pql_fold` in a database, which folds case exactly as pqlang does; its name is returned.

    On SQLite it lives as long as a connection, and is made on each that the engine gives. On PostgreSQL it is created
    once, in the schema that comes first; whoever calls this needs the right to. Raises PqlError for another engine.

    >>> from sqlalchemy import create_engine, text
    >>> engine = create_engine("sqlite://")
    >>> install_folding(engine)
    'pql_fold'
    >>> with engine.connect() as connection:
    ...     connection.scalar(text("SELECT pql_fold('ÉCOLE')"))
    'école'
    """
    if engine.dialect.name == "sqlite":
        event.listen(engine, "checkout", _fold_on_sqlite)
    elif engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.exec_driver_sql(_fold_on_postgresql())
    else:
        wanted = "an engine of SQLite or PostgreSQL"
        raise PqlError(Source("", "engine"), [say.bad_argument("engine", engine.dialect.name, wanted)])
    return FOLDING


def _fold_on_sqlite(connection: Any, record: Any, proxy: object) -> None:
    """On a connection that lacks it, new or made before."""
    if FOLDING not in record.info:
        record.info[FOLDING] = True
        connection.create_function(FOLDING, 1, _fold, deterministic=True)


def _fold(text: object) -> str | None:
    return None if text is None else fold_case(str(text))


def _fold_on_postgresql() -> str:
    """One expression, so that the planner looks into it. A text of ASCII alone, as most are, needs no table."""
    upper, lower = ("".join(chars) for chars in zip(*_foldings(), strict=True))  # letters alone, so no quotes
    plain, other = 'lower(given COLLATE "C")', f"translate(given, '{upper}', '{lower}')"
    body = f"CASE WHEN octet_length(given) = char_length(given) THEN {plain} ELSE {other} END"
    kind = "RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE"
    return f"CREATE OR REPLACE FUNCTION {FOLDING}(given text) {kind} AS $fold$ SELECT {body} $fold$"


def _foldings() -> Iterable[tuple[str, str]]:
    """Every character that folding changes, and what it becomes."""
    for code in range(1, 0x110000):
        if not 0xD800 <= code < 0xE000:
            char = chr(code)
            if (other := fold_case(char)) != char:
                yield char, other
