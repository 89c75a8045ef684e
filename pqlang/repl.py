"""A session in a terminal: colours, completion, history, and a line that says what the query would be.

The one module that imports prompt_toolkit, which gives the editing; what a line means is said by `commands`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import partial
from itertools import groupby
from pathlib import Path

from prompt_toolkit import PromptSession, print_formatted_text
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import CompleteEvent, Completer
from prompt_toolkit.completion import Completion as Choice
from prompt_toolkit.document import Document
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import completion_is_selected, has_focus
from prompt_toolkit.formatted_text import ANSI, AnyFormattedText, FormattedText, StyleAndTextTuples
from prompt_toolkit.history import History
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout.processors import HighlightMatchingBracketProcessor
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Style as Colours

from pqlang import commands, keyboard
from pqlang.diagnostics import MOST_DRAWN, Severity
from pqlang.highlighter import tokens
from pqlang.rendering import to_text, visible
from pqlang.session import Part, Preview, Session, Text

COLOURS = Colours.from_dict(
    {
        "pql.field": "ansicyan",
        "pql.operator": "ansibrightblack bold",
        "pql.keyword": "ansimagenta",
        "pql.string": "ansigreen",
        "pql.word": "ansigreen",
        "pql.number": "ansiyellow",
        "pql.time": "ansiyellow",
        "pql.constant": "ansiyellow",
        "pql.variable": "ansiblue",
        "pql.error": "ansired",
        "pql.command": "ansimagenta",
        "pql.wrong": "underline ansired",
        "pql.doubt": "underline",
        "pql.note": "ansibrightblack",
        "pql.tip": "ansibrightblack",
        "bottom-toolbar": "noreverse ansibrightblack",
        "bottom-toolbar pql.first-problem": "noreverse ansired",
        "matching-bracket.cursor": "bold",
        "matching-bracket.other": "bold underline",
    }
)
MOST_REMEMBERED = 1_000_000  # bytes at the end of the history file that are read


def run_terminal(session: Session, history: Path | None = None) -> int:
    """Read and answer lines until Ctrl-D or `.quit`; 0."""
    return Terminal(session, state_file() if history is None else history).run()


def state_file() -> Path:
    """Where lines are remembered: in the folder that XDG names for state."""
    named = os.environ.get("XDG_STATE_HOME", "")
    folder = Path(named) if os.path.isabs(named) else Path.home() / ".local" / "state"
    return folder / "pqlang" / "history"


class Terminal:
    """The session as it goes on, and what prompt_toolkit asks about the line being typed."""

    def __init__(self, session: Session, history: Path) -> None:
        self.session = session
        self.history = Remembered(history)
        self.previewed: tuple[Session, str, Preview] | None = None
        self.depth = ColorDepth.DEPTH_1_BIT if "NO_COLOR" in os.environ else None
        self.prompt: PromptSession[str] = PromptSession(
            message=lambda: f"{self.session.endpoint.name}> ",
            prompt_continuation=lambda width, line, wrapped: "... ".rjust(width),
            lexer=Painter(self),
            completer=Offerer(self),
            complete_while_typing=True,
            auto_suggest=AutoSuggestFromHistory(),
            history=self.history,
            multiline=True,  # what Enter does is decided by `keys`
            key_bindings=keys(),
            bottom_toolbar=self.toolbar,
            input_processors=[HighlightMatchingBracketProcessor(chars="()[]{}")],
            style=COLOURS,
            color_depth=self.depth,
            mouse_support=False,
            include_default_pygments_style=False,
        )

    def run(self) -> int:
        self.show(keyboard.welcome(self.session, first=not self.history.known()))
        while True:
            try:
                line = self.prompt.prompt()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return 0
            try:
                turn = commands.run(self.session, line)
            except KeyboardInterrupt:  # a plan that takes long
                continue
            self.session = turn.session
            self.show(turn.parts)
            if turn.query is not None:
                self.history.append_string(turn.query)
            if turn.over:
                return 0

    def preview(self, line: str) -> Preview:
        """The preview of a line, worked out once, however often it is asked for."""
        if self.previewed is None or self.previewed[0] is not self.session or self.previewed[1] != line:
            self.previewed = (self.session, line, keyboard.preview(self.session, line))
        return self.previewed[2]

    def toolbar(self) -> AnyFormattedText:
        shown = self.preview(self.prompt.default_buffer.text)
        return [("class:pql.first-problem" if shown.wrong else "", shown.text)]

    def show(self, parts: Iterable[Part]) -> None:
        drawn = 0
        for part in parts:
            if isinstance(part, Text):
                self.print(FormattedText(styled(self.session, part)))
                continue
            drawn += 1
            if drawn <= MOST_DRAWN:
                picture = to_text(part.diagnostic, part.source, color=True)
                self.print(ANSI("\n" * (drawn > 1) + picture))
        if drawn > MOST_DRAWN:
            self.print(f"… and {drawn - MOST_DRAWN:,} more")

    def print(self, text: AnyFormattedText) -> None:
        print_formatted_text(text, style=COLOURS, color_depth=self.depth, output=self.prompt.output)


def styled(session: Session, part: Text) -> StyleAndTextTuples:
    """The fragments of a text; what could steer the terminal is drawn as a stand-in."""
    text = "\n".join(map(visible, part.text.split("\n")))
    if part.style != "query":
        return [(f"class:pql.{part.style}", text)]
    found: StyleAndTextTuples = []
    for line in text.split("\n"):
        found += [("", "\n")] if found else []
        found += fragments(line, painted(session, line))
    return found


# Keys


def keys() -> KeyBindings:
    """Enter takes an offer, goes on with what is open, or runs the line; Alt-Enter starts another line of it."""
    bindings = KeyBindings()
    typing = has_focus(DEFAULT_BUFFER)

    @bindings.add("enter", filter=typing)
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if keyboard.unfinished(buffer.text):
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @bindings.add("enter", filter=typing & completion_is_selected)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.complete_state = None

    @bindings.add("escape", "enter", filter=typing)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return bindings


# Colours while typing


class Painter(Lexer):
    """The colours of a line: its tokens, and its problems underlined."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        lines: list[StyleAndTextTuples] = []
        styles = painted(self.terminal.session, document.text)
        if (found := keyboard.query_in(document.text)) is not None:
            for problem in self.terminal.preview(document.text).problems:
                style = " class:pql.wrong" if problem.severity is Severity.ERROR else " class:pql.doubt"
                start, end = (each + found[1] for each in problem.span)
                if problem.severity is not Severity.HINT:
                    styles[start:end] = [each + style for each in styles[start:end]]
        at = 0
        for line in document.lines:
            lines.append(list(fragments(line, styles[at : at + len(line)])))
            at += len(line) + 1
        return lambda number: lines[number] if number < len(lines) else []

    def invalidation_hash(self) -> int:
        return id(self.terminal.session)


