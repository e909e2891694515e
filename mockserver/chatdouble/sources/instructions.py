"""What the messages say about the form of the answer: JSON, by which schema, in a code block.

Many clients ask for JSON in words only, with a schema, an example or a few names in the prompt.
Agents that call tools in words only (Thought, Action, Observation) have a form of their own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from msgspec import Struct

from chatdouble.calls import View
from chatdouble.sources import sketches

_JSON_WORD = re.compile(r"\bjson\b", re.IGNORECASE)
_BLOCK = re.compile(r"```|code ?block", re.IGNORECASE)
# templates escape braces by doubling them, and some clients send them as they are
_DOUBLED = re.compile(r'\{\{\s*"')
# an object, or a list that begins with one or with a text; never an index or a type's argument
_START = re.compile(r"""\{|(?<![\w\])])\[(?=\s*[{"'])\s*\{?""")
_CUE = re.compile(
    r"\b(?:answer|as follows|as in|example|fields|following|format|instance|like|output|provide|"
    r"reply|respond|response|return|schema|structure|such as|template)\b",
    re.IGNORECASE,
)
_CUE_LETTERS = 200
_ACTION = re.compile(r"^[ \t]*Action Input:", re.MULTILINE)
_LAST_LABEL = re.compile(r"^[ \t]*((?:Final )?Answer):", re.MULTILINE)
_QUOTED_NAME = re.compile(r"""(["'`])([A-Za-z_][A-Za-z0-9_-]{0,40})\1""")
_PLAIN_NAME = r"[A-Za-z_][A-Za-z0-9_-]{0,40}"
_PLAIN_NAMES = re.compile(
    r"\b(?:with|ha(?:s|ve|ving)|contain(?:s|ing)?|includ(?:e|es|ing)|of|(?P<list>following))\s"
    r"(?:(?:the|exactly|only|just|these|two|three|four|five|following|json|top-level)\s){0,3}"
    r"(?:keys?|fields?|properties|attributes)\b:?\s(?:(?:named|called)\s)?"
    rf"(?P<names>{_PLAIN_NAME}(?:(?:,\s?(?:and\s)?|\sand\s){_PLAIN_NAME}){{0,20}})(?![\w-])",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r",\s?(?:and\s)?|\sand\s")
# what follows such words and is no name
_NO_NAMES = frozenset(
    [
        "and",
        "are",
        "as",
        "below",
        "for",
        "from",
        "in",
        "is",
        "must",
        "nothing",
        "of",
        "only",
        "or",
        "please",
        "that",
        "to",
        "which",
        "with",
    ]
)
_TYPES = frozenset({"object", "array", "string", "integer", "number", "boolean", "null"})

# texts are looked through up to here, and at so many places
_MOST_LETTERS = 200_000
_MOST_TRIES = 200
_MOST_DOUBLED = 10
_MOST_SKETCHED = 20
_MOST_NAMES = 50


class Wish(Struct, frozen=True):
    """The form that the messages ask for.

    Attributes:
        schema: the JSON Schema of the answer; of an object of any kind if nothing else is said.
        said: whether the messages bring a schema, or an example that one is made from.
        block: whether a code block is asked for.
    """

    schema: dict[str, Any]
    said: bool = False
    block: bool = False


def wish(view: View) -> Wish | None:
    """What the messages ask for, None if they do not ask for JSON."""
    texts = _texts(view)
    if not any(_JSON_WORD.search(text) for text in texts) or _in_steps(texts):
        return None
    block = any(_BLOCK.search(text) for text in texts)
    forms = [form for text in texts for form in _forms(text)]
    if forms:
        best = max(form.rank for form in forms)
        last = next(form for form in reversed(forms) if form.rank == best)
        return Wish(last.schema, said=True, block=block)
    names = list(dict.fromkeys(_names(texts[-1]) or (n for text in texts for n in _names(text))))
    # a name alone says no more than that there is something to read behind it
    properties = {name: {"type": "string"} for name in names[:_MOST_NAMES]}
    return Wish(
        {"type": "object", "properties": properties, "required": list(properties)}, block=block
    )


def last_label(view: View) -> str | None:
    """What stands before the last answer of an agent that is to write its steps as lines."""
    texts = _texts(view)
    if not _in_steps(texts):
        return None
    return next((found[1] for text in texts if (found := _LAST_LABEL.search(text))), None)


def _texts(view: View) -> list[str]:
    return [
        said.text[:_MOST_LETTERS]
        for said in view.conversation
        if said.role in ("system", "developer", "user")
    ]


def _in_steps(texts: list[str]) -> bool:
    return any(_ACTION.search(text) for text in texts)


def _names(text: str) -> list[str]:
    """The names in quotation marks, of which those in backticks go first; else a list of them."""
    found = [(mark, name) for mark, name in _QUOTED_NAME.findall(text) if name.lower() != "json"]
    quoted = [name for mark, name in found if mark == "`"] or [name for _, name in found]
    plain = None if quoted else _PLAIN_NAMES.search(text)
    names = _BETWEEN.split(plain["names"]) if plain else []
    return quoted or list(takewhile(lambda name: name.lower() not in _NO_NAMES, names))


class _Form(Struct, frozen=True):
    """What a text shows of the answer: a schema (2), an example that it introduces (1) or not."""

    schema: dict[str, Any]
    rank: int


def _forms(text: str) -> Iterator[_Form]:
    """The schemas, examples and sketches of JSON that stand in a text, outermost ones only."""
    decoder = json.JSONDecoder()
    sketched = doubled = at = 0
    for _ in range(_MOST_TRIES):
        start = _START.search(text, at)
        if start is None:
            return
        # within a list that is no form an object may be one
        brace = start.end() - 1
        at = brace if brace > start.start() and text[brace] == "{" else start.end()
        found = None
        try:
            if doubled < _MOST_DOUBLED and _DOUBLED.match(text, brace):
                doubled += 1
                found, end = _doubled(decoder, text, brace)
            else:
                found, end = decoder.raw_decode(text, brace)
        except (ValueError, RecursionError):
            end = at
        if isinstance(found, dict) and _is_schema(found):
            at = end
            yield _Form(found, 2)
            continue
        before = text[max(0, start.start() - _CUE_LETTERS) : start.start()]
        introduced = bool(_CUE.search(before))
        if not (found or introduced) or sketched == _MOST_SKETCHED:
            continue
        if isinstance(found, list) and not _JSON_WORD.search(before):
            # lists of texts stand in much code
            continue
        sketched += 1
        sketch = sketches.read(text, start.start())
        if sketch is not None:
            schema, at = sketch
            yield _Form(schema, int(introduced))
        elif found:
            at = end


def _doubled(decoder: json.JSONDecoder, text: str, at: int) -> tuple[Any, int]:
    """The object that stands there with doubled braces, and where it ends."""
    plain = text[at:].replace("{{", "{").replace("}}", "}")
    found, end = decoder.raw_decode(plain)
    return found, at + end + plain.count("{", 0, end) + plain.count("}", 0, end)


def _is_schema(found: dict[str, Any]) -> bool:
    if any(isinstance(found.get(key), dict) for key in ("properties", "$defs", "definitions")):
        return True
    kind = found.get("type")
    return isinstance(kind, str) and kind in _TYPES and found.keys() - {"type"} <= _KEYWORDS


_KEYWORDS = frozenset(
    {"$schema", "title", "description", "required", "items", "additionalProperties", "enum"}
)
