"""A request or a plan as text: to read, or to copy into a browser, a shell or a program.

What is printed may hold anyone's text, so each kind spells what cannot be seen in its own escapes: JSON and Python
theirs, an address and a command percent-encoded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from pqlang.rendering import json_text, visible
from pqlang.request import Request
from pqlang.schema import Endpoint
from pqlang.valueclass import field, frozen

if TYPE_CHECKING:
    from pqlang.plans import Plan

WIDTH = 100  # a call in Python that is longer stands on several lines


@frozen
class Call:
    """What a person would have to write to get the same in Python."""

    query: str
    endpoint: Endpoint
    schema_file: str | None = None
    keywords: Mapping[str, object] = field(default_factory=dict)  # those that are not what they are by default


# A request


def request_json(request: Request) -> dict[str, Any]:
    """A request as values for JSON."""
    return {
        "endpoint": request.endpoint.name,
        "target": request.target,
        "filter": request.filter,
        "params": request.params,
        "query_string": request.query_string,
        "url": request.url(),
    }


def request_text(request: Request) -> str:
    """What is sent, as a person reads it, and where: the JSON filter or the parameters, the order, the URL."""
    lines = [json_text(request.filter, 2)] if request.filter is not None else []
    if request.filter is None and request.query_string:
        lines.append(request.query_string)
    elif request.sort is not None:
        lines.append(f"{request.endpoint.api.sort_param}={request.sort}")
    return "\n".join([*lines, get(request)])


def get(request: Request) -> str:
    """`GET` and the URL."""
    return f"GET {request.url()}"


def readable(request: Request) -> str:
    """The request on a line to look at: its path and its parameters, nothing encoded."""
    address, mark, parameters = request.url("").partition("?")
    return visible(f"GET {address}{mark}{unquote(parameters)}")


def curl(request: Request) -> str:
    r"""A command that sends the request; the token is read from the variable that the schema names.

    >>> import pqlang
    >>> print(curl(pqlang.compile("parent_status = draft and archived = false", "cases")))
    curl -G https://connect.penbox.io/v1/cases \
      -H "Authorization: Bearer $PENBOX_TOKEN" \
      --data-urlencode parent_status=draft \
      --data-urlencode archived=false
    """
    from shlex import quote as shell

    api = request.endpoint.api
    base = shell(api.base_url) if api.base_url else '"$BASE_URL"'  # left to each call by the schema
    path = "/" + request.endpoint.path.lstrip("/")
    plainly = "-g " * any(sign in api.base_url + path for sign in "[]{}")  # else curl takes these for patterns
    words = [f"curl -G {plainly}{base}{shell(path)}"]
    if api.token_variable:
        words.append(f'-H "Authorization: {api.authorization} ${api.token_variable}"')
    for name, values in request.params.items():
        for value in [values] if isinstance(values, str) else values:
            plain = visible(value) == value
            option, sent = ("--data-urlencode", value) if plain else ("--data", quote(value, safe=""))
            parameter = f"{quote(name, safe='')}={sent}"
            words.append(f"{option} {shell(parameter)}")
    return " \\\n  ".join(words)


def python(call: Call) -> str:
    """Lines of Python that make the same request."""
    lines, wanted = _call("compile", call)
    return "\n".join([*lines, "", f"request = {wanted}", "print(request.url())"])


# A plan


def plan_text(plan: Plan) -> str:
    """What is asked, a line for each request, and what is tested on its records."""
    count = len(plan.requests)
    words = [f"{count} request{'s' * (count != 1)}"] if count else ["no request: no record satisfies it"]
    if count:
        words.append("exact" if plan.exact else "over-fetching")
    if count > 1:
        words.append("disjoint" if plan.disjoint else "not disjoint")
    lines = [", ".join(words)]
    for at, request in enumerate(plan.requests, 1):
        lines.append(f"{at}. {get(request)}")
        if request.residual is not None:
            lines.append(f"{' ' * len(str(at))}  keep what matches: {visible(str(request.residual))}")
    return "\n".join(lines)


def plan_curl(plan: Plan) -> str:
    """A command for each request, below what is to be tested on its records."""
    parts = []
    for request in plan.requests:
        kept = "" if request.residual is None else f"# keep what matches: {visible(str(request.residual))}\n"
        parts.append(kept + curl(request))
    return "\n\n".join(parts)


def plan_python(call: Call) -> str:
    """Lines of Python that make the same plan."""
    lines, wanted = _call("plan", call)
    shown = ["for request in plan.requests:", "    print(request.url(), request.residual)"]
    return "\n".join([*lines, "", f"plan = {wanted}", *shown])


# Python


def _call(function: str, call: Call) -> tuple[list[str], str]:
    """What stands before a call of one of the library's functions, and the call."""
    lines, endpoint = ["import pqlang"], literal(call.endpoint.name)
    if call.schema_file is not None:
        lines += ["", f"schema = pqlang.load_schema({literal(call.schema_file)})"]
        endpoint = f"schema.endpoint({endpoint})"
    words = [literal(call.query), endpoint, *(f"{name}={literal(value)}" for name, value in call.keywords.items())]
    short = f"pqlang.{function}({', '.join(words)})"
    if len(short) <= WIDTH:
        return lines, short
    return lines, "\n    ".join([f"pqlang.{function}(", *(f"{word}," for word in words)]) + "\n)"


def literal(value: object) -> str:
    """A value as Python writes it, texts in double quotes where they have none.

    >>> print(literal({"mail": ["it's", 'say "hi"', None, 1.5]}))
    {"mail": ["it's", 'say "hi"', None, 1.5]}
    """
    match value:
        case str() if repr(value)[0] == "'" and '"' not in value:
            return f'"{repr(value)[1:-1]}"'
        case list() | tuple():
            return f"[{', '.join(map(literal, value))}]"
        case dict():
            return f"{{{', '.join(f'{literal(key)}: {literal(each)}' for key, each in value.items())}}}"
        case _:
            return repr(value)


# Tables


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows of as many cells each, drawn in columns."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return "\n".join(_row(row, widths) for row in rows)


def _row(row: Iterable[str], widths: Iterable[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
