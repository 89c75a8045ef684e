"""What may be written in a schema file: one model for each of its tables, one description for each key.

This is pydantic's one door. Plain data is held against the models, and what does not fit becomes a problem.
"""

from __future__ import annotations

from itertools import takewhile
from types import NoneType
from typing import Annotated, Any, TypeAlias, get_args, get_origin

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

from pqlang import schema_problems as say
from pqlang.schema import Api, Extra, FieldType, Match
from pqlang.schema_problems import KeyPath, Problem

# Values that may be written in several ways


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


def named(choice: bool | str, name: str) -> str | None:
    """What `true`, `false` or a text stand for where a name may be given."""
    return name if choice is True else choice or None


# The tables


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
    page_size: PositiveInt | None = None
    """How many records a page has where a request says nothing of it. Default: 10, or the most that a page has."""
    max_page_size: PositiveInt = _API.max_page_size
    """The most records that a page can have."""
    count_suffix: str = _API.count_suffix
    """What follows an endpoint's path where its records are counted."""
    authorization: _Text = _API.authorization
    """The word before the token in the header `Authorization`."""
    token_prefix: str = _API.token_prefix
    """What every token starts with. Default: anything."""
    token_variable: str = _API.token_variable
    """The environment variable that holds the token, `SHOP_TOKEN`. Default: none, it is left to each call."""
    data_key: _Text = _API.data_key
    """In the answer to a list, the key of the records."""
    meta_key: _Text = _API.meta_key
    """In the answer to a list, the key of an object that says which page it is, by the next four keys."""
    total_key: _Text = _API.total_key
    """How many records there are on all pages."""
    pages_key: _Text = _API.pages_key
    """How many pages there are."""
    size_key: _Text = _API.size_key
    """How many records a page has, the last aside."""
    number_key: _Text = _API.number_key
    """The number of this page."""
    count_key: _Text = _API.count_key
    """In the answer to a count, the key of the number."""
    group_param: _Text = _API.group_param
    """The query parameter that counts each value of a field by itself."""
    by_key: _Text = _API.by_key
    """In the answer to that, the key of an object from the field to an object from its values to their numbers."""
    errors_key: _Text = _API.errors_key
    """In a refusal, the key of a list of objects, each an error."""
    error_words: list[_Text] = list(_API.error_words)
    """The keys of such an object under which it says what is wrong, in words."""
    bad_request: _Text = _API.bad_request
    """The first of those words, the title, where a request cannot be read: status 400."""
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
    extras: dict[str, Annotated[Extra, Strict(False)]] = {}
    """What responses carry beside the fields: a table from each key to `text`, `object` or `list`."""
    group_by: list[_Text] = []
    """What its count can be grouped by, as responses spell it: `status`, and `user.*` for all that is below `user`."""
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


# Plain data held against them


def shape(content: object, problems: list[Problem]) -> SchemaTable:
    """Plain data as tables. What does not fit is noted and left out, so that the rest is still read."""
    if not isinstance(content, dict):
        if content is not None:
            problems.append(say.wrong_kind((), content, "a table"))
        content = {}
    try:
        return SchemaTable.model_validate(content)
    except ValidationError as error:
        misfits = error.errors(include_url=False)
    problems += map(_misfit, misfits)
    for each in misfits:
        _leave_out(content, each)
    return shape(content, [])  # a table that misses what was left out is left out too, without a word


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
    """What pydantic found, in this package's words."""
    path, kind, value = tuple(map(str, misfit["loc"])), misfit["type"], misfit["input"]
    match kind:
        case "extra_forbidden":
            return say.unknown_key(path, _kind_at(path[:-1]).kinds())
        case "missing":
            return say.missing_key(path)
        case "repeats":
            return say.repeated_value(path, misfit["msg"])
        case "enum":
            return say.unknown_choice(path, value, [each.value for each in _kind_at(path)])
        case "needs":
            return say.wrong_kind(path, value, misfit["msg"])
    return say.wrong_kind(path, value, _NEEDED[kind])


def _kind_at(path: KeyPath) -> Any:
    """What the models have at that key: a table, a mapping to tables or a type of value."""
    kind: Any = SchemaTable
    for key in path:
        mapping = get_args(kind)
        kind = mapping[1] if mapping else kind.kinds()[key]
        kind = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    return kind