def painted(session: Session, text: str) -> list[str]:
    """The style of each character of a line."""
    styles = [""] * len(text)
    found = keyboard.query_in(text)
    if found is None or found[1]:
        end = found[1] if found else len(text) - len(text.lstrip()) + len(text.split(maxsplit=1)[0])
        styles[:end] = ["class:pql.command"] * end
    if found is None or keyboard.is_pasted(session, text):
        return styles
    query, start = found
    for kind, span in tokens(query):
        styles[span.start + start : span.end + start] = [f"class:pql.{kind}"] * (span.end - span.start)
    return styles


def fragments(text: str, styles: list[str]) -> Iterable[tuple[str, str]]:
    for style, pairs in groupby(zip(styles, text, strict=True), key=lambda pair: pair[0]):
        yield style, "".join(char for _, char in pairs)


class Offerer(Completer):
    """What may be written, as prompt_toolkit takes it: a text in place of what stands before the cursor alone."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Choice]:
        text, cursor = document.text, document.cursor_position
        for offer in keyboard.offers(self.terminal.session, text, cursor):
            insert, behind = offer.insert, text[cursor : offer.span.end]
            if behind:  # inside a word only what keeps its end can be offered
                insert = insert.rstrip()
                if not insert.endswith(behind):
                    continue
                insert = insert.removesuffix(behind)
            yield Choice(insert, offer.span.start - cursor, display=offer.label, display_meta=offer.detail)


# History


class Remembered(History):
    """Lines of earlier sessions, in a file that only its owner reads; without one where it cannot be had.

    The file is that of prompt_toolkit's `FileHistory`: each line of an entry behind a `+`.
    """

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file = file

    def known(self) -> bool:
        """Whether there are lines of earlier sessions."""
        return next(iter(self.load_history_strings()), None) is not None

    def load_history_strings(self) -> Iterable[str]:
        """The newest first; what is no entry is passed over."""
        try:
            with open(self.file, "rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - MOST_REMEMBERED))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return []
        entries: list[list[str]] = [[]]
        for line in text.split("\n"):
            if line.startswith("+"):
                entries[-1].append(line[1:])
            elif entries[-1]:
                entries.append([])
        return ["\n".join(lines) for lines in reversed(entries) if lines]

    def store_string(self, string: str) -> None:
        private = partial(os.open, mode=0o600)
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(self.file, "ab", opener=private) as file:
                text = "".join(f"+{line}\n" for line in string.split("\n"))
                file.write(f"\n{text}".encode("utf-8", "replace"))
        except OSError:
            pass  # a disk that is full or not ours: these lines are remembered until the session ends
