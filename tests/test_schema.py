"""Schema files: what the built-in one knows of Penbox, what is read from any, and what is said of wrong ones."""

from __future__ import annotations

import copy
import json
import pickle
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grammar.freeze import to_python
from pqlang.diagnostics import PqlError
from pqlang.entry import check, compile
from pqlang.schema import Active, Api, Derived, Endpoint, Field, FieldType, JsonPlace, Match, Parameter, Schema
from pqlang.schema_file import load_schema
from pqlang.schema_tables import SchemaTable, Table
from pqlang.schema_text import key_places
from pqlang.source import NOWHERE, Source

PENBOX_FILE = Path(__file__).parent.parent / "pqlang" / "schemas" / "penbox.toml"
PENBOX = load_schema(PENBOX_FILE)
FIELDS = [(at.name, field) for at in PENBOX.endpoints for field in at.fields]


# What Penbox documents


PARAMETERS = {
    "cases": """
        template[id] status parent_status archived waiting_for reference owner[id] owner[email] workspace[id]
        workspace[slug] contact[given_name] contact[family_name] contact[email]
    """,
    "case_templates": "title reference archived owner[id] owner[email] workspace[id] workspace[slug]",
    "forms": """
        workspace[slug] flow[slug] flow[customization] owner[email] user[given_name] user[family_name] user[email]
        user[phone] archived active completed processed
    """,
}
CASE_RESPONSE = """
    id title parent_status created_at updated_at description locale reference status waiting_for archived_at
    contacts.id contacts.key contacts.name contacts.email contacts.given_name contacts.family_name contacts.phone
    owner.id owner.email owner.given_name owner.family_name
"""
FORM_RESPONSE = """
    id created_at status archived archived_at processed_at active_from active_until user.anonymous user.email
    user.phone user.given_name user.family_name user.company_name user.internal_ref owner.id owner.email flow.slug
    workspace.id workspace.slug
"""
RESPONSES = {"cases": CASE_RESPONSE, "case_templates": CASE_RESPONSE, "forms": FORM_RESPONSE}
JSON_EXAMPLES = {  # every place that the documentation's JSON filters use; `owner/id` stands beside the attributes
    "cases": "status parent_status created_at archived_at title owner/id owner.email workspace.slug company.slug",
    "case_templates": "is_template title archived_at",
    "forms": "active completed owner.email",
}
ENUMS = {
    ("cases", "parent_status"): ("draft", "pending", "in_progress", "closed"),
    ("cases", "waiting_for"): ("none", "owner", "contact"),
    ("case_templates", "parent_status"): ("draft", "pending", "in_progress", "closed"),
    ("case_templates", "waiting_for"): ("none", "owner", "contact"),
    ("forms", "status"): ("draft", "pending", "completed", "declined", "processed"),
}


def endpoint(name: str) -> Endpoint:
    found = PENBOX.endpoint(name)
    assert found is not None
    return found


def spelt(place: JsonPlace) -> str:
    return f"{place.relation}{'/' if place.is_id else '.'}{place.name}" if place.relation else place.name


def test_penbox_has_three_endpoints() -> None:
    own = {"token_variable": "PENBOX_TOKEN", "token_prefix": "pnbx_", "bad_request": "Invalid Filter"}
    assert PENBOX.api == Api("penbox", "https://connect.penbox.io/v1", **own)
    assert PENBOX.api.authorization == "Bearer"
    assert {each.name: each.path for each in PENBOX.endpoints} == {
        "cases": "/cases",
        "case_templates": "/case_templates",
        "forms": "/forms",
    }
    for each in PENBOX.endpoints:
        assert (each.always, each.active, each.default_sort) == ("id", Active("archived", False), "-created_at")
    assert [each.search for each in PENBOX.endpoints] == ["title", "title", None]


@pytest.mark.parametrize("name", PARAMETERS)
def test_penbox_has_every_direct_parameter(name: str) -> None:
    params = {field.param.name: field.name for field in endpoint(name).fields if field.param}
    assert params == {param: param.replace("[", ".").rstrip("]") for param in PARAMETERS[name].split()}


def test_penbox_parameters_that_are_not_plain() -> None:
    assert {(at, f.name): f.param for at, f in FIELDS if f.param and f.param != Parameter(f.param.name)} == {
        ("cases", "archived"): Parameter("archived", assumed=False),
        ("case_templates", "title"): Parameter("title", Match.PART, refuses="%"),
        ("case_templates", "archived"): Parameter("archived", assumed=False),
        ("forms", "archived"): Parameter("archived", assumed=False),
        ("forms", "flow.slug"): Parameter("flow[slug]", many="flow[slug][]"),
    }


