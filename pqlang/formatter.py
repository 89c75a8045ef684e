"""Tree to text: the one canonical spelling of each meaning, and the canonical tree it reads back as."""

from __future__ import annotations

from typing import assert_never

from pqlang import ast
from pqlang.ast import And, Between, Compare, Expr, Flag, Hole, In, IsNull, Literal, Not, On, Op, Or, Query, Text, Value
from pqlang.spelling import is_word, name, quote

_NULL = {Op.EQ: False, Op.NE: True}


def format_query(query: Query, width: int | None = None) -> str:
    """The canonical text of a tree; with `width`, on several lines where it is longer than that many characters.

    >>> from pqlang import parse
    >>> format_query(parse("STATUS==draft AND (a=1 OR b=2)"))
    'STATUS = draft and (a = 1 or b = 2)'
    """
    parts = [] if query.where is None else [expression(query.where)]
    if query.order is not None:
        parts.append(f"order by {name(query.order.path.parts)}{' desc' if query.order.descending else ''}")
    text = " ".join(parts)
    if width is None or len(text) <= width:
        return text
    return "\n".join(
        [*([] if query.where is None else _wrapped(query.where, width, "")), *parts[1 if query.where else 0 :]]
    )


def _wrapped(node: Expr, width: int, indent: str) -> list[str]:
    """The lines of an expression: broken before its connectives, groups that are still too long indented."""
    if not isinstance(node, And | Or):
        return [indent + expression(node)]
    word = "and" if isinstance(node, And) else "or"
    lines: list[str] = []
    for at, operand in enumerate(_flat(node)):
        head = f"{indent}{word} " if at else indent
        text = _operand(operand, node)
        if len(head) + len(text) <= width or not isinstance(operand, And | Or):
            lines.append(head + text)
        else:
            lines += [f"{head}(", *_wrapped(operand, width, indent + "    "), f"{indent})"]
    return lines


def expression(node: Expr) -> str:
    """One expression, parentheses only where needed."""
    match node:
        case And() | Or():
            word = " and " if isinstance(node, And) else " or "
            return word.join(_operand(operand, node) for operand in _flat(node))
        case Not():
            inner = expression(node.operand)
            return f"not ({inner})" if isinstance(node.operand, And | Or) else f"not {inner}"
        case Compare():
            if isinstance(node.value, Literal) and node.value.is_null and node.op in _NULL:
                return f"{name(node.path.parts)} is {'not ' if _NULL[node.op] else ''}null"
            return f"{name(node.path.parts)} {node.op} {value(node.value)}"
        case In():
            listed = ", ".join(value(each) for each in node.values)
            alone = len(node.values) == 1 and isinstance(node.values[0], ast.Variable)
            return f"{name(node.path.parts)} {_not(node.negated)}in {listed if alone else f'({listed})'}"
        case Between():
            return f"{name(node.path.parts)} {_not(node.negated)}between {value(node.low)} and {value(node.high)}"
        case IsNull():
            return f"{name(node.path.parts)} is {_not(node.negated)}null"
        case On():
            return f"{name(node.path.parts)} {_not(node.negated)}on {value(node.period)}"
        case Flag():
            return name(node.path.parts)
        case Text():
            return quote(node.value.text)
        case Hole():
            raise ValueError("a tree with a hole has no text")
        case _:
            assert_never(node)


def _not(negated: bool) -> str:
    return "not " if negated else ""


def _flat(node: And | Or) -> list[Expr]:
    """The operands, those of the same kind opened up."""
    flat: list[Expr] = []
    for operand in node.operands:
        if isinstance(operand, And | Or) and type(operand) is type(node):
            flat += _flat(operand)
        else:
            flat.append(operand)
    return flat


def _operand(node: Expr, parent: And | Or) -> str:
    text = expression(node)
    return f"({text})" if isinstance(node, Or) and isinstance(parent, And) else text


def value(node: Value) -> str:
    """A literal or a variable. Quotes stay where the bare word would read otherwise, and where it is no word."""
    if isinstance(node, ast.Variable):
        return f"${node.name}"
    if not is_word(node.text) or (node.quoted and ast.quotes_matter(node.text)):
        return quote(node.text)
    return node.text


def canonical(query: Query) -> Query:
    """The tree that the canonical text reads as: `and` and `or` flattened, `= null` as `is null`, free text quoted."""
    where = None if query.where is None else _canonical(query.where)
    return Query(where, query.order)


def _canonical(node: Expr) -> Expr:
    match node:
        case And() | Or():
            flat = _flat(type(node)(tuple(_canonical(operand) for operand in node.operands)))
            return type(node)(tuple(flat))
        case Not():
            return Not(_canonical(node.operand))
        case Compare() if isinstance(node.value, Literal) and node.value.is_null and node.op in _NULL:
            return IsNull(node.path, _NULL[node.op])
        case Text():
            return Text(Literal(node.value.text, True))
        case _:
            return node
