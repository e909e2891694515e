"""Secrets that are told by the name they stand under: ``"password": "…"``, ``?api_key=…``."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator

from chatdouble.cassette.redact.shapes import WORD, Span

# the last word of a name, and what is searched for
STEMS = (
    "auth",
    "authorization",
    "cookie",
    "credential",
    "credentials",
    "jwt",
    "key",
    "keys",
    "passphrase",
    "passwd",
    "password",
    "passwords",
    "pwd",
    "secret",
    "secrets",
    "session",
    "session_id",
    "sessionid",
    "sessionId",
    "sig",
    "signature",
    "token",
)

# in a query it lets whoever has it in
_SIGNATURE = "signature"

# ends of names, without hyphens, underscores and capitals
_SURE = {
    "accesskey": "api-key",
    "accountkey": "api-key",
    "apikey": "api-key",
    "apikeys": "api-key",
    "applicationkey": "api-key",
    "authkey": "api-key",
    "encryptionkey": "secret",
    "masterkey": "secret",
    "secretkey": "secret",
    "servicekey": "api-key",
    "sessionkey": "secret",
    "sharedkey": "secret",
    "signingkey": "secret",
    "subscriptionkey": "api-key",
    "accesstoken": "token",
    "apitoken": "token",
    "authtoken": "token",
    "authorization": "token",
    "bearertoken": "token",
    "cookie": "cookie",
    "clientsecret": "secret",
    "idtoken": "token",
    "passphrase": "password",
    "passwd": "password",
    "password": "password",
    "passwords": "password",
    "privatekey": "private-key",
    "pwd": "password",
    "refreshtoken": "token",
    "sessiontoken": "token",
}
# names that other things have, too: their values must look made by a machine
_LIKELY = {
    "auth": "token",
    "credential": "secret",
    "credentials": "secret",
    "jwt": "token",
    "secret": "secret",
    "secrets": "secret",
    "session": "token",
    "sessionid": "token",
    "sig": _SIGNATURE,
    "signature": _SIGNATURE,
    "token": "token",
}
# marks in texts and places in lists
_NO_SECRETS = re.compile(
    r"(?:eos|bos|pad|unk|sep|cls|mask|stop|special|page|next|continuation|start|end|first|last|max"
    r"|min|thought|thinking|content)[_-]?(?:token|key|signature)\Z",
    re.ASCII | re.IGNORECASE,
)
_KEY_IN_QUERY = re.compile(r"[?&](?:key|code|sig)\Z", re.ASCII | re.IGNORECASE)

_NAME = frozenset(WORD | set("_-."))
_LONGEST_NAME = 64
_MOST_VALUES = 100
_BEHIND = re.compile(r"(\\*[\"']?)\s{0,20}(=>|[:=])\s{0,20}(\[?)\s{0,20}(\\*[\"']|)", re.ASCII)
_NEXT = re.compile(r"\s{0,20},\s{0,20}([\"'])", re.ASCII)
_QUOTED = {
    '"': re.compile(r'(?:[^"\\\n]|\\.){0,16000}', re.ASCII),
    "'": re.compile(r"(?:[^'\\\n]|\\.){0,16000}", re.ASCII),
}
_BARE = re.compile(r"[^\s&\"'<>;,(){}\[\]\\|`]{4,4000}", re.ASCII)
_COOKIES = re.compile(r"[^\s=;&]{1,100}=[^\n\"'&]{4,4000}|[^\s&\"'\\]{8,4000}", re.ASCII)
# the neighbours of a token in `logprobs`
_LOGPROB = re.compile(r"\"\s{0,20},\s{0,20}\"(?:logprob|bytes|top_logprobs)\"", re.ASCII)
_LOGPROB_BEFORE = re.compile(r"\"(?:logprob|bytes)\"\s*:[^\"{}]*,\s*\"\Z", re.ASCII)

# what tools and templates put in a secret's place
_STAND_IN = re.compile(
    r"<[^<>]{1,80}>|[xX*.#-]{3,}|\$\{[^{}]*\}|\$[A-Z_]{3,}|\{\{?[^{}]*\}\}?|%\(?[A-Za-z_]{1,40}\)?s?%?"
    r"|\[?[*_-]*(?:redacted|filtered|scrubbed|masked|sanitized|placeholder|hidden)[*_-]*\]?"
    r"|string|str|null|none|nil|true|false|undefined|optional|required|unset|empty"
    r"|(?:bearer|basic) (?:<[^<>]{1,80}>|[xX*.-]{3,}|\[?\**redacted\**\]?)",
    re.IGNORECASE | re.ASCII,
)


def stands_in(value: str) -> bool:
    """Whether a value says that a secret was here, or would be: ``<api-key-1>``, ``REDACTED``."""
    value = value.strip()
    return not value or _STAND_IN.fullmatch(value) is not None


def kind_of(name: str) -> tuple[str, bool] | None:
    """What a field or header of this name holds, and whether its values must look it, too."""
    if _NO_SECRETS.search(name):
        return None
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    for ends, unsure in ((_SURE, False), (_LIKELY, True)):
        for end, kind in ends.items():
            if plain.endswith(end) and (plain == end or not unsure or _parted(name, end)):
                return kind, unsure
    return None


def _parted(name: str, end: str) -> bool:
    """Whether the end of a name is a word of its own: `githubToken`, not `dissecret`."""
    letters = [at for at, char in enumerate(name) if char in WORD]
    at = letters[-len(end)]
    return not at or name[at - 1] in "_-." or name[at].isupper()


def named(text: str) -> Iterator[Span]:
    """The secrets in a text that can be told by their names."""
    lowered = text.lower()  # Latin-1 keeps its length
    for stem in STEMS:
        wanted = stem.lower()
        at = lowered.find(wanted)
        while at >= 0:
            end = at + len(wanted)
            if end < len(text) and text[end] in "\"'\\:= \t[":
                behind = _BEHIND.match(text, end)
                if behind is not None:
                    end = yield from _values(text, at, end, behind)
            at = lowered.find(wanted, end)


def _values(text: str, at: int, end: int, behind: re.Match[str]) -> Generator[Span, None, int]:
    """The secrets behind a name that ends there; returns up to where there is nothing more."""
    start = at
    while start and end - start < _LONGEST_NAME and text[start - 1] in _NAME:
        start -= 1
    name = text[start:end]
    found = kind_of(name)
    if found is None:
        if not _KEY_IN_QUERY.search(text[max(0, start - 1) : end]):
            return end
        found = ("api-key", True)
    kind, unsure = found
    if kind == _SIGNATURE and behind[2] != "=":
        return end  # of a thought, of a commit: it lets nobody in
    if len(behind[4]) > 1:
        return end  # JSON in a JSON string: read where it is unescaped
    quote = behind[4]
    if not quote:
        match = (_COOKIES if kind == "cookie" else _BARE).match(text, behind.end())
        if match is None:
            return end
        # without quotes, `password: see below` and `api_key=get_key()` say nothing
        pair = behind[2] == "=" and not behind[1]
        prose = not pair or not (not start or text[start - 1] in "?&;" or name.isupper())
        called = text[match.end() : match.end() + 1] == "("
        if not called and _plausible(match[0], kind, unsure=unsure or prose):
            yield match.start(), match.end(), kind
        return match.end()
    if name == "token" and _LOGPROB_BEFORE.search(text, max(0, start - 400), start):
        return end
    place = behind.end()
    for _ in range(_MOST_VALUES):
        match = _QUOTED[quote].match(text, place)
        if match is None or text[match.end() : match.end() + 1] != quote:
            break
        if name == "token" and _LOGPROB.match(text, match.end()):
            break
        if _plausible(match[0], kind, unsure=unsure):
            yield match.start(), match.end(), kind
        place = match.end()
        following = _NEXT.match(text, place + 1) if behind[3] else None
        if following is None:
            break
        quote, place = following[1], following.end()
    return place


def _is_text(value: str) -> bool:
    """Whether these characters, each a byte, are no piece of an image or of a sound."""
    if value.isascii():
        return value.isprintable() or value.replace("\n", "").replace("\r", "").isprintable()
    try:
        return value.encode("latin-1").decode().isprintable()
    except UnicodeDecodeError:
        return False


def _plausible(value: str, kind: str, *, unsure: bool) -> bool:
    """Whether a value can be a secret: not a word of prose, nor what stands in for one."""
    if len(value) < 4 or stands_in(value) or not _is_text(value):
        return False
    if any(char.isspace() for char in value):
        return kind in ("cookie", "private-key") or value.lower().startswith(("bearer ", "basic "))
    if not unsure:
        return True
    mixed = any(char.isdigit() for char in value) or (
        any(char.isupper() for char in value[1:]) and any(char.islower() for char in value)
    )
    return len(value) >= 8 and mixed
