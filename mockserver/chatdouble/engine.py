"""Sessions, and the one place where an answer is chosen."""

from __future__ import annotations

import asyncio
import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

from chatdouble import faults, schedule
from chatdouble.answers import ApiError, Recording, own_error
from chatdouble.calls import Call
from chatdouble.dice import Dice
from chatdouble.errors import ChatdoubleError
from chatdouble.faults import Fault
from chatdouble.journal import Exchange, Journal
from chatdouble.match import Asked, AskedResult, when
from chatdouble.rules import Rule, RuleBuilder, UsedUp, scenario_of
from chatdouble.schedule import Pace, Piece, Timing, pace_of
from chatdouble.settings import Settings
from chatdouble.sources.scripted import Scripted
from chatdouble.sources.source import Choice, Source
from chatdouble.sources.stored import Stored
from chatdouble.traffic import Passage, Traffic
from chatdouble.verify import Verification
from chatdouble.wire import dialects, headers
from chatdouble.wire.response import Stamp

# how many different requests are told apart when identical ones get ids of their own
_MOST_ORDINALS = 10_000

# faults that a call asks for; the answer that they dictate, None to ask the sources; who says so
_Ask: TypeAlias = tuple[tuple[Fault, ...], Choice | None, str]
_NO_ASK: _Ask = ((), None, "")

# bodies of more bytes are read and answered in a thread
_LARGE_BODY = 100_000

_ID = re.compile(r"[A-Za-z0-9_-]*")


