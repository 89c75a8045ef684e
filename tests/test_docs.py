"""README and docs: every block runs and prints what it shows, every link leads somewhere, no generated page is stale.

How a block is tried goes by its language, and a block of any other language is a mistake:

- `console`: each `$ ` line is run by a shell, with `pql` and `.venv/bin/pql` the command of this checkout; what it
  prints, on stdout and stderr together, stands below it. `pql sandbox` is started beside the page on a free port, which
  stands for the one that it shows from then on, and is stopped at the page's end. `export` of the token goes for the
  lines after it.
- `pycon`: run by doctest; the blocks of a page share their names. `python`: run beside them. `py`: signatures, whose
  syntax alone is checked.
- `toml` and `json` are read; with a file's name at the end of the line above (`shop.toml`:) the file is there for the
  blocks that follow, and a TOML file is a schema that loads. `txt` is any other file.
- `pql`: queries, one a line, each without an error on cases; `pql forms`, on forms.
- `pql-repl`: a transcript of a session (see `transcripts.py`), which the next such block of the page goes on with.
- `html`, `js`, `jsx`, `css`: for a browser, in which `searchbox/test_howto.py` tries them.
- `text`: a drawing, the only kind that nothing checks.
"""

from __future__ import annotations

import doctest
import json
import os
import re
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from transcripts import replay

import pqlang
from pqlang.session import Session, open_session

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LANGUAGES = {"console", "pycon", "python", "py", "toml", "json", "txt", "pql", "pql-repl", "text"}
FOR_A_BROWSER = {"html", "js", "jsx", "css"}
SETUP = "sh .ci/setup"
FIRST_QUERY = f"""{SETUP} && .venv/bin/pql compile cases 'parent_status = in_progress and owner.email ~ "%@acme%"'"""
DEMO = f"{SETUP} server && .venv/bin/pql serve"  # without end: `test_server.py` and `searchbox/` try it
ALL_TESTS = f"{SETUP} dev && .venv/bin/python -m pytest -q"


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


# Reading pages


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, the line it starts on and the file it is, if the line above names one."""

    language: str
    text: str
    line: int
    file: str | None


FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"`([\w-]+\.(?:toml|json|txt))`:?\s*\Z")


@cache
def blocks(page: Path) -> tuple[Block, ...]:
    text = page.read_text("utf-8")
    return tuple(
        Block(
            fence[1].strip(),
            fence[2],
            text.count("\n", 0, fence.start(2)) + 1,
            named[1] if (named := FILE.search(text[: fence.start()])) else None,
        )
        for fence in FENCE.finditer(text)
    )


@cache
def prose(page: Path) -> str:
    """The page without its blocks."""
    return FENCE.sub("", page.read_text("utf-8"))


@dataclass(frozen=True)
class Command:
    """A `$ ` line of a console block, and what stands below it."""

    line: str
    shown: str


def commands(block: Block) -> Iterator[Command]:
    before, *parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert not before, "a console block starts with a `$ ` line"
    for part in parts:
        typed, shown = re.fullmatch(r"(.*(?:\n> .*)*)\n?((?s:.*))", part).groups()
        yield Command(typed.replace("\n> ", "\n"), shown)


# Running blocks


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory with the commands that a reader has after the setup; what the setup makes is there already."""
    pql = f'#!/bin/sh\nexec "{sys.executable}" -m pqlang "$@"\n'
    python = f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'
    setup = '#!/bin/sh\n[ "$*" = "" ] || [ "$*" = dev ]\n'
    for path, text in {
        "bin/pql": pql,
        "bin/python": python,
        ".venv/bin/pql": pql,
        ".venv/bin/python": python,
        ".ci/setup": setup,
    }.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
    monkeypatch.chdir(tmp_path)
    for key, value in {
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "error",
        "COLUMNS": "80",
        "LC_ALL": "C.UTF-8",
    }.items():
        monkeypatch.setenv(key, value)
    for key in ("NO_COLOR", "FORCE_COLOR", "PENBOX_TOKEN"):
        monkeypatch.setenv(key, "")  # so that it is put back, whatever a page exports
        monkeypatch.delenv(key)
    return tmp_path


