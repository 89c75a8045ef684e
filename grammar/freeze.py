"""A schema as the Python that makes it: how `penbox.toml` becomes `pqlang/_penbox.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum

from pqlang.schema import Api, Schema


def to_python(schema: Schema, origin: str) -> str:
    """The text of `pqlang/_penbox.py`: constructor calls that make the schema again, so that it needs no file to read.

    Arguments that have their default are left out, the one `Api` is shared, and equal schemas have equal texts.
    `origin` names the file that the schema was read from.
    """
    names = sorted(_classes(schema) | {"Api"})
    imports = f"from pqlang.schema import {', '.join(names)}"
    if len(imports) > _WIDTH:
        imports = "\n    ".join(["from pqlang.schema import (", *(f"{name}," for name in names)]) + "\n)"
    return "\n".join(
        [
            f'"""The schema in `{origin}`, frozen by `grammar/build.py`: not to be edited, but built again."""',
            "",
            "from __future__ import annotations",
            "",
            imports,
            "",
            *_lines("API = ", schema.api, ""),
            *_lines("PENBOX = ", schema, ""),
            "",
        ]
    )


_WIDTH = 120


class _Name(str):
    """A text that stands for itself, without quotes."""

    __slots__ = ()


def _lines(head: str, value: object, tail: str, indent: str = "") -> Iterator[str]:
    """The value on one line where it fits, else each of its parts on lines of its own."""
    line = f"{indent}{head}{_flat(value)}{tail}"
    opening, parts, closing = _taken_apart(value)
    if len(line) <= _WIDTH or not parts:
        yield line
        return
    yield f"{indent}{head}{opening}"
    for label, part in parts:
        yield from _lines(label, part, ",", indent + "    ")
    yield f"{indent}{closing}{tail}"


def _flat(value: object) -> str:
    opening, parts, closing = _taken_apart(value)
    comma = "," if isinstance(value, tuple) and len(parts) == 1 else ""
    return opening + ", ".join(label + _flat(part) for label, part in parts) + comma + closing


def _taken_apart(value: object) -> tuple[str, list[tuple[str, object]], str]:
    """What opens the value's text, its parts under their labels, and what closes it; a plain value only opens."""
    if isinstance(value, tuple):
        return "(", [("", each) for each in value], ")"
    if is_dataclass(value):
        given = ((each, getattr(value, each.name)) for each in fields(value) if each.init)
        parts = [(f"{each.name}=", _shared(part)) for each, part in given if part != each.default]
        return f"{type(value).__name__}(", parts, ")"
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}", [], ""
    if isinstance(value, str) and '"' not in value:
        return value if isinstance(value, _Name) else json.dumps(value, ensure_ascii=False), [], ""
    return repr(value), [], ""


def _shared(part: object) -> object:
    return _Name("API") if isinstance(part, Api) else part


def _classes(value: object) -> set[str]:
    """The names that the value's text needs."""
    own = {type(value).__name__} if is_dataclass(value) or isinstance(value, Enum) else set()
    return own.union(*(_classes(part) for _, part in _taken_apart(value)[1]))
