"""Compile `pql.lark` and `penbox.toml` ahead of time, so that nothing at run time needs lark or pydantic.

    python grammar/build.py            write the files: `outputs` names them
    python grammar/build.py --check    write nothing; fail when one of them is not what its source says

Lark analyses the grammar; what is written are its LALR(1) tables with steps that decide nothing taken out, and one
regular expression per lexer mode, in the subset that Python and JavaScript (flag `u`) read alike.
"""

from __future__ import annotations

import argparse
import json
import pprint
import re
import sys
from pathlib import Path
from typing import Any

from lark import Lark
from lark.lexer import PatternRE, TerminalDef
from lark.parsers.lalr_analysis import Shift

ROOT = Path(__file__).parent.parent
GRAMMAR = ROOT / "grammar" / "pql.lark"
TABLES = ROOT / "pqlang" / "_tables.py"
BROWSER_TABLES = ROOT / "pqlang" / "searchbox" / "static" / "tables.json"
BROWSER_WORDS = BROWSER_TABLES.with_name("words.json")
TEXTMATE = ROOT / "grammar" / "pql.tmLanguage.json"
PENBOX_FILE = ROOT / "pqlang" / "schemas" / "penbox.toml"
PENBOX = ROOT / "pqlang" / "_penbox.py"

END = "$END"


# Terminals: keywords whole and in any ASCII case, patterns without inline flags and captures


def fold_case(pattern: str) -> str:
    """The pattern with every `(?i:...)` spelt as character classes: `(?i:by)` becomes `(?:[Bb][Yy])`.

    Python's flag folds Unicode too (the Kelvin sign is a `k`), JavaScript has no inline flag.
    """
    out: list[str] = []
    folding: list[bool] = []
    at = 0
    in_class = False
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            out.append(pattern[at : at + 2])
            at += 2
            continue
        if in_class:
            in_class = char != "]"
            out.append(char)
        elif char == "[":
            in_class = True
            out.append(char)
        elif char == "(":
            insensitive = pattern.startswith("(?i:", at)
            folding.append(insensitive or bool(folding and folding[-1]))
            group = next(opening for opening in ("(?i:", "(?:", "(?=", "(?!", "(") if pattern.startswith(opening, at))
            out.append("(?:" if group in ("(?i:", "(") else group)
            at += len(group)
            continue
        elif char == ")":
            folding.pop()
            out.append(char)
        elif folding and folding[-1] and char.isascii() and char.isalpha():
            out.append(f"[{char.upper()}{char.lower()}]")
        else:
            out.append(char)
        at += 1
    return "".join(out)


def escape_controls(pattern: str) -> str:
    """The pattern in printable ASCII, as both languages read it: `\\xa0`, `\\u2028`."""
    return "".join(
        char if " " <= char <= "~" else f"\\x{ord(char):02x}" if ord(char) < 256 else f"\\u{ord(char):04x}"
        for char in pattern
    )


KEYWORD = re.compile(r"\(\?i:[a-z]+\)|\(\?:\(\?i:[a-z]+\)(\|\(\?i:[a-z]+\))*\)")


def keyword_texts(terminal: TerminalDef) -> list[str]:
    """The lower-case words a keyword terminal stands for; none for any other terminal."""
    pattern = terminal.pattern
    if pattern.type == "str":
        return [pattern.value] if "i" in pattern.flags else []
    return re.findall(r"\(\?i:([a-z]+)\)", pattern.value) if KEYWORD.fullmatch(pattern.value) else []


class Terminals:
    """Lark's callback for terminals: makes keywords whole words that win over names, and every pattern portable."""

    def __init__(self) -> None:
        self.keywords: dict[str, str] = {}
        (self.name_end,) = re.findall(r"^NAME_END\s*:\s*/(.*)/$", GRAMMAR.read_text("utf-8"), re.MULTILINE)

    def __call__(self, terminal: TerminalDef) -> None:
        words = keyword_texts(terminal)
        pattern = terminal.pattern
        if words:
            self.keywords |= dict.fromkeys(words, terminal.name)
            terminal.pattern = PatternRE(fold_case(f"(?i:{'|'.join(words)})") + self.name_end)
            terminal.priority = 2
        elif pattern.type == "re":
            terminal.pattern = PatternRE(fold_case(pattern.value))
            terminal.priority = {"NOT_OP": 3, "ORDER_BY": 3}.get(terminal.name, terminal.priority)


