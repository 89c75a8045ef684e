"""The service as who mounts it meets it: prefixes, proxies, middleware, two at once, clients that misbehave."""

from __future__ import annotations

import json
import logging
import socket
import time
from typing import Any

import pytest
from serving import ask, running
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.routing import Mount
from starlette.testclient import TestClient

from pqlang import Endpoint, load_schema
from pqlang.searchbox import create_app

QUERY = {"query": "title = a", "endpoint": "cases"}
BODY = json.dumps(QUERY).encode()
SHOP = load_schema({"api": {"name": "shop"}, "endpoints": {"orders": {"fields": {"number": {"type": "integer"}}}}})


# Paths


@pytest.mark.parametrize("path", ["/schema/", "/compile/", "/schema/cases/", "/openapi.json/", "//schema", "/static/"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_path_is_what_it_is(path: str, method: str) -> None:
    """No redirect: it would lead where `Host` says, and drop TLS behind a proxy that the server does not know of."""
    client = TestClient(create_app(), base_url="http://anywhere.example", follow_redirects=False)
    response = client.request(method, f"http://anywhere.example{path}")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "not-found")
    assert "location" not in response.headers


def test_what_is_not_there_is_said_in_words() -> None:
    client = TestClient(create_app())

    def said(method: str, path: str) -> str:
        return str(client.request(method, path).json()["error"]["message"])

    assert said("GET", "/nothing") == "there is nothing at this path; the service's `/openapi.json` says what there is"
    assert said("GET", "/compile") == "this path takes POST, not GET"
    assert said("POST", "/schema") == "this path takes GET or HEAD, not POST"
    assert said("GET", "/schema/case") == "there is no such endpoint; `/schema` lists them"


@pytest.mark.parametrize("path", ["/", "/schema", "/schema/cases", "/openapi.json", "/static/demo.js"])
def test_head_is_get_without_a_body(path: str) -> None:
    client = TestClient(create_app())
    whole, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "content-type", "etag", "cache-control", "content-security-policy"):
        assert head.headers[name] == whole.headers[name]
    kept = client.head(path, headers={"If-None-Match": f'W/{whole.headers["etag"]}, "other"'})
    assert (kept.status_code, kept.headers["etag"]) == (304, whole.headers["etag"])


# Prefixes and proxies


def test_behind_a_proxy_that_takes_a_prefix_away() -> None:
    """`uvicorn --root-path /tools`, and a proxy in front that sends `/tools/pql/schema` on as `/pql/schema`."""
    seen: list[tuple[str, str]] = []

    def fields(request: Request, endpoint: Endpoint) -> None:
        seen.append((request.scope["root_path"], str(request.url.path)))

    app = Starlette(routes=[Mount("/pql", create_app(fields=fields))])
    with running(app, root_path="/tools") as port:
        assert ask(port, "POST", "/pql/check", BODY)[0] == 200
        status, _, page = ask(port, "GET", "/pql/")
        source = page.partition(b'src="')[2].partition(b'"')[0].decode()
        assert (status, source.startswith("static-")) == (200, True)  # relative: right below any prefix
        assert ask(port, "GET", f"/pql/{source}")[0] == 200
        assert json.loads(ask(port, "GET", "/pql/openapi.json")[2])["servers"] == [{"url": "."}]
    assert seen[0] == ("/tools/pql", "/tools/pql/check")


def test_two_schemas_side_by_side() -> None:
    app = Starlette(routes=[Mount("/penbox", create_app()), Mount("/shop", create_app(SHOP))])
    client = TestClient(app)
    assert [each["name"] for each in client.get("/shop/schema").json()] == ["orders"]
    assert client.post("/penbox/check", json=QUERY).json()["ok"]
    refused = client.post("/shop/check", json=QUERY)
    assert (refused.status_code, refused.json()["error"]["message"]) == (
        422,
        "there is no endpoint `cases`; the endpoints are `orders`",
    )
    tags = {client.get(f"/{path}/openapi.json").headers["etag"] for path in ("penbox", "shop")}
    assert len(tags) == 2


def test_below_a_path_with_a_part_that_changes() -> None:
    tenants = {"acme": ["title"], "globex": ["status"]}

    def fields(request: Request, endpoint: Endpoint) -> list[str]:
        return tenants[request.path_params["tenant"]]

    client = TestClient(Starlette(routes=[Mount("/of/{tenant}", create_app(fields=fields))]))
    for tenant, names in tenants.items():
        found = client.get(f"/of/{tenant}/schema/cases")
        assert [each["name"] for each in found.json()["fields"]] == names
        other = client.get("/of/globex/schema/cases", headers={"If-None-Match": found.headers["etag"]})
        assert other.status_code == (304 if tenant == "globex" else 200)


def test_behind_middleware_of_the_app_it_is_mounted_in() -> None:
    class Who(BaseHTTPMiddleware):
        async def dispatch(self, request: Request, call_next: Any) -> Any:
            request.state.user = request.headers.get("x-user")
            return await call_next(request)

    def fields(request: Request, endpoint: Endpoint) -> list[str] | None:
        return None if request.state.user == "ann" else ["title"]

    middleware = [Middleware(Who), Middleware(GZipMiddleware, minimum_size=100)]
    client = TestClient(Starlette(routes=[Mount("/pql", create_app(fields=fields))], middleware=middleware))
    count = {
        user: len(client.get("/pql/schema/cases", headers={"X-User": user}).json()["fields"]) for user in ("ann", "eve")
    }
    assert (count["ann"] > 10, count["eve"]) == (True, 1)
    script = client.get("/pql/static/demo.js")  # compressed once
    assert (script.headers["content-encoding"], script.text[:2]) == ("gzip", "//")


