"""The request of a `curl` command, as a URL: what `.mode curl` prints, and what browsers and documentation copy."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from urllib.parse import quote

_BEGIN = re.compile(r"curl\s+\S")
_CONTINUED = re.compile(r"\\\r?\n")
_VARIABLE = re.compile(r"\$\{?\w+\}?(?=/)")
_ENCODED = ("--data-urlencode",)
_DATA = ("-d", "--data", "--data-raw", "--data-ascii", "--data-binary")
#: Options with a word behind them that says nothing of which records are asked for.
_WITH_WORD = (
    "-H", "--header", "-A", "--user-agent", "-u", "--user", "-o", "--output", "-b", "--cookie", "-e", "--referer",
    "-m", "--max-time", "-w", "--write-out", "-x", "--proxy",
)  # fmt: skip
_METHOD = ("-X", "--request")


def begins(text: str) -> bool:
    """Whether a text is, or may become, a `curl` command."""
    return _BEGIN.match(text) is not None


def goes_on(text: str) -> bool:
    """Whether a command says at its end that another line follows."""
    return begins(text) and text.endswith("\\")


def url_of(command: str) -> str | None:
    """The URL that a `curl` command asks for, its parameters included; None where it is no request for a list.

    A shell's variable for the address, as in `"$BASE_URL"/cases`, is left out. What `curl` would read from a file is
    not read.

    >>> url_of("curl -G 'https://x.test/cases' -H 'Authorization: x' --data-urlencode 'title=a b'")
    'https://x.test/cases?title=a%20b'
    """
    if not begins(command):
        return None
    try:
        words = shlex.split(_CONTINUED.sub(" ", command))[1:]
    except ValueError:  # a quote is open
        return None
    addresses: list[str] = []
    pairs: list[str] = []
    get = False
    for option, word in _options(words):
        if option in ("-G", "--get"):
            get = True
        elif option in _METHOD and word.upper() != "GET":
            return None
        elif option in _DATA or option in _ENCODED:
            name, mark, value = word.partition("=")
            if word.startswith("@") or "@" in name or (option in _ENCODED and not mark):
                return None
            pairs.append(f"{name}={quote(value, safe='')}" if option in _ENCODED else word)
        elif not option:
            addresses.append(_VARIABLE.sub("", word, count=1) if word.startswith("$") else word)
    if len(addresses) != 1 or (pairs and not get):
        return None
    [address] = addresses
    if not re.match(r"https?://|/\w", address):
        return None
    return address + ("&" if "?" in address else "?") * bool(pairs) + "&".join(pairs)


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    """Each option with its word, and each word without an option behind an empty one."""
    rest = iter(words)
    for word in rest:
        if word in (*_ENCODED, *_DATA, *_WITH_WORD, *_METHOD, "--url"):
            yield ("" if word == "--url" else word), next(rest, "")
        else:
            yield (word, "") if word.startswith("-") else ("", word)
