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
    space |= {"__getstate__": _state, "__setstate__": _restore}
    if repr:
        space.setdefault("__repr__", _repr)
    if eq:
        compared = [name for name, spec in specs.items() if spec.compare]
        _add_comparing(space, attrgetter(*compared), order)
    made: Any = type(cls)(cls.__name__, cls.__bases__, space)  # type: ignore[misc]
    made.__qualname__ = cls.__qualname__
    made.__init__ = _init(made, specs)
    whole: type[Any] = made
    return whole


def _init(cls: type[Any], specs: dict[str, Spec]) -> Callable[..., None]:
    """The constructor. Each attribute is set by its slot's own descriptor: that is what makes it cheap."""
    names: dict[str, Any] = {}
    parameters: list[str] = []
    keywords: list[str] = []
    body: list[str] = []
    for name, spec in specs.items():
        if not spec.init:
            continue
        names[f"_set_{name}"] = getattr(cls, name).__set__
        value = name
        if spec.factory is not None:
            names[f"_new_{name}"], names["_none"] = spec.factory, NO_DEFAULT
            value = f"_new_{name}() if {name} is _none else {name}"
        default = "=_none" if spec.factory is not None else ""
        if spec.default is not NO_DEFAULT:
            names[f"_default_{name}"] = spec.default
            default = f"=_default_{name}"
        (keywords if spec.kw_only else parameters).append(name + default)
        body.append(f" _set_{name}(self, {value})")
    if hasattr(cls, "__post_init__"):
        body.append(" self.__post_init__()")
    head = ", ".join(["self", *parameters, *(["*", *keywords] if keywords else [])])
    exec(f"def __init__({head}):\n" + "\n".join(body or [" pass"]), names)
    made: Callable[..., None] = names["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
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


def _state(self: Any) -> list[Any]:
    return [getattr(self, name) for name in self.__specs__]


def _restore(self: Any, state: list[Any]) -> None:
    for name, value in zip(self.__specs__, state, strict=True):
        object.__setattr__(self, name, value)


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
