"""Schema files: what a person writes about an API, in TOML or in JSON of the same shape, read into a `Schema`.

A file names the API's endpoints, and for each its relations and fields; everything else has a default:

    [endpoints.orders]
    search = "title"
    [endpoints.orders.relations.customer]
    [endpoints.orders.fields]
    title = { param = true }
    total = { type = "number", sort = true }
    "customer.email" = { type = "email", param = "customer_email" }

The tables and keys are the pydantic models below, and this module is pydantic's one door: a model says what may be
written, and what leaves are the frozen values of `schema`. Reading has three steps: the text becomes plain data, the
data is held against the models, and what the models allow is held against itself. Every step adds to one list of
problems, so that a file is mended in one go; what may only be the consequence of another problem stays unsaid.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from difflib import get_close_matches
from enum import Enum
from itertools import takewhile
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, TypeAlias, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainValidator,
    PositiveInt,
    Strict,
    StringConstraints,
    ValidationError,
)
from pydantic import Field as Key
from pydantic_core import ErrorDetails, PydanticCustomError

from pqlang.diagnostics import Diagnostic, PqlError, listing, shorten
from pqlang.schema import Active, Api, Derived, Endpoint, Field, FieldType, JsonPlace, Match, Parameter, Schema
from pqlang.source import NOWHERE, Source, Span

KeyPath: TypeAlias = tuple[str, ...]


def load_schema(source: str | os.PathLike[str] | Mapping[str, object]) -> Schema:
    """The schema in a `.toml` or `.json` file, or in a mapping of the same shape.

    Raises PqlError with every problem found, each naming its key (`endpoints.orders.fields.total.type`) and, in a
    file, its place in the text. No other exception comes out of a file or a mapping, whatever is in it.

    >>> schema = load_schema({"endpoints": {"orders": {"fields": {"total": {"type": "number", "sort": True}}}}})
    >>> schema.names, schema.endpoints[0].field("total").sort
    (('orders',), 'total')
    """
    if isinstance(source, Mapping):
        return _load(source, Source(""), "api")
    path = Path(os.fsdecode(source))
    text = _read(path)
    return _load(_parse(text), text, path.stem)


def _load(content: object, text: Source, name: str) -> Schema:
    places, repeated = key_places(text)
    problems = [_given_twice(path) for path in repeated]
    tables = _shape(_plain(content, (), problems), problems)
    schema = _build(tables, name)
    problems += _independent(_check(tables, schema), problems)
    if problems:
        raise PqlError(text, sorted((each.placed(places) for each in problems), key=lambda each: each.span))
    return schema


# What may be written: one model for each table of a file, one description for each key


def _bool_or_text(value: object) -> object:
    if isinstance(value, bool) or (isinstance(value, str) and value):
        return value
    raise PydanticCustomError("needs", "true, false or a text that is not empty")


def _table_or_name(value: object) -> object:
    """`true` is a table that leaves all to its defaults, `false` is none, a text its `name`."""
    match value:
        case True:
            return {}
        case False:
            return None
        case str() if value:
            return {"name": value}
        case dict():
            return value
    raise PydanticCustomError("needs", "true, false, a name or a table")


def _described(values: object) -> object:
    """A list of values is a table of values without descriptions."""
    if isinstance(values, dict):
        return values
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise PydanticCustomError("needs", "a list of texts, or a table from each to its description")
    if repeated := [each for at, each in enumerate(values) if each in values[:at]]:
        raise PydanticCustomError("repeats", "{value}", {"value": repeated[0]})
    return dict.fromkeys(values, "")


_Text: TypeAlias = Annotated[str, StringConstraints(min_length=1)]
_BoolOrText: TypeAlias = Annotated[bool | str, PlainValidator(_bool_or_text)]
_API = Api("api")  # where the defaults of `[api]` come from


class Table(BaseModel):
    """A table of a schema file: no key but its own, and no value turned into another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)

    @classmethod
    def kinds(cls) -> dict[str, Any]:
        """Each key as it is written, and the type of what stands there."""
        return {info.alias or name: _required(info.annotation) for name, info in cls.model_fields.items()}


def _required(kind: Any) -> Any:
    """The type without `| None`."""
    options = get_args(kind)
    return next(each for each in options if each is not NoneType) if NoneType in options else kind


