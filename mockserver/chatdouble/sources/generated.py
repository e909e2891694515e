"""Answers made up from the request alone: same request and seed, same words."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, get_args

import msgspec
from msgspec.structs import replace

from chatdouble.calls import Call, View
from chatdouble.errors import ChatdoubleError
from chatdouble.sources.composing import Style, compose, named_value
from chatdouble.sources.source import Choice, Miss

if TYPE_CHECKING:
    from faker import Faker

# what decides how an answer is sent, cut, told or kept, never what it says
_SENDING = frozenset(
    {
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "metadata",
        "n",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "stop",
        "store",
        "stream",
        "stream_options",
        "top_logprobs",
        "user",
    }
)
_MOST_KEPT = 512
_LOCALE = "en_US"
_PROVIDERS = (
    "address",
    "color",
    "company",
    "internet",
    "job",
    "lorem",
    "misc",
    "person",
    "phone_number",
)
# further choices than these say again what the first ones say
_MOST_CHOICES = 8
# bytes of a request whose schemas may be large
_LARGE_BODY = 4_000
# bytes of a request that take their time whatever they say
_LONG_BODY = 100_000


class Generated:
    """Answers every call that can be read, with faker's words.

    Args:
        seed: another seed gives other words.
        style: how texts are made: ``prose`` is sentences that differ from prompt to prompt,
            ``echo`` repeats the last user message, ``lorem`` is Latin.
        locale: the language of made-up values, for example ``de_DE``.
        most_rounds: after so many rounds of tool calls for one user message the answer is a text.

    Raises:
        ChatdoubleError: there is no such style or locale.
    """

    name = "generated"

    def __init__(
        self,
        seed: int = 0,
        *,
        style: Style = "prose",
        locale: str = _LOCALE,
        most_rounds: int = 10,
    ) -> None:
        if style not in get_args(Style):
            raise ChatdoubleError(f"a style is one of {', '.join(get_args(Style))}, got {style!r}")
        _check_locale(locale)
        self._seed = seed
        self._style = style
        self._locale = locale
        self._most_rounds = most_rounds
        self._lock = threading.Lock()
        self._composing = threading.Lock()
        self._fake: Faker | None = None
        self._kept: OrderedDict[tuple[bytes, int], Choice] = OrderedDict()

    async def answer(self, call: Call) -> Choice | None:
        """The answer to this request; answers given lately are remembered."""
        view = call.view
        if view is None:
            return None
        long = len(call.body) > _LONG_BODY
        has_schemas = bool(view.tools) or view.schema is not None
        # values for large schemas, and for those that refer to themselves, take their time
        dear = has_schemas and (len(call.body) > _LARGE_BODY or b"$ref" in call.body)
        digest = await asyncio.to_thread(self._digest, call) if long else self._digest(call)
        key = (digest, 1 if dear else min(view.choices, _MOST_CHOICES))
        choice = self._kept.get(key)
        if choice is None:
            if dear or long:
                choice = await asyncio.to_thread(self._compose, view, *key)
            else:
                choice = self._compose(view, *key)
            self._kept[key] = choice
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return choice

    def why_not(self, call: Call) -> Miss:
        """It answers whatever can be read."""
        return Miss(("the request could not be read",))

    def warm(self) -> None:
        """Load what the first answer needs, so that it does not wait for it; from any thread."""
        with self._lock:
            self._fake = self._fake or new_faker(self._locale)

    def value(self, name: str, call: Call) -> str:
        """A text as a property of this name would have it, for example ``city``."""
        self.warm()
        fake = self._fake or new_faker(self._locale)
        with self._composing:
            fake.seed_instance(int.from_bytes(self._digest(call)))
            return named_value(name, fake)

    def _compose(self, view: View, digest: bytes, choices: int) -> Choice:
        self.warm()
        fake = self._fake or new_faker(self._locale)
        composed = []
        for index in range(choices):
            with self._composing:
                # seeded anew for each answer, so that none depends on those before it
                fake.seed_instance(int.from_bytes(digest) + index)
                composed.append(compose(view, fake, self._style, self._most_rounds))
        (first, because), *others = composed
        return Choice(replace(first, others=tuple(reply for reply, _ in others)), because)

    def _digest(self, call: Call) -> bytes:
        try:
            said = {key: value for key, value in call.json.items() if key not in _SENDING}
            if len(call.body) > _LONG_BODY:
                text = msgspec.json.encode(said, order="sorted").decode()
            else:
                text = json.dumps(said, sort_keys=True, ensure_ascii=True)
        except (RecursionError, AttributeError):
            # nested so deep that it could only just be read
            text = call.body.decode("utf-8", "replace")
        return hashlib.blake2b(f"{self._seed}\n{text}".encode(), digest_size=16).digest()


def _check_locale(locale: str) -> None:
    if locale == _LOCALE:
        return  # most have this one, and faker takes its time to load
    from faker.config import AVAILABLE_LOCALES

    if locale not in AVAILABLE_LOCALES:
        raise ChatdoubleError(
            f"there is no locale {locale!r}; faker has {', '.join(sorted(AVAILABLE_LOCALES))}"
        )


def new_faker(locale: str = _LOCALE) -> Faker:
    """A faker with what answers are made of; importing faker waits until one is wanted."""
    from faker import Faker

    return Faker(locale, [f"faker.providers.{name}" for name in _PROVIDERS])
