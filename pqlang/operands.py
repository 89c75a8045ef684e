"""What stands after an operator: literals and bound variables to the values of a field, or to what is wrong with them.

A mistake is noted and gives None, so that the rest of the query is read on. In a query that is prepared, values are
bound later: `UNBOUND` stands in their place, and what is made of it is thrown away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import TypeAlias, cast

from pqlang import ast
from pqlang import diagnostics as say
from pqlang.condition import Moment, Scalar
from pqlang.diagnostics import Diagnostic
from pqlang.literals import is_spaced_time, read_bound, read_literal
from pqlang.moments import Clock, period, read_period
from pqlang.names import close_matches
from pqlang.schema import ORDERED, Endpoint, Field
from pqlang.source import DEFAULT_LIMITS, Limits, Span
from pqlang.spelling import name as spell_name
from pqlang.valueclass import field, frozen


@frozen
class Context:
    """What a query is read against."""

    endpoint: Endpoint
    clock: Clock
    text: str = ""
    variables: Mapping[str, object] = field(default_factory=dict)
    search: bool = False
    limits: Limits = DEFAULT_LIMITS
    deferred: bool = False  # variables are bound later: check all but their values


class _Unbound:
    """Stands for a variable's value where variables are bound later."""


UNBOUND = _Unbound()


Got: TypeAlias = "Scalar | None"  # what a value expression gave: a value, or None after a mistake


_MISSING = object()


