"""A session at the keyboard, without the keyboard: what is set, what was asked last, what a line comes to.

    session, query -> ask -> Turn: the next session, and the parts to print

Nothing here reads or prints. A terminal (`repl`) and a pipe (`script`) each draw the parts in their own way; the
commands that start with a dot are in `commands`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeAlias

from pqlang import arguments, compiler, presenter, shell_command
from pqlang.compiler import Analysis
from pqlang.decompiler import read_target
from pqlang.diagnostics import Diagnostic, PqlError, Severity, Suggestion
from pqlang.formatter import format_query
from pqlang.highlighter import TokenKind, tokens
from pqlang.moments import make_clock
from pqlang.plans import Plan
from pqlang.rendering import json_text, visible
from pqlang.request import Request
from pqlang.schema import Api, Endpoint, Schema
from pqlang.source import Source
from pqlang.valueclass import frozen, replace

MODES = ("json", "url", "curl", "python")  # how a request is shown
MOST_LIVE = 2_000  # characters; what is longer is read when it is complete, not at every key


class Style(StrEnum):
    """What a text is, for whoever draws it."""

    TEXT = "text"
    QUERY = "query"  # PQL
    NOTE = "note"  # about the answer, not of it
    TIP = "tip"  # for a person at a terminal, for nobody else


@frozen
class Text:
    """Lines to print."""

    text: str
    style: Style = Style.TEXT


@frozen
class Problem:
    """A problem to draw, and the text it points into."""

    diagnostic: Diagnostic
    source: Source

    @property
    def wrong(self) -> bool:
        return self.diagnostic.severity is Severity.ERROR


Part: TypeAlias = Text | Problem


@frozen
class Session:
    """All that a line's meaning hangs on, and what `.fix`, `.explain` and `.save` go back to."""

    schema: Schema
    endpoint: Endpoint
    target: str = "auto"
    mode: str = "json"
    bound: tuple[tuple[str, object], ...] = ()
    tz: str = "UTC"
    now: str | None = None
    scope: str | None = None
    schema_file: str | None = None
    query: str | None = None  # the last one, as it was read
    edits: tuple[tuple[str, Suggestion], ...] = ()  # what the last line's problems offer, each with the text it changes
    lapsed: str | None = None  # a line whose edits were offered, until another query was asked
    script: tuple[str, ...] = ()  # lines that would bring another session as far
    saved: frozenset[str] = frozenset()  # files that `.save` has written

    @property
    def reading(self) -> dict[str, Any]:
        """How a query is read, as keywords of `compile`."""
        return {
            "variables": dict(self.bound),
            "now": self.now,
            "tz": self.tz,
            "scope": self.scope,
            "mode": "search",
        }


@frozen
class Turn:
    """What a line came to: the session after it, and what to print."""

    session: Session
    parts: tuple[Part, ...] = ()
    data: Callable[[], dict[str, Any]] | None = None  # the answer as values for JSON
    query: str | None = None  # the query that was read, where the line was not it
    over: bool = False

    @property
    def wrong(self) -> bool:
        return any(isinstance(part, Problem) and part.wrong for part in self.parts)


def open_session(
    schema: Schema | None = None,
    endpoint: str | None = None,
    *,
    target: str = "auto",
    variables: Mapping[str, object] | None = None,
    now: str | None = None,
    tz: str = "UTC",
    scope: str | None = None,
    schema_file: str | None = None,
) -> Session:
    """A session at an endpoint, the schema's first where none is named. Raises PqlError for what makes no sense.

    >>> turn = ask(open_session(), "parent_status = draft and not archived")
    >>> print(turn.parts[0].text)
    parent_status=draft&archived=false
    GET https://connect.penbox.io/v1/cases?parent_status=draft&archived=false
    """
    known = arguments.built_in() if schema is None else schema
    at = known.endpoints[0] if endpoint is None else arguments.endpoint(endpoint, known)
    arguments.choices(target, scope, "search")
    make_clock(now, tz)
    bound = tuple((variables or {}).items())
    settings = [
        f".endpoint {at.name}",
        *([f".target {target}"] if target != "auto" else []),
        *([f".tz {tz}"] if tz != "UTC" else []),
        *([f".now {now}"] if now is not None else []),
        *(f".var {name}:={json_text(value)}" for name, value in bound),
    ]
    return Session(known, at, target, "json", bound, tz, now, scope, schema_file, script=tuple(settings))


# A query


def ask(session: Session, query: str) -> Turn:
    """The request of a query, or where one cannot say it the plan; or what is wrong."""
    session = let_edits_go(session)
    try:
        analysis = compiler.analyse(query, session.endpoint, target=session.target, **session.reading)
        if analysis.meaning is None:
            return _refused(session, query, analysis.source, analysis.diagnostics)
        if analysis.pushed is not None:
            return _requested(session, query, analysis, compiler.request(analysis))
        plan = compiler.plan(query, session.endpoint, target=session.target, **session.reading)
    except PqlError as error:
        return _refused(session, query, error.source, error.diagnostics)
    return _planned(session, query, analysis, plan)


