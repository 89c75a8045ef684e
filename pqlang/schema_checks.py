"""What the models allow, held against itself: names that name something, and one thing each."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator

from pqlang import schema_problems as say
from pqlang.schema import Api, Endpoint, Field, FieldType, Match, Schema
from pqlang.schema_problems import KeyPath, Problem
from pqlang.schema_tables import ApiTable, EndpointTable, FieldTable, SchemaTable, named
from pqlang.valueclass import replace


def check(tables: SchemaTable, schema: Schema, known: Iterable[Problem]) -> list[Problem]:
    """What is wrong with what the models allow, beside the problems that are known.

    What may be the mere consequence of a known one is left out: one stands at, above or below its key or a cause of it.
    """
    wrong = {each.path for each in known}
    above = {path[:end] for path in wrong for end in range(len(path))}

    def in_doubt(path: KeyPath) -> bool:
        return path in above or any(path[:end] in wrong for end in range(len(path) + 1))

    found = _check_schema(tables, schema)
    independent = (each for each in found if not any(map(in_doubt, (each.path, *each.causes))))
    return list(dict.fromkeys(independent))  # what is wrong with the API is found again at every endpoint


def _check_schema(tables: SchemaTable, schema: Schema) -> Iterator[Problem]:
    api = schema.api
    yield from _check_api(api)
    if not schema.endpoints:
        yield say.nothing_in(("endpoints",), "endpoint", "[endpoints.orders]")
    for table, endpoint in zip(tables.endpoints.values(), schema.endpoints, strict=True):
        at = ("endpoints", endpoint.name)
        yield from _check_endpoint(at, endpoint)
        yield from _check_names(at, table, endpoint)
        yield from _check_extras(at, endpoint)
        for field, each in zip(endpoint.fields, table.fields.values(), strict=True):
            here = (*at, "fields", field.name)
            if _spellable(field.name):
                related = _check_related(here, each, field, table)
                found = (*_check_field(here, field), *related, *_check_derived(here, each, field, endpoint))
                # What is wrong at one of a field's keys may be the cause of what seems wrong at another.
                yield from (replace(problem, causes=(*problem.causes, here)) for problem in found)
    paths = [(e.path + end, ("endpoints", e.name, "path")) for e in schema.endpoints for end in ("", api.count_suffix)]
    yield from _check_repeats("path", paths)


def _check_api(api: Api) -> Iterator[Problem]:
    if api.base_url and not _ADDRESS.fullmatch(api.base_url):
        yield say.bad_form(("api", "base_url"), api.base_url, "an address that starts with `https://` or `http://`")
    if not _URL_PATH.fullmatch(api.count_suffix):
        yield say.bad_form(("api", "count_suffix"), api.count_suffix, "a path that starts with `/`")
    if not _SCHEME.fullmatch(api.authorization):
        yield say.bad_form(("api", "authorization"), api.authorization, "a word of letters, digits and `-`")
    if not _PREFIX.fullmatch(api.token_prefix):
        yield say.bad_form(("api", "token_prefix"), api.token_prefix, "made of letters, digits, `_`, `-` and `.`")
    if api.page_size > api.max_page_size:
        yield say.clash(("api", "page_size"), "no page has more records than `max_page_size`", ("api", "max_page_size"))
    if api.token_variable and not _VARIABLE.fullmatch(api.token_variable):
        needed = "the name of an environment variable: letters, digits and `_`"
        yield say.bad_form(("api", "token_variable"), api.token_variable, needed)
    known = ApiTable().operators
    for operator, _ in api.operators:
        if operator not in known:
            yield say.unknown_choice(("api", "operators", operator), operator, known)
    yield from _check_repeats("name", [(sent, ("api", "operators", operator)) for operator, sent in api.operators])
    for other in ("relationships_key", "id_key"):
        yield from _check_repeats("name", [(getattr(api, key), ("api", key)) for key in ("attributes_key", other)])
    meta = ("total_key", "pages_key", "size_key", "number_key")
    for keys in (meta, ("data_key", "meta_key"), ("count_key", "by_key")):
        yield from _check_repeats("key", [(getattr(api, key), ("api", key)) for key in keys])
    yield from _check_repeats("parameter", _reserved(api))


def _check_endpoint(at: KeyPath, endpoint: Endpoint) -> Iterator[Problem]:
    if not _URL_PATH.fullmatch(endpoint.path):
        yield say.bad_form((*at, "path"), endpoint.path, "a path that starts with `/`")
    if not endpoint.fields:
        yield say.nothing_in((*at, "fields"), "field", "id = {}")
    if endpoint.search is not None:
        needed = "a text that a request can look into"
        yield from _check_reference((*at, "search"), endpoint.search, endpoint, needed, _searchable)
    if endpoint.always is not None:
        needed = "a field of the record itself that is never null and has a place in the JSON filter"
        yield from _check_reference((*at, "always"), endpoint.always, endpoint, needed, _certain)
    if endpoint.active is not None:
        name, value = endpoint.active.field, endpoint.active.value
        yield from _check_reference((*at, "active", "field"), name, endpoint)
        if field := endpoint.by_name.get(name):
            yield from _check_value((*at, "active", "value"), value, field, (*at, "fields", name))
    if endpoint.default_sort is not None:
        name = endpoint.default_sort.removeprefix(endpoint.api.descending_prefix)
        sorts = [each.sort for each in endpoint.fields if each.sort]
        if name not in sorts:
            yield say.unknown_name((*at, "default_sort"), "sort", name, sorts, (*at, "fields", name))


def _check_reference(
    path: KeyPath,
    name: str,
    endpoint: Endpoint,
    needed: str = "",
    fits: Callable[[Field], bool] = lambda _: True,
) -> Iterator[Problem]:
    field = endpoint.by_name.get(name)
    cause = ("endpoints", endpoint.name, "fields", name)
    if field is None:
        yield say.unknown_name(path, "field", name, (each.name for each in endpoint.fields), cause)
    elif not fits(field):
        yield say.unfit_field(path, name, needed, cause)


def _check_names(at: KeyPath, table: EndpointTable, endpoint: Endpoint) -> Iterator[Problem]:
    """Names that a query can spell; names of the API's that stand for one thing each, so that a URL reads back."""
    fields = endpoint.fields
    for name in table.relations:
        if "." in name or not _spellable(name):
            yield say.bad_name((*at, "relations", name))
    for field in fields:
        if not _spellable(field.name):
            yield say.bad_name((*at, "fields", field.name))

    def key(field: Field, last: str) -> KeyPath:
        return (*at, "fields", field.name, last)

    relations = [(named(each.json_name, name), (*at, "relations", name)) for name, each in table.relations.items()]
    places = [((p.relation, p.is_id, p.name), key(field, "json")) for field in fields if (p := field.json)]
    params = [(name, key(f, "param")) for f in fields if f.param for name in (f.param.name, f.param.many) if name]
    yield from _check_repeats("JSON name", ((name, path) for name, path in relations if name))
    yield from _check_repeats("JSON place", places)
    yield from _check_repeats("parameter", [*_reserved(endpoint.api), *params])
    yield from _check_repeats("sort", ((field.sort, key(field, "sort")) for field in fields if field.sort))
    yield from _check_repeats("base", ((f.derived.base, key(f, "derived")) for f in fields if f.derived))


