// Runs one story of the Node SDKs and prints what came of it as one line of JSON: node story.mjs NAME (TRUNKLINE_URL, TRUNKLINE_KEY).
// The SDKs are unmodified; only base URL and key are set.

import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embed, generateText, jsonSchema, streamText, tool } from "ai";
import OpenAI from "openai";

const url = process.env.TRUNKLINE_URL;
const apiKey = process.env.TRUNKLINE_KEY;
const client = (options = {}) => new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0, timeout: 60_000, ...options });
const provider = createOpenAICompatible({ name: "trunkline", baseURL: `${url}/v1`, apiKey });
const model = "gpt-4o-mini";
const messages = [{ role: "user", content: "Tell me about the weather in Paris" }];
const weather = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

async function failure(act) {
  try {
    await act();
    return { name: "none" };
  } catch (error) {
    return { name: error.constructor.name, status: error.status ?? error.statusCode, code: error.code, message: error.message };
  }
}

const stories = {
  async openai_chat() {
    const { data, response } = await client().chat.completions.create({ model, messages }).withResponse();
    return { text: data.choices[0].message.content, id: response.headers.get("x-correlation-id") };
  },
  async openai_stream() {
    const stream = await client().chat.completions.create({ model, messages, stream: true, stream_options: { include_usage: true } });
    const pieces = [];
    let usage = null;
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta?.content) pieces.push(chunk.choices[0].delta.content);
      usage = chunk.usage ?? usage;
    }
    return { pieces: pieces.length, usage };
  },
  async openai_tools() {
    const tools = [{ type: "function", function: { name: "get_weather", parameters: weather } }];
    const reply = await client().chat.completions.create({ model, messages, tools, tool_choice: "required" });
    const call = reply.choices[0].message.tool_calls[0].function;
    return { name: call.name, arguments: JSON.parse(call.arguments) };
  },
  async openai_rest() {
    const found = await client().embeddings.create({ model: "text-embedding-3-small", input: "hello" });
    const reply = await client().responses.create({ model, input: "Say hello" });
    const names = [];
    for await (const one of client().models.list()) names.push(one.id);
    return { length: found.data[0].embedding.length, text: reply.output_text, models: names };
  },
  openai_error: () => failure(() => client().chat.completions.create({ model, messages })),
  openai_retries: () => failure(() => client({ maxRetries: 2 }).chat.completions.create({ model, messages })),
  openai_broken_stream: () =>
    failure(async () => {
      for await (const chunk of await client().chat.completions.create({ model, messages, stream: true })) void chunk;
    }),
  async openai_cancel() {
    const stream = await client().chat.completions.create({ model, messages, stream: true });
    for await (const chunk of stream) {
      void chunk;
      break;
    }
    return {};
  },
  async ai_chat() {
    const { text, usage } = await generateText({ model: provider(model), prompt: "Say hello" });
    return { text, tokens: usage.totalTokens };
  },
  async ai_stream() {
    const result = streamText({ model: provider(model), prompt: "Tell me a story" });
    let pieces = 0;
    for await (const piece of result.textStream) pieces += piece ? 1 : 0;
    return { pieces, finish: await result.finishReason };
  },
  async ai_tools() {
    const tools = { get_weather: tool({ inputSchema: jsonSchema(weather) }) };
    const { toolCalls } = await generateText({ model: provider(model), prompt: "Weather in Paris?", tools, toolChoice: "required" });
    return { name: toolCalls[0].toolName, input: toolCalls[0].input };
  },
  async ai_embed() {
    const { embedding } = await embed({ model: provider.embeddingModel("text-embedding-3-small"), value: "hello" });
    return { length: embedding.length };
  },
  ai_error: () => failure(() => generateText({ model: provider(model), prompt: "Hi", maxRetries: 0 })),
  async ai_broken_stream() {
    const errors = [];
    const result = streamText({ model: provider(model), prompt: "Hi", maxRetries: 0, onError: ({ error }) => void errors.push(String(error)) });
    const kinds = [];
    for await (const part of result.fullStream) kinds.push(part.type);
    return { kinds: [...new Set(kinds)], errors };
  },
};

console.log(JSON.stringify(await stories[process.argv[2]]()));
