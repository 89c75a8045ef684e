"""Text to tree: a driver that walks the grammar's tables, and one small function for each rule that builds a node.

The tables come from `grammar/pql.lark` (see `grammar/build.py`); nothing here knows the syntax but the builders.
The driver is iterative, so no text can exhaust the stack, and after a mistake it goes on at the next connective:
the part that could not be read becomes an `ast.Hole`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

from pqlang import diagnostics as say
from pqlang import mistakes
from pqlang._tables import (
    ACCEPT,
    ACTIONS,
    DEFAULTS,
    GOTOS,
    KEYWORDS,
    KINDS,
    MODE,
    MODES,
    NONTERMINALS,
    PATTERNS,
    RULES,
)
from pqlang.ast import (
    And,
    Between,
    Compare,
    Expr,
    Flag,
    Hole,
    In,
    IsNull,
    Literal,
    Not,
    On,
    Op,
    Or,
    OrderBy,
    Path,
    Query,
    Text,
    Value,
    Variable,
)
from pqlang.diagnostics import Diagnostic
from pqlang.source import DEFAULT_LIMITS, Limits, Source, Span, span_of
from pqlang.valueclass import frozen, replace

Token: TypeAlias = "tuple[int, int, str, int]"  # start, end, text, kind
Builders: TypeAlias = "tuple[Callable[[Reading, list[Any]], Any], ...]"  # one for each rule of the tables
END, FIELD, LPAR, RPAR, NOT, MINUS, ORDER_BY, BETWEEN, AND = (
    KINDS.index(kind) for kind in ("$END", "FIELD", "LPAR", "RPAR", "NOT", "MINUS", "ORDER_BY", "BETWEEN", "AND")
)
SAID_IN_SEARCH = frozenset({"foreign-operator", "range-phrase", "doubled-quote", "day-and-time"})
OPENERS = frozenset({LPAR, NOT, MINUS})  # before a condition, each is a level of nesting
PRIMARY, ORDER = (NONTERMINALS.index(name) for name in ("primary", "order"))
SCANNED = tuple((0, *kinds) for _, kinds in MODES)  # group number -> kind
MOST_PROBLEMS = 20  # a text with more mistakes than this is no query; the rest is not read


class Reading:
    """What one run of the driver gathers beside the tree."""

    __slots__ = ("grouped", "limits", "problems", "search", "text", "trace")

    def __init__(self, text: str, search: bool, limits: Limits, trace: list[Token] | None = None) -> None:
        self.text = text
        self.search = search
        self.limits = limits
        self.problems: list[Diagnostic] = []
        self.grouped: dict[int, Expr] = {}  # by their ids, the nodes that stand in parentheses of their own
        self.trace = trace  # where one is kept: each token read; of kind -1, what a mistake hides

    @property
    def wrong(self) -> bool:
        """Whether there is an error so far."""
        return any(problem.severity is say.Severity.ERROR for problem in self.problems)

    def search_only(self, problem: Diagnostic) -> None:
        """Note a form that search mode allows and strict mode refuses."""
        if not self.search:
            self.problems.append(problem)


def parse_source(
    source: Source, *, search: bool = False, limits: Limits = DEFAULT_LIMITS
) -> tuple[Query | None, list[Diagnostic]]:
    """The tree of a text and every problem of its syntax. No tree where a limit stops the reading."""
    if len(source.text) > limits.length:
        return None, [say.too_long(len(source.text), limits.length)]
    reading = Reading(source.text, search, limits)
    return drive(reading, BUILDERS), reading.problems


def drive(reading: Reading, builders: Builders) -> Any:
    """Shift and reduce by the tables until the text is read; what a rule's builder returns is its value."""
    text, deepest, trace = reading.text, reading.limits.depth, reading.trace
    states: list[int] = [0]
    values: list[Any] = []
    state = at = depth = 0
    token: Token | None = None
    while True:
        rule = DEFAULTS[state]
        if rule < 0:
            actions = ACTIONS[state]
            if token is None:
                token = next_token(text, at, state)
            action = actions.get(token[3])
            if action is None:
                resumed = recover(reading, builders, states, values, token, at)
                if trace is not None:
                    end = len(text) if resumed is None else resumed
                    trace.append((token[0], end, text[token[0] : end], -1))
                if resumed is None:
                    return None
                at, token, state = resumed, None, states[-1]
                continue
            if action >= 0:
                kind = token[3]
                if kind in OPENERS and PRIMARY in GOTOS[action]:
                    depth += 1
                    if depth > deepest:
                        reading.problems.append(mistakes.too_deep(text, token[0], deepest))
                        return None
                if trace is not None:
                    trace.append(token)
                states.append(action)
                values.append(token)
                state, at, token = action, token[1], None
                continue
            rule = ~action
        lhs, length, name = RULES[rule]
        build = builders[rule]
        if build is _same and length == 1:  # another name for what stands there
            states[-1] = state = GOTOS[states[-2]][lhs]
            continue
        value = build(reading, values[-length:] if length else [])
        if length:
            del states[-length:], values[-length:]
            if name == "group" or name == "negation":
                depth -= 1
        state = GOTOS[states[-1]][lhs]
        if state == ACCEPT:
            return value
        states.append(state)
        values.append(value)


