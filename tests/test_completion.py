"""Completion: the golden cursors of `cursors/*.txt`, and what holds at every cursor of every text.

    === inside a word the whole word is replaced
    :endpoint forms
    stat|us = x
        status| = x          field    enum, how far it has come

`|` marks the cursor. Below a query stand the texts that accepting each offer makes, with the cursor behind it, and
what the offer says; eight of them, and how many more there are. The attributes are `:endpoint`, `:schema`, `:mode`,
`:var` and `:now`. `pytest --update-corpus` rewrites what stands below each query: the diff is the review.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lark.exceptions import UnexpectedInput
from strategies import anything, examples, texts

from grammar.build import make_lark
from pqlang import PENBOX, Completion, PqlError, complete, complete_async, load_schema, parser
from pqlang._tables import KINDS
from pqlang.cursor import acceptable, places, reach
from pqlang.schema import Endpoint, FieldType

HERE = Path(__file__).parent
CURSORS = HERE / "cursors"
SHOWN = 8


# The golden cursors


def blocks(path: Path) -> list[list[str]]:
    """The cases of a file, each as its lines without what is expected."""
    found: list[list[str]] = []
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("=== "):
            found.append([])
        if not line.startswith("    "):
            found[-1].append(line)
    return found


def endpoint_of(options: dict[str, str]) -> Endpoint:
    schema = load_schema(HERE / "corpus" / options["schema"]) if "schema" in options else PENBOX
    found = schema.endpoint(options.get("endpoint", "cases"))
    assert found is not None
    return found


def offered(case: list[str]) -> list[str]:
    """What is expected below a query."""
    options = dict(line[1:].split(" ", 1) for line in case if line.startswith(":"))
    marked = case[-1]
    cursor = marked.index("|")
    text = marked.replace("|", "", 1)
    given = complete(
        text,
        cursor,
        endpoint_of(options),
        mode=options.get("mode", "search"),
        variables=options.get("var", "").split(),
        now=options.get("now", "2024-06-15T12:00:00Z"),
    )
    rows = []
    for each in given[:SHOWN]:
        made, at = each.apply(text)
        rows.append((f"{made[:at]}|{made[at:]}", each.kind, each.detail))
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    lines = [f"    {made:{widths[0]}}  {kind:{widths[1]}}  {detail}".rstrip() for made, kind, detail in rows]
    return lines + ([f"    and {len(given) - SHOWN} more"] if len(given) > SHOWN else []) + ([] if given else ["    -"])


@pytest.mark.parametrize("path", sorted(CURSORS.glob("*.txt")), ids=lambda path: path.stem)
def test_golden_cursors(path: Path, update_corpus: bool) -> None:
    text = "".join("\n".join([*case, *offered(case)]) + "\n" for case in blocks(path))
    if update_corpus:
        path.write_text(text, "utf-8")
    assert path.read_text("utf-8") == text


# Laws


def corpus_texts() -> list[str]:
    """The query of every case of the corpus that is not a page long."""
    found = []
    for path in sorted((HERE / "corpus").glob("*.txt")):
        for block in re.split(r"^===.*\n", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
            lines = re.split(r"^---", block, maxsplit=1, flags=re.MULTILINE)[0].splitlines()
            text = "\n".join(line for line in lines if not re.match(r":[a-z]+( |$)|# ", line))
            if len(text) < 300:
                found.append(text)
    return sorted(set(found))


def holds(text: str, cursor: int, endpoint: Endpoint, mode: str = "search") -> None:
    """The law: whatever is accepted, the text can be read at least as far as before.

    Three things that stand at the cursor count as an end of the text: a field that cannot stand alone (`title | and`
    waits for its operator), a bracket that closes (`(archived |)`: one may go on inside), and an order.
    """
    before = reach(text, 0, (0,), strict=mode == "strict")
    for each in complete(text, cursor, endpoint, mode=mode):
        made, at = each.apply(text)
        assert 0 <= each.span.start <= cursor <= each.span.end <= len(text)
        assert each.insert
        assert each.kind in ("field", "operator", "value", "keyword", "snippet")
        after = reach(made, 0, (0,), strict=mode == "strict")
        if before < each.span.start:  # a mistake stands before it
            assert after >= before, f"{text!r} {cursor} {each}"
            continue
        assert after >= at - len(each.insert) + len(each.insert.rstrip()), f"{text!r} {cursor} {each}"
        rest = text[each.span.end :]
        ends = re.match(r"\s*(\Z|\)|order[ \t\r\n\xa0]+by\b)", rest, re.IGNORECASE) is not None
        if before >= each.span.end and not (ends or waits(text, each, endpoint)):
            assert after >= before + len(made) - len(text), f"{text!r} {cursor} {each}"


def waits(text: str, each: Completion, endpoint: Endpoint) -> bool:
    """Whether a field that is no flag stands right before a gap, and no operator behind it."""
    last = re.search(r"([A-Za-z_.]+|`[^`]+`|[A-Za-z_]+\[[a-z_ ]+\])[ \t\r\n\xa0]*$", text[: each.span.start])
    field = None if last is None else endpoint.by_parts.get(parser.name_parts(last[1]))
    follows = re.match(r"[ \t\r\n\xa0]*([=!<>~:]|(in|is|on|not|like|ilike|between|contains|starts|ends)(?=[\s(\"']|$))",
                       text[each.span.end :], re.IGNORECASE)  # fmt: skip
    alone = field is not None and field.type is FieldType.BOOLEAN
    return each.span.start == each.span.end and field is not None and not alone and follows is None


@pytest.mark.parametrize("mode", ["search", "strict"])
def test_accepting_an_offer_never_breaks_a_text_of_the_corpus(mode: str) -> None:
    endpoint = PENBOX.endpoints[0]
    for text in corpus_texts():
        for cursor in range(len(text) + 1):
            holds(text, cursor, endpoint, mode)


@given(texts, st.integers(0, 10**6), st.sampled_from(PENBOX.endpoints))
@examples(300)
def test_accepting_an_offer_never_breaks_a_generated_text(text: str, seed: int, endpoint: Endpoint) -> None:
    for cursor in {seed % (len(text) + 1), len(text)}:
        holds(text, cursor, endpoint)
        holds(text[:cursor], cursor, endpoint)


@given(anything | st.text(max_size=60), st.integers(-5, 80))
@examples(300)
def test_nothing_raises_on_any_text(text: str, cursor: int) -> None:
    for endpoint in PENBOX.endpoints:
        for each in complete(text, cursor, endpoint):
            each.apply(text)


def test_hostile_texts() -> None:
    for text in ("\0", "\ud800", '"\ud800', "a" * 20_000, "(" * 5_000, "not " * 3_000, '"' + "\\" * 4_001, "`" * 999,
                 "status = " * 1_500, "x in (" + "a, " * 5_000):  # fmt: skip
        for cursor in (0, 1, len(text) // 2, len(text)):
            complete(text, cursor, "cases")


LARK, _ = make_lark()


def accepted_by_lark(text: str) -> set[str]:
    """What Lark's interactive parser takes after the tokens of a text."""
    interactive = LARK.parse_interactive(text)
    interactive.exhaust_lexer()
    return {str(kind) for kind in interactive.accepts()}


