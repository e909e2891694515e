// Vercel's AI SDK with its two providers that speak chat completions.
import assert from "node:assert/strict";
import { test } from "node:test";

import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import {
  APICallError,
  generateObject,
  generateText,
  Output,
  stepCountIs,
  streamObject,
  streamText,
  tool,
  ToolLoopAgent,
} from "ai";
import { z } from "zod";

globalThis.AI_SDK_LOG_WARNINGS = false;
const apiKey = "any";

function providers(baseURL) {
  const openai = createOpenAI({ baseURL, apiKey });
  const compatible = createOpenAICompatible({
    name: "double",
    baseURL,
    apiKey,
    includeUsage: true,
    supportsStructuredOutputs: true,
  });
  const words = createOpenAICompatible({ name: "double", baseURL, apiKey });
  return {
    "openai gpt-4o": openai.chat("gpt-4o"),
    "openai gpt-5-mini": openai.chat("gpt-5-mini"),
    "openai my-own-model": openai.chat("my-own-model"),
    "compatible gpt-4o": compatible("gpt-4o"),
    "compatible without schemas": words("my-own-model"), // asks for JSON only, never by a schema
  };
}

const schema = z.object({
  name: z.string(),
  minutes: z.number().int(),
  kind: z.enum(["hot", "cold"]),
  steps: z.array(z.object({ text: z.string(), done: z.boolean() })),
});
const city = z.object({ city: z.string() });
const tools = {
  get_weather: tool({
    description: "The weather of a city",
    inputSchema: city,
    execute: async () => "18 degrees",
  }),
  get_time: tool({
    description: "The time in a city",
    inputSchema: city,
    execute: async () => ({ hour: 12 }),
  }),
};
const prompt = "Use get_weather and get_time for Paris";
const stopWhen = stepCountIs(5);

for (const [name, model] of Object.entries(providers(process.env.BASE_URL))) {
  test(`${name}: a text and its usage`, async () => {
    const { text, usage, finishReason } = await generateText({ model, prompt: "Hello" });
    assert.ok(text);
    assert.equal(finishReason, "stop");
    assert.equal(usage.totalTokens, usage.inputTokens + usage.outputTokens);
  });

  test(`${name}: a stream says what the body says`, async () => {
    const { text } = await generateText({ model, prompt: "Hello" });
    const result = streamText({ model, prompt: "Hello" });
    let streamed = "";
    for await (const piece of result.textStream) streamed += piece;
    assert.equal(streamed, text);
    assert.equal(await result.finishReason, "stop");
    if (!name.includes("without")) assert.ok((await result.usage).totalTokens > 0);
  });

  test(`${name}: a call of a tool`, async () => {
    const { toolCalls } = await generateText({ model, prompt: "The weather?", tools });
    assert.deepEqual(toolCalls.map((one) => one.toolName), ["get_weather"]);
    city.parse(toolCalls[0].input);
  });

  test(`${name}: a loop of tools`, async () => {
    const { text, steps } = await generateText({ model, prompt, tools, stopWhen });
    assert.equal(steps.length, 2);
    assert.equal(steps[0].toolResults.length, 2);
    assert.match(text, /18 degrees/);
    assert.match(text, /12/);
  });

  test(`${name}: a loop of tools in a stream`, async () => {
    const result = streamText({ model, prompt, tools, stopWhen });
    const kinds = [];
    for await (const part of result.fullStream) kinds.push(part.type);
    assert.equal(kinds.filter((kind) => kind === "tool-call").length, 2);
    assert.equal(kinds.filter((kind) => kind === "tool-result").length, 2);
    assert.ok(!kinds.includes("error"));
    assert.match(await result.text, /18 degrees/);
  });

  test(`${name}: the choice of a tool`, async () => {
    const ask = (toolChoice) => generateText({ model, prompt: "Hello", tools, toolChoice });
    assert.equal((await ask("none")).toolCalls.length, 0);
    assert.equal((await ask("required")).toolCalls.length, 1);
    const { toolCalls } = await ask({ type: "tool", toolName: "get_time" });
    assert.equal(toolCalls[0].toolName, "get_time");
  });

  test(`${name}: an agent`, async () => {
    const agent = new ToolLoopAgent({ model, instructions: "Be brief.", tools });
    assert.match((await agent.generate({ prompt })).text, /18 degrees/);
    const result = await agent.stream({ prompt });
    assert.match(await result.text, /18 degrees/);
  });

  test(`${name}: a conversation with a picture`, async () => {
    const image =
      "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=";
    const messages = [
      { role: "system", content: "Be brief." },
      { role: "user", content: [{ type: "text", text: "What is it?" }, { type: "image", image }] },
      { role: "assistant", content: [{ type: "text", text: "A dot." }] },
      { role: "user", content: "Of which colour?" },
    ];
    const allowSystemInMessages = true;
    assert.ok((await generateText({ model, messages, allowSystemInMessages })).text);
  });

  test(`${name}: settings`, async () => {
    const { finishReason } = await generateText({
      model,
      prompt: "Hello",
      maxOutputTokens: 20,
      temperature: 1,
      topP: 1,
      stopSequences: name.includes("gpt-5") ? undefined : ["\n\n"],
      seed: 7,
    });
    assert.ok(["length", "stop"].includes(finishReason));
  });

  if (name.includes("without")) {
    test(`${name}: JSON`, async () => {
      const asked = { output: "no-schema", prompt: "A soup as JSON with 'name' and 'taste'" };
      const { object } = await generateObject({ model, ...asked });
      assert.deepEqual(Object.keys(object), ["name", "taste"]);
    });
    continue;
  }

  test(`${name}: an object`, async () => {
    const { object } = await generateObject({ model, schema, prompt: "A soup" });
    schema.parse(object);
  });

  test(`${name}: an object in a stream`, async () => {
    const result = streamObject({ model, schema, prompt: "A soup" });
    let last;
    for await (const part of result.partialObjectStream) last = part;
    schema.parse(last);
    schema.parse(await result.object);
  });

  test(`${name}: arrays, choices and any JSON`, async () => {
    const array = await generateObject({ model, output: "array", schema, prompt: "Soups" });
    array.object.forEach((one) => schema.parse(one));
    const choices = { output: "enum", enum: ["good", "bad"], prompt: "Is it?" };
    assert.ok(["good", "bad"].includes((await generateObject({ model, ...choices })).object));
    assert.ok((await generateObject({ model, output: "no-schema", prompt: "JSON" })).object);
  });

  test(`${name}: a text with an object as output`, async () => {
    const output = Output.object({ schema });
    schema.parse((await generateText({ model, output, prompt: "A soup" })).output);
    const result = streamText({ model, output, prompt: "A soup" });
    schema.parse(await result.output);
    const { output: found } = await generateText({ model, output, tools, prompt, stopWhen });
    schema.parse(found);
  });
}

for (const [name, model] of Object.entries(providers(process.env.FAILING_URL))) {
  test(`${name}: errors`, async () => {
    for (const status of [400, 401, 404, 429, 500]) {
      const asked = { model, prompt: `Fail with ${status}`, maxRetries: 0 };
      await assert.rejects(generateText(asked), (error) => {
        assert.ok(APICallError.isInstance(error));
        assert.equal(error.statusCode, status);
        return true;
      });
      const errors = [];
      const result = streamText({ ...asked, onError: ({ error }) => errors.push(error) });
      await result.consumeStream();
      assert.equal(errors[0].statusCode, status);
    }
  });
}
