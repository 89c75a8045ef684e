"""Time: one clock and zone per compile, dates as instants, relative times, and the days that `on` names.

LANGUAGE, "Relative time" and "Dates": `d w mo y` move the calendar in the query's zone, `s min h` are elapsed time;
a day starts at its first instant, an ambiguous local time is the earlier one, a missing one is a mistake.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo

from pqlang import diagnostics as say
from pqlang.ast import is_relative_time
from pqlang.condition import Moment
from pqlang.diagnostics import Diagnostic, PqlError
from pqlang.names import close_matches
from pqlang.source import Source, Span
from pqlang.valueclass import frozen


@frozen
class Clock:
    """The time a query is read at, and the zone its calendar is in."""

    now: datetime
    zone: tzinfo = UTC
    zone_name: str = "UTC"


#: For readings that no clock takes part in.
UTC_CLOCK = Clock(datetime(1970, 1, 1, tzinfo=UTC))


def make_clock(now: datetime | str | None, tz: str | tzinfo) -> Clock:
    """The clock for a compile: `now` as an aware datetime or ISO text, the system's where None; `tz` a zone's name.

    Raises PqlError for a time without offset and for a zone nobody knows.
    """
    at = datetime.now(UTC) if now is None else _given(now)
    if tz == "UTC":
        return Clock(at)
    return Clock(at, *_zone(tz))


def _given(now: datetime | str) -> datetime:
    try:
        read = datetime.fromisoformat(now) if isinstance(now, str) else now
        if isinstance(read, datetime) and read.utcoffset() is not None:
            return read.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise PqlError(Source("", "now"), [say.bad_now(now)])


def _zone(tz: str | tzinfo) -> tuple[tzinfo, str]:
    if isinstance(tz, tzinfo):
        try:
            if isinstance(datetime.now(UTC).astimezone(tz).utcoffset(), timedelta):
                return tz, str(tz)
        except Exception as error:  # a zone of somebody's own may raise anything
            raise PqlError(Source("", "tz"), [say.bad_zone(type(tz).__name__)]) from error
    from zoneinfo import ZoneInfo, available_timezones  # seldom wanted, and it reads the disk

    try:
        if isinstance(tz, str) and tz:
            return ZoneInfo(tz), tz
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError; "" and "../x" are ValueErrors
        pass
    known = {name.lower(): name for name in available_timezones()}
    close = close_matches(tz.lower(), known, 1) if isinstance(tz, str) else []
    raise PqlError(Source("", "tz"), [say.bad_zone(tz, [known[name] for name in close])])


# Local time and instants


def instant(local: datetime, clock: Clock) -> datetime | None:
    """The instant of a naive local time: the earlier where there are two, None where the clock skips it."""
    if clock.zone is UTC:
        return local.replace(tzinfo=UTC)
    try:
        at = local.replace(tzinfo=clock.zone).astimezone(UTC)
        return at if at.astimezone(clock.zone).replace(tzinfo=None) == local else None
    except OverflowError:
        raise _Overflow from None


def day_start(day: date, clock: Clock) -> datetime:
    """The first instant of a day in the clock's zone; not midnight where clocks are set forward over it."""
    midnight = datetime(day.year, day.month, day.day)
    found = instant(midnight, clock)
    if found is not None:
        return found
    try:  # the gap's end lies between the readings of midnight by the offsets after and before it
        early = midnight.replace(tzinfo=clock.zone, fold=1).astimezone(UTC)
        late = midnight.replace(tzinfo=clock.zone, fold=0).astimezone(UTC)
    except OverflowError:
        raise _Overflow from None
    offset = late.astimezone(clock.zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) // 2
        if middle.astimezone(clock.zone).utcoffset() == offset:
            late = middle
        else:
            early = middle
    return late.replace(microsecond=0)


def utc_text(at: datetime) -> str:
    """An instant as it is sent: `2024-01-15T12:00:00Z`, with a fraction only where there is one."""
    text = at.replace(tzinfo=None).isoformat()
    return (text.rstrip("0") if "." in text else text) + "Z"


class _Overflow(Exception):
    """Outside the years 1 to 9999."""


# Literals

