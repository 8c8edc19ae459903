"""Does a vendor take this value? One free call; what it says holds no secret."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trunkline.core.flow import Probe
from trunkline.core.service import Auth, Credential, Service
from trunkline.ops.probes.rounds import Place
from trunkline.ops.probes.trying import can_try, members_of, try_value
from trunkline.testing import FakeClock, ScriptedWire, answers, fails, service
from trunkline.wire.errors import ConnectRefused

pytestmark = pytest.mark.row("S3")
VALUE = "new-value-not-real"
REF = Credential(ref="store:ACME")
OAUTH2 = Auth(kind="oauth2", token_url="https://login.test/token", client_id="app")


def place(spec: Service, url: str) -> Place:
    return Place(url, b"acme.test")


def acme(**changes: Any) -> Service:
    return service(**{"probe": Probe(path="/me"), "credentials": [REF], **changes})


@pytest.mark.parametrize(
    ("status", "baseline", "ok"),
    [
        (200, 0, True),
        (204, 0, True),
        (401, 0, False),
        (403, 0, False),
        (403, 403, True),
        (401, 401, False),
        (404, 0, None),
        (404, 404, True),
        (429, 429, None),
        (500, 500, None),
    ],
)
async def test_what_a_status_means(status: int, baseline: int, ok: bool | None) -> None:
    wire = ScriptedWire(answers(status, VALUE.encode()), clock=FakeClock())
    found, seen = await try_value(wire, place, acme(), REF, VALUE, baseline)
    assert (found.ok, seen, found.said) == (ok, status, f"GET /me answered {status}")
    (sent,) = wire.sent
    assert sent.field(b"authorization") == f"Bearer {VALUE}".encode()


async def test_no_answer_tells_nothing() -> None:
    wire = ScriptedWire(fails(ConnectRefused("acme.test refused")), clock=FakeClock())
    found, _ = await try_value(wire, place, acme(), REF, VALUE)
    assert (found.ok, VALUE in found.said) == (None, False)


async def test_a_clients_secret_is_proved_by_its_token() -> None:
    token = json.dumps({"access_token": "t-not-real", "token_type": "bearer"}).encode()
    refused = json.dumps({"error": "invalid_client", "error_description": f"no {VALUE}"}).encode()
    wire = ScriptedWire(answers(200, token), answers(401, refused), answers(503, b""), clock=FakeClock())
    spec = acme(auth=OAUTH2, probe=None)
    said = [(await try_value(wire, place, spec, REF, VALUE))[0] for _ in range(3)]
    assert [one.ok for one in said] == [True, False, None]
    assert not any(VALUE in one.said for one in said)
    assert wire.sent[0].method == b"POST"


@pytest.mark.parametrize(
    ("changes", "can"),
    [
        ({}, True),
        ({"probe": None}, False),
        ({"probe": Probe(credential=False)}, False),
        ({"auth": Auth(kind="none")}, False),
        ({"auth": OAUTH2, "probe": None}, True),
        ({"auth": Auth(kind="oauth2", grant="refresh_token", refresh="store:R")}, False),
    ],
)
def test_whether_there_is_a_free_call(changes: dict[str, Any], can: bool) -> None:
    assert can_try(acme(**changes)) is can


async def test_a_member_of_a_pool_is_tried_at_its_own_address() -> None:
    eu = Credential(ref="store:ACME", base_url="https://eu.acme.test")
    spec = acme(credentials=[Credential(ref="store:OTHER"), eu])
    assert members_of(spec, "store:ACME") == [eu]
    asked: list[str] = []

    def at(spec: Service, url: str) -> Place:
        asked.append(url)
        return place(spec, url)

    await try_value(ScriptedWire(answers(200), clock=FakeClock()), at, spec, eu, VALUE)
    assert asked == ["https://eu.acme.test/me"]
