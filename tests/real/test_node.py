"""The Node SDKs `openai` and `ai` (Vercel), unmodified, each story in a Node process of its own (`node/story.mjs`)."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.support.gateway import Trunkline
from tests.support.polling import eventually
from tests.support.processes import HANGS_S
from tests.support.simulator import SimulatorProcess

pytestmark = [pytest.mark.real, pytest.mark.row("P2", "A1")]

FOLDER = Path(__file__).parent / "node"


def tool() -> ModuleType:
    """Our `node/tool.py`, which knows where Node is."""
    spec = importlib.util.spec_from_file_location("node_tool", FOLDER / "tool.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def node() -> list[str]:
    assert (FOLDER / "node_modules").is_dir(), "the Node SDKs are not installed: run `make test`"
    command: list[str] = tool().node()
    return command


@pytest.fixture
def story(trunkline: Trunkline, node: list[str]) -> Any:
    """`story("openai_chat")`: what it printed."""

    def tell(name: str, key: str = "") -> Any:
        environ = {
            "PATH": os.environ["PATH"],
            "TRUNKLINE_URL": trunkline.url,
            "TRUNKLINE_KEY": key or trunkline.key,
        }
        done = subprocess.run(
            [*node, "story.mjs", name],
            cwd=FOLDER,
            env=environ,
            capture_output=True,
            timeout=HANGS_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout.splitlines()[-1])

    return tell


def test_openai_chats(trunkline: Trunkline, story: Any) -> None:
    told = story("openai_chat")

    assert told["text"]
    assert trunkline.recorded(told["id"]).end.cost_usd > 0


def test_openai_streams(story: Any) -> None:
    told = story("openai_stream")

    assert told["pieces"] > 1
    assert told["usage"]["total_tokens"] > 0


def test_openai_calls_tools(story: Any) -> None:
    told = story("openai_tools")

    assert told["name"] == "get_weather"
    assert "city" in told["arguments"]


def test_openai_embeds_responds_and_lists_models(story: Any) -> None:
    told = story("openai_rest")

    assert told["length"] == 1536
    assert told["text"]
    assert {"openai/gpt-4o-mini", "fast"} <= set(told["models"])


@pytest.mark.row("E1")
@pytest.mark.parametrize(
    ("fault", "name", "status", "code"),
    [
        ("quota", "RateLimitError", 429, "insufficient_quota"),
        ("auth", "AuthenticationError", 401, "invalid_api_key"),
        ("invalid", "BadRequestError", 400, "decimal_above_max_value"),
        ("model_gone", "NotFoundError", 404, "model_not_found"),
    ],
)
def test_openai_fails_with_its_own_exceptions(
    story: Any, simulator: SimulatorProcess, fault: str, name: str, status: int, code: str
) -> None:
    simulator.fault(fault, "openai")
    told = story("openai_error")

    assert (told["name"], told["status"], told["code"]) == (name, status, code)


@pytest.mark.row("F1")
def test_openais_retries_and_ours_do_not_multiply(story: Any, simulator: SimulatorProcess) -> None:
    simulator.fault("server_error", "openai")

    assert story("openai_retries")["name"] == "InternalServerError"
    assert len(simulator.ledger()) == 4


@pytest.mark.row("F7")
def test_openais_broken_stream_raises(story: Any, simulator: SimulatorProcess) -> None:
    simulator.fault("reset_mid", "openai", args={"events": 3})

    assert story("openai_broken_stream")["name"] == "APIError"


@pytest.mark.row("F6")
def test_openai_leaves_a_stream(story: Any, simulator: SimulatorProcess) -> None:
    simulator.latency("openai", per_chunk_ms=20, chunks=5000)
    story("openai_cancel")

    eventually(lambda: simulator.ledger()[0].client_gone_at, "the vendor to be let go")


def test_ai_chats_streams_and_embeds(story: Any) -> None:
    chat, stream = story("ai_chat"), story("ai_stream")

    assert chat["text"]
    assert chat["tokens"] > 0
    assert (stream["pieces"] > 1, stream["finish"]) == (True, "stop")
    assert story("ai_embed")["length"] == 1536


def test_ai_calls_tools(story: Any) -> None:
    told = story("ai_tools")

    assert told["name"] == "get_weather"
    assert "city" in told["input"]


@pytest.mark.row("E1")
def test_ai_fails_with_its_own_exception(story: Any, simulator: SimulatorProcess) -> None:
    simulator.fault("invalid", "openai")
    told = story("ai_error")

    assert (told["status"], "temperature" in told["message"]) == (400, True)


@pytest.mark.row("F7")
def test_ais_broken_stream_shows_an_error(story: Any, simulator: SimulatorProcess) -> None:
    simulator.fault("fin_mid", "openai", args={"events": 3})
    told = story("ai_broken_stream")

    assert "error" in told["kinds"]
    assert told["errors"]
