"""How many tokens the API counts for a request and for a reply.

The rules are fitted to recordings of api.openai.com, 2023-04 to 2026-08: what is counted is the
text that the model reads and writes, which is not what goes over the wire. Where recordings
disagree with each other, the newest count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import islice, takewhile
from types import GenericAlias
from typing import Any, TypeAlias

import msgspec

from chatdouble import tokens
from chatdouble.answers import Reply
from chatdouble.tokens import Counter, EncodingName
from chatdouble.wire.chat.images import image_tokens
from chatdouble.wire.chat.models import encoding, reasons
from chatdouble.wire.chat.request import (
    AssistantMessage,
    ChatRequest,
    ChosenFunction,
    DeveloperMessage,
    Function,
    FunctionMessage,
    FunctionName,
    FunctionToolCall,
    ImagePart,
    JsonSchemaFormat,
    Message,
    RefusalPart,
    SystemMessage,
    TextPart,
    ToolMessage,
    role_of,
    text_of,
    tool_functions,
)
from chatdouble.wire.chat.toolspec import (
    Call,
    compact,
    format_text,
    is_spaced,
    results_text,
    tools_text,
    uses_text,
)

Count: TypeAlias = Callable[[str], int]

# tokens that open and close a message, its role apart
_MESSAGE = 3

# tools and schemas are remembered when their JSON is not very long
_LONGEST_KEPT = 100_000


def prompt_tokens(request: ChatRequest) -> int:
    """Tokens of the request: its messages, what it offers and asks for, the reply's header."""
    count = _counter(request.model)
    total = _messages(request, count) + (2 if reasons(request.model) else 3)
    if request.tools or request.functions or request.response_format:
        total += _instructions(request, count)
    return total


def completion_tokens(request: ChatRequest, reply: Reply, reasoning: int = 0) -> int:
    """Tokens of the reply in all the choices that the request asks for.

    Args:
        request: the request that is replied to.
        reply: what the choices say.
        reasoning: tokens that the model thought, for all choices together.
    """
    choices = request.n or 1
    if not reply.others:
        # the choices say the same
        total = choices * _choice_tokens(request, reply, reasoning > 0)
    else:
        said = map(reply.choice, range(choices))
        total = sum(_choice_tokens(request, one, reasoning > 0) for one in said)
    # a choice that the limit cuts has spent it on thinking, too
    return total if _is_cut(request, reply) else total + reasoning


def choice_tokens(request: ChatRequest, reply: Reply, reasoning: int = 0) -> int:
    """Tokens of one choice, before a limit cuts it; ``reasoning`` are those that it thought."""
    return reasoning + _said(request, reply, reasoning > 0)


def _choice_tokens(request: ChatRequest, reply: Reply, reasoned: bool) -> int:
    limit = limit_of(request)
    if limit is None:
        return _said(request, reply, reasoned)
    # a stop sequence is billed as far as the limit lets it be written
    return limit if _is_cut(request, reply) else min(_said(request, reply, reasoned), limit)


def _is_cut(request: ChatRequest, reply: Reply) -> bool:
    return reply.finish_reason == "length" and limit_of(request) is not None


def limit_of(request: ChatRequest) -> int | None:
    """How many tokens a choice may have, None without a limit."""
    return request.max_completion_tokens or request.max_tokens


def _counter(model: str) -> Count:
    return Counter(encoding(model))


def _messages(request: ChatRequest, count: Count) -> int:
    messages, model = request.messages, request.model
    total, at = 0, 0
    while at < len(messages):
        message = messages[at]
        at += 1
        if isinstance(message, AssistantMessage) and (message.tool_calls or message.function_call):
            results = list(takewhile(_is_result, islice(messages, at, None)))
            total += _exchange(message, results, model, count)
            at += len(results)
        else:
            total += _plain(message, model, count)
    return total


def _is_result(message: Message) -> bool:
    return isinstance(message, ToolMessage | FunctionMessage)


def _plain(message: Message, model: str, count: Count) -> int:
    role = role_of(message)
    total = _MESSAGE + count(role) + _content(message, model, count)
    if role == "assistant" and reasons(model):
        total += 2
    if model == "gpt-3.5-turbo-0301":
        # a longer header, in which a name takes the place of the role
        return total + 1 + (0 if message.name is None else count(message.name) - 1)
    if message.name is None:
        return total
    return total + count(message.name) + (message.name != role)


def _content(message: Message, model: str, count: Count) -> int:
    content = message.content
    if isinstance(content, str):
        return count(content)
    if content:
        return _parts(content, model, count)
    refused = message.refusal if isinstance(message, AssistantMessage) else None
    return count(refused) if refused else 0


def _parts(parts: Sequence[Any], model: str, count: Count) -> int:
    """Texts that follow each other are one text; of other parts, only images are counted."""
    total = 0
    texts: list[str] = []
    for part in parts:
        if isinstance(part, TextPart):
            texts.append(part.text)
        elif isinstance(part, RefusalPart):
            texts.append(part.refusal)
        else:
            total += count("".join(texts))
            texts.clear()
            if isinstance(part, ImagePart):
                total += image_tokens(part.image_url, model)
    return total + count("".join(texts))


def _exchange(
    message: AssistantMessage, results: Sequence[Message], model: str, count: Count
) -> int:
    """Calls and their results: one call is a message to the function, and several are one call of
    ``multi_tool_use.parallel``, which takes and gives back a list.
    """
    said, calls = text_of(message), _calls_of(message)
    total = count(said) + 4 if said else 0
    if message.name:
        total += count(message.name) + 1
    if model.startswith(("gpt-5", "o4")):
        total += 6
    texts = [text_of(result) for result in results]
    if len(calls) > 1:
        return total + 20 + count(uses_text(calls)) + count(results_text(texts))
    name, arguments = calls[0]
    total += 6 + count(f"functions.{name}") + count(compact(arguments))
    return total + sum(6 + count(name) + count(text) for text in texts)