class ApiTable(Table):
    """`[api]`: how the API spells what is not a field."""

    name: _Text | None = None
    """What messages call the API. Default: the file's name without its ending."""
    base_url: str = _API.base_url
    """The address before every path, `https://api.example.com/v1`. Default: none, it is left to each call."""
    filter_param: _Text = _API.filter_param
    """The query parameter that carries a JSON filter."""
    attributes_key: _Text = _API.attributes_key
    """In the JSON filter, the key above a record's own fields, and above a relation's."""
    relationships_key: _Text = _API.relationships_key
    """In the JSON filter, the key above the relations."""
    id_key: _Text = _API.id_key
    """In the JSON filter, the key of a relation's own id, which stands beside its attributes."""
    operators: dict[str, _Text] = dict(_API.operators)
    """From PQL's operators, `= != > < >= <= ~ ~*`, to the JSON filter's. One that is left out is not sent as JSON."""
    sort_param: _Text = _API.sort_param
    """The query parameter that sorts."""
    descending_prefix: _Text = _API.descending_prefix
    """What stands before a field's name to sort by it downwards."""
    page_param: _Text = _API.page_param
    """The query parameter for the number of a page; the first is 1."""
    size_param: _Text = _API.size_param
    """The query parameter for how many records a page has."""
    max_page_size: PositiveInt = _API.max_page_size
    """The most records that a page can have."""
    count_suffix: str = _API.count_suffix
    """What follows an endpoint's path where its records are counted."""
    long_url: PositiveInt = _API.long_url
    """How many bytes a URL has when a warning says that it is long."""


class ActiveTable(Table):
    """`active = { field = "archived", value = false }`: the condition that `scope="active"` adds."""

    field: str
    """The field's name."""
    value: _BoolOrText
    """Its value on every active record."""


class RelationTable(Table):
    """`[endpoints.orders.relations.customer]`: related records, their fields named `customer.email`. May be empty."""

    many: bool = False
    """Whether a record has any number of them; otherwise it has one or none."""
    record: _BoolOrText = True
    """Its key in a response: `true` for its own name, `false` where responses do not carry it."""
    json_name: Annotated[_BoolOrText, Key(alias="json")] = True
    """Its name in the JSON filter: `true` for its own name, `false` where it has no place there."""
    undocumented: str = ""
    """What is not documented about that place; whoever uses it is told."""


class ParamTable(Table):
    """`param = { name = "status", many = true }`: a direct query parameter; just `"status"` or `true` will often do."""

    name: _Text | None = None
    """Its name. Default: the field's own, `customer[email]` where that is `customer.email`."""
    match: Annotated[Match, Strict(False)] = Match.EQUALS
    """`equals`, or `part` where it asks for a part of the field's text, in capitals or not."""
    many: _BoolOrText = False
    """The name to repeat for several values, any of which will do: `true` for its name and `[]`, `false` for none."""
    assumed: _BoolOrText | None = None
    """The value that the API assumes when the parameter is not there. Default: it assumes nothing."""
    refuses: str = ""
    """Characters that may mean something else there: a value that has one of them is sent as JSON."""


class JsonTable(Table):
    """`json = { name = "state", undocumented = "…" }`: a place in the JSON filter; just `"state"` will often do."""

    name: _Text | None = None
    """The field's name there, beside its relation's. Default: its own. A relation's `id` is the relation's own id."""
    undocumented: str = ""
    """What is not documented about this place; whoever uses it is told. Default: what the relation says."""


class DerivedTable(Table):
    """`derived = { base = "archived_at", when_null = false }`: a boolean that says whether another field is null."""

    base: str
    """The name of the other field."""
    when_null: bool
    """The boolean's value where that field is null."""


class FieldTable(Table):
    """`[endpoints.orders.fields]`: what can be asked of a record; `customer.email` is reached by the relation."""

    type: Annotated[FieldType, Strict(False)] = FieldType.STRING
    """`string`, `enum`, `open enum` (there may be other values), `boolean`, `integer`, `number`, `datetime`, `date`,
    `uuid` or `email`."""
    description: str = ""
    """One line for people."""
    nullable: bool | None = None
    """Whether it can be null. Default: `true` for a relation's field (the relation may be missing), else `false`."""
    values: Annotated[dict[str, str], BeforeValidator(_described)] = {}
    """An enum's values: a list, or a table from each value to its description."""
    sort: _BoolOrText = False
    """What a sort calls it: `true` for its own name, `false` where nothing can be sorted by it."""
    param: Annotated[ParamTable | None, BeforeValidator(_table_or_name)] = None
    """Its direct query parameter: a table, a name, `true` for the usual name, or `false`, the default."""
    json_place: Annotated[JsonTable | None, BeforeValidator(_table_or_name), Key(alias="json")] = JsonTable()
    """Its place in the JSON filter: a table, a name, `true` for its own name, the default, or `false`."""
    record: _BoolOrText | None = None
    """Its place in a response, keys joined by dots, or `false` for none. Default: its own name, a relation's field
    under the relation's key; none for a derived field, whose base will do."""
    derived: DerivedTable | None = None
    """For a boolean that says whether another field is null."""


