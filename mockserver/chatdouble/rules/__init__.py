"""Rules: when they answer, and with what, step by step."""

from __future__ import annotations

from chatdouble.failures import FAILURES, api_error
from chatdouble.rules.builder import RuleBuilder
from chatdouble.rules.makers import Made, Maker, Templated
from chatdouble.rules.rule import (
    STARTED,
    USED_UP,
    Rule,
    Scenario,
    Step,
    UsedUp,
    check_times,
    scenario_of,
    unreachable,
)
from chatdouble.rules.scripting import Scripting

__all__ = [
    "FAILURES",
    "STARTED",
    "USED_UP",
    "Made",
    "Maker",
    "Rule",
    "RuleBuilder",
    "Scenario",
    "Scripting",
    "Step",
    "Templated",
    "UsedUp",
    "api_error",
    "check_times",
    "scenario_of",
    "unreachable",
]
