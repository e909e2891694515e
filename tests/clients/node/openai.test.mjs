// The openai package for Node: what its users do daily, with nothing configured.
import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

const apiKey = "any";
const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey, maxRetries: 0 });
const failing = new OpenAI({ baseURL: process.env.FAILING_URL, apiKey, maxRetries: 0 });
const chat = client.chat.completions;
const model = "gpt-4o";
const hello = [{ role: "user", content: "Hello" }];
const both = [{ role: "user", content: "Use get_weather and get_time for Paris" }];

const Place = z.object({
  name: z.string(),
  inhabitants: z.number().int(),
  area: z.number(),
  kind: z.enum(["city", "village"]),
  capital: z.boolean(),
  motto: z.string().nullable(),
  streets: z.array(z.object({ name: z.string(), numbers: z.array(z.number()) })),
});

const parameters = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
};
const tools = [
  { type: "function", function: { name: "get_weather", parameters } },
  { type: "function", function: { name: "get_time", parameters } },
];

const runnable = [
  {
    type: "function",
    function: {
      name: "get_weather",
      description: "The weather of a city",
      parse: JSON.parse,
      function: async ({ city }) => `18 degrees in ${city}`,
      parameters,
    },
  },
  zodFunction({
    name: "get_time",
    parameters: z.object({ city: z.string() }),
    function: async () => "noon",
  }),
];

for (const name of ["gpt-4o", "gpt-5-mini", "my-own-model"]) {
  test(`a text and its usage, ${name}`, async () => {
    const completion = await chat.create({ model: name, messages: hello });
    assert.ok(completion.choices[0].message.content);
    const { prompt_tokens, completion_tokens, total_tokens } = completion.usage;
    assert.equal(total_tokens, prompt_tokens + completion_tokens);
  });

  test(`a stream says what the body says, ${name}`, async () => {
    const body = await chat.create({ model: name, messages: hello });
    const stream = await chat.create({
      model: name,
      messages: hello,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    let usage = null;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      usage = chunk.usage ?? usage;
    }
    assert.equal(text, body.choices[0].message.content);
    assert.deepEqual(usage, body.usage);
  });
}

test("the stream helper", async () => {
  const stream = chat.stream({ model, messages: hello });
  let text = "";
  stream.on("content", (delta) => (text += delta));
  assert.equal(await stream.finalContent(), text);
});

test("several choices in a stream", async () => {
  const stream = chat.stream({ model, messages: hello, n: 3 });
  const completion = await stream.finalChatCompletion();
  assert.equal(new Set(completion.choices.map((one) => one.message.content)).size, 3);
});

for (const stream of [false, true]) {
  test(`a loop of tools by itself, stream: ${stream}`, async () => {
    const runner = chat.runTools({ model, stream, messages: both, tools: runnable });
    const text = await runner.finalContent();
    assert.match(text, /18 degrees/);
    assert.match(text, /noon/);
    assert.equal(runner.messages.length, 5);
  });

  test(`a loop of tools by hand, stream: ${stream}`, async () => {
    const asked = { model, messages: both, tools };
    const completion = stream
      ? await chat.stream(asked).finalChatCompletion()
      : await chat.create(asked);
    const made = completion.choices[0].message.tool_calls;
    assert.deepEqual(made.map((one) => one.function.name), ["get_weather", "get_time"]);
    const calls = made.map(({ id, type, function: { name, arguments: given } }) => ({
      id,
      type,
      function: { name, arguments: given },
    }));
    const answers = calls.map(({ id }) => ({ role: "tool", tool_call_id: id, content: "of it" }));
    const messages = [...both, { role: "assistant", content: null, tool_calls: calls }, ...answers];
    const told = await chat.create({ model, messages, tools });
    assert.match(told.choices[0].message.content, /of it/);
  });
}

for (const name of ["gpt-4o", "gpt-5-mini", "my-own-model"]) {
  test(`parse gets an object, ${name}`, async () => {
    const response_format = zodResponseFormat(Place, "place");
    const completion = await chat.parse({ model: name, messages: hello, response_format });
    Place.parse(completion.choices[0].message.parsed);
  });
}

test("a stream gets an object", async () => {
  const response_format = zodResponseFormat(Place, "place");
  const stream = chat.stream({ model, messages: hello, response_format });
  Place.parse((await stream.finalChatCompletion()).choices[0].message.parsed);
});

test("parse gets the arguments of a tool", async () => {
  const tool = zodFunction({ name: "place", parameters: Place });
  const completion = await chat.parse({ model, messages: hello, tools: [tool] });
  Place.parse(completion.choices[0].message.tool_calls[0].function.parsed_arguments);
});

test("the raw response, many at once, and a stream left early", async () => {
  const { response, request_id } = await chat.create({ model, messages: hello }).withResponse();
  assert.equal(response.status, 200);
  assert.match(request_id, /^req_/);
  const all = await Promise.all([...Array(20)].map(() => chat.create({ model, messages: hello })));
  assert.equal(new Set(all.map((one) => one.choices[0].message.content)).size, 1);
  for await (const chunk of await chat.create({ model, messages: hello, stream: true })) {
    assert.ok(chunk.id);
    break;
  }
});

test("the models", async () => {
  const names = [];
  for await (const one of client.models.list()) names.push(one.id);
  assert.ok(names.includes("gpt-4o"));
});

test("a broken request is refused", async () => {
  const refused = chat.create({ model, messages: hello, temperature: 7 });
  await assert.rejects(refused, (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, "temperature");
    return true;
  });
});

for (const [status, kind] of [
  [400, OpenAI.BadRequestError],
  [401, OpenAI.AuthenticationError],
  [403, OpenAI.PermissionDeniedError],
  [404, OpenAI.NotFoundError],
  [429, OpenAI.RateLimitError],
  [500, OpenAI.InternalServerError],
]) {
  test(`an error with status ${status}`, async () => {
    for (const stream of [false, true]) {
      const messages = [{ role: "user", content: `Fail with ${status}` }];
      const refused = failing.chat.completions.create({ model, messages, stream });
      await assert.rejects(refused, kind);
    }
  });
}

test("a rate limit is waited for", async () => {
  const patient = new OpenAI({ baseURL: process.env.FAILING_URL, apiKey });
  const messages = [{ role: "user", content: "Fail node once" }];
  const completion = await patient.chat.completions.create({ model, messages });
  assert.equal(completion.choices[0].message.content, "Done.");
});
