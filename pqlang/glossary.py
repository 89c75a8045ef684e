"""The words in which a query is explained: what each operator means, what a field is, how a value is read.

What the language means stands in the tables, what an API means comes from its schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC
from typing import TypeAlias

from pqlang import ast, patterns
from pqlang import diagnostics as say
from pqlang.condition import Moment, Scalar
from pqlang.diagnostics import Diagnostic
from pqlang.literals import read_literal
from pqlang.moments import Clock, read_period, utc_text
from pqlang.schema import DATES, Endpoint, Field, FieldType, Match
from pqlang.source import NOWHERE
from pqlang.spelling import quote

Facts: TypeAlias = "tuple[tuple[str, str], ...]"  # pairs of a label and a text

_MANY = "any number of characters, `_` for any one"
#: What is true of the field; two texts are for numbers and for times.
OPERATORS: dict[str, str | tuple[str, str]] = {
    "=": "is this value",
    "!=": "is another value",
    "<": ("is less than this", "is before this"),
    "<=": ("is this at most", "is this or before it"),
    ">": ("is greater than this", "is after this"),
    ">=": ("is this at least", "is this or after it"),
    "~": f"fits this pattern, where `%` stands for {_MANY}; capitals count",
    "!~": f"does not fit this pattern, where `%` stands for {_MANY}; capitals count",
    "~*": f"fits this pattern, where `%` stands for {_MANY}; capitals do not count",
    "!~*": f"does not fit this pattern, where `%` stands for {_MANY}; capitals do not count",
    "contains": "has this text in it; capitals do not count",
    "not contains": "does not have this text in it; capitals do not count",
    "starts with": "begins with this text; capitals do not count",
    "not starts with": "does not begin with this text; capitals do not count",
    "ends with": "ends with this text; capitals do not count",
    "not ends with": "does not end with this text; capitals do not count",
    "in": "is one of these values",
    "not in": "is none of these values",
    "between": "lies from the first to the second, both included",
    "not between": "lies outside the first and the second, both excluded",
    "on": "lies in this day, month or year of the query's zone",
    "not on": "lies outside this day, month or year of the query's zone",
    "is null": "has no value",
    "is not null": "has a value",
}
#: Fields whose values may differ in capitals alone.
TEXTS = frozenset({FieldType.STRING, FieldType.EMAIL, FieldType.OPEN_ENUM})
ALIASES = {"==": "=", ":": "=", "<>": "!=", "like": "~", "ilike": "~*", "not like": "!~", "not ilike": "!~*"}
PATTERNS = frozenset({"~", "!~", "~*", "!~*"})
PLAIN_TEXT = frozenset(name for name in OPERATORS if name.endswith(("contains", "with")))
NULLS = frozenset({"is null", "is not null"})
KEYWORDS = {
    "and": "both conditions hold; binds tighter than `or`",
    "or": "one of the conditions holds, or both; binds less tight than `and`",
    "not": "the condition does not hold; where it is unknown, because a field is null, `not` of it is unknown too, and"
    " the record does not match",
    "order by": "what the list is sorted by: one field, then `asc` or `desc`",
    "asc": "the smallest or earliest first; this is so without it",
    "desc": "the greatest or latest first",
}
GROUP = "what stands in parentheses is read first"
LIST = "the values of a list"
COMMA = "stands between the values of a list"
TRUE_ALONE = "alone it asks for `true`"
UNREAD = "part of what could not be read"
UNBOUND = "a value that is bound when the query is compiled; it is never text of the query"
NO_VALUE = "no value: the condition asks whether the field has one"


# Fields


def field_facts(field: Field, endpoint: Endpoint) -> Iterator[tuple[str, str]]:
    """What the schema knows of a field: its type and values, null, and which targets can say it."""
    yield "type", field.type.replace("datetime", "date-time")
    if field.values:
        meanings = field.meanings or ("",) * len(field.values)
        pairs = zip(field.values, meanings, strict=True)
        yield "values", say.listing([f"`{value}`" + (f" ({why})" if why else "") for value, why in pairs], "or")
    if field.to_many:
        yield "related", f"a record may have several `{field.relation}`, or none"
        null = f"`is null` asks for some `{field.relation}` without it, and is false where there is none"
        yield "null", null if field.nullable else f"no `{field.relation}` is without it"
    else:
        yield "null", "may be null" if field.nullable else "never null"
    yield "sort", f"`order by {field.name}`" if field.sort else "no"
    yield "JSON filter", _json_place(field, endpoint)
    yield "parameter", _parameter(field)
    if field.record is None and field.derived is None:
        yield "responses", "do not carry it"
    if field.json is not None and field.json.undocumented:
        note = field.json.undocumented
        yield "undocumented", f"the API's documentation does not say where the JSON filter takes this field; {note}"


def _json_place(field: Field, endpoint: Endpoint) -> str:
    if field.derived is not None:
        return f"by `{field.derived.base}`, which is {'' if field.derived.when_null else 'not '}null where it is true"
    place, api = field.json, endpoint.api
    if place is None:
        return "no"
    inner = place.name if place.is_id else f"{api.attributes_key}.{place.name}"
    return f"`{inner}`" if place.relation is None else f"`{api.relationships_key}.{place.relation}.{inner}`"


def _parameter(field: Field) -> str:
    param = field.param
    if param is None:
        return "no"
    said = f"`{param.name}`" + (", for a part of the text" if param.match is Match.PART else "")
    if param.many:
        said += f", several by `{param.many}`"
    if param.assumed is not None:
        assumed = str(param.assumed).lower() if isinstance(param.assumed, bool) else param.assumed
        said += f"; without it the API assumes `{field.name} = {assumed}`"
    return said


def free_text(endpoint: Endpoint, word: str) -> str:
    """What a text that stands alone asks for."""
    return f"free text: `{endpoint.search}` has {quote(word)} in it, in capitals or not"


# Operators


def meaning(operator: str, field: Field | None) -> str:
    """What is true of a field where the operator is."""
    means = OPERATORS[operator]
    if isinstance(means, tuple):
        return means[field is not None and field.type in DATES]
    if operator not in ("=", "!=") or (field is not None and field.type not in TEXTS):
        return means
    return f"{means}; {'in a text ' if field is None else ''}capitals count"


def null_rule(operator: str, field: Field | None) -> str:
    """What becomes of records whose field is null, or whose relation has nobody in it."""
    if field is not None and field.to_many:
        rule = f"true where some `{field.relation}` fits; false where there is none"
        return f"{rule}; `not` before the whole condition says that none fits" if _negative(operator) else rule
    if operator in NULLS:
        return "always true or false"
    if field is not None and not field.nullable:
        return f"`{field.name}` is never null"
    return "where the field is null this is unknown: such a record matches neither this nor `not` of it"


def _negative(operator: str) -> bool:
    return operator.startswith(("!", "not")) or operator == "is not null"


# Values


def literal(written: ast.Literal, field: Field, operator: str, clock: Clock) -> tuple[str, Facts]:
    """The reading of a literal in its field and after its operator."""
    if operator in PATTERNS:
        return _pattern(written.text), ()
    if operator in PLAIN_TEXT:
        return f"the text {quote(written.text)}, in which `%` and `_` are themselves", ()
    if written.is_null:
        return NO_VALUE, ()
    if operator.endswith("on") and field.type in DATES:
        read = read_period(written.text, written.quoted, NOWHERE, clock, days=field.type is FieldType.DATE)
        if not isinstance(read, tuple):
            return f"no value of `{field.name}`", ()
        start, following = read
        return f"from {start.text} up to {following.text}, which is excluded", _local(start, clock)
    return scalar(read_literal(written, field, clock, []), field, clock)


def scalar(read: Scalar | Diagnostic, field: Field, clock: Clock) -> tuple[str, Facts]:
    """A value of a field in words; a diagnostic, where there is none, says the rest by itself."""
    match read:
        case Diagnostic():
            return f"no value of `{field.name}`", ()
        case Moment():
            if field.type is FieldType.DATE:
                return f"the day {read.text}", ()
            return f"the instant {utc_text(read.at)}", _local(read, clock)
        case bool():
            return f"`{str(read).lower()}`", ()
        case int() | float():
            return f"the number {json.dumps(read)}", ()
    if read in field.values and field.meanings and (meaning := field.meanings[field.values.index(read)]):
        return meaning, ()
    return (f"a value of `{field.name}`" if read in field.values else f"the text {quote(read)}"), ()


def _local(moment: Moment, clock: Clock) -> Facts:
    """An instant as the clocks of the query's zone show it."""
    if clock.zone is UTC:
        return ()
    try:
        return ((clock.zone_name, moment.at.astimezone(clock.zone).isoformat()),)
    except OverflowError:  # in the first or the last hours that have a name
        return ()


def _pattern(pattern: str) -> str:
    """What a pattern fits, in words where there are some."""
    if (part := patterns.part_of(pattern)) is not None:
        return f"every text with {quote(part)} in it"
    if not patterns.has_wildcard(pattern):
        return f"the text {quote(pattern)} alone: there is no `%` or `_` in it"
    if pattern.endswith("%") and (stem := patterns.part_of(f"%{pattern}")) is not None:
        return f"every text that begins with {quote(stem)}"
    if pattern.startswith("%") and (stem := patterns.part_of(f"{pattern}%")) is not None:
        return f"every text that ends with {quote(stem)}"
    return f"a pattern: `%` stands for {_MANY}"
