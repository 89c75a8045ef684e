"""The bodies of requests and answers, as pydantic models. What reads them checks every type and knows every key.

What a query says is never wrong here: an invalid query is an answer with `ok: false`, not a malformed request.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaMode, models_json_schema

MOST_REQUESTS = 100  # of a plan: what nobody would send one by one
MOST_TOLD = 20  # problems of one body
LONGEST_KEY = 100  # characters of a key that a message repeats

COMPONENT = "x-component"


def _whole(value: object) -> object:
    """A whole number, which JSON may also spell `14.0`."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Scalar: TypeAlias = str | bool | int | float | None
Mode: TypeAlias = Literal["search", "strict"]
Scope: TypeAlias = Literal["active"]
Target: TypeAlias = Literal["auto", "json", "params"]
Offset: TypeAlias = Annotated[int, Field(ge=0), BeforeValidator(_whole)]
Count: TypeAlias = Annotated[int, Field(ge=1), BeforeValidator(_whole)]
# What these three may be is known when the document is made: `openapi` puts it in the place of the mark.
EndpointName: TypeAlias = Annotated[str, WithJsonSchema({COMPONENT: "EndpointName"})]
Zone: TypeAlias = Annotated[str, WithJsonSchema({COMPONENT: "Zone"})]
Instant: TypeAlias = Annotated[str, WithJsonSchema({COMPONENT: "Instant"})]


class Malformed(Exception):
    """A body that is not what it has to be. `problems`: the keys and numbers that lead there, and what is wrong."""

    def __init__(self, *problems: tuple[tuple[str | int, ...], str]) -> None:
        super().__init__(*problems)
        self.problems = problems


# What is asked


class Ask(BaseModel):
    """A body: no key but these, each of its type and no other."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Read(Ask):
    """A query at an endpoint, and how it is read: the keywords of `pqlang.compile`."""

    query: str
    endpoint: EndpointName
    mode: Mode = "search"
    scope: Scope | None = None
    target: Target | None = None
    variables: dict[str, Scalar | list[Scalar]] | None = Field(None, description="the values of `$names`")
    now: Instant | None = Field(
        None, description="what relative times are counted from; the server's time if not given"
    )
    tz: Zone = Field("UTC", description="the zone of days, and of times without offset")


class AskCheck(Read):
    """What `/check` takes. With a `target`, whether one request of that kind can say it is checked too."""


class AskCompile(Read):
    """What `/compile` takes. Without a `target`: direct parameters where they are exact, else the JSON filter."""


class AskPlan(Read):
    """What `/plan` takes."""

    disjoint: bool = False
    broaden: bool = False
    max_requests: Annotated[int, Field(ge=1, le=MOST_REQUESTS), BeforeValidator(_whole)] = 30


class _Cursor(Ask):
    """A place in a query: in code points, or as JavaScript counts; past the end is the end, as is no place at all."""

    model_config = ConfigDict(
        json_schema_extra={
            "not": {
                "required": ["cursor", "utf16_cursor"],
                "properties": {"cursor": {"type": "integer"}, "utf16_cursor": {"type": "integer"}},
            }
        }
    )

    query: str
    endpoint: EndpointName
    mode: Mode = "search"
    cursor: Offset | None = None
    utf16_cursor: Offset | None = None
    now: Instant | None = None
    tz: Zone = "UTC"

    @model_validator(mode="after")
    def _one(self) -> _Cursor:
        if self.cursor is not None and self.utf16_cursor is not None:
            raise ValueError("give `cursor` or `utf16_cursor`, not both")
        return self

    @property
    def offset(self) -> int:
        """The place in code points; half of a pair of surrogates counts as before it."""
        if self.utf16_cursor is None:
            return len(self.query) if self.cursor is None else min(self.cursor, len(self.query))
        if self.query.isascii():
            return min(self.utf16_cursor, len(self.query))
        units = self.query.encode("utf-16-le")[: 2 * self.utf16_cursor]
        return len(units.decode("utf-16-le", "ignore"))


class AskComplete(_Cursor):
    """What `/complete` takes."""

    variables: list[str] | None = Field(None, description="the names that are bound beside the query")


class AskDescribe(_Cursor):
    """What `/describe` takes."""

    variables: dict[str, Scalar | list[Scalar]] | None = None


class AskFormat(Ask):
    """What `/format` takes."""

    query: str
    mode: Mode = "search"
    width: Count | None = Field(None, description="break lines that are longer")


class AskDecompile(Ask):
    """What `/decompile` takes: a URL, a query string, or a JSON filter as text or as an object."""

    target: str | dict[str, JsonValue]
    endpoint: EndpointName | None = None


class AskRows(Ask):
    """What `/rows` takes."""

    query: str
    endpoint: EndpointName
    mode: Mode = "search"
    scope: Scope | None = None


A = TypeVar("A", bound=Ask)


def read_body(model: type[A], body: bytes) -> A:
    """The body as the model has it. Raises Malformed with every problem and its place; no value is repeated there."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)[:MOST_TOLD]
        raise Malformed(*((_place(each["loc"]), _words(each["msg"])) for each in problems)) from None


