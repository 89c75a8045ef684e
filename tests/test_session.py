"""Sessions: transcripts of `repl/*.txt`, what is said while a line is typed, and sessions that come from a pipe.

A file holds transcripts under `=== name`, each of a session of its own; `pytest --update-corpus` rewrites what they
print. The prompt of its first line says at which endpoint it starts.
"""

from __future__ import annotations

import http.server
import io
import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transcripts import PROMPT, drawn, replay

import pqlang
from pqlang import commands, keyboard, session
from pqlang.rendering import visible
from pqlang.script import run_script
from pqlang.session import Session, Style, Text, open_session

HERE = Path(__file__).parent
FILES = sorted((HERE / "repl").glob("*.txt"))


def transcripts(file: Path) -> Iterator[tuple[str, str]]:
    """The name and the text of each transcript of a file."""
    before, *parts = re.split(r"^=== (.*)\n", file.read_text("utf-8"), flags=re.MULTILINE)
    assert not before
    yield from zip(parts[::2], parts[1::2], strict=True)


def begun(text: str) -> Session:
    prompt = PROMPT.match(text)
    assert prompt
    return open_session(endpoint=prompt[1])


CASES = [pytest.param(file, name, id=f"{file.stem}: {name}") for file in FILES for name, _ in transcripts(file)]


@pytest.mark.parametrize(("file", "name"), CASES)
def test_transcript(file: Path, name: str, update_corpus: bool) -> None:
    found = dict(transcripts(file))
    text = found[name]
    _, now = replay(begun(text), text)
    if update_corpus:
        found[name] = now
        file.write_text("".join(f"=== {title}\n{each}" for title, each in found.items()), "utf-8")
    else:
        assert now == text


def test_every_command_is_in_a_transcript() -> None:
    typed = "\n".join(file.read_text("utf-8") for file in FILES)
    missing = [each.name for each in commands.COMMANDS if f"> {each.name}" not in typed]
    assert missing == [".save"]  # writes files: below


def lines_of(session_: Session, *lines: str) -> list[commands.Turn]:
    turns = []
    for line in lines:
        turns.append(commands.run(session_, line))
        session_ = turns[-1].session
    return turns


# What is printed


def test_a_session_is_not_changed_but_followed_by_another() -> None:
    before = open_session()
    after = commands.run(before, ".mode url").session
    assert (before.mode, after.mode) == ("json", "url")
    assert commands.run(before, "archived").session.query == "archived"
    assert before == open_session()


CONTROLS = "a\x1b[31m\x07\x9b2J\u202eb\u200b\x00\ud800\t\x7f\u2028c"


@pytest.mark.parametrize("mode", session.MODES)
@pytest.mark.parametrize(
    "line",
    ["{}", 'title = "{}"', ".mode {}", ".{}", ".explain title = '{}'", ".var {}", ".var x={}", ".fields {}", "$x={}"],
)
def test_nothing_that_steers_a_terminal_is_printed(mode: str, line: str) -> None:
    turns = lines_of(open_session(), f".mode {mode}", line.replace("{}", CONTROLS), ".fix", ".format", ".var")
    for turn in turns:
        for printed in drawn(turn.parts):
            assert visible(printed) == printed


@pytest.mark.parametrize("mode", session.MODES)
def test_what_is_to_be_copied_needs_no_cleaning(mode: str) -> None:
    bound = {"x": "a\x1b[31m\x9b\u202e\x7f\nz"}
    turn = lines_of(open_session(variables=bound), f".mode {mode}", "title = $x and title != b")[-1]
    assert not turn.wrong
    [shown] = [part.text for part in turn.parts if isinstance(part, Text) and part.style is Style.TEXT]
    assert all(visible(line) == line for line in shown.split("\n"))
    if mode == "json":
        body = json.loads(shown.rpartition("\nGET ")[0])
        assert body["attributes"]["title"] == {"$eq": bound["x"], "$ne": "b"}


