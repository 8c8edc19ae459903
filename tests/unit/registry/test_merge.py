"""Registry entry on top of catalog entry: what each may change."""

import pytest
from msgspec.structs import replace

from trunkline.core import flow, service
from trunkline.core.handling import Privacy

from .conftest import ISSUE, Load


def only(load: Load, entry: str, **more: object) -> service.Service:
    return load(f"version: 1\nintegrations:\n  {entry}\n", **more).snapshot.services[0]


@pytest.mark.row("R1", "R2")
def test_the_registry_of_the_issue_becomes_services_whole(loaded: Load) -> None:
    snapshot = loaded(ISSUE).snapshot
    assert [s.name for s in snapshot.services] == ["openai", "stripe", "crm"]
    assert snapshot.services[2] == service.Service(
        name="crm",
        title="crm",
        base_url="https://crm.example.com/api",
        auth=service.Auth(kind="bearer"),
        credentials=[service.Credential(ref="store:CRM_TOKEN")],
        api_version=service.ApiVersion(value="2026-01-01", header="X-Api-Version"),
        timeout=flow.Timeouts(connect=2.0, first_byte=10.0, idle=30.0, total=60.0),
        limits=[flow.Limit(requests=100, per=60.0), flow.Limit(concurrency=8)],
        operations=[
            service.Operation(name="create_contact", method="POST", path="/contacts", repeat="never")
        ],
        owner="ops@example.com",
        data=["pii.email"],
        privacy=Privacy(declared=True),
        criticality="enhancement",
        rotation_every=7776000.0,
        rotation_last="2026-10-01",
    )
    assert snapshot.aliases == [service.Alias(name="fast", target="openai/gpt-4o-mini")]
    assert snapshot.routes == {"llm": "openai", "payment": "stripe"}
    assert (snapshot.environment, snapshot.health_public, snapshot.error_style, snapshot.notes) == (
        "prod",
        False,
        "superset",
        [],
    )


@pytest.mark.row("R3")
def test_a_catalog_vendor_needs_only_its_secret(loaded: Load) -> None:
    stripe = only(loaded, "stripe: {secret: env:STRIPE_SECRET_KEY}")
    assert (stripe.vendor, stripe.base_url, stripe.auth.kind) == (
        "stripe",
        "https://api.stripe.com",
        "bearer",
    )
    assert stripe.idempotency is not None
    assert (stripe.idempotency.header, stripe.idempotency.hours) == ("Idempotency-Key", 24)
    charge = next(o for o in stripe.operations if o.name == "create_charge")
    assert charge == service.Operation(
        name="create_charge", method="POST", path="/v1/charges", repeat="with_key"
    )


@pytest.mark.row("R3")
def test_a_vendor_under_another_name_and_address(loaded: Load) -> None:
    found = only(
        loaded, "backup_llm: {vendor: openai, base_url: 'https://eu.api.openai.com/', secret: env:B}"
    )
    assert (found.name, found.vendor, found.base_url) == ("backup_llm", "openai", "https://eu.api.openai.com")
    assert [d.name for d in found.dialects] == [
        "openai-chat",
        "openai-responses",
        "openai-input-tokens",
        "openai-compact",
        "openai-embeddings",
    ]


@pytest.mark.row("R10")
def test_a_pool_keeps_weights_and_addresses(loaded: Load) -> None:
    found = only(
        loaded,
        "openai: {secret: [{ref: env:A, weight: 2}, {ref: env:B, base_url: 'https://eu.api.openai.com/'}]}",
    )
    assert found.credentials == [
        service.Credential(ref="env:A", weight=2),
        service.Credential(ref="env:B", base_url="https://eu.api.openai.com"),
    ]


@pytest.mark.row("K1")
@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        ("{kind: bearer, secret: env:A}", service.Auth(kind="bearer")),
        ("{secret: env:A}", service.Auth(kind="bearer")),
        ("{kind: header, name: X-Api-Key, secret: env:A}", service.Auth(kind="header", name="X-Api-Key")),
        (
            "{kind: header, name: A, template: 'Token {secret}', secret: env:A}",
            service.Auth(kind="header", name="A", template="Token {secret}"),
        ),
        ("{kind: query, name: api_key, secret: env:A}", service.Auth(kind="query", name="api_key")),
        ("{kind: basic, username: bob, secret: env:A}", service.Auth(kind="basic", username="bob")),
        ("{kind: basic, username: 'env:WHO', secret: env:A}", service.Auth(kind="basic", username="carol")),
        ("{kind: basic, username: 'env:NOBODY', secret: env:A}", service.Auth(kind="basic")),
        ("{kind: none}", service.Auth(kind="none")),
    ],
)
def test_every_way_of_authentication(loaded: Load, auth: str, expected: service.Auth) -> None:
    found = only(
        loaded, f"crm: {{base_url: 'https://crm.example.com', auth: {auth}}}", environ={"WHO": "carol"}
    )
    assert found.auth == expected


