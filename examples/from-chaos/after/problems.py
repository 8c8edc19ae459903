"""What goes wrong outside, in one shape, whichever service it was and whichever SDK said so."""

import openai
import requests
import stripe

FIELDS = ("source", "code", "message", "retryable", "correlationId")


class Problem(Exception):
    """A failed call, as Trunkline tells it."""

    def __init__(self, body):
        self.told = {name: body[name] for name in FIELDS}
        super().__init__(", ".join(f"{name}={value}" for name, value in self.told.items()))


def outside(call):
    """What `call()` answers. Its failure becomes a Problem."""
    try:
        return call()
    except stripe.StripeError as error:
        raise Problem(error.json_body) from error
    except (openai.APIStatusError, requests.HTTPError) as error:
        raise Problem(error.response.json()) from error
