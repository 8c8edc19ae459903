"""Usage that a vendor did not tell, guessed from bytes and flagged as such: of streams without usage (OpenAI's default), of those
that broke off, of replies that leave it out. Without it such calls would be free, and no budget would ever end.

Only where the model has a price. Pure. Not for: usage that was told (`plugins/adapters`), nor guesses before a call
(`plugins/policies/token_estimate.py`).
"""

from __future__ import annotations

from trunkline.core.dialects import COUNTS, WORDLESS
from trunkline.core.embedding import EmbedRequest, guessed_tokens
from trunkline.core.exchange import Exchange
from trunkline.core.ports import Reading

BYTES_PER_TOKEN = 4
MOST_INPUT = 200_000
"""Images are megabytes and a few thousand tokens; nothing is longer than a context window."""
MARKS = {
    "openai-chat": b'"content":',
    "mistral-chat": b'"content":',
    "cohere-chat": b'"text":',
    "ollama-chat": b'"content":',
    "openai-responses": b'"delta":',
    "anthropic-messages": b'"text":',
    "gemini-generate": b'"text":',
}
"""What stands before the text of an event, by dialect."""
REPLY_BYTES = 300
"""What a whole reply is besides its text."""


def fill_in(exchange: Exchange, reading: Reading, answered: int) -> None:
    """Puts a guess in the place of what is missing. `answered` is the size of what came, in bytes."""
    cut = bool(reading.events) and not reading.finished
    wordless = exchange.dialect in WORDLESS
    if _says_nothing(reading):
        reading.input = reading.output = -1
    if reading.input >= 0 and not cut and (wordless or reading.output >= 0):
        return
    if exchange.rates is None or not answered or exchange.dialect in COUNTS:
        return
    if reading.input < 0:
        reading.input = min(_input(exchange), MOST_INPUT)
    if not wordless and (cut or reading.output < 0):
        reading.output = max(reading.output, _output(reading, answered))
    reading.estimated = True


def _says_nothing(reading: Reading) -> bool:
    """No model is asked nothing and answers nothing: a vendor that tells zeros has not counted."""
    return reading.input == 0 and reading.output <= 0 and reading.told_usd < 0 and not reading.fees


def _input(exchange: Exchange) -> int:
    asked = exchange.translation.asked if exchange.translation is not None else None
    if isinstance(asked, EmbedRequest):
        return guessed_tokens(asked)  # what the caller is told, too
    return (len(exchange.body) if exchange.rest is None else exchange.rest.length or 0) // BYTES_PER_TOKEN


def _output(reading: Reading, answered: int) -> int:
    if not reading.events:
        return max(0, answered - REPLY_BYTES) // BYTES_PER_TOKEN
    # An event mostly brings one token; vendors that send more at once are counted by their text.
    return max(reading.events, reading.text // BYTES_PER_TOKEN)


def note(reading: Reading, block: bytes, mark: bytes, each: bytes = b"data:") -> None:
    """Events of a stream go to the caller. `mark` is that of the dialect, `each` stands in each event.

    Where an escape ends a text early, so be it.
    """
    reading.events += block.count(each)
    at = block.find(mark) if mark else -1
    while at >= 0:
        start = block.find(b'"', at + len(mark), at + len(mark) + 2) + 1
        end = block.find(b'"', start) if start else -1
        if end > start:
            reading.text += end - start
        at = block.find(mark, max(end, at + len(mark)))