class EndpointTable(Table):
    """`[endpoints.orders]`: a list of records that can be asked for."""

    path: str | None = None
    """Its path after the base URL. Default: `/` and its name."""
    description: str = ""
    """One line for people."""
    search: str | None = None
    """The field that free text looks in. Default: free text is refused."""
    always: str | None = None
    """A field that is never null: "every record" and "no record" are said with it."""
    active: ActiveTable | None = None
    """What `scope="active"` means. Default: nothing."""
    default_sort: str | None = None
    """How the API sorts when it is not told, as `sort=` spells it: `-created_at`."""
    examples: list[str] = []
    """Queries to show."""
    relations: dict[str, RelationTable] = {}
    """The related records that its fields speak of."""
    fields: dict[str, FieldTable] = {}
    """Its fields, in the order in which people should meet them."""


class SchemaTable(Table):
    """A whole file."""

    api: ApiTable = ApiTable()
    """How the API spells what is not a field."""
    endpoints: dict[str, EndpointTable] = {}
    """The lists of records, each under its name."""


# Problems: each message is one small function


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at one key; perhaps only because of another problem at a key among `causes`."""

    path: KeyPath
    message: str
    help: str = ""
    causes: tuple[KeyPath, ...] = ()

    def placed(self, places: Mapping[KeyPath, Span]) -> Diagnostic:
        """The diagnostic, at the key in the text or at the nearest above it that stands there."""
        above = (self.path[:end] for end in range(len(self.path), 0, -1))
        span = next((places[path] for path in above if path in places), NOWHERE)
        return Diagnostic("bad-schema", span, f"{_key(self.path)}: {self.message}", help=self.help)


def _unreadable(source: Source, reason: str, span: Span = NOWHERE) -> PqlError:
    message = f"`{shorten(source.name)}` cannot be read: {reason}"
    return PqlError(source, [Diagnostic("bad-schema", span, message)])


def _given_twice(path: KeyPath) -> Problem:
    return Problem(path, "stands twice in one table")


def _too_deep(path: KeyPath) -> Problem:
    return Problem(path, "is nested deeper than anything in a schema")


def _unspellable(path: KeyPath) -> Problem:
    return Problem(path, "holds NUL or half of a surrogate pair, which no text can spell")


def _key_not_text(path: KeyPath, key: object) -> Problem:
    return Problem(path, f"has a key that is not a text but {_in_words(key)}")


def _wrong_kind(path: KeyPath, value: object, needed: str, *causes: KeyPath) -> Problem:
    return Problem(path, f"needs {needed}, and is {_in_words(value)}", causes=causes)


def _foreign_value(path: KeyPath, value: object) -> Problem:
    help = "leave the key out" if value is None else "write it as a text, in quotes"
    return Problem(path, f"is {_in_words(value)}, which no key takes", help)


def _unknown_key(path: KeyPath, known: Iterable[str]) -> Problem:
    return Problem(path, "there is no such key", _closest(path[-1], known, "the keys here are"))


def _missing_key(path: KeyPath) -> Problem:
    return Problem(path, "is missing")


def _unknown_choice(path: KeyPath, value: str, choices: Iterable[str], *causes: KeyPath) -> Problem:
    return Problem(path, f"{_code(value)} is none of its choices", _closest(value, choices, "they are"), causes)


def _repeated_value(path: KeyPath, value: str) -> Problem:
    return Problem(path, f"names {_code(value)} twice")


def _nothing_in(path: KeyPath, what: str, example: str) -> Problem:
    return Problem(path, f"there is no {what}", f"at least one is needed, such as {_code(example)}")


def _unknown_name(path: KeyPath, what: str, name: str, known: Iterable[str], *causes: KeyPath) -> Problem:
    return Problem(path, f"there is no {what} {_code(name)}", _closest(name, known, f"the {what}s are"), causes)


def _unknown_relation(path: KeyPath, name: str, known: Iterable[str], home: KeyPath) -> Problem:
    help = _closest(name, known, "") or f"`[{_key(home)[1:-1]}]` declares it"
    return Problem(path, f"there is no relation {_code(name)}", help, (home,))


def _unfit_field(path: KeyPath, name: str, needed: str, cause: KeyPath) -> Problem:
    return Problem(path, f"{_code(name)} is not {needed}", causes=(cause,))


def _same_as(path: KeyPath, what: str, other: KeyPath) -> Problem:
    return Problem(path, f"has the same {what} as {_key(other)}", causes=(other,))


def _bad_name(path: KeyPath) -> Problem:
    return Problem(path, "no query can spell this name", "a name is made of parts joined by dots, without a backtick")


def _bad_form(path: KeyPath, value: str, needed: str) -> Problem:
    return Problem(path, f"{_code(value)} is not {needed}")


def _clash(path: KeyPath, why: str, *causes: KeyPath) -> Problem:
    return Problem(path, why, causes=causes)


def _key(path: KeyPath) -> str:
    """The path as a file has it: `endpoints.orders.fields."customer.email"`."""

    def spelt(part: str) -> str:
        part = shorten(part)
        return part if _BARE.fullmatch(part) else json.dumps(part, ensure_ascii=not part.isprintable())

    return f"`{'.'.join(map(spelt, path))}`" if path else "the schema"


def _code(text: str) -> str:
    return f"`{shorten(text)}`"


def _closest(name: str, known: Iterable[str], otherwise: str) -> str:
    """The known name that is most like it; otherwise all of them, after the words for that, where there are both."""
    known = list(known)
    if close := get_close_matches(name, known, n=1):
        return f"the closest is {_code(close[0])}"
    return f"{otherwise} {listing([_code(each) for each in known], 'and')}" if otherwise and known else ""


def _in_words(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return f"`{str(value).lower()}`"
        case float():
            return f"the number `{value}`"
        case int():
            return f"the number `{value}`" if abs(value) < 10**15 else "a large number"
        case str():
            return f"the text {_code(value)}" if value else "empty"
        case list():
            return "a list"
        case dict():
            return "a table"
    return f"a value of type `{type(value).__name__}`"


# Text to plain data


def _read(path: Path) -> Source:
    name = str(path)
    unread = Source("", name)
    if path.suffix.lower() not in _SIGNS:
        raise _unreadable(unread, "its name ends in neither `.toml` nor `.json`")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unreadable(unread, (error.strerror or str(error)).lower()) from None
    except ValueError:  # there is NUL in it
        raise _unreadable(unread, "no file can have this name") from None
    try:
        return Source(content.decode("utf-8-sig"), name)
    except UnicodeDecodeError as error:
        start = len(content[: error.start].decode())
        source = Source(content.decode(errors="replace"), name)
        raise _unreadable(source, "it is not UTF-8", Span(start, start + 1)) from None


def _parse(source: Source) -> object:
    language, loads = ("JSON", json.loads) if _sign(source) == ":" else ("TOML", tomllib.loads)
    try:
        return loads(source.text)
    except RecursionError:
        raise _unreadable(source, "it is nested too deep") from None
    except ValueError as error:
        reason, span = _syntax_error(str(error), source.text)
        raise _unreadable(source, f"it is not {language}: {reason}", span) from None


def _syntax_error(message: str, text: str) -> tuple[str, Span]:
    """The reason and the place in what TOML's reader or JSON's says: `Invalid value (at line 2, column 5)`."""
    place = _PLACE.search(message)
    if place is None:
        return "a number in it has too many digits", NOWHERE
    start = len(text)
    if place["line"]:
        lines = text.split("\n")[: int(place["line"]) - 1]
        start = sum(len(each) + 1 for each in lines) + int(place["column"]) - 1
    reason = message[: place.start()]
    return reason[:1].lower() + reason[1:], Span(start, min(start + 1, len(text)))


def _plain(value: object, path: KeyPath, problems: list[Problem]) -> Any:
    """The value made of dict, list, str, bool, int and float alone; None for what is none of these."""
    if len(path) > _DEEPEST:
        problems.append(_too_deep(path))
    elif isinstance(value, Mapping):
        table = {}
        for key, each in value.items():
            if not isinstance(key, str):
                problems.append(_key_not_text(path, key))
            elif _UNSPELLABLE.search(key):
                problems.append(_unspellable((*path, key)))
            elif (plain := _plain(each, (*path, key), problems)) is not None:
                table[key] = plain
        return table
    elif isinstance(value, list | tuple):
        each_plain = (_plain(each, (*path, str(at)), problems) for at, each in enumerate(value))
        return [plain for plain in each_plain if plain is not None]
    elif isinstance(value, str) and _UNSPELLABLE.search(value):
        problems.append(_unspellable(path))
    elif isinstance(value, str | bool | int | float):
        return value
    else:
        problems.append(_foreign_value(path, value))
    return None


def key_places(source: Source) -> tuple[dict[KeyPath, Span], list[KeyPath]]:
    """Where each key first stands in a text that parses, tables by their headers; and the keys that JSON has twice.

    Both languages at once: strings, braces and keys are enough alike. What stands in a list has no place.
    """
    places: dict[KeyPath, Span] = {}
    repeated = []
    sign = _sign(source)
    table: KeyPath | None = ()  # the table at hand, None in a list
    last: KeyPath = ()  # the last key there, which a brace may follow
    around: list[tuple[KeyPath | None, KeyPath]] = []
    for token in _TOKENS[sign].finditer(source.text):
        kind = token.lastgroup
        if kind == "header" and not around:
            table = last = _parts(token["header"], sign)
        elif kind == "key" and table is not None:
            last = (*table, *_parts(token["key"], sign))
            if sign == ":" and last in places:
                repeated.append(last)
        elif token[0] in ("{", "["):
            around.append((table, last))
            table = last if token[0] == "{" and table is not None else None
        elif token[0] in ("}", "]") and around:
            table, last = around.pop()
        if kind and table is not None:
            for end in range(1, len(last) + 1):
                places.setdefault(last[:end], Span(*token.span(kind)))
    return places, repeated


def _parts(key: str, sign: str) -> KeyPath:
    """The key's parts, quotes and escapes undone: `fields."customer.email"` has two."""
    parts: tuple[str, ...] = ()
    table: Any = {json.loads(key): 0} if sign == ":" else tomllib.loads(f"{key} = 0")
    while isinstance(table, dict):
        [(part, table)] = table.items()
        parts += (part,)
    return parts


