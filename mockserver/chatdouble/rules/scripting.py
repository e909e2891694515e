"""How a user says the rules of a session, in whichever process the session is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chatdouble.calls import Call
from chatdouble.match import Asked, AskedResult, when
from chatdouble.rules.builder import RuleBuilder
from chatdouble.rules.rule import Rule, UsedUp, scenario_of


class Scripting:
    """Rules by ``on()``; who inherits it says what becomes of a rule."""

    _begun = 0

    def _taker(self) -> Callable[[Rule | None, Rule], object]:
        """What takes a rule: as it was, None at first, and as it is.

        Raises:
            ChatdoubleError: the session takes no rules.
        """
        raise NotImplementedError

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
        taker = self._taker()
        self._begun += 1
        rule = Rule(
            asked,
            (),
            f"rule {self._begun}",
            used_up,
            scenario_of(scenario, in_state, to_state),
            optional,
        )
        return RuleBuilder(rule, taker)
