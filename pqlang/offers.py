"""What may be written at a place of a query, as far as the schema and the language know: not yet matched or spelt.

The likeliest stand first: that is the order in which equally good matches are offered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC
from functools import lru_cache

from pqlang.ast import Literal, is_relative_time
from pqlang.formatter import value as spell_value
from pqlang.moments import Clock
from pqlang.schema import DATES, ORDERED, TEXTS, Endpoint, Field, FieldType
from pqlang.spelling import name as spell_name
from pqlang.valueclass import frozen


@frozen
class Offer:
    """Something that may be written. `shape` tells apart what reads differently to the parser."""

    label: str
    kind: str  # `field`, `operator`, `value`, `keyword` or `snippet`
    text: str
    detail: str = ""
    shape: str = ""
    open: bool = False  # whether something has to follow it, so that a blank is due behind it


# Operators

#: Each operator's words, what it says of a field, and what has to follow: a value, a list, nothing.
OPERATORS = {
    "=": ("is exactly", "value"),
    "!=": ("is another value; null is left out", "value"),
    "<": ("is less, or earlier", "value"),
    "<=": ("is at most, or not later", "value"),
    ">": ("is more, or later", "value"),
    ">=": ("is at least, or not earlier", "value"),
    "in": ("is one of a list", "list"),
    "not in": ("is none of a list; null is left out", "list"),
    "contains": ("has this text in it, in any case", "value"),
    "not contains": ("lacks this text, in any case; null is left out", "value"),
    "starts with": ("begins with this text, in any case", "value"),
    "not starts with": ("begins otherwise; null is left out", "value"),
    "ends with": ("ends with this text, in any case", "value"),
    "not ends with": ("ends otherwise; null is left out", "value"),
    "~": ("fits a pattern: % is any text, _ one character", "value"),
    "!~": ("does not fit a pattern; null is left out", "value"),
    "~*": ("fits a pattern in any case: % is any text, _ one character", "value"),
    "!~*": ("does not fit a pattern in any case; null is left out", "value"),
    "between": ("lies between two values, both included", "value"),
    "not between": ("lies outside two values; null is left out", "value"),
    "on": ("falls on a day, month or year", "value"),
    "not on": ("falls on no such day, month or year; null is left out", "value"),
    "is null": ("has no value", ""),
    "is not null": ("has a value", ""),
}
#: Other spellings, offered to who types them.
ALIASES = {"like": "~", "not like": "!~", "ilike": "~*", "not ilike": "!~*"}

_EQUALITY = ("=", "!=", "in", "not in")
_PARTS = ("contains", "starts with", "ends with")
_NO_PARTS = tuple(f"not {each}" for each in _PARTS)
_PATTERNS = ("~", "~*", "!~", "!~*")
_RANGES = (">", "<", ">=", "<=")
_LIKELY = {
    FieldType.STRING: ("=", "contains", "~", "starts with", "in", "!="),
    FieldType.EMAIL: ("=", "~", "ends with", "contains", "in", "!="),
    FieldType.NUMBER: ("=", *_RANGES, "between", "!=", "in"),
    FieldType.INTEGER: ("=", *_RANGES, "between", "!=", "in"),
    FieldType.DATETIME: (*_RANGES, "on", "between"),
    FieldType.DATE: (*_RANGES, "on", "between", "="),
}


def operators(field: Field | None) -> Iterator[Offer]:
    """The operators that a field's type allows, with `is null` where it may be null; all for an unknown field."""
    for words in operators_of(field):
        says, follows = OPERATORS[words]
        yield Offer(words, "operator", words + (" (" if follows == "list" else ""), says, _shape(words), follows != "")
    allowed = set(operators_of(field))
    for words, meant in ALIASES.items():
        if meant in allowed:
            yield Offer(words, "operator", words, OPERATORS[meant][0], _shape(words), True)


def operators_of(field: Field | None) -> tuple[str, ...]:
    """The operators that a field's type allows, the likeliest first."""
    if field is None:
        return tuple(OPERATORS)
    allowed = list(_EQUALITY)
    if field.type in ORDERED:
        allowed += (*_RANGES, "between", "not between")
    if field.type in DATES:
        allowed += ("on", "not on")
    if field.type in TEXTS:
        allowed += (*_PARTS, *_NO_PARTS, *_PATTERNS)
    if field.nullable:
        allowed += ("is null", "is not null")
    likely = tuple(words for words in _LIKELY.get(field.type, ()) if words in allowed)
    nulls = ("is null", "is not null") if field.nullable else ()
    return tuple(dict.fromkeys((*(likely or _EQUALITY), *nulls, *allowed)))


def _shape(words: str) -> str:
    """What the parser tells apart: the signs are alike, words differ."""
    return words if words[0].isalpha() else "sign"


# Fields


@lru_cache(32)
def fields(endpoint: Endpoint) -> tuple[Offer, ...]:
    """The fields of an endpoint, to be compared or, where boolean, to stand alone."""
    return tuple(_named(field, field.type is not FieldType.BOOLEAN) for field in endpoint.fields)


@lru_cache(32)
def sortable(endpoint: Endpoint) -> tuple[Offer, ...]:
    """The fields that an answer can be sorted by."""
    return tuple(_named(field, False) for field in endpoint.fields if field.sort is not None)


