"""A condition as one Python function, for predicates that test many records: what `evaluator` does, written out.

Everything here is also done, and defined, by `evaluator`; this module may be deleted without changing any result.
What it writes out is the commonest: values of just the types that JSON has, tested in place. Whatever else a record
holds it hands to the evaluator's own reading of that value, errors included; a condition too large to be worth it, it
leaves alone. `tests/test_predicate_code.py` holds the two against each other.

The source is made of fixed words and numbered names. No value of a query, key of a record or name of a schema is ever
part of it: they are what the names stand for when it runs. So conditions of one form share their source, and its code.

How truth is written: an expression is true or it is not, and what is to stand for unknown is handed down as `unknown`.
Where only truth counts that is `False`. Below a `not` it sets a flag, and counts as true in an `and` and as false in an
`or`, so that the others are still looked at; the flag is asked at their end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, lru_cache
from itertools import groupby
from types import CodeType
from typing import Any as Anything
from typing import NamedTuple, TypeAlias, assert_never

from pqlang import evaluator
from pqlang.condition import SENSES, All, Any, Condition, Kind, Moment, Not, Op, Test
from pqlang.evaluator import Record
from pqlang.normaliser import touches_many
from pqlang.patterns import ends_of
from pqlang.schema import DATES, Field, FieldType

MOST = 200  # parts of a condition
DEEPEST = 20  # levels: Python reads a hundred parentheses in one another, and a level has three at most
MOST_RELATIONS = 8  # of a condition: Python knows twenty loops in one another

Matches: TypeAlias = "Callable[[Anything, Record], bool]"


def compiled(condition: Condition) -> Matches | None:
    """The method `matches` of a predicate with this condition; None where that is left to the evaluator."""
    if not _is_worth_it(condition):
        return None
    source, names = write_source(condition)
    names |= _FIXED
    names["by_definition"] = lambda record: evaluator.selector(condition)(record)
    exec(_code(source), names)
    made: Matches = names["matches"]
    return made


def write_source(condition: Condition) -> tuple[str, dict[str, Anything]]:
    """The source of the function, and what its numbered names stand for."""
    writer = _Writer()
    return writer.module(condition), writer.values


@lru_cache(maxsize=64)
def _code(source: str) -> CodeType:
    return compile(source, "<predicate>", "exec")


def _is_worth_it(condition: Condition) -> bool:
    """Whether the condition is small enough; and whole, which one made by hand need not be."""
    rest, parts, relations = [(condition, 1)], 0, set()
    while rest:
        each, level = rest.pop()
        parts += 1
        if level > DEEPEST or parts > MOST:
            return False
        if not isinstance(each, Test):
            operands = (each.operand,) if isinstance(each, Not) else each.operands
            rest += [(operand, level + 1) for operand in operands]
        elif each.field.record is None:
            return False
        elif each.field.to_many:
            relations.add(each.field.relation)
    return len(relations) <= MOST_RELATIONS and None not in relations


# What the source speaks of


def _in_utc(at: datetime) -> datetime:
    """A time as it was read from a text. Raises OverflowError where UTC has no such year."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _choices(record: Record, key: str) -> Iterable[Anything]:
    """The related records under a key, and none of them."""
    found = record.get(key)
    if found is None:
        return (None,)
    if type(found) is list:
        for each in found:
            if type(each) is not dict:
                break
        else:
            return (*found, None)
    return (*evaluator.related(record, key), None)


_FIXED: Mapping[str, Anything] = {
    "__builtins__": {},
    **{each.__name__: each for each in (type, dict, str, int, float, bool, ValueError, OverflowError)},
    "utc": UTC,
    "moment": datetime.fromisoformat,
    "in_utc": _in_utc,
    "fold": evaluator.fold_case,
    "as_object": evaluator.as_object,
    "choices": _choices,
    "unset": object(),
}


class _Usual(NamedTuple):
    """How JSON holds a field's values: what is true of such a `v`, what is compared, and with which classes."""

    told_by: str
    compared: str
    classes: tuple[type, ...]