class Session(Verification):
    """Everything that changes: rules and their counters, recordings' counters, journal, ids.

    Args:
        id: the session's name in ``/s/<id>/v1``; empty for the default session.
        settings: how it behaves.
        sources: who is asked for an answer, in this order.
        base_url: what clients use as their base URL.
        listener: called with each exchange when its answer ended.
        pace: how answers are spread over time that no rule and no request gives a pace; None
            takes that of the settings.

    Raises:
        ScriptError: the pace is none.
        ChatdoubleError: the id has letters that a path cannot carry.
    """

    def __init__(
        self,
        id: str,  # noqa: A002 - what it is
        settings: Settings,
        sources: tuple[Source, ...],
        *,
        base_url: str = "",
        listener: Callable[[Exchange], None] | None = None,
        pace: Timing = None,
    ) -> None:
        if not _ID.fullmatch(id):
            raise ChatdoubleError(f"a session's id is made of letters, digits, - and _; got {id!r}")
        self.id = id
        self.base_url = base_url
        self.journal = Journal(settings.journal_limit, settings.journal_bytes, listener)
        self.sources = sources
        self._settings = settings
        self._traffic = Traffic(settings, pace)
        self._ordinals: OrderedDict[int, int] = OrderedDict()
        worker = f"\n{settings.worker}" if settings.worker else ""
        self._key = hashlib.blake2b(f"{settings.seed}\n{id}{worker}".encode()).digest()
        self._begun = 0
        self._scripted = next((source for source in sources if isinstance(source, Scripted)), None)
        self._stored = next((source for source in sources if isinstance(source, Stored)), None)

    def on(
        self,
        *,
        user: Asked = None,
        any_user: Asked = None,
        system: Asked = None,
        assistant: Asked = None,
        conversation: Asked = None,
        turns: Asked = None,
        model: Asked = None,
        stream: Asked = None,
        tools: Asked = None,
        tool_choice: Asked = None,
        response_format: Asked = None,
        tool_result: AskedResult = None,
        field: Mapping[str, Any] | None = None,
        header: Mapping[str, Asked] | None = None,
        any_of: list[Mapping[str, Any]] | None = None,
        all_of: list[Mapping[str, Any]] | None = None,
        not_: Mapping[str, Any] | None = None,
        where: Callable[[Call], object] | None = None,
        used_up: UsedUp = "repeat",
        scenario: str | None = None,
        in_state: str | None = None,
        to_state: str | None = None,
        optional: bool = False,
    ) -> RuleBuilder:
        """Begin a rule: which calls it answers. ``.reply(...)`` and ``.fail(...)`` say with what.

        Rules are tried in the order in which they were made; the first that matches answers.
        Conditions are values, which must be equal, or ``contains(...)``, ``regex(...)``,
        ``glob(...)``, ``one_of(...)``, ``like(...)``, ``fits(...)``, ``above(...)`` and so on;
        ``&``, ``|`` and ``~`` combine them.

        Args:
            user: the text of the last user message.
            any_user: the text of any user message.
            system: the text of the system or developer message.
            assistant: the text of any assistant message of the history.
            conversation: the texts of all messages, a line each.
            turns: how many user messages there are.
            model: the model's name as the client sends it.
            stream: whether the answer is to be streamed.
            tools: the name of any tool on offer.
            tool_choice: ``auto``, ``none``, ``required``, or the tool that must be called.
            response_format: ``text``, ``json_object``, ``json_schema``, or the schema's name.
            tool_result: the name of the tool whose result the request ends with; or a mapping with
                conditions on its ``name``, ``call_id`` and ``content``.
            field: conditions on any fields of the body by their paths, for example
                ``{"temperature": above(1), "messages[-1].role": "tool"}``.
            header: conditions on request headers.
            any_of: one of these sets of conditions must hold.
            all_of: all of these sets of conditions must hold.
            not_: this set of conditions must not hold.
            where: a function of the call that must return something true.
            used_up: what comes after the last answer: ``repeat`` it, ``fail``, or leave the call to
                the ``next`` rules.
            scenario: the name of a state that several rules share; it is ``started`` at first.
            in_state: the scenario's state in which the rule answers.
            to_state: the scenario's state that its answer brings about.
            optional: whether it may stay unused without that being reported.

        Raises:
            ScriptError: a condition is of the wrong kind.
        """
        asked = when(
            user=user,
            any_user=any_user,
            system=system,
            assistant=assistant,
            conversation=conversation,
            turns=turns,
            model=model,
            stream=stream,
            tools=tools,
            tool_choice=tool_choice,
            response_format=response_format,
            tool_result=tool_result,
            field=field,
            header=header,
            any_of=any_of,
            all_of=all_of,
            not_=not_,
            where=where,
        )
        scripted = self._with_script()
        self._begun += 1
        rule = Rule(
            asked,
            (),
            f"rule {self._begun}",
            used_up,
            scenario_of(scenario, in_state, to_state),
            optional,
        )
        return RuleBuilder(rule, scripted.put)

    def add(self, *rules: Rule) -> None:
        """Add finished rules, for example those of a script, behind the ones there are."""
        for rule in rules:
            self._with_script().put(None, rule)

    @property
    def pace(self) -> Pace | None:
        """How answers are spread over time that no rule and no request gives a pace.

        Set it to a ``Pace``, a profile's name, a text such as ``ttft=300ms, tpot=20ms``, a mapping,
        or None to send them at once.
        """
        return self._traffic.pace

    @pace.setter
    def pace(self, said: Timing) -> None:
        self._traffic.pace = pace_of(said)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules in the order in which they are tried."""
        return self._scripted.rules if self._scripted else ()

    @property
    def unused_rules(self) -> tuple[Rule, ...]:
        """The rules that answered no call yet."""
        return tuple(rule for rule, answered in self.rule_uses if not answered)

    @property
    def rule_uses(self) -> tuple[tuple[Rule, int], ...]:
        """The rules in their order, and how many calls each answered."""
        return self._scripted.uses if self._scripted else ()

    def clear_rules(self) -> None:
        """Forget all rules."""
        self._with_script().clear()

    def reset(self) -> None:
        """Begin anew: forget the calls that came, how often each rule answered, and what of the
        rate limits is used.
        """
        self.journal.clear()
        self._ordinals.clear()
        if self._traffic.limits is not None:
            self._traffic.limits.clear()
        if self._scripted is not None:
            self._scripted.reset()

    @property
    def calls(self) -> list[Call]:
        """The calls that came, oldest first."""
        return self.journal.calls

    async def respond(self, call: Call) -> Exchange:
        """Choose the answer to a call, render it, and open its exchange in the journal."""
        large = len(call.body) > _LARGE_BODY
        if large:
            # to read and count much text takes its time, and others wait for answers
            await asyncio.to_thread(dialects.read, call, self._settings)
        else:
            dialects.read(call, self._settings)
        ordinal = self._ordinal(call)
        traffic = self._traffic
        passage = traffic.asked(call)
        if traffic.is_limited:
            passage = await traffic.enter(call, passage)
        try:
            exchange = await self._answered(call, ordinal, passage, large=large)
        except BaseException:
            if passage.placed:
                traffic.leave()
            raise
        if passage.placed:
            exchange.ended, exchange.waited = traffic.leave, passage.waited
        return self.journal.open(exchange)

    async def _answered(
        self, call: Call, ordinal: int, passage: Passage, *, large: bool
    ) -> Exchange:
        """The exchange with the answer that is due."""
        asked: tuple[Fault, ...] = ()
        choice, name = passage.choice, passage.name
        if choice is None and self._settings.fault_header:
            asked, choice, name = self._asked(call, ordinal)
        if choice is None:
            for source in self.sources:
                choice = await source.answer(call)
                if choice is not None:
                    name = source.name
                    break
            else:
                choice, name = self._unmatched(call), "unmatched"
        stamp = self._stamp(call, ordinal)
        pace = passage.pace or choice.pace or self._traffic.pace
        due: tuple[Fault, ...] = ()
        answer = choice.answer
        if asked or choice.faults:
            due = (*asked, *faults.due(choice.faults, self._dice(call, ordinal)))
            answer = faults.instead(due) or faults.said(answer, due, call.stream)
        if large:
            response = await asyncio.to_thread(
                dialects.render, call, answer, stamp, passage.headers
            )
        else:
            response = dialects.render(call, answer, stamp, passage.headers)
        exchange = Exchange(
            call=call,
            source=name,
            why=choice.because,
            answer=answer,
            response=response,
            pieces=(),
        )
        if due or pace is not None or self._traffic.load is not None:
            dice = self._dice(call, ordinal, "pace")
            timed = self._traffic.spread(call, answer, response, pace, dice)
            exchange.headers_at, exchange.pieces = timed.headers, schedule.joined(timed.pieces)
            if timed.headers and not isinstance(answer, Recording):
                exchange.response = response = headers.taking(response, timed.headers)
            if due:
                sending = faults.sending(response, timed.pieces, due, self._dice(call, ordinal))
                exchange.response, exchange.pieces = sending.response, sending.pieces
                exchange.ending, exchange.faults = sending.ending, sending.notes
        else:
            exchange.pieces = (Piece(0.0, response.whole()),)
        if passage.admission is not None:
            charge = partial(self._traffic.charge, passage.admission, call, answer)
            await asyncio.to_thread(charge) if large else charge()
        if self._stored is not None:
            # before the first byte leaves, so that a client finds what it has just made
            self._stored.keep(call, exchange.answer, stamp)
        return exchange

    def _asked(self, call: Call, ordinal: int) -> _Ask:
        """The faults that the call itself asks for, with the answer and source if they name one.

        A status that is asked for comes before all sources, and uses up no answer.
        """
        chances = faults.asked(call.raw_headers)
        if not chances:
            return _NO_ASK
        if isinstance(chances, ApiError):
            return (), Choice(chances, chances.message), "faults"
        asked = faults.due(chances, self._dice(call, ordinal))
        error = faults.instead(asked)
        if error is None:
            return asked, None, ""
        return asked, Choice(error, "the request asks for it"), "faults"

    def _dice(self, call: Call, ordinal: int, purpose: str = "faults") -> Dice:
        """What chance decides for this call: the same for the same seed, session and order."""
        unique = b"%b %b %d %b" % (self._key, purpose.encode(), ordinal, call.body)
        return Dice(hashlib.blake2b(unique).digest())

    def now(self) -> int:
        """Seconds since 1970, from the session's clock."""
        return self._settings.now()

    def _with_script(self) -> Scripted:
        if self._scripted is None:
            raise ChatdoubleError("this session has no scripted source, so it takes no rules")
        return self._scripted

    def _ordinal(self, call: Call) -> int:
        """How many times this very request has come."""
        # Python's own hash only tells requests apart here; nothing that is sent is made from it
        request = hash((call.path, call.body))
        ordinal = self._ordinals.get(request, 0) + 1
        self._ordinals[request] = ordinal
        if len(self._ordinals) > _MOST_ORDINALS:
            self._ordinals.popitem(last=False)
        return ordinal

    def _stamp(self, call: Call, ordinal: int) -> Stamp:
        created = self.now()
        path = call.path.encode("utf-8", "replace")
        unique = b"%b %d %d %b\0%b" % (self._key, created, ordinal, path, call.body)
        return Stamp(created, hashlib.blake2b(unique).digest())

    def _unmatched(self, call: Call) -> Choice:
        misses = [(source.name, source.why_not(call)) for source in self.sources]
        shown: dict[str, str] = {}
        for _, miss in misses:
            shown |= miss.looked_at
        came = [f"  {label}: {value}" for label, value in shown.items()]
        reasons = [f"- {name}: {reason}" for name, miss in misses for reason in miss.reasons]
        advice = [
            f"To answer it:\n  {indented}"
            for _, miss in misses
            if (indented := miss.suggestion.replace("\n", "\n  "))
        ]
        message = "\n".join(
            (
                f"chatdouble has no answer to this call: {call.method} {call.path}",
                *came,
                *(reasons or ["- there is nothing to answer with"]),
                *advice,
            )
        )
        param = next((miss.param for _, miss in misses if miss.param), None)
        return Choice(own_error(404, message, "no_answer", param), message)


class Hub:
    """The sessions of one server, by their ids."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def add(self, session: Session) -> Session:
        """Take a session in.

        Raises:
            ChatdoubleError: there is one of this id already.
        """
        with self._lock:
            if session.id in self._sessions:
                raise ChatdoubleError(f"there is a session {session.id!r} already")
            self._sessions[session.id] = session
        return session

    def drop(self, session: Session) -> None:
        """Forget a session; what still comes for it is answered with 404."""
        with self._lock:
            self._sessions.pop(session.id, None)

    @property
    def sessions(self) -> tuple[Session, ...]:
        """The sessions, in the order in which they were opened."""
        with self._lock:
            return tuple(self._sessions.values())

    def session(self, id: str) -> Session | None:  # noqa: A002 - what it is
        """The session of this id, None if there is none."""
        return self._sessions.get(id)