def _place(keys: tuple[str | int, ...]) -> tuple[str | int, ...]:
    return tuple(each if isinstance(each, int) else each[:LONGEST_KEY] for each in keys)


def _words(message: str) -> str:
    """Pydantic's words as a message of ours: lower case at the start."""
    plain = message.removeprefix("Value error, ")
    return plain[:1].lower() + plain[1:]


# What is answered


class Part(BaseModel):
    """A part of an answer: every key is there."""

    model_config = ConfigDict(extra="forbid")


class Range(Part):
    """A half-open range of a text."""

    start: Offset
    end: Offset


class Placed(Part):
    """Something that has a place in the text that was sent."""

    span: Range = Field(description="in code points")
    utf16: Range = Field(description="in UTF-16 units, as JavaScript counts")


class Edit(Placed):
    """An edit: put `replacement` in place of the span. A `safe` one keeps the meaning."""

    message: str
    replacement: str
    safe: bool


class Problem(Placed):
    """Something to say about a text."""

    code: str
    severity: Literal["error", "warning", "hint"]
    message: str
    label: str
    help: str
    line: Count
    column: Count
    suggestions: list[Edit]


class Answer(Part):
    """What every answer to a query has. `ok`: no diagnostic is an error."""

    ok: Literal[True]
    diagnostics: list[Problem]


class Refusal(Part):
    """The answer to a query that is wrong: at least one diagnostic is an error, and nothing else is said."""

    ok: Literal[False]
    diagnostics: list[Problem]


class Checked(Answer):
    """Nothing is wrong with the query."""


class Compiled(Answer):
    """The one request that a query means. `filter` is None where direct parameters say it."""

    endpoint: str
    target: Literal["json", "params"]
    filter: dict[str, JsonValue] | None
    params: dict[str, str | list[str]]
    query_string: str
    url: str


class PlannedRequest(Part):
    """One request of a plan, and what is then to be tested on its records."""

    url: str
    target: Literal["json", "params"]
    reason: str
    params: dict[str, str | list[str]]
    filter: dict[str, JsonValue] | None
    exact: bool
    residual: str | None


class Planned(Answer):
    """The requests that together answer a query, and the same as a text for people."""

    query: str
    endpoint: str
    count: Offset
    exact: bool
    disjoint: bool
    overlap: str
    disjoint_with: str
    requests: list[PlannedRequest]
    one_request: list[str]
    explain: str


class Offer(Placed):
    """Put `insert` in place of the span."""

    label: str
    kind: Literal["field", "operator", "value", "keyword", "snippet"]
    insert: str
    detail: str


class Completed(Answer):
    """What may be written at the cursor, the likeliest first."""

    completions: list[Offer]


class Fact(Part):
    """Something to know about what is described."""

    label: str
    text: str


class Place(Placed):
    """What stands at the cursor: its kind, its name, what it means, and what is wrong with it or worth knowing."""

    kind: str
    title: str
    text: str
    facts: list[Fact]
    problems: list[Problem]


class Described(Answer):
    """What stands at the cursor, if anything does. What is wrong with it is a part of that."""

    description: Place | None


class Formatted(Answer):
    """The query in its canonical form."""

    query: str


class Decompiled(Answer):
    """The query that a request means."""

    endpoint: str
    query: str


class Rows(Answer):
    """The first records that a query selects, and how many there are where that is known."""

    rows: list[dict[str, JsonValue]]
    total: Offset | None


class EndpointEntry(Part):
    """An endpoint in the list of them. `rows`: whether `/rows` answers for it."""

    name: str
    description: str
    rows: bool


class FieldEntry(Part):
    """A field. `meanings` stand beside `values`, or are none; `many`: there may be several to a record."""

    name: str
    type: str
    description: str
    values: list[str]
    meanings: list[str]
    nullable: bool
    many: bool
    sortable: bool
    json_: bool = Field(alias="json", description="whether the JSON filter asks for it")
    param: str | None = Field(description="the direct parameter that asks for it")
    sort: str | None = Field(description="what the API calls it in the order of a list")


class EndpointFacts(Part):
    """An endpoint. `search`: where free text looks; `sort`: how the API orders a list that says nothing of it."""

    name: str
    path: str
    description: str
    search: str | None
    sort: str | None
    examples: list[str]
    fields: list[FieldEntry]
    rows: bool


class Where(Part):
    """One problem of a body: the keys and numbers that lead to it, and what is wrong."""

    at: list[str | int]
    message: str


class Trouble(Part):
    """What is wrong with a request."""

    code: str
    message: str
    problems: list[Where]


class Failure(Part):
    """The answer to a request that is no question about a query: malformed, too large, too many at once."""

    ok: Literal[False]
    error: Trouble


Shape: TypeAlias = type[BaseModel]


def definitions(models: Iterable[Shape], template: str) -> dict[str, Any]:
    """The models, and those that they hold, as JSON Schema; a reference to one is made with the template."""
    asked = [(model, _mode(model)) for model in models]
    _, found = models_json_schema(asked, ref_template=template)
    shapes: dict[str, Any] = found["$defs"]
    return shapes


def _mode(model: Shape) -> JsonSchemaMode:
    return "validation" if issubclass(model, Ask) else "serialization"
