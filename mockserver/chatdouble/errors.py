"""What chatdouble raises.

::

    ChatdoubleError
      + ScriptError      a script file or a rule says something that cannot be meant
      + CassetteError    a cassette cannot be read
      + ListenError      the server cannot listen where it was told to
      + RemoteError      a server in another process is not there, or refuses what it is asked

What goes over the wire as an HTTP error is a value, ``answers.ApiError``, and is never raised.
"""

from __future__ import annotations

from pathlib import Path


class ChatdoubleError(Exception):
    """Base of all errors that chatdouble raises: catch it to catch them all."""


class ScriptError(ChatdoubleError):
    """Raised when a script file, or a rule built in Python, is wrong.

    Args:
        problem: what was expected and what was found, and what to write instead.
        file: the script's path, or None for a rule built in Python.
        line: the line in that file, counted from 1.
        path: where in the document, for example ``rules[0].when.user``.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: Path | str | None = None,
        line: int | None = None,
        path: str = "",
    ) -> None:
        self.problem = problem
        self.file = file
        self.line = line
        self.path = path
        where = str(file) if file is not None else ""
        if where and line is not None:
            where += f":{line}"
        super().__init__(": ".join(part for part in (where, path, problem) if part))


class CassetteError(ChatdoubleError):
    """Raised when a cassette cannot be read; the file is left as it was.

    Args:
        file: the cassette's path.
        problem: what is wrong with it and where.
        foreign: True when the file is no vcrpy cassette at all, False when it is a damaged one.
    """

    def __init__(self, file: Path | str, problem: str, *, foreign: bool = False) -> None:
        self.file = file
        self.problem = problem
        self.foreign = foreign
        super().__init__(f"{file}: {problem}")


class ListenError(ChatdoubleError):
    """Raised when the server cannot listen on its address, for example because it is taken."""


class RemoteError(ChatdoubleError):
    """Raised when a server in another process does not answer, or refuses what it is asked."""