@pytest.mark.parametrize("seed", range(4))
def test_what_may_come_next_is_what_lark_accepts(seed: int) -> None:
    random = Random(seed)
    for text in random.sample(corpus_texts(), 120):
        cut = re.sub(r"\S*$", "", text[: random.randrange(len(text) + 1)])
        try:
            wanted = accepted_by_lark(cut)
        except UnexpectedInput:
            continue
        place = next(each for each in places(cut, len(cut)) if not each.phrase)
        if place.span.start < len(cut):  # an open quote, or a word: its kind is not settled yet
            continue
        assert {KINDS[kind] for kind in acceptable(place.states)} == wanted, cut


# Values of the host


def test_values_of_the_host_are_offered_where_the_field_is_compared() -> None:
    asked = []

    def mails(typed: str) -> list[Any]:
        asked.append(typed)
        return [("jo@acme.com", "Jo"), "ann lee", "null", "\0", 7]

    text = "owner.email = j"
    found = complete(text, len(text), "cases", values={"owner.email": mails}, timeout=5)
    assert [(each.label, each.insert, each.detail) for each in found] == [
        ("jo@acme.com", "jo@acme.com", "Jo"),
        ("ann lee", '"ann lee"', ""),
        ("null", '"null"', ""),
    ]
    assert asked == ["j"]
    assert complete("title = j", 9, "cases", values={"owner.email": mails}, timeout=5) == []
    assert asked == ["j"]
    inside = complete('owner.email = "an', 17, "cases", values={"owner.email": mails}, timeout=5)
    assert inside[1].apply('owner.email = "an')[0] == 'owner.email = "ann lee"'


