"""A Trunkline that stops, and starts again at another address, while somebody is attached to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from trunkline import IntegrationError
from trunkline.client.attached import Attached
from trunkline.client.errors import unreachable
from trunkline.client.remote import Remote
from trunkline.client.transport import Arriving, Ask

pytestmark = pytest.mark.row("A5")
ASK = Ask("GET", "/v1/models", [], b"")


async def _nothing() -> AsyncIterator[bytes]:
    for piece in (b"",):
        yield piece


class Machine:
    """Where something listens, and what was opened to it."""

    def __init__(self) -> None:
        self.listens = "http://127.0.0.1:1"
        self.opened: list[Way] = []

    def way(self, url: str) -> Remote:
        self.opened.append(Way(self, url))
        return self.opened[-1]  # type: ignore[return-value]


class Way:
    def __init__(self, machine: Machine, url: str) -> None:
        self._machine, self.where = machine, url
        self.acted = self.closed = False

    async def send(self, ask: Ask) -> Arriving:
        if self._machine.listens != self.where:
            raise unreachable(self.where, "no connection", sent=self.acted)
        return Arriving(200, {"from": self.where}, _nothing())

    async def close(self) -> None:
        self.closed = True


def attached(machine: Machine) -> Attached:
    return Attached(lambda: machine.listens or None, machine.listens, machine.way)


async def test_one_that_starts_at_another_address_is_found() -> None:
    machine = Machine()
    way = attached(machine)
    machine.listens = "http://127.0.0.1:2"
    for _ in range(2):
        assert (await way.send(ASK)).headers == {"from": "http://127.0.0.1:2"}
    assert (way.where, [one.closed for one in machine.opened]) == ("http://127.0.0.1:2", [False, False])
    await way.close()
    assert [one.closed for one in machine.opened] == [True, True]


@pytest.mark.parametrize("now", ["", "http://127.0.0.1:2"])
async def test_a_call_that_may_have_acted_or_has_nowhere_to_go_fails(now: str) -> None:
    machine = Machine()
    way = attached(machine)
    machine.listens, machine.opened[0].acted = now, bool(now)
    with pytest.raises(IntegrationError) as caught:
        await way.send(ASK)
    assert (caught.value.code, caught.value.retryable, len(machine.opened)) == ("unreachable", not now, 1)