def test_python_that_is_copied_makes_the_same_request(capsys: pytest.CaptureFixture[str]) -> None:
    query = 'onboarding "it\'s" and (created_at > now-7d) and reference in $ids and owner.email = $mail'
    bound = {"ids": ["a\x9b", 'b"', "c'"], "mail": "jo@acme.com", "unused": 1}
    here = open_session(variables=bound, now="2024-01-15T12:00:00Z", tz="Europe/Brussels", scope="active")
    for text in (query.replace("in $ids", "= b"), query):  # one request, then a plan
        shown = lines_of(here, ".mode python", text)[-1].parts
        urls = lines_of(here, ".mode url", text)[-1].parts
        code = next(part.text for part in shown if isinstance(part, Text) and part.style is Style.TEXT)
        exec(code, {})
        wanted = next(part.text for part in urls if isinstance(part, Text) and part.style is Style.TEXT)
        assert [line.split(" ")[0] for line in capsys.readouterr().out.splitlines()] == wanted.splitlines()


def test_python_reads_the_schema_from_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "shop.json"
    file.write_text(
        '{"api": {"base_url": "https://x.test"}, "endpoints": {"orders": {"fields": {"size": {"param": true}}}}}'
    )
    here = open_session(pqlang.load_schema(file), schema_file=str(file))
    shown = lines_of(here, ".mode python", "size = 1")[-1].parts[0]
    assert isinstance(shown, Text)
    exec(shown.text, {})
    assert capsys.readouterr().out == "https://x.test/orders?size=1\n"


class Recorder(http.server.BaseHTTPRequestHandler):
    """Notes what is asked for."""

    def do_GET(self) -> None:
        self.server.seen.append((self.path, self.headers["Authorization"]))  # type: ignore[attr-defined]
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed: apt-get install curl")
def test_the_command_that_is_copied_sends_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "pnbx_x y")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    server.seen = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        fields = {"title": {"sort": True}, "a.b": {"param": "a[b]"}, "n": {"param": {"many": True}}}
        api = {"base_url": f"http://127.0.0.1:{server.server_port}/v1", "token_variable": "SHOP_TOKEN"}
        relations = {"a": {}}
        schema = pqlang.load_schema(
            {"api": api, "endpoints": {"orders": {"path": "/o'r{1-2}", "fields": fields, "relations": relations}}}
        )
        bound = {"x": "it's $HOME `id` \x9b\n100% @file"}
        for query in ("a.b = $x", "title = $x and title != '@x' order by title desc", "n in (b, $x)"):
            turn = lines_of(open_session(schema, variables=bound), ".mode curl", query)[-1]
            shown = turn.parts[0]
            assert isinstance(shown, Text)
            subprocess.run(["sh", "-c", shown.text], check=True, capture_output=True, timeout=30)
            path, header = server.seen.pop()  # type: ignore[attr-defined]
            request = pqlang.compile(query, schema.endpoints[0], variables=bound)
            assert header == "Bearer pnbx_x y"
            sent, meant = urlsplit(path), urlsplit(request.url())
            assert (sent.path, parse_qsl(sent.query)) == (meant.path, parse_qsl(meant.query))
    finally:
        server.shutdown()
        server.server_close()


def test_a_schema_without_an_address_leaves_it_to_the_shell() -> None:
    schema = pqlang.load_schema({"endpoints": {"orders": {"fields": {"size": {"param": True}}}}})
    shown = lines_of(open_session(schema), ".mode curl", "size = 1")[-1].parts[0]
    assert shown == Text('curl -G "$BASE_URL"/orders \\\n  --data-urlencode size=1')


# Requests and names as people have them


@pytest.mark.parametrize(
    "query", ["parent_status = draft and -archived", "title = 'it\\'s $HOME' and status != \"a b\""]
)
def test_a_command_that_was_printed_is_read_back(query: str) -> None:
    printed = lines_of(open_session(), ".mode curl", query)[-1].parts[0]
    assert isinstance(printed, Text)
    back = commands.run(open_session(), printed.text)
    assert not back.wrong
    assert back.query is not None
    direct = commands.run(open_session(), query)
    assert back.data is not None
    assert direct.data is not None
    assert back.data()["url"] == direct.data()["url"]
    for cut in range(4, len(printed.text)):
        keyboard.preview(open_session(), printed.text[:cut])
        commands.run(open_session(), printed.text[:cut])
    first = printed.text.split("\n")[0]
    assert keyboard.unfinished(first)
    assert not keyboard.unfinished(printed.text)


