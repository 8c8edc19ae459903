"""The five signs of trouble: what each looks like in the shop, what removes it, and the proof that it is gone."""

from __future__ import annotations

import re
import time

from stage import EMAIL, Stage, eventually, key

OVERLAY = """
environments:
  staging: # the vendors of this walk are played by the simulator; your own registry needs none of this
    integrations:
      openai: {{base_url: "{0}/openai"}}
      pdfshift: {{base_url: "{0}/pdfshift"}}
      sendgrid: {{base_url: "{0}/sendgrid"}}
      stripe: {{base_url: "{0}/stripe"}}
"""
PDFSHIFT = """    timeout: {first_byte: 1s, total: 3s}
    criticality: enhancement
    runbook: runbooks/pdfshift.md
    breaker: {volume: 3}
    operations:
      - name: render
        method: POST
        path: /v3/convert/pdf
        repeat: always
        fallback: {kind: static, status: 202, body: {notice: Your invoice follows by mail.}}"""
SCOPES = " ".join(f"--scope integration:{name}" for name in ("openai", "pdfshift", "sendgrid", "stripe"))
FIELDS = re.compile(
    r"source=(\S+), code=(\w+), message=.*, retryable=(\w+), correlationId=\S+", re.IGNORECASE
)
ORDER = f"python shop.py {EMAIL} order"


def credentials(stage: Stage) -> None:
    """Keys in .env, .env.local, vercel.json, code, and a pasted chat."""
    found = stage.types("trunkline scan", code=1, shown=16)
    places = set(re.findall(r"^([\w./-]+):\d+: (?:critical|warning|info)", found, re.MULTILINE))
    stage.proves(len(places) == 6, f"keys lie in {len(places)} files: {', '.join(sorted(places))}")
    with stage.fixing():
        since = time.monotonic()
        stage.types(f"trunkline init --proxy-url {stage.url} --patch clients.patch")
        stage.types("trunkline secrets import .env")
        stage.types("git apply --unidiff-zero clients.patch")
        stage.say("By hand, as trunkline-plan.md says, since these lines hold keys or their names:")
        stage.replaces(
            "answers.py",
            (
                r"^client = .*",
                f'client = OpenAI(api_key=os.environ["TRUNKLINE_KEY"], base_url="{stage.url}/v1")',
            ),
        )
        stage.replaces(
            "checkout.py",
            (r"^import stripe", "import os\n\nimport stripe"),
            (
                r"^stripe.api_key.*",
                f'stripe.api_key = os.environ["TRUNKLINE_KEY"]\nstripe.api_base = "{stage.url}/api/proxy/stripe"',
            ),
        )
        stage.replaces("invoices.py", ("PDFSHIFT_TOKEN", "TRUNKLINE_KEY"))
        stage.replaces("web/notify.mjs", ("SENDGRID_API_KEY", "TRUNKLINE_KEY"))
        stage.removes(".env", "docs/from-the-chat.md")
        stage.replaces("vercel.json", (r",\n  \"env\": .*", ""))
        with (stage.shop / "trunkline.yaml").open("a") as registry:
            registry.write(OVERLAY.format(stage.simulator))
        stage.serves()
        made = stage.types(f"trunkline keys create --name shop --errors superset {SCOPES}", shown=0)
        stage.writes(".env.local", f"TRUNKLINE_KEY={re.search(r'tl_[A-Za-z0-9]+', made)[0]}\n")  # type: ignore[index]
        said = stage.types(f"python shop.py {EMAIL} ask")
        stage.first_call = time.monotonic() - since
        stage.proves(
            "answer: Simulated answer" in said,
            "the first call went through Trunkline, and the shop has no vendor's key",
        )
        stage.say(
            "The old keys stand in git's history, so they are replaced at the vendors; here one of them:"
        )
        stage.types("trunkline secrets rotate STRIPE_SECRET_KEY --wait", stdin=key("STRIPE"))
    stage.types("trunkline scan")
    said = stage.types(ORDER)
    stage.proves(
        "payment: {'ok': True" in said,
        "orders go on with the new key, and nothing in the shop was changed for it",
    )


def errors(stage: Stage) -> None:
    """Four vendors refuse in four shapes, and the shop makes five of them."""
    features = f"python shop.py {EMAIL} ask pay invoice"
    mail = f"node web/notify.mjs {EMAIL} L-77"
    for name in ("openai", "stripe", "pdfshift", "sendgrid"):
        stage.vendor("faults", fault="permission", vendor=name)
    was = stage.was(features)
    if stage.node:
        was += stage.was(mail, env={"NODE_OPTIONS": f"--import {stage.here / 'internet' / 'fetch.mjs'}"})
    stage.proves(
        "correlation" not in was and "Thank you" in was,
        "each failure has a shape of its own, and one has none at all",
    )
    with stage.fixing():
        for path in sorted(
            one
            for one in (stage.here / "after").rglob("*")
            if one.is_file() and one.suffix in (".py", ".mjs")
        ):
            stage.writes(str(path.relative_to(stage.here / "after")), path.read_text("utf-8"))
    now = stage.types(features)
    if stage.node:
        now += stage.types(
            mail, env={"TRUNKLINE_KEY": (stage.shop / ".env.local").read_text().split("=")[1].strip()}
        )
    told = FIELDS.findall(now)
    stage.proves(
        len(told) == (4 if stage.node else 3),
        f"all tell source, code, message, retryable and correlation id: {told}",
    )
    stage.types("trunkline logs --state error --limit 4")
    stage.vendors_are_well()


