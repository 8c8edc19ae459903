"""Things that alerts tell of, plain and hostile. Not for: when something is told."""

from __future__ import annotations

from trunkline.ops.alerting.message import Item, Message, message

OUTAGE = Item(
    key="incident:inc_1",
    kind="incident.vendor",
    severity="critical",
    title="stripe is down: the breaker is open, the last with overloaded",
    integration="stripe",
    since="2026-11-21T12:00:00Z",
    runbook="https://console.example.com/runbooks/stripe",
    command="trunkline runbook show stripe",
    correlation_ids=["corr-1", "corr-2"],
    facts={"features": "checkout 12/12", "served by": "target adyen"},
)
HOSTILE = Item(
    key="finding:x" * 40,
    kind="contract.drift",
    severity="warning",
    title="<!channel> & <https://evil.example.com|click> " + "ä" * 500,
    integration="a|b>c",
    runbook="https://console.example.com/r?a=1|2> <!here>",
    command="trunkline findings show `x` <@U1>",
    correlation_ids=["c" * 128] * 10,
    facts={f"fact {n} <!here>": "v\nw" * 1000 for n in range(20)},
)


def told(phase: str = "firing", *items: Item) -> Message:
    return message(
        phase,  # type: ignore[arg-type]
        "on-call",
        items or (OUTAGE,),
        environment="prod",
        console="https://console.example.com",
    )
