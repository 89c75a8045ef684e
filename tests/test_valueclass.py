"""`frozen` makes what `dataclass(frozen=True, slots=True)` makes: the same class, written both ways, acts alike."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from typing import Any, ClassVar

import pytest

from pqlang import valueclass
from pqlang.valueclass import frozen


@frozen(order=True)
class Mine:
    """A value."""

    a: int
    b: str = "x"
    c: list[int] = valueclass.field(default_factory=list, compare=False)
    d: int = valueclass.field(default=7, repr=False)
    shared: ClassVar[int] = 3
    e: int = valueclass.field(default=0, kw_only=True)


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Theirs:
    """A value."""

    a: int
    b: str = "x"
    c: list[int] = dataclasses.field(default_factory=list, compare=False)
    d: int = dataclasses.field(default=7, repr=False)
    shared: ClassVar[int] = 3
    e: int = dataclasses.field(default=0, kw_only=True)


@frozen
class Base:
    span: int = valueclass.field(default=0, kw_only=True)


@frozen
class Derived(Base):
    name: str


@frozen
class Late:
    given: int
    made: int = valueclass.field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "made", self.given + 1)


@pytest.mark.parametrize(
    ("positional", "keywords"),
    [((1,), {}), ((1, "y"), {}), ((1, "y", [2], 3), {"e": 4}), ((), {"a": 1, "e": 2}), ((1,), {"c": [5]})],
)
def test_made_and_shown_alike(positional: tuple[Any, ...], keywords: dict[str, Any]) -> None:
    mine, theirs = Mine(*positional, **keywords), Theirs(*positional, **keywords)
    assert repr(mine).replace("Mine", "") == repr(theirs).replace("Theirs", "")
    assert dataclasses.asdict(mine) == dataclasses.asdict(theirs)
    assert hash(mine) == hash(Mine(*positional, **keywords))
    assert not hasattr(mine, "__dict__")


@pytest.mark.parametrize(
    ("positional", "keywords"), [((), {}), ((1, "y", [], 3, 4), {}), ((1,), {"x": 2}), ((1,), {"a": 2})]
)
def test_wrong_arguments_are_refused_alike(positional: tuple[Any, ...], keywords: dict[str, Any]) -> None:
    for made in (Mine, Theirs):
        with pytest.raises(TypeError):
            made(*positional, **keywords)


def test_compared_alike() -> None:
    for made in (Mine, Theirs):
        assert made(1, c=[1]) == made(1, c=[2])
        assert made(1) != made(2)
        assert made(1) < made(1, "y") <= made(1, "y") < made(2)
        assert made(2) > made(1, "y") >= made(1, "y")
        assert sorted([made(2), made(1)]) == [made(1), made(2)]
        with pytest.raises(TypeError):
            assert made(1) < 1
    assert Mine(1) != Theirs(1)
    assert Mine(1).__eq__(1) is NotImplemented


def test_frozen_alike() -> None:
    for value in (Mine(1), Theirs(1)):
        for name in ("a", "e", "unknown"):
            with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):  # theirs, of an unknown name: a TypeError
                setattr(value, name, 2)
        with pytest.raises(dataclasses.FrozenInstanceError):
            del value.a


def test_known_to_the_standard_library() -> None:
    assert dataclasses.is_dataclass(Mine)
    assert dataclasses.is_dataclass(Mine(1))
    assert [field.name for field in dataclasses.fields(Mine)] == [field.name for field in dataclasses.fields(Theirs)]
    assert dataclasses.replace(Mine(1), b="z") == valueclass.replace(Mine(1), b="z") == Mine(1, "z")
    assert Mine.__match_args__ == Theirs.__match_args__
    assert list(inspect.signature(Mine).parameters) == list(inspect.signature(Theirs).parameters)
    assert Mine.shared == 3


def test_copied_and_pickled() -> None:
    value = Mine(1, "y", [2], 3, e=4)
    for again in (copy.copy(value), copy.deepcopy(value), *(pickle.loads(pickle.dumps(value, at)) for at in range(6))):
        assert again == value
        assert (again.c, again.d, again.e) == ([2], 3, 4)


def test_derived_classes() -> None:
    value = Derived("x", span=3)
    assert (value.name, value.span) == ("x", 3)
    assert value == Derived("x", span=3) != Derived("x")
    assert repr(value) == "Derived(span=3, name='x')"
    match value:
        case Derived(name):
            assert name == "x"


def test_attributes_that_are_made() -> None:
    assert Late(1).made == 2
    assert valueclass.replace(Late(1), given=5).made == 6
    assert dataclasses.replace(Late(1), given=5).made == 6
    with pytest.raises(TypeError):
        Late(1, made=3)  # type: ignore[call-arg]


def test_what_is_written_in_the_class_is_kept() -> None:
    @frozen
    class Own:
        a: int
        b: int

        def __hash__(self) -> int:
            return 5

        def __repr__(self) -> str:
            return "own"

    assert hash(Own(1, 2)) == 5
    assert repr(Own(1, 2)) == "own"
    assert Own(1, 2) == Own(1, 2)
