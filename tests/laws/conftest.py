"""Laws about bytes hold on asyncio's own loop and on uvloop: every asynchronous law runs on both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import uvloop

from trunkline.wire.client import Client


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """A client; at the end it must have let go of everything."""
    made = Client()
    yield made
    await made.close()
    assert made.connections == set()
    assert made.tasks == set()
