"""Predicates as code give what the evaluator gives, errors included, and nothing of a query becomes source."""

from __future__ import annotations

import pickle
import re
import threading
from collections import OrderedDict, UserDict
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from enum import IntEnum, StrEnum
from random import Random
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import Question, all_asked_of, examples, may_hold, questions, records, seeds
from test_predicate import at, carried

import pqlang
from pqlang import predicate_code
from pqlang.condition import All, Condition, Moment, Not, Op
from pqlang.condition import Any as AnyOf
from pqlang.condition import Test as Asked
from pqlang.evaluator import selector
from pqlang.normaliser import normalise
from pqlang.predicate_code import DEEPEST, MOST, MOST_RELATIONS, compiled, write_source
from pqlang.predicates import Predicate
from pqlang.schema import Api, Endpoint, Field, FieldType

# Records as nobody should send them


class Shouting(str):
    """A text that acts unlike a text."""

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, str(other).lower())

    def __contains__(self, part: object) -> bool:
        return True

    def lower(self) -> str:
        return self.upper()

    def startswith(self, *_: Any) -> bool:
        return True


class Earlier(datetime):
    """A time before every other."""

    def __lt__(self, other: object) -> bool:
        return True


class Word(StrEnum):
    RED = "red"
    X = "x"


class Rank(IntEnum):
    LOW = 0
    HIGH = 1


class Broken(UserDict[str, Any]):
    def get(self, key: str, default: Any = None) -> Any:
        raise ValueError(f"no {key} today")


ZONES = (UTC, timezone(timedelta(hours=2)), timezone(timedelta(hours=-7)))
TIMES = (
    "soon", "2024-01-01", "2024-01-01T00:00:00", "2024-01-01T00:00:00Z", "2024-01-01T02:00:00+02:00",
    "20240101T000000Z", "2024-01-01T00:00:00.000001+00:00", "2024-W01-1", "2024-13-01T00:00:00Z",
    "2024-01-01T00:00:00z", "\ud800",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "0001-01-01", "9999-12-31T23:59:59Z",
    datetime(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, 2, tzinfo=ZONES[1]),
    datetime.max.replace(tzinfo=ZONES[2]), Earlier(2024, 1, 1, tzinfo=UTC), date(2024, 1, 1),
)  # fmt: skip
ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 1.5, 5.0, float("nan"), float("inf"), 10**400, Rank.LOW, Rank.HIGH, b"x", object(),
    "", "x", "red", "a b", "%", "ÉCOLE", "\u0130", "1", "null", Shouting("x"), Shouting("red"), Word.RED, Word.X,
    [], {}, (), [None], [{}], [1], [{}, "x"], ({"x": 1},), {"x": "y"}, *TIMES,
)  # fmt: skip
AS_MAPPING: tuple[Callable[[dict[str, Any]], Any], ...] = (dict, MappingProxyType, UserDict, OrderedDict, Broken)


def spoilt(value: Any, random: Random, much: float) -> Any:
    """A record as JSON would bring it, but for some of its values, keys and related records."""
    if random.random() < much:
        return random.choice(ODD)
    if isinstance(value, dict):
        made = {key: spoilt(each, random, much) for key, each in value.items() if random.random() >= much}
        return random.choice(AS_MAPPING)(made) if random.random() < much else made
    if isinstance(value, list):
        several = [spoilt(each, random, much) for each in value]
        return tuple(several) if random.random() < much else several
    return as_text(value, random) if isinstance(value, datetime) else value


def as_text(moment: datetime, random: Random) -> str:
    text = moment.astimezone(random.choice(ZONES)).isoformat()
    return random.choice((text, text.replace("+00:00", "Z"), text[:19]))


# The same as the evaluator


def outcome(test: Callable[[Any], bool], record: Any) -> object:
    """What a predicate gives, or what it raises."""
    try:
        return test(record)
    except pqlang.PqlError as error:
        return error.source, error.diagnostics
    except (ValueError, TypeError) as error:  # of an object that is no value at all
        return type(error), str(error)


def assert_alike(condition: Condition, tried: Iterable[Any]) -> None:
    made = compiled(condition)
    assert made is not None
    selects = selector(condition)
    for record in tried:
        found, defined = outcome(lambda record: made(None, record), record), outcome(selects, record)
        assert (found, type(found)) == (defined, type(defined)), record


