"""A short way for the commonest queries: plain conditions joined by `and`, each at once from text to test.

Everything here is also done, and defined, by the modules that `compiler` chains; this one may be deleted without
changing any result. It is built from the grammar's own terminals, and whatever it does not recognise at once (any
mistake, anything worth a message, anything that is not `field op value`) it leaves to the reference way by giving
None. `tests/test_express.py` holds the two against each other, spans and all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache

from pqlang._tables import KINDS, PATTERNS
from pqlang.condition import All, Moment, Op, Scalar, Test
from pqlang.literals import EMAIL, INTEGER, UUID, fits
from pqlang.moments import UTC_CLOCK, is_bare_day, read_moment
from pqlang.pushdown import Pushed, push_down
from pqlang.schema import ORDERED, TEXTS, Endpoint, Field, FieldType
from pqlang.source import NOWHERE, Span

_OPS = {"==": Op.EQ, ":": Op.EQ, "<>": Op.NE} | {str(op): op for op in Op if not op[0].isalpha()}
_BOUNDS = frozenset({Op.LT, Op.LE, Op.GT, Op.GE})
_PATTERNS = frozenset({Op.LIKE, Op.ILIKE})


@cache
def _matcher() -> Callable[[str, int], re.Match[str] | None]:
    """Matches one condition and what follows it: `and`, or an order, or nothing, and the end."""
    terminal = dict(zip(KINDS, PATTERNS, strict=True))
    blank = r"[ \t\r\n\xa0]"
    value = f"({terminal['WORD']})|({terminal['STRING']})"
    null = f"({blank}+{terminal['IS']}{blank}+({terminal['NOT']}{blank}+)?{terminal['NULL']})"
    return re.compile(
        rf"{blank}*({terminal['FIELD']})(?:{blank}*({terminal['OP']})(?!\*){blank}*(?:{value})|{null})"
        rf"(?:{blank}+({terminal['AND']})|{blank}+({terminal['ORDER_BY']})|{blank}*{terminal['$END']})"
    ).match


@cache
def _order_matcher() -> Callable[[str, int], re.Match[str] | None]:
    """Matches what follows `order by`, to the end."""
    terminal = dict(zip(KINDS, PATTERNS, strict=True))
    blank = r"[ \t\r\n\xa0]"
    direction = f"(?:{blank}+(?:{terminal['ASC']}|({terminal['DESC']})))?"
    return re.compile(rf"{blank}+({terminal['FIELD']}){direction}{blank}*{terminal['$END']}").match


def push(text: str, endpoint: Endpoint, target: str) -> tuple[Pushed, str | None] | None:
    """What to send and the value of `sort` for a text without variables, read in UTC.

    None where the reference way must say: most often because there is something to say.
    """
    match = _matcher()
    fields, tests, seen, at = endpoint.by_name, [], set(), 0
    while True:
        found = match(text, at)
        if found is None:
            return None
        name, sign, word, quoted, null, negated, joined, ordered = found.groups()
        field = fields.get(name)
        if field is None or name in seen:
            return None
        seen.add(name)
        if null is None:
            test = _compared(field, _OPS[sign], word, quoted, found)
        elif field.nullable and not field.to_many and field.derived is None:
            test = Test(field, Op.NOT_NULL if negated else Op.IS_NULL, None, Span(found.start(1), found.end(5)))
        else:
            return None
        if test is None or test.field.json is None or test.field.json.undocumented:
            return None
        tests.append(test)
        at = found.end()
        if joined is None:
            return _pushed(tests, endpoint, target, _order_matcher()(text, at) if ordered else True)


def _compared(field: Field, op: Op, word: str | None, quoted: str | None, found: re.Match[str]) -> Test | None:
    """`field op value`, where its reading is plain and nothing is to be said about it."""
    if word is not None:
        text, end = word, found.end(3)
        if len(text) == 4 and text.lower() == "null":
            return None
    else:
        assert quoted is not None
        text, end = quoted[1:-1], found.end(4)
        if "\\" in text:
            return None
    value: Scalar | None
    if (
        op is Op.EQ
        or (op in _BOUNDS and field.type in ORDERED)
        or (op is Op.NE and not field.nullable and not field.to_many)
    ):
        value = _READ[field.type](text, word is None, field)
        if type(value) is Moment and (op is Op.EQ or op is Op.LE) and is_bare_day(text):
            return None
    elif op in _PATTERNS and field.type in TEXTS and "%" in text and "\\" not in text:
        value = text
    else:
        return None
    return None if value is None else Test(field, op, value, Span(found.start(1), end))


def _pushed(
    tests: list[Test], endpoint: Endpoint, target: str, order: re.Match[str] | bool | None
) -> tuple[Pushed, str | None] | None:
    """The tests as a target takes them, and the order: True where none was written, None where it was not plain."""
    sort = None
    if order is None:
        return None
    if isinstance(order, re.Match):
        field = endpoint.by_name.get(order[1])
        if field is None or field.sort is None:
            return None
        sort = (endpoint.api.descending_prefix if order[2] else "") + field.sort
    if target == "json":
        return Pushed("json", tuple(tests)), sort
    pushed, problems = push_down(tests[0] if len(tests) == 1 else All(tuple(tests)), endpoint, target)
    return None if pushed is None or problems else (pushed, sort)


# The readings of `literals` that need no words


def _text(text: str, quoted: bool, field: Field) -> Scalar | None:
    return text


def _listed(text: str, quoted: bool, field: Field) -> Scalar | None:
    return text if text in field.values else None


def _integer(text: str, quoted: bool, field: Field) -> Scalar | None:
    return int(text) if not quoted and INTEGER.fullmatch(text) and fits(int(text)) else None


def _moment(text: str, quoted: bool, field: Field) -> Scalar | None:
    moment = read_moment(text, NOWHERE, UTC_CLOCK)
    return moment if type(moment) is Moment else None


def _uuid(text: str, quoted: bool, field: Field) -> Scalar | None:
    return text if UUID.fullmatch(text) else None


def _email(text: str, quoted: bool, field: Field) -> Scalar | None:
    return text if EMAIL.fullmatch(text) else None


def _other(text: str, quoted: bool, field: Field) -> Scalar | None:
    return None


_READ: Mapping[FieldType, Callable[[str, bool, Field], Scalar | None]] = {
    **dict.fromkeys(FieldType, _other),
    FieldType.STRING: _text,
    FieldType.ENUM: _listed,
    FieldType.OPEN_ENUM: _listed,
    FieldType.INTEGER: _integer,
    FieldType.DATETIME: _moment,
    FieldType.UUID: _uuid,
    FieldType.EMAIL: _email,
}
