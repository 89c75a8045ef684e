"""A conjunction in another form of the same meaning, for a target that cannot say it as written.

LANGUAGE, "Targets": only where the written form cannot be sent is a field's part replaced by what the schema proves to
be the same (`domains`): two bounds are one, three of an enum's four values are one `!=`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from pqlang import diagnostics as say
from pqlang import domains
from pqlang.condition import EVERY, NONE, Condition, Not, Op, Test, names_of, tests_of
from pqlang.diagnostics import Diagnostic
from pqlang.schema import Endpoint

Refusals: TypeAlias = (
    "Callable[[Sequence[Test], Endpoint], list[Diagnostic]]"  # what a target cannot say of these tests
)
Answer: TypeAlias = "tuple[tuple[Test, ...] | None, list[Diagnostic]]"


def reduce(operands: Sequence[Condition], endpoint: Endpoint, refusals_of: Refusals) -> Answer:
    """The conjunction in another form of the same meaning, where the schema proves one and the target can say it."""
    tests: list[Test] = []
    refused: list[Diagnostic] = []
    for parts in domains.by_field(operands):
        if parts[0] == NONE:  # `in` an empty list
            return _by_always(endpoint, Op.IS_NULL, parts[0], refusals_of)
        if all(isinstance(part, Test) for part in parts):
            written = [part for part in parts if isinstance(part, Test)]
            if not (complaints := refusals_of(written, endpoint)):
                tests += written
                continue
        else:
            complaints = [_group_refusal(part) for part in parts if not isinstance(part, Test)]
        proven = _proven(parts)
        if proven == NONE:
            never, _ = _by_always(endpoint, Op.IS_NULL, parts[0], refusals_of)
            return never, [] if never else complaints
        if proven == EVERY:
            continue
        again = tests_of(proven) if proven is not None else ()
        if again and not refusals_of(again, endpoint):
            tests += again
        else:
            refused += complaints
    if refused:
        return None, refused
    if not tests:
        return _by_always(endpoint, Op.NOT_NULL, operands[0] if operands else EVERY, refusals_of)
    tests.sort(key=lambda test: test.span.start)
    refused = refusals_of(tests, endpoint)
    return (None, refused) if refused else (tuple(tests), [])


def _proven(parts: Sequence[Condition]) -> Condition | None:
    """The same as the parts together, from what the schema proves: EVERY, NONE or tests; None where nothing is."""
    found = [each for part in parts if (each := domains.of_condition(part)) is not None]
    if not found:
        return _one_value(parts[0])
    field, met, span = found[0][0], domains.meet(domain for _, domain in found), parts[0].span
    proven = domains.to_condition(met, field, span)
    if proven is None and isinstance(met.values, domains.Finite) and not met.values.complement and not met.null:
        return Test(field, Op.IN, tuple(sorted(met.values.values, key=str)), span)  # some parameters take a list
    return proven


def _one_value(part: Condition) -> Test | None:
    """A list of one value as a comparison with it, where the field has no domain: a to-many one."""
    if not isinstance(part, Test) or not isinstance(part.value, tuple) or len(part.value) != 1:
        return None
    return Test(part.field, Op.EQ if part.op is Op.IN else Op.NE, part.value[0], part.span)


def _group_refusal(part: Condition) -> Diagnostic:
    """Why a group of conditions is not a conjunction of tests."""
    return say.negated_group(part.span) if isinstance(part, Not) else say.or_refused(part.span, sorted(names_of(part)))


def _by_always(endpoint: Endpoint, op: Op, part: Condition, refusals_of: Refusals) -> Answer:
    """Every record, or none: by the field that is never null. No condition at all would mean what the API assumes."""
    if endpoint.always is None:
        return None, [say.no_always(part.span)]
    test = Test(endpoint.field(endpoint.always), op, None, part.span)
    refusals = refusals_of((test,), endpoint)
    return (None, refusals) if refusals else ((test,), [])
