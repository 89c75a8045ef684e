"""Requests back to queries: a JSON filter, direct parameters or a URL as the canonical text that means the same.

    target -> take_apart -> parts -> tests and an order -> write -> tree -> format_query -> text

What an API takes for granted is written out, so that the text says all that the request means. What a request leaves
open (which of two values counts, what an empty parameter is) is an error, never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from json import dumps, loads
from typing import TypeAlias

from pqlang import arguments, ast, json_text, patterns
from pqlang import diagnostics as say
from pqlang.address import Pair, Parts, path_of, take_apart
from pqlang.condition import All, Op, Scalar, Test
from pqlang.diagnostics import Diagnostic, PqlError, Severity, Suggestion
from pqlang.formatter import format_query
from pqlang.json_text import Kind, Member, Node
from pqlang.literals import read_literal
from pqlang.moments import UTC_CLOCK
from pqlang.names import close_matches, close_names
from pqlang.schema import DATES, ORDERED, TEXTS, Endpoint, Field, FieldType, Match, Schema
from pqlang.source import Limits, Source, Span
from pqlang.valueclass import frozen, replace
from pqlang.views import ENOUGH, View
from pqlang.writer import path, write

NUMBERS = frozenset({FieldType.INTEGER, FieldType.NUMBER})
PATTERNS = frozenset({Op.LIKE, Op.ILIKE})
BOUNDS = frozenset({Op.LT, Op.LE, Op.GT, Op.GE})
_NAMES = dict.fromkeys(TEXTS, "text") | {FieldType.DATETIME: "date-time"}  # other types go by their own name
_HABITS = {"gte": ">=", "lte": "<=", "neq": "!=", "not": "!="}  # what other APIs call them
Spell: TypeAlias = Callable[[str], str]  # a text as it is written at a place, for edits


@frozen
class Reading:
    """A request read back: its query's text, None where it is wrong, and all there is to say of it.

    `source` is the text that the diagnostics point into: what was given, or its JSON where that was no text.
    """

    source: Source
    endpoint: Endpoint | None
    text: str | None
    diagnostics: tuple[Diagnostic, ...]


def decompile(
    target: object,
    endpoint: str | Endpoint | None = None,
    *,
    schema: Schema | None = None,
    limits: Limits | None = None,
) -> str:
    """The canonical query of a request: what `compile` makes into that request again.

    `target` is a JSON filter (a `dict`, or text that starts with `{`), parameters (a mapping as `Request.params`), a
    query string, or a URL, which names its endpoint by its path: at any base, with or without `/count`. Beside
    anything but a URL, name the `endpoint`; names and paths are those of `PENBOX`, or of the `schema` given. An empty
    mapping is no parameters.

    Values that the API assumes come first, in the order of the endpoint's fields, then conditions in the order of the
    request, a filter's attributes and relations as they stand in it. Pages are left out. Beside a filter, direct
    parameters are left out too, since the API ignores them; warnings of these are in `decompiler.read_target`.

    Raises PqlError with every problem, each with its place in the text, or in the JSON of what is no text.

    >>> decompile("https://connect.penbox.io/v1/cases?status=pending&sort=-created_at")
    'archived = false and status = pending order by created_at desc'
    """
    reading = read_target(target, endpoint, schema=schema, limits=limits)
    if reading.text is None:
        raise PqlError(reading.source, reading.diagnostics)
    return reading.text


def read_target(
    target: object,
    endpoint: str | Endpoint | None = None,
    *,
    schema: Schema | None = None,
    limits: Limits | None = None,
) -> Reading:
    """What `decompile` makes of a request, with its warnings; what is wrong with the request does not raise.

    Raises PqlError for wrong arguments alone.

    >>> [each.code for each in read_target("/cases?page[number]=2&sort=size").diagnostics]
    ['dropped-part', 'not-sortable']
    """
    bounds = arguments.limits(limits)
    known = arguments.built_in() if schema is None else schema
    if not isinstance(known, Schema):
        raise arguments.wrong("schema", schema, "a `Schema` or None")
    asked = None if endpoint is None else arguments.endpoint(endpoint, known)
    candidates = known.endpoints if asked is None else (asked,)
    parts, problems = take_apart(target, known.api if asked is None else asked.api, candidates, bounds)
    if _wrong(problems):
        return Reading(parts.source, asked, None, tuple(problems))
    at = _endpoint(parts, asked, candidates, problems)
    if at is None:
        return Reading(parts.source, None, None, tuple(problems))
    reader = _Reader(at, parts.source.text, bounds, problems)
    text = reader.text(parts)
    return Reading(parts.source, at, text, tuple(sorted(problems, key=lambda problem: problem.span)))


def _wrong(problems: Iterable[Diagnostic]) -> bool:
    return any(problem.severity is Severity.ERROR for problem in problems)


def _endpoint(
    parts: Parts, asked: Endpoint | None, candidates: Sequence[Endpoint], problems: list[Diagnostic]
) -> Endpoint | None:
    """The endpoint that the path names, or the one asked for; None after saying that there is none."""
    if parts.path is None:
        if asked is None:
            problems.append(say.no_endpoint(Span(0, len(parts.source.text)), [each.name for each in candidates]))
        return asked
    found = [each for each in candidates if path_of(parts.path.text, each)]
    if not found:
        paths = ["/" + each.path.strip("/") for each in candidates]
        problems.append(say.unknown_path(parts.path.whole, parts.path.text, paths))
        return None
    return max(found, key=lambda each: len(each.path))  # `/cases` does not hide `/old/cases`


class _Reader:
    """One request, read against its endpoint. Methods return None where a mistake leaves no meaning."""

    __slots__ = ("api", "endpoint", "errors", "limits", "problems", "source")

    def __init__(self, endpoint: Endpoint, source: str, limits: Limits, problems: list[Diagnostic]) -> None:
        self.endpoint, self.api = endpoint, endpoint.api
        self.source, self.limits, self.problems = source, limits, problems
        self.errors = 0

    def text(self, parts: Parts) -> str | None:
        """The query of the request, or None where something is wrong with it."""
        order = None
        if parts.filter is not None:
            tests = self.filter(parts.filter)
        else:
            tests, order = self.parameters(parts.pairs)
        if _wrong(self.problems):
            return None
        where = write(All(tuple(tests)), self.endpoint) if tests else None
        text = format_query(ast.Query(where, order))
        if len(text) > self.limits.length:
            self.note(say.too_long_text(len(text), self.limits.length))
            return None
        return text

    def note(self, problem: Diagnostic) -> None:
        self.problems.append(problem)
        self.errors += problem.severity is Severity.ERROR

    @property
    def tired(self) -> bool:
        """Whether enough is wrong already: a pasted page would cost seconds and help nobody."""
        return self.errors > ENOUGH

    # Parameters

    def parameters(self, pairs: Sequence[Pair]) -> tuple[list[Test], ast.OrderBy | None]:
        """The tests and the order of a query string."""
        api = self.api
        sorts, filters, direct = self.sort_out(pairs)
        order = self.order(self.single(sorts))
        filter = self.single(filters)
        if filter is None:
            return [*self.assumed(direct), *self.direct(direct)], order
        for first, *_ in direct.values():
            self.note(say.ignored_parameter(first.name.whole, first.name.text, api.filter_param))
        if not filter.value.text.strip(" \t\r\n"):
            self.note(say.empty_parameter(filter.name.whole, api.filter_param))
            return [], order
        return self.filter(filter.value), order

    def sort_out(self, pairs: Sequence[Pair]) -> tuple[list[Pair], list[Pair], dict[str, list[Pair]]]:
        """The parameters for the order, for the filter, and for each field; pages are dropped, others unknown."""
        api, fields = self.api, self.parameter_names()
        reserved: dict[str, list[Pair]] = {
            name: [] for name in (api.sort_param, api.filter_param, api.page_param, api.size_param)
        }
        direct: dict[str, list[Pair]] = {}
        for pair in pairs:
            name = pair.name.text
            if self.tired:
                break
            if name in reserved:
                reserved[name].append(pair)
            elif name in fields:
                direct.setdefault(fields[name].name, []).append(pair)
            else:
                edits = _edits(pair.name, close_matches(name, [*fields, *reserved], 3))
                self.note(say.unknown_parameter(pair.name.whole, name, self.endpoint.name, edits))
        for name in (api.page_param, api.size_param):
            if reserved[name]:
                self.note(say.dropped_page(reserved[name][0].name.whole, name))
        return reserved[api.sort_param], reserved[api.filter_param], direct

    def parameter_names(self) -> dict[str, Field]:
        """The fields by the names of their parameters, those of lists included."""
        names: dict[str, Field] = {}
        for field in self.endpoint.fields:
            if field.param is not None:
                names.setdefault(field.param.name, field)
                if field.param.many is not None:
                    names.setdefault(field.param.many, field)
        return names

    def single(self, pairs: Sequence[Pair]) -> Pair | None:
        """The one parameter of its name; None without, and after saying that there are several."""
        for other in pairs[1:]:
            if other.value.text != pairs[0].value.text:
                self.note(say.repeated_parameter(other.name.whole, other.name.text))
                return pairs[0]
        return pairs[0] if pairs else None

    def order(self, sort: Pair | None) -> ast.OrderBy | None:
        if sort is None:
            return None
        value, prefix = sort.value.text, self.api.descending_prefix
        fields = {field.sort: field for field in reversed(self.endpoint.fields) if field.sort is not None}
        if value in fields:
            return ast.OrderBy(path(fields[value].name))
        if prefix and value.startswith(prefix) and value[len(prefix) :] in fields:
            return ast.OrderBy(path(fields[value[len(prefix) :]].name), True)
        if not value:
            self.note(say.empty_parameter(sort.name.whole, sort.name.text))
        else:
            self.note(say.not_sortable(sort.value.whole, say.shorten(value), list(fields)[::-1]))
        return None

    def assumed(self, direct: dict[str, list[Pair]]) -> list[Test]:
        """What the API takes for granted where a parameter is absent."""
        return [
            Test(field, Op.EQ, field.param.assumed)
            for field in self.endpoint.assumed
            if field.param is not None and field.name not in direct
        ]

    def direct(self, direct: dict[str, list[Pair]]) -> list[Test]:
        tests = (self.parameter(self.endpoint.field(name), pairs) for name, pairs in direct.items())
        return [test for test in tests if test is not None]

    def parameter(self, field: Field, pairs: Sequence[Pair]) -> Test | None:
        """The test that a field's parameter stands for, given once or as a list."""
        param = field.param
        assert param is not None
        values: dict[Scalar, Pair] = {}
        for pair in pairs:
            value = None if self.tired else self.parameter_value(pair, field)
            if value is None:
                return None
            values.setdefault(value, pair)
            if len(values) > 1 and (param.many is None or param.match is Match.PART):
                self.note(say.repeated_parameter(pair.name.whole, pair.name.text))
                return None
        first, *others = values
        if others and (plain := [pair.name for pair in values.values() if pair.name.text != param.many]):
            self.note(say.list_spelling(plain[-1].whole, param.name, str(param.many)))
        if len(values) > self.limits.values:
            self.note(say.too_many_values(pairs[0].name.whole, len(values), self.limits.values))
            return None
        if param.match is Match.PART:
            return Test(field, Op.ILIKE, f"%{patterns.escape(str(first))}%")
        return Test(field, Op.IN, tuple(values)) if others else Test(field, Op.EQ, first)

    def parameter_value(self, pair: Pair, field: Field) -> Scalar | None:
        """The value of a parameter, in its field's type."""
        param, value = field.param, pair.value
        assert param is not None
        if not value.text:
            self.note(say.empty_parameter(pair.name.whole, pair.name.text))
            return None
        for refused in param.refuses:
            if (at := value.text.find(refused)) >= 0:
                self.note(say.refused_parameter(value.span(at, at + 1), param.name, refused))
                return None
        if param.match is Match.PART:  # a part of a text is no value of its field
            literal = self.literal(value.text, True, value.whole, field)
            return None if literal is None else literal.text
        if field.type is FieldType.BOOLEAN and value.text not in ("true", "false"):
            meant = value.text.lower()
            edits = _edits(value, [meant] if meant in ("true", "false") else [])
            self.note(say.wrong_value(value.whole, value.text, field.name, field.type, "", edits))
            return None
        quoted = field.type is not FieldType.BOOLEAN and field.type not in NUMBERS
        return self.value(value.text, quoted, value.whole, field, value.spell)

    # The JSON filter

    def filter(self, view: View) -> list[Test]:
        """The tests of a filter, attributes and relations as they stand in it."""
        node, problems = json_text.read(view, self.limits)
        for problem in problems:
            self.note(problem)
        if node is None or not self.is_object(node, ""):
            return []
        api, tests = self.api, list[Test]()
        for member in node.members:
            if self.tired:
                break
            if member.key == api.attributes_key:
                tests += self.attributes(member, None)
            elif member.key == api.relationships_key:
                tests += self.relations(member)
            else:
                self.unknown_key(member, (api.attributes_key, api.relationships_key))
        if not tests and not _wrong(self.problems):
            self.note(say.empty_filter(node.span))
        return tests

    def attributes(self, member: Member, relation: str | None) -> list[Test]:
        """The tests of an object of fields: the record's own, or those of a relation."""
        tests: list[Test] = []
        if not self.is_object(member.node, member.key):
            return tests
        places = {
            field.json.name: field
            for field in reversed(self.endpoint.fields)
            if field.json is not None and field.json.relation == relation and not field.json.is_id
        }
        for each in member.node.members:
            if self.tired:
                break
            if each.key in places:
                tests += self.operators(each, places[each.key])
            else:
                self.unknown_field(each, relation, list(places))
        return tests

    def relations(self, member: Member) -> list[Test]:
        tests: list[Test] = []
        if not self.is_object(member.node, member.key):
            return tests
        known = list(dict.fromkeys(f.json.relation for f in self.endpoint.fields if f.json and f.json.relation))
        for each in member.node.members:
            if self.tired:
                break
            if each.key in known:
                tests += self.relation(each)
            else:
                edits = _edits(each.view, close_matches(each.key, known, 2))
                self.note(say.unknown_relation(each.span, each.key, self.endpoint.name, edits))
        return tests

    def relation(self, member: Member) -> list[Test]:
        """The tests of one relation: of its own id, and of the related record's fields."""
        tests: list[Test] = []
        if not self.is_object(member.node, member.key):
            return tests
        before = len(self.problems)
        ids = {
            field.json.name: field
            for field in self.endpoint.fields
            if field.json is not None and field.json.relation == member.key and field.json.is_id
        }
        for each in member.node.members:
            if self.tired:
                break
            if each.key == self.api.attributes_key:
                tests += self.attributes(each, member.key)
            elif each.key in ids:
                tests += self.operators(each, ids[each.key])
            else:
                self.unknown_key(each, (*ids, self.api.attributes_key))
        if not tests and len(self.problems) == before:
            self.note(say.empty_filter(member.span, member.key))
        return tests

    def operators(self, member: Member, field: Field) -> list[Test]:
        """The tests of one field: an object of operators and values."""
        node, tests = member.node, list[Test]()
        known = {name: Op(op) for op, name in reversed(self.api.operators)}
        if node.kind is not Kind.OBJECT:
            self.note(self.bare_value(member))
            return tests
        if not node.members:
            self.note(say.empty_filter(node.span, member.key))
        for each in node.members:
            if self.tired:
                break
            op = known.get(each.key)
            if op is None:
                names = [name for _, name in self.api.operators]
                meant = self.endpoint.operators_of.get(_HABITS.get(each.key.strip("$").lower(), ""))
                edits = _edits(each.view, [meant] if meant else close_names(each.key, names))
                self.note(say.unknown_operator(each.span, each.key, names, edits))
            elif (test := self.test(each, field, op)) is not None:
                tests.append(test)
        return tests

    def bare_value(self, member: Member) -> Diagnostic:
        """`{"status": "draft"}`: a value where its operator is missing."""
        node, equals = member.node, dict(self.api.operators).get("=")
        edits: tuple[Suggestion, ...] = ()
        if equals and node.kind is not Kind.LIST:
            edit = node.spell(f"{{{dumps(equals)}: ") + node.span.of(self.source) + node.spell("}")
            edits = (Suggestion(f"compare with `{equals}`", node.span, edit),)
        return say.filter_shape(node.span, member.key, "operators and their values", node.kind, edits)

    def test(self, member: Member, field: Field, op: Op) -> Test | None:
        """One operator and its value."""
        node = member.node
        if node.kind is Kind.NULL:
            if op is Op.EQ or op is Op.NE:
                return Test(field, Op.IS_NULL if op is Op.EQ else Op.NOT_NULL, None)
            nulls = [name for known, name in self.api.operators if known in (Op.EQ, Op.NE)]
            self.note(say.null_in_filter(node.span, member.key, nulls))
            return None
        if node.kind is Kind.LIST:
            self.note(say.list_in_filter(node.span, member.key))
            return None
        if node.kind is Kind.OBJECT:
            self.note(say.filter_shape(node.span, member.key, "one value", node.kind))
            return None
        if (why := _refusal(op, field)) is not None:
            self.note(say.wrong_operator(member.span, member.key, field.name, field.type, why))
            return None
        value = self.pattern(node, field) if op in PATTERNS else self.json_value(node, field)
        return None if value is None else Test(field, op, value)

    def pattern(self, node: Node, field: Field) -> str | None:
        """The pattern of a `like`: any text, whatever values the field lists."""
        if not isinstance(node.value, str):
            self.note(self.wrong_type(node, field))
            return None
        if patterns.ends_in_backslash(node.value):
            self.note(say.lone_backslash(node.span))
            return None
        return None if self.literal(node.value, True, node.span, field) is None else node.value

    def json_value(self, node: Node, field: Field) -> Scalar | None:
        """The value of a JSON scalar, where it is of the field's type."""
        if field.type is FieldType.BOOLEAN:
            if isinstance(node.value, bool):
                return node.value
        elif field.type in NUMBERS:
            if node.kind is Kind.NUMBER:
                return self.value(str(node.value), False, node.span, field, str)
        elif isinstance(node.value, str):
            return self.value(
                node.value, True, node.span, field, lambda text: node.spell(dumps(text, ensure_ascii=False))
            )
        self.note(self.wrong_type(node, field))
        return None

    def wrong_type(self, node: Node, field: Field) -> Diagnostic:
        """A JSON value of another type than the field's, with the edit where the same value can be meant."""
        raw = node.view.text if node.view is not None else str(node.value).lower()
        edit = ""
        if node.view is not None and (
            (field.type is FieldType.BOOLEAN and raw in ("true", "false"))
            or (field.type in NUMBERS and raw.isascii() and raw.isdecimal() and str(int(raw[:18])) == raw)
        ):
            edit = raw
        elif node.view is None and field.type is FieldType.STRING:
            edit = f'"{raw}"'
        kind = _NAMES.get(field.type, str(field.type))
        help = f"it is {'a text' if node.view is not None else node.kind} here"
        edits = (Suggestion(f"use `{edit}`", node.span, node.spell(edit)),) if edit else ()
        return say.wrong_value(node.span, raw, field.name, kind, help, edits)

    # Values

    def value(self, text: str, quoted: bool, span: Span, field: Field, spell: Spell) -> Scalar | None:
        """What a text stands for in a field; None after saying what is wrong with it."""
        literal = self.literal(text, quoted, span, field)
        if literal is None:
            return None
        notes: list[Diagnostic] = []
        read = read_literal(literal, field, UTC_CLOCK, notes)
        if isinstance(read, Diagnostic):
            notes.append(_of_a_request(read, text, field))
        elif field.type is FieldType.NUMBER and type(read) is not int and text.lstrip("+-").isdecimal():
            notes.append(say.wrong_value(span, text, field.name, field.type, "whole numbers have up to 18 digits"))
        for note in notes:
            self.note(_respelt(note, spell))
        return None if _wrong(notes) or isinstance(read, Diagnostic) else read

    def literal(self, text: str, quoted: bool, span: Span, field: Field) -> ast.Literal | None:
        """The literal of a text, None after saying that no query can hold it."""
        try:
            return ast.Literal(text, quoted, span=span)
        except ValueError:
            help = "no query can hold NUL or half a surrogate pair"
            self.note(say.wrong_value(span, text, field.name, "text", help))
            return None

    # What is said of a filter's keys

    def is_object(self, node: Node, key: str) -> bool:
        if node.kind is not Kind.OBJECT:
            self.note(say.filter_shape(node.span, key, "an object", node.kind))
        return node.kind is Kind.OBJECT

    def unknown_key(self, member: Member, known: tuple[str, ...]) -> None:
        edits = _edits(member.view, close_matches(member.key, known, 1))
        self.note(say.unknown_key(member.span, member.key, known, edits))

    def unknown_field(self, member: Member, relation: str | None, places: list[str]) -> None:
        """A name that has no place in the filter: perhaps a field that is asked for in another way."""
        name = member.key if relation is None else f"{relation}.{member.key}"
        field = self.endpoint.by_name.get(name)
        help, close = "", close_matches(member.key, places, 3)
        if field is not None and field.derived is not None:
            base = self.endpoint.field(field.derived.base)
            null = "null" if field.derived.when_null else "not null"
            help, close = f"`{name}` stands for `{base.name}` being {null}; ask that", []
        elif field is not None and field.json is not None and field.json.is_id:
            api = self.endpoint.api
            help, close = f"a relation's own `{api.id_key}` stands beside its `{api.attributes_key}`", []
        elif field is not None and field.param is not None:
            help, close = f"it has a direct parameter alone: `{field.param.name}`", []
        elif not close:
            help = "`pql schema` lists the fields"
        edits = _edits(member.view, close)
        self.note(say.unknown_place(member.span, member.key, self.endpoint.name, help, edits))


