"""Fixtures of the simulator's own tests: one in process for most, one in a child process where a process matters."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.support.raw_http import Answer, ask
from tests.support.simulator import simulator, simulator_process
from trunkline.simulator import Simulator

__all__ = ["simulator", "simulator_process"]

Ask = Callable[..., Awaitable[Answer]]


@pytest.fixture
async def local() -> AsyncIterator[Simulator]:
    """A simulator on this loop."""
    it = Simulator()
    await it.start()
    yield it
    await it.stop()


@pytest.fixture
def call(local: Simulator) -> Ask:
    """`await call("POST", "/openai/v1/...", {...}, header=...)` with a bearer credential unless `authorization=""`."""

    async def run(method: str, path: str, body: Any = None, **fields: str) -> Answer:
        fields = {"authorization": "Bearer sk-test-not-a-real-key", **fields}
        return await ask(
            local.port, method, path, body, **{name: value for name, value in fields.items() if value}
        )

    return run


@pytest.fixture
def chat(call: Ask) -> Ask:
    """`await chat("prompt", stream=True, x_sim_fault="...")`: one chat completion at openai; extras go into the body."""

    async def run(
        prompt: str = "Hello there", *, stream: bool = False, x_sim_fault: str = "", **body: Any
    ) -> Answer:
        messages = [{"role": "user", "content": prompt}]
        request = {
            "model": "gpt-4o-mini",
            "messages": messages,
            **({"stream": True} if stream else {}),
            **body,
        }
        return await call("POST", "/openai/v1/chat/completions", request, x_sim_fault=x_sim_fault)

    return run
