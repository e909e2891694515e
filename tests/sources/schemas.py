"""Random schemas that some value fits: each is written around a value that it has to allow."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from jsonschema import Draft202012Validator as Judge

PATTERNS = [
    (r"^[A-Z]{2}-\d{4}$", "AB-1234"),
    (r"\d{3}", "call 123 now"),
    (r"^(?=.*[A-Z])(?=.*\d)[A-Za-z\d]{8,16}$", "Abcdefg1"),
    (r"^(?!admin)[a-z]{3,12}$", "someone"),
    (r"^[^\s@]+@[^\s@]+\.[a-z]{2,}$", "a@b.co"),
    (r"^v?\d+\.\d+(\.\d+)?(-(alpha|beta)\.\d+)?$", "v1.2.3-beta.4"),
    (r"^(?:red|green|blue)(?:,(?:red|green|blue))*$", "red,blue"),
    (r"\bfoo\b", "a foo b"),
    (r"^#(?:[0-9a-fA-F]{3}){1,2}$", "#fff"),
    (r"^[\u3040-\u30ff]+$", "\u304b\u306a"),
    (r"^(\d)\1{2}$", "777"),
    (r"x$", "box"),
    (r"^[\w.-]{2,64}$", "a.b-c"),
    (r"^\+?[1-9]\d{7,14}$", "+4917012345"),
    (r"^(?P<year>19|20)\d\d-(0[1-9]|1[0-2])$", "1999-12"),
    (r"^\S+ \S+$", "two words"),
]
FORMATS = {
    "date": "2024-02-29",
    "date-time": "2024-02-29T12:00:00Z",
    "time": "12:30:00Z",
    "duration": "P1DT2H",
    "email": "a.b@example.com",
    "idn-email": "a@example.com",
    "hostname": "a.example.com",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
    "uri": "https://example.com/a?b=c#d",
    "uri-reference": "/a/b",
    "uuid": "123e4567-e89b-12d3-a456-426614174000",
    "json-pointer": "/a/~0b",
    "relative-json-pointer": "1/a",
    "regex": "^a$",
    "not-a-known-format": "anything",
}
# a judge that takes any text for a format would find none that does not have it
FORMATS = {
    form: text
    for form, text in FORMATS.items()
    if form in Judge.FORMAT_CHECKER.checkers or form.startswith("not-")
}
KINDS = ["cat", "dog", "fish", "bird"]
NAMES = """id name city email price tags items kind value created_at x_1 zipCode is_ok""".split()  # noqa: SIM905
WORDS = ["red", "green", "blue", "S\u00e3o Paulo", "", "a b"]


class Writer:
    """Writes schemas; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._defs: dict[str, Any] = {}

    def document(self) -> dict[str, Any]:
        kind = self._random.choice([self._object, self._object, self._array, self._scalar])
        value = kind(0)
        schema = self._around(value, 0)
        if not isinstance(schema, dict):
            schema = {"allOf": [schema]}
        alone = not schema.keys() & {"if", "not", "dependentSchemas"}
        if "properties" in schema and alone and self._some(0.3):
            # a tree of itself, which may or may not have to go on
            again = self._random.choice(
                [{"$ref": "#"}, {"anyOf": [{"$ref": "#"}, {"type": "null"}]}]
            )
            again = again if self._some(0.5) else {"type": "array", "items": {"$ref": "#"}}
            schema = {**schema, "properties": {**schema["properties"], "again": again}}
            if again != {"$ref": "#"} and self._some(0.5):
                schema["required"] = [*schema.get("required", []), "again"]
                schema.pop("maxProperties", None)
        return {**schema, "$defs": self._defs}

    # values

    def _value(self, depth: int) -> Any:
        kinds: list[Callable[[int], Any]] = [self._scalar] * 3
        if depth < 3:
            kinds += [self._object, self._array]
        return self._random.choice(kinds)(depth)

    def _scalar(self, depth: int) -> Any:
        pick = self._random
        return pick.choice(
            [
                None,
                pick.random() < 0.5,
                pick.randint(-50, 50),
                pick.randint(0, 10**6),
                round(pick.uniform(-10, 10), 2),
                pick.choice(WORDS),
                pick.choice(WORDS),
                pick.choice(PATTERNS)[1],
                pick.choice(list(FORMATS.values())),
            ]
        )

    def _object(self, depth: int) -> dict[str, Any]:
        names = self._random.sample(NAMES, self._random.randint(0, 4))
        made = {name: self._value(depth + 1) for name in names}
        if self._some(0.15):
            kind = self._random.choice(KINDS)
            made |= {"kind": kind, kind: self._random.randint(0, 9)}
        return made

    def _array(self, depth: int) -> list[Any]:
        first = self._value(depth + 1)
        more = [self._value(depth + 1) for _ in range(self._random.randint(0, 2))]
        alike = self._random.random() < 0.5
        return [first, *([first] * len(more) if alike else more)]

    # schemas

    def _some(self, chance: float) -> bool:
        return self._random.random() < chance

    def _around(self, value: Any, depth: int) -> Any:
        """A schema that the value fits."""
        if self._some(0.04):
            return True
        if self._some(0.05):
            return {"const": value}
        if self._some(0.1):
            others = [self._scalar(3) for _ in range(self._random.randint(0, 3))]
            return {"enum": self._random.sample([value, *others], len(others) + 1)}
        schema = self._typed(value)
        match value:
            case bool() | None:
                pass
            case str():
                schema |= self._text(value)
            case int() | float():
                schema |= self._number(value)
            case list():
                schema |= self._list(value, depth)
            case dict():
                schema |= self._table(value, depth)
        schema = self._combined(schema, value, depth)
        if self._some(0.06):
            name = f"d/{len(self._defs)}"
            self._defs[name] = schema
            return {"$ref": f"#/$defs/{name.replace('/', '~1')}"}
        return schema

    def _typed(self, value: Any) -> dict[str, Any]:
        kind = {type(None): "null", bool: "boolean", str: "string", list: "array", dict: "object"}
        named = kind.get(type(value)) or ("integer" if isinstance(value, int) else "number")
        if self._some(0.15):
            return {"type": [self._random.choice(["null", "string", "boolean"]), named]}
        if self._some(0.05) and named == "integer":
            named = "number"
        return {"type": named}

    def _text(self, value: str) -> dict[str, Any]:
        schema: dict[str, Any] = {}
        for pattern, example in PATTERNS:
            if example == value and self._some(0.8):
                schema["pattern"] = pattern
        for form, example in FORMATS.items():
            if example == value and self._some(0.8):
                schema["format"] = form
        if self._some(0.2):
            schema["minLength"] = self._random.randint(0, len(value))
        if self._some(0.2):
            schema["maxLength"] = len(value) + self._random.randint(0, 20)
        return schema

    def _number(self, value: float) -> dict[str, Any]:
        schema: dict[str, Any] = {}
        if self._some(0.4):
            schema["minimum"] = value - self._random.choice([0, 1, 0.5, 3])
        elif self._some(0.3):
            schema["exclusiveMinimum"] = value - self._random.choice([1, 0.01, 3])
        if self._some(0.4):
            schema["maximum"] = value + self._random.choice([0, 1, 0.25, 30])
        elif self._some(0.3):
            schema["exclusiveMaximum"] = value + self._random.choice([1, 0.01, 30])
        if self._some(0.3):
            step = self._random.choice([1, 2, 5, 0.5, 0.01, 0.1])
            if Judge({"multipleOf": step}).is_valid(value):
                schema["multipleOf"] = step
        return schema

    def _list(self, value: list[Any], depth: int) -> dict[str, Any]:
        schema: dict[str, Any] = {}
        if all(one == value[0] and type(one) is type(value[0]) for one in value):
            schema["items"] = self._around(value[0], depth + 1)
        elif self._some(0.6):
            schema["prefixItems"] = [self._around(one, depth + 1) for one in value]
            if self._some(0.4):
                schema["items"] = self._random.choice([False, {"type": "integer"}])
        if self._some(0.3):
            schema["minItems"] = self._random.randint(0, len(value))
        if self._some(0.3):
            schema["maxItems"] = len(value) + self._random.randint(0, 3)
        if self._some(0.2):
            schema["contains"] = self._around(self._random.choice(value), depth + 1)
            if self._some(0.3):
                schema["maxContains"] = len(value)
            if self._some(0.3):
                schema["minContains"] = self._random.randint(0, 1)
        if self._some(0.3) and Judge({"uniqueItems": True}).is_valid(value):
            schema["uniqueItems"] = True
        return schema

    def _table(self, value: dict[str, Any], depth: int) -> dict[str, Any]:
        schema: dict[str, Any] = {}
        declared = [name for name in value if self._some(0.8)]
        properties = {name: self._around(value[name], depth + 1) for name in declared}
        for name in NAMES:
            if name not in value and self._some(0.1):
                properties[name] = self._random.choice([False, {"type": "integer"}, {}])
        schema["properties"] = properties
        rest = [name for name in value if name not in properties]
        if rest and self._some(0.5) and all(type(value[name]) is str for name in rest):
            schema["additionalProperties"] = {"type": "string"}
        elif not rest:
            schema["additionalProperties"] = False
        if self._some(0.7):
            schema["required"] = [name for name in value if self._some(0.7)]
        if self._some(0.15):
            schema["propertyNames"] = {"maxLength": 10, "pattern": "^[a-zA-Z_0-9]+$"}
        if self._some(0.15):
            schema["minProperties"] = self._random.randint(0, len(value))
        if self._some(0.15):
            schema["maxProperties"] = len(value) + self._random.randint(0, 2)
        if self._some(0.2) and value:
            name = self._random.choice(list(value))
            schema["dependentRequired"] = {name: [one for one in value if self._some(0.5)]}
        if self._some(0.1) and value:
            name = self._random.choice(list(value))
            schema["dependentSchemas"] = {name: {"required": [name]}}
        if self._some(0.2):
            of_a = [one for name, one in value.items() if name.startswith(("i", "n", "x"))]
            if of_a and all(type(one) is type(of_a[0]) for one in of_a):
                schema["patternProperties"] = {"^[inx]": self._typed(of_a[0])}
            elif not of_a:
                schema["patternProperties"] = {"^[inx]": {"type": "integer", "multipleOf": 3}}
                for name in NAMES:
                    if name[0] in "inx":
                        schema["properties"].pop(name, None)
        return schema

    def _combined(self, schema: dict[str, Any], value: Any, depth: int) -> dict[str, Any]:
        if depth > 3:
            return schema
        if self._some(0.1):
            return {"allOf": [schema, self._around(value, depth + 4)]}
        if self._some(0.1):
            other = self._around(self._value(3), depth + 4)
            return {"anyOf": self._random.sample([schema, other], 2)}
        if self._some(0.1):
            other = self._around(self._value(3), depth + 4)
            if not self._fits(value, other):
                return {"oneOf": self._random.sample([schema, other], 2)}
        if isinstance(value, dict) and value.get("kind") in KINDS and "oneOf" not in schema:
            return self._told_apart(schema, value)
        if self._some(0.06):
            other = self._around(self._value(3), depth + 4)
            if not self._fits(value, other):
                return {**schema, "not": other}
        if self._some(0.06):
            asked = self._around(self._value(3), depth + 4)
            met = self._fits(value, asked)
            more = self._around(value, depth + 4)
            return {**schema, "if": asked, ("then" if met else "else"): more}
        return schema

    def _told_apart(self, schema: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
        """A union of objects that a property tells apart, or as many ifs."""
        kinds = self._random.sample(KINDS, len(KINDS))
        kinds.remove(value["kind"])
        kinds = [value["kind"], *kinds[: self._random.randint(1, 3)]]
        self._random.shuffle(kinds)
        named = {
            kind: {"properties": {"kind": {"const": kind}}, "required": ["kind"]} for kind in kinds
        }
        fields = {
            kind: {"properties": {kind: {"type": "integer"}}, "required": [kind]} for kind in kinds
        }
        if self._some(0.5):
            options = [{"allOf": [named[kind], fields[kind]]} for kind in kinds]
            return {**schema, self._random.choice(["oneOf", "anyOf"]): options}
        return {**schema, "allOf": [{"if": named[kind], "then": fields[kind]} for kind in kinds]}

    def _fits(self, value: Any, schema: Any) -> bool:
        whole = {"allOf": [schema], "$defs": self._defs}
        return Judge(whole, format_checker=Judge.FORMAT_CHECKER).is_valid(value)