def make_lark(**options: Any) -> tuple[Lark, Terminals]:
    """The grammar as Lark reads it, contextual lexer included: the reference that the tests hold the tables against."""
    terminals = Terminals()
    lark = Lark(
        GRAMMAR.read_text("utf-8"),
        start="query",
        parser="lalr",
        lexer="contextual",
        maybe_placeholders=False,
        keep_all_tokens=True,
        edit_terminals=terminals,
        propagate_positions=True,
        **options,
    )
    return lark, terminals


# Tables: Lark's, with chain rules taken out of the way and default reductions named


def rule_text(rule: Any) -> tuple[str, list[str]]:
    """A rule's left side and its parts: what sorts rules."""
    return str(rule.origin.name), [str(symbol.name) for symbol in rule.expansion]


def identity(rule: Any) -> bool:
    """Whether the rule only passes its one child up, so that a jump past it changes nothing but time."""
    return len(rule.expansion) == 1 and rule.options.expand1 and rule.alias is None


def make_tables() -> dict[str, Any]:
    """Everything the driver needs, as plain data; see `pqlang/parser.py` for how each part is read."""
    lark, terminals = make_lark()
    table = lark.parser.parser._parse_table
    rules = sorted(lark.rules, key=rule_text)  # Lark's own order changes from run to run
    kinds = [END, *sorted(t.name for t in lark.terminals if t.name not in lark.ignore_tokens)]
    nonterminals = sorted({str(rule.origin.name) for rule in rules})
    actions: list[dict[str, Any]] = [{} for _ in table.states]
    gotos: list[dict[str, int]] = [{} for _ in table.states]
    for state, row in table.states.items():
        for symbol, (action, target) in row.items():
            if action is not Shift:
                actions[state][symbol] = rules.index(target)
            elif symbol in kinds:
                actions[state][symbol] = ("shift", target)
            else:
                gotos[state][symbol] = target

    def only_rule(state: int) -> int | None:
        """The rule that this state reduces by, whatever comes next; None where it looks at what comes."""
        if actions[state].keys() == {END}:
            return None  # what follows is looked at even so: a text must end where its last rule does
        choices = set(actions[state].values())
        return choices.pop() if len(choices) == 1 and all(isinstance(c, int) for c in choices) else None

    for row in gotos:
        for symbol in row:
            while (rule := only_rule(row[symbol])) is not None and identity(rules[rule]):
                row[symbol] = row[rules[rule].origin.name]

    order = reachable(table.start_states["query"], actions, gotos)
    number = {state: at for at, state in enumerate(order)}
    patterns, modes = lexer_modes(lark, terminals)
    kind_of = {name: at for at, name in enumerate(kinds)} | {RESERVED: -1}
    lhs_of = {name: at for at, name in enumerate(nonterminals)}

    def encode(action: Any) -> int:
        """A shift is the state it leads to, a reduction the complement of its rule."""
        return number[action[1]] if isinstance(action, tuple) else ~action

    defaults = [only_rule(state) for state in order]
    return {
        "KINDS": tuple(kinds),
        "NONTERMINALS": tuple(nonterminals),
        "KEYWORDS": {word: kind_of[name] for word, name in sorted(terminals.keywords.items())},
        "PATTERNS": tuple(patterns[kind] for kind in kinds),
        "MODES": tuple((pattern, tuple(kind_of[name] for name in tried)) for pattern, tried in modes),
        "RULES": tuple((lhs_of[r.origin.name], len(r.expansion), action_name(r)) for r in rules),
        "ACTIONS": tuple({kind_of[k]: encode(v) for k, v in sorted(actions[s].items())} for s in order),
        "GOTOS": tuple({lhs_of[k]: number[v] for k, v in sorted(gotos[s].items())} for s in order),
        "DEFAULTS": tuple(-1 if rule is None else rule for rule in defaults),
        "MODE": tuple(mode_of(actions[s]) for s in order),
        "ACCEPT": number[table.end_states["query"]],
    }


def reachable(start: int, actions: list[dict[str, Any]], gotos: list[dict[str, int]]) -> list[int]:
    """The states that can still be reached, the start first, in an order that only the grammar decides."""
    order, seen = [start], {start}
    for state in order:
        shifts = {kind: target[1] for kind, target in actions[state].items() if isinstance(target, tuple)}
        following = [target for _, target in sorted((shifts | gotos[state]).items())]
        order += [s for s in dict.fromkeys(following) if s not in seen]
        seen.update(following)
    return order


def action_name(rule: Any) -> str:
    """What to build when the rule is complete: its alias or its name; `more` collects, `same` passes on."""
    if rule.origin.name.startswith("__"):
        return "more"
    return str(rule.alias or ("same" if identity(rule) else rule.origin.name))


