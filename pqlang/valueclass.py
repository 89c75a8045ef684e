"""`frozen`: what `dataclass(frozen=True, slots=True)` makes, in a third of the time, and cheaper to construct.

Half of what a first compile took in a fresh process went into importing `dataclasses` and making this package's value
classes with it (decision 0011). What is made here acts alike: `dataclasses.replace`, `fields`, `asdict` and
`is_dataclass` know it, assigning raises `FrozenInstanceError`, values can be pickled, copied and matched.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar, dataclass_transform, overload

T = TypeVar("T")


class Spec(NamedTuple):
    """What `field` says of an attribute."""

    default: Any
    factory: Callable[[], Any] | None = None
    compare: bool = True
    repr: bool = True
    init: bool = True
    kw_only: bool = False


NO_DEFAULT: Any = object()


def field(
    *,
    default: Any = NO_DEFAULT,
    default_factory: Callable[[], Any] | None = None,
    compare: bool = True,
    repr: bool = True,
    init: bool = True,
    kw_only: bool = False,
) -> Any:
    """An attribute that is not as plain as `name: type = default`; the keywords are those of `dataclasses.field`."""
    return Spec(default, default_factory, compare, repr, init, kw_only)


@overload
def frozen(cls: type[T], /) -> type[T]: ...
@overload
def frozen(*, eq: bool = True, repr: bool = True, order: bool = False) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T] | None = None, /, *, eq: bool = True, repr: bool = True, order: bool = False) -> Any:
    """Make a class of values: its annotated names are its attributes, set once and for all.

    >>> @frozen
    ... class Point:
    ...     x: int
    ...     y: int = 0
    >>> Point(1), Point(1) == Point(1, 0), hash(Point(1)) == hash(Point(1))
    (Point(x=1, y=0), True, True)
    """
    if cls is None:
        return lambda cls: _make(cls, eq, repr, order)
    return _make(cls, eq, repr, order)


def replace(value: T, /, **changes: Any) -> T:
    """The value with other attributes; as `dataclasses.replace`."""
    cls = type(value)
    specs: dict[str, Spec] = cls.__specs__  # type: ignore[attr-defined]
    kept = {name: getattr(value, name) for name, spec in specs.items() if spec.init and name not in changes}
    return cls(**kept, **changes)


def _make(cls: type[Any], eq: bool, repr: bool, order: bool) -> type[Any]:
    """The class anew, with a slot for each attribute."""
    space = dict(cls.__dict__)
    specs: dict[str, Spec] = dict(getattr(cls, "__specs__", {}))  # those of the class it is made from come first
    own = [name for name, kind in space.get("__annotations__", {}).items() if not kind.startswith("ClassVar")]
    for name in own:
        default = space.pop(name, NO_DEFAULT)
        specs[name] = default if isinstance(default, Spec) else Spec(default)
    space.pop("__dict__", None)
    space.pop("__weakref__", None)
    positional = tuple(name for name, spec in specs.items() if spec.init and not spec.kw_only)
    space |= {"__slots__": tuple(own), "__specs__": specs, "__match_args__": positional}
    space |= {"__dataclass_fields__": _FIELDS, "__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete}
    space |= {"__reduce__": _reduce}
    if repr:
        space.setdefault("__repr__", _repr)
    if eq:
        compared = [name for name, spec in specs.items() if spec.compare]
        _add_comparing(space, attrgetter(*compared), order)
    space["__new__"] = _constructor(cls, specs, _twin(cls, own))
    made: type[Any] = type(cls)(cls.__name__, cls.__bases__, space)  # type: ignore[misc]
    made.__qualname__ = cls.__qualname__
    return made


def _twin(cls: type[Any], own: list[str]) -> type[Any]:
    """A class of the same layout whose attributes can be set.

    A value is built as one of these, by plain assignments, and then told its class: of all ways to build a value that
    refuses assignments this one is the cheapest.
    """
    space = {"__slots__": tuple(own), "__new__": object.__new__, "__setattr__": object.__setattr__}
    return type(cls.__name__, cls.__bases__, space)


def _constructor(cls: type[Any], specs: dict[str, Spec], twin: type[Any]) -> Callable[..., Any]:
    """What makes a value of its arguments."""
    names: dict[str, Any] = {"_open": twin, "_none": NO_DEFAULT}
    parameters: list[str] = []
    keywords: list[str] = []
    body = [" _made = _open()"]
    for name, spec in specs.items():
        if not spec.init:
            continue
        value, default = name, ""
        if spec.factory is not None:
            names[f"_new_{name}"], default = spec.factory, "=_none"
            value = f"_new_{name}() if {name} is _none else {name}"
        elif spec.default is not NO_DEFAULT:
            names[f"_default_{name}"], default = spec.default, f"=_default_{name}"
        (keywords if spec.kw_only else parameters).append(name + default)
        body.append(f" _made.{name} = {value}")
    body.append(" _made.__class__ = _class")
    if hasattr(cls, "__post_init__"):
        body.append(" _made.__post_init__()")
    head = ", ".join(["_class", *parameters, *(["*", *keywords] if keywords else [])])
    exec("\n".join([f"def __new__({head}):", *body, " return _made"]), names)
    made: Callable[..., Any] = names["__new__"]
    made.__qualname__ = f"{cls.__qualname__}.__new__"
    return made


def _add_comparing(space: dict[str, Any], key: Callable[[Any], Any], order: bool) -> None:
    """Equality, hash and order by the attributes that are compared, between values of one class."""

    def equal(self: Any, other: object) -> Any:
        return key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: Any) -> int:
        return hash(key(self))

    def less(self: Any, other: object) -> Any:
        return key(self) < key(other) if other.__class__ is self.__class__ else NotImplemented

    def at_most(self: Any, other: object) -> Any:
        return key(self) <= key(other) if other.__class__ is self.__class__ else NotImplemented

    space.setdefault("__eq__", equal)
    if space.get("__hash__") is None:
        space["__hash__"] = hashed
    if order:
        space |= {"__lt__": less, "__le__": at_most}
        space |= {
            "__gt__": lambda self, other: less(other, self) if other.__class__ is self.__class__ else NotImplemented,
            "__ge__": lambda self, other: at_most(other, self) if other.__class__ is self.__class__ else NotImplemented,
        }


def _repr(self: Any) -> str:
    shown = (f"{name}={getattr(self, name)!r}" for name, spec in self.__specs__.items() if spec.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _refuse_to_set(self: Any, name: str, value: object) -> None:
    from dataclasses import FrozenInstanceError  # only then

    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: Any, name: str) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _reduce(self: Any) -> tuple[Any, ...]:
    """Pickled and copied as what it was made of: what it works out from that (a hash, say) is worked out anew."""
    given = {name: getattr(self, name) for name, spec in self.__specs__.items() if spec.init}
    return _made_of, (type(self), given)


def _made_of(cls: type[T], given: dict[str, Any]) -> T:
    return cls(**given)


class _Fields:
    """`__dataclass_fields__`, made when `dataclasses` itself asks for it."""

    def __get__(self, value: object, cls: type[Any]) -> dict[str, Any]:
        import dataclasses

        def as_field(spec: Spec) -> Any:
            given: dict[str, Any] = {"compare": spec.compare, "repr": spec.repr, "init": spec.init}
            if spec.default is not NO_DEFAULT:
                given["default"] = spec.default
            if spec.factory is not None:
                given["default_factory"] = spec.factory
            return dataclasses.field(kw_only=spec.kw_only, **given)

        ordered = sorted(cls.__specs__.items(), key=lambda each: each[1].kw_only)
        twin: Any = dataclasses.make_dataclass(cls.__name__, [(name, Any, as_field(spec)) for name, spec in ordered])
        made: dict[str, Any] = twin.__dataclass_fields__
        return made


_FIELDS = _Fields()
