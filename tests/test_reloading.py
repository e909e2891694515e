"""Rules follow the files of their scripts."""

from __future__ import annotations

import asyncio
from pathlib import Path

from chatdouble import Reply
from chatdouble.answers import ApiError
from chatdouble.calls import Call, View
from chatdouble.reloading import Reloading
from chatdouble.script import load, parse
from chatdouble.sources.scripted import Scripted
from chatdouble.sources.source import Choice


class Served:
    """A script's rules as they are served, and what is told of them."""

    def __init__(self, folder: Path, text: str) -> None:
        self.file = folder / "s.yaml"
        self.file.write_text(text)
        self.told: list[str] = []
        self.source = Scripted(load((folder,)))
        self.reloading = Reloading((folder,), self.source, self.told.append)
        self.look()

    def look(self) -> None:
        # a file that is named for the first time counts from the second look on
        self.reloading.look()
        self.reloading.look()

    def write(self, text: str) -> None:
        self.file.write_text(text)
        self.look()

    def ask(self, user: str = "x") -> str | None:
        call = Call(method="POST", path="/v1/chat/completions", view=View(model="m", user=user))
        choice = asyncio.run(self.source.answer(call))
        if choice is None:
            return None
        assert isinstance(choice, Choice)
        assert isinstance(choice.answer, Reply | ApiError)
        return choice.answer.content if isinstance(choice.answer, Reply) else choice.answer.code


def test_a_changed_script_answers_with_its_new_rules(tmp_path: Path) -> None:
    served = Served(tmp_path, "- reply: one")
    assert served.ask() == "one"
    assert served.told == []
    served.write("- reply: three")
    assert served.ask() == "three"
    assert served.told == ["read again: 1 rule"]


def test_further_scripts_and_texts_that_rules_name_count_too(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("first")
    served = Served(tmp_path, "- {when: {user: a}, reply: {file: a.txt}}")
    assert served.ask("a") == "first"
    (tmp_path / "a.txt").write_text("second one")
    served.look()
    assert served.ask("a") == "second one"
    (tmp_path / "t.yaml").write_text("- reply: further")
    served.look()
    assert served.ask("b") == "further"
    (tmp_path / "t.yaml").unlink()
    served.look()
    assert served.ask("b") is None


def test_a_broken_script_keeps_the_rules_and_is_told_once(tmp_path: Path) -> None:
    served = Served(tmp_path, "- reply: one")
    served.write("- rply: two")
    served.look()
    assert served.ask() == "one"
    assert served.told == [
        f"kept the rules as they were: {served.file}:1: [0].rply: there is no 'rply' here; did you "
        "mean 'reply'?"
    ]
    served.write("- reply: two")
    assert served.ask() == "two"
    served.file.unlink()
    served.look()
    assert served.ask() == "two"
    assert "there is no script" in served.told[-1]


def test_a_text_that_was_missing_is_found_when_it_comes(tmp_path: Path) -> None:
    served = Served(tmp_path, "- reply: one")
    served.write("- reply: {file: a.txt}")
    assert served.ask() == "one"
    (tmp_path / "a.txt").write_text("here")
    served.look()
    assert served.ask() == "here"


def test_rules_that_stay_keep_their_counts_wherever_they_stand(tmp_path: Path) -> None:
    count = "- {when: {user: x}, then: [{reply: one}, {reply: two}, {reply: three}]}\n"
    served = Served(tmp_path, count)
    assert served.ask() == "one"
    served.write("# moved\n- {when: {user: y}, reply: new}\n" + count)
    assert served.source.rules[1].origin == f"{served.file}:3 [1]"
    assert served.ask("y") == "new"
    assert served.ask() == "two"
    assert [uses for _, uses in served.source.uses] == [1, 2]
    served.write(count.replace("three", "four"))
    assert served.ask() == "one"


def test_equal_rules_keep_their_counts_in_their_order(tmp_path: Path) -> None:
    once = "- {reply: a, used_up: next}\n"
    served = Served(tmp_path, once + once + "- reply: z\n")
    assert served.ask() == "a"
    served.write("# moved\n" + once + once + "- reply: z\n")
    assert [served.ask(), served.ask()] == ["a", "z"]


def test_rules_that_came_later_stay_behind(tmp_path: Path) -> None:
    served = Served(tmp_path, "- {when: {user: x}, reply: one}")
    (later,) = parse("- {then: [{reply: a}, {reply: b}]}", "request")
    served.source.put(None, later)
    assert served.ask("y") == "a"
    served.write("- {when: {user: x}, reply: four}")
    assert [served.ask("x"), served.ask("y")] == ["four", "b"]


def test_scenarios_stay_in_their_states(tmp_path: Path) -> None:
    pay = "- {when: {user: pay}, reply: paid, scenario: s, to_state: paid}\n"
    served = Served(tmp_path, pay)
    served.ask("pay")
    served.write(pay + "- {scenario: s, in_state: paid, reply: thanks}\n")
    assert served.ask("x") == "thanks"
