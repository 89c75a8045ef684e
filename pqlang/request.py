"""One request: what to ask the API, and how to write it down as a filter, parameters or a URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pqlang import diagnostics as say
from pqlang.condition import Test
from pqlang.diagnostics import Diagnostic, PqlError
from pqlang.emitters.json import emit as emit_json
from pqlang.emitters.params import emit as emit_params
from pqlang.schema import Endpoint
from pqlang.source import Source
from pqlang.valueclass import frozen, replace

if TYPE_CHECKING:
    from pqlang.predicates import Predicate


@frozen
class Request:
    """A compiled query. Values only: parameters, filter and URL are made when asked for, anew each time.

    `target` is `"json"` or `"params"`; `diagnostics` holds warnings and hints; `residual` is a test still to be run on
    the fetched records, None for a request that is exact (those of `compile` always are).
    """

    endpoint: Endpoint
    target: str
    tests: tuple[Test, ...]
    sort: str | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    residual: Predicate | None = None

    @property
    def filter(self) -> dict[str, Any] | None:
        """The JSON filter object; None where the request has none."""
        if self.target != "json" or not self.tests:
            return None
        return emit_json(self.tests, self.endpoint)

    @property
    def params(self) -> dict[str, str | list[str]]:
        """Every query parameter: the direct ones, or `filter` as compact JSON; then `sort`. A list is repeated."""
        return self._filters() | self._sort()

    @property
    def query_string(self) -> str:
        """The parameters percent-encoded, without `?`.

        >>> import pqlang
        >>> pqlang.compile("owner.email = ann@acme.com and archived = false", "cases").query_string
        'owner%5Bemail%5D=ann%40acme.com&archived=false'
        """
        return _encode(self.params)

    def count(self, base: str | None = None) -> str:
        """The URL that counts what the request lists; see `url`."""
        return self.url(base, count=True)

    def page(self, number: int, size: int | None = None) -> str:
        """The URL of one page of the list; see `url`."""
        return self.url(page=number, size=size)

    def url(
        self,
        base: str | None = None,
        *,
        count: bool = False,
        group: str | None = None,
        page: int | None = None,
        size: int | None = None,
    ) -> str:
        """The whole URL, at `base` or the schema's own address.

        `count` asks for the number of records and leaves out order and page (seed: "available on both GET (list) and
        GET /count"); with `group` it asks for the number of each value of that field. `page` counts from 1, `size`
        goes up to the API's highest. Raises PqlError for others.
        """
        api = self.endpoint.api
        if base is not None and not isinstance(base, str):
            raise _wrong("base", base, "the address of an API")
        if page is not None and (type(page) is not int or page < 1):
            raise _wrong("page", page, "counted from 1")
        if size is not None and (type(size) is not int or not 1 <= size <= api.max_page_size):
            raise _wrong("size", size, f"1 to {api.max_page_size} records")
        params = self._filters()
        if not count:
            params |= self._sort()
            params |= {api.page_param: str(page)} if page is not None else {}
            params |= {api.size_param: str(size)} if size is not None else {}
        address = (api.base_url if base is None else base).rstrip("/") + "/" + self.endpoint.path.lstrip("/")
        if count:
            address += api.count_suffix
            params |= {api.group_param: group} if group is not None else {}
        query = _encode(params)
        return f"{address}?{query}" if query else address

    def _filters(self) -> dict[str, str | list[str]]:
        if self.target == "params":
            return emit_params(self.tests, self.endpoint)
        filter = self.filter
        if filter is None:
            return {}
        import json  # only who asks for the text pays for it

        return {self.endpoint.api.filter_param: json.dumps(filter, ensure_ascii=False, separators=(",", ":"))}

    def _sort(self) -> dict[str, str | list[str]]:
        return {} if self.sort is None else {self.endpoint.api.sort_param: self.sort}


def with_long_url(made: Request, length: int) -> Request:
    """The request, with a warning where its URL is too long for many servers.

    `length` counts the characters that were written. The URL is only made where it could be that long: a character
    takes 12 bytes at most, as in `%F0%9F%98%80`.
    """
    endpoint = made.endpoint
    limit = endpoint.api.long_url
    if 12 * length + len(made.tests) * endpoint.spelling_bytes < limit or len(made.url()) <= limit:
        return made
    return replace(made, diagnostics=(*made.diagnostics, say.long_url(len(made.url()), limit)))


def _wrong(name: str, value: object, wanted: str) -> PqlError:
    return PqlError(Source("", name), [say.bad_argument(name, value, wanted)])


def _encode(params: Mapping[str, str | list[str]]) -> str:
    from urllib.parse import quote

    return "&".join(
        f"{quote(name, safe='')}={quote(value, safe='')}"
        for name, values in params.items()
        for value in ([values] if isinstance(values, str) else values)
    )
