"""`pql serve`: the search box's service and its demo page, until it is stopped."""

from __future__ import annotations

import argparse
import socket

import uvicorn

from pqlang.searchbox import create_app


def run(options: argparse.Namespace) -> int:
    """Serve until interrupted; the address is printed when it can be asked."""
    with _listener(options.host, options.port) as listener:
        app = create_app(options.schema)
        listener.listen(2_048)  # who asks from now on is kept waiting, not sent away
        print(f"{address(options.host, listener.getsockname()[1])}\nCtrl-C stops it", flush=True)
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, lifespan="off", server_header=False, timeout_keep_alive=30
        )
        uvicorn.Server(config).run([listener])
    return 0


def address(host: str, port: int) -> str:
    """Where a browser finds it; one that listens everywhere is found at this machine's own name.

    >>> address("127.0.0.1", 8765), address("::1", 80)
    ('http://127.0.0.1:8765/', 'http://[::1]:80/')
    """
    name = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, host)
    return f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"


def _listener(host: str, port: int) -> socket.socket:
    """A socket bound to the address. Raises OSError, which says the address."""
    try:
        [(family, kind, protocol, _, place), *_] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        made = socket.socket(family, kind, protocol)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(place)
        except BaseException:
            made.close()
            raise
        return made
    except OSError as error:
        raise OSError(error.errno or 0, f"{host}:{port}: {error.strerror or error}") from None
