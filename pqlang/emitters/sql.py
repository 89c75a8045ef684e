"""A whole condition as one SQL expression: SQL can say all of it, so nothing is planned and nothing is left over.

What is asked of SQL is two-valued at every step: where a condition is *surely* true, or where it is *possibly* true
(true or unknown). `not` turns the one into the other, so unknown stays unknown, whatever stands around it:

    surely(not X) = not possibly(X)        possibly(not X) = not surely(X)

A to-many group is true where *some* choice of related records makes it so (LANGUAGE, "To-many relations"): that is
EXISTS. It is pushed inwards to the smallest part that speaks of one related record. Choosing no record only matters
where there is none to choose and the part can hold without: there the rows of an outer join are looked through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias, assert_never

from sqlalchemy import and_, bindparam, false, literal_column, not_, or_, select, true
from sqlalchemy.sql.expression import FromClause

from pqlang.condition import SENSES, All, Any, Condition, Kind, Not, Op, Scalar, Test
from pqlang.emitters.sql_columns import Column, Columns, Place, Related, as_text, bind
from pqlang.emitters.sql_types import Expression, Ilike, Like, Parentheses, Pattern, folded
from pqlang.evaluator import fold_case

Fold: TypeAlias = "str | Callable[[Column], Column] | None"
MOST_IN_A_LIST = 1_000  # Oracle takes no longer one
MOST_IN_A_CHAIN = (
    8  # of `and`s or `or`s; SQLite takes expressions a thousand deep, and a chain is as deep as it is long
)


@dataclass(frozen=True, slots=True)
class Scope:
    """What is settled where a part of a condition stands.

    `chosen` has the to-many relations of whose rows one is looked at: None where there surely is one, else a column
    that is null where there is none. Where `strict` is set a `not` stands around it: what is not true has to be false.
    """

    surely: bool = True
    strict: bool = False
    chosen: Mapping[str, Column | None] = field(default_factory=dict)


def emit(condition: Condition, columns: Columns, fold: Fold = None) -> Expression:
    """The expression that is true exactly where the condition is; every field of it has a column.

    `fold` is the name of a function of the database that folds case, or a Python function from a column to where it
    stands folded; None leaves it to the engine.
    """
    return _Writer(columns, fold).write(condition, Scope())


@dataclass(frozen=True, slots=True)
class _Writer:
    columns: Columns
    fold: Fold

    def write(self, condition: Condition, scope: Scope) -> Expression:
        match condition:
            case Test():
                return self._test(condition, scope)
            case Not():
                return not_(self.write(condition.operand, Scope(not scope.surely, strict=True)))
            case Any():
                return _joined(or_, list(self._disjuncts(condition, scope)))
            case All():
                return _joined(and_, list(self._conjuncts(condition, scope)))
            case _:
                assert_never(condition)

    # Groups

    def _disjuncts(self, condition: Any, scope: Scope) -> Iterator[Expression]:
        """The operands of an `or`; those that ask about one row of the same relation are asked about it at once."""
        rows: dict[str, list[Condition]] = {}
        for each in condition.operands:
            free = _to_many(each) - scope.chosen.keys()
            if len(free) == 1 and not _holds_without(each, relation := next(iter(free))):
                rows.setdefault(relation, []).append(each)
            else:
                yield self.write(each, scope)
        for relation, operands in rows.items():
            if len(operands) == 1:
                yield self.write(operands[0], scope)
            else:
                yield self._some(Any(tuple(operands)), relation, scope)

    def _conjuncts(self, condition: All, scope: Scope) -> Iterator[Expression]:
        """The operands of an `and`, those together that speak of the same related records."""
        owners: dict[str, list[Test]] = {}
        rest: list[Condition] = []
        for each in condition.operands:
            if isinstance(each, Test) and (relation := self._row_of_one(each, scope)) is not None:
                owners.setdefault(relation, []).append(each)
            else:
                rest.append(each)
        for operands in _together(rest, scope):
            if len(operands) == 1:
                yield self.write(operands[0], scope)
            else:
                yield self._some(All(tuple(operands)), _most_asked(operands, scope), scope)
        for relation, tests in owners.items():
            yield self._exists(relation, _joined(and_, [self._compared(each) for each in tests]))

    def _some(self, group: Condition, relation: str, scope: Scope) -> Expression:
        """Whether some choice of a row makes the group hold; other relations in it are chosen further inside."""
        none_will_do = _holds_without(group, relation)
        present = self.columns.present(relation) if none_will_do else None
        inside = replace(scope, strict=False, chosen={**scope.chosen, relation: present})
        return self._exists(relation, self.write(group, inside), outer=none_will_do)

    def _exists(self, relation: str, condition: Expression, *, outer: bool = False) -> Expression:
        """Whether a row of the relation's makes the condition true; with `outer` also whether its absence does."""
        related: Related = self.columns.relations[relation]
        one: Column = literal_column("1")
        if not outer:
            rows = select(one).select_from(related.table).where(related.join)
            return rows.where(condition).correlate_except(related.table).exists()
        record = select(one.label("one")).subquery("record")
        joined: FromClause = record.outerjoin(related.table, related.join)
        return select(one).select_from(joined).where(condition).correlate_except(record, related.table).exists()

    def _row_of_one(self, test: Test, scope: Scope) -> str | None:
        """The to-one relation whose row a test is true of; None where its absence may do, and for other tests."""
        if test.field.to_many or not scope.surely or SENSES[test.op].on_null is not None:
            return None
        return self._place(test).related

    # Tests

    def _place(self, test: Test) -> Place:
        place = self.columns.place(test.field)
        assert place is not None
        return place

    def _test(self, test: Test, scope: Scope) -> Expression:
        if test.field.to_many:
            return self._to_many(test, scope)
        place = self._place(test)
        if place.related is not None:
            return self._to_one(test, place.related, scope)
        compared = self._compared(test)
        if SENSES[test.op].on_null is not None or place.certain:
            return compared
        if not scope.surely:
            return or_(compared, place.column.is_(None))
        return and_(compared, place.column.is_not(None)) if scope.strict else compared

    def _to_one(self, test: Test, relation: str, scope: Scope) -> Expression:
        """A missing record has null fields: what holds of null is that no row holds the opposite."""
        opposite = replace(test, op=SENSES[test.op].complement)
        if test.op is Op.IS_NULL or (test.op is not Op.NOT_NULL and not scope.surely):
            return not_(self._exists(relation, self._compared(opposite)))
        return self._exists(relation, self._compared(test))

    def _to_many(self, test: Test, scope: Scope) -> Expression:
        """True or false, and false where no record is chosen."""
        relation = test.field.relation or ""
        if relation not in scope.chosen:
            return self._exists(relation, self._compared(test))
        present, compared = scope.chosen[relation], self._compared(test)
        needed = present is not None and (test.op is Op.IS_NULL or test.value == ())
        return and_(present.is_not(None), compared) if present is not None and needed else compared

    def _compared(self, test: Test) -> Expression:
        """The test of a column, null where the column is; the null tests are not."""
        column, op, value = self._place(test).column, test.op, test.value
        match SENSES[op].kind:
            case Kind.NULL:
                return column.is_(None) if op is Op.IS_NULL else column.is_not(None)
            case Kind.PATTERN:
                assert isinstance(value, str)
                matches = self._matches(as_text(column), value, SENSES[op].folds)
                return not_(matches) if SENSES[op].negated else matches
            case Kind.LIST:
                assert isinstance(value, tuple)
                return _in_list(column, value, SENSES[op].negated)
            case Kind.EQUALITY | Kind.ORDER:
                assert value is not None
                assert not isinstance(value, tuple)
                bound = bind(value, column)
                if bound is None:  # equal to nothing that the column can hold
                    return column.is_not(None) if op is Op.NE else false()
                return _COMPARE[op](column, bound)

    def _matches(self, text: Column, pattern: str, folds: bool) -> Expression:
        if not folds:
            return Like(text, _bind_pattern(pattern))
        if self.fold is None:
            return Ilike(text, _bind_pattern(pattern))
        where = self.fold(text) if callable(self.fold) else folded(text, self.fold)
        return Like(where, _bind_pattern(fold_case(pattern)))


