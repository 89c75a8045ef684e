"""The golden cases of `corpus/*.txt`: one query each, and a section for each stage worth pinning.

    === not binds tighter than and
    :endpoint forms
    not completed and active
    --- tree
    (and (not (flag completed)) (flag active))

`=== name` starts a case. Then come attributes, one a line, and `# comments`; then the query, of any number of lines;
then sections, each compared with what the compiler says now. `pytest --update-corpus` rewrites every section that is
there, and nothing else: the diff is the review. A comment after a blank line stands between two cases. The attributes:

    :endpoint forms         of the built-in schema, or of `:schema`; `cases` where nothing is said
    :schema shop.toml       a schema file beside the cases
    :target json            or `auto`, `params`; without it a request is made only where a section shows one
    :mode search
    :scope active
    :var name=JSON          or `name=date 2024-01-15`, `name=datetime 2024-01-15T10:00:00`
    :now 2024-06-15T12:00Z  (this one where nothing is said)
    :tz Europe/Brussels
    :limits depth=2 values=3
    :escaped                the query is read with \\t \\n \\r \\\\ \\uXXXX undone, for what cannot be seen

The sections: `tree` (as written), `condition` (as meant, normalised), `format`, `json`, `params`, `sort`,
`query_string`, `url`, `get` (the same as documentation prints it, not encoded), `problems` (one a line: severity, span,
code, and the edits it offers) and `picture`. A case without the last two has no error; its warnings and hints are
another case's matter.
"""

from __future__ import annotations

import ast as python
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, assert_never
from urllib.parse import unquote

import pytest

from pqlang import PENBOX, Limits, PqlError, Request, ast, compile, load_schema
from pqlang import condition as meant
from pqlang.compiler import Analysis, analyse, request
from pqlang.diagnostics import Diagnostic, Severity, Suggestion
from pqlang.formatter import format_query
from pqlang.moments import utc_text
from pqlang.rendering import to_text
from pqlang.schema import Endpoint, FieldType
from pqlang.source import Span
from pqlang.spelling import name, quote

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
NOW = "2024-06-15T12:00:00Z"
REQUESTS = frozenset({"json", "params", "sort", "query_string", "url", "get"})  # sections that need a request


# Reading and writing the files


@dataclass
class Case:
    """One case as it stands in its file."""

    file: str
    name: str
    head: list[str] = field(default_factory=list)  # attributes and comments
    query: list[str] = field(default_factory=list)
    sections: dict[str, list[str]] = field(default_factory=dict)
    after: list[str] = field(default_factory=list)  # comments before the next case

    @property
    def text(self) -> str:
        """The query."""
        text = "\n".join(self.query).strip("\n")
        return _unescape(text) if self.one("escaped") is not None else text

    def attributes(self) -> Iterator[tuple[str, str]]:
        """The attributes, in their order."""
        for line in self.head:
            if line.startswith(":"):
                key, _, value = line[1:].partition(" ")
                yield key, value.strip()

    def one(self, key: str) -> str | None:
        """The value of an attribute, None where it is not there."""
        return next((value for other, value in self.attributes() if other == key), None)

    def options(self) -> dict[str, Any]:
        """The keywords of `analyse`."""
        known = {"endpoint", "schema", "target", "mode", "scope", "var", "now", "tz", "limits", "escaped"}
        assert known.issuperset(key for key, _ in self.attributes()), f"{known} are the attributes"
        limits = [each.partition("=") for each in (self.one("limits") or "").split()]
        target = self.one("target") or ("auto" if REQUESTS & self.sections.keys() else None)
        return {
            "endpoint": endpoint(self.one("schema") or "", self.one("endpoint") or "cases"),
            "target": target,
            "mode": self.one("mode") or "strict",
            "scope": self.one("scope"),
            "now": self.one("now") or NOW,
            "tz": self.one("tz") or "UTC",
            "variables": dict(_variable(value) for key, value in self.attributes() if key == "var"),
            "limits": Limits(**{key: int(number) for key, _, number in limits}),
        }

    def lines(self) -> Iterator[str]:
        """The case as it is written to its file."""
        yield f"=== {self.name}"
        yield from self.head
        yield from self.query
        for title, body in self.sections.items():
            yield f"--- {title}"
            yield from body
        yield from self.after


