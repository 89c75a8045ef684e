"""What pqlang costs as queries grow, and in a fresh process. Ratios count; absolute times are this machine's."""

from __future__ import annotations

import math
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent)]
import adapter  # noqa: E402

SHAPES: dict[str, Callable[[int], str]] = {
    "`and` of bounds": lambda n: " and ".join(f"field{i % 10} > {i}" for i in range(n)),
    "`and` of `!=`": lambda n: " and ".join(f"size != {i}" for i in range(n)),
    "`or` over fields": lambda n: " or ".join(f"field{i % 10} = {i}" for i in range(n)),
    "`not` of groups": lambda n: " and ".join(f"not (size = {i} or field2 = {i})" for i in range(n)),
    "values of a list": lambda n: f"team.id in ({', '.join(map(str, range(n)))})",
    "unknown fields": lambda n: " and ".join(f"feild{i} = {i}" for i in range(n)),
}


def took(text: str) -> float:
    """Seconds, the best of five."""
    runs = []
    for _ in range(5):
        start = time.perf_counter()
        adapter.reference(text)
        runs.append(time.perf_counter() - start)
    return min(runs)


def fresh(code: str) -> float:
    """Milliseconds of a whole process, the median of fifteen."""
    runs = []
    for _ in range(15):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, cwd=HERE.parent.parent)
        runs.append((time.perf_counter() - start) * 1e3)
    return statistics.median(runs)


def main() -> None:
    """Print both tables."""
    print(f"Python {platform.python_version()}, {platform.machine()}\n")
    print("| what grows | 100 | 1,000 | exponent |\n| --- | --- | --- | --- |")
    for name, shape in SHAPES.items():
        small, large = took(shape(100)), took(shape(1000))
        print(f"| {name} | {small * 1e3:.2f} ms | {large * 1e3:.1f} ms | {math.log10(large / small):.2f} |")
    bare = fresh("pass")
    print("\n| fresh process, over a bare interpreter | ms |\n| --- | --- |")
    once = "import pqlang; pqlang.compile('parent_status = in_progress', 'cases').filter"
    command = "import sys; from pqlang.cli import main; main(['compile', 'cases', 'parent_status = draft'])"
    for name, code in (("`import pqlang` and a first compile", once), ("`pql compile`", f"{command} #")):
        quiet = f"import sys, io; out, sys.stdout = sys.stdout, io.StringIO()\n{code}"
        print(f"| {name} | {fresh(quiet) - bare:.0f} |")


if __name__ == "__main__":
    main()
