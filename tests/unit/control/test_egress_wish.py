"""When the CONNECT listener is wanted."""

from __future__ import annotations

from pathlib import Path

from trunkline.control import publish
from trunkline.control.egress_wish import EgressWish
from trunkline.control.state import State
from trunkline.core.egress import Egress
from trunkline.core.service import Snapshot


def snapshot(port: int) -> Snapshot:
    return Snapshot(version="", created="", environment="prod", services=[], egress=Egress(port=port))


def test_it_follows_the_registry_that_is_live(tmp_path: Path) -> None:
    state = State(tmp_path, {})
    wish = EgressWish(state, 0)
    wanted = [wish()]
    for port in (0, 4002, 4002, 0):
        publish.snapshot(state, snapshot(port))
        wanted.append(wish())

    assert wanted == [False, False, True, True, False]


def test_a_port_that_was_told_is_always_wanted(tmp_path: Path) -> None:
    assert EgressWish(State(tmp_path, {}), 4002)()
