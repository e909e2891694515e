"""YAML scalars as people read them: a text as a literal block wherever YAML can hold it so."""

from __future__ import annotations

import re
from binascii import b2a_base64

# what a literal block gives back as it is; YAML 1.1 takes NEL, U+2028 and U+2029 for line breaks
_NOT_LITERAL = re.compile(
    "[^\\t\\n\\x20-\\x7e\\xa0-\\u2027\\u202a-\\ud7ff\\ue000-\\ufefe\\uff00-\\ufffd\\U00010000-\\U0010ffff]"
)
_ESCAPED = re.compile(f'[\\\\"\\n]|{_NOT_LITERAL.pattern}|\\t')
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
# starts with a letter, so it is no number and no date; these words are no texts to YAML 1.1
_PLAIN = re.compile(r"(?!(?i:y|n|yes|no|on|off|true|false|null)\Z)[A-Za-z][!-~]*(?: [!-~]+)*")
_NOT_PLAIN = re.compile(r":(?: |\Z)| #")
_SINGLE = re.compile(r"[ -~]*")
_LINE = 76


def scalar(text: str) -> str:
    """A short text on one line: plain where that is safe, else quoted."""
    if _PLAIN.fullmatch(text) and not _NOT_PLAIN.search(text):
        return text
    if _SINGLE.fullmatch(text):
        return "'" + text.replace("'", "''") + "'"
    return f'"{quoted(text)}"'


def quoted(text: str) -> str:
    """What stands between double quotes for a text, on one line."""
    return _ESCAPED.sub(_escape, text)


def block(data: bytes, indent: int) -> str:
    """A body behind its key, at the given indentation of its lines, with no line break at the end.

    A literal block; double-quoted where that cannot hold the text, ``!!binary`` where it is none.
    """
    margin = "\n" + " " * indent
    try:
        text = data.decode()
    except UnicodeDecodeError:
        packed = b2a_base64(data, newline=False).decode()
        lines = (packed[at : at + _LINE] for at in range(0, len(packed), _LINE))
        return "!!binary |" + "".join(margin + line for line in lines)
    if not text.strip("\n") or _NOT_LITERAL.search(text):
        return _on_lines(text, margin)
    # without it, the first line's own spaces would count as indentation
    indicator = "2" if text[0] in " \n\t" else ""
    chomping = "-" if text[-1] != "\n" else "+" if text.endswith("\n\n") else ""
    body = text.removesuffix("\n")
    return f"|{indicator}{chomping}" + "".join(
        margin + line if line else "\n" for line in body.split("\n")
    )


def _on_lines(text: str, margin: str) -> str:
    if "\n" not in text[:-1]:
        return f'"{quoted(text)}"' if text else "''"
    lines = [quoted(line) for line in text.splitlines(keepends=True)]
    # a backslash at the end of a line joins it to the next one, before which spaces do not count
    return (
        '"'
        + "\\".join(
            line if not at else margin + ("\\" if line.startswith(" ") else "") + line
            for at, line in enumerate(lines)
        )
        + '"'
    )


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if char in _ESCAPES:
        return _ESCAPES[char]
    code = ord(char)
    if 0xD800 <= code <= 0xDFFF:
        return "\\uFFFD"  # half a character: YAML cannot hold it
    return f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}"
