"""Patterns of `like`: `%` any characters, `_` one, `\\` makes the next one literal."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"[%_\\]")
_WILDCARD = re.compile(r"(?:[^\\%_]|\\[\s\S])*[%_]")
_PART = re.compile(r"%((?:[^\\%_]|\\[\s\S])*)%")
_ENDS = re.compile(r"(%*)((?:[^\\%_]|\\[\s\S])*)(%*)")


def escape(text: str) -> str:
    """The pattern that matches this text and nothing else.

    >>> print(escape("100%"))
    100\\%
    """
    return _SPECIAL.sub(r"\\\g<0>", text)


def has_wildcard(pattern: str) -> bool:
    """Whether a `%` or `_` in it is a wildcard."""
    return _WILDCARD.match(pattern) is not None


def ends_in_backslash(pattern: str) -> bool:
    """Whether its last backslash escapes nothing."""
    return (len(pattern) - len(pattern.rstrip("\\"))) % 2 == 1


def part_of(pattern: str) -> str | None:
    """The literal text of a pattern that asks for a part, `%text%`; None for any other.

    >>> part_of("%50\\\\%%"), part_of("a%")
    ('50%', None)
    """
    match = _PART.fullmatch(pattern)
    return re.sub(r"\\([\s\S])", r"\1", match[1]) if match else None


def ends_of(pattern: str) -> tuple[bool, str, bool] | None:
    """The literal text of a pattern with no wildcard but `%` at its ends, and whether one stands before and behind it.

    >>> ends_of("50\\\\%%"), ends_of("%a%"), ends_of("a_")
    ((False, '50%', True), (True, 'a', True), None)
    """
    match = _ENDS.fullmatch(pattern)
    return (match[1] != "", re.sub(r"\\([\s\S])", r"\1", match[2]), match[3] != "") if match else None


def literal_length(pattern: str) -> int:
    """How many characters of a pattern stand for themselves: the more, the fewer texts match.

    >>> literal_length("%50\\\\%%")
    3
    """
    return len(re.sub(r"\\([\s\S])|[%_]", lambda match: "x" if match[1] else "", pattern))
