"""Ask the API itself: the records that a query means, and how many they are.

Which pages are asked for and what becomes of them is decided in `reading`, how they are sent and tried again in
`transport`; here a task is made of each page that is wanted. Extra `client`.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeAlias, TypedDict, TypeVar, Unpack
from warnings import warn

from pqlang import arguments
from pqlang import diagnostics as say
from pqlang.answers import BadAnswer, Page, read_count, read_groups, read_page
from pqlang.compiler import plan as make_plan
from pqlang.counting import can_group, counting_plan, group_values
from pqlang.diagnostics import Diagnostic, PqlError, PqlWarning
from pqlang.ordering import merge_order
from pqlang.plans import Plan
from pqlang.reading import Ask, Reading, Record
from pqlang.schema import Api, Endpoint
from pqlang.source import Limits, Source, Span
from pqlang.transport import AsyncTransport, Transport

T = TypeVar("T")
Pages: TypeAlias = "asyncio.Task[Page]"


class Reads(TypedDict, total=False):
    """How a query is read and planned: keywords of `plan`, which says what they mean."""

    variables: Mapping[str, object] | None
    now: datetime | str | None
    tz: str | tzinfo
    scope: str | None
    mode: str
    limits: Limits | None
    target: str
    max_requests: int
    broaden: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a reading is: pages and records that came, records that passed the query, and how many are to come.

    `expected` is the sum of what the requests have, before tests on records and whatever two of them share; None until
    each has said so.
    """

    pages: int
    fetched: int
    yielded: int
    expected: int | None


