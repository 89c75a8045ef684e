"""A list API in a few lines, for tests: what `reference` says that a request selects, sorted, a page at a time.

Nothing of pqlang's compiler or client is used to answer. Rows are keyed as `strategies.records` makes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cmp_to_key
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from reference import filter_selects, params_select
from test_predicate import plain

from pqlang.schema import Endpoint

RESERVED = ("filter", "sort", "page[number]", "page[size]", "group-by")


class ListApi:
    """Answers URLs with the JSON that the API would. `asked` holds every page that was asked for."""

    def __init__(self, endpoint: Endpoint, rows: Iterable[dict[str, Any]]) -> None:
        self.endpoint = endpoint
        self.rows = list(rows)
        self.asked: list[tuple[str, int]] = []

    def answer(self, url: str) -> dict[str, Any]:
        """The page or the count that a URL asks for."""
        pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True, strict_parsing=bool(urlsplit(url).query))
        given = {name: text for name, text in pairs if name in RESERVED}
        params: dict[str, Any] = {}
        for name, text in pairs:
            if name not in RESERVED:
                params[name] = [*params.get(name, []), text] if name in params or name.endswith("[]") else text
        rows = [row for row in self.rows if self._keeps(given.get("filter"), params, row)]
        if urlsplit(url).path.endswith("/count"):
            return self._count(rows, given.get("group-by"))
        rows = in_order(rows, given.get("sort") or self.endpoint.default_sort or "id", self.endpoint)
        number, size = int(given.get("page[number]", 1)), int(given.get("page[size]", 10))
        assert 1 <= size <= self.endpoint.api.max_page_size
        self.asked.append((json.dumps([params, given.get("filter")]), number))
        return {
            "meta": {
                "total_count": len(rows),
                "total_pages": -(-len(rows) // size),
                "page_size": size,
                "current_page": number,
            },
            "data": [plain(row) for row in rows[(number - 1) * size : number * size]],
        }

    def _keeps(self, filter: str | None, params: dict[str, Any], row: dict[str, Any]) -> bool:
        if filter is not None:
            return filter_selects(json.loads(filter), row, self.endpoint)
        return params_select(params, row, self.endpoint)

    @staticmethod
    def _count(rows: list[dict[str, Any]], by: str | None) -> dict[str, Any]:
        if by is None:
            return {"count": len(rows)}
        values = [str(row[by]) for row in rows]
        return {"count": len(rows), "by": {by: {value: values.count(value) for value in sorted(set(values))}}}


def in_order(rows: list[dict[str, Any]], sort: str, endpoint: Endpoint) -> list[dict[str, Any]]:
    """Rows sorted by a field, nulls last upwards and first downwards, ties by id."""
    name = sort.removeprefix("-")
    [field] = [each for each in endpoint.fields if each.sort == name]

    def value(row: dict[str, Any]) -> Any:
        holder = row if field.relation is None else row[field.relation]
        return None if holder is None else holder[field.name]

    def compare(one: dict[str, Any], other: dict[str, Any]) -> int:
        a, b = value(one), value(other)
        higher = (a > b) - (a < b) if None not in (a, b) else (a is None) - (b is None)
        return -higher if name != sort else higher

    return sorted(sorted(rows, key=lambda row: str(row["id"])), key=cmp_to_key(compare))
