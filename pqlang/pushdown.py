"""What one request can say of a condition: the tests to send, or the part that no request of that kind can say.

The written form is tried first. Only where it cannot be sent is a field's part replaced by what the schema proves to
be the same (`domains`). The JSON filter says a conjunction with each operator once on a field; direct parameters
say one condition each and are exact only where every assumed value is fixed. LANGUAGE, "Targets".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from pqlang import diagnostics as say
from pqlang import domains, patterns
from pqlang.condition import EVERY, NONE, SENSES, All, Any, Condition, Kind, Not, Op, Test
from pqlang.diagnostics import Diagnostic
from pqlang.normaliser import normalise
from pqlang.schema import Endpoint, Field, FieldType, Match, Parameter
from pqlang.source import Span
from pqlang.valueclass import frozen, replace


@frozen
class Pushed:
    """What to send, by which target: a conjunction of tests, each of which the target can spell."""

    target: str  # "json" or "params"
    tests: tuple[Test, ...]


def push_down(condition: Condition | None, endpoint: Endpoint, target: str) -> tuple[Pushed | None, list[Diagnostic]]:
    """The one request for a normal condition by `target` (`"json"`, `"params"`, or `"auto"`: parameters where exact).

    No condition is the endpoint's own list. Where one request cannot say it: None, and the parts that stop it.
    """
    if condition is None:
        return Pushed("json" if target == "json" else "params", ()), []
    params: tuple[Test, ...] | None = None
    open_fields: list[Field] = []
    if target != "json":
        params, refusals = by_params(condition, endpoint)
        if params is not None:
            open_fields = unfixed(params, endpoint)
            if not open_fields:
                return Pushed("params", params), []
            if target == "params":
                return Pushed("params", params), [_assumed(field) for field in open_fields]
        elif target == "params":
            return None, refusals
    tests, refusals = by_json(condition, endpoint)
    if tests is not None:
        return Pushed("json", tests), []
    if open_fields and all(refusal.code == "parameter-only" for refusal in refusals):  # nothing else stands in the way
        alone = next(test for test in params or () if test.field.json is None)
        return None, [_left_open(field, alone, condition.span) for field in open_fields]
    return None, refusals


def _assumed(field: Field) -> Diagnostic:
    assert field.param is not None
    return say.assumed_value(field.name, field.param.name, param_text(field.param.assumed))


def _left_open(field: Field, test: Test, whole: Span) -> Diagnostic:
    """Why parameters alone do not do: the query leaves open what the API would assume."""
    assert field.param is not None
    assumed = param_text(field.param.assumed)
    return say.left_open(test.span, whole, test.field.name, field.name, field.param.name, assumed)


# The JSON filter


def by_json(condition: Condition, endpoint: Endpoint) -> tuple[tuple[Test, ...] | None, list[Diagnostic]]:
    """The tests of one JSON filter, or what stops it."""
    operands = condition.operands if isinstance(condition, All) else (condition,)
    spelt: set[tuple[str, str]] = set()  # fields and the API's operators: `= a` and `is null` are both `$eq`
    for operand in operands:
        if not isinstance(operand, Test) or operand.op not in endpoint.operators_of or operand.field.json is None:
            break
        key = (operand.field.name, endpoint.operators_of[operand.op])
        if key in spelt:
            break
        spelt.add(key)
    else:
        if operands:
            return _tests(condition), []
    return _reduced(operands, endpoint, json_refusals)


def json_refusals(tests: Sequence[Test], endpoint: Endpoint) -> list[Diagnostic]:
    """What the JSON filter cannot say of a conjunction of tests."""
    refusals: list[Diagnostic] = []
    spelt: set[tuple[str, str]] = set()
    for test in tests:
        name, op = test.field.name, test.op
        key = (name, endpoint.operators_of.get(op, ""))
        if test.field.json is None:
            refusals.append(_no_json(test))
        elif op not in endpoint.operators_of:
            refusals.append(_no_operator(test))
        elif key in spelt:
            refusals.append(say.operator_twice(test.span, name, key[1]))
        else:
            spelt.add(key)
    return refusals


def _no_json(test: Test) -> Diagnostic:
    if test.field.param is None:
        return say.no_target(test.span, test.field.name)
    return say.parameter_only(test.span, test.field.name)


def _no_operator(test: Test) -> Diagnostic:
    name, op = test.field.name, test.op
    sense = SENSES[op]
    if sense.kind is Kind.PATTERN and sense.json is None:
        return say.not_like(test.span, name, op)
    return say.list_refused(test.span, name, op) if sense.kind is Kind.LIST else say.no_operator(test.span, op)


# Direct parameters


def by_params(condition: Condition, endpoint: Endpoint) -> tuple[tuple[Test, ...] | None, list[Diagnostic]]:
    """The tests of one request by direct parameters, or what stops it. Whether it is exact: see `unfixed`."""
    operands = condition.operands if isinstance(condition, All) else (condition,)
    tests = _tests(condition)
    if operands and len(tests) == len(operands) and not param_refusals(tests, endpoint):
        return tests, []
    return _reduced(operands, endpoint, param_refusals)


def unfixed(tests: Sequence[Test], endpoint: Endpoint) -> list[Field]:
    """The fields whose parameter the tests leave out although the API assumes a value without it."""
    if not endpoint.assumed:
        return []
    sent = {spelt[0] for test in tests if (spelt := spell(test, endpoint)) is not None}
    return [field for field in endpoint.assumed if field.param not in sent]


def param_refusals(tests: Sequence[Test], endpoint: Endpoint) -> list[Diagnostic]:
    refusals: list[Diagnostic] = []
    used: set[str] = set()
    for test in tests:
        spelt = spell(test, endpoint)
        if spelt is None:
            inexact = test.field.param.name if test.field.param is not None and test.op is Op.EQ else ""
            refusals.append(say.no_parameter(test.span, test.field.name, test.op, inexact))
        elif spelt[0].name in used:
            refusals.append(say.parameter_twice(test.span, spelt[0].name))
        else:
            used.add(spelt[0].name)
    return refusals


def spell(test: Test, endpoint: Endpoint) -> tuple[Parameter, str | list[str]] | None:
    """The direct parameter and value that say a test exactly, None where there is none.

    The rules of each parameter are its schema entry's: equality or a case-insensitive part, one value or many, the
    characters it refuses. An empty text is never sent: it may be read as no parameter at all.
    """
    field, op, value = test.field, test.op, test.value
    if op is Op.IS_NULL or op is Op.NOT_NULL:
        derived = endpoint.derived_of.get(field.name)
        if derived is None or derived.param is None or derived.derived is None:
            return None
        return derived.param, param_text(derived.derived.when_null is (op is Op.IS_NULL))
    param = field.param
    if param is None:
        return None
    if param.match is Match.PART:
        part = patterns.part_of(value) if op is Op.ILIKE and isinstance(value, str) else None
        return (param, part) if part and not _refused(part, param) else None
    if op is Op.EQ:
        text = param_text(value)
        return (param, text) if text and not _refused(text, param) else None
    if op is Op.NE and field.type is FieldType.BOOLEAN:
        return param, param_text(not value)
    if op is Op.IN and isinstance(value, tuple) and value:
        texts = [param_text(each) for each in value]
        if any(not text or _refused(text, param) for text in texts):
            return None
        return (param, texts[0]) if len(texts) == 1 else (param, texts) if param.many is not None else None
    return None


def _refused(text: str, param: Parameter) -> bool:
    return bool(param.refuses) and any(char in text for char in param.refuses)


def param_text(value: object) -> str:
    """A value as a direct parameter spells it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(getattr(value, "text", value))


