"""PostgreSQL for the tests: a server of their own on loopback, with its own data folder, gone when they are done."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Unavailable(Exception):
    """There is no PostgreSQL here; the message says why."""


@contextmanager
def postgresql() -> Iterator[str]:
    """A running server, as the URL of its database. It is stopped, and its files removed, at the end."""
    programs = _programs()
    account = _account()
    folder = Path(tempfile.mkdtemp(prefix="pqlang-postgresql-"))
    try:
        if account:
            shutil.chown(folder, account["user"], account["group"])
        data, port = folder / "data", _free_port()
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off"
        start = [programs / "pg_ctl", "-D", data, "-o", options, "-w", "-t", "60", "-l", folder / "log", "start"]
        _run(
            programs / "initdb", "-D", data, "-A", "trust", "-U", "pqlang", "-E", "UTF8", "--locale=C.UTF-8", **account
        )
        _run(*start, **account)
        try:
            yield f"postgresql+psycopg://pqlang@127.0.0.1:{port}/postgres"
        finally:
            _run(programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop", **account)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """Debian keeps the server's programs outside the path."""
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for place in places:
        if (place / "initdb").exists() and (place / "pg_ctl").exists():
            return place
    raise Unavailable("PostgreSQL is not installed: `sh .ci/setup dev` installs it on Debian")


def _account() -> dict[str, Any]:
    """The server refuses to run as root: then it runs as somebody else."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": found.pw_name, "group": found.pw_gid, "extra_groups": []}
    raise Unavailable("PostgreSQL does not run as root, and there is no account to run it as")


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port


def _run(*words: object, **account: Any) -> None:
    done = subprocess.run(
        [str(each) for each in words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        close_fds=True,
        cwd="/",
        timeout=120,
        **account,
    )
    if done.returncode:
        raise Unavailable(f"PostgreSQL does not start: {done.stdout.decode(errors='replace')[-500:]}")