@pytest.mark.parametrize("name", RESPONSES)
def test_penbox_has_every_key_of_a_response(name: str) -> None:
    carried = [".".join(field.record) for field in endpoint(name).fields if field.record]
    assert sorted(carried) == sorted(RESPONSES[name].split())


@pytest.mark.parametrize("name", JSON_EXAMPLES)
def test_penbox_has_every_json_place_of_the_examples(name: str) -> None:
    assert {*JSON_EXAMPLES[name].split()} <= {spelt(field.json) for field in endpoint(name).fields if field.json}


def test_penbox_asks_of_users_flows_and_templates_by_parameter_alone() -> None:
    without = {field.relation for _, field in FIELDS if field.relation and field.json is None}
    assert without == {"user", "flow", "template"}


def test_penbox_says_which_json_places_are_not_documented() -> None:
    flagged = {(at, field.relation or field.name) for at, field in FIELDS if field.json and field.json.undocumented}
    assert flagged == {("cases", "contact"), ("case_templates", "contact"), ("forms", "processed")}


def test_penbox_enums() -> None:
    assert {(at, field.name): field.values for at, field in FIELDS if field.type is FieldType.ENUM} == ENUMS


def test_penbox_nulls_and_relations() -> None:
    assert {field.name for at, field in FIELDS if at == "cases" and not field.relation and not field.nullable} == {
        "id", "title", "parent_status", "waiting_for", "created_at", "updated_at", "archived"
    }  # fmt: skip
    assert all(field.nullable for _, field in FIELDS if field.relation)
    assert {field.relation for _, field in FIELDS if field.to_many} == {"contact"}
    assert {field.derived for _, field in FIELDS if field.name == "archived"} == {Derived("archived_at", False)}


def test_penbox_describes_every_field_and_value() -> None:
    for _, field in FIELDS:
        assert field.description
        assert all(field.meanings)
        assert len(field.meanings) == len(field.values)


@pytest.mark.parametrize(("at", "query"), [(at, query) for at in PENBOX.endpoints for query in at.examples])
def test_penbox_examples_are_each_one_request(at: Endpoint, query: str) -> None:
    assert [problem for problem in check(query, at) if problem.severity != "hint"] == []
    assert compile(query, at).query_string


# Reading


ORDERS = """
[endpoints.orders]
search = "title"
always = "number"
active = { field = "closed", value = false }
default_sort = "-placed"
[endpoints.orders.relations]
customer = { record = "buyer", undocumented = "guessed" }
lines = { many = true, json = "items" }
shop = { json = false, record = false }
[endpoints.orders.fields]
number = { type = "integer", sort = "no" }
title = { param = { match = "part", refuses = "%*" }, json = "name" }
state = { type = "open enum", values = ["new", "paid"], param = { many = true, assumed = "new" } }
placed = { type = "datetime", sort = true, record = "meta.placed" }
closed_at = { type = "datetime", nullable = true }
closed = { type = "boolean", derived = { base = "closed_at", when_null = false }, param = "is_closed" }
"customer.id" = { type = "uuid", param = true }
"customer.email" = { type = "email", nullable = false, json = { undocumented = "seen once" } }
"lines.sku" = { param = true }
"shop.city" = { record = "shop_city" }
"""
ORDERS_FIELDS = (
    Field("number", FieldType.INTEGER, sort="no", json=JsonPlace("number"), record=("number",)),
    Field(
        "title",
        FieldType.STRING,
        json=JsonPlace("name"),
        param=Parameter("title", Match.PART, refuses="%*"),
        record=("title",),
    ),
    Field(
        "state",
        FieldType.OPEN_ENUM,
        values=("new", "paid"),
        json=JsonPlace("state"),
        param=Parameter("state", many="state[]", assumed="new"),
        record=("state",),
    ),
    Field("placed", FieldType.DATETIME, sort="placed", json=JsonPlace("placed"), record=("meta", "placed")),
    Field("closed_at", FieldType.DATETIME, nullable=True, json=JsonPlace("closed_at"), record=("closed_at",)),
    Field("closed", FieldType.BOOLEAN, param=Parameter("is_closed"), derived=Derived("closed_at", False)),
    Field(
        "customer.id",
        FieldType.UUID,
        relation="customer",
        nullable=True,
        json=JsonPlace("id", "customer", is_id=True, undocumented="guessed"),
        param=Parameter("customer[id]"),
        record=("buyer", "id"),
    ),
    Field(
        "customer.email",
        FieldType.EMAIL,
        relation="customer",
        json=JsonPlace("email", "customer", undocumented="seen once"),
        record=("buyer", "email"),
    ),
    Field(
        "lines.sku",
        FieldType.STRING,
        relation="lines",
        to_many=True,
        nullable=True,
        json=JsonPlace("sku", "items"),
        param=Parameter("lines[sku]"),
        record=("lines", "sku"),
    ),
    Field("shop.city", FieldType.STRING, relation="shop", nullable=True, record=("shop_city",)),
)


