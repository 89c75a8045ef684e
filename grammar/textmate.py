"""The TextMate grammar, for editors and sites that colour by one: made of the terminals' patterns.

TextMate has no parser, only patterns and a stack. Each kind of condition is one rule here: its begin takes the field
and the operator together, so that a word is an operator only where a field stands before it, and its end takes the
value, so that exactly one follows. What cannot be told this way is a list in `tests/test_textmate.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

BLANK = r"[ \t\r\n\x{a0}]"
#: Token kind to the name of its scope; themes know these.
SCOPES = {
    "field": "variable.other.property.pql",
    "operator": "keyword.operator.pql",
    "keyword": "keyword.control.pql",
    "string": "string.quoted.pql",
    "number": "constant.numeric.pql",
    "time": "constant.other.date.pql",
    "constant": "constant.language.pql",
    "variable": "variable.parameter.pql",
    "word": "string.unquoted.pql",
    "punctuation": "punctuation.pql",
    "error": "invalid.illegal.pql",
}


def portable(pattern: str) -> str:
    """A pattern of Python's as Oniguruma reads it, groups that capture made plain.

    Half a surrogate pair cannot be written in UTF-8, so the class of what no word may hold does without.

    >>> print(portable(r"([^\\x00-\\x20\\u3000\\ud800-\\udfff(])"))
    (?:[^\\x{00}-\\x{20}\\x{3000}(])
    """
    return _PIECE.sub(_portable_piece, pattern.replace(r"\ud800-\udfff", ""))


_PIECE = re.compile(r"\[(?:[^\]\\]|\\.)*\]|\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|\\.|\((?!\?)")
_CODE_POINT = re.compile(r"\\(?:u([0-9a-f]{4})|x([0-9a-f]{2}))")


def _portable_piece(match: re.Match[str]) -> str:
    """A class, an escape or an opening parenthesis."""
    piece = match[0]
    return "(?:" if piece == "(" else _CODE_POINT.sub(lambda code: rf"\x{{{code[1] or code[2]}}}", piece)


def any_case(*words: str) -> str:
    """Words in any case of their ASCII letters; Oniguruma's own flag would fold others too."""
    return "(?:" + "|".join("".join(f"[{char.upper()}{char}]" for char in word) for word in words) + ")"


def make_grammar(
    terminals: Mapping[str, str], *, number: str, times: Sequence[str], bases: Sequence[str], constants: Sequence[str]
) -> dict[str, Any]:
    """The grammar as the object that its file holds.

    `terminals` are the patterns of the tables by their names; the rest is what `tokens` knows a bare value's looks by.
    """
    t = {name: portable(pattern) for name, pattern in terminals.items()}
    word_end = t["VARIABLE"][t["VARIABLE"].rindex("(?!") :]
    field = f"((?>{t['FIELD']}))"
    negation = f"(?:({t['NOT_OP']}){BLANK}+)?"
    dated = "|".join([t["RELATIVE"], *(f"(?:{portable(each)}){word_end}" for each in times)])
    number = f"(?:{portable(number)}){word_end}"
    time = f"{dated}|{any_case(*bases)}{word_end}"
    others = {
        "constant": f"{any_case(*constants)}{word_end}",
        "variable": t["VARIABLE"],
        "string": t["STRING"],
        "word": t["WORD"],
        "error": "[\"'].*",
    }
    values = {"number": number, "time": time} | others
    periods = {"time": time, "number": number} | others  # `2024` is a year after `on`, and a number elsewhere
    leave = f"(?=[^{BLANK[1:]})"
    kept = "|".join(t[name] for name in ("AND", "OR", "NOT"))

    def rule(begin: str, kinds: Sequence[str], after: Mapping[str, str], otherwise: str = leave, **more: Any) -> Any:
        """One kind of condition: what begins it, the kinds of its groups, and the value that ends it."""
        return {
            "begin": begin,
            "beginCaptures": captures(kinds),
            "end": "|".join([*(f"({pattern})" for pattern in after.values()), otherwise]),
            "endCaptures": captures([*after]),
            **more,
        }

    in_list = {"include": "#list"}
    after_list = rf"(?<=\))|(?=[^({BLANK[1:]})"
    asked = [
        {
            "match": f"{field}{BLANK}*({t['IS']})(?:{BLANK}+({t['NOT']}))?{BLANK}+({t['NULL']})",
            "captures": captures(["field", *["operator"] * 3]),
        },
        {
            "begin": f"{field}{BLANK}*{negation}({t['BETWEEN']})",
            "beginCaptures": captures(["field", "operator", "operator"]),
            "end": f"({t['AND']}){BLANK}*(?:{'|'.join(f'({each})' for each in values.values())})|(?={kept})",
            "endCaptures": captures(["operator", *values]),
            "patterns": [{"include": "#values"}],
        },
        rule(
            f"{field}{BLANK}*{negation}({t['STARTS']}|{t['ENDS']}){BLANK}+({t['WITH']})",
            ["field", *["operator"] * 3],
            values,
        ),
        rule(f"{field}{BLANK}*{negation}({t['MATCH']})", ["field", "operator", "operator"], values),
        rule(
            f"{field}{BLANK}*{negation}({t['IN']})",
            ["field", "operator", "operator"],
            {"variable": t["VARIABLE"]},
            after_list,
            patterns=[in_list],
        ),
        rule(f"{field}{BLANK}*{negation}({t['ON']})", ["field", "operator", "operator"], periods),
        rule(
            rf"{field}{BLANK}*({t['OP']})(?={BLANK}*\()",
            ["field", "operator"],
            {},
            after_list,
            patterns=[in_list],
        ),
        rule(f"{field}{BLANK}*({t['OP']})", ["field", "operator"], values),
    ]
    ordered = {
        "begin": f"({t['ORDER_BY']})",
        "beginCaptures": captures(["keyword"]),
        "end": f"{field}(?:{BLANK}*({t['ASC']}|{t['DESC']}))?|{leave}",
        "endCaptures": captures(["field", "keyword"]),
    }
    return {
        "name": "PQL",
        "scopeName": "source.pql",
        "fileTypes": ["pql"],
        "information_for_contributors": ["Written by grammar/build.py; what is changed here is lost."],
        "patterns": [
            ordered,
            *asked,
            named("field", t["FIELD"]),
            named("keyword", kept),
            named("operator", t["MINUS"]),
            named("string", t["STRING"]),
            named("punctuation", r"[()]"),
            named("error", f"[\"'].*|[^{BLANK[1:]}"),
        ],
        "repository": {
            "list": {
                "begin": r"\(",
                "beginCaptures": captures([], whole="punctuation"),
                "end": rf"(\))|(?={kept})",
                "endCaptures": captures(["punctuation"]),
                "patterns": [
                    named("punctuation", ","),
                    {"include": "#values"},
                    named("error", f"[^{BLANK[1:]}"),
                ],
            },
            "values": {"patterns": [named(kind, pattern) for kind, pattern in values.items()]},
        },
    }


def captures(kinds: Sequence[str], whole: str = "") -> dict[str, dict[str, str]]:
    """The scopes of a pattern's groups, in their order; `whole` is that of all of it."""
    numbered = {"0": {"name": SCOPES[whole]}} if whole else {}
    return numbered | {str(at): {"name": SCOPES[kind]} for at, kind in enumerate(kinds, 1)}


def named(kind: str, pattern: str) -> dict[str, str]:
    """A rule of one pattern."""
    return {"name": SCOPES[kind], "match": pattern}


def to_json(grammar: Mapping[str, Any]) -> str:
    """The file's text, in ASCII."""
    return json.dumps(grammar, indent=2) + "\n"
