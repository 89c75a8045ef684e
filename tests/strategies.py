"""What the laws are tried on: trees, texts, conditions and records, drawn by Hypothesis.

Texts and names are spelt here by LANGUAGE's words and not by `pqlang.spelling`, so that the two are held against
each other. `pytest --examples 10` tries ten times as many.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple, TypeAlias

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from pqlang import ast
from pqlang.condition import All, Condition, Moment, Not, Op, Scalar, Test
from pqlang.condition import Any as AnyOf
from pqlang.schema import Active, Api, Derived, Endpoint, Field, FieldType, JsonPlace, Match, Parameter

EXAMPLES = int(os.environ.get("PQLANG_EXAMPLES", "1"))
Draw: TypeAlias = Callable[[st.SearchStrategy[Any]], Any]


def examples(count: int) -> settings:
    """Settings for a law tried `count` times, more in a long run."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    return settings(max_examples=count * EXAMPLES, deadline=None, suppress_health_check=slow)


# Names and values, with whatever is hard about each


KEYWORDS = (
    "and", "or", "not", "in", "is", "null", "between", "like", "ilike", "contains", "starts", "ends", "with", "on",
    "order", "by", "asc", "desc", "true", "false",
)  # fmt: skip
BLANKS = (" ", "  ", "\t", "\n", "\r\n", "\u00a0", " \t ")
ODD_BLANKS = "\x0b\x0c\x1c\x85\u1680\u2003\u200b\u2028\u202f\u3000\ufeff"
LETTERS = (
    "abcxyz_AZ019-+.:*%\\/@#$&|?^{};~!<>=()[],\"'` \t\n\u00a0"
    "éß\u0130\u0131\u017f\u212a日本語한😀👩🏽\u0301\u00ad“”‘«»\x07" + ODD_BLANKS
)
RELATIVE_TIMES = (
    "now", "today", "NOW", "Yesterday", "tomorrow", "now-7d", "now - 7 days", "today+1mo", "now-1h+30min", "now -7d",
    "today + 2\tweeks", "yesterday\u00a0-\u00a01\u00a0Y", "now-7d-report", "now-7", "now+1x", "now-7 parsecs",
    "today-",
)  # fmt: skip
NUMBERS = ("0", "00123", "-1", "+3247", "1.5", "1.", ".5", "1e9", "-.5E+2", "12345678901234567890", "1_000", "٣")
DATES = ("2024-01-15", "2024-01", "2024", "2024-02-30", "2024-01-01T00:00:00Z", "2024-06-01T09:30:00.5+02:00")
WORDS = (
    "draft", "acme-corp", "jo@acme.com", "%@acme%", "a_b%", "50\\%", "\\", "a\\", "*x*", "~", "*", ":", ":x", "::",
    "-x", "--", "$x", "a$", "`x`", "x`", "&&", "|", "a&b", "..", "1..5", "null", "NULL", "Null", "true", "FALSE",
    "none", "", " ", "a b", "say \"hi\"", "it's", "“q”", "‘", "日本", "😀", "\u212aelvin", "not_", "android",
    "nothing", "or-else", "null_count",
)  # fmt: skip


def texts_of(alphabet: str, most: int = 8) -> st.SearchStrategy[str]:
    return st.text(st.sampled_from(alphabet), max_size=most)


anything = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
literal_texts = st.one_of(
    st.sampled_from((*WORDS, *KEYWORDS, *RELATIVE_TIMES, *NUMBERS, *DATES)),
    texts_of(LETTERS),
    texts_of("abc019-%."),
    anything,
)
literals = st.builds(ast.Literal, literal_texts, st.booleans())
variables = st.builds(ast.Variable, st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True))
values = st.one_of(literals, literals, literals, variables)
FIELD_NAMES = ("status", "title", "archived", "created_at", "owner", "email", "contact", "given_name", "id", "x")
name_parts = st.one_of(
    st.sampled_from(FIELD_NAMES),
    st.sampled_from((*KEYWORDS, *[word.upper() for word in KEYWORDS])),
    st.sampled_from([text for text in (*WORDS, *RELATIVE_TIMES, *NUMBERS) if text and "`" not in text]),
    texts_of(LETTERS.replace("`", ""), 5).filter(bool),
    anything.filter(lambda text: bool(text) and "`" not in text),
)
later_parts = st.lists(st.one_of(name_parts, name_parts, name_parts, st.just("")), max_size=2)
paths = st.builds(lambda first, later: ast.Path((first, *later)), name_parts, later_parts)


