"""The OpenAI SDK, unmodified: a chat, a stream, embeddings, and a failure in the SDK's own exception."""

import os

import openai

client = openai.OpenAI(
    base_url=os.environ.get("TRUNKLINE_URL", "http://127.0.0.1:4000") + "/v1",
    api_key=os.environ["TRUNKLINE_KEY"],
)
hello = [{"role": "user", "content": "Say hello"}]

answer = client.chat.completions.create(model="openai/gpt-4o-mini", messages=hello)
print(answer.choices[0].message.content)

# `include_usage` lets the vendor say what a stream cost; without it the record has no cost.
stream = client.chat.completions.create(
    model="openai/gpt-4o-mini", messages=hello, stream=True, stream_options={"include_usage": True}
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="")
print()

vectors = client.embeddings.create(model="openai/text-embedding-3-small", input=["one", "two"])
print([len(row.embedding) for row in vectors.data])

try:
    client.chat.completions.create(model="no-such-model", messages=hello)
except openai.APIStatusError as problem:
    print(type(problem).__name__, problem.body)
