from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator as Judge

from chatdouble.sources.generated import new_faker
from tests.sources.test_fitting import fit, of


@pytest.mark.parametrize(
    ("name", "looks"),
    [
        ("email", "^[^@ ]+@example[.](com|org|net)$"),
        ("customer_email", "@example"),
        ("homepageUrl", "^https://example[.]com/[a-z]+$"),
        ("birth_date", r"^20\d\d-\d\d-\d\d$"),
        ("created_at", r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$"),
        ("zip", r"^\d{5}$"),
        ("currency", "^[A-Z]{3}$"),
        ("order_id", r"^[a-z]+_\d{4}$"),
        ("description", r"^[A-Z].* .*\.$"),
        ("full_name", "^[A-Z][^ ]* [A-Z]"),
        ("year", r"^(19|20)\d\d$"),
        ("price", r"^\d+([.]\d+)?$"),
        ("password", "not-a-real"),
        ("ip_address", r"^192\.0\.2\.\d+$"),
    ],
)
def test_a_text_is_what_its_name_says(name: str, looks: str) -> None:
    schema = of(**{name: {"type": "string"}}, other={"type": "string"})
    schema["properties"]["checked"] = {"type": "string", "pattern": looks}
    for seed in range(5):
        value = fit(schema, seed)
        assert Judge({"pattern": looks}).is_valid(value[name]), value
        assert not Judge({"pattern": looks}).is_valid(value["other"]) or looks.startswith(
            "^[A-Z][^"
        )


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("age", 18, 80),
        ("quantity", 1, 10),
        ("latitude", -90, 90),
        ("rating", 1, 5),
        ("year", 1990, 2025),
    ],
)
def test_a_number_is_what_its_name_says(name: str, low: float, high: float) -> None:
    for kind in ("integer", "number"):
        made = [fit(of(**{name: {"type": kind}}), seed)[name] for seed in range(20)]
        assert all(low <= one <= high for one in made), made
        assert len(set(made)) > 2
    assert fit(of(**{name: {"type": "integer", "minimum": 5000, "maximum": 5000}}))[name] == 5000


def test_people_and_places_are_of_the_locale() -> None:
    schema = of(first_name={"type": "string"}, city={"type": "string"}, company={"type": "string"})
    japanese = fit(schema, fake=new_faker("ja_JP"))
    assert all(not text.isascii() for text in japanese.values()), japanese
    assert fit(schema, fake=new_faker("de_DE")) != fit(schema)
    for locale in ("fr_FR", "pt_BR", "ar_SA", "zh_CN", "ru_RU", "hi_IN"):
        words = of(
            **{name: {"type": "string"} for name in ("state", "zip", "phone", "job", "text", "a")}
        )
        assert all(fit(words, fake=new_faker(locale)).values()), locale
