"""Anthropic's count of tokens, as a call to a vendor that counts, and as an answer."""

from __future__ import annotations

import json

import pytest

from trunkline.core.answer import Reply, Usage
from trunkline.core.conversation import Change, Message, Request, Text, Untranslatable
from trunkline.core.ports import Facts
from trunkline.plugins.adapters import CODECS

pytestmark = pytest.mark.row("A1")

COUNT = CODECS["anthropic-count-tokens"]
ASKED = Request(
    dialect="gemini-generate",
    model="m",
    messages=[Message(role="user", parts=[Text(text="x")])],
    temperature=0.5,
)


def test_a_count_is_asked_for_with_what_it_takes() -> None:
    changes: list[Change] = []
    written = COUNT.write_request(ASKED, Facts("claude-sonnet-4-5"), changes)
    assert json.loads(written.body) == {"model": "m", "messages": [{"role": "user", "content": "x"}]}


def test_the_number_comes_through() -> None:
    assert COUNT.read_reply(b'{"input_tokens": 7}', ASKED).usage == Usage(input=7)
    assert COUNT.write_reply(Reply(dialect="x", usage=Usage(input=7)), ASKED, []) == b'{"input_tokens":7}'
    assert COUNT.write_reply(Reply(dialect="x"), ASKED, []) == b'{"input_tokens":0}'
    with pytest.raises(Untranslatable, match="`input_tokens` is missing"):
        COUNT.read_reply(b"{}", ASKED)


def test_counts_do_not_stream() -> None:
    with pytest.raises(Untranslatable):
        COUNT.reader(ASKED)
    with pytest.raises(Untranslatable):
        COUNT.writer(ASKED, [])
