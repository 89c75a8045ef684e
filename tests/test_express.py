"""The short way gives what the reference way gives, spans and all, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pqlang
from pqlang import compiler, express
from pqlang.schema import Endpoint, FieldType

ENDPOINTS = pqlang.PENBOX.endpoints
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
    FieldType.STRING: ("= x", "='a b'", '~ "%a%"', "~* %B%", "!= x"),
    FieldType.EMAIL: ("= a@b.co", '~* "%@acme%"', "= 'Ann'"),
    FieldType.UUID: ("= 3c90c3cc-0d44-4b50-8888-8dd25736052a", "= template-123"),
    FieldType.ENUM: ("= draft", "!= closed", "= none", ": pending", "<> owner"),
    FieldType.BOOLEAN: ("= true", "!= false"),
    FieldType.DATETIME: (
        "> 2024-01-01",
        ">= 2024-01-01T00:00:00Z",
        "<'2024-06-30T12:00:00+02:00'",
        "= 2024-01-01T10:00",
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
def test_both_ways_agree(data: st.DataObject, endpoint: Endpoint, target: str) -> None:
    text = data.draw(texts(endpoint))
    if express.push(text, endpoint, target) is not None:  # else `compile` is the reference way, at another instant
        short, reference = both(text, endpoint, target)
        assert short == reference


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ('parent_status = in_progress and owner.email ~ "%@acme%"', "json"),
        ("created_at >= 2024-01-01 and archived_at is null and title = x order by title desc", "json"),
        ("parent_status = draft", "auto"),
        ("status = 'a b' and archived_at is null", "auto"),
    ],
)
def test_common_queries_go_the_short_way(text: str, target: str) -> None:
    endpoint = ENDPOINTS[0]
    assert express.push(text, endpoint, target) is not None
    short, reference = both(text, endpoint, target)
    assert short == reference


@pytest.mark.parametrize(
    "text", ["", "a", "a =", "title ~*", "title = a = b", "title = x and", "(title = x)", "title = x or title = y"]
)
def test_what_is_not_plain_is_left_to_the_reference_way(text: str) -> None:
    assert express.push(text, ENDPOINTS[0], "json") is None
