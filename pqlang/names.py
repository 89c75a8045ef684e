"""Which name was meant: ranking by likeness, over whole paths, last parts and beginnings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache


def close_names(written: str, names: Sequence[str]) -> list[str]:
    """Names ranked by how likely `written` was meant to be each: over whole paths, last parts and beginnings.

    >>> close_names("email", ["owner.email", "title", "reference"])
    ['owner.email']
    """
    return list(_close(written[:100], tuple(names)))


@lru_cache(256)  # who types on meets the same wrong name at every key
def _close(written: str, names: tuple[str, ...]) -> tuple[str, ...]:
    wanted = _squeeze(written)
    if not wanted:
        return ()
    scored = sorted(((_likeness(wanted, name), -at, name) for at, name in enumerate(names)), reverse=True)
    best = scored[0][0] if scored else 0.0
    enough = 0.7 if len(wanted) > 4 else 0.8  # short words are like one another by chance
    return tuple(name for score, _, name in scored if score >= max(enough, best - 0.15))[:3]


def _likeness(wanted: str, name: str) -> float:
    whole, last = _squeeze(name), _squeeze(name.rpartition(".")[2])
    if wanted == whole:
        return 1.2
    if wanted == last or wanted.rstrip("s") == last.rstrip("s"):
        return 1.1
    score = max(_ratio(wanted, whole), _ratio(wanted, last) - 0.05)
    if len(wanted) > 1 and (whole.startswith(wanted) or last.startswith(wanted)):
        score = max(score, 0.8) + 0.1
    return score


def close_matches(written: str, names: Iterable[str], most: int) -> list[str]:
    """The names most like a word, letter by letter, the likest first."""
    from difflib import get_close_matches

    return get_close_matches(written[:100], names, most)


def _ratio(left: str, right: str) -> float:
    from difflib import SequenceMatcher  # only a wrong name is compared

    matcher = SequenceMatcher(None, left, right, autojunk=False)
    return matcher.ratio() if matcher.real_quick_ratio() > 0.6 and matcher.quick_ratio() > 0.6 else 0.0


def _squeeze(name: str) -> str:
    return name[:100].lower().replace("_", "").replace(".", "").replace("-", "")


# What is being typed

LIKELY = 5  # worse than any likeness: only close to what is typed


def likeness(typed: str, label: str) -> int | None:
    """How well a label goes on from what was typed, 0 the best; None where it does not.

    0 it starts so, 1 its last part does, 2 another of its words does, 3 it holds it, 4 its letters in this order.

    >>> [likeness("ema", name) for name in ("email", "owner.email", "user_email", "schema", "e.m.a", "title")]
    [0, 1, 2, 3, 4, None]
    """
    written, name = typed.lower(), label.lower()
    if name.startswith(written):
        return 0
    if not written[:1].isalnum():
        return None
    last = name.rpartition(".")[2]
    if last.startswith(written):
        return 1
    if any(word.startswith(written) for word in _WORDS.split(name)):
        return 2
    if len(written) < 2:
        return None
    if written in name:
        return 3
    letters = iter(name)
    return 4 if name[:1] == written[0] and all(letter in letters for letter in written) else None


_WORDS = re.compile(r"[\s._-]+")
