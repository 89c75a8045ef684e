"""The commands that serve, each as a process of its own on a free port."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent


@contextmanager
def serving(*words: str, command: str = "serve") -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The command, when it has said its address, and its port."""
    line = [sys.executable, "-W", "error", "-m", "pqlang", command, "--port", "0", *words]
    with subprocess.Popen(
        line,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    ) as process:
        assert process.stdout is not None
        try:
            said = process.stdout.readline()
            found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/(?:v1)?\n", said)
            assert found, said + (process.stderr.read() if process.stderr and process.poll() is not None else "")
            yield process, int(found[1])
        finally:
            process.kill()
