"""A query as it is meant: fields instead of names, Python values instead of text, four kinds of node.

Three-valued logic: a `Test` of a null field is unknown. `All(())` is true of every record, `Any(())` of none.
A `Not` that survives normalising is the seal around a to-many group (see LANGUAGE, "To-many relations").
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from pqlang.schema import Field
from pqlang.source import NOWHERE, Span


class Op(StrEnum):
    """What a test asks of a field. `between`, `on`, `contains` and their kin are said with these."""

    EQ = "="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    LIKE = "~"
    NOT_LIKE = "!~"
    ILIKE = "~*"
    NOT_ILIKE = "!~*"
    IN = "in"
    NOT_IN = "not in"
    IS_NULL = "is null"
    NOT_NULL = "is not null"


#: The operator that is true exactly where the other is false; both are unknown on null, but the null tests.
COMPLEMENT = {
    Op.EQ: Op.NE,
    Op.NE: Op.EQ,
    Op.LT: Op.GE,
    Op.GE: Op.LT,
    Op.GT: Op.LE,
    Op.LE: Op.GT,
    Op.LIKE: Op.NOT_LIKE,
    Op.NOT_LIKE: Op.LIKE,
    Op.ILIKE: Op.NOT_ILIKE,
    Op.NOT_ILIKE: Op.ILIKE,
    Op.IN: Op.NOT_IN,
    Op.NOT_IN: Op.IN,
    Op.IS_NULL: Op.NOT_NULL,
    Op.NOT_NULL: Op.IS_NULL,
}


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """An instant, or a day on a `date` field, and how to send it. Compares by time alone."""

    at: datetime  # aware, UTC
    text: str = dataclass_field(compare=False)


Scalar: TypeAlias = str | int | float | bool | Moment
TestValue: TypeAlias = Scalar | tuple[Scalar, ...] | None


@dataclass(frozen=True, slots=True)
class Test:
    """One condition: `field op value`. The value is a tuple for `in`, None for the null tests."""

    field: Field
    op: Op
    value: TestValue
    span: Span = dataclass_field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class All:
    """True where every operand is."""

    operands: tuple[Condition, ...]
    span: Span = dataclass_field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Any:
    """True where some operand is."""

    operands: tuple[Condition, ...]
    span: Span = dataclass_field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Not:
    """Kleene's not."""

    operand: Condition
    span: Span = dataclass_field(default=NOWHERE, compare=False, repr=False)


Condition: TypeAlias = All | Any | Not | Test
EVERY = All(())
NONE = Any(())
