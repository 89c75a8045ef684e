"""The command `pql`: what goes to stdout, what to stderr, and the status to exit with; never a traceback."""

from __future__ import annotations

import io
import json
import os
import select
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

import pqlang
from pqlang import cli, compiler, entry, verifier

ROOT = Path(__file__).parent.parent
PQL = [sys.executable, "-m", "pqlang"]
NOW = "2024-01-15T12:00:00Z"
QUERY = "parent_status = in_progress and archived = false"
COMMANDS = ("compile", "plan", "check", "format", "schema")


@dataclass(frozen=True)
class Done:
    """How a call ended."""

    status: int
    out: str
    err: str


Pql = Callable[..., Done]


@pytest.fixture
def pql(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Pql:
    """Run the command in this process; `stdin` is what a pipe brings."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str, stdin: str | bytes = b"") -> Done:
        piped = stdin.encode() if isinstance(stdin, str) else stdin
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(piped), encoding="ascii"))
            status = cli.main(arguments)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Done(status, out, err)

    return run


def shell(command: str, *, stdin: bytes = b"", **environment: str) -> Done:
    """Run a line of shell, in which `pql` is the command of this checkout."""
    line = f'pql() {{ "{sys.executable}" -m pqlang "$@"; }}; {command}'
    done = subprocess.run(
        ["bash", "-c", line], input=stdin, capture_output=True, timeout=60, env=os.environ | environment, cwd=ROOT
    )
    assert b"Traceback" not in done.stderr
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def objects(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


# compile: what is printed


def test_parameters(pql: Pql) -> None:
    assert pql("compile", "cases", QUERY) == Done(0, "parent_status=in_progress&archived=false\n", "")


def test_a_json_filter_is_drawn_for_people(pql: Pql) -> None:
    done = pql("compile", "cases", "status = draft")
    assert done == Done(0, '{\n  "attributes": {\n    "status": {\n      "$eq": "draft"\n    }\n  }\n}\n', "")


def test_the_order_stands_below_the_filter(pql: Pql) -> None:
    assert pql("compile", "cases", "status = x order by title desc").out.endswith("}\nsort=-title\n")
    assert pql("compile", "cases", f"{QUERY} order by title").out.endswith("archived=false&sort=title\n")


def test_the_whole_url(pql: Pql) -> None:
    done = pql("compile", "cases", QUERY, "--url")
    assert done.out == "https://connect.penbox.io/v1/cases?parent_status=in_progress&archived=false\n"


def test_the_request_as_json(pql: Pql) -> None:
    done = pql("compile", "cases", "status = draft order by title", "--json")
    assert done.status == 0
    assert done.err == ""
    text = "%7B%22attributes%22%3A%7B%22status%22%3A%7B%22%24eq%22%3A%22draft%22%7D%7D%7D"
    assert json.loads(done.out) == {
        "ok": True,
        "endpoint": "cases",
        "target": "json",
        "filter": {"attributes": {"status": {"$eq": "draft"}}},
        "params": {"filter": '{"attributes":{"status":{"$eq":"draft"}}}', "sort": "title"},
        "query_string": f"filter={text}&sort=title",
        "url": f"https://connect.penbox.io/v1/cases?filter={text}&sort=title",
        "diagnostics": [],
    }


def test_the_empty_query_is_the_endpoints_own_list(pql: Pql) -> None:
    assert pql("compile", "cases", "") == Done(0, "\n", "")
    assert pql("compile", "cases", "", "--url").out == "https://connect.penbox.io/v1/cases\n"


def test_text_is_not_escaped_away(pql: Pql) -> None:
    assert '"$eq": "Zoë 日本 😀"\n' in pql("compile", "cases", "title = 'Zoë 日本 😀'").out


# compile: targets


def test_no_text_steers_the_terminal(pql: Pql) -> None:
    for arguments in ((), ("--json",)):
        out = pql("compile", "cases", 'title = "a\u009b2J\u202eb" and created_at > 2024-01-01', *arguments).out
        assert not {"\u009b", "\u202e"} & set(out)
        assert "\\u009b2J" in out


def test_target_json(pql: Pql) -> None:
    done = pql("compile", "cases", QUERY, "--target", "json", "--json")
    assert json.loads(done.out)["filter"]["attributes"] == {
        "parent_status": {"$eq": "in_progress"},
        "archived_at": {"$eq": None},
    }


def test_target_params_warns_where_it_narrows(pql: Pql) -> None:
    done = pql("compile", "cases", "status = draft", "--target", "params")
    assert (done.status, done.out) == (0, "status=draft\n")
    assert done.err.startswith("warning[assumed-value]: ")


def test_target_params_refuses_what_parameters_cannot_say(pql: Pql) -> None:
    done = pql("compile", "cases", "created_at > 2024-01-01", "--target", "params")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("error[no-parameter]: ")


def test_a_query_for_several_requests_is_refused_by_compile_alone(pql: Pql) -> None:
    query = "status = draft or owner.email = ann@acme.com"
    done = pql("compile", "cases", query)
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("error[or]: ")
    assert pql("check", "cases", query) == Done(0, "", "")
    assert pql("check", "cases", query, "--target", "auto") == done


# How a query is read


def test_now_and_zone(pql: Pql) -> None:
    def sent(query: str, *arguments: str) -> str:
        found = json.loads(pql("compile", "cases", query, "--json", "--now", NOW, *arguments).out)["filter"]
        return found["attributes"]["created_at"]["$gt"]

    assert sent("created_at > now-7d") == "2024-01-08T12:00:00Z"
    assert sent("created_at > today") == "2024-01-15T00:00:00Z"
    assert sent("created_at > today", "--tz", "Asia/Tokyo") == "2024-01-14T15:00:00Z"
    assert sent("created_at > 2024-06-01T08:00:00", "--tz", "Europe/Brussels") == "2024-06-01T06:00:00Z"


@pytest.mark.parametrize(
    "now", ["2024-01-15", "2024-01-15T12:00:00", "yesterday", "", "9999-12-31T23:59:59-23:00", "\0"]
)
def test_a_wrong_now(pql: Pql, now: str) -> None:
    done = pql("compile", "cases", "archived", "--now", now)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("error[bad-now]: ")
    assert done.err.count("error[") == 1


@pytest.mark.parametrize("zone", ["Mars/Phobos", "", "../UTC", "/etc/passwd", "Europe", "a\0b", "é" * 5000])
def test_a_wrong_zone(pql: Pql, zone: str) -> None:
    done = pql("compile", "cases", "archived", "--tz", zone)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("error[bad-zone]: ")


def test_a_zone_that_is_nearly_right(pql: Pql) -> None:
    assert "`Europe/Brussels`" in pql("check", "cases", "archived", "--tz", "europe/brussel").err


def test_scope(pql: Pql) -> None:
    assert pql("compile", "cases", "status = x", "--scope", "active").out == "status=x&archived=false\n"
    assert pql("compile", "cases", "status = x and archived", "--scope", "active").out == "status=x&archived=true\n"


def test_search_mode(pql: Pql) -> None:
    assert pql("check", "cases", "parent_status:(draft, pending) archived").status == 1
    assert pql("check", "cases", "parent_status:(draft, pending) archived", "--mode", "search") == Done(0, "", "")
    assert pql("format", "parent_status:(draft, pending) archived", "--mode", "search").out == (
        "parent_status in (draft, pending) and archived\n"
    )


# Variables


@pytest.mark.parametrize(
    ("query", "variables", "sent"),
    [
        ("status = $x", ["x=draft"], {"status": {"$eq": "draft"}}),
        ("status = $x", ["x="], {"status": {"$eq": ""}}),
        ("status = $x", ["x=a=b"], {"status": {"$eq": "a=b"}}),
        ("status = $x", ["x=null"], {"status": {"$eq": "null"}}),
        ("status = $x", ["x:=null"], {"status": {"$eq": None}}),
        ("status = $x", ['x:="é"'], {"status": {"$eq": "é"}}),
        ("status = $x", ['x=" or archived or "'], {"status": {"$eq": '" or archived or "'}}),
        ("parent_status not in $x", ["x=draft", "x=closed", "x=pending"], {"parent_status": {"$eq": "in_progress"}}),
        ("parent_status not in $x", ['x:=["draft", "closed", "pending"]'], {"parent_status": {"$eq": "in_progress"}}),
        ("parent_status in $x", ["x:=[]"], {"id": {"$eq": None}}),
        ("archived_at is null and archived = $x", ["x:=false"], {"archived_at": {"$eq": None}}),
    ],
)
def test_variables(pql: Pql, query: str, variables: list[str], sent: object) -> None:
    bound = [part for each in variables for part in ("--var", each)]
    done = pql("compile", "cases", query, "--target", "json", "--json", *bound)
    assert done.status == 0, done.out
    assert json.loads(done.out)["filter"] == {"attributes": sent}


@pytest.mark.parametrize(
    "pair", ["x", "", "=", "=draft", ":=1", "é=1", "1x=1", "a b=1", "x:=", "x:=draft", "x:=[1", "x:=" + "[" * 100_000]
)
def test_wrong_variables(pql: Pql, pair: str) -> None:
    done = pql("compile", "cases", "status = $x", "--var", pair)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("error[usage]: ")


@pytest.mark.parametrize("value", ["1e999", "NaN", "12", "true", "{}", '"\\ud800"', "[null]", '["a", "b"]'])
def test_a_value_that_does_not_fit(pql: Pql, value: str) -> None:
    done = pql("compile", "cases", "status = $x", "--var", f"x:={value}")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("error[bound-value]: ")


def test_a_variable_without_a_value(pql: Pql) -> None:
    done = pql("compile", "cases", "status = $stat", "--var", "state=x")
    assert done.status == 1
    assert done.err.startswith("error[unbound-variable]: ")
    assert "`$state`" in done.err


# Problems


def test_a_wrong_query_is_drawn_on_stderr(pql: Pql) -> None:
    done = pql("compile", "cases", "parent_status = drft and emial = x")
    assert (done.status, done.out) == (1, "")
    assert [line for line in done.err.splitlines() if "[" in line] == [
        "error[unknown-value]: `parent_status` has no value `drft`",
        "error[unknown-field]: `cases` has no field `emial`",
    ]


def test_hints_are_no_failure(pql: Pql) -> None:
    done = pql("check", "cases", "status != draft")
    assert (done.status, done.out) == (0, "")
    assert done.err.startswith("hint[nulls-left-out]: ")


def test_problems_as_json(pql: Pql) -> None:
    done = pql("check", "cases", "parent_status = drft", "--json")
    assert (done.status, done.err) == (1, "")
    answer = json.loads(done.out)
    assert answer["ok"] is False
    [problem] = answer["diagnostics"]
    assert (problem["code"], problem["span"]) == ("unknown-value", {"start": 16, "end": 20})


def test_a_good_query_as_json(pql: Pql) -> None:
    assert json.loads(pql("check", "cases", "archived", "--json").out) == {"ok": True, "diagnostics": []}


def test_an_endpoint_that_there_is_not(pql: Pql) -> None:
    for command in ("compile", "plan", "check"):
        done = pql(command, "case", "archived")
        assert (done.status, done.out) == (2, "")
        assert "the closest is `cases`" in done.err


@pytest.mark.parametrize(
    "query", ["(" * 100_000, "not " * 100_000, "x" * 100_000, "\0", "\x1b[31m", "status = '\udcff'", "'", "$", "😀 = "]
)
def test_wild_queries(pql: Pql, query: str) -> None:
    for command in (["compile", "cases"], ["plan", "cases", "--verify"], ["check", "cases"], ["format"]):
        done = pql(*command, query)
        assert (done.status, done.out) == (1, "")
        assert "error[" in done.err
        assert "\x1b" not in done.err


# format


def test_format(pql: Pql) -> None:
    assert pql("format", 'STATUS == "draft" AND NOT (archived)') == Done(0, "STATUS = draft and not archived\n", "")
    assert pql("format", "") == Done(0, "\n", "")
    assert pql("format", "a = 1 and b = 2", "--width", "10").out == "a = 1\nand b = 2\n"
    assert json.loads(pql("format", "a:1", "--json").out) == {"ok": True, "query": "a = 1", "diagnostics": []}
    assert pql("format", "a =").status == 1


@pytest.mark.parametrize("width", ["0", "-1", "x", "", "²", "1.5"])
def test_a_wrong_width(pql: Pql, width: str) -> None:
    done = pql("format", "a = 1", f"--width={width}")
    assert (done.status, done.out) == (2, "")
    assert "is no positive number" in done.err


# plan

EITHER = "parent_status = draft or waiting_for = owner"


def planned(done: Done) -> dict[str, Any]:
    """The object of a call with `--json` that has a plan."""
    assert (done.status, done.err) == (0, "")
    found: dict[str, Any] = json.loads(done.out)
    assert found["ok"] is True
    return found


def test_completion(pql: Pql) -> None:
    assert pql("complete", "cases", "parent_status = d").out == "draft  value  in preparation\n"
    assert pql("complete", "cases", "zzzz").out == ""
    assert pql("complete", "cases", "title = ", "--var", "who=Ann").out == "$who  value  variable\n"
    assert pql("complete", "cases", "archived upd", "--mode", "strict").out == ""


def test_completion_as_json_at_a_cursor(pql: Pql) -> None:
    said = json.loads(pql("complete", "cases", '"😀" and sta = 1', "--cursor", "9", "--json").out)
    assert said["ok"] is True
    assert said["completions"][0] == {
        "label": "status",
        "kind": "field",
        "insert": "status",
        "detail": "string, custom status, in the workspace's own words",
        "span": {"start": 8, "end": 11},
        "utf16": {"start": 9, "end": 12},
    }


def test_completions_of_many_lines(pql: Pql) -> None:
    lines = pql("complete", "cases", "--json", stdin="parent_status = d\nown\n").out.splitlines()
    assert [each["label"] for each in json.loads(lines[0])["completions"]] == ["draft"]
    assert len(lines) == 2


def test_a_plan_is_explained(pql: Pql) -> None:
    for query in (EITHER, QUERY, ""):
        assert pql("plan", "cases", query) == Done(0, pqlang.plan(query, "cases").explain() + "\n", "")
    assert pql("plan", "cases", "archived and not archived").out.endswith("\nno request: no record satisfies it\n")


def test_a_plan_as_json(pql: Pql) -> None:
    for query in (EITHER, "", "title not contains a and archived = false"):
        expected = {"ok": True, **pqlang.plan(query, "cases").to_json(), "diagnostics": []}
        assert planned(pql("plan", "cases", query, "--json")) == expected
    assert [request["exact"] for request in expected["requests"]] == [False]
    assert expected["requests"][0]["residual"] == "title not contains a"


def test_a_plan_says_what_compiling_says(pql: Pql) -> None:
    done = pql("plan", "cases", "status != draft")
    assert done.status == 0
    assert done.err.startswith("hint[nulls-left-out]: ")
    [hint] = json.loads(pql("plan", "cases", "status != draft", "--json").out)["diagnostics"]
    assert hint["code"] == "nulls-left-out"


def test_disjoint(pql: Pql) -> None:
    assert planned(pql("plan", "cases", EITHER, "--json"))["disjoint"] is False
    made = planned(pql("plan", "cases", EITHER, "--disjoint", "--json"))
    assert (made["disjoint"], made["overlap"]) == (True, "")
    assert made["requests"][1]["filter"]["attributes"]["parent_status"] == {"$ne": "draft"}
    shared = planned(pql("plan", "cases", 'title ~ "a%" or description ~ "b%"', "--disjoint", "--json"))
    assert shared["disjoint"] is False
    assert "has no complement" in shared["overlap"]


def test_too_many_requests(pql: Pql) -> None:
    done = pql("plan", "cases", EITHER, "--max-requests", "1")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("error[too-many-requests]: the query takes 2 requests, the limit is 1\n")
    assert pql("plan", "cases", EITHER, "--max-requests", "2").status == 0
    answer = json.loads(pql("plan", "cases", EITHER, "--max-requests", "1", "--json").out)
    assert (answer["ok"], list(answer)) == (False, ["ok", "diagnostics"])
    many = " or ".join(f"{field} = {number}" for field in ("status", "title") for number in range(16))
    assert "the limit is 30" in pql("plan", "cases", many).err
    assert pql("plan", "cases", many, "--max-requests", "32").status == 0


def test_broaden(pql: Pql) -> None:
    made = planned(pql("plan", "cases", EITHER, "--max-requests", "1", "--broaden", "--json"))
    assert [request["residual"] for request in made["requests"]] == [EITHER]
    assert made["exact"] is False


def test_the_target_of_a_plan(pql: Pql) -> None:
    def targets(*arguments: str) -> list[str]:
        made = planned(pql("plan", "cases", "status = x and not archived", "--json", *arguments))
        return [request["target"] for request in made["requests"]]

    assert targets() == targets("--target", "auto") == targets("--target", "params") == ["params"]
    assert targets("--target", "json") == ["json"]


def test_a_plan_takes_what_says_how_a_query_is_read(pql: Pql) -> None:
    made = planned(
        pql(
            *("plan", "cases", "created_at > $when status:(new, open)", "--mode", "search", "--scope", "active"),
            *("--var", "when=2024-01-15T09:00:00", "--tz", "Europe/Brussels", "--json"),
        )
    )
    assert [request["filter"]["attributes"] for request in made["requests"]] == [
        {"created_at": {"$gt": "2024-01-15T08:00:00Z"}, "status": {"$eq": state}, "archived_at": {"$eq": None}}
        for state in ("new", "open")
    ]
    [late] = planned(pql("plan", "cases", "created_at > now-7d", "--now", NOW, "--json"))["requests"]
    assert late["filter"]["attributes"] == {"created_at": {"$gt": "2024-01-08T12:00:00Z"}}


def test_a_plan_in_ones_own_schema(pql: Pql, shop: str) -> None:
    out = pql("plan", "orders", "state = open or total > 5", "--schema", shop, "--verify").out
    assert "\n1. GET https://api.shop.test/orders?state=open\n" in out
    assert out.endswith(" records, no difference\n")


def test_a_residual_that_cannot_be_tested(pql: Pql) -> None:
    query = "workspace.slug contains a and workspace.slug contains b"
    for arguments in ((), ("--broaden",), ("--verify",)):
        done = pql("plan", "cases", query, *arguments)
        assert (done.status, done.out) == (1, "")
        assert done.err.startswith("error[uncarried-residual]: ")


@pytest.mark.parametrize("number", ["0", "-1", "x", "", "²", "1.5"])
def test_a_wrong_number_of_requests(pql: Pql, number: str) -> None:
    done = pql("plan", "cases", EITHER, f"--max-requests={number}")
    assert (done.status, done.out) == (2, "")
    assert "is no positive number" in done.err


def test_a_wrong_clock_stops_a_plan_before_it_reads(pql: Pql) -> None:
    assert pql("plan", "cases", "--now", "noon", stdin="archived\narchived\n").err.count("error[bad-now]") == 1
    assert pql("plan", "cases", "archived", "--tz", "Mars/Phobos").status == 2


def test_a_plan_that_is_verified(pql: Pql) -> None:
    query = "title contains kyc or not contact.email = ann@acme.com"
    explained = pql("plan", "cases", query).out
    assert pql("plan", "cases", query, "--verify") == Done(0, explained + "\n1,000 records, no difference\n", "")
    made = planned(pql("plan", "cases", query, "--verify", "--json"))
    assert made["verdict"] == {"ok": True, "records": 1000, "difference": None}
    assert "verdict" not in planned(pql("plan", "cases", query, "--json"))


@pytest.mark.parametrize(
    ("asked", "selected_by", "said"),
    [
        ("title = b", "plan", "the plan selects it, the query does not"),
        ("title = b", "query", "the query selects it, the plan does not"),
        ("title = é", "two requests", "two requests select it, which were to share no record"),
    ],
)
def test_a_plan_that_is_not_what_the_query_means(
    pql: Pql, monkeypatch: pytest.MonkeyPatch, asked: str, selected_by: str, said: str
) -> None:
    difference = verifier.Difference({"title": "é", "archived_at": None}, selected_by)
    monkeypatch.setattr(verifier, "check_plan", lambda plan: verifier.Verdict(False, 1, 1, difference))
    done = pql("plan", "cases", asked, "--verify")
    assert (done.status, done.err) == (1, "")
    assert done.out.endswith(
        f'\n\n1 record, and on the last a difference: {said}\n{{"title": "é", "archived_at": null}}\n'
    )
    done = pql("plan", "cases", "--verify", "--json", stdin=f"{asked}\n{asked}\n")
    assert done.status == 1
    for answer in objects(done.out):
        record = {"title": "é", "archived_at": None}
        verdict = {"ok": False, "records": 1, "difference": {"record": record, "selected_by": selected_by}}
        assert (answer["ok"], answer["verdict"]) == (True, verdict)


def test_a_trial_that_finds_a_real_difference(pql: Pql, monkeypatch: pytest.MonkeyPatch) -> None:
    made = pqlang.plan("status = draft", "cases")
    narrowed = replace(made, requests=pqlang.plan("status = draft and title = x", "cases").requests)
    monkeypatch.setattr(compiler, "plan", lambda *_, **__: narrowed)
    done = pql("plan", "cases", "status = draft", "--verify")
    assert done.status == 1
    record = json.loads(done.out.splitlines()[-1])
    assert record["status"] == "draft"
    assert record.get("title") != "x"


def test_plans_of_many_lines(pql: Pql) -> None:
    done = pql("plan", "cases", stdin=f"archived\narchivd\n{EITHER}\n")
    plans = [pqlang.plan(query, "cases").explain() + "\n\n" for query in ("archived", EITHER)]
    assert (done.status, done.out) == (1, "".join(plans))
    assert done.err.startswith("line 2:\nerror[unknown-field]: ")


def test_plans_as_one_json_object_a_line(pql: Pql) -> None:
    lines = f"archived\n{EITHER}\nworkspace.slug contains a and workspace.slug contains b\n\n"
    done = pql("plan", "cases", "-", "--max-requests", "2", "--json", stdin=lines)
    assert (done.status, done.err) == (1, "")
    answers = objects(done.out)
    assert [each["ok"] for each in answers] == [True, True, False, True]
    assert [each.get("count") for each in answers] == [1, 2, None, 1]


# schema


def test_schema_lists_the_endpoints(pql: Pql) -> None:
    done = pql("schema")
    assert [line.split()[0] for line in done.out.splitlines()] == ["cases", "case_templates", "forms"]
    assert [each["name"] for each in json.loads(pql("schema", "--json").out)] == ["cases", "case_templates", "forms"]


def test_schema_shows_an_endpoint(pql: Pql) -> None:
    out = pql("schema", "forms").out
    assert out.startswith("what users are asked to fill in\n\nid ")
    assert "\nprocessed_at        datetime or null  json sort " in out
    [forms] = json.loads(pql("schema", "forms", "--json").out)
    [slug] = [each for each in forms["fields"] if each["name"] == "flow.slug"]
    assert (slug["param"], slug["json"], slug["sort"]) == ("flow[slug]", False, None)


def test_schema_of_an_endpoint_that_there_is_not(pql: Pql) -> None:
    done = pql("schema", "form")
    assert (done.status, done.out) == (2, "")
    assert "the closest is `forms`" in done.err


# An API of one's own


@pytest.fixture
def shop(tmp_path: Path) -> str:
    file = tmp_path / "shop.toml"
    file.write_text(
        """
        [api]
        base_url = "https://api.shop.test"
        [endpoints.orders.fields]
        state = { type = "enum", values = ["open", "paid"], param = true }
        total = { type = "number", sort = true }
        """
    )
    return str(file)


def test_a_schema_of_ones_own(pql: Pql, shop: str) -> None:
    assert pql("compile", "orders", "state = open", "--schema", shop, "--url").out == (
        "https://api.shop.test/orders?state=open\n"
    )
    assert pql("compile", "orders", "total > $least", "--schema", shop, "--var", "least:=12.5", "--json").status == 0
    assert pql("check", "orders", "state = opn", "--schema", shop).status == 1
    assert pql("schema", "--schema", shop).out == "orders\n"
    assert "total  number  json sort" in pql("schema", "orders", "--schema", shop).out


def test_an_endpoint_that_ones_own_schema_lacks(pql: Pql, shop: str) -> None:
    for call in (("compile", "order", "x"), ("check", "order", "x"), ("schema", "order")):
        done = pql(*call, "--schema", shop)
        assert (done.status, done.out) == (2, "")
        assert "the closest is `orders`" in done.err
    assert "`orders`" in pql("compile", "cases", "x", "--schema", shop).err


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("no.toml", None),
        ("a.yaml", b"x: 1"),
        ("a.toml", b"[endpoints"),
        ("a.toml", b""),
        ("a.toml", b"\xff\xfe"),
        ("a.toml", b"endpoints = 3"),
        ("a.toml", b"[endpoints.orders.fields]\ntotal = { type = 'numbr' }"),
        ("a.json", b"{"),
        ("a.json", b"[" * 100_000),
        ("a.json", b"null"),
    ],
)
def test_a_wrong_schema_file(pql: Pql, tmp_path: Path, file: str, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / file).write_bytes(content)
    for call in (("compile", "orders", "x"), ("check", "orders", "x"), ("schema",)):
        done = pql(*call, "--schema", str(tmp_path / file))
        assert (done.status, done.out) == (2, "")
        assert done.err.startswith("error[bad-schema]: ")


def test_a_schema_file_that_is_a_directory(pql: Pql, tmp_path: Path) -> None:
    (tmp_path / "d.toml").mkdir()
    assert pql("schema", "--schema", str(tmp_path / "d.toml")).status == 2
    assert pql("schema", "--schema", "").status == 2


# Standard input


@pytest.mark.parametrize("dash", [(), ("-",)])
def test_one_query_a_line(pql: Pql, dash: tuple[str, ...]) -> None:
    done = pql("compile", "cases", *dash, stdin="archived\nstatus = x\r\n\nnot archived")
    assert done == Done(0, 'archived=true\n{"attributes": {"status": {"$eq": "x"}}}\n\narchived=false\n', "")


def test_one_json_object_a_line(pql: Pql) -> None:
    done = pql("compile", "cases", "--json", stdin="archived\narchivd\nnot archived\n")
    assert (done.status, done.err) == (1, "")
    answers = objects(done.out)
    assert [each["ok"] for each in answers] == [True, False, True]
    assert [each.get("query_string") for each in answers] == ["archived=true", None, "archived=false"]


def test_a_wrong_line_does_not_stop_the_next(pql: Pql) -> None:
    done = pql("format", stdin="a = 1\nb =\nc = 3\n")
    assert (done.status, done.out) == (1, "a = 1\nc = 3\n")
    assert done.err.startswith("line 2:\nerror[missing-value]: ")
    assert pql("check", "cases", stdin="archived\narchivd\n").status == 1


def test_nothing_on_stdin(pql: Pql) -> None:
    for call in (("compile", "cases"), ("plan", "cases"), ("check", "cases", "--json"), ("format",)):
        assert pql(*call) == Done(0, "", "")


def test_bytes_that_are_no_text(pql: Pql) -> None:
    done = pql("compile", "cases", "-", stdin=b"status = caf\xe9\nstatus = '\xff'\narchived\n\xc3")
    assert (done.status, done.out) == (1, "archived=true\n")
    assert done.err.count("error[") == 3
    assert done.err.count("error[bad-character]") == 3
    answers = objects(pql("check", "cases", "--json", stdin=b"status = '\xff'\n").out)
    assert [each["ok"] for each in answers] == [False]


def test_utf_8_whatever_the_locale() -> None:
    done = shell("pql compile cases", stdin="title = 'Zoë 日本'\n".encode(), LC_ALL="C", PYTHONUTF8="0")
    assert done == Done(0, '{"attributes": {"title": {"$eq": "Zoë 日本"}}}\n', "")


def test_stdin_that_was_closed() -> None:
    assert shell("pql compile cases <&-") == Done(0, "", "")


# Where options may stand


@pytest.mark.parametrize(
    "arguments",
    [
        ("cases", "archived", "--target", "json"),
        ("cases", "--target", "json", "archived"),
        ("--target", "json", "cases", "archived"),
        ("cases", "--target=json", "--", "archived"),
    ],
)
def test_options_stand_anywhere(pql: Pql, arguments: tuple[str, ...]) -> None:
    assert '"archived_at"' in pql("compile", *arguments).out


@pytest.mark.parametrize("arguments", [("-archived",), ("--", "-archived")])
def test_a_query_may_begin_with_a_minus(pql: Pql, arguments: tuple[str, ...]) -> None:
    assert pql("compile", "cases", "--mode", "search", *arguments).out == "archived=false\n"
    assert "error[search-form]" in pql("compile", "cases", *arguments).err


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("explain",),
        ("compile",),
        ("compile", "cases", "archived", "status"),
        ("compile", "cases", "archived", "--loud"),
        ("compile", "cases", "--loud"),
        ("compile", "cases", "archived", "-x"),
        ("compile", "cases", "archived", "--target", "xml"),
        ("compile", "cases", "archived", "--scope", "all"),
        ("compile", "cases", "archived", "--mode", "loose"),
        ("compile", "cases", "archived", "--var"),
        ("compile", "cases", "archived", "--now"),
        ("check", "cases", "archived", "--url"),
        ("check", "cases", "archived", "--disjoint"),
        ("plan",),
        ("plan", "cases", "archived", "--url"),
        ("plan", "cases", "archived", "--target", "xml"),
        ("plan", "cases", "archived", "--max-requests"),
        ("plan", "cases", "archived", "--verify=yes"),
        ("format", "a", "b"),
        ("schema", "cases", "forms"),
        ("--loud",),
    ],
)
def test_a_wrong_call(pql: Pql, arguments: tuple[str, ...]) -> None:
    done = pql(*arguments)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("usage: pql")


# Help


def test_help(pql: Pql) -> None:
    done = pql("--help")
    assert (done.status, done.err) == (0, "")
    assert all(f"\n    {command} " in done.out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(pql: Pql, command: str) -> None:
    done = pql(command, "--help")
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith(f"usage: pql {command} ")
    assert done == pql(command, "-h")


def test_version(pql: Pql) -> None:
    try:
        installed = version("pqlang")
    except PackageNotFoundError:
        installed = "unknown"
    assert pql("--version") == Done(0, f"pql {installed}\n", "")


def test_python_dash_m() -> None:
    done = subprocess.run([*PQL, "compile", "cases", QUERY], capture_output=True, cwd=ROOT, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"parent_status=in_progress&archived=false\n", b"")
    assert subprocess.run([*PQL, "check", "cases", "x"], capture_output=True, cwd=ROOT, timeout=60).returncode == 1
    assert shell("pql").err.startswith("usage: pql ")


# Terminals, pipes and disks


def on_terminal(*arguments: str, **environment: str) -> str:
    """What the command shows on a terminal."""
    pty = pytest.importorskip("pty")  # there is none on Windows
    leader, follower = pty.openpty()
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "TERM")}
    with subprocess.Popen(
        [*PQL, *arguments], stdin=follower, stdout=follower, stderr=follower, cwd=ROOT, env=kept | environment
    ) as running:
        os.close(follower)
        shown = b""
        while select.select([leader], [], [], 30)[0]:
            try:
                chunk = os.read(leader, 4096)
            except OSError:  # how Linux says that the other side has gone
                break
            if not chunk:
                break
            shown += chunk
            if b"Ctrl-D" in chunk:
                os.write(leader, b"\x04")
        running.wait(30)
    os.close(leader)
    return shown.decode().replace("\r\n", "\n")


def test_colour_on_a_terminal() -> None:
    shown = on_terminal("check", "cases", "archivd", TERM="xterm")
    assert shown.startswith("\x1b[1;31merror[unknown-field]\x1b[0m: ")


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"TERM": "xterm", "NO_COLOR": "1"}])
def test_no_colour_where_it_is_not_wanted(environment: dict[str, str]) -> None:
    assert on_terminal("check", "cases", "archivd", **environment).startswith("error[unknown-field]: ")


def test_no_colour_off_a_terminal() -> None:
    assert "\x1b" not in shell("pql check cases archivd", TERM="xterm").err


def test_a_terminal_is_told_that_it_is_waited_for() -> None:
    assert on_terminal("compile", "cases", TERM="dumb") == "one query a line, end with Ctrl-D\n"


def test_a_reader_that_leaves_early() -> None:
    done = shell("yes archived | head -n 20000 | pql compile cases | head -n 1; exit ${PIPESTATUS[2]}")
    assert done == Done(0, "archived=true\n", "")
    assert shell("(sleep 0.3; pql schema) | true") == Done(0, "", "")


def test_an_answer_comes_before_the_next_question() -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([*PQL, "compile", "cases"], stdin=pipe, stdout=pipe, cwd=ROOT) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        for query, answer in ((b"archived\n", b"archived=true\n"), (b"not archived\n", b"archived=false\n")):
            running.stdin.write(query)
            running.stdin.flush()
            assert running.stdout.readline() == answer
        running.stdin.close()
        assert running.wait(30) == 0


def test_outputs_that_were_closed() -> None:
    assert shell("pql compile cases archived >&-") == Done(0, "", "")
    assert shell("pql check cases archivd 2>&-") == Done(1, "", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_full_disk() -> None:
    assert shell("pql schema > /dev/full") == Done(2, "", "pql: No space left on device\n")
    assert shell("pql check cases archivd 2> /dev/full").status == 2


def test_an_interrupt(pql: Pql, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(entry, "compile", interrupted)
    assert pql("compile", "cases", "archived") == Done(130, "", "")


# What starting costs


def test_nothing_dear_is_imported() -> None:
    script = (
        "import sys; from pqlang.cli import main; main(['compile', 'cases', 'archived']);"
        "dear = {'pydantic', 'lark', 'importlib.metadata', 'asyncio', 'zoneinfo'};"
        "dear |= {f'pqlang.{each}' for each in ('planner', 'plans', 'disjuncts', 'evaluator', 'verifier')};"
        "dear |= {'pqlang.predicates', 'pqlang.predicate_code'};"
        "print(dear & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert (done.stdout, done.stderr) == ("archived=true\nset()\n", "")


def test_a_plain_query_is_compiled_without_the_passes() -> None:
    script = (
        "import sys; from pqlang.cli import main;"
        "main(['compile', 'cases', 'parent_status = draft and archived = true']);"
        "print({'pqlang.compiler', 'pqlang.parser', 'pqlang.resolver', 'shutil'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert (done.stdout, done.stderr) == ("parent_status=draft&archived=true\nset()\n", "")


@pytest.mark.parametrize("words", [("-h",), ("--help",), ("--hel",), ("-hx",)])
def test_help_after_a_query_is_help(pql: Pql, words: tuple[str, ...]) -> None:
    done = pql("compile", "cases", *words)
    assert "usage: pql compile" in (done.out or done.err)
