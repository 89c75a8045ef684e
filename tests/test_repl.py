"""The REPL in a terminal: keys sent to prompt_toolkit's pipe, and once a real terminal, whose screen is compared."""

from __future__ import annotations

import contextvars
import os
import shlex
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.data_structures import Size
from prompt_toolkit.document import Document
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.layout.controls import BufferControl
from prompt_toolkit.layout.processors import TransformationInput
from prompt_toolkit.output import ColorDepth, DummyOutput

from pqlang import cli, commands, keyboard
from pqlang.repl import MOST_REMEMBERED, Remembered, Terminal, Unseen, painted, state_file
from pqlang.session import Session, open_session

HERE = Path(__file__).parent
ENTER, ALT_ENTER, TAB, UP, RIGHT, CTRL_C, CTRL_D = "\r", "\x1b\r", "\t", "\x1b[A", "\x1b[C", "\x03", "\x04"
LEFT, CTRL_U, DOWN, ESCAPE, CTRL_E = "\x1b[D", "\x15", "\x1b[B", "\x1b", "\x05"


def until(condition: Callable[[], object], what: object = "") -> None:
    """Wait for what another thread or process does; a minute is for a machine that is busy with something else."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, f"it never came: {what() if callable(what) else what}"
        time.sleep(0.005)


class Screen(DummyOutput):
    """All that was written to the terminal."""

    def __init__(self, columns: int, rows: int) -> None:
        self.written: list[str] = []
        self.size = Size(rows=rows, columns=columns)

    def get_size(self) -> Size:
        return self.size

    def write(self, data: str) -> None:
        self.written.append(data)

    write_raw = write

    @property
    def text(self) -> str:
        return "".join(self.written)


class Typist:
    """A REPL that runs beside the test, its keys and what it writes."""

    def __init__(self, keys: PipeInput, screen: Screen, session: Session, history: Path) -> None:
        self.keys, self.screen = keys, screen
        self.terminal = Terminal(session, history)
        self.status: int | None = None
        self.thread = threading.Thread(target=contextvars.copy_context().run, args=(self.run,), daemon=True)
        self.thread.start()

    def run(self) -> None:
        self.status = self.terminal.run()

    @property
    def buffer(self) -> Buffer:
        return self.terminal.prompt.default_buffer

    @property
    def session(self) -> Session:
        return self.terminal.session

    def type(self, text: str, shown: str | None = None) -> None:
        """Send keys, and wait until the line is as it is said to be."""
        self.keys.send_text(text)
        if shown is not None:
            until(lambda: self.buffer.text == shown, lambda: self.buffer.text)

    def enter(self, line: str) -> None:
        """Type a line and wait until it is answered."""
        self.type(line, line)
        self.type(ENTER)
        until(lambda: self.buffer.text == "" and self.terminal.prompt.app.is_running)

    def menu(self) -> list[str]:
        until(lambda: self.buffer.complete_state is not None and bool(self.buffer.complete_state.completions), "offers")
        state = self.buffer.complete_state
        return [] if state is None else [each.display_text for each in state.completions]

    def leave(self) -> None:
        self.keys.send_text(CTRL_D)
        self.thread.join(60)
        assert self.status == 0


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Typist]]:
    """Start a REPL whose lines are remembered in the test's own file."""
    with create_pipe_input() as keys:

        def begin(
            session: Session | None = None, history: Path | None = None, size: tuple[int, int] = (80, 40)
        ) -> Typist:
            screen = Screen(*size)
            with create_app_session(input=keys, output=screen):
                return Typist(keys, screen, session or open_session(), history or tmp_path / "state" / "history")

        yield begin


Start = Callable[..., Typist]


# Lines


def test_a_query_is_answered_and_ctrl_d_leaves(start: Start) -> None:
    repl = start()
    repl.enter("parent_status = draft and -archived")
    assert "GET https://connect.penbox.io/v1/cases?parent_status=draft&archived=false" in repl.screen.text
    repl.leave()


