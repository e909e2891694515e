"""Made-up secrets of many shapes; in halves, so that no scanner takes this file for a leak."""

from __future__ import annotations

import random
import string

_random = random.Random(6)
_LOWER_HEX = "0123456789abcdef"
_WORD = string.ascii_letters + string.digits


def _some(count: int, alphabet: str = _WORD) -> str:
    made = "".join(_random.choice(alphabet) for _ in range(count - 3))
    return made + "a1B" if alphabet is _WORD else made + _random.choice(alphabet) * 3


def _hex(count: int) -> str:
    return _some(count, _LOWER_HEX)


SHAPED = {
    "openai": "sk-" + _some(48),
    "openai project": "sk-" + "proj-" + _some(60) + "_" + _some(20),
    "openai service account": "sk-" + "svcacct-" + _some(60),
    "openai admin": "sk-" + "admin-" + _some(60),
    "openai short": "sk-" + _some(14),
    "openai session": "sess-" + _some(40),
    "anthropic": "sk-" + "ant-api03-" + _some(60) + "-" + _some(8) + "AA",
    "openrouter": "sk-" + "or-v1-" + _hex(64),
    "langfuse secret": "sk-" + "lf-" + "12345678-abcd-4321-abcd-1234567890ab",
    "langfuse public": "pk-" + "lf-" + "12345678-abcd-4321-abcd-1234567890ab",
    "langsmith": "lsv2_" + "pt_" + _hex(32) + "_" + _hex(10),
    "groq": "gsk_" + _some(52),
    "google": "AI" + "za" + _some(35),
    "google oauth": "ya29" + "." + _some(60),
    "google client": "GOCSPX" + "-" + _some(28),
    "aws": "AK" + "IA" + _some(16, string.ascii_uppercase),
    "aws session": "AS" + "IA" + _some(16, string.ascii_uppercase),
    "github": "gh" + "p_" + _some(36),
    "github oauth": "gh" + "o_" + _some(36),
    "github server": "gh" + "s_" + _some(36),
    "github fine": "github" + "_pat_" + _some(22) + "_" + _some(59),
    "gitlab": "glpat" + "-" + _some(20),
    "hugging face": "hf" + "_" + _some(34),
    "replicate": "r8" + "_" + _some(37),
    "slack bot": "xox" + "b-" + "123456789012-123456789012-" + _some(24),
    "slack user": "xox" + "p-" + "123456789012-123456789012-" + _some(24),
    "slack app": "xapp" + "-1-A123-456-" + _hex(40),
    "slack hook": "https://hooks.slack.com/" + "services/T1234567/B1234567/" + _some(24),
    "discord hook": "https://discord.com/api/" + "webhooks/1234567890/" + _some(60),
    "jwt": "ey" + "J" + _some(30) + ".ey" + "J" + _some(40) + "." + _some(43),
    "npm": "npm" + "_" + _some(36),
    "pypi": "pypi" + "-AgEIcHlwaS5vcmc" + _some(60),
    "digitalocean": "dop" + "_v1_" + _hex(64),
    "sendgrid": "SG" + "." + _some(22) + "." + _some(43),
    "mailgun": "key" + "-" + _hex(32),
    "stripe": "sk" + "_live_" + _some(24),
    "stripe restricted": "rk" + "_live_" + _some(24),
    "stripe hook": "wh" + "sec_" + _some(32),
    "square": "sq0" + "atp-" + _some(22),
    "twilio": "S" + "K" + _hex(32),
    "twilio account": "A" + "C" + _hex(32),
    "databricks": "da" + "pi" + _hex(32),
    "perplexity": "pplx" + "-" + _some(48),
    "xai": "xai" + "-" + _some(80),
    "fireworks": "fw" + "_" + _some(24),
    "nvidia": "nvapi" + "-" + _some(64),
    "posthog": "ph" + "c_" + _some(43),
    "vault": "hv" + "s." + _some(24),
    "telegram": "123456789" + ":AA" + _some(33),
    "discord": "M" + _some(25) + "." + _some(6) + "." + _some(38),
    "notion": "secret" + "_" + _some(43),
    "notion new": "ntn" + "_" + _some(46),
    "linear": "lin" + "_api_" + _some(40),
    "supabase": "sb" + "p_" + _hex(40),
    "doppler": "dp" + ".pt." + _some(43),
    "sentry": "sntrys" + "_" + _some(60),
    "new relic": "NR" + "AK-" + _some(27, string.ascii_uppercase),
    "docker": "dckr" + "_pat_" + _some(27),
    "shopify": "shp" + "at_" + _hex(32),
    "grafana": "gl" + "sa_" + _some(32) + "_" + _hex(8),
    "tavily": "tv" + "ly-" + _some(32),
    "pinecone": "pc" + "sk_" + _some(40),
    "cerebras": "cs" + "k-" + _some(48),
    "postman": "PM" + "AK-" + _hex(24) + "-" + _hex(34),
    "rubygems": "ruby" + "gems_" + _hex(48),
    "atlassian": "ATA" + "TT3" + _some(60),
    "tailscale": "ts" + "key-auth-" + _some(20),
    "figma": "fi" + "gd_" + _some(40),
    "organization": "org" + "-" + _some(24),
    "project": "proj" + "_" + _some(24),
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----\n" + _some(64) + "\n" + _some(40)
    + "\n-----END RSA " + "PRIVATE KEY-----",
}  # fmt: skip

# told by the name only
NAMED = {
    "api_key": _some(20),
    "apiKey": _some(20),
    "x-api-key": _some(20),
    "AZURE_OPENAI_API_KEY": _hex(32),
    "authorization": _some(24),
    "access_token": _some(20),
    "refreshToken": _some(20),
    "client_secret": _some(20),
    "aws_secret_access_key": _some(40),
    "password": "pa55" + "w\u00f6rd",
    "db_password": "letmeinplease",
    "passphrase": "correcthorse",
    "secret": _some(16),
    "token": _some(16),
    "github_token": _some(16),
    "session_id": _some(24),
    "private_key": _some(40),
    "cookie": "sid=" + _some(20) + "; theme=dark",
    "credentials": _some(24),
}

# what must stay as it is
ORDINARY = (
    "chatcmpl-AbCdEf0123456789AbCdEf0123456",
    "call_AbCdEf0123456789AbCdEf01",
    "req_0123456789abcdef0123456789abcdef",
    "fp_0123456789",
    "resp_0123456789abcdef0123456789abcdef0123456789abcdef",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "123e4567-e89b-12d3-a456-426614174000",
    "file-AbCdEf0123456789",
    "gpt-4o-mini-2024-07-18",
    "sk-learn-is-a-library-with-a-long-name",
    "task-force-of-many-1234567890-words",
    "https://example.com/a/b?page=2&size=10",
    "Incorrect API key provided: sk-abc***********************wxyz.",
    "Set your password: choose a long one",
    "the key: value of a token: see below",
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
)
