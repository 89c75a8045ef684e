"""What the service answers to each kind of question, as plain data: one function each, from a body and the schema.

A wrong query is an answer; a wrong argument beside it (an endpoint nobody knows, a time without its offset) raises
`Malformed`. Nothing here knows of HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pqlang import arguments, compiler, entry, hover
from pqlang.completer import complete
from pqlang.decompiler import read_target
from pqlang.diagnostics import Diagnostic, PqlError, Severity
from pqlang.hostvalues import ValueSource
from pqlang.moments import make_clock
from pqlang.presenter import curl, request_json
from pqlang.rendering import offsets, to_json
from pqlang.schema import Endpoint, Schema
from pqlang.searchbox import asks
from pqlang.searchbox.problems import Malformed, Problem
from pqlang.source import Source
from pqlang.valueclass import frozen

Values = Mapping[str, ValueSource]


def check(ask: asks.AskCheck, schema: Schema) -> dict[str, Any]:
    """What is wrong with a query, and what is worth knowing."""
    found = entry.check(ask.query, endpoint(ask.endpoint, schema), target=ask.target, **_how(ask))
    return answer({}, found, Source(ask.query))


def compile(ask: asks.AskCompile, schema: Schema) -> dict[str, Any]:
    """The one request that a query means."""
    at, how = endpoint(ask.endpoint, schema), _how(ask)

    def made() -> tuple[dict[str, Any], Sequence[Diagnostic]]:
        request = entry.compile(ask.query, at, target=ask.target or "auto", **how)
        return request_json(request), request.diagnostics

    return _tried(made, ask.query)


def plan(ask: asks.AskPlan, schema: Schema) -> dict[str, Any]:
    """The requests that together answer a query."""
    at, how = endpoint(ask.endpoint, schema), _how(ask)
    how |= {"disjoint": ask.disjoint, "broaden": ask.broaden, "max_requests": ask.max_requests}

    def made() -> tuple[dict[str, Any], Sequence[Diagnostic]]:
        found = compiler.plan(ask.query, at, target=ask.target or "auto", **how)
        said = found.to_json() | {"explain": found.explain()}
        for each, request in zip(said["requests"], found.requests, strict=True):
            each["curl"] = curl(request)
        return said, found.diagnostics

    return _tried(made, ask.query)


def completions(ask: asks.AskComplete, schema: Schema, values: Values, timeout: float) -> dict[str, Any]:
    """What may be written at the cursor; `values` is asked for what only the host knows."""
    at = endpoint(ask.endpoint, schema)
    _clock(ask.now, ask.tz)
    how: dict[str, Any] = {"mode": ask.mode, "variables": ask.variables or (), "now": ask.now, "tz": ask.tz}
    found = complete(ask.query, ask.offset, at, values=values, timeout=timeout, **how)
    return answer({"completions": [each.to_json(ask.query) for each in found]}, (), Source(ask.query))


def describe(ask: asks.AskDescribe, schema: Schema) -> dict[str, Any]:
    """What stands at the cursor."""
    at = endpoint(ask.endpoint, schema)
    _clock(ask.now, ask.tz)
    how: dict[str, Any] = {"variables": ask.variables, "now": ask.now, "tz": ask.tz, "mode": ask.mode}
    found, source = hover.describe(ask.query, ask.offset, at, **how), Source(ask.query)
    described = found and {
        "kind": found.kind.value,
        "title": found.title,
        "text": found.text,
        "facts": [{"label": label, "text": text} for label, text in found.facts],
        **offsets(found.span, ask.query),
        "problems": [to_json(each, source) for each in found.problems],
    }
    return answer({"description": described}, (), source)


def format(ask: asks.AskFormat, schema: Schema) -> dict[str, Any]:
    """The query in its canonical form."""
    return _tried(lambda: ({"query": compiler.format(ask.query, width=ask.width, mode=ask.mode)}, ()), ask.query)


def decompile(ask: asks.AskDecompile, schema: Schema) -> dict[str, Any]:
    """The query that a request means."""
    at = None if ask.endpoint is None else endpoint(ask.endpoint, schema)
    reading = read_target(ask.target, at, schema=schema)
    said = {} if reading.endpoint is None else {"endpoint": reading.endpoint.name, "query": reading.text}
    return answer(said, reading.diagnostics, reading.source)


@frozen
class Found:
    """The first records that a query selects, how many there are if that is known, and what is to be said of them."""

    records: Sequence[Mapping[str, Any]]
    total: int | None = None
    diagnostics: Sequence[Diagnostic] = ()


def rows(ask: asks.AskRows, found: Found | PqlError) -> dict[str, Any]:
    """The records that were found, or why there are none."""
    if isinstance(found, PqlError):
        return answer({}, found.diagnostics, found.source)
    return answer({"rows": found.records, "total": found.total}, found.diagnostics, Source(ask.query))


# What all of them need


def answer(said: Mapping[str, Any], diagnostics: Sequence[Diagnostic], source: Source) -> dict[str, Any]:
    """What is said, where no diagnostic is an error, and the diagnostics."""
    ok = not any(each.severity is Severity.ERROR for each in diagnostics)
    return {"ok": ok, **(said if ok else {}), "diagnostics": [to_json(each, source) for each in diagnostics]}


def endpoint(name: str, schema: Schema) -> Endpoint:
    """The endpoint of that name. Raises Malformed where there is none, with the closest there is."""
    try:
        return arguments.endpoint(name, schema)
    except PqlError as error:
        raise _malformed("endpoint", error) from None


def _how(ask: asks.Read) -> dict[str, Any]:
    """How a query is read, as keywords."""
    _clock(ask.now, ask.tz)
    return {"variables": ask.variables, "now": ask.now, "tz": ask.tz, "scope": ask.scope, "mode": ask.mode}


def _clock(now: str | None, tz: str) -> None:
    """Raises Malformed for a time without its offset, or a zone nobody knows."""
    try:
        make_clock(now, "UTC")
    except PqlError as error:
        raise _malformed("now", error) from None
    try:
        make_clock(None, tz)
    except PqlError as error:
        raise _malformed("tz", error) from None


def _malformed(key: str, error: PqlError) -> Malformed:
    problem = error.diagnostics[0]
    return Malformed(Problem((key,), problem.message + (f"; {problem.help}" if problem.help else "")))


def _tried(make: Callable[[], tuple[dict[str, Any], Sequence[Diagnostic]]], query: str) -> dict[str, Any]:
    """What is made of a query, or what is wrong with it."""
    try:
        said, diagnostics = make()
    except PqlError as error:
        return answer({}, error.diagnostics, error.source)
    return answer(said, diagnostics, Source(query))