@cache
def _scanner(mode: int) -> Callable[[str, int], re.Match[str] | None]:
    return re.compile(MODES[mode][0]).match


@cache
def _matcher(kind: int) -> Callable[[str, int], re.Match[str] | None]:
    return re.compile(PATTERNS[kind]).match


def next_token(text: str, at: int, state: int) -> Token:
    """The token that stands next, as the state's lexer mode reads it; of kind -1 where nothing does."""
    mode = MODE[state]
    match = _scanner(mode)(text, at)
    if match is None:
        return _other_token(text, at, state)
    group = match.lastindex
    assert group is not None
    kind = SCANNED[mode][group]
    start, end = match.span(group)
    word = match[group]
    if kind == FIELD or kind < 0:
        head = word.partition("[")[0] if "[" in word else word
        keyword = KEYWORDS.get(head)
        if keyword is None and not head.islower() and head.isascii():  # `AND`, but no word with a Kelvin sign in it
            keyword = KEYWORDS.get(head.lower())
        if keyword in ACTIONS[state]:  # `in[a]` is the keyword and a bracket, where the keyword may stand
            return start, start + len(head), head, keyword
    if kind not in ACTIONS[state]:
        return _other_token(text, start, state, (start, end, word, kind))
    return start, end, word, kind


def _other_token(text: str, at: int, state: int, token: Token | None = None) -> Token:
    """What the state would take here although the mode's pattern found something else, or nothing."""
    at = _BLANKS(text, at).end()  # type: ignore[union-attr]
    for kind in _BY_LENGTH:
        if kind in ACTIONS[state] and (match := _matcher(kind)(text, at)):
            return at, match.end(), match[0], kind
    return token or (at, at, "", -1)


_BLANKS = re.compile("[ \t\r\n\xa0]*").match
_BY_LENGTH = sorted(range(len(KINDS)), key=lambda kind: kind in (FIELD, KINDS.index("WORD")))  # keywords before names


# After a mistake


