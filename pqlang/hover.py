"""What stands at a place of a query, for whoever points at it: a field, an operator, a value, and what is wrong there.

The place is found by its token and the condition by the tokens around it, so that a half-written query is explained
too. What a condition becomes, and what is wrong, is asked of the compiler; what the language means stands in the
tables of this module, and what an API means in its schema.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, tzinfo

from pqlang import arguments, ast, glossary, mistakes
from pqlang import diagnostics as say
from pqlang.compiler import Analysis, analyse, request
from pqlang.diagnostics import Diagnostic, Severity
from pqlang.glossary import Facts
from pqlang.highlighter import Token, TokenKind, tokens
from pqlang.literals import read_bound
from pqlang.moments import Clock, make_clock
from pqlang.parser import name_parts
from pqlang.schema import Endpoint, Field, FieldType
from pqlang.source import DEFAULT_LIMITS, NOWHERE, Span
from pqlang.valueclass import frozen

VALUES = frozenset(
    {
        TokenKind.STRING,
        TokenKind.NUMBER,
        TokenKind.TIME,
        TokenKind.CONSTANT,
        TokenKind.VARIABLE,
        TokenKind.WORD,
    }
)


@frozen
class Description:
    """What stands at a place of a query.

    `span` is the text that is described, `kind` what it is, `title` its name. `text` says what it means, in lower case
    and with names in backticks; `facts` are pairs of a label and a text; `problems` is what is wrong or worth knowing
    about it. `str` gives it as lines for a terminal.
    """

    span: Span
    kind: TokenKind
    title: str
    text: str
    facts: tuple[tuple[str, str], ...] = ()
    problems: tuple[Diagnostic, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.title}: {self.text}", *(f"  {label}: {text}" for label, text in self.facts)]
        for problem in self.problems:
            lines.append(f"  {problem.severity}: {problem.message}" + (f"; {problem.help}" if problem.help else ""))
        return "\n".join(lines)


def describe(
    query: object,
    cursor: int,
    endpoint: str | Endpoint,
    *,
    variables: Mapping[str, object] | None = None,
    now: datetime | str | None = None,
    tz: str | tzinfo = "UTC",
    mode: str = "search",
) -> Description | None:
    """What stands at the cursor, an offset in code points from 0 to the length of the text; None on blanks.

    A cursor between two tokens is on the one that follows, unless that is a parenthesis or a comma; one at a token's
    end is still on it. The rest of the query may be wrong or unfinished. The keywords are those of `compile`. Raises
    PqlError for wrong arguments alone, a cursor outside the text included; never for what the text says.

    >>> text = "parent_status = draft and created_at > now-7d"
    >>> print(describe(text, 18, "cases"))
    draft: in preparation
    >>> print(describe(text, 40, "cases", now="2024-01-15T12:00:00Z"))
    now-7d: the instant 2024-01-08T12:00:00Z
    >>> describe(text, 37, "cases")
    Description(span=Span(start=37, end=38), kind=<TokenKind.OPERATOR: 'operator'>, title='>', ...)
    """
    at = arguments.endpoint(endpoint)
    clock = make_clock(now, tz)
    source, bound = arguments.source(query, variables, DEFAULT_LIMITS)
    text = source.text
    if type(cursor) is not int or not 0 <= cursor <= len(text):
        raise arguments.wrong("cursor", cursor, f"a whole number from 0 to {len(text)}, the length of the query")
    analysis = analyse(text, at, target=None, variables=bound, now=clock.now, tz=tz, mode=mode)
    found = tokens(text)
    index = _under(found, cursor)
    if index is None:
        return None
    clause = next((each for each in _clauses(text, found) if each.start <= index < each.end), None)
    field = None if clause is None else at.by_parts.get(name_parts(found[clause.start].span.of(text)))
    unbound = variables is None and not bound
    place = _Place(text, found, index, clause, field, analysis, clock, tz, mode, None if unbound else bound)
    return _DESCRIBERS[found[index].kind](place)


def _under(found: list[Token], cursor: int) -> int | None:
    """The token that a cursor is on."""
    touching = [at for at, (_, span) in enumerate(found) if span.start <= cursor <= span.end]
    if not touching:
        return None
    first, last = touching[0], touching[-1]
    return first if found[last].kind is TokenKind.PUNCTUATION else last


@frozen
class _Clause:
    """The tokens of one condition, by their numbers: its field, its operator and what follows it."""

    start: int
    value: int  # the first after the operator
    end: int
    operator: str  # its canonical name; empty for a field alone


@frozen
class _Place:
    """A token, and what is known around it."""

    text: str
    found: list[Token]
    index: int
    clause: _Clause | None
    field: Field | None  # of the condition
    analysis: Analysis
    clock: Clock
    tz: str | tzinfo
    mode: str
    bound: Mapping[str, object] | None  # None where variables are bound later

    @property
    def token(self) -> Token:
        return self.found[self.index]

    @property
    def written(self) -> str:
        return self.token.span.of(self.text)

    @property
    def endpoint(self) -> Endpoint:
        return self.analysis.endpoint

    def described(self, text: str, facts: Facts = (), title: str = "", span: Span | None = None) -> Description:
        """The description of the token, or of the span it is a part of, with the problems that are about it."""
        span = self.token.span if span is None else span
        starts = [each.span.start for each in self.found]
        about = tuple(problem for problem in self.analysis.diagnostics if self._is_about(problem, span, starts))
        return Description(span, self.token.kind, title or span.of(self.text), text, facts, about)

    def _is_about(self, problem: Diagnostic, span: Span, starts: list[int]) -> bool:
        """An error wherever it touches; what is said of a whole condition or group, at the sign that makes it one."""
        if problem.code == "unbound-variable" and self.bound is None:
            return False
        if self.analysis.tree is None:  # nothing was read, which is said everywhere
            return True
        home = _home(self.text, self.found, starts, problem)
        if span.start <= home.start and home.end <= span.end:
            return True
        inside = span.start <= problem.span.start and problem.span.end <= span.end
        touches = problem.span.start < span.end and span.start < problem.span.end
        return touches and (inside or problem.severity is Severity.ERROR)


_CONNECTIVES = ("mixed-and-or",)  # problems of how conditions are joined


def _home(text: str, found: list[Token], starts: list[int], problem: Diagnostic) -> Span:
    """The token that always shows a problem: an operator or a connective in it, else its first, or the one before it.

    A parenthesis between two other tokens is never under a cursor (`_under`), so it is not chosen.
    """
    start, end = problem.span
    first = max(bisect_right(starts, start) - 1, 0)
    inside = [at for at in range(first, bisect_left(starts, end)) if start < found[at].span.end]
    inside = [at for at in inside if _can_be_pointed_at(found, at)]
    kinds = [TokenKind.OPERATOR, TokenKind.KEYWORD]
    for kind in reversed(kinds) if problem.code in _CONNECTIVES else kinds:
        for at in inside:
            if found[at].kind is kind and found[at].span.of(text) != "-":
                return found[at].span
    before = (at for at in range(first, -1, -1) if _can_be_pointed_at(found, at))
    return found[inside[0] if inside else next(before, 0)].span


def _can_be_pointed_at(found: list[Token], at: int) -> bool:
    """Whether some cursor is on a token rather than on its neighbours."""
    kind, span = found[at]
    if kind is not TokenKind.PUNCTUATION:
        return True
    alone_before = at == 0 or found[at - 1].span.end < span.start
    following = found[at + 1] if at + 1 < len(found) else None
    return alone_before or not following or following.span.start > span.end or following.kind is kind


def _clauses(text: str, found: list[Token]) -> Iterator[_Clause]:
    """The conditions, whether or not they are complete."""

    def skip(at: int, kinds: frozenset[TokenKind], most: int = 1) -> int:
        while at < len(found) and most and found[at].kind in kinds and found[at].span.of(text) != "-":
            at, most = at + 1, most - 1
        return at

    at = 0
    while at < len(found):
        start, at = at, at + 1
        if found[start].kind is not TokenKind.FIELD:
            continue
        value = at = skip(at, frozenset({TokenKind.OPERATOR}), most=3)
        operator = " ".join(found[each].span.of(text).lower() for each in range(start + 1, value))
        listed = operator and at < len(found) and found[at].span.of(text) == "("
        if listed:
            at = skip(at + 1, VALUES | {TokenKind.PUNCTUATION}, most=len(found))
            closing = (each for each in range(value, at) if found[each].span.of(text) == ")")
            at = next(closing, at - 1) + 1
        elif operator and operator not in glossary.NULLS:
            at = skip(at, VALUES)
            if operator.endswith("between"):
                at = skip(skip(at, frozenset({TokenKind.OPERATOR})), VALUES)
        yield _Clause(
            start, value, at, "in" if listed and operator == ":" else glossary.ALIASES.get(operator, operator)
        )


# Fields


def _field(place: _Place) -> Description:
    """A name: of a field, or in search mode a word of free text."""
    field = place.endpoint.by_parts.get(name_parts(place.written))
    alone = place.clause is None or not place.clause.operator
    ordered = place.index > 0 and _begins_order(place.found[place.index - 1], place.text)
    if field is None:
        if alone and not ordered and _is_searched_for(place):
            word = ".".join(name_parts(place.written))
            return place.described(glossary.free_text(place.endpoint, word), _related(place))
        return _only_wrong(place)
    text = field.description or f"a field of `{place.endpoint.name}`"
    if alone and not ordered and field.type is not FieldType.BOOLEAN and _is_searched_for(place):
        facts = (("field", f"`{field.name} = …` asks for the field of that name: {text}"),)
        return place.described(glossary.free_text(place.endpoint, ".".join(name_parts(place.written))), facts)
    if alone and not ordered and field.type is FieldType.BOOLEAN:
        text += f"; {glossary.TRUE_ALONE}"
    return place.described(text, tuple(glossary.field_facts(field, place.endpoint)), field.name)


def _is_searched_for(place: _Place) -> bool:
    """Whether a name that stands alone, and asks for no `true`, is free text."""
    return place.mode == "search" and place.endpoint.search is not None


def _begins_order(token: Token, text: str) -> bool:
    return token.kind is TokenKind.KEYWORD and token.span.of(text)[:5].lower() == "order"


def _related(place: _Place) -> Facts:
    """The fields of a relation that is named alone."""
    names = [f"`{each.name}`" for each in place.endpoint.fields if each.relation == place.written]
    return (("fields", say.listing(names, "and")),) if names else ()


# Operators


def _operator(place: _Place) -> Description:
    if place.written == "-":
        return place.described(f"`not`: {glossary.KEYWORDS['not']}")
    clause = place.clause
    if clause is None or clause.operator not in glossary.OPERATORS:
        return _only_wrong(place)
    operator, field = _meant(place, clause), place.field
    means = glossary.meaning(operator, field)
    span = Span(place.found[clause.start + 1].span.start, place.found[clause.value - 1].span.end)
    if place.index >= clause.value:  # the `and` of `between`
        span = place.token.span
    facts = [("null", glossary.null_rule(operator, field))]
    if (sent := _sent(place, clause)) is not None:
        facts.append(("sent as", sent))
    name = f"`{field.name}`" if field is not None else "the field"
    return place.described(f"{name} {means}", tuple(facts), clause.operator, span)


def _meant(place: _Place, clause: _Clause) -> str:
    """The operator; `= null` asks what `is null` asks."""
    value = place.found[clause.value] if clause.value < clause.end else None
    if value is None or value.kind is not TokenKind.CONSTANT or value.span.of(place.text).lower() != "null":
        return clause.operator
    return {"=": "is null", "!=": "is not null"}.get(clause.operator, clause.operator)


def _sent(place: _Place, clause: _Clause) -> str | None:
    """What the condition becomes by itself: a JSON filter, a direct parameter, or why neither; None if incomplete."""
    span = Span(place.found[clause.start].span.start, place.found[clause.end - 1].span.end)
    refused: list[Diagnostic] = []
    for target in ("json", "params"):
        made = analyse(
            span.of(place.text),
            place.endpoint,
            target=target,
            variables=place.bound,
            now=place.clock.now,
            tz=place.tz,
            mode=place.mode,
        )
        if made.meaning is None:
            return None
        if made.pushed is not None:
            asked = request(made)
            said = json.dumps(asked.filter, ensure_ascii=False) if target == "json" else _unencoded(asked.params)
            return f"`{say.shorten(said, 200)}`"
        refused += [problem for problem in made.diagnostics if problem.severity is Severity.ERROR]
    return refused[0].message if refused else None


def _unencoded(params: Mapping[str, str | list[str]]) -> str:
    """Parameters as people read them; `Request.query_string` is what is sent."""
    pairs = ((name, each) for name, value in params.items() for each in ([value] if isinstance(value, str) else value))
    return "&".join(f"{name}={value}" for name, value in pairs)


# Values


def _value(place: _Place) -> Description:
    clause = place.clause
    if clause is None or place.index < clause.value:
        return _only_wrong(place, glossary.UNREAD)
    if place.field is None:
        return place.described(f"a value of `{place.found[clause.start].span.of(place.text)}`, which is no field")
    if place.token.kind is TokenKind.VARIABLE:
        return place.described(*_bound(place, place.field))
    body, quoted = place.written, place.token.kind is TokenKind.STRING
    if quoted:
        body, _ = mistakes.unescape(body[1:-1], 0)
    return place.described(*glossary.literal(ast.Literal(body, quoted), place.field, clause.operator, place.clock))


def _bound(place: _Place, field: Field) -> tuple[str, Facts]:
    """What a variable is bound to, and how its field reads that."""
    name = place.written[1:]
    if place.bound is None or name not in place.bound:
        return glossary.UNBOUND, ()
    value = place.bound[name]
    if value is None:
        return "bound to None: " + glossary.NO_VALUE, ()
    if isinstance(value, list | tuple | set | frozenset):
        return f"bound to {len(value)} value{'' if len(value) == 1 else 's'}", (("values", say.shown(value)),)
    read = read_bound(name, value, NOWHERE, field, place.clock, [])
    text, facts = glossary.scalar(read, field, place.clock)
    return f"bound to {text}" if not isinstance(read, Diagnostic) else f"bound to {say.shown(value)}", facts


# The rest


def _string(place: _Place) -> Description:
    """A quoted value, or free text where it stands alone."""
    tree = place.analysis.tree
    if place.clause is None and tree is not None and place.token.span in _texts(tree.where):
        if place.endpoint.search is None:
            return _only_wrong(place)
        body, _ = mistakes.unescape(place.written[1:-1], 0)
        return place.described(glossary.free_text(place.endpoint, body))
    return _value(place)


def _texts(node: ast.Expr | None) -> Iterator[Span]:
    """The places of free text."""
    match node:
        case ast.Text():
            yield node.span
        case ast.Not():
            yield from _texts(node.operand)
        case ast.And() | ast.Or():
            for each in node.operands:
                yield from _texts(each)


def _keyword(place: _Place) -> Description:
    word = " ".join(place.written.lower().split())
    text = glossary.KEYWORDS[word]
    if word == "order by" and place.endpoint.default_sort is not None:
        text += f"; without it the list is sorted by `{place.endpoint.default_sort}`"
    return place.described(text, title=word)


def _punctuation(place: _Place) -> Description:
    listed = place.clause is not None
    return place.described(glossary.COMMA if place.written == "," else glossary.LIST if listed else glossary.GROUP)


def _only_wrong(place: _Place, otherwise: str = "this cannot be read") -> Description:
    """What is known of it is what is wrong with it."""
    described = place.described(otherwise)
    if not described.problems:
        return described
    first = described.problems[0]
    return Description(described.span, described.kind, described.title, first.message, (), described.problems)


_DESCRIBERS: dict[TokenKind, Callable[[_Place], Description]] = {
    TokenKind.FIELD: _field,
    TokenKind.OPERATOR: _operator,
    TokenKind.KEYWORD: _keyword,
    TokenKind.STRING: _string,
    TokenKind.NUMBER: _value,
    TokenKind.TIME: _value,
    TokenKind.CONSTANT: _value,
    TokenKind.VARIABLE: _value,
    TokenKind.WORD: _value,
    TokenKind.PUNCTUATION: _punctuation,
    TokenKind.ERROR: _only_wrong,
}
