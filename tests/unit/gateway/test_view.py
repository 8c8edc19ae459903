"""What the gateway tells of each integration: its traffic in epoch time, breakers, problems, and what the console found out."""

from __future__ import annotations

import pytest

from trunkline.core.errors import CallError
from trunkline.core.flow import Breaker
from trunkline.core.service import Credential
from trunkline.gateway.view import View, problems
from trunkline.ops.outside import Outside, Probed
from trunkline.testing import Trial, answers, service

pytestmark = pytest.mark.row("H1")


async def test_everything_that_is_known_of_an_integration_comes_together() -> None:
    spec = service(breaker=Breaker(volume=1, failures=0.1))
    trial = Trial(answers(200, b"{}"), answers(500, b"{}"), services=[spec, service("idle")])
    clock = trial.clock
    probed = Probed(at=clock.wall(), every=60.0, ok=True, reason="fine")
    view = View(
        trial.breaker,
        clock=clock,
        wall=clock.wall,
        outside=lambda: Outside(probes={"idle": probed}, unknown_open=2),
        stale=lambda: {"idle": 5.0},
    )
    await trial.ask("GET", "/api/proxy/acme/x")
    clock.advance(2.0)
    await trial.ask("POST", "/api/proxy/acme/x", b"{}")
    clock.advance(1.0)
    acme, idle = view.known(trial.gateway.world, circuits=True)

    assert (acme.calls, acme.failures, acme.last_error_code) == (2, 1, "server_error")
    assert (acme.last_ok_at, acme.last_error_at) == (clock.wall() - 3.0, clock.wall() - 1.0)
    assert (acme.breaker, [row["state"] for row in acme.circuits]) == ("open", ["open"])
    assert (idle.probe, idle.stale_s, idle.circuits) == (probed, 5.0, ())
    assert view.known(trial.gateway.world)[0].circuits == ()

    assert (view.unknown_open(), View(trial.breaker, clock=clock, wall=clock.wall).unknown_open()) == (
        2,
        None,
    )

    told = view.stats(trial.gateway.world)
    assert told["breakers"] == {"acme": "open", "idle": "closed"}
    assert told["traffic"]["acme"] == {
        "attempts": 2,
        "errors": 1,
        "window": (2, 1),
        "last_error_code": "server_error",
        "last_ok_age_s": 3.0,
        "last_error_age_s": 1.0,
    }
    assert told["traffic"]["idle"]["last_ok_age_s"] is None
    assert (list(told["circuits"]), told["problems"]) == (["acme"], {})


async def test_an_integration_cannot_be_called_when_none_of_its_credentials_can() -> None:
    pool = [Credential(ref="env:A"), Credential(ref="env:B")]
    world = Trial(
        services=[service("lame", credentials=pool), service("half", credentials=pool)]
    ).gateway.world
    for member in [*world.services["lame"].members, world.services["half"].members[0]]:
        member.problem = CallError("disabled", "switched off")
    assert problems(world) == {"lame": "switched off"}
