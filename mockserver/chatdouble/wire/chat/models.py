"""What differs from model to model on ``/v1/chat/completions``, as far as recordings show it."""

from __future__ import annotations

from chatdouble.tokens import EncodingName

# alias -> the dated snapshot that answers for it; a name that is no alias is echoed.
# Source: recordings of api.openai.com, 2023-03 to 2026-08.
SNAPSHOTS = {
    "gpt-3.5-turbo": "gpt-3.5-turbo-0125",
    "gpt-4": "gpt-4-0613",
    "gpt-4.1": "gpt-4.1-2025-04-14",
    "gpt-4.1-mini": "gpt-4.1-mini-2025-04-14",
    "gpt-4.1-nano": "gpt-4.1-nano-2025-04-14",
    "gpt-4.5-preview": "gpt-4.5-preview-2025-02-27",
    "gpt-4o": "gpt-4o-2024-08-06",
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "gpt-4o-search-preview": "gpt-4o-search-preview-2025-03-11",
    "gpt-5": "gpt-5-2025-08-07",
    "gpt-5-mini": "gpt-5-mini-2025-08-07",
    "gpt-5-nano": "gpt-5-nano-2025-08-07",
    "gpt-5.1": "gpt-5.1-2025-11-13",
    "gpt-5.4": "gpt-5.4-2026-03-05",
    "gpt-5.4-mini": "gpt-5.4-mini-2026-03-17",
    "gpt-5.6-sol": "gpt-5.6-sol",
    "gpt-audio": "gpt-audio-2025-08-28",
    "gpt-audio-mini": "gpt-audio-mini-2025-12-15",
    "o3-mini": "o3-mini-2025-01-31",
    "o4-mini": "o4-mini-2025-04-16",
}


def family(model: str) -> str:
    """The model itself, or the one that a fine-tuned model (``ft:BASE:…``) was made from."""
    if not model.startswith("ft:"):
        return model
    return model.split(":", 2)[1]


def reasons(model: str) -> bool:
    """Whether the model belongs to a family that reasons before it answers (gpt-5*, o1, o3, o4)."""
    model = family(model)
    return model.startswith(("gpt-5", "o1", "o3", "o4")) and "-chat" not in model


def reasons_unasked(model: str) -> bool:
    """Whether it reasons when no effort is named: gpt-5.1 to gpt-5.5 do so only when asked."""
    return reasons(model) and not family(model).startswith(
        ("gpt-5.1", "gpt-5.2", "gpt-5.3", "gpt-5.4", "gpt-5.5")
    )


def is_old(model: str) -> bool:
    """Whether it is of the families before gpt-4o: gpt-3.5, gpt-4 and its dated and turbo forms."""
    model = family(model)
    return model == "gpt-4" or model.startswith(("gpt-4-", "gpt-3.5"))


def encoding(model: str) -> EncodingName:
    """The encoding that the model's tokens are counted in."""
    return "cl100k_base" if is_old(model) else "o200k_base"


def says_logprobs(model: str) -> bool:
    """Whether choices carry a ``logprobs`` key: absent on reasoning, audio and search models."""
    return not (reasons(model) or counts_media(model) or is_search(model))


def has_fingerprint(model: str) -> bool:
    """Whether ``system_fingerprint`` holds a value; recorded for gpt-4o, gpt-4.1 and o3-mini."""
    return family(model).startswith(("gpt-4o", "gpt-4.1", "o3-mini"))


def is_search(model: str) -> bool:
    """Whether it searches the web: its answers have ids, tiers and fingerprints of their own."""
    return "search-preview" in model


def counts_media(model: str) -> bool:
    """Whether usage tells text, images and sound apart: the models that hear or speak."""
    return family(model).startswith("gpt-audio") or "audio-preview" in model


def says_cache_writes(model: str) -> bool:
    """Whether usage tells what was put into the cache; recorded for gpt-5.6-sol."""
    return family(model).startswith("gpt-5.6")


def is_known(model: str) -> bool:
    """Whether it is one of OpenAI's that do not reason; what others take is not known here."""
    return family(model).startswith(("gpt-3.5", "gpt-4", "chatgpt-4o"))


def is_chat(model: str) -> bool:
    """Whether it can chat at all: base, instruct, embedding and media models cannot."""
    model = family(model)
    return not model.startswith(_NO_CHAT) and model not in _BASE


_BASE = ("ada", "babbage", "babbage-002", "curie", "davinci", "davinci-002")
_NO_CHAT = (
    "code-davinci-",
    "dall-e-",
    "gpt-3.5-turbo-instruct",
    "omni-moderation-",
    "text-ada-",
    "text-babbage-",
    "text-curie-",
    "text-davinci-",
    "text-embedding-",
    "text-moderation-",
    "tts-1",
    "whisper-1",
)


def only_responds(model: str) -> bool:
    """Whether it is served by ``/v1/responses`` alone: the pro, codex and research models."""
    model = family(model)
    return model.startswith(("codex-mini", "computer-use-preview", "gpt-image-")) or (
        reasons(model) and any(word in model for word in ("-pro", "-codex", "-deep-research"))
    )


def sees(model: str) -> bool:
    """Whether it takes images."""
    model = family(model)
    if model.startswith(("gpt-3.5", "o1-mini", "o1-preview", "o3-mini")):
        return False
    seeing = ("gpt-4-turbo-2024", "gpt-4-vision", "gpt-4-1106-vision")
    return not is_old(model) or model == "gpt-4-turbo" or model.startswith(seeing)


def efforts(model: str) -> tuple[str, ...]:
    """What ``reasoning_effort`` can be, as refusals of the model list it; empty if unknown."""
    model = family(model)
    if model.startswith("gpt-5") and "-chat" in model:
        return ("medium",)
    if not reasons(model) or model.startswith(("o1-mini", "o1-preview")):
        return ()
    if model.startswith("gpt-5.1"):
        return ("none", "low", "medium", "high")
    if model.startswith("gpt-5."):
        return ("none", "low", "medium", "high", "xhigh")
    if model.startswith("gpt-5"):
        return ("minimal", "low", "medium", "high")
    return ("low", "medium", "high")
