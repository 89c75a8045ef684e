"""A query as SQL: on SQLite and on PostgreSQL it selects what the predicate and the reference select."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from reference import selects
from sqlalchemy.dialects import mssql, mysql, oracle, postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from strategies import OWN, RELATED, asked_of, conditions, examples, records, written

import pqlang
from pqlang import PqlError
from pqlang.condition import All, Condition, Not
from pqlang.condition import Any as AnyOf
from pqlang.emitters.sql_types import Instant, install_folding
from pqlang.evaluator import fold_case, matcher
from pqlang.patterns import escape
from pqlang.schema import Api, Derived, Endpoint, Field, FieldType

# One endpoint with every type of field, and its rows in tables of both engines


def _field(name: str, type_: FieldType, relation: str | None = None, **more: Any) -> Field:
    values = ("x", "y", "z") if type_ in (FieldType.ENUM, FieldType.OPEN_ENUM) else ()
    place = (name,) if relation is None else (relation, name)  # keyed as the strategies' records are
    return Field(name, type_, relation=relation, nullable=True, values=values, record=place, **more)


def _fields() -> Iterator[Field]:
    yield _field("id", FieldType.INTEGER)
    for name, type_ in OWN:
        yield _field(name, type_)
    yield _field("at_flag", FieldType.BOOLEAN, derived=Derived("at", True))
    for relation, many in (("owner", False), ("contact", True), ("tag", True)):
        for name, type_ in RELATED:
            yield _field(f"{relation}.{name}", type_, relation, to_many=many)
        yield _field(
            f"{relation}.flag", FieldType.BOOLEAN, relation, to_many=many, derived=Derived(f"{relation}.gone_at", False)
        )


THINGS = Endpoint("things", "/things", Api("test"), tuple(_fields()))
TYPES = {
    FieldType.BOOLEAN: sa.Boolean(),
    FieldType.INTEGER: sa.Integer(),
    FieldType.NUMBER: sa.Double(),
    FieldType.DATETIME: Instant(),
    FieldType.DATE: sa.Date(),
}
METADATA = sa.MetaData()


def _table(name: str, relation: str | None, *more: sa.Column[Any]) -> sa.Table:
    stored = [field for field in THINGS.fields if field.relation == relation and field.derived is None]
    columns = [sa.Column(_column(field), TYPES.get(field.type, sa.String())) for field in stored]
    return sa.Table(name, METADATA, *more, *columns)


def _column(field: Field) -> str:
    return field.name.rpartition(".")[2]


def _key() -> sa.Column[Any]:
    return sa.Column("row", sa.Integer, primary_key=True)


def _of_thing() -> sa.Column[Any]:
    return sa.Column("thing", sa.ForeignKey("things.row"), nullable=False, index=True)


ROWS = _table("things", None, _key(), sa.Column("owner_row", sa.Integer))
OWNERS = _table("owners", "owner", _key())
CONTACTS = _table("contacts", "contact", _key(), _of_thing())
TAGS = _table("tags", "tag", _of_thing())  # without a key of its own
TABLES: dict[str, object] = {
    "things": ROWS,
    "owner": (OWNERS, OWNERS.c.row == ROWS.c.owner_row),
    "contact": (CONTACTS, CONTACTS.c.thing == ROWS.c.row),
    "tag": (TAGS, ROWS.c.row == TAGS.c.thing),
}
RECORDS = [record | {"id": at} for at, record in enumerate(records(THINGS, seed=5, count=300))]


def _fill(engine: sa.Engine) -> None:
    def row(record: Any, relation: str | None) -> dict[str, Any]:
        stored = [field for field in THINGS.fields if field.relation == relation and field.derived is None]
        values = {_column(field): record[field.name] for field in stored}
        days = [_column(field) for field in stored if field.type is FieldType.DATE]
        return values | {day: values[day] and values[day].date() for day in days}

    METADATA.create_all(engine)
    with engine.begin() as connection:
        for at, record in enumerate(RECORDS):
            owner = record["owner"]
            if owner is not None:
                connection.execute(OWNERS.insert(), row(owner, "owner") | {"row": at})
            connection.execute(
                ROWS.insert(), row(record, None) | {"row": at, "owner_row": None if owner is None else at}
            )
            for relation, table in (("contact", CONTACTS), ("tag", TAGS)):
                for each in record[relation]:
                    connection.execute(table.insert(), row(each, relation) | {"thing": at})


@pytest.fixture(scope="module")
def lite() -> Iterator[sa.Engine]:
    engine = sa.create_engine("sqlite://")
    install_folding(engine)
    _fill(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def postgres(postgresql_url: str) -> Iterator[sa.Engine]:
    engine = sa.create_engine(postgresql_url, connect_args={"options": "-c search_path=test_sql"})
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA test_sql")
    install_folding(engine)
    _fill(engine)
    yield engine
    engine.dispose()


def plain(value: Any) -> Any:
    """A record as JSON would bring it."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


