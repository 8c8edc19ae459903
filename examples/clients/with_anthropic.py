"""The Anthropic SDK, unmodified. Its base URL is the root, without `/v1`."""

import os

import anthropic

client = anthropic.Anthropic(
    base_url=os.environ.get("TRUNKLINE_URL", "http://127.0.0.1:4000"),
    api_key=os.environ["TRUNKLINE_KEY"],
)
hello = [{"role": "user", "content": "Say hello"}]

message = client.messages.create(model="anthropic/claude-sonnet-4-5", max_tokens=64, messages=hello)
print(message.content[0].text)

with client.messages.stream(model="anthropic/claude-sonnet-4-5", max_tokens=64, messages=hello) as stream:
    for text in stream.text_stream:
        print(text, end="")
print()
