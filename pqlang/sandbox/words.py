"""What made-up records are filled with: names, titles and other texts, some of them hard on purpose.

A text is chosen by the name of its field, `email` or `phone`, for any API; a name that is not listed gets plain words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

GIVEN = (
    "Ann", "Bob", "Zoë", "José", "Anaïs", "Søren", "Chloé", "Łukasz", "Мария", "健", "Nguyễn", "İpek",
    "Jürgen", "Élodie", "Aoife", "Björn", "Σοφία", "Fatima", "Noah", "Emma", "Liam",
    "Louise", "Adam", "Mia", "Jean-Luc", "Máire", "Omar",
)  # fmt: skip
FAMILY = (
    "Lee", "Dupont", "Müller", "O'Neil", "García", "Øster", "Van den Berg", "山田", "Иванова", "Ñíguez", "Smith", "Roe",
    "Weiß", "Αντωνίου", "Peeters", "Janssens", "Novák", "Kowalski", "Yılmaz", "Doe", "Maes", "Silva", "Ionescu", "Ó Sé",
)  # fmt: skip
DOMAINS = ("acme.com", "example.org", "globex.example", "initech.example")
SLUGS = (
    "acme", "acme-corp", "kyc", "onboarding", "globex", "initech", "hooli", "umbrella", "claims", "due-diligence",
    "stark", "wayne",
)  # fmt: skip
SUBJECTS = (
    "Onboarding", "Customer onboarding", "KYC", "Claim", "Due diligence", "Contract", "Offre spéciale",
    "Schadensfall", "Address change", "新規契約", "Ouverture de compte", "Test", "Renewal", "CUSTOMER review",
)  # fmt: skip
DETAILS = (
    "100%", "50 % off", "a_b", "C:\\temp", "n° 5", "🚀", "“final”", "it's done", "ÉTÉ 2024", "straße", "(copy)", "v1.2",
    "[urgent]", "5*", "what?", "Łódź", "",
)  # fmt: skip
STATES = ("new", "pending", "draft", "in review", "waiting for documents", "En attente", "done", "rejected")
LOCALES = ("en", "fr", "nl", "de", "pt-BR", "ja")
WORDS = ("amber", "birch", "cobalt", "delta", "ember", "fjord", "größe", "harbour", "ivory", "jade")
ROLES = ("client", "partner", "guardian", "employer", "notary")


@dataclass(frozen=True, slots=True)
class Who:
    """The person that a record is about; its texts agree on the name."""

    given: str
    family: str
    number: int

    @property
    def email(self) -> str:
        """An address of plain letters, whatever the name is written in."""
        plain = unicodedata.normalize("NFKD", f"{self.given}.{self.family}").encode("ascii", "ignore").decode()
        local = "".join(char for char in plain.lower() if char.isalnum() or char in ".-").strip(".-")
        return f"{local or 'user'}{self.number % 100 or ''}@{DOMAINS[self.number % len(DOMAINS)]}"


Text = Callable[[Random, Who], str]


def who(random: Random) -> Who:
    """Somebody."""
    return Who(random.choice(GIVEN), random.choice(FAMILY), random.randrange(1_000))


def title(random: Random, about: Who) -> str:
    """`Claim Dupont 50 % off`."""
    return " ".join(
        part
        for part in (random.choice(SUBJECTS), about.family, random.choice(DETAILS) if about.number % 3 else "")
        if part
    )


def sentence(random: Random, about: Who) -> str:
    """A line or two."""
    end = "\n" if about.number % 7 == 0 else " "
    return f"{random.choice(SUBJECTS)} of {about.given} {about.family}.{end}{random.choice(DETAILS)}".rstrip()


def word(random: Random, about: Who) -> str:
    """A word of no meaning."""
    return random.choice(WORDS)


#: By the last part of a field's name.
TEXTS: Mapping[str, Text] = {
    "email": lambda random, about: about.email,
    "given_name": lambda random, about: about.given,
    "family_name": lambda random, about: about.family,
    "name": lambda random, about: f"{about.given} {about.family}",
    "phone": lambda random, about: f"+32{random.randrange(10**8, 10**9)}",
    "title": title,
    "description": sentence,
    "notes": sentence,
    "reference": lambda random, about: f"{random.choice(('REF', 'KYC', 'A'))}-{random.randrange(10_000):05}",
    "internal_ref": lambda random, about: f"{random.randrange(100_000):05}",
    "company_name": lambda random, about: f"{about.family} & Co",
    "status": lambda random, about: random.choice(STATES),
    "locale": lambda random, about: random.choice(LOCALES),
    "slug": lambda random, about: random.choice(SLUGS),
    "key": lambda random, about: random.choice(ROLES),
    "word": word,
}
