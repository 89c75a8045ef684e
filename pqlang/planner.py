"""Which requests answer a condition: one or more for each conjunction of its union, and what is left to test.

    condition -> disjuncts -> (disjoint) -> for each the best way to ask -> branches -> fold -> within the cap

A way to ask is a target and, for each field, the pieces of its domain that the target can say. A request is one piece
of each field; what it does not say is its residual. LANGUAGE, "A query that no single request can say".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from operator import attrgetter

from pqlang import diagnostics as say
from pqlang import disjuncts as union
from pqlang import domains, patterns
from pqlang.condition import All, Any, Condition, Op, Test
from pqlang.diagnostics import Diagnostic
from pqlang.disjuncts import Conjunct, Part, TooMuch, Work
from pqlang.domains import Domain
from pqlang.evaluator import uncarried
from pqlang.formatter import expression
from pqlang.pushdown import Pushed, json_says, params_say, push_down, spell, unfixed
from pqlang.schema import Endpoint, Field, Match
from pqlang.scopes import assumed_condition
from pqlang.valueclass import frozen, replace
from pqlang.writer import write

_span = attrgetter("span")


@frozen
class Branch:
    """One request of a plan: what it sends, what is then tested, and why it goes by that target."""

    pushed: Pushed
    residual: Condition | None
    reason: str
    meaning: tuple[Conjunct, ...]  # what it selects, residual included: any of these
    fetched: Conjunct  # what it asks the API for


@frozen
class Branches:
    """The requests of a plan, and whether no record is in two of them."""

    branches: tuple[Branch, ...]
    disjoint: bool
    overlap: str = ""  # why two may share a record


def make_plan(
    condition: Condition | None,
    endpoint: Endpoint,
    *,
    target: str = "auto",
    max_requests: int = 30,
    broaden: bool = False,
    disjoint: bool = False,
    work: int = 40_000,
) -> tuple[Branches | None, list[Diagnostic]]:
    """The requests that together select what a normal condition does; None and the reasons where there are none.

    No condition is the endpoint's own list. `work` bounds what may be done: what takes more is refused, or broadened.
    """
    if condition is None:
        pushed, problems = push_down(None, endpoint, target)
        assert pushed is not None
        whole = union.disjuncts(assumed_condition(endpoint), endpoint, Work())
        branch = Branch(pushed, None, "the endpoint's own list", tuple(whole), Conjunct({}))
        return Branches((branch,), True), problems
    planner = _Planner(condition, endpoint, target, max_requests, work)
    problem: Diagnostic | None = None
    try:
        found = planner.written() or planner.exactly(disjoint)
        if isinstance(found, Branches) and len(found.branches) <= max_requests:
            return found, []
        problem = found if isinstance(found, Diagnostic) else planner.over(found)
    except TooMuch:
        most = max(union.width(condition), max_requests + 1)
        problem = say.too_many_requests(condition.span, most, max_requests, counted=False)
    if problem.code != "too-many-requests":
        return None, [problem]
    if not broaden:
        if disjoint:
            other, _ = make_plan(condition, endpoint, target=target, max_requests=max_requests, work=work)
            problem = problem if other is None else say.cost_of_disjoint(problem, len(other.branches))
        return None, [problem]
    try:
        broader = planner.broader()
    except TooMuch:  # to see which of so many are needed takes too much: one request takes the least
        broader = _Planner(condition, endpoint, target, 1, work).broader()
    return (broader, []) if isinstance(broader, Branches) else (None, [problem, broader])


@frozen
class _Piece:
    """Some of what a conjunction asks of a field, and the tests that come nearest to it."""

    name: str
    part: Part
    tests: tuple[Test, ...]


@frozen
class _Way:
    """A conjunction asked by a target: pieces of each field; a request is one of each."""

    conjunct: Conjunct
    target: str
    fields: tuple[tuple[_Piece, ...], ...]
    problem: Test | None = None  # a test that would be left, on a field that responses do not carry
    exact: bool = True
    impossible: bool = False
    sent: Branch | None = None  # the one request, where it is known at once

    @property
    def count(self) -> int:
        """How many requests."""
        return prod(len(pieces) for pieces in self.fields)

    def cost(self, endpoint: Endpoint) -> tuple[object, ...]:
        """Less is better: exact before over-fetching, few requests before many, parameters before JSON where exact."""
        alone = self.target == "params" and any(
            each.field.json is None for pieces in self.fields for each in pieces[0].tests
        )
        by_json = (self.target == "json") is self.exact
        return (
            self.impossible,
            self.problem is not None,
            not self.exact,
            not self.exact and not alone,
            self.count,
            by_json,
        )


class _Planner:
    """The planning of one condition."""

    def __init__(self, condition: Condition, endpoint: Endpoint, target: str, most: int, work: int) -> None:
        self.condition, self.endpoint, self.target, self.most = condition, endpoint, target, most
        self.targets = ("params", "json") if target == "auto" else (target,)
        self.work = Work(work)

    # The exact plan

    def written(self) -> Branches | None:
        """No request for what nothing satisfies; one where one can say the condition as it is written."""
        operands = self.condition.operands if isinstance(self.condition, All) else (self.condition,)
        if not all(isinstance(each, Test) or domains.one_field(each) for each in operands):
            return None  # a group over several fields, or a `not`
        pushed, problems = push_down(self.condition, self.endpoint, self.target)
        if pushed is None or problems:
            return None
        meaning = union.disjuncts(self.condition, self.endpoint, self.work)
        if not meaning:
            return Branches((), True)
        reason = _reason(pushed.target, self.target, True)
        return Branches((Branch(pushed, None, reason, tuple(meaning), _fetched(pushed.tests)),), True)

    def conjuncts(self, keep: int | None = None) -> list[Conjunct]:
        found = union.disjuncts(self.condition, self.endpoint, self.work, keep)
        if any(each.groups for each in found):
            found = union.tidy([union.unsealed(each, self.endpoint, self.work) for each in found], self.work)
        return union.prune(found, self.work)

    def exactly(self, disjoint: bool) -> Branches | Diagnostic | int:
        """The plan; why there can be none; or how many requests it would take."""
        found = self.conjuncts()
        if not disjoint:
            return self.answer(found)
        apart, overlap = self.apart(found)
        if apart is not None:
            answer = self.answer(apart)
            if not isinstance(answer, Branches) or answer.disjoint:
                if not isinstance(answer, Diagnostic):
                    return answer
                overlap = f"without overlap it could not be asked: {answer.message}"
            else:
                overlap = answer.overlap
        answer = self.answer(found)
        return replace(answer, overlap=overlap) if isinstance(answer, Branches) and not answer.disjoint else answer

    def answer(self, found: Sequence[Conjunct]) -> Branches | Diagnostic | int:
        """The branches for a union; why there is none; or their number where it is far too high."""
        ways = [self.best_way(each) for each in found]
        for way in ways:
            if way.problem is not None or way.impossible:
                return self.impossible(way)
        count = sum([way.count for way in ways])
        if count > 4 * self.most + 100:
            return count
        return self.settled(ways)

    def settled(self, ways: Sequence[_Way]) -> Branches:
        """None covered by another, none whose records another one fetches anyway; and whether they overlap."""
        branches = [branch for way in ways for branch in self.branches(way)]
        if len(branches) > len(ways):  # the ways themselves are of conjunctions of which none is within another
            kept = {id(each) for each in union.absorb([branch.meaning[0] for branch in branches], self.work)}
            branches = [branch for branch in branches if id(branch.meaning[0]) in kept]
        branches = self.folded(branches)
        overlap = _overlap(branches)
        return Branches(tuple(branches), not overlap, overlap)

    def folded(self, branches: list[Branch]) -> list[Branch]:
        """A request that over-fetches takes in those whose records it fetches: one more alternative of its residual."""
        if not any([branch.residual for branch in branches]):
            return branches
        for wide in sorted(branches, key=lambda branch: len(branch.fetched.parts)):
            if wide.residual is None or not any(each is wide for each in branches):
                continue
            for other in branches:
                if other is wide or not union.is_within(other.fetched, wide.fetched):
                    continue
                left = [conjunction_left(each, wide.fetched) for each in other.meaning]
                if any(_uncarried(each) for each in left):
                    continue
                assert wide.residual is not None
                alternatives = [*_alternatives(wide.residual), *(each for one in left for each in _alternatives(one))]
                residual = Any(tuple(dict.fromkeys(alternatives)), wide.residual.span)
                taken = replace(wide, residual=residual, meaning=wide.meaning + other.meaning)
                branches = [taken if each is wide else each for each in branches if each is not other]
                wide = taken
        return branches

    def over(self, found: Branches | int) -> Diagnostic:
        """More requests than there may be."""
        counted = isinstance(found, Branches)
        count = len(found.branches) if isinstance(found, Branches) else found
        return say.too_many_requests(self.condition.span, count, self.most, counted)

    def impossible(self, way: _Way) -> Diagnostic:
        """Why no request asks for a conjunction: nothing is true of every record, or a residual cannot be tested."""
        if way.problem is None:
            return say.nothing_to_ask(self.condition.span, self.endpoint.name)
        text = expression(write(way.problem, self.endpoint))
        return say.uncarried_residual(way.problem.span, text, way.problem.field.name)

    # Disjoint

    def apart(self, found: list[Conjunct]) -> tuple[list[Conjunct] | None, str]:
        """The union in conjunctions that no record is in two of: each without those before it.

        What has no complement comes last, where none is needed.
        """
        order = sorted(found, key=self.denial_cost)
        apart: list[Conjunct] = []
        taken: list[Conjunct] = []
        for each in order:
            rest = [each]
            for other in taken:
                self.work.spend(len(rest))
                pieces: list[Conjunct] = []
                for one in rest:
                    left = union.subtract(one, other)
                    if left is None:
                        part = union.undeniable(other, one)
                        assert part is not None
                        return None, _no_complement(part)
                    pieces += left
                rest = pieces
            apart += rest
            taken.append(each)
        return apart, ""

    def denial_cost(self, each: Conjunct) -> tuple[bool, bool, int]:
        """What its complement costs: there is none, it is over-fetching, or so many requests."""
        denied = bool(each.groups) or any(part.field.to_many or part.patterns for part in each.parts.values())
        pieces = [
            self.pieces("json", Part(part.field, outside, span=part.span))
            for part in each.parts.values()
            if not domains.is_empty(outside := domains.inverse(part.domain, part.field))
        ]
        exact = all(_left(piece.part, _fetched(piece.tests)) is None for found in pieces for piece in found)
        return denied, not exact, sum(map(len, pieces))

    # Ways to ask

    def best_way(self, each: Conjunct) -> _Way:
        """By parameters or JSON, whichever is exact, or over-fetches less, or takes fewer requests."""
        return self.as_written(each) or min(
            (self.way(each, target) for target in self.targets), key=lambda way: way.cost(self.endpoint)
        )

    def as_written(self, each: Conjunct) -> _Way | None:
        """A conjunction in one request that sends its tests as they are, where no other way is better."""
        parts, endpoint = each.parts.values(), self.endpoint
        if each.groups or not parts or not all([part.written for part in parts]):
            return None
        tests = tuple(sorted([test for part in parts for test in part.written], key=_span))
        left_open = [field for field in endpoint.assumed if not _is_spoken_of(field, each.parts)]
        by_params = self.target != "json" and not left_open and params_say(tests, endpoint)
        if by_params and not unfixed(tests, endpoint):
            target, alone = "params", any([test.field.json is None for test in tests])
        elif self.target != "params" and json_says(tests, endpoint) and not self.params_may_say(each, left_open):
            target, alone = "json", False
        else:
            return None
        branch = Branch(Pushed(target, tests), None, _reason(target, self.target, True, alone), (each,), each)
        return _Way(each, target, (), sent=branch)

    def params_may_say(self, each: Conjunct, left_open: Sequence[Field]) -> bool:
        """Whether one request by parameters may say a conjunction after all, in another form than the written one.

        It does not where a field has none, nor where a value is left open that takes a request for each it may be.
        """
        derived_of = self.endpoint.derived_of
        return (
            self.target == "auto"
            and not any([_in_several(field, self.endpoint) for field in left_open])
            and all([part.field.param or name in derived_of for name, part in each.parts.items()])
        )

    def way(self, each: Conjunct, target: str, broad: bool = False) -> _Way:
        """A conjunction by one target; `broad` takes one piece for each field, whatever is left."""
        fields = [
            self.pieces(target, part) if not broad else (self.nearest(target, part),)
            for part in sorted(each.parts.values(), key=lambda part: part.span)
        ]
        impossible = False
        if target == "params":
            for field in self.endpoint.assumed:
                assumed = self.assumed_pieces(field, each, fields)
                if assumed is None:
                    impossible = True
                else:
                    fields += [assumed] if assumed else []
        return self.judged(_Way(each, target, tuple(fields), impossible=impossible))

    def judged(self, way: _Way) -> _Way:
        """With what it leaves: every piece is looked at once, in requests that use them side by side."""
        exact, problem = True, None
        for at in range(max(map(len, way.fields), default=1) if way.count <= 1_000 else 1):
            chosen = [pieces[min(at, len(pieces) - 1)] for pieces in way.fields]
            branch = self.branch(way, chosen)
            if branch is None:
                return replace(way, impossible=True)
            if branch.residual is not None:
                exact = False
                problem = problem or next(uncarried(branch.residual), None)
        return replace(way, exact=exact, problem=problem)

    def branches(self, way: _Way) -> Iterator[Branch]:
        if way.sent is not None:
            yield way.sent
            return
        for chosen in product(*way.fields):
            branch = self.branch(way, chosen)
            assert branch is not None
            yield branch

    def branch(self, way: _Way, chosen: Sequence[_Piece]) -> Branch | None:
        """One request: a piece of each field; None where the target can say nothing that every record satisfies."""
        meaning = way.conjunct
        for piece in chosen:
            meaning = meaning.put(piece.name, piece.part)
        tests = sorted(dict.fromkeys(test for piece in chosen for test in piece.tests), key=lambda test: test.span)
        fetched = _fetched(tests)
        if not tests and way.target == "json":
            if self.endpoint.always is None:
                return None
            always = Test(self.endpoint.field(self.endpoint.always), Op.NOT_NULL, None, self.condition.span)
            if not json_says([always], self.endpoint):
                return None
            tests = [always]
        residual = conjunction_left(meaning, fetched)
        left = None if residual == All(()) else residual
        reason = _reason(way.target, self.target, left is None, any(test.field.json is None for test in tests))
        return Branch(Pushed(way.target, tuple(tests)), left, reason, (meaning,), fetched)

    def assumed_pieces(
        self, field: Field, each: Conjunct, fields: Sequence[tuple[_Piece, ...]]
    ) -> tuple[_Piece, ...] | None:
        """One request for each value that the API may assume; () where one is sent anyway, None where one cannot be."""
        pieces = [piece for found in fields for piece in found if piece.tests]
        param = field.param
        assert param is not None
        if any((spelt := spell(test, self.endpoint)) and spelt[0] == param for piece in pieces for test in piece.tests):
            return ()
        base = field if field.derived is None else self.endpoint.field(field.derived.base)
        if field.to_many or base.name in each.parts:
            return None
        whole = Part(base, domains.whole(base), span=self.condition.span)
        found = self.pieces("params", whole)
        return found if all(piece.tests for piece in found) else None

    # Pieces

    def pieces(self, target: str, part: Part) -> tuple[_Piece, ...]:
        """A field's part of a conjunction, in the pieces that a target says best."""
        says = json_says if target == "json" else params_say
        if part.written and says(part.written, self.endpoint):
            return (_Piece(part.field.name, part, part.written),)
        found = self.json_pieces(part) if target == "json" else self.param_pieces(part)
        return tuple(found) if found else (_Piece(part.field.name, part, ()),)

    def nearest(self, target: str, part: Part) -> _Piece:
        """A field's part as one piece: the whole where one request says it, else what all of it implies."""
        found = self.pieces(target, part)
        if len(found) == 1:
            return found[0]
        implied = Part(part.field, Domain(domains.whole(part.field).values, False), part.patterns, (), part.span)
        found = self.pieces(target, implied) if not part.domain.null else ()
        return _Piece(part.field.name, part, found[0].tests if len(found) == 1 else ())

    def json_pieces(self, part: Part) -> list[_Piece]:
        """By the parts of its domain; of several patterns for one operator the most selective."""
        if part.field.json is None:
            return []
        known = self.endpoint.operators_of
        chosen: dict[str, Test] = {}
        for test in sorted(union.in_order(part.patterns), key=lambda test: -_selective(test)):
            if isinstance(test, Test) and test.op in known:
                chosen.setdefault(known[test.op], test)
        found: list[_Piece] = []
        for domain, tests in domains.split(part.domain, part.field, part.span):
            if part.patterns and tests and tests[0].op is Op.NOT_NULL:
                tests = ()  # a pattern says so too
            said = tuple(test for test in tests if test.op in known)
            found.append(_Piece(part.field.name, part.restricted(domain), (*said, *chosen.values())))
        if len(found) > 1 and not all(piece.tests for piece in found):
            return []
        return found

    def param_pieces(self, part: Part) -> list[_Piece]:
        """By the values a parameter takes, one part of a text, or the boolean that stands for null or not."""
        field, name, param = part.field, part.field.name, part.field.param
        derived = self.endpoint.derived_of.get(name)
        if derived is not None and derived.param is not None:
            found: list[_Piece] = []
            for op in (Op.IS_NULL, Op.NOT_NULL):
                test = Test(field, op, None, part.span)
                met = domains.meet((part.domain, domains.where(test)))
                if not domains.is_empty(met):
                    found.append(_Piece(name, part.restricted(met), (test,)))
            return found
        if param is None:
            return []
        if param.match is Match.PART:
            asked = [test for test in union.in_order(part.patterns) if isinstance(test, Test)]
            sent = [test for test in asked if spell(test, self.endpoint) is not None]
            return [_Piece(name, part, (max(sent, key=_selective),))] if sent else []
        values = domains.listed(part.domain)
        if values is None or part.patterns:
            return []
        tests = [Test(field, Op.EQ, value, part.span) for value in values]
        if not all(spell(test, self.endpoint) for test in tests):
            return []
        if param.many is not None and len(tests) > 1:
            return [_Piece(name, part, (Test(field, Op.IN, values, part.span),))]
        return [_Piece(name, part.restricted(domains.where(test)), (test,)) for test in tests]

    # Broader

    def broader(self) -> Branches | Diagnostic:
        """Requests within the cap that fetch more than is asked, and the rest as residuals."""
        self.work = Work(self.work.whole)
        try:
            found = self.conjuncts(keep=self.most)
        except TooMuch:
            found = []
        for attempt in (found, self.one(found)):
            ways = [self.best_way(each) for each in attempt]
            for at in sorted(range(len(ways)), key=lambda at: -ways[at].count):
                if sum(way.count for way in ways) <= self.most:
                    break
                broad = [self.way(ways[at].conjunct, target, broad=True) for target in self.targets]
                ways[at] = min(broad, key=lambda way: (way.impossible, way.problem is not None, way.count))
            wrong = next((way for way in ways if way.problem is not None or way.impossible), None)
            if wrong is None and ways and sum(way.count for way in ways) <= self.most:
                return self.settled(ways)
        if wrong is not None:
            return self.impossible(wrong)
        return say.too_many_requests(self.condition.span, sum(way.count for way in ways), self.most)

    def one(self, found: list[Conjunct]) -> list[Conjunct]:
        """The condition in one conjunction: its tests, and each `or` as a group."""
        operands = self.condition.operands if isinstance(self.condition, All) else (self.condition,)
        whole: Conjunct | None = Conjunct({})
        for operand in operands:
            simple = union.disjuncts(operand, self.endpoint, Work()) if isinstance(operand, Test) else []
            one = simple[0] if simple else Conjunct({}, frozenset((operand,)))
            whole = None if whole is None else union.conjoin(whole, one)
        return [] if whole is None else [whole]


