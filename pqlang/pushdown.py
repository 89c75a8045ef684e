"""What one request can say of a condition: the tests to send, or the part that no request of that kind can say.

The written form is tried first. Only where it cannot be sent is a field's part replaced by what the schema proves to
be the same (`domains`). The JSON filter says a conjunction with each operator once on a field; direct parameters
say one condition each and are exact only where every assumed value is fixed. LANGUAGE, "Targets".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pqlang import diagnostics as say
from pqlang import patterns
from pqlang.condition import SENSES, All, Condition, Kind, Not, Op, Test, tests_of
from pqlang.diagnostics import Diagnostic
from pqlang.schema import Endpoint, Field, FieldType, Match, Parameter
from pqlang.source import Span
from pqlang.valueclass import frozen

if TYPE_CHECKING:
    from pqlang.reduction import Answer, Refusals


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
    if operands and json_says(operands, endpoint):
        return tests_of(condition), []
    return _reduced(operands, endpoint, json_refusals)


def json_says(operands: Sequence[Condition], endpoint: Endpoint) -> bool:
    """Whether one JSON filter says all of these, as they are: tests, of which no field has one operator twice."""
    spelt: set[tuple[str, str]] = set()  # fields and the API's operators: `= a` and `is null` are both `$eq`
    for operand in operands:
        if not isinstance(operand, Test) or operand.field.json is None:
            return False
        key = (operand.field.name, endpoint.operators_of.get(operand.op, ""))
        if not key[1] or key in spelt:
            return False
        spelt.add(key)
    return True


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


def _reduced(operands: Sequence[Condition], endpoint: Endpoint, refusals_of: Refusals) -> Answer:
    from pqlang import reduction  # most queries are sent as they are written

    return reduction.reduce(operands, endpoint, refusals_of)


# Direct parameters


def by_params(condition: Condition, endpoint: Endpoint) -> tuple[tuple[Test, ...] | None, list[Diagnostic]]:
    """The tests of one request by direct parameters, or what stops it. Whether it is exact: see `unfixed`."""
    operands = condition.operands if isinstance(condition, All) else (condition,)
    if operands and params_say(operands, endpoint):
        return tests_of(condition), []
    return _reduced(operands, endpoint, param_refusals)


def params_say(operands: Sequence[Condition], endpoint: Endpoint) -> bool:
    """Whether direct parameters say all of these, as they are: tests, each by a parameter of its own."""
    used: set[str] = set()
    for operand in operands:
        spelt = spell(operand, endpoint) if isinstance(operand, Test) else None
        if spelt is None or spelt[0].name in used:
            return False
        used.add(spelt[0].name)
    return True


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


# What is worth a warning although it can be sent


def undocumented(pushed: Pushed) -> list[Diagnostic]:
    """A hint for each field whose place in the JSON filter nobody documents."""
    found = [test for test in pushed.tests if test.field.json is not None and test.field.json.undocumented]
    if not found or pushed.target != "json":
        return []
    used = {test.field.name: test for test in reversed(found)}
    return [
        say.undocumented(test.span, name, test.field.json.undocumented)
        for name, test in sorted(used.items(), key=lambda item: item[1].span)
        if test.field.json is not None
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