def _refusal(op: Op, field: Field) -> str | None:
    """Why an operator does not apply to a field, None where it does."""
    if op in BOUNDS and field.type not in ORDERED:
        return "only numbers and dates have an order"
    return "only text has parts" if op in PATTERNS and field.type not in TEXTS else None


def _edits(view: View, names: Iterable[str]) -> tuple[Suggestion, ...]:
    """Other texts in place of one, written the way it is."""
    return tuple(Suggestion(f"use `{name}`", view.whole, view.spell(name)) for name in names)


def _of_a_request(problem: Diagnostic, text: str, field: Field) -> Diagnostic:
    """What is said of a literal of a query, as it is said of a request: no relative time, no `on`."""
    if field.type not in DATES or problem.code not in ("wrong-value", "quoted-value"):
        return problem
    example = "`2024-01-15`" if field.type is FieldType.DATE else "`2024-01-15` or `2024-01-15T09:30:00Z`"
    edits = problem.suggestions if problem.code == "wrong-value" else ()
    kind = _NAMES.get(field.type, str(field.type))
    return say.wrong_value(problem.span, text, field.name, kind, f"a {kind} is written {example}", edits)


def _respelt(problem: Diagnostic, spell: Spell) -> Diagnostic:
    """The problem with its edits written as the request is, not as a query."""
    if not problem.suggestions:
        return problem
    edits = (
        replace(each, replacement=spell(loads(each.replacement) if each.replacement[:1] == '"' else each.replacement))
        for each in problem.suggestions
    )
    return replace(problem, suggestions=tuple(edits))
