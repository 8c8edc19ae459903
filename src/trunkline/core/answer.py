"""The canonical form of a model's answer: whole, or as the events of a stream. Its parts are those of `conversation.py`.

Not for: failures; those are told by `core/errors.py` and never translated.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from trunkline.core.conversation import Citation, Part

Stop = Literal["end", "length", "stop_sequence", "tool", "refusal", "pause", "context", "error"]
"""Why an answer ended. `pause`: the vendor wants the same turn sent again; `context`: the window was full."""


class Usage(msgspec.Struct, kw_only=True, gc=False):
    """Tokens as they are billed; -1: not said. Parts of `input` and `output`, not to be added to them."""

    input: int = -1
    """All of it: cached and written to a cache too."""
    output: int = -1
    """All of it: reasoning too."""
    cached: int = 0
    cache_write: int = 0
    """By any lifetime."""
    cache_write_1h: int = 0
    """Of these, those that are kept for an hour."""
    reasoning: int = 0
    audio_input: int = 0
    audio_cached: int = 0
    audio_output: int = 0
    image_input: int = 0
    image_cached: int = 0
    image_output: int = 0
    fees: dict[str, int] = {}
    """Uses of what costs by itself, such as hosted tools, e.g. `{"web_search": 2}`; seconds, characters and pages too."""
    tier: str = ""
    """Service tier that the vendor says served it; several words that each change the price are joined by `+`."""
    told_usd: float = -1.0
    """What it cost, where the vendor says so itself."""
    said: Any = None
    """The vendor's own usage object."""


class TokenProb(msgspec.Struct, gc=False):
    """A token with its probability and its rivals."""

    token: str
    logprob: float
    bytes: list[int] | None = None
    top: list[TokenProb] = []


class Choice(msgspec.Struct, kw_only=True):
    """One answer. Most calls have one."""

    parts: list[Part] = []
    stop: Stop | None = None
    said: str = ""
    """The vendor's own word for `stop`."""
    sequence: str = ""
    """The stop sequence that was met."""
    logprobs: list[TokenProb] = []
    safety: Any = None
    """The vendor's own verdicts, in its own form."""
    extra: dict[str, Any] = {}


class Reply(msgspec.Struct, kw_only=True):
    """A whole answer."""

    dialect: str
    id: str = ""
    model: str = ""
    created: float = 0.0
    """Epoch seconds."""
    choices: list[Choice] = []
    usage: Usage | None = None
    extra: dict[str, Any] = {}


# A streamed answer, as events. For each choice: parts one after the other, `Opened`, any number of `Grown`, `Closed`; then `Stopped`.
# Where a dialect sends parts side by side (OpenAI Chat's tool calls) readers keep `part` apart and writers put them in order.


class Began(msgspec.Struct, kw_only=True, gc=False):
    """The first event."""

    id: str = ""
    model: str = ""
    created: float = 0.0
    usage: Usage | None = None
    extra: dict[str, Any] = {}


class Opened(msgspec.Struct, kw_only=True):
    """A part begins; `what` holds what is known already, its text is still empty."""

    part: int
    what: Part
    choice: int = 0


Field = Literal["text", "arguments", "thought", "summary", "signature", "sealed", "data", "transcript"]


class Grown(msgspec.Struct, gc=False):
    """A part grows by `value`: `text` of Text and Refusal, `arguments` of ToolCall, `thought`, `summary`, `signature` and `sealed` of
    Reasoning (`signature` of the others too), `data` and `transcript` of Media. A new paragraph of a summary begins with `fresh`.
    """

    part: int
    field: Field
    value: str
    choice: int = 0
    fresh: bool = False
    logprobs: list[TokenProb] = []


class Cited(msgspec.Struct, gc=False):
    """A part gets a citation."""

    part: int
    citation: Citation
    choice: int = 0


class Closed(msgspec.Struct, gc=False):
    """A part is complete."""

    part: int
    choice: int = 0


class Stopped(msgspec.Struct, kw_only=True, gc=False):
    """A choice is complete."""

    stop: Stop
    said: str = ""
    sequence: str = ""
    choice: int = 0
    safety: Any = None


class Used(msgspec.Struct, gc=False):
    """Usage so far; the last one holds."""

    usage: Usage


class Alive(msgspec.Struct, gc=False):
    """A sign of life."""


class Ended(msgspec.Struct, gc=False):
    """The proper end of the stream."""

    extra: dict[str, Any] = {}


def events_of(reply: Reply) -> list[Event]:
    """A whole answer as the events of a stream, each part at once."""
    events: list[Event] = [Began(id=reply.id, model=reply.model, created=reply.created, usage=reply.usage)]
    for n, choice in enumerate(reply.choices):
        for part, what in enumerate(choice.parts):
            events += (Opened(part=part, what=what, choice=n), Closed(part, n))
        stop: Stop = choice.stop or "end"
        events.append(
            Stopped(stop=stop, said=choice.said, sequence=choice.sequence, choice=n, safety=choice.safety)
        )
    if reply.usage is not None:
        events.append(Used(reply.usage))
    return [*events, Ended()]


Event = Began | Opened | Grown | Cited | Closed | Stopped | Used | Alive | Ended
