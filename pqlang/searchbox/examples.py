"""Examples of what the service is asked and answers, made for a schema by asking: what the description shows is so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from pqlang.entry import check
from pqlang.schema import Endpoint, Schema
from pqlang.searchbox import answers, asks, http
from pqlang.searchbox.openapi import QUESTIONS, Example
from pqlang.searchbox.problems import Malformed

NOW = "2024-01-15T12:00:00Z"
LETTERS = 3  # of a field's name, typed so far

_MAKE: Mapping[str, Callable[[Any, Schema], dict[str, Any]]] = {
    "/check": answers.check,
    "/compile": answers.compile,
    "/complete": partial(answers.completions, values={}, timeout=1.0),
    "/decompile": answers.decompile,
    "/describe": answers.describe,
    "/format": answers.format,
    "/plan": answers.plan,
}


def examples(schema: Schema) -> list[Example]:
    """For each question one that is right, with its answer; one whose query is wrong; and a malformed one.

    The answer of `/rows` is for its host to give. None where the schema has no endpoint.
    """
    if not schema.endpoints:
        return []
    at = next((each for each in schema.endpoints if each.examples), schema.endpoints[0])
    tried = (*at.examples, *(f"{each.name} is not null" for each in at.fields))
    query = next(filter(partial(_compiles, at), tried), "")  # the empty query always does
    found = []
    for path, model, *_ in QUESTIONS:
        for name, ask in _asked(path, query, at).items():
            make = _MAKE.get(path)
            answer = None if make is None else make(asks.read_body(model, ask), schema)
            found.append(Example(path, name, 200, ask, answer))
        try:
            asks.read_body(model, {})
        except Malformed as error:
            found.append(Example(path, "malformed", 422, {}, http.malformed_body(error)))
    return found


def _asked(path: str, query: str, at: Endpoint) -> dict[str, dict[str, Any]]:
    """The questions by the names of their examples."""
    here: dict[str, Any] = {"endpoint": at.name}
    match path:
        case "/complete":
            typed = at.fields[0].name[:LETTERS]
            return {"right": {"query": typed, **here, "cursor": len(typed)}}
        case "/describe":
            return {"right": {"query": query, **here, "cursor": 0, "now": NOW}}
        case "/decompile":
            target = answers.compile(asks.AskCompile(query=query, now=NOW, **here), Schema(at.api, (at,)))["url"]
            return {"right": {"target": target}, "wrong": {"target": "{", **here}}
        case "/format":
            return {"right": {"query": query}, "wrong": {"query": f"{query} and"}}
    how = {} if path == "/rows" else {"now": NOW}
    return {"right": {"query": query, **here, **how}, "wrong": {"query": f"{query} and", **here, **how}}


def _compiles(at: Endpoint, query: str) -> bool:
    return not any(each.severity == "error" for each in check(query, at, target="auto", mode="search"))
