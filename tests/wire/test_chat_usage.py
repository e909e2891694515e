from __future__ import annotations

import base64
import json
import runpy
import struct
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatdouble import tokens
from chatdouble.answers import Reply, ToolCall, call
from chatdouble.wire.chat.request import ChatRequest, Function, JsonSchema
from chatdouble.wire.chat.toolspec import format_text, tools_text
from chatdouble.wire.chat.usage import completion_tokens, prompt_tokens

SAY = {"role": "user", "content": "Say this is a test"}
SYSTEM = {"role": "system", "content": "Be brief."}
WEATHER: dict[str, Any] = {
    "name": "get_weather",
    "description": "Get the current weather",
    "parameters": {
        "type": "object",
        "properties": {
            "location": {"type": "string", "description": "The city"},
            "unit": {"enum": ["celsius", "fahrenheit"], "default": "celsius"},
        },
        "required": ["location"],
    },
}
WEATHER_TEXT = """# Tools

## functions

namespace functions {

// Get the current weather
type get_weather = (_: {
// The city
location: string,
unit?: "celsius" | "fahrenheit", // default: "celsius"
}) => any;

} // namespace functions"""
TOOLS = [{"type": "function", "function": WEATHER}]
SCHEMA = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}
SCHEMA_TEXT = '# Response Formats\n\n## answer\n\n{"type":"object"}'


def request(*messages: Any, model: str = "gpt-4o", **fields: Any) -> ChatRequest:
    body = {"model": model, "messages": messages or [SAY], **fields}
    return msgspec.json.decode(json.dumps(body), type=ChatRequest)


def prompt(*messages: Any, **fields: Any) -> int:
    return prompt_tokens(request(*messages, **fields))


def completion(reply: Reply, **fields: Any) -> int:
    return completion_tokens(request(**fields), reply)


def history(*calls: tuple[str, str, str]) -> list[dict[str, Any]]:
    """A question, the calls (name, arguments, result) in one message, and their results."""
    made = [
        {"id": f"call_{index}", "type": "function", "function": {"name": name, "arguments": given}}
        for index, (name, given, _) in enumerate(calls)
    ]
    results = [
        {"role": "tool", "tool_call_id": f"call_{index}", "content": result}
        for index, (_, _, result) in enumerate(calls)
    ]
    return [SAY, {"role": "assistant", "content": None, "tool_calls": made}, *results]


def rendered(parameters: Any, **more: Any) -> str:
    """What stands between the parentheses of a function with these parameters."""
    text = tools_text([Function("f", parameters=parameters, **more)])
    return text.split("type f = (", 1)[1].rsplit(") => any;", 1)[0]


def data_url(image: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height) + b"\x08\6\0\0\0"


def jpeg(width: int, height: int, before: int = 16) -> bytes:
    frame = struct.pack(">BBHBHHB", 0xFF, 0xC0, 17, 8, height, width, 3)
    thumbnail = b"\xff\xe1" + struct.pack(">H", before + 2) + b"\0" * before
    return b"\xff\xd8" + thumbnail + b"\xff" + frame + b"\0" * 20


def webp(kind: bytes, fields: bytes) -> bytes:
    return b"RIFF\0\0\0\0WEBP" + kind + b"\0\0\0\0" + fields + b"\0" * 20


def with_image(url: str, model: str = "gpt-4o", **more: str) -> int:
    """What an image adds to a message."""
    words = {"type": "text", "text": "Say this is a test"}
    image = {"type": "image_url", "image_url": {"url": url, **more}}
    message = {"role": "user", "content": [words, image]}
    return prompt(message, model=model) - prompt(model=model)


