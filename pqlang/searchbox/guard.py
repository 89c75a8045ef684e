"""What stands between the network and the service: bounds on bodies, time and requests at once, and no exception out.

An ASGI app around another.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from typing import Any, TypeAlias

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

LET_BY = 16  # times what a body may have

log = logging.getLogger("pqlang")


class TooLarge(Exception):
    """A body longer than may be."""


class Guard:
    """Bounds around an app.

    `body` bytes of a request's body, past which reading it raises TooLarge; `seconds` for the whole of a request and
    `at_once` of them, past which `unavailable` makes the answer, from a code and words. `headers` are added to every
    answer that does not have them. Who is answered before all of their body came is not waited for: the connection
    is closed. What the app raises it has answered; it is logged.
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
        bounded = _Bounded(receive, scope, self._body, min(1.0, self._seconds / 2))
        answer = _Answer(send, self._headers, bounded)
        if self._running >= self._at_once:
            await self._unavailable("busy", f"{self._at_once} requests are under way, the most at once; try again")(
                scope, receive, answer
            )
            return
        self._running += 1
        try:
            async with asyncio.timeout(self._seconds) as limit:
                await self._app(scope, bounded, answer)
        except Exception:
            if not limit.expired():
                log.exception("a request of the search box failed")
            elif not answer.started:  # half an answer is not made whole by another
                await self._unavailable("too-slow", f"the request took longer than {self._seconds:g} s; try again")(
                    scope, receive, answer
                )
        finally:
            self._running -= 1


class _Bounded:
    """What is received, up to so many bytes. Of a longer body the rest is let by for some seconds, so that its sender
    comes to read the answer, unless that is far more."""

    def __init__(self, receive: Receive, scope: Scope, most: int, seconds: float) -> None:
        self._receive, self._most, self._seconds, self._come = receive, most, seconds, 0
        headers = dict(scope.get("headers", ()))
        told = headers.get(b"content-length", b"")
        self._far_more = told.isdigit() and (len(told) > 18 or int(told) > LET_BY * most)
        one_by_one = scope.get("http_version", "").startswith("1")  # later versions send requests beside one another
        self.holds_up = one_by_one and (told not in (b"", b"0") or b"transfer-encoding" in headers)

    async def __call__(self) -> Message:
        if not self._far_more:
            message = await self._next()
            if self._come <= self._most:
                return message
            with suppress(TimeoutError):
                async with asyncio.timeout(self._seconds):
                    while message.get("more_body", False) and self._come <= LET_BY * self._most:
                        message = await self._next()
        raise TooLarge(f"the body has more than {self._most:,} bytes")

    async def _next(self) -> Message:
        message = await self._receive()
        self._come += len(message.get("body", b""))
        self.holds_up = self.holds_up and message.get("more_body", False)
        return message


class _Answer:
    """What is sent, with the headers that every answer has."""

    def __init__(self, send: Send, headers: list[tuple[bytes, bytes]], body: _Bounded) -> None:
        self._send, self._headers, self._body = send, headers, body
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            given = list(message.get("headers", ()))
            there = {name.lower() for name, _ in given}
            given += [each for each in self._headers if each[0] not in there]
            if self._body.holds_up:
                given.append((b"connection", b"close"))
            message = {**message, "headers": given}
        await self._send(message)