PLAIN = [plain(record) for record in RECORDS]


@st.composite
def asked(draw: Any) -> Condition:
    """A condition on a few fields, of which several are often of one relation."""
    relation = draw(st.sampled_from((None, "owner", "contact", "tag")))
    near = [field for field in THINGS.fields if field.relation == relation]
    fields = draw(st.lists(st.sampled_from([*near, *THINGS.fields]), min_size=1, max_size=4))
    found: Condition = draw(conditions(fields, 1))
    return found


#: Fields with few values, so that a test on one is now true, now false, now unknown.
TELLING = [THINGS.field(name) for name in ("done", "count", "at_flag", "owner.age", "owner.flag")]
TELLING_MANY = [
    THINGS.field(name) for name in ("contact.age", "contact.flag", "contact.gone_at", "tag.age", "tag.flag")
]


@st.composite
def groups(draw: Any) -> Condition:
    """Groups in groups: `not` around `and` and `or`, in which related records and nulls meet."""
    fields = [*draw(st.lists(st.sampled_from(TELLING), max_size=2)), draw(st.sampled_from(TELLING_MANY))]
    fields += draw(st.lists(st.sampled_from(TELLING_MANY), max_size=1))
    test = asked_of(fields)

    def grown(level: int) -> Condition:
        kind = draw(st.sampled_from(("test", "not", "and", "or") if level else ("test",)))
        if kind == "test":
            found: Condition = draw(test)
            return found
        if kind == "not":
            return Not(grown(level - 1))
        operands = tuple(grown(level - 1) for _ in range(2))
        return All(operands) if kind == "and" else AnyOf(operands)

    inside = tuple(grown(2) for _ in range(draw(st.integers(2, 3))))
    return draw(st.sampled_from((Not(All(inside)), Not(AnyOf(inside)), All(inside), AnyOf(inside))))


def found(engine: sa.Engine, query: str) -> set[int]:
    condition = pqlang.sql(query, THINGS, TABLES, fold="pql_fold", variables={"none": []})
    with engine.connect() as connection:
        return set(connection.scalars(sa.select(ROWS.c.row).where(condition)))


@examples(700)
@given(asked())
def test_sqlite_selects_what_the_query_means(lite: sa.Engine, condition: Condition) -> None:
    _compare(lite, condition)


@examples(700)
@given(groups())
def test_sqlite_selects_what_groups_mean(lite: sa.Engine, condition: Condition) -> None:
    _compare(lite, condition)


@examples(300)
@given(groups())
def test_postgresql_selects_what_groups_mean(postgres: sa.Engine, condition: Condition) -> None:
    _compare(postgres, condition)


@examples(400)
@given(asked())
def test_postgresql_selects_what_the_query_means(postgres: sa.Engine, condition: Condition) -> None:
    _compare(postgres, condition)


#: Where an unknown part stands beside a related record: what is neither true nor false has to stay so in EXISTS.
UNKNOWNS = (
    "not ((contact.age = 1 or done = true) and contact.flag = true)",
    "not ((contact.age = 1 or not (contact.flag = true and done = true)) and contact.age != 0)",
    "not ((contact.age = 1 or owner.age = 1) and contact.flag = true)",
    "not ((contact.age = 1 or not owner.age = 1) and (tag.age = 1 or contact.flag = true))",
    "not ((contact.age = 1 or not (tag.age = 1 and owner.age < 2)) and contact.flag = true)",
    "(contact.age is null or not tag.age = 1) and (contact.flag = false or done = true)",
    "(contact.age is null or count = 1) and (contact.age is null or done = true)",
    "(contact.age not in $none or count = 1) and (contact.age is null or done = true)",
    "not ((contact.age not in $none or count = 1) and (contact.age is null or done = true))",
    "(contact.age = 1 or tag.age = 1) and (contact.age = 2 or tag.age = 2)",
    "not ((contact.age = 1 or tag.age = 1 or count = 1) and (contact.age != 1 or tag.age = 2 or done = false))",
    "not (owner.age is null and contact.age = 1) and not (owner.age is not null and tag.age = 1)",
)


