"""Joins the stores of answers with the gateway process: where they lie, what to do when it does not open, and what people have said of
calls of unknown outcome (`resolutions`, written by `trunkline unknown resolve`, control/unknown.py).

Not for: what a key means (`plugins/policies/idempotency.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from trunkline.core.codec import DecodeError, json_decoder
from trunkline.core.handling import StoredBounds
from trunkline.core.idempotency import RESOLUTIONS
from trunkline.gateway.log import say
from trunkline.gateway.responses import Responses
from trunkline.gateway.watch import Watched
from trunkline.journal.answers import Answers
from trunkline.plugins.policies.idempotency import Idempotency
from trunkline.plugins.policies.idempotency_whole import Whole


class _Line(msgspec.Struct):
    call: str = ""
    as_: str = msgspec.field(name="as", default="")


_line: msgspec.json.Decoder[_Line] = json_decoder(_Line)


class Keyed:
    """The policy with its store and the file of resolutions."""

    def __init__(
        self, state: Path, answer_key: bytes, wall: Callable[[], float], stored: StoredBounds
    ) -> None:
        self._wall = wall
        self._file = state / "resolutions"
        # A sealed file of an older version has no such key; with no store open, calls with a key are refused.
        self._has_key = bool(answer_key)
        self.answers = Answers(state / "answers", answer_key or b"none")
        self.policy = Idempotency(self.answers, wall)
        self.whole = Whole(self.answers, wall)
        self.responses = Responses(state, answer_key, wall, stored)
        self.watched = Watched(self._file, self._take)

    def open(self) -> None:
        """Once the journal is open, which keeps other processes out. What fails here costs the calls with a key, and no others."""
        self._take()
        self.responses.open()
        if not self._has_key:
            say(
                "the sealed secrets were written by an older version: calls with an idempotency key are refused"
            )
            return
        try:
            found = self.answers.open(self._wall())
        except OSError as problem:
            say(f"the answer store does not open, so calls with an idempotency key are refused: {problem}")
            return
        if found.damaged:
            say(f"the answer store: {found.damaged} damaged records passed over")

    def stats(self) -> dict[str, Any]:
        """For the console."""
        return {**self.answers.stats(), "responses": self.responses.store.stats()["keys"]}

    def close(self) -> None:
        self.answers.close()
        self.responses.store.close()

    def _take(self) -> None:
        self.policy.resolved = read(self._file)


def read(path: Path) -> dict[str, str]:
    """Call id -> what a person said last; a torn line is passed over."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return {}
    said: dict[str, str] = {}
    for text in lines:
        try:
            line = _line.decode(text)
        except DecodeError:
            continue
        if line.as_ in RESOLUTIONS:
            said[line.call] = line.as_
    return said
