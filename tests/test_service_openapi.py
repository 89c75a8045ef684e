"""The service's description of itself: what it says of every key is there, and every example in it is so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

from pqlang import PENBOX, Endpoint, Schema, load_schema
from pqlang.searchbox import create_app
from pqlang.searchbox.answers import Found
from pqlang.searchbox.narrowing import narrow

PLAIN = load_schema(
    {
        "api": {"name": "shop"},
        "endpoints": {"orders": {"fields": {"number": {"type": "integer", "param": True}, "note": {}}}},
    }
)
CASES = PENBOX.endpoint("cases")
assert CASES is not None
FEW = narrow(CASES, {"title", "owner.email"})
assert FEW is not None
SCHEMAS = {"penbox": PENBOX, "no examples": PLAIN, "few fields": Schema(PENBOX.api, (FEW,))}


async def none(*asked: object, **how: object) -> Found:
    return Found([], 0)


@pytest.fixture(scope="module", params=SCHEMAS)
def client(request: pytest.FixtureRequest) -> TestClient:
    return TestClient(create_app(SCHEMAS[request.param], rows=none))


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict[str, Any]:
    made: dict[str, Any] = client.get("/openapi.json").json()
    return made


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def shown(operation: dict[str, Any]) -> Iterator[tuple[str, str, Any, dict[str, Any]]]:
    """Every example of an answer: its status, its name, what it holds, and the schema beside it."""
    for status, response in operation["responses"].items():
        for body in response.get("content", {}).values():
            for name, example in body.get("examples", {}).items():
                yield status, name, example["value"], body["schema"]


def test_everything_is_described(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        assert operation["summary"], path
        assert operation["description"], path
        assert operation["operationId"], (path, method)
        assert {each["name"] for each in document["tags"]} >= set(operation["tags"])
        assert all(each["description"] for each in operation["responses"].values())
        assert all(each["description"] for each in operation.get("parameters", ()))
    for name, shape in document["components"]["schemas"].items():
        assert shape.get("description") or name == "JsonValue", name
        for key, property in shape.get("properties", {}).items():
            assert property.get("description"), (name, key)


def test_every_example_is_so(client: TestClient, document: dict[str, Any]) -> None:
    asked = 0
    for path, _, operation in operations(document):
        answers = {name: value for status, name, value, _ in shown(operation) if status == "200"}
        for name, example in (
            operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("examples", {})
        ).items():
            response = client.post(path, json=example["value"])
            assert response.status_code == 200, response.text
            said = response.json()
            asked += 1
            if path == "/rows":  # its answer is for the host to give
                continue
            assert said == answers[name]
            assert said["ok"] is (name == "right")
    assert asked == 2 * 8 - 2  # neither /complete nor /describe finds a query wrong


def test_every_example_fits_its_schema(document: dict[str, Any]) -> None:
    seen = 0
    for path, _, operation in operations(document):
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        asked = [(each["value"], body["schema"]) for each in body.get("examples", {}).values()]
        for value, schema in asked + [(value, schema) for _, _, value, schema in shown(operation)]:
            whole = {**schema, "components": document["components"]}
            jsonschema_rs.validator_for(whole).validate(value)
            with pytest.raises(jsonschema_rs.ValidationError):
                jsonschema_rs.validator_for(whole).validate({**value, "colour": 1})
            seen += 1
        assert asked or path.startswith("/schema")
    assert seen > 50


def test_what_is_refused_is_refused_in_these_words() -> None:
    client = TestClient(create_app())
    document = client.get("/openapi.json").json()

    def fails(request: Request, endpoint: Endpoint) -> None:
        raise RuntimeError

    failing = TestClient(create_app(fields=fails))
    for path, method, operation in operations(document):
        real = {
            "404": client.get("/schema/nothing"),
            "413": client.post(path, content=b" " * 70_000, headers={"Content-Type": "application/json"}),
            "415": client.post(path, content=b"{}", headers={"Content-Type": "text/plain"}),
            "422": client.post(path, content=b"{}", headers={"Content-Type": "application/json"}),
            "500": failing.get("/schema"),
        }
        told = {status: value for status, _, value, _ in shown(operation) if status not in ("200", "503")}
        wanted = {"post": {"413", "415", "422", "500"}, "get": {"500"}}[method]
        assert set(told) == wanted | ({"404"} if "{" in path else set())
        for status, value in told.items():
            assert real[status].status_code == int(status)
            assert real[status].json() == value
        assert operation["responses"]["503"]["headers"]["Retry-After"]


def test_too_many_are_refused_in_these_words() -> None:
    async def run() -> tuple[int, bytes]:
        gate = asyncio.Event()

        async def fields(request: Request, endpoint: Endpoint) -> None:
            await gate.wait()

        app, sent = create_app(fields=fields), list[Any]()

        async def one(said: list[Any]) -> None:
            async def receive() -> dict[str, Any]:
                return {"type": "http.request", "body": b""}

            async def send(message: Any) -> None:
                said.append(message)

            scope = {"type": "http", "method": "GET", "path": "/schema", "query_string": b"", "headers": []}
            await app({"http_version": "1.1", "root_path": "", **scope}, receive, send)

        waiting = [asyncio.create_task(one([])) for _ in range(32)]
        await asyncio.sleep(0)
        await one(sent)
        gate.set()
        await asyncio.gather(*waiting)
        return sent[0]["status"], sent[1]["body"]

    status, body = asyncio.run(run())
    document = TestClient(create_app()).get("/openapi.json").json()
    [value] = [each for status, _, each, _ in shown(document["paths"]["/schema"]["get"]) if status == "503"]
    assert (status, json.loads(body)) == (503, value)


def test_who_sees_no_field_sees_no_example() -> None:
    client = TestClient(create_app(fields=lambda request, endpoint: []))
    document = client.get("/openapi.json").json()
    assert document["components"]["schemas"]["EndpointName"]["not"] == {}
    for _, _, operation in operations(document):
        assert "examples" not in json.dumps(operation.get("requestBody", {}))
        assert {status for status, *_ in shown(operation)} <= {"404", "413", "415", "500", "503"}


def test_who_sees_other_fields_sees_other_examples() -> None:
    app = create_app(fields=lambda request, endpoint: request.headers.get("x-fields", "").split())
    client = TestClient(app)
    status = client.get("/openapi.json", headers={"X-Fields": "parent_status"})
    mails = client.get("/openapi.json", headers={"X-Fields": "owner.email"})
    assert status.headers["etag"] != mails.headers["etag"]
    for document, seen, hidden in ((status, "parent_status", "owner"), (mails, "owner.email", "parent_status")):
        examples = json.dumps([list(shown(each)) for _, _, each in operations(document.json())])
        assert seen in examples
        assert hidden not in document.text
