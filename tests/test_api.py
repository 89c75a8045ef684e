"""What `import pqlang` gives, and what it must not do."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import FrozenInstanceError

import pytest

import pqlang


def test_exports_are_sorted_and_there() -> None:
    assert sorted(pqlang.__all__) == sorted(set(pqlang.__all__))
    assert pqlang.__all__ == sorted(pqlang.__all__, key=lambda name: (not name.isupper(), name[0].islower(), name))
    for name in pqlang.__all__:
        assert getattr(pqlang, name) is not None
    assert set(dir(pqlang)) == set(pqlang.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'complie'"):
        _ = pqlang.complie


@pytest.mark.parametrize("name", [name for name in pqlang.__all__ if callable(getattr(pqlang, name))])
def test_public_names_say_what_they_are(name: str) -> None:
    assert getattr(pqlang, name).__doc__


def test_compiling_imports_neither_pydantic_nor_lark() -> None:
    code = """
import socket, sys
socket.socket = None
before = (sys.getrecursionlimit(),)
import pqlang
pqlang.compile('parent_status = in_progress and owner.email ~ "%@acme%"', 'cases').url()
pqlang.check('statis = draft', 'cases')
heavy = {'pydantic', 'lark', 'asyncio', 'logging', 'typing_extensions', 'zoneinfo'} & set(sys.modules)
assert not heavy, heavy
assert before == (sys.getrecursionlimit(),)
"""
    subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(_root())!r})\n{code}"], check=True
    )


def _root() -> str:
    from pathlib import Path

    return str(Path(pqlang.__file__).parent.parent)


def test_what_is_returned_stays_as_it_is() -> None:
    request = pqlang.compile("status = a and archived = false", "cases", target="json")
    for name in ("target", "tests", "sort"):
        with pytest.raises(FrozenInstanceError):
            setattr(request, name, None)
    changed = request.filter
    assert changed is not None
    changed.clear()
    assert request.filter == {"attributes": {"status": {"$eq": "a"}, "archived_at": {"$eq": None}}}
    tree = pqlang.parse("status = a")
    assert hash(tree) == hash(pqlang.parse(" status == a "))
    with pytest.raises(FrozenInstanceError):
        tree.where = None  # type: ignore[misc]


@pytest.mark.parametrize("target", ["json", "params"])
def test_what_is_returned_survives_pickling(target: str) -> None:
    request = pqlang.compile("status = a and archived = false order by title", "cases", target=target)
    assert pickle.loads(pickle.dumps(request)) == request
    with pytest.raises(pqlang.PqlError) as raised:
        pqlang.compile("statis = a", "cases")
    error = raised.value
    again = pickle.loads(pickle.dumps(error))
    assert again.diagnostics == error.diagnostics
    assert str(again) == str(error)
    prepared = pqlang.prepare("owner.email = $mail", "cases")
    assert pickle.loads(pickle.dumps(prepared)).compile({"mail": "a@b.co"}) == prepared.compile({"mail": "a@b.co"})