# Trees


comparisons = st.builds(ast.Compare, paths, st.sampled_from(ast.Op), values)
conditions_as_written = st.one_of(
    comparisons,
    comparisons,
    st.builds(ast.In, paths, st.lists(values, min_size=1, max_size=3).map(tuple), st.booleans()),
    st.builds(ast.Between, paths, values, values, st.booleans()),
    st.builds(ast.IsNull, paths, st.booleans()),
    st.builds(ast.On, paths, values, st.booleans()),
    st.builds(ast.Flag, paths),
    st.builds(ast.Text, literals),
)


def _joined(inner: st.SearchStrategy[ast.Expr]) -> st.SearchStrategy[ast.Expr]:
    operands = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(ast.Not, inner), st.builds(ast.And, operands), st.builds(ast.Or, operands))


expressions: st.SearchStrategy[ast.Expr] = st.recursive(conditions_as_written, _joined, max_leaves=6)
orders = st.builds(ast.OrderBy, paths, st.booleans())
trees = st.builds(ast.Query, st.one_of(st.none(), expressions, expressions), st.one_of(st.none(), st.none(), orders))


# Texts: every way to spell a tree


_NO_WORD = re.compile("[\\s()\\[\\],\"'=<>!~\0-\x20\x7f-\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]")
_NO_NAME = re.compile(rf"{_NO_WORD.pattern}|[:`.]")
_BLANK = "[ \t\r\n\u00a0]*"
_UNIT = "(?:s|secs?|seconds?|mins?|minutes?|h|hours?|d|days?|w|weeks?|mo|months?|y|years?)"
_RELATIVE = re.compile(
    f"(?:now|today|yesterday|tomorrow)(?:{_BLANK}[+-]{_BLANK}[0-9]+{_BLANK}{_UNIT})*", re.IGNORECASE | re.ASCII
)
_NUMBER = "[+-]?(?:[0-9]+\\.?[0-9]*|\\.[0-9]+)(?:e[+-]?[0-9]+)?"
#: What quotes make text, and what is something else without them.
_READS_OTHERWISE = re.compile(f"null|true|false|{_NUMBER}|{_RELATIVE.pattern}", re.IGNORECASE | re.ASCII)
_KEPT = ("and", "or", "not")
_CURLY = "“”„‟«»‘’‚‛"
_TEXT_OPS = {
    ast.Op.EQ: ("=", "==", ":"),
    ast.Op.NE: ("!=", "<>"),
    ast.Op.LIKE: ("~", "like"),
    ast.Op.NOT_LIKE: ("!~", "not like"),
    ast.Op.ILIKE: ("~*", "ilike"),
    ast.Op.NOT_ILIKE: ("!~*", "not ilike"),
}
_ESCAPES = dict(zip("\"'\\/\n\t\b\f\r", ('\\"', "\\'", "\\\\", "\\/", "\\n", "\\t", "\\b", "\\f", "\\r"), strict=True))


def word_stands_bare(text: str) -> bool:
    """Whether LANGUAGE lets the text stand without quotes, as one value."""
    if _RELATIVE.fullmatch(text):
        return True
    return bool(text) and not _NO_WORD.search(text) and text[0] not in f"$`{_CURLY}" and text.lower() not in _KEPT


def name_stands_bare(part: str, first: bool) -> bool:
    """Whether LANGUAGE lets a part of a name stand without backticks."""
    if not part or _NO_NAME.search(part):
        return False
    return not first or (part[0] not in f"$&|-{_CURLY}" and part.lower() not in _KEPT)


class Sign(str):
    """An operator written in signs: no blank is needed beside it."""

    __slots__ = ()


