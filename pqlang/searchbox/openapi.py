"""The service described in OpenAPI 3.1, from the models that read its bodies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pqlang.searchbox import asks, wire
from pqlang.searchbox.wire import Shape

REF = "#/components/schemas/{model}"


class Question(NamedTuple):
    """A path that is posted to: what it takes, what it answers, and what it is for."""

    path: str
    ask: type[asks.Ask]
    answer: Shape
    summary: str
    description: str


class Example(NamedTuple):
    """A question that may be posted to a path, and what is answered, where that is known; one of status 200 is right
    as a request, whatever may be wrong with its query."""

    path: str
    name: str
    status: int
    ask: dict[str, Any]
    answer: dict[str, Any] | None


QUESTIONS = (
    Question(
        "/check",
        asks.AskCheck,
        wire.Checked,
        "What is wrong with a query, and what is worth knowing",
        "With a `target`, whether one request of that kind can say it is checked too.",
    ),
    Question(
        "/compile",
        asks.AskCompile,
        wire.Compiled,
        "The one request that a query means",
        "Without a `target`: direct parameters where they are exact, else the JSON filter. A query that no one request "
        "can say is answered with `ok: false`; `/plan` takes it.",
    ),
    Question(
        "/complete",
        asks.AskComplete,
        wire.Completed,
        "What may be written at a cursor",
        "Without a cursor, at the end. Where the host knows values, they are among them.",
    ),
    Question(
        "/decompile",
        asks.AskDecompile,
        wire.Decompiled,
        "The query that a request means",
        "A URL names its endpoint; beside anything else it has to be said.",
    ),
    Question(
        "/describe",
        asks.AskDescribe,
        wire.Described,
        "What stands at a cursor",
        "Without a cursor, at the end. For what is shown beside a pointer.",
    ),
    Question(
        "/format",
        asks.AskFormat,
        wire.Formatted,
        "A query in its canonical form",
        "It needs no endpoint: names are not looked up.",
    ),
    Question(
        "/plan",
        asks.AskPlan,
        wire.Planned,
        "The requests that together answer a query",
        "Each with what is then to be tested on its records, if anything.",
    ),
    Question(
        "/rows",
        asks.AskRows,
        wire.Rows,
        "The first records that a query selects",
        "Only where the host fetches records: on the demo page, those of a sandbox.",
    ),
)


class _Told(NamedTuple):
    """A failure: when it is answered, and what is said."""

    when: str
    code: str = ""
    message: str = ""


FAILURES = {
    404: _Told("There is no such endpoint", "not-found", "there is no such endpoint; `/schema` lists them"),
    413: _Told("The body is too large", "too-large", "the body has more than 65,536 bytes"),
    415: _Told(
        "The body is not declared as JSON",
        "not-json",
        "the body has to be JSON, and `Content-Type` has to say so: `application/json`",
    ),
    422: _Told("The body is malformed; the answer says where"),
    500: _Told("The host failed, or the service did", "failed", "the service failed; its log says why"),
    503: _Told(
        "Too much at once, or too slow: try again", "busy", "32 requests are under way, the most at once; try again"
    ),
}
ABOUT = """What a search box asks while a query is typed.

A query that is wrong is an answer, of status 200: `ok` is false, and `diagnostics` say what is wrong, where, and what
to write instead. Anything but status 200 is a `Failure`."""


def document(
    name: str, endpoints: Sequence[str], version: str, paths: Sequence[str], examples: Sequence[Example]
) -> dict[str, Any]:
    """The document for an API's endpoints, as somebody may see them, with these of the questions."""
    questions = [each for each in QUESTIONS if each.path in paths]
    described = {
        each.path: {"post": _post(each, [one for one in examples if one.path == each.path])} for each in questions
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"pqlang search box: {name}",
            "summary": "Questions about queries, and facts of endpoints",
            "description": ABOUT,
            "version": version,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "."}],
        "tags": [
            {"name": "questions", "description": "Questions about a query"},
            {"name": "facts", "description": "What there is to ask about"},
        ],
        "paths": described | _reads(endpoints),
        "components": {"schemas": _components(questions, endpoints)},
    }


