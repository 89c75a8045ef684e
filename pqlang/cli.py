"""The command `pql`: queries in, requests out. Results on stdout, everything else on stderr.

Exit status: 0 fine; 1 the query is wrong, or its plan where `--verify` tries it; 2 the call is wrong; 3 the API
refused, failed or made no sense; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO

from pqlang import arguments, entry, usage
from pqlang import diagnostics as say
from pqlang.diagnostics import MOST_DRAWN, Diagnostic, PqlError, Severity
from pqlang.request import Request
from pqlang.schema import Endpoint, Field, Schema
from pqlang.source import Source
from pqlang.valueclass import frozen, replace

if TYPE_CHECKING:
    from argparse import Namespace

    from pqlang.fetcher import Job
    from pqlang.plans import Plan
    from pqlang.verifier import Verdict

OK, WRONG_QUERY, USAGE, INTERRUPTED = 0, 1, 2, 130


def main(words: Sequence[str] | None = None) -> int:
    """Run one command line; the status to exit with."""
    try:
        return _run(words)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # the reader has gone: nothing is left to say, and the interpreter must not try to at exit
        _abandon_output()
        return OK
    except OSError as error:  # a full disk
        _abandon_output()
        with suppress(OSError):
            print(f"pql: {error.strerror or error}", file=sys.stderr)
        return USAGE


def _abandon_output() -> None:
    """Let what is left in stdout's buffer go nowhere."""
    with suppress(OSError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(words: Sequence[str] | None) -> int:
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal's locale must not make a query unreadable
            stream.reconfigure(
                encoding="utf-8", errors="surrogateescape" if stream is sys.stdin else "backslashreplace"
            )
    try:
        options = usage.read(sys.argv[1:] if words is None else words)
    except SystemExit as end:  # argparse has printed its help or its complaint
        return end.code if isinstance(end.code, int) else USAGE
    try:
        options.schema_file, options.schema = options.schema, _schema(options.schema)
        status = RUN[options.command](options)
    except PqlError as error:
        _report(error.diagnostics, error.source)
        return USAGE
    _flush()
    return status


def _flush() -> None:
    if sys.stdout is not None:  # it may have been closed by who called
        sys.stdout.flush()


# What a call says


def _schema(file: str | None) -> Schema | None:
    """The schema of `--schema`; None for the built-in one, which is read when it is needed."""
    if file is None:
        return None
    from pqlang.schema_file import load_schema

    return load_schema(file)


def _endpoint(options: Namespace) -> Endpoint:
    """The endpoint of the call, in the schema of `--schema` or the built-in one."""
    if options.schema is None:
        return arguments.endpoint(options.endpoint)
    return arguments.endpoint(options.endpoint, options.schema)


def _variables(pairs: Sequence[str]) -> dict[str, object]:
    """`k=v` is text, `k:=JSON` is what the JSON says; a name given twice holds the list of its values."""
    values: dict[str, list[object]] = {}
    for pair in pairs:
        name, value = arguments.binding(pair, "--var")
        values.setdefault(name, []).append(value)
    return {name: each[0] if len(each) == 1 else each for name, each in values.items()}


def _how(options: Namespace) -> dict[str, Any]:
    """How the query is read, as the keywords of `compile`."""
    return {
        "variables": _variables(options.var) or None,
        "now": options.now,
        "tz": options.tz,
        "scope": options.scope,
        "mode": options.mode,
        "target": options.target,
    }


def _check_clock(options: Namespace) -> None:
    """What is wrong with the call is said before any query is read."""
    if options.now is not None or options.tz != "UTC":
        from pqlang.moments import make_clock

        make_clock(options.now, options.tz)


# Commands


@frozen
class Answer:
    """What a command has to say of one query: problems, and where it is not wrong, a text and the JSON beside it."""

    source: Source
    diagnostics: Sequence[Diagnostic]
    text: Callable[[], str] | None = None
    json: Callable[[], dict[str, Any]] = dict
    failed: bool = False  # there is an answer, and it is a bad one

    @property
    def wrong(self) -> bool:
        return any(each.severity is Severity.ERROR for each in self.diagnostics)


def _compile(options: Namespace) -> int:
    endpoint, how = _endpoint(options), _how(options)
    several = _several(options)

    def answer(query: str) -> Answer:
        try:
            request = entry.compile(query, endpoint, **how)
        except PqlError as error:
            return Answer(error.source, error.diagnostics)
        text = request.url if options.url else partial(_request_text, request, several)
        return Answer(Source(query), request.diagnostics, text, partial(_request_json, request))

    _check_clock(options)
    return _each(options, answer)


def _plan(options: Namespace) -> int:
    from pqlang import compiler  # most queries compile without it

    endpoint, how = _endpoint(options), _how(options)
    how |= {"disjoint": options.disjoint, "max_requests": options.max_requests, "broaden": options.broaden}
    several = _several(options)

    def answer(query: str) -> Answer:
        try:
            plan = compiler.plan(query, endpoint, **how)
        except PqlError as error:
            return Answer(error.source, error.diagnostics)
        verdict = None
        if options.verify:
            from pqlang import verifier  # most plans are not tried

            verdict = verifier.check_plan(plan)
        return Answer(
            Source(query),
            plan.diagnostics,
            partial(_plan_text, plan, verdict, several),
            partial(_plan_json, plan, verdict),
            failed=verdict is not None and not verdict.ok,
        )

    _check_clock(options)
    return _each(options, answer)


def _check(options: Namespace) -> int:
    endpoint, how = _endpoint(options), _how(options)

    def answer(query: str) -> Answer:
        return Answer(Source(query), entry.check(query, endpoint, **how))

    _check_clock(options)
    return _each(options, answer)


def _complete(options: Namespace) -> int:
    from pqlang.completer import complete  # the other commands start without it
    from pqlang.presenter import columns

    endpoint, names, end = _endpoint(options), tuple(_variables(options.var)), "\n" * _several(options)

    def answer(text: str) -> Answer:
        cursor = len(text) if options.cursor is None else options.cursor
        how: dict[str, Any] = {"mode": options.mode, "variables": names, "now": options.now, "tz": options.tz}
        found = complete(text, cursor, endpoint, **how)
        return Answer(
            Source(text),
            (),
            (lambda: columns([(each.label, each.kind, each.detail) for each in found]) + end if found else "")
            if found or end
            else None,
            lambda: {"completions": [each.to_json(text) for each in found]},
        )

    _check_clock(options)
    return _each(options, answer)


def _repl(options: Namespace) -> int:
    from pqlang.session import open_session  # the other commands start without it

    session = open_session(
        options.schema,
        options.endpoint,
        target=options.target,
        variables=_variables(options.var),
        now=options.now,
        tz=options.tz,
        scope=options.scope,
        schema_file=options.schema_file,
    )
    terminal = all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))
    if options.json or not terminal:
        from pqlang.script import run_script

        return run_script(session, _lines(sys.stdin), as_json=options.json)
    try:
        from pqlang.repl import run_terminal
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "prompt_toolkit":
            raise
        print("pql repl needs an extra in a terminal: pip install 'pqlang[repl]'", file=sys.stderr)
        return USAGE
    return run_terminal(session)


