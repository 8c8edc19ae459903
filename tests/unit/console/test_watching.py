"""The console's watch: probes with the credentials it may read, audited; pages; refresh tokens stored; a failure ends nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.polling import eventually
from tests.support.site import Site, reply, running_site
from trunkline.console.published import Published
from trunkline.console.watching import Secrets, Watching
from trunkline.control import audit, kills, publish, secrets
from trunkline.control.state import State
from trunkline.core.flow import Probe
from trunkline.core.service import Auth, Credential, Service, Snapshot
from trunkline.ops import outside
from trunkline.ops.hits import Hits
from trunkline.plugins.secrets import handover

pytestmark = pytest.mark.row("H1")
PAGE = (Path(__file__).parents[2] / "fixtures" / "status_pages" / "statuspage-outage.json").read_bytes()
SECRET = "crm-test-not-a-real-token"


@pytest.fixture
def site() -> Iterator[Site]:
    with running_site() as running:
        yield running


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path, {})


def service(site: Site, **changes: Any) -> Service:
    given: dict[str, Any] = {
        "name": "crm",
        "base_url": site.address,
        "private": True,
        "auth": Auth(),
        "credentials": [Credential(ref="env:CRM_TOKEN")],
        "probe": Probe(path="/ping", every=60.0),
    }
    return Service(**{**given, **changes})


def published(state: State, *services: Service) -> None:
    publish.sealed(state, {"env:CRM_TOKEN": SECRET}, {})
    publish.snapshot(state, Snapshot(version="", created="", environment="dev", services=list(services)))


async def watched(state: State, done: Any, **more: Any) -> outside.Outside:
    """Runs the watch until this holds of what it has published."""
    watching = Watching(state.path, Published(state.path), Hits(), environ={}, **more)
    task = asyncio.create_task(watching.run())

    def there() -> outside.Outside | None:
        told = outside.read(state.path / outside.FILE)
        return told if done(told) else None

    try:
        found = await asyncio.to_thread(eventually, there, "the watch to find out")
        assert found is not None
        return found
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_integrations_are_probed_with_their_credential_and_pages_read(state: State, site: Site) -> None:
    page = service(site, name="paged", probe=None, status_feed=f"{site.address}/summary.json")
    published(state, service(site), page)
    site.script.extend([reply(PAGE), reply(PAGE)])
    told = await watched(state, lambda told: told.probes and told.pages)
    assert (told.probes["crm"].ok, told.probes["crm"].status) == (True, 200)
    assert told.pages["paged"].indicator == "major"
    asked = {seen.target: seen.field("authorization") for seen in site.seen}
    assert asked == {"/ping": f"Bearer {SECRET}", "/summary.json": None}
    opened = [e for e in audit.entries(state) if e["action"] == "secret.open"]
    assert [(e["actor"], e["detail"]["refs"]) for e in opened] == [("console", ["env:CRM_TOKEN"])]
    assert SECRET not in str(opened)


async def test_what_the_registry_or_a_person_switched_off_is_not_asked(state: State, site: Site) -> None:
    published(state, service(site), service(site, name="off", base_url=f"{site.address}/off"))
    kills.append(state, "integration", "off")
    told = await watched(state, lambda told: told.probes)
    assert set(told.probes) == {"crm"}
    assert {seen.target for seen in site.seen} == {"/ping"}


async def test_without_looks_nothing_is_asked_and_the_rest_goes_on(state: State, site: Site) -> None:
    published(state, service(site))
    secrets.set_secret(state, "R", "refresh-old-not-real")
    handover.hand_over(
        state.path,
        "store:R",
        "refresh-new-not-real",
        replaces=["refresh-old-not-real"],
        pepper=state.keys["pepper"],
        master_key=state.master_key(),
    )
    await watched(state, lambda told: told.at, looks=False)
    eventually(lambda: len(secrets.versions(state, "R")) == 2, "the refresh token to be stored")
    assert site.seen == []


async def test_acts_in_doubt_are_counted_and_a_broken_ledger_ends_nothing(state: State, site: Site) -> None:
    from sqlalchemy.exc import OperationalError

    published(state, service(site))
    told = await watched(state, lambda told: told.unknown_open, unknown=lambda: 3)
    assert told.unknown_open == 3

    def broken() -> int:
        raise OperationalError("select", {}, Exception("database is locked"))

    told = await watched(state, lambda told: told.probes and told.unknown_open is None, unknown=broken)
    assert told.probes["crm"].ok


async def test_a_failure_is_said_once_and_ends_nothing(
    state: State, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    published(state, service(site))
    good = state.sealed.read_bytes()
    state.master_key_file.rename(state.path / "elsewhere")
    watching = Watching(state.path, Published(state.path), Hits(), environ={})
    task = asyncio.create_task(watching.run())
    heard: list[str] = []

    def told() -> bool:
        heard.append(capsys.readouterr().err)
        return "watching integrations failed" in "".join(heard)

    await asyncio.to_thread(eventually, told, "the failure to be said")
    (state.path / "elsewhere").rename(state.master_key_file)
    state.sealed.write_bytes(good)
    await asyncio.to_thread(eventually, lambda: site.seen, "a probe after all")
    task.cancel()
    await asyncio.wait({task})
    heard.append(capsys.readouterr().err)
    assert "".join(heard).count("watching integrations failed (MasterKeyProblem") == 1


def test_a_pool_is_probed_at_the_first_address_with_a_credential_that_is_there(
    state: State, site: Site
) -> None:
    publish.sealed(state, {"env:B": "second-not-real", "env:C": "third-not-real"}, {})
    found = Secrets(state)
    found.look()
    pool = service(
        site,
        credentials=[
            Credential(ref="env:A"),
            Credential(ref="env:C", base_url="https://eu.test"),
            Credential(ref="env:B"),
        ],
    )
    assert found.signed(pool) == (b"authorization: Bearer second-not-real\r\n", b"")
    assert found.signed(service(site, credentials=[Credential(ref="env:A")])) is None
    unsendable = msgspec.structs.replace(pool, credentials=[Credential(ref="env:D")])
    publish.sealed(state, {"env:D": "broken\nnot-real"}, {})
    found.look()
    assert found.signed(unsendable) is None
