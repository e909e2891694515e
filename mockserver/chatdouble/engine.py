"""A session, and the one place where an answer is chosen."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import NamedTuple

from chatdouble import faults, schedule
from chatdouble.answers import Answer, ApiError, Recording, is_cut
from chatdouble.calls import Call
from chatdouble.dice import Dice
from chatdouble.errors import ChatdoubleError, ScriptError
from chatdouble.faults import Chance, Fault, Written
from chatdouble.journal import Exchange, Journal
from chatdouble.live import Live
from chatdouble.report import conversation, problems
from chatdouble.rules import Rule, Scripting
from chatdouble.schedule import CUT, Pace, Timing, pace_of
from chatdouble.settings import Settings
from chatdouble.sources.scripted import Numbered, Scripted
from chatdouble.sources.source import Choice, Closing, Resetting, Source, chosen
from chatdouble.sources.stored import Stored
from chatdouble.sources.upstream import Upstream
from chatdouble.traffic import Passage, Traffic
from chatdouble.verify import Verification
from chatdouble.wire import dialects, headers
from chatdouble.wire.response import Stamp

# how many different requests, at the least, are told apart when identical ones get ids of their own
_MOST_ORDINALS = 10_000

# bodies of more bytes are read and answered in a thread
_LARGE_BODY = 100_000
# and so are answers of more choices
_MANY_CHOICES = 8

_ID = re.compile(r"[A-Za-z0-9_-]{0,200}")


def is_session_id(id: str) -> bool:  # noqa: A002 - what it is
    """Whether a session may be called so: paths carry it, and files are named after it."""
    return _ID.fullmatch(id) is not None


class _Ask(NamedTuple):
    """What goes wrong whatever is answered.

    Attributes:
        faults: the faults that are due.
        choice: the answer that they dictate, None to ask the sources.
        usual: whether they are the session's, which a rule's own faults replace.
    """

    faults: tuple[Fault, ...] = ()
    choice: Choice | None = None
    usual: bool = False


_NO_ASK = _Ask()


class Session(Scripting, Verification):
    """Everything that changes: rules and their counters, recordings' counters, journal, ids.

    Args:
        id: the session's name in ``/s/<id>/v1``; empty for the default session.
        settings: how it behaves.
        sources: who is asked for an answer, in this order.
        base_url: what clients use as their base URL.
        listener: called with each exchange when its answer ended.
        upstream: who answers what rules pass on; without it, the source that records, if any.
        pace: how answers are spread over time that no rule and no request gives a pace; None
            takes that of the settings.
        refusing: lets its server refuse connections; None if it has none.

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
        upstream: Source | None = None,
        pace: Timing = None,
        refusing: Callable[[], AbstractContextManager[None]] | None = None,
    ) -> None:
        if not is_session_id(id):
            raise ChatdoubleError(
                f"a session's id is made of letters, digits, - and _, at most 200; got {id!r}"
            )
        self.id = id
        self.base_url = base_url
        self.journal = Journal(settings.journal_limit, settings.journal_bytes, listener)
        self.sources = sources
        self._usual: tuple[Chance, ...] = ()
        self._settings = settings
        self._refusing = refusing
        self._by_header = settings.fault_header
        self._traffic = Traffic(settings, pace)
        # how often each request came; what came long ago is in the other one, and then forgotten
        self._ordinals: dict[int, int] = {}
        self._before: dict[int, int] = {}
        worker = f"\n{settings.worker}" if settings.worker else ""
        self._key = hashlib.blake2b(f"{settings.seed}\n{id}{worker}".encode()).digest()
        self._scripted = next((source for source in sources if isinstance(source, Scripted)), None)
        self._upstream = upstream or next(
            (source for source in sources if isinstance(source, Upstream)), None
        )
        self._stored = next((source for source in sources if isinstance(source, Stored)), None)

    def _taker(self) -> Callable[[Rule | None, Rule], object]:
        return self._with_script().put

    def add(self, *rules: Rule) -> tuple[int, ...]:
        """Add finished rules, for example those of a script, behind the ones there are.

        Returns:
            The number of each, by which it can be replaced and removed.
        """
        scripted = self._with_script()
        return tuple(scripted.put(None, rule) for rule in rules)

    def replace_rule(self, number: int, rule: Rule) -> bool:
        """Put a rule in the place of the one of this number, with its number and its count.

        Returns:
            Whether there is one.
        """
        return self._with_script().renew(number, rule)

    def remove_rule(self, number: int) -> bool:
        """Forget the rule of this number.

        Returns:
            Whether there was one.
        """
        return self._with_script().remove(number)

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

    @property
    def numbered_rules(self) -> tuple[Numbered, ...]:
        """The rules in their order, each with its number and how many calls it answered."""
        return self._scripted.numbered if self._scripted else ()

    @property
    def fault(self) -> str | list[str] | None:
        """What goes wrong with every answer whose rule or request says nothing else; None: nothing.

        It is written as in ``reply(fault=...)``. A status comes in the place of the answer, before
        any rule is asked.

        Raises:
            ScriptError: when it is set to what is no fault.
        """
        return faults.written(self._usual) if self._usual else None

    @fault.setter
    def fault(self, said: Written) -> None:
        self._usual = faults.faults_of(said)

    def refusing(self) -> AbstractContextManager[None]:
        """Refuse connections while a block runs, as a server does that is down.

        Its whole server does: sessions share the address. Connections that are open and idle are
        closed, answers that are on their way arrive. Call it from another thread than the server's.

        Raises:
            ChatdoubleError: the session has no server, or that does not run.
        """
        if self._refusing is None:
            raise ChatdoubleError("this session has no server that could refuse connections")
        return self._refusing()

    def clear_rules(self) -> None:
        """Forget all rules."""
        self._with_script().clear()

    def reset(self) -> None:
        """Begin anew: forget the calls that came, how often each rule and recording answered, and
        what of the rate limits is used.
        """
        self.journal.clear()
        self._ordinals.clear()
        self._before.clear()
        if self._traffic.limits is not None:
            self._traffic.limits.clear()
        for source in self.sources:
            if isinstance(source, Resetting):
                source.reset()

    def report(self, *, matched: bool = True, used: bool = True) -> str:
        """Calls without an answer and rules that were never used, "" if there are none.

        Args:
            matched: whether calls without an answer are reported.
            used: whether rules that answered no call are reported, but for optional ones.
        """
        return problems(self, matched=matched, used=used)

    @property
    def conversation(self) -> str:
        """What was asked and answered, a few lines for each exchange."""
        return conversation(self)

    @property
    def calls(self) -> list[Call]:
        """The calls that came, oldest first."""
        return self.journal.calls

    @property
    def passes_on(self) -> bool:
        """Whether an upstream server may be asked."""
        return self._upstream is not None

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
        finally:
            # the journal keeps the call, which must not keep us
            call.pass_on = None
        if passage.placed:
            exchange.ended, exchange.waited = traffic.leave, passage.waited
        return self.journal.open(exchange)

    async def _answered(
        self, call: Call, ordinal: int, passage: Passage, *, large: bool
    ) -> Exchange:
        """The exchange with the answer that is due."""
        ask = _NO_ASK
        choice, name = passage.choice, passage.name
        if choice is None and (self._usual or (self._by_header and faults.HEADER in call.named)):
            ask = self._asked(call, ordinal)
            choice, name = ask.choice, "faults"
        if choice is None:
            if self._upstream is not None:
                call.pass_on = partial(self._passed_on, call)
            choice, name = await chosen(call, self.sources)
        stamp = self._stamp(call, ordinal)
        asked = () if ask.usual and (choice.faults or name == "unmatched") else ask.faults
        pace = passage.pace or choice.pace or (self.pace if call.view is not None else None)
        due: tuple[Fault, ...] = ()
        answer = choice.answer
        live = isinstance(answer, Live)
        if (asked or choice.faults) and not live:
            due = (*asked, *faults.due(choice.faults, self._dice(call, ordinal)))
            answer = faults.instead(due) or answer
        if large or (call.view is not None and call.view.choices > _MANY_CHOICES):
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
            timed=() if live else None,
        )
        if live:
            # its bytes are not known yet
            exchange.faults = tuple(
                f"{one}: {faults.NOTHING}, it is passed on live" for one in asked
            )
        elif due or pace is not None or self._traffic.load is not None:
            dice = self._dice(call, ordinal, "pace")
            timed = self._traffic.spread(call, answer, response, pace, dice, broken=bool(due))
            exchange.headers_at, exchange.timed = timed.headers, schedule.joined(timed.pieces)
            if timed.headers and not isinstance(answer, Recording):
                exchange.response = response = headers.taking(response, timed.headers)
            if due:
                sending = faults.sending(response, timed.pieces, due, self._dice(call, ordinal))
                exchange.response, exchange.timed = sending.response, sending.pieces
                exchange.ending, exchange.faults = sending.ending, sending.notes
        if is_cut(answer):
            exchange.ending = CUT if exchange.ending is None else exchange.ending.behind(CUT)
        if passage.admission is not None:
            charge = partial(self._traffic.charge, passage.admission, call, answer)
            await asyncio.to_thread(charge) if large else charge()
        if self._stored is not None:
            # before the first byte leaves, so that a client finds what it has just made
            self._stored.keep(call, exchange.answer, stamp)
        return exchange

    async def _passed_on(self, call: Call) -> Answer:
        """What the upstream server answers."""
        choice = None if self._upstream is None else await self._upstream.answer(call)
        if not isinstance(choice, Choice):
            raise ScriptError("the server that it is passed on to has no answer")
        return choice.answer

    async def aclose(self) -> None:
        """Close what its sources hold open; in the server's event loop."""
        for source in (*self.sources, self._upstream):
            if isinstance(source, Closing):
                await source.aclose()

    def _asked(self, call: Call, ordinal: int) -> _Ask:
        """The faults that the call itself asks for, or the session's usual ones.

        A status comes before all sources, and uses up no answer.
        """
        chances = faults.asked(call.raw_headers) if self._by_header else ()
        if isinstance(chances, ApiError):
            return _Ask(choice=Choice(chances, chances.message))
        usual = not chances
        if usual:
            # what the contract settles is no answer of the model
            chances = self._usual if call.view is not None else ()
        if not chances:
            return _NO_ASK
        due = faults.due(chances, self._dice(call, ordinal))
        error = faults.instead(due)
        if error is None:
            return _Ask(due, None, usual)
        asking = "the session asks for it" if usual else "the request asks for it"
        return _Ask(due, Choice(error, asking), usual)

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
        ordinal = (self._ordinals.get(request) or self._before.get(request, 0)) + 1
        if len(self._ordinals) >= _MOST_ORDINALS:
            self._before, self._ordinals = self._ordinals, {}
        self._ordinals[request] = ordinal
        return ordinal

    def _stamp(self, call: Call, ordinal: int) -> Stamp:
        created = self.now()
        path = call.path.encode("utf-8", "replace")
        unique = b"%b %d %d %b\0%b" % (self._key, created, ordinal, path, call.body)
        return Stamp(created, hashlib.blake2b(unique).digest())