def test_a_schema_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "acme.toml"
    file.write_text(ORDERS, "utf-8")
    schema = load_schema(file)
    api = Api("acme")
    assert schema == Schema(
        api,
        (
            Endpoint(
                "orders",
                "/orders",
                api,
                ORDERS_FIELDS,
                search="title",
                always="number",
                active=Active("closed", False),
                default_sort="-placed",
            ),
        ),
    )


def test_toml_json_and_mapping_read_alike(tmp_path: Path) -> None:
    content = tomllib.loads(PENBOX_FILE.read_text("utf-8"))
    file = tmp_path / "PENBOX.JSON"
    file.write_text(json.dumps(content), "utf-8-sig")  # with a byte-order mark, as some editors write it
    assert load_schema(str(file)) == load_schema(content) == load_schema(MappingProxyType(content)) == PENBOX


def test_fields_keep_their_order() -> None:
    names = tomllib.loads(ORDERS)["endpoints"]["orders"]["fields"]
    assert [field.name for field in load_schema(tomllib.loads(ORDERS)).endpoints[0].fields] == [*names]


def test_the_api_may_be_spelt_otherwise() -> None:
    fields: dict[str, Any] = {"id": {}, "shop.uid": {}}
    api = {"base_url": "http://localhost:8000/", "id_key": "uid", "operators": {"=": "eq"}, "max_page_size": 5}
    api |= {"authorization": "Token", "token_variable": "SHOP_TOKEN", "data_key": "items", "error_words": ["message"]}
    schema = load_schema({"api": api, "endpoints": {"a": {"fields": fields, "relations": {"shop": {}}}}})
    spelt = {"id_key": "uid", "operators": (("=", "eq"),), "max_page_size": 5, "page_size": 5}
    spelt |= {"authorization": "Token", "token_variable": "SHOP_TOKEN"}
    spelt |= {"data_key": "items", "error_words": ("message",)}
    assert schema.api == Api("api", "http://localhost:8000", **spelt)
    assert schema.endpoints[0].field("shop.uid").json == JsonPlace("uid", "shop", is_id=True)


def test_schemas_are_values() -> None:
    again = load_schema(PENBOX_FILE)
    assert again == PENBOX
    assert hash(again) == hash(PENBOX)
    assert pickle.loads(pickle.dumps(PENBOX)) == PENBOX
    assert {hash(pickle.loads(pickle.dumps(each))) for each in PENBOX.endpoints} == set(map(hash, PENBOX.endpoints))


def test_every_key_is_described() -> None:
    tables: list[type[Table]] = Table.__subclasses__()
    assert SchemaTable in tables
    for table in tables:
        assert table.__doc__
        assert all(info.description for info in table.model_fields.values())


# Freezing


def executed(text: str) -> Schema:
    made: dict[str, Any] = {}
    exec(text, made)
    assert isinstance(made["PENBOX"], Schema)
    return made["PENBOX"]


@pytest.mark.parametrize("schema", [PENBOX, load_schema(tomllib.loads(ORDERS))], ids=["penbox", "orders"])
def test_frozen_schema_is_the_schema(schema: Schema) -> None:
    text = to_python(schema, "penbox.toml")
    frozen = executed(text)
    assert frozen == schema
    assert all(each.api is frozen.api for each in frozen.endpoints)
    assert to_python(frozen, "penbox.toml") == text
    assert max(map(len, text.splitlines())) <= 120


def test_frozen_texts_keep_their_quotes() -> None:
    description = "é \"double\" 'single' \\ \n 😀"
    schema = load_schema({"endpoints": {"a": {"fields": {"id": {}}, "description": description, "examples": ["id"]}}})
    assert executed(to_python(schema, "a.toml")) == schema


# What is said of wrong files


