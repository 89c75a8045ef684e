"""Pictures first, as a person would see them; then what holds for any text and any span."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from pqlang.diagnostics import Diagnostic, PqlError, Severity, Suggestion
from pqlang.rendering import to_json, to_text, utf16_offset
from pqlang.source import Source, Span

FAMILY = "👩\u200d👩\u200d👧"
HEART = "❤\ufe0f"
KEYCAP = "1\ufe0f\u20e3"
SCOTLAND = "🏴" + "".join(chr(0xE0000 + ord(each)) for each in "gbsct\x7f")
HAN_IN_PARTS = "\u1112\u1161\u11ab"  # 한, as some file systems decompose it


def draw(text: str, span: tuple[int, int], label: str = "here") -> str:
    """The picture without its first line, which is `error[x]: m`."""
    head, *rows = to_text(Diagnostic("x", Span(*span), "m", label), Source(text)).split("\n")
    assert head == "error[x]: m"
    return "\n".join(rows)


# Pictures. Each starts with a line break, so that its columns can be read.

PICTURES = {
    "ascii": (
        'status = open and custmer ~ "li"',
        (18, 25),
        """
  1 | status = open and custmer ~ "li"
                        ^^^^^^^ here""",
    ),
    "chinese takes two columns": (
        'title = "日本" and x = 1',
        (17, 18),
        """
  1 | title = "日本" and x = 1
                         ^ here""",
    ),
    "carets under chinese": (
        'title = "日本"',
        (9, 11),
        """
  1 | title = "日本"
               ^^^^ here""",
    ),
    "emoji": (
        '"👍🏽🇧🇪" x',
        (7, 8),
        """
  1 | "👍🏽🇧🇪" x
             ^ here""",
    ),
    "emoji made of several": (
        f'"{FAMILY}{HEART}{KEYCAP}" x',
        (13, 14),
        f"""
  1 | "{FAMILY}{HEART}{KEYCAP}" x
               ^ here""",
    ),
    "inside an emoji is the whole of it": (
        f'"{FAMILY}" x',
        (3, 4),
        f"""
  1 | "{FAMILY}" x
       ^^ here""",
    ),
    "a heart as text": (
        "❤\ufe0e x",
        (3, 4),
        """
  1 | ❤\ufe0e x
        ^ here""",
    ),
    "combining mark": (
        "nom = Rene\u0301e and x",
        (17, 18),
        """
  1 | nom = Rene\u0301e and x
                      ^ here""",
    ),
    "combining mark alone points at its letter": (
        "Rene\u0301e",
        (4, 5),
        """
  1 | Rene\u0301e
         ^ here""",
    ),
    "combining mark on nothing": (
        "\u0301a",
        (1, 2),
        """
  1 | \\u0301a
            ^ here""",
    ),
    "korean in parts": (
        f"{HAN_IN_PARTS} x",
        (4, 5),
        f"""
  1 | {HAN_IN_PARTS} x
         ^ here""",
    ),
    "variant of an ideograph": (
        "葛\U000e0100 x",
        (3, 4),
        """
  1 | 葛\U000e0100 x
         ^ here""",
    ),
    "selector that selects nothing": (
        "cust\ufe0fmer\ufe00",
        (0, 9),
        """
  1 | cust\\ufe0fmer\\ufe00
      ^^^^^^^^^^^^^^^^^^^ here""",
    ),
    "tabs": (
        "a\tb\tc",
        (3, 5),
        """
  1 | a    b    c
            ^^^^^ here""",
    ),
    "odd blanks": (
        "a\u00a0=\u3000b",
        (3, 4),
        """
  1 | a\\u00a0=\\u3000b
              ^^^^^^ here""",
    ),
    "what cannot be seen": (
        "a\0b\x7f\x85\u200b\u202e\ud800\U000e0041\u3164",
        (0, 10),
        """
  1 | a␀b␡\\u0085\\u200b\\u202e\\ud800\\U000e0041\\u3164
      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ here""",
    ),
    "terminal commands": (
        "a = \x1b[2J\x9b31m",
        (4, 5),
        """
  1 | a = ␛[2J\\u009b31m
          ^ here""",
    ),
    "no length": (
        "a = 1",
        (2, 2),
        """
  1 | a = 1
        ^ here""",
    ),
    "end of text": (
        "a =",
        (3, 3),
        """
  1 | a =
         ^ here""",
    ),
    "end of text, on an empty line": (
        "a =\n",
        (4, 4),
        """
  2 |
      ^ here""",
    ),
    "empty text": ("", (0, 0), ""),
    "outside the text": (
        "a = 1",
        (90, 80),
        """
  1 | a = 1
           ^ here""",
    ),
    "second line": (
        "a = 1\nand b",
        (10, 11),
        """
  2 | and b
          ^ here""",
    ),
    "windows line breaks": (
        "a = 1\r\nand b\r\nand c",
        (11, 12),
        """
  2 | and b
          ^ here""",
    ),
    "old line breaks": (
        "a\rb",
        (2, 3),
        """
  2 | b
      ^ here""",
    ),
    "a line break is after its line": (
        "a\r\nb",
        (2, 3),
        """
  1 | a
       ^ here""",
    ),
    "several lines": (
        "x and (a = 1\n  or b = 2\n\tor c = 3) and y",
        (6, 34),
        """
  1 | x and (a = 1
            ^^^^^^
  2 |   or b = 2
        ^^^^^^^^
  3 |     or c = 3) and y
          ^^^^^^^^^ here""",
    ),
    "many lines": (
        "\n".join(f"  line {number}" for number in range(1, 13)),
        (11, 100),
        """
   2 |   line 2
         ^^^^^^
   …
  11 |   line 11
         ^^^^^^^ here""",
    ),
    "long line": (
        "a" * 200 + " custmer " + "b" * 200,
        (201, 208),
        f"""
  1 | …{"a" * 45} custmer {"b" * 46}…
{" " * 53}^^^^^^^ here""",
    ),
    "start of a long line": (
        "custmer" + "b" * 200,
        (0, 7),
        f"""
  1 | custmer{"b" * 93}…
      ^^^^^^^ here""",
    ),
    "end of a long line": (
        "a" * 200,
        (200, 200),
        f"""
  1 | …{"a" * 99}
{" " * 106}^ here""",
    ),
    "long carets on a long line": (
        "a" * 200 + "b" * 200,
        (200, 400),
        f"""
  1 | …{"a" * 20}{"b" * 80}…
{" " * 27}{"^" * 80} here""",
    ),
    "long line of chinese": (
        "日" * 200 + "x" + "日" * 200,
        (200, 201),
        f"""
  1 | …{"日" * 24}x{"日" * 25}…
{" " * 55}^ here""",
    ),
}


@pytest.mark.parametrize(("text", "span", "picture"), PICTURES.values(), ids=PICTURES.keys())
def test_picture(text: str, span: tuple[int, int], picture: str) -> None:
    assert draw(text, span) == picture.removeprefix("\n")


QUERY = 'status = open and custmer ~ "li"'
UNKNOWN = Diagnostic(
    "unknown-field",
    Span(18, 25),
    "`orders` has no field `custmer`",
    "unknown field",
    "the closest is `customer`",
    (Suggestion("use `customer`", Span(18, 25), "customer"),),
)


def test_one_suggestion_shows_the_line_it_makes() -> None:
    assert to_text(UNKNOWN, Source(QUERY)) == (
        """\
error[unknown-field]: `orders` has no field `custmer`
  1 | status = open and custmer ~ "li"
                        ^^^^^^^ unknown field
help: the closest is `customer`
fix: use `customer`
   -> status = open and customer ~ "li\""""
    )


