"""When a simulated model calls tools, and with what."""

from trunkline.simulator.conversation import Ask, Tool, cached_tokens, decide, text_of, weight

WEATHER = Tool(
    "get_weather", {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
)
TIME = Tool("get_time", {"type": "object", "properties": {"zone": {"type": "string"}}})


def called(ask: Ask) -> list[tuple[str, dict[str, object]]]:
    return [(call.name, call.arguments) for call in decide(ask).calls]


def test_one_tool_is_called_with_a_name_from_the_prompt() -> None:
    assert called(Ask(1, "What is the weather in Oslo?", 9, tools=[TIME, WEATHER])) == [
        ("get_weather", {"city": "Oslo"})
    ]


def test_two_are_called_when_the_prompt_asks_for_two_things() -> None:
    prompt = "weather in Oslo and Rome?"
    assert called(Ask(1, prompt, 9, tools=[WEATHER])) == [
        ("get_weather", {"city": "Oslo"}),
        ("get_weather", {"city": "Rome"}),
    ]
    assert called(Ask(1, prompt, 9, tools=[WEATHER], parallel=False)) == [("get_weather", {"city": "Oslo"})]
    assert [name for name, _ in called(Ask(1, "the weather and the time", 9, tools=[WEATHER, TIME]))] == [
        "get_weather",
        "get_time",
    ]


def test_a_prompt_may_say_which_tools_to_call_and_with_what() -> None:
    prompt = 'Do it. [call get_time {"zone": "[UTC] {x}"}] [call get_weather {"city": "Oslo"}] [call none {}] [call get_time {broken]'
    assert called(Ask(1, prompt, 9, tools=[WEATHER, TIME])) == [
        ("get_time", {"zone": "[UTC] {x}"}),
        ("get_weather", {"city": "Oslo"}),
    ]


def test_after_a_tool_s_result_text_follows() -> None:
    answer = decide(Ask(1, "weather in Oslo", 9, after_tool=True, tools=[WEATHER]))
    assert (answer.calls, answer.reason) == ([], "stop")
    assert decide(Ask(1, "weather", 9, tools=[WEATHER], choice="none")).calls == []


def test_a_named_tool_is_the_one_called() -> None:
    assert [
        name for name, _ in called(Ask(1, "weather and time", 9, tools=[WEATHER, TIME], choice="get_time"))
    ] == ["get_time"]


def test_call_ids_differ() -> None:
    calls = decide(Ask(1, "weather in Oslo and Rome?", 9, tools=[WEATHER])).calls
    assert len({call.id for call in calls}) == 2


def test_contents_are_read_and_weighed() -> None:
    parts = [
        {"type": "text", "text": "abcd"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 4000}},
    ]
    assert text_of(parts) == "abcd"
    assert weight(parts) == 1 + 85
    assert text_of(None) == ""
    assert cached_tokens(1000) == 0
    assert cached_tokens(3000) == 1408