def test_quit_leaves(start: Start) -> None:
    repl = start()
    repl.type(f".quit{ENTER}")
    repl.thread.join(60)
    assert repl.status == 0


def test_a_newcomer_sees_examples_and_the_next_time_none(start: Start) -> None:
    repl = start()
    repl.enter("archived")
    examples = open_session().endpoint.examples
    assert len(examples) == 3
    # their colours come between the words
    assert all(example.split()[0] in repl.screen.text for example in examples)
    assert ".help" in repl.screen.text
    repl.leave()
    again = start()
    again.enter("archived")
    assert examples[2].split()[0] not in again.screen.text
    assert ".help" in again.screen.text
    again.leave()


def test_ctrl_c_clears_the_line(start: Start) -> None:
    repl = start()
    repl.type("statu = (", "statu = (")
    repl.type(CTRL_C)
    until(lambda: repl.buffer.text == "" and repl.terminal.prompt.app.is_running)
    repl.enter("archived")
    assert repl.session.query == "archived"
    repl.leave()


def test_enter_goes_on_while_a_bracket_is_open(start: Start) -> None:
    repl = start()
    repl.type(f"parent_status in (draft,{ENTER}", "parent_status in (draft,\n")
    repl.type(f"pending){ENTER}")
    until(lambda: repl.session.query is not None)
    assert repl.session.query == "parent_status in (draft,\npending)"
    repl.leave()


def test_an_empty_line_ends_what_is_open(start: Start) -> None:
    repl = start()
    repl.type(f'title = "a{ENTER}', 'title = "a\n')
    repl.type(ENTER)
    until(lambda: "unclosed-quote" in repl.screen.text)
    repl.leave()


def test_alt_enter_starts_another_line(start: Start) -> None:
    repl = start()
    repl.type(f"archived{ALT_ENTER}", "archived\n")
    repl.type(f"and parent_status = draft{ENTER}")
    until(lambda: repl.session.query is not None)
    assert repl.session.query == "archived\nand parent_status = draft"
    repl.leave()


def test_fix_applies_the_edit_that_was_offered(start: Start) -> None:
    repl = start()
    repl.enter("statu = draft")
    repl.enter(".fix")
    assert repl.session.query == "status = draft"
    repl.type(UP, "status = draft")  # the edited line is there to go on with
    repl.type(CTRL_U, "")
    repl.leave()


def test_the_prompt_says_where_one_is(start: Start) -> None:
    repl = start()
    repl.enter("https://connect.penbox.io/v1/forms?completed=true")
    until(lambda: "forms>" in repl.screen.text)
    repl.leave()


def test_a_paste_may_be_large_and_hostile(start: Start) -> None:
    repl = start()
    pasted = f'title = "{"x" * 16_000}\x9b2J\x07\x1b]0;owned\x07"'
    repl.type(f"\x1b[200~{pasted}\x1b[201~", pasted)
    repl.type(ENTER)
    until(lambda: repl.session.query is not None)
    assert repl.session.query == pasted
    repl.enter("archived")
    assert not {"\x9b", "\x07", "\x1b]0"} & set(repl.screen.text)
    assert "\x1b]0;owned" not in repl.screen.text
    repl.leave()


# Completion


def test_offers_come_while_typing_and_tab_takes_one(start: Start) -> None:
    repl = start()
    repl.type("parent_st")
    assert repl.menu() == ["parent_status"]
    [offer] = repl.buffer.complete_state.completions if repl.buffer.complete_state else []
    assert offer.display_meta_text == "enum, stage of the process"
    repl.type(TAB, "parent_status ")
    repl.type("= ", "parent_status = ")
    assert set(repl.menu()) >= {"draft", "pending", "in_progress", "closed"}
    repl.type(CTRL_U, "")
    repl.type(".mode c", ".mode c")
    until(lambda: repl.buffer.complete_state is not None and len(repl.buffer.complete_state.completions) == 1)
    repl.type(TAB, ".mode curl")
    repl.type(ENTER)
    until(lambda: repl.session.mode == "curl")
    repl.leave()