# What a request leaves


def conjunction_left(meaning: Conjunct, fetched: Conjunct) -> Condition:
    """What of a conjunction the records fetched are still to be tested for; `All(())` where nothing.

    Where something is left of a to-many relation, all that is asked of it is: it must be one related record.
    """
    left = {name: _left(part, fetched) for name, part in meaning.parts.items()}
    opened = {relation for group in meaning.groups for relation in union.open_relations(group)}
    opened |= {
        part.field.relation or ""
        for name, part in meaning.parts.items()
        if part.field.to_many and left[name] is not None
    }
    found: list[Condition] = []
    for name, part in sorted(meaning.parts.items(), key=lambda item: item[1].span):
        rest = left[name]
        if part.field.to_many and (part.field.relation or "") in opened:
            rest = part.condition()
        if rest is not None:
            found.append(rest)
    return union.conjunction([*found, *union.in_order(meaning.groups)])


def _left(part: Part | None, fetched: Conjunct) -> Condition | None:
    """What of a part is not implied by what is fetched."""
    if part is None:
        return None
    mine = fetched.parts.get(part.field.name)
    if union.part_within(mine, part):
        return None
    if mine is None:
        return part.condition()
    rest = tuple(union.in_order(part.patterns - mine.patterns))
    if domains.is_within(mine.domain, part.domain):
        return union.conjunction(rest)
    outside = part.domain.values
    if isinstance(outside, domains.Finite) and isinstance(mine.domain.values, domains.Finite) and outside.complement:
        domain = Domain(domains.Finite(outside.values - mine.domain.values.values, True), part.domain.null)
    else:
        domain = part.domain
    return union.conjunction((domains.as_condition(domain, part.field, part.span), *rest))


