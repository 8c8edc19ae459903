"""Charges a card and writes the receipt: a PDF, or JSON where the renderer does not answer.

The charge carries an idempotency key, so that a second run with the same order charges nothing twice.
"""

import json
import sys
from html import escape
from pathlib import Path
from uuid import uuid4

from trunkline import IntegrationError, Trunkline
from trunkline.client.answers import Reply

PAGE = """<!doctype html><meta charset="utf-8"><title>Receipt</title>
<h1>Receipt {order}</h1><p>{email}</p><p>{amount:.2f} {currency} received, charge {charge}</p>"""


def pay(trunkline: Trunkline, order: str, email: str, cents: int) -> Reply:
    """The charge, made at most once for an order; 202 where it is made later."""
    form = {
        "amount": cents,
        "currency": "eur",
        "source": "tok_visa",
        "receipt_email": email,
        "metadata": {"order": order},
    }
    key = f"order-{order}"
    return trunkline.integration("stripe").post("/v1/charges", form=form, idempotency_key=key)


def receipt(trunkline: Trunkline, facts: dict) -> tuple[str, bytes]:
    """Its file name and content."""
    page = PAGE.format(**{name: escape(it) if isinstance(it, str) else it for name, it in facts.items()})
    cut = uuid4().hex
    content = (
        f'--{cut}\r\nContent-Disposition: form-data; name="files"; filename="index.html"\r\n'
        f"Content-Type: text/html\r\n\r\n{page}\r\n--{cut}--\r\n"
    )
    reply = trunkline.integration("gotenberg").post(
        "/forms/chromium/convert/html",
        content=content.encode(),
        headers={"content-type": f"multipart/form-data; boundary={cut}"},
    )
    if reply.headers["content-type"] == "application/pdf":
        return f"receipt-{facts['order']}.pdf", reply.content
    return f"receipt-{facts['order']}.json", json.dumps(facts | {"no_pdf": reply.json()["because"]}).encode()


def main(order: str) -> int:
    """Prints what was charged and where the receipt is; 1 where no charge is known."""
    email, cents = "ada@example.com", 1999
    with Trunkline(feature="checkout") as trunkline:
        try:
            paid = pay(trunkline, order, email, cents)
        except IntegrationError as problem:
            print(f"no charge is known: {problem.code}; run order {order} again, it is charged once")
            return 1
        if paid.task:
            print(f"Stripe does not answer: the charge is made later, task {paid.task}")
            return 0
        charge = paid.json()
        print(f"charged {cents / 100:.2f} eur: {charge['id']}")
        facts = {
            "order": order,
            "email": email,
            "amount": cents / 100,
            "currency": "EUR",
            "charge": charge["id"],
        }
        name, content = receipt(trunkline, facts)
    Path(name).write_bytes(content)
    print(f"receipt: {name}, {len(content)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "1042"))
