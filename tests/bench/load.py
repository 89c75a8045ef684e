"""How many requests the sandbox answers, and how long they wait: eight connections, mixed queries, nothing may fail.

    python tests/bench/load.py [--records 10000] [--seconds 20] [--db URL | --postgresql]

The server is a process of its own; those who ask are another one, on the same machine.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
from databases import postgresql  # noqa: E402

import pqlang  # noqa: E402

CONNECTIONS = 8
QUERIES = (
    ("cases", ""),
    ("cases", "parent_status = in_progress and owner.email ~ '%@acme%'"),
    ("cases", "title contains onboarding order by title"),
    ("cases", "created_at > 2024-06-01 and waiting_for = contact order by updated_at desc"),
    ("cases", "contact.given_name = Ann and contact.family_name = Lee and not archived"),
    ("cases", "reference starts with KYC and archived_at is not null"),
    ("case_templates", "title contains customer and workspace.slug = acme and not archived"),
    ("forms", "flow.slug in (kyc, onboarding) and not completed and not archived"),
    ("forms", "status = completed and processed_at is null"),
)


def targets(port: int) -> list[str]:
    """Lists, deep pages and counts of each query."""
    found = []
    for endpoint, query in QUERIES:
        request = pqlang.compile(query, endpoint)
        base = f"http://127.0.0.1:{port}/v1"
        urls = [request.url(base), request.url(base, size=100), request.url(base, page=7, size=50), request.count(base)]
        found += [url.removeprefix(f"http://127.0.0.1:{port}") for url in urls]
    return found


@contextmanager
def sandbox(*words: str) -> Iterator[int]:
    command = [sys.executable, "-m", "pqlang", "sandbox", "--port", "0", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        yield urlsplit(said.strip()).port or 0
    finally:
        process.terminate()
        process.wait(30)


def ask(port: int, seed: int, until: float, waits: list[float], failures: list[str]) -> None:
    """One connection, one request after the other."""
    random, known = Random(seed), targets(port)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": "Bearer pnbx_load"}
    while time.monotonic() < until:
        target = random.choice(known)
        began = time.perf_counter()
        try:
            connection.request("GET", target, headers=headers)
            response = connection.getresponse()
            body = response.read()
            if response.status != 200 or not re.match(rb'\{"(?:meta|count)":', body):
                failures.append(f"{response.status} {target} {body[:200]!r}")
        except OSError as error:
            failures.append(f"{error} {target}")
            connection.close()
        waits.append(time.perf_counter() - began)
    connection.close()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", default="10000")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--db")
    parser.add_argument("--postgresql", action="store_true", help="start a server for it")
    options = parser.parse_args()
    with postgresql() if options.postgresql else nullcontext(options.db) as db:
        words = ["--records", options.records, *(["--db", db] if db else [])]
        with sandbox(*words) as port:
            waits: list[float] = []
            failures: list[str] = []
            until = time.monotonic() + options.seconds
            askers = [
                threading.Thread(target=ask, args=(port, seed, until, waits, failures)) for seed in range(CONNECTIONS)
            ]
            began = time.monotonic()
            for each in askers:
                each.start()
            for each in askers:
                each.join()
            took = time.monotonic() - began
    waits.sort()
    figures = {
        "records": int(options.records),
        "connections": CONNECTIONS,
        "requests": len(waits),
        "per second": round(len(waits) / took),
        "median ms": round(waits[len(waits) // 2] * 1_000, 1),
        "p99 ms": round(waits[int(len(waits) * 0.99)] * 1_000, 1),
        "longest ms": round(waits[-1] * 1_000, 1),
        "failed": len(failures),
    }
    print(json.dumps(figures, indent=2))
    for failure in failures[:5]:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
