"""The service described in OpenAPI 3.1, from the models that read its bodies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pqlang.searchbox import wire
from pqlang.searchbox.wire import Shape

REF = "#/components/schemas/{model}"


class Question(NamedTuple):
    """A path that is posted to: what it takes, what it answers, and what it is for."""

    path: str
    ask: type[wire.Ask]
    answer: Shape
    summary: str


QUESTIONS = (
    Question("/check", wire.AskCheck, wire.Checked, "What is wrong with a query, and what is worth knowing"),
    Question("/compile", wire.AskCompile, wire.Compiled, "The one request that a query means"),
    Question("/complete", wire.AskComplete, wire.Completed, "What may be written at a cursor"),
    Question("/decompile", wire.AskDecompile, wire.Decompiled, "The query that a request means"),
    Question("/describe", wire.AskDescribe, wire.Described, "What stands at a cursor"),
    Question("/format", wire.AskFormat, wire.Formatted, "A query in its canonical form"),
    Question("/plan", wire.AskPlan, wire.Planned, "The requests that together answer a query"),
    Question("/rows", wire.AskRows, wire.Rows, "The first records that a query selects"),
)
FAILURES = {
    "404": "There is no such endpoint",
    "413": "The body is too large",
    "415": "The body is not declared as JSON",
    "422": "The body is malformed; the answer says where",
    "503": "Too much at once, or too slow: try again",
}


def document(name: str, endpoints: Sequence[str], version: str, paths: Sequence[str]) -> dict[str, Any]:
    """The document for an API's endpoints, as somebody may see them, with these of the questions."""
    questions = [each for each in QUESTIONS if each.path in paths]
    described = {each.path: {"post": _post(each)} for each in questions}
    return {
        "openapi": "3.1.0",
        "info": {"title": f"pqlang search box: {name}", "version": version},
        "servers": [{"url": "."}],
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
        "EndpointName": names,
        "Zone": {"type": "string", "enum": sorted(available_timezones())},
        "Instant": {"type": "string", "format": "date-time"},
    }


def _marked(schema: Any) -> Any:
    """The schema with references in the place of marks."""
    if isinstance(schema, list):
        return [_marked(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    marked = {key: _marked(value) for key, value in schema.items() if key != wire.COMPONENT}
    return marked | {"$ref": REF.format(model=schema[wire.COMPONENT])} if wire.COMPONENT in schema else marked


def _post(question: Question) -> dict[str, Any]:
    never_refused = question.answer in (wire.Completed, wire.Described)
    answers: list[Shape] = [question.answer] if never_refused else [question.answer, wire.Refusal]
    return {
        "operationId": question.path.removeprefix("/"),
        "summary": question.summary,
        "requestBody": {"required": True, "content": _json(_ref(question.ask))},
        "responses": {
            "200": {"description": question.answer.__doc__, "content": _json(_any_of(answers))},
            **{status: _failure(status) for status in ("413", "415", "422", "503")},
        },
    }


def _reads(endpoints: Sequence[str]) -> dict[str, Any]:
    """What is only read: the endpoints, and the facts of one."""
    entries = {"type": "array", "items": _ref(wire.EndpointEntry)}
    at = {"name": "endpoint", "in": "path", "required": True, "schema": {"$ref": REF.format(model="EndpointName")}}
    return {
        "/schema": {
            "get": {
                "operationId": "schema",
                "summary": "The endpoints",
                "responses": {
                    "200": {"description": "Every endpoint", "content": _json(entries)},
                    "503": _failure("503"),
                },
            }
        },
        "/schema/{endpoint}": {
            "get": {
                "operationId": "schemaOfEndpoint",
                "summary": "An endpoint and its fields",
                "parameters": [at],
                "responses": {
                    "200": {"description": wire.EndpointFacts.__doc__, "content": _json(_ref(wire.EndpointFacts))},
                    "404": _failure("404"),
                    "503": _failure("503"),
                },
            }
        },
    }


def _failure(status: str) -> dict[str, Any]:
    return {"description": FAILURES[status], "content": _json(_ref(wire.Failure))}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _ref(model: Shape) -> dict[str, Any]:
    return {"$ref": REF.format(model=model.__name__)}


def _any_of(models: Sequence[Shape]) -> dict[str, Any]:
    return _ref(models[0]) if len(models) == 1 else {"anyOf": [_ref(each) for each in models]}
