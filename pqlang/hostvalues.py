"""Values that only the host knows (owners' e-mails, say), asked for beside the rest and never waited for long.

Each call runs in a thread of its own, a daemon, so that neither a slow answer nor one that never comes holds anything
up; `AT_ONCE` of them at most, past which nobody is asked until one has answered.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import Future
from itertools import islice
from threading import BoundedSemaphore, Thread
from typing import Any, TypeAlias

from pqlang import arguments, offers
from pqlang.offers import Offer

Answer: TypeAlias = "Iterable[str | tuple[str, str]]"
#: What a host gives for a field: called with what is typed, it answers with texts, or texts and what each is.
ValueSource: TypeAlias = "Callable[[str], Answer | Awaitable[Answer]]"

AT_ONCE = 16
ENOUGH = 50  # values of one answer that are looked at
LONGEST = 1_000  # characters of a value
_free = BoundedSemaphore(AT_ONCE)


def ask(sources: Mapping[str, ValueSource], field: str, typed: str, timeout: float) -> list[Offer]:
    """The host's values of a field; none where it has no source, is too slow, or raises.

    >>> [offer.text for offer in ask({"title": lambda typed: ["a", "null"]}, "title", "", 5)]
    ['a', '"null"']
    """
    source = _source(sources, field)
    answer = None if source is None else _start(source, typed)
    if answer is None:
        return []
    try:
        return answer.result(timeout)
    except TimeoutError:
        return []


async def ask_async(sources: Mapping[str, ValueSource], field: str, typed: str, timeout: float) -> list[Offer]:
    """The same for an event loop: an `async` source runs in it, any other in a thread."""
    source = _source(sources, field)
    if source is None:
        return []
    try:
        if inspect.iscoroutinefunction(source) or inspect.iscoroutinefunction(getattr(source, "__call__", None)):  # noqa: B004
            return await asyncio.wait_for(_awaited(source, typed), timeout)
        answer = _start(source, typed)
        return [] if answer is None else await asyncio.wait_for(asyncio.wrap_future(answer), timeout)
    except TimeoutError:
        return []


def _source(sources: Mapping[str, ValueSource], field: str) -> ValueSource | None:
    if not isinstance(sources, Mapping):
        raise arguments.wrong("values", sources, "a mapping of field names to callables")
    source = sources.get(field)
    if source is not None and not callable(source):
        raise arguments.wrong(f"values[{field!r}]", source, "a callable that takes what is typed")
    return source


def _start(source: ValueSource, typed: str) -> Future[list[Offer]] | None:
    """The answer to come, from a thread; None where too many are still awaited."""
    if not _free.acquire(blocking=False):
        return None
    answer: Future[list[Offer]] = Future()

    def run() -> None:
        try:
            given = source(typed)
            read = asyncio.run(_await(given)) if inspect.isawaitable(given) else _read(given)
        except BaseException as error:
            _note(error)
            read = []
        finally:
            _free.release()
        if answer.set_running_or_notify_cancel():
            answer.set_result(read)

    Thread(target=run, name="pqlang-values", daemon=True).start()
    return answer


async def _awaited(source: ValueSource, typed: str) -> list[Offer]:
    try:
        return await _await(source(typed))
    except Exception as error:
        _note(error)
        return []


async def _await(given: Any) -> list[Offer]:
    return _read(await given)


def _note(error: BaseException) -> None:
    """A host's mistake must not stop who is typing; its log says so."""
    import logging  # only then

    logging.getLogger("pqlang").warning("a source of values failed", exc_info=error)


def _read(given: Any) -> list[Offer]:
    """The texts of an answer as offers; what no text can be is left out."""
    found = []
    for each in islice([given] if isinstance(given, str) else given, ENOUGH):
        text, detail = each if isinstance(each, tuple) and len(each) == 2 else (each, "")
        if isinstance(text, str) and isinstance(detail, str) and 0 < len(text) <= LONGEST:
            try:
                found.append(offers.value(text, detail))
            except ValueError:  # NUL, or half a surrogate pair
                continue
    return found