_SIGNS = {".toml": "=", ".json": ":"}  # by the file's ending, the sign after a key


def _sign(source: Source) -> str:
    return _SIGNS.get(Path(source.name).suffix.lower(), "=")


_BARE = re.compile("[A-Za-z0-9_-]+")
_STRING = r""" "[^"\\\n]*(?:\\.[^"\\\n]*)*" | '[^'\n]*' """
_KEY = rf"(?:{_BARE.pattern}|{_STRING}) (?:[ \t]*\.[ \t]*(?:{_BARE.pattern}|{_STRING}))*"
_TOKENS = {
    sign: re.compile(
        rf'''
          """ (?s:\\.|(?!""").)* """+ | \'\'\' (?s:(?!\'\'\').)* \'\'\'+ | \#.*
        | ^[ \t]*\[ (?P<list>\[)? [ \t]* (?P<header>{_KEY}) [ \t]*\] (?(list)\])
        | (?P<key>{_KEY}) (?=[ \t\r\n]*{sign})
        | {_STRING} | [\[\]{{}}]
        ''',
        re.MULTILINE | re.VERBOSE,
    )
    for sign in _SIGNS.values()
}
_PLACE = re.compile(r":? \(?(at )?(end of document|line (?P<line>\d+),? column (?P<column>\d+))( \(char \d+)?\)?$")
_UNSPELLABLE = re.compile("[\0\ud800-\udfff]")
_DEEPEST = 10  # keys; the deepest that a schema has is an enum's value, the sixth


