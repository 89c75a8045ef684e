"""Ask the API itself, without `await`: `AsyncClient` in a thread of its own.

So there is one way of asking, and what is under way can be broken off at any time: a thread that reads a socket cannot
be, a task that does can. Extra `client`.
"""

from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from pqlang import diagnostics as say
from pqlang.async_client import AsyncClient, AsyncRecords, Progress, Reads, counted, warn_of
from pqlang.diagnostics import Diagnostic, PqlError
from pqlang.reading import Record
from pqlang.schema import Endpoint
from pqlang.source import Source
from pqlang.transport import AsyncTransport

__all__ = ["AsyncClient", "AsyncRecords", "Client", "Progress", "Records"]

T = TypeVar("T")


class Records:
    """The records of a query as an iterator of dicts; `close`, or `with`, breaks it off. Else as `AsyncRecords`."""

    def __init__(self, client: Client, records: AsyncRecords) -> None:
        self.plan = records.plan
        self._client = client  # which lives as long as it is read
        self._records = records
        self._turn = threading.Lock()  # one thread at a time takes records
        self._batch: deque[Record] = deque()
        self._warned = 0

    @property
    def progress(self) -> Progress:
        """How far the reading is."""
        return self._records.progress

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What is to be said beside the records: of the query, then of the reading so far, which is warned of too."""
        return self._records.diagnostics

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Record:
        with self._turn:
            if not self._batch:
                self._batch.extend(self._client._wait_for(self._records.batch()))
                problems = self.diagnostics[len(self.plan.diagnostics) :]
                self._warned = warn_of(problems, 3, self._warned)
            if not self._batch:
                raise StopIteration
            return self._batch.popleft()

    def batch(self) -> list[Record]:
        """The next records, as many as are there without waiting, one at least; none at the end."""
        with self._turn:
            left = list(self._batch)
            self._batch.clear()
            return left or self._client._wait_for(self._records.batch())

    def close(self) -> None:
        """Break off: what is under way is cancelled."""
        self._batch.clear()
        with suppress(PqlError):  # the client is closed, and with it all that was under way
            self._client._wait_for(self._records.aclose())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Client:
    """A client of one list API, for code without `await`; the arguments and methods are those of `AsyncClient`.

    May be shared between threads. Requests are under way in a thread of its own, which `close`, or the end of a `with`,
    ends. A client does not survive a fork: make one in each process.
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
        self._client = AsyncClient(
            token,
            base_url,
            timeout=timeout,
            concurrency=concurrency,
            attempts=attempts,
            longest_wait=longest_wait,
            transport=transport,
        )
        self._lock = threading.Lock()
        self._thread: _Thread | None = None
        self._process = os.getpid()

    def __repr__(self) -> str:
        return repr(self._client).replace("Async", "", 1)

    def fetch(
        self,
        query: object,
        endpoint: str | Endpoint,
        *,
        limit: int | None = None,
        strict: bool = False,
        **reads: Unpack[Reads],
    ) -> Records:
        """The records that a query means: see `AsyncClient.fetch`."""
        with self._lock:
            records = self._client.fetch(query, endpoint, limit=limit, strict=strict, **reads)
        return Records(self, records)

    def count(self, query: object, endpoint: str | Endpoint, *, strict: bool = False, **reads: Unpack[Reads]) -> int:
        """How many records a query means: see `AsyncClient.count`."""
        counts, problems = self._wait_for(counted(self._client, query, endpoint, None, strict, reads))
        warn_of(problems, 3)
        return sum(counts.values())

    def count_by(
        self, query: object, endpoint: str | Endpoint, by: str, *, strict: bool = False, **reads: Unpack[Reads]
    ) -> dict[str | None, int]:
        """How many records a query means for each value of a field: see `AsyncClient.count_by`."""
        counts, problems = self._wait_for(counted(self._client, query, endpoint, by, strict, reads))
        warn_of(problems, 3)
        return {value: number for value, number in counts.items() if number}

    def _wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        """What the work comes to in the client's thread. Left early, as by Ctrl-C, it is cancelled."""
        if self._process != os.getpid():
            work.close()
            raise PqlError(Source("", "client"), [say.forked_client()])
        with self._lock:
            if self._thread is None:
                if self._client._closed:
                    work.close()
                    raise PqlError(Source("", "client"), [say.closed_client()])
                self._thread = _Thread()
                weakref.finalize(self, self._thread.stop, self._client.aclose)
        return self._thread.wait_for(work)

    def close(self) -> None:
        """Break off all that is under way, close the connections and end the thread."""
        with self._lock:
            thread, self._client._closed = self._thread, True
        if thread is not None:
            thread.stop(self._client.aclose)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Thread:
    """A thread with an event loop that runs until it is stopped."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="pqlang-client", daemon=True)
        self._stopping = threading.Lock()
        self._process = os.getpid()
        self._thread.start()

    def wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:  # the loop is closed
            work.close()
            raise PqlError(Source("", "client"), [say.closed_client()]) from None
        try:
            return future.result()
        except CancelledError:
            raise PqlError(Source("", "client"), [say.closed_client()]) from None
        except BaseException:
            future.cancel()
            raise

    def stop(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do one last thing and end; again, nothing."""
        if self._process != os.getpid():
            return  # the thread did not come along with the fork
        if (
            threading.current_thread() is self._thread
        ):  # it was here that somebody's last client was found to be garbage
            self._loop.create_task(self._end(last)).add_done_callback(lambda _: self._loop.stop())
            return
        with self._stopping:
            if self._loop.is_closed():
                return
            self.wait_for(self._end(last))
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _end(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        await last()
        await self._loop.shutdown_asyncgens()
