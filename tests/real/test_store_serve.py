"""The whole product over a real OpenBao: a change is followed, a refused value is read anew, and a store that is down harms nobody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.battery.served import Served
from tests.support.caller import call
from tests.support.gateway import SECRETS
from tests.support.openbao import ROOT, OpenBao, running_openbao
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess
from trunkline.control import audit
from trunkline.control.state import State
from trunkline.simulator.ledger import digest

pytestmark = [pytest.mark.real, pytest.mark.row("S1", "S3")]
OLD, NEW = "sk-test-not-a-real-key-0001", "sk-test-not-a-real-key-0002"
REF = "vault:secret/openai#key"
REGISTRY = """version: 1
stores: {{vault: {{address: "{bao}", cache: {cache}}}}}
integrations:
  openai: {{base_url: "{simulator}/openai", secret: "vault:secret/openai#key"}}
processes:
  web: {{env: {{OPENAI_KEY: "vault:secret/openai#key"}}, on_rotate: none}}
"""


@pytest.fixture
def bao(tmp_path: Path) -> Iterator[OpenBao]:
    with running_openbao(tmp_path / "bao") as server:
        server.put("openai", key=OLD)
        yield server


def served(folder: Path, simulator: SimulatorProcess, address: str, cache: str) -> Served:
    text = REGISTRY.format(bao=address, cache=cache, simulator=simulator.address())
    return Served(folder / "here", text, secrets={**SECRETS, "VAULT_TOKEN": ROOT})


def ask(here: Served) -> int:
    body = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hi"}]}'
    fields = {"authorization": f"Bearer {here.key}", "content-type": "application/json"}
    return call(here.port, "POST", "/v1/chat/completions", fields, body).status


def health(here: Served) -> Any:
    fields = {"authorization": f"Bearer {here.key}"}
    return json.loads(call(here.port, "GET", "/health?detail=1", fields, b"").body)


def test_a_refused_value_is_read_anew_within_the_call(
    tmp_path: Path, simulator: SimulatorProcess, bao: OpenBao
) -> None:
    here = served(tmp_path, simulator, bao.address, "1h")
    try:
        here.start()
        assert ask(here) == 200
        bao.put("openai", key=NEW)
        simulator.accept("openai", NEW)  # the old one is revoked before anybody was told
        assert ask(here) == 200
        assert simulator.ledger()[-1].credential == digest(NEW)
        shown = json.loads(here.run("secrets", "list", "--json").stdout)
        assert [(one["ref"], one["version"], one["state"]) for one in shown] == [(REF, "2", "fresh")]
        actions = [
            row["action"] for row in audit.entries(State(here.state, here.environ)) if row["subject"] == REF
        ]
        assert actions.count("secret.reread") == 1
        ran = here.run("run", "--", "sh", "-c", "printf %s $OPENAI_KEY")
        assert (ran.returncode, ran.stdout) == (0, NEW)
    finally:
        here.abandon()


def test_a_change_in_the_store_is_followed_and_a_store_that_is_down_harms_nobody(
    tmp_path: Path, simulator: SimulatorProcess
) -> None:
    with running_openbao(tmp_path / "bao") as bao:
        bao.put("openai", key=OLD)
        here = served(tmp_path, simulator, bao.address, "5s")
        here.start()
        try:
            bao.put("openai", key=NEW)

            def followed() -> bool:
                assert ask(here) == 200
                return bool(simulator.ledger()[-1].credential == digest(NEW))

            eventually(followed, "the new value in use", 30)
        except BaseException:
            here.abandon()
            raise
    try:  # the store is gone now
        found = eventually(
            lambda: next((one for one in health(here)["stores"] if one["state"] == "last_known"), None),
            "health to tell the age",
            30,
        )
        assert (found["ref"], found["version"]) == (REF, "2")
        assert "cannot be reached" in found["problem"]
        assert "store-trouble" in [one["code"] for one in health(here)["findings"]]
        assert ask(here) == 200
        assert here.stop() == 0
        here.start()  # a start without the store
        assert ask(here) == 200
        assert simulator.ledger()[-1].credential == digest(NEW)
        eventually(lambda: "secret.store" in here.run("findings", "list", "--json").stdout, "the finding", 30)
    finally:
        here.abandon()


def test_a_value_in_the_store_is_proved_before_it_serves(
    tmp_path: Path, simulator: SimulatorProcess, bao: OpenBao
) -> None:
    here = served(tmp_path, simulator, bao.address, "1h")

    def status() -> Any:
        return json.loads(here.run("secrets", "rotate", REF, "--status", "--json").stdout)

    def when(told: str, value: object) -> Any:
        return eventually(lambda: (found := status())[told] == value and found, f"{told} {value}", 60)

    try:
        here.start()
        simulator.accept("openai", OLD)
        begun = here.run("secrets", "rotate", REF, "--quiet", "1s", "--json")
        assert json.loads(begun.stdout)["state"] == "awaiting"
        bao.put("openai", key="sk-test-not-a-real-key-9999")  # one that the vendor does not take
        stuck = when("stuck", True)
        assert "answered 401" in stuck["problem"]
        assert ask(here) == 200
        assert here.run("secrets", "rotate", REF, "--abort").returncode == 0

        simulator.accept("openai", OLD, NEW)
        assert here.run("secrets", "rotate", REF, "--quiet", "1s").returncode == 0
        bao.put("openai", key=NEW)
        when("state", "idle")
        assert ask(here) == 200
        assert simulator.ledger()[-1].credential == digest(NEW)
        simulator.accept("openai", NEW)
        done = when("state", "done")
        assert (done["from_version"], done["to_version"]) == ("1", "3")
        assert ask(here) == 200
    finally:
        here.abandon()
