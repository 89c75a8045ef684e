"""pqlang as a row among its peers: the queries' fields as an endpoint, text in, validated target out."""

from __future__ import annotations

from functools import cache

import pqlang
from pqlang import ast, compiler, entry, express
from pqlang.schema import Api, Endpoint, Field, FieldType, JsonPlace
from pqlang.source import DEFAULT_LIMITS

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
    """Text to the filter the API takes, nothing remembered; what no single request can say (`or`, lists) is checked."""
    limits = None if len(text) < 10_000 else LIMITS
    if " or " in text or " in (" in text:
        problems = express.check(text, ENDPOINT, limits or DEFAULT_LIMITS)
        return pqlang.check(text, ENDPOINT, limits=limits) if problems is None else problems
    return entry._compiled(text, ENDPOINT, "json", None, None, "UTC", None, "strict", limits).filter


def again(text: str) -> object:
    """The same text as before, as a program compiles it: what is remembered counts."""
    return pqlang.compile(text, ENDPOINT, target="json").filter


def checked_again(text: str) -> object:
    """The same of a text that is checked."""
    return pqlang.check(text, ENDPOINT)


def prepared(text: str) -> object:
    """The query prepared once, with a variable for each of its values; then compiled with those values."""
    mine, values = _prepared(text)
    return mine.compile(values).filter


@cache
def _prepared(text: str) -> tuple[pqlang.Prepared, dict[str, object]]:
    values: dict[str, object] = {}

    def opened(node: ast.Expr) -> ast.Expr:
        if isinstance(node, ast.And):
            return ast.And(tuple(opened(each) for each in node.operands))
        if not isinstance(node, ast.Compare) or not isinstance(node.value, ast.Literal):
            return node
        name, written = f"v{len(values)}", node.value.text
        whole = ENDPOINT.by_parts[node.path.parts].type is FieldType.INTEGER
        values[name] = int(written) if whole else written
        return ast.Compare(node.path, node.op, ast.Variable(name))

    where = pqlang.parse(text).where
    assert where is not None
    return pqlang.prepare(ast.Query(opened(where)), ENDPOINT, target="json"), values


def reference(text: str) -> object:
    """The same by the modules that define the language, without the short way."""
    if " or " in text or " in (" in text:
        return list(compiler.analyse(text, ENDPOINT, target=None, limits=LIMITS).diagnostics)
    analysis = compiler.analyse(text, ENDPOINT, target="json", limits=LIMITS)
    return analysis.diagnostics if analysis.pushed is None else compiler.request(analysis).filter
