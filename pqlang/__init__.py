"""PQL: a filter language for list APIs, compiled to what the API takes.

>>> import pqlang
>>> pqlang.compile('parent_status = in_progress and owner.email ~ "%@acme%"', "cases").filter["attributes"]
{'parent_status': {'$eq': 'in_progress'}}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pqlang import ast
from pqlang.compiler import Prepared, check, compile, format, parse, plan, predicate, prepare, sql
from pqlang.diagnostics import Diagnostic, PqlError, PqlWarning, Severity, Suggestion
from pqlang.request import Request
from pqlang.schema import Endpoint, Field, Schema
from pqlang.source import Limits, Source, Span

if TYPE_CHECKING:
    from pqlang._penbox import PENBOX
    from pqlang.async_client import AsyncClient, AsyncRecords
    from pqlang.client import Client, Records
    from pqlang.decompiler import decompile
    from pqlang.emitters.sql_types import install_folding
    from pqlang.evaluator import Predicate
    from pqlang.plans import Plan
    from pqlang.schema_file import load_schema
    from pqlang.verifier import Verdict, verify

__all__ = [
    "PENBOX",
    "AsyncClient",
    "AsyncRecords",
    "Client",
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
    "Verdict",
    "ast",
    "check",
    "compile",
    "decompile",
    "format",
    "install_folding",
    "load_schema",
    "parse",
    "plan",
    "predicate",
    "prepare",
    "sql",
    "verify",
]

_LAZY = {
    "PENBOX": "pqlang._penbox",
    "AsyncClient": "pqlang.async_client",
    "AsyncRecords": "pqlang.async_client",
    "Client": "pqlang.client",
    "Plan": "pqlang.plans",
    "Predicate": "pqlang.evaluator",
    "Records": "pqlang.client",
    "Verdict": "pqlang.verifier",
    "decompile": "pqlang.decompiler",
    "install_folding": "pqlang.emitters.sql_types",
    "load_schema": "pqlang.schema_file",
    "verify": "pqlang.verifier",
}  # read when first asked for (PEP 562)


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'pqlang' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__]
