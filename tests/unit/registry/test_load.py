"""Loading as a whole: environments, the simulator, versions, references, speed."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from trunkline.core.codec import pack_decoder, to_pack
from trunkline.core.service import Snapshot
from trunkline.registry import catalog, model_table
from trunkline.registry.findings import RegistryInvalid
from trunkline.registry.load import SimulatorAddress, environment_of, load

from .conftest import ISSUE, Load

SIMULATOR = "http://127.0.0.1:4010"


@pytest.mark.row("R9")
def test_an_unset_environment_is_prod() -> None:
    assert [environment_of(e) for e in ({}, {"TRUNKLINE_ENV": ""}, {"TRUNKLINE_ENV": " dev "})] == [
        "prod",
        "prod",
        "dev",
    ]


@pytest.mark.row("R9")
def test_an_unknown_environment_is_an_error_with_the_list(loaded: Load) -> None:
    with pytest.raises(RegistryInvalid) as caught:
        loaded(ISSUE, env="prd")
    (fault,) = caught.value.findings
    assert (fault.code, fault.value, fault.cure) == ("unknown-environment", "prd", "Did you mean `prod`?")
    with pytest.raises(RegistryInvalid, match=r"Known: dev, prod, staging\."):
        loaded(ISSUE, env="xyz")


def test_every_reference_in_use_is_listed_once(loaded: Load) -> None:
    text = """
        version: 1
        integrations:
          openai: {secret: [{ref: env:A}, {ref: env:B}]}
          stripe: {secret: env:A}
          slack: {secret: env:C, enabled: false}
    """
    assert loaded(text).refs == ["env:A", "env:B"]


def test_the_version_follows_the_content_and_nothing_else(loaded: Load) -> None:
    first, again, other = loaded(ISSUE), loaded("# a comment\n" + ISSUE), loaded(ISSUE.replace("60s", "61s"))
    assert first.snapshot.version == again.snapshot.version != other.snapshot.version
    assert len(first.snapshot.version) == 12
    assert first.snapshot.created.endswith("Z")


def test_a_snapshot_survives_its_file(loaded: Load) -> None:
    packed = to_pack(loaded(ISSUE).snapshot)
    again = pack_decoder(Snapshot).decode(packed)
    assert to_pack(again) == packed
    assert [s.name for s in again.services] == ["openai", "stripe", "crm"]


@pytest.mark.row("R2")
def test_the_simulator_plays_what_has_no_secret(loaded: Load) -> None:
    simulate = SimulatorAddress(SIMULATOR, lambda ref: ref == "env:STRIPE_SECRET_KEY")
    run = loaded(ISSUE, simulate=simulate)
    openai, stripe, crm = run.snapshot.services
    assert (openai.base_url, openai.simulated, openai.private, openai.credentials) == (
        f"{SIMULATOR}/openai",
        True,
        True,
        [],
    )
    assert openai.auth.kind == "bearer", "the gateway still signs, with a made-up credential"
    assert (stripe.base_url, stripe.simulated) == ("https://api.stripe.com", False)
    assert (crm.base_url, crm.simulated) == ("https://crm.example.com/api", False), (
        "an API of one's own is never played"
    )
    assert run.refs == ["env:STRIPE_SECRET_KEY", "store:CRM_TOKEN"]
    assert run.snapshot.notes == ["openai is played by the simulator: env:OPENAI_API_KEY is not set."]


def test_nothing_is_simulated_unless_asked(loaded: Load) -> None:
    assert not any(s.simulated for s in loaded(ISSUE).snapshot.services)


def test_one_resolving_member_keeps_a_pool_real(loaded: Load) -> None:
    text = "version: 1\nintegrations: {openai: {secret: [{ref: env:A}, {ref: env:B}]}}\n"
    assert (
        not loaded(text, simulate=SimulatorAddress(SIMULATOR, lambda ref: ref == "env:B"))
        .snapshot.services[0]
        .simulated
    )
    assert (
        loaded(text, simulate=SimulatorAddress(SIMULATOR, lambda ref: False)).snapshot.services[0].simulated
    )


def test_a_vendor_without_need_of_a_secret_is_played_until_someone_says_where_it_is(loaded: Load) -> None:
    simulate = SimulatorAddress(SIMULATOR, lambda ref: False)
    nowhere = loaded("version: 1\nintegrations: {gotenberg: }\n", simulate=simulate).snapshot
    told = loaded(
        "version: 1\nintegrations: {gotenberg: {base_url: 'http://127.0.0.1:3000'}}\n", simulate=simulate
    ).snapshot
    by_variable = loaded(
        "version: 1\nintegrations: {gotenberg: }\n",
        simulate=simulate,
        environ={"GOTENBERG_URL": "http://127.0.0.1:3000"},
    ).snapshot
    assert [s.services[0].simulated for s in (nowhere, told, by_variable)] == [True, False, False]
    assert nowhere.notes == ["gotenberg is played by the simulator: it has no base_url."]


def test_only_what_the_simulator_plays_is_given_to_it(loaded: Load) -> None:
    run = loaded(ISSUE, simulate=SimulatorAddress(SIMULATOR, lambda ref: False, plays={"stripe"}))
    assert [s.simulated for s in run.snapshot.services] == [False, True, False]


def test_another_name_is_played_as_its_vendor(loaded: Load) -> None:
    text = "version: 1\nintegrations: {llm2: {vendor: openai, secret: env:A}}\n"
    run = loaded(text, simulate=SimulatorAddress(SIMULATOR + "/", lambda ref: False))
    assert run.snapshot.services[0].base_url == f"{SIMULATOR}/openai"


def test_a_disabled_integration_stays_known(loaded: Load) -> None:
    text = "version: 1\nintegrations: {openai: {secret: env:A, enabled: false}}\n"
    assert [(s.name, s.enabled) for s in loaded(text).snapshot.services] == [("openai", False)]


def test_error_style_and_health_come_through(loaded: Load) -> None:
    snapshot = loaded("version: 1\nhealth: {public: true}\nerrors: {style: normalized}\n").snapshot
    assert (snapshot.health_public, snapshot.error_style) == (True, "normalized")


def test_json_is_a_registry_too(loaded: Load) -> None:
    assert loaded('{\n\t"version": 1,\n\t"integrations": {"openai": {"secret": "env:A"}}\n}').refs == [
        "env:A"
    ]


@pytest.mark.row("R1", "Q4")
def test_thirty_integrations_cost_little_processor_time(tmp_path: Path) -> None:
    entries = {name: catalog.entry(name) for name in catalog.names()}
    vendors = sorted((n for n, e in entries.items() if e.base_url), key=lambda n: -len(entries[n].models))[
        :26
    ]
    rows = [f"  {name}: {{secret: env:K{n}}}" for n, name in enumerate(vendors)]
    rows += [
        f"  own{n}: {{base_url: 'https://own{n}.example.com', auth: {{kind: bearer, secret: env:O{n}}}}}"
        for n in range(30 - len(rows))
    ]
    path = tmp_path / "trunkline.yaml"
    path.write_text("version: 1\nintegrations:\n" + "\n".join(rows) + "\n")
    costs = []
    for _ in range(5):
        begun = time.process_time()
        run = load(path, environment="prod", environ={})
        costs.append(time.process_time() - begun)
    assert len(run.snapshot.services) == 30
    assert sorted(costs)[2] < 0.4, "150 ms are wanted; measured 70; the rest is room for a slow machine"


@pytest.mark.row("A4")
def test_of_the_catalog_only_the_vendors_that_the_registry_names_are_read(
    loaded: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    table = model_table.table

    def noted(vendor: str, folder: Path) -> model_table.Table | None:
        read.append(vendor)
        return table(vendor, folder)

    monkeypatch.setattr(model_table, "table", noted)
    loaded("version: 1\nintegrations: {openai: {secret: env:A}, stripe: {secret: env:B}}\n")
    assert read == ["openai", "stripe"]


def test_loading_imports_nothing_heavy() -> None:
    code = "import sys; import trunkline.registry.load, trunkline.registry.lint; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"sqlalchemy", "rich", "click", "starlette", "asyncio", "cryptography", "ruamel"}
    assert heavy.isdisjoint(ran.stdout.split())
