"""Requests read back: the laws that hold of each, the examples of Penbox's pages, and what is wrong with others.

The command `pql decompile` is tried here too.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given, reject
from hypothesis import strategies as st
from reference import filter_selects, params_select, selects
from strategies import (
    Draw,
    _constants,
    asked_of,
    conditions,
    conjunctions,
    endpoints,
    examples,
    records,
    seeds,
    written,
)

import pqlang
from pqlang import PENBOX, Diagnostic, Endpoint, Limits, PqlError, Request, Severity, Source, cli, rendering
from pqlang.condition import All, Condition, Moment, Op
from pqlang.condition import Test as Asks
from pqlang.decompiler import Reading, decompile, read_target
from pqlang.patterns import escape
from pqlang.schema import Field, Match

ROOT = Path(__file__).parent.parent
at_any_endpoint = st.one_of(endpoints(), st.sampled_from(PENBOX.endpoints))


# Requests that `compile` makes


@dataclass(frozen=True)
class Asked:
    """A request, and the query that it was made of."""

    query: str
    request: Request


@st.composite
def by_parameters(draw: Draw, endpoint: Endpoint) -> Condition:
    """What direct parameters can say: some of them, each once."""
    fields = [field for field in endpoint.fields if field.param is not None]
    tests = [draw(by_parameter(field)) for field in fields if draw(st.booleans())]
    return All(tuple(draw(st.permutations(tests)))) if tests else Asks(endpoint.fields[0], Op.NOT_NULL, None)


@st.composite
def by_parameter(draw: Draw, field: Field) -> Asks:
    """A test that the field's parameter says, where it takes the value."""
    assert field.param is not None
    values = st.sampled_from([value for value in _constants(field) if value != ""])
    if field.param.match is Match.PART:
        return Asks(field, Op.ILIKE, f"%{escape(draw(values))}%")
    if field.param.many is not None and draw(st.booleans()):
        return Asks(field, Op.IN, tuple(draw(st.lists(values, min_size=2, max_size=3, unique=True))))
    return Asks(field, Op.EQ, draw(values))


@st.composite
def requests(draw: Draw) -> Asked:
    """A request for a few fields of an endpoint, by any target that can say it."""
    endpoint = draw(at_any_endpoint)
    fields = draw(st.lists(st.sampled_from(endpoint.fields), min_size=1, max_size=5))
    several = st.one_of(
        conjunctions(endpoint.fields), conditions(fields, 1), by_parameters(endpoint), by_parameters(endpoint)
    )
    query = "" if draw(st.integers(0, 19)) == 7 else written(draw(several))
    sortable = [field.name for field in endpoint.fields if field.sort is not None]
    if sortable and draw(st.booleans()):
        query += f" order by {draw(st.sampled_from(sortable))}{draw(st.sampled_from(('', ' desc')))}"
    for target in draw(st.permutations(("json", "params", "params"))):
        try:
            return Asked(query, pqlang.compile(query, endpoint, target=target, variables={"none": []}))
        except PqlError:
            continue
    reject()


def target_of(request: Request) -> str:
    """How the request asks: without a condition, by parameters whatever was wanted."""
    return "json" if request.filter is not None else "params"


def written_out(params: Mapping[str, Any], endpoint: Endpoint) -> dict[str, Any]:
    """Direct parameters, those whose value the API assumes among them."""
    made = dict(params)
    for field in endpoint.assumed:
        assert field.param is not None
        text = str(field.param.assumed).lower() if isinstance(field.param.assumed, bool) else field.param.assumed
        if field.param.name not in params and field.param.many not in params:
            made[field.param.name] = text
    return made


def check_canonical(text: str, endpoint: Endpoint) -> None:
    assert pqlang.format(text) == text
    errors = [each for each in pqlang.check(text, endpoint) if each.severity is Severity.ERROR]
    assert errors == []


