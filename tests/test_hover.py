"""Descriptions: what stands where, on right, half-written and wrong queries; `|` marks the cursor."""

from __future__ import annotations

import json
import pickle
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import asked_of, endpoints, examples, texts, written

import pqlang
from pqlang import Description, Endpoint, Severity, Span, TokenKind, describe, glossary, offers, tokens

NOW = "2024-01-15T12:00:00Z"
BLANKS = " \t\r\n\xa0"


def at(marked: str, endpoint: str | Endpoint = "cases", **options: Any) -> Description:
    """What stands at the `|` of a text."""
    before, _, after = marked.partition("|")
    found = describe(before + after, len(before), endpoint, **{"now": NOW} | options)
    assert found is not None
    return found


# Laws


@examples(800)
@given(texts, st.data())
def test_any_place_of_any_text(text: str, data: st.DataObject) -> None:
    cursor = data.draw(st.integers(0, len(text)))
    endpoint = data.draw(st.sampled_from(("cases", "case_templates", "forms")))
    mode = data.draw(st.sampled_from(("search", "strict")))
    variables = data.draw(st.sampled_from((None, {}, {"x": 1, "v": None, "a": "b", "_": [date(2024, 1, 1)]})))
    found = describe(text, cursor, endpoint, variables=variables, now=NOW, mode=mode)
    if found is None:
        assert not text[max(cursor - 1, 0) : cursor + 1].strip(BLANKS)
        return
    assert 0 <= found.span.start <= cursor <= found.span.end <= len(text)
    assert found.title
    assert found.text
    assert all(label and said for label, said in found.facts)
    assert str(found).startswith(f"{found.title}: {found.text}")


@examples(300)
@given(endpoints(), st.data())
def test_each_operator_says_what_its_condition_becomes(endpoint: Endpoint, data: st.DataObject) -> None:
    tests = data.draw(st.lists(asked_of(endpoint.fields), min_size=1, max_size=3))
    spelt = [written(test).replace("$none", "()") for test in tests]
    text = " and ".join(spelt)
    start = 0
    for test, alone in zip(tests, spelt, strict=True):
        cursor = start + len(test.field.name) + 1
        start += len(alone) + len(" and ")
        if alone.endswith("()"):
            continue
        found = describe(text, cursor, endpoint, now=NOW)
        assert found is not None
        assert found.kind is TokenKind.OPERATOR
        assert found.span.of(text) == found.title == str(test.op)
        try:
            filter = pqlang.compile(alone, endpoint, target="json", now=NOW).filter
        except pqlang.PqlError:
            assert not dict(found.facts)["sent as"].startswith("`{")
        else:
            assert dict(found.facts)["sent as"] == f"`{json.dumps(filter, ensure_ascii=False)}`"


def shown(text: str, endpoint: str, mode: str) -> set[pqlang.Diagnostic]:
    """The problems on the cards of all cursors."""
    cards = [describe(text, at, endpoint, variables={}, now=NOW, mode=mode) for at in range(len(text) + 1)]
    return {problem for card in cards if card is not None for problem in card.problems}


#: Texts between which the law below seldom falls by chance.
PIECES = (
    "status", "=", "!=", "draft", "a", "contact.email", "created_at", "between", "2024-01-31", "2024-01-01", "and",
    "or", "not", "-", "(", ")", ",", "in", "archived", "order by", "title", '"', "$x", "is null", "&&", "=>", "~",
)  # fmt: skip


@examples(300)
@given(
    st.one_of(texts, st.lists(st.sampled_from(PIECES), max_size=9).flatmap(lambda words: st.sampled_from(("", " "))
    .map(lambda blank: blank.join(words)))),
    st.sampled_from(("cases", "case_templates", "forms")),
    st.sampled_from(("search", "strict")),
)  # fmt: skip
def test_every_problem_is_on_the_card_of_some_cursor(text: str, endpoint: str, mode: str) -> None:
    text = text[:60]
    problems = pqlang.check(text, endpoint, variables={}, now=NOW, mode=mode)
    if text.strip(BLANKS):
        assert set(problems) <= shown(text, endpoint, mode)


