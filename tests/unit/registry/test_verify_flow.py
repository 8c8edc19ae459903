"""Policies that cannot work as written are errors with the place, the value and the cure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.registry.quantity import seconds
from trunkline.registry.shape_flow import Limit
from trunkline.registry.verify_flow import QUANTITIES, RANGES, Range, limit_faults, out_of

from .conftest import Load, Refused

CRM = "base_url: 'https://crm.example.com'"


def first(refused: Refused, entry: str, code: str) -> tuple[str, str]:
    found = refused(f"version: 1\nintegrations:\n  {entry}\n")
    fault = next(f for f in found if f.code == code)
    assert fault.line == 3
    return fault.item.removeprefix("integrations."), f"{fault.message} {fault.cure}"


@pytest.mark.row("F1", "F3", "F6", "R4")
@pytest.mark.parametrize(
    ("policy", "item", "says"),
    [
        ("timeout: {first_byte: 25h}", "timeout.first_byte", "`25h` is out of range. Give 1ms to 1d."),
        ("timeout: {slow_for: 0s}", "timeout.slow_for", "Give 1s to 1h."),
        ("timeout: {slow_bytes: -1}", "timeout.slow_bytes", "at least 0"),
        ("retry: {backoff_max: 2h}", "retry.backoff_max", "Give 1ms to 1h."),
        ("retry: {backoff: 10s}", "retry", "(10s) is longer than the longest (8s). Raise `backoff_max`."),
        ("retry: {budget: 1.5}", "retry.budget", "at most 1"),
        ("retry: {slow: 0s}", "retry.slow", "Give 1ms to 1d."),
        ("breaker: {window: 2h}", "breaker.window", "Give 100ms to 1h."),
        ("breaker: {ramp: 2h}", "breaker.ramp", "Give 1ms to 1h, or 0s."),
        ("breaker: {probes: 0}", "breaker.probes", "at least 1"),
        ("breaker: {slow: 1.1}", "breaker.slow", "at most 1"),
        ("queue: {wait: 2h}", "queue.wait", "or 0s"),
        ("queue: {ageing: 0s}", "queue.ageing", "Give 1ms to 1h."),
        ("queue: {size: -1}", "queue.size", "at least 0"),
        ("adaptive: {floor: 9, ceiling: 3}", "adaptive", "`floor` (9) is above `ceiling` (3)."),
        ("adaptive: {decrease: 1}", "adaptive.decrease", "less than 1"),
        ("cache: {}", "cache", "This cache keeps nothing. Add e.g. `ttl: 5m`."),
        ("cache: {ttl: 0s}", "cache", "keeps nothing"),
        ("cache: {ttl: 366d}", "cache.ttl", "Give 1ms to 365d, or 0s."),
        ("cache: {ttl: 1m, scope: everyone}", "cache.scope", "Known: all, key, team."),
        ("hedge: {after: 1h}", "hedge.after", "Give 1ms to 10m, or 0s."),
        ("hedge: {share: 0}", "hedge.share", "more than 0"),
        ("probe: {path: health}", "probe.path", "no path that begins with /"),
        ("probe: {path: /health, method: POST}", "probe.method", "Known: GET, HEAD, OPTIONS."),
        ("probe: {path: /health, every: 1s}", "probe.every", "Give 5s to 1d, or 0s."),
        ("probe: {path: /health, every: 10s, timeout: 20s}", "probe.timeout", "may take 20s but is made every 10s"),
        ("limit_headers: opnai", "limit_headers", "Did you mean `openai`?"),
    ],
)  # fmt: skip
def test_a_value_out_of_range_names_its_range(refused: Refused, policy: str, item: str, says: str) -> None:
    found_item, text = first(refused, f"crm: {{{CRM}, {policy}}}", "bad-value")
    assert found_item == f"crm.{item}"
    assert says in text


@pytest.mark.row("F8", "R4")
@pytest.mark.parametrize(
    ("limit", "item", "says"),
    [
        ("{per: 1m}", "limits[0]", "exactly one of `requests`, `tokens`, `input_tokens`"),
        ("{requests: 1, usd: 1, per: 1m}", "limits[0]", "several limits may stand beside each other"),
        ("{output_tokens: 5}", "limits[0]", "`output_tokens` needs a period"),
        ("{concurrency: 5, per: month}", "limits[0].per", "`concurrency` has no period"),
        ("{requests: 5, per: 500ms}", "limits[0].per", "The period `500ms` is out of range. Give 1s to 30d"),
        ("{requests: 5, per: 31d}", "limits[0].per", "or `month`"),
    ],
)
def test_a_limit_has_one_quantity_and_a_period(refused: Refused, limit: str, item: str, says: str) -> None:
    found_item, text = first(refused, f"crm: {{{CRM}, limits: [{limit}]}}", "bad-limit")
    assert found_item == f"crm.{item}"
    assert says in text


@pytest.mark.row("F8")
def test_money_can_be_limited_only_where_something_has_a_price(refused: Refused, loaded: Load) -> None:
    item, text = first(refused, f"crm: {{{CRM}, limits: [{{usd: 5, per: day}}]}}", "unpriced")
    assert (item, "would never count anything" in text) == ("crm.limits[0].usd", True)
    run = loaded(
        "version: 1\nintegrations: {openai: {secret: env:A, limits: [{usd: 0.5, per: second}, {tokens: 9, per: month}]}}"
    )
    assert [(limit.usd, limit.tokens, limit.per) for limit in run.snapshot.services[0].limits] == [
        (0.5, 0, 1.0),
        (0.0, 9, 2592000.0),
    ]


@pytest.mark.row("F11", "R4")
@pytest.mark.parametrize(
    ("entry", "item"),
    [
        (f"crm: {{{CRM}, operations: [{{name: a, method: POST, path: /a, cache: {{ttl: 1m}}}}]}}", "crm.operations[0]"),
        (
            f"crm: {{{CRM}, operations: [{{name: a, method: POST, path: /a, repeat: with_key, cache: {{ttl: 1m}}}}]}}",
            "crm.operations[0]",
        ),
        (
            f"crm: {{{CRM}, operations: [{{name: a, method: PUT, path: /a, repeat: always, cache: {{ttl: 1m}}}}]}}",
            "crm.operations[0]",
        ),
        ("stripe: {secret: env:A, operations: [{name: create_charge, cache: {ttl: 1m}}]}", "stripe.operations[0]"),
    ],
)  # fmt: skip
def test_what_acts_is_never_answered_from_the_cache(refused: Refused, entry: str, item: str) -> None:
    found, text = first(refused, entry, "cached-act")
    assert found == f"{item}.cache"
    assert "would act on nothing" in text


@pytest.mark.row("F11")
@pytest.mark.parametrize(
    "entry",
    [
        f"crm: {{{CRM}, operations: [{{name: a, method: GET, path: /a, cache: {{ttl: 1m}}}}]}}",
        f"crm: {{{CRM}, operations: [{{name: a, method: POST, path: /a, repeat: always, cache: {{ttl: 1m}}}}]}}",
        "openai: {secret: env:A, operations: [{name: chat_completions, repeat: never, cache: {stale_if_error: 1h}}]}",
        "stripe: {secret: env:A, operations: [{name: get_charge, cache: {ttl: 1m}}]}",
        "stripe: {secret: env:A, cache: {ttl: 1m}}",
    ],
)
def test_what_only_reads_or_computes_may_be_kept(loaded: Load, entry: str) -> None:
    run = loaded(f"version: 1\nintegrations: {{{entry}}}\n")
    assert run.snapshot.services[0].cache or run.snapshot.services[0].operations[0].cache


def test_the_cache_of_an_operation_is_looked_at_like_that_of_its_integration(refused: Refused) -> None:
    entry = f"crm: {{{CRM}, operations: [{{name: a, method: GET, path: /a, cache: {{ttl: 400d}}}}]}}"
    assert first(refused, entry, "bad-value")[0] == "crm.operations[0].cache.ttl"
    model = "openai: {secret: env:A, models: [{id: gpt-4o, cache: {ttl: 400d}}]}"
    assert first(refused, model, "bad-value")[0] == "openai.models[0].cache.ttl"
    empty = entry.replace("{ttl: 400d}", "{scope: all}")
    assert first(refused, empty, "bad-value")[0] == "crm.operations[0].cache"


@pytest.mark.row("F13", "F10")
@pytest.mark.parametrize(
    ("entry", "code", "item", "says"),
    [
        (f"crm: {{{CRM}, repair: {{malformed_again: true}}}}", "unused-key", "crm.repair", "only model calls"),
        (
            "openai: {secret: env:A, repair: {trim: newest}}",
            "bad-value",
            "openai.repair.trim",
            "Known: oldest_messages.",
        ),
        (f"crm: {{{CRM}, batch_embeddings: 10ms}}", "unused-key", "crm.batch_embeddings", "serves no embeddings"),
        ("anthropic: {secret: env:A, batch_embeddings: 10ms}", "unused-key", "anthropic.batch_embeddings", "embeddings"),
        ("openai: {secret: env:A, batch_embeddings: 2s}", "bad-value", "openai.batch_embeddings", "1ms to 1s, or 0s"),
        ("ollama: {speak: ollama}", "bad-value", "ollama.speak", "does not serve the dialect `ollama`"),
        (f"crm: {{{CRM}, speak: openai-chat}}", "bad-value", "crm.speak", "Declare it under `dialects:`"),
        (f"crm: {{{CRM}, status_page: 'http://status.example.com'}}", "bad-address", "crm.status_page", "plain HTTP"),
        (
            f"crm: {{{CRM}, operations: [{{name: a, path: /a}}]}}",
            "missing-key",
            "crm.operations[0]",
            "`method` is missing: the catalog has no operation `a`",
        ),
        (
            "stripe: {secret: env:A, operations: [{name: create_chrge, cache: {ttl: 1m}}]}",
            "missing-key",
            "stripe.operations[0]",
            "Did you mean `create_charge`?",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_done_here_is_told(
    refused: Refused, entry: str, code: str, item: str, says: str
) -> None:
    found, text = first(refused, entry, code)
    assert found == item
    assert says in text


@pytest.mark.row("F10")
@pytest.mark.parametrize("vendor", ["openai", "gemini", "mistral", "voyage", "cohere", "ollama"])
def test_embeddings_of_every_dialect_may_be_gathered(loaded: Load, vendor: str) -> None:
    text = f"version: 1\nintegrations: {{{vendor}: {{secret: env:A, batch_embeddings: 10ms}}}}\n"
    assert loaded(text).snapshot.services[0].batch_embeddings == 0.01


def test_defaults_are_looked_at_as_well(refused: Refused) -> None:
    found = refused("version: 1\ndefaults: {retry: {backoff: 1h}, queue: {wait: 3h}}\n")
    assert {(f.item, f.code) for f in found} == {
        ("defaults.retry.backoff", "bad-value"),
        ("defaults.retry", "bad-value"),
        ("defaults.queue.wait", "bad-value"),
    }


def test_a_status_feed_may_have_a_query(loaded: Load, refused: Refused) -> None:
    entry = f"crm: {{{CRM}, status_feed: 'https://status.example.com/feed?type=rss'}}"
    run = loaded(f"version: 1\nintegrations: {{{entry}}}")
    assert run.snapshot.services[0].status_feed == "https://status.example.com/feed?type=rss"
    assert (
        first(refused, entry.replace("https://status", "http://status"), "bad-address")[0]
        == "crm.status_feed"
    )


@pytest.mark.row("H1")
def test_a_status_page_of_ones_own_takes_no_feed_from_the_catalog(loaded: Load) -> None:
    pages = [
        loaded(f"version: 1\nintegrations: {{stripe: {{secret: env:A{own}}}}}").snapshot.services[0]
        for own in (
            "",
            ", status_page: 'https://s.example.com'",
            ", status_feed: 'https://s.example.com/rss'",
        )
    ]
    assert [(page.status_page, page.status_feed) for page in pages] == [
        ("https://status.stripe.com", "https://www.stripestatus.com/api/v2/summary.json"),
        ("https://s.example.com", ""),
        ("https://status.stripe.com", "https://s.example.com/rss"),
    ]


ALL_RANGES = [bounds for parts in RANGES.values() for bounds in parts.values()]


@given(st.sampled_from(ALL_RANGES), st.integers(0, 999_999_999), st.sampled_from(["ms", "s", "m", "h", "d"]))
def test_a_duration_is_refused_exactly_outside_of_its_range(bounds: Range, number: int, unit: str) -> None:
    text = f"{number}{unit}"
    within = seconds(bounds.least) <= seconds(text) <= seconds(bounds.most)
    assert (out_of(bounds, text) == "") is (within or (bounds.zero and number == 0))


@given(
    st.dictionaries(st.sampled_from(QUANTITIES), st.integers(1, 1000), max_size=3),
    st.sampled_from(["", "1s", "1m", "month", "day", "30d", "999ms", "31d"]),
)
def test_a_limit_is_accepted_exactly_when_it_means_one_thing(given_: dict[str, int], per: str) -> None:
    limit = Limit(**given_, per=per)  # type: ignore[arg-type]
    one_thing = len(given_) == 1 and (not per if "concurrency" in given_ else per not in ("", "999ms", "31d"))
    assert (not list(limit_faults(limit, QUANTITIES))) is one_thing