def _check_extras(at: KeyPath, endpoint: Endpoint) -> Iterator[Problem]:
    """What responses carry beside the fields stands where no field does, and what is grouped by is carried."""
    taken = {field.record[0]: (*at, "fields", field.name) for field in reversed(endpoint.fields) if field.record}
    for key, _ in endpoint.extras:
        if key in taken:
            yield say.same_as((*at, "extras", key), "key", taken[key])
    carried = {".".join(field.record) for field in endpoint.fields if field.record} | {
        key for key, _ in endpoint.extras
    }
    for name in endpoint.group_by:
        start = name.removesuffix("*")
        if name not in carried and not (start != name and any(f"{each}.".startswith(start) for each in carried)):
            yield say.unknown_name((*at, "group_by"), "key", name, sorted(carried), (*at, "fields"))


def _reserved(api: Api) -> list[tuple[Hashable, KeyPath]]:
    """The parameters that are no field's."""
    keys = ("filter_param", "sort_param", "page_param", "size_param", "group_param")
    return [(getattr(api, key), ("api", key)) for key in keys]


def _check_repeats(what: str, claims: Iterable[tuple[Hashable, KeyPath]]) -> Iterator[Problem]:
    """A problem for each key that claims what another key has claimed already."""
    first: dict[Hashable, KeyPath] = {}
    for claim, path in claims:
        if first.setdefault(claim, path) != path:
            yield say.same_as(path, what, first[claim])