def test_an_offer_inside_a_word_keeps_its_end(tmp_path: Path) -> None:
    with create_app_session(output=DummyOutput()):
        terminal = Terminal(open_session(), tmp_path / "history")
    completer = terminal.prompt.completer
    assert completer is not None
    event = CompleteEvent(completion_requested=True)
    offers = list(completer.get_completions(Document("own.email = x", 3), event))
    assert [(each.text, each.start_position) for each in offers] == [("owner", -3)]
    assert list(completer.get_completions(Document("parent_status = dr.closed", 18), event)) == []


# Keys in a menu


def test_a_lone_offer_is_taken_for_good_and_enter_runs(start: Start) -> None:
    repl = start()
    repl.type(".m")
    assert repl.menu() == [".mode"]
    repl.type(TAB, ".mode ")
    until(lambda: repl.menu() == ["json", "url", "curl", "python"])
    repl.type(TAB, ".mode json")  # a second Tab goes on, and does not take the first back
    repl.type(TAB, ".mode url")
    repl.type(ENTER)  # one of several was chosen: the menu closes
    until(lambda: repl.buffer.complete_state is None)
    assert repl.session.mode == "json"
    repl.type(ENTER)
    until(lambda: repl.session.mode == "url")
    repl.type(".mode pyt")
    until(lambda: repl.menu() == ["python"])
    repl.type(TAB, ".mode python")
    repl.type(TAB)
    repl.type(ENTER)
    until(lambda: repl.session.mode == "python")
    repl.leave()


def test_escape_closes_the_menu_and_takes_a_choice_back(start: Start) -> None:
    repl = start()
    repl.type("parent_status = ")
    repl.menu()
    repl.type(ESCAPE)
    until(lambda: repl.buffer.complete_state is None)
    assert repl.buffer.text == "parent_status = "
    repl.type(TAB)
    assert len(repl.menu()) > 1
    repl.type(TAB)
    until(lambda: repl.buffer.text != "parent_status = ")
    repl.type(ESCAPE, "parent_status = ")
    until(lambda: repl.buffer.complete_state is None)
    repl.type(CTRL_U, "")
    repl.leave()


def test_arrows_move_between_lines_while_an_unasked_menu_is_open(start: Start) -> None:
    repl = start()
    repl.type(f"archived{ALT_ENTER}and parent_status = d{ALT_ENTER}and wai", "archived\nand parent_status = d\nand wai")
    repl.menu()
    repl.type(UP)
    until(lambda: repl.buffer.document.cursor_position_row == 1)
    repl.type(f"{CTRL_E}ra")
    assert repl.menu() == ["draft"]
    repl.type(DOWN)
    until(lambda: repl.buffer.document.cursor_position_row == 2)
    assert repl.buffer.document.lines[2] == "and wai"
    repl.type(TAB)  # a menu that is asked for has the arrows
    repl.menu()
    assert repl.buffer.document.lines[2] == "and wai"
    repl.type(DOWN)
    until(lambda: repl.buffer.document.lines[2] != "and wai")
    repl.type(CTRL_C)
    until(lambda: repl.buffer.text == "" and repl.terminal.prompt.app.is_running)
    repl.leave()


# A paste of several lines


def test_lines_that_are_whole_run_one_after_another(start: Start) -> None:
    repl = start()
    pasted = "\r\n".join((".mode url", "parent_status = draft and -archived", "", ".endpoint forms", "completed", ""))
    repl.type(f"\x1b[200~{pasted}\x1b[201~")
    until(lambda: repl.session.query == "completed")
    assert "cases?parent_status=draft&archived=false" in repl.screen.text
    assert (repl.session.mode, repl.session.endpoint.name) == ("url", "forms")
    until(lambda: repl.buffer.text == "" and repl.terminal.prompt.app.is_running)
    repl.type(UP, "completed")
    repl.type(UP, ".endpoint forms")
    repl.type(CTRL_U, "")
    repl.leave()