def mode_of(row: dict[str, Any]) -> int:
    """0 where names and keywords may stand, 1 where values may; a state never takes both."""
    assert not ("FIELD" in row and "WORD" in row)
    return 1 if "WORD" in row or row.keys() <= {"COMMA", "RPAR"} else 0


RESERVED = "RESERVED"  # the token for `and`, `or`, `not` before it is known whether one may stand here


def lexer_modes(lark: Lark, terminals: Terminals) -> tuple[dict[str, str], tuple[Any, Any]]:
    """Each terminal's own pattern, and one pattern per mode: blanks, then each of its terminals as a group.

    A keyword is matched as the name it looks like and looked up afterwards; the three kept words, which are no
    names, have a group of their own. All else stands in the order of Lark's priorities.
    """
    patterns = {t.name: escape_controls(t.pattern.to_regexp()) for t in lark.terminals}
    patterns[END] = r"(?![\s\S])"
    patterns[RESERVED] = reserved_pattern(terminals)
    keywords = set(terminals.keywords.values())
    plain = [t.name for t in sorted(lark.terminals, key=lambda t: -t.priority)]
    plain = [name for name in plain if name not in keywords and name not in lark.ignore_tokens]
    values, names = {"WORD", "RELATIVE"}, {"FIELD", "OP", "MINUS", "NOT_OP", "ORDER_BY", RESERVED}

    def mode(without: set[str]) -> tuple[str, list[str]]:
        tried = [name for name in [*plain, RESERVED, END] if name not in without]
        return f"{patterns['BLANKS'][:-1]}*(?:{'|'.join(f'({patterns[name]})' for name in tried)})", tried

    return patterns, (mode(values), mode(names))


def reserved_pattern(terminals: Terminals) -> str:
    """The pattern of the three kept words."""
    return escape_controls(fold_case("(?i:and|or|not)") + terminals.name_end)


# The browser's data: the same tables without what the driver never reads, and the words that completion shows


def browser_tables(tables: dict[str, Any]) -> dict[str, Any]:
    """The tables for `searchbox/engine.js`, which puts the patterns of the lexer modes together itself.

    The pattern of the three kept words stands behind those of the kinds, all of them as `shorten` writes them; that of
    a keyword is its words alone, which `NAME_END` follows. A state that reduces whatever comes next has no row of
    actions. Of a rule's name only its nesting is left: 1 for what is one level deeper inside. `WORDS` holds what the
    driver looks for beside the grammar, from the modules that Python has it in.
    """
    sys.path.insert(0, str(ROOT))
    from pqlang import highlighter, literals, mistakes, moments

    terminals = Terminals()
    kinds, nonterminals = tables["KINDS"], tables["NONTERMINALS"]
    rows = zip(tables["ACTIONS"], tables["DEFAULTS"], strict=True)
    patterns = {name: shorten(pattern) for name, pattern in zip(kinds, tables["PATTERNS"], strict=True)}
    for kind in set(tables["KEYWORDS"].values()):
        words = [word for word, its in tables["KEYWORDS"].items() if its == kind]
        patterns[kinds[kind]] = "|".join(f"<{word}>" for word in words)
    nests = [(1,) if name in ("group", "negation") else () for _, _, name in tables["RULES"]]
    return {
        "KINDS": " ".join(kinds),
        "PATTERNS": (*patterns.values(), shorten(reserved_pattern(terminals))),
        "NAME_END": shorten(terminals.name_end),
        "SEPARATORS": SEPARATORS,
        "MODES": tuple(tried for _, tried in tables["MODES"]),
        "RULES": tuple((lhs, length, *nest) for (lhs, length, _), nest in zip(tables["RULES"], nests, strict=True)),
        "ACTIONS": tuple({} if rule >= 0 else row for row, rule in rows),
        **{name: tables[name] for name in ("GOTOS", "DEFAULTS", "MODE", "ACCEPT")},
        **{name.upper(): nonterminals.index(name) for name in ("primary", "order")},
        "WORDS": {
            "COLOURS": {k: colour for k, colour in highlighter.OF_KIND.items() if k != "WORD"},
            "LOOKS": [each.pattern for each in (literals.NUMBER, moments.DATE_TIME, moments.PERIOD)],
            "RELATIVE": re.sub(r"\+\(\?!.*$", "*", patterns["RELATIVE"]),  # its last steps may be missing
            "NULLS": sorted(mistakes.FOREIGN_NULLS),
            "CURLY": mistakes.CURLY,
            "ODD": escape_controls(f"{mistakes.ODD_BLANK}|{mistakes.INVISIBLE}"),
        },
    }


