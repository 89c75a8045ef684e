"""Take the pictures of the search box that the pages show: `python docs/screenshots.py`, with Debian's chromium.

Each is the demo page, in a window of its own size. Look at them before they are committed: no test can.
"""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "images"
SCALE = 1
#: Each picture: the window, light or dark, what is typed, and the keys that are pressed then.
PICTURES: dict[str, tuple[tuple[int, int], str, str, tuple[str, ...]]] = {
    "search-box.png": (
        (760, 420),
        "light",
        'parent_status = in_progress and owner.email ~ "%@acme%" and wait',
        (*("ArrowDown", "Enter"), "=", " ", "ArrowDown", "ArrowDown"),
    ),
    "search-box-mistake.png": (
        (760, 255),
        "dark",
        "owner.emial = ann@acme.com and not archived order by created_at",
        ("Escape",),
    ),
    "search-box-narrow.png": ((320, 420), "light", "created_at > now-7d and ar", ("ArrowDown",)),
    "demo.png": (
        (1000, 860),
        "light",
        'not archived and (parent_status = draft or owner.email ~ "%@acme%")',
        ("Escape",),
    ),
    "demo-dark.png": ((1000, 640), "dark", "parent_status = draft and not archived", ("Escape",)),
}


def take(browser: Any, address: str, name: str) -> None:
    (width, height), scheme, text, keys = PICTURES[name]
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, device_scale_factor=SCALE
    )
    page = context.new_page()
    page.goto(address)
    box = page.locator("pql-search input[role=combobox]")
    box.click()
    page.wait_for_load_state("networkidle")
    box.press_sequentially(text)
    for key in keys:
        page.keyboard.press(key)
    page.wait_for_timeout(1500)  # the answers, and what waits until nobody types
    page.screenshot(path=HERE / name)
    context.close()


def main() -> None:
    import uvicorn
    from playwright.sync_api import sync_playwright

    from pqlang.searchbox import create_app

    server = uvicorn.Server(uvicorn.Config(create_app(), port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    HERE.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        for name in PICTURES:
            take(browser, f"http://127.0.0.1:{port}/", name)
        browser.close()
    server.should_exit = True
    thread.join()


if __name__ == "__main__":
    main()
