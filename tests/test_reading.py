"""Reading a plan page by page: what is yielded, held against the query on the same rows, and what is asked for it."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from list_api import ListApi, in_order
from reference import selects
from strategies import Draw, Question, asked_of, endpoints, examples, questions, records, seeds, written
from test_plan import some_carried, wide
from test_predicate import plain

import pqlang
from pqlang import Plan, PqlError, Source
from pqlang.answers import BadAnswer, Page
from pqlang.condition import Any as AnyOf
from pqlang.ordering import merge_order, order_of
from pqlang.reading import BATCH, Ask, Reading
from pqlang.schema import Endpoint

# A model: rows, an API that lists them, and a driver whose pages come in any order


@st.composite
def unions(draw: Draw) -> Question:
    """A few conditions of which one is enough: mostly as many requests."""
    endpoint = draw(endpoints())
    tests = draw(st.lists(asked_of(endpoint.fields), min_size=2, max_size=4))
    return Question(endpoint, AnyOf(tuple(tests)))


@st.composite
def asked(draw: Draw) -> tuple[Endpoint, Any, str, list[dict[str, Any]]]:
    """An endpoint that sorts by its own and its owner's fields, a condition, a query that means it, and rows."""
    question: Question = draw(st.one_of(unions(), unions(), unions(), wide(), questions(sayable=True)))
    endpoint, condition = some_carried(question, draw)
    fields = tuple(replace(each, sort=None if each.to_many or each.derived else each.name) for each in endpoint.fields)
    api = replace(endpoint.api, max_page_size=draw(st.sampled_from((1, 2, 3, 7))))
    sortable = [each.sort for each in fields if each.sort]
    default = draw(st.sampled_from(("id", "-id", None, f"-{draw(st.sampled_from(sortable))}")))
    endpoint = replace(endpoint, fields=fields, api=api, default_sort=default)
    order = draw(st.sampled_from(("", " order by {}", " order by {}", " order by {} desc"))).format(
        draw(st.sampled_from([each.name for each in fields if each.sort]))
    )
    rows = records(endpoint, draw(seeds), draw(st.sampled_from((0, 1, 12, 40))))
    random = Random(draw(seeds))
    names = random.sample(range(1000), len(rows))
    for row, name in zip(rows, names, strict=True):
        row["id"] = (
            f"{random.choice('aAb')}{name}" if random.random() < 0.5 else f"{name:08x}-0000-4000-8000-00000000abcd"
        )
    return endpoint, condition, written(question.condition) + order, rows


def drive(reading: Reading, api: ListApi, random: Random) -> Iterator[dict[str, Any]]:
    """Read to the end, the pages coming in any order."""
    under_way: list[Ask] = []
    while True:
        batch = reading.ready()
        assert len(batch) <= BATCH
        under_way += reading.wanted()
        assert len(under_way) <= reading.width
        yield from batch
        if reading.finished:
            return
        if not batch:
            assert under_way, "nothing is wanted, and it is not finished"
            ask = under_way.pop(random.randrange(len(under_way)))
            reading.answer(ask, page_of(api, ask.url))


def page_of(api: ListApi, url: str) -> Page:
    answer = api.answer(url)
    meta = answer["meta"]
    return Page(answer["data"], meta["current_page"], meta["page_size"], meta["total_count"], meta["total_pages"])


def fewest_pages(plan: Plan, api: ListApi, order: Any, limit: int | None) -> int:
    """How many pages a reader takes who fetches one only when nothing else can be yielded."""
    count = 0
    size = api.endpoint.api.max_page_size
    sorts = order is not None and not order.known
    if limit is not None and plan.exact and not sorts:
        size = min(size, max(limit, 1))

    def listed(request: Any) -> Iterator[dict[str, Any]]:
        nonlocal count
        for number in itertools.count(1):
            count += 1
            page = page_of(api, request.url(page=number, size=size))
            yield from (each for each in page.records if request.residual is None or request.residual.matches(each))
            if number >= page.last:
                return

    lists = [listed(request) for request in plan.requests]
    if order is None or sorts:
        merged: Iterator[dict[str, Any]] = itertools.chain.from_iterable(lists)
    else:
        key = order.keys()
        merged = heapq.merge(*lists, key=lambda record: (key(record), str(record["id"])))
    if sorts:
        merged = iter(list(merged))
    seen: set[str] = set()
    while limit is None or len(seen) < limit:
        record = next(merged, None)
        if record is None:
            break
        seen.add(record["id"])
    return count


