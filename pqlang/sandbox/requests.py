"""A request as the API reads it: the query string of a URL to what is asked, or to what is wrong with it.

Written from the API's own pages, and using nothing of what compiles or decompiles: what pqlang sends is held against
this, so a mistake in the one must not be one in the other. What names, values and defaults there are, the schema says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeAlias
from urllib.parse import parse_qsl

from pqlang.condition import All, Condition, Moment, Op, Scalar, Test
from pqlang.condition import Any as AnyOf
from pqlang.schema import ORDERED, TEXTS, Endpoint, Field, FieldType, Match

MOST_PARAMETERS = 1_000


class Refused(Exception):
    """The request cannot be answered: its status, and what to say of it."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Group:
    """What a count is grouped by: a field, or a place in what responses carry beside the fields."""

    name: str
    field: Field | None
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for. Pages count from 1."""

    condition: Condition
    order: tuple[Field, bool] | None  # the field, and whether the highest comes first
    page: int
    size: int
    group: Group | None = None


Values: TypeAlias = "dict[str, list[str]]"  # by parameter


def read(query: bytes, endpoint: Endpoint, *, count: bool = False) -> Asked:
    """What the query string of a list, or of a count, asks for. Raises Refused.

    >>> from pqlang import PENBOX
    >>> asked = read(b"status=done&archived=true&page[size]=5", PENBOX.endpoint("cases"))
    >>> test = asked.condition.operands[0]
    >>> test.field.name, test.op.value, test.value, asked.size
    ('status', '=', 'done', 5)
    """
    api = endpoint.api
    given = _parameters(query)
    filter = _one(given, api.filter_param)
    page = _number(given, api.page_param, 1, None)
    size = _number(given, api.size_param, api.page_size, api.max_page_size)
    order = _order(_one(given, api.sort_param), endpoint)
    group = _group(_one(given, api.group_param), endpoint, count)
    direct = list(_direct(given, endpoint, ignored=filter is not None))
    for name in given:
        raise Refused(400, f"`{_shown(name)}` is no parameter of `{endpoint.name}`")
    tests: Sequence[Condition] = direct if filter is None else _of_filter(filter, endpoint)
    return Asked(All(tuple(tests)), order, page, size, group)


def _parameters(query: bytes) -> Values:
    try:
        pairs = parse_qsl(
            query.decode("utf-8"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=MOST_PARAMETERS,
        )
    except UnicodeDecodeError:
        raise Refused(400, "the query string is not UTF-8") from None
    except ValueError:
        raise Refused(400, f"the query string has more than {MOST_PARAMETERS} parameters") from None
    found: Values = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _one(given: Values, name: str) -> str | None:
    """The value of a parameter that stands there at most once, taken out."""
    values = given.pop(name, None)
    if values is None:
        return None
    if len(values) > 1:
        raise Refused(400, f"`{name}` is given {len(values)} times")
    return values[0]


# What is no filter


def _number(given: Values, name: str, otherwise: int, highest: int | None) -> int:
    text = _one(given, name)
    if text is None:
        return otherwise
    number = int(text) if re.fullmatch("[0-9]{1,9}", text) else 0
    if number < 1 or (highest is not None and number > highest):
        needed = "a whole number from 1" + ("" if highest is None else f" to {highest}")
        raise Refused(400, f"`{name}` is {needed}, not `{_shown(text)}`")
    return number


def _order(text: str | None, endpoint: Endpoint) -> tuple[Field, bool] | None:
    """The field to sort by, with the prefix for the highest first; the API's own order where nothing is said."""
    if text is None:
        text = endpoint.default_sort
        if text is None:
            return None
    descending = text.startswith(endpoint.api.descending_prefix)
    name = text.removeprefix(endpoint.api.descending_prefix)
    for field in endpoint.fields:
        if field.sort is not None and field.sort == name:
            return field, descending
    raise Refused(400, f"`{endpoint.api.sort_param}`: `{_shown(name)}` is no field that `{endpoint.name}` sorts by")


def _group(name: str | None, endpoint: Endpoint, count: bool) -> Group | None:
    """`status`, `user.email` where `user.*` is allowed, `data.city` where `data.*` is."""
    if name is None:
        return None
    param = endpoint.api.group_param
    if not count:
        raise Refused(
            400, f"`{param}` groups a count: it is a parameter of `{endpoint.path}{endpoint.api.count_suffix}`"
        )
    allowed = any(name == each or (each.endswith(".*") and name.startswith(each[:-1])) for each in endpoint.group_by)
    path = tuple(name.split("."))
    if allowed and "" not in path:
        for field in endpoint.fields:
            if field.record == path and not field.to_many and field.derived is None:
                return Group(name, field)
        if path[0] in dict(endpoint.extras):
            return Group(name, None, path)
    raise Refused(400, f"`{param}`: `{_shown(name)}` is nothing that `{endpoint.name}` is grouped by")


