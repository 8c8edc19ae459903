"""Notices what vendors say in header fields of deprecated operations, sunsets and versions, and writes it down for the console.

What was said before costs one look-up; what is new is written off the loop, a bounded number of things. Not for: what it means
(`ops/contracts/lifecycle.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from trunkline.core.codec import to_json
from trunkline.core.data.kept import without_persons
from trunkline.core.exchange import Attempt
from trunkline.core.ports import Response
from trunkline.engine.lifecycle import LIFECYCLE, SERVED
from trunkline.gateway.process import write
from trunkline.ops.contracts.notices import FILE, SAID_S, Notice, read

KEPT = 400
OF_ONE = 4
"""Different things that are kept of one operation: some vendors put an id or the time into their words."""
AGAIN_S = 3600.0
"""What goes on being said is dated anew so often."""
LONGEST = 600


Said = tuple[tuple[bytes, bytes], ...]


def _said(notice: Notice) -> Said:
    """What a kept notice was made of."""
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in notice.fields.items()]
    return tuple([pair for pair in pairs if pair[0] in LIFECYCLE])


def _joined(fields: Iterable[tuple[bytes, bytes]]) -> Said:
    """Fields that came in several lines as one each (RFC 9110, 5.3)."""
    lines: dict[bytes, list[bytes]] = {}
    for name, value in fields:
        lines.setdefault(name, []).append(value)
    return tuple([(name, b", ".join(values)) for name, values in lines.items()])


class Notices:
    """What has been said, by this process and, of late, those before it."""

    def __init__(self, state: Path, wall: Callable[[], float]) -> None:
        self._path = state / FILE
        self._wall = wall
        self._known: dict[Any, list[Any]] = {}
        """What was said -> [monotonic time of its last dating, the notice]."""
        self._of: dict[tuple[str, str], int] = {}
        self._writing: asyncio.Future[None] | None = None
        self._again = False
        for notice in read(state):
            if wall() - notice.last_at <= SAID_S:
                self._keep(_said(notice), float("-inf"), notice)

    @property
    def writing(self) -> bool:
        """Whether something is not on the disk yet."""
        return self._again or (self._writing is not None and not self._writing.done())

    def see(self, attempt: Attempt, response: Response) -> None:
        """Takes in an answer that holds a field of `LIFECYCLE`."""
        live, operation = attempt.target.live, attempt.exchange.operation
        said = tuple([field for field in response.headers if field[0] in LIFECYCLE])
        if len(said) > 1:
            said = _joined(said)
        version = live.spec.api_version
        pinned = version.value if version is not None else ""
        if len(said) == 1 and said[0][0] in SERVED and said[0][1] == pinned.encode():
            return  # the version that was asked for
        name = operation.name if operation is not None else ""
        key = (live.name, name, said)
        known = self._known.get(key)
        if known is not None:
            if attempt.first_byte_at - known[0] >= AGAIN_S:
                known[0] = attempt.first_byte_at
                known[1] = replace(known[1], last_at=self._wall())
                self._write()
            return
        if len(self._known) < KEPT and self._of.get((live.name, name), 0) < OF_ONE:
            self._keep(said, attempt.first_byte_at, self._notice(attempt, response, name, pinned, said))
            self._write()

    def _keep(self, said: Said, at: float, notice: Notice) -> None:
        place = (notice.integration, notice.operation)
        self._of[place] = self._of.get(place, 0) + 1
        self._known[*place, said] = [at, notice]

    def _notice(
        self,
        attempt: Attempt,
        response: Response,
        name: str,
        pinned: str,
        said: Said,
    ) -> Notice:
        exchange, now, member = attempt.exchange, self._wall(), attempt.target.member
        fields = dict(said)
        fields |= dict(_joined([field for field in response.headers if field[0] == b"link"]))
        return Notice(
            integration=attempt.target.live.name,
            operation=name,
            method=exchange.request.method,
            path=without_persons(exchange.path.decode("latin-1"))[0][:300],
            pinned=pinned,
            fields={
                key.decode("latin-1"): member.blotted(value[:LONGEST]).decode("latin-1")
                for key, value in fields.items()
            },
            first_at=now,
            last_at=now,
            correlation_id=exchange.correlation_id,
        )

    def _write(self) -> None:
        """One write at a time; what comes meanwhile is written after it."""
        if self.writing:
            self._again = True
            return
        content = to_json([notice for _, notice in self._known.values()])
        self._writing = asyncio.get_running_loop().run_in_executor(None, self._put, content)
        self._writing.add_done_callback(self._written)

    def _put(self, content: bytes) -> None:
        with contextlib.suppress(OSError):
            write(self._path, content)

    def _written(self, _: asyncio.Future[None]) -> None:
        if self._again:
            self._again = False
            self._write()
