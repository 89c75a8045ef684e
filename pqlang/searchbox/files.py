"""The files that a browser loads, read once: compressed, named by their content, and revalidated by it.

The address of a file holds a hash of all of them, so that a module finds the one beside it by its plain name and both
may be kept for ever; without the hash a browser asks each time whether the file is still the same.
"""

from __future__ import annotations

import gzip
from hashlib import sha256
from pathlib import Path

from pqlang.valueclass import frozen

FOLDER = Path(__file__).parent / "static"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
PAGE = "demo.html"


@frozen
class File:
    """A file as it is sent, and the tag that tells its content from any other."""

    content: bytes
    compressed: bytes
    media_type: str
    tag: str


@frozen
class Files:
    """The files by their names, the folder that names their content, and the demo page, if there is one."""

    by_name: dict[str, File]
    folder: str
    page: bytes | None


def read_files(folder: Path = FOLDER) -> Files:
    """Every file that a browser loads. In the page, addresses below `static/` get the name of the content."""
    files = {path.name: _file(path) for path in sorted(folder.iterdir()) if path.suffix in TYPES}
    whole = sha256("".join(f"{name} {file.tag}\n" for name, file in files.items()).encode())
    hashed = f"static-{whole.hexdigest()[:16]}"
    page = folder / PAGE
    text = page.read_text("utf-8") if page.exists() else None
    return Files(files, hashed, None if text is None else text.replace('"static/', f'"{hashed}/').encode())


def tag_of(content: bytes) -> str:
    """What stands in `ETag` for a content, without its quotes."""
    return sha256(content).hexdigest()[:32]


def _file(path: Path) -> File:
    content = path.read_bytes()
    return File(content, gzip.compress(content, 9, mtime=0), TYPES[path.suffix], tag_of(content))
