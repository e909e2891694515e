"""chatdouble: the test double for Chat Completions.

Public names are imported on first use, so that ``import chatdouble`` costs next to nothing.
"""

from __future__ import annotations

# what type checkers take for true; importing it from typing would take longer than all the rest
TYPE_CHECKING = False

__version__ = "0.1.0"

# name -> the module that defines it; the exported-names test holds this list and __all__ together
_HOMES = {
    "ApiError": "answers",
    "Audio": "answers",
    "Call": "calls",
    "CassetteError": "errors",
    "ChatdoubleError": "errors",
    "ListenError": "errors",
    "Matching": "cassette.matching",
    "Pace": "schedule",
    "RemoteError": "errors",
    "RemoteServer": "remote",
    "RemoteSession": "remote",
    "Reply": "answers",
    "ScriptError": "errors",
    "Server": "server",
    "Session": "engine",
    "Settings": "settings",
    "TokenLogprob": "answers",
    "ToolCall": "answers",
    "UrlCitation": "answers",
    "Usage": "answers",
    "above": "match",
    "at_least": "match",
    "at_most": "match",
    "below": "match",
    "call": "answers",
    "contains": "match",
    "equals": "match",
    "fits": "match",
    "generated": "sources.making",
    "glob": "match",
    "like": "match",
    "one_of": "match",
    "passthrough": "sources.making",
    "recorded_pace": "cassette.pacing",
    "refusal": "answers",
    "regex": "match",
}

__all__ = [
    "ApiError",
    "Audio",
    "Call",
    "CassetteError",
    "ChatdoubleError",
    "ListenError",
    "Matching",
    "Pace",
    "RemoteError",
    "RemoteServer",
    "RemoteSession",
    "Reply",
    "ScriptError",
    "Server",
    "Session",
    "Settings",
    "TokenLogprob",
    "ToolCall",
    "UrlCitation",
    "Usage",
    "above",
    "at_least",
    "at_most",
    "below",
    "call",
    "contains",
    "equals",
    "fits",
    "generated",
    "glob",
    "like",
    "one_of",
    "passthrough",
    "recorded_pace",
    "refusal",
    "regex",
]

if TYPE_CHECKING:
    from typing import Any

    from chatdouble.answers import (
        ApiError,
        Audio,
        Reply,
        TokenLogprob,
        ToolCall,
        UrlCitation,
        Usage,
        call,
        refusal,
    )
    from chatdouble.calls import Call
    from chatdouble.cassette.matching import Matching
    from chatdouble.cassette.pacing import recorded_pace
    from chatdouble.engine import Session
    from chatdouble.errors import (
        CassetteError,
        ChatdoubleError,
        ListenError,
        RemoteError,
        ScriptError,
    )
    from chatdouble.match import (
        above,
        at_least,
        at_most,
        below,
        contains,
        equals,
        fits,
        glob,
        like,
        one_of,
        regex,
    )
    from chatdouble.remote import RemoteServer, RemoteSession
    from chatdouble.schedule import Pace
    from chatdouble.server import Server
    from chatdouble.settings import Settings
    from chatdouble.sources.making import generated, passthrough


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