def _components(questions: Sequence[Question], endpoints: Sequence[str]) -> dict[str, Any]:
    from zoneinfo import available_timezones  # reads the disk

    models = [model for each in questions for model in (each.ask, each.answer)]
    models += [wire.Refusal, wire.Failure, wire.EndpointEntry, wire.EndpointFacts]
    names: dict[str, Any] = {"type": "string", "enum": list(endpoints)} if endpoints else {"not": {}}  # none will do
    shapes: dict[str, Any] = _marked(wire.definitions(models, REF))
    return shapes | {
        "EndpointName": {"description": "The name of an endpoint.", **names},
        "Zone": {"description": "The name of a zone.", "type": "string", "enum": sorted(available_timezones())},
        "Instant": {"description": "A time with its offset.", "type": "string", "format": "date-time"},
    }


def _marked(schema: Any) -> Any:
    """The schema with references in the place of marks."""
    if isinstance(schema, list):
        return [_marked(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    marked = {key: _marked(value) for key, value in schema.items() if key != asks.COMPONENT}
    return marked | {"$ref": REF.format(model=schema[asks.COMPONENT])} if asks.COMPONENT in schema else marked


def _post(question: Question, examples: Sequence[Example]) -> dict[str, Any]:
    never_refused = question.answer in (wire.Completed, wire.Described)
    answers: list[Shape] = [question.answer] if never_refused else [question.answer, wire.Refusal]
    right = {each.name: each.ask for each in examples if each.status == 200}
    said = {
        status: {each.name: each.answer for each in examples if each.status == status and each.answer is not None}
        for status in (200, 422)
    }
    return {
        "operationId": question.path.removeprefix("/"),
        "tags": ["questions"],
        "summary": question.summary,
        "description": question.description,
        "requestBody": {"required": True, "content": _json(_ref(question.ask), right)},
        "responses": {
            "200": {"description": question.answer.__doc__, "content": _json(_any_of(answers), said[200])},
            **{str(status): _failure(status) for status in (413, 415)},
            "422": {"description": FAILURES[422].when, "content": _json(_ref(wire.Failure), said[422])},
            **{str(status): _failure(status) for status in (500, 503)},
        },
    }


def _reads(endpoints: Sequence[str]) -> dict[str, Any]:
    """What is only read: the endpoints, and the facts of one."""
    entries = {"type": "array", "items": _ref(wire.EndpointEntry)}
    at = {
        "name": "endpoint",
        "in": "path",
        "required": True,
        "description": "the name of an endpoint",
        "schema": {"$ref": REF.format(model="EndpointName")},
    }
    return {
        "/schema": {"get": _get("schema", "The endpoints", "Every endpoint", entries)},
        "/schema/{endpoint}": {
            "get": {
                **_get("schemaOfEndpoint", "An endpoint and its fields", "The endpoint", _ref(wire.EndpointFacts), 404),
                "parameters": [at],
            }
        },
    }


def _get(name: str, summary: str, answer: str, schema: dict[str, Any], *failures: int) -> dict[str, Any]:
    text = {"schema": {"type": "string"}}
    kept = {
        "ETag": {"description": "what `If-None-Match` may hold to be told that it is still so", **text},
        "Cache-Control": {"description": "who may keep it", **text},
    }
    return {
        "operationId": name,
        "tags": ["facts"],
        "summary": summary,
        "description": "It is kept by a browser, which asks whether it is still so.",
        "responses": {
            "200": {"description": answer, "headers": kept, "content": _json(schema)},
            "304": {"description": "It is still as `If-None-Match` says", "headers": kept},
            **{str(status): _failure(status) for status in (*failures, 500, 503)},
        },
    }


def _failure(status: int) -> dict[str, Any]:
    when, code, message = FAILURES[status]
    body = {"ok": False, "error": {"code": code, "message": message, "problems": []}}
    described: dict[str, Any] = {"description": when, "content": _json(_ref(wire.Failure), {code: body})}
    if status == 503:
        seconds = {"description": "seconds after which to try again", "schema": {"type": "integer"}}
        described["headers"] = {"Retry-After": seconds}
    return described


def _json(schema: dict[str, Any], examples: Mapping[str, Any] | None = None) -> dict[str, Any]:
    shown = {"examples": {name: {"value": value} for name, value in examples.items()}} if examples else {}
    return {"application/json": {"schema": schema, **shown}}


def _ref(model: Shape) -> dict[str, Any]:
    return {"$ref": REF.format(model=model.__name__)}


def _any_of(models: Sequence[Shape]) -> dict[str, Any]:
    return _ref(models[0]) if len(models) == 1 else {"anyOf": [_ref(each) for each in models]}