class TestMessages:
    def test_a_recorded_message_counts_as_recorded(self) -> None:
        assert prompt() == 12

    @pytest.mark.parametrize("base", ["gpt-3.5-turbo-0125", "gpt-4.1-2025-04-14", "o4-mini"])
    def test_a_fine_tuned_model_counts_as_its_base(self, base: str) -> None:
        # the encodings cut it differently
        said = [
            {"role": "user", "content": "自然言語処理は楽しい"},
            {"role": "assistant", "content": "x"},
        ]
        assert prompt(*said, model=f"ft:{base}:an-org:a-name:id") == prompt(*said, model=base)

    def test_text_parts_are_joined_before_they_are_counted(self) -> None:
        parts = [{"type": "text", "text": "Say this is a te"}, {"type": "text", "text": "st"}]
        assert prompt({"role": "user", "content": parts}) == 12

    def test_a_name_counts_itself_and_one_more(self) -> None:
        assert prompt(SAY | {"name": "tester"}) == 12 + tokens.count("tester") + 1

    def test_a_name_that_is_the_role_counts_only_itself(self) -> None:
        assert prompt(SAY | {"name": "user"}) == 12 + 1

    def test_gpt_4_is_counted_in_its_own_encoding(self) -> None:
        text = "日本語のテキスト"
        assert prompt(SAY | {"content": text}, model="gpt-4") == 7 + 8
        assert prompt(SAY | {"content": text}) == 7 + 6

    def test_the_first_chat_model_has_longer_headers_and_shorter_names(self) -> None:
        model = "gpt-3.5-turbo-0301"
        assert prompt(model=model) == 13
        assert prompt(SAY | {"name": "tester"}, model=model) == 13 + tokens.count("tester") - 1

    @pytest.mark.parametrize("model", ["gpt-5", "gpt-5.4", "o3-mini", "o4-mini"])
    def test_reasoning_models_count_less_at_the_end_and_more_per_answer(self, model: str) -> None:
        assert prompt(model=model) == 11
        answered = (SAY, {"role": "assistant", "content": "This is a test"}, SAY)
        assert prompt(*answered, model=model) == prompt(*answered) - 1 + 2

    def test_a_refusal_in_the_history_counts_as_text(self) -> None:
        said = [{"role": "assistant", "content": "No."}, {"role": "assistant", "refusal": "No."}]
        assert prompt(said[0]) == prompt(said[1])

    def test_sound_and_files_count_nothing(self) -> None:
        sound = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
        parts = [{"type": "text", "text": "Say this is a test"}, sound]
        assert prompt({"role": "user", "content": parts}) == 12


class TestTools:
    def test_they_are_written_as_typescript(self) -> None:
        function = msgspec.convert(WEATHER, Function)
        assert tools_text([function]) == WEATHER_TEXT

    def test_without_a_system_message_they_have_their_own(self) -> None:
        assert prompt(tools=TOOLS) == 12 + tokens.count(WEATHER_TEXT) + 4 - 1

    def test_they_follow_the_first_system_message(self) -> None:
        joined = tokens.count(f"Be brief.\n\n{WEATHER_TEXT}") - tokens.count("Be brief.")
        assert prompt(SYSTEM, SAY, tools=TOOLS) == prompt(SYSTEM, SAY) + joined - 1

    def test_legacy_functions_count_alike(self) -> None:
        assert prompt(functions=[WEATHER]) == prompt(tools=TOOLS)

    def test_strict_does_not_count(self) -> None:
        strict = [{"type": "function", "function": WEATHER | {"strict": True}}]
        assert prompt(tools=strict) == prompt(tools=TOOLS)

    @pytest.mark.parametrize(
        ("choice", "more"),
        [
            ("auto", 0),
            ("required", 0),
            ("none", 1),
            ({"type": "function", "function": {"name": "get_weather"}}, 2 + 7),
        ],
    )
    def test_a_choice_counts(self, choice: Any, more: int) -> None:
        assert tokens.count("get_weather") == 2
        assert prompt(tools=TOOLS, tool_choice=choice) == prompt(tools=TOOLS) + more

    @pytest.mark.parametrize(("model", "more"), [("gpt-5", 81), ("gpt-5.1", 81), ("o3-mini", 0)])
    def test_reasoning_models_have_another_frame(self, model: str, more: int) -> None:
        own = prompt(tools=TOOLS, model=model) - prompt(model=model)
        assert own == tokens.count(WEATHER_TEXT) + 4 + more
        joined = tokens.count(f"Be brief.\n\n{WEATHER_TEXT}") - tokens.count("Be brief.")
        plain = prompt(SYSTEM, SAY, model=model)
        assert prompt(SYSTEM, SAY, tools=TOOLS, model=model) == plain + joined + more + 3

    def test_custom_tools_count_nothing(self) -> None:
        assert prompt(tools=[{"type": "custom", "custom": {"name": "shell"}}]) == 12


