"""One writer at a time: a lock over a folder, between threads and processes."""

from __future__ import annotations

import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from filelock import FileLock, Timeout

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment] # Windows

# how long a writer waits for the others before it gives up: they need milliseconds
_TRIES = 3000
_PAUSE = 0.01


class BusyError(Exception):
    """Raised when the lock is not to be had."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock.

    The folder itself is locked, so nothing is left in it and there is no file to tamper with. Where
    folders cannot be locked (Windows, some network file systems), a file in a private folder is.

    Raises:
        BusyError: another process has held the lock for 30 seconds.
        OSError: the folder cannot be opened.
    """
    if fcntl is None:
        with _locked_beside(folder):
            yield
        return
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            _wait(opened)
        except BusyError:
            raise
        except OSError:
            with _locked_beside(folder):
                yield
            return
        try:
            yield
        finally:
            # a process that was forked meanwhile holds it, too: closing alone would not let it go
            fcntl.flock(opened, fcntl.LOCK_UN)
    finally:
        os.close(opened)


def _wait(opened: int) -> None:
    for _ in range(_TRIES):
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE)
        else:
            return
    raise BusyError


@contextmanager
def _locked_beside(folder: Path) -> Iterator[None]:
    name = sha256(os.fsencode(folder.resolve())).hexdigest()
    try:
        with FileLock(_private_folder() / f"{name}.lock", timeout=_TRIES * _PAUSE):
            yield
    except Timeout:
        raise BusyError from None


def _private_folder() -> Path:
    """A folder for locks that no other user can write to."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    folder = Path(tempfile.gettempdir()) / f"chatdouble-{user}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    private = stat.S_ISDIR(found.st_mode) and (
        os.name == "nt" or (found.st_uid == os.getuid() and not found.st_mode & 0o077)
    )
    if not private:
        raise PermissionError(f"{folder} belongs to somebody else")
    return folder