def _check_field(at: KeyPath, field: Field) -> Iterator[Problem]:
    if field.type in _ENUMS and not field.values:
        yield say.nothing_in((*at, "values"), "value", 'values = ["open", "closed"]')
    if field.type not in _ENUMS and field.values:
        yield say.clash((*at, "values"), f"only an enum lists its values, and this is of type `{field.type}`")
    if field.param and field.param.match is Match.PART and field.type not in _SEARCHABLE:
        yield say.clash((*at, "param", "match"), f"only a text has parts, and this is of type `{field.type}`")
    if field.param and field.param.assumed is not None:
        yield from _check_value((*at, "param", "assumed"), field.param.assumed, field)
    if field.record and "" in field.record:
        yield say.bad_form((*at, "record"), ".".join(field.record), "a list of keys joined by dots")


def _check_related(at: KeyPath, table: FieldTable, field: Field, endpoint: EndpointTable) -> Iterator[Problem]:
    """What a relation allows the fields that are reached by it."""
    if field.relation is None:
        return
    home = (*at[:2], "relations", field.relation)
    relation = endpoint.relations.get(field.relation)
    if relation is None:
        yield say.unknown_relation(at, field.relation, endpoint.relations, home)
        return
    if not relation.json_name and table.json_place and "json_place" in table.model_fields_set:
        yield say.clash((*at, "json"), f"the relation `{field.relation}` has no place in the JSON filter", home)
    if not relation.many:
        return
    if field.sort:
        yield say.clash((*at, "sort"), f"nothing is sorted by a `{field.relation}`: a record may have several", home)
    key = named(relation.record, field.relation)
    if field.record and (field.record[0] != key or len(field.record) == 1):
        start = f"start with `{key}.`" if key else "be false, as the relation's"
        why = f"it has to {start}: a record carries its `{field.relation}` in one list"
        yield say.clash((*at, "record"), why, home)


def _check_derived(at: KeyPath, table: FieldTable, field: Field, endpoint: Endpoint) -> Iterator[Problem]:
    if field.derived is None:
        return
    if field.type is not FieldType.BOOLEAN:
        yield say.clash((*at, "type"), f"a derived field is true or false, and this is of type `{field.type}`")
    if table.nullable:
        yield say.clash((*at, "nullable"), "a derived field is never null: its base is null or not")
    if table.json_place and "json_place" in table.model_fields_set:
        yield say.clash((*at, "json"), "a derived field has no place of its own in the JSON filter, its base has")

    def fits(base: Field) -> bool:
        return base.nullable and base.derived is None and base.relation == field.relation

    needed = "a field of the same record that may be null, and not derived itself"
    yield from _check_reference((*at, "derived", "base"), field.derived.base, endpoint, needed, fits)


def _check_value(path: KeyPath, value: bool | str, field: Field, *causes: KeyPath) -> Iterator[Problem]:
    """What the API takes for granted, or what makes a record active, as a value of its field."""
    if field.type is FieldType.BOOLEAN:
        if not isinstance(value, bool):
            yield say.wrong_kind(path, value, "true or false", *causes)
    elif field.type not in _ENUMS | _TEXTS:
        yield say.not_one_value(path, field.name, field.type, *causes)
    elif not isinstance(value, str):
        yield say.wrong_kind(path, value, "a text", *causes)
    elif field.type is FieldType.ENUM and value not in field.values:
        yield say.unknown_choice(path, value, field.values, *causes)


def _spellable(name: str) -> bool:
    """Whether a query can spell the name; `ast.Path` has the rule."""
    return "" not in name.split(".") and "`" not in name


def _searchable(field: Field) -> bool:
    in_request = field.json or (field.param and field.param.match is Match.PART)
    return field.type in _SEARCHABLE and bool(in_request)


def _certain(field: Field) -> bool:
    return field.relation is None and not field.nullable and field.json is not None


_ENUMS = {FieldType.ENUM, FieldType.OPEN_ENUM}
_SEARCHABLE = {FieldType.STRING, FieldType.OPEN_ENUM, FieldType.EMAIL}
_TEXTS = {FieldType.STRING, FieldType.EMAIL, FieldType.UUID}
_ADDRESS = re.compile(r"https?://[^\s/?#]+[^\s?#]*")
_URL_PATH = re.compile(r"(?:/[^\s/?#]+)+")
#: These are put into command lines, where any other character could say more.
_PREFIX = re.compile(r"[A-Za-z0-9_.-]*")
_SCHEME = re.compile(r"[A-Za-z0-9-]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