_TEXT = _Usual("type(v) is str", "v", (str,))
_NUMBER = _Usual("type(v) is int or type(v) is float", "v", (int, float))
_TIME = _Usual("type(v) is str and ((t := moment(v)).tzinfo is utc or (t := in_utc(t)))", "t", (Moment,))
_USUAL = {
    FieldType.BOOLEAN: _Usual("type(v) is bool", "v", (bool,)),
    FieldType.INTEGER: _NUMBER,
    FieldType.NUMBER: _NUMBER,
    **dict.fromkeys(DATES, _TIME),
}
_SIGNS = {Op.EQ: "==", Op.NE: "!=", Op.LT: "<", Op.LE: "<=", Op.GT: ">", Op.GE: ">=", Op.IN: "in", Op.NOT_IN: "not in"}


# Writing it


@dataclass(slots=True)
class _Function:
    """A function of the source while it is being written."""

    chosen: Mapping[str, str]  # relation -> the variable that holds the record chosen of it
    sealed: list[str] = field(default_factory=list)  # the variables that hold the values of sealed groups


class _Writer:
    """Writes the functions of one condition, and gathers the values that their names stand for."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self.functions: list[str] = []
        self.flags = 0

    def name(self, value: object) -> str:
        """A name that stands for a value."""
        name = f"x{len(self.values)}"
        self.values[name] = value
        return name

    def flag(self) -> str:
        self.flags += 1
        return f"u{self.flags}"

    # Functions

    def module(self, condition: Condition) -> str:
        """The source of `matches`, with a function for each sealed group before it."""
        body = self.choosing(condition, "False", "   ")
        self.functions.append(
            "def matches(self, record):\n"
            "  if type(record) is not dict: as_object(record, 'the record')\n"
            "  try:\n"
            f"{body}"
            "   return False\n"
            "  except (ValueError, OverflowError):\n"  # a text that is no time: the evaluator says so
            "   return by_definition(record)\n"
        )
        return "".join(self.functions)

    def sealed_group(self, condition: Condition) -> str:
        """The name of a function for a group of its own: from a record to true, false or None."""
        body = self.choosing(condition, "not (u := True)", "  ")
        name = f"g{len(self.functions)}"
        self.functions.append(f"def {name}(record):\n  u = False\n{body}  return None if u else False\n")
        return name

    def choosing(self, condition: Condition, unknown: str, indent: str) -> str:
        """Statements that return true if a group is true of some choice of related records."""
        keys = evaluator.relations(condition)
        here = _Function({relation: f"c{at}" for at, relation in enumerate(keys)})
        truth = self.truth(condition, unknown, here)
        rows = [f"{indent}{each} = unset\n" for each in here.sealed]
        rows += [f"{indent}all_{here.chosen[each]} = choices(record, {self.name(key)})\n" for each, key in keys.items()]
        for each in here.chosen.values():
            rows.append(f"{indent}for {each} in all_{each}:\n")
            indent += " "
        return "".join([*rows, f"{indent}if {truth}: return True\n"])

    # Expressions

    def truth(self, condition: Condition, unknown: str, here: _Function) -> str:
        """An expression that is true where the condition is, and `unknown` where that is unknown."""
        match condition:
            case Test():
                return self.tests([condition], "and", unknown, here)
            case Not() if touches_many(condition.operand):
                group = self.sealed_group(condition.operand)
                value = f"s{group}"  # found once, whatever is chosen around it
                here.sealed.append(value)
                found = f"({value} := {group}(record) if {value} is unset else {value})"
                return f"({unknown} if {found} is None else not {value})"
            case Not():
                flag = self.flag()
                inner = self.truth(condition.operand, f"not ({flag} := True)", here)
                return f"(False if ({flag} := False) or {inner} else {unknown} if {flag} else True)"
            case All() | Any():
                return self.joined(condition, unknown, here)
            case _:
                assert_never(condition)

    def joined(self, condition: All | Any, unknown: str, here: _Function) -> str:
        word, neutral = ("and", "True") if isinstance(condition, All) else ("or", "False")
        start, inner, end = neutral, unknown, neutral
        if unknown != "False":
            flag = self.flag()
            inner = f"({flag} := True)" if word == "and" else f"not ({flag} := True)"
            start = f"not ({flag} := False)" if word == "and" else f"({flag} := False)"
            end = f"({unknown} if {flag} else {neutral})"
        parts = [start]
        for _, run in groupby(condition.operands, _subject):
            operands = list(run)
            tests = [each for each in operands if isinstance(each, Test)]
            if tests:
                parts.append(self.tests(tests, word, inner, here))
            else:
                parts += [self.truth(each, inner, here) for each in operands]
        parts.append(end)
        return f"({f' {word} '.join(parts)})"

    def tests(self, tests: Sequence[Test], word: str, unknown: str, here: _Function) -> str:
        """Tests of one value, joined by the word; the value is read once for all of them."""
        field = tests[0].field
        usual = _USUAL.get(field.type, _TEXT)
        value = f" {word} ".join(f"{self.name(_of_any_value(test))}(v)" for test in tests)
        compared = [self.comparison(test, usual) for test in tests]
        if all(compared):
            value = f"({f' {word} '.join(compared)}) if {usual.told_by} else {value}"
        if evaluator.is_two_valued(tests[0]):
            unknown = str(evaluator.decision(tests[0])(None))
        elif field.to_many:
            unknown = "False"
        test = f"({unknown} if (v := {self.value(field, here)}) is None else {value})"
        return f"(False if {here.chosen[field.relation or '']} is None else {test})" if field.to_many else test

    def value(self, field: Field, here: _Function) -> str:
        """An expression for what a record holds in a field."""
        found, keys = "record", field.record or ()
        if field.to_many:
            found, keys = here.chosen[field.relation or ""], keys[1:]
        for at, key in enumerate(keys):
            if at == 0:
                found = f"{found}.get({self.name(key)})"
            else:
                holder = f"(v if type(v) is dict else as_object(v, {self.name(field.name)}))"
                found = f"(None if (v := {found}) is None else {holder}.get({self.name(key)}))"
        return found

    def comparison(self, test: Test, usual: _Usual) -> str:
        """An expression that tests a value of the usual classes; empty where that is left to the evaluator."""
        sense, value = SENSES[test.op], test.value
        if evaluator.is_two_valued(test):
            return str(sense.negated)  # what it is where the value is not null
        values = value if isinstance(value, tuple) else (value,)
        if any(type(each) not in usual.classes for each in values):
            return ""
        if isinstance(value, str) and sense.kind is Kind.PATTERN:
            return self.pattern(value, test.op)
        plain = [each.at if isinstance(each, Moment) else each for each in values]
        compared = self.name(frozenset(plain) if sense.kind is Kind.LIST else plain[0])
        return f"{usual.compared} {_SIGNS[test.op]} {compared}"

    def pattern(self, pattern: str, op: Op) -> str:
        """The same for a pattern: most are one text with a `%` before it or behind it."""
        folds, negation = SENSES[op].folds, "not " * SENSES[op].negated
        ends = ends_of(pattern)
        if ends is None:
            return f"{negation}{self.name(evaluator.matcher(pattern, fold=folds))}(v)"
        before, literal, behind = ends
        text = "(v.lower() if v.isascii() else fold(v))" if folds else "v"
        part = self.name(evaluator.fold_case(literal) if folds else literal)
        if before and behind:
            return f"{part} {negation}in {text}"
        if before or behind:
            return f"{negation}{text}.{'endswith' if before else 'startswith'}({part})"
        return f"{text} {'!=' if negation else '=='} {part}"


def _of_any_value(test: Test) -> Callable[[object], bool]:
    """The evaluator's test of a value that is not null, made when it is first asked for."""
    parts = cache(lambda: (evaluator.reader(test.field, ()), evaluator.decision(test)))

    def of_any_value(found: object) -> bool:
        read, decide = parts()
        return decide(read(found))

    return of_any_value


def _subject(operand: Condition) -> int:
    """The same for tests of one value, those aside that are not unknown of null; another for each other operand."""
    if isinstance(operand, Test) and not evaluator.is_two_valued(operand):
        return id(operand.field)
    return id(operand)
