"""What vendors say in header fields is written down once, dated anew while it goes on, and nothing else is."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from trunkline.core.service import ApiVersion, Operation
from trunkline.gateway.notices import AGAIN_S, LONGEST, OF_ONE, Notices
from trunkline.ops.contracts import notices
from trunkline.testing.script import EVENTS, JSON, FakeClock, answers
from trunkline.testing.trial import SECRET, Trial, service

pytestmark = pytest.mark.row("C3")

DAY = "Thu, 31 Dec 2026 23:59:59 GMT"
PLAIN = answers(200, b"{}", JSON)
LIST = Operation(name="list_items", method="GET", path="/items")


def ending(day: str = DAY, *more: tuple[bytes, bytes]) -> Any:
    return answers(200, b"{}", JSON, (b"sunset", day.encode()), *more)


class Rig:
    """A gateway whose vendor plays a script, and the notices of it."""

    def __init__(
        self, folder: Path, *plays: Any, version: ApiVersion | None = None, later_s: float = 0.0
    ) -> None:
        self.folder = folder
        clock = FakeClock()
        clock.advance(later_s)
        self.notices = Notices(folder, clock.wall)
        spec = service(operations=[LIST], api_version=version)
        self.trial = Trial(*plays, services=[spec], only=True, clock=clock, noticed=self.notices.see)

    async def call(self, path: str = "/items") -> None:
        await self.trial.ask("GET", f"/api/proxy/acme{path}")

    async def written(self) -> list[notices.Notice]:
        while self.notices.writing:
            await asyncio.sleep(0)
        return notices.read(self.folder)


async def test_a_sunset_is_written_down_with_all_that_a_person_needs(tmp_path: Path) -> None:
    link = (b"link", b'<https://acme.test/migrate>; rel="sunset"')
    rig = Rig(tmp_path, ending(DAY, link, (b"x-other", b"1")))
    await rig.call("/items?token=x")
    begin, now = rig.trial.begins[0], rig.trial.clock.wall()
    assert await rig.written() == [
        notices.Notice(
            integration="acme",
            operation="list_items",
            method="GET",
            path="/items",
            pinned="",
            fields={"sunset": DAY, "link": '<https://acme.test/migrate>; rel="sunset"'},
            first_at=now,
            last_at=now,
            correlation_id=begin.correlation_id,
        )
    ]


async def test_a_stream_and_a_failure_say_it_too(tmp_path: Path) -> None:
    def stream(sent: Any) -> None:
        sent.begin(200, EVENTS, (b"deprecation", b"@1795262400"))
        sent.piece(b"data: 1\n\n")
        sent.end()

    rig = Rig(tmp_path, stream, answers(410, b"{}", JSON, (b"warning", b'299 - "gone"')))
    await rig.call("/items")
    await rig.call("/other")
    assert [one.fields for one in await rig.written()] == [
        {"deprecation": "@1795262400"},
        {"warning": '299 - "gone"'},
    ]


async def test_what_is_said_again_is_one_notice_dated_once_an_hour(tmp_path: Path) -> None:
    rig = Rig(tmp_path, *[ending()] * 4)
    await rig.call()
    first = rig.trial.clock.wall()
    for pause in (10.0, AGAIN_S / 2):
        rig.trial.clock.advance(pause)
        await rig.call()
    (one,) = await rig.written()
    assert (one.first_at, one.last_at) == (first, first)
    rig.trial.clock.advance(AGAIN_S)
    await rig.call()
    (one,) = await rig.written()
    assert (one.first_at, one.last_at) == (first, rig.trial.clock.wall())


@pytest.mark.parametrize(("later_s", "kept"), [(60.0, 2), (notices.SAID_S + 60.0, 1)])
async def test_what_was_said_of_late_outlives_the_process(tmp_path: Path, later_s: float, kept: int) -> None:
    before = Rig(tmp_path, ending())
    await before.call()
    await before.written()
    after = Rig(tmp_path, ending("Fri, 01 Jan 2027 23:59:59 GMT"), ending(), later_s=later_s)
    await after.call("/other")
    assert [one.operation for one in await after.written()] == ["list_items", ""][2 - kept :]
    await after.call()
    found = {one.operation: one for one in await after.written()}
    assert found["list_items"].last_at == after.trial.clock.wall()
    assert (found["list_items"].first_at < found["list_items"].last_at) is (kept == 2)


async def test_another_version_than_the_pinned_one_is_noticed_the_pinned_one_is_not(tmp_path: Path) -> None:
    version = ApiVersion(value="2026-09-30", header="Stripe-Version")
    served = [answers(200, b"{}", JSON, (b"stripe-version", day)) for day in (b"2026-09-30", b"2024-06-20")]
    rig = Rig(tmp_path, *served, version=version)
    await rig.call()
    assert await rig.written() == []
    await rig.call()
    (one,) = await rig.written()
    assert (one.pinned, one.fields) == ("2026-09-30", {"stripe-version": "2024-06-20"})


async def test_answers_without_such_a_field_leave_no_trace(tmp_path: Path) -> None:
    rig = Rig(tmp_path, PLAIN)
    await rig.call()
    assert await rig.written() == []
    assert list(tmp_path.iterdir()) == []


async def test_words_that_change_with_every_answer_are_kept_a_few_times_only(tmp_path: Path) -> None:
    plays = [answers(200, b"{}", JSON, (b"x-api-warn", b"request %d" % n)) for n in range(OF_ONE + 3)]
    rig = Rig(tmp_path, *plays)
    for _ in plays:
        await rig.call()
    assert [one.fields["x-api-warn"] for one in await rig.written()] == [
        f"request {n}" for n in range(OF_ONE)
    ]


async def test_what_a_vendor_repeats_of_a_credential_or_at_length_is_not_kept(tmp_path: Path) -> None:
    said = f"key {SECRET} is old ".encode() + b"x" * 2 * LONGEST
    rig = Rig(tmp_path, answers(200, b"{}", JSON, (b"x-deprecation-notice", said)))
    await rig.call()
    (one,) = await rig.written()
    assert SECRET not in one.fields["x-deprecation-notice"]
    assert len(one.fields["x-deprecation-notice"]) <= LONGEST
    assert SECRET.encode() not in (tmp_path / notices.FILE).read_bytes()


async def test_a_folder_that_cannot_be_written_costs_no_call(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "missing", ending())
    await rig.call()
    assert (await rig.written(), rig.trial.ends[0].status) == ([], 200)


async def test_fields_that_come_in_several_lines_are_all_written_down_and_known_again(tmp_path: Path) -> None:
    lines = [(b"warning", b'110 - "stale"'), (b"warning", b'299 - "ends 2027-01-31"')]
    links = [(b"link", b'<https://a.test>; rel="next"'), (b"link", b'<https://b.test>; rel="sunset"')]
    rig = Rig(tmp_path, *[ending(DAY, *lines, *links)] * 2)
    await rig.call()
    (said,) = await rig.written()
    assert said.fields == {
        "sunset": DAY,
        "warning": '110 - "stale", 299 - "ends 2027-01-31"',
        "link": '<https://a.test>; rel="next", <https://b.test>; rel="sunset"',
    }
    again = Rig(tmp_path, *[ending(DAY, *lines, *links)] * 2)
    await again.call()
    assert [one.fields for one in await again.written()] == [said.fields]
