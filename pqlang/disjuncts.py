"""A condition as a union of conjunctions, each of which says of every field what it may hold.

Three things make that possible. A top-level group is true when some choice of related records makes it true, and that
distributes over `or`. Only truth counts here, so that conditions on one field meet and join as sets (`domains`). And a
`not` that stayed around a to-many group is left whole. Distribution is bounded: `Work` is spent before it is done.

    (status = a or title = t) and archived_at is null
    -> {status: {a}, archived_at: null}, {title: {t}, archived_at: null}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod

from pqlang import domains
from pqlang.condition import SENSES, All, Any, Condition, Not, Op, Test
from pqlang.domains import Domain
from pqlang.evaluator import matcher
from pqlang.normaliser import normalise, touches_many
from pqlang.schema import Endpoint, Field, FieldType
from pqlang.source import NOWHERE, Span
from pqlang.valueclass import field as dataclass_field
from pqlang.valueclass import frozen, replace


@frozen
class Part:
    """What a conjunction asks of one field: a value of a domain that matches all the patterns."""

    field: Field
    domain: Domain
    patterns: frozenset[Test] = frozenset()
    written: tuple[Test, ...] = dataclass_field(
        default=(), compare=False
    )  # the tests it was made of; () where it was derived
    span: Span = dataclass_field(default=NOWHERE, compare=False)

    def condition(self) -> Condition:
        """The same as a condition: as written where it was."""
        if self.written:
            return self.written[0] if len(self.written) == 1 else All(self.written, self.span)
        found = [*in_order(self.patterns)]
        bare = not found or not domains.is_whole(replace(self.domain, null=True), self.field)
        tests = (domains.as_condition(self.domain, self.field, self.span),) if bare else ()
        return conjunction((*tests, *found), self.span)

    def restricted(self, domain: Domain) -> Part:
        """The same patterns over fewer values."""
        return self if domain == self.domain else replace(self, domain=domain, written=())


@frozen(eq=False)
class Conjunct:
    """Parts, by the name of their field, and groups that hold beside them; all true of one choice of related records.

    A group is a sealed `Not`, or an `or` that was kept whole.
    """

    parts: Mapping[str, Part]
    groups: frozenset[Condition] = frozenset()

    def key(self) -> tuple[frozenset[Part], frozenset[Condition]]:
        """What it is compared by."""
        return frozenset(self.parts.values()), self.groups

    def put(self, name: str, part: Part | None) -> Conjunct:
        """With another part for a field; None, or one that takes everything, for no part."""
        parts = {key: each for key, each in self.parts.items() if key != name}
        if part is not None and not is_idle(part):
            parts[name] = part
        return Conjunct(parts, self.groups)

    def condition(self) -> Condition:
        """The same as a condition."""
        parts = sorted(self.parts.values(), key=lambda part: part.span)
        return conjunction([*(part.condition() for part in parts), *in_order(self.groups)])


class TooMuch(Exception):
    """Distributing costs more than it may."""


class Work:
    """What may still be done: one unit is about one pair of conjunctions compared."""

    __slots__ = ("left", "whole")

    def __init__(self, left: int = 40_000) -> None:
        self.left = self.whole = left

    def spend(self, units: int) -> None:
        """Take so many units away; raises TooMuch where there are no more."""
        self.left -= units
        if self.left < 0:
            raise TooMuch


def conjunction(conditions: Iterable[Condition], span: Span = NOWHERE) -> Condition:
    """All of them, flat."""
    found = tuple(conditions)
    flat = [each for one in found for each in (one.operands if isinstance(one, All) else (one,))]
    return flat[0] if len(flat) == 1 else All(tuple(dict.fromkeys(flat)), span)


def in_order(conditions: Iterable[Condition]) -> list[Condition]:
    """As they stand in the text; those of one place by what they say, so that plans are the same every time."""
    found = list(conditions)
    return sorted(found, key=lambda each: (each.span, repr(each))) if len(found) > 1 else found


def is_idle(part: Part) -> bool:
    """Whether a part takes every record. On a to-many field none does: it asks for a related record."""
    return not part.field.to_many and not part.patterns and domains.is_whole(part.domain, part.field)


# One test, two conjunctions


def of_test(test: Test) -> Conjunct | None:
    """A test alone; None where nothing makes it true."""
    field, domain = test.field, domains.of_test(test)
    patterns: frozenset[Test] = frozenset()
    if test.op is Op.NOT_IN and test.value == ():
        domain = domains.whole(field)  # true of null as well
    elif domain is None:
        domain, patterns = Domain(domains.whole(field).values, False), frozenset((test,))
    part = _settled(Part(field, domain, patterns, (test,), test.span))
    return None if part is None else Conjunct({} if is_idle(part) else {field.name: part})


def _settled(part: Part) -> Part | None:
    """A part whose patterns were tried where so few values are left that each can be; None where nothing is left."""
    values = domains.listed(part.domain) if part.patterns else None
    if values is not None and part.field.type is not FieldType.BOOLEAN:
        kept = tuple(value for value in values if _matches_all(value, part.patterns))
        part = replace(part, domain=domains.where(Test(part.field, Op.IN, kept)), patterns=frozenset())
    return None if domains.is_empty(part.domain) else part


def _matches_all(value: object, patterns: Iterable[Test]) -> bool:
    return isinstance(value, str) and all(_matches(value, test) for test in patterns)


def _matches(value: str, test: Test) -> bool:
    assert isinstance(test.value, str)
    found = matcher(test.value, fold=SENSES[test.op].folds)(value)
    return found is not SENSES[test.op].negated


def conjoin(*conjuncts: Conjunct) -> Conjunct | None:
    """All at once, of one choice of related records; None where nothing can be all of them."""
    parts: dict[str, Part] = {}
    again: dict[str, list[Part]] = {}  # what several of them ask of one field
    for each in conjuncts:
        for name, part in each.parts.items():
            if name in parts:
                again.setdefault(name, [parts[name]]).append(part)
            else:
                parts[name] = part
    for name, found in again.items():
        met = _met(found)
        if met is None:
            return None
        parts[name] = met
    return Conjunct(parts, frozenset().union(*[each.groups for each in conjuncts]))


def _met(found: list[Part]) -> Part | None:
    """All parts of one field at once; None where nothing is left."""
    written = [part.written for part in found]
    tests = tuple(dict.fromkeys(test for each in written for test in each)) if all(written) else ()
    domain = domains.meet(part.domain for part in found)
    patterns = frozenset().union(*(part.patterns for part in found))
    return _settled(Part(found[0].field, domain, patterns, tests, min(part.span for part in found)))


def part_within(inner: Part | None, outer: Part) -> bool:
    """Whether what the one asks of a field implies what the other does."""
    if inner is None or not domains.is_within(inner.domain, outer.domain):
        return False
    if outer.patterns <= inner.patterns:
        return True
    values = domains.listed(inner.domain)
    return values is not None and all(_matches_all(value, outer.patterns) for value in values)


def is_within(inner: Conjunct, outer: Conjunct) -> bool:
    """Whether every record of the one is seen to be one of the other."""
    return outer.groups <= inner.groups and all(
        part_within(inner.parts.get(name), part) for name, part in outer.parts.items()
    )


def never_meet(left: Conjunct, right: Conjunct) -> bool:
    """Whether a field of the record's own, or of a to-one relation, keeps the two apart."""
    for name, part in left.parts.items():
        other = right.parts.get(name)
        if other is None or other is part or part.field.to_many:
            continue
        if domains.is_empty(domains.meet((part.domain, other.domain))):
            return True
    return False


