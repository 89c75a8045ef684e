"""A client, sync and async, against an API that is played in the process: every promise, and every way to fail."""

from __future__ import annotations

import asyncio
import gc
import logging
import multiprocessing
import subprocess
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import pytest
from httpx2 import MockTransport, Request, Response
from list_api import ListApi

import pqlang
from pqlang import AsyncClient, Client, PqlError, PqlWarning, transport
from pqlang.transport import check_address, find_token, retry_after

TOKEN = "pnbx_4f9c1d7e2b"
BASE = "https://api.test/v1"
API = replace(pqlang.PENBOX.api, max_page_size=4)  # so that thirty cases have pages
CASES, _, FORMS = (replace(each, api=API) for each in pqlang.PENBOX.endpoints)
UNION = "status = new or reference = R1 or reference = R2"  # three requests, two of which share records
OF_CLIENT = {"token", "base_url", "timeout", "concurrency", "attempts", "longest_wait"}


def row(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "title": f"Case {number}",
        "status": "new" if number % 3 else "old",
        "reference": f"R{number % 5}",
        "created_at": datetime(2024, 1, 1 + number * 7 % 28, tzinfo=UTC),
        "archived_at": None,
        **fields,
    }


ROWS = [row(number) for number in range(30)]


def numbers(rows: list[dict[str, Any]]) -> list[int]:
    return [int(each["id"][-12:]) for each in rows]


def newest_first(keep: Callable[[dict[str, Any]], bool]) -> list[int]:
    """The rows in the order in which the API lists them."""
    return numbers(sorted(filter(keep, ROWS), key=lambda row: (-row["created_at"].timestamp(), row["id"])))


def in_union(row: dict[str, Any]) -> bool:
    return row["status"] == "new" or row["reference"] in ("R1", "R2")


class Played:
    """An API that answers from rows, unless `answer` does; `requests` are those that came."""

    def __init__(
        self,
        answer: Callable[[Request, int], Any] | None = None,
        rows: list[dict[str, Any]] = ROWS,
        endpoint: Any = CASES,
    ) -> None:
        self.api = ListApi(endpoint, rows)
        self.requests: list[Request] = []
        self.under_way = self.most_under_way = self.cancelled = 0
        self._answer = answer

    async def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        self.under_way += 1
        self.most_under_way = max(self.under_way, self.most_under_way)
        try:
            answer = self._answer(request, len(self.requests)) if self._answer else None
            if asyncio.iscoroutine(answer):
                answer = await answer
            return self.rightly(request) if answer is None else answer
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.under_way -= 1

    def rightly(self, request: Request) -> Response:
        return Response(200, json=self.api.answer(str(request.url)))


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _call(kind: str, played: Played, options: dict[str, Any], use: Any) -> Any:
    made = {"token": TOKEN, "base_url": BASE, "longest_wait": 0.01}
    made |= {name: options.pop(name) for name in OF_CLIENT & options.keys()}
    if kind == "sync":
        with Client(transport=MockTransport(played), **made) as client:
            return use(client)

    async def run() -> Any:
        async with AsyncClient(transport=MockTransport(played), **made) as client:
            found = use(client)
            return [record async for record in found] if hasattr(found, "__aiter__") else await found

    return asyncio.run(run())


def fetch(kind: str, played: Played, query: str, endpoint: Any = CASES, **options: Any) -> list[dict[str, Any]]:
    """What a client of that kind yields; the keywords of the client and of `fetch` alike."""

    def use(client: Any) -> Any:
        found = client.fetch(query, endpoint, **options)
        return list(found) if kind == "sync" else found

    made: list[dict[str, Any]] = _call(kind, played, options, use)
    return made


def count(kind: str, played: Played, query: str, endpoint: Any = CASES, **options: Any) -> Any:
    return _call(kind, played, options, lambda client: client.count(query, endpoint, **options))


def count_by(kind: str, played: Played, query: str, by: str, endpoint: Any = CASES, **options: Any) -> Any:
    return _call(kind, played, options, lambda client: client.count_by(query, endpoint, by, **options))


def refused(kind: str, played: Played, query: str = "status = new", **options: Any) -> tuple[str, str]:
    """The code and the picture of the error that fetching ends in."""
    with pytest.raises(PqlError) as caught:
        fetch(kind, played, query, **options)
    [problem] = caught.value.diagnostics
    return problem.code, str(caught.value)


# Fetching


def test_several_requests_are_merged_in_order_and_each_record_comes_once(kind: str) -> None:
    assert len(pqlang.plan(UNION, CASES).requests) == 3
    played = Played()
    assert numbers(fetch(kind, played, UNION)) == newest_first(in_union)
    assert len(played.api.asked) == len(set(played.api.asked)) == 5 + 2 + 2


def test_residuals_are_applied(kind: str) -> None:
    found = fetch(kind, Played(), "status = new and title not contains 1 order by created_at desc")
    assert numbers(found) == newest_first(lambda row: row["status"] == "new" and "1" not in row["title"])


