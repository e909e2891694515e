"""An app that knows nothing of chatdouble: it asks the API that OPENAI_BASE_URL names."""

from __future__ import annotations

import json
import sys

import openai

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather of a city",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
]


def get_weather(city: str) -> str:
    """What the tool gives back."""
    return f"18 degrees in {city}"


def answer(question: str) -> str:
    """Ask the model, run the tools that it calls, and return its answer."""
    messages = [{"role": "user", "content": question}]
    with openai.OpenAI() as client:
        while True:
            completion = client.chat.completions.create(
                model="gpt-4o-mini", messages=messages, tools=TOOLS
            )
            message = completion.choices[0].message
            if not message.tool_calls:
                return message.content or ""
            messages.append(message.model_dump(exclude_none=True))
            for call in message.tool_calls:
                result = get_weather(**json.loads(call.function.arguments))
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


if __name__ == "__main__":
    print(answer(" ".join(sys.argv[1:])))