WRONG = {
    "a misspelt key": (
        '[endpoints.orders.fields.id]\ntyp = "uuid"',
        ["endpoints.orders.fields.id.typ: there is no such key -> the closest is `type`"],
    ),
    "a key like no other": (
        "[endpoints.orders.relations.shop]\nxyz = 1\n[endpoints.orders.fields]\nid = {}",
        [
            "endpoints.orders.relations.shop.xyz: there is no such key "
            "-> the keys here are `many`, `record`, `json` and `undocumented`"
        ],
    ),
    "a misspelt type": (
        'endpoints.orders.fields.state = { type = "enm", values = ["a"] }',
        ["endpoints.orders.fields.state.type: `enm` is none of its choices -> the closest is `enum`"],
    ),
    "values of a wrong kind": (
        """
        [endpoints.orders]
        examples = ["id = 1", 2]
        [endpoints.orders.fields]
        a = { nullable = "true" }
        b = { description = 2024-01-01 }
        c = { param = "", json = [], record = 4.5, sort = "" }
        d = 5
        e = { type = 6 }
        f = { type = "enum", values = [7] }
        """,
        [
            "endpoints.orders.examples.1: needs a text, and is the number `2`",
            "endpoints.orders.fields.a.nullable: needs true or false, and is the text `true`",
            "endpoints.orders.fields.b.description: is a value of type `date`, which no key takes "
            "-> write it as a text, in quotes",
            "endpoints.orders.fields.c.param: needs true, false, a name or a table, and is empty",
            "endpoints.orders.fields.c.json: needs true, false, a name or a table, and is a list",
            "endpoints.orders.fields.c.record: needs true, false or a text that is not empty, and is the number `4.5`",
            "endpoints.orders.fields.c.sort: needs true, false or a text that is not empty, and is empty",
            "endpoints.orders.fields.d: needs a table, and is the number `5`",
            "endpoints.orders.fields.e.type: needs `string`, `enum`, `open enum`, `boolean`, `integer`, `number`, "
            "`datetime`, `date`, `uuid` or `email`, and is the number `6`",
            "endpoints.orders.fields.f.values: needs a list of texts, or a table from each to its description, "
            "and is a list",
        ],
    ),
    "an empty file": ("", ["endpoints: there is no endpoint -> at least one is needed, such as `[endpoints.orders]`"]),
    "no field": (
        "[endpoints.orders]",
        ["endpoints.orders.fields: there is no field -> at least one is needed, such as `id = {}`"],
    ),
    "an API spelt wrong": (
        """
        [api]
        base_url = "acme.example"
        count_suffix = "count"
        sort_param = "filter"
        id_key = "attributes"
        max_page_size = 0
        page_size = 0
        token_prefix = "a b"
        authorization = "Bearer $"
        token_variable = "SHOP TOKEN"
        data_key = "items"
        meta_key = "items"
        total_key = "n"
        pages_key = "n"
        count_key = "n"
        by_key = "n"
        group_param = "filter"
        operators = { "==" = "$eq", "=" = "$eq", "!=" = "" }
        [endpoints.orders.fields]
        id = {}
        [endpoints.bills.fields]
        id = {}
        """,
        [
            "api.base_url: `acme.example` is not an address that starts with `https://` or `http://`",
            "api.count_suffix: `count` is not a path that starts with `/`",
            "api.sort_param: has the same parameter as `api.filter_param`",
            "api.id_key: has the same name as `api.attributes_key`",
            "api.max_page_size: needs a whole number above 0, and is the number `0`",
            "api.page_size: needs a whole number above 0, and is the number `0`",
            "api.token_prefix: `a b` is not made of letters, digits, `_`, `-` and `.`",
            "api.authorization: `Bearer $` is not a word of letters, digits and `-`",
            "api.token_variable: `SHOP TOKEN` is not the name of an environment variable: letters, digits and `_`",
            "api.meta_key: has the same key as `api.data_key`",
            "api.pages_key: has the same key as `api.total_key`",
            "api.by_key: has the same key as `api.count_key`",
            "api.group_param: has the same parameter as `api.filter_param`",
            'api.operators."==": `==` is none of its choices -> the closest is `=`',
            'api.operators."=": has the same name as `api.operators."=="`',
            'api.operators."!=": needs a text, and is empty',
        ],
    ),
    "an endpoint that carries what it cannot": (
        """
        api = { max_page_size = 20, page_size = 50 }
        [endpoints.orders]
        group_by = ["id", "note.*", "ib", "other.*"]
        extras = { note = "object", id = "text", n = "number" }
        [endpoints.orders.fields]
        id = {}
        """,
        [
            "api.page_size: no page has more records than `max_page_size`",
            "endpoints.orders.group_by: there is no key `ib` -> the keys are `id` and `note`",
            "endpoints.orders.group_by: there is no key `other.*` -> the keys are `id` and `note`",
            "endpoints.orders.extras.id: has the same key as `endpoints.orders.fields.id`",
            "endpoints.orders.extras.n: `number` is none of its choices -> they are `text`, `object` and `list`",
        ],
    ),
    "an endpoint that names fields it has not": (
        """
        [endpoints.orders]
        path = "orders"
        search = "titel"
        always = "number"
        active = { field = "closd" }
        default_sort = "-created"
        [endpoints.orders.fields]
        title = {}
        created_at = { type = "datetime", sort = true }
        """,
        [
            "endpoints.orders.path: `orders` is not a path that starts with `/`",
            "endpoints.orders.search: there is no field `titel` -> the closest is `title`",
            "endpoints.orders.always: there is no field `number` -> the fields are `title` and `created_at`",
            "endpoints.orders.active.value: is missing",
            "endpoints.orders.default_sort: there is no sort `created` -> the closest is `created_at`",
        ],
    ),
    "an endpoint that names fields which will not do": (
        """
        [endpoints.orders]
        search = "total"
        always = "shop.id"
        active = { field = "done", value = "yes" }
        default_sort = "total"
        [endpoints.orders.relations.shop]
        [endpoints.orders.fields]
        total = { type = "number" }
        done = { type = "boolean" }
        "shop.id" = { nullable = false }
        """,
        [
            "endpoints.orders.search: `total` is not a text that a request can look into",
            "endpoints.orders.always: `shop.id` is not a field of the record itself that is never null "
            "and has a place in the JSON filter",
            "endpoints.orders.active.value: needs true or false, and is the text `yes`",
            "endpoints.orders.default_sort: there is no sort `total`",
        ],
    ),
    "assumed values and parts": (
        """
        [endpoints.orders.fields]
        done = { type = "boolean", param = { assumed = "false" } }
        state = { type = "enum", values = ["open"], param = { assumed = "opn" } }
        total = { type = "number", param = { assumed = "3" } }
        title = { param = { assumed = true } }
        placed = { type = "date", param = { match = "part" } }
        number = { param = { match = "parts", refuses = 1 } }
        """,
        [
            "endpoints.orders.fields.done.param.assumed: needs true or false, and is the text `false`",
            "endpoints.orders.fields.state.param.assumed: `opn` is none of its choices -> the closest is `open`",
            "endpoints.orders.fields.total.param.assumed: `total` is of type `number`, "
            "and only a boolean, an enum or a text has one value here",
            "endpoints.orders.fields.title.param.assumed: needs a text, and is `true`",
            "endpoints.orders.fields.placed.param.match: only a text has parts, and this is of type `date`",
            "endpoints.orders.fields.number.param.match: `parts` is none of its choices -> the closest is `part`",
            "endpoints.orders.fields.number.param.refuses: needs a text, and is the number `1`",
        ],
    ),
    "names that no query can spell": (
        """
        [endpoints.orders.relations]
        "a.b" = {}
        [endpoints.orders.fields]
        "a..b" = {}
        "" = {}
        "x`y" = {}
        """,
        [
            f"endpoints.orders.{name}: no query can spell this name "
            "-> a name is made of parts joined by dots, without a backtick"
            for name in ('relations."a.b"', 'fields."a..b"', 'fields.""', 'fields."x`y"')
        ],
    ),
    "relations that are not declared": (
        """
        [endpoints.orders.relations.shop]
        [endpoints.orders.fields]
        "shp.id" = {}
        "owner.id" = {}
        """,
        [
            'endpoints.orders.fields."shp.id": there is no relation `shp` -> the closest is `shop`',
            'endpoints.orders.fields."owner.id": there is no relation `owner` '
            "-> `[endpoints.orders.relations.owner]` declares it",
        ],
    ),
    "what a relation does not allow": (
        """
        [endpoints.orders.relations]
        lines = { many = true }
        notes = { many = true, record = false }
        shop = { json = false }
        store = { json = "lines" }
        [endpoints.orders.fields]
        "lines.id" = { sort = true, record = "id" }
        "notes.id" = { record = "notes.id" }
        "shop.id" = { json = true }
        """,
        [
            "endpoints.orders.relations.store: has the same JSON name as `endpoints.orders.relations.lines`",
            'endpoints.orders.fields."lines.id".sort: nothing is sorted by a `lines`: a record may have several',
            'endpoints.orders.fields."lines.id".record: it has to start with `lines.`: '
            "a record carries its `lines` in one list",
            'endpoints.orders.fields."notes.id".record: it has to be false, as the relation\'s: '
            "a record carries its `notes` in one list",
            'endpoints.orders.fields."shop.id".json: the relation `shop` has no place in the JSON filter',
        ],
    ),
    "enums": (
        """
        [endpoints.orders.fields]
        state = { type = "enum" }
        title = { values = ["a"] }
        kind = { type = "open enum", values = ["a", "b", "a"] }
        """,
        [
            "endpoints.orders.fields.state.values: there is no value "
            '-> at least one is needed, such as `values = ["open", "closed"]`',
            "endpoints.orders.fields.title.values: only an enum lists its values, and this is of type `string`",
            "endpoints.orders.fields.kind.values: names `a` twice",
        ],
    ),
    "one name for two things": (
        """
        [endpoints.orders.fields]
        a = { param = "x", json = "j", sort = "s" }
        b = { param = { name = "y", many = "x" }, json = { name = "j" }, sort = "s" }
        c = { param = "filter", record = "a..b" }
        [endpoints.bills]
        path = "/orders"
        fields = { id = {} }
        [endpoints.more]
        path = "/orders/count"
        fields = { id = {} }
        """,
        [
            "endpoints.orders.fields.b.param: has the same parameter as `endpoints.orders.fields.a.param`",
            "endpoints.orders.fields.b.json: has the same JSON place as `endpoints.orders.fields.a.json`",
            "endpoints.orders.fields.b.sort: has the same sort as `endpoints.orders.fields.a.sort`",
            "endpoints.orders.fields.c.param: has the same parameter as `api.filter_param`",
            "endpoints.orders.fields.c.record: `a..b` is not a list of keys joined by dots",
            "endpoints.bills.path: has the same path as `endpoints.orders.path`",
            "endpoints.more.path: has the same path as `endpoints.orders.path`",
        ],
    ),
    "derived fields": (
        """
        [endpoints.orders.fields]
        gone = { derived = { base = "gone_at", when_null = false } }
        lost = { type = "boolean", nullable = true, json = true, derived = { base = "lost_at", when_null = true } }
        lost_at = {}
        away = { type = "boolean", derived = { base = "lost", when_null = true } }
        odd = { type = "boolean", derived = { base = "lost_at" } }
        sent_at = { nullable = true }
        sent = { type = "boolean", derived = { base = "sent_at", when_null = false } }
        kept = { type = "boolean", derived = { base = "sent_at", when_null = true } }
        """,
        [
            "endpoints.orders.fields.gone.type: a derived field is true or false, and this is of type `string`",
            "endpoints.orders.fields.gone.derived.base: there is no field `gone_at` -> the closest is `gone`",
            "endpoints.orders.fields.lost.nullable: a derived field is never null: its base is null or not",
            "endpoints.orders.fields.lost.json: a derived field has no place of its own in the JSON filter, "
            "its base has",
            "endpoints.orders.fields.lost.derived.base: `lost_at` is not a field of the same record that may be null, "
            "and not derived itself",
            "endpoints.orders.fields.away.derived.base: `lost` is not a field of the same record that may be null, "
            "and not derived itself",
            "endpoints.orders.fields.odd.derived.when_null: is missing",
            "endpoints.orders.fields.kept.derived: has the same base as `endpoints.orders.fields.sent.derived`",
        ],
    ),
    "no mere consequences": (
        """
        [endpoints.orders]
        search = "title"
        default_sort = "placed"
        active = { field = "state", value = "open" }
        [endpoints.orders.relations.shop]
        mny = true
        [endpoints.orders.fields]
        title = 3
        placed = { sort = 4 }
        state = { type = "enum", values = "open" }
        "shop.id" = { record = "id" }
        """,
        [
            "endpoints.orders.relations.shop.mny: there is no such key -> the closest is `many`",
            "endpoints.orders.fields.title: needs a table, and is the number `3`",
            "endpoints.orders.fields.placed.sort: needs true, false or a text that is not empty, and is the number `4`",
            "endpoints.orders.fields.state.values: needs a list of texts, or a table from each to its description, "
            "and is the text `open`",
        ],
    ),
    "tables that are none": (
        "endpoints = 3\n[api]\nname = 4",
        ["endpoints: needs a table, and is the number `3`", "api.name: needs a text, and is the number `4`"],
    ),
    "an array of tables": ("[[endpoints]]", ["endpoints: needs a table, and is a list"]),
}


