"""Each fault of the wire, as the bytes that a client really gets."""

import asyncio

import pytest

from tests.support.raw_http import request_bytes, send
from tests.unit.simulator.conftest import Ask
from trunkline.simulator import Simulator, wire_faults
from trunkline.simulator.ledger import Entry

pytestmark = pytest.mark.row("F12")


def outcome(simulator: Simulator) -> tuple[str, bool]:
    entry: Entry = simulator.ledger.read()["entries"][-1]
    return entry.outcome, entry.acted


async def test_f8_never_answers_until_the_client_goes(local: Simulator) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", local.port)
    writer.write(request_bytes("GET", "/generic/echo", x_sim_fault="never"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await reader.read(1)
    writer.close()
    async with asyncio.timeout(60):
        while not local.hangups:
            await asyncio.sleep(0)
    assert outcome(local)[0] == "client_gone"


async def test_f9_the_first_byte_comes_late(chat: Ask) -> None:
    answer = await chat(x_sim_fault="slow_start;ms=10")
    assert (answer.status, answer.whole) == (200, True)


async def test_f10_drips(chat: Ask) -> None:
    answer = await chat(stream=True, x_sim_fault="drip;bytes_per_s=200000")
    assert answer.events()[-1] == "[DONE]"


async def test_f11_reset_before_headers(local: Simulator, chat: Ask) -> None:
    answer = await chat(x_sim_fault="reset")
    assert (answer.raw, answer.reset) == (b"", True)
    assert outcome(local) == ("cut", True)


async def test_f12_reset_in_the_middle_of_json(local: Simulator, chat: Ask) -> None:
    answer = await chat(x_sim_fault="reset_mid;bytes=50")
    assert (answer.status, len(answer.body), answer.whole, answer.reset) == (200, 50, False, True)
    assert outcome(local) == ("cut", True)


async def test_f13_reset_in_the_middle_of_a_stream(chat: Ask) -> None:
    answer = await chat(stream=True, x_sim_fault="reset_mid;events=3")
    assert (len(answer.events()), answer.whole, answer.reset) == (3, False, True)


async def test_f14_fin_inside_a_chunk(local: Simulator, chat: Ask) -> None:
    answer = await chat(stream=True, x_sim_fault="fin_mid_chunk")
    assert (answer.status, answer.whole, answer.reset) == (200, False, False)
    assert not answer.raw.endswith(b"\r\n")
    assert outcome(local) == ("cut", True)


async def test_fin_before_and_within_a_reply(chat: Ask) -> None:
    assert (await chat(x_sim_fault="fin")).raw == b""
    half = await chat(x_sim_fault="fin_mid;bytes=7")
    assert (half.body, half.whole, half.reset) == (b'{"id":"', False, False)
    assert len((await chat(stream=True, x_sim_fault="fin_mid;events=2")).events()) == 2


async def test_a_stall_ends_after_its_time(chat: Ask) -> None:
    answer = await chat(stream=True, x_sim_fault="stall;events=2;ms=10")
    assert (len(answer.events()), answer.whole) == (2, False)


@pytest.mark.parametrize("status", [100, 103])
async def test_f25_a_flood_of_interim_replies_then_the_real_one(chat: Ask, status: int) -> None:
    answer = await chat(x_sim_fault=f"interim;n=150;status={status}")
    assert (answer.interim, answer.status, answer.json()["object"]) == (150, 200, "chat.completion")


async def test_f30_the_kept_alive_connection_is_closed_after_a_good_answer(
    local: Simulator, chat: Ask
) -> None:
    request = request_bytes("GET", "/generic/status/200", close=False, x_sim_fault="close_idle")
    answer = await send(local.port, request)
    assert (answer.whole, answer.reset, "connection" in answer.headers) == (True, False, False)
    assert outcome(local) == ("answered", False)


async def test_an_http_1_0_answer_ends_with_the_connection(chat: Ask) -> None:
    answer = await chat(stream=True, x_sim_fault="http10")
    assert answer.raw.startswith(b"HTTP/1.0 200")
    assert "content-length" not in answer.headers
    assert answer.events()[-1] == "[DONE]"


async def test_trailers_come_after_the_last_chunk(chat: Ask) -> None:
    answer = await chat(x_sim_fault="trailers")
    assert answer.raw.endswith(b"\r\n0\r\nx-checksum: sim\r\nset-cookie: trailer=1\r\n\r\n")


@pytest.mark.parametrize(
    ("fault", "shows"),
    [
        ("garbage", b""),
        ("bad_status", b"HTTP/1.1 2OO FINE"),
        ("cl_te", b"transfer-encoding: chunked"),
        ("double_length", b"\r\ncontent-length: "),
        ("nul_header", b"x-odd: a\0b"),
        ("bad_chunk", b"\r\nzz\r\n"),
    ],
)
async def test_f24_bytes_that_no_parser_should_take(
    local: Simulator, chat: Ask, fault: str, shows: bytes
) -> None:
    answer = await chat(x_sim_fault=fault)
    assert shows in answer.raw
    assert answer.broken, "the fault must be one that a strict parser refuses"
    assert outcome(local)[0] == "cut"


async def test_lengths_that_lie(chat: Ask) -> None:
    short = await chat(x_sim_fault="short_length;bytes=10")
    assert (short.whole, len(short.raw.partition(b"\r\n\r\n")[2]) - len(short.body)) == (True, 10)
    long = await chat(x_sim_fault="long_length;bytes=10")
    assert (long.whole, int(long.headers["content-length"]) - len(long.body)) == (False, 10)


async def test_an_answer_that_nobody_asked_for(chat: Ask) -> None:
    answer = await chat(x_sim_fault="extra_reply")
    assert answer.json()["object"] == "chat.completion"
    assert answer.raw.count(b"HTTP/1.1 200 OK") == 2


async def test_a_body_where_none_is_allowed(chat: Ask) -> None:
    answer = await chat(x_sim_fault="forbidden_body")
    assert answer.status == 204
    assert b"chat.completion" in answer.raw


async def test_answers_before_the_body_is_read(local: Simulator) -> None:
    head = b"POST /stripe/v1/charges HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\nx-sim-fault: early_reply\r\n\r\n"
    answer = await send(local.port, head)
    assert answer.status == 413
    assert outcome(local) == ("answered", False)


async def test_resets_at_the_end_of_the_head(local: Simulator) -> None:
    head = b"POST /stripe/v1/charges HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\nx-sim-fault: reset_early\r\n\r\n"
    assert (await send(local.port, head)).reset
    assert outcome(local) == ("cut", False)


async def test_a_request_that_finds_no_reader(local: Simulator) -> None:
    request = request_bytes("POST", "/stripe/v1/charges", b"x" * 100, x_sim_fault="drop_request;ms=10")
    answer = await send(local.port, request)
    assert answer.status == 0
    assert outcome(local) == ("cut", False)


def test_every_fault_says_what_it_does() -> None:
    assert [name for name, fault in wire_faults.FAULTS.items() if not fault.__doc__] == []
