"""The search box's service: what it answers, what it refuses, and what stands in its headers."""

from __future__ import annotations

import ast
import asyncio
import contextvars
import gzip
import inspect
import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Mount
from starlette.testclient import TestClient

import pqlang
from pqlang import PENBOX, Endpoint, presenter
from pqlang.hostvalues import AT_ONCE
from pqlang.presenter import request_json
from pqlang.schema_json import endpoint_json
from pqlang.searchbox import create_app
from pqlang.searchbox.answers import Found
from pqlang.searchbox.app import HEADERS, PAGE_POLICY
from pqlang.searchbox.files import FOLDER, read_files

PENBOX_APP = create_app()


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(PENBOX_APP) as client:
        yield client


def post(client: TestClient, path: str, **body: Any) -> dict[str, Any]:
    response = client.post(path, json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


# Questions


def test_compile_answers_with_the_request(client: TestClient) -> None:
    answer = post(client, "/compile", query="parent_status = draft order by title", endpoint="cases")
    request = pqlang.compile("parent_status = draft order by title", "cases")
    assert answer == {"ok": True, **request_json(request), "diagnostics": []}
    assert list(answer) == ["ok", "endpoint", "target", "filter", "params", "query_string", "url", "diagnostics"]


def test_a_query_is_read_as_a_search_box_reads_it(client: TestClient) -> None:
    assert post(client, "/compile", query="-archived budget", endpoint="cases")["ok"]
    strict = post(client, "/compile", query="-archived budget", endpoint="cases", mode="strict")
    assert not strict["ok"]


def test_an_invalid_query_is_an_answer(client: TestClient) -> None:
    answer = post(client, "/compile", query="'😀' and stats = draft", endpoint="cases")
    assert list(answer) == ["ok", "diagnostics"]
    assert not answer["ok"]
    [problem] = [each for each in answer["diagnostics"] if each["severity"] == "error"]
    assert (problem["code"], problem["span"], problem["utf16"]) == (
        "unknown-field",
        {"start": 8, "end": 13},
        {"start": 9, "end": 14},
    )
    assert problem["suggestions"][0]["replacement"] == "status"


def shown(plan: pqlang.Plan) -> list[dict[str, Any]]:
    """The requests of a plan, each with the command that sends it."""
    asked = zip(plan.to_json()["requests"], plan.requests, strict=True)
    return [{**each, "curl": presenter.curl(request)} for each, request in asked]


def test_what_one_request_cannot_say_is_an_answer_too(client: TestClient) -> None:
    ask = {"query": "parent_status = draft or title ~ 'a%'", "endpoint": "cases"}
    assert not post(client, "/compile", **ask)["ok"]
    assert post(client, "/check", **ask) == {"ok": True, "diagnostics": []}
    assert not post(client, "/check", **ask, target="auto")["ok"]
    plan = pqlang.plan(ask["query"], "cases", mode="search")
    answer = post(client, "/plan", **ask)
    assert answer == {
        "ok": True,
        **plan.to_json(),
        "requests": shown(plan),
        "explain": plan.explain(),
        "diagnostics": [],
    }
    assert len(answer["requests"]) == 2


def test_every_way_to_read_a_query_is_passed_on(client: TestClient) -> None:
    how: dict[str, Any] = {
        "query": "created_at > today and title = $t and status in $s",
        "endpoint": "cases",
        "variables": {"t": "a", "s": ["x", "y"]},
        "now": "2024-01-15T23:30:00Z",
        "tz": "Europe/Brussels",
        "scope": "active",
    }
    answer = post(client, "/plan", **how, disjoint=True, broaden=True, max_requests=2)
    wanted = pqlang.plan(mode="search", disjoint=True, broaden=True, max_requests=2, **how)
    assert answer["requests"] == shown(wanted)
    assert '"$gt":"2024-01-15T23:00:00Z"' in answer["requests"][0]["params"]["filter"]
    assert answer["disjoint"] is True
    how["query"] = "created_at > today and title = $t"
    assert post(client, "/compile", **how, target="json")["filter"]["attributes"] == {
        "created_at": {"$gt": "2024-01-15T23:00:00Z"},
        "title": {"$eq": "a"},
        "archived_at": {"$eq": None},
    }


def test_format_and_decompile(client: TestClient) -> None:
    assert post(client, "/format", query="a==1 AND b=2", mode="strict")["query"] == "a = 1 and b = 2"
    long = " and ".join(f"field{at} = value" for at in range(9))
    assert "\n" in post(client, "/format", query=long, width=40)["query"]
    assert not post(client, "/format", query="a = = 1")["ok"]
    url = "https://connect.penbox.io/v1/cases?status=pending&page[number]=2"
    answer = post(client, "/decompile", target=url)
    assert (answer["endpoint"], answer["query"]) == ("cases", "archived = false and status = pending")
    assert [each["code"] for each in answer["diagnostics"]] == ["dropped-part"]
    as_object = post(client, "/decompile", target={"attributes": {"title": {"$eq": "a"}}}, endpoint="forms")
    assert not as_object["ok"]
    assert post(client, "/decompile", target='{"attributes":{"title":{"$eq":"a"}}}', endpoint="cases")["query"]
    assert [each["code"] for each in post(client, "/decompile", target="a=b")["diagnostics"]] == ["no-endpoint"]


@pytest.mark.parametrize(
    ("cursor", "offset"),
    [
        ({"cursor": 6}, 6),
        ({"utf16_cursor": 7}, 6),
        ({}, 6),
        ({"cursor": None, "utf16_cursor": 7}, 6),
        ({"cursor": 99}, 6),
        ({"utf16_cursor": 10**30}, 6),
        ({"utf16_cursor": 2}, 1),  # half of the emoji is before it
        ({"cursor": 0}, 0),
        ({"cursor": 2.0}, 2),
    ],
)
def test_complete_counts_as_it_is_asked(client: TestClient, cursor: dict[str, int], offset: int) -> None:
    query = "'😀' st"
    answer = post(client, "/complete", query=query, endpoint="forms", **cursor)
    assert answer["completions"] == [each.to_json(query) for each in pqlang.complete(query, offset, "forms")]


def test_complete_offers_bound_variables(client: TestClient) -> None:
    answer = post(client, "/complete", query="title = $", endpoint="cases", variables=["mine"])
    assert "$mine" in [each["label"] for each in answer["completions"]]


def test_describe_says_what_stands_at_a_place(client: TestClient) -> None:
    query = "title = '😀' and parent_status = drft"
    answer = post(client, "/describe", query=query, endpoint="cases", utf16_cursor=20)
    found = pqlang.describe(query, 19, "cases")
    assert found is not None
    assert answer["ok"]
    described = answer["description"]
    assert (described["title"], described["kind"], described["text"]) == (found.title, found.kind, found.text)
    assert [tuple(each.values()) for each in described["facts"]] == list(found.facts)
    assert (described["span"], described["utf16"]) == ({"start": 16, "end": 29}, {"start": 17, "end": 30})
    wrong = post(client, "/describe", query=query, endpoint="cases")
    assert [each["code"] for each in wrong["description"]["problems"]] == ["unknown-value"]
    assert wrong["ok"]
    assert post(client, "/describe", query="a  ", endpoint="cases") == {
        "ok": True,
        "description": None,
        "diagnostics": [],
    }


# Facts


def test_the_schema(client: TestClient) -> None:
    listed = client.get("/schema").json()
    assert [each["name"] for each in listed] == ["cases", "case_templates", "forms"]
    assert {each["rows"] for each in listed} == {False}
    for endpoint in PENBOX.endpoints:
        assert client.get(f"/schema/{endpoint.name}").json() == {**endpoint_json(endpoint), "rows": False}


def test_facts_are_kept_while_they_are_so(client: TestClient) -> None:
    first = client.get("/schema/cases")
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "no-cache"
    for asked in (tag, f'"x", W/{tag}', "*"):
        again = client.get("/schema/cases", headers={"If-None-Match": asked})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get("/schema/cases", headers={"If-None-Match": '"x"'}).status_code == 200
    assert client.get("/schema/forms").headers["etag"] != tag


def test_the_document_describes_every_path(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    posted = {"/check", "/compile", "/complete", "/decompile", "/describe", "/format", "/plan"}
    assert set(document["paths"]) == posted | {"/schema", "/schema/{endpoint}"}
    assert document["components"]["schemas"]["EndpointName"]["enum"] == ["cases", "case_templates", "forms"]
    assert "x-component" not in json.dumps(document)


described = schemathesis.openapi.from_asgi("/openapi.json", PENBOX_APP)


@described.parametrize()
def test_what_the_document_allows_is_answered_as_it_says(case: schemathesis.Case) -> None:
    case.call_and_validate()


# What is refused

QUERY = {"query": "title = a", "endpoint": "cases"}


def test_a_body_has_to_be_declared_as_json(client: TestClient) -> None:
    body = json.dumps(QUERY)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "json"):
        response = client.post("/compile", content=body, headers={"Content-Type": kind})
        assert (response.status_code, response.json()["error"]["code"]) == (415, "not-json")
    for kind in ("application/json; charset=utf-8", "Application/JSON", "application/vnd.pql+json"):
        assert client.post("/compile", content=body, headers={"Content-Type": kind}).status_code == 200


def test_a_body_has_a_limit() -> None:
    client = TestClient(create_app(body_limit=100))
    headers = {"Content-Type": "application/json"}
    body = json.dumps(QUERY).ljust(100)
    assert client.post("/compile", content=body, headers=headers).status_code == 200
    told = client.post("/compile", content=body + " ", headers=headers)
    untold = client.post("/compile", content=iter([b" " * 60] * 3), headers=headers)
    for response in (told, untold):
        assert (response.status_code, response.json()["error"]["code"]) == (413, "too-large")
        assert "100 bytes" in response.json()["error"]["message"]


def test_the_default_limit_is_64_kilobytes(client: TestClient) -> None:
    headers = {"Content-Type": "application/json"}
    assert client.post("/compile", content=json.dumps(QUERY).ljust(65_536), headers=headers).status_code == 200
    assert client.post("/compile", content=json.dumps(QUERY).ljust(65_537), headers=headers).status_code == 413


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/compile", 405, "wrong-method"),
        ("POST", "/schema", 405, "wrong-method"),
        ("GET", "/schema/case", 404, "not-found"),
        ("GET", "/nothing", 404, "not-found"),
        ("POST", "/rows", 404, "not-found"),
        ("GET", "/static/engine.py", 404, "not-found"),
        ("GET", "/static/../app.py", 404, "not-found"),
        ("GET", "/static/..%2f__init__.py", 404, "not-found"),
        ("GET", "/static-0123/tables.json", 404, "not-found"),
        ("PUT", "/check", 405, "wrong-method"),
    ],
)
def test_what_is_not_there(client: TestClient, method: str, path: str, status: int, code: str) -> None:
    response = client.request(method, path)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert status != 405 or response.headers["allow"]


