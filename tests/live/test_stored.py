"""Stored chat completions: the real openai client over real sockets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import openai
import pytest

from chatdouble import Pace, Server, Session, call, refusal
from chatdouble.sources.generated import Generated
from chatdouble.sources.scripted import Scripted
from chatdouble.sources.source import Contract
from chatdouble.sources.stored import Stored
from tests.conftest import SHARED, Raw, until

HELLO: Any = [{"role": "user", "content": "Hello"}]
CHAT = "/v1/chat/completions"


@pytest.fixture
def client(chatdouble: Session) -> Iterator[openai.OpenAI]:
    chatdouble.on(user="Hello", optional=True).reply("Hi there!")
    with openai.OpenAI(
        base_url=chatdouble.base_url,
        api_key="any",
        max_retries=0,
        _strict_response_validation=True,
    ) as made:
        yield made


def create(client: openai.OpenAI, **options: Any) -> str:
    options = {"model": "gpt-4o-mini", "messages": HELLO, "store": True} | options
    made: str = client.chat.completions.create(**options).id
    return made


def test_a_stored_completion_can_be_retrieved_at_once(client: openai.OpenAI) -> None:
    made = client.chat.completions.create(
        model="gpt-4o-mini", messages=HELLO, store=True, metadata={"suite": "a"}, temperature=0.5
    )
    got = client.chat.completions.retrieve(made.id)
    assert (got.id, got.created, got.model) == (made.id, made.created, "gpt-4o-mini-2024-07-18")
    assert got.choices[0].message.content == "Hi there!"
    assert got.choices[0].finish_reason == "stop"
    assert got.usage
    assert made.usage
    assert got.usage.total_tokens == made.usage.total_tokens
    extra = got.to_dict()
    assert extra["request_id"] == made._request_id
    assert extra["temperature"] == 0.5
    assert extra["metadata"] == {"suite": "a"}


@pytest.mark.parametrize("store", [None, False])
def test_what_is_not_to_be_stored_is_not(client: openai.OpenAI, store: bool | None) -> None:
    made = create(client, store=store)
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.retrieve(made)
    assert caught.value.body == {
        "message": f"Completion {made} not found",
        "type": "invalid_request_error",
        "param": "completion_id",
        "code": "not_found",
    }
    assert client.chat.completions.list().data == []


@pytest.mark.chatdouble(assert_matched=False)
def test_errors_are_not_stored(chatdouble: Session, client: openai.OpenAI) -> None:
    chatdouble.on(user="fail").fail(500)
    with pytest.raises(openai.BadRequestError):
        create(client, temperature=7)
    with pytest.raises(openai.InternalServerError):
        create(client, messages=[{"role": "user", "content": "fail"}])
    with pytest.raises(openai.NotFoundError):
        create(client, messages=[{"role": "user", "content": "no rule"}])
    assert client.chat.completions.list().data == []


def test_a_streamed_completion_is_stored_as_the_whole_one(
    chatdouble: Session, client: openai.OpenAI
) -> None:
    chatdouble.on(user="tool").reply("Wait.", call("look", at="it"))
    said: Any = [{"role": "user", "content": "tool"}]
    tools: Any = [{"type": "function", "function": {"name": "look"}}]
    with client.chat.completions.stream(
        model="gpt-4o", messages=said, tools=tools, store=True
    ) as stream:
        streamed = stream.get_final_completion()
    got = client.chat.completions.retrieve(streamed.id)
    whole = client.chat.completions.retrieve(
        create(client, model="gpt-4o", messages=said, tools=tools)
    )
    assert streamed.choices[0].message.tool_calls
    assert got.choices[0].message.tool_calls
    made, kept = streamed.choices[0].message.tool_calls[0], got.choices[0].message.tool_calls[0]
    assert kept.id == made.id
    ours = got.model_dump()
    theirs = whole.model_dump()
    for one in (ours, theirs):
        one["choices"][0]["message"]["tool_calls"][0].pop("id")
        for key in ("id", "request_id", "seed"):
            one.pop(key)
    assert ours == theirs


def test_a_completion_whose_client_left_is_stored(chatdouble: Session) -> None:
    chatdouble.on().reply("One two three four", pace=Pace(first=0.01, each=30))
    with openai.OpenAI(base_url=chatdouble.base_url, api_key="x") as client:
        with client.chat.completions.create(
            model="gpt-4o", messages=HELLO, stream=True, store=True
        ) as stream:
            made = next(iter(stream)).id
        until(lambda: chatdouble.journal.exchanges[0].outcome == "client left")
        got = client.chat.completions.retrieve(made)
    assert got.choices[0].message.content == "One two three four"


def test_all_choices_are_stored_and_a_refusal_is_not_lost(
    chatdouble: Session, client: openai.OpenAI
) -> None:
    chatdouble.on(user="no").reply(refusal("I can't."))
    several = client.chat.completions.retrieve(create(client, n=3))
    assert [choice.index for choice in several.choices] == [0, 1, 2]
    refused = create(client, messages=[{"role": "user", "content": "no"}])
    message = client.chat.completions.retrieve(refused).choices[0].message
    assert (message.content, message.refusal) == (None, "I can't.")


def test_generated_answers_are_stored() -> None:
    with Server() as server:
        session = server.session("", (Contract(), Stored(), Generated()))
        with openai.OpenAI(base_url=session.base_url, api_key="x") as client:
            made = client.chat.completions.create(model="gpt-4o", messages=HELLO, store=True)
            got = client.chat.completions.retrieve(made.id)
    assert got.choices[0].message.content == made.choices[0].message.content


def test_the_list_pages_by_itself_newest_first_by_default(client: openai.OpenAI) -> None:
    made = [create(client) for _ in range(7)]
    completions = client.chat.completions
    assert [one.id for one in completions.list(limit=3)] == made[::-1]
    assert [one.id for one in completions.list(limit=3, order="desc")] == made[::-1]
    assert [one.id for one in completions.list(limit=3, order="asc")] == made
    page = completions.list(limit=3, order="asc", after=made[1])
    assert [one.id for one in page.data] == made[2:5]
    assert page.has_more
    assert not completions.list(limit=3, after=made[3]).has_more
    assert len(completions.list().data) == 7


def test_the_list_is_in_the_order_of_creation() -> None:
    """A real clock may be set back between two completions."""
    moments = iter([30, 10, 20])

    class Moving(Session):
        def now(self) -> int:
            return next(moments, 0)

    with Server() as server:
        session = Moving("", server.settings, (Contract(), Stored(), Scripted()))
        server._hub.add(session)
        session.on().reply("Hi.")
        with openai.OpenAI(base_url=f"{server.url}/v1", api_key="x") as client:
            for _ in range(3):
                create(client)
            listed = [one.created for one in client.chat.completions.list(order="asc")]
    assert listed == [10, 20, 30]


def test_the_list_is_filtered_by_model_and_by_all_metadata(client: openai.OpenAI) -> None:
    first = create(client, metadata={"team": "a", "run": "1"})
    second = create(client, metadata={"team": "a", "run": "2 & more=ü"})
    third = create(client, model="gpt-4o")

    def found(**filters: Any) -> list[str]:
        return [one.id for one in client.chat.completions.list(limit=1, order="asc", **filters)]

    assert found() == [first, second, third]
    assert found(metadata={"team": "a"}) == [first, second]
    assert found(metadata={"team": "a", "run": "2 & more=ü"}) == [second]
    assert found(metadata={"team": "a", "run": "3"}) == []
    assert found(model="gpt-4o-2024-08-06") == [third]
    assert found(model="gpt-4o-mini-2024-07-18", metadata={"run": "1"}) == [first]


def test_an_update_replaces_the_metadata(client: openai.OpenAI) -> None:
    made = create(client, metadata={"old": "1"})
    other = create(client)
    updated = client.chat.completions.update(made, metadata={"new": "2"})
    assert updated.to_dict()["metadata"] == {"new": "2"}
    assert client.chat.completions.retrieve(made) == updated
    assert [one.id for one in client.chat.completions.list(order="asc")] == [made, other]
    assert client.chat.completions.list(metadata={"old": "1"}).data == []
    cleared = client.chat.completions.update(made, metadata=None)
    assert cleared.to_dict()["metadata"] == {}


def test_a_deleted_completion_is_gone(client: openai.OpenAI) -> None:
    made, left = create(client), create(client)
    gone = client.chat.completions.delete(made)
    assert (gone.id, gone.deleted, gone.object) == (made, True, "chat.completion.deleted")
    for attempt in (
        lambda: client.chat.completions.retrieve(made),
        lambda: client.chat.completions.update(made, metadata={}),
        lambda: client.chat.completions.delete(made),
        lambda: client.chat.completions.messages.list(made),
    ):
        with pytest.raises(openai.NotFoundError, match=f"Completion {made} not found"):
            attempt()
    assert [one.id for one in client.chat.completions.list()] == [left]


def test_the_messages_of_a_request_are_told_page_by_page(chatdouble: Session) -> None:
    chatdouble.on().reply("Hi.")
    conversation: Any = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "name": "ann", "content": [{"type": "text", "text": "Whose?"}, IMAGE]},
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "Nobody's"},
        {"role": "user", "content": "So?"},
    ]
    # the client's own strict check would refuse every role but assistant
    with openai.OpenAI(base_url=chatdouble.base_url, api_key="x") as client:
        made = create(client, model="gpt-4o", messages=conversation)
        listed = client.chat.completions.messages.list
        found = list(listed(made, limit=2))
        assert [one.id for one in found] == [f"{made}-{number}" for number in range(5)]
        assert [one.id for one in listed(made, limit=2, order="desc")] == [
            one.id for one in reversed(found)
        ]
        assert [one.id for one in listed(made, after=f"{made}-3")] == [f"{made}-4"]
        assert listed(made, after=f"{made}-4").data == []
    roles = ["system", "user", "assistant", "tool", "user"]
    assert [str(one.role) for one in found] == roles
    assert (found[0].content, found[0].content_parts) == ("Be brief.", None)
    assert found[1].content == "Whose? "
    assert found[1].content_parts
    assert [part.type for part in found[1].content_parts] == ["text", "image_url"]
    assert found[1].to_dict()["name"] == "ann"
    assert found[2].content is None
    assert found[2].tool_calls
    assert found[2].tool_calls[0].id == "call_1"
    assert found[3].to_dict()["tool_call_id"] == "call_1"


IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}


def test_sessions_store_for_themselves_alone(chatdouble_server: Server) -> None:
    first, second = chatdouble_server.session(), chatdouble_server.session()
    first.on().reply("Hi.")
    with (
        openai.OpenAI(base_url=first.base_url, api_key="x") as one,
        openai.OpenAI(base_url=second.base_url, api_key="x") as other,
    ):
        made = create(one)
        assert other.chat.completions.list().data == []
        with pytest.raises(openai.NotFoundError):
            other.chat.completions.retrieve(made)
        assert one.chat.completions.retrieve(made).id == made
    chatdouble_server.drop(first)
    chatdouble_server.drop(second)


@pytest.mark.parametrize("bounds", [{"limit": 2}, {"byte_limit": 1700}])
def test_the_oldest_are_forgotten_beyond_the_bounds(bounds: dict[str, int]) -> None:
    with Server() as server:
        session = server.session("", (Contract(), Stored(**bounds), Scripted()))
        session.on().reply("Hi.")
        with openai.OpenAI(base_url=session.base_url, api_key="x") as client:
            made = [create(client) for _ in range(4)]
            left = [one.id for one in client.chat.completions.list(order="asc")]
            client.chat.completions.delete(made[3])
            made.append(create(client))
            assert client.chat.completions.retrieve(made[2]).id == made[2]
            client.chat.completions.update(made[4], metadata={"much": "x" * 400})
            after = [one.id for one in client.chat.completions.list(order="asc")]
    assert left == made[2:4]
    assert after == ([made[4]] if "byte_limit" in bounds else [made[2], made[4]])


SCHEMAS = SHARED / "openapi-chat.json"


@pytest.fixture(scope="session")
def fits() -> Callable[[str, Any], None]:
    """Check a document against a schema of the published description of the API."""
    if not SCHEMAS.is_file():
        pytest.skip(f"there is no published description at {SCHEMAS}")
    components = json.loads(SCHEMAS.read_text("utf-8"))["components"]

    def check(name: str, document: Any) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": components}
        jsonschema.Draft202012Validator(schema).validate(document)

    return check


def published(completion: Any) -> Any:
    """A stored completion with what the published description wants and recordings lack."""
    for choice in completion["choices"]:
        # the real API tells no refusal of null here, and says null for tool calls there are not
        message = {key: value for key, value in choice["message"].items() if value is not None}
        choice["message"] = {"content": None, "refusal": None} | message
    return completion


def test_documents_fit_the_published_schemas(
    chatdouble: Session, raw: Raw, fits: Callable[[str, Any], None]
) -> None:
    chatdouble.on(user="look").reply(call("look", at="it"))
    chatdouble.on().reply("Hi.")

    def got(method: str, path: str, body: Any = None) -> Any:
        response, answer = raw.send(method, path, json.dumps(body).encode() if body else None)
        assert response.status == 200
        return json.loads(answer)

    plain = {"model": "gpt-4o", "store": True, "messages": HELLO}
    tools = {"tools": [{"type": "function", "function": {"name": "look"}}], "tool_choice": "auto"}
    look = {"messages": [{"role": "user", "content": "look"}]}
    made = [got("POST", CHAT, body)["id"] for body in (plain, plain | tools | look)]
    for one in made:
        fits("CreateChatCompletionResponse", published(got("GET", f"{CHAT}/{one}")))
        updated = got("POST", f"{CHAT}/{one}", {"metadata": {"a": "b"}})
        fits("CreateChatCompletionResponse", published(updated))
    listed = got("GET", CHAT)
    assert len([published(one) for one in listed["data"]]) == 2
    fits("ChatCompletionList", listed)
    messages = got("GET", f"{CHAT}/{made[0]}/messages")
    for message in messages["data"]:
        # published, and told by no recording: every role is assistant
        message |= {"role": "assistant", "refusal": None}
    fits("ChatCompletionMessageList", messages)
    fits("ChatCompletionDeleted", got("DELETE", f"{CHAT}/{made[0]}"))
