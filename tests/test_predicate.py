"""A query as a local test: held against the reference evaluator, then by examples."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from reference import selects
from strategies import Question, examples, questions, records, seeds

import pqlang
from pqlang import PqlError
from pqlang.evaluator import matcher
from pqlang.normaliser import normalise
from pqlang.predicates import Predicate
from pqlang.schema import Endpoint, Field


def carried(endpoint: Endpoint) -> Endpoint:
    """The endpoint with every field in its response records, under its own name, as the generated ones are keyed."""
    places = [
        (field, (field.name,) if field.relation is None else (field.relation, field.name)) for field in endpoint.fields
    ]
    fields = tuple(replace(field, record=place) for field, place in places)
    return replace(endpoint, fields=fields)


def at(condition: Any, fields: dict[str, Field]) -> Any:
    """A condition over the fields of another endpoint with the same names."""
    if hasattr(condition, "field"):
        return replace(condition, field=fields[condition.field.name])
    if hasattr(condition, "operand"):
        return replace(condition, operand=at(condition.operand, fields))
    return replace(condition, operands=tuple(at(each, fields) for each in condition.operands))


@examples(400)
@given(questions(), seeds)
def test_a_predicate_is_true_where_the_query_is(question: Question, seed: int) -> None:
    endpoint = carried(question.endpoint)
    condition = normalise(at(question.condition, dict(endpoint.by_name)), endpoint)
    test = Predicate(condition, endpoint)
    for record in records(endpoint, seed):
        assert test.matches(plain(record)) == selects(condition, record, endpoint)


def plain(value: Any) -> Any:
    """A record as JSON would bring it: times as text."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


CASE = {
    "id": "1",
    "title": "Onboarding 100%",
    "status": None,
    "created_at": "2024-03-31T12:00:00+02:00",
    "archived_at": None,
    "owner": None,
    "contacts": [
        {"given_name": "Ann", "family_name": "Lee", "email": None},
        {"given_name": "Bob", "family_name": "Roe"},
    ],
}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", True),
        ("archived", False),
        ("status = x or status != x", False),
        ("status is null and archived_at is null", True),
        ("owner.email is null", True),
        ("not owner.email = a@b.co", False),
        ("contact.given_name = Ann and contact.family_name = Lee", True),
        ("contact.given_name = Ann and contact.family_name = Roe", False),
        ("contact.given_name = Ann and not not contact.family_name = Roe", True),
        ("contact.given_name != Ann", True),
        ("not contact.given_name = Ann", False),
        ("contact.email is null", True),
        ("contact.email != a@b.co", False),
        ("title ~ 'Onboarding 100\\\\%'", True),
        ("title contains 'BOARDING 100%'", True),
        ("title ~ 'onboarding%'", False),
        ("title starts with on and title ends with '0%'", True),
        ("created_at = 2024-03-31T10:00:00Z", True),
        ("created_at on 2024-03", True),
        ("not created_at on 2024-03", False),
    ],
)
def test_examples(query: str, expected: bool) -> None:
    assert pqlang.predicate(query, "cases").matches(CASE) is expected


def test_a_missing_key_is_null() -> None:
    assert pqlang.predicate("title is null and contact.email is null", "cases").matches({}) is False
    assert pqlang.predicate("reference is null and not contact.email is null", "cases").matches({}) is True


@pytest.mark.parametrize("pattern", ["%", "a%b%c%d%", "%a_%a_%", "_" * 50 + "%", "%%%%%a", "a\\%b%"])
def test_patterns_are_looked_for_piece_by_piece(pattern: str) -> None:
    """No pattern takes more than its length times the text's, where `.*` for each `%` would take their power."""
    matcher(pattern, fold=False)("ab" * 20_000)
    assert matcher("%a" * 200, fold=True)("A" * 5000) is True
    assert matcher("%a" * 200 + "b%", fold=True)("A" * 5000) is False


@pytest.mark.parametrize(
    ("query", "record", "part"),
    [
        ("title = x", {"title": 3}, "`title` of a record holds a number, not text"),
        ("created_at > 2024-01-01", {"created_at": "soon"}, "not an ISO 8601 time"),
        ("contact.email = a@b.co", {"contacts": {"email": "a@b.co"}}, "not a list of objects"),
        ("owner.email = a@b.co", {"owner": "ann"}, "not an object"),
        ("title = x", [], "`the record` of a record holds a list, not an object"),
    ],
)
def test_a_record_of_another_shape_is_said_to_be_one(query: str, record: Any, part: str) -> None:
    with pytest.raises(PqlError, match=part):
        pqlang.predicate(query, "cases").matches(record)


@pytest.mark.parametrize("title", [None, "y"])
def test_a_record_is_looked_at_until_it_is_decided(title: str | None) -> None:
    """An unknown part of an `and` decides it as a false one does, but not below a `not` around a group."""
    record = {"title": title, "created_at": "soon", "contacts": [{"email": None}]}
    assert pqlang.predicate("title = x and created_at > 2024-01-01", "cases").matches(record) is False
    for query in ("title = x or created_at > 2024-01-01", "not (contact.email is null and created_at > 2024-01-01)"):
        with pytest.raises(PqlError, match="not an ISO 8601 time"):
            pqlang.predicate(query, "cases").matches(record)


def test_a_field_that_responses_do_not_carry_cannot_be_tested() -> None:
    with pytest.raises(PqlError) as raised:
        pqlang.predicate("title = x or not workspace.slug = acme", "cases")
    assert [(each.code, tuple(each.span)) for each in raised.value.diagnostics] == [("uncarried-field", (17, 38))]


def test_it_prints_as_pql_and_survives_pickling() -> None:
    test = pqlang.predicate("not (archived or title contains 'a b' and created_at < 2024-01-01)", "cases")
    assert str(test) == 'archived = false and (title not contains "a b" or created_at >= 2024-01-01)'
    assert pickle.loads(pickle.dumps(test)).matches(CASE) is True
    assert hash(test) == hash(pickle.loads(pickle.dumps(test)))
