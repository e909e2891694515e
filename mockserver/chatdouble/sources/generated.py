"""Answers made up from the request alone: same request and seed, same words."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from chatdouble.answers import Reply, ToolCall
from chatdouble.calls import Call, Tool, View
from chatdouble.sources.source import Choice, Miss

if TYPE_CHECKING:
    from faker import Faker

# what decides how an answer is sent, never what it says
_SENDING = ("stream", "stream_options")
_MOST_KEPT = 512
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


class Generated:
    """Answers every call that can be read, with faker's words.

    Args:
        seed: another seed gives other words.
    """

    name = "generated"

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._lock = threading.Lock()
        self._fake: Faker | None = None
        self._kept: OrderedDict[bytes, Choice] = OrderedDict()

    async def answer(self, call: Call) -> Choice | None:
        """The answer to this request; answers given lately are remembered."""
        if call.view is None:
            return None
        digest = self._digest(call)
        choice = self._kept.get(digest)
        if choice is None:
            choice = self._compose(call.view, digest)
            self._kept[digest] = choice
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return choice

    def why_not(self, call: Call) -> Miss:
        """It answers whatever can be read."""
        return Miss(("the request could not be read",))

    def warm(self) -> None:
        """Load what the first answer needs, so that it does not wait for it; from any thread."""
        with self._lock:
            self._fake = self._fake or new_faker()

    def _compose(self, view: View, digest: bytes) -> Choice:
        self.warm()
        fake = self._fake or new_faker()
        # seeded anew for each answer, so that none depends on those before it
        fake.seed_instance(int.from_bytes(digest))
        return _compose(view, digest, fake)

    def _digest(self, call: Call) -> bytes:
        try:
            said = {key: value for key, value in call.json.items() if key not in _SENDING}
            text = json.dumps(said, sort_keys=True, ensure_ascii=True)
        except (RecursionError, AttributeError):
            # nested so deep that it could only just be read
            text = call.body.decode("utf-8", "replace")
        return hashlib.blake2b(f"{self._seed}\n{text}".encode(), digest_size=16).digest()


def new_faker(locale: str = "en_US") -> Faker:
    """A faker with what answers are made of; importing faker waits until one is wanted.

    Args:
        locale: the language and country that names, places and words are of.

    Raises:
        AttributeError: faker knows no such locale.
    """
    from faker import Faker

    return Faker(locale, [f"faker.providers.{name}" for name in _PROVIDERS])


def _compose(view: View, digest: bytes, fake: Faker) -> Choice:
    chosen = _forced_tool(view)
    if chosen is not None:
        said = fake.sentence() if chosen.custom else _json(chosen.parameters, fake, view.user)
        return Choice(
            Reply(tool_calls=(ToolCall(chosen.name, said),)),
            f"a call of {chosen.name}, because tool_choice asks for it",
        )
    if view.schema is not None:
        return Choice(
            Reply(content=_json(view.schema, fake, view.user)),
            "JSON for the response_format's schema",
        )
    if view.json_object:
        content = json.dumps({"answer": fake.sentence()}, ensure_ascii=False)
        return Choice(Reply(content=content), "a JSON object for the response_format")
    sentences = [fake.sentence(nb_words=10) for _ in range(2 + digest[0] % 3)]
    return Choice(Reply(content=" ".join(sentences)), f"{len(sentences)} sentences of text")


def _forced_tool(view: View) -> Tool | None:
    if view.tool_choice == "required":
        # one that has not been called yet in this turn, so that an agent comes to an end
        called = {made.name for made in view.answered}
        return next((tool for tool in view.tools if tool.name not in called), None) or (
            view.tools[-1] if view.tools else None
        )
    if isinstance(view.tool_choice, tuple):
        named = view.tool_choice[0]
        return next((tool for tool in view.tools if tool.name == named), Tool(named))
    return None


def _json(schema: Any, fake: Faker, prompt: str | None) -> str:
    from chatdouble.sources.fitting import Fitter
    from chatdouble.sources.hints import Hints

    value = Fitter(schema, fake, Hints(prompt)).value()
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        # a const or an enum of the schema that is nested as deep as could only just be read
        return "{}"
