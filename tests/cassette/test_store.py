from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from chatdouble import CassetteError
from chatdouble.cassette.format import load
from chatdouble.cassette.store import Store, merge, remove
from tests.cassette.takes import a_take


def statuses(file: Path) -> list[int]:
    return [read.status for read in load(file)]


def test_what_is_appended_is_read_back(tmp_path: Path) -> None:
    store = Store(tmp_path / "deep" / "a.yaml", fsync=True)
    take = a_take()
    store.append(take)
    store.append(a_take(status=429, reason="Too Many Requests", cut=True, pieces=()))
    first, second = load(store.file)
    assert (first.method, first.path, first.body) == (
        "POST",
        "/v1/chat/completions",
        take.request_body,
    )
    assert (first.response, first.recorded) == (take.body, take.recorded)
    assert first.pieces == ((0.25, 16), (0.5, 14))
    assert (second.status, second.cut, second.response) == (429, True, b"")
    assert [path.name for path in tmp_path.rglob("*")] == ["deep", "a.yaml"]


def test_the_bytes_of_what_is_there_stay(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.yaml")
    store.append(a_take())
    before = store.file.read_bytes()
    store.append(a_take(status=201))
    assert store.file.read_bytes().startswith(before.removesuffix(b"version: 1\n"))


ITEM = (
    "- request: {method: GET, uri: 'http://a/v1/b', body: null, headers: {}}\n"
    "  response: {status: {code: 204, message: x}, headers: {}, body: {string: ''}}\n"
)
FLOW = f"interactions: [{{{ITEM[2:].replace(chr(10), ',').rstrip(',')}}}]\nversion: 1\n"
INDENTED = "".join(f"  {line}\n" for line in ITEM.splitlines())


LAYOUTS = pytest.mark.parametrize(
    "text",
    [
        f"interactions:\n{ITEM}version: 1\n",
        f"interactions:\n{ITEM}version: 1",
        f"# mine\ninteractions:\n{ITEM}# the end\nversion: 1\n",
        f"version: 1\ninteractions:\n{ITEM}",
        f"version: 1\ninteractions:\n{ITEM}".rstrip(),
        f"interactions:\n{ITEM}metadata: {{a: 'ü'}}\nversion: 1\n",
        f"---\ninteractions:\n{INDENTED}version: 1\n",
        f'"interactions":\n{ITEM}version: 1\n...\n',
        f"interactions:\n{ITEM}version: 1\n".replace("\n", "\r\n"),
        f"\ufeffinteractions:\n{ITEM}version: 1\n",
    ],
)


@LAYOUTS
def test_files_of_other_layouts_are_appended_to(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(text.encode())
    store = Store(file)
    store.append(a_take(status=201))
    store.append(a_take(status=202))
    Store(file).append(a_take(status=203))
    assert statuses(file) == [204, 201, 202, 203]
    assert load(file)[1].response == a_take().body
    assert ITEM.splitlines()[0].encode() in file.read_bytes()


@pytest.mark.parametrize("text", ["", "\n", "interactions: []\nversion: 1\n"])
def test_an_empty_cassette_is_appended_to(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text)
    Store(file).append(a_take())
    assert statuses(file) == [200]


@pytest.mark.parametrize(
    "text",
    [
        "interactions: [",
        f"interactions:\n{ITEM}",
        "services: {web: {}}\n",
        FLOW,
        "no yaml \ufffe",
    ],
    ids=["torn", "cut off", "foreign", "flow", "text"],
)
def test_a_file_that_cannot_be_appended_to_stays_and_the_interaction_is_saved_beside_it(
    tmp_path: Path, text: str
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text)
    store = Store(file)
    for _ in range(2):
        with pytest.raises(CassetteError, match=r"the interaction stands in a\.rescued-1\.yaml"):
            store.append(a_take())
    assert file.read_text() == text
    assert statuses(tmp_path / "a.rescued-1.yaml") == [200, 200]
    with pytest.raises(CassetteError, match=r"a\.rescued-2\.yaml"):
        Store(file).append(a_take())


def test_a_file_that_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.yaml")
    store.append(a_take())
    store.file.write_text("my notes")
    with pytest.raises(CassetteError):
        store.append(a_take())
    assert store.file.read_text() == "my notes"


def test_a_fresh_store_replaces_what_was_there_with_its_first_interaction(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    Store(file).append(a_take())
    fresh = Store(file, fresh=True)
    assert statuses(file) == [200]
    fresh.append(a_take(status=201))
    fresh.append(a_take(status=202))
    assert statuses(file) == [201, 202]
    file.write_text("interactions: [")
    Store(file, fresh=True).append(a_take())
    assert statuses(file) == [200]
    file.write_text("a: foreign file")
    with pytest.raises(CassetteError):
        Store(file, fresh=True).append(a_take())
    assert file.read_text() == "a: foreign file"


def test_a_cassette_gets_the_interactions_of_another(tmp_path: Path) -> None:
    side, into = tmp_path / "side.yaml", tmp_path / "into.yaml"
    Store(side).append(a_take(status=201))
    Store(into).append(a_take())
    merge(side, into)
    assert statuses(into) == [200, 201]
    merge(side, into, fresh=True)
    assert into.read_bytes() == side.read_bytes()
    merge(tmp_path / "none.yaml", into)
    assert statuses(into) == [201]


def test_a_placeholder_stands_for_one_secret_after_a_merge(tmp_path: Path) -> None:
    side, into = tmp_path / "side.yaml", tmp_path / "into.yaml"
    Store(into).append(a_take(request_body=b'{"password": "hunter22"}'))
    store = Store(side, before=into)
    store.append(a_take(request_body=b'{"password": "swordfish1"}'))
    merge(side, into)
    assert [read.body for read in load(into)] == [
        b'{"password": "<password-1>"}',
        b'{"password": "<password-2>"}',
    ]


@pytest.mark.parametrize("size", [10, 2_000_000])
def test_what_could_not_be_read_again_is_not_written(tmp_path: Path, size: int) -> None:
    store = Store(tmp_path / "a.yaml")
    store.append(a_take())
    with pytest.raises(CassetteError, match="cannot hold the interaction: "):
        store.append(a_take(status=999, pieces=((0.1, b"x" * size),)))
    assert statuses(store.file) == [200]


def test_mode_and_symbolic_link_are_kept(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    file, link = tmp_path / "real" / "a.yaml", tmp_path / "link.yaml"
    Store(file).append(a_take())
    file.chmod(0o640)
    link.symlink_to(file)
    Store(link).append(a_take())
    assert link.is_symlink()
    assert len(statuses(file)) == 2
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_threads_lose_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    shared = Store(file)

    def run(number: int) -> None:
        store = shared if number % 2 else Store(file)
        for _ in range(5):
            store.append(a_take(status=200 + number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses(file)) == sorted(200 + number for number in range(6) for _ in range(5))


# one process imports all that is needed, and forks the others
FORKS = """
import os, signal, sys, time
from pathlib import Path
from chatdouble.cassette.format import load
from chatdouble.cassette.store import Store
from tests.cassette.takes import a_take

file = Path(sys.argv[1])
large = ((0.1, b"x\\n" * 4000),)


def start(first, last):
    read, write = os.pipe()
    child = os.fork()
    if not child:
        store = Store(file)
        for number in range(first, last):
            store.append(a_take(request_body=b"%d" % number, pieces=large))
            os.write(write, b"%d\\n" % number)
        os._exit(0)
    os.close(write)
    return child, open(read, "rb")
"""

KILLED = """
told = []
for attempt in range(20):
    child, said = start(attempt * 1000, attempt * 1000 + 999)
    told.append(int(said.readline()))
    time.sleep(0.002 * attempt)
    os.kill(child, signal.SIGKILL)
    told += map(int, said.read().split())
    os.waitpid(child, 0)
    lost = set(told) - {int(read.body) for read in load(file)}
    assert not lost, lost
print(len(told))
"""

TOGETHER = """
for child, said in [start(first, first + 15) for first in (0, 100, 200)]:
    os.waitpid(child, 0)
print(sorted(int(read.body) for read in load(file)))
"""


def run(script: str, file: Path) -> str:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])}
    command = [sys.executable, "-c", script, str(file)]
    return subprocess.run(
        command, env=env, capture_output=True, timeout=50, check=True, text=True
    ).stdout


def test_processes_lose_nothing(tmp_path: Path) -> None:
    expected = [first + number for first in (0, 100, 200) for number in range(15)]
    assert run(FORKS + TOGETHER, tmp_path / "a.yaml") == f"{expected}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.yaml"]


def test_a_killed_process_loses_nothing_that_it_appended(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    assert int(run(FORKS + KILLED, file)) >= 20
    Store(file).append(a_take())
    assert [path.name for path in tmp_path.iterdir()] == ["a.yaml"]


LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
from pathlib import Path
from chatdouble import CassetteError
from chatdouble.cassette.store import Store
from tests.cassette.takes import a_take
store = Store(Path(sys.argv[1]))
store.append(a_take())
try:
    store.append(a_take(pieces=((0.1, b"x" * 3000),)))
except CassetteError as error:
    print(error)
"""


def test_a_full_disk_is_told_and_the_file_stays(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    assert "a.yaml: cannot be written: File too large; it is left as it was" in run(LIMITED, file)
    assert statuses(file) == [200]
    assert [path.name for path in tmp_path.iterdir()] == ["a.yaml"]


def test_a_path_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(CassetteError, match="cannot be written: "):
        Store(tmp_path / "file" / "a.yaml").append(a_take())
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(CassetteError, match="cannot be written: "):
        Store(tmp_path / "folder.yaml").append(a_take())


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_and_file_are_told(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    Store(file).append(a_take())
    for place, mode in ((tmp_path, 0o555), (file, 0o444)):
        place.chmod(mode)
        with pytest.raises(CassetteError, match="cannot be written: "):
            Store(file).append(a_take())
        place.chmod(0o755)
    assert statuses(file) == [200]


def test_another_process_with_the_folder_locked_is_waited_for(tmp_path: Path) -> None:
    import fcntl

    opened = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(opened, fcntl.LOCK_EX)
    waiting = threading.Thread(target=Store(tmp_path / "a.yaml").append, args=(a_take(),))
    waiting.start()
    waiting.join(0.1)
    assert waiting.is_alive()
    os.close(opened)
    waiting.join(10)
    assert statuses(tmp_path / "a.yaml") == [200]


@LAYOUTS
def test_interactions_are_taken_out_of_files_of_any_layout(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(text.encode())
    store = Store(file)
    for status in (201, 202):
        store.append(a_take(status=status))
    remove(file, frozenset({2}))
    assert statuses(file) == [204, 202]
    assert ITEM.splitlines()[0].encode() in file.read_bytes()
    store.append(a_take(status=203))
    remove(file, frozenset({1, 2}))
    assert statuses(file) == [203]


def test_what_is_taken_out_leaves_the_bytes_of_the_others(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    store = Store(file)
    store.append(a_take())
    store.append(a_take(status=202))
    before = file.read_bytes()
    Store(file).append(a_take(status=201, pieces=((0.1, "- Grüße:\n- ü\n".encode()),)))
    remove(file, frozenset({3}))
    assert file.read_bytes() == before


def test_a_cassette_that_would_be_empty_is_removed(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    for _ in range(2):
        Store(file).append(a_take())
    remove(file, frozenset({1, 2}))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"interactions:\n{ITEM}version: 1\n", "there is no interaction 3, it holds 1"),
        ("interactions: []\nversion: 1\n", "there is no interaction 3, it holds 0"),
        ("interactions: [", "line"),
        ("services: {web: {}}\n", "no vcrpy cassette"),
        (FLOW, "laid out"),
    ],
    ids=["too few", "none", "torn", "foreign", "flow"],
)
def test_a_file_that_nothing_can_be_taken_out_of_stays(
    tmp_path: Path, text: str, words: str
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text)
    with pytest.raises(CassetteError) as raised:
        remove(file, frozenset({1 if text == FLOW else 3}))
    assert words in str(raised.value)
    assert file.read_text() == text
    with pytest.raises(CassetteError, match="there is no such file"):
        remove(tmp_path / "none.yaml", frozenset({1}))
