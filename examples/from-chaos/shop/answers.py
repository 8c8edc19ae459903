"""Answers customers' questions by a model."""

import json
import os
from pathlib import Path

from openai import OpenAI

KEPT = Path("answers.json")
client = OpenAI(api_key=os.environ.get("OPENAI_API_KEY", "@@OPENAI_OLD@@"), max_retries=0)


def answer(question):
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    try:
        reply = client.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": question}]
        )
    except Exception:
        return kept.get(question, "Thank you, we will come back to you.")
    kept[question] = reply.choices[0].message.content
    KEPT.write_text(json.dumps(kept))
    return kept[question]
