"""A condition as a test on a response record: three-valued, over to-one and to-many relations. LANGUAGE, "Meaning".

A condition is made once into functions from a record to True, False or None (unknown). Depth is bounded by the
limit on queries; the number of choices by the records related. `predicate_code` says the same faster.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import product
from typing import Any as Anything
from typing import TypeAlias, assert_never

from pqlang import diagnostics as say
from pqlang.condition import SENSES, All, Any, Condition, Moment, Not, Op, Test
from pqlang.diagnostics import PqlError
from pqlang.normaliser import touches_many
from pqlang.schema import Field, FieldType
from pqlang.source import Source

Record: TypeAlias = Mapping[str, Anything]
Truth: TypeAlias = "bool | None"
Choice: TypeAlias = "Mapping[str, Mapping[str, Anything] | None]"  # relation -> the related record chosen, or none
Tested: TypeAlias = "Callable[[Record, Choice], Truth]"
NO_CHOICE: Choice = {}
SEALED = ""  # the key beside the relations of a choice under which the values of sealed groups are kept


def uncarried(condition: Condition) -> Iterator[Test]:
    """The tests on fields that a response record does not carry, with which nothing can be tested locally."""
    if isinstance(condition, Test):
        if condition.field.record is None:
            yield condition
    else:
        operands = (condition.operand,) if isinstance(condition, Not) else condition.operands
        for operand in operands:
            yield from uncarried(operand)


def selector(condition: Condition) -> Callable[[Record], bool]:
    """Whether a condition is true of a record shaped as a response; a missing key is null.

    A record is looked at until that is decided, and the function raises PqlError where it is of another shape there.
    """
    tested = group(condition, unknown=False)
    return lambda record: tested(as_object(record, "the record"), NO_CHOICE) is True


# Groups


def group(condition: Condition, unknown: Truth = None) -> Tested:
    """A group's value: the best over all choices of one related record, or none, for each to-many relation in it.

    Who only asks whether it is true has False for `unknown`: then the first part that is not true decides an *and*.
    """
    inner = _expression(condition, unknown)
    keys = relations(condition)
    if not keys:
        return inner

    def best(record: Record, choice: Choice) -> Truth:
        chosen_from = [[*related(record, key), None] for key in keys.values()]
        found: Truth = False
        known: dict[str, Anything] = {}
        for chosen in product(*chosen_from):
            value = inner(record, {**dict(zip(keys, chosen, strict=True)), SEALED: known})
            if value:
                return True
            if value is None:
                found = None
        return found

    return best


def relations(condition: Condition) -> dict[str, str]:
    """The to-many relations of a group, each with the key of a record under which the related records stand."""
    fields = {field.relation or "": field for field in _many_fields(condition)}
    return {relation: (field.record or (relation,))[0] for relation, field in fields.items()}


def _many_fields(condition: Condition) -> Iterator[Field]:
    """The to-many fields of a group, which ends at its `not`s."""
    if isinstance(condition, Test):
        if condition.field.to_many:
            yield condition.field
    elif not isinstance(condition, Not):
        for operand in condition.operands:
            yield from _many_fields(operand)


def related(record: Record, key: str) -> list[Anything]:
    """The related records under a key of a record; raises PqlError where something else stands there."""
    found = record.get(key)
    if found is None:
        return []
    if not isinstance(found, list | tuple) or not all(isinstance(each, Mapping) for each in found):
        raise _misshapen(key, found, "a list of objects")
    return list(found)


def _expression(condition: Condition, unknown: Truth) -> Tested:
    match condition:
        case Test():
            return _test(condition, unknown)
        case Not():
            if touches_many(condition.operand):
                return _sealed(group(condition.operand), unknown)
            inner = _expression(condition.operand, None)
            return lambda record, choice: unknown if (value := inner(record, choice)) is None else not value
        case All() | Any():
            parts = [_expression(operand, unknown) for operand in condition.operands]
            return _joined(parts, isinstance(condition, Any))
        case _:
            assert_never(condition)


def _sealed(inner: Tested, unknown: Truth) -> Tested:
    """A `not` around a group of its own. Whatever is chosen around it its value is the same, so it is found once:
    else nested groups would take the number of choices to the power of their depth."""
    name = str(id(inner))

    def sealed(record: Record, choice: Choice) -> Truth:
        known = choice.get(SEALED)
        value = inner(record, choice) if known is None or name not in known else known[name]
        if known is not None:
            known[name] = value  # type: ignore[index]
        return unknown if value is None else not value

    return sealed


def _joined(parts: list[Tested], decides: bool) -> Tested:
    """Kleene's *and* (`decides` False: one false part decides) or *or* (one true part does)."""

    def joined(record: Record, choice: Choice) -> Truth:
        unknown = False
        for part in parts:
            value = part(record, choice)
            if value is decides:
                return decides
            unknown = unknown or value is None
        return None if unknown else not decides

    return joined


# Tests


def reader(field: Field, keys: Sequence[str]) -> Callable[[Anything], Anything]:
    """What reads a field's value, or null, where `keys` lead from a record or from a related one.

    The value is text, true or false, a number or a Moment. What is read of another shape raises PqlError.
    """
    read = _READERS.get(field.type, _read_text)

    def value(holder: Anything) -> Anything:
        for key in keys:
            if holder is None:
                return None
            holder = as_object(holder, field.name).get(key)
        return None if holder is None else read(holder, field)

    return value


def as_object(found: object, name: str) -> Record:
    """What has keys; raises PqlError for what has none, found where `name` is looked for."""
    if not isinstance(found, Mapping):
        raise _misshapen(name, found, "an object")
    return found


