"""The words of a call of `pql`, as argparse reads them.

A call in which all is well is read by the parser of its own command, which is quickly made. Any other call, and one
that asks for help, is read by the parser of all commands, which says what is wrong.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, NoReturn

from pqlang.arguments import MODES, TARGETS

RECORD_FORMATS = ("table", "jsonl", "csv")


def read(words: Sequence[str]) -> argparse.Namespace:
    """The options of a call; `command` is the name of its command. Raises SystemExit where argparse ends it."""
    if words and words[0] in COMMANDS and not any(word.startswith("-h") or word == "--version" for word in words):
        try:
            return _read(_own_parser(words[0]), words[1:])
        except _Wrong:
            pass
    return _read(_whole_parser(version="--version" in words), words)


def _read(parser: argparse.ArgumentParser, words: Sequence[str]) -> argparse.Namespace:
    """The arguments as argparse reads them; the query too where argparse leaves it over, as after an option."""
    options, rest = parser.parse_known_args(words)
    if rest[:1] == ["--"]:
        del rest[0]
    elif rest and rest[0].startswith("--"):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if len(rest) == 1 and getattr(options, "query", "") is None:
        options.query = rest.pop()
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return options


class _Wrong(Exception):
    """A call that is for the whole parser to complain about."""


class _OwnParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _Wrong


def _own_parser(name: str) -> argparse.ArgumentParser:
    """The parser of one command, which prints nothing: it need not know how wide the terminal is."""
    parser = _OwnParser(prog=f"pql {name}", add_help=False, formatter_class=partial(argparse.HelpFormatter, width=80))
    COMMANDS[name].add_options(parser)
    parser.set_defaults(command=name)
    return parser


def _whole_parser(*, version: bool) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pql", description="Compile PQL, a filter language, to requests of a list API."
    )
    parser.add_argument("--version", action="version", version=f"pql {_version()}" if version else "pql")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        own = commands.add_parser(name, help=command.help)
        command.add_options(own)
        own.set_defaults(command=name)
    return parser


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("pqlang")
    except PackageNotFoundError:
        return "unknown"


# The options of each command


def _compile(command: Any) -> None:
    _query(command)
    _target(command)
    command.add_argument("--url", action="store_true", help="print the whole URL")


def _plan(command: Any) -> None:
    _query(command)
    _target(command)
    command.add_argument("--disjoint", action="store_true", help="requests that share no record, so that counts add up")
    command.add_argument(
        "--max-requests",
        type=_positive,
        default=30,
        metavar="N",
        help="refuse what takes more requests; 30 if not given",
    )
    command.add_argument("--broaden", action="store_true", help="rather fetch more than is asked than refuse")
    command.add_argument("--verify", action="store_true", help="try the plan on records made for the query")


def _check(command: Any) -> None:
    _query(command)
    command.add_argument(
        "--target", choices=TARGETS, default=None, help="check that one request of this kind can say it"
    )


def _fetch(command: Any) -> None:
    _query(command, as_json=False)
    command.add_argument("--format", choices=RECORD_FORMATS, help="table on a terminal, jsonl in a pipe if not given")
    command.add_argument("--fields", metavar="A,B.C", help="what to show: fields, or keys of a response")
    command.add_argument("--limit", type=_positive, metavar="N", help="the first N records")
    command.add_argument(
        "--guard", action="store_true", help="in csv, keep spreadsheets from running cells as formulas"
    )
    _remote(command)


def _count(command: Any) -> None:
    _query(command)
    command.add_argument("--group-by", metavar="FIELD", help="count each value of a field by itself")
    _remote(command)


def _complete(command: Any) -> None:
    _query(command)
    command.add_argument("--cursor", type=int, metavar="N", help="the offset of the cursor; the end if not given")
    command.set_defaults(mode="search", target=None)


def _format(command: Any) -> None:
    command.add_argument("query", nargs="?", metavar="QUERY", help="the query; - or nothing reads standard input")
    command.add_argument("--width", type=_positive, help="break lines that are longer than this")
    command.add_argument("--mode", choices=MODES, default="strict", help="search: read what a search box allows")
    command.add_argument("--json", action="store_true", help="print JSON, one line a query")
    command.set_defaults(schema=None)


def _decompile(command: Any) -> None:
    command.add_argument(
        "query",
        nargs="?",
        metavar="URL|JSON|QUERYSTRING",
        help="the request; - or nothing reads one a line from standard input",
    )
    command.add_argument("--endpoint", metavar="ENDPOINT", help="where it is asked; a URL says so itself")
    command.add_argument("--json", action="store_true", help="print JSON, one line a request")
    _schema(command)


def _repl(command: Any) -> None:
    command.add_argument("endpoint", nargs="?", metavar="ENDPOINT", help="the schema's first if not given")
    command.add_argument("--json", action="store_true", help="print JSON, one line a query; without a prompt")
    _reading(command)
    _target(command)


def _serve(command: Any) -> None:
    command.add_argument("--host", default="127.0.0.1", metavar="HOST", help="this machine alone if not given")
    command.add_argument("--port", type=_whole, default=8765, metavar="N", help="8765 if not given; 0 takes any")
    _schema(command)
    command.add_argument("--sandbox", action="store_true", help="with rows of made-up records on the demo page")
    command.add_argument("--until", default="now", metavar="TIME", help="when the youngest is made; now if not given")


def _show_schema(command: Any) -> None:
    command.add_argument("endpoint", nargs="?", metavar="ENDPOINT")
    command.add_argument("--json", action="store_true", help="print JSON")
    _schema(command)


def _sandbox(command: Any) -> None:
    command.add_argument("--db", metavar="URL", help="a file of SQLite or a URL of PostgreSQL; in memory if not given")
    command.add_argument("--port", type=_whole, default=8000, metavar="N", help="8000 if not given; 0 takes any")
    command.add_argument(
        "--records", type=_whole, default=1000, metavar="N", help="of each endpoint; 1000 if not given"
    )
    command.add_argument(
        "--seed", type=_whole, default=0, metavar="N", help="other records; the same for the same seed"
    )
    command.add_argument("--until", metavar="TIME", help="when the youngest is made, or `now`; 2025 if not given")
    command.add_argument("--rate", type=_positive, metavar="N", help="answer 429 to more requests a second")
    _schema(command)


class Command(NamedTuple):
    """What a command is for, and what adds its options to a parser."""

    help: str
    add_options: Callable[[Any], None]


COMMANDS = {
    "compile": Command("print the request a query means", _compile),
    "plan": Command("explain the requests that together answer a query", _plan),
    "check": Command("say what is wrong with a query", _check),
    "fetch": Command("list the records that a query means", _fetch),
    "count": Command("count the records that a query means", _count),
    "complete": Command("list what may be written next, the likeliest first", _complete),
    "format": Command("print a query in its canonical form", _format),
    "decompile": Command("print the query that a request means", _decompile),
    "repl": Command("ask one query after another, in a terminal or from a pipe", _repl),
    "serve": Command("serve the search box and its demo page", _serve),
    "schema": Command("list endpoints, or the fields of one", _show_schema),
    "sandbox": Command("answer as the API does, from made-up records", _sandbox),
}


# Options that several have


def _query(command: Any, *, as_json: bool = True) -> None:
    """A query at an endpoint, with all that says how a query is read."""
    command.add_argument("endpoint", metavar="ENDPOINT")
    command.add_argument(
        "query", nargs="?", metavar="QUERY", help="the query; - or nothing reads one a line from standard input"
    )
    if as_json:
        command.add_argument("--json", action="store_true", help="print JSON, one line a query")
    _reading(command)
    command.add_argument("--mode", choices=MODES, default="strict", help="search: read what a search box allows")


def _target(command: Any) -> None:
    command.add_argument("--target", choices=TARGETS, default="auto", help="auto: parameters where exact, else JSON")


def _schema(command: Any) -> None:
    command.add_argument("--schema", metavar="FILE", help="a TOML or JSON file of an API of one's own")


def _reading(command: Any) -> None:
    """Options that say how a query is read."""
    _schema(command)
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
    _target(command)
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
