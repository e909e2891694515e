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


def reasons(model: str) -> bool:
    """Whether the model belongs to a family that reasons before it answers (gpt-5*, o1, o3, o4)."""
    return model.startswith(("gpt-5", "o1", "o3", "o4")) and "-chat" not in model


def reasons_unasked(model: str) -> bool:
    """Whether it reasons when no effort is named: gpt-5.1 to gpt-5.5 do so only when asked."""
    return reasons(model) and not model.startswith(
        ("gpt-5.1", "gpt-5.2", "gpt-5.3", "gpt-5.4", "gpt-5.5")
    )


def is_old(model: str) -> bool:
    """Whether it is of the families before gpt-4o: gpt-3.5, gpt-4 and its dated and turbo forms."""
    return model == "gpt-4" or model.startswith(("gpt-4-", "gpt-3.5"))


def encoding(model: str) -> EncodingName:
    """The encoding that the model's tokens are counted in."""
    return "cl100k_base" if is_old(model) else "o200k_base"


def says_logprobs(model: str) -> bool:
    """Whether choices carry a ``logprobs`` key: absent on reasoning, audio and search models."""
    return not (reasons(model) or counts_media(model) or is_search(model))


def has_fingerprint(model: str) -> bool:
    """Whether ``system_fingerprint`` holds a value; recorded for gpt-4o, gpt-4.1 and o3-mini."""
    return model.startswith(("gpt-4o", "gpt-4.1", "o3-mini"))


def is_search(model: str) -> bool:
    """Whether it searches the web: its answers have ids, tiers and fingerprints of their own."""
    return "search-preview" in model


def counts_media(model: str) -> bool:
    """Whether usage tells text, images and sound apart: the models that hear or speak."""
    return model.startswith("gpt-audio") or "audio-preview" in model


def says_cache_writes(model: str) -> bool:
    """Whether usage tells what was put into the cache; recorded for gpt-5.6-sol."""
    return model.startswith("gpt-5.6")
