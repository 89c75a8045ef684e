"""What is worth a warning although it can be sent: parts of a query that no record, or every record, satisfies."""

from __future__ import annotations

from pqlang import diagnostics as say
from pqlang import domains
from pqlang.condition import SENSES, All, Any, Condition, Kind, Not, Test
from pqlang.diagnostics import Diagnostic
from pqlang.normaliser import normalise
from pqlang.schema import Endpoint, FieldType
from pqlang.valueclass import replace


def notice(written: Condition, normal: Condition, endpoint: Endpoint) -> list[Diagnostic]:
    """Parts that no record, or every record, satisfies.

    The normal form turns what stands under a `not`, so there each part is judged as it was written.
    """
    if not _negates(written):
        return _notice(normal)
    parts = (written.operand,) if isinstance(written, Not) else () if isinstance(written, Test) else written.operands
    return _notice_whole(replace(normal, span=written.span)) or [
        each for part in parts for each in notice(part, normalise(part, endpoint), endpoint)
    ]


def _negates(condition: Condition) -> bool:
    """Whether a `not` stands anywhere in it."""
    return not isinstance(condition, Test) and (isinstance(condition, Not) or any(map(_negates, condition.operands)))


def _notice(condition: Condition) -> list[Diagnostic]:
    found = _notice_whole(condition)
    parts = condition.operands if isinstance(condition, All | Any) and not found else ()
    return found or [each for part in parts for each in _notice(part)]


def _notice_whole(condition: Condition) -> list[Diagnostic]:
    if isinstance(condition, Not):
        return []
    if isinstance(condition, Test):
        if not _may_be_all(condition):
            return []
        return _judge(All((condition,), condition.span)) or _judge(Any((condition,), condition.span))
    if not condition.operands:
        return [say.tautology(condition.span) if isinstance(condition, All) else say.contradiction(condition.span)]
    return _judge(condition)


def _judge(condition: All | Any) -> list[Diagnostic]:
    """Whether the operands on one field, met or joined, leave nothing or leave nothing out."""
    apart = {each.field.name for each in condition.operands if isinstance(each, Test) and not _may_be_all(each)}
    if len(apart) == len(condition.operands):  # each speaks of a field of its own
        return []
    for parts in domains.by_field(condition.operands):
        if len(parts) == 1 and isinstance(parts[0], Test) and not _may_be_all(parts[0]):
            continue
        found = [each for part in parts if (each := domains.of_condition(part)) is not None]
        if not found:
            continue
        field = found[0][0]
        each_domain = (domain for _, domain in found)
        if isinstance(condition, All) and domains.is_empty(domains.meet(each_domain)):
            return [say.contradiction(condition.span)]
        if isinstance(condition, Any) and domains.is_whole(domains.join(each_domain), field):
            return [say.tautology(condition.span)]
    return []


def _may_be_all(test: Test) -> bool:
    """Whether one test alone can be true of every record or of none: null tests, and lists of a closed field."""
    if SENSES[test.op].kind is Kind.LIST:
        return test.field.type in (FieldType.ENUM, FieldType.BOOLEAN)
    return SENSES[test.op].kind is Kind.NULL