@examples(500)
@given(
    asked(),
    st.sampled_from((None, None, 0, 1, 2, 5, 13, 1000)),
    st.sampled_from((1, 2, 4, 9)),
    st.booleans(),
    seeds,
)
def test_what_is_yielded_is_what_the_query_means(
    asked: tuple[Endpoint, Any, str, list[dict[str, Any]]], limit: int | None, width: int, disjoint: bool, seed: int
) -> None:
    endpoint, condition, query, rows = asked
    try:
        plan = pqlang.plan(query, endpoint, variables={"none": []}, disjoint=disjoint, max_requests=8)
        order, problems = merge_order(plan, Source(query), strict=False)
    except PqlError as error:
        refused = {each.code for each in error.diagnostics}
    else:
        refused = set()
    if refused:
        assert refused & {"too-many-requests", "uncarried-residual", "no-target", "unmergeable-order"}
        return
    assume(len(plan.requests) > 1 or seed % 8 == 0)  # most plans are of one request, and soon tried
    api = ListApi(endpoint, rows)
    reading = Reading(plan, Source(query), order=order, limit=limit, width=width)
    got = list(drive(reading, api, Random(seed)))

    meant = [row for row in rows if selects(condition, row, endpoint)]
    asked_order = plan.requests[0].sort if plan.requests else None
    by = asked_order or endpoint.default_sort
    ids = [row["id"] for row in got]
    if len(plan.requests) == 1 or order is not None:
        if problems:  # nobody knows how text is sorted: here by code points, nulls where they belong
            assert [problem.code for problem in problems] == ["sorted-here"]
        expected = [row["id"] for row in in_order(meant, by or "id", endpoint)][:limit]
        assert ids == expected
    else:  # one request after the other
        assert asked_order is None
        assert len(ids) == len(set(ids)) == min(len(meant), len(meant) if limit is None else limit)
        assert set(ids) <= {row["id"] for row in meant}
    assert [row for row in got if row not in list(map(plain, rows))] == []

    assert reading.yielded == len(got)
    assert not reading.problems
    assert len(api.asked) == len(set(api.asked)), "a page was asked for twice"
    if limit != 0:
        fewest = fewest_pages(plan, again := ListApi(endpoint, rows), order, limit)
        assert set(api.asked) == set(again.asked)
        assert len(api.asked) == fewest
    else:
        assert not api.asked


# By name


def cases(query: str, **options: Any) -> tuple[Plan, Source]:
    return pqlang.plan(query, "cases", **options), Source(query)


