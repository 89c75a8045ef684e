"""A short way for plain queries: each condition at once from text to value, by one regular expression made of the
grammar's own terminals.

Everything here is also done, and defined, by the modules that `compiler` chains; this one may be deleted without
changing any result. Whatever it does not recognise at once (any mistake, most of what is worth a message, whatever is
not `field op value`, a list or a null test) it leaves to the reference way by giving None. `tests/test_express.py`
holds the two against each other, spans and all.

`push` is for conditions joined by `and`, which one request may say; `check` for any nesting of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeAlias

from pqlang._tables import KINDS, PATTERNS
from pqlang.condition import All, Moment, Op, Scalar, Test
from pqlang.diagnostics import Diagnostic
from pqlang.pushdown import push_down
from pqlang.schema import ORDERED, TEXTS, Derived, Endpoint, Field, FieldType
from pqlang.source import NOWHERE, Limits, Span, span_of

Match: TypeAlias = "Callable[[str, int], re.Match[str] | None]"

_EQ, _NE, _IS_NULL, _NOT_NULL = Op.EQ, Op.NE, Op.IS_NULL, Op.NOT_NULL  # looked up once
_OPS = {"==": Op.EQ, ":": Op.EQ, "<>": Op.NE} | {str(op): op for op in Op if not op[0].isalpha()}
_LOWER, _UPPER = frozenset({Op.GT, Op.GE}), frozenset({Op.LT, Op.LE})
_BOUNDS = _LOWER | _UPPER
_PATTERNS = frozenset({Op.LIKE, Op.ILIKE})
_NO_WORD = "$`“”„‟«»‘’‚‛"  # what no word starts with: half a quote, a variable


# What is matched: the terminals without what a look at the word does as well


def _terminal(kind: str) -> str:
    return PATTERNS[KINDS.index(kind)]


def _part_of(kind: str) -> str:
    """A character of those that the grammar lets a name, or a word, be made of; a dot is one of a name's."""
    found = re.search(r"\(\?!(\[\^.*?\])\)", _terminal(kind))
    assert found is not None
    return found[1]


_BLANK = r"[ \t\r\n\xa0]"
_END = rf"(?=[ \t\r\n\xa0()]|{_terminal('$END')})"  # behind a keyword


def _word(kind: str, end: str = _END) -> str:
    """A keyword, which here has to have a blank, a bracket or the end behind it."""
    return _terminal(kind).partition("(?![^")[0] + end


def _value_word() -> str:
    """A word that stands for itself: no keyword, and not null."""
    part = _part_of("WORD")
    kept = "|".join(_word(kind, f"(?!{part})") for kind in ("AND", "OR", "NOT", "NULL"))
    return f"(?![{_NO_WORD}]|{kept}){part}+"


@cache
def _plain() -> Match:
    """One condition, and what follows it: `and`, or an order, or nothing and the end."""
    following = rf"{_BLANK}+({_word('AND')})|{_BLANK}+({_terminal('ORDER_BY')})|{_BLANK}*{_terminal('$END')}"
    return re.compile(rf"{_BLANK}*{_comparison()}(?:{following})").match


@cache
def _nested() -> Match:
    """One condition with the brackets and `not`s before it, the brackets behind it, and the `and` or `or`.

    The condition may be nothing but a field: a flag.
    """
    item = f"(?:{_value_word()}|{_QUOTED})"
    listed = rf"|{_BLANK}+{_word('IN')}{_BLANK}*\(({_BLANK}*{item}(?:{_BLANK}*,{_BLANK}*{item})*{_BLANK}*)\)"
    opening = rf"((?:(?:\(|{_word('NOT')}){_BLANK}*)*)"
    apart = rf"(?:{_BLANK}+|(?<=[)\"'])){_BLANK}*"
    following = rf"{apart}(?:({_word('AND')})|({_word('OR')}))|{_BLANK}*{_terminal('$END')}"
    return re.compile(rf"{_BLANK}*{opening}{_comparison(f'{listed}|')}((?:{_BLANK}*\))*)(?:{following})").match


_QUOTED = r"""(?:"[^"\\]*"|'[^'\\]*')"""  # without escapes