def _refused(session: Session, query: str, source: Source, problems: Iterable[Diagnostic]) -> Turn:
    return turn(replace(session, query=query), [Problem(each, source) for each in problems])


def _requested(session: Session, query: str, analysis: Analysis, request: Request) -> Turn:
    match session.mode:
        case "url":
            shown = request.url()
        case "curl":
            shown = presenter.curl(request)
        case "python":
            shown = presenter.python(_call(session, analysis))
        case _:
            shown = presenter.request_text(request)
    parts: list[Part] = [Text(shown), *(Problem(each, analysis.source) for each in request.diagnostics)]
    return turn(_asked(session, query, analysis), parts, lambda: presenter.request_json(request))


def _planned(session: Session, query: str, analysis: Analysis, plan: Plan) -> Turn:
    match session.mode:
        case "url":
            shown = "\n".join(request.url() for request in plan.requests)
        case "curl":
            shown = presenter.plan_curl(plan)
        case "python":
            shown = presenter.plan_python(_call(session, analysis))
        case _:
            shown = presenter.plan_text(plan)
    why = next(each.message for each in analysis.diagnostics if each.severity is Severity.ERROR)
    parts: list[Part] = [Text(why, Style.NOTE), *([Text(shown)] if shown else [])]
    parts += [Problem(each, analysis.source) for each in plan.diagnostics]
    parts.append(Text("`.explain` says more of this plan", Style.TIP))
    return turn(_asked(session, query, analysis), parts, plan.to_json)


def _asked(session: Session, query: str, analysis: Analysis) -> Session:
    assert analysis.tree is not None
    line = query if "\n" not in query and "\r" not in query else format_query(analysis.tree)
    line = line if line.strip() else ".all"
    return replace(session, query=query, script=(*session.script, line))


def _call(session: Session, analysis: Analysis) -> presenter.Call:
    """What to write in Python: the canonical text, strictly read where that means the same."""
    assert analysis.tree is not None
    text = format_query(analysis.tree)
    reading = session.reading | {"now": session.now or datetime.now(UTC)}  # one time for both, else they differ
    strict, search = (
        compiler.analyse(text, session.endpoint, target=None, **reading | {"mode": mode}) for mode in arguments.MODES
    )
    same = strict.meaning is not None and strict.condition == search.condition
    used = {span.of(text)[1:] for kind, span in tokens(text) if kind is TokenKind.VARIABLE}
    said = {
        "target": session.target if session.target != "auto" else None,
        "variables": {name: value for name, value in session.bound if name in used} or None,
        "now": session.now,
        "tz": session.tz if session.tz != "UTC" else None,
        "scope": session.scope,
        "mode": None if same else "search",
    }
    keywords = {name: value for name, value in said.items() if value is not None}
    return presenter.Call(text, session.endpoint, session.schema_file, keywords)


def turn(session: Session, parts: Iterable[Part], data: Callable[[], dict[str, Any]] | None = None) -> Turn:
    """A line's outcome; the edits of its problems are kept for `.fix`, those of earlier ones where it has none."""
    parts = tuple(_in_a_session(each) if isinstance(each, Problem) else each for each in parts)
    problems = [each for each in parts if isinstance(each, Problem)]
    edits = [(each.source.text, edit) for each in problems for edit in each.diagnostic.suggestions]
    if edits:
        count = len(edits)
        rest = f"; there are {count}, `.fix 2` applies the second" if count > 1 else ""
        parts += (Text(f"`.fix` applies: {edits[0][1].message}{rest}", Style.TIP),)
    unbound = [each for each in problems if each.diagnostic.code == "unbound-variable"]
    if unbound:
        name = unbound[0].diagnostic.span.of(unbound[0].source.text).removeprefix("$")
        parts += (Text(f"`.var {name}=TEXT` binds it", Style.TIP),)
    return Turn(replace(session, edits=tuple(edits) or session.edits), parts, data)


def let_edits_go(session: Session) -> Session:
    """The session where another query is asked: the edits of the one before are not applied to it."""
    return replace(session, edits=(), lapsed=session.edits[0][0] if session.edits else session.lapsed)


#: What helps at the keyboard, where a message tells programs of keywords and shells of commands.
_HELP = {
    "too-long": "bind a long list as a variable (`.var list:=[…]`, then `in $list`), or split the query",
    "too-deep": "take out parentheses and `not`s that change nothing",
    "too-many-values": "split the list over several queries",
    "too-many-requests": "split the query",
    "too-long-text": "split the request",
}


def _in_a_session(problem: Problem) -> Problem:
    """A problem with a help that can be followed where no keyword can be given."""
    said = problem.diagnostic
    help = said.help.replace("`pql schema` lists", "`.fields` lists")
    if any(word in help for word in ("limits.", "max_requests", "`broaden`")):
        help = _HELP.get(said.code, "")
    return problem if help == said.help else replace(problem, diagnostic=replace(said, help=help))


