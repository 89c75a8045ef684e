"""The short way gives what the reference way gives, spans and all, or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pqlang
from pqlang import compiler, express
from pqlang.schema import Endpoint, FieldType
from pqlang.source import DEFAULT_LIMITS

SHOP = pqlang.load_schema(Path(__file__).parent / "corpus" / "shop.toml").endpoints
TERSE = {"api": {"base_url": "http://a.b", "operators": {"=": "eq"}}, "endpoints": {"a": {"fields": {"b": {}}}}}
ENDPOINTS = (*pqlang.PENBOX.endpoints, *SHOP, *pqlang.load_schema(TERSE).endpoints)
BLANKS = st.sampled_from(["", " ", "  ", "\t", "\n", "\xa0"])
OPS = st.sampled_from(
    ["=", "!=", "<", "<=", ">", ">=", "~", "!~", "~*", "!~*", "==", ":", "<>", "=>", "~**", "~ *", "is", "in"]
)
WORDS = (
    "draft in_progress closed none null NULL true False 5 00123 2024-01-01 2024-02-30 2024-01-01T00:00:00Z "
    "2024-01-01T10:00 "
    "2024-06-30T12:00:00+02:00 now now-7d and order a:b a@b.co %x% * %a\\% template-123 $x é a😀b “x” x) "
    "3c90c3cc-0d44-4b50-8888-8dd25736052a"
)
QUOTED = ('"%@acme%"', "'it'", '"a\\"b"', '"null"', '"2024-01-01"', '""', "(a, b)", "now - 7 days", "not null", "null ")
VALUES = st.sampled_from([*WORDS.split(), *QUOTED])
JOINS = st.sampled_from([" and ", " AND ", " and\n", "and", " or ", " ", " and not ", ", "])
TAILS = st.sampled_from(
    ["", "", " ", " order by title", " order by created_at desc", " ORDER  BY title ASC ", " order by x", ")"]
)


PLAIN = {  # what each type of field is most often compared with
    FieldType.STRING: ("= x", "='a b'", '~ "%a%"', "~* %B%", "!= x", "in (x, 'a b')", "in (x, null)", "= y"),
    FieldType.EMAIL: ("= a@b.co", '~* "%@acme%"', "= 'Ann'"),
    FieldType.UUID: ("= 3c90c3cc-0d44-4b50-8888-8dd25736052a", "= template-123"),
    FieldType.ENUM: ("= draft", "!= closed", "= none", ": pending", "<> owner"),
    FieldType.BOOLEAN: ("= true", "!= false", "", "= FALSE"),
    FieldType.OPEN_ENUM: ("= red", "= 'dark blue'", "in (red, green)", "= mauve"),
    FieldType.INTEGER: ("> 1", "< 10", ">= 2", "<=3", "= 5", "in (1, 2, 3)", "= -1", "> 1.5", "> 4", "< 2"),
    FieldType.NUMBER: ("> 1", "< 1.5"),
    FieldType.DATE: ("> 2024-01-01", "= 2024-01-01", "<= 2024-02-01"),
    FieldType.DATETIME: (
        "> 2024-01-01",
        ">= 2024-01-01T00:00:00Z",
        "<'2024-06-30T12:00:00+02:00'",
        "= 2024-01-01T10:00",
        "<= 2024-05-05",
        "= '2024-05-05'",
        "< 2023-01-01",
    ),
}


@st.composite
def texts(draw: st.DrawFn, endpoint: Endpoint) -> str:
    """Conditions side by side: most as the short way likes them, some with anything in any place."""
    odd_names = st.sampled_from([*(field.name for field in endpoint.fields), "owner[email]", "titel", "`title`"])
    parts = []
    for _ in range(draw(st.integers(1, 4))):
        if draw(st.integers(0, 5)):
            field = draw(st.sampled_from(endpoint.fields))
            null = (" is null", " IS  NOT\tnull") if field.nullable else ()
            parts += [field.name, draw(BLANKS), draw(st.sampled_from([*PLAIN[field.type], *null])), " and "]
        else:
            parts += [draw(BLANKS), draw(odd_names), draw(BLANKS), draw(OPS), draw(BLANKS), draw(VALUES), draw(JOINS)]
    return "".join(parts[:-1]) + draw(TAILS)


def outcome(run: Callable[[], Any]) -> object:
    """A request with the spans of its tests, or the problems."""
    try:
        request = run()
    except pqlang.PqlError as error:
        return error.diagnostics
    return request, [test.span for test in request.tests], request.params


def both(text: str, endpoint: Endpoint, target: str) -> tuple[object, object]:
    """What `compile` gives, and what the reference way gives."""
    short = outcome(lambda: pqlang.compile(text, endpoint, target=target))
    return short, outcome(lambda: compiler.request(compiler.analyse(text, endpoint, target=target)))


@settings(deadline=None, max_examples=1500)
@given(st.data(), st.sampled_from(ENDPOINTS), st.sampled_from(["auto", "json", "params"]))
def test_both_ways_compile_alike(data: st.DataObject, endpoint: Endpoint, target: str) -> None:
    text = data.draw(texts(endpoint))
    if express.push(text, endpoint, target) is not None:  # else `compile` is the reference way, at another instant
        short, reference = both(text, endpoint, target)
        assert short == reference


@st.composite
def groups(draw: st.DrawFn, endpoint: Endpoint) -> str:
    """Conditions with brackets, `not`s and both connectives; a few fields, so that the same one comes again."""
    fields = draw(st.lists(st.sampled_from(endpoint.fields), min_size=1, max_size=3))
    parts: list[str] = []
    opened = 0
    for at in range(draw(st.integers(1, 6))):
        if at:
            parts.append(draw(st.sampled_from([" and ", " and ", " or ", " or ", " AND ", ") or ", " and\t("])))
        parts.append(draw(st.sampled_from(["", "", "", "(", "((", "not ", "not (", "NOT(", " ( "])))
        field = draw(st.sampled_from(fields))
        null = ("is null", "IS  NOT\tnull") if field.nullable else ()
        parts += [field.name, draw(st.sampled_from(["", " ", " ", " "]))]
        parts.append(draw(st.sampled_from([*PLAIN[field.type], *null])))
        parts.append(draw(st.sampled_from(["", "", "", ")", " )", "))"])))
        opened = "".join(parts).count("(") - "".join(parts).count(")")
    return "".join(parts) + ")" * max(0, opened)


def reference_check(text: str, endpoint: Endpoint) -> list[pqlang.Diagnostic]:
    return list(compiler.analyse(text, endpoint, target=None).diagnostics)


@settings(deadline=None, max_examples=3000)
@given(st.data(), st.sampled_from(ENDPOINTS))
def test_both_ways_check_alike(data: st.DataObject, endpoint: Endpoint) -> None:
    text = data.draw(st.one_of(groups(endpoint), groups(endpoint), texts(endpoint)))
    short = express.check(text, endpoint, DEFAULT_LIMITS)
    if short is not None:
        assert short == reference_check(text, endpoint)


def test_both_ways_agree_on_the_corpus() -> None:
    went = 0
    for path in sorted((Path(__file__).parent / "corpus").glob("*.txt")):
        for block in re.split(r"^===.*\n", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
            lines = re.split(r"^---", block, maxsplit=1, flags=re.MULTILINE)[0].splitlines()
            text = "\n".join(line for line in lines if not re.match(r":[a-z]+( |$)|# ", line))
            for endpoint in ENDPOINTS:
                short = express.check(text, endpoint, DEFAULT_LIMITS)
                if short is not None:
                    went += 1
                    assert short == reference_check(text, endpoint), text
                for target in ("auto", "json", "params"):
                    if express.push(text, endpoint, target) is not None:
                        first, second = both(text, endpoint, target)
                        assert first == second, text
    assert went > 200


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ('parent_status = in_progress and owner.email ~ "%@acme%"', "json"),
        ("created_at >= 2024-01-01 and archived_at is null and title = x order by title desc", "json"),
        ("parent_status = draft", "auto"),
        ("parent_status = in_progress and archived = false", "auto"),
        ("archived != true and title = x", "json"),
        ("status = 'a b' and archived_at is null", "auto"),
        ("created_at <= 2024-05-05", "json"),
    ],
)
def test_common_queries_go_the_short_way(text: str, target: str) -> None:
    endpoint = ENDPOINTS[0]
    assert express.push(text, endpoint, target) is not None
    short, reference = both(text, endpoint, target)
    assert short == reference


def test_bounds_on_one_field_go_the_short_way() -> None:
    endpoint = SHOP[0]
    text = " and ".join(f"quantity > {at}" for at in (1, 7, 3, 7)) + " and open = true and quantity > 5"
    assert express.push(text, endpoint, "json") is not None
    short, reference = both(text, endpoint, "json")
    assert short == reference


def test_an_operator_that_the_api_lacks_is_left_to_the_reference_way() -> None:
    assert express.push("b = x", ENDPOINTS[-1], "json") is not None
    assert express.push("b ~ %x%", ENDPOINTS[-1], "json") is None


@pytest.mark.parametrize(
    "text",
    [
        "(parent_status = draft or title = x) and not (archived or owner.email is null)",
        "not not title = x",
        "parent_status in (draft, pending) and (title = a or title = b)",
        "created_at <= 2024-05-05 or updated_at = 2024-01-01",
        "created_at > 2024-01-01 and created_at < 2024-02-01",
        "archived",
    ],
)
def test_common_groups_are_checked_the_short_way(text: str) -> None:
    short = express.check(text, ENDPOINTS[0], DEFAULT_LIMITS)
    assert short is not None
    assert short == reference_check(text, ENDPOINTS[0])


@pytest.mark.parametrize(
    "text",
    [
        "title = x and title = y",
        "created_at > 2024-02-01 and created_at < 2024-01-01",
        "(title = x) and (title = x)",
        "archived and archived_at is null",
        "title = x and status = y or reference = z",
        "status != x",
        "contact.email = a@b.co",
        "parent_status in (draft, pending, in_progress, closed)",
        "((title = x)",
        "(title = x))",
        "(" * 65 + "title = x" + ")" * 65,
    ],
)
def test_what_may_have_a_message_is_left_to_the_reference_way(text: str) -> None:
    assert express.check(text, ENDPOINTS[0], DEFAULT_LIMITS) is None


@pytest.mark.parametrize(
    "text", ["", "a", "a =", "title ~*", "title = a = b", "title = x and", "(title = x)", "title = x or title = y"]
)
def test_what_is_not_plain_is_left_to_the_reference_way(text: str) -> None:
    assert express.push(text, ENDPOINTS[0], "json") is None
