"""Which tools a generated reply calls, and why."""

from __future__ import annotations

import re
from functools import lru_cache

from msgspec import Struct

from chatdouble.calls import Tool, View

# words that say nothing about what a tool is for
_EMPTY_WORDS = (
    "a an and are as at be by can do for from get has have how i in is it me my of on or please "
    "that the this to use using was what when where which who will with you your"
)
_EMPTY = frozenset(_EMPTY_WORDS.split())
_WORD = re.compile(r"[^\W_]+")
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+|[^\W\d_a-zA-Z]+")

# a prompt is looked through up to here
_MOST_LETTERS = 20_000


class Decision(Struct, frozen=True):
    """The tools that are called, in order, and why these or none."""

    tools: tuple[Tool, ...]
    because: str


def decide(view: View, most_rounds: int) -> Decision:
    """Which tools to call.

    Args:
        view: the request.
        most_rounds: after so many rounds of calls since the last user message there is no further
            one, so that every loop ends.
    """
    if not view.tools or view.tool_choice == "none":
        return Decision((), "no tool may be called" if view.tools else "there are no tools")
    if view.rounds >= most_rounds:
        return Decision((), f"tools were called in {view.rounds} rounds already")
    if isinstance(view.tool_choice, tuple):
        chosen = next((one for one in view.tools if one.name in view.tool_choice), None)
        return Decision((chosen or Tool(view.tool_choice[0]),), "tool_choice names it")
    if view.tool_choice == "required":
        return _required(view)
    if view.answered or view.tool_results:
        return Decision((), "the tools gave their results")
    return _fitting(view, view.tools)


def _required(view: View) -> Decision:
    called = {made.name for made in view.answered}
    fresh = tuple(tool for tool in view.tools if tool.name not in called)
    if not fresh:
        return Decision((view.tools[-1],), "a call is required, and all tools were called")
    if not called:
        found = _fitting(view, fresh)
    else:
        # agents that end their runs with a call offer the tool for it last
        found = _named(view, fresh) or Decision(fresh[-1:], "it is the last one not called yet")
    return Decision(found.tools, f"a call is required, and {found.because}")


def _fitting(view: View, tools: tuple[Tool, ...]) -> Decision:
    """The tools that the prompt names, else the one that fits its words best."""
    found = _named(view, tools)
    if found is not None:
        return found
    words = _words((view.user or "")[:_MOST_LETTERS])
    scores = [_score(tool, words) for tool in tools]
    best = max(scores)
    if not best:
        return Decision(tools[:1], "it is the first")
    return Decision((tools[scores.index(best)],), "it fits the prompt's words best")


def _named(view: View, tools: tuple[Tool, ...]) -> Decision | None:
    """The tools that the prompt names, in its order; None if it names none."""
    prompt = (view.user or "")[:_MOST_LETTERS]
    found = ((_mention(tool.name).search(prompt), tool) for tool in tools)
    named = [(mention.start(), tool) for mention, tool in found if mention]
    if not named:
        return None
    in_order = [tool for _, tool in sorted(named, key=lambda one: one[0])]
    return Decision(
        tuple(in_order if view.parallel else in_order[:1]),
        "the prompt names it" if len(named) == 1 else "the prompt names them",
    )


@lru_cache(maxsize=512)
def _mention(name: str) -> re.Pattern[str]:
    """Finds a tool's name in a text, also with spaces for its underscores or humps."""
    parts = _PART.findall(name)
    spelled = r"[\s_-]*".join(map(re.escape, parts)) if parts else re.escape(name)
    return re.compile(rf"(?<!\w)(?:{re.escape(name)}|{spelled})(?!\w)", re.IGNORECASE)


def _score(tool: Tool, words: frozenset[str]) -> int:
    parameters = tool.parameters if isinstance(tool.parameters, dict) else {}
    properties = parameters.get("properties")
    names = " ".join(map(str, properties)) if isinstance(properties, dict) else ""
    return (
        4 * len(words & _words(tool.name))
        + 2 * len(words & _words(names))
        + len(words & _words(tool.description))
    )


def _words(text: str) -> frozenset[str]:
    """The words of a text that say something, without a plural's ending."""
    words = _WORD.findall(text[:_MOST_LETTERS])
    parts = (part.lower() for word in words for part in _PART.findall(word))
    return frozenset(
        part.removesuffix("s") if len(part) > 3 else part for part in parts if part not in _EMPTY
    )
