"""What a generated answer says: tool calls, JSON or text, and why."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from chatdouble.answers import Reply, ToolCall
from chatdouble.calls import Tool, View
from chatdouble.sources.deciding import decide
from chatdouble.sources.instructions import last_label, wish

if TYPE_CHECKING:
    from faker import Faker

Style: TypeAlias = Literal["prose", "echo", "lorem"]
Composed: TypeAlias = tuple[Reply, str]

# letters of a tool's result that a text repeats
_MOST_LETTERS = 400

_LATIN_WORDS = (
    "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut "
    "labore et dolore magna aliqua enim ad minim veniam quis nostrud exercitation ullamco laboris"
)
_LATIN = _LATIN_WORDS.split()
_QUOTED = re.compile(r"""(["'`])[^"'`\n]{1,60}\1""")
_OPENINGS = ("", "", "Of course. ", "Good question. ", "Certainly. ", "Here is what I can say. ")


def compose(view: View, fake: Faker, style: Style, most_rounds: int) -> Composed:
    """The answer to a request, and why it is this one.

    Args:
        view: the request.
        fake: seeded for this answer.
        style: how texts are made.
        most_rounds: after so many rounds of tool calls no further tool is called.
    """
    decision = decide(view, most_rounds)
    if decision.tools:
        calls = tuple(ToolCall(tool.name, _input(tool, view, fake)) for tool in decision.tools)
        names = ", ".join(call.name for call in calls)
        return Reply(tool_calls=calls), f"a call of {names}, because {decision.because}"
    composed = _formed(view, fake)
    if composed is not None:
        return composed
    text = _text(view, fake, style)
    because = "what the user said" if style == "echo" else f"{text.count('.')} sentences of text"
    return Reply(text), f"{because}, because {decision.because}" if view.tools else because


def named_value(name: str, fake: Faker) -> str:
    """A text as a property of this name would have it."""
    schema = {"type": "object", "properties": {name: {"type": "string"}}, "required": [name]}
    return str(_value(schema, fake, None)[name])


def _input(tool: Tool, view: View, fake: Faker) -> str:
    if not tool.custom:
        return _json(tool.parameters, fake, view.user)
    if tool.pattern is None:
        return fake.sentence()
    return str(_value({"type": "string", "pattern": tool.pattern}, fake, view.user))


def _formed(view: View, fake: Faker) -> Composed | None:
    """JSON, if the request asks for it in one way or another."""
    if view.schema is not None:
        return Reply(_json(view.schema, fake, view.user)), "JSON for the response_format's schema"
    wanted = wish(view)
    if view.json_object:
        named = wanted is not None and (wanted.said or wanted.schema["properties"])
        schema = _of_object(wanted.schema) if wanted and named else _ANY_OBJECT
        return Reply(
            _json(schema, fake, _around_schema(view.user))
        ), "a JSON object for the response_format"
    if wanted is None or not wanted.said:
        return None
    content = _json(wanted.schema, fake, _around_schema(view.user))
    if wanted.block:
        return Reply(f"```json\n{content}\n```"), "JSON in a code block, as the messages ask for it"
    return Reply(content), "JSON for the schema in the messages"


def _around_schema(prompt: str | None) -> str | None:
    """What the prompt says before and behind the schema or the example that it brings.

    The words within are no values, nor are quoted names of keys.
    """
    if prompt is None:
        return None
    begin, end = prompt.find("{"), prompt.rfind("}")
    if 0 <= begin < end:
        prompt = f"{prompt[:begin]} {prompt[end + 1 :]}"
    return _QUOTED.sub(" ", prompt)


def _of_object(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema, or that of what its list holds: the mode has no lists."""
    if schema.get("type") != "array":
        return schema
    items = schema["items"] if isinstance(schema.get("items"), dict) else {}
    if "properties" in items:
        return items
    return {"type": "object", "properties": {"items": schema}, "required": ["items"]}


_ANY_OBJECT = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
}


def _text(view: View, fake: Faker, style: Style) -> str:
    if style == "echo":
        return view.user or ""
    results = "".join(
        f"{result.name or 'The tool'}: {result.content[:_MOST_LETTERS]}\n"
        for result in view.tool_results
    )
    count = fake.random_int(2, 6)
    if style == "lorem":
        return " ".join(fake.sentence(ext_word_list=_LATIN) for _ in range(count))
    label = last_label(view)
    if label is not None:
        results = f"Thought: I can answer now.\n{label}: {results}"
    opening = fake.random_element(_OPENINGS)
    return results + opening + " ".join(fake.sentence(nb_words=10) for _ in range(count))


def _json(schema: Any, fake: Faker, prompt: str | None = None) -> str:
    value = _value(schema, fake, prompt)
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        # a const or an enum of the schema that is nested as deep as could only just be read
        return "{}"


def _value(schema: Any, fake: Faker, prompt: str | None) -> Any:
    from chatdouble.sources.fitting import Fitter
    from chatdouble.sources.hints import Hints

    return Fitter(schema, fake, Hints(prompt)).value()
