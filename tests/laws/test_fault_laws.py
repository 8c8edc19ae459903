"""However a call ends, the layer of faults holds nothing of it: who comes next is not struck in its place."""

from __future__ import annotations

import pytest

from trunkline.core.faults import Fault
from trunkline.gateway.faults import FaultLayer
from trunkline.testing import FakeClock, ScriptedWire
from trunkline.testing.laws import check_policy

pytestmark = pytest.mark.row("F12")


@pytest.mark.parametrize("share", [1.0, 0.5])
async def test_nothing_is_held_after_any_ending(share: float) -> None:
    def make(clock: FakeClock) -> FaultLayer:
        turns = iter([0.2, 0.9] * 1000)
        layer = FaultLayer(ScriptedWire(clock=clock), clock.wall, lambda: next(turns))
        layer.load([Fault(integration="acme", fault="latency", play="latency", share=share)])
        return layer

    await check_policy(make, on="attempt")
