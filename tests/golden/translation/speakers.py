"""What vendors say, in their own shapes, made from the one `answer` of a case: whole, and as the events of a stream.

An answer: `parts` ({text}, {thought}, {call, id, arguments}, {refusal}, each with `pieces` for the stream), `stop`, `usage` (input,
output, cached, reasoning), `cites` ({start, end, text, quote, document, title, url}), and `fails` where the stream breaks off. Written
from the vendors' documentation, each source beside its speaker, and by nothing that the codecs share: a codec that misreads a vendor
is not helped by them. Not for: OpenAI, Anthropic and Gemini, whose answers stand in the cases by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.golden.translation.answers import Answer
from tests.golden.translation.speak_chat import azure, mistral, ollama
from tests.golden.translation.speak_ollama import native
from tests.golden.translation.speak_own import cohere, responses

SPEAKERS: dict[str, Callable[[Answer], tuple[Any, list[Any]]]] = {
    "azure": azure,
    "ollama": ollama,
    "mistral": mistral,
    "cohere": cohere,
    "native": native,
    "responses": responses,
}
"""By the vendor's name in `play.VENDORS`."""
