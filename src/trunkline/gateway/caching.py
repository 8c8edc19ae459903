"""Joins the cache with the rest of the gateway: which header fields count, background refreshes, orders to forget.

Not for: what is kept and given (`plugins/policies/cache.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from trunkline.core.codec import DecodeError, json_decoder
from trunkline.core.exchange import Exchange
from trunkline.core.ports import Inbound, Outbound
from trunkline.engine.fields import OURS, TO_VENDOR, Filter
from trunkline.engine.inside import Asked, Gathered
from trunkline.engine.translate import MODE
from trunkline.plugins.policies.cache import AnswerCache
from trunkline.plugins.policies.cache_key import IRRELEVANT, IRRELEVANT_PREFIXES

CORRELATION_CHARS = 128
"""The longest correlation id (ruling 7)."""
_REPLACED = frozenset(
    (b"x-trunkline-cache", b"x-correlation-id", b"x-trunkline-priority", b"traceparent", b"idempotency-key")
)


def relevance() -> Callable[[bytes], bool]:
    """Tells whether a header field reaches vendors and can change an answer."""
    fields = Filter(TO_VENDOR | IRRELEVANT, OURS, b"sec-", *IRRELEVANT_PREFIXES)
    # Ours, but a caller that wants nothing lost is not given what was kept for one that did not mind.
    fields.verdicts[MODE] = True
    return fields.passes


class Refresh:
    """Makes a call once more in the background, through `handle`, the gateway's entry.

    It goes the way of every call, as its caller's own: its key is checked, limits and budgets count it, it has a record.
    """

    def __init__(self, handle: Callable[[Inbound, Outbound], None], bytes_max: int = 16 << 20) -> None:
        self._handle = handle
        self._bytes_max = bytes_max

    def __call__(self, exchange: Exchange, ended: Callable[[], None]) -> None:
        """Nobody waits for it, so it goes in the lowest lane; `ended` is told when it is over, however it went."""
        request = exchange.request
        headers = [field for field in request.headers if field[0] not in _REPLACED]
        correlation = exchange.correlation_id[: CORRELATION_CHARS - 8] + ".refresh"
        headers += [
            (b"x-correlation-id", correlation.encode()),
            (b"x-trunkline-cache", b"no-cache"),
            (b"x-trunkline-priority", b"batch"),
        ]
        again = Asked(request.method, request.target, headers, request.body, request)
        self._handle(again, Gathered(ended, self._bytes_max))


def stats(cache: AnswerCache, forgetting: Forgetting) -> dict[str, Any]:
    """What the process tells of its cache once a second, which is also when it forgets what has had its time."""
    cache.sweep()
    counts = {f"cache_{word}": cache.counted(word) for word in ("hit", "miss", "stale", "shared")}
    return {
        "cache": cache.stats(),
        **counts,
        "stale_served": cache.stale_served(),
        "cache_forgot": forgetting.told,
    }


class _Line(msgspec.Struct):
    at: float = 0.0
    integration: str = ""


_line: msgspec.json.Decoder[_Line] = json_decoder(_Line)


class Forgetting:
    """Follows the file to which `trunkline cache clear` appends; what stood there before the start is long done."""

    def __init__(self, path: Path, cache: AnswerCache) -> None:
        self._path = path
        self._cache = cache
        self._done = len(self._read())
        self.told: dict[str, float] = {}
        """The last order: `at`, epoch seconds, and how many answers were forgotten."""

    def _read(self) -> bytes:
        try:
            return self._path.read_bytes()
        except OSError:
            return b""

    def take(self) -> None:
        """Obeys the lines that are new; a torn one is passed over."""
        content = self._read()
        fresh = content[self._done :] if len(content) >= self._done else content
        self._done = len(content)
        for text in fresh.splitlines():
            try:
                line = _line.decode(text)
            except DecodeError:
                continue
            self.told = {"at": line.at, "answers": self._cache.clear(line.integration)}
