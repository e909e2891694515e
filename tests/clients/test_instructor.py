"""instructor: each of its modes for OpenAI, streams of objects, retries."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import Enum
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field, field_validator

instructor = pytest.importorskip("instructor")
openai = pytest.importorskip("openai")

from instructor.core import InstructorRetryException  # noqa: E402

from tests.clients.conftest import PIXEL, wait  # noqa: E402

JSON_MODES = ("JSON", "MD_JSON", "JSON_SCHEMA")
TOOL_MODES = ("TOOLS", "TOOLS_STRICT")
MODES = (*TOOL_MODES, *JSON_MODES, "FUNCTIONS", "JSON_O1")


class Kind(Enum):
    person = "person"
    company = "company"


class Address(BaseModel):
    street: str
    number: int


class Customer(BaseModel):
    """Somebody who buys."""

    name: str
    age: int = Field(ge=0, le=120)
    kind: Kind
    since: date
    addresses: list[Address]
    note: str | None = None
    grade: Literal["a", "b"] = "a"


class Weather(BaseModel):
    """The weather of a city."""

    city: str
    unit: Literal["celsius", "fahrenheit"]


class Search(BaseModel):
    """A search of the web."""

    query: str


def client_of(mode: str, base_url: str, made: Any = None) -> Any:
    made = made or openai.OpenAI(base_url=base_url, api_key="any", max_retries=0)
    return instructor.from_openai(made, mode=instructor.Mode[mode])


def asked(text: str = "Tell me of Ann, who is 30") -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], "max_retries": 0}


@pytest.mark.parametrize("mode", MODES)
def test_an_object(base_url: str, mode: str) -> None:
    client = client_of(mode, base_url)
    made = client.chat.completions.create(response_model=Customer, **asked())
    assert isinstance(made, Customer)
    raw: Any = made
    assert raw._raw_response.usage.total_tokens > 0


@pytest.mark.parametrize("mode", MODES)
def test_an_object_without_blocking(base_url: str, mode: str) -> None:
    async def main() -> Any:
        made = openai.AsyncOpenAI(base_url=base_url, api_key="any", max_retries=0)
        async with made:
            client = client_of(mode, base_url, made)
            return await client.chat.completions.create(response_model=Customer, **asked())

    assert isinstance(wait(main()), Customer)


@pytest.mark.parametrize("mode", [*TOOL_MODES, *JSON_MODES])
def test_partial_objects(base_url: str, mode: str) -> None:
    client = client_of(mode, base_url)
    *_, last = client.chat.completions.create_partial(response_model=Address, **asked())
    assert Address.model_validate(last.model_dump())


@pytest.mark.parametrize("mode", [*TOOL_MODES, *JSON_MODES])
def test_objects_one_after_the_other(base_url: str, mode: str) -> None:
    client = client_of(mode, base_url)
    found = list(client.chat.completions.create_iterable(response_model=Address, **asked()))
    assert found
    assert all(isinstance(one, Address) for one in found)


@pytest.mark.parametrize("mode", [*TOOL_MODES, *JSON_MODES])
def test_lists_and_simple_types(base_url: str, mode: str) -> None:
    create = client_of(mode, base_url).chat.completions.create
    assert isinstance(create(response_model=list[Address], **asked())[0], Address)
    assert isinstance(create(response_model=int, **asked()), int)
    assert isinstance(create(response_model=bool, **asked()), bool)
    assert create(response_model=Literal["spam", "ham"], **asked()) in ("spam", "ham")


def test_parallel_tools(base_url: str) -> None:
    client = client_of("PARALLEL_TOOLS", base_url)
    made = client.chat.completions.create(
        response_model=Iterable[Weather | Search], **asked("weather and search")
    )
    assert {type(one) for one in made} == {Weather, Search}


@pytest.mark.parametrize("mode", [*TOOL_MODES, *JSON_MODES])
def test_the_completion_beside_the_object(base_url: str, mode: str) -> None:
    made, raw = client_of(mode, base_url).chat.completions.create_with_completion(
        response_model=Address, **asked()
    )
    assert isinstance(made, Address)
    assert raw.choices[0].message


@pytest.mark.parametrize("mode", [*TOOL_MODES, *JSON_MODES])
def test_a_value_that_is_refused_is_asked_for_again(base_url: str, mode: str) -> None:
    tries = []

    class Picky(BaseModel):
        name: str

        @field_validator("name")
        @classmethod
        def check(cls, value: str) -> str:
            tries.append(value)
            if len(tries) < 3:
                raise ValueError("another name, please")
            return value

    request = asked() | {"max_retries": 3}
    made = client_of(mode, base_url).chat.completions.create(response_model=Picky, **request)
    assert isinstance(made, Picky)
    assert len(tries) == 3


@pytest.mark.parametrize("mode", [*TOOL_MODES, *JSON_MODES])
def test_retries_end(base_url: str, mode: str) -> None:
    class Never(BaseModel):
        name: str

        @field_validator("name")
        @classmethod
        def check(cls, value: str) -> str:
            raise ValueError("never right")

    request = asked() | {"max_retries": 2}
    with pytest.raises(InstructorRetryException):
        client_of(mode, base_url).chat.completions.create(response_model=Never, **request)


@pytest.mark.parametrize("mode", [*TOOL_MODES, *JSON_MODES])
def test_no_model_gets_a_text(base_url: str, mode: str) -> None:
    made = client_of(mode, base_url).chat.completions.create(response_model=None, **asked())
    assert made.choices[0].message.content


@pytest.mark.parametrize("mode", [*TOOL_MODES, *JSON_MODES])
def test_what_may_be_missing(base_url: str, mode: str) -> None:
    maybe = instructor.Maybe(Address)
    made = client_of(mode, base_url).chat.completions.create(response_model=maybe, **asked())
    assert made.result is None or made.result.street


def test_a_client_from_a_name(base_url: str) -> None:
    client = instructor.from_provider("openai/gpt-4o-mini", base_url=base_url, api_key="any")
    request = asked() | {"model": "gpt-4o-mini"}
    assert isinstance(client.create(response_model=Customer, **request), Customer)


def test_the_prompt_is_a_template(base_url: str) -> None:
    client = client_of("TOOLS", base_url)
    made = client.chat.completions.create(
        response_model=Address, context={"who": "Ann"}, **asked("Where does {{ who }} live?")
    )
    assert isinstance(made, Address)


def test_an_image(base_url: str) -> None:
    image = instructor.Image.from_base64(f"data:image/png;base64,{PIXEL}")
    request = asked() | {"messages": [{"role": "user", "content": ["What is it?", image]}]}
    made = client_of("TOOLS", base_url).chat.completions.create(response_model=Address, **request)
    assert isinstance(made, Address)


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
def test_errors_tell_of_the_clients_own(failing_url: str, status: int) -> None:
    client = client_of("TOOLS", failing_url)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - openai's own, wrapped or not
        client.chat.completions.create(response_model=Address, **asked(f"Fail with {status}"))
    causes = [caught.value, caught.value.__cause__, caught.value.__context__]
    assert any(isinstance(one, openai.APIStatusError) for one in causes) or str(status) in str(
        caught.value
    )