class _Speller:
    """Writes a tree as a list of tokens, choosing among the spellings that mean the same."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def keyword(self, words: str) -> list[str]:
        cased = (str.upper, str.title, str.swapcase) if self.random.random() < 0.3 else (str.lower,)
        return [self.random.choice(cased)(word) for word in words.split()]

    def maybe(self, chance: float = 0.2) -> bool:
        return self.random.random() < chance

    def name(self, path: ast.Path) -> str:
        parts = [
            part if not part or (name_stands_bare(part, at == 0) and not self.maybe(0.1)) else f"`{part}`"
            for at, part in enumerate(path.parts)
        ]
        if len(parts) > 1 and path.parts[-1] and self.maybe():
            blank = self.random.choice(("", *BLANKS)) if self.maybe() else ""
            return f"{'.'.join(parts[:-1])}[{blank}{parts[-1]}{blank}]"
        return ".".join(parts)

    def value(self, value: ast.Value) -> str:
        if isinstance(value, ast.Variable):
            return f"${value.name}"
        changes = _READS_OTHERWISE.fullmatch(value.text) is not None
        if word_stands_bare(value.text) and not (value.quoted if changes else self.maybe()):
            return value.text
        return self.string(value.text)

    def string(self, text: str) -> str:
        quote = self.random.choice("\"'")
        return quote + "".join(self.character(char, quote) for char in text) + quote

    def character(self, char: str, quote: str) -> str:
        if char in (quote, "\\") or (char in _ESCAPES and self.maybe()):
            return _ESCAPES[char]
        if self.maybe(0.05):
            units = char.encode("utf-16-be")
            return "".join(f"\\u{units[at]:02x}{units[at + 1]:02X}" for at in range(0, len(units), 2))
        return char

    def values(self, values: Sequence[ast.Value]) -> list[str]:
        tokens = ["("]
        for value in values:
            tokens += [self.value(value), ","]
        return [*tokens[: len(tokens) - (not self.maybe())], ")"]

    def expression(self, node: ast.Expr) -> list[str]:
        if self.maybe(0.05):
            return ["(", *self.expression(node), ")"]
        match node:
            case ast.And() | ast.Or():
                word = "and" if isinstance(node, ast.And) else "or"
                tokens: list[str] = []
                for operand in node.operands:
                    tokens += [*(self.keyword(word) if tokens else []), *self.operand(operand, node)]
                return tokens
            case ast.Not():
                inner = self.expression(node.operand)
                inner = ["(", *inner, ")"] if isinstance(node.operand, ast.And | ast.Or) else inner
                return [*self.keyword("not"), *inner]
            case ast.Text():
                return [self.string(node.value.text)]
            case ast.Flag():
                return [self.name(node.path)]
            case _:
                return [self.name(node.path), *self.condition(node)]

    def operand(self, node: ast.Expr, parent: ast.And | ast.Or) -> list[str]:
        inner = self.expression(node)
        needed = isinstance(node, ast.Or) and isinstance(parent, ast.And)
        return ["(", *inner, ")"] if needed or (isinstance(node, ast.And | ast.Or) and self.maybe(0.5)) else inner

    def condition(self, node: Any) -> list[str]:
        """What follows the name."""
        negation = self.keyword("not") if getattr(node, "negated", False) else []
        match node:
            case ast.Compare():
                spelt = self.random.choice(_TEXT_OPS.get(node.op, (str(node.op),)))
                return [*(self.keyword(spelt) if spelt[-1].isalpha() else [Sign(spelt)]), self.value(node.value)]
            case ast.In():
                alone = len(node.values) == 1 and isinstance(node.values[0], ast.Variable) and self.maybe(0.7)
                listed = [self.value(node.values[0])] if alone else self.values(node.values)
                return [*negation, *self.keyword("in"), *listed]
            case ast.Between():
                low, high = self.value(node.low), self.value(node.high)
                return [*negation, *self.keyword("between"), low, *self.keyword("and"), high]
            case ast.IsNull():
                if self.maybe():
                    return [Sign("!=" if node.negated else "="), *self.keyword("null")]
                return [*self.keyword("is"), *negation, *self.keyword("null")]
            case _:
                return [*negation, *self.keyword("on"), self.value(node.period)]

    def query(self, tree: ast.Query) -> str:
        tokens = [] if tree.where is None else self.expression(tree.where)
        if tree.order is not None:
            direction = "desc" if tree.order.descending else "asc" if self.maybe() else ""
            tokens += [*self.keyword("order by"), self.name(tree.order.path), *self.keyword(direction)]
        return self.joined(tokens)

    def joined(self, tokens: list[str]) -> str:
        """The tokens with blanks between them, none where none is needed and chance says so."""
        glue = self.maybe(0.3)
        text = "" if glue else self.random.choice(("", "", *BLANKS))
        for at, token in enumerate(tokens):
            if at and not (glue and _apart(tokens[at - 1], token)):
                text += " " if self.maybe(0.8) else self.random.choice(BLANKS)
            text += token
        return text + ("" if glue else self.random.choice(("", "", *BLANKS)))


def _apart(left: str, right: str) -> bool:
    """Whether two tokens are told apart without a blank."""
    if right[0] in "(),":
        return left[-1] not in "`" or right[0] != "("
    if left[-1] in "(),":
        return True
    return isinstance(right, Sign) or (isinstance(left, Sign) and right[0] not in "*:")


def spell(tree: ast.Query, seed: int) -> str:
    """One of the texts that mean the tree: the seed chooses blanks, case, aliases, quotes, escapes and parentheses."""
    return _Speller(Random(seed)).query(tree)


seeds = st.integers(0, 2**32)
tree_texts = st.builds(spell, trees, seeds)

SEARCH_PIECES = (
    "archived", "not archived", "-archived", "-status:draft", "status:(draft, pending)", "status = (a,b)", "word",
    '"free text"', "-(a or b)", "- x", "a b", "x = $v", "in in in", "order by title", "ORDER BY title DESC", "a.b[c]",
    "order order by order asc",
)  # fmt: skip
search_texts = st.lists(st.sampled_from(SEARCH_PIECES), min_size=1, max_size=4).map(" ".join)

INSERTIONS = (
    *KEYWORDS, "NOT IN", "order by", "(", ")", "[", "]", ",", '"', "'", "`", "=", "==", "!=", "<", ">", "~", "~*", "!",
    "!~", ":", "-", "- ", "--", "$", "$x", "&&", "||", "|", "&", "..", "*", "%", "\\", "\\u12", "\\ud800", "\u00a0",
    "\0",
    "\ud800", "\udfff", "=>", "<>", ">=", "“", "”", "’", "«", " is empty ", " last 7 days", "LIKE%", "()", "( ",
    "a b", "x:(a,b)", "-x", "!x", " ", "\t", "\n", "😀", "\u212a", "\u017f", "\u0130", *ODD_BLANKS, "\x7f", "\u200e",
    "\u202e", "\x1b[31m", "#", ";", "now - 7 days",
)  # fmt: skip


@st.composite
def mutated_texts(draw: Draw) -> str:
    """A text of the language with a few accidents."""
    text: str = draw(st.one_of(tree_texts, tree_texts, search_texts))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 6)))
        kept = draw(st.sampled_from(("", text[start:end])))
        text = text[:start] + draw(st.sampled_from(("", *INSERTIONS))) + kept + text[end:]
    return text


garbage = st.one_of(
    st.text(max_size=30),
    st.text(st.sampled_from(LETTERS + "\0\ud800"), max_size=30),
    st.lists(st.sampled_from((*INSERTIONS, *WORDS, *FIELD_NAMES)), max_size=10).map("".join),
    st.lists(st.sampled_from((*INSERTIONS, *WORDS, *FIELD_NAMES)), max_size=10).map(" ".join),
)
texts = st.one_of(tree_texts, mutated_texts(), mutated_texts(), search_texts, garbage)


# Endpoints: small, with every type of field, relation and spelling


BASE = datetime(2024, 1, 1, tzinfo=UTC)
OWN = (
    ("text", FieldType.STRING), ("stage", FieldType.ENUM), ("kind", FieldType.OPEN_ENUM), ("done", FieldType.BOOLEAN),
    ("count", FieldType.INTEGER), ("size", FieldType.NUMBER), ("at", FieldType.DATETIME), ("day", FieldType.DATE),
    ("key", FieldType.UUID), ("mail", FieldType.EMAIL),
)  # fmt: skip
RELATED = (
    ("email", FieldType.EMAIL), ("name", FieldType.STRING), ("age", FieldType.INTEGER), ("gone_at", FieldType.DATETIME),
    ("id", FieldType.UUID),
)  # fmt: skip
TEXTUAL = frozenset({FieldType.STRING, FieldType.ENUM, FieldType.OPEN_ENUM, FieldType.EMAIL})
ORDERED = frozenset({FieldType.INTEGER, FieldType.NUMBER, FieldType.DATETIME, FieldType.DATE})


@st.composite
def endpoints(draw: Draw) -> Endpoint:
    """An endpoint with some fields of its own, an owner (to-one), contacts and tags (to-many)."""
    fields = [Field("id", FieldType.UUID, json=JsonPlace("id"))]
    for name, type_ in draw(st.lists(st.sampled_from(OWN), min_size=1, max_size=4, unique=True)):
        fields.append(_field(draw, name, type_, nullable=draw(st.booleans())))
    for relation, to_many in (("owner", False), ("contact", True), ("tag", True)):
        for last, type_ in draw(st.lists(st.sampled_from(RELATED), max_size=2, unique=True)):
            nullable = not to_many or draw(st.booleans())
            fields.append(_field(draw, f"{relation}.{last}", type_, relation, to_many, nullable))
    for base in [each for each in fields if each.type is FieldType.DATETIME and each.nullable]:
        derived = Derived(base.name, draw(st.booleans()))
        name = f"{base.name}_flag"
        fields.append(_field(draw, name, FieldType.BOOLEAN, base.relation, base.to_many, derived=derived))
    flags = [each for each in fields if each.type is FieldType.BOOLEAN and each.relation is None]
    active = Active(draw(st.sampled_from(flags)).name, draw(st.booleans())) if flags else None
    always = draw(st.sampled_from(("id", "id", None)))
    return Endpoint("things", "/things", Api("test", "https://api.test"), tuple(fields), always=always, active=active)


def _field(
    draw: Draw,
    name: str,
    type_: FieldType,
    relation: str | None = None,
    to_many: bool = False,
    nullable: bool = False,
    derived: Derived | None = None,
) -> Field:
    last = name.rpartition(".")[2]
    place = JsonPlace(last, relation, is_id=relation is not None and last == "id")
    return Field(
        name,
        type_,
        relation=relation,
        to_many=to_many,
        nullable=nullable,
        values=("x", "y", "z") if type_ in (FieldType.ENUM, FieldType.OPEN_ENUM) else (),
        json=place if derived is None and draw(st.sampled_from((True, True, True, True, False))) else None,
        param=draw(_PARAMETERS[type_ if not to_many else FieldType.UUID])(f"p[{name}]"),
        derived=derived,
    )


def _parameters(type_: FieldType) -> st.SearchStrategy[Callable[[str], Parameter | None]]:
    """What may be made of a parameter's name for a field of this type."""
    choices: list[Callable[[str], Parameter | None]] = [
        lambda name: Parameter(name),
        lambda name: Parameter(name, many=f"{name}[]"),
        lambda name: None,
    ]
    if type_ is FieldType.STRING:
        choices.append(lambda name: Parameter(name, Match.PART))
        choices.append(lambda name: Parameter(name, Match.PART, refuses="%"))
    if type_ is FieldType.BOOLEAN:
        choices += [lambda name: Parameter(name, assumed=False), lambda name: Parameter(name, assumed=True)]
    if type_ is FieldType.ENUM:
        choices.append(lambda name: Parameter(name, assumed="x"))
    return st.sampled_from(choices)


