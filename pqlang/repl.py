"""A session in a terminal: colours, completion, history, and a line that says what the query would be.

The one module that imports prompt_toolkit, which gives the editing; what a line means is said by `commands`.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Callable, Iterable
from functools import partial
from itertools import groupby
from pathlib import Path

from prompt_toolkit import PromptSession, print_formatted_text
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer
from prompt_toolkit.completion import Completion as Choice
from prompt_toolkit.document import Document
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Condition, has_completions, has_focus
from prompt_toolkit.formatted_text import ANSI, AnyFormattedText, FormattedText, StyleAndTextTuples
from prompt_toolkit.formatted_text.utils import fragment_list_to_text
from prompt_toolkit.history import History
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout.processors import (
    HighlightMatchingBracketProcessor,
    Processor,
    Transformation,
    TransformationInput,
)
from prompt_toolkit.layout.utils import explode_text_fragments
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import Style as Colours

from pqlang import commands, keyboard
from pqlang.diagnostics import MOST_DRAWN, Severity
from pqlang.highlighter import tokens
from pqlang.rendering import stand_ins, to_text, visible
from pqlang.session import Part, Preview, Session, Style, Text

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
MENU = 8  # lines that are kept free for the menu, where the terminal has as many
KEPT = 3  # lines of a low terminal that are kept for the line itself, a search in the history and its count


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
        self.pasted: list[str] = []  # lines that wait for their turn
        self.asked_for_offers = False  # by Tab, not by typing
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
            key_bindings=keys(self),
            bottom_toolbar=self.toolbar,
            input_processors=[HighlightMatchingBracketProcessor(chars="()[]{}"), Unseen()],
            style=COLOURS,
            color_depth=self.depth,
            mouse_support=False,
            include_default_pygments_style=False,
        )
        app = self.prompt.app
        app.before_render += lambda _: self.fit()
        # Escape alone is told from Alt and a key by what does not follow; prompt_toolkit waits for it 1.5 seconds.
        app.ttimeoutlen, app.timeoutlen = 0.1, 0.3

    def fit(self) -> None:
        """Leave the line its place in a low terminal: first the menu gets smaller, then the bottom line goes."""
        rows = self.prompt.app.output.get_size().rows
        self.prompt.reserve_space_for_menu = max(0, min(MENU, rows - KEPT))
        self.prompt.bottom_toolbar = self.toolbar if rows > KEPT else None

    def run(self) -> int:
        self.show(keyboard.welcome(self.session, first=not self.history.known()))
        while True:
            try:
                line = self.next_pasted() if self.pasted else self.prompt.prompt()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return 0
            try:
                turn = commands.run(self.session, line)
            except KeyboardInterrupt:  # a plan that takes long
                self.pasted.clear()
                continue
            self.session = turn.session
            self.show(turn.parts)
            if turn.query is not None:
                self.history.append_string(turn.query)
            if turn.over:
                return 0

    def next_pasted(self) -> str:
        """The next of several lines that were pasted, shown and remembered as if it had been typed."""
        line = self.pasted.pop(0)
        shown = styled(self.session, Text(line, Style.QUERY))
        self.print(FormattedText([("", f"{self.session.endpoint.name}> "), *shown]))
        self.history.append_string(line)
        return line

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


def keys(terminal: Terminal) -> KeyBindings:
    """What prompt_toolkit leaves open or does otherwise: Enter, Tab, Escape, the arrows in a menu, and a paste."""
    bindings = KeyBindings()
    typing = has_focus(DEFAULT_BUFFER)

    def buffer() -> Buffer:
        return terminal.prompt.default_buffer

    @Condition
    def choosing() -> bool:
        """Whether one of several offers stands in the line, so that another may be chosen still."""
        state = buffer().complete_state
        return state is not None and state.complete_index is not None and len(state.completions) > 1

    @Condition
    def in_the_way() -> bool:
        """Whether a menu that nobody asked for would take the arrows from a query of several lines."""
        state = buffer().complete_state
        unasked = state is not None and state.complete_index is None and not terminal.asked_for_offers
        return unasked and "\n" in buffer().text

    @bindings.add("enter", filter=typing)
    def _(event: KeyPressEvent) -> None:
        if keyboard.unfinished(buffer().text):
            buffer().insert_text("\n")
        else:
            buffer().validate_and_handle()

    @bindings.add("enter", filter=typing & choosing)
    def _(event: KeyPressEvent) -> None:
        buffer().complete_state = None

    @bindings.add("escape", "enter", filter=typing)
    def _(event: KeyPressEvent) -> None:
        buffer().insert_text("\n")

    @bindings.add("escape", filter=typing & has_completions)
    def _(event: KeyPressEvent) -> None:
        buffer().cancel_completion()

    @bindings.add("tab", filter=typing)
    def _(event: KeyPressEvent) -> None:
        state = buffer().complete_state
        if state is None:
            buffer().start_completion(insert_common_part=True)
        elif len(state.completions) > 1:
            buffer().complete_next()
        elif state.complete_index is None:
            buffer().apply_completion(state.completions[0])  # which closes the menu: nothing else can be chosen
        else:
            buffer().complete_state = None

    @bindings.add("up", filter=typing & in_the_way)
    @bindings.add("down", filter=typing & in_the_way)
    def _(event: KeyPressEvent) -> None:
        buffer().complete_state = None
        move = buffer().auto_up if event.key_sequence[0].key == "up" else buffer().auto_down
        move(count=event.arg)

    @bindings.add(Keys.BracketedPaste, filter=typing)
    def _(event: KeyPressEvent) -> None:
        text = event.data.replace("\r\n", "\n").replace("\r", "\n")
        lines = [] if buffer().text.strip() else keyboard.lines_of(terminal.session, text)
        if len(lines) < 2:
            buffer().insert_text(text)
            return
        buffer().text, terminal.pasted = lines[0], lines[1:]
        buffer().validate_and_handle()

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


class Unseen(Processor):
    """Characters that hide, or that turn a line around, drawn as messages draw them; prompt_toolkit has its own
    stand-ins for control characters, and a blank for the no-break one.
    """

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        fragments = explode_text_fragments(transformation_input.fragments)
        text = fragment_list_to_text(fragments)
        unseen = {at: shown for at, shown in stand_ins(text) if text[at] > "\xa0"}
        if not unseen or len(fragments) != len(text):  # prompt_toolkit's own marks take no place of the text
            return Transformation(fragments)
        drawn: StyleAndTextTuples = []
        columns: list[int] = []  # where each character is drawn
        for at, fragment in enumerate(fragments):
            columns.append(len(drawn))
            shown = unseen.get(at)
            drawn += [fragment] if shown is None else [(f"{fragment[0]} class:pql.note", sign) for sign in shown]
        columns.append(len(drawn))

        def drawn_at(place: int) -> int:
            return columns[min(place, len(text))] + max(0, place - len(text))

        def stands_at(column: int) -> int:
            return bisect_right(columns, column) - 1 + max(0, column - len(drawn))

        return Transformation(drawn, source_to_display=drawn_at, display_to_source=stands_at)


class Offerer(Completer):
    """What may be written, as prompt_toolkit takes it: a text in place of what stands before the cursor alone."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Choice]:
        text, cursor = document.text, document.cursor_position
        self.terminal.asked_for_offers = complete_event.completion_requested
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
