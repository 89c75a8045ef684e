"""A query as a test on records that are at hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import MethodType
from typing import Any

from pqlang.condition import Condition
from pqlang.evaluator import Record, selector
from pqlang.formatter import expression
from pqlang.schema import Endpoint
from pqlang.writer import write


@dataclass(frozen=True)
class Predicate:
    """The whole of a query as a local test. `str()` is PQL."""

    condition: Condition
    endpoint: Endpoint

    @cached_property
    def matches(self) -> Callable[[Record], bool]:
        """`matches(record)`: whether the query is true of a record shaped as a response; a missing key is null.

        A record is looked at until that is decided. Raises PqlError where it is of another shape there: text where a
        number is due, a list where one record is.
        """
        from pqlang.predicate_code import compiled  # who tests no record does without

        made = compiled(self.condition)
        return MethodType(_defined(self.condition) if made is None else made, self)  # a method can be pickled

    def __str__(self) -> str:
        return expression(write(self.condition, self.endpoint))

    def __reduce__(self) -> tuple[Any, ...]:
        return Predicate, (self.condition, self.endpoint)  # the function is made anew


def _defined(condition: Condition) -> Callable[[object, Record], bool]:
    """`matches` as the evaluator defines it."""
    selects = selector(condition)

    def matches(self: object, record: Record) -> bool:
        return selects(record)

    return matches