def test_a_slow_or_broken_host_delays_nothing(caplog: pytest.LogCaptureFixture) -> None:
    never = threading.Event()
    text = "parent_status = d"

    def slow(typed: str) -> list[str]:
        never.wait(60)
        return ["x"]

    def broken(typed: str) -> list[str]:
        raise KeyError(typed)

    for _ in range(40):  # more than may wait at once
        assert [each.label for each in complete(text, 17, "cases", values={"parent_status": slow}, timeout=0.01)] == [
            "draft"
        ]
    never.set()
    time.sleep(0.1)
    assert [each.label for each in complete(text, 17, "cases", values={"parent_status": broken}, timeout=5)] == [
        "draft"
    ]
    assert "a source of values failed" in caplog.text


def test_an_async_host_is_awaited() -> None:
    async def mails(typed: str) -> list[str]:
        await asyncio.sleep(0)
        return [f"{typed}o@acme.com"]

    async def forever(typed: str) -> list[str]:
        await asyncio.sleep(60)
        return ["x"]

    def plain(typed: str) -> list[str]:
        return ["jim@acme.com"]

    text = "owner.email = j"

    async def run(source: Any, timeout: float) -> list[str]:
        found = await complete_async(text, len(text), "cases", values={"owner.email": source}, timeout=timeout)
        return [each.insert for each in found]

    assert asyncio.run(run(mails, 5)) == ["jo@acme.com"]
    assert asyncio.run(run(plain, 5)) == ["jim@acme.com"]
    assert asyncio.run(run(forever, 0.01)) == []
    found = complete(text, len(text), "cases", values={"owner.email": mails}, timeout=5)
    assert [each.insert for each in found] == ["jo@acme.com"]


# Arguments


@pytest.mark.parametrize(
    ("arguments", "keywords"),
    [
        ((1, 0, "cases"), {}),
        (("a", "0", "cases"), {}),
        (("a", 0, "cars"), {}),
        (("a", 0, "cases"), {"mode": "loose"}),
        (("owner.email = ", 14, "cases"), {"values": ["x"]}),
        (("owner.email = ", 14, "cases"), {"values": {"owner.email": "x"}}),
        (("a", 0, "cases"), {"now": "later"}),
        (("a", 0, "cases"), {"variables": 7}),
        (("a", 0, "cases"), {"timeout": "soon"}),
    ],
)
def test_wrong_arguments_are_the_one_exception(arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
    with pytest.raises(PqlError):
        complete(*arguments, **keywords)


def test_a_completion_is_a_value() -> None:
    one, other = complete("sta", 3, "cases"), complete("sta", 3, "cases")
    assert one == other
    assert hash(one[0]) == hash(other[0])