@pytest.mark.parametrize(
    ("pasted", "count"),
    [
        (".mode url\narchived\n", 2),
        ("archived\n\nactive = 1", 2),
        ("statu = x\n.fix", 2),
        ("/cases?archived=true\n{}", 2),
        ("archived", 1),
        ("archived\nand status = a", 1),
        ("archived\norder by title", 1),
        ("archived\n  status = a", 1),
        ("parent_status in (\n  draft,\n  pending\n)", 1),
        ("parent_status in (draft,\npending)", 1),
        ('{"attributes": {\n"title": {"$eq": "x"}}}', 1),
        (".explain (archived\nor status = a)", 1),
        ("", 0),
    ],
)
def test_which_lines_are_whole(pasted: str, count: int) -> None:
    lines = keyboard.lines_of(open_session(), pasted)
    assert len(lines) == count
    assert count != 1 or lines == [pasted]


# Low terminals


@pytest.mark.parametrize("size", [(80, 8), (80, 5), (20, 6), (40, 2)])
def test_a_low_terminal_is_enough(start: Start, size: tuple[int, int]) -> None:
    repl = start(size=size)
    repl.type("parent_st")
    assert repl.menu() == ["parent_status"]
    repl.type(TAB, "parent_status ")
    repl.type("= draft")
    repl.type(ENTER)
    until(lambda: repl.session.query == "parent_status = draft")
    assert "too small" not in repl.screen.text
    repl.leave()


# What is seen while typing


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    with create_app_session(output=DummyOutput()):
        return Terminal(open_session(), tmp_path / "history")


def marked(terminal: Terminal, text: str) -> list[tuple[str, str]]:
    """The pieces of a line that have a style, the styles by their last words."""
    assert terminal.prompt.lexer is not None
    lines = terminal.prompt.lexer.lex_document(Document(text))
    found = [each for number in range(text.count("\n") + 1) for each in lines(number)]
    assert "".join(each[1] for each in found) == text.replace("\n", "")
    return [(each[0].replace("class:pql.", ""), each[1]) for each in found if each[0]]


def test_colours_are_those_of_the_tokens(terminal: Terminal) -> None:
    assert marked(terminal, "parent_status = draft\nand archived") == [
        ("field", "parent_status"), ("operator", "="), ("word", "draft"), ("keyword", "and"), ("field", "archived"),
    ]  # fmt: skip


def test_what_hides_is_drawn_as_in_messages(start: Start) -> None:
    repl = start()
    repl.type("title = a\u202eb\u200b👩\u200d👩\u200d👧é\u00ad.", "title = a\u202eb\u200b👩\u200d👩\u200d👧é\u00ad.")
    until(lambda: "\\u00ad" in repl.screen.text)
    assert "\u202e" not in repl.screen.text
    assert "\u200b" not in repl.screen.text
    assert all(stand_in in repl.screen.text for stand_in in ("\\u202e", "\\u200b"))
    repl.type(CTRL_U, "")
    repl.leave()


@pytest.mark.parametrize("text", ["a\u202eb\u2066", "\u200b", "plain", "👩\u200d👩 \u00ad", "\x1b\xa0\u3164\t", ""])
def test_a_place_is_found_where_it_is_drawn(terminal: Terminal, text: str) -> None:
    control = terminal.prompt.layout.current_control
    assert isinstance(control, BufferControl)
    given = TransformationInput(control, Document(text), 0, lambda place: place, [("", text)], 80, 1)
    made = Unseen().apply_transformation(given)
    drawn = "".join(each[1] for each in made.fragments)
    places = [made.source_to_display(place) for place in range(len(text) + 3)]
    assert places == sorted(set(places))
    assert places[len(text)] == len(drawn)
    assert [made.display_to_source(each) for each in places] == list(range(len(text) + 3))
    assert not {"\u202e", "\u2066", "\u200b", "\u00ad", "\u3164"} & set(drawn)


