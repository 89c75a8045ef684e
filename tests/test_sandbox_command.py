"""The command `pql sandbox` as a person runs it."""

from __future__ import annotations

import io
import json
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from servers import ask

from pqlang.sandbox.command import _progress

ROOT = Path(__file__).parent.parent
SHOP = ROOT / "tests" / "corpus" / "shop.toml"


@contextmanager
def running(*words: str) -> Iterator[tuple[list[str], int, subprocess.Popen[str]]]:
    """The command, as soon as it has said where it is; its lines and its port."""
    command = [sys.executable, "-m", "pqlang", "sandbox", "--port", "0", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline().rstrip("\n") for _ in range(4)]
        port = int(re.search(r":(\d+)", lines[0])[1])  # type: ignore[index]
        yield lines, port, process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=30)


def test_it_says_how_to_ask_and_answers_until_it_is_stopped() -> None:
    with running("--records", "30") as (lines, port, process):
        assert lines == [
            f"http://127.0.0.1:{port}/v1",
            "token: pnbx_sandbox",
            f"curl -g 'http://127.0.0.1:{port}/v1/cases?page[size]=2' -H 'Authorization: Bearer pnbx_sandbox'",
            "Ctrl-C stops it",
        ]
        words = shlex.split(lines[2])
        assert words[:2] == ["curl", "-g"]
        header = words[4].partition(": ")[2]
        assert len(ask(port, words[2].partition(str(port))[2], token=header).json["data"]) == 2
        assert ask(port, "/v1/forms/count?filter={}").json == {"count": 30}
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out, err) == (130, "", "")


def test_the_records_are_those_of_the_seed() -> None:
    def first(*words: str) -> str:
        with running("--records", "5", *words) as (_, port, _process):
            return json.dumps(ask(port, "/v1/cases?filter={}").json)

    assert first() == first("--seed", "0")
    assert first() != first("--seed", "1")
    assert '"created_at": "2019-12-' in first("--until", "2020-01-01", "--records", "500")


def test_an_api_of_ones_own_has_a_sandbox() -> None:
    with running("--schema", str(SHOP), "--records", "40", "--rate", "1") as (lines, port, _):
        assert lines[0] == f"http://127.0.0.1:{port}/api"
        answer = ask(port, '/api/orders?filter={"attributes":{"quantity":{"$ge":0}},"relationships":{"a-b":{}}}')
        assert answer.status == 200
        assert {"größe", "unit price", "a-b", "line", "null", "NOT", "and"} <= answer.json["data"][0].keys()
        assert ask(port, "/api/orders").status == 429


def told(*words: str) -> subprocess.CompletedProcess[str]:
    """What the command says when it does not get to run."""
    command = [sys.executable, "-m", "pqlang", "sandbox", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


def test_a_port_that_is_taken_is_said_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = told("--port", str(taken.getsockname()[1]), "--records", "100000000")
    assert done.returncode == 2
    assert "error[bad-port]: nothing can listen on port" in done.stderr


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--records", "-1"], "is no whole number"),
        (["--rate", "0"], "is no positive number"),
        (["--until", "soon"], "`--until` must be `now` or a time in ISO 8601"),
        (["--until", "0001-01-02"], "from 1970 on"),
        (["--db", "mysql://x"], "error[bad-database]"),
        (["--db", "/etc/passwd"], "error[bad-database]"),
        (["--schema", "/no/such.toml"], "no/such.toml"),
    ],
)
def test_what_is_wrong_with_the_call_is_said(words: list[str], part: str) -> None:
    done = told("--port", "0", *words)
    assert done.returncode == 2
    assert part in done.stderr


def test_a_missing_extra_says_how_to_get_it(tmp_path: Path) -> None:
    """Python as it is without the extra: nothing from outside the standard library but pqlang."""
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); from pqlang.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(ROOT), "sandbox"], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 2
    assert "help: pip install 'pqlang[sandbox]'" in done.stderr


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_alone() -> None:
    shown = Terminal()
    with _progress("cases", 1_000_000, shown) as progress:
        assert progress is not None
        progress(250_000)
    assert "cases            [#######......................." in shown.getvalue()
    assert "   250,000  " in shown.getvalue()
    assert shown.getvalue().endswith("\r\x1b[K")
    with _progress("cases", 1_000_000, io.StringIO()) as progress:
        assert progress is None
