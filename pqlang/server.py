"""`pql serve`: the search box's service and its demo page, until it is stopped."""

from __future__ import annotations

import argparse

from pqlang.arguments import built_in
from pqlang.searchbox import create_app
from pqlang.webserver import bound, serve

INTERRUPTED = 130


def run(options: argparse.Namespace) -> int:
    """Serve until interrupted; the address is printed when it can be asked.

    Nothing but a signal ends it, so the status is that of what was interrupted.
    """
    schema = options.schema or built_in()
    with bound(options.port, options.host) as listener:  # before the work: a port that is taken is said at once
        rows = None
        if options.sandbox:
            from pqlang.sandbox.command import instant
            from pqlang.searchbox.beside import Sandbox  # brings a database and a client

            rows = Sandbox(schema, instant(options.until)).rows
        app = create_app(schema, rows=rows)
        listener.listen(2_048)
        print(f"{address(options.host, listener.getsockname()[1])}\nCtrl-C stops it", flush=True)
        serve(app, listener)
    return INTERRUPTED


def address(host: str, port: int) -> str:
    """Where a browser on this machine finds it.

    >>> address("127.0.0.1", 8765), address("0.0.0.0", 80), address("::1", 80)
    ('http://127.0.0.1:8765/', 'http://localhost:80/', 'http://[::1]:80/')
    """
    name = "localhost" if host in ("0.0.0.0", "::", "") else host
    return f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"
