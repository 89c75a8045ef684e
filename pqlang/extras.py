"""What needs packages that pqlang can do without says which line installs them."""

from __future__ import annotations

from collections.abc import Iterable

from pqlang import diagnostics as say
from pqlang.diagnostics import PqlError
from pqlang.source import Source


def needs(extra: str, packages: Iterable[str]) -> None:
    """Nothing where the packages of an extra are installed; PqlError with the line that installs them where not.

    >>> needs("sandbox", ["sqlalchemy"])
    """
    from importlib.util import find_spec  # only who goes beyond the core asks

    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise PqlError(Source(""), [say.missing_extra(extra, missing)])
