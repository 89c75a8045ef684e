"""The blocks of the docs that are for a browser: each is tried in one, beside the real service."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
FENCE = re.compile(r"^```(html|js|jsx|css)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [
    (path, kind, text)
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    for kind, text in FENCE.findall(path.read_text("utf-8"))
]
NODE_MODULES = ROOT / "searchbox" / "node_modules"
PLAIN = """<!doctype html><html lang="en"><head><title>Cases</title><link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/howto.css"><script type="module" src="/pql/static/pql-search.js"></script>
<script type="module" src="/howto.js"></script></head>
<body><div id="root"></div><pql-search endpoint="cases" label="Find cases"></pql-search></body></html>"""


def of(kind: str, word: str = "") -> str:
    """The only block of a language that has a word in it."""
    (found,) = [text for _, language, text in BLOCKS if language == kind and word in text]
    return found


def show(box: Any, page: str, script: str = "", style: str = "") -> None:
    """Open a page of the docs: its policy is that of all the tests."""
    read = "() => fetch(location).then(answer => answer.headers.get('Content-Security-Policy'))"
    policy = {"Content-Security-Policy": box.page.evaluate(read)}
    serve = box.page.route
    serve("**/howto", lambda route: route.fulfill(body=page, content_type="text/html", headers=policy))
    serve("**/howto.js", lambda route: route.fulfill(body=script, content_type="text/javascript"))
    serve("**/howto.css", lambda route: route.fulfill(body=style, content_type="text/css"))
    serve("**/cases?*", lambda route: route.fulfill(body="{}", content_type="application/json"))
    with box.page.expect_response("**/schema/*"):
        box.page.goto(f"{box.server}/howto")
    box.page.wait_for_timeout(100)


def test_the_page_in_plain_html(box: Any) -> None:
    show(box, of("html", "<!doctype"))
    box.type("archived")
    box.press("Escape")
    with box.page.expect_navigation():
        box.press("Enter")
    assert box.page.url == f"{box.server}/cases?q=archived"


def test_the_template_in_django(box: Any) -> None:
    django = pytest.importorskip("django.template", reason="needs Django: sh .ci/setup dev")
    form = {"q": {"html_name": "q", "value": 'title = "a" and archived'}}
    made = django.Engine().from_string(of("html", "{{")).render(django.Context({"form": form}))
    show(box, f'<!doctype html><title>Cases</title><link rel="icon" href="/icon.svg">{made}')
    assert box.value == 'title = "a" and archived'


def test_a_page_that_listens(box: Any) -> None:
    show(box, PLAIN, of("js", "pql-submit"))
    box.type("archived")
    box.press("Escape")
    box.wait("document.title === '1 to ask'")
    box.press("Enter")
    box.wait("location.hash === '#archived'")
    box.type(" = = x ")
    box.wait("document.title === 'a mistake'")


def test_a_provider_of_ones_own(box: Any) -> None:
    show(box, PLAIN, of("js", "createProvider"))
    asked: list[Any] = []
    box.page.on("request", lambda request: request.method == "POST" and asked.append(request))
    box.type("owner.email = jo")
    box.press("Escape")
    box.wait("root.querySelector('.preview').textContent")
    assert {each.headers["x-token"] for each in asked} == {"of this session"}
    assert {each.url.rpartition("/")[2] for each in asked} == {"plan"}


def test_words_in_another_language(box: Any) -> None:
    show(box, PLAIN.replace(' label="Find cases"', ""), of("js", "words"))
    box.type("parent_status = ")
    assert box.input.get_attribute("aria-label") == "Rechercher"
    box.wait("root.querySelector('.status').textContent === '4 suggestions'")


def test_react(box: Any, tmp_path: Path) -> None:
    if not (NODE_MODULES / "react").exists():
        pytest.skip("needs React and esbuild: sh .ci/setup dev")
    (tmp_path / "search.jsx").write_text(of("jsx"))
    (tmp_path / "main.jsx").write_text(
        'import { createRoot } from "react-dom/client"; import { Search } from "./search.jsx";'
        'createRoot(document.getElementById("root")).render(<Search onSearch={query => (document.title = query)} />);'
    )
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    command = [str(NODE_MODULES / ".bin/esbuild"), "main.jsx", "--bundle", "--jsx=automatic", "--format=esm"]
    done = subprocess.run(
        [*command, '--define:process.env.NODE_ENV="production"'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    show(box, re.sub("<pql-search.*?</pql-search>", "", PLAIN), done.stdout)
    box.type("archived")
    box.press("Escape")
    box.wait("document.querySelector('output').textContent.includes('archived=true')")
    box.press("Enter")
    box.wait("document.title === 'archived'")


@pytest.mark.parametrize("style", [text for _, kind, text in BLOCKS if kind == "css"])
def test_a_style_sheet_styles(box: Any, style: str) -> None:
    show(box, PLAIN, "", style)
    box.focus()  # the list and its parts come with it
    rules = box.page.evaluate(
        """() => [...document.styleSheets[0].cssRules].map(rule => [rule.selectorText,
            Object.fromEntries([...rule.style].map(name => [name, rule.style.getPropertyValue(name).trim()]))])"""
    )
    assert len(rules) == style.count("{")
    for selector, declared in rules:
        assert declared, selector
        part = re.fullmatch(r"pql-search::part\((\w+)\)", selector)
        where = (
            f"root.querySelector('.{part[1]}')"
            if part
            else "document.documentElement"
            if selector == ":root"
            else "box"
        )
        for name, value in declared.items():
            found = box.get(f"getComputedStyle({where}).getPropertyValue('{name}').trim()")
            if name.startswith("--"):
                assert name in (ROOT / "searchbox" / "pql-search.css").read_text("utf-8")
            assert found == value or (value, found) in {("0", "0px")} or (name == "min-height" and found == "0px")


def test_every_block_is_one_that_is_tried() -> None:
    kinds = [kind for _, kind, _ in BLOCKS]
    assert (kinds.count("html"), kinds.count("js"), kinds.count("jsx")) == (2, 3, 1)
