"""LangChain: its chat models take the same base URLs as the SDKs below them."""

import os

from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI

url, key = os.environ.get("TRUNKLINE_URL", "http://127.0.0.1:4000"), os.environ["TRUNKLINE_KEY"]

print(ChatOpenAI(model="openai/gpt-4o-mini", base_url=f"{url}/v1", api_key=key).invoke("Say hello").content)

claude = ChatAnthropic(model="anthropic/claude-sonnet-4-5", base_url=url, api_key=key)
for chunk in claude.stream("Say hello"):
    print(chunk.text, end="")
print()
