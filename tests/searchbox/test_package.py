"""What is shipped: how much a page loads, what the npm package holds, and whether its descriptions say what is so."""

from __future__ import annotations

import gzip
import importlib.util
import json
import re
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pqlang.highlighter import TokenKind

ROOT = Path(__file__).parent.parent.parent
SOURCES = ROOT / "searchbox"
STATIC = ROOT / "pqlang" / "searchbox" / "static"
WITH_THE_PAGE = ("pql-search.js", "engine.js", "tables.json")
WITH_THE_FOCUS = ("completer.js", "words.json")
NPM = shutil.which("npm")
needs_tools = pytest.mark.skipif(
    NPM is None or not (SOURCES / "node_modules").exists(), reason="needs npm and its packages: sh .ci/setup dev"
)


def served(name: str) -> int:
    """The bytes of a file as the service sends it."""
    return len(gzip.compress((STATIC / name).read_bytes(), 9, mtime=0))


def test_what_a_page_loads_is_small() -> None:
    sizes = {name: served(name) for name in WITH_THE_PAGE}
    assert sum(sizes.values()) <= 15_000, sizes
    later = {name: served(name) for name in WITH_THE_FOCUS}
    assert sum(later.values()) <= 9_500, later


def test_it_loads_nothing_else() -> None:
    script = (STATIC / "pql-search.js").read_text("utf-8")
    named = set(re.findall(r"""["'`]\./([\w.-]+)["'`]""", script))
    assert named == {*WITH_THE_PAGE, *WITH_THE_FOCUS} - {"pql-search.js"}
    assert "http" not in script.replace("https?", "")


@pytest.mark.parametrize("name", ["pql-search.js", "engine.js", "completer.js", "demo.js"])
def test_scripts_use_nothing_that_a_strict_policy_forbids(name: str) -> None:
    script = (STATIC / name).read_text("utf-8")
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "cssText"):
        assert word not in script


# The package


