"""What `compile` and `check` remember may be forgotten without changing any result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import pqlang
from pqlang import PENBOX, PqlError, Request, compiler, entry

CASES = PENBOX.endpoint("cases")


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Nothing is remembered before a test, nor after it."""
    for known in (entry._remembered, entry._known_problems):
        known.cache_clear()
    yield
    for known in (entry._remembered, entry._known_problems):
        known.cache_clear()


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The texts that are compiled and not remembered."""
    texts: list[object] = []
    whole = entry._compiled

    def noted(query: object, *rest: Any) -> Request:
        texts.append(query)
        return whole(query, *rest)

    monkeypatch.setattr(entry, "_compiled", noted)
    return texts


def test_a_text_is_compiled_once(compiled: list[object]) -> None:
    for _ in range(3):
        assert pqlang.compile("title = x or title = x", "cases").params == pqlang.compile("title = x", "cases").params
    assert compiled == ["title = x or title = x", "title = x"]


def test_how_a_text_is_read_is_part_of_what_is_remembered() -> None:
    text = "created_at > 2024-01-01 and archived = false"
    ways: tuple[dict[str, Any], ...] = (
        {},
        {"target": "json"},
        {"tz": "Asia/Tokyo"},
        {"mode": "search"},
        {"scope": "active"},
        {"limits": pqlang.Limits(values=3)},
    )
    first = [pqlang.compile(text, "cases", **way) for way in ways]
    entry._remembered.cache_clear()
    assert [pqlang.compile(text, "cases", **way) for way in reversed(ways)] == first[::-1]
    assert len({each.query_string for each in first}) == 2
    with pytest.raises(PqlError):
        pqlang.compile(text, "cases", limits=pqlang.Limits(length=3))


@pytest.mark.parametrize("text", ["created_at > now", "created_at >= TODAY-1d", "created_at on yesterday"])
def test_a_text_about_the_present_reads_the_clock_each_time(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []
    for now in ("2024-01-01T00:00:00Z", "2024-02-02T00:00:00Z"):
        clock = compiler.make_clock(now, "UTC")
        with monkeypatch.context() as then:
            then.setattr(compiler, "make_clock", lambda *_, clock=clock: clock)
            sent.append(pqlang.compile(text, "cases").query_string)
    assert sent[0] != sent[1]


def test_what_is_remembered_is_nobodys_to_change() -> None:
    text = "parent_status = draft and created_at <= 2024-01-01"
    request, problems = pqlang.compile(text, "cases"), pqlang.check(text, "cases")
    assert request.filter is not None
    request.filter["attributes"].clear()
    request.params.clear()
    assert [problem.code for problem in problems] == ["bare-day"]
    problems.clear()
    assert pqlang.compile(text, "cases").filter == request.filter != {"attributes": {}}
    assert [problem.code for problem in pqlang.check(text, "cases")] == ["bare-day"]


def test_endpoints_of_one_name_are_told_apart() -> None:
    fields: dict[str, Any] = {"b": {"type": "string"}}
    one, other = (
        pqlang.load_schema({"api": {"base_url": "http://a.b"}, "endpoints": {"a": {"fields": each}}}).endpoints[0]
        for each in (fields, fields | {"c": {"type": "string"}})
    )
    assert hash(one) == hash(other)
    assert pqlang.check("c = x", other) == []
    assert [problem.code for problem in pqlang.check("c = x", one)] == ["unknown-field"]
    assert pqlang.compile("c = x", other).filter == {"attributes": {"c": {"$eq": "x"}}}
    with pytest.raises(PqlError):
        pqlang.compile("c = x", one)


def test_what_is_remembered_is_bounded() -> None:
    for at in range(entry.REMEMBERED + 50):
        pqlang.compile(f"title = x{at}", "cases")
        pqlang.check(f"title = x{at}", "cases")
    assert entry._remembered.cache_info().currsize == entry._known_problems.cache_info().currsize == entry.REMEMBERED
    entry._remembered.cache_clear()
    entry._known_problems.cache_clear()
    long = f"title = {'x' * entry.LONGEST}"
    pqlang.compile(long, "cases")
    assert pqlang.check(long, "cases") == []
    assert entry._remembered.cache_info().currsize == entry._known_problems.cache_info().currsize == 0


def test_a_mistake_is_raised_each_time() -> None:
    for _ in range(3):
        with pytest.raises(PqlError) as caught:
            pqlang.compile("titel = x", CASES)
        assert [problem.code for problem in caught.value.diagnostics] == ["unknown-field"]


@pytest.mark.parametrize("given", [{"tz": []}, {"scope": {}}, {"mode": set()}, {"target": []}, {"limits": []}])
def test_what_cannot_be_a_key_is_a_wrong_argument(given: dict[str, Any]) -> None:
    for ask in (pqlang.compile, pqlang.check):
        with pytest.raises(PqlError):
            ask("title = x", "cases", **given)
