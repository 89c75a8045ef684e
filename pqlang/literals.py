"""Literals and bound values to the values of a field, by the field's type alone, never by their looks.

Each reader takes what was written and gives the value, or a `Diagnostic` that says why there is none. Warnings go
to the list it is given.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from enum import Enum
from typing import TypeAlias

from pqlang import diagnostics as say
from pqlang.ast import Literal, is_relative_time
from pqlang.condition import Moment, Scalar
from pqlang.diagnostics import Diagnostic, Suggestion
from pqlang.moments import (
    DAY_WORDS,
    Clock,
    is_bare_day,
    next_day,
    read_date,
    read_datetime,
    read_day,
    read_moment,
    read_relative,
)
from pqlang.names import close_matches
from pqlang.schema import Field, FieldType
from pqlang.source import Span
from pqlang.spelling import bare
from pqlang.valueclass import replace

Read: TypeAlias = "Scalar | Diagnostic"
INFINITY = float("inf")
INTEGER = re.compile(r"[+-]?[0-9]{1,19}")  # nothing longer fits 64 bits
NUMBER = re.compile(r"[+-]?(?:[0-9]{1,300}\.?[0-9]{0,300}|\.[0-9]{1,300})(?:[eE][+-]?[0-9]{1,4})?")
UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_YES = {
    "yes": "true",
    "y": "true",
    "1": "true",
    "on": "true",
    "no": "false",
    "n": "false",
    "0": "false",
    "off": "false",
}


def read_literal(literal: Literal, field: Field, clock: Clock, notes: list[Diagnostic]) -> Read:
    """The value a literal stands for in a field; bare `null` is the caller's matter."""
    return _READERS[field.type](literal, field, clock, notes)


def _text(literal: Literal, field: Field, clock: Clock, notes: list[Diagnostic]) -> Read:
    return say.mixed_blanks(literal.span, literal.text) if is_spaced_time(literal) else literal.text


def is_spaced_time(literal: Literal) -> bool:
    """Whether it is a relative time with blanks in it, `now - 7 days`: one value on date-time fields only."""
    text = literal.text
    return not literal.quoted and len(text.split()) > 1 and is_relative_time(text)


def _enum(literal: Literal, field: Field, clock: Clock, notes: list[Diagnostic]) -> Read:
    text = literal.text
    if text in field.values:
        return text
    return say.unknown_value(literal.span, text, field.name, field.values, close_values(text, field.values))


def _open_enum(literal: Literal, field: Field, clock: Clock, notes: list[Diagnostic]) -> Read:
    text = _text(literal, field, clock, notes)
    if isinstance(text, str) and text not in field.values:
        close = close_values(text, field.values)
        notes.append(say.open_value(literal.span, text, field.name, field.values, close))
    return text


def _boolean(literal: Literal, field: Field, clock: Clock, notes: list[Diagnostic]) -> Read:
    word = literal.text.lower()
    if word in ("true", "false"):
        if literal.quoted:
            return say.quoted_value(literal.span, word, field.name, field.type)
        return word == "true"
    meant = _YES.get(word)
    edits = (Suggestion(f"use `{meant}`", literal.span, meant),) if meant else ()
    return say.wrong_value(literal.span, literal.text, field.name, field.type, "", edits)


def _integer(literal: Literal, field: Field, clock: Clock, notes: list[Diagnostic]) -> Read:
    number = int(literal.text) if INTEGER.fullmatch(literal.text) else None
    if number is None or not fits(number):
        help = "whole numbers of 64 bits, written without separators"
        return say.wrong_value(literal.span, literal.text, field.name, field.type, help)
    if literal.quoted:
        return say.quoted_value(literal.span, literal.text, field.name, field.type)
    return number


def _number(literal: Literal, field: Field, clock: Clock, notes: list[Diagnostic]) -> Read:
    number = _exact(literal.text) if NUMBER.fullmatch(literal.text) else None
    if number is None:
        help = "numbers are written as `12` or `1.5`, with no more digits than a JSON number keeps"
        return say.wrong_value(literal.span, literal.text, field.name, field.type, help)
    if literal.quoted:
        return say.quoted_value(literal.span, literal.text, field.name, field.type)
    return number


def fits(number: int) -> bool:
    """Whether a whole number has 64 bits at most."""
    return -(2**63) <= number < 2**63


def _exact(text: str) -> int | float | None:
    """The number a text stands for; None where JSON would carry another: `1e-400` as 0, twenty digits as seventeen."""
    if INTEGER.fullmatch(text):
        return int(text) if fits(int(text)) else None
    number = float(text)
    if not -INFINITY < number < INFINITY:
        return None
    from decimal import Decimal  # only fractions are compared

    return number if Decimal(repr(number)) == Decimal(text) else None


def _datetime(literal: Literal, field: Field, clock: Clock, notes: list[Diagnostic]) -> Read:
    text, span = literal.text, literal.span
    moment = read_moment(text, span, clock)
    if moment is None and not literal.quoted:
        moment = read_relative(text, span, clock)
    return moment or _no_date(literal, field, "`2024-01-15`, `2024-01-15T09:30:00Z` or `now-7d`")


def _date(literal: Literal, field: Field, clock: Clock, notes: list[Diagnostic]) -> Read:
    day: Moment | Diagnostic | None = read_day(literal.text, literal.span)
    if day is None and not literal.quoted:
        day = read_relative(literal.text, literal.span, clock, days=True)
    return day or _no_date(literal, field, "`2024-01-15` or `today-7d`")