@pytest.mark.parametrize("query", UNKNOWNS)
def test_what_is_unknown_stays_so(lite: sa.Engine, postgres: sa.Engine, query: str) -> None:
    matches = pqlang.predicate(query, THINGS, variables={"none": []}).matches
    wanted = {at for at, record in enumerate(PLAIN) if matches(record)}
    assert found(lite, query) == found(postgres, query) == wanted
    assert 0 < len(wanted) < len(PLAIN)


def _compare(engine: sa.Engine, condition: Condition) -> None:
    query = written(condition)
    matches = pqlang.predicate(query, THINGS, variables={"none": []}).matches
    wanted = {at for at, record in enumerate(PLAIN) if matches(record)}
    assert found(engine, query) == wanted
    assert wanted == {at for at, record in enumerate(RECORDS) if selects(condition, record, THINGS)}


# How a column is found, and what it takes


CASES = sa.Table(
    "cases",
    sa.MetaData(),
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("title", sa.String(5), nullable=False),
    sa.Column("parent_status", sa.Enum("draft", "pending", name="stage")),
    sa.Column("status", sa.Text),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("archived_at", sa.DateTime),
    sa.Column("owner_mail", sa.String),
    sa.Column("reference", sa.JSON),
)
PEOPLE = sa.Table("people", CASES.metadata, sa.Column("case_id", sa.Uuid), sa.Column("email", sa.String))
ID = "3c90c3cc-0d44-4b50-8888-8dd25736052a"


def text_of(query: str, tables: object = CASES, dialect: Any = None, **how: Any) -> str:
    expression = pqlang.sql(query, "cases", tables, **how)
    compiled = expression.compile(dialect=(dialect or postgresql).dialect(), compile_kwargs={"literal_binds": True})
    return " ".join(str(compiled).split())


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("title = x", "cases.title = 'x'"),
        ("not title = x", "cases.title != 'x'"),
        ("", "cases.archived_at IS NULL"),
        ("archived", "cases.archived_at IS NOT NULL"),
        (f"id = {ID}", "cases.id = '3c90c3cc-0d44-4b50-8888-8dd25736052a'"),
        (f"id = {ID.upper()}", "false"),
        ("id != template-123", "cases.id IS NOT NULL"),
        (f"id in (a, {ID})", "cases.id IN ('3c90c3cc-0d44-4b50-8888-8dd25736052a')"),
        ("parent_status = pending", "cases.parent_status = 'pending'"),
        ("parent_status = closed", "false"),  # the column knows no such value
        ("parent_status != closed", "cases.parent_status IS NOT NULL"),
        ("parent_status ~ p%", "CAST(cases.parent_status AS VARCHAR(255)) LIKE 'p%%' ESCAPE '!'"),
        ("status ~* 'é%'", "cases.status ILIKE 'é%%' ESCAPE '!'"),
        ("status not contains '5!%'", "NOT cases.status ILIKE '%%5!!!%%%%' ESCAPE '!'"),
        ("created_at > 2024-01-01", "cases.created_at > '2024-01-01 00:00:00+00:00'"),
        ("archived_at > 2024-01-01T01:00+01:00", "cases.archived_at > '2024-01-01 00:00:00'"),
    ],
)
def test_a_condition_reads_as_sql(query: str, expected: str) -> None:
    assert text_of(query) == expected


def test_related_records_are_asked_for_once() -> None:
    tables = {"cases": CASES, "contact": (PEOPLE, PEOPLE.c.case_id == CASES.c.id), "owner.email": CASES.c.owner_mail}
    one = "EXISTS (SELECT 1 FROM people, cases WHERE people.case_id = cases.id AND {})"
    assert text_of("contact.email = a@b.co", tables) == one.format("people.email = 'a@b.co'")
    assert text_of("contact.email ~ 'a%' and contact.email ~ '%b'", tables) == one.format(
        "people.email LIKE 'a%%' ESCAPE '!' AND people.email LIKE '%%b' ESCAPE '!'"
    )
    assert text_of("not contact.email = a@b.co", tables) == "NOT (" + one.format("people.email = 'a@b.co'") + ")"
    assert text_of("owner.email = a@b.co", tables) == "cases.owner_mail = 'a@b.co'"


