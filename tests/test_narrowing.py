"""What somebody may not see is in no answer: an API whose every name is a secret of its own, asked in every way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from random import Random
from typing import Any

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

import pqlang
from pqlang import PENBOX, Endpoint, Field, Schema
from pqlang.schema import Active, Derived
from pqlang.searchbox import create_app
from pqlang.searchbox.narrowing import narrow

# An API of secrets


def secrets(count: int) -> list[str]:
    """Words that are like no other."""
    draw = Random(7)
    return ["".join(draw.choices("bcdfghjklmnpqrstvwxz", k=9)) for _ in range(count)]


WORDS = iter(secrets(2_000))


def disguised(endpoint: Endpoint) -> Endpoint:
    """The endpoint with a word of its own for every name, value and text, each text of one field naming the next."""
    words: dict[str, str] = {}

    def word(name: str) -> str:
        return words.setdefault(name, next(WORDS))

    def named(name: str) -> str:
        relation, _, _ = name.rpartition(".")
        return f"{word(f'the relation {relation}')}.{word(name)}" if relation else word(name)

    def field(each: Field, other: Field) -> Field:
        place, param, name = each.json, each.param, named(each.name)
        tells = f"like `{named(other.name)}`"
        return replace(
            each,
            name=name,
            description=tells,
            relation=each.relation and word(f"the relation {each.relation}"),
            values=tuple(f"{name[:4]}{next(WORDS)}" for _ in each.values),
            meanings=tuple(tells for _ in each.meanings),
            sort=each.sort and name,
            json=place
            and replace(
                place,
                name=name.rpartition(".")[2],
                relation=place.relation and word(f"the relation {place.relation}"),
                undocumented=place.undocumented and tells,
            ),
            param=param
            and replace(
                param,
                name=word(f"the parameter {name}"),
                many=param.many and word(f"the parameter of many {name}"),
                assumed=param.assumed,
            ),
            record=each.record and tuple(name.split(".")),
            derived=each.derived and Derived(named(each.derived.base), each.derived.when_null),
        )

    pairs = zip(endpoint.fields, (*endpoint.fields[1:], endpoint.fields[0]), strict=True)
    fields = tuple(field(each, other) for each, other in pairs)
    return replace(
        endpoint,
        fields=fields,
        description=f"holds `{fields[0].name}` and `{fields[1].name}`",
        search=endpoint.search and named(endpoint.search),
        always=endpoint.always and named(endpoint.always),
        active=endpoint.active and Active(named(endpoint.active.field), endpoint.active.value),
        default_sort=endpoint.default_sort and f"-{named(endpoint.default_sort.removeprefix('-'))}",
        examples=tuple(f"{each.name} is not null order by {each.name}" for each in fields),
    )


SECRET = Schema(PENBOX.api, tuple(disguised(each) for each in PENBOX.endpoints))


def told(endpoint: Endpoint, kept: set[str]) -> set[str]:
    """Every word that an answer to somebody who sees these fields must not have."""
    seen = [each for each in endpoint.fields if each.name in kept]
    words = {part for each in seen for part in each.name.split(".")}
    hidden = [each for each in endpoint.fields if each.name not in kept]
    names = {part for each in hidden for part in each.name.split(".")} - words
    parameters = {name for each in hidden if each.param for name in (each.param.name, each.param.many) if name}
    return names | parameters | {v for each in hidden for v in each.values}


def selections(endpoint: Endpoint) -> Iterator[set[str]]:
    """Fields to be seen: all but one, few, half."""
    names = [each.name for each in endpoint.fields]
    draw = Random(endpoint.name)
    special = {endpoint.search, endpoint.always, endpoint.active and endpoint.active.field}
    special |= {
        each.name for each in endpoint.fields if each.derived or (each.param and each.param.assumed is not None)
    }
    special |= {each.derived.base for each in endpoint.fields if each.derived}
    for name in sorted(each for each in special if each):
        yield set(names) - {name}
    for count in (1, 2, 5, len(names) // 2, len(names) - 3):
        yield set(draw.sample(names, count))


def asked(endpoint: Endpoint) -> Iterator[tuple[str, dict[str, Any]]]:
    """Questions of somebody who knows only this endpoint, right and wrong ones."""
    first, draw = endpoint.fields[0].name, Random(len(endpoint.fields))
    fields = draw.sample(endpoint.fields, min(2, len(endpoint.fields)))
    queries = ["", "x", "'free text'", "order by ", "order by x", "not x", "-x", "(", "x = 1"]
    for each in fields:
        name, value = each.name, (each.values or ("1",))[0]
        queries += [name, f"{name} = {value}", f"{name[:5]} = 1", f"{name.partition('.')[0]} = 1", f"{name}x = {value}"]
        queries += [f"{name} = {value} or {first} is null", f"not ({name} = {value} and {first} != 1)"]
        queries += [f"{name} is null or {name} is not null", f"{name} = a and {name} = b", f"{name} in (x, y)"]
        queries += [f"{name} ~ 'a%' and {name} ~ 'b%' order by {name}", f"{name} = {value} order by x"]
    at = {"endpoint": endpoint.name}
    for query in dict.fromkeys(queries):
        for target, scope in product((None, "params"), (None, "active")):
            yield "/compile", {"query": query, **at, "target": target, "scope": scope}
        yield "/check", {"query": query, **at}
        yield "/plan", {"query": query, **at, "disjoint": True, "scope": "active"}
        yield "/plan", {"query": query, **at, "broaden": True, "max_requests": 1}
        for cursor in {0, len(query) // 2, len(query)}:
            yield "/complete", {"query": query, **at, "cursor": cursor}
            yield "/describe", {"query": query, **at, "cursor": cursor}
    params = "&".join(f"{each.param.name}=1" for each in fields if each.param)
    for target in (
        params,
        "x=1",
        "sort=-x",
        '{"attributes":{"x":{"$eq":1}}}',
        '{"relationships":{"x":{}}}',
        "filter={",
    ):
        yield "/decompile", {"target": target, **at}
        yield "/decompile", {"target": f"/{endpoint.path.strip('/')}?{target}"}
    yield "/decompile", {"target": "/x?y=z"}


@pytest.mark.parametrize("endpoint", SECRET.endpoints, ids=lambda each: each.name)
def test_no_answer_tells_of_what_is_hidden(endpoint: Endpoint) -> None:
    def fields(request: Request, at: Endpoint) -> set[str]:
        return kept if at.name == endpoint.name else set()

    client, count = TestClient(create_app(SECRET, fields=fields)), 0
    for kept in selections(endpoint):
        seen = narrow(endpoint, kept)
        assert seen is not None
        secret = told(endpoint, {each.name for each in seen.fields})
        assert secret
        answers = [client.get(path).text for path in ("/schema", f"/schema/{endpoint.name}", "/openapi.json")]
        for path, body in asked(seen):
            response = client.post(path, json=body)
            assert response.status_code == 200, response.text
            answers.append(response.text)
        assert not [(word, each) for each in answers for word in secret if word in each]
        assert all(each.name in answers[1] for each in seen.fields)
        count += len(answers)
    assert count > 800


def test_the_secrets_would_be_found() -> None:
    """The same questions without narrowing do tell, so that the law above can fail."""
    endpoint = SECRET.endpoints[0]
    kept = {each.name for each in endpoint.fields[:5]}
    client, secret = TestClient(create_app(SECRET)), told(endpoint, kept)
    seen = narrow(endpoint, kept)
    assert seen is not None
    answers = [(path, client.post(path, json=body).text) for path, body in asked(seen)]
    telling = {path for path, text in answers if any(word in text for word in secret)}
    assert telling >= {"/compile", "/complete", "/decompile", "/describe", "/plan"}


def test_what_one_caller_was_told_is_not_remembered_for_another() -> None:
    """Requests are remembered from call to call: the endpoint as each caller sees it is part of what they go by."""
    client = TestClient(create_app(fields=lambda request, at: None if "x-all" in request.headers else ["title", "id"]))
    ask = {"query": "title = a", "endpoint": "cases", "scope": "active"}
    full = client.post("/compile", json=ask, headers={"X-All": "1"})
    for _ in range(2):
        narrowed = client.post("/compile", json=ask)
        assert ("archived" in full.text, "archived" in narrowed.text) == (True, False)
    assert client.post("/compile", json=ask, headers={"X-All": "1"}).text == full.text
    wrong = {"query": "archivd", "endpoint": "cases", "mode": "strict"}
    assert "archived" in client.post("/check", json=wrong, headers={"X-All": "1"}).text
    assert "archived" not in client.post("/check", json=wrong).text


def test_a_hidden_field_is_like_one_that_is_not_there() -> None:
    [endpoint, *_] = SECRET.endpoints
    unknown = "bbbbbbbbb"
    for hidden in endpoint.fields[:20]:
        if "." in hidden.name:
            continue
        kept = {each.name for each in endpoint.fields} - {hidden.name}
        client = TestClient(create_app(SECRET, fields=lambda request, at, kept=kept: kept))

        def say(path: str, template: str, name: str, key: str = "query", client: TestClient = client) -> str:
            body = {key: template.replace("NAME", name), "endpoint": endpoint.name}
            return client.post(path, json=body).text.replace(name, "NAME")

        for template in ("NAME", "NAME = 1", "not NAME", "NAME is null", "x = 1 order by NAME", "NAME.x = 1", "NAM"):
            for path in ("/check", "/compile", "/plan", "/complete", "/describe"):
                assert say(path, template, hidden.name) == say(path, template, unknown), (path, template)
        names = [(template, hidden.name) for template in ("sort=NAME", '{"attributes":{"NAME":{"$eq":"1"}}}')]
        names += [("NAME=1", hidden.param.name)] if hidden.param is not None else []
        for template, name in names:
            told_of = say("/decompile", template, name, "target")
            assert told_of == say("/decompile", template, unknown, "target"), template


# What is left means what it meant


def cases(*hidden: str) -> Endpoint:
    endpoint = PENBOX.endpoint("cases")
    assert endpoint is not None
    narrowed = narrow(endpoint, {each.name for each in endpoint.fields} - set(hidden))
    assert narrowed is not None
    return narrowed


def test_who_sees_everything_has_the_endpoint_itself() -> None:
    for endpoint in PENBOX.endpoints:
        assert narrow(endpoint, endpoint.by_name) is endpoint
        assert narrow(endpoint, [*endpoint.by_name, "colour"]) is endpoint
        assert narrow(endpoint, ["colour"]) is None
        assert narrow(endpoint, []) is None


def test_requests_mean_the_same_without_a_value_that_the_api_assumes() -> None:
    full, narrowed = PENBOX.endpoint("cases"), cases("archived")
    assert full is not None
    assert pqlang.compile("status = pending", narrowed).filter == {"attributes": {"status": {"$eq": "pending"}}}
    assert pqlang.compile("archived_at is null", narrowed).filter == {"attributes": {"archived_at": {"$eq": None}}}
    assert all(each.param is None for each in narrowed.fields)
    assert any(each.param is not None for each in cases("title").fields)


def test_a_derived_field_goes_with_its_base() -> None:
    assert not {"archived", "archived_at"} & cases("archived_at").by_name.keys()
    assert "archived_at" in cases("archived").by_name
    assert cases("archived_at").active is None


def test_texts_that_name_a_hidden_field_are_left_out() -> None:
    forms = PENBOX.endpoint("forms")
    assert forms is not None
    narrowed = narrow(forms, forms.by_name.keys() - {"active"})
    assert narrowed is not None
    full, left = forms.by_name["processed"].json, narrowed.by_name["processed"].json
    assert full is not None
    assert left is not None
    assert "`active`" in full.undocumented
    assert left.undocumented
    assert "active" not in left.undocumented
    assert narrowed.by_name["active_from"].description == forms.by_name["active_from"].description
    assert all("active" not in each.split() for each in narrowed.examples)
    assert set(narrowed.examples) < set(forms.examples)


@pytest.mark.parametrize("given", ["title", 3, [["title"]]])
def test_a_host_that_gives_no_names_shows_nothing(given: Any, caplog: pytest.LogCaptureFixture) -> None:
    client = TestClient(create_app(fields=lambda request, endpoint: given))
    response = client.get("/schema")
    assert response.status_code == 500
    assert "title" not in response.text


def test_who_sees_nothing_of_an_endpoint_does_not_learn_of_it() -> None:
    async def fields(request: Request, endpoint: Endpoint) -> Iterator[str] | None:
        return None if endpoint.name == "forms" else iter(())

    client = TestClient(create_app(fields=fields))
    assert [each["name"] for each in client.get("/schema").json()] == ["forms"]

    def ask(name: str) -> str:
        return client.post("/check", json={"query": "x", "endpoint": name}).text.replace(f"`{name}`", "")

    answers = [
        ask("cases"),
        ask("case"),
        ask("forms"),
        client.get("/openapi.json").text,
        client.get("/schema/cases").text,
    ]
    answers.append(client.post("/decompile", json={"target": "/case?x=y"}).text.replace("/case?x=y", ""))
    answers.append(client.post("/decompile", json={"target": "x=y"}).text)
    assert not [each for each in answers if "cases" in each or "case_" in each]
    assert ask("cases") == ask("bases")
    private = client.get("/schema/forms")
    assert private.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize(
    "target",
    ["", "x=y", "/cases?status=x", "https://connect.penbox.io/v1/cases/count", '{"attributes":{}}', {"a": "b"}],
)
def test_who_may_see_nothing_has_nothing_read_back(target: object) -> None:
    client = TestClient(create_app(fields=lambda request, endpoint: []))
    answer = client.post("/decompile", json={"target": target})
    assert (answer.status_code, answer.json()["ok"]) == (200, False)
    assert "forms" not in answer.text
    assert client.get("/schema").json() == []
    assert client.get("/openapi.json").json()["components"]["schemas"]["EndpointName"]["not"] == {}


def test_who_may_see_nothing_is_told_of_no_endpoint() -> None:
    one = Schema(SECRET.api, SECRET.endpoints[:1])
    client = TestClient(create_app(one, fields=lambda request, endpoint: []))
    answer = client.post("/complete", json={"query": "", "endpoint": one.names[0], "cursor": 0})
    assert answer.status_code == 422
    assert answer.text == client.post("/complete", json={"query": "", "endpoint": "other", "cursor": 0}).text.replace(
        "other", one.names[0]
    )