def _calls_of(message: AssistantMessage) -> list[Call]:
    calls: list[Call] = []
    for call in message.tool_calls or ():
        if isinstance(call, FunctionToolCall):
            calls.append((call.function.name, call.function.arguments))
        else:
            calls.append((call.custom.name, call.custom.input))
    if not calls and message.function_call:
        calls.append((message.function_call.name, message.function_call.arguments))
    return calls


def _instructions(request: ChatRequest, count: Count) -> int:
    """Tokens of what is put behind the system message: the tools, then the reply's schema."""
    texts: list[int] = []
    total = 0
    functions = _functions(request)
    if functions:
        texts.append(_spec_tokens(tools_text, functions, request.model))
        total += _offer(request, count)
    form = request.response_format
    if isinstance(form, JsonSchemaFormat):
        texts.append(_spec_tokens(format_text, form.json_schema, request.model))
        if not functions and not reasons(request.model):
            heads = 1 + sum(isinstance(message, AssistantMessage) for message in request.messages)
            total += heads * (count(form.json_schema.name) + 2)
    if not texts:
        return 0
    # the texts begin with "#", where a token always begins: their counts can be added
    total += sum(texts) + (len(texts) - 1) * count("\n\n")
    system = next((one for one in request.messages if _is_system(one)), None)
    if system is None:
        return total + _MESSAGE + count("system")
    said = text_of(system)
    return total + count(f"{said}\n\n") - count(said) + (3 if reasons(request.model) else 0)


def _spec_tokens(write: Callable[[Any], str], spec: Any, model: str) -> int:
    """Tokens of what is written for tools or a schema, remembered by their JSON."""
    name = encoding(model)
    kind: Any = GenericAlias(list, type(spec[0])) if isinstance(spec, list) else type(spec)
    try:
        key = msgspec.json.encode(spec)
        if len(key) <= _LONGEST_KEPT:
            return _remembered(write, key, kind, name)
    except RecursionError:
        # nested as deep as can be read, but not written again from here; what is counted is pruned
        pass
    return tokens.count(write(spec), name)


@lru_cache(maxsize=128)
def _remembered(write: Callable[[Any], str], key: bytes, kind: Any, name: EncodingName) -> int:
    return tokens.count(write(msgspec.json.decode(key, type=kind)), name)


def _is_system(message: Message) -> bool:
    return isinstance(message, SystemMessage | DeveloperMessage)


def _functions(request: ChatRequest) -> list[Function]:
    return tool_functions(request) + (request.functions or [])


def _offer(request: ChatRequest, count: Count) -> int:
    """Tokens of tools besides their text: what stands around them, and which must be called."""
    total = -1
    if reasons(request.model):
        total = 81 if request.model.startswith("gpt-5") else 0
    if _choice(request) == "none":
        return total + 1
    name = _forced(request)
    return total if name is None or reasons(request.model) else total + count(name) + 7


def _choice(request: ChatRequest) -> Any:
    return request.tool_choice or request.function_call


def _forced(request: ChatRequest) -> str | None:
    """The function that the request says must be called."""
    choice = _choice(request)
    if isinstance(choice, ChosenFunction):
        return choice.function.name
    return choice.name if isinstance(choice, FunctionName) else None


def _said(request: ChatRequest, reply: Reply, reasoned: bool) -> int:
    count = _counter(request.model)
    if reply.tool_calls:
        return _called(request, reply, count)
    total = count(reply.content or "") + count(reply.stopped_by or "")
    if reply.refusal is not None:
        return total + count(reply.refusal) + 1
    tools = bool(_functions(request)) and _choice(request) != "none"
    schema = isinstance(request.response_format, JsonSchemaFormat)
    if reasons(request.model):
        return total + _header(request.model, tools, reasoned) + (3 if schema else 0)
    if tools:
        total += 5 if schema else 1
    return total


def _header(model: str, tools: bool, reasoned: bool) -> int:
    """Tokens of a reasoning model's text besides the text."""
    if model.startswith(("o1", "o3")):
        return 13
    if model.startswith("o4"):
        return 12 if tools and not reasoned else 18
    plain = _reasons_first(model) and not tools
    return 9 if reasoned or plain else 3


def _reasons_first(model: str) -> bool:
    """Whether it is of the models that always open with reasoning: gpt-5 and gpt-5.1."""
    version = model.removeprefix("gpt-5").partition("-")[0]
    return model.startswith("gpt-5") and version in ("", ".1")


def _called(request: ChatRequest, reply: Reply, count: Count) -> int:
    model = request.model
    calls = [(call.name, call.arguments) for call in reply.tool_calls]
    if _forced(request) is not None:
        return sum(count(arguments) for _, arguments in calls)
    total = count(reply.content) + 4 if reply.content else 0
    name, arguments = calls[0]
    if len(calls) > 1 or is_spaced(arguments):
        return total + count(uses_text(calls)) + (19 if model.startswith("gpt-5") else 10)
    total += count(f"functions.{name}") + count(arguments)
    if model in ("gpt-4", "gpt-4-0613"):
        return total + 3
    if model.startswith("o4") or _reasons_first(model):
        return total + 15
    return total + (9 if model.startswith("gpt-5") else 6)
