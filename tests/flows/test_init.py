"""From a project whose keys lie about to one that calls through Trunkline: `init`, the patch, `serve`, `secrets import`, `scan`."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from tests.flows.test_cli_serve import Served
from tests.support.ports import spare_port
from tests.support.processes import HANGS_S, ended
from tests.unit.ops.scan.made import value
from tests.unit.ops.scan.test_changes import apply
from trunkline.control.child import is_alive

ENV = """OPENAI_API_KEY={openai}
SENDGRID_API_KEY="{sendgrid}"   # mail
"""
ASK = """import os

from openai import OpenAI

client = OpenAI(api_key=os.environ["OPENAI_API_KEY"])
answer = client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello?"}])
print(answer.object, answer.choices[0].finish_reason)
"""
PAY = """import stripe

stripe.api_key = "{stripe}"
print(stripe.Customer.list(limit=1).object)
"""
MAIL = """import os

import requests

URL = "https://api.sendgrid.com/v3/mail/send"
mail = {
    "from": {"email": "shop@example.org"},
    "personalizations": [{"to": [{"email": "guest@example.org"}]}],
    "subject": "Hello",
    "content": [{"type": "text/plain", "value": "Hello"}],
}
print(requests.post(URL, json=mail, headers={"Authorization": "Bearer " + os.environ["SENDGRID_API_KEY"]}).status_code)
"""


@pytest.fixture
def messy(tmp_path):
    """A project with two keys in a file of settings and one in a source file; every program in it ends after its call."""
    values = {name.split("_")[0].lower(): value(name) for name in ("OPENAI", "SENDGRID", "STRIPE_LIVE")}
    (tmp_path / ".env").write_text(ENV.format(**values))
    (tmp_path / ".gitignore").write_text(".env\n.trunkline/\nserve.log\n")
    (tmp_path / "ask.py").write_text(ASK)
    (tmp_path / "pay.py").write_text(PAY.format(**values))
    (tmp_path / "mail.py").write_text(MAIL)
    one = Served(tmp_path)
    yield one
    if one.process is not None and one.process.poll() is None:
        one.process.send_signal(signal.SIGINT)
        one.process.send_signal(signal.SIGINT)
        ended(one.process)
    for name in ("gateway", "console", "simulator"):
        if is_alive(pid := one.pid(name)):
            os.kill(pid, signal.SIGKILL)


def program(served: Served, name: str, **environ: str) -> str:
    """What a program of the project prints. Nothing but what is given stands in its environment."""
    ran = subprocess.run(
        [sys.executable, name],
        cwd=served.folder,
        env={"PATH": os.environ["PATH"], "HOME": str(served.folder), **environ},
        capture_output=True,
        text=True,
        timeout=HANGS_S,
    )
    return ran.stdout.strip() or ran.stderr


def rules(served: Served) -> list[tuple[str, str]]:
    """What `scan` finds: rule and file of each problem."""
    shown = json.loads(served.run("scan", "--json").stdout)
    return sorted((one["rule"], one["place"]["path"]) for one in shown["problems"])


def by_hand(served: Served) -> None:
    """What no patch can hold, as the plan says: a line that held a key, and the name of the key that a call sends."""
    plan = (served.folder / "trunkline-plan.md").read_text()
    pay = served.folder / "pay.py"
    added = re.findall(r"^\+(stripe\..*)$", plan, re.MULTILINE)
    kept = [line for line in pay.read_text().splitlines() if "sk_live_" not in line]
    pay.write_text("\n".join(["import os", *kept[:1], *added, *kept[1:]]) + "\n")
    mail = served.folder / "mail.py"
    mail.write_text(mail.read_text().replace("SENDGRID_API_KEY", "TRUNKLINE_KEY"))


@pytest.mark.row("R6", "R4")
def test_a_messy_project_comes_to_call_through_trunkline(messy):
    port = spare_port()
    made = messy.run("init", "--proxy-url", f"http://127.0.0.1:{port}", "--patch", "clients.patch")
    checked = messy.run("check", "--env", "dev")
    before = rules(messy)

    assert made.returncode == 0, made.stderr
    assert "trunkline.yaml (dev) is valid" in checked.stderr, checked.stdout
    assert ("hardcoded-credential", "pay.py") in before
    assert {file for rule, file in before if rule == "bypass"} == {"ask.py", "mail.py", "pay.py"}

    apply((messy.folder / "clients.patch").read_text(), messy.folder)
    by_hand(messy)
    messy.start("--port", str(port))
    key = re.search(r"First key +(tl_\S+)", messy.said)[1]
    said = {name: program(messy, f"{name}.py", TRUNKLINE_KEY=key) for name in ("ask", "pay", "mail")}
    assert messy.stop() == 0

    assert said == {"ask": "chat.completion stop", "pay": "list", "mail": "200"}


@pytest.mark.row("R6", "S1")
def test_credentials_go_into_the_store_and_the_project_passes_its_scan(messy):
    messy.run("init", "--patch", "clients.patch")
    shown = messy.run("secrets", "import", ".env", "--only", "OPENAI_API_KEY", "--only", "SENDGRID_API_KEY")
    line = messy.run("secrets", "import", "pay.py", "--line", "3", "--as", "STRIPE_SECRET_KEY")
    listed = {one["name"] for one in json.loads(messy.run("secrets", "list", "--json").stdout)}

    assert (shown.returncode, line.returncode) == (0, 0), shown.stderr + line.stderr
    assert listed == {"OPENAI_API_KEY", "SENDGRID_API_KEY", "STRIPE_SECRET_KEY"}
    assert not any(one in shown.stderr + line.stderr for one in (value("OPENAI"), value("STRIPE_LIVE")))

    apply((messy.folder / "clients.patch").read_text(), messy.folder)
    (messy.folder / ".env").unlink()
    left = rules(messy)
    by_hand(messy)

    assert left == [("bypass", "pay.py"), ("hardcoded-credential", "pay.py")]
    assert rules(messy) == []
    assert messy.run("scan").returncode == 0