class AsyncRecords:
    """The records of a query as an asynchronous iterator of dicts; `aclose`, or `async with`, breaks it off.

    `plan` is what was asked. Raises PqlError where the API refuses, fails, or answers what makes no sense: records that
    came before it are right, and nothing after it is passed off as the end.
    """

    def __init__(
        self, plan: Plan, reading: Reading, batches: AsyncGenerator[list[Record], None], tasks: Iterable[Pages]
    ) -> None:
        self.plan = plan
        self._reading = reading
        self._batches = batches
        self._tasks = tasks  # what is under way
        self._turn = asyncio.Lock()  # one at a time takes batches, or ends them
        self._batch: deque[Record] = deque()
        self._warned = 0
        self._closed = False

    @property
    def progress(self) -> Progress:
        """How far the reading is."""
        of = self._reading
        return Progress(of.pages, of.fetched, of.yielded, of.expected)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What is to be said beside the records: of the query, then of the reading so far, which is warned of too."""
        return (*self.plan.diagnostics, *self._reading.problems)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Record:
        while not self._batch:
            batch = await self.batch()
            self._warned = warn_of(self._reading.problems, 3, self._warned)
            if not batch:
                raise StopAsyncIteration
            self._batch.extend(batch)
        return self._batch.popleft()

    async def batch(self) -> list[Record]:
        """The next records, as many as are there without waiting, one at least; none at the end."""
        if self._batch:
            left = list(self._batch)
            self._batch.clear()
            return left
        async with self._turn:
            try:
                return await anext(self._batches)
            except StopAsyncIteration:
                if self._reading.finished or self._closed:
                    return []
        raise PqlError(Source("", "records"), [say.cut_off()])

    async def aclose(self) -> None:
        """Break off: what is under way is cancelled."""
        self._closed = True
        self._batch.clear()
        for task in self._tasks:
            task.cancel()  # so that whoever waits for a batch need not
        async with self._turn:
            await self._batches.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class AsyncClient:
    """A client of one list API. `token` is taken from the environment where it is None, `base_url` from the schema.

    `timeout` is in seconds, for one attempt at a page; what fails in passing is tried `attempts` times in all, with
    waits of up to `longest_wait` seconds between them. No more than `concurrency` requests are under way at a time.
    `transport` replaces the network: an `httpx2.AsyncBaseTransport`, such as `httpx2.MockTransport` in tests.

    `fetch` gives the records of a query, each once and in order, `limit` of them at most; `count` their number, and
    `count_by` their number for each value of a field, None standing for null where records had to be looked at.
    `reads` are keywords of `plan`: `variables`, `now`, `tz`, `scope`, `mode`, `limits`, `target`, `max_requests` and
    `broaden`. With `strict`, what else is a `PqlWarning` is an error: that the collection moved while it was read, or
    that the order asked for is not the one in which several requests can be merged.

    Raises PqlError for an argument that is not what it must be, for a mistake in the query, and for what the API does
    wrong. A client speaks to one API, whose endpoints may be named or given.
    """

    def __init__(
        self,
        token: str | None = None,
        base_url: str | None = None,
        *,
        timeout: float = 60.0,
        concurrency: int = 4,
        attempts: int = 5,
        longest_wait: float = 60.0,
        transport: AsyncTransport | None = None,
    ) -> None:
        for name, value in (("timeout", timeout), ("longest_wait", longest_wait)):
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
                raise arguments.wrong(name, value, "a positive number of seconds")
        for name, value in (("concurrency", concurrency), ("attempts", attempts)):
            if type(value) is not int or value < 1:
                raise arguments.wrong(name, value, "a positive whole number")
        self._width = concurrency

        def connect(api: Api) -> Transport:  # a function, since what it holds is not shown by anything
            return Transport(
                api,
                token,
                base_url,
                timeout=timeout,
                concurrency=concurrency,
                attempts=attempts,
                longest_wait=longest_wait,
                http=transport,
            )

        self._connect = connect
        self._transport: Transport | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    def __repr__(self) -> str:
        to = "" if self._transport is None else f" of {self._transport.base}"
        return f"<{type(self).__name__}{to}>"  # without its token

    # What can be asked

    def fetch(
        self,
        query: object,
        endpoint: str | Endpoint,
        *,
        limit: int | None = None,
        strict: bool = False,
        **reads: Unpack[Reads],
    ) -> AsyncRecords:
        """The records that a query means, each once, in its order, or the API's own where it says none.

        `limit` ends after so many; pages that this makes needless are not fetched. Of several requests ordered by text,
        which nobody says how an API sorts, all records are fetched and sorted by code points, with a warning. Where the
        collection moved while it was read, a warning says so; with `strict` both are errors.

        Raises PqlError for a mistake in the query or the call; what the API does wrong is raised by the iterator.
        """
        if limit is not None and (type(limit) is not int or limit < 0):
            raise arguments.wrong("limit", limit, "a whole number")
        _check_strict(strict)
        at = arguments.endpoint(endpoint)
        plan = make_plan(query, at, **reads)
        source = _source(query, plan)
        order, problems = merge_order(plan, source, strict)
        transport = self._open(at)
        reading = Reading(plan, source, order=order, base=transport.base, limit=limit, width=self._width, strict=strict)
        reading.problems += problems
        tasks: dict[Pages, Ask] = {}
        return AsyncRecords(plan, reading, self._batches(transport, reading, source, tasks), tasks)

    async def count(
        self, query: object, endpoint: str | Endpoint, *, strict: bool = False, **reads: Unpack[Reads]
    ) -> int:
        """How many records a query means.

        A sum of the API's own counts where a plan is exact and its requests share no record; else the records are
        fetched and told apart by their ids. Raises PqlError as `fetch` and its iterator do.
        """
        counts, problems = await counted(self, query, endpoint, None, strict, reads)
        warn_of(problems, 3)
        return sum(counts.values())

    async def count_by(
        self, query: object, endpoint: str | Endpoint, by: str, *, strict: bool = False, **reads: Unpack[Reads]
    ) -> dict[str | None, int]:
        """How many records a query means for each value of a field: `status`, `user.company_name`, `data.country`.

        Counted by the API where it can group by the field, under the same conditions as `count`, and then under the
        names that the API gives to values; else by fetching records, None standing for null. A value that no record
        has is left out. Raises PqlError as `count` does, and for a field that cannot be counted by.
        """
        counts, problems = await counted(self, query, endpoint, by, strict, reads)
        warn_of(problems, 3)
        return {value: number for value, number in counts.items() if number}

    # How it is asked

    def _open(self, endpoint: Endpoint) -> Transport:
        if self._closed:
            raise PqlError(Source("", "client"), [say.closed_client()])
        if self._transport is None:
            self._transport = self._connect(endpoint.api)
        elif self._transport.api != endpoint.api:
            raise PqlError(Source("", "endpoint"), [say.other_api(endpoint.api.name, self._transport.api.name)])
        return self._transport

    def _start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _counts(
        self, transport: Transport, plan: Plan, by: str | None, source: Source
    ) -> list[Mapping[str | None, int]]:
        """What the API counts for each request; where one fails, the others are broken off."""

        def read(body: bytes, content_type: str) -> Mapping[str | None, int]:
            if by is None:
                return {None: read_count(body, content_type, transport.api)}
            return read_groups(body, content_type, transport.api, by)

        urls = [request.url(transport.base, count=True, group=by) for request in plan.requests]
        tasks = [self._start(transport.get(url, read, source, _nothing)) for url in urls]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION) if tasks else ((), ())
            for task in done:
                _result(task)  # raises what went wrong
            return [_result(task) for task in tasks]
        finally:
            await _cancel(tasks)

    async def _batches(
        self, transport: Transport, reading: Reading, source: Source, tasks: dict[Pages, Ask]
    ) -> AsyncGenerator[list[Record], None]:
        """Records as they become ready. Pages are fetched ahead meanwhile, in `tasks`; closing this cancels them."""
        try:
            while True:
                for task in [task for task in tasks if task.done()]:
                    ask = tasks.pop(task)
                    with _explained(source, ask):
                        reading.answer(ask, _result(task))
                with _explained(source, None):
                    batch = reading.ready()
                for ask in reading.wanted():
                    if self._closed:
                        raise PqlError(source, [say.closed_client()])
                    read = partial(_page, transport.api, ask.number)
                    tasks[self._start(transport.get(ask.url, read, source, reading.slow_down))] = ask
                if batch:
                    yield batch
                elif reading.finished:
                    return
                else:
                    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _cancel(tasks)

    # Its life

    async def aclose(self) -> None:
        """Break off all that is under way, and close the connections."""
        self._closed = True
        await _cancel(self._tasks)
        if self._transport is not None:
            await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


async def counted(
    client: AsyncClient, query: object, endpoint: str | Endpoint, by: str | None, strict: bool, reads: Reads
) -> tuple[Counter[str | None], Sequence[Diagnostic]]:
    """How many records there are for each value of `by`, or in all under None; and what is to be warned of."""
    _check_strict(strict)
    at = arguments.endpoint(endpoint)
    value_of = None if by is None else group_values(at, by)
    plan = counting_plan(query, at, **reads)
    source = _source(query, plan)
    transport = client._open(at)
    counts: Counter[str | None] = Counter()
    if plan.disjoint and plan.exact and (by is None or can_group(at, by)):
        for found in await client._counts(transport, plan, by, source):
            counts.update(found)
        return counts, ()
    reading = Reading(plan, source, base=transport.base, width=client._width, strict=strict)
    async with aclosing(client._batches(transport, reading, source, {})) as batches:
        async for batch in batches:
            counts.update([None] * len(batch) if value_of is None else map(value_of, batch))
    return counts, reading.problems


# Parts of a question


def _check_strict(strict: object) -> None:
    if not isinstance(strict, bool):
        raise arguments.wrong("strict", strict, "True or False")


def _source(query: object, plan: Plan) -> Source:
    """The text that a message about the query points into."""
    return Source(query if isinstance(query, str) else plan.query)


# Parts of an answer


def _page(api: Api, number: int, body: bytes, content_type: str) -> Page:
    return read_page(body, content_type, api, number)


@contextmanager
def _explained(source: Source, ask: Ask | None) -> Iterator[None]:
    """What does not go together in the answers is an error about the query."""
    try:
        yield
    except BadAnswer as error:
        problem = say.remote_answer(Span(0, len(source.text)), error.what, "" if ask is None else ask.url)
        raise PqlError(source, [problem]) from None


def warn_of(problems: Sequence[Diagnostic], level: int, warned: int = 0) -> int:
    """Warn of each after the first `warned`, as of a line `level` frames up; how many there are."""
    for each in problems[warned:]:
        warn(PqlWarning(f"{each.message}; {each.help}" if each.help else each.message), stacklevel=level)
    return len(problems)


def _result(task: asyncio.Task[T]) -> T:
    """What a task came to; it is cancelled only by the client being closed."""
    if task.cancelled():
        raise PqlError(Source("", "client"), [say.closed_client()])
    return task.result()


async def _cancel(tasks: Iterable[asyncio.Task[Any]]) -> None:
    left = list(tasks)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


def _nothing() -> None:
    pass
