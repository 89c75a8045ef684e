"""Where things stand in a query's text. Offsets count code points; `rendering` knows about columns and UTF-16."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from pqlang.valueclass import frozen


class Span(NamedTuple):
    """A half-open range of code points: `text[span.start:span.end]`."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """The text under the span.

        >>> Span(2, 4).of("abcdef")
        'cd'
        """
        return text[self.start : self.end]


NOWHERE = Span(0, 0)
span_of = partial(tuple.__new__, Span)  #: the span of a pair of offsets, as a match of a regular expression gives it


@frozen
class Source:
    """A text and the name under which messages speak of it (a file, `--now`; empty for a query)."""

    text: str
    name: str = ""


@frozen
class Limits:
    """Bounds checked before any work that could grow without them; see LANGUAGE, "Limits".

    `length` counts code points of the text, `depth` counts parentheses and `not`s around a condition,
    `values` counts the values of one list, those of bound variables included.
    """

    length: int = 16_384
    depth: int = 64
    values: int = 10_000


DEFAULT_LIMITS = Limits()
MAX_DEPTH = (
    200  # the highest `depth` may be set to: passes over the tree recurse, and Python stops at a thousand frames
)
