"""A value for a JSON Schema, made with a seeded faker.

Schemas come from clients: nothing in them is run or fetched, and all that is done with them is
bounded in steps, never by a clock: the same schema, seed and hints give the same value everywhere.
"""

from __future__ import annotations

from typing import Any

from faker import Faker

from chatdouble.sources.fitting.maker import Maker
from chatdouble.sources.fitting.place import ImpossibleError
from chatdouble.sources.hints import Hints


class Fitter:
    """Makes a value for one schema.

    Args:
        schema: a JSON Schema of any draft.
        fake: a seeded faker, in the language that texts are to be in.
        hints: what the prompt says; values found there come before those made up.
    """

    def __init__(self, schema: Any, fake: Faker, hints: Hints | None = None) -> None:
        self._schema = schema
        self._fake = fake
        self._hints = hints or Hints("")

    def value(self) -> Any:
        """A value that fits the schema; an object unless the schema says otherwise.

        What is no schema gives ``{}``. Where no value that fits is found, because there is none or
        within the bounds, it is one that comes near.
        """
        if not isinstance(self._schema, dict) or not self._schema:
            return {}
        used = self._hints.used
        try:
            return Maker(self._schema, self._fake, self._hints, lenient=False).root()
        except ImpossibleError:
            self._hints.used = used
            return Maker(self._schema, self._fake, self._hints, lenient=True).root()
