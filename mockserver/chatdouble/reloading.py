"""Rules that follow their scripts: read again when a file changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from chatdouble import script
from chatdouble.errors import ScriptError
from chatdouble.script.place import Reading
from chatdouble.sources.scripted import Scripted

# what tells one version of the files from another: each one's time and size, or what is wrong
State: TypeAlias = tuple[object, ...]

_SECONDS = 0.5


class Reloading:
    """Reads scripts again when they, or files that they name, change; a thread looks for that.

    Scripts that are wrong leave the rules as they are.

    Args:
        paths: the scripts' files and folders.
        scripted: has the scripts' rules, which are replaced; rules that it gets later stay behind
            them.
        tell: takes a line whenever there are other rules, or the files became wrong.
    """

    def __init__(
        self, paths: tuple[Path, ...], scripted: Scripted, tell: Callable[[str], None]
    ) -> None:
        self._paths = paths
        self._scripted = scripted
        self._rules = scripted.rules
        self._tell = tell
        self._seen: State | None = None
        self._wrong = ""
        self._named: set[Path] = set()
        self._thread = threading.Thread(target=self._watch, name="chatdouble-reload", daemon=True)

    def start(self) -> None:
        """Look twice a second, until the process ends."""
        self._thread.start()

    def _watch(self) -> None:
        while True:
            time.sleep(_SECONDS)
            self.look()

    def look(self) -> None:
        """Read the scripts if any file is another than when this was last called."""
        state = self._state()
        if state == self._seen:
            return
        reading = Reading()
        try:
            rules = script.load(self._paths, reading)
        except ScriptError as error:
            if str(error) != self._wrong:
                self._wrong = str(error)
                self._tell(f"kept the rules as they were: {error}")
        else:
            self._wrong = ""
            if rules != self._rules:
                self._scripted.replace(self._rules, rules)
                self._rules = rules
                self._tell(f"read again: {len(rules)} rule{'s' * (len(rules) != 1)}")
        # a file that is named for the first time makes another state, and so a second look
        self._named = reading.files
        self._seen = state

    def _state(self) -> State:
        try:
            files = [file for file, _ in script.find(self._paths)]
        except (ScriptError, OSError) as error:
            return (str(error),)
        return tuple((str(file), *_version(file)) for file in (*files, *sorted(self._named)))


def _version(file: Path) -> tuple[int, ...]:
    try:
        found = file.stat()
    except OSError:
        return ()
    return (found.st_mtime_ns, found.st_size, found.st_ino)
