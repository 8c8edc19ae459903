"""Policies as written become what the gateway works with, in seconds and bytes."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core import flow, service
from trunkline.registry.merge_flow import body_text, content_type, fallbacks, probe, written_fallbacks
from trunkline.registry.shape_flow import Fallback, Probe

from .conftest import Load


def only(load: Load, entry: str, rest: str = "") -> service.Service:
    return load(f"version: 1\nintegrations:\n  {entry}\n{rest}").snapshot.services[0]


@pytest.mark.row("R2", "F1", "F3", "F5", "F6", "F8", "F9", "F10", "F11", "F13")
def test_every_policy_is_carried_over_whole(loaded: Load) -> None:
    entry = """openai:
    secret: env:A
    timeout: {connect: 1s, slow_bytes: 12.5, slow_for: 20s}
    limits: [{requests: 5, per: second}, {input_tokens: 6, per: 1m}, {output_tokens: 7, per: hour}, {usd: 0.5, per: day},
             {tokens: 8, per: month}, {concurrency: 9}]
    retry: {attempts: 3, backoff: 500ms, backoff_max: 4s, budget: 0, budget_floor: 2.5, slow: 20s}
    breaker: {failures: 0.9, volume: 3, window: 1m, open_for: 2s, slow_after: 15s, slow: 0.7, probes: 4, ramp: 0s}
    queue: {wait: 0s, size: 0, ageing: 1m}
    adaptive: {enabled: false, floor: 2, ceiling: 16, decrease: 0.5}
    cache: {ttl: 5m, stale_while_revalidate: 1m, stale_if_error: 1d, scope: all}
    hedge: {after: 800ms, usd_per_day: 2, share: 0.1}
    repair: {bigger_context: big, trim: oldest_messages, drop_unsupported: true, malformed_again: true}
    batch_embeddings: 15ms
    batch_inputs: 96
    models: [{id: gpt-4o, cache: {ttl: 1h}}]
    probe: {method: HEAD, path: /v1/models/gpt-4o, every: 5m, timeout: 3s, credential: false}"""
    found = only(loaded, entry, "models: {big: {target: openai/gpt-4.1}}\n")
    assert found.timeout == flow.Timeouts(
        connect=1.0, first_byte=300.0, idle=60.0, total=600.0, slow_bytes=12.5, slow_for=20.0
    )
    assert found.limits == [
        flow.Limit(requests=5, per=1.0),
        flow.Limit(input_tokens=6, per=60.0),
        flow.Limit(output_tokens=7, per=3600.0),
        flow.Limit(usd=0.5, per=86400.0),
        flow.Limit(tokens=8, per=2592000.0),
        flow.Limit(concurrency=9),
    ]
    assert found.retry == flow.Retry(
        attempts=3, backoff=0.5, backoff_max=4.0, budget=0.0, budget_floor=2.5, slow=20.0
    )
    assert found.breaker == flow.Breaker(
        failures=0.9, volume=3, window=60.0, open_for=2.0, slow_after=15.0, slow=0.7, probes=4, ramp=0.0
    )
    assert found.queue == flow.Queue(wait=0.0, size=0, ageing=60.0)
    assert found.adaptive == flow.Adaptive(enabled=False, floor=2, ceiling=16, decrease=0.5)
    assert found.cache == flow.Cache(
        ttl=300.0, stale_while_revalidate=60.0, stale_if_error=86400.0, scope="all"
    )
    assert found.hedge == flow.Hedge(after=0.8, usd_per_day=2.0, share=0.1)
    assert found.repair == flow.Repair(
        bigger_context="openai/gpt-4.1", trim="oldest_messages", drop_unsupported=True, malformed_again=True
    )
    assert (found.batch_embeddings, found.batch_inputs) == (0.015, 96)
    assert (found.models[0].id, found.models[0].cache) == ("gpt-4o", flow.Cache(ttl=3600.0))
    assert found.probe == flow.Probe(
        method="HEAD", path="/v1/models/gpt-4o", every=300.0, timeout=3.0, credential=False
    )


def test_what_is_not_written_is_as_the_gateway_would_have_it(loaded: Load) -> None:
    plain, bare = only(loaded, "crm: {base_url: 'https://crm.example.com'}"), service.Service(name="crm")
    for key in ("timeout", "limits", "retry", "breaker", "queue", "adaptive", "fallback", "cache", "hedge"):
        assert getattr(plain, key) == getattr(bare, key), key
    written = only(
        loaded,
        "crm: {base_url: 'https://crm.example.com', retry: {}, breaker: {}, queue: {}, adaptive: {}, hedge: {}}",
    )
    assert written == msgspec.structs.replace(plain, hedge=flow.Hedge())


def test_defaults_hold_for_queue_and_adaptive_too(loaded: Load) -> None:
    text = """
        version: 1
        defaults: {queue: {wait: 5s}, adaptive: {enabled: false}}
        integrations: {openai: {secret: env:A}, groq: {secret: env:B, queue: {size: 7}}}
    """
    openai, groq = loaded(text).snapshot.services
    assert (openai.queue, openai.adaptive) == (flow.Queue(wait=5.0), flow.Adaptive(enabled=False))
    assert groq.queue == flow.Queue(size=7)


@pytest.mark.row("F4")
def test_every_kind_of_fallback_in_its_order(loaded: Load) -> None:
    entry = """openai:
    secret: env:A
    fallback:
      - spare
      - {kind: target, target: big, on: [context_too_long, rate_limited]}
      - {kind: stale, max_age: 90d}
      - {kind: static, status: 503, body: {error: {code: later}, ok: false}}
      - {kind: template, content_type: text/html, body: "<p>{{ /title }}</p>"}
      - {kind: defer, deadline: 2h}"""
    rest = "  spare: {vendor: openai, secret: env:B}\nmodels: {big: {target: openai/gpt-4.1}}\n"
    assert only(loaded, entry, rest).fallback == [
        flow.Fallback(kind="target", target="spare"),
        flow.Fallback(kind="target", target="openai/gpt-4.1", on=["context_too_long", "rate_limited"]),
        flow.Fallback(kind="stale", max_age=7776000.0),
        flow.Fallback(kind="static", status=503, body='{"error": {"code": "later"}, "ok": false}'),
        flow.Fallback(kind="template", content_type="text/html", body="<p>{{ /title }}</p>"),
        flow.Fallback(kind="defer", deadline=7200.0),
    ]


@pytest.mark.row("F4", "F11")
def test_an_operation_of_the_catalog_gets_a_cache_or_fallback_by_its_name_alone(loaded: Load) -> None:
    own = (
        "[{name: get_charge, cache: {ttl: 1m}}, {name: create_charge, fallback: {kind: defer}, timeout: 9s}]"
    )
    found = only(loaded, f"stripe: {{secret: env:A, operations: {own}}}")
    assert found.operations[:2] == [
        service.Operation(
            name="get_charge",
            method="GET",
            path="/v1/charges/{id}",
            repeat="always",
            cache=flow.Cache(ttl=60.0),
        ),
        service.Operation(
            name="create_charge",
            method="POST",
            path="/v1/charges",
            repeat="with_key",
            timeout=9.0,
            fallback=[flow.Fallback(kind="defer")],
        ),
    ]
    assert [o.name for o in found.operations].count("create_charge") == 1


def test_an_operation_that_is_moved_does_not_inherit_that_it_may_be_repeated(loaded: Load) -> None:
    found = only(loaded, "openai: {secret: env:A, operations: [{name: embeddings, path: /v2/embed}]}")
    assert (found.operations[0].method, found.operations[0].repeat) == ("POST", "never")


@pytest.mark.row("H1")
def test_the_probe_of_the_catalog_can_be_moved_and_switched_off(loaded: Load) -> None:
    probes = [
        only(loaded, f"openai: {{secret: env:A{own}}}").probe
        for own in ("", ", probe: {every: 10m}", ", probe: {path: /v1/models/gpt-4o}", ", probe: {every: 0s}")
    ]
    assert probes == [
        flow.Probe(path="/v1/models"),
        flow.Probe(path="/v1/models", every=600.0),
        flow.Probe(path="/v1/models/gpt-4o"),
        None,
    ]
    assert only(loaded, "crm: {base_url: 'https://crm.example.com'}").probe is None


def test_a_probe_to_another_path_does_not_keep_the_method_of_the_catalog() -> None:
    vendor = Probe(method="HEAD", path="/a", credential=False, every="2m")
    assert probe(None, vendor) == flow.Probe(method="HEAD", path="/a", credential=False, every=120.0)
    assert probe(Probe(path="/b", credential=True), vendor) == flow.Probe(path="/b", every=120.0)
    assert probe(Probe(every="1m"), None) is None


@pytest.mark.parametrize(
    ("body", "text", "kind"),
    [
        ("sorry", "sorry", "text/plain; charset=utf-8"),
        ("", "", "text/plain; charset=utf-8"),
        ({"a": "ä"}, '{"a": "ä"}', "application/json"),
        ([1, None], "[1, null]", "application/json"),
        (False, "false", "application/json"),
        (' {"a": 1}', ' {"a": 1}', "application/json"),
    ],
)
def test_a_body_is_text_or_becomes_json(body: Any, text: str, kind: str) -> None:
    assert (body_text(body), content_type(body)) == (text, kind)


def test_the_short_forms_mean_the_long_one() -> None:
    long = Fallback(kind="target", target="x")
    assert [written_fallbacks(short) for short in (None, [], "x", long, ["x", long])] == [
        [],
        [],
        [long],
        [long],
        [long, long],
    ]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), _JSON, max_size=3) | st.lists(_JSON, max_size=3))
def test_any_mapping_or_list_is_sent_as_the_same_json(body: Any) -> None:
    (made,) = fallbacks(Fallback(kind="static", body=body), {})
    assert msgspec.json.decode(made.body) == body
    assert made.content_type == "application/json"
