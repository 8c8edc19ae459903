"""SDKs by the way each language names them."""

from __future__ import annotations

import pytest

from trunkline.ops.scan import imports, lexer, manifests, vendors
from trunkline.ops.scan.tree import File


@pytest.fixture(scope="module")
def known() -> vendors.Vendors:
    return vendors.load()


def found(name: str, text: str, known: vendors.Vendors) -> list[tuple[str, int]]:
    suffix = "." + name.rsplit(".", 1)[1]
    language = lexer.language_of(name, suffix)
    assert language is not None
    shown = imports.of_file(lexer.read(text, language, name), File(name, text, "code", False), known)
    return sorted((one.vendor, one.place.line) for one in shown)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "a.py",
            "import os, stripe as s\nfrom openai import (\n    AzureOpenAI,\n    OpenAI,\n)\n# import twilio\n",
            [("azure-openai", 2), ("openai", 2), ("stripe", 1)],
        ),
        (
            "a.py",
            "from openai import AzureOpenAI\nfrom google import genai\n",
            [("azure-openai", 1), ("gemini", 2)],
        ),
        (
            "a.py",
            "from langchain.chat_models import ChatOpenAI\nimport my.stripe\n'import twilio'\n",
            [("openai", 1)],
        ),
        ("a.py", "def f():\n    import boto3\n", [("aws", 2)]),
        (
            "a.ts",
            (
                "import OpenAI, { type X } from 'openai';\nimport type { Y } from \"stripe\";\nconst t = require('twilio')(a, b);\n"
                "await import('@anthropic-ai/sdk');\n// from 'resend'\nexport * from '@slack/web-api';\nimport './openai';\n"
            ),
            [("anthropic", 4), ("openai", 1), ("slack", 6), ("stripe", 2), ("twilio", 3)],
        ),
        (
            "a.go",
            (
                'import (\n\tstripe "github.com/stripe/stripe-go/v82"\n'
                '\t"github.com/openai/openai-go/option"\n)\n// "github.com/twilio/twilio-go"\nx := "fmt"\n'
            ),
            [("openai", 3), ("stripe", 2)],
        ),
        (
            "a.rb",
            "c = ::OpenAI::Client.new\n# Twilio::REST\nProvider::Stripe::X\nStripe.api_key = 'x'\n\"Slack::Web\"\n",
            [("openai", 1), ("stripe", 4)],
        ),
        (
            "a.php",
            "<?php\nuse Stripe\\StripeClient;\n$x = new \\Twilio\\Rest\\Client($a);\n// use Mailgun\\X;\nOpenAI::client($k);\n",
            [("openai", 5), ("stripe", 2), ("twilio", 3)],
        ),
        (
            "A.java",
            "import static com.stripe.Stripe.apiKey;\nimport io.sentry.Sentry;\n/* import com.twilio.X; */\n",
            [("sentry", 2), ("stripe", 1)],
        ),
    ],
)
def test_each_language(name: str, text: str, expected: list[tuple[str, int]], known: vendors.Vendors) -> None:
    assert found(name, text, known) == expected


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (
            "package.json",
            '{"dependencies": {"openai": "^4", "@aws-sdk/client-s3": "^3"}, "devDependencies": {"stripe": "1"}}',
            [("aws", 1), ("openai", 1)],
        ),
        (
            "requirements.txt",
            "openai>=1\nPyGithub==2 # x\nstripe[async]~=12\nsentry-sdk\n-r other.txt\n",
            [("github", 2), ("openai", 1), ("sentry", 4), ("stripe", 3)],
        ),
        (
            "pyproject.toml",
            '[project]\ndependencies = [\n  "anthropic>=1",\n  "boto3",\n]\n',
            [("anthropic", 3), ("aws", 4)],
        ),
        (
            "Gemfile",
            'gem "stripe"\n  gem \'aws-sdk-s3\', require: false\n# gem "twilio-ruby"\n',
            [("aws", 2), ("stripe", 1)],
        ),
        (
            "composer.json",
            '{"require": {"stripe/stripe-php": "*"}, "require-dev": {"twilio/sdk": "*"}}',
            [("stripe", 1)],
        ),
        (
            "go.mod",
            "require (\n\tgithub.com/openai/openai-go v1\n\tgithub.com/twilio/twilio-go v1 // indirect\n)\n",
            [("openai", 2)],
        ),
        (
            "pom.xml",
            "<dependency>\n<groupId>com.stripe</groupId>\n<artifactId>stripe-java</artifactId></dependency>",
            [("stripe", 1)],
        ),
        (
            "build.gradle",
            "implementation 'io.sentry:sentry:8.0'\nimplementation(\"com.twilio.sdk:twilio:10\")\n",
            [("sentry", 1), ("twilio", 2)],
        ),
    ],
)
def test_each_list_of_packages(
    path: str, text: str, expected: list[tuple[str, int]], known: vendors.Vendors
) -> None:
    shown = manifests.of_file(File(path, text, "code", False), known)
    assert sorted((one.vendor, one.place.line) for one in shown) == expected


def test_lists_of_packages_are_known_by_name() -> None:
    names = [
        "package.json",
        "a/Gemfile",
        "x.gemspec",
        "requirements-dev.txt",
        "requirements/prod.txt",
        "build.gradle.kts",
        "package-lock.json",
        "notes.txt",
    ]
    assert [manifests.manager_of(name) for name in names] == [
        "npm",
        "gem",
        "gem",
        "pypi",
        "pypi",
        "maven",
        "",
        "",
    ]
