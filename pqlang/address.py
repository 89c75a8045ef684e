"""A request as it was given (a URL, a query string, a JSON filter, a `dict`), taken apart into its pieces.

Nothing here knows a field: it finds the path, the parameters and the filter, each with its place in the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pqlang import diagnostics as say
from pqlang.arguments import wrong
from pqlang.diagnostics import Diagnostic
from pqlang.json_text import Kind, Member, Node, read, render
from pqlang.schema import Api, Endpoint
from pqlang.source import Limits, Source, Span
from pqlang.valueclass import frozen
from pqlang.views import View, percent, plain

BYTES = 12  # a character takes that many at most in a URL, as in `%F0%9F%98%80`


@frozen
class Pair:
    """One parameter: its name and its value."""

    name: View
    value: View


@frozen
class Parts:
    """The pieces of a request. Without a path, it does not name its endpoint."""

    source: Source
    path: View | None = None
    pairs: tuple[Pair, ...] = ()
    filter: View | None = None  # a JSON filter that is all there is


def take_apart(
    target: object, api: Api, endpoints: tuple[Endpoint, ...], limits: Limits
) -> tuple[Parts, list[Diagnostic]]:
    """The pieces of a request, and what stops them from being read. Raises PqlError for what is no request at all.

    A text that starts with `{` is a JSON filter; with a scheme, a `/`, or a `?` before any `=`, a URL; any other is a
    query string. A mapping is a filter where a value of it is a mapping or a key is one of a filter's, else it holds
    parameters.
    """
    most = limits.length * BYTES
    if isinstance(target, Mapping):
        return _mapping(target, api, limits, most)
    if not isinstance(target, str):
        raise wrong("target", target, "a URL, a query string, a JSON filter or a mapping")
    source = Source(str(target))
    if len(target) > most:
        return Parts(source), [say.too_long_request(len(target), most)]
    start = len(target) - len(target.lstrip(_BLANKS))
    end = max(start, len(target.rstrip(_BLANKS)))
    if target.startswith("{", start):
        return Parts(source, filter=plain(source.text, start, end)), []
    return _address(source, start, end, endpoints)


_BLANKS = " \t\r\n"


# URLs and query strings

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


def _address(source: Source, start: int, end: int, endpoints: tuple[Endpoint, ...]) -> tuple[Parts, list[Diagnostic]]:
    text = source.text
    problems: list[Diagnostic] = []
    scheme = _SCHEME.match(text, start, end)
    mark = text.find("?", start, end)
    if scheme is None and not _is_address(text[start:end], endpoints):
        first = start + text.startswith("?", start)
        return Parts(source, None, _pairs(text, first, end, problems)), problems
    if (fragment := text.find("#", start, end)) >= 0:
        problems.append(say.dropped_fragment(Span(fragment, end)))
        end = fragment
    mark = mark if 0 <= mark < end else end
    path = percent(text, min(scheme.end() if scheme else start, mark), mark, problems, plus=False)
    return Parts(source, path, _pairs(text, min(mark + 1, end), end, problems)), problems


def _is_address(text: str, endpoints: tuple[Endpoint, ...]) -> bool:
    """Whether a text without a scheme is a path, with or without parameters."""
    before = re.split("[?#&=]", text, maxsplit=1)[0]
    if text.startswith("/"):
        return True
    if "=" in text or "&" in text:
        return text[len(before) :][:1] == "?" and before != ""
    return before != "" and (before != text or "/" in text or any(path_of(before, each) for each in endpoints))


def path_of(path: str, endpoint: Endpoint) -> bool:
    """Whether a path is the endpoint's: at any base, with or without the suffix of its count and a last slash."""
    written = "/" + path.strip("/")
    known = "/" + endpoint.path.strip("/")
    suffix = endpoint.api.count_suffix.rstrip("/")
    return written.endswith(known) or (suffix != "" and written.endswith(known + suffix))


def _pairs(text: str, start: int, end: int, problems: list[Diagnostic]) -> tuple[Pair, ...]:
    """The parameters of a query string, in its order."""
    pairs: list[Pair] = []
    while start < end:
        stop = text.find("&", start, end)
        stop = end if stop < 0 else stop
        equals = text.find("=", start, stop)
        equals = stop if equals < 0 else equals
        if stop > start:  # nothing between two `&` is nothing
            name = percent(text, start, equals, problems)
            _note_raw(text, equals, stop, problems)
            pairs.append(Pair(name, percent(text, min(equals + 1, stop), stop, problems)))
        start = stop + 1
    return tuple(pairs)


def _note_raw(text: str, start: int, stop: int, problems: list[Diagnostic]) -> None:
    """No URL holds a blank or a quote as it is: what does is more than a URL, a line of a log or of a shell.

    JSON is let be: the API's own pages print a filter in a URL as it is.
    """
    raw = text[start + 1 : stop]
    if not raw.lstrip().startswith("{") and (found := re.search(r"[\s\"<>`]", raw)):
        at = start + 1 + found.start()
        problems.append(say.raw_character(Span(at, at + 1), found[0]))


# Mappings


def _mapping(target: Mapping[object, object], api: Api, limits: Limits, most: int) -> tuple[Parts, list[Diagnostic]]:
    text, problems = render(target, limits, most)
    source = Source(text)
    if problems:
        return Parts(source), problems
    whole = plain(text, 0, len(text))
    nested = any(isinstance(each, Mapping) for each in target.values())
    if nested or not {api.attributes_key, api.relationships_key}.isdisjoint(target):
        return Parts(source, filter=whole), []
    node, problems = read(whole, limits)
    members = () if node is None else node.members
    return Parts(source, None, tuple(pair for each in members for pair in _member(each, problems))), problems


def _member(member: Member, problems: list[Diagnostic]) -> list[Pair]:
    """The parameters of one key: several where its value is a list."""
    values = member.node.items if member.node.kind is Kind.LIST else (member.node,)
    for each in values:
        if each.kind is not Kind.TEXT:
            problems.append(_no_text(each, member.key))
    return [Pair(member.view, each.view) for each in values if each.view is not None]


def _no_text(node: Node, name: str) -> Diagnostic:
    edit = ""
    if node.kind in (Kind.BOOLEAN, Kind.NUMBER):
        edit = f'"{str(node.value).lower()}"'
    return say.no_parameter_text(node.span, name, node.kind, edit)