def test_a_record_that_lacks_what_a_residual_asks_is_no_record_that_fails_it(kind: str) -> None:
    played = Played(rows=[{key: value for key, value in row.items() if key != "title"} for row in ROWS])
    with pytest.raises(PqlError, match="a record has no `title`") as raised:
        fetch(kind, played, "status = new and title not contains 1")
    assert raised.value.diagnostics[0].code == "remote-answer"


def test_text_of_several_requests_is_sorted_here_and_warned_of(kind: str) -> None:
    with pytest.warns(PqlWarning, match="how the API sorts text is not documented") as warned:
        found = fetch(kind, Played(), f"({UNION}) order by title desc", limit=7)
    assert [each["title"] for each in found] == sorted((r["title"] for r in ROWS if in_union(r)), reverse=True)[:7]
    assert [each.filename for each in warned] == [__file__]  # where records are taken, not inside
    with pytest.raises(PqlError, match="leave out `strict`"):
        fetch(kind, Played(), f"({UNION}) order by title", strict=True)


@pytest.mark.parametrize(("limit", "pages"), [(0, 0), (1, 1), (4, 1), (5, 2), (1000, 5)])
def test_a_limit_fetches_no_page_that_it_does_not_need(kind: str, limit: int, pages: int) -> None:
    played = Played()
    assert (
        numbers(fetch(kind, played, "status = new", limit=limit))
        == newest_first(lambda r: r["status"] == "new")[:limit]
    )
    assert len(played.requests) == pages


def test_a_limit_on_several_requests_takes_the_first_page_of_each(kind: str) -> None:
    played = Played()
    assert numbers(fetch(kind, played, UNION, limit=3)) == newest_first(in_union)[:3]
    assert len(played.requests) == 3


def test_a_contradiction_asks_for_nothing(kind: str) -> None:
    played = Played()
    assert fetch(kind, played, "status = a and status = b") == []
    assert count(kind, played, "status = a and status = b") == 0
    assert count_by(kind, played, "status = a and status = b", "status") == {}
    assert played.requests == []


def test_the_empty_query_is_the_apis_own_list(kind: str) -> None:
    assert len(fetch(kind, Played(), "")) == 30


def test_the_words_of_plan_are_understood(kind: str) -> None:
    options: dict[str, Any] = {
        "variables": {"s": "new"},
        "mode": "search",
        "scope": "active",
        "now": "2024-01-15T00:00:00Z",
    }
    played = Played()
    assert numbers(fetch(kind, played, "status:$s created_at < now-7d", **options)) == newest_first(
        lambda row: row["status"] == "new" and row["created_at"] < datetime(2024, 1, 8, tzinfo=UTC)
    )
    assert "archived_at" in str(played.requests[0].url)
    with pytest.raises(PqlError, match="takes 3 requests, the limit is 2"):
        fetch(kind, Played(), UNION, max_requests=2)
    assert len(fetch(kind, Played(), UNION, max_requests=1, broaden=True)) == len(newest_first(in_union))


@pytest.mark.parametrize("width", [1, 3])
def test_no_more_are_under_way_than_may_be_and_the_order_is_kept(kind: str, width: int) -> None:
    random = Random(width)

    async def late(request: Request, number: int) -> None:
        await asyncio.sleep(random.random() * 0.02)

    played = Played(late)
    assert numbers(fetch(kind, played, UNION, concurrency=width)) == newest_first(in_union)
    assert played.most_under_way == width