def test_any_engine_can_compile_it() -> None:
    query = (
        "title ~ 'a[%' and status ~* b and created_at > 2024-01-01 and parent_status != draft"
        " and (contact.email = c or title = d) and contact.email ~ '%e' and not contact.email is null"
    )
    tables = {"cases": CASES, "contact": (PEOPLE, PEOPLE.c.case_id == CASES.c.id)}
    likes = {
        sqlite: "cases.title GLOB 'a[[]*'",
        postgresql: "cases.title LIKE 'a[%%' ESCAPE '!'",
        mysql: "cases.title LIKE 'a[%%' ESCAPE '!'",
        mssql: "cases.title LIKE 'a![%' ESCAPE '!'",
        oracle: "cases.title LIKE 'a[%' ESCAPE '!'",
    }
    for dialect, like in likes.items():
        assert like in text_of(query, tables, dialect)


def test_every_value_is_bound() -> None:
    hostile = "x'); DROP TABLE cases; --"
    query = 'title = $a and status ~ $a and status ~* $a and reference_ in ($a, b) and owner.email != "$a"'
    tables = {"cases": CASES, "owner.email": CASES.c.owner_mail}
    made = pqlang.sql(query.replace("reference_", "status"), "cases", tables, variables={"a": hostile})
    for dialect in (sqlite, postgresql, mysql, mssql, oracle):
        assert "DROP" not in str(made.compile(dialect=dialect.dialect()))


@pytest.mark.parametrize(
    ("query", "code", "part"),
    [
        ("title = x and owner.email = a@b.co", "no-column", "`tables` has no column for `owner.email`"),
        ("contact.email = a@b.co", "no-column", "give the table of `contact`"),
        ("description = x", "no-column", 'say which it is: `{"description": table.c.…}`'),
        ("updated_at > 2024-01-01", "column-type", "`updated_at` is a date-time, and its column `cases.title`"),
        ("reference = x", "column-type", "is of type JSON"),
        ("titel = x", "unknown-field", "`titel`"),
    ],
)
def test_a_field_without_its_column_is_named(query: str, code: str, part: str) -> None:
    with pytest.raises(PqlError) as raised:
        pqlang.sql(query, "cases", {"cases": CASES, "updated_at": CASES.c.title})
    assert [each.code for each in raised.value.diagnostics if each.severity is pqlang.Severity.ERROR] == [code]
    assert part in str(raised.value)


@pytest.mark.parametrize(
    "tables", [None, "cases", 3, {"cases": "cases"}, {"contact": PEOPLE}, {"contact": (PEOPLE,)}, {"x": CASES}, {1: 2}]
)
def test_what_is_no_table_is_refused(tables: object) -> None:
    with pytest.raises(PqlError) as raised:
        pqlang.sql("title = x", "cases", tables)
    assert [each.code for each in raised.value.diagnostics] == ["bad-argument"]


class Base(DeclarativeBase):
    """What mapped classes have in common."""


class Mine(Base):
    """A mapped class, as programs have them."""

    __tablename__ = "mine"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


def test_a_mapped_class_is_a_table() -> None:
    assert text_of("title = x", Mine) == "mine.title = 'x'"
    assert text_of("title = x", {"title": Mine.title}) == "mine.title = 'x'"


# What is large


@pytest.mark.parametrize("joined", [" or ", " and "])
def test_a_chain_may_be_as_long_as_a_query(lite: sa.Engine, joined: str) -> None:
    query = joined.join(f"count != {number}" for number in range(10, 900))
    assert len(found(lite, query)) == len([each for each in PLAIN if each["count"] is not None])


