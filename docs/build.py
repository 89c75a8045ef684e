"""Write the reference pages that say what the code says: diagnostics, Penbox's fields, schema files, the library.

    python docs/build.py            write docs/reference/{diagnostics,penbox,schema-file,api}.md
    python docs/build.py --check    write nothing; fail when one of them is not what the code says

What a page says in its own words stands here, beside what it is put together from. The tests run the check, and the
examples on the pages like those of every other page.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import inspect
import io
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, get_args, get_origin

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs" / "reference"
sys.path.insert(0, str(ROOT))

import pqlang  # noqa: E402  (the checkout's, installed or not)
from pqlang import schema_tables  # noqa: E402
from pqlang.cli import main as run_command  # noqa: E402
from pqlang.commands import run as run_line  # noqa: E402
from pqlang.decompiler import read_target  # noqa: E402
from pqlang.diagnostics import listing  # noqa: E402
from pqlang.rendering import to_text  # noqa: E402
from pqlang.schema import Endpoint, Field, Match  # noqa: E402
from pqlang.session import Problem, open_session  # noqa: E402

NOW = "2024-01-15T12:00:00Z"


def generated(title: str, *paragraphs: str) -> str:
    mark = "<!-- Written by docs/build.py; what is changed here is lost. -->"
    return "\n\n".join([f"# {title}", mark, *paragraphs]) + "\n"


def fenced(text: str, language: str = "text") -> str:
    return f"```{language}\n{text}\n```"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    def row(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"

    head = list(head)
    return "\n".join([row(head), row("---" for _ in head), *map(row, rows)])


def code(text: str) -> str:
    return f"`{text}`"


# Diagnostics: one heading for each code, with a query that it is said of


@dataclass(frozen=True)
class Example:
    """When a code is said, and a query that it is said of; or a request, a call in Python, or a command."""

    when: str
    query: str = ""
    endpoint: str = "cases"
    request: str = ""  # what `decompile` is given
    call: str = ""
    command: str = ""
    line: str = ""  # of a session at a keyboard
    options: dict[str, Any] = field(default_factory=dict)
    first: bool = False  # the picture shows this problem alone, though the query has others


SHOP = """>>> fields = {"size": {"type": "open enum", "values": ["small", "large"]}, "total": {"type": "number"}}
>>> fields["at"] = {"type": "datetime", "record": False, "sort": True}
>>> shop = {"api": {"operators": {"=": "eq", "!=": "ne"}}, "endpoints": {"orders": {"fields": fields}}}
>>> orders = pqlang.load_schema(shop).endpoint("orders")
"""

CASES = """>>> import sqlalchemy as sa
>>> cases = sa.Table("cases", sa.MetaData(), sa.Column("title", sa.String), sa.Column("created_at", sa.String))
"""
#: What stands above a call, by a part of it.
BEFORE = {", orders)": SHOP, ", cases)": CASES, "needs(": ">>> from pqlang.extras import needs\n"}
ANSWERS = """>>> from httpx2 import MockTransport, Response
>>> from pqlang.client import Client
>>> def api(status, answer):
...     sent = MockTransport(lambda request: Response(status, json=answer))
...     return Client("pnbx_secret", "https://api.example.com/v1", transport=sent, attempts=1)
>>> def page(total, *records):
...     return {"meta": {"total_count": total, "total_pages": 1, "page_size": 100, "current_page": 1}, "data": records}
"""

READING = {
    "odd-blank": Example("A blank of Unicode's other than a plain one stands outside quotes.", "status\u3000= draft"),
    "bad-character": Example("A character that nobody can see stands in the query.", "status = \u202edraft"),
    "curly-quotes": Example("A text processor has put curly quotes for straight ones.", "title = “My case”"),
    "unclosed-quote": Example("A quoted text does not end.", 'title = "My case'),
    "unclosed-backtick": Example("A quoted name does not end, or is empty.", "`parent_status = draft"),
    "bad-escape": Example("A backslash in quotes is followed by what no escape begins with.", r'title = "C:\Users"'),
    "bad-variable": Example("A `$` is followed by what is no name.", "reference = $1"),
    "foreign-operator": Example("The sign or word of another language.", "parent_status = draft && archived"),
    "glued-operator": Example("An operator that is a word and its value are one word.", "title like%onboarding%"),
    "missing-value": Example("Nothing follows an operator.", "status = and archived"),
    "missing-condition": Example("Nothing follows a connective, or nothing stands in parentheses.", "archived and"),
    "missing-operator": Example("Nothing stands between two words.", "status draft"),
    "missing-connective": Example("Nothing joins two conditions.", 'status = "draft" not archived'),
    "missing-comma": Example("Nothing separates two values of a list.", "parent_status in (draft pending)"),
    "comma": Example("A comma stands between conditions.", "archived, parent_status = draft"),
    "unquoted-words": Example("A value of several words has no quotes.", "title = My first case"),
    "doubled-quote": Example("A quote in a text is doubled, as in SQL.", "title = 'It''s done'"),
    "day-and-time": Example("A blank stands between a day and its time.", "created_at > 2024-01-15 09:30"),
    "unclosed-parenthesis": Example("A parenthesis does not close.", "(archived and parent_status = draft"),
    "unmatched-parenthesis": Example("A parenthesis closes nothing.", "archived)"),
    "empty-list": Example("A list has no values.", "parent_status in ()"),
    "square-list": Example("A list stands in square brackets.", "parent_status in [draft, pending]"),
    "list-after-equals": Example("A list follows `=` or `!=`.", "parent_status = (draft, pending)"),
    "list-after-operator": Example("A list follows an operator of one value.", "created_at > (2023-01-01, 2024-01-01)"),
    "is-value": Example("`is` is followed by a value.", "status is draft"),
    "range-phrase": Example("A time is counted back in words.", "created_at > last 7 days"),
    "order": Example("What follows `order by` is not one field and a direction.", "archived order by title down"),
    "search-form": Example("A short form of search mode stands in a query read strictly.", "-archived"),
    "unexpected": Example("Something else had to stand there.", "created_at between 2024-01-01 or x", first=True),
    "too-long": Example(
        "The query is longer than `limits.length`.", call='pqlang.compile("title = " + "x" * 20_000, "cases")'
    ),
    "too-deep": Example(
        "Parentheses and `not`s are nested deeper than `limits.depth`.",
        call='pqlang.compile("(" * 100 + "archived" + ")" * 100, "cases")',
    ),
    "too-many-values": Example(
        "A list, with what is bound in it, is longer than `limits.values`.",
        call='pqlang.compile("parent_status in (draft, pending)", "cases", limits=pqlang.Limits(values=1))',
    ),
}
MEANING = {
    "unknown-field": Example("The endpoint has no such field.", "emial = ann@acme.com"),
    "not-a-flag": Example("A field that is not a boolean stands alone.", "title"),
    "no-search-field": Example("Free text, at an endpoint that has no field to look in.", '"onboarding"', "forms"),
    "not-sortable": Example("The API does not sort by the field.", "archived order by owner.email"),
    "wrong-operator": Example("The operator makes no sense for the field's type.", 'created_at ~ "2024-01%"'),
    "wrong-value": Example("The value is not of the field's type.", "created_at > yesteday"),
    "half-a-list": Example("A second value stands after `or` alone.", "parent_status = draft or closed"),
    "quoted-value": Example("A boolean, a number or a relative time stands in quotes.", 'archived = "true"'),
    "unknown-value": Example("An enum has no such value.", "parent_status = in_progres"),
    "null-operator": Example("Null stands where only a value makes sense.", "created_at > null"),
    "null-in-list": Example("Null stands in a list.", "status in (draft, null)"),
    "lone-backslash": Example("A pattern ends in a backslash.", r'title ~ "50\\"'),
    "missing-time": Example(
        "The clocks of the zone skip the time.",
        "created_at > 2024-03-31T02:30:00",
        options={"tz": "Europe/Brussels"},
    ),
    "time-overflow": Example("The time lies outside the years 1 to 9999.", "created_at > now-9999y"),
    "unbound-variable": Example("A variable has no value.", "owner.email = $mail"),
    "bound-value": Example(
        "A variable's value does not fit where it stands.", "archived = $yes", options={"variables": {"yes": "true"}}
    ),
}
NOTICES = {
    "mixed-and-or": Example(
        "`and` and `or` stand side by side without parentheses.", "archived or status = draft and locale = fr"
    ),
    "unlisted-value": Example(
        "An open enum may have other values than those listed, and has been given one.",
        call='pqlang.compile("size = lage", orders)',
    ),
    "odd-form": Example("A uuid or an e-mail address does not look like one.", "owner.id = template-123"),
    "no-wildcard": Example("A pattern has no `%` and no `_`.", "title ~ onboarding"),
    "bare-day": Example("A day is compared with an instant.", "created_at <= 2024-01-31"),
    "contradiction": Example("No record can match.", "parent_status = draft and parent_status = closed"),
    "tautology": Example("Every record matches.", "archived or not archived"),
    "assumed-value": Example(
        '`target="params"` was asked for, and leaves out a parameter whose absence means something.',
        "status = draft",
        options={"target": "params"},
    ),
    "long-url": Example(
        "The URL is longer than many servers take.", call='pqlang.compile("title = " + "é" * 2_000, "cases")'
    ),
    "nulls-left-out": Example("A negative operator leaves out nulls.", "status != draft"),
    "some-related": Example(
        "A negative operator speaks of some related record, not of all.", "contact.email != ann@acme.com"
    ),
    "undocumented": Example(
        "Where the JSON filter has the field is documented nowhere, so it is decided in the schema.",
        "contact.phone = 123",
        options={"target": "json"},
    ),
    "word-as-text": Example(
        "In search mode a word that is no boolean field is free text.", "onboarding", options={"mode": "search"}
    ),
}
REFUSALS = {
    "or": Example("An `or` over several fields.", "status = draft or owner.email = ann@acme.com"),
    "in-list": Example("A list that is not all values of an enum but one.", "status in (new, open)"),
    "not-in-list": Example("The same of a list that is excluded.", "reference not in (A1, A2)", first=True),
    "not-like": Example("A pattern that must not match.", "title not contains test"),
    "operator-twice": Example("One operator twice on a field.", 'title ~ "%a%" and title ~ "%b%"'),
    "negated-group": Example(
        "No related record may match: a `not` around to-many fields.", "not contact.email = ann@acme.com"
    ),
    "parameter-only": Example(
        "The field has a direct parameter alone, and the query needs the JSON filter; on endpoints with an assumed"
        " value also where the query leaves that open.",
        "template.id = 3c90c3cc-0d44-4b50-8888-8dd25736052a and created_at > 2024-01-01",
    ),
    "left-open": Example(
        "The field has a direct parameter alone, and the query leaves open what the API assumes beside it.",
        "flow.slug = kyc",
        "forms",
    ),
    "too-many-requests": Example(
        "A `plan` takes more requests than it may.",
        call='pqlang.plan("status = a or title = b or reference = c", "cases", max_requests=2)',
    ),
    "uncarried-residual": Example(
        "A `plan` would have to test a field that responses do not carry.",
        call='pqlang.plan("workspace.slug contains a and workspace.slug contains b", "cases")',
    ),
    "no-target": Example("The API filters by the field in no way.", "user.anonymous", "forms"),
    "no-operator": Example("The schema's API has no such operator.", call='pqlang.compile("total > 5", orders)'),
    "no-parameter": Example(
        '`target="params"`: no direct parameter says it.', "created_at > 2024-01-01", options={"target": "params"}
    ),
    "parameter-twice": Example(
        '`target="params"`: two conditions need the same parameter.',
        "title contains new and title contains old",
        "case_templates",
        options={"target": "params"},
    ),
}
REQUESTS = {
    "no-endpoint": Example("Nothing names the endpoint.", request="status=pending", endpoint=""),
    "bad-encoding": Example("A `%` starts no escape, or escapes are not UTF-8.", request="/cases?status=100%"),
    "bad-json": Example(
        "A filter is not JSON, or a key stands in it twice.", request='{"attributes": {"status": {"$eq": None}}}'
    ),
    "bad-filter": Example(
        "A filter is JSON, but not of the shape that the API takes; or it asks for nothing.",
        request='{"attributes": {"status": "pending"}}',
    ),
    "unknown-relation": Example(
        "A filter names a relation that there is not.",
        request='{"relationships": {"owners": {"id": {"$eq": "3c90c3cc-0d44-4b50-8888-8dd25736052a"}}}}',
    ),
    "unknown-parameter": Example("The endpoint has no such parameter.", request="/cases?stats=pending"),
    "unclear-parameter": Example(
        "Nobody knows what the API makes of the value: it is empty, or could be a wildcard.",
        request="/case_templates?title=50%25",
        endpoint="",
    ),
    "repeated-parameter": Example(
        "A parameter of one value is given another. Where it takes a list, a warning: the list is spelt otherwise.",
        request="/cases?status=pending&status=draft",
    ),
    "ignored-parameter": Example(
        "A direct parameter stands beside a filter, and the API ignores it.",
        request='/cases?status=draft&filter={"attributes":{"title":{"$eq":"Onboarding"}}}',
    ),
    "dropped-part": Example(
        "Something in the request is no part of a query: a page, or what follows `#`.",
        request="/cases?status=draft&page[number]=2",
    ),
}
ARGUMENTS = {
    "unknown-endpoint": Example("There is no such endpoint.", call='pqlang.compile("archived", "case")'),
    "bad-now": Example(
        "`now` is no time with an offset.", call='pqlang.compile("archived", "cases", now="2024-01-15")'
    ),
    "bad-zone": Example("`tz` names no time zone.", call='pqlang.compile("archived", "cases", tz="europe/brussel")'),
    "bad-limit": Example(
        "A limit is no positive number.", call='pqlang.compile("archived", "cases", limits=pqlang.Limits(depth=0))'
    ),
    "bad-argument": Example(
        "Any other argument is not what it must be.", call='pqlang.compile("archived", "cases", target="xml")'
    ),
    "bad-schema": Example(
        "A schema file cannot be read, or does not make sense; the message names the key.",
        call='pqlang.load_schema({"endpoints": {"orders": {"fields": {"total": {"type": "numbr"}}}}})',
    ),
    "uncarried-field": Example(
        "A `predicate` would have to look at a field that responses do not carry.",
        call='pqlang.predicate("is_template", "case_templates")',
    ),
    "misshapen-record": Example(
        "A record that a `predicate` is asked of is not shaped as a response.",
        call='pqlang.predicate("owner.email = ann@acme.com", "cases").matches({"owner": "ann"})',
    ),
    "no-column": Example(
        "The tables that `sql` was given have no column for a field.",
        call='pqlang.sql("owner.email = ann@acme.com", "cases", cases)',
    ),
    "column-type": Example(
        "A column cannot hold what its field does.", call='pqlang.sql("created_at > today", "cases", cases)'
    ),
    "missing-extra": Example(
        "A package is not installed that this part of pqlang needs; the core does without.",
        call='needs("sandbox", ["sqlalchemy_of_old"])',
    ),
    "bad-database": Example(
        "The sandbox cannot use the database it was given.", command="pql sandbox --db /no/such/folder/file.db"
    ),
    "bad-port": Example("A command cannot listen where it was told to.", command="pql sandbox --port 70000"),
    "usage": Example(
        "The command was given a variable that binds nothing.", command="pql compile cases 'status = $x' --var x"
    ),
}
SESSION = {
    "unknown-command": Example(
        "A line of `pql repl` starts with a dot, and there is no such command.", line=".mdoe curl"
    ),
    "bad-command": Example("A command of `pql repl` does not take what stands behind it.", line=".mode crul"),
    "no-query": Example("`.explain` and `.format` go back to the last query, and there is none.", line=".explain"),
    "no-edit": Example("`.fix` applies an edit that a message offers, and there is none of that number.", line=".fix"),
    "not-saved": Example("`.save` cannot write the file, or would write over another.", line=".save /dev/null"),
}
CLIENT = {
    "no-token": Example(
        "A client has no token, neither as an argument nor in the environment.",
        call='pqlang.Client("").fetch("archived", "cases")',
    ),
    "bad-token": Example(
        "A token is no word that a header can carry. It is in no message.",
        call='pqlang.Client("pnbx_secret\\n").fetch("archived", "cases")',
    ),
    "bad-address": Example(
        "An API's address cannot be used, or would show the token to anyone.",
        call='pqlang.Client("pnbx_secret", "http://api.example.com").fetch("archived", "cases")',
    ),
    "closed-client": Example(
        "A client is used after its end, or in another process; or a reading that was broken off is read on.",
        call='(client := api(200, page(0))).close() or client.count("archived", "cases")',
    ),
    "unmergeable-order": Example(
        "Several requests are to be merged by a field that responses do not carry.",
        call='api(200, page(0)).fetch("total = 1 or size = small order by at", orders)',
    ),
    "no-grouping": Example(
        "A count is to be grouped by a field that the API does not group by and responses do not carry.",
        call='api(200, page(0)).count_by("archived", "cases", "workspace.slug")',
    ),
    "sorted-here": Example(
        "The answers to several requests are to be merged by text. With `strict`, an error.",
        call='api(200, page(0)).fetch("status = a or reference = b order by title", "cases")',
    ),
    "moved-records": Example(
        "The collection changed between two pages. A warning, with `strict` an error.",
        call='list(api(200, page(2, {"id": 1}, {"id": 1})).fetch("archived", "cases", strict=True))',
    ),
    "out-of-order": Example(
        "The API sorts otherwise than is known of it, so that merged answers are not in order. A warning, with "
        "`strict` an error.",
        call='list(api(200, page(1, {"id": 1})).fetch("status = a or reference = b", "cases", strict=True))',
    ),
    "remote-refused": Example(
        "The API refuses: a filter that it does not take, a token that it does not know, a right that is missing.",
        call='list(api(401, {"errors": [{"title": "Unauthorized"}]}).fetch("archived", "cases"))',
    ),
    "remote-failed": Example(
        "The API cannot be reached, or is out of order or too busy, however often it is tried.",
        call='list(api(503, {}).fetch("archived", "cases"))',
    ),
    "remote-answer": Example(
        "What the API answers makes no sense, so that records would be missing.",
        call='list(api(200, page(3, {"id": 1})).fetch("archived", "cases"))',
    ),
}
CHAPTERS = (
    ("What cannot be read", "Errors of syntax. The rest of the query is read and checked all the same.", READING),
    ("What makes no sense here", "Errors of names, operators and values, each held against the endpoint.", MEANING),
    (
        "What may not be meant",
        "Warnings and hints. The query is compiled as it is written, and the warnings are in `Request.diagnostics`.",
        NOTICES,
    ),
    (
        "What one request cannot say",
        "The query makes sense, but `compile` makes one request, and the API can be asked no such thing at once. "
        "`check` finds these only where it is given a `target`.",
        REFUSALS,
    ),
    (
        "What cannot be read back",
        "Said by `decompile` of a request. Of its fields, operators and values it says what is said of a query's, "
        "where they stand in the request. Its warnings are shown by `pql decompile`, and are in what "
        "`pqlang.decompiler.read_target` returns.",
        REQUESTS,
    ),
    ("What a line of the REPL got wrong", "Errors of the commands that start with a dot.", SESSION),
    (
        "What a client meets",
        "Errors and warnings of `Client`, `AsyncClient`, `pql fetch` and `pql count`. The last five are the remote "
        "side's: where one is an error, the command exits with 3. In the examples an API is played by\n\n"
        + fenced(ANSWERS, "pycon"),
        CLIENT,
    ),
    ("What the call got wrong", "Errors of arguments, of schema files and of the command line.", ARGUMENTS),
)


def codes_in_code() -> set[str]:
    """Every code that a module of the package can say, read from its source."""
    found: set[str] = set()
    for path in (ROOT / "pqlang").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args and getattr(node.func, "id", "") == "Diagnostic":
                code = node.args[0]
                if isinstance(code, ast.Constant):
                    found.add(str(code.value))
                elif isinstance(code, ast.BinOp) and ast.unparse(code) == "op.replace(' ', '-') + '-list'":
                    found |= {"in-list", "not-in-list"}
                elif not isinstance(code, ast.Name | ast.Attribute):
                    raise SystemExit(f"{path.name}: which codes are {ast.unparse(code)}?")
    return found


def diagnostics_page() -> str:
    examples = {code: each for _, _, chapter in CHAPTERS for code, each in chapter.items()}
    if examples.keys() != (known := codes_in_code()):
        raise SystemExit(f"codes without an example, or examples without a code: {sorted(examples.keys() ^ known)}")
    parts = [
        "Everything pqlang can say, under the code that a program may rely on: codes do not change, the words beside "
        "them may. An *error* stops, a *warning* says that the query may not mean what was meant, a *hint* informs.",
        "Below each is an example and what is drawn of it; `fix` and `or` are edits that a program finds in "
        "`suggestions`. The queries are asked of `cases` if nothing else is said.",
        "- " + "\n- ".join(f"[{title}](#{title.lower().replace(' ', '-')})" for title, _, _ in CHAPTERS),
    ]
    for title, about, chapter in CHAPTERS:
        parts += [f"## {title}", about]
        for code, example in chapter.items():
            shown, severity = picture(code, example)
            parts += [f"### `{code}`", f"{severity.capitalize()}. {example.when}", shown]
    return generated("Diagnostics", *parts)


def picture(code: str, example: Example) -> tuple[str, str]:
    """The example as its page shows it, and how bad the problem is."""
    if example.request:
        reading = read_target(example.request, example.endpoint or None)
        [problem] = reading.diagnostics
        assert problem.code == code
        return fenced(to_text(problem, reading.source)), problem.severity
    if example.line:
        [said] = run_line(open_session(), example.line).parts[:1]
        assert isinstance(said, Problem)
        assert said.diagnostic.code == code
        return fenced(to_text(said.diagnostic, said.source)), said.diagnostic.severity
    if example.command:
        return fenced(f"$ {example.command}\n{stderr_of(example.command)}", "console"), "error"
    if example.call:
        names: dict[str, Any] = {"pqlang": pqlang}
        before = next((each for part, each in BEFORE.items() if part in example.call), "")
        played = ANSWERS if "api(" in example.call else ""  # shown once, above all examples
        exec(re.sub("^(>>>|[.]{3}) ?", "", before + played, flags=re.MULTILINE), names)
        try:
            problems = list(eval(example.call, names).diagnostics)
        except pqlang.PqlError as error:
            problems = list(error.diagnostics)
            lines = ["try:", f"    {example.call}", "except pqlang.PqlError as error:", "    print(error)"]
            shown = ">>> " + "\n... ".join(lines) + f"\n{error}"
        else:
            shown = f">>> {example.call}.diagnostics[0].message\n{problems[0].message!r}"
        shown = before + shown
    else:
        options = {"now": NOW, **example.options}
        target = options.pop("target", "auto" if code in REFUSALS else None)
        problems = pqlang.check(example.query, example.endpoint, target=target, **options)
    problems = [each for each in problems if each.code == code] if example.first else problems
    if [each.code for each in problems] != [code]:
        raise SystemExit(f"{code}: the example has {[each.code for each in problems]}")
    if example.call:
        return fenced(shown, "pycon"), problems[0].severity
    said = [f"of `{example.endpoint}`"] if example.endpoint != "cases" else []
    said += [f"with `{name}={quoted(value)}`" for name, value in example.options.items()]
    note = f"Asked {' '.join(said)}:\n\n" if said else ""
    return note + fenced(to_text(problems[0], pqlang.Source(example.query))), problems[0].severity


def quoted(value: object) -> str:
    return repr(value).replace("'", '"')


def stderr_of(command: str) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stderr(printed):
        run_command(shlex.split(command)[1:])
    return printed.getvalue().rstrip()


# Penbox: what can be asked of each endpoint


ASSUMPTIONS = (
    (
        "does a comparison other than `$eq` and `$ne` with null match a null?",
        'no, as in SQL: `$ne "draft"` leaves out a null status',
    ),
    ("what is `_` in `$like`?", "any one character, as in SQL; a literal `%`, `_` or `\\` has a `\\` before it"),
    ("how is an array of `flow[slug]` spelt?", "`flow[slug][]=a&flow[slug][]=b`, which PHP, Rails and qs read"),
    (
        "does `archived=false` hold when `filter` is given?",
        'no: `filter` "will ignore all other filter parameters"',
    ),
    (
        "where is `archived` in JSON?",
        "it is asked of `archived_at`, `$eq` or `$ne` null, as the documentation's examples do",
    ),
    ("do two conditions in one relation's object speak of one related record?", "yes"),
    ("what are the fields of a relation that is missing?", "null"),
    ("where is a record's own `id` in JSON?", "among the attributes"),
    ("may a `%` in the parameter `title` be a wildcard?", "it may, so such a title is asked for in JSON, escaped"),
    ("by what can a list be sorted?", "by every plain column; `created_at` and `title` are documented"),
)


def penbox_page() -> str:
    parts = [
        "What pqlang knows of the Penbox list API, which is all in one file, `pqlang/schemas/penbox.toml`. "
        "`pql schema` and `pql schema ENDPOINT` print the same.",
        "In the tables, *JSON* is the field's place in the JSON filter, *parameter* its direct query parameter, *sort* "
        "whether `order by` takes it. A dash is none.",
    ]
    for endpoint in pqlang.PENBOX.endpoints:
        parts += [f"## {code(endpoint.name)}", *endpoint_parts(endpoint)]
    return generated("The Penbox API", *parts, "## What is documented nowhere", undocumented())


def endpoint_parts(endpoint: Endpoint) -> Iterator[str]:
    api = endpoint.api
    about = endpoint.description[:1].upper() + endpoint.description[1:]
    yield f"{about}. `GET {api.base_url}{endpoint.path}` lists them, with `{api.count_suffix}` behind it counts them."
    yield "\n".join(f"- {fact}" for fact in facts(endpoint))
    yield "For example:"
    yield fenced("\n".join(endpoint.examples), f"pql {endpoint.name}")
    head = ("field", "holds", "JSON", "parameter", "sort", "what it is")
    yield table(head, (field_row(each, endpoint) for each in endpoint.fields))
    if enums := [each for each in endpoint.fields if each.values]:
        yield "\n".join(f"- {code(each.name)} is {meanings(each)}" for each in enums)


def facts(endpoint: Endpoint) -> Iterator[str]:
    if endpoint.search:
        yield f'free text, `"onboarding"`, looks in `{endpoint.search}`'
    else:
        yield "free text is refused: there is no field to look in"
    for each in endpoint.assumed:
        assert each.param is not None
        yield f"without the parameter `{each.param.name}` the API assumes `{each.name} = {lower(each.param.assumed)}`"
    if endpoint.active:
        yield f'`scope="active"` adds `{endpoint.active.field} = {lower(endpoint.active.value)}`'
    if endpoint.default_sort:
        yield f"without `order by` it is sorted by `{endpoint.default_sort}`"
    if endpoint.group_by:
        yield f"its count can be grouped by {listing([code(each) for each in endpoint.group_by], 'and')}"


def field_row(each: Field, endpoint: Endpoint) -> tuple[str, ...]:
    holds = f"{each.type}{' or null' if each.nullable else ''}{', several' if each.to_many else ''}"
    param = code(each.param.name) if each.param else "—"
    if each.param and each.param.many:
        param += f", several: {code(each.param.many)}"
    if each.param and each.param.match is Match.PART:
        param += ", a part of it"
    return code(each.name), holds, json_place(each, endpoint), param, "yes" if each.sort else "—", each.description


def json_place(each: Field, endpoint: Endpoint) -> str:
    if each.derived:
        return f"by {code(each.derived.base)}"
    place = each.json
    if place is None:
        return "—"
    shown = code(place.name if place.relation is None else f"{place.relation}: {place.name}")
    return f"{shown} (undocumented)" if place.undocumented else shown


def meanings(each: Field) -> str:
    said = each.meanings or ("",) * len(each.values)
    return ", ".join(f"{code(value)}{f' ({why})' if why else ''}" for value, why in zip(each.values, said, strict=True))


def lower(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def undocumented() -> str:
    head = (
        "Penbox does not say the following, so it is decided, and may be wrong. Whoever knows better changes the "
        "schema file."
    )
    return f"{head}\n\n{table(('question', 'decided'), ASSUMPTIONS)}"


# Schema files: the keys of each table, from the models


PLACES = {
    "SchemaTable": "A whole file",
    "ApiTable": "`[api]`",
    "EndpointTable": "`[endpoints.NAME]`",
    "ActiveTable": "`active`",
    "RelationTable": "`[endpoints.NAME.relations.RELATION]`",
    "FieldTable": "`[endpoints.NAME.fields]`",
    "ParamTable": "`param`",
    "JsonTable": "`json`",
    "DerivedTable": "`derived`",
}
EXAMPLE = """[api]
base_url = "https://api.shop.example/v1"