@pytest.mark.parametrize(
    ("line", "query"),
    [
        ("curl 'https://connect.penbox.io/v1/forms?completed=false'", "archived = false and completed = false"),
        ("curl -s --url /cases?status=a --get", "archived = false and status = a"),
        ('curl -G "$BASE_URL"/cases -d status=a%20b', 'archived = false and status = "a b"'),
        ("?status=a", "archived = false and status = a"),
        ("?status=a&archived=true", "status = a and archived = true"),
        (".explain ?status=a", "archived = false and status = a"),
        (".explain https://connect.penbox.io/v1/forms?completed=false", "archived = false and completed = false"),
        ('.format {"attributes": {"status": {"$eq": "a"}}}', "status = a"),
    ],
)
def test_a_request_is_read_back(line: str, query: str) -> None:
    turn = commands.run(open_session(), line)
    assert not turn.wrong
    assert turn.session.query == query
    assert Text(query, Style.QUERY) in turn.parts
    if line.startswith(".explain"):
        assert any(isinstance(part, Text) and "1. GET" in part.text for part in turn.parts)
    if "forms" in line:
        assert turn.session.endpoint.name == "forms"


@pytest.mark.parametrize(
    "line",
    ["curl", "curl up", "curl -X POST https://x.test/cases", "curl https://x.test/cases -d a=b", "curl -G /cases -d @f",
     "curl -G /cases --data-urlencode a@file", "curl 'https://x.test", "curl /cases /forms"],
)  # fmt: skip
def test_other_commands_are_no_requests(line: str) -> None:
    assert not session.is_request(line, open_session().endpoint.api)


@pytest.mark.parametrize("name", ["owner.email", "owner[email]", "`owner`.`email`", "owner.`email`"])
def test_a_field_is_named_as_a_query_spells_it(name: str) -> None:
    for command in (".ops", ".fields"):
        named, plain = (commands.run(open_session(), f"{command} {each}") for each in (name, "owner.email"))
        assert not named.wrong
        assert named.parts == plain.parts


@pytest.mark.parametrize(
    ("line", "edit"),
    [
        (".endpoint FORMS", "forms"), (".endpoint case_t", "case_templates"), (".MDOE", ".mode"), (".mod", ".mode"),
        (".mode JSON", "json"), (".mode py", "python"), (".target PARAM", "params"), (".help EXP", "explain"),
    ],
)  # fmt: skip
def test_what_was_meant_is_offered(line: str, edit: str) -> None:
    turn = commands.run(open_session(), line)
    assert turn.wrong
    [(text, offered)] = turn.session.edits
    assert (text, offered.replacement) == (line, edit)
    assert not commands.run(turn.session, ".fix").wrong


def test_fix_says_whose_edits_are_gone() -> None:
    *_, fixed = lines_of(open_session(), "statu = x", ".mode url", ".fix")
    assert not fixed.wrong
    *_, refused = lines_of(open_session(), "statu = x", "archived", ".fix")
    [problem] = [part.diagnostic for part in refused.parts if not isinstance(part, Text)]
    assert problem.message == "no edit is offered for the last query"
    assert "`statu = x`" in problem.help
    assert refused.session.query == "archived"


def test_the_empty_query_has_a_command(tmp_path: Path) -> None:
    turn = commands.run(open_session(), ".all")
    assert turn.data is not None
    assert turn.data()["url"] == pqlang.compile("", "cases").url()
    assert lines_of(turn.session, ".explain", ".format", f".save {tmp_path / 'a'}")[0].wrong is False
    assert commands.run(turn.session, f".save {tmp_path / 'b'}").wrong is False
    assert (tmp_path / "b").read_text() == ".endpoint cases\n.all\n"
    assert commands.run(open_session(), ".all x").wrong
    assert piped(".all").stdout.endswith(f"GET {pqlang.compile('', 'cases').url()}\n")


@pytest.mark.parametrize(
    "query",
    [
        "a" * 20_000,
        "(" * 100 + "archived" + ")" * 100,
        f"status in ({', '.join(map(str, range(2_000)))})",
        f"status in ({', '.join(map(str, range(60)))})",
        "zzzz = 1",
        "{" + '"a":' * 20_000,
    ],
)
def test_no_help_tells_of_what_a_session_has_not(query: str) -> None:
    turn = commands.run(open_session(target="json"), query)
    assert turn.wrong
    for part in turn.parts:
        said = part.text if isinstance(part, Text) else part.diagnostic.help
        assert not re.search(r"limits\.|max_requests|`broaden`|pql schema", said)


