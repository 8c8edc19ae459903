"""The fixtures of the folder above."""

from tests.unit.simulator.conftest import call, chat, local

__all__ = ["call", "chat", "local"]
