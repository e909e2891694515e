"""What keys and tokens look like: each kind by its first characters and what follows them.

The forms are those that the issuers document, and that public secret scanners look for.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from typing import TypeAlias

from msgspec import Struct

# where a secret stands in a text, and what it is
Span: TypeAlias = tuple[int, int, str]


class Shape(Struct, frozen=True):
    """A kind of secret.

    Attributes:
        kind: what stands in its placeholder.
        prefix: the characters that it starts with; they are searched for, which is fast.
        pattern: what matches from the prefix on; its first group, if any, is the secret.
        inside: whether the prefix may stand inside a word.
    """

    kind: str
    prefix: str
    pattern: re.Pattern[str]
    inside: bool = False


def _shape(kind: str, prefix: str, rest: str, *, inside: bool = False) -> Shape:
    return Shape(kind, prefix, re.compile(re.escape(prefix) + rest, re.ASCII), inside)


_W = r"[A-Za-z0-9_-]"
_A = r"[A-Za-z0-9]"
_DIGIT = r"(?=[A-Za-z_-]{0,200}[0-9])"
_HOOK = r"[A-Za-z0-9_./%-]{16,}"

_KEYS = (
    # OpenAI, Anthropic, OpenRouter, DeepSeek, Stability and others write sk-; `sk-` with words and
    # hyphens only is a name of something else
    ("sk-", rf"(?:{_DIGIT}{_W}{{10,}}|{_A}{{20,}}|(?:proj|ant|or|svcacct|admin|lf)-{_W}{{12,}})"),
    ("sess-", rf"{_A}{{24,}}"),  # OpenAI's sessions
    ("ek_", rf"{_DIGIT}{_W}{{20,}}"),  # OpenAI's realtime client secrets
    ("gsk_", rf"{_A}{{20,}}"),  # Groq
    ("xai-", rf"{_A}{{20,}}"),
    ("pplx-", rf"{_A}{{20,}}"),  # Perplexity
    ("fw_", rf"{_A}{{20,}}"),  # Fireworks
    ("nvapi-", rf"{_W}{{20,}}"),
    ("csk-", rf"{_A}{{20,}}"),  # Cerebras
    ("tgp_v1_", rf"{_W}{{20,}}"),  # Together
    ("hf_", rf"{_A}{{20,}}"),
    ("api_org_", rf"{_A}{{20,}}"),  # Hugging Face's organizations
    ("r8_", rf"{_A}{{20,}}"),  # Replicate
    ("jina_", rf"{_A}{{20,}}"),
    ("pa-", rf"{_DIGIT}{_W}{{40,}}"),  # Voyage
    ("pcsk_", rf"{_W}{{20,}}"),  # Pinecone
    ("tvly-", rf"{_W}{{16,}}"),  # Tavily
    ("lsv2_", rf"(?:pt|sk)_{_W}{{20,}}"),  # LangSmith
    ("ls__", rf"{_A}{{20,}}"),
    ("pk-lf-", rf"{_W}{{20,}}"),  # Langfuse
    ("phc_", rf"{_A}{{20,}}"),  # PostHog
    ("phx_", rf"{_A}{{20,}}"),
    ("AIza", rf"{_W}{{30,}}"),  # Google
    ("AKIA", r"[A-Z0-9]{16}"),  # AWS
    ("ASIA", r"[A-Z0-9]{16}"),
    ("ABSK", r"[A-Za-z0-9+/]{40,200}={0,2}"),  # AWS Bedrock
    ("bedrock-api-key-", r"[A-Za-z0-9+/=]{20,4000}"),
    ("rk_live_", rf"{_A}{{16,}}"),  # Stripe
    ("rk_test_", rf"{_A}{{16,}}"),
    ("sk_live_", rf"{_A}{{16,}}"),
    ("sk_test_", rf"{_A}{{16,}}"),
    ("sk_", r"[a-f0-9]{40,}"),  # ElevenLabs
    ("SG.", rf"{_W}{{16,}}\.{_W}{{16,}}"),  # SendGrid
    ("key-", r"[a-f0-9]{32}"),  # Mailgun
    ("SK", r"[a-f0-9]{32}"),  # Twilio
    ("AC", r"[a-f0-9]{32}"),
    ("sq0", rf"(?:atp|csp|idp)-{_W}{{20,}}"),  # Square
    ("dop_v1_", r"[a-f0-9]{40,}"),  # DigitalOcean
    ("doo_v1_", r"[a-f0-9]{40,}"),
    ("dp.", rf"(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{{2,35}}\.)?{_A}{{40,}}"),  # Doppler
    ("NRAK-", r"[A-Z0-9]{27}"),  # New Relic
    ("lin_api_", rf"{_A}{{30,}}"),  # Linear
    ("sntrys_", r"[A-Za-z0-9+/=_-]{30,1000}"),
    ("sntryu_", r"[a-f0-9]{40,}"),
    ("figd_", rf"{_W}{{30,}}"),
    ("FLWSECK", rf"(?:_TEST)?-{_A}{{16,}}"),
    ("PMAK-", r"[a-f0-9]{24}-[a-f0-9]{34}"),  # Postman
    ("xkeysib-", r"[a-f0-9]{32,}"),  # Brevo
    ("rzp_", rf"(?:live|test)_{_A}{{14,}}"),
    ("CFPAT-", rf"{_W}{{30,}}"),  # Contentful
    ("napi_", rf"{_A}{{30,}}"),  # Neon
    ("re_", rf"{_A}{{6,12}}_{_A}{{20,}}"),  # Resend
)  # fmt: skip

_TOKENS = (
    ("ya29.", rf"{_W}{{20,}}"),  # Google
    ("1//0", rf"{_W}{{30,}}"),
    ("GOCSPX-", rf"{_W}{{20,}}"),
    ("ghp_", rf"{_A}{{30,}}"),  # GitHub
    ("gho_", rf"{_A}{{30,}}"),
    ("ghu_", rf"{_A}{{30,}}"),
    ("ghs_", rf"{_A}{{30,}}"),
    ("ghr_", rf"{_A}{{30,}}"),
    ("github_pat_", rf"{_W}{{30,}}"),
    ("glpat-", rf"{_W}{{20,}}"),  # GitLab
    ("glptt-", rf"{_W}{{20,}}"),
    ("gldt-", rf"{_W}{{20,}}"),
    ("glrt-", rf"{_W}{{20,}}"),
    ("ATATT3", r"[A-Za-z0-9_=-]{40,400}"),  # Atlassian
    ("ATBB", rf"{_A}{{28,}}"),
    *((f"xox{letter}-", r"[A-Za-z0-9-]{10,}") for letter in "abeoprs"),  # Slack
    ("xapp-", r"[A-Za-z0-9-]{16,}"),
    ("npm_", rf"{_A}{{30,}}"),
    ("pypi-", rf"{_W}{{32,}}"),
    ("rubygems_", r"[a-f0-9]{40,}"),
    ("dckr_pat_", rf"{_W}{{20,}}"),
    ("oy2", r"[a-z0-9]{43}"),  # NuGet
    ("dapi", r"[a-f0-9]{32}(?:-\d)?"),  # Databricks
    ("hvs.", rf"{_W}{{20,}}"),  # Vault
    ("hvb.", rf"{_W}{{20,}}"),
    ("secret_", rf"{_A}{{40,}}"),  # Notion
    ("ntn_", rf"{_A}{{30,}}"),
    ("sbp_", r"[a-f0-9]{40,}"),  # Supabase
    ("sb_secret_", rf"{_W}{{20,}}"),
    ("shpat_", r"[a-fA-F0-9]{32}"),  # Shopify
    ("shpss_", r"[a-fA-F0-9]{32}"),
    ("shpca_", r"[a-fA-F0-9]{32}"),
    ("shppa_", r"[a-fA-F0-9]{32}"),
    ("EAAC", rf"{_A}{{60,}}"),  # Facebook
    ("pul-", r"[a-f0-9]{40}"),  # Pulumi
    ("glsa_", rf"{_A}{{32}}_[A-Fa-f0-9]{{8}}"),  # Grafana
    ("glc_", r"[A-Za-z0-9+/]{32,1000}={0,2}"),
    ("dt0c01.", r"[A-Z0-9]{24}\.[A-Z0-9]{64}"),  # Dynatrace
    ("sgp_", rf"{_A}[A-Za-z0-9_]{{39,}}"),  # Sourcegraph
    ("tskey-", rf"{_A}{{3,}}-{_W}{{16,}}"),  # Tailscale
    ("vercel_", rf"{_W}{{24,}}"),
    ("nfp_", rf"{_A}{{36,}}"),  # Netlify
    ("fo1_", rf"{_W}{{43}}"),  # Fly
    ("FlyV1 ", r"[A-Za-z0-9+/=_,-]{40,2000}"),
    ("CCIPAT_", rf"{_A}{{20,}}_[a-f0-9]{{40}}"),  # CircleCI
    ("whsec_", r"[A-Za-z0-9+/=]{16,100}"),
)  # fmt: skip

_OTHERS = (
    # three parts: a header and a payload, both JSON, and a signature
    _shape("token", "eyJ", rf"{_W}{{8,}}\.eyJ{_W}{{8,}}\.{_W}*"),
    _shape("token", "eyJ", rf"{_W}{{16,}}\.{_W}*\.{_W}{{8,}}\.{_W}{{8,}}\.{_W}{{8,}}"),  # encrypted
    _shape("organization", "org-", rf"{_A}{{16,}}"),
    _shape("project", "proj_", rf"{_A}{{16,}}"),
    _shape("user", "user-", rf"{_DIGIT}{_A}{{24}}(?!{_A})"),
    _shape("webhook", "https://hooks.slack.com/", rf"({_HOOK})"),
    _shape("webhook", "https://discord.com/api/webhooks/", rf"({_HOOK})"),
    _shape("webhook", "https://discordapp.com/api/webhooks/", rf"({_HOOK})"),
    _shape("webhook", "webhook.office.com/webhookb2/", r"([A-Za-z0-9@/_-]{16,})", inside=True),
    _shape(
        "private-key",
        "-----BEGIN ",
        r"(?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:[\s\\nr]*(?:Proc-Type|DEK-Info|Version|Comment): ?[^\n\\\"]{1,100}){0,4}"
        r"[A-Za-z0-9+/=\s\\]{24,}"
        r"(?:-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----)?",
        inside=True,
    ),
)

_TELEGRAM = re.compile(rf"[0-9]{{8,10}}:AA{_W}{{33}}(?!{_W})", re.ASCII)
_DISCORD = re.compile(rf"[MNO]{_W}{{23,27}}\.{_W}{{6}}\.{_W}{{27,45}}", re.ASCII)
_BEARER = re.compile(r"([A-Za-z0-9._~+/-]{8,4000}=*)", re.ASCII)
_BASIC = re.compile(r"([A-Za-z0-9+/]{8,1000}={0,2})", re.ASCII)
_USERINFO = re.compile(r"([^\s/@:\"'<>\\?#,]{0,200}:[^\s/@\"'<>\\?#]{1,200})@", re.ASCII)
_TOKEN_IN_URL = re.compile(rf"({_W}{{16,200}})@", re.ASCII)

SHAPES = (
    *(_shape("api-key", prefix, rest) for prefix, rest in _KEYS),
    *(_shape("token", prefix, rest) for prefix, rest in _TOKENS),
    *_OTHERS,
)

WORD = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")

_BASE64 = WORD | frozenset("-_+")
_RUN = 24


def shaped(text: str) -> Iterator[Span]:
    """The secrets in a text that can be told by what they look like."""
    for shape in SHAPES:
        at = text.find(shape.prefix)
        while at >= 0:
            end = at + len(shape.prefix)
            if shape.inside or _begins(text, at):
                match = shape.pattern.match(text, at)
                if match is not None:
                    group = shape.pattern.groups and 1
                    yield match.start(group), match.end(group), shape.kind
                    end = match.end()
            at = text.find(shape.prefix, end)
    yield from _in_urls(text)
    yield from _credentials(text)
    yield from _around(text, ":AA", 10, _TELEGRAM)
    yield from _around(text, ".", 28, _DISCORD, again=7)


def _begins(text: str, at: int) -> bool:
    """Whether a word begins here, that is no part of a long run of base64."""
    if not at:
        return True
    before = text[at - 1]
    if before in "-_+":
        run = text[max(0, at - _RUN) : at]
        return len(run) < _RUN or not _BASE64.issuperset(run)
    return before not in WORD


def _in_urls(text: str) -> Iterator[Span]:
    at = text.find("://")
    while at >= 0:
        match = _USERINFO.match(text, at + 3)
        if match is not None:
            yield match.start(1), match.end(1), "password"
        elif (match := _TOKEN_IN_URL.match(text, at + 3)) is not None:
            yield match.start(1), match.end(1), "token"
        at = text.find("://", at + 3)


def _credentials(text: str) -> Iterator[Span]:
    """What stands behind the words Bearer and Basic."""
    for word in ("Bearer ", "bearer ", "BEARER "):
        at = text.find(word)
        while at >= 0:
            match = _BEARER.match(text, at + len(word))
            if match is not None and (len(match[1]) >= 20 or any(map(str.isdigit, match[1]))):
                yield match.start(1), match.start(1) + len(match[1].rstrip(".")), "token"
            at = text.find(word, at + len(word))
    for word in ("Basic ", "basic "):
        at = text.find(word)
        while at >= 0:
            match = _BASIC.match(text, at + len(word))
            if match is not None and b":" in _decoded(match[1])[1:]:
                yield match.start(1), match.end(1), "password"
            at = text.find(word, at + len(word))


def _decoded(coded: str) -> bytes:
    """What base64 says, perhaps without its end."""
    coded = coded.rstrip("=")
    return b64decode(coded[: len(coded) - (len(coded) % 4 == 1)] + "===")


def _around(
    text: str, middle: str, before: int, pattern: re.Pattern[str], again: int = 0
) -> Iterator[Span]:
    """Tokens that are told by characters in their middle, which stand there again so far on."""
    at = text.find(middle)
    while at >= 0:
        if again and not text.startswith(middle, at + again):
            at = text.find(middle, at + len(middle))
            continue
        start = at
        while (
            start and at - start < before and (text[start - 1] in WORD or text[start - 1] in "_-")
        ):
            start -= 1
        match = pattern.match(text, start) if at - start >= 8 else None
        if match is not None:
            yield match.start(), match.end(), "token"
        at = text.find(middle, max(at + len(middle), match.end() if match else 0))
