"""A state folder of its own for each test, with the master key in the folder."""

from pathlib import Path

import pytest

from trunkline.control.state import State


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state", {}).create()