def test_clients_are_shared_between_readings_and_threads() -> None:
    async def late(request: Request, number: int) -> None:
        await asyncio.sleep(0.001)

    played = Played(late)
    found: list[list[int]] = []
    with Client(TOKEN, BASE, transport=MockTransport(played), concurrency=2) as client:

        def read() -> None:
            found.append(numbers(list(client.fetch(UNION, CASES))))

        threads = [threading.Thread(target=read) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [newest_first(in_union)] * 6
    assert played.most_under_way <= 2  # of the client, not of each reading


def test_the_sync_client_works_inside_a_running_loop() -> None:
    async def run() -> int:
        with Client(TOKEN, BASE, transport=MockTransport(Played())) as client:
            return len(list(client.fetch("status = new", CASES)))

    assert asyncio.run(run()) == 20


def test_progress_and_plan_are_there_to_look_at() -> None:
    with Client(TOKEN, BASE, transport=MockTransport(Played())) as client:
        reading = client.fetch("status = new and title not contains 1", CASES)
        assert [str(each.residual) for each in reading.plan.requests] == ['title not contains "1"']
        assert reading.progress.expected is None
        list(reading)
        progress = reading.progress
        assert (progress.pages, progress.fetched, progress.expected) == (5, 20, 20)
        assert progress.yielded == len([r for r in ROWS if r["status"] == "new" and "1" not in r["title"]])


# Counting


def test_counts_add_up_where_the_plan_is_disjoint_and_exact(kind: str) -> None:
    played = Played()
    assert count(kind, played, "status = new") == 20
    assert count(kind, played, UNION) == len(newest_first(in_union))  # a disjoint plan is made for it
    assert all(request.url.path == "/v1/cases/count" for request in played.requests)


@pytest.mark.parametrize(
    "query", ["status = new and title not contains 1", "title ~ '%1' or reference ~ 'R_' and status = new"]
)
def test_else_records_are_fetched_and_counted(kind: str, query: str) -> None:
    played = Played()
    plan = pqlang.plan(query, CASES)
    assert not (plan.disjoint and plan.exact)
    whole = pqlang.predicate(query, CASES)
    assert count(kind, played, query) == sum(whole.matches({**each, "created_at": None}) for each in ROWS)
    assert {request.url.path for request in played.requests} == {"/v1/cases"}


FORM_ROWS = [
    row(n, archived=False, user={"company_name": "Acme" if n % 2 else None}, data={"country": ["be", None, 5][n % 3]})
    for n in range(12)
]


def test_groups_are_counted_by_the_api_where_it_can(kind: str) -> None:
    played = Played(rows=FORM_ROWS, endpoint=FORMS)
    found = count_by(kind, played, "created_at > 2000-01-01", "status", FORMS)
    assert found == {"new": 8, "old": 4}
    [request] = played.requests
    assert request.url.path == "/v1/forms/count"
    assert request.url.params["group-by"] == "status"


def test_groups_of_several_disjoint_requests_add_up(kind: str) -> None:
    played = Played(rows=FORM_ROWS, endpoint=FORMS)
    query = "created_at < 2024-01-05 or created_at >= 2024-01-20"
    assert len(pqlang.plan(query, FORMS, disjoint=True).requests) == 2
    days = [(each["created_at"].day, each["status"]) for each in FORM_ROWS]
    expected = [status for day, status in days if day < 5 or day >= 20]
    found = count_by(kind, played, query, "status", FORMS)
    assert found == {"new": expected.count("new"), "old": expected.count("old")}
    assert min(found.values()) > 0
    assert {request.url.path for request in played.requests} == {"/v1/forms/count"}


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("status", {"new": 8, "old": 4}),
        ("user.company_name", {"Acme": 6, None: 6}),
        ("data.country", {"be": 4, None: 4, "5": 4}),
        ("archived", {"false": 12}),
    ],
)
def test_groups_are_counted_here_where_the_api_cannot(kind: str, by: str, expected: dict[Any, int]) -> None:
    played = Played(rows=FORM_ROWS, endpoint=FORMS)
    query = "not user.company_name contains zzz or user.company_name is null"
    assert not pqlang.plan(query, FORMS).exact
    assert count_by(kind, played, query, by, FORMS) == expected
    assert {request.url.path for request in played.requests} == {"/v1/forms"}


def test_what_nobody_can_group_by_is_refused_before_anything_is_sent(kind: str) -> None:
    played = Played()
    for by in ("workspace.slug", "contact.email", "nonsense"):
        with pytest.raises(PqlError, match="cannot be counted by"):
            count_by(kind, played, "status = new", by)
    assert played.requests == []


def test_a_group_count_that_is_more_than_the_count_is_no_answer(kind: str) -> None:
    played = Played(lambda request, number: Response(200, json={"count": 1, "by": {"status": {"new": 2}}}))
    with pytest.raises(PqlError, match="its groups have 2 records, of 1 in all"):
        count_by(kind, played, "created_at > 2000-01-01", "status", FORMS)


@pytest.mark.parametrize("answer", [{}, {"count": -1}, {"count": True}, {"count": "7"}, {"count": 1.0}, [], None])
def test_a_count_that_is_none_is_no_answer(kind: str, answer: Any) -> None:
    with pytest.raises(PqlError) as caught:
        count(kind, Played(lambda request, number: Response(200, json=answer)), "status = new")
    assert caught.value.diagnostics[0].code == "remote-answer"


def test_one_failed_count_breaks_off_the_others(kind: str) -> None:
    async def answer(request: Request, number: int) -> Response | None:
        if number == 2:
            return Response(403)
        await asyncio.sleep(30)
        return None

    played = Played(answer)
    with pytest.raises(PqlError, match="status 403"):
        count(kind, played, UNION)
    assert played.cancelled == len(played.requests) - 1 > 0


# What fails in passing


def reset(request: Request, number: int) -> Response:
    raise httpx2.ReadError("connection reset by peer", request=request)


def unreachable(request: Request, number: int) -> Response:
    raise httpx2.ConnectError("All connection attempts failed", request=request)


def cut(request: Request, number: int) -> Response:
    raise httpx2.RemoteProtocolError("peer closed connection", request=request)


async def never(request: Request, number: int) -> None:
    await asyncio.sleep(30)