def test_an_explanation_tells_of_no_keywords() -> None:
    several = commands.run(open_session(), ".explain status = draft or owner.email = ann@acme.com")
    [text] = [part.text for part in several.parts if isinstance(part, Text)]
    assert "2 requests" in text
    assert "disjoint=True" not in text
    assert "broaden" not in text


# .save


def test_what_is_saved_can_be_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    here = open_session(
        variables={"mail": "ann@acme.com\n"}, now="2024-01-15T12:00:00Z", target="json", tz="Asia/Tokyo"
    )
    typed = (
        "owner.email = $mail", "statu = draft", ".fix", ".mode url", ".var ids:=[1]", ".var -ids", ".target auto",
        "parent_status in (draft,\npending)", "created_at > now-7d", "/forms?completed=true", ".explain active",
        "active", ".now -", ".save ~/day.pql",
    )  # fmt: skip
    *turns, saved = lines_of(here, *typed)
    assert not saved.wrong
    lines = (tmp_path / "day.pql").read_text("utf-8").splitlines()
    assert "statu = draft" not in lines
    assert lines[:2] == [".endpoint cases", ".target json"]
    again = lines_of(open_session(endpoint="forms"), *lines)
    asked = [turn.data() for turn in turns if turn.data is not None]
    del asked[-2]  # of `.explain`, which asks for nothing
    assert [turn.data() for turn in again if turn.data is not None] == asked
    assert [turn for turn in again if turn.wrong] == []
    after = again[-1].session
    assert (after.endpoint.name, after.target, after.mode, after.now) == ("forms", "auto", "url", None)
    assert after.bound == (("mail", "ann@acme.com\n"),)


def test_no_file_is_overwritten_but_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("precious")
    here = open_session()
    refused = commands.run(here, f".save {file}")
    assert refused.wrong
    assert file.read_text() == "precious"
    turns = lines_of(here, f".save {tmp_path / 'a'}", "archived", f".save {tmp_path / 'a'}")
    assert [turn.wrong for turn in turns] == [False] * 3
    assert (tmp_path / "a").read_text() == ".endpoint cases\narchived\n"
    assert commands.run(here, f".save {tmp_path / 'no' / 'folder'}").wrong
    assert commands.run(here, ".save a\0b").wrong
    assert commands.run(here, ".save").wrong


# While a line is typed


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("", "cases, target auto, requests as json"),
        ("parent_status = draft and -archived", "GET /cases?parent_status=draft&archived=false"),
        ("status = draft", 'GET /cases?filter={"attributes":{"status":{"$eq":"draft"}}}'),
        ("status = ", "a value is missing after `=`"),
        ("statu = draft", "`cases` has no field `statu`"),
        ("status = a or reference = b", "`plan` answers it with 2 requests"),
        ("https://x.test/cases?status=a", "a request: Enter reads it as a query"),
        ("owner.email = $mail", "`$mail` has no value"),
        (".mo", ".mode"),
        (".f", ".fields .format .fix"),
        (".mode c", ".mode [json|url|curl|python]: say how a request is shown"),
        (".nothing", "there is no command '.nothing'"),
        (".explain status = x", 'GET /cases?filter={"attributes":{"status":{"$eq":"x"}}}'),
        ("title = x" * 1_000, "9,000 characters: Enter reads them"),
    ],
)
def test_preview(line: str, shown: str) -> None:
    assert keyboard.preview(open_session(), line).text == shown


@pytest.mark.parametrize(
    ("line", "open"),
    [
        ("status in (a,", True),
        ("status in (a)", False),
        ("status in (a))", False),
        ("title = ')' and (a", True),
        ('title = "(', True),
        ('title = "(\n', False),  # an empty line ends it all the same
        ("title = it's", False),
        ("(status = 'it", True),
        ('{"attributes": {', True),
        ('{"a": "}"', True),
        ('{"a": "}"}', False),
        ('{"a": "', True),
        (".explain (a", True),
        (".mode (", False),
        ("", False),
    ],
)
def test_a_line_goes_on_while_something_is_open(line: str, open: bool) -> None:
    assert keyboard.unfinished(line) is open