def recover(
    reading: Reading, builders: Builders, states: list[int], values: list[Any], token: Token, at: int
) -> int | None:
    """Report what is wrong at the token, put a hole in place of the condition, and say where to read on.

    None where reading stops: too many mistakes. The stacks are left as if the hole had just been read.
    """
    text = reading.text
    last = values[-1][2] if values and type(values[-1]) is tuple else mistakes.last_word(text, at)
    expected = frozenset(KINDS[kind] for kind in range(len(KINDS)) if accepts(states, kind))
    opened = [value for value in values if type(value) is tuple and value[3] == LPAR]
    where = mistakes.Where(text, token[0], token[1], at, expected, last, opened)
    problem = mistakes.explain(where)
    reading.problems.append(problem)
    if len(reading.problems) > MOST_PROBLEMS:
        return None
    if token[3] == END and accepts(states, RPAR):
        _close(reading, builders, states, values, token[0])
        return token[0]
    dropped: list[Any] = []
    while PRIMARY not in GOTOS[states[-1]] and (ORDER not in GOTOS[states[-1]] or not dropped):
        states.pop()
        dropped.append(values.pop())
    kinds = {value[3] for value in dropped if type(value) is tuple}
    start = min(token[0], *(_start(value) for value in dropped)) if dropped else token[0]
    if ORDER_BY in kinds:
        states.append(GOTOS[states[-1]][ORDER])
        values.append(None)
        return len(text)
    lists = sum(type(value) is tuple and value[3] == LPAR for value in dropped)
    between = BETWEEN in kinds and AND not in kinds
    if mistakes.is_connective(problem) and not between:  # `&&` hides no condition
        resume = problem.span.end
    else:
        resume = mistakes.next_connective(text, token[0], len(opened) > lists, lists, between=between)
    states.append(GOTOS[states[-1]][PRIMARY])
    values.append(Hole(span=Span(start, max(start, resume))))
    return resume


def _start(value: Any) -> int:
    """Where a value on the stack began: a token, a node, or what a repetition gathered."""
    first = value[0] if type(value) is list else value
    start: int = first[0] if type(first) is tuple else first.span.start
    return start


def _close(reading: Reading, builders: Builders, states: list[int], values: list[Any], at: int) -> None:
    """Read the closing parenthesis that is missing at the end of the text."""
    while True:
        rule = DEFAULTS[states[-1]]
        action = ACTIONS[states[-1]].get(RPAR, -1) if rule < 0 else ~rule
        if action >= 0:
            states.append(action)
            values.append((at, at, ")", RPAR))
            return
        lhs, length, _ = RULES[~action]
        value = builders[~action](reading, values[-length:])
        del states[-length:], values[-length:]
        states.append(GOTOS[states[-1]][lhs])
        values.append(value)


def accepts(states: list[int], kind: int) -> bool:
    """Whether a token of this kind may stand next: the reductions it would cause are tried on a copy."""
    stack = list(states)
    while True:
        rule = DEFAULTS[stack[-1]]
        if rule < 0:
            action = ACTIONS[stack[-1]].get(kind)
            if action is None:
                return False
            if action >= 0:
                return True
            rule = ~action
        lhs, length, _ = RULES[rule]
        if length:
            del stack[-length:]
        stack.append(GOTOS[stack[-1]][lhs])
        if stack[-1] == ACCEPT:
            return kind == END


# Builders: the children of a rule, punctuation included, to its node


@frozen
class ValueList:
    """The values between two parentheses, and the place of both."""

    values: tuple[Value, ...]
    span: Span


_OPS = {str(op): op for op in Op} | {"==": Op.EQ, ":": Op.EQ, "<>": Op.NE}
_MATCHES = {"like": Op.LIKE, "ilike": Op.ILIKE, "contains": Op.CONTAINS, "starts": Op.STARTS, "ends": Op.ENDS}
NEGATED = {
    Op.LIKE: Op.NOT_LIKE,
    Op.ILIKE: Op.NOT_ILIKE,
    Op.CONTAINS: Op.NOT_CONTAINS,
    Op.STARTS: Op.NOT_STARTS,
    Op.ENDS: Op.NOT_ENDS,
}


def _path(token: Token) -> Path:
    start, end, text, _ = token
    return Path(name_parts(text), span=span_of((start, end)))


def name_parts(text: str) -> tuple[str, ...]:
    """The parts of a name as written: dots and brackets separate, backticks protect.

    >>> name_parts("owner[email]"), name_parts("`a.b`.c")
    (('owner', 'email'), ('a.b', 'c'))
    """
    if "`" not in text:
        if "[" in text:
            text = text.replace("[", ".").replace("]", "")
            return tuple(part.strip(" \t\r\n\xa0") for part in text.split("."))
        return tuple(text.split("."))
    return tuple(plain or quoted for quoted, plain in _PARTS.findall(text))


_PARTS = re.compile(r"(?:^|[.\[])[ \t\r\n\xa0]*(?:`([^`]*)`|([^`.\[\] \t\r\n\xa0]*))")


