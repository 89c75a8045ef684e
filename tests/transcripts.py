"""Transcripts of a session: what was typed behind a prompt, and below it what was printed.

    cases> .mode url
    requests as url
    cases> status in (draft,
       ... pending)
    https://connect.penbox.io/v1/cases?…

A line that starts with the prompt is typed, `...` under it goes on with the line; everything else is printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pqlang import commands
from pqlang.rendering import to_text, visible
from pqlang.session import Part, Problem, Session, Text

PROMPT = re.compile(r"([a-z_]+)> ?(.*)")
MORE = re.compile(r" *\.\.\. ?(.*)")


def drawn(parts: Iterable[Part]) -> list[str]:
    """The lines that a terminal shows, without its colours."""
    lines: list[str] = []
    before: Part | None = None
    for part in parts:
        if isinstance(part, Text):
            lines += map(visible, part.text.split("\n"))
        else:
            lines += [""] if isinstance(before, Problem) else []
            lines += to_text(part.diagnostic, part.source).split("\n")
        before = part
    return [line.rstrip() for line in lines]


def replay(session: Session, text: str) -> tuple[Session, str]:
    """The session after all that a transcript types, and the transcript as it is now."""
    found: list[str] = []
    typed: list[str] = []
    lines = text.rstrip("\n").split("\n")
    assert PROMPT.fullmatch(lines[0]), f"a transcript starts with what is typed, not with {lines[0]!r}"
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if (begun := PROMPT.fullmatch(line)) is not None:
            assert begun[1] == session.endpoint.name, f"the prompt is {session.endpoint.name}, not {begun[1]}"
            typed = [begun[2]]
        elif typed and (more := MORE.fullmatch(line)) is not None:
            typed.append(more[1])
        else:
            continue
        found.append(line)
        if MORE.fullmatch(after) is None:
            turn = commands.run(session, "\n".join(typed))
            session, typed = turn.session, []
            found += drawn(turn.parts)
    return session, "\n".join(found) + "\n"
