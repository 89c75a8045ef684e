"""Malformed bodies: each is told what is wrong with it, where, and what it has to be, in our words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import product
from random import Random
from typing import Any

import pytest
from starlette.testclient import TestClient

from pqlang.searchbox import bodies, create_app
from pqlang.searchbox.answers import Found
from pqlang.searchbox.openapi import QUESTIONS
from pqlang.searchbox.problems import MOST_TOLD, Malformed

KEYS = "its keys are `query`, `endpoint`, `mode`, `scope`, `target`, `variables`, `now` and `tz`"
NUMBER = "is no number that can be sent: JSON has no `NaN` and no `Infinity`, and a number goes up to 1e308"
HALF = "holds half a pair of surrogates, which is no Unicode text"
SCALAR = "a text, a number, a boolean or null"
#: What each question has to have.
LEAST: dict[str, dict[str, Any]] = {
    each.path: {name: "cases" if name == "endpoint" else "title = a" for name in least}
    for each in QUESTIONS
    if (least := [name for name, field in each.ask.model_fields.items() if field.is_required()])
}


async def none(*asked: object, **how: object) -> Found:
    return Found([], 0)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(create_app(rows=none)) as client:
        yield client


def refused(client: TestClient, path: str, body: str | bytes) -> dict[str, Any]:
    response = client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 422, response.text
    said = response.json()
    assert (said["ok"], said["error"]["code"]) == (False, "malformed")
    error: dict[str, Any] = said["error"]
    return error


# Bytes that are no JSON


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body is empty: it must be a JSON object"),
        (b" \r\n\t", "the body is empty: it must be a JSON object"),
        (b"\xff\xfe{\x00", "the body is not UTF-8: byte 1 is in no character"),
        (b'{"query": "\xed\xa0\x80"}', "the body is not UTF-8: byte 12 is in no character"),
        (b"[]", "the body must be a JSON object, not a list"),
        (b"null", "the body must be a JSON object, not null"),
        (b"true", "the body must be a JSON object, not true"),
        (b"12", "the body must be a JSON object, not 12"),
        (b'"status = draft"', 'the body must be a JSON object, not the text "status = draft"'),
        (
            b"{",
            "line 1, column 2 of the body: this is not JSON: expected a key in double quotes, found the end; "
            "the text ends too early",
        ),
        (
            b"{'query': 1}",
            "line 1, column 2 of the body: this is not JSON: expected a key in double quotes, found `'`; "
            "JSON has double quotes alone",
        ),
        (
            b'{"query": "a",}',
            "line 1, column 15 of the body: this is not JSON: expected a key after the comma, found `}`",
        ),
        (
            '{"query": "é😀",\n "endpoint" "cases"}'.encode(),
            'line 2, column 13 of the body: this is not JSON: expected `:` after a key, found `"cases"`',
        ),
        (
            b'{"disjoint": True}',
            "line 1, column 14 of the body: this is not JSON: expected a value, found `True`; "
            "in JSON it is written `true`",
        ),
        (
            b'{"query": "a\nb"}',
            'line 1, column 11 of the body: this is not JSON: expected a value, found `"`; the text it opens is not '
            "closed, or holds a line end, a control character or an unknown escape",
        ),
        (b"query=a", None),
        (b"[" * 60_000, "line 1, column 65 of the body: objects and lists are nested deeper than the limit of 64"),
    ],
)
def test_bytes_that_are_no_json_object(client: TestClient, body: bytes, message: str | None) -> None:
    message = message or (
        "line 1, column 1 of the body: this is not JSON: expected a value, found `query`; "
        "JSON puts keys and texts in double quotes"
    )
    assert refused(client, "/check", body) == {
        "code": "malformed",
        "message": message,
        "problems": [{"at": [], "message": message}],
    }


@pytest.mark.parametrize(
    ("inside", "at", "what"),
    [
        ('"query": "b"', ["query"], "`query` stands twice"),
        ('"variables": {"a": 1, "b": {}, "a": 2}', ["variables", "a"], "`variables.a` stands twice"),
        ('"variables": {"a": NaN}', ["variables", "a"], f"`variables.a` {NUMBER}"),
        ('"variables": {"a": [1, -Infinity]}', ["variables", "a", 1], f"`variables.a[1]` {NUMBER}"),
        ('"now": 1e999', ["now"], f"`now` {NUMBER}"),
        (f'"now": {"9" * 5_000}', ["now"], f"`now` {NUMBER}"),
        ('"tz": "\\ud800"', ["tz"], f"`tz` {HALF}"),
        ('"variables": {"a": ["\\udc00\\ud800"]}', ["variables", "a", 0], f"`variables.a[0]` {HALF}"),
        (
            '"variables": {"\\ud800": 1, "b": 1}',
            ["variables"],
            "`variables` has a key that holds half a pair of surrogates, which is no Unicode text",
        ),
    ],
)
def test_what_python_reads_and_json_or_unicode_has_not(
    client: TestClient, inside: str, at: list[Any], what: str
) -> None:
    error = refused(client, "/check", f'{{"query": "a", "endpoint": "cases", {inside}}}')
    assert error["problems"] == [{"at": at, "message": what}]


def test_what_is_right_in_every_spelling(client: TestClient) -> None:
    for body in (
        '\ufeff{"query": "a", "endpoint": "cases"}',  # a byte order mark
        '{"query": "\\ud83d\\ude00", "endpoint": "cases"}',
        ' { "query" : "a" ,\r\n "endpoint":"cases"}\t',
        '{"query": "title = $a", "endpoint": "cases", "variables": {"a": "\\u0000é"}}',
    ):
        response = client.post("/check", content=body.encode(), headers={"Content-Type": "application/json"})
        assert response.status_code == 200, response.text


def test_the_two_readers_agree() -> None:
    """What the fast one takes the other would take, and where it gives up there is always something to say."""
    draw, taken, told = Random(20241122), 0, 0
    alphabet = ["{", "}", "[", "]", ":", ",", '"', "1", "-", ".", "e5", "true", "NaN", "\\", "\\u00e9", "a", " ", "\n"]
    whole = '{"a": [1, -2.5e3, "x\\n\\u0041", true, null], "b": {"c": {}, "d": []}, "e": "é😀"}'
    for _ in range(20_000):
        at, end = sorted((draw.randrange(len(whole)), draw.randrange(len(whole))))
        text = whole[:at] + draw.choice(alphabet) * draw.randrange(3) + whole[draw.choice([at, at + 1, end]) :]
        try:
            value = bodies.read(text.encode())
        except Malformed as error:
            told += all(each.message for each in error.problems) and len(error.problems) > 0
        else:
            assert value == json.loads(text)
            taken += 1
    assert taken + told == 20_000
    assert min(taken, told) > 2_000


# JSON that is no question


@pytest.mark.parametrize(
    ("path", "changed", "at", "message"),
    [
        ("/compile", {"query": 1}, ["query"], "`query` must be a text, not 1"),
        ("/compile", {"query": 10**400}, ["query"], "`query` must be a text, not a number of over 20 digits"),
        ("/compile", {"endpoint": ["cases"]}, ["endpoint"], "`endpoint` must be a text, not a list"),
        ("/compile", {"endpoint": "case"}, ["endpoint"], "there is no endpoint `case`; the closest is `cases`"),
        ("/compile", {"colour": 1}, ["colour"], f"`colour` is no key of this question; {KEYS}"),
        (
            "/compile",
            {"varables": {}},
            ["varables"],
            "`varables` is no key of this question; the closest is `variables`",
        ),
        ("/compile", {"a b": 1}, ["a b"], f'`["a b"]` is no key of this question; {KEYS}'),
        ("/compile", {"": 1}, [""], f'`[""]` is no key of this question; {KEYS}'),
        (
            "/compile",
            {"target": "sql"},
            ["target"],
            '`target` must be `auto`, `json` or `params`, not the text "sql"',
        ),
        ("/compile", {"mode": ""}, ["mode"], "`mode` must be `search` or `strict`, not an empty text"),
        ("/compile", {"scope": "all"}, ["scope"], '`scope` must be `active`, not the text "all"'),
        (
            "/compile",
            {"now": "yesterday"},
            ["now"],
            "`now` must be a time with its offset, not 'yesterday'; for example `2024-01-15T12:00:00Z`",
        ),
        (
            "/compile",
            {"now": "2024-01-01T00:00:00"},
            ["now"],
            "`now` must be a time with its offset, not '2024-01-01T00:00:00'; for example `2024-01-15T12:00:00Z`",
        ),
        ("/compile", {"tz": 1}, ["tz"], "`tz` must be a text, not 1"),
        (
            "/compile",
            {"tz": "Europe/Brusels"},
            ["tz"],
            "there is no time zone `Europe/Brusels`; the closest is `Europe/Brussels`",
        ),
        (
            "/compile",
            {"tz": "../../etc/passwd"},
            ["tz"],
            "there is no time zone `../../etc/passwd`; zones are named as in `UTC` or `Europe/Brussels`",
        ),
        ("/compile", {"variables": []}, ["variables"], "`variables` must be an object, not a list"),
        (
            "/compile",
            {"variables": {"a": {}}},
            ["variables", "a"],
            "`variables.a` must be a text, a number, a boolean, null, or a list of these, not an object",
        ),
        (
            "/compile",
            {"variables": {"a": [1, [2]]}},
            ["variables", "a", 1],
            f"`variables.a[1]` must be {SCALAR}, not a list",
        ),
        (
            "/describe",
            {"variables": {"str": [{"int": 1}]}},
            ["variables", "str", 0],
            f"`variables.str[0]` must be {SCALAR}, not an object",
        ),
        (
            "/plan",
            {"max_requests": 101},
            ["max_requests"],
            "`max_requests` must be a whole number from 1 to 100, not 101",
        ),
        (
            "/plan",
            {"max_requests": "3"},
            ["max_requests"],
            '`max_requests` must be a whole number from 1 to 100, not the text "3"',
        ),
        ("/plan", {"disjoint": 1}, ["disjoint"], "`disjoint` must be true or false, not 1"),
        ("/complete", {"cursor": -1}, ["cursor"], "`cursor` must be a whole number from 0 on, not -1"),
        ("/complete", {"cursor": 1.5}, ["cursor"], "`cursor` must be a whole number from 0 on, not 1.5"),
        ("/complete", {"cursor": True}, ["cursor"], "`cursor` must be a whole number from 0 on, not true"),
        ("/complete", {"cursor": 1, "utf16_cursor": 1}, [], "give `cursor` or `utf16_cursor`, not both"),
        ("/complete", {"variables": ["a", 1]}, ["variables", 1], "`variables[1]` must be a text, not 1"),
        ("/complete", {"variables": {}}, ["variables"], "`variables` must be a list, not an object"),
        ("/format", {"width": 0}, ["width"], "`width` must be a whole number from 1 on, not 0"),
        ("/decompile", {"target": 1}, ["target"], "`target` must be a text or an object, not 1"),
        ("/decompile", {"target": None}, ["target"], "`target` must be a text or an object, not null"),
        ("/decompile", {"endpoint": "form"}, ["endpoint"], "there is no endpoint `form`; the closest is `forms`"),
        (
            "/rows",
            {"tz": "UTC"},
            ["tz"],
            "`tz` is no key of this question; its keys are `query`, `endpoint`, `mode` and `scope`",
        ),
    ],
)
def test_a_value_that_does_not_fit(
    client: TestClient, path: str, changed: dict[str, Any], at: list[Any], message: str
) -> None:
    [problem] = refused(client, path, json.dumps({**LEAST[path], **changed}))["problems"]
    assert problem["at"] == at
    assert problem["message"] == message


@pytest.mark.parametrize("path", LEAST)
def test_what_is_missing(client: TestClient, path: str) -> None:
    said = {
        "query": "`query` is missing: the text of a query",
        "endpoint": "`endpoint` is missing: the name of an endpoint; `GET /schema` lists them",
        "target": "`target` is missing: a URL, a query string, or a JSON filter",
    }
    error = refused(client, path, "{}")
    assert error["problems"] == [{"at": [name], "message": said[name]} for name in LEAST[path]]
    first, *others = LEAST[path]
    assert error["message"] == said[first] + ("; and 1 more problem" if others else "")


def test_every_problem_is_told_but_not_thousands(client: TestClient) -> None:
    error = refused(client, "/compile", json.dumps({**LEAST["/compile"], "query": 1, "tz": 2, "colour": 3}))
    assert [each["at"] for each in error["problems"]] == [["query"], ["tz"], ["colour"]]
    assert error["message"] == "`query` must be a text, not 1; and 2 more problems"
    many = {f"k{at}": 1 for at in range(4_000)}
    assert len(refused(client, "/compile", json.dumps(many))["problems"]) == MOST_TOLD
    halves = '{"variables": [' + ", ".join(['"\\ud800"'] * 4_000) + "]}"
    assert len(refused(client, "/compile", halves)["problems"]) == MOST_TOLD


def test_a_long_key_is_cut(client: TestClient) -> None:
    [problem] = refused(client, "/check", json.dumps({**LEAST["/check"], "x" * 5_000: 1}))["problems"]
    assert problem["at"] == ["x" * 100]
    assert len(problem["message"]) < 300


def test_null_is_the_same_as_no_key_where_there_need_be_none(client: TestClient) -> None:
    for each in QUESTIONS:
        least = LEAST[each.path]
        nulls = dict.fromkeys(each.ask.model_fields) | least
        assert client.post(each.path, json=nulls).json() == client.post(each.path, json=least).json()


VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    2.0,
    10**40,
    "",
    "x",
    "1",
    [],
    [[]],
    [None],
    {},
    {"": {}},
    {"a": [{}]},
]
INSIDES = re.compile(r"input should|valid|union|nullable|tagged|function|dict\[|list\[|Ask|pydantic|None|Error", re.I)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda each: each.path)
def test_no_message_shows_what_it_is_made_with(client: TestClient, question: Any) -> None:
    told = 0
    for name, value in product([*question.ask.model_fields, "other"], VALUES):
        body = {**LEAST[question.path], name: value}
        response = client.post(question.path, json=body)
        assert response.status_code in (200, 422), response.text
        if response.status_code == 200:
            assert name != "other"
            continue
        told += 1
        [problem] = response.json()["error"]["problems"]
        at, message = problem["at"], problem["message"]
        assert at[0] == name
        found: Any = body
        for key in at:  # every place can be found in the body that was sent
            found = found[key]
        assert not INSIDES.search(message), message
        assert message.startswith(("`", "there is no ")), message
        assert re.search(r"must be .+, not |is no key of this question; |there is no .+; ", message), message
    assert told > 2 * len(VALUES)
