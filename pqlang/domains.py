"""What a field may hold for a condition to be true: sets of values, joined and met, and put back into tests.

This is what "use what the schema proves" means: `a > 1 and a > 2` is one bound, three of four values of an enum are
one `!=`, and an empty set is a contradiction. Patterns have no domain here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from pqlang.condition import EVERY, NONE, SENSES, All, Condition, Kind, Not, Op, Scalar, Test
from pqlang.condition import Any as AnyOf
from pqlang.schema import ORDERED, Field, FieldType
from pqlang.source import Span
from pqlang.valueclass import frozen

#: A bound: the value and on which side of it the bound lies (-1 just before it, 1 just after it).
Edge: TypeAlias = "tuple[Any, int] | None"


@frozen
class Finite:
    """These values, or with `complement` all but these."""

    values: frozenset[Scalar]
    complement: bool = False


@frozen
class Ranges:
    """Ranges in order that do not touch; an edge of None is open."""

    ranges: tuple[tuple[Edge, Edge], ...]


Values: TypeAlias = "Finite | Ranges"


@frozen
class Domain:
    """What a field may hold: some values, and null or not."""

    values: Values
    null: bool


def whole(field: Field) -> Domain:
    """Everything the field can hold."""
    return Domain(_all(field), field.nullable)


def of_test(test: Test) -> Domain | None:
    """Where a test is true; None for patterns."""
    field, op, value = test.field, test.op, test.value
    if op is Op.IS_NULL:
        return Domain(_nothing(field), field.nullable)
    if op is Op.NOT_NULL:
        return Domain(_all(field), False)
    if op is Op.EQ or op is Op.NE:
        return Domain(_listed(field, (value,), op is Op.NE), False)
    if op is Op.IN or op is Op.NOT_IN:
        assert isinstance(value, tuple)
        return Domain(_listed(field, value, op is Op.NOT_IN), False)
    if op in _EDGES:
        below, side = _EDGES[op]
        edge = (value, side)
        return Domain(Ranges(((None, edge) if below else (edge, None),)), False)
    return None


def where(test: Test) -> Domain:
    """Where a test is true that is no pattern."""
    domain = of_test(test)
    assert domain is not None
    return domain


_EDGES = {Op.LT: (True, -1), Op.LE: (True, 1), Op.GT: (False, 1), Op.GE: (False, -1)}


def one_field(condition: Condition) -> Field | None:
    """The one to-one field a condition speaks of; None where there are two, or a pattern, or a `not`."""
    if isinstance(condition, Test):
        return None if condition.field.to_many or SENSES[condition.op].kind is Kind.PATTERN else condition.field
    field: Field | None = None
    for operand in () if isinstance(condition, Not) else condition.operands:
        other = one_field(operand)
        if other is None or (field is not None and field.name != other.name):
            return None
        field = other
    return field


def of_condition(condition: Condition) -> tuple[Field, Domain] | None:
    """The one to-one field a condition speaks of, and where it is true; None as for `one_field`."""
    field = one_field(condition)
    return None if field is None else (field, _true_at(condition))


def _true_at(condition: Condition) -> Domain:
    """Where a condition of one field is true."""
    if isinstance(condition, Test):
        return where(condition)
    assert not isinstance(condition, Not)
    domains = [_true_at(operand) for operand in condition.operands]
    return meet(domains) if isinstance(condition, All) else join(domains)


def meet(domains: Iterable[Domain]) -> Domain:
    """What is in every domain."""
    return _fold(list(domains), lambda left, right: Domain(_meet(left.values, right.values), left.null and right.null))


def join(domains: Iterable[Domain]) -> Domain:
    """What is in some domain."""
    return _fold(list(domains), lambda left, right: Domain(_join(left.values, right.values), left.null or right.null))


def _fold(domains: list[Domain], combine: Callable[[Domain, Domain], Domain]) -> Domain:
    """All of them combined in pairs, so that a thousand `!=` cost little more than their number."""
    while len(domains) > 1:
        pairs = [combine(left, right) for left, right in zip(domains[::2], domains[1::2], strict=False)]
        domains = pairs + domains[len(pairs) * 2 :]
    return domains[0]


def is_empty(domain: Domain) -> bool:
    """Whether nothing is in it."""
    return not domain.null and _is_empty(domain.values)


def is_whole(domain: Domain, field: Field) -> bool:
    """Whether everything the field can hold is in it."""
    return (domain.null or not field.nullable) and _is_full(domain.values, field)


def to_condition(domain: Domain, field: Field, span: Span) -> Condition | None:
    """The domain as EVERY, NONE, one test or two bounds, exactly; None where it takes more than that."""
    if is_empty(domain):
        return NONE
    if is_whole(domain, field):
        return EVERY
    if _is_empty(domain.values):
        return Test(field, Op.IS_NULL, None, span)
    if domain.null:
        return None
    if _is_full(domain.values, field):
        return Test(field, Op.NOT_NULL, None, span)
    if isinstance(domain.values, Finite):
        return _finite_condition(domain.values, field, span)
    return _range_condition(domain.values.ranges, field, span)


def _finite_condition(values: Finite, field: Field, span: Span) -> Condition | None:
    if len(values.values) == 1:
        return Test(field, Op.NE if values.complement else Op.EQ, next(iter(values.values)), span)
    known = _closed(field)
    if known is not None and len(known) - len(values.values) == 1:
        other = next(value for value in known if value not in values.values)
        return Test(field, Op.EQ if values.complement else Op.NE, other, span)
    return None


def _range_condition(ranges: tuple[tuple[Edge, Edge], ...], field: Field, span: Span) -> Condition | None:
    if len(ranges) == 2 and ranges[0][0] is None and ranges[1][1] is None:
        before, after = ranges[0][1], ranges[1][0]
        if before is not None and after is not None and before[0] == after[0]:  # all but one point
            return Test(field, Op.NE, before[0], span)
    if len(ranges) != 1:
        return None
    low, high = ranges[0]
    if low is not None and high is not None and low[0] == high[0]:
        return Test(field, Op.EQ, low[0], span)
    tests: list[Condition] = []
    if low is not None:
        tests.append(Test(field, Op.GE if low[1] < 0 else Op.GT, low[0], span))
    if high is not None:
        tests.append(Test(field, Op.LT if high[1] < 0 else Op.LE, high[0], span))
    return tests[0] if len(tests) == 1 else All(tuple(tests), span)


def inverse(domain: Domain, field: Field) -> Domain:
    """What is not in it, null included: where a condition of that domain is not true."""
    return Domain(_inverse(domain.values, field), field.nullable and not domain.null)


def is_within(inner: Domain, outer: Domain) -> bool:
    """Whether all of the one is in the other."""
    return inner is outer or inner == outer or meet((inner, outer)) == inner


def listed(domain: Domain) -> tuple[Scalar, ...] | None:
    """The values of a domain that holds no null and only so many; None for any other."""
    if domain.null:
        return None
    if isinstance(domain.values, Finite):
        return None if domain.values.complement else tuple(sorted(domain.values.values))
    points = [low for low, high in domain.values.ranges if low is not None and high is not None and low[0] == high[0]]
    return tuple(low[0] for low in points) if len(points) == len(domain.values.ranges) else None


def split(domain: Domain, field: Field, span: Span) -> list[tuple[Domain, tuple[Test, ...]]]:
    """The domain in parts that do not meet, and for each the tests of one JSON object that come nearest to it.

    The tests of a part say it exactly, but for a text that is none of several values: of those one `!=` is there.

    >>> from pqlang import PENBOX
    >>> created = PENBOX.endpoint("cases").field("created_at")
    >>> [tests for _, tests in split(whole(created), created, Span(0, 0))]
    [()]
    """
    null = Domain(_nothing(field), True)
    parts: list[tuple[Domain, tuple[Test, ...]]] = []
    if domain.null:
        parts.append((null, (Test(field, Op.IS_NULL, None, span),)))
    if is_whole(domain, field) and not field.to_many:
        return [(domain, ())]
    if _is_full(domain.values, field):
        tests = (Test(field, Op.NOT_NULL, None, span),) if field.nullable or field.to_many else ()
        return [*parts, (Domain(domain.values, False), tests)]
    if isinstance(domain.values, Ranges):
        return parts + [_spell_ranges(ranges, field, span) for ranges in _pairs(domain.values.ranges)]
    values: list[Any] = sorted(domain.values.values)
    if domain.values.complement:
        return [*parts, (Domain(domain.values, False), (Test(field, Op.NE, values[0], span),))]
    known = _closed(field)
    if known is not None and len(known) - len(values) == 1 and len(values) > 1:
        other = next(value for value in known if value not in domain.values.values)
        return [*parts, (Domain(domain.values, False), (Test(field, Op.NE, other, span),))]
    return parts + [
        (Domain(_listed(field, (value,), False), False), (Test(field, Op.EQ, value, span),)) for value in values
    ]


def _pairs(ranges: tuple[tuple[Edge, Edge], ...]) -> list[tuple[tuple[Edge, Edge], ...]]:
    """Ranges that one JSON object can say: one, or two with a single point between them, which `!=` takes out."""
    found: list[tuple[tuple[Edge, Edge], ...]] = []
    for each in ranges:
        low, high = each[0], found[-1][-1][1] if found else None
        if len(found) and len(found[-1]) == 1 and low is not None and high is not None and low[0] == high[0]:
            found[-1] = (*found[-1], each)
            continue
        found.append((each,))
    return found


def _spell_ranges(ranges: tuple[tuple[Edge, Edge], ...], field: Field, span: Span) -> tuple[Domain, tuple[Test, ...]]:
    domain = Domain(Ranges(ranges), False)
    low, high = ranges[0][0], ranges[-1][1]
    if low is not None and high is not None and low[0] == high[0]:
        return domain, (Test(field, Op.EQ, low[0], span),)
    tests: list[Test] = []
    if low is not None:
        tests.append(Test(field, Op.GE if low[1] < 0 else Op.GT, low[0], span))
    if high is not None:
        tests.append(Test(field, Op.LT if high[1] < 0 else Op.LE, high[0], span))
    if len(ranges) == 2:
        assert ranges[0][1] is not None
        tests.append(Test(field, Op.NE, ranges[0][1][0], span))
    return domain, tuple(tests)


def as_condition(domain: Domain, field: Field, span: Span) -> Condition:
    """The domain as a condition of any size, on a field of one's own or on the chosen record of a to-many relation."""
    parts: list[Condition] = []
    values = listed(Domain(domain.values, False))
    if isinstance(domain.values, Finite) and domain.values.complement and len(domain.values.values) > 1:
        rest: tuple[Any, ...] = tuple(sorted(domain.values.values))
        parts.append(Test(field, Op.NOT_IN, rest, span))
    elif values is not None and len(values) > 1 and not _is_full(domain.values, field):
        parts.append(Test(field, Op.IN, values, span))
    elif not _is_empty(domain.values):
        for _, tests in split(Domain(domain.values, False), field, span):
            parts.append(tests[0] if len(tests) == 1 else All(tests, span))
    if domain.null:
        parts.append(Test(field, Op.IS_NULL, None, span))
    return parts[0] if len(parts) == 1 else AnyOf(tuple(parts), span)


