"""Whether a plan selects what its query means, tried on records made for that query.

Two sides read the same records. The one is the query's predicate. The other is an API in memory that knows nothing of
the query: it reads what the requests send, JSON filter or parameters, as the schema says that the API does, and their
residuals. Records hold values at, beside and between every constant, nulls, no related record, one, or several.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice, pairwise, product
from math import prod
from random import Random
from typing import Any as Anything
from typing import TypeAlias

from pqlang import arguments, compiler
from pqlang.condition import SENSES, Condition, Kind, Moment, Not, Op, Test
from pqlang.evaluator import Record, fold_case, group, matcher
from pqlang.planner import every_test
from pqlang.plans import Plan
from pqlang.pushdown import param_text
from pqlang.request import Request
from pqlang.schema import Endpoint, Field, FieldType, Match
from pqlang.scopes import assumed_condition
from pqlang.valueclass import frozen, replace

Values: TypeAlias = "dict[str, list[Anything]]"  # field name -> the values records hold of it


@frozen
class Difference:
    """A record on which the sides differ; `selected_by` is `plan`, `query`, or `two requests` of a disjoint plan."""

    record: Mapping[str, Anything]
    selected_by: str


@frozen
class Verdict:
    """How a check went: on how many records, with how many requests, and the first difference where there was one."""

    ok: bool
    records: int
    requests: int
    difference: Difference | None = None


def verify(
    query: object, endpoint: str | Endpoint, *, records: int = 1_000, seed: int = 0, **options: Anything
) -> Verdict:
    """Hold the plan of a query against its predicate on generated records; the same ones for the same `seed`.

    The other keywords are those of `plan`. Records are keyed by the schema's paths and hold every field that the query
    speaks of, those that responses lack included. Raises PqlError where `plan` does.

    >>> verify("title contains kyc or not contact.email = ann@acme.com", "cases").ok
    True
    """
    for name, value, least in (("records", records, 1), ("seed", seed, None)):
        if type(value) is not int or (least is not None and value < least):
            raise arguments.wrong(name, value, "a whole number")
    return check_plan(compiler.plan(query, endpoint, **options), records, seed)


def check_plan(plan: Plan, count: int = 1_000, seed: int = 0) -> Verdict:
    """The same for a plan that was made."""
    endpoint = _carried(plan.endpoint)
    condition = assumed_condition(plan.endpoint) if plan.condition is None else plan.condition
    means = group(_onto(condition, endpoint))
    asked = [_selector(request, endpoint) for request in plan.requests]
    tried = 0
    for record in make_records(condition, endpoint, count, seed):
        tried += 1
        wanted = means(record, {}) is True
        times = sum(selects(record) for selects in asked)
        if wanted is not (times > 0):
            side = "query" if wanted else "plan"
        elif times > 1 and plan.disjoint:
            side = "two requests"
        else:
            continue
        return Verdict(False, tried, len(asked), Difference(record, side))
    return Verdict(True, tried, len(asked))


# Fields as the records hold them


def _carried(endpoint: Endpoint) -> Endpoint:
    """The endpoint with every field in its records, under the relation and the rest of its name."""
    return replace(endpoint, fields=tuple(replace(field, record=_place(field)) for field in endpoint.fields))


def _place(field: Field) -> tuple[str, ...]:
    if field.relation is None:
        return (field.name,)
    return field.relation, field.name.removeprefix(field.relation + ".")


def _onto(condition: Condition, endpoint: Endpoint) -> Condition:
    """A condition over the fields of that endpoint."""
    match condition:
        case Test():
            return replace(condition, field=endpoint.field(condition.field.name))
        case Not():
            return replace(condition, operand=_onto(condition.operand, endpoint))
        case _:
            return replace(condition, operands=tuple(_onto(each, endpoint) for each in condition.operands))


# The API in memory


def _selector(request: Request, endpoint: Endpoint) -> Callable[[Record], bool]:
    """Whether a request, its residual included, keeps a record."""
    asked = [_related(conditions) for conditions in _asked(request, endpoint)]
    residual = None if request.residual is None else group(_onto(request.residual.condition, endpoint))

    def selects(record: Record) -> bool:
        return all(keeps(record) for keeps in asked) and (residual is None or residual(record, {}) is True)

    return selects


Holds: TypeAlias = "tuple[Field, Callable[[Anything], bool]]"


def _asked(request: Request, endpoint: Endpoint) -> list[list[Holds]]:
    """The conditions of a request, those of one relation together: they are asked of one related record."""
    params = {key: value for key, value in request.params.items() if key != endpoint.api.sort_param}
    text = params.pop(endpoint.api.filter_param, None)
    found = _of_params(params, endpoint) if text is None else _of_filter(json.loads(str(text)), endpoint)
    together: dict[str | None, list[Holds]] = {}
    for field, holds in found:
        together.setdefault(field.relation, []).append((field, holds))
    return list(together.values())


def _related(conditions: list[Holds]) -> Callable[[Record], bool]:
    """Conditions on a record's own fields, or on those of one related record; a missing to-one has null fields."""
    first = conditions[0][0]

    def all_hold(holder: Mapping[str, Anything]) -> bool:
        return all(holds(_read(holder.get(_place(field)[-1]), field)) for field, holds in conditions)

    if first.relation is None:
        return all_hold
    relation, many = first.relation, first.to_many
    return lambda record: any(map(all_hold, record[relation] if many else [record[relation] or {}]))


