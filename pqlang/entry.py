"""`compile` and `check` as they are called: what is remembered, else the short way, else the whole flow.

Only a query that `express` does not know at once brings in `compiler` and its passes: they are most of the package, and
a process that compiles one plain query does without them. What is remembered may be forgotten without changing any
result: a text that may be about the present time is read anew with the clock of each call.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from pqlang import arguments, express
from pqlang.arguments import MODES, TARGETS
from pqlang.request import Request, with_long_url
from pqlang.schema import Endpoint
from pqlang.source import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from pqlang.diagnostics import Diagnostic

REMEMBERED = 512  # requests
LONGEST = 1_000  # characters of a query that is remembered


def compile(
    query: object,
    endpoint: str | Endpoint,
    *,
    target: str = "auto",
    variables: Mapping[str, object] | None = None,
    now: datetime | str | None = None,
    tz: str | tzinfo = "UTC",
    scope: str | None = None,
    mode: str = "strict",
    limits: Limits | None = None,
) -> Request:
    """The one API request that a query means.

    `query` is text, an `ast.Query`, or a t-string; `endpoint` a name in `PENBOX` or an `Endpoint` of another schema.
    `target` is `"json"`, `"params"`, or `"auto"`: direct parameters where they are exact, else the JSON filter.
    `variables` binds `$names`. `now` (aware datetime or ISO text) and `tz` (a zone's name) are what relative times
    are counted from. `scope="active"` adds the endpoint's active condition where the query says nothing of it.
    `mode="search"` reads what hands type into a search box. `limits` bounds length, depth and list values.

    Raises PqlError with every problem: a mistake in the query, or a part that one request cannot say.

    >>> compile("parent_status = in_progress and archived = false", "cases").query_string
    'parent_status=in_progress&archived=false'
    """
    if variables is None and now is None and type(query) is str and len(query) <= LONGEST:
        try:
            known = _remembered(query, endpoint, target, tz, scope, mode, limits)
        except TypeError:  # an argument that cannot be a key is a wrong one
            known = None
        if known is not None:
            return known
    return _compiled(query, endpoint, target, variables, now, tz, scope, mode, limits)


@lru_cache(REMEMBERED)
def _remembered(
    query: str,
    endpoint: str | Endpoint,
    target: str,
    tz: str | tzinfo,
    scope: str | None,
    mode: str,
    limits: Limits | None,
) -> Request | None:
    """The request of a text that says nothing of the present time; None for any other. Raises PqlError."""
    if express.may_ask_for_now(query):
        return None
    return _compiled(query, endpoint, target, None, None, tz, scope, mode, limits)


def _compiled(
    query: object,
    endpoint: str | Endpoint,
    target: str,
    variables: Mapping[str, object] | None,
    now: datetime | str | None,
    tz: str | tzinfo,
    scope: str | None,
    mode: str,
    limits: Limits | None,
) -> Request:
    if type(query) is str and variables is None and now is None and tz == "UTC" and scope is None:
        at = endpoint if type(endpoint) is Endpoint else arguments.endpoint(endpoint)
        bounds = DEFAULT_LIMITS if limits is None else arguments.limits(limits)
        if target in TARGETS and mode in MODES and len(query) <= bounds.length:
            short = express.push(query, at, target)
            if short is not None:
                return with_long_url(Request(at, *short), len(query))
    arguments.target(target)
    from pqlang import compiler  # the whole flow

    return compiler.request(
        compiler.analyse(
            query,
            endpoint,
            target=target,
            variables=variables,
            now=now,
            tz=tz,
            scope=scope,
            mode=mode,
            limits=limits,
        )
    )


def check(
    query: object,
    endpoint: str | Endpoint,
    *,
    target: str | None = None,
    variables: Mapping[str, object] | None = None,
    now: datetime | str | None = None,
    tz: str | tzinfo = "UTC",
    scope: str | None = None,
    mode: str = "strict",
    limits: Limits | None = None,
) -> list[Diagnostic]:
    """Every problem of a query, in the order of its text; never raises on text.

    The keywords are those of `compile`. Whether one request can say it is asked only where a `target` is given: a
    query that needs several is not wrong.

    >>> [problem.code for problem in check("parent_status = drft and emial = x", "cases")]
    ['unknown-value', 'unknown-field']
    """
    if type(query) is str and target is None and variables is None and now is None and tz == "UTC" and scope is None:
        at = endpoint if type(endpoint) is Endpoint else arguments.endpoint(endpoint)
        bounds = DEFAULT_LIMITS if limits is None else arguments.limits(limits)
        if mode in MODES and len(query) <= bounds.length:
            problems = (_known_problems if len(query) <= LONGEST else express.check)(query, at, bounds)
            if problems is not None:
                return [*problems]
    from pqlang import compiler

    analysis = compiler.analyse(
        query, endpoint, target=target, variables=variables, now=now, tz=tz, scope=scope, mode=mode, limits=limits
    )
    return list(analysis.diagnostics)


_known_problems = lru_cache(REMEMBERED)(express.check)