# Sets of values


def _closed(field: Field) -> tuple[Scalar, ...] | None:
    """All the values of a closed field."""
    if field.type is FieldType.ENUM:
        return field.values
    return (False, True) if field.type is FieldType.BOOLEAN else None


def _all(field: Field) -> Values:
    if field.type in ORDERED:
        return Ranges(((None, None),))
    known = _closed(field)
    return Finite(frozenset(), True) if known is None else Finite(frozenset(known))


def _nothing(field: Field) -> Values:
    return Ranges(()) if field.type in ORDERED else Finite(frozenset())


def _listed(field: Field, values: tuple[Any, ...], complement: bool) -> Values:
    if field.type not in ORDERED:
        known = _closed(field)
        listed = frozenset(values)
        return (
            Finite(listed, complement) if known is None else Finite(frozenset(known) - listed if complement else listed)
        )
    points = sorted(set(values))
    if not complement:
        return Ranges(tuple(((point, -1), (point, 1)) for point in points))
    lows: list[Edge] = [None, *((point, 1) for point in points)]
    highs: list[Edge] = [*((point, -1) for point in points), None]
    return Ranges(tuple(zip(lows, highs, strict=True)))


def _is_empty(values: Values) -> bool:
    return not values.ranges if isinstance(values, Ranges) else not values.values and not values.complement