@examples(500)
@given(questions(), seeds, st.sampled_from([0.0, 0.05, 0.3]), st.booleans())
def test_code_gives_what_the_evaluator_gives(question: Question, seed: int, much: float, normal: bool) -> None:
    endpoint = carried(question.endpoint)
    condition = at(question.condition, dict(endpoint.by_name))
    random = Random(seed)
    tried = (spoilt(record, random, much) for record in records(endpoint, seed))
    assert_alike(normalise(condition, endpoint) if normal else condition, tried)


@pytest.mark.parametrize("type_", FieldType)
@pytest.mark.parametrize("place", [("x",), ("owner", "x"), ("a", "b", "x")])
def test_every_operator_on_every_value(type_: FieldType, place: tuple[str, ...]) -> None:
    values = ("x", "y", "z") if type_ in (FieldType.ENUM, FieldType.OPEN_ENUM) else ()
    field = Field("x", type_, values=values, record=place)
    random = Random(1)
    held = [*ODD, *(as_text(each, random) if isinstance(each, datetime) else each for each in may_hold(field) * 3)]
    tried = [nested(place, each) for each in held] + [nested(place[:-1], each) for each in ODD]
    for asked in all_asked_of(field):
        assert_alike(asked, tried)
        assert_alike(Not(asked), tried)


def nested(keys: tuple[str, ...], value: Any) -> Any:
    for key in reversed(keys):
        value = {key: value}
    return value


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), 10**400, -0.0, True, 2**53 + 1], ids=lambda value: repr(value)[:20]
)
def test_numbers_that_are_hard_to_compare(value: Any) -> None:
    tried = [{"x": each} for each in (*ODD, value, float(2**53), 2**53, -(10**400))]
    for op in (Op.EQ, Op.NE, Op.LT, Op.LE, Op.GT, Op.GE):
        assert_alike(Asked(Field("x", FieldType.NUMBER, record=("x",)), op, value), tried)
    for op in (Op.IN, Op.NOT_IN):
        assert_alike(Asked(Field("x", FieldType.NUMBER, record=("x",)), op, (value, 1)), tried)


def text(name: str, *keys: str, relation: str | None = None) -> Field:
    return Field(name, FieldType.STRING, relation=relation, to_many=relation is not None, record=keys)


MANY = text("contact.name", "contacts", "name", relation="contact")
TAG = text("tag.name", "tags", "name", relation="tag")


@pytest.mark.parametrize(
    "condition",
    [
        All(()),
        AnyOf(()),
        Not(All(())),
        All((Asked(MANY, Op.EQ, "a"), Asked(TAG, Op.NE, "b"), Not(Asked(MANY, Op.EQ, "c")))),
        AnyOf((Asked(MANY, Op.EQ, "a"), Not(All((Asked(TAG, Op.EQ, "b"), Not(Asked(MANY, Op.IS_NULL, None))))))),
        Not(Not(All((Asked(MANY, Op.NE, "a"), Asked(text("x", "x"), Op.EQ, "a"))))),
        Asked(
            text("contact", "contacts", relation="contact"), Op.EQ, "a"
        ),  # the related record itself, which is no text
        Asked(MANY, Op.NOT_IN, ()),
        Asked(text("x", "x"), Op.LIKE, "ends in \\"),
        Asked(text("x", "x"), Op.EQ, Moment(datetime(2024, 1, 1, tzinfo=UTC), "")),  # which no query says
    ],
)
def test_groups_made_by_hand(condition: Condition) -> None:
    names: tuple[Any, ...] = (None, "a", "b", "c", 3)
    people: list[Any] = [None, [], *([{"name": one}, {"name": two}] for one in names for two in names), "x", [{}, 3]]
    assert_alike(condition, [{"contacts": one, "tags": two, "x": "a"} for one in people for two in people])


def trees(leaves: list[Condition], levels: int) -> list[Condition]:
    """Every condition of two operands at most and of so many levels, one operand of each but the lowest a leaf."""
    if levels == 0:
        return leaves
    below = trees(leaves, levels - 1)
    pairs = [(leaf, each) for leaf in leaves for each in below]
    return [*map(Not, below), *map(All, pairs), *map(AnyOf, pairs)]