class TestSchemasAsTypescript:
    @pytest.mark.parametrize(
        ("schema", "text"),
        [
            ({"type": "string"}, "string"),
            ({"type": "integer"}, "number"),
            ({"type": "boolean"}, "boolean"),
            ({"type": "string", "minLength": 3, "pattern": "x"}, "string"),
            ({"enum": ["a", "b"]}, '"a" | "b"'),
            ({"const": "a"}, '"a"'),
            ({"type": "array", "items": {"type": "string"}}, "string[]"),
            ({"type": "array"}, "any[]"),
            ({"type": "array", "items": {"enum": ["a", "b"]}}, 'Array<"a" | "b">'),
            ({"type": "array", "items": {"enum": ["a"]}}, '"a"[]'),
            ({"type": ["string", "null"]}, "string | null"),
            ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "number | null"),
            ({"allOf": [{"type": "integer"}]}, "number"),
            ({}, "any"),
            ("nonsense", "any"),
            ({"type": "object", "properties": {"b": {"type": "number"}}}, "{ b?: number }"),
            ({"type": "object", "additionalProperties": {"type": "string"}}, None),
        ],
    )
    def test_a_type(self, schema: Any, text: str | None) -> None:
        text = text or "{ [k: string]: string }"
        given = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
        assert rendered(given) == f"_: {{ a: {text} }}"

    @pytest.mark.parametrize(
        "parameters", [None, {}, {"type": "object"}, {"type": "object", "properties": {}}]
    )
    def test_no_properties(self, parameters: Any) -> None:
        assert rendered(parameters) == ""

    def test_further_properties(self) -> None:
        given = {"properties": {"a": {"type": "number"}}, "additionalProperties": True}
        assert rendered(given) == "_: { a?: number, [k: string]: any }"
        assert rendered(given | {"additionalProperties": False}) == "_: { a?: number }"

    def test_titles_and_descriptions_are_comments(self) -> None:
        described = {"type": "string", "title": "A", "description": " First \n\nlast"}
        given = {"title": "Args", "properties": {"a": described}}
        assert rendered(given) == "_: // Args\n{\n// A\n//\n// First\n//\n// last\na?: string,\n}"

    def test_a_description_of_several_lines(self) -> None:
        text = tools_text([Function("f", "One.\n\t\n\tTwo.")])
        assert "// One.\n//\n// Two.\ntype f = () => any;" in text

    def test_references_are_written_out(self) -> None:
        given = {
            "properties": {"a": {"$ref": "#/$defs/B"}},
            "$defs": {"B": {"title": "B", "type": "object", "properties": {"c": {"const": 1}}}},
        }
        assert rendered(given) == "_: {\n// B\na?: { c?: 1 },\n}"

    def test_a_list_of_objects_with_comments(self) -> None:
        row = {"type": "object", "properties": {"c": {"type": "string", "description": "C"}}}
        given = {"properties": {"a": {"type": "array", "items": row}}}
        assert rendered(given) == "_: {\na?: Array<\n{\n// C\nc?: string,\n}\n>,\n}"

    def test_a_format_in_a_union_is_written_behind_it(self) -> None:
        union = [{"type": "string", "format": "date"}, {"type": "null"}]
        given = {"properties": {"a": {"anyOf": union, "default": None}}}
        text = '_: {\na?:\n | string // format: "date"\n | null\n, // default: null\n}'
        assert rendered(given) == text

    def test_a_described_list_of_types_has_a_row_for_each(self) -> None:
        given = {"properties": {"a": {"type": ["string", "null"], "description": "A"}}}
        assert rendered(given) == "_: {\na?:\n | // A\nstring\n | // A\nnull\n,\n}"


