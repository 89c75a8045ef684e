"""What holds beside a query: the values the API assumes where nothing is asked, and the condition of a scope."""

from __future__ import annotations

from pqlang.condition import All, Condition, Op, Test, names_of
from pqlang.normaliser import normalise
from pqlang.schema import Endpoint


def assumed_condition(endpoint: Endpoint) -> Condition:
    """What the endpoint's own list means: the values the API assumes where nothing is asked."""
    tests = [Test(field, Op.EQ, field.param.assumed) for field in endpoint.assumed if field.param is not None]
    return normalise(All(tuple(tests)), endpoint)


def active_condition(condition: Condition | None, written: Condition | None, endpoint: Endpoint) -> Condition | None:
    """The condition and the endpoint's active one, where nothing as written speaks of that field or its base."""
    active = endpoint.active
    if active is None:
        return condition
    field = endpoint.field(active.field)
    names = {field.name} if field.derived is None else {field.name, field.derived.base}
    if written is not None and not names.isdisjoint(names_of(written)):
        return condition
    added = normalise(Test(field, Op.EQ, active.value), endpoint)
    if condition is None:
        return added
    return All((*(condition.operands if isinstance(condition, All) else (condition,)), added), condition.span)
