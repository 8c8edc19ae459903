"""Where quotes of a caller's documents stand."""

from __future__ import annotations

import base64
import json

import pytest

from trunkline.core.answer import Choice, Cited, Opened, Reply
from trunkline.core.conversation import Citation, Media, Message, Request, Text
from trunkline.plugins.adapters import CODECS

LETTER = "Dear Ann, the grass is green. Yours, Bob"
PACKED = base64.b64encode(LETTER.encode()).decode()


def asked(paper: Media) -> Request:
    first = Media(kind="document", text="Another letter.")
    return Request(
        dialect="anthropic-messages", messages=[Message(role="user", parts=[first, Text(text="?"), paper])]
    )


@pytest.mark.row("A2")
@pytest.mark.parametrize(
    ("paper", "quote", "start"),
    [
        (Media(kind="document", text=LETTER), "the grass is green.", 10),
        (Media(kind="document", mime="text/plain", data=PACKED), "Yours", 30),
        (Media(kind="document", mime="application/pdf", data=PACKED), "Yours", 0),
        (Media(kind="document", text=LETTER), "in other words", 0),
    ],
    ids=["text", "packed text", "no text", "no quote"],
)
def test_a_citation_says_where_in_the_document_it_stands(paper: Media, quote: str, start: int) -> None:
    request, one = asked(paper), Citation(kind="document", quote=quote, document=1)
    codec = CODECS["anthropic-messages"]
    reply = Reply(dialect="cohere-chat", choices=[Choice(parts=[Text(text="Green.", citations=[one])])])
    [block] = json.loads(codec.write_reply(reply, request, []))["content"]
    [told] = block["citations"]
    assert (told["start_char_index"], told["end_char_index"]) == (start, start + len(quote))

    stream = codec.writer(request, []).write([Opened(part=0, what=Text(text="Green.")), Cited(0, one)])
    assert json.loads(stream.split(b"data: ")[-1])["delta"] == {"type": "citations_delta", "citation": told}
