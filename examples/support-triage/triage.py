"""Sorts support tickets with a cheap model and drafts an answer to each, urgent ones by a better model.

Which model that is stands in trunkline.yaml, and also what holds when none can sort: the front desk's, and urgent. A ticket for which
no model writes a draft is left to a person.
"""

from dataclasses import dataclass
from typing import Literal

from trunkline import AIModel, IntegrationError, Trunkline

TICKETS = (
    "I was charged twice for order 1042, please refund one of the payments.",
    "The export button does nothing since this morning and our audit is today!",
    "Do you offer a discount for schools?",
)


@dataclass
class Triage:
    """What is to be known of a ticket before somebody reads it."""

    team: Literal["billing", "technical", "sales", "front desk"]
    urgency: Literal["high", "normal"]
    subject: str


def sort(ticket: str, model: AIModel) -> tuple[Triage, str]:
    """Whose it is and how much it hurries; and what of that did not go as usual."""
    answer = model.complete(f"Read this support ticket and sort it: {ticket}", schema=Triage)
    return answer.parsed, "not sorted, " if answer.about.fallback == "static" else ""


def main() -> None:
    """Prints each ticket with its draft, and who served it."""
    with Trunkline(feature="support-triage") as trunkline:
        for number, ticket in enumerate(TICKETS, 1):
            print(f"#{number} {ticket}")
            try:
                triage, unsorted = sort(ticket, trunkline.model("sorting"))
                draft = trunkline.complete(
                    [
                        {
                            "role": "system",
                            "content": f"You answer for the {triage.team} team, kindly, in two sentences.",
                        },
                        {"role": "user", "content": ticket},
                    ],
                    model="answering",
                    tags=f"urgency={triage.urgency}",
                )
            except IntegrationError as problem:
                print(f"   left to a person: {problem.code} ({problem.correlation_id})")
                continue
            instead = ", because another failed" if draft.about.fallback else ""
            print(f"   {unsorted}{triage.team}, {triage.urgency}: {draft.text}")
            print(f"   by {draft.about.integration}/{draft.model} for ${draft.about.cost_usd:.6f}{instead}")


if __name__ == "__main__":
    main()
