"""PQL: a filter language for list APIs, compiled to what the API takes.

>>> import pqlang
>>> pqlang.compile('parent_status = in_progress and owner.email ~ "%@acme%"', "cases").filter["attributes"]
{'parent_status': {'$eq': 'in_progress'}}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pqlang import ast
from pqlang.compiler import Prepared, check, compile, format, parse, predicate, prepare
from pqlang.diagnostics import Diagnostic, PqlError, Severity, Suggestion
from pqlang.request import Request
from pqlang.schema import Endpoint, Field, Schema
from pqlang.source import Limits, Source, Span

if TYPE_CHECKING:
    from pqlang._penbox import PENBOX
    from pqlang.evaluator import Predicate
    from pqlang.schema_file import load_schema

__all__ = [
    "PENBOX",
    "Diagnostic",
    "Endpoint",
    "Field",
    "Limits",
    "PqlError",
    "Predicate",
    "Prepared",
    "Request",
    "Schema",
    "Severity",
    "Source",
    "Span",
    "Suggestion",
    "ast",
    "check",
    "compile",
    "format",
    "load_schema",
    "parse",
    "predicate",
    "prepare",
]

_LAZY = {
    "PENBOX": "pqlang._penbox",
    "Predicate": "pqlang.evaluator",
    "load_schema": "pqlang.schema_file",
}  # read when first asked for (PEP 562)


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'pqlang' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__]
