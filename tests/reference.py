"""What a condition and a request mean on one record, written from LANGUAGE "Meaning" and PENBOX alone.

Slow and plain on purpose, and nothing of `pqlang.normaliser`, `domains`, `pushdown` or `patterns` is used: this is
what they are held against. A record holds its own fields by name; under a relation's name a record (or None), or for
a to-many relation a list of them. Truth is True, False or None, which is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import product
from typing import Any, TypeAlias

from pqlang.condition import All, Condition, Moment, Not, Op, Test
from pqlang.condition import Any as AnyOf
from pqlang.schema import Endpoint, Field, FieldType, Match

Truth: TypeAlias = "bool | None"
Record: TypeAlias = "Mapping[str, Any]"
Choice: TypeAlias = "Mapping[str, Record | None]"  # for each to-many relation the related record chosen, or none

_RANK = {False: 0, None: 1, True: 2}


# Conditions


def selects(condition: Condition, record: Record, endpoint: Endpoint) -> bool:
    """Whether a query with this condition answers with the record."""
    return truth(condition, record, endpoint) is True


def truth(condition: Condition, record: Record, endpoint: Endpoint) -> Truth:
    """A group's value: the best over all choices of one related record or none for each to-many relation."""
    many = sorted(_many(condition))
    choices = product(*([None, *record.get(relation, [])] for relation in many))
    values = (_value(condition, record, endpoint, dict(zip(many, choice, strict=True))) for choice in choices)
    return max(values, key=_RANK.__getitem__)


def _value(condition: Condition, record: Record, endpoint: Endpoint, choice: Choice) -> Truth:
    match condition:
        case All():
            values = [_value(each, record, endpoint, choice) for each in condition.operands]
            return min(values, key=_RANK.__getitem__, default=True)
        case AnyOf():
            values = [_value(each, record, endpoint, choice) for each in condition.operands]
            return max(values, key=_RANK.__getitem__, default=False)
        case Not():
            if _many(condition.operand):  # a group of its own
                inner = truth(condition.operand, record, endpoint)
            else:
                inner = _value(condition.operand, record, endpoint, choice)
            return None if inner is None else not inner
        case Test() if condition.field.to_many:
            related = choice[str(condition.field.relation)]
            return related is not None and holds(condition, _held(condition.field, related, endpoint)) is True
        case Test():
            relation = condition.field.relation
            holder = record if relation is None else record.get(relation) or {}
            return holds(condition, _held(condition.field, holder, endpoint))


def _many(condition: Condition) -> set[str]:
    """The to-many relations that a condition touches."""
    if isinstance(condition, Test):
        return {str(condition.field.relation)} if condition.field.to_many else set()
    return set().union(*map(_many, (condition.operand,) if isinstance(condition, Not) else condition.operands))


def _held(field: Field, holder: Record, endpoint: Endpoint) -> Any:
    """What a record holds in a field; a derived boolean says whether its base is null."""
    if field.derived is None:
        return holder.get(field.name)
    return (_held(endpoint.field(field.derived.base), holder, endpoint) is None) is field.derived.when_null


def holds(test: Test, held: Any) -> Truth:
    """A test of one value. Null makes it unknown, but for the null tests and empty lists."""
    op, value = test.op, test.value
    if op in (Op.IS_NULL, Op.NOT_NULL):
        return (held is None) is (op is Op.IS_NULL)
    if isinstance(value, tuple):
        found = any(held == _plain(each) for each in value)
        return op is Op.NOT_IN if not value else None if held is None else found is (op is Op.IN)
    return None if held is None else _compare(op, held, _plain(value))


def _plain(value: Any) -> Any:
    return value.at if isinstance(value, Moment) else value


def _compare(op: str, held: Any, value: Any) -> bool:
    match op:
        case "=":
            return bool(held == value)
        case "!=":
            return bool(held != value)
        case "<":
            return bool(held < value)
        case "<=":
            return bool(held <= value)
        case ">":
            return bool(held > value)
        case ">=":
            return bool(held >= value)
        case "~":
            return like(held, value)
        case "!~":
            return not like(held, value)
        case "~*":
            return like(fold(held), fold(value))
        case "!~*":
            return not like(fold(held), fold(value))
    raise AssertionError(op)


def fold(text: str) -> str:
    """Case folded, one code point to one."""
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)


