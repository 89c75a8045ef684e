"""`pql fetch` and `pql count`: a query asked of the API, its records or their number written down.

Records go to stdout as they come. How far it is goes to stderr, and only to a terminal.
"""

from __future__ import annotations

import io
import logging
import os
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from pqlang import compiler, entry
from pqlang.counting import counting_plan
from pqlang.diagnostics import REMOTE, Diagnostic, PqlError, PqlWarning
from pqlang.printer import Column, Csv, JsonLines, Printer, Table, columns_of, json_line, unknown_columns
from pqlang.rendering import to_json
from pqlang.schema import Endpoint
from pqlang.source import Source

if TYPE_CHECKING:
    from pqlang.client import Client, Progress
    from pqlang.plans import Plan

OK, WRONG_QUERY, USAGE, REMOTE_FAILED = 0, 1, 2, 3
Report = Callable[[Sequence[Diagnostic], Source], None]


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done with each query: how it is read, whom it is asked of, what is printed and where."""

    endpoint: Endpoint
    reads: Mapping[str, Any]  # keywords of `plan`
    report: Report
    concurrency: int = 4
    strict: bool = False
    dry_run: bool = False
    out: TextIO = field(default_factory=lambda: _open(sys.stdout))
    err: TextIO = field(default_factory=lambda: _open(sys.stderr))


def _open(stream: TextIO | None) -> TextIO:
    """The stream, or where it was closed by who called, one that leads nowhere."""
    return io.StringIO() if stream is None else stream


def fetch(
    queries: Iterable[str],
    job: Job,
    *,
    format: str | None = None,
    fields: str | None = None,
    limit: int | None = None,
    guard: bool = False,
) -> int:
    """Write the records of each query, one query's after the other's; the status to exit with."""
    if job.dry_run:
        return _each(queries, job, lambda query: _explain(query, compiler.plan(query, job.endpoint, **job.reads), job))
    columns = columns_of(fields, job.endpoint)
    printer = _printer(job.out, format, columns, fields is not None, guard)
    met: set[str] = set()
    with _client(job) as client:

        def run(query: str) -> None:
            records = client.fetch(query, job.endpoint, limit=limit, strict=job.strict, **job.reads)
            job.report(records.diagnostics, Source(query))
            told = len(records.diagnostics)
            line = _Line(job.err)
            try:
                while batch := records.batch():
                    for record in batch:
                        met.update(record)
                    line.clear()
                    printer.write(batch)
                    job.out.flush()
                    line.draw(records.progress)
            finally:
                line.clear()
                records.close()
                job.report(records.diagnostics[told:], Source(query))

        status = _each(queries, job, run)
    if status == OK and not isinstance(printer, JsonLines):
        printer.write([])  # the header, where there is no record
    if fields is not None and met:
        for said in unknown_columns(columns, job.endpoint, frozenset(met)):
            print(f"pql: {said}", file=job.err)
    return status


def count(queries: Iterable[str], job: Job, *, by: str | None = None, as_json: bool = False) -> int:
    """Write how many records each query means, or how many for each value of `by`; the status to exit with."""
    if job.dry_run:
        return _each(
            queries, job, lambda query: _explain_count(query, counting_plan(query, job.endpoint, **job.reads), job)
        )
    with _client(job) as client:

        def run(query: str) -> None:
            noted = entry.check(query, job.endpoint, **_without_plan(job.reads))
            groups: Mapping[str | None, int] | None = None
            with warnings.catch_warnings(record=True) as met:
                warnings.simplefilter("always", PqlWarning)
                if by is None:
                    number = client.count(query, job.endpoint, strict=job.strict, **job.reads)
                else:
                    groups = client.count_by(query, job.endpoint, by, strict=job.strict, **job.reads)
                    number = sum(groups.values())
            if as_json:
                _write_json(job.out, noted, query, count=number, **({} if groups is None else {"by": _values(groups)}))
            else:
                job.report(noted, Source(query))
                _write_counts(job.out, number, groups)
            job.out.flush()
            for each in met:
                print(f"warning: {each.message}", file=job.err)

        return _each(queries, job, run, as_json=as_json)


def _values(groups: Mapping[str | None, int]) -> list[dict[str, Any]]:
    """The most frequent first."""
    ordered = sorted(groups.items(), key=lambda each: (-each[1], str(each[0])))
    return [{"value": value, "count": number} for value, number in ordered]


def _write_json(out: TextIO, diagnostics: Sequence[Diagnostic], query: str, **found: Any) -> None:
    problems = [to_json(each, Source(query)) for each in diagnostics]
    out.write(json_line({"ok": bool(found), **found, "diagnostics": problems}) + "\n")


def _write_counts(out: TextIO, number: int, groups: Mapping[str | None, int] | None) -> None:
    if groups is None:
        out.write(f"{number}\n")
        return
    rows = [each | {"value": "(null)" if each["value"] is None else each["value"]} for each in _values(groups)]
    Table(out, [Column(name, (name,)) for name in ("value", "count")], _width(out), all_columns=True).write(rows)


def _without_plan(reads: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in reads.items() if name not in ("target", "max_requests", "broaden")}


def _each(queries: Iterable[str], job: Job, run: Callable[[str], None], *, as_json: bool = False) -> int:
    """Run each query; the worst status of all. What is wrong with the call, or with the remote side, ends it."""
    status = OK
    for query in queries:
        try:
            run(query)
        except PqlError as error:
            if as_json:
                _write_json(job.out, error.diagnostics, query)
            else:
                job.report(error.diagnostics, error.source)
            job.out.flush()
            status = status_of(error)
            if status != WRONG_QUERY:
                return status
    return status


def status_of(error: PqlError) -> int:
    """What to exit with: the remote side's fault, the query's or, where no text of a query is shown, the call's."""
    if any(problem.code in REMOTE for problem in error.diagnostics):
        return REMOTE_FAILED
    return WRONG_QUERY if error.source.text or not error.source.name else USAGE


