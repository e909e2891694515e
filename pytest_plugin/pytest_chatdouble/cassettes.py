"""A test's cassette: where it is, which mode it is in, and what becomes of what was recorded.

A test that records writes to a file of its own beside its cassette, and what it holds joins the
cassette when the test has passed. So a failed test leaves an old cassette as it was.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from chatdouble import RemoteSession, Session, Settings
    from chatdouble.modes import Mode, Unmatched
    from chatdouble.sources.source import Source

# repeated from modules that are slow to load; a test holds them to it
MODES = ("none", "once", "new_episodes", "all")

_UPSTREAM = "https://api.openai.com/v1"

# what pytest-recording leaves out of a cassette's name
_NOT_IN_NAMES = str.maketrans(dict.fromkeys("<>?%*:|\"'/\\", "-"))


class _Recording(NamedTuple):
    """What a test records: into which file, and whether that takes the place of the cassette."""

    side: Path
    fresh: bool


_RECORDING: pytest.StashKey[_Recording] = pytest.StashKey()
_CASSETTE: pytest.StashKey[Path] = pytest.StashKey()
_FAILED: pytest.StashKey[bool] = pytest.StashKey()


def add_options(parser: pytest.Parser) -> None:
    """Declare the options of recording."""
    parser.addini(
        "chatdouble_mode",
        "the record mode: none (the default), once, new_episodes or all",
        default="none",
    )
    parser.addini(
        "chatdouble_cassette",
        "let every test that uses the chatdouble fixture have a cassette of its own, in "
        "cassettes/MODULE/TEST.yaml beside its file",
        type="bool",
        default=False,
    )
    parser.addini(
        "chatdouble_upstream",
        "the base URL of the real server that calls are passed through to, and that is recorded",
        default="",
    )
    parser.addini(
        "chatdouble_used_up",
        "what comes behind the last recorded answer to a request: repeat (the default), cycle or "
        "fail",
        default="repeat",
    )
    parser.addini(
        "chatdouble_max_age",
        "tell of recordings that are older than so many days; without it their age does not count",
        default="",
    )
    group = parser.getgroup("chatdouble")
    group.addoption(
        "--chatdouble-mode",
        choices=MODES,
        help="record mode of tests with a cassette: none (only replay), once (record if there is "
        "no cassette), new_episodes (record what is missing), all (record anew)",
    )
    group.addoption(
        "--chatdouble-upstream",
        metavar="URL",
        help=f"the real server that is recorded ({_UPSTREAM} if none is named) and passed through "
        "to; the key is the client's, or that of CHATDOUBLE_UPSTREAM_API_KEY",
    )

    group.addoption(
        "--chatdouble-prune",
        action="store_true",
        help="after a whole run that passed, remove cassettes of tests that are gone, and "
        "recordings that no test used",
    )


def upstream(config: pytest.Config) -> str | None:
    """The base URL of the real server, None if none is named."""
    named = config.getoption("--chatdouble-upstream") or config.getini("chatdouble_upstream")
    return str(named) if named else None


def path(item: pytest.Item, said: Any) -> Path | None:
    """The test's cassette, None if it has none.

    Args:
        item: the test.
        said: what its marker says: a path beside the test's file, True for the test's own, or
            False for none.
    """
    if said is None:
        said = item.config.getini("chatdouble_cassette")
    if isinstance(said, bool):
        return own_path(item) if said else None
    return item.path.parent / str(said)


def own_path(item: pytest.Item) -> Path:
    """Where the test's own cassette is, laid out as pytest-recording does."""
    inside = getattr(item, "cls", None)
    name = f"{inside.__name__}.{item.name}" if inside else item.name
    folder = item.path.parent / "cassettes" / item.path.stem
    return folder / f"{name.translate(_NOT_IN_NAMES)}.yaml"


def mode(item: pytest.Item, said: Any) -> Mode:
    """The test's record mode: the command line's, else its marker's, else the ini file's."""
    config = item.config
    found = config.getoption("--chatdouble-mode") or said or config.getini("chatdouble_mode")
    if found not in MODES:
        raise pytest.UsageError(f"mode is one of {', '.join(MODES)}, got {found!r}")
    result: Mode = found
    return result


