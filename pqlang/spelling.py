"""How names and values are spelt so that the grammar reads them back: bare where it can, quoted where it must."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from pqlang._tables import KINDS, PATTERNS


def quote(text: str) -> str:
    """The text in double quotes, with the escapes it needs and any invisible character made visible.

    >>> print(quote('say "hi"'))
    "say \\"hi\\""
    """
    escaped = _ESCAPED.sub(lambda match: _SHORT.get(match[0]) or f"\\u{ord(match[0]):04x}", text)
    return f'"{escaped}"'


def bare(text: str) -> str:
    """The text as a word where it is one, else in quotes.

    >>> bare("acme-corp"), bare("Ann Lee")
    ('acme-corp', '"Ann Lee"')
    """
    return text if is_word(text) else quote(text)


def is_word(text: str) -> bool:
    """Whether the text stands without quotes as one value."""
    return (text.isidentifier() and text.isascii() and len(text) > 3) or any(
        pattern.fullmatch(text) is not None for pattern in _value_words()
    )


def name(parts: Iterable[str]) -> str:
    """A field's name: parts joined by dots, in backticks where a part could not stand alone.

    >>> name(("owner", "email")), name(("a.b", "c"))
    ('owner.email', '`a.b`.c')
    """
    parts = tuple(parts)
    first, *rest = parts
    alone = "." not in first and "[" not in first and _plain_name().fullmatch(first)
    spelt = [first if alone else f"`{first}`"]
    spelt += [part if part == "" or _plain_part().fullmatch(part) else f"`{part}`" for part in rest]
    return ".".join(spelt)


@cache
def _value_words() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(PATTERNS[KINDS.index(kind)]) for kind in ("WORD", "RELATIVE"))


@cache
def _plain_name() -> re.Pattern[str]:
    return re.compile(PATTERNS[KINDS.index("FIELD")])


@cache
def _plain_part() -> re.Pattern[str]:
    """A part after a dot: what a name may hold, the signs it may not start with included."""
    return re.compile(rf"(?![.])(?:(?!\.)(?:{_character_of_names()}))+")


@cache
def _character_of_names() -> str:
    """The grammar's class of characters in a name: the first class of the pattern for names, without its lookahead."""
    pattern = PATTERNS[KINDS.index("FIELD")]
    return pattern[pattern.index("[^\\x00-") : pattern.index("]", pattern.index("'=<>!~")) + 1]


_ESCAPED = re.compile('["\\\\\x00-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]')
_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
