// An app that knows nothing of chatdouble: it asks the API that its client is made for.

export const tools = [
  {
    type: "function",
    function: {
      name: "get_weather",
      parameters: {
        type: "object",
        properties: { city: { type: "string" } },
        required: ["city"],
      },
    },
  },
];

export async function answer(client, question) {
  const messages = [{ role: "user", content: question }];
  for (;;) {
    const completion = await client.chat.completions.create({
      model: "gpt-4o-mini",
      messages,
      tools,
    });
    const message = completion.choices[0].message;
    if (!message.tool_calls) return message.content;
    messages.push(message);
    for (const call of message.tool_calls) {
      const { city } = JSON.parse(call.function.arguments);
      messages.push({
        role: "tool",
        tool_call_id: call.id,
        content: `18 degrees in ${city}`,
      });
    }
  }
}