def test_a_slow_request_is_given_up() -> None:
    def slow(typed: str) -> list[str]:
        time.sleep(1)
        return []

    client = TestClient(create_app(values={"title": slow}, values_timeout=30, time_limit=0.05))
    response = client.post("/complete", json={"query": "title = a", "endpoint": "cases"})
    assert (response.status_code, response.json()["error"]["code"]) == (503, "too-slow")
    assert response.headers["retry-after"] == "1"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_a_body_that_never_ends_is_given_up() -> None:
    async def ask() -> list[Any]:
        sent = []

        async def receive() -> dict[str, Any]:
            await asyncio.sleep(3600)
            return {}

        async def send(message: Any) -> None:
            sent.append(message)

        await create_app(time_limit=0.05)(http("POST", "/compile"), receive, send)
        return sent

    start, _ = asyncio.run(ask())
    assert start["status"] == 503


def http(method: str, path: str, headers: list[tuple[bytes, bytes]] | None = None) -> dict[str, Any]:
    """A scope as a server makes it."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")] if headers is None else headers,
        "server": ("testserver", 80),
        "client": ("testclient", 1),
    }


def test_too_many_requests_at_once_are_told_to_come_again() -> None:
    async def fields(request: Request, endpoint: Endpoint) -> None:
        await gate.wait()

    async def run() -> list[int]:
        async def one() -> int:
            sent: list[Any] = []

            async def receive() -> dict[str, Any]:
                return {"type": "http.request", "body": b""}

            async def send(message: Any) -> None:
                sent.append(message)

            await app(http("GET", "/schema"), receive, send)
            status: int = sent[0]["status"]
            if status == 503:
                assert (b"retry-after", b"1") in sent[0]["headers"]
                assert json.loads(sent[1]["body"])["error"]["code"] == "busy"
            return status

        tasks = [asyncio.create_task(one()) for _ in range(5)]
        await asyncio.sleep(0)
        refused = [await each for each in asyncio.as_completed(tasks[3:])]
        gate.set()
        return [*await asyncio.gather(*tasks[:3]), *refused, await one()]

    gate = asyncio.Event()
    app = create_app(fields=fields, concurrency=3)
    assert asyncio.run(run()) == [200, 200, 200, 503, 503, 200]


def test_a_mistake_inside_says_nothing_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def fields(request: Request, endpoint: Endpoint) -> None:
        raise ValueError("password1")

    client = TestClient(create_app(fields=fields))
    with caplog.at_level(logging.ERROR, "pqlang"):
        response = client.get("/schema")
    assert (response.status_code, response.json()["error"]["code"]) == (500, "failed")
    assert "password1" not in response.text
    assert "ValueError: password1" in caplog.text


# Headers


def test_every_answer_has_the_headers_of_a_careful_server(client: TestClient) -> None:
    answers = [
        client.post("/check", json=QUERY),
        client.post("/check", content=b"{"),
        client.get("/schema"),
        client.get("/static/tables.json"),
        client.get("/nothing"),
        client.put("/check"),
    ]
    for response in answers:
        for name, value in HEADERS[:3]:
            assert response.headers[name] == value
        assert response.headers["cross-origin-resource-policy"] == "same-origin"
        assert response.headers["cache-control"]
        assert "access-control-allow-origin" not in response.headers
        assert "server" not in response.headers
    assert answers[0].headers["cache-control"] == "no-store"


def test_pages_elsewhere_may_ask_where_they_are_named() -> None:
    client = TestClient(create_app(cors=["https://app.example"]))
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    allowed = client.options("/check", headers={**asked, "Access-Control-Request-Headers": "content-type"})
    assert allowed.headers["access-control-allow-origin"] == "https://app.example"
    refused = client.options("/check", headers={**asked, "Origin": "https://evil.example"})
    assert (refused.status_code, "access-control-allow-origin" in refused.headers) == (400, False)
    response = client.post("/check", json=QUERY, headers={"Origin": "https://app.example"})
    assert response.headers["access-control-allow-origin"] == "https://app.example"
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "access-control-allow-credentials" not in response.headers
    failed = client.post("/check", content=b"{", headers={"Origin": "https://app.example"})
    assert failed.headers["access-control-allow-origin"] == "https://app.example"


# Files


def test_a_file_is_named_by_the_content_of_all(client: TestClient, tmp_path: Any) -> None:
    folder = read_files().folder
    for path in sorted(FOLDER.iterdir()):
        if path.suffix == ".html":
            continue
        kept = client.get(f"/{folder}/{path.name}")
        assert kept.content == path.read_bytes()
        assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
        asked = client.get(f"/static/{path.name}")
        assert asked.headers["cache-control"] == "no-cache"
        again = client.get(f"/static/{path.name}", headers={"If-None-Match": asked.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    (tmp_path / "a.js").write_text("1")
    (tmp_path / "b.css").write_text("2")
    (tmp_path / "demo.html").write_text('<script src="static/a.js"></script><link href="static/b.css">')
    (tmp_path / "notes.txt").write_text("not served")
    one = read_files(tmp_path)
    assert set(one.by_name) == {"a.js", "b.css"}
    assert one.page == f'<script src="{one.folder}/a.js"></script><link href="{one.folder}/b.css">'.encode()
    (tmp_path / "a.js").write_text("3")
    assert read_files(tmp_path).folder != one.folder


def test_a_file_is_compressed_for_who_takes_it(client: TestClient) -> None:
    plain = client.get("/static/tables.json", headers={"Accept-Encoding": "identity"})
    packed = client.get("/static/tables.json", headers={"Accept-Encoding": "br, gzip"})
    refused = client.get("/static/tables.json", headers={"Accept-Encoding": "gzip;q=0, br"})
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in refused.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
    assert packed.headers["etag"] != plain.headers["etag"]
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    files = read_files().by_name
    assert all(gzip.decompress(each.compressed) == each.content for each in files.values())


# The host's part


def test_values_of_the_host() -> None:
    def mails(typed: str) -> list[tuple[str, str]]:
        return [(f"{typed}@acme.com", "an owner")]

    async def titles(typed: str) -> list[str]:
        assert asyncio.get_running_loop() is loops[-1]
        return ["Budget"]

    loops: list[asyncio.AbstractEventLoop] = []

    async def for_caller(request: Request, endpoint: Endpoint) -> dict[str, Any] | None:
        loops.append(asyncio.get_running_loop())
        if request.headers.get("x-user") != "ann" or endpoint.name != "cases":
            return None
        return {"owner.email": mails, "title": titles}

    def labels(app: Any, query: str, endpoint: str = "cases", user: str = "ann") -> list[str]:
        ask = {"query": query, "endpoint": endpoint}
        answer = TestClient(app).post("/complete", json=ask, headers={"X-User": user})
        return [each["label"] for each in answer.json()["completions"]]

    for app in (
        create_app(values={"owner.email": mails}, values_timeout=10),
        create_app(values={"cases": {"owner.email": mails}}, values_timeout=10),
        create_app(values=for_caller, values_timeout=10),
    ):
        assert "jo@acme.com" in labels(app, "owner.email = jo")
    assert "jo@acme.com" not in labels(create_app(values={"forms": {"owner.email": mails}}), "owner.email = jo")
    assert "jo@acme.com" not in labels(create_app(values=for_caller), "owner.email = jo", user="eve")
    assert "Budget" in labels(create_app(values=for_caller, values_timeout=10), "title = B")


def test_a_host_that_fails_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def mails(typed: str) -> list[str]:
        raise RuntimeError("password1")

    async def never(typed: str) -> list[str]:
        await asyncio.sleep(3600)
        return []

    client = TestClient(create_app(values={"owner.email": mails, "title": never}, values_timeout=0.05))
    for query in ("owner.email = j", "title = j"):
        answer = client.post("/complete", json={"query": query, "endpoint": "cases"})
        assert (answer.status_code, "password1" in answer.text) == (200, False)


def test_sources_that_never_answer_stop_no_others() -> None:
    async def never(typed: str) -> list[str]:
        try:
            await asyncio.sleep(3600)
        finally:
            cancelled.append(typed)
        return []

    async def titles(typed: str) -> list[str]:
        return ["Budget"]

    cancelled: list[str] = []
    with TestClient(create_app(values={"owner.email": never}, values_timeout=0.01)) as client:
        for _ in range(AT_ONCE + 4):  # more than are asked at once
            assert post(client, "/complete", query="owner.email = j", endpoint="cases")["ok"]
    assert len(cancelled) > AT_ONCE
    client = TestClient(create_app(values={"title": titles}, values_timeout=10))
    answer = post(client, "/complete", query="title = ", endpoint="cases")
    assert "Budget" in [each["label"] for each in answer["completions"]]


def test_the_host_says_who_may_ask() -> None:
    def fields(request: Request, endpoint: Endpoint) -> list[str]:
        if "authorization" not in request.headers:
            raise HTTPException(401, "who asks?", {"WWW-Authenticate": "Bearer"})
        return ["title"]

    client = TestClient(create_app(fields=fields))
    response = client.post("/check", json=QUERY)
    assert (response.status_code, response.json()["error"]["message"]) == (401, "who asks?")
    assert response.headers["www-authenticate"] == "Bearer"
    assert client.post("/check", json=QUERY, headers={"Authorization": "x"}).json()["ok"]


def test_a_blocking_callable_of_the_host_has_a_thread_and_the_context_of_the_request() -> None:
    who = contextvars.ContextVar("who", default="nobody")
    seen: list[tuple[str, bool]] = []

    def fields(request: Request, endpoint: Endpoint) -> None:
        seen.append((who.get(), threading.current_thread().name.startswith("pqlang")))

    app = create_app(fields=fields)

    async def outer(scope: Any, receive: Any, send: Any) -> None:
        who.set("ann")
        await app(scope, receive, send)

    assert TestClient(outer).get("/schema/cases").status_code == 200
    assert seen == [("ann", True)]


@pytest.mark.parametrize(
    "given",
    [
        {"schema": "penbox"},
        {"values": 1},
        {"fields": ["title"]},
        {"rows": {}},
        {"cors": "https://app.example"},
        {"cors": ["app.example"]},
        {"cors": ["https://app.example/"]},
        {"cors": [None]},
        {"body_limit": 0},
        {"concurrency": 1.5},
        {"workers": True},
        {"time_limit": float("inf")},
        {"values_timeout": 0},
    ],
)
def test_a_service_is_made_of_what_it_must_be(given: dict[str, Any]) -> None:
    with pytest.raises(pqlang.PqlError) as error:
        create_app(**given)
    assert [each.code for each in error.value.diagnostics] == ["bad-argument"]


def test_work_is_done_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(ask: Any, schema: Any) -> dict[str, Any]:
        return {"ok": True, "diagnostics": [], "thread": threading.current_thread().name}

    monkeypatch.setattr("pqlang.searchbox.answers.check", check)
    client = TestClient(create_app(workers=1))
    assert client.post("/check", json=QUERY).json()["thread"].startswith("pqlang")


def test_the_documented_signature_is_the_functions_own() -> None:
    page = (Path(__file__).parent.parent / "docs/reference/service.md").read_text("utf-8")
    [block] = re.findall(r"^```py\n(def create_app.*?)^```", page, re.M | re.S)
    [written] = ast.parse(block).body
    assert isinstance(written, ast.FunctionDef)
    shown = {each.arg: default for each, default in zip(written.args.kwonlyargs, written.args.kw_defaults, strict=True)}
    real = inspect.signature(create_app).parameters
    assert [each.arg for each in written.args.args] + list(shown) == list(real)
    assert {name: ast.literal_eval(each) for name, each in shown.items() if each} == {
        name: real[name].default for name in shown
    }


# Records


async def fetch(query: str, endpoint: Endpoint, /, *, limit: int, mode: str, scope: str | None) -> Found:
    plan = pqlang.plan(query, endpoint, mode=mode, scope=scope)
    record = {"title": plan.requests[0].query_string, "status": "draft", "owner": {"id": "1", "email": "jo@acme.com"}}
    return Found([record] * limit, 99, plan.diagnostics)


def test_rows_are_fetched_where_the_host_knows_how() -> None:
    client = TestClient(create_app(rows=fetch))
    assert {each["rows"] for each in client.get("/schema").json()} == {True}
    assert client.get("/schema/forms").json()["rows"] is True
    answer = post(client, "/rows", query="-archived status", endpoint="cases", scope="active")
    assert (answer["ok"], len(answer["rows"]), answer["total"]) == (True, 50, 99)
    assert [each["code"] for each in answer["diagnostics"]] == ["word-as-text"]
    assert answer["rows"][0]["owner"]["id"] == "1"
    wrong = post(client, "/rows", query="stats = x", endpoint="cases")
    assert (wrong["ok"], [each["code"] for each in wrong["diagnostics"]]) == (False, ["unknown-field"])
    assert client.post("/rows", json={**QUERY, "endpoint": "case"}).status_code == 422
    assert "/rows" in client.get("/openapi.json").json()["paths"]


def test_rows_are_the_first_however_many_the_host_gives() -> None:
    async def all_of_them(*asked: object, **how: object) -> Found:
        return Found([{"title": str(at)} for at in range(1_234)], 1_234)

    async def tuples(*asked: object, **how: object) -> Found:
        return Found(tuple({"title": str(at)} for at in range(51)))

    for rows, total in ((all_of_them, 1_234), (tuples, None)):
        answer = post(TestClient(create_app(rows=rows)), "/rows", query="", endpoint="cases")
        assert [each["title"] for each in answer["rows"]] == [str(at) for at in range(50)]
        assert answer["total"] == total


def test_rows_hold_no_more_than_the_fields_that_are_seen() -> None:
    client = TestClient(create_app(rows=fetch, fields=lambda request, endpoint: ["status", "owner.email", "title"]))
    [row, *_] = post(client, "/rows", query="", endpoint="cases")["rows"]
    assert row == {"status": "draft", "owner": {"email": "jo@acme.com"}, "title": ""}


# Mounted


def ask_below(client: TestClient, path: str) -> None:
    """Everything answers below the path, and nothing above it."""
    assert client.post(f"{path}/check", json=QUERY).json() == {"ok": True, "diagnostics": []}
    assert client.get(f"{path}/schema/cases").json()["name"] == "cases"
    assert client.get(f"{path}/static/tables.json").status_code == 200
    assert client.get(f"{path}/openapi.json").json()["servers"] == [{"url": "."}]
    assert client.put(f"{path}/check").json()["error"]["code"] == "wrong-method"
    assert client.get(f"{path}/nothing").json()["error"]["code"] == "not-found"
    assert client.post("/check", json=QUERY).status_code in (404, 405)


@pytest.mark.parametrize("path", ["/pql", "/a/b"])
def test_mounted_in_starlette(path: str) -> None:
    ask_below(TestClient(Starlette(routes=[Mount(path, create_app())])), path)


def test_mounted_in_fastapi() -> None:
    from fastapi import FastAPI

    app = FastAPI()
    app.mount("/pql", create_app())
    ask_below(TestClient(app), "/pql")


def test_mounted_twice() -> None:
    app = create_app()
    client = TestClient(Starlette(routes=[Mount("/one", app), Mount("/two", app)]))
    for path in ("/one", "/two"):
        assert client.post(f"{path}/check", json=QUERY).status_code == 200


@pytest.fixture
def page(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[], TestClient]:
    """A service with a page of its own."""
    (tmp_path / "demo.html").write_text('<script type="module" src="static/demo.js"></script>')
    (tmp_path / "demo.js").write_text("1")
    monkeypatch.setattr("pqlang.searchbox.app.read_files", lambda: read_files(tmp_path))
    return lambda: TestClient(Starlette(routes=[Mount("/pql", create_app()), Mount("/bare", create_app(demo=False))]))


def test_the_page_is_strict(page: Callable[[], TestClient]) -> None:
    client = page()
    response = client.get("/pql/")
    assert response.headers["content-security-policy"] == PAGE_POLICY
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    source = response.text.partition('src="')[2].partition('"')[0]
    assert client.get(f"/pql/{source}").headers["cache-control"].endswith("immutable")
    assert client.get("/pql/", headers={"If-None-Match": response.headers["etag"]}).status_code == 304
    assert client.get("/bare/").status_code == 404
    for part in ("default-src 'none'", "script-src 'self'", "trusted-types 'none'", "frame-ancestors 'none'"):
        assert part in PAGE_POLICY
    assert "unsafe" not in PAGE_POLICY


def test_the_page_is_found_without_its_slash(page: Callable[[], TestClient]) -> None:
    assert page().get("/pql").text.startswith("<script")