def _fetch(options: Namespace) -> int:
    from pqlang import fetcher

    if options.fields is not None and not options.fields.replace(",", "").strip():
        raise PqlError(Source(""), [say.usage("`--fields` names none")])
    shown = {"format": options.format, "fields": options.fields, "limit": options.limit, "guard": options.guard}
    return _ask(options, lambda queries, job: fetcher.fetch(queries, job, **shown))


def _count(options: Namespace) -> int:
    from pqlang import fetcher

    shown = {"by": options.group_by, "as_json": options.json}
    return _ask(options, lambda queries, job: fetcher.count(queries, job, **shown))


def _ask(options: Namespace, run: Callable[[Iterable[str], Job], int]) -> int:
    """Run a command that asks the API itself, on its query or on every line of standard input."""
    from pqlang.fetcher import Job

    endpoint, how = _endpoint(options), _how(options)
    if options.base_url is not None:
        endpoint = replace(endpoint, api=replace(endpoint.api, base_url=options.base_url))
    reads = how | {"max_requests": options.max_requests, "broaden": options.broaden}
    job = Job(endpoint, reads, _report, options.concurrency, options.strict, options.dry_run)
    _check_clock(options)
    try:
        return run(_lines(sys.stdin) if _several(options) else (options.query,), job)
    except ModuleNotFoundError as missing:
        if "pqlang[client]" not in str(missing):
            raise
        print(f"pql: {missing}", file=sys.stderr)
        return USAGE


