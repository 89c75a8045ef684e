"""A line of a session, and the commands, which start with a dot.

session, line -> run -> a command, a pasted request or a query -> Turn
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from pqlang import arguments, compiler, presenter, session
from pqlang import diagnostics as say
from pqlang.arguments import TARGETS
from pqlang.completer import complete
from pqlang.diagnostics import PqlError
from pqlang.moments import make_clock
from pqlang.names import close_matches, close_names
from pqlang.parser import name_parts
from pqlang.rendering import json_text
from pqlang.session import MODES, Part, Problem, Session, Style, Text, Turn, turn
from pqlang.source import Source, Span
from pqlang.valueclass import frozen, replace

Offers: TypeAlias = Iterable[tuple[str, str]]  # what may be written, and what it is


@frozen
class Call:
    """A command as it was typed: on which line, with what behind its name, and where that stands."""

    session: Session
    line: str
    name: str
    argument: str
    span: Span

    def wrong(self, wanted: str, close: Sequence[str] = ()) -> Turn:
        """The argument is not what the command takes."""
        return self.fail(say.bad_command(self.span, self.name, self.argument, wanted, close))

    def fail(self, problem: say.Diagnostic) -> Turn:
        return turn(self.session, [Problem(problem, Source(self.line))])

    def refuse(self, error: PqlError) -> Turn:
        """An argument that the library refuses, shown where it was typed."""
        return self.fail(replace(error.diagnostics[0], span=self.span))

    def say(self, text: str, style: Style = Style.TEXT) -> Turn:
        return turn(self.session, [Text(text, style)])

    def set(self, after: Session, argument: str, text: str) -> Turn:
        """A session that reads lines otherwise than before; the argument is what would set it again."""
        return turn(replace(after, script=(*after.script, f"{self.name} {argument}")), [Text(text, Style.NOTE)])


@frozen
class Command:
    """A command: its name, what stands behind it, what it does in a few words and in more, what may be offered."""

    name: str
    takes: str
    about: str
    run: Callable[[Call], Turn]
    more: str = ""
    offers: Callable[[Session, str], Offers] = lambda here, typed: ()
    takes_query: bool = False

    @property
    def usage(self) -> str:
        return f"{self.name} {self.takes}".rstrip()


LINE = re.compile(r"\s*(\.[^\s]*)[^\S\n]*")


def run(session_: Session, line: str) -> Turn:
    """What a line comes to: a command, a pasted request or a query. A line of blanks does nothing."""
    text = line.strip()
    if not text:
        return Turn(session_)
    if (named := LINE.match(line)) is not None:
        return _run_command(session_, line.rstrip(), named[1], named.end())
    if session.is_request(text, session_.endpoint.api):
        return session.read_back(session_, text)
    asked = session.ask(session_, line)
    if text.lower() in _OTHERWISE:
        asked = replace(asked, parts=(*asked.parts, Text(_OTHERWISE[text.lower()], Style.TIP)))
    return asked


_OTHERWISE = {
    "help": "that was a query; `.help` lists the commands",
    "?": "`.help` lists the commands",
    "quit": "that was a query; `.quit` or Ctrl-D leaves",
    "exit": "that was a query; `.quit` or Ctrl-D leaves",
}


def _run_command(session_: Session, line: str, name: str, start: int) -> Turn:
    command = find(name)
    if command is None:
        at = line.index(name)
        close = _near(name, [each.name for each in COMMANDS])
        problem = say.unknown_command(Span(at, at + len(name)), name, close)
        return turn(session_, [Problem(problem, Source(line))])
    argument = line[start:]
    return command.run(Call(session_, line, command.name, argument, Span(min(start, len(line)), len(line))))


def _near(written: str, words: Sequence[str]) -> list[str]:
    """The word that was meant: the one it begins, or the likest; capitals do not count."""
    typed = written.lower()
    begun = [word for word in words if len(typed.lstrip(".-")) > 1 and word.lower().startswith(typed)]
    return begun[:1] or close_matches(typed, words, 1)


def find(name: str) -> Command | None:
    """The command of that name, its dot included."""
    wanted = {".exit": ".quit"}.get(name.lower(), name.lower())
    return next((each for each in COMMANDS if each.name == wanted), None)


# The commands


def _endpoint(call: Call) -> Turn:
    here = call.session.endpoint
    if not call.argument:
        rows = [("*" * (each is here), each.name, each.description) for each in call.session.schema.endpoints]
        return call.say(presenter.columns(rows))
    found = call.session.schema.endpoint(call.argument)
    if found is None:
        names = call.session.schema.names
        return call.wrong(_one_of(names), _near(call.argument, names))
    about = f"{found.name}: {found.description}" if found.description else found.name
    return turn(session.go_to(call.session, found), [Text(about, Style.NOTE)])


def _fields(call: Call) -> Turn:
    known = _named(call.session, call.argument)
    part = (known or call.argument).lower()
    fields = call.session.endpoint.fields
    found = [each for each in fields if part in each.name.lower()]
    found = found or [each for each in fields if part in each.description.lower()]
    if not found:
        return _no_field(call)
    rows = []
    for each in found:
        type = f"{each.type}{' or null' if each.nullable else ''}{', several' if each.to_many else ''}"
        rows.append((each.name, type, each.description))
        if part and each.values:
            meanings = each.meanings or ("",) * len(each.values)
            rows += [("", value, meaning) for value, meaning in zip(each.values, meanings, strict=True)]
    return call.say(presenter.columns(rows))


def _named(here: Session, written: str) -> str | None:
    """The field that is meant by a name as a query may spell it: `owner[email]`, or with backticks."""
    field = here.endpoint.by_parts.get(name_parts(written))
    return None if field is None else field.name


def _no_field(call: Call) -> Turn:
    endpoint = call.session.endpoint
    close = close_names(call.argument, [each.name for each in endpoint.fields])
    return call.fail(say.unknown_field(call.span, call.argument, endpoint.name, close))


def _ops(call: Call) -> Turn:
    endpoint = call.session.endpoint
    if not call.argument:
        return call.wrong("the name of a field")
    name = _named(call.session, call.argument)
    if name is None:
        return _no_field(call)
    offers = complete(f"{name} ", len(name) + 1, endpoint)
    return call.say(presenter.columns([(each.label, each.detail) for each in offers if each.kind == "operator"]))


def _target(call: Call) -> Turn:
    if not call.argument:
        return call.say(call.session.target)
    if call.argument not in TARGETS:
        return call.wrong(_one_of(TARGETS), _near(call.argument, TARGETS))
    return call.set(replace(call.session, target=call.argument), call.argument, f"target {call.argument}")


def _mode(call: Call) -> Turn:
    if not call.argument:
        return call.say(call.session.mode)
    if call.argument not in MODES:
        return call.wrong(_one_of(MODES), _near(call.argument, MODES))
    return call.set(replace(call.session, mode=call.argument), call.argument, f"requests as {call.argument}")


def _explain(call: Call) -> Turn:
    query = call.argument or call.session.query
    if query is None:
        return call.fail(say.no_query(call.span, call.name))
    if session.is_request(query.strip(), call.session.endpoint.api):
        return session.follow(call.session, query, lambda here, text: _explain(_behind(call, here, text)))
    after = replace(call.session, query=query)
    try:
        plan = compiler.plan(query, after.endpoint, target=after.target, **after.reading)
    except PqlError as error:
        return turn(after, _problems(call, error.source, error.diagnostics))
    said = "\n".join(line for line in plan.explain().split("\n") if not line.startswith(_FOR_PROGRAMS))
    return turn(after, [Text(said), *_problems(call, Source(query), plan.diagnostics)], plan.to_json)


#: Lines of an explanation that tell of keywords, which a session has no way to give.
_FOR_PROGRAMS = ("Disjoint: `disjoint=True`", "In one request: `broaden`")


def _behind(call: Call, here: Session, query: str) -> Call:
    """The command with a query behind it that was read back from what stands there."""
    start = call.span.start
    return Call(here, call.line[:start] + query, call.name, query, Span(start, start + len(query)))


def _all(call: Call) -> Turn:
    return session.ask(call.session, "") if not call.argument else call.wrong("nothing behind it")


def _format(call: Call) -> Turn:
    query = call.argument or call.session.query
    if query is None:
        return call.fail(say.no_query(call.span, call.name))
    if session.is_request(query.strip(), call.session.endpoint.api):
        return session.follow(call.session, query, _format_read)
    try:
        text = compiler.format(query, mode="search")
    except PqlError as error:
        return turn(call.session, _problems(call, error.source, error.diagnostics))
    return turn(replace(call.session, query=text), [Text(text, Style.QUERY)], lambda: {"query": text})


def _format_read(here: Session, text: str) -> Turn:
    """A query that was read back is canonical, and is shown already."""
    return turn(replace(here, query=text), [], lambda: {"query": text})


def _problems(call: Call, source: Source, problems: Iterable[say.Diagnostic]) -> list[Part]:
    """The problems of a query, moved to where it stands behind its command, so that `.fix` edits the whole line."""
    if source.text != call.argument:
        return [Problem(each, source) for each in problems]
    by = call.span.start

    def moved(span: Span) -> Span:
        return Span(span.start + by, span.end + by)

    return [
        Problem(
            replace(
                each,
                span=moved(each.span),
                suggestions=tuple(replace(edit, span=moved(edit.span)) for edit in each.suggestions),
            ),
            Source(call.line),
        )
        for each in problems
    ]


def _fix(call: Call) -> Turn:
    edits, written = call.session.edits, call.argument
    if written and not (written.isdecimal() and written.isascii() and int(written[:9]) > 0):
        return call.wrong("the number of an edit")
    number = int(written[:9]) if written else 1
    if number > len(edits):
        return call.fail(say.no_edit(call.span, number, len(edits), call.session.lapsed))
    before, edit = edits[number - 1]
    after = edit.apply(before)
    asked = run(replace(call.session, edits=()), after)  # the edited line may be `.fix` itself
    return replace(asked, parts=(Text(after, Style.QUERY), *asked.parts), query=asked.query or after)


def _var(call: Call) -> Turn:
    bound, written = dict(call.session.bound), call.argument
    if not written:
        if not bound:
            return call.say("no variable is bound", Style.NOTE)
        return call.say("\n".join(f"${name} = {json_text(value)}" for name, value in bound.items()))
    if written.startswith("-"):
        name = written.removeprefix("-").removeprefix("$")
        if name not in bound:
            edits = [f"-{each}" for each in close_matches(name, bound, 1)]
            return call.wrong("a variable that is bound behind `-`", edits)
        del bound[name]
        return call.set(replace(call.session, bound=tuple(bound.items())), f"-{name}", f"${name} is no longer bound")
    try:
        name, value = arguments.binding(written.removeprefix("$"), call.name)
    except PqlError as error:
        return call.refuse(error)
    bound[name] = value
    after = replace(call.session, bound=tuple(bound.items()))
    return call.set(after, f"{name}:={json_text(value)}", f"${name} = {json_text(value)}")


def _tz(call: Call) -> Turn:
    if not call.argument:
        return call.say(call.session.tz)
    try:
        make_clock(None, call.argument)
    except PqlError as error:
        return call.refuse(error)
    return call.set(replace(call.session, tz=call.argument), call.argument, f"days and times in {call.argument}")


def _now(call: Call) -> Turn:
    if not call.argument:
        return call.say(call.session.now or "the clock")
    if call.argument == "-":
        return call.set(replace(call.session, now=None), "-", "times are counted from the clock")
    try:
        make_clock(call.argument, "UTC")
    except PqlError as error:
        return call.refuse(error)
    return call.set(replace(call.session, now=call.argument), call.argument, f"times are counted from {call.argument}")


def _save(call: Call) -> Turn:
    if not call.argument:
        return call.wrong("the name of a file")
    here = call.session
    path = os.path.abspath(os.path.expanduser(call.argument))
    try:
        with open(path, "w" if path in here.saved else "x", encoding="utf-8", errors="backslashreplace") as file:
            file.write("\n".join(here.script) + "\n")
    except FileExistsError:
        return call.fail(say.not_saved(call.span, call.argument, "there is such a file", "name another, or remove it"))
    except (OSError, ValueError) as error:  # a NUL in a path is a ValueError
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return call.fail(say.not_saved(call.span, call.argument, why.lower()))
    count = len(here.script)
    text = f"{count} line{'s' * (count != 1)} in {call.argument}: `pql repl < FILE` runs them again"
    return turn(replace(here, saved=here.saved | {path}), [Text(text, Style.NOTE)])


def _help(call: Call) -> Turn:
    if not call.argument:
        rows = [(each.usage, each.about) for each in COMMANDS]
        return call.say(presenter.columns(rows) + "\n\nAnything else is a query, or a request to read back.")
    command = find("." + call.argument.removeprefix("."))
    if command is None:
        names = [each.name.removeprefix(".") for each in COMMANDS]
        return call.wrong("the name of a command", _near(call.argument.removeprefix("."), names))
    return call.say("\n".join(filter(None, [f"{command.usage}: {command.about}", command.more])))


def _quit(call: Call) -> Turn:
    return replace(call.say(""), parts=(), over=True) if not call.argument else call.wrong("nothing behind it")


def _one_of(words: Iterable[str]) -> str:
    return say.listing([f"`{word}`" for word in words], "or")


# What may stand behind a command


def _zones(here: Session, typed: str) -> Offers:
    from zoneinfo import available_timezones  # reads the disk, so only who asks for zones pays for it

    return [(name, "") for name in sorted(available_timezones())]


def _files(here: Session, typed: str) -> Offers:
    folder = os.path.dirname(typed)
    try:
        with os.scandir(os.path.expanduser(folder) or ".") as entries:
            found = sorted((each.name, each.is_dir()) for each in entries if not each.name.startswith("."))
    except (OSError, ValueError):
        return []
    return [(os.path.join(folder, name) + "/" * is_dir, "folder" if is_dir else "file") for name, is_dir in found]


def _endpoints(here: Session, typed: str) -> Offers:
    return [(each.name, each.description) for each in here.schema.endpoints]


def _field_names(here: Session, typed: str) -> Offers:
    return [(each.name, each.description) for each in here.endpoint.fields]


def _targets(here: Session, typed: str) -> Offers:
    return zip(TARGETS, ("parameters where exact, else JSON", "the JSON filter", "direct parameters"), strict=True)


def _modes(here: Session, typed: str) -> Offers:
    return zip(
        MODES, ("what is sent, and the URL", "the URL alone", "a command to copy", "Python to copy"), strict=True
    )


def _edits(here: Session, typed: str) -> Offers:
    return [(str(at), edit.message) for at, (_, edit) in enumerate(here.edits, 1)]


def _bound(here: Session, typed: str) -> Offers:
    mark = "-" if typed.startswith("-") else ""
    return [(mark + name + "=" * (not mark), json_text(value)[:60]) for name, value in here.bound]


def _commands(here: Session, typed: str) -> Offers:
    return [(each.name.removeprefix("."), each.about) for each in COMMANDS]


COMMANDS: tuple[Command, ...] = (
    Command(".endpoint", "[NAME]", "list the endpoints, or go to one", _endpoint, offers=_endpoints),
    Command(
        ".fields", "[PART]", "list the fields, or those with a part in their name", _fields,
        "With a part, an enum's values are listed too.", _field_names,
    ),
    Command(".ops", "FIELD", "list the operators that a field takes", _ops, offers=_field_names),
    Command(
        ".target", "[auto|json|params]", "say what requests are made of", _target,
        "auto: direct parameters where they are exact, else the JSON filter.", _targets,
    ),
    Command(
        ".all", "", "ask for the whole list: the query without a condition", _all,
        "An empty line does nothing, so the empty query has a name.",
    ),
    Command(".explain", "[QUERY]", "say which requests answer the last query, or this one", _explain, takes_query=True),
    Command(".format", "[QUERY]", "print the last query, or this one, canonically", _format, takes_query=True),
    Command(
        ".fix", "[N]", "apply the first edit that was offered, or the Nth, and run the line again", _fix,
        "Edits are counted in the order in which they were shown.", _edits,
    ),
    Command(
        ".mode", "[json|url|curl|python]", "say how a request is shown", _mode,
        "json: what is sent, and the URL. url: the URL alone. curl: a command. python: a call of the library.", _modes,
    ),
    Command(
        ".var", "[NAME=TEXT|NAME:=JSON|-NAME]", "list the variables, bind one, or unbind it", _var,
        "All that follows `=` is the text. A query uses it as $NAME; `:=[1, 2]` binds a list.", _bound,
    ),
    Command(".tz", "[ZONE]", "say in which zone days and times without offset are", _tz, offers=_zones),
    Command(
        ".now", "[TIME|-]", "say what relative times are counted from; - is the clock", _now,
        "TIME has its offset: 2024-01-15T12:00:00Z.", lambda here, typed: [("-", "the clock")],
    ),
    Command(
        ".save", "FILE", "write the queries of this session to a file", _save,
        "One a line, with the commands that change how they are read; what was wrong is left out.\n"
        "`pql repl < FILE` runs them again. No file is overwritten but one that this session has written.", _files,
    ),
    Command(".help", "[COMMAND]", "list the commands, or say more of one", _help, offers=_commands),
    Command(".quit", "", "leave; so does Ctrl-D", _quit),
)  # fmt: skip
