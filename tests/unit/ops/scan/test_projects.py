"""The whole reading on small projects, one per stack: integrations, credentials, the change of each client; and that no value leaks."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from trunkline.ops.scan import gather, judge, plan, plan_text, registry_text, sarif, services, vendors
from trunkline.ops.scan.changes import is_changed_line
from trunkline.registry.load import load

from .made import all_projects, make, value

PROXY = "http://127.0.0.1:4000"


@pytest.fixture(scope="module")
def known() -> vendors.Vendors:
    return vendors.load()


@pytest.mark.row("R6")
@pytest.mark.parametrize("name", all_projects())
def test_everything_that_a_project_calls_is_found(name: str, tmp_path: Path, known: vendors.Vendors) -> None:
    expected, _ = make(name, tmp_path)
    look = gather.look(tmp_path, vendors=known)
    found = services.services_of(look.found, known)

    assert {
        one.name: {"key": one.key.name if one.key else "", "url": one.base_url, "way": one.way}
        for one in found
    } == expected["integrations"]


@pytest.mark.row("R6", "S1")
@pytest.mark.parametrize("name", all_projects())
def test_every_value_of_a_credential_is_found_and_no_other(
    name: str, tmp_path: Path, known: vendors.Vendors
) -> None:
    expected, _ = make(name, tmp_path)
    found = gather.look(tmp_path, vendors=known).found

    seen = [
        f"{one.place} {one.name} {'own' if one.own else one.vendor}".rstrip()
        for one in found.credentials
        if one.valued
    ]
    assert sorted(seen) == sorted(expected["valued"])


@pytest.mark.row("R6")
@pytest.mark.parametrize("name", all_projects())
def test_each_client_gets_its_exact_change(name: str, tmp_path: Path, known: vendors.Vendors) -> None:
    expected, _ = make(name, tmp_path)
    look = gather.look(tmp_path, vendors=known)
    sites = plan.sites_of(look, services.services_of(look.found, known), known, PROXY)

    shown = []
    for site in sites:
        first = f"{site.place} {site.vendor}{' through' if site.through else ''}".rstrip()
        shown.append("\n".join([first, *(line for line in site.diff if is_changed_line(line))]))
    assert sorted(shown) == sorted(expected["sites"])


@pytest.mark.row("R1", "R6")
@pytest.mark.parametrize("name", all_projects())
def test_the_registry_that_is_written_is_valid_and_names_each_integration(
    name: str, tmp_path: Path, known: vendors.Vendors
) -> None:
    expected, _ = make(name, tmp_path)
    found = services.services_of(gather.look(tmp_path, vendors=known).found, known)
    registry = tmp_path / "trunkline.yaml"
    registry.write_text(registry_text.text_of(found))
    loaded = load(registry, environment="prod", environ={})

    # An entry whose address nobody could tell stands there as a comment, save where the vendor's form of address is known.
    declared = {one for one, what in expected["integrations"].items() if what["url"] or one == "azure-openai"}
    assert {service.name for service in loaded.snapshot.services} == declared
    assert not [finding for finding in loaded.findings if finding.severity == "error"]


@pytest.mark.row("R6", "S1")
@pytest.mark.parametrize("name", all_projects())
def test_no_value_stands_in_anything_that_is_written(
    name: str, tmp_path: Path, known: vendors.Vendors
) -> None:
    _, values = make(name, tmp_path)
    look = gather.look(tmp_path, vendors=known)
    found = services.services_of(look.found, known)
    made = plan.made(look, found, known, registry="trunkline.yaml", proxy_url=PROXY)
    patch, _ = plan.patch(look, found, known, PROXY)
    problems = judge.problems_of(look.found, found, made.sites, judge.Declared())
    everything = "\n".join(
        [
            registry_text.text_of(found),
            plan_text.markdown(made),
            msgspec.json.encode(made).decode(),
            msgspec.json.encode(look.found).decode(),
            json.dumps(sarif.log(problems, version="0", with_baseline=True)),
            patch,
            repr(look),
        ]
    )

    assert [value for value in values if value in everything or value[8:] in everything] == []


def test_reading_changes_nothing(tmp_path: Path, known: vendors.Vendors) -> None:
    make("flask", tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    gather.look(tmp_path, vendors=known)

    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.row("R6")
def test_what_stands_by_value_in_ci_files_alone_gets_a_command_each(
    tmp_path: Path, known: vendors.Vendors
) -> None:
    make("ci", tmp_path)
    look = gather.look(tmp_path, vendors=known)
    found = services.services_of(look.found, known)
    made = plan.made(look, found, known, registry="trunkline.yaml", proxy_url=PROXY)
    assert [(move.command, move.places, move.committed) for move in made.moves if move.ci] == [
        (
            "trunkline secrets import .github/workflows/ci.yml --line 8 --as SENDGRID_API_KEY",
            [".github/workflows/ci.yml:8", ".gitlab-ci.yml:2"],
            True,
        ),
        (
            "trunkline secrets import .github/workflows/ci.yml --line 10 --as GITHUB_TOKEN",
            [".github/workflows/ci.yml:10"],
            True,
        ),
    ]
    (stripe,) = [move for move in made.moves if move.name == "STRIPE_SECRET_KEY"]
    assert stripe.places == [".env:1", ".github/workflows/ci.yml:6"]
    assert "CI files hold these by value" in plan_text.markdown(made)


@pytest.mark.row("R6")
def test_no_two_credentials_go_to_one_name_unasked(tmp_path: Path, known: vendors.Vendors) -> None:
    for app, seed in (("api", 1), ("web", 2)):
        (tmp_path / app).mkdir()
        (tmp_path / app / ".env").write_text(f"STRIPE_SECRET_KEY={value('STRIPE_LIVE', seed)}\n")
    (tmp_path / "old.py").write_text(
        f"import stripe\nuse('{value('STRIPE_TEST', 3)}')\nuse('{value('STRIPE_TEST', 4)}')\n"
    )
    look = gather.look(tmp_path, vendors=known)
    found = services.services_of(look.found, known)
    made = plan.made(look, found, known, registry="trunkline.yaml", proxy_url=PROXY)
    assert [move.command for move in made.moves] == [
        "trunkline secrets import api/.env --only STRIPE_SECRET_KEY",
        "trunkline secrets import old.py --line 2 --as STRIPE_SECRET",
        "trunkline secrets import old.py --line 3 --as STRIPE_SECRET_2",
    ]
    asked = "`STRIPE_SECRET_KEY` has 2 values (api/.env:1, web/.env:1): which one is right, or are they several credentials?"
    assert asked in made.questions