def read(source: str | Path | Mapping[str, Any]) -> Schema | PqlError:
    try:
        return load_schema(source)
    except PqlError as error:
        return error


def problems_of(source: str | Path | Mapping[str, Any]) -> PqlError:
    error = read(source)
    assert isinstance(error, PqlError)
    assert {problem.code for problem in error.diagnostics} == {"bad-schema"}
    assert all(0 <= each.span.start <= each.span.end <= len(error.source.text) for each in error.diagnostics)
    assert str(error).encode()  # nothing in it that no terminal could print
    return error


def lines(error: PqlError) -> list[str]:
    """`key: what is wrong -> help`"""
    said = ((re.sub(r"^`(.*?)`: ", r"\1: ", each.message), each.help) for each in error.diagnostics)
    return [f"{message} -> {help}" if help else message for message, help in said]


@pytest.mark.parametrize(("text", "expected"), WRONG.values(), ids=WRONG)
def test_wrong_files_name_the_key_and_the_mistake(text: str, expected: list[str], tmp_path: Path) -> None:
    file = tmp_path / "acme.toml"
    file.write_text(text, "utf-8")
    assert lines(problems_of(file)) == expected
    assert sorted(lines(problems_of(tomllib.loads(text)))) == sorted(expected)


def test_a_problem_stands_at_its_key_or_the_nearest_above(tmp_path: Path) -> None:
    file = tmp_path / "acme.toml"
    fields = 'a.b = 1\n"c.d" = { e = 2, type = 3 }\n'
    file.write_text(f'[endpoints.orders]\nsearch = "x"\n[endpoints.orders.fields]\n{fields}')
    error = problems_of(file)
    assert error.source == Source(file.read_text(), str(file))
    assert [(problem.span.start, problem.span.of(error.source.text)) for problem in error.diagnostics] == [
        (19, "search"),
        (58, "a.b"),
        (76, "e"),
        (83, "type"),
    ]
    assert "acme.toml:5" in str(error)


