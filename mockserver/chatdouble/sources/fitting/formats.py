"""The formats of JSON Schema: whether a text has one, and patterns to make such a text from.

The patterns are narrower than the standards: what they match is valid everywhere, as a text that is
made up or taken from a prompt should be.
"""

from __future__ import annotations

from datetime import date
from ipaddress import AddressValueError, IPv6Address

from chatdouble.sources.fitting.patterns import Patterns

_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_BYTE = r"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?"
_TIME = rf"{_CLOCK}([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
_DAY = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_AFTER_T = r"T([0-9]+H([0-9]+M([0-9]+S)?)?|[0-9]+M([0-9]+S)?|[0-9]+S)"
_DAYS = r"([0-9]+Y([0-9]+M([0-9]+D)?)?|[0-9]+M([0-9]+D)?|[0-9]+D)"
_SCHEME = "[A-Za-z][A-Za-z0-9+.-]*"
_UNRESERVED = r"([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_PATH = rf"(/{_UNRESERVED}*)*(\?({_UNRESERVED}|[/?])*)?(#({_UNRESERVED}|[/?])*)?"
_AUTHORITY = rf"{_UNRESERVED}{{1,64}}"
_STEPS = "(/([^~/]|~[01])*)*"

PATTERNS = {
    "date": rf"^{_DAY}$",
    "time": rf"^{_TIME}$",
    "date-time": rf"^{_DAY}[Tt]{_TIME}$",
    "duration": rf"^P([0-9]+W|{_DAYS}({_AFTER_T})?|{_AFTER_T})$",
    "email": rf"^[^\s@]{{1,64}}@{_LABEL}(\.{_LABEL})*$",
    "idn-email": r"^[^\s@]+@[^\s@]+$",
    "hostname": rf"^(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*$",
    "uri": rf"^{_SCHEME}:(//{_AUTHORITY}|{_UNRESERVED}+){_PATH}$",
    "uri-reference": rf"^({_SCHEME}:)?(//{_AUTHORITY}|{_UNRESERVED}*){_PATH}$",
    "uuid": "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
    "ipv4": rf"^{_BYTE}(\.{_BYTE}){{3}}$",
    "ipv6": "^[0-9a-fA-F:]{2,39}$",
    "json-pointer": rf"^{_STEPS}$",
    "relative-json-pointer": rf"^(0|[1-9][0-9]*)(#|{_STEPS})$",
    "uri-template": rf"^({_UNRESERVED}|/|\{{[a-z]{{1,20}}\}})*$",
    "byte": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
    "color": "^#[0-9a-f]{6}$",
}
_MADE_EMAIL = r"^[a-z][a-z0-9]{0,62}@([a-z][a-z0-9]{0,30}\.){1,7}[a-z]{2,3}$"
_SAME = {
    "idn-hostname": "hostname",
    "iri": "uri",
    "iri-reference": "uri-reference",
    "url": "uri",
    "base64": "byte",
}
# what to make, where that is narrower than what to take
_MADE = {
    "date": r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])$",
    "date-time": rf"^(19|20)[0-9]{{2}}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T{_CLOCK}Z$",
    "time": rf"^{_CLOCK}Z$",
    "ipv6": "^([0-9a-f]{1,4}(:[0-9a-f]{1,4}){7}|([0-9a-f]{1,4}:){1,6}:[0-9a-f]{1,4}|::[0-9a-f]?)$",
    "hostname": r"^(?=.{1,253}$)([a-z][a-z0-9]{0,62}\.)*[a-z]{1,63}$",
    "email": _MADE_EMAIL,
    "idn-email": _MADE_EMAIL,
    "uri": "^https?://[a-z0-9]{1,30}(\\.[a-z]{1,20})?(/[a-z0-9]*)*$",
    "uri-reference": "^(/[a-z0-9]*)+$",
    # without a nought before another digit, which some validators take for a leading one
    "relative-json-pointer": "^[1-9]+(/[a-z]+)*$",
    "regex": "^[a-z]+$",
}


def usual(name: str) -> str:
    """The name that a format goes by here."""
    return _SAME.get(name, name)


def is_known(name: str) -> bool:
    """Whether it is known which texts have the format."""
    return name in PATTERNS or name == "regex"


def made_from(name: str) -> str | None:
    """A pattern whose texts have the format; None for a format that says nothing here."""
    name = usual(name)
    return _MADE.get(name) or PATTERNS.get(name)


def has_format(name: str, text: str, patterns: Patterns) -> bool:
    """Whether a text surely has the format; any has a format that says nothing here."""
    name = usual(name)
    if name == "regex":
        return patterns.known(text) is not None
    pattern = PATTERNS.get(name)
    if pattern is None:
        return True
    if not patterns.found_in(pattern, text):
        return False
    try:
        if name in ("date", "date-time"):
            date.fromisoformat(text[:10])
        elif name == "ipv6":
            IPv6Address(text)
    except (ValueError, AddressValueError):
        return False
    return True
