"""What people type instead of the language, and what to say about it: the reading of syntax errors.

The parser knows where reading stopped and what could have stood there; this module knows hands: other languages'
operators, curly quotes, forgotten quotes and connectives.
"""

from __future__ import annotations

import re
from typing import Any

from pqlang import diagnostics as say
from pqlang.ast import Compare, Expr, Flag, Hole, Literal, Not, Op, Text
from pqlang.diagnostics import Diagnostic
from pqlang.source import Span
from pqlang.valueclass import frozen


@frozen
class Where:
    """The place where reading stopped, and what was known there."""

    text: str
    start: int  # of what could not be read
    end: int
    after: int  # end of the last thing read
    expected: frozenset[str]  # kinds of token that could have stood here
    last: str  # text of the last token read, empty at the start
    opened: list[Any]  # tokens of the parentheses still open

    @property
    def rest(self) -> str:
        """The text from where reading stopped."""
        return self.text[self.start :]

    @property
    def wants_value(self) -> bool:
        """Whether a value had to stand here."""
        return "WORD" in self.expected

    @property
    def wants_condition(self) -> bool:
        """Whether a condition had to stand here; after a complete one, another may but need not."""
        return "FIELD" in self.expected and "AND" not in self.expected and self.last[:5].lower() != "order"


