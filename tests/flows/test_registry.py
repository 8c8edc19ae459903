"""The registry drives the running gateway: hot reloads, environments, pools, missing secrets."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

import pytest

from tests.support.folders import contents
from tests.support.gateway import SECRETS, Trunkline
from tests.support.simulator import SimulatorProcess
from tests.support.site import SILENCE, Site, reply
from trunkline.simulator.ledger import digest

Start = Callable[..., Trunkline]

PLAIN = """
version: 1
integrations:
  crm: {base_url: "{simulator}/crm", auth: {kind: bearer, secret: env:CRM_TOKEN}}
  site: {base_url: "{site}", auth: {kind: none}}
"""
SEVENTH = """  seventh:
    base_url: {simulator}/seventh
    auth: {kind: header, name: x-api-key, secret: env:CRM_TOKEN}
    owner: ops@example.com
"""


def filled(text: str, simulator: SimulatorProcess, site: Site) -> str:
    return text.replace("{simulator}", simulator.address()).replace("{site}", site.address)


@pytest.mark.row("R2", "R5")
def test_a_seventh_api_is_added_while_calls_run_and_none_fails(
    start: Start, simulator: SimulatorProcess, site: Site
) -> None:
    trunkline = start(PLAIN)
    statuses: Counter[int] = Counter()
    stop = threading.Event()

    def traffic() -> None:
        while not stop.is_set():
            statuses[trunkline.call("GET", "/api/proxy/crm/echo").status] += 1

    before = trunkline.call("GET", "/api/proxy/seventh/echo")
    threads = [threading.Thread(target=traffic) for _ in range(3)]
    for thread in threads:
        thread.start()
    for n in range(4):
        extra = SEVENTH if n % 2 == 0 else ""
        trunkline.reload(filled(PLAIN + extra, simulator, site))
    trunkline.reload(filled(PLAIN + SEVENTH, simulator, site))
    after = trunkline.call("GET", "/api/proxy/seventh/echo")
    stop.set()
    for thread in threads:
        thread.join()

    assert (before.status, after.status) == (404, 200)
    assert set(statuses) == {200}
    assert simulator.ledger(vendor="seventh")[0].credential == digest(SECRETS["CRM_TOKEN"])


@pytest.mark.row("R5")
def test_a_running_call_ends_in_the_world_that_it_began_in(
    start: Start, simulator: SimulatorProcess, site: Site
) -> None:
    trunkline = start(PLAIN)
    site.paced(0.15, b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n", b"1", b"2", b"3", b"4")
    with trunkline.stream("GET", "/api/proxy/site/slow") as answer:
        first = answer.piece()
        trunkline.reload(filled(PLAIN.split("  site:")[0], simulator, site))
        gone = trunkline.call("GET", "/api/proxy/site/slow")
        rest = answer.rest()

    assert (first + rest, gone.status) == (b"1234", 404)
    old, new = (trunkline.recorded(a).begin.config_version for a in (answer, gone))
    assert old != new


@pytest.mark.row("R4", "R5")
@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (PLAIN + "  broken: {base_url: [}\n", "trunkline.yaml"),
        (PLAIN + "  crm2: {base_ulr: https://x.example.com}\n", "base_ulr"),
        (PLAIN + "  openia: {secret: env:OPENAI_API_KEY}\n", "openai"),
        (PLAIN.replace("version: 1", "version: 2"), "version"),
        (PLAIN + "surprise: 1\n", "surprise"),
        (PLAIN + "routes: {llm: nothing}\n", "nothing"),
        (PLAIN + "  leaky: {base_url: https://user:pass@x.example.com}\n", "auth"),
        ("", "trunkline.yaml"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place_and_the_old_one_stays(
    start: Start, simulator: SimulatorProcess, site: Site, wrong: str, told: str
) -> None:
    trunkline = start(PLAIN)
    outcome = trunkline.reload(filled(wrong, simulator, site))
    said = "\n".join(str(finding) for finding in outcome.errors)

    assert outcome.ok is False
    assert "trunkline.yaml:" in said
    assert told in said
    assert "user:pass" not in said
    assert trunkline.call("GET", "/api/proxy/crm/echo").status == 200
    assert "trunkline.yaml" in str(trunkline.call("GET", "/health?detail=1").json)


@pytest.mark.row("R5", "S1")
def test_a_missing_secret_concerns_its_integration_alone(start: Start, simulator: SimulatorProcess) -> None:
    trunkline = start(
        PLAIN + "  lame: {base_url: '{simulator}/lame', auth: {kind: bearer, secret: env:NOT_SET_ANYWHERE}}\n"
    )
    lame, well = (trunkline.call("GET", f"/api/proxy/{name}/echo") for name in ("lame", "crm"))

    assert (lame.status, lame.json["code"], lame.json["source"]) == (503, "secret_unavailable", "trunkline")
    assert "env:NOT_SET_ANYWHERE" in lame.json["message"]
    assert well.status == 200
    assert (simulator.ledger(vendor="lame"), trunkline.recorded(lame).end.code) == ([], "secret_unavailable")


@pytest.mark.row("S1")
def test_a_secret_from_a_file_is_used_and_never_shown(
    start: Start, simulator: SimulatorProcess, tmp_path: object
) -> None:
    trunkline = start(PLAIN)
    (trunkline.folder / "keys.env").write_text("TOKEN=file-test-not-a-real-key\n")
    (trunkline.folder / "keys.env").chmod(0o600)
    filed = PLAIN.replace("env:CRM_TOKEN", "file:keys.env#TOKEN").replace("{simulator}", simulator.address())
    outcome = trunkline.reload(filed.replace("{site}", "http://127.0.0.1:1"))

    assert outcome.ok, [str(finding) for finding in outcome.findings]
    assert trunkline.call("GET", "/api/proxy/crm/echo").status == 200
    assert simulator.ledger()[0].credential == digest("file-test-not-a-real-key")
    everything = b"".join(contents(trunkline.state.path).values())
    assert b"file-test-not-a-real-key" not in everything
    assert [value for value in SECRETS.values() if value.encode() in everything] == []


@pytest.mark.row("R9")
@pytest.mark.parametrize(("environment", "vendor"), [("dev", "dev-crm"), ("staging", "crm"), ("prod", "crm")])
def test_an_environment_overlays_the_registry(
    start: Start, simulator: SimulatorProcess, environment: str, vendor: str
) -> None:
    overlay = (
        "environments:\n  dev: {integrations: {crm: {base_url: '{simulator}/dev-crm'}}}\n  staging: {}\n"
    )
    trunkline = start(PLAIN + overlay, env=environment)

    assert trunkline.call("GET", "/api/proxy/crm/echo").json["vendor"] == vendor


@pytest.mark.row("R9")
@pytest.mark.parametrize(
    ("environment", "secret", "works"),
    [
        ("dev", "sk_test_notARealKey00", True),
        ("dev", "sk_live_notARealKey00", False),
        ("prod", "sk_live_notARealKey00", True),
        ("prod", "sk_test_notARealKey00", False),
    ],
)
def test_a_key_of_the_wrong_kind_is_that_integrations_error_only(
    start: Start, simulator: SimulatorProcess, environment: str, secret: str, works: bool
) -> None:
    registry = PLAIN + "  stripe: {base_url: '{simulator}/stripe', secret: env:STRIPE_SECRET_KEY}\n"
    trunkline = start(registry, env=environment, secrets={**SECRETS, "STRIPE_SECRET_KEY": secret})
    answer = trunkline.call("GET", "/api/proxy/stripe/v1/charges")

    assert trunkline.call("GET", "/api/proxy/crm/echo").status == 200
    assert answer.status == (200 if works else 503)
    if not works:
        assert answer.json["code"] == "misconfigured"
        assert secret.encode() not in answer.body
        assert simulator.ledger(vendor="stripe") == []


POOL = """
version: 1
integrations:
  pooled:
    base_url: {simulator}/crm
    auth: {kind: bearer}
    retry: {backoff: 10ms}
    secret:
      - {ref: env:FIRST, weight: 2}
      - {ref: env:SECOND}