# A request that was pasted


def is_request(text: str, api: Api) -> bool:
    """Whether a line is a request and no query: an address, a path, a `curl` command, a JSON filter, parameters.

    Parameters are told by what joins them, `&`, or by the `?` before them.
    """
    filters = ("{", f"{api.filter_param}={{", f"{api.filter_param}=%7B")
    if _ADDRESS.match(text) or text.startswith(filters) or _PARAMETERS.fullmatch(text):
        return True
    return shell_command.url_of(text) is not None


_ADDRESS = re.compile(r"(?:GET[ \t]+)?(?:https?://|/\w)", re.IGNORECASE)
_GET = re.compile(r"GET[ \t]+", re.IGNORECASE)
_PARAMETERS = re.compile(r"\?[\w.%\[\]-]+=.*|[\w.%\[\]-]+=[^\s&\"']*(?:&[\w.%\[\]-]+=[^\s&\"']*)+", re.DOTALL)


def read_back(session: Session, request: str) -> Turn:
    """The query of a request, and what `ask` says of that; the session goes to the endpoint that a URL names."""
    return follow(session, request, lambda here, text: replace(ask(here, text), query=text))


def follow(session: Session, request: str, answer: Callable[[Session, str], Turn]) -> Turn:
    """Read a request back and answer its query, in a session at the endpoint that a URL names."""
    target, session = _GET.sub("", request.strip(), count=1), let_edits_go(session)
    target = shell_command.url_of(target) or target
    try:
        reading = read_target(target, None if _ADDRESS.match(target) else session.endpoint, schema=session.schema)
    except PqlError as error:
        return turn(session, [Problem(each, error.source) for each in error.diagnostics])
    problems: list[Part] = [Problem(each, reading.source) for each in reading.diagnostics]
    if reading.endpoint is None or reading.text is None:
        return turn(session, problems)
    parts: list[Part] = [Text(reading.text, Style.QUERY)]
    if reading.endpoint.name != session.endpoint.name:
        session = go_to(session, reading.endpoint)
        parts.insert(0, Text(f"now at {reading.endpoint.name}", Style.NOTE))
    answered = answer(session, reading.text)
    said = [part for part in answered.parts if not (isinstance(part, Text) and part.style is Style.TIP)]
    return replace(turn(answered.session, [*parts, *problems, *said], answered.data), query=answered.query)


def go_to(session: Session, endpoint: Endpoint) -> Session:
    """The session at another endpoint."""
    return replace(session, endpoint=endpoint, script=(*session.script, f".endpoint {endpoint.name}"))


# While a line is typed


@frozen
class Preview:
    """What a line would come to: a line of text, and the problems to mark in it."""

    text: str
    problems: tuple[Diagnostic, ...] = ()
    wrong: bool = False


def preview(session: Session, query: str) -> Preview:
    """The request that a query would be, or its first problem; never raises."""
    if len(query) > MOST_LIVE:
        return Preview(f"{len(query):,} characters: Enter reads them")
    if is_request(query.strip(), session.endpoint.api):
        return Preview("a request: Enter reads it as a query")
    try:
        analysis = compiler.analyse(query, session.endpoint, target=session.target, **session.reading)
        if analysis.pushed is not None:
            return Preview(presenter.readable(compiler.request(analysis)), analysis.diagnostics)
    except PqlError as error:
        return Preview(visible(error.diagnostics[0].message), wrong=True)
    first = next(each for each in analysis.diagnostics if each.severity is Severity.ERROR)
    if analysis.meaning is None:
        return Preview(visible(first.message), analysis.diagnostics, wrong=True)
    fine = tuple(each for each in analysis.diagnostics if each.severity is not Severity.ERROR)
    return Preview(visible(first.help or first.message), fine)  # the query is not wrong: several requests may do


def unfinished(text: str) -> bool:
    """Whether a bracket or a quote is open, so that another line may follow.

    >>> unfinished("status in (draft,"), unfinished('title = "My'), unfinished("title = it's"), unfinished("archived")
    (True, True, False, False)
    """
    if text.lstrip().startswith("{"):
        plain = _JSON_STRING.sub("", text)
        return plain.count("{") + plain.count("[") > plain.count("}") + plain.count("]") or plain.count('"') % 2 == 1
    if shell_command.begins(text):
        return shell_command.goes_on(text)
    found = tokens(text)
    signs = [span.of(text) for kind, span in found if kind is TokenKind.PUNCTUATION]
    if signs.count("(") > signs.count(")"):
        return True
    if not found or found[-1].kind is not TokenKind.ERROR:
        return False
    start = found[-1].span.start
    return text[start] in "\"'" and not text[:start][-1:].isalnum()


def can_be_read(text: str) -> bool:
    """Whether a query's syntax is right; its names and values need not be."""
    try:
        compiler.parse(text, mode="search")
    except PqlError:
        return False
    return True


_JSON_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
