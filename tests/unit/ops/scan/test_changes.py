"""The change of a client: what is masked, what stays, what goes into one patch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from trunkline.ops.scan import changes, gather, plan, services, vendors
from trunkline.ops.scan.secrets_seen import Forms

from .made import all_projects, make, value

PROXY = "http://127.0.0.1:4000"


@pytest.fixture(scope="module")
def known() -> vendors.Vendors:
    return vendors.load()


def shown(folder: Path, known: vendors.Vendors, **files: str) -> dict[str, tuple[list[str], str]]:
    """Place -> (lines of the diff, note)."""
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    look = gather.look(folder, vendors=known)
    sites = plan.sites_of(look, services.services_of(look.found, known), known, PROXY)
    return {
        str(site.place): ([line for line in site.diff if changes.is_changed_line(line)], site.note)
        for site in sites
    }


def test_comments_among_arguments_stay_where_they_are(tmp_path: Path, known: vendors.Vendors) -> None:
    text = (
        "import os\nfrom openai import OpenAI\n"
        'c = OpenAI(\n    # it\'s (the) "key"\n    api_key=KEY,  # of the shop, not ours\n    timeout=3,\n)\n'
    )
    ((lines, _),) = shown(tmp_path, known, a__py=text).values()

    assert lines == [
        "-    api_key=KEY,  # of the shop, not ours",
        '+    api_key=os.environ["TRUNKLINE_KEY"],  # of the shop, not ours',
        '+    base_url="http://127.0.0.1:4000/v1",',
    ]


def test_a_client_whose_requests_are_signed_stays_as_it_is(tmp_path: Path, known: vendors.Vendors) -> None:
    ((lines, note),) = shown(tmp_path, known, a__py="import boto3\ns3 = boto3.client('s3')\n").values()
    assert (lines, note) == (
        [],
        "stays as it is (its SDKs sign each request); confine it with the CONNECT listener",
    )


def test_a_client_without_a_known_change_is_told_the_address(tmp_path: Path, known: vendors.Vendors) -> None:
    ((lines, note),) = shown(
        tmp_path, known, a__js="const stripe = require('stripe')(process.env.STRIPE_SECRET_KEY);\n"
    ).values()
    assert lines == []
    assert note.endswith("http://127.0.0.1:4000/api/proxy/stripe")


def test_a_place_where_tokens_are_fetched_stays(tmp_path: Path, known: vendors.Vendors) -> None:
    ((lines, note),) = shown(
        tmp_path,
        known,
        a__py='import requests\nrequests.post("https://auth.things.io/oauth/token", data=d)\n',
    ).values()
    assert (lines, note.startswith("tokens are fetched here")) == ([], True)


def test_the_base_path_of_the_registry_is_not_sent_twice(tmp_path: Path, known: vendors.Vendors) -> None:
    ((lines, _),) = shown(
        tmp_path, known, a__py='import requests\nrequests.get("https://openrouter.ai/api/v1/models")\n'
    ).values()
    assert lines[1] == '+requests.get("http://127.0.0.1:4000/api/proxy/openrouter/v1/models")'


def test_gemini_keeps_its_paths_on_the_route_that_takes_its_key(
    tmp_path: Path, known: vendors.Vendors
) -> None:
    ((lines, _),) = shown(
        tmp_path,
        known,
        a__py='import requests\nrequests.get(f"https://generativelanguage.googleapis.com/v1beta/models?key={key}")\n',
    ).values()
    assert lines[1] == '+requests.get(f"http://127.0.0.1:4000/v1beta/models?key={key}")'


@pytest.mark.row("S1")
def test_credentials_in_changed_lines_are_masked_wherever_they_stand(known: vendors.Vendors) -> None:
    forms = Forms(known)
    key, hexa = value("STRIPE_LIVE"), value("HEX")

    assert changes.masked(f'-stripe.api_key = "{key}"', forms) == '-stripe.api_key = "***"'
    assert (
        changes.masked(
            f'-post("https://hooks.slack.com/services/T00/B00/{value("BASE64").replace("/", "x")}")', forms
        ).count("***")
        == 1
    )
    assert (
        changes.masked(f"-get('https://api.things.io/v1?key={hexa}&x=1')", forms)
        == "-get('https://api.things.io/v1?key=***&x=1')"
    )
    assert (
        changes.masked(f"-get('https://shop:{value('PASSWORD')}@api.things.io/v1')", forms)
        == "-get('https://shop:***@api.things.io/v1')"
    )
    assert changes.masked(f"-x = f('{hexa}', a)", forms) == "-x = f('***', a)"
    assert (
        changes.masked(
            "-x = f('https://api.things.io/v1', 'some words here', model=\"gpt-4o-mini\")", forms
        ).count("***")
        == 0
    )


@pytest.mark.parametrize("name", all_projects())
def test_one_patch_holds_every_exact_change_and_applies(
    name: str, tmp_path: Path, known: vendors.Vendors
) -> None:
    make(name, tmp_path)
    look = gather.look(tmp_path, vendors=known)
    found = services.services_of(look.found, known)
    text, left = plan.patch(look, found, known, PROXY)
    apply(text, tmp_path)
    again = gather.look(tmp_path, vendors=known)
    sites = plan.sites_of(again, services.services_of(again.found, known), known, PROXY)

    assert [str(site.place) for site in sites if site.diff and not site.hidden] == []
    assert len(left) == sum(site.hidden for site in sites)
    for path in tmp_path.rglob("*.py"):
        subprocess.run([sys.executable, "-m", "py_compile", str(path)], check=True, timeout=30)


def apply(patch: str, folder: Path) -> None:
    """Applies a unified diff without context, from the last hunk of each file to the first."""
    for part in patch.split("--- a/")[1:]:
        head, *lines = part.split("\n")
        path = folder / head
        text = path.read_text().split("\n")
        hunks: list[tuple[int, int, list[str]]] = []
        for line in lines[1:]:
            if line.startswith("@@"):
                start, _, count = line.split()[1][1:].partition(",")
                hunks.append((int(start), int(count or 1), []))
            elif line.startswith("+"):
                hunks[-1][2].append(line[1:])
        for start, count, new in reversed(hunks):
            at = start - 1 if count else start
            text[at : at + count] = new
        path.write_text("\n".join(text))


def test_a_client_of_ruby_is_seen_without_brackets(tmp_path: Path, known: vendors.Vendors) -> None:
    text = (
        "require 'twilio-ruby'\ndef client\n  Twilio::REST::Client.new a, b\nend\n"
        "stream = Twitter::Streaming::Client.new do |config|\nend\n"
    )
    found = shown(tmp_path, known, sms__rb=text)

    assert list(found) == ["sms.rb:3", "sms.rb:5"]
    assert found["sms.rb:3"][0] == []
    assert "takes no other address" in found["sms.rb:3"][1]


def test_a_client_whose_address_differs_by_customer_gets_no_guessed_line(
    tmp_path: Path, known: vendors.Vendors
) -> None:
    text = 'import { Redis } from "@upstash/redis";\nexport const redis = new Redis({ url: process.env.UPSTASH_REDIS_REST_URL });\n'
    lines, note = shown(tmp_path, known, redis__ts=text)["redis.ts:2"]

    assert lines == []
    assert "each database has an address of its own" in note