def _comparison(otherwise: str = "") -> str:
    """A field and its operator with a word or a text in quotes, or its null test: seven groups, the whole one first."""
    null = rf"({_BLANK}+{_word('IS')}{_BLANK}+({_word('NOT')}{_BLANK}+)?{_word('NULL')})"
    value = rf"{_BLANK}*({_terminal('OP')})(?!\*){_BLANK}*(?:({_value_word()})|({_QUOTED}))"
    return f"(({_part_of('FIELD')}+)(?:{value}|{null}{otherwise}))"


@cache
def _order() -> Match:
    """What follows `order by`, to the end."""
    direction = f"(?:{_BLANK}+(?:{_word('ASC')}|({_word('DESC')})))?"
    return re.compile(rf"{_BLANK}+({_part_of('FIELD')}+){direction}{_BLANK}*{_terminal('$END')}").match


@cache
def _items() -> Callable[[str], list[tuple[str, str]]]:
    """The words and the quoted texts of a list."""
    return re.compile(f"({_part_of('WORD')}+)|({_QUOTED})").findall


# Conditions joined by `and`


Sent: TypeAlias = "tuple[str, tuple[Test, ...], str | None, tuple[Diagnostic, ...]]"  # target, tests, sort, problems


def push(text: str, endpoint: Endpoint, target: str) -> Sent | None:
    """What to send for a text without variables, read in UTC: the request's target, tests, `sort` and problems.

    None where the reference way must say: most often because there is something to say.
    """
    match, fields, operators = _plain(), endpoint.by_word, endpoint.operators_of
    tests: list[Test] = []
    problems: list[Diagnostic] = []
    at = 0
    while True:
        found = match(text, at)
        if found is None:
            return None
        _, name, sign, word, quoted, null, negated, joined, ordered = found.groups()
        field = fields.get(name)
        if field is None:
            return None
        span = span_of(found.span(1))
        if null is None:
            op = _OPS[sign]
            value = _value(field, op, word, quoted)
            if value is None:
                return None
            if type(value) is Moment and _is_bare_day(op, word or quoted):
                problems.append(_bare_day(field, op, word or quoted, span))
        elif field.nullable and not field.to_many and field.derived is None:
            op, value = _NOT_NULL if negated else _IS_NULL, None
        else:
            return None
        if field.derived is not None:
            field, op = stood_for(field.derived, op, value, endpoint)
            value = None
            if not field.nullable:
                return None
        if (place := field.json) is None or place.undocumented or op not in operators:
            return None
        tests.append(Test(field, op, value, span))
        at = found.end()
        if joined is None:
            break
    if len(tests) > 1 and len({test.field.name for test in tests}) < len(tests):
        bounded = _tightest(tests) if target == "json" else None
        if bounded is None:
            return None
        tests = bounded
    sort = None
    if ordered is not None:
        sort = _sort(text, at, endpoint)
        if sort is None:
            return None
    if target == "json":
        return "json", tuple(tests), sort, tuple(problems)
    pushed, refused = push_down(tests[0] if len(tests) == 1 else All(tuple(tests)), endpoint, target)
    return None if pushed is None or refused else (pushed.target, pushed.tests, sort, tuple(problems))


def _sort(text: str, at: int, endpoint: Endpoint) -> str | None:
    """The value of `sort` for what follows `order by`; None where that is not plain."""
    found = _order()(text, at)
    field = None if found is None else endpoint.by_word.get(found[1])
    if found is None or field is None or field.sort is None:
        return None
    return (endpoint.api.descending_prefix if found[2] else "") + field.sort


def _tightest(tests: list[Test]) -> list[Test] | None:
    """The tests with one in place of several of one operator on one field: the bound that the others are wider than.

    None where anything else is asked of a field twice.
    """
    kept: dict[str, Test] = {}
    for test in tests:
        name, other = test.field.name, kept.get(test.field.name)
        if other is None:
            kept[name] = test
        elif other.op is not test.op or test.op not in _BOUNDS or type(test.value) is Moment:
            return None
        elif (test.value > other.value) is (test.op in _LOWER) and test.value != other.value:  # type: ignore[operator]
            kept[name] = Test(test.field, test.op, test.value, other.span)
    return list(kept.values())


# Conditions in brackets


