"""The demo page: what a query becomes, while it is typed."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

import pytest
from serving import serving

import pqlang
from pqlang import PENBOX, presenter
from pqlang.sandbox.records import generate, respond

CASES = PENBOX.endpoint("cases")
assert CASES is not None


def settle(box: Any) -> None:
    """Until the query that is typed has its answer, and the page what it asks for then."""
    if box.expanded:
        box.press("Escape")
    box.wait("heard.some(each => each.type === 'pql-request' && each.value === box.value)")
    box.page.wait_for_timeout(100)
    box.page.wait_for_load_state("networkidle")


def test_each_request_is_shown_in_every_form(make_box: Any) -> None:
    box = make_box("/pql/")
    box.type("not archived and (parent_status = draft or owner.email = ann@acme.com)")
    settle(box)
    assert box.page.locator("#answer-title").text_content() == "2 requests"
    cards = box.page.locator(".request")
    assert cards.count() == 2
    assert cards.nth(0).locator("dl").inner_text().split() == ["archived", "false", "parent_status", "draft"]
    url = "https://connect.penbox.io/v1/cases?archived=false&parent_status=draft"
    assert cards.nth(0).locator("pre").all_text_contents() == [
        url,
        presenter.curl(pqlang.compile("archived = false and parent_status = draft", "cases")),
    ]
    assert box.page.locator(".badge").all_text_contents() == ["exact", "exact"]
    box.page.locator("summary").click()
    assert box.page.locator("#explain pre").inner_text().startswith("archived = false and (")


def test_one_request_has_its_filter_beside_the_parameters(make_box: Any) -> None:
    box = make_box("/pql/")
    box.type("parent_status = draft and not archived")
    settle(box)
    shown = box.page.locator(".request pre").first.text_content()
    assert json.loads(shown) == {"attributes": {"parent_status": {"$eq": "draft"}, "archived_at": {"$eq": None}}}
    assert box.page.locator(".request pre .k").first.text_content() == '"attributes"'
    box.input.fill("owner.email ~ a% and title not contains x")
    settle(box)
    assert box.page.locator(".request h4").all_text_contents() == ["Filter", "Then test", "URL", "curl"]


def test_a_mistake_leaves_the_last_answer_and_says_so(make_box: Any) -> None:
    box = make_box("/pql/")
    box.type("archived")
    settle(box)
    box.type(" and owner.emial = a ")
    settle(box)
    assert box.page.locator("#answer-title").text_content() == "The query before"
    assert "stale" in (box.page.locator("#answer").get_attribute("class") or "")
    assert box.page.locator(".request").count() == 1


def test_endpoints_examples_and_scope(make_box: Any) -> None:
    box = make_box("/pql/")
    assert box.page.locator("#endpoints label").all_text_contents() == ["cases", "case templates", "forms"]
    box.page.get_by_label("forms").check()
    box.page.wait_for_timeout(200)
    assert box.host.get_attribute("endpoint") == "forms"
    example = box.page.locator("#examples button").first
    text = example.text_content()
    example.click()
    assert box.value == text
    settle(box)
    assert "/v1/forms" in box.page.locator(".request pre").last.text_content()
    box.page.get_by_label("only what is active").check()
    settle(box)
    assert box.host.get_attribute("scope") == "active"
    assert "scope=active" in box.page.url
    with box.page.expect_response("**/schema/*"):
        box.page.reload()
    box.page.wait_for_timeout(300)
    assert (box.value, box.host.get_attribute("endpoint"), box.host.get_attribute("scope")) == (text, "forms", "active")


def test_enter_puts_the_query_in_the_address(make_box: Any) -> None:
    box = make_box("/pql/")
    box.type("archived")
    box.press("Escape", "Enter")
    box.wait("location.search.includes('q=archived')")


def test_rows_are_shown_where_there_are_any(make_box: Any) -> None:
    box = make_box("/sandbox/")
    box.type("archived")
    settle(box)
    assert box.page.locator("#rows-title").text_content() == "3 rows"
    assert box.page.locator("th").all_text_contents() == ["id", "title", "owner.email"]
    assert box.page.locator("tbody tr").count() == 3
    elsewhere = make_box("/pql/")
    elsewhere.type("archived")
    settle(elsewhere)
    assert elsewhere.page.locator("#rows").is_hidden()


def test_without_endpoints_the_page_stays_quiet(make_box: Any) -> None:
    box = make_box()
    box.page.route("**/schema", lambda route: route.fulfill(status=503))
    box.page.goto(f"{box.server}/pql/?q=archived")
    box.wait("box.value === 'archived'")
    assert box.page.locator("#endpoints label").count() == 0
    box.input.press("Enter")
    box.page.wait_for_timeout(100)
    assert "q=archived" in box.page.url
    box.said[:] = [line for line in box.said if "503" not in line]


@pytest.mark.parametrize("address", ["/pql/", "/pql/?q=archived"])
def test_who_types_before_the_endpoints_are_known_keeps_it(make_box: Any, address: str) -> None:
    box = make_box("/pql/")
    held: list[Any] = []
    box.page.route("**/schema", lambda route: held.append(route))
    box.page.goto(f"{box.server}{address}")
    box.input.fill("not archived")
    assert held
    held[0].continue_()
    box.page.locator("#endpoints label").first.wait_for()
    settle(box)
    assert box.value == "not archived"
    assert box.page.locator(".request dl").inner_text().split() == ["archived", "false"]


@pytest.mark.parametrize(
    ("shown", "total", "said"),
    [
        (50, 1_234, "50 of 1,234 rows"),
        (50, 50, "50 rows"),
        (50, None, "The first 50 rows"),
        (7, None, "7 rows"),
        (1, 1, "1 row"),
        (0, 0, "0 rows"),
    ],
)
def test_the_page_says_how_many_rows_there_are(make_box: Any, shown: int, total: int | None, said: str) -> None:
    box = make_box("/sandbox/")
    rows = [{"id": f"c{at}"} for at in range(shown)]
    body = json.dumps({"ok": True, "rows": rows, "total": total, "diagnostics": []})
    box.page.route("**/rows", lambda route: route.fulfill(body=body, content_type="application/json"))
    box.type("archived")
    settle(box)
    assert box.page.locator("#rows-title").text_content() == said
    assert box.page.locator("tbody tr").count() == shown


@pytest.mark.parametrize(
    "query",
    [
        "parent_status = draft and not archived",
        "parent_status = draft or owner.email is null",  # two requests
        "not archived and title not contains e",  # a test on the records
    ],
)
def test_rows_of_the_command(make_box: Any, query: str) -> None:
    until = datetime(2024, 11, 22, 12, tzinfo=UTC)
    wanted = pqlang.predicate(query, "cases")
    made = (respond(each, CASES) for each in generate(CASES, 1_000, until=until))
    found = sorted((each for each in made if wanted.matches(each)), key=itemgetter("created_at"), reverse=True)
    with serving("--sandbox", "--until", until.isoformat()) as (_, port):
        box = make_box("/", at=f"http://127.0.0.1:{port}")
        box.type(query)
        count = f"50 of {len(found):,} rows" if len(found) > 50 else f"{len(found)} rows"
        box.page.locator("#rows-title", has_text=re.compile(f"^{count}$")).wait_for()
        assert box.page.locator("tbody td:first-child").all_text_contents() == [each["id"] for each in found[:50]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1000])
def test_it_fits_and_axe_finds_nothing(make_box: Any, scheme: str, width: int) -> None:
    box = make_box("/sandbox/", color_scheme=scheme, viewport={"width": width, "height": 800})
    assert box.axe() == []
    box.type('not archived and (parent_status = draft or owner.email ~ "%@acme%")')
    assert box.axe() == []
    settle(box)
    assert box.axe() == []
    assert box.page.evaluate("document.documentElement.scrollWidth") <= width
    box.type(" and x = = y ")
    settle(box)
    assert box.axe() == []