def _no_date(literal: Literal, field: Field, examples: str) -> Diagnostic:
    """A text that is no date, with the date it was most likely meant to be."""
    text, span = literal.text, literal.span
    if literal.quoted and is_relative_time(text):
        return say.quoted_time(span, text)
    fixed = None
    if parts := re.fullmatch(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})", text):
        fixed = f"{parts[1]}-{parts[2]:0>2}-{parts[3]:0>2}"
    elif re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ tT][0-9:.]+(?:[zZ]|[+-][0-9]{2}:?[0-9]{2})?", text):
        fixed = re.sub(r"([+-][0-9]{2})([0-9]{2})$", r"\1:\2", f"{text[:10]}T{text[11:]}").upper()
    if fixed and (read_moment(fixed, span, Clock(datetime.min)) is None or fixed == text):
        fixed = None
    edits = (Suggestion(f"use `{fixed}`", span, fixed),) if fixed else ()
    whole = re.fullmatch(r"[0-9]{4}(?:-[0-9]{2})?", text)
    help = f"a month or a year goes with `on`: `{field.name} on {text}`" if whole else f"for example {examples}"
    return say.wrong_value(span, text, field.name, field.type.replace("datetime", "date-time"), help, edits)


def _uuid(literal: Literal, field: Field, clock: Clock, notes: list[Diagnostic]) -> Read:
    if not UUID.fullmatch(literal.text):
        example = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
        notes.append(say.odd_form(literal.span, literal.text, field.name, field.type, example))
    return _text(literal, field, clock, notes)


def _email(literal: Literal, field: Field, clock: Clock, notes: list[Diagnostic]) -> Read:
    if not EMAIL.fullmatch(literal.text):
        notes.append(say.odd_form(literal.span, literal.text, field.name, field.type, "ann@acme.com"))
    return _text(literal, field, clock, notes)


_READERS: dict[FieldType, Callable[[Literal, Field, Clock, list[Diagnostic]], Read]] = {
    FieldType.STRING: _text,
    FieldType.ENUM: _enum,
    FieldType.OPEN_ENUM: _open_enum,
    FieldType.BOOLEAN: _boolean,
    FieldType.INTEGER: _integer,
    FieldType.NUMBER: _number,
    FieldType.DATETIME: _datetime,
    FieldType.DATE: _date,
    FieldType.UUID: _uuid,
    FieldType.EMAIL: _email,
}


def close_values(text: str, values: tuple[str, ...]) -> list[str]:
    """The values that a wrong one was most likely meant to be, the likeliest first."""
    folded: dict[str, str] = {}
    for value in values:
        folded.setdefault(_fold(value), value)
    wanted = _fold(text)
    close = [folded[name] for name in close_matches(wanted, folded, 3)]
    starts = [value for name, value in folded.items() if wanted and name.startswith(wanted)]
    return list(dict.fromkeys([*(v for v in [folded.get(wanted)] if v), *starts, *close]))[:3]


def _fold(name: str) -> str:
    return re.sub(r"[\s_.-]+", "", name).lower()


# Bound values


def read_bound(name: str, value: object, span: Span, field: Field, clock: Clock, notes: list[Diagnostic]) -> Read:
    """The value a variable brings to a field. None (null) and lists are the caller's matter.

    A text is read as a quoted literal is: it may name a date or an enum value, never a number or a relative time.
    """
    if isinstance(value, Enum):
        value = value.value
    if type(value).__module__ == "uuid":  # a `UUID`, whose module is dear to import
        value = str(value)
    type_ = field.type
    if type_ is FieldType.BOOLEAN and isinstance(value, bool):
        return value
    if type_ in (FieldType.INTEGER, FieldType.NUMBER) and isinstance(value, int) and not isinstance(value, bool):
        return (
            int(value)
            if fits(value)
            else say.bound_value(span, name, value, field.name, type_, "it has more than 64 bits")
        )
    if type_ is FieldType.NUMBER and isinstance(value, float) and -INFINITY < value < INFINITY:
        return float(value)
    if type_ is FieldType.DATETIME and isinstance(value, date):
        moment = read_datetime(value, clock) if isinstance(value, datetime) else read_date(value, clock)
        return moment or say.bound_value(span, name, value, field.name, type_, "that time is outside what can be sent")
    if type_ is FieldType.DATE and isinstance(value, date) and not isinstance(value, datetime):
        return read_day(value.isoformat(), span) or say.bound_value(span, name, value, field.name, type_)
    if isinstance(value, str) and type_ not in (FieldType.BOOLEAN, FieldType.INTEGER, FieldType.NUMBER):
        try:
            literal = Literal(str(value), True, span=span)
        except ValueError:
            return say.bound_value(span, name, value, field.name, type_, "it holds NUL or half a surrogate pair")
        found: list[Diagnostic] = []
        read = read_literal(literal, field, clock, found)
        notes += [replace(each, suggestions=()) for each in found]  # an edit of the text does not reach a bound value
        return replace(read, suggestions=()) if isinstance(read, Diagnostic) else read
    return say.bound_value(span, name, value, field.name, type_)


# Edits for bare days


def names_day(literal: Literal) -> bool:
    """Whether a literal names a day and no time of it, by its date or as `today`."""
    return is_bare_day(literal.text) or (not literal.quoted and literal.text.lower() in DAY_WORDS)


def day_edits(path: str, op: str, text: str, negated: bool, whole: Span) -> tuple[Suggestion, ...]:
    """What is meant where a comparison names a day without a time: the whole day, or up to the next one."""
    following = next_day(text)
    if op in ("=", "!="):
        word = "not on" if negated or op == "!=" else "on"
        return (Suggestion(f"use `{word}`", whole, f"{path} {word} {text}"),)
    if following is None:
        return ()
    return (Suggestion("include the day", whole, f"{path} < {bare(following)}"),)
