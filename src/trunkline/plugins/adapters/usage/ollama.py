"""What Ollama tells of tokens. Its counts stand in the answer itself.

Source: docs.ollama.com/api/usage and `Metrics` in `api/types.go` of github.com/ollama/ollama: a count of zero (all of the prompt was
cached) is left out. Thoughts are part of what was evaluated, uncounted.
"""

from __future__ import annotations

from typing import Any

from trunkline.core.answer import Usage
from trunkline.plugins.adapters.count import count


def usage_of(said: dict[str, Any]) -> Usage | None:
    """Of a whole answer, or the last line of a stream; None for other lines."""
    into, out = count(said.get("prompt_eval_count")), count(said.get("eval_count"))
    if into < 0 and out < 0:
        return None
    told = {name: value for name, value in said.items() if name.endswith(("_count", "_duration"))}
    return Usage(input=max(into, 0), output=max(out, 0), said=told)
