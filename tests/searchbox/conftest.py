"""The search box in a real browser: pages as strict as a page can be, served beside the real service.

Chromium is driven by Playwright, and started once; Firefox by `firefox.mjs`. `sh .ci/setup dev` installs them on
Debian; where one cannot be had, its tests are skipped and say so.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pqlang.searchbox import create_app
from pqlang.searchbox.answers import Found

playwright_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright: sh .ci/setup dev")
import uvicorn  # noqa: E402
from starlette.applications import Starlette  # noqa: E402
from starlette.requests import Request  # noqa: E402
from starlette.responses import HTMLResponse, JSONResponse, Response  # noqa: E402
from starlette.routing import Mount, Route  # noqa: E402

ROOT = Path(__file__).parent.parent.parent
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
PAGE = """<!doctype html>
<html lang="en"{html}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Cases</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/page.css">
<script type="module" src="/pql/static/pql-search.js"></script>
</head>
<body>
<main>
<h1>Cases</h1>
{body}
</main>
</body>
</html>
"""
#: Each page of the tests: what stands in its body.
PAGES = {
    "form": (
        '<form action="/sent"><label for="box">Find cases</label> '
        '<pql-search id="box" name="q" endpoint="cases" placeholder="parent_status = draft"></pql-search> '
        '<button name="by" value="button">Search</button></form>'
    ),
    "alone": '<pql-search label="Find cases" endpoint="cases"></pql-search><p><a href="#">after</a></p>',
    "filled": (
        '<form action="/sent"><pql-search label="Find" name="q" endpoint="cases" value="not archived" required>'
        '</pql-search><button type="reset">Reset</button></form>'
    ),
    "fieldset": (
        '<form action="/sent"><fieldset disabled><pql-search label="Find" name="q" endpoint="cases" value="archived">'
        "</pql-search></fieldset><button>Search</button></form>"
    ),
    "plain": (
        '<form action="/sent"><label for="plain">Find cases</label> <pql-search endpoint="cases">'
        '<input id="plain" name="q" value="archived" placeholder="a query"></pql-search><button>Search</button></form>'
    ),
    "slow": '<pql-search label="Find cases" endpoint="cases" src="/slow"></pql-search>',
    "slow-form": (
        '<form action="/sent"><pql-search label="Find" name="q" endpoint="cases" src="/slow"></pql-search></form>'
    ),
    "required": (
        '<form action="/sent"><label for="box">Find cases</label> '
        '<pql-search id="box" name="q" endpoint="cases" required></pql-search></form>'
    ),
    "unknown": '<pql-search label="Find" endpoint="casez"></pql-search>',
    "lost": '<form action="/sent"><pql-search label="Find" name="q" endpoint="cases" src="http://["></pql-search></form>',
    "dialog": '<dialog id="dialog"><pql-search label="Find cases" endpoint="cases"></pql-search></dialog>',
    "dead": '<form action="/sent"><pql-search label="Find" name="q" endpoint="cases" src="/dead/"></pql-search></form>',
    "active": '<pql-search label="Find cases" endpoint="cases" scope="active"></pql-search>',
    "low": '<p class="spacer"></p><pql-search label="Find cases" endpoint="cases"></pql-search>',
}


def owners(typed: str) -> list[tuple[str, str]]:
    people = [("ann@acme.com", "Ann Lee"), ("jo@acme.com", "Jo Doe")]
    return [(mail, name) for mail, name in people if typed in mail]


async def page(request: Request) -> Response:
    name = request.path_params["name"]
    rtl = ' dir="rtl"' if "rtl" in request.query_params else ""
    body = PAGES[name]
    return HTMLResponse(PAGE.format(html=rtl, body=body), headers={"Content-Security-Policy": POLICY})


async def sent(request: Request) -> Response:
    return JSONResponse(list(request.query_params.multi_items()))


async def css(request: Request) -> Response:
    return Response("body { background: Canvas; color: CanvasText; font-family: sans-serif }", media_type="text/css")


async def icon(request: Request) -> Response:
    return Response('<svg xmlns="http://www.w3.org/2000/svg"/>', media_type="image/svg+xml")


async def rows(*asked: object, **how: object) -> Found:
    record = {"id": "c1", "title": "Loan file", "archived_at": None, "owner": {"email": "ann@acme.com"}, "contacts": []}
    return Found([record] * 3, 3)


class Slow:
    """The service, two seconds late with what it is asked by POST."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            await asyncio.sleep(2)
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of the pages, and of the service below `/pql`."""
    service = create_app(values={"owner.email": owners})
    app = Starlette(
        routes=[
            Route("/pages/{name}", page),
            Route("/sent", sent),
            Route("/page.css", css),
            Route("/icon.svg", icon),
            Route("/favicon.ico", icon),
            Mount("/pql", service),
            Mount("/slow", Slow(service)),
            Mount("/sandbox", create_app(rows=rows)),
        ]
    )
    config = uvicorn.Config(app, port=0, log_level="error", ws="none", lifespan="off")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = running.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    running.should_exit = True
    thread.join(10)


# Chromium


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """The browser, for all tests of this directory."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("needs Debian's chromium: sh .ci/setup dev")
    with playwright_api.sync_playwright() as playwright:
        quiet = ["--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=path, args=quiet)
        yield browser
        browser.close()


class Box:
    """A page with a search box in it, and what a person sees and does there."""

    def __init__(self, page: Any, server: str) -> None:
        self.page, self.server = page, server
        self.ready = False  # whether there is what completes
        self.said: list[str] = []  # what the console shows, which has to be nothing
        page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.said.append(f"uncaught: {error}"))
        page.add_init_script(LISTENER)
        self.host = page.locator("pql-search")
        self.input = self.host.locator("input[role=combobox]")
        self.options = self.host.locator("[role=option]")
        self.message = self.host.locator(".message")
        self.preview = self.host.locator(".preview")

    def open(self, name: str, query: str = "") -> Box:
        address = f"{self.server}{name}" if name.startswith("/") else f"{self.server}/pages/{name}"
        if name == "lost":  # there is nothing to begin with
            self.page.goto(address + query)
        else:
            with self.page.expect_response("**/schema/*"):  # what the box begins with
                self.page.goto(address + query)
        self.page.wait_for_timeout(50)  # and a moment to read it
        return self

    def focus(self) -> None:
        """The caret in the box, and what completes there."""
        self.input.focus()
        self.wait("root.querySelector('.popup')")
        self.ready = True

    def type(self, text: str) -> None:
        if not self.ready:
            self.focus()
        self.input.press_sequentially(text)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def get(self, script: str) -> Any:
        """What an expression gives for `box`, the element, `root` and `input` inside it."""
        return self.page.evaluate(
            f"() => {{ const box = document.querySelector('pql-search'), root = box.shadowRoot, "
            f"input = root?.querySelector('input'); return ({script}); }}"
        )

    @property
    def value(self) -> str:
        return str(self.get("box.value"))

    @property
    def expanded(self) -> bool:
        return self.input.get_attribute("aria-expanded") == "true"

    @property
    def active(self) -> str | None:
        """The option that is active, by its label."""
        return self.get(
            "(at => at && root.getElementById(at).querySelector('.option-label').textContent)"
            "(input.getAttribute('aria-activedescendant'))"
        )

    @property
    def labels(self) -> list[str]:
        return self.host.locator(".option-label").all_text_contents()

    @property
    def events(self) -> list[dict[str, Any]]:
        return self.page.evaluate("globalThis.heard")

    def drawn(self) -> list[tuple[str, str]]:
        """The pieces of the layer: how each looks, by its colour's name and its problem, and its text."""
        return [(look, text) for look, text in self.page.evaluate(DRAWN)]

    def underlined(self) -> list[tuple[str, str]]:
        """What is underlined, as what."""
        return [(look.split()[-1], text) for look, text in self.drawn() if "problem" in look]

    def wait(self, script: str) -> None:
        """Until an expression, as for `get`, holds."""
        deadline = time.monotonic() + 10
        while not self.get(script):
            assert time.monotonic() < deadline, f"never: {script}"
            self.page.wait_for_timeout(20)

    def axe(self) -> list[str]:
        """What axe finds fault with."""
        if not self.page.evaluate("'axe' in globalThis"):
            self.page.evaluate(AXE.read_text("utf-8"))
        found = self.page.evaluate("() => axe.run(document).then(found => found.violations)")
        return [f"{each['id']}: {json.dumps([node['html'] for node in each['nodes']])}" for each in found]


