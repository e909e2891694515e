"""What a request can ask for besides messages and tools: types of the less common fields.

Source: the published OpenAPI document; that nested objects take no further keys is probed.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

JsonObject = dict[str, Any]


class StreamOptions(Struct, forbid_unknown_fields=True, gc=False):
    """What a stream carries besides the choices."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class PromptCacheOptions(Struct, forbid_unknown_fields=True, gc=False):
    """How the prompt is cached."""

    ttl: Literal["30m"] | None = None
    mode: Literal["implicit", "explicit"] | None = None


class PromptCacheBreakpoint(Struct, forbid_unknown_fields=True, gc=False):
    """A place up to which the prompt is cached."""

    mode: Literal["explicit"]


class ModerationConfig(Struct, forbid_unknown_fields=True, gc=False):
    """What moderation does with what it finds."""

    mode: Literal["score", "block"]


class ModerationPolicy(Struct, forbid_unknown_fields=True, gc=False):
    """Moderation of the request's and of the reply's texts."""

    input: ModerationConfig | None = None
    output: ModerationConfig | None = None


class Moderation(Struct, forbid_unknown_fields=True, gc=False):
    """Moderation of the request and the reply."""

    model: str
    policy: ModerationPolicy | None = None


class Voice(Struct, forbid_unknown_fields=True, gc=False):
    """A voice of one's own."""

    id: str


class AudioOutput(Struct, forbid_unknown_fields=True, gc=False):
    """How a spoken reply sounds."""

    voice: str | Voice
    format: Literal["wav", "aac", "mp3", "flac", "opus", "pcm16"]


class Place(Struct, forbid_unknown_fields=True, gc=False):
    """Roughly where the user is."""

    country: str | None = None
    region: str | None = None
    city: str | None = None
    timezone: str | None = None


class UserLocation(Struct, forbid_unknown_fields=True, gc=False):
    """Where web searches are made from."""

    type: Literal["approximate"]
    approximate: Place


class WebSearchOptions(Struct, forbid_unknown_fields=True, gc=False):
    """How the web is searched before the reply."""

    user_location: UserLocation | None = None
    search_context_size: Literal["low", "medium", "high"] | None = None


class _ToolFormat(Struct, tag_field="type", forbid_unknown_fields=True, gc=False):
    """What form a custom tool's input has."""


class AnyText(_ToolFormat, tag="text", gc=False):
    """Any text."""


class Grammar(Struct, forbid_unknown_fields=True, gc=False):
    """The grammar that a custom tool's input follows."""

    definition: str
    syntax: Literal["lark", "regex"]


class GrammarFormat(_ToolFormat, tag="grammar", gc=False):
    """A text that follows a grammar."""

    grammar: Grammar


ToolFormat = AnyText | GrammarFormat
Metadata = Annotated[
    dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=512)]],
    Meta(max_length=16),
]
LogitBias = Annotated[dict[str, Annotated[float, Meta(ge=-100, le=100)]], Meta(max_length=1024)]
