"""What stands in answers, as pydantic models: for the description of the service, and for tests of what it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from pqlang.searchbox.asks import Ask, Count, Offset


class Part(BaseModel):
    """A part of an answer: every key is there."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Range(Part):
    """A half-open range of a text."""

    start: Offset
    """where it starts"""
    end: Offset
    """behind its last character"""


class Placed(Part):
    """Something that has a place in the text that was sent."""

    span: Range
    """in code points"""
    utf16: Range
    """in UTF-16 units, as JavaScript counts"""


class Edit(Placed):
    """An edit: put `replacement` in place of the span."""

    message: str
    """what it does"""
    replacement: str
    """the text to put there"""
    safe: bool
    """whether it keeps the meaning"""


class Problem(Placed):
    """Something to say about a text."""

    code: str
    """its kind, which stays the same: `unknown-field`"""
    severity: Literal["error", "warning", "hint"]
    """an error leaves no answer; the others are worth knowing"""
    message: str
    """what is wrong"""
    label: str
    """the same in two or three words, for under the text"""
    help: str
    """what to do, or nothing"""
    line: Count
    """the line it starts on"""
    column: Count
    """the code point of that line"""
    suggestions: list[Edit]
    """edits that mend it, the likeliest first"""


class Answer(Part):
    """What every answer to a query has."""

    ok: Literal[True]
    """no diagnostic is an error"""
    diagnostics: list[Problem]
    """what is worth knowing"""


class Refusal(Part):
    """The answer to a query that is wrong: nothing else is said."""

    ok: Literal[False]
    """at least one diagnostic is an error"""
    diagnostics: list[Problem]
    """what is wrong, and what is worth knowing"""


class Checked(Answer):
    """Nothing is wrong with the query."""


class Asked(Part):
    """How a request is asked for."""

    target: Literal["json", "params"]
    """by the JSON filter, or by direct parameters"""
    filter: dict[str, JsonValue] | None
    """the JSON filter; null where direct parameters say it"""
    params: dict[str, str | list[str]]
    """the direct parameters; with a JSON filter that filter as a text; and the order"""
    url: str
    """all of it"""


class Compiled(Answer, Asked):
    """The one request that a query means."""

    endpoint: str
    """the endpoint it asks"""
    query_string: str
    """the parameters, percent-encoded"""


class PlannedRequest(Asked):
    """One request of a plan, and what is then to be tested on its records."""

    reason: str
    """why it is asked so"""
    exact: bool
    """whether it fetches nothing but what is meant"""
    residual: str | None
    """otherwise the query that its records have to pass"""
    curl: str
    """a command that sends it; the token is read from the variable that the schema names"""


class Planned(Answer):
    """The requests that together answer a query."""

    query: str
    """the query in its canonical form"""
    endpoint: str
    """the endpoint they ask"""
    count: Offset
    """how many there are; none where no record can match"""
    exact: bool
    """whether none fetches more than is meant"""
    disjoint: bool
    """whether no record is in two answers"""
    overlap: str
    """why that is not so"""
    disjoint_with: str
    """what a disjoint plan would take"""
    requests: list[PlannedRequest]
    """the requests"""
    one_request: list[str]
    """what would make it one request"""
    explain: str
    """all of it as a text for people"""


class Offer(Placed):
    """Put `insert` in place of the span."""

    label: str
    """what to show in a list"""
    kind: Literal["field", "operator", "value", "keyword", "snippet"]
    """what it is"""
    insert: str
    """the text to put there"""
    detail: str
    """a word on what it means"""


class Completed(Answer):
    """What may be written at the cursor."""

    completions: list[Offer]
    """the likeliest first"""


class Fact(Part):
    """Something to know about what is described."""

    label: str
    """what it is about"""
    text: str
    """what there is to know"""


class Place(Placed):
    """What stands at the cursor."""

    kind: str
    """a field, an operator, a value, and so on"""
    title: str
    """its name"""
    text: str
    """what it means"""
    facts: list[Fact]
    """what else there is to know"""
    problems: list[Problem]
    """what is wrong with it, or worth knowing"""


class Described(Answer):
    """What stands at the cursor, if anything does. What is wrong with it is a part of that."""

    description: Place | None
    """null where nothing stands there"""


class Formatted(Answer):
    """The query in its canonical form."""

    query: str
    """that text"""


class Decompiled(Answer):
    """The query that a request means."""

    endpoint: str
    """the endpoint that the request asks"""
    query: str
    """the text of the query"""


class Rows(Answer):
    """The first records that a query selects."""

    rows: list[dict[str, JsonValue]]
    """the records as the API has them, 50 at most"""
    total: Offset | None
    """how many there are, where that is known"""


class EndpointEntry(Part):
    """An endpoint in the list of them."""

    name: str
    """what questions call it"""
    description: str
    """what it lists"""
    rows: bool
    """whether `/rows` answers for it"""


class FieldEntry(Part):
    """A field."""

    name: str
    """what queries call it"""
    type: str
    """what it holds"""
    description: str
    """what it is"""
    values: list[str]
    """the values of an enum"""
    meanings: list[str]
    """what each of them means, or none"""
    nullable: bool
    """whether it may be null"""
    many: bool
    """whether there may be several to a record"""
    sortable: bool
    """whether `order by` takes it"""
    json_: bool = Field(alias="json")
    """whether the JSON filter asks for it"""
    param: str | None
    """the direct parameter that asks for it"""
    sort: str | None
    """what the API calls it in the order of a list"""


class EndpointFacts(Part):
    """An endpoint and its fields."""

    name: str
    """what questions call it"""
    path: str
    """where the API has it"""
    description: str
    """what it lists"""
    search: str | None
    """the field in which free text looks"""
    sort: str | None
    """how the API orders a list that says nothing of it"""
    examples: list[str]
    """queries"""
    fields: list[FieldEntry]
    """its fields"""
    rows: bool
    """whether `/rows` answers for it"""


class Where(Part):
    """One problem of a body."""

    at: list[str | int]
    """the keys and indices that lead to it; empty for the body itself"""
    message: str
    """what is wrong there, and what it has to be"""


class Trouble(Part):
    """What is wrong with a request."""

    code: str
    """its kind, which stays the same"""
    message: str
    """what is wrong, for people"""
    problems: list[Where]
    """where a malformed body is wrong"""


class Failure(Part):
    """The answer to a request that is no question about a query: malformed, too large, too many at once."""

    ok: Literal[False]
    """there is no answer"""
    error: Trouble
    """why"""


Shape: TypeAlias = type[BaseModel]


def definitions(models: Sequence[Shape], template: str) -> dict[str, Any]:
    """The models, and those that they hold, as JSON Schema; a reference to one is made with the template."""
    asked = [(model, _mode(model)) for model in models]
    _, found = models_json_schema(asked, ref_template=template)
    shapes: dict[str, Any] = found["$defs"]
    for model in models:
        if issubclass(model, Ask):
            properties = shapes[model.__name__]["properties"]
            for name, shape in properties.items():
                if shape.get("default") is not None:
                    properties[name] = _nullable(shape)
    return shapes


def _nullable(shape: dict[str, Any]) -> dict[str, Any]:
    """The schema of a key that may also be null, which is the same as its default."""
    said: dict[str, Any] = {key: shape[key] for key in ("default", "description", "title") if key in shape}
    rest = {key: value for key, value in shape.items() if key not in said}
    return {"anyOf": [rest, {"type": "null"}], **said}


def _mode(model: Shape) -> JsonSchemaMode:
    return "validation" if issubclass(model, Ask) else "serialization"
