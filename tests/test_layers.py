"""Imports point down: a module imports only from rows below its own, and each dependency has one door."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "pqlang"
ROWS = (
    {"valueclass"},
    {"source", "schema", "_tables"},
    {"_penbox", "spelling", "patterns", "names", "ast", "condition"},
    {"diagnostics"},
    {
        "rendering",
        "schema_json",
        "mistakes",
        "formatter",
        "moments",
        "schema_problems",
        "writer",
        "shell_command",
        "views",
        "answers",
        "extras",
        "webserver",
    },
    {
        "webserver",
        "parser",
        "literals",
        "normaliser",
        "domains",
        "arguments",
        "schema_tables",
        "schema_text",
        "json_text",
    },
    {
        "cursor",
        "glossary",
        "highlighter",
        "offers",
        "operands",
        "reduction",
        "notices",
        "printer",
        "scopes",
        "schema_checks",
        "address",
        "usage",
    },
    {"pushdown", "evaluator"},
    {"predicate_code"},
    {"predicates"},
    {"emitters.sql_types"},
    {"emitters.sql_columns"},
    {"emitters.json", "emitters.params", "emitters.sql", "emitters"},
    {"schema_file", "decompiler", "disjuncts", "resolver"},
    {"request", "express", "planner", "hostvalues"},
    {"plans", "completer", "skeleton"},
    {"compiler", "presenter", "ordering"},
    {"entry"},
    {"counting", "reading", "transport"},
    {"async_client"},
    {"client"},
    {
        "hover",
        "pygments_lexer",
        "verifier",
        "session",
        "fetcher",
        "sandbox.words",
        "sandbox.requests",
        "sandbox.openapi",
        "sandbox",
    },
    {"commands", "sandbox.records"},
    {"keyboard", "script", "sandbox.tables"},
    {"repl", "sandbox.storage"},
    {"sandbox.app"},
    {"sandbox.command"},
    {"searchbox.problems", "searchbox.files", "searchbox.guard"},
    {"searchbox.asks", "searchbox.bodies"},
    {"searchbox.wire"},
    {"searchbox.narrowing", "searchbox.http", "searchbox.answers", "searchbox.openapi"},
    {"searchbox.examples"},
    {"searchbox.app"},
    {"searchbox", "searchbox.beside"},
    {"server"},
    {"__init__", "cli"},
    {"__main__"},
)
ROW = {name: at for at, names in enumerate(ROWS) for name in names}
#: What is imported late, inside a function, may come from the same row or from above it where the reason is said.
LATE = {("diagnostics", "rendering")}  # an exception draws itself when someone looks
DOORS = {
    "lark": set(),
    "pygments": {"pygments_lexer"},
    "prompt_toolkit": {"repl"},
    "pydantic": {"schema_tables", "searchbox.asks", "searchbox.wire"},  # schema files, bodies of requests and answers
    "pydantic_core": {"schema_tables"},
    "sqlalchemy": {"emitters.sql", "emitters.sql_columns", "emitters.sql_types", "sandbox.storage", "sandbox.tables"},
    "starlette": {"sandbox.app", "searchbox.app", "searchbox.http"},
    "anyio": {"sandbox.app"},
    "uvicorn": {"webserver"},
    "httpx2": {"transport"},
    "stamina": {"transport"},
}
MODULES = sorted(".".join(path.relative_to(ROOT).with_suffix("").parts) for path in ROOT.rglob("*.py"))


def imports(module: str) -> Iterator[str]:
    """Every module that one imports, anywhere in its text."""
    path = ROOT / (module.replace(".", "/") + ".py")
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            known = [f"{node.module}.{alias.name}" for alias in node.names]
            inside = [name for name in known if name.removeprefix("pqlang.") in MODULES]
            yield from inside or [node.module]


def name_of(module: str) -> str:
    return module.removesuffix(".__init__")


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module: str) -> None:
    here = ROW[name_of(module)]
    for imported in imports(module):
        if imported.startswith("pqlang."):
            other = imported.removeprefix("pqlang.")
            assert ROW[other] < here or (module, other) in LATE, f"{module} imports {other} from row {ROW[other]}"


@pytest.mark.parametrize("module", MODULES)
def test_each_dependency_has_one_door(module: str) -> None:
    used = {imported.partition(".")[0] for imported in imports(module)}
    for dependency, doors in DOORS.items():
        assert dependency not in used or module in doors
