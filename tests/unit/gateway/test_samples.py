"""One redacted sample of each answer that no rule knows, never more than fit."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from trunkline.core.errors import CallError
from trunkline.gateway import samples
from trunkline.gateway.samples import Samples


def unknown(body: bytes, status: int = 418, source: str = "acme") -> CallError:
    error = CallError("server_error", "x", source=source)
    error.status, error.body, error.fields = status, body, [(b"x-error-code", b"7"), (b"authorization", b"x")]
    return error


async def kept(folder: Path, *errors: CallError) -> list[str]:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))  # one thread: what comes last is done last
    keeper = Samples(folder)
    for error in errors:
        keeper.keep(error)
    await loop.run_in_executor(None, lambda: None)
    return sorted(path.name for path in folder.glob("*.json"))


@pytest.mark.row("E3", "S1")
async def test_a_sample_is_kept_without_what_is_private(tmp_path: Path) -> None:
    body = b'{"fault":{"to":"jane@example.com","key":"sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"}}'
    (name,) = await kept(tmp_path / "samples", unknown(body))
    text = (tmp_path / "samples" / name).read_text()
    assert name.startswith("acme-418-")
    assert (json.loads(text)["source"], json.loads(text)["status"]) == ("acme", 418)
    assert "jane@" not in text
    assert "sk-proj" not in text
    assert "authorization" not in text
    assert oct((tmp_path / "samples").stat().st_mode & 0o777) == "0o700"


@pytest.mark.row("E3")
async def test_the_same_shape_is_kept_once_also_after_a_restart(tmp_path: Path) -> None:
    first = await kept(tmp_path, unknown(b'{"at":1}'), unknown(b'{"at":22}'), unknown(b'{"other":1}'))
    assert len(first) == 2
    (tmp_path / first[0]).write_text("kept")
    (tmp_path / first[1]).write_text("kept")
    assert await kept(tmp_path, unknown(b'{"at":333}'), unknown(b'{"other":4}')) == first
    assert [(tmp_path / name).read_text() for name in first] == ["kept", "kept"]


@pytest.mark.row("E3")
async def test_the_folder_does_not_fill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "KEPT", 3)
    names = [unknown(b"{}", status=400 + n) for n in range(9)]
    assert len(await kept(tmp_path, *names)) == 3


async def test_a_name_cannot_leave_the_folder(tmp_path: Path) -> None:
    (name,) = await kept(tmp_path / "a", unknown(b"{}", source="../../etc/x"))
    assert name.startswith("______etc_x-418-")


async def test_a_folder_that_cannot_be_written_costs_the_sample_only(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert await kept(blocked / "samples", unknown(b"{}")) == []