@pytest.mark.parametrize("header", ["authorization", "x-token", "content-type"])
def test_a_page_elsewhere_may_say_who_asks(header: str) -> None:
    client = TestClient(create_app(cors=["https://app.example"]))
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": header}
    allowed = client.options("/plan", headers={"Origin": "https://app.example", **asked})
    assert allowed.status_code == 200
    assert header in allowed.headers["access-control-allow-headers"].lower()
    assert client.options("/plan", headers={"Origin": "https://evil.example", **asked}).status_code == 400


def test_no_websocket_is_taken() -> None:
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect), TestClient(create_app()).websocket_connect("/check"):
        pass


# Clients that misbehave

HEAD = b"POST /check HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


def sent(port: int, *parts: bytes, pause: float = 0.0) -> bytes:
    """All that comes back until the server closes, which it has to."""
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        first, *others = parts
        connection.sendall(first)
        found = b""
        try:
            for part in others:
                time.sleep(pause)
                connection.sendall(part)
        except OSError:  # closed: what it said is still there to be read
            pass
        while piece := connection.recv(65_536):
            found += piece
    return found


def test_who_sends_a_body_slowly_is_not_waited_for() -> None:
    with running(create_app(time_limit=0.2)) as port:
        for slow in (b"Content-Length: 99\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n5\r\n{"):
            answer = sent(port, HEAD + slow)
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b"the request took longer than 0.2 s; try again" in answer
            assert b"retry-after: 1\r\n" in answer
        trickled = sent(port, HEAD + b"Content-Length: 40\r\n\r\n", *(b" " for _ in range(10)), pause=0.05)
        assert trickled.startswith(b"HTTP/1.1 503 ")


def test_large_and_lost_bodies_over_http() -> None:
    with running(create_app(time_limit=20)) as port:
        told = sent(port, HEAD + b"Content-Length: 99999999\r\n\r\n ")
        expected = sent(port, HEAD + b"Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n")
        untold = sent(port, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + (b"4000\r\n" + b" " * 0x4000 + b"\r\n") * 5)
        closing = HEAD + b"Connection: close\r\n"
        taken = sent(port, closing + b"Content-Length: 900000\r\n\r\n" + b" " * 900_000)  # or no answer would be read
        for answer in (told, expected, untold, taken):
            assert answer.startswith(b"HTTP/1.1 413 ")
            assert answer.endswith(b'"the body has more than 65,536 bytes","problems":[]}}')
        lost = sent(port, HEAD.replace(b"/check", b"/nothing") + b"Content-Length: 99\r\n\r\n{")
        assert lost.startswith(b"HTTP/1.1 404 ")
        assert ask(port, "POST", "/check", BODY)[0] == 200


def test_those_who_leave_take_nothing_with_them(caplog: pytest.LogCaptureFixture) -> None:
    query = " or ".join(f"(title ~ '%{at}%' and status != x{at})" for at in range(8))
    body = json.dumps({"query": query, "endpoint": "cases"}).encode()
    whole = HEAD.replace(b"/check", b"/plan") + b"Content-Length: %d\r\n\r\n" % len(body) + body
    with caplog.at_level(logging.WARNING), running(create_app(concurrency=4)) as port:
        for end in range(60, len(whole) + 1, len(whole) // 40):
            with socket.create_connection(("127.0.0.1", port), 30) as connection:
                if end % 2:  # a reset, and not a farewell
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                connection.sendall(whole[:end])
        deadline = time.monotonic() + 30
        while ask(port, "POST", "/plan", body)[0] == 503:  # until the last of them is through
            assert time.monotonic() < deadline
    assert caplog.text == ""


def test_more_at_once_than_may_be_over_http() -> None:
    import threading

    began, gate = threading.Semaphore(0), threading.Event()

    def slow(typed: str) -> list[str]:
        began.release()
        gate.wait(30)
        return ["a title"]

    body = json.dumps({"query": "title = ", "endpoint": "cases"}).encode()
    app = create_app(values={"title": slow}, values_timeout=30, time_limit=60, concurrency=2)
    with running(app) as port:
        answers: list[int] = []
        waiting = [
            threading.Thread(target=lambda: answers.append(ask(port, "POST", "/complete", body)[0])) for _ in range(2)
        ]
        for each in waiting:
            each.start()
            began.acquire(timeout=30)
        status, headers, refused = ask(port, "POST", "/check", BODY)
        assert (status, headers["Retry-After"]) == (503, "1")
        assert json.loads(refused)["error"] == {
            "code": "busy",
            "message": "2 requests are under way, the most at once; try again",
            "problems": [],
        }
        gate.set()
        for each in waiting:
            each.join(30)
        assert answers == [200, 200]
        assert ask(port, "POST", "/check", BODY)[0] == 200


def test_a_query_too_large_to_plan_is_an_answer() -> None:
    parts = " and ".join(f"(title ~ '%a{at}%' or owner.email ~ '%b{at}%')" for at in range(20))
    client = TestClient(create_app())
    for more, codes in (({}, ["too-many-requests"]), ({"broaden": True}, [])):
        ask = {"query": parts, "endpoint": "cases", "max_requests": 100, **more}
        answer = client.post("/plan", json=ask)
        assert answer.status_code == 200
        said = [each["code"] for each in answer.json()["diagnostics"] if each["severity"] == "error"]
        assert said == codes
