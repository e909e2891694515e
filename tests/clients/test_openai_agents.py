"""openai-agents on chat completions: runs, streams, handoffs, guardrails, structured output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel

agents = pytest.importorskip("agents")

from agents import (  # noqa: E402
    Agent,
    GuardrailFunctionOutput,
    InputGuardrailTripwireTriggered,
    ItemHelpers,
    ModelSettings,
    OpenAIChatCompletionsModel,
    RunConfig,
    RunContextWrapper,
    Runner,
    function_tool,
    input_guardrail,
    output_guardrail,
)
from openai import AsyncOpenAI, AuthenticationError, BadRequestError, NotFoundError  # noqa: E402

QUIET = RunConfig(tracing_disabled=True)

from tests.clients.conftest import PIXEL, wait  # noqa: E402


class City(BaseModel):
    name: str
    inhabitants: int
    sights: list[str]


@dataclass
class Weather:
    degrees: int
    windy: bool


@function_tool
def get_weather(city: str) -> str:
    """The weather of a city.

    Args:
        city: where
    """
    return "18 degrees"


# with a default, which the API does not take of strict tools
@function_tool(strict_mode=False)
async def get_time(ctx: RunContextWrapper[Any], city: str, precise: bool = False) -> str:
    """The time in a city."""
    return "noon"


@pytest.fixture(params=["gpt-4o", "gpt-5-mini", "my-own-model"])
def model(request: pytest.FixtureRequest, base_url: str) -> Any:
    return model_at(base_url, request.param)


def model_at(base_url: str, name: str = "gpt-4o") -> Any:
    client = AsyncOpenAI(base_url=base_url, api_key="any", max_retries=0)
    return OpenAIChatCompletionsModel(model=name, openai_client=client)


def run(agent: Any, asked: Any, **more: Any) -> Any:
    return wait(Runner.run(agent, asked, run_config=QUIET, **more))


def stream(agent: Any, asked: Any, **more: Any) -> tuple[Any, list[Any]]:
    async def main() -> tuple[Any, list[Any]]:
        result = Runner.run_streamed(agent, asked, run_config=QUIET, **more)
        return result, [event async for event in result.stream_events()]

    return wait(main())


def test_a_text_and_its_usage(model: Any) -> None:
    result = run(Agent(name="A", instructions="Be brief.", model=model), "Hello")
    assert isinstance(result.final_output, str)
    usage = result.context_wrapper.usage
    assert usage.requests == 1
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens > 0


def test_a_streamed_text_and_its_usage(model: Any) -> None:
    agent = Agent(name="A", model=model, model_settings=ModelSettings(include_usage=True))
    result, events = stream(agent, "Hello")
    pieces = [
        event.data.delta
        for event in events
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta"
    ]
    assert "".join(pieces) == result.final_output == run(agent, "Hello").final_output
    assert result.context_wrapper.usage.total_tokens > 0


def test_a_tool_is_called_and_its_result_told(model: Any) -> None:
    agent = Agent(name="A", model=model, tools=[get_weather])
    result = run(agent, "What is the weather in Paris?", max_turns=3)
    assert "18 degrees" in result.final_output
    kinds = [item.type for item in result.new_items]
    assert kinds == ["tool_call_item", "tool_call_output_item", "message_output_item"]


def test_tools_in_a_stream_side_by_side(model: Any) -> None:
    agent = Agent(name="A", model=model, tools=[get_weather, get_time])
    result, events = stream(agent, "Use get_weather and get_time for Paris", max_turns=3)
    assert "18 degrees" in result.final_output
    assert "noon" in result.final_output
    names = [event.name for event in events if event.type == "run_item_stream_event"]
    assert names.count("tool_called") == 2
    assert names.count("tool_output") == 2


@pytest.mark.parametrize("kind", [City, Weather, list[City], dict[str, int], int])
@pytest.mark.parametrize("streamed", [False, True], ids=["body", "stream"])
def test_structured_output(model: Any, kind: Any, streamed: bool) -> None:
    strict = kind not in (dict[str, int],)
    output = agents.AgentOutputSchema(kind, strict_json_schema=strict)
    agent = Agent(name="A", model=model, output_type=output)
    result = stream(agent, "Tell me")[0] if streamed else run(agent, "Tell me")
    assert isinstance(result.final_output, getattr(kind, "__origin__", kind))


def test_tools_come_before_structured_output(model: Any) -> None:
    agent = Agent(name="A", model=model, tools=[get_weather], output_type=City)
    result = run(agent, "What is the weather in Paris?", max_turns=3)
    assert isinstance(result.final_output, City)
    assert any(item.type == "tool_call_item" for item in result.new_items)


@pytest.mark.parametrize("choice", ["required", "get_weather"])
def test_a_forced_call_is_forced_once(model: Any, choice: str) -> None:
    agent = Agent(
        name="A",
        model=model,
        tools=[get_weather, get_time],
        model_settings=ModelSettings(tool_choice=choice),
    )
    result = run(agent, "What is the weather in Paris?", max_turns=3)
    assert "18 degrees" in result.final_output


def test_a_call_that_is_required_each_time_ends_too(model: Any) -> None:
    agent = Agent(
        name="A",
        model=model,
        tools=[get_weather],
        model_settings=ModelSettings(tool_choice="required"),
        reset_tool_choice=False,
    )
    assert run(agent, "What is the weather in Paris?", max_turns=20).final_output


def test_a_tool_whose_result_is_the_answer(model: Any) -> None:
    agent = Agent(
        name="A", model=model, tools=[get_weather], tool_use_behavior="stop_on_first_tool"
    )
    assert run(agent, "What is the weather?", max_turns=2).final_output == "18 degrees"


def test_a_handoff(model: Any) -> None:
    spanish = Agent(name="Spanish agent", instructions="Speak Spanish.", model=model)
    english = Agent(name="English agent", instructions="Speak English.", model=model)
    triage = Agent(name="Triage", model=model, handoffs=[spanish, english])
    result = run(triage, "Transfer to spanish agent", max_turns=4)
    assert result.last_agent is spanish
    assert result.final_output


def test_an_agent_as_a_tool(model: Any) -> None:
    other = Agent(name="Translator", instructions="Translate.", model=model)
    tool = other.as_tool(tool_name="translate", tool_description="Translates a text")
    result = run(Agent(name="A", model=model, tools=[tool]), "Translate good morning", max_turns=4)
    outputs = [item.output for item in result.new_items if item.type == "tool_call_output_item"]
    assert len(outputs) == 1
    assert outputs[0][:20] in result.final_output


def test_a_conversation_goes_on(model: Any) -> None:
    agent = Agent(name="A", model=model, tools=[get_weather])
    first = run(agent, "What is the weather in Paris?", max_turns=3)
    asked = [*first.to_input_list(), {"role": "user", "content": "And in Rome?"}]
    second = run(agent, asked, max_turns=3)
    assert "18 degrees" in ItemHelpers.text_message_outputs(second.new_items)


def test_a_session_keeps_the_conversation(model: Any) -> None:
    agent = Agent(name="A", model=model, tools=[get_weather])
    session = agents.SQLiteSession("one")

    async def main() -> list[Any]:
        for text in ("What is the weather in Paris?", "And in Rome?"):
            await Runner.run(agent, text, session=session, run_config=QUIET, max_turns=3)
        return list(await session.get_items())

    assert len(wait(main())) == 8


def test_guardrails(model: Any) -> None:
    judge = Agent(name="Judge", model=model, output_type=Weather)

    @input_guardrail
    async def check(ctx: Any, agent: Any, asked: Any) -> Any:
        judged = await Runner.run(judge, asked, context=ctx.context, run_config=QUIET)
        return GuardrailFunctionOutput(
            output_info=judged.final_output,
            tripwire_triggered=isinstance(judged.final_output, Weather),
        )

    @output_guardrail
    async def passing(ctx: Any, agent: Any, output: Any) -> Any:
        return GuardrailFunctionOutput(output_info=None, tripwire_triggered=False)

    guarded = Agent(name="A", model=model, input_guardrails=[check], output_guardrails=[passing])
    with pytest.raises(InputGuardrailTripwireTriggered):
        run(guarded, "Hello")
    assert run(Agent(name="A", model=model, output_guardrails=[passing]), "Hello").final_output


def test_settings_are_taken(base_url: str) -> None:
    settings = ModelSettings(
        temperature=0.3,
        top_p=0.9,
        frequency_penalty=0.1,
        presence_penalty=0.1,
        max_tokens=20,
        store=True,
        metadata={"a": "b"},
        parallel_tool_calls=False,
        include_usage=True,
        top_logprobs=2,
    )
    agent = Agent(name="A", model=model_at(base_url), tools=[get_weather], model_settings=settings)
    result, _ = stream(agent, "What is the weather in Paris?", max_turns=3)
    assert result.final_output


def test_an_image(model: Any) -> None:
    image = {
        "type": "input_image",
        "image_url": f"data:image/png;base64,{PIXEL}",
        "detail": "auto",
    }
    asked = [{"role": "user", "content": [{"type": "input_text", "text": "What is it?"}, image]}]
    assert run(Agent(name="A", model=model), asked).final_output


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, BadRequestError), (401, AuthenticationError), (404, NotFoundError)],
)
def test_errors_are_the_clients_own(failing_url: str, status: int, error: Any) -> None:
    with pytest.raises(error):
        run(Agent(name="A", model=model_at(failing_url)), f"Fail with {status}")
