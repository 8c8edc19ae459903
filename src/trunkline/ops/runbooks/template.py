"""A first runbook for an integration: the five questions, with all that registry and catalog know; the rest is marked to be filled in.

Pure. Not for: judging one (`registry/runbooks.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from trunkline.core.flow import Fallback
from trunkline.core.service import Service
from trunkline.ops.runbooks import commands
from trunkline.ops.runbooks.commands import Command
from trunkline.registry.runbooks import OPEN

CRITICALITY = {
    "load-path": "It is on the load path: without it (or a working fallback) people cannot finish what they came for.",
    "enhancement": "It is an enhancement: without it something is missing, and people can finish what they came for.",
}


def template(service: Service, features: Sequence[str] = ()) -> str:
    """The Markdown. `features` are those that called it lately."""
    parts = [
        f"# Runbook: {service.title or service.name}\n",
        "Reviewed: never",
        f"Integration: `{service.name}`" + (f" (vendor {service.vendor})" if service.vendor else ""),
        f"Owner: {service.owner or 'nobody yet'}\n",
        *_symptom(service, features),
        *_triage(service),
        *_fallback(service),
        *_escalation(service),
        *_recovery(service),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _symptom(service: Service, features: Sequence[str]) -> list[str]:
    used = f"Features that call it: {', '.join(features)}." if features else ""
    return [
        "## Symptom\n",
        CRITICALITY[service.criticality],
        *([used] if used else []),
        f"Callers get failures with the source `{service.name}`; once its breaker has opened, `circuit_open` from `trunkline`.\n",
        f"{OPEN} what do people see when it is down? What do they write to support?\n",
    ]


def _triage(service: Service) -> list[str]:
    lines = [
        "## Triage: them or us?\n",
        *_block(commands.triage(service)),
        "It is theirs when different calls of different callers fail alike, and the codes are `server_error`, `overloaded`, `network` or",
        "`timeout_upstream`. It is ours when the code is `auth_invalid`, `permission_denied`, `billing`, `quota_exhausted` or",
        "`secret_unavailable`, or when only one caller fails. Request ids of the vendor (`trunkline logs show ID`) are",
        "proof for its support.\n",
    ]
    if service.status_page:
        lines.append(f"Status page: {service.status_page}")
    if service.changelog:
        lines.append(f"Changelog: {service.changelog}")
    return [*lines, ""]


def _fallback(service: Service) -> list[str]:
    lines = ["## Fallback\n"]
    if service.fallback:
        lines += ["Declared, in this order:\n", *[f"- {told(one)}" for one in service.fallback], ""]
        lines += ["Proof that they work:\n", *_block(commands.fallback(service))]
    else:
        lines += [
            "None is declared: its calls fail while it is down.\n",
            f"{OPEN} what could stand in (another vendor, an older answer, a fixed answer, a deferral), or why nothing can.\n",
        ]
    return [*lines, "By hand:\n", *_block(commands.acting(service))]


def _escalation(service: Service) -> list[str]:
    owner = service.owner or ""
    return [
        "## Escalation contact\n",
        *(
            [f"- Owner: {owner}"]
            if owner
            else [f"{OPEN} who owns the relationship with the vendor, and how they are reached.\n"]
        ),
        "",
        f"{OPEN} the vendor's support (address or number, our account or contract id, what they ask for first).\n",
    ]


def _recovery(service: Service) -> list[str]:
    return [
        "## Recovery\n",
        "It is well again when a probe or a call succeeds, its breaker is closed, and no new failures come:\n",
        *_block(commands.recovery(service)),
        "Its breaker lets traffic return by itself; nothing has to be restarted. Acts that were answered with `outcome_unknown` are",
        "looked up at the vendor one by one.\n",
        f"{OPEN} what else has to be made good afterwards (orders, mails, syncs)?\n",
    ]


def told(link: Fallback) -> str:
    """A declared fallback in words."""
    on = f" (only on {', '.join(link.on)})" if link.on else ""
    words = {
        "target": f"another target: `{link.target}`",
        "stale": f"an older answer from the cache, at most {link.max_age:g} s old",
        "static": f"a fixed answer ({link.status})",
        "template": f"a fixed answer with parts of the request ({link.status})",
        "defer": "accepted now, run later (202)",
    }
    return words[link.kind] + on


def _block(lines: Sequence[Command]) -> list[str]:
    width = max(len(one.line) for one in lines)
    return ["```", *[f"{one.line.ljust(width)}  # {one.what}" for one in lines], "```\n"]