"""
POOL_SECRETS = {"FIRST": "first-test-not-a-real-key", "SECOND": "second-test-not-a-real-key"}


@pytest.mark.row("R10")
def test_a_pool_spreads_by_weight(start: Start, simulator: SimulatorProcess) -> None:
    trunkline = start(POOL, secrets=POOL_SECRETS)
    for _ in range(30):
        trunkline.call("GET", "/api/proxy/pooled/echo")
    used = Counter(entry.credential for entry in simulator.ledger())

    assert used == {digest("first-test-not-a-real-key"): 20, digest("second-test-not-a-real-key"): 10}


@pytest.mark.row("R10", "F1")
def test_a_refused_member_is_left_for_another_and_both_are_on_record(
    start: Start, simulator: SimulatorProcess
) -> None:
    trunkline = start(POOL, secrets=POOL_SECRETS)
    simulator.accept("crm", POOL_SECRETS["SECOND"])
    answers = [trunkline.call("GET", "/api/proxy/pooled/echo") for _ in range(6)]
    calls = [trunkline.recorded(answer) for answer in answers]

    assert [answer.status for answer in answers] == [200] * 6
    assert {call.end.tried[-1].credential for call in calls} == {"env:SECOND"}
    assert ["auth_invalid", ""] in [call.codes for call in calls]
    assert all(len(call.codes) <= 2 for call in calls)


@pytest.mark.row("R10")
def test_a_member_without_its_secret_is_passed_over(start: Start, simulator: SimulatorProcess) -> None:
    trunkline = start(POOL, secrets={"SECOND": POOL_SECRETS["SECOND"]})
    answers = [trunkline.call("GET", "/api/proxy/pooled/echo") for _ in range(4)]

    assert [answer.status for answer in answers] == [200] * 4
    assert {entry.credential for entry in simulator.ledger()} == {digest(POOL_SECRETS["SECOND"])}


@pytest.mark.row("R10")
def test_a_members_own_address_is_used(start: Start, simulator: SimulatorProcess) -> None:
    trunkline = start(
        POOL.replace("{ref: env:SECOND}", "{ref: env:SECOND, base_url: '{simulator}/eu'}"),
        secrets=POOL_SECRETS,
    )
    for _ in range(6):
        trunkline.call("GET", "/api/proxy/pooled/echo")

    assert Counter((e.vendor, e.credential) for e in simulator.ledger()) == {
        ("crm", digest(POOL_SECRETS["FIRST"])): 4,
        ("eu", digest(POOL_SECRETS["SECOND"])): 2,
    }


AUTHS = """
version: 1
integrations:
  bearer: {base_url: "{site}", auth: {kind: bearer, secret: env:CRM_TOKEN}}
  header: {base_url: "{site}", auth: {kind: header, name: X-Token, template: "Token {secret}", secret: env:CRM_TOKEN}}
  query: {base_url: "{site}", auth: {kind: query, name: api_key, secret: env:CRM_TOKEN}}
  basic: {base_url: "{site}", auth: {kind: basic, username: robot, secret: env:CRM_TOKEN}}
  pair: {base_url: "{site}", auth: {kind: basic, secret: env:PAIR}}
  none: {base_url: "{site}", auth: {kind: none}}
  pinned: {base_url: "{site}", auth: {kind: none}, api_version: {query: version, value: "7"}, headers: {x-region: eu}}
  versioned: {base_url: "{site}/base", auth: {kind: none}, api_version: {path: /v2, value: v2}}
