"""What pqlang sends, answered by the sandbox, is what the query means: on SQLite, on PostgreSQL, for any schema.

The sandbox reads requests by code of its own, and the rows wanted are found by the reference: nothing here is held
against itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import selects
from strategies import Question, conditions, conjunctions, examples, records

from pqlang import PENBOX, Request, load_schema
from pqlang.condition import Condition
from pqlang.normaliser import normalise
from pqlang.planner import make_plan
from pqlang.predicates import Predicate
from pqlang.sandbox.records import extra, key_of, relations, respond
from pqlang.sandbox.requests import read
from pqlang.sandbox.storage import Storage
from pqlang.schema import Endpoint, Extra, FieldType, Schema

CORPUS = Path(__file__).parent / "corpus"
SCHEMAS = {"penbox": PENBOX, **{name: load_schema(CORPUS / f"{name}.toml") for name in ("shop", "small")}}
UNIQUE = {"things": "name"}  # the field by which records are told apart; `id` elsewhere
COUNT = 150


def unique(endpoint: Endpoint) -> str:
    return UNIQUE.get(endpoint.name, "id")


def drawn(endpoint: Endpoint) -> list[dict[str, Any]]:
    """Records whose values are those that drawn conditions speak of."""
    made = records(endpoint, seed=11, count=COUNT)
    for number, record in enumerate(made):
        record[unique(endpoint)] = f"{number:03}"
    return made


def stored(record: dict[str, Any], endpoint: Endpoint) -> dict[str, Any]:
    """The same as the sandbox keeps it: related fields under the rest of their name, days as days."""
    days = {field.name for field in endpoint.fields if field.type is FieldType.DATE}

    def holding(held: dict[str, Any], relation: str | None) -> dict[str, Any]:
        fields = [field for field in endpoint.fields if field.relation == relation and field.derived is None]
        values = {key_of(field): held[field.name] for field in fields}
        return {
            key: value.date() if value and key in days and relation is None else value for key, value in values.items()
        }

    made = holding(record, None)
    one, many = relations(endpoint)
    made |= {name: None if record[name] is None else holding(record[name], name) for name in one}
    made |= {name: [holding(each, name) for each in record[name]] for name in many}
    made |= {extra(key): "x" if kind is Extra.TEXT else {} for key, kind in endpoint.extras}
    return made


RECORDS = {each.name: drawn(each) for schema in SCHEMAS.values() for each in schema.endpoints}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def storages(request: pytest.FixtureRequest) -> Iterator[dict[str, Storage]]:
    """Each schema's records in a database of its own."""
    made = {}
    for name, schema in SCHEMAS.items():
        url = "sqlite://"
        if request.param == "postgresql":
            url = request.getfixturevalue("postgresql_database")(f"plans_{name}")
        made[name] = storage = Storage(schema, url)
        storage.create()
        for endpoint in schema.endpoints:
            storage.load(endpoint, [stored(record, endpoint) for record in RECORDS[endpoint.name]])
        storage.finish("tests")
    yield made
    for storage in made.values():
        storage.close()


def asked_at(schema: Schema) -> st.SearchStrategy[Question]:
    """A condition at one of the schema's endpoints; most often one that few requests say."""

    @st.composite
    def question(draw: Any) -> Question:
        endpoint = draw(st.sampled_from(schema.endpoints))
        if draw(st.booleans()):
            return Question(endpoint, draw(conjunctions(endpoint.fields)))
        fields = draw(st.lists(st.sampled_from(endpoint.fields), min_size=1, max_size=3))
        return Question(endpoint, draw(conditions(fields, 1)))

    return question()


OPTIONS = st.fixed_dictionaries(
    {
        "disjoint": st.booleans(),
        "broaden": st.booleans(),
        "max_requests": st.sampled_from((3, 30)),
        "target": st.sampled_from(("auto", "json", "params")),
    }
)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_sandbox_answers_what_is_meant(storages: dict[str, Storage], schema: str) -> None:
    storage = storages[schema]

    @examples(250 if storage.in_memory else 100)
    @given(asked_at(SCHEMAS[schema]), OPTIONS)
    def law(question: Question, options: dict[str, Any]) -> None:
        endpoint = question.endpoint
        condition = normalise(question.condition, endpoint)
        plan, _ = make_plan(condition, endpoint, **options)
        if plan is None:
            return
        found: list[str] = []
        for branch in plan.branches:
            request = Request(endpoint, branch.pushed.target, branch.pushed.tests)
            found += answered(storage, request, branch.residual)
        wanted = [each[unique(endpoint)] for each in RECORDS[endpoint.name] if selects(condition, each, endpoint)]
        assert set(found) == set(wanted)
        assert not plan.disjoint or len(found) == len(wanted)

    law()


def answered(storage: Storage, request: Request, residual: Condition | None) -> list[str]:
    """The records of a request as it is sent, those left out that its residual is not true of."""
    endpoint = request.endpoint
    asked = read(request.query_string.encode(), endpoint)
    counted = read(request.url(count=True).partition("?")[2].encode(), endpoint, count=True)
    page = storage.page(endpoint, asked.condition, asked.order, 0, COUNT)
    assert storage.total(endpoint, counted.condition) == len(page)
    matches = (lambda _: True) if residual is None else Predicate(residual, endpoint).matches
    return [each[unique(endpoint)] for each in page if matches(json.loads(json.dumps(respond(each, endpoint))))]