@pytest.mark.parametrize("many", [False, True])
def test_three_values_through_every_small_tree(many: bool) -> None:
    other = Asked(MANY, Op.EQ, "x") if many else Asked(text("b", "b"), Op.EQ, "x")
    leaves: list[Condition] = [Asked(text("a", "a"), Op.EQ, "x"), other, Asked(text("c", "c"), Op.IS_NULL, None)]
    values = ("x", "y", None, 3)
    people = [{"contacts": [{"name": one} for one in values[:2]]}, {"contacts": [{"name": None}]}, {}]
    others = people if many else [{"b": value} for value in values]
    tried = [{"a": one, "c": two} | other for one in values for two in values[2:] for other in others]
    for levels in (1, 2, 3):
        for condition in trees(leaves, levels):
            assert_alike(condition, tried)


def test_case_folds_as_the_evaluator_folds_it() -> None:
    """One code point to one: `lower` would make two of the dotted I, and another letter of the last sigma."""
    tried = [
        {"x": each} for each in ("ΟΔΟΣ", "οδος", "οδοσ", "\u0130x", "i\u0307x", "IX", "STRASSE", "Straße", "STRAẞE")
    ]
    for pattern in ("%Σ", "%ς%", "ΟΔΟς", "%σ_", "\u0130%", "_X", "i%", "%ß%", "%SS%"):
        for op in (Op.ILIKE, Op.NOT_ILIKE, Op.LIKE):
            assert_alike(Asked(text("x", "x"), op, pattern), tried)


def test_tests_of_one_value_read_it_once() -> None:
    between = "created_at >= 2024-01-01 and created_at < 2024-02-01 and created_at != 2024-01-15"
    for query in (between, between.replace(" and ", " or ")):
        condition = pqlang.predicate(query, "cases").condition
        assert write_source(condition)[0].count(".get(") == 1
        assert_alike(condition, [{"created_at": each} for each in ODD])


# Nothing of a query or of a schema becomes source

HOSTILE = (
    "'", '"', "\\", "\n", "\0", "{0}", "%s", "x0", "matches", "record", "__import__('os')._exit(9)", "\ud800", "\u202e",
    "None) or exit(9) or (", "'); exit(9) #", '"""', "\n  exit(9)\n", "__builtins__", "lambda: 9", "é", "x" * 9_000,
)  # fmt: skip


def hostile_condition(key: str, name: str, value: str) -> Condition:
    own = Field(name, FieldType.STRING, record=(key, key))
    many = Field(f"{name}.{key}", FieldType.STRING, relation=name, to_many=True, record=(key, key))
    flag = Field(name, FieldType.ENUM, values=(value,), record=(key + key,))
    tests = [Asked(own, op, value) for op in (Op.EQ, Op.NE)] + [
        Asked(own, op, f"%{value}") for op in (Op.LIKE, Op.ILIKE)
    ]
    return AnyOf((All((*tests, Asked(flag, Op.IN, (value, key)))), Not(Asked(many, Op.EQ, value))))


def test_conditions_of_one_form_share_their_source() -> None:
    plainly = write_source(hostile_condition("key", "name", "value"))[0]
    for at_, each in enumerate(HOSTILE):
        other = HOSTILE[at_ - 1]
        condition = hostile_condition(each, other, re.sub(r"[%_\\]", "-", each))
        source, names = write_source(condition)
        assert source == plainly
        assert all(re.fullmatch(r"x\d+", name) for name in names)
        assert_alike(condition, [{each: held} for held in (None, {each: each}, [{each: each}], {each: 3}, each)])


def test_code_sees_no_builtins() -> None:
    made = compiled(pqlang.predicate("title = x", "cases").condition)
    assert made is not None
    assert made.__globals__["__builtins__"] == {}  # type: ignore[attr-defined]


# Where it ends


def chain(levels: int) -> Condition:
    """A condition of that many levels, of every kind, to-many tests in it."""
    condition: Condition = Asked(MANY, Op.EQ, "a")
    for level in range(levels - 1):
        other = Asked(text("owner.x", "owner", "x"), Op.ILIKE, "a%")
        condition = (Not(condition), All((other, condition)), AnyOf((condition, other)))[level % 3]
    return condition


