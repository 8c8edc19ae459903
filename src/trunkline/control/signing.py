"""Signing secrets of webhooks that would sign for anybody: empty ones and those that are none. They refuse the registry.

One that cannot be had at all is no such fault: nothing is sent without it, and the findings say so. Not for: signing
(`tasks/webhook.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from trunkline.core.service import Snapshot
from trunkline.ops.notify import signs
from trunkline.registry.document import Place
from trunkline.registry.findings import Finding
from trunkline.registry.load import Loaded

CODE = "weak-signing-secret"


def faults(loaded: Loaded, values: Mapping[str, str], environ: Mapping[str, str]) -> list[Finding]:
    """An error for each such secret. `values`: what the references lead to."""
    found = []
    for place, ref in _signing(loaded.snapshot):
        empty = ref.startswith("env:") and not environ.get(ref[4:], "unset").strip()
        if empty or (ref in values and not signs(values[ref])):
            found.append(_fault(loaded, place, ref, "is empty" if empty else "is no signing secret"))
    return found


def _signing(snapshot: Snapshot) -> Iterator[tuple[Place, str]]:
    """(place in the file, reference) of each signing secret."""
    if snapshot.notify.webhook_secret:
        yield ("notify", "webhook_secret"), snapshot.notify.webhook_secret
    for rule in snapshot.alerts:
        for target in rule.targets:
            if target.kind == "webhook" and target.secret and target.secret != snapshot.notify.webhook_secret:
                yield ("alerts", rule.name), target.secret


def _fault(loaded: Loaded, place: Place, ref: str, what: str) -> Finding:
    line, column, _ = loaded.source.find(place, key=True)
    name = ref.partition(":")[2]
    put = f"trunkline secrets set {name}" if ref.startswith("store:") else f"put it where {ref} leads"
    return Finding(
        severity="error",
        code=CODE,
        file=loaded.source.file,
        line=line,
        column=column,
        item=".".join(map(str, place)),
        value=ref,
        message=f"The signing secret {ref} {what}: whoever knows that could sign.",
        cure=f'Make one with `echo "whsec_$(openssl rand -base64 32)"`, and {put}.',
    )
