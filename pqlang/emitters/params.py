"""Direct query parameters: `status=pending`, `owner[email]=…`, `flow[slug][]=a&flow[slug][]=b` (seed "List Cases")."""

from __future__ import annotations

from collections.abc import Sequence

from pqlang.condition import Test
from pqlang.pushdown import spell
from pqlang.schema import Endpoint


def emit(tests: Sequence[Test], endpoint: Endpoint) -> dict[str, str | list[str]]:
    """The parameters for tests that each have one, in the order of the query; a new dict each time."""
    made: dict[str, str | list[str]] = {}
    for test in tests:
        spelt = spell(test, endpoint)
        assert spelt is not None
        param, value = spelt
        made[param.many if isinstance(value, list) and param.many is not None else param.name] = value
    return made