def like(text: str, pattern: str) -> bool:
    """`%` is any characters, `_` one, and a backslash makes the next one literal."""
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(like(text[at:], pattern[1:]) for at in range(len(text) + 1))
    if pattern[0] == "\\":
        return text[:1] == pattern[1:2] and like(text[1:], pattern[2:])
    return text != "" and pattern[0] in ("_", text[0]) and like(text[1:], pattern[1:])


# Requests, as the API reads them


_OPERATORS = {
    "$eq": "=", "$ne": "!=", "$gt": ">", "$lt": "<", "$ge": ">=", "$le": "<=", "$like": "~", "$ilike": "~*",
}  # fmt: skip


def filter_selects(filter: Mapping[str, Any], record: Record, endpoint: Endpoint) -> bool:
    """Whether a JSON filter keeps the record: all in it holds at once, what stands under a relation on one record."""
    assert filter.keys() <= {"attributes", "relationships"}
    places = {(f.json.relation, f.json.name, f.json.is_id): f for f in endpoint.fields if f.json is not None}
    own = [(places[None, name, False], ops) for name, ops in filter.get("attributes", {}).items()]
    if not all(_keeps(field, ops, record) for field, ops in own):
        return False
    for relation, parts in filter.get("relationships", {}).items():
        assert parts.keys() <= {"id", "attributes"}
        asked = [(places[relation, name, False], ops) for name, ops in parts.get("attributes", {}).items()]
        asked += [(places[relation, "id", True], parts["id"])] if "id" in parts else []
        related = record.get(relation)
        candidates = related if isinstance(related, list) else [related or {}]  # a missing one has null fields
        if not any(all(_keeps(field, ops, each) for field, ops in asked) for each in candidates):
            return False
    return True


def _keeps(field: Field, operators: Mapping[str, Any], holder: Record) -> bool:
    held = holder.get(field.name)
    for name, value in operators.items():
        op = _OPERATORS[name]
        if value is None:
            assert op in ("=", "!=")
            kept = (held is None) is (op == "=")
        else:
            kept = held is not None and _compare(op, held, _from_json(field, value))
        if not kept:
            return False
    return True


def _from_json(field: Field, value: Any) -> Any:
    if field.type in (FieldType.DATETIME, FieldType.DATE):
        at = datetime.fromisoformat(value)
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    kinds = {FieldType.BOOLEAN: bool, FieldType.INTEGER: int, FieldType.NUMBER: (int, float)}
    assert isinstance(value, kinds.get(field.type, str))
    return value


def params_select(params: Mapping[str, Any], record: Record, endpoint: Endpoint) -> bool:
    """Whether direct parameters keep the record: those that are absent hold the value that the API assumes."""
    asked: dict[str | None, list[tuple[Field, list[Any]]]] = {}
    read = set()
    for field in endpoint.fields:
        if (param := field.param) is None:
            continue
        if param.many in params:
            texts = params[param.many]
        elif param.name in params:
            texts = [params[param.name]]
        elif param.assumed is not None:
            asked.setdefault(field.relation, []).append((field, [param.assumed]))
            continue
        else:
            continue
        read |= {param.many, param.name} & params.keys()
        asked.setdefault(field.relation, []).append((field, [_from_text(field, text) for text in texts]))
    assert params.keys() == read, "a parameter that the API does not know, or one spelt twice"
    for relation, conditions in asked.items():
        related = record if relation is None else record.get(relation)
        candidates = related if isinstance(related, list) else [related or {}]
        if not any(all(_has(field, values, each, endpoint) for field, values in conditions) for each in candidates):
            return False
    return True


def _has(field: Field, values: list[Any], holder: Record, endpoint: Endpoint) -> bool:
    held = _held(field, holder, endpoint)
    assert field.param is not None
    if held is not None and field.param.match is Match.PART:
        return any(fold(value) in fold(held) for value in values)
    return held is not None and held in values


def _from_text(field: Field, text: str) -> Any:
    assert isinstance(text, str)
    assert text, "an empty parameter may be read as none"
    if field.type is FieldType.BOOLEAN:
        return {"true": True, "false": False}[text]
    if field.type in (FieldType.INTEGER, FieldType.NUMBER):
        return float(text)
    return _from_json(field, text)
