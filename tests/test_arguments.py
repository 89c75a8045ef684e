"""What the public functions say to wrong arguments, and what can be done with what they return."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from types import MappingProxyType, SimpleNamespace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

import pqlang
from pqlang import PENBOX, Limits, PqlError, Severity, ast, check, compile, format, load_schema, parse, prepare

CALLS: dict[str, Callable[..., object]] = {"compile": compile, "check": check, "prepare": prepare}


class Odd:
    """Something nobody expects, which does not even print."""

    def __repr__(self) -> str:
        raise RuntimeError("no text for this")


def problems(function: Callable[..., object], *args: Any, **options: Any) -> list[str]:
    """The codes of the errors that a call must raise; each message is one line and stands alone."""
    with pytest.raises(PqlError) as raised:
        function(*args, **options)
    for each in raised.value.diagnostics:
        assert each.message
        assert "\n" not in each.message
    assert str(raised.value)
    return [each.code for each in raised.value.diagnostics if each.severity is Severity.ERROR]


# Arguments


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "query", [None, 5, b"archived", ["archived"], ("archived",), object(), ast.Flag(ast.Path(("a",)))]
)
def test_a_query_is_text_or_a_tree(call: str, query: object) -> None:
    assert problems(CALLS[call], query, "cases") == ["bad-argument"]


@pytest.mark.parametrize("function", [parse, format])
@pytest.mark.parametrize("query", [None, 5, b"archived", ["archived"]])
def test_a_query_to_parse_is_text_or_a_tree(function: Callable[..., object], query: object) -> None:
    assert problems(function, query) == ["bad-argument"]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("endpoint", ["case", "", "Cases", None, 5, b"cases", ["cases"], PENBOX])
def test_an_endpoint_is_known_by_its_name(call: str, endpoint: object) -> None:
    assert problems(CALLS[call], "archived", endpoint) == ["unknown-endpoint"]


def test_an_unknown_endpoint_names_the_closest() -> None:
    with pytest.raises(PqlError, match="the closest is `forms`"):
        compile("archived", "form")
    with pytest.raises(PqlError, match="`cases`, `case_templates` and `forms`"):
        compile("archived", "zzz")


CHOICES = [
    ("target", "jsn"),
    ("target", 5),
    ("target", ["json"]),
    ("scope", "archived"),
    ("scope", True),
    ("scope", ["active"]),
    ("mode", "loose"),
    ("mode", None),
    ("mode", ["strict"]),
    ("limits", 5),
    ("limits", {"length": 5}),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("name", "value"), CHOICES)
def test_a_keyword_takes_what_it_lists(call: str, name: str, value: object) -> None:
    assert problems(CALLS[call], "archived", "cases", **{name: value}) == ["bad-argument"]


@pytest.mark.parametrize(
    "limits", [{"length": 0}, {"depth": -1}, {"values": 1.5}, {"values": True}, {"depth": 201}, {"length": "9"}]
)
@pytest.mark.parametrize("call", CALLS)
def test_a_limit_is_a_positive_whole_number(call: str, limits: dict[str, Any]) -> None:
    assert problems(CALLS[call], "archived", "cases", limits=Limits(**limits)) == ["bad-limit"]
    assert problems(parse, "archived", limits=Limits(**limits)) == ["bad-limit"]


@pytest.mark.parametrize(
    "tz", ["Brussels", "", "../etc/passwd", "Europe/Brusels", "europe", None, 5, b"UTC", [], timedelta(0), "a\0b"]
)
@pytest.mark.parametrize("call", CALLS)
def test_a_zone_is_one_that_is_known(call: str, tz: object) -> None:
    assert problems(CALLS[call], "created_at > today", "cases", tz=tz) == ["bad-zone"]


def test_an_unknown_zone_names_the_closest() -> None:
    with pytest.raises(PqlError, match="the closest is `Europe/Brussels`"):
        compile("archived", "cases", tz="Europe/Brusels")


WRONG_TIMES = [
    "",
    "soon",
    "2024-01-15",
    "2024-01-15T10:00:00",
    "2024-13-01T00:00:00Z",
    5,
    b"2024-01-15T10:00:00Z",
    True,
]


@pytest.mark.parametrize(
    "now", [*WRONG_TIMES, datetime(2024, 1, 15), date(2024, 1, 15), [], "0001-01-01T00:00:00+14:00"]
)
def test_the_clock_has_an_offset(now: object) -> None:
    assert problems(compile, "created_at > now", "cases", now=now) == ["bad-now"]
    assert problems(check, "created_at > now", "cases", now=now) == ["bad-now"]
    assert problems(prepare("created_at > now", "cases").compile, now=now) == ["bad-now"]


def test_the_clock_in_its_kinds() -> None:
    at = datetime(2024, 1, 15, 10, tzinfo=timezone(timedelta(hours=2)))
    for now in (at, at.isoformat(), at.astimezone(UTC), "2024-01-15T08:00:00Z"):
        made = compile("created_at > now", "cases", now=now)
        assert made.filter == {"attributes": {"created_at": {"$gt": "2024-01-15T08:00:00Z"}}}


@pytest.mark.parametrize("tz", ["Europe/Brussels", ZoneInfo("Europe/Brussels"), timezone(timedelta(hours=1))])
def test_a_zone_in_its_kinds(tz: Any) -> None:
    made = compile("created_at >= 2024-01-15", "cases", tz=tz)
    assert made.filter == {"attributes": {"created_at": {"$ge": "2024-01-14T23:00:00Z"}}}


@pytest.mark.parametrize("tz", ["UTC", UTC])
def test_utc_in_its_kinds_sends_dates_as_written(tz: Any) -> None:
    made = compile("created_at >= 2024-01-15", "cases", tz=tz)
    assert made.filter == {"attributes": {"created_at": {"$ge": "2024-01-15"}}}


@pytest.mark.parametrize("variables", [5, "x", ["x"], [], "", 0, False, {"x"}, [("x", 1)], object()])
@pytest.mark.parametrize("query", ["status = a", "status = $x"])
def test_variables_are_a_mapping(variables: object, query: str) -> None:
    assert problems(compile, query, "cases", variables=variables) == ["bad-argument"]
    assert problems(check, query, "cases", variables=variables) == ["bad-argument"]
    assert problems(prepare(query, "cases").compile, variables) == ["bad-argument"]


@pytest.mark.parametrize("width", [0, -1, "80", 1.5, True])
def test_a_width_is_a_positive_whole_number(width: object) -> None:
    assert problems(format, "archived", width=width) == ["bad-argument"]


def test_a_wrong_argument_that_cannot_be_printed() -> None:
    for name in ("target", "scope", "mode", "limits", "tz", "now", "variables"):
        assert problems(compile, "created_at > now-1d", "cases", **{name: Odd()}), name
    assert problems(compile, Odd(), "cases") == ["bad-argument"]
    assert problems(compile, "archived", Odd()) == ["unknown-endpoint"]
    assert problems(compile, "status = $x", "cases", variables={"x": Odd()}) == ["bound-value"]


# Values of variables


class Stage(Enum):
    DRAFT = "draft"


class Text(str):
    """A text of one's own kind."""