@cache
def endpoint(schema: str, wanted: str) -> Endpoint:
    """The endpoint a case speaks of."""
    found = (load_schema(CORPUS / schema) if schema else PENBOX).endpoint(wanted)
    assert found is not None, f"no endpoint {wanted}"
    return found


def _variable(written: str) -> tuple[str, object]:
    key, _, value = written.partition("=")
    kind, _, rest = value.partition(" ")
    readers = {"date": date.fromisoformat, "datetime": datetime.fromisoformat}
    return key, readers[kind](rest) if kind in readers else json.loads(value)


def _unescape(text: str) -> str:
    plain = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}

    def undo(found: re.Match[str]) -> str:
        return chr(int(found[1], 16)) if found[1] else plain[found[2]]

    return re.sub(r"\\(?:u([0-9a-fA-F]{4})|([tnr\\]))", undo, text)


def read(path: Path) -> tuple[list[str], list[Case]]:
    """The lines before the first case, and the cases."""
    before: list[str] = []
    cases: list[Case] = []
    lines = before
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("=== "):
            cases.append(Case(path.name, line[4:]))
            lines = cases[-1].query
        elif not cases:
            before.append(line)
        elif line.startswith("--- "):
            assert line[4:] in SECTIONS, f"{path.name}: no section {line!r}"
            assert line[4:] not in cases[-1].sections, f"{path.name}: {cases[-1].name!r} has {line!r} twice"
            lines = cases[-1].sections[line[4:]] = []
        elif lines is cases[-1].query and not lines and re.match(r":[a-z]+( |$)|# ", line):
            cases[-1].head.append(line)
        elif line.startswith("# ") and lines and not lines[-1]:
            while lines and not lines[-1]:
                lines.pop()
            lines = cases[-1].after
            lines += ["", line]
        else:
            lines.append(line)
    return before, cases


def write(path: Path, before: list[str], cases: list[Case]) -> None:
    """Put the cases back."""
    lines = [*before, *(line for case in cases for line in case.lines())]
    path.write_text("\n".join(lines).rstrip("\n") + "\n", encoding="utf-8")


def all_cases() -> list[Case]:
    """Every case of every file."""
    return [case for path in sorted(CORPUS.glob("*.txt")) for case in read(path)[1]]


# What is shown of each stage


def tree_text(node: ast.Node) -> str:
    """A tree as an S-expression: `(and (= status draft) (flag archived))`."""
    match node:
        case ast.Query():
            return "\n".join(tree_text(part) for part in (node.where, node.order) if part is not None)
        case ast.OrderBy():
            return f"(order-by {tree_text(node.path)}{' desc' if node.descending else ''})"
        case ast.And() | ast.Or():
            word = "and" if isinstance(node, ast.And) else "or"
            return f"({word} {' '.join(tree_text(each) for each in node.operands)})"
        case ast.Not():
            return f"(not {tree_text(node.operand)})"
        case ast.Compare():
            return f"({node.op.replace(' ', '-')} {tree_text(node.path)} {tree_text(node.value)})"
        case ast.In():
            listed = " ".join(tree_text(each) for each in node.values)
            return f"({_not(node.negated)}in {tree_text(node.path)} {listed})"
        case ast.Between():
            ends = f"{tree_text(node.low)} {tree_text(node.high)}"
            return f"({_not(node.negated)}between {tree_text(node.path)} {ends})"
        case ast.IsNull():
            return f"(is-{_not(node.negated)}null {tree_text(node.path)})"
        case ast.On():
            return f"({_not(node.negated)}on {tree_text(node.path)} {tree_text(node.period)})"
        case ast.Flag():
            return f"(flag {tree_text(node.path)})"
        case ast.Text():
            return f"(text {tree_text(node.value)})"
        case ast.Path():
            return name(node.parts)
        case ast.Literal():
            return quote(node.text) if node.quoted else node.text
        case ast.Variable():
            return f"${node.name}"
        case ast.Hole():
            return "(hole)"
        case _:
            raise AssertionError(node)


def _not(negated: bool) -> str:
    return "not-" if negated else ""


