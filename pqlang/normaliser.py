"""The normal form of a condition: `not` pushed to the tests, nested groups flattened, repeats dropped.

Total and meaning-preserving in three-valued logic: unknown stays unknown. It changes no operator that can be sent
as written; `domains` does that, and `pushdown` asks it only where a target cannot say the written form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from pqlang.condition import SENSES, All, Any, Condition, Not, Op, Test
from pqlang.schema import Endpoint, FieldType


def normalise(condition: Condition, endpoint: Endpoint) -> Condition:
    """The normal form. Applied twice it is the same as once."""
    found = _found(condition)
    for rule, kinds in RULES:
        if found & kinds:
            condition = rule(condition, endpoint)
    return flatten(condition, endpoint)


DERIVED, NEGATED = 1, 2  # what a rule has to do with: a derived boolean, a `not`


def _found(condition: Condition) -> int:
    """Which of these stand anywhere in a condition."""
    if isinstance(condition, Test):
        return 0 if condition.field.derived is None else DERIVED
    if isinstance(condition, Not):
        return NEGATED | _found(condition.operand)
    found = 0
    for operand in condition.operands:
        found |= _found(operand)
    return found


def expand_derived(condition: Condition, endpoint: Endpoint) -> Condition:
    """`archived = true` is `archived_at is not null`: the two are one condition under two names."""
    match condition:
        case Test():
            return condition if condition.field.derived is None else _expanded(condition, endpoint)
        case Not():
            return Not(expand_derived(condition.operand, endpoint), condition.span)
        case _:
            operands = [expand_derived(operand, endpoint) for operand in condition.operands]
            return type(condition)(tuple(operands), condition.span)


def _expanded(test: Test, endpoint: Endpoint) -> Condition:
    derived = test.field.derived
    assert derived is not None
    base = endpoint.field(derived.base)
    asked = {True, False}  # the values of the boolean for which the test is true
    if test.op in (Op.EQ, Op.IN):
        asked &= set(test.value) if isinstance(test.value, tuple) else {bool(test.value)}
    elif test.op in (Op.NE, Op.NOT_IN):
        asked -= set(test.value) if isinstance(test.value, tuple) else {bool(test.value)}
    elif test.op is Op.IS_NULL:
        asked = set()
    nulls = [Test(base, Op.IS_NULL if value == derived.when_null else Op.NOT_NULL, None, test.span) for value in asked]
    return nulls[0] if len(nulls) == 1 else Any(tuple(nulls), test.span)


def push_not_inward(condition: Condition, endpoint: Endpoint) -> Condition:
    """`not` by De Morgan to the tests, each of which has an exact complement; it stops at a to-many group."""
    match condition:
        case Test():
            return condition
        case Not():
            return _negated(condition, endpoint)
        case _:
            operands = [push_not_inward(operand, endpoint) for operand in condition.operands]
            return type(condition)(tuple(operands), condition.span)


def _negated(condition: Not, endpoint: Endpoint) -> Condition:
    operand = condition.operand
    if touches_many(operand):
        return Not(push_not_inward(operand, endpoint), condition.span)
    match operand:
        case Test():
            return complement(operand)
        case Not():
            return push_not_inward(operand.operand, endpoint)
        case All() | Any():
            turned = Any if isinstance(operand, All) else All
            return turned(tuple(_negated(Not(each, each.span), endpoint) for each in operand.operands), condition.span)
        case _:
            assert_never(operand)


def complement(test: Test) -> Condition:
    """The test that is true exactly where this one is false, and unknown where it is unknown."""
    if test.field.type is FieldType.BOOLEAN and test.op is Op.EQ:
        return Test(test.field, Op.EQ, not test.value, test.span)  # `not completed` is `completed = false`
    if test.op is Op.NOT_IN and test.value == ():
        return Any((), test.span)
    return Test(test.field, SENSES[test.op].complement, test.value, test.span)


def touches_many(condition: Condition) -> bool:
    """Whether a to-many field stands anywhere in it."""
    match condition:
        case Test():
            return condition.field.to_many
        case Not():
            return touches_many(condition.operand)
        case _:
            return any([touches_many(operand) for operand in condition.operands])


def flatten(condition: Condition, endpoint: Endpoint) -> Condition:
    """No `All` in an `All`, no `Any` in an `Any`, none with one operand or the same one twice; an empty list is never
    or always true."""
    match condition:
        case Test():
            if condition.value != ():
                return condition
            if condition.op is Op.IN:
                return Any((), condition.span)
            return condition if condition.field.to_many else All((), condition.span)
        case All() | Any():
            operands: list[Condition] = []
            for operand in condition.operands:
                flat = flatten(operand, endpoint)
                if isinstance(flat, (Test, Not)):
                    operands.append(flat)
                elif type(flat) is type(condition):
                    operands += flat.operands
                elif flat.operands:
                    operands.append(flat)
                else:
                    return flat  # `Any(())` in an `All`: never true; `All(())` in an `Any`: always
            if len({each.field.name if isinstance(each, Test) else "" for each in operands}) < len(operands):
                operands = list(dict.fromkeys(operands))
            return operands[0] if len(operands) == 1 else type(condition)(tuple(operands), condition.span)
        case Not():
            inner = flatten(condition.operand, endpoint)
            if not isinstance(inner, (Test, Not)) and not inner.operands:
                return All((), condition.span) if isinstance(inner, Any) else Any((), condition.span)
            return Not(inner, condition.span)
        case _:
            assert_never(condition)


#: The rules in their order, each with what it has to do with; flattening comes last. It also comes before `not` does,
#: because an empty list may take away the to-many field that a `not` would stop at.
RULES: tuple[tuple[Callable[[Condition, Endpoint], Condition], int], ...] = (
    (expand_derived, DERIVED),
    (flatten, NEGATED),
    (push_not_inward, NEGATED),
)
