"""What Azure OpenAI's content filter adds to OpenAI's answers: verdicts on the prompt and on each choice.

In a stream the verdict on the prompt comes first, in a chunk without id, model and choices. Source:
learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter.
"""

from __future__ import annotations

from typing import Any

SAFE = {"filtered": False, "severity": "safe"}
VERDICT = {"hate": SAFE, "self_harm": SAFE, "sexual": SAFE, "violence": SAFE}
PROMPT = [{"prompt_index": 0, "content_filter_results": VERDICT}]
FIRST_CHUNK = {
    "choices": [],
    "created": 0,
    "id": "",
    "model": "",
    "object": "",
    "prompt_filter_results": PROMPT,
}


def judged(reply: dict[str, Any]) -> dict[str, Any]:
    """A whole answer with its verdicts."""
    choices = [{**choice, "content_filter_results": VERDICT} for choice in reply["choices"]]
    return {**reply, "choices": choices, "prompt_filter_results": PROMPT}
