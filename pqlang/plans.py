"""A plan: the requests that together answer a query, and what can be said about them."""

from __future__ import annotations

from typing import Any

from pqlang import ast
from pqlang import diagnostics as say
from pqlang.condition import All, Condition, Op, Test
from pqlang.diagnostics import Diagnostic
from pqlang.formatter import expression
from pqlang.normaliser import normalise
from pqlang.planner import every_test, make_plan
from pqlang.pushdown import Pushed
from pqlang.request import Request
from pqlang.schema import Endpoint
from pqlang.valueclass import frozen, replace
from pqlang.writer import path, write


@frozen(repr=False)
class Plan:
    """The requests whose records, each tested for its residual, are together those that a query means.

    `disjoint`: no record is selected by two of the requests, residuals included; else
    the same record may come twice, to be told by its id. `exact`: no request has a residual. Counts add up where a
    plan is both.
    """

    requests: tuple[Request, ...]
    disjoint: bool
    endpoint: Endpoint
    condition: Condition | None = None
    order: tuple[str, bool] | None = None  # the field that each request sorts by, and whether downwards
    target: str = "auto"
    reasons: tuple[str, ...] = ()  # for each request why it goes by its target
    overlap: str = ""  # why two requests may share a record
    diagnostics: tuple[Diagnostic, ...] = ()
    asked_for: tuple[str, ...] = ()  # which of `broaden` and `disjoint` were

    def __repr__(self) -> str:
        return f"<Plan of {self.query!r}: {self._summary()}>"

    @property
    def query(self) -> str:
        """The normalised text of the query."""
        return text_of(self.condition, self.endpoint, self.order)

    @property
    def exact(self) -> bool:
        """Whether the API answers with the records asked for and no other."""
        return all(request.residual is None for request in self.requests)

    def explain(self) -> str:
        """What is asked and why, for people: each request with its URL, and what is to be tested on its records.

        >>> import pqlang
        >>> print(pqlang.plan("parent_status = draft and title !~ 'a%' and archived = false", "cases").explain())
        parent_status = draft and title !~ a% and archived = false
        1 request, over-fetching
        <BLANKLINE>
        1. GET https://connect.penbox.io/v1/cases?filter=%7B%22attributes%22%3A%7B%22parent_status%22%3A%7B%22%24eq...
           JSON filter: direct parameters do not say it exactly
           over-fetching; keep what matches: title !~ a%
        """
        made = self.to_json()
        lines = [self.query or f"the list of {self.endpoint.name} as the API gives it", self._summary()]
        for at, each in enumerate(made["requests"], 1):
            kind = "JSON filter" if each["target"] == "json" else "direct parameters"
            kept = "exact" if each["exact"] else f"over-fetching; keep what matches: {each['residual']}"
            lines += ["", f"{at}. GET {each['url']}", f"   {kind}: {each['reason']}", f"   {kept}"]
        if len(self.requests) > 1:
            lines += ["", _NO_SNAPSHOT]
            lines += [_SORTED] if self.requests[0].sort is not None else []
        lines += [f"Disjoint: {made['disjoint_with']}."] if made["disjoint_with"] else []
        lines += [f"In one request: {advice}." for advice in made["one_request"]]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """The same as values for JSON; a new dict each time."""
        requests = [
            {
                "url": request.url(),
                "target": request.target,
                "reason": reason,
                "params": request.params,
                "filter": request.filter,
                "exact": request.residual is None,
                "residual": None if request.residual is None else str(request.residual),
            }
            for request, reason in zip(self.requests, self.reasons, strict=True)
        ]
        return {
            "query": self.query,
            "endpoint": self.endpoint.name,
            "count": len(self.requests),
            "exact": self.exact,
            "disjoint": self.disjoint,
            "overlap": self.overlap,
            "disjoint_with": self._disjoint_with(),
            "requests": requests,
            "one_request": self._one_request(),
        }

    def _summary(self) -> str:
        if not self.requests:
            return "no request: no record satisfies it"
        words = [f"{len(self.requests)} request" + "s" * (len(self.requests) > 1)]
        words.append("exact" if self.exact else "over-fetching")
        if len(self.requests) > 1:
            words.append("disjoint" if self.disjoint else f"not disjoint: {self.overlap}")
        return ", ".join(words)

    def _disjoint_with(self) -> str:
        """What would make the requests share no record; empty where they share none, or where nothing would."""
        if self.disjoint or self.condition is None or self.asked_for:
            return ""
        made, _ = make_plan(self.condition, self.endpoint, target=self.target, disjoint=True, work=_ADVICE)
        return f"`disjoint=True` takes {len(made.branches)} requests" if made is not None and made.disjoint else ""

    def _one_request(self) -> list[str]:
        """What would make it one request; each was planned, so that it is true."""
        if len(self.requests) < 2 or self.condition is None:
            return []
        found = []
        for added in self._narrower():
            condition = normalise(All((self.condition, added)), self.endpoint)
            made, _ = make_plan(condition, self.endpoint, target=self.target, max_requests=1, work=_ADVICE)
            if made is not None and len(made.branches) == 1 and made.branches[0].residual is None:
                found.append(
                    f"with `and {text_of(added, self.endpoint)}`, which leaves out the other records, it is one"
                )
        made, _ = make_plan(
            self.condition, self.endpoint, target=self.target, max_requests=1, broaden=True, work=_ADVICE
        )
        if made is not None:
            found.append("`broaden` with `max_requests=1` fetches more and tests each record")
        return found

    def _narrower(self) -> list[Test]:
        """Conditions to add: the value that the API assumes where it is left open, no null where one may be."""
        assert self.condition is not None
        fields = {test.field.name: test.field for test in every_test(self.condition)}
        found = [
            Test(each, Op.EQ, each.param.assumed)
            for each in self.endpoint.assumed
            if each.param is not None
            if not fields.keys() & {each.name, each.derived.base if each.derived else each.name}
        ]
        nullable = [each for each in fields.values() if each.nullable and not each.to_many]
        return found + [Test(each, Op.NOT_NULL, None) for each in nullable[:8]]


