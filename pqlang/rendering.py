"""Problems -> text or JSON. This module alone draws: it knows lines, columns, colours and UTF-16, nothing else does.

A query is anyone's text and a picture goes to a terminal, so whatever cannot be seen, or could steer the terminal, is
drawn as a stand-in (`␀`, `\\u200b`), in the line and in the messages alike. Columns are counted as most terminals count
them; text that runs right to left is drawn in the order it is stored, and a terminal that reorders it moves it from
above its carets.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Any, NamedTuple, TypeAlias

from pqlang.diagnostics import Diagnostic, Severity, Suggestion
from pqlang.source import Source, Span

_Paint: TypeAlias = Callable[[str, str], str]

_COLUMNS = 100  # a longer line is cut around its carets
_LEAD = 20  # columns kept before carets that alone fill the line
_NEAR = 400  # code points measured on each side of the carets: more than a cut line shows, and never a whole huge text
_LINES = 3  # a span over more lines shows its first and its last

_TONES = {Severity.ERROR: "1;31", Severity.WARNING: "33", Severity.HINT: "36"}
_BOLD, _DIM = "1", "2"


def to_text(problem: Diagnostic, source: Source, *, color: bool = False) -> str:
    """The problem as a picture for people; `color` adds ANSI colours. An empty text gets no picture.

    >>> problem = Diagnostic("unknown-field", Span(9, 16), "`orders` has no field `custmer`", "unknown field")
    >>> print(to_text(problem, Source('open and custmer ~ "li"')))
    error[unknown-field]: `orders` has no field `custmer`
      1 | open and custmer ~ "li"
                   ^^^^^^^ unknown field
    """

    def paint(text: str, tone: str) -> str:
        return f"\x1b[{tone}m{text}\x1b[0m" if color else text

    head = paint(f"{problem.severity}[{visible(problem.code)}]", _TONES[problem.severity])
    rows = [f"{head}: {visible(problem.message)}", *_draw_place(problem, source, paint)]
    if problem.help:
        rows.append(f"{paint('help:', _BOLD)} {visible(problem.help)}")
    rows += _draw_suggestions(problem, source.text, paint)
    return "\n".join(rows)


def to_json(problem: Diagnostic, source: Source) -> dict[str, Any]:
    """The problem as plain data for programs; `utf16` holds the span as JavaScript counts it.

    >>> data = to_json(Diagnostic("unknown-field", Span(4, 7), "no field `x`"), Source('"😀" abc'))
    >>> data["span"], data["utf16"], data["line"], data["column"]
    ({'start': 4, 'end': 7}, {'start': 5, 'end': 8}, 1, 5)
    """
    text = source.text
    start = _clamp(problem.span, text).start
    line = _line_at(text, start)
    return {
        "code": problem.code,
        "severity": problem.severity.value,
        "message": problem.message,
        "label": problem.label,
        "help": problem.help,
        **offsets(problem.span, text),
        "line": line.number,
        "column": start - line.start + 1,
        "suggestions": [
            {
                "message": each.message,
                **offsets(each.span, text),
                "replacement": each.replacement,
                "safe": each.safe,
            }
            for each in problem.suggestions
        ],
    }


def json_text(value: object, indent: int | None = None) -> str:
    """JSON to look at and to copy: whatever cannot be seen, or could steer a terminal, is spelt by its escape.

    >>> print(json_text({"title": "Zoë\\x9b"}))
    {"title": "Zoë\\u009b"}
    """
    import json  # most problems are drawn without

    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return text if text.isascii() and "\x7f" not in text else _NOT_PLAIN.sub(_json_escape, text)


def _json_escape(match: re.Match[str]) -> str:
    import json

    return match[0] if _seen(match[0]) else json.dumps(match[0])[1:-1]


def utf16_offset(text: str, offset: int) -> int:
    """An offset in code points as an offset in UTF-16 units.

    >>> utf16_offset("a😀b", 2)
    3
    """
    if text.isascii():  # known of every string, so nothing is read
        return offset
    return len(text[:offset].encode("utf-16-le", "surrogatepass")) // 2


def offsets(span: Span, text: str) -> dict[str, dict[str, int]]:
    """A place in a text as plain data, in code points and as JavaScript counts it."""
    start, end = _clamp(span, text)
    return {
        "span": {"start": start, "end": end},
        "utf16": {"start": utf16_offset(text, start), "end": utf16_offset(text, end)},
    }


# The rows of a picture.


def _draw_place(problem: Diagnostic, source: Source, paint: _Paint) -> Iterator[str]:
    """The name of the text, then each line that the span touches with its carets; the last carry the label."""
    text, span = source.text, _clamp(problem.span, source.text)
    lines = _lines_under(text, span)
    if source.name:
        place = f":{lines[0].number}" if text else ""
        yield paint("  -->", _DIM) + f" {visible(source.name)}{place}"
    if not text:
        return
    digits = len(str(lines[-1].number))
    for before, line in zip([None, *lines], lines, strict=False):
        if before and line.number > before.number + 1:
            yield paint(f"  {'…':>{digits}}", _DIM)
        start, end = max(span.start, line.start), min(span.end, line.end)
        if before:  # the line's indentation is not what is wrong
            start = end - len(text[start:end].lstrip())
        shown, column, count = _excerpt(text, line, min(start, line.end), end)
        carets = "^" * count
        if line is lines[-1] and problem.label:
            carets += f" {visible(problem.label)}"
        yield paint(f"  {line.number:>{digits}} |", _DIM) + (f" {shown}" if shown else "")
        yield " " * (len("   | ") + digits + column) + paint(carets, _TONES[problem.severity])


def _draw_suggestions(problem: Diagnostic, text: str, paint: _Paint) -> Iterator[str]:
    """What each edit does; the only one also shows the line it makes, under the line as it was, where it is short."""
    for word, each in zip(["fix:", *[" or:"] * len(problem.suggestions)], problem.suggestions, strict=False):
        yield f"{paint(word, _BOLD)} {visible(each.message)}"
    if len(problem.suggestions) == 1 and (edited := _edited_line(problem.suggestions[0], text)):
        number = _lines_under(text, _clamp(problem.span, text))[-1].number
        yield paint(f"  {'->':>{len(str(number)) + 2}}", _DIM) + f" {edited}"


def _edited_line(edit: Suggestion, text: str) -> str:
    """The line as the edit leaves it, or nothing where that is long or not one line."""
    span = _clamp(edit.span, text)
    line = _line_at(text, span.start)
    size = line.end - line.start - (span.end - span.start) + len(edit.replacement)
    if span.start > line.end or span.end > line.end or size > _COLUMNS or re.search(r"[\r\n]", edit.replacement):
        return ""
    cells = _cells(text[line.start : span.start] + edit.replacement + text[span.end : line.end])
    return "".join(cell.shown for cell in cells) if sum(cell.width for cell in cells) <= _COLUMNS else ""


def _excerpt(text: str, line: _Line, start: int, end: int) -> tuple[str, int, int]:
    """The line as shown, cut around its carets where it is long; the column of the first caret, and how many."""
    near = Span(max(line.start, start - _NEAR), min(line.end, start + _NEAR))
    cells = _cells(near.of(text))
    columns = list(accumulate((cell.width for cell in cells), initial=0))
    starts = [near.start + cell.start for cell in cells] + [near.end]
    # A span that starts or ends inside an emoji or on a combining mark takes the whole of what is seen.
    caret = columns[bisect_right(starts, start) - 1]
    stop = max(caret + 1, columns[bisect_left(starts, min(end, near.end))])

    room = max((_COLUMNS - (stop - caret)) // 2, _LEAD)
    left = max(0, min(caret - room, max(columns[-1], stop) - _COLUMNS))
    first, last = bisect_left(columns, left), bisect_right(columns, left + _COLUMNS) - 1
    before = "…" if first or near.start > line.start else ""
    after = "…" if last < len(cells) or near.end < line.end else ""
    shown = before + "".join(cell.shown for cell in cells[first:last]) + after
    return shown, len(before) + caret - columns[first], max(1, min(stop, columns[last]) - caret)


# Lines.


class _Line(NamedTuple):
    """A line's number, from 1, and its range without its line break."""

    number: int
    start: int
    end: int


