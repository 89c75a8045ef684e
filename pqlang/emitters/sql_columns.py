"""Which column holds a field, and a value as that column takes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import bindparam, cast, inspect
from sqlalchemy.exc import NoInspectionAvailable
from sqlalchemy.sql.elements import ColumnClause, ColumnElement
from sqlalchemy.sql.expression import FromClause
from sqlalchemy.sql.visitors import iterate
from sqlalchemy.types import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Double,
    Enum,
    Integer,
    NullType,
    Numeric,
    String,
    TypeDecorator,
    TypeEngine,
    Unicode,
    Uuid,
)

from pqlang import diagnostics as say
from pqlang.condition import Condition, Moment, Not, Scalar, Test
from pqlang.diagnostics import Diagnostic
from pqlang.emitters.sql_types import Instant
from pqlang.schema import TEXTS, Endpoint, Field, FieldType

Column: TypeAlias = ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Related:
    """The table of a relation, and when one of its rows belongs to a record."""

    table: FromClause
    join: Column


@dataclass(frozen=True, slots=True)
class Place:
    """The column of a field; `related` is the relation whose table it stands in, None for the record's own."""

    column: Column
    related: str | None = None

    @property
    def certain(self) -> bool:
        """Whether it is never null."""
        return getattr(self.column, "nullable", True) is False


class Columns:
    """Where the fields of an endpoint stand, as who calls says it."""

    def __init__(self, endpoint: Endpoint, tables: object) -> None:
        """Raises ValueError for what is no table and no mapping of tables and columns."""
        self.endpoint = endpoint
        self.own: FromClause | None = None
        self.relations: dict[str, Related] = {}
        self.fields: dict[str, Column] = {}
        given = tables if isinstance(tables, Mapping) else {endpoint.name: tables}
        names = {field.relation for field in endpoint.fields}
        for name, value in given.items():
            column = _column(value)
            table = _table(value)
            if name in endpoint.by_name and column is not None:
                self.fields[name] = column
            elif name in names and isinstance(value, tuple | list) and len(value) == 2:
                related, join = _table(value[0]), _column(value[1])
                if related is None or join is None:
                    raise ValueError(f"`{name}` must be a table and the condition that joins it")
                self.relations[name] = Related(related, join)
            elif name == endpoint.name and table is not None:
                self.own = table
            elif name in (endpoint.name, *names, *endpoint.by_name):
                raise ValueError(f"`{say.shorten(str(name))}` of `tables` cannot be {say.type_name(value)}")
            else:
                raise ValueError(f"`{endpoint.name}` has no field and no relation `{say.shorten(str(name))}`")

    def place(self, field: Field) -> Place | None:
        """The column of a field, None where there is none."""
        related = self.relations.get(field.relation or "")
        column = self.fields.get(field.name)
        if column is not None:
            inside = related is not None and _stands_in(column, related.table)
            return Place(column, field.relation if inside else None)
        table = self.own if field.relation is None else None if related is None else related.table
        if table is None:
            return None
        for name in _names(field):
            if name in table.c:
                return Place(table.c[name], field.relation)
        return None

    def present(self, relation: str) -> Column:
        """A column that is null only where an outer join found no row of the relation."""
        related = self.relations[relation]
        columns = list(related.table.c)
        for column in columns:
            if column.primary_key or getattr(column, "nullable", True) is False:
                return column
        joined: list[Column] = [each for each in related.join.get_children() if isinstance(each, ColumnElement)]
        return next((each for each in joined if _stands_in(each, related.table)), columns[0])


def _column(value: object) -> Column | None:
    """A column, a mapped attribute or another expression; None for what is none."""
    made = value.__clause_element__() if hasattr(value, "__clause_element__") else value
    return made if isinstance(made, ColumnElement) else None


def _table(value: object) -> FromClause | None:
    """A table, a view of one, or the table of a mapped class."""
    if isinstance(value, FromClause):
        return value
    try:
        found = inspect(value).selectable
    except (NoInspectionAvailable, AttributeError):
        return None
    return found if isinstance(found, FromClause) else None


