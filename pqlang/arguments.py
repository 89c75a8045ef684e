"""The arguments of the public functions, checked before any work. Raises PqlError, as for all bad input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pqlang import diagnostics as say
from pqlang.diagnostics import PqlError
from pqlang.names import close_matches
from pqlang.schema import Endpoint, Schema
from pqlang.source import DEFAULT_LIMITS, MAX_DEPTH, Limits, Source, Span

if TYPE_CHECKING:
    from pqlang import ast

TARGETS = ("auto", "json", "params")
MODES = ("strict", "search")
NO_VARIABLES: Mapping[str, object] = {}


def wrong(name: str, value: object, wanted: str) -> PqlError:
    """The error for an argument that is not what it must be."""
    return PqlError(Source("", name), [say.bad_argument(name, value, wanted)])


def endpoint(given: object, schema: Schema | None = None) -> Endpoint:
    """An endpoint by its name in a schema, the built-in one where None, or the endpoint itself."""
    if isinstance(given, Endpoint):
        return given
    known = built_in() if schema is None else schema
    found = known.endpoint(given) if isinstance(given, str) else None
    if found is None:
        close = close_matches(given, known.names, 1) if isinstance(given, str) else []
        raise PqlError(Source("", "endpoint"), [say.unknown_endpoint(given, known.names, close)])
    return found


def built_in() -> Schema:
    """The built-in schema, read when it is first asked for."""
    from pqlang._penbox import PENBOX

    return PENBOX


def target(given: object) -> None:
    """The kind of request to make; analysing alone needs none."""
    if given is None:
        raise wrong("target", given, say.listing([f"`{each}`" for each in TARGETS], "or"))


def choices(target: object, scope: object, mode: object) -> None:
    """The keywords that take one of a few words."""
    if target is not None and target not in TARGETS:
        raise wrong("target", target, say.listing([f"`{each}`" for each in TARGETS], "or"))
    if scope is not None and scope != "active":
        raise wrong("scope", scope, "`active` or None")
    if mode not in MODES:
        raise wrong("mode", mode, say.listing([f"`{each}`" for each in MODES], "or"))


def plan_options(disjoint: object, max_requests: object, broaden: object) -> None:
    """The keywords of a plan: two switches and a number."""
    for name, value in (("disjoint", disjoint), ("broaden", broaden)):
        if not isinstance(value, bool):
            raise wrong(name, value, "True or False")
    if type(max_requests) is not int or max_requests < 1:
        raise wrong("max_requests", max_requests, "a positive whole number")


def limits(given: object) -> Limits:
    """The bounds, each a positive whole number."""
    if given is None:
        return DEFAULT_LIMITS
    if not isinstance(given, Limits):
        raise wrong("limits", given, "a `Limits`")
    for name, highest in (("length", None), ("depth", MAX_DEPTH), ("values", None)):
        value = getattr(given, name)
        if type(value) is not int or value < 1 or (highest is not None and value > highest):
            raise PqlError(Source("", "limits"), [say.bad_limit(name, value, highest)])
    return given


def variables(given: object) -> Mapping[str, object]:
    """The values of `$names`."""
    if given is None:
        return NO_VARIABLES
    if type(given) is not dict and not isinstance(given, Mapping):
        raise PqlError(Source("", "variables"), [say.bad_variables(given)])
    return given


def binding(written: str, command: str) -> tuple[str, object]:
    """A variable bound in writing: `name=text`, or `name:=JSON` for what is not text.

    Raises PqlError where it is neither; `command` is what its message calls what was written.

    >>> binding("mail=ann@acme.com", "--var"), binding("ids:=[1, 2]", "--var")
    (('mail', 'ann@acme.com'), ('ids', [1, 2]))
    """
    left, equals, text = written.partition("=")
    name = left.removesuffix(":")
    if not equals or not (name.isascii() and name.isidentifier()):
        raise _usage(f"`{command} {written}` binds nothing: write `{command} name=text` or `{command} name:=JSON`")
    if left == name:
        return name, text
    import json

    try:
        return name, json.loads(text)
    except (ValueError, RecursionError):
        raise _usage(f"`{command} {written}`: `{text}` is not JSON; text is bound with `{name}={text}`") from None


def _usage(message: str) -> PqlError:
    return PqlError(Source(""), [say.usage(message)])


def source(query: object, bound: object, bounds: Limits) -> tuple[Source, Mapping[str, object]]:
    """The text of a query and the values bound beside it.

    A tree is taken as its canonical text, so that messages have something to point at; a t-string (PEP 750) as its
    text with a variable in place of each interpolation.
    """
    values = NO_VARIABLES if bound is None else variables(bound)
    if isinstance(query, str):
        return Source(query), values
    from pqlang import ast  # a text needs no tree here
    from pqlang.formatter import format_query

    if isinstance(query, ast.Query):
        _check_depth(query, bounds.depth)
        try:
            return Source(format_query(query)), values
        except (ValueError, TypeError, AttributeError, AssertionError):  # a hole, or parts that are no nodes
            raise wrong("query", query, "a tree whose parts are all nodes of `ast`, without holes") from None
    if hasattr(query, "interpolations") and hasattr(query, "strings"):
        try:
            return _template(query, values)
        except (ValueError, TypeError, AttributeError, IndexError, KeyError):
            pass  # it only looks like one
    raise wrong("query", query, "text, an `ast.Query` or a t-string")


def _check_depth(query: ast.Query, limit: int) -> None:
    """A tree deeper than the limit is refused before anything recurses into it."""
    from pqlang import ast

    level: list[ast.Expr] = [] if query.where is None else [query.where]
    depth = 0
    while level:
        below: list[ast.Expr] = []
        for node in level:
            if isinstance(node, ast.Not):
                below.append(node.operand)
            elif isinstance(node, ast.And | ast.Or):
                below += node.operands
        level, depth = below, depth + 1
        if depth > limit + 1:
            raise PqlError(Source(""), [say.too_deep(Span(0, 0), depth, limit)])


def _template(template: Any, values: Mapping[str, object]) -> tuple[Source, Mapping[str, object]]:
    parts, bound = [template.strings[0]], dict(values)
    for at, (interpolation, text) in enumerate(zip(template.interpolations, template.strings[1:], strict=True), 1):
        expression = str(interpolation.expression)
        if interpolation.conversion is not None or interpolation.format_spec:
            raise PqlError(Source("", "query"), [say.interpolation_format(expression)])
        name = expression if expression.isascii() and expression.isidentifier() else f"value{at}"
        while name in bound and bound[name] is not interpolation.value:
            name += "_"
        bound[name] = interpolation.value
        parts += [f"${name}", text]
    return Source("".join(parts)), bound