def run(command: str) -> str:
    """What a shell prints for the command, on both streams."""
    done = subprocess.run(
        ["sh", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60
    )
    return done.stdout.decode()


def run_by_ci(command: str) -> bool:
    """Whether `.ci/run` runs the command, which it does by the full path of each program."""
    if command in ("sh .ci/run", ALL_TESTS, DEMO):
        return True
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    program, _, rest = command.removeprefix(".venv/bin/").partition(" ")
    return f'\n"$bin/{program}" {rest}'.rstrip() + "\n" in script


def same(shown: str, printed: str, *, loose: bool) -> bool:
    """Whether the text is what was printed; `...` in it stands for anything. Loosely: however its lines are wrapped."""
    if loose:
        shown, printed = (" ".join(text.split()) for text in (shown, printed))
    parts = [re.escape(part) for part in shown.rstrip("\n").split("...")]
    return re.fullmatch(".*?".join(parts), printed.rstrip("\n"), re.DOTALL) is not None


class Sandbox:
    """The sandbox that a page starts, if it does. What the page says of its port is said of another one."""

    SHOWN = "127.0.0.1:8000"
    LAST = "Ctrl-C stops it"

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None
        self.address = self.SHOWN

    def start(self, command: str) -> str:
        """Run the command; what it prints before it answers."""
        assert self.process is None, "one sandbox a page"
        words = ["sh", "-c", f"exec {command} --port 0"]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self.process.stdout is not None
        printed = ""
        while not printed.endswith(f"{self.LAST}\n"):
            line = self.process.stdout.readline()
            assert line, f"the sandbox did not start: {printed}"
            printed += line
        self.address = re.search(r"127\.0\.0\.1:\d+", printed)[0]
        return printed

    def meant(self, text: str) -> str:
        """A text of the page, with the address as it is."""
        return text.replace(self.SHOWN, self.address)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate(timeout=30)


def try_console(block: Block, sandbox: Sandbox) -> None:
    for command in commands(block):
        if run_by_ci(command.line):
            assert command.shown.strip() == "", f"nobody checks what `{command.line}` shows"
            continue
        if exported := re.fullmatch(r"export PENBOX_TOKEN=(\w+)", command.line):  # each line has a shell of its own
            os.environ["PENBOX_TOKEN"] = exported[1]
            continue
        starts = command.line.startswith("pql sandbox") and command.shown.endswith(f"{Sandbox.LAST}\n")
        printed = sandbox.start(command.line) if starts else run(sandbox.meant(command.line))
        printed = "\n".join(line.rstrip() for line in printed.split("\n"))
        # Python's versions wrap the lines of a help text differently
        fits = same(sandbox.meant(command.shown), printed, loose="--help" in command.line)
        assert fits, f"$ {command.line}\nshows\n{command.shown}\nprinted\n{printed}"


def try_transcript(block: Block, session: Session) -> Session:
    after, now = replay(session, block.text)
    assert same(block.text, now, loose=False), f"shows\n{block.text}\nprinted\n{now}"
    return after


def try_pycon(text: str, names: dict[str, object], page: str, line: int) -> None:
    test = doctest.DocTestParser().get_doctest(text, names, f"{page}:{line}", page, line)
    assert test.examples
    printed: list[str] = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
    runner.run(test, out=printed.append, clear_globs=False)
    assert not runner.failures, "".join(printed)
    names.update(test.globs)


@pytest.fixture
def sandbox(place: Path) -> Iterator[Sandbox]:
    started = Sandbox()
    yield started
    started.stop()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_runs_and_prints_what_it_shows(page: Path, place: Path, sandbox: Sandbox) -> None:
    names: dict[str, object] = {"pqlang": pqlang}
    session = open_session()
    for block in blocks(page):
        at = f"{name(page)}:{block.line}"
        assert block.language.partition(" ")[0] in LANGUAGES | FOR_A_BROWSER, (
            f"{at}: how is a `{block.language}` block tried?"
        )
        if block.file:
            (place / block.file).write_text(block.text, "utf-8")
        try:
            match block.language.split()[0]:
                case "console":
                    try_console(block, sandbox)
                case "pycon":
                    try_pycon(sandbox.meant(block.text), names, name(page), block.line)
                case "pql-repl":
                    session = try_transcript(block, session)
                case "python":
                    exec(compile(f"from __future__ import annotations\n{block.text}", at, "exec"), names)
                case "py":
                    compile(block.text, at, "exec")
                case "toml":
                    assert tomllib.loads(block.text)
                    if block.file:
                        assert pqlang.load_schema(block.file).endpoints
                case "json":
                    json.loads(block.text)
                case "txt":
                    assert block.file, "a file without a name"
                case "pql":
                    for query in block.text.splitlines():
                        problems = pqlang.check(query, block.language.partition(" ")[2] or "cases")
                        wrong = [each.message for each in problems if each.severity is pqlang.Severity.ERROR]
                        assert not wrong, f"{query}: {wrong}"
        except AssertionError as error:
            raise AssertionError(f"{at}: {error}") from error


def test_a_console_block_that_shows_something_else_is_found(sandbox: Sandbox) -> None:
    with pytest.raises(AssertionError, match="status = b"):
        try_console(Block("console", "$ pql format 'status=a'\nstatus = b\n", 1, None), sandbox)
    with pytest.raises(AssertionError, match="requests as url"):
        try_transcript(Block("pql-repl", "cases> .mode url\nrequests as json\n", 1, None), open_session())
    with pytest.raises(AssertionError, match="token: other"):
        try_console(Block("console", "$ pql sandbox --records 1\ntoken: other\nCtrl-C stops it\n", 1, None), sandbox)
    with pytest.raises(AssertionError):
        try_pycon(">>> 1 + 1\n3\n", {}, "page", 1)


# README's two commands


def test_readme_has_the_command_that_ci_runs() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert re.findall(r"^\$ (sh \.ci/setup dev.*pytest.*)$", text, re.MULTILINE) == [ALL_TESTS]
    assert f"$ {FIRST_QUERY}\n" in text
    assert f"$ {DEMO}\n" in text


# Generated pages, and pages that must name everything there is


@pytest.fixture(scope="module")
def build_check() -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "docs" / "build.py"), "--check"], capture_output=True, text=True, timeout=120
    )


