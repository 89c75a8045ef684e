"""One API at the other end of a wire: its address, its token, and a GET that is tried again where that may help.

The token goes into one header and nowhere else: no redirect is followed, and whatever is said of a failure is looked
through for it. This is the one door of httpx2 and stamina, extra `client`.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Any, TypeAlias, TypeVar
from urllib.parse import SplitResult, urlsplit

try:
    import httpx2
    import stamina
except ModuleNotFoundError as missing:  # pragma: no cover
    message = f"{missing.name} is missing: pip install 'pqlang[client]'"
    raise ModuleNotFoundError(message, name=missing.name) from missing

from pqlang import diagnostics as say
from pqlang.answers import BadAnswer, plain_line, words_of
from pqlang.diagnostics import Diagnostic, PqlError
from pqlang.schema import Api
from pqlang.source import Source, Span

T = TypeVar("T")
Reader: TypeAlias = Callable[[bytes, str], T]  # from a body and its content type; raises BadAnswer
AsyncTransport: TypeAlias = httpx2.AsyncBaseTransport

MOST_BYTES = 64 * 1024 * 1024  # of one answer, unpacked
FIRST_WAIT = 0.5  # seconds before the second attempt; then twice that, and so on
_PASSING = frozenset({408, 425, 429})  # beside all from 500 on
_BUSY = 429


def in_process(app: Any) -> AsyncTransport:
    """An ASGI app in the place of the network; what it raises is an answer of status 500, as from a server."""
    return httpx2.ASGITransport(app, raise_app_exceptions=False)


class _Failure(Exception):
    """An attempt that failed in a way in which the next may not; `after`: seconds that the API asks to wait."""

    def __init__(self, what: str, after: float | None = None, *, busy: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.after = after
        self.busy = busy


class _Refusal(Exception):
    """An answer that will be the same however often it is asked for."""

    def __init__(self, problem: Callable[[Span], Diagnostic]) -> None:
        super().__init__()
        self.problem = problem


class Transport:
    """Sends one API's requests, no more than `concurrency` at a time, each `attempts` times at most.

    `timeout` bounds one attempt, in seconds, from the first byte sent to the last one read; `longest_wait` the time
    between two. Raises PqlError for an address or a token that cannot be used.
    """

    def __init__(
        self,
        api: Api,
        token: str | None,
        base: str | None,
        *,
        timeout: float,
        concurrency: int,
        attempts: int,
        longest_wait: float,
        http: AsyncTransport | None,
    ) -> None:
        self.api = api
        address = check_address(api.base_url if base is None else base)
        self.base = address.geturl().rstrip("/")
        self._token = find_token(token, api)
        if self._token and address.scheme != "https" and not _is_here(address.hostname or ""):
            raise PqlError(Source("", "base_url"), [say.open_address(address.hostname or "")])
        self._timeout, self._attempts, self._longest_wait = timeout, attempts, longest_wait
        self._slots = asyncio.Semaphore(concurrency)
        self._queue = asyncio.Lock()  # of those that were told to come back later
        try:
            self._http = httpx2.AsyncClient(
                transport=http,
                headers={"accept": "application/json", "user-agent": "pqlang"},
                timeout=timeout,
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=concurrency),
                trust_env=not _is_here(address.hostname or ""),  # a proxy is not asked for what is on this machine
            )
        except (ValueError, OSError, ImportError, httpx2.InvalidURL) as error:  # what the environment asks for
            raise PqlError(Source("", "environment"), [say.bad_environment(plain_line(str(error)))]) from None

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def get(self, url: str, read: Reader[T], source: Source, slow_down: Callable[[], None]) -> T:
        """What `read` makes of the answer; PqlError where there is none, with the query that it was for.

        `slow_down` is called when the API complains of too many requests. Those that wait for that to pass go one
        after the other, so that a bound on requests cannot use up the attempts of them all.
        """
        span = Span(0, len(source.text))
        async with self._slots, AsyncExitStack() as turn:
            try:
                async for attempt in stamina.retry_context(
                    on=_retry,
                    attempts=self._attempts,
                    timeout=None,
                    wait_initial=min(FIRST_WAIT, self._longest_wait),
                    wait_max=self._longest_wait,
                    wait_jitter=min(FIRST_WAIT, self._longest_wait),
                ):
                    with attempt:
                        try:
                            return await self._attempt(url, read)
                        except _Failure as error:
                            if error.busy and attempt.num == 1:
                                slow_down()
                                await turn.enter_async_context(self._queue)
                            raise
            except _Failure as error:
                problem = say.remote_failed(span, error.what, self._attempts)
            except _Refusal as error:
                problem = error.problem(span)
            except BadAnswer as error:
                problem = say.remote_answer(span, self._clean(error.what), url)
        raise PqlError(source, [problem])  # after the `except`s, so that it drags along no exception that holds headers

    async def _attempt(self, url: str, read: Reader[T]) -> T:
        headers = {"authorization": f"{self.api.authorization} {self._token}"} if self._token else {}
        failure: _Failure | _Refusal
        try:
            async with asyncio.timeout(self._timeout), self._http.stream("GET", url, headers=headers) as response:
                body = await _body(response)
            return self._read(response, body, read)
        except (TimeoutError, httpx2.TimeoutException):
            failure = _Failure(f"nothing came within {self._timeout:g} seconds")
        except httpx2.InvalidURL as error:  # longer than any server takes
            what = str(error)
            failure = _Refusal(lambda span: say.unsendable(span, what))
        except (httpx2.HTTPError, OSError) as error:
            what = self._clean(str(error)) or type(error).__name__
            failure = _Failure(what)
            if any(isinstance(each, ssl.SSLCertVerificationError) for each in _causes(error)):
                failure = _Refusal(lambda span: say.remote_failed(span, what, 1))
        raise failure

    def _read(self, response: httpx2.Response, body: bytes, read: Reader[T]) -> T:
        status, content_type = response.status_code, response.headers.get("content-type", "")
        if status == 200:
            return read(body, content_type)
        if response.has_redirect_location:
            raise BadAnswer(f"it redirects to `{response.headers['location']}`, where the token is not sent")
        if status < 400:
            raise BadAnswer(f"its status is {status}")
        words = self._clean(words_of(body, content_type, self.api))
        if status in _PASSING or status >= 500:
            after = retry_after(response.headers.get("retry-after"), self._longest_wait) or None  # at once is too soon
            raise _Failure(f"status {status}{f': {words}' if words else ''}", after, busy=status == _BUSY)
        url, variable = str(response.request.url), self.api.token_variable
        raise _Refusal(lambda span: say.remote_refused(span, status, words, url, variable))

    def _clean(self, text: str) -> str:
        """Text from outside, without the token."""
        return plain_line(text.replace(self._token, "…") if self._token else text)


def _retry(error: Exception) -> bool | float:
    """Whether to try again, and if the API has said so after how many seconds."""
    if isinstance(error, _Failure):
        return True if error.after is None else error.after
    return isinstance(error, BadAnswer) and error.passing


async def _body(response: httpx2.Response) -> bytes:
    chunks, size = [], 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > MOST_BYTES:
            raise BadAnswer(f"it has more than {MOST_BYTES:,} bytes")
        chunks.append(chunk)
    return b"".join(chunks)


def retry_after(header: str | None, most: float, now: datetime | None = None) -> float | None:
    """The seconds that a `Retry-After` asks to wait, `most` at most; None where it says nothing that can be read.

    >>> retry_after("3", 60), retry_after("1000", 60), retry_after("soon", 60)
    (3.0, 60, None)
    >>> retry_after("Wed, 21 Oct 2015 07:28:09 GMT", 60, datetime(2015, 10, 21, 7, 28, tzinfo=UTC))
    9.0
    """
    text = (header or "").strip()
    if text.isascii() and text.isdecimal():
        return min(float(text), most)
    try:
        at = parsedate_to_datetime(text)
        wait = (at.replace(tzinfo=at.tzinfo or UTC) - (now or datetime.now(UTC))).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(max(wait, 0.0), most)


def find_token(given: str | None, api: Api) -> str:
    """The token as it was given, or from the environment; empty for an API that names no variable for one.

    Raises PqlError where there is none or no header can carry it; the token is not in the message.
    """
    token = os.environ.get(api.token_variable, "") if given is None and api.token_variable else given
    if not token:
        if given is None and not api.token_variable:
            return ""
        raise PqlError(Source("", "token"), [say.no_token(api.token_variable)])
    if not isinstance(token, str) or not all("!" <= char <= "~" for char in token):
        raise PqlError(Source("", "token"), [say.bad_token()])
    return token


def check_address(address: object) -> SplitResult:
    """The parts of an API's address. Raises PqlError for one that cannot be used, or that holds a password."""
    try:
        if not isinstance(address, str) or not all("!" <= char <= "~" for char in address):
            raise ValueError
        parts = urlsplit(address)
        _ = parts.port  # raises for what is none
    except ValueError:
        raise PqlError(Source("", "base_url"), [say.bad_address(say.shown(address), "is no address")]) from None
    if parts.username is not None or parts.password is not None:
        problem = say.bad_address(parts.hostname or "", "has a name or a password before it")
    elif parts.scheme not in ("https", "http") or not parts.hostname:
        problem = say.bad_address(address, "is no address that starts with `https://` or `http://`")
    elif parts.query or parts.fragment:
        problem = say.bad_address(address, "has more than a path")
    else:
        return parts
    raise PqlError(Source("", "base_url"), [problem])


def _is_here(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: Any = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__