def _is_full(values: Values, field: Field) -> bool:
    if isinstance(values, Ranges):
        return values.ranges == ((None, None),)
    known = _closed(field)
    return values.complement and not values.values if known is None else len(values.values) == len(known)


def _inverse(values: Values, field: Field) -> Values:
    if isinstance(values, Finite):
        known = _closed(field)
        return (
            Finite(values.values, not values.complement) if known is None else Finite(frozenset(known) - values.values)
        )
    ends: list[Edge] = [None]
    for low, high in values.ranges:
        ends += [low, high]
    ends.append(None)
    gaps = list(zip(ends[::2], ends[1::2], strict=True))
    if gaps[0][1] is None and values.ranges:  # the first range is open below
        gaps = gaps[1:]
    if gaps and gaps[-1][0] is None and values.ranges:  # the last is open above
        gaps = gaps[:-1]
    return Ranges(tuple(gaps))


def _meet(left: Values, right: Values) -> Values:
    if isinstance(left, Ranges) and isinstance(right, Ranges):
        found: list[tuple[Edge, Edge]] = []
        mine, other = 0, 0
        while mine < len(left.ranges) and other < len(right.ranges):
            (low, high), (other_low, other_high) = left.ranges[mine], right.ranges[other]
            start, end = max(low, other_low, key=_low), min(high, other_high, key=_high)
            if _low(start) < _high(end):
                found.append((start, end))
            if _high(high) <= _high(other_high):
                mine += 1
            else:
                other += 1
        return Ranges(tuple(found))
    assert isinstance(left, Finite)
    assert isinstance(right, Finite)
    if left.complement and right.complement:
        return Finite(left.values | right.values, True)
    if left.complement or right.complement:
        inside, outside = (right, left) if left.complement else (left, right)
        return Finite(inside.values - outside.values)
    return Finite(left.values & right.values)