def _format(options: Namespace) -> int:
    from pqlang import compiler

    def answer(query: str) -> Answer:
        try:
            text = compiler.format(query, width=options.width, mode=options.mode)
        except PqlError as error:
            return Answer(error.source, error.diagnostics)
        return Answer(Source(query), (), lambda: text, lambda: {"query": text})

    return _each(options, answer)


def _decompile(options: Namespace) -> int:
    from pqlang.decompiler import read_target  # the other commands start without it

    endpoint = None if options.endpoint is None else _endpoint(options)

    def answer(target: str) -> Answer:
        reading = read_target(target, endpoint, schema=options.schema)
        at, text = reading.endpoint, reading.text
        if at is None or text is None:
            return Answer(reading.source, reading.diagnostics)
        return Answer(reading.source, reading.diagnostics, lambda: text, lambda: {"endpoint": at.name, "query": text})

    return _each(options, answer)


def _several(options: Namespace) -> bool:
    """Whether queries are read from standard input, one a line."""
    return options.query in (None, "-")


def _each(options: Namespace, answer: Callable[[str], Answer]) -> int:
    """Run a command on its query, or on every line of standard input; 1 where one of them is wrong."""
    status, several = OK, _several(options)
    for number, query in enumerate(_lines(sys.stdin) if several else (options.query,), 1):
        said = answer(query)
        if said.wrong or said.failed:
            status = WRONG_QUERY
        if options.json:
            from pqlang.rendering import json_text, to_json

            problems = [to_json(each, said.source) for each in said.diagnostics]
            body = {"ok": not said.wrong, **({} if said.wrong else said.json()), "diagnostics": problems}
            print(json_text(body, None if several else 2))
        else:
            if said.text is not None:
                print(said.text())
            _report(said.diagnostics, said.source, number if several else None)
        if several:
            _flush()
    return status


def _lines(stream: TextIO | None) -> Iterator[str]:
    """One query a line; a terminal is asked plainly, since nothing would show that it is waited for."""
    if stream is None:  # closed by who called
        return
    if stream.isatty():
        print("one query a line, end with Ctrl-D", file=sys.stderr)
    for number, line in enumerate(stream):
        yield (line if number else line.removeprefix("\ufeff")).rstrip("\r\n")  # editors may put a mark first


def _request_text(request: Request, line: bool) -> str:
    """The request as a person reads it: the JSON filter, or the parameters."""
    if request.target == "params" or request.filter is None:
        return request.query_string
    import json

    text = json.dumps(request.filter, ensure_ascii=False, indent=None if line else 2)
    if not text.isascii() or "\x7f" in text:  # else nothing in it could steer a terminal
        from pqlang.rendering import json_text

        text = json_text(request.filter, None if line else 2)
    if request.sort is None:
        return text
    end = " " if line else "\n"
    return f"{text}{end}{request.endpoint.api.sort_param}={request.sort}"


def _request_json(request: Request) -> dict[str, Any]:
    from pqlang.presenter import request_json  # not printed as JSON, a query starts faster without

    return request_json(request)


def _plan_text(plan: Plan, verdict: Verdict | None, several: bool) -> str:
    """The explanation, and how a trial went; of several plans each ends in an empty line."""
    parts = [plan.explain()] if verdict is None else [plan.explain(), _verdict_text(verdict)]
    return "\n\n".join(parts) + "\n" * several


