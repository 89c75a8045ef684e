"""Made-up records of an endpoint, any number of them, one after the other: the same ones for the same seed.

A record holds every field that is not derived, those that responses lack included: its own under their names, under a
relation's name a record or None, or for a to-many relation a list. What responses carry beside the fields stands
beside them. `respond` makes of it what the API answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from random import Random
from typing import Any, TypeAlias

from pqlang.moments import utc_text
from pqlang.sandbox import words
from pqlang.sandbox.words import Who
from pqlang.schema import Endpoint, Field, FieldType

Record: TypeAlias = "dict[str, Any]"
Maker: TypeAlias = Callable[[Random, Who, datetime], Any]  # of a value, for who it is about, in a record made then

UNTIL = datetime(2025, 1, 1, tzinfo=UTC)  # no record is younger, so that a seed gives the same ones for ever
OLDEST = timedelta(days=730)
MANY = (0, 0, 1, 1, 1, 1, 2, 2, 3, 5)  # how many related records there are, each as often as the others
POOL = {True: 200, False: 12}  # how many records of a to-one relation are shared: people, and all else
WITHOUT = 0.1  # how many records have none of a to-one relation
NULLS = 0.2
UNSET = 0.7  # how often a time that may be null is: most is not archived


def generate(endpoint: Endpoint, count: int, seed: int = 0, until: datetime = UNTIL) -> Iterator[Record]:
    """That many records; the first ones of a longer run are those of a shorter.

    >>> from pqlang import PENBOX
    >>> cases = PENBOX.endpoint("cases")
    >>> [first], [again, _] = list(generate(cases, 1)), list(generate(cases, 2))
    >>> first == again
    True
    """
    random = Random(f"{seed}/{endpoint.name}")
    own = _makers(endpoint, None, until)
    one, many = relations(endpoint)
    pools = {name: _pool(endpoint, name, Random(f"{seed}/{endpoint.name}/{name}"), until) for name in one}
    related = {name: _makers(endpoint, name, until) for name in many}
    extras = [(extra(key), _EXTRAS[kind]) for key, kind in endpoint.extras]
    span = OLDEST.total_seconds()
    for _ in range(count):
        about = words.who(random)
        created = until - timedelta(seconds=int(span * random.random() ** 2) + 1)
        record = _filled(own, random, about, created)
        for name, pool in pools.items():
            record[name] = None if random.random() < WITHOUT else random.choice(pool)
        for name, makers in related.items():
            each = (about, *(words.who(random) for _ in range(random.choice(MANY))))[1:]
            record[name] = [_filled(makers, random, person, created) for person in each]
        for key, make in extras:
            record[key] = make(random, about, created)
        yield record


def relations(endpoint: Endpoint) -> tuple[list[str], list[str]]:
    """The to-one relations of an endpoint, and the to-many ones."""
    found = {field.relation: field.to_many for field in endpoint.fields if field.relation is not None}
    return [name for name, many in found.items() if not many], [name for name, many in found.items() if many]


def stored(endpoint: Endpoint, relation: str | None) -> list[Field]:
    """The fields that a record holds of its own, or of a relation."""
    return [field for field in endpoint.fields if field.relation == relation and field.derived is None]


def key_of(field: Field) -> str:
    """Where a record, its own or a related one, holds a field."""
    return field.name if field.relation is None else field.name.removeprefix(f"{field.relation}.")


def extra(key: str) -> str:
    """Where a record holds what responses carry beside the fields: where no field and no relation can be."""
    return f".{key}"


def _pool(endpoint: Endpoint, relation: str, random: Random, until: datetime) -> list[Record]:
    """The records of a to-one relation, which the endpoint's records share."""
    makers = _makers(endpoint, relation, until)
    people = any(field.type is FieldType.EMAIL for field in stored(endpoint, relation))
    pool = [_filled(makers, random, words.who(random), until - OLDEST) for _ in range(POOL[people])]
    for at, record in enumerate(pool):
        if "slug" in record:  # short names tell records apart
            record["slug"] = words.SLUGS[at % len(words.SLUGS)]
    return pool


def _filled(makers: list[tuple[str, Maker]], random: Random, about: Who, created: datetime) -> Record:
    return {key: make(random, about, created) for key, make in makers}


# Values


def _makers(endpoint: Endpoint, relation: str | None, until: datetime) -> list[tuple[str, Maker]]:
    made, dated = [], False
    for field in stored(endpoint, relation):
        make = _maker(field, until)
        if field.type is FieldType.DATETIME and not field.nullable and not dated and relation is None:
            make, dated = _created, True
        certain = not field.nullable or key_of(field) == endpoint.api.id_key
        made.append((key_of(field), make if certain else _sometimes_null(make, field)))
    return made


