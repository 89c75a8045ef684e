"""The whole flow, from text to request. Each arrow is a function of one module:

    text -> parse_source -> tree -> resolve -> condition -> normalise -> push_down -> tests -> Request -> emit

`compile` and `check` themselves stand in `entry`, which comes here with all that it does not know at once.

A pass that bad input can upset returns what it made and the problems it met; the rest are total. Problems gather in
an `Analysis`; `compile` raises them, `check` returns them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from pqlang import arguments, ast
from pqlang import diagnostics as say
from pqlang.condition import Condition
from pqlang.diagnostics import Diagnostic, PqlError, Severity
from pqlang.formatter import format_query
from pqlang.moments import Clock, make_clock
from pqlang.normaliser import normalise
from pqlang.notices import notice
from pqlang.operands import Context
from pqlang.parser import parse_source
from pqlang.pushdown import Pushed, push_down, undocumented, values_length
from pqlang.request import Request, with_long_url
from pqlang.resolver import Meaning, resolve
from pqlang.schema import Endpoint
from pqlang.scopes import active_condition, assumed_condition
from pqlang.skeleton import Skeleton, strip
from pqlang.source import Limits, Source
from pqlang.valueclass import field, frozen, replace

if TYPE_CHECKING:
    from pqlang.emitters.sql import Fold
    from pqlang.emitters.sql_types import Expression
    from pqlang.plans import Plan
    from pqlang.predicates import Predicate


@frozen
class Analysis:
    """Everything known about a query: each stage reached, and every problem on the way."""

    source: Source
    endpoint: Endpoint
    diagnostics: tuple[Diagnostic, ...]
    tree: ast.Query | None = None
    meaning: Meaning | None = None
    condition: Condition | None = None  # the normal form, scope included; None for the endpoint's own list
    pushed: Pushed | None = None
    length: int = 0  # characters of the text and of the values bound beside it


def analyse(
    query: object,
    endpoint: object,
    *,
    target: str | None = "auto",
    variables: Mapping[str, object] | None = None,
    now: datetime | str | None = None,
    tz: str | tzinfo = "UTC",
    scope: str | None = None,
    mode: str = "strict",
    limits: Limits | None = None,
) -> Analysis:
    """Take a query through every stage it reaches; with `target` None, not into a request.

    Raises PqlError for wrong arguments alone. What is wrong with the query is in `diagnostics`.
    """
    at = arguments.endpoint(endpoint)
    arguments.choices(target, scope, mode)
    bounds = arguments.limits(limits)
    clock = make_clock(now, tz)
    source, bound = arguments.source(query, variables, bounds)
    tree, problems = parse_source(source, search=mode == "search", limits=bounds)
    if tree is None:
        return Analysis(source, at, tuple(problems))
    context = Context(at, clock, source.text, bound, mode == "search", bounds)
    return finish(source, tree, problems, context, target, scope)


def finish(
    source: Source, tree: ast.Query, problems: list[Diagnostic], context: Context, target: str | None, scope: str | None
) -> Analysis:
    """The stages after the text is read: meaning, normal form, and the one request where a target is asked for."""
    endpoint = context.endpoint
    meaning, found = resolve(tree, context)
    problems = _in_order(problems + found)
    if meaning is None or any(problem.severity is Severity.ERROR for problem in problems):
        return Analysis(source, endpoint, tuple(problems), tree)
    condition = None if meaning.condition is None else normalise(meaning.condition, endpoint)
    if scope == "active":
        condition = active_condition(condition, meaning.condition, endpoint)
    if condition is not None and meaning.condition is not None:
        problems += notice(meaning.condition, condition, endpoint)
    length = len(source.text) + (values_length(condition) if context.variables else 0)
    if target is None:
        return Analysis(source, endpoint, tuple(problems), tree, meaning, condition, None, length)
    pushed, found = push_down(condition, endpoint, target)
    if pushed is None and condition is not None:
        from pqlang.plans import by_plan  # only who is refused pays for it

        pushed, found = by_plan(found, condition, endpoint, target)
    problems += found if pushed is None else found + undocumented(pushed)
    return Analysis(source, endpoint, tuple(problems), tree, meaning, condition, pushed, length)


def _in_order(problems: list[Diagnostic]) -> list[Diagnostic]:
    """As they stand in the text, whichever pass met them."""
    return sorted(problems, key=lambda problem: problem.span) if len(problems) > 1 else problems


def request(analysis: Analysis) -> Request:
    """The request of an analysis that reached one; raises PqlError with all its problems where it did not."""
    pushed, meaning, endpoint = analysis.pushed, analysis.meaning, analysis.endpoint
    if pushed is None or meaning is None:
        raise PqlError(analysis.source, analysis.diagnostics)
    made = Request(endpoint, pushed.target, pushed.tests, _sort(meaning, endpoint), analysis.diagnostics)
    return with_long_url(made, analysis.length)


def _sort(meaning: Meaning, endpoint: Endpoint) -> str | None:
    """The value of the parameter that orders the list; None where the query says nothing of it."""
    if meaning.order is None or meaning.order.field.sort is None:
        return None
    return (endpoint.api.descending_prefix if meaning.order.descending else "") + meaning.order.field.sort


def plan(
    query: object,
    endpoint: str | Endpoint,
    *,
    disjoint: bool = False,
    max_requests: int = 30,
    broaden: bool = False,
    target: str = "auto",
    variables: Mapping[str, object] | None = None,
    now: datetime | str | None = None,
    tz: str | tzinfo = "UTC",
    scope: str | None = None,
    mode: str = "strict",
    limits: Limits | None = None,
) -> Plan:
    """The requests that together answer a query, whatever one alone can say; the other keywords are those of `compile`.

    No request is covered by another. What none can say is a request's `residual`, to be tested on its records.
    `disjoint` asks for requests that share no record; `plan.disjoint` tells whether they do. More than `max_requests`
    are an error, unless `broaden` allows requests that fetch more than is asked.

    Raises PqlError for a mistake, for too many requests, and for a part that no request can say and no response record
    carries.

    >>> [each.filter["attributes"] for each in plan("parent_status = draft or waiting_for = owner", "cases").requests]
    [{'parent_status': {'$eq': 'draft'}}, {'waiting_for': {'$eq': 'owner'}}]
    """
    from pqlang.planner import make_plan  # compiling does without these
    from pqlang.plans import Plan, cost_of_less
    from pqlang.predicates import Predicate

    arguments.plan_options(disjoint, max_requests, broaden)
    if target is None:
        raise arguments.wrong("target", target, "a target")
    analysis = analyse(
        query, endpoint, target=None, variables=variables, now=now, tz=tz, scope=scope, mode=mode, limits=limits
    )
    arguments.choices(target, scope, mode)
    at, meaning = analysis.endpoint, analysis.meaning
    if meaning is None:
        raise PqlError(analysis.source, analysis.diagnostics)
    wanted: dict[str, Any] = {"target": target, "max_requests": max_requests, "broaden": broaden, "disjoint": disjoint}
    made, problems = make_plan(analysis.condition, at, **wanted)
    if made is None:
        if analysis.condition is not None and not broaden:
            problems = cost_of_less(problems, analysis.condition, at, wanted)
        raise PqlError(analysis.source, (*analysis.diagnostics, *problems))
    requests = []
    for branch in made.branches:
        found = (*analysis.diagnostics, *undocumented(branch.pushed))
        asked = with_long_url(
            Request(at, branch.pushed.target, branch.pushed.tests, _sort(meaning, at), found), analysis.length
        )
        requests.append(asked if branch.residual is None else replace(asked, residual=Predicate(branch.residual, at)))
    order = None if meaning.order is None else (meaning.order.field.name, meaning.order.descending)
    said = (*analysis.diagnostics, *problems, *(each for one in requests for each in one.diagnostics))
    return Plan(
        tuple(requests),
        made.disjoint,
        at,
        analysis.condition,
        order,
        target,
        tuple(branch.reason for branch in made.branches),
        made.overlap,
        tuple(dict.fromkeys(said)),
        asked_for=tuple(name for name in ("broaden", "disjoint") if wanted[name]),
    )


def predicate(
    query: object,
    endpoint: str | Endpoint,
    *,
    variables: Mapping[str, object] | None = None,
    now: datetime | str | None = None,
    tz: str | tzinfo = "UTC",
    scope: str | None = None,
    mode: str = "strict",
    limits: Limits | None = None,
) -> Predicate:
    """The whole query as a local test on response records; the keywords are those of `compile`.

    No condition means what the API assumes: on cases, `archived = false`. Raises PqlError for a mistake, and for a
    condition on a field that responses do not carry.

    >>> mine = predicate('owner.email ~ "%@acme.com" and contact.given_name = Ann', "cases")
    >>> mine.matches({"owner": {"email": "jo@acme.com"}, "contacts": [{"given_name": "Ann"}]})
    True
    """
    from pqlang.evaluator import uncarried  # compiling does without these
    from pqlang.predicates import Predicate

    analysis = analyse(
        query, endpoint, target=None, variables=variables, now=now, tz=tz, scope=scope, mode=mode, limits=limits
    )
    at = analysis.endpoint
    if analysis.meaning is None:
        raise PqlError(analysis.source, analysis.diagnostics)
    condition = assumed_condition(at) if analysis.condition is None else analysis.condition
    missing = [say.uncarried_field(test.span, test.field.name) for test in uncarried(condition)]
    if missing:
        raise PqlError(analysis.source, (*analysis.diagnostics, *missing))
    return Predicate(condition, at)


def sql(
    query: object,
    endpoint: str | Endpoint,
    tables: object,
    *,
    fold: Fold = None,
    variables: Mapping[str, object] | None = None,
    now: datetime | str | None = None,
    tz: str | tzinfo = "UTC",
    scope: str | None = None,
    mode: str = "strict",
    limits: Limits | None = None,
) -> Expression:
    """The whole query as an SQLAlchemy expression, for `select(…).where(…)`; the keywords are those of `compile`.

    `tables` is the table that holds the records; or a mapping, of the endpoint's name to that table, of a relation to
    its table and the condition that joins it, of a field to a column. Columns not given are found by the field's key
    in a response or by its own name. Values are bound. `fold` says how `ilike` folds case: by a function of the
    database (its name; `install_folding` makes one), by another column (a Python function from the one to the other),
    or as the engine does (None). No condition means what the API assumes.

    The expression is true exactly where the query is; where the query is not, it may be false or null, so negate the
    query and not the expression. Raises PqlError for a mistake, and for a field without a fitting column.

    >>> from sqlalchemy import Column, DateTime, MetaData, String, Table
    >>> cases = Table("cases", MetaData(), Column("title", String), Column("archived_at", DateTime))
    >>> print(sql("title ~ 'a%' and not archived", "cases", cases))
    cases.title LIKE :param_1 ESCAPE '!' AND cases.archived_at IS NULL
    """
    from pqlang.extras import needs

    needs("sandbox", ["sqlalchemy"])
    from pqlang.emitters import sql_columns
    from pqlang.emitters.sql import emit  # the rest does without SQLAlchemy

    if not (fold is None or callable(fold) or (isinstance(fold, str) and fold)):
        raise arguments.wrong("fold", fold, "the name of a function of the database, a Python function, or None")
    analysis = analyse(
        query, endpoint, target=None, variables=variables, now=now, tz=tz, scope=scope, mode=mode, limits=limits
    )
    at = analysis.endpoint
    if analysis.meaning is None:
        raise PqlError(analysis.source, analysis.diagnostics)
    try:
        columns = sql_columns.Columns(at, tables)
    except ValueError as error:
        raise PqlError(Source("", "tables"), [say.bad_tables(str(error))]) from None
    condition = assumed_condition(at) if analysis.condition is None else analysis.condition
    problems = tuple(dict.fromkeys(sql_columns.problems(condition, columns)))
    if problems:
        raise PqlError(analysis.source, (*analysis.diagnostics, *problems))
    return emit(condition, columns, fold)


def parse(query: object, *, mode: str = "strict", limits: Limits | None = None) -> ast.Query:
    """The tree of a text, names and literals as written. Raises PqlError where its syntax is wrong.

    >>> parse("status = draft").where
    Compare(path=Path(parts=('status',)), op=<Op.EQ: '='>, value=Literal(text='draft', quoted=False))
    """
    arguments.choices("auto", None, mode)
    bounds = arguments.limits(limits)
    source, _ = arguments.source(query, None, bounds)
    tree, problems = parse_source(source, search=mode == "search", limits=bounds)
    if tree is None or any(problem.severity is Severity.ERROR for problem in problems):
        raise PqlError(source, problems)
    return tree


def format(query: object, *, width: int | None = None, mode: str = "strict", limits: Limits | None = None) -> str:
    """The canonical text of a query: one spelling for each meaning; with `width`, long queries on several lines.

    Raises PqlError where the syntax is wrong.

    >>> format('STATUS == "draft" && not(archived)', mode="search")
    Traceback (most recent call last):
    ...
    pqlang.diagnostics.PqlError: error[foreign-operator]: `&&` is written `and`
    ...
    >>> format('status == "draft" AND NOT (archived)')
    'status = draft and not archived'
    """
    if width is not None and (type(width) is not int or width < 1):
        raise arguments.wrong("width", width, "a positive number of characters")
    return format_query(parse(query, mode=mode, limits=limits), width)


@frozen
class Prepared:
    """A query read and checked once, compiled as often as its variables and the clock ask for."""

    source: Source
    tree: ast.Query
    endpoint: Endpoint
    target: str
    tz: str | tzinfo
    scope: str | None
    search: bool
    limits: Limits
    problems: tuple[Diagnostic, ...]
    bound: tuple[tuple[str, object], ...] = ()
    skeleton: Skeleton | None = field(default=None, compare=False, repr=False)

    def compile(self, variables: Mapping[str, object] | None = None, *, now: datetime | str | None = None) -> Request:
        """The request for these values at this time, both as in `compile`. Raises PqlError where they do not fit."""
        values = arguments.variables(variables)
        if self.bound:
            values = dict(self.bound) | dict(values)
        if self.skeleton is not None and now is None:
            filled = self.skeleton.filled(values)
            if filled is not None:
                return filled
        clock = make_clock(now, self.tz)
        context = Context(self.endpoint, clock, self.source.text, values, self.search, self.limits)
        return request(finish(self.source, self.tree, list(self.problems), context, self.target, self.scope))


def prepare(
    query: object,
    endpoint: str | Endpoint,
    *,
    target: str = "auto",
    tz: str | tzinfo = "UTC",
    scope: str | None = None,
    mode: str = "strict",
    limits: Limits | None = None,
) -> Prepared:
    """Read and check a query once, for many `compile` calls with other variables. Raises PqlError as `compile` does.

    >>> mine = prepare("owner.email = $mail and archived = false", "cases")
    >>> mine.compile({"mail": "ann@acme.com"}).query_string
    'owner%5Bemail%5D=ann%40acme.com&archived=false'
    """
    arguments.target(target)
    at = arguments.endpoint(endpoint)
    arguments.choices(target, scope, mode)
    bounds = arguments.limits(limits)
    clock: Clock = make_clock(None, tz)
    source, bound = arguments.source(query, None, bounds)
    tree, problems = parse_source(source, search=mode == "search", limits=bounds)
    if tree is not None:
        context = Context(at, clock, source.text, {}, mode == "search", bounds, deferred=True)
        meaning, found = resolve(tree, context)
        if not any(problem.severity is Severity.ERROR for problem in [*problems, *found]):
            plain = not problems and not found and mode == "strict" and tz == "UTC" and scope is None
            return Prepared(
                source,
                tree,
                at,
                target,
                tz,
                scope,
                mode == "search",
                bounds,
                tuple(problems),
                tuple(bound.items()),
                strip(source.text, tree, meaning, at, target, _sort(meaning, at)) if plain and meaning else None,
            )
        problems = _in_order(problems + found)
    raise PqlError(source, problems)
