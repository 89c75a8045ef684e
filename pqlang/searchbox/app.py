"""The search box as an ASGI app: questions about queries, facts of endpoints, and the files that a browser loads.

request -> Guard -> route -> body -> the schema as the caller sees it -> an answer, made in a worker's thread
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import lru_cache, partial
from typing import Any, Protocol, TypeAlias, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from pqlang import arguments
from pqlang.diagnostics import PqlError
from pqlang.hostvalues import ValueSource
from pqlang.schema import Endpoint, Schema
from pqlang.schema_json import endpoint_json
from pqlang.searchbox import answers, asks, http, openapi
from pqlang.searchbox.answers import Found
from pqlang.searchbox.examples import examples
from pqlang.searchbox.files import read_files, tag_of
from pqlang.searchbox.guard import Guard
from pqlang.searchbox.narrowing import narrow, trim
from pqlang.searchbox.problems import Malformed
from pqlang.valueclass import replace

T = TypeVar("T")
#: Which fields whoever asks may see, by name; None for all of them.
Fields: TypeAlias = Callable[[Request, Endpoint], "Iterable[str] | Awaitable[Iterable[str] | None] | None"]
Sources: TypeAlias = Mapping[str, ValueSource]
#: Sources of values by field, by endpoint and field, or for whoever asks.
Values: TypeAlias = (
    "Sources | Mapping[str, Sources] | Callable[[Request, Endpoint], Sources | Awaitable[Sources | None] | None]"
)

ROWS = 50  # records of an answer
SHORT = 4_096  # bytes of a body that is read where the request is


class Rows(Protocol):
    """Where records come from. Raises PqlError for a query that is wrong, and where there is no answer."""

    async def __call__(self, query: str, endpoint: Endpoint, /, *, limit: int, mode: str, scope: str | None) -> Found:
        """The first records that a query selects, `limit` at most, each as the API responds."""


PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = (
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
)
FOREVER = "public, max-age=31536000, immutable"


def create_app(
    schema: Schema | None = None,
    *,
    values: Values | None = None,
    fields: Fields | None = None,
    rows: Rows | None = None,
    cors: Sequence[str] = (),
    demo: bool = True,
    body_limit: int = 65_536,
    time_limit: float = 5.0,
    concurrency: int = 32,
    workers: int = 4,
    values_timeout: float = 0.2,
) -> ASGIApp:
    """The search box's service for a schema, the built-in one where None: an ASGI app to run, or to mount at any path.

    `values` gives what only the host knows, as in `pqlang.complete`: sources by field, by endpoint and then field, or
    a callable that takes the request and the endpoint and gives sources by field. `fields` is called with the request
    and an endpoint and gives the names of the fields that whoever asks may see, or None for all; the others are in no
    answer. Both callables may be `async`, and may raise starlette's `HTTPException`. `rows` fetches records, for the
    demo page; without it there is no `/rows`, and who sees some fields gets no more of a record. `cors` lists the
    origins of pages elsewhere that may ask. `demo` serves the demo page at `/`.

    A body has `body_limit` bytes at most (413); a request takes `time_limit` seconds, and `concurrency` of them run at
    once (503), in `workers` threads. `values_timeout` is how long a completion waits for the host.

    Raises PqlError for wrong arguments.

    >>> from starlette.testclient import TestClient
    >>> client = TestClient(create_app())
    >>> client.post("/compile", json={"query": "status = draft", "endpoint": "forms"}).json()["filter"]
    {'attributes': {'status': {'$eq': 'draft'}}}
    """
    known = arguments.built_in() if schema is None else schema
    _check(known, {"values": values, "fields": fields, "rows": rows}, cors)
    numbers = {"body_limit": body_limit, "concurrency": concurrency, "workers": workers}
    _check_numbers(numbers, {"time_limit": time_limit, "values_timeout": values_timeout})
    service = _Service(known, values, fields, rows, values_timeout, workers)
    inside = Starlette(
        routes=service.routes(demo),
        exception_handlers={HTTPException: http.refused, Malformed: http.malformed, Exception: http.failed},
    )
    inside.router.redirect_slashes = False  # a redirect goes to what `Host` says, which is anyone's to say
    app: ASGIApp = Guard(
        inside,
        http.unavailable,
        body=body_limit,
        seconds=time_limit,
        at_once=concurrency,
        headers=(*HEADERS, ("Cross-Origin-Resource-Policy", "cross-origin" if cors else "same-origin")),
    )
    if not cors:
        return app
    # any header: `fields` may go by one, and no cookie comes with it
    return CORSMiddleware(app, allow_origins=list(cors), allow_methods=["GET", "POST"], allow_headers=["*"])


def _check(schema: object, callables: Mapping[str, object], cors: object) -> None:
    """What a service is made of. Raises PqlError."""
    if not isinstance(schema, Schema):
        raise arguments.wrong("schema", schema, "a `Schema` or None")
    for name, given in callables.items():
        if given is not None and not callable(given) and not (name == "values" and isinstance(given, Mapping)):
            raise arguments.wrong(
                name, given, "a callable or None" if name != "values" else "a mapping, a callable or None"
            )
    if isinstance(cors, str) or not isinstance(cors, Sequence):
        raise arguments.wrong("cors", cors, "a list of origins")
    for origin in cors:
        if origin != "*" and not (isinstance(origin, str) and _ORIGIN.fullmatch(origin)):
            raise arguments.wrong("cors", origin, "origins such as `https://app.example`, or `*`")


_ORIGIN = re.compile(r"https?://[^/\s?#@]+")


def _check_numbers(whole: Mapping[str, object], seconds: Mapping[str, object]) -> None:
    for name, given in whole.items():
        if type(given) is not int or given < 1:
            raise arguments.wrong(name, given, "a positive whole number")
    for name, given in seconds.items():
        if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given < float("inf"):
            raise arguments.wrong(name, given, "a positive number of seconds")


class _Service:
    """A schema, what its host knows and allows, and the threads that do the work."""

    def __init__(
        self,
        schema: Schema,
        values: Values | None,
        fields: Fields | None,
        rows: Rows | None,
        timeout: float,
        workers: int,
    ) -> None:
        self.schema, self.values, self.fields, self.fetch, self.timeout = schema, values, fields, rows, timeout
        self.files = read_files()
        self._pool = ThreadPoolExecutor(workers, "pqlang")
        self._narrowed = lru_cache(256)(narrow)
        self._document = lru_cache(64)(_document)

    def routes(self, demo: bool) -> list[Route]:
        """Every path; each but `/` is found again below any path that the app is mounted at."""
        ask: dict[str, Callable[[Request], Awaitable[Response]]] = {
            "/check": self.answers(asks.AskCheck, answers.check),
            "/compile": self.answers(asks.AskCompile, answers.compile),
            "/complete": self.complete,
            "/decompile": self.answers(asks.AskDecompile, answers.decompile),
            "/describe": self.answers(asks.AskDescribe, answers.describe),
            "/format": self.answers(asks.AskFormat, answers.format),
            "/plan": self.answers(asks.AskPlan, answers.plan),
        }
        if self.fetch is not None:
            ask["/rows"] = self.rows
        self.paths = tuple(ask)
        routes = [Route(path, handler, methods=["POST"]) for path, handler in ask.items()]
        routes += [
            Route("/schema", self.endpoints),
            Route("/schema/{endpoint}", self.endpoint),
            Route("/openapi.json", self.openapi),
            Route("/static/{name}", self.file),
            Route("/static-{digest}/{name}", self.file),
        ]
        if demo and self.files.page is not None:
            routes.append(Route("/", self.page))
        return routes

    # Questions

    def answers(
        self, model: type[asks.A], make: Callable[[asks.A, Schema], dict[str, Any]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """The handler of a question: what it takes, and what makes its answer."""

        async def handle(request: Request) -> Response:
            ask = await self.asked(request, model)
            schema = await self.seen(request, getattr(ask, "endpoint", None))
            return http.answer(await self.work(partial(make, ask, schema)))

        return handle

    async def complete(self, request: Request) -> Response:
        ask = await self.asked(request, asks.AskComplete)
        schema = await self.seen(request, ask.endpoint)
        sources = await self.sources(request, answers.endpoint(ask.endpoint, schema))
        return http.answer(await self.work(partial(answers.completions, ask, schema, sources, self.timeout)))

    async def rows(self, request: Request) -> Response:
        ask = await self.asked(request, asks.AskRows)
        endpoint = answers.endpoint(ask.endpoint, await self.seen(request, ask.endpoint))
        assert self.fetch is not None
        found: Found | PqlError
        try:
            found = await self.fetch(ask.query, endpoint, limit=ROWS, mode=ask.mode, scope=ask.scope)
        except PqlError as error:
            found = error
        else:
            first = list(found.records[:ROWS])  # however many the host gives
            if endpoint is not self.schema.endpoint(endpoint.name):
                first = [trim(each, endpoint) for each in first]
            found = replace(found, records=first)
        return http.answer(answers.rows(ask, found))

    async def asked(self, request: Request, model: type[asks.A]) -> asks.A:
        """What is asked; a thread reads a long body, since to say what is wrong with one takes a while."""
        body = await http.body(request)
        read = partial(http.read, model, body)
        return read() if len(body) <= SHORT else await self.work(read)

    async def work(self, do: Callable[[], T]) -> T:
        """The outcome of work that takes a while, from a thread; the event loop goes on meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, copy_context().run, do)

    async def called(self, function: Callable[..., Any], *given: object) -> Any:
        """The outcome of a host's callable, which may be `async`; one that is not may block, so it gets a thread."""
        if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None)):  # noqa: B004
            return await function(*given)
        outcome = await self.work(partial(function, *given))
        return await outcome if inspect.isawaitable(outcome) else outcome

    # What the caller sees

    async def seen(self, request: Request, name: str | None = None) -> Schema:
        """The schema without what whoever asks may not see; of one endpoint alone where that is there to be seen."""
        if self.fields is None:
            return self.schema
        one = None if name is None else self.schema.endpoint(name)
        if one is not None and (found := await self.narrowed(request, one)) is not None:
            return Schema(self.schema.api, (found,))
        each = [await self.narrowed(request, endpoint) for endpoint in self.schema.endpoints]
        return Schema(self.schema.api, tuple(endpoint for endpoint in each if endpoint is not None))

    async def narrowed(self, request: Request, endpoint: Endpoint) -> Endpoint | None:
        assert self.fields is not None
        names = await self.called(self.fields, request, endpoint)
        if names is None:
            return endpoint
        if isinstance(names, str):
            raise TypeError("`fields` gave a text, and not the names of fields")
        return self._narrowed(endpoint, frozenset(names).intersection(endpoint.by_name))

    async def sources(self, request: Request, endpoint: Endpoint) -> Sources:
        """The host's sources of values at an endpoint; an `async` one is awaited where the request is."""
        if self.values is None:
            return {}
        if isinstance(self.values, Mapping):
            inside = self.values.get(endpoint.name)
            found: Any = inside if isinstance(inside, Mapping) else self.values
        else:
            found = await self.called(self.values, request, endpoint) or {}
        loop = asyncio.get_running_loop()
        return {name: _bridged(source, loop, self.timeout) for name, source in found.items() if callable(source)}

    # Facts

    async def endpoints(self, request: Request) -> Response:
        schema = await self.seen(request)
        listed = [
            {"name": each.name, "description": each.description, "rows": self.fetch is not None}
            for each in schema.endpoints
        ]
        return self.fact(request, listed)

    async def endpoint(self, request: Request) -> Response:
        name = request.path_params["endpoint"]
        found = (await self.seen(request, name)).endpoint(name)
        if found is None:
            raise HTTPException(404, "there is no such endpoint; `/schema` lists them")
        return self.fact(request, endpoint_json(found) | {"rows": self.fetch is not None})

    async def openapi(self, request: Request) -> Response:
        schema = await self.seen(request)
        return self.fact(request, await self.work(partial(self._document, schema, self.paths)))

    def fact(self, request: Request, body: object) -> Response:
        """Something that seldom changes: a browser keeps it, and asks whether it is still so."""
        content = http.encode(body)
        shared = "no-cache" if self.fields is None else "private, no-cache"
        return http.fact(request, content, "application/json", tag_of(content), shared)

    # Files

    async def file(self, request: Request) -> Response:
        file = self.files.by_name.get(request.path_params["name"])
        folder = f"static-{request.path_params.get('digest', '')}"
        if file is None or ("digest" in request.path_params and folder != self.files.folder):
            raise HTTPException(404, "there is no such file")
        return http.file(request, file, FOREVER if folder == self.files.folder else "no-cache")

    async def page(self, request: Request) -> Response:
        page = self.files.page
        assert page is not None
        response = http.fact(request, page, "text/html; charset=utf-8", tag_of(page), "no-cache")
        response.headers["Content-Security-Policy"] = PAGE_POLICY
        return response


def _document(schema: Schema, paths: tuple[str, ...]) -> dict[str, Any]:
    from importlib.metadata import version

    return openapi.document(schema.api.name, schema.names, version("pqlang"), paths, examples(schema))


def _bridged(source: ValueSource, loop: asyncio.AbstractEventLoop, seconds: float) -> ValueSource:
    """A source that may be called from a thread: what is `async` runs in the loop of the request, for so long."""
    if not (inspect.iscoroutinefunction(source) or inspect.iscoroutinefunction(getattr(source, "__call__", None))):  # noqa: B004
        return source

    async def ask(typed: str) -> Any:
        return await source(typed)  # type: ignore[misc]

    def wait(typed: str) -> Any:
        answer = asyncio.run_coroutine_threadsafe(ask(typed), loop)
        try:
            return answer.result(seconds)
        except TimeoutError:  # nobody waits any more, and a thread that did would be missing to others
            answer.cancel()
            return ()

    return wait
