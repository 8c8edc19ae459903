"""What the tests of the registry share: a file to write to, and the registry of the issue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from trunkline.registry.findings import Finding, RegistryInvalid
from trunkline.registry.load import Loaded, load

ISSUE = """\
version: 1
integrations:
  openai: {secret: env:OPENAI_API_KEY}
  stripe: {secret: env:STRIPE_SECRET_KEY}
  crm:
    base_url: https://crm.example.com/api
    auth: {kind: bearer, secret: store:CRM_TOKEN}      # bearer | header {name} | query {name} | basic | none
    api_version: {header: X-Api-Version, value: "2026-01-01"}
    owner: ops@example.com
    data: [pii.email]
    criticality: enhancement                           # or load-path
    rotation: {every: 90d, last: 2026-10-01}
    timeout: {connect: 2s, first_byte: 10s, idle: 30s, total: 60s}
    limits: [{requests: 100, per: 1m}, {concurrency: 8}]
    operations:
      - {name: create_contact, method: POST, path: /contacts, repeat: never}    # always | with_key | never
models:
  fast: {target: openai/gpt-4o-mini}
routes: {llm: openai, payment: stripe}                 # /api/proxy/llm, /api/proxy/payment
environments:                                          # overlays, chosen by TRUNKLINE_ENV (unset: prod)
  dev: {integrations: {crm: {base_url: http://127.0.0.1:9100, auth: {kind: bearer, secret: env:CRM_DEV}}}}
"""

Load = Callable[..., Loaded]
Refused = Callable[..., list[Finding]]


@pytest.fixture
def loaded(tmp_path: Path) -> Load:
    """`loaded(text, env="prod", **environ)`: the registry that the text makes."""

    def run(
        text: str, *, env: str = "prod", environ: Mapping[str, str] | None = None, **more: object
    ) -> Loaded:
        path = tmp_path / "trunkline.yaml"
        path.write_text(dedent(text), "utf-8")
        return load(path, environment=env, environ=environ or {}, **more)  # type: ignore[arg-type]

    return run


@pytest.fixture
def refused(loaded: Load) -> Refused:
    """`refused(text, ...)`: the errors for which the text is refused."""

    def run(text: str, **more: object) -> list[Finding]:
        with pytest.raises(RegistryInvalid) as caught:
            loaded(text, **more)
        return caught.value.findings

    return run
