"""Values that people read, by what a property is about, in the language of the faker."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from faker import Faker

# dates lie in these years, whatever the clock says
_FIRST_SECOND, _LAST_SECOND = 946684800, 1767225599
# a name from faker takes up to 200 microseconds: from then on, plain words do
_MOST_NAMES = 1000
_TIMEZONES = ("Europe/Paris", "America/New_York", "Asia/Tokyo", "Africa/Cairo", "UTC")
_CURRENCIES = ("EUR", "USD", "GBP", "JPY", "CHF")
_LANGUAGES = ("en", "fr", "de", "es", "ja", "pt", "zh", "ar")

# kind: whole numbers from and to, and how many decimals they have where those are allowed
_NUMBERS = {
    "money": (5, 500, 2),
    "count": (1, 10, 0),
    "age": (18, 80, 0),
    "year": (1990, 2025, 0),
    "month": (1, 12, 0),
    "day": (1, 28, 0),
    "hour": (0, 23, 0),
    "minute": (0, 59, 0),
    "latitude": (-60, 60, 4),
    "longitude": (-180, 180, 4),
    "rating": (1, 5, 1),
    "temperature": (-5, 35, 1),
    "percent": (0, 100, 1),
    "share": (0, 1, 2),
    "id": (1, 9999, 0),
    "moment": (_FIRST_SECOND, _LAST_SECOND, 0),
}

# kind: the methods of faker, of which the first that the locale has is taken
_FAKED = {
    "city": ("city",),
    "country": ("country",),
    "country_code": ("country_code",),
    "state": ("administrative_unit", "state", "city"),
    "street": ("street_address",),
    "postcode": ("postcode",),
    "place": ("city",),
    "email": ("safe_email",),
    "first_name": ("first_name",),
    "last_name": ("last_name",),
    "person": ("name",),
    "username": ("user_name",),
    "phone": ("phone_number",),
    "company": ("company",),
    "job": ("job",),
    "sentence": ("sentence",),
    "uuid": ("uuid4",),
    "color": ("color_name",),
    "language": ("language_name",),
}


class Readable:
    """Makes texts and numbers with a seeded faker."""

    def __init__(self, fake: Faker) -> None:
        self._fake = fake
        self._names = _MOST_NAMES

    def below(self, end: int) -> int:
        """A number from 0 up to but not including ``end``."""
        return int(self._fake.random.randrange(end))

    def text(self, kind: str) -> str:
        """A text of this kind; two plain words for a kind that is not known."""
        self._names -= 1
        if self._names >= 0:
            for method in _FAKED.get(kind, ()):
                make = getattr(self._fake, method, None)
                if make is not None:
                    return str(make())
            if kind in _WRITTEN:
                return _WRITTEN[kind](self)
            if kind in _NUMBERS:
                return str(self.number(kind))
        return self.words(2)

    def with_format(self, name: str) -> str | None:
        """A text of this format; None for one that is not known."""
        make = _FORMATTED.get(name)
        return make(self) if make else None

    def number(self, kind: str) -> float | None:
        """A number of this kind, None if the kind is none of numbers."""
        if kind not in _NUMBERS:
            return None
        low, high, decimals = _NUMBERS[kind]
        scale = int(10**decimals)
        value = low * scale + self.below((high - low) * scale + 1)
        return value / scale if scale > 1 else value

    def words(self, count: int) -> str:
        """So many words."""
        return " ".join(self._fake.words(count))

    def plain_word(self) -> str:
        """A word that can stand in a URL."""
        word = str(self._fake.word()).lower()
        if word.isascii() and word.isalpha():
            return word
        return "".join(chr(97 + self.below(26)) for _ in range(6))

    def address(self) -> str:
        """A street and a city in one line."""
        return f"{self._fake.street_address()}, {self._fake.city()}".replace("\n", ", ")

    def one_of(self, options: tuple[str, ...]) -> str:
        """One of these."""
        return options[self.below(len(options))]

    def moment(self) -> datetime:
        """A moment that does not depend on when it is asked for."""
        return datetime.fromtimestamp(_FIRST_SECOND + self.below(_LAST_SECOND - _FIRST_SECOND), UTC)


Make = Callable[[Readable], str]

# nothing here names a host, an address or a key that exists
_WRITTEN: dict[str, Make] = {
    "address": Readable.address,
    "password": lambda make: "not-a-real-Passw0rd",
    "currency": lambda make: make.one_of(_CURRENCIES),
    "url": lambda make: f"https://example.com/{make.plain_word()}",
    "domain": lambda make: f"{make.plain_word()}.example.com",
    "ip": lambda make: f"192.0.2.{make.below(254) + 1}",
    "question": lambda make: f"{make.words(6).capitalize()}?",
    "title": lambda make: make.words(3).capitalize(),
    "date": lambda make: f"{make.moment():%Y-%m-%d}",
    "time": lambda make: f"{make.moment():%H:%M}",
    "moment": lambda make: f"{make.moment():%Y-%m-%dT%H:%M:%SZ}",
    "timezone": lambda make: make.one_of(_TIMEZONES),
    "id": lambda make: f"{make.plain_word()}_{make.below(9000) + 1000}",
    "language_code": lambda make: make.one_of(_LANGUAGES),
    "version": lambda make: f"{make.below(5)}.{make.below(10)}.{make.below(20)}",
    "file": lambda make: f"{make.plain_word()}.txt",
    "path": lambda make: f"/{make.plain_word()}/{make.plain_word()}.txt",
}
_FORMATTED: dict[str, Make] = {
    "date-time": _WRITTEN["moment"],
    "date": _WRITTEN["date"],
    "time": lambda make: f"{make.moment():%H:%M:%SZ}",
    "duration": lambda make: f"P{make.below(30) + 1}D",
    "email": lambda make: make.text("email"),
    "idn-email": lambda make: make.text("email"),
    "hostname": _WRITTEN["domain"],
    "ipv4": _WRITTEN["ip"],
    "ipv6": lambda make: f"2001:db8::{make.below(65535) + 1:x}",
    "uri": _WRITTEN["url"],
    "uri-reference": lambda make: f"/{make.plain_word()}/{make.plain_word()}",
    "uri-template": lambda make: f"https://example.com/{make.plain_word()}/{{id}}",
    "uuid": lambda make: make.text("uuid"),
    "json-pointer": lambda make: f"/{make.plain_word()}/{make.below(10)}",
    "relative-json-pointer": lambda make: f"{make.below(3)}/{make.plain_word()}",
    "regex": lambda make: f"^{make.plain_word()}$",
    "color": lambda make: f"#{make.below(1 << 24):06x}",
    "phone": lambda make: make.text("phone"),
    "password": _WRITTEN["password"],
}
