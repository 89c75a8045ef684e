"""The sandbox as an OpenAPI 3.1 document, made from the schema: every parameter, every operator of every field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from pqlang.condition import SENSES, Kind, Op
from pqlang.schema import ORDERED, TEXTS, Endpoint, Extra, Field, FieldType, Schema

Json: TypeAlias = "dict[str, Any]"

_PLAIN = r"^[^\u0000]*$"  # no database keeps a NUL in a text
_PATTERN = r"^(?:[^\u0000\\]|\\[^\u0000])*$"  # every backslash escapes something


def describe(schema: Schema) -> Json:
    """The whole document.

    >>> from pqlang import PENBOX
    >>> list(describe(PENBOX)["paths"])[:2]
    ['/v1/cases/count', '/v1/cases']
    """
    api = schema.api
    root = urlsplit(api.base_url).path.rstrip("/")
    paths: Json = {}
    for endpoint in schema.endpoints:
        paths[f"{root}{endpoint.path}{api.count_suffix}"] = {"get": _operation(endpoint, count=True)}
        paths[f"{root}{endpoint.path}"] = {"get": _operation(endpoint, count=False)}
    return {
        "openapi": "3.1.0",
        "info": {"title": f"{api.name} sandbox", "version": "1", "description": "Made-up records, only read."},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": api.authorization.lower()}},
            "schemas": {"errors": _errors(schema)},
        },
    }


def _operation(endpoint: Endpoint, *, count: bool) -> Json:
    answer = _count_answer(endpoint) if count else _list_answer(endpoint)
    refusals = {
        "400": "The request cannot be read.",
        "401": "The token is missing or wrong.",
        "429": "Too many requests.",
    }
    wrong = {"application/json": {"schema": {"$ref": "#/components/schemas/errors"}}}
    return {
        "operationId": f"{'count' if count else 'list'}_{endpoint.name}",
        "summary": f"{'Count' if count else 'List'} {endpoint.description or endpoint.name}",
        "parameters": list(_parameters(endpoint, count)),
        "responses": {
            "200": {"description": "What was asked for.", "content": {"application/json": {"schema": answer}}},
            **{status: {"description": text, "content": wrong} for status, text in refusals.items()},
        },
    }


# What is asked


def _parameters(endpoint: Endpoint, count: bool) -> Iterator[Json]:
    api = endpoint.api
    for field in endpoint.fields:
        if field.param is None:
            continue
        value = _param_value(field)
        yield _parameter(field.param.name, value, field.description)
        if field.param.many:
            listed = {"type": "array", "items": value, "minItems": 1}
            yield _parameter(field.param.many, listed, "", style="form", explode=True)
    yield {
        "name": api.filter_param,
        "in": "query",
        "description": "A JSON filter; direct parameters are ignored beside it.",
        "content": {"application/json": {"schema": _filter(endpoint)}},
    }
    sorts = [field.sort for field in endpoint.fields if field.sort]
    if sorts:
        both = [prefix + name for name in sorts for prefix in ("", api.descending_prefix)]
        yield _parameter(api.sort_param, {"type": "string", "enum": both}, "")
    yield _parameter(api.page_param, {"type": "integer", "minimum": 1, "maximum": 999_999_999}, "")
    yield _parameter(api.size_param, {"type": "integer", "minimum": 1, "maximum": api.max_page_size}, "")
    if count and endpoint.group_by:
        yield _parameter(api.group_param, {"type": "string", "enum": list(_groups(endpoint))}, "")


def _parameter(name: str, schema: Json, description: str, **more: object) -> Json:
    return {"name": name, "in": "query", "schema": schema, "description": description, **more}


def _param_value(field: Field) -> Json:
    if field.type in TEXTS | {FieldType.UUID} and field.type is not FieldType.ENUM:
        return {"type": "string", "minLength": 1, "pattern": _PLAIN}
    return _value(field)


def _filter(endpoint: Endpoint) -> Json:
    api = endpoint.api
    attributes: Json = {}
    relations: dict[str, Json] = {}
    for field in endpoint.fields:
        if field.json is None:
            continue
        asked = _asked_of(field, endpoint)
        if field.json.relation is None:
            attributes[field.json.name] = asked
        else:
            relation = relations.setdefault(field.json.relation, {})
            holder = (
                relation if field.json.is_id else relation.setdefault(api.attributes_key, _object({}))["properties"]
            )
            holder[field.json.name] = asked
    parts = {api.attributes_key: _object(attributes)}
    if relations:
        parts[api.relationships_key] = _object({name: _object(held) for name, held in relations.items()})
    return _object(parts)


def _object(properties: Mapping[str, Any], **more: object) -> Json:
    return {"type": "object", "properties": dict(properties), "additionalProperties": False, **more}


def _asked_of(field: Field, endpoint: Endpoint) -> Json:
    """The operators that a field takes, each with its values."""
    operators: Json = {}
    for written, spelt in endpoint.api.operators:
        kind = SENSES[Op(written)].kind
        if kind is Kind.PATTERN:
            if field.type in TEXTS:
                operators[spelt] = {"type": "string", "pattern": _PATTERN}
        elif kind is Kind.EQUALITY:
            operators[spelt] = {"anyOf": [_value(field), {"type": "null"}]}
        elif field.type in ORDERED:
            operators[spelt] = _value(field)
    return _object(operators, minProperties=1)


def _value(field: Field) -> Json:
    match field.type:
        case FieldType.BOOLEAN:
            return {"type": "boolean"}
        case FieldType.INTEGER:
            return {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}
        case FieldType.NUMBER:
            return {"type": "number", "minimum": -(2**53), "maximum": 2**53}
        case FieldType.DATE:
            return {"type": "string", "format": "date"}
        case FieldType.DATETIME:
            return {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
        case FieldType.ENUM:
            return {"type": "string", "enum": list(field.values)}
    return {"type": "string", "pattern": _PLAIN}


def _groups(endpoint: Endpoint) -> Iterator[str]:
    """What can be grouped by, as far as it has names."""
    for name in endpoint.group_by:
        start = name.removesuffix("*")
        for field in endpoint.fields:
            path = ".".join(field.record or ())
            if field.derived is None and path and (path == name or (start != name and path.startswith(start))):
                yield path


# What is answered


def _list_answer(endpoint: Endpoint) -> Json:
    api = endpoint.api
    numbers = (api.total_key, api.pages_key, api.size_key, api.number_key)
    meta = _object({name: {"type": "integer", "minimum": 0} for name in numbers}, required=list(numbers))
    records = {"type": "array", "items": _record(endpoint), "maxItems": api.max_page_size}
    return _object({api.meta_key: meta, api.data_key: records}, required=[api.meta_key, api.data_key])


def _count_answer(endpoint: Endpoint) -> Json:
    api = endpoint.api
    number = {"type": "integer", "minimum": 0}
    answer: Json = {api.count_key: number}
    if endpoint.group_by:
        counts = {"type": "object", "additionalProperties": number}
        answer[api.by_key] = {"type": "object", "additionalProperties": counts}
    return _object(answer, required=[api.count_key])


_EXTRAS: Mapping[Extra, Json] = {
    Extra.TEXT: {"type": "string"},
    Extra.OBJECT: {"type": "object"},
    Extra.LIST: {"type": "array"},
}


def _record(endpoint: Endpoint) -> Json:
    made = _object({})
    for field in endpoint.fields:
        if field.record is None:
            continue
        holder, keys = made, field.record
        if field.to_many:
            many = made["properties"].setdefault(keys[0], {"type": "array", "items": _object({})})
            holder, keys = many["items"], keys[1:]
        for key in keys[:-1]:
            inner = holder["properties"].setdefault(key, {"anyOf": [_object({}), {"type": "null"}]})
            holder = inner["anyOf"][0]
        holder["properties"][keys[-1]] = (
            {"anyOf": [_answered(field), {"type": "null"}]} if field.nullable else _answered(field)
        )
    made["properties"] |= {key: dict(_EXTRAS[kind]) for key, kind in endpoint.extras}
    made["required"] = list(made["properties"])
    return made


def _answered(field: Field) -> Json:
    if field.type is FieldType.DATETIME:
        return {"type": "string", "format": "date-time"}
    if field.type is FieldType.NUMBER:
        return {"type": "number"}
    return {"type": "string"} if field.type in TEXTS and field.type is not FieldType.ENUM else _value(field)


def _errors(schema: Schema) -> Json:
    api = schema.api
    words = {"status": {"type": "string"}} | {name: {"type": "string"} for name in api.error_words}
    listed = {"type": "array", "minItems": 1, "items": _object(words, required=list(words))}
    return _object({api.errors_key: listed}, required=[api.errors_key])