_PARAMETERS = {type_: _parameters(type_) for type_ in FieldType}


# Conditions: constants from small pools, so that they meet; records hold what is at, beside and between them


def moment(hours: float, text: str | None = None) -> Moment:
    at = BASE + timedelta(hours=hours)
    return Moment(at, at.isoformat().replace("+00:00", "Z") if text is None else text)


def _constants(field: Field) -> tuple[Scalar, ...]:
    match field.type:
        case FieldType.ENUM:
            return field.values
        case FieldType.OPEN_ENUM:
            return (*field.values, "X", "w")
        case FieldType.BOOLEAN:
            return (True, False)
        case FieldType.INTEGER:
            return (0, 1, 2)
        case FieldType.NUMBER:
            return (0, 1, 1.5, 2.0)
        case FieldType.DATETIME:
            return (moment(0, "2024-01-01"), moment(1), moment(1, "2024-01-01T02:00:00+01:00"), moment(2), moment(24))
        case FieldType.DATE:
            return tuple(moment(24 * day, f"2024-01-0{day + 1}") for day in range(3))
        case _:
            return ("a", "A", "ab", "a%", "_", "", "\\", "null", "5", "\u212a", "ß", "100%")


PATTERNS = ("%", "a%", "%a%", "%A%", "_", "a_", "a\\%", "%\\%%", "%\\\\%", "\\_%", "%\u212a", "x", "%ß%", "%%", "")


