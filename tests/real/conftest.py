"""The running product for real clients: only their base URL and key are changed."""

from __future__ import annotations

import os

import pytest

from tests.support.gateway import Trunkline
from tests.support.product import clean, simulator, simulator_process, site, site_process, trunkline

__all__ = ["clean", "simulator", "simulator_process", "site", "site_process", "trunkline"]

CLIENT_VARIABLES = ("OPENAI", "ANTHROPIC", "GEMINI", "GOOGLE", "OLLAMA", "STRIPE", "LANGCHAIN", "LANGSMITH")


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the SDKs would read from the environment of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith(CLIENT_VARIABLES) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def sdk_key(trunkline: Trunkline) -> str:
    """A key of kind `sdk`: failures come as the vendor's own."""
    return trunkline.new_key("sdk", "*", kind="sdk", concurrency=0)