def check(text: str, endpoint: Endpoint, limits: Limits) -> list[Diagnostic] | None:
    """The problems of a text without variables, read in UTC: days that were not meant as midnight, or none.

    None where the reference way must say. A field may stand in one group alone, and there twice where no contradiction
    and no tautology can come of it: equal to one value or another, and between two bounds.
    """
    match, fields = _nested(), endpoint.by_word
    problems: list[Diagnostic] = []
    seen: dict[str, _Asked] = {}
    joins: list[str | None] = [None]  # of each group, by its number: `and`, `or`, None before either has come
    around: list[int] = []  # the groups around the one that is being read
    group = depth = at = 0
    while True:
        found = match(text, at)
        if found is None:
            return None
        opening, _, name, sign, word, quoted, null, _, listed, closing, joined, either = found.groups()
        field = fields.get(name)
        if field is None or field.to_many:
            return None
        if opening:
            brackets = opening.count("(")
            depth += brackets + opening.lower().count("not")
            for _ in range(brackets):
                around.append(group)
                group = len(joins)
                joins.append(None)
        asked: _Asked = (group, Op.EQ, None)
        if sign is not None:
            op = _OPS[sign]
            value = _value(field, op, word, quoted)
            if value is None:
                return None
            if type(value) is Moment and _is_bare_day(op, word or quoted):
                if closing and opening.rstrip().endswith("("):  # its edit would take the place of the brackets too
                    return None
                problems.append(_bare_day(field, op, word or quoted, span_of(found.span(2))))
            asked = (group, op, value)
        elif listed is not None:
            if not _reads_all(listed, field, limits):
                return None
        elif field.type is not FieldType.BOOLEAN if null is None else not field.nullable or field.derived is not None:
            return None
        if field.derived is not None:
            name, asked = field.derived.base, (group, Op.EQ, None)
            if not endpoint.by_name[name].nullable:
                return None
        if opening and opening.rpartition("(")[2].strip():  # a `not` of its own: it goes with no other
            asked = (group, Op.NE, None)
        if name in seen and not _goes_with(seen[name], asked, joins[group], field):
            return None
        seen[name] = asked if name not in seen else _tighter(seen[name], asked)
        for _ in range(closing.count(")")) if closing else ():
            if not around:
                return None
            group = around.pop()
        join = joined or either
        if join is None:
            return None if around or depth > limits.depth else problems
        join = "and" if either is None else "or"
        if (joins[group] or join) != join:
            return None
        joins[group] = join
        at = found.end()


_Asked: TypeAlias = "tuple[int, Op, Scalar | None]"  # in which group, and of which value; None for a null test


def _goes_with(before: _Asked, asked: _Asked, join: str | None, field: Field) -> bool:
    """Whether two conditions on one field can neither contradict each other nor leave nothing out.

    In an `or`, two values of a field that has others; in an `and`, two bounds with more than a value between them.
    """
    (group, op, value), (again, other, limit) = before, asked
    if group != again or value is None or limit is None:
        return False
    if join == "or":
        return op is other is Op.EQ and field.type not in (FieldType.ENUM, FieldType.BOOLEAN)
    if op not in _BOUNDS or other not in _BOUNDS:
        return False
    if (op in _LOWER) is (other in _LOWER):
        return op is other
    return _apart(value, limit) if op in _LOWER else _apart(limit, value)


def _apart(low: Scalar, high: Scalar) -> bool:
    """Whether more than one value lies between two bounds."""
    if isinstance(low, int) and isinstance(high, int):
        return high - low > 2
    return isinstance(low, Moment) and isinstance(high, Moment) and low < high


def _tighter(before: _Asked, asked: _Asked) -> _Asked:
    """What is remembered of two that go together: of bounds on one side the tighter, of two sides neither."""
    op, value = asked[1], asked[2]
    if op is not before[1]:
        return asked[0], Op.NE, None  # a third has to be looked at by others
    if op is Op.EQ:
        return asked
    return asked if (value > before[2]) is (op in _LOWER) else before  # type: ignore[operator]


def _reads_all(listed: str, field: Field, limits: Limits) -> bool:
    """Whether every member of a list is a plain value of the field, and the list leaves a value out."""
    items = _items()(listed)
    read = _READ[field.type][Op.EQ]
    if len(items) > limits.values or field.type is FieldType.BOOLEAN:
        return False
    for word, quoted in items:
        if not quoted.isprintable() or read(word or quoted[1:-1], not word, field) is None:
            return False
    return field.type is not FieldType.ENUM or len(items) < len(field.values)


# One condition