def test_auth_of_the_catalog_is_kept_until_its_kind_is_changed(loaded: Load) -> None:
    kept = only(loaded, "deepgram: {secret: env:A}")
    other = only(loaded, "deepgram: {secret: env:A, auth: {kind: bearer}}")
    assert kept.auth == service.Auth(kind="header", name="Authorization", template="Token {secret}")
    assert other.auth == service.Auth(kind="bearer")


def test_a_vendor_that_needs_no_secret_sends_none(loaded: Load) -> None:
    assert only(loaded, "ollama:").auth == service.Auth(kind="none")
    assert only(loaded, "qdrant: {secret: env:Q}").auth == service.Auth(kind="header", name="api-key")


@pytest.mark.row("K6")
@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("", service.ApiVersion(value="2023-06-01", header="anthropic-version")),
        (
            ", api_version: {value: '2027-01-01'}",
            service.ApiVersion(value="2027-01-01", header="anthropic-version"),
        ),
        (", api_version: {value: '9', query: v}", service.ApiVersion(value="9", query="v")),
        (", api_version: {value: '2', path: /v2}", service.ApiVersion(value="2", path="/v2")),
    ],
)
def test_a_pinned_version_can_be_moved(loaded: Load, own: str, expected: service.ApiVersion) -> None:
    assert only(loaded, f"anthropic: {{secret: env:A{own}}}").api_version == expected


@pytest.mark.row("K6")
def test_headers_join_without_regard_to_case(loaded: Load) -> None:
    found = only(loaded, "github: {secret: env:A, headers: {accept: application/json, X-Mine: a}}")
    assert sorted((h.name, h.value) for h in found.headers) == [
        ("User-Agent", "trunkline"),
        ("X-Mine", "a"),
        ("accept", "application/json"),
    ]


@pytest.mark.row("F6")
def test_default_timeouts_differ_for_ai(loaded: Load) -> None:
    ai, plain = (
        flow.Timeouts(connect=5, first_byte=300, idle=60, total=600),
        flow.Timeouts(connect=5, first_byte=30, idle=30, total=60),
    )
    assert only(loaded, "openai: {secret: env:A}").timeout == ai
    assert only(loaded, "slack: {secret: env:A}").timeout == plain
    assert (
        only(
            loaded,
            "mine: {base_url: 'https://llm.example.com', dialects: [{name: openai-chat, path: /v1/chat/completions}]}",
        ).timeout
        == ai
    )
    assert only(loaded, "openai: {secret: env:A, timeout: {total: 90s}}").timeout == flow.Timeouts(
        connect=5, first_byte=300, idle=60, total=90
    )


@pytest.mark.row("F1")
def test_an_operation_without_a_repeat_rule_gets_that_of_its_method(loaded: Load) -> None:
    operations = ", ".join(
        f"{{name: {m.lower()}, method: {m}, path: /x}}" for m in ("GET", "PUT", "DELETE", "POST", "PATCH")
    )
    found = only(loaded, f"crm: {{base_url: 'https://crm.example.com', operations: [{operations}]}}")
    assert [o.repeat for o in found.operations] == ["always", "with_key", "with_key", "never", "never"]


def test_an_operation_of_the_registry_hides_that_of_the_catalog(loaded: Load) -> None:
    own = "{name: charge, method: POST, path: /v1/charges, repeat: never, timeout: 10s}, {name: get_charge, method: GET, path: /mine}"
    found = only(loaded, f"stripe: {{secret: env:A, operations: [{own}]}}")
    assert [o.name for o in found.operations if o.path == "/v1/charges" and o.method == "POST"] == ["charge"]
    assert [o.path for o in found.operations if o.name == "get_charge"] == ["/mine"]
    assert found.operations[0].timeout == 10.0