def _fetched(tests: Sequence[Test]) -> Conjunct:
    """What the tests of one request ask for."""
    found = Conjunct({})
    for test in tests:
        one = union.of_test(test)
        both = None if one is None else union.conjoin(found, one)
        found = both or found  # a contradiction is fetched as widely as its parts
    return found


def _is_spoken_of(field: Field, parts: Mapping[str, Part]) -> bool:
    """Whether parts ask something of a field, by its own name or by its base's."""
    return field.name in parts or (field.derived is not None and field.derived.base in parts)


def _in_several(field: Field, endpoint: Endpoint) -> bool:
    """Whether all that a field may be takes more than one request by its parameter, or cannot be asked by it."""
    if field.derived is not None:
        return endpoint.field(field.derived.base).nullable
    values = domains.listed(domains.whole(field))
    return values is None or (len(values) > 1 and (field.param is None or field.param.many is None))


def _uncarried(condition: Condition) -> bool:
    return next(uncarried(condition), None) is not None


def every_test(condition: Condition) -> Iterator[Test]:
    """Every test in a condition."""
    if isinstance(condition, Test):
        yield condition
    else:
        for operand in condition.operands if isinstance(condition, All | Any) else (condition.operand,):
            yield from every_test(operand)


def _alternatives(condition: Condition) -> tuple[Condition, ...]:
    return condition.operands if isinstance(condition, Any) else (condition,)


