"""What serves over real HTTP, on free ports: the commands, each as a process of its own, and apps in a thread."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

ROOT = Path(__file__).parent.parent


@contextmanager
def serving(*words: str, command: str = "serve") -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The command, when it has said its address, and its port."""
    line = [sys.executable, "-W", "error", "-m", "pqlang", command, "--port", "0", *words]
    with subprocess.Popen(
        line,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    ) as process:
        assert process.stdout is not None
        try:
            said = process.stdout.readline()
            found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/(?:v1)?\n", said)
            assert found, said + (process.stderr.read() if process.stderr and process.poll() is not None else "")
            yield process, int(found[1])
        finally:
            process.kill()


@contextmanager
def running(app: Any, **config: Any) -> Iterator[int]:
    """The port that an app is served at, by uvicorn in a thread."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off", **config))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


def ask(port: int, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any, bytes]:
    """The status, the headers and the body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()