def test_what_is_wrong_is_underlined(terminal: Terminal) -> None:
    assert ("field wrong", "statu") in marked(terminal, "archived and statu = draft")
    assert ("field doubt", "a") not in marked(terminal, "status = draft")
    assert ("word doubt", "x") in marked(terminal, "owner.email = x")
    assert ("field wrong", "statu") in marked(terminal, ".explain statu = draft")
    assert marked(terminal, "status = a or reference = b")[0] == ("field", "status")  # several requests are no mistake
    assert marked(terminal, ".mode curl") == [("command", ".mode")]
    assert marked(terminal, "https://x.test/cases?a=b") == []
    assert marked(terminal, "") == []


def test_the_bottom_line_says_what_would_be_asked(start: Start) -> None:
    repl = start()
    until(lambda: "cases, target auto, requests as json" in repl.screen.text)
    repl.type("parent_status = draft and -archived", "parent_status = draft and -archived")
    assert repl.terminal.toolbar() == [("", "GET /cases?parent_status=draft&archived=false")]
    repl.type(f"{CTRL_U}statu = x", "statu = x")
    assert repl.terminal.toolbar() == [("class:pql.first-problem", "`cases` has no field `statu`")]
    repl.type(CTRL_U, "")
    repl.leave()


def test_a_preview_is_made_once_for_each_line(terminal: Terminal) -> None:
    assert terminal.preview("archived") is terminal.preview("archived")
    before = terminal.preview("archived")
    terminal.session = commands.run(terminal.session, ".endpoint forms").session
    assert terminal.preview("archived") != before


@pytest.mark.parametrize("text", ["", ".", ".explain ", " .mode  x", "{", "\n\n", "a\nb = \n", "\x00\x9b", "é😀 = 'x"])
def test_every_character_has_a_style(text: str) -> None:
    assert len(painted(open_session(), text)) == len(text)


def test_no_colour_where_none_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "")
    with create_app_session(output=DummyOutput()):
        assert Terminal(open_session(), tmp_path / "history").prompt.color_depth is ColorDepth.DEPTH_1_BIT
        monkeypatch.delenv("NO_COLOR")
        assert Terminal(open_session(), tmp_path / "history").prompt.color_depth is None


# History