_SELECTED_BY = {
    "plan": "the plan selects it, the query does not",
    "query": "the query selects it, the plan does not",
    "two requests": "two requests select it, which were to share no record",
}


def _verdict_text(verdict: Verdict) -> str:
    tried = f"{verdict.records:,} record{'s' * (verdict.records != 1)}"
    if verdict.difference is None:
        return f"{tried}, no difference"
    from pqlang.rendering import json_text

    record = json_text(verdict.difference.record)
    return f"{tried}, and on the last a difference: {_SELECTED_BY[verdict.difference.selected_by]}\n{record}"


def _plan_json(plan: Plan, verdict: Verdict | None) -> dict[str, Any]:
    made = plan.to_json()
    if verdict is not None:
        found = verdict.difference
        differs = None if found is None else {"record": found.record, "selected_by": found.selected_by}
        made["verdict"] = {"ok": verdict.ok, "records": verdict.records, "difference": differs}
    return made


def _serve(options: Namespace) -> int:
    from pqlang.extras import needs

    if options.sandbox:
        needs("server,sandbox,client", ["starlette", "uvicorn", "sqlalchemy", "httpx2", "stamina"])
    needs("server", ["starlette", "uvicorn"])
    from pqlang.server import run

    return run(options)


def _sandbox(options: Namespace) -> int:
    from pqlang.extras import needs

    needs("sandbox", ["sqlalchemy", "starlette", "uvicorn"])
    from pqlang.sandbox.command import run

    return run(options)


def _show_schema(options: Namespace) -> int:
    schema = options.schema
    if schema is None:
        from pqlang._penbox import PENBOX

        schema = options.schema = PENBOX
    endpoints = schema.endpoints if options.endpoint is None else (_endpoint(options),)
    if options.json:
        import json

        from pqlang.schema_json import endpoint_json

        print(json.dumps([endpoint_json(each) for each in endpoints], ensure_ascii=False, indent=2))
    elif options.endpoint is None:
        width = max(len(each.name) for each in endpoints)
        print("\n".join(f"{each.name:<{width}}  {each.description}".rstrip() for each in endpoints))
    else:
        print(_endpoint_text(endpoints[0]))
    return OK


def _endpoint_text(endpoint: Endpoint) -> str:
    from pqlang.presenter import columns

    lines = [endpoint.description, ""] if endpoint.description else []
    lines.append(columns([(field.name, _type(field), _spelt(field), field.description) for field in endpoint.fields]))
    if endpoint.examples:
        lines += ["", "for example", *(f"  {example}" for example in endpoint.examples)]
    return "\n".join(lines)


def _type(field: Field) -> str:
    return f"{field.type}{' or null' if field.nullable else ''}{', several' if field.to_many else ''}"


def _spelt(field: Field) -> str:
    """Where the API takes it: in the JSON filter, as a direct parameter, in `sort`."""
    places = (("json", field.json or field.derived), ("param", field.param), ("sort", field.sort))
    return " ".join(name for name, place in places if place) or "-"


RUN: Mapping[str, Callable[[Namespace], int]] = {
    "compile": _compile,
    "plan": _plan,
    "check": _check,
    "fetch": _fetch,
    "count": _count,
    "complete": _complete,
    "format": _format,
    "decompile": _decompile,
    "repl": _repl,
    "serve": _serve,
    "schema": _show_schema,
    "sandbox": _sandbox,
}


# Messages


def _report(diagnostics: Sequence[Diagnostic], source: Source, line: int | None = None) -> None:
    """Draw problems on stderr, in colour only on a terminal that wants it; `line` says which of many queries."""
    if not diagnostics:
        return
    from pqlang.rendering import to_text  # a fine query starts faster without

    _flush()
    color = sys.stderr.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    if line is not None:
        print(f"line {line}:", file=sys.stderr)
    print("\n\n".join(to_text(each, source, color=color) for each in diagnostics[:MOST_DRAWN]), file=sys.stderr)
    if len(diagnostics) > MOST_DRAWN:
        print(f"\n… and {len(diagnostics) - MOST_DRAWN:,} more", file=sys.stderr)
