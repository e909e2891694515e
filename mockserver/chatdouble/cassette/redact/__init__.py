"""What never reaches a file: keys, tokens, cookies, passwords and the ids of accounts."""

from chatdouble.cassette.redact.cleaning import Finding, clean, findings
from chatdouble.cassette.redact.placeholders import Placeholders
from chatdouble.cassette.redact.redacted import Redacted, redact

__all__ = ["Finding", "Placeholders", "Redacted", "clean", "findings", "redact"]
