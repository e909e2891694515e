"""The endpoints there are, and the two questions that the engine asks them."""

from __future__ import annotations

from chatdouble.answers import Answer, ApiError, Document, Recording, Reply
from chatdouble.calls import Call
from chatdouble.live import Live
from chatdouble.settings import Settings
from chatdouble.wire import edge, headers, pages, plain
from chatdouble.wire.chat import ChatCompletions
from chatdouble.wire.dialect import Dialect
from chatdouble.wire.models import Models
from chatdouble.wire.ratelimits import Cost
from chatdouble.wire.response import Header, Response, Stamp
from chatdouble.wire.stored import StoredCompletions

DIALECTS: tuple[Dialect, ...] = (ChatCompletions(), StoredCompletions(), Models())

_BY_ROUTE = {route: dialect for dialect in DIALECTS for route in dialect.routes}
_BY_NAME = {dialect.name: dialect for dialect in DIALECTS}
_DEFAULT = Settings()
_PATHS = frozenset(path for _, path in _BY_ROUTE)


def read(call: Call, settings: Settings = _DEFAULT) -> None:
    """Let the endpoint of the call's path read it; an unknown path, method, key or model settles
    it.
    """
    path = _route(call.path)
    dialect = _BY_ROUTE.get((call.method, path))
    if dialect is not None:
        call.endpoint = dialect.name
        _read(call, dialect, settings)
    elif path in _PATHS:
        hint = "(HINT: Perhaps you meant to use a different HTTP method?)"
        call.settle(
            ApiError(405, f"Not allowed to {call.method} on {call.path}. {hint}"),
            "the path does not know this method",
        )
    else:
        call.settle(
            ApiError(404, f"Invalid URL ({call.method} {call.path})"), "there is no such path"
        )


def _read(call: Call, dialect: Dialect, settings: Settings) -> None:
    if settings.keys is not None:
        refused = edge.refused_key(call, settings.keys)
        if refused is not None:
            call.settle(refused, "the server was told of other keys")
            return
    dialect.read(call, settings)
    if settings.models is not None:
        # however broken the rest of the request is
        cost = dialect.cost(call)
        if cost is not None and not edge.is_served(cost.model, settings.models):
            call.settle(edge.no_such_model(cost.model), "the server was told of other models")


def _route(path: str) -> str:
    """The path itself, or with ``{id}`` for its last part or the one before, as a route says."""
    if path in _PATHS:
        return path
    parent, _, last = path.rpartition("/")
    above, _, middle = parent.rpartition("/")
    if last and f"{parent}/{{id}}" in _PATHS:
        return f"{parent}/{{id}}"
    if middle and f"{above}/{{id}}/{last}" in _PATHS:
        return f"{above}/{{id}}/{last}"
    return path


def parse(call: Call, body: bytes) -> Reply | None:
    """What a recorded answer of the call's endpoint says, None if it is no whole reply."""
    dialect = _BY_NAME.get(call.endpoint)
    return dialect.parse(body) if dialect else None


def cost(call: Call) -> Cost | None:
    """What a call counts against the rate limits, None if it does not even reach them."""
    dialect = _BY_NAME.get(call.endpoint)
    if dialect is None or (isinstance(call.settled, ApiError) and plain.is_of_edge(call.settled)):
        return None
    return dialect.cost(call)


def tokens(call: Call, answer: Answer, *, whole: bool = False) -> int:
    """How many tokens an answer of the call's endpoint says; 0 if it is nothing that is said.

    Args:
        whole: whether the request's are counted with them.
    """
    dialect = _BY_NAME.get(call.endpoint)
    reply = parse(call, answer.body) if isinstance(answer, Recording) else answer
    if dialect is None or not isinstance(reply, Reply) or call.view is None:
        return 0
    return dialect.tokens(call, reply, whole=whole)


def begun(call: Call, body: bytes) -> Reply | None:
    """What a stream of the call's endpoint says that may have been cut, None if it is none."""
    dialect = _BY_NAME.get(call.endpoint)
    return dialect.begun(body) if dialect else None


def render(
    call: Call, answer: Answer, stamp: Stamp, limits: tuple[Header, ...] | None = None
) -> Response:
    """The answer as a response: errors, documents and recordings alike everywhere, replies in the
    endpoint's dialect; with the headers of whoever says it, readable for a page that asks.

    Args:
        call: the request.
        answer: what is answered to it.
        stamp: the answer's time and its share of chance.
        limits: the headers that tell of rate limits which are counted; None tells of limits which
            nothing has used up yet.
    """
    return pages.readable(_rendered(call, answer, stamp, limits), call)


def _rendered(
    call: Call, answer: Answer, stamp: Stamp, limits: tuple[Header, ...] | None
) -> Response:
    dialect = _BY_NAME.get(call.endpoint)
    match answer:
        case Reply():
            if dialect is None:
                raise ValueError("a reply needs an endpoint that says it")
            response = dialect.render(call, answer, stamp)
        case Recording():
            return plain.recording(answer)
        case Live():
            return plain.live(answer)
        case ApiError():
            response = plain.error(answer)
            if plain.is_of_edge(answer):
                return headers.of_edge(response, stamp)
        case Document():
            response = plain.document(answer)
    # the one 429 whose headers are known, and any failure of the API's own, names no limits
    cost = dialect.cost(call) if dialect is not None and response.status < 429 else None
    return headers.of_api(response, stamp, cost, limits)
