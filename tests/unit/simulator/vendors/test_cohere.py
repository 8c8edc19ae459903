"""Cohere's own dialect."""

from tests.unit.simulator.conftest import Ask

CHAT = {"model": "command-a-03-2025", "messages": [{"role": "user", "content": "Hi"}]}


async def test_chat_plain_and_streamed(call: Ask) -> None:
    plain = (await call("POST", "/cohere/v2/chat", CHAT)).json()
    events = (await call("POST", "/cohere/v2/chat", {**CHAT, "stream": True})).events()
    text = "".join(
        event["delta"]["message"]["content"]["text"] for event in events if event["type"] == "content-delta"
    )
    assert text == plain["message"]["content"][0]["text"]
    assert (events[-1]["type"], events[-1]["delta"]["usage"]) == ("message-end", plain["usage"])


async def test_embed_and_rerank(call: Ask) -> None:
    asked = {"model": "embed-v4.0", "texts": ["a"], "input_type": "search_query", "output_dimension": 4}
    made = (await call("POST", "/cohere/v2/embed", asked)).json()
    assert len(made["embeddings"]["float"][0]) == 4
    ranked = await call(
        "POST", "/cohere/v2/rerank", {"query": "grey cat", "documents": ["a tax", "the grey cat"], "top_n": 1}
    )
    assert ranked.json()["results"] == [{"index": 1, "relevance_score": 1.0}]


async def test_errors_are_a_bare_message(call: Ask) -> None:
    answer = await call("POST", "/cohere/v2/chat", {})
    assert (answer.status, answer.json()["message"]) == (
        400,
        "invalid request: model and messages are required.",
    )