def test_several_suggestions_are_listed() -> None:
    both = Suggestion("use `customer`", Span(0, 7), "customer"), Suggestion("use `customs`", Span(0, 7), "customs")
    assert to_text(Diagnostic("x", Span(0, 7), "m", suggestions=both), Source("custmer = 1")) == (
        """\
error[x]: m
  1 | custmer = 1
      ^^^^^^^
fix: use `customer`
 or: use `customs`"""
    )


@pytest.mark.parametrize(
    ("text", "edit"),
    [
        ("a" * 101, Suggestion("fix it", Span(0, 1), "b")),
        ("日" * 51, Suggestion("fix it", Span(0, 1), "b")),
        ("a\nb", Suggestion("fix it", Span(0, 3), "b")),
        ("a", Suggestion("fix it", Span(0, 1), "b\nc")),
        ("a", Suggestion("drop it", Span(0, 1), "")),
    ],
    ids=["too long", "too wide", "over two lines", "to two lines", "to nothing"],
)
def test_an_edit_that_does_not_fit_a_line_is_only_named(text: str, edit: Suggestion) -> None:
    problem = Diagnostic("x", Span(0, 1), "m", suggestions=(edit,))
    assert to_text(problem, Source(text)).split("\n")[-1] == f"fix: {edit.message}"


