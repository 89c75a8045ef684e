"""A query as it was written: names not yet fields, literals not yet values.

Nodes are frozen and sealed. Spans say where a node stood and never take part in equality, so two texts that
differ in blanks, aliases (`==`) or needless quotes have equal trees. Any tree the constructors accept prints
(`pqlang.format`) and reads back equal to its canonical form.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TypeAlias

from pqlang.source import NOWHERE, Span
from pqlang.valueclass import field, frozen


class Op(StrEnum):
    """The operators between a field and one value, by their canonical spelling."""

    EQ = "="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    LIKE = "~"
    NOT_LIKE = "!~"
    ILIKE = "~*"
    NOT_ILIKE = "!~*"
    CONTAINS = "contains"
    NOT_CONTAINS = "not contains"
    STARTS = "starts with"
    NOT_STARTS = "not starts with"
    ENDS = "ends with"
    NOT_ENDS = "not ends with"


@frozen(eq=False, repr=False)
class Node:
    """What every node has: the place it was read from. Nodes are equal where they say the same, wherever they stand."""

    span: Span = field(default=NOWHERE, kw_only=True)

    def _says(self) -> tuple[object, ...]:
        names: tuple[str, ...] = self.__match_args__  # set by `dataclass`: the fields but the span
        return tuple(getattr(self, name) for name in names)

    def __eq__(self, other: object) -> bool:
        return (
            self._says() == other._says() if isinstance(other, Node) and type(other) is type(self) else NotImplemented
        )

    def __hash__(self) -> int:
        return hash((type(self), self._says()))

    def __repr__(self) -> str:
        names: tuple[str, ...] = self.__match_args__
        said = (f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__name__}({', '.join(said)})"


@frozen(eq=False, repr=False)
class Path(Node):
    """A field's name: `owner.email` and `owner[email]` are both `("owner", "email")`.

    Raises ValueError for a name no text can spell: no parts, an empty first part, a backtick, NUL or a lone surrogate.
    """

    parts: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.parts or not self.parts[0] or _UNSPELLABLE_NAME.search("".join(self.parts)):
            raise ValueError(f"no text can spell the name {self.parts!r}")

    def __str__(self) -> str:
        return ".".join(self.parts)


@frozen(eq=False, repr=False)
class Literal(Node):
    """A value as written, quotes and escapes undone. What it stands for depends on the field it meets.

    Quotes count only where they change the reading: `"null"`, `"true"`, `"5"` and `"now-7d"` are text, the same
    words without quotes may not be. Raises ValueError for NUL and lone surrogates, which no text can hold.
    """

    text: str
    quoted: bool = False

    def __post_init__(self) -> None:
        if not self.text.isprintable() and _UNSPELLABLE.search(self.text):
            raise ValueError("a literal cannot hold NUL or a lone surrogate")

    @property
    def is_null(self) -> bool:
        """Whether this is the bare word `null`."""
        return not self.quoted and self.text.lower() == "null"

    def _says(self) -> tuple[object, ...]:
        return self.text, self.quoted and quotes_matter(self.text)


@frozen(eq=False, repr=False)
class Variable(Node):
    """`$name`: a value bound beside the query, never part of its text."""

    name: str

    def __post_init__(self) -> None:
        if not _VARIABLE_NAME.fullmatch(self.name):
            raise ValueError(f"no text can spell the variable {self.name!r}")


Value: TypeAlias = Literal | Variable


@frozen(eq=False, repr=False)
class Compare(Node):
    """`field op value`."""

    path: Path
    op: Op
    value: Value


@frozen(eq=False, repr=False)
class In(Node):
    """`field in (a, b)`; a lone variable may stand without parentheses: `field in $list`."""

    path: Path
    values: tuple[Value, ...]
    negated: bool = False

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("a list in a text has at least one value")


@frozen(eq=False, repr=False)
class Between(Node):
    """`field between low and high`, both ends included."""

    path: Path
    low: Value
    high: Value
    negated: bool = False


@frozen(eq=False, repr=False)
class IsNull(Node):
    """`field is null`."""

    path: Path
    negated: bool = False


@frozen(eq=False, repr=False)
class On(Node):
    """`field on period`: a day, a month or a year."""

    path: Path
    period: Value
    negated: bool = False


@frozen(eq=False, repr=False)
class Flag(Node):
    """A name alone: a boolean field, or in search mode a word of free text."""

    path: Path


@frozen(eq=False, repr=False)
class Text(Node):
    """A quoted string alone: free text."""

    value: Literal


@frozen(eq=False, repr=False)
class Not(Node):
    """`not operand`."""

    operand: Expr


@frozen(eq=False, repr=False)
class And(Node):
    """Two operands or more that must all hold."""

    operands: tuple[Expr, ...]

    def __post_init__(self) -> None:
        _two_at_least(self.operands)


@frozen(eq=False, repr=False)
class Or(Node):
    """Two operands or more of which one must hold."""

    operands: tuple[Expr, ...]

    def __post_init__(self) -> None:
        _two_at_least(self.operands)


@frozen(eq=False, repr=False)
class Hole(Node):
    """A part that could not be read. Only in the trees of texts with mistakes, so that the rest is still checked."""


Expr: TypeAlias = And | Or | Not | Compare | In | Between | IsNull | On | Flag | Text | Hole


@frozen(eq=False, repr=False)
class OrderBy(Node):
    """`order by field`, ascending unless said otherwise."""

    path: Path
    descending: bool = False


@frozen(eq=False, repr=False)
class Query(Node):
    """A whole text: a condition, an order, either or neither."""

    where: Expr | None = None
    order: OrderBy | None = None


_UNSPELLABLE = re.compile("[\0\ud800-\udfff]")
_UNSPELLABLE_NAME = re.compile("[`\0\ud800-\udfff]")
_VARIABLE_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_UNIT = "(?:s|sec|secs|seconds?|min|mins|minutes?|h|hours?|d|days?|w|weeks?|mo|months?|y|years?)"
# texts that `re` compiles when they are first wanted: few queries hold such words
RELATIVE_BASES = ("now", "today", "yesterday", "tomorrow")  # what a relative time is counted from
RELATIVE_TIME = rf"(?:{'|'.join(RELATIVE_BASES)})(?:[ \t\r\n\xa0]*[+-][ \t\r\n\xa0]*[0-9]+[ \t\r\n\xa0]*{_UNIT})*"
OTHERWISE = rf"null|true|false|[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|{RELATIVE_TIME}"


def quotes_matter(text: str) -> bool:
    """Whether the bare word could be null, a boolean, a number or a relative time, which its quotes forbid."""
    return re.fullmatch(OTHERWISE, text, re.IGNORECASE | re.ASCII) is not None


def is_relative_time(text: str) -> bool:
    """Whether the bare word is a relative time, blanks inside or not.

    >>> is_relative_time("now-7d"), is_relative_time("now - 7 days"), is_relative_time("now-7d-report")
    (True, True, False)
    """
    return re.fullmatch(RELATIVE_TIME, text, re.IGNORECASE | re.ASCII) is not None


def _two_at_least(operands: tuple[Expr, ...]) -> None:
    if len(operands) < 2:
        raise ValueError("`and` and `or` join two operands or more")
