"""The same box in Firefox, which `firefox.mjs` drives: started once, a test for each of its checks."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import playwright
import pytest

HERE = Path(__file__).parent
SCRIPT = HERE / "firefox.mjs"
CHECKS = re.findall(r'^  async "(.+)"\(\) \{$', SCRIPT.read_text("utf-8"), re.MULTILINE)


@pytest.fixture(scope="module")
def found(server: str) -> dict[str, str | None]:
    """What each check found wrong."""
    firefox = shutil.which("firefox-esr") or shutil.which("firefox")
    if firefox is None:
        pytest.skip("needs Debian's firefox-esr: sh .ci/setup dev")
    if not (HERE.parent.parent / "searchbox/node_modules/puppeteer-core").exists():
        pytest.skip("needs puppeteer-core: npm ci --prefix searchbox")
    node = Path(playwright.__file__).parent / "driver" / "node"  # newer than Debian's, which puppeteer does not take
    done = subprocess.run([str(node), str(SCRIPT), server, firefox], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    answer: dict[str, str | None] = json.loads(done.stdout)
    return answer


def test_every_check_ran(found: dict[str, str | None]) -> None:
    assert list(found) == CHECKS
    assert len(CHECKS) >= 10


@pytest.mark.parametrize("check", CHECKS)
def test_in_firefox(found: dict[str, str | None], check: str) -> None:
    assert found[check] is None