def spellings(request: Request) -> list[Any]:
    """Everything that the request can be given as."""
    parts: list[Any] = [request.params, request.query_string, request.url(), request.url("http://localhost:80/x/")]
    parts += [request.page(3, 10), request.url().replace("%20", "+"), "?" + request.query_string]
    if request.filter is not None and request.sort is None:
        parts += [request.filter, json.dumps(request.filter), json.dumps(request.filter, indent=2, ensure_ascii=False)]
    for params in (request.params, dict(reversed(request.params.items()))):
        listed = ((name, [value] if isinstance(value, str) else value) for name, value in params.items())
        pairs = [(name, each) for name, values in listed for each in values]
        parts.append("&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs))
        parts.append("&".join(f"{encoded(name)}={encoded(value)}" for name, value in pairs))
    return parts


def encoded(text: str) -> str:
    """Every byte as an escape, in lower case."""
    return "".join(f"%{byte:02x}" for byte in text.encode())


@examples(1500)
@given(requests())
def test_a_request_reads_back_as_itself(asked: Asked) -> None:
    request = asked.request
    endpoint, target = request.endpoint, target_of(request)
    for given_as in spellings(request):
        text = decompile(given_as, endpoint)
        check_canonical(text, endpoint)
        again = pqlang.compile(text, endpoint, target=target)
        if target == "json":
            assert again.filter == request.filter, text
            assert again.sort == request.sort
        else:
            assert again.params == written_out(request.params, endpoint), text


@examples(300)
@given(requests())
def test_a_count_reads_back_without_its_order(asked: Asked) -> None:
    request = asked.request
    text = decompile(request.count(), request.endpoint)
    assert text == decompile(request.url(), request.endpoint).partition(" order by ")[0] or text == ""
    assert " order by " not in text


@examples(300)
@given(requests())
def test_a_url_names_its_endpoint(asked: Asked) -> None:
    request = asked.request
    schema = (
        PENBOX if request.endpoint in PENBOX.endpoints else pqlang.Schema(request.endpoint.api, (request.endpoint,))
    )
    assert decompile(request.url(), schema=schema) == decompile(request.params, request.endpoint)


# Requests that somebody else makes


@st.composite
def filters(draw: Draw) -> tuple[Endpoint, dict[str, Any], Condition]:
    """A filter, and the condition that it is: of any field and operator once."""
    endpoint = draw(at_any_endpoint)
    places = [field for field in endpoint.fields if field.json is not None]
    if not places:
        return endpoint, {}, All(())
    own = asked_of(draw(st.lists(st.sampled_from(places), min_size=1, max_size=4)))
    tests = draw(st.lists(own.filter(lambda test: test.op in endpoint.operators_of), min_size=1, max_size=5))
    made: dict[str, Any] = {}
    kept = {}
    for test in tests:
        place, operator = test.field.json, endpoint.operators_of[test.op]
        assert place is not None
        value = test.value.text if isinstance(test.value, Moment) else test.value
        holder = made if place.relation is None else made.setdefault("relationships", {}).setdefault(place.relation, {})
        holder = holder if place.is_id else holder.setdefault("attributes", {})
        holder.setdefault(place.name, {})[operator] = value
        kept[test.field.name, operator] = test
    return endpoint, made, All(tuple(kept.values()))


@examples(1500)
@given(filters(), seeds)
def test_any_filter_reads_back_as_itself(made: tuple[Endpoint, dict[str, Any], Condition], seed: int) -> None:
    endpoint, filter, condition = made
    if not filter:
        return
    text = decompile(filter, endpoint)
    check_canonical(text, endpoint)
    assert pqlang.compile(text, endpoint, target="json").filter == filter
    if endpoint not in PENBOX.endpoints:
        for record in records(endpoint, seed, 8):
            assert filter_selects(filter, record, endpoint) == selects(condition, record, endpoint)


def parameter_texts(endpoint: Endpoint) -> st.SearchStrategy[dict[str, Any]]:
    """Parameters with values of their types, in spellings that `compile` does not choose."""
    texts: dict[str, st.SearchStrategy[Any]] = {}
    for field in endpoint.fields:
        if field.param is None:
            continue
        values = {
            "boolean": ("true", "false"), "integer": ("1", "-2", "007"), "number": ("1", "1.50", "2e3", "-0"),
            "datetime": ("2024-01-01", "2024-01-01T02:00:00+01:00", "2024-01-01T00:00:00.5Z"), "date": ("2024-01-01",),
            "enum": field.values,
        }.get(field.type, ("a", "null", "5", "now-7d", "A b", "ß%", "\\", '"', "x&y=z+#", "true"))  # fmt: skip
        texts[field.param.name] = st.sampled_from(
            [value for value in values if not set(value) & set(field.param.refuses)]
        )
        if field.param.many is not None:
            texts[field.param.many] = st.lists(texts[field.param.name], min_size=1, max_size=3)
    return st.fixed_dictionaries({}, optional=texts)


@examples(1500)
@given(endpoints().flatmap(lambda endpoint: st.tuples(st.just(endpoint), parameter_texts(endpoint))), seeds)
def test_any_parameters_read_back_as_what_they_mean(made: tuple[Endpoint, dict[str, Any]], seed: int) -> None:
    endpoint, params = made
    both = {field.param.name for field in endpoint.fields if field.param and field.param.many in params}
    params = {name: value for name, value in params.items() if name not in both}
    text = decompile(params, endpoint)
    check_canonical(text, endpoint)
    tests = pqlang.compiler.analyse(text, endpoint, target=None).meaning
    condition: Condition = All(()) if tests is None or tests.condition is None else tests.condition
    for record in records(endpoint, seed, 8):
        assert params_select(params, record, endpoint) == selects(condition, record, endpoint), text


# Anything at all


def check_diagnostics(problems: Sequence[Diagnostic], source: Source) -> None:
    for problem in problems:
        assert problem.code
        for span in (problem.span, *(edit.span for edit in problem.suggestions)):
            assert 0 <= span.start <= span.end <= len(source.text), problem
        rendering.to_text(problem, source)
        rendering.to_json(problem, source)


def check_reading(target: Any, endpoint: str | None) -> None:
    try:
        reading = read_target(target, endpoint)
    except PqlError as error:
        check_diagnostics(error.diagnostics, error.source)
        return
    check_diagnostics(reading.diagnostics, reading.source)
    assert (reading.text is None) == any(each.severity is Severity.ERROR for each in reading.diagnostics)
    if reading.text is None:
        with pytest.raises(PqlError):
            decompile(target, endpoint)
    else:
        assert reading.endpoint is not None
        check_canonical(reading.text, reading.endpoint)


PIECES = (
    "https://connect.penbox.io/v1/cases", "/forms", "/count", "cases", "?", "&", "=", "#", "/", "://", "status",
    "filter=", "sort=", "-title", "title", "page[number]=2", "archived=", "true", "false", "flow[slug][]=", "%",
    "%25", "%7B", "%22", "%ff", "%F0%9F%98%80", "%00", "%ed%a0%80", "+", "{", "}", "[", "]", '"', "'", ":", ",", "\\",
    "\\u", "\\ud800", "null", "NaN", "-", "1", "1e999", "9" * 30, '"attributes"', '"relationships"', '"owner"',
    '"id"', '"status"', '"created_at"', '"title"', '"$eq"', '"$ilike"', '"$gt"', '{"attributes":{"', '":{"$eq":',
    "}}}", "\0", "\ud800", "é", " ", "\n",
)  # fmt: skip
hostile = st.one_of(
    st.text(max_size=20),
    st.lists(st.sampled_from(PIECES), max_size=14).map("".join),
    st.lists(st.sampled_from(PIECES), max_size=14).map(lambda parts: "{" + "".join(parts)),
    st.lists(st.sampled_from(PIECES), max_size=14).map(lambda parts: "/cases?filter={" + "".join(parts)),
)


@st.composite
def broken_requests(draw: Draw) -> str:
    """A request with a few accidents."""
    text: str = draw(st.sampled_from(spellings(draw(requests()).request)).filter(lambda each: isinstance(each, str)))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 4)))
        text = text[:start] + draw(st.sampled_from(("", *PIECES))) + text[end:]
    return text


