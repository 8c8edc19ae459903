"""The simulator as a whole: labels, credentials, the ledger's view of each ending, latency, the listener."""

import asyncio

import pytest

from tests.support.raw_http import Answer, ask, parsed, request_bytes, send
from tests.unit.simulator.conftest import Ask
from trunkline.simulator import Simulator
from trunkline.simulator.faults import Rule
from trunkline.simulator.latency import Latency
from trunkline.simulator.ledger import Entry, digest

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello there"}]}
KEY = "Bearer sk-test-not-a-real-key"


def entries(simulator: Simulator) -> list[Entry]:
    found: list[Entry] = simulator.ledger.read()["entries"]
    return found


async def until(condition: object) -> None:
    """Lets the loop run until something holds."""
    async with asyncio.timeout(60):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0)


@pytest.mark.row("F12")
async def test_everything_is_labelled(local: Simulator, call: Ask) -> None:
    answers = [
        await call("GET", "/openai/v1/models"),
        await call("GET", "/openai/v1/nowhere"),
        await call("GET", "/openai/v1/models", authorization=""),
        await call("GET", "/openai/v1/models", x_sim_fault="rate_limit"),
        await call("POST", "/stripe/v1/charges", b"amount=1&currency=eur&source=tok_visa"),
        await call("GET", "/_sim/state"),
    ]
    assert [answer.status for answer in answers] == [200, 404, 401, 429, 200, 200]
    assert all(answer.headers["x-trunkline-simulated"] == "true" for answer in answers)
    assert "sim" in answers[4].json()["id"]


async def test_the_same_request_gets_the_same_answer(local: Simulator, call: Ask) -> None:
    bodies = [(await call("POST", "/openai/v1/chat/completions", CHAT)).body for _ in range(2)]
    other = Simulator()
    await other.start()
    elsewhere = await ask(
        other.port, "POST", "/openai/v1/chat/completions", CHAT, authorization="Bearer sk-test-other"
    )
    await other.stop()
    assert bodies == [elsewhere.body, elsewhere.body]


async def test_the_ledger_tells_what_was_seen(local: Simulator, call: Ask) -> None:
    await call(
        "POST",
        "/stripe/v1/charges?expand=x",
        b"amount=1&currency=eur&source=tok_visa",
        idempotency_key="k1",
        x_correlation_id="c-1",
    )
    (seen,) = entries(local)
    assert (seen.vendor, seen.method, seen.path, seen.query) == ("stripe", "POST", "/v1/charges", "expand=x")
    assert (seen.credential, seen.credential_place) == (digest("sk-test-not-a-real-key"), "bearer")
    assert (seen.idempotency_key, seen.correlation_id, seen.status) == ("k1", "c-1", 200)
    assert (seen.outcome, seen.acted, seen.replayed) == ("answered", True, False)
    assert seen.begun <= seen.whole_at <= seen.acted_at <= seen.ended
    assert "idempotency-key" in seen.header_names
    assert seen.bytes_in == 37
    assert seen.bytes_out > 300


async def test_no_credential_stands_in_the_ledger(local: Simulator, call: Ask) -> None:
    await call("GET", "/gemini/v1beta/models?key=secret-in-query", authorization="")
    answer = await call("GET", "/_sim/ledger")
    assert b"secret-in-query" not in answer.body
    assert entries(local)[0].credential_place == "?key"


@pytest.mark.parametrize(
    ("vendor", "status", "error"),
    [
        ("openai", 401, {"type": "invalid_request_error"}),
        ("anthropic", 401, {"type": "authentication_error"}),
        ("gemini", 403, {"status": "PERMISSION_DENIED"}),
        ("stripe", 401, {"type": "invalid_request_error"}),
    ],
)
async def test_a_missing_credential_is_refused_in_the_vendor_s_shape(
    call: Ask, vendor: str, status: int, error: dict[str, str]
) -> None:
    answer = await call("GET", f"/{vendor}/v1/models", authorization="")
    assert answer.status == status
    assert error.items() <= answer.json()["error"].items()


async def test_only_the_named_credential_is_accepted_once_one_is_named(local: Simulator, call: Ask) -> None:
    local.credentials.accept("openai", ["new"])
    old = await call("GET", "/openai/v1/models", authorization="Bearer old")
    new = await call("GET", "/openai/v1/models", authorization="Bearer new")
    assert (old.status, old.json()["error"]["code"], new.status) == (401, "invalid_api_key", 200)


async def test_one_vendor_can_stand_at_the_root() -> None:
    it = Simulator(root="openai")
    await it.start()
    answer = await ask(it.port, "GET", "/v1/models", authorization=KEY)
    control = await ask(it.port, "GET", "/_sim/state")
    await it.stop()
    assert (answer.json()["object"], control.json()["root"]) == ("list", "openai")


async def test_requests_on_one_connection_are_answered_in_order(local: Simulator) -> None:
    first = request_bytes("GET", "/generic/delay/20", close=False)
    answer = await send(local.port, first + request_bytes("GET", "/generic/status/201"))
    second = parsed(answer.raw[answer.raw.index(b"HTTP/1.1 201") :])
    assert (answer.status, second.status) == (200, 201)
    assert [seen.connection for seen in entries(local)] == [1, 1]


async def test_bytes_that_are_no_request_stand_in_the_ledger_too(local: Simulator) -> None:
    answer = await send(local.port, b"BREW / HTCPCP\r\n\r\n")
    assert answer.status == 400
    assert [seen.outcome for seen in entries(local)] == ["malformed"]


