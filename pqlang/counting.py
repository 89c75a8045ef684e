"""Counting: the plan whose counts add up, and the values of a field that are counted one by one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from pqlang import diagnostics as say
from pqlang.compiler import plan as make_plan
from pqlang.diagnostics import PqlError
from pqlang.plans import Plan
from pqlang.schema import Endpoint
from pqlang.source import Source


def counting_plan(query: object, endpoint: Endpoint, **reads: Any) -> Plan:
    """A plan whose counts add up, or else the one that is had for less."""
    plan = make_plan(query, endpoint, **reads)
    if plan.exact and not plan.disjoint:
        try:
            apart = make_plan(query, endpoint, disjoint=True, **reads)
        except PqlError:  # too many requests
            return plan
        return apart if apart.disjoint and apart.exact else plan
    return plan


def can_group(endpoint: Endpoint, by: str) -> bool:
    """Whether the API's own count can be grouped by it: below `user.*` by the fields that the schema knows there, and
    where it knows none, by any.

    >>> import pqlang
    >>> forms = pqlang.PENBOX.endpoint("forms")
    >>> can_group(forms, "status"), can_group(forms, "data.country"), can_group(forms, "created_at")
    (True, True, False)
    """
    holder, _, last = by.partition(".")
    if not last or f"{holder}.*" not in endpoint.group_by:
        return by in endpoint.group_by
    known = [each.name for each in endpoint.fields if each.name.startswith(f"{holder}.")]
    return by in known or not known


def group_values(endpoint: Endpoint, by: str) -> Callable[[Mapping[str, Any]], str | None]:
    """A function from a record to its value, as text, None for null.

    Raises PqlError where neither the API can group by it nor responses carry it.
    """
    field = endpoint.by_name.get(by)
    if field is not None and field.record is not None and not field.to_many:
        keys = field.record
    elif can_group(endpoint, by):
        keys = tuple(by.split("."))
    else:
        raise PqlError(Source("", "by"), [say.ungroupable(by, endpoint.name, endpoint.group_by)])

    def value(record: Mapping[str, Any]) -> str | None:
        found: Any = record
        for key in keys:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found if found is None or isinstance(found, str) else json.dumps(found, ensure_ascii=False)

    return value
