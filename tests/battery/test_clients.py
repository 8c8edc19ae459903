"""Unmodified clients with the models of every vendor: the SDKs, and coding agents that work on real files by what a model tells them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.battery import report
from tests.battery.agents import PACKAGES, Desk, outside
from tests.real.test_matrix import REGISTRY, VENDORS, story
from tests.support.gateway import Trunkline, running_trunkline
from tests.support.sdk_clients import CLIENTS
from tests.support.simulator import SimulatorProcess

pytestmark = [pytest.mark.slow, pytest.mark.row("A1", "A2", "P2")]

ALIASES = """
models:
  any-claude: {{target: openai/gpt-4o-mini}}
  any-gpt: {{target: anthropic/claude-sonnet-4-5}}
"""
CHAT, RESPONSES = ("openai", "/v1/chat/completions"), ("openai", "/v1/responses")
MESSAGES = ("anthropic", "/v1/messages")
GEMINI = ("gemini", "/v1beta/models/gemini-2.5-flash:streamGenerateContent")


@pytest.fixture(scope="module")
def gateway(
    tmp_path_factory: pytest.TempPathFactory, simulator_process: SimulatorProcess
) -> Iterator[Trunkline]:
    registry = (REGISTRY + ALIASES).format(sim=simulator_process.address())
    with running_trunkline(tmp_path_factory.mktemp("clients"), registry) as running:
        yield running


@pytest.fixture(scope="module")
def installed() -> None:
    assert PACKAGES.is_dir(), "the coding agents are not installed: run `make battery`"


def test_every_sdk_with_every_vendor(gateway: Trunkline) -> None:
    pairs = [(client(gateway.url, gateway.key), vendor) for client in CLIENTS for vendor in VENDORS]
    for client, vendor in pairs:
        for stream in (False, True):
            story(gateway, client, vendor, stream)
    told = f"{len(pairs)} of {len(pairs)} pairs, whole and streamed, with tools"
    report.tell("U4", "openai (Chat, Responses), anthropic, google-genai", "all", told)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("model", "asked"),
    [("claude-sonnet-4-5", MESSAGES), ("any-claude", CHAT), ("gemini/gemini-2.5-flash", GEMINI)],
)
def test_claude_code_writes_a_file(
    gateway: Trunkline, simulator: SimulatorProcess, tmp_path: Path, model: str, asked: tuple[str, str]
) -> None:
    with outside() as elsewhere:
        desk = Desk(tmp_path, gateway.url, gateway.key, elsewhere.url)
        note = desk.work / "note.txt"
        result = desk.claude(
            model, f'Write a note. [call Write {{"file_path": "{note}", "content": "from {model}\\n"}}]'
        )

    assert note.read_text() == f"from {model}\n"
    assert (result["subtype"], result["is_error"], result["num_turns"]) == ("success", False, 2)
    assert result["result"].startswith("Simulated answer")
    assert [(entry.vendor, entry.path, entry.status) for entry in simulator.ledger()] == [(*asked, 200)] * 2
    assert elsewhere.asked == []
    report.tell("U4", f"Claude Code, model of {asked[0]}", "writes a file", "written in 2 turns")


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("model", "asked"),
    [("openai/gpt-4o-mini", RESPONSES), ("any-gpt", MESSAGES), ("gemini/gemini-2.5-flash", GEMINI)],
)
def test_codex_edits_a_file(
    gateway: Trunkline, simulator: SimulatorProcess, tmp_path: Path, model: str, asked: tuple[str, str]
) -> None:
    with outside() as elsewhere:
        desk = Desk(tmp_path, gateway.url, gateway.key, elsewhere.url)
        note = desk.work / "note.txt"
        note.write_text("one\n")
        items = desk.codex(
            model, 'Add a line. [call exec_command {"cmd": "echo two >> note.txt && cat note.txt"}]'
        )

    assert note.read_text() == "one\ntwo\n"
    [ran] = [item for item in items if item["type"] == "command_execution"]
    assert (ran["aggregated_output"], ran["exit_code"]) == ("one\ntwo\n", 0)
    assert items[-1]["text"].startswith("Simulated answer")
    assert [(entry.vendor, entry.path, entry.status) for entry in simulator.ledger()] == [(*asked, 200)] * 2
    assert elsewhere.asked == []
    report.tell("U4", f"Codex, model of {asked[0]}", "edits a file", "edited in 2 turns")
