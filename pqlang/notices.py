"""What is worth a warning although it can be sent: parts of a query that no record, or every record, satisfies."""

from __future__ import annotations

from pqlang import diagnostics as say
from pqlang import domains
from pqlang.condition import SENSES, All, Any, Condition, Kind, Not, Op, Test
from pqlang.diagnostics import Diagnostic
from pqlang.normaliser import normalise
from pqlang.schema import Endpoint, FieldType
from pqlang.source import Span


def notice(written: Condition, normal: Condition, endpoint: Endpoint) -> list[Diagnostic]:
    """Parts that no record, or every record, satisfies.

    The normal form turns what stands under a `not`, so there each part is judged as it was written.
    """
    if _is_unremarkable(written, endpoint, set()):
        return []
    if not _negates(written):
        return _notice(normal)
    parts = (written.operand,) if isinstance(written, Not) else () if isinstance(written, Test) else written.operands
    return _notice_whole(normal, written.span) or [
        each for part in parts if not _is_plain(part) for each in notice(part, normalise(part, endpoint), endpoint)
    ]


def _is_unremarkable(condition: Condition, endpoint: Endpoint, seen: set[str]) -> bool:
    """Whether each test leaves some records and leaves some out, and speaks of a field that no other speaks of.

    `seen` gathers the fields that were spoken of, a derived one by its base's name. Nothing excludes anything then.
    """
    if not isinstance(condition, Test):
        operands = (condition.operand,) if isinstance(condition, Not) else condition.operands
        return operands != () and all([_is_unremarkable(operand, endpoint, seen) for operand in operands])
    name, derived = condition.field.name, condition.field.derived
    if derived is not None:
        name = derived.base
        if condition.op is not Op.EQ or not endpoint.field(name).nullable:
            return False
    if name in seen or condition.value == () or _may_be_all(condition):
        return False
    seen.add(name)
    return True


def _negates(condition: Condition) -> bool:
    """Whether a `not` stands anywhere in it."""
    return not isinstance(condition, Test) and (isinstance(condition, Not) or any(map(_negates, condition.operands)))


def _is_plain(condition: Condition) -> bool:
    """Whether it is one test that is itself in normal form, and leaves some records and leaves some out."""
    if not isinstance(condition, Test):
        return False
    return condition.field.derived is None and condition.value != () and not _may_be_all(condition)


def _notice(condition: Condition) -> list[Diagnostic]:
    found = _notice_whole(condition, condition.span)
    parts = condition.operands if isinstance(condition, All | Any) and not found else ()
    return found or [each for part in parts if not _is_plain(part) for each in _notice(part)]


def _notice_whole(condition: Condition, span: Span) -> list[Diagnostic]:
    if isinstance(condition, Not):
        return []
    if isinstance(condition, Test):
        if not _may_be_all(condition):
            return []
        return _judge(All((condition,)), span) or _judge(Any((condition,)), span)
    if not condition.operands:
        return [say.tautology(span) if isinstance(condition, All) else say.contradiction(span)]
    return _judge(condition, span)


def _judge(condition: All | Any, span: Span) -> list[Diagnostic]:
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
            return [say.contradiction(span)]
        if isinstance(condition, Any) and domains.is_whole(domains.join(each_domain), field):
            return [say.tautology(span)]
    return []


def _may_be_all(test: Test) -> bool:
    """Whether one test alone can be true of every record or of none: null tests where null cannot be, and lists of a
    closed field."""
    kind = SENSES[test.op].kind
    if kind is Kind.LIST:
        return test.field.type in (FieldType.ENUM, FieldType.BOOLEAN)
    return kind is Kind.NULL and not test.field.nullable
