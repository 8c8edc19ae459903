"""Other gateways, each in its own documented production settings with one worker: installed under `.tools/` when asked.

LiteLLM's proxy comes from PyPI into a virtual environment of its own, Portkey's gateway from npm. Gateways that no registry
carries are run by nobody here; they are named, and those whose binary is on the path are pointed out.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.bench import ROOT, Bench, NotRun, free_port, listening
from benchmarks.payload import CHAT
from benchmarks.processes import Broken, Process
from benchmarks.product import CHAT_PATH

TOOLS = ROOT / ".tools"
# Exact, so that runs compare. 1.82.7, 1.82.8 and the 1.107 line of LiteLLM were withdrawn after an attack on its releases.
LITELLM = "litellm[proxy]==1.106.2"
PORTKEY = "@portkey-ai/gateway@1.15.2"
INSTALL_S = 900
FIRST_CALL_S = 60
MASTER_KEY = "sk-test-not-a-real-key"

NAMED_ONLY = ("bifrost", "agentgateway", "gomodel", "tensorzero")
"""Gateways in Go and Rust that PyPI, npm and Debian do not carry."""


class Peer(NamedTuple):
    """A running peer: its processes, and how a chat call is made through it."""

    process: Process
    port: int
    fields: dict[str, str]


class Kind(NamedTuple):
    """How a peer is installed and started, and by how much Trunkline is to be ahead of it."""

    title: str
    installed: Callable[[], bool]
    install: Callable[[], None]
    running: Callable[[Bench, int], contextlib.AbstractContextManager[Peer]]
    ahead: float | None


def _run(argv: list[str], cwd: Path) -> None:
    kept = {**os.environ, "npm_config_update_notifier": "false"}
    done = subprocess.run(
        argv, cwd=cwd, env=kept, capture_output=True, text=True, timeout=INSTALL_S, check=False
    )
    if done.returncode:
        raise Broken(f"{' '.join(argv[:4])} ... failed: {(done.stderr or done.stdout)[-400:]}")


# LiteLLM: https://docs.litellm.ai/docs/proxy/prod


def _litellm() -> Path:
    return TOOLS / "litellm" / "bin" / "litellm"


def _install_litellm() -> None:
    folder = TOOLS / "litellm"
    folder.mkdir(parents=True, exist_ok=True)
    _run([sys.executable, "-m", "venv", str(folder)], ROOT)
    _run([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-input", LITELLM], ROOT)


LITELLM_CONFIG = """\
model_list:
  - model_name: gpt-4o-mini
    litellm_params: {{model: openai/gpt-4o-mini, api_key: sk-test-not-a-real-key, api_base: "http://127.0.0.1:{upstream}/v1"}}
