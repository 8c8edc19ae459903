"""Reads the files that other processes publish in the state folder, again only when they changed.

Tolerant: a file that is missing, half there or of another version reads as nothing; its owner tells what is wrong with it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import msgspec

from trunkline.core.codec import from_json, pack_decoder
from trunkline.core.service import CallerKey, Callers, Snapshot
from trunkline.ops import outside
from trunkline.ops.health import Figures
from trunkline.ops.outside import NOTHING, Outside

T = TypeVar("T")
FRESH_S = 10.0
"""The gateway rewrites its numbers each second; older ones are of a process that is gone."""


class _File(Generic[T]):
    def __init__(self, path: Path, decode: Callable[[bytes], T]) -> None:
        self._path = path
        self._decode = decode
        self._seen: tuple[int, int, int] | None = None
        self._content: T | None = None

    def read(self) -> T | None:
        try:
            stat = self._path.stat()
            seen = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
            if seen != self._seen:
                self._content = self._decode(self._path.read_bytes())
                self._seen = seen
        except (OSError, msgspec.DecodeError, ValueError):
            return None
        return self._content

    def age_s(self, now: float) -> float | None:
        try:
            return max(0.0, now - self._path.stat().st_mtime)
        except OSError:
            return None


class Published:
    """What the supervisor and the gateway have published."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self._snapshot = _File(state_dir / "snapshot.msgpack", pack_decoder(Snapshot).decode)
        self._callers = _File(state_dir / "callers.msgpack", pack_decoder(Callers).decode)
        self._stats = _File(state_dir / "gateway.stats", pack_decoder(cast(Any, dict[str, Any])).decode)
        self._reload = _File(state_dir / "reload.json", from_json)
        self._outside = _File(state_dir / outside.FILE, pack_decoder(Outside).decode)
        self._pepper = b""

    def snapshot(self) -> Snapshot | None:
        return self._snapshot.read()

    def caller_keys(self) -> list[CallerKey]:
        callers = self._callers.read()
        return callers.keys if callers else []

    def former_keys(self) -> dict[str, str]:
        """Names by id of keys that have ended."""
        callers = self._callers.read()
        return callers.former if callers else {}

    def gateway_stats(self) -> dict[str, Any]:
        """Numbers by name as the gateway wrote them within the last seconds, and `breakers`: states by integration."""
        stats = self._stats.read()
        return stats if isinstance(stats, dict) else {}

    def gateway_stats_age_s(self, now: float) -> float | None:
        return self._stats.age_s(now)

    def outside(self) -> Outside:
        """What probes, status pages and the ledger tell of integrations."""
        return self._outside.read() or NOTHING

    def table(self, name: str) -> dict[str, Any]:
        """One of the gateway's tables by integration; empty if it has none of this name."""
        found = self.gateway_stats().get(name, {})
        return found if isinstance(found, dict) else {}

    def breakers(self) -> dict[str, str]:
        found = self.gateway_stats().get("breakers", {})
        return {str(name): str(state) for name, state in found.items()} if isinstance(found, dict) else {}

    def figures(self, now: float) -> dict[str, Figures]:
        """What the running gateway says of each integration's last minutes; nothing when it has not spoken for a while."""
        age_s = self.gateway_stats_age_s(now)
        found = self.gateway_stats().get("traffic", {})
        if age_s is None or age_s > FRESH_S or not isinstance(found, dict):
            return {}
        return {str(name): _figures(one, now) for name, one in found.items() if isinstance(one, dict)}

    def reload(self) -> Any:
        """What became of the last change of the registry, as the supervisor wrote it; None if nothing is known."""
        return self._reload.read()

    def find_key(self, text: str) -> CallerKey | None:
        """A caller key by its text. The pepper that keys are hashed with is opened at first need."""
        from trunkline.control.keytext import is_whole, key_hash

        if not is_whole(text):
            return None
        wanted = key_hash(text, self._pepper_of_state())
        return next((key for key in self.caller_keys() if key.hash == wanted), None)

    def _pepper_of_state(self) -> bytes:
        if not self._pepper:
            from trunkline.control.state import State

            self._pepper = State(self.state_dir, os.environ).keys["pepper"]
        return self._pepper


def _figures(one: dict[str, Any], now: float) -> Figures:
    window = one.get("window") or (0, 0)
    ok_age_s, error_age_s = one.get("last_ok_age_s"), one.get("last_error_age_s")
    return Figures(
        calls=int(window[0]),
        failures=int(window[1]),
        last_ok_at=0.0 if ok_age_s is None else now - ok_age_s,
        last_error_at=0.0 if error_age_s is None else now - error_age_s,
        last_error_code=str(one.get("last_error_code") or ""),
    )
