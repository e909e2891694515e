"""How many tokens a model can read and write, and the refusals of requests for more.

Figures: the models' published pages; that gpt-5 and later name a limit of the input instead of the
window is taken from refusals (272000 of 400000, 922000 of 1050000). A model that stands in no row
has no bounds here.
"""

from __future__ import annotations

from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from chatdouble.answers import ApiError
from chatdouble.wire.chat.models import family
from chatdouble.wire.chat.request import ChatRequest
from chatdouble.wire.chat.sentences import refuse
from chatdouble.wire.chat.usage import prompt_tokens


class Window(Struct, frozen=True, gc=False):
    """A model's bounds in tokens.

    Attributes:
        tokens: of prompt and completion together.
        output: of the completion; None where only ``tokens`` bounds it.
        input: of the prompt, where refusals name such a bound.
    """

    tokens: int
    output: int | None = None
    input: int | None = None


_GPT_4O = Window(128_000, 16_384)
_GPT_5 = Window(400_000, 128_000, 272_000)
_GPT_5_4 = Window(1_050_000, 128_000, 922_000)
_O = Window(200_000, 100_000)
_TURBO = Window(128_000, 4_096)

# a model's beginning -> its bounds; the first that fits
_WINDOWS = (
    ("gpt-3.5-turbo-0301", Window(4_097)),
    ("gpt-3.5-turbo-0613", Window(4_097)),
    ("gpt-3.5-turbo-16k", Window(16_385)),
    ("gpt-3.5-turbo", Window(16_385, 4_096)),
    ("gpt-4-32k", Window(32_768)),
    ("gpt-4-0125", _TURBO),
    ("gpt-4-1106", _TURBO),
    ("gpt-4-turbo", _TURBO),
    ("gpt-4-vision", _TURBO),
    ("gpt-4.1", Window(1_047_576, 32_768)),
    ("gpt-4.5", _GPT_4O),
    ("gpt-4o-2024-05-13", _TURBO),
    ("gpt-4o", _GPT_4O),
    ("gpt-4", Window(8_192)),
    ("chatgpt-4o", _GPT_4O),
    ("gpt-audio", _GPT_4O),
    ("gpt-5-chat", _GPT_4O),
    ("gpt-5.1-chat", _GPT_4O),
    ("gpt-5.2-chat", _GPT_4O),
    ("gpt-5.3-chat", _GPT_4O),
    ("gpt-5.4-mini", _GPT_5),
    ("gpt-5.4-nano", _GPT_5),
    ("gpt-5.4", _GPT_5_4),
    ("gpt-5.5", _GPT_5_4),
    ("gpt-5.6", _GPT_5_4),
    ("gpt-5", _GPT_5),
    ("o1-mini", Window(128_000, 65_536)),
    ("o1-preview", Window(128_000, 32_768)),
    ("o1", _O),
    ("o3", _O),
    ("o4-mini", _O),
)


def window_of(model: str) -> Window | None:
    """The model's bounds, None if they are not known."""
    return _window(family(model)[:_LONGEST])


_LONGEST = max(len(beginning) for beginning, _ in _WINDOWS)


@lru_cache(maxsize=256)
def _window(name: str) -> Window | None:
    return next((window for beginning, window in _WINDOWS if name.startswith(beginning)), None)


def too_much_asked(request: ChatRequest) -> ApiError | None:
    """The refusal of a completion that is longer than the model can write."""
    window = window_of(request.model)
    asked = request.max_completion_tokens or request.max_tokens
    if window is None or window.output is None or asked is None or asked <= window.output:
        return None
    # recorded: both fields are called max_tokens
    return refuse(
        f"max_tokens is too large: {asked}. This model supports at most {window.output} completion "
        f"tokens, whereas you provided {asked}.",
        "max_tokens",
        "invalid_value",
    )


def too_long(request: ChatRequest, size: int) -> ApiError | None:
    """The refusal of a request that the model cannot read, or not with the completion asked for.

    Args:
        request: the request.
        size: bytes of its body. A request that could not fill the window if each byte were a token
            is not counted.
    """
    window = window_of(request.model)
    asked = request.max_completion_tokens or request.max_tokens or 0
    if window is None or size + asked <= (window.input or window.tokens):
        return None
    prompt = prompt_tokens(request)
    if window.input is not None and prompt > window.input:
        return _too_long(
            f"Input tokens exceed the configured limit of {window.input} tokens. Your messages "
            f"resulted in {prompt} tokens. Please reduce the length of the messages."
        )
    if prompt + asked <= window.tokens:
        return None
    bare = replace(request, tools=None, functions=None, tool_choice=None, function_call=None)
    functions = prompt - prompt_tokens(bare) if request.tools or request.functions else 0
    parts = [f"{prompt - functions} in the messages"]
    causes = ["messages"]
    if functions:
        parts.append(f"{functions} in the functions")
        causes.append("functions")
    if prompt <= window.tokens:
        parts.append(f"{asked} in the completion")
        causes.append("completion")
        happened = f"you requested {prompt + asked} tokens"
    else:
        happened = f"your messages resulted in {prompt} tokens"
    counts = f" ({_series(parts, 'and')})" if len(parts) > 1 else ""
    return _too_long(
        f"This model's maximum context length is {window.tokens} tokens. However, {happened}"
        f"{counts}. Please reduce the length of the {_series(causes, 'or')}."
    )


def _too_long(message: str) -> ApiError:
    return refuse(message, "messages", "context_length_exceeded")


def _series(words: list[str], last: str) -> str:
    """Two words are told apart by ``last`` or by a comma, as recorded; three take both."""
    if len(words) < 3:
        return (", " if last == "and" else f" {last} ").join(words)
    return f"{', '.join(words[:-1])}, {last} {words[-1]}"
