"""Having the gateway forget kept answers."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.control import audit, forget
from trunkline.core import codec


class Gateway:
    """Stands for the gateway: obeys at the `when`th look, and tells so."""

    def __init__(self, state: Any, when: int = 2) -> None:
        self.state, self.when, self.now = state, when, 1000.0

    def wall(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.when -= 1
        told: dict[str, Any] = {"at": self.now, "cache_forgot": {}}
        if self.when == 0:
            at = codec.from_json((self.state.path / forget.FILE).read_bytes().splitlines()[-1])["at"]
            told["cache_forgot"] = {"at": at, "answers": 3}
        if self.when >= 0:
            (self.state.path / "gateway.stats").write_bytes(codec.to_pack(told))


def cleared(state: Any, gateway: Gateway, integration: str = "") -> int:
    return forget.clear(state, integration, wall=gateway.wall, sleep=gateway.sleep)


@pytest.mark.row("F11")
def test_it_waits_until_the_gateway_has_said_so(state):
    assert cleared(state, Gateway(state), "openai") == 3
    line = codec.from_json((state.path / forget.FILE).read_bytes())
    assert line == {"at": 1000.0, "integration": "openai", "actor": "cli"}
    assert [(r["action"], r["subject"]) for r in audit.entries(state)] == [("cache.clear", "openai")]
    assert (state.path / forget.FILE).stat().st_mode & 0o777 == 0o600


def test_an_answer_to_an_earlier_order_does_not_count(state):
    (state.path / "gateway.stats").write_bytes(
        codec.to_pack({"at": 1000.0, "cache_forgot": {"at": 999.0, "answers": 7}})
    )
    assert cleared(state, Gateway(state)) == 3


def test_a_gateway_that_does_not_answer_is_told_of(state):
    with pytest.raises(forget.NotForgotten, match="trunkline doctor"):
        cleared(state, Gateway(state, when=10**6))


def test_orders_are_appended_until_there_are_many(state):
    cleared(state, Gateway(state), "a")
    cleared(state, Gateway(state), "b")
    file = state.path / forget.FILE
    assert len(file.read_bytes().splitlines()) == 2
    file.write_bytes(b"x" * (forget.FILE_MAX_BYTES + 1))
    cleared(state, Gateway(state), "c")
    assert len(file.read_bytes().splitlines()) == 1


def test_a_broken_database_keeps_nothing_from_being_forgotten(state):
    audit.append(state, "cli", "x", "y")
    state.control_db.write_bytes(b"no database at all" * 400)
    assert cleared(state, Gateway(state)) == 3


def test_numbers_of_a_process_that_is_gone_are_none(state):
    assert forget.stats(state, 1000.0) == {}
    (state.path / "gateway.stats").write_bytes(codec.to_pack({"at": 1000.0}))
    assert (forget.stats(state, 1009.0), forget.stats(state, 1011.0)) == ({"at": 1000.0}, {})
    (state.path / "gateway.stats").write_bytes(b"\xc1")
    assert forget.stats(state, 1000.0) == {}