def _value(field: Field, op: Op, word: str | None, quoted: str) -> Scalar | None:
    """The value of `field op value`, where its reading is plain and nothing is to be said about it."""
    if op is _NE and (field.nullable or field.to_many):
        return None
    read = _READ[field.type][op]
    if word is not None:
        return read(word, False, field)
    return read(quoted[1:-1], True, field) if quoted.isprintable() else None


def stood_for(derived: Derived, op: Op, value: object, endpoint: Endpoint) -> tuple[Field, Op]:
    """What `= true`, or another equality, asks of a boolean that stands for a null: the field, and its null test."""
    is_null = (value is derived.when_null) is (op is _EQ)
    return endpoint.by_name[derived.base], _IS_NULL if is_null else _NOT_NULL


def _is_bare_day(op: Op, written: str) -> bool:
    """Whether a time that is asked for by a day may be meant as the whole day."""
    return (op is _EQ or op is Op.LE) and len(written.strip("\"'")) == 10


def _bare_day(field: Field, op: Op, written: str, whole: Span) -> Diagnostic:
    """The warning for a time that is compared with a day, as `resolver` gives it."""
    from pqlang import diagnostics as say
    from pqlang.literals import day_edits

    edits = day_edits(field.name, str(op), written.strip("\"'"), False, whole)
    return say.bare_day(Span(whole.end - len(written), whole.end), str(op), edits)


# The readings of `literals` that need no words


def _text(text: str, quoted: bool, field: Field) -> Scalar | None:
    return text


def _listed(text: str, quoted: bool, field: Field) -> Scalar | None:
    return text if text in field.values else None


def _boolean(text: str, quoted: bool, field: Field) -> Scalar | None:
    return None if quoted else {"true": True, "false": False}.get(text.lower())


def _integer(text: str, quoted: bool, field: Field) -> Scalar | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 and not quoted else None


def _moment(text: str, quoted: bool, field: Field) -> Scalar | None:
    moments = _moments()
    moment = moments.read_moment(text, NOWHERE, moments.UTC_CLOCK)
    return moment if type(moment) is Moment else None


def _uuid(text: str, quoted: bool, field: Field) -> Scalar | None:
    return text if _shape("UUID").fullmatch(text) else None


def _email(text: str, quoted: bool, field: Field) -> Scalar | None:
    return text if _shape("EMAIL").fullmatch(text) else None


def _other(text: str, quoted: bool, field: Field) -> Scalar | None:
    return None


def _pattern(text: str, quoted: bool, field: Field) -> Scalar | None:
    return text if "%" in text and "\\" not in text else None


@cache
def _moments() -> Any:
    """The module that reads times: few queries have one."""
    from pqlang import moments

    return moments


@cache
def _shape(name: str) -> re.Pattern[str]:
    from pqlang import literals

    found: re.Pattern[str] = getattr(literals, name)
    return found


Reader: TypeAlias = "Callable[[str, bool, Field], Scalar | None]"  # of a text, that is in quotes or not

_OF_TYPE: Mapping[FieldType, Reader] = {
    FieldType.STRING: _text,
    FieldType.ENUM: _listed,
    FieldType.OPEN_ENUM: _listed,
    FieldType.BOOLEAN: _boolean,
    FieldType.INTEGER: _integer,
    FieldType.DATETIME: _moment,
    FieldType.UUID: _uuid,
    FieldType.EMAIL: _email,
}


def _readers(kind: FieldType) -> dict[Op, Reader]:
    """How a field of a type reads what stands behind each operator."""
    read = _OF_TYPE.get(kind, _other)
    return (
        dict.fromkeys(Op, _other)
        | {Op.EQ: read, Op.NE: read}
        | (dict.fromkeys(_BOUNDS, read) if kind in ORDERED else {})
        | (dict.fromkeys(_PATTERNS, _pattern) if kind in TEXTS else {})
    )


_READ: Mapping[FieldType, Mapping[Op, Reader]] = {kind: _readers(kind) for kind in FieldType}


def reader(field: Field, op: Op) -> Reader | None:
    """How a field reads what stands behind an operator; None where that is left to others."""
    read = _READ[field.type][op]
    return None if read is _other or (op is _NE and (field.nullable or field.to_many)) else read


def may_ask_for_now(text: str) -> bool:
    """Whether a text holds a word of the present time, in whatever sense."""
    return _present()(text) is not None


@cache
def _present() -> Callable[[str], re.Match[str] | None]:
    return re.compile("now|today|yesterday|tomorrow", re.IGNORECASE).search