CURLY = {"“": '"', "”": '"', "„": '"', "‟": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'", "‛": "'"}
# Patterns are texts here: `re` compiles one when it is first wanted, and most queries have no mistake.
ODD_BLANK = "[\x0b\x0c\x1c-\x1f\x85\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u3000\ufeff]"
INVISIBLE = "[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2060-\u206f\ud800-\udfff]"
#: By its opening quote, a text up to what stands in it and may stand in none: NUL, half a surrogate pair.
UNSPELLABLE = {
    mark: rf"{mark}(?:[^{mark}\\\0\ud800-\udfff]|\\[^\0\ud800-\udfff])*\\?([\0\ud800-\udfff])" for mark in "\"'"
}
DOUBLE_OPERATORS = {
    "=>": ">=",
    "=<": "<=",
    "=>=": ">=",
    "=<=": "<=",
    "===": "=",
    "!==": "!=",
    "=!": "!=",
    "=!=": "!=",
    "=~": "~",
    "~=": "~",
    "==~": "~",
    "=~*": "~*",
    "<>=": "!=",
    ">>": ">",
    "<<": "<",
    ">==": ">=",
    "<==": "<=",
    ":=": "=",
    "!:": "!=",
    "!": "!=",
    ":>": ">",
    ":<": "<",
    ":>=": ">=",
    ":<=": "<=",
    ":~": "~",
    "><": "!=",
}
_OPERATORS = frozenset(Op)
FOREIGN_WORDS = {
    "eq": "=",
    "equals": "=",
    "equal": "=",
    "equalto": "=",
    "ne": "!=",
    "neq": "!=",
    "isnt": "!=",
    "gt": ">",
    "gte": ">=",
    "ge": ">=",
    "lt": "<",
    "lte": "<=",
    "le": "<=",
    "matches": "~",
    "match": "~",
    "rlike": "~",
    "regexp": "~",
    "startswith": "starts with",
    "begins": "starts with",
    "beginswith": "starts with",
    "endswith": "ends with",
    "includes": "contains",
    "include": "contains",
    "has": "contains",
    "contain": "contains",
    "icontains": "contains",
    "before": "<",
    "after": ">",
    "since": ">=",
    "until": "<=",
}
AFTER_IS = {"in", "between", "like", "ilike", "contains", "on"}  # operators of which people say `is in`, `is not in`
FOREIGN_NULLS = {"empty", "none", "nil", "undefined", "missing", "blank", "unset", "nul"}
OPERATOR_KINDS = frozenset({"OP", "IN", "MATCH", "BETWEEN", "IS", "ON"})
CALENDAR = (
    r"(?i:(?:last|past|previous|prev)[ \t\r\n\xa0]+(?:([0-9]+)[ \t\r\n\xa0]*)?"
    r"(seconds?|secs?|s|minutes?|mins?|hours?|h|days?|d|weeks?|w|months?|mo|years?|y)(?![a-z]))"
)
UNITS = {"s": "s", "mi": "min", "h": "h", "d": "d", "w": "w", "mo": "mo", "y": "y"}  # by how the word begins


def explain(where: Where) -> Diagnostic:
    """The message for a place where reading stopped: the most telling thing that is true of it."""
    for reader in (_character, _operator_sign, _end, _kept_word, _after_is, _bracket):
        if problem := reader(where):
            return problem
    return _expected(where)


def _character(where: Where) -> Diagnostic | None:
    """A sign that may stand nowhere outside quotes, or only in pairs."""
    rest = where.rest
    char = rest[:1]
    span = Span(where.start, where.start + 1)
    if re.match(ODD_BLANK, char):
        return say.odd_blank(span, char)
    if re.match(INVISIBLE, char):
        return say.bad_character(span, char)
    if char in CURLY:
        ends = (at for at, other in enumerate(rest[1:], 1) if CURLY.get(other) == CURLY[char])
        closing = next((at for at in ends if not rest[at + 1 : at + 2].isalnum()), None)  # ’ in it’s closes nothing
        quoted = None if closing is None else rest[1:closing]
        end = where.start + (1 if closing is None else closing + 1)
        return say.curly_quotes(Span(where.start, end), quoted, CURLY[char])
    if char and char in "\"'" and where.end - where.start <= 1:
        if inside := re.match(UNSPELLABLE[char], rest):  # no text can hold it, quoted or not
            return say.bad_character(Span(where.start + inside.start(1), where.start + inside.end()), inside[1])
        return say.unclosed_quote(span, char, len(where.text.rstrip()))
    if char == "`":
        return say.unclosed_backtick(span, None if "`" in rest[1:] else len(where.text.rstrip()))
    if char == "$":
        name = re.match(r"\$[^\s()\[\],\"'=<>!~]*", rest)
        if where.wants_condition and re.fullmatch(r"\$[A-Za-z_][A-Za-z0-9_]*", name[0]):  # type: ignore[index]
            return say.variable_first(Span(where.start, where.start + len(name[0])), name[0])  # type: ignore[index]
        return say.bad_variable(Span(where.start, where.start + len(name[0])), name[0])  # type: ignore[index]
    return None


def _operator_sign(where: Where) -> Diagnostic | None:
    """`&&`, `||`, `!x`, `=>` and other languages' signs."""
    rest = where.rest
    if (sign := re.match(r"&&?|\|\|?", rest)) and not where.wants_value:
        word = "and" if sign[0][0] == "&" else "or"
        return say.foreign_connective(Span(where.start, where.start + len(sign[0])), sign[0], word)
    if rest[:1] == "!" and "NOT" in where.expected and not re.match(r"![ \t\r\n\xa0]*[=~]", rest):
        before = where.text[where.start - 1 : where.start]
        if not before or before.isspace() or before in "(!":
            return say.bang_for_not(Span(where.start, where.start + 1), rest[1:2] in " \t\r\n\xa0")
        return say.unexpected(Span(where.start, where.start + 1), "!", where.last, expectations(where.expected))
    if where.last.lower() == "not" and (sign := re.match(r"==?|~\*?", rest)):
        span = Span(where.after - len("not"), where.start + len(sign[0]))
        return say.foreign_operator(span, span.of(where.text), "!" + sign[0].replace("==", "="))
    if rest[:1] and rest[:1] in "=<>!~:" and (where.wants_value or OPERATOR_KINDS & where.expected):
        read = where.text[: where.after]
        before = read[len(read.rstrip("=<>!~:*")) :] if where.wants_value else ""
        after = re.match(r"![ \t\r\n\xa0]+[=~]\*?|[=<>!~:*]+", rest)[0]  # type: ignore[index]
        if where.after < where.start and before:
            before += where.text[where.after : where.start]
        span = Span(where.start - len(before), where.start + len(after))
        joined = "".join(span.of(where.text).split())
        meant = joined if joined in _OPERATORS else DOUBLE_OPERATORS.get(joined)
        return say.double_operator(span, span.of(where.text), meant)
    return None


def _end(where: Where) -> Diagnostic | None:
    """The text ends too early."""
    if where.rest or not where.text:
        return None
    at = Span(where.start, where.start)
    if where.wants_value and "RPAR" not in where.expected:
        return say.missing_value(at, where.last)
    if where.wants_condition:
        return say.missing_condition(at, where.last)
    if where.opened and "RPAR" in where.expected:
        opening = where.opened[-1]
        return say.unclosed_parenthesis(Span(opening[0], opening[1]), where.start)
    return None


def _kept_word(where: Where) -> Diagnostic | None:
    """`and`, `or`, `not` where a value or a condition had to stand."""
    word = re.match(r"(?i:and|or|not)\b", where.rest)
    if not word:
        return None
    span = Span(where.start, where.start + len(word[0]))
    if where.wants_value:
        return say.missing_value(span, where.last, kept=word[0], alone=not where.text[span.end :].strip())
    if where.wants_condition:
        return say.missing_condition(span, where.last, kept=word[0])
    return None


def _after_is(where: Where) -> Diagnostic | None:
    """`is empty`, `is true`, `is draft`: all that people say with *is*."""
    if "NULL" not in where.expected:
        return None
    word = re.match(r"[^\s()\[\],\"'=<>!~]+|\"[^\"]*\"|'[^']*'", where.rest)
    if not word:
        return None
    negated = where.last.lower() == "not"
    start = max(where.text.rfind(spelt, 0, where.after) for spelt in ("is", "IS", "Is", "iS"))
    span = Span(where.start, where.start + len(word[0]))
    if word[0].lower() in AFTER_IS:
        operator = Span(start, span.end)
        return say.foreign_operator(operator, operator.of(where.text), f"{'not ' if negated else ''}{word[0].lower()}")
    if word[0].lower() in FOREIGN_NULLS:
        return say.is_empty(span, word[0])
    return say.is_value(Span(start, span.end), word[0], negated)


def _bracket(where: Where) -> Diagnostic | None:
    """Brackets and commas that do not fit."""
    char = where.rest[:1]
    span = Span(where.start, where.start + 1)
    if char == "[":
        inner = re.match(r"\[([^\[\]]*)\]", where.rest)
        if "LPAR" in where.expected and "FIELD" not in where.expected:
            return say.square_list(
                Span(where.start, where.start + len(inner[0])) if inner else span, inner and inner[1]
            )
        return say.unclosed_bracket(span, where.last)
    if char == ")" and not where.opened:
        return say.unmatched_parenthesis(span)
    if char == ")" and where.last == "(":
        return say.empty_parentheses(Span(where.after - 1, where.start + 1), is_list=where.wants_value)
    if char == "," and where.last and "AND" in where.expected:
        return say.comma_for_and(span, " and" if where.rest[1:2].isspace() else " and ")
    if where.opened and where.expected <= {"COMMA", "RPAR"} and char not in ("", ","):
        return say.missing_comma(Span(where.after, where.start))
    if "DESC" in where.expected:
        return say.after_order(_here(where), where.rest[: max(1, where.end - where.start)])
    if "FIELD" in where.expected and where.last[:5].lower() == "order":
        return say.order_field(_here(where), where.rest)
    return None


def _here(where: Where) -> Span:
    """What could not be read, one character at least where the text has one."""
    return Span(where.start, max(where.end, min(where.start + 1, len(where.text))))


def _expected(where: Where) -> Diagnostic:
    """Nothing better is known than what could have stood here."""
    found = where.text[where.start : where.end] or where.rest[:1]
    return say.unexpected(Span(where.start, where.start + len(found)), found, where.last, expectations(where.expected))


def expectations(kinds: frozenset[str]) -> list[str]:
    """What may stand at a place, in words: `an operator`, `and`, `a value` …, the likeliest first."""
    if "DESC" in kinds:
        return ["`asc`", "`desc`", "the end"]
    words = []
    if "AND" in kinds:
        words += ["`and`"] + (["`or`"] if "OR" in kinds else [])
    elif "FIELD" in kinds:
        words += ["a condition"] if "NOT" in kinds else ["a field"]
    if kinds & OPERATOR_KINDS:
        words.insert(0, "an operator")
    elif "IN" in kinds:
        words += ["`in`"]
    if "WORD" in kinds:
        words += ["a value"]
    elif "LPAR" in kinds and "FIELD" not in kinds:
        words += ["a list in parentheses"]
    for kind, word in (("COMMA", "`,`"), ("RPAR", "`)`"), ("NULL", "`null`"), ("WITH", "`with`")):
        if kind in kinds:
            words.append(word)
    return words or ["the end"]


def is_connective(problem: Diagnostic) -> bool:
    """Whether the mistake is a sign in the place of `and`, `or` or `not`, so that a condition follows it."""
    return any(edit.replacement.strip() in ("and", "or", "not") for edit in problem.suggestions)


def explain_juxtaposition(
    text: str, left: Expr, right: Expr, problems: list[Diagnostic]
) -> tuple[Diagnostic, Expr | None]:
    """Two conditions with only a blank between them: what was most likely meant, and what to read in their place.

    Where only the connective is missing, both stand (None). A value of several words takes in one word at a time: the
    message about the words before, the last of `problems`, is taken back for the one about all of them.
    """
    both = Span(left.span.start, right.span.end)
    gap = Span(left.span.end, right.span.start)
    if isinstance(right, Flag):
        word = right.span.of(text)
        if sign := re.match(r"(?:&&?|\|\|?)", word):
            return say.foreign_connective(right.span, sign[0], "and" if sign[0][0] == "&" else "or"), Hole(span=both)
        if isinstance(left, Flag):
            if spelt := FOREIGN_WORDS.get(word.lower()):
                return say.foreign_operator(right.span, word, spelt), Hole(span=both)
            if glued := re.fullmatch(r"(?i:(i?like|contains|in|between|on))([%_*].*)", word):
                return say.glued_operator(right.span, glued[1], glued[2]), Hole(span=both)
        if isinstance(left, Compare) and isinstance(left.value, Literal) and text[left.value.span.end - 1] not in "\"'":
            value = left.value.span
            if phrase := re.compile(CALENDAR).match(text, value.start):
                return _last_days(text, left, phrase), Hole(span=both)
            words = Span(value.start, right.span.end)
            if left.value.quoted:
                problems.pop()
            whole = Literal(words.of(text), True, span=words)
            return say.unquoted_words(words, words.of(text)), Compare(left.path, left.op, whole, span=both)
    if isinstance(left, Compare) and isinstance(left.value, Literal):
        value = left.value.span
        if isinstance(right, Text) and gap.start == gap.end and text[value.end - 1] == text[gap.end]:  # 'it''s'
            joined = Span(value.start, right.span.end)
            meant = left.value.text + text[gap.end] + right.value.text
            return say.doubled_quote(joined, text[gap.end], meant), Compare(
                left.path, left.op, Literal(meant, True, span=joined), span=both
            )
        if isinstance(right, Compare | Flag) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", left.value.text):
            time = re.compile(r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?").match(
                text, right.span.start
            )
            if time and time.end() == right.span.end:
                joined = Span(value.start, right.span.end)
                meant = f"{left.value.text}T{time[0]}"
                return say.day_and_time(joined, meant), Compare(
                    left.path, left.op, Literal(meant, True, span=joined), span=both
                )
    if isinstance(left, Flag) and isinstance(right, Not) and isinstance(right.operand, Flag):
        asked = Span(right.span.start, right.operand.span.end)
        if right.operand.span.of(text).lower() == "is":
            return say.foreign_operator(asked, asked.of(text), "is not"), Hole(span=both)
    if isinstance(left, Flag) and isinstance(right, Flag | Text):
        return say.missing_operator(gap, left.span.of(text), right.span.of(text), both), Hole(span=both)
    return say.missing_connective(gap), None


def _last_days(text: str, left: Compare, phrase: re.Match[str]) -> Diagnostic:
    """`created_at > last 7 days`: the relative time it stands for."""
    count, unit = phrase[1] or "1", phrase[2].lower()
    short = next(spelt for start, spelt in UNITS.items() if unit.startswith(start))
    sign = ">=" if left.op in (Op.EQ, Op.GT, Op.GE, Op.CONTAINS) else str(left.op)
    span = Span(left.path.span.end, phrase.end())
    return say.range_phrase(Span(phrase.start(), phrase.end()), span, f" {sign} now-{count}{short}")


def last_word(text: str, end: int) -> str:
    """The last thing before an offset, for `after ...` in a message."""
    found = re.search(r"(?:\"[^\"]*\"|'[^']*'|[^\s()\[\],\"'=<>!~]+|\S)$", text[max(0, end - 200) : end].rstrip())
    return found[0] if found else ""


def too_deep(text: str, at: int, limit: int) -> Diagnostic:
    """The message for nesting past the limit, with how deep the text goes."""
    depth = deepest = 0
    waiting = 0  # `not`s whose operand has not come yet
    for word in re.finditer(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[()]|(?i:\bnot\b)|[^\s()\"']+", text):
        token = word[0]
        if token == "(":
            depth += 1 + waiting
            waiting = 0
        elif token == ")":
            depth = max(0, depth - 1)
        elif token.lower() == "not":
            waiting += 1
        else:
            deepest, waiting = max(deepest, depth + waiting), 0
        deepest = max(deepest, depth + waiting)
    return say.too_deep(Span(at, at + 1), max(deepest, limit + 1), limit)


_SKIPPED = r"\"(?:[^\"\\]|\\[\s\S])*\"|'(?:[^'\\]|\\[\s\S])*'|[^\s()\[\],\"'=<>!~:`]+|[\s\S]"


def next_connective(text: str, start: int, grouped: bool, lists: int, *, between: bool) -> int:
    """Where to read on after a mistake: at the next `and`, `or` or `order by` outside the `lists` it stands in and the
    brackets opened since, or at the parenthesis that closes the group around it."""
    depth, at = lists, start
    skipped, order = re.compile(_SKIPPED), re.compile(r"(?i:order\s+by\b)")
    while at < len(text):
        match = skipped.match(text, at)
        assert match is not None
        word = match[0]
        lowered = word.lower()
        if word == "(":
            depth += 1
        elif word == ")":
            if depth == 0 and grouped:
                return at
            depth = max(0, depth - 1)
        elif depth == 0 and lowered in ("and", "or", "order"):
            if lowered == "and" and between:
                between = False
            elif lowered != "order" or order.match(text, at):
                return at
        at = match.end()
    return len(text)


_ESCAPES = {'"': '"', "'": "'", "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ESCAPE = r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|([\s\S]))"


def unescape(body: str, offset: int) -> tuple[str, list[Diagnostic]]:
    """A string's text with its escapes undone, as in JSON and `\\'`; an escape that says nothing is kept as it is."""
    wrong: list[Diagnostic] = []

    def undo(match: re.Match[str]) -> str:
        high, low, unit, char = match.groups()
        if high:
            return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00))
        if unit and (code := int(unit, 16)) and not 0xD800 <= code <= 0xDFFF:
            return chr(code)
        if char in _ESCAPES:
            return _ESCAPES[char]
        wrong.append(say.bad_escape(Span(offset + match.start(), offset + match.end()), match[0]))
        return " "

    return re.sub(_ESCAPE, undo, body), wrong