def _compare(reading: Reading, kids: list[Any]) -> Compare:
    name, op, value = kids
    return Compare(_path(name), _OPS[op[2]], value, span=span_of((name[0], value.span.end)))


def _compare_list(reading: Reading, kids: list[Any]) -> Expr:
    name, op, values = kids
    span = Span(name[0], values.span.end)
    word = "not in" if op[2] in ("!=", "<>") else "in"
    if op[2] == ":":
        reading.search_only(say.colon_list(Span(op[0], op[1]), _apart(reading.text, op, "in")))
    elif op[2] in ("=", "==", "!=", "<>"):
        reading.problems.append(say.list_after_equals(Span(op[0], op[1]), op[2], word, _apart(reading.text, op, word)))
    else:
        reading.problems.append(say.list_after_operator(values.span, op[2]))
        return Hole(span=span)
    return In(_path(name), values.values, word == "not in", span=span)


def _apart(text: str, token: Token, word: str) -> str:
    """A word to put in a sign's place, with the blanks that a word needs around it."""
    before = "" if text[token[0] - 1 : token[0]].isspace() else " "
    return before + word + ("" if text[token[1] : token[1] + 1].isspace() else " ")


def _match(reading: Reading, kids: list[Any]) -> Compare:
    """`like`, `contains`, `starts with` …, with or without `not`."""
    op = _MATCHES[kids[1][2].lower()] if kids[1][3] != NOT_OP else NEGATED[_MATCHES[kids[2][2].lower()]]
    value = kids[-1]
    return Compare(_path(kids[0]), op, value, span=span_of((kids[0][0], value.span.end)))


NOT_OP = KINDS.index("NOT_OP")


def _inside(reading: Reading, kids: list[Any]) -> In:
    values = kids[-1]
    listed = (values,) if isinstance(values, Variable) else values.values
    return In(_path(kids[0]), listed, kids[1][3] == NOT_OP, span=span_of((kids[0][0], values.span.end)))


def _between(reading: Reading, kids: list[Any]) -> Between:
    low, high = kids[-3], kids[-1]
    return Between(_path(kids[0]), low, high, kids[1][3] == NOT_OP, span=span_of((kids[0][0], high.span.end)))


def _on(reading: Reading, kids: list[Any]) -> On:
    return On(_path(kids[0]), kids[-1], kids[1][3] == NOT_OP, span=span_of((kids[0][0], kids[-1].span.end)))


def _is_null(reading: Reading, kids: list[Any]) -> IsNull:
    return IsNull(_path(kids[0]), len(kids) == 4, span=span_of((kids[0][0], kids[-1][1])))


def _flag(reading: Reading, kids: list[Any]) -> Flag:
    return Flag(_path(kids[0]), span=span_of((kids[0][0], kids[0][1])))


def _text(reading: Reading, kids: list[Any]) -> Text:
    return Text(_string(reading, kids), span=span_of((kids[0][0], kids[0][1])))


def _word(reading: Reading, kids: list[Any]) -> Literal:
    start, end, text, _ = kids[0]
    return Literal(text, span=span_of((start, end)))


def _string(reading: Reading, kids: list[Any]) -> Literal:
    start, end, text, _ = kids[0]
    body = text[1:-1]
    if "\\" in body:
        body, wrong = mistakes.unescape(body, start + 1)
        reading.problems += wrong
    return Literal(body, True, span=span_of((start, end)))


def _variable(reading: Reading, kids: list[Any]) -> Variable:
    start, end, text, _ = kids[0]
    return Variable(text[1:], span=span_of((start, end)))


def _list(reading: Reading, kids: list[Any]) -> ValueList:
    values = [kids[1]]
    if type(kids[2]) is list:
        values += [kid for kid in kids[2] if type(kid) is not tuple]
    span = Span(kids[0][0], kids[-1][1])
    if len(values) > reading.limits.values:
        reading.problems.append(say.too_many_values(span, len(values), reading.limits.values))
    return ValueList(tuple(values), span)


