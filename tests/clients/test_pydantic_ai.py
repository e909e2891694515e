"""pydantic-ai: agents with tools and each of its ways to structured output."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

pydantic_ai = pytest.importorskip("pydantic_ai")
pytest.importorskip("pydantic_ai.models.openai")

from pydantic_ai import (  # noqa: E402
    Agent,
    ModelHTTPError,
    ModelRetry,
    NativeOutput,
    PromptedOutput,
    RunContext,
    StructuredDict,
    TextOutput,
    Tool,
    ToolOutput,
    UsageLimitExceeded,
    UsageLimits,
)
from pydantic_ai.models.openai import OpenAIChatModel  # noqa: E402
from pydantic_ai.providers.openai import OpenAIProvider  # noqa: E402

from tests.clients.conftest import wait  # noqa: E402


class Street(BaseModel):
    name: str
    numbers: list[int] = Field(max_length=3)


class City(BaseModel):
    """A city."""

    name: str
    inhabitants: Annotated[int, Field(ge=1)]
    founded: date
    side: Literal["left", "right"]
    streets: list[Street]
    motto: str | None = None


class Village(BaseModel):
    """A village."""

    name: str
    cows: int


class Pair(TypedDict):
    left: str
    right: int


def shout(text: str) -> str:
    return text.upper()


@pytest.fixture(params=["gpt-4o", "gpt-5-mini", "my-own-model"])
def model(request: pytest.FixtureRequest, base_url: str) -> Any:
    return model_at(base_url, request.param)


def model_at(base_url: str, name: str = "gpt-4o") -> Any:
    return OpenAIChatModel(name, provider=OpenAIProvider(base_url=base_url, api_key="any"))


def run(agent: Any, prompt: Any, **more: Any) -> Any:
    return wait(agent.run(prompt, **more))


def test_a_text_and_its_usage(model: Any) -> None:
    result = Agent(model, instructions="Be brief.").run_sync("Hello")
    assert result.output
    usage = result.usage() if callable(result.usage) else result.usage
    assert usage.requests == 1
    assert usage.input_tokens > 0
    assert usage.output_tokens > 0


def test_a_streamed_text(model: Any) -> None:
    agent = Agent(model)

    async def main() -> tuple[str, list[str]]:
        async with agent.run_stream("Hello") as result:
            pieces = [piece async for piece in result.stream_text(delta=True, debounce_by=None)]
            return await result.get_output(), pieces

    output, pieces = wait(main())
    assert len(pieces) > 5
    assert "".join(pieces) == output == run(agent, "Hello").output


def test_a_tool_is_called_and_its_result_told(model: Any) -> None:
    agent = Agent(model)
    asked = []

    @agent.tool_plain
    def get_weather(city: str) -> str:
        """The weather of a city."""
        asked.append(city)
        return "18 degrees"

    result = run(agent, "What is the weather in Paris?", usage_limits=UsageLimits(request_limit=3))
    assert len(asked) == 1
    assert "18 degrees" in result.output


def test_a_tool_in_a_stream(model: Any) -> None:
    agent = Agent(model)

    @agent.tool
    async def get_weather(ctx: RunContext[None], city: str) -> dict[str, int]:
        """The weather of a city."""
        return {"degrees": 18}

    async def main() -> str:
        async with agent.run_stream("What is the weather in Paris?") as result:
            return str(await result.get_output())

    assert '"degrees":18' in wait(main())


def test_the_events_of_a_run(model: Any) -> None:
    agent = Agent(model)

    @agent.tool_plain
    def get_weather(city: str) -> str:
        """The weather of a city."""
        return "18 degrees"

    async def main() -> list[str]:
        seen = []

        async def handle(ctx: Any, events: AsyncIterator[Any]) -> None:
            async for event in events:
                seen.append(event.event_kind)

        await agent.run("What is the weather in Paris?", event_stream_handler=handle)
        return seen

    seen = wait(main())
    assert "function_tool_call" in seen
    assert "function_tool_result" in seen
    assert seen.count("part_delta") > 5


def test_tools_side_by_side(model: Any) -> None:
    agent = Agent(model)
    called = []

    @agent.tool_plain
    def get_weather(city: str) -> str:
        called.append("weather")
        return "18 degrees"

    @agent.tool_plain
    def get_time(city: str) -> str:
        called.append("time")
        return "noon"

    result = run(agent, "Use get_weather and get_time for Paris")
    assert sorted(called) == ["time", "weather"]
    assert "18 degrees" in result.output
    assert "noon" in result.output


def test_a_tool_that_wants_another_try(model: Any) -> None:
    agent = Agent(model, retries=3)
    tries = []

    @agent.tool_plain
    def get_weather(city: str) -> str:
        tries.append(city)
        if len(tries) == 1:
            raise ModelRetry("Say the country, too.")
        return "18 degrees"

    result = run(agent, "What is the weather?", usage_limits=UsageLimits(request_limit=8))
    assert result.output


OUTPUTS = [
    pytest.param(City, City, id="model"),
    pytest.param(ToolOutput(City, name="city"), City, id="tool"),
    pytest.param(NativeOutput(City), City, id="native"),
    pytest.param(PromptedOutput(City), City, id="prompted"),
    pytest.param([City, Village], (City, Village), id="either"),
    pytest.param(NativeOutput([City, Village]), (City, Village), id="native-either"),
    pytest.param(PromptedOutput([City, Village]), (City, Village), id="prompted-either"),
    pytest.param(Pair, dict, id="typed-dict"),
    pytest.param(list[City], list, id="list"),
    pytest.param(dict[str, int], dict, id="dict"),
    pytest.param(bool, bool, id="bool"),
    pytest.param(int, int, id="int"),
    pytest.param([City, str], (City, str), id="or-text"),
    pytest.param(City | None, (City, type(None)), id="optional"),
    pytest.param(Literal["good", "bad"], str, id="literal"),
    pytest.param(TextOutput(shout), str, id="text-function"),
]


@pytest.mark.parametrize(("output", "kind"), OUTPUTS)
@pytest.mark.parametrize("stream", [False, True], ids=["body", "stream"])
def test_structured_output(model: Any, output: Any, kind: Any, stream: bool) -> None:
    agent = Agent(model, output_type=output)

    async def main() -> Any:
        if not stream:
            return (await agent.run("Tell me of Paris")).output
        async with agent.run_stream("Tell me of Paris") as result:
            return await result.get_output()

    assert isinstance(wait(main()), kind)


def test_a_dict_with_a_schema(model: Any) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
    }
    output = run(Agent(model, output_type=StructuredDict(schema, name="Person")), "Somebody").output
    assert isinstance(output["age"], int)


@pytest.mark.parametrize("output", [City, NativeOutput(City), PromptedOutput(City)])
def test_tools_come_before_structured_output(model: Any, output: Any) -> None:
    agent = Agent(model, output_type=output)
    called = []

    @agent.tool_plain
    def get_weather(city: str) -> str:
        called.append(city)
        return "18 degrees"

    result = run(agent, "get weather for Paris", usage_limits=UsageLimits(request_limit=5))
    assert isinstance(result.output, City)
    assert len(called) == 1


def test_many_tools_before_structured_output(model: Any) -> None:
    def make(number: int) -> Tool[None]:
        return Tool(shout, name=f"tool_{number}")

    agent = Agent(model, output_type=City, tools=[make(number) for number in range(30)])
    assert isinstance(run(agent, "Tell me of Paris").output, City)


def test_partial_objects_in_a_stream(model: Any) -> None:
    agent = Agent(model, output_type=NativeOutput(City))

    async def main() -> list[Any]:
        async with agent.run_stream("Tell me of Paris") as result:
            return [one async for one in result.stream_output(debounce_by=None)]

    partial = wait(main())
    assert isinstance(partial[-1], City)


def test_an_output_validator_that_asks_again(model: Any) -> None:
    agent = Agent(model, output_type=City, retries=2)
    tries = []

    @agent.output_validator
    def check(city: City) -> City:
        tries.append(city)
        if len(tries) == 1:
            raise ModelRetry("Another one, please.")
        return city

    assert isinstance(run(agent, "Tell me of Paris").output, City)
    assert len(tries) == 2


def test_a_conversation_goes_on(model: Any) -> None:
    agent = Agent(model)

    @agent.tool_plain
    def get_weather(city: str) -> str:
        return "18 degrees"

    first = run(agent, "What is the weather in Paris?")
    second = run(agent, "And the weather in Rome?", message_history=first.all_messages())
    assert "18 degrees" in second.output
    assert len(second.new_messages()) == 4


def test_an_agent_asks_another(model: Any) -> None:
    other = Agent(model, output_type=list[str])
    agent = Agent(model)

    @agent.tool
    async def tell_jokes(ctx: RunContext[None], count: int) -> list[str]:
        """Tells jokes."""
        return list((await other.run(f"{count} jokes", usage=ctx.usage)).output)

    result = run(agent, "Tell jokes", usage_limits=UsageLimits(request_limit=5))
    assert result.output


def test_limits_of_usage(model: Any) -> None:
    agent = Agent(model)
    with pytest.raises(UsageLimitExceeded):
        run(agent, "Hello", usage_limits=UsageLimits(output_tokens_limit=1))


def test_settings_are_taken(base_url: str) -> None:
    agent = Agent(model_at(base_url))
    settings: Any = {
        "max_tokens": 5,
        "temperature": 0.2,
        "top_p": 0.9,
        "seed": 1,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.1,
        "stop_sequences": ["\n"],
        "openai_logprobs": True,
        "openai_top_logprobs": 2,
        "openai_user": "me",
        "openai_service_tier": "auto",
    }
    result = run(agent, "Hello", model_settings=settings)
    assert result.response.finish_reason == "length"
    assert result.response.provider_details["logprobs"]


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
def test_errors_are_the_clients_own(failing_url: str, status: int) -> None:
    from openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=failing_url, api_key="any", max_retries=0)
    model = OpenAIChatModel("gpt-4o", provider=OpenAIProvider(openai_client=client))
    with pytest.raises(ModelHTTPError) as caught:
        run(Agent(model), f"Fail with {status}")
    assert caught.value.status_code == status


def test_a_fallback_model_takes_over(base_url: str, failing_url: str) -> None:
    from openai import AsyncOpenAI
    from pydantic_ai.models.fallback import FallbackModel

    client = AsyncOpenAI(base_url=failing_url, api_key="any", max_retries=0)
    failing = OpenAIChatModel("gpt-4o", provider=OpenAIProvider(openai_client=client))
    agent = Agent(FallbackModel(failing, model_at(base_url)))
    assert run(agent, "Fail with 500").output