[endpoints.orders]
description = "what customers have bought"
search = "title"
always = "id"

[endpoints.orders.relations.customer]

[endpoints.orders.fields]
id = { type = "uuid" }
title = { param = true, sort = true }
state = { type = "enum", values = ["open", "paid", "sent"], param = true }
total = { type = "number", sort = true }
"customer.email" = { type = "email", param = "customer_email" }"""


def schema_file_page() -> str:
    models = {
        name: each
        for name, each in vars(schema_tables).items()
        if isinstance(each, type) and issubclass(each, schema_tables.Table) and each is not schema_tables.Table
    }
    if models.keys() != PLACES.keys():
        raise SystemExit(f"tables without a place on the page: {sorted(models.keys() ^ PLACES.keys())}")
    parts = [
        "A schema file says what pqlang needs to know of an API: its endpoints, their fields, and how a request spells "
        "them. It is TOML, or JSON of the same shape. [A first endpoint](../tutorial/first-endpoint.md) writes one "
        "step by step; this page has every key.",
        "A file, here `shop.toml`:",
        fenced(EXAMPLE, "toml"),
        'It is read with `pqlang.load_schema("shop.toml")`, or by any command with `--schema shop.toml`:',
        fenced(
            "$ pql compile orders 'state = open and customer.email = ann@acme.com' --schema shop.toml --url\n"
            "https://api.shop.example/v1/orders?state=open&customer_email=ann%40acme.com",
            "console",
        ),
        "A key that is not known, a value of the wrong kind, a name that nothing has: each is an error with the key's "
        "whole path and its place in the file, and all of them are said at once.",
    ]
    for name, place in PLACES.items():
        about = re.sub(r"^`\[[^`]*`: ", "", clean(inspect.getdoc(models[name]) or ""))
        about = about[:1].upper() + about[1:]
        parts += [f"## {place}", *([about] if about != f"{place}." else []), keys(models[name])]
    return generated("Schema files", *parts)


def clean(text: str) -> str:
    return " ".join(text.split())


def keys(model: Any) -> str:
    rows = []
    for name, info in model.model_fields.items():
        key = info.alias or name
        about = re.sub(r" ?Default: ", " Without it: ", clean(info.description or ""))
        readers = {each.func.__name__.strip("_") for each in info.metadata if hasattr(each, "func")}
        takes = next((READERS[each] for each in readers if each in READERS), None) or kind(info.annotation)
        rows.append((code(key), takes, default(info), about.strip()))
    return table(("key", "takes", "default", "meaning"), rows)


READERS = {
    "table_or_name": "true, false, a name or a table",
    "described": "a list of texts, or a table of texts",
}
KINDS = {str: "a text", bool: "true or false", int: "a whole number"}


def kind(annotation: Any) -> str:
    """What may stand there, in words."""
    options = [each for each in get_args(annotation) if each is not type(None)]
    origin = get_origin(annotation)
    if origin is dict:
        inner = get_args(annotation)[1]
        return "tables by their names" if inner is not str and kind(inner) == "a table" else "a table of texts"
    if origin is list:
        return "a list of texts"
    if origin is not None and not isinstance(annotation, type) and "Annotated" in str(origin):
        return kind(options[0])
    if options:
        return ", ".join(dict.fromkeys(kind(each) for each in options)).replace(", a text", " or a text")
    if isinstance(annotation, type) and issubclass(annotation, schema_tables.Table):
        return "a table"
    if annotation in KINDS:
        return KINDS[annotation]
    return "one of its choices"


def default(info: Any) -> str:
    value = info.default
    if info.is_required():
        return "must be there"
    if value is None or value == "" or value == {} or value == []:
        return "—"
    if isinstance(value, schema_tables.Table):
        return "its own defaults"
    if isinstance(value, dict):
        return ", ".join(code(f"{key} {each}") for key, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(code, value))
    return code(lower(value) if not isinstance(value, str) else str(value))


# The library: public names with their signatures


def api_page() -> str:
    parts = [
        "All that `import pqlang` gives. Beside it, `to_text` and `to_json` of `pqlang.rendering` and `read_target` of "
        "`pqlang.decompiler` may be relied on; whatever else stands in the package may change with any version.",
        "Everything returned is immutable and safe to share between threads, records that are being read aside. One "
        "exception, `PqlError`, comes out of bad input, with every problem in it.",
        fenced(f"import pqlang\n{import_of(filter(str.islower, pqlang.__all__))}", "python"),
    ]
    for name in pqlang.__all__:
        value = getattr(pqlang, name)
        parts += [f"## {'class ' if inspect.isclass(value) else ''}`{name}`", *described(name, value)]
    return generated("The library", *parts)


def described(name: str, value: Any) -> Iterator[str]:
    if name == "PENBOX":
        yield "The built-in `Schema`, of the Penbox API: [its endpoints and fields](penbox.md)."
        yield "```pycon\n>>> pqlang.PENBOX.names\n('cases', 'case_templates', 'forms')\n```"
        return
    if inspect.ismodule(value):
        yield paragraphs(inspect.getdoc(value) or "")
        return
    node = definition(value)
    yield fenced(class_text(node) if isinstance(node, ast.ClassDef) else signature(node), "py")
    yield paragraphs(inspect.getdoc(value) or "")


Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


def definition(value: Any) -> Function | ast.ClassDef:
    tree = ast.parse(Path(inspect.getsourcefile(value) or "").read_text("utf-8"))
    return next(n for n in tree.body if isinstance(n, Function | ast.ClassDef) and n.name == value.__name__)


def signature(node: Function, indent: str = "") -> str:
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    parameters = list(parameters_of(node.args))
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    line = f"{indent}{word} {node.name}({', '.join(parameters)}){returns}: ..."
    if len(line) <= 100:
        return line
    return (
        f"{indent}{word} {node.name}(\n"
        + "".join(f"{indent}    {each},\n" for each in parameters)
        + f"{indent}){returns}: ..."
    )


def parameters_of(args: ast.arguments) -> Iterator[str]:
    def shown(each: ast.arg, value: ast.expr | None) -> str:
        return ast.unparse(each) + (f" = {text_of(value)}" if value else "")

    without = [None] * (len(args.args) - len(args.defaults))
    for each, value in zip(args.args, [*without, *args.defaults], strict=True):
        yield shown(each, value)
    if args.kwonlyargs:
        yield "*"
    for each, value in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        yield shown(each, value)
    if args.kwarg:
        yield f"**{ast.unparse(args.kwarg)}"


def text_of(value: ast.AST) -> str:
    return ast.unparse(value).replace("'", '"')


def import_of(names: Iterable[str]) -> str:
    """The import of some names, on several lines where one is too long, as ruff would have it."""
    names = list(names)
    line = f"from pqlang import {', '.join(names)}"
    return line if len(line) <= 120 else "\n".join(["from pqlang import (", *(f"    {name}," for name in names), ")"])


def class_text(node: ast.ClassDef) -> str:
    """The class with its attributes and public methods, bodies and private names left out."""
    bases = f"({', '.join(map(ast.unparse, node.bases))})" if node.bases else ""
    rows = [f"class {node.name}{bases}:"]
    for each in node.body:
        if isinstance(each, ast.AnnAssign) and not (each.value and "init=False" in ast.unparse(each.value)):
            value = f" = {text_of(each.value)}" if each.value else ""
            rows.append(f"    {ast.unparse(each.target)}: {ast.unparse(each.annotation)}{value}")
        elif isinstance(each, ast.Assign):
            rows.append(f"    {text_of(each)}")
        elif isinstance(each, ast.FunctionDef) and each.name == "__init__" and each.args.kwonlyargs:
            rows.append(signature(each, "    "))
        elif isinstance(each, ast.FunctionDef) and each.name == "__init__" and not node.name.endswith("Records"):
            rows += [f"    {ast.unparse(argument)}" for argument in each.args.args[1:]]
        elif isinstance(each, Function) and not each.name.startswith("_"):
            rows += [""] if len(rows) > 1 else []
            rows += [f"    @{ast.unparse(decorator)}" for decorator in each.decorator_list]
            rows.append(signature(each, "    "))
    return "\n".join(rows) + " ..." * (len(rows) == 1)


def paragraphs(doc: str) -> str:
    """A docstring as Markdown: its examples become blocks."""
    parts = []
    for part in re.split(r"\n\s*\n", doc):
        part = re.sub(r'; see LANGUAGE, "(\w+)"', lambda m: f"; see [{m[1]}](language.md#{m[1].lower()})", part)
        parts.append(fenced(part, "pycon") if part.lstrip().startswith(">>>") else part)
    return "\n\n".join(parts)


# Writing


PAGES: dict[str, Callable[[], str]] = {
    "diagnostics.md": diagnostics_page,
    "penbox.md": penbox_page,
    "schema-file.md": schema_file_page,
    "api.md": api_page,
}


def main() -> int:
    """Write the pages, or with `--check` name those that are stale."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--check", action="store_true", help="write nothing, fail when a page is stale")
    check = arguments.parse_args().check
    made = {REFERENCE / name: page() for name, page in PAGES.items()}
    stale = [path for path, text in made.items() if not path.exists() or path.read_text("utf-8") != text]
    for path in stale:
        print(f"{'stale' if check else 'wrote'} {path.relative_to(ROOT)}")
        if not check:
            path.write_text(made[path], "utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
