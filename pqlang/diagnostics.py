"""Everything pqlang can say about a query. Each message is one small function; `rendering` draws them.

A message says what is wrong and stands alone; `help` says what to do; a suggestion is an edit that does it. The
span is the shortest text that is wrong. Messages speak of fields, operators and values, never of tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum

from pqlang.source import NOWHERE, Source, Span
from pqlang.spelling import bare, quote
from pqlang.valueclass import frozen, replace


class Severity(StrEnum):
    """An error stops, a warning says that the query may not mean what was meant, a hint informs."""

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


@frozen
class Suggestion:
    """An edit: put `replacement` in place of `span`. `safe` edits keep the meaning, so an editor may apply them."""

    message: str
    span: Span
    replacement: str
    safe: bool = False

    def apply(self, text: str) -> str:
        """The text after the edit.

        >>> Suggestion("use `=`", Span(1, 3), "=").apply("a==1")
        'a=1'
        """
        return text[: self.span.start] + self.replacement + text[self.span.end :]


@frozen
class Diagnostic:
    """One problem: a stable code, how bad it is, where, and what can be done."""

    code: str
    span: Span
    message: str
    label: str = ""
    help: str = ""
    suggestions: tuple[Suggestion, ...] = ()
    severity: Severity = Severity.ERROR


MOST_DRAWN = 20  # what a person reads of one exception; `diagnostics` holds the rest


class PqlError(Exception):
    """The one exception that bad input raises. `diagnostics` holds every problem, `str()` draws them."""

    def __init__(self, source: Source, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__(source, tuple(diagnostics))
        self.source = source
        self.diagnostics = tuple(diagnostics)

    def __str__(self) -> str:
        from pqlang.rendering import to_text  # drawn only when someone looks

        drawn = [to_text(each, self.source) for each in self.diagnostics[:MOST_DRAWN]]
        rest = len(self.diagnostics) - len(drawn)
        return "\n\n".join([*drawn, f"… and {rest:,} more"] if rest else drawn)


class PqlWarning(UserWarning):
    """What a client says beside the records that it yields: they may not be all, or not in their order."""


# Limits


def too_long(length: int, limit: int) -> Diagnostic:
    return Diagnostic(
        "too-long",
        NOWHERE,
        f"the query has {length:,} characters, the limit is {limit:,}",
        help="bind long lists as variables (`in $list`), split the query, or raise `limits.length`",
    )


def too_deep(span: Span, depth: int, limit: int) -> Diagnostic:
    return Diagnostic(
        "too-deep",
        span,
        f"conditions are nested {depth:,} deep, the limit is {limit}",
        "one level too many",
        "take out parentheses and `not`s that change nothing, or raise `limits.depth`",
    )


def too_many_values(span: Span, count: int, limit: int) -> Diagnostic:
    return Diagnostic(
        "too-many-values",
        span,
        f"the list has {count:,} values, the limit is {limit:,}",
        "too many values",
        "split the list over several queries, or raise `limits.values`",
    )


def bad_limit(name: str, value: object, highest: int | None = None) -> Diagnostic:
    most = f" of at most {highest}" if highest else ""
    return Diagnostic(
        "bad-limit", NOWHERE, f"`limits.{name}` must be a positive whole number{most}, not {shown(value)}"
    )


# Signs and words


def odd_blank(span: Span, char: str) -> Diagnostic:
    return Diagnostic(
        "odd-blank",
        span,
        f"the blank U+{ord(char):04X} separates nothing here",
        "not a plain space",
        "plain spaces, tabs and line ends separate words; any other blank belongs in quotes",
        (Suggestion("put a plain space", span, " ", safe=True),),
    )


def bad_character(span: Span, char: str) -> Diagnostic:
    return Diagnostic(
        "bad-character",
        span,
        f"the invisible character U+{ord(char):04X} cannot stand here",
        "invisible character",
        "take it out",
        (Suggestion("take it out", span, ""),),
    )


def curly_quotes(span: Span, quoted: str | None, straight: str) -> Diagnostic:
    edit = () if quoted is None else (Suggestion("use straight quotes", span, quote(quoted), safe=True),)
    return Diagnostic(
        "curly-quotes",
        span,
        "curly quotes do not quote",
        "curly quotes",
        f"text is quoted with straight quotes: `{straight}`",
        edit,
    )


def unclosed_quote(span: Span, mark: str, end: int) -> Diagnostic:
    return Diagnostic(
        "unclosed-quote",
        span,
        "the quoted text is not closed",
        "opens here",
        f"close it with `{mark}`; inside, a quote is written `\\{mark}`",
        (Suggestion(f"put `{mark}` at the end", Span(end, end), mark),),
    )


def unclosed_backtick(span: Span, end: int | None) -> Diagnostic:
    return Diagnostic(
        "unclosed-backtick",
        span,
        "the quoted name is not closed or holds nothing",
        "opens here",
        "a name between backticks ends at the next backtick",
        () if end is None else (Suggestion("put a backtick at the end", Span(end, end), "`"),),
    )


def bad_escape(span: Span, escape: str) -> Diagnostic:
    plain = escape[1:] if len(escape) == 2 and escape[1] != "u" else ""
    edits = (Suggestion("write the backslash twice", span, "\\" + escape),) if plain else ()
    return Diagnostic(
        "bad-escape",
        span,
        f"`{escape}` stands for no character",
        "unknown escape",
        r"escapes are those of JSON: `\" \' \\ \/ \b \f \n \r \t \uXXXX`, the last for no half character and not for NUL",
        edits,
    )


def bad_variable(span: Span, written: str) -> Diagnostic:
    return Diagnostic(
        "bad-variable",
        span,
        f"`{written}` is no variable",
        "not a variable",
        "a variable is `$` and a name of ASCII letters, digits and `_`; text that starts with `$` needs quotes",
        (Suggestion("quote it as text", span, quote(written)),) if len(written) > 1 else (),
    )


def foreign_connective(span: Span, sign: str, word: str) -> Diagnostic:
    return Diagnostic(
        "foreign-operator",
        span,
        f"`{sign}` is written `{word}`",
        f"use `{word}`",
        suggestions=(Suggestion(f"use `{word}`", span, word, safe=len(sign) == 2),),
    )


def bang_for_not(span: Span, blank_follows: bool) -> Diagnostic:
    replacement = "not" if blank_follows else "not "
    return Diagnostic(
        "foreign-operator",
        span,
        "`!` before a condition is written `not`",
        "use `not`",
        suggestions=(Suggestion("use `not`", span, replacement),),
    )


def foreign_operator(span: Span, word: str, spelt: str) -> Diagnostic:
    return Diagnostic(
        "foreign-operator",
        span,
        f"the operator `{word}` is written `{spelt}`",
        f"use `{spelt}`",
        suggestions=(Suggestion(f"use `{spelt}`", span, spelt),),
    )


def double_operator(span: Span, written: str, meant: str | None) -> Diagnostic:
    return Diagnostic(
        "foreign-operator",
        span,
        f"`{written}` is no operator",
        f"use `{meant}`" if meant else "one operator is enough",
        "the operators are `=` `!=` `<` `<=` `>` `>=` `~` `!~` `~*` `!~*`; text that starts with such a sign needs quotes",
        (Suggestion(f"use `{meant}`", span, meant),) if meant else (),
    )


def glued_operator(span: Span, operator: str, value: str) -> Diagnostic:
    return Diagnostic(
        "glued-operator",
        span,
        f"a blank is missing between `{operator}` and its value",
        "two words in one",
        suggestions=(Suggestion("put the value apart", span, f"{operator} {quote(value)}"),),
    )


# What is missing


def _after(last: str) -> str:
    return f" after `{shorten(last)}`" if last else ""


def missing_value(span: Span, last: str, kept: str = "", alone: bool = False) -> Diagnostic:
    edits = (Suggestion("quote it as text", span, quote(kept)),) if alone else ()
    hint = (
        f"`{kept}` joins conditions; as a text it needs quotes"
        if kept
        else "what follows the operator is compared with"
    )
    return Diagnostic("missing-value", span, f"a value is missing{_after(last)}", "value missing", hint, edits)


def missing_condition(span: Span, last: str, kept: str = "") -> Diagnostic:
    help = f"`{kept}` joins two conditions; a field of that name is written in backticks" if kept else ""
    return Diagnostic(
        "missing-condition",
        span,
        f"a condition is missing{_after(last)}",
        "condition missing",
        help or "for example `field = value`",
    )


def missing_operator(gap: Span, left: str, right: str, both: Span) -> Diagnostic:
    return Diagnostic(
        "missing-operator",
        gap,
        f"an operator is missing between `{shorten(left)}` and `{shorten(right)}`",
        "operator missing",
        "a field and its value are joined by an operator such as `=`",
        (Suggestion("put `=` between them", both, f"{left} = {right}"),),
    )


def missing_connective(gap: Span) -> Diagnostic:
    return Diagnostic(
        "missing-connective",
        gap,
        "two conditions stand side by side",
        "`and` missing",
        "join them with `and` or `or`; a blank alone is an *and* in search mode only",
        (Suggestion("put `and` between them", gap, " and "),),
    )


def missing_comma(gap: Span) -> Diagnostic:
    return Diagnostic(
        "missing-comma",
        gap,
        "a comma is missing between two values",
        "comma missing",
        "values in a list are separated by commas; a value of several words needs quotes",
        (Suggestion("put a comma", gap, ", "),),
    )


def comma_for_and(span: Span, replacement: str) -> Diagnostic:
    return Diagnostic(
        "comma",
        span,
        "a comma does not join conditions",
        "use `and`",
        "conditions are joined by `and` or `or`; commas separate the values of a list",
        (Suggestion("use `and`", span, replacement),),
    )


def unquoted_words(span: Span, words: str) -> Diagnostic:
    return Diagnostic(
        "unquoted-words",
        span,
        "a value of several words needs quotes",
        "several words",
        "without them the value ends at the first blank",
        (Suggestion("quote it", span, quote(words)),),
    )


def unclosed_parenthesis(span: Span, end: int) -> Diagnostic:
    return Diagnostic(
        "unclosed-parenthesis",
        span,
        "the parenthesis is not closed",
        "opens here",
        suggestions=(Suggestion("put `)` at the end", Span(end, end), ")"),),
    )


def unmatched_parenthesis(span: Span) -> Diagnostic:
    return Diagnostic(
        "unmatched-parenthesis",
        span,
        "the parenthesis closes nothing",
        "nothing is open",
        suggestions=(Suggestion("take it out", span, ""),),
    )


def empty_parentheses(span: Span, is_list: bool) -> Diagnostic:
    if is_list:
        help = "a list in a query has at least one value; only a bound variable may be empty: `in $list`"
        return Diagnostic("empty-list", span, "the list is empty", "no values", help)
    return Diagnostic("missing-condition", span, "a condition is missing in the parentheses", "condition missing")


def unclosed_bracket(span: Span, last: str) -> Diagnostic:
    return Diagnostic(
        "unexpected",
        span,
        f"square brackets hold the second part of a field's name{_after(last)}, as in `owner[email]`",
        "not a name",
        "close the bracket after the name; a list is written in parentheses: `in (a, b)`",
    )


def square_list(span: Span, inner: str | None) -> Diagnostic:
    return Diagnostic(
        "square-list",
        span,
        "a list is written in parentheses",
        "use `(` and `)`",
        suggestions=() if inner is None else (Suggestion("use parentheses", span, f"({inner})", safe=True),),
    )


def list_after_equals(span: Span, op: str, word: str, apart: str) -> Diagnostic:
    return Diagnostic(
        "list-after-equals",
        span,
        f"`{op}` compares with one value, a list goes with `{word}`",
        f"use `{word}`",
        suggestions=(Suggestion(f"use `{word}`", span, apart),),
    )


def list_after_operator(span: Span, op: str) -> Diagnostic:
    return Diagnostic(
        "list-after-operator",
        span,
        f"`{op}` takes one value, not a list",
        "one value",
        "only `in` and `not in` take a list",
    )


def is_empty(span: Span, word: str) -> Diagnostic:
    return Diagnostic(
        "foreign-operator",
        span,
        f"the absence of a value is written `null`, not `{shorten(word)}`",
        "use `null`",
        suggestions=(Suggestion("use `null`", span, "null"),),
    )


def is_value(span: Span, value: str, negated: bool) -> Diagnostic:
    op = "!=" if negated else "="
    return Diagnostic(
        "is-value",
        span,
        "`is` asks for `null` alone; values are compared with `=`",
        f"use `{op}`",
        suggestions=(Suggestion(f"use `{op}`", span, f"{op} {value}"),),
    )


def doubled_quote(span: Span, mark: str, meant: str) -> Diagnostic:
    return Diagnostic(
        "doubled-quote",
        span,
        f"two quotes side by side are no quote: `{mark}` in a text is written `\\{mark}`",
        "two texts",
        suggestions=(Suggestion("write it as one text", span, quote(meant)),),
    )


def day_and_time(span: Span, meant: str) -> Diagnostic:
    return Diagnostic(
        "day-and-time",
        span,
        "a time is joined to its day by `T`",
        "two words",
        suggestions=(Suggestion(f"use `{meant}`", span, meant),),
    )


def variable_first(span: Span, written: str) -> Diagnostic:
    return Diagnostic(
        "missing-condition",
        span,
        f"`{written}` is a value, and a condition begins with a field",
        "not a field",
        f"for example `field = {written}`",
    )


def range_phrase(span: Span, edited: Span, replacement: str) -> Diagnostic:
    return Diagnostic(
        "range-phrase",
        span,
        "a time counted back from now is written `now-7d`",
        "not a value",
        "units are `s min h d w mo y`",
        (Suggestion(f"use `{replacement.strip()}`", edited, replacement),),
    )


def after_order(span: Span, found: str) -> Diagnostic:
    word = found.lower().rstrip()
    spelt = "desc" if word.startswith(("de", "down")) else "asc" if word.startswith(("as", "up")) else ""
    return Diagnostic(
        "order",
        span,
        f"`order by` takes one field, then `asc` or `desc`, not `{shorten(found)}`",
        "not part of an order",
        "it stands at the end of the query; the API sorts by one field",
        (Suggestion(f"use `{spelt}`", span, spelt),) if spelt else (),
    )


def order_field(span: Span, rest: str) -> Diagnostic:
    name = rest[1:].split()[0] if rest[:1] == "-" and rest[1:].split() else ""
    edits = (Suggestion("use `desc`", Span(span.start, span.start + 1 + len(name)), f"{name} desc"),) if name else ()
    help = "descending order is written `order by field desc`"
    return Diagnostic("order", span, "a field is missing after `order by`", "field missing", help, edits)


def unexpected(span: Span, found: str, last: str, expectations: Sequence[str]) -> Diagnostic:
    wanted = listing(expectations, "or")
    what = f"`{shorten(found)}`" if found else "the end"
    return Diagnostic("unexpected", span, f"expected {wanted}{_after(last)}, found {what}", "not expected here")


# What search mode alone allows


def colon_list(span: Span, apart: str) -> Diagnostic:
    return Diagnostic(
        "search-form",
        span,
        "`:` before a list is written `in`",
        "use `in`",
        "the short form is for search mode",
        (Suggestion("use `in`", span, apart, safe=True),),
    )


def minus_for_not(span: Span, apart: str) -> Diagnostic:
    return Diagnostic(
        "search-form",
        span,
        "`-` before a condition is written `not`",
        "use `not`",
        "the short form is for search mode",
        (Suggestion("use `not`", span, apart, safe=apart == "not "),),
    )


def bare_text(span: Span, word: str, endpoint: str, search: str | None, fields: Iterable[str]) -> Diagnostic:
    text = Suggestion("search for it as text", span, quote(word))
    return Diagnostic(
        "unknown-field",
        span,
        f"`{endpoint}` has no field `{shorten(word)}`",
        "unknown field",
        "a text to search for is written in quotes" if search else "",
        (*_use(span, fields), *((text,) if search else ())),
    )


def word_as_text(span: Span, word: str, search: str, fields: Iterable[str]) -> Diagnostic:
    return Diagnostic(
        "word-as-text",
        span,
        f"`{shorten(word)}` names no boolean field and is searched for in `{search}`",
        "free text",
        suggestions=_use(span, fields),
        severity=Severity.HINT,
    )


def mixed_and_or(span: Span, text: str) -> Diagnostic:
    return Diagnostic(
        "mixed-and-or",
        span,
        "`and` binds tighter than `or`",
        "read as one group",
        "parentheses show which conditions belong together",
        (Suggestion("put parentheses around it", span, f"({text})", safe=True),),
        Severity.WARNING,
    )


# Names


def _use(span: Span, names: Iterable[str]) -> tuple[Suggestion, ...]:
    return tuple(Suggestion(f"use `{name}`", span, name) for name in names)


def unknown_endpoint(name: object, known: Sequence[str], close: Sequence[str]) -> Diagnostic:
    return Diagnostic(
        "unknown-endpoint",
        NOWHERE,
        f"there is no endpoint `{shown(name, str)}`",
        help=f"the closest is `{close[0]}`"
        if close
        else f"the endpoints are {listing([f'`{k}`' for k in known], 'and')}"
        if known
        else "none is to be asked",
    )


def unknown_field(span: Span, name: str, endpoint: str, close: Sequence[str], inside: Sequence[str] = ()) -> Diagnostic:
    message = f"`{endpoint}` has no field `{shorten(name)}`"
    if inside:
        help = f"`{shorten(name)}` is a relation; its fields are {listing([f'`{f}`' for f in inside], 'and')}"
        return Diagnostic("unknown-field", span, message, "a relation, not a field", help, _use(span, close))
    help = f"the closest is `{close[0]}`" if close else "`pql schema` lists the fields"
    return Diagnostic("unknown-field", span, message, "unknown field", help, _use(span, close))


def not_a_flag(span: Span, name: str, type: str, values: Sequence[str]) -> Diagnostic:
    example = values[0] if values else "…"
    return Diagnostic(
        "not-a-flag",
        span,
        f"`{name}` is no boolean field and needs an operator and a value",
        "operator missing",
        f"it holds {a(type)}: for example `{name} = {example}`",
        (Suggestion("ask whether it has a value", span, f"{name} is not null"),),
    )


def no_search_field(span: Span, endpoint: str, fields: Sequence[str]) -> Diagnostic:
    return Diagnostic(
        "no-search-field",
        span,
        f"`{endpoint}` has no field that free text is searched for in",
        "free text",
        f"say which field it is in: {listing([f'`{f}`' for f in fields[:3]], 'or')}" if fields else "",
    )


def not_sortable(span: Span, name: str, sortable: Sequence[str]) -> Diagnostic:
    return Diagnostic(
        "not-sortable",
        span,
        f"the API does not sort by `{name}`",
        "cannot sort by this",
        f"it sorts by {listing([f'`{f}`' for f in sortable], 'and')}" if sortable else "it sorts by no field",
    )


# Operators and values


def wrong_operator(
    span: Span, op: str, name: str, type: str, why: str, edits: tuple[Suggestion, ...] = ()
) -> Diagnostic:
    return Diagnostic(
        "wrong-operator",
        span,
        f"`{op}` does not apply to `{name}`, which holds {a(type)}",
        "wrong operator",
        why,
        edits,
    )


def wrong_value(
    span: Span, value: str, name: str, type: str, help: str = "", edits: tuple[Suggestion, ...] = ()
) -> Diagnostic:
    message = (
        f"`{shorten(value)}` is no {type}" if type != "boolean" else f"`{shorten(value)}` is neither `true` nor `false`"
    )
    return Diagnostic("wrong-value", span, f"{message}, which `{name}` holds", f"not {a(type)}", help, edits)


def quoted_value(span: Span, text: str, name: str, type: str) -> Diagnostic:
    return Diagnostic(
        "quoted-value",
        span,
        f"quotes make {a(type)} a text, and `{name}` holds {a(type)}",
        "quoted",
        suggestions=(Suggestion("take the quotes off", span, text),),
    )


def quoted_time(span: Span, text: str) -> Diagnostic:
    return Diagnostic(
        "quoted-value",
        span,
        f"`{shorten(text)}` counts from now where it stands in the query without quotes, not as a text",
        "a text",
        "a bound variable is a text too: bind the time itself",
        (Suggestion("take the quotes off", span, text),),
    )


def unknown_value(span: Span, value: str, name: str, known: Sequence[str], close: Sequence[str]) -> Diagnostic:
    return Diagnostic(
        "unknown-value",
        span,
        f"`{name}` has no value `{shorten(value)}`",
        "unknown value",
        f"its values are {listing([f'`{v}`' for v in known], 'and')}",
        tuple(Suggestion(f"use `{v}`", span, bare(v)) for v in close),
    )


def open_value(span: Span, value: str, name: str, known: Sequence[str], close: Sequence[str]) -> Diagnostic:
    return Diagnostic(
        "unlisted-value",
        span,
        f"`{shorten(value)}` is none of the known values of `{name}`",
        "not a known value",
        f"known are {listing([f'`{v}`' for v in known], 'and')}; others may exist",
        tuple(Suggestion(f"use `{v}`", span, bare(v)) for v in close),
        Severity.WARNING,
    )


def odd_form(span: Span, value: str, name: str, type: str, form: str) -> Diagnostic:
    return Diagnostic(
        "odd-form",
        span,
        f"`{shorten(value)}` does not look like {a(type)}",
        f"not {a(type)}?",
        f"`{name}` holds {a(type)}, such as `{form}`",
        severity=Severity.WARNING,
    )


def null_operator(span: Span, op: str, edits: tuple[Suggestion, ...]) -> Diagnostic:
    return Diagnostic(
        "null-operator",
        span,
        f"`{op}` does not compare with null",
        "null",
        "only `is null` and `is not null` do",
        edits,
    )


def null_in_list(span: Span, whole: Span, edit: str | None) -> Diagnostic:
    return Diagnostic(
        "null-in-list",
        span,
        "a list does not hold null: a null field is in no list",
        "null",
        "ask for null beside the list",
        () if edit is None else (Suggestion("ask for null beside the list", whole, edit),),
    )


def no_wildcard(span: Span, op: str, edits: tuple[Suggestion, ...]) -> Diagnostic:
    return Diagnostic(
        "no-wildcard",
        span,
        f"the pattern has no wildcard, so `{op}` compares the whole text",
        "no `%` in it",
        "`%` stands for any characters",
        edits,
        Severity.WARNING,
    )


def lone_backslash(span: Span) -> Diagnostic:
    return Diagnostic(
        "lone-backslash",
        span,
        "the pattern ends in a backslash that escapes nothing",
        "ends in `\\`",
        r"in a pattern `\` makes the next `%`, `_` or `\` literal; in quotes each is written twice: `\\`",
    )


def mixed_blanks(span: Span, text: str) -> Diagnostic:
    return Diagnostic(
        "unquoted-words",
        span,
        "a relative time with blanks in it stands on date-time fields only",
        "several words",
        "as a text it needs quotes",
        (Suggestion("quote it", span, quote(text)),),
    )


def range_literal(span: Span, whole: Span, name: str, low: str, high: str) -> Diagnostic:
    edit = (
        f"{name} between {bare(low)} and {bare(high)}"
        if low and high
        else f"{name} >= {bare(low)}"
        if low
        else f"{name} <= {bare(high)}"
    )
    return Diagnostic(
        "foreign-operator",
        span,
        "a range is written with `between`",
        "use `between`",
        suggestions=(Suggestion(f"use `{edit}`", whole, edit),),
    )


# Dates and times


def bare_day(span: Span, op: str, edits: tuple[Suggestion, ...]) -> Diagnostic:
    what = "ends at" if op == "between" else "compares with"
    return Diagnostic(
        "bare-day",
        span,
        f"`{op}` and a day without a time {what} that day's first instant",
        "midnight",
        "the rest of the day is left out" if op != "=" else "no other instant of the day is equal to it",
        edits,
        Severity.WARNING,
    )


def missing_local_time(span: Span, text: str, zone: str) -> Diagnostic:
    return Diagnostic(
        "missing-time",
        span,
        f"the time `{text}` does not exist in `{zone}`",
        "skipped by the clock",
        "clocks are set forward over it that day; write the offset, as in `+01:00`",
    )


def time_overflow(span: Span, text: str) -> Diagnostic:
    return Diagnostic(
        "time-overflow", span, f"`{shorten(text)}` is outside the calendar", "no such time", "years run from 1 to 9999"
    )


def bad_zone(name: object, close: Sequence[str] = ()) -> Diagnostic:
    return Diagnostic(
        "bad-zone",
        NOWHERE,
        f"there is no time zone `{shown(name, str)}`",
        help=f"the closest is `{close[0]}`" if close else "zones are named as in `UTC` or `Europe/Brussels`",
    )


def bad_now(value: object) -> Diagnostic:
    return Diagnostic(
        "bad-now",
        NOWHERE,
        f"`now` must be a time with its offset, not {shown(value)}",
        help="for example `2024-01-15T12:00:00Z`",
    )


# Variables


def unbound_variable(span: Span, name: str, close: Sequence[str]) -> Diagnostic:
    return Diagnostic(
        "unbound-variable",
        span,
        f"`${name}` has no value",
        "not bound",
        f"the closest is `${close[0]}`" if close else f"bind it: `variables={{'{name}': …}}`, or `--var {name}=…`",
        tuple(Suggestion(f"use `${other}`", span, f"${other}") for other in close),
    )


def list_variable(span: Span, name: str) -> Diagnostic:
    return Diagnostic(
        "bound-value", span, f"`${name}` holds a list, one value goes here", "a list", "a list goes with `in`"
    )


def bound_value(span: Span, name: str, value: object, field: str, type: str, help: str = "") -> Diagnostic:
    kind = type_name(value)
    return Diagnostic("bound-value", span, f"`${name}` holds {kind}, `{field}` holds {a(type)}", kind, help)


def bad_variables(value: object) -> Diagnostic:
    return Diagnostic("bad-argument", NOWHERE, f"`variables` must map names to values, not be {type_name(value)}")


def bad_argument(name: str, value: object, wanted: str) -> Diagnostic:
    return Diagnostic("bad-argument", NOWHERE, f"`{name}` must be {wanted}, not {shown(value)}")


def interpolation_format(name: str) -> Diagnostic:
    return Diagnostic(
        "bad-argument",
        NOWHERE,
        f"the interpolation `{shorten(name)}` has a conversion or a format",
        help="a value is bound as it is; format it before",
    )


# What the query means


def nulls_left_out(span: Span, whole: Span, written: str, name: str, op: str) -> Diagnostic:
    return Diagnostic(
        "nulls-left-out",
        span,
        f"records whose `{name}` is null are left out: `{op}` compares with what is there",
        "not the nulls",
        suggestions=(Suggestion("let them in", whole, f"({written} or {name} is null)"),),
        severity=Severity.HINT,
    )


def some_related(span: Span, whole: Span, relation: str, positive: str) -> Diagnostic:
    return Diagnostic(
        "some-related",
        span,
        f"true when some `{relation}` differs, not when all do",
        "one is enough",
        "`not` before the condition asks that there be none",
        (Suggestion(f"use `{positive}`", whole, positive),),
        Severity.HINT,
    )


def half_a_list(span: Span, word: str, whole: Span, listed: str) -> Diagnostic:
    return Diagnostic(
        "half-a-list",
        span,
        f"`{shorten(word)}` is no condition, and `or` joins whole conditions",
        "not a condition",
        "several values of one field are a list; a text to search for is written in quotes",
        (Suggestion(f"use `{shorten(listed)}`", whole, listed), Suggestion("search for it as text", span, quote(word))),
    )


def undocumented(span: Span, name: str, note: str) -> Diagnostic:
    return Diagnostic(
        "undocumented",
        span,
        f"the JSON filter's place for `{name}` is not documented",
        "not documented",
        note,
        severity=Severity.HINT,
    )


def contradiction(span: Span, empty_plan: bool = True) -> Diagnostic:
    return Diagnostic(
        "contradiction",
        span,
        "no record can satisfy this",
        "never true",
        "two of its conditions exclude each other, or the field cannot hold what is asked",
        severity=Severity.WARNING,
    )


def tautology(span: Span) -> Diagnostic:
    return Diagnostic(
        "tautology", span, "every record satisfies this", "always true", "it filters nothing", severity=Severity.WARNING
    )


# Targets


def assumed_value(name: str, param: str, value: str) -> Diagnostic:
    return Diagnostic(
        "assumed-value",
        NOWHERE,
        f"without the parameter `{param}` the API assumes `{name} = {value}`",
        help=f"the answer is narrower than the query; add `{name} = {value}` to say so, or use the JSON filter",
        severity=Severity.WARNING,
    )


def left_open(span: Span, whole: Span, name: str, open_field: str, param: str, assumed: str) -> Diagnostic:
    return Diagnostic(
        "left-open",
        span,
        f"`{name}` has a direct parameter only, and without `{param}` beside it the API assumes `{open_field} = {assumed}`",
        "narrower than the query",
        f'say which `{open_field}` is meant, or ask for `target="params"` and its narrower answer; one request cannot answer both',
        (Suggestion(f"add `{open_field} = {assumed}`", Span(whole.end, whole.end), f" and {open_field} = {assumed}"),),
    )


def long_url(length: int, limit: int) -> Diagnostic:
    return Diagnostic(
        "long-url",
        NOWHERE,
        f"the URL takes {length:,} bytes, and many servers refuse more than {limit:,}",
        help="split a long list or the query",
        severity=Severity.WARNING,
    )


_SEVERAL = "one request cannot say it; several can, or a test on the fetched records"


def or_refused(span: Span, names: Sequence[str]) -> Diagnostic:
    quoted = [f"`{name}`" for name in names]
    over = f"over {listing(quoted, 'and')}" if len(quoted) > 1 else f"of conditions on {quoted[0]}"
    message = f"one request cannot say an `or` {over}: all that it holds is true at once"
    return Diagnostic("or", span, message, "an `or`", "several requests can answer it, one for each alternative")


def negated_group(span: Span) -> Diagnostic:
    return Diagnostic(
        "negated-group", span, "the API cannot ask that no related record matches", "a negated group", _SEVERAL
    )


def not_like(span: Span, name: str, op: str) -> Diagnostic:
    message = f"the API has no negated pattern, and `{name} {op} …` asks for one"
    return Diagnostic("not-like", span, message, "a negated pattern", _SEVERAL)


def list_refused(span: Span, name: str, op: str) -> Diagnostic:
    message = f"the JSON filter has no lists, and `{name} {op} (…)` is not one value or all but one"
    return Diagnostic(op.replace(" ", "-") + "-list", span, message, "a list", _SEVERAL)


def operator_twice(span: Span, name: str, spelt: str) -> Diagnostic:
    message = f"the JSON filter holds `{spelt}` once for a field, and `{name}` has it twice"
    return Diagnostic("operator-twice", span, message, "the second one", _SEVERAL)


def parameter_twice(span: Span, param: str) -> Diagnostic:
    message = f"the parameter `{param}` is sent once, and the query has two conditions for it"
    return Diagnostic("parameter-twice", span, message, "the second one", _SEVERAL)


def parameter_only(span: Span, name: str) -> Diagnostic:
    return Diagnostic(
        "parameter-only",
        span,
        f"`{name}` has a direct parameter but no place in the JSON filter, which the rest of the query needs",
        "no place in the JSON filter",
        "a direct parameter says `=` alone, and is not sent beside a JSON filter",
    )


def no_parameter(span: Span, name: str, op: str, inexact: str) -> Diagnostic:
    message = (
        f"the parameter `{inexact}` does not say this value exactly"
        if inexact
        else f"no direct parameter says `{name} {op}`"
    )
    return Diagnostic("no-parameter", span, message, "not a direct parameter", "the JSON filter may say it")


def no_target(span: Span, name: str) -> Diagnostic:
    message = f"the API filters by `{name}` in no way"
    return Diagnostic("no-target", span, message, "cannot be asked for", "it can be tested on fetched records only")


def no_always(span: Span) -> Diagnostic:
    return Diagnostic("no-target", span, "nothing the API can be asked is true of every record", "cannot be asked for")


def no_operator(span: Span, op: str) -> Diagnostic:
    return Diagnostic("no-operator", span, f"the API has no operator `{op}`", "not in the API")


# Records


def misshapen_record(name: str, found: object, wanted: str) -> Diagnostic:
    return Diagnostic(
        "misshapen-record", NOWHERE, f"`{shorten(name)}` of a record holds {type_name(found)}, not {wanted}"
    )


def uncarried_field(span: Span, name: str) -> Diagnostic:
    return Diagnostic(
        "uncarried-field",
        span,
        f"response records do not carry `{name}`, so it cannot be tested on them",
        "not in a response",
        "only the API can answer this condition",
    )


def missing_extra(extra: str, packages: Sequence[str]) -> Diagnostic:
    missing = listing([f"`{name}`" for name in packages], "and")
    help = f"pip install 'pqlang[{extra}]'"
    return Diagnostic("missing-extra", NOWHERE, f"this needs {missing}, not installed here", help=help)


def bad_database(message: str, help: str) -> Diagnostic:
    return Diagnostic("bad-database", NOWHERE, message, help=help)


def bad_port(port: int, where: str, reason: str) -> Diagnostic:
    message = f"nothing can listen on port {port}{where}: {reason}"
    return Diagnostic("bad-port", NOWHERE, message, help="give another `--port`; 0 takes any")


def bad_tables(problem: str) -> Diagnostic:
    help = (
        "`tables` is a table, or a mapping: the endpoint's name to its table, a relation to a table and the condition"
        " that joins it, a field to a column"
    )
    return Diagnostic("bad-argument", NOWHERE, problem, help=help)


def no_column(span: Span, name: str, relation: str | None, no_table: bool) -> Diagnostic:
    if no_table:
        help = f'give the table of `{relation}` and the condition that joins it: `{{"{relation}": (table, join)}}`'
    else:
        help = f'say which it is: `{{"{name}": table.c.…}}`'
    return Diagnostic("no-column", span, f"`tables` has no column for `{name}`", "no column", help)


def column_type(span: Span, name: str, kind: str, column: str, held: str) -> Diagnostic:
    return Diagnostic(
        "column-type",
        span,
        f"`{name}` is {kind}, and its column `{shorten(column)}` is of type {held}",
        "a column of another type",
        "give another column, or an expression that converts this one",
    )


# Plans


def too_many_requests(span: Span, count: int, limit: int, counted: bool = True) -> Diagnostic:
    return Diagnostic(
        "too-many-requests",
        span,
        f"the query takes {'' if counted else 'up to '}{count_of(count)} requests, the limit is {limit}",
        "too many alternatives",
        "raise `max_requests`, or split the query",
    )


def cost_of_broader(problem: Diagnostic, count: int) -> Diagnostic:
    """With how many requests there would be, if they may fetch more than is asked."""
    return replace(problem, help=f"with `broaden` it takes {count_of(count)} and tests the records; or {problem.help}")


def cost_of_disjoint(problem: Diagnostic, count: int) -> Diagnostic:
    """With how many requests there would be, if they may share records."""
    return replace(problem, help=f"without `disjoint` it takes {count_of(count)}; {problem.help}")


def uncarried_residual(span: Span, condition: str, name: str) -> Diagnostic:
    return Diagnostic(
        "uncarried-residual",
        span,
        f"`{shorten(condition)}` would have to be tested on response records, which do not carry `{name}`",
        "cannot be tested",
        "no request can say it together with the rest of the query",
    )


def nothing_to_ask(span: Span, endpoint: str) -> Diagnostic:
    return Diagnostic(
        "no-target",
        span,
        f"no request to `{endpoint}` fetches all the records that this needs",
        "cannot be asked for",
    )


def plan_cost(count: int, tested: bool) -> str:
    """What a plan costs."""
    requests = "no request" if not count else "1 request" if count == 1 else f"{count_of(count)} requests"
    return f"`plan` answers it with {requests}" + (" and a test on the fetched records" if tested else "")


def no_plan(message: str) -> str:
    return f"`plan` does not answer it either: {message}"


def count_of(number: int) -> str:
    """A number of requests, as long as it says something."""
    return f"{number:,}" if number < 1_000_000 else "more than a million"


# Requests read back


def too_long_request(length: int, limit: int) -> Diagnostic:
    return Diagnostic(
        "too-long",
        NOWHERE,
        f"the request has {length:,} characters or more, the limit is {limit:,}",
        help="the limit is twelve times `limits.length`, for a character takes up to twelve in a URL; split the request, or raise it",
    )


def too_long_text(length: int, limit: int) -> Diagnostic:
    return Diagnostic(
        "too-long",
        NOWHERE,
        f"the query of this request would have {length:,} characters, the limit is {limit:,}",
        help="split the request, or raise `limits.length`",
    )


def too_deep_json(span: Span, limit: int) -> Diagnostic:
    return Diagnostic(
        "too-deep",
        span,
        f"objects and lists are nested deeper than the limit of {limit}",
        "one level too many",
        "a filter has five levels",
    )


def bad_percent(span: Span) -> Diagnostic:
    return Diagnostic(
        "bad-encoding",
        span,
        "two hexadecimal digits are missing after `%`",
        "not an escape",
        "in a URL `%` starts an escape; a `%` itself is written `%25`",
        (Suggestion("use `%25`", span, "%25"),),
    )


def raw_character(span: Span, char: str) -> Diagnostic:
    encoded = "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "replace"))
    return Diagnostic(
        "bad-encoding",
        span,
        f"a URL does not hold {'a blank' if char.isspace() else f'`{char}`'} as it is",
        "not part of a URL",
        "what is around the URL is to be left out; a character of the value itself is percent-encoded",
        (Suggestion(f"use `{encoded}`", span, encoded),),
        Severity.WARNING if char.isspace() else Severity.ERROR,  # people write blanks, and what they mean is plain
    )


def bad_utf8(span: Span, escapes: str) -> Diagnostic:
    return Diagnostic(
        "bad-encoding",
        span,
        f"`{shorten(escapes)}` is no character of UTF-8",
        "no character",
        "a URL is encoded in UTF-8",
    )


def bad_json(span: Span, wanted: str, found: str) -> Diagnostic:
    help = {
        "": "the text ends too early",
        '"': "the text it opens is not closed, or holds a line end, a control character or an unknown escape",
        "'": "JSON has double quotes alone",
        "NaN": "JSON has no such number",
        "True": "in JSON it is written `true`",
        "False": "in JSON it is written `false`",
        "None": "in JSON it is written `null`",
    }.get(found, "JSON puts keys and texts in double quotes" if found[:1].isalpha() or found[:1] == "$" else "")
    what = f"found `{shorten(found)}`" if found else "found the end"
    return Diagnostic("bad-json", span, f"this is not JSON: expected {wanted}, {what}", "not expected here", help)


def repeated_key(span: Span, key: str) -> Diagnostic:
    return Diagnostic(
        "bad-json",
        span,
        f"the key `{shorten(key)}` stands twice in one object",
        "the second one",
        "which of the two counts is not defined",
    )


def foreign_value(span: Span, value: object) -> Diagnostic:
    return Diagnostic(
        "bad-json",
        span,
        f"JSON has no value for {type_name(value)}",
        "not JSON",
        "a filter is made of dict, str, int, float, bool and None; a date is its ISO text",
    )


def no_parameter_text(span: Span, name: str, kind: str, edit: str) -> Diagnostic:
    return Diagnostic(
        "wrong-value",
        span,
        f"the parameter `{shorten(name)}` holds {kind}, and parameters are texts or lists of texts",
        kind,
        suggestions=(Suggestion(f"use `{edit}`", span, edit),) if edit else (),
    )


def no_endpoint(span: Span, known: Sequence[str]) -> Diagnostic:
    names = listing([f"`{each}`" for each in known], "or")
    return Diagnostic(
        "no-endpoint",
        span,
        "nothing says which endpoint this is asked of",
        "no endpoint",
        f"a URL names it by its path; beside anything else, name it (`endpoint=`, `--endpoint`): {names}"
        if known
        else "none is to be asked",
    )


def unknown_path(span: Span, path: str, known: Sequence[str]) -> Diagnostic:
    ends = listing([f"`{each}`" for each in known], "or")
    return Diagnostic(
        "unknown-endpoint",
        span,
        f"the path `{shorten(path)}` leads to no endpoint that is asked for",
        "not an endpoint",
        f"it would end in {ends}" if known else "none is to be asked",
    )


def unknown_parameter(span: Span, name: str, endpoint: str, edits: tuple[Suggestion, ...]) -> Diagnostic:
    return Diagnostic(
        "unknown-parameter",
        span,
        f"`{endpoint}` has no parameter `{shorten(name)}`",
        "unknown parameter",
        "" if edits else "`pql schema` lists what has a direct parameter",
        edits,
    )


def ignored_parameter(span: Span, name: str, filter: str) -> Diagnostic:
    return Diagnostic(
        "ignored-parameter",
        span,
        f"beside `{filter}` the API ignores `{name}`",
        "ignored",
        "the query says what the API answers: without this condition",
        severity=Severity.WARNING,
    )


def repeated_parameter(span: Span, name: str) -> Diagnostic:
    return Diagnostic(
        "repeated-parameter",
        span,
        f"the parameter `{name}` takes one value, and another is given",
        "the second one",
        "which of the two counts is not defined",
    )


def list_spelling(span: Span, name: str, many: str) -> Diagnostic:
    return Diagnostic(
        "repeated-parameter",
        span,
        f"a list is spelt `{many}`, and `{name}` is given more than once",
        "read as a list",
        "the API may take one of the values alone",
        severity=Severity.WARNING,
    )


def empty_parameter(span: Span, name: str) -> Diagnostic:
    return Diagnostic(
        "unclear-parameter",
        span,
        f"the parameter `{name}` has no value",
        "no value",
        "the API may read it as an empty text, or as if it were not there; take it out, or use the JSON filter",
    )


def refused_parameter(span: Span, name: str, refused: str) -> Diagnostic:
    return Diagnostic(
        "unclear-parameter",
        span,
        f"what `{refused}` means in the parameter `{name}` is not known",
        "not literal?",
        "it may be a wildcard there; the JSON filter can say either",
    )


def dropped_page(span: Span, name: str) -> Diagnostic:
    return Diagnostic(
        "dropped-part",
        span,
        f"a query has no pages: `{name}` is left out",
        "left out",
        "the query means all pages",
        severity=Severity.WARNING,
    )


def dropped_fragment(span: Span) -> Diagnostic:
    return Diagnostic(
        "dropped-part",
        span,
        "what follows `#` in a URL is not sent",
        "left out",
        "in a value it is written `%23`",
        severity=Severity.WARNING,
    )


def empty_filter(span: Span, key: str = "") -> Diagnostic:
    what = f"`{shorten(key)}` asks for nothing" if key else "the filter asks for nothing"
    return Diagnostic("bad-filter", span, what, "empty", "what the API makes of it is not known; take it out")


def filter_shape(span: Span, key: str, wanted: str, kind: str, edits: tuple[Suggestion, ...] = ()) -> Diagnostic:
    subject = f"`{shorten(key)}`" if key else "a filter"
    return Diagnostic("bad-filter", span, f"{subject} holds {wanted}, not {kind}", kind, suggestions=edits)


def unknown_key(span: Span, key: str, known: Sequence[str], edits: tuple[Suggestion, ...]) -> Diagnostic:
    places = listing([f"`{each}`" for each in known], "and")
    return Diagnostic(
        "bad-filter",
        span,
        f"`{shorten(key)}` is no part of a filter here",
        "unknown key",
        f"what can stand here is {places}",
        edits,
    )


def list_in_filter(span: Span, key: str) -> Diagnostic:
    return Diagnostic(
        "bad-filter", span, f"`{shorten(key)}` takes one value, not a list", "one value", "the JSON filter has no lists"
    )


def unknown_relation(span: Span, name: str, endpoint: str, edits: tuple[Suggestion, ...]) -> Diagnostic:
    return Diagnostic(
        "unknown-relation",
        span,
        f"the filter of `{endpoint}` has no relation `{shorten(name)}`",
        "unknown relation",
        suggestions=edits,
    )


def unknown_place(span: Span, name: str, endpoint: str, help: str, edits: tuple[Suggestion, ...]) -> Diagnostic:
    return Diagnostic(
        "unknown-field",
        span,
        f"the JSON filter of `{endpoint}` has no field `{shorten(name)}` here",
        "unknown field",
        help,
        edits,
    )


def unknown_operator(span: Span, op: str, known: Sequence[str], edits: tuple[Suggestion, ...]) -> Diagnostic:
    return Diagnostic(
        "no-operator",
        span,
        f"the API has no operator `{shorten(op)}`",
        "unknown operator",
        f"its operators are {listing([f'`{k}`' for k in known], 'and')}",
        edits,
    )


def null_in_filter(span: Span, op: str, known: Sequence[str]) -> Diagnostic:
    return Diagnostic(
        "null-operator",
        span,
        f"`{op}` does not compare with null",
        "null",
        f"only {listing([f'`{k}`' for k in known], 'and')} do" if known else "",
    )


# The REPL and the command line


def usage(message: str) -> Diagnostic:
    return Diagnostic("usage", NOWHERE, message)


def unknown_command(span: Span, name: str, close: Sequence[str]) -> Diagnostic:
    help = f"the closest is `{close[0]}`" if close else "`.help` lists the commands"
    return Diagnostic(
        "unknown-command", span, f"there is no command `{shorten(name)}`", help=help, suggestions=_use(span, close)
    )


def bad_command(span: Span, command: str, given: str, wanted: str, close: Sequence[str] = ()) -> Diagnostic:
    message = f"`{command}` takes {wanted}, not `{shorten(given)}`" if given else f"`{command}` needs {wanted}"
    help = f"the closest is `{close[0]}`" if close else f"`.help {command.removeprefix('.')}` says more"
    return Diagnostic("bad-command", span, message, help=help, suggestions=_use(span, close))


def no_query(span: Span, command: str) -> Diagnostic:
    return Diagnostic(
        "no-query", span, f"there is no query yet for `{command}`", help=f"type one, or `{command} QUERY`"
    )


def no_edit(span: Span, number: int, count: int, lapsed: str | None = None) -> Diagnostic:
    if not count and lapsed is not None:
        return Diagnostic(
            "no-edit",
            span,
            "no edit is offered for the last query",
            help=f"those for `{shorten(lapsed)}` went with it: type or recall that line to have them again",
        )
    if not count:
        return Diagnostic(
            "no-edit", span, "no edit is offered", help="`.fix` applies one of those that a message offers"
        )
    offered = "only one edit is" if count == 1 else f"{count} edits are"
    return Diagnostic("no-edit", span, f"there is no edit {number:,}: {offered} offered")


def not_saved(span: Span, file: str, why: str, help: str = "") -> Diagnostic:
    return Diagnostic("not-saved", span, f"`{shorten(file)}` is not written: {why}", help=help)


# Remote sides

#: Codes of what is no mistake of the query's or the call's: the remote side refused, failed or answered badly.
REMOTE = frozenset({"remote-refused", "remote-failed", "remote-answer", "moved-records", "out-of-order"})


def no_token(variable: str) -> Diagnostic:
    return Diagnostic(
        "no-token",
        NOWHERE,
        "there is no token to show to the API",
        help=f"put it in the environment variable `{variable}`; in Python it may be the argument `token`"
        if variable
        else "give it as the argument `token`",
    )


def bad_token() -> Diagnostic:
    return Diagnostic(
        "bad-token",
        NOWHERE,
        "the token has a blank or another character that no header can carry",
        help="a token is one word of plain letters, digits and signs: look for quotes, blanks and line ends around it",
    )


def bad_address(address: str, why: str) -> Diagnostic:
    return Diagnostic(
        "bad-address", NOWHERE, f"`{shorten(address)}` {why}", help="give an address as `https://api.example.com/v1`"
    )


def bad_environment(what: str) -> Diagnostic:
    return Diagnostic(
        "bad-address",
        NOWHERE,
        f"no connection can be made ready: {what}",
        help="look at the environment variables for proxies and certificates: `HTTPS_PROXY`, `ALL_PROXY`, `SSL_CERT_FILE`",
    )


def unsendable(span: Span, what: str) -> Diagnostic:
    return Diagnostic(
        "bad-address",
        span,
        f"the request cannot be sent: {what}",
        "asked",
        "a shorter query, or a list split over several queries, fits into a URL",
    )


def open_address(host: str) -> Diagnostic:
    return Diagnostic(
        "bad-address",
        NOWHERE,
        f"the token would travel to `{shorten(host)}` for anyone on the way to read: the address has no `https`",
        help="use `https://`; plain `http://` is for this machine alone (`localhost`, `127.0.0.1`)",
    )


def other_api(name: str, first: str) -> Diagnostic:
    return Diagnostic(
        "bad-argument",
        NOWHERE,
        f"the client speaks to the API `{first}`, and the endpoint is one of `{name}`",
        help="make a client for each API, so that no token goes astray",
    )


def closed_client() -> Diagnostic:
    return Diagnostic("closed-client", NOWHERE, "the client is closed", help="make another, or read inside its `with`")


def forked_client() -> Diagnostic:
    return Diagnostic(
        "closed-client",
        NOWHERE,
        "the client was made in another process",
        help="make one in each process, after the fork",
    )


def cut_off() -> Diagnostic:
    return Diagnostic(
        "closed-client",
        NOWHERE,
        "the reading was broken off before its end",
        help="records are missing: fetch again from the start",
    )


def remote_refused(span: Span, status: int, words: str, url: str, variable: str) -> Diagnostic:
    said = f": {words}" if words else ""
    advice = f"the request was GET {shorten(url, 200)}"
    if status == 401:
        advice = (
            f"look at the token: `{variable}`, or the argument `token`"
            if variable
            else "look at the token: the argument `token`; for the command, `token_variable` in the schema's `[api]` names "
            "the environment variable that holds it"
        )
    return Diagnostic(
        "remote-refused", span, f"the API refused the request with status {status}{said}", "asked", advice
    )


def remote_failed(span: Span, what: str, attempts: int) -> Diagnostic:
    tried = f"{attempts} attempts" if attempts > 1 else "1 attempt"
    return Diagnostic("remote-failed", span, f"the API did not answer: {what}, after {tried}", "asked")


def remote_answer(span: Span, what: str, url: str) -> Diagnostic:
    return Diagnostic(
        "remote-answer",
        span,
        f"the API's answer makes no sense: {what}",
        "asked",
        f"the request was GET {shorten(url, 200)}" if url else "",
    )


def moved_total(before: int, after: int) -> Diagnostic:
    return _moved(f"there were {before:,} of them, then {after:,}")


def moved_record(id: str) -> Diagnostic:
    return _moved(f"`{shorten(id)}` came twice")


def _moved(what: str) -> Diagnostic:
    return Diagnostic(
        "moved-records",
        NOWHERE,
        f"the records changed while they were read: {what}",
        help="none is given twice, but some may be missing: fetch again for an exact answer",
        severity=Severity.WARNING,
    )


def out_of_order(order: str) -> Diagnostic:
    return Diagnostic(
        "out-of-order",
        NOWHERE,
        f"the API did not answer in the order of `{shorten(order)}`, by which several requests are merged",
        help="the records are all there, in another order",
        severity=Severity.WARNING,
    )


def sorted_here(span: Span, field: str, requests: int, strict: bool) -> Diagnostic:
    message = f"the order of `{field}` among {requests} requests is not known: how the API sorts text is not documented"
    if strict:
        return Diagnostic("sorted-here", span, message, help="leave out `strict`, or sort by a time or a number")
    return Diagnostic(
        "sorted-here",
        span,
        message,
        help="all records are fetched first and sorted by code points; by a time or a number they need not be",
        severity=Severity.WARNING,
    )


def unmergeable(span: Span, field: str, requests: int) -> Diagnostic:
    return Diagnostic(
        "unmergeable-order",
        span,
        f"the answers to {requests} requests cannot be merged by `{field}`: responses do not carry it",
        help="sort by another field, or not at all",
    )


def ungroupable(by: str, endpoint: str, known: Sequence[str]) -> Diagnostic:
    named = f"it counts by {listing([f'`{each}`' for each in known], 'and')}; " if known else ""
    return Diagnostic(
        "no-grouping",
        NOWHERE,
        f"`{endpoint}` cannot be counted by `{shorten(by)}`",
        help=f"{named}fields that responses carry are counted here",
    )


# Words for messages


def listing(items: Sequence[str], word: str) -> str:
    """`a, b or c`; the middle of a long list is left out, and `none` is all there is of an empty one."""
    if not items:
        return "none"
    shown = [*items[:11], f"{len(items) - 11} more"] if len(items) > 12 else list(items)
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {word} {shown[-1]}"


def a(type: str) -> str:
    """The type with its article: `an enum value`."""
    named = {"enum": "one of its values", "open enum": "a text", "string": "a text", "datetime": "a date-time"}
    return named.get(type) or f"{'an' if type[0] in 'aeio' else 'a'} {type}"


def shorten(text: str, most: int = 60) -> str:
    """The text, its middle left out where it is long."""
    return text if len(text) <= most else f"{text[: most - 20]}…{text[-19:]}"


def shown(value: object, show: Callable[[object], str] = repr) -> str:
    """A wrong argument in a message, whatever it is."""
    try:
        return shorten(show(value))
    except Exception:  # its own code runs, and may fail as it likes
        return type_name(value)


def type_name(value: object) -> str:
    """A bound value's type in words."""
    names = {str: "a text", bool: "a boolean", int: "a number", float: "a number", type(None): "null", list: "a list"}
    return names.get(type(value)) or f"a value of type `{type(value).__name__}`"
