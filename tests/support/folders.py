"""What a folder holds while a process writes into it: names come and go (`*.unborn` becomes a segment), so one look is whole or none.

Not for: folders that nobody else writes to.
"""

from __future__ import annotations

from pathlib import Path

from tests.support.polling import eventually


def contents(folder: Path) -> dict[Path, bytes]:
    """Every file below `folder` with its bytes, of a look during which no name came, went or changed."""

    def look() -> list[dict[Path, bytes]]:
        try:
            held = {path: path.read_bytes() for path in _files(folder)}
            return [held] if _files(folder) == list(held) else []
        except (FileNotFoundError, NotADirectoryError):
            return []

    return eventually(look, f"{folder} to keep its names while it is read")[0]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
