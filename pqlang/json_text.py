"""JSON as a person wrote it: its values with their places, or the first thing that is not JSON.

Stricter than the standard library's reader (a key stands once, and `NaN` is none of JSON's), and bounded: depth is
counted before anything recurses, numbers of any length cost no time. `render` is the way from Python values to such a
text, so that a filter given as a `dict` has a text to point into.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import Enum, StrEnum
from json import dumps, loads

from pqlang import diagnostics as say
from pqlang.diagnostics import Diagnostic
from pqlang.source import Limits, Span
from pqlang.valueclass import frozen
from pqlang.views import ENOUGH, View, json_string


class Kind(StrEnum):
    """The kinds of JSON value, as messages name them."""

    OBJECT = "an object"
    LIST = "a list"
    TEXT = "a text"
    NUMBER = "a number"
    BOOLEAN = "a boolean"
    NULL = "null"


@frozen
class Node:
    """A JSON value and where it stands: `value` of a scalar, `members` of an object, `items` of a list.

    `view` is the text of a string, seen in the source without its quotes; `spell` writes other JSON in its place.
    """

    kind: Kind
    span: Span
    spell: Callable[[str], str]
    value: str | int | float | bool | None = None
    members: tuple[Member, ...] = ()
    items: tuple[Node, ...] = ()
    view: View | None = None


@frozen
class Member:
    """A key of an object, where it stands, and its value."""

    key: str
    span: Span
    view: View
    node: Node


class _Wrong(Exception):
    """The text is not JSON from here on."""

    def __init__(self, problem: Diagnostic) -> None:
        super().__init__(problem)
        self.problem = problem


_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:
        (?P<string>"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*")
      | (?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![\w.])
      | (?P<sign>[{}\[\]:,])
      | (?P<end>\Z)
      | (?P<word>-?[\w.$]+)
      | (?P<other>.)
    )""",
    re.DOTALL | re.VERBOSE,
)
_WORDS = {"true": (Kind.BOOLEAN, True), "false": (Kind.BOOLEAN, False), "null": (Kind.NULL, None)}
_LONGEST_NUMBER = 400  # digits and signs; no finite number of 64 bits needs more


def read(view: View, limits: Limits) -> tuple[Node | None, list[Diagnostic]]:
    """The JSON value that a view holds, and what is wrong with it; None from the first mistake of syntax on.

    >>> from pqlang.views import plain
    >>> node, _ = read(plain('{"a": 1}', 0, 8), Limits())
    >>> node.members[0].key, node.members[0].node.value, node.members[0].node.span
    ('a', 1, Span(start=6, end=7))
    """
    reading = _Reading(view, limits.depth)
    try:
        node = reading.value(1)
        if reading.kind != "end":
            raise reading.wrong("the end")
    except _Wrong as wrong:
        return None, [*reading.problems, wrong.problem]
    return node, reading.problems