def _of_filter(filter: Mapping[str, Anything], endpoint: Endpoint) -> Iterator[Holds]:
    api = endpoint.api
    places = {(each.json.relation, each.json.name, each.json.is_id): each for each in endpoint.fields if each.json}
    op_of = {spelt: Op(op) for op, spelt in api.operators}
    objects = [((None, name, False), held) for name, held in filter.get(api.attributes_key, {}).items()]
    for relation, parts in filter.get(api.relationships_key, {}).items():
        for name, held in parts.items():
            inside = held.items() if name == api.attributes_key else [(name, held)]
            objects += [((relation, each, name != api.attributes_key), operators) for each, operators in inside]
    for place, operators in objects:
        field = places[place]
        for name, value in operators.items():
            yield field, _comparison(op_of[name], value, field)


def _of_params(params: Mapping[str, Anything], endpoint: Endpoint) -> Iterator[Holds]:
    """What the parameters ask; those that are absent ask for the value the API assumes."""
    for field in endpoint.fields:
        param = field.param
        if param is None:
            continue
        sent = params.get(param.many or param.name, params.get(param.name, param.assumed))
        if sent is None:
            continue
        texts = [param_text(each) for each in (sent if isinstance(sent, list) else [sent])]
        if field.derived is not None:
            null = {field.derived.when_null is (text == "true") for text in texts}
            yield endpoint.field(field.derived.base), partial(_is_null, wanted=null)
        elif param.match is Match.PART:
            yield field, partial(_has_part, texts=texts)
        else:
            yield field, partial(_is_one_of, values=[_from_text(text, field) for text in texts])


def _is_null(held: Anything, wanted: set[bool]) -> bool:
    return (held is None) in wanted


def _has_part(held: Anything, texts: list[str]) -> bool:
    return held is not None and any(fold_case(text) in fold_case(held) for text in texts)


def _is_one_of(held: Anything, values: list[Anything]) -> bool:
    return held is not None and held in values


def _comparison(op: Op, value: Anything, field: Field) -> Callable[[Anything], bool]:
    """An operator of the filter: a null satisfies none but equality with null."""
    if value is None:
        return lambda held: (held is None) is (op is Op.EQ)
    if SENSES[op].kind is Kind.PATTERN:
        matches = matcher(value, fold=SENSES[op].folds)
        return lambda held: held is not None and matches(held)
    wanted = _read(value, field)
    compare: dict[Op, Callable[[Anything], bool]] = {
        Op.EQ: lambda held: held == wanted,
        Op.NE: lambda held: held != wanted,
        Op.LT: lambda held: held < wanted,
        Op.LE: lambda held: held <= wanted,
        Op.GT: lambda held: held > wanted,
        Op.GE: lambda held: held >= wanted,
    }
    return lambda held: held is not None and compare[op](held)


def _read(value: Anything, field: Field) -> Anything:
    """A value of JSON in the field's type."""
    if value is None or field.type not in (FieldType.DATETIME, FieldType.DATE):
        return value
    at = datetime.fromisoformat(value)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _from_text(text: str, field: Field) -> Anything:
    if field.type in (FieldType.BOOLEAN, FieldType.INTEGER, FieldType.NUMBER):
        return json.loads(text)
    return _read(text, field)


# Records


