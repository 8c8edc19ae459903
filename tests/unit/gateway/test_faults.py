"""How faults on demand are played to single answers. Whole calls: tests/flows/test_faults_on_demand.py."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from trunkline.core.codec import to_json
from trunkline.core.faults import FILE, JOURNAL, LIFTED, Fault, Faults
from trunkline.gateway.faults import FaultLayer, Invented, OnDemand, Spoilt, event_for
from trunkline.wire.errors import ConnectRefused, ReplyCut, ResetBeforeReply
from trunkline.wire.response import Response

pytestmark = pytest.mark.row("F12")
EVENTS = [b"data: 1\n\n", b"data: 2\r\n\r\n", b"data: 3\n\n", b"data: 4\n\n"]
STREAM = [(b"content-type", b"text/event-stream")]


class Vendor:
    """Whoever works on the true answer."""

    def __init__(self, response: Response) -> None:
        self.response = response
        self.sink: Any = None
        self.dropped = False
        self.held = False
        response._holder = self

    def stream_to(self, sink: Any) -> None:
        self.sink = sink

    def hold_back(self, hold: bool) -> None:
        self.held = hold

    def drop(self) -> None:
        self.dropped = True


def opened() -> tuple[Response, Vendor]:
    response = Response(asyncio.get_running_loop(), 0.0, False)
    response.sent = response.connected = True
    return response, Vendor(response)


def fault(play: Any, **more: Any) -> Fault:
    return Fault(integration="acme", fault="x", play=play, **more)


async def spoilt(
    pieces: list[bytes], made: Fault, *, event: bytes = b"", fields: list[tuple[bytes, bytes]] = STREAM
) -> tuple[list[bytes], Any, Vendor]:
    """What came through of a stream in these pieces, and how it ended (None: well)."""
    inner, vendor = opened()
    outer = Spoilt(asyncio.get_running_loop(), made, inner, event)
    inner.arrived(200, fields, dict(fields))
    inner.tell()
    await asyncio.sleep(0)
    await outer.ready
    got: list[bytes] = []
    ended = outer.relay(got.append)
    for piece in pieces:
        if not vendor.dropped:
            vendor.sink(piece)
        await asyncio.sleep(0)
    if not vendor.dropped:
        inner.ended()
    await asyncio.wait({ended})
    return got, ended.exception(), vendor


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
async def test_a_cut_passes_exactly_so_many_events_however_they_arrive(size: int) -> None:
    whole = b"".join(EVENTS)
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    got, problem, vendor = await spoilt(pieces, fault("cut", after=2))
    assert b"".join(got) == EVENTS[0] + EVENTS[1]
    assert isinstance(problem, ReplyCut)
    assert problem.sent
    assert vendor.dropped


@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_streams_of_lines_are_struck_between_lines(size: int) -> None:
    whole = b'{"n":1}\n{"n":2}\n{"n":3}\n'
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    told = event_for(fault("event", events={"": "data: x\n\n", "lines": '{"error":"x"}\n'}), "ollama-chat")
    lines = [(b"content-type", b"application/x-ndjson")]
    got, problem, _ = await spoilt(pieces, fault("event", after=2), event=told, fields=lines)
    assert (b"".join(got), problem) == (b'{"n":1}\n{"n":2}\n{"error":"x"}\n', None)


async def test_an_event_ends_the_stream_well_formed_after_the_first() -> None:
    got, problem, vendor = await spoilt(EVENTS, fault("event", after=1), event=b"data: failure\n\n")
    assert (b"".join(got), problem, vendor.dropped) == (EVENTS[0] + b"data: failure\n\n", None, True)


async def test_a_stream_that_is_too_short_is_cut_at_its_end() -> None:
    got, problem, _ = await spoilt(EVENTS[:1], fault("cut", after=3))
    assert b"".join(got) == EVENTS[0]
    assert isinstance(problem, ReplyCut)


async def test_a_late_answer_is_passed_on_as_it_is() -> None:
    inner, _ = opened()
    outer = Spoilt(asyncio.get_running_loop(), fault("latency", ms=1.0), inner, b"")
    told: list[bool] = []
    outer.waiter = lambda: told.append(True)
    inner.arrived(201, [], {})
    inner.completed(b"body")
    inner.tell()
    assert (outer.status, told) == (0, [])
    await outer.ready
    assert (outer.status, outer.complete, outer.body, told) == (201, True, b"body", [True])


async def test_what_the_vendor_fails_with_is_passed_on_at_once() -> None:
    inner, _ = opened()
    outer = Spoilt(asyncio.get_running_loop(), fault("latency", ms=60_000), inner, b"")
    inner.failed(ResetBeforeReply("reset", sent=True))
    assert isinstance(outer.error, ResetBeforeReply)


async def test_giving_up_reaches_the_vendor_and_so_does_holding_back() -> None:
    inner, vendor = opened()
    outer = Spoilt(asyncio.get_running_loop(), fault("latency", ms=60_000), inner, b"")
    outer.pause()
    assert vendor.held
    outer.resume()
    assert not vendor.held
    outer.abort()
    assert (vendor.dropped, outer.error is not None) == (True, True)


async def test_whether_anything_was_sent_is_the_vendors_to_know() -> None:
    inner, _ = opened()
    inner.sent = inner.connected = False
    outer = Spoilt(asyncio.get_running_loop(), fault("latency"), inner, b"")
    assert (outer.sent, outer.connected) == (False, False)
    inner.sent = inner.connected = True
    assert (outer.sent, outer.connected) == (True, True)


async def test_an_invented_answer_has_the_words_that_were_set() -> None:
    made = fault(
        "answer",
        status=429,
        fields=[("Retry-After", "2"), ("content-type", "application/json")],
        body='{"e":1}',
    )
    answer = Invented(asyncio.get_running_loop(), made, False)
    await answer.ready
    assert (answer.status, answer.body, answer.complete, answer.sent) == (429, b'{"e":1}', True, True)
    assert answer.fields[b"retry-after"] == b"2"
    assert answer.fields[b"content-length"] == b"7"
    to_head = Invented(asyncio.get_running_loop(), made, True)
    await to_head.ready
    assert to_head.body == b""


async def test_a_refused_connection_sent_nothing_and_silence_can_be_given_up() -> None:
    refused = Invented(asyncio.get_running_loop(), fault("refused"), False)
    with pytest.raises(ConnectRefused):
        await refused.ready
    assert not refused.sent
    silent = Invented(asyncio.get_running_loop(), fault("never"), False)
    assert (silent.sent, silent.connected) == (True, True)
    silent.abort()
    assert silent.error is not None


class Seams:
    """The dispatcher and the journal, as the layer sees them."""

    def __init__(self) -> None:
        self.adopted: list[Any] = []
        self.full: list[bool] = []

    def adopt(self, wire: Any, policies: Any) -> None:
        self.adopted.append((wire, list(policies)))

    def pretend_full(self, full: bool) -> None:
        self.full.append(full)


def on_demand(folder: Path, environment: str = "dev") -> tuple[OnDemand, Seams]:
    seams = Seams()
    return OnDemand(folder, seams, object(), ["breaker"], seams, environment, lambda: 1000.0), seams  # type: ignore[arg-type,list-item]


def put(folder: Path, *some: Fault) -> None:
    (folder / FILE).write_bytes(to_json(Faults(list(some))))


async def test_the_layer_stands_before_the_wire_from_the_first_fault_on_and_only_once(tmp_path: Path) -> None:
    faults, seams = on_demand(tmp_path)
    faults.begin()
    assert seams.adopted == []
    put(tmp_path, fault("refused"))
    faults.take()
    put(tmp_path)
    faults.take()
    put(tmp_path, fault("never", until=2000.0))
    faults.take()
    ((layer, policies),) = seams.adopted
    assert isinstance(layer, FaultLayer)
    assert policies == ["breaker", layer]
    assert faults.told() == [{"integration": "acme", "fault": "x", "share": 1.0, "until": 2000.0}]


async def test_in_production_and_with_a_broken_file_nothing_is_played(tmp_path: Path) -> None:
    put(tmp_path, fault("refused"))
    faults, seams = on_demand(tmp_path, "prod")
    faults.begin()
    assert (seams.adopted, faults.told()) == ([], [])
    (tmp_path / FILE).write_text("{")
    faults, seams = on_demand(tmp_path)
    faults.begin()
    assert (seams.adopted, faults.told()) == ([], [])


async def test_the_journal_is_full_for_as_long_as_that_fault_holds(tmp_path: Path) -> None:
    faults, seams = on_demand(tmp_path)
    put(tmp_path, Fault(integration=JOURNAL, fault="disk_full", play="disk_full"))
    faults.take()
    faults.take()
    put(tmp_path)
    faults.take()
    assert seams.full == [True, False]


async def test_that_faults_are_set_and_lifted_is_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faults, _ = on_demand(tmp_path)
    faults.begin()
    put(tmp_path, fault("refused"))
    faults.take()
    put(tmp_path)
    faults.take()
    faults.take()
    said = [line.partition(": ")[2] for line in capsys.readouterr().err.splitlines()]
    assert said == ["faults are set: acme: x", LIFTED]
