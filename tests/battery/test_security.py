"""S1 to S15: the ordinary tests that show them, counted, and what only the battery does. One is run by `-k s4_`."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.battery import report, shown, wheel
from tests.battery.astray import lead_astray
from tests.battery.bulk import MEGA, bomb, deep, peak_of, wide
from tests.battery.canaries import send_canaries
from tests.battery.experiment import Experiment
from tests.battery.guessing import guess, timing
from tests.battery.security_experiments import SECURITY, USE
from tests.battery.served import REGISTRY, serving
from tests.battery.smuggling import try_all
from tests.battery.sql_injection import broken, slowest_search, sqlmap
from tests.support.gateway import running_trunkline
from tests.support.product import REGISTRY as SITES
from tests.support.simulator import SimulatorProcess
from tests.support.site import running_site
from trunkline.control.claim import free_port

pytestmark = [pytest.mark.slow, pytest.mark.row("S1", "W1", "Q2")]

WITH_TESTS = [one for one in (*SECURITY, *USE) if one.tests]
CHAT = "/v1/chat/completions"


@pytest.mark.parametrize("one", WITH_TESTS, ids=lambda one: f"{one.id.lower()}_")
def test_what_ordinary_tests_show(tmp_path: Path, one: Experiment) -> None:
    found = shown.run(one.tests, tmp_path)
    passed = found.total - len(found.failed)
    report.tell(one.id, "ordinary tests that show it", "all pass", f"{passed:,} of {found.total:,} pass")
    assert found.failed == [], found.said
    assert found.total > 0


def test_s1_what_is_accepted_is_what_the_vendor_sees(tmp_path: Path, simulator: SimulatorProcess) -> None:
    with running_site() as site:
        registry = SITES.format(simulator=simulator.address(), site=site.address)
        with running_trunkline(tmp_path, registry) as gateway:
            found = try_all(gateway, site)
    report.tell(
        "S1",
        f"{found.sent} raw requests: accepted / at the vendor",
        "equal",
        f"{found.accepted} / {found.seen}",
    )
    report.tell("S1", "desynchronised", "0", len(found.desynchronised))
    report.tell("S1", "accepted though refused by the table", "0", len(found.lenient))
    assert (found.desynchronised, found.lenient) == ([], [])
    assert found.accepted == found.seen > 0


def test_s3_s4_no_form_leads_elsewhere(tmp_path: Path, simulator: SimulatorProcess) -> None:
    found = lead_astray(tmp_path, simulator)
    report.tell("S3", f"connections to the trap, {found.tries} tries", "0", len(found.visits))
    report.tell("S3", "forbidden addresses that a registry could name", "0", len(found.accepted))
    report.tell("S4", f"credentials at another's address, {found.tries} tries", "0", len(found.swapped))
    assert (found.visits, found.swapped, found.accepted) == ([], [], [])


def test_s7_two_hundred_canaries(tmp_path: Path, simulator: SimulatorProcess) -> None:
    leaks = send_canaries(tmp_path, simulator, vendors=150, seed=21, everywhere=True)
    what = f"{leaks.canaries} canaries, {leaks.calls:,} calls, looked for in {leaks.places:,} places: found"
    report.tell("S7", what, "0", len(leaks.found))
    assert leaks.found == []
    assert leaks.canaries >= 200


def test_s11_sqlmap_finds_nothing(tmp_path: Path, simulator: SimulatorProcess) -> None:
    port = free_port()
    with serving(
        tmp_path / "served", REGISTRY.format(simulator=simulator.address()), console_port=port
    ) as served:
        for _ in range(20):
            served.answers("/api/proxy/crm/echo")
        admin, console = (
            f"--headers=Authorization: Bearer {served.console_ready()}",
            f"http://127.0.0.1:{port}",
        )
        runs = [
            sqlmap(
                f"{console}/api/calls?integration=crm&text=a&note=b&limit=5",
                tmp_path,
                admin,
                "-p",
                "integration,text,note,limit",
            ),
            sqlmap(f"{console}/api/usage?by=integration&since=7d", tmp_path, admin, "-p", "by,since"),
            sqlmap(f"{console}/api/calls", tmp_path, "--headers=Authorization: Bearer tla_x*"),
            sqlmap(
                f"http://127.0.0.1:{served.port}/v1/models", tmp_path, "--headers=Authorization: Bearer tl_x*"
            ),
        ]
    findings = [(one.target, found) for one in runs for found in one.findings]
    unclear = [(one.target, one.said) for one in runs if not one.clean]
    report.tell("S11", f"findings of sqlmap, level 3, on {len(runs)} addresses", "0", len(findings))
    assert (findings, unclear) == ([], [])


def test_s11_sqlmap_finds_what_is_there(tmp_path: Path) -> None:
    """The command that finds nothing in Trunkline, against a page that is injectable."""
    with broken() as target:
        found = sqlmap(target, tmp_path, "-p", "text")
    report.tell(
        "S11", "findings of the same command on a page that is injectable", ">= 1", len(found.findings)
    )
    assert found.findings, found.said
    assert not found.clean


def test_s11_a_search_with_any_text_ends_soon(tmp_path: Path) -> None:
    found = slowest_search(tmp_path, rows=100_000)
    report.tell(
        "S11",
        "slowest hostile search among 100,000 calls: ms by the clock, of processor",
        "<= 200",
        f"{found.clock_s * 1000:.0f}, {found.processor_s * 1000:.0f}",
        f"{found.which}; the best of three tries each, {report.machine()}",
    )
    assert found.processor_s <= 0.2
    assert found.clock_s <= 0.2


def test_s13_ten_thousand_wrong_keys(tmp_path: Path, simulator: SimulatorProcess) -> None:
    took = timing(10_000)
    spread = max(took.values()) / min(took.values()) - 1
    with running_trunkline(tmp_path, REGISTRY.format(simulator=simulator.address())) as gateway:
        found = guess(gateway, 10_000)
    told = ", ".join(f"{name} {us:.1f}" for name, us in took.items())
    report.tell(
        "S13",
        "time to refuse differs by the kind of key by",
        "<= 5 %",
        f"{spread:.1%}",
        f"medians of 10,000 (us): {told}",
    )
    report.tell("S13", "answers to 10,000 wrong keys", "401, then 429", found.statuses)
    report.tell(
        "S13", "lines of log, records in the journal", "<= 10, 0", f"{found.log_lines}, {found.records}"
    )
    report.tell("S13", "the right key from the same address afterwards", "200", found.right_key)
    assert set(found.statuses) == {401, 429}
    assert found.statuses[401] <= 1_000
    assert (found.right_key, found.other_bodies) == (200, 0)
    assert found.log_lines <= 10
    assert found.records <= 1
    assert spread <= 0.05


def test_s14_what_is_installed_is_what_is_in_the_tree(tmp_path: Path) -> None:
    built = wheel.build(tmp_path)
    found = wheel.compare(built)
    wheel.install(built, tmp_path / "venv", found)
    report.tell(
        "S14", f"{found.files} files of the wheel that differ from the tree's", "0", len(found.differ)
    )
    report.tell("S14", "files that run at every start of Python (.pth)", "0", len(found.pth))
    report.tell(
        "S14", "distributions that an installation by hashes brings", "<= 30", len(found.distributions)
    )
    assert (found.differ, found.pth) == ([], [])
    assert "trunkline" in found.version
    assert len(found.distributions) <= 30


@pytest.mark.parametrize(
    ("name", "body", "statuses"),
    [
        ("JSON 100 deep", deep(100), (200, 400)), ("JSON 100,000 deep", deep(100_000), (400,)),
        ("a million items", wide(1_000_000), (200, 400)), ("gzip bomb of 200 MB", bomb(200 * MEGA), (200, 400, 413, 415)),
    ],
    ids=["deep", "deeper", "wide", "bomb"],
)  # fmt: skip
def test_s15_odd_bodies(
    tmp_path: Path, simulator: SimulatorProcess, name: str, body: bytes, statuses: tuple[int, ...]
) -> None:
    packed = {"content-encoding": "gzip"} if body.startswith(b"\x1f\x8b") else {}
    with running_trunkline(tmp_path, REGISTRY.format(simulator=simulator.address())) as gateway:
        gateway.call("GET", "/api/proxy/crm/echo")
        with peak_of(gateway.pid) as peak:
            begun = time.monotonic()
            answer = gateway.call("POST", CHAT, body, {"content-type": "application/json", **packed})
            took = time.monotonic() - begun
    report.tell("S15", name, "1 s, <= 50 MB", f"{answer.status} in {took:.2f} s, {peak.grown_mb:.1f} MB")
    assert answer.status in statuses
    assert took <= 1.0
    assert peak.grown_mb < 50
