"""A stream as one JSON array, for callers of Gemini who did not ask for events (`alt=sse`).

The vendor is asked for events all the same, so that usage, failures and the proper end are seen as they come; what goes to the caller is
put between brackets here. Source: ai.google.dev/api/generate-content (`streamGenerateContent`). Not for: proxied calls, whose bytes pass as
they are.
"""

from __future__ import annotations

ASKED = b"alt=sse"


def wanted(query: bytes) -> bool:
    """Whether the caller of a stream wants an array."""
    return ASKED not in query.split(b"&")


def as_events(query: bytes) -> bytes:
    """The query for the vendor."""
    return b"&".join([*(part for part in query.split(b"&") if part and not part.startswith(b"alt=")), ASKED])


class JsonArray:
    """One call's array. `feed` takes whole events."""

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        self._begun = False

    def feed(self, block: bytes) -> bytes:
        """The data of these events, as elements."""
        out = []
        for event in block.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n\n"):
            lines = [line[5:].removeprefix(b" ") for line in event.split(b"\n") if line.startswith(b"data:")]
            if lines:
                out.append((b",\r\n" if self._begun else b"[") + b"\n".join(lines))
                self._begun = True
        return b"".join(out)

    def end(self) -> bytes:
        """What closes it."""
        return b"\r\n]" if self._begun else b"[]"
