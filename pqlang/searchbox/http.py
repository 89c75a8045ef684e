"""Requests read and responses made, over HTTP: JSON, what a browser keeps, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from pqlang.diagnostics import listing
from pqlang.searchbox import asks, bodies
from pqlang.searchbox.files import File
from pqlang.searchbox.guard import TooLarge
from pqlang.searchbox.problems import Malformed

_JSON = re.compile(r"application/(?:[\w.+-]+\+)?json\s*(?:;.*)?", re.IGNORECASE)


async def body(request: Request) -> bytes:
    """The body of a question. Raises HTTPException where it is too large or not declared as JSON."""
    if not _JSON.fullmatch(request.headers.get("content-type", "").strip()):
        raise HTTPException(415, "the body has to be JSON, and `Content-Type` has to say so: `application/json`")
    try:
        return await request.body()
    except TooLarge as error:
        raise HTTPException(413, str(error)) from None
    except ClientDisconnect:  # nobody is left to be told
        raise HTTPException(400, "the body ends early") from None


def read(model: type[asks.A], body: bytes) -> asks.A:
    """What is asked. Raises Malformed where the body is not what it has to be."""
    return asks.read_body(model, bodies.read(body))


def answer(body: object) -> Response:
    return Response(encode(body), media_type="application/json")


def encode(body: object) -> bytes:
    """JSON in UTF-8; half a pair of surrogates, which a target may hold, is escaped."""
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode()


def fact(request: Request, content: bytes, media_type: str, tag: str, cache: str) -> Response:
    """What a browser may keep, or that it still has it."""
    headers = {"ETag": f'"{tag}"', "Cache-Control": cache}
    asked = request.headers.get("if-none-match", "")
    if asked == "*" or tag in {each.strip().removeprefix("W/").strip('"') for each in asked.split(",")}:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


def file(request: Request, file: File, cache: str) -> Response:
    """A file, compressed for who takes that."""
    if not re.search(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))", request.headers.get("accept-encoding", "")):
        response = fact(request, file.content, file.media_type, file.tag, cache)
    else:
        response = fact(request, file.compressed, file.media_type, f"{file.tag}-gzip", cache)
        if response.status_code == 200:
            response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    return response


def _failure(code: str, message: str, problems: Sequence[object] = ()) -> dict[str, Any]:
    return {"ok": False, "error": {"code": code, "message": message, "problems": list(problems)}}


def unavailable(code: str, message: str) -> Response:
    """What the guard answers: when to come again."""
    return Response(encode(_failure(code, message)), 503, {"Retry-After": "1"}, "application/json")


async def failed(request: Request, error: Exception) -> Response:
    """A mistake of ours or of the host's: the guard logs it, and the answer says nothing of it."""
    return Response(encode(_failure("failed", "the service failed; its log says why")), 500, None, "application/json")


_CODES = {400: "incomplete", 404: "not-found", 405: "wrong-method", 413: "too-large", 415: "not-json"}


async def refused(request: Request, error: Exception) -> Response:
    """A refusal of ours, of the router's or of the host's."""
    assert isinstance(error, HTTPException)
    message = error.detail
    if message == HTTPStatus(error.status_code).phrase:  # the router says no more
        allowed = (error.headers or {}).get("Allow", "").split(", ")
        message = {
            404: "there is nothing at this path; the service's `/openapi.json` says what there is",
            405: f"this path takes {listing(sorted(allowed), 'or')}, not {request.method}",
        }.get(error.status_code, message)
    body = _failure(_CODES.get(error.status_code, "refused"), message)
    headers = {name: value for name, value in (error.headers or {}).items() if name.lower() != "content-type"}
    return Response(encode(body), error.status_code, headers, "application/json")


async def malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, Malformed)
    return Response(encode(malformed_body(error)), 422, media_type="application/json")


def malformed_body(error: Malformed) -> dict[str, Any]:
    """The first problem for people, and each with its place."""
    first, *others = error.problems
    more = f"; and {len(others)} more problem{'s' * (len(others) > 1)}" if others else ""
    problems = [{"at": list(at), "message": message} for at, message in error.problems]
    return _failure("malformed", first.message + more, problems)
