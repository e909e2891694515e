"""Sessions of a server in another process, through its control API."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Literal
from urllib.parse import quote, urlencode, urlsplit

from msgspec.structs import replace

from chatdouble import script as scripts
from chatdouble.answers import Answer, ApiError, Recording, Reply, ToolCall
from chatdouble.calls import Call
from chatdouble.errors import RemoteError, ScriptError
from chatdouble.faults import Written, faults_of, written
from chatdouble.journal import Exchange, Journal
from chatdouble.plainyaml import of_json
from chatdouble.rules import Rule, Scripting, printed
from chatdouble.schedule import Ending, Pace, Piece
from chatdouble.settings import Settings
from chatdouble.sources.making import Replayed
from chatdouble.verify import Verification
from chatdouble.wire import dialects
from chatdouble.wire.response import Response, Template

# seconds; nothing that is asked of the control API takes long
_TIMEOUT = 30

_ASKED_OFF = Settings(validation="off")


class RemoteServer:
    """A chatdouble server in another process, for example ``chatdouble serve``.

    As a context manager it ends the sessions that it opened::

        with RemoteServer("http://127.0.0.1:8642") as server:
            session = server.session()
            session.on(user="Hello").reply("Hi.")
            client = openai.OpenAI(base_url=session.base_url, api_key="any")

    Args:
        url: the server's address; a ``/v1`` behind it is disregarded.

    Raises:
        RemoteError: it is no ``http://`` address; or, whenever something is asked of it, nobody
            answers there, or with an error.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/").removesuffix("/v1")
        parts = urlsplit(self.url)
        try:
            known = parts.scheme == "http" and parts.hostname and not parts.path and parts.port != 0
        except ValueError:
            known = False
        if not known:
            raise RemoteError(f"expected an address such as http://127.0.0.1:8642, got {url!r}")
        self._address = parts.netloc
        self._opened: list[RemoteSession] = []

    def session(
        self,
        id: str | None = None,  # noqa: A002 - what it is
        *,
        unmatched: Literal["error", "generated", "passthrough"] = "error",
        script: str | None = None,
        cassette: str | None = None,
    ) -> RemoteSession:
        """Open a session.

        Args:
            id: its name in ``/s/<id>/v1``; None for a name of its own.
            unmatched: what becomes of calls that nothing answers: an ``error``, or a ``generated``
                answer.
            script: the name of a script in the server's ``--control-folder``.
            cassette: the name of a cassette there.
        """
        wanted = {"id": id, "unmatched": unmatched, "script": script, "cassette": cassette}
        given = {key: value for key, value in wanted.items() if value is not None}
        session = RemoteSession(self, self.ask("POST", "/sessions", given)["id"])
        self._opened.append(session)
        return session

    @property
    def default(self) -> RemoteSession:
        """The session at ``/v1``, which answers by the scripts that the server was started with."""
        return RemoteSession(self, "default")

    def refuse(self, seconds: float) -> None:
        """Let the server refuse connections for so long, as if it were down.

        Idle connections are closed, answers that are on their way arrive. It is out of our reach,
        too, until it takes connections again.

        Args:
            seconds: more than 0, at most 60.
        """
        self.ask("POST", "/refuse", {"seconds": seconds})

    def drop(self, session: RemoteSession) -> None:
        """End a session and forget everything in it."""
        self.ask("DELETE", session.path, {})
        self._opened = [one for one in self._opened if one is not session]

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask something of the control API.

        Args:
            method: the HTTP method.
            path: what stands behind ``/_chatdouble``.
            body: what is sent as JSON, None for nothing.

        Returns:
            The answer's JSON, None if it has none.
        """
        try:
            sent = None if body is None else json.dumps(body, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ScriptError(f"this cannot be sent as JSON ({error}): {body!r}"[:500]) from None
        # each request has a connection of its own: tests have threads, and servers end idle ones
        connection = http.client.HTTPConnection(self._address, timeout=_TIMEOUT)
        try:
            headers = {"content-type": "application/json"}
            connection.request(method, f"/_chatdouble{path}", sent, headers)
            response = connection.getresponse()
            return _content(response.status, response.read(), self.url)
        except (OSError, http.client.HTTPException) as error:
            raise RemoteError(
                f"no chatdouble server answers at {self.url} ({error!r}); "
                "`chatdouble serve` starts one"
            ) from None
        finally:
            connection.close()

    def __enter__(self) -> RemoteServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for session in self._opened:
            self.drop(session)


def _content(status: int, raw: bytes, url: str) -> Any:
    try:
        content: Any = json.loads(raw) if raw else None
        if status < 400:
            return content
        error = content["error"]
        ours, message = error["code"] in ("control", "refused"), str(error["message"])
    except (ValueError, TypeError, KeyError):
        ours, message = False, ""
    if not ours:
        raise RemoteError(f"{url} is no chatdouble server with its control API; got a {status}")
    raise RemoteError(message)


class RemoteSession(Scripting, Verification):
    """A session of a server in another process: rules, calls and checks as of a ``Session``.

    Rules travel as a script says them, so Python functions cannot. As a context manager it ends
    when the block does.

    Args:
        server: where it is.
        id: its id.

    Attributes:
        base_url: what clients use as their base URL.
        journal: what came and was answered, read anew whenever it is looked at.
    """

    def __init__(self, server: RemoteServer, id: str) -> None:  # noqa: A002 - what it is
        self.id = id
        self.path = f"/sessions/{quote(id, safe='')}"
        self.base_url = f"{server.url}/v1" if id == "default" else f"{server.url}/s/{id}/v1"
        self.journal: Journal = _RemoteJournal(self._ask)
        self._server = server
        # a rule's origin -> its id
        self._ids: dict[str, int] = {}

    def _ask(self, method: str, path: str = "", body: Any = None) -> Any:
        return self._server.ask(method, self.path + path, body)

    def _taker(self) -> Callable[[Rule | None, Rule], object]:
        return self._put

    def _put(self, old: Rule | None, new: Rule) -> None:
        known = self._ids.get(new.origin)
        if old is None or known is None:
            self._ids[new.origin] = self._add(new)
        else:
            query = urlencode({"origin": new.origin})
            self._ask("PUT", f"/rules/{known}?{query}", _data(new))

    def _add(self, rule: Rule) -> int:
        query = urlencode({"origin": rule.origin})
        added: int = self._ask("POST", f"/rules?{query}", [_data(rule)])["added"][0]
        return added

    def add(self, *rules: Rule) -> None:
        """Add finished rules, for example those of a script, behind the ones there are.

        Raises:
            ScriptError: one holds what no script can say, such as a Python function.
        """
        for one in rules:
            _data(one)
        for one in rules:
            self._add(one)

    def load(self, *, script: str | None = None, cassette: str | None = None) -> None:
        """Add the rules of a script, and a cassette's recordings, of the ``--control-folder``."""
        named = {"script": script, "cassette": cassette}
        self._ask("POST", "/load", {key: name for key, name in named.items() if name is not None})

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules in the order in which they are tried."""
        told = self._ask("GET", "/rules")["rules"]
        found = ((one["origin"], scripts.parse_rule(_text(one["rule"]))) for one in told)
        return tuple(replace(rule, origin=origin) for origin, rule in found)

    def clear_rules(self) -> None:
        """Forget all rules."""
        self._ask("DELETE", "/rules", {})
        self._ids.clear()

    @property
    def fault(self) -> str | list[str] | None:
        """What goes wrong with every answer whose rule or request says nothing else."""
        return self._ask("GET", "/defaults").get("fault")  # type: ignore[no-any-return]

    @fault.setter
    def fault(self, said: Written) -> None:
        faults = faults_of(said)
        self._default("fault", written(faults) if faults else None)

    @property
    def pace(self) -> Pace | None:
        """When the parts of a streamed answer leave if its rule says nothing else."""
        return scripts.parse_defaults(_text(self._ask("GET", "/defaults")))[0]

    @pace.setter
    def pace(self, pace: Pace | None) -> None:
        self._default("pace", printed.defaults(pace, ()).get("pace"))

    def _default(self, key: str, said: Any) -> None:
        kept = {k: value for k, value in self._ask("GET", "/defaults").items() if k != key}
        self._ask("PUT", "/defaults", kept if said is None else kept | {key: said})

    def reset(self) -> None:
        """Begin anew: forget the calls that came, and how often each rule answered."""
        self._ask("POST", "/reset", {})

    @property
    def calls(self) -> list[Call]:
        """The calls that came, oldest first."""
        return self.journal.calls

    def report(self, *, matched: bool = True, used: bool = True) -> str:
        """Calls without an answer and rules that were never used, "" if there are none.

        Args:
            matched: whether calls without an answer are reported.
            used: whether rules that answered no call are reported, but for optional ones.
        """
        asked = f"/report?matched={str(matched).lower()}&used={str(used).lower()}"
        return str(self._ask("GET", asked)["problems"])

    @property
    def conversation(self) -> str:
        """What was asked and answered, a few lines for each exchange."""
        return str(self._ask("GET", "/report")["conversation"])

    def __enter__(self) -> RemoteSession:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.drop(self)


def _text(said: Any) -> str:
    return of_json(json.dumps(said))


def _data(rule: Rule) -> dict[str, Any]:
    lost = next(printed.unwritable(rule), None)
    if any(isinstance(step.answer, Replayed) for step in rule.steps):
        raise ScriptError(
            f"{rule} names recordings, which a server in another process has to have: put script "
            "and cassette into its --control-folder, and load() the script by its name"
        )
    if lost is not None:
        raise ScriptError(
            f"{rule} cannot be sent to a server in another process, as no script can say this: "
            f"{lost}"
        )
    return printed.data(rule)


class _RemoteJournal(Journal):
    """The journal of a session elsewhere."""

    def __init__(self, ask: Callable[..., Any]) -> None:
        super().__init__()
        self._ask = ask
        # when it began -> an exchange that is over
        self._over: dict[float, Exchange] = {}

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The exchanges, oldest first."""
        known = self._over
        told = self._ask("GET", "/journal?body=true")["exchanges"]
        found = tuple(known.get(one["began"]) or _exchange(one) for one in told)
        self._over = {one.began: one for one in found if one.outcome != "open"}
        return found

    def clear(self) -> None:
        """Forget the exchanges."""
        self._ask("DELETE", "/journal", {})

    def __len__(self) -> int:
        return len(self.exchanges)


