"""What touches sockets and TLS runs on asyncio's own loop and on uvloop."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import uvloop

# The server's tests share `line.py`, the connection without a socket that the table of raw requests is played on.
sys.path.insert(0, str(Path(__file__).parents[2] / "wire_table"))

ON_BOTH_LOOPS = {"test_client", "test_connect"}


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    both = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return both if item.path.stem in ON_BOTH_LOOPS else {"asyncio": asyncio.new_event_loop}