def page(ids: list[int], number: int = 1, *, total: int = 3, size: int = 2, **fields: Any) -> Page:
    rows = [{"id": str(id), "created_at": "2024-01-01", **fields} for id in ids]
    return Page(rows, number, size, total, -(-total // size))


def test_what_comes_early_waits_for_its_turn() -> None:
    reading = Reading(*cases("status = a"))
    [first] = reading.wanted()
    assert (first.number, reading.wanted()) == (1, [])  # how many there are is not known
    reading.answer(first, page([1, 2], 1, total=6))
    second, third = reading.wanted()
    reading.answer(third, page([5, 6], 3, total=6))
    assert [row["id"] for row in reading.ready()] == ["1", "2"]
    assert not reading.finished
    reading.answer(second, page([3, 4], 2, total=6))
    assert [row["id"] for row in reading.ready()] == ["3", "4", "5", "6"]
    assert reading.finished
    assert (reading.pages, reading.fetched, reading.yielded, reading.expected) == (3, 6, 6, 6)


def test_pages_read_ahead_are_bounded() -> None:
    reading = Reading(*cases("status = a"), width=2)
    asks = reading.wanted()
    reading.answer(asks[0], page([0, 1], 1, total=100))
    number = 1
    for _ in range(20):  # nobody takes what is ready
        for ask in reading.wanted():
            reading.answer(ask, page([2 * ask.number, 2 * ask.number + 1], ask.number, total=100))
            number = ask.number
    assert number <= 1 + 2 * 2


def test_a_record_in_two_requests_comes_once_and_passes_by_either() -> None:
    plan, source = cases("status = a and title !~ 'x%' or reference = b")
    assert [request.residual is None for request in plan.requests] == [False, True]
    assert not plan.disjoint
    reading = Reading(plan, source)
    one, two = reading.wanted()
    reading.answer(one, page([1, 2], total=2, title="x"))  # its residual leaves both out
    reading.answer(two, page([2, 3], total=2, title="x"))
    assert [row["id"] for row in reading.ready()] == ["2", "3"]
    assert not reading.problems


@pytest.mark.parametrize("strict", [False, True])
def test_a_total_that_moves_is_said(strict: bool) -> None:
    reading = Reading(*cases("status = a"), strict=strict)
    reading.answer(reading.wanted()[0], page([1, 2], 1))
    reading.ready()
    [ask] = reading.wanted()
    if strict:
        with pytest.raises(PqlError, match="there were 3 of them, then 4"):
            reading.answer(ask, page([3, 4], 2, total=4))
        return
    reading.answer(ask, page([3, 4], 2, total=4))
    assert [row["id"] for row in reading.ready()] == ["3", "4"]
    assert [(each.code, each.severity) for each in reading.problems] == [("moved-records", "warning")]


@pytest.mark.parametrize("strict", [False, True])
def test_an_id_that_comes_twice_is_yielded_once_and_said(strict: bool) -> None:
    reading = Reading(*cases("status = a"), strict=strict)
    reading.answer(reading.wanted()[0], page([1, 2], 1))
    assert len(reading.ready()) == 2
    reading.answer(reading.wanted()[0], page([2], 2))
    if strict:
        with pytest.raises(PqlError, match="`2` came twice"):
            reading.ready()
        return
    assert reading.ready() == []
    assert reading.finished
    assert [each.code for each in reading.problems] == ["moved-records"]


def test_an_id_that_comes_twice_with_one_of_several_requests_is_said() -> None:
    reading = Reading(*cases("status = a or reference = b"))
    one, two = reading.wanted()
    reading.answer(one, page([1, 1], total=2))
    reading.answer(two, page([], total=0))
    assert [row["id"] for row in reading.ready()] == ["1"]
    assert [each.code for each in reading.problems] == ["moved-records"]


def test_an_id_that_comes_twice_is_said_though_its_first_coming_failed_the_test() -> None:
    reading = Reading(*cases("status = a and title !~ 'x%'"))
    rows = [{"id": "1", "title": "x"}, {"id": "1", "title": "y"}]
    reading.answer(reading.wanted()[0], Page(rows, 1, 100, 2, 1))
    assert reading.ready() == []  # what it was when it came first
    assert [each.code for each in reading.problems] == ["moved-records"]


def test_an_id_in_two_requests_that_share_none_is_said() -> None:
    plan, source = cases("status = a or reference = b", disjoint=True)
    assert plan.disjoint
    reading = Reading(plan, source)
    for at, ask in enumerate(reading.wanted()):
        reading.answer(ask, page([1], total=1) if at < 2 else page([], total=0))
    assert [row["id"] for row in reading.ready()] == ["1"]
    assert [each.code for each in reading.problems] == ["moved-records"]


def test_a_list_that_grows_is_read_to_its_new_end_and_one_that_shrinks_to_its() -> None:
    reading = Reading(*cases("status = a"), width=1)
    reading.answer(reading.wanted()[0], page([1, 2], 1, total=3))
    reading.ready()
    reading.answer(reading.wanted()[0], page([3, 4], 2, total=5))
    reading.ready()
    [ask] = reading.wanted()
    assert ask.number == 3
    reading.answer(ask, page([5], 3, total=5))
    assert [row["id"] for row in reading.ready()] == ["5"]
    assert reading.finished

    reading = Reading(*cases("status = a"), width=9)
    reading.answer(reading.wanted()[0], page([1, 2], 1, total=6))
    reading.ready()
    two, three = reading.wanted()
    reading.answer(two, page([3], 2, total=3))
    assert [row["id"] for row in reading.ready()] == ["3"]
    assert reading.finished
    reading.answer(three, page([], 3, total=3))
    assert reading.wanted() == []
    assert reading.ready() == []


def test_a_page_of_another_size_is_no_page_of_the_same_list() -> None:
    reading = Reading(*cases("status = a"))
    reading.answer(reading.wanted()[0], page([1, 2], 1))
    with pytest.raises(BadAnswer, match="3 records a page, where other pages have 2"):
        reading.answer(reading.wanted()[0], page([], 2, size=3))


def test_a_smaller_size_than_asked_for_is_gone_by() -> None:
    reading = Reading(*cases("status = a"))
    [ask] = reading.wanted()
    assert "page%5Bsize%5D=100" in ask.url
    reading.answer(ask, page([1, 2], 1, total=5))
    assert [each.number for each in reading.wanted()] == [2, 3]


@pytest.mark.parametrize(
    ("query", "limit", "size"),
    [
        ("status = a", 5, 5),
        ("status = a", 500, 100),
        ("status = a and title !~ 'x%'", 5, 100),  # some will be left out
        ("status = a or reference = b", 5, 5),
        ("status = a or reference = b order by title", 5, 100),  # all are fetched
    ],
)
def test_a_small_limit_asks_for_small_pages(query: str, limit: int, size: int) -> None:
    plan, source = cases(query)
    order, _ = merge_order(plan, source, strict=False)
    ask = Reading(plan, source, order=order, limit=limit).wanted()[0]
    assert f"page%5Bsize%5D={size}" in ask.url


def test_an_api_that_sorts_otherwise_is_found_out() -> None:
    plan, source = cases("status = a or reference = b")
    order, _ = merge_order(plan, source, strict=False)
    reading = Reading(plan, source, order=order)
    one, two = reading.wanted()
    rows = [{"id": "1", "created_at": "2024-01-01"}, {"id": "2", "created_at": "2024-01-02"}]  # not downwards
    reading.answer(one, Page(rows, 1, 100, 2, 1))
    reading.answer(two, Page([], 1, 100, 0, 0))
    assert len(reading.ready()) == 2
    assert [each.code for each in reading.problems] == ["out-of-order"]


def test_records_without_what_they_are_sorted_by_are_found_out() -> None:
    plan, source = cases("status = a or reference = b")
    order, _ = merge_order(plan, source, strict=False)
    reading = Reading(plan, source, order=order)
    for at, ask in enumerate(reading.wanted()):
        reading.answer(ask, Page([{"id": str(at)}], 1, 100, 1, 1))
    assert len(reading.ready()) == 2
    assert [each.code for each in reading.problems] == ["out-of-order"]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"created_at": "2024-01-01"}, "a record has no `id`"),
        ({"id": None, "created_at": "2024-01-01"}, "a record has no `id`"),
        ({"id": True, "created_at": "2024-01-01"}, "a record has no `id`"),
        ({"id": "1", "created_at": "yesterday", "title": "y"}, "created_at"),
        ({"id": "1", "created_at": "2024-01-01", "title": 5}, "title"),
    ],
)
def test_records_of_another_shape_are_bad_answers(record: dict[str, Any], message: str) -> None:
    plan, source = cases("status = a and title !~ 'x%' or reference = b")
    order, _ = merge_order(plan, source, strict=False)
    reading = Reading(plan, source, order=order)
    one, two = reading.wanted()
    reading.answer(one, Page([record], 1, 100, 1, 1))
    reading.answer(two, Page([], 1, 100, 0, 0))
    with pytest.raises(BadAnswer, match=message):
        reading.ready()


