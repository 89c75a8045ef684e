"""Reading the answers to a plan: which pages to ask for next, and which records they yield. No socket is opened here.

    wanted() -> pages to ask for      answer(ask, page) <- in any order      ready() -> records, in their order

Whoever drives it does these in turn until it is `finished`. The pages of a request are taken in their order: one that
comes early waits. A page is wanted when nothing can be yielded without it, or when it is sure to be needed later.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from pqlang import diagnostics as say
from pqlang.answers import BadAnswer, Page
from pqlang.condition import Condition, Not, Test
from pqlang.diagnostics import Diagnostic, PqlError, Severity
from pqlang.ordering import Order, id_keys
from pqlang.plans import Plan
from pqlang.request import Request
from pqlang.source import Source, Span

Record: TypeAlias = dict[str, Any]

BATCH = 500  # records that are ready at once, at most
_YIELDED, _KEPT, _CAME = (
    1,
    2,
    4,
)  # bits of a record: was it yielded, is it to be, and from this on which requests had it


@dataclass(frozen=True, slots=True)
class Ask:
    """A page to ask for."""

    branch: int  # which request of the plan
    number: int
    url: str


class _Head(NamedTuple):
    """A record that may be the next."""

    key: Any  # what it is sorted by
    id: str
    identity: object  # its id, as small as can be
    record: Record


class _Branch:
    """One request of the plan, and how far it has been read."""

    __slots__ = (
        "asked",
        "at",
        "came",
        "heads",
        "highest",
        "last",
        "needed",
        "newest",
        "read",
        "request",
        "size",
        "taken",
        "total",
    )

    def __init__(self, at: int, request: Request) -> None:
        self.at = at
        self.request = request
        self.needed = () if request.residual is None else tuple(_needed(request.residual.condition))
        self.asked = 0  # pages asked for: 1 to this
        self.taken = 0  # pages looked into: 1 to this
        self.read = False  # all of them were
        self.newest = 0  # the highest page that came: `last` and `total` are as it said
        self.last = 0
        self.total: int | None = None
        self.size = 0
        self.came: dict[int, Page] = {}  # before their turn
        self.heads: deque[_Head] = deque()
        self.highest: Any = None  # the key of the last record

    @property
    def ahead(self) -> int:
        """How many of its pages are under way or wait for their turn."""
        return 0 if self.read else self.asked - self.taken


def _needed(condition: Condition) -> Iterator[str]:
    """The keys without which a record cannot be tested: those of fields that are never null, and of lists."""
    if isinstance(condition, Test):
        field = condition.field
        if field.record is not None and (field.to_many or not field.nullable):
            yield field.record[0]
    else:
        for operand in (condition.operand,) if isinstance(condition, Not) else condition.operands:
            yield from _needed(operand)


class Reading:
    """The state of reading a plan. With an `order` its requests are merged by it, else they follow one another.

    `limit` ends it after so many records, `width` is how many pages may be under way. Where the collection moves while
    it is read `problems` says so; with `strict` that is raised.
    """

    def __init__(
        self,
        plan: Plan,
        source: Source,
        *,
        order: Order | None = None,
        base: str | None = None,
        limit: int | None = None,
        width: int = 4,
        strict: bool = False,
    ) -> None:
        several, highest = len(plan.requests) > 1, plan.endpoint.api.max_page_size
        self.limit, self.width, self.strict = limit, width, strict
        self.problems: list[Diagnostic] = []
        self.pages = self.fetched = self.yielded = 0
        self.finished = limit == 0
        self._plan, self._source, self._base = plan, source, base
        self._branches = [_Branch(at, request) for at, request in enumerate(plan.requests)]
        self._order = order if several else None
        self._key = None if self._order is None else self._order.keys()
        self._sorts = self._order is not None and not self._order.known
        self._first_ones = limit is not None and not self._sorts  # the rest need not be fetched
        self._size = min(highest, max(limit or 1, 1)) if self._first_ones and plan.exact else highest
        self._foresees = not self._first_ones or (plan.exact and not several)
        self._id_keys = id_keys(plan.endpoint)
        self._seen: dict[object, int] = {}
        self._under_way = 0
        self._merges = self._key is not None and not self._sorts
        self._next_head = self._merged if self._merges else self._chained
        self._unheaped = self._branches  # those whose first head is not in the heap
        self._heap: list[tuple[Any, str, int]] = []
        self._pile: list[_Head] | None = [] if self._sorts else None
        self._sorted: Iterator[_Head] | None = None

    @property
    def expected(self) -> int | None:
        """How many records the requests have, residuals aside; None until each has said so."""
        totals = [branch.total for branch in self._branches if branch.total is not None]
        return sum(totals) if len(totals) == len(self._branches) else None

    # Which pages

    def wanted(self) -> list[Ask]:
        """The pages to ask for now; each is named once."""
        asks = []
        while not self.finished and self._under_way < self.width and (branch := self._next_branch()) is not None:
            branch.asked += 1
            self._under_way += 1
            asks.append(
                Ask(branch.at, branch.asked, branch.request.url(self._base, page=branch.asked, size=self._size))
            )
        return asks

    def slow_down(self) -> None:
        """The API complains of too many requests: have fewer under way from now on."""
        self.width = max(1, self.width - 1)

    def _next_branch(self) -> _Branch | None:
        """The request of which a page is wanted most."""
        for branch in self._awaited():
            if branch.asked == branch.taken:
                return branch
        if not self._foresees or sum(branch.ahead for branch in self._branches) >= 2 * self.width:
            return None
        more = [branch for branch in self._branches if branch.asked < self._foreseen(branch)]
        if self._merges:
            more.sort(key=lambda branch: branch.ahead)
        return more[0] if more else None

    def _awaited(self) -> Iterator[_Branch]:
        """The requests without whose next page nothing can be yielded."""
        for branch in self._branches:
            if not branch.read and not branch.heads:
                yield branch
                if not self._merges:
                    return

    def _foreseen(self, branch: _Branch) -> int:
        """The last page of it that is sure to be needed, as far as is known."""
        if branch.read:
            return 0
        if not branch.newest:
            return 1
        return min(branch.last, -(-self.limit // branch.size)) if self._first_ones and self.limit else branch.last

    # What came

    def answer(self, ask: Ask, page: Page) -> None:
        """Take in a page that came. Raises BadAnswer where it does not go with the others."""
        self._under_way -= 1
        self.pages += 1
        branch = self._branches[ask.branch]
        if branch.size and branch.size != page.size:
            raise BadAnswer(f"it has {page.size:,} records a page, where other pages have {branch.size:,}")
        branch.size = page.size
        if branch.total is not None and branch.total != page.total:
            self._note(say.moved_total(branch.total, page.total))
        if page.number > branch.newest:
            branch.newest, branch.last, branch.total = page.number, page.last, page.total
        branch.came[page.number] = page

    def _take(self, branch: _Branch) -> None:
        """Make heads of the pages whose turn it is, until there is one."""
        while not branch.heads and (page := branch.came.pop(branch.taken + 1, None)) is not None:
            branch.taken += 1
            self.fetched += len(page.records)
            for record in page.records:
                self._look_at(branch, record)
            if branch.taken >= page.last:
                branch.read = True
                branch.came.clear()

    def _look_at(self, branch: _Branch, record: Record) -> None:
        id, identity = identify(record, self._id_keys)
        bit = _CAME << branch.at
        seen = self._seen.get(identity, 0)
        if seen & bit:
            self._note(say.moved_record(id))
            return
        self._seen[identity] = seen | bit
        residual = branch.request.residual
        if residual is not None and (missing := next((key for key in branch.needed if key not in record), None)):
            raise BadAnswer(f"a record has no `{missing}`, without which it cannot be told whether it is meant")
        try:
            if residual is not None and not residual.matches(record):
                return
            key = None if self._key is None else self._key(record)
        except PqlError as error:
            raise BadAnswer(error.diagnostics[0].message) from None
        if self._order is not None and not self._sorts:
            if not self._order.is_in(record) or (branch.highest is not None and key < branch.highest):
                self._note(say.out_of_order(self._order_text()))
            branch.highest = key
        if seen & _KEPT and self._plan.disjoint:
            self._note(say.moved_record(id))
        self._seen[identity] |= _KEPT
        branch.heads.append(_Head(key, id, identity, record))

    def _note(self, problem: Diagnostic) -> None:
        """A problem with what came, the first of its kind."""
        problem = replace(problem, span=Span(0, len(self._source.text)))
        if self.strict:
            raise PqlError(self._source, [replace(problem, severity=Severity.ERROR)])
        if all(problem.code != each.code for each in self.problems):
            self.problems.append(problem)

    def _order_text(self) -> str:
        assert self._order is not None
        return self._order.field.name + " desc" * self._order.descending

    # Which records

    def ready(self) -> list[Record]:
        """The next records, as many as there are without waiting, up to `BATCH`."""
        records: list[Record] = []
        while not self.finished and len(records) < BATCH and (head := self._next_head()) is not None:
            if self._once(head.identity):
                records.append(head.record)
                self.yielded += 1
                self.finished = self.yielded == self.limit
        return records

    def _once(self, identity: object) -> bool:
        seen = self._seen[identity]
        self._seen[identity] = seen | _YIELDED
        return not seen & _YIELDED

    def _chained(self) -> _Head | None:
        """The next record of the first request that has one; with an order unknown here, once all are there."""
        while self._unheaped:
            branch = self._unheaped[0]
            self._take(branch)
            if branch.heads and self._pile is None:
                return branch.heads.popleft()
            if branch.heads and self._pile is not None:
                self._pile += branch.heads
                branch.heads.clear()
            elif branch.read:
                self._unheaped = self._unheaped[1:]
            else:
                return None
        if self._pile is not None and self._sorted is None:
            self._sorted = self._in_order(self._pile)
        head = None if self._sorted is None else next(self._sorted, None)
        self.finished = head is None
        return head

    def _in_order(self, pile: list[_Head]) -> Iterator[_Head]:
        pile.sort(key=itemgetter(0, 1))
        pile.reverse()
        while pile:
            yield pile.pop()  # what was yielded needs not be kept

    def _merged(self) -> _Head | None:
        """The least of the first records of all requests, once each has one."""
        waiting = []
        for branch in self._unheaped:
            self._take(branch)
            if branch.heads:
                heappush(self._heap, (branch.heads[0].key, branch.heads[0].id, branch.at))
            elif not branch.read:
                waiting.append(branch)
        self._unheaped = waiting
        if waiting:
            return None
        if not self._heap:
            self.finished = True
            return None
        branch = self._branches[heappop(self._heap)[2]]
        self._unheaped = [branch]
        return branch.heads.popleft()


_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def identify(record: Record, keys: Sequence[str]) -> tuple[str, object]:
    """A record's id as text, and as what tells it from others in little memory. Raises BadAnswer where it has none.

    >>> identify({"id": "00000000-0000-0000-0000-00000000000a"}, ["id"])
    ('00000000-0000-0000-0000-00000000000a', 10)
    >>> identify({"id": 10}, ["id"])
    ('10', (10,))
    """
    value: Any = record
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, str):
        return value, int(value.replace("-", ""), 16) if _UUID.fullmatch(value) else value
    if type(value) is int:
        return str(value), (value,)
    raise BadAnswer(f"a record has no `{'.'.join(keys)}`")
