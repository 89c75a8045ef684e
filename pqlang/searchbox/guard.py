"""What stands between the network and the service: bounds on bodies, time and requests at once, and no exception out.

An ASGI app around another.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, TypeAlias

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger("pqlang")


class TooLarge(Exception):
    """A body longer than may be."""


class Guard:
    """Bounds around an app.

    `body` bytes of a request's body, past which reading it raises TooLarge; `seconds` for the whole of a request and
    `at_once` of them, past which `unavailable` makes the answer, from a code and words. `headers` are added to every
    answer that does not have them. What the app raises it has answered; it is logged.
    """

    def __init__(
        self,
        app: App,
        unavailable: Callable[[str, str], App],
        *,
        body: int,
        seconds: float,
        at_once: int,
        headers: Iterable[tuple[str, str]],
    ) -> None:
        self._app, self._unavailable = app, unavailable
        self._body, self._seconds, self._at_once = body, seconds, at_once
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers]
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send, self._headers)
        if self._running >= self._at_once:
            await self._unavailable("busy", "too many requests at once")(scope, receive, answer)
            return
        self._running += 1
        try:
            async with asyncio.timeout(self._seconds) as limit:
                await self._app(scope, _Bounded(receive, scope, self._body), answer)
        except Exception:
            if not limit.expired():
                log.exception("a request of the search box failed")
            elif not answer.started:  # half an answer is not made whole by another
                await self._unavailable("too-slow", f"longer than {self._seconds:g} s")(scope, receive, answer)
        finally:
            self._running -= 1


class _Answer:
    """What is sent, with the headers that every answer has."""

    def __init__(self, send: Send, headers: list[tuple[bytes, bytes]]) -> None:
        self._send, self._headers = send, headers
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            given = list(message.get("headers", ()))
            there = {name.lower() for name, _ in given}
            message = {**message, "headers": given + [each for each in self._headers if each[0] not in there]}
        await self._send(message)


class _Bounded:
    """What is received, up to so many bytes; nothing is read where the length that is told is more."""

    def __init__(self, receive: Receive, scope: Scope, most: int) -> None:
        self._receive, self._left, self._most = receive, most, most
        told = dict(scope.get("headers", ())).get(b"content-length", b"")
        self._refused = told.isdigit() and (len(told) > 18 or int(told) > most)

    async def __call__(self) -> Message:
        message = {} if self._refused else await self._receive()
        self._left -= len(message.get("body", b""))
        if self._refused or self._left < 0:
            raise TooLarge(f"the body has more than {self._most:,} bytes")
        return message
