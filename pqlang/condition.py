"""A query as it is meant: fields instead of names, Python values instead of text, four kinds of node.

Three-valued logic: a `Test` of a null field is unknown. `All(())` is true of every record, `Any(())` of none.
A `Not` that survives normalising is the seal around a to-many group (see LANGUAGE, "To-many relations").
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from pqlang.schema import Field
from pqlang.source import NOWHERE, Span
from pqlang.valueclass import field as dataclass_field
from pqlang.valueclass import frozen


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


class Kind(StrEnum):
    """What an operator looks at, and so on which side of the passes it falls."""

    EQUALITY = "equality"
    ORDER = "order"  # numbers and times alone
    PATTERN = "pattern"  # texts alone; no set of values that could be met or joined
    LIST = "list"
    NULL = "null"


@frozen
class Sense:
    """What an operator means. The same on a to-one field and on the chosen record of a to-many relation.

    `complement` is true exactly where this one is false; where this one is unknown, so is it. `json` is the operator
    of the API by which the JSON filter says it, None where the filter has no way to.
    """

    kind: Kind
    complement: Op
    json: Op | None
    negated: bool = False  # of its kind the one that holds where the value does not
    folds: bool = False  # case does not count
    on_null: bool | None = None  # its value for a null field; None is unknown


#: The one table of what operators mean: the normaliser, the planner, the predicate and the explanations read it.
SENSES = {
    Op.EQ: Sense(Kind.EQUALITY, Op.NE, Op.EQ),
    Op.NE: Sense(Kind.EQUALITY, Op.EQ, Op.NE, negated=True),
    Op.LT: Sense(Kind.ORDER, Op.GE, Op.LT),
    Op.GE: Sense(Kind.ORDER, Op.LT, Op.GE),
    Op.GT: Sense(Kind.ORDER, Op.LE, Op.GT),
    Op.LE: Sense(Kind.ORDER, Op.GT, Op.LE),
    Op.LIKE: Sense(Kind.PATTERN, Op.NOT_LIKE, Op.LIKE),
    Op.NOT_LIKE: Sense(Kind.PATTERN, Op.LIKE, None, negated=True),
    Op.ILIKE: Sense(Kind.PATTERN, Op.NOT_ILIKE, Op.ILIKE, folds=True),
    Op.NOT_ILIKE: Sense(Kind.PATTERN, Op.ILIKE, None, negated=True, folds=True),
    Op.IN: Sense(Kind.LIST, Op.NOT_IN, None),
    Op.NOT_IN: Sense(Kind.LIST, Op.IN, None, negated=True),
    Op.IS_NULL: Sense(Kind.NULL, Op.NOT_NULL, Op.EQ, on_null=True),
    Op.NOT_NULL: Sense(Kind.NULL, Op.IS_NULL, Op.NE, negated=True, on_null=False),
}


@frozen(order=True)
class Moment:
    """An instant, or a day on a `date` field, and how to send it. Compares by time alone."""

    at: datetime  # aware, UTC
    text: str = dataclass_field(compare=False)


Scalar: TypeAlias = str | int | float | bool | Moment
TestValue: TypeAlias = Scalar | tuple[Scalar, ...] | None


@frozen
class Test:
    """One condition: `field op value`. The value is a tuple for `in`, None for the null tests."""

    field: Field
    op: Op
    value: TestValue
    span: Span = dataclass_field(default=NOWHERE, compare=False, repr=False)


@frozen
class All:
    """True where every operand is."""

    operands: tuple[Condition, ...]
    span: Span = dataclass_field(default=NOWHERE, compare=False, repr=False)


@frozen
class Any:
    """True where some operand is."""

    operands: tuple[Condition, ...]
    span: Span = dataclass_field(default=NOWHERE, compare=False, repr=False)


@frozen
class Not:
    """Kleene's not."""

    operand: Condition
    span: Span = dataclass_field(default=NOWHERE, compare=False, repr=False)


Condition: TypeAlias = All | Any | Not | Test
EVERY = All(())
NONE = Any(())


def tests_of(condition: Condition) -> tuple[Test, ...]:
    """The tests of a conjunction; of any other condition, itself if it is a test."""
    operands = condition.operands if isinstance(condition, All) else (condition,)
    return tuple(operand for operand in operands if isinstance(operand, Test))


def names_of(condition: Condition) -> set[str]:
    """The fields a condition speaks of."""
    if isinstance(condition, Test):
        return {condition.field.name}
    operands = (condition.operand,) if isinstance(condition, Not) else condition.operands
    return set().union(*(names_of(operand) for operand in operands))