_LINE_END = re.compile(r"[\r\n]|\Z")


def _line_at(text: str, offset: int) -> _Line:
    """The line that holds the offset; a line break, `\\r\\n` as a whole, belongs to the line it ends."""
    if offset and text.startswith("\r\n", offset - 1):
        offset -= 1
    breaks = text.count("\n", 0, offset) + text.count("\r", 0, offset) - text.count("\r\n", 0, offset)
    start = max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1
    end = _LINE_END.search(text, offset)
    assert end
    return _Line(breaks + 1, start, end.start())


def _lines_under(text: str, span: Span) -> list[_Line]:
    """The lines that the span touches, or the first and the last of many."""
    lines = [_line_at(text, span.start)]
    last = _line_at(text, max(span.start, span.end - 1))
    if last.number - lines[0].number >= _LINES:
        return [lines[0], last]
    while (line := lines[-1]).number < last.number:
        lines.append(_line_at(text, line.end + (2 if text.startswith("\r\n", line.end) else 1)))
    return lines


def _clamp(span: Span, text: str) -> Span:
    start = min(max(span.start, 0), len(text))
    return Span(start, min(max(span.end, start), len(text)))


# Columns.


class _Cell(NamedTuple):
    """What is seen as one: where it starts in the text, how it is drawn, and its columns (never 0)."""

    start: int
    shown: str
    width: int