def test_lines_are_remembered_and_suggested(start: Start, tmp_path: Path) -> None:
    repl = start()
    repl.enter("parent_status = draft")
    repl.enter("archived")
    repl.leave()
    again = start()
    again.type(UP, "archived")
    again.type(UP, "parent_status = draft")
    again.type(CTRL_U, "")
    again.type("parent_status =", "parent_status =")
    until(lambda: again.buffer.suggestion is not None and again.buffer.suggestion.text == " draft")
    again.type(RIGHT, "parent_status = draft")
    again.type(CTRL_U, "")
    again.leave()
    file = tmp_path / "state" / "history"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_history_that_cannot_be_kept_is_done_without(start: Start, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    repl = start(history=tmp_path / "file" / "history")
    repl.enter("parent_status = draft")
    repl.type(UP, "parent_status = draft")
    repl.type(CTRL_U, "")
    repl.leave()


def test_a_history_full_of_garbage_is_read(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "garbage"
    file.write_bytes(b"\0\xff\xfe+\n+good\n# x\n\n+two\n+lines\n++\n\r\n+\x1b[2J\xc3\n" + b"junk " * 1000)
    assert list(Remembered(file).load_history_strings()) == ["\x1b[2J�", "two\nlines\n+", "good"]
    repl = start(history=file)
    repl.type(UP, "\x1b[2J�")
    repl.type(UP, "two\nlines\n+")
    repl.type(CTRL_C)
    until(lambda: repl.buffer.text == "" and repl.terminal.prompt.app.is_running)
    assert "\x1b[2J" not in repl.screen.text
    repl.leave()


def test_only_the_end_of_a_long_history_is_read(tmp_path: Path) -> None:
    file = tmp_path / "long"
    remembered = Remembered(file)
    file.write_text(f"\n+{'x' * MOST_REMEMBERED}\n")
    remembered.store_string("several\nlines")
    remembered.store_string("last \ud800")
    assert list(remembered.load_history_strings())[:2] == ["last ?", "several\nlines"]
    assert Remembered(tmp_path / "none").known() is False
    assert remembered.known() is True


def test_where_the_history_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert state_file() == tmp_path / "state" / "pqlang" / "history"
    for unusable in ("", "relative/folder"):  # XDG: all paths must be absolute
        monkeypatch.setenv("XDG_STATE_HOME", unusable)
        assert state_file() == tmp_path / ".local" / "state" / "pqlang" / "history"


# The command


def test_without_the_extra_the_command_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setitem(sys.modules, "prompt_toolkit", None)
    monkeypatch.delitem(sys.modules, "pqlang.repl")
    assert cli.main(["repl"]) == 2
    assert "pip install 'pqlang[repl]'" in capsys.readouterr().err


# A real terminal

TMUX = shutil.which("tmux")
SCREENS = HERE / "repl" / "screens"
STEPS = (
    ("welcome", (), "cases>"),
    ("menu", ("parent_st",), "stage of the process"),
    ("taken", ("Tab", "= drft"), "has no value"),
    ("answered", ("Enter",), ".fix` applies"),
    ("fixed", (".fix", "Enter"), "GET "),
    ("several lines", ("parent_status in (draft,", "Enter", "pending)"), "requests"),
    ("curl", ("C-c", ".mode curl", "Enter", "-archived and parent_status = draft", "Enter"), "archived=false"),
)


@pytest.mark.skipif(TMUX is None, reason="tmux is not installed: apt-get install tmux")
def test_in_a_real_terminal_the_screen_is_as_it_was(tmp_path: Path, update_corpus: bool) -> None:
    server = [str(TMUX), "-S", str(tmp_path / "tmux"), "-f", "/dev/null"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("TMUX", "NO_COLOR"))}
    environment |= {"XDG_STATE_HOME": str(tmp_path / "state"), "LC_ALL": "C.UTF-8", "HOME": str(tmp_path)}

    def tmux(*words: str) -> str:
        done = subprocess.run([*server, *words], env=environment, capture_output=True, timeout=60, check=True)
        return done.stdout.decode()

    def screen() -> str:
        return "\n".join(line.rstrip() for line in tmux("capture-pane", "-p").rstrip("\n").split("\n")) + "\n"

    command = shlex.join([sys.executable, "-m", "pqlang", "repl", "cases"])
    tmux("new-session", "-d", "-x", "100", "-y", "32", f"cd {shlex.quote(str(HERE.parent))} && exec {command}")
    try:
        for name, keys, awaited in STEPS:
            for each in keys:
                tmux("send-keys", *(["-l", "--"] if " " in each or not each[0].isupper() else []), each)
                if each in ("Tab", "Enter", "C-c"):
                    settle(screen)
            until(lambda awaited=awaited: awaited in screen(), screen)
            shown, file = settle(screen), SCREENS / f"{name.replace(' ', '-')}.txt"
            if update_corpus:
                file.parent.mkdir(exist_ok=True)
                file.write_text(shown, "utf-8")
            assert shown == file.read_text("utf-8"), name
        tmux("send-keys", "C-d")
        until(lambda: subprocess.run([*server, "has-session"], capture_output=True).returncode, "the end")
    finally:
        subprocess.run([*server, "kill-server"], capture_output=True)


def settle(screen: Callable[[], str]) -> str:
    """The screen when nothing has changed on it for a moment."""
    before, same = screen(), 0
    while same < 4:
        time.sleep(0.1)
        after = screen()
        same = same + 1 if after == before else 0
        before = after
    return before
