"""Too much of something, from a vendor or a caller, grows the process by less than 50 MB (short form of F21 to F32 and S15)."""

from __future__ import annotations

import pytest

from tests.battery.bulk import (
    BY_NAME,
    MEGA,
    bomb,
    deep,
    hang_up,
    peak_of,
    post,
    slow_reader,
    swallow,
    wide,
    zeros,
)
from tests.support.gateway import Trunkline
from tests.support.simulator import SimulatorProcess
from tests.support.site import Site, reply

pytestmark = pytest.mark.row("P3", "E1", "Q2")
GROWTH_MB = 50
CHAT = "/v1/chat/completions"
JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    "fault",
    [
        f"gzip_bomb;bytes={1 << 30}",
        f"huge_body;bytes={200 * MEGA}",
        "many_headers",
        "huge_header",
        "long_line",
    ],
)
@pytest.mark.parametrize("form", ["chat", "chat stream", "messages stream", "gemini", "proxied read"])
def test_what_a_vendor_sends_too_much_of_is_not_kept(
    trunkline: Trunkline, simulator: SimulatorProcess, form: str, fault: str
) -> None:
    with peak_of(trunkline.pid) as peak:
        status, size = swallow(trunkline, BY_NAME[form], fault, limit_s=20)
    assert status in ("200", "502", "cut"), (status, size)
    assert peak.grown_mb < GROWTH_MB


def test_failed_calls_leave_nothing_behind(trunkline: Trunkline, site: Site) -> None:
    def fail() -> int:
        site.script.extend([reply(b"\x1f\x8b" + b"x" * (5 * MEGA))] * 4)
        return trunkline.call("POST", CHAT, {"model": "tiny", "messages": []}).status

    assert fail() == 502
    before = trunkline.memory_kb
    assert [fail() for _ in range(5)] == [502] * 5
    assert (trunkline.memory_kb - before) / 1024 < 25


def test_a_slow_reader_is_waited_for_without_keeping_what_it_has_not_read(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    with peak_of(trunkline.pid) as peak:
        assert slow_reader(trunkline, 100 * MEGA, read_for_s=0.5) > 0
    assert peak.grown_mb < 2


def test_the_vendors_call_ends_when_its_caller_leaves(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    hang_up(trunkline, simulator, "left-alone")
    call = trunkline.recorded("left-alone")
    assert (call.end.state, call.end.bytes_out > 0) == ("cancelled", True)


@pytest.mark.parametrize(
    ("body", "statuses"),
    [
        (deep(100), (200, 400)),
        (deep(100_000), (400,)),
        (wide(1_000_000), (200, 400)),
        (bomb(200 * MEGA), (200, 400, 415)),
    ],
    ids=["100 deep", "100,000 deep", "a million items", "a bomb"],
)
def test_odd_bodies_of_callers_stay_small(
    trunkline: Trunkline, simulator: SimulatorProcess, body: bytes, statuses: tuple[int, ...]
) -> None:
    packed = {"content-encoding": "gzip"} if body.startswith(b"\x1f\x8b") else {}
    with peak_of(trunkline.pid) as peak:
        answer = trunkline.call("POST", CHAT, body, {**JSON, **packed})
    assert answer.status in statuses, answer
    assert peak.grown_mb < GROWTH_MB


def test_an_upload_over_the_limit_is_refused_early(trunkline: Trunkline, simulator: SimulatorProcess) -> None:
    size = 1 << 30
    with peak_of(trunkline.pid) as peak:
        answer, _ = post(trunkline, CHAT, {**JSON, "content-length": str(size)}, zeros(size))
    assert answer is not None
    assert (answer.status, answer.json.get("code") or answer.json["error"].get("code")) == (
        413,
        "request_too_large",
    )
    assert peak.grown_mb < GROWTH_MB
    assert trunkline.call("GET", "/v1/models").status == 200
