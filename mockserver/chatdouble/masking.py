"""Keys in texts that are logged or told to others: they are blotted out, wherever they stand."""

from __future__ import annotations

import re

_KEY = re.compile(r"\bsk-[A-Za-z0-9_-]{16,}")
_HIDDEN = "<redacted>"


def hidden(text: str) -> str:
    """The text without what looks like an API key, as ``sk-`` and 16 or more letters do."""
    return _KEY.sub(_HIDDEN, text) if "sk-" in text else text
