"""Keeps one redacted sample of each answer that no rule of the classifier knows, so that a person can write the rule (E3).

Written off the loop, at most `KEPT` of them; the same shape is kept once. Not for: bodies of calls in general.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
from pathlib import Path

from trunkline.core.errors import CallError
from trunkline.engine.shape import sample

KEPT = 200
_VARYING = re.compile(rb"[0-9]+")


class Samples:
    """The folder `samples/` of the state folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: set[str] = set()
        with contextlib.suppress(OSError):
            self._seen = {path.stem for path in folder.glob("*.json")}

    def keep(self, error: CallError) -> None:
        """Keeps a sample of this answer unless one like it is kept or the folder is full."""
        if len(self._seen) >= KEPT:
            return
        text = sample(error, error.status, error.fields, error.body)
        mark = hashlib.sha256(_VARYING.sub(b"0", error.body[:4096])).hexdigest()[:10]
        name = f"{re.sub(r'[^a-z0-9-]', '_', error.source)}-{error.status}-{mark}"
        if name in self._seen:
            return
        self._seen.add(name)
        asyncio.get_running_loop().run_in_executor(None, self._write, name, text)

    def _write(self, name: str, text: bytes) -> None:
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, exist_ok=True)
            (self._folder / f"{name}.json").write_bytes(text)
