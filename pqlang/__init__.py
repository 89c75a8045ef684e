"""PQL: a filter language for list APIs, compiled to what the API takes.

>>> import pqlang
>>> pqlang.compile('parent_status = in_progress and owner.email ~ "%@acme%"', "cases").filter["attributes"]
{'parent_status': {'$eq': 'in_progress'}}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pqlang import ast
    from pqlang._penbox import PENBOX
    from pqlang.async_client import AsyncClient, AsyncRecords
    from pqlang.client import Client, Records
    from pqlang.compiler import Prepared, format, parse, plan, predicate, prepare, sql
    from pqlang.completer import Completion, complete, complete_async
    from pqlang.decompiler import decompile
    from pqlang.diagnostics import Diagnostic, PqlError, PqlWarning, Severity, Suggestion
    from pqlang.emitters.sql_types import install_folding
    from pqlang.entry import check, compile
    from pqlang.highlighter import Token, TokenKind, tokens
    from pqlang.hover import Description, describe
    from pqlang.plans import Plan
    from pqlang.predicates import Predicate
    from pqlang.request import Request
    from pqlang.schema import Endpoint, Field, Schema
    from pqlang.schema_file import load_schema
    from pqlang.source import Limits, Source, Span
    from pqlang.verifier import Verdict, verify

__all__ = [
    "PENBOX",
    "AsyncClient",
    "AsyncRecords",
    "Client",
    "Completion",
    "Description",
    "Diagnostic",
    "Endpoint",
    "Field",
    "Limits",
    "Plan",
    "PqlError",
    "PqlWarning",
    "Predicate",
    "Prepared",
    "Records",
    "Request",
    "Schema",
    "Severity",
    "Source",
    "Span",
    "Suggestion",
    "Token",
    "TokenKind",
    "Verdict",
    "ast",
    "check",
    "compile",
    "complete",
    "complete_async",
    "decompile",
    "describe",
    "format",
    "install_folding",
    "load_schema",
    "parse",
    "plan",
    "predicate",
    "prepare",
    "sql",
    "tokens",
    "verify",
]

_HOMES = {
    "_penbox": ("PENBOX",),
    "async_client": ("AsyncClient", "AsyncRecords"),
    "client": ("Client", "Records"),
    "compiler": ("Prepared", "format", "parse", "plan", "predicate", "prepare", "sql"),
    "completer": ("Completion", "complete", "complete_async"),
    "decompiler": ("decompile",),
    "diagnostics": ("Diagnostic", "PqlError", "PqlWarning", "Severity", "Suggestion"),
    "emitters.sql_types": ("install_folding",),
    "entry": ("check", "compile"),
    "highlighter": ("Token", "TokenKind", "tokens"),
    "hover": ("Description", "describe"),
    "plans": ("Plan",),
    "predicates": ("Predicate",),
    "request": ("Request",),
    "schema": ("Endpoint", "Field", "Schema"),
    "schema_file": ("load_schema",),
    "source": ("Limits", "Source", "Span"),
    "verifier": ("Verdict", "verify"),
}  # each module, and what it has that is public: read when it is first asked for (PEP 562)
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name == "ast" or name in _HOME:
        from importlib import import_module

        if name == "ast":
            return import_module("pqlang.ast")
        found = globals()[name] = getattr(import_module(f"pqlang.{_HOME[name]}"), name)
        return found
    raise AttributeError(f"module 'pqlang' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__]