_COMPARE: dict[Op, Callable[[Column, Column], Expression]] = {
    Op.EQ: lambda column, value: column == value,
    Op.NE: lambda column, value: column != value,
    Op.LT: lambda column, value: column < value,
    Op.LE: lambda column, value: column <= value,
    Op.GT: lambda column, value: column > value,
    Op.GE: lambda column, value: column >= value,
}


def _in_list(column: Column, values: Sequence[Scalar], negated: bool) -> Expression:
    held = [bound for bound in (bind(value, column) for value in values) if bound is not None]
    if not values:
        return true() if negated else false()
    if not held:
        return column.is_not(None) if negated else false()
    parts = [held[at : at + MOST_IN_A_LIST] for at in range(0, len(held), MOST_IN_A_LIST)]
    if negated:
        return _joined(and_, [column.not_in(part) for part in parts])
    return _joined(or_, [column.in_(part) for part in parts])


def _bind_pattern(pattern: str) -> Column:
    return bindparam(None, pattern, type_=Pattern())


def _joined(join: Callable[..., Expression], parts: Sequence[Expression]) -> Expression:
    """Parts joined by `and_` or `or_`; many of them in halves of halves."""
    if not parts:
        return true() if join is and_ else false()
    if len(parts) <= MOST_IN_A_CHAIN:
        return join(*parts)
    half = len(parts) // 2
    return join(Parentheses(_joined(join, parts[:half])), Parentheses(_joined(join, parts[half:])))


# Groups and the to-many relations in them. A `not` is a group of its own.


def _to_many(condition: Condition) -> set[str]:
    """The to-many relations that a group asks about."""
    if isinstance(condition, Test):
        return {condition.field.relation or ""} if condition.field.to_many else set()
    if isinstance(condition, Not):
        return set()
    return set().union(*map(_to_many, condition.operands))


def _holds_without(condition: Condition, relation: str) -> bool:
    """Whether a group may hold where no row of the relation is chosen, every test of one being false."""
    match condition:
        case Test():
            return not condition.field.to_many or condition.field.relation != relation
        case Not():
            return True
        case All():
            return all(_holds_without(each, relation) for each in condition.operands)
        case Any():
            return any(_holds_without(each, relation) for each in condition.operands)
        case _:
            assert_never(condition)


def _together(conditions: Sequence[Condition], scope: Scope) -> list[list[Condition]]:
    """Conditions in lots that have no relation to be chosen in common, and so are true or false independently."""
    lots: list[tuple[set[str], list[Condition]]] = []
    for each in conditions:
        relations, operands = _to_many(each) - scope.chosen.keys(), [each]
        for lot in [lot for lot in lots if lot[0] & relations]:
            lots.remove(lot)
            relations, operands = relations | lot[0], lot[1] + operands
        lots.append((relations, operands))
    return [operands for _, operands in lots]


def _most_asked(conditions: Sequence[Condition], scope: Scope) -> str:
    """The relation that most of the conditions speak of."""
    asked = [relation for each in conditions for relation in sorted(_to_many(each) - scope.chosen.keys())]
    return max(dict.fromkeys(asked), key=asked.count)
