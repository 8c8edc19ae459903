"""Stored responses (OpenAI's Responses, `store`): what is known of one by its id. Plain data.

A vendor that speaks Responses keeps its own, and only the place is written down here; what other vendors answered is kept here
whole, so that `previous_response_id` and `GET /v1/responses/{id}` work with every model. Not for: when
(`plugins/policies/stored_responses.py`).
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

DIALECT = "openai-responses"
BOUND = (DIALECT, "openai-compact")
"""Dialects whose calls may name what one account keeps."""
PATH = b"/v1/responses/"
KEPT_BYTES = 8 << 20
"""Longer answers are not kept."""


class Place(NamedTuple):
    """Where a call was answered."""

    integration: str
    member: str
    model: str


class Kept(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """What is known of a stored response: its place, or all of it."""

    by: tuple[str, str, str]
    """Integration and model that answered, and the model's name as its caller said it."""
    place: Place | None = None
    input: bytes = b""
    """JSON list of the input items of this turn alone."""
    response: bytes = b""
    """The response object as JSON, as its caller got it."""
    previous: str = ""
    """Id of the turn before; empty for the first."""
    simulated: bool = False


class Turn:
    """A call whose answer is to be kept here, if it goes to a vendor that keeps none. `id`: that of its response."""

    __slots__ = ("before", "begun", "id", "previous")

    def __init__(self, id_: str) -> None:
        self.id = id_
        self.previous = ""
        self.before = 0
        """So many of the body's input items are those of turns before this one."""
        self.begun = False
        """The caller was told that it is kept."""
