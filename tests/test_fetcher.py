"""`pql fetch` and `pql count`: what is printed where, on a terminal and in a pipe, and how they end."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from list_api import ListApi
from test_client import TOKEN, row
from wire import Answering, answer

import pqlang
from pqlang import cli
from pqlang.printer import Column, Csv, JsonLines, Table, cell_text, columns_of, json_line

ROOT = Path(__file__).parent.parent
PQL = [sys.executable, "-m", "pqlang"]
CASES, _, FORMS = pqlang.PENBOX.endpoints
ODD = '=1+1\x1b[31m\u202e日本語\n, "x"'


def case(number: int, **fields: Any) -> dict[str, Any]:
    known: dict[str, Any] = {"description": None, "parent_status": "draft", "waiting_for": "none", "locale": None}
    known["contacts"] = [{"email": f"c{number}@acme.com"}, {"email": None}]
    known["owner"] = {"email": "jo@acme.com"} if number % 2 else None
    known["template"] = f"T{number}"
    return row(number, **known) | fields


ROWS = [case(number) for number in range(250)]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    monkeypatch.setenv("PENBOX_TOKEN", TOKEN)
    monkeypatch.delenv("COLUMNS", raising=False)
    with Answering(ListApi(CASES, ROWS)) as served:
        yield served


Pql = Callable[..., tuple[int, str, str]]


@pytest.fixture
def pql(api: Answering, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Pql:
    """Run the command in this process against the served rows; status, stdout, stderr."""

    def run(command: str, *words: str, stdin: str = "") -> tuple[int, str, str]:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
            status = cli.main([command, *words, "--base-url", api.url])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        assert TOKEN not in out + err
        return status, out, err

    return run


def answer_with(api: Answering, given: bytes) -> None:
    api._before = lambda path, number: given


# Records


def test_in_a_pipe_records_are_json_lines_as_they_came(pql: Pql) -> None:
    status, out, err = pql("fetch", "cases", "status = new and created_at < 2024-01-03 order by created_at")
    records = [json.loads(line) for line in out.splitlines()]
    assert (status, err) == (0, "")
    assert [each["id"] for each in records] == [
        each["id"] for each in sorted(ROWS, key=lambda r: (r["created_at"], r["id"]))
        if each["status"] == "new" and each["created_at"].day < 3
    ]  # fmt: skip
    assert records[0]["contacts"][0]["email"].startswith("c")


def test_fields_are_chosen_by_name(pql: Pql) -> None:
    _, out, err = pql(
        "fetch", "cases", "status = new", "--limit", "1", "--fields", "title, owner.email,contact.email,template"
    )
    assert [*json.loads(out)] == ["title", "owner.email", "contact.email", "template"]
    assert isinstance(json.loads(out)["contact.email"], list)
    assert err == ""


def test_a_field_that_no_record_has_is_said(pql: Pql) -> None:
    status, out, err = pql("fetch", "cases", "status = new", "--limit", "2", "--fields", "id,titel")
    assert status == 0
    assert all(json.loads(line)["titel"] is None for line in out.splitlines())
    assert err == "pql: no record has `titel`; the closest field is `title`\n"


def test_csv_holds_what_the_api_said(pql: Pql, api: Answering) -> None:
    api.api.rows = [case(1, title=ODD), case(2, title="+32 2", owner={"email": "a"})]
    status, out, _ = pql(
        "fetch",
        "cases",
        "order by created_at",
        "--format",
        "csv",
        "--fields",
        "title,owner.email,contact.email,archived_at",
    )
    rows = list(csv.reader(io.StringIO(out, newline="")))
    assert status == 0
    assert rows == [
        ["title", "owner.email", "contact.email", "archived_at"],
        [ODD, "jo@acme.com", '["c1@acme.com", null]', ""],
        ["+32 2", "a", '["c2@acme.com", null]', ""],
    ]
    assert "\r" not in out
    _, out, _ = pql("fetch", "cases", "order by created_at", "--format", "csv", "--fields", "title", "--guard")
    assert [each[0] for each in csv.reader(io.StringIO(out, newline=""))] == ["title", f"'{ODD}", "'+32 2"]


@pytest.mark.parametrize(("format", "shown"), [("csv", "id,title\n"), ("table", "id  title\n"), ("jsonl", "")])
def test_no_record_is_a_header_alone(pql: Pql, format: str, shown: str) -> None:
    assert pql("fetch", "cases", "status = nothing", "--format", format, "--fields", "id,title") == (0, shown, "")


def test_a_table_is_aligned_and_cut(pql: Pql, api: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (case(1, title="日本語" * 9), case(2, title="a\tb\x1b[0m"), case(3, title="e\u0301" * 40))
    api.api.rows = [each | {"status": "new", "reference": f"R{at}"} for at, each in enumerate(rows, 1)]
    monkeypatch.setenv("COLUMNS", "30")
    _, out, _ = pql("fetch", "cases", "order by created_at", "--format", "table", "--fields", "title,reference,status")
    assert out.splitlines() == [
        "title        reference  status",
        "日本語日本…  R1         new",  # eleven columns of characters that take two
        "a    b␛[0m   R2         new",
        "e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301…  R3         new",
    ]
    assert "\x1b" not in out


def test_limit_stops_the_reading(pql: Pql, api: Answering) -> None:
    assert len(pql("fetch", "cases", "status = new", "--limit", "3")[1].splitlines()) == 3
    assert len(api.requests) == 1
    assert "page%5Bsize%5D=3" in api.requests[0]


def test_several_queries_come_one_after_the_other(pql: Pql) -> None:
    status, out, err = pql(
        "fetch", "cases", "-", "--format", "csv", "--fields", "reference", stdin="reference = R1\nreference = R2\n"
    )
    assert (status, err) == (0, "")
    assert out == "reference\n" + "R1\n" * 50 + "R2\n" * 50


def test_a_dry_run_explains_and_sends_nothing(pql: Pql, api: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PENBOX_TOKEN")
    status, out, _ = pql("fetch", "cases", "status = new or reference = R1", "--dry-run")
    assert status == 0
    assert out.startswith("status = new or reference = R1\n2 requests, exact")
    assert f"1. GET {api.url}/cases?" in out
    assert "3 requests, exact, disjoint" in pql("count", "cases", "status = new or reference = R1", "--dry-run")[1]
    assert api.requests == []


def test_warnings_go_to_stderr(pql: Pql) -> None:
    status, out, err = pql("fetch", "cases", "status != old or reference = R1 order by title", "--limit", "1")
    assert status == 0
    assert len(out.splitlines()) == 1
    assert "hint[nulls-left-out]" in err
    assert "warning[sorted-here]" in err


# Counts


def test_counts(pql: Pql) -> None:
    assert pql("count", "cases", "reference = R1") == (0, "50\n", "")
    assert (
        pql("count", "cases", "reference = R1 and title not contains 1")[1]
        == f"{sum('1' not in r['title'] for r in ROWS[1::5])}\n"
    )
    assert pql("count", "cases", "-", stdin="reference = R1\nreference = R9\n") == (0, "50\n0\n", "")
    assert json.loads(pql("count", "cases", "reference = R1", "--json")[1]) == {
        "ok": True,
        "count": 50,
        "diagnostics": [],
    }


def test_counts_of_each_value(pql: Pql) -> None:
    status, out, _ = pql("count", "cases", "reference in (R1, R2) and title contains 1", "--group-by", "owner.email")
    assert status == 0
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["value", "count"]
    assert {line[0] for line in lines[1:]} == {"jo@acme.com", "(null)"}
    body = json.loads(pql("count", "cases", "reference = R1", "--group-by", "owner.email", "--json")[1])
    assert body["count"] == 50
    assert body["by"] == [{"value": None, "count": 25}, {"value": "jo@acme.com", "count": 25}]


# What goes wrong


@pytest.mark.parametrize("command", ["fetch", "count"])
@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["cases", "stats = new"], 1, "error[unknown-field]"),
        (["cases", "status = a or title = b", "--max-requests", "1"], 1, "error[too-many-requests]"),
        (["case", "status = new"], 2, "error[unknown-endpoint]"),
        (["cases", "status = new", "--tz", "Mars"], 2, "error[bad-zone]"),
        (["cases", "status = $x", "--var", "x"], 2, "error[usage]"),
        (["cases", "status = new", "--concurrency", "0"], 2, "is no positive number"),
    ],
)
def test_what_is_wrong_with_the_call_or_the_query(
    pql: Pql, api: Answering, command: str, words: list[str], status: int, said: str
) -> None:
    ended, out, err = pql(command, *words)
    assert (ended, out) == (status, "")
    assert said in err
    assert api.requests == []


@pytest.mark.parametrize("command", ["fetch", "count"])
def test_what_the_remote_side_does_wrong(pql: Pql, api: Answering, command: str) -> None:
    answer_with(api, answer(403, b'{"errors": [{"title": "Forbidden", "detail": "not yours"}]}'))
    status, out, err = pql(command, "cases", "status = new")
    assert (status, out) == (3, "")
    assert "error[remote-refused]: the API refused the request with status 403: Forbidden: not yours" in err
    answer_with(api, answer(200, b"<html>", "text/html"))
    assert pql(command, "cases", "status = new")[0] == 3
    status, out, _ = pql("count", "cases", "status = new", "--json")
    assert status == 3
    assert json.loads(out)["diagnostics"][0]["code"] == "remote-answer"


def test_nobody_listens(pql: Pql, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pqlang.transport.FIRST_WAIT", 0.001)
    status = cli.main(["fetch", "cases", "status = new", "--base-url", "http://127.0.0.1:9"])
    out, err = capsys.readouterr()
    assert (status, out) == (3, "")
    assert "error[remote-failed]: the API did not answer" in err
    assert "stamina" not in err  # its log is for programs


def test_the_token_is_no_option_and_comes_from_the_environment(
    pql: Pql, api: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    pql("count", "cases", "status = new")
    assert api.heads[0]["authorization"] == f"Bearer {TOKEN}"
    monkeypatch.delenv("PENBOX_TOKEN")
    status, _, err = pql("count", "cases", "status = new")
    assert (status, "`PENBOX_TOKEN`" in err) == (2, True)
    assert pql("fetch", "cases", "status = new", "--token", "x")[0] == 2


@pytest.mark.parametrize("command", ["fetch", "count"])
def test_the_clear_is_no_way_for_a_token(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PENBOX_TOKEN", TOKEN)
    assert cli.main([command, "cases", "status = new", "--base-url", "http://api.test"]) == 2
    assert "error[bad-address]" in capsys.readouterr().err


def test_what_moves_is_warned_of_and_strict_fails(pql: Pql, api: Answering) -> None:
    def grow(path: str, number: int) -> None:
        if number % 3 == 0:
            api.api.rows = [*api.api.rows, case(1000 + number)]

    api._before = grow
    status, _, err = pql("fetch", "cases", "status = new or status = old", "--concurrency", "1")
    assert (status, "warning[moved-records]" in err) == (0, True)
    status, _, err = pql("count", "cases", "title not contains zzz", "--concurrency", "1")
    assert (status, "warning: the records changed while they were read" in err) == (0, True)
    status, _, err = pql("fetch", "cases", "status = new or status = old", "--concurrency", "1", "--strict")
    assert (status, "error[moved-records]" in err) == (3, True)


def test_without_the_extra_the_line_that_installs_it_is_said() -> None:
    code = "import sys; sys.modules['httpx2'] = None; from pqlang.cli import main; sys.exit(main(sys.argv[1:]))"
    words = [sys.executable, "-c", code, "fetch", "cases", "status = new"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        "pql: httpx2 is missing: pip install 'pqlang[client]'\n",
    )
    done = subprocess.run([*words, "--dry-run"], capture_output=True, text=True, check=False)
    assert done.returncode == 0


# Endings


def environment(**other: str) -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "COLUMNS"} | {"PENBOX_TOKEN": TOKEN} | other


def test_a_reader_that_goes_ends_it_quietly(api: Answering) -> None:
    with subprocess.Popen(
        [*PQL, "fetch", "cases", "status = new or status = old", "--base-url", api.url],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, env=environment(),
    ) as running:  # fmt: skip
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        assert (running.wait(30), running.stderr.read()) == (0, b"")


def test_ctrl_c_ends_it_quietly(api: Answering) -> None:
    def slow(path: str, number: int) -> None:
        if number > 1:
            time.sleep(0.2)

    api._before = slow
    api.api.rows = [case(number) for number in range(5000)]
    with subprocess.Popen(
        [*PQL, "fetch", "cases", "archived = false", "--base-url", api.url],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, env=environment(),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # whoever runs the tests may ignore it
    ) as running:  # fmt: skip
        assert running.stdout is not None
        assert running.stderr is not None
        assert json.loads(running.stdout.readline())
        running.send_signal(signal.SIGINT)
        rest = running.stdout.read()
        assert (running.wait(30), running.stderr.read()) == (130, b"")
        assert all(json.loads(line) for line in rest.splitlines())  # no half record


def test_records_come_before_the_last_page_does(api: Answering) -> None:
    def stop(path: str, number: int) -> None:
        if "page%5Bnumber%5D=3" in path:
            time.sleep(1.5)

    api._before = stop
    with subprocess.Popen(
        [*PQL, "fetch", "cases", "archived = false", "--base-url", api.url],
        stdout=subprocess.PIPE, cwd=ROOT, env=environment(),
    ) as running:  # fmt: skip
        assert running.stdout is not None
        for _ in range(100):
            assert running.stdout.readline()
        assert len(api.api.asked) <= 2
        running.stdout.read()
        assert running.wait(30) == 0


def on_terminal(*words: str, columns: int = 60, stdout: int | None = None, **other: str) -> str:
    """What a terminal of so many columns is sent; stdout may go elsewhere."""
    pty, termios, fcntl = (pytest.importorskip(name) for name in ("pty", "termios", "fcntl"))
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, (24).to_bytes(2, "little") + columns.to_bytes(2, "little") + bytes(4))
    out = follower if stdout is None else stdout
    with subprocess.Popen(
        [*PQL, *words], stdin=follower, stdout=out, stderr=follower, cwd=ROOT, env=environment(**other)
    ) as running:
        os.close(follower)
        shown = b""
        while select.select([leader], [], [], 30)[0]:
            try:
                chunk = os.read(leader, 4096)
            except OSError:
                break
            if not chunk:
                break
            shown += chunk
        assert running.wait(30) == 0
    os.close(leader)
    return shown.decode().replace("\r\n", "\n")


def test_on_a_terminal_it_is_a_table_of_its_width(api: Answering) -> None:
    shown = re.sub("\r[^\n\r]*\r?\x1b\\[K", "", on_terminal("fetch", "cases", "reference = R1", "--base-url", api.url))
    lines = shown.splitlines()
    assert lines[0].startswith("id ")
    assert len(lines) == 51
    assert all(len(line) <= 60 for line in lines)


def test_progress_is_drawn_on_a_terminal_alone_and_taken_away(api: Answering, tmp_path: Path) -> None:
    with (tmp_path / "records").open("wb") as file:
        words = ("fetch", "cases", "archived = false", "--base-url", api.url)
        shown = on_terminal(*words, stdout=file.fileno())
    assert "3 pages, 250 of 250 records fetched, 250 kept, " in shown
    assert shown.endswith("\r\x1b[K")
    assert len((tmp_path / "records").read_text().splitlines()) == 250


def test_csv_on_a_terminal_cannot_steer_it(api: Answering) -> None:
    api.api.rows = [case(1, title="a\x1b[2Jb")]
    shown = on_terminal("fetch", "cases", "", "--format", "csv", "--fields", "title", "--base-url", api.url)
    assert "a␛[2Jb" in shown
    assert "\x1b[2J" not in shown


# Parts


def printed(printer: Any, out: io.StringIO, *blocks: list[dict[str, Any]]) -> list[str]:
    for block in blocks:
        printer.write(block)
    return out.getvalue().splitlines()


A, B = Column("a", ("a",)), Column("b", ("b",))


def test_a_table_keeps_its_columns_from_block_to_block() -> None:
    out = io.StringIO()
    shown = printed(
        Table(out, (A, B), 80, all_columns=True),
        out,
        [{"a": "12345678", "b": 1}],
        [{"a": "1", "b": True}, {"a": "123456789", "b": None}],
    )
    assert shown == ["a         b", "12345678  1", "1         …", "1234567…"]


def test_columns_give_way_and_fall_away() -> None:
    many = tuple(Column(f"column{at}", (str(at),)) for at in range(9))
    record = {str(at): "x" * 30 for at in range(9)}
    for width in (10, 40, 79):
        out = io.StringIO()
        assert max(map(len, printed(Table(out, many, width, all_columns=False), out, [record]))) <= width
        kept = io.StringIO()
        printer = Table(kept, many, width, all_columns=True)
        assert printed(printer, kept, [record])[0].count("c") == 9
    out = io.StringIO()
    assert "x" * 30 in printed(Table(out, many, None, all_columns=False), out, [record])[1]


def test_values_in_cells() -> None:
    values: list[Any] = [None, "", "a", True, 1.5, 12345678901234567890, ["a", None, 1], [], {"b": 1}, [{"c": 2}]]
    assert [cell_text(each, ", ".join) for each in values] == [
        "", "", "a", "true", "1.5", "12345678901234567890", "a, , 1", "", '{"b": 1}', '[{"c": 2}]',
    ]  # fmt: skip
    assert [cell_text(each, json_line) for each in values[-4:]] == ['["a", null, 1]', "[]", '{"b": 1}', '[{"c": 2}]']


@pytest.mark.parametrize("text", ["\x9b31m", "\u202eevil", "\ud800", "\x7f", "\u2028", "\ufeff"])
def test_json_lines_show_what_cannot_be_seen(text: str) -> None:
    out = io.StringIO()
    [line] = printed(JsonLines(out, None), out, [{"é日": text}])
    assert json.loads(line) == {"é日": text}
    assert line.isprintable()
    assert "é日" in line


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx"])
def test_formulas_are_guarded_against_where_that_is_wished(text: str) -> None:
    for guard in (True, False):
        out = io.StringIO(newline="")
        Csv(out, (A, B), guard=guard, show=False).write([{"a": text, "b": -5}])
        assert list(csv.reader(io.StringIO(out.getvalue(), newline="")))[1] == [f"'{text}" if guard else text, "-5"]


def test_columns_of_what_is_deep_missing_or_many() -> None:
    record = {"owner": None, "contacts": [{"email": "a"}, {}], "data": {"x": {"y": 1}}, "flow": 5}
    names = "owner.email,contact.email,contact.phone,data.x.y,data.z,flow.slug,nothing"
    assert [each.of(record) for each in columns_of(names, CASES)] == [
        None,
        ["a", None],
        [None, None],
        1,
        None,
        None,
        None,
    ]
    assert [each.name for each in columns_of(None, FORMS)][:3] == ["id", "status", "created_at"]


def test_a_dry_run_points_into_the_query_as_it_was_typed(pql: Pql) -> None:
    for command in ("fetch", "count"):
        said = pql(command, "cases", 'reference not contains "1"', "--dry-run")[2]
        assert '-> (reference not contains "1" or reference is null)\n' in said


def test_a_dry_run_of_a_count_says_how_it_is_counted(pql: Pql) -> None:
    assert "the numbers are added" in pql("count", "cases", "status = new or reference = R1", "--dry-run")[1]
    assert "counted here" in pql("count", "cases", "title not contains a", "--dry-run")[1]


def test_outputs_that_were_closed(api: Answering) -> None:
    words = ["fetch", "cases", "status = new", "--limit", "1", "--base-url", api.url]
    code = "import sys; from pqlang.cli import main; sys.exit(main(sys.argv[1:]))"
    line = shlex.join([sys.executable, "-c", code, *words])
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        done = subprocess.run(["sh", "-c", f"{line} {closed}"], capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr
        assert done.returncode == 0