def make_records(condition: Condition, endpoint: Endpoint, count: int, seed: int) -> Iterator[Record]:
    """Records that tell conditions like this one apart: all that there are where they are few, else some of them."""
    values = _values(condition, endpoint)
    own = [endpoint.field(name) for name in values if endpoint.field(name).relation is None]
    relations = {field.relation: field.to_many for name in values if (field := endpoint.field(name)).relation}
    random = Random(seed)
    if not any(relations.values()) and prod(map(len, values.values())) <= count:
        names = list(values)
        for chosen in product(*values.values()):
            made = _record(dict(zip(names, chosen, strict=True)), endpoint, relations)
            yield made
            if relations:
                yield {**made, **dict.fromkeys(relations)}  # without the related records
        return

    def one(fields: Sequence[Field]) -> dict[str, Anything]:
        return {_place(field)[-1]: random.choice(values[field.name]) for field in fields}

    def some() -> Iterator[Record]:
        while True:
            made = one(own)
            for relation, many in relations.items():
                fields = [endpoint.field(name) for name in values if endpoint.field(name).relation == relation]
                held = [one(fields) for _ in range(random.choice((0, 1, 1, 2, 3)))]
                made[str(relation)] = held if many else held[0] if held else None
            yield made

    yield from islice(some(), count)


def _record(chosen: Mapping[str, Anything], endpoint: Endpoint, relations: Mapping[str, bool]) -> Record:
    made: dict[str, Anything] = {str(relation): {} for relation in relations}
    for name, value in chosen.items():
        field = endpoint.field(name)
        holder = made if field.relation is None else made[field.relation]
        holder[_place(field)[-1]] = value
    return made


def _values(condition: Condition, endpoint: Endpoint) -> Values:
    """For every field that the query or an assumed value speaks of: what is at, beside and between its constants."""
    tests: dict[str, list[Test]] = {endpoint.always: []} if endpoint.always else {}
    for field in endpoint.assumed:
        tests[field.name if field.derived is None else field.derived.base] = []
    for test in every_test(condition):
        tests.setdefault(test.field.name, []).append(test)
    found: Values = {}
    for name, asked in tests.items():
        field = endpoint.field(name)
        near = [near for test in asked for near in _beside(test)]
        near += [] if near else _plain(field)
        near = _between(near, field) + [None] * field.nullable
        found[name] = list(dict.fromkeys(near))
    return found


def _beside(test: Test) -> Iterator[Anything]:
    field = test.field
    if field.type in (FieldType.ENUM, FieldType.BOOLEAN):
        yield from _plain(field)
        return
    pattern = SENSES[test.op].kind is Kind.PATTERN
    for value in test.value if isinstance(test.value, tuple) else (test.value,):
        if isinstance(value, Moment):
            step = timedelta(days=1) if field.type is FieldType.DATE else timedelta(seconds=1)
            for by in (-1, 0, 1):
                yield _instant(value.at, by * step)
        elif isinstance(value, int | float):
            yield from (value - 1, value, value + 1)
        elif isinstance(value, str):
            texts = list(_matching(value)) if pattern else [value]
            yield from texts
            yield from (each for text in texts for each in (text.swapcase(), text + "x", "x" + text, text[:-1]))


def _instant(at: datetime, by: timedelta) -> str:
    try:
        return (at + by).isoformat()
    except OverflowError:
        return at.isoformat()


def _matching(pattern: str) -> Iterator[str]:
    """Texts that match a pattern: its wildcards empty, one character, several."""
    for any_text in ("", "y", " y z"):
        text, escaped = "", False
        for char in pattern:
            if escaped or char not in "\\%_":
                text, escaped = text + char, False
            elif char == "\\":
                escaped = True
            else:
                text += any_text if char == "%" else "y"
        yield text


def _between(values: list[Anything], field: Field) -> list[Anything]:
    """With what lies between neighbours."""
    if field.type is FieldType.NUMBER:
        ordered = sorted(set(values))
        return [*values, *((low + high) / 2 for low, high in pairwise(ordered))]
    if field.type is FieldType.DATETIME:
        moments = sorted({datetime.fromisoformat(value) for value in values})
        return [*values, *((low + (high - low) / 2).isoformat() for low, high in pairwise(moments))]
    return values


def _plain(field: Field) -> list[Anything]:
    """Some value of each kind that a field can hold."""
    match field.type:
        case FieldType.ENUM | FieldType.OPEN_ENUM:
            return [*field.values]
        case FieldType.BOOLEAN:
            return [False, True]
        case FieldType.INTEGER | FieldType.NUMBER:
            return [0, 1]
        case FieldType.DATETIME | FieldType.DATE:
            return ["2024-01-01T00:00:00+00:00"]
        case _:
            return ["x"]
