"""S1: h1spec's own cases against the server that the gateway reads requests with."""

from __future__ import annotations

import asyncio

import pytest

from tests.battery import h1spec, report
from tests.battery.h1spec import Case

SCRIPT = """
const testCases: TestCase[] = [
    {
        request: "GET / HTTP/1.1\\\\r\\\\nX-Bad: a\\\\x07\\\\r\\\\n\\\\r\\\\n",
        description: "control",
        expectedStatus: [[400, 499], [500, 599]],
    },
    {
        request: "G",
        description: "part",
        expectedStatus: [[-1, -1]],
        expectedTimeout: true
    },
    {
        request: "GET / HTTP/1.1\\\\r\\\\nHost: a\\\\r\\\\n\\\\r\\\\n",
        description: "echo",
        expectedStatus: [[200, 299]],
        expectedBody: "hello"
    },
];
""".replace("\\\\", "\\")


@pytest.mark.slow
@pytest.mark.row("S1")
def test_s1_h1spec() -> None:
    where = h1spec.folder()
    if where is None:
        why = f"{h1spec.VARIABLE} names no clone of uNetworking/h1spec; no package index carries it"
        report.tell("S1, h1spec", "cases that went as its script has it", "all", report.NOT_RUN, why)
        return
    listed = h1spec.cases(where)
    wrong = asyncio.run(h1spec.missed(listed))
    report.tell(
        "S1, h1spec", f"cases of h1spec's script ({h1spec.COMMIT[:12]}) that went as it has it", "all",
        f"{len(listed) - len(wrong)} of {len(listed)}",
    )  # fmt: skip
    assert wrong == []
    assert len(listed) >= 30


def test_its_cases_are_read() -> None:
    control, part, echo = h1spec.parsed(SCRIPT)
    assert control == Case(
        "control", b"GET / HTTP/1.1\r\nX-Bad: a\x07\r\n\r\n", [(400, 499), (500, 599)], False, None
    )
    assert (part.silent, echo.body) == (True, "hello")


def test_its_cases_are_judged() -> None:
    control, part, echo = h1spec.parsed(SCRIPT)
    good, bad = b"HTTP/1.1 200 OK\r\n\r\nhello", b"HTTP/1.1 400 Bad Request\r\n\r\n"
    assert [h1spec.fits(control, answer) for answer in (bad, good, b"", None)] == [True, False, False, False]
    assert [h1spec.fits(part, answer) for answer in (None, b"", bad)] == [True, False, False]
    assert [h1spec.fits(echo, answer) for answer in (good, good + b"!", bad)] == [True, False, False]
