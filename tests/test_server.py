"""`pql serve` over real HTTP, and the service inside a Django project as the documentation has it."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serving import ask, serving
from starlette.testclient import TestClient

import pqlang
from pqlang import PENBOX
from pqlang.sandbox.records import UNTIL, generate, respond
from pqlang.searchbox import create_app
from pqlang.searchbox.beside import Sandbox

ROOT = Path(__file__).parent.parent
QUERY = json.dumps({"query": "status = draft", "endpoint": "forms"}).encode()


def test_serve_answers_over_http_and_stops_when_interrupted() -> None:
    with serving() as (process, port):
        status, headers, body = ask(port, "POST", "/compile", QUERY)
        assert (status, json.loads(body)["filter"]) == (200, {"attributes": {"status": {"$eq": "draft"}}})
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Server"] is None
        status, _, body = ask(port, "POST", "/compile", b" " * 1_000_000)
        assert (status, json.loads(body)["error"]["code"]) == (413, "too-large")
        status, _, body = ask(port, "HEAD", "/schema/forms")
        assert (status, body) == (200, b"")
        status, headers, body = ask(port, "GET", "/static/tables.json", **{"Accept-Encoding": "gzip"})
        assert (status, headers["Content-Encoding"], body[:2]) == (200, "gzip", b"\x1f\x8b")
        with socket.create_connection(("127.0.0.1", port), 30) as raw:  # half a request, and gone
            raw.sendall(
                b"POST /check HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
            )
        assert ask(port, "POST", "/check", QUERY)[0] == 200
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (130, "")


def test_serve_takes_a_schema(tmp_path: Path) -> None:
    (tmp_path / "shop.json").write_text('{"api": {"name": "shop"}, "endpoints": {"orders": {"fields": {"total": {}}}}}')
    with serving("--schema", str(tmp_path / "shop.json")) as (_, port):
        assert [each["name"] for each in json.loads(ask(port, "GET", "/schema")[2])] == ["orders"]


def pql(*words: str, program: str = "import sys; from pqlang.cli import main; sys.exit(main())") -> Any:
    return subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, cwd=ROOT, timeout=60)


def test_serve_says_why_it_cannot_listen() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = pql("serve", "--port", str(port))
        assert (done.returncode, done.stdout) == (2, "")
        assert f"nothing can listen on port {port}: " in done.stderr
        assert "Traceback" not in done.stderr
    assert (
        "error[bad-port]: nothing can listen on port 65536: ports go from 0 to 65535"
        in pql("serve", "--port", "65536").stderr
    )
    nowhere = pql("serve", "--port", "0", "--host", "no such host")
    assert (nowhere.returncode, "of `no such host`" in nowhere.stderr) == (2, True)


def test_serve_says_which_extra_is_missing() -> None:
    program = """
import sys
for name in ("starlette", "uvicorn"):
    sys.modules[name] = None
from pqlang.cli import main
sys.exit(main())
"""
    done = pql("serve", program=program)
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'pqlang[server]'" in done.stderr
    assert "Traceback" not in done.stderr
    beside = pql("serve", "--sandbox", program=program)
    assert (beside.returncode, "pip install 'pqlang[server,sandbox,client]'" in beside.stderr) == (2, True)


# With a sandbox beside it

TOKEN = {"Authorization": "Bearer pnbx_test"}


def question(port: int, path: str, query: str, endpoint: str) -> dict[str, Any]:
    status, _, body = ask(port, "POST", path, json.dumps({"query": query, "endpoint": endpoint}).encode())
    answer: dict[str, Any] = json.loads(body)
    assert (status, answer["ok"]) == (200, True), answer
    return answer


def every_record(port: int, url: str) -> list[dict[str, Any]]:
    """All that a request of the API's selects, page by page, from a sandbox at that port."""
    path = "/v1" + url.removeprefix("https://connect.penbox.io/v1")
    found: list[dict[str, Any]] = []
    for number in range(1, 100):
        more = f"page[size]=100&page[number]={number}"
        status, _, body = ask(port, "GET", f"{path}{'&' if '?' in path else '?'}{more}", **TOKEN)
        assert status == 200, body
        page = json.loads(body)
        found += page["data"]
        if number >= page["meta"]["total_pages"]:
            break
    assert len(found) == page["meta"]["total_count"]
    return found


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[int, int]]:
    """The ports of `pql serve --sandbox` and of `pql sandbox`, with the same records."""
    until = ("--until", "2024-11-22T12:00:00Z")
    with serving("--sandbox", *until) as (_, port), serving(*until, command="sandbox") as (_, direct):
        yield port, direct


@pytest.mark.parametrize(
    ("query", "endpoint", "requests", "exact"),
    [
        ("", "cases", 1, True),
        ("parent_status = draft", "cases", 1, True),
        ("owner.email ~ '%a%' and created_at > 2023-01-01", "cases", 1, True),
        ("parent_status = draft or title ~* '%a%'", "cases", 2, True),
        ("status = draft or user.email contains ann or not archived", "forms", 1, False),
        ("not archived and title not contains e", "cases", 1, False),
        ("title not contains e and (parent_status = draft or owner.email is null)", "cases", 2, False),
        ("not contact.email contains a", "cases", 1, False),
        ("status in (draft, pending, declined) and not archived", "forms", 3, True),
        ("parent_status = draft and parent_status = closed", "cases", 0, True),
    ],
)
def test_rows_are_what_the_sandbox_says_itself(
    both: tuple[int, int], query: str, endpoint: str, requests: int, exact: bool
) -> None:
    port, direct = both
    plan = question(port, "/plan", query, endpoint)
    assert (len(plan["requests"]), plan["exact"]) == (requests, exact)
    wanted = pqlang.predicate(query, endpoint, mode="search")
    union = {
        record["id"]: record
        for request in plan["requests"]
        for record in every_record(direct, request["url"])
        if request["exact"] or wanted.matches(record)
    }
    youngest = sorted(union.values(), key=lambda each: (each["created_at"], each["id"]), reverse=True)
    answer = question(port, "/rows", query, endpoint)
    assert answer["rows"] == youngest[:50]
    assert answer["total"] == len(union)
    assert requests == 0 or answer["rows"]