PASSING: dict[str, Callable[[Request, int], Any]] = {
    **{
        str(status): lambda r, n, status=status: Response(status) for status in (408, 425, 429, 500, 502, 503, 504, 599)
    },
    "reset": reset,
    "unreachable": unreachable,
    "cut": cut,
    "never": never,
    "empty": lambda r, n: Response(200, content=b"", headers={"content-type": "application/json"}),
    "half": lambda r, n: Response(200, content=b'{"meta": {"total_co', headers={"content-type": "application/json"}),
}


@pytest.mark.parametrize("failure", PASSING)
def test_what_fails_in_passing_is_tried_again(kind: str, failure: str) -> None:
    played = Played(lambda request, number: PASSING[failure](request, number) if number % 3 else None)
    found = fetch(kind, played, "status = new", attempts=9, timeout=0.2, concurrency=1)
    assert numbers(found) == newest_first(lambda row: row["status"] == "new")
    assert len(played.requests) == 5 * 3


@pytest.mark.parametrize("failure", PASSING)
def test_what_goes_on_failing_ends_in_an_error_after_so_many_attempts(kind: str, failure: str) -> None:
    played = Played(PASSING[failure])
    code, picture = refused(kind, played, attempts=3, timeout=0.05)
    assert len(played.requests) == 3
    if failure in ("empty", "half"):
        assert code == "remote-answer"
    else:
        assert code == "remote-failed"
        assert "after 3 attempts" in picture
    assert "1 | status = new" in picture


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were waited for, without waiting."""
    waited: list[float] = []
    sleep = asyncio.sleep

    async def remember(seconds: float) -> None:
        waited.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", remember)
    return waited


def test_the_api_says_how_long_to_wait_up_to_a_bound(kind: str, waits: list[float]) -> None:
    headers = ["3", format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True), "86400", "-5", "soon", ""]

    def answer(request: Request, number: int) -> Response | None:
        return Response(429, headers={"retry-after": headers[number - 1]}) if number <= len(headers) else None

    assert len(fetch(kind, Played(answer), "status = new", limit=4, attempts=7, longest_wait=30)) == 4
    assert waits[0] == 3
    assert 15 < waits[1] <= 20
    assert waits[2] == 30
    assert all(0 < wait <= 30 for wait in waits[3:])  # its own, which double
    assert len(waits) == 6


def test_waits_grow_up_to_a_bound(kind: str, waits: list[float]) -> None:
    refused(kind, Played(PASSING["500"]), attempts=9, longest_wait=5)
    assert len(waits) == 8
    assert all(low <= wait <= 5 for low, wait in zip((0.5, 1, 2, 4, 5, 5, 5, 5), waits, strict=True))


@pytest.mark.parametrize(
    "header", ["1e9", "9" * 400, "٣", "Wed, 99 Foo", "\x00", None, "Wed, 21 Oct 9999 07:28:00 -9999"]
)
def test_a_wait_that_cannot_be_read_is_none_or_bounded(header: str | None) -> None:
    assert retry_after(header, 60) in (None, 60, 0)


def test_a_bound_on_requests_does_not_use_up_the_attempts(kind: str) -> None:
    """An API that takes one request at a time, and sixteen that want to go at once."""

    async def answer(request: Request, number: int) -> Response | None:
        if played.under_way > 1:
            return Response(429)
        await asyncio.sleep(0.005)
        return None

    played = Played(answer, [row(number, status="new") for number in range(80)])
    assert len(fetch(kind, played, "status = new", concurrency=16, attempts=7)) == 80
    assert len(played.requests) > 20


# What is refused


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 410, 422])
def test_a_refusal_is_raised_at_once_with_the_apis_words_and_the_query(kind: str, status: int) -> None:
    said = {
        "errors": [{"status": str(status), "title": "Invalid \x1b[31mFilter\x07", "detail": "no\r\nsuch\u202e key"}]
    }
    played = Played(lambda request, number: Response(status, json=said))
    code, picture = refused(kind, played)
    assert code == "remote-refused"
    assert len(played.requests) == 1
    assert f"status {status}: Invalid [31mFilter : no such key" in picture
    assert "1 | status = new" in picture
    assert "\x1b" not in picture


def test_a_refusal_says_what_to_look_at(kind: str) -> None:
    assert "look at the token: `PENBOX_TOKEN`" in refused(kind, Played(lambda r, n: Response(401)))[1]
    assert (
        "the request was GET https://api.test/v1/cases?filter=" in refused(kind, Played(lambda r, n: Response(400)))[1]
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>no</html>",
        b"[]",
        b'{"errors": 5}',
        b'{"errors": [5, {"title": 5}]}',
        b'{"errors": {"title": "x"}}',
        b"\xff\xfe",
    ],
)
def test_a_refusal_without_words_is_one_all_the_same(kind: str, body: bytes) -> None:
    assert refused(kind, Played(lambda r, n: Response(403, content=body)))[0] == "remote-refused"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(kind: str, status: int) -> None:
    played = Played(lambda r, n: Response(status, headers={"location": "https://evil.test/take"}))
    code, picture = refused(kind, played)
    assert code == "remote-answer"
    assert "it redirects to `https://evil.test/take`" in picture
    assert [request.url.host for request in played.requests] == ["api.test"]


# What makes no sense


def meta(**other: Any) -> dict[str, Any]:
    return {"total_count": 1, "total_pages": 1, "page_size": 4, "current_page": 1} | other


ONE = {"id": "1"}
NONSENSE: dict[str, tuple[Any, int]] = {  # what is answered, and how often it is tried
    "a page of a web server": (Response(200, html="<!doctype html><title>Log in</title>"), 1),
    "text": (Response(200, text="OK"), 1),
    "no content": (Response(204), 1),
    "no list": (Response(200, json=[]), 1),
    "null": (Response(200, content=b"null"), 1),
    "no meta": (Response(200, json={"data": []}), 1),
    "no data": (Response(200, json={"meta": meta(total_count=0)}), 1),
    "data that is no list": (Response(200, json={"meta": meta(), "data": {"id": "1"}}), 1),
    "records that are no objects": (Response(200, json={"meta": meta(), "data": ["1"]}), 1),
    "a record without id": (Response(200, json={"meta": meta(), "data": [{}]}), 1),
    "another page": (Response(200, json={"meta": meta(current_page=2), "data": [ONE]}), 1),
    "no total": (Response(200, json={"meta": {"total_pages": 1, "page_size": 4, "current_page": 1}, "data": [ONE]}), 1),
    "a total that is text": (Response(200, json={"meta": meta(total_count="1"), "data": [ONE]}), 1),
    "a total that is true": (Response(200, json={"meta": meta(total_count=True), "data": [ONE]}), 1),
    "a total below zero": (Response(200, json={"meta": meta(total_count=-1), "data": [ONE]}), 1),
    "pages of no records": (Response(200, json={"meta": meta(page_size=0), "data": [ONE]}), 1),
    "fewer records than it says": (Response(200, json={"meta": meta(total_count=3), "data": [ONE]}), 2),
    "more records than it says": (Response(200, json={"meta": meta(), "data": [ONE, {"id": "2"}]}), 2),
    "fewer pages than there must be": (Response(200, json={"meta": meta(total_count=9), "data": [ONE] * 4}), 2),
    "no pages at all": (Response(200, json={"meta": meta(total_pages=0), "data": [ONE]}), 2),
    "not a number": (Response(200, content=b'{"meta": NaN}', headers={"content-type": "application/json"}), 2),
    "a deep well": (Response(200, content=b"[" * 200_000, headers={"content-type": "application/json"}), 2),
    "a number without end": (Response(200, content=b"9" * 9_000, headers={"content-type": "application/json"}), 2),
    "no UTF-8": (Response(200, content=b'{"a": "\xff"}', headers={"content-type": "application/json"}), 2),
    "a broken packing": (
        lambda r, n: Response(200, stream=httpx2.ByteStream(b"\x1f\x8bnonsense"), headers={"content-encoding": "gzip"}),
        2,
    ),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_what_makes_no_sense_is_an_error_and_never_a_short_list(kind: str, what: str) -> None:
    given, times = NONSENSE[what]
    answer = (
        given
        if callable(given)
        else lambda r, n: Response(given.status_code, content=given.content, headers=given.headers)
    )
    played = Played(answer)
    code, picture = refused(kind, played, attempts=2)
    assert code == ("remote-failed" if what == "a broken packing" else "remote-answer")
    assert len(played.requests) == times
    assert "1 | status = new" in picture


def test_an_answer_without_end_is_broken_off(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MOST_BYTES", 10_000)
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while True:
            sent += 1_000
            yield b"x" * 1_000

    code, picture = refused(kind, Played(lambda r, n: Response(200, content=endless())))
    assert (code, sent) == ("remote-answer", 11_000)
    assert "it has more than 10,000 bytes" in picture


def test_a_later_page_that_fails_is_an_error_after_right_records() -> None:
    def answer(request: Request, number: int) -> Response | None:
        return Response(400) if request.url.params["page[number]"] == "3" else None

    with Client(TOKEN, BASE, transport=MockTransport(Played(answer)), concurrency=1) as client:
        reading = client.fetch("status = new", CASES)
        found = [next(reading) for _ in range(8)]
        with pytest.raises(PqlError, match="status 400"):
            next(reading)
        assert numbers(found) == newest_first(lambda row: row["status"] == "new")[:8]
        with pytest.raises(PqlError, match="broken off before its end"):  # and not the end
            next(reading)


# A collection that moves


def moving(after: int) -> Played:
    """A record more, at the top, after so many requests: the last of each page comes again."""
    rows = list(ROWS)

    def answer(request: Request, number: int) -> None:
        if number == after + 1:
            rows.append(row(99, status="new", created_at=datetime(2030, 1, 1, tzinfo=UTC)))
            played.api.rows = rows

    played = Played(answer)
    return played


def test_a_collection_that_moves_is_warned_of_and_nothing_comes_twice(kind: str) -> None:
    with pytest.warns(PqlWarning, match="changed while they were read") as warned:
        found = numbers(fetch(kind, moving(2), "status = new", concurrency=1))
    assert [each.filename for each in warned] == [__file__]
    assert found == newest_first(lambda row: row["status"] == "new")
    with pytest.warns(PqlWarning, match="changed while they were read"):
        assert count(kind, moving(2), "status = new and title not contains zzz", concurrency=1) == 20


def test_strict_makes_an_error_of_it(kind: str) -> None:
    code, picture = refused(kind, moving(2), strict=True, concurrency=1)
    assert code == "moved-records"
    assert picture.startswith("error")
    with pytest.raises(PqlError, match="changed while they were read"):
        count(kind, moving(2), "status = new and title not contains zzz", strict=True, concurrency=1)


def test_warnings_are_in_the_diagnostics_too() -> None:
    with Client(TOKEN, BASE, transport=MockTransport(moving(2)), concurrency=1) as client, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reading = client.fetch("status != old", CASES)
        list(reading)
    assert [(each.code, each.severity.value) for each in reading.diagnostics] == [
        ("nulls-left-out", "hint"),
        ("moved-records", "warning"),
    ]


# The token


def test_the_token_is_in_one_header_and_nowhere_else(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    def echo(request: Request, number: int) -> Response | None:
        words = {"errors": [{"title": f"no {request.headers['authorization']}"}]}
        return Response(500 if number < 3 else 403, json=words) if number > 1 else None

    caplog.set_level(logging.DEBUG)
    played = Played(echo)
    with pytest.raises(PqlError) as caught:
        fetch(kind, played, "status = new", concurrency=1)
    assert played.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert not any(TOKEN in str(request.url) for request in played.requests)
    assert "no Bearer …" in str(caught.value)
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=False).format())
    seen: BaseException | None = caught.value
    while seen is not None:  # what hangs on it, too
        assert TOKEN not in repr(seen) + str(seen) + shown
        seen = seen.__context__
    assert caplog.records
    assert all(TOKEN not in f"{record.getMessage()} {record.__dict__}" for record in caplog.records)


def test_no_repr_shows_the_token() -> None:
    clients = [Client(TOKEN, BASE, transport=MockTransport(Played())), AsyncClient(TOKEN, BASE)]
    clients[0].fetch("status = new", CASES)
    assert [repr(each) for each in clients] == ["<Client of https://api.test/v1>", "<AsyncClient>"]
    for each in (*clients, clients[0]._client, clients[0]._client._transport):
        assert TOKEN not in repr(each)
    assert TOKEN not in repr({name: value for name, value in vars(clients[1]).items()})


def test_the_token_comes_from_the_environment_too(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENBOX_TOKEN", "pnbx_of_the_environment")
    played = Played()
    fetch(kind, played, "status = new", token=None)
    assert played.requests[0].headers["authorization"] == "Bearer pnbx_of_the_environment"
    fetch(kind, played, "status = new")
    assert played.requests[-1].headers["authorization"] == f"Bearer {TOKEN}"


def test_without_a_token_nothing_is_sent(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PENBOX_TOKEN", raising=False)
    played = Played()
    for token in (None, ""):
        code, picture = refused(kind, played, token=token)
        assert code == "no-token"
        assert "`PENBOX_TOKEN`" in picture
    assert played.requests == []


@pytest.mark.parametrize("token", ["pnbx_x\r\nX-Admin: 1", "pnbx_x ", "pnbx é", "pnbx\0", "x y", 5])
def test_a_token_that_no_header_carries_is_refused_unseen(kind: str, token: Any) -> None:
    played = Played()
    code, picture = refused(kind, played, token=token)
    assert code == "bad-token"
    assert str(token) not in picture
    assert played.requests == []


def test_an_api_that_names_no_variable_needs_no_token() -> None:
    open_api = replace(API, token_variable="")
    assert find_token(None, open_api) == ""
    played = Played(endpoint=replace(CASES, api=open_api))
    assert len(fetch("sync", played, "status = new", replace(CASES, api=open_api), token=None)) == 20
    assert "authorization" not in played.requests[0].headers


def test_a_client_speaks_to_one_api() -> None:
    other = replace(CASES, api=replace(API, name="shop", base_url="https://shop.test"))
    with Client(TOKEN, transport=MockTransport(Played())) as client:
        client.count("status = new", CASES)
        with pytest.raises(PqlError, match="speaks to the API `penbox`, and the endpoint is one of `shop`"):
            client.fetch("status = new", other)


# Addresses


@pytest.mark.parametrize(
    "address",
    [
        "http://api.test/v1",
        "http://localhost.evil.test",
        "http://127.0.0.1.evil.test",
        "http://10.0.0.1",
        "ftp://api.test",
        "api.test/v1",
        "https://",
        "https:///v1",
        "https://user:secret@api.test",
        "https://api.test/v1?x=1",
        "https://api.test/v1#x",
        "https://api.test:99999",
        "https://api .test",
        "https://api.test/\r\nX: y",
        "",
        5,
    ],
)
def test_an_address_that_cannot_be_used_is_refused(kind: str, address: Any) -> None:
    played = Played()
    code, picture = refused(kind, played, base_url=address)
    assert code == "bad-address"
    assert "secret" not in picture
    assert played.requests == []


@pytest.mark.parametrize(
    "address", ["http://localhost:8000", "http://127.0.0.1:1/v1/", "http://[::1]:80", "HTTPS://api.test"]
)
def test_this_machine_may_be_asked_in_the_clear(address: str) -> None:
    played = Played()
    assert len(fetch("sync", played, "status = new", base_url=address)) == 20
    assert check_address(address).hostname == played.requests[0].url.host


def test_a_proxy_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:3128")
    _code, _picture = "", ""
    with Client(TOKEN, "http://127.0.0.1:9", attempts=1) as client, pytest.raises(PqlError) as caught:
        list(client.fetch("status = new", CASES))
    assert caught.value.diagnostics[0].code == "remote-failed"
    assert "name" not in str(caught.value).lower().replace("status = new", "")  # no name was looked up


# Arguments


@pytest.mark.parametrize(
    "options",
    [
        {"limit": -1}, {"limit": True}, {"limit": 1.0}, {"strict": 1}, {"timeout": 0}, {"timeout": float("inf")},
        {"timeout": True}, {"concurrency": 0}, {"concurrency": 2.0}, {"attempts": 0}, {"longest_wait": "1"},
        {"target": "xml"}, {"tz": "Mars"}, {"endpoint": "case"},
    ],
)  # fmt: skip
def test_wrong_arguments_are_said(kind: str, options: dict[str, Any]) -> None:
    assert refused(kind, Played(), **options)[0] in ("bad-argument", "bad-zone", "unknown-endpoint")


def test_what_is_wrong_with_the_query_is_said_before_anything_is_sent(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PENBOX_TOKEN", raising=False)
    played = Played()
    assert refused(kind, played, "stats = new", token=None)[0] == "unknown-field"  # with or without a token
    assert played.requests == []


# Breaking off


async def first_only(request: Request, number: int) -> None:
    if request.url.params["page[number]"] != "1":
        await asyncio.sleep(30)


def until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come about")


@pytest.mark.parametrize("way", ["break", "close", "with", "client", "garbage"])
def test_breaking_off_cancels_what_is_under_way(way: str) -> None:
    played = Played(first_only)
    client = Client(TOKEN, BASE, transport=MockTransport(played), concurrency=3)
    reading = client.fetch("status = new", CASES)
    assert next(reading)
    until(lambda: played.under_way == 3)
    if way == "break":
        for _ in reading:
            break
        del reading
    elif way == "close":
        reading.close()
        assert list(reading) == []
    elif way == "with":
        with reading:
            pass
    elif way == "garbage":
        del reading
        gc.collect()
    else:
        client.close()
        with pytest.raises(PqlError, match="the client is closed"):
            list(reading)
    until(lambda: played.under_way == 0)
    assert played.cancelled == 3
    client.close()


def test_breaking_off_cancels_what_is_under_way_in_asyncio() -> None:
    played = Played(first_only)

    async def run() -> None:
        async with AsyncClient(TOKEN, BASE, transport=MockTransport(played), concurrency=3) as client:
            async with client.fetch("status = new", CASES) as reading:
                assert await anext(reading)
                while played.under_way < 3:
                    await asyncio.sleep(0.001)
            assert (played.under_way, played.cancelled) == (0, 3)
            reading = client.fetch("status = new", CASES)
            for _ in range(4):
                await anext(reading)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(reading), 0.05)
            assert (played.under_way, played.cancelled) == (0, 6)
            with pytest.raises(PqlError, match="broken off before its end"):  # a list cut short is no list
                await anext(reading)
            waiting = asyncio.create_task(client.count("status = new and title not contains z", CASES))
            while played.under_way < 3:
                await asyncio.sleep(0.001)
        with pytest.raises(PqlError, match="the client is closed"):
            await waiting
        assert played.under_way == 0

    asyncio.run(run())


def test_nothing_is_left_running() -> None:
    before = set(threading.enumerate())
    with Client(TOKEN, BASE, transport=MockTransport(Played())) as client:
        list(client.fetch("status = new", CASES))
        assert len(set(threading.enumerate()) - before) == 1
    assert set(threading.enumerate()) == before
    client.close()  # again is nothing
    for use in (lambda: client.fetch("status = new", CASES), lambda: client.count("status = new", CASES)):
        with pytest.raises(PqlError, match="the client is closed"):
            use()
    forgotten = Client(TOKEN, BASE, transport=MockTransport(Played()))
    list(forgotten.fetch("status = new", CASES))
    del forgotten
    gc.collect()
    until(lambda: set(threading.enumerate()) == before)


def test_closing_while_another_thread_reads_ends_its_reading() -> None:
    played = Played(never)
    client = Client(TOKEN, BASE, transport=MockTransport(played))
    raised: list[PqlError] = []

    def read() -> None:
        try:
            list(client.fetch("status = new", CASES))
        except PqlError as error:
            raised.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    until(lambda: played.under_way == 1)
    client.close()
    thread.join(5)
    assert [error.diagnostics[0].code for error in raised] == ["closed-client"]


def test_readings_end_quietly_after_their_client() -> None:
    client = Client(TOKEN, BASE, transport=MockTransport(Played()))
    begun, not_begun = client.fetch("status = new", CASES), client.fetch("status = new", CASES)
    next(begun)
    client.close()
    for reading in (begun, not_begun):
        with pytest.raises(PqlError, match="the client is closed"):
            list(reading)
        reading.close()
    unused = Client(TOKEN, BASE, transport=MockTransport(Played()))
    reading = unused.fetch("status = new", CASES)
    unused.close()
    before = threading.active_count()
    with pytest.raises(PqlError, match="the client is closed"):
        next(reading)
    reading.close()
    assert threading.active_count() == before


def test_a_client_that_is_garbage_in_its_own_thread_ends_it() -> None:
    before = set(threading.enumerate())
    client = Client(TOKEN, BASE, transport=MockTransport(Played()))
    client.count("status = new", CASES)
    thread = client._thread
    assert thread is not None
    holder = [client]
    del client
    thread._loop.call_soon_threadsafe(holder.clear)
    until(lambda: set(threading.enumerate()) == before)
    thread._loop.close()


def test_a_url_that_cannot_be_sent_is_said(kind: str) -> None:
    played = Played()
    code, picture = refused(kind, played, "title = $long", variables={"long": "x" * 70_000})
    assert code == "bad-address"
    assert "the request cannot be sent: URL too long" in picture
    assert played.requests == []


@pytest.mark.parametrize(
    ("name", "value"), [("HTTPS_PROXY", "gopher://x"), ("HTTPS_PROXY", "http://x:y:z"), ("ALL_PROXY", "://")]
)
def test_an_environment_that_cannot_be_used_is_said(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with Client(TOKEN, BASE) as client, pytest.raises(PqlError, match="no connection can be made ready"):
        client.fetch("status = new", CASES)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system does not fork")
def test_a_client_does_not_hang_after_a_fork() -> None:
    code = """