def _more(reading: Reading, kids: list[Any]) -> list[Any]:
    """What a repetition has gathered so far, separators included."""
    if type(kids[0]) is list:
        kids[0].extend(kids[1:])
        return kids[0]
    return kids


def _group(reading: Reading, kids: list[Any]) -> Expr:
    grouped: Expr = replace(kids[1], span=span_of((kids[0][0], kids[2][1])))
    reading.grouped[id(grouped)] = grouped  # kept, or another node might come to have its id
    return grouped


def _negation(reading: Reading, kids: list[Any]) -> Not:
    sign, operand = kids
    if sign[2] == "-":
        before = reading.text[sign[0] - 1 : sign[0]] if sign[0] else " "
        apart = "not " if before.isspace() or before == "(" else " not "
        reading.search_only(say.minus_for_not(Span(sign[0], sign[1]), apart))
    return Not(operand, span=span_of((sign[0], operand.span.end)))


def _and(reading: Reading, kids: list[Any]) -> And:
    operands: list[Expr] = [kids[0]]
    joined = False
    for kid in kids[1]:
        if type(kid) is tuple:
            joined = True
        elif joined:
            operands.append(kid)
            joined = False
        else:
            operands[-1:] = _juxtaposed(reading, operands[-1], kid)
    span = Span(operands[0].span.start, operands[-1].span.end)
    return And(tuple(operands), span=span) if len(operands) > 1 else replace(operands[0], span=span)  # type: ignore[return-value]


def _juxtaposed(reading: Reading, left: Expr, right: Expr) -> tuple[Expr, ...]:
    """Two conditions with a blank between them: an *and* in search mode, in strict mode most often something else."""
    if isinstance(right, Hole):
        return left, right
    if isinstance(right, Not) and isinstance(right.operand, Hole) and isinstance(left, Flag):  # `status not = draft`
        return (Hole(span=span_of((left.span.start, right.span.end))),)
    words = isinstance(right, Flag | Text)
    if isinstance(left, Hole):  # what follows a mistake is part of it
        return (
            (Hole(span=span_of((left.span.start, right.span.end))),) if words and not reading.search else (left, right)
        )
    problem, mended = mistakes.explain_juxtaposition(reading.text, left, right, reading.problems)
    if reading.search and problem.code not in SAID_IN_SEARCH:
        return left, right
    reading.problems.append(problem)
    return (left, right) if mended is None else (mended,)


def _or(reading: Reading, kids: list[Any]) -> Or:
    operands = (kids[0], *(kid for kid in kids[1] if type(kid) is not tuple))
    span = Span(operands[0].span.start, operands[-1].span.end)
    for operand in operands:
        if isinstance(operand, And) and id(operand) not in reading.grouped and not reading.wrong:
            reading.problems.append(say.mixed_and_or(operand.span, operand.span.of(reading.text)))
    return Or(operands, span=span)


def _order(reading: Reading, kids: list[Any]) -> OrderBy:
    descending = len(kids) == 3 and kids[2][2].lower() == "desc"
    return OrderBy(_path(kids[1]), descending, span=span_of((kids[0][0], kids[-1][1])))


def _query(reading: Reading, kids: list[Any]) -> Query:
    order = kids.pop() if kids and (kids[-1] is None or isinstance(kids[-1], OrderBy)) else None
    return Query(kids[0] if kids else None, order, span=span_of((0, len(reading.text))))


def _same(reading: Reading, kids: list[Any]) -> Any:
    return kids[0]


_BUILDER = {
    "affix": _match,
    "and": _and,
    "between": _between,
    "compare": _compare,
    "compare_list": _compare_list,
    "flag": _flag,
    "group": _group,
    "inside": _inside,
    "is_null": _is_null,
    "list": _list,
    "match": _match,
    "more": _more,
    "negation": _negation,
    "on": _on,
    "or": _or,
    "order": _order,
    "query": _query,
    "same": _same,
    "string": _string,
    "text": _text,
    "variable": _variable,
    "word": _word,
}
BUILDERS = tuple(_BUILDER[name] for _, _, name in RULES)