@examples(3000)
@given(hostile | broken_requests(), st.sampled_from((None, *PENBOX.names)))
@example("?", "cases")
@example("#", "cases")
@example("//", None)
@example("https://cases", None)
def test_any_text_gives_a_query_or_problems_inside_it(text: str, endpoint: str | None) -> None:
    check_reading(text, endpoint)


KEYS = st.sampled_from(
    ("attributes", "relationships", "owner", "status", "created_at", "id", "$eq", "$gt", "filter", "sort", "")
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4), st.sampled_from(PIECES),
    st.binary(max_size=2), st.dates(), st.builds(lambda: 10**5000), st.just(object()),
)  # fmt: skip
json_like = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KEYS, inner, max_size=3)
        | st.dictionaries(KEYS | scalars.filter(lambda key: key == key), inner, max_size=2)
        | st.tuples(inner)
    ),
    max_leaves=8,
)


@examples(2000)
@given(json_like | st.dictionaries(KEYS, json_like, max_size=3), st.sampled_from(PENBOX.names))
def test_any_value_gives_a_query_or_problems_inside_its_json(value: Any, endpoint: str) -> None:
    check_reading(value, endpoint)


MANY = 60_000


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("x" * 200_000, "too-long"),
        ('{"a":' * 20_000, "too-deep"),
        ('{"a":[' * 10_000, "too-deep"),
        ("/cases?filter=" + "%7B%22a%22%3A" * 10_000, "too-deep"),
        ("status=" + "é" * 20_000, "too-long"),
        ("&" * MANY, None),
        ("a=&" * MANY, "unknown-parameter"),
        ("archived=x&" * (MANY // 4), "wrong-value"),
        ("%" * MANY, "bad-encoding"),
        ("{" + ",".join(['"a":1'] * 30_000) + "}", "bad-json"),
        ("&".join(f"owner[id]={n}" for n in range(9_000)), "repeated-parameter"),
        ('{"attributes":{' + ",".join(f'"a{n}":{{}}' for n in range(9_000)) + "}}", "unknown-field"),
        ('{"attributes":{"created_at":{"$gt":' + "9" * 100_000 + "}}}", "wrong-value"),
        ({"attributes": {"title": {"$eq": "x" * 200_000}}}, "too-long"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_large_input_is_answered_soon(target: Any, code: str | None) -> None:
    reading = read_target(target, "cases")
    assert len(reading.diagnostics) < 120
    check_diagnostics(reading.diagnostics, reading.source)
    codes = [problem.code for problem in reading.diagnostics]
    assert code in codes if code else reading.text == "archived = false"


@pytest.mark.parametrize(
    ("target", "codes"),
    [
        ('curl "https://connect.penbox.io/v1/cases?status=a"', ["bad-encoding"]),
        ("https://connect.penbox.io/v1/cases?status=a HTTP/1.1", ["bad-encoding"]),
        ("/cases?status=my case", ["bad-encoding"]),
        ('/cases?filter={"attributes": {"status": {"$eq": "my case"}}}', []),
    ],
)
def test_what_is_around_a_url_is_seen(target: str, codes: list[str]) -> None:
    assert [each.code for each in read_target(target, "cases").diagnostics] == codes


def test_many_warnings_hide_no_condition() -> None:
    many = "page[number]=2&owner[id]=x&" * 100
    assert decompile(many + "status=a", "cases") == "archived = false and owner.id = x and status = a"
    filter = '&filter={"attributes":{"title":{"$eq":"a"}}}'
    assert decompile(many + filter, "cases") == "title = a"


def test_values_inside_themselves_are_too_deep() -> None:
    circle: dict[str, Any] = {}
    circle["attributes"] = circle
    assert [each.code for each in read_target(circle, "cases").diagnostics] == ["too-deep"]


def test_limits_are_arguments() -> None:
    assert decompile("status=draft", "cases", limits=Limits(length=100))
    for target in ("status=" + "x" * 130, "status=" + "%C3%A9" * 8):
        with pytest.raises(PqlError) as caught:
            decompile(target, "cases", limits=Limits(length=10))
        assert [each.code for each in caught.value.diagnostics] == ["too-long"]
    with pytest.raises(PqlError):
        decompile({"flow[slug][]": ["a", "b", "c"]}, "forms", limits=Limits(values=2))


# The examples of Penbox's two pages; what stands there as "[email protected]" is a value like any other

MAIL = "user@example.com"
SEVEN_DAYS_AGO = "2024-01-08T12:00:00.000Z"


def attributes(**fields: Any) -> dict[str, Any]:
    """A filter of attributes; `created_at__gt=x` is `{"created_at": {"$gt": x}}`."""
    made: dict[str, Any] = {}
    for name, value in fields.items():
        field, _, op = name.partition("__")
        made.setdefault(field, {})[f"${op or 'eq'}"] = value
    return {"attributes": made}


def related(**relations: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in relations.items():
        relation, _, field = name.partition("__")
        made[relation] = {"id": {"$eq": value}} if field == "id" else {"attributes": {field: {"$eq": value}}}
    return {"relationships": made}


SEEDS: list[tuple[str, Any, str]] = [
    ("cases", "https://connect.penbox.io/v1/cases", "archived = false"),
    (
        "cases",
        "/v1/cases?workspace[id]=abc-123&owner[email]=[email protected]&status=pending",
        'archived = false and workspace.id = abc-123 and owner.email = "[email protected]" and status = pending',
    ),
    (
        "cases",
        {"workspace[id]": "abc-123", "owner[email]": MAIL, "archived": "false"},
        f"workspace.id = abc-123 and owner.email = {MAIL} and archived = false",
    ),
    ("cases", '/v1/cases?filter={"attributes":{"created_at":{"$gt":"2024-01-01"}}}', "created_at > 2024-01-01"),
    (
        "cases",
        attributes(created_at__gt="2024-01-01T00:00:00Z", status__ne="draft") | related(owner__email=MAIL),
        f"created_at > 2024-01-01T00:00:00Z and status != draft and owner.email = {MAIL}",
    ),
    ("cases", attributes(status="pending"), "status = pending"),
    ("cases", attributes(status__ne="draft"), "status != draft"),
    ("cases", attributes(created_at__gt="2024-01-01"), "created_at > 2024-01-01"),
    ("cases", attributes(created_at__lt="2024-12-31"), "created_at < 2024-12-31"),
    ("cases", attributes(created_at__ge="2024-01-01"), "created_at >= 2024-01-01"),
    ("cases", attributes(created_at__le="2024-12-31"), "created_at <= 2024-12-31"),
    ("cases", attributes(title__like="%onboarding%"), "title ~ %onboarding%"),
    ("cases", attributes(title__ilike="%Customer%"), "title contains Customer"),
    (
        "cases",
        attributes(status="pending", archived_at=None, created_at__gt="2024-01-01T00:00:00Z"),
        "status = pending and archived = false and created_at > 2024-01-01T00:00:00Z",
    ),
    (
        "cases",
        related(owner__id="abc-123", company__slug="acme-corp"),
        "owner.id = abc-123 and company.slug = acme-corp",
    ),
    (
        "cases",
        "/v1/cases?template[id]=template-123&workspace[slug]=acme&parent_status=in_progress",
        "archived = false and template.id = template-123 and workspace.slug = acme and parent_status = in_progress",
    ),
    (
        "cases",
        attributes(created_at__gt="2024-01-01T00:00:00Z", parent_status="pending", archived_at=None)
        | related(workspace__slug="acme-corp"),
        "created_at > 2024-01-01T00:00:00Z and parent_status = pending and archived = false"
        " and workspace.slug = acme-corp",
    ),
    (
        "case_templates",
        "/v1/case_templates?title=onboarding&workspace[slug]=acme&archived=false",
        "title contains onboarding and workspace.slug = acme and archived = false",
    ),
    (
        "case_templates",
        attributes(is_template=True, title__ilike="%customer%", archived_at=None),
        "is_template = true and title contains customer and archived = false",
    ),
    (
        "forms",
        f"/v1/forms?flow[slug]=kyc&user[email]={MAIL}&completed=true",
        f"archived = false and flow.slug = kyc and user.email = {MAIL} and completed = true",
    ),
    (
        "forms",
        attributes(active=True, completed=False) | related(owner__email=MAIL),
        f"active = true and completed = false and owner.email = {MAIL}",
    ),
    ("cases", attributes(created_at__gt=SEVEN_DAYS_AGO), f"created_at > {SEVEN_DAYS_AGO}"),
    (
        "cases",
        attributes(parent_status="in_progress", archived_at=None),
        "parent_status = in_progress and archived = false",
    ),
    ("case_templates", attributes(title__ilike="%customer%"), "title contains customer"),
    (
        "cases",
        attributes(created_at__gt="2024-01-01T00:00:00Z", parent_status__ne="draft", archived_at=None)
        | related(workspace__slug="acme-corp", owner__email=MAIL),
        "created_at > 2024-01-01T00:00:00Z and parent_status != draft and archived = false"
        f" and workspace.slug = acme-corp and owner.email = {MAIL}",
    ),
    ("cases", attributes(archived_at=None), "archived = false"),
    (
        "cases",
        "https://connect.penbox.io/v1/cases?filter="
        + quote(json.dumps(attributes(parent_status="in_progress", archived_at=None) | related(owner__email=MAIL)))
        + "&sort=-created_at",
        f"parent_status = in_progress and archived = false and owner.email = {MAIL} order by created_at desc",
    ),
    (
        "case_templates",
        "https://connect.penbox.io/v1/case_templates?title=new+client&archived=false&sort=title",
        'title contains "new client" and archived = false order by title',
    ),
    (
        "cases",
        "https://connect.penbox.io/v1/cases?filter="
        + quote(
            json.dumps(
                attributes(parent_status="closed", created_at__gt="2024-01-01", created_at__lt="2024-02-01")
                | related(workspace__slug="acme")
            )
        ),
        "parent_status = closed and created_at > 2024-01-01 and created_at < 2024-02-01 and workspace.slug = acme",
    ),
]


@pytest.mark.parametrize(("endpoint", "target", "text"), SEEDS)
def test_the_examples_of_the_two_pages(endpoint: str, target: Any, text: str) -> None:
    assert decompile(target, endpoint) == text
    if isinstance(target, str):
        assert decompile(target) == text
    again = pqlang.compile(
        text, endpoint, target="json" if "filter" in target or not isinstance(target, str) else "params"
    )
    assert decompile(again.url()) == text or not isinstance(target, str)


# How things may be spelt

SPELT: list[tuple[str, Any, str]] = [
    ("cases", "", "archived = false"),
    ("cases", {}, "archived = false"),
    ("cases", "?status=pending", "archived = false and status = pending"),
    ("cases", "status=pending&archived=true", "status = pending and archived = true"),
    ("cases", "  status=pending\n", "archived = false and status = pending"),
    ("cases", "cases?status=a", "archived = false and status = a"),
    ("cases", "cases", "archived = false"),
    ("cases", "connect.penbox.io/v1/cases/", "archived = false"),
    ("cases", "http://localhost:8000/cases/count/?status=a", "archived = false and status = a"),
    ("cases", "/v1/%63ases", "archived = false"),
    ("cases", "status=Ann+Lee%20%2B%26&archived=true", 'status = "Ann Lee +&" and archived = true'),
    ("cases", "owner%5Bid%5D=null&archived=true", 'owner.id = "null" and archived = true'),
    ("cases", "status=a=b&archived=true", 'status = "a=b" and archived = true'),
    ("cases", "status=a&&status=a", "archived = false and status = a"),
    ("cases", "sort=created_at", "archived = false order by created_at"),
    ("forms", "flow[slug][]=a&flow[slug][]=b", "archived = false and flow.slug in (a, b)"),
    ("forms", "flow[slug]=a&flow[slug]=b&flow[slug]=a", "archived = false and flow.slug in (a, b)"),
    ("forms", "flow[slug][]=a", "archived = false and flow.slug = a"),
    (
        "forms",
        {"flow[slug][]": ["a", "b"], "active": "true"},
        "archived = false and flow.slug in (a, b) and active = true",
    ),
    ("cases", {"filter": '{"attributes":{"status":{"$eq":"a"}}}', "sort": "-title"}, "status = a order by title desc"),
    ("cases", {"attributes": {"archived_at": {"$ne": None}}}, "archived = true"),
    ("cases", {"attributes": {"status": {"$eq": None}}}, "status is null"),
    ("cases", {"attributes": {"title": {"$ilike": "%50\\%%"}}}, "title contains 50%"),
    ("cases", {"attributes": {"title": {"$ilike": "%a\\b%"}}}, "title ~* %a\\b%"),
    ("cases", {"attributes": {"title": {"$ilike": "%%"}}}, "title ~* %%"),
    ("cases", {"attributes": {"title": {"$ilike": "a%"}}}, "title ~* a%"),
    ("cases", {"attributes": {"status": {"$eq": "\u00e9\u2028"}}}, 'status = "é\\u2028"'),
    ("cases", {"relationships": {"owner": {"id": {"$eq": "x"}}}, "attributes": {}}, "owner.id = x"),
    (
        "cases",
        {"relationships": {"owner": {"id": {"$eq": "x"}}}, "attributes": {"status": {"$eq": "a"}}},
        "owner.id = x and status = a",
    ),
    ("cases", ' { "attributes" : { "st\\u0061tus" : { "$eq" : "a" } } } ', "status = a"),
]


@pytest.mark.parametrize(("endpoint", "target", "text"), SPELT)
def test_spellings(endpoint: str, target: Any, text: str) -> None:
    assert decompile(target, endpoint) == text


# What is wrong, or worth a warning: the code of each problem, and the text it points at


def wrong(code: str, *spans: str) -> list[tuple[str, str]]:
    return [(code, span) for span in spans]


ESCAPED_DRFT = "%22drft%22"
WRONG: list[tuple[str | None, Any, list[tuple[str, str]]]] = [
    # which endpoint
    (None, "status=a", wrong("no-endpoint", "status=a")),
    (None, '{"attributes":{}}', wrong("no-endpoint", '{"attributes":{}}')),
    (None, "https://connect.penbox.io/v1/case", wrong("unknown-endpoint", "/v1/case")),
    (None, "/v1/cases/123?status=a", wrong("unknown-endpoint", "/v1/cases/123")),
    (None, "https://cases?status=a", wrong("unknown-endpoint", "")),
    (None, "/count", wrong("unknown-endpoint", "/count")),
    ("cases", "/v1/forms", wrong("unknown-endpoint", "/v1/forms")),
    # percent-encoding
    ("cases", "status=100%", wrong("bad-encoding", "%")),
    ("cases", "status=%zz", wrong("bad-encoding", "%")),
    ("cases", "status=a%FFb", wrong("bad-encoding", "%FF")),
    ("cases", "status=%ED%A0%80", wrong("bad-encoding", "%ED")),
    ("cases", "status=%00&archived=true", wrong("wrong-value", "%00")),
    # parameters
    ("cases", "stat=a", wrong("unknown-parameter", "stat")),
    ("cases", "st%61t=a&x", wrong("unknown-parameter", "st%61t", "x")),
    ("cases", "title=a", wrong("unknown-parameter", "title")),
    ("cases", "status[]=a", wrong("unknown-parameter", "status[]")),
    ("cases", "archived=yes", wrong("wrong-value", "yes")),
    ("cases", "archived=TRUE", wrong("wrong-value", "TRUE")),
    ("cases", "parent_status=drft", wrong("unknown-value", "drft")),
    ("cases", "status=", wrong("unclear-parameter", "status")),
    ("cases", "status", wrong("unclear-parameter", "status")),
    ("cases", "filter=&sort=", wrong("unclear-parameter", "filter", "sort")),
    ("case_templates", "title=50%25", wrong("unclear-parameter", "%25")),
    ("cases", "status=a&status=b", wrong("repeated-parameter", "status")),
    ("cases", "sort=title&sort=status", wrong("repeated-parameter", "sort")),
    ("cases", "sort=owner", wrong("not-sortable", "owner")),
    ("cases", "sort=title,status", wrong("not-sortable", "title,status")),
    ("cases", {"archived": False}, wrong("wrong-value", "false")),
    ("cases", {"archived": ["true", None]}, wrong("wrong-value", "null")),
    ("cases", {"status": date(2024, 1, 1)}, wrong("bad-json", '"datetime.date(2024, 1, 1)"')),
    ("cases", {1: "a"}, wrong("bad-json", '"1"')),
    ("cases", {"status": "\ud800"}, wrong("wrong-value", "\ud800")),
    # JSON
    ("cases", "{", wrong("bad-json", "")),
    ("cases", '{"attributes":{}}}', wrong("bad-json", "}")),
    ("cases", "{'attributes': 1}", wrong("bad-json", "'")),
    ("cases", "{attributes: 1}", wrong("bad-json", "attributes")),
    ("cases", '{"attributes": True}', wrong("bad-json", "True")),
    ("cases", '{"attributes": {"status": {"$eq": NaN}}}', wrong("bad-json", "NaN")),
    ("cases", '{"attributes": {"status": {"$eq": 01}}}', wrong("bad-json", "01")),
    ("cases", '{"attributes": {"status": {"$eq": "a}}}', wrong("bad-json", '"')),
    ("cases", '{"attributes": {"status": {"$eq": "a",}}}', wrong("bad-json", "}")),
    ("cases", '{"attributes" {}}', wrong("bad-json", "{")),
    ("cases", {"attributes": {"status": {"$eq": float("nan")}}}, wrong("bad-json", "NaN")),
    ("cases", {"attributes": {"status": {"$eq": date(2024, 1, 1)}}}, wrong("bad-json", '"datetime.date(2024, 1, 1)"')),
    ("cases", '{"attributes":{"status":{"$eq":"a","$eq":"b"}}}', wrong("bad-json", '"$eq"')),
    # the filter's shape
    ("cases", "{}", wrong("bad-filter", "{}")),
    ("cases", "filter={}", wrong("bad-filter", "{}")),
    ("cases", "filter=[1]", wrong("bad-filter", "[1]")),
    ("cases", '{"attributes":{}}', wrong("bad-filter", '{"attributes":{}}')),
    ("cases", {"attributes": {"status": {}}}, wrong("bad-filter", "{}")),
    ("cases", {"attributes": {"status": "draft"}}, wrong("bad-filter", '"draft"')),
    ("cases", {"attributes": {"status": {"$eq": {"a": 1}}}}, wrong("bad-filter", '{"a": 1}')),
    ("cases", {"attributes": {"status": {"$eq": ["a"]}}}, wrong("bad-filter", '["a"]')),
    ("cases", {"attributes": [1]}, wrong("bad-filter", "[1]")),
    ("cases", {"attribute": {"status": {"$eq": "a"}}}, wrong("bad-filter", '"attribute"')),
    ("cases", {"status": {"$eq": "a"}}, wrong("bad-filter", '"status"')),
    ("cases", {"relationships": {"owner": {}}}, wrong("bad-filter", '"owner"')),
    ("cases", {"relationships": {"owner": {"email": {"$eq": "a"}}}}, wrong("bad-filter", '"email"')),
    ("cases", {"relationships": {"owners": {"id": {"$eq": "a"}}}}, wrong("unknown-relation", '"owners"')),
    ("cases", {"relationships": {"template": {"id": {"$eq": "a"}}}}, wrong("unknown-relation", '"template"')),
    # its fields, operators and values
    ("cases", {"attributes": {"statu": {"$eq": "a"}}}, wrong("unknown-field", '"statu"')),
    ("cases", {"attributes": {"archived": {"$eq": False}}}, wrong("unknown-field", '"archived"')),
    ("cases", {"attributes": {"status": {"$in": ["a"], "eq": "a"}}}, wrong("no-operator", '"$in"', '"eq"')),
    ("cases", {"attributes": {"status": {"$gt": "a"}}}, wrong("wrong-operator", '"$gt"')),
    ("cases", {"attributes": {"created_at": {"$like": "2024%"}}}, wrong("wrong-operator", '"$like"')),
    ("cases", {"attributes": {"created_at": {"$gt": None}}}, wrong("null-operator", "null")),
    ("cases", {"attributes": {"title": {"$like": "a\\"}}}, wrong("lone-backslash", '"a\\\\"')),
    ("cases", {"attributes": {"title": {"$like": 5}}}, wrong("wrong-value", "5")),
    ("cases", {"attributes": {"title": {"$eq": True}}}, wrong("wrong-value", "true")),
    ("cases", {"attributes": {"title": {"$eq": "\0"}}}, wrong("wrong-value", '"\\u0000"')),
    ("cases", '{"attributes": {"title": {"$eq": "\\ud800"}}}', wrong("wrong-value", '"\\ud800"')),
    ("cases", {"attributes": {"created_at": {"$gt": 5}}}, wrong("wrong-value", "5")),
    ("cases", {"attributes": {"created_at": {"$gt": "now-7d"}}}, wrong("wrong-value", '"now-7d"')),
    ("cases", {"attributes": {"created_at": {"$gt": "2024-1-1"}}}, wrong("wrong-value", '"2024-1-1"')),
    ("case_templates", {"attributes": {"is_template": {"$eq": "true"}}}, wrong("wrong-value", '"true"')),
    ("cases", {"attributes": {"parent_status": {"$eq": "drft"}}}, wrong("unknown-value", '"drft"')),
    (
        "cases",
        "filter=" + quote('{"attributes":{"parent_status":{"$eq":"drft"}}}'),
        wrong("unknown-value", ESCAPED_DRFT),
    ),
    (
        "cases",
        {"filter": '{"attributes":{"parent_status":{"$eq":"drft"}}}'},
        wrong("unknown-value", '\\"drft\\"'),
    ),
]


def said(reading: Reading, severity: Severity) -> list[tuple[str, str]]:
    return [(each.code, each.span.of(reading.source.text)) for each in reading.diagnostics if each.severity is severity]


@pytest.mark.parametrize(("endpoint", "target", "expected"), WRONG)
def test_what_is_wrong_is_pointed_at(endpoint: str | None, target: Any, expected: list[tuple[str, str]]) -> None:
    reading = read_target(target, endpoint)
    assert said(reading, Severity.ERROR) == expected
    assert reading.text is None
    check_diagnostics(reading.diagnostics, reading.source)
    with pytest.raises(PqlError) as caught:
        decompile(target, endpoint)
    assert caught.value.diagnostics == reading.diagnostics


WARNED: list[tuple[str, Any, list[tuple[str, str]]]] = [
    ("cases", "page[number]=2&page%5Bsize%5D=5", wrong("dropped-part", "page[number]", "page%5Bsize%5D")),
    ("cases", "/cases?status=a#top", wrong("dropped-part", "#top")),
    ("forms", "flow[slug]=a&flow[slug]=b", wrong("repeated-parameter", "flow[slug]")),
    ("cases", "owner[id]=abc", wrong("odd-form", "abc")),
    (
        "cases",
        'archived=true&status=a&filter={"attributes":{"title":{"$eq":"a"}}}&sort=title',
        wrong("ignored-parameter", "archived", "status"),
    ),
]


@pytest.mark.parametrize(("endpoint", "target", "expected"), WARNED)
def test_what_is_worth_a_warning(endpoint: str, target: Any, expected: list[tuple[str, str]]) -> None:
    reading = read_target(target, endpoint)
    assert said(reading, Severity.WARNING) == expected
    assert reading.text is not None
    assert decompile(target, endpoint) == reading.text


@pytest.mark.parametrize(
    ("target", "edited"),
    [
        ("parent_status=drft", "parent_status=draft"),
        ("archived=TRUE", "archived=true"),
        ("stats=a", "status=a"),
        ("owner%5Bemal%5D=a@b.co", "owner%5Bemail%5D=a@b.co"),
        (
            'filter={"attributes":{"parent_status":{"$eq":"drft"}}}',
            'filter={"attributes":{"parent_status":{"$eq":"draft"}}}',
        ),
        ("status=5%", "status=5%25"),
        ('{"attributes":{"status":"a"}}', '{"attributes":{"status":{"$eq": "a"}}}'),
        ('{"attributes":{"created_at":{"$gte":"2024-01-01"}}}', '{"attributes":{"created_at":{"$ge":"2024-01-01"}}}'),
        ('{"attributes":{"created_at":{"$gt":"2024-1-1"}}}', '{"attributes":{"created_at":{"$gt":"2024-01-01"}}}'),
        ('{"attributes":{"title":{"$eq":5}}}', '{"attributes":{"title":{"$eq":"5"}}}'),
        (
            quote('{"attributes":{"parent_status":{"$eq":"drft"}}}').join(("filter=", "")),
            "filter=" + quote('{"attributes":{"parent_status":{"$eq":"draft"}}}', safe=""),
        ),
        (
            {"filter": '{"attributes":{"status":"a"}}'},
            '{"filter": "{\\"attributes\\":{\\"status\\":{\\"$eq\\": \\"a\\"}}}"}',
        ),
    ],
)
def test_an_edit_is_written_as_the_request_is(target: Any, edited: str) -> None:
    reading = read_target(target, "cases")
    [problem] = reading.diagnostics
    text = problem.suggestions[0].apply(reading.source.text)
    assert text == edited
    again = read_target(json.loads(text) if isinstance(target, dict) else text, "cases")
    assert not said(again, Severity.ERROR)


@pytest.mark.parametrize("target", [None, 5, b"status=a", ["a"], object()])
def test_what_is_no_request_is_a_wrong_argument(target: Any) -> None:
    for call in (decompile, read_target):
        with pytest.raises(PqlError) as caught:
            call(target, "cases")
        assert [each.code for each in caught.value.diagnostics] == ["bad-argument"]


def test_wrong_arguments() -> None:
    for options, code in (
        ({"endpoint": "case"}, "unknown-endpoint"),
        ({"schema": 5}, "bad-argument"),
        ({"limits": 5}, "bad-argument"),
    ):
        with pytest.raises(PqlError) as caught:
            decompile("/cases", **options)
        assert [each.code for each in caught.value.diagnostics] == [code]


# A schema of one's own


SHOP = {
    "api": {
        "base_url": "https://shop.test/api", "filter_param": "where", "attributes_key": "is", "relationships_key": "of",
        "id_key": "key", "sort_param": "order", "descending_prefix": "!", "count_suffix": "/total",
        "operators": {"=": "eq", "~*": "like", ">": "over"},
    },
    "endpoints": {
        "orders": {
            "path": "/old/orders",
            "relations": {"customer": {}},
            "fields": {
                "total": {"type": "number", "sort": True, "param": True},
                "size": {"type": "integer", "param": {"many": "sizes"}},
                "day": {"type": "date"},
                "customer.key": {"type": "uuid"},
                "customer.name": {"param": "by"},
            },
        },
        "recent": {"path": "/orders", "fields": {"total": {"type": "number"}}},
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("https://shop.test/api/old/orders/total?total=1.50&order=!total", "total = 1.5 order by total desc"),
        ('/orders?where={"is":{"total":{"over":5}}}', "total > 5"),
        ("/old/orders?sizes=1&sizes=02&by=Ann", "size in (1, 2) and customer.name = Ann"),
        ('/old/orders?where={"is":{"day":{"over":"2024-01-01"}}}', "day > 2024-01-01"),
        (
            '/old/orders?where={"of":{"customer":{"key":{"eq":"k"},"is":{"name":{"like":"%25x%25"}}}}}',
            "customer.key = k and customer.name contains x",
        ),
    ],
)
def test_a_schema_of_ones_own(target: str, text: str) -> None:
    assert decompile(target, schema=pqlang.load_schema(SHOP)) == text


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ('{"is":{"total":{"over":"5"}}}', "wrong-value"),
        ('{"is":{"total":{"over":1e999}}}', "wrong-value"),
        ('{"is":{"total":{"over":12345678901234567890}}}', "wrong-value"),
        ('{"is":{"size":{"eq":1.5}}}', "wrong-value"),
        ('{"is":{"size":{"eq":true}}}', "wrong-value"),
        ('{"is":{"day":{"eq":"2024-01-01T00:00:00Z"}}}', "wrong-value"),
        ("total=x", "wrong-value"),
        ("total=12345678901234567890", "wrong-value"),
        ("size=1.5", "wrong-value"),
    ],
)
def test_numbers_and_days_are_of_their_type(target: str, code: str) -> None:
    reading = read_target(target, pqlang.load_schema(SHOP).endpoint("orders"))
    assert [each.code for each in reading.diagnostics] == [code]


# The command


@dataclass(frozen=True)
class Done:
    """How a call ended."""

    status: int
    out: str
    err: str


Pql = Callable[..., Done]


@pytest.fixture
def pql(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Pql:
    """Run the command in this process; `stdin` is what a pipe brings."""

    def run(*arguments: str, stdin: str = "") -> Done:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="ascii"))
            status = cli.main(arguments)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Done(status, out, err)

    return run


def test_the_command_reads_a_url(pql: Pql) -> None:
    assert pql("decompile", "https://connect.penbox.io/v1/cases?status=a") == Done(
        0, "archived = false and status = a\n", ""
    )


def test_the_command_reads_a_filter_of_an_endpoint(pql: Pql) -> None:
    done = pql("decompile", "--endpoint", "cases", '{"attributes":{"status":{"$eq":"a"}}}')
    assert done == Done(0, "status = a\n", "")


def test_the_command_says_warnings_on_stderr(pql: Pql) -> None:
    done = pql("decompile", "/cases?page[number]=2")
    assert (done.status, done.out) == (0, "archived = false\n")
    assert done.err.startswith("warning[dropped-part]")


def test_the_command_says_what_is_wrong(pql: Pql) -> None:
    done = pql("decompile", "/cases?stat=a")
    assert (done.status, done.out) == (1, "")
    assert "/cases?stat=a\n             ^^^^ unknown parameter" in done.err
    assert pql("decompile", "status=a").status == 1
    assert pql("decompile", "--endpoint", "case", "status=a").status == 2


def test_the_command_gives_json(pql: Pql) -> None:
    done = pql("decompile", "--json", "/forms?active=true&page[size]=2")
    answer = json.loads(done.out)
    assert [each.pop("code") for each in answer.pop("diagnostics")] == ["dropped-part"]
    assert answer == {"ok": True, "endpoint": "forms", "query": "archived = false and active = true"}
    wrong = json.loads(pql("decompile", "--json", "x=1", "--endpoint", "forms").out)
    assert (wrong["ok"], "query" in wrong) == (False, False)


def test_the_command_reads_lines(pql: Pql) -> None:
    done = pql("decompile", "--endpoint", "cases", "--json", stdin="status=a\nstat=b\n\n")
    answers = [json.loads(line) for line in done.out.splitlines()]
    assert done.status == 1
    assert [answer.get("query") for answer in answers] == ["archived = false and status = a", None, "archived = false"]
    assert pql("decompile", "-", stdin="/forms\n/cases\n").out == "archived = false\narchived = false\n"


def test_the_command_reads_a_schema(pql: Pql, tmp_path: Path) -> None:
    file = tmp_path / "shop.json"
    file.write_text(json.dumps(SHOP))
    assert pql("decompile", "--schema", str(file), "/old/orders?total=5").out == "total = 5\n"


def test_importing_pqlang_does_without(tmp_path: Path) -> None:
    code = "import sys, pqlang; assert 'pqlang.decompiler' not in sys.modules; pqlang.decompile"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