class TestHistory:
    def test_a_call_and_its_result(self) -> None:
        parts = ("functions.get_weather", "get_weather", '{"city":"Rome"}', "sunny")
        counted = 12 + sum(map(tokens.count, parts))
        assert prompt(*history(("get_weather", '{"city": "Rome"}', "sunny"))) == 12 + counted

    def test_a_legacy_call_counts_alike(self) -> None:
        made = {"name": "f", "arguments": "{}"}
        messages = [
            SAY,
            {"role": "assistant", "content": None, "function_call": made},
            {"role": "function", "name": "f", "content": "ok"},
        ]
        assert prompt(*messages) == prompt(*history(("f", "{}", "ok")))

    def test_several_calls_are_one_list(self) -> None:
        uses = (
            '{"tool_uses":[{"recipient_name":"functions.f","parameters":{"a":1}},'
            '{"recipient_name":"functions.g","parameters":{}}]}'
        )
        results = '[{"b": "é"}, "not JSON"]'
        counted = 20 + tokens.count(uses) + tokens.count(results)
        asked = history(("f", '{"a": 1}', '{"b":"é"}'), ("g", "{}", "not JSON"))
        assert prompt(*asked) == 12 + counted

    @pytest.mark.parametrize("model", ["gpt-5", "o4-mini"])
    @pytest.mark.parametrize("calls", [1, 2])
    def test_reasoning_models_count_six_more(self, model: str, calls: int) -> None:
        asked = history(*[("f", "{}", "ok")] * calls)
        assert prompt(*asked, model=model) - prompt(model=model) == prompt(*asked) - 12 + 6

    def test_text_and_name_beside_a_call(self) -> None:
        asked = history(("f", "{}", "ok"))
        asked[1] |= {"content": "One moment", "name": "bot"}
        more = tokens.count("One moment") + 4 + tokens.count("bot") + 1
        assert prompt(*asked) == prompt(*history(("f", "{}", "ok"))) + more

    def test_ids_do_not_count(self) -> None:
        asked = history(("f", "{}", "ok"))
        asked[1]["tool_calls"][0]["id"] = asked[2]["tool_call_id"] = "a-very-long-id-0123456789"
        assert prompt(*asked) == prompt(*history(("f", "{}", "ok")))

    def test_custom_calls_and_stray_results_count_something(self) -> None:
        custom = {"id": "c", "type": "custom", "custom": {"name": "shell", "input": "ls"}}
        stray = {"role": "tool", "tool_call_id": "x", "content": "ok"}
        assert prompt(SAY, {"role": "assistant", "tool_calls": [custom]}, stray, SAY, stray) > 40


class TestResponseFormats:
    def test_it_is_written_without_its_bounds(self) -> None:
        schema = {
            "type": "object",
            "properties": {
                "format": {"type": "string", "format": "date", "default": "é"},
                "pattern": {"enum": ["é"], "pattern": "x"},
            },
            "required": ["format"],
            "additionalProperties": False,
        }
        assert format_text(JsonSchema(name="answer", description="An answer", schema=schema)) == (
            "# Response Formats\n\n## answer\n\n// An answer\n"
            '{"type":"object","properties":{"format":{"type":"string"},'
            '"pattern":{"enum":["\\u00e9"]}}}'
        )

    def test_every_answer_names_it(self) -> None:
        own = 4 + tokens.count(SCHEMA_TEXT)
        named = tokens.count("answer") + 2
        assert prompt(response_format=SCHEMA) == 12 + own + named
        said = (SAY, {"role": "assistant", "content": "Yes"})
        assert prompt(*said, response_format=SCHEMA) == prompt(*said) + own + 2 * named

    def test_tools_come_before_it_and_keep_its_name_out(self) -> None:
        both = tokens.count(f"Be brief.\n\n{WEATHER_TEXT}\n\n{SCHEMA_TEXT}")
        counted = prompt(SYSTEM, SAY, tools=TOOLS, response_format=SCHEMA)
        assert counted == prompt(SYSTEM, SAY) + both - tokens.count("Be brief.") - 1

    def test_a_reasoning_model_does_not_name_it(self) -> None:
        own = 4 + tokens.count(SCHEMA_TEXT)
        assert prompt(response_format=SCHEMA, model="gpt-5") == 11 + own

    def test_other_formats_do_not_count(self) -> None:
        assert prompt(response_format={"type": "json_object"}) == 12
        assert prompt(response_format={"type": "text"}) == 12


