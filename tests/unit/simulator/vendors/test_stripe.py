"""Stripe as its clients see it: objects, keys, declines, lists."""

import asyncio
from typing import Any

import pytest

from tests.support.raw_http import Answer
from tests.unit.simulator.conftest import Ask
from trunkline.simulator import Simulator

CHARGE = b"amount=100&currency=eur&source=tok_visa&metadata[order]=7"


async def post(call: Ask, path: str, form: bytes, **fields: str) -> Answer:
    return await call("POST", f"/stripe/v1/{path}", form, **fields)


async def test_two_equal_charges_are_two_charges(call: Ask) -> None:
    ids = {(await post(call, "charges", CHARGE)).json()["id"] for _ in range(2)}
    assert len(ids) == 2
    assert all(one.startswith("ch_sim") for one in ids)


@pytest.mark.row("F2")
async def test_with_a_key_the_second_is_the_first_again(local: Simulator, call: Ask) -> None:
    first, second = [await post(call, "charges", CHARGE, idempotency_key="k") for _ in range(2)]
    assert second.body == first.body
    assert ("idempotent-replayed" in first.headers, second.headers["idempotent-replayed"]) == (False, "true")
    assert [(entry.acted, entry.replayed) for entry in local.ledger.read()["entries"]] == [
        (True, False),
        (False, True),
    ]


async def test_a_key_is_bound_to_its_request(call: Ask) -> None:
    await post(call, "charges", CHARGE, idempotency_key="k")
    other = await post(call, "charges", CHARGE.replace(b"100", b"200"), idempotency_key="k")
    assert (other.status, other.json()["error"]["type"]) == (400, "idempotency_error")


async def test_a_key_whose_first_request_still_runs_conflicts(local: Simulator, call: Ask) -> None:
    first = asyncio.create_task(
        post(call, "charges", CHARGE, idempotency_key="k", x_sim_fault="slow_start;ms=200")
    )
    async with asyncio.timeout(60):
        while local.ledger.seq == 0 or not local.ledger.read()["entries"][0].acted:
            await asyncio.sleep(0)
    second = await post(call, "charges", CHARGE, idempotency_key="k")
    assert (second.status, second.json()["error"]["code"]) == (409, "idempotency_key_in_use")
    assert (await first).status == 200


async def test_a_key_survives_a_cut_answer(call: Ask) -> None:
    assert (await post(call, "charges", CHARGE, idempotency_key="k", x_sim_fault="reset")).reset
    again = await post(call, "charges", CHARGE, idempotency_key="k")
    assert again.headers["idempotent-replayed"] == "true"
    assert len((await call("GET", "/stripe/v1/charges")).json()["data"]) == 1


async def test_a_request_that_failed_validation_leaves_its_key_free(call: Ask) -> None:
    assert (await post(call, "charges", b"currency=eur&source=tok_visa", idempotency_key="k")).status == 400
    assert (await post(call, "charges", CHARGE, idempotency_key="k")).status == 200


@pytest.mark.parametrize(
    ("source", "code", "decline"),
    [
        (b"source=tok_chargeDeclined", "card_declined", "generic_decline"),
        (b"source=tok_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        (b"source=tok_chargeDeclinedExpiredCard", "expired_card", None),
        (b"source[object]=card&source[number]=4000000000000002", "card_declined", "generic_decline"),
    ],
)
async def test_cards_that_decline(
    local: Simulator, call: Ask, source: bytes, code: str, decline: str | None
) -> None:
    answer = await post(call, "charges", b"amount=100&currency=eur&" + source)
    error = answer.json()["error"]
    assert (answer.status, error["type"], error["code"], error.get("decline_code")) == (
        402,
        "card_error",
        code,
        decline,
    )
    assert local.ledger.read()["entries"][-1].acted is False


async def test_forms_with_brackets_and_basic_credentials(call: Ask) -> None:
    form = b"email=a%40example.com&address[city]=Oslo&metadata[a]=1&expand[]=sources"
    made = (await post(call, "customers", form, authorization="Basic c2tfdGVzdDo=")).json()
    assert (made["email"], made["address"], made["metadata"]) == (
        "a@example.com",
        {"city": "Oslo"},
        {"a": "1"},
    )
    changed = (await post(call, f"customers/{made['id']}", b"name=Ada&metadata[a]=&metadata[b]=2")).json()
    assert (changed["name"], changed["metadata"]) == ("Ada", {"b": "2"})


async def test_lists_are_newest_first_and_paged(call: Ask) -> None:
    made = [(await post(call, "customers", b"name=n%d" % number)).json()["id"] for number in range(5)]
    first = (await call("GET", "/stripe/v1/customers?limit=2")).json()
    second = (
        await call("GET", f"/stripe/v1/customers?limit=10&starting_after={first['data'][-1]['id']}")
    ).json()
    assert [row["id"] for row in first["data"] + second["data"]] == made[::-1]
    assert (first["has_more"], second["has_more"]) == (True, False)
    before = (await call("GET", f"/stripe/v1/customers?limit=1&ending_before={made[0]}")).json()
    assert [row["id"] for row in before["data"]] == [made[1]]


async def test_an_intent_goes_its_way(call: Ask) -> None:
    async def status(path: str, form: bytes) -> Any:
        answer = await post(call, path, form)
        return answer.json().get("status") or answer.json()["error"]["code"]

    made = (await post(call, "payment_intents", b"amount=500&currency=eur&capture_method=manual")).json()
    path = f"payment_intents/{made['id']}"
    assert made["status"] == "requires_payment_method"
    assert await status(f"{path}/capture", b"") == "payment_intent_unexpected_state"
    assert await status(f"{path}/confirm", b"payment_method=pm_card_visa") == "requires_capture"
    assert await status(f"{path}/capture", b"") == "succeeded"
    assert len((await call("GET", f"/stripe/v1/charges?payment_intent={made['id']}")).json()["data"]) == 1


@pytest.mark.parametrize(
    ("method", "path", "form", "status", "code"),
    [
        ("POST", "charges", b"currency=eur&source=tok_visa", 400, "parameter_missing"),
        ("POST", "charges", b"amount=x&currency=eur&source=tok_visa", 400, "parameter_invalid_integer"),
        ("GET", "charges/ch_none", b"", 404, "resource_missing"),
        ("GET", "nothing", b"", 404, None),
    ],
)
async def test_bad_requests(
    call: Ask, method: str, path: str, form: bytes, status: int, code: str | None
) -> None:
    answer = await call(method, f"/stripe/v1/{path}", form)
    assert (answer.status, answer.json()["error"].get("code")) == (status, code)


async def test_a_refund_gives_back_once(call: Ask) -> None:
    charge = (await post(call, "charges", CHARGE)).json()["id"]
    assert (await post(call, "refunds", f"charge={charge}".encode())).json()["amount"] == 100
    again = await post(call, "refunds", f"charge={charge}".encode())
    assert again.json()["error"]["code"] == "charge_already_refunded"
