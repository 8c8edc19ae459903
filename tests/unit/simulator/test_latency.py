"""Latency by vendor and by header."""

import pytest

from trunkline.simulator.latency import NONE, Latencies, Latency, from_header


def test_a_vendor_s_own_rule_wins_over_the_one_for_all() -> None:
    latencies = Latencies()
    assert latencies.of("openai") is NONE
    latencies.rules = {"*": Latency(first_ms=5), "openai": Latency(first_ms=50)}
    assert latencies.of("openai").first_ms == 50
    assert latencies.of("stripe").first_ms == 5


def test_the_header_names_its_parts() -> None:
    assert from_header("first_ms=50;per_chunk_ms=2.5;chunks=20") == Latency(50, 2.5, 20)
    with pytest.raises(ValueError, match="not 'speed'"):
        from_header("speed=1")
