"""What an API answers, read and held against itself: a page, a count, a refusal.

Nothing is taken on trust: a page that is not the one asked for, has other records than its own numbers say, or is no
JSON at all is a `BadAnswer`, so that no list ends early without an error.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from pqlang.diagnostics import shorten
from pqlang.schema import Api

MOST_WORDS = 300  # of what a refusal says


class BadAnswer(Exception):
    """An answer that cannot be read. `passing`: the next one to the same request may be better."""

    def __init__(self, what: str, *, passing: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.passing = passing


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: its records, and how many records and pages there are, as the API says."""

    records: list[dict[str, Any]]
    number: int
    size: int
    total: int
    last: int  # the number of the last page, 0 or 1 where there is no record


def read_page(body: bytes, content_type: str, api: Api, number: int) -> Page:
    """The page of that number. Raises BadAnswer.

    >>> body = b'{"meta": {"total_count": 1, "total_pages": 1, "page_size": 9, "current_page": 1}, "data": [{"id": 5}]}'
    >>> read_page(body, "application/json", Api("test"), 1)
    Page(records=[{'id': 5}], number=1, size=9, total=1, last=1)
    """
    answer = _object(_json(body, content_type), "the answer")
    meta = _object(_part(answer, api.meta_key, "the answer"), f"`{api.meta_key}`")
    records = _part(answer, api.data_key, "the answer")
    if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
        raise BadAnswer(f"`{api.data_key}` is no list of objects")
    total, last, size, found = (
        _number(meta, key, api.meta_key) for key in (api.total_key, api.pages_key, api.size_key, api.number_key)
    )
    if found != number:
        raise BadAnswer(f"it says that it is page {found:,}, and page {number:,} was asked for")
    if size == 0:
        raise BadAnswer(f"`{api.meta_key}.{api.size_key}` is 0")
    pages = -(-total // size)
    if last != pages and (last, total) != (1, 0):
        raise BadAnswer(f"it says that {total:,} records at {size:,} a page make {last:,} pages", passing=True)
    due = max(0, min(size, total - (number - 1) * size))
    if len(records) != due:
        raise BadAnswer(
            f"page {number:,} of {total:,} records at {size:,} a page should hold {due:,}, and holds {len(records):,}",
            passing=True,
        )
    return Page(records, number, size, total, last)


def read_count(body: bytes, content_type: str, api: Api) -> int:
    """The number of a count. Raises BadAnswer."""
    return _number(_object(_json(body, content_type), "the answer"), api.count_key, "")


def read_groups(body: bytes, content_type: str, api: Api, by: str) -> dict[str | None, int]:
    """The number of each value of the field that a count was grouped by. Raises BadAnswer."""
    answer = _object(_json(body, content_type), "the answer")
    total = _number(answer, api.count_key, "")
    groups = _object(_part(answer, api.by_key, "the answer"), f"`{api.by_key}`")
    counts = _object(_part(groups, by, f"`{api.by_key}`"), f"`{api.by_key}.{by}`")
    found: dict[str | None, int] = {value: _number(counts, value, f"{api.by_key}.{by}") for value in counts}
    if sum(found.values()) > total:
        raise BadAnswer(f"its groups have {sum(found.values()):,} records, of {total:,} in all")
    return found


def words_of(body: bytes, content_type: str, api: Api) -> str:
    """What a refusal says, on one line and short; empty where it says nothing to people."""
    try:
        answer = _json(body, content_type)
    except BadAnswer:
        return ""
    errors = answer.get(api.errors_key) if isinstance(answer, dict) else None
    said = [
        ": ".join(text for key in api.error_words if isinstance(text := each.get(key), str) and text)
        for each in (errors if isinstance(errors, list) else [])
        if isinstance(each, dict)
    ]
    return plain_line("; ".join(filter(None, said)))


def plain_line(text: str) -> str:
    """Text from outside on one line: what cannot be seen, or could steer a terminal, is a blank; the rest is cut."""
    seen = "".join(char if char.isprintable() else " " for char in text[: 4 * MOST_WORDS])
    return shorten(" ".join(seen.split()), MOST_WORDS)


# Parts


def _json(body: bytes, content_type: str) -> Any:
    kind = content_type.partition(";")[0].strip().lower()
    if kind and kind != "application/json" and not kind.endswith("+json"):
        raise BadAnswer(f"it is no JSON but `{plain_line(kind)}`")
    if not body:
        raise BadAnswer("it is empty", passing=True)
    try:
        return json.loads(body, parse_constant=_no_json)
    except (ValueError, RecursionError):
        raise BadAnswer("its JSON cannot be read", passing=True) from None


def _no_json(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and its kin


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadAnswer(f"{what} is no object")
    return value


def _part(holder: Mapping[str, Any], key: str, what: str) -> Any:
    if key not in holder:
        raise BadAnswer(f"{what} has no `{key}`")
    return holder[key]


def _number(holder: Mapping[str, Any], key: str, what: str) -> int:
    value = _part(holder, key, f"`{what}`" if what else "the answer")
    if type(value) is not int or value < 0:
        raise BadAnswer(f"`{what}{'.' * bool(what)}{key}` is no whole number")
    return value
