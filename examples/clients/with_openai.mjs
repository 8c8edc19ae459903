// The OpenAI SDK on Node, unmodified.
import OpenAI from "openai";

const client = new OpenAI({
  baseURL: `${process.env.TRUNKLINE_URL ?? "http://127.0.0.1:4000"}/v1`,
  apiKey: process.env.TRUNKLINE_KEY,
});

const stream = await client.chat.completions.create({
  model: "openai/gpt-4o-mini",
  messages: [{ role: "user", content: "Say hello" }],
  stream: true,
});
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta?.content ?? "");
console.log();