"""


@pytest.mark.row("K1", "K6")
def test_each_way_of_authenticating_puts_the_credential_in_its_place(start: Start, site: Site) -> None:
    trunkline = start(AUTHS, secrets={"CRM_TOKEN": "t 1&x", "PAIR": "user:pass"})
    names = ["bearer", "header", "query", "basic", "pair", "none", "pinned", "versioned"]
    assert [trunkline.call("GET", f"/api/proxy/{name}/x?a=1").status for name in names] == [200] * 8
    bearer, header, query, basic, pair, none, pinned, versioned = site.seen

    assert bearer.field("authorization") == "Bearer t 1&x"
    assert header.field("x-token") == "Token t 1&x"
    assert (query.target, query.field("authorization")) == ("/x?a=1&api_key=t%201%26x", None)
    assert basic.field("authorization") == "Basic cm9ib3Q6dCAxJng="
    assert pair.field("authorization") == "Basic dXNlcjpwYXNz"
    assert (none.field("authorization"), none.target) == (None, "/x?a=1")
    assert (pinned.target, pinned.field("x-region")) == ("/x?a=1&version=7", "eu")
    assert versioned.target == "/base/v2/x?a=1"


@pytest.mark.row("P5", "R5")
def test_swapping_the_vendor_behind_a_route_changes_no_caller(
    start: Start, simulator: SimulatorProcess, site: Site
) -> None:
    trunkline = start(PLAIN + "routes: {store: crm}\n")
    key = trunkline.new_key("shop", "route:store")
    first = trunkline.call("GET", "/api/proxy/store/x", key=key)
    site.script.append(reply(b'{"from":"site"}'))
    trunkline.reload(filled(PLAIN + "routes: {store: site}\n", simulator, site))
    second = trunkline.call("GET", "/api/proxy/store/x", key=key)

    assert [a.field("x-trunkline-integration") for a in (first, second)] == ["crm", "site"]
    assert second.json == {"from": "site"}


@pytest.mark.row("R5")
def test_a_call_that_waits_survives_a_reload(start: Start, simulator: SimulatorProcess, site: Site) -> None:
    trunkline = start(PLAIN)
    site.script.append(SILENCE)
    with trunkline.unanswered("GET", "/api/proxy/site/x", headers={"x-correlation-id": "waits"}):
        trunkline.reload(filled(PLAIN + SEVENTH, simulator, site))
        assert trunkline.call("GET", "/health/ready", key="").json["status"] == "ready"

    assert trunkline.recorded("waits").end.state == "cancelled"