class TestImages:
    @pytest.mark.parametrize(
        ("model", "size", "counted"),
        [
            ("gpt-4o", (512, 512), 85 + 170),
            ("gpt-4o", (513, 512), 85 + 2 * 170),
            ("gpt-4o", (1024, 1024), 85 + 4 * 170),
            ("gpt-4o", (4096, 8192), 85 + 6 * 170),
            ("gpt-4.1", (1, 1), 85 + 170),
            ("gpt-4o-mini", (100, 100), 2833 + 5667),
            ("gpt-5", (100, 100), 70 + 140),
            ("o3", (100, 100), 75 + 150),
            ("gpt-5-nano", (16, 16), 3),
            ("gpt-5-nano", (2560, 1669), 1488 * 3 // 2 + 1),
            ("gpt-4.1-mini", (320, 320), 163),
            ("gpt-3.5-turbo", (320, 320), 0),
        ],
    )
    def test_an_image_counts_by_its_size(
        self, model: str, size: tuple[int, int], counted: int
    ) -> None:
        assert with_image(data_url(png(*size)), model) == counted

    def test_low_detail_is_the_least(self) -> None:
        assert with_image(data_url(png(1024, 1024)), detail="low") == 85

    @pytest.mark.parametrize(
        "image",
        [
            png(600, 300),
            b"GIF89a" + struct.pack("<HH", 600, 300),
            jpeg(600, 300),
            jpeg(600, 300, before=60_000),
            webp(b"VP8 ", b"\0" * 6 + struct.pack("<HH", 600, 300)),
            webp(b"VP8L", b"\x2f" + struct.pack("<I", 599 | 299 << 14)),
            webp(b"VP8X", b"\0" * 4 + struct.pack("<I", 599)[:3] + struct.pack("<I", 299)[:3]),
        ],
    )
    def test_sizes_are_read_from_headers(self, image: bytes) -> None:
        assert with_image(data_url(image)) == 85 + 2 * 170

    @pytest.mark.parametrize(
        "url",
        [
            "https://example.com/cat.png",
            "data:image/png,plain",
            "data:image/png;base64,",
            "data:image/png;base64,%%%",
            "data:image/png;base64,é",
            data_url(b"\x89PNG\r\n\x1a\n"),
            data_url(png(0, 0)),
            data_url(b"\xff\xd8\xff\xd9"),
            data_url(b"RIFF\0\0\0\0WEBPnone" + b"\0" * 20),
            data_url(b"BM" + b"\0" * 100_000),
        ],
    )
    def test_an_unreadable_image_counts_nothing(self, url: str) -> None:
        assert with_image(url) == 0

    @given(image=st.binary(max_size=64))
    def test_no_image_raises(self, image: bytes) -> None:
        for beginning in (b"\xff\xd8", b"RIFF\0\0\0\0WEBP", b"GIF89a", b""):
            assert with_image(data_url(beginning + image)) >= 0


class TestCompletions:
    TEXT = Reply("This is a test")
    CALL = Reply(tool_calls=(call("get_weather", city="Rome"),))
    CALLED = tokens.count("functions.get_weather") + tokens.count('{"city":"Rome"}')
    NAMED = {"type": "function", "function": {"name": "get_weather"}}  # noqa: RUF012

    def test_text(self) -> None:
        assert completion(self.TEXT) == 4
        assert completion(self.TEXT, n=3) == 12
        assert completion(Reply()) == 0

    def test_text_beside_tools(self) -> None:
        assert completion(self.TEXT, tools=TOOLS) == 5
        assert completion(self.TEXT, tools=TOOLS, tool_choice="none") == 4
        assert completion(self.TEXT, tools=TOOLS, response_format=SCHEMA) == 9
        assert completion(self.TEXT, response_format=SCHEMA) == 4

    def test_a_refusal(self) -> None:
        assert completion(Reply(refusal="This is a test")) == 5

    def test_a_cut_reply_has_as_many_as_allowed(self) -> None:
        cut = Reply("This is", finish_reason="length")
        assert completion(cut, max_tokens=2, tools=TOOLS) == 2
        assert completion(cut, max_completion_tokens=2, n=2) == 4
        assert completion(cut) == 2

    @pytest.mark.parametrize(
        ("model", "more"),
        [("gpt-4o", 6), ("gpt-5", 15), ("gpt-5.1", 15), ("gpt-5.2", 9), ("gpt-5.4-mini", 9)],
    )
    def test_a_call(self, model: str, more: int) -> None:
        assert completion(self.CALL, tools=TOOLS, model=model) == self.CALLED + more

    def test_a_call_of_gpt_4(self) -> None:
        counted = completion(self.CALL, tools=TOOLS, model="gpt-4-0613")
        assert counted == completion(self.CALL, tools=TOOLS, model="gpt-4-turbo") - 3

    def test_a_call_behind_text(self) -> None:
        both = Reply("This is a test", self.CALL.tool_calls)
        assert completion(both, tools=TOOLS) == self.CALLED + 6 + 4 + 4

    def test_a_named_call_counts_its_arguments(self) -> None:
        counted = completion(self.CALL, tools=TOOLS, tool_choice=self.NAMED)
        assert counted == tokens.count('{"city":"Rome"}')
        legacy = {"functions": [WEATHER], "function_call": {"name": "get_weather"}}
        assert completion(self.CALL, **legacy) == counted

    def test_several_calls_are_one_list(self) -> None:
        one = '{"recipient_name":"functions.get_weather","parameters":{"city":"Rome"}}'
        two = Reply(tool_calls=self.CALL.tool_calls * 2)
        counted = tokens.count(f'{{"tool_uses":[{one},{one}]}}')
        assert completion(two, tools=TOOLS) == counted + 10
        assert completion(two, tools=TOOLS, model="gpt-5") == counted + 19

    def test_arguments_with_spaces_come_out_of_a_list(self) -> None:
        spaced = Reply(tool_calls=(ToolCall("get_weather", '{"city": "Rome"}'),))
        one = '{"recipient_name":"functions.get_weather","parameters":{"city":"Rome"}}'
        assert completion(spaced, tools=TOOLS) == tokens.count(f'{{"tool_uses":[{one}]}}') + 10

    def test_arguments_that_are_no_json_count_as_they_are(self) -> None:
        broken = Reply(tool_calls=(ToolCall("get_weather", '{"city": '),))
        counted = tokens.count("functions.get_weather") + tokens.count('{"city": ') + 6
        assert completion(broken, tools=TOOLS) == counted

    @pytest.mark.parametrize(
        ("model", "plain", "reasoned"),
        [("gpt-5", 9, 9), ("gpt-5.1", 9, 9), ("gpt-5.2", 3, 9), ("gpt-5.4-mini", 3, 9)],
    )
    def test_text_of_reasoning_models(self, model: str, plain: int, reasoned: int) -> None:
        asked = request(model=model)
        assert completion_tokens(asked, self.TEXT) == 4 + plain
        assert completion_tokens(asked, self.TEXT, reasoning=64) == 4 + reasoned + 64


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"a": schema}, "anyOf": [schema]}
    return schema