def test_a_line_in_a_file_is_named() -> None:
    assert to_text(Diagnostic("x", Span(3, 4), "m"), Source("a\nb\n", "schema.toml")) == (
        """\
error[x]: m
  --> schema.toml:2
  2 | b
       ^"""
    )
    assert to_text(Diagnostic("x", Span(0, 0), "m"), Source("", "--now")) == "error[x]: m\n  --> --now"


def test_severity_is_the_first_word() -> None:
    for severity in Severity:
        problem = Diagnostic("x", Span(0, 0), "m", severity=severity)
        assert to_text(problem, Source("")) == f"{severity.value}[x]: m"


def test_nothing_but_the_colours_commands_the_terminal() -> None:
    evil = "\x1b[2J\r\n\u202e"
    edits = (Suggestion(evil, Span(0, 1), evil),)
    problem = Diagnostic(evil, Span(0, 1), evil, evil, evil, edits)
    shown = "␛[2J␍␊\\u202e"
    assert to_text(problem, Source(f"a{evil}", evil)) == "\n".join(
        [
            f"error[{shown}]: {shown}",
            f"  --> {shown}:1",
            "  1 | a␛[2J",
            f"      ^ {shown}",
            f"help: {shown}",
            f"fix: {shown}",
        ]
    )


def test_colours() -> None:
    assert to_text(UNKNOWN, Source(QUERY), color=True) == (
        """\
\x1b[1;31merror[unknown-field]\x1b[0m: `orders` has no field `custmer`
\x1b[2m  1 |\x1b[0m status = open and custmer ~ "li"
                        \x1b[1;31m^^^^^^^ unknown field\x1b[0m
\x1b[1mhelp:\x1b[0m the closest is `customer`
\x1b[1mfix:\x1b[0m use `customer`
\x1b[2m   ->\x1b[0m status = open and customer ~ "li\""""
    )


def test_the_exception_draws_every_problem() -> None:
    error = PqlError(Source("a"), [Diagnostic("x", Span(0, 1), "m"), Diagnostic("y", Span(1, 1), "n")])
    assert str(error) == "error[x]: m\n  1 | a\n      ^\n\nerror[y]: n\n  1 | a\n       ^"


def test_json() -> None:
    text = '"😀"\r\nand custmer = 1'
    problem = Diagnostic(
        "x", Span(9, 16), "m", "l", "h", (Suggestion("use `c`", Span(9, 16), "c", safe=True),), Severity.HINT
    )
    assert to_json(problem, Source(text)) == {
        "code": "x",
        "severity": "hint",
        "message": "m",
        "label": "l",
        "help": "h",
        "span": {"start": 9, "end": 16},
        "utf16": {"start": 10, "end": 17},
        "line": 2,
        "column": 5,
        "suggestions": [
            {
                "message": "use `c`",
                "span": {"start": 9, "end": 16},
                "utf16": {"start": 10, "end": 17},
                "replacement": "c",
                "safe": True,
            }
        ],
    }


# Laws.

hostile = st.sampled_from(
    f"\0\t\n\r\x1b\x7f\x85\xa0\u0301\u034f\u1161\u200b\u200d\u202e\u2028\u3164{FAMILY}{HEART}{KEYCAP}🇧日"
)
texts = st.text(st.one_of(hostile, st.characters(exclude_categories=())))
spans = st.builds(Span, st.integers(-3, 60), st.integers(-3, 60))
problems = st.builds(
    Diagnostic,
    code=texts,
    span=spans,
    message=texts,
    label=texts,
    help=texts,
    suggestions=st.lists(st.builds(Suggestion, texts, spans, texts, st.booleans()), max_size=3).map(tuple),
    severity=st.sampled_from(Severity),
)
sources = st.builds(Source, texts, texts)


