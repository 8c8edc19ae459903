"""The `stripe` SDK, unmodified: charges, customers, payment intents, idempotency keys, errors; only base address and key differ."""

from __future__ import annotations

import pytest
import stripe

from tests.support.gateway import Trunkline
from tests.support.simulator import SimulatorProcess

pytestmark = [pytest.mark.real, pytest.mark.row("P2")]


def client_of(
    trunkline: Trunkline, key: str = "", retries: int = 0, route: str = "stripe", timeout_s: float = 0.0
) -> stripe.StripeClient:
    return stripe.StripeClient(
        key or trunkline.key,
        base_addresses={"api": f"{trunkline.url}/api/proxy/{route}"},
        max_network_retries=retries,
        http_client=stripe.HTTPXClient(timeout=timeout_s, allow_sync_methods=True) if timeout_s else None,
    )


@pytest.fixture
def client(trunkline: Trunkline) -> stripe.StripeClient:
    return client_of(trunkline)


def test_a_customer_pays(trunkline: Trunkline, client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create({"email": "ada@example.com", "metadata": {"order": "17"}})
    intent = client.v1.payment_intents.create(
        {
            "amount": 1999,
            "currency": "eur",
            "customer": customer.id,
            "payment_method": "pm_card_visa",
            "confirm": True,
        }
    )
    answer = intent.last_response
    assert answer is not None
    call = trunkline.recorded(answer.headers["x-correlation-id"])

    assert (intent.status, intent.amount) == ("succeeded", 1999)
    assert (call.begin.operation, call.begin.acts, call.end.state) == ("create_payment_intent", True, "ok")
    assert call.end.tried[0].vendor_request_id == answer.request_id


@pytest.mark.row("P5")
def test_a_named_route_serves_the_sdk_too(trunkline: Trunkline) -> None:
    charge = client_of(trunkline, route="payment").v1.charges.create(
        {"amount": 5, "currency": "eur", "source": "tok_visa"}
    )
    assert charge.paid


def test_lists_are_paged_through(client: stripe.StripeClient) -> None:
    for n in range(5):
        client.v1.customers.create({"name": f"Customer {n}"})

    assert len(list(client.v1.customers.list({"limit": 2}).auto_paging_iter())) == 5


def test_the_pinned_version_is_the_sdks_own_where_it_names_one(
    client: stripe.StripeClient, simulator: SimulatorProcess
) -> None:
    client.v1.charges.list()
    assert "stripe-version" in simulator.ledger()[0].header_names


def test_an_idempotency_key_makes_one_charge(
    client: stripe.StripeClient, simulator: SimulatorProcess
) -> None:
    wish: stripe.params.ChargeCreateParams = {"amount": 700, "currency": "eur", "source": "tok_visa"}
    options: stripe.RequestOptions = {"idempotency_key": "order-18"}
    first, second = (client.v1.charges.create(wish, options) for _ in range(2))

    assert first.id == second.id
    assert [entry.replayed for entry in simulator.ledger()] == [False]
    assert second.last_response is not None
    assert second.last_response.headers["idempotent-replayed"] == "true"


@pytest.mark.row("F2")
def test_a_key_used_for_another_charge_is_refused(client: stripe.StripeClient) -> None:
    options: stripe.RequestOptions = {"idempotency_key": "order-19"}
    client.v1.charges.create({"amount": 700, "currency": "eur", "source": "tok_visa"}, options)
    with pytest.raises(stripe.StripeError) as failed:
        client.v1.charges.create({"amount": 701, "currency": "eur", "source": "tok_visa"}, options)

    assert failed.value.http_status == 422
    assert "used for a different request" in str(failed.value)


@pytest.mark.row("F2")
def test_an_sdk_that_lost_patience_gets_the_one_charge_by_its_own_repeats(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    """Its automatic key goes with each repeat: 409 while the first still runs, then the answer of the first."""
    simulator.latency("stripe", first_ms=1500)
    hasty = client_of(trunkline, retries=20, timeout_s=1.0)
    charge = hasty.v1.charges.create({"amount": 5, "currency": "eur", "source": "tok_visa"})

    assert charge.paid
    assert charge.last_response is not None
    assert charge.last_response.headers["x-trunkline-idempotent-replay"] == "true"
    assert [entry.acted for entry in simulator.ledger()] == [True]


@pytest.mark.row("E1")
@pytest.mark.parametrize("kind", ["app", "sdk"])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("declined", stripe.CardError),
        ("invalid", stripe.InvalidRequestError),
        ("not_found", stripe.InvalidRequestError),
        ("auth", stripe.AuthenticationError),
        ("permission", stripe.PermissionError),
        ("server_error", stripe.APIError),
    ],
)
def test_failures_are_the_sdks_own_exceptions(
    trunkline: Trunkline,
    simulator: SimulatorProcess,
    sdk_key: str,
    kind: str,
    fault: str,
    error: type[stripe.StripeError],
) -> None:
    simulator.fault(fault, "stripe")
    client = client_of(trunkline, sdk_key if kind == "sdk" else trunkline.key)
    with pytest.raises(error) as failed:
        client.v1.charges.create({"amount": 5, "currency": "eur", "source": "tok_visa"})

    assert type(failed.value) is error
    assert failed.value.request_id
    # The SDK gives each POST a key of its own, so that a repeat is safe.
    assert len(simulator.ledger()) == (4 if fault == "server_error" else 1)
    assert len({entry.idempotency_key for entry in simulator.ledger()}) == 1


