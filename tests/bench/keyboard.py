"""What a keystroke costs: tokens, check and completion of queries of two hundred characters, in microseconds.

    python tests/bench/keyboard.py

Each is timed at every length from one character on, as if it were typed; absolute times are this machine's.
"""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

import pqlang

LENGTH = 200
ROUNDS = 20
RIGHT = (
    "parent_status in (in_progress, pending) and owner.email ~ '%@acme.com' and created_at > now-7d and not archived "
    "and (title contains onboarding or reference starts with A-12) and updated_at on 2024 order by created_at",
    "status = draft or (contact.given_name = Ann and contact.family_name = 'van der Berg') or waiting_for is not null "
    "or created_at between 2024-01-01 and 2024-02-01T09:30:00Z or not (locale = fr or locale = en) and reference != x",
)
WRONG = (
    'title = "Annual review, with “curly” quotes and some wrods" && emial = ann@acme.com or parent_status => drft '
    "or created_at > last 7 days and (reference = A-12 or x in [a, b] and title like%acme% or waiting_for is empty) )",
)
TIMED: dict[str, Callable[[str], object]] = {
    "`tokens`": pqlang.tokens,
    "`check`": lambda text: pqlang.check(text, "cases", mode="search"),
}


def typed(work: Callable[[str], object], query: str, lengths: range) -> list[float]:
    """Microseconds at each length of the query, the best of some rounds, the fastest first."""
    best = []
    for length in lengths:
        text = query[:length]
        runs = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            work(text)
            runs.append(time.perf_counter() - start)
        best.append(min(runs) * 1e6)
    return sorted(best)


def at_every_cursor(query: str) -> list[float]:
    """Microseconds of completion at each cursor of the query, the best of some rounds."""
    best = []
    for cursor in range(len(query) + 1):
        runs = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            pqlang.complete(query, cursor, "cases")
            runs.append(time.perf_counter() - start)
        best.append(min(runs) * 1e6)
    return best


def main() -> None:
    """Print the table."""
    print(f"Python {platform.python_version()}, {platform.machine()}\n")
    print("| µs | the whole query | while typing, half of the keys | 95 % of the keys |\n" + "| --- " * 4 + "|")
    for name, work in TIMED.items():
        for queries, kind in ((RIGHT, "right"), (WRONG, "full of mistakes")):
            whole = max(typed(work, query, range(LENGTH, LENGTH + 1))[0] for query in queries)
            keys = sorted(each for query in queries for each in typed(work, query, range(1, LENGTH + 1)))
            print(f"| {name}, {kind} | {whole:.0f} | {keys[len(keys) // 2]:.0f} | {keys[len(keys) * 95 // 100]:.0f} |")
    for queries, kind in ((RIGHT, "right"), (WRONG, "full of mistakes")):
        keys = sorted(each for query in queries for each in at_every_cursor(query[:LENGTH]))
        half, most = keys[len(keys) // 2], keys[len(keys) * 95 // 100]
        print(f"| `complete` at every cursor, {kind} | {keys[-1]:.0f} (the dearest) | {half:.0f} | {most:.0f} |")


if __name__ == "__main__":
    main()