@needs_tools
def test_the_package_holds_what_it_must(tmp_path: Path) -> None:
    done = subprocess.run(
        [str(NPM), "pack", "--json", "--pack-destination", str(tmp_path)],
        cwd=SOURCES, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (packed,) = json.loads(done.stdout[done.stdout.index("[") :])
    names = {each["path"] for each in packed["files"]}
    assert names == {
        *(f"dist/{name}" for name in (*WITH_THE_PAGE, *WITH_THE_FOCUS)),
        *("pql-search.d.ts", "engine.d.ts", "completer.d.ts"),
        *("LICENSE", "README.md", "custom-elements.json", "package.json"),
    }
    package = json.loads((SOURCES / "package.json").read_text("utf-8"))
    assert "dependencies" not in package
    targets = [package["main"], package["types"], package["customElements"]]
    for each in package["exports"].values():
        targets += [each] if isinstance(each, str) else each.values()
    assert {target.removeprefix("./") for target in targets} <= names


GOOD = """
import { createProvider, words, type Plan, type Provider } from "@pqlang/search";
import { createEngine } from "@pqlang/search/engine";
const box = document.querySelector("pql-search")!;
box.value = "archived";
box.addEventListener("pql-submit", event => { const text: string = event.detail.value; event.preventDefault(); });
box.addEventListener("pql-request", ({ detail }) => { const plan: Plan = detail; plan.requests?.map(r => r.url); });
box.addEventListener("keydown", () => {});
document.addEventListener("pql-input", event => event.detail.value.length);
const mine: Provider = { ...createProvider("/pql/", { "x-token": "t" }), decompile: undefined };
box.provider = mine;
Object.assign(box, { endpoint: "cases", disabled: false });
box.endpoint = null;
const first: string = box.defaultValue + box.type;
box.required = box.readOnly;
box.provider = { schema: async () => null };
box.provider = { schema: async name => ({ name, description: "", search: null, examples: [], fields: [] }) };
words.found = count => `${count} found`;
createEngine({}).tokens("a")[0].kind;
"""
BAD = """
import { words } from "@pqlang/search";
const box = document.querySelector("pql-search")!;
box.value = 3;
box.addEventListener("pql-submit", event => event.detail.nothing);
box.provider = { plan: () => 3 };
words.more = "more";
box.required = "yes";
"""


@needs_tools
def test_typescript_takes_a_right_program_and_no_wrong_one(tmp_path: Path) -> None:
    place = tmp_path / "node_modules" / "@pqlang"
    place.mkdir(parents=True)
    (place / "search").symlink_to(SOURCES)
    (tmp_path / "good.ts").write_text(GOOD)
    (tmp_path / "bad.ts").write_text(BAD)

    def check(name: str) -> str:
        tsc = [str(SOURCES / "node_modules/.bin/tsc"), "--noEmit", "--strict", "--target", "es2022"]
        options = ["--module", "nodenext", "--moduleResolution", "nodenext", "--preserveSymlinks", "--types", ""]
        done = subprocess.run(
            [*tsc, *options, "--lib", "es2023,dom,dom.iterable", name],
            cwd=tmp_path, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        return done.stdout + done.stderr

    (tmp_path / "package.json").write_text('{"type": "module"}')
    assert check("good.ts") == ""
    wrong = {int(line) for line in re.findall(r"bad\.ts[(:](\d+)", check("bad.ts"))}
    assert wrong == {4, 5, 6, 7, 8}


# Its descriptions


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    described: dict[str, Any] = json.loads((SOURCES / "custom-elements.json").read_text("utf-8"))
    return dict(described["modules"][0]["declarations"][0])


SCRIPT = (SOURCES / "pql-search.js").read_text("utf-8")


def names(described: list[dict[str, Any]]) -> list[str]:
    return [each["name"] for each in described]


def listed(name: str) -> list[str]:
    """The texts of an array in the script."""
    found = re.search(rf"{name} = \[(.*?)\]", SCRIPT, re.DOTALL)
    assert found
    return re.findall(r'"([\w-]+)"', found[1])


def test_the_manifest_has_every_attribute_event_part_and_property(manifest: dict[str, Any]) -> None:
    reflected = {*listed("const TEXTS"), *listed("const FLAGS")}
    attributes = {name.lower() for name in reflected} - {"defaultvalue"} | {"value"}
    assert set(names(manifest["attributes"])) == {
        *attributes,
        *re.findall(r'"(aria-(?:label\w*|described\w+))"', SCRIPT),
    }
    assert set(names(manifest["events"])) == {*re.findall(r'#tell\("([\w-]+)"', SCRIPT), "change"}
    style = (SOURCES / "pql-search.css").read_text("utf-8")
    assert set(names(manifest["cssProperties"])) == set(re.findall(r"^  (--pql-\w+):", style, re.MULTILINE))
    scripts = "".join(path.read_text("utf-8") for path in SOURCES.glob("pql-*.js"))
    parts = set(re.findall(r'make\("\w+", ["`]([\w-]+)', scripts)) - {"run", "edit", "slot", "status", "note"}
    assert set(names(manifest["cssParts"])) == parts
    members = set(re.findall(r"^  (?:get |set )?([a-z]\w+)\([^)]*\) \{", SCRIPT, re.MULTILINE))
    private = {"constructor", *(each for each in members if each.endswith("Callback"))}
    assert set(names(manifest["members"])) == (members - private) | reflected


def test_the_colours_of_tokens_are_those_that_the_engine_knows() -> None:
    style = (SOURCES / "pql-search.css").read_text("utf-8")
    coloured = set(re.findall(r"::highlight\(pql-(\w+)\)", style))
    assert coloured == {*TokenKind} - {"error"}  # which is underlined


def test_the_reference_has_everything_that_the_manifest_has(manifest: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "reference" / "search-box.md").read_text("utf-8")
    for kind in ("attributes", "members", "events", "cssParts", "cssProperties"):
        for name in names(manifest[kind]):
            assert re.search(rf"^\| `{name}[`(]", page, re.MULTILINE), f"{kind}: {name}"
    typed = (SOURCES / "pql-search.d.ts").read_text("utf-8")
    for name in (*names(manifest["members"]), *(f'"{each}"' for each in names(manifest["events"]))):
        assert name in typed


# Pictures


def pictures() -> dict[str, Any]:
    path = ROOT / "docs" / "screenshots.py"
    spec = importlib.util.spec_from_file_location("screenshots", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: (module.SCALE, *picture[0]) for name, picture in module.PICTURES.items()}


@pytest.mark.parametrize("name", pictures())
def test_each_picture_is_there_and_as_large_as_it_is_taken(name: str) -> None:
    scale, width, height = pictures()[name]
    content = (ROOT / "docs" / "images" / name).read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", content[16:24]) == (width * scale, height * scale)
    assert len(content) < 100_000


def test_every_picture_is_shown() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    shown = set(re.findall(r"images/([\w-]+\.png)", "".join(page.read_text("utf-8") for page in pages)))
    assert shown == set(pictures())
    assert {path.name for path in (ROOT / "docs" / "images").iterdir()} == shown
