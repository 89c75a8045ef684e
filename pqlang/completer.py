"""What may be written next: the places of a cursor, what fits each, matched to what is typed, spelt, and tried.

    text, cursor -> places -> offers -> match -> spell -> those that leave the text as readable as it was

The parser's tables say what kind of thing may stand at a place (`cursor`), the schema what there is of it (`offers`).
An offer is kept only where the text it makes can be read at least as far as before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

from pqlang import arguments, offers
from pqlang._tables import KINDS
from pqlang.cursor import AFTER_ORDER_BY, AND, COMMA, OP, OPERATORS, VARIABLE, WORD, Place, places, reach
from pqlang.moments import Clock, is_bare_day, make_clock
from pqlang.names import LIKELY, close_names, likeness
from pqlang.offers import Offer
from pqlang.parser import FIELD, LPAR, NOT, RPAR, Token, name_parts, next_token
from pqlang.rendering import offsets
from pqlang.schema import Endpoint, Field, FieldType
from pqlang.source import DEFAULT_LIMITS, Span
from pqlang.spelling import quote
from pqlang.valueclass import frozen, replace

if TYPE_CHECKING:
    from pqlang.hostvalues import ValueSource

MOST = 100  # offers that anybody looks through


@frozen
class Completion:
    """One offer: put `insert` in place of `span` (code points) and the cursor behind it.

    `label` is what a menu shows; `kind` is `field`, `operator`, `value`, `keyword` or `snippet` (a whole query);
    `detail` says what it is.
    """

    label: str
    kind: str
    insert: str
    span: Span
    detail: str = ""

    def apply(self, text: str) -> tuple[str, int]:
        """The text after accepting, and where the cursor stands then.

        >>> Completion("status", "field", "status ", Span(0, 2)).apply("st")
        ('status ', 7)
        """
        start, end = self.span
        return text[:start] + self.insert + text[end:], start + len(self.insert)

    def to_json(self, text: str) -> dict[str, Any]:
        """The offer as plain data for programs; `utf16` holds the span as JavaScript counts it."""
        offer = {"label": self.label, "kind": self.kind, "insert": self.insert, "detail": self.detail}
        return offer | offsets(self.span, text)


def complete(
    query: str,
    cursor: int,
    endpoint: str | Endpoint,
    *,
    mode: str = "search",
    variables: Iterable[str] = (),
    now: datetime | str | None = None,
    tz: str | tzinfo = "UTC",
    values: Mapping[str, ValueSource] | None = None,
    timeout: float = 0.2,
) -> list[Completion]:
    """What may be written at a cursor (an offset in code points), the likeliest first; 100 at most.

    Works on any text: after mistakes, inside words and quotes; a cursor outside the text is at its start or end.
    Accepting an offer (`Completion.apply`) leaves a text that can be read at least as far as before, where more than
    blanks, a closing bracket or an order stands behind the cursor. `variables` are the names that are bound beside the
    query; `now` and `tz` are what the months of `on` are counted from.

    `values` brings in what only the host knows: for a field's name, a callable that takes what is typed and gives
    texts, or pairs of a text and what it is. It may be `async`. What it has not given within `timeout` seconds is left
    out, and where it raises, nothing is; without it nothing is waited for.

    Raises PqlError for wrong arguments alone: an unknown endpoint or mode, a text that is none.

    >>> [offer.label for offer in complete("owner.email = x and parent_st", 29, "cases")]
    ['parent_status']
    >>> [(offer.insert, offer.detail) for offer in complete("parent_status = d", 17, "cases")]
    [('draft', 'in preparation')]
    """
    completing = _completing(query, cursor, endpoint, mode, variables, now, tz, timeout)
    if not values or (wanted := completing.wanted()) is None:
        return completing.all()
    from pqlang.hostvalues import ask

    return completing.all(ask(values, *wanted, timeout))


async def complete_async(
    query: str,
    cursor: int,
    endpoint: str | Endpoint,
    *,
    mode: str = "search",
    variables: Iterable[str] = (),
    now: datetime | str | None = None,
    tz: str | tzinfo = "UTC",
    values: Mapping[str, ValueSource] | None = None,
    timeout: float = 0.2,
) -> list[Completion]:
    """`complete` for an event loop: the host's callables are awaited, and nothing blocks the loop.

    >>> import asyncio
    >>> async def mails(typed: str) -> list[str]:
    ...     return ["jo@acme.com"]
    >>> offers = asyncio.run(complete_async("owner.email = j", 15, "cases", values={"owner.email": mails}))
    >>> [offer.insert for offer in offers]
    ['jo@acme.com']
    """
    completing = _completing(query, cursor, endpoint, mode, variables, now, tz, timeout)
    if not values or (wanted := completing.wanted()) is None:
        return completing.all()
    from pqlang.hostvalues import ask_async

    return completing.all(await ask_async(values, *wanted, timeout))


def _completing(
    query: object,
    cursor: object,
    endpoint: object,
    mode: str,
    variables: Iterable[str],
    now: datetime | str | None,
    tz: str | tzinfo,
    timeout: object,
) -> _Completing:
    """The arguments checked, and the places found. A text past the limit has none."""
    at = arguments.endpoint(endpoint)
    arguments.choices(None, None, mode)
    if not isinstance(query, str):
        raise arguments.wrong("query", query, "text")
    if type(cursor) is not int:
        raise arguments.wrong("cursor", cursor, "an offset in the text")
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout >= 0:
        raise arguments.wrong("timeout", timeout, "a number of seconds")
    if not isinstance(variables, Iterable) or isinstance(variables, str):
        raise arguments.wrong("variables", variables, "the names that are bound")
    cursor = min(max(cursor, 0), len(query))
    found = tuple(places(query, cursor)) if len(query) <= DEFAULT_LIMITS.length else ()
    return _Completing(query, cursor, at, mode == "strict", tuple(variables), make_clock(now, tz), found)


@frozen
class _Completing:
    """One call: what is typed where, and against what."""

    text: str
    cursor: int
    endpoint: Endpoint
    strict: bool
    variables: tuple[str, ...]
    clock: Clock
    places: tuple[Place, ...]

    def wanted(self) -> tuple[str, str] | None:
        """The field whose value is being typed, and what of it is typed; None where no value is."""
        for place in self.places:
            field = self.field(place)
            if field is not None and WORD in place.accepted:
                return field.name, place.typed
        return None

    def all(self, host: Iterable[Offer] = ()) -> list[Completion]:
        """Every offer: ranked, spelt, and tried."""
        found = sorted(self.matching(tuple(host)), key=lambda each: each[:2])
        made: dict[tuple[Span, str], Completion] = {}
        tried: dict[tuple[Span, str], bool] = {}
        for _, _, place, offer in found:
            insert = _spelt(self.text, place, offer)
            typed_already = place.span.end == self.cursor and insert.rstrip() == place.span.of(self.text)
            if typed_already or (place.span, insert) in made:
                continue
            key = (place.span, offer.shape)
            if key not in tried:
                tried[key] = self.readable(place, insert, inside=offer.text not in (")", "order by"))
            if tried[key]:
                made[place.span, insert] = Completion(offer.label, offer.kind, insert, place.span, offer.detail)
                if len(made) == MOST:
                    break
        return list(made.values())

    def matching(self, host: Sequence[Offer]) -> Iterator[tuple[int, int, Place, Offer]]:
        """The offers that go on from what is typed, each with its rank: how well it does, then how likely it is.

        What may follow a word that is whole comes after what the word may become, and before what it only resembles.
        """
        phrases = [found for place in self.places if place.phrase for found in self.phrases(place)]
        yield from phrases
        if any(offer.kind == "keyword" or not self.is_flag(self.field(place)) for _, _, place, offer in phrases):
            return  # the words are part of an operator, or of `order by`, and of nothing else
        alike = not phrases
        for place in self.places:
            behind = place is not self.places[0]
            if place.phrase or (behind and self.cursor == self.places[0].span.end and not self.goes_on()):
                continue
            beside = AND in place.accepted and OP not in place.accepted  # where a name has to be begun, it is
            for at, offer in enumerate(self.fitting(place)):
                if not place.typed and not _may_replace(offer, place.token):
                    continue
                if behind and self.cursor == self.places[0].span.start and offer.kind != "keyword":
                    continue  # before a word a name would be one too many
                tier = likeness(place.typed, offer.label)
                if tier is not None and (tier == 0 or not (beside or offer.kind == "keyword")):
                    alike = False
                    yield 1 if behind else 2 * tier, at, place, offer
            if WORD in place.accepted:
                alike = alike and not host
                yield from ((0, MOST + at, place, offer) for at, offer in enumerate(host))
        if alike and self.places and len(self.places[0].typed) > 2:
            place = self.places[0]
            known = {offer.label: offer for offer in self.fitting(place) if offer.kind != "keyword"}
            for at, label in enumerate(close_names(place.typed, list(known))):
                yield 2 * LIKELY, at, place, known[label]

    def phrases(self, place: Place) -> Iterator[tuple[int, int, Place, Offer]]:
        """What several words may become together."""
        for at, offer in enumerate(self.fitting(place)):
            if offer.kind == "operator" and self.field(place) is None:
                continue  # the name may be a word of free text, and what follows it another condition
            if offer.kind in ("operator", "keyword") and likeness(place.typed, offer.label) == 0:
                yield 0, at, place, offer

    # What fits a place

    def fitting(self, place: Place) -> Iterator[Offer]:
        """What the parser takes at a place, of what the schema knows."""
        accepted, field = place.accepted, self.field(place)
        if WORD in accepted:
            yield from self.values(place, field)
        if place.quote:
            return
        if VARIABLE in accepted:
            yield from offers.variables(self.variables)
        if LPAR in accepted and WORD not in accepted and FIELD not in accepted:
            yield offers.keyword("(")
        waits = OP in accepted and not self.is_flag(field) and (self.strict or field is not None)
        if waits:  # it cannot stand alone: nothing else may follow it
            yield from offers.operators(field)
            return
        if AND in accepted and FIELD not in accepted:
            yield offers.BETWEEN_AND
            return
        if FIELD in accepted and AND not in accepted:
            yield from self.names(place, accepted)
        for kind, words in _KEYWORDS:
            if kind in accepted and not (kind == RPAR and place.before and place.before[-1][3] == COMMA):
                yield offers.keyword(words)
        if FIELD in accepted and AND in accepted:  # beside a condition, which more often goes on otherwise
            yield from self.names(place, accepted)
        if OP in accepted:
            yield from offers.operators(field)
        if not self.text.strip():
            yield from offers.examples(self.endpoint)

    def names(self, place: Place, accepted: frozenset[int]) -> Iterator[Offer]:
        """Fields, and `not` where a condition starts. Right behind a condition, a name has to be begun."""
        if place.states[-1] == AFTER_ORDER_BY:
            yield from offers.sortable(self.endpoint)
        elif AND not in accepted:
            yield from offers.fields(self.endpoint)
            if NOT in accepted:
                yield offers.keyword("not")
        elif not self.strict and place.typed:
            yield from offers.fields(self.endpoint)

    def values(self, place: Place, field: Field | None) -> Iterator[Offer]:
        """Values of a field that its list does not hold yet."""
        listed = _listed(self.text, place)
        if field is not None:
            known = offers.values(field, place.operator, place.typed, bool(place.quote), self.clock)
            yield from (offer for offer in known if offer.label not in listed)

    def field(self, place: Place) -> Field | None:
        """The field that is compared at a place."""
        name = place.compared
        return None if name is None else self.endpoint.by_parts.get(name_parts(name[2]))

    def is_flag(self, field: Field | None) -> bool:
        """Whether a field may stand alone."""
        return field is not None and field.type is FieldType.BOOLEAN

    def goes_on(self) -> bool:
        """Whether one may go on behind the token at the cursor: it is whole, and no half of an operator."""
        here = self.places[0]
        assert here.token is not None
        return self.whole(here) and not (here.token[3] == NOT and self.unfinished(replace(here, token=None)))

    def whole(self, place: Place) -> bool:
        """Whether the token at a place says something as it stands, so that one may go on behind it."""
        assert place.token is not None
        text, kind = place.token[2], place.token[3]
        if kind == FIELD:
            return name_parts(text) in self.endpoint.by_parts
        if kind == WORD:
            field = self.field(place)
            return is_bare_day(text) or text.lower() in _WHOLE or (field is not None and text in field.values)
        return True

    def unfinished(self, place: Place) -> bool:
        """Whether a field that cannot stand alone waits at a place for its operator: nothing was whole without one."""
        field = self.field(place)
        if field is None or self.is_flag(field) or OP not in place.accepted:
            return False
        return next_token(self.text, place.span.end, place.states[-1])[3] not in OPERATORS

    def readable(self, place: Place, insert: str, *, inside: bool) -> bool:
        """Whether the text with the offer in it can be read at least as far as the text as it is.

        Where a bracket closes behind the cursor one may go on typing inside it, as at the end of a text.
        """
        text, (start, end) = self.text, place.span
        made = text[:start] + insert + text[end:]
        free = not text[end:].strip() or (inside and _CLOSING.match(text, end) is not None)
        free = free or (place.token is None and self.unfinished(place))
        manners = (True,) if self.strict else (False, True)
        return all(self.reads_on(made, place, len(insert), free, strict) for strict in manners)

    def reads_on(self, made: str, place: Place, length: int, free: bool, strict: bool) -> bool:
        """Whether a text with so many characters put in is read past them, and unless `free` as far as it was.

        Not even search mode is given two conditions side by side where there was one.
        """
        start, end = place.span
        at = start - 1 if place.quote else start
        goal = start + len(made[start : start + length].rstrip())
        before = 0 if free else reach(self.text, at, place.states, strict=strict)
        if before >= end:
            goal = max(goal, before + len(made) - len(self.text))
        elif strict and not self.strict:
            return True  # two stood side by side before
        return reach(made, at, place.states, strict=strict) >= goal


_WHOLE = frozenset({"true", "false", "null", "now", "today", "yesterday", "tomorrow"})
_KEYWORDS = tuple(
    (KINDS.index(kind), words)
    for kind, words in (
        ("AND", "and"), ("OR", "or"), ("COMMA", ","), ("RPAR", ")"), ("ASC", "asc"), ("DESC", "desc"),
        ("ORDER_BY", "order by"),
    )
)  # fmt: skip


_REPLACED_BY = {"FIELD": "field", "WORD": "value", "RELATIVE": "value", "STRING": "value", "VARIABLE": "value"}
#: Where a bracket closes or an order follows one may go on typing, as at the end of a text.
_CLOSING = re.compile(r"[ \t\r\n\xa0]*(?:\)|order[ \t\r\n\xa0]+by(?![A-Za-z0-9_.-]))", re.IGNORECASE)


def _may_replace(offer: Offer, token: Token | None) -> bool:
    """Whether an offer takes the place of a token that the cursor only stands before: of its own kind alone."""
    if token is None or token[3] < 0:
        return True
    kind = KINDS[token[3]]
    return offer.kind == ("operator" if token[3] in OPERATORS else _REPLACED_BY.get(kind, "keyword"))


def _listed(text: str, place: Place) -> frozenset[str]:
    """The values that the list around a place holds beside it."""
    opening = next((token for token in reversed(place.before) if token[3] == LPAR), None)
    if opening is None or place.before[-1][3] not in (LPAR, COMMA):
        return frozenset()
    behind = text[place.span.end + place.closed :].partition(")")[0]
    members = f"{text[opening[1] : place.span.start - bool(place.quote)]},{behind}".split(",")
    return frozenset(member.strip().strip("\"'") for member in members)


def _spelt(text: str, place: Place, offer: Offer) -> str:
    """An offer as it is put into the text: in the quotes that are open, with the blanks that are due."""
    end = place.span.end
    if place.quote:
        inner = quote(offer.label)[1:-1]
        return (inner.replace("'", "\\'") if place.quote == "'" else inner) + ("" if place.closed else place.quote)
    following, ahead = text[end : end + 1], text[end : end + 100].lstrip()[:1]
    written = offer.text
    if written.endswith(" (") and ahead == "(":
        written = written[:-2]
    due = (offer.open and not written.endswith("(")) or _FUSES.match(following) is not None
    return _lead(text, place, offer) + written + (" " if due and not following.isspace() else "")


_FUSES = re.compile(r"[^\s()\[\],=<>!~:]")


def _lead(text: str, place: Place, offer: Offer) -> str:
    """The blank that is due before an offer: between words, and after a sign that has one before it."""
    if place.apart or offer.text in (")", ",") or place.token is not None:
        return ""
    last = place.before[-1] if place.before else None
    if last is not None and last[3] == OP:
        return " " if text[last[0] - 1 : last[0]].isspace() else ""
    return " "
