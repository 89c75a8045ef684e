"""The order of a list of records, as far as it can be known here: by it the answers to several requests are merged.

Numbers, times, booleans and uuids compare here as they do in any database. How an API collates text, and whether it
sorts an enum by its text or by a rank of its own, nobody documents. Nulls come last ascending and first descending,
and ties go by the id: decided for Penbox, see the schema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pqlang import diagnostics as say
from pqlang.condition import Moment
from pqlang.diagnostics import Diagnostic, PqlError
from pqlang.evaluator import reader
from pqlang.plans import Plan
from pqlang.schema import ORDERED, Endpoint, Field, FieldType
from pqlang.source import Source, Span

Record: TypeAlias = Mapping[str, Any]
Key: TypeAlias = "tuple[bool, Any]"

_COMPARABLE = ORDERED | {FieldType.BOOLEAN, FieldType.UUID}


@dataclass(frozen=True, slots=True)
class Order:
    """Records sorted by a field."""

    field: Field
    descending: bool

    @property
    def known(self) -> bool:
        """Whether two values compare here as they do where the API sorts them."""
        return self.field.type in _COMPARABLE

    @property
    def carried(self) -> bool:
        """Whether a response record carries its one value."""
        return self.field.record is not None and not self.field.to_many

    def is_in(self, record: Record) -> bool:
        """Whether the record holds what it is sorted by, a null or a missing relation included."""
        assert self.field.record is not None
        return self.field.record[0] in record

    def keys(self) -> Callable[[Record], Key]:
        """A function from a record to what it is sorted by: the smaller comes first, nulls where they belong.

        It raises PqlError for a record of another shape.
        """
        assert self.field.record is not None
        read, descending = reader(self.field, self.field.record), self.descending

        def key(record: Record) -> Key:
            value = read(record)
            if value is None:
                return not descending, 0
            if isinstance(value, Moment):
                value = value.at
            return descending, _Down(value) if descending else value

        return key


@dataclass(frozen=True, slots=True)
class _Down:
    """A value that comes before those it is greater than."""

    value: Any

    def __lt__(self, other: _Down) -> bool:
        return bool(other.value < self.value)


def order_of(sort: str | None, endpoint: Endpoint) -> Order | None:
    """The order that a `sort=` stands for, or where there is none the endpoint's own; None where that is unknown."""
    spelt = endpoint.default_sort if sort is None else sort
    if not spelt:
        return None
    prefix = endpoint.api.descending_prefix
    name = spelt.removeprefix(prefix)
    field = next((each for each in endpoint.fields if each.sort == name), None)
    return None if field is None else Order(field, spelt != name)


def merge_order(plan: Plan, source: Source, strict: bool) -> tuple[Order | None, list[Diagnostic]]:
    """The order by which a plan's requests are merged; None where they follow one another.

    Where the query asks for none, the API's own is kept if that is known.
    """
    several = len(plan.requests)
    if several < 2:
        return None, []
    asked, endpoint = plan.requests[0].sort, plan.endpoint
    order, span = order_of(asked, endpoint), Span(0, len(source.text))
    if order is None or (asked is None and not (order.known and order.carried)):
        return None, []
    if not order.carried:
        raise PqlError(source, [say.unmergeable(span, order.field.name, several)])
    if order.known:
        return order, []
    problem = say.sorted_here(span, order.field.name, several, strict)
    if strict:
        raise PqlError(source, [problem])
    return order, [problem]


def id_keys(endpoint: Endpoint) -> Sequence[str]:
    """The keys that lead to what tells a response record from the others."""
    named = endpoint.by_name.get(endpoint.api.id_key)
    return named.record if named is not None and named.record is not None else (endpoint.api.id_key,)