# Plain data to tables


def _shape(content: Any, problems: list[Problem]) -> SchemaTable:
    """The content as tables. What does not fit is noted and left out, so that the rest is still read."""
    if not isinstance(content, dict):
        if content is not None:
            problems.append(_wrong_kind((), content, "a table"))
        content = {}
    misfits = _misfits(content)
    problems += map(_misfit, misfits)
    while misfits:
        for each in misfits:
            _leave_out(content, each)
        misfits = _misfits(content)
    return SchemaTable.model_validate(content)


def _misfits(content: dict[str, Any]) -> list[ErrorDetails]:
    try:
        SchemaTable.model_validate(content)
    except ValidationError as error:
        return error.errors(include_url=False)
    return []


def _leave_out(content: dict[str, Any], misfit: ErrorDetails) -> None:
    """Take out the key that is wrong: what is wrong in a list counts as the list's, what is missing as its table's."""
    path = [str(key) for key in takewhile(lambda key: isinstance(key, str), misfit["loc"])]
    if misfit["type"] == "missing":
        path.pop()
    for key in path[:-1]:
        content = content.get(key, {})  # it may be gone already
    content.pop(path[-1], None)


_NEEDED = {
    "bool_type": "true or false",
    "dict_type": "a table",
    "greater_than": "a whole number above 0",
    "int_type": "a whole number above 0",
    "list_type": "a list",
    "model_type": "a table",
    "string_too_short": "a text",
    "string_type": "a text",
}


