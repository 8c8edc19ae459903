"""The Responses API: objects, events in order, what is stored."""

from tests.unit.simulator.conftest import Ask

TOOLS = [
    {
        "type": "function",
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
]


async def test_events_come_numbered_and_end_with_the_whole_response(call: Ask) -> None:
    plain = (await call("POST", "/openai/v1/responses", {"model": "m", "input": "Hi"})).json()
    events = (
        await call("POST", "/openai/v1/responses", {"model": "m", "input": "Hi", "stream": True})
    ).events()
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [events[0]["type"], events[-1]["type"]] == ["response.created", "response.completed"]
    text = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    assert (
        text
        == plain["output"][0]["content"][0]["text"]
        == events[-1]["response"]["output"][0]["content"][0]["text"]
    )


async def test_a_function_is_called_and_its_output_answered(call: Ask) -> None:
    asked = {"model": "m", "input": "weather in Oslo", "tools": TOOLS}
    (item,) = (await call("POST", "/openai/v1/responses", asked)).json()["output"]
    assert (item["type"], item["name"], item["arguments"]) == (
        "function_call",
        "get_weather",
        '{"city":"Oslo"}',
    )
    result = {"type": "function_call_output", "call_id": item["call_id"], "output": "20"}
    told = {
        "model": "m",
        "input": [{"role": "user", "content": "weather in Oslo"}, item, result],
        "tools": TOOLS,
    }
    assert (await call("POST", "/openai/v1/responses", told)).json()["output"][0]["type"] == "message"
    streamed = (await call("POST", "/openai/v1/responses", {**asked, "stream": True})).events()
    kinds = [event["type"] for event in streamed]
    assert kinds.index("response.function_call_arguments.done") > kinds.index(
        "response.function_call_arguments.delta"
    )


async def test_stored_responses_are_there_until_deleted(call: Ask) -> None:
    made = (await call("POST", "/openai/v1/responses", {"model": "m", "input": "Hi"})).json()
    path = f"/openai/v1/responses/{made['id']}"
    assert (await call("GET", path)).json() == made
    assert (await call("GET", f"{path}/input_items")).json()["data"] == [{"role": "user", "content": "Hi"}]
    assert (await call("DELETE", path)).json()["deleted"] is True
    assert (await call("GET", path)).status == 404
    after = await call(
        "POST", "/openai/v1/responses", {"model": "m", "input": "Hi", "previous_response_id": made["id"]}
    )
    assert (after.status, after.json()["error"]["code"]) == (400, "previous_response_not_found")


async def test_a_cut_answer_is_incomplete(call: Ask) -> None:
    body = {"model": "m", "input": "Hi", "max_output_tokens": 2}
    made = (await call("POST", "/openai/v1/responses", body)).json()
    assert (made["status"], made["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert (await call("POST", "/openai/v1/responses", {**body, "stream": True})).events()[-1][
        "type"
    ] == "response.incomplete"
