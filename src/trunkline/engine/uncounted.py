"""Usage that a vendor did not tell, guessed from bytes and flagged as such: of streams without usage (OpenAI's default), of those
that broke off, of replies that leave it out. Without it such calls would be free, and no budget would ever end.

Only where the model has a price. Pure. Not for: usage that was told (`plugins/adapters`), nor guesses before a call
(`plugins/policies/token_estimate.py`).
"""

from __future__ import annotations

from trunkline.core.call import Exchange
from trunkline.core.ports import Reading

BYTES_PER_TOKEN = 4
MOST_INPUT = 200_000
"""Images are megabytes and a few thousand tokens; nothing is longer than a context window."""
EVENT_BYTES = 250
"""What an event is besides its text; it mostly brings one token."""
REPLY_BYTES = 300
"""What a whole reply is besides its text."""


def fill_in(exchange: Exchange, reading: Reading, answered: int) -> None:
    """Puts a guess in the place of what is missing. `answered` is the size of what came, in bytes."""
    if exchange.rates is None or not answered or "count" in exchange.dialect:
        return
    cut = bool(reading.events) and not reading.finished
    if reading.input >= 0 and not cut:
        return
    if reading.input < 0:
        size = len(exchange.body) if exchange.rest is None else exchange.rest.length or 0
        reading.input = min(size // BYTES_PER_TOKEN, MOST_INPUT)
    if "embed" not in exchange.dialect:
        reading.output = max(reading.output, output_of(reading.events, answered))
    reading.estimated = True


def output_of(events: int, answered: int) -> int:
    """Tokens in so many bytes: of a stream at least one an event, of vendors that send more at once as many as the text has."""
    if not events:
        return max(0, answered - REPLY_BYTES) // BYTES_PER_TOKEN
    return max(events, (answered - events * EVENT_BYTES) // BYTES_PER_TOKEN)
