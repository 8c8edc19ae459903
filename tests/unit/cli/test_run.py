"""`trunkline run`: secrets reach the process alone, signals and exit code pass, and a change restarts or signals it."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.polling import eventually
from tests.support.store_servers import answering
from trunkline.cli.main import run as command
from trunkline.cli.run import Given, Remote, Runner, base_environ
from trunkline.control import audit, processes, secrets
from trunkline.control.processes import ProcessSpec
from trunkline.control.state import State

pytestmark = pytest.mark.row("S6")
TELLS = "import os,sys;open(sys.argv[1],'a').write(os.environ.get('TOKEN','none')+'\\n');{then}"


class Fixed:
    """Gives what the test says."""

    every_s = 0.0

    def __init__(self, value: str = "v1-not-real", on_rotate: str = "restart") -> None:
        self.value, self.on_rotate, self.given = value, on_rotate, 0
        self.broken = False

    def give(self) -> Given:
        if self.broken:
            raise OSError("away")
        self.given += 1
        return Given("web", self.value[:2], self.on_rotate, {"TOKEN": self.value})

    def version(self) -> str:
        return self.value[:2]


def child(out: Path, then: str = "pass") -> list[str]:
    return [sys.executable, "-c", TELLS.format(then=then), str(out)]


WAITS = "import signal;signal.pause()"


def beside(act: Callable[[], None]) -> threading.Thread:
    """Does something while the runner has the main thread, where signals are handled."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    return thread


def lines(out: Path) -> list[str]:
    return out.read_text().splitlines() if out.exists() else []


def test_the_secrets_stand_in_its_environment_and_its_code_is_ours(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert Runner(Fixed(), child(out, "sys.exit(7)"), os.environ).run() == 7
    assert lines(out) == ["v1-not-real"]
    assert "v1-not-real" not in repr(Fixed().give())
    assert "TOKEN" not in os.environ


def test_a_change_starts_it_again_with_the_new_value(tmp_path: Path) -> None:
    out, giver = tmp_path / "out", Fixed()

    def act() -> None:
        eventually(lambda: len(lines(out)) == 1, "the first start")
        giver.value = "v2-not-real"
        eventually(lambda: len(lines(out)) == 2, "the second start")
        os.kill(os.getpid(), signal.SIGTERM)

    thread = beside(act)
    assert Runner(giver, child(out, WAITS), os.environ).run() == 128 + signal.SIGTERM
    thread.join(60)
    assert lines(out) == ["v1-not-real", "v2-not-real"]


def test_a_change_may_only_send_a_signal(tmp_path: Path) -> None:
    out, giver = tmp_path / "out", Fixed(on_rotate="SIGHUP")
    told = f"(lambda text: open({str(out)!r}, 'a').write(text))"
    hears = (
        f"import signal;signal.signal(signal.SIGHUP, lambda *_: ({told}('hup\\n'), sys.exit(3)));"
        f"{told}('ready\\n');signal.pause()"
    )

    def act() -> None:
        eventually(lambda: "ready" in lines(out), "it to be ready")
        giver.value = "v2-not-real"

    beside(act)
    assert Runner(giver, child(out, hears), os.environ).run() == 3
    assert lines(out) == ["v1-not-real", "ready", "hup"]


def test_a_process_that_does_not_end_is_ended_before_it_starts_again(tmp_path: Path) -> None:
    out, giver = tmp_path / "out", Fixed()
    stubborn = f"import signal;signal.signal(signal.SIGTERM,signal.SIG_IGN);open({str(out)!r},'a').write('ready\\n');signal.pause()"

    def act() -> None:
        eventually(lambda: "ready" in lines(out), "the first start")
        giver.value = "v2-not-real"
        eventually(lambda: lines(out).count("ready") == 2, "the second start")
        giver.on_rotate = "none"
        os.kill(os.getpid(), signal.SIGTERM)

    beside(act)
    running = Runner(giver, child(out, stubborn), os.environ, grace_s=0.05)
    ender = beside(lambda: _kill_after(out, running))
    assert running.run() == 128 + signal.SIGKILL
    ender.join(60)


def _kill_after(out: Path, running: Runner) -> None:
    eventually(lambda: lines(out).count("ready") == 2 and running._signalled, "the second start")
    process = running._process
    assert process is not None
    process.kill()


def test_when_the_new_value_cannot_be_had_it_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, giver = tmp_path / "out", Fixed()

    def act() -> None:
        eventually(lambda: len(lines(out)) == 1, "the start")
        giver.broken, giver.value = True, "v2-not-real"
        eventually(lambda: giver.asked_in_vain, "it to be asked")
        os.kill(os.getpid(), signal.SIGTERM)

    giver.asked_in_vain = False  # type: ignore[attr-defined]
    give = giver.give

    def watched() -> Given:
        giver.asked_in_vain = giver.asked_in_vain or giver.broken  # type: ignore[attr-defined]
        return give()

    giver.give = watched  # type: ignore[method-assign]
    beside(act)
    assert Runner(giver, child(out, WAITS), os.environ).run() == 128 + signal.SIGTERM
    assert lines(out) == ["v1-not-real"]
    assert "cannot be had (away); the process goes on" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "code"), [("/nonexistent/command", 127), ("/", 126)])