@pytest.mark.parametrize(
    ("marked", "code"),
    [
        ("created_at betw|een 2024-01-31 and 2024-01-01", "contradiction"),
        ("status = a or reference = b an|d archived", "mixed-and-or"),
        ("status |!= a", "nulls-left-out"),
        ("contact.email |!= x", "some-related"),
        ("status =|", "missing-value"),
        ("|(status = a", "unclosed-parenthesis"),
        ("status in |(a", "unclosed-parenthesis"),
        ("status in|(a", "unclosed-parenthesis"),
        ("archived an|d ", "missing-condition"),
    ],
)
def test_what_is_wrong_with_a_whole_condition_is_at_its_sign(marked: str, code: str) -> None:
    assert code in [problem.code for problem in at(marked).problems]


@examples(200)
@given(endpoints())
def test_every_field_is_described(endpoint: Endpoint) -> None:
    for field in endpoint.fields:
        found = describe(f"{field.name} = x and", 0, endpoint, now=NOW)
        assert found is not None
        assert (found.title, found.kind) == (field.name, TokenKind.FIELD)
        facts = dict(found.facts)
        assert facts["type"] == field.type.replace("datetime", "date-time")
        assert field.to_many == ("asks for some" in facts["null"] or "is without it" in facts["null"])
        assert (facts["parameter"] == "no") is (field.param is None)
        assert (facts["JSON filter"] == "no") is (field.json is None and field.derived is None)


def test_every_operator_of_the_language_has_words() -> None:
    spelt = {str(op) for op in (*pqlang.ast.Op, "in", "not in", "between", "not between", "on", "not on")}
    assert spelt | glossary.NULLS == glossary.OPERATORS.keys() == offers.OPERATORS.keys()
    for operator in glossary.OPERATORS:
        found = at(f"created_at {operator[:1]}|{operator[1:]} x")
        assert found.title == operator
        assert found.text.startswith("`created_at` ")


# Fields


def test_a_field() -> None:
    found = at("parent_st|atus = drft")
    assert found == Description(
        Span(0, 13),
        TokenKind.FIELD,
        "parent_status",
        "stage of the process",
        (
            ("type", "enum"),
            (
                "values",
                "`draft` (in preparation), `pending` (not begun), `in_progress` (under way) or `closed` (over)",
            ),
            ("null", "never null"),
            ("sort", "`order by parent_status`"),
            ("JSON filter", "`attributes.parent_status`"),
            ("parameter", "`parent_status`"),
        ),
    )


@pytest.mark.parametrize(
    ("marked", "endpoint", "fact"),
    [
        ("owner[em|ail] = x", "cases", ("JSON filter", "`relationships.owner.attributes.email`")),
        ("owner.id| = x", "cases", ("JSON filter", "`relationships.owner.id`")),
        ("not |archived", "cases", ("JSON filter", "by `archived_at`, which is not null where it is true")),
        ("archive|d", "cases", ("parameter", "`archived`; without it the API assumes `archived = false`")),
        ("tit|le = x", "case_templates", ("parameter", "`title`, for a part of the text")),
        ("flow.sl|ug = x", "forms", ("parameter", "`flow[slug]`, several by `flow[slug][]`")),
        ("flow.sl|ug = x", "forms", ("JSON filter", "no")),
        ("contact.na|me = x", "cases", ("related", "a record may have several `contact`, or none")),
        ("order by owner.em|ail", "cases", ("sort", "no")),
    ],
)
def test_facts_of_fields(marked: str, endpoint: str, fact: tuple[str, str]) -> None:
    assert fact in at(marked, endpoint).facts


