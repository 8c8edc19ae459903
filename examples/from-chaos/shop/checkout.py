"""Takes the money for an order."""

import stripe

stripe.api_key = "@@STRIPE@@"


def pay(cents, email):
    try:
        payment = stripe.PaymentIntent.create(amount=cents, currency="eur", receipt_email=email)
    except stripe.StripeError as error:
        return {"ok": False, "reason": error.user_message, "type": error.code}
    return {"ok": True, "payment": payment.id}
