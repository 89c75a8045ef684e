"""The bodies of requests, as pydantic models. What reads them checks every type and knows every key.

What a query says is never wrong here: an invalid query is an answer with `ok: false`, not a malformed request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema, model_validator

from pqlang.searchbox import problems as say
from pqlang.searchbox.problems import MOST_TOLD, Keys, Malformed

MOST_REQUESTS = 100  # of a plan: what nobody would send one by one
COMPONENT = "x-component"


class _Unfit(ValueError):
    """A value, or one inside a list, that is not what is wanted."""

    def __init__(self, wanted: str, *inside: int) -> None:
        super().__init__(wanted)
        self.wanted, self.inside = wanted, inside


def _whole(least: int, most: int | None = None) -> Callable[[object], int]:
    """Takes a whole number, which JSON may also spell `14.0`."""
    wanted = f"a whole number from {least} {'on' if most is None else f'to {most}'}"

    def read(value: object) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is not int or value < least or (most is not None and value > most):
            raise _Unfit(wanted)
        return value

    return read


def _variable(value: object) -> object:
    """A value of a variable, or a list of them; checked here, since a union complains once for each of its types."""
    if isinstance(value, dict):
        raise _Unfit("a text, a number, a boolean, null, or a list of these")
    for at, each in enumerate(value if isinstance(value, list) else ()):
        if isinstance(each, list | dict):
            raise _Unfit("a text, a number, a boolean or null", at)
    return value


def _request(value: object) -> object:
    if not isinstance(value, str | dict):
        raise _Unfit("a text or an object")
    return value


Scalar: TypeAlias = str | bool | int | float | None
Variable: TypeAlias = Annotated[Scalar | list[Scalar], BeforeValidator(_variable)]
Variables: TypeAlias = Annotated[dict[str, Variable] | None, Field(description="the values of `$names` in the query")]
QueryText: TypeAlias = Annotated[str, Field(description="the text of a query")]
Mode: TypeAlias = Annotated[
    Literal["search", "strict"],
    Field(description="how the text is read: as a search box reads what hands type, or to the letter"),
]
Scope: TypeAlias = Annotated[
    Literal["active"] | None, Field(description="leaves out what is not active, unless the query speaks of it")
]
Target: TypeAlias = Annotated[
    Literal["auto", "json", "params"] | None,
    Field(description="the JSON filter, direct parameters, or parameters where they are exact and else the filter"),
]
Offset: TypeAlias = Annotated[int, Field(ge=0), BeforeValidator(_whole(0))]
Count: TypeAlias = Annotated[int, Field(ge=1), BeforeValidator(_whole(1))]
# What these three may be is known when the document is made: `openapi` puts it in the place of the mark.
EndpointName: TypeAlias = Annotated[
    str,
    WithJsonSchema({COMPONENT: "EndpointName"}),
    Field(description="the name of an endpoint; `GET /schema` lists them"),
]
Zone: TypeAlias = Annotated[
    str,
    WithJsonSchema({COMPONENT: "Zone"}),
    Field(description="the zone of days, and of times without offset"),
]
Instant: TypeAlias = Annotated[
    Annotated[str, WithJsonSchema({COMPONENT: "Instant"})] | None,
    Field(description="what relative times are counted from, with its offset; the server's time if not given"),
]


class Ask(BaseModel):
    """A body: no key but these, each of its type and no other."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Read(Ask):
    """A query at an endpoint, and how it is read: the keywords of `pqlang.compile`."""

    query: QueryText
    endpoint: EndpointName
    mode: Mode = "search"
    scope: Scope = None
    target: Target = None
    variables: Variables = None
    now: Instant = None
    tz: Zone = "UTC"


class AskCheck(Read):
    """What `/check` takes. With a `target`, whether one request of that kind can say it is checked too."""


class AskCompile(Read):
    """What `/compile` takes. Without a `target`: direct parameters where they are exact, else the JSON filter."""


class AskPlan(Read):
    """What `/plan` takes."""

    disjoint: bool = Field(False, description="whether no record may be in the answers to two of the requests")
    broaden: bool = Field(
        False, description="whether requests may fetch more, and records be tested, to keep within `max_requests`"
    )
    max_requests: Annotated[int, Field(ge=1, le=MOST_REQUESTS), BeforeValidator(_whole(1, MOST_REQUESTS))] = Field(
        30, description="requests of the plan"
    )


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

    query: QueryText
    endpoint: EndpointName
    mode: Mode = "search"
    cursor: Offset | None = Field(None, description="code points before the place")
    utf16_cursor: Offset | None = Field(None, description="UTF-16 units before the place")
    now: Instant = None
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

    variables: Variables = None


class AskFormat(Ask):
    """What `/format` takes."""

    query: QueryText
    mode: Mode = "search"
    width: Count | None = Field(None, description="break lines that are longer")


class AskDecompile(Ask):
    """What `/decompile` takes: a URL, a query string, or a JSON filter as text or as an object."""

    target: Annotated[str | dict[str, Any], BeforeValidator(_request)] = Field(
        description="a URL, a query string, or a JSON filter"
    )
    endpoint: EndpointName | None = Field(None, description="the endpoint it asks; beside a URL it need not be said")


class AskRows(Ask):
    """What `/rows` takes."""

    query: QueryText
    endpoint: EndpointName
    mode: Mode = "search"
    scope: Scope = None


A = TypeVar("A", bound=Ask)


_WANTED = {
    "string_type": "a text",
    "bool_type": "true or false",
    "dict_type": "an object",
    "list_type": "a list",
}


def read_body(model: type[A], body: object) -> A:
    """The body as the model has it; null is the same as no key where there need be none.

    Raises Malformed with the problems and their places, in our words.
    """
    if not isinstance(body, dict):
        raise Malformed(say.unfit((), "a JSON object", body))
    optional = {name for name, field in model.model_fields.items() if not field.is_required()}
    try:
        return model.model_validate(
            {key: each for key, each in body.items() if each is not None or key not in optional}
        )
    except ValidationError as error:
        found = error.errors(include_url=False)[:MOST_TOLD]
        raise Malformed(*(_problem(model, each) for each in found)) from None


def _problem(model: type[Ask], error: Any) -> say.Problem:
    """What pydantic found, as a problem of ours."""
    at: Keys = error["loc"]
    given, reason = error["input"], error.get("ctx", {}).get("error")
    match error["type"]:
        case "missing":
            return say.missing(at, model.model_fields[str(at[0])].description or "")
        case "extra_forbidden":
            return say.unknown(at, model.model_fields)
        case "literal_error":
            return say.unfit(at, error["ctx"]["expected"].replace("'", "`"), given)
        case "value_error" if isinstance(reason, _Unfit):
            for index in reason.inside:
                given = given[index]
            return say.unfit((*at, *reason.inside), reason.wanted, given)
        case "value_error":
            return say.clash(at, str(reason))
    return say.unfit(at, _WANTED[error["type"]], given)
