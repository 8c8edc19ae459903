"""The Stripe SDK, unmodified: reads, writes with an idempotency key, and a failure in the SDK's own exception."""

import os

import stripe

url = os.environ.get("TRUNKLINE_URL", "http://127.0.0.1:4000")
client = stripe.StripeClient(
    os.environ["TRUNKLINE_KEY"], base_addresses={"api": f"{url}/api/proxy/stripe"}, max_network_retries=0
)

print(client.v1.customers.list({"limit": 3}).data)

# With a key that Stripe honours, Trunkline may repeat the call when a connection breaks; without one it never does.
customer = client.v1.customers.create(
    {"email": "jane@example.com"}, {"idempotency_key": "example-customer-1"}
)
print(customer.id)

try:
    client.v1.customers.retrieve("cus_nobody")
except stripe.InvalidRequestError as problem:
    print(type(problem).__name__, problem.http_status, problem.user_message)
