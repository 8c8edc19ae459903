"""`trunkline serve` as a person runs it: start, calls, reloads, crashes, stop; with the simulator in the vendors' place."""

from __future__ import annotations

import json
import select
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.folders import contents
from tests.support.polling import eventually
from tests.support.processes import ended
from tests.support.serve import SERVE, TRUNKLINE, Served
from trunkline.control.child import is_alive

REGISTRY = """version: 1
integrations:
  openai: {secret: env:OPENAI_API_KEY}
  stripe: {secret: env:STRIPE_SECRET_KEY}
"""


@pytest.fixture
def served(tmp_path):
    one = Served(tmp_path)
    one.registry.write_text(REGISTRY)
    yield one
    one.end()


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One that runs, for what leaves it as it was."""
    one = Served(tmp_path_factory.mktemp("running"))
    one.registry.write_text(REGISTRY)
    try:
        yield one.start()
    finally:
        one.end()


@pytest.mark.row("R2", "Q4", "Q5")
def test_a_first_start_serves_a_call_and_shows_how(served):
    served.start()
    assert served.up()
    for wanted in (
        "Simulated       openai, stripe",
        "First key       tl_",
        "from openai import OpenAI",
        "sign-in?link=",
    ):
        assert wanted in served.said
    console = served.said.partition("Console         ")[2].split("/sign-in")[0]
    assert console.startswith("http://127.0.0.1:"), "any free port was asked for, and the real one is told"
    assert not console.endswith(":0")
    called = served.run("call", "stripe", "GET", "/v1/customers?limit=1")
    assert (called.returncode, json.loads(called.stdout)["object"]) == (0, "list"), called.stderr
    assert called.stderr.startswith("200 OK · attempts 1 · ")
    assert "simulated" in called.stderr
    assert served.stop() == 0
    assert (served.pid("gateway"), served.pid("console")) == (0, 0)


@pytest.mark.row("E1")
def test_the_exit_code_of_a_call_says_who_failed(running):
    assert running.run("call", "stripe", "GET", "/v1/nope").returncode == 5
    assert running.run("call", "nope", "GET", "/v1/nope").returncode == 1
    assert running.run("call", "stripe", "GET", "/v1/customers", "--key", "tl_wrong").returncode == 4
    told = json.loads(running.run("call", "stripe", "GET", "/v1/customers", "--json").stdout)
    assert (told["status"], told["exit_code"], told["body"]["object"]) == (200, 0, "list")
    for key in json.loads(running.run("keys", "list", "--json").stdout):
        assert key["name"] != "cli"  # the keys made for these calls are gone


@pytest.mark.row("O1")
def test_calls_are_in_the_log_with_their_attempts_also_after_the_stop(served):
    served.start()
    served.run("call", "stripe", "GET", "/v1/customers")
    served.run("call", "stripe", "GET", "/v1/nope")

    def logged() -> list[dict]:
        return [
            json.loads(line) for line in served.run("logs", "--json", "--limit", "10").stdout.splitlines()
        ]

    calls = eventually(lambda: (found := logged()) and len(found) == 2 and found, "two calls in the log")
    assert [(c["integration"], c["state"], len(c["attempts"])) for c in calls] == [
        ("stripe", "error", 1),
        ("stripe", "ok", 1),
    ]
    shown = served.run("logs", "show", calls[0]["correlation_id"])
    assert (shown.returncode, "#1  stripe  404" in shown.stdout) == (0, True)
    assert served.run("logs", "show", "nothing").returncode == 1
    usage = json.loads(served.run("usage", "--by", "integration", "--json").stdout)
    assert [(row["integration"], row["calls"], row["errors"]) for row in usage] == [("stripe", 2, 1)]
    served.stop()
    assert len(logged()) == 2


@pytest.mark.row("R5")
def test_a_changed_registry_is_live_within_a_second_and_a_wrong_one_is_refused(running):
    before = running.facts("gateway.json")["version"]
    changed = time.monotonic()
    running.registry.write_text(REGISTRY + "  gotenberg: {base_url: 'http://127.0.0.1:9'}\n")
    eventually(lambda: running.facts("gateway.json")["version"] != before, "the new version")
    print(f"live after {time.monotonic() - changed:.2f} s")
    live = running.facts("gateway.json")["version"]
    running.registry.write_text(REGISTRY + "  stripe2: {}\n")
    eventually(lambda: running.facts("reload.json").get("ok") is False, "the refusal")
    assert running.facts("reload.json")["findings"][0]["line"] == 5
    assert running.facts("gateway.json")["version"] == live
    eventually(lambda: "is refused" in running.said, "the refusal to be said")
    refused = running.run("reload")
    assert (refused.returncode, "trunkline.yaml:5:" in refused.stdout) == (3, True)
    running.registry.write_text(REGISTRY)
    assert running.run("reload").returncode == 0
    assert running.facts("gateway.json")["version"] == before


@pytest.mark.row("S2")
def test_a_stored_secret_is_live_after_a_reload(served):
    served.registry.write_text(REGISTRY.replace("env:STRIPE_SECRET_KEY", "store:STRIPE"))
    served.start()
    assert json.loads(served.run("integrations", "--json").stdout)[1]["state"] == "simulated"
    served.run("secrets", "set", "STRIPE", stdin="rk_test_" + "a1b2c3d4" * 4)
    assert served.run("reload").returncode == 0
    assert json.loads(served.run("integrations", "--json").stdout)[1]["state"] == "ready"
    assert served.run("secrets", "remove", "STRIPE").returncode == 1


@pytest.mark.row("Q2")
@pytest.mark.parametrize("name", ["gateway", "console"])
def test_a_killed_process_is_back_at_once(running, name):
    first = running.kill(name)
    second = eventually(lambda: (pid := running.pid(name)) not in (0, first) and pid, f"a new {name}")
    assert second != first
    eventually(running.up, "an answer")
    assert f"The {name} ended (killed by SIGKILL); starting it again at once." in running.said


@pytest.mark.row("X1")
def test_a_second_start_is_refused_naming_the_pid(running):
    second = running.run(*SERVE)
    assert second.returncode == 1
    assert f"already running on .trunkline (pid {running.process.pid})" in second.stderr
    assert running.up()


def test_a_start_after_the_supervisor_was_killed_takes_over(served):
    served.start()
    names = ("gateway", "console", "simulator")
    orphans = [eventually(lambda: served.pid(name), name) for name in names]  # noqa: B023 (looked at in the same turn)
    served.process.kill()
    served.process.wait()
    served.start()
    assert served.up()
    assert not any(is_alive(pid) for pid in orphans)


@pytest.mark.row("S1")
def test_credentials_of_the_environment_reach_neither_gateway_nor_console(served):
    served.environ["OPENAI_API_KEY"] = "sk-proj-" + "testtest" * 6
    served.start()
    eventually(lambda: served.pid("console"), "the console")
    for name in ("gateway", "console"):
        environ = Path(f"/proc/{served.pid(name)}/environ").read_bytes()
        assert b"TRUNKLINE_STATE_DIR" in environ
        assert b"OPENAI_API_KEY" not in environ
        assert b"testtest" not in environ
    assert "Real            openai" in served.said
    assert b"testtest" not in b"".join(contents(served.folder).values())


@pytest.mark.row("W1")
def test_a_revoked_key_is_refused_at_once(running):
    made = json.loads(
        running.run("keys", "create", "--name", "web", "--scope", "integration:stripe", "--json").stdout
    )
    call = ("call", "stripe", "GET", "/v1/customers", "--key", made["key"])
    assert running.run(*call).returncode == 0
    running.run("keys", "revoke", "web")
    assert eventually(lambda: running.run(*call).returncode == 4, "the refusal")


@pytest.mark.row("H1")
def test_health_of_the_running_one(served):
    served.start()
    told = served.run("health", "--json")
    assert (told.returncode, json.loads(told.stdout)["status"]) == (0, "healthy")
    served.stop()
    assert served.run("health").returncode == 7


def test_an_interrupt_stops_in_order_and_a_second_one_at_once(served):
    served.start()
    assert served.stop(signal.SIGINT) == 0
    assert "Stopping: running calls may end." in served.said


@pytest.mark.row("R2")
def test_the_simulator_starts_when_a_reload_first_needs_it(served):
    served.environ["OPENAI_API_KEY"] = "sk-proj-" + "testtest" * 6
    served.registry.write_text(REGISTRY.replace("  stripe: {secret: env:STRIPE_SECRET_KEY}\n", ""))
    served.start()
    assert served.pid("simulator") == 0
    served.registry.write_text(REGISTRY)
    assert served.run("reload").returncode == 0
    eventually(
        lambda: served.run("call", "stripe", "GET", "/v1/customers").returncode == 0, "a simulated answer"
    )


def test_following_the_log_shows_calls_as_they_come_until_interrupted(running):
    command = [*TRUNKLINE, "logs", "--follow", "--json"]
    follower = subprocess.Popen(command, cwd=running.folder, env=running.environ, stdout=subprocess.PIPE)
    try:
        eventually(lambda: any((running.state / "ledger").glob("rollups.db")), "the ledger")
        for _ in range(8):  # it follows from its start on, which nothing tells: calls go on until one shows
            running.run("call", "stripe", "GET", "/v1/customers")
            if select.select([follower.stdout], [], [], 2)[0]:
                break
        assert json.loads(follower.stdout.readline())["integration"] == "stripe"
        follower.send_signal(signal.SIGINT)
        assert ended(follower) == 130
    finally:
        follower.kill()
        follower.stdout.close()


def test_without_a_registry_the_first_run_writes_one(served):
    served.registry.unlink()
    served.start()
    assert served.up()
    assert "openai:" in served.registry.read_text()
    assert served.run("check").returncode in (0, 1)
