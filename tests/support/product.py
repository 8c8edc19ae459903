"""The gateway that most whole-call tests share, with a simulator and a recording site behind it.

A vendor that asks for a pause is left alone by the gateway that all share; a story of a pause takes an integration of its own
(`closed`, `busy...`). Fixtures are imported by the conftest of the folder that uses them. Not for: stories with a registry of
their own, which start their own gateway (`gateway.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.gateway import Trunkline, running_trunkline
from tests.support.simulator import SimulatorProcess, simulator, simulator_process
from tests.support.site import Site, running_site

__all__ = ["clean", "simulator", "simulator_process", "site", "site_process", "trunkline"]

REGISTRY = """
version: 1
defaults:
  retry: {{backoff: 10ms, backoff_max: 20ms, budget_floor: 1000000}}
  breaker: {{volume: 1000000}}
integrations:
  openai: {{base_url: "{simulator}/openai", secret: env:OPENAI_API_KEY}}
  anthropic: {{base_url: "{simulator}/anthropic", secret: env:ANTHROPIC_API_KEY}}
  gemini: {{base_url: "{simulator}/gemini", secret: env:GEMINI_API_KEY}}
  stripe: {{base_url: "{simulator}/stripe", secret: env:STRIPE_SECRET_KEY}}
  gotenberg: {{base_url: "{simulator}/gotenberg"}}
  crm:
    base_url: "{simulator}/crm/api"
    auth: {{kind: bearer, secret: env:CRM_TOKEN}}
    api_version: {{header: X-Api-Version, value: "2026-01-01"}}
    operations:
      - {{name: create_item, method: POST, path: /items, repeat: never}}
      - {{name: get_item, method: GET, path: "/items/{{id}}"}}
  site:
    base_url: "{site}/base"
    auth: {{kind: header, name: x-site-key, secret: env:CRM_TOKEN}}
    operations:
      - {{name: search, method: POST, path: /search, repeat: always}}
  sitechat:
    base_url: "{site}"
    auth: {{kind: bearer, secret: env:OPENAI_API_KEY}}
    dialects:
      - {{name: openai-chat, path: /v1/chat/completions}}
    models: [{{id: tiny}}]
  nobody: {{base_url: "http://127.0.0.1:1", auth: {{kind: none}}}}
  closed: {{base_url: "{site}", auth: {{kind: none}}}}
  busy60: {{base_url: "{simulator}/busy", auth: {{kind: none}}}}
  busy3600: {{base_url: "{simulator}/busy", auth: {{kind: none}}}}
  busy1000000000: {{base_url: "{simulator}/busy", auth: {{kind: none}}}}
models:
  fast: {{target: openai/gpt-4o-mini}}
routes: {{llm: openai, payment: stripe}}
"""


@pytest.fixture(scope="session")
def site_process() -> Iterator[Site]:
    """One recording site for the whole run; tests take `site`, which is reset for each."""
    with running_site() as running:
        yield running


@pytest.fixture
def site(site_process: Site) -> Site:
    """A vendor that records what it gets, without script or memory."""
    site_process.reset()
    return site_process


@pytest.fixture(scope="session")
def trunkline(
    tmp_path_factory: pytest.TempPathFactory, simulator_process: SimulatorProcess, site_process: Site
) -> Iterator[Trunkline]:
    """The gateway that most stories share."""
    registry = REGISTRY.format(simulator=simulator_process.address(), site=site_process.address)
    with running_trunkline(tmp_path_factory.mktemp("trunkline"), registry) as running:
        yield running


@pytest.fixture(autouse=True)
def clean(simulator: SimulatorProcess, site: Site) -> None:
    """No fault, script or entry of the story before, whatever a story asks for."""