# Where the written form cannot be sent

Refusals: TypeAlias = (
    "Callable[[Sequence[Test], Endpoint], list[Diagnostic]]"  # what a target cannot say of these tests
)
Answer: TypeAlias = "tuple[tuple[Test, ...] | None, list[Diagnostic]]"


def _reduced(operands: Sequence[Condition], endpoint: Endpoint, refusals_of: Refusals) -> Answer:
    """The conjunction in another form of the same meaning, where the schema proves one and the target can say it."""
    tests: list[Test] = []
    refused: list[Diagnostic] = []
    for parts in _by_field(operands):
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
        again = _tests(proven) if proven is not None else ()
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


def _by_field(operands: Sequence[Condition]) -> list[list[Condition]]:
    """The operands, those that speak of the same one field and have a domain together, any other alone."""
    together: dict[object, list[Condition]] = {}
    for at, operand in enumerate(operands):
        found = domains.of_condition(operand)
        together.setdefault(at if found is None else found[0].name, []).append(operand)
    return list(together.values())


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


def _tests(condition: Condition) -> tuple[Test, ...]:
    operands = condition.operands if isinstance(condition, All) else (condition,)
    return tuple(operand for operand in operands if isinstance(operand, Test))


def _group_refusal(part: Condition) -> Diagnostic:
    """Why a group of conditions is not a conjunction of tests."""
    return say.negated_group(part.span) if isinstance(part, Not) else say.or_refused(part.span, sorted(_names(part)))