def _misfit(misfit: ErrorDetails) -> Problem:
    """What pydantic found, in this module's words."""
    path, kind, value = tuple(map(str, misfit["loc"])), misfit["type"], misfit["input"]
    match kind:
        case "extra_forbidden":
            return _unknown_key(path, _kind_at(path[:-1]).kinds())
        case "missing":
            return _missing_key(path)
        case "repeats":
            return _repeated_value(path, misfit["msg"])
        case "enum":
            choices = [each.value for each in _kind_at(path)]
            if isinstance(value, str):
                return _unknown_choice(path, value, choices)
            return _wrong_kind(path, value, listing([_code(each) for each in choices], "or"))
    return _wrong_kind(path, value, misfit["msg"] if kind == "needs" else _NEEDED[kind])


def _kind_at(path: KeyPath) -> Any:
    """What the models have at that key: a table, a mapping to tables or a type of value."""
    kind: Any = SchemaTable
    for key in path:
        mapping = get_args(kind)
        kind = mapping[1] if mapping else kind.kinds()[key]
    return kind


# Tables to values


def _build(tables: SchemaTable, name: str) -> Schema:
    """The schema that the tables describe. Total: what makes no sense in it is for `_check` to say."""
    table = tables.api
    api = Api(
        **table.model_dump(exclude={"name", "base_url", "operators"}),
        name=table.name or name,
        base_url=table.base_url.rstrip("/"),  # paths begin with one
        operators=tuple(table.operators.items()),
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
        sort=_named(table.sort, name),
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
    relation = _named(related.json_name, relation)
    if relation is None:
        return None
    inner = place.name or own
    return JsonPlace(inner, relation, inner == api.id_key, place.undocumented or related.undocumented)


def _build_param(name: str, table: ParamTable | None) -> Parameter | None:
    if table is None:
        return None
    first, *rest = name.split(".")
    spelt = table.name or first + "".join(f"[{part}]" for part in rest)
    return Parameter(spelt, table.match, _named(table.many, f"{spelt}[]"), table.assumed, table.refuses)


def _build_record(name: str, table: FieldTable, related: RelationTable | None) -> tuple[str, ...] | None:
    relation, own = _split(name)
    if isinstance(table.record, str):
        return tuple(table.record.split("."))
    if table.record is False or (table.record is None and table.derived):
        return None
    if relation is None or related is None:
        return tuple(own.split("."))
    key = _named(related.record, relation)
    return (key, *own.split(".")) if key else None


def _named(choice: bool | str, name: str) -> str | None:
    """What `true`, `false` or a text stand for where a name may be given."""
    return name if choice is True else choice or None


def _split(name: str) -> tuple[str | None, str]:
    """A field's relation, if it is reached by one, and its name there."""
    relation, dot, own = name.partition(".")
    return (relation, own) if dot else (None, name)


# What the models allow, held against itself


def _independent(found: Iterable[Problem], problems: Iterable[Problem]) -> list[Problem]:
    """Those found that are no mere consequence: no problem stands at, above or below their key or a cause of theirs."""
    wrong = {each.path for each in problems}
    above = {path[:end] for path in wrong for end in range(len(path))}

    def in_doubt(path: KeyPath) -> bool:
        return path in above or any(path[:end] in wrong for end in range(len(path) + 1))

    independent = (each for each in found if not any(map(in_doubt, (each.path, *each.causes))))
    return list(dict.fromkeys(independent))  # what is wrong with the API is found again at every endpoint


def _check(tables: SchemaTable, schema: Schema) -> Iterator[Problem]:
    api = schema.api
    yield from _check_api(api)
    if not schema.endpoints:
        yield _nothing_in(("endpoints",), "endpoint", "[endpoints.orders]")
    for table, endpoint in zip(tables.endpoints.values(), schema.endpoints, strict=True):
        at = ("endpoints", endpoint.name)
        yield from _check_endpoint(at, endpoint)
        yield from _check_names(at, table, endpoint)
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
        yield _bad_form(("api", "base_url"), api.base_url, "an address that starts with `https://` or `http://`")
    if not _URL_PATH.fullmatch(api.count_suffix):
        yield _bad_form(("api", "count_suffix"), api.count_suffix, "a path that starts with `/`")
    known = [operator for operator, _ in _API.operators]
    for operator, _ in api.operators:
        if operator not in known:
            yield _unknown_choice(("api", "operators", operator), operator, known)
    yield from _check_repeats("name", [(sent, ("api", "operators", operator)) for operator, sent in api.operators])
    for other in ("relationships_key", "id_key"):
        yield from _check_repeats("name", [(getattr(api, key), ("api", key)) for key in ("attributes_key", other)])
    yield from _check_repeats("parameter", _reserved(api))


def _check_endpoint(at: KeyPath, endpoint: Endpoint) -> Iterator[Problem]:
    if not _URL_PATH.fullmatch(endpoint.path):
        yield _bad_form((*at, "path"), endpoint.path, "a path that starts with `/`")
    if not endpoint.fields:
        yield _nothing_in((*at, "fields"), "field", "id = {}")
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
            yield _unknown_name((*at, "default_sort"), "sort", name, sorts, (*at, "fields", name))


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
        yield _unknown_name(path, "field", name, (each.name for each in endpoint.fields), cause)
    elif not fits(field):
        yield _unfit_field(path, name, needed, cause)


def _check_names(at: KeyPath, table: EndpointTable, endpoint: Endpoint) -> Iterator[Problem]:
    """Names that a query can spell; names of the API's that stand for one thing each, so that a URL reads back."""
    fields = endpoint.fields
    for name in table.relations:
        if "." in name or not _spellable(name):
            yield _bad_name((*at, "relations", name))
    for field in fields:
        if not _spellable(field.name):
            yield _bad_name((*at, "fields", field.name))

    def key(field: Field, last: str) -> KeyPath:
        return (*at, "fields", field.name, last)

    relations = [(_named(each.json_name, name), (*at, "relations", name)) for name, each in table.relations.items()]
    places = [((p.relation, p.is_id, p.name), key(field, "json")) for field in fields if (p := field.json)]
    params = [(name, key(f, "param")) for f in fields if f.param for name in (f.param.name, f.param.many) if name]
    yield from _check_repeats("JSON name", ((name, path) for name, path in relations if name))
    yield from _check_repeats("JSON place", places)
    yield from _check_repeats("parameter", [*_reserved(endpoint.api), *params])
    yield from _check_repeats("sort", ((field.sort, key(field, "sort")) for field in fields if field.sort))
    yield from _check_repeats("base", ((f.derived.base, key(f, "derived")) for f in fields if f.derived))


def _reserved(api: Api) -> list[tuple[Hashable, KeyPath]]:
    """The parameters that are no field's."""
    keys = ("filter_param", "sort_param", "page_param", "size_param")
    return [(getattr(api, key), ("api", key)) for key in keys]


def _check_repeats(what: str, claims: Iterable[tuple[Hashable, KeyPath]]) -> Iterator[Problem]:
    """A problem for each key that claims what another key has claimed already."""
    first: dict[Hashable, KeyPath] = {}
    for claim, path in claims:
        if first.setdefault(claim, path) != path:
            yield _same_as(path, what, first[claim])


def _check_field(at: KeyPath, field: Field) -> Iterator[Problem]:
    if field.type in _ENUMS and not field.values:
        yield _nothing_in((*at, "values"), "value", 'values = ["open", "closed"]')
    if field.type not in _ENUMS and field.values:
        yield _clash((*at, "values"), f"only an enum lists its values, and this is of type `{field.type}`")
    if field.param and field.param.match is Match.PART and field.type not in _SEARCHABLE:
        yield _clash((*at, "param", "match"), f"only a text has parts, and this is of type `{field.type}`")
    if field.param and field.param.assumed is not None:
        yield from _check_value((*at, "param", "assumed"), field.param.assumed, field)
    if field.record and "" in field.record:
        yield _bad_form((*at, "record"), ".".join(field.record), "a list of keys joined by dots")


def _check_related(at: KeyPath, table: FieldTable, field: Field, endpoint: EndpointTable) -> Iterator[Problem]:
    """What a relation allows the fields that are reached by it."""
    if field.relation is None:
        return
    home = (*at[:2], "relations", field.relation)
    relation = endpoint.relations.get(field.relation)
    if relation is None:
        yield _unknown_relation(at, field.relation, endpoint.relations, home)
        return
    if not relation.json_name and table.json_place and "json_place" in table.model_fields_set:
        yield _clash((*at, "json"), f"the relation `{field.relation}` has no place in the JSON filter", home)
    if not relation.many:
        return
    if field.sort:
        yield _clash((*at, "sort"), f"nothing is sorted by a `{field.relation}`: a record may have several", home)
    key = _named(relation.record, field.relation)
    if field.record and (field.record[0] != key or len(field.record) == 1):
        start = f"start with `{key}.`" if key else "be false, as the relation's"
        yield _clash((*at, "record"), f"it has to {start}: a record carries its `{field.relation}` in one list", home)


def _check_derived(at: KeyPath, table: FieldTable, field: Field, endpoint: Endpoint) -> Iterator[Problem]:
    if field.derived is None:
        return
    if field.type is not FieldType.BOOLEAN:
        yield _clash((*at, "type"), f"a derived field is true or false, and this is of type `{field.type}`")
    if table.nullable:
        yield _clash((*at, "nullable"), "a derived field is never null: its base is null or not")
    if table.json_place and "json_place" in table.model_fields_set:
        yield _clash((*at, "json"), "a derived field has no place of its own in the JSON filter, its base has")

    def fits(base: Field) -> bool:
        return base.nullable and base.derived is None and base.relation == field.relation

    needed = "a field of the same record that may be null, and not derived itself"
    yield from _check_reference((*at, "derived", "base"), field.derived.base, endpoint, needed, fits)


def _check_value(path: KeyPath, value: bool | str, field: Field, *causes: KeyPath) -> Iterator[Problem]:
    """What the API takes for granted, or what makes a record active, as a value of its field."""
    if field.type is FieldType.BOOLEAN:
        if not isinstance(value, bool):
            yield _wrong_kind(path, value, "true or false", *causes)
    elif field.type not in _ENUMS | _TEXTS:
        why = f"{_code(field.name)} is of type `{field.type}`, and only a boolean, an enum or a text has one value here"
        yield _clash(path, why, *causes)
    elif not isinstance(value, str):
        yield _wrong_kind(path, value, "a text", *causes)
    elif field.type is FieldType.ENUM and value not in field.values:
        yield _unknown_choice(path, value, field.values, *causes)


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


# Values to the Python that makes them


def to_python(schema: Schema, origin: str) -> str:
    """The text of `pqlang/_penbox.py`: constructor calls that make the schema again, so that it needs no file to read.

    Arguments that have their default are left out, the one `Api` is shared, and equal schemas have equal texts.
    `origin` names the file that the schema was read from.
    """
    names = sorted(_classes(schema) | {"Api"})
    imports = f"from pqlang.schema import {', '.join(names)}"
    if len(imports) > _WIDTH:
        imports = "\n    ".join(["from pqlang.schema import (", *(f"{name}," for name in names)]) + "\n)"
    return "\n".join(
        [
            f'"""The schema in `{origin}`, frozen by `grammar/build.py`: not to be edited, but built again."""',
            "",
            "from __future__ import annotations",
            "",
            imports,
            "",
            *_lines("API = ", schema.api, ""),
            *_lines("PENBOX = ", schema, ""),
            "",
        ]
    )


_WIDTH = 120


class _Name(str):
    """A text that stands for itself, without quotes."""

    __slots__ = ()


def _lines(head: str, value: object, tail: str, indent: str = "") -> Iterator[str]:
    """The value on one line where it fits, else each of its parts on lines of its own."""
    line = f"{indent}{head}{_flat(value)}{tail}"
    opening, parts, closing = _taken_apart(value)
    if len(line) <= _WIDTH or not parts:
        yield line
        return
    yield f"{indent}{head}{opening}"
    for label, part in parts:
        yield from _lines(label, part, ",", indent + "    ")
    yield f"{indent}{closing}{tail}"


def _flat(value: object) -> str:
    opening, parts, closing = _taken_apart(value)
    comma = "," if isinstance(value, tuple) and len(parts) == 1 else ""
    return opening + ", ".join(label + _flat(part) for label, part in parts) + comma + closing


def _taken_apart(value: object) -> tuple[str, list[tuple[str, object]], str]:
    """What opens the value's text, its parts under their labels, and what closes it; a plain value only opens."""
    if isinstance(value, tuple):
        return "(", [("", each) for each in value], ")"
    if is_dataclass(value):
        given = ((each, getattr(value, each.name)) for each in fields(value) if each.init)
        parts = [(f"{each.name}=", _shared(part)) for each, part in given if part != each.default]
        return f"{type(value).__name__}(", parts, ")"
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}", [], ""
    if isinstance(value, str) and '"' not in value:
        return value if isinstance(value, _Name) else json.dumps(value, ensure_ascii=False), [], ""
    return repr(value), [], ""


def _shared(part: object) -> object:
    return _Name("API") if isinstance(part, Api) else part


def _classes(value: object) -> set[str]:
    """The names that the value's text needs."""
    own = {type(value).__name__} if is_dataclass(value) or isinstance(value, Enum) else set()
    return own.union(*(_classes(part) for _, part in _taken_apart(value)[1]))
