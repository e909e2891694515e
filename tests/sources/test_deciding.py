"""Which tools a generated answer calls."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sources.test_generated import ask


def tool(name: str, description: str = "", **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


WEATHER = tool("get_weather", "Tells the current weather of a city", city={"type": "string"})
STOCK = tool("stockPrice", "The price of a share", symbol={"type": "string"})
MAIL = tool("send-mail", "Send a message to somebody", to={"type": "string"})
TOOLS = [MAIL, WEATHER, STOCK]


def called(text: str, tools: list[dict[str, Any]] = TOOLS, **fields: Any) -> list[str]:
    return [made.name for made in ask(text=text, tools=tools, **fields).tool_calls]


@pytest.mark.parametrize(
    ("prompt", "names"),
    [
        ("Call get_weather for Paris", ["get_weather"]),
        ("call GET WEATHER now", ["get_weather"]),
        ("first stockPrice, then get_weather", ["stockPrice", "get_weather"]),
        ("use the stock price and send mail", ["stockPrice", "send-mail"]),
        ("What is the weather like?", ["get_weather"]),
        ("Which shares went up?", ["stockPrice"]),
        ("Write a message", ["send-mail"]),
        ("Hm.", ["send-mail"]),
        ("the stockPrices", ["stockPrice"]),
    ],
)
def test_the_tools_that_are_named_or_else_the_one_that_fits_best(
    prompt: str, names: list[str]
) -> None:
    assert called(prompt) == names


def test_one_call_at_a_time_when_parallel_calls_are_off() -> None:
    both = "first stockPrice, then get_weather"
    assert called(both, parallel_tool_calls=False) == ["stockPrice"]


def test_a_name_within_another_word_is_no_name() -> None:
    tools = [tool("other"), tool("search")]
    assert called("my research and another", tools) == ["other"]


def history(*names: str, text: str = "x", answer: str = "18 degrees") -> list[dict[str, Any]]:
    """A user message, and rounds in which a tool was called and gave its result."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": text}]
    for number, name in enumerate(names):
        function = {"name": name, "arguments": "{}"}
        made = {"id": f"call_{number}", "type": "function", "function": function}
        messages += [
            {"role": "assistant", "content": None, "tool_calls": [made]},
            {"role": "tool", "tool_call_id": f"call_{number}", "content": answer},
        ]
    return messages


def test_after_a_result_comes_a_text_that_tells_it() -> None:
    reply = ask(messages=history("get_weather"), tools=TOOLS)
    assert not reply.tool_calls
    assert "get_weather: 18 degrees" in (reply.content or "")


def test_a_new_user_turn_starts_over() -> None:
    again = [*history("get_weather"), {"role": "assistant", "content": "It is 18 degrees."}]
    again.append({"role": "user", "content": "And the weather tomorrow?"})
    assert [made.name for made in ask(messages=again, tools=TOOLS).tool_calls] == ["get_weather"]


def test_required_prefers_a_named_tool_and_then_the_last_one_not_called_yet() -> None:
    assert called("the stock price, please", tool_choice="required") == ["stockPrice"]
    for names, expected in (
        (("get_weather",), "stockPrice"),
        (("get_weather", "stockPrice"), "send-mail"),
        (("get_weather", "send-mail", "stockPrice"), "stockPrice"),
    ):
        reply = ask(messages=history(*names), tools=TOOLS, tool_choice="required")
        assert [made.name for made in reply.tool_calls] == [expected]
    messages = history("get_weather", text="get_weather, then send-mail")
    reply = ask(messages=messages, tools=TOOLS, tool_choice="required")
    assert [made.name for made in reply.tool_calls] == ["send-mail"]


def test_the_tool_that_ends_a_run_is_reached_past_many_others() -> None:
    # agents offer it last, require a call each time, and fail when there is none
    tools = [*(tool(f"tool_{number}") for number in range(30)), tool("final_result")]
    names: list[str] = []
    while "final_result" not in names:
        reply = ask(messages=history(*names), tools=tools, tool_choice="required")
        names += [made.name for made in reply.tool_calls]
    assert len(names) == 2


@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "function": {"name": "get_weather"}}]
)
def test_every_loop_ends(choice: Any) -> None:
    asked = {"tools": TOOLS, "tool_choice": choice, "most_rounds": 3}
    assert ask(messages=history(*["get_weather"] * 2), **asked).tool_calls
    assert not ask(messages=history(*["get_weather"] * 3), **asked).tool_calls


def test_legacy_functions_are_called_and_end_too() -> None:
    functions = [one["function"] for one in TOOLS]
    (made,) = ask(text="the weather", functions=functions).tool_calls
    assert made.name == "get_weather"
    messages = [
        {"role": "user", "content": "the weather"},
        {
            "role": "assistant",
            "content": None,
            "function_call": {"name": "get_weather", "arguments": "{}"},
        },
        {"role": "function", "name": "get_weather", "content": "sunny"},
    ]
    reply = ask(messages=messages, functions=functions)
    assert "sunny" in (reply.content or "")


def test_tools_come_before_the_json_that_is_wanted() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    assert called("the weather", response_format=form) == ["get_weather"]
    reply = ask(messages=history("get_weather"), tools=TOOLS, response_format=form)
    assert isinstance(json.loads(reply.content or "")["a"], int)