def undeniable(taken: Conjunct, of: Conjunct) -> Condition | None:
    """The part of a conjunction that has no complement to take out of the other: a pattern, a to-many condition."""
    for name, part in taken.parts.items():
        mine = of.parts.get(name)
        if part.field.to_many and not part_within(mine, part):
            return part.condition()
        if part.patterns and not (mine is not None and part_within(replace(mine, domain=part.domain), part)):
            values = None if mine is None else domains.listed(mine.domain)
            if values is None or not all(_matches_all(value, part.patterns) for value in values):
                return part.condition()
    return next(iter(in_order(taken.groups - of.groups)), None) if taken.groups else None


def subtract(of: Conjunct, taken: Conjunct) -> list[Conjunct] | None:
    """What is left of a conjunction without another, in conjunctions that never meet; None where that cannot be said.

    Complements take null in: without `a = 1` there is `a != 1`, and a null `a`.
    """
    if never_meet(of, taken):
        return [of]
    if undeniable(taken, of) is not None:
        return None
    left: list[Conjunct] = []
    for name, part in taken.parts.items():
        if part.field.to_many:
            continue
        mine = of.parts.get(name) or Part(part.field, domains.whole(part.field), span=part.span)
        outside = domains.meet((mine.domain, domains.inverse(part.domain, part.field)))
        if not domains.is_empty(outside):
            left.append(of.put(name, mine.restricted(outside)))
        of = of.put(name, mine.restricted(domains.meet((mine.domain, part.domain))))
    return left


# Unions


