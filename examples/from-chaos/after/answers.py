"""Answers customers' questions by a model."""

import os

from openai import OpenAI

from problems import outside

URL = os.environ.get("TRUNKLINE_URL", "http://127.0.0.1:4000")
client = OpenAI(
    api_key=os.environ["TRUNKLINE_KEY"],
    max_retries=0,
    base_url=URL + "/v1",
    default_headers={"x-trunkline-feature": "answers"},
)


def answer(question):
    reply = outside(
        lambda: client.chat.completions.with_raw_response.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": question}]
        )
    )
    kept = reply.headers.get("x-trunkline-cache", "")
    note = f" [{kept}]" if kept.startswith("stale") else ""
    return reply.parse().choices[0].message.content + note
