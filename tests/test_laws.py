"""What holds of every tree, every text, every condition and every record. See LANGUAGE and STYLE, "Tests"."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from reference import filter_selects, fold, params_select, selects, truth
from strategies import (
    OWN,
    Question,
    all_asked_of,
    asked_of,
    endpoints,
    examples,
    literal_texts,
    may_hold,
    questions,
    records,
    seeds,
    spell,
    texts,
    trees,
    written,
)

import pqlang
from pqlang import PENBOX, Diagnostic, Endpoint, Field, Limits, PqlError, Request, ast, domains, rendering
from pqlang.compiler import analyse
from pqlang.condition import All, Condition, Not, Op
from pqlang.condition import Any as AnyOf
from pqlang.condition import Test as Asked
from pqlang.formatter import canonical, format_query
from pqlang.normaliser import normalise
from pqlang.parser import parse_source
from pqlang.schema import Api, FieldType, JsonPlace
from pqlang.source import NOWHERE, Source

MODES = ("strict", "search")


# Trees and texts


@examples(1000)
@given(trees)
def test_a_tree_reads_back_as_its_canonical_form(tree: ast.Query) -> None:
    text = format_query(tree)
    assert pqlang.parse(text) == canonical(tree)
    assert pqlang.format(tree) == text
    assert pqlang.format(text) == text


@examples(300)
@given(trees, st.integers(1, 80))
def test_wrapped_text_reads_back_as_well(tree: ast.Query, width: int) -> None:
    assert pqlang.parse(format_query(tree, width)) == canonical(tree)


@examples(300)
@given(trees)
def test_canonical_twice_is_once(tree: ast.Query) -> None:
    once = canonical(tree)
    assert canonical(once) == once
    assert format_query(once) == format_query(tree)


@examples(1000)
@given(trees, seeds, seeds)
def test_spellings_of_a_tree_are_one_tree(tree: ast.Query, one: int, other: int) -> None:
    """Blanks, case of keywords, aliases, needless quotes, escapes, backticks and parentheses change nothing."""
    assert canonical(pqlang.parse(spell(tree, one))) == canonical(tree)
    assert pqlang.format(spell(tree, one)) == pqlang.format(spell(tree, other))


@examples(500)
@given(texts, st.sampled_from(MODES))
def test_format_twice_is_once(text: str, mode: str) -> None:
    try:
        once = pqlang.format(text, mode=mode)
    except PqlError:
        return
    assert pqlang.format(once) == once
    assert pqlang.parse(once) == canonical(pqlang.parse(text, mode=mode))


# Spans


def children(node: ast.Node) -> Iterator[ast.Node]:
    for each in fields(node):
        value = getattr(node, each.name)
        yield from (part for part in (value if isinstance(value, tuple) else (value,)) if isinstance(part, ast.Node))


def reread(node: ast.Node, text: str) -> Any:
    """What a part of a query reads as on its own."""
    if isinstance(node, ast.Query):
        return pqlang.parse(text, mode="search")
    if isinstance(node, ast.Path):
        return pqlang.parse(f"{text} = x").where.path
    if isinstance(node, ast.Literal | ast.Variable):
        return pqlang.parse(f"x = {text}").where.value
    if isinstance(node, ast.OrderBy):
        return pqlang.parse(text).order
    return pqlang.parse(text, mode="search").where


def check_spans(node: ast.Node, text: str, *, whole: bool) -> None:
    for child in children(node):
        assert node.span.start <= child.span.start <= child.span.end <= node.span.end
        check_spans(child, text, whole=whole)
    if whole:
        assert reread(node, node.span.of(text)) == node


@examples(800)
@given(texts, st.sampled_from(MODES))
@example("(a = 1) and ((b))", "strict")
def test_any_text_gives_a_tree_with_spans_inside(text: str, mode: str) -> None:
    tree, problems = parse_source(Source(text), search=mode == "search")
    wrong = any(problem.severity is pqlang.Severity.ERROR for problem in problems)
    assert tree is not None or wrong
    if tree is not None:
        assert tree.span == (0, len(text))
        check_spans(tree, text, whole=not wrong)


@pytest.mark.parametrize("group", ["(c = 1 and d = 1)", "((c = 1 and d = 1))", "((c = 1 and (d = 1)))"])
@pytest.mark.parametrize("around", ["{}", "not ({})", "{} or e = 1 and f = 1"])
def test_groups_in_parentheses_hide_no_other(group: str, around: str) -> None:
    """Each `and` beside an `or` is warned about, whatever nodes were made and given up before it."""
    text = around.format(f"a = 1 or b = 1 and {group}")
    _, problems = parse_source(Source(text))
    assert [problem.code for problem in problems] == ["mixed-and-or"] * text.count("or ")


def check_diagnostics(problems: list[Diagnostic] | tuple[Diagnostic, ...], source: Source) -> None:
    for problem in problems:
        assert problem.code
        assert problem.message
        for span in (problem.span, *(edit.span for edit in problem.suggestions)):
            assert 0 <= span.start <= span.end <= len(source.text), problem
        for edit in problem.suggestions:
            assert isinstance(edit.apply(source.text), str)
        for color in (False, True):
            assert problem.code in rendering.to_text(problem, source, color=color)
        rendering.to_json(problem, source)


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.dates(), st.datetimes(), st.uuids(),
    st.binary(max_size=2), st.just(object()),
)  # fmt: skip
VARIABLES = st.dictionaries(
    st.sampled_from("abvxA_"), VALUES | st.lists(VALUES, max_size=3) | st.frozensets(st.text(max_size=2), max_size=2)
)
OPTIONS = st.fixed_dictionaries(
    {"variables": VARIABLES},
    optional={
        "target": st.sampled_from(("auto", "json", "params")),
        "mode": st.sampled_from(MODES),
        "scope": st.sampled_from((None, "active")),
        "tz": st.sampled_from(("UTC", "Europe/Brussels", "America/St_Johns", "Pacific/Apia", "Nowhere", "../etc", "")),
        "now": st.sampled_from(("2024-03-31T12:00:00Z", "2024-03-31T02:30:00+01:00", "0001-01-01T00:00:00Z", "soon")),
        "limits": st.builds(Limits, st.integers(0, 40), st.integers(0, 5), st.integers(0, 3)),
    },
)


@examples(1000)
@given(texts, st.sampled_from(PENBOX.names), OPTIONS)
def test_nothing_but_pqlerror_escapes(text: str, endpoint: str, options: dict[str, Any]) -> None:
    try:
        request = pqlang.compile(text, endpoint, **options)
    except PqlError as error:
        refused = error
    else:
        check_diagnostics(request.diagnostics, Source(text))
        assert isinstance(request.url(), str)
        return
    check_diagnostics(refused.diagnostics, refused.source)
    assert str(refused)


@examples(400)
@given(texts, st.sampled_from(PENBOX.names), OPTIONS)
def test_nothing_but_pqlerror_escapes_preparing(text: str, endpoint: str, options: dict[str, Any]) -> None:
    options = dict(options)
    variables, now = options.pop("variables"), options.pop("now", "2024-03-31T12:00:00Z")
    try:
        prepared = pqlang.prepare(text, endpoint, **options)
        request = prepared.compile(variables, now=now)
    except PqlError as error:
        check_diagnostics(error.diagnostics, error.source)
        return
    at_once = pqlang.compile(text, endpoint, variables=variables, now=now, **options)
    assert (request.params, request.diagnostics) == (at_once.params, at_once.diagnostics)


@examples(500)
@given(texts, st.sampled_from(PENBOX.names), st.sampled_from(MODES), VARIABLES)
def test_checking_never_raises(text: str, endpoint: str, mode: str, variables: dict[str, Any]) -> None:
    problems = pqlang.check(text, endpoint, mode=mode, variables=variables)
    check_diagnostics(problems, Source(text))


# Limits


LONG = Limits(length=10**6)
MANY = 100_000


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("(" * MANY + "archived" + ")" * MANY, "too-deep"),
        ("(" * MANY, "too-deep"),
        ("not " * MANY + "archived", "too-deep"),
        ("-(" * MANY + "archived" + ")" * MANY, "too-deep"),
        ("not (" * MANY, "too-deep"),
        ("-" * MANY, None),
        (")" * MANY, None),
        ("[" * MANY, None),
        ("a = " + "(" * MANY, None),
        ("a in (" * MANY, None),
        ('"' * MANY + "'", None),
        ("a " * (MANY // 10), None),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_no_depth_exhausts_the_stack(text: str, code: str | None, mode: str) -> None:
    problems = pqlang.check(text, "cases", mode=mode, limits=LONG)
    check_diagnostics(problems[:3], Source(text))
    assert problems
    if code is not None:
        assert problems[-1].code == code


def deep(kind: str, levels: int) -> ast.Query:
    """A tree built by hand, that many levels deep."""
    node: ast.Expr = ast.Flag(ast.Path(("archived",)))
    leaf = node
    for level in range(levels):
        both = (node, leaf) if level % 3 else (leaf, node)
        if kind == "not":
            node = ast.Not(node)
        elif kind == "and" or (kind == "mixed" and level % 2):
            node = ast.And(both)
        else:
            node = ast.Or(both)
    return ast.Query(node)


@pytest.mark.parametrize("kind", ["not", "and", "or", "mixed"])
def test_deep_trees_are_refused(kind: str) -> None:
    tree = deep(kind, 5_000)
    for limits in (None, Limits(depth=200)):
        for read in (
            lambda limits=limits: pqlang.format(tree, limits=limits),
            lambda limits=limits: pqlang.parse(tree, limits=limits),
            lambda limits=limits: pqlang.compile(tree, "cases", limits=limits),
            lambda limits=limits: pqlang.prepare(tree, "cases", limits=limits),
            lambda limits=limits: pqlang.check(tree, "cases", limits=limits),
        ):
            with pytest.raises(PqlError) as caught:
                read()
            assert [problem.code for problem in caught.value.diagnostics] == ["too-deep"]


@pytest.mark.parametrize("kind", ["not", "and", "or", "mixed"])
def test_trees_as_deep_as_the_highest_limit_are_read(kind: str) -> None:
    limits = Limits(depth=200)
    tree = deep(kind, 199)
    assert pqlang.parse(pqlang.format(tree, limits=limits), limits=limits) == canonical(tree)
    assert all(problem.severity is not pqlang.Severity.ERROR for problem in pqlang.check(tree, "cases", limits=limits))


# Meaning


@examples(800)
@given(questions(), seeds)
def test_normalising_keeps_the_meaning(question: Question, seed: int) -> None:
    endpoint, condition = question
    once = normalise(condition, endpoint)
    assert normalise(once, endpoint) == once
    for record in records(endpoint, seed):
        assert truth(once, record, endpoint) == truth(condition, record, endpoint), (once, record)


VALUES_OF = {FieldType.ENUM: ("x", "y", "z"), FieldType.OPEN_ENUM: ("x", "y", "z")}
THING = Endpoint(
    "things",
    "/things",
    Api("test", "https://api.test"),
    tuple(Field(name, each, nullable=True, values=VALUES_OF.get(each, ()), json=JsonPlace(name)) for name, each in OWN),
)


@pytest.mark.parametrize("field", THING.fields, ids=lambda field: field.name)
def test_every_operator_means_what_it_says_alone_and_under_not(field: Field) -> None:
    """Every operator of the type with every constant, on every value that a record may hold."""
    for asked in all_asked_of(field):
        for condition in (asked, Not(asked), Not(Not(asked)), Not(All((asked,))), Not(AnyOf((asked, asked)))):
            normal = normalise(condition, THING)
            domain = domains.of_condition(normal)
            back = None if domain is None else domains.to_condition(domain[1], field, NOWHERE)
            for value in (None, *may_hold(field)):
                record = {field.name: value}
                assert truth(normal, record, THING) == truth(condition, record, THING), (condition, value)
                if back is not None:
                    assert selects(back, record, THING) == selects(condition, record, THING), (condition, value)


def meaning_of(text: str) -> Condition:
    """The condition that a query means on `THING`."""
    meaning = analyse(text, THING, target=None).meaning
    assert meaning is not None
    assert meaning.condition is not None
    return meaning.condition


@examples(400)
@given(literal_texts, literal_texts, literal_texts)
def test_contains_and_its_kin_take_the_text_as_it_is(wanted: str, before: str, after: str) -> None:
    both = before + wanted + after
    around = (wanted, before + wanted, wanted + after, both, before, both.upper(), both.lower())
    literal = {"contains": str.__contains__, "starts with": str.startswith, "ends with": str.endswith}
    for operator, says in literal.items():
        condition = meaning_of(f"text {operator} {json.dumps(wanted)}")
        negated = meaning_of(f"text not {operator} {json.dumps(wanted)}")
        for held in (None, *around):
            expected = None if held is None else bool(says(fold(held), fold(wanted)))
            assert truth(condition, {"text": held}, THING) is expected, (operator, held)
            assert truth(negated, {"text": held}, THING) is (None if expected is None else not expected)


@examples(300)
@given(st.integers(-3, 3), st.integers(-3, 3))
def test_between_includes_both_ends(low: int, high: int) -> None:
    condition = meaning_of(f"count between {low} and {high}")
    negated = meaning_of(f"count not between {low} and {high}")
    for held in range(-4, 5):
        assert selects(condition, {"count": held}, THING) is (low <= held <= high)
        assert selects(negated, {"count": held}, THING) is not (low <= held <= high)
    assert truth(condition, {"count": None}, THING) is truth(negated, {"count": None}, THING) is None


@examples(300)
@given(st.dates(date(9, 1, 1), date(9990, 12, 31)), st.sampled_from((4, 7, 10)), st.integers(-800, 800))
def test_on_is_the_whole_day_month_or_year(day: date, length: int, days: int) -> None:
    text = day.isoformat()[:length]
    condition, negated = meaning_of(f"at on {text}"), meaning_of(f"at not on {text}")
    start = datetime.fromisoformat((text + "-01-01")[:10]).replace(tzinfo=UTC)
    last = datetime.combine(day, time.max, UTC)
    tick = timedelta(microseconds=1)
    for held in (start, start - tick, last, last + tick, start + timedelta(days), last + timedelta(days) / 13):
        within = held.isoformat().startswith(text)
        assert selects(condition, {"at": held}, THING) is within, held
        assert selects(negated, {"at": held}, THING) is not within, held
    assert truth(condition, {"at": None}, THING) is truth(negated, {"at": None}, THING) is None


@st.composite
def asked_of_one_field(draw: Any) -> tuple[Endpoint, list[Asked]]:
    endpoint = draw(endpoints())
    field = draw(st.sampled_from([field for field in endpoint.fields if not field.to_many and field.derived is None]))
    return endpoint, draw(st.lists(asked_of([field]).filter(lambda test: test.value != ()), min_size=1, max_size=4))


@examples(600)
@given(asked_of_one_field(), st.booleans(), seeds)
def test_domains_are_where_tests_are_true(asked: tuple[Endpoint, list[Asked]], both: bool, seed: int) -> None:
    endpoint, tests = asked
    field = tests[0].field
    found = [domain for test in tests if (domain := domains.of_test(test)) is not None]
    if len(found) < len(tests):  # a pattern has none
        return
    domain = domains.meet(found) if both else domains.join(found)
    again = domains.to_condition(domain, field, NOWHERE)
    condition = All(tuple(tests)) if both else AnyOf(tuple(tests))
    for record in records(endpoint, seed):
        inside = selects(condition, record, endpoint)
        assert again is None or selects(again, record, endpoint) == inside, (again, record)
        assert not (domains.is_empty(domain) and inside)
        assert inside or not domains.is_whole(domain, field)
    whole = domains.whole(field)
    assert domains.meet([domain, whole]) == domain
    assert domains.is_whole(domains.join([domain, whole]), field)


# What one request says


NO_VALUES: dict[str, Any] = {"none": []}
CANNOT_SAY = {
    "or", "negated-group", "no-target", "operator-twice", "parameter-only", "not-like", "in-list", "not-in-list",
    "no-operator", "no-parameter", "parameter-twice", "left-open",
}  # fmt: skip


def kept_by(request: Request, record: dict[str, Any]) -> bool:
    """Whether the API, given the request as it is sent, answers with the record."""
    params = dict(request.params)
    if (text := params.pop("filter", None)) is not None:
        assert not params
        assert request.target == "json"
        assert json.loads(text) == request.filter
        return filter_selects(json.loads(text), record, request.endpoint)
    return params_select(params, record, request.endpoint)


def assumed_too(request: Request) -> tuple[Condition, ...]:
    """What the warnings say that the API assumes beside the query."""
    warned = [problem.message for problem in request.diagnostics if problem.code == "assumed-value"]
    fields = [field for field in request.endpoint.fields if any(f"`{field.name} = " in message for message in warned)]
    assert len(fields) == len(warned)
    return tuple(Asked(field, Op.EQ, field.param.assumed) for field in fields if field.param)


@examples(1500)
@given(questions(sayable=True), seeds)
def test_a_request_selects_what_the_query_says(question: Question, seed: int) -> None:
    endpoint, condition = question
    text = written(condition)
    sample = records(endpoint, seed, 12)
    compiled = set()
    for target in ("auto", "json", "params"):
        try:
            request = pqlang.compile(text, endpoint, target=target, variables=NO_VALUES if "$" in text else None)
        except PqlError as error:
            codes = {each.code for each in error.diagnostics if each.severity is pqlang.Severity.ERROR}
            assert codes
            assert codes <= CANNOT_SAY
            continue
        compiled.add(target)
        assert target in ("auto", request.target)
        assumed = assumed_too(request)
        assert not assumed or target == "params"
        for record in sample:
            says = selects(All((condition, *assumed)), record, endpoint)
            assert kept_by(request, record) == says, (request.params, record)
    assert "json" not in compiled or "auto" in compiled


@examples(200)
@given(endpoints(), st.sampled_from(("auto", "json", "params")), seeds)
def test_the_empty_query_is_the_list_itself(endpoint: Endpoint, target: str, seed: int) -> None:
    request = pqlang.compile("", endpoint, target=target)
    assert request.params == {}
    assumed = All(tuple(Asked(field, Op.EQ, field.param.assumed) for field in endpoint.assumed if field.param))
    for record in records(endpoint, seed):
        assert kept_by(request, record) == selects(assumed, record, endpoint)


@examples(400)
@given(questions(sayable=True), seeds)
def test_scope_adds_the_active_condition(question: Question, seed: int) -> None:
    endpoint, condition = question
    try:
        request = pqlang.compile(written(condition), endpoint, variables=NO_VALUES, scope="active")
    except PqlError:
        return
    if (active := endpoint.active) is not None:
        field = endpoint.field(active.field)
        spoken = field.derived.base if field.derived else field.name
        if not {field.name, spoken} & names(condition):
            condition = All((condition, Asked(field, Op.EQ, active.value)))
    for record in records(endpoint, seed):
        assert kept_by(request, record) == selects(condition, record, endpoint), (request.params, record)


def names(condition: Condition) -> set[str]:
    if isinstance(condition, Asked):
        return {condition.field.name}
    return set().union(*map(names, (condition.operand,) if isinstance(condition, Not) else condition.operands))


@examples(400)
@given(questions(sayable=True), seeds)
def test_contradictions_and_tautologies_are_such(question: Question, seed: int) -> None:
    endpoint, condition = question
    text = written(condition)
    for problem in pqlang.check(text, endpoint, variables=NO_VALUES):
        if problem.code in ("contradiction", "tautology"):
            part = analyse(problem.span.of(text), endpoint, target=None, variables=NO_VALUES).meaning
            assert part is not None
            assert part.condition is not None
            for record in records(endpoint, seed):
                kept = selects(part.condition, record, endpoint)
                assert kept is (problem.code == "tautology"), (problem.code, problem.span.of(text), text, record)