class _Reading:
    """One run of the reader, with the token at hand."""

    __slots__ = ("deepest", "end", "kind", "problems", "start", "token", "view")

    def __init__(self, view: View, deepest: int) -> None:
        self.view, self.deepest = view, deepest
        self.problems: list[Diagnostic] = []
        self.end = 0
        self.step()

    def step(self) -> None:
        """To the next token."""
        match = _TOKEN.match(self.view.text, self.end)
        assert match is not None
        assert match.lastgroup is not None
        self.kind, self.token = match.lastgroup, match[match.lastgroup]
        self.start, self.end = match.span(match.lastgroup)

    def here(self) -> Span:
        return self.view.span(self.start, self.end)

    def wrong(self, wanted: str) -> _Wrong:
        return _Wrong(say.bad_json(self.here(), wanted, "" if self.kind == "end" else self.token))

    def value(self, depth: int) -> Node:
        """The value that starts at the token at hand, which is left behind."""
        span, token, spell = self.here(), self.token, self.view.spell
        if token in ("{", "["):
            if depth > self.deepest:
                raise _Wrong(say.too_deep_json(span, self.deepest))
            return self.object(depth) if token == "{" else self.list(depth)
        if self.kind == "string":
            node = Node(Kind.TEXT, span, spell, loads(token), view=json_string(self.view, self.start, self.end))
        elif self.kind == "number":
            node = Node(Kind.NUMBER, span, spell, _number(token))
        elif token in _WORDS:
            kind, value = _WORDS[token]
            node = Node(kind, span, spell, value)
        else:
            raise self.wrong("a value")
        self.step()
        return node

    def object(self, depth: int) -> Node:
        start, members, seen = self.start, list[Member](), set[str]()
        self.step()
        while self.token != "}":
            if self.kind != "string":
                raise self.wrong("a key in double quotes")
            key, span, view = loads(self.token), self.here(), json_string(self.view, self.start, self.end)
            if key in seen and len(self.problems) <= ENOUGH:
                self.problems.append(say.repeated_key(span, key))
            seen.add(key)
            self.step()
            if self.token != ":":
                raise self.wrong("`:` after a key")
            self.step()
            members.append(Member(key, span, view, self.value(depth + 1)))
            self.comma("}")
        return Node(Kind.OBJECT, self.close(start), self.view.spell, members=tuple(members))

    def list(self, depth: int) -> Node:
        start, items = self.start, list[Node]()
        self.step()
        while self.token != "]":
            items.append(self.value(depth + 1))
            self.comma("]")
        return Node(Kind.LIST, self.close(start), self.view.spell, items=tuple(items))

    def comma(self, closing: str) -> None:
        """Past the comma after a member, or to the sign that closes."""
        if self.token == ",":
            self.step()
            if self.token == closing:
                raise self.wrong("a value after the comma" if closing == "]" else "a key after the comma")
        elif self.token != closing:
            raise self.wrong(f"`,` or `{closing}`")

    def close(self, start: int) -> Span:
        span = self.view.span(start, self.end)
        self.step()
        return span


def _number(token: str) -> int | float:
    """The number; infinity where it is too large for any field."""
    if len(token) > _LONGEST_NUMBER:
        return float("inf")
    return float(token) if re.search("[.eE]", token) else int(token)


# Python values as JSON


def render(value: object, limits: Limits, most: int) -> tuple[str, list[Diagnostic]]:
    """The JSON text of a Python value, of at most that many characters; and what in it is none of JSON's.

    >>> render({"a": [1, None]}, Limits(), 100)
    ('{"a": [1, null]}', [])
    """
    rendering = _Rendering(limits.depth, most)
    try:
        rendering.value(value, 1)
    except _Wrong as wrong:
        rendering.problems = [wrong.problem]
    return "".join(rendering.pieces), rendering.problems


class _Rendering:
    """One run of `render`."""

    __slots__ = ("deepest", "most", "pieces", "problems", "size")

    def __init__(self, deepest: int, most: int) -> None:
        self.deepest, self.most = deepest, most
        self.pieces: list[str] = []
        self.size = 0
        self.problems: list[Diagnostic] = []

    def put(self, text: str) -> None:
        self.pieces.append(text)
        self.size += len(text)
        if self.size > self.most:
            raise _Wrong(say.too_long_request(self.size, self.most))

    def value(self, value: object, depth: int) -> None:
        if isinstance(value, Enum):
            value = value.value
        if isinstance(value, Mapping | list | tuple):
            if depth > self.deepest:
                raise _Wrong(say.too_deep_json(Span(self.size, self.size), self.deepest))
            self.several(value, depth)
        elif value is None or isinstance(value, bool | float):
            self.put(dumps(value))
        elif isinstance(value, str):
            self.put(dumps(str(value), ensure_ascii=False))
        elif isinstance(value, int) and value.bit_length() < 3 * _LONGEST_NUMBER:
            self.put(str(int(value)))
        else:
            self.foreign(value)

    def several(self, value: Mapping[object, object] | list[object] | tuple[object, ...], depth: int) -> None:
        """The members of an object, or the items of a list."""
        mapping = isinstance(value, Mapping)
        self.put("{" if mapping else "[")
        for at, each in enumerate(value):
            self.put(", " if at else "")
            if isinstance(value, Mapping):
                if isinstance(each, str):
                    self.put(dumps(str(each), ensure_ascii=False))
                else:
                    self.foreign(each)
                self.put(": ")
            self.value(value[each] if isinstance(value, Mapping) else each, depth + 1)
        self.put("}" if mapping else "]")

    def foreign(self, value: object) -> None:
        """A value JSON does not have: a text stands in for it, and is pointed at."""
        start = self.size
        self.put(dumps(say.shown(value), ensure_ascii=False))
        self.problems.append(say.foreign_value(Span(start, self.size), value))