_REFUSAL = 1_500  # work for the cost that a refusal names
_ADVICE = 4_000  # an explanation plans several times: what takes more work is left out of it
_SORTED = "Each request is sorted by itself: merge their records; the order of text is the API's own."
_NO_SNAPSHOT = (
    "Requests are no snapshot: a record that changes between two of them can be in both, so tell records by their id."
)


def text_of(condition: Condition | None, endpoint: Endpoint, order: tuple[str, bool] | None = None) -> str:
    """The normalised text of a query; empty for the endpoint's own list in its own order."""
    text = "" if condition is None else expression(write(condition, endpoint))
    if order is None:
        return text
    name, descending = order
    by = f"order by {expression(ast.Flag(path(name)))}" + " desc" * descending
    return f"{text} {by}" if text else by


def by_plan(
    refusals: list[Diagnostic], condition: Condition, endpoint: Endpoint, target: str
) -> tuple[Pushed | None, list[Diagnostic]]:
    """The one exact request that a plan finds for what was refused as written; else the refusals, and a plan's cost.

    A help that only promises several requests gives way to their number. What takes more than a little work to plan
    is left at the promise: a refusal is not to cost more than an answer.
    """
    made, problems = make_plan(condition, endpoint, target=target, work=_REFUSAL)
    if made is not None and len(made.branches) == 1 and made.branches[0].residual is None:
        return made.branches[0].pushed, []
    if made is not None:
        cost = say.plan_cost(len(made.branches), any(branch.residual is not None for branch in made.branches))
    elif problems[0].code == "too-many-requests":
        return None, refusals
    else:
        cost = say.no_plan(problems[0].message)
    return None, [
        replace(each, help=cost if not each.help or "several" in each.help else f"{each.help}; {cost}")
        for each in refusals
    ]


def cost_of_less(
    problems: list[Diagnostic], condition: Condition, endpoint: Endpoint, options: dict[str, Any]
) -> list[Diagnostic]:
    """Too many requests, with how many there would be if they might fetch more than is asked."""
    if problems[-1].code != "too-many-requests":
        return problems
    broader, _ = make_plan(condition, endpoint, **options | {"broaden": True})
    return problems if broader is None else [*problems[:-1], say.cost_of_broader(problems[-1], len(broader.branches))]
