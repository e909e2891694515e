"""LlamaIndex: completions, chats, tools, programs for structured output, agents, an index."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

pytest.importorskip("llama_index.llms.openai")

from llama_index.core import Document, SummaryIndex, VectorStoreIndex
from llama_index.core.agent.workflow import (
    AgentStream,
    AgentWorkflow,
    FunctionAgent,
    ReActAgent,
    ToolCallResult,
)
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.llms import ChatMessage, ImageBlock, TextBlock
from llama_index.core.program import FunctionCallingProgram, LLMTextCompletionProgram
from llama_index.core.prompts import PromptTemplate
from llama_index.core.selectors import LLMMultiSelector, LLMSingleSelector
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai import OpenAI
from openai import AuthenticationError, BadRequestError, NotFoundError

from tests.clients.conftest import PIXEL, wait

TEXT = PromptTemplate("Write of {topic}")


class Song(BaseModel):
    """A song."""

    title: str
    seconds: int


class Album(BaseModel):
    """An album."""

    name: str
    artist: str | None
    songs: list[Song]


def get_weather(city: str) -> str:
    """The weather of a city."""
    return "18 degrees"


def get_time(city: str) -> str:
    """The time in a city."""
    return "noon"


TOOLS = [FunctionTool.from_defaults(get_weather), FunctionTool.from_defaults(get_time)]


@pytest.fixture(params=["gpt-4o", "gpt-5-mini"])
def model(request: pytest.FixtureRequest, base_url: str) -> Any:
    return model_at(base_url, model=request.param)


def model_at(base_url: str, **more: Any) -> Any:
    asked = {"model": "gpt-4o", "max_retries": 0, **more}
    return OpenAI(api_base=base_url, api_key="any", **asked)


def test_a_completion_and_its_usage(model: Any) -> None:
    said = model.complete("Hello")
    assert said.text
    assert said.raw.usage.total_tokens > 0


def test_a_stream_says_what_the_body_says(model: Any) -> None:
    asked = [ChatMessage(role="system", content="Be brief."), ChatMessage("Hello")]
    *_, last = model.stream_chat(asked)
    assert last.message.content == model.chat(asked).message.content
    *_, last = model.stream_complete("Hello")
    assert last.text == model.complete("Hello").text


def test_without_blocking(model: Any) -> None:
    async def main() -> tuple[str, str]:
        whole = await model.achat([ChatMessage("Hello")])
        text = ""
        async for one in await model.astream_chat([ChatMessage("Hello")]):
            text += one.delta
        return whole.message.content, text

    whole, text = wait(main())
    assert whole == text


def test_a_call_of_a_tool(model: Any) -> None:
    said = model.chat_with_tools(TOOLS, user_msg="What is the weather in Paris?")
    (made,) = model.get_tool_calls_from_response(said)
    assert made.tool_name == "get_weather"
    assert made.tool_kwargs.keys() == {"city"}
    both = model.chat_with_tools(
        TOOLS, user_msg="Use get_weather and get_time", allow_parallel_tool_calls=True
    )
    assert len(model.get_tool_calls_from_response(both)) == 2


def test_predict_and_call(model: Any) -> None:
    said = model.predict_and_call(TOOLS, user_msg="What is the weather in Paris?")
    assert said.response == "18 degrees"


def test_streamed_calls_of_tools(model: Any) -> None:
    chunks = list(
        model.stream_chat_with_tools(
            TOOLS, user_msg="Use get_weather and get_time", allow_parallel_tool_calls=True
        )
    )
    made = model.get_tool_calls_from_response(chunks[-1])
    assert [one.tool_name for one in made] == ["get_weather", "get_time"]


@pytest.mark.parametrize("strict", [False, True])
def test_structured_output(model: Any, strict: bool) -> None:
    model.strict = strict
    assert isinstance(model.structured_predict(Album, TEXT, topic="bears"), Album)
    as_model = model.as_structured_llm(Album)
    assert isinstance(as_model.complete("Write of bears").raw, Album)
    *_, last = as_model.stream_chat([ChatMessage("Write of bears")])
    assert isinstance(last.raw, Album)
    assert isinstance(wait(as_model.achat([ChatMessage("Write")])).raw, Album)


def test_structured_output_in_a_stream(model: Any) -> None:
    *_, last = model.stream_structured_predict(Album, TEXT, topic="bears")
    assert Album.model_validate(last.model_dump())


def test_a_program_of_words_alone(model: Any) -> None:
    program = LLMTextCompletionProgram.from_defaults(
        output_cls=Album, prompt_template_str="Write of {topic}", llm=model
    )
    assert isinstance(program(topic="bears"), Album)


def test_a_program_of_several_objects(model: Any) -> None:
    program = FunctionCallingProgram.from_defaults(
        output_cls=Album,
        prompt_template_str="Write of {topic}",
        llm=model,
        allow_parallel_tool_calls=True,
    )
    made = program(topic="bears")
    assert all(isinstance(one, Album) for one in (made if isinstance(made, list) else [made]))


@pytest.mark.parametrize("streaming", [False, True], ids=["body", "stream"])
def test_a_function_agent(model: Any, streaming: bool) -> None:
    agent = FunctionAgent(tools=TOOLS, llm=model, system_prompt="Be brief.", streaming=streaming)

    async def main() -> tuple[str, list[Any]]:
        handler = agent.run("Use get_weather and get_time for Paris", max_iterations=5)
        events = [event async for event in handler.stream_events()]
        return str(await handler), events

    said, events = wait(main())
    assert "18 degrees" in said
    assert "noon" in said
    assert len([one for one in events if isinstance(one, ToolCallResult)]) == 2
    if streaming:
        pieces = [one.delta for one in events if isinstance(one, AgentStream)]
        assert "18 degrees" in "".join(pieces)


def test_a_react_agent(model: Any) -> None:
    agent = ReActAgent(tools=TOOLS, llm=model)

    async def main() -> str:
        return str(await agent.run("What is the weather in Paris?", max_iterations=5))

    assert wait(main())


def test_agents_that_hand_over(model: Any) -> None:
    writer = FunctionAgent(name="writer", description="Writes", llm=model, tools=[])
    planner = FunctionAgent(
        name="planner", description="Plans", llm=model, tools=[], can_handoff_to=["writer"]
    )

    async def main() -> str:
        flow = AgentWorkflow(agents=[planner, writer], root_agent="planner")
        return str(await flow.run("Handoff to the writer", max_iterations=8))

    assert wait(main())


def test_an_agent_with_structured_output(model: Any) -> None:
    agent = FunctionAgent(tools=TOOLS, llm=model, output_cls=Album)

    async def main() -> Any:
        return await agent.run("What is the weather in Paris?", max_iterations=5)

    assert wait(main()).get_pydantic_model(Album)


def test_questions_to_an_index(model: Any) -> None:
    documents = [Document(text="Paris is warm."), Document(text="Rome is old.")]
    vectors = VectorStoreIndex.from_documents(documents, embed_model=MockEmbedding(embed_dim=4))
    for mode in ("compact", "refine", "tree_summarize", "simple_summarize", "accumulate"):
        assert str(vectors.as_query_engine(llm=model, response_mode=mode).query("Where?"))
    assert str(SummaryIndex.from_documents(documents).as_query_engine(llm=model).query("What?"))
    stream = vectors.as_query_engine(llm=model, streaming=True).query("Where?")
    assert "".join(stream.response_gen)
    chat = vectors.as_chat_engine(llm=model, chat_mode="condense_plus_context")
    assert str(chat.chat("Where is it warm?"))
    assert str(chat.chat("And old?"))


def test_a_choice_between_engines(model: Any) -> None:
    choices = ["Facts of cities", "Songs of birds"]
    for selector in (LLMSingleSelector, LLMMultiSelector):
        made = selector.from_defaults(llm=model).select(choices, "Where is it warm?")
        assert {one.index for one in made.selections} <= {0, 1}


def test_a_chat_engine(model: Any) -> None:
    chat = SimpleChatEngine.from_defaults(llm=model)
    assert str(chat.chat("Hello"))
    assert "".join(chat.stream_chat("And then?").response_gen)
    assert len(chat.chat_history) == 4


def test_an_image(model: Any) -> None:
    picture = ImageBlock(image=PIXEL.encode(), image_mimetype="image/png")
    said = model.chat([ChatMessage(blocks=[TextBlock(text="What is it?"), picture])])
    assert said.message.content


def test_settings_are_taken(base_url: str) -> None:
    model = model_at(
        base_url,
        temperature=0.3,
        max_tokens=5,
        logprobs=True,
        top_logprobs=2,
        additional_kwargs={"seed": 3, "user": "me"},
    )
    said = model.chat([ChatMessage("Hello")])
    assert said.raw.choices[0].finish_reason == "length"
    assert len(said.logprobs) == 5


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, BadRequestError), (401, AuthenticationError), (404, NotFoundError)],
)
def test_errors_are_the_clients_own(failing_url: str, status: int, error: Any) -> None:
    model = model_at(failing_url)
    with pytest.raises(error):
        model.complete(f"Fail with {status}")