@given(problems, sources)
def test_any_problem_on_any_text_is_drawn_with_nothing_that_hides_or_commands(
    problem: Diagnostic, source: Source
) -> None:
    picture = to_text(problem, source)
    hidden = {char for char in picture if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert hidden <= {"\n", "\u200d"}  # the joiner only holds an emoji together


@given(problems, sources)
def test_any_problem_on_any_text_is_json(problem: Diagnostic, source: Source) -> None:
    data = to_json(problem, source)
    assert json.loads(json.dumps(data)) == data
    for part in (data, *data["suggestions"]):
        assert 0 <= part["span"]["start"] <= part["span"]["end"] <= len(source.text)


@given(texts, spans)
def test_utf16_offsets_cut_the_same_text(text: str, span: Span) -> None:
    at = to_json(Diagnostic("x", span, "m"), Source(text))
    units = text.encode("utf-16-le", "surrogatepass")[2 * at["utf16"]["start"] : 2 * at["utf16"]["end"]]
    assert units == text[at["span"]["start"] : at["span"]["end"]].encode("utf-16-le", "surrogatepass")


@given(texts)
def test_the_end_in_utf16_is_the_length_in_utf16(text: str) -> None:
    assert 2 * utf16_offset(text, len(text)) == len(text.encode("utf-16-le", "surrogatepass"))


@given(texts, spans)
@example("a\r\nb", Span(2, 2))
def test_line_and_column_find_the_place_again(text: str, span: Span) -> None:
    at = to_json(Diagnostic("x", span, "m"), Source(text))
    before = text[: at["span"]["start"]]
    if before.endswith("\r") and text[len(before) :].startswith("\n"):
        before = before[:-1] + " "  # between the two halves of a line break is still on the line it ends
    lines = before.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert (at["line"], at["column"]) == (len(lines), len(lines[-1]) + 1)


#: What may stand in a line, with the columns it takes.
PIECES = {
    "a": 1,
    "é": 1,
    "e\u0301\u0302": 1,
    "日": 2,
    "\uff46": 2,
    "葛\U000e0100": 2,
    HAN_IN_PARTS: 2,
    "\t": 4,
    "\0": 1,
    "\x1b": 1,
    "\u200b": 6,
    "\u00a0": 6,
    "\ud800": 6,
    "\U000e0041": 10,
    "🇧🇪": 2,
    SCOTLAND: 2,
    "👍🏽": 2,
    "☝\ufe0f🏽": 2,
    FAMILY: 2,
    HEART: 2,
    KEYCAP: 2,
    "❤\ufe0e": 1,
}
pieces = st.lists(st.sampled_from(list(PIECES)), max_size=12)


@given(pieces, pieces, pieces)
def test_carets_stand_under_what_is_wrong(before: list[str], wrong: list[str], after: list[str]) -> None:
    assume(sum(PIECES[each] for each in [*before, *wrong, *after]) < 100)  # a blank follows; a longer line is cut
    start, length = len("".join(before)), len("".join(wrong))
    text = "".join([*before, *wrong, *after, " "])
    carets = draw(text, (start, start + length), "").split("\n")[-1]
    assert len(carets) - len(carets.lstrip()) == len("  1 | ") + sum(PIECES[each] for each in before)
    assert carets.count("^") == max(1, sum(PIECES[each] for each in wrong))


@given(st.text("ab日e\u0301", max_size=600), st.text("ab日", max_size=600))
def test_a_long_line_is_cut_around_its_carets(before: str, after: str) -> None:
    before = f"|{before}"
    row, carets = draw(f"{before}MARK{after}", (len(before), len(before) + 4), "").split("\n")
    shown = row[: row.index("MARK")]
    assert carets == " " * sum(columns(char) for char in shown) + "^^^^"
    assert sum(columns(char) for char in row) <= len("  1 | ") + 102
    assert ("…" in shown) == (not shown.endswith(before))
    assert ("…" in row[len(shown) :]) == (not row.endswith(f"MARK{after}"))


def columns(char: str) -> int:
    return 0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) == "W" else 1
