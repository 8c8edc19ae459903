"""Takes the money for an order."""

import os

import stripe

from problems import outside

stripe.api_key = os.environ["TRUNKLINE_KEY"]
stripe.api_base = os.environ.get("TRUNKLINE_URL", "http://127.0.0.1:4000") + "/api/proxy/stripe"
stripe.max_network_retries = 0


def pay(cents, email):
    return outside(lambda: stripe.PaymentIntent.create(amount=cents, currency="eur", receipt_email=email)).id