def sources(
    item: pytest.Item,
    script: Path | None,
    cassette: Path,
    mode: Mode,
    unmatched: Unmatched,
    settings: Settings,
    matching: Any,
) -> tuple[Source, ...]:
    """The sources of a test with a cassette."""
    from chatdouble import modes
    from chatdouble.script import load
    from chatdouble.sources.scripted import Scripted

    item.stash[_CASSETTE] = cassette
    used_up: Any = item.config.getini("chatdouble_used_up")
    if mode == "none" or (mode == "once" and cassette.exists()):
        # a test's own cassette that is not there yet is empty; the miss says how to record it
        return modes.sources(
            script,
            cassette,
            unmatched=unmatched,
            settings=settings,
            matching=matching,
            used_up=used_up,
            missing=cassette == own_path(item),
        )
    if cassette.is_dir():
        raise pytest.UsageError(f"{cassette} is a folder, and a test records into one cassette")
    if mode == "all" and cassette != own_path(item) and hasattr(item.config, "workerinput"):
        raise pytest.UsageError(
            f"{cassette.name} is recorded anew by one process: let tests that share a cassette run "
            "without pytest-xdist (-n 0)"
        )
    side = _side(cassette, own_path(item))
    side.unlink(missing_ok=True)
    item.stash[_RECORDING] = _Recording(side, mode == "all")
    return modes.recording(
        "new_episodes" if mode == "new_episodes" else "all",
        upstream(item.config) or _UPSTREAM,
        side,
        folder=cassette,
        rules=Scripted(() if script is None else load((script,))),
        host=settings.host,
        matching=matching,
        used_up=used_up,
    )


def _side(cassette: Path, own: Path) -> Path:
    """Where the test records; other tests may record for the same cassette at the same time."""
    test = "" if cassette == own else f".{own.parent.name}.{own.stem}"
    return cassette.with_name(f"{cassette.stem}{test}.unmerged")


def note_failure(item: pytest.Item) -> None:
    """Note that the test failed."""
    item.stash[_FAILED] = True


def finish(item: pytest.Item, session: Session | RemoteSession) -> None:
    """Let what the test recorded join its cassette, unless it failed and has an old one."""
    cassette = item.stash.get(_CASSETTE, None)
    if cassette is None:
        return
    failed = item.stash.get(_FAILED, False)
    keeping = item.config.stash[_HOUSEKEEPING]
    recording = item.stash.get(_RECORDING, None)
    if recording is not None and recording.side.exists():
        if failed and cassette.exists():
            keeping.note(
                f"{item.nodeid} failed, so {keeping.short(cassette)} is as it was; what it "
                f"recorded is in {recording.side.name} beside it"
            )
        else:
            from chatdouble.cassette.store import merge

            fresh = recording.fresh and keeping.is_first(cassette, own_path(item))
            merge(recording.side, cassette, fresh=fresh)
            recording.side.unlink()
    if not failed:
        from chatdouble.sources.recorded import Recorded

        for source in getattr(session, "sources", ()):
            if isinstance(source, Recorded):
                keeping.used(tuple((one.origin, uses) for one, uses in source.uses))