def _test(test: Test, unknown: Truth) -> Tested:
    field, decide = test.field, decision(test)
    assert field.record is not None
    two_valued = is_two_valued(test)
    value = reader(field, field.record[1:] if field.to_many else field.record)

    def to_one(record: Record, choice: Choice) -> Truth:
        found = value(record)
        return decide(found) if two_valued or found is not None else unknown

    def to_many(record: Record, choice: Choice) -> Truth:
        chosen = choice[field.relation or ""]
        if chosen is None:
            return False
        found = value(chosen)
        return (two_valued or found is not None) and decide(found)

    return to_many if field.to_many else to_one


def is_two_valued(test: Test) -> bool:
    """Whether the test is true or false of null too."""
    return SENSES[test.op].on_null is not None or test.value == ()


def decision(test: Test) -> Callable[[Anything], bool]:
    """The test on a value that is not null; the null tests and empty lists take null too."""
    op, value = test.op, test.value
    match op:
        case Op.EQ:
            return lambda found: bool(found == value)
        case Op.NE:
            return lambda found: bool(found != value)
        case Op.LT:
            return lambda found: bool(found < value)
        case Op.LE:
            return lambda found: bool(found <= value)
        case Op.GT:
            return lambda found: bool(found > value)
        case Op.GE:
            return lambda found: bool(found >= value)
        case Op.IN | Op.NOT_IN:
            assert isinstance(value, tuple)
            members, inside = frozenset(value), op is Op.IN
            return lambda found: (found in members) is inside
        case Op.IS_NULL:
            return lambda found: found is None
        case Op.NOT_NULL:
            return lambda found: found is not None
        case Op.LIKE | Op.NOT_LIKE | Op.ILIKE | Op.NOT_ILIKE:
            assert isinstance(value, str)
            matches, unwanted = matcher(value, fold=SENSES[op].folds), SENSES[op].negated
            return lambda found: matches(found) is not unwanted
        case _:
            assert_never(op)


def matcher(pattern: str, *, fold: bool) -> Callable[[str], bool]:
    """A pattern of `like` as a test on text; with `fold`, case does not count.

    The pieces between `%` are looked for one after the other, leftmost first, so that no pattern takes longer than its
    length times the text's.

    >>> matcher("%b_d%", fold=True)("aBcDe")
    True
    """
    pieces = _pieces(fold_case(pattern) if fold else pattern)
    first, *others = pieces

    def found(text: str) -> bool:
        if fold:
            text = fold_case(text)
        start = first.match(text)
        if start is None:
            return False
        if not others:
            return start.end() == len(text)
        at = start.end()
        for piece in others[:-1]:
            part = piece.search(text, at)
            if part is None:
                return False
            at = part.end()
        rest = len(text) - lengths[-1]
        return rest >= at and others[-1].match(text, rest) is not None

    lengths = [_length(piece) for piece in pieces]
    return found


_TOKEN = re.compile(r"\\([\s\S])|(%)|(_)|([\s\S])")


def _pieces(pattern: str) -> list[re.Pattern[str]]:
    """The parts between the `%`s, each a regular expression of single characters."""
    pieces = [""]
    for literal, anything, one, char in (match.groups() for match in _TOKEN.finditer(pattern)):
        if anything:
            pieces.append("")
        else:
            pieces[-1] += r"[\s\S]" if one else re.escape(literal or char)
    return [re.compile(piece) for piece in pieces]


def _length(piece: re.Pattern[str]) -> int:
    """How many characters a piece matches: always the same number."""
    return len(re.sub(r"\[\\s\\S\]|\\?[\s\S]", ".", piece.pattern))


def fold_case(text: str) -> str:
    """The text with case folded, one code point to one, so that `_` still stands for one character.

    >>> fold_case("ÉCOLE Straße")
    'école straße'
    """
    if text.isascii():
        return text.lower()
    return "".join(folded if len(folded := char.casefold()) == 1 else _lower(char) for char in text)


def _lower(char: str) -> str:
    lowered = char.lower()
    return lowered if len(lowered) == 1 else char


# Values in a record


def _read_text(found: object, field: Field) -> str:
    if not isinstance(found, str):
        raise _misshapen(field.name, found, "text")
    return found


def _read_boolean(found: object, field: Field) -> bool:
    if not isinstance(found, bool):
        raise _misshapen(field.name, found, "true or false")
    return found


def _read_number(found: object, field: Field) -> int | float:
    if not isinstance(found, int | float) or isinstance(found, bool):
        raise _misshapen(field.name, found, "a number")
    return found


def _read_instant(found: object, field: Field) -> Moment:
    """A time in a record; one without offset is in UTC, as all that the API's responses show."""
    at = found
    if isinstance(found, str):
        try:
            at = datetime.fromisoformat(found)
        except ValueError:
            raise _misshapen(field.name, found, "an ISO 8601 time") from None
    if not isinstance(at, datetime):
        raise _misshapen(field.name, found, "an ISO 8601 time")
    try:
        return Moment(at.replace(tzinfo=UTC) if at.utcoffset() is None else at.astimezone(UTC), "")
    except OverflowError:
        raise _misshapen(field.name, found, "a time of the years 1 to 9999") from None


_READERS: Mapping[FieldType, Callable[[object, Field], Anything]] = {
    FieldType.BOOLEAN: _read_boolean,
    FieldType.INTEGER: _read_number,
    FieldType.NUMBER: _read_number,
    FieldType.DATETIME: _read_instant,
    FieldType.DATE: _read_instant,
}


def _misshapen(name: str, found: object, wanted: str) -> PqlError:
    return PqlError(Source("", "record"), [say.misshapen_record(name, found, wanted)])