RIGHT: list[tuple[str, object, object]] = [
    ("status", "a", "a"),
    ("status", Text("a"), "a"),
    ("parent_status", Stage.DRAFT, "draft"),
    ("id", UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ("created_at", datetime(2024, 1, 15, 10, tzinfo=UTC), "2024-01-15T10:00:00Z"),
    ("created_at", datetime(2024, 1, 15, 10), "2024-01-15T10:00:00Z"),
    ("created_at", date(2024, 1, 15), "2024-01-15"),
    ("created_at", "2024-01-15T10:00:00+02:00", "2024-01-15T10:00:00+02:00"),
    ("status", None, None),
]


@pytest.mark.parametrize(("field", "value", "sent"), RIGHT)
def test_values_that_fit(field: str, value: object, sent: object) -> None:
    made = compile(f"{field} = $x", "cases", target="json", variables={"x": value})
    assert made.filter == {"attributes": {field: {"$eq": sent}}}
    assert type(made.filter["attributes"][field]["$eq"]) is type(sent)


WRONG: list[object] = [
    5,
    1.5,
    float("nan"),
    float("inf"),
    1j,
    Decimal("1.5"),
    Fraction(1, 2),
    b"a",
    bytearray(b"a"),
    {"a": 1},
    range(3),
    iter("a"),
    (each for each in "a"),
    object(),
    Odd,
    len,
    "a\0b",
    "a\ud800",
    timedelta(days=1),
]


@pytest.mark.parametrize("value", WRONG, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize(
    "query",
    [
        "title = $x",
        "parent_status != $x",
        "created_at > $x",
        "archived = $x",
        "title ~ $x",
        "title contains $x",
        "status in $x",
        "status in (a, $x)",
        "created_at between $x and $x",
        "created_at on $x",
        "id = $x",
        "owner.email = $x",
    ],
)
def test_values_that_do_not_fit(query: str, value: object) -> None:
    codes = problems(compile, query, "cases", variables={"x": value})
    assert set(codes) <= {"bound-value", "unknown-value", "wrong-value"}


@pytest.mark.parametrize(
    ("values", "sent"),
    [(["a"], "a"), (("a", "a"), "a"), ({"a"}, "a"), (frozenset(["a"]), "a"), ([Text("a"), "a"], "a")],
)
def test_a_list_in_its_kinds(values: object, sent: str) -> None:
    made = compile("status in $x", "cases", target="json", variables={"x": values})
    assert made.filter == {"attributes": {"status": {"$eq": sent}}}


def test_the_order_of_a_set_does_not_show() -> None:
    first = compile("flow.slug in $x and archived = false", "forms", variables={"x": {"b", "a", "c"}})
    assert first.params["flow[slug][]"] == ["a", "b", "c"]


def test_variables_in_any_mapping() -> None:
    made = compile("status = $x", "cases", variables=MappingProxyType({"x": "a", 5: "not asked for", None: 1}))
    assert made.filter == {"attributes": {"status": {"$eq": "a"}}}


def test_an_unbound_variable_among_names_that_are_no_text() -> None:
    assert problems(compile, "status = $x", "cases", variables={5: 1, None: 2}) == ["unbound-variable"]


# Templates, by their shape: Python 3.14 makes them


def template(
    *parts: str, values: tuple[Any, ...] = (), expressions: tuple[str, ...] = (), **more: Any
) -> SimpleNamespace:
    """What `t"…"` gives, as far as it is looked at."""
    made = [
        SimpleNamespace(
            value=value, expression=expression, conversion=more.get("conversion"), format_spec=more.get("spec", "")
        )
        for value, expression in zip(values, expressions, strict=True)
    ]
    return SimpleNamespace(strings=parts, interpolations=tuple(made))


def test_a_template_binds_its_values() -> None:
    query = template("status = ", " and archived = false", values=("a' or b",), expressions=("wanted",))
    assert compile(query, "cases").params == {"status": "a' or b", "archived": "false"}


def test_a_template_with_expressions_that_are_no_names() -> None:
    query = template("status in (", ", ", ")", values=("a", "a"), expressions=("x[0]", "x.y"))
    assert compile(query, "cases", target="json").filter == {"attributes": {"status": {"$eq": "a"}}}


def test_a_template_does_not_take_a_variable_of_the_same_name() -> None:
    query = template("status = ", " and reference = $x and archived = false", values=("a",), expressions=("x",))
    assert compile(query, "cases", variables={"x": "b"}).params == {
        "status": "a",
        "reference": "b",
        "archived": "false",
    }


def test_two_interpolations_of_one_name_keep_their_values() -> None:
    query = template("status = ", " and reference = ", "", values=("a", "b"), expressions=("x", "x"))
    assert compile(query, "cases", target="params").params == {"status": "a", "reference": "b"}


@pytest.mark.parametrize("more", [{"conversion": "r"}, {"spec": ">10"}])
def test_a_template_takes_no_format(more: dict[str, str]) -> None:
    query = template("status = ", "", values=("a",), expressions=("x",), **more)
    assert problems(compile, query, "cases") == ["bad-argument"]


@pytest.mark.parametrize(
    "query",
    [
        SimpleNamespace(strings=(), interpolations=()),
        SimpleNamespace(strings=None, interpolations=None),
        SimpleNamespace(strings=("a", "b"), interpolations=()),
        SimpleNamespace(strings=("a", 5), interpolations=(1,)),
        SimpleNamespace(strings="ab", interpolations=(SimpleNamespace(value=1),)),
    ],
)
def test_what_only_looks_like_a_template(query: object) -> None:
    assert problems(compile, query, "cases") == ["bad-argument"]


# Trees


def test_a_tree_is_a_query() -> None:
    tree = ast.Query(ast.Compare(ast.Path(("status",)), ast.Op.EQ, ast.Literal("a b")))
    assert compile(tree, "cases").filter == {"attributes": {"status": {"$eq": "a b"}}}
    assert format(tree) == 'status = "a b"'


def test_a_tree_too_deep_is_refused_before_anything_recurses() -> None:
    node: ast.Expr = ast.Flag(ast.Path(("archived",)))
    for _ in range(sys.getrecursionlimit() * 3):
        node = ast.Not(node)
    for function in (parse, format):
        assert problems(function, ast.Query(node)) == ["too-deep"]
    assert problems(compile, ast.Query(node), "cases") == ["too-deep"]


def test_a_tree_with_a_hole_has_no_text() -> None:
    assert problems(format, ast.Query(ast.Hole())) == ["bad-argument"]


@pytest.mark.parametrize(
    "tree",
    [
        ast.Query("archived"),  # type: ignore[arg-type]
        ast.Query(ast.Not(None)),  # type: ignore[arg-type]
        ast.Query(ast.And((ast.Flag(ast.Path(("a",))), 5))),  # type: ignore[arg-type]
        ast.Query(ast.Compare(ast.Path(("a",)), "=", 5)),  # type: ignore[arg-type]
        ast.Query(None, "title"),  # type: ignore[arg-type]
    ],
)
def test_a_tree_of_wrong_parts(tree: ast.Query) -> None:
    assert problems(compile, tree, "cases") == ["bad-argument"]


def test_nodes_that_no_text_spells_are_refused_when_made() -> None:
    for make in (
        lambda: ast.Path(()),
        lambda: ast.Path(("a`b",)),
        lambda: ast.Literal("a\0"),
        lambda: ast.Literal("\ud800"),
        lambda: ast.Variable("a b"),
        lambda: ast.In(ast.Path(("a",)), ()),
        lambda: ast.And((ast.Flag(ast.Path(("a",))),)),
    ):
        with pytest.raises(ValueError, match=r"^.+$"):
            make()


# Check never raises on text


@pytest.mark.parametrize(
    "text", ["", "((((", '"', "\0", "\ud800", "=" * 20_000, "not " * 20_000, "(" * 16_000, "a" * 16_384]
)
def test_check_never_raises_on_text(text: str) -> None:
    for mode in ("strict", "search"):
        for problem in check(text, "cases", mode=mode, target="auto"):
            assert 0 <= problem.span.start <= problem.span.end <= len(text)


# Prepared queries


def test_a_prepared_query_is_compiled_with_other_values_and_times() -> None:
    mine = prepare("owner.email = $mail and created_at > now-1d", "cases", tz="Europe/Brussels")
    first = mine.compile({"mail": "ann@acme.com"}, now="2024-06-15T12:00:00Z")
    second = mine.compile({"mail": "lee@acme.com"}, now="2024-06-16T12:00:00Z")
    assert first.filter != second.filter
    assert first == compile(
        "owner.email = $mail and created_at > now-1d",
        "cases",
        tz="Europe/Brussels",
        variables={"mail": "ann@acme.com"},
        now="2024-06-15T12:00:00Z",
    )


def test_a_prepared_query_reads_the_clock_each_time() -> None:
    mine = prepare("created_at > now", "cases")
    before = datetime.now(UTC).replace(microsecond=0)
    filter = mine.compile().filter
    assert filter is not None
    assert datetime.fromisoformat(filter["attributes"]["created_at"]["$gt"]) >= before


def test_preparing_finds_what_is_wrong_without_values() -> None:
    assert problems(prepare, "emial = $x and created_at ~ $y and status = a b", "cases") == [
        "unknown-field",
        "wrong-operator",
        "unquoted-words",
    ]


@pytest.mark.parametrize(
    "query",
    [
        "status in $x",
        "title ~ $x",
        "created_at on $x",
        "created_at between $x and $x",
        "parent_status = $x",
        "archived = $x",
        "contact.email != $x",
        "status in ($x, a)",
    ],
)
def test_a_prepared_query_wants_its_values(query: str) -> None:
    assert set(problems(prepare(query, "cases").compile)) == {"unbound-variable"}


def test_a_prepared_query_keeps_its_warnings() -> None:
    mine = prepare("status = $x and reference = a or title = b", "cases")
    assert [each.code for each in mine.problems] == ["mixed-and-or"]


def test_a_prepared_query_keeps_target_scope_mode_and_endpoint() -> None:
    mine = prepare("status:$x", "cases", target="params", scope="active", mode="search")
    assert mine.compile({"x": "a"}).params == {"status": "a", "archived": "false"}


def test_a_prepared_template_has_its_values() -> None:
    mine = prepare(template("status = ", " and archived = $a", values=("s",), expressions=("x",)), "cases")
    assert mine.compile({"a": True}).params == {"status": "s", "archived": "true"}


# What is returned


def returned() -> list[Any]:
    """One of each kind of value the functions give."""
    request = compile("status != a and created_at > now-1d", "cases", now="2024-06-15T12:00:00Z")
    tree = parse(
        "a = 1 and not b in (x, $y) or c between 1 and 2 or d on 2024 or e is null or f or 'g' order by h desc"
    )
    try:
        compile("emial = x", "cases")
    except PqlError as error:
        raised = error
    return [
        request,
        *request.diagnostics,
        tree,
        *check("emial = x", "cases"),
        prepare("status = $x", "cases"),
        PENBOX,
        PENBOX.endpoints[0],
        PENBOX.endpoints[0].fields[0],
        raised.source,
        *raised.diagnostics,
        Limits(),
    ]


@pytest.mark.parametrize("value", returned(), ids=lambda value: type(value).__name__)
def test_returned_values_are_immutable_hashable_and_copy_whole(value: Any) -> None:
    name = dataclasses.fields(value)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, name, None)
    with pytest.raises((AttributeError, TypeError)):
        value.anything_else = 1
    for again in (pickle.loads(pickle.dumps(value)), copy.deepcopy(value), copy.copy(value)):
        assert again == value
        assert hash(again) == hash(value)


def test_an_error_pickles_with_its_picture() -> None:
    with pytest.raises(PqlError) as raised:
        compile("emial = x", "cases")
    again = pickle.loads(pickle.dumps(raised.value))
    assert str(again) == str(raised.value)
    assert again.diagnostics == raised.value.diagnostics


def test_what_a_request_hands_out_is_new_each_time() -> None:
    request = compile("status != a and owner.email = jo@acme.com", "cases")
    first = request.filter
    assert first is not None
    first["attributes"]["status"]["$ne"] = "changed"
    first["relationships"].clear()
    request.params.clear()
    assert request.filter == {
        "attributes": {"status": {"$ne": "a"}},
        "relationships": {"owner": {"attributes": {"email": {"$eq": "jo@acme.com"}}}},
    }
    listed = compile("flow.slug in (a, b) and archived = false", "forms")
    values = listed.params["flow[slug][]"]
    assert isinstance(values, list)
    values.append("c")
    assert listed.params["flow[slug][]"] == ["a", "b"]


def test_equal_queries_make_equal_requests() -> None:
    assert compile("status = a", "cases") == compile("status=='a'", "cases")
    assert hash(compile("status = a", "cases")) == hash(compile("status=='a'", "cases"))
    assert compile("status = a", "cases") != compile("status = b", "cases")


def test_pages_and_counts() -> None:
    made = compile("status = a and archived = false order by title desc", "cases")
    assert made.count() == "https://connect.penbox.io/v1/cases/count?status=a&archived=false"
    assert made.url("http://here/") == "http://here/cases?status=a&archived=false&sort=-title"
    assert made.page(2, 50).endswith("&sort=-title&page%5Bnumber%5D=2&page%5Bsize%5D=50")
    for page, size in ((0, None), (-1, None), (1, 0), (1, 101)):
        with pytest.raises(PqlError, match=r"`(page|size)` must be"):
            made.url(page=page, size=size)


def test_an_endpoint_of_another_schema() -> None:
    schema = load_schema({"endpoints": {"orders": {"fields": {"total": {"type": "number"}}}}})
    made = compile("total > 5", schema.endpoints[0])
    assert made.filter == {"attributes": {"total": {"$gt": 5}}}


# Threads


def test_threads_share_everything() -> None:
    mine = prepare("status in ($x) and created_at > now-1d and not archived", "cases", tz="Europe/Brussels")

    def work(number: int) -> object:
        at = f"2024-06-{number % 28 + 1:02}T12:00:00Z"
        made = mine.compile({"x": str(number)}, now=at)
        wrong = check(f"emial = {number} and parent_status = drft", "cases")
        shown = format(f"(status = {number})")
        return made.query_string, [each.code for each in wrong], shown

    numbers = list(range(200))
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, numbers)) == [work(number) for number in numbers]


def test_the_names_are_what_they_say() -> None:
    for each in ("compile", "check", "parse", "format", "prepare"):
        assert getattr(pqlang, each).__name__ == each
