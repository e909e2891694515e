// Run `chatdouble serve` first, then `npm test`; CHATDOUBLE_URL names another server.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";

import { answer } from "./agent.mjs";

const server = process.env.CHATDOUBLE_URL ?? "http://127.0.0.1:8642";

async function control(method, path, body) {
  const response = await fetch(`${server}/_chatdouble${path}`, {
    method,
    headers: { "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  assert.ok(response.ok, text);
  return text && JSON.parse(text);
}

// a session of its own for each test: they may run at the same time
async function session(t, rules) {
  const { id, base_url } = await control("POST", "/sessions", {});
  await control("POST", `/sessions/${id}/rules`, rules);
  t.after(async () => {
    const { problems } = await control("GET", `/sessions/${id}/report`);
    await control("DELETE", `/sessions/${id}`);
    assert.equal(problems, "");
  });
  return { id, client: new OpenAI({ baseURL: base_url, apiKey: "any" }) };
}

test("the agent uses its tool", async (t) => {
  const { id, client } = await session(t, [
    {
      when: { user: { contains: "weather" } },
      reply: { call: "get_weather", with: { city: "Rome" } },
    },
    { when: { tool_result: "get_weather" }, reply: "It is mild." },
  ]);
  assert.equal(await answer(client, "What is the weather in Rome?"), "It is mild.");
  const { exchanges } = await control("GET", `/sessions/${id}/journal`);
  assert.equal(exchanges.length, 2);
  assert.equal(exchanges[1].request.messages.at(-1).content, "18 degrees in Rome");
});

test("the agent survives a rate limit", async (t) => {
  const { client } = await session(t, [
    { then: [{ fail: "rate_limit", retry_after: 0.1 }, { reply: "Hello." }] },
  ]);
  assert.equal(await answer(client, "Hi"), "Hello.");
});