async def test_a_client_that_hangs_up_in_a_stream_is_noted_with_the_time(local: Simulator) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", local.port)
    writer.write(request_bytes("GET", "/generic/sse?n=1000&ms=20"))
    await reader.readuntil(b'{"index":1')
    assert entries(local)[0].outcome == "running"
    writer.close()
    await until(lambda: entries(local)[0].ended)
    (seen,) = entries(local)
    assert seen.outcome == "client_gone"
    assert seen.client_gone_at >= seen.begun
    assert local.hangups == 1


async def test_a_request_that_never_became_whole_is_incomplete_and_no_act(local: Simulator) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", local.port)
    writer.write(b"POST /stripe/v1/charges HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\namount=1")
    await until(lambda: entries(local))
    writer.close()
    await until(lambda: entries(local)[0].ended)
    (seen,) = entries(local)
    assert (seen.outcome, seen.acted, seen.whole_at) == ("incomplete", False, 0)


async def test_a_head_that_never_ended_is_counted(local: Simulator) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", local.port)
    writer.write(b"POST /stripe/v1/charges HTTP/1.1\r\nhost: x\r\n")
    await until(lambda: local.connections)
    await writer.drain()
    await await_one(local)
    writer.close()
    await until(lambda: local.hangups)
    assert (local.partial_heads, entries(local)) == (1, [])


async def await_one(local: Simulator) -> None:
    """A request on another connection: what was sent before it has been read by then."""
    await ask(local.port, "GET", "/_sim/state")


async def test_continue_is_said_to_those_who_wait_for_it(local: Simulator) -> None:
    raw = request_bytes("POST", "/generic/echo", b"12345", expect="100-continue")
    reader, writer = await asyncio.open_connection("127.0.0.1", local.port)
    writer.write(raw[:-5])
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(raw[-5:])
    assert parsed(await reader.read()).json()["body_bytes"] == 5
    writer.close()


async def test_head_gets_a_length_and_no_body(local: Simulator, call: Ask) -> None:
    answer = await call("HEAD", "/openai/v1/models")
    assert int(answer.headers["content-length"]) > 100
    assert answer.raw.endswith(b"\r\n\r\n")


async def test_latency_sets_the_number_of_pieces(local: Simulator, call: Ask) -> None:
    local.latencies.rules["openai"] = Latency(chunks=20)
    answer = await call("POST", "/openai/v1/chat/completions", {**CHAT, "stream": True})
    contents = [
        event["choices"][0]["delta"].get("content") for event in answer.events()[:-1] if event["choices"]
    ]
    assert len([content for content in contents if content]) == 20


async def test_latency_by_header_that_is_wrong_is_told(call: Ask) -> None:
    answer = await call("GET", "/openai/v1/models", x_sim_latency="speed=1")
    assert (answer.status, answer.json()["error"]["code"]) == (400, "bad_latency")


async def test_an_error_by_rule_is_no_act_and_a_cut_after_the_act_is_one(local: Simulator, call: Ask) -> None:
    local.faults.add(Rule("server_error", vendor="stripe", times=1))
    local.faults.add(Rule("reset", vendor="stripe", times=1))
    local.faults.add(Rule("reset", vendor="stripe", times=1, args={"act": False}))
    form = b"amount=1&currency=eur&source=tok_visa"
    answers: list[Answer] = [await call("POST", "/stripe/v1/charges", form) for _ in range(4)]
    assert [answer.status for answer in answers] == [500, 0, 0, 200]
    assert [answer.reset for answer in answers] == [False, True, True, False]
    assert [(seen.fault, seen.acted, seen.outcome) for seen in entries(local)] == [
        ("server_error", False, "answered"),
        ("reset", True, "cut"),
        ("reset", False, "cut"),
        ("", True, "answered"),
    ]
    listed = await call("GET", "/stripe/v1/charges")
    assert len(listed.json()["data"]) == 2


async def test_an_unknown_fault_is_told_with_those_that_exist(call: Ask) -> None:
    answer = await call("GET", "/openai/v1/models", x_sim_fault="explode")
    assert answer.status == 400
    assert "'explode'" in answer.json()["error"]["message"]


async def test_a_value_of_the_wrong_type_is_a_400_not_a_crash(call: Ask) -> None:
    bad = [
        {"model": "m", "messages": [5]},
        {"model": "m", "messages": "hi"},
        {"model": {}, "messages": [{}]},
        {"messages": None},
    ]
    answers = [await call("POST", "/openai/v1/chat/completions", body) for body in bad]
    assert {answer.status for answer in answers} <= {400, 404}
    assert all("error" in answer.json() for answer in answers)


async def test_a_closed_listener_refuses_and_comes_back_on_its_port(local: Simulator) -> None:
    reader, _ = await asyncio.open_connection("127.0.0.1", local.port)
    local.refuse_for(0.2)
    assert await reader.read() == b""
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", local.port)
    await until(lambda: local._listeners)
    assert (await ask(local.port, "GET", "/_sim/state")).status == 200


async def test_a_long_body_is_seen_whole(local: Simulator, call: Ask) -> None:
    answer = await call("POST", "/generic/echo", b"x" * 3_000_000)
    assert answer.json()["body_bytes"] == 3_000_000
    assert entries(local)[0].bytes_in == 3_000_000
