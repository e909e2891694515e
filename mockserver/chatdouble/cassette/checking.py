"""What is wrong with recordings: secrets in them, damage, age."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from chatdouble.cassette import families
from chatdouble.cassette.age import days, stale
from chatdouble.cassette.cleaning import secrets
from chatdouble.cassette.families import Reading
from chatdouble.cassette.take import Take
from chatdouble.cassette.telling import call_of
from chatdouble.errors import CassetteError
from chatdouble.wire import dialects


class Checked(Struct, frozen=True):
    """What was found in recordings.

    Attributes:
        files: those that are recordings, sound or damaged.
        interactions: how many they hold.
        mistakes: what is wrong, in the order of the files and interactions. Secrets are named by
            place and kind, never shown.
        warnings: what is odd.
    """

    files: tuple[Path, ...]
    interactions: int
    mistakes: tuple[str, ...]
    warnings: tuple[str, ...]


def check(paths: tuple[Path, ...], older_than_days: int | None, now: int) -> Checked:
    """Look at the recordings of files and folders; files that are none are left to others.

    Args:
        paths: files and folders; those that do not exist are left to others, too.
        older_than_days: the age in days that is not stale yet, None if no age is.
        now: the present time, in seconds since 1970.
    """
    files: list[Path] = []
    mistakes: list[str] = []
    warnings: list[str] = []
    count = 0
    for path in paths:
        try:
            found = families.find((path,))
        except CassetteError:
            continue
        for file, _ in found:
            try:
                reading = families.read(file)
                hidden = secrets(reading)
            except CassetteError as error:
                if not error.foreign:
                    files.append(file)
                    mistakes.append(str(error))
                continue
            files.append(file)
            count += len(reading.takes)
            mistakes += (f"{file}, {secret}" for secret in hidden)
            mistakes += _old(reading, older_than_days, now)
            warnings += _unsound(reading)
    return Checked(tuple(files), count, tuple(mistakes), tuple(warnings))


def _old(reading: Reading, older_than_days: int | None, now: int) -> Iterator[str]:
    if older_than_days is None:
        return
    for number in stale(reading.takes, older_than_days, now):
        age = days(reading.takes[number - 1], now)
        where = f"{reading.file}, interaction {number}"
        yield f"{where}: is {age} days old, and {older_than_days} are allowed: record it again"


def _unsound(reading: Reading) -> Iterator[str]:
    for number, take in enumerate(reading.takes, 1):
        why = _why_unsound(take)
        if why:
            yield f"{reading.file}, interaction {number}: {why}"


def _why_unsound(take: Take) -> str:
    if take.cut:
        return "its response was cut off"
    call = call_of(take)
    if call.endpoint != "chat.completions" or take.status >= 300 or b"data: [DONE]" in take.body:
        return ""
    if dialects.parse(call, take.body) is not None:
        return ""
    if take.body.startswith(b"data:"):
        return "its stream ends before the reply does"
    return "its response is no completion"
