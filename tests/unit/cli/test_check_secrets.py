"""What `trunkline check` says of credentials: broad keys, keys of the wrong kind in any store, and schedules that Trunkline saw kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.store_servers import answering
from trunkline.control import audit, secrets
from trunkline.control.state import State
from trunkline.ops import rotation_due

GOOD = """version: 1
defaults: {owner: ops@example.com, rotation: {every: 90d, last: 2020-01-01}}
"""


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    path = tmp_path / "trunkline.yaml"
    path.write_text(GOOD)
    return path


def codes(trunkline: Any) -> dict[str, dict[str, Any]]:
    return {one["code"]: one for one in trunkline("check", "--json").json["findings"]}


@pytest.mark.row("S6")
def test_a_key_that_may_do_everything_is_told_and_its_reading_audited(trunkline: Any, registry: Path) -> None:
    state = State(registry.parent / ".trunkline", {}).create()
    secrets.set_secret(state, "STRIPE", "sk_live_notarealkey0000")
    registry.write_text(GOOD + "integrations: {stripe: {secret: store:STRIPE}}\n")
    found = codes(trunkline)["secret-broad"]
    assert (found["severity"], found["value"]) == ("info", "store:STRIPE")
    assert "a restricted key (rk_...)" in found["cure"]
    rows = [(row["actor"], row["subject"]) for row in audit.entries(state) if row["action"] == "secret.fetch"]
    assert rows == [("check", "store:STRIPE")]


@pytest.mark.row("R9")
def test_a_sandbox_key_in_an_outside_store_is_an_error_in_prod(
    trunkline: Any, registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOPPLER_TOKEN", "dp.st.not-real")
    monkeypatch.setenv("TRUNKLINE_ENV", "prod")
    with answering() as store:
        store.on("GET", "/v3/configs/config/secret", 200, {"value": {"computed": "sk_test_notarealkey0000"}})
        registry.write_text(
            GOOD
            + f"stores: {{doppler: {{address: '{store.address}'}}}}\n"
            + "integrations: {stripe: {secret: doppler:backend/prd/STRIPE}}\n"
        )
        found = codes(trunkline)["wrong-key-kind"]
    assert (found["severity"], found["value"]) == ("error", "doppler:backend/prd/STRIPE")
    assert "notarealkey" not in str(found)


@pytest.mark.row("S1")
def test_a_store_that_is_away_is_told_and_asked_once(
    trunkline: Any, registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOPPLER_TOKEN", "dp.st.not-real")
    with answering() as store:
        store.on("GET", "/v3/configs/config/secret", 503, {})
        registry.write_text(
            GOOD
            + f"stores: {{doppler: {{address: '{store.address}'}}}}\n"
            + "integrations: {stripe: {secret: doppler:b/p/STRIPE}, openai: {secret: doppler:b/p/OPENAI}}\n"
        )
        told = trunkline("check", "--json").json["findings"]
        assert len(store.seen) == 1
    missing = [one for one in told if one["code"] == "secret-missing"]
    assert [one["severity"] for one in missing] == ["info", "info"]
    assert "answered 503" in missing[0]["message"]


@pytest.mark.row("S3")
def test_a_replacement_that_trunkline_saw_counts_more_than_the_day_of_the_registry(
    trunkline: Any, registry: Path
) -> None:
    registry.write_text(GOOD + "integrations: {openai: {secret: env:OPENAI_API_KEY}}\n")
    assert "rotation-overdue" in codes(trunkline)
    state = registry.parent / ".trunkline"
    state.mkdir(exist_ok=True)
    one = rotation_due.Schedule(
        integration="openai", ref="store:OPENAI", every_s=1.0, last_at=1.0, due_at=2.0, state="fresh"
    )
    rotation_due.write(state, [one])
    assert "rotation-overdue" not in codes(trunkline)