class Operands:
    """One run's reading of operands: what they are read against, and the problems met."""

    __slots__ = ("context", "problems")

    def __init__(self, context: Context, problems: list[Diagnostic]) -> None:
        self.context = context
        self.problems = problems

    def value(self, value: ast.Value, field: Field) -> Got:
        """One value of a field's type, or None after saying what is wrong with it."""
        if isinstance(value, ast.Literal):
            read = read_literal(value, field, self.context.clock, self.problems)
            return self.keep(self.ranged(value, field, read)) if isinstance(read, Diagnostic) else read
        bound = self.bound(value)
        if bound is UNBOUND:
            return cast(Scalar, UNBOUND)
        if bound is _MISSING:
            return None
        if isinstance(bound, list | tuple | set | frozenset):
            self.problems.append(say.list_variable(value.span, value.name))
            return None
        return self.keep(read_bound(value.name, bound, value.span, field, self.context.clock, self.problems))

    def ranged(self, literal: ast.Literal, field: Field, read: Diagnostic) -> Diagnostic:
        """`1..5` and `2024-01-01..2024-02-01`, where the value alone makes no sense."""
        low, dots, high = literal.text.partition("..")
        if dots and field.type in ORDERED and (low or high):
            start = self.context.text.rfind(field.name, 0, literal.span.start)
            return say.range_literal(
                literal.span, Span(max(start, 0), literal.span.end), field.name, low, high.lstrip(".")
            )
        return read

    def keep(self, read: Scalar | Diagnostic) -> Got:
        """The value, or None after noting why there is none."""
        if isinstance(read, Diagnostic):
            self.problems.append(read)
            return None
        return read

    def raw_text(self, value: ast.Value, field: Field) -> str | None:
        """The text of a pattern or of a part: any text, whatever values the field lists."""
        if isinstance(value, ast.Literal):
            if is_spaced_time(value):
                self.problems.append(say.mixed_blanks(value.span, value.text))
                return None
            return value.text
        bound = self.bound(value)
        if bound is UNBOUND:
            return cast(str, UNBOUND)
        if bound is _MISSING:
            return None
        if not isinstance(bound, str):
            self.problems.append(say.bound_value(value.span, value.name, bound, field.name, "text"))
            return None
        try:
            return ast.Literal(str(bound), True).text
        except ValueError:
            self.problems.append(
                say.bound_value(
                    value.span, value.name, bound, field.name, "text", "it holds NUL or half a surrogate pair"
                )
            )
            return None

    def listed(self, value: ast.Value, field: Field, node: ast.In) -> Iterable[Got]:
        """The values one member of a list stands for: a bound list brings all of its own."""
        if isinstance(value, ast.Literal):
            if value.is_null:
                self.problems.append(say.null_in_list(value.span, node.span, self.null_beside(node)))
                return (None,)
            return (self.value(value, field),)
        bound = self.bound(value)
        if bound is UNBOUND:
            return ()
        if bound is _MISSING:
            return (None,)
        if bound is None:
            self.problems.append(say.null_in_list(value.span, node.span, self.null_beside(node)))
            return (None,)
        if isinstance(bound, list | tuple | set | frozenset):
            if len(bound) > self.context.limits.values:
                self.problems.append(say.too_many_values(value.span, len(bound), self.context.limits.values))
                return (None,)
            if any(item is None for item in bound):
                path = spell_name(node.path.parts)
                null = f"{path} is {'not ' if node.negated else ''}null"
                edit = f"({node.span.of(self.context.text)} {'and' if node.negated else 'or'} {null})"
                self.problems.append(say.null_in_list(value.span, node.span, edit))
                return (None,)
            members = sorted(bound, key=repr) if isinstance(bound, set | frozenset) else bound
            return [
                self.keep(read_bound(value.name, item, value.span, field, self.context.clock, self.problems))
                for item in members
            ]
        return (self.keep(read_bound(value.name, bound, value.span, field, self.context.clock, self.problems)),)

    def null_beside(self, node: ast.In) -> str:
        """The edit for a null in a list: the list without it, and the question beside it."""
        path = spell_name(node.path.parts)
        others = [
            each
            for each in node.values
            if not ((isinstance(each, ast.Literal) and each.is_null) or self.is_null_variable(each))
        ]
        is_null = f"{path} is {'not ' if node.negated else ''}null"
        if not others:
            return is_null
        listed = ", ".join(each.span.of(self.context.text) for each in others)
        word = "not in" if node.negated else "in"
        return f"({path} {word} ({listed}) {'and' if node.negated else 'or'} {is_null})"

    def end(self, value: ast.Value, field: Field, node: ast.Between) -> Got:
        if (isinstance(value, ast.Literal) and value.is_null) or self.is_null_variable(value):
            self.problems.append(say.null_operator(value.span, "between", ()))
            return None
        return self.value(value, field)

    def period(self, value: ast.Value, field: Field, *, days: bool) -> tuple[Moment, Moment] | None:
        clock, span = self.context.clock, value.span
        if isinstance(value, ast.Literal):
            read = read_period(value.text, value.quoted, span, clock, days=days)
            if read is None:
                help = "for example `2024-01-15`, `2024-01`, `2024`, `today` or `yesterday`"
                read = say.wrong_value(span, value.text, field.name, "day, month or year", help)
        else:
            bound = self.bound(value)
            if bound is UNBOUND:
                return cast(Moment, UNBOUND), cast(Moment, UNBOUND)
            if bound is _MISSING:
                return None
            if isinstance(bound, str):
                read = read_period(bound, True, span, clock, days=days)
            elif isinstance(bound, date) and not isinstance(bound, datetime) and bound < date.max:
                read = period(bound, date.fromordinal(bound.toordinal() + 1), clock, days=days)
            else:
                read = None
            if read is None:
                read = say.bound_value(
                    span, value.name, bound, field.name, "day", "`on` takes a day, a month or a year"
                )
        if isinstance(read, Diagnostic):
            self.problems.append(read)
            return None
        return read

    def bound(self, variable: ast.Variable) -> object:
        """What a variable is bound to; said once where it is not."""
        if self.context.deferred:
            return UNBOUND
        if variable.name in self.context.variables:
            return self.context.variables[variable.name]
        names = [name for name in self.context.variables if isinstance(name, str)]
        self.problems.append(say.unbound_variable(variable.span, variable.name, close_matches(variable.name, names, 1)))
        return _MISSING

    def bound_at_all(self, value: ast.Value) -> None:
        """A wrong field does not hide an unbound variable."""
        if isinstance(value, ast.Variable):
            self.bound(value)

    def is_null_variable(self, value: ast.Value) -> bool:
        return (
            isinstance(value, ast.Variable)
            and not self.context.deferred
            and self.context.variables.get(value.name, _MISSING) is None
        )
