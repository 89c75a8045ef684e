"""The API itself: lists and counts over HTTP, as the schema says that they are asked for and answered. Read-only.

Statuses, envelopes and words are the API's own (seeds "List Cases", "Advanced Filters"); what it documents nowhere is
said in the docs, "Try it without an account".
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pqlang.sandbox import openapi
from pqlang.sandbox.records import respond
from pqlang.sandbox.requests import Asked, Refused, read
from pqlang.sandbox.storage import Storage
from pqlang.schema import Api, Endpoint

AT_ONCE = 8  # requests that are in the database at the same time


def create_app(
    storage: Storage, *, rate: float | None = None, clock: Callable[[], float] = time.monotonic
) -> Starlette:
    """The ASGI application over filled storage; `rate` is how many requests a second a token may make, None any number.

    It stands below the path of the schema's base URL: the lists of Penbox are `/v1/cases` and so on. Any token is taken
    that starts as the schema says.
    """
    schema = storage.schema
    api = schema.api
    limiter = CapacityLimiter(1 if storage.in_memory else AT_ONCE)
    allowance = None if rate is None else Allowance(rate, clock)
    description = _body(openapi.describe(schema))

    def route(endpoint: Endpoint, count: bool) -> Route:
        answer = partial(_count if count else _list, storage, endpoint)

        async def respond_to(request: Request) -> Response:
            _authorize(request, api)
            if allowance is not None:
                allowance.spend(request.headers["authorization"])
            asked = read(request.scope["query_string"], endpoint, count=count)
            return _json(await to_thread.run_sync(answer, asked, limiter=limiter))

        path = root(api) + endpoint.path + (api.count_suffix if count else "")
        return Route(path, respond_to, methods=["GET"])

    async def describe(request: Request) -> Response:
        return Response(description, media_type="application/json")

    routes = [route(endpoint, count) for endpoint in schema.endpoints for count in (True, False)]
    routes.append(Route("/openapi.json", describe, methods=["GET"]))
    handlers: Mapping[Any, Any] = {
        Refused: partial(_refused, api),
        HTTPException: partial(_other, api, [each.path for each in routes]),
        Exception: partial(_failed, api),
    }
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False  # a path is what it is
    return app


def root(api: Api) -> str:
    """The path that the schema's base URL has before every endpoint's."""
    return urlsplit(api.base_url).path.rstrip("/")


# Answers


def _list(storage: Storage, endpoint: Endpoint, asked: Asked) -> Mapping[str, Any]:
    api = endpoint.api
    total = storage.total(endpoint, asked.condition)
    offset = (asked.page - 1) * asked.size
    found = storage.page(endpoint, asked.condition, asked.order, offset, asked.size) if offset < total else []
    meta = {
        api.total_key: total,
        api.pages_key: math.ceil(total / asked.size),
        api.size_key: asked.size,
        api.number_key: asked.page,
    }
    return {api.meta_key: meta, api.data_key: [respond(record, endpoint) for record in found]}


def _count(storage: Storage, endpoint: Endpoint, asked: Asked) -> Mapping[str, Any]:
    api, group = endpoint.api, asked.group
    answer: dict[str, Any] = {api.count_key: storage.total(endpoint, asked.condition)}
    if group is not None:
        if group.field is not None:
            found = storage.groups(endpoint, asked.condition, group.field)
        else:
            found = storage.extra_groups(endpoint, asked.condition, group.path[0], group.path[1:])
        counted: dict[str, int] = {}
        for value, count in found:
            counted[_key(value)] = counted.get(_key(value), 0) + count
        answer[api.by_key] = {group.name: dict(sorted(counted.items()))}
    return answer


def _key(value: object) -> str:
    """A value as a key of JSON's; that of null is `null`."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


# Refusals


def _authorize(request: Request, api: Api) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if not token.strip():
        raise Refused(401, f"the header `Authorization: {api.authorization} {api.token_prefix}…` is missing")
    wanted = token.startswith(api.token_prefix) and len(token) > len(api.token_prefix)
    if scheme.lower() != api.authorization.lower() or not wanted:
        raise Refused(401, f"the token is none: it has to be `{api.authorization} {api.token_prefix}…`")


class Allowance:
    """How many requests each token may still make: as many as go into a second, and more as time goes by."""

    def __init__(self, rate: float, clock: Callable[[], float]) -> None:
        self._rate, self._clock, self._lock = rate, clock, Lock()
        self._most = max(rate, 1.0)
        self._left: dict[str, tuple[float, float]] = {}  # token -> what it had left, and when

    def spend(self, token: str) -> None:
        """One request. Raises Refused with the seconds to wait where there is none left."""
        with self._lock:
            now = self._clock()
            left, then = self._left.get(token, (self._most, now))
            left = min(self._most, left + (now - then) * self._rate)
            if len(self._left) > 1_000:
                self._left.clear()
            if left < 1:
                self._left[token] = left, now
                raise TooMany(math.ceil((1 - left) / self._rate))
            self._left[token] = left - 1, now


class TooMany(Refused):
    """The rate is used up."""

    def __init__(self, seconds: int) -> None:
        super().__init__(429, f"too many requests: wait {seconds} s")
        self.seconds = seconds


async def _refused(api: Api, request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    headers = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = api.authorization
    if isinstance(error, TooMany):
        headers["Retry-After"] = str(error.seconds)
    return _error(api, error.status, error.detail, headers)


async def _other(api: Api, paths: list[str], request: Request, error: Exception) -> Response:
    """What no route takes: an unknown path, another method."""
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        detail = f"there is nothing at this path; there is {', '.join(paths)}"
    elif error.status_code == 405:
        detail = f"{request.method} is not allowed: the sandbox is only read"
    else:
        detail = error.detail
    return _error(api, error.status_code, detail, error.headers)


async def _failed(api: Api, request: Request, error: Exception) -> Response:
    return _error(api, 500, "the sandbox failed; what happened is in its log")


def _error(api: Api, status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """`{"errors": [{"status": "400", "title": "Invalid Filter", "detail": …}]}`, by the schema's words."""
    title = api.bad_request if status == 400 else HTTPStatus(status).phrase
    words = dict(zip(api.error_words, (title, detail), strict=False)) if len(api.error_words) > 1 else {}
    words = words or dict.fromkeys(api.error_words, detail)
    return _json({api.errors_key: [{"status": str(status), **words}]}, status, headers)


def _json(value: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(_body(value), status, headers, media_type="application/json")


def _body(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