def condition_text(node: meant.Condition) -> str:
    """A condition as an S-expression; times as the instants they are."""
    match node:
        case meant.All() | meant.Any():
            word = "all" if isinstance(node, meant.All) else "any"
            return f"({' '.join([word, *(condition_text(each) for each in node.operands)])})"
        case meant.Not():
            return f"(not {condition_text(node.operand)})"
        case meant.Test():
            values = node.value if isinstance(node.value, tuple) else () if node.value is None else (node.value,)
            days = node.field.type is FieldType.DATE
            shown = [_value(each, days) for each in values]
            return f"({' '.join([node.op.replace(' ', '-'), node.field.name, *shown])})"
        case _:
            assert_never(node)


def _value(value: meant.Scalar, days: bool) -> str:
    if isinstance(value, meant.Moment):
        return value.at.date().isoformat() if days else utc_text(value.at)
    return json.dumps(value, ensure_ascii=False)


def problem_line(problem: Diagnostic) -> str:
    """`error 5..9 unknown-field -> status | title`; an edit elsewhere than at the problem with its own span."""
    head = f"{problem.severity} {problem.span.start}..{problem.span.end} {problem.code}"
    edits = [_edit(each, problem.span) for each in problem.suggestions]
    return f"{head} -> {' | '.join(edits)}" if edits else head


def _edit(edit: Suggestion, at: Span) -> str:
    plain = edit.replacement.isprintable() and edit.replacement == edit.replacement.strip() != ""
    text = edit.replacement if plain else json.dumps(edit.replacement)
    return text if edit.span == at else f"[{edit.span.start}..{edit.span.end}] {text}"


def _params(made: Request) -> str:
    lists = {key: [value] if isinstance(value, str) else value for key, value in made.params.items()}
    return "\n".join(f"{key}={value}" for key, values in lists.items() for value in values)


def _get(made: Request) -> str:
    return "GET " + unquote(made.url()).removeprefix("https://connect.penbox.io")


def _tree(analysis: Analysis) -> str:
    assert analysis.tree is not None
    return tree_text(analysis.tree)


def _condition(analysis: Analysis) -> str:
    assert analysis.meaning is not None, "the query has no meaning"
    return "none" if analysis.condition is None else condition_text(analysis.condition)


def _format(analysis: Analysis) -> str:
    assert analysis.tree is not None
    return format_query(analysis.tree)


def problems_of(analysis: Analysis) -> tuple[Diagnostic, ...]:
    """Every problem, those that only a finished request shows included."""
    return analysis.diagnostics if analysis.pushed is None else request(analysis).diagnostics


SECTIONS = {
    "tree": _tree,
    "condition": _condition,
    "format": _format,
    "json": lambda analysis: json.dumps(request(analysis).filter, ensure_ascii=False),
    "params": lambda analysis: _params(request(analysis)),
    "sort": lambda analysis: request(analysis).sort or "none",
    "query_string": lambda analysis: request(analysis).query_string,
    "url": lambda analysis: request(analysis).url(),
    "get": lambda analysis: _get(request(analysis)),
    "problems": lambda analysis: "\n".join(problem_line(each) for each in problems_of(analysis)),
    "picture": lambda analysis: "\n\n".join(to_text(each, analysis.source) for each in problems_of(analysis)),
}


# The tests

CASES = [pytest.param(case, id=f"{case.file[:-4]}: {case.name}") for case in all_cases()]


def run(case: Case, text: str | None = None) -> Analysis:
    """The case's query, or another text in its place, through every stage."""
    return analyse(case.text if text is None else text, **case.options())


def compiled(case: Case) -> Request | tuple[Diagnostic, ...]:
    """What `compile` gives for the case, or what it raises: it may go another way to the same."""
    try:
        return compile(case.text, **case.options())
    except PqlError as error:
        return error.diagnostics


@pytest.mark.parametrize("case", CASES)
def test_case(case: Case, update_corpus: bool) -> None:
    analysis = run(case)
    if "problems" not in case.sections and "picture" not in case.sections:
        wrong = [problem_line(each) for each in problems_of(analysis) if each.severity is Severity.ERROR]
        assert not wrong
    found = {title: SECTIONS[title](analysis).split("\n") for title in case.sections}
    if update_corpus:
        path = CORPUS / case.file
        before, cases = read(path)
        for each in cases:
            if each.name == case.name:
                each.sections = {title: body if body != [""] else [] for title, body in found.items()}
        write(path, before, cases)
        return
    if case.options()["target"] is not None:
        assert compiled(case) == (analysis.diagnostics if analysis.pushed is None else request(analysis))
    for title, body in case.sections.items():
        assert found[title] == "\n".join(body).rstrip("\n").split("\n"), f"--- {title}"


