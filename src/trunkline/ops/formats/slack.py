"""Slack: the body of an incoming webhook, in Block Kit.

Bounds as Slack publishes them (docs.slack.dev, Block Kit reference): 50 blocks, a header of 150 characters, a section of 3,000, ten
elements in a context; `&`, `<` and `>` are escaped. `text` is what notifications show. Not for: Slack's Web API.
"""

from __future__ import annotations

from typing import Any

from trunkline.core.codec import to_json
from trunkline.ops.alerting.message import Item, Message, of_payload
from trunkline.ops.formats.posting import Posting, Unusable, cut

SIGNS = {"info": "🔵", "warning": "🟠", "critical": "🔴"}
DONE = "✅"
HEADS = {"firing": "", "reminder": "Still open", "resolved": "Resolved", "test": "Test"}
ITEMS_MAX = 15
HEADER_MAX, SECTION_MAX, CONTEXT_MAX = 150, 3000, 1000


def posting(url: str, payload: dict[str, Any], text: str) -> Posting:
    """The request. `url` is the secret that Slack gave."""
    if not url.startswith(("https://", "http://")):
        raise Unusable(
            "what stands there is no web address; Slack gives one like https://hooks.slack.com/services/..."
        )
    return Posting(url, {"content-type": "application/json"}, body(payload, text))


def body(payload: dict[str, Any], text: str) -> bytes:
    """The message; of a notice that is no alert the sentence alone."""
    told = of_payload(payload)
    if told is None:
        return to_json({"text": escaped(text)})
    return to_json({"text": escaped(cut(told.text, SECTION_MAX)), "blocks": blocks(told)})


def blocks(told: Message) -> list[dict[str, Any]]:
    """What it looks like."""
    found: list[dict[str, Any]] = [_header(told)]
    for item in told.items[:ITEMS_MAX]:
        found += [_section(item, told.phase), _context(item, told)]
    left = told.more + max(0, len(told.items) - ITEMS_MAX)
    if left:
        more = f"and {left} more: `trunkline alerts list`"
        found.append({"type": "section", "text": {"type": "mrkdwn", "text": more}})
    if told.phase == "test":
        said = {"type": "mrkdwn", "text": escaped(told.text)}
        found.append({"type": "section", "text": said})
    return found


def escaped(text: str) -> str:
    """A text in which nothing is markup or a mention."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _header(told: Message) -> dict[str, Any]:
    sign = DONE if told.phase in ("resolved", "test") else SIGNS[told.severity]
    what = f"{len(told.items) + told.more} things" if len(told.items) + told.more > 1 else ""
    one = told.items[0].integration or told.items[0].kind if len(told.items) == 1 else what
    words = [
        HEADS[told.phase] or told.severity.capitalize(),
        one,
        f"({told.environment})" if told.environment else "",
    ]
    text = cut(f"{sign} {' '.join(filter(None, words))}", HEADER_MAX)
    return {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": True}}


def _section(item: Item, phase: str) -> dict[str, Any]:
    sign = DONE if phase == "resolved" else SIGNS[item.severity]
    lines = [f"{sign} *{escaped(cut(item.title, 400))}*"]
    lines += [f"{escaped(name)}: {escaped(cut(value, 300))}" for name, value in list(item.facts.items())[:8]]
    return {"type": "section", "text": {"type": "mrkdwn", "text": cut("\n".join(lines), SECTION_MAX)}}


def _context(item: Item, told: Message) -> dict[str, Any]:
    parts = [f"`{escaped(item.kind)}`"]
    if item.since:
        parts.append(f"since {item.since}" + (f" until {item.until}" if item.until else ""))
    if item.runbook:
        parts.append(
            f"<{_address(item.runbook)}|Runbook>" if "://" in item.runbook else escaped(item.runbook)
        )
    if item.command:
        parts.append(f"`{escaped(item.command)}`")
    if item.correlation_ids:
        parts.append("calls " + " ".join(f"`{escaped(one)}`" for one in item.correlation_ids[-3:]))
    elements = [{"type": "mrkdwn", "text": cut(part, CONTEXT_MAX)} for part in parts]
    return {"type": "context", "elements": elements}


def _address(url: str) -> str:
    """An address within `<...|...>`, which it must not end."""
    return escaped(url).replace("|", "%7C").replace(" ", "%20")
