"""pqlang as a row among its peers: the queries' fields as an endpoint, text in, validated target out."""

from __future__ import annotations

import pqlang
from pqlang import compiler
from pqlang.schema import Api, Endpoint, Field, FieldType, JsonPlace

TYPES = {
    "string": FieldType.STRING,
    "int": FieldType.INTEGER,
    "bool": FieldType.BOOLEAN,
    "datetime": FieldType.DATETIME,
}
FIELDS = {
    "parent_status": "string", "status": "string", "kind": "string", "archived": "bool", "priority": "int",
    "size": "int", "created_at": "datetime", "updated_at": "datetime", "deleted_at": "datetime",
    "owner.email": "string", "owner.name": "string", "team.id": "int", "account.seats": "int",
    **{f"field{at}": "int" for at in range(10)},
}  # fmt: skip


def _field(name: str, kind: str) -> Field:
    relation, _, last = name.rpartition(".")
    place = JsonPlace(last, relation or None, is_id=bool(relation) and last == "id")
    return Field(name, TYPES[kind], relation=relation or None, nullable=True, json=place)


ENDPOINT = Endpoint("items", "items", Api("bench", "https://api.test"), tuple(_field(*each) for each in FIELDS.items()))
LIMITS = pqlang.Limits(length=10**9, depth=200, values=10**9)  # the longest texts of the comparison pass 100 kB


def compile(text: str) -> object:
    """Text to the filter the API takes; the one query with an `or`, which no single request says, is checked."""
    if " or " in text:
        return check(text)
    try:
        return pqlang.compile(text, ENDPOINT, target="json", limits=LIMITS).filter
    except pqlang.PqlError as error:  # long lists, which the filter has no operator for
        return error


def reference(text: str) -> object:
    """The same by the modules that define the language, without the short way."""
    if " or " in text:
        return check(text)
    analysis = compiler.analyse(text, ENDPOINT, target="json", limits=LIMITS)
    return analysis.diagnostics if analysis.pushed is None else compiler.request(analysis).filter


def check(text: str) -> object:
    """Text to its problems."""
    return pqlang.check(text, ENDPOINT, limits=LIMITS)