@pytest.mark.parametrize(
    ("line", "labels"),
    [
        ("parent_st|", ["parent_status"]),
        ("parent_status = d|", ["draft"]),
        (".mo|", [".mode"]),
        ("|.mode curl", [each.name for each in commands.COMMANDS]),
        (".mode |", ["json", "url", "curl", "python"]),
        (".mode c|", ["curl"]),
        (".endpoint fo|", ["forms"]),
        (".fields owner.ema|", ["owner.email"]),
        (".ops waiting|", ["waiting_for"]),
        (".target j|", ["json"]),
        (".tz Europe/Bruss|", ["Europe/Brussels"]),
        (".now |", ["-"]),
        (".help sav|", ["save"]),
        (".explain parent_status = d|", ["draft"]),
        (".format parent_st|", ["parent_status"]),
        (".quit |", []),
        (".var ma|", ["mail="]),
        (".var -|", ["-mail"]),
        ("owner.email = $|", ["$mail"]),
        ('{"attributes|', []),
    ],
)
def test_offers(line: str, labels: list[str]) -> None:
    cursor = line.index("|")
    text = line[:cursor] + line[cursor + 1 :]
    found = keyboard.offers(open_session(variables={"mail": "x"}), text, cursor)
    assert [each.label for each in found] == labels
    for each in found:
        assert each.apply(text)[0].startswith(line[0] if line[0] != "|" else ".")


def test_an_offer_within_a_command_is_put_where_it_belongs() -> None:
    line = ".explain parent_st and archived"
    [offer] = keyboard.offers(open_session(), line, 18)
    assert offer.apply(line)[0].startswith(".explain parent_status")


def test_edits_and_files_are_offered(tmp_path: Path) -> None:
    (tmp_path / "queries.pql").touch()
    (tmp_path / "folder").mkdir()
    here = commands.run(open_session(), "statu = draft").session
    assert [(each.label, each.detail) for each in keyboard.offers(here, ".fix ", 5)] == [("1", "use `status`")]
    line = f".save {tmp_path}/"
    assert [each.label.rpartition("/")[2] for each in keyboard.offers(here, f"{line}q", len(line) + 1)] == [
        "queries.pql"
    ]
    assert [each.insert[-7:] for each in keyboard.offers(here, f"{line}f", len(line) + 1)] == ["folder/"]
    assert keyboard.offers(here, ".save /nowhere/at/all/", 22) == []


LINES = st.one_of(
    st.text(max_size=60),
    st.builds(
        lambda name, rest: f"{name} {rest}",
        st.sampled_from([each.name for each in commands.COMMANDS if each.name != ".save"]),
        st.text(max_size=40),
    ),
    st.lists(
        st.sampled_from(
            [
                "status",
                "=",
                "draft",
                "and",
                "or",
                "(",
                ")",
                '"',
                "owner.email",
                "$x",
                "now-7d",
                ".fix",
                "{",
                "}",
                "&",
                "\n",
            ]
        ),
        max_size=12,
    ).map(" ".join),
)


@given(st.lists(LINES, max_size=4), st.data())
def test_any_line_is_answered(lines: list[str], data: st.DataObject) -> None:
    here = open_session(variables={"x": "y"})
    for line in lines:
        keyboard.preview(here, line)
        keyboard.unfinished(line)
        cursor = data.draw(st.integers(0, len(line)))
        for offer in keyboard.offers(here, line, cursor):
            assert 0 <= offer.span.start <= cursor <= offer.span.end <= len(line)
        turn = commands.run(here, line)
        for printed in drawn(turn.parts):
            assert visible(printed) == printed
        here = turn.session


def test_nothing_is_offered_before_a_command() -> None:
    assert keyboard.offers(open_session(), "  .he", 1) == []
    assert [offer.label for offer in keyboard.offers(open_session(), "  .he", 5)] == [".help"]


@pytest.mark.parametrize(
    "text", ["x" * 16_000, "(" * 16_000, '"' * 16_000, "a = b or " * 1_800, "{" * 16_000, "." * 16_000]
)
def test_a_huge_paste_is_answered(text: str) -> None:
    keyboard.preview(open_session(), text)
    keyboard.unfinished(text)
    assert commands.run(open_session(), text).parts
    assert commands.run(open_session(), text * 2).wrong or text[0] in "x"


# From a pipe


