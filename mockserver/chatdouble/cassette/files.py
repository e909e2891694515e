"""Changing a cassette's file: one writer at a time, and in one step."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from chatdouble.cassette.locking import BusyError, locked
from chatdouble.errors import CassetteError

# what is written before it takes the cassette's place; locks are of folders, so one name will do
_TEMPORARY = ".chatdouble.tmp"


@contextmanager
def writing(file: Path) -> Iterator[Path]:
    """The file that is really written, with its folder locked."""
    try:
        target = file.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target.parent):
            yield target
    except BusyError:
        raise CassetteError(
            file, "cannot be written: another process has locked its folder for 30 seconds"
        ) from None
    except (OSError, RuntimeError) as error:
        problem = getattr(error, "strerror", None) or error
        raise CassetteError(
            file, f"cannot be written: {problem}; it is left as it was, the interaction is lost"
        ) from None


def read(file: Path) -> bytes:
    """The file's bytes; none where there is no file."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


def write(file: Path, parts: tuple[bytes, ...], *, fsync: bool) -> None:
    """Put a file with these bytes in the file's place, in one step."""
    mode = 0o666
    with suppress(FileNotFoundError):
        mode = stat.S_IMODE(file.stat().st_mode)
        if not os.access(file, os.W_OK):
            raise PermissionError(None, "the file is read-only")
    temporary = file.parent / _TEMPORARY
    with suppress(FileNotFoundError):
        temporary.unlink()  # of a process that was killed
    try:
        opened = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with open(opened, "wb") as out:
            if file.exists():
                os.chmod(temporary, mode)  # the umask does not count for a file that was there
            out.writelines(parts)
            out.flush()
            if fsync:
                os.fsync(opened)
        os.replace(temporary, file)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    if fsync and os.name != "nt":
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