def _exchange(told: dict[str, Any]) -> Exchange:
    """An exchange as the control API tells it."""
    headers = tuple(_raw(told["response_headers"]))
    body = told["response"].encode()
    return Exchange(
        call=_call(told),
        source=told["source"],
        why=told["why"],
        answer=_answer(told, body),
        response=Response(told["status"], headers, Template((body,))),
        timed=(Piece(told["lasts"], body),),
        began=told["began"],
        sent=told["sent"],
        seconds=told["seconds"],
        outcome=told["outcome"],
        ending=Ending("close") if told["cut"] else None,
        faults=tuple(told["faults"]),
    )


def _raw(headers: Iterable[tuple[str, str]]) -> Iterator[tuple[bytes, bytes]]:
    return ((name.encode("latin-1"), value.encode("latin-1")) for name, value in headers)


def _call(told: dict[str, Any]) -> Call:
    call = Call(
        method=told["method"],
        path=told["path"],
        query=told["query"],
        raw_headers=list(_raw(told["headers"].items())),
        body=base64.b64decode(told["body"]),
    )
    if told["readable"]:
        dialects.read(call)
        if call.view is None:
            # the server is less strict than we are
            dialects.read(call, _ASKED_OFF)
    return call


def _answer(told: dict[str, Any], body: bytes) -> Answer:
    match told["answer"]:
        case {"error": message, "type": kind, "code": code}:
            return ApiError(told["status"], message, kind, code=code)
        case {"content": content, "refusal": refusal, "tool_calls": calls}:
            made = tuple(ToolCall(one["name"], one["arguments"]) for one in calls)
            return Reply(content, made, refusal)
        case _:
            return Recording(told["status"], tuple(map(tuple, told["response_headers"])), body)
