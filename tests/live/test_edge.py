"""Keys and models that the server was told of, over real sockets and with the openai client."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import openai
import pytest

from chatdouble import ChatdoubleError, Server, Session, Settings
from chatdouble.cassette.format import Interaction
from chatdouble.sources.recorded import Recorded
from tests.conftest import Raw

HELLO: Any = [{"role": "user", "content": "Hello"}]
GOOD = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}'
CHAT = "/v1/chat/completions"

KEY = "sk-proj-of-this-test-0123456789"


@contextmanager
def serving(settings: Settings) -> Iterator[tuple[Session, Raw]]:
    with Server(settings) as server:
        session = server.session()
        session.on().reply("Hi.")
        raw = Raw(session.base_url)
        yield session, raw
        raw.connection.close()


def bearer(key: str) -> dict[str, str]:
    return {"content-type": "application/json", "authorization": f"Bearer {key}"}


def test_a_listed_key_is_let_in_and_another_is_an_authentication_error() -> None:
    with serving(Settings(keys=[KEY, "other"])) as (session, _):
        for key in (KEY, "other"):
            with openai.OpenAI(base_url=session.base_url, api_key=key) as client:
                completion = client.chat.completions.create(model="gpt-4o", messages=HELLO)
                assert completion.choices[0].message.content == "Hi."
                assert client.models.list().data
        with openai.OpenAI(base_url=session.base_url, api_key="bad-key-012345678test") as client:
            for ask in (
                lambda: client.chat.completions.create(model="gpt-4o", messages=HELLO),
                lambda: client.models.list(),
                lambda: client.models.retrieve("gpt-4o"),
            ):
                with pytest.raises(openai.AuthenticationError) as caught:
                    ask()
                assert caught.value.code == "invalid_api_key"
                assert "provided: bad-key-*********test. You can" in caught.value.message
                assert caught.value.request_id


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("wrong", "wrong"),
        ("twelve-chars", "twelve-chars"),
        ("thirteen-char", "thirteen*char"),
        ("invalid-key-12345", "invalid-*****2345"),
    ],
)
def test_a_wrong_key_is_answered_as_the_layer_in_front_of_the_api_does(
    key: str, shown: str
) -> None:
    with serving(Settings(keys=[KEY])) as (_, raw):
        response, body = raw.send("POST", CHAT, GOOD, bearer(key))
    assert response.status == 401
    assert dict(response.headers.items()) == {
        "date": "Thu, 01 Jan 2026 00:00:00 GMT",
        "content-type": "application/json; charset=utf-8",
        "vary": "Origin",
        "x-request-id": response.headers["x-request-id"],
        "content-length": str(len(body)),
    }
    error = {
        "message": f"Incorrect API key provided: {shown}. You can find your API key at "
        "https://platform.openai.com/account/api-keys.",
        "type": "invalid_request_error",
        "param": None,
        "code": "invalid_api_key",
    }
    assert body == json.dumps({"error": error}, indent=4).encode() + b"\n"
    if key == "invalid-key-12345":
        assert len(body) == 267, "as recorded"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": f"Token {KEY}"},
        {"authorization": "Basic not base64"},
        {"authorization": "Basic " + b64encode(b"\xff\xff").decode()},
        {"authorization": "Basic " + b64encode(KEY.encode()).decode()},
    ],
)
def test_without_a_key_the_answer_says_how_to_give_one(headers: dict[str, str]) -> None:
    with serving(Settings(keys=[KEY])) as (_, raw):
        response, body = raw.send("POST", CHAT, b"{", headers | {"content-type": "text/plain"})
    assert response.status == 401
    error = json.loads(body)["error"]
    assert error["message"].startswith("You didn't provide an API key. You need to provide ")
    assert error["code"] is None
    assert body.startswith(b'{\n    "error"')
    assert body.endswith(b"}\n")


def test_a_key_may_be_the_password_of_basic_authentication() -> None:
    with serving(Settings(keys=[KEY])) as (_, raw):
        basic = "basic " + b64encode(f":{KEY}".encode()).decode()
        assert raw.send("POST", CHAT, GOOD, {"authorization": basic})[0].status == 200
        assert raw.send("POST", CHAT, GOOD, {"authorization": f"bearer  {KEY} "})[0].status == 200


def test_a_path_that_is_not_there_is_told_before_the_key() -> None:
    with serving(Settings(keys=[KEY])) as (_, raw):
        assert raw.send("GET", "/v1/nonsense")[0].status == 404
        assert raw.send("DELETE", CHAT)[0].status == 405


def test_keys_show_up_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(keys=[KEY])
    assert KEY not in repr(settings)
    assert "keys=<1 hidden>" in repr(settings)
    wrong = "sk-wrong-key-that-is-nobodys-business"
    with caplog.at_level(0), serving(settings) as (session, raw):
        raw.send("POST", CHAT, GOOD, bearer(KEY))
        raw.send("POST", CHAT, GOOD, bearer(wrong))
        raw.prefix = "/s/nobody"
        raw.send("POST", CHAT, GOOD, bearer(wrong))
    exchanges = session.journal.exchanges
    told = [repr(exchanges), caplog.text, *(exchange.why for exchange in exchanges)]
    told += [repr(call.headers) for call in session.calls]
    told += [exchange.response.whole().decode() for exchange in exchanges]
    assert [exchange.response.status for exchange in exchanges] == [200, 401]
    for text in told:
        assert KEY not in text
        assert wrong not in text
        assert wrong[8:-4] not in text


def test_a_listed_model_and_its_snapshot_are_there_and_others_are_not_found() -> None:
    settings = Settings(models=["gpt-4o", "my-own"])
    with (
        serving(settings) as (session, _),
        openai.OpenAI(base_url=session.base_url, api_key="any") as client,
    ):
        for name in ("gpt-4o", "gpt-4o-2024-08-06", "my-own"):
            completion = client.chat.completions.create(model=name, messages=HELLO)
            assert completion.choices[0].message.content == "Hi."
            assert client.models.retrieve(name).id == name
        assert [model.id for model in client.models.list()] == ["gpt-4o", "my-own"]
        for name in ("gpt-4o-mini", "gpt-4o-2024-05-13", "my", "MY-OWN"):
            with pytest.raises(openai.NotFoundError) as caught:
                client.chat.completions.create(model=name, messages=HELLO, stream=True)
            assert caught.value.code == "model_not_found"
            with pytest.raises(openai.NotFoundError):
                client.models.retrieve(name)


def test_a_snapshot_that_is_listed_does_not_stand_for_its_alias() -> None:
    with serving(Settings(models=["gpt-4o-2024-08-06"])) as (_, raw):
        assert raw.chat(GOOD)[0].status == 404


@pytest.mark.parametrize(
    "body",
    [
        b'{"model": "nonsense", "messages": [{"role": "user", "content": "Hello"}]}',
        b'{"model": "nonsense"}',
        b'{"messages": 7, "model": "nonsense", "temperature": "hot", "unheard_of": 1}',
        b'{"model": "nonsense", "messages": [{"role": "tool", "content": ""}]}',
    ],
)
def test_an_unknown_model_is_told_before_all_other_faults(body: bytes) -> None:
    with serving(Settings(models=["gpt-4o"])) as (_, raw):
        response, answer = raw.chat(body)
    assert response.status == 404
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers["vary"] == "Origin"
    assert response.headers["openai-version"] is None
    error = {
        "message": "The model `nonsense` does not exist or you do not have access to it.",
        "type": "invalid_request_error",
        "param": None,
        "code": "model_not_found",
    }
    assert answer == json.dumps({"error": error}, indent=4).encode() + b"\n"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b'{"model": 7, "messages": []}',
        b'{"model": "", "messages": []}',
        b'{"messages": []}',
        b'{"model": "nonsense", "messages": ' + b"[" * 100_000,
    ],
)
def test_a_body_that_names_no_model_is_refused_for_that(body: bytes) -> None:
    with serving(Settings(models=["gpt-4o"])) as (_, raw):
        assert raw.chat(body)[0].status == 400


def test_what_is_asked_of_stored_completions_names_no_model() -> None:
    with serving(Settings(models=["gpt-4o"])) as (_, raw):
        response, answer = raw.send("POST", f"{CHAT}/chatcmpl-1", b'{"model": "nonsense"}')
    assert response.status == 400
    assert json.loads(answer)["error"]["param"] == "model"


def test_stored_completions_are_behind_the_key() -> None:
    with serving(Settings(keys=[KEY])) as (_, raw):
        assert raw.send("GET", CHAT)[0].status == 401
        assert raw.send("GET", CHAT, None, bearer(KEY))[0].status == 200


def test_a_known_model_does_not_excuse_other_faults() -> None:
    with serving(Settings(models=["gpt-4o"])) as (_, raw):
        response, answer = raw.chat(b'{"model": "gpt-4o", "messages": []}')
    assert response.status == 400
    assert json.loads(answer)["error"]["param"] == "messages"


def test_the_key_is_looked_at_before_the_model() -> None:
    with serving(Settings(keys=[KEY], models=["gpt-4o"])) as (session, raw):
        body = b'{"model": "nonsense"}'
        assert raw.send("POST", CHAT, body, bearer("wrong"))[0].status == 401
        assert raw.send("POST", CHAT, body, bearer(KEY))[0].status == 404
        assert raw.send("POST", CHAT, GOOD, bearer(KEY))[0].status == 200
    assert [(exchange.source, exchange.why) for exchange in session.journal][:2] == [
        ("contract", "the server was told of other keys"),
        ("contract", "the server was told of other models"),
    ]


def test_what_was_recorded_answers_whatever_the_lists_say() -> None:
    recorded = Interaction(
        "here", "POST", CHAT, "", GOOD, 200, (("content-type", "application/json"),), b"recorded"
    )
    with Server(Settings(keys=[KEY], models=["other"])) as server:
        raw = Raw(server.session("", (Recorded([recorded]),)).base_url)
        assert raw.chat(GOOD)[1] == b"recorded"
        raw.connection.close()


@pytest.mark.parametrize("field", ["models", "keys"])
@pytest.mark.parametrize("wrong", ["sk-alone", b"sk-alone", [7], 7, {"sk-alone"}])
def test_a_list_that_is_none_is_refused_without_showing_it(field: str, wrong: Any) -> None:
    with pytest.raises(ChatdoubleError) as caught:
        Settings(**{field: wrong})
    assert str(caught.value) == f"{field} is a list of texts or None"
