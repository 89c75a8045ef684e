"""The command `pql`: queries in, requests out. Results on stdout, everything else on stderr.

Exit status: 0 fine; 1 the query is wrong, or its plan where `--verify` tries it; 2 the call is wrong; 3 the API
refused, failed or made no sense; 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO

from pqlang import arguments, compiler, entry
from pqlang import diagnostics as say
from pqlang.arguments import MODES, TARGETS
from pqlang.diagnostics import MOST_DRAWN, Diagnostic, PqlError, Severity
from pqlang.moments import make_clock
from pqlang.request import Request
from pqlang.schema import Endpoint, Field, Schema
from pqlang.source import Source
from pqlang.valueclass import frozen, replace

if TYPE_CHECKING:
    from pqlang.fetcher import Job
    from pqlang.plans import Plan
    from pqlang.verifier import Verdict

OK, WRONG_QUERY, USAGE, INTERRUPTED = 0, 1, 2, 130
RECORD_FORMATS = ("table", "jsonl", "csv")


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
        options = _options(sys.argv[1:] if words is None else words)
    except SystemExit as end:  # argparse has printed its help or its complaint
        return end.code if isinstance(end.code, int) else USAGE
    try:
        options.schema_file, options.schema = options.schema, _schema(options.schema)
        status: int = options.run(options)
    except PqlError as error:
        _report(error.diagnostics, error.source)
        return USAGE
    _flush()
    return status


def _flush() -> None:
    if sys.stdout is not None:  # it may have been closed by who called
        sys.stdout.flush()


# Arguments


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    """The arguments as argparse reads them; the query too where argparse leaves it over, as after an option."""
    parser = _parser(version="--version" in arguments)
    options, rest = parser.parse_known_args(arguments)
    if rest[:1] == ["--"]:
        del rest[0]
    elif rest and rest[0].startswith("--"):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if len(rest) == 1 and getattr(options, "query", "") is None:
        options.query = rest.pop()
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return options


def _parser(*, version: bool = False) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pql", description="Compile PQL, a filter language, to requests of a list API."
    )
    parser.add_argument("--version", action="version", version=f"pql {_version()}" if version else "pql")
    commands = parser.add_subparsers(
        metavar="COMMAND", required=True, prog="pql"
    )  # a name given is not worked out, which is dear

    compile_ = _query_command(commands, "compile", _compile, "print the request a query means")
    compile_.add_argument("--target", choices=TARGETS, default="auto", help="auto: parameters where exact, else JSON")
    compile_.add_argument("--url", action="store_true", help="print the whole URL")

    plan = _query_command(commands, "plan", _plan, "explain the requests that together answer a query")
    plan.add_argument("--target", choices=TARGETS, default="auto", help="auto: parameters where exact, else JSON")
    plan.add_argument("--disjoint", action="store_true", help="requests that share no record, so that counts add up")
    plan.add_argument(
        "--max-requests",
        type=_positive,
        default=30,
        metavar="N",
        help="refuse what takes more requests; 30 if not given",
    )
    plan.add_argument("--broaden", action="store_true", help="rather fetch more than is asked than refuse")
    plan.add_argument("--verify", action="store_true", help="try the plan on records made for the query")

    check = _query_command(commands, "check", _check, "say what is wrong with a query")
    check.add_argument("--target", choices=TARGETS, default=None, help="check that one request of this kind can say it")

    fetch = _query_command(commands, "fetch", _fetch, "list the records that a query means", as_json=False)
    fetch.add_argument("--format", choices=RECORD_FORMATS, help="table on a terminal, jsonl in a pipe if not given")
    fetch.add_argument("--fields", metavar="A,B.C", help="what to show: fields, or keys of a response")
    fetch.add_argument("--limit", type=_positive, metavar="N", help="the first N records")
    fetch.add_argument("--guard", action="store_true", help="in csv, keep spreadsheets from running cells as formulas")
    _remote(fetch)

    count = _query_command(commands, "count", _count, "count the records that a query means")
    count.add_argument("--group-by", metavar="FIELD", help="count each value of a field by itself")
    _remote(count)
    complete = _query_command(commands, "complete", _complete, "list what may be written next, the likeliest first")
    complete.add_argument("--cursor", type=int, metavar="N", help="the offset of the cursor; the end if not given")
    complete.set_defaults(mode="search", target=None)

    format_ = commands.add_parser("format", help="print a query in its canonical form")
    format_.add_argument("query", nargs="?", metavar="QUERY", help="the query; - or nothing reads standard input")
    format_.add_argument("--width", type=_positive, help="break lines that are longer than this")
    format_.add_argument("--mode", choices=MODES, default="strict", help="search: read what a search box allows")
    format_.add_argument("--json", action="store_true", help="print JSON, one line a query")
    format_.set_defaults(run=_format, schema=None)

    decompile = commands.add_parser("decompile", help="print the query that a request means")
    decompile.add_argument(
        "query",
        nargs="?",
        metavar="URL|JSON|QUERYSTRING",
        help="the request; - or nothing reads one a line from standard input",
    )
    decompile.add_argument("--endpoint", metavar="ENDPOINT", help="where it is asked; a URL says so itself")
    decompile.add_argument("--json", action="store_true", help="print JSON, one line a request")
    decompile.add_argument("--schema", metavar="FILE", help="a TOML or JSON file of an API of one's own")
    decompile.set_defaults(run=_decompile)

    repl = commands.add_parser("repl", help="ask one query after another, in a terminal or from a pipe")
    repl.add_argument("endpoint", nargs="?", metavar="ENDPOINT", help="the schema's first if not given")
    repl.add_argument("--json", action="store_true", help="print JSON, one line a query; without a prompt")
    _reading(repl)
    repl.add_argument("--target", choices=TARGETS, default="auto", help="auto: parameters where exact, else JSON")
    repl.set_defaults(run=_repl)

    serve = commands.add_parser("serve", help="serve the search box and its demo page")
    serve.add_argument("--host", default="127.0.0.1", metavar="HOST", help="this machine alone if not given")
    serve.add_argument("--port", type=_whole, default=8765, metavar="N", help="8765 if not given; 0 takes any")
    serve.add_argument("--schema", metavar="FILE", help="a TOML or JSON file of an API of one's own")
    serve.add_argument("--sandbox", action="store_true", help="with rows of made-up records on the demo page")
    serve.set_defaults(run=_serve)

    schema = commands.add_parser("schema", help="list endpoints, or the fields of one")
    schema.add_argument("endpoint", nargs="?", metavar="ENDPOINT")
    schema.add_argument("--json", action="store_true", help="print JSON")
    schema.add_argument("--schema", metavar="FILE", help="a TOML or JSON file of an API of one's own")
    schema.set_defaults(run=_show_schema)

    sandbox = commands.add_parser("sandbox", help="answer as the API does, from made-up records")
    sandbox.add_argument("--db", metavar="URL", help="a file of SQLite or a URL of PostgreSQL; in memory if not given")
    sandbox.add_argument("--port", type=_whole, default=8000, metavar="N", help="8000 if not given; 0 takes any")
    sandbox.add_argument(
        "--records", type=_whole, default=1000, metavar="N", help="of each endpoint; 1000 if not given"
    )
    sandbox.add_argument(
        "--seed", type=_whole, default=0, metavar="N", help="other records; the same for the same seed"
    )
    sandbox.add_argument("--until", metavar="TIME", help="when the youngest is made, or `now`; 2025 if not given")
    sandbox.add_argument("--rate", type=_positive, metavar="N", help="answer 429 to more requests a second")
    sandbox.add_argument("--schema", metavar="FILE", help="a TOML or JSON file of an API of one's own")
    sandbox.set_defaults(run=_sandbox)
    return parser


def _sandbox(options: argparse.Namespace) -> int:
    from pqlang.extras import needs

    needs("sandbox", ["sqlalchemy", "starlette", "uvicorn"])
    from pqlang.sandbox.command import run

    return run(options)


def _query_command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int], help: str, *, as_json: bool = True
) -> Any:
    """A command that reads a query at an endpoint, with all that says how a query is read."""
    command = commands.add_parser(name, help=help)
    command.add_argument("endpoint", metavar="ENDPOINT")
    command.add_argument(
        "query", nargs="?", metavar="QUERY", help="the query; - or nothing reads one a line from standard input"
    )
    if as_json:
        command.add_argument("--json", action="store_true", help="print JSON, one line a query")
    _reading(command)
    command.add_argument("--mode", choices=MODES, default="strict", help="search: read what a search box allows")
    command.set_defaults(run=run)
    return command


def _reading(command: Any) -> None:
    """Options that say how a query is read."""
    command.add_argument("--schema", metavar="FILE", help="a TOML or JSON file of an API of one's own")
    command.add_argument(
        "--var",
        action="append",
        default=[],
        metavar="NAME=TEXT",
        help="bind $NAME; NAME:=JSON for what is not text; repeated, a list",
    )
    command.add_argument("--now", metavar="TIME", help="the time that relative times are counted from, with its offset")
    command.add_argument("--tz", default="UTC", metavar="ZONE", help="the zone of days and of times without offset")
    command.add_argument(
        "--scope", choices=("active",), help="leave out what is not active, unless the query speaks of it"
    )


def _remote(command: Any) -> None:
    """The options of what asks the API itself. A token is no option: others could read it in a list of processes."""
    command.add_argument("--target", choices=TARGETS, default="auto", help="auto: parameters where exact, else JSON")
    command.add_argument("--base-url", metavar="URL", help="the API's address, if not the schema's own")
    command.add_argument("--max-requests", type=_positive, default=30, metavar="N", help="as of plan; 30 if not given")
    command.add_argument("--broaden", action="store_true", help="rather fetch more than is asked than refuse")
    command.add_argument("--concurrency", type=_positive, default=4, metavar="N", help="pages under way at a time, 4")
    command.add_argument("--strict", action="store_true", help="fail where records changed while they were read")
    command.add_argument("--dry-run", action="store_true", help="explain the requests, and send none")


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text[:9]) > 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no positive number")
    return int(text[:9])


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(text[:9])


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("pqlang")
    except PackageNotFoundError:
        return "unknown"


def _schema(file: str | None) -> Schema | None:
    """The schema of `--schema`; None for the built-in one, which is read when it is needed."""
    if file is None:
        return None
    from pqlang.schema_file import load_schema

    return load_schema(file)


def _endpoint(options: argparse.Namespace) -> Endpoint:
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


def _how(options: argparse.Namespace) -> dict[str, Any]:
    """How the query is read, as the keywords of `compile`."""
    return {
        "variables": _variables(options.var),
        "now": options.now,
        "tz": options.tz,
        "scope": options.scope,
        "mode": options.mode,
        "target": options.target,
    }


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


def _compile(options: argparse.Namespace) -> int:
    endpoint, how = _endpoint(options), _how(options)
    several = _several(options)

    def answer(query: str) -> Answer:
        try:
            request = entry.compile(query, endpoint, **how)
        except PqlError as error:
            return Answer(error.source, error.diagnostics)
        text = request.url if options.url else partial(_request_text, request, several)
        return Answer(Source(query), request.diagnostics, text, partial(_request_json, request))

    make_clock(options.now, options.tz)  # what is wrong with the call is said before any query is read
    return _each(options, answer)


def _plan(options: argparse.Namespace) -> int:
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

    make_clock(options.now, options.tz)
    return _each(options, answer)


def _check(options: argparse.Namespace) -> int:
    endpoint, how = _endpoint(options), _how(options)

    def answer(query: str) -> Answer:
        return Answer(Source(query), entry.check(query, endpoint, **how))

    make_clock(options.now, options.tz)
    return _each(options, answer)


def _complete(options: argparse.Namespace) -> int:
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

    make_clock(options.now, options.tz)
    return _each(options, answer)


def _repl(options: argparse.Namespace) -> int:
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


def _fetch(options: argparse.Namespace) -> int:
    from pqlang import fetcher

    if options.fields is not None and not options.fields.replace(",", "").strip():
        raise PqlError(Source(""), [say.usage("`--fields` names none")])
    shown = {"format": options.format, "fields": options.fields, "limit": options.limit, "guard": options.guard}
    return _ask(options, lambda queries, job: fetcher.fetch(queries, job, **shown))


def _count(options: argparse.Namespace) -> int:
    from pqlang import fetcher

    shown = {"by": options.group_by, "as_json": options.json}
    return _ask(options, lambda queries, job: fetcher.count(queries, job, **shown))


def _ask(options: argparse.Namespace, run: Callable[[Iterable[str], Job], int]) -> int:
    """Run a command that asks the API itself, on its query or on every line of standard input."""
    from pqlang.fetcher import Job

    endpoint, how = _endpoint(options), _how(options)
    if options.base_url is not None:
        endpoint = replace(endpoint, api=replace(endpoint.api, base_url=options.base_url))
    reads = how | {"max_requests": options.max_requests, "broaden": options.broaden}
    job = Job(endpoint, reads, _report, options.concurrency, options.strict, options.dry_run)
    make_clock(options.now, options.tz)
    try:
        return run(_lines(sys.stdin) if _several(options) else (options.query,), job)
    except ModuleNotFoundError as missing:
        if "pqlang[client]" not in str(missing):
            raise
        print(f"pql: {missing}", file=sys.stderr)
        return USAGE


def _format(options: argparse.Namespace) -> int:
    def answer(query: str) -> Answer:
        try:
            text = compiler.format(query, width=options.width, mode=options.mode)
        except PqlError as error:
            return Answer(error.source, error.diagnostics)
        return Answer(Source(query), (), lambda: text, lambda: {"query": text})

    return _each(options, answer)


def _decompile(options: argparse.Namespace) -> int:
    from pqlang.decompiler import read_target  # the other commands start without it

    endpoint = None if options.endpoint is None else _endpoint(options)

    def answer(target: str) -> Answer:
        reading = read_target(target, endpoint, schema=options.schema)
        at, text = reading.endpoint, reading.text
        if at is None or text is None:
            return Answer(reading.source, reading.diagnostics)
        return Answer(reading.source, reading.diagnostics, lambda: text, lambda: {"endpoint": at.name, "query": text})

    return _each(options, answer)


def _several(options: argparse.Namespace) -> bool:
    """Whether queries are read from standard input, one a line."""
    return options.query in (None, "-")


def _each(options: argparse.Namespace, answer: Callable[[str], Answer]) -> int:
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


def _serve(options: argparse.Namespace) -> int:
    from pqlang.extras import needs

    if options.sandbox:
        needs("server,sandbox,client", ["starlette", "uvicorn", "sqlalchemy", "httpx2", "stamina"])
    needs("server", ["starlette", "uvicorn"])
    from pqlang.server import run

    return run(options)


def _show_schema(options: argparse.Namespace) -> int:
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
