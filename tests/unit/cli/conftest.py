"""Runs commands in this process, in a folder of their own, and tells what they wrote."""

from __future__ import annotations

import io
import json
import sys
from typing import Any, NamedTuple

import pytest

from trunkline.cli.main import run


class Ran(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def trunkline(tmp_path, monkeypatch, capfdbinary):
    """A function that runs `trunkline ARGUMENTS...` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "TRUNKLINE_ENV",
        "TRUNKLINE_KEY",
        "TRUNKLINE_MASTER_KEY",
        "TRUNKLINE_STATE_DIR",
        "OPENAI_API_KEY",
        "TRUNKLINE_DEBUG",
    ):
        monkeypatch.delenv(name, raising=False)

    def command(*arguments: str, stdin: str = "") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        capfdbinary.readouterr()
        code = run(list(arguments))
        out, err = capfdbinary.readouterr()
        return Ran(code, out.decode(), err.decode())

    return command
