"""Every raw request of the table gets its verdict, however its bytes arrive."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from line import Line

FILE = Path(__file__).with_name("requests.toml")
CASES: list[dict[str, Any]] = tomllib.loads(FILE.read_text(encoding="utf-8"))["case"]
NAMES = [case["name"] for case in CASES]
REPEAT = re.compile(r"\{(.+?)\*(\d+)\}", re.DOTALL)

# Long requests are cut at a few hundred places instead of at each: near both ends, and evenly between.
MOST_CUTS = 400


def raw(case: dict[str, Any]) -> bytes:
    return REPEAT.sub(lambda match: match[1] * int(match[2]), case["raw"]).encode("latin-1")


def two_parts(data: bytes) -> Iterator[list[bytes]]:
    last = len(data)
    places = range(1, last)
    if last > MOST_CUTS:
        edge = MOST_CUTS // 4
        places = [*range(1, edge), *range(edge, last - edge, last // edge), *range(last - edge, last)]
    return ([data[:at], data[at:]] for at in places)


def check(case: dict[str, Any], parts: list[bytes], late: bool) -> None:
    line = Line(late=late)
    for part in parts:
        line.feed(part)
        line.answer_waiting()
    if case.get("eof"):
        line.feed_eof()
        line.answer_waiting()
    got = line.statuses()
    if case.get("maybe100") and got[:1] == [100]:
        got = got[1:]
    assert got == case["want"]
    if "seen" in case:
        assert line.seen == case["seen"]
    assert len(line.seen) == case["want"].count(200)
    assert line.ended == (case["want"][-1] >= 400 or case.get("closes", False))


def test_the_table_is_large_and_cites_its_sources() -> None:
    assert len(CASES) >= 150
    assert len(set(NAMES)) == len(NAMES)
    cited = re.compile(r"RFC (9110|9112|9113|3986|6585) section \d+(\.\d+)*")
    assert [case["name"] for case in CASES if not cited.fullmatch(case["rfc"])] == []


@pytest.mark.parametrize("late", [False, True], ids=["answered-at-once", "answered-late"])
@pytest.mark.parametrize("case", CASES, ids=NAMES)
async def test_verdict_when_sent_whole(case: dict[str, Any], late: bool) -> None:
    check(case, [raw(case)], late)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
async def test_verdict_when_sent_byte_by_byte(case: dict[str, Any]) -> None:
    data = raw(case)
    check(case, [data[at : at + 1] for at in range(len(data))], late=False)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
async def test_verdict_when_cut_in_two(case: dict[str, Any]) -> None:
    for parts in two_parts(raw(case)):
        check(case, parts, late=False)
    for parts in list(two_parts(raw(case)))[:: 1 + len(raw(case)) // 50]:
        check(case, parts, late=True)
