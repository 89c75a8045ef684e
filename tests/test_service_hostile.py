"""Ten thousand requests that mean harm: each has an answer, none is a failure of the service, nothing piles up."""

from __future__ import annotations

import asyncio
import gc
import json
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from strategies import LETTERS, WORDS

from pqlang import load_schema
from pqlang.searchbox import create_app
from pqlang.searchbox.openapi import QUESTIONS

COUNT = 10_000
BATCHES = 5
#: What a request that is no question may be told; an answer to a question is 200.
TOLD = {200, 400, 404, 405, 413, 415, 422}
KEYS = {each.path: set(each.ask.model_fields) for each in QUESTIONS if each.path != "/rows"}
PATHS = list(KEYS)
SCHEMA = {
    "api": {"name": "odd"},
    "endpoints": {
        "things": {
            "search": "title",
            "fields": {
                "title": {"param": True, "sort": True},
                "count": {"type": "integer", "param": True, "sort": True},
                "price": {"type": "number", "nullable": True},
                "made_at": {"type": "datetime", "param": True},
                "due": {"type": "date"},
                "kind": {"type": "enum", "values": ["a", "b", "c"], "nullable": True},
                "done": {"type": "boolean", "param": {"assumed": False}},
                "mark": {"type": "uuid"},
            },
        }
    },
}
NAMES = list(SCHEMA["endpoints"]["things"]["fields"])  # type: ignore[index]


