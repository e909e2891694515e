"""chatdouble: the test double for Chat Completions.

Public names are imported on first use, so that ``import chatdouble`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# name -> the module that defines it; the exported-names test holds this list and __all__ together
_HOMES = {
    "ApiError": "answers",
    "Call": "calls",
    "CassetteError": "errors",
    "ChatdoubleError": "errors",
    "ListenError": "errors",
    "Pace": "schedule",
    "Reply": "answers",
    "ScriptError": "errors",
    "Server": "server",
    "Session": "engine",
    "Settings": "settings",
    "ToolCall": "answers",
    "Usage": "answers",
    "call": "answers",
    "contains": "match",
    "equals": "match",
    "refusal": "answers",
    "regex": "match",
}

__all__ = [
    "ApiError",
    "Call",
    "CassetteError",
    "ChatdoubleError",
    "ListenError",
    "Pace",
    "Reply",
    "ScriptError",
    "Server",
    "Session",
    "Settings",
    "ToolCall",
    "Usage",
    "call",
    "contains",
    "equals",
    "refusal",
    "regex",
]

if TYPE_CHECKING:
    from chatdouble.answers import ApiError, Reply, ToolCall, Usage, call, refusal
    from chatdouble.calls import Call
    from chatdouble.engine import Session
    from chatdouble.errors import CassetteError, ChatdoubleError, ListenError, ScriptError
    from chatdouble.match import contains, equals, regex
    from chatdouble.schedule import Pace
    from chatdouble.server import Server
    from chatdouble.settings import Settings


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
