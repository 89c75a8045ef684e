"""From a key to the picture: what typing in a query of 200 characters costs in the search box, in Chromium.

    python tests/bench/searchbox.py [KEYS]

Each key is pressed in the middle of the query, where the list opens. Measured are the script's own work (from the
browser's stamp on the key to the end of the handlers), and the time until the frame with it has been painted, without
waiting for a screen's next refresh. The service is there, and not waited for.
"""

from __future__ import annotations

import shutil
import sys
import threading
import time
from statistics import quantiles

import uvicorn
from playwright.sync_api import sync_playwright

from pqlang.searchbox import create_app

QUERY = (
    'parent_status = in_progress and owner.email ~ "%@acme%" and created_at > now-30d and not archived and '
    "(waiting_for in (contact, owner) or contact.family_name starts with Lee) and title contains loan order by title"
)
WATCH = """
() => {
    globalThis.spent = [];
    let pressed;
    addEventListener("keydown", event => (pressed = event.timeStamp), true);
    addEventListener("input", () => {
        const worked = performance.now() - pressed;
        requestAnimationFrame(() => {
            const channel = new MessageChannel(); // heard once the frame is painted
            channel.port1.onmessage = () => spent.push([worked, performance.now() - pressed]);
            channel.port2.postMessage(0);
        });
    });
}
"""


def measure(keys: int) -> tuple[list[float], list[float]]:
    """The milliseconds of each key: of its work, and until it is painted."""
    server = uvicorn.Server(uvicorn.Config(create_app(), port=0, log_level="error", lifespan="off"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.01)
    address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    unbound = ["--disable-frame-rate-limit", "--disable-gpu-vsync", "--disable-gpu"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=unbound)
        page = browser.new_page()
        page.goto(address)
        box = page.locator("pql-search input[role=combobox]")
        box.click()
        page.wait_for_load_state("networkidle")
        box.fill(QUERY)
        box.evaluate("(input, at) => input.setSelectionRange(at, at)", QUERY.index(" and created_at"))
        page.evaluate(WATCH)
        for at in range(keys):
            page.keyboard.press(" and own"[at % 8] if at % 16 < 8 else "Backspace")
            page.wait_for_timeout(30)
        page.wait_for_timeout(200)
        spent = page.evaluate("spent")
        browser.close()
    server.should_exit = True
    return [each[0] for each in spent], [each[1] for each in spent]


def main() -> None:
    keys = int(sys.argv[1]) if len(sys.argv) > 1 else 320
    worked, painted = measure(keys)
    print(f"{len(QUERY)} characters, {len(worked)} keys, in milliseconds")
    for name, times in (("work", worked), ("key to painted", painted)):
        cuts = quantiles(times, n=100, method="inclusive")
        print(f"{name:15} p50 {cuts[49]:5.1f}  p95 {cuts[94]:5.1f}  most {max(times):5.1f}")


if __name__ == "__main__":
    main()
