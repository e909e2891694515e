from __future__ import annotations

import asyncio

import pytest

from chatdouble import ApiError, ChatdoubleError, ListenError, Server, Session, Settings, engine
from chatdouble.calls import Call
from chatdouble.cassette.format import Interaction
from chatdouble.journal import Exchange
from chatdouble.report import problems
from chatdouble.script import parse
from chatdouble.sources.recorded import Recorded
from chatdouble.sources.scripted import Scripted
from chatdouble.sources.source import Contract

BODY = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}'


def session(settings: Settings | None = None, id: str = "test") -> Session:  # noqa: A002
    return Session(id, settings or Settings(), (Contract(), Scripted()))


def respond(to: Session, body: bytes = BODY) -> Exchange:
    return asyncio.run(to.respond(Call(method="POST", path="/v1/chat/completions", body=body)))


def test_ids_come_from_seed_session_request_and_ordinal_alone() -> None:
    def ids(settings: Settings, id: str = "test") -> list[bytes]:  # noqa: A002
        made = session(settings, id)
        made.on().reply("Hi.")
        return [respond(made).response.whole()[:60] for _ in range(2)]

    first = ids(Settings())
    assert ids(Settings()) == first
    assert len({*first, *ids(Settings(seed=1)), *ids(Settings(), "other")}) == 6


def test_a_request_that_keeps_coming_has_ids_of_its_own_whatever_else_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "_MOST_ORDINALS", 3)
    made = session()
    made.on().reply("Hi.")
    ids = set()
    for number in range(10):
        ids.add(respond(made).response.whole()[:60])
        for other in range(2):
            respond(made, BODY.replace(b"Hello", b"%d %d" % (number, other)))
    assert len(ids) == 10


def test_an_exchange_says_who_answered_and_why() -> None:
    made = session()
    made.on(user="Hello").reply("Hi.").reply("Hi again.")
    first, second = respond(made), respond(made)
    assert (first.source, first.why) == ("scripted", "rule 1 (user equals 'Hello'), answer 1")
    assert second.why == "rule 1 (user equals 'Hello'), answer 2"
    refused = respond(made, b"{}")
    assert (refused.source, refused.why) == ("contract", "the API refuses it: the body")
    assert [exchange.source for exchange in made.journal] == ["scripted", "scripted", "contract"]


def test_a_long_explanation_is_cut() -> None:
    made = session()
    for number in range(50):
        made.on(user=str(number)).reply("x")
    answer = respond(made).answer
    assert isinstance(answer, ApiError)
    assert answer.message.count("\n- scripted: ") == 21
    assert "- scripted: and 30 more rules\n" in answer.message


def test_the_journal_forgets_beyond_its_limit() -> None:
    made = session(Settings(journal_limit=3))
    made.on().reply("Hi.")
    exchanges = [respond(made) for _ in range(5)]
    assert list(made.journal) == exchanges[2:]


def test_the_journal_forgets_what_is_too_large_for_it() -> None:
    made = session(Settings(journal_bytes=10_000))
    made.on().reply("x" * 3000)
    exchanges = [respond(made) for _ in range(5)]
    assert list(made.journal) == exchanges[-2:]


def test_long_ids_of_sessions_are_told_apart() -> None:
    def first(id: str) -> bytes:  # noqa: A002
        made = session(id=id)
        made.on().reply("Hi.")
        return respond(made).response.whole()

    assert first("x" * 70 + "a") != first("x" * 70 + "b")


def test_a_port_out_of_range_is_refused() -> None:
    with pytest.raises(ListenError, match="a port is a whole number from 0 to 65535, got 70000"):
        Server(Settings(port=70000)).listen()


def test_rules_of_a_script_are_added_behind_those_there_are() -> None:
    made = session()
    made.on(user="Hello").reply("First.")
    made.add(*parse("[{reply: Second.}]", "s.yaml"))
    assert [rule.origin for rule in made.rules] == ["rule 1", "s.yaml:1 [0]"]
    assert respond(made).why.startswith("rule 1 ")
    assert respond(made, BODY.replace(b"Hello", b"Bye")).why.startswith("s.yaml:1 [0] (any call)")


def test_a_session_without_scripted_source_takes_no_rules() -> None:
    with pytest.raises(ChatdoubleError, match="no scripted source"):
        Session("x", Settings(), (Recorded([]),)).on()


@pytest.mark.parametrize("id", ["a/b", "a b", "..%2f", "é"])  # what no path can carry
def test_an_id_that_no_path_can_carry_is_refused(id: str) -> None:  # noqa: A002
    with pytest.raises(ChatdoubleError, match="a session's id is made of letters"):
        session(id=id)


def test_two_sessions_of_one_id_are_refused_until_the_first_is_dropped() -> None:
    server = Server()
    server.listen()
    first = server.session("x")
    with pytest.raises(ChatdoubleError, match="there is a session 'x' already"):
        server.session("x")
    server.drop(first)
    assert server.session("x") is not first
    server.close()


def test_a_server_that_does_not_listen_has_no_address() -> None:
    with pytest.raises(ChatdoubleError, match="does not listen yet"):
        Server().session()


def test_a_call_on_no_cassette_is_told_alike_in_the_error_and_in_the_report() -> None:
    request = ("POST", "/v1/chat/completions", "", BODY.replace(b"Hello", b"Hullo"))
    one = Interaction("a.yaml, interaction 3", *request, 200, (), b"{}")
    replaying = Session("", Settings(), (Scripted(), Recorded([one]), Contract()))
    replaying.on(user="Hello").pass_on(fault="delay=1")
    exchange = respond(replaying)
    assert isinstance(exchange.answer, ApiError)
    message = exchange.answer.message
    assert "--- a.yaml, interaction 3" in message
    assert '    -      "content": "Hullo",\n    +      "content": "Hello",\n' in message
    assert message in problems(replaying)
    assert exchange.why == message
