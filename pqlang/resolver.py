"""Names to fields, literals to values: a tree as written becomes a condition as meant.

Goes on after a mistake, so that one pass reports them all. What an operator or a literal may be is decided by the
field's type; every endpoint-specific fact is read from the schema.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TypeGuard, assert_never

from pqlang import ast, patterns
from pqlang import diagnostics as say
from pqlang.condition import All, Condition, Not, Op, Scalar, Test
from pqlang.condition import Any as AnyOf
from pqlang.diagnostics import Diagnostic, Severity, Suggestion
from pqlang.formatter import expression
from pqlang.literals import day_edits, names_day
from pqlang.moments import next_day, read_period
from pqlang.names import close_names
from pqlang.operands import Context, Operands
from pqlang.schema import DATES, ORDERED, TEXTS, Field, FieldType
from pqlang.source import Span
from pqlang.spelling import bare, quote
from pqlang.spelling import name as spell_name
from pqlang.valueclass import frozen, replace

_EQUAL = {ast.Op.EQ: Op.EQ, ast.Op.NE: Op.NE}
_ORDER = {ast.Op.LT: Op.LT, ast.Op.LE: Op.LE, ast.Op.GT: Op.GT, ast.Op.GE: Op.GE}
_PATTERN = {ast.Op.LIKE: Op.LIKE, ast.Op.NOT_LIKE: Op.NOT_LIKE, ast.Op.ILIKE: Op.ILIKE, ast.Op.NOT_ILIKE: Op.NOT_ILIKE}
#: Literal text, and what stands before and after it in the pattern that asks for it.
_LITERAL = {
    ast.Op.CONTAINS: (Op.ILIKE, "%", "%"),
    ast.Op.NOT_CONTAINS: (Op.NOT_ILIKE, "%", "%"),
    ast.Op.STARTS: (Op.ILIKE, "", "%"),
    ast.Op.NOT_STARTS: (Op.NOT_ILIKE, "", "%"),
    ast.Op.ENDS: (Op.ILIKE, "%", ""),
    ast.Op.NOT_ENDS: (Op.NOT_ILIKE, "%", ""),
}
_NEGATIVE = frozenset(
    {ast.Op.NE, ast.Op.NOT_LIKE, ast.Op.NOT_ILIKE, ast.Op.NOT_CONTAINS, ast.Op.NOT_STARTS, ast.Op.NOT_ENDS}
)


ENOUGH_PROBLEMS = 50  # past these, names are no longer compared: a pasted page would cost seconds and help nobody


@frozen
class Order:
    """What the answer is sorted by."""

    field: Field
    descending: bool


@frozen
class Meaning:
    """A query resolved. No condition is the endpoint's own list."""

    condition: Condition | None
    order: Order | None = None


def resolve(tree: ast.Query, context: Context) -> tuple[Meaning | None, list[Diagnostic]]:
    """The meaning of a tree at an endpoint, and every problem on the way. No meaning where one is an error."""
    resolving = _Resolving(context)
    condition = resolving.expression(tree.where) if tree.where is not None else None
    order = resolving.order(tree.order) if tree.order is not None else None
    problems = resolving.problems
    if problems and any(problem.severity is Severity.ERROR for problem in problems):
        return None, problems
    return Meaning(condition, order), problems