#: Edits of which one is not enough: code -> why. One problem of that kind fewer is what they must bring.
ONE_OF_SEVERAL = {
    "unclosed-parenthesis": "`)` at the end closes the innermost; each that is open has its own",
}


@pytest.mark.parametrize("case", CASES)
def test_every_edit_does_away_with_its_problem(case: Case) -> None:
    analysis = run(case)
    text = analysis.source.text
    for problem in problems_of(analysis):
        for edit in problem.suggestions:
            edited = edit.apply(text)
            again = run(case, edited)
            start = min(problem.span.start, edit.span.start)
            end = max(problem.span.end, edit.span.end) + len(edited) - len(text)
            left = [each for each in again.diagnostics if each.code == problem.code and _meets(each.span, start, end)]
            if problem.code == "null-in-list" and problem.span.of(text).startswith("$"):
                continue  # the None is in the bound list, where no edit of the text reaches it
            if problem.code in ONE_OF_SEVERAL:
                assert _count(again, problem.code) == _count(analysis, problem.code) - 1
                continue
            assert not left, f"{problem.code}: {edit.replacement!r} gives {edited!r}"
            if edit.safe and analysis.condition is not None:
                assert again.condition == analysis.condition, f"{problem.code}: {edited!r} means something else"


def _count(analysis: Analysis, code: str) -> int:
    return sum(each.code == code for each in analysis.diagnostics)


def _meets(span: Span, start: int, end: int) -> bool:
    return (span.start < end and span.end > start) or span.start == start


def test_names_are_unique_and_updating_keeps_the_files() -> None:
    for path in sorted(CORPUS.glob("*.txt")):
        before, cases = read(path)
        names = [case.name for case in cases]
        assert sorted(set(names)) == sorted(names), path.name
        lines = [*before, *(line for case in cases for line in case.lines())]
        assert "\n".join(lines).rstrip("\n") + "\n" == path.read_text(encoding="utf-8"), path.name


#: Codes of what is wrong beside a query: arguments, schema files, the command line. Their tests are elsewhere.
NOT_OF_A_QUERY = frozenset({"bad-argument", "bad-limit", "bad-now", "bad-zone", "unknown-endpoint"})
#: Codes of what is wrong with running a query on records: see `test_predicate.py`.
OF_A_PREDICATE = frozenset({"misshapen-record", "uncarried-field"})
#: Codes of what several requests cannot answer either: see `test_plan.py`.
OF_A_PLAN = frozenset({"too-many-requests", "uncarried-residual"})
#: Codes of what is wrong with a request read back: see `test_decompile.py`.
OF_A_REQUEST = frozenset(
    {
        "bad-encoding",
        "bad-filter",
        "bad-json",
        "dropped-part",
        "ignored-parameter",
        "no-endpoint",
        "repeated-parameter",
        "unclear-parameter",
        "unknown-parameter",
        "unknown-relation",
    }
)
#: Said of tables given to `sql`, of the sandbox, and of what is not installed: `test_sql.py`, `test_sandbox*.py`.
OF_A_DATABASE = frozenset({"bad-database", "bad-port", "column-type", "missing-extra", "no-column"})
#: Codes put together from an operator's name.
COMPUTED = frozenset({"in-list", "not-in-list"})


def codes_of_the_source() -> set[str]:
    """Every code that the modules which read a query can raise."""
    codes = set(COMPUTED)
    for path in sorted((HERE.parent / "pqlang").glob("*.py")):
        if path.name == "cli.py" or path.name.startswith("schema"):
            continue
        for node in python.walk(python.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, python.Call) and isinstance(node.func, python.Name) and node.args:
                code = node.args[0]
                if node.func.id == "Diagnostic" and isinstance(code, python.Constant):
                    codes.add(code.value)
    return codes - NOT_OF_A_QUERY - OF_A_PREDICATE - OF_A_PLAN - OF_A_REQUEST - OF_A_DATABASE


def test_every_code_has_a_case() -> None:
    pinned = {
        line.split()[2] for case in all_cases() for line in case.sections.get("problems", ()) if len(line.split()) > 2
    }
    assert sorted(codes_of_the_source() - pinned) == []