def test_what_nobody_documents_is_a_note() -> None:
    (note,) = (said for label, said in at("contact.ph|one = 1").facts if label == "undocumented")
    documented = pqlang.PENBOX.endpoint("cases").field("contact.phone").json.undocumented
    assert note == f"the API's documentation does not say where the JSON filter takes this field; {documented}"


def test_null_in_a_relation_of_several() -> None:
    null = dict(at("contact.ph|one = 1").facts)["null"]
    assert null == "`is null` asks for some `contact` without it, and is false where there is none"


def test_a_field_that_is_no_flag_is_free_text_where_it_stands_alone() -> None:
    found = at("stat|us")
    assert found.text == 'free text: `title` has "status" in it, in capitals or not'
    assert dict(found.facts)["field"].startswith("`status = …` asks for the field of that name")
    assert [problem.code for problem in found.problems] == ["word-as-text"]
    assert pqlang.compile("status", "cases", mode="search").filter == {"attributes": {"title": {"$ilike": "%status%"}}}
    assert at("stat|us = a").text.startswith(at("order by stat|us").text)
    assert not at("stat|us", mode="strict").text.startswith("free text")
    assert not at("stat|us", "forms").text.startswith("free text")  # which has no field to search in


@pytest.mark.parametrize(
    ("marked", "said"),
    [
        ("title |= x", "`title` is this value; capitals count"),
        ("owner.email |!= x", "`owner.email` is another value; capitals count"),
        ("archived |= true", "`archived` is this value"),
        ("created_at |= now", "`created_at` is this value"),
        ("parent_status |= draft", "`parent_status` is this value"),
        ("emial |= x", "the field is this value; in a text capitals count"),
    ],
)
def test_capitals_are_spoken_of_where_there_are_some(marked: str, said: str) -> None:
    assert at(marked).text == said


def test_a_flag_asks_for_true() -> None:
    assert at("arch|ived").text == "whether it is archived; alone it asks for `true`"
    assert at("arch|ived = false").text == "whether it is archived"
    assert at("status = orders arch|ived").text.endswith("alone it asks for `true`")
    assert at("order by arch|ived").text == "whether it is archived"


def test_an_unknown_field_is_what_its_message_says() -> None:
    found = at("em|ial = x or status = draft")
    assert found.text == "`cases` has no field `emial`"
    assert [problem.code for problem in found.problems] == ["unknown-field"]
    assert "the closest is `owner.email`" in str(found)


def test_free_text() -> None:
    assert at("onboa|rding").text == 'free text: `title` has "onboarding" in it, in capitals or not'
    assert at("a[b|]").text == 'free text: `title` has "a.b" in it, in capitals or not'
    assert at('archived "free t|ext"').text == 'free text: `title` has "free text" in it, in capitals or not'
    assert at('archived and "free t|ext"', mode="strict").text.startswith("free text")
    assert [problem.code for problem in at("onboa|rding", mode="strict").problems] == ["unknown-field"]
    assert [problem.code for problem in at('"x|"', "forms").problems] == ["no-search-field"]
    assert ("fields", "`owner.id`, `owner.email`, `owner.given_name` and `owner.family_name`") in at("own|er").facts


# Operators


@pytest.mark.parametrize(
    ("marked", "title", "text", "null"),
    [
        ("created_at |> now", ">", "`created_at` is after this", "`created_at` is never null"),
        ("status no|t in (a)", "not in", "`status` is none of these values", "where the field is null this is unknown"),
        ("status is no|t null", "is not null", "`status` has a value", "always true or false"),
        ("status |= NULL", "=", "`status` has no value", "always true or false"),
        ("title LIKE| x", "~", "`title` fits this pattern", "`title` is never null"),
        ("title not  con|tains x", "not contains", "`title` does not have this text in it", "`title` is never null"),
        ("status|:(a, b)", "in", "`status` is one of these values", "where the field is null"),
        ("created_at between now-7d an|d now", "between", "`created_at` lies from the first to the second", "never"),
        ("contact.email |!= x", "!=", "`contact.email` is another value", "false where there is none; `not` before"),
        ("status =|", "=", "`status` is this value", "where the field is null"),
        ("emial |> 3", ">", "the field is greater than this", "where the field is null"),
    ],
)
def test_operators(marked: str, title: str, text: str, null: str) -> None:
    found = at(marked)
    assert found.title == title
    assert found.text.startswith(text)
    assert null in dict(found.facts)["null"]