_PICTOGRAPH = (
    "[\xa9\xae\u203c\u2049\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001f1e5\U0001f200-\U0001faff]"
)
_PRESENTED = f"{_PICTOGRAPH}\ufe0f?[\U0001f3fb-\U0001f3ff]?"  # in colour, with a skin tone
#: An emoji of several code points (a keycap, a country's or a region's flag, a pictograph as text, a family),
#: or any one code point.
_GLYPH = re.compile(
    "[#*0-9]\ufe0f\u20e3|[\U0001f1e6-\U0001f1ff]{2}|\U0001f3f4[\U000e0061-\U000e007a]{5}\U000e007f|"
    f"{_PICTOGRAPH}\ufe0e|{_PRESENTED}(?:\u200d{_PRESENTED})*|.",
    re.DOTALL,
)
#: Variants of an ideograph, and the vowels and ends of a decomposed Korean syllable: of no width, but on letters alone.
_ATTACHED = re.compile("[\ufe00-\ufe0e\U000e0100-\U000e01ef\u1161-\u11ff\ud7b0-\ud7fb]")
#: Marks and letters without a shape: Python counts them as printable, a person does not.
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\ufe0f\uffa0")


def _seen(char: str) -> bool:
    """Whether a character shows, be it only as a mark on another."""
    return char.isprintable() and char not in _UNSEEN


#: What may need an escape where text is to be copied.
_NOT_PLAIN = re.compile("[^ -~\n]")


def visible(text: str) -> str:
    """The text on one line, with nothing in it that hides or commands.

    >>> print(visible("a\\x1b[31m\\u202e"))
    a␛[31m\\u202e
    """
    return text if text.isascii() and text.isprintable() else "".join(cell.shown for cell in _cells(text))


def stand_ins(text: str) -> Iterator[tuple[int, str]]:
    """The places of a line's characters that cannot be seen, each with what `visible` draws there.

    >>> list(stand_ins("a\\u202eb"))
    [(1, '\\\\u202e')]
    """
    if text.isascii() and text.isprintable():
        return
    for cell in _cells(text):
        if not text.startswith(cell.shown[0], cell.start):
            yield cell.start, cell.shown


def in_columns(text: str, most: int) -> tuple[str, int]:
    """The text as it is shown on one line in `most` columns, its end left out where it is longer; and its columns.

    >>> in_columns("日本語", 5), in_columns("a\\x1b", 5), in_columns("onboarding", 5)
    (('日本…', 5), ('a␛', 2), ('onbo…', 5))
    """
    if text.isascii() and text.isprintable():
        return (text, len(text)) if len(text) <= most else (text[: most - 1] + "…", most)
    shown, columns = "", 0
    cells = _cells(text[: 8 * most + 8])  # of marks without a width a cell may have many
    whole = sum(cell.width for cell in cells) <= most and len(text) <= 8 * most + 8
    for cell in cells:
        if columns + cell.width > most - (not whole):
            break
        shown, columns = shown + cell.shown, columns + cell.width
    return (shown, columns) if whole else (f"{shown}…", columns + 1)


def _cells(text: str) -> list[_Cell]:
    cells: list[_Cell] = []
    base = ""  # the glyph on which a combining mark would sit; none at the start of a line and after a stand-in
    for match in _GLYPH.finditer(text):
        glyph = match[0]
        if base and _combines(glyph, base):
            cells[-1] = cells[-1]._replace(shown=cells[-1].shown + glyph)
        elif width := _width(glyph):
            cells.append(_Cell(match.start(), glyph, width))
            base = glyph
        else:
            stand_in = _stand_in(glyph)
            cells.append(_Cell(match.start(), stand_in, len(stand_in)))
            base = ""
    return cells


def _combines(glyph: str, base: str) -> bool:
    """Whether the glyph is drawn onto the one before it."""
    if len(glyph) > 1 or glyph < "\u0300" or glyph in _UNSEEN or not glyph.isprintable():
        return False
    import unicodedata  # most queries are ASCII and never need its tables

    if _ATTACHED.match(glyph):
        return unicodedata.category(base[0]) == "Lo"
    return unicodedata.category(glyph) in ("Mn", "Me")


def _width(glyph: str) -> int:
    """The columns of a glyph that starts a cell, or 0 when it cannot be seen there."""
    if len(glyph) > 1 and glyph[1] != "\ufe0e":
        return 2
    char = glyph[0]
    if not char.isprintable() or char in _UNSEEN:
        return 0
    if char < "\u0300":
        return 1
    import unicodedata

    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def _stand_in(char: str) -> str:
    if char == "\t":
        return "    "
    if char < " ":
        return chr(0x2400 + ord(char))
    if char == "\x7f":
        return "␡"
    return f"\\u{ord(char):04x}" if char <= "\uffff" else f"\\U{ord(char):08x}"
