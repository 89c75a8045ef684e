"""A condition as a test on a response record: three-valued, over to-one and to-many relations. LANGUAGE, "Meaning".

A condition is made once into functions from a record to True, False or None (unknown). Depth is bounded by the
limit on queries; the number of choices by the records related.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import product
from typing import Any as Anything
from typing import TypeAlias, assert_never

from pqlang import diagnostics as say
from pqlang.condition import SENSES, All, Any, Condition, Moment, Not, Op, Test
from pqlang.diagnostics import PqlError
from pqlang.formatter import expression
from pqlang.normaliser import touches_many
from pqlang.schema import Endpoint, Field, FieldType
from pqlang.source import Source
from pqlang.writer import write

Record: TypeAlias = Mapping[str, Anything]
Truth: TypeAlias = "bool | None"
Choice: TypeAlias = "Mapping[str, Mapping[str, Anything] | None]"  # relation -> the related record chosen, or none
Tested: TypeAlias = "Callable[[Record, Choice], Truth]"
NO_CHOICE: Choice = {}
SEALED = ""  # the key beside the relations of a choice under which the values of sealed groups are kept


@dataclass(frozen=True)
class Predicate:
    """The whole of a query as a local test. `str()` is PQL."""

    condition: Condition
    endpoint: Endpoint

    def matches(self, record: Record) -> bool:
        """Whether the query is true of a record shaped as a response; a missing key is null.

        Raises PqlError for a record of another shape: text where a number is due, a list where one record is.
        """
        if not isinstance(record, Mapping):
            raise _misshapen("the record", record, "an object")
        return self._tested(record, NO_CHOICE) is True

    def __str__(self) -> str:
        return expression(write(self.condition, self.endpoint))

    def __reduce__(self) -> tuple[Anything, ...]:
        return Predicate, (self.condition, self.endpoint)  # the functions are made anew

    @cached_property
    def _tested(self) -> Tested:
        return group(self.condition)


def uncarried(condition: Condition) -> Iterator[Test]:
    """The tests on fields that a response record does not carry, with which nothing can be tested locally."""
    if isinstance(condition, Test):
        if condition.field.record is None:
            yield condition
    else:
        operands = (condition.operand,) if isinstance(condition, Not) else condition.operands
        for operand in operands:
            yield from uncarried(operand)


# Groups


def group(condition: Condition) -> Tested:
    """A group's value: the best over all choices of one related record, or none, for each to-many relation in it."""
    inner = _expression(condition)
    fields = {field.relation or "": field for field in _many_fields(condition)}
    if not fields:
        return inner
    keys = {relation: (field.record or (relation,))[0] for relation, field in fields.items()}

    def best(record: Record, choice: Choice) -> Truth:
        related = [[*_related(record, key), None] for key in keys.values()]
        found: Truth = False
        known: dict[str, Anything] = {}
        for chosen in product(*related):
            value = inner(record, {**dict(zip(keys, chosen, strict=True)), SEALED: known})
            if value:
                return True
            if value is None:
                found = None
        return found

    return best


def _many_fields(condition: Condition) -> Iterator[Field]:
    """The to-many fields of a group, which ends at its `not`s."""
    if isinstance(condition, Test):
        if condition.field.to_many:
            yield condition.field
    elif not isinstance(condition, Not):
        for operand in condition.operands:
            yield from _many_fields(operand)


def _related(record: Record, key: str) -> list[Anything]:
    """The related records under a key of a record."""
    related = record.get(key)
    if related is None:
        return []
    if not isinstance(related, list | tuple) or not all(isinstance(each, Mapping) for each in related):
        raise _misshapen(key, related, "a list of objects")
    return list(related)


def _expression(condition: Condition) -> Tested:
    match condition:
        case Test():
            return _test(condition)
        case Not():
            if touches_many(condition.operand):
                return _sealed(group(condition.operand))
            inner = _expression(condition.operand)
            return lambda record, choice: None if (value := inner(record, choice)) is None else not value
        case All() | Any():
            return _joined([_expression(operand) for operand in condition.operands], isinstance(condition, Any))
        case _:
            assert_never(condition)


def _sealed(inner: Tested) -> Tested:
    """A `not` around a group of its own. Whatever is chosen around it its value is the same, so it is found once:
    else nested groups would take the number of choices to the power of their depth."""
    name = str(id(inner))

    def sealed(record: Record, choice: Choice) -> Truth:
        known = choice.get(SEALED)
        if known is None:
            return _kleene_not(inner(record, choice))
        if name not in known:
            known[name] = _kleene_not(inner(record, choice))  # type: ignore[index]
        value: Truth = known[name]
        return value

    return sealed


def _kleene_not(value: Truth) -> Truth:
    return None if value is None else not value


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
            if not isinstance(holder, Mapping):
                raise _misshapen(field.name, holder, "an object")
            holder = holder.get(key)
        return None if holder is None else read(holder, field)

    return value


def _test(test: Test) -> Tested:
    field, decide = test.field, _decision(test)
    assert field.record is not None
    two_valued = SENSES[test.op].on_null is not None or test.value == ()
    value = reader(field, field.record[1:] if field.to_many else field.record)

    def to_one(record: Record, choice: Choice) -> Truth:
        found = value(record)
        return decide(found) if two_valued or found is not None else None

    def to_many(record: Record, choice: Choice) -> Truth:
        chosen = choice[field.relation or ""]
        if chosen is None:
            return False
        found = value(chosen)
        return (two_valued or found is not None) and decide(found)

    return to_many if field.to_many else to_one


def _decision(test: Test) -> Callable[[Anything], bool]:
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
