"""A condition as meant, back to a tree as written: what `str()` of a predicate and an explanation print.

A test on the base of a derived boolean is written by the boolean's name, `%text%` as `contains`.
"""

from __future__ import annotations

from typing import assert_never

from pqlang import ast, patterns
from pqlang.condition import All, Any, Condition, Moment, Not, Op, Scalar, Test
from pqlang.schema import Endpoint, Field

_COMPARED = {
    Op.EQ: ast.Op.EQ,
    Op.NE: ast.Op.NE,
    Op.LT: ast.Op.LT,
    Op.LE: ast.Op.LE,
    Op.GT: ast.Op.GT,
    Op.GE: ast.Op.GE,
    Op.LIKE: ast.Op.LIKE,
    Op.NOT_LIKE: ast.Op.NOT_LIKE,
    Op.ILIKE: ast.Op.ILIKE,
    Op.NOT_ILIKE: ast.Op.NOT_ILIKE,
}
_CONTAINS = {Op.ILIKE: ast.Op.CONTAINS, Op.NOT_ILIKE: ast.Op.NOT_CONTAINS}


def write(condition: Condition, endpoint: Endpoint) -> ast.Expr:
    """The tree that means the condition at that endpoint.

    What no text says directly, every record and no record, is said of the field that is never null.
    """
    match condition:
        case Test():
            return _test(condition, endpoint)
        case Not():
            return ast.Not(write(condition.operand, endpoint))
        case All() | Any():
            written = tuple(write(operand, endpoint) for operand in condition.operands)
            if not written:
                return ast.IsNull(path(endpoint.always or endpoint.fields[0].name), isinstance(condition, All))
            if len(written) == 1:
                return written[0]
            return ast.And(written) if isinstance(condition, All) else ast.Or(written)
        case _:
            assert_never(condition)


def _test(test: Test, endpoint: Endpoint) -> ast.Expr:
    field, op, value = test.field, test.op, test.value
    if op is Op.IS_NULL or op is Op.NOT_NULL:
        derived = endpoint.derived_of.get(field.name)
        if derived is None or derived.derived is None:
            return ast.IsNull(path(field.name), op is Op.NOT_NULL)
        stands = derived.derived.when_null is (op is Op.IS_NULL)
        return ast.Compare(path(derived.name), ast.Op.EQ, ast.Literal("true" if stands else "false"))
    if isinstance(value, tuple):
        if not value:
            return ast.IsNull(path(field.name), op is Op.NOT_IN)
        return ast.In(path(field.name), tuple(literal(each, field) for each in value), op is Op.NOT_IN)
    assert value is not None
    part = patterns.part_of(value) if op in _CONTAINS and isinstance(value, str) else None
    if part and value == f"%{patterns.escape(part)}%":  # not `%\a%`, whose escape is needless
        return ast.Compare(path(field.name), _CONTAINS[op], ast.Literal(part, True))
    return ast.Compare(path(field.name), _COMPARED[op], literal(value, field))


def path(name: str) -> ast.Path:
    """The path of a field's name."""
    return ast.Path(tuple(name.split(".")))


def literal(value: Scalar, field: Field) -> ast.Literal:
    """A value of a field as it is written: text in quotes where it would read otherwise without."""
    if isinstance(value, bool):
        return ast.Literal("true" if value else "false")
    if isinstance(value, Moment):
        return ast.Literal(value.text)
    return ast.Literal(value, True) if isinstance(value, str) else ast.Literal(str(value))