class Housekeeping:
    """Notes what the tests of a run do with cassettes, and tells of it at the end.

    Under pytest-xdist every worker notes what its tests do, and hands that over when it is done.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._notes: list[str] = []
        # a recording by its file and number -> how many calls it answered
        self._uses: dict[str, int] = {}
        # those that this run has recorded anew
        self._renewed: set[Path] = set()
        # cassettes in the folders of tests' own that belong to no test
        self._orphans: list[str] = []
        self._whole = not any("::" in str(arg) for arg in config.args)

    def short(self, file: Path) -> str:
        """A path as people want to read it."""
        try:
            return str(file.relative_to(self._config.rootpath))
        except ValueError:
            return str(file)

    def note(self, line: str) -> None:
        """Have a line told at the end."""
        self._notes.append(line)

    def is_first(self, cassette: Path, own: Path) -> bool:
        """Whether what a test recorded anew takes the place of all that its cassette holds.

        So it does if the cassette is its own, even when the test runs again; of tests that share
        one, the first one's does.
        """
        first = cassette == own or cassette not in self._renewed
        self._renewed.add(cassette)
        return first

    def used(self, uses: tuple[tuple[str, int], ...]) -> None:
        """Count how many calls a passed test's recordings answered."""
        for origin, count in uses:
            self._uses[origin] = self._uses.get(origin, 0) + count

    def pytest_deselected(self) -> None:
        """Only some tests run, so nothing can be said of what none of them uses."""
        self._whole = False

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Find the cassettes that belong to no test."""
        if not self._whole:
            return
        folders: dict[Path, set[str]] = {}
        own: set[Path] = set()
        for item in session.items:
            file = own_path(item)
            folders.setdefault(file.parent, set()).add(file.name)
            if "chatdouble" in getattr(item, "fixturenames", ()):
                own.add(file.parent)
            for marker in (*item.iter_markers("chatdouble"), *item.iter_markers("vcr")):
                for said in (*marker.args, *marker.kwargs.values()):
                    if isinstance(said, str | Path):
                        folders[file.parent] |= {Path(said).name}
        self._orphans = [
            str(file)
            for folder in sorted(own)
            for file in sorted(folder.glob("*.yaml"))
            if file.name not in folders[folder]
        ]

    def pytest_sessionfinish(self) -> None:
        """Hand over what a worker of pytest-xdist noted."""
        output = getattr(self._config, "workeroutput", None)
        if output is not None:
            output["chatdouble"] = [self._notes, self._uses, self._orphans, self._whole]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what a worker noted."""
        notes, uses, orphans, whole = node.workeroutput.get("chatdouble", ([], {}, [], False))
        self._notes += notes
        self.used(tuple(uses.items()))
        self._orphans = sorted({*self._orphans, *orphans})
        self._whole = self._whole and whole

    def pytest_terminal_summary(self, terminalreporter: Any, exitstatus: int) -> None:
        """Tell what was kept aside, what was never used and what is old."""
        lines = [*self._notes, *self._told_of_old()]
        if self._whole and exitstatus == 0:
            lines += self._told_of_unused()
        if lines:
            terminalreporter.section("chatdouble: cassettes")
            for line in lines:
                terminalreporter.line(line)

    def _told_of_unused(self) -> list[str]:
        prune = self._config.getoption("--chatdouble-prune")
        lines = []
        for name in self._orphans:
            told = self.short(Path(name))
            if prune:
                Path(name).unlink(missing_ok=True)
            lines.append(f"{told}: {'removed' if prune else 'belongs to no test'}")
        unused: dict[str, list[int]] = {}
        for origin, uses in self._uses.items():
            if not uses:
                file, number = origin.rsplit(", interaction ", 1)
                unused.setdefault(file, []).append(int(number))
        for name, numbers in sorted(unused.items()):
            what = f"interaction{'s' * (len(numbers) > 1)} {', '.join(map(str, sorted(numbers)))}"
            done = _removed(Path(name), numbers) if prune else "never used"
            lines.append(f"{self.short(Path(name))}: {what} {done}")
        if lines and not prune:
            lines.append("--chatdouble-prune removes what is not used")
        return lines

    def _told_of_old(self) -> list[str]:
        limit = self._config.getini("chatdouble_max_age")
        if not limit:
            return []
        import time

        from chatdouble.cassette.age import stale
        from chatdouble.cassette.families import read

        files = sorted({origin.rsplit(", interaction ", 1)[0] for origin in self._uses})
        lines = []
        for name in files:
            old = stale(read(Path(name)).takes, int(limit), int(time.time()))
            if old:
                what = f"interaction{'s' * (len(old) > 1)} {', '.join(map(str, old))}"
                lines.append(f"{self.short(Path(name))}: {what} older than {limit} days")
        if lines:
            lines.append("record them again with --chatdouble-mode=all")
        return lines


def _removed(file: Path, numbers: list[int]) -> str:
    """Take interactions out of a cassette, and say whether that went well."""
    from chatdouble import CassetteError
    from chatdouble.cassette.store import remove

    try:
        remove(file, frozenset(numbers))
    except CassetteError as error:
        return f"never used, and not removed: it {error.problem}"
    return "removed"


_HOUSEKEEPING: pytest.StashKey[Housekeeping] = pytest.StashKey()


def keep_house(config: pytest.Config) -> None:
    """Note what the run does with cassettes."""
    config.stash[_HOUSEKEEPING] = Housekeeping(config)
    config.pluginmanager.register(config.stash[_HOUSEKEEPING], "chatdouble-cassettes")