DRAWN = """
() => {
    const run = document.querySelector("pql-search").shadowRoot.querySelector(".run");
    const nodes = [...run.childNodes].map(each => each.firstChild ?? each);
    const cuts = nodes.map(each => new Map([[0, ""], [each.length, ""]])); // where a colour begins, or ends
    for (const [name, highlight] of CSS.highlights) {
        for (const range of highlight) {
            const [first, last] = [range.startContainer, range.endContainer].map(each => nodes.indexOf(each));
            if (first < 0) continue; // of another box
            for (let at = first; at <= last; at++) {
                cuts[at].set(at === first ? range.startOffset : 0, name.slice("pql-".length));
                const end = at === last ? range.endOffset : nodes[at].length;
                if (!cuts[at].has(end)) cuts[at].set(end, "");
            }
        }
    }
    return nodes.flatMap((node, at) => {
        const places = [...cuts[at]].sort(([a], [b]) => a - b);
        const problem = node.parentNode === run ? "" : ` ${node.parentNode.className}`;
        const ends = [...places.slice(1).map(([place]) => place), node.length];
        const texts = places.map(([start, kind], next) => [kind + problem, node.data.slice(start, ends[next])]);
        return texts.filter(([, text]) => text);
    });
}
"""
AXE = ROOT / "searchbox" / "node_modules" / "axe-core" / "axe.min.js"
LISTENER = """
globalThis.heard = [];
for (const type of ["pql-input", "pql-diagnostics", "pql-request", "pql-submit", "input", "change"]) {
  document.addEventListener(type, ({ detail, target }) => {
    heard.push({ type, detail, target: target.localName, value: target.value });
  });
}
"""


@pytest.fixture
def make_box(chromium: Any, server: str) -> Iterator[Any]:
    """Opens a page in a context of its own; afterwards nothing may have been said on the console."""
    boxes: list[Box] = []

    def make(name: str = "alone", query: str = "", at: str = server, **options: Any) -> Box:
        context = chromium.new_context(**{"viewport": {"width": 800, "height": 600}, **options})
        box = Box(context.new_page(), at)
        boxes.append(box)
        return box.open(name, query)

    yield make
    said = [line for box in boxes for line in box.said]
    for box in boxes:
        box.page.context.close()
    assert said == []


@pytest.fixture
def box(make_box: Any) -> Box:
    return make_box()
