"""Options and fixtures that several test files share."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-corpus", action="store_true", help="rewrite the sections of tests/corpus")


@pytest.fixture
def update_corpus(request: pytest.FixtureRequest) -> bool:
    """Whether the corpus is to be rewritten instead of compared."""
    return bool(request.config.getoption("--update-corpus"))