DATE_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:T([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")


def is_bare_day(text: str) -> bool:
    """Whether the text is a day without a time."""
    return _DAY.fullmatch(text) is not None


def read_moment(text: str, span: Span, clock: Clock) -> Moment | Diagnostic | None:
    """The instant an ISO 8601 date-time or day stands for; None where the text is none.

    A text without offset is in the clock's zone. It is sent as written where that is what the server reads: in UTC,
    or with its offset.
    """
    match = DATE_TIME.fullmatch(text)
    if match is None:
        return None
    try:
        if match[5]:
            return Moment(datetime.fromisoformat(text).astimezone(UTC), text)
        local = datetime.fromisoformat(text)
        if match[4] is None:
            at: datetime | None = day_start(local.date(), clock)
        else:
            at = instant(local, clock)
        if at is None:
            return say.missing_local_time(span, text, clock.zone_name)
        return Moment(at, text if clock.zone is UTC else utc_text(at))
    except ValueError:
        return None
    except (_Overflow, OverflowError):
        return say.time_overflow(span, text)


def read_day(text: str, span: Span) -> Moment | None:
    """The day a literal names, for fields of days."""
    if not is_bare_day(text):
        return None
    try:
        return Moment(datetime.fromisoformat(text).replace(tzinfo=UTC), text)
    except ValueError:
        return None


# Relative times

_STEP = re.compile(r"([+-])[ \t\r\n\xa0]*([0-9]+)[ \t\r\n\xa0]*([a-z]+)", re.IGNORECASE)
_ELAPSED = {"s": 1, "mi": 60, "h": 3600}


def read_relative(text: str, span: Span, clock: Clock, *, days: bool = False) -> Moment | Diagnostic | None:
    """The instant (with `days`, the day) a relative time stands for; None where the text is none.

    >>> clock = make_clock("2024-03-31T12:00:00Z", "UTC")
    >>> read_relative("now-1mo", Span(0, 7), clock).text
    '2024-02-29T12:00:00Z'
    """
    if not is_relative_time(text):
        return None
    try:
        at = _walk(text.lower(), clock)
        if at is None:
            return say.missing_local_time(span, text, clock.zone_name)
        if days:
            day = at if not isinstance(at, datetime) else at.astimezone(clock.zone).date()
            return Moment(datetime(day.year, day.month, day.day, tzinfo=UTC), day.isoformat())
        if not isinstance(at, datetime):
            at = day_start(at, clock)
        return Moment(at, utc_text(at))
    except (_Overflow, OverflowError):
        return say.time_overflow(span, text)


def _walk(text: str, clock: Clock) -> datetime | date | None:
    """From the base through each step. A day stays a day until hours, minutes or seconds are counted from it."""
    today = clock.now.astimezone(clock.zone).date()
    base = re.match("[a-z]+", text)
    assert base is not None
    at: datetime | date = clock.now
    if base[0] != "now":
        at = today + timedelta(days={"today": 0, "yesterday": -1, "tomorrow": 1}[base[0]])
    for sign, digits, unit in _STEP.findall(text):
        if len(digits) > 9:
            raise _Overflow
        count = int(sign + digits)
        seconds = next((size for start, size in _ELAPSED.items() if unit.startswith(start)), None)
        if seconds is not None:
            start = at if isinstance(at, datetime) else day_start(at, clock)
            at = start + timedelta(seconds=count * seconds)
        elif isinstance(at, datetime):
            local = at.astimezone(clock.zone).replace(tzinfo=None)
            moved = instant(datetime.combine(_move(local.date(), count, unit), local.time()), clock)
            if moved is None:
                return None
            at = moved
        else:
            at = _move(at, count, unit)
    return at


def _move(day: date, count: int, unit: str) -> date:
    """The day moved by the calendar; a month that is shorter ends it at its last day."""
    if unit[0] in "dw":
        return day + timedelta(days=count * (7 if unit[0] == "w" else 1))
    months = day.year * 12 + day.month - 1 + count * (12 if unit[0] == "y" else 1)
    year, month = divmod(months, 12)
    if not 1 <= year <= 9999:
        raise _Overflow
    return date(year, month + 1, min(day.day, _days_in(year, month + 1)))


def _days_in(year: int, month: int) -> int:
    """How many days a month has; December is asked for by itself, since no day follows that of 9999."""
    return 31 if month == 12 else (date(year, month + 1, 1) - timedelta(days=1)).day


# Periods

PERIOD = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?(?:-([0-9]{2}))?")
DAY_WORDS = {"today": 0, "yesterday": -1, "tomorrow": 1}


def read_period(
    text: str, quoted: bool, span: Span, clock: Clock, *, days: bool
) -> tuple[Moment, Moment] | Diagnostic | None:
    """The first instant (or day) of a day, month or year, and of the next; None where the text names no period."""
    match = PERIOD.fullmatch(text)
    try:
        if match:
            year, month, day = (int(part) if part else None for part in match.groups())
            assert year is not None
            first = date(year, month or 1, day or 1)
            last = _move(first, 1, "d" if day else "m" if month else "y")
        elif not quoted and text.lower() in DAY_WORDS:
            first = clock.now.astimezone(clock.zone).date() + timedelta(days=DAY_WORDS[text.lower()])
            last = first + timedelta(days=1)
        else:
            return None
        return period(first, last, clock, days=days)
    except ValueError:
        return None
    except (_Overflow, OverflowError):
        return say.time_overflow(span, text)


def period(first: date, following: date, clock: Clock, *, days: bool) -> tuple[Moment, Moment]:
    """Two days as the values of `>=` and `<`."""
    if days:
        return day_moment(first), day_moment(following)
    start, end = day_start(first, clock), day_start(following, clock)
    return Moment(start, utc_text(start)), Moment(end, utc_text(end))


def day_moment(day: date) -> Moment:
    """A day, for fields of days."""
    return Moment(datetime(day.year, day.month, day.day, tzinfo=UTC), day.isoformat())


def next_day(text: str) -> str | None:
    """The day after a bare day or one of `DAY_WORDS`, None after the last one that has a name."""
    if text.lower() in DAY_WORDS:
        return {"yesterday": "today", "today": "tomorrow"}.get(text.lower())
    try:
        return (date.fromisoformat(text) + timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        return None


def read_datetime(value: datetime, clock: Clock) -> Moment | None:
    """A bound datetime: aware, or naive in the clock's zone. None where the clock skips it or it overflows."""
    try:
        at = value.astimezone(UTC) if value.utcoffset() is not None else instant(value.replace(tzinfo=None), clock)
    except (_Overflow, OverflowError):
        return None
    return None if at is None else Moment(at, utc_text(at))


def read_date(value: date, clock: Clock) -> Moment | None:
    """A bound day on a date-time field: its first instant in the clock's zone."""
    try:
        at = day_start(value, clock)
    except (_Overflow, OverflowError):
        return None
    return Moment(at, value.isoformat() if clock.zone is UTC else utc_text(at))
