"""What a predicate costs on a record, beside a function written by hand that tests the same.

    python tests/bench/records.py                     a million records, half a minute
    python tests/bench/records.py --records 100000    fewer

Each record is made for the run and looked at once by each. They come as JSON brings them: times as text, nulls, people
without an account. The functions by hand are what an engineer writes who knows which keys are always there and how the
times are written; a predicate takes nothing for granted. What is unknown because of a null is left out by both.
"""

from __future__ import annotations

import argparse
import gc
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent)]
import adapter  # noqa: E402

import pqlang  # noqa: E402
from pqlang import predicate_code  # noqa: E402
from pqlang.evaluator import selector  # noqa: E402
from pqlang.schema import Field, FieldType  # noqa: E402
from pqlang.valueclass import replace  # noqa: E402

PEOPLE = (Field(f"people.{name}", FieldType.STRING, relation="people", to_many=True) for name in ("given", "family"))
FIELDS = (*adapter.ENDPOINT.fields, *PEOPLE)
ENDPOINT = replace(adapter.ENDPOINT, fields=tuple(replace(each, record=tuple(each.name.split("."))) for each in FIELDS))
QUERIES = {
    "Q1": 'parent_status = in_progress and owner.email ~ "%@acme%"',
    "Q2": 'parent_status = in_progress and owner.email ~* "%@acme%" and created_at >= 2024-01-01 '
    "and updated_at < 2024-06-30T12:00:00Z and deleted_at is null and account.seats > 25",
    "Q3": "parent_status = in_progress",
    "to-many": "people.given = Ann and people.family = Lee and deleted_at is null",
}
SINCE, UNTIL = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 6, 30, 12, tzinfo=UTC)
Record = dict[str, Any]


# By hand


def q1(record: Record) -> bool:
    return (
        record["parent_status"] == "in_progress"
        and (owner := record["owner"]) is not None
        and (email := owner["email"]) is not None
        and "@acme" in email
    )


def q2(record: Record) -> bool:
    return (
        record["parent_status"] == "in_progress"
        and (owner := record["owner"]) is not None
        and (email := owner["email"]) is not None
        and "@acme" in email.lower()
        and (created := record["created_at"]) is not None
        and datetime.fromisoformat(created) >= SINCE
        and (updated := record["updated_at"]) is not None
        and datetime.fromisoformat(updated) < UNTIL
        and record["deleted_at"] is None
        and (account := record["account"]) is not None
        and (seats := account["seats"]) is not None
        and seats > 25
    )


def q3(record: Record) -> bool:
    return record["parent_status"] == "in_progress"


def to_many(record: Record) -> bool:
    return record["deleted_at"] is None and any(
        each["given"] == "Ann" and each["family"] == "Lee" for each in record["people"]
    )


BY_HAND: dict[str, Callable[[Record], bool]] = {"Q1": q1, "Q2": q2, "Q3": q3, "to-many": to_many}


# Records


HOSTS = ("acme.com", "Acme.be", "x.org")


def mixed(random: Random, at: int) -> Record:
    """A record as it may come: one in two hundred passes Q2, and most are decided by their first value."""

    def moment() -> str:
        return f"202{random.choice('3445')}-{random.randint(1, 12):02}-{random.randint(1, 28):02}T10:{at % 60:02}:00Z"

    names = ("Ann", "Bob", "Cid", "Lee", "Roe", None)
    return {
        "id": at,
        "parent_status": random.choice(("draft", "pending", "in_progress", "closed")),
        "owner": random.choice((None, {"email": f"u{at}@{random.choice(HOSTS)}"}, {"email": None})),
        "created_at": moment(),
        "updated_at": random.choice((None, moment(), moment(), moment())),
        "deleted_at": random.choice((None, None, moment())),
        "account": random.choice((None, {"seats": random.randint(1, 99)}, {"seats": random.randint(1, 99)})),
        "people": [{"given": random.choice(names), "family": random.choice(names)} for _ in range(random.randrange(4))],
    }