import os, sys
from httpx2 import MockTransport, Response
from pqlang import Client, PqlError
client = Client("pnbx_x", "https://api.test", transport=MockTransport(lambda request: Response(200, json={"count": 1})))
assert client.count("status = new", "cases") == 1
child = os.fork()
if child == 0:
    try:
        client.count("status = new", "cases")
    except PqlError as error:
        sys.exit(7 if "another process" in str(error) else 1)  # it ends by itself, too
    sys.exit(2)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (7, b"")


def test_ctrl_c_ends_a_reading_at_once() -> None:
    code = """
import asyncio, os, signal, threading
from httpx2 import MockTransport, Response
from pqlang import Client
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may ignore it
async def never(request):
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    await asyncio.sleep(60)
with Client("pnbx_x", "https://api.test", transport=MockTransport(never)) as client:
    try:
        client.count("status = new", "cases")
    except KeyboardInterrupt:
        print("interrupted")
"""
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=50, check=False)
    assert (done.stdout.split(), done.stderr) == ([b"interrupted"], b"")
    assert time.monotonic() - start < 40


# What it costs to have it


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    code = "import sys, pqlang; pqlang.compile('archived', 'cases'); print({'httpx2', 'asyncio'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_without_the_extra_the_line_that_installs_it_is_said(tmp_path: Path) -> None:
    code = "import sys; sys.modules['httpx2'] = None; import pqlang.client"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'pqlang[client]'" in done.stderr


@pytest.mark.parametrize("query", ["status = draft", 'status = draft or user.email ~ "a%"'])
def test_a_misspelt_field_is_not_counted_by(query: str) -> None:
    played = Played(endpoint=pqlang.PENBOX.endpoint("forms"), rows=[])
    with Client(TOKEN, BASE, transport=MockTransport(played)) as client, pytest.raises(PqlError) as raised:
        client.count_by(query, "forms", "user.emial")
    assert [each.code for each in raised.value.diagnostics] == ["no-grouping"]
    assert played.requests == []