def _join(left: Values, right: Values) -> Values:
    if isinstance(left, Ranges) and isinstance(right, Ranges):
        joined: list[tuple[Edge, Edge]] = []
        for low, high in sorted(left.ranges + right.ranges, key=lambda each: (_low(each[0]), _high(each[1]))):
            if joined and _low(low) <= _high(joined[-1][1]):
                joined[-1] = (joined[-1][0], max(joined[-1][1], high, key=_high))
            else:
                joined.append((low, high))
        return Ranges(tuple(joined))
    assert isinstance(left, Finite)
    assert isinstance(right, Finite)
    if left.complement and right.complement:
        return Finite(left.values & right.values, True)
    if left.complement or right.complement:
        inside, outside = (right, left) if left.complement else (left, right)
        return Finite(outside.values - inside.values, True)
    return Finite(left.values | right.values)


class _End:
    """An edge that compares: open below everything, open above everything, or at a value."""

    __slots__ = ("key",)

    def __init__(self, key: tuple[int, Any, int]) -> None:
        self.key = key

    def __lt__(self, other: _End) -> bool:
        if self.key[0] or other.key[0]:
            return self.key[0] < other.key[0]
        return (self.key[1], self.key[2]) < (other.key[1], other.key[2])

    def __gt__(self, other: _End) -> bool:
        return other < self

    def __le__(self, other: _End) -> bool:
        return not other < self


def _low(edge: Edge) -> _End:
    return _End((-1, None, 0) if edge is None else (0, *edge))


def _high(edge: Edge) -> _End:
    return _End((1, None, 0) if edge is None else (0, *edge))


def by_field(operands: Sequence[Condition]) -> list[list[Condition]]:
    """Conditions, those that speak of the same one field and have a domain together, any other alone."""
    together: dict[object, list[Condition]] = {}
    for at, operand in enumerate(operands):
        field = one_field(operand)
        together.setdefault(at if field is None else field.name, []).append(operand)
    return list(together.values())
