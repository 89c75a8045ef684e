"""A client behind a proxy that spoils answers at random, over real sockets: the exact records, or an error."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from list_api import ListApi
from strategies import EXAMPLES
from test_client import CASES, FORMS, ROWS, TOKEN, UNION, in_union, newest_first, numbers
from wire import Answering, Faults

import pqlang
from pqlang import AsyncClient, Client, PqlError

QUERIES = ("status = new", UNION, "title not contains 1", "status = new and title not contains 7 order by created_at")
OPTIONS: dict[str, Any] = {"timeout": 0.3, "longest_wait": 0.005, "concurrency": 3}


def expected(query: str) -> Counter[int]:
    whole = pqlang.predicate(query, CASES)
    return Counter(numbers([row for row in ROWS if whole.matches(row)]))


def read(kind: str, url: str, query: str, attempts: int) -> tuple[list[int], PqlError | None]:
    """The records that came, and the error that ended them if one did."""
    found: list[dict[str, Any]] = []

    async def run() -> None:
        async with AsyncClient(TOKEN, url, attempts=attempts, **OPTIONS) as client:
            async for record in client.fetch(query, CASES):
                found.append(record)

    try:
        if kind == "async":
            asyncio.run(run())
        else:
            with Client(TOKEN, url, attempts=attempts, **OPTIONS) as client:
                for record in client.fetch(query, CASES):
                    found.append(record)
    except PqlError as error:
        return numbers(found), error
    return numbers(found), None


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("seed", range(3 * EXAMPLES))
def test_the_exact_records_or_an_error(kind: str, seed: int) -> None:
    outcomes: Counter[str] = Counter()
    with Answering(ListApi(CASES, ROWS)) as api, Faults(api.port, seed, 0.3) as proxy:
        for query in QUERIES:
            for attempts in (1, 12):
                found, error = read(kind, proxy.url, query, attempts)
                assert len(found) == len(set(found)), "a record came twice"
                wanted = expected(query)
                assert set(found) <= set(wanted)
                if error is None:
                    assert Counter(found) == wanted
                else:
                    assert error.diagnostics[0].code in ("remote-failed", "remote-answer")
                    assert str(error).count(TOKEN) == 0
                outcomes["right" if error is None else "error"] += 1
        assert all(head.get("authorization") == f"Bearer {TOKEN}" for head in api.heads)
    assert outcomes["right"]
    assert outcomes["error"]
    assert sum(proxy.met.values()) > proxy.met["well"] > 0


@pytest.mark.parametrize("fault", Faults.KINDS)
def test_each_fault_alone(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Met on two of three requests, it is got over where another attempt may help, and else said."""
    monkeypatch.setattr(Faults, "KINDS", (fault,))
    with Answering(ListApi(CASES, ROWS)) as api, Faults(api.port, 5, 0.4) as proxy:
        found, error = read("sync", proxy.url, UNION, 30)
    assert proxy.met[fault] > 0
    if fault in ("page", "another page"):  # no accident of the way: the address is wrong
        assert error is not None
        assert error.diagnostics[0].code == "remote-answer"
    else:
        assert error is None
        assert found == newest_first(in_union)


def test_a_url_goes_over_the_wire_as_the_request_says() -> None:
    query = "title ~ 'é %_\\\\\"[]&+#€😀%' and owner.email = 'a+b@c.de'"
    request = pqlang.compile(query, CASES)
    with Answering(ListApi(CASES, [])) as api, Client(TOKEN, api.url) as client:
        assert client.count(query, CASES) == 0
        assert list(client.fetch(query, CASES)) == []
        assert list(client.fetch("flow.slug in ('a b', 'c&d') and not archived", FORMS)) == []
    base = f"http://127.0.0.1:{api.port}/v1"
    assert f"{base[:-3]}{api.requests[0]}" == request.url(base, count=True)
    assert f"{base[:-3]}{api.requests[1]}" == request.url(base, page=1, size=4)


def test_connections_are_kept_and_closed() -> None:
    with Answering(ListApi(CASES, ROWS)) as api:
        with Client(TOKEN, api.url, concurrency=2) as client:
            list(client.fetch(UNION, CASES))
            assert 1 <= api.open <= 2
        for _ in range(500):
            if not api.open:
                break
            asyncio.run(asyncio.sleep(0.01))
        assert api.open == 0