def passing(random: Random, at: int) -> Record:
    """A record that passes every query, so that each of its values is looked at."""
    people = [{"given": "Bob", "family": "Lee"}, {"given": "Ann", "family": "Lee"}]
    return mixed(random, at) | {
        "parent_status": "in_progress",
        "owner": {"email": f"u{at}@acme.com"},
        "created_at": f"2024-{at % 12 + 1:02}-10T10:{at % 60:02}:00Z",
        "updated_at": f"2024-0{at % 5 + 1}-10T10:{at % 60:02}:00Z",
        "deleted_at": None,
        "account": {"seats": 26 + at % 70},
        "people": people,
    }


def portions(make: Callable[[Random, int], Record], count: int) -> Iterator[list[Record]]:
    """So many records, some at a time, so that they need not all be in memory at once."""
    random, size = Random(7), 500
    for start in range(0, count, size):
        yield [make(random, at) for at in range(start, min(start + size, count))]


# Measuring


def measure(make: Callable[[Random, int], Record], count: int) -> dict[str, tuple[list[float], int]]:
    """For each query the seconds that all records take by hand, by the predicate, by the evaluator; and how many pass.

    Seconds of this process alone, whatever else runs. The three go through a portion in turn, each of them first as
    often as the others, when it has been gone through twice: what it takes to bring a record from memory is no one's.
    """
    made = {name: pqlang.predicate(query, ENDPOINT) for name, query in QUERIES.items()}
    tests = {name: (BY_HAND[name], each.matches, selector(each.condition)) for name, each in made.items()}
    spent, passed = {name: [0.0, 0.0, 0.0] for name in QUERIES}, dict.fromkeys(QUERIES, 0)
    gc.disable()  # so that none pays for what another has left
    for turn, records in enumerate(portions(make, count)):
        for name in QUERIES:
            for _ in range(2):
                expected = [record for record in records if BY_HAND[name](record)]
            passed[name] += len(expected)
            for at in (turn % 3, (turn + 1) % 3, (turn + 2) % 3):
                test = tests[name][at]
                start = time.process_time()
                kept = [record for record in records if test(record)]
                spent[name][at] += time.process_time() - start
                assert kept == expected, name
    gc.enable()
    return {name: (spent[name], passed[name]) for name in QUERIES}


def cold() -> tuple[float, float, float]:
    """Microseconds: to make Q2, for its first record, and for its first record where its form is known."""
    runs = []
    record = passing(Random(1), 1)
    pqlang.predicate("size > 1", ENDPOINT).matches(record)
    for _ in range(31):
        predicate_code._code.cache_clear()
        start = time.perf_counter()
        one = pqlang.predicate(QUERIES["Q2"], ENDPOINT)
        made = time.perf_counter()
        one.matches(record)
        tested = time.perf_counter()
        other = pqlang.predicate(QUERIES["Q2"].replace("25", "26"), ENDPOINT)
        again = time.perf_counter()
        other.matches(record)
        runs.append((made - start, tested - made, time.perf_counter() - again))
    return tuple(statistics.median(each) * 1e6 for each in zip(*runs, strict=True))  # type: ignore[return-value]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    count = parser.parse_args().records
    print(f"Python {platform.python_version()}, {platform.machine()}; {count:,} records")
    for title, make in (("mixed", mixed), ("all passing", passing)):
        print(f"\n| {title} records, µs each | pass | by hand | predicate | speed of hand-written | evaluator |")
        print("| --- | ---: | ---: | ---: | ---: | ---: |")
        for name, (seconds, passed) in measure(make, count).items():
            hand, code, defined = (f"{each / count * 1e6:.2f}" for each in seconds)
            ratio = f"{seconds[0] / seconds[1]:.2f}"
            print(f"| {name} | {passed / count:.1%} | {hand} | {code} | {ratio} | {defined} |", flush=True)
    made, first, known = cold()
    print(f"\nQ2 once: {made:.0f} µs to make, {first:.0f} µs for the first record, {known:.0f} µs if its form is known")


if __name__ == "__main__":
    main()
