"""Well-formed replies with wrong content."""

import gzip
import json
import zlib

import pytest

from tests.unit.simulator.conftest import Ask
from trunkline.simulator import Simulator, altered

pytestmark = pytest.mark.row("F12")


async def test_f15_a_clean_end_without_the_terminal_events(chat: Ask) -> None:
    answer = await chat(stream=True, x_sim_fault="truncate")
    assert answer.whole
    assert {event["choices"][0]["finish_reason"] for event in answer.events()} == {None}
    assert (await chat(stream=True, x_sim_fault="truncate;events=1")).events()[-1]["choices"][0][
        "finish_reason"
    ] == "stop"


async def test_f16_an_error_after_the_first_harmless_event(chat: Ask) -> None:
    first, second = (await chat(stream=True, x_sim_fault="error_first")).events()
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert second["error"]["code"] == "server_is_overloaded"


async def test_f17_an_error_after_content_of_the_wanted_kind(chat: Ask) -> None:
    events = (await chat(stream=True, x_sim_fault="error_after;events=5;error=rate_limit")).events()
    assert len(events) == 6
    assert events[-1]["error"]["code"] == "rate_limit_exceeded"


async def test_f16_at_anthropic_and_in_the_responses_api(call: Ask) -> None:
    body = {
        "model": "claude-haiku-4-5",
        "max_tokens": 99,
        "stream": True,
        "messages": [{"role": "user", "content": "Hi"}],
    }
    answer = await call(
        "POST", "/anthropic/v1/messages", body, anthropic_version="2023-06-01", x_sim_fault="error_first"
    )
    assert answer.body.count(b"event: message_start") == 1
    assert answer.events()[-1]["error"]["type"] == "overloaded_error"
    answer = await call(
        "POST",
        "/openai/v1/responses",
        {"model": "m", "input": "Hi", "stream": True},
        x_sim_fault="error_first",
    )
    assert answer.body.count(b"event: error\n") == 1
    assert answer.events()[-1]["code"] == "server_is_overloaded"


async def test_f17_without_a_stream_is_an_error_inside_a_200(chat: Ask) -> None:
    answer = await chat(x_sim_fault="error_after")
    assert (answer.status, answer.json()["error"]["code"]) == (200, "server_is_overloaded")


async def test_f18_json_that_is_none(chat: Ask) -> None:
    answer = await chat(x_sim_fault="bad_json")
    assert (answer.status, answer.whole) == (200, True)
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    with pytest.raises(json.JSONDecodeError):
        (await chat(stream=True, x_sim_fault="bad_json")).events()


async def test_f19_html_and_f20_wrong_types(chat: Ask) -> None:
    page = await chat(x_sim_fault="html")
    assert (page.status, page.headers["content-type"], page.body[:9]) == (
        200,
        "text/html; charset=utf-8",
        b"<!doctype",
    )
    assert (await chat(x_sim_fault="content_type")).headers["content-type"].startswith("text/plain")
    assert "content-type" not in (await chat(x_sim_fault="content_type;-")).headers


async def test_an_answer_that_is_altered_was_still_carried_out(local: Simulator, call: Ask) -> None:
    form = b"amount=1&currency=eur&source=tok_visa"
    page = await call("POST", "/stripe/v1/charges", form, x_sim_fault="html;status=502")
    seen = local.ledger.read()["entries"][-1]
    assert (page.status, seen.status, seen.acted) == (502, 502, True)


async def test_f21_a_gzip_bomb_is_small_and_real(chat: Ask) -> None:
    answer = await chat(x_sim_fault=f"gzip_bomb;bytes={64 << 20}")
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.body) < 300_000
    unpacked = zlib.decompressobj(31)
    total = len(unpacked.decompress(answer.body))
    assert total == 64 << 20
    small = gzip.decompress((await chat(x_sim_fault="gzip_bomb;bytes=1048576")).body)
    assert small == bytes(1 << 20)


async def test_f22_a_huge_body_is_valid_and_as_long_as_declared(chat: Ask) -> None:
    answer = await chat(x_sim_fault="huge_body;bytes=300001")
    assert int(answer.headers["content-length"]) == len(answer.body) == 300_001
    assert set(answer.json()) == {"filler"}


async def test_f23_many_headers_and_a_huge_one(chat: Ask) -> None:
    assert (await chat(x_sim_fault="many_headers;n=500")).raw.count(b"\r\nx-filler-") == 500
    assert len((await chat(x_sim_fault="huge_header;bytes=50000")).raw) > 50_000


async def test_f26_a_redirect_to_the_metadata_address(local: Simulator, chat: Ask) -> None:
    answer = await chat(x_sim_fault="redirect")
    assert (answer.status, answer.headers["location"]) == (302, "http://169.254.169.254/latest/meta-data/")
    assert local.ledger.read()["entries"][-1].acted is False
    other = await chat(x_sim_fault="redirect;to=https://elsewhere.example/;status=307")
    assert (other.status, other.headers["location"]) == (307, "https://elsewhere.example/")


async def test_f27_cut_anywhere_the_text_stays_the_same(chat: Ask) -> None:
    plain = await chat(stream=True)
    cut = await chat(stream=True, x_sim_fault="split_utf8;bytes=1")
    assert "“" in plain.body.decode()
    assert (cut.body, len(cut.raw) > 5 * len(cut.body)) == (plain.body, True)
    mixed = await chat(stream=True, x_sim_fault="mixed_newlines")
    assert mixed.body.replace(b"\r\n", b"\n").replace(b"\r", b"\n") == plain.body


async def test_f28_one_long_line(chat: Ask) -> None:
    answer = await chat(stream=True, x_sim_fault="long_line;bytes=200000")
    assert max(map(len, answer.body.split(b"\n"))) > 200_000
    assert answer.events()[-1] == "[DONE]"


@pytest.mark.parametrize(("form", "usage"), [("missing", None), ("negative", -1), ("string", "10")])
async def test_f29_usage_that_is_none(chat: Ask, form: str, usage: object) -> None:
    answer = (await chat(x_sim_fault=f"usage;form={form}")).json()
    assert answer.get("usage", {}).get("prompt_tokens") == usage
    options = {"stream_options": {"include_usage": True}}
    streamed = (await chat(stream=True, x_sim_fault=f"usage;form={form}", **options)).events()[-2]
    assert (streamed.get("usage") or {}).get("prompt_tokens") == usage


async def test_comments_between_events(chat: Ask) -> None:
    answer = await chat(stream=True, x_sim_fault="comments")
    assert answer.body.startswith(b": keep-alive\n\ndata: ")
    assert answer.events()[-1] == "[DONE]"


async def test_any_part_of_an_answer_can_be_changed(local: Simulator, chat: Ask, call: Ask) -> None:
    change = {
        "set": {"choices.0.finish_reason": "content_filter", "extra": 1, "nowhere.deep": 2},
        "remove": ["usage"],
    }
    added = await call("POST", "/_sim/faults", {"fault": "patch", "vendor": "openai", "args": change})
    assert added.status == 200
    answer = (await chat()).json()
    assert (answer["choices"][0]["finish_reason"], answer["extra"], "usage" in answer) == (
        "content_filter",
        1,
        False,
    )


def test_every_alteration_says_what_it_does() -> None:
    assert [name for name, change in altered.FAULTS.items() if not change.__doc__] == []