class _Resolving:
    """One run of the resolver. Methods return None where a mistake leaves no meaning."""

    __slots__ = ("context", "fields", "negated", "nulls_in", "operands", "problems")

    def __init__(self, context: Context) -> None:
        self.context = context
        self.fields = context.endpoint.by_parts
        self.problems: list[Diagnostic] = []
        self.operands = Operands(context, self.problems)
        self.negated = False  # under an odd number of `not`s
        self.nulls_in: frozenset[tuple[str, ...]] = frozenset()  # fields whose nulls an `or` around lets in

    # Expressions

    def expression(self, node: ast.Expr) -> Condition | None:
        match node:
            case ast.Compare():
                return self.compare(node)
            case ast.And():
                parts = [part for each in node.operands if (part := self.expression(each)) is not None]
                if self.context.search:
                    self.note_unquoted(node)
                return All(tuple(parts), node.span)
            case ast.Or():
                outside = self.nulls_in
                self.nulls_in = outside.union([each.path.parts for each in node.operands if _asks_for_null(each)])
                parts = [part for each in self.told_apart(node) if (part := self.expression(each)) is not None]
                self.nulls_in = outside
                return AnyOf(tuple(parts), node.span)
            case ast.Not():
                self.negated = not self.negated
                inner = self.expression(node.operand)
                self.negated = not self.negated
                return None if inner is None else Not(inner, node.span)
            case ast.In():
                return self.inside(node)
            case ast.IsNull():
                return self.is_null(node)
            case ast.Between():
                return self.between(node)
            case ast.On():
                return self.on(node)
            case ast.Flag():
                return self.flag(node)
            case ast.Text():
                return self.free_text(node.value.text, node.span)
            case ast.Hole():
                return None
            case _:
                assert_never(node)

    def compare(self, node: ast.Compare) -> Condition | None:
        field = self.field(node.path)
        op, value = node.op, node.value
        if field is None:
            self.operands.bound_at_all(value)
            return None
        if value.is_null if isinstance(value, ast.Literal) else self.operands.is_null_variable(value):
            return self.null_compare(node, field)
        if op in _EQUAL:
            got = self.operands.value(value, field)
            if op is ast.Op.NE:
                self.note_negative(node, field, "!=")
            elif got is not None:
                self.note_bare_day(node, field, value)
            return None if got is None else Test(field, _EQUAL[op], got, node.span)
        if op in _ORDER:
            if field.type not in ORDERED and not self.refuse(
                node, field, str(op), "only numbers and dates have an order"
            ):
                return None
            got = self.operands.value(value, field)
            if op is ast.Op.LE and got is not None:
                self.note_bare_day(node, field, value)
            return None if got is None else Test(field, _ORDER[op], got, node.span)
        return self.pattern(node, field)

    def pattern(self, node: ast.Compare, field: Field) -> Condition | None:
        """`like`, `ilike` and the three that take literal text."""
        op, value = node.op, node.value
        if field.type not in TEXTS:
            why = "only text has parts"
            if field.type in DATES:
                why = "a day, month or year is asked for with `on`"
            self.refuse(node, field, str(op), why)
            return None
        text = self.operands.raw_text(value, field)
        if text is None:
            return None
        if op in _NEGATIVE:
            self.note_negative(node, field, str(op))
        if self.context.deferred and isinstance(value, ast.Variable):
            return Test(field, Op.LIKE, text, node.span)
        if op in _LITERAL:
            meant, before, after = _LITERAL[op]
            return Test(field, meant, before + patterns.escape(text) + after, node.span)
        if patterns.ends_in_backslash(text):
            self.problems.append(say.lone_backslash(value.span))
            return None
        if not patterns.has_wildcard(text):
            self.problems.append(say.no_wildcard(value.span, str(op), self.wildcard_edits(node, text)))
        return Test(field, _PATTERN[op], text, node.span)

    def wildcard_edits(self, node: ast.Compare, text: str) -> tuple[Suggestion, ...]:
        if not isinstance(node.value, ast.Literal):
            return ()
        span, path = node.span, spell_name(node.path.parts)
        negated = "not " if node.op in _NEGATIVE else ""
        if "*" in text:
            return (Suggestion("use `%`", node.value.span, bare(text.replace("*", "%"))),)
        text = patterns.part_of(f"%{text}%") or text  # the text it stands for: `\\%` is a `%`
        return (
            Suggestion("look for it anywhere", span, f"{path} {negated}contains {bare(text)}"),
            Suggestion("compare the whole text", span, f"{path} {'!=' if negated else '='} {bare(text)}"),
        )

    def null_compare(self, node: ast.Compare, field: Field) -> Condition | None:
        if node.op in _EQUAL:
            return Test(field, Op.IS_NULL if node.op is ast.Op.EQ else Op.NOT_NULL, None, node.span)
        path = spell_name(node.path.parts)
        edits: tuple[Suggestion, ...] = (Suggestion("ask for null", node.span, f"{path} is null"),)
        if field.type in TEXTS and isinstance(node.value, ast.Literal):
            edits += (Suggestion("quote it as text", node.value.span, quote(node.value.text)),)
        self.problems.append(say.null_operator(node.value.span, str(node.op), edits))
        return None

    def inside(self, node: ast.In) -> Condition | None:
        field = self.field(node.path)
        if field is None:
            for value in node.values:
                self.operands.bound_at_all(value)
            return None
        values: list[Scalar] = []
        complete = True
        for value in node.values:
            for got in self.operands.listed(value, field, node):
                if got is None:
                    complete = False
                else:
                    values.append(got)
        limit = self.context.limits.values
        if len(values) > limit:
            if len(node.values) <= limit:  # else the parser has said so
                self.problems.append(say.too_many_values(node.span, len(values), limit))
            return None
        if node.negated and (values or not complete):  # `not in` no value leaves nothing out
            self.note_negative(node, field, "not in")
        if not complete:
            return None
        return Test(field, Op.NOT_IN if node.negated else Op.IN, tuple(dict.fromkeys(values)), node.span)

    def between(self, node: ast.Between) -> Condition | None:
        field = self.field(node.path)
        if field is None:
            self.operands.bound_at_all(node.low)
            self.operands.bound_at_all(node.high)
            return None
        if field.type not in ORDERED and not self.refuse(
            node, field, "between", "only numbers and dates have an order"
        ):
            return None
        low, high = (self.operands.end(value, field, node) for value in (node.low, node.high))
        if low is None or high is None:
            return None
        if isinstance(node.high, ast.Literal) and field.type is FieldType.DATETIME and names_day(node.high):
            following = next_day(node.high.text)
            path = spell_name(node.path.parts)
            low_text = node.low.span.of(self.context.text)
            edit = f"({path} >= {low_text} and {path} < {following})"
            edits = (
                (Suggestion("include the day", node.span, f"not {edit}" if node.negated else edit),)
                if following and low_text
                else ()
            )
            self.problems.append(say.bare_day(node.high.span, "between", edits))
        if node.negated:
            self.note_negative(node, field, "not between")
            return AnyOf((Test(field, Op.LT, low, node.span), Test(field, Op.GT, high, node.span)), node.span)
        return All((Test(field, Op.GE, low, node.span), Test(field, Op.LE, high, node.span)), node.span)

    def on(self, node: ast.On) -> Condition | None:
        field = self.field(node.path)
        if field is None:
            self.operands.bound_at_all(node.period)
            return None
        if field.type not in DATES:
            self.refuse(node, field, "on", "it asks for a day, a month or a year")
            return None
        days = field.type is FieldType.DATE
        ends = self.operands.period(node.period, field, days=days)
        if ends is None:
            return None
        start, following = ends
        if node.negated:
            self.note_negative(node, field, "not on")
            return AnyOf((Test(field, Op.LT, start, node.span), Test(field, Op.GE, following, node.span)), node.span)
        return All((Test(field, Op.GE, start, node.span), Test(field, Op.LT, following, node.span)), node.span)

    def is_null(self, node: ast.IsNull) -> Condition | None:
        field = self.field(node.path)
        if field is None:
            return None
        if node.negated:
            self.note_negative(node, field, "is not null")
        return Test(field, Op.NOT_NULL if node.negated else Op.IS_NULL, None, node.span)

    def flag(self, node: ast.Flag) -> Condition | None:
        field = self.fields.get(node.path.parts)
        if field is not None and field.type is FieldType.BOOLEAN:
            return Test(field, Op.EQ, True, node.span)
        endpoint, word = self.context.endpoint, str(node.path)
        search = endpoint.search
        if self.context.search and search is not None:
            flags = [each.name for each in endpoint.fields if each.type is FieldType.BOOLEAN]
            edits = [f"{field.name} is not null"] if field is not None else close_names(word, flags)[:1]
            self.problems.append(say.word_as_text(node.span, word, search, edits))
            return self.free_text(word, node.span)
        if self.context.search and field is None and not self.relation_fields(node.path):
            return self.free_text(word, node.span)  # which says that this endpoint has none
        if field is not None:
            self.problems.append(say.not_a_flag(node.span, field.name, field.type, field.values))
        else:
            close = self.close_fields(node.path)
            inside = self.relation_fields(node.path)
            if inside:
                self.problems.append(say.unknown_field(node.span, word, endpoint.name, inside[:3], inside))
            else:
                self.problems.append(say.bare_text(node.span, word, endpoint.name, search, close))
        return None

    def free_text(self, text: str, span: Span) -> Condition | None:
        """The endpoint's search field contains the text."""
        endpoint = self.context.endpoint
        if endpoint.search is None:
            names = [each.name for each in endpoint.fields if each.type in TEXTS and each.relation is not None]
            self.problems.append(say.no_search_field(span, endpoint.name, names))
            return None
        return Test(endpoint.field(endpoint.search), Op.ILIKE, f"%{patterns.escape(text)}%", span)

    def order(self, node: ast.OrderBy) -> Order | None:
        field = self.field(node.path)
        if field is None:
            return None
        if field.sort is None:
            names = [each.name for each in self.context.endpoint.fields if each.sort is not None]
            self.problems.append(say.not_sortable(node.path.span, field.name, names))
            return None
        return Order(field, node.descending)

    # Notes

    def refuse(self, node: ast.Compare | ast.Between | ast.On, field: Field, op: str, why: str) -> bool:
        """Say that the operator does not apply; always False, so that callers can go on from it."""
        start = node.path.span.end
        end = (
            node.value if isinstance(node, ast.Compare) else node.low if isinstance(node, ast.Between) else node.period
        ).span.start
        text = self.context.text
        gap = text[start:end]
        span = Span(start + len(gap) - len(gap.lstrip()), start + len(gap.rstrip())) if gap.strip() else node.span
        edits: tuple[Suggestion, ...] = ()
        if isinstance(node, ast.Compare) and isinstance(node.value, ast.Literal) and field.type in DATES:
            stem = node.value.text.strip("%*").rstrip("-")
            if read_period(stem, True, node.value.span, self.context.clock, days=True) is not None:
                edits = (Suggestion("use `on`", node.span, f"{spell_name(node.path.parts)} on {stem}"),)
        self.problems.append(say.wrong_operator(span, op, field.name, field.type, why, edits))
        return False

    def note_negative(
        self, node: ast.Compare | ast.In | ast.Between | ast.On | ast.IsNull, field: Field, op: str
    ) -> None:
        """What a negative operator leaves out: nulls, or on a to-many relation the records with one that differs."""
        span, written = node.span, node.span.of(self.context.text)
        if field.to_many and field.relation is not None:
            positive = expression(ast.Not(_positive(node)))
            self.problems.append(say.some_related(span, span, field.relation, positive))
        elif field.nullable and op != "is not null" and not self.negated and node.path.parts not in self.nulls_in:
            self.problems.append(say.nulls_left_out(span, span, written, spell_name(node.path.parts), op))

    def note_unquoted(self, node: ast.And) -> None:
        """`title = Acme Corp`: the second word is free text of its own, which its quotes would change."""
        for left, right in pairwise(node.operands):
            if not (
                isinstance(left, ast.Compare) and isinstance(left.value, ast.Literal) and isinstance(right, ast.Flag)
            ):
                continue
            compared, field = self.fields.get(left.path.parts), self.fields.get(right.path.parts)
            if compared is None or compared.type not in (FieldType.STRING, FieldType.OPEN_ENUM):
                continue  # no value of its type has blanks
            words = Span(left.value.span.start, right.span.end)
            between = self.context.text[left.value.span.end : right.span.start]
            bare_value = self.context.text[words.start : words.start + 1] not in ("'", '"', "")
            if (
                bare_value
                and between
                and not between.strip()
                and (field is None or field.type is not FieldType.BOOLEAN)
            ):
                hint = say.unquoted_words(words, words.of(self.context.text))
                self.problems.append(replace(hint, severity=Severity.HINT))

    def told_apart(self, node: ast.Or) -> list[ast.Expr]:
        """The operands of an `or`; a word that is no field and follows a comparison is said to be half of a list."""
        operands = list(node.operands)
        for at, (left, right) in enumerate(pairwise(node.operands), 1):
            if not (isinstance(left, ast.Compare) and left.op is ast.Op.EQ and isinstance(right, ast.Flag)):
                continue
            if right.path.parts in self.fields or left.path.parts not in self.fields:
                continue
            text, both = self.context.text, Span(left.span.start, right.span.end)
            listed = f"{spell_name(left.path.parts)} in ({left.value.span.of(text)}, {right.path.span.of(text)})"
            problem = say.half_a_list(right.span, str(right.path), both, listed)
            if self.context.search:  # there it is free text, and most likely not meant to be
                self.problems.append(replace(problem, severity=Severity.HINT))
            else:
                self.problems.append(problem)
                operands[at] = ast.Hole(span=right.span)
        return operands

    def note_bare_day(self, node: ast.Compare, field: Field, value: ast.Value) -> None:
        """`=` and `<=` against a day without a time compare with its first instant."""
        if field.type is FieldType.DATETIME and isinstance(value, ast.Literal) and names_day(value):
            edits = day_edits(spell_name(node.path.parts), str(node.op), value.text, False, node.span)
            self.problems.append(say.bare_day(value.span, str(node.op), edits))

    # Names

    def field(self, path: ast.Path) -> Field | None:
        """The field of that name; None after saying that there is none, and which were most likely meant."""
        found: Field | None = self.fields.get(path.parts)
        if found is not None:
            return found
        inside = self.relation_fields(path)
        close = inside[:3] if inside else self.close_fields(path)
        self.problems.append(say.unknown_field(path.span, str(path), self.context.endpoint.name, close, inside))
        return None

    def relation_fields(self, path: ast.Path) -> list[str]:
        """The fields of a relation named alone."""
        if len(path.parts) != 1:
            return []
        return [each.name for each in self.context.endpoint.fields if each.relation == path.parts[0]]

    def close_fields(self, path: ast.Path) -> list[str]:
        """The fields a wrong name was most likely meant to be: three at most, the likeliest first."""
        if len(self.problems) > ENOUGH_PROBLEMS:
            return []
        return close_names(str(path), [each.name for each in self.context.endpoint.fields])


def _asks_for_null(node: ast.Expr) -> TypeGuard[ast.IsNull | ast.Compare]:
    """Whether it is `field is null` or `field = null`."""
    if isinstance(node, ast.Compare):
        return node.op is ast.Op.EQ and isinstance(node.value, ast.Literal) and node.value.is_null
    return isinstance(node, ast.IsNull) and not node.negated


_POSITIVE = {op: ast.Op(str(op).replace("not ", "").replace("!=", "=").replace("!", "")) for op in _NEGATIVE}


def _positive(node: ast.Compare | ast.In | ast.Between | ast.On | ast.IsNull) -> ast.Expr:
    """The condition without its operator's own negation."""
    if isinstance(node, ast.Compare):
        return replace(node, op=_POSITIVE[node.op])
    return replace(node, negated=False)
