"""An endpoint as somebody who may not see all of its fields has it: nothing in it tells of the others."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from pqlang.diagnostics import Severity
from pqlang.entry import check
from pqlang.schema import Endpoint, Field
from pqlang.valueclass import replace


def narrow(endpoint: Endpoint, names: Collection[str]) -> Endpoint | None:
    """The endpoint with the fields of these names; None where it has none of them.

    A boolean that stands for another field being null goes with that field, since requests and records spell it so.
    Where a field goes whose value the API assumes, no direct parameter is exact any more and nobody could say so:
    then every condition goes by the JSON filter. Names that the endpoint does not have mean nothing.

    >>> from pqlang import PENBOX
    >>> cases = PENBOX.endpoint("cases")
    >>> [field.name for field in narrow(cases, {"title", "archived", "owner.email"}).fields]
    ['title', 'owner.email']
    """
    kept = {each.name for each in endpoint.fields if each.name in names and _base(each) in names}
    hidden = [each for each in endpoint.fields if each.name not in kept]
    if not hidden:
        return endpoint
    if not kept:
        return None
    told = _Told(frozenset(each.name for each in hidden))
    parameters = not any(each.param is not None and each.param.assumed is not None for each in hidden)
    sorts = {each.sort for each in endpoint.fields if each.name in kept}
    order = endpoint.default_sort
    narrowed = replace(
        endpoint,
        fields=tuple(_field(each, told, parameters) for each in endpoint.fields if each.name in kept),
        description=told.clean(endpoint.description),
        search=endpoint.search if endpoint.search in kept else None,
        always=endpoint.always if endpoint.always in kept else None,
        active=endpoint.active if endpoint.active is not None and endpoint.active.field in kept else None,
        default_sort=order if order and order.removeprefix(endpoint.api.descending_prefix) in sorts else None,
        group_by=tuple(each for each in endpoint.group_by if each in kept or each not in endpoint.by_name),
        examples=(),
    )
    examples = (each for each in endpoint.examples if not told.by(each) and _reads(each, narrowed))
    return replace(narrowed, examples=tuple(examples))


def trim(record: Mapping[str, Any], endpoint: Endpoint) -> dict[str, Any]:
    """A response record with no more in it than the endpoint's fields.

    >>> from pqlang import PENBOX
    >>> cases = narrow(PENBOX.endpoint("cases"), {"title", "contact.email"})
    >>> trim({"title": "a", "status": "b", "contacts": [{"id": "1", "email": "jo@acme.com"}]}, cases)
    {'title': 'a', 'contacts': [{'email': 'jo@acme.com'}]}
    """
    kept: dict[str, Any] = {}
    for field in endpoint.fields:
        place = kept
        for key in field.record or ():
            place = place.setdefault(key, {})
    trimmed: dict[str, Any] = _trim(record, kept)
    return trimmed


def _trim(value: Any, kept: Mapping[str, Any]) -> Any:
    """What is kept of a value; all of it at the end of a field's keys, nothing of what should not be there."""
    if not kept:
        return value
    if isinstance(value, list):
        return [_trim(each, kept) for each in value]
    if isinstance(value, Mapping):
        return {key: _trim(value[key], inside) for key, inside in kept.items() if key in value}
    return None


def _base(field: Field) -> str:
    """The field that is asked for: its own name, or what a derived one stands for."""
    return field.name if field.derived is None else field.derived.base


def _reads(query: str, endpoint: Endpoint) -> bool:
    return not any(each.severity is Severity.ERROR for each in check(query, endpoint))


def _field(field: Field, told: _Told, parameters: bool) -> Field:
    """A field without what its texts say of others."""
    place = field.json
    if place is not None and told.by(place.undocumented):
        place = replace(place, undocumented="decided by the schema")
    return replace(
        field,
        description=told.clean(field.description),
        meanings=tuple(map(told.clean, field.meanings)),
        json=place,
        param=field.param if parameters else None,
    )


class _Told:
    """Whether a text speaks of hidden fields: by a name in backticks, or one that is no plain word."""

    def __init__(self, hidden: frozenset[str]) -> None:
        names = "|".join(map(re.escape, sorted(hidden, key=len, reverse=True)))
        marked = [each for each in hidden if not each.isalpha()]
        odd = "|".join(map(re.escape, sorted(marked, key=len, reverse=True)))
        self._pattern = re.compile(rf"`(?:{names})`" + (rf"|(?<![\w.])(?:{odd})(?![\w])" if odd else ""))

    def by(self, text: str) -> bool:
        return self._pattern.search(text) is not None

    def clean(self, text: str) -> str:
        """The text, or nothing where it tells."""
        return "" if self.by(text) else text