def test_a_plan_without_requests_asks_for_nothing() -> None:
    plan, source = cases("status = a and status = b")
    reading = Reading(plan, source)
    assert reading.wanted() == []
    assert reading.ready() == []
    assert reading.finished


def test_fewer_are_under_way_once_the_api_complains() -> None:
    reading = Reading(*cases("status = a"), width=3)
    for _ in range(9):
        reading.slow_down()
    assert reading.width == 1


# Orders


def test_the_order_of_one_request_is_the_apis() -> None:
    assert merge_order(*cases("status = a order by title"), strict=True) == (None, [])


def test_the_default_order_is_kept_where_it_is_known() -> None:
    order, problems = merge_order(*cases("status = a or reference = b"), strict=True)
    assert order == order_of("-created_at", pqlang.PENBOX.endpoints[0])
    assert order is not None
    assert order.descending
    assert order.known
    assert not problems
    unsorted = replace(pqlang.PENBOX.endpoints[0], default_sort=None)
    query = "status = a or reference = b"
    assert merge_order(pqlang.plan(query, unsorted), Source(query), strict=True) == (None, [])


@pytest.mark.parametrize("field", ["title", "parent_status", "locale"])
def test_text_of_several_requests_is_sorted_here_with_a_warning(field: str) -> None:
    plan, source = cases(f"status = a or reference = b order by {field}")
    order, [problem] = merge_order(plan, source, strict=False)
    assert order is not None
    assert not order.known
    assert (problem.code, problem.severity) == ("sorted-here", "warning")
    with pytest.raises(PqlError, match="how the API sorts text"):
        merge_order(plan, source, strict=True)


def test_several_requests_are_not_merged_by_what_responses_lack() -> None:
    endpoint = pqlang.PENBOX.endpoints[0]
    fields = tuple(replace(each, record=None) if each.name == "updated_at" else each for each in endpoint.fields)
    query = "status = a or reference = b order by updated_at"
    plan = pqlang.plan(query, replace(endpoint, fields=fields))
    with pytest.raises(PqlError, match="cannot be merged by `updated_at`: responses do not carry it"):
        merge_order(plan, Source(query), strict=False)