def test_the_and_of_between_is_not_a_keyword() -> None:
    assert at("created_at between a an|d b and archived").kind is TokenKind.OPERATOR
    assert at("created_at between a and b an|d archived").kind is TokenKind.KEYWORD


@pytest.mark.parametrize(
    ("marked", "sent"),
    [
        ("owner.email |~ %@acme", '`{"relationships": {"owner": {"attributes": {"email": {"$like": "%@acme"}}}}}`'),
        ("template.id |= a-1", "`template[id]=a-1`"),
        ("title not con|tains x", "the API has no negated pattern, and `title !~* …` asks for one"),
        ("status |= $x", None),
        ("status |= ", None),
    ],
)
def test_what_a_condition_becomes(marked: str, sent: str | None) -> None:
    assert dict(at(marked).facts).get("sent as") == sent


def test_a_condition_with_a_bound_value() -> None:
    found = at("status |= $x", variables={"x": "draft"})
    assert dict(found.facts)["sent as"] == '`{"attributes": {"status": {"$eq": "draft"}}}`'


# Values


@pytest.mark.parametrize(
    ("marked", "text"),
    [
        ("parent_status = in_pro|gress", "under way"),
        ('parent_status in ("dra|ft")', "in preparation"),
        ("created_at > now-|7d", "the instant 2024-01-08T12:00:00Z"),
        ("created_at > now| - 7 days", "the instant 2024-01-08T12:00:00Z"),
        ("created_at between now-7|d", "the instant 2024-01-08T12:00:00Z"),
        ("created_at < 2024-01-|15", "the instant 2024-01-15T00:00:00Z"),
        ("created_at on 202|4", "from 2024-01-01T00:00:00Z up to 2025-01-01T00:00:00Z, which is excluded"),
        ("title on 202|4", 'the text "2024"'),
        ("title = tru|e", 'the text "true"'),
        ("reference = 001|23", 'the text "00123"'),
        ("archived = TR|UE", "`true`"),
        ("archived = |1", "no value of `archived`"),
        ("status = nu|ll", "no value: the condition asks whether the field has one"),
        ('status = "nu|ll"', 'the text "null"'),
        ("title ~ %on|b%", 'every text with "onb" in it'),
        ("title ~ on|b%", 'every text that begins with "onb"'),
        ("title ~ %on|b", 'every text that ends with "onb"'),
        ("title ~ on|b", 'the text "onb" alone: there is no `%` or `_` in it'),
        ("title ~ o_|b%", "a pattern: `%` stands for any number of characters, `_` for any one"),
        ("title contains 50|%", 'the text "50%", in which `%` and `_` are themselves'),
        ('title = "a\\"|b"', r'the text "a\"b"'),
        ("nothing = x|x", "a value of `nothing`, which is no field"),
    ],
)
def test_values(marked: str, text: str) -> None:
    assert at(marked).text == text


def test_an_instant_as_the_clocks_of_the_zone_show_it() -> None:
    found = at("created_at > now-|7d", tz="Europe/Brussels")
    assert found.facts == (("Europe/Brussels", "2024-01-08T13:00:00+01:00"),)
    assert at("created_at > |0001-01-01T00:00Z", tz="America/New_York").facts == ()


def test_a_wrong_value_is_what_its_message_says() -> None:
    found = at("parent_status in (drft, clos|d)")
    assert [problem.message for problem in found.problems] == ["`parent_status` has no value `closd`"]
    assert found.text == "no value of `parent_status`"


