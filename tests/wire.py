"""HTTP on a real socket, for tests: a server that answers from rows, and a proxy that spoils what goes through it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, Self

from list_api import ListApi

Handler = Callable[[str, dict[str, str], asyncio.StreamWriter], Awaitable[bool]]  # whether the connection is kept

PAGE = b"<!doctype html><title>Bad gateway</title>"


def answer(status: int, body: bytes, kind: str = "application/json", **headers: str) -> bytes:
    """A whole answer as it goes over the wire."""
    lines = [f"HTTP/1.1 {status} Whatever", f"content-type: {kind}", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Served:
    """A server on a free port of this machine, in a thread of its own, for as long as a `with` lasts."""

    def __init__(self) -> None:
        self.requests: list[str] = []  # the paths, as they came
        self.heads: list[dict[str, str]] = []
        self.open = 0  # connections
        # a loop alone does not keep a task that waits from the collector
        self._kept: set[asyncio.Task[Any] | None] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def respond(self, path: str, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection may be used again."""
        raise NotImplementedError

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self._kept.add(task := asyncio.current_task())
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *rest = head.decode("ascii").split("\r\n")
                method, path, _ = first.split(" ")
                assert method == "GET"
                self.requests.append(path)
                self.heads.append({name.lower(): text for name, _, text in (each.partition(": ") for each in rest)})
                if not await self.respond(path, writer):
                    break
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            self._kept.discard(task)
            writer.close()

    def __enter__(self) -> Self:
        self._thread.start()
        start = asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(start, self._loop).result(10)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        while True:
            await asyncio.sleep(0.01)  # what was accepted in this moment becomes a task; transports close a step later
            left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            if not left:
                return
            await asyncio.sleep(0)  # a task that is cancelled before its first step closes nothing
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)


class Answering(Served):
    """Answers from the rows of a `ListApi`; `before` may answer in its stead."""

    def __init__(self, api: ListApi, before: Callable[[str, int], bytes | None] = lambda path, number: None) -> None:
        super().__init__()
        self.api = api
        self._before = before

    async def respond(self, path: str, writer: asyncio.StreamWriter) -> bool:
        given = await asyncio.to_thread(self._before, path, len(self.requests))  # it may sleep
        writer.write(answer(200, json.dumps(self.api.answer(path)).encode()) if given is None else given)
        return True


class Faults(Served):
    """Passes requests on to another port of this machine, and spoils a share of the answers, as a seed says."""

    KINDS = (
        "late", "reset", "reset half way", "end half way", "stall", "429", "500", "502 page", "garbage", "no http",
        "empty", "page", "half json", "a record less", "a record more", "another page",
    )  # fmt: skip

    def __init__(self, port: int, seed: int, share: float) -> None:
        super().__init__()
        self.met: Counter[str] = Counter()
        self._upstream, self._random, self._share = port, Random(seed), share

    async def respond(self, path: str, writer: asyncio.StreamWriter) -> bool:
        kind = self._random.choice(self.KINDS) if self._random.random() < self._share else "well"
        self.met[kind] += 1
        match kind:
            case "reset":
                writer.transport.abort()
                return False
            case "429":
                writer.write(answer(429, b"{}", retry_after=self._random.choice(("0", "soon", "1"))))
                return True
            case "500":
                writer.write(answer(500, b'{"errors": [{"title": "Internal"}]}'))
                return True
            case "502 page":
                writer.write(answer(502, PAGE, "text/html"))
                return True
            case "garbage":
                writer.write(answer(200, self._random.randbytes(300)))
                return True
            case "no http":
                writer.write(self._random.randbytes(300))
                return False
            case "empty":
                writer.write(answer(200, b""))
                return True
            case "page":
                writer.write(answer(200, PAGE, "text/html"))
                return True
            case "late":
                await asyncio.sleep(self._random.random() * 0.05)
        whole = await self._passed_on(path)
        head, _, body = whole.partition(b"\r\n\r\n")
        match kind:
            case "reset half way":
                writer.write(whole[: self._random.randrange(len(whole))])
                await writer.drain()
                writer.transport.abort()
                return False
            case "end half way":
                writer.write(whole[: self._random.randrange(len(whole))])
                return False
            case "stall":
                writer.write(whole[: self._random.randrange(len(whole))])
                await writer.drain()
                await asyncio.sleep(60)
            case "half json":
                body = body[: self._random.randrange(len(body))]
            case "a record less" | "a record more" | "another page":
                body = self._other(json.loads(body), kind)
        writer.write(answer(int(head.split(b" ")[1]), body))
        return True

    @staticmethod
    def _other(said: dict[str, Any], kind: str) -> bytes:
        if "data" not in said:
            said["count"] = None
        elif kind == "another page":
            said["meta"]["current_page"] += 1
        else:
            said["data"] = (
                said["data"][1:] if kind == "a record less" and said["data"] else [*said["data"], {"id": "x"}]
            )
        return json.dumps(said).encode()

    async def _passed_on(self, path: str) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        try:
            return await self._exchange(path, reader, writer)
        finally:
            writer.close()

    async def _exchange(self, path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        kept = "".join(f"{name}: {text}\r\n" for name, text in self.heads[-1].items() if name == "authorization")
        writer.write(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{kept}connection: close\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line[15:]) for line in head.decode().lower().split("\r\n") if line.startswith("content-length")
        )
        body = await reader.readexactly(length)
        return head + body
