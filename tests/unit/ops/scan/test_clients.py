"""The exact change of a client, language by language, as the SDKs' own documentation has it.

Each row is a construction as people write it, and the lines that come in its place. The names of options are those of the SDKs:
of Stainless' generated ones (OpenAI, Anthropic), Stripe, Slack, Cohere, Octokit, openai-php, LangChain4j, sashabaranov/go-openai.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.ops.scan import changes, gather, plan, services, vendors

PROXY = "http://127.0.0.1:4000"
KNOWN = vendors.load()


def changed(folder: Path, name: str, text: str) -> tuple[list[str], list[str]]:
    """Lines that come with the change of all places of a file, and what is said where no line can be given."""
    (folder / name).write_text(text)
    look = gather.look(folder, vendors=KNOWN)
    found = services.services_of(look.found, KNOWN)
    patch, _ = plan.patch(look, found, KNOWN, PROXY)
    notes = [site.note for site in plan.sites_of(look, found, KNOWN, PROXY) if site.note]
    return [
        line[1:] for line in patch.splitlines() if line[0] == "+" and changes.is_changed_line(line)
    ], notes


def row(name: str, before: str, *after: str) -> object:
    return pytest.param(before, list(after), id=name)


PYTHON_KEY = 'os.environ["TRUNKLINE_KEY"]'
PYTHON = [
    row(
        "kwargs-and-key",
        'ChatOpenAI(**kwargs, api_key=os.environ["OPENAI_API_KEY"])',
        f'c = ChatOpenAI(**{{**kwargs, "base_url": "{PROXY}/v1"}}, api_key={PYTHON_KEY})',
    ),
    row(
        "key-and-kwargs",
        'ChatOpenAI(api_key=os.environ["OPENAI_API_KEY"], **kwargs)',
        f'c = ChatOpenAI(api_key={PYTHON_KEY}, **{{**kwargs, "base_url": "{PROXY}/v1"}})',
    ),
    row(
        "kwargs",
        "ChatOpenAI(**kwargs)",
        f'c = ChatOpenAI(**{{**kwargs, "api_key": {PYTHON_KEY}, "base_url": "{PROXY}/v1"}})',
    ),
    row(
        "positional-and-kwargs",
        "OpenAI(*given, **settings(1))",
        f'c = OpenAI(*given, **{{**settings(1), "api_key": {PYTHON_KEY}, "base_url": "{PROXY}/v1"}})',
    ),
    row(
        "literal",
        'ChatOpenAI(model="x", **{"temperature": 0, "api_key": KEY})',
        f'c = ChatOpenAI(model="x", **{{"temperature": 0, "api_key": {PYTHON_KEY}, "base_url": "{PROXY}/v1"}})',
    ),
    row("two-of-them", "ChatOpenAI(**one, **other)"),
    row(
        "former-names",
        'ChatOpenAI(openai_api_key=KEY, openai_api_base="https://api.openai.com/v1")',
        f'c = ChatOpenAI(openai_api_key={PYTHON_KEY}, openai_api_base="{PROXY}/v1")',
    ),
]


@pytest.mark.row("R6")
@pytest.mark.parametrize(("before", "after"), PYTHON)
def test_python_with_arguments_from_elsewhere(before: str, after: list[str], tmp_path: Path) -> None:
    text = f"import os\nfrom openai import OpenAI\nfrom langchain_openai import ChatOpenAI\nc = {before}\n"
    lines, notes = changed(tmp_path, "a.py", text)

    assert lines == after
    assert bool(notes) == (not after)
    for line in lines:
        compile(line, "a.py", "exec")


OTHERS = [
    row("vllm-by-name", 'OpenAI(base_url=os.environ["VLLM_BASE_URL"], api_key="EMPTY")', "vllm/v1"),
    row("vllm-here", 'OpenAI(base_url="http://localhost:8000/v1", api_key="EMPTY")  # vLLM', "vllm/v1"),
    row("vllm-there", 'OpenAI(base_url="http://gpu.larkspur.net:8000/v1", api_key="-")', "larkspur/v1"),
    row("ollama", 'OpenAI(base_url="http://localhost:11434/v1", api_key="ollama")', "ollama/v1"),
    row(
        "groq-by-name",
        'OpenAI(base_url=os.environ["GROQ_BASE_URL"], api_key=os.environ["GROQ_API_KEY"])',
        "groq/openai/v1",
    ),
    row("groq", 'OpenAI(base_url="https://api.groq.com/openai/v1", api_key=k)', "groq/openai/v1"),
    row("openrouter", 'OpenAI(base_url="https://openrouter.ai/api/v1", api_key=k)', "openrouter/v1"),
    row(
        "openrouter-by-name",
        'OpenAI(base_url=os.environ["OPENROUTER_BASE_URL"], api_key=k)',
        "openrouter/v1",
    ),
    row("deepseek", 'OpenAI(base_url="https://api.deepseek.com", api_key=k)', "deepseek"),
]


@pytest.mark.parametrize(("before", "after"), OTHERS)
def test_other_vendors_by_openais_client_keep_their_own_path(
    before: str, after: list[str], tmp_path: Path
) -> None:
    (line,), _ = changed(tmp_path, "a.py", f"import os\nfrom openai import OpenAI\nc = {before}\n")
    assert f'base_url="{PROXY}/api/proxy/{after[0]}"' in line
    assert f"api_key={PYTHON_KEY}" in line


def test_langchains_client_of_vllm(tmp_path: Path) -> None:
    text = (
        "import os\nfrom langchain_community.llms import VLLMOpenAI\n"
        'c = VLLMOpenAI(openai_api_key="EMPTY", openai_api_base=os.environ["VLLM_BASE_URL"], model_name="m")\n'
    )
    lines, _ = changed(tmp_path, "a.py", text)
    assert lines == [
        f'c = VLLMOpenAI(openai_api_key={PYTHON_KEY}, openai_api_base="{PROXY}/api/proxy/vllm/v1", model_name="m")'
    ]


GO_KEY = 'os.Getenv("TRUNKLINE_KEY")'
SDK = {
    "openai": '"github.com/openai/openai-go/v2"',
    "anthropic": '"github.com/anthropics/anthropic-sdk-go"',
    "slack": '"github.com/slack-go/slack"',
    "cohere": 'cohereclient "github.com/cohere-ai/cohere-go/v2/client"',
}
GO = [
    pytest.param(
        [SDK["openai"], '"github.com/openai/openai-go/v2/option"', '"os"'],
        'openai.NewClient(option.WithAPIKey(os.Getenv("OPENAI_API_KEY")), option.WithMaxRetries(2))',
        [
            f'\tc := openai.NewClient(option.WithAPIKey({GO_KEY}), option.WithMaxRetries(2), option.WithBaseURL("{PROXY}/v1/"))'
        ],
        id="openai",
    ),
    pytest.param(
        [SDK["openai"]],
        "openai.NewClient()",
        [
            '\t"os"',
            '\t"github.com/openai/openai-go/v2/option"',
            f'\tc := openai.NewClient(option.WithAPIKey({GO_KEY}), option.WithBaseURL("{PROXY}/v1/"))',
        ],
        id="openai-from-the-environment",
    ),
    pytest.param(
        [SDK["openai"], 'opts "github.com/openai/openai-go/v2/option"', '"os"'],
        'openai.NewClient(opts.WithAPIKey("k"))',
        [f'\tc := openai.NewClient(opts.WithAPIKey({GO_KEY}), opts.WithBaseURL("{PROXY}/v1/"))'],
        id="openai-renamed",
    ),
    pytest.param(
        [SDK["anthropic"], '"github.com/anthropics/anthropic-sdk-go/option"', '"os"'],
        'anthropic.NewClient(\n\t\toption.WithAPIKey("k"), // of the shop\n\t)',
        [
            f"\t\toption.WithAPIKey({GO_KEY}), // of the shop",
            f'\t\toption.WithBaseURL("{PROXY}/"),',
        ],
        id="anthropic",
    ),
    pytest.param(
        [SDK["slack"], '"os"'],
        'slack.New(os.Getenv("SLACK_TOKEN"), slack.OptionDebug(true))',
        [
            f'\tc := slack.New({GO_KEY}, slack.OptionDebug(true), slack.OptionAPIURL("{PROXY}/api/proxy/slack/api/"))'
        ],
        id="slack",
    ),
    pytest.param(
        [SDK["cohere"], 'cohereoption "github.com/cohere-ai/cohere-go/v2/option"', '"os"'],
        'cohereclient.NewClient(cohereoption.WithToken(os.Getenv("COHERE_API_KEY")))',
        [
            f'\tc := cohereclient.NewClient(cohereoption.WithToken({GO_KEY}), cohereoption.WithBaseURL("{PROXY}/api/proxy/cohere"))'
        ],
        id="cohere",
    ),
    pytest.param(
        [SDK["cohere"], '"os"'],
        'cohereclient.NewClient(cohereclient.WithToken("k"))',
        [
            f'\tc := cohereclient.NewClient(cohereclient.WithToken({GO_KEY}), cohereclient.WithBaseURL("{PROXY}/api/proxy/cohere"))'
        ],
        id="cohere-before-its-options-moved",
    ),
]


@pytest.mark.row("R6")
@pytest.mark.parametrize(("imported", "before", "after"), GO)
def test_go(imported: list[str], before: str, after: list[str], tmp_path: Path) -> None:
    lines = "".join(f"\t{one}\n" for one in imported)
    text = f"package main\n\nimport (\n{lines})\n\nfunc main() {{\n\tc := {before}\n}}\n"
    assert changed(tmp_path, "main.go", text) == (after, [])


def test_go_with_a_single_import(tmp_path: Path) -> None:
    text = 'package main\n\nimport "github.com/anthropics/anthropic-sdk-go"\n\nfunc main() {\n\tc := anthropic.NewClient()\n}\n'
    assert changed(tmp_path, "main.go", text)[0] == [
        'import "os"',
        'import "github.com/anthropics/anthropic-sdk-go/option"',
        f'\tc := anthropic.NewClient(option.WithAPIKey({GO_KEY}), option.WithBaseURL("{PROXY}/"))',
    ]


GO_TOLD = [
    row(
        "sashabaranov",
        'import openai "github.com/sashabaranov/go-openai"\n\nvar c = openai.DefaultConfig("k")',
        "BaseURL",
        "/v1",
    ),
    row(
        "go-github",
        'import "github.com/google/go-github/v66/github"\n\nvar c = github.NewClient(nil)',
        "`WithEnterpriseURLs` would add a path",
        "/api/proxy/github",
    ),
    row(
        "stripe",
        'import "github.com/stripe/stripe-go/v82"\n\nvar c = stripe.NewClient("k")',
        "SetBackend",
        "/stripe",
    ),
    row(
        "genai",
        'import "google.golang.org/genai"\n\nvar c, _ = genai.NewClient(ctx, nil)',
        "genai.HTTPOptions{BaseURL: ...}",
        "4000",
    ),
]


@pytest.mark.parametrize(("text", "told"), GO_TOLD)
def test_go_where_it_takes_more_than_a_line(text: str, told: list[str], tmp_path: Path) -> None:
    lines, (note,) = changed(tmp_path, "main.go", f"package main\n\n{text}\n")
    assert lines == []
    assert told[0] in note
    assert note.endswith(told[1])


RUBY_KEY = 'ENV.fetch("TRUNKLINE_KEY")'
RUBY = [
    row(
        "openai",
        'require "openai"\nc = OpenAI::Client.new(api_key: ENV["OPENAI_API_KEY"])',
        f'c = OpenAI::Client.new(api_key: {RUBY_KEY}, base_url: "{PROXY}/v1")',
    ),
    row(
        "ruby-openai",
        'require "openai"\nc = OpenAI::Client.new(access_token: ENV.fetch("T"), log_errors: true)',
        f'c = OpenAI::Client.new(access_token: {RUBY_KEY}, log_errors: true, uri_base: "{PROXY}/")',
    ),
    row(
        "ruby-openai-configured",
        'require "openai"\nOpenAI.configure do |config|\n  config.access_token = ENV.fetch("T")\nend',
        f"  config.access_token = {RUBY_KEY}",
        f'  config.uri_base = "{PROXY}/"',
    ),
    row(
        "anthropic",
        'require "anthropic"\nc = Anthropic::Client.new(\n  api_key: ENV["A"] # the default\n)',
        f"  api_key: {RUBY_KEY}, # the default",
        f'  base_url: "{PROXY}"',
    ),
    row(
        "stripe",
        'require "stripe"\nc = Stripe::StripeClient.new(ENV["S"], stripe_version: "2024-06-20")',
        f'c = Stripe::StripeClient.new({RUBY_KEY}, stripe_version: "2024-06-20", api_base: "{PROXY}/api/proxy/stripe")',
    ),
    row(
        "stripe-for-all",
        'require "stripe"\nStripe.api_key = ENV["S"]',
        f"Stripe.api_key = {RUBY_KEY}",
        f'Stripe.api_base = "{PROXY}/api/proxy/stripe"',
    ),
    row(
        "slack",
        'require "slack-ruby-client"\nc = Slack::Web::Client.new(token: ENV["S"])',
        f'c = Slack::Web::Client.new(token: {RUBY_KEY}, endpoint: "{PROXY}/api/proxy/slack/api/")',
    ),
    row(
        "octokit",
        'require "octokit"\nc = Octokit::Client.new(access_token: ENV["G"])',
        f'c = Octokit::Client.new(access_token: {RUBY_KEY}, api_endpoint: "{PROXY}/api/proxy/github")',
    ),
]


@pytest.mark.row("R6")
@pytest.mark.parametrize(("before", "after"), RUBY)
def test_ruby(before: str, after: list[str], tmp_path: Path) -> None:
    assert changed(tmp_path, "a.rb", f"{before}\n") == (after, [])


PHP_KEY = "getenv('TRUNKLINE_KEY')"
PHP = [
    row(
        "openai",
        "$c = OpenAI::factory()->withApiKey($key)->withOrganization('x')->make();",
        f"$c = OpenAI::factory()->withBaseUri('{PROXY}/v1')->withApiKey({PHP_KEY})->withOrganization('x')->make();",
    ),
    row(
        "openai-in-lines",
        "$c = \\OpenAI::factory()\n    ->withApiKey($key)\n    ->withBaseUri('https://api.openai.com/v1')\n    ->make();",
        f"    ->withApiKey({PHP_KEY})",
        f"    ->withBaseUri('{PROXY}/v1')",
    ),
    row(
        "anthropic",
        "use Anthropic\\Client;\n$c = new Client(apiKey: getenv('A') ?: 'my-anthropic-api-key');",
        f"$c = new Client(apiKey: {PHP_KEY}, baseUrl: '{PROXY}');",
    ),
    row(
        "stripe-by-key",
        "$c = new \\Stripe\\StripeClient(getenv('S'));",
        f"$c = new \\Stripe\\StripeClient(['api_key' => {PHP_KEY}, 'api_base' => '{PROXY}/api/proxy/stripe']);",
    ),
    row(
        "stripe-by-settings",
        "use Stripe\\StripeClient;\n$c = new StripeClient(['api_key' => $key, 'stripe_version' => '2024-06-20']);",
        f"$c = new StripeClient(['api_key' => {PHP_KEY}, 'stripe_version' => '2024-06-20', 'api_base' => '{PROXY}/api/proxy/stripe']);",
    ),
]


@pytest.mark.row("R6")
@pytest.mark.parametrize(("before", "after"), PHP)
def test_php(before: str, after: list[str], tmp_path: Path) -> None:
    assert changed(tmp_path, "a.php", f"<?php\n{before}\n") == (after, [])


def test_php_where_it_takes_more_than_a_line(tmp_path: Path) -> None:
    text = (
        "<?php\n$c = OpenAI::client(getenv('OPENAI_API_KEY'));\n\\Stripe\\Stripe::setApiKey(getenv('S'));\n"
    )
    lines, (openai, stripe) = changed(tmp_path, "a.php", text)

    assert lines == []
    assert openai.endswith(f"the address below: {PROXY}/v1")
    assert "\\Stripe\\Stripe::$apiBase" in stripe


JAVA_KEY = 'System.getenv("TRUNKLINE_KEY")'
JAVA = [
    row(
        "openai",
        'com.openai.client.okhttp.OpenAIOkHttpClient; OpenAIOkHttpClient.builder().apiKey("k").organization("x").build()',
        f'.builder().baseUrl("{PROXY}/v1").apiKey({JAVA_KEY}).organization("x").build()',
    ),
    row(
        "openai-with-the-environment-under-it",
        "com.openai.client.okhttp.OpenAIOkHttpClientAsync; OpenAIOkHttpClientAsync.builder().fromEnv().maxRetries(4).build()",
        f'.builder().fromEnv().baseUrl("{PROXY}/v1").apiKey({JAVA_KEY}).maxRetries(4).build()',
    ),
    row(
        "anthropic",
        'com.anthropic.client.okhttp.AnthropicOkHttpClient; AnthropicOkHttpClient.builder().apiKey("k").build()',
        f'.builder().baseUrl("{PROXY}").apiKey({JAVA_KEY}).build()',
    ),
    row(
        "langchain4j",
        'dev.langchain4j.model.openai.OpenAiChatModel; OpenAiChatModel.builder().apiKey("k").modelName("m").build()',
        f'.builder().baseUrl("{PROXY}/v1").apiKey({JAVA_KEY}).modelName("m").build()',
    ),
    row(
        "stripe",
        'com.stripe.StripeClient; StripeClient.builder().setApiKey("k").setMaxNetworkRetries(2).build()',
        f'.builder().setApiBase("{PROXY}/api/proxy/stripe").setApiKey({JAVA_KEY}).setMaxNetworkRetries(2).build()',
    ),
]


@pytest.mark.row("R6")
@pytest.mark.parametrize(("before", "after"), JAVA)
def test_java(before: str, after: list[str], tmp_path: Path) -> None:
    imported, _, made = before.partition("; ")
    name = made.partition(".")[0]
    text = f"import {imported};\n\nclass A {{\n    Object c =\n        {made};\n}}\n"
    assert changed(tmp_path, "A.java", text) == ([f"        {name}{after[0]};"], [])


def test_java_for_all_of_stripe(tmp_path: Path) -> None:
    text = 'import com.stripe.Stripe;\n\nclass A {\n    void f() {\n        Stripe.apiKey = System.getenv("S");\n    }\n}\n'
    assert changed(tmp_path, "A.java", text)[0] == [
        f"        Stripe.apiKey = {JAVA_KEY};",
        f'        Stripe.overrideApiBase("{PROXY}/api/proxy/stripe");',
    ]


JAVA_TOLD = [
    row(
        "openai",
        "com.openai.client.okhttp.OpenAIOkHttpClient; OpenAIOkHttpClient.fromEnv()",
        "OPENAI_BASE_URL",
        "/v1",
    ),
    row(
        "anthropic",
        "com.anthropic.client.okhttp.AnthropicOkHttpClient; AnthropicOkHttpClient.fromEnv()",
        "fromEnv().baseUrl(...)",
        "4000",
    ),
    row("stripe", 'com.stripe.StripeClient; new StripeClient("k")', "setApiBase(...)", "/api/proxy/stripe"),
    row("sendgrid", 'com.sendgrid.SendGrid; new SendGrid("k")', "no path", "/api/proxy/sendgrid"),
]


@pytest.mark.parametrize(("before", "told"), JAVA_TOLD)
def test_java_where_it_takes_more_than_a_line(before: str, told: list[str], tmp_path: Path) -> None:
    imported, _, made = before.partition("; ")
    text = f"import {imported};\n\nclass A {{\n    Object c = {made};\n}}\n"
    lines, (note,) = changed(tmp_path, "A.java", text)
    assert lines == []
    assert told[0] in note
    assert note.endswith(told[1])