def may_hold(field: Field) -> tuple[Any, ...]:
    """What a record may hold: the constants, and values beside and between them."""
    match field.type:
        case FieldType.ENUM | FieldType.BOOLEAN:
            return _constants(field)
        case FieldType.INTEGER:
            return tuple(range(-1, 4))
        case FieldType.NUMBER:
            return (-1, 0, 0.5, 1, 1.25, 1.5, 1.75, 2, 3)
        case FieldType.DATETIME:
            return tuple(BASE + timedelta(hours=hours) for hours in (-1, 0, 0.5, 1, 1.5, 2, 23, 24, 25))
        case FieldType.DATE:
            return tuple(BASE + timedelta(days=days) for days in range(-1, 4))
        case _:
            return (*_constants(field), "aX", "xax", "aB", "x_", "a\\", "k", "ẞ", "SS", "bb", "Y")


def operators_of(type_: FieldType) -> list[Op]:
    """What may be asked of a field of this type."""
    operators = [Op.EQ, Op.NE, Op.IN, Op.NOT_IN, Op.IS_NULL, Op.NOT_NULL]
    operators += [Op.LT, Op.LE, Op.GT, Op.GE] if type_ in ORDERED else []
    return operators + ([Op.LIKE, Op.NOT_LIKE, Op.ILIKE, Op.NOT_ILIKE] if type_ in TEXTUAL else [])