# Direct parameters


def _direct(given: Values, endpoint: Endpoint, *, ignored: bool) -> Iterator[Condition]:
    """The conditions of direct parameters, and those of the values that the API assumes without them.

    Takes them out of what was given; beside a filter they are ignored, whatever they hold.
    """
    for field in endpoint.fields:
        param = field.param
        if param is None:
            continue
        one = given.pop(param.name, None)
        several = given.pop(param.many, None) if param.many is not None else None
        if ignored:
            continue
        if one is not None and len(one) > 1:
            how = f"; a list of values is `{param.many}`" if param.many else ""
            raise Refused(400, f"`{param.name}` is given {len(one)} times{how}")
        if one is None and several is None:
            if param.assumed is not None:
                yield _equal(field, [param.assumed], endpoint)
            continue
        values = [_from_text(text, field, param.name) for text in one or ()]
        values += [_from_text(text, field, str(param.many)) for text in several or ()]
        if param.match is Match.PART:
            parts = ["%" + re.sub(r"[\\%_]", r"\\\g<0>", str(value)) + "%" for value in values]
            yield AnyOf(tuple(Test(field, Op.ILIKE, part) for part in parts))
        else:
            yield _equal(field, values, endpoint)


def _equal(field: Field, values: Sequence[Scalar], endpoint: Endpoint) -> Condition:
    if field.derived is not None:  # a boolean that says whether its base is null
        base = endpoint.field(field.derived.base)
        nulls = {field.derived.when_null is value for value in values}
        return AnyOf(tuple(Test(base, Op.IS_NULL if null else Op.NOT_NULL, None) for null in sorted(nulls)))
    return Test(field, Op.EQ, values[0]) if len(values) == 1 else Test(field, Op.IN, tuple(dict.fromkeys(values)))


def _from_text(text: str, field: Field, name: str) -> Scalar:
    """The value of a parameter in its field's type."""
    if text == "":
        raise Refused(400, f"`{name}` is empty")
    value: object = text
    if field.type is FieldType.BOOLEAN:
        value = {"true": True, "false": False}.get(text, text)
    elif field.type in (FieldType.INTEGER, FieldType.NUMBER):
        with suppress(ValueError, RecursionError):
            value = json.loads(text)
    return _value(value, field, name)


# The JSON filter


def _of_filter(text: str, endpoint: Endpoint) -> list[Test]:
    """Every condition in it; they hold all at once, those under one relation of one related record."""
    api = endpoint.api
    try:
        filter = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except Refused:
        raise
    except (ValueError, RecursionError):
        raise Refused(400, f"`{api.filter_param}` is not JSON") from None
    places = {(each.json.relation, each.json.name, each.json.is_id): each for each in endpoint.fields if each.json}
    names = {relation for relation, _, _ in places}
    found: list[Test] = []

    def fields(held: object, relation: str | None, path: str) -> None:
        for name, operators in _object(held, path).items():
            condition(places.get((relation, name, False)), operators, f"{path}.{name}")

    def condition(field: Field | None, operators: object, path: str) -> None:
        if field is None:
            raise Refused(400, f"`{_shown(path)}`: `{endpoint.name}` has no such field")
        asked = _object(operators, path)
        if not asked:
            raise Refused(400, f"`{path}` has no operator")
        found.extend(_test(field, name, value, path, endpoint) for name, value in asked.items())

    for key, held in _object(filter, api.filter_param).items():
        if key == api.attributes_key:
            fields(held, None, key)
        elif key == api.relationships_key:
            for relation, parts in _object(held, key).items():
                path = f"{key}.{relation}"
                if relation not in names:
                    raise Refused(400, f"`{_shown(path)}`: `{endpoint.name}` has no such relation")
                for part, inner in _object(parts, path).items():
                    if part == api.attributes_key:
                        fields(inner, relation, f"{path}.{part}")
                    elif part == api.id_key:
                        condition(places.get((relation, part, True)), inner, f"{path}.{part}")
                    else:
                        known = f"`{api.id_key}` and `{api.attributes_key}`"
                        raise Refused(400, f"`{_shown(f'{path}.{part}')}`: a relation has {known}")
        else:
            known = f"`{api.attributes_key}` and `{api.relationships_key}`"
            raise Refused(400, f"`{_shown(key)}`: `{api.filter_param}` has {known}")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise Refused(400, f"`{_shown(max(names, key=names.count))}` stands twice in one object")
    return made


