"""Mail: one sentence as the subject, then each thing with its facts and what to do. Plain text.

Mails about the same thing refer to one message id, so that mail programs show them together. Not for: sending (`ops/mail.py`).
"""

from __future__ import annotations

import hashlib
from email.message import EmailMessage
from typing import Any

from trunkline.ops.alerting.message import Item, Message, of_payload


def letter(
    sender: str, to: list[str], event: str, payload: dict[str, Any], text: str, message_id: str
) -> EmailMessage:
    """The mail."""
    mail = EmailMessage()
    mail["From"] = sender or to[0]
    mail["To"] = ", ".join(to)
    mail["Subject"] = " ".join(text.split())[:200]
    mail["Message-ID"] = f"<{message_id}@trunkline>"
    mail["X-Trunkline-Event"] = event
    told = of_payload(payload)
    if told is None:
        facts = "\n".join(f"{name}: {value}" for name, value in payload.items() if name != "text")
        mail.set_content(f"{text}\n\n{facts}\n")
        return mail
    if len(told.items) == 1:
        # Never sent itself; it only ties those together that are about one thing.
        name = hashlib.sha256(told.items[0].key.encode()).hexdigest()[:32]
        mail["References"] = f"<{name}@trunkline>"
    mail.set_content(_body(told))
    return mail


def _body(told: Message) -> str:
    lines = [told.text, ""]
    for item in told.items:
        lines += [*_item(item), ""]
    if told.more:
        lines += [f"And {told.more} more: trunkline alerts list", ""]
    lines.append(f"Told by the rule {told.rule!r} of the registry (`alerts:`).")
    if told.console:
        lines.append(f"Console: {told.console}")
    return "\n".join(lines) + "\n"


def _item(item: Item) -> list[str]:
    facts = [
        ("kind", item.kind),
        ("severity", item.severity),
        ("integration", item.integration),
        ("since", item.since),
        ("until", item.until),
        *item.facts.items(),
        ("runbook", item.runbook),
        ("more", item.command),
        ("calls", ", ".join(item.correlation_ids)),
    ]
    return [item.title, *(f"  {name}: {value}" for name, value in facts if value)]