@pytest.mark.parametrize(
    "group", ["not ({})", "contact.age = 1 and not ({})", "(contact.age = 1 or not ({})) and contact.id = a"]
)
def test_groups_may_be_deep(lite: sa.Engine, postgres: sa.Engine, group: str) -> None:
    """On PostgreSQL as deep as a query may be; SQLite's parser gives up on what nobody writes."""
    query = "contact.name = a"
    for depth in range(70):
        deeper = group.format(query)
        if any(each.code == "too-deep" for each in pqlang.check(deeper, THINGS)):
            break
        query = deeper
        if depth == 3:
            assert found(lite, query) == found(postgres, query)
    assert depth > 15
    matches = pqlang.predicate(query, THINGS).matches
    assert found(postgres, query) == {at for at, record in enumerate(PLAIN) if matches(record)}


def test_a_list_may_be_as_long_as_its_limit(lite: sa.Engine, postgres: sa.Engine) -> None:
    listed = {"many": [f"x{number}" for number in range(9_998)] + ["a", "5"]}
    wanted = {at for at, each in enumerate(PLAIN) if each["mail"] in ("a", "5")}
    for engine in (lite, postgres):
        condition = pqlang.sql("mail in $many", THINGS, TABLES, variables=listed)
        with engine.connect() as connection:
            assert set(connection.scalars(sa.select(ROWS.c.row).where(condition))) == wanted


# Patterns


SPECIAL = (
    "*",
    "?",
    "[",
    "]",
    "[a]",
    "[!a]",
    "[^a]",
    "a*",
    "a?",
    "!",
    "a!%",
    "%",
    "_",
    "\\",
    "\\%",
    "{",
    "a",
    "ab",
    "",
    "-",
    "^",
)


@pytest.mark.parametrize("folds", [False, True])
def test_signs_of_the_engines_are_signs_in_no_pattern(lite: sa.Engine, postgres: sa.Engine, folds: bool) -> None:
    """Each of them as the text, against patterns that have each of them between the wildcards."""
    patterns = [
        *(escape(text) for text in SPECIAL),
        *(f"%{escape(text)}%" for text in SPECIAL),
        "_",
        "__",
        "%_",
        "[_]",
        "*%",
    ]
    texts = sa.union_all(*(sa.select(sa.literal(text, sa.String).label("mail")) for text in SPECIAL)).subquery()
    for engine in (lite, postgres):
        with engine.connect() as connection:
            for pattern in patterns:
                wanted = {text for text in SPECIAL if matcher(pattern, fold=folds)(text)}
                query = f"mail {'~*' if folds else '~'} $pattern"
                condition = pqlang.sql(query, THINGS, {"mail": texts.c.mail}, variables={"pattern": pattern})
                assert set(connection.scalars(sa.select(texts.c.mail).where(condition))) == wanted, pattern


# Case folding


def test_the_databases_fold_case_as_the_predicate_does(lite: sa.Engine, postgres: sa.Engine) -> None:
    """Every character that folding changes, and those around it."""
    every = "".join(chr(code) for code in range(1, 0x20000) if not 0xD800 <= code < 0xE000)
    for engine in (lite, postgres):
        with engine.connect() as connection:
            for text in (every, "ASCII Only", "İıſςẞßΣK"):
                assert connection.scalar(sa.select(sa.func.pql_fold(sa.literal(text)))) == fold_case(text)
            assert connection.scalar(sa.select(sa.func.pql_fold(sa.null()))) is None


def test_instants_compare_whatever_their_zone(postgres: sa.Engine) -> None:
    table = sa.Table("zones", sa.MetaData(), sa.Column("created_at", sa.DateTime(timezone=True)))
    naive = sa.Table("naive", sa.MetaData(), sa.Column("created_at", sa.DateTime))
    for each, value in ((table, datetime(2024, 1, 1, 12, tzinfo=UTC)), (naive, datetime(2024, 1, 1, 12))):
        for engine in (postgres, sa.create_engine("sqlite://")):
            with engine.begin() as connection:
                each.create(connection)
                connection.execute(each.insert(), {"created_at": value})
                for query, hit in (
                    ("created_at = 2024-01-01T13:00:00+01:00", 1),
                    ("created_at > 2024-01-01T13:00:00+02:00", 1),
                    ("created_at > 2024-01-01T12:00:00Z", 0),
                ):
                    condition = pqlang.sql(query, "cases", each)
                    assert connection.scalar(sa.select(sa.func.count()).where(condition)) == hit
            if engine is not postgres:
                engine.dispose()