def piped(*lines: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pqlang", "repl", *options],
        input="".join(f"{line}\n" for line in lines), capture_output=True, text=True, timeout=60, encoding="utf-8",
    )  # fmt: skip


def test_a_pipe_gets_answers_alone() -> None:
    done = piped(".mode url", "parent_status = draft and -archived", "", ".endpoint forms", "completed and -archived")
    assert done.stdout.splitlines() == [
        "https://connect.penbox.io/v1/cases?parent_status=draft&archived=false",
        "https://connect.penbox.io/v1/forms?completed=true&archived=false",
    ]
    assert (done.stderr, done.returncode) == ("", 0)


def test_what_is_wrong_in_a_pipe_is_on_stderr_with_its_line() -> None:
    done = piped("archived", "statu = x", ".mdoe", ".quit", "never read")
    assert done.stdout.startswith("archived=true\nGET ")
    assert re.findall(r"^(line \d+:|error\[[a-z-]+\])", done.stderr, re.MULTILINE) == [
        "line 2:", "error[unknown-field]", "line 3:", "error[unknown-command]",
    ]  # fmt: skip
    assert done.returncode == 1


def test_a_pipe_gets_json() -> None:
    lines = (
        "parent_status = draft and -archived",
        ".endpoint forms",
        "statu = x",
        "active or status = draft",
        ".ops id",
    )
    done = piped(*lines, "/cases?status=a", options=("--json",))
    assert (done.stderr, done.returncode) == ("", 1)
    first, wrong, several, ops, back = map(json.loads, done.stdout.splitlines())
    request = pqlang.compile("parent_status = draft and archived = false", "cases")
    assert first == {
        "ok": True, "endpoint": "cases", "target": "params", "filter": None, "params": request.params,
        "query_string": request.query_string, "url": request.url(), "diagnostics": [],
    }  # fmt: skip
    assert (wrong["ok"], wrong["diagnostics"][0]["code"], len(wrong)) == (False, "unknown-field", 2)
    plan = pqlang.plan("active or status = draft", "forms")
    assert several == {"ok": True, **plan.to_json(), "diagnostics": []}
    assert ops["text"].startswith("=")
    assert (back["query"], back["url"][-17:]) == ("archived = false and status = a", "archived=false&status=a"[-17:])


def test_the_options_of_other_commands_hold() -> None:
    options = ("forms", "--var", "s=draft", "--scope", "active", "--target", "json", "--now", "2024-01-15T12:00:00Z")
    done = piped(".mode url", "status = $s and created_at > now-1d", options=options)
    made = pqlang.compile(
        "status = $s and created_at > now-1d", "forms", target="json", variables={"s": "draft"}, scope="active",
        now="2024-01-15T12:00:00Z",
    )  # fmt: skip
    assert done.stdout == f"{made.url()}\n"
    assert piped(options=("nowhere",)).returncode == 2
    assert piped(options=("--tz", "Mars")).returncode == 2


def test_a_pipe_needs_no_extra_and_starts_nothing_else() -> None:
    code = "import sys; from pqlang.cli import main; main(['repl']); print([m for m in sys.modules if 'prompt' in m])"
    done = subprocess.run([sys.executable, "-c", code], input="archived\n", capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("options", ["", "--json"])
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_outputs_that_were_closed(options: str, closed: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m pqlang repl {options} {closed}"],
        input="statu = x\narchived\n", capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert ("cases?archived=true" in done.stdout) is (closed == "2>&-")
    assert "unknown-field" not in done.stdout or options  # what is said on stderr never goes to stdout


def test_lines_that_are_no_text_are_answered_too() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pqlang", "repl"],
        input=b"\xef\xbb\xbfarchived\r\n\xff\xfe = \x1b[31m\n\0\n",
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stdout.startswith(b"archived=true\n")
    assert b"\x1b" not in done.stdout + done.stderr
    assert b"Traceback" not in done.stderr


def test_a_script_goes_on_after_a_mistake_and_stops_at_quit(capsys: pytest.CaptureFixture[str]) -> None:
    lines = iter(["statu = x", "archived", ".quit", "never"])
    assert run_script(open_session(), lines) == 1
    assert next(lines) == "never"
    assert capsys.readouterr().out.startswith("archived=true\n")
    assert run_script(open_session(), io.StringIO("archived\n.quit\n")) == 0
