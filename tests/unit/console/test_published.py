from __future__ import annotations

import os
from pathlib import Path

import pytest

from trunkline.console.published import FRESH_S, Published
from trunkline.control.keytext import key_hash, make
from trunkline.control.state import State
from trunkline.core.codec import to_pack
from trunkline.core.service import CallerKey, Callers, Snapshot
from trunkline.ops.health import Figures


def snapshot(version: str) -> bytes:
    return to_pack(Snapshot(version=version, created="", environment="dev", services=[]))


def replace(path: Path, data: bytes) -> None:
    """As publishers do: a new file takes the name."""
    part = path.with_name("part")
    part.write_bytes(data)
    part.rename(path)


def test_a_new_snapshot_is_seen_at_once(tmp_path: Path) -> None:
    published = Published(tmp_path)
    assert published.snapshot() is None
    for version in ("v1", "v2"):
        replace(tmp_path / "snapshot.msgpack", snapshot(version))
        found = published.snapshot()
        assert found is not None
        assert found.version == version


@pytest.mark.parametrize("content", [b"", b"\xc1", b"\x93abc", snapshot("v1")[:-3]])
def test_a_file_that_cannot_be_read_is_nothing(tmp_path: Path, content: bytes) -> None:
    for name in ("snapshot.msgpack", "callers.msgpack", "gateway.stats", "reload.json"):
        (tmp_path / name).write_bytes(content)
    published = Published(tmp_path)
    assert (published.snapshot(), published.caller_keys(), published.breakers(), published.reload()) == (
        None,
        [],
        {},
        None,
    )


def test_the_gateways_word_on_traffic_counts_while_it_is_fresh(tmp_path: Path) -> None:
    seen = {
        "window": [10, 2],
        "last_error_code": "network",
        "last_ok_age_s": None,
        "last_error_age_s": 3.0,
        "attempts": 99,
    }
    stats = tmp_path / "gateway.stats"
    stats.write_bytes(to_pack({"breakers": {"stripe": "open"}, "traffic": {"stripe": seen, "odd": 5}}))
    os.utime(stats, (1000.0, 1000.0))
    published = Published(tmp_path)
    assert published.figures(1001.0) == {"stripe": Figures(10, 2, 0.0, 998.0, "network")}
    assert published.figures(1000.0 + FRESH_S + 1) == {}
    assert published.breakers() == {"stripe": "open"}


@pytest.mark.row("W1")
def test_a_caller_key_is_found_by_its_keyed_hash(tmp_path: Path) -> None:
    state = State(tmp_path, {})
    text, other = make(), make()
    key = CallerKey(
        id="k1", name="prometheus", hash=key_hash(text, state.keys["pepper"]), scopes=["metrics:read"]
    )
    (tmp_path / "callers.msgpack").write_bytes(to_pack(Callers(version="v", keys=[key])))
    published = Published(tmp_path)
    assert [published.find_key(one) for one in (text, other, "tl_short", "")] == [key, None, None, None]