def _no_constant(name: str) -> NoReturn:
    raise Refused(400, f"`{name}` is not JSON")


def _object(held: object, path: str) -> Mapping[str, Any]:
    if not isinstance(held, dict):
        raise Refused(400, f"`{_shown(path)}` has to be an object")
    return held


_NEEDS_ORDER = (Op.LT, Op.LE, Op.GT, Op.GE)
_NEEDS_TEXT = (Op.LIKE, Op.ILIKE)


def _test(field: Field, name: str, value: object, path: str, endpoint: Endpoint) -> Test:
    ops = {spelt: Op(op) for op, spelt in endpoint.api.operators}
    op, at = ops.get(name), f"{path}.{name}"
    if op is None:
        raise Refused(400, f"`{_shown(at)}`: there is no such operator")
    if value is None:
        if op not in (Op.EQ, Op.NE):
            raise Refused(400, f"`{at}` does not take null")
        return Test(field, Op.IS_NULL if op is Op.EQ else Op.NOT_NULL, None)
    if op in _NEEDS_ORDER and field.type not in ORDERED:
        raise Refused(400, f"`{at}` is for numbers and dates")
    if op in _NEEDS_TEXT:
        if field.type not in TEXTS:
            raise Refused(400, f"`{at}` is for texts")
        pattern = _text(value, at)
        if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
            raise Refused(400, f"`{at}` ends in a backslash that escapes nothing")
        return Test(field, op, pattern)
    return Test(field, op, _value(value, field, at))


# Values


def _value(value: object, field: Field, at: str) -> Scalar:
    """A value of JSON, or the text of a parameter, in its field's type."""
    match field.type:
        case FieldType.BOOLEAN:
            if isinstance(value, bool):
                return value
            raise Refused(400, f"`{at}` is true or false, not {_shown_value(value)}")
        case FieldType.INTEGER | FieldType.NUMBER:
            return _numeric(value, field, at)
        case FieldType.DATETIME | FieldType.DATE:
            return _moment(value, field, at)
    text = _text(value, at)
    if field.type is FieldType.ENUM and text not in field.values:
        raise Refused(400, f"`{at}` is one of {', '.join(field.values)}, not {_shown_value(text)}")
    return text


def _text(value: object, at: str) -> str:
    if not isinstance(value, str):
        raise Refused(400, f"`{at}` is a text, not {_shown_value(value)}")
    if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
        raise Refused(400, f"`{at}` holds a character that no text has")
    return value


def _numeric(value: object, field: Field, at: str) -> int | float:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63:
        return value
    if isinstance(value, float) and field.type is FieldType.NUMBER and abs(value) < float("inf"):
        return value
    kind = "a number" if field.type is FieldType.NUMBER else "a whole number of 64 bits"
    raise Refused(400, f"`{at}` is {kind}, not {_shown_value(value)}")


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(
    rf"{_DAY.pattern}(?:[Tt][0-9]{{2}}:[0-9]{{2}}(?::[0-9]{{2}}(?:\.[0-9]+)?)?(?:[Zz]|[+-][0-9]{{2}}:[0-9]{{2}})?)?"
)


def _moment(value: object, field: Field, at: str) -> Moment:
    """A day, or a time in ISO 8601; one without an offset is in UTC."""
    wanted = _DAY if field.type is FieldType.DATE else _TIME
    if isinstance(value, str) and wanted.fullmatch(value):
        try:
            read = datetime.fromisoformat(value.upper())
            instant = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
            return Moment(instant, value)
        except (ValueError, OverflowError):
            pass
    kind = "a day, as 2024-01-31" if field.type is FieldType.DATE else "a time in ISO 8601, as 2024-01-31T12:00:00Z"
    raise Refused(400, f"`{at}` is {kind}, not {_shown_value(value)}")


def _shown(text: str) -> str:
    """What a request holds, short and without what a terminal would obey."""
    short = text if len(text) <= 60 else text[:59] + "…"
    return "".join(char if char.isprintable() else "�" for char in short)


def _shown_value(value: object) -> str:
    if isinstance(value, str):
        return f"`{_shown(value)}`"
    names = {bool: "true or false", dict: "an object", list: "a list", type(None): "null"}
    return names.get(type(value), "a number")