def test_too_many_requests_are_its_own_exception(trunkline: Trunkline) -> None:
    key = trunkline.new_key("one-call", "*", rate=1, rate_per=3600.0)
    client = client_of(trunkline, key)
    client.v1.charges.list()
    with pytest.raises(stripe.RateLimitError) as failed:
        client.v1.charges.list()

    assert failed.value.http_status == 429


def test_a_declined_card_keeps_its_reason(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError) as failed:
        client.v1.charges.create(
            {"amount": 5, "currency": "eur", "source": "tok_chargeDeclinedInsufficientFunds"}
        )

    assert (failed.value.code, failed.value.http_status) == ("card_declined", 402)


def test_refusals_of_our_own_are_its_exceptions_too(trunkline: Trunkline) -> None:
    with pytest.raises(stripe.AuthenticationError):
        client_of(trunkline, "tl_wrong").v1.charges.list()
    with pytest.raises(stripe.PermissionError):
        client_of(trunkline, trunkline.new_key("crm", "integration:crm")).v1.charges.list()


@pytest.mark.row("F1")
def test_the_sdks_own_retries_carry_one_key_and_charge_once(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    simulator.fault("reset", "stripe", times=2)
    charge = client_of(trunkline, retries=2).v1.charges.create(
        {"amount": 5, "currency": "eur", "source": "tok_visa"}
    )
    simulator.no_faults()

    assert charge.paid
    assert len({entry.idempotency_key for entry in simulator.ledger()}) == 1
    assert len(client_of(trunkline).v1.charges.list().data) == 1


@pytest.mark.row("F1")
@pytest.mark.parametrize(("fault", "most"), [("server_error", 4), ("declined", 1), ("invalid", 1)])
def test_the_sdks_retries_and_ours_do_not_multiply(
    trunkline: Trunkline, simulator: SimulatorProcess, fault: str, most: int
) -> None:
    simulator.fault(fault, "stripe")
    with pytest.raises(stripe.StripeError):
        client_of(trunkline, retries=2).v1.charges.list()

    assert len(simulator.ledger()) == most


@pytest.mark.row("F1")
def test_an_act_of_unknown_outcome_is_not_repeated_by_the_sdk(
    trunkline: Trunkline, simulator: SimulatorProcess
) -> None:
    simulator.fault("reset", "crm")
    client = client_of(trunkline, retries=2, route="crm")
    with pytest.raises(stripe.StripeError):
        client.v1.charges.create({"amount": 5, "currency": "eur", "source": "tok_visa"})

    assert len(simulator.ledger()) == 1