def recursive() -> dict[str, Any]:
    node = {"$ref": "#/$defs/Node"}
    tree = {"type": "object", "properties": {f"p{index}": node for index in range(50)}}
    return {"type": "object", "properties": {"a": node}, "$defs": {"Node": tree}}


def repeated() -> dict[str, Any]:
    """A long description that very many properties refer to."""
    row = {"type": "string", "description": "word " * 100_000}
    properties = {f"p{index}": {"$ref": "#/$defs/Row"} for index in range(5000)}
    return {"type": "object", "properties": properties, "$defs": {"Row": row}}


def listed() -> dict[str, Any]:
    """A long list of values that very many properties refer to."""
    row = {"enum": ["value" * 10] * 4000}
    properties = {f"p{index}": {"$ref": "#/$defs/Row"} for index in range(5000)}
    return {"type": "object", "properties": properties, "$defs": {"Row": row}}


KEYWORDS = st.sampled_from(
    [
        "type",
        "properties",
        "items",
        "enum",
        "anyOf",
        "$ref",
        "allOf",
        "required",
        "default",
        "title",
        "description",
        "additionalProperties",
        "format",
        "const",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["object", "array", "#"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYWORDS, inner, max_size=3),
    max_leaves=10,
)


class TestHostileSchemas:
    @pytest.mark.parametrize(
        "schema",
        [
            nested(12),
            recursive(),
            repeated(),
            listed(),
            {"$ref": "#"},
            {"properties": {"a": {"$ref": "#/properties/a"}}},
            {"properties": {"a": {"allOf": [{"allOf": [{"$ref": "#/properties/a"}]}]}}},
            {"properties": {f"p{index}": {} for index in range(100_000)}},
            {"properties": {"a": {"enum": list(range(100_000))}}},
            {"properties": {f"p{index}": {"type": "string"} for index in range(5000)}}
            | {"required": [f"q{index}" for index in range(5000)]},
        ],
        ids=lambda schema: "-".join(list(schema)[:3]),
    )
    def test_counting_ends_soon(self, schema: Any) -> None:
        begin = time.thread_time()
        tools = [{"type": "function", "function": {"name": "f", "parameters": schema}}]
        form = {"type": "json_schema", "json_schema": {"name": "f", "schema": schema}}
        assert prompt(tools=tools, response_format=form) > 12
        assert time.thread_time() - begin < 5

    def test_schemas_as_deep_as_can_be_read(self) -> None:
        deep = '{"a":' * 900 + "1" + "}" * 900
        body = (
            '{"model":"gpt-4o","messages":[{"role":"user","content":"x"}],"tools":[{"type":'
            f'"function","function":{{"name":"f","parameters":{{"properties":{deep}}}}}}}]}}'
        )
        try:
            asked = msgspec.json.decode(body, type=ChatRequest)
        except RecursionError:
            pytest.skip("this Python does not read it")
        assert prompt_tokens(asked) > 12

    @given(schema=st.dictionaries(KEYWORDS, VALUES))
    def test_nonsense_does_not_raise(self, schema: dict[str, Any]) -> None:
        nonsense = {"type": "object", "properties": {"a": schema, "b": {"anyOf": [schema]}}}
        assert tools_text([Function("f", parameters=schema), Function("g", parameters=nonsense)])
        assert format_text(JsonSchema(name="f", schema=nonsense))


def test_recorded_requests_and_replies_are_counted_as_recorded(shared_cassettes: Path) -> None:
    script = Path(__file__).parents[2] / "scripts" / "check-usage"
    if not script.is_file():
        pytest.skip("the script that reads the recordings is in the repository only")
    check = runpy.run_path(str(script))
    folders = tuple(
        folder
        for folder in sorted(shared_cassettes.iterdir())
        if folder.is_dir() and folder.name != "other"
    )
    found = [one for one in check["figures"](folders) if one.kind not in ("image", "other")]
    recent = [one for one in found if one.month >= check["BILLED_ALIKE_SINCE"]]
    for what, among, least in (("prompt", found, 0.99), ("completion", recent, 0.985)):
        exact = [one.recorded == one.counted for one in among if one.what == what]
        assert len(exact) > 200
        assert sum(exact) >= least * len(exact), check["table"](found)
