"""The sandbox's OpenAPI document: whatever it allows is answered as it says, whatever it forbids is refused.

`pytest --examples 2` also tries each value of each parameter with each mistake, which takes a minute and a half.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from schemathesis.specs.openapi.checks import negative_data_rejection
from servers import TOKEN
from starlette.testclient import TestClient
from strategies import EXAMPLES

from pqlang import PENBOX, load_schema
from pqlang.sandbox.app import create_app
from pqlang.sandbox.command import fill
from pqlang.sandbox.openapi import describe
from pqlang.sandbox.storage import Storage
from pqlang.schema import Schema


def of_ones_own() -> Schema:
    """The tests' own API, with tokens that can be told from others."""
    schema = load_schema(Path(__file__).parent / "corpus" / "shop.toml")
    api = replace(schema.api, token_prefix="shop_")
    return Schema(api, tuple(replace(each, api=api) for each in schema.endpoints))


SHOP = of_ones_own()


def described(schema: Schema) -> Any:
    storage = Storage(schema)
    fill(storage, 60)
    every = EXAMPLES > 1  # each value of each parameter with each mistake: some 2,000 requests an operation
    config = schemathesis.Config.from_dict(
        {
            "generation": {"max-examples": 60, "deterministic": True},
            "phases": {"coverage": {"enabled": every}},
        }
    )
    return schemathesis.openapi.from_asgi("/openapi.json", create_app(storage), config=config)


penbox, shop = described(PENBOX), described(SHOP)


def keeps_to_it(case: Any, token: str) -> None:
    """Beside a filter other parameters are ignored, whatever they hold, so there they are not refused."""
    lenient = [negative_data_rejection] if "filter" in (case.query or {}) else []
    case.call_and_validate(headers={"Authorization": token}, excluded_checks=lenient)


@penbox.parametrize()
def test_penbox_keeps_to_its_description(case: Any) -> None:
    keeps_to_it(case, TOKEN)


@shop.parametrize()
def test_an_api_of_ones_own_keeps_to_its_description(case: Any) -> None:
    keeps_to_it(case, "Bearer shop_1")


@pytest.mark.parametrize("schema", [PENBOX, SHOP], ids=["penbox", "shop"])
def test_the_document_is_served_to_anybody(schema: Schema) -> None:
    storage = Storage(schema)
    client = TestClient(create_app(storage))
    assert client.get("/openapi.json").json() == describe(schema)
    storage.close()
