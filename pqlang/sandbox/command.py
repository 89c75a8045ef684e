"""`pql sandbox`: fill a database with made-up records and answer for the API until stopped."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TextIO

from pqlang import diagnostics as say
from pqlang.arguments import built_in
from pqlang.diagnostics import PqlError
from pqlang.sandbox.app import create_app, root
from pqlang.sandbox.records import UNTIL, generate
from pqlang.sandbox.storage import Progress, Storage
from pqlang.schema import Schema
from pqlang.source import Source
from pqlang.webserver import LOOPBACK, bound, serve

INTERRUPTED = 130

EARLIEST = 1970  # records are made some years back from then, and no calendar begins so late


def run(options: argparse.Namespace) -> int:
    """Serve until interrupted; the address, a token and an example are printed when it is ready.

    Nothing but a signal ends it, so the status is that of what was interrupted.
    """
    schema = options.schema or built_in()
    with bound(options.port) as listener:  # before the work: a port that is taken is said at once
        storage = Storage(schema, options.db or "sqlite://")
        fill(storage, options.records, options.seed, instant(options.until))
        listener.listen(2_048)  # who asks from now on is kept waiting, not sent away
        port = listener.getsockname()[1]
        print(welcome(schema, port), flush=True)
        serve(create_app(storage, rate=options.rate), listener)
        storage.close()
    return INTERRUPTED


def fill(storage: Storage, records: int, seed: int = 0, until: datetime = UNTIL) -> None:
    """Write that many records of each endpoint, unless the database has just them already.

    >>> from pqlang import PENBOX
    >>> storage = Storage(PENBOX)
    >>> fill(storage, 10)
    >>> storage.close()
    """
    first = [list(generate(endpoint, 1, seed, until)) for endpoint in storage.schema.endpoints]
    what = (records, seed, until.isoformat(), first)  # a later version may make up others
    if storage.holds(what):
        return
    storage.create()
    for endpoint in storage.schema.endpoints:
        with _progress(endpoint.name, records, sys.stderr) as progress:
            storage.load(endpoint, generate(endpoint, records, seed, until), progress)
    storage.finish(what)


def instant(text: str | None) -> datetime:
    """When the youngest record is made, by what `--until` says. Raises PqlError.

    >>> instant("2024-01-15").isoformat()
    '2024-01-15T00:00:00+00:00'
    """
    if text is None:
        return UNTIL
    if text == "now":
        return datetime.now(UTC)
    try:
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        at = datetime.min.replace(tzinfo=UTC)
    if at.year < EARLIEST:
        wanted = f"`now` or a time in ISO 8601, from {EARLIEST} on"
        raise PqlError(Source("", "--until"), [say.bad_argument("--until", text, wanted)])
    return at


def welcome(schema: Schema, port: int) -> str:
    """What a person needs to begin: an address, a token, a first request.

    >>> from pqlang import PENBOX
    >>> print(welcome(PENBOX, 8000))
    http://127.0.0.1:8000/v1
    token: pnbx_sandbox
    curl -g 'http://127.0.0.1:8000/v1/cases?page[size]=2' -H 'Authorization: Bearer pnbx_sandbox'
    Ctrl-C stops it
    """
    api, first = schema.api, schema.endpoints[0]
    base = f"http://{LOOPBACK}:{port}{root(api)}"
    token = f"{api.token_prefix}sandbox"
    url = shlex.quote(f"{base}{first.path}?{api.size_param}=2")
    header = shlex.quote(f"Authorization: {api.authorization} {token}")
    return f"{base}\ntoken: {token}\ncurl -g {url} -H {header}\nCtrl-C stops it"


@contextmanager
def _progress(name: str, total: int, stream: TextIO) -> Iterator[Progress | None]:
    """A bar on a terminal, nothing elsewhere."""
    if not stream.isatty() or not total:
        yield None
        return
    began = time.monotonic()

    def show(count: int) -> None:
        done = 30 * count // total
        rate = count / max(time.monotonic() - began, 0.001)
        stream.write(f"\r{name:<16} [{'#' * done}{'.' * (30 - done)}] {count:>10,}  {rate:,.0f}/s ")
        stream.flush()

    try:
        yield show
    finally:
        stream.write("\r\x1b[K")
        stream.flush()
