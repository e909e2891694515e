"""What never reaches a file: keys, tokens, cookies, passwords and the ids of accounts."""

from chatdouble.cassette.redact.placeholders import Placeholders
from chatdouble.cassette.redact.redacted import Redacted, redact

__all__ = ["Placeholders", "Redacted", "redact"]
