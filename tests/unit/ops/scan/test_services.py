"""What was found, put together: names, addresses, which credential is the key, and what is too little to count."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.ops.scan import gather, services, vendors
from trunkline.ops.scan.services import Service, label


@pytest.fixture(scope="module")
def known() -> vendors.Vendors:
    return vendors.load()


def found(folder: Path, known: vendors.Vendors, files: dict[str, str]) -> dict[str, Service]:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return {one.name: one for one in services.services_of(gather.look(folder, vendors=known).found, known)}


def test_a_variable_that_code_reads_is_too_little_and_with_a_package_enough(
    tmp_path: Path, known: vendors.Vendors
) -> None:
    read = {"a.js": "const key = process.env.RESEND_API_KEY;\n"}
    assert found(tmp_path, known, read) == {}
    assert list(found(tmp_path, known, {**read, "package.json": '{"dependencies": {"resend": "4"}}'})) == [
        "resend"
    ]


def test_a_variable_that_is_set_is_enough(tmp_path: Path, known: vendors.Vendors) -> None:
    assert list(found(tmp_path, known, {".env.example": "GROQ_API_KEY=\n"})) == ["groq"]


def test_what_only_tests_docs_and_ci_use_is_not_the_products(tmp_path: Path, known: vendors.Vendors) -> None:
    files = {
        "tests/test_a.py": "import stripe\nrequests.get('https://api.things.io/v1')\n",
        "docs/a.py": "import stripe\n",
        ".github/workflows/a.yml": "env:\n  OPENAI_API_KEY: ${{ secrets.OPENAI_API_KEY }}\n",
        "tests/.env.test": "SENDGRID_API_KEY=x\n",
    }
    assert found(tmp_path, known, files) == {}


def test_the_key_is_told_from_other_secrets_of_its_vendor(tmp_path: Path, known: vendors.Vendors) -> None:
    env = "STRIPE_WEBHOOK_SECRET=\nSTRIPE_SECRET_KEY=\nSTRIPE_OTHER_KEY=\n"
    stripe = found(tmp_path, known, {".env.example": env})["stripe"]

    assert stripe.key is not None
    assert (stripe.key.name, [one.name for one in stripe.held]) == (
        "STRIPE_SECRET_KEY",
        ["STRIPE_WEBHOOK_SECRET", "STRIPE_OTHER_KEY"],
    )


def test_a_name_that_two_vendors_use_goes_to_the_one_that_is_used(
    tmp_path: Path, known: vendors.Vendors
) -> None:
    alone = found(tmp_path, known, {".env.example": "GOOGLE_API_KEY=\n"})
    with_maps = found(tmp_path, known, {"a.py": "import googlemaps\n"})

    assert (list(alone), list(with_maps)) == (["gemini"], ["google"])


def test_a_credential_finds_its_unknown_host_by_name_whatever_the_product_puts_before(
    tmp_path: Path, known: vendors.Vendors
) -> None:
    env = "".join(
        f"MYAPP_{name}=\n"
        for name in (
            "TRAKTOR_SECRET",
            "OPENAI_API_KEY",
            "GROQ_API_KEY",
            "MISTRAL_API_KEY",
            "COHERE_API_KEY",
            "LOST_API_KEY",
        )
    )
    made = found(
        tmp_path,
        known,
        {".env.example": env, "a.py": "import requests\nrequests.get('https://api.traktor.tv/x')\n"},
    )

    assert made["traktor"].key is not None
    assert (made["traktor"].key.name, made["traktor"].base_url) == (
        "MYAPP_TRAKTOR_SECRET",
        "https://api.traktor.tv",
    )
    assert (made["lost"].base_url, made["lost"].key is not None) == ("", True)


def test_further_hosts_of_a_vendor_are_entries_of_their_own(tmp_path: Path, known: vendors.Vendors) -> None:
    code = "import requests\nrequests.get('https://slack.com/api/x')\nrequests.post('https://hooks.slack.com/services/y')\n"
    made = found(tmp_path, known, {"a.py": code})

    assert {name: (one.base_url, one.way) for name, one in made.items()} == {
        "slack": ("https://slack.com", "proxy"),
        "slack-hooks": ("https://hooks.slack.com", "connect"),
    }


def test_the_address_in_use_wins_over_the_usual_one(tmp_path: Path, known: vendors.Vendors) -> None:
    made = found(
        tmp_path, known, {"a.py": "import requests\nrequests.get('https://api.sandbox.paypal.com/v1/x')\n"}
    )
    assert made["paypal"].base_url == "https://api.sandbox.paypal.com"


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("api.trakt.tv", "trakt"),
        ("en.wikipedia.org", "wikipedia"),
        ("a.b.things.co.uk", "things"),
        ("my-app.onrender.com", "my-app"),
        ("*.region.net", "region"),
        ("1.2.3.4", "host-1-2-3-4"),
        ("x.io", "x"),
    ],
)
def test_hosts_are_named_as_people_call_them(host: str, name: str) -> None:
    assert label(host) == name


def test_two_hosts_of_one_name_are_told_apart(tmp_path: Path, known: vendors.Vendors) -> None:
    code = (
        "import requests\nrequests.get('https://api.things.io/x')\nrequests.get('https://auth.things.io/y')\n"
    )
    assert sorted(found(tmp_path, known, {"a.py": code})) == ["things", "things-auth"]
