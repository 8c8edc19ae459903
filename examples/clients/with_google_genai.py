"""The Google Gen AI SDK, unmodified. Its base URL is the root, without a version."""

import os

from google import genai

client = genai.Client(
    api_key=os.environ["TRUNKLINE_KEY"],
    http_options={"base_url": os.environ.get("TRUNKLINE_URL", "http://127.0.0.1:4000")},
)

print(client.models.generate_content(model="gemini/gemini-2.5-flash", contents="Say hello").text)

for chunk in client.models.generate_content_stream(model="gemini/gemini-2.5-flash", contents="Say hello"):
    print(chunk.text or "", end="")
print()
