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
    api, operators = endpoint.api, endpoint.operators_of
    attributes: dict[str, Any] = {}
    relationships: dict[str, Any] | None = None
    for test in tests:
        place, value = test.field.json, test.value
        assert place is not None
        if type(value) is Moment:
            value = value.text
        holder = attributes
        if place.relation is not None:
            if relationships is None:
                relationships = {}
            holder = relationships.setdefault(place.relation, {})
            if not place.is_id:
                holder = holder.setdefault(api.attributes_key, {})
        if place.name in holder:
            holder[place.name][operators[test.op]] = value
        else:
            holder[place.name] = {operators[test.op]: value}
    if relationships is None:
        return {api.attributes_key: attributes}
    return ({api.attributes_key: attributes} if attributes else {}) | {api.relationships_key: relationships}
