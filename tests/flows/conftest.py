"""One gateway, one simulator and one recording site for all stories; a story that needs its own registry starts its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.gateway import Trunkline, running_trunkline
from tests.support.product import clean, simulator, simulator_process, site, site_process, trunkline
from tests.support.simulator import SimulatorProcess
from tests.support.site import Site

__all__ = ["clean", "simulator", "simulator_process", "site", "site_process", "trunkline"]


@pytest.fixture
def start(tmp_path: Path, simulator: SimulatorProcess, site: Site) -> Iterator[Callable[..., Trunkline]]:
    """Starts a gateway of the story's own: `start(registry, **settings)`; `{simulator}` and `{site}` stand for addresses."""
    with ExitStack() as stack:
        count = 0

        def begin(registry: str, **settings: Any) -> Trunkline:
            nonlocal count
            count += 1
            text = registry.replace("{simulator}", simulator.address()).replace("{site}", site.address)
            return stack.enter_context(running_trunkline(tmp_path / str(count), text, **settings))

        yield begin