def data(stage: Stage) -> None:
    """A deletion request arrives."""
    stage.was(ORDER)
    said = stage.was(f"grep -rl {EMAIL} .")
    stage.proves(said == "", "the shop has no record of who received the address")
    with stage.fixing():
        stage.replaces(
            "trunkline.yaml",
            (r"^  # owner: who answers.*", "  owner: jo@larkspur.example"),
            (r"^    # owner: who\?\n", ""),
            (r"^    # data: \[\.\.\.\].*", "    data: [pii.email]"),
            (r"^    # data: \[prompts\].*", "    data: [prompts]"),
            (r"^    # data: \[pii.email\].*", "    data: [pii.email]"),
            (r"^    # data: \[payment, pii.email\].*", "    data: [payment, pii.email]"),
        )
        stage.types("trunkline reload")
    stage.types(f"python shop.py {EMAIL} ask order")
    eventually(
        "the calls are looked at", lambda: "pdfshift" in stage.quietly(f"trunkline trace --email {EMAIL}")
    )
    said = stage.types(f"trunkline trace --email {EMAIL}")
    stage.proves(
        "stripe" in said and "pdfshift" in said and "openai" not in said,
        "who received the address, and who did not",
    )
    stage.types("trunkline data-map --check", shown=9)


def deployment(stage: Stage) -> None:
    """A variable is renamed, and a key ends."""
    ask = f"python shop.py {EMAIL} ask"
    stage.vendor("credentials", vendor="openai", values=[stage.keys["OPENAI"]])
    fresh = stage.was(ask)
    stage.was("sed -i s/OPENAI_API_KEY/OPENAI_KEY/ .env .env.local")
    late = stage.was(ask)
    stage.proves(
        fresh == late,
        "after the rename the model refuses every call, and the shop gives its old answer as if nothing were",
    )
    with stage.fixing():
        stage.replaces(
            "trunkline.yaml",
            (
                r"^    secret: store:OPENAI_API_KEY.*",
                r"\g<0>\n    cache: {ttl: 1s, stale_if_error: 2d}\n    probe: {path: /v1/models, every: 10s}",
            ),
        )
        stage.types("trunkline reload")
    stage.say("The same rename, now:")
    stage.replaces("trunkline.yaml", ("store:OPENAI_API_KEY", "store:OPENAI_KEY"))
    said = stage.types("trunkline reload", code=3)
    now = stage.types(ask)
    stage.proves(
        "OPENAI_KEY" in said and "answer: Simulated" in now,
        "the deployment is refused by name, and what was live stays live",
    )
    stage.replaces("trunkline.yaml", ("store:OPENAI_KEY", "store:OPENAI_API_KEY"))
    stage.say("The key ends at the vendor:")
    stage.vendor("credentials", vendor="openai", values=[])
    late = stage.types(ask)
    health = stage.types("trunkline health")
    stage.proves(
        "[stale; age=" in late and "openai       healthy" not in health,
        "an old answer says so, and health names the integration",
    )
    said = stage.types("trunkline secrets rotate OPENAI_API_KEY --wait", stdin=key("OPENAI"), code=1)
    stage.proves("refuse" in said, "a key that the vendor refuses never serves")
    good = key("OPENAI")
    stage.vendor("credentials", vendor="openai", values=[good])
    stage.types("trunkline secrets rotate OPENAI_API_KEY --abort")
    stage.types("trunkline secrets rotate OPENAI_API_KEY --wait", stdin=good)
    stage.proves("stale" not in stage.types(ask), "a good one serves at once")
    eventually("openai is well", lambda: "openai       healthy" in stage.quietly("trunkline health"))


def outage(stage: Stage) -> None:
    """The PDF service takes requests and never answers."""
    stage.vendor("faults", fault="never", vendor="pdfshift")
    was = stage.was(ORDER, timeout=5)
    stage.proves("payment" not in was, "nothing is sold while invoices cannot be drawn")
    with stage.fixing():
        stage.replaces(
            "trunkline.yaml",
            (r"^    secret: store:STRIPE_SECRET_KEY.*", r"\g<0>\n    criticality: load-path"),
            (r"^    timeout: \{first_byte: 30s, total: 60s\}", PDFSHIFT),
        )
        stage.types("trunkline runbook new pdfshift")
        stage.types("trunkline reload")
    now = stage.types(f"python shop.py {EMAIL} order order")
    stage.proves(
        now.count("follows by mail") == 2 and now.count("payment: pi_") == 2,
        "orders are paid, and their invoices follow",
    )
    stage.types("trunkline logs --limit 4")
    health = stage.types("trunkline health")
    stage.proves(
        "Trunkline is degraded" in health and "stripe       healthy" in health,
        "one integration is down, and it is named",
    )
    stage.types("trunkline runbook show pdfshift --facts", shown=30)
    stage.vendors_are_well()
