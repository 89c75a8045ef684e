"""Count the work of the paths that are to stay quick: calls, and modules imported. Exit status 1 above a budget.

Counts do not depend on how busy a machine is, so `.ci/run` runs this. A budget leaves a tenth or so above what was
counted when it was set; whoever raises one says why. Calls are those of functions, Python's and C's.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(ROOT)]
import adapter  # noqa: E402
import records  # noqa: E402

import pqlang  # noqa: E402

Q1 = 'parent_status = in_progress and owner.email ~ "%@acme%"'
Q2 = (
    'parent_status = in_progress and owner.email ~* "%@acme%" and created_at >= 2024-01-01'
    " and updated_at < 2024-06-30T12:00:00Z and deleted_at is null and account.seats > 25"
)
Q3 = "parent_status = in_progress"
Q4 = (
    'status = active or status = pending or (priority >= 3 and not (owner.email ~ "%@spam%"))'
    ' or (kind = bug and created_at > 2024-05-05) or owner.name = "Ann Lee" or team.id in (1, 2, 3)'
)
PLANS = {
    "an `or` of three": "parent_status = draft or waiting_for = contact or locale = fr",
    "an `or` of three, a pattern": 'title ~ "a%" or owner.email = "x@y.be" or created_at > 2024-01-01',
    "an `or` in an `and`": "not archived and (parent_status = draft or owner.email = ann@acme.com)",
}
RECORD = records.passing(Random(1), 1)
PREDICATES = {name: pqlang.predicate(query, records.ENDPOINT) for name, query in records.QUERIES.items()}
LONG = " and ".join(f"field{at % 10} > {at}" for at in range(100))
LISTED = f"team.id in ({', '.join(map(str, range(100)))})"

#: What is run, and the calls it may take.
CALLS: dict[str, tuple[Callable[[], Any], int]] = {
    "compile Q1": (lambda: adapter.compile(Q1), 42),
    "compile Q2": (lambda: adapter.compile(Q2), 100),
    "compile Q3": (lambda: adapter.compile(Q3), 26),
    "check Q4": (lambda: adapter.compile(Q4), 125),
    "compile 100 conjuncts": (lambda: adapter.compile(LONG), 1_800),
    "check a list of 100": (lambda: adapter.compile(LISTED), 560),
    "Q1 again": (lambda: adapter.again(Q1), 11),
    "Q1 prepared": (lambda: adapter.prepared(Q1), 25),
    "Q1, the reference way": (lambda: adapter.reference(Q1), 270),
    "Q4, the reference way": (lambda: adapter.reference(Q4), 1_600),
    "plan an `or` of three": (lambda: pqlang.plan(PLANS["an `or` of three"], "cases"), 620),
    "plan three with a pattern": (lambda: pqlang.plan(PLANS["an `or` of three, a pattern"], "cases"), 630),
    "plan an `or` in an `and`": (lambda: pqlang.plan(PLANS["an `or` in an `and`"], "cases"), 810),
    "Q2 of a record": (lambda: PREDICATES["Q2"].matches(RECORD), 17),
    "Q3 of a record": (lambda: PREDICATES["Q3"].matches(RECORD), 5),
    "to-many of a record": (lambda: PREDICATES["to-many"].matches(RECORD), 10),
}
#: What a fresh process runs, and the modules of pqlang, or of what it stands on, that it may import.
IMPORTS: dict[str, tuple[str, int]] = {
    "a first compile": (f"import pqlang; pqlang.compile({Q1!r}, 'cases').filter", 58),
    "`pql compile`": (f"from pqlang.cli import main; main(['compile', 'cases', {Q1!r}])", 68),
}
#: What neither imports: they are dear, and nothing on the way of a plain query needs them.
DEAR = {"pydantic", "lark", "dataclasses", "inspect", "asyncio", "logging", "zoneinfo", "pqlang.compiler", "shutil"}


def calls(run: Callable[[], Any]) -> int:
    """How many functions are called, once everything is warm."""
    run()
    run()
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(None)
    return count


def imported(code: str) -> set[str]:
    """The modules that a fresh process imports for it, beside those of a bare interpreter."""
    ask = "\nprint(*sys.modules, file=sys.stderr)"
    listed = [
        subprocess.run(
            [sys.executable, "-c", f"import sys\n{body}{ask}"], check=True, capture_output=True, text=True, cwd=ROOT
        ).stderr.split()
        for body in ("pass", code)
    ]
    return {*listed[1]} - {*listed[0]}


def main() -> int:
    """Print each count beside its budget."""
    over = 0
    for name, (run, budget) in CALLS.items():
        counted = calls(run)
        over += counted > budget
        print(f"{name:<28}{counted:>7} calls of {budget}{'  OVER' if counted > budget else ''}")
    for name, (code, budget) in IMPORTS.items():
        modules = imported(code)
        wrong = sorted(modules & DEAR)
        over += len(modules) > budget or bool(wrong)
        print(f"{name:<28}{len(modules):>7} modules of {budget}{'  OVER' if len(modules) > budget else ''}", *wrong)
    assert pqlang.check(Q4, adapter.ENDPOINT) == []  # what is counted is what is meant
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
