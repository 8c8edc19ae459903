"""`trunkline cache`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trunkline.cli.cache import by_integration
from trunkline.control import forget, running
from trunkline.core import codec

REGISTRY = "version: 1\nintegrations:\n  crm: {base_url: 'https://crm.example.com', auth: {kind: none}}\n"
TOLD: dict[str, Any] = {
    "cache": {"answers": 2, "bytes": 3 << 20, "bytes_max": 64 << 20, "evicted": 1, "hit": 3, "miss": 1},
    "cache_hit": {"crm": 3}, "cache_miss": {"crm": 1}, "cache_stale": {"crm": 0}, "cache_shared": {"crm": 1}, "stale_served": {"crm": 7.0},
}  # fmt: skip


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a gateway ran here."""
    Path("trunkline.yaml").write_text(REGISTRY)
    Path(".trunkline").mkdir(exist_ok=True)
    monkeypatch.setattr(running, "running_facts", lambda _state: {})
    monkeypatch.setattr(forget, "stats", lambda _state, _now: TOLD)


def test_without_a_gateway_there_is_nothing_to_say(trunkline):
    Path(".trunkline").mkdir()
    assert trunkline("cache", "stats").code == 7
    assert trunkline("cache", "clear").code == 7


@pytest.mark.row("F11")
def test_what_is_kept_and_how_useful_it_is(trunkline, runs):
    ran = trunkline("cache", "stats")
    assert ran.code == 0
    assert ran.out.splitlines()[0] == "2 answers in 3.0 MB of 64.0 MB, 1 pushed out for want of room."
    assert ran.out.splitlines()[-1].split() == ["crm", "3", "1", "0", "1", "75", "%"]
    assert "stale answers for 7 s" in ran.err
    told = trunkline("cache", "stats", "--json").json
    assert (told["answers"], told["integrations"][0]["hits"], told["stale_served"]) == (2, 3, {"crm": 7.0})


@pytest.mark.row("F11")
def test_answers_are_forgotten_by_integration_or_all(trunkline, runs, monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(forget, "clear", lambda _state, name: asked.append(name) or 4)
    assert trunkline("cache", "clear", "crm").err == "Forgot 4 answers of crm.\n"
    assert trunkline("cache", "clear", "--json").json == {"forgotten": 4, "integration": None}
    ran = trunkline("cache", "clear", "cmr")
    assert (ran.code, "Did you mean 'crm'?" in ran.err, asked) == (1, True, ["crm", ""])


def test_a_gateway_that_does_not_answer(trunkline, runs, monkeypatch):
    def fails(_state: object, _name: str) -> int:
        raise forget.NotForgotten("it has not said so")

    monkeypatch.setattr(forget, "clear", fails)
    ran = trunkline("cache", "clear")
    assert (ran.code, ran.err) == (7, "it has not said so\n")


def test_nothing_asked_has_no_rate():
    assert by_integration({}) == []
    assert by_integration({"cache_miss": {"a": 0}})[0]["hit rate"] == ""


def test_the_numbers_are_read_from_the_file(trunkline, monkeypatch):
    import time

    state = Path(".trunkline")
    state.mkdir()
    monkeypatch.setattr(running, "running_facts", lambda _state: {})
    (state / "gateway.stats").write_bytes(codec.to_pack({"at": time.time(), **TOLD}))
    assert trunkline("cache", "stats", "--json").json["bytes"] == 3 << 20