def test_a_problem_of_a_mapping_stands_nowhere() -> None:
    error = problems_of({"endpoints": {}})
    assert [problem.span for problem in error.diagnostics] == [NOWHERE]
    assert str(error).startswith("error[bad-schema]: `endpoints`: there is no endpoint")


UNREADABLE = {
    "syntax.toml": (b"[endpoints]\n= 3", "it is not TOML: invalid statement", "="),
    "twice.toml": (b"a = 1\na = 2\n", "it is not TOML: cannot overwrite a value", "\n"),
    "ends.toml": (b'a = "', "it is not TOML: unterminated string", ""),
    "syntax.json": (b'{\r\n "endpoints": {,}}', "it is not JSON: expecting property name enclosed in", ","),
    "ends.json": (b'{"a":', "it is not JSON: expecting value", ""),
    "latin.toml": ("name = 'é'".encode("latin-1"), "it is not UTF-8", "\N{REPLACEMENT CHARACTER}"),
    "digits.json": (b'{"a": ' + b"9" * 5000 + b"}", "it is not JSON: a number in it has too many digits", ""),
    "digits.toml": (b"a = " + b"9" * 5000, "it is not TOML: a number in it has too many digits", ""),
    "deep.json": (b"[" * 100_000, "it is nested too deep", ""),
    "deep.toml": (b"a = " + b"[" * 100_000, "it is nested too deep", ""),
    "acme.yaml": (b"", "its name ends in neither `.toml` nor `.json`", ""),
    "acme": (b"", "its name ends in neither `.toml` nor `.json`", ""),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_files_that_cannot_be_read(name: str, tmp_path: Path) -> None:
    content, reason, where = UNREADABLE[name]
    file = tmp_path / name
    file.write_bytes(content)
    error = problems_of(file)
    [problem] = error.diagnostics
    assert f"{name}` cannot be read: {reason}" in problem.message
    assert problem.span.of(error.source.text) == where


def test_files_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    for path, reason in {
        tmp_path / "none.toml": "no such file or directory",
        tmp_path / "folder.toml": "is a directory",
        Path("nul\0.toml"): "no file can have this name",
    }.items():
        [problem] = problems_of(path).diagnostics
        assert problem.message.endswith(f"cannot be read: {reason}")


def test_json_says_what_is_given_twice(tmp_path: Path) -> None:
    file = tmp_path / "acme.json"
    file.write_text('{"endpoints": {"orders": {"fields": {"id": {}, "id": {"param": true, "param": 3}}}}}')
    error = problems_of(file)
    assert lines(error) == [
        "endpoints.orders.fields.id: stands twice in one table",
        "endpoints.orders.fields.id.param: stands twice in one table",
        "endpoints.orders.fields.id.param: needs true, false, a name or a table, and is the number `3`",
    ]


def test_what_only_a_mapping_or_json_can_hold() -> None:
    endless: dict[str, Any] = {}
    endless["again"] = [endless]
    fields: dict[Any, Any] = {
        1: {},
        "a\ud800": {},
        "b": {"description": "\0"},
        "c": {"type": None},
        "d": {"param": date.today()},
    }
    *found, _ = lines(problems_of({"endpoints": {"orders": {"fields": fields}}, "api": endless}))
    assert found == [
        "endpoints.orders.fields: has a key that is not a text but the number `1`",
        'endpoints.orders.fields."a\\ud800": holds NUL or half of a surrogate pair, which no text can spell',
        "endpoints.orders.fields.b.description: holds NUL or half of a surrogate pair, which no text can spell",
        "endpoints.orders.fields.c.type: is null, which no key takes -> leave the key out",
        "endpoints.orders.fields.d.param: is a value of type `date`, which no key takes "
        "-> write it as a text, in quotes",
        "api.again.0.again.0.again.0.again.0.again.0: is nested deeper than anything in a schema",
    ]


# Laws


def nested(content: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all keys that no list is above."""
    for key, value in content.items():
        yield (*above, key)
        if isinstance(value, dict):
            yield from nested(value, (*above, key))


CONTENT = tomllib.loads(PENBOX_FILE.read_text("utf-8"))
KEYS = sorted({key for path in nested(CONTENT) for key in path}.union(*(t.kinds() for t in Table.__subclasses__())))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from([*KEYS, *FieldType, *Match, "-title", "/orders", "https://acme.example"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner),
    max_leaves=30,
)


@st.composite
def altered(draw: st.DrawFn) -> dict[str, Any]:
    """The built-in schema after a few accidents."""
    content = copy.deepcopy(CONTENT)
    for *above, key in draw(st.lists(st.sampled_from([*nested(CONTENT)]), min_size=1, max_size=4)):
        table: Any = content
        for each in above:
            table = table.get(each) if isinstance(table, dict) else None
        if isinstance(table, dict):
            renamed = draw(st.sampled_from([key, *KEYS]))
            table[renamed] = draw(VALUES | st.just(table.pop(key, {})))
    return content


@settings(deadline=None)  # a schema is frozen, compiled and run
@given(st.dictionaries(st.sampled_from(["api", "endpoints"]) | st.text(), VALUES) | altered())
def test_any_mapping_is_a_schema_or_an_error(content: dict[str, Any]) -> None:
    schema = read(content)
    if isinstance(schema, PqlError):
        assert problems_of(content).diagnostics == schema.diagnostics
    else:
        assert executed(to_python(schema, "any.toml")) == schema
        assert pickle.loads(pickle.dumps(schema)) == schema


SIGNS = [*"[]{}.,=:\"'#\n", '"""', "'''", "true", "1", "[endpoints.a.fields]", "[[", " = "]
FRAGMENTS = st.sampled_from([*KEYS, *SIGNS])
TEXTS = st.lists(FRAGMENTS | st.text(max_size=3)).map("".join) | VALUES.map(json.dumps)


@given(suffix=st.sampled_from([".toml", ".json"]), text=TEXTS)
def test_any_file_is_a_schema_or_an_error(suffix: str, text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.getbasetemp() / f"any{suffix}"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert isinstance(read(file), Schema) or problems_of(file).diagnostics


@given(st.dictionaries(st.text(), VALUES), st.sampled_from([None, 1]))
def test_every_key_of_json_has_its_place(content: dict[str, Any], indent: int | None) -> None:
    text = json.dumps(content, indent=indent)
    places, repeated = key_places(Source(text, "any.json"))
    assert repeated == []
    spelt_there = {path: span.of(text) for path, span in places.items()}
    assert spelt_there == {path: json.dumps(path[-1]) for path in nested(content)}


ODD_TOML = r'''
[odd . "a.b"]  # [not.this] = 1
'c'.d = """ no = 1 \""" [no] """"
e = [ [ "f" ], { no = 1 },  # ] no = 1
  ["g"]]
h = { i = 1979-05-27T00:00:00Z, j.k = ' = ', "l\u006D" = [] }
[[odd.list]]
n = {}
'''


def test_every_key_of_toml_has_its_place() -> None:
    text = PENBOX_FILE.read_text("utf-8") + ODD_TOML
    places, _ = key_places(Source(text, "any.toml"))
    assert {*places} == {*nested(tomllib.loads(text)), ("odd", "list", "n")}
    for path, span in places.items():
        [*_, parts] = nested(tomllib.loads(f"{span.of(text)} = 0"))
        assert path[-1] in parts
