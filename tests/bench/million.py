"""What it costs to count and to fetch from a million cases: time, pages and peak memory of the client's process.

    python tests/bench/million.py                        a million cases in SQLite, in a folder of their own
    python tests/bench/million.py --records 50000        fewer
    python tests/bench/million.py --db postgresql://…    in PostgreSQL

The sandbox and each measured client are processes of their own, so that neither's memory counts as the other's.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent)]

UNION = "parent_status = draft or waiting_for = contact or locale = fr"
TASKS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "count, 3 requests": ("count", UNION, {}),
    "count, records tested": ("count", f"({UNION}) and title not contains e", {}),
    "fetch, 3 requests": ("fetch", UNION, {}),
    "fetch, 3 requests, the first 1,000": ("fetch", UNION, {"limit": 1_000}),
    "fetch, 3 requests, order by title": ("fetch", f"({UNION}) order by title", {}),
    "fetch, 1 request": ("fetch", "id is not null", {}),
}


def serve(db: str, records: int) -> None:
    """Fill the database with cases alone, say the port, answer until ended."""
    import socket

    import uvicorn

    from pqlang import PENBOX, Schema
    from pqlang.sandbox.app import create_app
    from pqlang.sandbox.records import generate
    from pqlang.sandbox.storage import Storage

    schema = Schema(PENBOX.api, PENBOX.endpoints[:1])
    storage = Storage(schema, db)
    start = time.perf_counter()
    if not storage.holds(records):
        storage.create()
        storage.load(schema.endpoints[0], generate(schema.endpoints[0], records, 1))
        storage.finish(records)
    loaded = time.perf_counter() - start
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        print(json.dumps({"port": listener.getsockname()[1], "loaded": loaded}), flush=True)
        config = uvicorn.Config(create_app(storage), log_level="warning", access_log=False, lifespan="off")
        uvicorn.Server(config).run(sockets=[listener])


def measure(task: str, port: int) -> None:
    """Do one task, and say what it came to and what it took."""
    import warnings

    from pqlang import Client, PqlWarning

    warnings.simplefilter("ignore", PqlWarning)
    kind, query, options = TASKS[task]
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.perf_counter()
    first, pages = 0.0, 0
    with Client("pnbx_bench", f"http://127.0.0.1:{port}/v1") as client:
        if kind == "count":
            found = client.count(query, "cases")
        else:
            found = 0
            reading = client.fetch(query, "cases", **options)
            for _ in reading:
                first = first or time.perf_counter() - start
                found += 1
            pages = reading.progress.pages
    took = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    peak, base = used.ru_maxrss / 1024, before.ru_maxrss / 1024
    print(
        json.dumps({"found": found, "pages": pages, "first": first, "s": took, "cpu": cpu, "peak": peak, "base": base})
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--db", help="a file of SQLite's or a URL; a file that goes when it is done if not given")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.db, options.records)
        return
    if options.measure:
        measure(options.measure[0], int(options.measure[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        db = options.db or os.path.join(folder, "cases.db")
        words = [sys.executable, __file__, "--serve", "--db", db, "--records", str(options.records)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            started = json.loads(server.stdout.readline())
            print(f"{options.records:,} cases, written in {started['loaded']:,.1f} s\n")
            print("| task | records | pages | first record | whole | client's own CPU | peak memory |")
            print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
            try:
                for task in TASKS:
                    words = [sys.executable, __file__, "--measure", task, str(started["port"])]
                    done = json.loads(subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout)
                    pages = f"{done['pages']:,}" if done["pages"] else "—"
                    first = f"{done['first']:.2f} s" if done["first"] else "—"
                    print(
                        f"| {task} | {done['found']:,} | {pages} | {first} | {done['s']:,.1f} s "
                        f"| {done['cpu']:,.1f} s | {done['peak']:,.0f} MB, {done['base']:,.0f} before |",
                        flush=True,
                    )
            finally:
                server.terminate()


if __name__ == "__main__":
    main()