class Hostile:
    """Requests drawn from a seed."""

    def __init__(self, seed: int) -> None:
        self.draw = Random(seed)

    def request(self) -> tuple[str, str, list[tuple[bytes, bytes]], list[bytes]]:
        """A method, a path, headers and the parts of a body."""
        draw = self.draw
        method, path = "POST", draw.choice(PATHS)
        if draw.random() < 0.1:
            method = draw.choice(["GET", "PUT", "HEAD", "OPTIONS", "DELETE", "BREW", "POST"])
            path = draw.choice([*PATHS, "/schema", "/schema/things", "/openapi.json", *self.odd_paths()])
        kind = draw.choice([b"text/plain", b"", b"application/json;charset=utf-16", b"\xff"])
        headers = [(b"content-type", b"application/json" if draw.random() < 0.95 else kind)]
        body = self.body(path)
        if draw.random() < 0.1:
            headers.append((b"content-length", draw.choice([b"0", b"-1", b"x", b"9" * 40, str(len(body)).encode()])))
        if draw.random() < 0.1:
            headers.append((b"if-none-match", self.text().encode("utf-8", "replace")))
        cut = draw.randrange(len(body) + 1)
        return method, path, headers, [body[:cut], body[cut:]]

    def odd_paths(self) -> list[str]:
        return [
            "/",
            "//",
            "/schema/../schema",
            "/static/",
            "/static-/x",
            "/%00",
            "/😀",
            "/" + self.text(),
            "/schema/\ud800",
        ]

    def body(self, path: str) -> bytes:
        draw = self.draw
        path = path if path in KEYS else "/check"
        shape = draw.random()
        if shape < 0.04:
            return draw.randbytes(draw.randrange(400))
        if shape < 0.06:
            return draw.choice([b"[", b'{"query":', b"1", b"-", b'"']) * draw.randrange(1, 20_000)
        if shape < 0.07:
            return b" " * draw.choice([65_535, 65_536, 65_537, 1_000_000])
        text = json.dumps(self.question(path) if shape < 0.9 else self.value(4), ensure_ascii=draw.random() < 0.5)
        written = text.encode("utf-8", draw.choice(["surrogatepass", "replace"]))
        if shape > 0.96:  # one byte is another
            at = draw.randrange(max(len(written), 1))
            written = written[:at] + draw.randbytes(1) + written[at + 1 :]
        return written

    def question(self, path: str) -> dict[str, Any]:
        """A body that is right, or nearly."""
        draw = self.draw
        right: dict[str, Callable[[], Any]] = {
            "query": self.query,
            "endpoint": lambda: "things",
            "target": lambda: draw.choice(
                ["json", "params", "auto"] if path != "/decompile" else [self.query(), {"a": self.value(5)}]
            ),
            "variables": lambda: (
                ["a"] if path == "/complete" else {"a": self.text(), "b": [draw.choice([1, 10**400, None])]}
            ),
            "now": lambda: draw.choice(["2024-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]),
            "tz": lambda: draw.choice(["Europe/Brussels", "Pacific/Apia", "America/St_Johns"]),
            "scope": lambda: "active",
            "mode": lambda: draw.choice(["search", "strict"]),
            "cursor": lambda: draw.choice([0, 1, 5, 10**40]),
            "utf16_cursor": lambda: draw.choice([0, 1, 5, 10**40]),
            "disjoint": lambda: True,
            "broaden": lambda: True,
            "max_requests": lambda: draw.choice([1, 2, 100]),
            "width": lambda: draw.choice([1, 40, 10**30]),
        }
        needed = {"query", "target" if path == "/decompile" else "endpoint"}
        others = sorted(KEYS[path] - needed - ({"cursor"} if draw.random() < 0.5 else {"utf16_cursor"}))
        keys = sorted(needed & KEYS[path]) + draw.sample(others, draw.randrange(len(others) + 1))
        asked = {key: right[key]() for key in keys}
        if draw.random() < 0.2:
            asked[draw.choice([*keys, "colour", ""])] = self.value(2)
        return asked

    def value(self, depth: int) -> Any:
        """Any JSON, deep now and then."""
        draw = self.draw
        if draw.random() < 0.02:
            deep: Any = 1
            for _ in range(draw.choice([60, 200, 900])):
                deep = [deep] if draw.random() < 0.5 else {"$eq": deep}
            return deep
        if not depth or draw.random() < 0.4:
            return self.scalar()
        if draw.random() < 0.5:
            return [self.value(depth - 1) for _ in range(draw.randrange(5))]
        names = ["attributes", "relationships", "$eq", "$like", "id", "", "query", *NAMES, self.text()]
        return {draw.choice(names): self.value(depth - 1) for _ in range(draw.randrange(5))}

    def scalar(self) -> Any:
        draw = self.draw
        numbers = [0, -1, 1.5, 1e308, -1e-320, 2**63, 10**400, 10**4_200, float("nan"), float("inf")]
        return draw.choice([None, True, False, *numbers, "", "null", "\ud800", "\x00", self.text()])

    def text(self) -> str:
        return "".join(self.draw.choices(LETTERS + "\x00\ud83d", k=self.draw.randrange(12)))

    def query(self) -> str:
        """Words and signs of the language in any order; now and then a long run of the same."""
        draw = self.draw
        signs = [
            "and",
            "or",
            "not",
            "in",
            "(",
            ")",
            ",",
            "=",
            "!=",
            "~",
            "<",
            "is null",
            "order by",
            "-",
            ":",
            "$a",
            "$b",
        ]
        parts = [
            *NAMES,
            *NAMES,
            *signs,
            *WORDS,
            "1",
            "now-7d",
            "2024-01",
            "on",
            "between",
            "contains",
            "'",
            '"',
            "`",
            "\\",
        ]
        shape = draw.random()
        if shape < 0.03:
            return (draw.choice(parts) + draw.choice(["", " "])) * draw.randrange(1, 9_000)
        if shape < 0.06:
            conditions = [
                f"{draw.choice(NAMES)} {draw.choice(['=', '!=', '~'])} {draw.choice('abc1')}" for _ in range(30)
            ]
            joined = "".join(f"({each}) {draw.choice(['and', 'or', 'and not', 'or not'])} " for each in conditions)
            return joined + "title = a"
        if shape < 0.1:
            return draw.choice(["/things?", "?", "https://x.example/things?", "{", '{"attributes":']) + self.text() * 3
        text = " ".join(draw.choices(parts, k=draw.randrange(14)))
        return text + self.text() if draw.random() < 0.2 else text


async def send(
    app: Any, method: str, path: str, headers: list[tuple[bytes, bytes]], parts: list[bytes]
) -> tuple[int, bytes]:
    """A request as a server hands it over, and what the app answers; an exception is this test's failure."""
    queue = [{"type": "http.request", "body": part, "more_body": at < len(parts) - 1} for at, part in enumerate(parts)]
    sent: list[Any] = []

    async def receive() -> Any:
        return queue.pop(0) if queue else {"type": "http.disconnect"}

    async def keep(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "root_path": "",
        "query_string": b"",
        "headers": headers,
        "server": ("testserver", 80),
        "client": ("testclient", 1),
    }
    await app(scope, receive, keep)
    assert sent[0]["type"] == "http.response.start"
    assert (b"x-content-type-options", b"nosniff") in sent[0]["headers"]
    return sent[0]["status"], b"".join(each.get("body", b"") for each in sent[1:])


def test_ten_thousand_requests_that_mean_harm(caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(load_schema(SCHEMA), time_limit=60)  # no request takes so long, on a machine however busy
    hostile, statuses, objects = Hostile(20241122), Counter[int](), []

    async def batch(count: int) -> None:
        for _ in range(count // 16):
            requests = [hostile.request() for _ in range(16)]
            for request, (status, body) in zip(
                requests, await asyncio.gather(*(send(app, *each) for each in requests)), strict=True
            ):
                statuses[status] += 1
                assert status in TOLD, (status, request, body)
                if request[0] == "HEAD" or status in (204, 304):
                    continue
                if body and request[1] != "/":
                    said = json.loads(body)
                    assert b"Traceback" not in body
                    assert status == 200 or said["error"]["message"]

    for _ in range(BATCHES):
        asyncio.run(batch(COUNT // BATCHES))
        gc.collect()
        objects.append(len(gc.get_objects()))
    assert sum(statuses.values()) >= COUNT - 16 * BATCHES
    assert statuses[200] > COUNT // 3, statuses  # most are read, and not turned away at the door
    assert len(statuses) >= 6, statuses
    assert caplog.text == ""
    # what is kept, such as tables of matches, is made early: later requests leave nothing behind
    assert objects[-1] - objects[1] < 500, objects
