"""What is written about data, as the gateway and the console work with it."""

from __future__ import annotations

import pytest

from trunkline.core.handling import DataRules, Handling, Samples, SampleStore, StoredBounds

from .conftest import Load

BEGIN = "version: 1\nintegrations:\n  "
CRM = "crm: {base_url: 'https://crm.example.com', "


@pytest.mark.row("R1", "G2")
def test_the_short_form_names_what_may_be_received(loaded: Load) -> None:
    (crm,) = loaded(f"{BEGIN}{CRM}data: [pii.email]}}\n").snapshot.services
    assert (crm.data, crm.privacy.declared, crm.privacy.forbid, crm.privacy.rules) == (
        ["pii.email"],
        True,
        [],
        None,
    )


@pytest.mark.row("R1", "G2")
def test_the_long_form_also_says_what_is_forbidden_blocked_and_redacted(loaded: Load) -> None:
    said = (
        "data: {allow: [pii], forbid: [payment.card], block: [payment], redact: [pii.phone], answers: true}"
    )
    (crm,) = loaded(f"{BEGIN}{CRM}{said}}}\n").snapshot.services
    assert (crm.data, crm.privacy.declared, crm.privacy.forbid) == (["pii"], True, ["payment.card"])
    assert crm.privacy.rules == DataRules(block=["payment"], redact=["pii.phone"], answers=True)


def test_nothing_said_and_nothing_allowed_are_two_things(loaded: Load) -> None:
    (silent,) = loaded(f"{BEGIN}{CRM}owner: me}}\n").snapshot.services
    (none,) = loaded(f"{BEGIN}{CRM}data: []}}\n").snapshot.services
    (rules,) = loaded(f"{BEGIN}{CRM}data: {{block: [payment]}}}}\n").snapshot.services
    assert [(one.data, one.privacy.declared) for one in (silent, none, rules)] == [
        ([], False),
        ([], True),
        ([], False),
    ]


@pytest.mark.row("G2")
def test_operations_routes_and_model_names_have_rules_of_their_own(loaded: Load) -> None:
    text = (
        f"{BEGIN}openai: {{secret: env:K}}\n  {CRM}operations: [{{name: notes, method: POST, path: /notes, data: {{block: [pii]}}}}]}}\n"
        "routes: {safe: {integration: crm, data: {redact: [pii.email]}}, plain: crm}\n"
        "models: {careful: {target: openai/gpt-4o-mini, data: {block: [payment.card]}}}\n"
    )
    snapshot = loaded(text).snapshot
    assert snapshot.services[1].operations[0].rules == DataRules(block=["pii"])
    assert snapshot.route_rules == {
        "safe": DataRules(redact=["pii.email"]),
        "careful": DataRules(block=["payment.card"]),
    }


def test_samples_are_on_and_small_unless_said_otherwise(loaded: Load) -> None:
    after = BEGIN.removeprefix("version: 1" + chr(10))
    mine = f"{after}{CRM}samples: {{request: 1KB, enabled: true}}}}\n"
    off = "  b: {base_url: 'https://b.example.com', samples: {enabled: false}}\n"
    snapshot = loaded(
        f"version: 1\nsamples: {{keep: 10m, size: 16MB}}\ndefaults: {{samples: {{share: 0.5}}}}\n{mine}{off}"
    ).snapshot
    assert snapshot.samples == SampleStore(keep=600.0, bytes=16 << 20)
    assert [one.samples for one in snapshot.services] == [
        Samples(share=0.5, request_bytes=1024),
        Samples(enabled=False, share=0.5),
    ]
    (plain,) = loaded(f"{BEGIN}{CRM}owner: me}}\n").snapshot.services
    assert plain.samples == Samples(
        enabled=True, share=0.01, per_minute=12, request_bytes=65536, response_bytes=65536
    )


@pytest.mark.parametrize(
    ("said", "bounds"),
    [
        ("", StoredBounds(keep=86400.0, bytes=256 << 20)),
        ("stored_responses: {keep: 7d, size: 64MB}\n", StoredBounds(keep=7 * 86400.0, bytes=64 << 20)),
        ("stored_responses: {enabled: false, keep: 7d}\n", StoredBounds(keep=0.0)),
    ],
)
def test_stored_responses_are_kept_for_a_day_unless_said_otherwise(
    loaded: Load, said: str, bounds: StoredBounds
) -> None:
    after = BEGIN.removeprefix("version: 1" + chr(10))
    assert loaded(f"version: 1\n{said}{after}{CRM}owner: me}}\n").snapshot.stored == bounds


@pytest.mark.row("R1")
def test_what_the_vendor_does_with_data_comes_from_the_catalog_unless_said(loaded: Load) -> None:
    (known,) = loaded(
        f"{BEGIN}stripe: {{secret: env:K, handling: {{purpose: payments}}}}\n"
    ).snapshot.services
    handling = known.privacy.handling
    assert (handling.purpose, handling.trains, handling.from_catalog) == ("payments", False, True)
    assert handling.dpa.startswith("https://stripe.com/")
    assert handling.source.startswith("https://")
    openai = loaded(f"{BEGIN}openai: {{secret: env:K}}\n").snapshot.services[0].privacy.handling
    assert (openai.retention, openai.date) == ("30 days unless agreed otherwise", "2026-11-21")
    said = "handling: {retention: 30 days, trains: true, region: eu, source: contract 4711, date: 2026-10-01}"
    (own,) = loaded(f"{BEGIN}stripe: {{secret: env:K, {said}}}\n").snapshot.services
    assert own.privacy.handling == Handling(
        retention="30 days",
        trains=True,
        region="eu",
        dpa=handling.dpa,
        source="contract 4711",
        date="2026-10-01",
    )


@pytest.mark.row("G2")
def test_where_requests_name_persons_comes_from_the_catalog_unless_said(loaded: Load) -> None:
    (stripe,) = loaded(f"{BEGIN}stripe: {{secret: env:K}}\n").snapshot.services
    operations = {operation.name: operation.identifiers for operation in stripe.operations}
    assert "/email" in (operations["create_customer"] or stripe.privacy.identifiers)
    (own,) = loaded(f"{BEGIN}stripe: {{secret: env:K, identifiers: []}}\n").snapshot.services
    assert own.privacy.identifiers == []
