"""Options and fixtures that several test files share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from databases import Unavailable, postgresql


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-corpus", action="store_true", help="rewrite the sections of tests/corpus")
    parser.addoption("--examples", type=int, metavar="N", help="try every law on N times as many generated examples")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--examples"):
        os.environ["PQLANG_EXAMPLES"] = str(config.getoption("--examples"))  # read by `strategies` when it is imported


@pytest.fixture
def update_corpus(request: pytest.FixtureRequest) -> bool:
    """Whether the corpus is to be rewritten instead of compared."""
    return bool(request.config.getoption("--update-corpus"))


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL server for the whole run, started when a test first asks for it."""
    try:
        server = postgresql()
        url = server.__enter__()
    except Unavailable as reason:
        pytest.skip(str(reason))
    yield url
    server.__exit__(None, None, None)


@pytest.fixture(scope="session")
def postgresql_database(postgresql_url: str) -> Callable[[str], str]:
    """Makes a database of that name on the server, and gives its URL."""
    import sqlalchemy as sa

    def make(name: str) -> str:
        engine = sa.create_engine(postgresql_url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        return postgresql_url.rpartition("/")[0] + f"/{name}"

    return make
