"""What a client yields from a sandbox over HTTP is what the query means, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from list_api import in_order
from reference import selects
from servers import serving
from strategies import Draw, Question, asked_of, conditions, conjunctions, examples, written, written_name
from test_sandbox_plans import RECORDS, SCHEMAS, stored

import pqlang
from pqlang import AsyncClient, Client, Endpoint, PqlError
from pqlang.condition import Any as AnyOf
from pqlang.normaliser import normalise
from pqlang.sandbox.app import create_app, root
from pqlang.sandbox.storage import Storage

TOKEN = "pnbx_test"
REFUSED = {
    "too-many-requests",
    "uncarried-residual",
    "no-target",
    "unmergeable-order",
    "too-long-request",
    "no-grouping",
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def addresses(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """A sandbox of each schema, and where it is."""
    made: dict[str, str] = {}
    ends = []
    for name in ("penbox", "shop"):
        url = "sqlite://"
        if request.param == "postgresql":
            url = request.getfixturevalue("postgresql_database")(f"client_{name}")
        storage = Storage(SCHEMAS[name], url)
        storage.create()
        for endpoint in storage.schema.endpoints:
            storage.load(endpoint, [stored(record, endpoint) for record in RECORDS[endpoint.name]])
        storage.finish("tests")
        server = serving(create_app(storage))
        made[name] = f"http://127.0.0.1:{server.__enter__()}{root(storage.schema.api)}"
        ends.append((server, storage))
    yield made
    for server, storage in ends:
        server.__exit__(None, None, None)
        storage.close()


class Asked(NamedTuple):
    """A question, how its answer is ordered, and how it is read."""

    question: Question
    order: str
    limit: int | None
    size: int
    options: dict[str, Any]

    @property
    def query(self) -> str:
        return written(self.question.condition) + self.order

    @property
    def endpoint(self) -> Endpoint:
        """With small pages."""
        endpoint = self.question.endpoint
        return replace(endpoint, api=replace(endpoint.api, max_page_size=self.size))


@st.composite
def asked(draw: Draw, schema: str) -> Asked:
    endpoint = draw(st.sampled_from(SCHEMAS[schema].endpoints))
    fields = draw(st.lists(st.sampled_from(endpoint.fields), min_size=1, max_size=4, unique=True))
    several = st.lists(asked_of(fields), min_size=2, max_size=3).map(tuple).map(AnyOf)
    condition = draw(st.one_of(several, several, conditions(fields, 1), conjunctions(endpoint.fields)))
    order = draw(st.sampled_from(("", " order by {}", " order by {} desc")))
    sortable = [each.name for each in endpoint.fields if each.sort]
    return Asked(
        Question(endpoint, condition),
        order.format(written_name(draw(st.sampled_from(sortable)))),
        draw(st.sampled_from((None, None, 1, 10, 60))),
        draw(st.sampled_from((7, 25, 100))),
        {"max_requests": draw(st.sampled_from((6, 30))), "broaden": draw(st.booleans())},
    )


def ask(kind: str, url: str, asked: Asked) -> tuple[list[dict[str, Any]], int]:
    """What is fetched, and what is counted."""
    fetching = {"limit": asked.limit, **asked.options, "variables": {"none": []}}
    counting = {**asked.options, "variables": {"none": []}}
    if kind == "sync":
        with Client(TOKEN, url) as client:
            return list(client.fetch(asked.query, asked.endpoint, **fetching)), client.count(
                asked.query, asked.endpoint, **counting
            )

    async def run() -> tuple[list[dict[str, Any]], int]:
        async with AsyncClient(TOKEN, url) as client:
            found = [record async for record in client.fetch(asked.query, asked.endpoint, **fetching)]
            return found, await client.count(asked.query, asked.endpoint, **counting)

    return asyncio.run(run())


@pytest.mark.parametrize("schema", ["penbox", "shop"])
def test_what_is_fetched_and_counted_is_what_is_meant(addresses: dict[str, str], schema: str) -> None:
    met: Counter[str] = Counter()

    @examples(80)
    @given(asked(schema), st.sampled_from(("sync", "async")), st.integers(0, 3))
    def law(asked: Asked, kind: str, luck: int) -> None:
        endpoint = asked.question.endpoint
        try:
            plan = pqlang.plan(asked.query, asked.endpoint, variables={"none": []}, **asked.options)
            assume(len(plan.requests) > 1 or luck == 0)  # most are of one request
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", pqlang.PqlWarning)  # of text that is sorted here
                found, number = ask(kind, addresses[schema], asked)
        except PqlError as error:
            assert {each.code for each in error.diagnostics} & REFUSED, error  # noqa: PT017
            return
        condition = normalise(asked.question.condition, endpoint)
        rows = [row for row in RECORDS[endpoint.name] if selects(condition, row, endpoint)]
        sort = (plan.requests[0].sort if plan.requests else None) or endpoint.default_sort
        assert number == len(rows)
        ids = [each["id"] for each in found]
        if sort is None and len(plan.requests) > 1:  # no order is known
            assert len(ids) == len(set(ids)) == min(len(rows), asked.limit or len(rows))
            assert set(ids) <= {row["id"] for row in rows}
        else:
            assert ids == [row["id"] for row in in_order(rows, sort or "id", endpoint)][: asked.limit]
        met["several"] += len(plan.requests) > 1
        met["residual"] += not plan.exact
        met["paged"] += len(rows) > asked.size
        met["sorted"] += bool(asked.order)
        met["nothing"] += not rows
        met[kind] += 1

    law()
    assert min(met[each] for each in ("several", "residual", "paged", "sorted", "nothing", "sync", "async")) > 0, met


def named(groups: dict[str | None, int]) -> Counter[str]:
    """Null under the name that the API gives it, which is that of a text too."""
    found: Counter[str] = Counter()
    for value, number in groups.items():
        found["null" if value is None else value] += number
    return found


def test_groups_are_counted_alike_by_the_api_and_here(addresses: dict[str, str]) -> None:
    with Client(TOKEN, addresses["penbox"]) as client:
        for query in (
            "created_at > 2000-01-01",
            "user.email is not null and archived = false",
            "status in (draft, pending)",
        ):
            for by in ("status", "user.given_name", "user.email"):
                whole = client.count_by(query, "forms", by)
                # what no response has makes the plan inexact without changing what it means
                local = client.count_by(
                    f"({query}) and not owner.email ~ 'zzz%' or ({query}) and owner.email is null", "forms", by
                )
                assert named(local) == named(whole)
                assert sum(whole.values()) == client.count(query, "forms")


def test_the_seeds_own_ways_are_understood(addresses: dict[str, str]) -> None:
    """Every target, spelt to the API and answered: parameters, lists of them, parts of texts, JSON."""
    with Client(TOKEN, addresses["penbox"]) as client:
        for query, endpoint in (
            ("flow.slug in (a, ab) and archived = false", "forms"),
            ("title contains A and archived = false", "case_templates"),
            ("contact.email = a and owner.email = a", "cases"),
            ("", "cases"),
        ):
            for target in ("auto", "json", "params"):
                try:
                    found = [each["id"] for each in client.fetch(query, endpoint, target=target)]
                except PqlError:
                    continue  # that target does not say it
                at = pqlang.PENBOX.endpoint(endpoint)
                assert at is not None
                condition = pqlang.predicate(query, endpoint).condition
                meant = [row["id"] for row in RECORDS[endpoint] if selects(condition, row, at)]
                assert sorted(found) == sorted(meant), (query, target)


def test_refusals_of_the_sandbox_are_told(addresses: dict[str, str]) -> None:
    with Client("other", addresses["penbox"]) as client, pytest.raises(PqlError, match="status 401: Unauthorized"):
        client.count("status = new", "cases")
    with Client(TOKEN, addresses["penbox"] + "/v2") as client, pytest.raises(PqlError, match="status 404: Not Found"):
        client.count("status = new", "cases")


def test_a_rate_is_kept_to(addresses: dict[str, str]) -> None:
    schema = SCHEMAS["penbox"]
    storage = Storage(schema)
    storage.create()
    cases = schema.endpoints[0]
    storage.load(cases, [stored(record, cases) for record in RECORDS["cases"]])
    storage.finish("tests")
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 0.05  # a twentieth of a second from request to request
        return now

    small = replace(cases, api=replace(cases.api, max_page_size=10))
    with serving(create_app(storage, rate=10, clock=clock)) as port:
        url = f"http://127.0.0.1:{port}/v1"
        with Client(TOKEN, url, concurrency=8, attempts=50, longest_wait=0.01) as client:
            assert len(list(client.fetch("id is not null", small))) == 150
    storage.close()
