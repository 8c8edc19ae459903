// The Vercel AI SDK, by its provider for OpenAI-compatible servers.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, streamText } from "ai";

const trunkline = createOpenAICompatible({
  name: "trunkline",
  baseURL: `${process.env.TRUNKLINE_URL ?? "http://127.0.0.1:4000"}/v1`,
  apiKey: process.env.TRUNKLINE_KEY,
  includeUsage: true, // the vendor says what a stream cost
});

const { text } = await generateText({ model: trunkline("openai/gpt-4o-mini"), prompt: "Say hello" });
console.log(text);

const { textStream } = streamText({ model: trunkline("openai/gpt-4o-mini"), prompt: "Say hello" });
for await (const part of textStream) process.stdout.write(part);
console.log();
