"""Every bar that pqlang has set itself, beside its peers, from one run: the bar, what was measured, whether it holds.

Run it in the peers' environment (README.md beside this file). Ratios count; absolute times are this machine's.
"""

from __future__ import annotations

import gc
import math
import os
import platform
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(ROOT)]
import adapter  # noqa: E402
import bench_peers  # noqa: E402
import records  # noqa: E402
from work import PLANS  # noqa: E402

import pqlang  # noqa: E402
from pqlang import entry  # noqa: E402

ROUNDS = 3
ONE_REQUEST = ("Q1", "Q2", "Q3")  # Q4 is checked: no single request can say it


def best(names: Iterable[str], task: str = "warm") -> dict[str, dict[str, float]]:
    """Microseconds of each query, or of each size, in a process of its own: the least of all rounds.

    Each round has every name in turn, so that no one has the quiet minutes of the machine to itself.
    """
    found: dict[str, dict[str, float]] = {name: {} for name in names}
    for _ in range(ROUNDS):
        for name, row in found.items():
            for key, run in bench_peers.spawn(name, task, 120).items():
                if "min_us" in run:
                    row[str(key)] = min(run["min_us"], row.get(str(key), math.inf))
    return found


def row(figure: str, bar: str, measured: str, holds: bool) -> None:
    """One line of the table."""
    print(f"| {figure} | {bar} | {measured} | {'yes' if holds else '**no**'} |", flush=True)


WAYS = (
    ("adapter:compile", "nothing remembered", 0.9, tuple(bench_peers.QUERIES)),
    ("adapter:again", "the same text again", 0.2, ONE_REQUEST),
    ("adapter:checked_again", "the same text again", 0.2, ("Q4",)),
    ("adapter:prepared", "prepared", 0.5, ONE_REQUEST),
)


def compiling(took: dict[str, dict[str, float]]) -> None:
    """One text, the same again, and prepared: over the fastest of all peers on that query."""
    peers = [each for name, each in took.items() if name in bench_peers.PEERS]
    for way, said, bar, queries in WAYS:
        for query in queries:
            fastest, mine = min(each.get(query, math.inf) for each in peers), took[way][query]
            shown = f"{mine:.2f} µs, fastest peer {fastest:.2f}: {mine / fastest:.2f} ×"
            row(f"{query}, {said}", f"≤ {bar} ×", shown, mine / fastest <= bar)


def growing() -> None:
    """Ten to ten thousand conjuncts, and values of a list."""
    for task, said, each in (("conjuncts", "a conjunct", 3.0), ("in-list", "a value of a list", 1.0)):
        took = best(["adapter:compile"], task)["adapter:compile"]
        exponent = max(math.log10(took[large] / took[small]) for small, large in (("100", "1000"), ("1000", "10000")))
        most = max(took[size] / int(size) for size in ("100", "1000", "10000"))
        row(f"growth, {said}", "exponent ≤ 1.1", f"{exponent:.2f}", exponent <= 1.1)
        row(f"growth, {said}", f"≤ {each:.0f} µs", f"{most:.2f} µs", most <= each)


def fresh(words: list[str]) -> tuple[float, float]:
    """Milliseconds and megabytes of a whole process: the median time of 25 runs, its peak of memory."""
    runs, peak = [], 0.0
    for _ in range(25):
        start = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        runs.append((time.perf_counter() - start) * 1e3)
    code = f"{words[1]}\nprint(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).split()[1])"
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True)
    peak = int(done.stdout.split()[-1]) / 1024
    return statistics.median(runs), peak


def starting() -> None:
    """A fresh process, over a bare interpreter."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    text = 'parent_status = in_progress and owner.email ~ "%@acme%"'
    bare, least = fresh(["-c", "pass"])
    took, peak = fresh(["-c", f"import pqlang; pqlang.compile({text!r}, 'cases').filter"])
    row("import and first compile", "≤ 25 ms", f"{took - bare:.1f} ms", took - bare <= 25)
    row("import and first compile", "≤ 10 MB", f"{peak - least:.1f} MB", peak - least <= 10)
    command = f"import sys; from pqlang.cli import main; main(['compile', 'cases', {text!r}])"
    took, _ = fresh(["-c", command])
    row("`pql compile`", "≤ 35 ms", f"{took - bare:.1f} ms", took - bare <= 35)


def remembering() -> None:
    """What a remembered request takes, of 500 of the longest of the queries."""
    text = bench_peers.PQL().render(bench_peers.QUERIES["Q2"]).replace("in_progress", "in_progress{0}")

    def fill(first: int) -> None:
        for at in range(first, first + 500):
            pqlang.compile(text.format(at), adapter.ENDPOINT, target="json")

    fill(10_000)
    entry._remembered.cache_clear()
    gc.collect()
    tracemalloc.start()
    fill(0)
    gc.collect()
    each = tracemalloc.get_traced_memory()[0] / 500 / 1024
    tracemalloc.stop()
    row("memory of a remembered query (Q2)", "≤ 4 kB", f"{each:.1f} kB", each <= 4)


def planning() -> None:
    """Text to the requests that answer it, nothing remembered. The bar is for three of them."""
    for name, text in PLANS.items():
        took = micros(lambda text=text: pqlang.plan(text, "cases"), 100)
        has_bar = "of three" in name
        row(f"plan of `{text}`", "≤ 150 µs" if has_bar else "—", f"{took:.0f} µs", took <= 150 or not has_bar)


def testing() -> None:
    """Records through a predicate: microseconds where all of a record is looked at, and a million of them."""
    (_, took, _), _ = records.measure(records.passing, 100_000)["Q2"]
    row("`predicate.matches`, Q2", "≤ 5 µs", f"{took * 10:.2f} µs", took * 10 <= 5)
    for query, ((hand, took, _), _) in records.measure(records.mixed, 1_000_000).items():
        shown = f"{took:.2f} µs, by hand {hand:.2f}: {hand / took:.2f} ×"
        row(f"1,000,000 records, {query}", "≥ 0.5 × hand-written", shown, hand / took >= 0.5)


def micros(run: Callable[[], Any], loops: int) -> float:
    """Microseconds of one call: the least of forty runs."""
    runs = []
    for _ in range(40):
        start = time.perf_counter()
        for _ in range(loops):
            run()
        runs.append((time.perf_counter() - start) / loops * 1e6)
    return min(runs)


def main() -> None:
    """Print the peers, then the bars."""
    print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores\n")
    names = sys.argv[1].split(",") if len(sys.argv) > 1 else list(bench_peers.PEERS)
    took = best([*names, *(way for way, *_ in WAYS)])
    print(f"| µs, the least of {ROUNDS} runs | {' | '.join(bench_peers.QUERIES)} |\n| --- {'| ---: ' * 4}|")
    for name in sorted(names, key=lambda name: took[name].get("Q1", math.inf)):
        cells = (f"{took[name][q]:,.1f}" if q in took[name] else "—" for q in bench_peers.QUERIES)
        print(f"| {name} | {' | '.join(cells)} |")
    print("\n| figure | bar | measured | holds |\n| --- | --- | --- | --- |")
    compiling(took)
    growing()
    starting()
    remembering()
    planning()
    testing()


if __name__ == "__main__":
    main()