# What stands in no word: most of what the patterns are made of
SEPARATORS = (
    r"\x00- \x7f-\xa0\u1680\u2000-\u200b\u200e\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ud800-\udfff"
    r"""()\[\],"'=<>!~"""
)


def shorten(pattern: str) -> str:
    """A pattern as the browser loads it: `<and>` for `[Aa][Nn][Dd]`, and `%` for `SEPARATORS`."""
    assert not re.search(r"%|<\w", pattern), pattern
    plain = pattern.replace(r"\x00-\x20\x7f-\u00a0", r"\x00- \x7f-\xa0").replace(SEPARATORS, "%")
    letters = re.compile(r"(?:\[([A-Z])([a-z])\])+")
    return letters.sub(lambda found: f"<{re.sub('[^a-z]', '', found[0])}>", plain)


def browser_words() -> dict[str, Any]:
    """The words that completion shows, for `searchbox/completer.js`, from the module that Python has them in."""
    sys.path.insert(0, str(ROOT))
    from pqlang import ast, offers
    from pqlang.schema import Field, FieldType

    numbers = {words: number for number, words in enumerate(offers.OPERATORS)}
    allowed = {type_: offers.operators_of(Field("", type_, nullable=True)) for type_ in FieldType}
    return {
        "OPERATORS": offers.OPERATORS,
        "ALIASES": offers.ALIASES,
        "ALLOWED": {type_: tuple(numbers[words] for words in each) for type_, each in allowed.items()},
        "PARTS": offers.PART_WORDS,
        "KEYWORDS": offers.KEYWORDS,
        "UPPER_END": offers.BETWEEN_AND.detail,
        "USUAL": offers.USUAL,
        "UNITS": offers.UNITS,
        "STEPS": offers.STEPS,
        "SAID": offers.SAID,
        "PERIODS": offers.PERIODS,
        "OTHERWISE": ast.OTHERWISE,
    }


# Writing


TYPES = {name: ": tuple[dict[int, int], ...]" for name in ("ACTIONS", "GOTOS")}


def python_tables(tables: dict[str, Any]) -> str:
    """`_tables.py`: each table as a Python literal."""
    head = '"""The grammar\'s tables, written by `grammar/build.py` from `pql.lark`. Do not edit."""\n\n# fmt: off\n'
    body = (
        f"{name}{TYPES.get(name, '')} = {pprint.pformat(value, width=110, compact=True)}\n"
        for name, value in tables.items()
    )
    return head + "".join(body)


def to_json(data: dict[str, Any]) -> str:
    """The same for JavaScript, whose object keys are strings."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=True) + "\n"


def outputs() -> dict[Path, str]:
    """Every generated file and what it must hold."""
    tables = make_tables()
    made = {
        TABLES: python_tables(tables),
        BROWSER_TABLES: to_json(browser_tables(tables)),
        BROWSER_WORDS: to_json(browser_words()),
        TEXTMATE: textmate_grammar(tables),
    }
    if PENBOX_FILE.exists():
        made[PENBOX] = frozen_schema()
    return made


def textmate_grammar(tables: dict[str, Any]) -> str:
    """`pql.tmLanguage.json`: the terminals' patterns, and the looks by which bare values are told apart."""
    sys.path.insert(0, str(ROOT))
    from grammar import textmate
    from pqlang.ast import RELATIVE_BASES
    from pqlang.highlighter import CONSTANTS
    from pqlang.literals import NUMBER
    from pqlang.moments import DATE_TIME, PERIOD

    grammar = textmate.make_grammar(
        dict(zip(tables["KINDS"], tables["PATTERNS"], strict=True)),
        number=NUMBER.pattern,
        times=(DATE_TIME.pattern, PERIOD.pattern),
        bases=RELATIVE_BASES,
        constants=sorted(CONSTANTS),
    )
    return textmate.to_json(grammar)


def frozen_schema() -> str:
    """`_penbox.py`: the built-in schema as the constructor calls that make it, so that reading it needs no pydantic."""
    sys.path.insert(0, str(ROOT))
    from grammar.freeze import to_python
    from pqlang.schema_file import load_schema

    return to_python(load_schema(PENBOX_FILE), "penbox.toml")


def main() -> int:
    """Write the generated files, or with `--check` name those that are stale."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--check", action="store_true", help="write nothing, fail when a file is stale")
    check = arguments.parse_args().check
    stale = [path for path, text in outputs().items() if not path.exists() or path.read_text("utf-8") != text]
    for path in stale:
        print(f"{'stale' if check else 'wrote'} {path.relative_to(ROOT)}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(outputs()[path], "utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