def _selective(test: Condition) -> int:
    """How many characters of a pattern are literal; a positive pattern before a negated one."""
    assert isinstance(test, Test)
    assert isinstance(test.value, str)
    return patterns.literal_length(test.value)


# Words


def _reason(target: str, asked: str, exact: bool, alone: bool = False) -> str:
    """Why a request goes by its target; `alone`: it sends a condition that only parameters can say."""
    if asked != "auto":
        return "asked for"
    if target == "json":
        return "direct parameters do not say it exactly"
    if alone:
        return "the JSON filter has no place for a field of it"
    return "they say it exactly" if exact else "the JSON filter cannot ask for what is left of it"


def _overlap(branches: Sequence[Branch]) -> str:
    """Why two requests may share a record; empty where no two can."""
    for at, branch in enumerate(branches):
        for before, other in enumerate(branches[:at]):
            for mine in branch.meaning:
                for theirs in other.meaning:
                    if not union.never_meet(mine, theirs):
                        part = union.undeniable(theirs, mine) or union.undeniable(mine, theirs)
                        numbers = f"requests {before + 1} and {at + 1} may share records"
                        return numbers if part is None else f"{numbers}: {_no_complement(part)}"
    return ""


def _no_complement(part: Condition) -> str:
    names = sorted({test.field.name for test in every_test(part)})
    if any(test.field.to_many for test in every_test(part)):
        return f"another related record may satisfy the one on {say.listing([f'`{name}`' for name in names], 'and')}"
    return f"a pattern, here on `{names[0]}`, has no complement that a request can say"