def tidy(found: Iterable[Conjunct], work: Work) -> list[Conjunct]:
    """The same union in fewer conjunctions: equal ones once, those that differ in one field joined, none in another."""
    union = list(found)
    if not _comparable(union):
        return union
    union = list({each.key(): each for each in union}.values())
    while len(union) > 1:
        joined = _join_neighbours(union, work)
        if len(joined) == len(union):
            break
        union = joined
    return absorb(union, work) if 1 < len(union) <= 256 else union


def _comparable(union: Sequence[Conjunct]) -> bool:
    """Whether some conjunction may be like another, or within others: not where each has a field of its own.

    What asks something of a field that no other speaks of is no part of them, and holds none of them.
    """
    if len(union) < 2:
        return False
    seen: set[str] = set()
    again: set[str] = set()
    for each in union:
        again |= seen.intersection(each.parts)
        seen.update(each.parts)
    return any([again.issuperset(each.parts) for each in union])


def _join_neighbours(union: list[Conjunct], work: Work) -> list[Conjunct]:
    """Conjunctions that differ in the domain of one field, as one with the joined domain."""
    for name in dict.fromkeys(name for each in union for name in each.parts):
        work.spend(len(union) // 4)
        alike: dict[object, list[Conjunct]] = {}
        for at, each in enumerate(union):
            part = each.parts.get(name)
            rest = frozenset(other for key, other in each.parts.items() if key != name)
            alike.setdefault(at if part is None else (rest, each.groups, part.patterns), []).append(each)
        if len(alike) < len(union):
            union = [group[0] if len(group) == 1 else _joined(name, group) for group in alike.values()]
    return union


def _joined(name: str, group: list[Conjunct]) -> Conjunct:
    parts = [each.parts[name] for each in group]
    domain = domains.join(part.domain for part in parts)
    return group[0].put(name, parts[0].restricted(domain))


def absorb(union: list[Conjunct], work: Work) -> list[Conjunct]:
    """Without those that are within another."""
    if not _comparable(union):
        return union
    work.spend(len(union) ** 2 // 2)
    kept: list[Conjunct] = []
    for each in sorted(union, key=lambda one: len(one.parts) + len(one.groups)):  # the widest first
        if not any(is_within(each, other) for other in kept):
            kept = [other for other in kept if not is_within(other, each)]
            kept.append(each)
    order = {id(each): at for at, each in enumerate(union)}
    return sorted(kept, key=lambda each: order[id(each)])


def prune(union: list[Conjunct], work: Work) -> list[Conjunct]:
    """Without those that the others together cover, as far as complements tell."""
    if not _comparable(union):
        return union
    at = 0
    while at < len(union):
        rest = [union[at]]
        for other in union[:at] + union[at + 1 :]:
            work.spend(len(rest))
            pieces: list[Conjunct] = []
            for each in rest:
                left = subtract(each, other)
                pieces += [each] if left is None else left
            rest = pieces
            if not rest or len(rest) > 64:
                break
        if rest:
            at += 1
        else:
            union = union[:at] + union[at + 1 :]
    return union


# Any condition


def disjuncts(condition: Condition, endpoint: Endpoint, work: Work, keep: int | None = None) -> list[Conjunct]:
    """The condition as a union. With `keep`, an `or` that would make more conjunctions than that stays a group.

    Raises TooMuch where the work does not suffice.
    """
    match condition:
        case Test():
            found = of_test(condition)
            return [] if found is None else [found]
        case Not():
            return _sealed(condition, endpoint, work, keep)
        case Any():
            union = [each for operand in condition.operands for each in disjuncts(operand, endpoint, work, keep)]
            union = tidy(union, work)
            return union if keep is None or len(union) <= keep else [_kept(condition, union)]
        case _:
            return _product(condition, endpoint, work, keep)


def _product(condition: All, endpoint: Endpoint, work: Work, keep: int | None) -> list[Conjunct]:
    """Every choice of one conjunction from each operand; the operands that leave no choice first."""
    unions = [disjuncts(operand, endpoint, work, keep) for operand in condition.operands]
    alone = conjoin(*(found[0] for found in unions if len(found) == 1))
    product = [] if alone is None else [alone]
    choices = ((found, operand) for found, operand in zip(unions, condition.operands, strict=True) if len(found) != 1)
    for found, operand in sorted(choices, key=lambda choice: len(choice[0])):
        if keep is not None and len(product) * len(found) > keep:
            found = [_kept(operand, found)]
        work.spend(len(product) * len(found))
        product = tidy((both for one in product for each in found if (both := conjoin(one, each)) is not None), work)
    return product


def _kept(condition: Condition, union: list[Conjunct]) -> Conjunct:
    """An `or` left whole, and beside it what each of its alternatives implies and one request can say."""
    common = union[0]
    for name in union[0].parts:
        parts = [each.parts.get(name) for each in union]
        known = [part for part in parts if part is not None]
        hull = None
        if len(known) == len(parts):
            domain = domains.join(part.domain for part in known)
            if len(said := domains.split(domain, known[0].field, known[0].span)) == 1 and len(said[0][1]) < 3:
                patterns = frozenset.intersection(*(part.patterns for part in known))
                hull = Part(known[0].field, domain, patterns, (), known[0].span)
        common = common.put(name, hull)
    return Conjunct(common.parts, frozenset((condition,)))


def _sealed(condition: Not, endpoint: Endpoint, work: Work, keep: int | None) -> list[Conjunct]:
    """A `not` around a to-many group: what in it is no matter of choice comes out, the rest stays sealed.

    `not (a or G)` is `not a and not G`, `not (a and G)` is `not a or not G`, for an `a` without to-many fields.
    `not not G` is each alternative of G with a choice of its own.
    """
    inner = condition.operand
    if isinstance(inner, Not):
        return [_sealed_twice(each) for each in disjuncts(inner.operand, endpoint, work, keep)]
    if isinstance(inner, Any) and inner.operands:
        return disjuncts(All(tuple(_denied(each, endpoint) for each in inner.operands)), endpoint, work, keep)
    if isinstance(inner, All) and not all(map(touches_many, inner.operands)):
        many = tuple(each for each in inner.operands if touches_many(each))
        others = tuple(_denied(each, endpoint) for each in inner.operands if not touches_many(each))
        rest = Not(many[0] if len(many) == 1 else All(many, inner.span), condition.span)
        return disjuncts(Any((*others, rest), condition.span), endpoint, work, keep)
    return [Conjunct({}, frozenset((condition,)))]


def _denied(operand: Condition, endpoint: Endpoint) -> Condition:
    """The `not` of an operand in normal form: sealed where it touches a to-many relation, pushed to the tests else."""
    return Not(operand, operand.span) if touches_many(operand) else normalise(Not(operand, operand.span), endpoint)


def _sealed_twice(each: Conjunct) -> Conjunct:
    """A conjunction with a choice of its own: its to-many parts and open groups under `not not`, by relation."""
    parts = {name: part for name, part in each.parts.items() if not part.field.to_many}
    sealed = {group for group in each.groups if not any(open_relations(group))}
    opened = [group for group in each.groups if any(open_relations(group))]
    many = [part for part in each.parts.values() if part.field.to_many]
    by_relation: dict[str | None, list[Condition]] = {}
    for part in sorted(many, key=lambda part: part.span):
        by_relation.setdefault(None if opened else part.field.relation, []).append(part.condition())
    for group in opened:
        by_relation.setdefault(None, []).append(group)
    return Conjunct(parts, frozenset(sealed | {Not(Not(conjunction(found))) for found in by_relation.values()}))


def open_relations(condition: Condition) -> Iterator[str]:
    """The to-many relations whose choice a condition shares with what stands beside it: those under no `not`."""
    if isinstance(condition, Test):
        if condition.field.to_many:
            yield condition.field.relation or ""
    elif not isinstance(condition, Not):
        for operand in condition.operands:
            yield from open_relations(operand)


def unsealed(each: Conjunct, endpoint: Endpoint, work: Work) -> Conjunct:
    """Without `not not` where no other condition chooses of that relation: then the choice is as good as its own."""
    for group in in_order(each.groups):
        inner = group.operand.operand if isinstance(group, Not) and isinstance(group.operand, Not) else None
        if inner is None:
            continue
        used = {part.field.relation for part in each.parts.values() if part.field.to_many}
        used |= {relation for other in each.groups for relation in open_relations(other)}
        if used.isdisjoint(open_relations(inner)):
            found = disjuncts(inner, endpoint, work)
            if len(found) == 1:
                both = conjoin(Conjunct(each.parts, each.groups - {group}), found[0])
                assert both is not None  # they speak of different fields, or of other choices
                each = both
    return each


def width(condition: Condition, denied: bool = False) -> int:
    """How many conjunctions a condition has at most, or its `not` where `denied`; counted and not made."""
    if isinstance(condition, Test):
        return 1
    if isinstance(condition, Not):
        return width(condition.operand, not denied)
    if not denied and domains.of_condition(condition) is not None:
        return 1
    if isinstance(condition, All) is not denied:
        return prod(width(operand, denied) for operand in condition.operands)
    sealed = [operand for operand in condition.operands if denied and touches_many(operand)]
    return bool(sealed) + sum(width(operand, denied) for operand in condition.operands if operand not in sealed)
