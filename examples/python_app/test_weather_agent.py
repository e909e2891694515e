"""The app is tested as it runs: in a process of its own, against its test's own session."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from chatdouble import Session, call, contains

APP = Path(__file__).with_name("weather_agent.py")


def ask(question: str) -> str:
    ran = subprocess.run([sys.executable, APP, question], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_the_agent_uses_its_tool(chatdouble_env: Session) -> None:
    chatdouble_env.on(user=contains("weather")).reply(call("get_weather", city="Rome"))
    chatdouble_env.on(tool_result="get_weather").reply("It is mild.")
    assert ask("What is the weather in Rome?") == "It is mild."
    chatdouble_env.assert_called(
        tool_result={"name": "get_weather", "content": "18 degrees in Rome"}
    )


def test_the_agent_survives_a_rate_limit(chatdouble_env: Session) -> None:
    chatdouble_env.on().fail("rate_limit", retry_after=0.1).reply("Hello.")
    assert ask("Hi") == "Hello."
    assert chatdouble_env.retries[0].obeyed