def test_what_is_too_large_is_left_to_the_evaluator() -> None:
    title = text("title", "title")
    relations = [text(f"r{each}.x", f"r{each}", "x", relation=f"r{each}") for each in range(MOST_RELATIONS + 1)]
    one = Asked(title, Op.EQ, "a")
    inside = [chain(DEEPEST), AnyOf((one,) * (MOST - 1)), All(tuple(Asked(each, Op.EQ, "a") for each in relations[1:]))]
    outside = [chain(DEEPEST + 1), AnyOf((one,) * MOST), All(tuple(Asked(each, Op.EQ, "a") for each in relations))]
    record = {"title": "a", "owner": {"x": "A"}, "contacts": [{"name": "b"}, {"name": "a"}]}
    record |= {f"r{each}": [{"x": "b"}, {"x": "a"}] for each in range(MOST_RELATIONS + 1)}
    for condition in inside:
        assert_alike(condition, [record, {}, {**record, "owner": None}])
    for condition in outside:
        assert compiled(condition) is None
        assert Predicate(condition, pqlang.PENBOX.endpoints[0]).matches(record) is selector(condition)(record)


def test_codes_are_forgotten() -> None:
    predicate_code._code.cache_clear()
    for count in range(1, 100):
        compiled(AnyOf((Asked(text("title", "title"), Op.EQ, "a"),) * count))
    assert predicate_code._code.cache_info().currsize == 64


# A predicate as its users have it


def test_without_the_code_a_predicate_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predicate_code, "compiled", lambda condition: None)
    test = pqlang.predicate("created_at > 2024-01-01 and title contains a", "cases")
    assert [test.matches(each) for each in ({}, {"title": "A", "created_at": "2024-01-02"})] == [False, True]
    with pytest.raises(pqlang.PqlError, match="holds a list, not an object"):
        test.matches([])  # type: ignore[arg-type]
    assert pickle.loads(pickle.dumps(test.matches))({}) is False


def test_matches_is_a_method_that_can_be_pickled() -> None:
    """As a pool of processes does with what it is to map."""
    test = pqlang.predicate("title contains a", "cases")
    for before in (False, True):
        matches = pickle.loads(pickle.dumps(test.matches if before else pqlang.predicate("title = A", "cases").matches))
        assert matches(record={"title": "A"}) is True
    assert test.matches.__self__ is test  # type: ignore[attr-defined]
    assert test == pqlang.predicate("title contains a", "cases")
    assert replace(test).matches({"title": "b"}) is False


def test_threads_share_a_predicate() -> None:
    test = pqlang.predicate(
        "contact.email = a@b.co and not contact.email = c@d.co and created_at > 2024-01-01", "cases"
    )
    people = [[], [{"email": "a@b.co"}], [{"email": "c@d.co"}, {"email": "a@b.co"}], None]
    rows = [{"contacts": people[at % 4], "created_at": f"{2022 + at % 5}-06-01T00:00:00Z"} for at in range(2_000)]
    expected, found = [selector(test.condition)(row) for row in rows], []
    threads = [threading.Thread(target=lambda: found.append([test.matches(row) for row in rows])) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == [expected] * 8
    assert 0 < sum(expected) < len(rows)


def test_residuals_of_a_plan_are_such_predicates() -> None:
    [request] = pqlang.plan("title not contains a", "cases").requests
    assert request.residual is not None
    assert request.residual.matches.__func__.__globals__["__builtins__"] == {}  # type: ignore[attr-defined]
    assert [request.residual.matches({"title": each}) for each in ("A", "b", None)] == [False, True, False]


ENDPOINT = Endpoint("things", "/things", Api("test"), (Field("at", FieldType.DATETIME, record=("at",)),))


@pytest.mark.parametrize(
    "held", ["2024-01-01T00:00:00Z", "2024-01-01", "2024-01-01T00:00:00", "2024-01-01T01:00:00+01:00"]
)
def test_times_compare_as_instants_however_they_are_written(held: str) -> None:
    for query, expected in (("at = 2024-01-01", True), ("at > 2024-01-01", False), ("at <= 2024-01-01", True)):
        assert pqlang.predicate(query, ENDPOINT).matches({"at": held}) is expected