def test_a_command_that_cannot_be_started(name: str, code: int) -> None:
    assert Runner(Fixed(), [name], os.environ).run() == code


def test_what_opens_the_store_is_not_handed_on() -> None:
    given = {
        "PATH": "/bin",
        "TRUNKLINE_MASTER_KEY": "x",
        "TRUNKLINE_MASTER_KEY_FILE": "y",
        "OTHER": "z",
        "TRUNKLINE_SECRETS_KEY": "k",
    }
    assert base_environ(given, clean=False) == {"PATH": "/bin", "OTHER": "z"}
    assert base_environ(given, clean=True) == {"PATH": "/bin"}


def test_over_the_admin_api_with_a_scoped_key() -> None:
    with answering() as api:
        told = {"name": "web", "version": "v1", "on_rotate": "none", "env": {"TOKEN": "value-not-real"}}
        api.on("GET", "/api/processes/web/secrets", 200, told)
        api.on("GET", "/api/processes/web", 200, {"name": "web", "version": "v2"})
        remote = Remote(api.address, "tl_test_not_a_real_key", "web")
        assert remote.give() == Given("web", "v1", "none", {"TOKEN": "value-not-real"})
        assert remote.version() == "v2"
        assert {seen.headers["authorization"] for seen in api.seen} == {"Bearer tl_test_not_a_real_key"}
    assert remote.version() == ""


def test_a_process_of_this_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = State(tmp_path / "state", {}).create()
    secrets.set_secret(state, "CRM", "crm-not-real")
    spec = ProcessSpec(name="web", env={"TOKEN": "store:CRM"}, on_rotate="none")
    processes.publish(state, [spec], {"store:CRM": "crm-not-real"}, {})
    monkeypatch.setenv("TRUNKLINE_STATE_DIR", str(state.path))
    out = tmp_path / "out"
    assert command(["run", "--", *child(out, "sys.exit(5)")]) == 5
    assert lines(out) == ["crm-not-real"]
    (row,) = [row for row in audit.entries(state) if row["action"] == "secret.fetch"]
    assert (row["subject"], row["detail"]["process"], row["detail"]["variable"]) == (
        "store:CRM",
        "web",
        "TOKEN",
    )
    assert "crm-not-real" not in json.dumps(audit.entries(state))


def test_what_is_lacking_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state = State(tmp_path / "state", {}).create()
    monkeypatch.setenv("TRUNKLINE_STATE_DIR", str(state.path))
    assert command(["run", "--", "true"]) == 1
    assert "declares no process" in capsys.readouterr().err
    specs = [ProcessSpec(name="web", env={"TOKEN": "store:CRM"}), ProcessSpec(name="jobs", env={})]
    processes.publish(state, specs, {}, {"store:CRM": "the store has no secret of this name. Set it."})
    assert command(["run", "--", "true"]) == 1
    assert "say which with --as: web, jobs" in capsys.readouterr().err
    assert command(["run", "--as", "web", "--", "true"]) == 1
    assert "TOKEN (store:CRM): the store has no secret of this name" in capsys.readouterr().err
