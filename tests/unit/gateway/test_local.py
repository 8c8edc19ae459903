"""What the gateway answers itself; which of it is open is exactly what ruling 13 names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trunkline.core.exchange import Exchange
from trunkline.core.service import Model
from trunkline.engine.gateway import Local
from trunkline.testing import KEY, Heard, Trial, answers, caller_key, request, service

SHOP = "https://shop.test"
BROWSER = caller_key(kind="browser", origins=[SHOP], scopes=["model:acme/*", "integration:acme"])
PREFLIGHT = [("origin", SHOP), ("access-control-request-method", "POST")]


def found(trial: Trial, method: str, path: str, *headers: tuple[str, str]) -> Local | None:
    asked = request(method, path, b"", *headers)
    exchange = Exchange(asked, Heard(), "call-1", 1.0, 2.0)
    return trial.local.table().get((method, path.encode())) or trial.local.find(
        method, path.encode(), exchange
    )


def told(heard: Heard) -> Any:
    return json.loads(heard.body)


@pytest.mark.row("W1")
async def test_the_open_routes_are_those_of_ruling_13() -> None:
    """Liveness, readiness, CORS preflight, and `/health` where it is declared public; nothing else."""
    paths = ["/", "/health", "/health/live", "/health/ready", "/metrics", "/v1/models", "/v1beta/models", "/v1/models/x",
             "/v1beta/models/x",
             "/v1/tokens", "/v1/chat/completions", "/api/proxy/acme/x", "/console", "/admin", "/favicon.ico"]  # fmt: skip
    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

    def opened(trial: Trial, *headers: tuple[str, str]) -> set[tuple[str, str]]:
        return {
            (m, p)
            for m in methods
            for p in paths
            if (local := found(trial, m, p, *headers)) is not None and local.open
        }

    health = {("GET", "/health/live"), ("GET", "/health/ready")}
    assert opened(Trial()) == health
    assert opened(Trial(health_public=True)) == health | {("GET", "/health")}
    assert opened(Trial(), *PREFLIGHT) == health | {("OPTIONS", path) for path in paths}
    in_table = {key for key, local in Trial().local.table().items() if local.open}
    assert in_table == {("GET", b"/health/live"), ("GET", b"/health/ready")}


@pytest.mark.row("W1")
@pytest.mark.parametrize(
    "path",
    ["/health?detail=1", "/health/live/", "/HEALTH/live", "/v1/models", "/v1/tokens", "/health//ready"],
)
async def test_without_a_key_nothing_else_answers(path: str) -> None:
    for method in ("GET", "POST", "HEAD"):
        heard = await Trial(health_public=True).ask(method, path, key="")
        assert heard.status == 401


@pytest.mark.row("H1")
async def test_liveness_and_readiness() -> None:
    trial = Trial()
    live, ready = [await trial.ask("GET", f"/health/{what}", key="") for what in ("live", "ready")]
    assert (live.status, told(live)) == (200, {"status": "live"})
    assert (ready.status, told(ready)) == (200, {"status": "ready", "config_version": "v1"})
    trial.gateway.draining = True
    drained = await trial.ask("GET", "/health/ready", key="")
    assert (drained.status, told(drained)) == (503, {"status": "draining"})
    assert trial.journal.payloads == []


@pytest.mark.row("H1", "W1")
@pytest.mark.parametrize(("scopes", "status"), [(["health:read"], 200), (["*"], 200), (["model:*"], 403)])
async def test_health_needs_its_scope(scopes: list[str], status: int) -> None:
    heard = await Trial(keys=[caller_key(scopes=scopes)]).ask("GET", "/health")
    assert heard.status == status


@pytest.mark.row("A1")
@pytest.mark.parametrize(
    ("target", "headers", "key", "wanted"),
    [
        ("/v1/models", [], "data", "id"),
        ("/v1/models", [("anthropic-version", "2023-06-01")], "data", "id"),
        ("/v1beta/models", [], "models", "name"),
        ("/v1/models", [("x-goog-api-key", KEY)], "models", "name"),
        ("/api/tags", [], "models", "name"),
    ],
)
async def test_one_list_of_models_reads_in_three_dialects(
    target: str, headers: list[tuple[str, str]], key: str, wanted: str
) -> None:
    trial = Trial(
        services=[service(models=[Model(id="a"), Model(id="b", kind="embedding")])],
        aliases={"fast": "acme/a"},
    )
    names = [
        row[wanted].removeprefix("models/")
        for row in told(await trial.ask("GET", target, b"", *headers))[key]
    ]
    assert names == ["acme/a", "acme/b", "fast"]


@pytest.mark.row("W1", "A1")
@pytest.mark.parametrize(
    ("scopes", "names"),
    [
        (["*"], ["acme/a", "acme/b", "other/a"]),
        (["integration:acme"], ["acme/a", "acme/b"]),
        (["model:*/a"], ["acme/a", "other/a"]),
        (["model:acme/b"], ["acme/b"]),
        (["health:read"], []),
    ],
)
async def test_a_key_sees_the_models_that_it_may_use(scopes: list[str], names: list[str]) -> None:
    services = [
        service("acme", models=[Model(id="a"), Model(id="b")]),
        service("other", models=[Model(id="a")]),
    ]
    trial = Trial(services=services, keys=[caller_key(scopes=scopes)])
    assert [row["id"] for row in told(await trial.ask("GET", "/v1/models"))["data"]] == names
    anthropic = told(await trial.ask("GET", "/v1/models", b"", ("anthropic-version", "2023-06-01")))
    assert (anthropic["first_id"], anthropic["last_id"]) == ((names[0], names[-1]) if names else (None, None))


@pytest.mark.row("A1")
@pytest.mark.parametrize(
    ("target", "status", "name"),
    [
        ("/v1/models/acme/tiny", 200, "acme/tiny"),
        ("/v1/models/acme%2Ftiny", 200, "acme/tiny"),
        ("/v1/models/tiny", 200, "tiny"),
        ("/v1/models/nothing", 404, ""),
    ],
)
async def test_one_model_by_its_name(target: str, status: int, name: str) -> None:
    heard = await Trial().ask("GET", target)
    assert heard.status == status
    assert status == 404 or (told(heard)["id"], told(heard)["object"]) == (name, "model")


@pytest.mark.row("W1")
async def test_a_model_that_a_key_may_not_use_is_not_shown() -> None:
    heard = await Trial(keys=[caller_key(scopes=["model:other/*"])]).ask("GET", "/v1/models/acme/tiny")
    assert (heard.status, told(heard)["code"]) == (403, "forbidden")


@pytest.mark.row("W4")
@pytest.mark.parametrize(("origin", "status"), [(SHOP, 204), ("https://evil.test", 403), ("null", 403)])
async def test_preflight_is_answered_from_the_origins_of_live_keys(origin: str, status: int) -> None:
    trial = Trial(keys=[caller_key(origins=[SHOP])])
    headers = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "x-a"),
    ]
    heard = await trial.ask("OPTIONS", "/v1/chat/completions", b"", *headers, key="")
    assert heard.status == status
    assert heard.field(b"access-control-allow-origin") == (origin.encode() if status == 204 else None)
    assert heard.field(b"access-control-allow-headers") == (b"x-a" if status == 204 else None)
    assert (trial.wire.sent, trial.journal.payloads) == ([], [])


@pytest.mark.row("W4")
async def test_a_browser_key_mints_a_token_that_calls_from_its_origin_and_from_nowhere_else() -> None:
    trial = Trial(answers(200, b"{}"), keys=[BROWSER])
    minted = await trial.ask("POST", "/v1/tokens", b'{"subject":"user-7","ttl_s":60}')
    token = told(minted)
    assert (minted.status, token["origin"], token["scopes"]) == (201, SHOP, BROWSER.scopes)
    assert token["expires_at"] == "2026-11-21T12:01:00Z"
    assert minted.field(b"cache-control") == b"no-store"
    here = await trial.ask("GET", "/api/proxy/acme/x", b"", ("origin", SHOP), key=token["token"])
    there = await trial.ask(
        "GET", "/api/proxy/acme/x", b"", ("origin", "https://evil.test"), key=token["token"]
    )
    nowhere = await trial.ask("GET", "/api/proxy/acme/x", key=token["token"])
    assert (here.status, there.status, nowhere.status) == (200, 403, 403)
    trial.clock.advance(60)
    late = await trial.ask("GET", "/api/proxy/acme/x", b"", ("origin", SHOP), key=token["token"])
    assert (late.status, len(trial.wire.sent)) == (401, 1)


@pytest.mark.row("W4")
@pytest.mark.parametrize(
    ("changes", "body", "status", "message"),
    [
        ({"kind": "app"}, b"{}", 403, "only a key of kind browser mints tokens"),
        (
            {},
            b'{"origin":"https://evil.test"}',
            400,
            "origin 'https://evil.test' is not one of this key's origins",
        ),
        ({"origins": [SHOP, "https://b.test"]}, b"{}", 400, "origin '' is not one of"),
        ({"origins": []}, b"{}", 400, "origin '' is not one of this key's origins (none)"),
        ({}, b'{"ttl_s":3601}', 400, "ttl_s takes 1 to 3600 seconds, not 3601"),
        ({}, b'{"ttl_s":0}', 400, "ttl_s takes 1 to 3600 seconds, not 0"),
        ({}, b'{"ttl":5}', 400, "the body of POST /v1/tokens does not fit"),
        ({}, b"[", 400, "the body of POST /v1/tokens does not fit"),
        ({}, b"\xff", 400, "the body of POST /v1/tokens does not fit"),
        ({"subject": "user-7"}, b'{"subject":"user-8"}', 403, "this key is bound to another subject"),
    ],
)
async def test_tokens_are_minted_within_their_bounds_only(
    changes: dict[str, Any], body: bytes, status: int, message: str
) -> None:
    kind = {"kind": "browser", "origins": [SHOP], **changes}
    heard = await Trial(keys=[caller_key(**kind)]).ask("POST", "/v1/tokens", body)
    assert heard.status == status
    assert message in told(heard)["message"]


@pytest.mark.row("W4")
async def test_a_token_mints_no_tokens_and_a_browser_key_does_nothing_else() -> None:
    trial = Trial(answers(200, b"{}"), keys=[BROWSER])
    token = told(await trial.ask("POST", "/v1/tokens", b"{}"))["token"]
    again = await trial.ask("POST", "/v1/tokens", b"{}", ("origin", SHOP), key=token)
    calls = [
        await trial.ask("GET", target)
        for target in ("/api/proxy/acme/x", "/v1/models", "/v1/models/acme/tiny")
    ]
    assert (again.status, [heard.status for heard in calls], trial.wire.sent) == (403, [403, 403, 403], [])


@pytest.mark.row("W4")
async def test_a_browser_key_is_refused_wherever_it_comes_from_a_browser() -> None:
    heard = await Trial(keys=[BROWSER]).ask("POST", "/v1/tokens", b"{}", ("origin", SHOP))
    assert heard.status == 403


@pytest.mark.row("A1")
@pytest.mark.parametrize(
    ("body", "status", "tells"),
    [
        (b'{"model":"acme/a"}', 200, ["completion"]),
        (b'{"name":"b"}', 200, ["embedding"]),
        (b'{"model":"acme/nope"}', 200, ["completion"]),
        (b'{"model":"nope"}', 404, "unknown_model"),
        (b"{}", 400, "invalid_request"),
        (b"{", 400, "invalid_request"),
        (b"[]", 400, "invalid_request"),
    ],
)
async def test_clients_of_ollama_are_shown_a_model(body: bytes, status: int, tells: Any) -> None:
    trial = Trial(services=[service(models=[Model(id="a", context=9), Model(id="b", kind="embedding")])])
    heard = await trial.ask("POST", "/api/show", body)
    said = told(heard)
    assert heard.status == status
    assert said["capabilities" if status == 200 else "code"] == tells
    if body == b'{"model":"acme/a"}':
        assert said["model_info"] == {"general.architecture": "acme", "acme.context_length": 9}
        assert said["details"]["family"] == "acme"


async def test_a_key_is_shown_no_model_that_it_may_not_use() -> None:
    trial = Trial(
        keys=[caller_key(scopes=["model:acme/b"])], services=[service(models=[Model(id="a"), Model(id="b")])]
    )
    assert (await trial.ask("POST", "/api/show", b'{"model":"acme/a"}')).status == 403