def all_asked_of(field: Field) -> Iterator[Test]:
    """Every operator with every constant; of the lists the empty one, each value alone, and the first two."""
    constants = _constants(field)
    for op in operators_of(field.type):
        values: Iterable[Any] = constants
        if op in (Op.IS_NULL, Op.NOT_NULL):
            values = (None,)
        elif op in (Op.LIKE, Op.NOT_LIKE, Op.ILIKE, Op.NOT_ILIKE):
            values = PATTERNS
        elif op in (Op.IN, Op.NOT_IN):
            values = ((), constants[:2], *((each,) for each in constants))
        yield from (Test(field, op, value) for value in values)


@st.composite
def asked_of(draw: Draw, fields: Sequence[Field]) -> Test:
    """One condition that the resolver could have made."""
    field = draw(st.sampled_from(fields))
    op = draw(st.sampled_from(operators_of(field.type)))
    if op in (Op.IS_NULL, Op.NOT_NULL):
        return Test(field, op, None)
    if op in (Op.LIKE, Op.NOT_LIKE, Op.ILIKE, Op.NOT_ILIKE):
        return Test(field, op, draw(st.sampled_from(PATTERNS)))
    constants = st.sampled_from(_constants(field))
    if op in (Op.IN, Op.NOT_IN):
        return Test(field, op, tuple(dict.fromkeys(draw(st.lists(constants, max_size=3)))))
    return Test(field, op, draw(constants))


