"""The JSON filter: `{"attributes": {field: {op: value}}, "relationships": {relation: {"id": …, "attributes": …}}}`.

Keys stand in the order of the query, attributes first; a relation's own id stands beside its attributes
(seed "Advanced Filters", "Filter Structure").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pqlang.condition import Moment, Test
from pqlang.schema import Endpoint


def emit(tests: Sequence[Test], endpoint: Endpoint) -> dict[str, Any]:
    """The filter object for tests whose fields have a place in it; a new dict each time."""
    api = endpoint.api
    attributes: dict[str, Any] = {}
    relationships: dict[str, Any] = {}
    for test in tests:
        place = test.field.json
        assert place is not None
        holder = attributes
        if place.relation is not None:
            holder = relationships.setdefault(place.relation, {})
            if not place.is_id:
                holder = holder.setdefault(api.attributes_key, {})
        value = test.value
        if type(value) is Moment:
            value = value.text
        holder.setdefault(place.name, {})[endpoint.operators_of[test.op]] = value
    made: dict[str, Any] = {}
    if attributes:
        made[api.attributes_key] = attributes
    if relationships:
        made[api.relationships_key] = relationships
    return made
