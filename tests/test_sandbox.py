"""The sandbox against the API's pages: every request is spelt by hand, every expected row found by plain Python."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

import pytest
from servers import TOKEN, Answer, ask, serving
from starlette.testclient import TestClient

from pqlang import PENBOX, PqlError, load_schema
from pqlang.condition import All
from pqlang.sandbox import storage as storages
from pqlang.sandbox.app import create_app
from pqlang.sandbox.command import fill
from pqlang.sandbox.records import generate, respond
from pqlang.sandbox.storage import Storage
from pqlang.schema import Endpoint

Record: TypeAlias = "dict[str, Any]"
Asks: TypeAlias = Callable[..., Answer]

CASES, TEMPLATES, FORMS = PENBOX.endpoints
OWNER = {"id": "abc-123", "email": "jo@acme.com", "given_name": "Jo", "family_name": "Lee"}
ANN = {"given_name": "Ann", "family_name": "Lee"}
ACME = {"id": "abc-123", "slug": "acme"}
ACME_CORP = {"id": "def-456", "slug": "acme-corp"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _records() -> dict[str, list[Record]]:
    """Made-up records, some of them turned into what the pages' examples ask for."""
    made = {each.name: list(generate(each, 480, seed=3)) for each in PENBOX.endpoints}
    for number, case in enumerate(made["cases"]):
        case["created_at"] = at(f"20{22 + number % 3}-01-01") if number % 5 == 0 else case["created_at"]
        case["owner"] = OWNER if number % 3 == 0 else None if number % 7 == 0 else case["owner"]
        case["workspace"] = (ACME, ACME_CORP, None)[number // 3 % 3]
        case["template"] = {"id": "template-123"} if number % 4 == 0 else case["template"]
        case["company"] = {"slug": "acme-corp"} if number % 6 == 0 else None
        case["title"] = ("Customer onboarding", "onboarding 100%", "New CUSTOMER", "été_1", "KYC")[number % 5]
        case["status"] = ("pending", "draft", None)[number // 2 % 3]
        if number % 30 == 7:
            case["contact"].append({**dict.fromkeys(("id", "key", "name", "email", "phone")), **ANN})
    for number, template in enumerate(made["case_templates"]):
        template["title"] = ("Onboarding", "customer ONBOARDING", "50% off", "50 off", "Kyc \\ _")[number % 5]
        template["workspace"] = ACME if number % 2 else ACME_CORP
    for number, form in enumerate(made["forms"]):
        form["flow"] = {"slug": ("kyc", "onboarding", "claims")[number % 3], "customization": None}
        form["owner"] = {"id": "abc-123", "email": "jo@acme.com"} if number % 2 else form["owner"]
        if form["user"] is not None and number % 4 == 0:
            form["user"] = form["user"] | {"email": "ann@acme.com"}
    return made


RECORDS = _records()


def _filled(url: str) -> Storage:
    storage = Storage(PENBOX, url)
    storage.create()
    for endpoint in PENBOX.endpoints:
        storage.load(endpoint, RECORDS[endpoint.name])
    storage.finish("tests")
    return storage


@pytest.fixture(scope="module", params=["memory", "file", "postgresql"])
def storage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    """The same records in each kind of database."""
    url = "sqlite://"
    if request.param == "file":
        url = f"sqlite:///{tmp_path_factory.mktemp('sandbox')}/a.db"
    elif request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    storage = _filled(url)
    yield storage
    storage.close()


@pytest.fixture(scope="module")
def port(storage: Storage) -> Iterator[int]:
    """The sandbox over HTTP."""
    with serving(create_app(storage)) as port:
        yield port


def everything(port: int, target: str) -> list[Record]:
    """The records of every page, the numbers of each page checked."""
    found: list[Record] = []
    glue = "&" if "?" in target else "?"
    for number in range(1, 100):
        answer = ask(port, f"{target}{glue}page[number]={number}&page[size]=100")
        assert answer.status == 200, answer.body
        body = answer.json
        assert list(body) == ["meta", "data"]
        total = body["meta"]["total_count"]
        assert body["meta"] == {
            "total_count": total,
            "total_pages": math.ceil(total / 100),
            "page_size": 100,
            "current_page": number,
        }
        found += body["data"]
        if number >= body["meta"]["total_pages"]:
            break
    assert len(found) == total
    path, _, query = target.partition("?")
    query = "&".join(each for each in query.split("&") if not each.startswith("sort="))
    assert ask(port, f"{path}/count?{query}").json == {"count": total}
    return found


# What the API's pages show, spelt as they spell it


def live(record: Record) -> bool:
    return record["archived_at"] is None


def of(name: str, **values: Any) -> Callable[[Record], bool]:
    """A related record with these values."""
    return lambda record: any(
        all(each.get(key) == value for key, value in values.items())
        for each in (record[name] if isinstance(record[name], list) else [record[name] or {}])
    )


def every(*tests: Callable[[Record], bool]) -> Callable[[Record], bool]:
    return lambda record: all(test(record) for test in tests)


def has(name: str, *values: object) -> Callable[[Record], bool]:
    return lambda record: record[name] in values


def since(text: str) -> Callable[[Record], bool]:
    return lambda record: record["created_at"] > at(text)


def titled(part: str) -> Callable[[Record], bool]:
    return lambda record: part in record["title"].lower()


def asking(attributes: str = "", relationships: str = "") -> str:
    """A filter of these parts, each without its braces."""
    parts = [f'"attributes":{{{attributes}}}'] if attributes else []
    parts += [f'"relationships":{{{relationships}}}'] if relationships else []
    return f"filter={{{','.join(parts)}}}"


JO, ACMES, CORPS = of("owner", email="jo@acme.com"), of("workspace", slug="acme"), of("workspace", slug="acme-corp")
OF_JO = '"owner":{"attributes":{"email":{"$eq":"jo@acme.com"}}}'
OF_CORP = '"workspace":{"attributes":{"slug":{"$eq":"acme-corp"}}}'
OF_ACME = '"workspace":{"attributes":{"slug":{"$eq":"acme"}}}'
NOT_ARCHIVED, SINCE_2024 = '"archived_at":{"$eq":null}', '"created_at":{"$gt":"2024-01-01T00:00:00Z"}'
IN_PROGRESS = '"parent_status":{"$eq":"in_progress"},' + NOT_ARCHIVED
WEEK_AGO = "2024-12-24T10:30:00.000Z"  # what `new Date(...).toISOString()` gives
SEEDS: list[tuple[str, Callable[[Record], bool]]] = [
    # "Method 1: Direct Query Parameters"
    (
        "cases?workspace[id]=abc-123&owner[email]=jo@acme.com&status=pending",
        every(live, of("workspace", id="abc-123"), JO, has("status", "pending")),
    ),
    (  # as URLSearchParams writes it
        "cases?workspace%5Bid%5D=abc-123&owner%5Bemail%5D=jo%40acme.com&archived=false",
        every(live, of("workspace", id="abc-123"), JO),
    ),
    # "Method 2: Advanced JSON Filter"
    ('cases?filter={"attributes":{"created_at":{"$gt":"2024-01-01"}}}', since("2024-01-01")),
    (
        "cases?" + asking(SINCE_2024 + ',"status":{"$ne":"draft"}', OF_JO),
        every(since("2024-01-01"), lambda r: r["status"] not in ("draft", None), JO),
    ),
    # "Filter Structure"
    (
        "cases?" + asking(f'"status":{{"$eq":"pending"}},{NOT_ARCHIVED},{SINCE_2024}'),
        every(has("status", "pending"), live, since("2024-01-01")),
    ),
    (
        'cases?filter={"relationships":{"owner":{"id":{"$eq":"abc-123"}},'
        '"company":{"attributes":{"slug":{"$eq":"acme-corp"}}}}}',
        every(of("owner", id="abc-123"), of("company", slug="acme-corp")),
    ),
    # "Examples by Resource"
    (
        "cases?template[id]=template-123&workspace[slug]=acme&parent_status=in_progress",
        every(live, of("template", id="template-123"), ACMES, has("parent_status", "in_progress")),
    ),
    (
        "cases?" + asking(f'{SINCE_2024},"parent_status":{{"$eq":"pending"}},{NOT_ARCHIVED}', OF_CORP),
        every(since("2024-01-01"), has("parent_status", "pending"), live, CORPS),
    ),
    ("case_templates?title=onboarding&workspace[slug]=acme&archived=false", every(titled("onboarding"), ACMES, live)),
    (
        "case_templates?" + asking('"is_template":{"$eq":true},"title":{"$ilike":"%customer%"},' + NOT_ARCHIVED),
        every(has("is_template", True), titled("customer"), live),
    ),
    (
        "forms?flow[slug]=kyc&user[email]=ann@acme.com&completed=true",
        every(live, of("flow", slug="kyc"), of("user", email="ann@acme.com"), has("completed", True)),
    ),
    (
        "forms?" + asking('"active":{"$eq":true},"completed":{"$eq":false}', OF_JO),
        every(has("active", True), has("completed", False), JO),
    ),
    # "Common Filtering Patterns"
    ("cases?" + asking(f'"created_at":{{"$gt":"{WEEK_AGO}"}}'), since("2024-12-24T10:30:00")),
    ("cases?" + asking(IN_PROGRESS), every(has("parent_status", "in_progress"), live)),
    ("case_templates?" + asking('"title":{"$ilike":"%customer%"}'), titled("customer")),
    (
        "cases?" + asking(f'{SINCE_2024},"parent_status":{{"$ne":"draft"}},{NOT_ARCHIVED}', f"{OF_CORP},{OF_JO}"),
        every(since("2024-01-01"), lambda r: r["parent_status"] != "draft", live, CORPS, JO),
    ),
    # "Real-World Examples", the first as encodeURIComponent writes it
    (
        "cases?filter=" + quote(asking(IN_PROGRESS, OF_JO)[7:], safe="-_.!~*'()") + "&sort=-created_at",
        every(has("parent_status", "in_progress"), live, JO),
    ),
    ("case_templates?title=onboarding&archived=false&sort=title", every(titled("onboarding"), live)),
    (
        "cases?"
        + asking('"parent_status":{"$eq":"closed"},"created_at":{"$gt":"2023-01-01","$lt":"2024-06-01"}', OF_ACME),
        every(has("parent_status", "closed"), since("2023-01-01"), lambda r: r["created_at"] < at("2024-06-01"), ACMES),
    ),
    # every operator, and what stands between the lines
    ("cases", live),
    ("cases?archived=true", lambda r: not live(r)),
    ("cases?filter={}", lambda r: True),
    ("cases?filter={}&archived=true&status=nonsense&parent_status=none", lambda r: True),
    ("cases?" + asking('"title":{"$like":"%onboarding%"}'), lambda r: "onboarding" in r["title"]),
    ("cases?" + asking('"title":{"$like":"onboarding 100\\\\%"}'), has("title", "onboarding 100%")),
    ("cases?" + asking('"title":{"$ilike":"ÉTÉ__"}'), has("title", "été_1")),
    ("cases?" + asking('"title":{"$like":"Été%"}'), lambda r: False),
    (
        "cases?" + asking('"created_at":{"$ge":"2024-01-01","$le":"2024-01-01T01:00:00%2B01:00"}'),
        has("created_at", at("2024-01-01")),
    ),
    ("cases?" + asking('"status":{"$ne":null}'), lambda r: r["status"] is not None),
    (
        "cases?" + asking("", '"owner":{"attributes":{"email":{"$eq":null}}}'),
        lambda r: r["owner"] is None or r["owner"]["email"] is None,
    ),
    (
        "cases?" + asking("", '"contact":{"attributes":{"given_name":{"$eq":"Ann"},"family_name":{"$ne":"Lee"}}}'),
        lambda r: any(c["given_name"] == "Ann" and c["family_name"] not in ("Lee", None) for c in r["contact"]),
    ),
    (
        "cases?contact[given_name]=Ann&contact[family_name]=Lee",
        every(live, of("contact", given_name="Ann", family_name="Lee")),
    ),
    ("case_templates?title=50%25", every(live, lambda r: "50%" in r["title"])),
    ("case_templates?title=%5C+_", every(live, lambda r: "\\ _" in r["title"])),
    ("forms?flow[slug][]=kyc&flow[slug][]=claims", every(live, lambda r: r["flow"]["slug"] in ("kyc", "claims"))),
    ("forms?flow[slug]=kyc&flow[slug][]=claims", every(live, lambda r: r["flow"]["slug"] in ("kyc", "claims"))),
    ("forms?flow[slug][]=kyc", every(live, lambda r: r["flow"]["slug"] == "kyc")),
    ("forms?processed=false&active=true", every(live, has("processed", False), has("active", True))),
]
NONE_MATCH = '$like":"Été%'


@pytest.mark.parametrize(("target", "expected"), SEEDS, ids=[target[:70] for target, _ in SEEDS])
def test_requests_of_the_pages_are_answered(port: int, target: str, expected: Callable[[Record], bool]) -> None:
    name = target.partition("?")[0]
    endpoint = PENBOX.endpoint(name)
    assert endpoint is not None
    wanted = [respond(record, endpoint) for record in RECORDS[name] if expected(record)]
    found = everything(port, "/v1/" + carried(target))
    assert sorted(found, key=lambda each: each["id"]) == sorted(wanted, key=lambda each: each["id"])
    assert wanted or NONE_MATCH in target, "an example that no record matches shows nothing"
    assert len(wanted) < len(RECORDS[name]) or target.endswith(("{}", "=none"))


def carried(target: str) -> str:
    """A target as it is spelt, but for what HTTP itself cannot carry: blanks and what is not ASCII."""
    return "".join(char if "!" <= char <= "~" else quote(char) for char in target)


# Order and pages


@pytest.mark.parametrize(("sort", "key", "descending"), [
    ("created_at", "created_at", False), ("-created_at", "created_at", True), ("", "created_at", True),
    ("archived_at", "archived_at", False), ("-archived_at", "archived_at", True), ("title", "title", False),
    ("-status", "status", True), ("parent_status", "parent_status", False), ("-id", "id", True),
])  # fmt: skip
def test_pages_are_in_order(port: int, monkeypatch: pytest.MonkeyPatch, sort: str, key: str, descending: bool) -> None:
    """Ties by id; nulls last, but first where the highest comes first. Deep pages are cut out of a list."""
    monkeypatch.setattr(storages, "DEEP", 100)
    wanted = sorted(RECORDS["cases"], key=lambda record: record["id"])
    known = [record for record in wanted if record[key] is not None]
    known.sort(key=lambda record: record[key], reverse=descending)
    if descending:  # a reversed sort keeps equal ones as they were
        assert known == sorted(known, key=lambda record: record[key], reverse=True)
    unknown = [record for record in wanted if record[key] is None]
    ordered = unknown + known if descending else known + unknown
    found = everything(port, "/v1/cases?filter={}" + (f"&sort={sort}" if sort else ""))
    assert [each["id"] for each in found] == [record["id"] for record in ordered]


def test_a_page_has_ten_records_where_nothing_is_said(port: int) -> None:
    body = ask(port, "/v1/cases?filter={}").json
    assert body["meta"] == {"total_count": 480, "total_pages": 48, "page_size": 10, "current_page": 1}
    assert len(body["data"]) == 10
    last = ask(port, "/v1/cases?filter={}&page[size]=100&page[number]=5").json
    assert (len(last["data"]), last["meta"]["total_pages"]) == (80, 5)
    beyond = ask(port, "/v1/cases?filter={}&page[number]=99999").json
    assert (beyond["data"], beyond["meta"]["current_page"]) == ([], 99999)
    none = ask(port, "/v1/cases?reference=nobody-has-it").json
    assert none == {"meta": {"total_count": 0, "total_pages": 0, "page_size": 10, "current_page": 1}, "data": []}


# Counts


def test_counts_are_grouped(port: int) -> None:
    def grouped(query: str, key: Callable[[Record], Any]) -> None:
        name = query.partition("group-by=")[2]
        answer = ask(port, f"/v1/forms/count?{query}").json
        records = [each for each in RECORDS["forms"] if live(each)]
        texts = [key(record) for record in records]
        counted = Counter(text if isinstance(text, str) else json.dumps(text) for text in texts)
        assert answer == {"count": len(records), "by": {name: dict(counted)}}

    grouped("group-by=status", lambda record: record["status"])
    grouped("group-by=user.email", lambda record: (record["user"] or {}).get("email"))
    grouped("group-by=user.anonymous", lambda record: (record["user"] or {}).get("anonymous"))
    grouped("group-by=data.amount", lambda record: record[".data"].get("amount"))
    grouped("group-by=data.consent", lambda record: record[".data"].get("consent"))
    grouped("group-by=data.address.city", lambda record: record[".data"].get("address", {}).get("city"))
    grouped("group-by=data.nothing'\"$", lambda record: None)


# Refusals


def refusal(answer: Answer) -> tuple[int, str, str]:
    """The status, title and detail of an error, its envelope checked."""
    [error] = answer.json["errors"]
    assert list(answer.json) == ["errors"]
    assert list(error) == ["status", "title", "detail"]
    assert error["status"] == str(answer.status)
    return answer.status, error["title"], error["detail"]


BAD = [
    ("filter={", "`filter` is not JSON"),
    ("filter=", "`filter` is not JSON"),
    ("filter=[]", "`filter` has to be an object"),
    ("filter=null", "`filter` has to be an object"),
    ("filter=" + "[" * 5000, "`filter` is not JSON"),
    ("filter=" + '{"a":' * 20_00 + "1" + "}" * 20_00, "not"),
    ('filter={"attribute":{}}', "`attribute`: `filter` has `attributes` and `relationships`"),
    ('filter={"attributes":[]}', "`attributes` has to be an object"),
    ('filter={"attributes":{"titel":{"$eq":"x"}}}', "`attributes.titel`: `cases` has no such field"),
    ('filter={"attributes":{"archived":{"$eq":true}}}', "`attributes.archived`: `cases` has no such field"),
    ('filter={"attributes":{"title":"x"}}', "`attributes.title` has to be an object"),
    ('filter={"attributes":{"title":{}}}', "`attributes.title` has no operator"),
    ('filter={"attributes":{"title":{"$in":["x"]}}}', "`attributes.title.$in`: there is no such operator"),
    ('filter={"attributes":{"title":{"$or":[]}}}', "`attributes.title.$or`: there is no such operator"),
    ('filter={"attributes":{"title":{"eq":"x"}}}', "`attributes.title.eq`: there is no such operator"),
    ('filter={"attributes":{"title":{"$eq":1}}}', "`attributes.title.$eq` is a text, not a number"),
    ('filter={"attributes":{"title":{"$eq":["x"]}}}', "`attributes.title.$eq` is a text, not a list"),
    ('filter={"attributes":{"title":{"$gt":"x"}}}', "`attributes.title.$gt` is for numbers and dates"),
    ('filter={"attributes":{"title":{"$like":null}}}', "`attributes.title.$like` does not take null"),
    ('filter={"attributes":{"title":{"$like":"a\\\\"}}}', "`attributes.title.$like` ends in a backslash"),
    ('filter={"attributes":{"title":{"$eq":"a\\u0000"}}}', "`attributes.title.$eq` holds a character"),
    ('filter={"attributes":{"title":{"$eq":"\\ud800"}}}', "`attributes.title.$eq` holds a character"),
    ('filter={"attributes":{"title":{"$eq":NaN}}}', "`NaN` is not JSON"),
    ('filter={"attributes":{"title":{"$eq":"a","$eq":"b"}}}', "`$eq` stands twice in one object"),
    ('filter={"attributes":{"created_at":{"$gt":"soon"}}}', "`attributes.created_at.$gt` is a time in ISO 8601"),
    ('filter={"attributes":{"created_at":{"$gt":"2024-02-30"}}}', "not `2024-02-30`"),
    ('filter={"attributes":{"created_at":{"$like":"2024%"}}}', "`attributes.created_at.$like` is for texts"),
    (
        'filter={"attributes":{"parent_status":{"$eq":"open"}}}',
        "is one of draft, pending, in_progress, closed, not `open`",
    ),
    ('filter={"relationships":{"boss":{"id":{"$eq":"x"}}}}', "`relationships.boss`: `cases` has no such relation"),
    (
        'filter={"relationships":{"owner":{"email":{"$eq":"x"}}}}',
        "`relationships.owner.email`: a relation has `id` and",
    ),
    ('filter={"relationships":{"owner":{"attributes":{"mail":{"$eq":"x"}}}}}', "`relationships.owner.attributes.mail`"),
    (
        'filter={"relationships":{"company":{"id":{"$eq":"x"}}}}',
        "`relationships.company.id`: `cases` has no such field",
    ),
    ("filter={}&filter={}", "`filter` is given 2 times"),
    ("titel=x", "`titel` is no parameter of `cases`"),
    ("title=x", "`title` is no parameter of `cases`"),
    ("filter={}&titel=x", "`titel` is no parameter of `cases`"),
    ("status=", "`status` is empty"),
    ("status=a&status=b", "`status` is given 2 times"),
    ("archived=yes", "`archived` is true or false, not `yes`"),
    ("archived=True", "`archived` is true or false, not `True`"),
    ("parent_status=open", "`parent_status` is one of draft"),
    ("status=a%00", "`status` holds a character"),
    ("status=%ff", "the query string is not UTF-8"),
    ("status=a\x1b[31m&x\x1b[31m=1", "`x�[31m` is no parameter"),
    ("sort=", "`sort`: `` is no field that `cases` sorts by"),
    ("sort=description", "`sort`: `description` is no field"),
    ("sort=title,status", "`sort`: `title,status` is no field"),
    ("sort=--title", "`sort`: `-title` is no field"),
    ("sort=title&sort=id", "`sort` is given 2 times"),
    ("page[number]=0", "`page[number]` is a whole number from 1, not `0`"),
    ("page[number]=-1", "`page[number]` is"),
    ("page[number]=1.5", "`page[number]` is"),
    ("page[number]=٣", "`page[number]` is"),
    ("page[number]=" + "9" * 400, "`page[number]` is"),
    ("page[size]=0", "`page[size]` is a whole number from 1 to 100, not `0`"),
    ("page[size]=101", "`page[size]` is a whole number from 1 to 100"),
    ("page[size]=", "`page[size]` is"),
    ("group-by=status", "`group-by` groups a count: it is a parameter of `/cases/count`"),
    ("&".join(f"a{number}=1" for number in range(1_100)), "more than 1000 parameters"),
]


@pytest.mark.parametrize(("query", "detail"), BAD, ids=[query[:60] for query, _ in BAD])
def test_what_cannot_be_read_names_the_key(port: int, query: str, detail: str) -> None:
    answer = ask(port, "/v1/cases?" + quote(query, safe='=&%[]{}:,"$'))
    status, title, said = refusal(answer)
    assert (status, title) == (400, "Invalid Filter")
    assert detail in said
    assert said.isprintable()
    assert len(said) < 300


def test_what_is_a_list_is_spelt_so(port: int) -> None:
    assert "a list of values is `flow[slug][]`" in refusal(ask(port, "/v1/forms?flow[slug]=a&flow[slug]=b"))[2]
    assert refusal(ask(port, "/v1/cases/count?group-by=status"))[2].endswith("is nothing that `cases` is grouped by")
    for name in ("owner.email", "user", "user.", "user.nobody", "data.", "data..x", "statu", "status.x", ""):
        assert "is nothing that `forms` is grouped by" in refusal(ask(port, f"/v1/forms/count?group-by={name}"))[2]


@pytest.mark.parametrize(
    "token", [None, "", "Bearer", "Bearer ", "Bearer abc", "Bearer pnbx_", "pnbx_test", "Basic pnbx_test"]
)
def test_a_token_is_needed(port: int, token: str | None) -> None:
    for target in ("/v1/cases", "/v1/cases?nonsense=1", "/v1/forms/count"):
        answer = ask(port, target, token=token)
        assert refusal(answer)[:2] == (401, "Unauthorized")
        assert answer.headers["www-authenticate"] == "Bearer"


def test_other_paths_and_methods_are_refused(port: int) -> None:
    for path in ("/", "/v1", "/cases", "/v1/case", "/v1/cases/", "/v1/cases/1", "/v1/cases/count/x", "/v2/cases"):
        status, title, detail = refusal(ask(port, path))
        assert (status, title) == (404, "Not Found"), path
        assert "/v1/cases/count" in detail
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "NONSENSE"):
        answer = ask(port, "/v1/cases", method)
        assert refusal(answer)[:2] == (405, "Method Not Allowed")
        assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_a_head_has_no_body(port: int) -> None:
    whole, head = ask(port, "/v1/cases"), ask(port, "/v1/cases", "HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.body))


def test_too_many_requests_have_to_wait() -> None:
    now = [0.0]
    storage = _filled("sqlite://")
    client = TestClient(create_app(storage, rate=2, clock=lambda: now[0]))
    mine, other = {"Authorization": TOKEN}, {"Authorization": "Bearer pnbx_other"}

    def status(headers: dict[str, str] = mine) -> int:
        return client.get("/v1/cases/count", headers=headers).status_code

    assert [status() for _ in range(3)] == [200, 200, 429]
    answer = client.get("/v1/cases", headers=mine)
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["errors"][0]["title"] == "Too Many Requests"
    assert status(other) == 200
    now[0] += 0.5
    assert [status(), status()] == [200, 429]
    now[0] += 100
    assert [status() for _ in range(3)] == [200, 200, 429]
    storage.close()


# Nothing of a request becomes SQL

HOSTILE = (
    "x' OR '1'='1", "'; DROP TABLE sandbox_cases; --", '") OR 1=1 --', "x\\' OR 1=1 --", "%' OR 1=1 --", "$1",
    ":param_1",
    "%(id)s", "?", "); SELECT pg_sleep(9); --", "1; DELETE FROM sandbox_cases",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_a_request_becomes_sql(port: int, text: str) -> None:
    spelt = quote(text, safe="")
    inside = quote(json.dumps(text), safe="")
    for query in (
        f"status={spelt}",
        f"owner[email]={spelt}",
        f"contact[email]={spelt}",
        asking(f'"title":{{"$eq":{inside}}}'),
        asking("", f'"owner":{{"id":{{"$eq":{inside}}}}}'),
        asking("", f'"contact":{{"attributes":{{"email":{{"$ilike":{inside}}}}}}}'),
    ):
        assert ask(port, f"/v1/cases?{query}").json["meta"]["total_count"] == 0, query
    for query in (
        f"{spelt}=1",
        f"sort={spelt}",
        f"sort=-{spelt}",
        f"page[size]={spelt}",
        f"page[number]={spelt}",
        f"archived={spelt}",
        f"parent_status={spelt}",
        asking(f'{inside}:{{"$eq":"x"}}'),
        asking(f'"title":{{{inside}:"x"}}'),
        asking(f'"created_at":{{"$gt":{inside}}}'),
        asking("", f'{inside}:{{"id":{{"$eq":"x"}}}}'),
    ):
        assert refusal(ask(port, f"/v1/cases?{query}"))[0] == 400, query
    assert refusal(ask(port, f"/v1/forms/count?group-by={spelt}"))[0] == 400
    assert refusal(ask(port, f"/v1/forms/count?group-by=user.{spelt}"))[0] == 400
    assert ask(port, f"/v1/forms/count?group-by=data.{spelt}").status in (200, 400)  # any name, of one JSON or none
    assert ask(port, "/v1/cases/count?filter={}").json == {"count": 480}


# Records


@pytest.mark.parametrize("endpoint", PENBOX.endpoints, ids=lambda each: each.name)
def test_records_are_the_same_for_a_seed(endpoint: Endpoint) -> None:
    first = list(generate(endpoint, 300, seed=1))
    assert list(generate(endpoint, 500, seed=1))[:300] == first
    assert list(generate(endpoint, 300, seed=2)) != first
    earlier = list(generate(endpoint, 300, seed=1, until=at("2020-01-01")))
    assert [each["id"] for each in earlier] == [each["id"] for each in first]
    assert max(each["created_at"] for each in earlier) < at("2020-01-01")
    assert len({each["id"] for each in first}) == 300


def test_records_have_what_is_hard() -> None:
    cases = list(generate(CASES, 1_000))
    titles = "".join(case["title"] for case in cases)
    assert set("%_\\'*?[é新🚀ß") <= set(titles)
    assert {len(case["contact"]) for case in cases} >= {0, 1, 2, 3}
    assert any(case["owner"] is None for case in cases)
    assert any(case["status"] is None for case in cases)
    assert any(contact["email"] is None for case in cases for contact in case["contact"])
    assert 0.5 < sum(map(live, cases)) / 1_000 < 0.9
    assert len({case["owner"]["id"] for case in cases if case["owner"]}) > 50
    assert all(case["updated_at"] >= case["created_at"] for case in cases)
    values = {field.name for field in FORMS.fields if field.values}
    forms = list(generate(FORMS, 500))
    assert {form["status"] for form in forms} == set(FORMS.field("status").values)
    assert values == {"status"}


# Databases


def test_a_file_is_filled_once(tmp_path: Path) -> None:
    file = str(tmp_path / "a.db")

    def ids(records: int, seed: int = 0) -> list[str]:
        storage = Storage(PENBOX, file)
        fill(storage, records, seed)
        client = TestClient(create_app(storage), headers={"Authorization": TOKEN})
        found = client.get("/v1/cases?filter={}&sort=id&page[size]=100").json()["data"]
        storage.close()
        return [each["id"] for each in found]

    first = ids(20)
    changed = (tmp_path / "a.db").stat().st_mtime_ns
    assert ids(20) == first
    assert (tmp_path / "a.db").stat().st_mtime_ns == changed
    assert len(ids(30)) == 30
    assert set(ids(20, seed=1)).isdisjoint(first)


def test_a_run_that_broke_off_is_begun_anew(tmp_path: Path) -> None:
    storage = Storage(PENBOX, str(tmp_path / "a.db"))

    def broken() -> Iterator[Record]:
        yield from generate(CASES, 5_000)
        raise KeyboardInterrupt

    storage.create()
    with pytest.raises(KeyboardInterrupt):
        storage.load(CASES, broken())
    assert not storage.holds("x")
    fill(storage, 10)
    assert storage.total(CASES, All(())) == 10
    storage.close()


def test_tables_of_others_are_left_alone(tmp_path: Path) -> None:
    import sqlalchemy as sa

    url = f"sqlite:///{tmp_path / 'a.db'}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE sandbox_payments (a)")
    small = load_schema(Path(__file__).parent / "corpus" / "small.toml")
    for schema in (PENBOX, small):  # the second time the first's tables are dropped
        storage = Storage(schema, url)
        fill(storage, 5)
        storage.close()
    with engine.begin() as connection:
        names = sa.inspect(connection).get_table_names()
        assert sorted(names) == ["sandbox_about", "sandbox_payments", "sandbox_things"]
        connection.exec_driver_sql("DROP TABLE sandbox_about")
    engine.dispose()
    storage = Storage(small, url)
    with pytest.raises(PqlError, match="a table `sandbox_things` that no sandbox made"):
        fill(storage, 5)
    storage.close()


@pytest.mark.parametrize(
    "url",
    [
        "nonsense://x",
        "mysql://localhost/x",
        "/no/such/folder/a.db",
        "sqlite:////no/such/a.db",
        "://",
        "postgresql://secret:secret@127.0.0.1:1/x",
    ],
)
def test_a_database_that_cannot_be_used_is_said_so(url: str) -> None:
    with pytest.raises(PqlError) as raised:
        Storage(PENBOX, url)
    assert [each.code for each in raised.value.diagnostics] == ["bad-database"]
    assert "secret" not in str(raised.value)