@st.composite
def conjunctions(draw: Draw, fields: Sequence[Field]) -> Condition:
    """What one request can most often say: conditions on fields of their own, most of them for equality."""
    chosen = draw(st.lists(st.sampled_from(fields), min_size=min(2, len(fields)), max_size=4, unique=True))
    plain = (Test(field, Op.EQ, draw(st.sampled_from(_constants(field)))) for field in chosen)
    return All(tuple(draw(asked_of([test.field])) if draw(st.booleans()) else test for test in plain))


@st.composite
def conditions(draw: Draw, fields: Sequence[Field], fewest: int = 0) -> Condition:
    """Some tests of the same few fields, or a tree of them whose All and Any have that many operands at least."""
    test = asked_of(fields)

    def grown(levels: int) -> Condition:
        kind = draw(st.integers(0, 4)) if levels else 0
        if kind < 2:
            return draw(test)
        if kind == 2:
            return Not(grown(levels - 1))
        operands = tuple(grown(levels - 1) for _ in range(draw(st.integers(fewest, 3))))
        return All(operands) if kind == 3 else AnyOf(operands)

    return All(tuple(draw(st.lists(test, min_size=1, max_size=4)))) if draw(st.booleans()) else grown(3)


class Question(NamedTuple):
    """A condition at an endpoint; a failing one is shown by its text and what is not usual about its fields."""

    endpoint: Endpoint
    condition: Condition

    def __repr__(self) -> str:
        always, active = self.endpoint.always, self.endpoint.active
        rows = [written(self.condition), f"always={always} active={active}"]
        for field in self.endpoint.fields:
            kinds = [word for word in ("nullable", "to_many") if getattr(field, word)]
            rows.append(f"{field.name}: {field.type} {' '.join(kinds)} {field.json} {field.param} {field.derived}")
        return "\n    ".join(rows)


@st.composite
def questions(draw: Draw, sayable: bool = False) -> Question:
    """A condition at an endpoint: a plain conjunction, or any on a few fields. A sayable one has a text."""
    endpoint = draw(endpoints())
    if draw(st.booleans()):
        return Question(endpoint, draw(conjunctions(endpoint.fields)))
    fields = draw(st.lists(st.sampled_from(endpoint.fields), min_size=1, max_size=3))
    return Question(endpoint, draw(conditions(fields, 1 if sayable else 0)))


def written(condition: Condition) -> str:
    """A query that means the condition; an empty list is the variable `$none`."""
    match condition:
        case All() | AnyOf():
            word = " and " if isinstance(condition, All) else " or "
            return f"({word.join(map(written, condition.operands))})"
        case Not():
            return f"not {written(condition.operand)}"
    op, value, name = condition.op, condition.value, written_name(condition.field.name)
    if value is None:
        return f"{name} {op}"
    if isinstance(value, tuple):
        return f"{name} {op} " + (f"({', '.join(map(_written_value, value))})" if value else "$none")
    return f"{name} {op} {_written_value(value)}"


def written_name(name: str) -> str:
    """A field's name as a query spells it."""
    parts = name.split(".")
    return ".".join(part if name_stands_bare(part, at == 0) else f"`{part}`" for at, part in enumerate(parts))


def _written_value(value: Any) -> str:
    return json.dumps(value) if not isinstance(value, Moment) else value.text


Record: TypeAlias = "dict[str, Any]"  # own fields by name; a relation's record or None; a to-many relation's list


def records(endpoint: Endpoint, seed: int, count: int = 24) -> list[Record]:
    """Records of an endpoint, chosen by a seed: nulls where they may be, relations missing, empty and full."""
    random = Random(seed)
    stored = [field for field in endpoint.fields if field.derived is None]

    def value(field: Field) -> Any:
        return None if field.nullable and random.random() < 0.25 else random.choice(may_hold(field))

    def holding(relation: str | None) -> Record:
        return {field.name: value(field) for field in stored if field.relation == relation}

    def record() -> Record:
        made = holding(None)
        for relation, to_many in {(field.relation, field.to_many) for field in stored if field.relation}:
            many = [holding(relation) for _ in range(random.randrange(4))]
            made[relation] = many if to_many else (many or [None])[0]
        return made

    return [record() for _ in range(count)]