def _stands_in(expression: Column, table: FromClause) -> bool:
    """Whether a column, or one that an expression is made of, is the table's."""
    return any(table.c.contains_column(each) for each in iterate(expression) if isinstance(each, ColumnClause))


def _names(field: Field) -> Iterator[str]:
    """What a field's column is called where nothing else is said: its key in a response, or its own name."""
    if field.record:
        yield field.record[-1]
    yield field.name if field.relation is None else field.name.removeprefix(f"{field.relation}.")


# What is wrong


def problems(condition: Condition, columns: Columns) -> Iterator[Diagnostic]:
    """Fields without a column, and columns that cannot hold what their field does."""
    if isinstance(condition, Test):
        field = condition.field
        place = columns.place(field)
        if place is None or (field.to_many and place.related is None):
            missing = field.relation if field.relation is not None and place is None else None
            missing = missing if missing not in columns.relations else None
            yield say.no_column(condition.span, field.name, field.relation, missing is not None)
        elif not _fits(field, place.column.type):
            held = type(place.column.type).__name__
            yield say.column_type(condition.span, field.name, say.a(field.type), str(place.column), held)
    else:
        for each in (condition.operand,) if isinstance(condition, Not) else condition.operands:
            yield from problems(each, columns)


#: The types of columns that hold a field of a type. Types of somebody's own are trusted with Python's values.
_HOLD: Mapping[FieldType, tuple[type[Any], ...]] = {
    **dict.fromkeys(TEXTS, (String,)),
    FieldType.STRING: (String, Uuid),
    FieldType.UUID: (String, Uuid),
    FieldType.BOOLEAN: (Boolean, Integer),
    FieldType.INTEGER: (Integer, Numeric, Double),
    FieldType.NUMBER: (Integer, Numeric, Double),
    FieldType.DATETIME: (DateTime,),
    FieldType.DATE: (Date, DateTime),
}
_STANDARD = (String, Uuid, Boolean, Integer, Numeric, Double, DateTime, Date)


def _fits(field: Field, type_: TypeEngine[Any]) -> bool:
    if isinstance(type_, TypeDecorator | NullType) or not isinstance(type_, _STANDARD):
        return not type(type_).__name__.endswith("JSON")
    return isinstance(type_, _HOLD[field.type])


# Values


def bind(value: Scalar, column: Column) -> Column | None:
    """A value as its column takes it; None where the column can hold no such value."""
    type_ = column.type
    if isinstance(value, Moment):
        if isinstance(type_, Date):
            return bindparam(None, value.at.date(), type_=Date())
        if isinstance(type_, TypeDecorator):
            return bindparam(None, value.at, type_=type_)
        return bindparam(None, value.at, type_=Instant(bool(getattr(type_, "timezone", True))))
    if isinstance(type_, TypeDecorator):
        return bindparam(None, value, type_=type_)
    if isinstance(value, bool):
        whole = isinstance(type_, Integer)
        return bindparam(None, int(value) if whole else value, type_=Integer() if whole else Boolean())
    if isinstance(value, int):  # of 64 bits, whatever the column has
        return bindparam(None, value, type_=BigInteger())
    if isinstance(value, float):
        return bindparam(None, value, type_=Double())
    if isinstance(type_, Uuid):
        return _bind_uuid(value, type_)
    if isinstance(type_, Enum):
        return bindparam(None, value, type_=type_) if value in type_.enums else None
    return bindparam(None, value, type_=Unicode() if isinstance(type_, Unicode) else String())  # a length would cut it


def _bind_uuid(value: str, type_: Uuid[Any]) -> Column | None:
    """A uuid column holds no other text, and none in capitals: compared as texts, those are different ones."""
    try:
        read = UUID(value)
    except ValueError:
        return None
    if str(read) != value:
        return None
    return bindparam(None, read if type_.as_uuid else value, type_=type_)


def as_text(column: Column) -> Column:
    """A column that `like` can look into."""
    if isinstance(column.type, Enum | Uuid):
        return cast(column, String(255))
    return column