def test_variables() -> None:
    assert at("status = $|x").text.startswith("a value that is bound when")
    assert at("status = $|x").problems == ()
    assert [each.code for each in at("status = $|x", variables={}).problems] == ["unbound-variable"]
    assert at("status = $|x", variables={"x": "draft"}).text == 'bound to the text "draft"'
    assert (
        at("created_at > $|x", variables={"x": date(2024, 1, 15)}).text == "bound to the instant 2024-01-15T00:00:00Z"
    )
    assert at("status = $|x", variables={"x": None}).text.startswith("bound to None: no value")
    listed = at("status in $|x", variables={"x": ["a", "b"]})
    assert (listed.text, listed.facts) == ("bound to 2 values", (("values", "['a', 'b']"),))
    wrong = at("archived = $|x", variables={"x": "true"})
    assert [problem.code for problem in wrong.problems] == ["bound-value"]


# The rest


@pytest.mark.parametrize(
    ("marked", "title", "text"),
    [
        ("a an|d b", "and", "both conditions hold"),
        ("a OR| b", "or", "one of the conditions holds"),
        ("no|t a", "not", "the condition does not hold"),
        ("|-archived", "-", "`not`: the condition does not hold"),
        ("order\n |by title", "order by", "what the list is sorted by"),
        ("order by title des|c", "desc", "the greatest"),
        ("|(archived)", "(", "what stands in parentheses"),
        ("status in |(a, b)", "(", "the values of a list"),
        ("status in (a|, b)", "a", 'the text "a"'),
        ("status in (a ,| b)", ",", "stands between the values"),
        ('title = "ab|c', '"abc', "the quoted text is not closed"),
        ("a &|& b", "&&", "`&&` is written `and`"),
        ("a => 3| and b", "3", "part of what could not be read"),
    ],
)
def test_the_rest(marked: str, title: str, text: str) -> None:
    found = at(marked)
    assert found.title.lower() == title
    assert found.text.startswith(text)


def test_between_two_tokens() -> None:
    assert at("status|=draft").title == "="
    assert at("(archived|)").title == "archived"
    assert at("archived )|").title == ")"


@pytest.mark.parametrize("marked", ["|", "a | b", "a  |", "| a", "a\n|\xa0b"])
def test_blanks_are_nothing(marked: str) -> None:
    before, _, after = marked.partition("|")
    assert describe(f"{before} {after}", len(before) if after else len(before) + 1, "cases") is None


def test_after_mistakes_elsewhere() -> None:
    found = at('a => 3 and x = [1 and created_at > now-|7d and title = "abc')
    assert found.text == "the instant 2024-01-08T12:00:00Z"
    assert found.problems == ()


@pytest.mark.parametrize("cursor", [-1, 9, True, 1.0, "1", None])
def test_a_cursor_outside_the_text_is_refused(cursor: Any) -> None:
    with pytest.raises(pqlang.PqlError, match=r"0 to 8, the length of the query"):
        describe("archived", cursor, "cases")


def test_other_arguments_are_refused() -> None:
    for endpoint, options in (
        ("csaes", {}),
        ("cases", {"mode": "lax"}),
        ("cases", {"tz": "Mars"}),
        ("cases", {"now": 1}),
    ):
        with pytest.raises(pqlang.PqlError):
            describe("archived", 0, endpoint, **options)


def test_a_text_too_long_to_be_read() -> None:
    for text, code in (("archived and " * 2_000, "too-long"), ("(" * 100 + "archived", "too-deep")):
        found = describe(text, 3, "cases")
        assert found is not None
        assert code in [problem.code for problem in found.problems]


def test_a_description_is_a_value() -> None:
    found = at("parent_st|atus = draft")
    assert pickle.loads(pickle.dumps(found)) == found
    assert hash(found) == hash(at("parent|_status = draft"))
    assert all(problem.severity in Severity for problem in found.problems)
    assert found.span == tokens("parent_status = draft")[0].span