@pytest.mark.row("A4")
def test_prices_carry_source_and_date_and_can_be_overridden(loaded: Load) -> None:
    found = only(
        loaded, "openai: {secret: env:A, models: [{id: gpt-4o, price: {input: 1, output: 2}}, {id: mine}]}"
    )
    models = {m.id: m for m in found.models}
    assert models["gpt-4o"].price == service.Price(input=1, output=2, source="registry")
    mini = models["gpt-4o-mini"].price
    assert mini is not None
    assert (mini.input, mini.output, mini.cached, mini.date) == (0.15, 0.6, 0.075, "2026-11-21")
    assert mini.source.startswith("genai-prices")
    assert models["gpt-4o-mini-2024-07-18"].price == mini, "a dated version costs what its name costs"
    assert models["mine"].price is None, "unpriced is a state, never 0"


def test_a_model_of_the_catalog_keeps_what_is_not_said_of_it(loaded: Load) -> None:
    plain = {m.id: m for m in only(loaded, "openai: {secret: env:A}").models}
    own = "[{id: gpt-4o-mini, title: Small one}, {id: gpt-4o-mini-2024-07-18, context: 1000}, {id: text-embedding-3-small}]"
    found = {m.id: m for m in only(loaded, f"openai: {{secret: env:A, models: {own}}}").models}
    assert found["gpt-4o-mini"] == replace(plain["gpt-4o-mini"], title="Small one")
    assert found["gpt-4o-mini-2024-07-18"] == replace(plain["gpt-4o-mini-2024-07-18"], context=1000)
    assert found["text-embedding-3-small"] == plain["text-embedding-3-small"]
    assert found["text-embedding-3-small"].kind == "embedding"
    assert found.keys() == plain.keys()


def test_error_rules_of_the_registry_come_first(loaded: Load) -> None:
    found = only(
        loaded, "stripe: {secret: env:A, errors: [{kind: overloaded, status: [402]}], ok_body: {/ok: 'true'}}"
    )
    assert (found.errors[0].kind, found.errors[0].status) == ("overloaded", [402])
    assert len(found.errors) > 1
    assert found.ok_body == {"/ok": "true"}


def test_defaults_hold_where_an_integration_is_silent(loaded: Load) -> None:
    text = """
        version: 1
        defaults: {owner: a@example.com, rotation: {every: 30d}, proxy: 'http://proxy.example.com:3128', retry: {attempts: 2}}
        integrations:
          openai: {secret: env:A}
          stripe: {secret: env:B, owner: b@example.com, retry: {attempts: 1, backoff: 500ms}}
    """
    first, second = loaded(text).snapshot.services
    assert (first.owner, first.rotation_every, first.proxy, first.retry.attempts) == (
        "a@example.com",
        2592000.0,
        "http://proxy.example.com:3128",
        2,
    )
    assert (second.owner, second.retry) == ("b@example.com", flow.Retry(attempts=1, backoff=0.5))


def test_everything_else_is_carried_over(loaded: Load) -> None:
    entry = """crm:
    base_url: https://crm.example.com
    tls: {ca_file: ca.pem, cert_file: /etc/c.pem, key_file: k.pem}
    breaker: {failures: 0.9, volume: 3, window: 1m, open_for: 2s}
    replay_buffer: 2MB
    body_limit: 1GB
    encoded_slash: true
    network: private
    error_style: native
    idempotency: {header: X-Once, hours: 2}
    usage: {units: /usage/n}
    limit_headers: plain
    request_id_headers: [X-Req]
    model_patterns: ["m-*"]
    runbook: crm.md
    changelog: https://crm.example.com/changes
    status_page: https://status.example.com
    enabled: false"""
    found = only(loaded, entry)
    assert found.ca_file.endswith("/ca.pem")
    assert (found.cert_file, found.key_file.endswith("/k.pem")) == ("/etc/c.pem", True)
    assert found.breaker == flow.Breaker(failures=0.9, volume=3, window=60.0, open_for=2.0)
    assert (found.replay_buffer, found.body_limit, found.encoded_slash, found.private) == (
        2 << 20,
        1 << 30,
        True,
        True,
    )
    assert (found.error_style, found.usage, found.limit_headers, found.request_id_headers) == (
        "native",
        {"units": "/usage/n"},
        "plain",
        ["x-req"],
    )
    assert found.idempotency is not None
    assert (found.idempotency.header, found.idempotency.hours) == ("X-Once", 2.0)
    assert (found.model_patterns, found.runbook, found.enabled) == (["m-*"], "crm.md", False)
    assert (found.changelog, found.status_page) == (
        "https://crm.example.com/changes",
        "https://status.example.com",
    )
