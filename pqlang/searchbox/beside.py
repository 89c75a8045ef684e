"""A sandbox beside the search box, in the same process: where the rows of `pql serve --sandbox` come from."""

from __future__ import annotations

from datetime import datetime

from pqlang.async_client import AsyncClient
from pqlang.sandbox.app import create_app, root
from pqlang.sandbox.command import fill
from pqlang.sandbox.storage import Storage
from pqlang.schema import Endpoint, Schema
from pqlang.searchbox.answers import Found
from pqlang.transport import in_process

RECORDS = 1_000  # of each endpoint


class Sandbox:
    """Made-up records of an API, and the rows that a query selects of them.

    They are asked for by the client, over HTTP but not over a network, so that a page shows what a program would get.
    """

    def __init__(self, schema: Schema, until: datetime, records: int = RECORDS) -> None:
        storage = Storage(schema)
        fill(storage, records, until=until)
        self._app = create_app(storage)
        self._base = f"http://127.0.0.1{root(schema.api)}"  # nothing listens there
        self._token = f"{schema.api.token_prefix}sandbox"

    async def rows(self, query: str, endpoint: Endpoint, /, *, limit: int, mode: str, scope: str | None) -> Found:
        """The first records, and how many there are. Raises PqlError."""
        found = []
        async with AsyncClient(self._token, self._base, attempts=1, transport=in_process(self._app)) as client:
            async with client.fetch(query, endpoint, limit=limit, mode=mode, scope=scope) as records:
                while batch := await records.batch():
                    found += batch
            total = await client.count(query, endpoint, mode=mode, scope=scope)
        return Found(found, total, records.diagnostics)
