"""What a line of a session would come to, while it is typed: a preview, what may be written, whether it goes on."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pqlang import session
from pqlang.commands import COMMANDS, LINE, find
from pqlang.completer import MOST, Completion, complete
from pqlang.names import likeness
from pqlang.session import Part, Preview, Session, Style, Text
from pqlang.source import Span
from pqlang.valueclass import replace


def query_in(line: str) -> tuple[str, int] | None:
    """The query on a line and where it starts: the line itself, or what follows `.explain`; None for other commands."""
    named = LINE.match(line)
    if named is None:
        return line, 0
    command = find(named[1])
    return (line[named.end() :], named.end()) if command is not None and command.takes_query else None


def preview(here: Session, line: str) -> Preview:
    """What a line would come to, on one line; the places of its problems are those of `query_in`."""
    if not line.strip():
        return Preview(f"{here.endpoint.name}, target {here.target}, requests as {here.mode}")
    named = LINE.match(line)
    command = None if named is None else find(named[1])
    if named is not None and (command is None or not command.takes_query or not line[named.end() :]):
        begun = [each.name for each in COMMANDS if each.name.startswith(named[1].lower())]
        if command is not None:
            return Preview(f"{command.usage}: {command.about}")
        return Preview(" ".join(begun)) if begun else Preview(f"there is no command {named[1][:40]!a}", wrong=True)
    found = query_in(line)
    assert found is not None
    return session.preview(here, found[0])


def is_pasted(here: Session, line: str) -> bool:
    """Whether a line is a request to read back."""
    return LINE.match(line) is None and session.is_request(line.strip(), here.endpoint.api)


def unfinished(line: str) -> bool:
    """Whether another line may follow; after an empty one none does."""
    found = query_in(line)
    return found is not None and not line.endswith("\n") and session.unfinished(found[0])


def lines_of(here: Session, pasted: str) -> list[str]:
    """Lines to run one after another, of a paste each of whose lines is whole by itself; else the paste as it is.

    A line is whole where it is a command, a request, or a query that can be read. One that is indented, or that begins
    with `and`, `or` or `order by`, goes on with the one before; so does one behind a bracket or a quote that is open.
    """
    lines = [line for line in pasted.split("\n") if line.strip()]
    return lines if all(_is_whole(here, line) for line in lines) else [pasted]


def _is_whole(here: Session, line: str) -> bool:
    if LINE.match(line) is not None:
        return not unfinished(line)
    if _GOES_ON.match(line) or unfinished(line):
        return False
    return is_pasted(here, line) or session.can_be_read(line)


_GOES_ON = re.compile(r"\s|(?:and|or|order\s+by)\b", re.IGNORECASE)


def offers(here: Session, line: str, cursor: int) -> list[Completion]:
    """What may be written at a place of a line, commands and their arguments included."""
    found = query_in(line)
    if found is not None and cursor >= found[1]:
        query, start = found
        if session.is_request(query.strip(), here.endpoint.api) or len(query) > session.MOST_LIVE:
            return []
        names = [name for name, _ in here.bound]
        made = complete(query, cursor - start, here.endpoint, variables=names, now=here.now, tz=here.tz)
        return [replace(each, span=Span(each.span.start + start, each.span.end + start)) for each in made]
    named = LINE.match(line)
    if named is None or cursor < named.start(1):  # in the blanks before a command
        return []
    if cursor <= named.end(1):
        typed, at = line[named.start(1) : cursor], Span(named.start(1), named.end(1))
        begun = [(each.name + " " * bool(each.takes), each.about) for each in COMMANDS]
        return _fitting(typed, begun, at, "keyword")
    command = find(named[1])
    if command is None or cursor < named.end():
        return []
    typed = line[named.end() : cursor]
    return _fitting(typed, command.offers(here, typed), Span(named.end(), len(line)), "value")


def _fitting(typed: str, words: Iterable[tuple[str, str]], span: Span, kind: str) -> list[Completion]:
    ranked = [(rank, word, about) for word, about in words if (rank := likeness(typed, word)) is not None]
    ranked.sort(key=lambda each: each[0])
    return [Completion(word.strip(), kind, word, span, about) for _, word, about in ranked[:MOST]]


# Where a session begins


def welcome(here: Session, *, first: bool) -> tuple[Part, ...]:
    """What a terminal shows before the first line: examples for whoever is here for the first time."""
    said = "Type a query; Enter shows its request. `.help` lists the commands, Ctrl-D leaves."
    if not first or not here.endpoint.examples:
        return (Text(said, Style.TIP),)
    return (
        Text(f"{said}\nFor example, of {here.endpoint.name}:", Style.TIP),
        Text("\n".join(f"  {example}" for example in here.endpoint.examples[:3]), Style.QUERY),
    )