def _explain(query: str, plan: Plan, job: Job) -> None:
    job.report(plan.diagnostics, Source(query))
    print(plan.explain(), file=job.out)


def _explain_count(query: str, plan: Plan, job: Job) -> None:
    """The requests, and whether their counts add up or their records are fetched and counted here."""
    _explain(query, plan, job)
    if plan.exact and (plan.disjoint or len(plan.requests) < 2):
        said = "Each is asked for its number alone, and the numbers are added."
    else:
        said = "Their records are fetched and counted here: their numbers do not add up to that of the query."
    if plan.requests:
        print(f"\n{said}", file=job.out)


def _client(job: Job) -> Client:
    from pqlang.client import Client  # the extra `client`; an explanation needs none

    # what it retries it logs, and a logger that nobody listens to prints; only a library's user wants to hear it
    logging.getLogger("stamina").addHandler(logging.NullHandler())
    return Client(concurrency=job.concurrency)


def _printer(out: TextIO, format: str | None, columns: Sequence[Column], chosen: bool, guard: bool) -> Printer:
    """A table on a terminal and JSON lines elsewhere, unless a format is asked for."""
    terminal = out.isatty()
    match format or ("table" if terminal else "jsonl"):
        case "jsonl":
            return JsonLines(out, columns if chosen else None)
        case "csv":
            return Csv(out, columns, guard=guard, show=terminal)
        case _:
            return Table(out, columns, _width(out), all_columns=chosen)


def _width(out: TextIO) -> int | None:
    """The columns of the terminal, or of `COLUMNS`; None where nothing bounds a line."""
    columns = shutil.get_terminal_size((0, 0)).columns if out.isatty() or "COLUMNS" in os.environ else 0
    return columns or None


class _Line:
    """The line on stderr that says how far it is, drawn over itself; nothing where that is no terminal."""

    def __init__(self, err: TextIO) -> None:
        self._err = err if err.isatty() else None
        self._start = time.monotonic()
        self._drawn = False

    def draw(self, progress: Progress) -> None:
        """Say how far it is."""
        if self._err is None:
            return
        seconds = max(time.monotonic() - self._start, 0.001)
        of = "" if progress.expected is None else f" of {progress.expected:,}"
        pages = f"{progress.pages:,} page{'s' * (progress.pages != 1)}"
        self._err.write(
            f"\r\x1b[K{pages}, {progress.fetched:,}{of} records fetched, {progress.yielded:,} kept, "
            f"{progress.fetched / seconds:,.0f}/s"
        )
        self._err.flush()
        self._drawn = True

    def clear(self) -> None:
        """Take it away, so that something else can be written."""
        if self._err is not None and self._drawn:
            self._err.write("\r\x1b[K")
            self._err.flush()
            self._drawn = False
