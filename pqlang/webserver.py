"""What the commands that serve have in common: a socket to listen on, and uvicorn to answer on it. Its one door."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from pqlang import diagnostics as say
from pqlang.diagnostics import PqlError
from pqlang.source import Source

LOOPBACK = "127.0.0.1"
HIGHEST = 65_535
PATIENCE = 5  # seconds: somebody who connects as it ends would keep it for ever


@contextmanager
def bound(port: int, host: str = LOOPBACK) -> Iterator[socket.socket]:
    """A socket that has the port, 0 for any that is free. Raises PqlError where it cannot be had.

    >>> with bound(0) as listener:
    ...     listener.getsockname()[0]
    '127.0.0.1'
    """
    with _socket(port, host) as listener:
        yield listener


def _socket(port: int, host: str) -> socket.socket:
    try:
        if port > HIGHEST:
            raise OSError(f"ports go from 0 to {HIGHEST}")
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, place = found[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(place)
        except OSError:
            listener.close()
            raise
    except (OSError, UnicodeError) as error:  # a name that no host can have is a UnicodeError
        reason = getattr(error, "strerror", None) or str(error)
        where = "" if host == LOOPBACK else f" of `{say.shorten(host)}`"
        raise PqlError(Source("", "--port"), [say.bad_port(port, where, reason)]) from None
    return listener


def serve(app: Any, listener: socket.socket) -> None:
    """Answer until interrupted. Who asked since the socket listens is kept waiting, not sent away."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=PATIENCE,
    )
    uvicorn.Server(config).run([listener])
