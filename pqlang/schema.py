"""What is known of an API: endpoints, their fields, and how each target spells them. Data only.

`schema_file` reads these values from a TOML or JSON file; `_penbox` holds the built-in ones, frozen from
`schemas/penbox.toml` by `grammar/build.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pqlang.valueclass import field, frozen


class FieldType(StrEnum):
    """What a field holds; it decides which operators apply and how a literal reads."""

    STRING = "string"
    ENUM = "enum"
    OPEN_ENUM = "open enum"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    DATETIME = "datetime"
    DATE = "date"
    UUID = "uuid"
    EMAIL = "email"


#: What has parts that `like` asks for, what has an order, and what is a time.
TEXTS = frozenset({FieldType.STRING, FieldType.EMAIL, FieldType.ENUM, FieldType.OPEN_ENUM})
ORDERED = frozenset({FieldType.INTEGER, FieldType.NUMBER, FieldType.DATETIME, FieldType.DATE})
DATES = frozenset({FieldType.DATETIME, FieldType.DATE})


class Match(StrEnum):
    """What a direct parameter does with its value."""

    EQUALS = "equals"
    PART = "part"  # a case-insensitive part of the field's text


class Extra(StrEnum):
    """What a response carries beside the fields."""

    TEXT = "text"
    OBJECT = "object"  # of any shape
    LIST = "list"


@frozen
class JsonPlace:
    """Where the JSON filter spells a field: an attribute, a relation's attribute, or a relation's own id."""

    name: str
    relation: str | None = None
    is_id: bool = False
    undocumented: str = ""  # what nobody documents about this place; shown as a hint when it is used


@frozen
class Parameter:
    """A direct query parameter: its name, what it means, and the value the API assumes without it."""

    name: str
    match: Match = Match.EQUALS
    many: str | None = None  # the name under which a list is repeated, None where it takes one value
    assumed: bool | str | None = None
    refuses: str = ""  # a value with one of these characters is not sent here: it could mean something else


@frozen
class Derived:
    """A boolean that stands for another field being null (`when_null`) or not."""

    base: str
    when_null: bool


@frozen
class Field:
    """One filterable field of an endpoint, named by its dotted path."""

    name: str
    type: FieldType
    description: str = ""
    relation: str | None = None  # the relation it is reached through, None for the record's own
    to_many: bool = False
    nullable: bool = False
    values: tuple[str, ...] = ()
    meanings: tuple[str, ...] = ()  # beside `values`, one description each, or empty
    sort: str | None = None  # what `sort=` calls it, None where the API cannot sort by it
    json: JsonPlace | None = None
    param: Parameter | None = None
    record: tuple[str, ...] | None = None  # keys that lead to it in a response record, None where it is not carried
    derived: Derived | None = None

    def __hash__(self) -> int:
        return hash(self.name)


@frozen
class Active:
    """The condition that `scope="active"` adds: `field = value`."""

    field: str
    value: bool | str


@frozen
class Api:
    """How the API spells what is not a field: its address, its reserved parameters, its operators."""

    name: str
    base_url: str = ""
    filter_param: str = "filter"
    attributes_key: str = "attributes"
    relationships_key: str = "relationships"
    id_key: str = "id"
    sort_param: str = "sort"
    descending_prefix: str = "-"
    page_param: str = "page[number]"
    size_param: str = "page[size]"
    page_size: int = 10  # where a request says nothing of it
    max_page_size: int = 100
    count_suffix: str = "/count"
    authorization: str = "Bearer"  # what stands before a token in the header `Authorization`
    token_prefix: str = ""  # what every token starts with
    token_variable: str = ""  # the environment variable that holds the token, empty where none is known
    data_key: str = "data"  # in the answer to a list: the records
    meta_key: str = "meta"  # beside them: an object of these four numbers
    total_key: str = "total_count"
    pages_key: str = "total_pages"
    size_key: str = "page_size"
    number_key: str = "current_page"
    count_key: str = "count"  # in the answer to a count: the number
    group_param: str = "group-by"  # on a count: the field whose values are counted one by one
    by_key: str = "by"  # in the answer to that: field -> value -> number
    errors_key: str = "errors"  # in a refusal: a list of objects, which say what is wrong under `error_words`
    error_words: tuple[str, ...] = ("title", "detail")
    bad_request: str = "Bad Request"  # the title of an error of status 400
    long_url: int = 8_000  # bytes of percent-encoded URL above which a warning says so
    operators: tuple[tuple[str, str], ...] = (
        ("=", "$eq"),
        ("!=", "$ne"),
        (">", "$gt"),
        ("<", "$lt"),
        (">=", "$ge"),
        ("<=", "$le"),
        ("~", "$like"),
        ("~*", "$ilike"),
    )


@frozen
class Endpoint:
    """One list of records: its fields, and what the API takes for granted about them."""

    name: str
    path: str
    api: Api
    fields: tuple[Field, ...]
    description: str = ""
    search: str | None = None  # the field that free text looks in
    always: str | None = None  # a field that is never null: how "every record" and "no record" are said
    active: Active | None = None
    default_sort: str | None = None
    extras: tuple[tuple[str, Extra], ...] = ()  # what responses carry beside the fields
    group_by: tuple[str, ...] = ()  # what a count can be grouped by; `user.*`: all below `user`
    examples: tuple[str, ...] = ()
    by_parts: Mapping[tuple[str, ...], Field] = field(init=False, compare=False, repr=False)
    by_name: Mapping[str, Field] = field(init=False, compare=False, repr=False)
    assumed: tuple[Field, ...] = field(init=False, compare=False, repr=False)
    spelling_bytes: int = field(
        init=False, compare=False, repr=False
    )  # bytes a URL needs for a condition, its value aside
    derived_of: Mapping[str, Field] = field(init=False, compare=False, repr=False)  # base name -> its boolean
    operators_of: Mapping[str, str] = field(init=False, compare=False, repr=False)  # operator -> the API's name for it
    by_word: Mapping[str, Field] = field(init=False, compare=False, repr=False)  # those whose name needs no backticks
    hashed: int = field(init=False, compare=False, repr=False)  # of this process

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "by_parts", {tuple(each.name.split(".")): each for each in self.fields})
        put(self, "by_name", {each.name: each for each in self.fields})
        put(self, "assumed", tuple(f for f in self.fields if f.param is not None and f.param.assumed is not None))
        put(self, "derived_of", {f.derived.base: f for f in self.fields if f.derived is not None})
        places = ((f.json.relation or "") + f.json.name for f in self.fields if f.json is not None)
        names = (*places, *(f.param.name + (f.param.many or "") for f in self.fields if f.param is not None))
        put(self, "spelling_bytes", 12 * max(map(len, names), default=0) + 300)
        operators = dict(self.api.operators)
        nulls = {name: operators[op] for name, op in (("is null", "="), ("is not null", "!=")) if op in operators}
        put(self, "operators_of", operators | nulls)
        put(self, "by_word", {f.name: f for f in self.fields if _is_word(f.name)})
        put(self, "hashed", hash((self.api.name, self.name)))

    def __hash__(self) -> int:
        return self.hashed

    def field(self, name: str) -> Field:
        """The field of that dotted name.

        Raises KeyError where there is none; `resolver` turns a query's wrong name into a diagnostic before this.
        """
        return self.by_name[name]


def _is_word(name: str) -> bool:
    """Whether a name surely stands for itself; the grammar lets others stand bare as well."""
    return (name[:1].isalpha() or name[:1] == "_") and name.lower() not in ("and", "or", "not")


@frozen
class Schema:
    """An API's endpoints, in the order of its file."""

    api: Api
    endpoints: tuple[Endpoint, ...]

    def __hash__(self) -> int:
        return hash(self.api.name)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the endpoints."""
        return tuple(each.name for each in self.endpoints)

    def endpoint(self, name: str) -> Endpoint | None:
        """The endpoint of that name, or None."""
        return next((each for each in self.endpoints if each.name == name), None)
