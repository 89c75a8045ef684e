"""A session whose lines come from a pipe: no prompt, answers on stdout, problems on stderr, one JSON object a query."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from pqlang.commands import run
from pqlang.diagnostics import MOST_DRAWN
from pqlang.rendering import json_text, to_json, to_text, visible
from pqlang.session import Problem, Session, Style, Text, Turn

ANSWERS = (Style.TEXT, Style.QUERY)  # the rest is for people who look on


def run_script(session: Session, lines: Iterable[str], *, as_json: bool = False) -> int:
    """Run lines one after another; 1 where one of them is wrong, else 0. `.quit` ends it."""
    status = 0
    for number, line in enumerate(lines, 1):
        turn = run(session, line)
        session = turn.session
        status |= turn.wrong
        if as_json:
            _print_json(turn)
        else:
            _print(turn, number)
        if turn.over:
            break
    return int(status)


def shown(text: str) -> str:
    """Lines as they may go to a terminal."""
    return "\n".join(map(visible, text.split("\n")))


def _print(turn: Turn, number: int) -> None:
    answers = [part.text for part in turn.parts if isinstance(part, Text) and part.style in ANSWERS]
    if answers:
        print(shown("\n".join(answers)))
    _flush()  # before what is said on the other stream
    problems = [part for part in turn.parts if isinstance(part, Problem)]
    if not problems or sys.stderr is None:
        return
    color = sys.stderr.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    pictures = [to_text(each.diagnostic, each.source, color=color) for each in problems[:MOST_DRAWN]]
    if len(problems) > MOST_DRAWN:
        pictures.append(f"… and {len(problems) - MOST_DRAWN:,} more")
    print(f"line {number}:", "\n\n".join(pictures), sep="\n", file=sys.stderr)


def _print_json(turn: Turn) -> None:
    """The answer on one line; nothing for a line that has none, such as `.endpoint forms`."""
    problems = [to_json(part.diagnostic, part.source) for part in turn.parts if isinstance(part, Problem)]
    answers = [part.text for part in turn.parts if isinstance(part, Text) and part.style in ANSWERS]
    if not problems and not answers and turn.data is None:
        return
    body: dict[str, object] = {"ok": not turn.wrong}
    if not turn.wrong:
        body |= {} if turn.query is None else {"query": turn.query}
        body |= {"text": "\n".join(answers)} if turn.data is None else turn.data()
    print(json_text(body | {"diagnostics": problems}))
    _flush()


def _flush() -> None:
    if sys.stdout is not None:  # it may have been closed by who called
        sys.stdout.flush()