def test_generated_pages_are_fresh(build_check: subprocess.CompletedProcess[str]) -> None:
    assert (build_check.returncode, build_check.stdout, build_check.stderr) == (0, "", "")


def test_the_api_page_has_every_public_name() -> None:
    names = [re.sub("class |`", "", each) for each in headings(ROOT / "docs/reference/api.md")[1:]]
    assert names == pqlang.__all__


# Links

LINK = re.compile(r"\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)


def headings(page: Path) -> list[str]:
    return HEADING.findall(prose(page))


def anchor(heading: str) -> str:
    """A heading's place, as the usual Markdown hosts name it."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    return re.sub(r"[^\w\- ]", "", plain.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(prose(page)):
        if target.startswith("https://"):
            continue
        path, _, place = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.is_relative_to(ROOT), target
        assert found.exists(), target
        if place:
            assert place in [anchor(each) for each in headings(found)], target


def test_the_index_leads_to_every_page() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / target.partition("#")[0]).resolve() for target in LINK.findall(prose(index))}
    assert [name(page) for page in PAGES if page not in linked and page not in (index, ROOT / "README.md")] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_has_one_title_and_no_heading_twice(page: Path) -> None:
    text = prose(page)
    assert text.startswith("# ")
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1
    found = [anchor(each) for each in headings(page)]
    assert len(found) == len(set(found)) or page.name == "changelog.md"  # there every version may have its `Added`


def test_the_architecture_has_every_module() -> None:
    modules = {path.relative_to(ROOT / "pqlang").with_suffix("") for path in (ROOT / "pqlang").rglob("*.py")}
    shown = (ROOT / "docs/explanation/architecture.md").read_text("utf-8")
    names = sorted(each.as_posix() for each in modules if each.parent.name == "" or each.name != "__init__")
    assert [each for each in names if f"`{each}`" not in shown] == []
