"""Schema files: what a person writes about an API, in TOML or in JSON of the same shape, read into a `Schema`.

A file names the API's endpoints, and for each its relations and fields; everything else has a default:

    [endpoints.orders]
    search = "title"
    [endpoints.orders.relations.customer]
    [endpoints.orders.fields]
    title = { param = true }
    total = { type = "number", sort = true }
    "customer.email" = { type = "email", param = "customer_email" }

`schema_tables` says what may be written; what leaves are the frozen values of `schema`. The text becomes plain data
(`schema_text`), the data is held against the models and built, and what the models allow is held against itself
(`schema_checks`). Every step adds to one list of problems, so that a file is mended in one go; what may only be the
consequence of another problem stays unsaid.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pqlang.diagnostics import PqlError
from pqlang.schema import Active, Api, Derived, Endpoint, Field, JsonPlace, Parameter, Schema
from pqlang.schema_checks import check
from pqlang.schema_tables import EndpointTable, FieldTable, ParamTable, RelationTable, SchemaTable, named, shape
from pqlang.schema_text import key_places, parse, plain, read
from pqlang.source import Source


def load_schema(source: str | os.PathLike[str] | Mapping[str, object]) -> Schema:
    """The schema in a `.toml` or `.json` file, or in a mapping of the same shape.

    Raises PqlError with every problem found, each naming its key (`endpoints.orders.fields.total.type`) and, in a
    file, its place in the text. No other exception comes out of a file or a mapping, whatever is in it.

    >>> schema = load_schema({"endpoints": {"orders": {"fields": {"total": {"type": "number", "sort": True}}}}})
    >>> schema.names, schema.endpoints[0].field("total").sort
    (('orders',), 'total')
    """
    content: object
    if isinstance(source, Mapping):
        text, content, name = Source(""), source, "api"
    else:
        path = Path(os.fsdecode(source))
        text = read(path)
        content, name = parse(text), path.stem
    places, problems = key_places(text)
    tables = shape(plain(content, (), problems), problems)
    schema = _build(tables, name)
    problems += check(tables, schema, problems)
    if problems:
        raise PqlError(text, sorted((each.placed(places) for each in problems), key=lambda each: each.span))
    return schema


# Tables to values

_USUAL_SIZE = Api("").page_size


def _build(tables: SchemaTable, name: str) -> Schema:
    """The schema that the tables describe. Total: what makes no sense in it is for `check` to say."""
    table = tables.api
    api = Api(
        **table.model_dump(exclude={"name", "base_url", "operators", "error_words", "page_size"}),
        name=table.name or name,
        base_url=table.base_url.rstrip("/"),  # paths begin with one
        operators=tuple(table.operators.items()),
        error_words=tuple(table.error_words),
        page_size=table.page_size or min(_USUAL_SIZE, table.max_page_size),
    )
    return Schema(api, tuple(_build_endpoint(name, each, api) for name, each in tables.endpoints.items()))


def _build_endpoint(name: str, table: EndpointTable, api: Api) -> Endpoint:
    return Endpoint(
        name=name,
        path=f"/{name}" if table.path is None else table.path,
        api=api,
        fields=tuple(_build_field(name, each, table.relations, api) for name, each in table.fields.items()),
        description=table.description,
        search=table.search,
        always=table.always,
        active=Active(table.active.field, table.active.value) if table.active else None,
        default_sort=table.default_sort,
        extras=tuple(table.extras.items()),
        group_by=tuple(table.group_by),
        examples=tuple(table.examples),
    )


def _build_field(name: str, table: FieldTable, relations: Mapping[str, RelationTable], api: Api) -> Field:
    relation, _ = _split(name)
    related = relations.get(relation, RelationTable()) if relation else None
    return Field(
        name=name,
        type=table.type,
        description=table.description,
        relation=relation,
        to_many=related is not None and related.many,
        nullable=related is not None and table.derived is None if table.nullable is None else table.nullable,
        values=tuple(table.values),
        meanings=tuple(table.values.values()) if any(table.values.values()) else (),
        sort=named(table.sort, name),
        json=_build_json(name, table, related, api),
        param=_build_param(name, table.param),
        record=_build_record(name, table, related),
        derived=Derived(table.derived.base, table.derived.when_null) if table.derived else None,
    )


def _build_json(name: str, table: FieldTable, related: RelationTable | None, api: Api) -> JsonPlace | None:
    relation, own = _split(name)
    place = table.json_place
    if place is None or table.derived:
        return None
    if relation is None or related is None:
        return JsonPlace(place.name or own, undocumented=place.undocumented)
    relation = named(related.json_name, relation)
    if relation is None:
        return None
    inner = place.name or own
    return JsonPlace(inner, relation, inner == api.id_key, place.undocumented or related.undocumented)


def _build_param(name: str, table: ParamTable | None) -> Parameter | None:
    if table is None:
        return None
    first, *rest = name.split(".")
    spelt = table.name or first + "".join(f"[{part}]" for part in rest)
    return Parameter(spelt, table.match, named(table.many, f"{spelt}[]"), table.assumed, table.refuses)


def _build_record(name: str, table: FieldTable, related: RelationTable | None) -> tuple[str, ...] | None:
    relation, own = _split(name)
    if isinstance(table.record, str):
        return tuple(table.record.split("."))
    if table.record is False or (table.record is None and table.derived):
        return None
    if relation is None or related is None:
        return tuple(own.split("."))
    key = named(related.record, relation)
    return (key, *own.split(".")) if key else None


def _split(name: str) -> tuple[str | None, str]:
    """A field's relation, if it is reached by one, and its name there."""
    relation, dot, own = name.partition(".")
    return (relation, own) if dot else (None, name)
