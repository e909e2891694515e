"""What a property is about, told from its name."""

from __future__ import annotations

import re
from functools import lru_cache

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_]+")
_MOST_LETTERS = 80

# kind: the names of properties that are of it; the last one or two words of a longer name count
_NAMES = {
    "city": "city town municipality village hometown",
    "country": "country nation nationality",
    "country_code": "country_code",
    "state": "state province region county",
    "street": "street street_address address_line address_line1 line1 street_name road",
    "address": "address full_address mailing_address",
    "postcode": "zip zip_code zipcode postcode postal_code postal plz",
    "place": "location place destination origin venue departure arrival area where",
    "email": "email e_mail mail email_address",
    "first_name": "first_name firstname given_name forename",
    "last_name": "last_name lastname surname family_name",
    "person": (
        "name full_name fullname person customer client author owner contact recipient sender "
        "employee manager patient user student teacher attendee participant assignee speaker "
        "artist actor director who"
    ),
    "username": "username user_name login handle nickname screen_name",
    "password": "password passwd secret passphrase",
    "phone": "phone phone_number telephone mobile cell fax",
    "company": (
        "company organization organisation org employer business vendor supplier brand "
        "manufacturer publisher"
    ),
    "job": "job job_title occupation profession position role",
    "money": (
        "price amount cost total subtotal fee salary balance budget revenue income tax discount "
        "payment unit_price total_amount"
    ),
    "currency": "currency currency_code",
    "count": (
        "quantity count qty num n limit top_k k max_results size stock page guests people seats "
        "nights"
    ),
    "age": "age",
    "year": "year",
    "month": "month",
    "day": "day",
    "hour": "hour hours",
    "minute": "minute minutes",
    "url": "url uri link href website homepage web_page webpage endpoint",
    "domain": "domain host hostname domain_name",
    "ip": "ip ip_address ipv4",
    "sentence": (
        "description summary text reason thought thoughts explanation content message body comment "
        "note notes details reasoning rationale abstract bio review feedback answer response reply "
        "instructions instruction overview conclusion observation analysis justification caption "
        "paragraph story joke poem setup punchline task goal"
    ),
    "question": "question",
    "query": "query q search search_query search_term prompt keyword keywords",
    "title": "title subject headline heading topic label caption_title product product_name",
    "date": "date birthday birthdate dob birth_date start_date end_date due_date deadline day_of",
    "time": "time start_time end_time time_of_day",
    "moment": "timestamp datetime date_time created_at updated_at at",
    "timezone": "timezone time_zone tz",
    "uuid": "uuid guid",
    "id": (
        "id identifier key ref reference sku code token order_number invoice_number account_number "
        "serial_number"
    ),
    "color": "color colour",
    "language": "language lang",
    "language_code": "language_code locale",
    "latitude": "latitude lat",
    "longitude": "longitude lon lng long",
    "rating": "rating stars score grade",
    "temperature": "temperature temp degrees",
    "percent": "percent percentage pct",
    "share": "confidence probability likelihood similarity weight ratio",
    "version": "version",
    "file": "file filename file_name",
    "path": "path file_path filepath directory folder",
}
_KINDS = {name: kind for kind, names in _NAMES.items() for name in names.split()}
# words that say nothing of their own after another: city_name is a city
_EMPTY = {"name", "value", "field", "string", "str", "text", "input", "number", "info"}
_COUNTED = {"max", "min", "num", "count", "total", "n", "number"}


def words_of(name: str) -> list[str]:
    """The words of a property's name, in lower case: ``zipCode`` has two."""
    return [word.lower() for word in _WORD.findall(name[:_MOST_LETTERS])]


def kind_of(name: str) -> str:
    """The kind of value that a property of this name holds, ``""`` if the name does not tell."""
    return _kind_of(name[:_MOST_LETTERS])


@lru_cache(1024)
def _kind_of(name: str) -> str:
    words = words_of(name)
    if words and words[-1].endswith("s"):
        singular = [*words[:-1], _singular(words[-1])]
        return _kind(words) or _kind(singular)
    return _kind(words)


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith(("sses", "xes", "ches", "shes", "uses")) else word[:-1]


def _kind(words: list[str]) -> str:
    if not words:
        return ""
    for length in (3, 2):
        found = _KINDS.get("_".join(words[-length:]))
        if found and len(words) >= length:
            return found
    if len(words) > 1:
        if words[-1] in _EMPTY:
            before = _kind(words[:-1])
            if before or words[-1] == "name":
                return before or "title"
        if words[0] in _COUNTED:
            return "count"
        if "of" in words[1:]:
            return _kind(words[: words.index("of", 1)])
    return _KINDS.get(words[-1], "")
