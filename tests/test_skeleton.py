"""What a prepared query fills in is what the reference way makes of the same values."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pqlang
from pqlang.schema import ORDERED, TEXTS, Endpoint, FieldType

SHOP = pqlang.load_schema(Path(__file__).parent / "corpus" / "shop.toml").endpoints
TERSE = {"api": {"base_url": "http://a.b", "operators": {"=": "eq"}}, "endpoints": {"a": {"fields": {"b": {}}}}}
ENDPOINTS = (*pqlang.PENBOX.endpoints, *SHOP, *pqlang.load_schema(TERSE).endpoints)
OPS = ["=", "!=", "<", "<=", ">", ">=", "~", "~*", "!~", "contains", "starts with", "ends with", "in", "on"]
PLAIN = {
    kind: ("=", "<", "<=", ">", ">=")
    if kind in ORDERED
    else ("=", "~", "~*", "contains", "starts with", "ends with")
    if kind in TEXTS
    else ("=",)
    for kind in FieldType
}
AWARE = datetime(2024, 5, 6, 7, 8, 9, 120, tzinfo=timezone(timedelta(hours=2)))
VALUES: dict[FieldType, tuple[object, ...]] = {
    FieldType.STRING: ("x", "a b", "%a%", "", "null", "50%"),
    FieldType.EMAIL: ("a@b.co", "Ann", "%@b.co"),
    FieldType.UUID: ("3c90c3cc-0d44-4b50-8888-8dd25736052a", UUID(int=5), "template-1"),
    FieldType.ENUM: ("draft", "owner", "closed", "drft", "%d%"),
    FieldType.OPEN_ENUM: ("red", "mauve"),
    FieldType.BOOLEAN: (True, False, "true", 1),
    FieldType.INTEGER: (0, 7, -3, 2**63 - 1, 2**63, True, 1.5, "7"),
    FieldType.NUMBER: (0, 1.5, -0.0, float("nan"), float("inf"), "1.5"),
    FieldType.DATE: ("2024-01-01", date(2024, 1, 1), AWARE, "2024"),
    FieldType.DATETIME: ("2024-01-01", "2024-06-30T12:00:00Z", AWARE, datetime(2024, 1, 1), date(2024, 2, 3), "now"),
}
ODD = st.sampled_from(
    [
        *(None, "", " ", "\n", "\0", "\ud800", "\\", "a\\", "_", "é😀", "now-7d", 3, 2.5, True, b"x", [], ["a", "b"]),
        *(datetime.max, datetime.min.replace(tzinfo=UTC), type("Text", (str,), {})("x")),
    ]
)


@st.composite
def prepared(draw: st.DrawFn, endpoint: Endpoint) -> tuple[str, dict[str, object]]:
    """A conjunction with variables, and values for them: most of them plain, some with anything anywhere."""
    odd = draw(st.integers(0, 3)) == 0
    sent = [field for field in endpoint.fields if odd or field.json is None or not field.json.undocumented]
    fields = draw(st.lists(st.sampled_from(sent), min_size=1, max_size=4, unique_by=None if odd else str))
    parts, values = [], {}
    for at, field in enumerate(fields):
        kind, name = draw(st.integers(0, 9)), f"v{at}"
        op = draw(st.sampled_from(OPS if odd else PLAIN[field.type]))
        plain = st.sampled_from(field.values or VALUES[field.type])
        value = draw(st.one_of(plain, ODD) if odd else plain)
        if kind == 1 and field.type is FieldType.BOOLEAN:
            parts.append(draw(st.sampled_from([f"{field.name} = false", f"{field.name} != false", field.name])))
        elif kind == 0 and field.nullable:
            parts.append(f"{field.name} is not null")
        elif kind == 1 and isinstance(value, str) and value.isprintable():
            quoted = value.replace("\\", "\\\\").replace('"', '\\"')
            parts.append(f'{field.name} {op} "{quoted}"')
        else:
            parts.append(f"{field.name} {op} ${name}")
            values[name] = value
    if odd and draw(st.booleans()):
        values.pop(next(iter(values), ""), None)
    tail = draw(st.sampled_from(["", "", "", " order by created_at desc", " or archived"] if odd else ["", ""]))
    return " and ".join(parts) + tail, values


def outcome(run: Callable[[], Any]) -> object:
    """A request with the spans of its tests and the types of its values, or the problems."""
    try:
        request = run()
    except pqlang.PqlError as error:
        return error.diagnostics
    return request, [(test.span, type(test.value)) for test in request.tests], request.params


@settings(deadline=None, max_examples=2000)
@given(st.data(), st.sampled_from(ENDPOINTS), st.sampled_from(["auto", "json", "params"]))
def test_what_is_filled_in_is_what_is_compiled(data: st.DataObject, endpoint: Endpoint, target: str) -> None:
    text, values = data.draw(prepared(endpoint))
    try:
        made = pqlang.prepare(text, endpoint, target=target)
    except pqlang.PqlError:
        return
    now = datetime(2024, 3, 3, tzinfo=UTC)  # with a time of its own, every call takes the reference way
    assert outcome(lambda: made.compile(values)) == outcome(lambda: made.compile(values, now=now))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("parent_status = $a and owner.email ~ $b", {"a": "draft", "b": "%@acme%"}),
        ("title contains $a and created_at >= $b", {"a": "100%", "b": AWARE}),
        ("title starts with $a and reference ends with $b", {"a": "x_", "b": "y"}),
        ("created_at < $a and archived_at is null order by title", {"a": "2024-01-01T10:00"}),
        ("parent_status = draft and title = $a", {"a": "x"}),
        ("owner.email = $a and archived = false", {"a": "ann@acme.com"}),
        ("archived and created_at > $a", {"a": AWARE}),
    ],
)
@pytest.mark.parametrize("target", ["auto", "json"])
def test_common_prepared_queries_are_filled_in(text: str, values: dict[str, object], target: str) -> None:
    made = pqlang.prepare(text, "cases", target=target)
    assert made.skeleton is not None
    filled = made.skeleton.filled(values)
    assert filled is not None
    assert outcome(lambda: filled) == outcome(lambda: pqlang.compile(text, "cases", target=target, variables=values))
    again = pickle.loads(pickle.dumps(made))
    assert again == made
    assert again.skeleton.filled(values) == filled


@pytest.mark.parametrize(
    "text",
    [
        "status in ($a)",
        "title = $a and title != $b",
        "title = $a or status = $b",
        "created_at > now-1d and title = $a",
        "status != $a",
        "contact.given_name is null and title = $a",
        "archived = $a",
        "title ~ x and reference = $a",
        "",
    ],
)
def test_what_may_have_a_message_is_not_filled_in(text: str) -> None:
    assert pqlang.prepare(text, "cases").skeleton is None


@pytest.mark.parametrize("value", [None, "a\nb", "", ["x"], b"x", 5])
def test_what_is_not_plain_is_left_to_the_reference_way(value: object) -> None:
    made = pqlang.prepare("title starts with $a", "cases")
    assert made.skeleton is not None
    assert made.skeleton.filled({"a": value}) is None
    assert made.skeleton.filled({}) is None


def test_a_long_bound_value_is_warned_of() -> None:
    made = pqlang.prepare("title = $a", "cases")
    assert made.skeleton is not None
    filled = made.skeleton.filled({"a": "é" * 5_000})
    assert filled is not None
    assert [problem.code for problem in filled.diagnostics] == ["long-url"]
