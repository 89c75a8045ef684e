"""A prepared query as the tests it will send, with holes for its variables: filled in without reading the text again.

As `express`, this may be deleted without changing any result, and gives None for all that it does not know at once:
for a query with anything to be said about it, for a value that is not plainly of its field's type, for null.
`tests/test_express.py` holds it against the reference way.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from pqlang import ast, express, patterns
from pqlang.condition import All, Op, Scalar, Test, tests_of
from pqlang.literals import fits
from pqlang.moments import UTC_CLOCK, read_datetime
from pqlang.pushdown import push_down
from pqlang.request import Request, with_long_url
from pqlang.resolver import Meaning
from pqlang.schema import Endpoint, Field, FieldType
from pqlang.source import Span
from pqlang.valueclass import frozen

_PLAIN = {
    ast.Op.EQ: Op.EQ,
    ast.Op.NE: Op.NE,
    ast.Op.LT: Op.LT,
    ast.Op.LE: Op.LE,
    ast.Op.GT: Op.GT,
    ast.Op.GE: Op.GE,
    ast.Op.LIKE: Op.LIKE,
    ast.Op.ILIKE: Op.ILIKE,
}


class Hole(NamedTuple):
    """Where a variable's value goes: into the test at an index."""

    at: int
    name: str
    field: Field
    op: Op
    span: Span
    read: express.Reader


@frozen
class Skeleton:
    """What to send but for the values of variables, whose tests stand here with another in their place."""

    endpoint: Endpoint
    target: str
    tests: tuple[Test, ...]
    holes: tuple[Hole, ...]
    sort: str | None
    length: int  # characters of the text

    def filled(self, variables: Mapping[str, object]) -> Request | None:
        """The request for these values; None where the reference way must say."""
        tests, length = list(self.tests), self.length
        for at, name, field, op, span, read in self.holes:
            value = variables.get(name)
            if type(value) is str:
                if not value.isprintable():
                    return None
                length += len(value)
                found = read(value, True, field)
            else:
                length += 40
                found = _bound(value, field)
            if found is None:
                return None
            tests[at] = Test(field, op, found, span)
        target, sent = self.target, tuple(tests)
        if target != "json":
            pushed, refused = push_down(tests[0] if len(tests) == 1 else All(sent), self.endpoint, target)
            if pushed is None or refused:
                return None
            target, sent = pushed.target, pushed.tests
        return with_long_url(Request(self.endpoint, target, sent, self.sort), length)


def strip(
    text: str, tree: ast.Query, meaning: Meaning, endpoint: Endpoint, target: str, sort: str | None
) -> Skeleton | None:
    """The skeleton of a query without problems, read in UTC, whose meaning has been found with its variables open.

    None where it is not a conjunction of plain conditions, each on a field of its own.
    """
    if express.may_ask_for_now(text):
        return None
    nodes = tree.where.operands if isinstance(tree.where, ast.And) else (tree.where,)
    tests = tests_of(meaning.condition) if meaning.condition is not None else ()
    tests = tuple(_underived(test, endpoint) for test in tests)
    if not len({test.field.name for test in tests}) == len(tests) == len(nodes):
        return None
    holes: list[Hole] = []
    for at, (node, test) in enumerate(zip(nodes, tests, strict=True)):
        field, op = test.field, test.op
        if field.json is None or field.json.undocumented:
            return None
        if isinstance(node, ast.Compare) and isinstance(node.value, ast.Variable):
            hole = _hole(at, node, node.value.name, field)
            if hole is None:
                return None
            holes.append(hole)
            op = hole.op
        elif not _is_plain(test):
            return None
        if op not in endpoint.operators_of:
            return None
    return Skeleton(endpoint, target, tests, tuple(holes), sort, len(text))


def _underived(test: Test, endpoint: Endpoint) -> Test:
    """The test of a constant; of a boolean that stands for a null, as the null test that is sent."""
    if test.field.derived is None or not isinstance(test.value, bool):
        return test
    return Test(*express.stood_for(test.field.derived, test.op, test.value, endpoint), None, test.span)


def _hole(at: int, node: ast.Compare, name: str, field: Field) -> Hole | None:
    """The hole that a comparison with a variable leaves."""
    if node.op in _PARTS:
        return Hole(at, name, field, Op.ILIKE, node.span, _PARTS[node.op])
    op = _PLAIN.get(node.op)
    read = None if op is None else express.reader(field, op)
    return None if op is None or read is None else Hole(at, name, field, op, node.span, read)


def _is_plain(test: Test) -> bool:
    """Whether a test without variables is sent as it stands."""
    field = test.field
    if test.op is Op.IS_NULL or test.op is Op.NOT_NULL:
        return field.nullable and not field.to_many and field.derived is None
    read = express.reader(field, test.op)
    if read is None:
        return False
    return not isinstance(test.value, str) or read(test.value, True, field) is not None


# What a hole takes


def _bound(value: object, field: Field) -> Scalar | None:
    """The value that is no text, as `literals.read_bound` has it."""
    kind = field.type
    if type(value) is bool:
        return value if kind is FieldType.BOOLEAN else None
    if type(value) is int:
        return value if (kind is FieldType.INTEGER or kind is FieldType.NUMBER) and fits(value) else None
    if type(value) is datetime:
        return read_datetime(value, UTC_CLOCK) if kind is FieldType.DATETIME else None
    return None


def _contains(text: str, quoted: bool, field: Field) -> Scalar | None:
    return f"%{patterns.escape(text)}%" if text else None


def _starts(text: str, quoted: bool, field: Field) -> Scalar | None:
    return f"{patterns.escape(text)}%" if text else None


def _ends(text: str, quoted: bool, field: Field) -> Scalar | None:
    return f"%{patterns.escape(text)}" if text else None


#: The operators that take a part of a text, all of which become `ilike`, and what makes a pattern of it.
_PARTS: Mapping[ast.Op, express.Reader] = {
    ast.Op.CONTAINS: _contains,
    ast.Op.STARTS: _starts,
    ast.Op.ENDS: _ends,
}
