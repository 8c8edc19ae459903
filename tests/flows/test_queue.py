"""Calls that wait for their vendor, through a real gateway: order, what is told, leaving; and calls shed when the process is full.

What takes time (hundreds of calls, shares, ageing) is told in virtual time: tests/unit/plugins/policies/test_queue.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.caller import Line
from tests.support.gateway import Trunkline, running_trunkline
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess
from tests.support.site import OK, SILENCE, Site

REGISTRY = """
version: 1
defaults: {{retry: {{attempts: 1}}}}
teams: {{red: {{weight: 3}}}}
shedding: {{running_bytes: 1MB}}
integrations:
  one: {{base_url: "{site}", auth: {{kind: none}}, limits: [{{concurrency: 1}}], queue: {{size: 3}}}}
  rationed: {{base_url: "{simulator}/rationed", auth: {{kind: none}}, limits: [{{requests: 1, per: 1m}}]}}
  paced: {{base_url: "{simulator}/paced", auth: {{kind: none}}, limits: [{{requests: 4, per: 1s}}]}}
  open: {{base_url: "{site}", auth: {{kind: none}}}}
"""


@pytest.fixture(scope="module")
def busy(
    tmp_path_factory: pytest.TempPathFactory, simulator_process: SimulatorProcess, site_process: Site
) -> Iterator[Trunkline]:
    """A gateway with small limits."""
    registry = REGISTRY.format(simulator=simulator_process.address(), site=site_process.address)
    with running_trunkline(tmp_path_factory.mktemp("busy"), registry) as running:
        yield running


def waits(trunkline: Trunkline, stack: ExitStack, path: str, priority: str = "") -> Line:
    """A call that is sent now; the next one is sent when the gateway has surely read it."""
    headers = {"x-trunkline-priority": priority} if priority else {}
    line = stack.enter_context(trunkline.unanswered("GET", f"/api/proxy/{path}", headers=headers))
    assert trunkline.call("GET", "/health/live", key="").status == 200
    return line


@pytest.mark.row("F9")
def test_lanes_go_before_one_another_and_those_who_leave_take_no_place(busy: Trunkline, site: Site) -> None:
    site.script.append(SILENCE)
    with ExitStack() as held:
        first = waits(busy, held, "one/first")
        eventually(lambda: len(site.seen) == 1, "the first call at the vendor")
        lines = [
            waits(busy, held, "one/batch", "batch"),
            waits(busy, held, "one/leaves"),
            waits(busy, held, "one/interactive"),
        ]
        lines[1].close()
        site.script.extend([OK] * 3)
        first.close()
        assert [lines[n].answer().status for n in (0, 2)] == [200, 200]

    assert [seen.target for seen in site.seen] == ["/first", "/interactive", "/batch"]


@pytest.mark.row("F9")
def test_a_full_line_makes_room_for_a_higher_lane_and_tells_who_must_go(busy: Trunkline, site: Site) -> None:
    site.script.append(SILENCE)
    with ExitStack() as held:
        first = waits(busy, held, "one/first")
        eventually(lambda: len(site.seen) == 1, "the first call at the vendor")
        pipeline = [waits(busy, held, f"one/{n}", "pipeline") for n in range(3)]
        lower = busy.call("GET", "/api/proxy/one/lower", headers={"x-trunkline-priority": "batch"})
        urgent = waits(busy, held, "one/urgent")
        sent_off = pipeline[2].answer()
        first.close()
        statuses = [line.answer().status for line in (urgent, *pipeline[:2])]

    assert statuses == [200, 200, 200]
    for refused in (lower, sent_off):
        assert (refused.status, refused.json["code"], refused.json["retryable"]) == (503, "queue_full", True)
        assert refused.field("x-trunkline-queue-position") == "4"
        assert refused.field("retry-after") == "1"
    assert busy.recorded(lower).end.code == "queue_full"


@pytest.mark.row("F9")
def test_who_would_wait_too_long_is_told_at_once_how_long(
    busy: Trunkline, simulator: SimulatorProcess
) -> None:
    first, second = [busy.call("GET", "/api/proxy/rationed/echo") for _ in range(2)]

    assert [first.status, second.status] == [200, 429]
    assert second.field("x-trunkline-queue-position") == "1"
    assert 50 <= float(second.field("x-trunkline-queue-wait") or 0) <= 60
    assert 50 <= int(second.field("retry-after") or 0) <= 60
    assert len(simulator.ledger(vendor="rationed")) == 1
    assert first.field("x-trunkline-queue-position") is None


def test_waiting_stands_in_the_record_and_not_in_our_overhead(
    busy: Trunkline, simulator: SimulatorProcess
) -> None:
    with ExitStack() as held:
        lines = [held.enter_context(busy.unanswered("GET", f"/api/proxy/paced/echo?n={n}")) for n in range(7)]
        answers = [line.answer() for line in lines]
    ends = [busy.recorded(answer).end for answer in answers]

    assert {answer.status for answer in answers} == {200}
    assert len(simulator.ledger(vendor="paced")) == 7
    longest = max(ends, key=lambda end: end.queued_us)
    assert longest.queued_us >= 200_000, "seven calls at four a second"
    assert longest.overhead_us < longest.queued_us
    assert longest.duration_us >= longest.queued_us


def test_a_call_may_lower_its_lane_and_nothing_else(busy: Trunkline) -> None:
    answer = busy.call("GET", "/api/proxy/open/x", headers={"x-trunkline-priority": "yesterday"})

    assert (answer.status, answer.json["code"]) == (400, "invalid_request")
    assert re.search("interactive, pipeline, batch", answer.json["message"])


@pytest.mark.row("F9")
def test_when_bodies_fill_the_memory_the_lowest_lane_is_refused(busy: Trunkline, site: Site) -> None:
    site.script.extend([SILENCE] * 2)
    with ExitStack() as held:
        for _ in range(2):
            held.enter_context(busy.unanswered("POST", "/api/proxy/open/large", b"x" * 700_000))
        eventually(lambda: len(site.seen) == 2, "both at the vendor")
        batch = {"x-trunkline-priority": "batch"}
        shed = eventually(
            lambda: (
                answer
                if (answer := busy.call("GET", "/api/proxy/open/small", headers=batch)).status == 503
                else None
            ),
            "the bodies to be weighed",
        )
        passed = busy.call("GET", "/api/proxy/open/small")

    assert (shed.json["code"], shed.json["source"], shed.json["retryable"]) == ("shed", "trunkline", True)
    assert 4 <= int(shed.field("retry-after") or 0) <= 6
    assert passed.status == 200
    eventually(
        lambda: busy.call("GET", "/api/proxy/open/small", headers=batch).status == 200,
        "the memory to be free",
    )