def test_the_page_and_its_wrong_queries_beside_a_sandbox(both: tuple[int, int]) -> None:
    port, _ = both
    assert all(each["rows"] for each in json.loads(ask(port, "GET", "/schema")[2]))
    status, headers, page = ask(port, "GET", "/")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    for source in re.findall(rb'(?:src|href)="([^"]+)"', page):
        assert ask(port, "GET", f"/{source.decode()}")[0] == 200
    status, _, body = ask(port, "POST", "/rows", b'{"query": "stats = x", "endpoint": "cases"}')
    answer = json.loads(body)
    assert (status, answer["ok"]) == (200, False)
    assert [each["code"] for each in answer["diagnostics"]] == ["unknown-field"]


@pytest.mark.parametrize(("stop", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
@pytest.mark.parametrize("words", [(), ("--sandbox",)])
def test_serve_ends_cleanly(stop: signal.Signals, status: int, words: tuple[str, ...]) -> None:
    with serving(*words) as (process, port):
        assert ask(port, "POST", "/check", QUERY)[0] == 200
        if words:
            assert question(port, "/rows", "not archived", "cases")["total"] > 50
        with socket.create_connection(("127.0.0.1", port), 30):  # somebody who says nothing keeps nobody waiting
            assert ask(port, "POST", "/check", QUERY)[0] == 200  # by now both are known of
            process.send_signal(stop)
            _, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (status, "")


def test_serve_wants_a_time_that_records_can_have() -> None:
    done = pql("serve", "--sandbox", "--port", "0", "--until", "soon")
    assert (done.returncode, done.stdout, "`--until` must be `now` or a time" in done.stderr) == (2, "", True)


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    return Sandbox(PENBOX, UNTIL, 300)


@pytest.mark.parametrize(
    ("query", "endpoint"),
    [
        ("", "cases"),
        ("archived_at is not null order by created_at", "cases"),
        ("parent_status = draft or title ~* '%a%'", "cases"),  # two requests
        ("not archived and title not contains e", "cases"),  # a test on the records
        ("-archived contact.email ~ '%@acme%'", "cases"),
        ("parent_status = draft and parent_status = closed", "cases"),  # no request
        ("status in (draft, pending) and created_at > 2024-06-01", "forms"),
    ],
)
def test_rows_are_those_that_the_query_means(sandbox: Sandbox, query: str, endpoint: str) -> None:
    at = PENBOX.endpoint(endpoint)
    assert at is not None
    wanted = pqlang.predicate(query, at, mode="search")
    matching = [each for each in (respond(made, at) for made in generate(at, 300, 0, UNTIL)) if wanted.matches(each)]
    found = asyncio.run(sandbox.rows(query, at, limit=50, mode="search", scope=None))
    assert found.total == len(matching)
    assert len(found.records) == min(50, len(matching))
    assert all(wanted.matches(each) for each in found.records)
    active = asyncio.run(sandbox.rows(query, at, limit=50, mode="search", scope="active"))
    assert active.total is not None
    assert active.total <= len(matching)


def test_a_query_that_is_wrong_finds_no_rows(sandbox: Sandbox) -> None:
    answer = TestClient(create_app(rows=sandbox.rows)).post("/rows", json={"query": "stats = x", "endpoint": "cases"})
    assert (answer.status_code, answer.json()["ok"]) == (200, False)
    assert [each["code"] for each in answer.json()["diagnostics"]] == ["unknown-field"]


def test_the_core_does_without_the_server() -> None:
    program = "import sys, pqlang; pqlang.compile('status = draft', 'forms'); import pqlang.cli; print([n for n in "
    program += "('starlette', 'uvicorn', 'pydantic', 'pqlang.searchbox') if n in sys.modules])"
    assert pql(program=program).stdout == "[]\n"


def test_mounted_in_django_as_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "how-to" / "mount-the-service.md").read_text("utf-8")
    [block] = [each for each in re.findall(r"^```py\n(.*?)^```", page, re.M | re.S) if "django" in each]
    site = tmp_path / "mysite"
    site.mkdir()
    (site / "settings.py").write_text("SECRET_KEY = 'x'\nROOT_URLCONF = 'mysite.urls'\nALLOWED_HOSTS = ['*']\n")
    (site / "urls.py").write_text(
        "from django.http import HttpResponse\nfrom django.urls import path\n"
        "urlpatterns = [path('hello', lambda request: HttpResponse('from Django'))]\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "mysite.settings")
    names: dict[str, Any] = {}
    exec(compile(block, "asgi.py", "exec"), names)
    client = TestClient(names["application"])
    assert client.get("/hello").text == "from Django"
    assert client.post("/pql/check", content=QUERY, headers={"Content-Type": "application/json"}).json()["ok"]
    assert client.get("/pql/schema/cases").json()["name"] == "cases"
    assert client.get("/pql/nothing").json()["error"]["code"] == "not-found"
    assert client.get("/nothing").status_code == 404