def _names(condition: Condition) -> set[str]:
    """The fields a condition speaks of."""
    if isinstance(condition, Test):
        return {condition.field.name}
    operands = (condition.operand,) if isinstance(condition, Not) else condition.operands
    return set().union(*(_names(operand) for operand in operands))


def _by_always(endpoint: Endpoint, op: Op, part: Condition, refusals_of: Refusals) -> Answer:
    """Every record, or none: by the field that is never null. No condition at all would mean what the API assumes."""
    if endpoint.always is None:
        return None, [say.no_always(part.span)]
    test = Test(endpoint.field(endpoint.always), op, None, part.span)
    refusals = refusals_of((test,), endpoint)
    return (None, refusals) if refusals else ((test,), [])


# What is worth a warning although it can be sent


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
    for parts in _by_field(condition.operands):
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


def undocumented(pushed: Pushed) -> list[Diagnostic]:
    """A hint for each field whose place in the JSON filter nobody documents."""
    if pushed.target != "json":
        return []
    used = {test.field.name: test for test in reversed(pushed.tests)}
    return [
        say.undocumented(test.span, name, test.field.json.undocumented)
        for name, test in sorted(used.items(), key=lambda item: item[1].span)
        if test.field.json is not None and test.field.json.undocumented
    ]


def values_length(condition: Condition | None) -> int:
    """How many characters the values of a condition take, no less than that many."""
    if condition is None:
        return 0
    if not isinstance(condition, Test):
        operands = (condition.operand,) if isinstance(condition, Not) else condition.operands
        return sum(map(values_length, operands))
    values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
    return sum(len(value) if isinstance(value, str) else 40 for value in values)


def long_url(tests: Sequence[Test], endpoint: Endpoint, length: int, url: Callable[[], str]) -> Diagnostic | None:
    """A warning where the URL is longer than many servers take; `length` counts the characters that were written.

    The URL is only made where it could be that long: a character takes 12 bytes at most, as in `%F0%9F%98%80`.
    """
    if 12 * length + len(tests) * endpoint.spelling_bytes < endpoint.api.long_url:
        return None
    size = len(url())
    return say.long_url(size, endpoint.api.long_url) if size > endpoint.api.long_url else None


# Scope


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
    if written is not None and not names.isdisjoint(_names(written)):
        return condition
    added = normalise(Test(field, Op.EQ, active.value), endpoint)
    if condition is None:
        return added
    return All((*(condition.operands if isinstance(condition, All) else (condition,)), added), condition.span)
