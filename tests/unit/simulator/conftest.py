"""Fixtures of the simulator's own tests."""

from tests.support.simulator import simulator, simulator_process

__all__ = ["simulator", "simulator_process"]