def _named(field: Field, open: bool) -> Offer:
    detail = f"{field.type}, {field.description}" if field.description else str(field.type)
    return Offer(field.name, "field", spell_name(field.name.split(".")), detail, "field", open)


# Values

_DAYS = ("today", "yesterday", "tomorrow")
#: The relative times that are offered to who has typed nothing.
USUAL = {
    FieldType.DATETIME: ("now-1h", "now-24h", "now-7d", "now-30d", "now-3mo", "now-1y", *_DAYS, "now"),
    FieldType.DATE: (*_DAYS, "today-7d", "today-30d"),
}
UNITS = {"min": "minutes", "h": "hours", "d": "days", "w": "weeks", "mo": "months", "y": "years"}
STEPS = ("1h", "1d", "7d", "30d", "1mo", "1y")  # what is offered behind a `+` or `-`
SAID = {
    "now": "this moment",
    "today": "the start of today",
    "yesterday": "the start of yesterday",
    "tomorrow": "the start of tomorrow",
}
#: What `on` is offered: two days, this month and the last, this year and the last.
PERIODS = ("from midnight to midnight", "the day before", "this month", "last month", "this year", "last year")


def values(field: Field, operator: tuple[str, ...], typed: str, quoted: bool, clock: Clock) -> Iterator[Offer]:
    """The values the schema or the language has for a field after an operator; none for a part of a text."""
    word = operator[0] if operator and operator[0] != "not" else " ".join(operator[1:2])
    if word in PART_WORDS:
        return
    for at, each in enumerate(field.values):
        yield value(each, field.meanings[at] if field.meanings else "")
    if quoted:
        return
    if field.type is FieldType.BOOLEAN:
        yield from (Offer(each, "value", each, shape="value") for each in ("true", "false"))
    if field.type in DATES:
        yield from _periods(clock) if word == "on" else _moments(typed, field)
    if field.nullable and word in ("=", "!=", "==", "<>", ":"):
        yield Offer("null", "value", "null", "no value", "value")


#: How the operators begin that ask for a part of a text, of which no list has values.
PART_WORDS = ("~", "!~", "~*", "!~*", "like", "ilike", "contains", "starts", "ends")


def value(text: str, detail: str = "") -> Offer:
    """A text as a value, in quotes where the bare word would read otherwise."""
    return Offer(text, "value", spell_value(Literal(text, True)), detail, "value")


def _moments(typed: str, field: Field) -> Iterator[Offer]:
    """Relative times: the usual ones, and those that the count being typed can become."""
    usual = USUAL[field.type]
    started = typed.lower().replace(" ", "")
    base = started.rstrip("0123456789")
    counted = [started + unit for unit in UNITS] if base != started and base[-1:] in ("+", "-") else []
    if started[-1:] in ("+", "-"):
        counted = [started + step for step in STEPS]
    for text in (*counted, *(each for each in usual if each not in counted)):
        if is_relative_time(text):
            yield Offer(text, "value", text, _said(text), "value")


def _said(text: str) -> str:
    """A relative time in words.

    >>> _said("now-7d"), _said("today+1mo")
    ('7 days ago', '1 month after the start of today')
    """
    if text in SAID:
        return SAID[text]
    if text.count("-") + text.count("+") > 1:
        return ""  # of several steps: they say it best themselves
    sign = "-" if "-" in text else "+"
    base, _, step = text.partition(sign)
    count = step.rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = UNITS.get(step[len(count) :], step[len(count) :])
    span = f"{count} {unit.removesuffix('s') if count == '1' else unit}"
    if base == "now":
        return f"{span} ago" if sign == "-" else f"in {span}"
    return f"{span} {'before' if sign == '-' else 'after'} {SAID.get(base, base)}"


def _periods(clock: Clock) -> Iterator[Offer]:
    """Days, months and years that `on` takes."""
    now = clock.now.astimezone(UTC if clock.zone is None else clock.zone)
    month_before = (now.year, now.month - 1) if now.month > 1 else (now.year - 1, 12)
    months = (f"{year:04}-{month:02}" for year, month in ((now.year, now.month), month_before))
    texts = ("today", "yesterday", *months, f"{now.year:04}", f"{now.year - 1:04}")
    yield from (Offer(text, "value", text, says, "value") for text, says in zip(texts, PERIODS, strict=True))


def variables(names: Iterable[str]) -> Iterator[Offer]:
    """The names bound beside the query."""
    yield from (Offer(f"${name}", "value", f"${name}", "variable", "value") for name in names)


# Words of the language, and whole queries

KEYWORDS = {
    "and": "both hold",
    "or": "one of them holds",
    "not": "the next condition does not hold",
    "order by": "sort the answer by a field",
    "asc": "smallest or earliest first",
    "desc": "largest or latest first",
    "(": "opens the list",
    ")": "closes the bracket",
    ",": "another value",
}


def keyword(words: str) -> Offer:
    """A word of the language or a closing sign."""
    return Offer(words, "keyword", words, KEYWORDS[words], words, words not in ("(", ")", "asc", "desc"))


#: What stands between the two ends of `between`.
BETWEEN_AND = Offer("and", "keyword", "and", "then the upper end", "and", True)


def examples(endpoint: Endpoint) -> Iterator[Offer]:
    """Whole queries, for who has typed nothing yet."""
    yield from (Offer(query, "snippet", query, "an example", "query") for query in endpoint.examples)
