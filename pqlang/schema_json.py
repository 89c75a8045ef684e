"""What is known of an endpoint as plain data, for programs in any language: `pql schema --json`, and the service."""

from __future__ import annotations

from typing import Any

from pqlang.schema import Endpoint, Field


def endpoint_json(endpoint: Endpoint) -> dict[str, Any]:
    """An endpoint and its fields, in the order of the schema; a new dict each time.

    `sort` is how the API orders a list that says nothing of it, `search` the field that free text looks in; either may
    be None.

    >>> from pqlang import PENBOX
    >>> cases = endpoint_json(PENBOX.endpoint("cases"))
    >>> cases["sort"], cases["fields"][2]["name"], cases["fields"][2]["values"]
    ('-created_at', 'parent_status', ['draft', 'pending', 'in_progress', 'closed'])
    """
    return {
        "name": endpoint.name,
        "path": endpoint.path,
        "description": endpoint.description,
        "search": endpoint.search,
        "sort": endpoint.default_sort,
        "examples": list(endpoint.examples),
        "fields": [_field(each) for each in endpoint.fields],
    }


def _field(field: Field) -> dict[str, Any]:
    """`values` are in the order of the schema, which the keys of a JSON object need not keep; `meanings` stand beside
    them, or are none."""
    return {
        "name": field.name,
        "type": field.type.value,
        "description": field.description,
        "values": list(field.values),
        "meanings": list(field.meanings),
        "nullable": field.nullable,
        "many": field.to_many,
        "sortable": field.sort is not None,
        "json": field.json is not None or field.derived is not None,
        "param": None if field.param is None else field.param.name,
        "sort": field.sort,
    }
