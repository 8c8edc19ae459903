"""The memory of kept answers: bounded in bytes, the least recently used go first, and nothing outlives its time.

Not for: which answers may be kept, nor who gets them (`cache.py`).
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Callable, Collection
from itertools import count

from trunkline.core.exchange import Answer

OVERHEAD_BYTES = 900
"""What an entry takes besides head and body: objects, key, places in the indexes (740 of it, by tracemalloc), heads of byte strings."""


class Kept:
    """One answer. Without `answer` it says that answers to this call cannot be kept, so that nobody waits for one."""

    __slots__ = (
        "answer",
        "contract",
        "cost_usd",
        "expires_at",
        "integration",
        "path",
        "refresh_at",
        "refresh_failed",
        "served_model",
        "size",
        "stored_at",
    )

    def __init__(
        self,
        answer: Answer | None,
        *,
        stored_at: float,
        expires_at: float,
        integration: str,
        path: bytes,
        contract: bytes = b"",
        cost_usd: float = -1.0,
        served_model: str = "",
    ) -> None:
        """Times are monotonic seconds, `expires_at` the last at which it may be given; `cost_usd` is what the vendor was paid
        for it, -1 where that is unknown.
        """
        self.answer = answer
        self.stored_at = stored_at
        self.expires_at = expires_at
        self.integration = integration
        self.path = path
        self.contract = contract
        self.cost_usd = cost_usd
        self.served_model = served_model
        self.refresh_at = 0.0
        """Not before this is a new one fetched in the background."""
        self.refresh_failed = False
        self.size = OVERHEAD_BYTES + len(path) + (len(answer.fields) + len(answer.body) if answer else 0)


class Store:
    """Answers by key."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.bytes = 0
        self.evicted = 0
        """Answers pushed out for want of room."""
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()
        self._places: dict[tuple[str, bytes], set[bytes]] = {}
        self._ends: list[tuple[float, int, bytes, Kept]] = []
        self._order = count()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: bytes, now: float) -> Kept | None:
        """What is kept under a key, which counts as a use of it."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        if now > kept.expires_at:
            self.drop(key)
            return None
        self._kept.move_to_end(key)
        return kept

    def put(self, key: bytes, kept: Kept) -> bool:
        """Keeps an answer in place of an earlier one; False if it is larger than the whole memory."""
        self.drop(key)
        if kept.size > self.bytes_max:
            return False
        self._kept[key] = kept
        self._places.setdefault((kept.integration, kept.path), set()).add(key)
        self.bytes += kept.size
        heapq.heappush(self._ends, (kept.expires_at, next(self._order), key, kept))
        self.shrink(self.bytes_max)
        return True

    def drop(self, key: bytes) -> None:
        """Forgets what is kept under a key, if anything is."""
        kept = self._kept.pop(key, None)
        if kept is None:
            return
        self.bytes -= kept.size
        place = (kept.integration, kept.path)
        keys = self._places[place]
        keys.discard(key)
        if not keys:
            del self._places[place]

    def drop_path(self, integration: str, path: bytes) -> None:
        """Forgets every answer of one path, whatever the query and whoever asked."""
        for key in list(self._places.get((integration, path), ())):
            self.drop(key)

    def drop_if(self, unwanted: Callable[[Kept], bool]) -> int:
        """Forgets all answers of which this is true; says how many."""
        found = [key for key, kept in self._kept.items() if unwanted(kept)]
        for key in found:
            self.drop(key)
        return len(found)

    def retain(self, contracts: Collection[bytes]) -> None:
        """Forgets what was answered under a configuration that no longer holds."""
        self.drop_if(lambda kept: kept.contract not in contracts)

    def shrink(self, bytes_max: int) -> None:
        """Sets the bound; what was used least recently goes until the rest fits."""
        self.bytes_max = bytes_max
        while self.bytes > bytes_max:
            self.drop(next(iter(self._kept)))
            self.evicted += 1

    def sweep(self, now: float) -> None:
        """Forgets what has had its time, so that nothing stays in memory only because nobody asks for it."""
        ends = self._ends
        while ends and ends[0][0] < now:
            _, _, key, kept = heapq.heappop(ends)
            if self._kept.get(key) is kept:
                self.drop(key)
        if len(ends) > 2 * len(self._kept) + 64:
            # Mostly ends of answers that were replaced long before their time.
            self._ends = [end for end in ends if self._kept.get(end[2]) is end[3]]
            heapq.heapify(self._ends)