general_settings: {{master_key: "{key}", proxy_batch_write_at: 60, disable_error_logs: true}}
litellm_settings: {{request_timeout: 600, set_verbose: false, json_logs: true}}
"""


@contextlib.contextmanager
def _running_litellm(bench: Bench, upstream: int) -> Iterator[Peer]:
    folder, port = bench.new_folder("litellm-config"), free_port()
    config = folder / "config.yaml"
    config.write_text(LITELLM_CONFIG.format(upstream=upstream, key=MASTER_KEY))
    argv = [str(_litellm()), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    environ = {
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_LOG": "ERROR",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # its price list is not fetched from the network
        "LITELLM_TELEMETRY": "False",
        "HOME": str(folder),
    }
    with bench.process("litellm", [*argv, "--num_workers", "1"], measured=True, environ=environ) as process:
        listening(process, port, 120)
        yield Peer(
            process, port, {"content-type": "application/json", "authorization": f"Bearer {MASTER_KEY}"}
        )


# Portkey: https://github.com/Portkey-AI/gateway (docs/installation-deployments.md)


def _portkey() -> Path:
    return TOOLS / "portkey" / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"


def _install_portkey() -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NotRun("npm missing; cure: install Node.js 20 or newer")
    folder = TOOLS / "portkey"
    folder.mkdir(parents=True, exist_ok=True)
    quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    _run([npm, "install", *quiet, "--prefix", str(folder), PORTKEY], folder)


@contextlib.contextmanager
def _running_portkey(bench: Bench, upstream: int) -> Iterator[Peer]:
    node = shutil.which("node")
    if node is None:
        raise NotRun("node missing; cure: install Node.js 20 or newer")
    port = free_port()
    address = f"http://127.0.0.1:{upstream}/v1"
    environ = {"NODE_ENV": "production", "TRUSTED_CUSTOM_HOSTS": "localhost,127.0.0.1"}
    environ["HOME"] = str(bench.new_folder("portkey-home"))
    argv = [node, str(_portkey()), "--headless", f"--port={port}"]
    with bench.process("portkey", argv, measured=True, environ=environ) as process:
        listening(process, port, 60)
        fields = {
            "content-type": "application/json",
            "authorization": "Bearer sk-test-not-a-real-key",
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": address,
        }
        yield Peer(process, port, fields)


PEERS = {
    "litellm": Kind(
        f"LiteLLM ({LITELLM.partition('==')[2]})",
        lambda: _litellm().exists(),
        _install_litellm,
        _running_litellm,
        50,
    ),
    "portkey": Kind(
        f"Portkey ({PORTKEY.rpartition('@')[2]})",
        lambda: _portkey().exists(),
        _install_portkey,
        _running_portkey,
        10,
    ),
}


def by_command(name: str, command: str) -> Kind:
    """A gateway of the user's own: `{port}` in its command is where it is to listen, `{upstream}` the port that it is to call.

    It is called as OpenAI is, with a bearer token. Nothing is promised of how far Trunkline is ahead of it.
    """

    @contextlib.contextmanager
    def run(bench: Bench, upstream: int) -> Iterator[Peer]:
        port = free_port()
        argv = [part.format(port=port, upstream=upstream) for part in shlex.split(command)]
        argv[0] = shutil.which(argv[0]) or argv[0]
        with bench.process(
            name, argv, measured=True, environ={"HOME": str(bench.new_folder(name))}
        ) as process:
            listening(process, port, 60)
            yield Peer(
                process, port, {"content-type": "application/json", "authorization": f"Bearer {MASTER_KEY}"}
            )

    return Kind(name, lambda: True, lambda: None, run, None)


def known(bench: Bench) -> dict[str, Kind]:
    """The peers of a run by name."""
    given = {name: by_command(name, command) for name, command in bench.commands}
    return {**PEERS, **given}


@contextlib.contextmanager
def running(bench: Bench, name: str, kind: Kind, upstream: int) -> Iterator[Peer]:
    """A peer in front of this upstream, on the first core. Raises NotRun when it is not installed and not asked for."""
    if not kind.installed():
        if name not in bench.peers:
            raise NotRun(f"not installed; cure: --peers {name} installs it under .tools/")
        bench.say(f"  Installing {kind.title} under .tools/ (minutes) ...")
        kind.install()
    with kind.running(bench, upstream) as peer:
        _answers(name, peer)
        yield peer


def _answers(name: str, peer: Peer) -> None:
    """One call, with patience: some load half of themselves at the first."""
    connection = http.client.HTTPConnection("127.0.0.1", peer.port, timeout=FIRST_CALL_S)
    try:
        connection.request("POST", CHAT_PATH, CHAT, peer.fields)
        answer = connection.getresponse()
        body = answer.read(600)
    except OSError as problem:
        raise Broken(f"{name} did not answer its first call: {problem}; {peer.process.said()}") from None
    finally:
        connection.close()
    if answer.status != 200:
        raise Broken(f"{name} answered its first call with {answer.status}: {body!r}")


def unknown_to_us(bench: Bench) -> list[tuple[str, str]]:
    """Other gateways by name, and why they are not run."""
    return [
        (
            name,
            f"{found} is on the path; give its command: --command '{name}={name} ... {{port}} {{upstream}}'"
            if (found := shutil.which(name))
            else "no package on PyPI, npm or Debian, and no binary on the path",
        )
        for name in NAMED_ONLY
        if name not in known(bench)
    ]