def _sometimes_null(make: Maker, field: Field) -> Maker:
    """Related fields count as nullable because their record may be missing: that one is there holds most of them."""
    chance = UNSET if field.type is FieldType.DATETIME else NULLS if field.relation is None else NULLS / 4

    def made(random: Random, about: Who, created: datetime) -> Any:
        return None if random.random() < chance else make(random, about, created)

    return made


def _maker(field: Field, until: datetime) -> Maker:
    def later(random: Random, about: Who, created: datetime) -> datetime:
        return created + timedelta(seconds=int(random.random() * min(90 * 86_400, (until - created).total_seconds())))

    match field.type:
        case FieldType.ENUM | FieldType.OPEN_ENUM:
            values = field.values
            return lambda random, about, created: random.choice(values)
        case FieldType.BOOLEAN:
            return lambda random, about, created: random.random() < 0.5
        case FieldType.INTEGER:
            return lambda random, about, created: random.randrange(-10, 1_000)
        case FieldType.NUMBER:
            return lambda random, about, created: round(random.uniform(-10, 1_000), 2)
        case FieldType.DATETIME:
            return later
        case FieldType.DATE:
            return lambda random, about, created: later(random, about, created).date()
        case FieldType.UUID:
            return _uuid
    text = words.TEXTS.get(
        key_of(field).rpartition(".")[2], words.TEXTS["email" if field.type is FieldType.EMAIL else "word"]
    )
    return lambda random, about, created: text(random, about)


def _created(random: Random, about: Who, created: datetime) -> datetime:
    return created


def _uuid(random: Random, about: Who, created: datetime) -> str:
    """A random UUID, version 4."""
    bits = f"{random.getrandbits(128):032x}"
    return f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-{'89ab'[int(bits[16], 16) % 4]}{bits[17:20]}-{bits[20:]}"


def _object(random: Random, about: Who, created: datetime) -> Record:
    """What a free-form object may hold."""
    held: Record = {"language": random.choice(words.LOCALES), "amount": random.randrange(5) * 100}
    if about.number % 2:
        held["consent"] = about.number % 3 == 0
    if about.number % 5 == 0:
        held["address"] = {"city": random.choice(("Brussels", "Liège", "東京")), "zip": None}
    return held if about.number % 11 else {}


_EXTRAS: Mapping[str, Maker] = {
    "text": lambda random, about, created: random.choice(words.SUBJECTS),
    "object": _object,
    "list": lambda random, about, created: [random.choice(words.WORDS) for _ in range(random.randrange(3))],
}


# Answers


def respond(record: Mapping[str, Any], endpoint: Endpoint) -> Record:
    """The record as the API answers it: each field at its place, those that responses lack left out.

    >>> from pqlang import PENBOX
    >>> [case] = generate(PENBOX.endpoint("cases"), 1)
    >>> answered = respond(case, PENBOX.endpoint("cases"))
    >>> "workspace" in answered, answered["created_at"]
    (False, '2024-03-21T14:23:56Z')
    """
    made: Record = {}
    for relation, to_many, keys, value in _places(endpoint):
        if to_many:
            held = record[relation or ""]
            answered = made.setdefault(keys[0], [{} for _ in held])
            for holder, each in zip(answered, held, strict=True):
                _put(holder, keys[1:], value(each))
        elif relation is None:
            _put(made, keys, value(record))
        elif record[relation] is not None:
            _put(made, keys, value(record[relation]))
        elif len(keys) > 1:
            made.setdefault(keys[0], None)
        else:
            made[keys[0]] = None
    for key, _ in endpoint.extras:
        made[key] = record[extra(key)]
    return made


Place: TypeAlias = "tuple[str | None, bool, tuple[str, ...], Callable[[Mapping[str, Any]], Any]]"


@lru_cache(maxsize=64)
def _places(endpoint: Endpoint) -> tuple[Place, ...]:
    """What a response carries: the relation, whether it is to-many, the keys, and how the value is read."""
    return tuple(
        (field.relation, field.to_many, field.record, _reader(field, endpoint))
        for field in endpoint.fields
        if field.record is not None
    )


def _reader(field: Field, endpoint: Endpoint) -> Callable[[Mapping[str, Any]], Any]:
    if field.derived is not None:
        base, when_null = key_of(endpoint.field(field.derived.base)), field.derived.when_null
        return lambda holder: (holder[base] is None) is when_null
    key = key_of(field)
    if field.type is FieldType.DATETIME:
        return lambda holder: None if (at := holder[key]) is None else utc_text(at.astimezone(UTC))
    if field.type is FieldType.DATE:
        return lambda holder: None if (day := holder[key]) is None else day.isoformat()
    return itemgetter(key)


def _put(holder: Record, keys: tuple[str, ...], value: Any) -> None:
    for key in keys[:-1]:
        if not isinstance(holder.get(key), dict):
            holder[key] = {}
        holder = holder[key]
    holder[keys[-1]] = value
